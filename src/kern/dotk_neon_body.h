/* Dot products of the super-block types against Q8_K; see neon.h for how this file is used. */
#include "kern_impl.h"
#include "neon.h"

INLINE int8x16_t fields(uint8x16_t x, int shift, int mask)
{
    return vreinterpretq_s8_u8(vandq_u8(vshlq_u8(x, vdupq_n_s8((int8_t)-shift)), vdupq_n_u8((uint8_t)mask)));
}

/* Bit g of every byte to bit `to`. */
INLINE int8x16_t bit_to(uint8x16_t x, int g, int to)
{
    uint8x16_t moved = vshlq_u8(x, vdupq_n_s8((int8_t)(to - g)));
    return vreinterpretq_s8_u8(vandq_u8(moved, vdupq_n_u8((uint8_t)(1 << to))));
}

/* Sixteen scales or mins against sixteen sums of 16. */
INLINE int32_t with_sums(const int16_t *m, const uint8_t *a)
{
    const int16x8_t first = vreinterpretq_s16_u8(vld1q_u8(a + AK_SUMS));
    const int16x8_t second = vreinterpretq_s16_u8(vld1q_u8(a + AK_SUMS + 16));
    int32x4_t sum = vmull_s16(vld1_s16(m), vget_low_s16(first));
    sum = vmlal_s16(sum, vld1_s16(m + 4), vget_high_s16(first));
    sum = vmlal_s16(sum, vld1_s16(m + 8), vget_low_s16(second));
    sum = vmlal_s16(sum, vld1_s16(m + 12), vget_high_s16(second));
    return vaddvq_s32(sum);
}

struct scales_k {
    uint8_t scale[8];
    int16_t min[16]; /* each twice: sums are of 16, groups of 32 */
};

INLINE struct scales_k scales_k_of(const uint8_t *s)
{
    struct scales_k k;
    for (int g = 0; g < 8; g++) {
        uint8_t min = 0;
        pls_scale_min(s, g, &k.scale[g], &min);
        k.min[2 * g] = k.min[2 * g + 1] = min;
    }
    return k;
}

float NAME(pls_dot_q4_k)(const void *row, const void *act, size_t n)
{
    const struct pls_q4_k *w = row;
    const uint8_t *a = act;
    float total = 0;
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        struct scales_k k = scales_k_of(w->scales);
        const int8_t *q = (const int8_t *)a + AK_QUANTS;
        int32x4_t sum = vdupq_n_s32(0);
        UNROLL(4)
        for (int j = 0; j < 4; j++) {
            struct q32 x = nibbles(w->qs + 32 * j);
            struct q32 y = nibbles(w->qs + 32 * j + 16);
            sum = vmlaq_n_s32(sum, dot32((struct q32){ x.low, y.low }, q + 64 * j), k.scale[2 * j]);
            sum =
                vmlaq_n_s32(sum, dot32((struct q32){ x.high, y.high }, q + 64 * j + 32), k.scale[2 * j + 1]);
        }
        float all = pls_half_at(w->d) * (float)vaddvq_s32(sum);
        total += pls_float_at(a) * (all - pls_half_at(w->dmin) * (float)with_sums(k.min, a));
    }
    return total;
}

float NAME(pls_dot_q5_k)(const void *row, const void *act, size_t n)
{
    const struct pls_q5_k *w = row;
    const uint8_t *a = act;
    float total = 0;
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        struct scales_k k = scales_k_of(w->scales);
        const int8_t *q = (const int8_t *)a + AK_QUANTS;
        uint8x16_t h0 = vld1q_u8(w->qh);
        uint8x16_t h1 = vld1q_u8(w->qh + 16);
        int32x4_t sum = vdupq_n_s32(0);
        UNROLL(4)
        for (int j = 0; j < 4; j++) {
            struct q32 x = nibbles(w->qs + 32 * j);
            struct q32 y = nibbles(w->qs + 32 * j + 16);
            struct q32 low = { vorrq_s8(x.low, bit_to(h0, 2 * j, 4)), vorrq_s8(y.low, bit_to(h1, 2 * j, 4)) };
            struct q32 high = { vorrq_s8(x.high, bit_to(h0, 2 * j + 1, 4)),
                                vorrq_s8(y.high, bit_to(h1, 2 * j + 1, 4)) };
            sum = vmlaq_n_s32(sum, dot32(low, q + 64 * j), k.scale[2 * j]);
            sum = vmlaq_n_s32(sum, dot32(high, q + 64 * j + 32), k.scale[2 * j + 1]);
        }
        float all = pls_half_at(w->d) * (float)vaddvq_s32(sum);
        total += pls_float_at(a) * (all - pls_half_at(w->dmin) * (float)with_sums(k.min, a));
    }
    return total;
}

INLINE int32x4_t add16(int32x4_t sum, int8x16_t q, const int8_t *a, int32_t scale)
{
    return vmlaq_n_s32(sum, dot4(vdupq_n_s32(0), q, vld1q_s8(a)), scale);
}

