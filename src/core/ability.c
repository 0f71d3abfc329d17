/* The capability fit of ability.h. Constants were chosen before looking at single models: slopes within a
 * factor of two of one another, noise of a benchmark around 0.35 logits unless the data say otherwise. */
#include "plimsoll/ability.h"

#include <math.h>
#include <string.h>

enum { ROUNDS = 200, FEATURES = PLS_ABILITY_FEATURES, LEAST_SCORES = 3 };

static const double slope_sd = 0.3;     /* of d_b around 1 */
static const double usual_noise = 0.35; /* s_b, with the weight of usual_weight scores */
static const double usual_weight = 4;
/* and how far models of one size and year lie apart at least: some 3 points */
static const double reading_spread = 0.15;
static const double least_slope = 0.05;
/* the same where a score is the mean of dozens of retrieval tasks: about 3 points */
static const double reading_noise = 0.12;
static const double family_sd = 0.4; /* of a family's effect */
static const double task_sd = 0.35;  /* of a task's deviation from C */
static const double twin_sd = 0.3;   /* between models of one shape and family */
static const double least_tau = 0.25;

struct sums {
    double w, wc, wy, wcc, wcy, rest;
};

struct tally {
    double sum, precision;
    uint32_t n;
};

struct fit {
    const struct pls_ability_data *data;
    double *mean, *var, *prior; /* per model */
    double *start, *spread;     /* per model: mean and variance before what it was read with counts */
    uint32_t *n_of_model;       /* scores that take part */
    double *a, *d, *noise;      /* per item; noise is a variance */
    uint32_t *n_of_item;
    double *family;      /* per family */
    double *y, *weight;  /* per score: logit; 1 / (doubt * sqrt(scores of its group)) */
    struct sums *sums;   /* per item, scratch */
    struct tally *tally; /* per model, scratch */
    double coefficient[FEATURES];
    double center[FEATURES]; /* means of the features, which stand in for unknown ones */
    double tau2;
};

static double logit_of(const struct pls_ability_item *item, double score)
{
    if (item->is_elo) {
        return (score - 1200) * log(10) / 400;
    }
    double share = (score - item->chance) / (100 - item->chance);
    share = fmin(fmax(share, 0.01), 0.99); /* at or below chance says "low", not minus infinity */
    return log(share / (1 - share));
}

static bool takes_part(const struct fit *f, const struct pls_ability_score *score)
{
    return f->n_of_item[score->item] >= LEAST_SCORES;
}

/* Embedding and reranking: a trade of its own, by models that do nothing else. */
static bool is_reading(enum pls_task task)
{
    return task == PLS_TASK_EMBEDDING || task == PLS_TASK_RERANK;
}

/* Does an item speak for the general scale? Seeing and reading are other trades. */
static bool is_general(const struct pls_ability_item *item)
{
    return item->task != PLS_TASK_VISION && !is_reading(item->task);
}

static double expected_noise(const struct pls_ability_item *item)
{
    double s = is_reading(item->task) ? reading_noise : usual_noise;
    return s * s;
}

static double feature(const struct fit *f, uint32_t model, int which)
{
    double value = pls_ability_feature(&f->data->models[model], which);
    return isnan(value) ? f->center[which] : value;
}

static void set_up_scores(struct fit *f, uint32_t *of_group)
{
    const struct pls_ability_data *data = f->data;
    for (uint32_t i = 0; i < data->n_scores; i++) {
        f->n_of_item[data->scores[i].item]++;
    }
    for (uint32_t i = 0; i < data->n_scores; i++) {
        const struct pls_ability_score *s = &data->scores[i];
        of_group[s->model * data->n_groups + data->items[s->item].group]++;
        f->n_of_model[s->model] += takes_part(f, s) && is_general(&data->items[s->item]);
    }
    for (uint32_t i = 0; i < data->n_scores; i++) {
        const struct pls_ability_score *s = &data->scores[i];
        double shared = of_group[s->model * data->n_groups + data->items[s->item].group];
        f->y[i] = logit_of(&data->items[s->item], s->score);
        f->weight[i] = 1 / (fmax(s->doubt, 1) * sqrt(shared));
    }
}

