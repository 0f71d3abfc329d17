/* The capability fit: it finds what made the scores, and does not pretend to know what it was not told. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plimsoll/ability.h"
#include "unit.h"

enum { MODELS = 42, ITEMS = 6, SCORED = 40 };

static struct pls_ability_item items[ITEMS];
static struct pls_ability_model models[MODELS];
static struct pls_ability_score scores[SCORED * ITEMS];
static struct pls_ability fitted[MODELS * PLS_TASK_COUNT];
static double truth[MODELS];
static struct pls_err err;

/* Forty models of rising size whose capability is 0.4 per doubling with a wobble of its own, six benchmarks
 * of known lines: percent = chance + (100 - chance) / (1 + exp(-(a + d C))). Two more models were never
 * tested. */
static struct pls_ability_data made(void)
{
    static const double a[ITEMS] = { 0, -1, 1, 0.5, -0.5, 0 };
    static const double d[ITEMS] = { 1, 1.2, 0.8, 1, 1.1, 1 };
    uint32_t n = 0;
    for (uint32_t b = 0; b < ITEMS; b++) {
        items[b] = (struct pls_ability_item){ .is_elo = b == 5,
                                              .chance = b == 1 ? 25 : 0,
                                              .group = b,
                                              .task = b == 2 ? PLS_TASK_CODE : PLS_TASK_CHAT };
    }
    for (uint32_t i = 0; i < MODELS; i++) {
        models[i] =
            (struct pls_ability_model){ .log2_size = -1 + 0.2 * i, .years = 5, .family = i % 4, .twin = i };
        truth[i] = 0.4 * (models[i].log2_size - 3) + 0.3 * sin(7.0 * i);
        for (uint32_t b = 0; i < SCORED && b < ITEMS; b++) {
            double y = a[b] + d[b] * truth[i] + 0.1 * cos(11.0 * i + 3.0 * b);
            double percent = items[b].chance + (100 - items[b].chance) / (1 + exp(-y));
            scores[n++] = (struct pls_ability_score){
                .model = i, .item = b, .doubt = 1, .score = b == 5 ? 1200 + 400 * y / log(10) : percent
            };
        }
    }
    models[41].family = 4; /* the last one is alone in its family, which is alone of its publisher */
    models[41].org = 1;
    return (struct pls_ability_data){ .items = items,
                                      .n_items = ITEMS,
                                      .n_groups = ITEMS,
                                      .reference = 0,
                                      .models = models,
                                      .n_models = MODELS,
                                      .n_families = 5,
                                      .n_orgs = 2,
                                      .scores = scores,
                                      .n_scores = n };
}

static double effects[5], orgs[2];
static struct pls_ability_prior prior = { .families = effects, .orgs = orgs };

static void fit(const struct pls_ability_data *data)
{
    size_t cap = (size_t)1 << 20;
    void *room = malloc(cap);
    struct pls_arena arena = pls_arena_over(room, cap);
    ck_assert_msg(pls_ability_fit(data, &arena, fitted, &prior, &err) == PLS_OK, "%s", err.text);
    free(room);
}

static const struct pls_ability *chat(uint32_t model)
{
    return &fitted[model * PLS_TASK_COUNT + PLS_TASK_CHAT];
}

START_TEST(finds_what_made_the_scores)
{
    struct pls_ability_data data = made();
    fit(&data);
    uint32_t inside = 0;
    for (uint32_t i = 0; i < SCORED; i++) {
        double expected = 100 / (1 + exp(-truth[i])); /* item 0 is the reference: a 0, d 1, no chance */
        ck_assert_msg(fabs((double)chat(i)->score - expected) < 4, "model %u: %g for %g", i,
                      (double)chat(i)->score, expected);
        inside += fabs((double)chat(i)->score - expected) < 2 * (double)chat(i)->se;
        ck_assert_int_eq(chat(i)->evidence, PLS_EVIDENCE_DIRECT);
        ck_assert_uint_eq(chat(i)->n_sources, ITEMS);
    }
    ck_assert_uint_ge(inside, SCORED * 9 / 10);
}
END_TEST

