/* BF16 with the instruction made for it: products of pairs, accumulated in floats (subnormals count as
 * zero). */
#include "kern_impl.h"
#include "x86.h"
#include "x86_512.h"

INLINE __m512bh pairs_at(const uint8_t *p)
{
    return (__m512bh)_mm512_loadu_si512(p);
}

float pls_dot_bf16_avx512bf16(const void *row, const void *act, size_t n)
{
    if (n % 32 != 0) {
        return pls_dot_bf16_avx512(row, act, n);
    }
    const uint8_t *w = row;
    const uint8_t *a = act;
    __m512 acc[4] = { _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps() };
    size_t i = 0;
    for (; i + 128 <= n; i += 128, w += 256, a += 256) {
        UNROLL(4)
        for (size_t j = 0; j < 4; j++) {
            acc[j] = _mm512_dpbf16_ps(acc[j], pairs_at(w + 64 * j), pairs_at(a + 64 * j));
        }
    }
    for (; i < n; i += 32, w += 64, a += 64) {
        acc[0] = _mm512_dpbf16_ps(acc[0], pairs_at(w), pairs_at(a));
    }
    return sum16(_mm512_add_ps(_mm512_add_ps(acc[0], acc[1]), _mm512_add_ps(acc[2], acc[3])));
}
