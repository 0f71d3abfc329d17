/* A card as a row of models and back. Columns follow card_fields.def, so that struct, card file and table
 * cannot differ. What varies by layer is stored as value x count ("64x6,0x2"), or not at all where one scalar
 * says it. */
#include <string.h>

#include "catalog/db.h"

#define PLS_CARD_U64(field, key, note)  ", " key
#define PLS_CARD_U32(field, key, note)  ", " key
#define PLS_CARD_F32(field, key, note)  ", " key
#define PLS_CARD_FLAG(field, key, note) ", " key
static const char columns[] =
    "id, name, family, org, arch, license, hf_repo, gguf_repo, ollama_tag, held, release, use_cases,"
    " modalities, task_bits, modality_bits, native_type, evidence"
#include "plimsoll/card_fields.def"
    ", layer_kinds, n_heads_list, n_kv_heads_list, intermediate_size_list, compress_ratios_list,"
    " indexer_list";

const char *pls_db_columns(void)
{
    return columns;
}

uint32_t pls_db_column_count(void)
{
    uint32_t n = 1;
    for (const char *s = columns; *s != '\0'; s++) {
        n += *s == ',';
    }
    return n;
}

/* Values by index, whatever their width. */
typedef uint32_t layer_value(const struct pls_card *card, uint32_t layer);

static uint32_t value_head(const struct pls_card *card, uint32_t layer)
{
    return card->head[layer];
}
static uint32_t value_head_kv(const struct pls_card *card, uint32_t layer)
{
    return card->head_kv[layer];
}
static uint32_t value_ff(const struct pls_card *card, uint32_t layer)
{
    return card->ff[layer];
}
static uint32_t value_compress(const struct pls_card *card, uint32_t layer)
{
    return card->compress[layer];
}
static uint32_t value_indexer(const struct pls_card *card, uint32_t layer)
{
    return card->indexer[layer];
}

/* "8x40,0x2"; empty when every layer has the value `usual`. */
static void list_write(struct pls_text *out, const struct pls_card *card, layer_value *value, uint32_t usual)
{
    uint32_t n = card->n_layers + card->n_mtp_layers;
    bool is_usual = true;
    for (uint32_t i = 0; i < n && i < PLS_MAX_LAYERS; i++) {
        is_usual = is_usual && value(card, i) == usual;
    }
    uint32_t i = 0;
    while (!is_usual && i < n && i < PLS_MAX_LAYERS) {
        uint32_t run = 1;
        while (i + run < n && i + run < PLS_MAX_LAYERS && value(card, i + run) == value(card, i)) {
            run++;
        }
        pls_text_add(out, "%s%ux%u", i == 0 ? "" : ",", value(card, i), run);
        i += run;
    }
}

static bool number(const char **at, uint32_t *out)
{
    uint64_t value = 0;
    const char *s = *at;
    for (; *s >= '0' && *s <= '9' && value <= UINT32_MAX; s++) {
        value = value * 10 + (uint64_t)(*s - '0');
    }
    bool any = s != *at && value <= UINT32_MAX;
    *at = s;
    *out = (uint32_t)value;
    return any;
}

/* Spreads a list over out[PLS_MAX_LAYERS]; false when the text is not one. */
static bool list_read(const char *text, uint32_t *out)
{
    uint32_t n = 0;
    while (*text != '\0') {
        uint32_t value = 0;
        uint32_t run = 0;
        if (!number(&text, &value) || *text++ != 'x' || !number(&text, &run) || run > PLS_MAX_LAYERS - n) {
            return false;
        }
        for (uint32_t k = 0; k < run; k++) {
            out[n++] = value;
        }
        if (*text == ',') {
            text++;
        } else if (*text != '\0') {
            return false;
        }
    }
    return true;
}

static void bind_text(sqlite3_stmt *stmt, int at, const char *text)
{
    if (text[0] == '\0') {
        sqlite3_bind_null(stmt, at);
    } else {
        sqlite3_bind_text(stmt, at, text, -1, SQLITE_TRANSIENT);
    }
}

static void bind_count(sqlite3_stmt *stmt, int at, uint64_t count)
{
    if (count == 0) {
        sqlite3_bind_null(stmt, at);
    } else {
        sqlite3_bind_int64(stmt, at, (int64_t)count);
    }
}

static void bind_list(sqlite3_stmt *stmt, int at, const struct pls_card *card, layer_value *value,
                      uint32_t usual)
{
    char room[PLS_MAX_LAYERS * 16];
    struct pls_text text = PLS_TEXT(room);
    list_write(&text, card, value, usual);
    bind_text(stmt, at, room);
}

static void bind_words(sqlite3_stmt *stmt, int at, const struct pls_card *card)
{
    static const char *const modality[] = { "text", "image", "audio", "video" };
    char room[160];
    struct pls_text tasks = PLS_TEXT(room);
    for (unsigned i = 0; i < PLS_TASK_COUNT; i++) {
        if (card->tasks >> i & 1U) {
            pls_text_add(&tasks, "%s%s", tasks.len > 0 ? " " : "", pls_task_name((enum pls_task)i));
        }
    }
    sqlite3_bind_text(stmt, at, room, -1, SQLITE_TRANSIENT);
    struct pls_text modalities = PLS_TEXT(room);
    for (unsigned i = 0; i < PLS_COUNT_OF(modality); i++) {
        if (card->modalities >> i & 1U) {
            pls_text_add(&modalities, "%s%s", modalities.len > 0 ? " " : "", modality[i]);
        }
    }
    sqlite3_bind_text(stmt, at + 1, room, -1, SQLITE_TRANSIENT);
}