START_TEST(what_was_not_tested_is_uncertain)
{
    struct pls_ability_data data = made();
    fit(&data);
    ck_assert_int_eq(chat(40)->evidence, PLS_EVIDENCE_FAMILY);
    ck_assert_int_eq(chat(41)->evidence, PLS_EVIDENCE_NONE);
    ck_assert_uint_eq(chat(41)->n_sources, 0);
    ck_assert(chat(40)->se > chat(39)->se);
    ck_assert(chat(41)->se > chat(40)->se);
    /* it stands where size puts it, near its neighbours */
    ck_assert(fabs((double)chat(40)->score - 100 / (1 + exp(-0.4 * (models[40].log2_size - 3)))) < 10);
    /* a task with scores of its own is direct, one without borrows from the general scale */
    const struct pls_ability *of = &fitted[10 * PLS_TASK_COUNT];
    ck_assert_int_eq(of[PLS_TASK_CODE].evidence, PLS_EVIDENCE_DIRECT);
    ck_assert_uint_eq(of[PLS_TASK_CODE].n_sources, 1);
    ck_assert_int_eq(of[PLS_TASK_TOOLS].evidence, PLS_EVIDENCE_VARIANT);
    ck_assert(of[PLS_TASK_TOOLS].se > of[PLS_TASK_CHAT].se);
}
END_TEST

START_TEST(twins_speak_for_one_another)
{
    struct pls_ability_data data = made();
    models[41].family = models[20].family;
    models[41].twin = models[20].twin;
    models[41].log2_size = models[20].log2_size;
    fit(&data);
    ck_assert_int_eq(chat(41)->evidence, PLS_EVIDENCE_VARIANT);
    ck_assert(chat(41)->score == chat(20)->score);
    ck_assert(chat(41)->se > chat(20)->se);
}
END_TEST

START_TEST(doubt_widens)
{
    struct pls_ability_data data = made();
    fit(&data);
    float before = chat(5)->se;
    for (uint32_t i = 0; i < data.n_scores; i++) {
        scores[i].doubt = scores[i].model == 5 ? 4 : 1;
    }
    fit(&data);
    ck_assert(chat(5)->se > before * 1.3f);
}
END_TEST

START_TEST(scores_at_chance_are_low_not_infinite)
{
    struct pls_ability_data data = made();
    for (uint32_t i = 0; i < data.n_scores; i++) {
        if (scores[i].model == 3 && !items[scores[i].item].is_elo) {
            scores[i].score = 0; /* below the chance of item 1 as well */
        }
    }
    fit(&data);
    ck_assert(isfinite(chat(3)->score) && chat(3)->score >= 0 && chat(3)->score < chat(20)->score);
}
END_TEST

/* Ten embedders whose scores fall with their size, against what size promises, and one that was never tested: their own
 * scores decide, on the scale of their own benchmark, and the one without any has the wider error. */
START_TEST(embedders_are_judged_by_embedding)
{
    enum { READERS = 10, MORE = READERS + 1 };
    static struct pls_ability_item more_items[ITEMS + 2];
    static struct pls_ability_model more_models[MODELS + MORE];
    static struct pls_ability_score more_scores[SCORED * ITEMS + 2 * READERS];
    static struct pls_ability out[(MODELS + MORE) * PLS_TASK_COUNT];
    struct pls_ability_data data = made();
    memcpy(more_items, items, sizeof(items));
    memcpy(more_models, models, sizeof(models));
    memcpy(more_scores, scores, data.n_scores * sizeof(scores[0]));
    for (uint32_t b = 0; b < 2; b++) {
        more_items[ITEMS + b] = (struct pls_ability_item){ .task = PLS_TASK_EMBEDDING, .group = ITEMS };
    }
    for (uint32_t i = 0; i < MORE; i++) {
        more_models[MODELS + i] = (struct pls_ability_model){ .log2_size = -4 + 0.5 * i, .years = 5, .twin = MODELS + i };
        for (uint32_t b = 0; b < 2 && i < READERS; b++) {
            more_scores[data.n_scores++] = (struct pls_ability_score){
                .model = MODELS + i, .item = ITEMS + b, .doubt = 1, .score = 75 - 2.0 * i - 10 * b
            };
        }
    }
    data.items = more_items;
    data.models = more_models;
    data.scores = more_scores;
    data.n_items = ITEMS + 2;
    data.n_groups = ITEMS + 1;
    data.n_models = MODELS + MORE;
    data.own_reference[PLS_TASK_EMBEDDING] = ITEMS + 1;
    size_t cap = (size_t)1 << 20;
    void *room = malloc(cap);
    struct pls_arena arena = pls_arena_over(room, cap);
    ck_assert_msg(pls_ability_fit(&data, &arena, out, NULL, &err) == PLS_OK, "%s", err.text);
    free(room);
    for (uint32_t i = 0; i < MORE; i++) {
        const struct pls_ability *a = &out[(MODELS + i) * PLS_TASK_COUNT + PLS_TASK_EMBEDDING];
        const struct pls_ability *before = &out[(MODELS + i - 1) * PLS_TASK_COUNT + PLS_TASK_EMBEDDING];
        double score = 75 - 2.0 * i;
        ck_assert_msg(i == READERS || fabs((double)a->score - score) < 3, "%u: %g", i, (double)a->score);
        ck_assert(i == 0 || i == READERS || a->score < before->score);
        ck_assert_msg(i < READERS ? a->evidence == PLS_EVIDENCE_DIRECT : a->se > before->se, "%g %g", (double)a->se, (double)before->se);
    }
}
END_TEST

