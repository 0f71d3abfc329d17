#include "sample.h"

#include "plimsoll/sys.h"

#include <stdlib.h>

struct run {
    const struct pls_sample_ask *ask;
    double values[PLS_SAMPLES_MAX];
    uint32_t n, n_max;
    uint64_t began_ns;
    bool stop; /* written by member 0 between two barriers, read by all after the second */
};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Percentile by linear interpolation between the two neighbours. */
static double percentile(const double *sorted, uint32_t n, double share)
{
    double at = share * (n - 1);
    uint32_t low = (uint32_t)at;
    uint32_t high = low + 1 < n ? low + 1 : low;
    return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
}

struct pls_sampled pls_sample_summary(double *values, uint32_t n)
{
    qsort(values, n, sizeof values[0], by_value);
    double median = percentile(values, n, 0.5);
    double range = percentile(values, n, 0.75) - percentile(values, n, 0.25);
    return (struct pls_sampled){ .median = median, .spread = median > 0 ? range / median : 0, .n = n };
}

/* The first pass warms caches, page tables and clocks and is not counted, unless it alone ate the budget. */
static void record(struct run *run, uint32_t pass, uint64_t start_ns, uint64_t end_ns)
{
    const struct pls_sample_ask *ask = run->ask;
    bool spent = end_ns - run->began_ns >= ask->budget_ns;
    if (pass > 0 || spent) {
        run->values[run->n++] = (double)(end_ns - start_ns);
    }
    run->stop = run->n == run->n_max || (spent && run->n >= ask->n_min);
}

static void passes(const struct pls_member *self, void *context)
{
    struct run *run = context;
    const struct pls_sample_ask *ask = run->ask;
    for (uint32_t pass = 0; !run->stop; pass++) {
        uint64_t start_ns = 0;
        if (self->index == 0 && ask->reset != NULL) {
            ask->reset(ask->context);
        }
        pls_team_barrier(self);
        if (self->index == 0) {
            start_ns = pls_clock_ns();
        }
        ask->work(self, ask->context);
        pls_team_barrier(self);
        if (self->index == 0) {
            record(run, pass, start_ns, pls_clock_ns());
        }
        pls_team_barrier(self);
    }
}

struct pls_sampled pls_sample(const struct pls_sample_ask *ask)
{
    struct run run = {
        .ask = ask, .n = 0, .n_max = PLS_SAMPLES_MAX, .began_ns = pls_clock_ns(), .stop = false
    };
    struct pls_series *series = ask->series;
    if (series != NULL && series->n_once > 0 && series->n_once < PLS_SAMPLES_MAX) {
        run.n_max = series->n_once;
    }
    pls_team_run(ask->team, ask->n_threads, passes, &run);
    for (uint32_t i = 0; series != NULL && i < run.n && series->n < series->cap; i++) {
        series->values[series->n++] = run.values[i];
    }
    return pls_sample_summary(run.values, run.n);
}
