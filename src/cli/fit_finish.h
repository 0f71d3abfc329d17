/* cli/fit_finish.h - the rows that will be shown, planned in full. */
#ifndef CLI_FIT_FINISH_H
#define CLI_FIT_FINISH_H

#include "cli/fit.h"

/* A pick planned in full; what it points to lives as long as the session. */
struct pls_fit_row {
    struct pls_model *model; /* without its tensors */
    struct pls_plan *plan;
    struct pls_pick *pick;   /* its numbers are the plan's */
    enum pls_code code;      /* why there is no plan; the sentence may be missing */
    struct pls_err err;
};
/* Plans the chosen picks, in the same order. The error of the first that has no plan. */
enum pls_code pls_fit_finish(struct pls_session *s, const struct pls_search *f, const uint32_t *chosen,
                             uint32_t n, struct pls_fit_row *rows, struct pls_err *err);

#endif
