/* Card files (plimsoll-card(5)): JSON to struct pls_card, strict. A key that means nothing is an error,
 * because a misspelt hyperparameter would otherwise be a wrong size without a word; a wrong type names card,
 * key and reason. */
#include <cjson/cJSON.h>
#include <stddef.h>
#include <string.h>

#include "gguf/card_parts.h"
#include "plimsoll/gguf.h"
#include "plimsoll/text.h"

enum field_kind { FIELD_U64, FIELD_U32, FIELD_F32, FIELD_FLAG };

struct field {
    const char *key;
    size_t offset;
    enum field_kind kind;
};

static const struct field fields[] = {
#define PLS_CARD_U64(field, key, note)  { key, offsetof(struct pls_card, field), FIELD_U64 },
#define PLS_CARD_U32(field, key, note)  { key, offsetof(struct pls_card, field), FIELD_U32 },
#define PLS_CARD_F32(field, key, note)  { key, offsetof(struct pls_card, field), FIELD_F32 },
#define PLS_CARD_FLAG(field, key, note) { key, offsetof(struct pls_card, field), FIELD_FLAG },
#include "plimsoll/card_fields.def"
};

enum pls_code pls_card_bad(const struct pls_card_reader *r, const char *key, const char *why)
{
    return pls_fail(r->err, PLS_FORMAT, "%s: %s: %s", r->id, key, why);
}

bool pls_card_count(const cJSON *item, uint64_t most, uint64_t *out)
{
    double value = cJSON_IsNumber(item) ? item->valuedouble : -1;
    /* 2^53: the last point to which a double counts without gaps, and more than any count here. */
    if (!(value >= 0 && value <= 9007199254740992.0)) {
        return false;
    }
    uint64_t whole = (uint64_t)value;
    bool is_whole = !((double)whole < value) && whole <= most;
    *out = is_whole ? whole : *out;
    return is_whole;
}

/* null and absent are the same: not known, or does not apply. */
static const cJSON *present(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNull(item) ? NULL : item;
}

static const cJSON *shape_item(const struct pls_card_reader *r, const char *key)
{
    const cJSON *item = present(r->shape, key);
    return item != NULL ? item : present(r->root, key);
}

/* One entry per trunk layer; the scalar keeps the widest. width: bytes of one element of `list`. */
static enum pls_code read_list(struct pls_card_reader *r, const struct field *f, const cJSON *item)
{
    struct pls_card *card = r->card;
    bool is_head = strcmp(f->key, "n_heads") == 0;
    bool is_head_kv = strcmp(f->key, "n_kv_heads") == 0;
    if (!is_head && !is_head_kv && strcmp(f->key, "intermediate_size") != 0) {
        return pls_card_bad(r, f->key, "a list is not allowed here");
    }
    uint64_t widest = 0;
    uint32_t n = 0;
    const cJSON *entry = NULL;
    cJSON_ArrayForEach(entry, item)
    {
        uint64_t value = 0;
        if (n >= PLS_MAX_LAYERS
            || !pls_card_count(entry, is_head || is_head_kv ? UINT16_MAX : UINT32_MAX, &value)) {
            return pls_card_bad(r, f->key,
                                n >= PLS_MAX_LAYERS ? "too many entries" : "an entry is not a whole number");
        }
        if (is_head || is_head_kv) {
            (is_head ? card->head : card->head_kv)[n] = (uint16_t)value;
        } else {
            card->ff[n] = (uint32_t)value;
        }
        widest = pls_max(widest, value);
        n++;
    }
    uint32_t scalar = (uint32_t)widest;
    memcpy((char *)card + f->offset, &scalar, sizeof(scalar));
    return n == card->n_layers ? PLS_OK : pls_card_bad(r, f->key, "needs one entry per layer");
}

