/* Places configurations: shape by shape, quant by quant, and for each the contexts and cache types that can
 * matter. */
#include <math.h>
#include <string.h>

#include "core/search.h"
#include "plimsoll/sort.h"

enum { LISTS_BYTES = 10 << 20 };

/* ---- one configuration ---- */

struct cache_types {
    enum pls_type k, v;
};

struct config {
    const struct pls_layout *layout;
    uint32_t shape;
    uint64_t context;
    struct cache_types cache;
    bool is_choice; /* one of several quants, of which the best is looked for */
};

static bool is_wanted(const struct pls_search *f, const struct pls_plan *p, const struct pls_merit *m)
{
    const struct pls_policy *w = &f->ask.policy;
    bool dense_enough =
        !(w->quant_floor_bpw > 0 && p->bits_per_weight > 0) || p->bits_per_weight >= w->quant_floor_bpw;
    bool reads = w->min_prefill_tps > 0;
    double speed = reads ? p->speed.prefill_tps : p->speed.decode_tps;
    bool fast_enough = !f->ask.speed_is_hard || speed >= (reads ? w->min_prefill_tps : w->min_decode_tps);
    return dense_enough && fast_enough && p->quality.score >= w->min_quality && m->score >= 0;
}

static struct pls_pick *new_pick(struct pls_search *f)
{
    if (f->n_picks == f->cap_picks) {
        uint32_t cap = f->cap_picks > 0 ? 2 * f->cap_picks : 1024;
        struct pls_pick *more = f->grow(f->picks, cap);
        f->out_of_memory = f->out_of_memory || more == NULL;
        if (more == NULL) {
            return NULL;
        }
        f->picks = more;
        f->cap_picks = cap;
    }
    return &f->picks[f->n_picks++];
}

/* The plan that was just made, as a pick of one card of its shape. */
static void keep(struct pls_search *f, uint32_t card, uint64_t context)
{
    struct pls_plan *p = f->plan;
    if (f->is_second[card] || !pls_search_is_published(&f->ask, &f->cards[card], &p->ask.quant)) {
        return;
    }
    pls_quality_by_policy(&f->cards[card], &f->ask.policy, p);
    struct pls_merit m = pls_rank_merit(&f->ask.policy, p);
    struct pls_pick *pick = is_wanted(f, p, &m) ? new_pick(f) : NULL;
    if (pick == NULL) {
        return;
    }
    *pick = (struct pls_pick){
        .model = card,
        .quant = p->ask.quant,
        .type_k = p->setting.type_k,
        .type_v = p->setting.type_v,
        .context_tokens = context == PLS_CONTEXT_MAX ? p->setting.n_ctx : context,
        .quality = p->quality.score,
        .decode_tps = p->speed.decode_tps,
        .prefill_tps = p->speed.prefill_tps,
        .speed_tps = m.speed_tps,
        .total_bytes = p->bytes.total,
        .margin_bytes = p->margin_bytes,
        .score = m.score,
        .reasons = m.reasons,
    };
    double key = pls_rank_key(m.score, m.reasons);
    double *best = &f->best[f->group[card]];
    *best = fmax(*best, key);
    f->last_key = fmax(f->last_key, key);
    f->last_score = fmax(f->last_score, m.score);
    uint32_t tier = pls_rank_tier(m.reasons);
    f->best_tier = tier < f->best_tier ? tier : f->best_tier;
}

/* Encoders look at a text as a whole, and what scores a pair is asked in one piece: the server refuses what
 * is longer than a micro-batch (llama.cpp of 2026-08-22, server_slot::can_split: all that embeds, but for
 * pooling of the last token). */
void pls_search_settle(const struct pls_search_ask *wish, const struct pls_card *card, struct pls_ask *ask)
{
    bool is_number = ask->context_tokens != PLS_CONTEXT_DEFAULT && ask->context_tokens != PLS_CONTEXT_MAX;
    bool is_read_whole = card->is_encoder || (card->tasks & 1u << PLS_TASK_RERANK) != 0;
    if (wish->whole_input && is_read_whole && is_number && ask->context_tokens <= UINT32_MAX) {
        ask->ubatch_tokens = (uint32_t)pls_max(ask->ubatch_tokens, ask->context_tokens);
        ask->batch_tokens = (uint32_t)pls_max(ask->batch_tokens, ask->context_tokens);
    }
}

