/* Dot products of the super-block types against Q8_K.
 *
 * All of one block stays in integers: 16-bit pairs of products times 16-bit scales give 32-bit sums, and what
 * is subtracted from every quant of a group (mins, offsets) needs only the sums of activations that Q8_K
 * brings along. */
#include "codebook.h"
#include "kern_impl.h"
#include "x86.h"

/* Eight mins of groups of 32 against sixteen sums of 16. */
INLINE __m256i mins_of_32(__m128i scale_min_bytes, const uint8_t *a)
{
    const __m128i twin = _mm_setr_epi8(8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15);
    __m256i mins = _mm256_cvtepu8_epi16(_mm_shuffle_epi8(scale_min_bytes, twin));
    return _mm256_madd_epi16(mins, load32(a + AK_SUMS));
}

float pls_dot_q4_k_avx2(const void *row, const void *act, size_t n)
{
    const struct pls_q4_k *w = row;
    const uint8_t *a = act;
    const __m256i low4 = _mm256_set1_epi8(15);
    __m256 acc = _mm256_setzero_ps();
    __m256 acc_min = _mm256_setzero_ps();
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        ask_ahead(w, sizeof *w);
        __m128i bytes = scale_mins(w->scales);
        __m256i scales = twice(_mm_cvtepu8_epi16(bytes));
        __m256i sum[2] = { _mm256_setzero_si256(), _mm256_setzero_si256() };
        const uint8_t *q = a + AK_QUANTS;
        UNROLL(4)
        for (int j = 0; j < 4; j++) {
            __m256i bits = load32(w->qs + 32 * j);
            __m256i low = _mm256_and_si256(bits, low4);
            __m256i high = _mm256_and_si256(_mm256_srli_epi16(bits, 4), low4);
            __m256i p = pairs_unsigned(low, load32(q + 64 * j));
            __m256i r = pairs_unsigned(high, load32(q + 64 * j + 32));
            sum[0] = _mm256_add_epi32(sum[0], scaled(scales, word_of_lane(2 * j), p));
            sum[1] = _mm256_add_epi32(sum[1], scaled(scales, word_of_lane(2 * j + 1), r));
        }
        float da = pls_float_at(a);
        __m256i all = _mm256_add_epi32(sum[0], sum[1]);
        acc = _mm256_fmadd_ps(_mm256_set1_ps(da * half1(w->d)), _mm256_cvtepi32_ps(all), acc);
        __m256 mins = _mm256_cvtepi32_ps(mins_of_32(bytes, a));
        acc_min = _mm256_fmadd_ps(_mm256_set1_ps(da * half1(w->dmin)), mins, acc_min);
    }
    return sum8(_mm256_sub_ps(acc, acc_min));
}

float pls_dot_q5_k_avx2(const void *row, const void *act, size_t n)
{
    const struct pls_q5_k *w = row;
    const uint8_t *a = act;
    const __m256i low4 = _mm256_set1_epi8(15);
    const __m256i fifth = _mm256_set1_epi8(16);
    __m256 acc = _mm256_setzero_ps();
    __m256 acc_min = _mm256_setzero_ps();
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        ask_ahead(w, sizeof *w);
        __m128i bytes = scale_mins(w->scales);
        __m256i scales = twice(_mm_cvtepu8_epi16(bytes));
        __m256i sum[2] = { _mm256_setzero_si256(), _mm256_setzero_si256() };
        const uint8_t *q = a + AK_QUANTS;
        __m256i qh = load32(w->qh);
        UNROLL(4)
        for (int j = 0; j < 4; j++) {
            __m256i bits = load32(w->qs + 32 * j);
            /* Bits 2j and 2j + 1 of every byte go to bit 4. */
            __m256i even = 2 * j < 4 ? _mm256_slli_epi16(qh, 4 - 2 * j) : _mm256_srli_epi16(qh, 2 * j - 4);
            __m256i odd = 2 * j < 3 ? _mm256_slli_epi16(qh, 3 - 2 * j) : _mm256_srli_epi16(qh, 2 * j - 3);
            __m256i low = _mm256_or_si256(_mm256_and_si256(bits, low4), _mm256_and_si256(even, fifth));
            __m256i high = _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(bits, 4), low4),
                                           _mm256_and_si256(odd, fifth));
            __m256i p = pairs_unsigned(low, load32(q + 64 * j));
            __m256i r = pairs_unsigned(high, load32(q + 64 * j + 32));
            sum[0] = _mm256_add_epi32(sum[0], scaled(scales, word_of_lane(2 * j), p));
            sum[1] = _mm256_add_epi32(sum[1], scaled(scales, word_of_lane(2 * j + 1), r));
        }
        float da = pls_float_at(a);
        __m256i all = _mm256_add_epi32(sum[0], sum[1]);
        acc = _mm256_fmadd_ps(_mm256_set1_ps(da * half1(w->d)), _mm256_cvtepi32_ps(all), acc);
        __m256 mins = _mm256_cvtepi32_ps(mins_of_32(bytes, a));
        acc_min = _mm256_fmadd_ps(_mm256_set1_ps(da * half1(w->dmin)), mins, acc_min);
    }
    return sum8(_mm256_sub_ps(acc, acc_min));
}

