/* One entry for whatever lies at a path: a GGUF file (or the first of a split set), a safetensors file or
 * folder, a config.json, a card file. What it is follows from what is inside, never from the suffix alone. */
#include <string.h>
#include <sys/stat.h>

#include "gguf/gguf_card.h"
#include "gguf/readers.h"
#include "plimsoll/gguf.h"
#include "plimsoll/sys.h"
#include "plimsoll/text.h"

static enum pls_file_kind file_kind(const char *path)
{
    struct pls_map map;
    if (pls_map_open(path, &map, NULL) != PLS_OK) {
        return PLS_FILE_UNKNOWN;
    }
    enum pls_file_kind kind = PLS_FILE_UNKNOWN;
    if (map.size >= 4 && memcmp(map.data, "GGUF", 4) == 0) {
        kind = PLS_FILE_GGUF;
    } else if (map.size > 9 && map.data[8] == '{') {
        kind = PLS_FILE_SAFETENSORS; /* u64 header length, then its JSON */
    } else if (map.size <= PLS_JSON_MAX_BYTES) {
        kind = readers_json_kind((const char *)map.data, (size_t)map.size);
    }
    pls_map_close(&map);
    return kind;
}

enum pls_file_kind pls_file_kind(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        return PLS_FILE_NONE;
    }
    return S_ISDIR(st.st_mode) ? readers_dir_kind(path) : file_kind(path);
}

/* Path of part `no` (1-based) of a split set, from the path of part 1. */
static bool split_path(const char *first, uint32_t no, uint32_t count, char *out, size_t cap)
{
    size_t len = strlen(first);
    struct pls_text t = { .data = out, .len = 0, .cap = cap };
    static const size_t tail = sizeof("-00001-of-00002.gguf") - 1;
    if (len < tail || cap == 0) {
        return false;
    }
    out[0] = '\0';
    pls_text_put(&t, first, len - tail);
    pls_text_add(&t, "-%05u-of-%05u.gguf", no, count);
    return !t.truncated;
}

static enum pls_code read_part(const char *path, struct pls_arena *arena, struct pls_map *map,
                               struct gguf_header *h, struct pls_err *err)
{
    enum pls_code code = pls_map_open(path, map, err);
    return code != PLS_OK ? code : gguf_header_parse(path, map->data, map->size, arena, h, err);
}

/* A sound header whose data is cut off is not a sound file: the engine would refuse it. */
static enum pls_code check_size(const char *path, const struct gguf_header *h, uint64_t size,
                                struct pls_err *err)
{
    uint64_t need = pls_add(h->data_start, h->data_bytes);
    if (need > size) {
        return pls_fail(err, PLS_FORMAT,
                        "%s: truncated: the tensor table needs %llu bytes, the file has %llu", path,
                        (unsigned long long)need, (unsigned long long)size);
    }
    return PLS_OK;
}

/* Part `no` of `count` says so itself: files of two models, or of two splits of one, do not make a model. */
static enum pls_code check_part(const char *path, const struct gguf_header *h, uint32_t no, uint32_t count,
                                struct pls_err *err)
{
    uint64_t stated_no = 0;
    uint64_t stated_count = 0;
    bool is_stated = gguf_number(gguf_find(h, "split.no"), 0, &stated_no)
        && gguf_number(gguf_find(h, "split.count"), 0, &stated_count);
    if (!is_stated || stated_no != no - 1 || stated_count != count) {
        return pls_fail(err, PLS_FORMAT, "%s: its header does not say that it is part %u of %u", path, no,
                        count);
    }
    return PLS_OK;
}

