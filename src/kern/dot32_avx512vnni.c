/* Dot products of the types with 32 elements per block against Q8_0 and Q8_1 in 512 bits: two blocks a step.
 *
 * VPDPBUSD multiplies unsigned by signed bytes, so signed quants are raised by 128 (or the type's own offset)
 * and what that adds is taken off through a second one that multiplies the activations by the offset
 * alone. */
#include "codebook.h"
#include "kern_impl.h"
#include "x86.h"
#include "x86_512.h"

typedef __m512i quants_fn(const uint8_t *block, size_t stride); /* of two blocks, unsigned */
typedef __m256 scales_fn(const uint8_t *block, size_t stride);  /* of eight blocks */

struct form {
    size_t bytes, act_bytes, act_quants;
    int offset;
    quants_fn *quants;
    scales_fn *scales;
    pls_dot_fn *tail; /* for what is left of eight blocks */
};

INLINE __m512i two_acts(const uint8_t *a, size_t stride)
{
    return join(load32(a), load32(a + stride));
}

INLINE __m512 eight_blocks(const struct form *f, const uint8_t *w, const uint8_t *a, __m512 acc)
{
    ask_ahead(w, 8 * f->bytes);
    __m256 product = _mm256_mul_ps(f->scales(w, f->bytes), halves8(a, f->act_bytes));
    __m512 scales = _mm512_castps256_ps512(product);
    const __m512i offset = _mm512_set1_epi8((char)f->offset);
    UNROLL(4)
    for (int j = 0; j < 4; j++) {
        size_t at = 2 * (size_t)j;
        __m512i q8 = two_acts(a + at * f->act_bytes + f->act_quants, f->act_bytes);
        __m512i q = f->quants(w + at * f->bytes, f->bytes);
        __m512i sum = _mm512_dpbusd_epi32(_mm512_setzero_si512(), q, q8);
        if (f->offset != 0) {
            sum = _mm512_sub_epi32(sum, _mm512_dpbusd_epi32(_mm512_setzero_si512(), offset, q8));
        }
        const __m512i pick = join(_mm256_set1_epi32(2 * j), _mm256_set1_epi32(2 * j + 1));
        acc = _mm512_fmadd_ps(_mm512_permutexvar_ps(pick, scales), _mm512_cvtepi32_ps(sum), acc);
    }
    return acc;
}

INLINE float dot_blocks(const struct form f, const void *row, const void *act, size_t n)
{
    const uint8_t *w = row;
    const uint8_t *a = act;
    __m512 acc = _mm512_setzero_ps();
    size_t left = n / 32;
    for (; left >= 8; left -= 8, w += 8 * f.bytes, a += 8 * f.act_bytes) {
        acc = eight_blocks(&f, w, a, acc);
    }
    float sum = sum16(acc);
    return left == 0 ? sum : sum + f.tail(w, a, 32 * left);
}

/* 16 bytes of nibbles of each of two blocks to 64 bytes. */
INLINE __m512i nibbles_of_two(const uint8_t *qs, size_t stride)
{
    const __m512i shift = _mm512_setr_epi64(0, 0, 4, 4, 0, 0, 4, 4);
    const __m512i order = _mm512_setr_epi64(0, 1, 0, 1, 2, 3, 2, 3);
    __m256i x = _mm256_inserti128_si256(_mm256_castsi128_si256(load16(qs)), load16(qs + stride), 1);
    __m512i y = _mm512_permutexvar_epi64(order, _mm512_castsi256_si512(x));
    return _mm512_and_si512(_mm512_srlv_epi64(y, shift), _mm512_set1_epi8(15));
}

INLINE __m256 half_scales(const uint8_t *block, size_t stride)
{
    return halves8(block, stride);
}

INLINE __m512i q4_0_quants(const uint8_t *block, size_t stride)
{
    return nibbles_of_two(block + 2, stride);
}

float pls_dot_q4_0_avx512vnni(const void *row, const void *act, size_t n)
{
    const struct form f = { 18, A8_BYTES, 2, 8, q4_0_quants, half_scales, pls_dot_q4_0_avx2 };
    return dot_blocks(f, row, act, n);
}

INLINE __m512i q8_0_quants(const uint8_t *block, size_t stride)
{
    return _mm512_xor_si512(join(load32(block + 2), load32(block + 2 + stride)),
                            _mm512_set1_epi8((char)0x80));
}

float pls_dot_q8_0_avx512vnni(const void *row, const void *act, size_t n)
{
    const struct form f = { 34, A8_BYTES, 2, 128, q8_0_quants, half_scales, pls_dot_q8_0_avx2 };
    return dot_blocks(f, row, act, n);
}

/* The fifth bits lie in order, as a mask wants them. */
INLINE __m512i with_fifth(__m512i q, const uint8_t *qh, size_t stride)
{
    __mmask64 high = (__mmask64)pls_load_u32(qh) | (__mmask64)pls_load_u32(qh + stride) << 32;
    return _mm512_mask_add_epi8(q, high, q, _mm512_set1_epi8(16));
}

INLINE __m512i q5_0_quants(const uint8_t *block, size_t stride)
{
    return with_fifth(nibbles_of_two(block + 6, stride), block + 2, stride);
}

