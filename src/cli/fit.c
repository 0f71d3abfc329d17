#include "cli/fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Best first: what people publish, one step apart. Below 4 bits only what may still be better than a smaller model. */
static const enum pls_ftype ladder[] = {
    PLS_FTYPE_BF16,   PLS_FTYPE_Q8_0,   PLS_FTYPE_Q6_K,   PLS_FTYPE_Q5_K_M,
    PLS_FTYPE_Q4_K_M, PLS_FTYPE_IQ4_XS, PLS_FTYPE_Q3_K_M, PLS_FTYPE_Q2_K,
};
_Static_assert(PLS_COUNT_OF(ladder) == PLS_FIT_RUNGS, "room for every rung");

/* One rung of one model, and what it could score. */
struct candidate {
    double bound;
    uint32_t model;
    struct pls_quant quant;
};

struct search {
    struct pls_session *s;
    const struct pls_fit_ask *ask;
    struct pls_fit_ask own; /* what ask points to: the caller's, without a speed floor where no speed is known */
    struct pls_card *cards;
    uint32_t n_cards, cap;
    struct pls_pick *picks;
    uint32_t n_picks;
    uint32_t n_configs;
    struct candidate *candidates;
    uint32_t n_candidates;
    double *best;          /* per model: the best score placed so far */
    double *leaders;       /* the best scores of the `top` leading models, in descending order */
    uint32_t n_leaders;
    struct pls_plan *plan; /* scratch: too large for the stack */
    struct pls_model *model; /* whose tensors are listed in the scratch arena: */
    uint32_t listed;
    bool has_listed, is_listed;
    size_t list_mark;
    bool out_of_memory;
};

bool pls_fit_is_for_task(const struct pls_card *card, enum pls_task task)
{
    uint32_t generative = 1u << PLS_TASK_CHAT | 1u << PLS_TASK_CODE | 1u << PLS_TASK_REASONING | 1u << PLS_TASK_TOOLS
        | 1u << PLS_TASK_VISION;
    if (task == PLS_TASK_EMBEDDING || task == PLS_TASK_RERANK) {
        return (card->tasks & 1u << task) != 0;
    }
    if (task == PLS_TASK_VISION) {
        return (card->tasks & 1u << PLS_TASK_VISION) != 0 || (card->modalities & PLS_MODALITY_IMAGE) != 0;
    }
    return card->tasks == 0 || (card->tasks & generative) != 0;
}

static bool gather(const struct pls_card *card, void *context)
{
    struct search *f = context;
    if (!pls_fit_is_for_task(card, f->ask->policy.task)) {
        return true;
    }
    if (f->n_cards == f->cap) {
        uint32_t cap = f->cap > 0 ? 2 * f->cap : 512;
        struct pls_card *more = realloc(f->cards, cap * sizeof(*more));
        f->out_of_memory = more == NULL;
        if (f->out_of_memory) {
            return false;
        }
        f->cards = more;
        f->cap = cap;
    }
    f->cards[f->n_cards++] = *card;
    return true;
}

static bool is_wanted(const struct search *f, const struct pls_plan *p)
{
    const struct pls_policy *w = &f->ask->policy;
    double params = (double)f->model->card.params_total;
    bool dense_enough = !(w->quant_floor_bpw > 0 && params > 0) || 8.0 * (double)p->tensor_data_bytes / params >= w->quant_floor_bpw;
    bool fast_enough = !f->ask->speed_is_hard || p->speed.decode_tps >= w->min_decode_tps;
    return p->fit == PLS_FIT_YES && dense_enough && fast_enough && p->quality.score >= w->min_quality;
}

