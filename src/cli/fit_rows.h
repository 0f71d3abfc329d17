/* cli/fit_rows.h - configurations one after the other: every model, quant, context and cache type wanted,
 * placed on one machine, in that order of nesting. No search and no order of merit; `fit` (fit.h) is both.
 */
#ifndef CLI_FIT_ROWS_H
#define CLI_FIT_ROWS_H

#include "cli/fit.h"
#include "plimsoll/place.h"

enum { PLS_FIT_LIST_MAX = 32 };

struct pls_fit_wanted {
    struct pls_search_ask ask; /* runtime and policy; quant, context and cache types come from the lists */
    uint64_t
        contexts[PLS_FIT_LIST_MAX]; /* none: the policy's wish, or its least where the wish does not fit */
    struct pls_quant quants[PLS_FIT_LIST_MAX]; /* none: pls_search_rungs() */
    struct {
        enum pls_type k, v;
    } caches[PLS_FIT_LIST_MAX]; /* none: f16 */
    uint32_t n_contexts, n_quants, n_caches;
};

struct pls_fit_rows {
    struct pls_fit_wanted wanted;
    struct pls_card *cards; /* malloc, kept from one use to the next */
    uint32_t n_cards, cap_cards;
    bool is_short; /* not all cards found room */
    struct pls_machine machine;
    struct pls_rates rates;
    /* where we are, and what was worked out for it */
    uint32_t card, quant, context, cache;
    struct pls_quant rungs[PLS_FIT_LIST_MAX];
    uint32_t n_rungs; /* 0: the card is not looked at yet */
    bool has_layout;
    struct pls_arena scratch;
    size_t list_mark, layout_mark;
    struct pls_model model;
    struct pls_replays *replays; /* of the model, whatever its quant */
    struct pls_layout layout;
    struct pls_plan plan;
    char quant_name[32], cache_name[32];
};

bool pls_fit_rows_init(struct pls_fit_rows *rows); /* false: out of memory */
void pls_fit_rows_free(struct pls_fit_rows *rows);
/* Forgets cards and place; then fill `wanted` and `cards`, and call pls_fit_rows_use(). */
void pls_fit_rows_reset(struct pls_fit_rows *rows);
void pls_fit_rows_use(struct pls_fit_rows *rows, const struct pls_machine *machine,
                      const struct pls_rates *rates);
/* False when there is no other. Texts are valid until the next call. */
bool pls_fit_rows_next(struct pls_fit_rows *rows, struct pls_fits_row *out);

#endif
