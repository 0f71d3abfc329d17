/* One row per architecture whose graph is known. A new architecture is a row; only a new kind of operation is
 * code. Source: llama.cpp's model files of 2026-08-22; rows marked (*) were also compared node by node with
 * listed graphs. */
#include "core/graph_traits.h"
#include "core/graph.h"

#include <string.h>

#define T(name) ((uint64_t)PLS_T_##name)

enum { SIGMOID = 2, HEAD = PLS_QK_NORM_HEAD, FULL = PLS_QK_NORM_FULL };

#define QWEN_NEXT (T(FFN_NORM_IS_POST) | T(GATED_Q) | T(WEIGHTS_NORMED) | T(SHARED_GATE) | T(ROWS_AFTER_NORM))
#define GRANITE   (T(SCALE_RESIDUAL) | T(LOGIT_SCALE) | T(WEIGHTS_NORMED))

/* Unset: no Q/K norm of its own, every layer rotates, experts gated by softmax, the common builder. */
static const struct pls_traits TABLE[] = {
    { .arch = "llama", .flags = T(WEIGHTS_NORMED) },
    { .arch = "mistral3", .flags = T(WEIGHTS_NORMED) },
    { .arch = "qwen2" },
    { .arch = "qwen2moe", .flags = T(WEIGHTS_RAW) | T(SHARED_GATE_SILU) },
    { .arch = "qwen3", .qk_norm = HEAD },
    { .arch = "qwen3moe", .flags = T(WEIGHTS_NORMED), .qk_norm = HEAD },
    { .arch = "qwen3next", .flags = QWEN_NEXT | T(REPEAT_QK) | T(BETA_ALPHA), .qk_norm = HEAD },
    { .arch = "qwen35", .flags = QWEN_NEXT | T(MROPE), .qk_norm = HEAD },
    { .arch = "qwen35moe", .flags = QWEN_NEXT | T(MROPE), .qk_norm = HEAD },
    { .arch = "gemma2", .flags = T(SANDWICH) | T(SCALE_EMBED) | T(SCALE_Q) | T(ATTN_CAP) | T(LOGIT_CAP) },
    { .arch = "gemma3", .flags = T(SANDWICH) | T(SCALE_EMBED) | T(SCALE_Q), .qk_norm = HEAD },
    { .arch = "gemma3n", .flags = T(LOGIT_CAP), .qk_norm = HEAD, .build = pls_graph_build_gemma3n },
    { .arch = "gemma4",
      .flags = T(LOGIT_CAP) | T(WEIGHTS_NORMED) | T(DOWN_SCALE) | T(ROWS_AFTER_NORM),
      .qk_norm = HEAD,
      .build = pls_graph_build_gemma4 },
    { .arch = "phi3", .flags = T(FUSED_QKV) | T(FUSED_UP) | T(SCALE_Q) | T(RESIDUAL_FIRST) },
    { .arch = "deepseek2" },
    { .arch = "glm4", .flags = T(SANDWICH) | T(FUSED_UP) },
    { .arch = "glm4moe", .flags = T(FFN_NORM_IS_POST), .gating = SIGMOID },
    { .arch = "gpt-oss",
      .flags = T(FFN_NORM_IS_POST) | T(EXPERT_BIAS) | T(WEIGHTS_RAW) | T(ROWS_AFTER_BLOCKS) },
    { .arch = "llama4",
      .flags = T(ATTN_SCALE_INPUT) | T(WEIGHTS_BEFORE) | T(WEIGHTS_RAW),
      .rope = PLS_ROPE_SLIDING,
      .gating = SIGMOID },
    { .arch = "granite", .flags = GRANITE },
    { .arch = "granitemoe", .flags = GRANITE },
    { .arch = "granitehybrid", .flags = GRANITE | T(SSM_NORM) },
    { .arch = "command-r", .flags = T(PARALLEL) | T(LAYER_NORM) | T(LOGIT_SCALE) },
    { .arch = "cohere2", .flags = T(PARALLEL) | T(LAYER_NORM) | T(LOGIT_SCALE), .rope = PLS_ROPE_SLIDING },
    { .arch = "olmo2", .flags = T(NO_ATTN_NORM) | T(NO_FFN_NORM) | T(SANDWICH), .qk_norm = FULL },
    { .arch = "smollm3", .rope = PLS_ROPE_SKIP_FOURTH },
    { .arch = "lfm2",
      .flags = T(RESIDUAL_FIRST) | T(RESIDUAL_FIRST_ATTN) | T(OUTPUT_NORM_LFM2),
      .qk_norm = HEAD },
    { .arch = "lfm2moe",
      .flags = T(RESIDUAL_FIRST) | T(RESIDUAL_FIRST_ATTN) | T(OUTPUT_NORM_LFM2) | T(WEIGHTS_NORMED),
      .qk_norm = HEAD,
      .gating = SIGMOID },
    { .arch = "nemotron_h",
      .flags = T(SINGLE) | T(RELU_SQUARED) | T(NO_ROPE) | T(SSM_NORM) | T(ROWS_AFTER_NORM) },
    { .arch = "nemotron_h_moe",
      .flags = T(SINGLE) | T(RELU_SQUARED) | T(NO_ROPE) | T(SSM_NORM) | T(ROWS_AFTER_NORM),
      .gating = SIGMOID },
    { .arch = "falcon-h1", .flags = T(FFN_NORM_BARE) },
    { .arch = "minimax-m2", .flags = T(WEIGHTS_NORMED), .qk_norm = FULL, .gating = SIGMOID },
    { .arch = "kimi-linear", .flags = T(NO_ROPE) | T(WEIGHTS_NORMED), .gating = SIGMOID },
    { .arch = "ernie4_5" },
    { .arch = "ernie4_5-moe", .flags = T(WEIGHTS_NORMED) },
    { .arch = "hunyuan-moe", .flags = T(QK_NORM_LATE) | T(WEIGHTS_NORMED), .qk_norm = HEAD },
    { .arch = "hunyuan-dense", .flags = T(QK_NORM_LATE), .qk_norm = HEAD },
    { .arch = "seed_oss", .flags = T(FFN_NORM_IS_POST) },
    { .arch = "exaone4",
      .flags = T(NO_ATTN_NORM) | T(NO_FFN_NORM) | T(SANDWICH),
      .qk_norm = HEAD,
      .rope = PLS_ROPE_SLIDING_OR_PLAIN },
    { .arch = "internlm2" },
    { .arch = "xverse" },
    { .arch = "exaone" },
    { .arch = "deci" },
    { .arch = "qwen2vl", .flags = T(MROPE) },
    { .arch = "qwen3vl", .flags = T(MROPE) | T(DEEPSTACK), .qk_norm = HEAD },
    { .arch = "qwen3vlmoe", .flags = T(MROPE) | T(DEEPSTACK) | T(WEIGHTS_NORMED), .qk_norm = HEAD },
    { .arch = "arcee", .flags = T(RELU_SQUARED) },
    { .arch = "apertus", .qk_norm = HEAD },
    { .arch = "nemotron", .flags = T(LAYER_NORM) | T(RELU_SQUARED) },
    { .arch = "starcoder2", .flags = T(LAYER_NORM) },
    { .arch = "orion", .flags = T(LAYER_NORM) },
    { .arch = "stablelm", .flags = T(LAYER_NORM) },
    { .arch = "falcon", .flags = T(LAYER_NORM) | T(PARALLEL) | T(SUM_BRANCHES) | T(FUSED_QKV) },
    { .arch = "phi2",
      .flags = T(LAYER_NORM) | T(PARALLEL) | T(SUM_BRANCHES) | T(ATTN_BRANCH_FIRST) | T(SCALE_Q) },
    { .arch = "phimoe", .flags = T(SCALE_Q) | T(RESIDUAL_FIRST) | T(WEIGHTS_NORMED) },
    { .arch = "gemma", .flags = T(SCALE_EMBED) | T(SCALE_Q) },
    { .arch = "minicpm", .flags = T(SCALE_EMBED) | T(SCALE_RESIDUAL) | T(LOGIT_SCALE) },
    { .arch = "chatglm", .flags = T(FUSED_UP) | T(FUSED_QKV) },
    { .arch = "bitnet", .flags = T(SUB_NORMS) },
    { .arch = "mellum", .flags = T(WEIGHTS_NORMED), .qk_norm = HEAD },
    { .arch = "deepseek", .flags = T(WEIGHTS_RAW) },
    { .arch = "olmoe", .flags = T(WEIGHTS_RAW), .qk_norm = FULL },
    { .arch = "dots1", .qk_norm = HEAD, .gating = SIGMOID },
    { .arch = "bailingmoe" },
    { .arch = "bailingmoe2", .flags = T(FUSED_QKV), .qk_norm = HEAD, .gating = SIGMOID },
    { .arch = "exaone-moe", .qk_norm = HEAD, .rope = PLS_ROPE_SLIDING, .gating = SIGMOID },
    { .arch = "hy_v3", .flags = T(ROWS_AFTER_NORM), .qk_norm = HEAD, .gating = SIGMOID },
    { .arch = "mimo2", .flags = T(WEIGHTS_NORMED), .gating = SIGMOID },
    { .arch = "afmoe",
      .flags = T(SANDWICH) | T(POST_NORM_EARLY) | T(SCALE_EMBED),
      .qk_norm = HEAD,
      .rope = PLS_ROPE_SLIDING,
      .gating = SIGMOID },
    { .arch = "laguna", .qk_norm = HEAD, .gating = SIGMOID },
    { .arch = "step35", .flags = T(ROWS_AFTER_BLOCKS), .qk_norm = HEAD, .gating = SIGMOID },
    { .arch = "mistral4" },
    { .arch = "llama-embed", .flags = T(ENCODER) },
    { .arch = "gemma-embedding",
      .flags = T(ENCODER) | T(SANDWICH) | T(SCALE_EMBED) | T(SCALE_Q),
      .qk_norm = HEAD },
    { .arch = "bert", .flags = T(ENCODER) | T(NO_ROPE), .build = pls_graph_build_bert },
    { .arch = "nomic-bert", .flags = T(ENCODER), .build = pls_graph_build_bert },
    { .arch = "nomic-bert-moe", .flags = T(ENCODER) | T(WEIGHTS_RAW), .build = pls_graph_build_bert },
    { .arch = "jina-bert-v2", .flags = T(ENCODER) | T(NO_ROPE), .build = pls_graph_build_bert },
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
