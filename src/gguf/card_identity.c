/* Who a card is about and what backs it: names, tasks, published variants, benchmarks and sources. The values
 * that the program computes with are in card_json.c. */
#include <string.h>

#include "gguf/card_parts.h"
#include "plimsoll/text.h"

struct text_part {
    const char *key;
    char *room;
    size_t cap;
};

static enum pls_code read_text(const struct pls_card_reader *r, const struct text_part *part)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(r->root, part->key);
    if (item == NULL || cJSON_IsNull(item)) {
        return PLS_OK;
    }
    if (!cJSON_IsString(item)) {
        return pls_card_bad(r, part->key, "not a text");
    }
    return pls_copy(part->room, part->cap, item->valuestring) ? PLS_OK
                                                              : pls_card_bad(r, part->key, "too long");
}

static enum pls_code read_id(struct pls_card_reader *r)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(r->root, "id");
    const char *id = cJSON_GetStringValue(item);
    if (!cJSON_IsObject(r->root) || id == NULL || id[0] == '\0') {
        return pls_card_bad(r, "id", "missing or not a text");
    }
    if (id[strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789.-_")] != '\0') {
        return pls_card_bad(r, "id", "not made of lower-case letters, digits, '.', '-' and '_'");
    }
    if (!PLS_COPY(r->card->id, id)) {
        return pls_card_bad(r, "id", "too long");
    }
    r->id = r->card->id;
    return PLS_OK;
}

/* "2025-04" or "2025-04-28" to 202504. */
static enum pls_code read_release(struct pls_card_reader *r)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(r->root, "release_date");
    const char *date = cJSON_GetStringValue(item);
    if (item == NULL || cJSON_IsNull(item)) {
        return PLS_OK;
    }
    uint32_t number = 0;
    size_t digits = 0;
    for (size_t i = 0; date != NULL && i < 7; i++) {
        bool is_digit = date[i] >= '0' && date[i] <= '9';
        if (is_digit ? i == 4 : i != 4 || date[i] != '-') {
            break;
        }
        number = is_digit ? number * 10 + (uint32_t)(date[i] - '0') : number;
        digits += is_digit;
    }
    bool ends_well = digits == 6 && (date[7] == '\0' || date[7] == '-');
    if (!ends_well || number % 100 < 1 || number % 100 > 12) {
        return pls_card_bad(r, "release_date", "not a date like 2025-04");
    }
    r->card->release = number;
    return PLS_OK;
}

static bool modality_bit(const char *word, uint32_t *bits)
{
    static const struct {
        const char *name;
        enum pls_modality bit;
    } known[] = { { "text", PLS_MODALITY_TEXT },
                  { "image", PLS_MODALITY_IMAGE },
                  { "audio", PLS_MODALITY_AUDIO },
                  { "video", PLS_MODALITY_VIDEO } };
    for (size_t i = 0; i < PLS_COUNT_OF(known); i++) {
        if (strcmp(word, known[i].name) == 0) {
            *bits |= (uint32_t)known[i].bit;
            return true;
        }
    }
    return false;
}

static bool task_bit(const char *word, uint32_t *bits)
{
    enum pls_task task = PLS_TASK_CHAT;
    if (!pls_task_by_name(word, &task)) {
        return false;
    }
    *bits |= (uint32_t)1 << task;
    return true;
}

static enum pls_code read_words(const struct pls_card_reader *r, const char *key,
                                bool (*bit)(const char *, uint32_t *), uint32_t *bits)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(r->root, key);
    const cJSON *entry = NULL;
    if (list == NULL || cJSON_IsNull(list)) {
        return PLS_OK;
    }
    if (!cJSON_IsArray(list)) {
        return pls_card_bad(r, key, "not a list");
    }
    cJSON_ArrayForEach(entry, list)
    {
        if (!cJSON_IsString(entry) || !bit(entry->valuestring, bits)) {
            return pls_card_bad(r, key, "holds a word that means nothing here");
        }
    }
    return PLS_OK;
}

static enum pls_type native_type(const char *word)
{
    static const struct {
        const char *name;
        enum pls_type type;
    } known[] = { { "bf16", PLS_TYPE_BF16 },
                  { "fp16", PLS_TYPE_F16 },
                  { "fp32", PLS_TYPE_F32 },
                  { "mxfp4", PLS_TYPE_MXFP4 } };
    for (size_t i = 0; word != NULL && i < PLS_COUNT_OF(known); i++) {
        if (strcmp(word, known[i].name) == 0) {
            return known[i].type;
        }
    }
    return PLS_TYPE_NONE; /* fp8 and mixtures have no type of their own */
}