static enum pls_code read_word(struct pls_card_reader *r, const struct field *f, const cJSON *item,
                               bool *is_word)
{
    enum pls_qk_norm norm = PLS_QK_NORM_NONE;
    enum pls_attn_gate gate = PLS_ATTN_GATE_NONE;
    const char *word = cJSON_GetStringValue(item);
    *is_word = true;
    if (strcmp(f->key, "qk_norm") == 0) {
        if (word == NULL || !pls_qk_norm_by_name(word, &norm)) {
            return pls_card_bad(r, f->key, "not one of none, per_head, full");
        }
        r->card->qk_norm = norm;
    } else if (strcmp(f->key, "attn_output_gate") == 0) {
        if (word == NULL || !pls_attn_gate_by_name(word, &gate)) {
            return pls_card_bad(r, f->key, "not one of none, per_head, per_element");
        }
        r->card->attn_gate = gate;
    } else {
        *is_word = false;
    }
    return PLS_OK;
}

static enum pls_code read_field(struct pls_card_reader *r, const struct field *f, const cJSON *item)
{
    char *at = (char *)r->card + f->offset;
    bool is_word = false;
    enum pls_code code = read_word(r, f, item, &is_word);
    if (code != PLS_OK || is_word) {
        return code;
    }
    if (cJSON_IsArray(item)) {
        return read_list(r, f, item);
    }
    if (f->kind == FIELD_FLAG) {
        bool flag = cJSON_IsTrue(item) != 0;
        memcpy(at, &flag, sizeof(flag));
        return cJSON_IsBool(item) ? PLS_OK : pls_card_bad(r, f->key, "not true or false");
    }
    if (!cJSON_IsNumber(item)) {
        return pls_card_bad(r, f->key, "not a number");
    }
    if (f->kind == FIELD_F32) {
        float real = (float)item->valuedouble;
        memcpy(at, &real, sizeof(real));
        return PLS_OK;
    }
    uint64_t value = 0;
    if (!pls_card_count(item, f->kind == FIELD_U32 ? UINT32_MAX : UINT64_MAX, &value)) {
        return pls_card_bad(r, f->key, "not a whole number in range");
    }
    uint32_t narrow = (uint32_t)value;
    memcpy(at, f->kind == FIELD_U32 ? (const void *)&narrow : (const void *)&value,
           f->kind == FIELD_U32 ? sizeof(narrow) : sizeof(value));
    return PLS_OK;
}

static enum pls_code read_fields(struct pls_card_reader *r)
{
    /* n_layers first: the length of every list is held against it. */
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < PLS_COUNT_OF(fields); i++) {
            const cJSON *item = shape_item(r, fields[i].key);
            bool is_layers = strcmp(fields[i].key, "n_layers") == 0;
            if (item == NULL || is_layers != (pass == 0)) {
                continue;
            }
            enum pls_code code = read_field(r, &fields[i], item);
            if (code != PLS_OK) {
                return code;
            }
        }
    }
    return r->card->n_layers > 0 ? PLS_OK : pls_card_bad(r, "n_layers", "missing or 0");
}

static enum pls_code read_kinds(struct pls_card_reader *r)
{
    const cJSON *item = shape_item(r, "layer_kinds");
    const char *kinds = cJSON_GetStringValue(item);
    if (item == NULL) {
        return PLS_OK;
    }
    if (kinds == NULL || kinds[strspn(kinds, "FSGKLMmCPDENV")] != '\0') {
        return pls_card_bad(r, "layer_kinds", "not a word of the letters FSGKLMmCPDENV");
    }
    if (strlen(kinds) != r->card->n_layers || strlen(kinds) > PLS_MAX_LAYERS) {
        return pls_card_bad(r, "layer_kinds", "needs one letter per layer");
    }
    memcpy(r->card->kind, kinds, strlen(kinds) + 1);
    return PLS_OK;
}

