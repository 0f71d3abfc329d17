/* Dot products of the super-block types against Q8_K in 512 bits: 64 elements a step. The pairs of products
 * meet their 16-bit scales in VPDPWSSD, which multiplies, adds and accumulates at once. */
#include "codebook.h"
#include "kern_impl.h"
#include "x86.h"
#include "x86_512.h"

/* Lanes 0 and 1 get 16-bit number i, lanes 2 and 3 number i + 1: scales of groups of 32. */
INLINE __m512i word_pair(int i)
{
    __m256i low = _mm256_set1_epi16((short)(0x0100 + 0x0202 * i));
    return join(low, _mm256_add_epi8(low, _mm256_set1_epi8(2)));
}

/* Lane l gets number i + l: scales of groups of 16. */
INLINE __m512i word_quad(int i)
{
    const __m512i step = join(_mm256_setr_epi64x(0, 0, 0x0202020202020202, 0x0202020202020202),
                              _mm256_setr_epi64x(0x0404040404040404, 0x0404040404040404, 0x0606060606060606,
                                                 0x0606060606060606));
    return _mm512_add_epi8(_mm512_set1_epi16((short)(0x0100 + 0x0202 * i)), step);
}

INLINE __m512i scaled512(__m512i sum, __m512i scales, __m512i shuffle, __m512i pairs)
{
    return _mm512_dpwssd_epi32(sum, _mm512_shuffle_epi8(scales, shuffle), pairs);
}

/* 32 bytes of nibbles: low ones in the lower half, high ones in the upper. */
INLINE __m512i nibbles64(const uint8_t *qs)
{
    const __m512i shift = join(_mm256_setzero_si256(), _mm256_set1_epi16(4));
    return _mm512_and_si512(_mm512_srlv_epi16(both(qs), shift), _mm512_set1_epi8(15));
}

INLINE __m256i mins_of_32(__m128i scale_min_bytes, const uint8_t *a)
{
    const __m128i twin = _mm_setr_epi8(8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15);
    __m256i mins = _mm256_cvtepu8_epi16(_mm_shuffle_epi8(scale_min_bytes, twin));
    return _mm256_madd_epi16(mins, load32(a + AK_SUMS));
}

float pls_dot_q4_k_avx512vnni(const void *row, const void *act, size_t n)
{
    const struct pls_q4_k *w = row;
    const uint8_t *a = act;
    __m512 acc = _mm512_setzero_ps();
    __m256 acc_min = _mm256_setzero_ps();
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        ask_ahead(w, sizeof *w);
        __m128i bytes = scale_mins(w->scales);
        __m512i scales = lanes4(_mm_cvtepu8_epi16(bytes));
        __m512i sum[2] = { _mm512_setzero_si512(), _mm512_setzero_si512() };
        UNROLL(4)
        for (int j = 0; j < 4; j++) {
            __m512i p = _mm512_maddubs_epi16(nibbles64(w->qs + 32 * j), load64(a + AK_QUANTS + 64 * j));
            sum[j % 2] = scaled512(sum[j % 2], scales, word_pair(2 * j), p);
        }
        float da = pls_float_at(a);
        __m512 all = _mm512_cvtepi32_ps(_mm512_add_epi32(sum[0], sum[1]));
        acc = _mm512_fmadd_ps(_mm512_set1_ps(da * half1(w->d)), all, acc);
        __m256 mins = _mm256_cvtepi32_ps(mins_of_32(bytes, a));
        acc_min = _mm256_fmadd_ps(_mm256_set1_ps(da * half1(w->dmin)), mins, acc_min);
    }
    return sum16(acc) - sum8(acc_min);
}

