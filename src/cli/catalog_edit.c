/* catalog add|remove|export|check: the user's own cards, and every card against what was published. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"

enum { CARD_FILE_MAX = 16 << 20, CARD_TEXT_MAX = 1 << 18 };

/* ---- add -------------------------------------------------------------------------------------------------------- */

struct adding {
    struct pls_session *s;
    struct pls_err *err;
    enum pls_code code;
};

static bool add_card(const struct pls_card *card, const char *json, void *context)
{
    struct adding *a = context;
    a->code = pls_catalog_insert(a->s->catalog, card, json, a->err);
    if (a->code == PLS_OK) {
        printf("%s\n", card->id);
    }
    return a->code == PLS_OK;
}

static enum pls_code add_text(struct pls_session *s, const char *name, const char *text, size_t len, struct pls_err *err)
{
    struct adding a = { s, err, PLS_OK };
    struct pls_err why = { 0 };
    enum pls_code code = pls_cards_parse(text, len, add_card, &a, &why);
    return code == PLS_OK ? a.code : pls_fail(err, code, "%s: %s", name, why.text);
}

static enum pls_code add_stdin(struct pls_session *s, struct pls_err *err)
{
    char *text = malloc(CARD_FILE_MAX + 1);
    if (text == NULL) {
        return pls_fail(err, PLS_NOMEM, "catalog add: out of memory");
    }
    size_t len = fread(text, 1, CARD_FILE_MAX + 1, stdin);
    enum pls_code code = PLS_OK;
    if (ferror(stdin) || len == 0) {
        code = pls_fail(err, PLS_IO, "standard input: %s", ferror(stdin) ? strerror(errno) : "empty");
    } else if (len > CARD_FILE_MAX) {
        code = pls_fail(err, PLS_LIMIT, "standard input: longer than %d bytes", CARD_FILE_MAX);
    } else {
        code = add_text(s, "standard input", text, len, err);
    }
    free(text);
    return code;
}

