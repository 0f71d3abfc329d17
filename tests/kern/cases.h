/* Every kernel of the table against the scalar one of its type, on inputs drawn to break things. Plain C, so that the same
 * cases run under Check on this processor and from a bare main() under an emulator of another one. */
#ifndef TESTS_KERN_CASES_H
#define TESTS_KERN_CASES_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kern/blocks.h"
#include "kern/unpack.h"
#include "plimsoll/kern.h"

/* n_rows of a matrix-vector case is two groups of at most sixteen. */
enum { CASE_RANDOM, CASE_ZERO, CASE_MAX, CASE_SUBNORMAL, CASE_COUNT };
static const char *const case_names[] = { "random", "zero", "max", "subnormal scale" };

#define CASE_BLOCKS_MAX 1024 /* elements of the longest row */
#define CASE_ROWS       19
#define CASE_COLS       9

static uint32_t case_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)(*state >> 32);
}

/* Offsets of the halves in a block, -1 for none. */
static void half_offsets(enum pls_type type, int at[2])
{
    const struct pls_shape *shape = pls_shape(type);
    at[0] = 0;
    at[1] = -1;
    switch ((int)type) {
    case PLS_TYPE_Q4_1: case PLS_TYPE_Q5_1: case PLS_TYPE_Q4_K: case PLS_TYPE_Q5_K: at[1] = 2; break;
    case PLS_TYPE_Q2_K: at[0] = 80; at[1] = 82; break;
    case PLS_TYPE_Q3_K: case PLS_TYPE_Q6_K: case PLS_TYPE_TQ1_0: case PLS_TYPE_TQ2_0: at[0] = shape->bytes - 2; break;
    case PLS_TYPE_MXFP4: case PLS_TYPE_NVFP4: case PLS_TYPE_IQ1_M: case PLS_TYPE_F32: at[0] = -1; break;
    default: break;
    }
}

static void put_half(uint8_t *p, unsigned h)
{
    p[0] = (uint8_t)(h & 255);
    p[1] = (uint8_t)(h >> 8);
}

/* Makes the scales of a block of random bytes what the case wants: everything else may be anything. */
static void set_scales(enum pls_type type, uint8_t *block, int kind, uint64_t *state)
{
    unsigned half = kind == CASE_MAX ? 0x7bff : kind == CASE_SUBNORMAL ? 1 + (case_random(state) & 3)
                                              : 0x2000 + (case_random(state) & 0x9fff);
    int at[2];
    half_offsets(type, at);
    for (int i = 0; i < 2; i++) {
        if (at[i] >= 0) {
            put_half(block + at[i], half);
        }
    }
    if (type == PLS_TYPE_F32) {
        float f = ((float)case_random(state) - 2147483648.0f) * 1e-9f;
        f = kind == CASE_MAX ? 3e18f : kind == CASE_SUBNORMAL ? 1e-40f : f;
        memcpy(block, &f, 4);
    } else if (type == PLS_TYPE_BF16) {
        put_half(block, kind == CASE_MAX ? 0x5eff : kind == CASE_SUBNORMAL ? 3 : 0x3d00 + (case_random(state) & 0x81ff));
    } else if (type == PLS_TYPE_F16 && kind == CASE_MAX) {
        put_half(block, case_random(state) & 1 ? 0x7bff : 0xfbff);
    } else if (type == PLS_TYPE_MXFP4) {
        block[0] = kind == CASE_MAX ? 180 : kind == CASE_SUBNORMAL ? (uint8_t)(case_random(state) & 3)
                                                                   : (uint8_t)(110 + (case_random(state) & 15));
    } else if (type == PLS_TYPE_NVFP4) {
        for (int i = 0; i < 4; i++) {
            block[i] = kind == CASE_MAX ? 0x7e : kind == CASE_SUBNORMAL ? (uint8_t)(case_random(state) & 7) : block[i] & 0x7f;
        }
    } else if (type == PLS_TYPE_IQ1_M) {
        for (int i = 0; i < 4; i++) {
            block[49 + 2 * i] = (uint8_t)((block[49 + 2 * i] & 15) | (half >> (4 * i) & 15) << 4);
        }
    }
}

/* n elements of weights. CASE_MAX sets every quant bit in even blocks and clears it in odd ones. */
static void make_weights(enum pls_type type, int kind, size_t n, uint8_t *out, uint64_t *state)
{
    const struct pls_shape *shape = pls_shape(type);
    for (size_t b = 0; b < n / shape->block; b++, out += shape->bytes) {
        for (size_t i = 0; i < shape->bytes; i++) {
            out[i] = kind == CASE_MAX ? (b % 2 == 0 ? 255 : 0) : kind == CASE_ZERO ? 0 : (uint8_t)case_random(state);
        }
        if (kind != CASE_ZERO) {
            set_scales(type, out, kind, state);
        }
    }
}