static enum pls_code read_layer_bytes(struct pls_card_reader *r)
{
    const cJSON *ratios = shape_item(r, "compress_ratios");
    const cJSON *indexed = shape_item(r, "indexer_layers");
    const cJSON *entry = NULL;
    uint32_t n = 0;
    uint64_t value = 0;
    cJSON_ArrayForEach(entry, ratios)
    {
        if (n >= r->card->n_layers || n >= PLS_MAX_LAYERS || !pls_card_count(entry, UINT8_MAX, &value)) {
            return pls_card_bad(r, "compress_ratios", "needs one number up to 255 per layer");
        }
        r->card->compress[n++] = (uint8_t)value;
    }
    if (ratios != NULL && (n != r->card->n_layers || !cJSON_IsArray(ratios))) {
        return pls_card_bad(r, "compress_ratios", "needs one number up to 255 per layer");
    }
    cJSON_ArrayForEach(entry, indexed)
    {
        if (!pls_card_count(entry, PLS_MAX_LAYERS - 1, &value) || value >= r->card->n_layers) {
            return pls_card_bad(r, "indexer_layers", "an entry is not a layer");
        }
        r->card->indexer[value] = 1;
    }
    return indexed == NULL || cJSON_IsArray(indexed) ? PLS_OK
                                                     : pls_card_bad(r, "indexer_layers", "not a list");
}

bool pls_card_is_field(const char *key)
{
    static const char *const lists[] = { "layer_kinds", "compress_ratios", "indexer_layers" };
    for (size_t i = 0; i < PLS_COUNT_OF(fields); i++) {
        if (strcmp(fields[i].key, key) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < PLS_COUNT_OF(lists); i++) {
        if (strcmp(lists[i], key) == 0) {
            return true;
        }
    }
    return false;
}

static enum pls_code read_card(const cJSON *root, const char *family, struct pls_card *out,
                               struct pls_err *err)
{
    memset(out, 0, sizeof(*out));
    out->source = PLS_SOURCE_CARD;
    struct pls_card_reader r = {
        .card = out, .root = root, .shape = present(root, "shape"), .id = "card", .err = err
    };
    enum pls_code code = pls_card_read_identity(&r, family);
    code = code == PLS_OK ? pls_card_check_keys(&r) : code;
    code = code == PLS_OK ? pls_card_check_evidence(&r) : code;
    code = code == PLS_OK ? read_fields(&r) : code;
    code = code == PLS_OK ? read_kinds(&r) : code;
    code = code == PLS_OK ? read_layer_bytes(&r) : code;
    if (code != PLS_OK) {
        return code;
    }
    struct pls_err why = { 0 };
    code = pls_card_complete(out, &why);
    return code == PLS_OK ? PLS_OK : pls_fail(err, code, "%s: %s", out->id, why.text);
}

/* A NUL, bare or as \u0000, would end a text early for one reader and not for another. */
static bool holds_nul(const char *json, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool is_escape = json[i] == '\\' && len - i >= 6 && strncmp(json + i + 1, "u0000", 5) == 0;
        if (json[i] == '\0' || is_escape) {
            return true;
        }
        i += json[i] == '\\' ? 1 : 0; /* what a backslash stands before begins nothing */
    }
    return false;
}

/* NULL, with the sentence in err, unless text is one JSON value with nothing behind it. */
static cJSON *parse_text(const char *json, size_t len, struct pls_err *err)
{
    const char *end = NULL;
    cJSON *root =
        json != NULL && len <= PLS_JSON_MAX_BYTES ? cJSON_ParseWithLengthOpts(json, len, &end, 0) : NULL;
    size_t used = root == NULL ? 0 : (size_t)(end - json);
    if (holds_nul(json, used)) {
        cJSON_Delete(root);
        pls_fail(err, PLS_FORMAT, "holds a NUL character");
        return NULL;
    }
    while (root != NULL && used < len && strchr(" \t\r\n", json[used]) != NULL) {
        used++; /* strchr also finds the NUL that may end the buffer */
    }
    if (root == NULL || used < len || !cJSON_IsObject(root)) {
        cJSON_Delete(root);
        pls_fail(err, len > PLS_JSON_MAX_BYTES ? PLS_LIMIT : PLS_FORMAT, "%s",
                 len > PLS_JSON_MAX_BYTES ? "larger than any card file" : "not a JSON object");
        return NULL;
    }
    return root;
}