static void keep_refusal(struct pls_search *f, const struct pls_err *why)
{
    if (f->refusal.code == PLS_OK) {
        f->refusal = *why;
    }
}

/* All layers where the machine is fastest. */
static bool is_whole(const struct pls_plan *p)
{
    bool on_gpu = false;
    for (uint32_t i = 1; i < p->n_shares; i++) {
        on_gpu |= p->shares[i].n_layers > 0;
    }
    return p->cpu_moe_layers == 0 && (!on_gpu || p->shares[0].n_layers == 0);
}

/* Bits beyond four are for memory to spare: nobody moves layers into RAM for them while four fit whole. */
static bool is_second_best(const struct pls_search *f, const struct config *c)
{
    return c->is_choice && f->is_comfortable[c->shape] && !is_whole(f->plan);
}

/* Leaves the plan in f->plan, and in f->last_key the best key it gave a card. */
static bool place(struct pls_search *f, const struct config *c)
{
    struct pls_ask ask = f->ask.ask;
    f->last_key = -HUGE_VAL;
    f->last_score = 0;
    ask.quant = c->layout->quant;
    ask.context_tokens = c->context;
    ask.type_k = c->cache.k;
    ask.type_v = c->cache.v;
    ask.roughly = true;
    pls_search_settle(&f->ask, &f->cards[c->shape], &ask);
    f->plan->fit = PLS_FIT_NO;
    f->plan->bytes = (struct pls_bytes){ .total = 0 };
    struct pls_err why = { PLS_OK, "" };
    enum pls_code code = pls_place_layout(c->layout, &ask, f->machine, f->scratch, f->plan, &why);
    f->n_placed += code == PLS_OK;
    keep_refusal(f, &why);
    if (code != PLS_OK || f->plan->fit != PLS_FIT_YES) {
        return false;
    }
    if (is_second_best(f, c)) {
        return true;
    }
    pls_speed_predict(&f->cards[c->shape], f->machine, f->rates, f->plan);
    for (uint32_t i = c->shape; i != PLS_SEARCH_NONE; i = f->next_of_shape[i]) {
        keep(f, i, c->context);
    }
    return true;
}

/* ---- contexts and cache types ---- */

enum { MAX_CONTEXTS = 8, MAX_CACHES = 4 };

/* Longest first: the wish, or with every configuration wanted 128k, then halves, down to the least of use. */
static uint32_t contexts_of(const struct pls_search *f, const struct pls_card *card,
                            uint64_t out[MAX_CONTEXTS])
{
    const struct pls_search_ask *ask = &f->ask;
    uint64_t most = card->context_max_tokens != 0 ? card->context_max_tokens : UINT64_MAX;
    uint64_t wish = ask->policy.wish_context_tokens;
    uint64_t least = pls_min(pls_min(ask->policy.min_context_tokens, wish), most);
    uint32_t n = 0;
    if (ask->ask.context_tokens
        != PLS_CONTEXT_DEFAULT) { /* the engine caps what a model was not trained for */
        bool is_number = ask->ask.context_tokens != PLS_CONTEXT_MAX;
        out[n++] = is_number ? pls_min(ask->ask.context_tokens, most) : PLS_CONTEXT_MAX;
        return n;
    }
    uint64_t top = ask->each ? pls_max(wish, 131072) : wish;
    for (uint64_t c = pls_min(top, most); n < MAX_CONTEXTS; c = pls_max(c / 2, least)) {
        out[n++] = c;
        if (c <= least) {
            break;
        }
    }
    return n;
}

/* Widest first. K errors weigh about nine times those of V, so K is never the narrower one; 4 bits cost
 * reasoning models too much of their long chains. */
