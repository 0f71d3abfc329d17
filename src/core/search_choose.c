/* From picks to rows: one for each base, in an order that nobody can point a finger at. Scores weigh doubt
 * and memory too, so a pick can stand above one that beats it in quality, speed and context; then the better
 * one is moved in front. */
#include <math.h>
#include <string.h>

#include "core/search.h"

/* The first of each group among sorted picks, as indices; only what is offered: the tier of the very
 * first. */
static uint32_t first_of_each(struct pls_search *f, uint32_t *firsts)
{
    uint32_t n = 0;
    memset(f->seen, 0, f->n_groups * sizeof(*f->seen));
    for (uint32_t i = 0; i < f->n_picks; i++) {
        uint32_t group = f->group[f->picks[i].model];
        if (pls_rank_tier(f->picks[i].reasons) != pls_rank_tier(f->picks[0].reasons)) {
            break;
        }
        if (!f->seen[group]) {
            f->seen[group] = true;
            firsts[n++] = i;
        }
    }
    return n;
}

static uint32_t beaten_by(const struct pls_search *f, const uint32_t *firsts, uint32_t n, uint32_t at)
{
    for (uint32_t k = 0; k < n; k++) {
        if (pls_rank_beats(&f->picks[firsts[k]], &f->picks[firsts[at]])) {
            return k;
        }
    }
    return PLS_SEARCH_NONE;
}

/* Moves to the front of firsts[n] what must come first of them. False when picks were added: they have to be
 * sorted again. */
static bool lead(struct pls_search *f, uint32_t *firsts, uint32_t n)
{
    uint32_t at = 0;
    for (uint32_t better = 0; better != PLS_SEARCH_NONE;) {
        better = beaten_by(f, firsts, n, at);
        uint32_t before = f->n_picks;
        if (better != PLS_SEARCH_NONE) {
            at = better;
            pls_search_place_group(f, f->group[f->picks[firsts[at]].model]);
        }
        if (f->n_picks != before) {
            return false;
        }
    }
    uint32_t leader = firsts[at];
    memmove(&firsts[1], &firsts[0], at * sizeof(*firsts));
    firsts[0] = leader;
    return true;
}

/* Whether no other configuration of the same model beats it. */
static bool is_efficient(const struct pls_search *f, uint32_t at)
{
    for (uint32_t i = 0; i < f->n_picks; i++) {
        if (f->picks[i].model == f->picks[at].model && pls_rank_beats(&f->picks[i], &f->picks[at])) {
            return false;
        }
    }
    return true;
}

static uint32_t efficient_rows(const struct pls_search *f, uint32_t most, uint32_t *chosen)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < f->n_picks && n < most; i++) {
        bool is_offered = pls_rank_tier(f->picks[i].reasons) == pls_rank_tier(f->picks[0].reasons);
        if (is_offered && is_efficient(f, i)) {
            chosen[n++] = i;
        }
    }
    return n;
}

/* The best of each group, what must come first in front. False when picks were added on the way. */
static bool line_up(struct pls_search *f, uint32_t most, uint32_t *chosen, uint32_t n)
{
    uint32_t before = f->n_picks;
    for (uint32_t i = 0; i < n && i < most; i++) {
        if (!lead(f, &chosen[i], n - i)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < n && i < most; i++) {
        pls_search_place_better(f, &f->picks[chosen[i]]);
    }
    return f->n_picks == before;
}

uint32_t pls_search_choose(struct pls_search *f, uint32_t *chosen)
{
    uint32_t most = f->ask.top > 0 ? f->ask.top : UINT32_MAX;
    uint32_t n = 0;
    if (f->n_picks > 0 && f->ask.each) {
        pls_rank_order(f->picks, f->n_picks);
        n = efficient_rows(f, most, chosen);
    } else if (f->n_picks > 0) {
        do {
            pls_rank_order(f->picks, f->n_picks);
            n = first_of_each(f, chosen);
        } while (!line_up(f, most, chosen, n));
    }
    pls_arena_reset(f->scratch, f->list_mark);
    return n < most ? n : most;
}
