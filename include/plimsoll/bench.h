/* plimsoll/bench.h - measuring this machine: memory bandwidth and kernels.
 *
 * Adaptive: everything is measured in turns, a few milliseconds each, and the list of it all is gone through
 * as often as the time budget allows, so that a disturbance of seconds falls on all types alike. A rate is
 * the median of all its passes, its spread the interquartile range of the medians of its turns over that:
 * what differs between passes evens out in a run of seconds, what differs between turns does not. Threads are
 * pinned where the system can. A spread wider than PLS_BENCH_SPREAD_MAX is reported, not hidden: the rate of
 * the memory then stands with origin ASSUMED instead of MEASURED.
 *
 * Memory is in the pages the system gives by itself, as engines have it; the read is measured over large
 * pages besides. Streaming means a buffer of memory_bytes that is walked through once before any of it is
 * read again; cache-resident means a matrix of 256 KiB per thread, read over and over. Work is dealt out in
 * chunks as threads become free, as engines do, so that a disturbed core slows a sample down without halving
 * it.
 */
#ifndef PLIMSOLL_BENCH_H
#define PLIMSOLL_BENCH_H

#include "plimsoll/rates.h"

#define PLS_BENCH_SPREAD_MAX 0.25
#define PLS_BENCH_LEAST_BYTES (32 << 20) /* of memory_bytes: with less, caches would be measured */
#define PLS_BENCH_BANDWIDTH_S 0.4 /* bandwidth_only, filling the buffer included */
#define PLS_BENCH_QUICK_S 4.3
#define PLS_BENCH_FULL_S 50.0

struct pls_bench_ask {
    uint32_t n_threads;       /* 0: as many as the process may use */
    /* processors to pin to, best first (physical cores before siblings); NULL: in system order */
    const uint32_t *cpus;
    uint32_t n_cpus;
    uint32_t isa_mask;        /* enum pls_isa bits to allow; 0: all there are */
    /* time for the whole run; 0: PLS_BENCH_QUICK_S, or _BANDWIDTH_S with bandwidth_only */
    double budget_s;
    /* most memory to touch (a container's limit); 0: an eighth of RAM, at most 512 MiB (256 MiB with
     * bandwidth_only) */
    uint64_t memory_bytes;
    bool bandwidth_only;
    uint64_t types;           /* bit (1 << enum pls_type): which types; 0: the main ones */
    /* Called between measurements with 0..1; returns false to stop. May be NULL. */
    bool (*progress)(double share, const char *what, void *context);
    void *context;
};

/* Fills ram_*, barrier, attention and type rates of what was measured; the rest is left as it was. PLS_NOMEM,
 * PLS_NO when stopped (what was measured until then stands). */
enum pls_code pls_bench_run(const struct pls_bench_ask *ask, struct pls_rates *out, struct pls_err *err);

/* How far a measurement was disturbed: the spread of the memory's rate or the mean of those of the types,
 * whichever is wider; above PLS_BENCH_SPREAD_MAX it is worth taking again. 1 when too few turns were possible
 * to tell. */
double pls_bench_doubt(const struct pls_rates *rates);

#endif
