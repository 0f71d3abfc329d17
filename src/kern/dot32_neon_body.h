/* Dot products of the types with 32 or 64 elements per block; see neon.h for how this file is used. */
#include "kern_impl.h"
#include "neon.h"

typedef struct q32 quants_fn(const uint8_t *block);
typedef float scale_fn(const uint8_t *block);

INLINE float dot_blocks(const void *row, const void *act, size_t n, size_t bytes, quants_fn *quants,
                        scale_fn *scale)
{
    const uint8_t *w = row;
    const struct pls_q8_0 *a = act;
    float32x4_t even = vdupq_n_f32(0);
    float32x4_t odd = vdupq_n_f32(0);
    for (; n >= 64; n -= 64, w += 2 * bytes, a += 2) {
        even = scaled_add(even, dot32(quants(w), a[0].qs), scale(w) * pls_half_at(a[0].d));
        odd = scaled_add(odd, dot32(quants(w + bytes), a[1].qs), scale(w + bytes) * pls_half_at(a[1].d));
    }
    if (n > 0) {
        even = scaled_add(even, dot32(quants(w), a->qs), scale(w) * pls_half_at(a->d));
    }
    return vaddvq_f32(vaddq_f32(even, odd));
}

/* The same against Q8_1, whose blocks bring d times their sum along for the min. */
INLINE float dot_blocks_min(const void *row, const void *act, size_t n, size_t bytes, quants_fn *quants)
{
    const uint8_t *w = row;
    const struct pls_q8_1 *a = act;
    float32x4_t even = vdupq_n_f32(0);
    float32x4_t odd = vdupq_n_f32(0);
    float mins[2] = { 0, 0 };
    for (; n >= 64; n -= 64, w += 2 * bytes, a += 2) {
        const uint8_t *v = w + bytes;
        even = scaled_add(even, dot32(quants(w), a[0].qs), pls_half_at(w) * pls_half_at(a[0].d));
        odd = scaled_add(odd, dot32(quants(v), a[1].qs), pls_half_at(v) * pls_half_at(a[1].d));
        mins[0] += pls_half_at(w + 2) * pls_half_at(a[0].s);
        mins[1] += pls_half_at(v + 2) * pls_half_at(a[1].s);
    }
    if (n > 0) {
        even = scaled_add(even, dot32(quants(w), a->qs), pls_half_at(w) * pls_half_at(a->d));
        mins[0] += pls_half_at(w + 2) * pls_half_at(a->s);
    }
    return vaddvq_f32(vaddq_f32(even, odd)) + mins[0] + mins[1];
}

INLINE struct q32 q4_0_quants(const uint8_t *b)
{
    return less(nibbles(b + 2), 8);
}

INLINE struct q32 q4_1_quants(const uint8_t *b)
{
    return nibbles(b + 4);
}

INLINE struct q32 fives(const uint8_t *qs, const uint8_t *qh)
{
    struct q32 q = nibbles(qs);
    uint32_t high = pls_load_u32(qh);
    uint8x16_t fifth = vdupq_n_u8(16);
    q.low = vorrq_s8(q.low, vreinterpretq_s8_u8(vandq_u8(bits16(high & 0xffff), fifth)));
    q.high = vorrq_s8(q.high, vreinterpretq_s8_u8(vandq_u8(bits16(high >> 16), fifth)));
    return q;
}

INLINE struct q32 q5_0_quants(const uint8_t *b)
{
    return less(fives(b + 6, b + 2), 16);
}

INLINE struct q32 q5_1_quants(const uint8_t *b)
{
    return fives(b + 8, b + 4);
}

INLINE struct q32 q8_0_quants(const uint8_t *b)
{
    return (struct q32){ vld1q_s8((const int8_t *)b + 2), vld1q_s8((const int8_t *)b + 18) };
}

INLINE struct q32 iq4_nl_quants(const uint8_t *b)
{
    return through(pls_curve_iq4, nibbles(b + 2));
}

INLINE struct q32 mxfp4_quants(const uint8_t *b)
{
    return through(pls_curve_fp4, nibbles(b + 1));
}

INLINE float e8m0_scale(const uint8_t *b)
{
    return pls_e8m0_half(*b);
}

#define DOT(lower, bytes, quants, scale)                                                                     \
    float NAME(pls_dot_##lower)(const void *row, const void *act, size_t n)                                  \
    {                                                                                                        \
        return dot_blocks(row, act, n, bytes, quants, scale);                                                \
    }
DOT(q4_0, sizeof(struct pls_q4_0), q4_0_quants, pls_half_at)
DOT(q5_0, sizeof(struct pls_q5_0), q5_0_quants, pls_half_at)
DOT(q8_0, sizeof(struct pls_q8_0), q8_0_quants, pls_half_at)
DOT(iq4_nl, sizeof(struct pls_q4_0), iq4_nl_quants, pls_half_at)
DOT(mxfp4, sizeof(struct pls_mxfp4), mxfp4_quants, e8m0_scale)

float NAME(pls_dot_q4_1)(const void *row, const void *act, size_t n)
{
    return dot_blocks_min(row, act, n, sizeof(struct pls_q4_1), q4_1_quants);
}

float NAME(pls_dot_q5_1)(const void *row, const void *act, size_t n)
{
    return dot_blocks_min(row, act, n, sizeof(struct pls_q5_1), q5_1_quants);
}

/* Groups of 16: eight bytes, low nibbles first. */
float NAME(pls_dot_nvfp4)(const void *row, const void *act, size_t n)
{
    const struct pls_nvfp4 *w = row;
    const struct pls_q8_0 *a = act;
    float32x4_t acc = vdupq_n_f32(0);
    for (size_t i = 0; i < n / 64; i++) {
        UNROLL(4)
        for (size_t g = 0; g < 4; g++) {
            uint8x8_t x = vld1_u8(w[i].qs + 8 * g);
            uint8x16_t q = vcombine_u8(vand_u8(x, vdup_n_u8(15)), vshr_n_u8(x, 4));
            const struct pls_q8_0 *block = &a[2 * i + g / 2];
            int8x16_t quants = vqtbl1q_s8(vld1q_s8(pls_curve_fp4), q);
            int32x4_t sum = dot4(vdupq_n_s32(0), quants, vld1q_s8(block->qs + 16 * (g % 2)));
            acc = scaled_add(acc, sum, pls_e4m3_half(w[i].d[g]) * pls_half_at(block->d));
        }
    }
    return vaddvq_f32(acc);
}
