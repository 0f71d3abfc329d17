/* Float matrix-matrix products, three rows by four columns at a time: every load is used three or four times. */
#include "kern_impl.h"
#include "x86.h"

#define ROWS 3u
#define COLS 4u

typedef __m256 load_fn(const uint8_t *p);

INLINE __m256 f32_at(const uint8_t *p)
{
    return _mm256_loadu_ps((const float *)(const void *)p);
}

INLINE __m256 f16_at(const uint8_t *p)
{
    return _mm256_cvtph_ps(load16(p));
}

INLINE __m256 bf16_at(const uint8_t *p)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(load16(p)), 16));
}

struct kind {
    size_t size; /* bytes of an element */
    load_fn *at;
    pls_dot_fn *dot; /* for edges */
};

INLINE void tile(const struct pls_gemm_job *job, struct kind k, size_t row, size_t col)
{
    __m256 acc[COLS][ROWS];
    const uint8_t *w = (const uint8_t *)job->weights + row * job->weight_stride;
    const uint8_t *a = (const uint8_t *)job->acts + col * job->act_stride;
    UNROLL(4)
    for (size_t c = 0; c < COLS; c++) {
        UNROLL(3)
        for (size_t r = 0; r < ROWS; r++) {
            acc[c][r] = _mm256_setzero_ps();
        }
    }
    for (size_t i = 0; i < job->n; i += 8) {
        __m256 x[ROWS];
        UNROLL(3)
        for (size_t r = 0; r < ROWS; r++) {
            x[r] = k.at(w + r * job->weight_stride + i * k.size);
        }
        UNROLL(4)
        for (size_t c = 0; c < COLS; c++) {
            __m256 y = k.at(a + c * job->act_stride + i * k.size);
            UNROLL(3)
            for (size_t r = 0; r < ROWS; r++) {
                acc[c][r] = _mm256_fmadd_ps(x[r], y, acc[c][r]);
            }
        }
    }
    UNROLL(4)
    for (size_t c = 0; c < COLS; c++) {
        UNROLL(3)
        for (size_t r = 0; r < ROWS; r++) {
            job->out[(col + c) * job->out_stride + row + r] = sum8(acc[c][r]);
        }
    }
}

INLINE void gemm(const struct pls_gemm_job *job, struct kind k)
{
    size_t whole = job->n % 8 == 0 ? job->n_rows / ROWS * ROWS : 0;
    for (size_t c = 0; c < job->n_cols; c += COLS) {
        size_t n_cols = job->n_cols - c < COLS ? job->n_cols - c : COLS;
        size_t r = 0;
        for (; n_cols == COLS && r < whole; r += ROWS) {
            tile(job, k, r, c);
        }
        for (; r < job->n_rows; r++) {
            for (size_t i = 0; i < n_cols; i++) {
                const uint8_t *w = (const uint8_t *)job->weights + r * job->weight_stride;
                const uint8_t *a = (const uint8_t *)job->acts + (c + i) * job->act_stride;
                job->out[(c + i) * job->out_stride + r] = k.dot(w, a, job->n);
            }
        }
    }
}

void pls_gemm_f32_avx2(const struct pls_gemm_job *job)
{
    gemm(job, (struct kind){ 4, f32_at, pls_dot_f32_avx2 });
}

void pls_gemm_f16_avx2(const struct pls_gemm_job *job)
{
    gemm(job, (struct kind){ 2, f16_at, pls_dot_f16_avx2 });
}

void pls_gemm_bf16_avx2(const struct pls_gemm_job *job)
{
    gemm(job, (struct kind){ 2, bf16_at, pls_dot_bf16_avx2 });
}
