/* Dot products of the codebook types against Q8_K; see neon.h for how this file is used. */
#include "kern_impl.h"
#include "neon.h"

INLINE int8x16_t two_grids(uint64_t low, uint64_t high)
{
    return vreinterpretq_s8_u64(vcombine_u64(vcreate_u64(low), vcreate_u64(high)));
}

INLINE uint64_t pair(uint32_t low, uint32_t high)
{
    return low | (uint64_t)high << 32;
}

INLINE int8x16_t even_signs(unsigned first, unsigned second)
{
    return two_grids(pls_signs[first & 127], pls_signs[second & 127]);
}

/* 16 sign bits as 1 or -1. */
INLINE int8x16_t full_signs(const uint8_t *bits)
{
    return vorrq_s8(vreinterpretq_s8_u8(bits16(pls_load_u16(bits))), vdupq_n_s8(1));
}

/* sum + scale * (grid * signs) . a */
INLINE int32x4_t add16(int32x4_t sum, int8x16_t quants, const int8_t *a, unsigned scale)
{
    return vmlaq_n_s32(sum, dot4(vdupq_n_s32(0), quants, vld1q_s8(a)), (int32_t)scale);
}

float NAME(pls_dot_iq2_xxs)(const void *row, const void *act, size_t n)
{
    const struct pls_iq2_xxs *w = row;
    const uint8_t *a = act;
    float total = 0;
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        const int8_t *q = (const int8_t *)a + AK_QUANTS;
        int32x4_t sum = vdupq_n_s32(0);
        UNROLL(8)
        for (int g = 0; g < 8; g++) {
            const uint8_t *x = w->qs + 8 * g;
            uint32_t rest = pls_load_u32(x + 4);
            unsigned scale = 2 * (rest >> 28) + 1;
            int8x16_t first = two_grids(pls_grid_iq2_xxs[x[0]], pls_grid_iq2_xxs[x[1]]);
            int8x16_t second = two_grids(pls_grid_iq2_xxs[x[2]], pls_grid_iq2_xxs[x[3]]);
            sum = add16(sum, vmulq_s8(first, even_signs(rest, rest >> 7)), q + 32 * g, scale);
            sum = add16(sum, vmulq_s8(second, even_signs(rest >> 14, rest >> 21)), q + 32 * g + 16, scale);
        }
        total += 0.125f * pls_float_at(a) * pls_half_at(w->d) * (float)vaddvq_s32(sum);
    }
    return total;
}

float NAME(pls_dot_iq2_xs)(const void *row, const void *act, size_t n)
{
    const struct pls_iq2_xs *w = row;
    const uint8_t *a = act;
    float total = 0;
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        const int8_t *q = (const int8_t *)a + AK_QUANTS;
        int32x4_t sum = vdupq_n_s32(0);
        UNROLL(16)
        for (int g = 0; g < 16; g++) {
            unsigned x = pls_load_u16(w->qs + 4 * g);
            unsigned y = pls_load_u16(w->qs + 4 * g + 2);
            unsigned scale = 2u * (unsigned)(w->scales[g / 2] >> (4 * (g % 2)) & 15) + 1;
            int8x16_t grid = two_grids(pls_grid_iq2_xs[x & 511], pls_grid_iq2_xs[y & 511]);
            sum = add16(sum, vmulq_s8(grid, even_signs(x >> 9, y >> 9)), q + 16 * g, scale);
        }
        total += 0.125f * pls_float_at(a) * pls_half_at(w->d) * (float)vaddvq_s32(sum);
    }
    return total;
}

float NAME(pls_dot_iq2_s)(const void *row, const void *act, size_t n)
{
    const struct pls_iq2_s *w = row;
    const uint8_t *a = act;
    float total = 0;
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        const int8_t *q = (const int8_t *)a + AK_QUANTS;
        int32x4_t sum = vdupq_n_s32(0);
        UNROLL(16)
        for (int g = 0; g < 16; g++) {
            unsigned high = (unsigned)(w->qh[g / 2] >> (4 * (g % 2)));
            unsigned x = w->qs[2 * g] | (high & 3) << 8;
            unsigned y = w->qs[2 * g + 1] | (high >> 2 & 3) << 8;
            unsigned scale = 2u * (unsigned)(w->scales[g / 2] >> (4 * (g % 2)) & 15) + 1;
            int8x16_t grid = two_grids(pls_grid_iq2_s[x], pls_grid_iq2_s[y]);
            sum = add16(sum, vmulq_s8(grid, full_signs(w->signs + 2 * g)), q + 16 * g, scale);
        }
        total += 0.125f * pls_float_at(a) * pls_half_at(w->d) * (float)vaddvq_s32(sum);
    }
    return total;
}

