/* The capability fit of ability.h: what goes in, the rounds, and what comes out. The rounds' steps are
 * ability_fit.c. */
#include "core/ability_fit.h"

#include <math.h>
#include <string.h>

enum { ROUNDS = 200 };

/* how far readers of one size and year lie apart at least: some 3 points */
static const double reading_spread = 0.15;
static const double twin_sd = 0.3; /* between models of one shape and family */

double pls_fit_logit(const struct pls_ability_item *item, double score)
{
    if (item->is_elo) {
        return (score - 1200) * log(10) / 400;
    }
    double share = (score - item->chance) / (100 - item->chance);
    share = fmin(fmax(share, 0.01), 0.99); /* at or below chance says "low", not minus infinity */
    return log(share / (1 - share));
}

static void set_up_scores(struct pls_fit *f, uint32_t *of_group)
{
    const struct pls_ability_data *data = f->data;
    for (uint32_t i = 0; i < data->n_scores; i++) {
        f->n_of_item[data->scores[i].item]++;
    }
    for (uint32_t i = 0; i < data->n_scores; i++) {
        const struct pls_ability_score *s = &data->scores[i];
        of_group[s->model * data->n_groups + data->items[s->item].group]++;
        f->n_of_model[s->model] += pls_fit_takes_part(f, s) && pls_fit_is_general(&data->items[s->item]);
    }
    for (uint32_t i = 0; i < data->n_scores; i++) {
        const struct pls_ability_score *s = &data->scores[i];
        double shared = of_group[s->model * data->n_groups + data->items[s->item].group];
        f->y[i] = pls_fit_logit(&data->items[s->item], s->score);
        f->weight[i] = 1 / (fmax(s->doubt, 1) * sqrt(shared));
        f->sums[s->item].w += f->weight[i];
        f->takers[s->item] += f->weight[i] * data->models[s->model].reasons;
    }
    for (uint32_t b = 0; b < data->n_items; b++) {
        f->takers[b] /= f->n_of_item[b] > 0 ? f->sums[b].w : 1;
    }
}

/* Who is of which family and publisher. */
static void set_up_kin(struct pls_fit *f)
{
    for (uint32_t i = 0; i < f->data->n_models; i++) {
        const struct pls_ability_model *m = &f->data->models[i];
        bool is_first = f->n_of_model[i] > 0 && f->n_of_family[m->family]++ == 0;
        f->org_of[m->family] = m->org;
        f->n_of_org[m->org] += is_first;
    }
}

static void set_up_models(struct pls_fit *f)
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
        f->mean[i] =
            0.3 * (pls_fit_feature(f, i, 1) - f->center[1]) + 0.3 * (pls_fit_feature(f, i, 3) - f->center[3]);
        f->var[i] = 1;
        f->prior[i] = f->mean[i];
    }
    for (uint32_t b = 0; b < f->data->n_items; b++) {
        f->d[b] = 1;
        f->noise[b] = pls_fit_expected_noise(&f->data->items[b]);
    }
    f->tau2 = 1;
    pls_fit_places(f);
}

/* A model without scores stands where its twins stand, if it has any, else where its prior puts it. */
static void fill_unscored(struct pls_fit *f, enum pls_evidence *grade)
{
    const struct pls_ability_data *data = f->data;
    struct pls_fit_tally *twins = f->tally;
    memset(twins, 0, data->n_models * sizeof(twins[0]));
    for (uint32_t i = 0; i < data->n_models; i++) {
        if (f->n_of_model[i] > 0) {
            twins[data->models[i].twin].sum += f->mean[i];
            twins[data->models[i].twin].n++;
        }
    }
    for (uint32_t i = 0; i < data->n_models; i++) {
        const struct pls_fit_tally *twin = &twins[data->models[i].twin];
        bool is_known_family = f->n_of_family[data->models[i].family] > 0;
        bool is_known_org = f->n_of_org[f->org_of[data->models[i].family]] > 0;
        if (f->n_of_model[i] > 0) {
            grade[i] = PLS_EVIDENCE_DIRECT;
        } else if (twin->n > 0) {
            grade[i] = PLS_EVIDENCE_VARIANT;
            f->mean[i] = twin->sum / twin->n;
            f->var[i] = twin_sd * twin_sd;
        } else {
            grade[i] = is_known_family ? PLS_EVIDENCE_FAMILY : PLS_EVIDENCE_NONE;
            f->mean[i] = f->prior[i];
            f->var[i] = f->tau2 + (is_known_family ? 0 : PLS_FIT_FAMILY_SD * PLS_FIT_FAMILY_SD)
                        + (is_known_org ? 0 : PLS_FIT_ORG_SD * PLS_FIT_ORG_SD);
        }
    }
}

static uint32_t reference_of(const struct pls_fit *f, enum pls_task task)
{
    uint32_t own = f->data->own_reference[task];
    return own > 0 && own <= f->data->n_items && f->n_of_item[own - 1] >= LEAST_SCORES ? own - 1
                                                                                       : f->data->reference;
}

