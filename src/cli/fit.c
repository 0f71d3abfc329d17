#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/fit_search.h"

/* With images to look at, the projector is part of the model; one of unknown size cannot be answered for. */
static bool can_be_sized(const struct pls_fit_search *f, const struct pls_card *card)
{
    return !f->ask->ask.use_projector || f->ask->policy.task != PLS_TASK_VISION || card->mmproj_params > 0;
}

static bool gather(const struct pls_card *card, void *context)
{
    struct pls_fit_search *f = context;
    f->n_matches++;
    if (!pls_rank_is_for_task(card, f->ask->policy.task, f->has_words) || !can_be_sized(f, card)) {
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

static void refresh(struct pls_pick *pick, const struct pls_policy *policy, const struct pls_plan *plan)
{
    struct pls_merit m = pls_rank_merit(policy, plan);
    pick->quality = plan->quality.score;
    pick->decode_tps = plan->speed.decode_tps;
    pick->prefill_tps = plan->speed.prefill_tps;
    pick->speed_tps = m.speed_tps;
    pick->total_bytes = plan->bytes.total;
    pick->margin_bytes = plan->margin_bytes;
    pick->score = m.score;
    pick->reasons = m.reasons;
}

/* The largest context that would fit is the dearest number of a plan and stands in documents alone. */
static enum pls_code plan_row(struct pls_session *s, const struct pls_model *model, const struct pls_ask *ask,
                              struct pls_plan *plan, struct pls_err *err)
{
    struct pls_arena *scratch = &s->scratch;
    struct pls_layout layout;
    if (s->output == PLS_OUT_JSON || s->output == PLS_OUT_JSONL) {
        return pls_plan_make(model, ask, &s->machine, &s->rates, scratch, plan, err);
    }
    enum pls_code code = pls_layout_make(model, &ask->quant, &s->machine, scratch, &layout, err);
    code = code == PLS_OK ? pls_place_layout(&layout, ask, &s->machine, scratch, plan, err) : code;
    if (code == PLS_OK) {
        pls_speed_predict(&model->card, &s->machine, &s->rates, plan);
    }
    return code;
}

/* What will be shown is planned in full, in memory that outlives the search; sizes were rough where nothing hung on them. */
static enum pls_code finish(struct pls_fit_search *f, const struct pls_pick *from, struct pls_entry *out,
                            struct pls_pick **kept, struct pls_err *err)
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
    ask.type_k = from->type_k;
    ask.type_v = from->type_v;
    pls_fit_settle(f->ask, &model->card, &ask);
    size_t mark = s->scratch.used;
    enum pls_code code = pls_arch_tensors(&model->card, &s->scratch, &model->tensors, err);
    code = code == PLS_OK ? plan_row(s, model, &ask, plan, err) : code;
    pls_arena_reset(&s->scratch, mark);
    model->tensors = (struct pls_tensors){ NULL, 0 };
    pls_quality_predict(&model->card, f->ask->policy.task, plan);
    refresh(pick, &f->ask->policy, plan);
    *kept = pick;
    *out = (struct pls_entry){ .model = model, .plan = plan, .pick = pick, .path = NULL };
    return code;
}

/* Superlatives belong to the rows that are shown, and only where there is more than one. */
static void add_superlatives(struct pls_pick *const *picks, uint32_t n)
{
    uint32_t best = 0, fastest = 0, longest = 0;
    bool differ = false;
    for (uint32_t i = 1; i < n; i++) {
        best = picks[i]->quality > picks[best]->quality ? i : best;
        fastest = picks[i]->speed_tps > picks[fastest]->speed_tps ? i : fastest;
        longest = picks[i]->context_tokens > picks[longest]->context_tokens ? i : longest;
        differ = differ || picks[i]->context_tokens != picks[0]->context_tokens;
    }
    if (n > 1) {
        picks[best]->reasons |= picks[best]->quality > 0 ? PLS_REASON_BEST_QUALITY : 0;
        bool is_known = picks[fastest]->speed_tps > 0 && (picks[fastest]->reasons & PLS_REASON_SPEED_UNKNOWN) == 0;
        picks[fastest]->reasons |= is_known ? PLS_REASON_FASTEST : 0;
        picks[longest]->reasons |= differ ? PLS_REASON_LONGEST_CONTEXT : 0;
    }
}

/* The other models of the row's base, the best first. */
static bool name_siblings(struct pls_fit_search *f, const struct pls_pick *pick, struct pls_entry *entry)
{
    enum pls_task task = f->ask->policy.task;
    uint32_t n = 0;
    for (uint32_t i = 0; i < f->n_cards; i++) {
        n += f->group[i] == f->group[pick->model] && i != pick->model;
    }
    struct pls_sibling *names = PLS_TAKE(&f->s->arena, struct pls_sibling, n + 1);
    if (names == NULL) {
        return false;
    }
    for (uint32_t i = 0, k = 0; i < f->n_cards; i++) {
        if (f->group[i] != f->group[pick->model] || i == pick->model) {
            continue;
        }
        uint32_t at = k++;
        for (; at > 0 && names[at - 1].ability < (double)f->cards[i].ability[task].score; at--) {
            names[at] = names[at - 1];
        }
        names[at].ability = (double)f->cards[i].ability[task].score;
        PLS_COPY(names[at].id, f->cards[i].id);
        PLS_COPY(names[at].name, f->cards[i].name);
    }
    entry->also = names;
    entry->n_also = n;
    return true;
}

/* Exact numbers can differ from the rough ones by a hair: the rows are put in order once more. */
static void settle(struct pls_entry *entries, struct pls_pick **picks, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t first = i;
        for (uint32_t k = i + 1; k < n; k++) {
            first = pls_rank_before(picks[k], picks[first]) ? k : first;
        }
        for (uint32_t k = i; k < n; k++) {
            bool beats = pls_rank_beats(picks[k], picks[first]);
            first = beats ? k : first;
            k = beats ? i : k; /* and what beats that one */
        }
        struct pls_pick *pick = picks[first];
        struct pls_entry entry = entries[first];
        memmove(&picks[i + 1], &picks[i], (first - i) * sizeof(*picks));
        memmove(&entries[i + 1], &entries[i], (first - i) * sizeof(*entries));
        picks[i] = pick;
        entries[i] = entry;
    }
}

