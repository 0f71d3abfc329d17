/* plimsoll/bench.h - measuring this machine: memory bandwidth and kernels.
 *
 * Adaptive: each measurement repeats until its time budget is spent and reports median and spread. Threads are pinned.
 * A spread too wide is reported, not hidden: callers see it in `spread` and widen their intervals.
 */
#ifndef PLIMSOLL_BENCH_H
#define PLIMSOLL_BENCH_H

#include "plimsoll/rates.h"

struct pls_bench_ask {
    uint32_t n_threads;       /* 0: as many as the process may use */
    uint32_t isa_mask;        /* enum pls_isa bits to allow; 0: all there are */
    double budget_s;          /* time for the whole run */
    bool bandwidth_only;
    uint64_t types;           /* bit (1 << enum pls_type): which types; 0: the main ones */
    /* Called between measurements with 0..1; returns false to stop. May be NULL. */
    bool (*progress)(double share, const char *what, void *context);
    void *context;
};

/* Fills ram_gbs, barrier and type rates of what was measured; the rest is left as it was. PLS_NOMEM, PLS_NO when stopped. */
enum pls_code pls_bench_run(const struct pls_bench_ask *ask, struct pls_rates *out, struct pls_err *err);

#endif