/* The first variant of a format that was seen published. */
static enum pls_code first_variant(const struct pls_card_reader *r, const char *format, const char *key,
                                   char *room, size_t cap)
{
    const cJSON *variants = cJSON_GetObjectItemCaseSensitive(r->root, "variants");
    const cJSON *entry = NULL;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(variants, format))
    {
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, key));
        bool is_seen = !cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(entry, "unverified"));
        if (name != NULL && is_seen) {
            return pls_copy(room, cap, name) ? PLS_OK : pls_card_bad(r, format, "too long");
        }
    }
    return PLS_OK;
}

enum pls_code pls_card_read_identity(struct pls_card_reader *r, const char *family)
{
    struct pls_card *card = r->card;
    enum pls_code code = read_id(r);
    PLS_COPY(card->name, card->id);
    PLS_COPY(card->family, family == NULL ? "" : family);
    const struct text_part parts[] = {
        { "name", card->name, sizeof(card->name) },
        { "family", card->family, sizeof(card->family) },
        { "org", card->org, sizeof(card->org) },
        { "arch", card->arch, sizeof(card->arch) },
        { "license", card->license, sizeof(card->license) },
        { "hf_repo", card->hf_repo, sizeof(card->hf_repo) },
    };
    for (size_t i = 0; code == PLS_OK && i < PLS_COUNT_OF(parts); i++) {
        code = read_text(r, &parts[i]);
    }
    if (code == PLS_OK && card->arch[0] == '\0') {
        code = pls_card_bad(r, "arch", "missing");
    }
    code = code == PLS_OK ? read_release(r) : code;
    code = code == PLS_OK ? read_words(r, "use_cases", task_bit, &card->tasks) : code;
    code = code == PLS_OK ? read_words(r, "modalities", modality_bit, &card->modalities) : code;
    code = code == PLS_OK ? first_variant(r, "gguf", "repo", card->gguf_repo, sizeof(card->gguf_repo)) : code;
    code =
        code == PLS_OK ? first_variant(r, "ollama", "tag", card->ollama_tag, sizeof(card->ollama_tag)) : code;
    card->native =
        native_type(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(r->root, "native_weights")));
    return code;
}

enum pls_code pls_card_check_keys(const struct pls_card_reader *r)
{
    static const char *const known[] = {
        "id",
        "name",
        "family",
        "org",
        "hf_repo",
        "license",
        "release_date",
        "modalities",
        "arch",
        "use_cases",
        "native_weights",
        "aliases",
        "params_active_kind",
        "checkpoint",
        "shape",
        "rope",
        "vision",
        "variants",
        "benchmarks",
        "sources",
        "unverified",
        "confidence",
        "notes",
        "schema",
        "abilities",
    };
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, r->root)
    {
        bool is_known = pls_card_is_field(item->string);
        for (size_t i = 0; !is_known && i < PLS_COUNT_OF(known); i++) {
            is_known = strcmp(known[i], item->string) == 0;
        }
        if (!is_known) {
            return pls_card_bad(r, item->string, "no such key");
        }
    }
    cJSON_ArrayForEach(item, r->shape)
    {
        if (item->string == NULL || !pls_card_is_field(item->string)) {
            return pls_card_bad(r, item->string == NULL ? "shape" : item->string, "no such key in shape");
        }
    }
    return r->shape == NULL || cJSON_IsObject(r->shape) ? PLS_OK : pls_card_bad(r, "shape", "not an object");
}

static bool is_text(const cJSON *item)
{
    return cJSON_IsString(item) && item->valuestring[0] != '\0';
}

static bool is_text_list(const cJSON *list)
{
    const cJSON *entry = NULL;
    cJSON_ArrayForEach(entry, list)
    {
        if (!is_text(entry)) {
            return false;
        }
    }
    return cJSON_IsArray(list);
}

static enum pls_code check_benchmarks(const struct pls_card_reader *r, const cJSON *benchmarks)
{
    const cJSON *entry = NULL;
    cJSON_ArrayForEach(entry, benchmarks)
    {
        if (!cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(entry, "score"))
            || !is_text(cJSON_GetObjectItemCaseSensitive(entry, "source"))
            || !is_text(cJSON_GetObjectItemCaseSensitive(entry, "date"))) {
            return pls_card_bad(r, entry->string == NULL ? "benchmarks" : entry->string,
                                "needs a score, a source and a date");
        }
    }
    return benchmarks == NULL || cJSON_IsObject(benchmarks) ? PLS_OK
                                                            : pls_card_bad(r, "benchmarks", "not an object");
}

/* The lists of variants, what names an entry of each, and what its quants are. */
static const struct variant_kind {
    const char *list;
    const char *key;
    enum pls_format format;
} variant_kinds[] = {
    { "gguf", "repo", PLS_FORMAT_GGUF }, { "ollama", "tag", PLS_FORMAT_GGUF },
    { "mlx", "repo", PLS_FORMAT_MLX },   { "awq", "repo", PLS_FORMAT_AWQ },
    { "gptq", "repo", PLS_FORMAT_GPTQ }, { "fp8", "repo", PLS_FORMAT_FP8 },
};

