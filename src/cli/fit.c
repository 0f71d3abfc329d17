#include "cli/fit.h"

#include <stdlib.h>
#include <string.h>

/* Best first: what people publish, one step apart. Below 4 bits only what may still be better than a smaller model. */
static const enum pls_ftype ladder[] = {
    PLS_FTYPE_BF16,   PLS_FTYPE_Q8_0,   PLS_FTYPE_Q6_K,   PLS_FTYPE_Q5_K_M,
    PLS_FTYPE_Q4_K_M, PLS_FTYPE_IQ4_XS, PLS_FTYPE_Q3_K_M, PLS_FTYPE_Q2_K,
};
enum { RUNGS = PLS_COUNT_OF(ladder) };

struct search {
    struct pls_session *s;
    const struct pls_fit_ask *ask;
    struct pls_card *cards;
    uint32_t n_cards, cap;
    struct pls_pick *picks;
    uint32_t n_picks;
    uint32_t n_configs;
    uint64_t budget_bytes; /* of all pools, none counted twice */
    struct pls_plan *plan; /* scratch: too large for the stack */
    struct pls_model *model;
    bool out_of_memory;
};

static bool is_for_task(const struct pls_card *card, enum pls_task task)
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
    if (!is_for_task(card, f->ask->policy.task)) {
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

static uint64_t whole_budget(const struct pls_machine *m)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < m->n_pools; i++) {
        sum = m->pools[i].within < 0 ? pls_add(sum, m->pools[i].budget_bytes) : sum;
    }
    return sum;
}

/* Weights can't be smaller than this: every parameter in the quant's main type less a tenth for tables that are not
 * loaded. A cheap way past models that are far too large. */
static bool is_hopeless(const struct search *f, const struct pls_card *card, enum pls_ftype ftype)
{
    const struct pls_type_info *info = pls_type_info(pls_ftype_base(ftype));
    if (info->name == NULL || card->params_total == 0) {
        return false;
    }
    return (double)card->params_total * info->bytes / info->block * 0.85 > (double)f->budget_bytes;
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
    f->n_configs++;
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

static void place_model(struct search *f, uint32_t index)
{
    size_t mark = f->s->scratch.used;
    struct pls_quant own = pls_target_default_quant(&f->cards[index], f->ask->ask.runtime);
    bool is_fixed = own.format != PLS_FORMAT_GGUF || own.ftype == PLS_FTYPE_MXFP4_MOE;
    memset(f->model, 0, sizeof(*f->model));
    f->model->card = f->cards[index];
    f->model->stored.ftype = PLS_FTYPE_NONE;
    if (pls_arch_tensors(&f->model->card, &f->s->scratch, &f->model->tensors, NULL) != PLS_OK) {
        return;
    }
    if (f->ask->has_quant || is_fixed) {
        place_contexts(f, index, f->ask->has_quant ? &f->ask->quant : &own);
    }
    for (size_t i = 0; i < RUNGS && !f->ask->has_quant && !is_fixed; i++) {
        struct pls_quant quant = own;
        quant.ftype = ladder[i];
        quant.imatrix = pls_args_has(f->s->args, PLS_OPT_IMATRIX);
        if (!is_hopeless(f, &f->cards[index], ladder[i])) {
            place_contexts(f, index, &quant);
        }
    }
    pls_arena_reset(&f->s->scratch, mark);
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
static enum pls_code finish(struct search *f, const struct pls_pick *from, struct pls_entry *out, struct pls_err *err)
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
    *out = (struct pls_entry){ .model = model, .plan = plan, .pick = pick, .path = NULL };
    return code;
}

static enum pls_code collect(struct search *f, struct pls_fit_result *out, struct pls_err *err)
{
    uint32_t *chosen = PLS_TAKE(&f->s->arena, uint32_t, f->n_cards);
    bool *seen = PLS_TAKE(&f->s->arena, bool, f->n_cards);
    if (chosen == NULL || seen == NULL) {
        return pls_fail(err, PLS_NOMEM, "fit: out of memory");
    }
    pls_rank_order(f->picks, f->n_picks);
    uint32_t n = first_of_each(f, chosen, seen);
    out->entries = PLS_TAKE(&f->s->arena, struct pls_entry, n);
    enum pls_code code = n > 0 && out->entries == NULL ? pls_fail(err, PLS_NOMEM, "fit: out of memory") : PLS_OK;
    for (uint32_t i = 0; i < n && code == PLS_OK; i++) {
        code = finish(f, &f->picks[chosen[i]], &out->entries[i], err);
        out->n_entries = i + 1;
    }
    return code;
}

enum pls_code pls_fit_run(struct pls_session *s, const char *words, const struct pls_fit_ask *ask,
                          struct pls_fit_result *out, struct pls_err *err)
{
    struct search f = { .s = s, .ask = ask, .budget_bytes = whole_budget(&s->machine) };
    memset(out, 0, sizeof(*out));
    enum pls_code code = pls_session_catalog(s, err);
    code = code == PLS_OK ? pls_catalog_each(s->catalog, words, gather, &f, err) : code;
    f.plan = PLS_TAKE(&s->arena, struct pls_plan, 1);
    f.model = PLS_TAKE(&s->arena, struct pls_model, 1);
    f.picks = malloc(((size_t)f.n_cards * RUNGS + 1) * sizeof(*f.picks));
    if (code == PLS_OK && (f.out_of_memory || f.plan == NULL || f.model == NULL || f.picks == NULL)) {
        code = pls_fail(err, PLS_NOMEM, "fit: out of memory");
    }
    for (uint32_t i = 0; i < f.n_cards && code == PLS_OK; i++) {
        place_model(&f, i);
    }
    if (code == PLS_OK) {
        out->n_models = f.n_cards;
        code = collect(&f, out, err);
        out->n_configs = f.n_configs;
    }
    free(f.cards);
    free(f.picks);
    return code;
}
