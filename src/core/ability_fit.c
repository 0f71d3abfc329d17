/* The steps of a round of the capability fit. Constants were chosen before looking at single models: slopes
 * within a factor of two of one another, noise of a benchmark around 0.35 logits unless the data say
 * otherwise. What each is worth where the fit was not told, make ability-check says. */
#include "core/ability_fit.h"

#include <math.h>
#include <string.h>

static const double slope_sd = 0.3;     /* of d_b around 1 */
static const double usual_noise = 0.35; /* s_b, with the weight of usual_weight scores */
static const double usual_weight = 4;
static const double least_slope = 0.05;
/* the same where a score is the mean of dozens of retrieval tasks: about 3 points */
static const double reading_noise = 0.12;
static const double thinks_sd = 0.5;      /* of what thinking earns in one benchmark more than in its task */
static const double task_thinks_sd = 0.3; /* of what it earns in a task */
static const double least_tau = 0.25;

bool pls_fit_takes_part(const struct pls_fit *f, const struct pls_ability_score *score)
{
    return f->n_of_item[score->item] >= LEAST_SCORES;
}

/* Embedding and reranking: a trade of its own, by models that do nothing else. */
bool pls_fit_is_reading(enum pls_task task)
{
    return task == PLS_TASK_EMBEDDING || task == PLS_TASK_RERANK;
}

/* Does a task speak for the general scale? Seeing and reading are other trades. */
bool pls_fit_is_placed(enum pls_task task)
{
    return task != PLS_TASK_VISION && !pls_fit_is_reading(task);
}

bool pls_fit_is_general(const struct pls_ability_item *item)
{
    return pls_fit_is_placed(item->task);
}

double pls_fit_expected_noise(const struct pls_ability_item *item)
{
    double s = pls_fit_is_reading(item->task) ? reading_noise : usual_noise;
    return s * s;
}

double pls_fit_feature(const struct pls_fit *f, uint32_t model, int which)
{
    double value = pls_ability_feature(&f->data->models[model], which);
    return isnan(value) ? f->center[which] : value;
}

static double task_var(enum pls_task task)
{
    return task == PLS_TASK_CHAT ? 0 : PLS_FIT_TASK_SD * PLS_FIT_TASK_SD;
}

static double mean_in(const struct pls_fit *f, uint32_t model, enum pls_task task)
{
    return f->mean[model] + f->task_thinks[task] * f->data->models[model].reasons;
}

/* Where every model stands in every task, given C: between C and what the scores of the task say. */
void pls_fit_places(struct pls_fit *f)
{
    for (uint32_t i = 0; i < f->data->n_models; i++) {
        for (unsigned t = 0; t < PLS_TASK_COUNT; t++) {
            struct pls_fit_place *at = &f->places[i * PLS_TASK_COUNT + t];
            double var = task_var((enum pls_task)t);
            double shrunk = 1 + at->precision * var;
            at->mean = (mean_in(f, i, (enum pls_task)t) + var * at->sum) / shrunk;
            at->var = f->var[i] / (shrunk * shrunk) + var / shrunk;
        }
    }
}

struct normal {
    double mean, var;
};

/* Where a model stands in what a score asks for: seeing and reading are placed on C itself. */
static struct normal standing_for(const struct pls_fit *f, const struct pls_ability_score *s)
{
    const struct pls_ability_item *item = &f->data->items[s->item];
    const struct pls_fit_place *at = &f->places[s->model * PLS_TASK_COUNT + (uint32_t)item->task];
    return pls_fit_is_general(item) ? (struct normal){ at->mean, at->var }
                                    : (struct normal){ f->mean[s->model], f->var[s->model] };
}

/* How much more than others that took a benchmark a score's model thinks. */
static double thinking_of(const struct pls_fit *f, const struct pls_ability_score *s)
{
    return pls_fit_is_general(&f->data->items[s->item])
               ? f->data->models[s->model].reasons - f->takers[s->item]
               : 0;
}

/* A score as logit, less what thinking earns there. */
static double plain_y(const struct pls_fit *f, uint32_t i)
{
    const struct pls_ability_score *s = &f->data->scores[i];
    return f->y[i] - f->thinks[s->item] * thinking_of(f, s);
}

/* First pass of fit_items: weighted sums of capability and logit per item. */
static void sum_items(struct pls_fit *f)
{
    memset(f->sums, 0, f->data->n_items * sizeof(f->sums[0]));
    for (uint32_t i = 0; i < f->data->n_scores; i++) {
        const struct pls_ability_score *s = &f->data->scores[i];
        struct pls_fit_sums *of = &f->sums[s->item];
        struct normal c = standing_for(f, s);
        double y = plain_y(f, i);
        of->w += f->weight[i];
        of->wc += f->weight[i] * c.mean;
        of->wy += f->weight[i] * y;
        of->wcc += f->weight[i] * (c.mean * c.mean + c.var);
        of->wcy += f->weight[i] * c.mean * y;
    }
}