static uint32_t caches_of(const struct pls_search *f, const struct pls_card *card,
                          struct cache_types out[MAX_CACHES])
{
    const struct pls_ask *ask = &f->ask.ask;
    bool is_llama = pls_ask_engine(ask) == PLS_ENGINE_LLAMA_CPP;
    uint32_t n = 0;
    out[n++] = (struct cache_types){ ask->type_k, ask->type_v };
    if (f->ask.has_kv || !is_llama || card->is_encoder || ask->flash_attention == PLS_OFF) {
        return n;
    }
    if (!pls_quality_bears_quantized_k(card)) {
        out[n++] = (struct cache_types){ PLS_TYPE_F16, PLS_TYPE_Q8_0 };
        return n;
    }
    out[n++] = (struct cache_types){ PLS_TYPE_Q8_0, PLS_TYPE_Q8_0 };
    bool thinks = f->ask.policy.task == PLS_TASK_REASONING || (card->tasks & 1u << PLS_TASK_REASONING) != 0;
    if (!thinks) {
        out[n++] = (struct cache_types){ PLS_TYPE_Q4_0, PLS_TYPE_Q4_0 };
    }
    return n;
}

static bool has_gpu(const struct pls_search *f)
{
    return f->machine->n_gpus > 0 && f->ask.ask.backend != PLS_BACKEND_CPU;
}

/* Most that all pools of the fastest kind hold together, or all memory. */
static uint64_t room(const struct pls_search *f, bool on_gpus)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < f->machine->n_pools; i++) {
        const struct pls_pool *pool = &f->machine->pools[i];
        bool counts = on_gpus ? pool->gpu >= 0 : pool->within < 0;
        sum = counts ? pls_add(sum, pool->budget_bytes) : sum;
    }
    return sum;
}

/* After the widest cache with the longest context did not fit whole: a narrower cache or less context may.
 * For each cache the longest context that fits whole is worth having, when it is longer than with a wider
 * one; nothing shorter is. */
static void place_shorter(struct pls_search *f, struct config c, const uint64_t *contexts, uint32_t n,
                          bool is_wide)
{
    struct cache_types caches[MAX_CACHES];
    uint32_t n_caches = caches_of(f, &f->cards[c.shape], caches);
    uint64_t longest_whole = 0;
    for (uint32_t k = 0; k < n_caches; k++) {
        for (uint32_t i = k == 0 ? 1 : 0; i < n && contexts[i] > longest_whole; i++) {
            c.context = contexts[i];
            c.cache = caches[k];
            bool fits = place(f, &c);
            if (fits && is_whole(f->plan)) {
                longest_whole = contexts[i];
                f->is_comfortable[c.shape] |= is_wide && i == 0;
                break;
            }
        }
    }
}

/* Part of the layers are in RAM whatever the context: a narrower cache or less context moves some of them
 * back, which is worth it while the score grows: by 13% where it was seen most (27B on 12 GB), so that what
 * is far from a row stays there. f->plan is that of the longest context with the widest cache. */
static const double SPLIT_GAIN = 0.3;

static void place_split(struct pls_search *f, struct config c, const uint64_t *contexts, uint32_t n)
{
    struct cache_types caches[MAX_CACHES];
    uint32_t n_caches = caches_of(f, &f->cards[c.shape], caches);
    struct cache_types narrow = caches[0];
    double best = f->last_key;
    if (f->last_score * (1 + SPLIT_GAIN)
        < f->least) { /* whatever floor it missed: that may be made good, too */
        return;
    }
    for (uint32_t k = 1; k < n_caches; k++) {
        c.cache = caches[k];
        if (!place(f, &c) || f->last_key <= best) {
            break;
        }
        best = f->last_key;
        narrow = caches[k];
    }
    c.cache = narrow;
    for (uint32_t i = 1; i < n; i++) {
        c.context = contexts[i];
        if (!place(f, &c) || f->last_key <= best) {
            break;
        }
        best = f->last_key;
    }
}

static void place_all_of(struct pls_search *f, struct config c, const uint64_t *contexts, uint32_t n)
{
    struct cache_types caches[MAX_CACHES];
    uint32_t n_caches = caches_of(f, &f->cards[c.shape], caches);
    for (uint32_t k = 0; k < n_caches; k++) {
        for (uint32_t i = 0; i < n; i++) {
            c.context = contexts[i];
            c.cache = caches[k];
            place(f, &c);
        }
    }
}