/* What turned out to miss a floor, by that hair, is not offered beside rows that do not. */
static uint32_t drop_under_floors(struct pls_entry *entries, struct pls_pick **picks, uint32_t n)
{
    uint32_t least = UINT32_MAX;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t tier = pls_rank_tier(picks[i]->reasons);
        least = tier < least ? tier : least;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (pls_rank_tier(picks[i]->reasons) == least) {
            entries[kept] = entries[i];
            picks[kept++] = picks[i];
        }
    }
    return kept;
}

/* Rows that the rough sizes put behind the last one wanted by less than they may be off: known exactly, they may belong before it. */
enum { RUNNERS_UP = 2 };
static const double CLOSE = 0.985;

static uint32_t close_ones(const struct pls_fit_search *f, const uint32_t *chosen, uint32_t n, uint32_t wanted)
{
    if (wanted == 0 || n <= wanted) {
        return n;
    }
    double least = CLOSE * f->picks[chosen[wanted - 1]].score;
    while (n > wanted && f->picks[chosen[n - 1]].score < least) {
        n--;
    }
    return n;
}

static enum pls_code collect(struct pls_fit_search *f, struct pls_fit_result *out, struct pls_err *err)
{
    uint32_t *chosen = PLS_TAKE(&f->s->arena, uint32_t, (f->ask->each ? f->n_picks : f->n_groups) + 1);
    uint32_t n = chosen != NULL ? pls_fit_choose(f, chosen) : 0;
    n = close_ones(f, chosen, n, f->wanted);
    pls_arena_reset(&f->s->scratch, f->list_mark);
    out->entries = PLS_TAKE(&f->s->arena, struct pls_entry, n + 1);
    struct pls_pick **picks = PLS_TAKE(&f->s->arena, struct pls_pick *, n + 1);
    if (chosen == NULL || out->entries == NULL || picks == NULL || f->out_of_memory) {
        return pls_fail(err, PLS_NOMEM, "fit: out of memory");
    }
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = out->n_entries;
        const struct pls_pick *from = &f->picks[chosen[i]];
        enum pls_code code = finish(f, from, &out->entries[at], &picks[at], err);
        if (code != PLS_OK) {
            return code;
        }
        if (!f->ask->each && !name_siblings(f, from, &out->entries[at])) {
            return pls_fail(err, PLS_NOMEM, "fit: out of memory");
        }
        out->n_entries += out->entries[at].plan->fit == PLS_FIT_YES;
    }
    out->n_entries = drop_under_floors(out->entries, picks, out->n_entries);
    settle(out->entries, picks, out->n_entries);
    out->n_entries = f->wanted > 0 && f->wanted < out->n_entries ? f->wanted : out->n_entries;
    add_superlatives(picks, out->n_entries);
    return PLS_OK;
}

