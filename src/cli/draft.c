/* A model to draft for another. The engine asks for one vocabulary; that it agrees often enough is only to be
 * expected of the same kin, so the stem of the family's name has to be the same too (qwen3.5 drafts for
 * qwen3.8). */
#include <ctype.h>
#include <string.h>

#include "cli/session.h"
#include "plimsoll/plan.h"
#include "plimsoll/rank.h"

/* A draft that takes more than an eighth of the time of its target gains little. */
enum { LEAST_RATIO = 8 };

struct hunt {
    struct pls_session *s;
    const struct pls_card *target;
    const struct pls_ask *ask;
    const struct pls_machine *left;
    struct pls_plan *plan;
    struct pls_card *out;
    bool found;
};

static uint64_t active(const struct pls_card *card)
{
    return card->params_active != 0 ? card->params_active : card->params_total;
}

static bool is_kin(const struct pls_card *a, const struct pls_card *b)
{
    size_t n = 0;
    while (isalpha((unsigned char)a->family[n]) && a->family[n] == b->family[n]) {
        n++;
    }
    return n > 0 && !isalpha((unsigned char)a->family[n]) && !isalpha((unsigned char)b->family[n]);
}

static bool fits(struct hunt *h, const struct pls_card *card)
{
    struct pls_model model = { .card = *card };
    struct pls_ask ask = *h->ask;
    size_t mark = h->s->scratch.used;
    pls_quant_parse("Q8_0", &ask.quant);
    model.stored.ftype = PLS_FTYPE_NONE;
    bool yes = pls_arch_tensors(card, &h->s->scratch, &model.tensors, NULL) == PLS_OK
               && pls_place(&model, &ask, h->left, &h->s->scratch, h->plan, NULL) == PLS_OK
               && h->plan->fit == PLS_FIT_YES;
    pls_arena_reset(&h->s->scratch, mark);
    return yes;
}

/* A generation often keeps the size of its vocabulary and changes the words: the same family is safer than a
 * smaller cousin. */
static bool is_better(const struct hunt *h, const struct pls_card *card)
{
    bool mine = strcmp(card->family, h->target->family) == 0;
    bool held = strcmp(h->out->family, h->target->family) == 0;
    return !h->found || (mine != held ? mine : active(card) < active(h->out));
}

static bool look(const struct pls_card *card, void *context)
{
    struct hunt *h = context;
    bool suits = card->n_vocab == h->target->n_vocab && card->params_total > 0 && is_kin(card, h->target)
        && active(card) <= active(h->target) / LEAST_RATIO && pls_rank_is_for_task(card, PLS_TASK_CHAT, true);
    if (suits && is_better(h, card) && fits(h, card)) {
        *h->out = *card;
        h->found = true;
    }
    return true;
}

enum pls_code pls_draft_find(struct pls_session *s, const struct pls_card *card, const struct pls_ask *ask,
                             const struct pls_machine *left, struct pls_card *out, struct pls_err *err)
{
    struct hunt h = { .s = s, .target = card, .ask = ask, .left = left, .out = out };
    h.plan = PLS_TAKE(&s->arena, struct pls_plan, 1);
    memset(out, 0, sizeof(*out));
    if (h.plan == NULL) {
        return pls_fail(err, PLS_NOMEM, "draft: out of memory");
    }
    enum pls_code code = pls_session_catalog(s, err);
    code = code == PLS_OK ? pls_catalog_each(s->catalog, NULL, look, &h, err) : code;
    return code == PLS_OK && !h.found ? PLS_NO : code;
}
