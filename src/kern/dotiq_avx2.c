/* Dot products of the codebook types against Q8_K: four or eight table look-ups make 32 magnitudes, the signs go to the
 * activations, and the rest is as in dotk_avx2.c. Scales are odd numbers 2 s + 1, in units the block's half is divided by. */
#include "codebook.h"
#include "kern_impl.h"
#include "x86.h"

INLINE __m256i grid4(const uint64_t *grid, const unsigned index[4])
{
    return _mm256_setr_epi64x((long long)grid[index[0]], (long long)grid[index[1]], (long long)grid[index[2]],
                              (long long)grid[index[3]]);
}

/* Four times seven bits. */
INLINE __m256i even_signs(uint32_t bits)
{
    const unsigned index[4] = { bits & 127, bits >> 7 & 127, bits >> 14 & 127, bits >> 21 & 127 };
    return grid4(pls_signs, index);
}

/* 32 sign bits to bytes of 1 or -1. */
INLINE __m256i full_signs(const uint8_t *bits)
{
    return _mm256_or_si256(bits32(bits), _mm256_set1_epi8(1));
}

INLINE __m256i signed_pairs(__m256i grid, __m256i signs, const uint8_t *act)
{
    return _mm256_maddubs_epi16(grid, _mm256_sign_epi8(load32(act), signs));
}

/* Two scales for the two lanes: groups of 16. */
INLINE __m256i lanes(unsigned low, unsigned high)
{
    __m128i a = _mm_set1_epi16((short)low);
    return _mm256_inserti128_si256(_mm256_castsi128_si256(a), _mm_set1_epi16((short)high), 1);
}

INLINE __m256i add_scaled(__m256i sum, __m256i pairs, __m256i scale)
{
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, scale));
}

INLINE __m256 add_block(__m256 acc, __m256i a, __m256i b, float d)
{
    return _mm256_fmadd_ps(_mm256_set1_ps(d), _mm256_cvtepi32_ps(_mm256_add_epi32(a, b)), acc);
}

float pls_dot_iq2_xxs_avx2(const void *row, const void *act, size_t n)
{
    const struct pls_iq2_xxs *w = row;
    const uint8_t *a = act;
    __m256 acc = _mm256_setzero_ps();
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        __m256i sum[2] = { _mm256_setzero_si256(), _mm256_setzero_si256() };
        UNROLL(2)
        for (int g = 0; g < 8; g++) {
            uint32_t low = pls_load_u32(w->qs + 8 * g);
            uint32_t rest = pls_load_u32(w->qs + 8 * g + 4);
            const unsigned index[4] = { low & 255, low >> 8 & 255, low >> 16 & 255, low >> 24 };
            __m256i grid = grid4(pls_grid_iq2_xxs, index);
            __m256i p = signed_pairs(grid, even_signs(rest), a + AK_QUANTS + 32 * g);
            sum[g % 2] = add_scaled(sum[g % 2], p, _mm256_set1_epi16((short)(2 * (rest >> 28) + 1)));
        }
        acc = add_block(acc, sum[0], sum[1], pls_float_at(a) * half1(w->d));
    }
    return 0.125f * sum8(acc);
}

float pls_dot_iq2_xs_avx2(const void *row, const void *act, size_t n)
{
    const struct pls_iq2_xs *w = row;
    const uint8_t *a = act;
    __m256 acc = _mm256_setzero_ps();
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        __m256i sum[2] = { _mm256_setzero_si256(), _mm256_setzero_si256() };
        UNROLL(2)
        for (int g = 0; g < 8; g++) {
            uint32_t x = pls_load_u32(w->qs + 8 * g);
            uint32_t y = pls_load_u32(w->qs + 8 * g + 4);
            const unsigned index[4] = { x & 511, x >> 16 & 511, y & 511, y >> 16 & 511 };
            const unsigned sign[4] = { x >> 9 & 127, x >> 25, y >> 9 & 127, y >> 25 };
            __m256i p = signed_pairs(grid4(pls_grid_iq2_xs, index), grid4(pls_signs, sign), a + AK_QUANTS + 32 * g);
            unsigned s = w->scales[g];
            sum[g % 2] = add_scaled(sum[g % 2], p, lanes(2 * (s & 15) + 1, 2 * (s >> 4) + 1));
        }
        acc = add_block(acc, sum[0], sum[1], pls_float_at(a) * half1(w->d));
    }
    return 0.125f * sum8(acc);
}

