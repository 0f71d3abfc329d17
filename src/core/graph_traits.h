/* core/graph_traits.h - what distinguishes one architecture's graph from the plain one (private to the core).
 * The table is in graph_traits.c. */
#ifndef PLIMSOLL_CORE_GRAPH_TRAITS_H
#define PLIMSOLL_CORE_GRAPH_TRAITS_H

#include <stdint.h>

enum pls_trait {
    /* norms */
    PLS_T_NO_ATTN_NORM = 1 << 0,     /* the block starts without a norm */
    PLS_T_NO_FFN_NORM = 1 << 1,      /* so does the feed-forward part */
    PLS_T_SANDWICH = 1 << 2,         /* a norm after attention and one after feed-forward */
    PLS_T_FFN_NORM_IS_POST = 1 << 3, /* the norm before feed-forward is called post_attention_norm */
    PLS_T_LAYER_NORM = 1 << 4,       /* LayerNorm instead of RMSNorm */
    PLS_T_QK_NORM_LATE = 1 << 5,     /* Q and K are normed after rotation */
    PLS_T_V_NORM = 1 << 6,           /* V is normed, without a weight */
    /* block */
    PLS_T_PARALLEL = 1 << 7,             /* attention and feed-forward read the same norm */
    PLS_T_SINGLE = 1 << 8,               /* one mixer per block, nothing else */
    PLS_T_RESIDUAL_FIRST = 1 << 9,       /* the residual is the first operand of the last ADD */
    PLS_T_RESIDUAL_FIRST_ATTN = 1 << 10, /* and of the one after attention */
    PLS_T_SCALE_RESIDUAL = 1 << 11,      /* both branches are scaled */
    PLS_T_SCALE_EMBED = 1 << 12,
    PLS_T_SCALE_Q = 1 << 13,
    PLS_T_REPEAT_QK = 1 << 14, /* gated delta net: Q and K are repeated to V's heads (Qwen3-Next) */
    /* attention */
    PLS_T_FUSED_QKV = 1 << 15,
    PLS_T_GATED_Q = 1 << 16,          /* Q carries an output gate (Qwen3-Next) */
    PLS_T_ATTN_CAP = 1 << 18,         /* scores are soft-capped */
    PLS_T_ATTN_SCALE_INPUT = 1 << 19, /* unrotated layers scale Q by an input (Llama 4) */
    PLS_T_MROPE = 1 << 20,            /* four positions per token */
    /* feed-forward */
    PLS_T_FUSED_UP = 1 << 21,         /* gate and up are one matrix */
    PLS_T_RELU_SQUARED = 1 << 22,     /* ungated, squared ReLU */
    PLS_T_WEIGHTS_NORMED = 1 << 23,   /* router weights are always normalised */
    PLS_T_WEIGHTS_BEFORE = 1 << 24,   /* and applied before the experts (Llama 4) */
    PLS_T_WEIGHTS_RAW = 1 << 25,      /* never normalised, whatever the card says */
    PLS_T_EXPERT_BIAS = 1 << 26,      /* router and experts have biases, weights are softmaxed (gpt-oss) */
    PLS_T_SHARED_GATE = 1 << 27,      /* the shared experts have a sigmoid gate */
    PLS_T_SHARED_GATE_SILU = 1 << 28, /* computed as silu(x) / x */
    PLS_T_BETA_ALPHA = 1 << 29,       /* gated delta net: beta and alpha come from one matrix */
};
/* what comes after the blocks; these continue the same word */
#define PLS_T_ROWS_AFTER_BLOCKS                                                                              \
    (UINT64_C(1) << 32) /* output rows are picked after the last block, which is an output */
#define PLS_T_ROWS_AFTER_NORM   (UINT64_C(1) << 33) /* after the final norm, which is an output */
#define PLS_T_LOGIT_CAP         (UINT64_C(1) << 34)
#define PLS_T_LOGIT_SCALE       (UINT64_C(1) << 35)
#define PLS_T_OUTPUT_NORM_LFM2  (UINT64_C(1) << 36) /* the final norm is called token_embd_norm */
#define PLS_T_NO_ROPE           (UINT64_C(1) << 37) /* no positions at all */
#define PLS_T_FFN_NORM_BARE     (UINT64_C(1) << 38) /* "ffn_norm" without ".weight" (Falcon-H1) */
#define PLS_T_DOWN_SCALE        (UINT64_C(1) << 39) /* experts' outputs have a scale each (Gemma 4) */
#define PLS_T_SSM_NORM          (UINT64_C(1) << 40) /* Mamba-2 output is always normed */
#define PLS_T_SUM_BRANCHES      (UINT64_C(1) << 41) /* parallel: the branches are added to each other first */
#define PLS_T_ATTN_BRANCH_FIRST (UINT64_C(1) << 42) /* of which attention is the first operand */
#define PLS_T_POST_NORM_EARLY                                                                                \
    (UINT64_C(1) << 43)                     /* the norm after attention comes before rows are picked         \
                                             */
#define PLS_T_SUB_NORMS (UINT64_C(1) << 44) /* norms before the attention output and the down projection */
#define PLS_T_DEEPSTACK (UINT64_C(1) << 45) /* image features enter the first layers beside the embedding */
#define PLS_T_ENCODER   (UINT64_C(1) << 46) /* no cache and no logits: tokens attend to all of the batch */

enum pls_rope_rule {
    PLS_ROPE_ALL = 0,
    PLS_ROPE_SLIDING,          /* sliding layers only */
    PLS_ROPE_SLIDING_OR_PLAIN, /* those, or all when the model has none */
    PLS_ROPE_SKIP_FOURTH,      /* all but every fourth */
};

#endif