START_TEST(same_input_same_bits)
{
    struct pls_ability_data data = made();
    static struct pls_ability first[MODELS * PLS_TASK_COUNT];
    fit(&data);
    for (size_t i = 0; i < sizeof(fitted) / sizeof(fitted[0]); i++) {
        first[i] = fitted[i];
    }
    fit(&data);
    for (size_t i = 0; i < sizeof(fitted) / sizeof(fitted[0]); i++) {
        ck_assert_mem_eq(&first[i].score, &fitted[i].score, sizeof(float)); /* to the bit */
        ck_assert_mem_eq(&first[i].se, &fitted[i].se, sizeof(float));
        ck_assert_uint_eq(first[i].n_sources, fitted[i].n_sources);
        ck_assert_uint_eq(first[i].evidence, fitted[i].evidence);
    }
}
END_TEST

START_TEST(refuses_what_cannot_be_fitted)
{
    struct pls_ability_data data = made();
    char small[256];
    struct pls_arena arena = pls_arena_over(small, sizeof(small));
    ck_assert_int_eq(pls_ability_fit(&data, &arena, fitted, NULL, &err), PLS_NOMEM);
    size_t cap = (size_t)1 << 20;
    void *room = malloc(cap);
    arena = pls_arena_over(room, cap);
    data.reference = UINT32_MAX; /* no such benchmark */
    ck_assert_int_eq(pls_ability_fit(&data, &arena, fitted, NULL, &err), PLS_USAGE);
    free(room);
}
END_TEST

/* What is kept of the fit says the same of models that nobody tested as the fit itself. */
START_TEST(the_prior_repeats_the_fit)
{
    struct pls_ability_data data = made();
    fit(&data);
    for (uint32_t m = SCORED; m < MODELS; m++) {
        for (unsigned t = 0; t < PLS_TASK_COUNT; t++) {
            const struct pls_ability *want = &fitted[m * PLS_TASK_COUNT + t];
            struct pls_ability got =
                pls_ability_guess(&prior, &models[m], effects[models[m].family], orgs[models[m].org],
                                  (enum pls_task)t);
            ck_assert_double_eq_tol((double)got.score, (double)want->score, 1e-4);
            ck_assert_double_eq_tol((double)got.se, (double)want->se, 1e-4);
            ck_assert_uint_eq(got.evidence, want->evidence);
        }
    }
    ck_assert(isnan(effects[4]) && isnan(orgs[1])); /* nobody of it was tested */
    ck_assert(isfinite(orgs[0]));
}
END_TEST

/* Half the models think, and two benchmarks give a logit for that. Their capability is not what moves, and those that
 * took these two alone are not held to be better than others of their size. */
START_TEST(a_benchmark_that_rewards_thinking_lifts_nobody)
{
    struct pls_ability_data data = made();
    uint32_t n = 0;
    for (uint32_t i = 0; i < data.n_scores; i++) {
        struct pls_ability_score *s = &scores[i];
        models[s->model].reasons = s->model % 2;
        if (s->model % 2 == 1 && (s->item == 3 || s->item == 4)) {
            double y = log(s->score / (100 - s->score)) + 1;
            s->score = 100 / (1 + exp(-y));
        }
        if (s->model != 21 || s->item == 3 || s->item == 4) {
            scores[n++] = *s;
        }
    }
    data.n_scores = n;
    fit(&data);
    double expected = 100 / (1 + exp(-truth[21]));
    ck_assert_msg(fabs((double)chat(21)->score - expected) < 7, "%g for %g", (double)chat(21)->score, expected);
    for (uint32_t i = 0; i < SCORED; i++) {
        expected = 100 / (1 + exp(-truth[i]));
        ck_assert_msg(i == 21 || fabs((double)chat(i)->score - expected) < 6, "model %u: %g for %g", i,
                      (double)chat(i)->score, expected);
    }
}
END_TEST

