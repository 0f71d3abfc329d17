/* Dot products of the codebook types against Q8_K: four or eight table look-ups make 32 magnitudes, the signs
 * go to the activations, and the rest is as in dotk_avx2.c. Scales are odd numbers 2 s + 1, in units the
 * block's half is divided by. */
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

/* Eight bytes of two nibbles to sixteen odd scales: low nibble first. */
INLINE struct scales16x2 odd_scales(const uint8_t *nibbles)
{
    uint64_t bytes;
    memcpy(&bytes, nibbles, 8);
    __m128i low = _mm_cvtsi64_si128((long long)(bytes & 0x0f0f0f0f0f0f0f0f));
    __m128i high = _mm_cvtsi64_si128((long long)(bytes >> 4 & 0x0f0f0f0f0f0f0f0f));
    __m128i all = _mm_unpacklo_epi8(low, high);
    return scales16_of(_mm_add_epi8(_mm_add_epi8(all, all), _mm_set1_epi8(1)));
}

/* Scale 2 s + 1 from the top four bits of 32-bit word i, as a 16-bit number in every place. */
INLINE __m256i top_scales(__m256i words)
{
    __m256i s = _mm256_srli_epi32(words, 28);
    s = _mm256_add_epi32(_mm256_add_epi32(s, s), _mm256_set1_epi32(1));
    return _mm256_or_si256(s, _mm256_slli_epi32(s, 16));
}

INLINE __m256i word32(__m256i words, int i)
{
    return _mm256_permutevar8x32_epi32(words, _mm256_set1_epi32(i));
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
        ask_ahead(w, sizeof *w);
        __m256i sum[2] = { _mm256_setzero_si256(), _mm256_setzero_si256() };
        /* Every second word of the block has a scale: groups come out in the order 0 1 4 5 2 3 6 7. */
        __m256 odd = _mm256_shuffle_ps(_mm256_castsi256_ps(load32(w->qs)),
                                       _mm256_castsi256_ps(load32(w->qs + 32)), 0xdd);
        __m256i scales = top_scales(_mm256_castps_si256(odd));
        UNROLL(8)
        for (int g = 0; g < 8; g++) {
            uint32_t low = pls_load_u32(w->qs + 8 * g);
            uint32_t rest = pls_load_u32(w->qs + 8 * g + 4);
            const unsigned index[4] = { low & 255, low >> 8 & 255, low >> 16 & 255, low >> 24 };
            __m256i grid = grid4(pls_grid_iq2_xxs, index);
            __m256i p = signed_pairs(grid, even_signs(rest), a + AK_QUANTS + 32 * g);
            int place = g % 2 | (g & 2) << 1 | (g & 4) >> 1;
            sum[g % 2] = add_scaled(sum[g % 2], p, word32(scales, place));
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
        ask_ahead(w, sizeof *w);
        __m256i sum[2] = { _mm256_setzero_si256(), _mm256_setzero_si256() };
        struct scales16x2 scales = odd_scales(w->scales);
        UNROLL(8)
        for (int g = 0; g < 8; g++) {
            uint32_t x = pls_load_u32(w->qs + 8 * g);
            uint32_t y = pls_load_u32(w->qs + 8 * g + 4);
            const unsigned index[4] = { x & 511, x >> 16 & 511, y & 511, y >> 16 & 511 };
            const unsigned sign[4] = { x >> 9 & 127, x >> 25, y >> 9 & 127, y >> 25 };
            __m256i p =
                signed_pairs(grid4(pls_grid_iq2_xs, index), grid4(pls_signs, sign), a + AK_QUANTS + 32 * g);
            __m256i half = g < 4 ? scales.low : scales.high;
            sum[g % 2] = _mm256_add_epi32(sum[g % 2], scaled(half, words_of_lanes(g % 4), p));
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
        ask_ahead(w, sizeof *w);
        __m256i sum[2] = { _mm256_setzero_si256(), _mm256_setzero_si256() };
        struct scales16x2 scales = odd_scales(w->scales);
        UNROLL(8)
        for (int g = 0; g < 8; g++) {
            unsigned high = w->qh[g];
            const uint8_t *q = w->qs + 4 * g;
            const unsigned index[4] = { q[0] | (high << 8 & 0x300), q[1] | (high << 6 & 0x300),
                                        q[2] | (high << 4 & 0x300), q[3] | (high << 2 & 0x300) };
            __m256i p = signed_pairs(grid4(pls_grid_iq2_s, index), full_signs(w->signs + 4 * g),
                                     a + AK_QUANTS + 32 * g);
            __m256i half = g < 4 ? scales.low : scales.high;
            sum[g % 2] = _mm256_add_epi32(sum[g % 2], scaled(half, words_of_lanes(g % 4), p));
        }
        acc = add_block(acc, sum[0], sum[1], pls_float_at(a) * half1(w->d));
    }
    return 0.125f * sum8(acc);
}

INLINE __m256i grid8(const uint32_t *grid, const unsigned i[8])
{
    return _mm256_setr_epi32((int)grid[i[0]], (int)grid[i[1]], (int)grid[i[2]], (int)grid[i[3]],
                             (int)grid[i[4]], (int)grid[i[5]], (int)grid[i[6]], (int)grid[i[7]]);
}

float pls_dot_iq3_xxs_avx2(const void *row, const void *act, size_t n)
{
    const struct pls_iq3_xxs *w = row;
    const uint8_t *a = act;
    __m256 acc = _mm256_setzero_ps();
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        ask_ahead(w, sizeof *w);
        __m256i sum[2] = { _mm256_setzero_si256(), _mm256_setzero_si256() };
        __m256i scales = top_scales(load32(w->gas));
        UNROLL(8)
        for (int g = 0; g < 8; g++) {
            const uint8_t *q = w->qs + 8 * g;
            const unsigned index[8] = { q[0], q[1], q[2], q[3], q[4], q[5], q[6], q[7] };
            uint32_t rest = pls_load_u32(w->gas + 4 * g);
            __m256i p =
                signed_pairs(grid8(pls_grid_iq3_xxs, index), even_signs(rest), a + AK_QUANTS + 32 * g);
            sum[g % 2] = add_scaled(sum[g % 2], p, word32(scales, g));
        }
        acc = add_block(acc, sum[0], sum[1], pls_float_at(a) * half1(w->d));
    }
    return 0.25f * sum8(acc);
}