float pls_dot_q5_0_avx512vnni(const void *row, const void *act, size_t n)
{
    const struct form f = { 22, A8_BYTES, 2, 16, q5_0_quants, half_scales, pls_dot_q5_0_avx2 };
    return dot_blocks(f, row, act, n);
}

INLINE __m512i iq4_nl_quants(const uint8_t *block, size_t stride)
{
    __m512i curve = lanes4(_mm_xor_si128(load16(pls_curve_iq4), _mm_set1_epi8((char)0x80)));
    return _mm512_shuffle_epi8(curve, nibbles_of_two(block + 2, stride));
}

float pls_dot_iq4_nl_avx512vnni(const void *row, const void *act, size_t n)
{
    const struct form f = { 18, A8_BYTES, 2, 128, iq4_nl_quants, half_scales, pls_dot_iq4_nl_avx2 };
    return dot_blocks(f, row, act, n);
}

INLINE __m512i mxfp4_quants(const uint8_t *block, size_t stride)
{
    __m512i curve = lanes4(_mm_add_epi8(load16(pls_curve_fp4), _mm_set1_epi8(12)));
    return _mm512_shuffle_epi8(curve, nibbles_of_two(block + 1, stride));
}

INLINE __m256 mxfp4_scales(const uint8_t *block, size_t stride)
{
    uint64_t e = 0;
    UNROLL(8)
    for (int i = 0; i < 8; i++) {
        e |= (uint64_t)block[(size_t)i * stride] << (8 * i);
    }
    return e8m0_half8(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)e)));
}

float pls_dot_mxfp4_avx512vnni(const void *row, const void *act, size_t n)
{
    const struct form f = { 17, A8_BYTES, 2, 12, mxfp4_quants, mxfp4_scales, pls_dot_mxfp4_avx2 };
    return dot_blocks(f, row, act, n);
}

/* Types with a min of their own: scale and min lie side by side, as scale and sum do in the activations, so
 * one product of both gives d * d and m * s in turn. */
INLINE __m256i scale_mins8(const uint8_t *p, size_t stride)
{
    __m128i x[2];
    UNROLL(2)
    for (size_t i = 0; i < 2; i++, p += 4 * stride) {
        x[i] = _mm_cvtsi32_si128((int)pls_load_u32(p));
        x[i] = _mm_insert_epi32(x[i], (int)pls_load_u32(p + stride), 1);
        x[i] = _mm_insert_epi32(x[i], (int)pls_load_u32(p + 2 * stride), 2);
        x[i] = _mm_insert_epi32(x[i], (int)pls_load_u32(p + 3 * stride), 3);
    }
    return _mm256_inserti128_si256(_mm256_castsi128_si256(x[0]), x[1], 1);
}

INLINE float dot_blocks_min(const struct form f, const void *row, const void *act, size_t n)
{
    const uint8_t *w = row;
    const uint8_t *a = act;
    __m512 acc = _mm512_setzero_ps();
    __m512 mins = _mm512_setzero_ps();
    size_t left = n / 32;
    for (; left >= 8; left -= 8, w += 8 * f.bytes, a += 8 * A1_BYTES) {
        ask_ahead(w, 8 * f.bytes);
        __m512 product = _mm512_mul_ps(_mm512_cvtph_ps(scale_mins8(w, f.bytes)),
                                       _mm512_cvtph_ps(scale_mins8(a, A1_BYTES)));
        mins = _mm512_add_ps(mins, product);
        UNROLL(4)
        for (int j = 0; j < 4; j++) {
            size_t at = 2 * (size_t)j;
            __m512i q = f.quants(w + at * f.bytes, f.bytes);
            __m512i q8 = two_acts(a + at * A1_BYTES + 4, A1_BYTES);
            __m512i sum = _mm512_dpbusd_epi32(_mm512_setzero_si512(), q, q8);
            const __m512i pick = join(_mm256_set1_epi32(4 * j), _mm256_set1_epi32(4 * j + 2));
            acc = _mm512_fmadd_ps(_mm512_permutexvar_ps(pick, product), _mm512_cvtepi32_ps(sum), acc);
        }
    }
    float sum = sum16(acc) + sum16(_mm512_maskz_mov_ps(0xaaaa, mins));
    return left == 0 ? sum : sum + f.tail(w, a, 32 * left);
}

INLINE __m512i q4_1_quants(const uint8_t *block, size_t stride)
{
    return nibbles_of_two(block + 4, stride);
}

float pls_dot_q4_1_avx512vnni(const void *row, const void *act, size_t n)
{
    const struct form f = { 20, A1_BYTES, 4, 0, q4_1_quants, NULL, pls_dot_q4_1_avx2 };
    return dot_blocks_min(f, row, act, n);
}

INLINE __m512i q5_1_quants(const uint8_t *block, size_t stride)
{
    return with_fifth(nibbles_of_two(block + 8, stride), block + 4, stride);
}

float pls_dot_q5_1_avx512vnni(const void *row, const void *act, size_t n)
{
    const struct form f = { 24, A1_BYTES, 4, 0, q5_1_quants, NULL, pls_dot_q5_1_avx2 };
    return dot_blocks_min(f, row, act, n);
}
