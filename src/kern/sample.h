/* kern/sample.h - repeats one piece of parallel work until its time budget is spent, and reports median and
 * spread. */
#ifndef PLIMSOLL_KERN_SAMPLE_H
#define PLIMSOLL_KERN_SAMPLE_H

#include "team.h"

#define PLS_SAMPLES_MAX 401

/* Values gathered over several calls. */
struct pls_series {
    double *values;
    uint32_t n, cap;
    uint32_t n_once; /* most of one call: it ends there; 0: PLS_SAMPLES_MAX */
};

struct pls_sample_ask {
    struct pls_team *team;
    uint32_t n_threads;
    /* One pass. Every member calls it; before each pass `reset` (may be NULL) runs on member 0 alone. */
    pls_team_job *work;
    void (*reset)(void *context);
    void *context;
    uint64_t budget_ns;
    uint32_t n_min;      /* at least so many passes, whatever the budget says */
    struct pls_series *series; /* gets the passes' times as well, up to its room; may be NULL */
};

struct pls_sampled {
    double median;       /* of one pass, ns */
    double spread;       /* (75th - 25th percentile) / median */
    uint32_t n;
};

struct pls_sampled pls_sample(const struct pls_sample_ask *ask);

/* Median and relative interquartile range of whatever values; sorts them in place. n > 0. */
struct pls_sampled pls_sample_summary(double *values, uint32_t n);

#endif