float pls_dot_q6_k_avx2(const void *row, const void *act, size_t n)
{
    const struct pls_q6_k *w = row;
    const uint8_t *a = act;
    const __m256i low4 = _mm256_set1_epi8(15);
    const __m256i bits45 = _mm256_set1_epi8(0x30);
    __m256 acc = _mm256_setzero_ps();
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        ask_ahead(w, sizeof *w);
        struct scales16x2 s = scales16_of(load16(w->scales));
        __m256i offset = _mm256_slli_epi32(_mm256_madd_epi16(s.all, load32(a + AK_SUMS)), 5);
        __m256i sum[2] = { _mm256_setzero_si256(), _mm256_setzero_si256() };
        UNROLL(2)
        for (int h = 0; h < 2; h++) {
            __m256i x = load32(w->ql + 64 * h);
            __m256i y = load32(w->ql + 64 * h + 32);
            __m256i qh = load32(w->qh + 32 * h);
            __m256i q[4];
            q[0] = _mm256_or_si256(_mm256_and_si256(x, low4),
                                   _mm256_and_si256(_mm256_slli_epi16(qh, 4), bits45));
            q[1] = _mm256_or_si256(_mm256_and_si256(y, low4),
                                   _mm256_and_si256(_mm256_slli_epi16(qh, 2), bits45));
            q[2] = _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(x, 4), low4),
                                   _mm256_and_si256(qh, bits45));
            q[3] = _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(y, 4), low4),
                                   _mm256_and_si256(_mm256_srli_epi16(qh, 2), bits45));
            __m256i scales = h == 0 ? s.low : s.high;
            UNROLL(4)
            for (int j = 0; j < 4; j++) {
                __m256i p = pairs_unsigned(q[j], load32(a + AK_QUANTS + 128 * h + 32 * j));
                sum[j % 2] = _mm256_add_epi32(sum[j % 2], scaled(scales, words_of_lanes(j), p));
            }
        }
        __m256i all = _mm256_sub_epi32(_mm256_add_epi32(sum[0], sum[1]), offset);
        float d = pls_float_at(a) * half1(w->d);
        acc = _mm256_fmadd_ps(_mm256_set1_ps(d), _mm256_cvtepi32_ps(all), acc);
    }
    return sum8(acc);
}

/* Two-bit quants of a half block: field j of 32 bytes. */
INLINE __m256i field2(__m256i bits, int j)
{
    return _mm256_and_si256(_mm256_srli_epi16(bits, 2 * j), _mm256_set1_epi8(3));
}

float pls_dot_q2_k_avx2(const void *row, const void *act, size_t n)
{
    const struct pls_q2_k *w = row;
    const uint8_t *a = act;
    __m256 acc = _mm256_setzero_ps();
    __m256 acc_min = _mm256_setzero_ps();
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        ask_ahead(w, sizeof *w);
        __m128i bytes = load16(w->scales);
        const __m128i nibble = _mm_set1_epi8(15);
        struct scales16x2 s = scales16_of(_mm_and_si128(bytes, nibble));
        __m256i min = _mm256_cvtepu8_epi16(_mm_and_si128(_mm_srli_epi16(bytes, 4), nibble));
        __m256i sum[2] = { _mm256_setzero_si256(), _mm256_setzero_si256() };
        UNROLL(2)
        for (int h = 0; h < 2; h++) {
            __m256i bits = load32(w->qs + 32 * h);
            __m256i scales = h == 0 ? s.low : s.high;
            UNROLL(4)
            for (int j = 0; j < 4; j++) {
                __m256i p = pairs_unsigned(field2(bits, j), load32(a + AK_QUANTS + 128 * h + 32 * j));
                sum[j % 2] = _mm256_add_epi32(sum[j % 2], scaled(scales, words_of_lanes(j), p));
            }
        }
        float da = pls_float_at(a);
        __m256i all = _mm256_add_epi32(sum[0], sum[1]);
        acc = _mm256_fmadd_ps(_mm256_set1_ps(da * half1(w->d)), _mm256_cvtepi32_ps(all), acc);
        __m256 mins = _mm256_cvtepi32_ps(_mm256_madd_epi16(min, load32(a + AK_SUMS)));
        acc_min = _mm256_fmadd_ps(_mm256_set1_ps(da * half1(w->dmin)), mins, acc_min);
    }
    return sum8(_mm256_sub_ps(acc, acc_min));
}

