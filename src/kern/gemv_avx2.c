/* Matrix-vector products over eight interleaved rows (layout: gemv_pack.c). Four activations are broadcast by
 * a load and meet the same four elements of eight rows; nothing is ever summed across lanes. */
#include "codebook.h"
#include "gemv_pack.h"
#include "kern_impl.h"
#include "x86.h"

#define LANES 8u

/* Integer sums of one block of eight rows. */
typedef __m256i block_fn(const uint8_t *quants, const int8_t *a);
typedef __m256 scale_fn(const uint8_t *scales);

struct form {
    size_t scale_bytes; /* of one row's block */
    int offset;         /* what the quants are too large by */
    block_fn *block;
    scale_fn *scale;
};

INLINE __m256i four(const int8_t *a)
{
    return _mm256_set1_epi32((int)pls_load_u32(a));
}

INLINE __m256i low_nibbles(__m256i x)
{
    return _mm256_and_si256(x, _mm256_set1_epi8(15));
}

INLINE __m256i high_nibbles(__m256i x)
{
    return low_nibbles(_mm256_srli_epi16(x, 4));
}

INLINE __m256i widen(__m256i pairs)
{
    return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

/* Nibbles 0..15: eight products of pairs stay below 2 * 15 * 127 * 8 = 30480. */
INLINE __m256i q4_0_block(const uint8_t *quants, const int8_t *a)
{
    __m256i sum = _mm256_setzero_si256();
    UNROLL(4)
    for (int c = 0; c < 4; c++) {
        __m256i x = load32(quants + 32 * c);
        sum = _mm256_add_epi16(sum, pairs_unsigned(low_nibbles(x), four(a + 4 * c)));
        sum = _mm256_add_epi16(sum, pairs_unsigned(high_nibbles(x), four(a + 16 + 4 * c)));
    }
    return widen(sum);
}

INLINE __m256i iq4_nl_block(const uint8_t *quants, const int8_t *a)
{
    const __m256i curve = twice(load16(pls_curve_iq4));
    __m256i sum = _mm256_setzero_si256();
    UNROLL(4)
    for (int c = 0; c < 4; c++) {
        __m256i x = load32(quants + 32 * c);
        __m256i low = _mm256_shuffle_epi8(curve, low_nibbles(x));
        __m256i high = _mm256_shuffle_epi8(curve, high_nibbles(x));
        sum = _mm256_add_epi32(sum, widen(pairs_signed(low, four(a + 4 * c))));
        sum = _mm256_add_epi32(sum, widen(pairs_signed(high, four(a + 16 + 4 * c))));
    }
    return sum;
}

/* 0..24: four products of pairs stay below 2 * 24 * 127 * 4 = 24384. */
INLINE __m256i mxfp4_block(const uint8_t *quants, const int8_t *a)
{
    const __m256i curve = _mm256_add_epi8(twice(load16(pls_curve_fp4)), _mm256_set1_epi8(12));
    __m256i low_sum = _mm256_setzero_si256();
    __m256i high_sum = _mm256_setzero_si256();
    UNROLL(4)
    for (int c = 0; c < 4; c++) {
        __m256i x = load32(quants + 32 * c);
        __m256i low = _mm256_shuffle_epi8(curve, low_nibbles(x));
        __m256i high = _mm256_shuffle_epi8(curve, high_nibbles(x));
        low_sum = _mm256_add_epi16(low_sum, pairs_unsigned(low, four(a + 4 * c)));
        high_sum = _mm256_add_epi16(high_sum, pairs_unsigned(high, four(a + 16 + 4 * c)));
    }
    return _mm256_add_epi32(widen(low_sum), widen(high_sum));
}

INLINE __m256 half_scale(const uint8_t *scales)
{
    return _mm256_cvtph_ps(load16(scales));
}

INLINE __m256 e8m0_scale(const uint8_t *scales)
{
    return e8m0_half8(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)scales)));
}

/* One stretch of at most PLS_GEMV_BLOCKS blocks of one group of rows. */
INLINE __m256 stretch(const struct form *f, const uint8_t *w, const uint8_t *act,
                      const struct pls_gemv_acts *acts, size_t n_blocks)
{
    size_t bytes = LANES * (f->scale_bytes + 16);
    __m256 acc = _mm256_setzero_ps();
    for (size_t b = 0; b < n_blocks; b++, w += bytes, act += A8_BYTES) {
        __m256i sum = f->block(w + LANES * f->scale_bytes, (const int8_t *)act + 2);
        sum = _mm256_sub_epi32(sum, _mm256_set1_epi32(acts->sum[b]));
        __m256 scale = _mm256_mul_ps(f->scale(w), _mm256_set1_ps(acts->d[b]));
        acc = _mm256_fmadd_ps(scale, _mm256_cvtepi32_ps(sum), acc);
    }
    return acc;
}

INLINE void gemv(const struct form f, const void *packed, const void *act, struct pls_gemv_out out)
{
    struct pls_gemv_acts acts;
    size_t n_blocks = out.n / 32;
    size_t bytes = LANES * (f.scale_bytes + 16);
    for (size_t b = 0; b < n_blocks; b += PLS_GEMV_BLOCKS) {
        size_t some = n_blocks - b < PLS_GEMV_BLOCKS ? n_blocks - b : PLS_GEMV_BLOCKS;
        const uint8_t *a = (const uint8_t *)act + b * A8_BYTES;
        pls_gemv_acts(a, some, f.offset, &acts);
        for (size_t g = 0; g < out.n_rows / LANES; g++) {
            const uint8_t *w = (const uint8_t *)packed + (g * n_blocks + b) * bytes;
            __m256 acc = stretch(&f, w, a, &acts, some);
            acc = b == 0 ? acc : _mm256_add_ps(acc, _mm256_loadu_ps(out.out + g * LANES));
            _mm256_storeu_ps(out.out + g * LANES, acc);
        }
    }
}

