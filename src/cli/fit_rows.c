#include "cli/fit_rows.h"

#include <stdlib.h>
#include <string.h>

/* Address space, not memory: pages that nobody writes to cost nothing. */
enum { SCRATCH_BYTES = 64 << 20 };

bool pls_fit_rows_init(struct pls_fit_rows *rows)
{
    memset(rows, 0, sizeof(*rows));
    rows->scratch = pls_arena_over(malloc(SCRATCH_BYTES), SCRATCH_BYTES);
    return rows->scratch.base != NULL;
}

void pls_fit_rows_free(struct pls_fit_rows *rows)
{
    free(rows->cards);
    free(rows->scratch.base);
}

void pls_fit_rows_reset(struct pls_fit_rows *rows)
{
    rows->n_cards = 0;
    rows->is_short = false;
    rows->card = rows->quant = rows->context = rows->cache = 0;
    rows->n_rungs = 0;
    rows->has_layout = false;
    pls_arena_reset(&rows->scratch, 0);
}

void pls_fit_rows_use(struct pls_fit_rows *rows, const struct pls_machine *machine,
                      const struct pls_rates *rates)
{
    struct pls_fit_wanted *w = &rows->wanted;
    rows->machine = *machine;
    rows->rates = *rates;
    if (w->n_caches == 0) {
        w->n_caches = 1;
        w->caches[0].k = w->ask.ask.type_k;
        w->caches[0].v = w->ask.ask.type_v;
    }
}

/* ---- the order of rows ---- */

static void next_card(struct pls_fit_rows *rows)
{
    rows->card++;
    rows->n_rungs = 0;
    rows->quant = rows->context = rows->cache = 0;
    rows->has_layout = false;
    pls_arena_reset(&rows->scratch, 0);
}

static void next_quant(struct pls_fit_rows *rows)
{
    rows->context = rows->cache = 0;
    rows->has_layout = false;
    pls_arena_reset(&rows->scratch, rows->list_mark);
    if (++rows->quant == rows->n_rungs) {
        next_card(rows);
    }
}

static void next_row(struct pls_fit_rows *rows)
{
    uint32_t n_contexts = rows->wanted.n_contexts > 0 ? rows->wanted.n_contexts : 1;
    if (++rows->cache < rows->wanted.n_caches) {
        return;
    }
    rows->cache = 0;
    if (++rows->context == n_contexts) {
        next_quant(rows);
    }
}

/* ---- one row ---- */

static uint32_t keep_published(struct pls_fit_rows *rows, uint32_t n)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (pls_search_is_published(&rows->wanted.ask, &rows->model.card, &rows->rungs[i])) {
            rows->rungs[kept++] = rows->rungs[i];
        }
    }
    return kept;
}

static bool look_at_card(struct pls_fit_rows *rows)
{
    const struct pls_fit_wanted *w = &rows->wanted;
    memset(&rows->model, 0, sizeof(rows->model));
    rows->model.card = rows->cards[rows->card];
    rows->model.stored.ftype = PLS_FTYPE_NONE;
    if (pls_arch_tensors(&rows->model.card, &rows->scratch, &rows->model.tensors, NULL) != PLS_OK) {
        return false;
    }
    rows->replays = pls_replays_new(&rows->scratch);
    rows->list_mark = rows->scratch.used;
    rows->n_rungs = w->n_quants;
    memcpy(rows->rungs, w->quants, sizeof(rows->rungs));
    if (w->n_quants == 0) {
        rows->n_rungs =
            keep_published(rows, pls_search_rungs(&w->ask, &rows->model.card, false, rows->rungs));
    }
    return true;
}

/* What the row needs besides its own numbers; moves on where there is none. False: the place changed, look
 * again. */