/* Bit g of every byte of the mask, moved to bit 2: with the two low bits 0..7, and 4 taken off through the
 * sums. */
INLINE __m256i third_bit(__m256i mask, int g)
{
    __m256i moved = g < 2 ? _mm256_slli_epi16(mask, 2 - g) : _mm256_srli_epi16(mask, g - 2);
    return _mm256_and_si256(moved, _mm256_set1_epi8(4));
}

float pls_dot_q3_k_avx2(const void *row, const void *act, size_t n)
{
    const struct pls_q3_k *w = row;
    const uint8_t *a = act;
    __m256 acc = _mm256_setzero_ps();
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        ask_ahead(w, sizeof *w);
        struct scales16x2 s = scales16_of(scales_q3_k(w->scales));
        __m256i offset = _mm256_slli_epi32(_mm256_madd_epi16(s.all, load32(a + AK_SUMS)), 2);
        __m256i mask = load32(w->hmask);
        __m256i sum[2] = { _mm256_setzero_si256(), _mm256_setzero_si256() };
        UNROLL(2)
        for (int h = 0; h < 2; h++) {
            __m256i bits = load32(w->qs + 32 * h);
            __m256i scales = h == 0 ? s.low : s.high;
            UNROLL(4)
            for (int j = 0; j < 4; j++) {
                __m256i q = _mm256_or_si256(field2(bits, j), third_bit(mask, 4 * h + j));
                __m256i p = pairs_unsigned(q, load32(a + AK_QUANTS + 128 * h + 32 * j));
                sum[j % 2] = _mm256_add_epi32(sum[j % 2], scaled(scales, words_of_lanes(j), p));
            }
        }
        __m256i all = _mm256_sub_epi32(_mm256_add_epi32(sum[0], sum[1]), offset);
        float d = pls_float_at(a) * half1(w->d);
        acc = _mm256_fmadd_ps(_mm256_set1_ps(d), _mm256_cvtepi32_ps(all), acc);
    }
    return sum8(acc);
}

float pls_dot_iq4_xs_avx2(const void *row, const void *act, size_t n)
{
    const struct pls_iq4_xs *w = row;
    const uint8_t *a = act;
    const __m256i curve = twice(load16(pls_curve_iq4));
    __m256 acc = _mm256_setzero_ps();
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        ask_ahead(w, sizeof *w);
        __m256i scales = twice(scales_iq4_xs(w));
        __m256i sum[2] = { _mm256_setzero_si256(), _mm256_setzero_si256() };
        UNROLL(8)
        for (int g = 0; g < 8; g++) {
            __m256i q = _mm256_shuffle_epi8(curve, nibbles32(w->qs + 16 * g));
            __m256i p = pairs_signed(q, load32(a + AK_QUANTS + 32 * g));
            sum[g % 2] = _mm256_add_epi32(sum[g % 2], scaled(scales, word_of_lane(g), p));
        }
        float d = pls_float_at(a) * half1(w->d);
        acc = _mm256_fmadd_ps(_mm256_set1_ps(d), _mm256_cvtepi32_ps(_mm256_add_epi32(sum[0], sum[1])), acc);
    }
    return sum8(acc);
}

/* Quants 0..2 less 1: one scale for the block, so the 1 meets the sum of all activations. 2 * 254 * 8 fits 16
 * bits. */