static bool are_quants(const cJSON *quants, enum pls_format format)
{
    const cJSON *entry = NULL;
    cJSON_ArrayForEach(entry, quants)
    {
        struct pls_quant quant;
        if (!is_text(entry) || !pls_quant_parse(entry->valuestring, &quant) || quant.format != format) {
            return false;
        }
    }
    return quants == NULL || cJSON_IsArray(quants);
}

/* A name goes into commands and tables: it must fit there whole, and show all that it is. */
static enum pls_code check_variant(const struct pls_card_reader *r, const struct variant_kind *kind,
                                   const cJSON *entry)
{
    char shown[sizeof(r->card->gguf_repo)];
    struct pls_text text = PLS_TEXT(shown);
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(entry, kind->key);
    if (!is_text(name)) {
        return pls_card_bad(r, kind->list, "an entry has no repo or tag");
    }
    if (strlen(name->valuestring) >= sizeof(shown)) {
        return pls_card_bad(r, kind->list, "a name is too long");
    }
    pls_text_escape(&text, name->valuestring);
    if (strcmp(shown, name->valuestring) != 0) {
        return pls_card_bad(r, kind->list, "a name holds characters that cannot be shown");
    }
    return are_quants(cJSON_GetObjectItemCaseSensitive(entry, "quants"), kind->format)
               ? PLS_OK
               : pls_card_bad(r, kind->list, "quants: not a list of its quantizations");
}

static enum pls_code check_variant_list(const struct pls_card_reader *r, const cJSON *list)
{
    const struct variant_kind *kind = NULL;
    const cJSON *entry = NULL;
    enum pls_code code = PLS_OK;
    for (size_t i = 0; i < PLS_COUNT_OF(variant_kinds); i++) {
        kind = strcmp(variant_kinds[i].list, list->string) == 0 ? &variant_kinds[i] : kind;
    }
    if (kind == NULL) {
        return pls_card_bad(r, list->string, "no such key in variants");
    }
    if (!cJSON_IsArray(list)) {
        return pls_card_bad(r, list->string, "not a list");
    }
    cJSON_ArrayForEach(entry, list)
    {
        code = code == PLS_OK ? check_variant(r, kind, entry) : code;
    }
    return code;
}

static enum pls_code check_variants(const struct pls_card_reader *r, const cJSON *variants)
{
    const cJSON *list = NULL;
    enum pls_code code = PLS_OK;
    if (variants != NULL && !cJSON_IsObject(variants)) {
        return pls_card_bad(r, "variants", "not an object");
    }
    cJSON_ArrayForEach(list, variants)
    {
        code = code == PLS_OK ? check_variant_list(r, list) : code;
    }
    return code;
}

static enum pls_code check_checkpoint(const struct pls_card_reader *r, const cJSON *checkpoint)
{
    static const char *const counts[] = { "params", "vision_params", "audio_params", "mtp_params" };
    for (size_t i = 0; i < PLS_COUNT_OF(counts); i++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(checkpoint, counts[i]);
        uint64_t value = 0;
        if (item != NULL && !cJSON_IsNull(item) && !pls_card_count(item, UINT64_MAX, &value)) {
            return pls_card_bad(r, counts[i], "not a whole number");
        }
    }
    const cJSON *tolerance = cJSON_GetObjectItemCaseSensitive(checkpoint, "tolerance");
    if (checkpoint != NULL && (!cJSON_IsObject(checkpoint) || !cJSON_IsNumber(tolerance))) {
        return pls_card_bad(r, "checkpoint", "not an object with a tolerance");
    }
    return PLS_OK;
}

enum pls_code pls_card_check_evidence(const struct pls_card_reader *r)
{
    enum pls_code code = check_benchmarks(r, cJSON_GetObjectItemCaseSensitive(r->root, "benchmarks"));
    code = code == PLS_OK ? check_variants(r, cJSON_GetObjectItemCaseSensitive(r->root, "variants")) : code;
    code =
        code == PLS_OK ? check_checkpoint(r, cJSON_GetObjectItemCaseSensitive(r->root, "checkpoint")) : code;
    const cJSON *aliases = cJSON_GetObjectItemCaseSensitive(r->root, "aliases");
    if (code == PLS_OK && aliases != NULL && !is_text_list(aliases)) {
        code = pls_card_bad(r, "aliases", "not a list of texts");
    }
    const cJSON *group = NULL;
    cJSON_ArrayForEach(group, cJSON_GetObjectItemCaseSensitive(r->root, "sources"))
    {
        if (code == PLS_OK && !is_text_list(group)) {
            code = pls_card_bad(r, "sources", "not lists of texts");
        }
    }
    return code;
}
