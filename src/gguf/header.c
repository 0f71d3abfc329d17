#include "gguf/header.h"

#include <string.h>

#include "plimsoll/gguf.h"

struct parser {
    struct gguf_cursor c;
    const char *path;
    struct pls_arena *arena;
    struct pls_err *err;
};

static enum pls_code truncated(const struct parser *p, const char *where)
{
    return pls_fail(p->err, PLS_FORMAT, "%s: truncated in %s near byte %llu", p->path, where,
                    (unsigned long long)p->c.at);
}

static unsigned kind_bytes(enum gguf_kind kind)
{
    static const unsigned char bytes[GGUF_KINDS] = { 1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8 };
    return kind < GGUF_KINDS ? bytes[kind] : 0;
}

/* A string's bytes; its length is bounded before it is believed. */
static enum pls_code take_string(struct parser *p, const char **at, uint64_t *len)
{
    *len = gguf_u64(&p->c);
    if (!p->c.failed && *len > PLS_GGUF_MAX_STRING) {
        return pls_fail(p->err, PLS_LIMIT,
                        "%s: a string of %llu bytes at byte %llu, more than the limit of %llu", p->path,
                        (unsigned long long)*len, (unsigned long long)p->c.at,
                        (unsigned long long)PLS_GGUF_MAX_STRING);
    }
    *at = (const char *)gguf_take(&p->c, *len);
    return p->c.failed ? truncated(p, "a string") : PLS_OK;
}

static enum pls_code skip_elements(struct parser *p, enum gguf_kind kind, uint64_t count)
{
    if (kind != GGUF_STRING) {
        gguf_take(&p->c, pls_mul(count, kind_bytes(kind)));
        return p->c.failed ? truncated(p, "an array") : PLS_OK;
    }
    for (uint64_t i = 0; i < count; i++) {
        const char *at = NULL;
        uint64_t len = 0;
        enum pls_code code = take_string(p, &at, &len);
        if (code != PLS_OK) {
            return code;
        }
    }
    return PLS_OK;
}

static enum pls_code parse_value(struct parser *p, struct gguf_key *key)
{
    uint32_t kind = gguf_u32(&p->c);
    key->is_array = kind == GGUF_ARRAY;
    key->count = 1;
    if (key->is_array) {
        kind = gguf_u32(&p->c);
        key->count = gguf_u64(&p->c);
    }
    if (p->c.failed) {
        return truncated(p, "the keys");
    }
    if (kind >= GGUF_KINDS || kind == GGUF_ARRAY) {
        return pls_fail(p->err, PLS_FORMAT, "%s: key of unknown value type %u near byte %llu", p->path, kind,
                        (unsigned long long)p->c.at);
    }
    if (key->count > PLS_GGUF_MAX_ARRAY) {
        return pls_fail(p->err, PLS_LIMIT, "%s: an array of %llu elements, more than the limit of %llu",
                        p->path, (unsigned long long)key->count, (unsigned long long)PLS_GGUF_MAX_ARRAY);
    }
    key->kind = (enum gguf_kind)kind;
    key->at = p->c.data + p->c.at;
    if (!key->is_array && key->kind == GGUF_STRING) {
        const char *bytes = NULL;
        enum pls_code code = take_string(p, &bytes, &key->count);
        key->at = (const unsigned char *)bytes;
        return code;
    }
    return skip_elements(p, key->kind, key->count);
}

static enum pls_code parse_keys(struct parser *p, uint64_t n, struct gguf_header *out)
{
    /* A key takes at least 13 bytes (length, type, one byte), which bounds n by the file before memory is
     * taken. */
    if (n > PLS_GGUF_MAX_KEYS || n > (p->c.size - p->c.at) / 13) {
        return pls_fail(p->err, PLS_LIMIT, "%s: claims %llu keys", p->path, (unsigned long long)n);
    }
    out->keys = PLS_TAKE(p->arena, struct gguf_key, n + 1);
    if (out->keys == NULL) {
        return pls_fail(p->err, PLS_NOMEM, "%s: no memory for %llu keys", p->path, (unsigned long long)n);
    }
    for (uint64_t i = 0; i < n; i++) {
        struct gguf_key *key = &out->keys[i];
        uint64_t len = 0;
        enum pls_code code = take_string(p, &key->name, &len);
        if (code == PLS_OK) {
            key->name_len = (uint32_t)len;
            code = parse_value(p, key);
        }
        if (code != PLS_OK) {
            return code;
        }
    }
    out->n_keys = (uint32_t)n;
    return PLS_OK;
}

