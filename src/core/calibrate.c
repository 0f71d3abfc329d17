/* Coordinate descent on sum (sqrt(e^2 + c^2) - c) + shrinkage * (log f - log before)^2, e = log predicted /
 * observed. A dozen factors and some hundred runs: a millisecond. */
#include "plimsoll/calibrate.h"

#include <math.h>
#include <string.h>

static const double SOFT = 0.05;       /* errors below are as good as none */
static const double SHRINKAGE = 0.02;  /* one run pulls a factor most of the way, not all */
static const double WIDTH = 0.7;       /* of a factor's prior, in log units */
static const double LEAST_SHARE = 0.02; /* of a run's time, below which it says nothing about a type */
/* A fit of as many factors as runs meets them all and proves nothing: what engine factors of one type differ
 * by between models. */
static const double DOUBT = 0.15;
static const double LAYER_STEP_NS = 20000;
enum { ROUNDS = 60, PARAMS = 2 * PLS_TYPE_COUNT };

struct fit {
    const struct pls_engine_sample *samples;
    uint32_t n;
    double x[PARAMS], before[PARAMS], step[PARAMS]; /* logs; decode first, then prefill */
    bool is_used[PARAMS];
    double layer_ns, layer_step;
};

static double seconds(const double *x, double layer_ns, const struct pls_engine_sample *s)
{
    const double *mine = x + (s->is_prefill ? PLS_TYPE_COUNT : 0);
    double sum = s->parts.other + (s->is_prefill ? 0 : layer_ns * 1e-9 * s->parts.n_layers);
    for (size_t i = 0; i < PLS_TYPE_COUNT; i++) {
        if (s->parts.by_type[i] != 0) { /* a model has a handful of types; unknown is NAN and stays it */
            sum += s->parts.by_type[i] * exp(-mine[i]);
        }
    }
    return sum;
}

static bool is_usable(const struct pls_engine_sample *s)
{
    double none[PARAMS] = { 0 };
    double predicted = seconds(none, 0, s);
    return isfinite(predicted) && predicted > 0 && isfinite(s->observed_s) && s->observed_s > 0;
}

/* A run disturbed is a run slowed down; this much is beyond what repetitions differ by. */
static const double SLOW = 1.5;
/* Twice the cube of the interval: with 1.3 either way a factor of 4.4. Engines of one machine never differed
 * by that. */
static const double BEYOND = 2;

static bool is_same_question(const struct pls_engine_sample *a, const struct pls_engine_sample *b)
{
    return a->is_prefill == b->is_prefill && a->parts.n_layers == b->parts.n_layers
           /* sums of the same have the same bits; NOLINTBEGIN(bugprone-suspicious-memory-comparison) */
           && memcmp(a->parts.by_type, b->parts.by_type, sizeof(a->parts.by_type)) == 0
           && memcmp(&a->parts.other, &b->parts.other, sizeof(a->parts.other)) == 0;
    /* NOLINTEND(bugprone-suspicious-memory-comparison) */
}

/* Of the runs that asked the same, the middle one; of two the faster. Counted, so that no sample has to be
 * moved. */
static double usual_s(const struct pls_engine_sample *samples, uint32_t n,
                      const struct pls_engine_sample *asked)
{
    double best = HUGE_VAL;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t alike = 0, as_fast = 0;
        for (uint32_t k = 0; k < n && is_same_question(&samples[i], asked); k++) {
            bool counts = is_same_question(&samples[k], asked);
            alike += counts;
            as_fast += counts && samples[k].observed_s <= samples[i].observed_s;
        }
        if (2 * as_fast >= alike && alike > 0 && samples[i].observed_s < best) {
            best = samples[i].observed_s;
        }
    }
    return best;
}

static bool is_implausible(const struct pls_engine_sample *s)
{
    double none[PARAMS] = { 0 };
    double off = log(s->observed_s / seconds(none, 0, s));
    return s->spread >= 1 && fabs(off) > log(BEYOND) + 3 * log(s->spread);
}

void pls_calibrate_grade(const struct pls_engine_sample *samples, uint32_t n, enum pls_odd *odd)
{
    for (uint32_t i = 0; i < n; i++) {
        bool is_first = true;
        for (uint32_t k = 0; k < i && is_first; k++) {
            is_first = !is_same_question(&samples[k], &samples[i]);
        }
        if (!is_first) {
            continue;
        }
        double usual = usual_s(samples, n, &samples[i]);
        for (uint32_t k = i; k < n; k++) {
            const struct pls_engine_sample *s = &samples[k];
            if (is_same_question(s, &samples[i])) {
                odd[k] = !is_usable(s)                  ? PLS_ODD_NO
                         : is_implausible(s)            ? PLS_ODD_IMPLAUSIBLE
                         : s->observed_s > SLOW * usual ? PLS_ODD_SLOW
                                                        : PLS_ODD_NO;
            }
        }
    }
}

const char *pls_odd_name(enum pls_odd odd)
{
    return odd == PLS_ODD_SLOW ? "slow" : odd == PLS_ODD_IMPLAUSIBLE ? "implausible" : NULL;
}