float pls_dot_tq2_0_avx2(const void *row, const void *act, size_t n)
{
    const struct pls_tq2_0 *w = row;
    const uint8_t *a = act;
    const __m256i ones = _mm256_set1_epi16(1);
    __m256 acc = _mm256_setzero_ps();
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        ask_ahead(w, sizeof *w);
        __m256i sum[2] = { _mm256_setzero_si256(), _mm256_setzero_si256() };
        UNROLL(2)
        for (int h = 0; h < 2; h++) {
            __m256i bits = load32(w->qs + 32 * h);
            UNROLL(4)
            for (int j = 0; j < 4; j++) {
                __m256i p = pairs_unsigned(field2(bits, j), load32(a + AK_QUANTS + 128 * h + 32 * j));
                sum[j % 2] = _mm256_add_epi16(sum[j % 2], p);
            }
        }
        __m256i all = _mm256_sub_epi16(_mm256_add_epi16(sum[0], sum[1]), load32(a + AK_SUMS));
        float d = pls_float_at(a) * half1(w->d);
        acc = _mm256_fmadd_ps(_mm256_set1_ps(d), _mm256_cvtepi32_ps(_mm256_madd_epi16(all, ones)), acc);
    }
    return sum8(acc);
}

/* The top base-3 digit of each byte, 0..2: floor(3 q / 256), which is whether q reaches 86 and whether it
 * reaches 171 (3 * 86 = 258, 3 * 171 = 513). What is left for the next digit is 3 q mod 256. */
INLINE __m256i top_digit(__m256i q)
{
    const __m256i unit = _mm256_set1_epi8(1);
    __m256i one = _mm256_min_epu8(_mm256_subs_epu8(q, _mm256_set1_epi8(85)), unit);
    __m256i two = _mm256_min_epu8(_mm256_subs_epu8(q, _mm256_set1_epi8((char)170)), unit);
    return _mm256_add_epi8(one, two);
}

INLINE __m256i times3(__m256i q)
{
    return _mm256_add_epi8(q, _mm256_add_epi8(q, q));
}

/* 16 + 16 bytes with digits d and d + 1: the last 16 bytes of qs hold groups of 16 elements per digit. */
INLINE __m256i two_digits16(__m128i q, int first)
{
    __m128i a = q;
    UNROLL(4)
    for (int i = 0; i < first; i++) {
        a = _mm_add_epi8(a, _mm_add_epi8(a, a));
    }
    __m128i b = _mm_add_epi8(a, _mm_add_epi8(a, a));
    return top_digit(_mm256_inserti128_si256(_mm256_castsi128_si256(a), b, 1));
}

float pls_dot_tq1_0_avx2(const void *row, const void *act, size_t n)
{
    const struct pls_tq1_0 *w = row;
    const uint8_t *a = act;
    const __m256i ones = _mm256_set1_epi16(1);
    const __m128i power = _mm_setr_epi16(1, 1, 3, 3, 9, 9, 27, 27);
    __m256 acc = _mm256_setzero_ps();
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        ask_ahead(w, sizeof *w);
        const uint8_t *q8 = a + AK_QUANTS;
        __m256i sum = _mm256_setzero_si256();
        __m256i q = load32(w->qs);
        UNROLL(5)
        for (int j = 0; j < 5; j++) {
            sum = _mm256_add_epi16(sum, pairs_unsigned(top_digit(q), load32(q8 + 32 * j)));
            q = times3(q);
        }
        __m128i tail = load16(w->qs + 32);
        sum = _mm256_add_epi16(sum, pairs_unsigned(two_digits16(tail, 0), load32(q8 + 160)));
        sum = _mm256_add_epi16(sum, pairs_unsigned(two_digits16(tail, 2), load32(q8 + 192)));
        /* The fifth digits of the tail, then four digits of the four bytes of qh. */
        __m128i fifth = tail;
        UNROLL(4)
        for (int j = 0; j < 4; j++) {
            fifth = _mm_add_epi8(fifth, _mm_add_epi8(fifth, fifth));
        }
        __m128i four = _mm_set1_epi32((int)pls_load_u32(w->qh));
        __m128i even = _mm_and_si128(_mm_mullo_epi16(_mm_and_si128(four, _mm_set1_epi16(255)), power),
                                     _mm_set1_epi16(255));
        __m128i odd = _mm_slli_epi16(_mm_mullo_epi16(_mm_srli_epi16(four, 8), power), 8);
        __m256i last = _mm256_inserti128_si256(_mm256_castsi128_si256(fifth), _mm_or_si128(even, odd), 1);
        sum = _mm256_add_epi16(sum, pairs_unsigned(top_digit(last), load32(q8 + 224)));
        sum = _mm256_sub_epi16(sum, load32(a + AK_SUMS));
        float d = pls_float_at(a) * half1(w->d);
        acc = _mm256_fmadd_ps(_mm256_set1_ps(d), _mm256_cvtepi32_ps(_mm256_madd_epi16(sum, ones)), acc);
    }
    return sum8(acc);
}