void pls_db_card_bind(sqlite3_stmt *stmt, const struct pls_card *card)
{
    const char *const needed[] = { card->id, card->name, card->family, card->org, card->arch };
    const char *const optional[] = { card->license, card->hf_repo, card->gguf_repo, card->ollama_tag };
    int at = 1;
    for (size_t i = 0; i < PLS_COUNT_OF(needed); i++) {
        sqlite3_bind_text(stmt, at++, needed[i], -1, SQLITE_TRANSIENT);
    }
    for (size_t i = 0; i < PLS_COUNT_OF(optional); i++) {
        bind_text(stmt, at++, optional[i]);
    }
    bind_count(stmt, at++, card->held);
    bind_count(stmt, at++, card->release);
    bind_words(stmt, at, card);
    at += 2;
    sqlite3_bind_int64(stmt, at++, card->tasks);
    sqlite3_bind_int64(stmt, at++, card->modalities);
    if (card->native != PLS_TYPE_NONE) {
        sqlite3_bind_int(stmt, at, (int)card->native);
    }
    at++;
    sqlite3_bind_int(stmt, at++, (int)card->evidence);
#define PLS_CARD_U64(field, key, note)  bind_count(stmt, at++, card->field);
#define PLS_CARD_U32(field, key, note)  bind_count(stmt, at++, card->field);
#define PLS_CARD_F32(field, key, note)  sqlite3_bind_double(stmt, at++, (double)card->field);
#define PLS_CARD_FLAG(field, key, note) sqlite3_bind_int(stmt, at++, card->field);
#include "plimsoll/card_fields.def"
    bind_text(stmt, at++, card->kind);
    bind_list(stmt, at++, card, value_head, card->n_head);
    bind_list(stmt, at++, card, value_head_kv, card->n_head_kv);
    bind_list(stmt, at++, card, value_ff, card->n_ff);
    bind_list(stmt, at++, card, value_compress, 0);
    bind_list(stmt, at++, card, value_indexer, 0);
}

static void copy_column(sqlite3_stmt *stmt, int at, char *room, size_t cap)
{
    const char *text = (const char *)sqlite3_column_text(stmt, at);
    if (text != NULL) {
        pls_copy(room, cap, text);
    }
}

static bool read_lists(sqlite3_stmt *stmt, int at, struct pls_card *card)
{
    for (int list = 0; list < 5; list++) {
        const char *text = (const char *)sqlite3_column_text(stmt, at + list);
        uint32_t value[PLS_MAX_LAYERS] = { 0 };
        if (text == NULL) {
            continue;
        }
        if (!list_read(text, value)) {
            return false;
        }
        for (uint32_t i = 0; i < PLS_MAX_LAYERS; i++) {
            switch (list) {
            case 0:
                card->head[i] = (uint16_t)value[i];
                break;
            case 1:
                card->head_kv[i] = (uint16_t)value[i];
                break;
            case 2:
                card->ff[i] = value[i];
                break;
            case 3:
                card->compress[i] = (uint8_t)value[i];
                break;
            default:
                card->indexer[i] = (uint8_t)value[i];
                break;
            }
        }
    }
    return true;
}

bool pls_db_card_read(sqlite3_stmt *stmt, struct pls_card *out)
{
    memset(out, 0, sizeof(*out));
    int at = 0;
    const struct {
        char *room;
        size_t cap;
    } text[] = {
        { out->id, sizeof(out->id) },
        { out->name, sizeof(out->name) },
        { out->family, sizeof(out->family) },
        { out->org, sizeof(out->org) },
        { out->arch, sizeof(out->arch) },
        { out->license, sizeof(out->license) },
        { out->hf_repo, sizeof(out->hf_repo) },
        { out->gguf_repo, sizeof(out->gguf_repo) },
        { out->ollama_tag, sizeof(out->ollama_tag) },
    };
    for (size_t i = 0; i < PLS_COUNT_OF(text); i++) {
        copy_column(stmt, at++, text[i].room, text[i].cap);
    }
    out->held = (uint64_t)sqlite3_column_int64(stmt, at++);
    out->release = (uint32_t)sqlite3_column_int64(stmt, at++);
    at += 2; /* the words: the bits say the same */
    out->tasks = (uint32_t)sqlite3_column_int64(stmt, at++);
    out->modalities = (uint32_t)sqlite3_column_int64(stmt, at++);
    bool has_native = sqlite3_column_type(stmt, at) != SQLITE_NULL;
    out->native = has_native ? (enum pls_type)sqlite3_column_int(stmt, at) : PLS_TYPE_NONE;
    at++;
    out->evidence = (enum pls_evidence)sqlite3_column_int(stmt, at++);
#define PLS_CARD_U64(field, key, note)  out->field = (uint64_t)sqlite3_column_int64(stmt, at++);
#define PLS_CARD_U32(field, key, note)  out->field = (uint32_t)sqlite3_column_int64(stmt, at++);
#define PLS_CARD_F32(field, key, note)  out->field = (float)sqlite3_column_double(stmt, at++);
#define PLS_CARD_FLAG(field, key, note) out->field = sqlite3_column_int(stmt, at++) != 0;
#include "plimsoll/card_fields.def"
    copy_column(stmt, at++, out->kind, sizeof(out->kind));
    out->source = PLS_SOURCE_CATALOG;
    return read_lists(stmt, at, out) && pls_card_complete(out, NULL) == PLS_OK;
}
