#include "gguf/cursor.h"

const unsigned char *gguf_take(struct gguf_cursor *c, uint64_t n)
{
    if (c->failed || n > c->size - c->at) {
        c->failed = true;
        return NULL;
    }
    const unsigned char *p = c->data + c->at;
    c->at += n;
    return p;
}

uint64_t gguf_le(const unsigned char *p, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++) {
        value |= (uint64_t)p[i] << (8 * i);
    }
    return value;
}

uint32_t gguf_u32(struct gguf_cursor *c)
{
    const unsigned char *p = gguf_take(c, 4);
    return p == NULL ? 0 : (uint32_t)gguf_le(p, 4);
}

uint64_t gguf_u64(struct gguf_cursor *c)
{
    const unsigned char *p = gguf_take(c, 8);
    return p == NULL ? 0 : gguf_le(p, 8);
}