static enum pls_code parse_tensor(struct parser *p, struct gguf_header *out, struct pls_tensor *t,
                                  uint64_t *offset)
{
    const char *name = NULL;
    uint64_t len = 0;
    enum pls_code code = take_string(p, &name, &len);
    if (code != PLS_OK) {
        return code;
    }
    if (len >= sizeof(t->name) || memchr(name, '\0', len) != NULL) {
        return pls_fail(p->err, PLS_FORMAT, "%s: a tensor name of %llu bytes near byte %llu (63 is the most)",
                        p->path, (unsigned long long)len, (unsigned long long)p->c.at);
    }
    memcpy(t->name, name, len);
    uint32_t n_dims = gguf_u32(&p->c);
    if (p->c.failed) {
        return truncated(p, "the tensor table");
    }
    if (n_dims < 1 || n_dims > 4) {
        return pls_fail(p->err, PLS_FORMAT, "%s: a tensor of %u dimensions near byte %llu", p->path, n_dims,
                        (unsigned long long)p->c.at);
    }
    t->n_dims = (uint8_t)n_dims;
    for (uint32_t d = 0; d < 4; d++) {
        t->dims[d] = d < n_dims ? gguf_u64(&p->c) : 1;
    }
    uint32_t type = gguf_u32(&p->c);
    *offset = gguf_u64(&p->c);
    if (p->c.failed) {
        return truncated(p, "the tensor table");
    }
    bool is_known = type < PLS_TYPE_COUNT && pls_type_info((enum pls_type)type)->name != NULL;
    t->type = is_known ? (uint8_t)type : (uint8_t)PLS_TYPE_NONE;
    out->n_unknown_types += !is_known;
    return PLS_OK;
}

static enum pls_code parse_tensors(struct parser *p, uint64_t n, struct gguf_header *out)
{
    /* An info takes at least 32 bytes. */
    if (n > PLS_GGUF_MAX_TENSORS || n > (p->c.size - p->c.at) / 32) {
        return pls_fail(p->err, PLS_LIMIT, "%s: truncated, or damaged: too short for its %llu tensors",
                        p->path, (unsigned long long)n);
    }
    out->tensors = PLS_TAKE(p->arena, struct pls_tensor, n + 1);
    if (out->tensors == NULL) {
        return pls_fail(p->err, PLS_NOMEM, "%s: no memory for %llu tensors", p->path, (unsigned long long)n);
    }
    for (uint64_t i = 0; i < n; i++) {
        struct pls_tensor *t = &out->tensors[i];
        uint64_t offset = 0;
        enum pls_code code = parse_tensor(p, out, t, &offset);
        if (code != PLS_OK) {
            return code;
        }
        uint64_t bytes = t->type == PLS_TYPE_NONE ? 0 : pls_tensor_bytes(t);
        if (bytes == PLS_SATURATED || pls_add(offset, bytes) == PLS_SATURATED) {
            return pls_fail(p->err, PLS_FORMAT, "%s: tensor %llu has an impossible shape for its type",
                            p->path, (unsigned long long)i);
        }
        out->data_bytes = pls_max(out->data_bytes, offset + bytes);
    }
    out->n_tensors = (uint32_t)n;
    return PLS_OK;
}

static enum pls_code find_data(const struct parser *p, struct gguf_header *out)
{
    uint64_t alignment = 32;
    const struct gguf_key *key = gguf_find(out, "general.alignment");
    if (key != NULL
        && (!gguf_number(key, 0, &alignment) || alignment == 0 || (alignment & (alignment - 1)) != 0)) {
        return pls_fail(p->err, PLS_FORMAT, "%s: general.alignment is not a power of two", p->path);
    }
    out->data_start = pls_pad(p->c.at, alignment);
    return PLS_OK;
}

