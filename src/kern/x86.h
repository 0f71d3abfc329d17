/* kern/x86.h - the 128 and 256-bit vocabulary of the x86 kernels: loads, halves, sums, unpacking.
 *
 * Only files built with AVX2 flags include it. Everything is inlined into them, so that no object without
 * those flags holds such an instruction.
 */
#ifndef PLIMSOLL_KERN_X86_H
#define PLIMSOLL_KERN_X86_H

#include "blocks.h"
#include "unroll.h"

#include <immintrin.h>
#include <stddef.h>

#define INLINE static inline __attribute__((always_inline))

/* Bytes of an activation block, and where its parts lie. */
#define A8_BYTES 34u  /* Q8_0 */
#define A1_BYTES 36u  /* Q8_1 */
#define AK_BYTES 292u /* Q8_K */
#define AK_QUANTS 4u
#define AK_SUMS 260u

INLINE __m128i load16(const void *p)
{
    return _mm_loadu_si128(p);
}

INLINE __m256i load32(const void *p)
{
    return _mm256_loadu_si256(p);
}

INLINE __m256i twice(__m128i x)
{
    return _mm256_broadcastsi128_si256(x);
}

INLINE float half1(const uint8_t *p)
{
    return _cvtsh_ss(pls_load_u16(p));
}

/* Eight halves, `stride` bytes apart. Two chains of inserts, because each insert waits for the one before. */
INLINE __m256 halves8(const uint8_t *p, size_t stride)
{
    __m128i a = _mm_cvtsi32_si128(pls_load_u16(p));
    __m128i b = _mm_cvtsi32_si128(pls_load_u16(p + 4 * stride));
    a = _mm_insert_epi16(a, pls_load_u16(p + stride), 1);
    b = _mm_insert_epi16(b, pls_load_u16(p + 5 * stride), 1);
    a = _mm_insert_epi16(a, pls_load_u16(p + 2 * stride), 2);
    b = _mm_insert_epi16(b, pls_load_u16(p + 6 * stride), 2);
    a = _mm_insert_epi16(a, pls_load_u16(p + 3 * stride), 3);
    b = _mm_insert_epi16(b, pls_load_u16(p + 7 * stride), 3);
    return _mm256_cvtph_ps(_mm_unpacklo_epi64(a, b));
}

/* The first n of eight halves, the rest zero. */
INLINE __m256 halves_some(const uint8_t *p, size_t stride, size_t n)
{
    uint16_t h[8] = { 0 };
    for (size_t i = 0; i < n; i++) {
        h[i] = pls_load_u16(p + i * stride);
    }
    return _mm256_cvtph_ps(load16(h));
}

INLINE float sum8(__m256 x)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

/* 16 bytes of nibbles to 32 bytes: the low nibbles, then the high ones. */
INLINE __m256i nibbles32(const uint8_t *qs)
{
    __m128i x = load16(qs);
    __m256i halves = _mm256_inserti128_si256(_mm256_castsi128_si256(x), _mm_srli_epi16(x, 4), 1);
    return _mm256_and_si256(halves, _mm256_set1_epi8(15));
}

/* 32 bits to 32 bytes: 0xff where the bit is set. */
INLINE __m256i bits32(const uint8_t *bits)
{
    const __m256i spread = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
    const __m256i pick = _mm256_set1_epi64x((long long)0x8040201008040201);
    __m256i x = _mm256_set1_epi32((int)pls_load_u32(bits));
    return _mm256_cmpeq_epi8(_mm256_and_si256(_mm256_shuffle_epi8(x, spread), pick), pick);
}

/* Nibbles with a fifth bit each. */
INLINE __m256i fives(const uint8_t *qs, const uint8_t *qh)
{
    return _mm256_or_si256(nibbles32(qs), _mm256_and_si256(bits32(qh), _mm256_set1_epi8(16)));
}

/* Products of bytes, summed in pairs to 16 bits: quants without sign (at most 127), or with (|q| <= 128). */
INLINE __m256i pairs_unsigned(__m256i q, __m256i a)
{
    return _mm256_maddubs_epi16(q, a);
}

INLINE __m256i pairs_signed(__m256i q, __m256i a)
{
    return _mm256_maddubs_epi16(_mm256_sign_epi8(q, q), _mm256_sign_epi8(a, q));
}

