/* Safetensors: u64 header length, a JSON object {name: {dtype, shape, data_offsets}}, data. A folder holds
 * one or more such files and a config.json; the files are the truth about bytes, the config about the
 * shape of the model.
 * Source: the safetensors format description (header at most 100 MB).
 *
 * Names are put into the engine's spelling as far as placement needs it (blk.N., token_embd, output,
 * *_exps). Routed experts stored one by one are summed into one entry per layer and type: a large model
 * has a hundred thousand of them. */
#include <stdlib.h>
#include <string.h>

#include "gguf/cursor.h"
#include "gguf/json.h"
#include "gguf/readers.h"
#include "plimsoll/sys.h"
#include "plimsoll/text.h"

enum { MAX_FILES = 1024 };

struct reader {
    const char *path;
    struct pls_tensor *items; /* PLS_MAX_TENSORS of them */
    uint32_t n;
    struct pls_inspection *seen;
    struct pls_err *err;
};

static enum pls_type dtype_by_name(const char *name)
{
    static const struct {
        const char *name;
        enum pls_type type;
    } dtypes[] = {
        { "F32", PLS_TYPE_F32 },    { "F16", PLS_TYPE_F16 },    { "BF16", PLS_TYPE_BF16 },
        { "F64", PLS_TYPE_F64 },    { "I64", PLS_TYPE_I64 },    { "U64", PLS_TYPE_I64 },
        { "I32", PLS_TYPE_I32 },    { "U32", PLS_TYPE_I32 },    { "I16", PLS_TYPE_I16 },
        { "U16", PLS_TYPE_I16 },    { "I8", PLS_TYPE_I8 },      { "U8", PLS_TYPE_I8 },
        { "BOOL", PLS_TYPE_I8 },    { "F8_E4M3", PLS_TYPE_I8 }, { "F8_E5M2", PLS_TYPE_I8 },
        { "F8_E8M0", PLS_TYPE_I8 },
    };
    for (size_t i = 0; i < PLS_COUNT_OF(dtypes); i++) {
        if (strcmp(dtypes[i].name, name) == 0) {
            return dtypes[i].type;
        }
    }
    return PLS_TYPE_NONE;
}

/* "…layers.12.rest" -> 12 and rest; false when there is no layer in the name. */
static bool split_layer(const char *name, unsigned long *layer, const char **rest)
{
    static const char *const marks[] = { "layers.", ".h.", "blocks.", "layer." };
    for (size_t i = 0; i < PLS_COUNT_OF(marks); i++) {
        const char *at = strstr(name, marks[i]);
        char *end = NULL;
        if (at == NULL) {
            continue;
        }
        *layer = strtoul(at + strlen(marks[i]), &end, 10);
        if (end != at + strlen(marks[i]) && *end == '.' && *layer < PLS_MAX_LAYERS) {
            *rest = end + 1;
            return true;
        }
    }
    return false;
}

static void engine_name(const char *name, enum pls_type type, char out[64])
{
    unsigned long layer = 0;
    const char *rest = name;
    struct pls_text t = { .data = out, .len = 0, .cap = 64 };
    out[0] = '\0';
    bool is_tower =
        strstr(name, "vision") != NULL || strstr(name, "visual") != NULL || strstr(name, "audio") != NULL;
    if (is_tower) {
        pls_text_add(&t, "v.%s", pls_type_info(type)->name); /* summed: what an mmproj file would hold */
    } else if (split_layer(name, &layer, &rest)) {
        bool is_expert = strstr(rest, "experts.") != NULL && strstr(rest, "shared_expert") == NULL;
        pls_text_add(&t, is_expert ? "blk.%lu.ffn_exps.%s" : "blk.%lu.%s", layer,
                     is_expert ? pls_type_info(type)->name : rest);
    } else if (strstr(name, "embed_tokens") != NULL || strstr(name, "wte.") != NULL) {
        const char *dot = strrchr(name, '.');
        pls_text_add(&t, "token_embd%s", dot != NULL ? dot : "");
    } else if (pls_text_starts(name, "lm_head.")) {
        pls_text_add(&t, "output.%s", name + strlen("lm_head."));
    } else {
        pls_text_add(&t, "%s", name);
    }
}

/* Adds elements to the entry of that name when it is a summed one; entries of one layer lie close
 * together. */
