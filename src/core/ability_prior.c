/* Where size, date, reasoning and family put a model that nobody has tested: the prior of ability.h, as the
 * fit left it. Pencil and paper: a sum of six products, and one logistic curve per task. */
#include "plimsoll/ability.h"

#include <math.h>

static const double knee = 2; /* log2 of 4 billion parameters */
/* what growth is counted from: 8 billion, 2025 */
static const double usual_size = 3;
static const double usual_year = 5;

struct pls_ability_model pls_ability_model_of(double params_total, double params_active, uint32_t release,
                                              uint32_t tasks)
{
    double total = params_total / 1e9;
    double active = params_active / 1e9;
    double size = active > 0 && active < total ? sqrt(total * active) : total;
    uint32_t year = release / 100;
    uint32_t month = release % 100;
    return (struct pls_ability_model){
        .log2_size = size > 0 ? log2(size) : (double)NAN,
        .years = release > 0 ? year - 2020.0 + (month - 0.5) / 12 : (double)NAN,
        .reasons = tasks >> PLS_TASK_REASONING & 1U,
    };
}

/* Below the knee capability falls faster than above, for which one slope would take the largest models to
 * account. A year brings small models less: growth. */
double pls_ability_feature(const struct pls_ability_model *m, int which)
{
    double lacking = isnan(m->log2_size) ? m->log2_size : fmin(m->log2_size - knee, 0);
    const double value[PLS_ABILITY_FEATURES] = {
        1, m->log2_size, lacking, m->years, m->reasons, (m->log2_size - usual_size) * (m->years - usual_year)
    };
    return value[which];
}

bool pls_ability_is_rated(uint32_t tasks, enum pls_task task)
{
    uint32_t apart = 1U << PLS_TASK_EMBEDDING | 1U << PLS_TASK_RERANK | 1U << PLS_TASK_MODERATION;
    bool is_general = (tasks & ~apart) != 0;
    bool is_always = task == PLS_TASK_CHAT || task == PLS_TASK_CODE || task == PLS_TASK_REASONING;
    return (is_general && is_always) || (tasks >> (unsigned)task & 1U);
}

struct pls_ability pls_ability_shown(const struct pls_ability_scale *scale, double mean, double var)
{
    double share = 1 / (1 + exp(-(scale->intercept + scale->slope * mean)));
    return (struct pls_ability){ .score = (float)(100 * share),
                                 .se = (float)(100 * share * (1 - share) * scale->slope * sqrt(var)) };
}

struct pls_ability pls_ability_guess(const struct pls_ability_prior *p, const struct pls_ability_model *m,
                                     double family_effect, double org_effect, enum pls_task task)
{
    bool is_known_family = isfinite(family_effect);
    bool is_known_org = isfinite(org_effect);
    double kin = is_known_family ? family_effect : is_known_org ? org_effect : 0;
    double mean = p->coefficient[0] + kin + p->task[task].reasons * m->reasons;
    for (int k = 1; k < PLS_ABILITY_FEATURES; k++) {
        double value = pls_ability_feature(m, k);
        mean += isnan(value) ? 0 : p->coefficient[k] * (value - p->center[k]);
    }
    double kin_var = is_known_family ? 0 : p->family_var + (is_known_org ? 0 : p->org_var);
    struct pls_ability a =
        pls_ability_shown(&p->task[task], mean, p->model_var + kin_var + p->task[task].var);
    a.evidence = (uint8_t)(is_known_family ? PLS_EVIDENCE_FAMILY : PLS_EVIDENCE_NONE);
    return a;
}
