/* plimsoll/rates.h - measured and tabled rates that predictions start from.
 *
 * Filled outside the core: by the benchmark (kern/), the user database (catalog/) or the hardware table; the
 * core only reads it. A rate of 0 is unknown and the predictor falls back to bandwidth with a wider
 * interval. */
#ifndef PLIMSOLL_RATES_H
#define PLIMSOLL_RATES_H

#include "plimsoll/machine.h"
#include "plimsoll/quant.h"

/* One kernel of one type, all threads together unless said. */
struct pls_type_rate {
    double stream_gbs;       /* matrix-vector over memory-sized data, bytes of weights per second */
    double cached_gbs;       /* the same, cache-resident */
    double stream_repacked_gbs; /* interleaved kernel, where the engine would repack; 0: it would not */
    double cached_repacked_gbs;
    /* as the engine would run it (repacked or not), with 1 and half the threads */
    double stream_one_gbs, stream_half_gbs;
    double cached_one_gbs, cached_half_gbs;
    /* Matrix-matrix, 2*m*n*k per second, 64 rows of 2048 elements by 128 columns per thread, with our kernel:
     * F32, F16, BF16, the types of 32 elements (NVFP4 apart), Q2_K to Q6_K, IQ4_XS. Where there is none
     * (NVFP4, TQ*, IQ1* to IQ3*, for which engines have none either; all types on ARM without dot products)
     * one dot product runs for every row and column: 2 * cached_gbs * elements per byte of the type. 0 where
     * only scalar code runs. */
    double gemm_gflops;
    /* widest of the streaming rates above: interquartile range of its turns (bench.h) over the median */
    double spread;
};

/* Corrections learnt from measured engine runs on this machine (`calibrate`); 0 means none. */
struct pls_calibration {
    double type_factor[PLS_TYPE_COUNT]; /* engine rate / our predicted rate, decode */
    double fixed_ns_per_layer;          /* added per layer and token */
    double prefill_factor[PLS_TYPE_COUNT];
    double residual;                    /* relative spread left after the fit */
    uint32_t n_runs;
    enum pls_backend backend;           /* what the runs used: only predictions for it are corrected */
};

#define PLS_MAX_RAM_STEPS 8

/* Streaming read by number of threads; spread is that of the turns. */
struct pls_ram_step {
    uint32_t n_threads;
    double read_gbs;
    double spread;
};

struct pls_rates {
    double ram_gbs;                 /* streaming read, all threads */
    enum pls_origin ram_origin;     /* ASSUMED when measured with too wide a spread to be trusted */
    double ram_spread;
    /* the same over large pages, which engines do not ask for; 0 not measured */
    double ram_large_gbs;
    uint32_t n_ram_steps;
    struct pls_ram_step ram_steps[PLS_MAX_RAM_STEPS]; /* 1, half, all threads (fewer when these coincide) */
    uint32_t n_threads;             /* threads the rates were measured with; 0: not measured */
    uint32_t isa;                   /* enum pls_isa bits they were measured with */
    struct pls_type_rate type[PLS_TYPE_COUNT];
    double barrier_ns;              /* one synchronisation of n_threads */
    double attention_gbs;           /* F16 cache bytes read per second in attention */
    uint64_t measured_at;           /* seconds since 1970; 0 never */
    uint32_t n_tries; /* measurements taken until this one, because former ones were disturbed; 0 unknown */
    struct pls_calibration calibration;
};

#endif