static void set_up_models(struct fit *f)
{
    for (int k = 0; k < FEATURES; k++) {
        double sum = 0;
        double n = 0;
        for (uint32_t i = 0; i < f->data->n_models; i++) {
            double value = pls_ability_feature(&f->data->models[i], k);
            sum += isnan(value) ? 0 : value;
            n += !isnan(value);
        }
        f->center[k] = n > 0 ? sum / n : 0;
    }
    /* A first guess with the right signs: bigger and newer is better. The fit forgets it. */
    for (uint32_t i = 0; i < f->data->n_models; i++) {
        f->mean[i] = 0.3 * (feature(f, i, 1) - f->center[1]) + 0.3 * (feature(f, i, 3) - f->center[3]);
        f->var[i] = 1;
        f->prior[i] = f->mean[i];
    }
    for (uint32_t b = 0; b < f->data->n_items; b++) {
        f->d[b] = 1;
        f->noise[b] = expected_noise(&f->data->items[b]);
    }
    f->tau2 = 1;
}

/* First pass of fit_items: weighted sums of capability and logit per item. */
static void sum_items(struct fit *f)
{
    memset(f->sums, 0, f->data->n_items * sizeof(f->sums[0]));
    for (uint32_t i = 0; i < f->data->n_scores; i++) {
        const struct pls_ability_score *s = &f->data->scores[i];
        struct sums *of = &f->sums[s->item];
        double c = f->mean[s->model];
        of->w += f->weight[i];
        of->wc += f->weight[i] * c;
        of->wy += f->weight[i] * f->y[i];
        of->wcc += f->weight[i] * (c * c + f->var[s->model]);
        of->wcy += f->weight[i] * c * f->y[i];
    }
}

/* a_b, d_b and s_b of every item, given where the models stand and how surely. */
static void fit_items(struct fit *f, bool general)
{
    sum_items(f);
    for (uint32_t b = 0; b < f->data->n_items; b++) {
        const struct sums *of = &f->sums[b];
        double ridge = f->noise[b] / (slope_sd * slope_sd);
        if (is_general(&f->data->items[b]) == general && f->n_of_item[b] >= LEAST_SCORES) {
            f->d[b] =
                (of->wcy - of->wc * of->wy / of->w + ridge) / (of->wcc - of->wc * of->wc / of->w + ridge);
            /* a better reader never scores less, however wrong size may be about which is the better */
            f->d[b] = is_reading(f->data->items[b].task) ? fmax(f->d[b], least_slope) : f->d[b];
            f->a[b] = (of->wy - f->d[b] * of->wc) / of->w;
        }
    }
    for (uint32_t i = 0; i < f->data->n_scores; i++) {
        const struct pls_ability_score *s = &f->data->scores[i];
        double e = f->y[i] - f->a[s->item] - f->d[s->item] * f->mean[s->model];
        f->sums[s->item].rest += f->weight[i] * (e * e + f->d[s->item] * f->d[s->item] * f->var[s->model]);
    }
    for (uint32_t b = 0; b < f->data->n_items; b++) {
        if (is_general(&f->data->items[b]) == general && f->n_of_item[b] >= LEAST_SCORES) {
            f->noise[b] = (f->sums[b].rest + usual_weight * expected_noise(&f->data->items[b]))
                          / (f->sums[b].w + usual_weight);
        }
    }
}

