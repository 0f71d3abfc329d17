/* The beginning of a search: its memory, which cards are one shape, and which shapes are one base. Equal
 * shapes are placed once, a base gets one row. */
#include <stdalign.h>
#include <stddef.h>
#include <string.h>

#include "core/search.h"
#include "plimsoll/sort.h"

struct base {
    uint32_t n_layers, n_embd, n_vocab, n_head, n_ff, n_expert, n_expert_used, n_ff_exp;
    uint64_t params;
    uint32_t index;
};

static bool by_base(const void *a, const void *b)
{
    const struct base *x = a;
    const struct base *y = b;
    int order =
        memcmp(x, y, offsetof(struct base, params)); /* any order will do that brings equals together */
    if (order != 0) {
        return order < 0;
    }
    return x->params != y->params ? x->params < y->params : x->index < y->index;
}

/* Everything that sizes and times depend on, and what says which caches and batches are tried. */
static bool is_same_shape(const struct pls_card *a, const struct pls_card *b)
{
    const uint32_t asked = 1u << PLS_TASK_REASONING | 1u << PLS_TASK_RERANK;
    size_t from = offsetof(struct pls_card, params_total);
    size_t to = offsetof(struct pls_card, ability);
    return strcmp(a->arch, b->arch) == 0 && a->native == b->native
           && (a->tasks & asked) == (b->tasks & asked)
           && memcmp((const char *)a + from, (const char *)b + from, to - from) == 0;
}

static void join_shape(struct pls_search *f, const struct base *bases, uint32_t first, uint32_t at)
{
    uint32_t card = bases[at].index;
    f->shape[card] = card;
    f->next_of_shape[card] = PLS_SEARCH_NONE;
    for (uint32_t k = first; k < at; k++) {
        uint32_t other = bases[k].index;
        if (f->shape[other] == other && is_same_shape(&f->cards[other], &f->cards[card])) {
            f->shape[card] = other;
            f->next_of_shape[card] = f->next_of_shape[other];
            f->next_of_shape[other] = card;
            return;
        }
    }
}

static void group_cards(struct pls_search *f, struct base *bases)
{
    uint32_t first = 0;
    for (uint32_t i = 0; i < f->n_cards; i++) {
        const struct pls_card *c = &f->cards[i];
        bases[i] = (struct base){ c->n_layers, c->n_embd,        c->n_vocab,  c->n_head,       c->n_ff,
                                  c->n_expert, c->n_expert_used, c->n_ff_exp, c->params_total, i };
    }
    pls_sort(bases, f->n_cards, sizeof(*bases), by_base);
    f->n_groups = 0;
    for (uint32_t i = 0; i < f->n_cards; i++) {
        bool joins = i > 0 && pls_rank_same_base(&f->cards[bases[first].index], &f->cards[bases[i].index]);
        first = joins ? first : i;
        f->n_groups += !joins;
        f->group[bases[i].index] = f->n_groups - 1;
        join_shape(f, bases, first, i);
    }
}

/* Scores of one's own, and those of a variant, are as good; a family's are not. */
static uint32_t grade(const struct pls_search *f, uint32_t card)
{
    enum pls_evidence evidence = f->cards[card].ability[f->ask.policy.task].evidence;
    if (f->named != NULL && strcmp(f->cards[card].id, f->named) == 0) {
        return PLS_EVIDENCE_DIRECT + 1;
    }
    return evidence == PLS_EVIDENCE_DIRECT ? PLS_EVIDENCE_VARIANT : evidence;
}

/* most: per group, zeroed. */
static void mark_seconds(struct pls_search *f, uint32_t *most)
{
    for (uint32_t i = 0; i < f->n_cards; i++) {
        uint32_t mine = grade(f, i);
        uint32_t *group = &most[f->group[i]];
        *group = mine > *group ? mine : *group;
    }
    for (uint32_t i = 0; i < f->n_cards; i++) {
        f->is_second[i] = !f->ask.each && grade(f, i) < most[f->group[i]];
    }
}

/* ---- memory ---- */

/* One array: how many bytes its items take, and what the arena may lose before it. */
static size_t array_bytes(size_t count, size_t size)
{
    return count * size + alignof(max_align_t);
}

size_t pls_search_bytes(uint32_t n_cards, uint32_t top)
{
    const struct pls_search *f = NULL;
    size_t n = (size_t)n_cards + 1;
    return array_bytes(n * PLS_SEARCH_RUNGS, sizeof(*f->candidates)) + array_bytes(n, sizeof(struct base))
           + array_bytes(n, sizeof(*f->lists)) + 5 * array_bytes(n, sizeof(uint32_t))
           + 3 * array_bytes(n, sizeof(bool)) + array_bytes(n, sizeof(*f->best))
           + array_bytes((size_t)top + 1, sizeof(*f->leaders)) + array_bytes(1, sizeof(*f->plan))
           + array_bytes(1, sizeof(*f->model));
}

enum pls_code pls_search_begin(struct pls_search *f, struct pls_arena *room, struct pls_err *err)
{
    size_t n = (size_t)f->n_cards + 1;
    struct base *bases = PLS_TAKE(room, struct base, n);
    uint32_t *most = PLS_TAKE(room, uint32_t, n);
    f->candidates = pls_arena_room(room, n * PLS_SEARCH_RUNGS, sizeof(*f->candidates));
    f->lists = PLS_TAKE(room, struct pls_search_list, n);
    f->shape = PLS_TAKE(room, uint32_t, n);
    f->next_of_shape = PLS_TAKE(room, uint32_t, n);
    f->group = PLS_TAKE(room, uint32_t, n);
    f->placed = PLS_TAKE(room, uint32_t, n);
    f->is_comfortable = PLS_TAKE(room, bool, n);
    f->is_second = PLS_TAKE(room, bool, n);
    f->seen = PLS_TAKE(room, bool, n);
    f->best = PLS_TAKE(room, double, n);
    f->leaders = PLS_TAKE(room, double, (size_t)f->ask.top + 1);
    f->plan = PLS_TAKE(room, struct pls_plan, 1);
    f->model = PLS_TAKE(room, struct pls_model, 1);
    if (bases == NULL || most == NULL || f->candidates == NULL || f->lists == NULL || f->shape == NULL
        || f->next_of_shape == NULL || f->group == NULL || f->placed == NULL || f->is_comfortable == NULL
        || f->is_second == NULL || f->seen == NULL || f->best == NULL || f->leaders == NULL || f->plan == NULL
        || f->model == NULL) {
        return pls_fail(err, PLS_NOMEM, "no working memory left to search among %u models", f->n_cards);
    }
    group_cards(f, bases);
    mark_seconds(f, most);
    return PLS_OK;
}
