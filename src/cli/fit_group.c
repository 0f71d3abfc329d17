/* Which cards are one shape, and which shapes are one base: equal shapes are placed once, a base gets one
 * row. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cli/fit_search.h"

struct base {
    uint32_t n_layers, n_embd, n_vocab, n_head, n_ff, n_expert, n_expert_used, n_ff_exp;
    uint64_t params;
    uint32_t index;
};

static int compare(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int by_base(const void *a, const void *b)
{
    const struct base *x = a;
    const struct base *y = b;
    int order =
        memcmp(x, y, offsetof(struct base, params)); /* any order will do that brings equals together */
    order = order != 0 ? order : compare(x->params, y->params);
    return order != 0 ? order : compare(x->index, y->index);
}

/* Everything that sizes and times depend on. */
static bool is_same_shape(const struct pls_card *a, const struct pls_card *b)
{
    size_t from = offsetof(struct pls_card, params_total);
    size_t to = offsetof(struct pls_card, ability);
    return strcmp(a->arch, b->arch) == 0 && a->native == b->native
           && memcmp((const char *)a + from, (const char *)b + from, to - from) == 0;
}

static void join_shape(struct pls_fit_search *f, const struct base *bases, uint32_t first, uint32_t at)
{
    uint32_t card = bases[at].index;
    f->shape[card] = card;
    f->next_of_shape[card] = PLS_FIT_NONE;
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

static bool group_cards(struct pls_fit_search *f)
{
    struct base *bases = calloc(f->n_cards + 1, sizeof(*bases));
    uint32_t first = 0;
    if (bases == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < f->n_cards; i++) {
        const struct pls_card *c = &f->cards[i];
        bases[i] = (struct base){ c->n_layers, c->n_embd,        c->n_vocab,  c->n_head,       c->n_ff,
                                  c->n_expert, c->n_expert_used, c->n_ff_exp, c->params_total, i };
    }
    qsort(bases, f->n_cards, sizeof(*bases), by_base);
    f->n_groups = 0;
    for (uint32_t i = 0; i < f->n_cards; i++) {
        bool joins = i > 0 && pls_rank_same_base(&f->cards[bases[first].index], &f->cards[bases[i].index]);
        first = joins ? first : i;
        f->n_groups += !joins;
        f->group[bases[i].index] = f->n_groups - 1;
        join_shape(f, bases, first, i);
    }
    free(bases);
    return true;
}

/* Scores of one's own, and those of a variant, are as good; a family's are not. */
static uint32_t grade(const struct pls_fit_search *f, uint32_t card)
{
    enum pls_evidence evidence = f->cards[card].ability[f->ask->policy.task].evidence;
    if (f->named != NULL && strcmp(f->cards[card].id, f->named) == 0) {
        return PLS_EVIDENCE_DIRECT + 1;
    }
    return evidence == PLS_EVIDENCE_DIRECT ? PLS_EVIDENCE_VARIANT : evidence;
}

static bool mark_seconds(struct pls_fit_search *f)
{
    uint32_t *most = calloc(f->n_groups + 1, sizeof(*most));
    for (uint32_t i = 0; i < f->n_cards && most != NULL; i++) {
        uint32_t mine = grade(f, i);
        uint32_t *group = &most[f->group[i]];
        *group = mine > *group ? mine : *group;
    }
    for (uint32_t i = 0; i < f->n_cards && most != NULL; i++) {
        f->is_second[i] = !f->ask->each && grade(f, i) < most[f->group[i]];
    }
    free(most);
    return most != NULL;
}

enum pls_code pls_fit_group(struct pls_fit_search *f, struct pls_err *err)
{
    return group_cards(f) && mark_seconds(f) ? PLS_OK : pls_fail(err, PLS_NOMEM, "fit: out of memory");
}
