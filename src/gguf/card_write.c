/* A card as text: the inverse of card_json.c, from the same list of fields. */
#include <string.h>

#include "plimsoll/gguf.h"
#include "plimsoll/text.h"

/* A JSON string. What JSON cannot hold as it is (controls, quotes) is escaped; invalid UTF-8 becomes '?',
 * because a card's names may come from a file's header. */
static void put_string(struct pls_text *t, const char *text)
{
    pls_text_put(t, "\"", 1);
    for (const unsigned char *s = (const unsigned char *)text; *s != '\0'; s++) {
        size_t len = *s < 0x80 ? 1 : *s >= 0xF0 ? 4 : *s >= 0xE0 ? 3 : *s >= 0xC2 ? 2 : 0;
        for (size_t i = 1; i < len; i++) {
            len = (s[i] & 0xC0) == 0x80 ? len : 0;
        }
        if (*s < 0x20 || *s == '"' || *s == '\\' || *s == 0x7F) {
            pls_text_add(t, "\\u%04x", *s);
        } else if (len == 0 || *s > 0xF4) {
            pls_text_put(t, "?", 1);
        } else {
            pls_text_put(t, (const char *)s, len);
            s += len - 1;
        }
    }
    pls_text_put(t, "\"", 1);
}

static void put_text(struct pls_text *t, const char *key, const char *text)
{
    if (text[0] != '\0') {
        pls_text_add(t, ", \"%s\": ", key);
        put_string(t, text);
    }
}

static void put_count(struct pls_text *t, const char *key, uint64_t count)
{
    if (count != 0) {
        pls_text_add(t, ", \"%s\": %llu", key, (unsigned long long)count);
    }
}

static void put_number(struct pls_text *t, const char *key, uint64_t count)
{
    if (strcmp(key, "qk_norm") == 0) {
        put_text(t, key, count == 0 ? "" : pls_qk_norm_name((enum pls_qk_norm)count));
    } else if (strcmp(key, "attn_output_gate") == 0) {
        put_text(t, key, count == 0 ? "" : pls_attn_gate_name((enum pls_attn_gate)count));
    } else {
        put_count(t, key, count);
    }
}

static void put_flag(struct pls_text *t, const char *key, bool flag)
{
    if (flag) {
        pls_text_add(t, ", \"%s\": true", key);
    }
}

static void put_words(struct pls_text *t, const struct pls_card *card)
{
    static const char *const modality[] = { "text", "image", "audio", "video" };
    const char *between = "";
    pls_text_add(t, ", \"use_cases\": [");
    for (unsigned i = 0; i < PLS_TASK_COUNT; i++) {
        if (card->tasks >> i & 1U) {
            pls_text_add(t, "%s\"%s\"", between, pls_task_name((enum pls_task)i));
            between = ", ";
        }
    }
    between = "";
    pls_text_add(t, "], \"modalities\": [");
    for (unsigned i = 0; i < PLS_COUNT_OF(modality); i++) {
        if (card->modalities >> i & 1U) {
            pls_text_add(t, "%s\"%s\"", between, modality[i]);
            between = ", ";
        }
    }
    pls_text_add(t, "]");
}

enum layer_list { LIST_HEAD, LIST_HEAD_KV, LIST_FF, LIST_COMPRESS };

static uint32_t list_value(const struct pls_card *card, enum layer_list list, uint32_t layer)
{
    switch (list) {
    case LIST_HEAD:
        return card->head[layer];
    case LIST_HEAD_KV:
        return card->head_kv[layer];
    case LIST_FF:
        return card->ff[layer];
    case LIST_COMPRESS:
        return card->compress[layer];
    }
    return 0;
}

/* True when the layers are not what follows from the scalars alone (`plain`), so that the key must hold a
 * list. */
static bool list_differs(const struct pls_card *card, const struct pls_card *plain, enum layer_list list)
{
    for (uint32_t i = 0; i < card->n_layers; i++) {
        if (list_value(card, list, i) != list_value(plain, list, i)) {
            return true;
        }
    }
    return false;
}

/* The card without its lists, completed anew. */
static struct pls_card without_lists(const struct pls_card *card)
{
    struct pls_card plain = *card;
    memset(plain.head, 0, sizeof(plain.head));
    memset(plain.head_kv, 0, sizeof(plain.head_kv));
    memset(plain.ff, 0, sizeof(plain.ff));
    memset(plain.compress, 0, sizeof(plain.compress));
    (void)pls_card_complete(&plain, NULL); /* what it cannot fill stays 0 and so differs */
    return plain;
}