static bool sum_into(struct reader *r, const char *name, uint64_t elements)
{
    bool is_summed = strstr(name, ".ffn_exps.") != NULL || pls_text_starts(name, "v.");
    for (uint32_t back = 0; is_summed && back < r->n && back < 4096; back++) {
        struct pls_tensor *t = &r->items[r->n - 1 - back];
        if (strcmp(t->name, name) == 0) {
            t->dims[0] = pls_add(t->dims[0], elements);
            return true;
        }
    }
    return false;
}

static enum pls_code take_entry(struct reader *r, const cJSON *entry, uint64_t data_bytes)
{
    const cJSON *dtype = cJSON_GetObjectItemCaseSensitive(entry, "dtype");
    const cJSON *shape = cJSON_GetObjectItemCaseSensitive(entry, "shape");
    const cJSON *offsets = cJSON_GetObjectItemCaseSensitive(entry, "data_offsets");
    enum pls_type type = cJSON_IsString(dtype) ? dtype_by_name(dtype->valuestring) : PLS_TYPE_NONE;
    uint64_t from = 0;
    uint64_t to = 0;
    uint64_t elements = 1;
    const cJSON *dim = NULL;
    if (type == PLS_TYPE_NONE || !cJSON_IsArray(shape)
        || !json_count(cJSON_GetArrayItem(offsets, 0), UINT64_MAX, &from)
        || !json_count(cJSON_GetArrayItem(offsets, 1), UINT64_MAX, &to)) {
        return pls_fail(r->err, PLS_FORMAT,
                        "%s: an entry of the header has no usable dtype, shape or offsets", r->path);
    }
    cJSON_ArrayForEach(dim, shape)
    {
        uint64_t n = 0;
        elements = json_count(dim, UINT64_MAX, &n) ? pls_mul(elements, n) : PLS_SATURATED;
    }
    if (from > to || to > data_bytes || pls_mul(elements, pls_type_info(type)->bytes) != to - from) {
        return pls_fail(r->err, PLS_FORMAT,
                        "%s: an entry's shape and offsets disagree, or lie outside the file", r->path);
    }
    char name[64];
    engine_name(entry->string, type, name);
    r->seen->params = pls_add(r->seen->params, elements);
    if (sum_into(r, name, elements)) {
        return PLS_OK;
    }
    if (r->n == PLS_MAX_TENSORS) {
        return pls_fail(r->err, PLS_LIMIT, "%s: more than %d tensors", r->path, PLS_MAX_TENSORS);
    }
    struct pls_tensor *t = &r->items[r->n++];
    *t = (struct pls_tensor){ .dims = { elements, 1, 1, 1 }, .n_dims = 1, .type = (uint8_t)type };
    PLS_COPY(t->name, name);
    return PLS_OK;
}

static enum pls_code read_header(struct reader *r, const struct pls_map *map)
{
    struct gguf_cursor c = { .data = map->data, .size = map->size };
    uint64_t len = gguf_u64(&c);
    const char *text = (const char *)gguf_take(&c, len);
    if (c.failed || len > PLS_JSON_MAX_BYTES) {
        return pls_fail(r->err, PLS_FORMAT, "%s: truncated in the header", r->path);
    }
    cJSON *header = json_parse(text, (size_t)len);
    if (!cJSON_IsObject(header)) {
        cJSON_Delete(header);
        return pls_fail(r->err, PLS_FORMAT, "%s: the header is not a JSON object", r->path);
    }
    enum pls_code code = PLS_OK;
    const cJSON *entry = NULL;
    cJSON_ArrayForEach(entry, header)
    {
        if (code == PLS_OK && strcmp(entry->string, "__metadata__") != 0) {
            code = take_entry(r, entry, map->size - 8 - len);
        }
    }
    cJSON_Delete(header);
    r->seen->file_bytes = pls_add(r->seen->file_bytes, map->size);
    r->seen->header_bytes = pls_add(r->seen->header_bytes, 8 + len);
    r->seen->n_splits++;
    return code;
}

static enum pls_code read_one(struct reader *r, const char *path)
{
    struct pls_map map = { 0 };
    r->path = path;
    enum pls_code code = pls_map_open(path, &map, r->err);
    if (code == PLS_OK) {
        code = read_header(r, &map);
        pls_map_close(&map);
    }
    return code;
}

struct folder {
    struct reader *reader;
    const char *path;
    enum pls_code code;
};

