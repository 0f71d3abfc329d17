#include "cli/card_input.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CARD_FILE_MAX = 16 << 20, CARD_TEXT_MAX = 1 << 18 };

struct source {
    const char *name; /* for errors */
    const char *text;
    size_t len;
};

static enum pls_code parse(const struct source *from, pls_card_text_visit *visit, void *context,
                           struct pls_err *err)
{
    struct pls_err why = { 0 };
    enum pls_code code = pls_cards_parse(from->text, from->len, visit, context, &why);
    return code == PLS_OK ? PLS_OK : pls_fail(err, code, "%s: %s", from->name, why.text);
}

static enum pls_code read_stdin(pls_card_text_visit *visit, void *context, struct pls_err *err)
{
    static const char name[] = "standard input";
    char *text = malloc(CARD_FILE_MAX + 1);
    if (text == NULL) {
        return pls_fail(err, PLS_NOMEM, "%s: out of memory", name);
    }
    const struct source from = { name, text, fread(text, 1, CARD_FILE_MAX + 1, stdin) };
    enum pls_code code = PLS_OK;
    if (ferror(stdin) || from.len == 0) {
        code = pls_fail(err, PLS_IO, "%s: %s", name, ferror(stdin) ? strerror(errno) : "empty");
    } else if (from.len > CARD_FILE_MAX) {
        code = pls_fail(err, PLS_LIMIT, "%s: longer than %d bytes", name, CARD_FILE_MAX);
    } else {
        code = parse(&from, visit, context, err);
    }
    free(text);
    return code;
}

/* A model that does not say its name has that of its file, or of the folder of its config.json. */
static void name_by_path(struct pls_card *card, const char *path)
{
    char room[PLS_PATH_CAP];
    size_t len = strlen(path);
    static const char *const suffixes[] = { "/config.json", ".gguf", ".safetensors" };
    if (card->id[0] != '\0' || card->name[0] != '\0' || len >= sizeof(room)) {
        return;
    }
    PLS_COPY(room, path);
    for (size_t i = 0; i < PLS_COUNT_OF(suffixes); i++) {
        if (pls_text_ends(room, suffixes[i])) {
            room[len - strlen(suffixes[i])] = '\0';
            break;
        }
    }
    len = strlen(room);
    while (len > 0 && room[len - 1] == '/') {
        room[--len] = '\0';
    }
    const char *slash = strrchr(room, '/');
    const char *last = slash != NULL ? slash + 1 : room;
    if (last[strspn(last, ".")] != '\0' && !pls_text_equal(last, "config.json")) {
        PLS_COPY(card->name, last);
    }
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

static enum pls_code read_model(struct pls_session *s, const char *path, pls_card_text_visit *visit,
                                void *context, struct pls_err *err)
{
    size_t mark = s->arena.used;
    struct pls_model *model = PLS_TAKE(&s->arena, struct pls_model, 1);
    char *json = PLS_TAKE(&s->arena, char, CARD_TEXT_MAX);
    if (model == NULL || json == NULL) {
        return pls_fail(err, PLS_NOMEM, "%s: out of memory", path);
    }
    enum pls_code code = pls_file_read(path, &s->arena, model, NULL, err);
    if (code == PLS_OK) {
        name_by_path(&model->card, path);
        make_id(&model->card);
        code = model->card.id[0] != '\0'
                   ? pls_card_format(&model->card, json, CARD_TEXT_MAX, err)
                   : pls_fail(err, PLS_FORMAT, "%s: has no name to make an id of; write a card file instead",
                              path);
    }
    if (code == PLS_OK) {
        const struct source from = { path, json, strlen(json) };
        code = parse(&from, visit, context, err);
    }
    pls_arena_reset(&s->arena, mark);
    return code;
}

bool pls_card_input_is(const char *operand)
{
    return pls_text_equal(operand, "-") || strchr(operand, '/') != NULL || pls_text_ends(operand, ".json")
           || pls_text_ends(operand, ".gguf") || pls_file_kind(operand) != PLS_FILE_NONE;
}

enum pls_code pls_card_input(struct pls_session *s, const char *operand, pls_card_text_visit *visit,
                             void *context, struct pls_err *err)
{
    struct source from = { .name = operand };
    char *text = NULL;
    if (pls_text_equal(operand, "-")) {
        return read_stdin(visit, context, err);
    }
    enum pls_file_kind kind = pls_file_kind(operand);
    if (kind == PLS_FILE_NONE) {
        return pls_fail(err, PLS_IO, "%s: no such file", operand);
    }
    if (kind != PLS_FILE_CARD) {
        return read_model(s, operand, visit, context, err);
    }
    enum pls_code code = pls_slurp(operand, CARD_FILE_MAX, &text, &from.len, err);
    from.text = text;
    code = code == PLS_OK ? parse(&from, visit, context, err) : code;
    free(text);
    return code;
}
