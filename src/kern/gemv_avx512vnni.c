/* Matrix-vector products over sixteen interleaved rows (layout: gemv_pack.c). VPDPBUSD takes the four
 * activations of a step straight from memory, broadcast to all rows. */
#include "codebook.h"
#include "gemv_pack.h"
#include "kern_impl.h"
#include "x86.h"
#include "x86_512.h"

#define LANES 16u

typedef __m512i block_fn(const uint8_t *quants, const int8_t *a, __m512i from);
typedef __m512 scale_fn(const uint8_t *scales);

struct form {
    size_t scale_bytes;
    int offset;
    block_fn *block;
    scale_fn *scale;
};

INLINE __m512i four(const int8_t *a)
{
    return _mm512_set1_epi32((int)pls_load_u32(a));
}

INLINE __m512i low_nibbles(__m512i x)
{
    return _mm512_and_si512(x, _mm512_set1_epi8(15));
}

INLINE __m512i high_nibbles(__m512i x)
{
    return low_nibbles(_mm512_srli_epi16(x, 4));
}

INLINE __m512i q4_0_block(const uint8_t *quants, const int8_t *a, __m512i from)
{
    __m512i high = _mm512_setzero_si512();
    UNROLL(4)
    for (int c = 0; c < 4; c++) {
        __m512i x = load64(quants + 64 * c);
        from = _mm512_dpbusd_epi32(from, low_nibbles(x), four(a + 4 * c));
        high = _mm512_dpbusd_epi32(high, high_nibbles(x), four(a + 16 + 4 * c));
    }
    return _mm512_add_epi32(from, high);
}

INLINE __m512i curve_block(__m512i curve, const uint8_t *quants, const int8_t *a, __m512i from)
{
    __m512i high = _mm512_setzero_si512();
    UNROLL(4)
    for (int c = 0; c < 4; c++) {
        __m512i x = load64(quants + 64 * c);
        from = _mm512_dpbusd_epi32(from, _mm512_shuffle_epi8(curve, low_nibbles(x)), four(a + 4 * c));
        high = _mm512_dpbusd_epi32(high, _mm512_shuffle_epi8(curve, high_nibbles(x)), four(a + 16 + 4 * c));
    }
    return _mm512_add_epi32(from, high);
}

INLINE __m512i iq4_nl_block(const uint8_t *quants, const int8_t *a, __m512i from)
{
    __m512i curve = lanes4(_mm_xor_si128(load16(pls_curve_iq4), _mm_set1_epi8((char)0x80)));
    return curve_block(curve, quants, a, from);
}

INLINE __m512i mxfp4_block(const uint8_t *quants, const int8_t *a, __m512i from)
{
    __m512i curve = lanes4(_mm_add_epi8(load16(pls_curve_fp4), _mm_set1_epi8(12)));
    return curve_block(curve, quants, a, from);
}

INLINE __m512 half_scale(const uint8_t *scales)
{
    return _mm512_cvtph_ps(load32(scales));
}

INLINE __m512 e8m0_scale(const uint8_t *scales)
{
    __m256 low = e8m0_half8(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)scales)));
    __m256 high = e8m0_half8(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)(scales + 8))));
    return _mm512_castsi512_ps(join(_mm256_castps_si256(low), _mm256_castps_si256(high)));
}

INLINE __m512 stretch(const struct form *f, const uint8_t *w, const uint8_t *act,
                      const struct pls_gemv_acts *acts, size_t n_blocks)
{
    size_t bytes = LANES * (f->scale_bytes + 16);
    __m512 acc = _mm512_setzero_ps();
    for (size_t b = 0; b < n_blocks; b++, w += bytes, act += A8_BYTES) {
        __m512i from = _mm512_set1_epi32(acts->sum[b]);
        __m512i sum = f->block(w + LANES * f->scale_bytes, (const int8_t *)act + 2, from);
        __m512 scale = _mm512_mul_ps(f->scale(w), _mm512_set1_ps(acts->d[b]));
        acc = _mm512_fmadd_ps(scale, _mm512_cvtepi32_ps(sum), acc);
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
        pls_gemv_acts(a, some, -f.offset, &acts);
        for (size_t g = 0; g < out.n_rows / LANES; g++) {
            const uint8_t *w = (const uint8_t *)packed + (g * n_blocks + b) * bytes;
            __m512 acc = stretch(&f, w, a, &acts, some);
            acc = b == 0 ? acc : _mm512_add_ps(acc, _mm512_loadu_ps(out.out + g * LANES));
            _mm512_storeu_ps(out.out + g * LANES, acc);
        }
    }
}

