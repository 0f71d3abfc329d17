/* kern/neon.h - the vocabulary of the NEON kernels. Quants are signed here: the dot product of signed bytes
 * is the native one, so offsets are taken off when unpacking.
 *
 * Bodies live in *_neon_body.h and are compiled twice: with the dot-product instruction, and without, where
 * two widening multiplies stand in for it. NAME(x) gives each its function names. */
#ifndef PLIMSOLL_KERN_NEON_H
#define PLIMSOLL_KERN_NEON_H

#include "blocks.h"
#include "codebook.h"
#include "unroll.h"

#include <arm_neon.h>
#include <stddef.h>

#define INLINE static inline __attribute__((always_inline))

#define A8_BYTES 34u
#define A1_BYTES 36u
#define AK_BYTES 292u
#define AK_QUANTS 4u
#define AK_SUMS 260u

/* Sums of four products each, added to sum. */
INLINE int32x4_t dot4(int32x4_t sum, int8x16_t a, int8x16_t b)
{
#if defined(__ARM_FEATURE_DOTPROD)
    return vdotq_s32(sum, a, b);
#else
    int16x8_t low = vmull_s8(vget_low_s8(a), vget_low_s8(b));
    int16x8_t high = vmull_s8(vget_high_s8(a), vget_high_s8(b));
    return vaddq_s32(sum, vpaddq_s32(vpaddlq_s16(low), vpaddlq_s16(high)));
#endif
}

/* 32 quants. */
struct q32 {
    int8x16_t low, high;
};

INLINE int32x4_t dot32(struct q32 q, const int8_t *a)
{
    return dot4(dot4(vdupq_n_s32(0), q.low, vld1q_s8(a)), q.high, vld1q_s8(a + 16));
}

INLINE struct q32 nibbles(const uint8_t *qs)
{
    uint8x16_t x = vld1q_u8(qs);
    return (struct q32){ vreinterpretq_s8_u8(vandq_u8(x, vdupq_n_u8(15))),
                         vreinterpretq_s8_u8(vshrq_n_u8(x, 4)) };
}

INLINE struct q32 less(struct q32 q, int8_t offset)
{
    return (struct q32){ vsubq_s8(q.low, vdupq_n_s8(offset)), vsubq_s8(q.high, vdupq_n_s8(offset)) };
}

INLINE struct q32 through(const int8_t *curve, struct q32 q)
{
    int8x16_t table = vld1q_s8(curve);
    return (struct q32){ vqtbl1q_s8(table, vreinterpretq_u8_s8(q.low)),
                         vqtbl1q_s8(table, vreinterpretq_u8_s8(q.high)) };
}

/* 16 bits to 16 bytes: 0xff where set. */
INLINE uint8x16_t bits16(unsigned bits)
{
    const uint8x16_t pick = vreinterpretq_u8_u64(vdupq_n_u64(UINT64_C(0x8040201008040201)));
    uint8x16_t x = vcombine_u8(vdup_n_u8((uint8_t)(bits & 255)), vdup_n_u8((uint8_t)(bits >> 8 & 255)));
    return vtstq_u8(x, pick);
}

INLINE float32x4_t scaled_add(float32x4_t acc, int32x4_t sum, float d)
{
    return vfmaq_n_f32(acc, vcvtq_f32_s32(sum), d);
}

#endif
