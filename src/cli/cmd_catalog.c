/* catalog list|show|search. */
#include <stdio.h>
#include <stdlib.h>

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
        g->is_full = more == NULL;
        if (g->is_full) {
            return false;
        }
        g->cards = more;
        g->cap = cap;
    }
    g->cards[g->n++] = *card;
    return true;
}

static enum pls_code list(struct pls_session *s, const char *words, struct pls_err *err)
{
    struct gathering g = { .cards = NULL };
    enum pls_code code = pls_catalog_each(s->catalog, words, gather, &g, err);
    if (code == PLS_OK && g.is_full) {
        code = pls_fail(err, PLS_NOMEM, "catalog: out of memory");
    }
    if (code == PLS_OK) {
        uint64_t top = pls_args_u64(s->args, PLS_OPT_TOP, 0);
        uint32_t n = top > 0 && top < g.n ? (uint32_t)top : g.n;
        code = pls_render_cards(stdout, s->output, g.cards, n, &s->screen, err);
    }
    free(g.cards);
    return code == PLS_OK && g.n == 0 ? PLS_NO : code;
}

static enum pls_code show(struct pls_session *s, const char *name, struct pls_err *err)
{
    struct pls_card card;
    enum pls_code code = pls_catalog_resolve(s->catalog, name, &card, err);
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

enum pls_code pls_cmd_catalog(struct pls_session *s, struct pls_err *err)
{
    const struct pls_args *args = s->args;
    const char *verb = args->n_operands > 0 ? args->operands[0] : "list";
    char words[512];
    struct pls_text t = PLS_TEXT(words);
    join_words(args, 1, &t);
    bool is_list = pls_text_equal(verb, "list");
    bool is_search = pls_text_equal(verb, "search");
    bool is_show = pls_text_equal(verb, "show");
    if (!is_list && !is_search && !is_show) {
        return pls_fail(err, PLS_USAGE, "catalog %s: unknown (list, show or search)", verb);
    }
    if (is_show && args->n_operands != 2) {
        return pls_fail(err, PLS_USAGE, "catalog show: needs one name");
    }
    if (is_search && args->n_operands < 2) {
        return pls_fail(err, PLS_USAGE, "catalog search: needs words to search for");
    }
    if (is_list && args->n_operands > 1) {
        return pls_fail(err, PLS_USAGE, "catalog list: takes no argument (catalog search takes words)");
    }
    enum pls_code code = pls_session_catalog(s, err);
    if (code != PLS_OK) {
        return code;
    }
    return is_show ? show(s, args->operands[1], err) : list(s, is_search ? words : NULL, err);
}
