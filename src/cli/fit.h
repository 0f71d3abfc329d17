/* cli/fit.h - the search behind `fit`: every model of the catalog, in the quants worth having, placed on one machine.
 *
 * Placement alone decides what fits; speed and quality are added to what does, and only the rows that will be shown are
 * planned in full. Configurations are placed in order of what they could score at best, until none that is left can
 * reach the rows wanted: the result is that of placing all. Nothing is guessed: a model whose tensors cannot be listed, or
 * that the engine refuses, is left out and counted.
 */
#ifndef CLI_FIT_H
#define CLI_FIT_H

#include "cli/session.h"

struct pls_fit_ask {
    struct pls_ask ask;       /* context DEFAULT: the policy's wish, or its least when the wish does not fit */
    struct pls_policy policy;
    struct pls_quant quant;   /* when has_quant */
    bool has_quant;
    bool speed_is_hard;       /* --min-speed was given: slower ones are left out instead of put behind */
    uint32_t top;             /* rows wanted; 0 all */
    bool picks_only;          /* every configuration that fits, as a pick; nothing is planned in full */
};

struct pls_fit_result {
    struct pls_entry *entries; /* best first; models, plans and picks behind them live in the session's arena */
    uint32_t n_entries;
    uint32_t n_models;         /* that the words and the task let through */
    struct pls_pick *picks;    /* picks_only: best first, with the cards they index; both of malloc, the caller's */
    struct pls_card *cards;
    uint32_t n_picks;
    uint32_t n_configs;        /* considered: placed, or ruled out by their bound */
};

/* What the options ask for. The machine is not looked at. */
enum pls_code pls_fit_ask_read(struct pls_session *s, struct pls_fit_ask *out, struct pls_err *err);

/* words as for pls_catalog_each. */
enum pls_code pls_fit_run(struct pls_session *s, const char *words, const struct pls_fit_ask *ask,
                          struct pls_fit_result *out, struct pls_err *err);

/* At most this much could a configuration score; infinite when it has to be tried, minus infinite when it cannot fit.
 * room is scratch. */
double pls_fit_bound(const struct pls_session *s, const struct pls_fit_ask *ask, const struct pls_card *card,
                     const struct pls_quant *quant, struct pls_plan *room);

#endif
