/* kern/bench_impl.h - what the parts of the benchmark share: the team, the buffer and the clock they live by. */
#ifndef PLIMSOLL_KERN_BENCH_IMPL_H
#define PLIMSOLL_KERN_BENCH_IMPL_H

#include "plimsoll/bench.h"
#include "plimsoll/kern.h"
#include "sample.h"
#include "team.h"

#define PLS_BENCH_STEPS 3 /* 1, half, all threads */

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
    size_t cursor;         /* where the next streaming window begins */
    uint64_t began_ns, budget_ns;
};

/* Fills the buffer from all threads. */
void pls_bench_fill(struct pls_bench *b);
/* Moves to the next window of `bytes` and returns its offset; wraps around. */
size_t pls_bench_window(struct pls_bench *b, size_t bytes);
/* What is left of the budget, divided by the measurements still to come. */
uint64_t pls_bench_slice(const struct pls_bench *b, uint32_t n_left);
/* False when the caller wants to stop. */
bool pls_bench_progress(const struct pls_bench *b, const char *what);

struct pls_ram_step pls_bench_ram_step(struct pls_bench *b, uint32_t n_threads, uint64_t budget_ns);
void pls_bench_ram(struct pls_bench *b, uint64_t budget_ns);
void pls_bench_barrier(struct pls_bench *b, uint64_t budget_ns);
void pls_bench_attention(struct pls_bench *b, uint64_t budget_ns);
/* Measurements pls_bench_type will make; each takes one off *n_left as it goes, and an equal share of what time is left. */
uint32_t pls_bench_type_steps(const struct pls_bench *b, enum pls_type type);
void pls_bench_type(struct pls_bench *b, enum pls_type type, uint32_t *n_left);

#endif