static bool prepare(struct pls_fit_rows *rows)
{
    if (rows->n_rungs == 0 && !look_at_card(rows)) {
        next_card(rows);
        return false;
    }
    if (!rows->has_layout) {
        rows->has_layout = pls_layout_make(&rows->model, &rows->rungs[rows->quant], &rows->machine,
                                           &rows->scratch, &rows->layout, NULL)
                           == PLS_OK;
        rows->layout.replays = rows->replays;
        rows->layout_mark = rows->scratch.used;
    }
    if (!rows->has_layout) {
        next_quant(rows);
        return false;
    }
    return true;
}

static bool place(struct pls_fit_rows *rows, uint64_t context)
{
    struct pls_ask ask = rows->wanted.ask.ask;
    ask.quant = rows->rungs[rows->quant];
    ask.type_k = rows->wanted.caches[rows->cache].k;
    ask.type_v = rows->wanted.caches[rows->cache].v;
    ask.context_tokens = context;
    pls_search_settle(&rows->wanted.ask, &rows->model.card, &ask);
    enum pls_code code =
        pls_place_layout(&rows->layout, &ask, &rows->machine, &rows->scratch, &rows->plan, NULL);
    pls_arena_reset(&rows->scratch, rows->layout_mark);
    return code == PLS_OK;
}

/* The context placed; 0: there is no such row. */
static uint64_t place_wanted(struct pls_fit_rows *rows)
{
    const struct pls_fit_wanted *w = &rows->wanted;
    uint64_t most =
        rows->model.card.context_max_tokens != 0 ? rows->model.card.context_max_tokens : UINT64_MAX;
    uint64_t wish = pls_min(w->ask.policy.wish_context_tokens, most);
    uint64_t least = pls_min(w->ask.policy.min_context_tokens, most);
    if (w->n_contexts > 0) {
        uint64_t context = w->contexts[rows->context];
        return context <= most && place(rows, context) ? context : 0;
    }
    if (!place(rows, wish)) {
        return 0;
    }
    if (rows->plan.fit == PLS_FIT_YES || least == wish) {
        return wish;
    }
    return place(rows, least) ? least : 0;
}

static void write_row(struct pls_fit_rows *rows, uint64_t context, struct pls_fits_row *out)
{
    struct pls_plan *p = &rows->plan;
    const struct pls_card *card = &rows->model.card;
    bool fits = p->fit == PLS_FIT_YES;
    const char *k = pls_type_info(p->setting.type_k)->name;
    const char *v = pls_type_info(p->setting.type_v)->name;
    if (fits) {
        pls_speed_predict(card, &rows->machine, &rows->rates, p);
    }
    pls_quality_by_policy(card, &rows->wanted.ask.policy, p);
    struct pls_merit merit = pls_rank_merit(&rows->wanted.ask.policy, p);
    pls_quant_name(&rows->rungs[rows->quant], rows->quant_name, sizeof(rows->quant_name));
    struct pls_text cache = PLS_TEXT(rows->cache_name);
    pls_text_add(&cache, pls_text_equal(k, v) ? "%s" : "%s,%s", k, v);
    *out = (struct pls_fits_row){
        .model = card->id,
        .quant = rows->quant_name,
        .kv_type = rows->cache_name,
        .context_tokens = context,
        .total_bytes = p->bytes.total,
        .margin_bytes = p->margin_bytes,
        .decode_tps = fits ? p->speed.decode_tps : 0,
        .prefill_tps = fits ? p->speed.prefill_tps : 0,
        .quality = p->quality.score,
        .score = fits ? pls_rank_key(merit.score, merit.reasons) : 0,
        .fits = fits,
    };
}

bool pls_fit_rows_next(struct pls_fit_rows *rows, struct pls_fits_row *out)
{
    while (rows->card < rows->n_cards) {
        if (!prepare(rows)) {
            continue;
        }
        uint64_t context = place_wanted(rows);
        if (context > 0) {
            write_row(rows, context, out);
        }
        next_row(rows);
        if (context > 0) {
            return true;
        }
    }
    return false;
}
