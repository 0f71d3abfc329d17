/* catalog list|show|search; the verbs that change cards are in catalog_edit.c, check is in
 * catalog_check.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"

enum { CARD_TEXT_MAX = 1 << 18 };

struct gathering {
    struct pls_card *cards; /* malloc */
    uint32_t n, cap;
    bool is_full;
};

static bool gather(const struct pls_card *card, void *context)
{
    struct gathering *g = context;
    if (g->n == g->cap) {
        uint32_t cap = g->cap > 0 ? 2 * g->cap : 256;
        struct pls_card *more = realloc(g->cards, cap * sizeof(*more));
        if (more == NULL) {
            g->is_full = true;
            return false;
        }
        g->cards = more;
        g->cap = cap;
    }
    g->cards[g->n++] = *card;
    return true;
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct pls_card *)a)->id, ((const struct pls_card *)b)->id);
}

static void hint(struct pls_session *s, const char *words)
{
    char room[256];
    struct pls_text t = PLS_TEXT(room);
    struct pls_misspelt m;
    if (words != NULL && pls_catalog_misspelt(s->catalog, words, &m)) {
        pls_text_add(&t, "no card has the word '%s'; the nearest is '%s'", m.typed, m.nearest);
        pls_warn(room);
    }
}

/* A search has the best match first, a list the order of ids. */
static enum pls_code list(struct pls_session *s, const struct pls_catalog_query *query, struct pls_err *err)
{
    struct gathering g = { .cards = NULL };
    enum pls_code code = pls_session_catalog(s, err);
    code = code == PLS_OK ? pls_catalog_search(s->catalog, query, gather, &g, err) : code;
    if (query->words == NULL && g.n > 0) {
        qsort(g.cards, g.n, sizeof(*g.cards), by_id);
    }
    if (code == PLS_OK && g.is_full) {
        code = pls_fail(err, PLS_NOMEM, "catalog: out of memory");
    }
    if (code == PLS_OK) {
        uint64_t top = pls_args_u64(s->args, PLS_OPT_TOP, 0);
        uint32_t n = top > 0 && top < g.n ? (uint32_t)top : g.n;
        code = pls_render_cards(stdout, s->output, g.cards, n, &s->screen, err);
    }
    if (code == PLS_OK && g.n == 0) {
        hint(s, query->words);
    }
    free(g.cards);
    return code == PLS_OK && g.n == 0 ? PLS_NO : code;
}

static enum pls_code show(struct pls_session *s, const char *name, struct pls_err *err)
{
    struct pls_card card;
    enum pls_code code = pls_session_catalog(s, err);
    code = code == PLS_OK ? pls_catalog_resolve(s->catalog, name, &card, err) : code;
    if (code != PLS_OK) {
        return code;
    }
    char *json = PLS_TAKE(&s->arena, char, CARD_TEXT_MAX);
    if (json == NULL) {
        return pls_fail(err, PLS_NOMEM, "catalog: out of memory");
    }
    code = pls_catalog_json(s->catalog, card.id, json, CARD_TEXT_MAX, err);
    return code == PLS_OK ? pls_render_card(stdout, s->output, &card, json, err) : code;
}

/* The operands from `first` on as one text with blanks between. */
static void join_words(const struct pls_args *args, uint32_t first, struct pls_text *out)
{
    for (uint32_t i = first; i < args->n_operands; i++) {
        pls_text_add(out, "%s%s", i > first ? " " : "", args->operands[i]);
    }
}

static enum pls_code params_option(const struct pls_args *args, enum pls_opt id, uint64_t *out,
                                   struct pls_err *err)
{
    const char *text = pls_args_text(args, id);
    char number[32];
    double value = 0;
    if (text == NULL) {
        return PLS_OK;
    }
    PLS_COPY(number, text);
    size_t len = strlen(number);
    char unit = len > 0 ? number[len - 1] : '\0';
    double scale = unit == 'b' || unit == 'B' ? 1e9 : unit == 'm' || unit == 'M' ? 1e6 : 1;
    if (scale > 1) {
        number[len - 1] = '\0';
    }
    if (!pls_parse_double(number, &value) || value < 0 || value * scale > 1e15) {
        return pls_fail(err, PLS_USAGE, "--%s: '%s' is not a number of parameters (500m, 7b)",
                        pls_option_info(id)->name, text);
    }
    *out = (uint64_t)(value * scale);
    return PLS_OK;
}

