/* catalog add|remove|export: the user's own cards. Each is whole or nothing: the database is changed in one
 * transaction, and what is printed is printed after the last thing that can fail. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/card_input.h"
#include "cli/command.h"

enum { CARD_TEXT_MAX = 1 << 18 };

/* Text for standard output that waits until all is well. */
struct draft {
    FILE *to;
    char *text;
    size_t len;
};

static enum pls_code draft_begin(struct draft *d, struct pls_err *err)
{
    d->to = open_memstream(&d->text, &d->len);
    return d->to != NULL ? PLS_OK : pls_fail(err, PLS_NOMEM, "output: out of memory");
}

static enum pls_code draft_end(struct draft *d, enum pls_code code, struct pls_err *err)
{
    bool is_whole = !ferror(d->to);
    is_whole = fclose(d->to) == 0 && is_whole;
    if (code == PLS_OK && !is_whole) {
        code = pls_fail(err, PLS_NOMEM, "output: out of memory");
    }
    if (code == PLS_OK && (fwrite(d->text, 1, d->len, stdout) != d->len || fflush(stdout) != 0)) {
        code = pls_fail(err, PLS_IO, "output: %s", strerror(errno));
    }
    free(d->text);
    return code;
}

/* What reads goes on without a damaged database of the user's; what changes or copies it stops. */
static enum pls_code open_own(struct pls_session *s, struct pls_err *err)
{
    enum pls_code code = pls_session_open(s, err);
    return code == PLS_OK ? pls_catalog_own(s->catalog, err) : code;
}

/* ---- add ---- */

struct adding {
    struct pls_session *s;
    FILE *to;
    enum pls_code code;
    struct pls_err *err;
};

static bool add_card(const struct pls_card *card, const char *json, void *context)
{
    struct adding *a = context;
    a->code = pls_catalog_insert(a->s->catalog, card, json, a->err);
    if (a->code == PLS_OK) {
        fprintf(a->to, "%s\n", card->id);
    }
    return a->code == PLS_OK;
}

static enum pls_code add_all(struct pls_session *s, FILE *to, struct pls_err *err)
{
    struct adding a = { s, to, PLS_OK, err };
    enum pls_code code = PLS_OK;
    pls_catalog_begin(s->catalog);
    for (uint32_t i = 1; i < s->args->n_operands && code == PLS_OK; i++) {
        code = pls_card_input(s, s->args->operands[i], add_card, &a, err);
        code = code == PLS_OK ? a.code : code;
    }
    return pls_catalog_end(s->catalog, code, err);
}

enum pls_code pls_catalog_verb_add(struct pls_session *s, struct pls_err *err)
{
    struct draft d;
    if (s->args->n_operands < 2) {
        return pls_fail(err, PLS_USAGE,
                        "catalog add: needs a card file, a model file or folder, or - for standard input");
    }
    enum pls_code code = open_own(s, err);
    code = code == PLS_OK ? draft_begin(&d, err) : code;
    return code == PLS_OK ? draft_end(&d, add_all(s, d.to, err), err) : code;
}

/* ---- remove ---- */

static enum pls_code remove_all(struct pls_session *s, FILE *to, struct pls_err *err)
{
    enum pls_code code = PLS_OK;
    pls_catalog_begin(s->catalog);
    for (uint32_t i = 1; i < s->args->n_operands && code == PLS_OK; i++) {
        code = pls_catalog_remove(s->catalog, s->args->operands[i], err);
        fprintf(to, "%s\n", s->args->operands[i]);
    }
    return pls_catalog_end(s->catalog, code, err);
}

enum pls_code pls_catalog_verb_remove(struct pls_session *s, struct pls_err *err)
{
    struct draft d;
    if (s->args->n_operands < 2) {
        return pls_fail(err, PLS_USAGE, "catalog remove: needs the id of a card of your own");
    }
    enum pls_code code = open_own(s, err);
    code = code == PLS_OK ? draft_begin(&d, err) : code;
    return code == PLS_OK ? draft_end(&d, remove_all(s, d.to, err), err) : code;
}

/* ---- export ---- */

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

static enum pls_code export_named(struct pls_session *s, struct exporting *e, struct pls_err *err)
{
    struct pls_card card;
    char *json = PLS_TAKE(&s->arena, char, CARD_TEXT_MAX);
    enum pls_code code = json != NULL ? PLS_OK : pls_fail(err, PLS_NOMEM, "catalog export: out of memory");
    for (uint32_t i = 1; i < s->args->n_operands && code == PLS_OK; i++) {
        code = pls_catalog_resolve(s->catalog, s->args->operands[i], &card, err);
        code = code == PLS_OK ? pls_catalog_json(s->catalog, card.id, json, CARD_TEXT_MAX, err) : code;
        if (code == PLS_OK) {
            export_card(card.id, json, e);
        }
    }
    return code;
}

static enum pls_code export_cards(struct pls_session *s, struct exporting *e, struct pls_err *err)
{
    bool all = pls_args_has(s->args, PLS_OPT_ALL);
    fprintf(e->to, "{\"schema\":\"plimsoll.cards/1\",\"cards\":[\n");
    enum pls_code code = s->args->n_operands > 1 ? export_named(s, e, err)
                                                 : pls_catalog_export(s->catalog, all, export_card, e, err);
    fprintf(e->to, "\n]}\n");
    return code;
}

/* A card file that `catalog add` takes back: the cards named, or all of the user's own. */
enum pls_code pls_catalog_verb_export(struct pls_session *s, struct pls_err *err)
{
    struct draft d;
    if (s->args->n_operands > 1 && pls_args_has(s->args, PLS_OPT_ALL)) {
        return pls_fail(err, PLS_USAGE, "catalog export: either --all or names");
    }
    enum pls_code code = open_own(s, err);
    code = code == PLS_OK ? draft_begin(&d, err) : code;
    if (code != PLS_OK) {
        return code;
    }
    struct exporting e = { d.to, 0 };
    code = draft_end(&d, export_cards(s, &e, err), err);
    return code == PLS_OK && e.n == 0 ? PLS_NO : code;
}