/* What the scores of a reading task say of each model, in tally: precision, and the sum of means by
 * precision. */
static void tally_readers(struct pls_fit *f, enum pls_task task)
{
    memset(f->tally, 0, f->data->n_models * sizeof(f->tally[0]));
    for (uint32_t i = 0; i < f->data->n_scores; i++) {
        const struct pls_ability_score *s = &f->data->scores[i];
        if (pls_fit_takes_part(f, s) && f->n_of_model[s->model] == 0
            && f->data->items[s->item].task == task) {
            double precision = f->d[s->item] * f->weight[i] / f->noise[s->item];
            f->tally[s->model].precision += f->d[s->item] * precision;
            f->tally[s->model].sum += precision * (f->y[i] - f->a[s->item]);
        }
    }
}

/* Models that only embed or rerank have no scores of the general scale: where they stand in their trade
 * follows from its scores, its items from where they stand, and how far size and date can be trusted from how
 * far they are off, in turn. Returns that variance. */
static double fit_readers(struct pls_fit *f, enum pls_task task)
{
    /* variance of models around where size and date put them, beyond that of the prior */
    double off = PLS_FIT_TASK_SD * PLS_FIT_TASK_SD;
    for (uint32_t i = 0; i < f->data->n_models; i++) {
        f->start[i] = f->mean[i];
        f->spread[i] = f->var[i];
    }
    for (int round = 0; round < ROUNDS; round++) {
        double sum = 0, n = 0;
        pls_fit_items(f, false);
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

static struct pls_ability_scale scale_of(const struct pls_fit *f, uint32_t ref, double var)
{
    return (struct pls_ability_scale){ .intercept = f->a[ref], .slope = f->d[ref], .var = var };
}

static struct pls_ability shown(const struct pls_fit *f, uint32_t ref, const struct standing *at)
{
    struct pls_ability_scale scale = scale_of(f, ref, 0);
    struct pls_ability a = pls_ability_shown(&scale, at->mean, at->var);
    a.n_sources = (uint16_t)(at->n < UINT16_MAX ? at->n : UINT16_MAX);
    a.evidence = (uint8_t)at->grade;
    return a;
}

/* A task's deviation from the general scale: the mean of what its own scores leave over, shrunk towards none.
 */
static void write_task(const struct pls_fit *f, enum pls_task task, const enum pls_evidence *grade,
                       struct pls_ability *out)
{
    struct pls_fit_tally *own = f->tally;
    memset(own, 0, f->data->n_models * sizeof(own[0]));
    for (uint32_t i = 0; i < f->data->n_scores; i++) {
        const struct pls_ability_score *s = &f->data->scores[i];
        if (pls_fit_takes_part(f, s) && f->data->items[s->item].task == task) {
            double slope = f->d[s->item];
            double w = f->weight[i] / f->noise[s->item];
            own[s->model].sum += slope * w * (f->y[i] - f->a[s->item] - slope * f->mean[s->model]);
            own[s->model].precision += slope * slope * w;
            own[s->model].n++;
        }
    }
    for (uint32_t m = 0; m < f->data->n_models; m++) {
        const struct pls_fit_place *place = &f->places[m * PLS_TASK_COUNT + (uint32_t)task];
        double precision = own[m].precision + 1 / (PLS_FIT_TASK_SD * PLS_FIT_TASK_SD);
        double mean = f->mean[m] + own[m].sum / precision;
        double var = f->var[m] + 1 / precision;
        if (pls_fit_is_placed(task)) {
            mean = place->mean;
            var = place->var;
        } else if (pls_fit_is_reading(task) && f->n_of_model[m] == 0) { /* its scores are in the mean */
            mean = f->mean[m];
            var = f->spread[m];
        }
        enum pls_evidence borrowed = grade[m] == PLS_EVIDENCE_DIRECT ? PLS_EVIDENCE_VARIANT : grade[m];
        struct standing at = { mean, var, own[m].n, own[m].n > 0 ? PLS_EVIDENCE_DIRECT : borrowed };
        out[m * PLS_TASK_COUNT + (uint32_t)task] = shown(f, reference_of(f, task), &at);
    }
}

static void keep_prior(const struct pls_fit *f, struct pls_ability_prior *out)
{
    memcpy(out->coefficient, f->coefficient, sizeof(out->coefficient));
    memcpy(out->center, f->center, sizeof(out->center));
    out->model_var = f->tau2;
    out->family_var = PLS_FIT_FAMILY_SD * PLS_FIT_FAMILY_SD;
    out->org_var = PLS_FIT_ORG_SD * PLS_FIT_ORG_SD;
    out->task[PLS_TASK_CHAT] = scale_of(f, f->data->reference, 0);
    for (uint32_t i = 0; i < f->data->n_families && out->families != NULL; i++) {
        out->families[i] = f->n_of_family[i] > 0 ? f->family[i] : (double)NAN;
    }
    for (uint32_t i = 0; i < f->data->n_orgs && out->orgs != NULL; i++) {
        out->orgs[i] = f->n_of_org[i] > 0 ? f->org[i] : (double)NAN;
    }
    for (uint32_t b = 0; b < f->data->n_items && out->lines != NULL; b++) {
        struct pls_ability_line line = { f->a[b], f->d[b], f->noise[b], f->thinks[b], f->takers[b] };
        out->lines[b] = f->n_of_item[b] >= LEAST_SCORES ? line : (struct pls_ability_line){ .slope = 0 };
    }
}

static bool take_rooms(struct pls_fit *f, struct pls_arena *arena)
{
    const struct pls_ability_data *data = f->data;
    f->mean = PLS_TAKE(arena, double, data->n_models);
    f->var = PLS_TAKE(arena, double, data->n_models);
    f->prior = PLS_TAKE(arena, double, data->n_models);
    f->start = PLS_TAKE(arena, double, data->n_models);
    f->spread = PLS_TAKE(arena, double, data->n_models);
    f->n_of_model = PLS_TAKE(arena, uint32_t, data->n_models);
    f->places = PLS_TAKE(arena, struct pls_fit_place, (size_t)data->n_models * PLS_TASK_COUNT);
    f->a = PLS_TAKE(arena, double, data->n_items);
    f->thinks = PLS_TAKE(arena, double, data->n_items);
    f->takers = PLS_TAKE(arena, double, data->n_items);
    f->org = PLS_TAKE(arena, double, data->n_orgs);
    f->n_of_family = PLS_TAKE(arena, uint32_t, data->n_families);
    f->n_of_org = PLS_TAKE(arena, uint32_t, data->n_orgs);
    f->org_of = PLS_TAKE(arena, uint32_t, data->n_families);
    f->d = PLS_TAKE(arena, double, data->n_items);
    f->noise = PLS_TAKE(arena, double, data->n_items);
    f->n_of_item = PLS_TAKE(arena, uint32_t, data->n_items);
    f->family = PLS_TAKE(arena, double, data->n_families);
    f->y = PLS_TAKE(arena, double, data->n_scores);
    f->weight = PLS_TAKE(arena, double, data->n_scores);
    f->sums = PLS_TAKE(arena, struct pls_fit_sums, data->n_items);
    f->tally = PLS_TAKE(arena, struct pls_fit_tally, data->n_models);
    return f->mean && f->var && f->prior && f->start && f->spread && f->n_of_model && f->places && f->a
           && f->d && f->noise && f->thinks && f->takers && f->org && f->n_of_family && f->n_of_org
           && f->org_of && f->n_of_item && f->family && f->y && f->weight && f->sums && f->tally;
}

enum pls_code pls_ability_fit(const struct pls_ability_data *data, struct pls_arena *arena,
                              struct pls_ability *out, struct pls_ability_prior *prior, struct pls_err *err)
{
    struct pls_ability_prior unwanted = { .families = NULL };
    struct pls_fit f = { .data = data };
    prior = prior != NULL ? prior : &unwanted;
    bool has_rooms = take_rooms(&f, arena);
    uint32_t *of_group = PLS_TAKE(arena, uint32_t, (size_t)data->n_models * data->n_groups);
    enum pls_evidence *grade = PLS_TAKE(arena, enum pls_evidence, data->n_models);
    if (!has_rooms || of_group == NULL || grade == NULL) {
        return pls_fail(err, PLS_NOMEM, "the capability fit needs more memory");
    }
    set_up_scores(&f, of_group);
    if (data->reference >= data->n_items || f.n_of_item[data->reference] < 5) {
        return pls_fail(err, PLS_USAGE, "the reference benchmark has too few scores");
    }
    set_up_kin(&f);
    set_up_models(&f);
    for (int round = 0; round < ROUNDS; round++) {
        pls_fit_items(&f, true);
        pls_fit_models(&f);
        pls_fit_prior(&f);
        pls_fit_task_thinking(&f);
    }
    fill_unscored(&f, grade);
    pls_fit_places(&f);
    for (uint32_t m = 0; m < data->n_models; m++) {
        struct standing at = { f.mean[m], f.var[m], f.n_of_model[m], grade[m] };
        out[m * PLS_TASK_COUNT + PLS_TASK_CHAT] = shown(&f, data->reference, &at);
    }
    keep_prior(&f, prior);
    pls_fit_items(&f, false); /* what seeing asks for: placed on the scale, but not part of it */
    for (unsigned task = PLS_TASK_CHAT + 1; task < PLS_TASK_COUNT; task++) {
        bool reads = pls_fit_is_reading((enum pls_task)task);
        double var = reads ? fit_readers(&f, (enum pls_task)task) : PLS_FIT_TASK_SD * PLS_FIT_TASK_SD;
        write_task(&f, (enum pls_task)task, grade, out);
        prior->task[task] = scale_of(&f, reference_of(&f, (enum pls_task)task), var);
        prior->task[task].reasons = f.task_thinks[task];
    }
    return PLS_OK;
}
