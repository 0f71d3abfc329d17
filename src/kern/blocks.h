/* kern/blocks.h - block layouts of the tensor types, as ggml 0.21 (2026-08-22) stores them.
 *
 * Every field is bytes, so a block has alignment 1 and a row may lie anywhere. Halves are little-endian IEEE
 * binary16. "group" is a run of consecutive elements under one scale. Value of an element = scale * quant -
 * min, with
 *
 *   Q4_0, Q5_0   d * (q - 8), d * (q - 16)         Q4_1, Q5_1  d * q + m           Q8_0  d * q
 *   Q2_K         d * sc * q - dmin * m, group 16   Q3_K        d * (sc - 32) * (q - 4), group 16
 *   Q4_K, Q5_K   d * sc * q - dmin * m, group 32   Q6_K        d * sc * (q - 32), group 16
 *   IQ4_NL       d * curve[q]                      IQ4_XS      d * (sc - 32) * curve[q], group 32
 *   MXFP4        2^(e - 128) * fp4[q]              NVFP4       e4m3(d) / 2 * fp4[q], group 16
 *   IQ1..IQ3     d * (2 sc + 1) * 2^-k * codebook  TQ1_0, TQ2_0  d * (q - 1)
 *
 * where fp4 is twice the E2M1 value (OCP Microscaling Formats 1.0).
 */
#ifndef PLIMSOLL_KERN_BLOCKS_H
#define PLIMSOLL_KERN_BLOCKS_H

#include <stdint.h>
#include <string.h>

#define PLS_SUPER 256 /* elements of a super-block */

/* 32 elements; low nibbles are elements 0..15, high ones 16..31. */
struct pls_q4_0 { uint8_t d[2], qs[16]; };
struct pls_q4_1 { uint8_t d[2], m[2], qs[16]; };
struct pls_q5_0 { uint8_t d[2], qh[4], qs[16]; };       /* bit i of qh is bit 4 of element i */
struct pls_q5_1 { uint8_t d[2], m[2], qh[4], qs[16]; };
struct pls_q8_0 { uint8_t d[2]; int8_t qs[32]; };
struct pls_q8_1 { uint8_t d[2], s[2]; int8_t qs[32]; }; /* s = d * sum of qs */
struct pls_mxfp4 { uint8_t e, qs[16]; };
/* 64 elements in four groups of 16; within a group low nibbles are elements 0..7. */
struct pls_nvfp4 { uint8_t d[4], qs[32]; };

/* 256 elements. Two-bit fields: byte l of each 32 holds elements l, l + 32, l + 64, l + 96 of a half of
 * 128. */
struct pls_q2_k { uint8_t scales[16], qs[64], d[2], dmin[2]; };           /* scale low, min high nibble */
struct pls_q3_k { uint8_t hmask[32], qs[64], scales[12], d[2]; };         /* hmask bit set: no 4 taken off */
/* scales: eight 6-bit scales and eight 6-bit mins; see pls_scale_min. Byte l of each 32 of qs holds elements
 * l and l + 32 of a run of 64. */
struct pls_q4_k { uint8_t d[2], dmin[2], scales[12], qs[128]; };
/* bit g of qh[l]: element l of group g */
struct pls_q5_k { uint8_t d[2], dmin[2], scales[12], qh[32], qs[128]; };
struct pls_q6_k { uint8_t ql[128], qh[64]; int8_t scales[16]; uint8_t d[2]; };
struct pls_q8_k { uint8_t d[4]; int8_t qs[256]; uint8_t bsums[32]; };     /* d a float; sums of 16, int16 */
struct pls_iq4_xs { uint8_t d[2], scales_h[2], scales_l[4], qs[128]; };
struct pls_iq1_s { uint8_t d[2], qs[32], qh[16]; };
struct pls_iq1_m { uint8_t qs[32], qh[16], scales[8]; };
struct pls_iq2_xxs { uint8_t d[2], qs[64]; };
struct pls_iq2_xs { uint8_t d[2], qs[64], scales[8]; };
struct pls_iq2_s { uint8_t d[2], qs[32], signs[32], qh[8], scales[8]; };
/* gas: signs and scale, four bytes per 32 */
struct pls_iq3_xxs { uint8_t d[2], qs[64], gas[32]; };
struct pls_iq3_s { uint8_t d[2], qs[64], qh[8], signs[32], scales[4]; };
struct pls_tq1_0 { uint8_t qs[48], qh[4], d[2]; };                        /* five base-3 digits a byte */
struct pls_tq2_0 { uint8_t qs[64], d[2]; };