static bool visit_file(const char *name, void *context)
{
    struct folder *f = context;
    char path[4096];
    struct pls_text t = PLS_TEXT(path);
    if (!pls_text_ends(name, ".safetensors")) {
        return true;
    }
    pls_text_add(&t, "%s/%s", f->path, name);
    f->code = t.truncated || f->reader->seen->n_splits >= MAX_FILES
        ? pls_fail(f->reader->err, PLS_LIMIT, "%s: too many files, or names too long", f->path)
        : read_one(f->reader, path);
    return f->code == PLS_OK;
}

static enum pls_code read_folder(struct reader *r, const char *path)
{
    struct pls_root *root = NULL;
    struct folder f = { .reader = r, .path = path };
    enum pls_code code = pls_root_open(path, &root, r->err);
    if (code != PLS_OK) {
        return code;
    }
    code = pls_root_list(root, "/", visit_file, &f, r->err);
    pls_root_close(root);
    return code == PLS_OK ? f.code : code;
}

/* config.json beside the weights; without one, or of an unknown family, only bytes can be told. */
static enum pls_code read_config(const char *dir, struct pls_model *out, struct pls_err *err)
{
    char path[4096];
    struct pls_text t = PLS_TEXT(path);
    struct pls_map map = { 0 };
    struct pls_err why = { .text = "" };
    pls_text_add(&t, "%s/config.json", dir);
    enum pls_code code = pls_map_open(path, &map, err);
    if (code != PLS_OK) {
        return code;
    }
    code = map.size > PLS_JSON_MAX_BYTES
        ? pls_fail(&why, PLS_LIMIT, "larger than %llu bytes", (unsigned long long)PLS_JSON_MAX_BYTES)
        : pls_config_parse((const char *)map.data, (size_t)map.size, &out->card, &out->stored, &why);
    pls_map_close(&map);
    return code == PLS_OK ? PLS_OK : pls_fail(err, code, "%s: %s", path, why.text);
}

enum pls_code readers_safetensors(const char *path, struct pls_arena *arena, struct pls_model *out,
                                  struct pls_inspection *seen, struct pls_err *err)
{
    struct reader r = { .path = path, .seen = seen, .err = err };
    r.items = PLS_TAKE(arena, struct pls_tensor, PLS_MAX_TENSORS);
    if (r.items == NULL) {
        return pls_fail(err, PLS_NOMEM, "%s: no memory for the tensor table", path);
    }
    bool is_file = seen->kind == PLS_FILE_SAFETENSORS;
    enum pls_code code = is_file ? read_one(&r, path) : read_folder(&r, path);
    if (code == PLS_OK && r.n == 0 && is_file) {
        code = pls_fail(err, PLS_FORMAT, "%s: no tensors", path);
    }
    if (code != PLS_OK) {
        return code;
    }
    out->tensors = (struct pls_tensors){ .items = r.items, .n = r.n };
    out->file_bytes = r.n > 0 ? seen->file_bytes : 0;
    out->header_bytes = seen->header_bytes;
    pls_tensors_sort(&out->tensors);
    seen->params = 0; /* counted again over the list by the caller */
    return is_file ? PLS_OK : read_config(path, out, err);
}

struct seen_names {
    bool weights, config;
};

static bool visit_name(const char *name, void *context)
{
    struct seen_names *seen = context;
    seen->weights = seen->weights || pls_text_ends(name, ".safetensors");
    seen->config = seen->config || strcmp(name, "config.json") == 0;
    return true;
}

enum pls_file_kind readers_dir_kind(const char *path)
{
    struct pls_root *root = NULL;
    struct seen_names seen = { false, false };
    if (pls_root_open(path, &root, NULL) != PLS_OK) {
        return PLS_FILE_UNKNOWN;
    }
    pls_root_list(root, "/", visit_name, &seen, NULL);
    pls_root_close(root);
    if (!seen.config) {
        return seen.weights ? PLS_FILE_MODEL_DIR : PLS_FILE_UNKNOWN;
    }
    struct pls_model model = { .stored = { .ftype = PLS_FTYPE_NONE } };
    bool is_mlx = read_config(path, &model, NULL) == PLS_OK && model.stored.format == PLS_FORMAT_MLX;
    return is_mlx ? PLS_FILE_MLX_DIR : PLS_FILE_MODEL_DIR;
}
