/* kern/unpack_x86.h - blocks to bytes for the matrix-matrix kernels: quant plus bias, a float scale and min
 * per group.
 *
 * The bias makes every quant unsigned: 8 for Q4_0, 16 for Q5_0, 128 for Q8_0 and the curves, 12 for MXFP4, 32
 * for Q6_K, 4 for Q3_K.
 */
#ifndef PLIMSOLL_KERN_UNPACK_X86_H
#define PLIMSOLL_KERN_UNPACK_X86_H

#include "codebook.h"
#include "x86.h"

INLINE void put32(uint8_t *q, __m256i x)
{
    _mm256_storeu_si256((void *)q, x);
}

INLINE __m256i curve32(const int8_t *curve, int raise, const uint8_t *qs)
{
    __m128i table = _mm_add_epi8(load16(curve), _mm_set1_epi8((char)raise));
    return _mm256_shuffle_epi8(twice(table), nibbles32(qs));
}

INLINE void bytes_q4_0(const void *block, uint8_t *q, float *scale, float *min)
{
    const struct pls_q4_0 *b = block;
    (void)min;
    put32(q, nibbles32(b->qs));
    scale[0] = half1(b->d);
}

/* Mins are taken off: of the types with 32 elements, m is added. */
INLINE void bytes_q4_1(const void *block, uint8_t *q, float *scale, float *min)
{
    const struct pls_q4_1 *b = block;
    put32(q, nibbles32(b->qs));
    scale[0] = half1(b->d);
    min[0] = -half1(b->m);
}

INLINE void bytes_q5_0(const void *block, uint8_t *q, float *scale, float *min)
{
    const struct pls_q5_0 *b = block;
    (void)min;
    put32(q, fives(b->qs, b->qh));
    scale[0] = half1(b->d);
}

INLINE void bytes_q5_1(const void *block, uint8_t *q, float *scale, float *min)
{
    const struct pls_q5_1 *b = block;
    put32(q, fives(b->qs, b->qh));
    scale[0] = half1(b->d);
    min[0] = -half1(b->m);
}

INLINE void bytes_iq4_nl(const void *block, uint8_t *q, float *scale, int raise)
{
    const struct pls_q4_0 *b = block;
    put32(q, curve32(pls_curve_iq4, raise, b->qs));
    scale[0] = half1(b->d);
}

INLINE void bytes_mxfp4(const void *block, uint8_t *q, float *scale, float *min)
{
    const struct pls_mxfp4 *b = block;
    (void)min;
    put32(q, curve32(pls_curve_fp4, 12, b->qs));
    scale[0] = pls_e8m0_half(b->e);
}

INLINE void bytes_q8_0(const void *block, uint8_t *q, float *scale, int raise)
{
    const struct pls_q8_0 *b = block;
    put32(q, _mm256_add_epi8(load32(b->qs), _mm256_set1_epi8((char)raise)));
    scale[0] = half1(b->d);
}

/* Eight scales and eight mins times their halves. */
INLINE void scales_k(const uint8_t *d, const uint8_t *dmin, const uint8_t *s, float *scale, float *min)
{
    __m128i bytes = scale_mins(s);
    __m256 scales = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
    __m256 mins = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8)));
    _mm256_storeu_ps(scale, _mm256_mul_ps(scales, _mm256_set1_ps(half1(d))));
    _mm256_storeu_ps(min, _mm256_mul_ps(mins, _mm256_set1_ps(half1(dmin))));
}

INLINE __m256i low_of(__m256i x)
{
    return _mm256_and_si256(x, _mm256_set1_epi8(15));
}

INLINE void bytes_q4_k(const void *block, uint8_t *q, float *scale, float *min)
{
    const struct pls_q4_k *b = block;
    UNROLL(4)
    for (int j = 0; j < 4; j++) {
        __m256i x = load32(b->qs + 32 * j);
        put32(q + 64 * j, low_of(x));
        put32(q + 64 * j + 32, low_of(_mm256_srli_epi16(x, 4)));
    }
    scales_k(b->d, b->dmin, b->scales, scale, min);
}

/* Bit g of every byte to bit `to`. */
INLINE __m256i bit_to(__m256i x, int g, int to)
{
    __m256i moved = g < to ? _mm256_slli_epi16(x, to - g) : _mm256_srli_epi16(x, g - to);
    return _mm256_and_si256(moved, _mm256_set1_epi8((char)(1 << to)));
}

INLINE void bytes_q5_k(const void *block, uint8_t *q, float *scale, float *min)
{
    const struct pls_q5_k *b = block;
    __m256i high = load32(b->qh);
    UNROLL(4)
    for (int j = 0; j < 4; j++) {
        __m256i x = load32(b->qs + 32 * j);
        put32(q + 64 * j, _mm256_or_si256(low_of(x), bit_to(high, 2 * j, 4)));
        put32(q + 64 * j + 32, _mm256_or_si256(low_of(_mm256_srli_epi16(x, 4)), bit_to(high, 2 * j + 1, 4)));
    }
    scales_k(b->d, b->dmin, b->scales, scale, min);
}

/* Sixteen signed bytes times a float. */
INLINE void scales_16(__m128i bytes, float d, float *scale)
{
    __m256 factor = _mm256_set1_ps(d);
    __m256 low = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
    __m256 high = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8)));
    _mm256_storeu_ps(scale, _mm256_mul_ps(low, factor));
    _mm256_storeu_ps(scale + 8, _mm256_mul_ps(high, factor));
}

