/* catalog check: the parameters of every card's tensor list against what was published. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/card_input.h"
#include "cli/command.h"

struct checking {
    struct pls_check_row *rows;
    uint32_t n, cap;
    bool has_mismatch, out_of_memory;
};

static bool note_check(const struct pls_check *c, void *context)
{
    static const char *const words[] = { "ok", "mismatch", "no reference", "no tensor list" };
    struct checking *k = context;
    if (k->n == k->cap) {
        uint32_t cap = k->cap > 0 ? 2 * k->cap : 512;
        struct pls_check_row *more = realloc(k->rows, cap * sizeof(*more));
        if (more == NULL) {
            k->out_of_memory = true;
            return false;
        }
        k->rows = more;
        k->cap = cap;
    }
    struct pls_check_row *row = &k->rows[k->n++];
    *row = (struct pls_check_row){
        .status = words[c->status],
        .listed = pls_add(c->listed, pls_add(c->listed_mtp, c->apart)),
        .published = c->published,
        .relative_error = c->relative_error,
        .tolerance = c->tolerance,
    };
    PLS_COPY(row->id, c->card->id);
    k->has_mismatch = k->has_mismatch || c->status == PLS_CHECK_MISMATCH;
    return true;
}

struct filing {
    struct pls_catalog *catalog;
    enum pls_code code;
    struct pls_err *err;
};

static bool file_card(const struct pls_card *card, const char *json, void *context)
{
    struct filing *f = context;
    f->code = pls_catalog_insert(f->catalog, card, json, f->err);
    return f->code == PLS_OK;
}

/* Cards of a file are checked as they would stand in a catalog: in one that lives for as long as this
 * takes. */
static enum pls_code check_input(struct pls_session *s, const char *operand, struct checking *k,
                                 struct pls_err *err)
{
    struct filing f = { .code = PLS_OK, .err = err };
    enum pls_code code = pls_catalog_create("", &f.catalog, err);
    if (code != PLS_OK) {
        return code;
    }
    code = pls_card_input(s, operand, file_card, &f, err);
    code = code == PLS_OK ? f.code : code;
    code = code == PLS_OK ? pls_catalog_check(f.catalog, NULL, &s->scratch, note_check, k, err) : code;
    pls_catalog_close(f.catalog);
    return code;
}

static enum pls_code check_all(struct pls_session *s, struct checking *k, struct pls_err *err)
{
    char words[512];
    struct pls_text t = PLS_TEXT(words);
    enum pls_code code = PLS_OK;
    bool has_input = false;
    for (uint32_t i = 1; i < s->args->n_operands && code == PLS_OK; i++) {
        const char *operand = s->args->operands[i];
        if (pls_card_input_is(operand)) {
            has_input = true;
            code = check_input(s, operand, k, err);
        } else {
            pls_text_add(&t, "%s%s", t.len > 0 ? " " : "", operand);
        }
    }
    if (code != PLS_OK || (has_input && t.len == 0)) {
        return code;
    }
    if (t.truncated) {
        return pls_fail(err, PLS_USAGE, "catalog check: more than %zu bytes of words", sizeof(words) - 1);
    }
    code = pls_session_catalog(s, err);
    return code == PLS_OK
               ? pls_catalog_check(s->catalog, t.len > 0 ? words : NULL, &s->scratch, note_check, k, err)
               : code;
}

enum pls_code pls_catalog_verb_check(struct pls_session *s, struct pls_err *err)
{
    struct checking k = { .rows = NULL };
    enum pls_code code = check_all(s, &k, err);
    if (code == PLS_OK && k.out_of_memory) {
        code = pls_fail(err, PLS_NOMEM, "catalog check: out of memory");
    }
    code = code == PLS_OK ? pls_render_checks(stdout, s->output, k.rows, k.n, &s->screen, err) : code;
    free(k.rows);
    return code == PLS_OK && (k.has_mismatch || k.n == 0) ? PLS_NO : code;
}