enum pls_code gguf_header_parse(const char *path, const unsigned char *data, uint64_t size,
                                struct pls_arena *arena, struct gguf_header *out, struct pls_err *err)
{
    struct parser p = { .c = { .data = data, .size = size }, .path = path, .arena = arena, .err = err };
    *out = (struct gguf_header){ 0 };
    const unsigned char *magic = gguf_take(&p.c, 4);
    if (magic == NULL || memcmp(magic, "GGUF", 4) != 0) {
        return pls_fail(err, PLS_FORMAT, "%s: not a GGUF file", path);
    }
    out->version = gguf_u32(&p.c);
    if (!p.c.failed && out->version != 2 && out->version != 3) {
        bool is_swapped = out->version != 0 && (out->version & 0xFFFF) == 0;
        return pls_fail(err, PLS_UNSUPPORTED, "%s: GGUF version %u%s is not supported (2 and 3 are)", path,
                        out->version, is_swapped ? " (big-endian?)" : "");
    }
    uint64_t n_tensors = gguf_u64(&p.c);
    uint64_t n_keys = gguf_u64(&p.c);
    if (p.c.failed) {
        return truncated(&p, "the first 24 bytes");
    }
    if (n_tensors > PLS_GGUF_MAX_TENSORS) {
        return pls_fail(err, PLS_LIMIT, "%s: claims %llu tensors", path, (unsigned long long)n_tensors);
    }
    enum pls_code code = parse_keys(&p, n_keys, out);
    code = code == PLS_OK ? parse_tensors(&p, n_tensors, out) : code;
    return code == PLS_OK ? find_data(&p, out) : code;
}

const struct gguf_key *gguf_find(const struct gguf_header *h, const char *name)
{
    size_t len = strlen(name);
    for (uint32_t i = 0; i < h->n_keys; i++) {
        if (h->keys[i].name_len == len && memcmp(h->keys[i].name, name, len) == 0) {
            return &h->keys[i];
        }
    }
    return NULL;
}

bool gguf_number(const struct gguf_key *key, uint64_t index, uint64_t *out)
{
    if (key == NULL || index >= key->count || key->kind == GGUF_STRING || key->kind == GGUF_F32
        || key->kind == GGUF_F64) {
        return false;
    }
    unsigned bytes = kind_bytes(key->kind);
    uint64_t value = gguf_le(key->at + index * bytes, bytes);
    bool is_signed =
        key->kind == GGUF_I8 || key->kind == GGUF_I16 || key->kind == GGUF_I32 || key->kind == GGUF_I64;
    if (is_signed && (value >> (8 * bytes - 1) & 1) != 0) {
        return false; /* no count, width or flag of a model is negative */
    }
    *out = value;
    return true;
}

bool gguf_real(const struct gguf_key *key, double *out)
{
    uint64_t whole = 0;
    if (gguf_number(key, 0, &whole)) {
        *out = (double)whole;
        return true;
    }
    if (key == NULL || key->count == 0 || (key->kind != GGUF_F32 && key->kind != GGUF_F64)) {
        return false;
    }
    if (key->kind == GGUF_F32) {
        uint32_t bits = (uint32_t)gguf_le(key->at, 4);
        float value = 0;
        memcpy(&value, &bits, sizeof(value));
        *out = (double)value;
    } else {
        uint64_t bits = gguf_le(key->at, 8);
        memcpy(out, &bits, sizeof(*out));
    }
    return true;
}

bool gguf_string(const struct gguf_key *key, char *out, size_t cap)
{
    out[0] = '\0';
    if (key == NULL || key->is_array || key->kind != GGUF_STRING) {
        return false;
    }
    size_t len = key->count < cap ? (size_t)key->count : cap - 1;
    memcpy(out, key->at, len);
    out[len] = '\0';
    return true;
}
