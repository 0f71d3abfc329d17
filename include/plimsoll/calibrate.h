/* plimsoll/calibrate.h - what measured engine runs teach about this machine.
 *
 * A prediction is a sum of times: one per tensor type, which a factor can correct, and the rest. Given runs
 * of an engine on this machine and the parts that were predicted for each, the factors and a fixed cost per
 * layer are found that bring predictions and runs together, robustly: a run that was disturbed counts by its
 * size, not by its square, and a type seen in one short run moves less than one seen in many. The result is a
 * correction on top of measured kernels and tabled constants, so that it carries over to models nobody ran
 * here.
 */
#ifndef PLIMSOLL_CALIBRATE_H
#define PLIMSOLL_CALIBRATE_H

#include "plimsoll/plan.h"

/* Seconds of one token, or of a whole prompt, taken apart. Nothing learnt is in them. */
struct pls_speed_parts {
    double by_type[PLS_TYPE_COUNT];
    double other;      /* launches, barriers, attention; NAN: not predictable */
    uint32_t n_layers;
};

/* Of all shares of a plan: decode at its depth, or its prompt. */
struct pls_speed_parts pls_speed_parts(const struct pls_card *card, const struct pls_machine *machine,
                                       const struct pls_rates *rates, const struct pls_plan *plan,
                                       bool is_prefill);

struct pls_engine_sample {
    bool is_prefill;
    struct pls_speed_parts parts;
    double observed_s; /* the same seconds, measured */
    double spread;     /* interval factor of the prediction; 0 unknown */
};

/* Why a run is not believed. */
enum pls_odd {
    PLS_ODD_NO = 0,
    PLS_ODD_SLOW, /* half as long again as the middle one of those that asked the same: something else ran
                     beside it */
    PLS_ODD_IMPLAUSIBLE, /* slower or faster than the measured kernels allow by far more than the interval:
                            another model, build or machine */
};
const char *pls_odd_name(enum pls_odd odd); /* "slow", "implausible"; NULL for NO */
/* Grades each of n samples into odd[n]; the same question is the same parts. What cannot be predicted is
 * never odd. */
void pls_calibrate_grade(const struct pls_engine_sample *samples, uint32_t n, enum pls_odd *odd);

/* Folds samples into what was learnt before: `learnt` holds the factors to start from (zeroed: none) and gets
 * the new ones, the number of samples added and the residual, the relative error that four fifths of these
 * samples stay below. Samples that cannot be predicted are left out; false when none is left. */
bool pls_calibrate(const struct pls_engine_sample *samples, uint32_t n, struct pls_calibration *learnt);

/* Seconds of parts with the learnt factors applied; learnt NULL: as they are. */
double pls_calibrated_s(const struct pls_calibration *learnt, const struct pls_engine_sample *sample);

#endif