float pls_dot_q5_k_avx512vnni(const void *row, const void *act, size_t n)
{
    const struct pls_q5_k *w = row;
    const uint8_t *a = act;
    const __m512i fifth = _mm512_set1_epi8(16);
    __m512 acc = _mm512_setzero_ps();
    __m256 acc_min = _mm256_setzero_ps();
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        ask_ahead(w, sizeof *w);
        __m128i bytes = scale_mins(w->scales);
        __m512i scales = lanes4(_mm_cvtepu8_epi16(bytes));
        __m512i sum[2] = { _mm512_setzero_si512(), _mm512_setzero_si512() };
        __m512i qh = both(w->qh);
        UNROLL(4)
        for (int j = 0; j < 4; j++) {
            /* Bits 2j (lower half) and 2j + 1 (upper half) of every byte go to bit 4: rotated left by 4 -
             * bit. */
            const __m512i turn =
                join(_mm256_set1_epi32((4 - 2 * j) & 31), _mm256_set1_epi32((3 - 2 * j) & 31));
            __m512i high = _mm512_and_si512(_mm512_rolv_epi32(qh, turn), fifth);
            __m512i q = _mm512_or_si512(nibbles64(w->qs + 32 * j), high);
            __m512i p = _mm512_maddubs_epi16(q, load64(a + AK_QUANTS + 64 * j));
            sum[j % 2] = scaled512(sum[j % 2], scales, word_pair(2 * j), p);
        }
        float da = pls_float_at(a);
        __m512 all = _mm512_cvtepi32_ps(_mm512_add_epi32(sum[0], sum[1]));
        acc = _mm512_fmadd_ps(_mm512_set1_ps(da * half1(w->d)), all, acc);
        __m256 mins = _mm256_cvtepi32_ps(mins_of_32(bytes, a));
        acc_min = _mm256_fmadd_ps(_mm256_set1_ps(da * half1(w->dmin)), mins, acc_min);
    }
    return sum16(acc) - sum8(acc_min);
}

/* Sixteen 16-bit scales: 0..7 in all lanes, 8..15 in all lanes. */
struct scales16 {
    __m256i all;
    __m512i low, high;
};

INLINE struct scales16 scales_of_16(__m128i bytes)
{
    struct scales16 s;
    s.all = _mm256_cvtepi8_epi16(bytes);
    s.low = lanes4(_mm256_castsi256_si128(s.all));
    s.high = lanes4(_mm256_extracti128_si256(s.all, 1));
    return s;
}

float pls_dot_q6_k_avx512vnni(const void *row, const void *act, size_t n)
{
    const struct pls_q6_k *w = row;
    const uint8_t *a = act;
    const __m512i low4 = _mm512_set1_epi8(15);
    const __m512i bits45 = _mm512_set1_epi8(0x30);
    /* Fields of the top bits: 0 and 1 go up by 4 and 2, fields 2 and 3 stay and go down by 2 (up by 30 of
     * 32). */
    const __m512i turn0 = join(_mm256_set1_epi32(4), _mm256_set1_epi32(2));
    const __m512i turn1 = join(_mm256_set1_epi32(0), _mm256_set1_epi32(30));
    __m512 acc = _mm512_setzero_ps();
    __m256 acc_offset = _mm256_setzero_ps();
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        ask_ahead(w, sizeof *w);
        struct scales16 s = scales_of_16(load16(w->scales));
        __m256i offset = _mm256_madd_epi16(s.all, load32(a + AK_SUMS));
        __m512i sum[2] = { _mm512_setzero_si512(), _mm512_setzero_si512() };
        UNROLL(2)
        for (int h = 0; h < 2; h++) {
            __m512i x = load64(w->ql + 64 * h);
            __m512i qh = both(w->qh + 32 * h);
            __m512i q0 = _mm512_or_si512(_mm512_and_si512(x, low4),
                                         _mm512_and_si512(_mm512_rolv_epi32(qh, turn0), bits45));
            __m512i q1 = _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi16(x, 4), low4),
                                         _mm512_and_si512(_mm512_rolv_epi32(qh, turn1), bits45));
            __m512i scales = h == 0 ? s.low : s.high;
            __m512i p0 = _mm512_maddubs_epi16(q0, load64(a + AK_QUANTS + 128 * h));
            __m512i p1 = _mm512_maddubs_epi16(q1, load64(a + AK_QUANTS + 128 * h + 64));
            sum[0] = scaled512(sum[0], scales, word_quad(0), p0);
            sum[1] = scaled512(sum[1], scales, word_quad(4), p1);
        }
        float d = pls_float_at(a) * half1(w->d);
        __m512 all = _mm512_cvtepi32_ps(_mm512_add_epi32(sum[0], sum[1]));
        acc = _mm512_fmadd_ps(_mm512_set1_ps(d), all, acc);
        acc_offset = _mm256_fmadd_ps(_mm256_set1_ps(d), _mm256_cvtepi32_ps(offset), acc_offset);
    }
    return sum16(acc) - 32 * sum8(acc_offset);
}

