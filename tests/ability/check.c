/* ability-check CATALOG [--families | --models]: how far the capability fit is off where it was not told.
 * Scores are taken out of the fit and predicted; nothing is compared with what the fit itself says when it
 * knows them.
 *
 *   models    every fifth of the models that have five scores or more in turn, without any of their scores
 *   one       the same, but each keeps one of its scores, each in turn; predicted are those of other harnesses
 *   composite those of "one" that kept the one score which most models with a single score have
 *   families  every family in turn, without any of its scores
 *   scores    every fifth of the scores in turn
 *
 * Columns: how many models; root mean square of a model's error (the mean that its held-out scores leave
 * over, in logits of the reference benchmark); what the fit expected of it; mean error (above 0: better than
 * predicted); share of scores inside their 80% interval; error of single scores, and minus the logarithm of
 * the density that was given to them, which is the smaller the better. Each model counts the same. For
 * "families" the mean error is the mean over families.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/db.h"
#include "core/ability_fit.h"
#include "plimsoll/ability.h"

enum { LEAST = 5, FOLDS = 5, MOST_SCORES = 24, ROOM = 32 << 20 };

/* Why a score takes no part. */
enum role { IN_FIT, HELD_OUT, ASIDE };

struct bench {
    struct pls_ability_data all, some; /* as it is, and as the fit is given it */
    struct pls_ability_score *kept;
    enum role *role;      /* per score of all */
    uint32_t *n_of_model; /* scores of the general scale */
    uint32_t *of_group;   /* per model and group */
    struct pls_ability *fitted;
    struct pls_ability_line *lines;
    struct pls_ability_prior prior;
    uint32_t composite; /* item */
    char **models;      /* ids */
    char **families;
    void *room;
    bool is_by_model;
};

struct tally {
    uint32_t n_models;
    double square, expected, bias, inside, score_square, loss;
    double *family_sum; /* per family: of the errors of its models */
    uint32_t *family_n;
};

static bool is_general(const struct bench *b, const struct pls_ability_score *s)
{
    return pls_fit_is_general(&b->all.items[s->item]);
}

/* Fits what is left. */
static void refit(struct bench *b)
{
    struct pls_err err;
    struct pls_arena arena = pls_arena_over(b->room, ROOM);
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->all.n_scores; i++) {
        if (b->role[i] == IN_FIT) {
            b->kept[n++] = b->all.scores[i];
        }
    }
    b->some = b->all;
    b->some.scores = b->kept;
    b->some.n_scores = n;
    if (pls_ability_fit(&b->some, &arena, b->fitted, &b->prior, &err) != PLS_OK) {
        fprintf(stderr, "ability-check: %s\n", err.text);
        exit(1);
    }
}

/* Where the fit puts a model in a task, from what it shows: mean and variance of C. */
static void standing(const struct bench *b, uint32_t model, enum pls_task task, double *mean, double *var)
{
    const struct pls_ability *a = &b->fitted[model * PLS_TASK_COUNT + (uint32_t)task];
    const struct pls_ability_scale *scale = &b->prior.task[task];
    double share = fmin(fmax((double)a->score / 100, 1e-4), 1 - 1e-4);
    double sd = (double)a->se / (100 * share * (1 - share) * scale->slope);
    *mean = (log(share / (1 - share)) - scale->intercept) / scale->slope;
    *var = sd * sd;
}

/* Adds what the held-out scores of a model say of its prediction. */
static void judge(struct bench *b, uint32_t model, struct tally *t)
{
    double sum = 0, precision = 0, inside = 0, square = 0, loss = 0, n = 0;
    double mean, var;
    for (uint32_t i = 0; i < b->all.n_scores; i++) {
        const struct pls_ability_score *s = &b->all.scores[i];
        const struct pls_ability_line *line = &b->lines[s->item];
        if (s->model != model || b->role[i] != HELD_OUT || !is_general(b, s) || !(line->var > 0)) {
            continue;
        }
        standing(b, model, b->all.items[s->item].task, &mean, &var);
        double noise = line->var * fmax(s->doubt, 1);
        double thinks = line->thinks * (b->all.models[model].reasons - line->takers);
        double e = pls_fit_logit(&b->all.items[s->item], s->score) - line->intercept - thinks - line->slope * mean;
        double off = line->slope * line->slope * var + noise;
        double weight =
            1 / (noise * sqrt(b->of_group[model * b->all.n_groups + b->all.items[s->item].group]));
        sum += weight * line->slope * e;
        precision += weight * line->slope * line->slope;
        inside += fabs(e) < 1.2816 * sqrt(off);
        square += e * e;
        loss += 0.5 * (log(6.283185 * off) + e * e / off);
        n++;
    }
    if (!(precision > 0)) {
        return;
    }
    double slope = b->prior.task[PLS_TASK_CHAT].slope;
    standing(b, model, PLS_TASK_CHAT, &mean, &var);
    double error = slope * sum / precision;
    t->n_models++;
    t->square += error * error;
    t->expected += slope * slope * (var + 1 / precision);
    t->bias += error;
    t->inside += inside / n;
    t->score_square += square / n;
    t->loss += loss / n;
    t->family_sum[b->all.models[model].family] += error;
    t->family_n[b->all.models[model].family]++;
    if (b->is_by_model) {
        printf("%s\t%s\t%.3f\t%.3f\t%.0f\n", b->models[model], b->families[b->all.models[model].family],
               error, slope * sqrt(var + 1 / precision), n);
    }
}