float NAME(pls_dot_iq3_xxs)(const void *row, const void *act, size_t n)
{
    const struct pls_iq3_xxs *w = row;
    const uint8_t *a = act;
    const uint32_t *grid = pls_grid_iq3_xxs;
    float total = 0;
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        const int8_t *q = (const int8_t *)a + AK_QUANTS;
        int32x4_t sum = vdupq_n_s32(0);
        UNROLL(16)
        for (int g = 0; g < 16; g++) {
            const uint8_t *x = w->qs + 4 * g;
            uint32_t rest = pls_load_u32(w->gas + 4 * (g / 2));
            unsigned shift = 14 * (unsigned)(g % 2);
            int8x16_t v = two_grids(pair(grid[x[0]], grid[x[1]]), pair(grid[x[2]], grid[x[3]]));
            int8x16_t s = even_signs(rest >> shift, rest >> (shift + 7));
            sum = add16(sum, vmulq_s8(v, s), q + 16 * g, 2 * (rest >> 28) + 1);
        }
        total += 0.25f * pls_float_at(a) * pls_half_at(w->d) * (float)vaddvq_s32(sum);
    }
    return total;
}

float NAME(pls_dot_iq3_s)(const void *row, const void *act, size_t n)
{
    const struct pls_iq3_s *w = row;
    const uint8_t *a = act;
    const uint32_t *grid = pls_grid_iq3_s;
    float total = 0;
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        const int8_t *q = (const int8_t *)a + AK_QUANTS;
        int32x4_t sum = vdupq_n_s32(0);
        UNROLL(16)
        for (int g = 0; g < 16; g++) {
            const uint8_t *x = w->qs + 4 * g;
            unsigned h = (unsigned)(w->qh[g / 2] >> (4 * (g % 2)));
            uint64_t low = pair(grid[x[0] | (h & 1) << 8], grid[x[1] | (h & 2) << 7]);
            uint64_t high = pair(grid[x[2] | (h & 4) << 6], grid[x[3] | (h & 8) << 5]);
            unsigned scale = 2u * (unsigned)(w->scales[g / 4] >> (4 * (g / 2 % 2)) & 15) + 1;
            sum = add16(sum, vmulq_s8(two_grids(low, high), full_signs(w->signs + 2 * g)), q + 16 * g, scale);
        }
        total += pls_float_at(a) * pls_half_at(w->d) * (float)vaddvq_s32(sum);
    }
    return total;
}

float NAME(pls_dot_iq1_s)(const void *row, const void *act, size_t n)
{
    const struct pls_iq1_s *w = row;
    const uint8_t *a = act;
    float total = 0;
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        const int8_t *q = (const int8_t *)a + AK_QUANTS;
        int32x4_t sum = vdupq_n_s32(0);
        UNROLL(16)
        for (int g = 0; g < 16; g++) {
            unsigned word = pls_load_u16(w->qh + 2 * (g / 2));
            unsigned high = word >> (6 * (g % 2));
            int8x16_t grid = two_grids(pls_grid_iq1[w->qs[2 * g] | (high & 7) << 8],
                                       pls_grid_iq1[w->qs[2 * g + 1] | (high >> 3 & 7) << 8]);
            int8x16_t shift = vdupq_n_s8((word & 0x8000) != 0 ? -1 : 1);
            sum = add16(sum, vaddq_s8(grid, shift), q + 16 * g, 2 * (word >> 12 & 7) + 1);
        }
        total += 0.125f * pls_float_at(a) * pls_half_at(w->d) * (float)vaddvq_s32(sum);
    }
    return total;
}

float NAME(pls_dot_iq1_m)(const void *row, const void *act, size_t n)
{
    const struct pls_iq1_m *w = row;
    const uint8_t *a = act;
    float total = 0;
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        const int8_t *q = (const int8_t *)a + AK_QUANTS;
        int32x4_t sum = vdupq_n_s32(0);
        unsigned d = 0;
        UNROLL(16)
        for (int g = 0; g < 16; g++) {
            unsigned word = pls_load_u16(w->scales + 2 * (g / 4));
            unsigned h = w->qh[g];
            int8x16_t grid = two_grids(pls_grid_iq1[w->qs[2 * g] | (h & 7) << 8],
                                       pls_grid_iq1[w->qs[2 * g + 1] | (h >> 4 & 7) << 8]);
            int8x8_t first = vdup_n_s8((h & 8) != 0 ? -1 : 1);
            int8x8_t second = vdup_n_s8((h & 128) != 0 ? -1 : 1);
            int8x16_t quants = vaddq_s8(grid, vcombine_s8(first, second));
            sum = add16(sum, quants, q + 16 * g, 2 * (word >> (3 * (g % 4)) & 7) + 1);
            d |= g % 4 == 0 ? (word >> 12) << g : 0; /* nibble g / 4 of the block's half */
        }
        total += 0.125f * pls_float_at(a) * pls_half((uint16_t)d) * (float)vaddvq_s32(sum);
    }
    return total;
}