/* g_b of every item, given the rest of its line. */
static void fit_thinking(struct pls_fit *f)
{
    for (uint32_t i = 0; i < f->data->n_scores; i++) {
        const struct pls_ability_score *s = &f->data->scores[i];
        double r = thinking_of(f, s);
        double e = f->y[i] - f->a[s->item] - f->d[s->item] * standing_for(f, s).mean;
        f->sums[s->item].wrr += f->weight[i] * r * r;
        f->sums[s->item].wre += f->weight[i] * r * e;
    }
    for (uint32_t b = 0; b < f->data->n_items; b++) {
        f->thinks[b] = f->sums[b].wre / (f->sums[b].wrr + f->noise[b] / (thinks_sd * thinks_sd));
    }
}

/* The line of every item and s_b, given where the models stand and how surely. */
void pls_fit_items(struct pls_fit *f, bool general)
{
    sum_items(f);
    for (uint32_t b = 0; b < f->data->n_items; b++) {
        const struct pls_fit_sums *of = &f->sums[b];
        double ridge = f->noise[b] / (slope_sd * slope_sd);
        if (pls_fit_is_general(&f->data->items[b]) == general && f->n_of_item[b] >= LEAST_SCORES) {
            f->d[b] =
                (of->wcy - of->wc * of->wy / of->w + ridge) / (of->wcc - of->wc * of->wc / of->w + ridge);
            /* a better reader never scores less, however wrong size may be about which is the better */
            f->d[b] = pls_fit_is_reading(f->data->items[b].task) ? fmax(f->d[b], least_slope) : f->d[b];
            f->a[b] = (of->wy - f->d[b] * of->wc) / of->w;
        }
    }
    if (general) {
        fit_thinking(f);
    }
    for (uint32_t i = 0; i < f->data->n_scores; i++) {
        const struct pls_ability_score *s = &f->data->scores[i];
        struct normal c = standing_for(f, s);
        double e = plain_y(f, i) - f->a[s->item] - f->d[s->item] * c.mean;
        f->sums[s->item].rest += f->weight[i] * (e * e + f->d[s->item] * f->d[s->item] * c.var);
    }
    for (uint32_t b = 0; b < f->data->n_items; b++) {
        if (pls_fit_is_general(&f->data->items[b]) == general && f->n_of_item[b] >= LEAST_SCORES) {
            f->noise[b] = (f->sums[b].rest + usual_weight * pls_fit_expected_noise(&f->data->items[b]))
                          / (f->sums[b].w + usual_weight);
        }
    }
}

/* What the scores of each task say, given the items. */
static void sum_places(struct pls_fit *f)
{
    memset(f->places, 0, (size_t)f->data->n_models * PLS_TASK_COUNT * sizeof(f->places[0]));
    for (uint32_t i = 0; i < f->data->n_scores; i++) {
        const struct pls_ability_score *s = &f->data->scores[i];
        const struct pls_ability_item *item = &f->data->items[s->item];
        if (pls_fit_takes_part(f, s) && pls_fit_is_general(item)) {
            struct pls_fit_place *at = &f->places[s->model * PLS_TASK_COUNT + (uint32_t)item->task];
            double precision = f->d[s->item] * f->weight[i] / f->noise[s->item];
            at->precision += f->d[s->item] * precision;
            at->sum += precision * (plain_y(f, i) - f->a[s->item]);
        }
    }
}

/* Where every model stands, given the items and its prior: a task speaks for C as one score would, with the
 * task's own deviation in its error. */
void pls_fit_models(struct pls_fit *f)
{
    sum_places(f);
    for (uint32_t i = 0; i < f->data->n_models; i++) {
        double precision = 1 / f->tau2;
        double sum = f->prior[i] / f->tau2;
        for (unsigned t = 0; t < PLS_TASK_COUNT; t++) {
            const struct pls_fit_place *at = &f->places[i * PLS_TASK_COUNT + t];
            double shrunk = 1 + at->precision * task_var((enum pls_task)t);
            double thinks = f->task_thinks[t] * f->data->models[i].reasons;
            precision += at->precision / shrunk;
            sum += (at->sum - at->precision * thinks) / shrunk;
        }
        f->var[i] = 1 / precision;
        f->mean[i] = sum / precision;
    }
    pls_fit_places(f);
}

