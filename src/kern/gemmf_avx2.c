/* Tiles of 6 rows by 16 columns of floats (see gemmf.h): each word of a row is broadcast once and multiplied
 * twice. */
#include "gemmf.h"
#include "kern_impl.h"
#include "unpack_x86.h"

#define ROWS 6u
#define COLS 16u
#define LANES 8u
#define VEC __m256
#define LOAD _mm256_loadu_ps
#define STORE _mm256_storeu_ps

INLINE void step(const uint8_t *row, const uint8_t *col, __m256 acc[ROWS][2])
{
    __m256 low = _mm256_castsi256_ps(load32(col));
    __m256 high = _mm256_castsi256_ps(load32(col + 32));
    UNROLL(6)
    for (size_t r = 0; r < ROWS; r++) {
        __m256 w = _mm256_set1_ps(pls_float_at(row + r * PLS_GEMMF_CHUNK * 4));
        acc[r][0] = _mm256_fmadd_ps(w, low, acc[r][0]);
        acc[r][1] = _mm256_fmadd_ps(w, high, acc[r][1]);
    }
}

#include "gemmf_x86.h"

static void widen_f32(const uint8_t *from, uint8_t *to, size_t n)
{
    memcpy(to, from, n * 4);
}

static void widen_f16(const uint8_t *from, uint8_t *to, size_t n)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        put32(to + 4 * i, _mm256_castps_si256(_mm256_cvtph_ps(load16(from + 2 * i))));
    }
    for (; i < n; i++) {
        float x = half1(from + 2 * i);
        memcpy(to + 4 * i, &x, 4);
    }
}

static void widen_bf16(const uint8_t *from, uint8_t *to, size_t n)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        put32(to + 4 * i, _mm256_slli_epi32(_mm256_cvtepu16_epi32(load16(from + 2 * i)), 16));
    }
    for (; i < n; i++) {
        uint32_t x = (uint32_t)pls_load_u16(from + 2 * i) << 16;
        memcpy(to + 4 * i, &x, 4);
    }
}

void pls_gemm_f32_avx2(const struct pls_gemm_job *job)
{
    pls_gemmf_run(job, &(const struct pls_gemmf_form){ 4, 1, ROWS, COLS, widen_f32, interleave, tile });
}

void pls_gemm_f16_avx2(const struct pls_gemm_job *job)
{
    pls_gemmf_run(job, &(const struct pls_gemmf_form){ 2, 1, ROWS, COLS, widen_f16, interleave, tile });
}

void pls_gemm_bf16_avx2(const struct pls_gemm_job *job)
{
    pls_gemmf_run(job, &(const struct pls_gemmf_form){ 2, 1, ROWS, COLS, widen_bf16, interleave, tile });
}