float pls_dot_iq2_s_avx2(const void *row, const void *act, size_t n)
{
    const struct pls_iq2_s *w = row;
    const uint8_t *a = act;
    __m256 acc = _mm256_setzero_ps();
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        __m256i sum[2] = { _mm256_setzero_si256(), _mm256_setzero_si256() };
        UNROLL(2)
        for (int g = 0; g < 8; g++) {
            unsigned high = w->qh[g];
            const uint8_t *q = w->qs + 4 * g;
            const unsigned index[4] = { q[0] | (high << 8 & 0x300), q[1] | (high << 6 & 0x300),
                                        q[2] | (high << 4 & 0x300), q[3] | (high << 2 & 0x300) };
            __m256i p = signed_pairs(grid4(pls_grid_iq2_s, index), full_signs(w->signs + 4 * g),
                                     a + AK_QUANTS + 32 * g);
            unsigned s = w->scales[g];
            sum[g % 2] = add_scaled(sum[g % 2], p, lanes(2 * (s & 15) + 1, 2 * (s >> 4) + 1));
        }
        acc = add_block(acc, sum[0], sum[1], pls_float_at(a) * half1(w->d));
    }
    return 0.125f * sum8(acc);
}

INLINE __m256i grid8(const uint32_t *grid, const unsigned i[8])
{
    return _mm256_setr_epi32((int)grid[i[0]], (int)grid[i[1]], (int)grid[i[2]], (int)grid[i[3]], (int)grid[i[4]],
                             (int)grid[i[5]], (int)grid[i[6]], (int)grid[i[7]]);
}

float pls_dot_iq3_xxs_avx2(const void *row, const void *act, size_t n)
{
    const struct pls_iq3_xxs *w = row;
    const uint8_t *a = act;
    __m256 acc = _mm256_setzero_ps();
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        __m256i sum[2] = { _mm256_setzero_si256(), _mm256_setzero_si256() };
        UNROLL(2)
        for (int g = 0; g < 8; g++) {
            const uint8_t *q = w->qs + 8 * g;
            const unsigned index[8] = { q[0], q[1], q[2], q[3], q[4], q[5], q[6], q[7] };
            uint32_t rest = pls_load_u32(w->gas + 4 * g);
            __m256i p = signed_pairs(grid8(pls_grid_iq3_xxs, index), even_signs(rest), a + AK_QUANTS + 32 * g);
            sum[g % 2] = add_scaled(sum[g % 2], p, _mm256_set1_epi16((short)(2 * (rest >> 28) + 1)));
        }
        acc = add_block(acc, sum[0], sum[1], pls_float_at(a) * half1(w->d));
    }
    return 0.25f * sum8(acc);
}

float pls_dot_iq3_s_avx2(const void *row, const void *act, size_t n)
{
    const struct pls_iq3_s *w = row;
    const uint8_t *a = act;
    __m256 acc = _mm256_setzero_ps();
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        __m256i sum[2] = { _mm256_setzero_si256(), _mm256_setzero_si256() };
        UNROLL(2)
        for (int g = 0; g < 8; g++) {
            const uint8_t *q = w->qs + 8 * g;
            unsigned h = w->qh[g];
            const unsigned index[8] = { q[0] | (h << 8 & 256), q[1] | (h << 7 & 256), q[2] | (h << 6 & 256),
                                        q[3] | (h << 5 & 256), q[4] | (h << 4 & 256), q[5] | (h << 3 & 256),
                                        q[6] | (h << 2 & 256), q[7] | (h << 1 & 256) };
            __m256i p = signed_pairs(grid8(pls_grid_iq3_s, index), full_signs(w->signs + 4 * g),
                                     a + AK_QUANTS + 32 * g);
            unsigned s = w->scales[g / 2] >> (4 * (g % 2)) & 15;
            sum[g % 2] = add_scaled(sum[g % 2], p, _mm256_set1_epi16((short)(2 * s + 1)));
        }
        acc = add_block(acc, sum[0], sum[1], pls_float_at(a) * half1(w->d));
    }
    return sum8(acc);
}