/* Tensor infos of parts 2..count behind those of the first. */
static enum pls_code append_parts(const char *path, uint32_t count, struct pls_arena *arena,
                                  struct gguf_header *first, struct pls_inspection *seen, struct pls_err *err)
{
    for (uint32_t no = 2; no <= count; no++) {
        char part[4096];
        struct pls_map map = { 0 };
        struct gguf_header h;
        if (!split_path(path, no, count, part, sizeof(part))) {
            return pls_fail(err, PLS_FORMAT,
                            "%s: first of %u parts, but its name is not NAME-00001-of-%05u.gguf", path, count,
                            count);
        }
        enum pls_code code = read_part(part, arena, &map, &h, err);
        code = code == PLS_OK ? check_part(part, &h, no, count, err) : code;
        code = code == PLS_OK ? check_size(part, &h, map.size, err) : code;
        if (code == PLS_OK && first->n_tensors + h.n_tensors > PLS_GGUF_MAX_TENSORS) {
            code = pls_fail(err, PLS_LIMIT, "%s: more than %d tensors over all parts", path,
                            PLS_GGUF_MAX_TENSORS);
        }
        struct pls_tensor *all = NULL;
        if (code == PLS_OK) {
            all = PLS_TAKE(arena, struct pls_tensor, first->n_tensors + h.n_tensors);
            code =
                all == NULL ? pls_fail(err, PLS_NOMEM, "%s: no memory for the tensor table", path) : PLS_OK;
        }
        if (code == PLS_OK) {
            memcpy(all, first->tensors, first->n_tensors * sizeof(*all));
            memcpy(all + first->n_tensors, h.tensors, h.n_tensors * sizeof(*all));
            first->tensors = all;
            first->n_tensors += h.n_tensors;
            seen->file_bytes += map.size;
            seen->header_bytes += h.data_start;
        }
        pls_map_close(&map);
        if (code != PLS_OK) {
            return code;
        }
    }
    return PLS_OK;
}

static void inspect_tensors(const struct pls_tensors *list, struct pls_inspection *seen)
{
    seen->n_tensors = list->n;
    for (uint32_t i = 0; i < list->n; i++) {
        const struct pls_tensor *t = &list->items[i];
        seen->params = pls_add(seen->params, pls_tensor_elements(t));
        if (t->type < PLS_TYPE_COUNT) {
            uint64_t bytes = pls_tensor_bytes(t);
            seen->types_tensors[t->type]++;
            seen->types_bytes[t->type] = pls_add(seen->types_bytes[t->type], bytes);
            seen->tensor_bytes = pls_add(seen->tensor_bytes, bytes);
        }
    }
}

static void inspect_keys(const struct gguf_header *h, struct pls_inspection *seen)
{
    char kind[32] = "";
    char arch[32] = "";
    uint64_t ftype = 0;
    seen->gguf_version = h->version;
    seen->n_keys = h->n_keys;
    seen->ftype = PLS_FTYPE_NONE;
    if (gguf_number(gguf_find(h, "general.file_type"), 0, &ftype)) {
        seen->is_ftype_guessed = (ftype & 1024) != 0;
        ftype &= ~(uint64_t)1024;
        bool is_known = ftype < PLS_FTYPE_COUNT && pls_ftype_name((enum pls_ftype)ftype) != NULL;
        seen->ftype = is_known ? (enum pls_ftype)ftype : PLS_FTYPE_NONE;
    }
    gguf_string(gguf_find(h, "general.name"), seen->general_name, sizeof(seen->general_name));
    gguf_string(gguf_find(h, "tokenizer.ggml.model"), seen->tokenizer, sizeof(seen->tokenizer));
    gguf_string(gguf_find(h, "general.type"), kind, sizeof(kind));
    gguf_string(gguf_find(h, "general.architecture"), arch, sizeof(arch));
    seen->is_adapter = strcmp(kind, "adapter") == 0;
    seen->is_projector = strcmp(kind, "mmproj") == 0 || strcmp(arch, "clip") == 0;
}

/* The engine refuses a name that comes twice; sorted, two of a kind lie side by side. */
static enum pls_code check_names(const char *path, const struct pls_tensors *list, struct pls_err *err)
{
    for (uint32_t i = 1; i < list->n; i++) {
        if (strcmp(list->items[i - 1].name, list->items[i].name) == 0) {
            return pls_fail(err, PLS_FORMAT, "%s: tensor %s comes twice", path, list->items[i].name);
        }
    }
    return PLS_OK;
}

