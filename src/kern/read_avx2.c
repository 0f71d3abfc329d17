#include "kern_impl.h"

#include <immintrin.h>

uint64_t pls_read_avx2(const void *data, size_t bytes)
{
    const char *p = data;
    __m256i a = _mm256_setzero_si256();
    __m256i b = a;
    __m256i c = a;
    __m256i d = a;
    for (size_t i = 0; i < bytes; i += 128) {
        a = _mm256_xor_si256(a, _mm256_loadu_si256((const void *)(p + i)));
        b = _mm256_xor_si256(b, _mm256_loadu_si256((const void *)(p + i + 32)));
        c = _mm256_xor_si256(c, _mm256_loadu_si256((const void *)(p + i + 64)));
        d = _mm256_xor_si256(d, _mm256_loadu_si256((const void *)(p + i + 96)));
    }
    a = _mm256_xor_si256(_mm256_xor_si256(a, b), _mm256_xor_si256(c, d));
    __m128i x = _mm_xor_si128(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    return (uint64_t)(_mm_cvtsi128_si64(x) ^ _mm_extract_epi64(x, 1));
}
