/* Tiles of 16 rows by 8 columns: VPDPBUSD with the activations broadcast from memory (see gemm.h). */
#include "gemm.h"
#include "kern_impl.h"
#include "unpack_x86.h"
#include "x86_512.h"

#define ROWS 16u
#define COLS 8u

INLINE void tile(const struct pls_gemm_tile *t, size_t group, int has_min)
{
    __m512 acc[COLS];
    UNROLL(8)
    for (size_t c = 0; c < COLS; c++) {
        acc[c] = _mm512_setzero_ps();
    }
    const uint8_t *q = t->q;
    size_t at = 0;
    for (size_t g = 0; g < t->n_groups; g++, at += group) {
        __m512i sum[COLS];
        UNROLL(8)
        for (size_t c = 0; c < COLS; c++) {
            sum[c] = _mm512_set1_epi32(t->corr[c][g]);
        }
        for (size_t k = 0; k < group; k += 4, q += 4 * ROWS) {
            __m512i w = load64(q);
            UNROLL(8)
            for (size_t c = 0; c < COLS; c++) {
                sum[c] =
                    _mm512_dpbusd_epi32(sum[c], w, _mm512_set1_epi32((int)pls_load_u32(t->a[c] + at + k)));
            }
        }
        __m512 scale = _mm512_loadu_ps(t->scale + g * ROWS);
        __m512 min = has_min ? _mm512_loadu_ps(t->min + g * ROWS) : _mm512_setzero_ps();
        UNROLL(8)
        for (size_t c = 0; c < COLS; c++) {
            __m512 factor = _mm512_mul_ps(scale, _mm512_set1_ps(t->d[c][at / 32]));
            acc[c] = _mm512_fmadd_ps(factor, _mm512_cvtepi32_ps(sum[c]), acc[c]);
            if (has_min) {
                acc[c] = _mm512_fnmadd_ps(min, _mm512_set1_ps(t->dsum[c][g]), acc[c]);
            }
        }
    }
    UNROLL(8)
    for (size_t c = 0; c < COLS; c++) {
        _mm512_storeu_ps(t->out + c * ROWS, acc[c]);
    }
}

static void tile_32(const struct pls_gemm_tile *t)
{
    tile(t, 32, 0);
}

static void tile_32_min(const struct pls_gemm_tile *t)
{
    tile(t, 32, 1);
}

static void tile_16(const struct pls_gemm_tile *t)
{
    tile(t, 16, 0);
}

static void tile_16_min(const struct pls_gemm_tile *t)
{
    tile(t, 16, 1);
}

static void sums(const int8_t *q, size_t n, int32_t *out)
{
    sums16(q, n, out);
}

static void panel(const uint8_t *rows, size_t n, uint8_t *out)
{
    for (size_t k = 0; k < n; k += 32) {
        transpose8(rows + k, PLS_GEMM_CHUNK, out + k * ROWS, 4 * ROWS);
        transpose8(rows + 8 * PLS_GEMM_CHUNK + k, PLS_GEMM_CHUNK, out + k * ROWS + 32, 4 * ROWS);
    }
}

static void raised_q8_0(const void *block, uint8_t *q, float *scale, float *min)
{
    (void)min;
    bytes_q8_0(block, q, scale, 128);
}

static void raised_iq4_nl(const void *block, uint8_t *q, float *scale, float *min)
{
    (void)min;
    bytes_iq4_nl(block, q, scale, 128);
}

static void raised_iq4_xs(const void *block, uint8_t *q, float *scale, float *min)
{
    (void)min;
    bytes_iq4_xs(block, q, scale, 128);
}

#define GEMM(lower, upper, group, bias, has_min, unpack, tile)                                               \
    void pls_gemm_##lower##_avx512vnni(const struct pls_gemm_job *job)                                       \
    {                                                                                                        \
        static const struct pls_gemm_form form = { PLS_TYPE_##upper, group, bias, has_min, ROWS, COLS,       \
                                                   unpack,           panel, sums, tile };                    \
        pls_gemm_run(job, &form);                                                                            \
    }
GEMM(q4_0, Q4_0, 32, 8, false, bytes_q4_0, tile_32)
GEMM(q4_1, Q4_1, 32, 0, true, bytes_q4_1, tile_32_min)
GEMM(q5_0, Q5_0, 32, 16, false, bytes_q5_0, tile_32)
GEMM(q5_1, Q5_1, 32, 0, true, bytes_q5_1, tile_32_min)
GEMM(q8_0, Q8_0, 32, 128, false, raised_q8_0, tile_32)
GEMM(iq4_nl, IQ4_NL, 32, 128, false, raised_iq4_nl, tile_32)
GEMM(mxfp4, MXFP4, 32, 12, false, bytes_mxfp4, tile_32)
GEMM(q2_k, Q2_K, 16, 0, true, bytes_q2_k, tile_16_min)
GEMM(q3_k, Q3_K, 16, 4, false, bytes_q3_k, tile_16)
GEMM(q4_k, Q4_K, 32, 0, true, bytes_q4_k, tile_32_min)
GEMM(q5_k, Q5_K, 32, 0, true, bytes_q5_k, tile_32_min)
GEMM(q6_k, Q6_K, 16, 32, false, bytes_q6_k, tile_16)
GEMM(iq4_xs, IQ4_XS, 32, 128, false, raised_iq4_xs, tile_32)