static struct tally tally_of(const struct bench *b)
{
    struct tally t = { .n_models = 0 };
    t.family_sum = calloc(b->all.n_families, sizeof(double));
    t.family_n = calloc(b->all.n_families, sizeof(uint32_t));
    return t;
}

static double mean_over_families(const struct bench *b, const struct tally *t)
{
    double sum = 0, n = 0;
    for (uint32_t i = 0; i < b->all.n_families; i++) {
        if (t->family_n[i] > 0) {
            sum += t->family_sum[i] / t->family_n[i];
            n++;
        }
    }
    return sum / n;
}

static void show(const struct bench *b, const char *name, struct tally *t, bool is_families)
{
    double n = t->n_models;
    printf("%-10s %6u  %5.3f  %5.3f  %+6.3f  %4.1f%%  %6.3f  %6.3f\n", name, t->n_models, sqrt(t->square / n),
           sqrt(t->expected / n), is_families ? mean_over_families(b, t) : t->bias / n, 100 * t->inside / n,
           sqrt(t->score_square / n), t->loss / n);
    fflush(stdout);
    free(t->family_sum);
    free(t->family_n);
}

static bool is_tested(const struct bench *b, uint32_t model)
{
    return b->n_of_model[model] >= LEAST;
}

static void check_models(struct bench *b)
{
    struct tally t = tally_of(b);
    for (uint32_t fold = 0; fold < FOLDS; fold++) {
        for (uint32_t i = 0; i < b->all.n_scores; i++) {
            uint32_t m = b->all.scores[i].model;
            b->role[i] = is_tested(b, m) && m % FOLDS == fold ? HELD_OUT : IN_FIT;
        }
        refit(b);
        for (uint32_t m = fold; m < b->all.n_models; m += FOLDS) {
            if (is_tested(b, m)) {
                judge(b, m, &t);
            }
        }
    }
    show(b, "models", &t, false);
}

/* Of every fifth of the models the nth score alone stays; returns what is kept of a model, n_scores: nothing.
 */
static void keep_nth(struct bench *b, uint32_t fold, uint32_t nth, uint32_t *kept)
{
    uint32_t at = 0, of = UINT32_MAX;
    for (uint32_t m = 0; m < b->all.n_models; m++) {
        kept[m] = b->all.n_scores;
    }
    for (uint32_t i = 0; i < b->all.n_scores; i++) {
        const struct pls_ability_score *s = &b->all.scores[i];
        at = s->model == of ? at : 0;
        of = s->model;
        bool is_out = is_tested(b, s->model) && s->model % FOLDS == fold;
        b->role[i] = is_out && is_general(b, s) ? HELD_OUT : IN_FIT;
        if (b->role[i] == HELD_OUT && at++ == nth) {
            kept[s->model] = i;
        }
    }
    for (uint32_t i = 0; i < b->all.n_scores; i++) {
        const struct pls_ability_score *s = &b->all.scores[i];
        uint32_t k = kept[s->model];
        if (b->role[i] == HELD_OUT && k < b->all.n_scores) {
            bool is_near = b->all.items[s->item].group == b->all.items[b->all.scores[k].item].group;
            b->role[i] = i == k ? IN_FIT : is_near ? ASIDE : HELD_OUT;
        }
    }
}

static void check_one(struct bench *b)
{
    struct tally t = tally_of(b), composite = tally_of(b);
    uint32_t *kept = calloc(b->all.n_models, sizeof(kept[0]));
    for (uint32_t fold = 0; fold < FOLDS; fold++) {
        for (uint32_t nth = 0; nth < MOST_SCORES; nth++) {
            keep_nth(b, fold, nth, kept);
            refit(b);
            for (uint32_t m = fold; m < b->all.n_models; m += FOLDS) {
                if (kept[m] < b->all.n_scores) {
                    judge(b, m, &t);
                    if (b->all.scores[kept[m]].item == b->composite) {
                        judge(b, m, &composite);
                    }
                }
            }
        }
    }
    show(b, "one", &t, false);
    show(b, "composite", &composite, false);
    free(kept);
}