static void place_layout(struct pls_search *f, struct config c, bool is_wide)
{
    uint64_t contexts[MAX_CONTEXTS];
    uint32_t n = contexts_of(f, &f->cards[c.shape], contexts);
    if (f->ask.each) {
        place_all_of(f, c, contexts, n);
        return;
    }
    c.context = contexts[0];
    c.cache = (struct cache_types){ f->ask.ask.type_k, f->ask.ask.type_v };
    bool fits = place(f, &c);
    if (fits && is_whole(f->plan)) {
        f->is_comfortable[c.shape] |= is_wide;
        return;
    }
    /* without any cache it must fit: whole on the GPUs when it fits in part, at all when it does not */
    uint64_t least = pls_sub(f->plan->bytes.total, f->plan->bytes.kv);
    if (f->plan->bytes.total == 0 || least <= room(f, fits && has_gpu(f))) {
        place_shorter(f, c, contexts, n, is_wide);
    } else if (fits && !is_second_best(f, &c)) {
        place_split(f, c, contexts, n);
    }
}

/* ---- candidates ---- */

/* Rungs of a shape come one by one, as their bounds say: its tensors are listed once and kept while there is
 * room. */
static bool list_tensors(struct pls_search *f, uint32_t shape)
{
    struct pls_search_list *list = &f->lists[shape];
    memset(f->model, 0, sizeof(*f->model));
    f->model->card = f->cards[shape];
    f->model->stored.ftype = PLS_FTYPE_NONE;
    if (f->scratch->used - f->list_mark > LISTS_BYTES) {
        pls_arena_reset(f->scratch, f->list_mark);
        memset(f->lists, 0, f->n_cards * sizeof(*f->lists));
    }
    if (!list->is_asked) {
        list->is_asked = true;
        list->is_listed = pls_arch_tensors(&f->model->card, f->scratch, &list->tensors, NULL) == PLS_OK;
    }
    f->model->tensors = list->tensors;
    return list->is_listed;
}

static void place_rung(struct pls_search *f, uint32_t shape, uint32_t rung, const struct pls_quant *quant)
{
    struct pls_layout layout;
    uint32_t bit = 1u << rung;
    if ((f->placed[shape] & bit) != 0 || !list_tensors(f, shape)) {
        return;
    }
    f->placed[shape] |= bit;
    size_t mark = f->scratch->used;
    struct pls_err why = { PLS_OK, "" };
    if (pls_layout_make(f->model, quant, f->machine, f->scratch, &layout, &why) == PLS_OK) {
        struct config c = { .layout = &layout,
                            .shape = shape,
                            .is_choice = rung < PLS_SEARCH_RUNGS && !f->ask.each };
        place_layout(f, c, rung <= pls_search_four_bits(quant->format));
    }
    keep_refusal(f, &why);
    pls_arena_reset(f->scratch, mark);
}

/* What four bits can do comes first: it decides whether narrower quants, or wider ones in part in RAM, are
 * worth a look. */
static void place_candidate(struct pls_search *f, const struct pls_search_candidate *c)
{
    if (c->rung < PLS_SEARCH_RUNGS && !f->ask.each) {
        struct pls_quant rungs[PLS_SEARCH_RUNGS];
        uint32_t four = pls_search_four_bits(c->quant.format);
        pls_search_rungs(&f->ask, &f->cards[c->shape], c->quant.imatrix, rungs);
        place_rung(f, c->shape, four, &rungs[four]);
        if (f->is_comfortable[c->shape] && c->rung > four) {
            return;
        }
    }
    place_rung(f, c->shape, c->rung, &c->quant);
}

/* Whether it is left out for want of a repository alone. A release in FP8 is no loss in 16 bits. */
static bool is_unpublished(const struct pls_search *f, const struct pls_card *card,
                           const struct pls_quant *quant)
{
    struct pls_search_ask unseen = f->ask;
    unseen.must_run = false;
    return f->ask.must_run && quant->format != PLS_FORMAT_SAFETENSORS
           && pls_search_is_published(&unseen, card, quant);
}

static void add_candidate(struct pls_search *f, uint32_t shape, uint32_t rung,
                          const struct pls_quant *quant)
{
    struct pls_search_bound best = { -HUGE_VAL, -HUGE_VAL, -HUGE_VAL };
    for (uint32_t i = shape; i != PLS_SEARCH_NONE; i = f->next_of_shape[i]) {
        if (f->is_second[i]) {
            continue;
        }
        if (!pls_search_is_published(&f->ask, &f->cards[i], quant)) {
            f->n_unpublished += is_unpublished(f, &f->cards[i], quant);
        } else {
            struct pls_search_bound one = pls_search_bound(f, &f->cards[i], quant, f->plan);
            best.key = fmax(best.key, one.key);
            best.quality = fmax(best.quality, one.quality);
            best.speed_tps = fmax(best.speed_tps, one.speed_tps);
            f->n_configs++;
        }
    }
    if (best.key > -HUGE_VAL) {
        f->candidates[f->n_candidates++] = (struct pls_search_candidate){ best, shape, rung, *quant };
    }
}