/* Fields j (lower half) and j + 1 (upper half) of 32 bytes of two-bit quants. */
INLINE __m512i fields2(__m512i twice_bits, int j)
{
    const __m512i shift = join(_mm256_set1_epi16((short)(2 * j)), _mm256_set1_epi16((short)(2 * j + 2)));
    return _mm512_and_si512(_mm512_srlv_epi16(twice_bits, shift), _mm512_set1_epi8(3));
}

float pls_dot_q2_k_avx512vnni(const void *row, const void *act, size_t n)
{
    const struct pls_q2_k *w = row;
    const uint8_t *a = act;
    const __m128i nibble = _mm_set1_epi8(15);
    __m512 acc = _mm512_setzero_ps();
    __m256 acc_min = _mm256_setzero_ps();
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        ask_ahead(w, sizeof *w);
        __m128i bytes = load16(w->scales);
        struct scales16 s = scales_of_16(_mm_and_si128(bytes, nibble));
        __m256i min = _mm256_cvtepu8_epi16(_mm_and_si128(_mm_srli_epi16(bytes, 4), nibble));
        __m512i sum[2] = { _mm512_setzero_si512(), _mm512_setzero_si512() };
        UNROLL(2)
        for (int h = 0; h < 2; h++) {
            __m512i bits = both(w->qs + 32 * h);
            __m512i scales = h == 0 ? s.low : s.high;
            __m512i p0 = _mm512_maddubs_epi16(fields2(bits, 0), load64(a + AK_QUANTS + 128 * h));
            __m512i p1 = _mm512_maddubs_epi16(fields2(bits, 2), load64(a + AK_QUANTS + 128 * h + 64));
            sum[0] = scaled512(sum[0], scales, word_quad(0), p0);
            sum[1] = scaled512(sum[1], scales, word_quad(4), p1);
        }
        float da = pls_float_at(a);
        __m512 all = _mm512_cvtepi32_ps(_mm512_add_epi32(sum[0], sum[1]));
        acc = _mm512_fmadd_ps(_mm512_set1_ps(da * half1(w->d)), all, acc);
        __m256 mins = _mm256_cvtepi32_ps(_mm256_madd_epi16(min, load32(a + AK_SUMS)));
        acc_min = _mm256_fmadd_ps(_mm256_set1_ps(da * half1(w->dmin)), mins, acc_min);
    }
    return sum16(acc) - sum8(acc_min);
}

/* Bits g (lower half) and g + 1 (upper half) of every byte go to bit 2. */
INLINE __m512i third_bits(__m512i twice_mask, int g)
{
    const __m512i turn = join(_mm256_set1_epi32((2 - g) & 31), _mm256_set1_epi32((1 - g) & 31));
    return _mm512_and_si512(_mm512_rolv_epi32(twice_mask, turn), _mm512_set1_epi8(4));
}