/* "2025-04" to 202504. */
static enum pls_code month_option(const struct pls_args *args, enum pls_opt id, uint32_t *out,
                                  struct pls_err *err)
{
    const char *text = pls_args_text(args, id);
    uint64_t year = 0;
    uint64_t month = 0;
    char room[8];
    if (text == NULL) {
        return PLS_OK;
    }
    PLS_COPY(room, text);
    if (strlen(text) == 7 && room[4] == '-') {
        room[4] = '\0';
        if (pls_parse_u64(room, &year) && pls_parse_u64(room + 5, &month) && month >= 1 && month <= 12) {
            *out = (uint32_t)(year * 100 + month);
            return PLS_OK;
        }
    }
    return pls_fail(err, PLS_USAGE, "--%s: '%s' is not a month (2025-04)", pls_option_info(id)->name, text);
}

static enum pls_code read_query(const struct pls_args *args, struct pls_catalog_query *q, struct pls_err *err)
{
    static const struct {
        const char *name;
        enum pls_modality bit;
    } modalities[] = {
        { "text", PLS_MODALITY_TEXT }, { "image", PLS_MODALITY_IMAGE },
        { "audio", PLS_MODALITY_AUDIO }, { "video", PLS_MODALITY_VIDEO },
    };
    const char *modality = pls_args_text(args, PLS_OPT_MODALITY);
    enum pls_task task = PLS_TASK_CHAT;
    enum pls_code code = pls_task_from_args(args, &task, err);
    code = code == PLS_OK ? params_option(args, PLS_OPT_MIN_PARAMS, &q->min_params, err) : code;
    code = code == PLS_OK ? params_option(args, PLS_OPT_MAX_PARAMS, &q->max_params, err) : code;
    code = code == PLS_OK ? month_option(args, PLS_OPT_SINCE, &q->since, err) : code;
    code = code == PLS_OK ? month_option(args, PLS_OPT_UNTIL, &q->until, err) : code;
    q->license = pls_args_text(args, PLS_OPT_LICENSE);
    q->tasks = pls_args_has(args, PLS_OPT_TASK) ? 1u << task : 0;
    for (size_t i = 0; modality != NULL && i < PLS_COUNT_OF(modalities); i++) {
        q->modalities |= pls_text_equal(modalities[i].name, modality) ? (uint32_t)modalities[i].bit : 0;
    }
    return code;
}

static enum pls_code verb_list(struct pls_session *s, struct pls_err *err)
{
    if (s->args->n_operands > 1) {
        return pls_fail(err, PLS_USAGE, "catalog list: takes no argument (catalog search takes words)");
    }
    struct pls_catalog_query all = { .words = NULL };
    enum pls_code code = read_query(s->args, &all, err);
    return code == PLS_OK ? list(s, &all, err) : code;
}

static enum pls_code verb_show(struct pls_session *s, struct pls_err *err)
{
    return s->args->n_operands == 2 ? show(s, s->args->operands[1], err)
                                    : pls_fail(err, PLS_USAGE, "catalog show: needs one name");
}

static enum pls_code verb_search(struct pls_session *s, struct pls_err *err)
{
    struct pls_catalog_query query = { .words = NULL };
    char words[512];
    struct pls_text t = PLS_TEXT(words);
    join_words(s->args, 1, &t);
    if (t.truncated) {
        return pls_fail(err, PLS_USAGE, "catalog search: more than %zu bytes of words", sizeof(words) - 1);
    }
    query.words = words;
    enum pls_code code = read_query(s->args, &query, err);
    if (code != PLS_OK) {
        return code;
    }
    bool any = query.license != NULL || query.min_params != 0 || query.max_params != 0 || query.tasks != 0
        || query.modalities != 0 || query.since != 0 || query.until != 0;
    if (t.len == 0 && !any) {
        return pls_fail(err, PLS_USAGE, "catalog search: needs words or filters to search for");
    }
    return list(s, &query, err);
}

enum pls_code pls_cmd_catalog(struct pls_session *s, struct pls_err *err)
{
    static const struct {
        const char *name;
        enum pls_code (*run)(struct pls_session *s, struct pls_err *err);
    } verbs[] = {
        { "list", verb_list },
        { "show", verb_show },
        { "search", verb_search },
        { "add", pls_catalog_verb_add },
        { "remove", pls_catalog_verb_remove },
        { "export", pls_catalog_verb_export },
        { "check", pls_catalog_verb_check },
    };
    const char *verb = s->args->n_operands > 0 ? s->args->operands[0] : "list";
    for (size_t i = 0; i < PLS_COUNT_OF(verbs); i++) {
        if (pls_text_equal(verbs[i].name, verb)) {
            return verbs[i].run(s, err);
        }
    }
    return pls_fail(err, PLS_USAGE, "catalog %s: unknown (list, show, search, add, remove, check or export)",
                    verb);
}
