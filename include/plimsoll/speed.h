/* plimsoll/speed.h - how long a GPU takes for one token and for a prompt, from bytes, arithmetic and fixed costs.
 *
 * Decode, seconds per token of the layers on one device:
 *
 *     layers * layer_us * (1 + moe * share of MoE layers + linear * share of linear-attention layers)   launches, barriers
 *   + weight bytes / (0.93 * bandwidth)                                                                 the bus
 *   + sum over types of ops(vendor, type) * weights of that type / FP32 rate                            dequantize and dot
 *   + cache bytes read / (cache_share * bandwidth)                                                      attention at depth
 *
 * Prefill of n tokens in micro-batches of ub:
 *
 *     2 * active parameters * n / (matrix_share * peak) * (1 + moe_prefill) * (wide_cost when F16 or BF16)
 *   + micro-batches * (weight bytes / (0.8 * bandwidth) + layers * 0.24 ms)
 *   + 5.7 * attention flops / (matrix_share * peak)
 *
 * Constants are fitted to published llama-bench and MLX measurements (data/speed_gpu.def says how many rows each rests on);
 * the form's error on devices it has not seen stands there too and becomes the printed interval.
 */
#ifndef PLIMSOLL_SPEED_H
#define PLIMSOLL_SPEED_H

#include "plimsoll/plan.h"

/* Groups of tensor types that cost alike to unpack. */
enum pls_ops_class {
    PLS_OPS_F16 = 0, /* and F32 */
    PLS_OPS_BF16,
    PLS_OPS_Q8,
    PLS_OPS_Q4_0, /* the flat 4 and 5 bit types */
    PLS_OPS_MXFP4,
    PLS_OPS_K,    /* Q4_K, Q5_K, Q6_K */
    PLS_OPS_LOW,  /* Q2_K, Q3_K, IQ4 */
    PLS_OPS_IQ,   /* IQ1 to IQ3, ternary */
    PLS_OPS_COUNT,
};
enum pls_ops_class pls_ops_class(enum pls_type type);

/* One kind of device. Empty vendor or generation: any. */
struct pls_gpu_class {
    enum pls_backend backend;
    const char *vendor;
    const char *generation;
    double layer_us, moe, linear, cache_share;
    double decode_spread; /* 80% of unseen measurements lie within a factor of this, either way */
    uint32_t decode_rows;
    double peak_of_fp32;  /* peak = this * FP32 rate; 0: the table's FP16 rate */
    double matrix_share, moe_prefill;
    double prefill_spread;
    uint32_t prefill_rows;
};

struct pls_gpu_constants {
    uint32_t n_classes;
    struct pls_gpu_class classes[32]; /* the most specific first */
    double ops[5][PLS_OPS_COUNT];     /* by vendor: nvidia, apple, amd, intel, MLX on Apple */
};
/* The fitted constants. */
struct pls_gpu_constants pls_gpu_constants(void);

/* What one device does for one token, or one prompt. */
struct pls_gpu_load {
    const struct pls_gpu *gpu;
    enum pls_backend backend;          /* the one in use */
    double bandwidth_gbs;
    const struct pls_traffic *traffic;
    uint64_t depth_tokens;             /* in the cache */
    uint64_t prompt_tokens, ubatch_tokens;
    uint64_t resident_bytes;           /* weights on the device: a micro-batch of a MoE reads nearly all of them */
    bool flash_attention;
};
struct pls_gpu_time {
    double seconds;        /* NAN when bandwidth is unknown */
    double spread;         /* interval factor */
    enum pls_bound bound;  /* the largest part */
    uint32_t rows;         /* measurements behind the constants */
};
struct pls_gpu_time pls_gpu_decode(const struct pls_gpu_constants *c, const struct pls_gpu_load *load);
struct pls_gpu_time pls_gpu_prefill(const struct pls_gpu_constants *c, const struct pls_gpu_load *load);

/* The same for the processor (core/speed_cpu.c): kernels measured here when there are any, else bandwidth alone. */
struct pls_cpu_load {
    const struct pls_machine *machine;
    const struct pls_rates *rates;
    const struct pls_traffic *traffic;
    uint64_t depth_tokens, prompt_tokens, ubatch_tokens;
    uint32_t n_threads; /* 0: all */
};
struct pls_gpu_time pls_cpu_decode(const struct pls_cpu_load *load, enum pls_origin *origin);
struct pls_gpu_time pls_cpu_prefill(const struct pls_cpu_load *load, enum pls_origin *origin);

#endif
