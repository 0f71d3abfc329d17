/* kern/sample.h - repeats one piece of parallel work until its time budget is spent, and reports median and spread. */
#ifndef PLIMSOLL_KERN_SAMPLE_H
#define PLIMSOLL_KERN_SAMPLE_H

#include "team.h"

#define PLS_SAMPLES_MAX 401

struct pls_sample_ask {
    struct pls_team *team;
    uint32_t n_threads;
    /* One pass. Every member calls it; before each pass `reset` (may be NULL) runs on member 0 alone. */
    pls_team_job *work;
    void (*reset)(void *context);
    void *context;
    uint64_t budget_ns;
    uint32_t n_min;      /* at least so many passes, whatever the budget says */
};

struct pls_sampled {
    double median_ns;    /* of one pass */
    double spread;       /* (75th - 25th percentile) / median */
    uint32_t n;
};

struct pls_sampled pls_sample(const struct pls_sample_ask *ask);

/* Median and relative interquartile range; sorts values in place. n > 0. */
struct pls_sampled pls_sample_summary(double *values, uint32_t n);

#endif