/* "Qwen3-8B Custom" to "qwen3-8b-custom": what an id may hold. */
static void make_id(struct pls_card *card)
{
    char from[sizeof(card->name)];
    size_t n = 0;
    PLS_COPY(from, card->id[0] != '\0' ? card->id : card->name);
    pls_text_lower(from);
    for (const char *s = from; *s != '\0' && n + 1 < sizeof(card->id); s++) {
        bool allowed = (*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9') || *s == '.' || *s == '_';
        if (allowed || (n > 0 && card->id[n - 1] != '-')) {
            card->id[n++] = allowed ? *s : '-';
        }
    }
    card->id[n] = '\0';
}

/* A model file or folder: its shape becomes a card. */
static enum pls_code add_model(struct pls_session *s, const char *path, struct pls_err *err)
{
    struct pls_model *model = PLS_TAKE(&s->arena, struct pls_model, 1);
    char *json = PLS_TAKE(&s->arena, char, CARD_TEXT_MAX);
    if (model == NULL || json == NULL) {
        return pls_fail(err, PLS_NOMEM, "catalog add: out of memory");
    }
    enum pls_code code = pls_file_read(path, &s->arena, model, NULL, err);
    if (code != PLS_OK) {
        return code;
    }
    make_id(&model->card);
    if (model->card.id[0] == '\0') {
        return pls_fail(err, PLS_FORMAT, "%s: has no name to make an id of; write a card file instead", path);
    }
    code = pls_card_format(&model->card, json, CARD_TEXT_MAX, err);
    return code == PLS_OK ? add_text(s, path, json, strlen(json), err) : code;
}

static enum pls_code add_path(struct pls_session *s, const char *path, struct pls_err *err)
{
    char *text = NULL;
    size_t len = 0;
    if (pls_text_equal(path, "-")) {
        return add_stdin(s, err);
    }
    if (pls_file_kind(path) != PLS_FILE_CARD) {
        return add_model(s, path, err);
    }
    enum pls_code code = pls_slurp(path, CARD_FILE_MAX, &text, &len, err);
    code = code == PLS_OK ? add_text(s, path, text, len, err) : code;
    free(text);
    return code;
}

static enum pls_code flush_out(enum pls_code code, struct pls_err *err)
{
    return fflush(stdout) != 0 && code == PLS_OK ? pls_fail(err, PLS_IO, "output: %s", strerror(errno)) : code;
}

enum pls_code pls_catalog_verb_add(struct pls_session *s, struct pls_err *err)
{
    enum pls_code code = PLS_OK;
    if (s->args->n_operands < 2) {
        return pls_fail(err, PLS_USAGE, "catalog add: needs a card file, a model file or folder, or - for standard input");
    }
    for (uint32_t i = 1; i < s->args->n_operands && code == PLS_OK; i++) {
        code = add_path(s, s->args->operands[i], err);
    }
    return flush_out(code, err);
}

/* ---- remove and export ------------------------------------------------------------------------------------------ */

enum pls_code pls_catalog_verb_remove(struct pls_session *s, struct pls_err *err)
{
    enum pls_code code = PLS_OK;
    if (s->args->n_operands < 2) {
        return pls_fail(err, PLS_USAGE, "catalog remove: needs the id of a card of your own");
    }
    for (uint32_t i = 1; i < s->args->n_operands && code == PLS_OK; i++) {
        code = pls_catalog_remove(s->catalog, s->args->operands[i], err);
    }
    return code;
}

struct exporting {
    FILE *to;
    uint32_t n;
};

static bool export_card(const char *id, const char *json, void *context)
{
    struct exporting *e = context;
    (void)id;
    return fprintf(e->to, "%s%s", e->n++ > 0 ? ",\n" : "", json) >= 0;
}

/* A card file that `catalog add` takes back. */
enum pls_code pls_catalog_verb_export(struct pls_session *s, struct pls_err *err)
{
    struct exporting e = { stdout, 0 };
    if (s->args->n_operands > 1) {
        return pls_fail(err, PLS_USAGE, "catalog export: takes no argument (--all adds the shipped cards)");
    }
    printf("{\"schema\":\"plimsoll.cards/1\",\"cards\":[\n");
    enum pls_code code = pls_catalog_export(s->catalog, pls_args_has(s->args, PLS_OPT_ALL), export_card, &e, err);
    printf("\n]}\n");
    return flush_out(code, err);
}

/* ---- check ------------------------------------------------------------------------------------------------------ */

struct checking {
    struct pls_check_row *rows;
    uint32_t n, cap;
    bool failed, out_of_memory;
};

static bool note_check(const struct pls_check *c, void *context)
{
    static const char *const words[] = { "ok", "mismatch", "no reference", "no tensor list" };
    struct checking *k = context;
    if (k->n == k->cap) {
        uint32_t cap = k->cap > 0 ? 2 * k->cap : 512;
        struct pls_check_row *more = realloc(k->rows, cap * sizeof(*more));
        k->out_of_memory = more == NULL;
        if (k->out_of_memory) {
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
    k->failed = k->failed || c->status == PLS_CHECK_MISMATCH;
    return true;
}

enum pls_code pls_catalog_verb_check(struct pls_session *s, struct pls_err *err)
{
    struct checking k = { .rows = NULL };
    char words[512];
    struct pls_text t = PLS_TEXT(words);
    for (uint32_t i = 1; i < s->args->n_operands; i++) {
        pls_text_add(&t, "%s%s", i > 1 ? " " : "", s->args->operands[i]);
    }
    enum pls_code code = pls_catalog_check(s->catalog, t.len > 0 ? words : NULL, &s->scratch, note_check, &k, err);
    if (code == PLS_OK && k.out_of_memory) {
        code = pls_fail(err, PLS_NOMEM, "catalog check: out of memory");
    }
    code = code == PLS_OK ? pls_render_checks(stdout, s->output, k.rows, k.n, &s->screen, err) : code;
    free(k.rows);
    return code == PLS_OK && k.failed ? PLS_NO : code;
}
