/* Dot products of the types with 32 or 64 elements per block, against Q8_0 and Q8_1.
 *
 * Blocks are taken eight at a time: the scale of a block is a half, and converting sixteen of them one by one
 * would cost more than the quants do. The eight products of scales go through the stack, from where each is
 * broadcast by a load. */
#include "codebook.h"
#include "kern_impl.h"
#include "x86.h"

/* Sums of products of a block's 32 quants, in 16-bit pairs that cannot overflow. */
typedef __m256i pairs_fn(const uint8_t *block, const uint8_t *act);
/* The scales of eight consecutive blocks, of which the first n exist. */
typedef __m256 scales_fn(const uint8_t *block, size_t n);

INLINE __m256 to_floats(__m256i pairs)
{
    return _mm256_cvtepi32_ps(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

struct form {
    size_t bytes;     /* of a weight block */
    size_t act_bytes;
    size_t act_quants; /* where they begin */
    pairs_fn *pairs;
    scales_fn *scales;
};

INLINE __m256 act_scales(const uint8_t *act, size_t stride, size_t n)
{
    return n == 8 ? halves8(act, stride) : halves_some(act, stride, n);
}

INLINE void eight_blocks(const struct form *f, const uint8_t *w, const uint8_t *a, size_t n, __m256 acc[2])
{
    float scale[8];
    ask_ahead(w, 8 * f->bytes);
    _mm256_storeu_ps(scale, _mm256_mul_ps(f->scales(w, n), act_scales(a, f->act_bytes, n)));
    size_t i = 0;
    for (; i + 2 <= n; i += 2) {
        __m256i p = f->pairs(w + i * f->bytes, a + i * f->act_bytes + f->act_quants);
        __m256i q = f->pairs(w + (i + 1) * f->bytes, a + (i + 1) * f->act_bytes + f->act_quants);
        acc[0] = _mm256_fmadd_ps(_mm256_broadcast_ss(scale + i), to_floats(p), acc[0]);
        acc[1] = _mm256_fmadd_ps(_mm256_broadcast_ss(scale + i + 1), to_floats(q), acc[1]);
    }
    if (i < n) {
        __m256i p = f->pairs(w + i * f->bytes, a + i * f->act_bytes + f->act_quants);
        acc[0] = _mm256_fmadd_ps(_mm256_broadcast_ss(scale + i), to_floats(p), acc[0]);
    }
}

INLINE __m256 dot_blocks(const struct form f, const void *row, const void *act, size_t n)
{
    const uint8_t *w = row;
    const uint8_t *a = act;
    __m256 acc[2] = { _mm256_setzero_ps(), _mm256_setzero_ps() };
    size_t left = n / 32;
    for (; left >= 8; left -= 8) {
        eight_blocks(&f, w, a, 8, acc);
        w += 8 * f.bytes;
        a += 8 * f.act_bytes;
    }
    if (left > 0) {
        eight_blocks(&f, w, a, left, acc);
    }
    return _mm256_add_ps(acc[0], acc[1]);
}

INLINE __m256 half_scales(const uint8_t *block, size_t stride, size_t n)
{
    return n == 8 ? halves8(block, stride) : halves_some(block, stride, n);
}

/* q - offset, multiplied out: the offset meets the activations alone. */
INLINE __m256i pairs_less(__m256i q, __m256i a, char offset)
{
    return _mm256_sub_epi16(_mm256_maddubs_epi16(q, a), _mm256_maddubs_epi16(_mm256_set1_epi8(offset), a));
}

INLINE __m256i q4_0_pairs(const uint8_t *block, const uint8_t *act)
{
    return pairs_less(nibbles32(block + 2), load32(act), 8);
}

INLINE __m256 q4_0_scales(const uint8_t *block, size_t n)
{
    return half_scales(block, sizeof(struct pls_q4_0), n);
}

float pls_dot_q4_0_avx2(const void *row, const void *act, size_t n)
{
    const struct form f = { sizeof(struct pls_q4_0), A8_BYTES, 2, q4_0_pairs, q4_0_scales };
    return sum8(dot_blocks(f, row, act, n));
}

INLINE __m256i q5_0_pairs(const uint8_t *block, const uint8_t *act)
{
    return pairs_less(fives(block + 6, block + 2), load32(act), 16);
}

INLINE __m256 q5_0_scales(const uint8_t *block, size_t n)
{
    return half_scales(block, sizeof(struct pls_q5_0), n);
}

float pls_dot_q5_0_avx2(const void *row, const void *act, size_t n)
{
    const struct form f = { sizeof(struct pls_q5_0), A8_BYTES, 2, q5_0_pairs, q5_0_scales };
    return sum8(dot_blocks(f, row, act, n));
}

INLINE __m256i q8_0_pairs(const uint8_t *block, const uint8_t *act)
{
    return pairs_signed(load32(block + 2), load32(act));
}

INLINE __m256 q8_0_scales(const uint8_t *block, size_t n)
{
    return half_scales(block, sizeof(struct pls_q8_0), n);
}

float pls_dot_q8_0_avx2(const void *row, const void *act, size_t n)
{
    const struct form f = { sizeof(struct pls_q8_0), A8_BYTES, 2, q8_0_pairs, q8_0_scales };
    return sum8(dot_blocks(f, row, act, n));
}

INLINE __m256i iq4_nl_pairs(const uint8_t *block, const uint8_t *act)
{
    __m256i curve = twice(load16(pls_curve_iq4));
    return pairs_signed(_mm256_shuffle_epi8(curve, nibbles32(block + 2)), load32(act));
}

float pls_dot_iq4_nl_avx2(const void *row, const void *act, size_t n)
{
    const struct form f = { sizeof(struct pls_q4_0), A8_BYTES, 2, iq4_nl_pairs, q4_0_scales };
    return sum8(dot_blocks(f, row, act, n));
}

INLINE __m256i mxfp4_pairs(const uint8_t *block, const uint8_t *act)
{
    __m256i curve = _mm256_add_epi8(twice(load16(pls_curve_fp4)), _mm256_set1_epi8(12));
    return pairs_less(_mm256_shuffle_epi8(curve, nibbles32(block + 1)), load32(act), 12);
}

INLINE __m256 mxfp4_scales(const uint8_t *block, size_t n)
{
    uint8_t e[8] = { 0 };
    for (size_t i = 0; i < n; i++) {
        e[i] = block[i * sizeof(struct pls_mxfp4)];
    }
    return e8m0_half8(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)e)));
}

