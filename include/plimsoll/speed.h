/* plimsoll/speed.h - how long a device takes for one token and for a prompt, from bytes, arithmetic and fixed
 * costs.
 *
 * Decode on a GPU, seconds per token of the layers there (launches and barriers; the bus and unpacking beside
 * it; attention reads its cache, and scores it):
 *
 *     layers * layer_us * launch * old_launch
 *         * (1 + moe * share of MoE layers + linear * share of recurrent layers)
 *   + sum over types of longer + exposed * shorter of
 *         bytes / (bus_share * bandwidth)
 *         ops(backend, vendor, type) * unpack * weights of that type / FP32 rate
 *   + cache bytes read / (cache_share * bandwidth)
 *   + attention_ops * 4 * attention width * depth / FP32 rate
 *
 * Prefill of n tokens in micro-batches of ub (products; each micro-batch reads all weights; scores of the
 * prompt, and the cache read for them):
 *
 *     sum over types of 2 * active parameters of that type * n / rate * matrix(backend, vendor, type)
 *         * (share of experts * thin + rest * old)
 *   + micro-batches * (weight bytes / (0.8 * bandwidth)
 *                      + layers * layer_prefill_us * (1 + linear_prefill * share of recurrent layers))
 *   + attention_prefill * no_flash_prefill * attention flops / rate
 *   + cache_prefill * n * cache bytes / bandwidth
 *
 * where the output matrix counts for the last token alone; rate = matrix_share * peak; thin = 1 + moe_prefill
 * / tokens that each expert gets of a micro-batch: few rows leave a tile of the matrix kernel empty; old =
 * old_prefill for quantized types with an engine from before old_before, old_launch likewise. Sliding layers
 * read and score at most their window. plimsoll(7), SPEED has the errors.
 *
 * Constants are fitted to published llama-bench and MLX measurements (data/speed_gpu.def says how many rows
 * each rests on, tests/speed/ fits them); the error on devices left out of the fit is the printed interval.
 */
#ifndef PLIMSOLL_SPEED_H
#define PLIMSOLL_SPEED_H

#include "plimsoll/calibrate.h"

/* Interval factor once runs have been learnt from: what they left over, but never less than a tenth. */
double pls_learnt_spread(const struct pls_calibration *learnt, double spread);

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

/* What a backend's kernels cost on one vendor's devices. Empty vendor: any. */
struct pls_gpu_backend {
    enum pls_backend backend;
    const char *vendor;
    /* no_flash: of cache_share, without flash attention */
    double layer_us, moe, linear, cache_share, no_flash, attention_ops;
    double old_launch;         /* how much longer launches of a token took before old_launch_before */
    uint32_t old_launch_before; /* yyyymmdd; 0 never */
    double exposed; /* of the shorter of reading and unpacking: the rest hides behind the longer */
    double decode_spread; /* 80% of unseen measurements lie within a factor of this, either way */
    uint32_t decode_rows;
    double moe_prefill; /* tokens */
    /* times that each token of a prompt reads the cache: 1 / tokens that a kernel scores at once */
    double cache_prefill;
    double attention_prefill, no_flash_prefill; /* the second on top of the first without flash attention */
    double layer_prefill_us, linear_prefill;
    double prefill_spread;
    uint32_t prefill_rows;
};

/* What a generation of devices makes of its figures. Empty generation: those not named. */
struct pls_gpu_generation {
    enum pls_backend backend;
    const char *generation;
    double bus_share;    /* of the bandwidth, weights reach */
    double launch;       /* fixed costs against the backend's: clocks, queues */
    /* operations against the vendor's: Apple's M3 and later issue integers beside floats */
    double unpack;
    double peak_of_fp32; /* matrix peak = this * FP32 rate; 0: the table's FP16 rate */
    double matrix_share; /* of that peak, quantized matrix products reach */
    /* how much longer products of quantized types took before old_before, when kernels for it came */
    double old_prefill;
    uint32_t old_before; /* yyyymmdd; 0 never */
    uint32_t rows;       /* measurements of this generation behind it */
};

/* By class of type. Backend NONE: any. */
struct pls_gpu_ops {
    enum pls_backend backend;
    const char *vendor;
    double ops[PLS_OPS_COUNT];
};

struct pls_gpu_constants {
    /* Each the most specific line first; a NULL name ends a table that is not full. */
    struct pls_gpu_backend backends[16];
    struct pls_gpu_generation generations[64];
    struct pls_gpu_ops ops[16];    /* operation slots per weight of a token */
    struct pls_gpu_ops matrix[16]; /* time of a prompt's products against matrix_share's */
};
/* The fitted constants. */
const struct pls_gpu_constants *pls_gpu_constants(void);

/* What one device does for one token, or one prompt. */
struct pls_gpu_load {
    const struct pls_gpu *gpu;
    enum pls_backend backend;          /* the one in use */
    double bandwidth_gbs;
    const struct pls_traffic *traffic;
    uint64_t depth_tokens;             /* in the cache */
    uint64_t prompt_tokens, ubatch_tokens;
    double experts_per_used;           /* routed experts per one used; 1 for dense models */
    /* weights on the device: a micro-batch of a MoE reads nearly all of them */
    uint64_t resident_bytes;
    bool flash_attention;
    uint32_t engine_as_of;             /* yyyymmdd; 0 today */
    const struct pls_calibration *learnt; /* of runs on this machine with this backend; NULL none */
};
/* Which plan's speed, of which kind. */
struct pls_speed_question {
    const struct pls_card *card;
    const struct pls_machine *machine;
    const struct pls_rates *rates;
    const struct pls_plan *plan;
    bool is_prefill;
};
struct pls_share_time {
    double seconds;        /* NAN when bandwidth is unknown */
    double spread;         /* interval factor */
    enum pls_bound bound;  /* the largest part */
    uint32_t rows;         /* measurements behind the constants */
};
/* What those seconds are made of, before anything learnt, and the constants behind them: --explain prints
 * it. */