/* Eight nibbles to eight odd 16-bit scales. */
INLINE __m256i iq3_s_scales(uint32_t nibbles)
{
    __m128i bytes = _mm_cvtsi64_si128((long long)_pdep_u64(nibbles, 0x0f0f0f0f0f0f0f0f));
    __m128i words = _mm_cvtepu8_epi16(bytes);
    return twice(_mm_add_epi16(_mm_add_epi16(words, words), _mm_set1_epi16(1)));
}

float pls_dot_iq3_s_avx2(const void *row, const void *act, size_t n)
{
    const struct pls_iq3_s *w = row;
    const uint8_t *a = act;
    __m256 acc = _mm256_setzero_ps();
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        ask_ahead(w, sizeof *w);
        __m256i sum[2] = { _mm256_setzero_si256(), _mm256_setzero_si256() };
        __m256i scales = iq3_s_scales(pls_load_u32(w->scales));
        UNROLL(8)
        for (int g = 0; g < 8; g++) {
            const uint8_t *q = w->qs + 8 * g;
            unsigned h = w->qh[g];
            const unsigned index[8] = { q[0] | (h << 8 & 256), q[1] | (h << 7 & 256), q[2] | (h << 6 & 256),
                                        q[3] | (h << 5 & 256), q[4] | (h << 4 & 256), q[5] | (h << 3 & 256),
                                        q[6] | (h << 2 & 256), q[7] | (h << 1 & 256) };
            __m256i p = signed_pairs(grid8(pls_grid_iq3_s, index), full_signs(w->signs + 4 * g),
                                     a + AK_QUANTS + 32 * g);
            sum[g % 2] = _mm256_add_epi32(sum[g % 2], scaled(scales, word_of_lane(g), p));
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
        ask_ahead(w, sizeof *w);
        __m256i sum[2] = { _mm256_setzero_si256(), _mm256_setzero_si256() };
        __m128i words = load16(w->qh);
        __m128i odd = _mm_and_si128(_mm_srli_epi16(words, 11), _mm_set1_epi16(14));
        __m256i scales = twice(_mm_or_si128(odd, _mm_set1_epi16(1)));
        __m256i shifts = twice(_mm_or_si128(_mm_srai_epi16(words, 15), _mm_set1_epi8(1)));
        UNROLL(8)
        for (int g = 0; g < 8; g++) {
            unsigned word = pls_load_u16(w->qh + 2 * g);
            const uint8_t *q = w->qs + 4 * g;
            const unsigned index[4] = { q[0] | (word << 8 & 0x700), q[1] | (word << 5 & 0x700),
                                        q[2] | (word << 2 & 0x700), q[3] | (word >> 1 & 0x700) };
            __m256i shift = _mm256_shuffle_epi8(shifts, word_of_lane(g));
            __m256i grid = _mm256_add_epi8(grid4(pls_grid_iq1, index), shift);
            __m256i p = ternary_pairs(grid, a + AK_QUANTS + 32 * g);
            sum[g % 2] = _mm256_add_epi32(sum[g % 2], scaled(scales, word_of_lane(g), p));
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

/* Sixteen odd scales from four words of four times three bits. */
INLINE struct scales16x2 iq1_m_scales(uint64_t words)
{
    uint64_t low = _pdep_u64(_pext_u64(words, 0x0fff0fff), 0x0707070707070707);
    uint64_t high = _pdep_u64(_pext_u64(words, 0x0fff0fff00000000), 0x0707070707070707);
    __m128i all = _mm_set_epi64x((long long)high, (long long)low);
    return scales16_of(_mm_add_epi8(_mm_add_epi8(all, all), _mm_set1_epi8(1)));
}

/* -1 or 1 in eight bytes for each of four bits, which lie at 3, 7, 11 and 15. */
INLINE __m256i iq1_m_shift(unsigned word)
{
    const __m256i spread = _mm256_setr_epi64x(0, 0, 0x0101010101010101, 0x0101010101010101);
    const __m256i pick = _mm256_setr_epi64x(0x0808080808080808, (long long)0x8080808080808080,
                                            0x0808080808080808, (long long)0x8080808080808080);
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
        ask_ahead(w, sizeof *w);
        __m256i sum[2] = { _mm256_setzero_si256(), _mm256_setzero_si256() };
        uint64_t scales = 0;
        memcpy(&scales, w->scales, 8);
        struct scales16x2 s = iq1_m_scales(scales);
        UNROLL(8)
        for (int g = 0; g < 8; g++) {
            unsigned word = pls_load_u16(w->qh + 2 * g);
            const uint8_t *q = w->qs + 4 * g;
            const unsigned index[4] = { q[0] | (word << 8 & 0x700), q[1] | (word << 4 & 0x700),
                                        q[2] | (word & 0x700), q[3] | (word >> 4 & 0x700) };
            __m256i grid = _mm256_add_epi8(grid4(pls_grid_iq1, index), iq1_m_shift(word));
            __m256i p = ternary_pairs(grid, a + AK_QUANTS + 32 * g);
            __m256i half = g < 4 ? s.low : s.high;
            sum[g % 2] = _mm256_add_epi32(sum[g % 2], scaled(half, words_of_lanes(g % 4), p));
        }
        acc = add_block(acc, sum[0], sum[1], pls_float_at(a) * iq1_m_half(scales));
    }
    return 0.125f * sum8(acc);
}