/* h_t: how far above C those that think stand in a task. */
void pls_fit_task_thinking(struct pls_fit *f)
{
    for (unsigned t = PLS_TASK_CHAT + 1; t < PLS_TASK_COUNT; t++) {
        double sum = 0;
        double n = PLS_FIT_TASK_SD * PLS_FIT_TASK_SD / (task_thinks_sd * task_thinks_sd);
        for (uint32_t i = 0; i < f->data->n_models; i++) {
            const struct pls_fit_place *at = &f->places[i * PLS_TASK_COUNT + t];
            double r = at->precision > 0 ? f->data->models[i].reasons : 0;
            sum += r * (at->mean - f->mean[i]);
            n += r;
        }
        f->task_thinks[t] = sum / n;
    }
}

/* Gauss elimination of a small symmetric positive system m x = v, in place. */
static void solve(double m[FEATURES][FEATURES], double v[FEATURES])
{
    for (int k = 0; k < FEATURES; k++) {
        for (int r = k + 1; r < FEATURES; r++) {
            double factor = m[r][k] / m[k][k];
            for (int c = k; c < FEATURES; c++) {
                m[r][c] -= factor * m[k][c];
            }
            v[r] -= factor * v[k];
        }
    }
    for (int k = FEATURES - 1; k >= 0; k--) {
        for (int c = k + 1; c < FEATURES; c++) {
            v[k] -= m[k][c] * v[c];
        }
        v[k] /= m[k][k];
    }
}

/* What the prior is linear in, over the models that have scores. */
static void fit_coefficients(struct pls_fit *f)
{
    const struct pls_ability_data *data = f->data;
    double m[FEATURES][FEATURES] = { { 0 } };
    double v[FEATURES] = { 0 };
    for (uint32_t i = 0; i < data->n_models; i++) {
        for (int r = 0; r < FEATURES && f->n_of_model[i] > 0; r++) {
            double x = pls_fit_feature(f, i, r) - (r > 0 ? f->center[r] : 0);
            for (int c = 0; c < FEATURES; c++) {
                m[r][c] += x * (pls_fit_feature(f, i, c) - (c > 0 ? f->center[c] : 0));
            }
            v[r] += x * (f->mean[i] - f->family[data->models[i].family]);
        }
    }
    for (int k = 0; k < FEATURES; k++) {
        m[k][k] += k > 0 ? 1 : 1e-6;
    }
    solve(m, v);
    memcpy(f->coefficient, v, sizeof(v));
    for (uint32_t i = 0; i < data->n_models; i++) {
        f->prior[i] = v[0];
        for (int k = 1; k < FEATURES; k++) {
            f->prior[i] += v[k] * (pls_fit_feature(f, i, k) - f->center[k]);
        }
    }
}

/* Effects of publishers, given those of their families, and of families around them; a family that nobody
 * tested has its publisher's. */
static void fit_kin(struct pls_fit *f)
{
    const struct pls_ability_data *data = f->data;
    double family_var = PLS_FIT_FAMILY_SD * PLS_FIT_FAMILY_SD;
    memset(f->org, 0, data->n_orgs * sizeof(f->org[0]));
    for (uint32_t k = 0; k < data->n_families; k++) {
        f->org[f->org_of[k]] += f->n_of_family[k] > 0 ? f->family[k] : 0;
    }
    for (uint32_t o = 0; o < data->n_orgs; o++) {
        f->org[o] /= f->n_of_org[o] + family_var / (PLS_FIT_ORG_SD * PLS_FIT_ORG_SD);
    }
    for (uint32_t k = 0; k < data->n_families; k++) {
        f->family[k] = f->org[f->org_of[k]] * f->tau2 / family_var;
    }
    for (uint32_t i = 0; i < data->n_models; i++) {
        f->family[data->models[i].family] += f->n_of_model[i] > 0 ? f->mean[i] - f->prior[i] : 0;
    }
    for (uint32_t k = 0; k < data->n_families; k++) {
        f->family[k] /= f->n_of_family[k] + f->tau2 / family_var;
    }
}

/* prior_i from size, date, reasoning, family and publisher; and how far models lie from it. */
void pls_fit_prior(struct pls_fit *f)
{
    double sum = 0;
    double n = 0;
    fit_coefficients(f);
    fit_kin(f);
    for (uint32_t i = 0; i < f->data->n_models; i++) {
        f->prior[i] += f->family[f->data->models[i].family];
        if (f->n_of_model[i] > 0) {
            double e = f->mean[i] - f->prior[i];
            sum += e * e + f->var[i];
            n++;
        }
    }
    f->tau2 = fmax(n > 0 ? sum / n : 1, least_tau * least_tau);
}
