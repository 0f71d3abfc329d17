/* Dot products of F32, F16 and BF16 rows. Four sums, because a fused multiply-add takes four cycles to come
 * back. */
#include "kern_impl.h"
#include "x86.h"

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

typedef __m256 load_fn(const uint8_t *p);

INLINE float dot_floats(const void *row, const void *act, size_t n, size_t size, load_fn *at)
{
    const uint8_t *w = row;
    const uint8_t *a = act;
    size_t step = 8 * size;
    __m256 acc[4] = { _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps() };
    size_t i = 0;
    for (; i + 32 <= n; i += 32, w += 4 * step, a += 4 * step) {
        UNROLL(4)
        for (size_t j = 0; j < 4; j++) {
            acc[j] = _mm256_fmadd_ps(at(w + j * step), at(a + j * step), acc[j]);
        }
    }
    for (; i + 8 <= n; i += 8, w += step, a += step) {
        acc[0] = _mm256_fmadd_ps(at(w), at(a), acc[0]);
    }
    return sum8(_mm256_add_ps(_mm256_add_ps(acc[0], acc[1]), _mm256_add_ps(acc[2], acc[3])));
}

struct kind {
    size_t size; /* bytes of an element */
    load_fn *at;
    pls_dot_fn *tail;
};

/* Whole vectors here, what is left over by the scalar kernel. */
INLINE float with_tail(const void *row, const void *act, size_t n, struct kind k)
{
    size_t whole = n / 8 * 8;
    float sum = dot_floats(row, act, whole, k.size, k.at);
    if (whole == n) {
        return sum;
    }
    return sum
           + k.tail((const uint8_t *)row + whole * k.size, (const uint8_t *)act + whole * k.size, n - whole);
}

float pls_dot_f32_avx2(const void *row, const void *act, size_t n)
{
    return with_tail(row, act, n, (struct kind){ 4, f32_at, pls_dot_f32_scalar });
}

float pls_dot_f16_avx2(const void *row, const void *act, size_t n)
{
    return with_tail(row, act, n, (struct kind){ 2, f16_at, pls_dot_f16_scalar });
}

float pls_dot_bf16_avx2(const void *row, const void *act, size_t n)
{
    return with_tail(row, act, n, (struct kind){ 2, bf16_at, pls_dot_bf16_scalar });
}