void pls_gemv_q4_0_avx512vnni(const void *packed, const void *act, float *out, size_t n_rows, size_t n)
{
    const struct form f = { 2, 8, q4_0_block, half_scale };
    gemv(f, packed, act, (struct pls_gemv_out){ out, n_rows, n });
}

void pls_gemv_iq4_nl_avx512vnni(const void *packed, const void *act, float *out, size_t n_rows, size_t n)
{
    const struct form f = { 2, 128, iq4_nl_block, half_scale };
    gemv(f, packed, act, (struct pls_gemv_out){ out, n_rows, n });
}

void pls_gemv_mxfp4_avx512vnni(const void *packed, const void *act, float *out, size_t n_rows, size_t n)
{
    const struct form f = { 1, 12, mxfp4_block, e8m0_scale };
    gemv(f, packed, act, (struct pls_gemv_out){ out, n_rows, n });
}

/* Sixteen bytes, one per row, as 32-bit numbers. */
INLINE __m512i wide(__m128i bytes)
{
    return _mm512_cvtepu8_epi32(bytes);
}

/* The same as pairs of equal 16-bit numbers. */
INLINE __m512i twins(__m128i bytes)
{
    __m512i x = wide(bytes);
    return _mm512_or_si512(x, _mm512_slli_epi32(x, 16));
}

INLINE __m128i masked(__m128i x, int mask)
{
    return _mm_and_si128(x, _mm_set1_epi8((char)mask));
}

/* Scale and min number g of sixteen rows: the format's twelve bytes, each a row of sixteen here. */
INLINE void scale_min16(const uint8_t *s, int g, __m128i *scale, __m128i *min)
{
    if (g < 4) {
        *scale = masked(load16(s + 16 * g), 63);
        *min = masked(load16(s + 16 * (g + 4)), 63);
        return;
    }
    __m128i c = load16(s + 16 * (g + 4));
    __m128i a = load16(s + 16 * (g - 4));
    __m128i b = load16(s + 16 * g);
    *scale = _mm_or_si128(masked(c, 15), masked(_mm_srli_epi16(a, 2), 0x30));
    *min = _mm_or_si128(masked(_mm_srli_epi16(c, 4), 15), masked(_mm_srli_epi16(b, 2), 0x30));
}

INLINE __m512 q4_k_block(const uint8_t *w, const uint8_t *a)
{
    const uint8_t *quants = w + 16 * LANES;
    const int8_t *q = (const int8_t *)a + AK_QUANTS;
    __m512i sum = _mm512_setzero_si512();
    __m512i mins = _mm512_setzero_si512();
    UNROLL(4)
    for (int j = 0; j < 4; j++) {
        __m512i low = _mm512_setzero_si512();
        __m512i high = _mm512_setzero_si512();
        UNROLL(8)
        for (int c = 0; c < 8; c++) {
            __m512i x = load64(quants + 512 * j + 64 * c);
            low = _mm512_dpbusd_epi32(low, low_nibbles(x), four(q + 64 * j + 4 * c));
            high = _mm512_dpbusd_epi32(high, high_nibbles(x), four(q + 64 * j + 32 + 4 * c));
        }
        const int8_t *sums = (const int8_t *)a + AK_SUMS + 8 * j;
        __m128i scale[2];
        __m128i min[2];
        scale_min16(w + 4 * LANES, 2 * j, &scale[0], &min[0]);
        scale_min16(w + 4 * LANES, 2 * j + 1, &scale[1], &min[1]);
        sum = _mm512_add_epi32(sum, _mm512_mullo_epi32(low, wide(scale[0])));
        sum = _mm512_add_epi32(sum, _mm512_mullo_epi32(high, wide(scale[1])));
        mins = _mm512_dpwssd_epi32(mins, twins(min[0]), four(sums));
        mins = _mm512_dpwssd_epi32(mins, twins(min[1]), four(sums + 4));
    }
    __m512 total = _mm512_mul_ps(half_scale(w + 2 * LANES), _mm512_cvtepi32_ps(mins));
    total = _mm512_fmsub_ps(half_scale(w), _mm512_cvtepi32_ps(sum), total);
    return _mm512_mul_ps(total, _mm512_set1_ps(pls_float_at(a)));
}

