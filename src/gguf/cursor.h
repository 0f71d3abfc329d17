/* gguf/cursor.h - reading little-endian values from bytes that may end anywhere or claim anything.
 *
 * A cursor that has failed stays failed and yields zeros, so a parser may read a whole record and ask once.
 */
#ifndef GGUF_CURSOR_H
#define GGUF_CURSOR_H

#include "plimsoll/base.h"

struct gguf_cursor {
    const unsigned char *data;
    uint64_t size;
    uint64_t at;
    bool failed; /* something lay past the end */
};

/* Pointer to n bytes and moves past them; NULL, and failed, when they are not all there. */
const unsigned char *gguf_take(struct gguf_cursor *c, uint64_t n);
uint32_t gguf_u32(struct gguf_cursor *c);
uint64_t gguf_u64(struct gguf_cursor *c);
/* Little-endian unsigned value of 1, 2, 4 or 8 bytes at p. */
uint64_t gguf_le(const unsigned char *p, unsigned bytes);

#endif