/* The twelve scale bytes of Q4_K and Q5_K as sixteen: eight scales, then eight mins. */
INLINE __m128i scale_mins(const uint8_t *s)
{
    uint32_t a = pls_load_u32(s);
    uint32_t b = pls_load_u32(s + 4);
    uint32_t c = pls_load_u32(s + 8);
    uint32_t scale_high = (c & 0x0f0f0f0f) | (a >> 2 & 0x30303030);
    uint32_t min_high = (c >> 4 & 0x0f0f0f0f) | (b >> 2 & 0x30303030);
    return _mm_setr_epi32((int)(a & 0x3f3f3f3f), (int)scale_high, (int)(b & 0x3f3f3f3f), (int)min_high);
}

/* The sixteen 6-bit scales of Q3_K less 32, as bytes. */
INLINE __m128i scales_q3_k(const uint8_t *s)
{
    uint32_t a = pls_load_u32(s);
    uint32_t b = pls_load_u32(s + 4);
    uint32_t c = pls_load_u32(s + 8);
    __m128i low = _mm_setr_epi32((int)(a & 0x0f0f0f0f), (int)(b & 0x0f0f0f0f), (int)(a >> 4 & 0x0f0f0f0f),
                                 (int)(b >> 4 & 0x0f0f0f0f));
    __m128i high = _mm_setr_epi32((int)(c << 4 & 0x30303030), (int)(c << 2 & 0x30303030),
                                  (int)(c & 0x30303030), (int)(c >> 2 & 0x30303030));
    return _mm_sub_epi8(_mm_or_si128(low, high), _mm_set1_epi8(32));
}

/* The eight 6-bit scales of IQ4_XS less 32, as 16-bit numbers. */
INLINE __m128i scales_iq4_xs(const struct pls_iq4_xs *b)
{
    uint64_t low = pls_load_u32(b->scales_l);
    /* Nibble i to byte i. */
    uint64_t spread = _pdep_u64(low, 0x0f0f0f0f0f0f0f0f);
    uint64_t high = _pdep_u64(pls_load_u16(b->scales_h), 0x3030303030303030);
    __m128i bytes = _mm_cvtsi64_si128((long long)(spread | high));
    return _mm_sub_epi16(_mm_cvtepu8_epi16(bytes), _mm_set1_epi16(32));
}

/* E8M0 exponents to half their value: 2^(e - 128), subnormal at e = 0. */
INLINE __m256 e8m0_half8(__m256i e)
{
    __m256i bits = _mm256_max_epi32(_mm256_slli_epi32(e, 23), _mm256_set1_epi32(0x00400000));
    return _mm256_mul_ps(_mm256_castsi256_ps(bits), _mm256_set1_ps(0.5f));
}

/* Byte shuffles that spread 16-bit number i of each lane over the lane: bytes 2i, 2i + 1. */
INLINE __m256i word_of_lane(int i)
{
    return _mm256_set1_epi16((short)(0x0100 + 0x0202 * i));
}

/* Number 2i over the low lane, 2i + 1 over the high one: scales of groups of 16. */
INLINE __m256i words_of_lanes(int i)
{
    __m128i low = _mm_set1_epi16((short)(0x0100 + 0x0202 * (2 * i)));
    __m128i high = _mm_set1_epi16((short)(0x0100 + 0x0202 * (2 * i + 1)));
    return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

INLINE __m256i scaled(__m256i scales, __m256i shuffle, __m256i pairs)
{
    return _mm256_madd_epi16(_mm256_shuffle_epi8(scales, shuffle), pairs);
}

/* 16 signed scales as bytes to two vectors of eight 16-bit ones, each in both lanes. */
struct scales16x2 {
    __m256i all;   /* in order, to meet the sums of 16 */
    __m256i low;   /* 0..7 twice */
    __m256i high;  /* 8..15 twice */
};

INLINE struct scales16x2 scales16_of(__m128i bytes)
{
    struct scales16x2 s;
    s.all = _mm256_cvtepi8_epi16(bytes);
    s.low = _mm256_permute4x64_epi64(s.all, 0x44);
    s.high = _mm256_permute4x64_epi64(s.all, 0xee);
    return s;
}

/* Asks for the block 1 KiB further on. Kernels whose work per byte fills the out-of-order window see little
 * of the memory ahead of them, and how much the hardware prefetches by itself changes with the order of their
 * loads: without this the streaming rate of a type was anything from half to twice the engine's. 1 KiB was
 * the best of 256, 512 and 1024. */
INLINE void ask_ahead(const void *block, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 64) {
        _mm_prefetch((const char *)block + 1024 + i, _MM_HINT_T0);
    }
}

#endif