void pls_gemv_q4_k_avx512vnni(const void *packed, const void *act, float *out, size_t n_rows, size_t n)
{
    const uint8_t *w = packed;
    for (size_t r = 0; r < n_rows; r += LANES) {
        const uint8_t *a = act;
        __m512 acc = _mm512_setzero_ps();
        for (size_t b = 0; b < n / PLS_SUPER; b++, w += LANES * sizeof(struct pls_q4_k), a += AK_BYTES) {
            acc = _mm512_add_ps(acc, q4_k_block(w, a));
        }
        _mm512_storeu_ps(out + r, acc);
    }
}

/* Groups of 16: four steps of four elements. A sum stays below 3 * 127 * 16, so its low half is the whole
 * number and one 16-bit multiply by the scale adds it up. */
INLINE __m512 q2_k_block(const uint8_t *w, const uint8_t *a)
{
    const __m512i low2 = _mm512_set1_epi8(3);
    const int8_t *q = (const int8_t *)a + AK_QUANTS;
    __m512i sum = _mm512_setzero_si512();
    __m512i mins = _mm512_setzero_si512();
    UNROLL(4)
    for (int part = 0; part < 4; part++) { /* half of 128, half of its 32 bytes */
        const uint8_t *quants = w + 20 * LANES + 256 * part;
        __m512i x[4];
        UNROLL(4)
        for (int c = 0; c < 4; c++) {
            x[c] = load64(quants + 64 * c);
        }
        UNROLL(4)
        for (int j = 0; j < 4; j++) {
            int g = 8 * (part / 2) + 2 * j + part % 2;
            __m512i dot = _mm512_setzero_si512();
            UNROLL(4)
            for (int c = 0; c < 4; c++) {
                __m512i field =
                    _mm512_and_si512(_mm512_srlv_epi16(x[c], _mm512_set1_epi16((short)(2 * j))), low2);
                dot = _mm512_dpbusd_epi32(dot, field, four(q + 16 * g + 4 * c));
            }
            __m128i bytes = load16(w + 4 * LANES + 16 * g);
            sum = _mm512_dpwssd_epi32(sum, dot, wide(masked(bytes, 15)));
            __m512i s16 = _mm512_set1_epi32((int)pls_load_u16(a + AK_SUMS + 2 * g));
            mins = _mm512_dpwssd_epi32(mins, s16, wide(masked(_mm_srli_epi16(bytes, 4), 15)));
        }
    }
    __m512 total = _mm512_mul_ps(half_scale(w + 2 * LANES), _mm512_cvtepi32_ps(mins));
    total = _mm512_fmsub_ps(half_scale(w), _mm512_cvtepi32_ps(sum), total);
    return _mm512_mul_ps(total, _mm512_set1_ps(pls_float_at(a)));
}

void pls_gemv_q2_k_avx512vnni(const void *packed, const void *act, float *out, size_t n_rows, size_t n)
{
    const uint8_t *w = packed;
    for (size_t r = 0; r < n_rows; r += LANES) {
        const uint8_t *a = act;
        __m512 acc = _mm512_setzero_ps();
        for (size_t b = 0; b < n / PLS_SUPER; b++, w += LANES * sizeof(struct pls_q2_k), a += AK_BYTES) {
            acc = _mm512_add_ps(acc, q2_k_block(w, a));
        }
        _mm512_storeu_ps(out + r, acc);
    }
}