float pls_dot_q3_k_avx512vnni(const void *row, const void *act, size_t n)
{
    const struct pls_q3_k *w = row;
    const uint8_t *a = act;
    __m512 acc = _mm512_setzero_ps();
    __m256 acc_offset = _mm256_setzero_ps();
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        ask_ahead(w, sizeof *w);
        struct scales16 s = scales_of_16(scales_q3_k(w->scales));
        __m256i offset = _mm256_madd_epi16(s.all, load32(a + AK_SUMS));
        __m512i mask = both(w->hmask);
        __m512i sum[2] = { _mm512_setzero_si512(), _mm512_setzero_si512() };
        UNROLL(2)
        for (int h = 0; h < 2; h++) {
            __m512i bits = both(w->qs + 32 * h);
            __m512i scales = h == 0 ? s.low : s.high;
            __m512i q0 = _mm512_or_si512(fields2(bits, 0), third_bits(mask, 4 * h));
            __m512i q1 = _mm512_or_si512(fields2(bits, 2), third_bits(mask, 4 * h + 2));
            __m512i p0 = _mm512_maddubs_epi16(q0, load64(a + AK_QUANTS + 128 * h));
            __m512i p1 = _mm512_maddubs_epi16(q1, load64(a + AK_QUANTS + 128 * h + 64));
            sum[0] = scaled512(sum[0], scales, word_quad(0), p0);
            sum[1] = scaled512(sum[1], scales, word_quad(4), p1);
        }
        float d = pls_float_at(a) * half1(w->d);
        __m512 all = _mm512_cvtepi32_ps(_mm512_add_epi32(sum[0], sum[1]));
        acc = _mm512_fmadd_ps(_mm512_set1_ps(d), all, acc);
        acc_offset = _mm256_fmadd_ps(_mm256_set1_ps(d), _mm256_cvtepi32_ps(offset), acc_offset);
    }
    return sum16(acc) - 4 * sum8(acc_offset);
}

/* The curve raised by 128 is unsigned, but its pairs would not fit 16 bits: 32-bit sums of four meet float
 * scales. */
float pls_dot_iq4_xs_avx512vnni(const void *row, const void *act, size_t n)
{
    const struct pls_iq4_xs *w = row;
    const uint8_t *a = act;
    const __m512i curve = lanes4(_mm_xor_si128(load16(pls_curve_iq4), _mm_set1_epi8((char)0x80)));
    const __m512i order = _mm512_setr_epi64(0, 1, 4, 5, 2, 3, 6, 7);
    const __m128i twin = _mm_setr_epi8(0, 1, 0, 1, 2, 3, 2, 3, 4, 5, 4, 5, 6, 7, 6, 7);
    const __m128i twin_high = _mm_add_epi8(twin, _mm_set1_epi8(8));
    __m512 acc[2] = { _mm512_setzero_ps(), _mm512_setzero_ps() };
    __m256 acc_offset = _mm256_setzero_ps();
    for (size_t i = 0; i < n / PLS_SUPER; i++, w++, a += AK_BYTES) {
        ask_ahead(w, sizeof *w);
        __m128i words = scales_iq4_xs(w);
        float d = pls_float_at(a) * half1(w->d);
        __m512 scales = _mm512_castps256_ps512(
            _mm256_mul_ps(_mm256_set1_ps(d), _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(words))));
        UNROLL(4)
        for (int j = 0; j < 4; j++) {
            /* 32 bytes are two groups of low and high nibbles: lanes 0, 2, 1, 3 once unpacked. */
            __m512i q = _mm512_permutexvar_epi64(order, nibbles64(w->qs + 32 * j));
            q = _mm512_shuffle_epi8(curve, q);
            __m512i sum = _mm512_dpbusd_epi32(_mm512_setzero_si512(), q, load64(a + AK_QUANTS + 64 * j));
            const __m512i pick = join(_mm256_set1_epi32(2 * j), _mm256_set1_epi32(2 * j + 1));
            acc[j % 2] =
                _mm512_fmadd_ps(_mm512_permutexvar_ps(pick, scales), _mm512_cvtepi32_ps(sum), acc[j % 2]);
        }
        __m256i twins = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_shuffle_epi8(words, twin)),
                                                _mm_shuffle_epi8(words, twin_high), 1);
        __m256i offset = _mm256_madd_epi16(twins, load32(a + AK_SUMS));
        acc_offset = _mm256_fmadd_ps(_mm256_set1_ps(d), _mm256_cvtepi32_ps(offset), acc_offset);
    }
    return sum16(_mm512_add_ps(acc[0], acc[1])) - 128 * sum8(acc_offset);
}