/* The list of cards in a card file, or NULL when root is a card itself. */
static enum pls_code find_cards(const cJSON *root, const cJSON **cards, struct pls_err *err)
{
    const char *schema = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "schema"));
    *cards = cJSON_GetObjectItemCaseSensitive(root, "cards");
    if (schema != NULL && strcmp(schema, "plimsoll.cards/1") != 0) {
        return pls_fail(err, PLS_UNSUPPORTED, "schema: \"%.60s\" is not plimsoll.cards/1", schema);
    }
    if (*cards != NULL && (!cJSON_IsArray(*cards) || schema == NULL)) {
        return pls_fail(err, PLS_FORMAT, schema == NULL ? "schema: missing" : "cards: not a list");
    }
    if (*cards == NULL && cJSON_GetObjectItemCaseSensitive(root, "id") == NULL) {
        return pls_fail(err, PLS_FORMAT, "holds neither \"cards\" nor a card with an \"id\"");
    }
    return PLS_OK;
}

enum pls_code pls_card_parse(const char *json, size_t len, struct pls_card *out, struct pls_err *err)
{
    cJSON *root = parse_text(json, len, err);
    if (root == NULL) {
        return len > PLS_JSON_MAX_BYTES ? PLS_LIMIT : PLS_FORMAT;
    }
    const cJSON *cards = NULL;
    const char *family = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "family"));
    enum pls_code code = find_cards(root, &cards, err);
    if (code == PLS_OK && cards != NULL && cJSON_GetArraySize(cards) != 1) {
        code = pls_fail(err, PLS_FORMAT, "holds %d cards where one is wanted", cJSON_GetArraySize(cards));
    }
    if (code == PLS_OK) {
        code = read_card(cards == NULL ? root : cards->child, family, out, err);
    }
    cJSON_Delete(root);
    return code;
}

static enum pls_code visit_card(cJSON *item, const char *family, pls_card_text_visit *visit, void *context)
{
    struct pls_card card;
    enum pls_code code = read_card(item, family, &card, NULL);
    if (code != PLS_OK) {
        return code;
    }
    if (family != NULL && cJSON_GetObjectItemCaseSensitive(item, "family") == NULL) {
        cJSON_AddStringToObject(item, "family", family);
    }
    char *text = cJSON_PrintUnformatted(item);
    if (text == NULL) {
        return PLS_NOMEM;
    }
    bool go_on = visit(&card, text, context);
    cJSON_free(text);
    return go_on ? PLS_OK : PLS_NO;
}

enum pls_code pls_cards_parse(const char *json, size_t len, pls_card_text_visit *visit, void *context,
                              struct pls_err *err)
{
    cJSON *root = parse_text(json, len, err);
    if (root == NULL) {
        return len > PLS_JSON_MAX_BYTES ? PLS_LIMIT : PLS_FORMAT;
    }
    const cJSON *cards = NULL;
    const char *family = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "family"));
    enum pls_code code = find_cards(root, &cards, err);
    cJSON *first = cards == NULL ? root : cards->child;
    struct pls_card card;
    for (cJSON *item = first; code == PLS_OK && item != NULL; item = item->next) {
        code = read_card(item, family, &card, err);
    }
    bool is_sound = code == PLS_OK;
    for (cJSON *item = first; code == PLS_OK && item != NULL; item = item->next) {
        code = visit_card(item, family, visit, context);
    }
    cJSON_Delete(root);
    code = is_sound && code == PLS_NO ? PLS_OK : code; /* the visitor had enough */
    return code == PLS_NOMEM ? pls_fail(err, code, "out of memory") : code;
}