static void make_acts(enum pls_type act, int kind, size_t n, uint8_t *out, uint64_t *state)
{
    float x[CASE_BLOCKS_MAX];
    for (size_t i = 0; i < n; i++) {
        float r = ((float)case_random(state) - 2147483648.0f) / 2147483648.0f;
        x[i] = kind == CASE_ZERO && i % 3 == 0 ? 0 : kind == CASE_MAX ? (r < 0 ? -8.0f : 8.0f) : r;
    }
    pls_kern_quantize(act, x, out, n);
}

static size_t row_bytes(enum pls_type type, size_t n)
{
    const struct pls_shape *shape = pls_shape(type);
    return n / shape->block * shape->bytes;
}

/* Magnitude of activation i. */
static double act_at(enum pls_type type, const uint8_t *act, size_t i)
{
    switch ((int)type) {
    case PLS_TYPE_F32: return fabs((double)pls_float_at(act + 4 * i));
    case PLS_TYPE_F16: return fabs((double)pls_half_at(act + 2 * i));
    case PLS_TYPE_BF16: return fabs((double)pls_float_of_bits((uint32_t)pls_load_u16(act + 2 * i) << 16));
    case PLS_TYPE_Q8_0: return (double)pls_half_at(act + i / 32 * 34) * 127;
    case PLS_TYPE_Q8_1: return (double)pls_half_at(act + i / 32 * 36) * 127;
    default: return fabs((double)pls_float_at(act + i / 256 * 292)) * 127;
    }
}

/* What rounding may cost: float additions err by 2^-24 of the magnitudes that are added, and the terms are bounded by
 * weights times activations taken positive; mins enter as terms of their own. */
static double tolerance(enum pls_type type, const uint8_t *row, const uint8_t *act, size_t n)
{
    const struct pls_shape *shape = pls_shape(type);
    float w[CASE_BLOCKS_MAX];
    double sum = 0;
    pls_kern_find(type, PLS_KERN_DEQUANT, 0)->fn.dequant(row, w, n);
    for (size_t b = 0; b < n / shape->block; b++) {
        struct pls_unpacked u = { .min = { 0 } };
        if (shape->unpack != NULL) {
            shape->unpack(row + b * shape->bytes, &u);
        }
        for (size_t i = 0; i < shape->block; i++) {
            double min = 2 * fabs((double)u.min[i / 16]);
            sum += (fabs((double)w[b * shape->block + i]) + min) * act_at(shape->act, act, b * shape->block + i);
        }
    }
    return sum * 3e-6 + 1e-35;
}

/* Sanitizers watch every access of every kernel; results are compared in full without them, and by sample with them, because the
 * scalar reference is slow there. 7 is prime to rows and columns, so that every row and column has its turn. */
#if defined(__SANITIZE_ADDRESS__)
#define CASE_GEMM_STEP 7
#else
#define CASE_GEMM_STEP 1
#endif

struct case_room {
    uint8_t weights[32 * CASE_BLOCKS_MAX * 4 + 64];
    uint8_t acts[CASE_COLS * CASE_BLOCKS_MAX * 4 + 64];
    _Alignas(64) uint8_t packed[32 * CASE_BLOCKS_MAX * 4 + 64];
    float out[CASE_ROWS * CASE_COLS + 32];
};

static int complain(const struct pls_kern *k, int kind, const char *what, double got, double want)
{
    printf("# %s %s %s, %s: %s: got %.9g, scalar says %.9g\n", pls_kern_op_name(k->op), k->name,
           pls_kern_act(k->type) == PLS_TYPE_NONE ? "?" : "", case_names[kind], what, got, want);
    printf("# (type id %d)\n", (int)k->type);
    return 1;
}

static int check_value(const struct pls_kern *k, int kind, const char *what, double got, const uint8_t *row,
                       const uint8_t *act, size_t n)
{
    double want = (double)pls_kern_find(k->type, PLS_KERN_DOT, 0)->fn.dot(row, act, n);
    if (fabs(got - want) <= tolerance(k->type, row, act, n)) {
        return 0;
    }
    return complain(k, kind, what, got, want);
}

/* Rows start at an odd address. */
static int check_dot(const struct pls_kern *k, int kind, size_t n, struct case_room *room, uint64_t *state)
{
    uint8_t *row = room->weights + 1;
    uint8_t *act = room->acts + 1;
    make_weights(k->type, kind, n, row, state);
    make_acts(pls_kern_act(k->type), kind, n, act, state);
    return check_value(k, kind, "dot", (double)k->fn.dot(row, act, n), row, act, n);
}

static int check_dequant(const struct pls_kern *k, int kind, size_t n, struct case_room *room, uint64_t *state)
{
    float got[CASE_BLOCKS_MAX];
    float want[CASE_BLOCKS_MAX];
    make_weights(k->type, kind, n, room->weights + 1, state);
    k->fn.dequant(room->weights + 1, got, n);
    pls_kern_find(k->type, PLS_KERN_DEQUANT, 0)->fn.dequant(room->weights + 1, want, n);
    if (memcmp(got, want, n * sizeof got[0]) != 0) {
        return complain(k, kind, "bits differ", 0, 0);
    }
    return 0;
}

