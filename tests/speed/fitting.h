/* Constants of the GPU model fitted to published speeds, and what the fit predicts for devices and models it has not seen.
 *
 * Every line (a backend on one vendor's devices) is fitted by itself, decode and prefill apart: coordinate descent over the
 * logarithms of the constants on sum w * (sqrt(e^2 + c^2) - c) + shrinkage * ((log x - log prior) / width)^2, where e is the log of
 * predicted over observed and w = n^-0.75 with n rows of the device: a device measured a hundred times counts three times as much as
 * one measured once, and a wild row counts no more than its size. No randomness: equal input gives equal lines. */
#ifndef SPEED_FITTING_H
#define SPEED_FITTING_H

#include "sample.h"

enum { FIT_PARAMS = 96, FIT_TARGETS = 64 };

/* One factor on one or more constants. */
struct fit_param {
    double *to[FIT_TARGETS];
    uint32_t n_to;
    double width; /* of the prior, in log units */
    double x;     /* log of the factor on the prior */
    double step;
};

struct fit {
    const struct samples *all;
    bool is_prefill;
    const struct pls_gpu_backend *line;
    const struct pls_gpu_constants *prior;
    uint32_t *rows; /* indices into all->items */
    uint32_t n;
    double *weight; /* 0: left out */
    double *error[2]; /* log predicted / observed, by fits that had not seen the row's device, or its model */
    struct pls_gpu_constants now;
    struct fit_param params[FIT_PARAMS];
    uint32_t n_params;
};

/* What a reader of data sheets would assume (tests/speed/prior.def). */
const struct pls_gpu_constants *fit_priors(void);

/* Rows of one line. False when there are none, or no memory; fit_close() in any case. */
bool fit_open(struct fit *f, const struct samples *all, const struct pls_gpu_backend *line, bool is_prefill);
void fit_close(struct fit *f);
/* Fits all rows; the constants are in now. */
void fit_all(struct fit *f);
/* Fills error[by_model]: every device (or model) is left out by itself, and its rows are predicted by a fit to the others. */
void fit_hold_out(struct fit *f, bool by_model);
/* Copies what was fitted into out, leaving the rest of it. */
void fit_merge(const struct fit *f, struct pls_gpu_constants *out);
uint32_t fit_devices(const struct fit *f);
/* Quantile of |error[by_model]|. Rows count for one half, the other half is shared out among the devices alike: neither does one device
 * with a hundred rows decide how wide an interval is, nor do many with two. NAN when memory is short. */
double fit_quantile(const struct fit *f, bool by_model, double q);
/* Every fitted row of all gets predicted_tps, low_tps and high_tps of a fit without its device (or model), with the spread that the
 * program states for it. False when memory is short. */
bool fit_leave_out(struct samples *all, bool by_model);

#endif
