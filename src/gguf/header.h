/* gguf/header.h - the header of one GGUF file as it lies in the mapping: keys and tensor infos, nothing
 * interpreted.
 *
 * Layout (GGUF versions 2 and 3, little endian): magic, u32 version, u64 tensors, u64 keys; keys as string,
 * u32 type, value; tensor infos as string, u32 dims, u64 each, u32 type, u64 offset into the data section,
 * which starts at the next multiple of general.alignment. Source: the GGUF specification of ggml.
 */
#ifndef GGUF_HEADER_H
#define GGUF_HEADER_H

#include "gguf/cursor.h"
#include "plimsoll/tensor.h"

enum gguf_kind {
    GGUF_U8 = 0,
    GGUF_I8,
    GGUF_U16,
    GGUF_I16,
    GGUF_U32,
    GGUF_I32,
    GGUF_F32,
    GGUF_BOOL,
    GGUF_STRING,
    GGUF_ARRAY,
    GGUF_U64,
    GGUF_I64,
    GGUF_F64,
    GGUF_KINDS,
};

/* A key; name and value point into the mapping and are not NUL-terminated. */
struct gguf_key {
    const char *name;
    uint32_t name_len;
    enum gguf_kind kind; /* of the value, or of the elements */
    bool is_array;
    uint64_t count;          /* elements; 1 for a scalar; bytes of a scalar string */
    const unsigned char *at; /* first value byte (string: its bytes) */
};

struct gguf_header {
    uint32_t version;
    uint32_t n_keys;
    struct gguf_key *keys;
    uint32_t n_tensors;
    struct pls_tensor *tensors; /* name, dims and type set; in file order */
    uint64_t data_start;        /* file offset of the data section */
    uint64_t data_bytes;        /* end of the furthest tensor, from data_start */
    uint32_t n_unknown_types;   /* tensors of a type newer than this program */
};

/* Parses the mapped bytes; arrays go into the arena. path is for the sentence only. */
enum pls_code gguf_header_parse(const char *path, const unsigned char *data, uint64_t size,
                                struct pls_arena *arena, struct gguf_header *out, struct pls_err *err);

/* Look-ups by full name, NULL when absent. Values of any integer kind as a number; false when absent,
 * negative or of another kind. */
const struct gguf_key *gguf_find(const struct gguf_header *h, const char *name);
bool gguf_number(const struct gguf_key *key, uint64_t index, uint64_t *out);
bool gguf_real(const struct gguf_key *key, double *out);
bool gguf_string(const struct gguf_key *key, char *out, size_t cap);

#endif