static int check_gemv(const struct pls_kern *k, int kind, size_t n, struct case_room *room, uint64_t *state)
{
    size_t stride = row_bytes(k->type, n);
    size_t n_rows = 2 * (size_t)k->lanes;
    uint8_t *act = room->acts + 1;
    make_acts(pls_kern_act(k->type), kind, n, act, state);
    for (size_t r = 0; r < n_rows; r++) {
        make_weights(k->type, kind, n, room->weights + r * stride, state);
    }
    for (size_t g = 0; g < 2; g++) {
        size_t group = k->lanes * stride;
        k->pack(room->weights + g * group, stride, room->packed + 1 + g * group, n);
    }
    k->fn.gemv(room->packed + 1, act, room->out, n_rows, n);
    int bad = 0;
    for (size_t r = 0; r < n_rows; r++) {
        bad += check_value(k, kind, "gemv", (double)room->out[r], room->weights + r * stride, act, n);
    }
    return bad;
}

static int check_gemm(const struct pls_kern *k, int kind, size_t n, struct case_room *room, uint64_t *state)
{
    size_t stride = row_bytes(k->type, n);
    size_t act_stride = pls_kern_act_bytes(pls_kern_act(k->type), n);
    for (size_t r = 0; r < CASE_ROWS; r++) {
        make_weights(k->type, kind, n, room->weights + r * stride, state);
    }
    for (size_t c = 0; c < CASE_COLS; c++) {
        make_acts(pls_kern_act(k->type), kind, n, room->acts + c * act_stride, state);
    }
    void *scratch = aligned_alloc(64, pls_kern_gemm_scratch(n, CASE_COLS));
    struct pls_gemm_job job = { .weights = room->weights, .weight_stride = stride, .n_rows = CASE_ROWS,
                                .acts = room->acts, .act_stride = act_stride, .n_cols = CASE_COLS, .n = n,
                                .out = room->out, .out_stride = CASE_ROWS, .scratch = scratch };
    room->out[CASE_ROWS * CASE_COLS] = 12345; /* nothing is written behind the last result */
    k->fn.gemm(&job);
    free(scratch);
    int bad = room->out[CASE_ROWS * CASE_COLS] == 12345 ? 0 : complain(k, kind, "wrote too far", 0, 0);
    for (size_t i = 0; i < (size_t)CASE_ROWS * CASE_COLS && bad < 3; i += CASE_GEMM_STEP) {
        size_t r = i % CASE_ROWS;
        size_t c = i / CASE_ROWS;
        bad += check_value(k, kind, "gemm", (double)room->out[i], room->weights + r * stride,
                           room->acts + c * act_stride, n);
    }
    return bad;
}

static int check_read(const struct pls_kern *k, struct case_room *room, uint64_t *state)
{
    const struct pls_kern *scalar = pls_kern_find(PLS_TYPE_I8, PLS_KERN_READ, 0);
    for (size_t i = 0; i < 8192; i++) {
        room->weights[i] = (uint8_t)case_random(state);
    }
    /* Each byte matters: turning any one over changes the result (a sample of them, prime step). */
    uint64_t before = k->fn.read(room->weights, 8192);
    int bad = before == scalar->fn.read(room->weights, 8192) ? 0 : 1;
    for (size_t i = 0; i < 8192; i += 97) {
        room->weights[i] ^= 1;
        bad += k->fn.read(room->weights, 8192) == before;
        room->weights[i] ^= 1;
    }
    return bad;
}

static int check_kernel(const struct pls_kern *k, int kind, size_t n, struct case_room *room, uint64_t *state)
{
    switch (k->op) {
    case PLS_KERN_DEQUANT: return check_dequant(k, kind, n, room, state);
    case PLS_KERN_DOT: return check_dot(k, kind, n, room, state);
    case PLS_KERN_GEMV: return check_gemv(k, kind, n, room, state);
    case PLS_KERN_GEMM: return check_gemm(k, kind, n, room, state);
    case PLS_KERN_READ:
    case PLS_KERN_OP_COUNT: break;
    }
    return kind == CASE_RANDOM ? check_read(k, room, state) : 0;
}

/* Runs all cases of one kernel; returns how many failed. */
static int run_cases(const struct pls_kern *k)
{
    static struct case_room room;
    uint64_t state = 0x9e3779b97f4a7c15u + (uint64_t)k->type * 977 + (uint64_t)k->op;
    const struct pls_shape *shape = pls_shape(k->type);
    int bad = 0;
    for (int kind = 0; kind < CASE_COUNT; kind++) {
        size_t block = shape == NULL ? 32 : shape->block < 32 ? 32 : shape->block;
        size_t lengths[] = { block, 2 * block, 3 * block, CASE_BLOCKS_MAX };
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            bad += check_kernel(k, kind, lengths[i], &room, &state);
        }
    }
    return bad;
}

#endif
