/* Float matrix-matrix products, five rows by five columns at a time: every load is used five times. */
#include "kern_impl.h"
#include "x86.h"
#include "x86_512.h"

#define ROWS 5u
#define COLS 5u

typedef __m512 load_fn(const uint8_t *p);

INLINE __m512 f32_at(const uint8_t *p)
{
    return _mm512_loadu_ps(p);
}

INLINE __m512 f16_at(const uint8_t *p)
{
    return _mm512_cvtph_ps(load32(p));
}

INLINE __m512 bf16_at(const uint8_t *p)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(load32(p)), 16));
}

struct kind {
    size_t size; /* bytes of an element */
    load_fn *at;
    pls_dot_fn *dot; /* for edges */
};

INLINE void tile(const struct pls_gemm_job *job, struct kind k, size_t row, size_t col)
{
    __m512 acc[COLS][ROWS];
    const uint8_t *w = (const uint8_t *)job->weights + row * job->weight_stride;
    const uint8_t *a = (const uint8_t *)job->acts + col * job->act_stride;
    UNROLL(5)
    for (size_t c = 0; c < COLS; c++) {
        UNROLL(5)
        for (size_t r = 0; r < ROWS; r++) {
            acc[c][r] = _mm512_setzero_ps();
        }
    }
    for (size_t i = 0; i < job->n; i += 16) {
        __m512 x[ROWS];
        UNROLL(5)
        for (size_t r = 0; r < ROWS; r++) {
            x[r] = k.at(w + r * job->weight_stride + i * k.size);
        }
        UNROLL(5)
        for (size_t c = 0; c < COLS; c++) {
            __m512 y = k.at(a + c * job->act_stride + i * k.size);
            UNROLL(5)
            for (size_t r = 0; r < ROWS; r++) {
                acc[c][r] = _mm512_fmadd_ps(x[r], y, acc[c][r]);
            }
        }
    }
    UNROLL(5)
    for (size_t c = 0; c < COLS; c++) {
        UNROLL(5)
        for (size_t r = 0; r < ROWS; r++) {
            job->out[(col + c) * job->out_stride + row + r] = sum16(acc[c][r]);
        }
    }
}

INLINE void gemm(const struct pls_gemm_job *job, struct kind k)
{
    size_t whole = job->n % 16 == 0 ? job->n_rows / ROWS * ROWS : 0;
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

void pls_gemm_f32_avx512(const struct pls_gemm_job *job)
{
    gemm(job, (struct kind){ 4, f32_at, pls_dot_f32_avx512 });
}

void pls_gemm_f16_avx512(const struct pls_gemm_job *job)
{
    gemm(job, (struct kind){ 2, f16_at, pls_dot_f16_avx512 });
}

void pls_gemm_bf16_avx512(const struct pls_gemm_job *job)
{
    gemm(job, (struct kind){ 2, bf16_at, pls_dot_bf16_avx512 });
}