static bool take_room(struct pls_fit_search *f)
{
    size_t n = f->n_cards > 0 ? f->n_cards : 1;
    f->plan = PLS_TAKE(&f->s->arena, struct pls_plan, 1);
    f->model = PLS_TAKE(&f->s->arena, struct pls_model, 1);
    f->leaders = PLS_TAKE(&f->s->arena, double, f->ask->top + 1);
    f->candidates = malloc(n * PLS_FIT_RUNGS * sizeof(*f->candidates));
    f->best = malloc(n * sizeof(*f->best));
    f->shape = calloc(n, sizeof(*f->shape));
    f->next_of_shape = calloc(n, sizeof(*f->next_of_shape));
    f->group = calloc(n, sizeof(*f->group));
    f->placed = calloc(n, sizeof(*f->placed));
    f->lists = calloc(n, sizeof(*f->lists));
    f->is_comfortable = calloc(n, sizeof(*f->is_comfortable));
    return f->plan != NULL && f->model != NULL && f->leaders != NULL && f->candidates != NULL && f->best != NULL
        && f->shape != NULL && f->next_of_shape != NULL && f->group != NULL && f->placed != NULL && f->lists != NULL
        && f->is_comfortable != NULL && !f->out_of_memory;
}

static void drop(struct pls_fit_search *f)
{
    free(f->candidates);
    free(f->best);
    free(f->shape);
    free(f->next_of_shape);
    free(f->group);
    free(f->placed);
    free(f->lists);
    free(f->is_comfortable);
    free(f->cards);
    free(f->picks);
}

/* Words that no card holds may be a name all the same: a tag or a repository. If not, the sentence offers the nearest. */
static enum pls_code gather_named(struct pls_fit_search *f, const char *words, struct pls_err *err)
{
    struct pls_card *card = PLS_TAKE(&f->s->arena, struct pls_card, 1);
    enum pls_code code = card != NULL ? pls_catalog_resolve(f->s->catalog, words, card, err) : PLS_NOMEM;
    if (code == PLS_OK) {
        gather(card, f);
    }
    return code;
}

static void settle_ask(struct pls_fit_search *f)
{
    struct pls_fit_ask *own = &f->own;
    f->ask = own;
    f->wanted = own->top;
    own->top += own->top > 0 && !own->each ? RUNNERS_UP : 0;
    own->ask.use_projector |= own->policy.task == PLS_TASK_VISION;
}

enum pls_code pls_fit_run(struct pls_session *s, const char *words, const struct pls_fit_ask *ask,
                          struct pls_fit_result *out, struct pls_err *err)
{
    struct pls_fit_search f = { .s = s, .own = *ask, .has_words = words != NULL && words[0] != '\0' };
    settle_ask(&f);
    memset(out, 0, sizeof(*out));
    enum pls_code code = pls_session_catalog(s, err);
    code = code == PLS_OK ? pls_catalog_each(s->catalog, words, gather, &f, err) : code;
    if (code == PLS_OK && f.n_matches == 0 && f.has_words) {
        code = gather_named(&f, words, err);
    }
    if (code == PLS_OK && !take_room(&f)) {
        code = pls_fail(err, PLS_NOMEM, "fit: out of memory");
    }
    code = code == PLS_OK ? pls_fit_group(&f, err) : code;
    if (code == PLS_OK) {
        pls_fit_place(&f);
        /* a quant or a setting that is refused for every model is no answer about memory */
        code = f.n_placed == 0 && f.refusal.code != PLS_OK ? pls_fail(err, f.refusal.code, "%s", f.refusal.text)
                                                           : collect(&f, out, err);
        pls_arena_reset(&s->scratch, f.list_mark);
        out->n_models = f.n_cards;
        out->n_configs = f.n_configs;
    }
    drop(&f);
    return code;
}