float NAME(pls_dot_q6_k)(const void *row, const void *act, size_t n)
{
    const struct pls_q6_k *w = row;
    const uint8_t *a = act;
    const int8x16_t offset = vdupq_n_s8(32);
    float total = 0;
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        const int8_t *q = (const int8_t *)a + AK_QUANTS;
        int32x4_t sum = vdupq_n_s32(0);
        UNROLL(16)
        for (int g = 0; g < 16; g++) {
            int half = g / 8;
            int j = g % 8 / 2; /* field of the top bits */
            int part = g % 2;
            uint8x16_t low = vld1q_u8(w->ql + 64 * half + 32 * (j % 2) + 16 * part);
            uint8x16_t high = vld1q_u8(w->qh + 32 * half + 16 * part);
            int8x16_t top = vshlq_n_s8(fields(high, 2 * j, 3), 4);
            int8x16_t x = vsubq_s8(vorrq_s8(fields(low, 4 * (j / 2), 15), top), offset);
            sum = add16(sum, x, q + 16 * g, w->scales[g]);
        }
        total += pls_float_at(a) * pls_half_at(w->d) * (float)vaddvq_s32(sum);
    }
    return total;
}

float NAME(pls_dot_q2_k)(const void *row, const void *act, size_t n)
{
    const struct pls_q2_k *w = row;
    const uint8_t *a = act;
    float total = 0;
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        const int8_t *q = (const int8_t *)a + AK_QUANTS;
        int16_t min[16];
        int32x4_t sum = vdupq_n_s32(0);
        UNROLL(16)
        for (int g = 0; g < 16; g++) {
            uint8x16_t bits = vld1q_u8(w->qs + 32 * (g / 8) + 16 * (g % 2));
            sum = add16(sum, fields(bits, 2 * (g % 8 / 2), 3), q + 16 * g, w->scales[g] & 15);
            min[g] = w->scales[g] >> 4;
        }
        float all = pls_half_at(w->d) * (float)vaddvq_s32(sum);
        total += pls_float_at(a) * (all - pls_half_at(w->dmin) * (float)with_sums(min, a));
    }
    return total;
}

float NAME(pls_dot_q3_k)(const void *row, const void *act, size_t n)
{
    const struct pls_q3_k *w = row;
    const uint8_t *a = act;
    float total = 0;
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        const int8_t *q = (const int8_t *)a + AK_QUANTS;
        int32x4_t sum = vdupq_n_s32(0);
        UNROLL(16)
        for (int g = 0; g < 16; g++) {
            uint8x16_t bits = vld1q_u8(w->qs + 32 * (g / 8) + 16 * (g % 2));
            uint8x16_t mask = vld1q_u8(w->hmask + 16 * (g % 2));
            int8x16_t x = vorrq_s8(fields(bits, 2 * (g % 8 / 2), 3), bit_to(mask, g / 2, 2));
            sum = add16(sum, vsubq_s8(x, vdupq_n_s8(4)), q + 16 * g, pls_q3_k_scale(w->scales, g) - 32);
        }
        total += pls_float_at(a) * pls_half_at(w->d) * (float)vaddvq_s32(sum);
    }
    return total;
}

float NAME(pls_dot_iq4_xs)(const void *row, const void *act, size_t n)
{
    const struct pls_iq4_xs *w = row;
    const uint8_t *a = act;
    float total = 0;
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        const int8_t *q = (const int8_t *)a + AK_QUANTS;
        unsigned high = pls_load_u16(w->scales_h);
        int32x4_t sum = vdupq_n_s32(0);
        UNROLL(8)
        for (int g = 0; g < 8; g++) {
            int scale = (w->scales_l[g / 2] >> (4 * (g % 2)) & 15) | (int)(high >> (2 * g) & 3) << 4;
            struct q32 x = through(pls_curve_iq4, nibbles(w->qs + 16 * g));
            sum = vmlaq_n_s32(sum, dot32(x, q + 32 * g), scale - 32);
        }
        total += pls_float_at(a) * pls_half_at(w->d) * (float)vaddvq_s32(sum);
    }
    return total;
}

float NAME(pls_dot_tq2_0)(const void *row, const void *act, size_t n)
{
    const struct pls_tq2_0 *w = row;
    const uint8_t *a = act;
    float total = 0;
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        const int8_t *q = (const int8_t *)a + AK_QUANTS;
        int32x4_t sum = vdupq_n_s32(0);
        UNROLL(16)
        for (int g = 0; g < 16; g++) {
            int8x16_t x = fields(vld1q_u8(w->qs + 32 * (g / 8) + 16 * (g % 2)), 2 * (g % 8 / 2), 3);
            sum = dot4(sum, vsubq_s8(x, vdupq_n_s8(1)), vld1q_s8(q + 16 * g));
        }
        total += pls_float_at(a) * pls_half_at(w->d) * (float)vaddvq_s32(sum);
    }
    return total;
}
