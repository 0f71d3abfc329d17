/* plimsoll/ability.h - one capability scale from many leaderboards.
 *
 * Benchmarks do not compare: each has its own difficulty, spread and noise, and no model took them all. The
 * fit assumes one latent capability C per model, what it is off that in each task, and a straight line per
 * benchmark,
 *
 *     logit(score above chance) = a_b + g_b * R_i + d_b * (C_i + h_t * R_i + T_it) + e,   e ~ N(0, s_b^2)
 *
 * R_i: does the model reason (less the share of those that took the benchmark); d_b ~ N(1, 0.3^2); g_b ~ N(0,
 * 0.5^2) is what thinking aloud earns in this benchmark alone, so that a model is not held to be better for
 * having taken those that reward it; h_t what it earns in the whole task, T_it ~ N(0, 0.35^2) how far the
 * model is off in it, so that five scores of one task do not speak for all. In chat h and T are none.
 *
 * C_i ~ N(prior_i, tau^2), prior_i linear in log2 of the size, release date, their product (small models gain
 * less by a year) and whether the model reasons, plus an effect of its family, which has one of its publisher
 * for its mean, all shrunk. It is fitted by expectation maximisation, so a model with few scores stays near
 * its prior and says so in its standard error; one without any is its prior. An Elo rating enters as the
 * logit of winning against a rating of 1200.
 *
 * The scale shown, 0..100, is the above-chance score that the fit expects on one reference benchmark.
 * Embedding and reranking are shown on one of their own: models that do nothing else have no general scores,
 * so size, date and family are only where they start, and their own scores decide.
 *
 * Same input, same bits: no random numbers, a fixed number of rounds. The fit is not for the running program:
 * the catalog is built with it. What is kept of it, the prior, is: it rates cards that were not there. Its
 * held-out error: plimsoll(7), CAPABILITY.
 */
#ifndef PLIMSOLL_ABILITY_H
#define PLIMSOLL_ABILITY_H

#include "plimsoll/arena.h"
#include "plimsoll/card.h"

struct pls_ability_item {
    bool is_elo;        /* else percent */
    double chance;      /* percent that guessing earns */
    enum pls_task task; /* PLS_TASK_CHAT: speaks for general capability only */
    uint32_t group;     /* of one harness, sharing its errors: a model's k scores of it count as sqrt(k) */
};

struct pls_ability_model {
    double log2_size; /* billions of parameters, geometric mean of all and active; NAN unknown */
    double years;     /* since 2020; NAN unknown */
    double reasons;   /* 1 a reasoning model, else 0 */
    uint32_t family, org;
    uint32_t twin; /* models of equal shape in one family share a number below n_models */
};

struct pls_ability_score {
    uint32_t model, item;
    double score;
    double doubt; /* factor on the variance: 1 for a leaderboard, more for what a publisher says of itself */
};

struct pls_ability_data {
    const struct pls_ability_item *items;
    uint32_t n_items, n_groups, reference; /* index of the reference item */
    /* 1 + the item that a task is shown on; 0, or too few scores: the reference */
    uint32_t own_reference[PLS_TASK_COUNT];
    const struct pls_ability_model *models;
    uint32_t n_models, n_families, n_orgs; /* publishers; one per family */
    const struct pls_ability_score *scores;
    uint32_t n_scores;
};

/* From a capability to what is shown of a task: share above chance on its reference, as logit = intercept +
 * slope * (C + reasons, of a model that does). var is what a task adds to the variance of a model nobody
 * tested in it. */
struct pls_ability_scale {
    double intercept, slope, var, reasons;
};

/* The line of a benchmark, as fitted: logit = intercept + thinks * (R - takers) + slope * what C is in its
 * task, and the variance of a score around it. */
struct pls_ability_line {
    double intercept, slope, var; /* all 0: too few scores */
    double thinks, takers;        /* g_b; share of its takers that reason */
};

/* one, size, what is lacking to the knee's size, date, reasoning, growth: size times date */
enum { PLS_ABILITY_FEATURES = 6 };

/* The prior of a fit: C = coefficient[0] + sum of coefficient * (feature - center), plus an effect of the
 * family. */
struct pls_ability_prior {
    double coefficient[PLS_ABILITY_FEATURES];
    double center[PLS_ABILITY_FEATURES];   /* stands in for what is not known */
    double model_var, family_var, org_var; /* the second for models of a family of which none was tested, the
                                              third where none of its publisher was */
    struct pls_ability_scale task[PLS_TASK_COUNT];
    double *families, *orgs; /* out, n_families and n_orgs of them: each one's effect, a family's with that of
                                its publisher; NAN where no model of it was tested. May be NULL */
    struct pls_ability_line *lines; /* out, n_items of them. May be NULL */
};

/* out[model * PLS_TASK_COUNT + task], and the prior when that is not NULL; evidence is graded direct (own
 * scores of the task; for CHAT any), variant (a twin has them), family, none. PLS_NOMEM: the arena is too
 * small; PLS_USAGE: the reference item has fewer than 5 scores. */
enum pls_code pls_ability_fit(const struct pls_ability_data *data, struct pls_arena *arena,
                              struct pls_ability *out, struct pls_ability_prior *prior, struct pls_err *err);

/* What the fit knows of a model: parameters as a card has them (0 unknown), release yyyymm (0 unknown), bits
 * of enum pls_task. Family and twin are left 0. */
struct pls_ability_model pls_ability_model_of(double params_total, double params_active, uint32_t release,
                                              uint32_t tasks);
/* One of what the prior is linear in; NAN: not known. */
double pls_ability_feature(const struct pls_ability_model *model, int which);
/* Which tasks a card is rated for: what it is made for, and for a language model always chat, code and
 * reasoning. */
bool pls_ability_is_rated(uint32_t tasks, enum pls_task task);
/* 0..100: what is expected above chance on the task's reference; the error by the slope there. */
struct pls_ability pls_ability_shown(const struct pls_ability_scale *scale, double mean, double var);
/* A model that nobody tested, in one task; family_effect NAN: of a family that nobody tested, org_effect NAN:
 * nor anything of its publisher. Evidence is "family" or "none", and the error says what that is worth. */
struct pls_ability pls_ability_guess(const struct pls_ability_prior *prior,
                                     const struct pls_ability_model *model, double family_effect,
                                     double org_effect, enum pls_task task);

#endif