float pls_dot_mxfp4_avx2(const void *row, const void *act, size_t n)
{
    const struct form f = { sizeof(struct pls_mxfp4), A8_BYTES, 2, mxfp4_pairs, mxfp4_scales };
    return sum8(dot_blocks(f, row, act, n));
}

/* Types with a min of their own: scale and min lie side by side, as scale and sum do in the activations, so
 * one product of both gives d * d and m * s in turn. */
INLINE __m128i scale_mins4(const uint8_t *p, size_t stride)
{
    __m128i x = _mm_cvtsi32_si128((int)pls_load_u32(p));
    x = _mm_insert_epi32(x, (int)pls_load_u32(p + stride), 1);
    x = _mm_insert_epi32(x, (int)pls_load_u32(p + 2 * stride), 2);
    return _mm_insert_epi32(x, (int)pls_load_u32(p + 3 * stride), 3);
}

INLINE __m256 products4(const uint8_t *w, size_t bytes, const uint8_t *a)
{
    return _mm256_mul_ps(_mm256_cvtph_ps(scale_mins4(w, bytes)), _mm256_cvtph_ps(scale_mins4(a, A1_BYTES)));
}

INLINE __m256 product1(const uint8_t *w, const uint8_t *a)
{
    __m128 x = _mm_cvtph_ps(_mm_cvtsi32_si128((int)pls_load_u32(w)));
    return _mm256_zextps128_ps256(_mm_mul_ps(x, _mm_cvtph_ps(_mm_cvtsi32_si128((int)pls_load_u32(a)))));
}

INLINE float odd_sum(__m256 x)
{
    return sum8(_mm256_blend_ps(_mm256_setzero_ps(), x, 0xaa));
}

