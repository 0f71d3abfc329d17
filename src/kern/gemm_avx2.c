/* Tiles of 8 rows by 4 columns (see gemm.h). Products of pairs are added in 16 bits for as many steps as
 * cannot overflow: 2 * 127 * quant * steps < 32768, so eight steps of 4-bit quants, four of 5-bit ones, two
 * of 6-bit ones. Types whose quants need eight bits keep their sign and widen at every step. */
#include "gemm.h"
#include "kern_impl.h"
#include "unpack_x86.h"

#define ROWS 8u
#define COLS 4u

INLINE __m256i four(const int8_t *a)
{
    return _mm256_set1_epi32((int)pls_load_u32(a));
}

INLINE __m256i widen(__m256i pairs)
{
    return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

struct run {
    size_t group; /* elements */
    size_t steps; /* of four elements that fit 16 bits; 0 for signed quants, which widen at once */
};

/* One group, which begins at element `at`; q are its quants. */
INLINE void group_sums(const struct pls_gemm_tile *t, const uint8_t *q, size_t at, struct run r,
                       __m256i sum[COLS])
{
    size_t group = r.group;
    size_t steps = r.steps;
    size_t run = steps == 0 ? 1 : steps;
    for (size_t k = 0; k < group; k += 4 * run) {
        __m256i part[COLS];
        UNROLL(8)
        for (size_t s = 0; s < run; s++) {
            __m256i w = load32(q + (k + 4 * s) * ROWS);
            UNROLL(4)
            for (size_t c = 0; c < COLS; c++) {
                __m256i a = four(t->a[c] + at + k + 4 * s);
                __m256i p = steps == 0 ? pairs_signed(w, a) : pairs_unsigned(w, a);
                part[c] = s == 0 ? p : _mm256_add_epi16(part[c], p);
            }
        }
        UNROLL(4)
        for (size_t c = 0; c < COLS; c++) {
            sum[c] = _mm256_add_epi32(sum[c], widen(part[c]));
        }
    }
}

INLINE void tile(const struct pls_gemm_tile *t, size_t group, int has_min, size_t steps)
{
    __m256 acc[COLS];
    UNROLL(4)
    for (size_t c = 0; c < COLS; c++) {
        acc[c] = _mm256_setzero_ps();
    }
    const uint8_t *q = t->q;
    size_t at = 0;
    for (size_t g = 0; g < t->n_groups; g++, at += group, q += group * ROWS) {
        __m256i sum[COLS];
        UNROLL(4)
        for (size_t c = 0; c < COLS; c++) {
            sum[c] = _mm256_set1_epi32(t->corr[c][g]);
        }
        group_sums(t, q, at, (struct run){ group, steps }, sum);
        __m256 scale = _mm256_loadu_ps(t->scale + g * ROWS);
        __m256 min = has_min ? _mm256_loadu_ps(t->min + g * ROWS) : _mm256_setzero_ps();
        UNROLL(4)
        for (size_t c = 0; c < COLS; c++) {
            __m256 factor = _mm256_mul_ps(scale, _mm256_set1_ps(t->d[c][at / 32]));
            acc[c] = _mm256_fmadd_ps(factor, _mm256_cvtepi32_ps(sum[c]), acc[c]);
            if (has_min) {
                acc[c] = _mm256_fnmadd_ps(min, _mm256_set1_ps(t->dsum[c][g]), acc[c]);
            }
        }
    }
    UNROLL(4)
    for (size_t c = 0; c < COLS; c++) {
        _mm256_storeu_ps(t->out + c * ROWS, acc[c]);
    }
}

#define TILE(name, group, has_min, steps)                                                                    \
    static void name(const struct pls_gemm_tile *t)                                                          \
    {                                                                                                        \
        tile(t, group, has_min, steps);                                                                      \
    }
TILE(tile_32_s8, 32, 0, 8)
TILE(tile_32_s4, 32, 0, 4)
TILE(tile_32_signed, 32, 0, 0)
TILE(tile_32_min_s8, 32, 1, 8)
TILE(tile_32_min_s4, 32, 1, 4)
TILE(tile_16_s4, 16, 0, 4)
TILE(tile_16_s2, 16, 0, 2)
TILE(tile_16_min_s4, 16, 1, 4)

static void sums(const int8_t *q, size_t n, int32_t *out)
{
    sums16(q, n, out);
}

static void panel(const uint8_t *rows, size_t n, uint8_t *out)
{
    for (size_t k = 0; k < n; k += 32) {
        transpose8(rows + k, PLS_GEMM_CHUNK, out + k * ROWS, 4 * ROWS);
    }
}

static void signed_q8_0(const void *block, uint8_t *q, float *scale, float *min)
{
    (void)min;
    bytes_q8_0(block, q, scale, 0);
}

static void signed_iq4_nl(const void *block, uint8_t *q, float *scale, float *min)
{
    (void)min;
    bytes_iq4_nl(block, q, scale, 0);
}

static void signed_iq4_xs(const void *block, uint8_t *q, float *scale, float *min)
{
    (void)min;
    bytes_iq4_xs(block, q, scale, 0);
}

#define GEMM(lower, upper, group, bias, has_min, unpack, tile)                                               \
    void pls_gemm_##lower##_avx2(const struct pls_gemm_job *job)                                             \
    {                                                                                                        \
        static const struct pls_gemm_form form = { PLS_TYPE_##upper, group, bias, has_min, ROWS, COLS,       \
                                                   unpack,           panel, sums, tile };                    \
        pls_gemm_run(job, &form);                                                                            \
    }
GEMM(q4_0, Q4_0, 32, 8, false, bytes_q4_0, tile_32_s8)
GEMM(q4_1, Q4_1, 32, 0, true, bytes_q4_1, tile_32_min_s8)
GEMM(q5_0, Q5_0, 32, 16, false, bytes_q5_0, tile_32_s4)
GEMM(q5_1, Q5_1, 32, 0, true, bytes_q5_1, tile_32_min_s4)
GEMM(q8_0, Q8_0, 32, 0, false, signed_q8_0, tile_32_signed)
GEMM(iq4_nl, IQ4_NL, 32, 0, false, signed_iq4_nl, tile_32_signed)
GEMM(mxfp4, MXFP4, 32, 12, false, bytes_mxfp4, tile_32_s4)
GEMM(q2_k, Q2_K, 16, 0, true, bytes_q2_k, tile_16_min_s4)
GEMM(q3_k, Q3_K, 16, 4, false, bytes_q3_k, tile_16_s4)
GEMM(q4_k, Q4_K, 32, 0, true, bytes_q4_k, tile_32_min_s8)
GEMM(q5_k, Q5_K, 32, 0, true, bytes_q5_k, tile_32_min_s4)
GEMM(q6_k, Q6_K, 16, 32, false, bytes_q6_k, tile_16_s2)
GEMM(iq4_xs, IQ4_XS, 32, 0, false, signed_iq4_xs, tile_32_signed)
