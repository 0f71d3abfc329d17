/* Builds small GGUF files in memory for tests, right or wrong on purpose. */
#ifndef GGUF_MAKER_H
#define GGUF_MAKER_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct maker {
    unsigned char bytes[65536];
    size_t n;
    uint64_t data; /* bytes of tensor data so far */
    uint64_t n_tensors, n_keys;
};

static inline void maker_put(struct maker *m, uint64_t value, unsigned width)
{
    for (unsigned i = 0; i < width && m->n < sizeof(m->bytes); i++) {
        m->bytes[m->n++] = (unsigned char)(value >> (8 * i));
    }
}

static inline void maker_text(struct maker *m, const char *text)
{
    maker_put(m, strlen(text), 8);
    for (; *text != '\0'; text++) {
        maker_put(m, (unsigned char)*text, 1);
    }
}

static inline void maker_start(struct maker *m, uint32_t version, uint64_t tensors, uint64_t keys)
{
    memset(m, 0, sizeof(*m));
    memcpy(m->bytes, "GGUF", 4);
    m->n = 4;
    maker_put(m, version, 4);
    maker_put(m, tensors, 8);
    maker_put(m, keys, 8);
}

static inline void maker_u32(struct maker *m, const char *key, uint32_t value)
{
    maker_text(m, key);
    maker_put(m, 4, 4);
    maker_put(m, value, 4);
}

static inline void maker_string(struct maker *m, const char *key, const char *value)
{
    maker_text(m, key);
    maker_put(m, 8, 4);
    maker_text(m, value);
}

static inline void maker_tensor(struct maker *m, const char *name, uint64_t ne0, uint64_t ne1, uint32_t type, uint64_t bytes)
{
    maker_text(m, name);
    maker_put(m, ne1 > 0 ? 2 : 1, 4);
    maker_put(m, ne0, 8);
    if (ne1 > 0) {
        maker_put(m, ne1, 8);
    }
    maker_put(m, type, 4);
    maker_put(m, m->data, 8);
    m->data += (bytes + 31) / 32 * 32;
}

/* A one-layer llama of width 64: 1 + 1 + 9 tensors, all F16 (norms F32). */
static inline void maker_llama(struct maker *m)
{
    static const char *const square[] = { "attn_q", "attn_k", "attn_v", "attn_output" };
    maker_start(m, 3, 11, 8);
    maker_string(m, "general.architecture", "llama");
    maker_string(m, "general.name", "Tiny \x1b[31m");
    maker_u32(m, "llama.block_count", 1);
    maker_u32(m, "llama.context_length", 2048);
    maker_u32(m, "llama.embedding_length", 64);
    maker_u32(m, "llama.feed_forward_length", 128);
    maker_u32(m, "llama.attention.head_count", 4);
    maker_u32(m, "general.file_type", 1);
    maker_tensor(m, "token_embd.weight", 64, 100, 1, 64 * 100 * 2);
    maker_tensor(m, "output_norm.weight", 64, 0, 0, 64 * 4);
    for (size_t i = 0; i < 4; i++) {
        char name[64];
        snprintf(name, sizeof(name), "blk.0.%s.weight", square[i]);
        maker_tensor(m, name, 64, 64, 1, 64 * 64 * 2);
    }
    maker_tensor(m, "blk.0.attn_norm.weight", 64, 0, 0, 64 * 4);
    maker_tensor(m, "blk.0.ffn_norm.weight", 64, 0, 0, 64 * 4);
    maker_tensor(m, "blk.0.ffn_gate.weight", 64, 128, 1, 64 * 128 * 2);
    maker_tensor(m, "blk.0.ffn_up.weight", 64, 128, 1, 64 * 128 * 2);
    maker_tensor(m, "blk.0.ffn_down.weight", 128, 64, 1, 64 * 128 * 2);
}

/* Writes header, padding and a hole for the data; cut bytes are left off the end. */
static inline void maker_write(const struct maker *m, const char *path, uint64_t cut)
{
    uint64_t size = (m->n + 31) / 32 * 32 + m->data - cut;
    FILE *f = fopen(path, "wb");
    if (f == NULL || fwrite(m->bytes, 1, m->n < size ? m->n : size, f) == 0) {
        abort();
    }
    for (uint64_t at = m->n; at < size; at++) {
        fputc(0, f);
    }
    fclose(f);
}

#endif