INLINE float dot_blocks_min(const struct form f, const void *row, const void *act, size_t n)
{
    const uint8_t *w = row;
    const uint8_t *a = act;
    __m256 acc[2] = { _mm256_setzero_ps(), _mm256_setzero_ps() };
    __m256 mins = _mm256_setzero_ps();
    size_t left = n / 32;
    for (; left >= 4; left -= 4, w += 4 * f.bytes, a += 4 * A1_BYTES) {
        float both[8];
        ask_ahead(w, 4 * f.bytes);
        __m256 product = products4(w, f.bytes, a);
        mins = _mm256_add_ps(mins, product);
        _mm256_storeu_ps(both, product);
        UNROLL(4)
        for (size_t i = 0; i < 4; i++) {
            __m256 p = to_floats(f.pairs(w + i * f.bytes, a + i * A1_BYTES + 4));
            acc[i % 2] = _mm256_fmadd_ps(_mm256_broadcast_ss(both + 2 * i), p, acc[i % 2]);
        }
    }
    for (; left > 0; left--, w += f.bytes, a += A1_BYTES) {
        __m256 product = product1(w, a);
        mins = _mm256_add_ps(mins, product);
        acc[0] =
            _mm256_fmadd_ps(_mm256_set1_ps(_mm256_cvtss_f32(product)), to_floats(f.pairs(w, a + 4)), acc[0]);
    }
    return sum8(_mm256_add_ps(acc[0], acc[1])) + odd_sum(mins);
}

INLINE __m256i q4_1_pairs(const uint8_t *block, const uint8_t *act)
{
    return pairs_unsigned(nibbles32(block + 4), load32(act));
}

float pls_dot_q4_1_avx2(const void *row, const void *act, size_t n)
{
    const struct form f = { sizeof(struct pls_q4_1), A1_BYTES, 4, q4_1_pairs, NULL };
    return dot_blocks_min(f, row, act, n);
}

INLINE __m256i q5_1_pairs(const uint8_t *block, const uint8_t *act)
{
    return pairs_unsigned(fives(block + 8, block + 4), load32(act));
}

float pls_dot_q5_1_avx2(const void *row, const void *act, size_t n)
{
    const struct form f = { sizeof(struct pls_q5_1), A1_BYTES, 4, q5_1_pairs, NULL };
    return dot_blocks_min(f, row, act, n);
}

/* Four unsigned E4M3 scales, each for four of sixteen lanes in two vectors. Placed in the exponent field of a
 * float and multiplied by 2^119 they come out right even when subnormal; 0x7f stands for nothing. */
INLINE void nvfp4_scales(const uint8_t *d, __m256 *first, __m256 *second)
{
    __m128i x = _mm_cvtepu8_epi32(_mm_cvtsi32_si128((int)pls_load_u32(d)));
    __m128i none = _mm_cmpeq_epi32(x, _mm_set1_epi32(0x7f));
    x = _mm_and_si128(x, _mm_set1_epi32(0x7f));
    x = _mm_andnot_si128(none, _mm_slli_epi32(x, 20));
    __m128 s = _mm_mul_ps(_mm_castsi128_ps(x), _mm_set1_ps(0x1p119f));
    __m256 both = _mm256_castps128_ps256(s);
    *first = _mm256_permutevar8x32_ps(both, _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1));
    *second = _mm256_permutevar8x32_ps(both, _mm256_setr_epi32(2, 2, 2, 2, 3, 3, 3, 3));
}

/* 16 bytes hold two groups: eight low nibbles, eight high ones each. */
INLINE __m256i nvfp4_quants(const uint8_t *qs)
{
    __m256i curve = twice(load16(pls_curve_fp4));
    return _mm256_shuffle_epi8(curve, _mm256_permute4x64_epi64(nibbles32(qs), 0xd8));
}

float pls_dot_nvfp4_avx2(const void *row, const void *act, size_t n)
{
    const struct pls_nvfp4 *w = row;
    const struct pls_q8_0 *a = act;
    __m256 acc[2] = { _mm256_setzero_ps(), _mm256_setzero_ps() };
    for (size_t i = 0; i < n / 64; i++, w++, a += 2) {
        ask_ahead(w, sizeof *w);
        __m256 scale[2];
        nvfp4_scales(w->d, &scale[0], &scale[1]);
        UNROLL(2)
        for (int half = 0; half < 2; half++) {
            __m256i p = pairs_signed(nvfp4_quants(w->qs + 16 * half), load32(a[half].qs));
            __m256 d = _mm256_mul_ps(scale[half], _mm256_set1_ps(half1(a[half].d)));
            acc[half] = _mm256_fmadd_ps(d, to_floats(p), acc[half]);
        }
    }
    return sum8(_mm256_add_ps(acc[0], acc[1]));
}
