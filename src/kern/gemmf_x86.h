/* A tile kept in registers, and the columns it wants, for one width of x86 vectors. Included by the files
 * gemmf_*.c once they have said ROWS, COLS (two vectors), VEC, LANES, LOAD, STORE and step(), which adds one
 * word of each row. */
#ifndef PLIMSOLL_KERN_GEMMF_X86_H
#define PLIMSOLL_KERN_GEMMF_X86_H

#include "gemmf.h"
#include "unpack_x86.h"

static void tile(const struct pls_gemmf_tile *t)
{
    VEC acc[ROWS][2];
    UNROLL(8)
    for (size_t r = 0; r < ROWS; r++) {
        acc[r][0] = LOAD(t->sums + r * COLS);
        acc[r][1] = LOAD(t->sums + r * COLS + LANES);
    }
    for (size_t k = 0; k < t->n; k += 4) {
        UNROLL(4)
        for (size_t i = 0; i < 4; i++) {
            step(t->rows + 4 * (k + i), t->cols + 4 * COLS * (k + i), acc);
        }
    }
    UNROLL(8)
    for (size_t r = 0; r < ROWS; r++) {
        STORE(t->sums + r * COLS, acc[r][0]);
        STORE(t->sums + r * COLS + LANES, acc[r][1]);
    }
}

static void interleave(const uint8_t *cols, size_t stride, size_t n, uint8_t *out)
{
    for (size_t c = 0; c < COLS; c += 8) {
        for (size_t k = 0; k < n; k += 8) {
            transpose8(cols + c * stride + k * 4, stride, out + (k * COLS + c) * 4, COLS * 4);
        }
    }
}

#endif