/* Where every model stands, given the items and its prior. */
static void fit_models(struct fit *f)
{
    for (uint32_t i = 0; i < f->data->n_models; i++) {
        f->var[i] = 1 / f->tau2;
        f->mean[i] = f->prior[i] / f->tau2;
    }
    for (uint32_t i = 0; i < f->data->n_scores; i++) {
        const struct pls_ability_score *s = &f->data->scores[i];
        if (takes_part(f, s) && is_general(&f->data->items[s->item])) {
            double precision = f->weight[i] / f->noise[s->item];
            f->var[s->model] += f->d[s->item] * f->d[s->item] * precision;
            f->mean[s->model] += f->d[s->item] * (f->y[i] - f->a[s->item]) * precision;
        }
    }
    for (uint32_t i = 0; i < f->data->n_models; i++) {
        f->var[i] = 1 / f->var[i];
        f->mean[i] *= f->var[i];
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

/* prior_i from size, date, reasoning and family, over the models that have scores; and how far they lie from
 * it. */
static void fit_prior(struct fit *f, uint32_t *n_of_family)
{
    const struct pls_ability_data *data = f->data;
    double m[FEATURES][FEATURES] = { { 0 } };
    double v[FEATURES] = { 0 };
    for (uint32_t i = 0; i < data->n_models; i++) {
        for (int r = 0; r < FEATURES && f->n_of_model[i] > 0; r++) {
            double x = feature(f, i, r) - (r > 0 ? f->center[r] : 0);
            for (int c = 0; c < FEATURES; c++) {
                m[r][c] += x * (feature(f, i, c) - (c > 0 ? f->center[c] : 0));
            }
            v[r] += x * (f->mean[i] - f->family[data->models[i].family]);
        }
    }
    for (int k = 0; k < FEATURES; k++) {
        m[k][k] += k > 0 ? 1 : 1e-6;
    }
    solve(m, v);
    memcpy(f->coefficient, v, sizeof(v));
    memset(f->family, 0, data->n_families * sizeof(f->family[0]));
    memset(n_of_family, 0, data->n_families * sizeof(n_of_family[0]));
    for (uint32_t i = 0; i < data->n_models; i++) {
        f->prior[i] = v[0];
        for (int k = 1; k < FEATURES; k++) {
            f->prior[i] += v[k] * (feature(f, i, k) - f->center[k]);
        }
        if (f->n_of_model[i] > 0) {
            f->family[data->models[i].family] += f->mean[i] - f->prior[i];
            n_of_family[data->models[i].family]++;
        }
    }
    for (uint32_t k = 0; k < data->n_families; k++) {
        f->family[k] /= n_of_family[k] + f->tau2 / (family_sd * family_sd);
    }
    double sum = 0;
    double n = 0;
    for (uint32_t i = 0; i < data->n_models; i++) {
        f->prior[i] += f->family[data->models[i].family];
        if (f->n_of_model[i] > 0) {
            double e = f->mean[i] - f->prior[i];
            sum += e * e + f->var[i];
            n++;
        }
    }
    f->tau2 = fmax(n > 0 ? sum / n : 1, least_tau * least_tau);
}

/* A model without scores stands where its twins stand, if it has any, else where its prior puts it. */
static void fill_unscored(struct fit *f, const uint32_t *n_of_family, enum pls_evidence *grade)
{
    const struct pls_ability_data *data = f->data;
    struct tally *twins = f->tally;
    memset(twins, 0, data->n_models * sizeof(twins[0]));
    for (uint32_t i = 0; i < data->n_models; i++) {
        if (f->n_of_model[i] > 0) {
            twins[data->models[i].twin].sum += f->mean[i];
            twins[data->models[i].twin].n++;
        }
    }
    for (uint32_t i = 0; i < data->n_models; i++) {
        const struct tally *twin = &twins[data->models[i].twin];
        bool is_known_family = n_of_family[data->models[i].family] > 0;
        if (f->n_of_model[i] > 0) {
            grade[i] = PLS_EVIDENCE_DIRECT;
        } else if (twin->n > 0) {
            grade[i] = PLS_EVIDENCE_VARIANT;
            f->mean[i] = twin->sum / twin->n;
            f->var[i] = twin_sd * twin_sd;
        } else {
            grade[i] = is_known_family ? PLS_EVIDENCE_FAMILY : PLS_EVIDENCE_NONE;
            f->mean[i] = f->prior[i];
            f->var[i] = f->tau2 + (is_known_family ? 0 : family_sd * family_sd);
        }
    }
}

static uint32_t reference_of(const struct fit *f, enum pls_task task)
{
    uint32_t own = f->data->own_reference[task];
    return own > 0 && own <= f->data->n_items && f->n_of_item[own - 1] >= LEAST_SCORES ? own - 1
                                                                                       : f->data->reference;
}

/* What the scores of a reading task say of each model, in tally: precision, and the sum of means by
 * precision. */
static void tally_readers(struct fit *f, enum pls_task task)
{
    memset(f->tally, 0, f->data->n_models * sizeof(f->tally[0]));
    for (uint32_t i = 0; i < f->data->n_scores; i++) {
        const struct pls_ability_score *s = &f->data->scores[i];
        if (takes_part(f, s) && f->n_of_model[s->model] == 0 && f->data->items[s->item].task == task) {
            double precision = f->d[s->item] * f->weight[i] / f->noise[s->item];
            f->tally[s->model].precision += f->d[s->item] * precision;
            f->tally[s->model].sum += precision * (f->y[i] - f->a[s->item]);
        }
    }
}

/* Models that only embed or rerank have no scores of the general scale: where they stand in their trade
 * follows from its scores, its items from where they stand, and how far size and date can be trusted from how
 * far they are off, in turn. Returns that variance. */
static double fit_readers(struct fit *f, enum pls_task task)
{
    /* variance of models around where size and date put them, beyond that of the prior */
    double off = task_sd * task_sd;
    for (uint32_t i = 0; i < f->data->n_models; i++) {
        f->start[i] = f->mean[i];
        f->spread[i] = f->var[i];
    }
    for (int round = 0; round < ROUNDS; round++) {
        double sum = 0, n = 0;
        fit_items(f, false);
        tally_readers(f, task);
        for (uint32_t i = 0; i < f->data->n_models; i++) {
            double before = f->spread[i] + off;
            if (f->tally[i].precision > 0) {
                f->var[i] = 1 / (1 / before + f->tally[i].precision);
                f->mean[i] = (f->start[i] / before + f->tally[i].sum) * f->var[i];
                double e = f->mean[i] - f->start[i];
                sum += e * e + f->var[i] - f->spread[i];
                n++;
            }
        }
        double least = reading_spread / f->d[reference_of(f, task)];
        off = n > 0 ? fmax(sum / n, least * least) : off;
    }
    for (uint32_t i = 0; i < f->data->n_models; i++) {
        bool is_unscored = f->n_of_model[i] == 0 && !(f->tally[i].precision > 0);
        f->spread[i] = is_unscored ? f->spread[i] + off : f->var[i];
    }
    return off;
}

/* Where a model stands in a task, on how many scores. */
struct standing {
    double mean, var;
    uint32_t n;
    enum pls_evidence grade;
};

static struct pls_ability_scale scale_of(const struct fit *f, uint32_t ref, double var)
{
    return (struct pls_ability_scale){ .intercept = f->a[ref], .slope = f->d[ref], .var = var };
}

static struct pls_ability shown(const struct fit *f, uint32_t ref, const struct standing *at)
{
    struct pls_ability_scale scale = scale_of(f, ref, 0);
    struct pls_ability a = pls_ability_shown(&scale, at->mean, at->var);
    a.n_sources = (uint16_t)(at->n < UINT16_MAX ? at->n : UINT16_MAX);
    a.evidence = (uint8_t)at->grade;
    return a;
}

/* A task's deviation from the general scale: the mean of what its own scores leave over, shrunk towards none.
 */
static void write_task(const struct fit *f, enum pls_task task, const enum pls_evidence *grade,
                       struct pls_ability *out)
{
    struct tally *own = f->tally;
    memset(own, 0, f->data->n_models * sizeof(own[0]));
    for (uint32_t i = 0; i < f->data->n_scores; i++) {
        const struct pls_ability_score *s = &f->data->scores[i];
        if (takes_part(f, s) && f->data->items[s->item].task == task) {
            double slope = f->d[s->item];
            double w = f->weight[i] / f->noise[s->item];
            own[s->model].sum += slope * w * (f->y[i] - f->a[s->item] - slope * f->mean[s->model]);
            own[s->model].precision += slope * slope * w;
            own[s->model].n++;
        }
    }
    for (uint32_t m = 0; m < f->data->n_models; m++) {
        bool is_reader = is_reading(task) && f->n_of_model[m] == 0; /* its scores are in the mean already */
        double precision = own[m].precision + 1 / (task_sd * task_sd);
        double mean = is_reader ? f->mean[m] : f->mean[m] + own[m].sum / precision;
        double var = is_reader ? f->spread[m] : f->var[m] + 1 / precision;
        enum pls_evidence borrowed = grade[m] == PLS_EVIDENCE_DIRECT ? PLS_EVIDENCE_VARIANT : grade[m];
        struct standing at = { mean, var, own[m].n, own[m].n > 0 ? PLS_EVIDENCE_DIRECT : borrowed };
        out[m * PLS_TASK_COUNT + (uint32_t)task] = shown(f, reference_of(f, task), &at);
    }
}

static void keep_prior(const struct fit *f, const uint32_t *n_of_family, struct pls_ability_prior *out)
{
    memcpy(out->coefficient, f->coefficient, sizeof(out->coefficient));
    memcpy(out->center, f->center, sizeof(out->center));
    out->model_var = f->tau2;
    out->family_var = family_sd * family_sd;
    out->task[PLS_TASK_CHAT] = scale_of(f, f->data->reference, 0);
    for (uint32_t i = 0; i < f->data->n_families && out->families != NULL; i++) {
        out->families[i] = n_of_family[i] > 0 ? f->family[i] : (double)NAN;
    }
    for (uint32_t b = 0; b < f->data->n_items && out->lines != NULL; b++) {
        bool is_fitted = f->n_of_item[b] >= LEAST_SCORES;
        out->lines[b] = (struct pls_ability_line){ is_fitted ? f->a[b] : 0, is_fitted ? f->d[b] : 0,
                                                   is_fitted ? f->noise[b] : 0 };
    }
}

static bool take_rooms(struct fit *f, struct pls_arena *arena)
{
    const struct pls_ability_data *data = f->data;
    f->mean = PLS_TAKE(arena, double, data->n_models);
    f->var = PLS_TAKE(arena, double, data->n_models);
    f->prior = PLS_TAKE(arena, double, data->n_models);
    f->start = PLS_TAKE(arena, double, data->n_models);
    f->spread = PLS_TAKE(arena, double, data->n_models);
    f->n_of_model = PLS_TAKE(arena, uint32_t, data->n_models);
    f->a = PLS_TAKE(arena, double, data->n_items);
    f->d = PLS_TAKE(arena, double, data->n_items);
    f->noise = PLS_TAKE(arena, double, data->n_items);
    f->n_of_item = PLS_TAKE(arena, uint32_t, data->n_items);
    f->family = PLS_TAKE(arena, double, data->n_families);
    f->y = PLS_TAKE(arena, double, data->n_scores);
    f->weight = PLS_TAKE(arena, double, data->n_scores);
    f->sums = PLS_TAKE(arena, struct sums, data->n_items);
    f->tally = PLS_TAKE(arena, struct tally, data->n_models);
    return f->mean && f->var && f->prior && f->start && f->spread && f->n_of_model && f->a && f->d && f->noise
           && f->n_of_item && f->family && f->y && f->weight && f->sums && f->tally;
}

enum pls_code pls_ability_fit(const struct pls_ability_data *data, struct pls_arena *arena,
                              struct pls_ability *out, struct pls_ability_prior *prior, struct pls_err *err)
{
    struct pls_ability_prior unwanted = { .families = NULL };
    struct fit f = { .data = data };
    prior = prior != NULL ? prior : &unwanted;
    bool has_rooms = take_rooms(&f, arena);
    uint32_t *of_group = PLS_TAKE(arena, uint32_t, (size_t)data->n_models * data->n_groups);
    uint32_t *n_of_family = PLS_TAKE(arena, uint32_t, data->n_families);
    enum pls_evidence *grade = PLS_TAKE(arena, enum pls_evidence, data->n_models);
    if (!has_rooms || of_group == NULL || n_of_family == NULL || grade == NULL) {
        return pls_fail(err, PLS_NOMEM, "the capability fit needs more memory");
    }
    set_up_scores(&f, of_group);
    if (data->reference >= data->n_items || f.n_of_item[data->reference] < 5) {
        return pls_fail(err, PLS_USAGE, "the reference benchmark has too few scores");
    }
    set_up_models(&f);
    for (int round = 0; round < ROUNDS; round++) {
        fit_items(&f, true);
        fit_models(&f);
        fit_prior(&f, n_of_family);
    }
    fill_unscored(&f, n_of_family, grade);
    for (uint32_t m = 0; m < data->n_models; m++) {
        struct standing at = { f.mean[m], f.var[m], f.n_of_model[m], grade[m] };
        out[m * PLS_TASK_COUNT + PLS_TASK_CHAT] = shown(&f, data->reference, &at);
    }
    keep_prior(&f, n_of_family, prior);
    fit_items(&f, false); /* what seeing asks for: placed on the scale, but not part of it */
    for (unsigned task = PLS_TASK_CHAT + 1; task < PLS_TASK_COUNT; task++) {
        bool reads = is_reading((enum pls_task)task);
        double var = reads ? fit_readers(&f, (enum pls_task)task) : task_sd * task_sd;
        write_task(&f, (enum pls_task)task, grade, out);
        prior->task[task] = scale_of(&f, reference_of(&f, (enum pls_task)task), var);
    }
    return PLS_OK;
}
