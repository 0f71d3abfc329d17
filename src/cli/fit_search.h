/* cli/fit_search.h - what the files of the search share. Cards are indexed as gathered, in the catalog's
 * order. */
#ifndef CLI_FIT_SEARCH_H
#define CLI_FIT_SEARCH_H

#include "cli/fit.h"
#include "plimsoll/place.h"

#define PLS_FIT_NONE UINT32_MAX

/* What a configuration could be at best; infinite when it has to be tried, minus infinite when it cannot
 * fit. */
struct pls_fit_bound {
    double key;            /* score less tier */
    double quality, speed_tps; /* as in a pick: without the doubt that is in the score */
};

/* A shape in one quant: placed once for all cards that have the shape. */
struct pls_fit_candidate {
    struct pls_fit_bound bound;
    uint32_t shape; /* the first card of it */
    uint32_t rung;  /* in the ladder; PLS_FIT_RUNGS: the one quant there is */
    struct pls_quant quant;
};

struct pls_fit_list {
    bool is_asked, is_listed;
    struct pls_tensors tensors;
};

struct pls_fit_search {
    struct pls_session *s;
    const struct pls_fit_ask *ask;
    /* what ask points to: the caller's, settled for this machine, with rows to spare */
    struct pls_fit_ask own;
    uint32_t wanted;        /* rows; 0 all */
    struct pls_card *cards;
    uint32_t n_cards, cap;
    uint32_t other_tasks;    /* of those that the task does not let through */
    uint32_t n_matches;      /* cards that the words let through, whatever they are made for */
    bool has_words, out_of_memory;
    const char *named;       /* id of the one model that the words name; NULL when they name none */
    uint32_t n_placed;       /* configurations that had an answer, whether or not they fit */
    struct pls_err refusal;  /* why the first that had none was refused */

    /* per card; a shape is known by its first card, a group (cards of one base) by a number below n_groups */
    uint32_t *shape, *next_of_shape, *group;
    uint32_t n_groups;
    /* per card: another of its group stands for it; with every configuration wanted, none */
    bool *is_second;

    struct pls_fit_candidate *candidates;
    uint32_t n_candidates;
    uint32_t *placed;      /* per shape: bits of the rungs placed */
    bool *is_comfortable;  /* per shape: 4 bits or more fit whole, with the context wished for */

    struct pls_pick *picks;
    uint32_t n_picks, cap_picks, n_configs;
    double *best;          /* per group: the best key placed so far */
    double *leaders;       /* the best keys of the `top` leading groups, in descending order */
    uint32_t best_tier;
    double least;          /* the key that a configuration needs to matter to the rows wanted */
    double last_key, last_score; /* the best that the last placement gave */

    struct pls_plan *plan; /* scratch: too large for the stack */
    struct pls_model *model;
    struct pls_fit_list *lists; /* per shape; in the scratch arena behind list_mark */
    size_t list_mark;
};

/* Sets shape, next_of_shape, group, n_groups and is_second: the card that was named stands for its group,
 * else those whose scores are their own stand before those that borrow their family's, and these before
 * guesses. PLS_NOMEM. */
enum pls_code pls_fit_group(struct pls_fit_search *f, struct pls_err *err);

/* Places all that can still matter: fills picks. */
void pls_fit_place(struct pls_fit_search *f);
/* What is left of a group, so that its best is known whatever it is. */
void pls_fit_place_group(struct pls_fit_search *f, uint32_t group);
/* What could beat the pick: as the best of its group, or as the one reason to call the pick beaten. */
void pls_fit_place_better(struct pls_fit_search *f, const struct pls_pick *pick);

/* plan is scratch. */
struct pls_fit_bound pls_fit_bound(const struct pls_fit_search *f, const struct pls_card *card,
                                   const struct pls_quant *quant, struct pls_plan *plan);

/* A pick planned in full; what it points to lives as long as the session. */
struct pls_fit_row {
    struct pls_model *model; /* without its tensors */
    struct pls_plan *plan;
    struct pls_pick *pick;   /* its numbers are the plan's */
    enum pls_code code;      /* why there is no plan; the sentence may be missing */
    struct pls_err err;
};
/* Plans the chosen picks, in the same order. The error of the first that has no plan. */
enum pls_code pls_fit_finish(struct pls_fit_search *f, const uint32_t *chosen, uint32_t n,
                             struct pls_fit_row *rows, struct pls_err *err);

/* Indices of picks in the order of rows; picks are sorted by it. chosen has room for n_picks. Returns their
 * number. */
uint32_t pls_fit_choose(struct pls_fit_search *f, uint32_t *chosen);

#endif