static void check_families(struct bench *b)
{
    struct tally t = tally_of(b);
    for (uint32_t k = 0; k < b->all.n_families; k++) {
        bool is_any = false;
        for (uint32_t i = 0; i < b->all.n_scores; i++) {
            bool is_out = b->all.models[b->all.scores[i].model].family == k;
            b->role[i] = is_out ? HELD_OUT : IN_FIT;
            is_any = is_any || (is_out && is_general(b, &b->all.scores[i]));
        }
        if (is_any) {
            refit(b);
        }
        for (uint32_t m = 0; is_any && m < b->all.n_models; m++) {
            if (b->all.models[m].family == k && b->n_of_model[m] > 0) {
                judge(b, m, &t);
            }
        }
    }
    show(b, "families", &t, true);
}

static void check_scores(struct bench *b)
{
    struct tally t = tally_of(b);
    for (uint32_t fold = 0; fold < FOLDS; fold++) {
        for (uint32_t i = 0; i < b->all.n_scores; i++) {
            b->role[i] = i % FOLDS == fold ? HELD_OUT : IN_FIT;
        }
        refit(b);
        for (uint32_t m = 0; m < b->all.n_models; m++) {
            if (is_tested(b, m)) {
                judge(b, m, &t);
            }
        }
    }
    show(b, "scores", &t, false);
}

static char **names(struct pls_catalog *catalog, const char *sql, uint32_t n)
{
    sqlite3_stmt *stmt = NULL;
    char **out = calloc(n, sizeof(out[0]));
    if (out == NULL || pls_db_prepare(catalog, sql, &stmt, NULL) != PLS_OK) {
        exit(1);
    }
    for (uint32_t i = 0; i < n && sqlite3_step(stmt) == SQLITE_ROW; i++) {
        out[i] = strdup((const char *)sqlite3_column_text(stmt, 0));
    }
    sqlite3_finalize(stmt);
    return out;
}

static void prepare(struct bench *b, struct pls_catalog *catalog)
{
    b->kept = calloc(b->all.n_scores, sizeof(b->kept[0]));
    b->role = calloc(b->all.n_scores, sizeof(b->role[0]));
    b->n_of_model = calloc(b->all.n_models, sizeof(b->n_of_model[0]));
    b->of_group = calloc((size_t)b->all.n_models * b->all.n_groups, sizeof(b->of_group[0]));
    b->fitted = calloc((size_t)b->all.n_models * PLS_TASK_COUNT, sizeof(b->fitted[0]));
    b->lines = calloc(b->all.n_items, sizeof(b->lines[0]));
    b->prior.lines = b->lines;
    b->room = malloc(ROOM);
    for (uint32_t i = 0; i < b->all.n_scores; i++) {
        const struct pls_ability_score *s = &b->all.scores[i];
        b->n_of_model[s->model] += is_general(b, s);
        b->of_group[s->model * b->all.n_groups + b->all.items[s->item].group]++;
    }
    b->models = names(catalog, "SELECT id FROM temp.numbered ORDER BY n", b->all.n_models);
    b->families =
        names(catalog, "SELECT DISTINCT family FROM main.models ORDER BY family", b->all.n_families);
    char **items = names(catalog, "SELECT name FROM main.scales ORDER BY name", b->all.n_items);
    for (uint32_t i = 0; i < b->all.n_items; i++) {
        b->composite = strcmp(items[i], "whatmodel_composite") == 0 ? i : b->composite;
        free(items[i]);
    }
    free(items);
}

int main(int argc, char **argv)
{
    struct pls_err err;
    struct pls_catalog *catalog = NULL;
    struct bench b = { .composite = UINT32_MAX };
    uint32_t *tasks = NULL;
    void *room = malloc(ROOM);
    struct pls_arena arena = pls_arena_over(room, ROOM);
    if (argc < 2 || pls_catalog_open(argv[1], NULL, &catalog, &err) != PLS_OK
        || pls_db_ability_data(catalog, "livebench", &arena, &b.all, &tasks, &err) != PLS_OK) {
        fprintf(stderr, "ability-check: %s\n", argc < 2 ? "which catalog?" : err.text);
        return 1;
    }
    prepare(&b, catalog);
    const char *what = argc > 2 ? argv[2] : "";
    b.is_by_model = what[0] != '\0';
    if (strcmp(what, "--families") != 0) {
        printf("held out   models  error  expect    mean  in 80%%  scores    loss\n");
        check_models(&b);
    }
    if (what[0] == '\0') {
        check_one(&b);
    }
    if (strcmp(what, "--models") != 0) {
        check_families(&b);
    }
    if (what[0] == '\0') {
        check_scores(&b);
    }
    pls_catalog_close(catalog);
    return 0;
}