static inline uint16_t pls_load_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t pls_load_u32(const void *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline float pls_float_of_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static inline uint32_t pls_bits_of_float(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

/* binary16 to binary32, exact. Normals need a new exponent bias (127 - 15); subnormals are mantissa *
 * 2^-24. */
static inline float pls_half(uint16_t h)
{
/* aarch64 has an instruction for it whatever its extensions; blocks of 32 convert two halves each. */
#if defined(__aarch64__)
    __fp16 half;
    memcpy(&half, &h, sizeof half);
    return (float)half;
#else
    uint32_t sign = (uint32_t)(h & 0x8000) << 16;
    uint32_t exponent = h >> 10 & 31;
    uint32_t mantissa = h & 1023;
    if (exponent == 0) {
        float f = (float)mantissa * 5.9604644775390625e-8f;
        return sign != 0 ? -f : f;
    }
    uint32_t rebased = exponent == 31 ? 255 : exponent + 112;
    return pls_float_of_bits(sign | rebased << 23 | mantissa << 13);
#endif
}

static inline float pls_half_at(const uint8_t *p)
{
    return pls_half(pls_load_u16(p));
}

static inline float pls_float_at(const uint8_t *p)
{
    return pls_float_of_bits(pls_load_u32(p));
}

/* 6-bit scale and min number i (0..7) of the twelve bytes of Q4_K and Q5_K: the first four of each have bytes
 * of their own; the others share bytes 8..11 as nibbles and borrow the top two bits of the first eight. */
static inline void pls_scale_min(const uint8_t *s, int i, uint8_t *scale, uint8_t *min)
{
    if (i < 4) {
        *scale = s[i] & 63;
        *min = s[i + 4] & 63;
        return;
    }
    *scale = (uint8_t)((s[i + 4] & 15) | (s[i - 4] >> 6) << 4);
    *min = (uint8_t)(s[i + 4] >> 4 | (s[i] >> 6) << 4);
}

/* 6-bit scale number i (0..15) of Q3_K, still with its offset of 32: nibbles in bytes 0..7, top bits in
 * bytes 8..11. */
static inline int pls_q3_k_scale(const uint8_t *s, int i)
{
    int low = i < 8 ? s[i] & 15 : s[i - 8] >> 4;
    int high = s[8 + i % 4] >> (2 * (i / 4)) & 3;
    return low | high << 4;
}

/* 2^(e - 128): half of the E8M0 scale, because the table of FP4 values is doubled. */
static inline float pls_e8m0_half(uint8_t e)
{
    return pls_float_of_bits(e < 2 ? UINT32_C(0x00200000) << e : (uint32_t)(e - 1) << 23);
}

/* Half of an unsigned E4M3 (bias 7); 0x7f is its NaN and taken as 0, as the engine does. */
static inline float pls_e4m3_half(uint8_t x)
{
    uint32_t exponent = x >> 3 & 15;
    uint32_t mantissa = x & 7;
    if (x == 0x7f) {
        return 0;
    }
    if (exponent == 0) {
        return (float)mantissa * 0.0009765625f; /* 2^-9 / 2 */
    }
    return pls_float_of_bits((exponent + 119) << 23 | mantissa << 20);
}

#endif