static void put_list(struct pls_text *t, const struct pls_card *card, const char *key, enum layer_list list)
{
    pls_text_add(t, ", \"%s\": [", key);
    for (uint32_t i = 0; i < card->n_layers; i++) {
        pls_text_add(t, "%s%u", i == 0 ? "" : ", ", list_value(card, list, i));
    }
    pls_text_add(t, "]");
}

/* A number, or a list where the layers need one. card[1] is the card without its lists. */
static void put_field(struct pls_text *t, const struct pls_card card[2], const char *key, uint64_t value)
{
    static const struct {
        const char *key;
        enum layer_list list;
    } listed[] = { { "n_heads", LIST_HEAD },
                   { "n_kv_heads", LIST_HEAD_KV },
                   { "intermediate_size", LIST_FF } };
    for (size_t i = 0; i < PLS_COUNT_OF(listed); i++) {
        if (strcmp(listed[i].key, key) == 0 && list_differs(&card[0], &card[1], listed[i].list)) {
            put_list(t, &card[0], key, listed[i].list);
            return;
        }
    }
    put_number(t, key, value);
}

static void put_layers(struct pls_text *t, const struct pls_card *card, const struct pls_card *plain)
{
    bool any = false;
    if (card->kind[0] != '\0') {
        pls_text_add(t, ", \"layer_kinds\": \"%.*s\"", (int)card->n_layers, card->kind);
    }
    if (list_differs(card, plain, LIST_COMPRESS)) {
        put_list(t, card, "compress_ratios", LIST_COMPRESS);
    }
    for (uint32_t i = 0; i < card->n_layers; i++) {
        if (card->indexer[i] != 0) {
            pls_text_add(t, "%s%u", any ? ", " : ", \"indexer_layers\": [", i);
            any = true;
        }
    }
    if (any) {
        pls_text_add(t, "]");
    }
}

static const char *native_word(enum pls_type type)
{
    switch ((int)type) {
    case PLS_TYPE_BF16:
        return "bf16";
    case PLS_TYPE_F16:
        return "fp16";
    case PLS_TYPE_F32:
        return "fp32";
    case PLS_TYPE_MXFP4:
        return "mxfp4";
    default:
        return "";
    }
}

static void put_variants(struct pls_text *t, const struct pls_card *card)
{
    const char *between = "";
    const struct {
        const char *format, *key, *name;
    } known[] = { { "gguf", "repo", card->gguf_repo }, { "ollama", "tag", card->ollama_tag } };
    pls_text_add(t, ", \"variants\": {");
    for (size_t i = 0; i < PLS_COUNT_OF(known); i++) {
        if (known[i].name[0] != '\0') {
            pls_text_add(t, "%s\"%s\": [{\"%s\": ", between, known[i].format, known[i].key);
            put_string(t, known[i].name);
            pls_text_add(t, "}]");
            between = ", ";
        }
    }
    pls_text_add(t, "}");
}

enum pls_code pls_card_format(const struct pls_card *card, char *out, size_t cap, struct pls_err *err)
{
    if (cap == 0) {
        return pls_fail(err, PLS_LIMIT, "%s: the card does not fit", card->id);
    }
    const struct pls_card both[2] = { *card, without_lists(card) };
    struct pls_text t = { .data = out, .cap = cap };
    out[0] = '\0';
    pls_text_add(&t, "{\"id\": ");
    put_string(&t, card->id);
    put_text(&t, "name", card->name);
    put_text(&t, "family", card->family);
    put_text(&t, "org", card->org);
    put_text(&t, "hf_repo", card->hf_repo);
    put_text(&t, "license", card->license);
    if (card->release != 0) {
        pls_text_add(&t, ", \"release_date\": \"%04u-%02u\"", card->release / 100, card->release % 100);
    }
    put_words(&t, card);
    put_text(&t, "arch", card->arch);
    put_text(&t, "native_weights", native_word(card->native));
#define PLS_CARD_U64(field, key, note)  put_field(&t, both, key, card->field);
#define PLS_CARD_U32(field, key, note)  put_field(&t, both, key, card->field);
#define PLS_CARD_F32(field, key, note)  pls_text_add(&t, ", \"%s\": %.9g", key, (double)card->field);
#define PLS_CARD_FLAG(field, key, note) put_flag(&t, key, card->field);
#include "plimsoll/card_fields.def"
    put_layers(&t, card, &both[1]);
    put_variants(&t, card);
    pls_text_add(&t, "}");
    return t.truncated ? pls_fail(err, PLS_LIMIT, "%s: the card does not fit %zu bytes", card->id, cap)
                       : PLS_OK;
}