/* One configuration; true when it fits, wanted or not. */
static bool place(struct search *f, uint32_t index, const struct pls_quant *quant, uint64_t context)
{
    struct pls_ask ask = f->ask->ask;
    struct pls_plan *p = f->plan;
    size_t mark = f->s->scratch.used;
    ask.quant = *quant;
    ask.context_tokens = context;
    enum pls_code code = pls_place(f->model, &ask, &f->s->machine, &f->s->scratch, p, NULL);
    pls_arena_reset(&f->s->scratch, mark);
    if (code != PLS_OK || p->fit != PLS_FIT_YES) {
        return false;
    }
    pls_speed_predict(&f->model->card, &f->s->machine, &f->s->rates, p);
    pls_quality_predict(&f->model->card, f->ask->policy.task, p);
    if (is_wanted(f, p)) {
        struct pls_pick *pick = &f->picks[f->n_picks++];
        *pick = (struct pls_pick){
            .model = index,
            .quant = *quant,
            .type_k = p->setting.type_k,
            .type_v = p->setting.type_v,
            .context_tokens = context,
            .quality = p->quality.score,
            .decode_tps = p->speed.decode_tps,
            .prefill_tps = p->speed.prefill_tps,
            .total_bytes = p->bytes.total,
            .margin_bytes = p->margin_bytes,
        };
        pick->score = pls_rank_score(&f->ask->policy, p, &pick->reasons);
        f->best[index] = fmax(f->best[index], pick->score);
    }
    return true;
}

/* The context wished for where it fits, else the least that is of use. */
static void place_contexts(struct search *f, uint32_t index, const struct pls_quant *quant)
{
    uint64_t most = f->cards[index].context_max_tokens != 0 ? f->cards[index].context_max_tokens : UINT64_MAX;
    uint64_t wish = pls_min(f->ask->policy.wish_context_tokens, most);
    uint64_t least = pls_min(f->ask->policy.min_context_tokens, most);
    if (f->ask->ask.context_tokens != PLS_CONTEXT_DEFAULT) {
        place(f, index, quant, f->ask->ask.context_tokens);
    } else if (!place(f, index, quant, wish) && least < wish) {
        place(f, index, quant, least);
    }
}

static void add_candidate(struct search *f, uint32_t index, const struct pls_quant *quant)
{
    double bound = pls_fit_bound(f->s, f->ask, &f->cards[index], quant, f->plan);
    f->n_configs++;
    if (bound > -HUGE_VAL) {
        f->candidates[f->n_candidates++] = (struct candidate){ bound, index, *quant };
    }
}

uint32_t pls_fit_rungs(const struct pls_fit_ask *ask, const struct pls_card *card, bool imatrix,
                       struct pls_quant out[PLS_FIT_RUNGS])
{
    struct pls_quant own = pls_target_default_quant(card, ask->ask.runtime);
    bool is_fixed = own.format != PLS_FORMAT_GGUF || own.ftype == PLS_FTYPE_MXFP4_MOE;
    if (ask->has_quant || is_fixed) {
        out[0] = ask->has_quant ? ask->quant : own;
        return 1;
    }
    for (size_t i = 0; i < PLS_FIT_RUNGS; i++) {
        out[i] = own;
        out[i].ftype = ladder[i];
        out[i].imatrix = imatrix;
    }
    return PLS_FIT_RUNGS;
}

static void add_candidates(struct search *f, uint32_t index)
{
    struct pls_quant rungs[PLS_FIT_RUNGS];
    bool imatrix = pls_args_has(f->s->args, PLS_OPT_IMATRIX);
    uint32_t n = pls_fit_rungs(f->ask, &f->cards[index], imatrix, rungs);
    for (uint32_t i = 0; i < n; i++) {
        add_candidate(f, index, &rungs[i]);
    }
}

/* Rungs of one model often follow each other: its tensors are listed once for a run of them. */
static bool list_tensors(struct search *f, uint32_t index)
{
    if (f->has_listed && f->listed == index) {
        return f->is_listed;
    }
    pls_arena_reset(&f->s->scratch, f->list_mark);
    memset(f->model, 0, sizeof(*f->model));
    f->model->card = f->cards[index];
    f->model->stored.ftype = PLS_FTYPE_NONE;
    f->is_listed = pls_arch_tensors(&f->model->card, &f->s->scratch, &f->model->tensors, NULL) == PLS_OK;
    f->has_listed = true;
    f->listed = index;
    return f->is_listed;
}

static void place_candidate(struct search *f, const struct candidate *c)
{
    if (list_tensors(f, c->model)) {
        place_contexts(f, c->model, &c->quant);
    }
}

