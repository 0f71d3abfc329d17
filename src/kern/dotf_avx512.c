/* Dot products of F32, F16 and BF16 rows in 512 bits. Lengths that are no multiple of 16 go to the 256-bit
 * kernels. */
#include "kern_impl.h"
#include "x86.h"
#include "x86_512.h"

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

typedef __m512 load_fn(const uint8_t *p);

INLINE float dot_floats(const void *row, const void *act, size_t n, size_t size, load_fn *at)
{
    const uint8_t *w = row;
    const uint8_t *a = act;
    size_t step = 16 * size;
    __m512 acc[4] = { _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps() };
    size_t i = 0;
    for (; i + 64 <= n; i += 64, w += 4 * step, a += 4 * step) {
        UNROLL(4)
        for (size_t j = 0; j < 4; j++) {
            acc[j] = _mm512_fmadd_ps(at(w + j * step), at(a + j * step), acc[j]);
        }
    }
    for (; i < n; i += 16, w += step, a += step) {
        acc[0] = _mm512_fmadd_ps(at(w), at(a), acc[0]);
    }
    return sum16(_mm512_add_ps(_mm512_add_ps(acc[0], acc[1]), _mm512_add_ps(acc[2], acc[3])));
}

float pls_dot_f32_avx512(const void *row, const void *act, size_t n)
{
    return n % 16 == 0 ? dot_floats(row, act, n, 4, f32_at) : pls_dot_f32_avx2(row, act, n);
}

float pls_dot_f16_avx512(const void *row, const void *act, size_t n)
{
    return n % 16 == 0 ? dot_floats(row, act, n, 2, f16_at) : pls_dot_f16_avx2(row, act, n);
}

float pls_dot_bf16_avx512(const void *row, const void *act, size_t n)
{
    return n % 16 == 0 ? dot_floats(row, act, n, 2, bf16_at) : pls_dot_bf16_avx2(row, act, n);
}
