/* core/ability_fit.h - the state of a capability fit (plimsoll/ability.h), and the steps of one round of it.
 */
#ifndef CORE_ABILITY_FIT_H
#define CORE_ABILITY_FIT_H

#include "plimsoll/ability.h"

enum { FEATURES = PLS_ABILITY_FEATURES, LEAST_SCORES = 3 };

/* How far publishers lie apart, families of one, and tasks from C. */
#define PLS_FIT_ORG_SD    0.3
#define PLS_FIT_FAMILY_SD 0.4
#define PLS_FIT_TASK_SD   0.35

struct pls_fit_sums {
    double w, wc, wy, wcc, wcy, wrr, wre, rest;
};

/* What the scores of one task say of a model, and where it stands in that task. */
struct pls_fit_place {
    double precision, sum, mean, var;
};

struct pls_fit_tally {
    double sum, precision;
    uint32_t n;
};

struct pls_fit {
    const struct pls_ability_data *data;
    double *mean, *var, *prior;   /* per model */
    double *start, *spread;       /* per model: mean and variance before what it was read with counts */
    uint32_t *n_of_model;         /* scores that take part */
    struct pls_fit_place *places; /* per model and task */
    double *a, *d, *noise;        /* per item; noise is a variance */
    double *thinks, *takers;      /* per item: what thinking earns; share of its takers that do */
    uint32_t *n_of_item;
    double *family, *org;                      /* effects; a family's with that of its publisher */
    uint32_t *n_of_family, *n_of_org, *org_of; /* models with scores; families with any; per family: whose */
    double *y, *weight;                        /* per score: logit; 1 / (doubt * sqrt(scores of its group)) */
    struct pls_fit_sums *sums;                 /* per item, scratch */
    struct pls_fit_tally *tally;               /* per model, scratch */
    double coefficient[FEATURES];
    double center[FEATURES]; /* means of the features, which stand in for unknown ones */
    double tau2;
    double task_thinks[PLS_TASK_COUNT]; /* what thinking earns in all of a task */
};

bool pls_fit_takes_part(const struct pls_fit *f, const struct pls_ability_score *score);
/* Embedding and reranking: a trade of its own, by models that do nothing else. */
bool pls_fit_is_reading(enum pls_task task);
/* Does a task, or the one of an item, speak for the general scale? Seeing and reading are other trades. */
bool pls_fit_is_placed(enum pls_task task);
bool pls_fit_is_general(const struct pls_ability_item *item);
/* A score as the fit takes it: of Elo points 400 a factor of ten, else the share above chance. */
double pls_fit_logit(const struct pls_ability_item *item, double score);
double pls_fit_expected_noise(const struct pls_ability_item *item); /* of a benchmark that nobody took */
double pls_fit_feature(const struct pls_fit *f, uint32_t model, int which); /* or the mean of others */

/* Where every model stands in every task, given C: between C and what the scores of the task say. */
void pls_fit_places(struct pls_fit *f);
/* The line of every item and s_b, given where models stand and how surely: of the general scale, or others.
 */
void pls_fit_items(struct pls_fit *f, bool general);
/* Where every model stands, given the items and its prior. */
void pls_fit_models(struct pls_fit *f);
/* The prior of every model, and how far they lie from it. */
void pls_fit_prior(struct pls_fit *f);
/* h_t: how far above C those that think stand in a task. */
void pls_fit_task_thinking(struct pls_fit *f);

#endif
