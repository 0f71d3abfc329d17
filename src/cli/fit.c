#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/fit_finish.h"
#include "plimsoll/sys.h"

enum { CARDS_FIRST = 1024 }; /* all that are shipped */

/* A search, and the cards it is over. */
struct fit {
    struct pls_session *s;
    struct pls_search search;
    struct pls_card *cards;
    uint32_t cap;
    uint32_t wanted;         /* rows; 0 all */
    uint32_t other_tasks;    /* of cards that the task does not let through */
    uint32_t n_matches;      /* cards that the words let through, whatever they are made for */
    bool has_words, out_of_memory;
    void *room;              /* the search's memory */
};

/* With images to look at, the projector is part of the model; one of unknown size cannot be answered for. */
static bool can_be_sized(const struct pls_search_ask *ask, const struct pls_card *card)
{
    return !ask->ask.use_projector || ask->policy.task != PLS_TASK_VISION || card->mmproj_params > 0;
}

static bool grow(struct fit *f)
{
    uint32_t cap = f->cap > 0 ? 2 * f->cap : CARDS_FIRST;
    struct pls_card *more = pls_sys_pages(cap * sizeof(*more), true);
    if (more == NULL) {
        return false;
    }
    if (f->search.n_cards > 0) {
        memcpy(more, f->cards, f->search.n_cards * sizeof(*more));
    }
    pls_sys_pages_free(f->cards, f->cap * sizeof(*more));
    f->cards = more;
    f->cap = cap;
    return true;
}

static bool gather(const struct pls_card *card, void *context)
{
    struct fit *f = context;
    const struct pls_search_ask *ask = &f->search.ask;
    f->n_matches++;
    if (!pls_rank_is_for_task(card, ask->policy.task, f->has_words) || !can_be_sized(ask, card)) {
        f->other_tasks |= card->tasks;
        return true;
    }
    if (f->search.n_cards == f->cap && !grow(f)) {
        f->out_of_memory = true;
        return false;
    }
    f->cards[f->search.n_cards++] = *card;
    return true;
}

/* Superlatives belong to the rows that are shown, and only where there is more than one. */
static void add_superlatives(const struct pls_fit_row *rows, uint32_t n)
{
    uint32_t best = 0, fastest = 0, longest = 0;
    bool differ = false;
    for (uint32_t i = 1; i < n; i++) {
        const struct pls_pick *pick = rows[i].pick;
        best = pick->quality > rows[best].pick->quality ? i : best;
        fastest = pick->speed_tps > rows[fastest].pick->speed_tps ? i : fastest;
        longest = pick->context_tokens > rows[longest].pick->context_tokens ? i : longest;
        differ = differ || pick->context_tokens != rows[0].pick->context_tokens;
    }
    if (n > 1) {
        const struct pls_pick *fast = rows[fastest].pick;
        bool is_known = fast->speed_tps > 0 && (fast->reasons & PLS_REASON_SPEED_UNKNOWN) == 0;
        rows[best].pick->reasons |= rows[best].pick->quality > 0 ? PLS_REASON_BEST_QUALITY : 0;
        rows[fastest].pick->reasons |= is_known ? PLS_REASON_FASTEST : 0;
        rows[longest].pick->reasons |= differ ? PLS_REASON_LONGEST_CONTEXT : 0;
    }
}

/* The other models of the row's base, the best first. */
static bool name_siblings(struct fit *fit, const struct pls_pick *pick, struct pls_entry *entry)
{
    const struct pls_search *f = &fit->search;
    enum pls_task task = f->ask.policy.task;
    uint32_t n = 0;
    for (uint32_t i = 0; i < f->n_cards; i++) {
        n += f->group[i] == f->group[pick->model] && i != pick->model;
    }
    struct pls_sibling *names = PLS_TAKE(&fit->s->arena, struct pls_sibling, n + 1);
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
static void settle(struct pls_fit_row *rows, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t first = i;
        for (uint32_t k = i + 1; k < n; k++) {
            first = pls_rank_before(rows[k].pick, rows[first].pick) ? k : first;
        }
        for (uint32_t k = i; k < n; k++) {
            bool beats = pls_rank_beats(rows[k].pick, rows[first].pick);
            first = beats ? k : first;
            k = beats ? i : k; /* and what beats that one */
        }
        struct pls_fit_row row = rows[first];
        memmove(&rows[i + 1], &rows[i], (first - i) * sizeof(*rows));
        rows[i] = row;
    }
}

/* What turned out not to fit, or to miss a floor that others do not, by that hair, is not offered beside
 * them. */
static uint32_t drop_misses(struct pls_fit_row *rows, uint32_t n)
{
    uint32_t least = UINT32_MAX;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t tier = pls_rank_tier(rows[i].pick->reasons);
        least = rows[i].plan->fit == PLS_FIT_YES && tier < least ? tier : least;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (rows[i].plan->fit == PLS_FIT_YES && pls_rank_tier(rows[i].pick->reasons) == least) {
            rows[kept++] = rows[i];
        }
    }
    return kept;
}

/* Rows that the rough sizes put behind the last one wanted by less than they may be off: known exactly, they
 * may belong before it. */
enum { RUNNERS_UP = 2 };
static const double CLOSE = 0.985;

static uint32_t close_ones(const struct pls_search *f, const uint32_t *chosen, uint32_t n,
                           uint32_t wanted)
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