/* Highest bound first; equal ones in the order of the catalog, so that every run looks at the same. */
static int by_bound(const void *a, const void *b)
{
    const struct candidate *x = a;
    const struct candidate *y = b;
    if (x->bound < y->bound || x->bound > y->bound) {
        return x->bound < y->bound ? 1 : -1;
    }
    return x->model != y->model ? (x->model < y->model ? -1 : 1) : (x->quant.ftype < y->quant.ftype ? -1 : 1);
}

/* The score that the last of the wanted rows has by now; nothing below it needs to be placed. */
static double score_to_beat(struct search *f)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < f->n_cards; i++) {
        double score = f->best[i];
        uint32_t at = n < f->ask->top ? n : n - 1;
        if (!(score > -HUGE_VAL) || (n == f->ask->top && score <= f->leaders[n - 1])) {
            continue;
        }
        while (at > 0 && f->leaders[at - 1] < score) {
            f->leaders[at] = f->leaders[at - 1];
            at--;
        }
        f->leaders[at] = score;
        n += n < f->ask->top;
    }
    return n == f->ask->top ? f->leaders[n - 1] : -HUGE_VAL;
}

static void place_all(struct search *f)
{
    double least = -HUGE_VAL;
    f->list_mark = f->s->scratch.used;
    for (uint32_t i = 0; i < f->n_cards; i++) {
        f->best[i] = -HUGE_VAL;
        add_candidates(f, i);
    }
    qsort(f->candidates, f->n_candidates, sizeof(*f->candidates), by_bound);
    for (uint32_t i = 0; i < f->n_candidates && f->candidates[i].bound >= least; i++) {
        double before = f->best[f->candidates[i].model];
        place_candidate(f, &f->candidates[i]);
        if (f->ask->top > 0 && f->best[f->candidates[i].model] > before) {
            least = score_to_beat(f);
        }
    }
    pls_arena_reset(&f->s->scratch, f->list_mark);
}

/* The best configuration of each model, in order; picks are sorted. */
static uint32_t first_of_each(const struct search *f, uint32_t *chosen, bool *seen)
{
    uint32_t n = 0;
    uint32_t most = f->ask->top > 0 ? f->ask->top : UINT32_MAX;
    for (uint32_t i = 0; i < f->n_picks && n < most; i++) {
        if (!seen[f->picks[i].model]) {
            seen[f->picks[i].model] = true;
            chosen[n++] = i;
        }
    }
    return n;
}

/* What will be shown is planned in full, in memory that outlives the search. */
static enum pls_code finish(struct search *f, const struct pls_pick *from, struct pls_entry *out, struct pls_pick **kept,
                            struct pls_err *err)
{
    struct pls_session *s = f->s;
    struct pls_model *model = PLS_TAKE(&s->arena, struct pls_model, 1);
    struct pls_plan *plan = PLS_TAKE(&s->arena, struct pls_plan, 1);
    struct pls_pick *pick = PLS_TAKE(&s->arena, struct pls_pick, 1);
    struct pls_ask ask = f->ask->ask;
    if (model == NULL || plan == NULL || pick == NULL) {
        return pls_fail(err, PLS_NOMEM, "fit: out of memory for this many rows (--top shows fewer)");
    }
    model->card = f->cards[from->model];
    model->stored.ftype = PLS_FTYPE_NONE;
    *pick = *from;
    ask.quant = from->quant;
    ask.context_tokens = from->context_tokens;
    size_t mark = s->scratch.used;
    enum pls_code code = pls_arch_tensors(&model->card, &s->scratch, &model->tensors, err);
    code = code == PLS_OK ? pls_plan_make(model, &ask, &s->machine, &s->rates, &s->scratch, plan, err) : code;
    pls_arena_reset(&s->scratch, mark);
    model->tensors = (struct pls_tensors){ NULL, 0 };
    pls_quality_predict(&model->card, f->ask->policy.task, plan);
    *kept = pick;
    *out = (struct pls_entry){ .model = model, .plan = plan, .pick = pick, .path = NULL };
    return code;
}