void pls_gemv_q4_0_avx2(const void *packed, const void *act, float *out, size_t n_rows, size_t n)
{
    const struct form f = { 2, 8, q4_0_block, half_scale };
    gemv(f, packed, act, (struct pls_gemv_out){ out, n_rows, n });
}

void pls_gemv_iq4_nl_avx2(const void *packed, const void *act, float *out, size_t n_rows, size_t n)
{
    const struct form f = { 2, 0, iq4_nl_block, half_scale };
    gemv(f, packed, act, (struct pls_gemv_out){ out, n_rows, n });
}

void pls_gemv_mxfp4_avx2(const void *packed, const void *act, float *out, size_t n_rows, size_t n)
{
    const struct form f = { 1, 12, mxfp4_block, e8m0_scale };
    gemv(f, packed, act, (struct pls_gemv_out){ out, n_rows, n });
}

/* Eight bytes, one per row, as 16-bit numbers twice in each row's lane. */
INLINE __m256i twins(__m128i bytes)
{
    return _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(bytes, bytes));
}

/* Scales (or mins) of four groups of 32, eight rows each. */
struct scales_k {
    __m256i scale[2], min[2]; /* groups 0..3, 4..7 */
};

INLINE struct scales_k unpack_scales(const uint8_t *s)
{
    const __m256i six = _mm256_set1_epi8(63);
    const __m256i top = _mm256_set1_epi8(0x30);
    __m256i a = load32(s);
    __m256i b = load32(s + 32);
    __m256i c = load32(s + 64);
    struct scales_k k;
    k.scale[0] = _mm256_and_si256(a, six);
    k.min[0] = _mm256_and_si256(b, six);
    k.scale[1] = _mm256_or_si256(low_nibbles(c), _mm256_and_si256(_mm256_srli_epi16(a, 2), top));
    k.min[1] = _mm256_or_si256(high_nibbles(c), _mm256_and_si256(_mm256_srli_epi16(b, 2), top));
    return k;
}

INLINE __m128i eight_of(__m256i bytes, int group)
{
    __m128i half = group < 2 ? _mm256_castsi256_si128(bytes) : _mm256_extracti128_si256(bytes, 1);
    return group % 2 == 0 ? half : _mm_srli_si128(half, 8);
}

/* One super-block of eight rows: two groups of 32 per 128 bytes, low and high nibbles. */
INLINE __m256 q4_k_block(const uint8_t *w, const uint8_t *a)
{
    struct scales_k k = unpack_scales(w + 4 * LANES);
    const uint8_t *quants = w + 16 * LANES;
    const int8_t *q = (const int8_t *)a + AK_QUANTS;
    __m256i sum = _mm256_setzero_si256();
    __m256i mins = _mm256_setzero_si256();
    UNROLL(4)
    for (int j = 0; j < 4; j++) {
        __m256i low = _mm256_setzero_si256();
        __m256i high = _mm256_setzero_si256();
        UNROLL(8)
        for (int c = 0; c < 8; c++) {
            __m256i x = load32(quants + 256 * j + 32 * c);
            low = _mm256_add_epi16(low, pairs_unsigned(low_nibbles(x), four(q + 64 * j + 4 * c)));
            high = _mm256_add_epi16(high, pairs_unsigned(high_nibbles(x), four(q + 64 * j + 32 + 4 * c)));
        }
        __m256i scale = k.scale[j / 2];
        __m256i min = k.min[j / 2];
        int g = 2 * (j % 2);
        const uint8_t *sums = a + AK_SUMS + 8 * j;
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(low, twins(eight_of(scale, g))));
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(high, twins(eight_of(scale, g + 1))));
        mins = _mm256_add_epi32(mins, _mm256_madd_epi16(twins(eight_of(min, g)), four((const int8_t *)sums)));
        mins = _mm256_add_epi32(
            mins, _mm256_madd_epi16(twins(eight_of(min, g + 1)), four((const int8_t *)sums + 4)));
    }
    __m256 d = _mm256_cvtph_ps(load16(w));
    __m256 dmin = _mm256_cvtph_ps(load16(w + 2 * LANES));
    __m256 total = _mm256_mul_ps(dmin, _mm256_cvtepi32_ps(mins));
    total = _mm256_fmsub_ps(d, _mm256_cvtepi32_ps(sum), total);
    return _mm256_mul_ps(total, _mm256_set1_ps(pls_float_at(a)));
}

void pls_gemv_q4_k_avx2(const void *packed, const void *act, float *out, size_t n_rows, size_t n)
{
    const uint8_t *w = packed;
    for (size_t r = 0; r < n_rows; r += LANES) {
        const uint8_t *a = act;
        __m256 acc = _mm256_setzero_ps();
        for (size_t b = 0; b < n / PLS_SUPER; b++, w += LANES * sizeof(struct pls_q4_k), a += AK_BYTES) {
            acc = _mm256_add_ps(acc, q4_k_block(w, a));
        }
        _mm256_storeu_ps(out + r, acc);
    }
}