static void add_candidates(struct pls_search *f, uint32_t shape)
{
    struct pls_quant rungs[PLS_SEARCH_RUNGS];
    uint32_t n = pls_search_rungs(&f->ask, &f->cards[shape], f->ask.quant.imatrix, rungs);
    for (uint32_t i = 0; i < n; i++) {
        add_candidate(f, shape, n > 1 ? i : PLS_SEARCH_RUNGS, &rungs[i]);
    }
}

/* Highest bound first; equal ones in the order of the catalog, so that every run looks at the same. */
static bool by_bound(const void *a, const void *b)
{
    const struct pls_search_candidate *x = a;
    const struct pls_search_candidate *y = b;
    if (x->bound.key < y->bound.key || x->bound.key > y->bound.key) {
        return x->bound.key > y->bound.key;
    }
    return x->shape != y->shape ? x->shape < y->shape : x->rung < y->rung;
}

/* The key that the last of the wanted rows has by now; nothing below it needs to be placed, nor anything that
 * could only be offered if nothing better were. */
static double key_to_beat(struct pls_search *f)
{
    uint32_t n = 0;
    double of_tier = f->best_tier < UINT32_MAX ? -PLS_TIER_COST * f->best_tier : -HUGE_VAL;
    for (uint32_t i = 0; i < f->n_groups && f->ask.top > 0; i++) {
        double key = f->best[i];
        uint32_t at = n < f->ask.top ? n : n - 1;
        if (!(key > -HUGE_VAL) || (n == f->ask.top && key <= f->leaders[n - 1])) {
            continue;
        }
        while (at > 0 && f->leaders[at - 1] < key) {
            f->leaders[at] = f->leaders[at - 1];
            at--;
        }
        f->leaders[at] = key;
        n += n < f->ask.top;
    }
    return n > 0 && n == f->ask.top ? fmax(of_tier, f->leaders[n - 1]) : of_tier;
}

void pls_search_place(struct pls_search *f)
{
    bool all = f->ask.each;
    f->least = -HUGE_VAL;
    f->list_mark = f->scratch->used;
    f->best_tier = UINT32_MAX;
    for (uint32_t i = 0; i < f->n_groups; i++) {
        f->best[i] = -HUGE_VAL;
    }
    for (uint32_t i = 0; i < f->n_cards; i++) {
        if (f->shape[i] == i) {
            add_candidates(f, i);
        }
    }
    pls_sort(f->candidates, f->n_candidates, sizeof(*f->candidates), by_bound);
    for (uint32_t i = 0; i < f->n_candidates && (all || f->candidates[i].bound.key >= f->least); i++) {
        const struct pls_search_candidate *c = &f->candidates[i];
        double before = f->best[f->group[c->shape]];
        if (all || c->bound.key >= before) {
            place_candidate(f, c);
        }
        if (!all && f->best[f->group[c->shape]] > before) {
            f->least = key_to_beat(f);
        }
    }
}

void pls_search_place_group(struct pls_search *f, uint32_t group)
{
    for (uint32_t i = 0; i < f->n_candidates; i++) {
        const struct pls_search_candidate *c = &f->candidates[i];
        if (f->group[c->shape] == group && c->bound.key >= f->best[group]) {
            place_candidate(f, c);
        }
    }
}

void pls_search_place_better(struct pls_search *f, const struct pls_pick *pick)
{
    struct pls_pick than = *pick; /* picks move when there are more of them */
    for (uint32_t i = 0; i < f->n_candidates && !f->ask.each; i++) {
        const struct pls_search_candidate *c = &f->candidates[i];
        bool may_beat = c->bound.quality >= than.quality && c->bound.speed_tps >= than.speed_tps;
        if (may_beat && (than.is_pareto || c->bound.key >= f->best[f->group[c->shape]])) {
            place_candidate(f, c);
        }
    }
}