/* Superlatives belong to the rows that are shown, and only where there is more than one. */
static void add_superlatives(struct pls_entry *entries, struct pls_pick *const *picks, uint32_t n)
{
    uint32_t best = 0;
    uint32_t fastest = 0;
    for (uint32_t i = 1; i < n; i++) {
        best = entries[i].plan->quality.score > entries[best].plan->quality.score ? i : best;
        fastest = entries[i].plan->speed.decode_tps > entries[fastest].plan->speed.decode_tps ? i : fastest;
    }
    if (n > 1 && entries[best].plan->quality.score > 0) {
        picks[best]->reasons |= PLS_REASON_BEST_QUALITY;
    }
    if (n > 1 && entries[fastest].plan->speed.decode_tps > 0) {
        picks[fastest]->reasons |= PLS_REASON_FASTEST;
    }
}

static enum pls_code collect(struct search *f, struct pls_fit_result *out, struct pls_err *err)
{
    uint32_t *chosen = PLS_TAKE(&f->s->arena, uint32_t, f->n_cards);
    bool *seen = PLS_TAKE(&f->s->arena, bool, f->n_cards + 1);
    if (chosen == NULL || seen == NULL) {
        return pls_fail(err, PLS_NOMEM, "fit: out of memory");
    }
    pls_rank_order(f->picks, f->n_picks);
    uint32_t n = first_of_each(f, chosen, seen);
    out->entries = PLS_TAKE(&f->s->arena, struct pls_entry, n);
    struct pls_pick **picks = PLS_TAKE(&f->s->arena, struct pls_pick *, n);
    enum pls_code code = n > 0 && (out->entries == NULL || picks == NULL) ? pls_fail(err, PLS_NOMEM, "fit: out of memory") : PLS_OK;
    for (uint32_t i = 0; i < n && code == PLS_OK; i++) {
        code = finish(f, &f->picks[chosen[i]], &out->entries[i], &picks[i], err);
        out->n_entries = i + 1;
    }
    if (code == PLS_OK) {
        add_superlatives(out->entries, picks, n);
    }
    return code;
}

bool pls_fit_speed_known(const struct pls_machine *machine)
{
    for (uint32_t i = 0; i < machine->n_pools; i++) {
        if (machine->pools[i].bandwidth_gbs > 0) {
            return true;
        }
    }
    return false;
}

static bool take_room(struct search *f)
{
    size_t n = f->n_cards > 0 ? f->n_cards : 1;
    f->plan = PLS_TAKE(&f->s->arena, struct pls_plan, 1);
    f->model = PLS_TAKE(&f->s->arena, struct pls_model, 1);
    f->leaders = PLS_TAKE(&f->s->arena, double, f->ask->top + 1);
    f->picks = malloc(n * PLS_FIT_RUNGS * sizeof(*f->picks));
    f->candidates = malloc(n * PLS_FIT_RUNGS * sizeof(*f->candidates));
    f->best = malloc(n * sizeof(*f->best));
    return f->plan != NULL && f->model != NULL && f->leaders != NULL && f->picks != NULL && f->candidates != NULL
        && f->best != NULL && !f->out_of_memory;
}

enum pls_code pls_fit_run(struct pls_session *s, const char *words, const struct pls_fit_ask *ask,
                          struct pls_fit_result *out, struct pls_err *err)
{
    struct search f = { .s = s, .own = *ask };
    f.ask = &f.own;
    if (!ask->speed_is_hard && !pls_fit_speed_known(&s->machine)) {
        f.own.policy.min_decode_tps = 0;
    }
    memset(out, 0, sizeof(*out));
    enum pls_code code = pls_session_catalog(s, err);
    code = code == PLS_OK ? pls_catalog_each(s->catalog, words, gather, &f, err) : code;
    if (code == PLS_OK && !take_room(&f)) {
        code = pls_fail(err, PLS_NOMEM, "fit: out of memory");
    }
    if (code == PLS_OK) {
        place_all(&f);
        out->n_models = f.n_cards;
        out->n_configs = f.n_configs;
        code = collect(&f, out, err);
    }
    free(f.cards);
    free(f.picks);
    free(f.candidates);
    free(f.best);
    return code;
}