/* Ternary grids come as -8, 0, 8, with the shift of one either way added: at most 9, so signed pairs fit. */
INLINE __m256i ternary_pairs(__m256i grid, const uint8_t *act)
{
    return pairs_signed(grid, load32(act));
}

float pls_dot_iq1_s_avx2(const void *row, const void *act, size_t n)
{
    const struct pls_iq1_s *w = row;
    const uint8_t *a = act;
    __m256 acc = _mm256_setzero_ps();
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        __m256i sum[2] = { _mm256_setzero_si256(), _mm256_setzero_si256() };
        UNROLL(2)
        for (int g = 0; g < 8; g++) {
            unsigned word = pls_load_u16(w->qh + 2 * g);
            const uint8_t *q = w->qs + 4 * g;
            const unsigned index[4] = { q[0] | (word << 8 & 0x700), q[1] | (word << 5 & 0x700),
                                        q[2] | (word << 2 & 0x700), q[3] | (word >> 1 & 0x700) };
            __m256i shift = _mm256_set1_epi8((word & 0x8000) != 0 ? -1 : 1);
            __m256i grid = _mm256_add_epi8(grid4(pls_grid_iq1, index), shift);
            __m256i p = ternary_pairs(grid, a + AK_QUANTS + 32 * g);
            sum[g % 2] = add_scaled(sum[g % 2], p, _mm256_set1_epi16((short)(2 * (word >> 12 & 7) + 1)));
        }
        acc = add_block(acc, sum[0], sum[1], pls_float_at(a) * half1(w->d));
    }
    return 0.125f * sum8(acc);
}

/* The block's half from the top nibbles of its four scale words. */
INLINE float iq1_m_half(uint64_t scales)
{
    return _cvtsh_ss((unsigned short)_pext_u64(scales, 0xf000f000f000f000));
}

/* -1 or 1 in eight bytes for each of four bits, which lie at 3, 7, 11 and 15. */
INLINE __m256i iq1_m_shift(unsigned word)
{
    const __m256i spread = _mm256_setr_epi64x(0, 0, 0x0101010101010101, 0x0101010101010101);
    const __m256i pick = _mm256_setr_epi64x(0x0808080808080808, (long long)0x8080808080808080, 0x0808080808080808,
                                            (long long)0x8080808080808080);
    __m256i x = _mm256_shuffle_epi8(_mm256_set1_epi16((short)word), spread);
    __m256i set = _mm256_cmpeq_epi8(_mm256_and_si256(x, pick), pick);
    return _mm256_or_si256(set, _mm256_set1_epi8(1));
}

float pls_dot_iq1_m_avx2(const void *row, const void *act, size_t n)
{
    const struct pls_iq1_m *w = row;
    const uint8_t *a = act;
    __m256 acc = _mm256_setzero_ps();
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        __m256i sum[2] = { _mm256_setzero_si256(), _mm256_setzero_si256() };
        uint64_t scales = 0;
        memcpy(&scales, w->scales, 8);
        UNROLL(2)
        for (int g = 0; g < 8; g++) {
            unsigned word = pls_load_u16(w->qh + 2 * g);
            const uint8_t *q = w->qs + 4 * g;
            const unsigned index[4] = { q[0] | (word << 8 & 0x700), q[1] | (word << 4 & 0x700), q[2] | (word & 0x700),
                                        q[3] | (word >> 4 & 0x700) };
            __m256i grid = _mm256_add_epi8(grid4(pls_grid_iq1, index), iq1_m_shift(word));
            __m256i p = ternary_pairs(grid, a + AK_QUANTS + 32 * g);
            unsigned s = (unsigned)(scales >> (16 * (g / 2) + 6 * (g % 2)));
            sum[g % 2] = add_scaled(sum[g % 2], p, lanes(2 * (s & 7) + 1, 2 * (s >> 3 & 7) + 1));
        }
        acc = add_block(acc, sum[0], sum[1], pls_float_at(a) * iq1_m_half(scales));
    }
    return 0.125f * sum8(acc);
}
