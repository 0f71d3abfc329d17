/* kern/x86_512.h - what the 512-bit kernels add to the vocabulary of x86.h. */
#ifndef PLIMSOLL_KERN_X86_512_H
#define PLIMSOLL_KERN_X86_512_H

#include "x86.h"

INLINE __m512i load64(const void *p)
{
    return _mm512_loadu_si512(p);
}

INLINE __m512i join(__m256i low, __m256i high)
{
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

/* 32 bytes in both halves; the load does it. */
INLINE __m512i both(const void *p)
{
    return _mm512_broadcast_i64x4(load32(p));
}

INLINE __m512i lanes4(__m128i x)
{
    return _mm512_broadcast_i32x4(x);
}

INLINE float sum16(__m512 x)
{
    __m256 high = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(x), 1));
    return sum8(_mm256_add_ps(_mm512_castps512_ps256(x), high));
}

#endif
