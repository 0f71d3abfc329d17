/* kern/bench_impl.h - what the parts of the benchmark share: the team, the buffer and the clock they live by,
 * and the plan.
 *
 * The plan lists everything to be measured, and the whole list is gone through several times, in short turns:
 * what disturbs a machine for seconds (clocks, a neighbour on the same processor) then disturbs all types
 * alike, and none more than its share. An item's result is the median of all its passes, so that turns in
 * which little was done for want of a processor count little; its spread is that of the medians of its turns,
 * which is what a run of seconds will see.
 */
#ifndef PLIMSOLL_KERN_BENCH_IMPL_H
#define PLIMSOLL_KERN_BENCH_IMPL_H

#include "plimsoll/bench.h"
#include "plimsoll/kern.h"
#include "sample.h"
#include "team.h"

#define PLS_BENCH_STEPS      3 /* 1, half, all threads */
#define PLS_BENCH_TURNS_LEAST 3 /* fewer tell no spread */
#define PLS_BENCH_TURNS_MAX  31
#define PLS_BENCH_PASSES_MAX 2048
#define PLS_BENCH_ITEMS_MAX  320 /* 26 types of at most 9, and five more */
#define PLS_BENCH_GEMM_ROWS  64u
#define PLS_BENCH_GEMM_COLS  128u
#define PLS_BENCH_ROW        2048u /* elements: the width of a small model; a multiple of every block */
#define PLS_BENCH_HEAD       128u  /* a row of the attention cache */

enum pls_bench_kind {
    PLS_BENCH_READ,
    PLS_BENCH_BARRIER,
    PLS_BENCH_CACHED,
    PLS_BENCH_STREAM, /* follows its CACHED item, whose rate it sizes its window by */
    PLS_BENCH_GEMM,
};

struct pls_bench_item {
    enum pls_bench_kind kind;
    enum pls_type type;
    const struct pls_kern *kern; /* NULL: BARRIER */
    size_t n;                    /* elements of a row */
    uint32_t n_threads;
    double weight; /* share of a turn */
    uint32_t n_turns;
    double turn[PLS_BENCH_TURNS_MAX]; /* GB/s, 1e9 operations per second or, of a barrier, ns */
    struct pls_series passes;         /* the same; room for PLS_BENCH_PASSES_MAX */
};

struct pls_bench {
    const struct pls_bench_ask *ask;
    struct pls_rates *out;
    struct pls_team *team;
    uint32_t isa;
    uint32_t n_threads;
    uint32_t steps[PLS_BENCH_STEPS]; /* thread counts, ascending, without repeats */
    uint32_t n_steps;
    unsigned char *buffer; /* random bytes that are sane in every block format: see pls_bench_fill */
    size_t buffer_bytes;
    size_t cursor; /* where the next streaming window begins */
    uint64_t began_ns, budget_ns;
    struct pls_bench_item *items;
    size_t n_items;
    double *passes;                      /* of all items */
    unsigned char *acts[PLS_TYPE_COUNT]; /* by type of activations: GEMM_COLS rows */
    unsigned char *scratch;              /* of matrix products: one stretch per thread */
    size_t scratch_bytes;
    float *out_matrix; /* one per thread */
};

/* Fills the buffer from all threads. */
void pls_bench_fill(struct pls_bench *b);
/* Moves to the next window of `bytes` and returns its offset; wraps around. */
size_t pls_bench_window(struct pls_bench *b, size_t bytes);

/* Lists what is asked for, the memory alone or with all types of the set `types`; takes the memory that the
 * items need. */
enum pls_code pls_bench_plan(struct pls_bench *b, uint64_t types, struct pls_err *err);
void pls_bench_plan_free(struct pls_bench *b);
/* Sums up the turns into b->out. */
void pls_bench_conclude(struct pls_bench *b);

/* One turn of an item, about budget_ns long; the item gets one more turn. */
void pls_bench_turn(struct pls_bench *b, struct pls_bench_item *item, uint64_t budget_ns);
/* Streaming read: the ask that measures it is `ask` with budget, series and the like filled in by the caller.
 * Returns the bytes of a pass; the median time of the passes goes to *median_ns. */
double pls_bench_read(struct pls_bench *b, struct pls_sample_ask ask, double *median_ns);

#endif
