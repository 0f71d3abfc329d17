/* One row per architecture whose graph is known. A new architecture is a row; only a new kind of operation is code.
 * Source: llama.cpp's model files of 2026-08-22; rows marked (*) were also compared node by node with listed graphs. */
#include "core/graph_traits.h"
#include "core/graph.h"

#include <string.h>

#define T(name) ((uint64_t)PLS_T_##name)

enum { SOFTMAX = 1, SIGMOID = 2, NONE = PLS_QK_NORM_NONE, HEAD = PLS_QK_NORM_HEAD, FULL = PLS_QK_NORM_FULL };

#define QWEN_NEXT (T(FFN_NORM_IS_POST) | T(GATED_Q) | T(WEIGHTS_NORMED) | T(SHARED_GATE) | T(ROWS_AFTER_NORM))
#define GRANITE (T(SCALE_RESIDUAL) | T(LOGIT_SCALE) | T(WEIGHTS_NORMED))

/* arch, flags, Q/K norm unless the card says, rotation, expert gating unless the card says, own builder */
static const struct pls_traits TABLE[] = {
    { "llama", T(WEIGHTS_NORMED), NONE, PLS_ROPE_ALL, SOFTMAX, NULL },
    { "mistral3", T(WEIGHTS_NORMED), NONE, PLS_ROPE_ALL, SOFTMAX, NULL },
    { "qwen2", 0, NONE, PLS_ROPE_ALL, 0, NULL },
    { "qwen2moe", T(WEIGHTS_RAW) | T(SHARED_GATE_SILU), NONE, PLS_ROPE_ALL, SOFTMAX, NULL },
    { "qwen3", 0, HEAD, PLS_ROPE_ALL, 0, NULL },
    { "qwen3moe", T(WEIGHTS_NORMED), HEAD, PLS_ROPE_ALL, SOFTMAX, NULL },
    { "qwen3next", QWEN_NEXT | T(REPEAT_QK) | T(BETA_ALPHA), HEAD, PLS_ROPE_ALL, SOFTMAX, NULL },
    { "qwen35", QWEN_NEXT | T(MROPE), HEAD, PLS_ROPE_ALL, SOFTMAX, NULL },
    { "qwen35moe", QWEN_NEXT | T(MROPE), HEAD, PLS_ROPE_ALL, SOFTMAX, NULL },
    { "gemma2", T(SANDWICH) | T(SCALE_EMBED) | T(SCALE_Q) | T(ATTN_CAP) | T(LOGIT_CAP), NONE, PLS_ROPE_ALL, 0, NULL },
    { "gemma3", T(SANDWICH) | T(SCALE_EMBED) | T(SCALE_Q), HEAD, PLS_ROPE_ALL, 0, NULL },
    { "gemma3n", T(LOGIT_CAP), HEAD, PLS_ROPE_ALL, 0, pls_graph_build_gemma3n },
    { "gemma4", T(LOGIT_CAP) | T(WEIGHTS_NORMED) | T(DOWN_SCALE) | T(ROWS_AFTER_NORM), HEAD, PLS_ROPE_ALL, SOFTMAX, pls_graph_build_gemma4 },
    { "phi3", T(FUSED_QKV) | T(FUSED_UP) | T(SCALE_Q) | T(RESIDUAL_FIRST), NONE, PLS_ROPE_ALL, 0, NULL },
    { "deepseek2", 0, NONE, PLS_ROPE_ALL, SOFTMAX, NULL },
    { "glm4", T(SANDWICH) | T(FUSED_UP), NONE, PLS_ROPE_ALL, 0, NULL },
    { "glm4moe", T(FFN_NORM_IS_POST), NONE, PLS_ROPE_ALL, SIGMOID, NULL },
    { "gpt-oss", T(FFN_NORM_IS_POST) | T(EXPERT_BIAS) | T(WEIGHTS_RAW) | T(ROWS_AFTER_BLOCKS), NONE, PLS_ROPE_ALL, 0, NULL },
    { "llama4", T(ATTN_SCALE_INPUT) | T(WEIGHTS_BEFORE) | T(WEIGHTS_RAW), NONE, PLS_ROPE_SLIDING, SIGMOID, NULL },
    { "granite", GRANITE, NONE, PLS_ROPE_ALL, SOFTMAX, NULL },
    { "granitemoe", GRANITE, NONE, PLS_ROPE_ALL, SOFTMAX, NULL },
    { "granitehybrid", GRANITE | T(SSM_NORM), NONE, PLS_ROPE_ALL, SOFTMAX, NULL },
    { "command-r", T(PARALLEL) | T(LAYER_NORM) | T(LOGIT_SCALE), NONE, PLS_ROPE_ALL, 0, NULL },
    { "cohere2", T(PARALLEL) | T(LAYER_NORM) | T(LOGIT_SCALE), NONE, PLS_ROPE_SLIDING, 0, NULL },
    { "olmo2", T(NO_ATTN_NORM) | T(NO_FFN_NORM) | T(SANDWICH), FULL, PLS_ROPE_ALL, 0, NULL },
    { "smollm3", 0, NONE, PLS_ROPE_SKIP_FOURTH, 0, NULL },
    { "lfm2", T(RESIDUAL_FIRST) | T(RESIDUAL_FIRST_ATTN) | T(OUTPUT_NORM_LFM2), HEAD, PLS_ROPE_ALL, 0, NULL },
    { "lfm2moe", T(RESIDUAL_FIRST) | T(RESIDUAL_FIRST_ATTN) | T(OUTPUT_NORM_LFM2) | T(WEIGHTS_NORMED), HEAD,
      PLS_ROPE_ALL, SIGMOID, NULL },
    { "nemotron_h", T(SINGLE) | T(RELU_SQUARED) | T(NO_ROPE) | T(SSM_NORM) | T(ROWS_AFTER_NORM), NONE, PLS_ROPE_ALL, 0,
      NULL },
    { "nemotron_h_moe", T(SINGLE) | T(RELU_SQUARED) | T(NO_ROPE) | T(SSM_NORM) | T(ROWS_AFTER_NORM), NONE, PLS_ROPE_ALL,
      SIGMOID, NULL },
    { "falcon-h1", T(FFN_NORM_BARE), NONE, PLS_ROPE_ALL, 0, NULL },
    { "minimax-m2", T(WEIGHTS_NORMED), FULL, PLS_ROPE_ALL, SIGMOID, NULL },
    { "kimi-linear", T(NO_ROPE) | T(WEIGHTS_NORMED), NONE, PLS_ROPE_ALL, SIGMOID, NULL },
    { "ernie4_5", 0, NONE, PLS_ROPE_ALL, 0, NULL },
    { "ernie4_5-moe", T(WEIGHTS_NORMED), NONE, PLS_ROPE_ALL, SOFTMAX, NULL },
    { "hunyuan-moe", T(QK_NORM_LATE) | T(WEIGHTS_NORMED), HEAD, PLS_ROPE_ALL, SOFTMAX, NULL },
    { "hunyuan-dense", T(QK_NORM_LATE), HEAD, PLS_ROPE_ALL, 0, NULL },
    { "seed_oss", T(FFN_NORM_IS_POST), NONE, PLS_ROPE_ALL, 0, NULL },
    { "exaone4", T(NO_ATTN_NORM) | T(NO_FFN_NORM) | T(SANDWICH), HEAD, PLS_ROPE_SLIDING_OR_PLAIN, 0, NULL },
};

const struct pls_traits *pls_traits_of(const char *arch)
{
    for (size_t i = 0; i < PLS_COUNT_OF(TABLE); i++) {
        if (strcmp(TABLE[i].arch, arch) == 0) {
            return &TABLE[i];
        }
    }
    return NULL;
}