static double loss(const struct fit *f)
{
    double sum = 0;
    for (uint32_t i = 0; i < f->n; i++) {
        if (is_usable(&f->samples[i])) {
            double e = log(seconds(f->x, f->layer_ns, &f->samples[i]) / f->samples[i].observed_s);
            sum += sqrt(e * e + SOFT * SOFT) - SOFT;
        }
    }
    for (size_t i = 0; i < PARAMS; i++) {
        double z = (f->x[i] - f->before[i]) / WIDTH;
        sum += SHRINKAGE * z * z;
    }
    return sum;
}

static double move(struct fit *f, size_t i, double best)
{
    for (int sign = 1; sign >= -1; sign -= 2) {
        f->x[i] += sign * f->step[i];
        double l = loss(f);
        if (l < best - 1e-9) {
            f->step[i] *= 1.5;
            return l;
        }
        f->x[i] -= sign * f->step[i];
    }
    f->step[i] *= 0.5;
    return best;
}

static double move_layer(struct fit *f, double best)
{
    for (int sign = 1; sign >= -1; sign -= 2) {
        double was = f->layer_ns;
        f->layer_ns = fmax(was + sign * f->layer_step, 0);
        double l = loss(f);
        if (l < best - 1e-9) {
            f->layer_step *= 1.5;
            return l;
        }
        f->layer_ns = was;
    }
    f->layer_step *= 0.5;
    return best;
}

static double log_or_zero(double factor)
{
    return factor > 0 ? log(factor) : 0;
}

static uint32_t begin(struct fit *f, const struct pls_calibration *learnt)
{
    uint32_t usable = 0;
    for (size_t i = 0; i < PLS_TYPE_COUNT; i++) {
        f->before[i] = log_or_zero(learnt->type_factor[i]);
        f->before[PLS_TYPE_COUNT + i] = log_or_zero(learnt->prefill_factor[i]);
    }
    for (size_t i = 0; i < PARAMS; i++) {
        f->x[i] = f->before[i];
        f->step[i] = 0.2;
    }
    f->layer_ns = learnt->fixed_ns_per_layer;
    f->layer_step = LAYER_STEP_NS;
    for (uint32_t k = 0; k < f->n; k++) {
        const struct pls_engine_sample *s = &f->samples[k];
        if (is_usable(s)) {
            usable++;
            for (size_t i = 0; i < PLS_TYPE_COUNT; i++) {
                f->is_used[i + (s->is_prefill ? PLS_TYPE_COUNT : 0)] |=
                    s->parts.by_type[i] > LEAST_SHARE * s->observed_s;
            }
        }
    }
    return usable;
}

static void descend(struct fit *f)
{
    double best = loss(f);
    for (int round = 0; round < ROUNDS; round++) {
        double start = best;
        for (size_t i = 0; i < PARAMS; i++) {
            best = f->is_used[i] ? move(f, i, best) : best;
        }
        best = move_layer(f, best);
        if (round > 10 && start - best < 1e-6) {
            return;
        }
    }
}

/* The least error that four fifths of the usable samples do not exceed (counted, so that no sample has to be
 * moved), and the doubt in factors that few runs stand behind. */
static double residual(const struct fit *f, uint32_t usable)
{
    double least = HUGE_VAL;
    for (uint32_t i = 0; i < f->n; i++) {
        uint32_t below = 0;
        double mine = fabs(f->samples[i].observed_s / seconds(f->x, f->layer_ns, &f->samples[i]) - 1);
        for (uint32_t k = 0; k < f->n && is_usable(&f->samples[i]); k++) {
            double other = fabs(f->samples[k].observed_s / seconds(f->x, f->layer_ns, &f->samples[k]) - 1);
            below += is_usable(&f->samples[k]) && other <= mine;
        }
        if (5 * (uint64_t)below >= 4 * (uint64_t)usable && mine < least) {
            least = mine;
        }
    }
    uint32_t factors = 0;
    for (size_t i = 0; i < PARAMS; i++) {
        factors += f->is_used[i] ? 1 : 0;
    }
    double doubt = DOUBT * sqrt(fmin((double)factors / usable, 1));
    return sqrt(least * least + doubt * doubt);
}

bool pls_calibrate(const struct pls_engine_sample *samples, uint32_t n, struct pls_calibration *learnt)
{
    struct fit f = { .samples = samples, .n = n };
    uint32_t usable = begin(&f, learnt);
    if (usable == 0) {
        return false;
    }
    descend(&f);
    for (size_t i = 0; i < PLS_TYPE_COUNT; i++) {
        if (f.is_used[i]) {
            learnt->type_factor[i] = exp(f.x[i]);
        }
        if (f.is_used[PLS_TYPE_COUNT + i]) {
            learnt->prefill_factor[i] = exp(f.x[PLS_TYPE_COUNT + i]);
        }
    }
    learnt->fixed_ns_per_layer = f.layer_ns;
    learnt->residual = residual(&f, usable);
    learnt->n_runs += usable;
    return true;
}

double pls_calibrated_s(const struct pls_calibration *learnt, const struct pls_engine_sample *sample)
{
    double x[PARAMS] = { 0 };
    if (learnt == NULL) {
        return seconds(x, 0, sample);
    }
    const double *factor = sample->is_prefill ? learnt->prefill_factor : learnt->type_factor;
    double *mine = x + (sample->is_prefill ? PLS_TYPE_COUNT : 0);
    for (size_t i = 0; i < PLS_TYPE_COUNT; i++) {
        mine[i] = log_or_zero(factor[i]);
    }
    return seconds(x, learnt->fixed_ns_per_layer, sample);
}
