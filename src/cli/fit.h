/* cli/fit.h - `fit`: the search of plimsoll/search.h over the catalog, its rows planned in full, to the byte.
 * A model that cannot be sized is left out and counted. */
#ifndef CLI_FIT_H
#define CLI_FIT_H

#include "cli/session.h"
#include "plimsoll/search.h"

struct pls_fit_result {
    /* best first; models, plans and picks behind them live in the session's arena */
    struct pls_entry *entries;
    uint32_t n_entries;
    uint32_t n_models;         /* that the words and the task let through */
    /* bits of pls_task: what those are made for that the task did not let through */
    uint32_t other_tasks;
    uint32_t n_unpublished;    /* left out because a command is wanted: packings of no known repository */
    uint32_t n_configs;        /* considered: placed, or ruled out by what they could be at best */
};

/* What the options ask for. The machine is not looked at. */
enum pls_code pls_fit_ask_read(struct pls_session *s, struct pls_search_ask *out, struct pls_err *err);

/* The policy for a task: defaults, changed by the user's policy file when there is one. PLS_USAGE when that
 * is wrong. */
enum pls_code pls_fit_policy(const struct pls_session *s, enum pls_task task, struct pls_policy *out,
                             struct pls_err *err);

/* words as for pls_catalog_each. */
enum pls_code pls_fit_run(struct pls_session *s, const char *words, const struct pls_search_ask *ask,
                          struct pls_fit_result *out, struct pls_err *err);

#endif