static enum pls_code read_gguf(const char *path, struct pls_arena *arena, struct pls_model *out,
                               struct pls_inspection *seen, struct pls_err *err)
{
    struct pls_map map = { 0 };
    struct gguf_header h;
    struct pls_err why = { .text = "" };
    uint64_t parts = 1;
    uint64_t part = 0;
    enum pls_code code = read_part(path, arena, &map, &h, err);
    if (code != PLS_OK) {
        goto out;
    }
    inspect_keys(&h, seen);
    seen->file_bytes = map.size;
    seen->header_bytes = h.data_start;
    gguf_number(gguf_find(&h, "split.count"), 0, &parts);
    gguf_number(gguf_find(&h, "split.no"), 0, &part);
    if (parts > PLS_GGUF_MAX_SPLITS || part != 0) {
        code = part != 0 ? pls_fail(err, PLS_FORMAT, "%s: part %llu of a split model; name the first part",
                                    path, (unsigned long long)part + 1)
                         : pls_fail(err, PLS_LIMIT, "%s: claims %llu parts", path, (unsigned long long)parts);
        goto out;
    }
    seen->n_splits = parts == 0 ? 1 : (uint32_t)parts;
    code = check_size(path, &h, map.size, err);
    code = code == PLS_OK ? append_parts(path, seen->n_splits, arena, &h, seen, err) : code;
    if (code != PLS_OK) {
        goto out;
    }
    out->tensors = (struct pls_tensors){ .items = h.tensors, .n = h.n_tensors };
    if (!seen->is_adapter && !seen->is_projector) {
        code = gguf_card_from_header(&h, &out->card, &why);
        code = code == PLS_OK ? PLS_OK : pls_fail(err, code, "%s: %s", path, why.text);
    }
    pls_tensors_sort(&out->tensors);
    code = code == PLS_OK ? check_names(path, &out->tensors, err) : code;
    inspect_tensors(&out->tensors, seen);
    out->file_bytes = seen->file_bytes;
    out->header_bytes = seen->header_bytes;
    out->stored = (struct pls_quant){ .format = PLS_FORMAT_GGUF, .ftype = seen->ftype };
out:
    pls_map_close(&map);
    return code;
}

static enum pls_code read_json(const char *path, enum pls_file_kind kind, struct pls_model *out,
                               struct pls_err *err)
{
    struct pls_map map = { 0 };
    struct pls_err why = { .text = "" };
    enum pls_code code = pls_map_open(path, &map, err);
    if (code != PLS_OK) {
        return code;
    }
    const char *json = (const char *)map.data;
    if (map.size > PLS_JSON_MAX_BYTES) {
        code = pls_fail(&why, PLS_LIMIT, "larger than %llu bytes", (unsigned long long)PLS_JSON_MAX_BYTES);
    } else if (kind == PLS_FILE_CARD) {
        code = pls_card_parse(json, (size_t)map.size, &out->card, &why);
    } else {
        code = pls_config_parse(json, (size_t)map.size, &out->card, &out->stored, &why);
    }
    pls_map_close(&map);
    return code == PLS_OK ? PLS_OK : pls_fail(err, code, "%s: %s", path, why.text);
}

enum pls_code pls_file_read(const char *path, struct pls_arena *arena, struct pls_model *out,
                            struct pls_inspection *seen, struct pls_err *err)
{
    struct pls_inspection unseen;
    /* cppcheck-suppress uninitvar ; written in the next line */
    seen = seen != NULL ? seen : &unseen;
    *seen = (struct pls_inspection){ .kind = pls_file_kind(path), .ftype = PLS_FTYPE_NONE };
    *out = (struct pls_model){ .stored = { .ftype = PLS_FTYPE_NONE } };
    switch (seen->kind) {
    case PLS_FILE_GGUF:
        return read_gguf(path, arena, out, seen, err);
    case PLS_FILE_CARD:
    case PLS_FILE_CONFIG:
        return read_json(path, seen->kind, out, err);
    case PLS_FILE_SAFETENSORS:
    case PLS_FILE_MODEL_DIR:
    case PLS_FILE_MLX_DIR: {
        enum pls_code code = readers_safetensors(path, arena, out, seen, err);
        inspect_tensors(&out->tensors, seen);
        return code;
    }
    case PLS_FILE_NONE:
        return pls_fail(err, PLS_IO, "%s: no such file or folder", path);
    case PLS_FILE_UNKNOWN:
        break;
    }
    return readers_unknown(path, err);
}