/* A model whose code scores are a logit too high is the better for code, and little better for chat: many scores of one
 * task share what the model is off in it. */
START_TEST(a_task_speaks_for_itself)
{
    struct pls_ability_data data = made();
    for (uint32_t b = 2; b < 5; b++) {
        items[b].task = PLS_TASK_CODE;
    }
    fit(&data);
    double before = (double)chat(12)->score;
    for (uint32_t i = 0; i < data.n_scores; i++) {
        struct pls_ability_score *s = &scores[i];
        if (s->model == 12 && items[s->item].task == PLS_TASK_CODE) {
            s->score = 100 / (1 + exp(-(log(s->score / (100 - s->score)) + 1)));
        }
    }
    fit(&data);
    double code = (double)fitted[12 * PLS_TASK_COUNT + PLS_TASK_CODE].score;
    ck_assert_msg(code > before + 10, "%g after %g", code, before);
    ck_assert_msg((double)chat(12)->score - before < (code - before) / 2, "%g, %g after %g",
                  (double)chat(12)->score, code, before);
}
END_TEST

/* Of two families that nobody tested, the one whose publisher's others do well is expected to do better, and is surer
 * than one of a publisher nobody tested. */
START_TEST(a_publisher_speaks_for_its_families)
{
    struct pls_ability_data data = made();
    for (uint32_t i = 0; i < MODELS; i++) {
        models[i].family = i % 4;
        models[i].org = models[i].family < 2 ? 0 : 1;
        for (uint32_t k = 0; k < data.n_scores && models[i].org == 0; k++) {
            struct pls_ability_score *s = &scores[k];
            if (s->model == i && items[s->item].is_elo) {
                s->score += 100;
            } else if (s->model == i) {
                double share = (s->score - items[s->item].chance) / (100 - items[s->item].chance);
                share = 1 / (1 + exp(-(log(share / (1 - share)) + 0.6)));
                s->score = items[s->item].chance + (100 - items[s->item].chance) * share;
            }
        }
    }
    for (uint32_t i = SCORED; i < MODELS; i++) {
        models[i] = models[SCORED];
        models[i].family = 4 + i - SCORED;
        models[i].org = i - SCORED;
        models[i].twin = i;
    }
    data.n_families = 6;
    static double more_effects[6];
    prior.families = more_effects;
    fit(&data);
    ck_assert_int_eq(chat(40)->evidence, PLS_EVIDENCE_NONE);
    ck_assert(chat(40)->score > chat(41)->score + 3);
    double known = (double)pls_ability_guess(&prior, &models[40], NAN, orgs[0], PLS_TASK_CHAT).se;
    double unknown = (double)pls_ability_guess(&prior, &models[40], NAN, NAN, PLS_TASK_CHAT).se;
    ck_assert(known < unknown);
    prior.families = effects;
}
END_TEST

START_TEST(a_card_is_read_as_the_fit_reads_it)
{
    struct pls_ability_model m = pls_ability_model_of(16e9, 4e9, 202507, 1u << PLS_TASK_REASONING);
    ck_assert_double_eq_tol(m.log2_size, 3, 1e-12); /* sqrt(16 * 4) = 8 billion */
    ck_assert_double_eq_tol(m.years, 5 + 6.5 / 12, 1e-12);
    ck_assert_double_eq(m.reasons, 1);
    m = pls_ability_model_of(0, 0, 0, 0);
    ck_assert(isnan(m.log2_size) && isnan(m.years));
    ck_assert(pls_ability_is_rated(1u << PLS_TASK_VISION, PLS_TASK_CODE));
    ck_assert(!pls_ability_is_rated(1u << PLS_TASK_EMBEDDING, PLS_TASK_CHAT));
}
END_TEST

UNIT_MAIN("ability", a_benchmark_that_rewards_thinking_lifts_nobody, a_task_speaks_for_itself,
          a_publisher_speaks_for_its_families, the_prior_repeats_the_fit, a_card_is_read_as_the_fit_reads_it,
          finds_what_made_the_scores, what_was_not_tested_is_uncertain, twins_speak_for_one_another,
          doubt_widens, scores_at_chance_are_low_not_infinite, embedders_are_judged_by_embedding,
          same_input_same_bits, refuses_what_cannot_be_fitted)