INLINE __m256i two_at(__m256i x, int shift)
{
    return _mm256_and_si256(_mm256_srli_epi16(x, shift), _mm256_set1_epi8(3));
}

INLINE void bytes_q6_k(const void *block, uint8_t *q, float *scale, float *min)
{
    const struct pls_q6_k *b = block;
    (void)min;
    UNROLL(2)
    for (int h = 0; h < 2; h++) {
        __m256i x = load32(b->ql + 64 * h);
        __m256i y = load32(b->ql + 64 * h + 32);
        __m256i high = load32(b->qh + 32 * h);
        uint8_t *to = q + 128 * h;
        put32(to, _mm256_or_si256(low_of(x), _mm256_slli_epi16(two_at(high, 0), 4)));
        put32(to + 32, _mm256_or_si256(low_of(y), _mm256_slli_epi16(two_at(high, 2), 4)));
        put32(to + 64,
              _mm256_or_si256(low_of(_mm256_srli_epi16(x, 4)), _mm256_slli_epi16(two_at(high, 4), 4)));
        put32(to + 96,
              _mm256_or_si256(low_of(_mm256_srli_epi16(y, 4)), _mm256_slli_epi16(two_at(high, 6), 4)));
    }
    scales_16(load16(b->scales), half1(b->d), scale);
}

INLINE void bytes_q2_k(const void *block, uint8_t *q, float *scale, float *min)
{
    const struct pls_q2_k *b = block;
    UNROLL(2)
    for (int h = 0; h < 2; h++) {
        __m256i x = load32(b->qs + 32 * h);
        UNROLL(4)
        for (int j = 0; j < 4; j++) {
            put32(q + 128 * h + 32 * j, two_at(x, 2 * j));
        }
    }
    __m128i bytes = load16(b->scales);
    const __m128i nibble = _mm_set1_epi8(15);
    scales_16(_mm_and_si128(bytes, nibble), half1(b->d), scale);
    scales_16(_mm_and_si128(_mm_srli_epi16(bytes, 4), nibble), half1(b->dmin), min);
}

INLINE void bytes_q3_k(const void *block, uint8_t *q, float *scale, float *min)
{
    const struct pls_q3_k *b = block;
    (void)min;
    __m256i mask = load32(b->hmask);
    UNROLL(2)
    for (int h = 0; h < 2; h++) {
        __m256i x = load32(b->qs + 32 * h);
        UNROLL(4)
        for (int j = 0; j < 4; j++) {
            put32(q + 128 * h + 32 * j, _mm256_or_si256(two_at(x, 2 * j), bit_to(mask, 4 * h + j, 2)));
        }
    }
    scales_16(scales_q3_k(b->scales), half1(b->d), scale);
}

INLINE void bytes_iq4_xs(const void *block, uint8_t *q, float *scale, int raise)
{
    const struct pls_iq4_xs *b = block;
    UNROLL(8)
    for (int g = 0; g < 8; g++) {
        put32(q + 32 * g, curve32(pls_curve_iq4, raise, b->qs + 16 * g));
    }
    __m256 scales = _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(scales_iq4_xs(b)));
    _mm256_storeu_ps(scale, _mm256_mul_ps(scales, _mm256_set1_ps(half1(b->d))));
}

/* Sums of 16 bytes each; n is a multiple of 32. */
INLINE void sums16(const int8_t *q, size_t n, int32_t *sums)
{
    const __m256i flip = _mm256_set1_epi8((char)0x80); /* to unsigned: 128 more, 1024 more in eight */
    for (size_t i = 0; i < n; i += 32) {
        __m256i eight = _mm256_sad_epu8(_mm256_xor_si256(load32(q + i), flip), _mm256_setzero_si256());
        __m256i sixteen = _mm256_add_epi64(eight, _mm256_unpackhi_epi64(eight, eight));
        sums[i / 16] = _mm_cvtsi128_si32(_mm256_castsi256_si128(sixteen)) - 2048;
        sums[i / 16 + 1] = _mm_cvtsi128_si32(_mm256_extracti128_si256(sixteen, 1)) - 2048;
    }
}

/* Four bytes of eight rows side by side: 8 x 8 transposes of 32-bit words. */
INLINE void transpose8(const uint8_t *rows, size_t stride, uint8_t *out, size_t out_stride)
{
    __m256i r[8];
    __m256i t[8];
    UNROLL(8)
    for (size_t i = 0; i < 8; i++) {
        r[i] = load32(rows + i * stride);
    }
    UNROLL(4)
    for (size_t i = 0; i < 4; i++) {
        t[2 * i] = _mm256_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm256_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
    }
    UNROLL(2)
    for (size_t i = 0; i < 2; i++) {
        r[4 * i] = _mm256_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
        r[4 * i + 1] = _mm256_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
        r[4 * i + 2] = _mm256_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
        r[4 * i + 3] = _mm256_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
    }
    UNROLL(4)
    for (size_t i = 0; i < 4; i++) {
        put32(out + i * out_stride, _mm256_permute2x128_si256(r[i], r[i + 4], 0x20));
        put32(out + (i + 4) * out_stride, _mm256_permute2x128_si256(r[i], r[i + 4], 0x31));
    }
}

#endif