struct pls_gpu_terms {
    const struct pls_gpu_backend *backend;
    const struct pls_gpu_generation *generation;
    double launch;                   /* factors on the backend's time of a layer, together */
    /* decode: FP32 of the device; prefill: matrix_share * peak; per second */
    double rate;
    /* decode: operations per weight; prefill: all factors on products together */
    double per_type[PLS_TYPE_COUNT];
    double bus_s[PLS_TYPE_COUNT];    /* reading; 0 in prefill */
    double work_s[PLS_TYPE_COUNT];   /* unpacking and multiplying; the products of a prompt */
    double fixed_s;                  /* launches */
    double cache_s;                  /* reading the cache; in prefill the weights, once per micro-batch */
    double cache_share;              /* of the bandwidth, that reading reaches */
    double scores_s;                 /* of attention */
    double scores_factor;            /* on its arithmetic at `rate` */
    double reread_s;                 /* reading the cache for those, in prefill */
};
/* Seconds of the weights of one type, less what hides behind the longer of reading and unpacking. */
double pls_gpu_type_s(const struct pls_gpu_terms *terms, enum pls_type type, bool is_prefill);
/* False when they are unknown. */
bool pls_gpu_terms(const struct pls_gpu_constants *c, const struct pls_gpu_load *load, bool is_prefill,
                   struct pls_gpu_terms *out);
/* The terms of a plan's share that lies on a GPU; false for shares elsewhere and for terms that are
 * unknown. */
bool pls_speed_terms(const struct pls_speed_question *q, const struct pls_share *s,
                     struct pls_gpu_terms *out);
/* The parts of one share, wherever it lies. is_measured: by kernels measured on the machine. */
struct pls_speed_parts pls_speed_share_parts(const struct pls_speed_question *q, const struct pls_share *s,
                                             bool *is_measured);
/* Whether the products of this share's prompt run on a GPU that borrows the weights over its link. */
bool pls_speed_is_borrowed(const struct pls_speed_question *q, const struct pls_share *s);
/* Of the prompt whose speed was asked. */
uint64_t pls_speed_prompt_tokens(const struct pls_plan *plan);
/* Handing a token from device to device, seconds: all of a plan's changes, and one. */
double pls_speed_hops_s(const struct pls_plan *plan);
double pls_speed_hop_s(void);
/* The same seconds taken apart, before anything learnt; other is NAN when unknown. */
struct pls_speed_parts pls_gpu_parts(const struct pls_gpu_constants *c, const struct pls_gpu_load *load,
                                     bool is_prefill);
struct pls_share_time pls_gpu_decode(const struct pls_gpu_constants *c, const struct pls_gpu_load *load);
struct pls_share_time pls_gpu_prefill(const struct pls_gpu_constants *c, const struct pls_gpu_load *load);

/* The same for the processor (core/speed_cpu.c). With kernels measured on this machine, seconds per token are
 *
 *     sum over types of bytes / our streaming rate * slow(decode * n * r1) / slow(n * r1),
 *         slow(x) = (x^-4 + bus^-4)^(1/4)
 *   + operations * (barrier + op_ns)
 *   + 4 * attention width * depth / (attention_share * attention rate)
 *
 * our streaming rate is that of our kernel with n threads, r1 with one; decode is the engine's to ours where
 * the bus had room (data/speed_cpu.def); bus is the memory's rate, infinite where plain reading grew with the
 * threads; every head reads the rows of the cache it looks at. A prompt's seconds are
 *
 *     sum over types of 2 * parameters * n / (prefill * matrix rate)
 *         * (1 + moe_prefill * experts per used one / n)
 *   + micro-batches * bytes / memory rate + operations * (barrier + op_ns) + n * operations * op_token_ns
 *   + attention arithmetic / (attention_prefill * matrix rate of F16)
 *
 * Without measurements, from the table alone: typical rates of one core times cores beside a share of the
 * memory's bandwidth. */
struct pls_cpu_load {
    const struct pls_machine *machine;
    const struct pls_rates *rates;
    const struct pls_traffic *traffic;
    uint64_t depth_tokens, prompt_tokens, ubatch_tokens;
    uint32_t n_threads;         /* 0: all */
    double experts_per_used;    /* routed experts per one used; 1 for dense models */
    const struct pls_calibration *learnt; /* NULL none */
};
struct pls_speed_parts pls_cpu_parts(const struct pls_cpu_load *load, bool is_prefill, bool *is_measured);
struct pls_share_time pls_cpu_decode(const struct pls_cpu_load *load, enum pls_origin *origin);
struct pls_share_time pls_cpu_prefill(const struct pls_cpu_load *load, enum pls_origin *origin);

/* The speed that a model is asked for: of decoding, or of reading for one that embeds or ranks and never
 * decodes (pls_card_only_reads). Every floor (--min-speed) and every column that shows one speed goes by it.
 * 0: unknown. */
double pls_speed_that_counts(const struct pls_card *card, const struct pls_plan *plan);

/* Speculative decoding: a small model drafts, the large one checks several tokens at once. Both plans have
 * their speeds. acceptance: share of drafted tokens that the large model agrees with, 0 to below 1; it
 * depends on text and models and can only be assumed. gain 0: a speed is unknown; below 1: it does not
 * pay. */
struct pls_draft_gain {
    double acceptance;
    double gain;         /* times the speed without */
    uint32_t n_drafted;  /* per round, where the gain is largest */
};
struct pls_draft_gain pls_draft_gain(const struct pls_card *card, const struct pls_plan *target,
                                     const struct pls_plan *draft, double acceptance);

#endif