static enum pls_code fill_entries(struct fit *f, const struct pls_fit_row *rows, uint32_t n,
                                  struct pls_fit_result *out, struct pls_err *err)
{
    out->entries = PLS_TAKE(&f->s->arena, struct pls_entry, n + 1);
    bool ok = out->entries != NULL;
    for (uint32_t i = 0; i < n && ok; i++) {
        struct pls_entry *entry = &out->entries[i];
        *entry = (struct pls_entry){ .model = rows[i].model, .plan = rows[i].plan, .pick = rows[i].pick };
        entry->published = pls_target_published(f->s, &rows[i].model->card, rows[i].plan);
        ok = f->search.ask.each || name_siblings(f, rows[i].pick, entry);
    }
    out->n_entries = n;
    return ok ? PLS_OK : pls_fail(err, PLS_NOMEM, "fit: out of memory");
}

static enum pls_code collect(struct fit *fit, struct pls_fit_result *out, struct pls_err *err)
{
    struct pls_search *f = &fit->search;
    uint32_t room = (f->ask.each ? f->n_picks : f->n_groups) + 1;
    uint32_t *chosen = PLS_TAKE(&fit->s->arena, uint32_t, room);
    uint32_t n = chosen != NULL ? pls_search_choose(f, chosen) : 0;
    n = close_ones(f, chosen, n, fit->wanted);
    struct pls_fit_row *rows = PLS_TAKE(&fit->s->arena, struct pls_fit_row, n + 1);
    if (chosen == NULL || rows == NULL || f->out_of_memory) {
        return pls_fail(err, PLS_NOMEM, "fit: out of memory");
    }
    enum pls_code code = pls_fit_finish(fit->s, f, chosen, n, rows, err);
    if (code != PLS_OK) {
        return code;
    }
    n = drop_misses(rows, n);
    settle(rows, n);
    n = fit->wanted > 0 && fit->wanted < n ? fit->wanted : n;
    add_superlatives(rows, n);
    return fill_entries(fit, rows, n, out, err);
}

static struct pls_pick *more_picks(struct pls_pick *picks, uint32_t n)
{
    return realloc(picks, n * sizeof(*picks));
}

static enum pls_code begin(struct fit *f, struct pls_err *err)
{
    size_t bytes = pls_search_bytes(f->search.n_cards, f->search.ask.top);
    f->search.cards = f->cards;
    f->search.machine = &f->s->machine;
    f->search.rates = &f->s->rates;
    f->search.scratch = &f->s->scratch;
    f->search.grow = more_picks;
    f->room = malloc(bytes);
    if (f->room == NULL || f->out_of_memory) {
        return pls_fail(err, PLS_NOMEM, "fit: out of memory");
    }
    struct pls_arena room = pls_arena_over(f->room, bytes);
    return pls_search_begin(&f->search, &room, err);
}

/* Words may be a name, too: then that model stands for its base, whatever else they let through. A tag or a
 * repository may be in no card's text; when words are neither, the sentence offers the nearest. */
static enum pls_code find_named(struct fit *f, const char *words, struct pls_err *err)
{
    struct pls_card *card = PLS_TAKE(&f->s->arena, struct pls_card, 1);
    if (card == NULL) {
        return pls_fail(err, PLS_NOMEM, "fit: out of memory");
    }
    enum pls_code code = pls_catalog_resolve(f->s->catalog, words, card, f->n_matches == 0 ? err : NULL);
    if (code == PLS_OK && f->n_matches == 0) {
        gather(card, f);
    }
    f->search.named = code == PLS_OK ? card->id : NULL;
    return f->n_matches > 0 ? PLS_OK : code;
}

static void settle_ask(struct fit *f)
{
    struct pls_search_ask *ask = &f->search.ask;
    f->wanted = ask->top;
    ask->top += ask->top > 0 && !ask->each ? RUNNERS_UP : 0;
}

static enum pls_code search(struct fit *f, struct pls_fit_result *out, struct pls_err *err)
{
    enum pls_code code = begin(f, err);
    if (code != PLS_OK) {
        return code;
    }
    pls_search_place(&f->search);
    /* a quant or a setting that is refused for every model is no answer about memory */
    code = f->search.n_placed == 0 && f->search.refusal.code != PLS_OK
               ? pls_fail(err, f->search.refusal.code, "%s", f->search.refusal.text)
               : collect(f, out, err);
    out->n_models = f->search.n_cards;
    out->other_tasks = f->other_tasks;
    out->n_configs = f->search.n_configs;
    out->n_unpublished = f->search.n_unpublished;
    return code;
}

enum pls_code pls_fit_run(struct pls_session *s, const char *words, const struct pls_search_ask *ask,
                          struct pls_fit_result *out, struct pls_err *err)
{
    struct fit f = { .s = s, .search.ask = *ask, .has_words = words != NULL && words[0] != '\0' };
    size_t mark = s->scratch.used;
    settle_ask(&f);
    memset(out, 0, sizeof(*out));
    enum pls_code code = pls_session_catalog(s, err);
    code = code == PLS_OK ? pls_catalog_each(s->catalog, words, gather, &f, err) : code;
    code = code == PLS_OK && f.has_words ? find_named(&f, words, err) : code;
    code = code == PLS_OK ? search(&f, out, err) : code;
    pls_arena_reset(&s->scratch, mark);
    pls_sys_pages_free(f.cards, f.cap * sizeof(*f.cards));
    free(f.search.picks);
    free(f.room);
    return code;
}
