/* Types of 256 elements per block without a codebook. */
#include "blocks.h"
#include "codebook.h"
#include "unpack.h"

/* Two-bit fields: element l of a half of 128 is field l / 32 of byte l % 32. */
static int two_bits(const uint8_t *qs, int element)
{
    int half = element / 128;
    int within = element % 128;
    return qs[32 * half + within % 32] >> (2 * (within / 32)) & 3;
}

void pls_unpack_q2_k(const void *block, struct pls_unpacked *out)
{
    const struct pls_q2_k *b = block;
    float d = pls_half_at(b->d);
    float dmin = pls_half_at(b->dmin);
    for (int i = 0; i < PLS_SUPER; i++) {
        out->q[i] = (int8_t)two_bits(b->qs, i);
    }
    for (int g = 0; g < 16; g++) {
        out->scale[g] = d * (float)(b->scales[g] & 15);
        out->min[g] = dmin * (float)(b->scales[g] >> 4);
    }
}

void pls_unpack_q3_k(const void *block, struct pls_unpacked *out)
{
    const struct pls_q3_k *b = block;
    float d = pls_half_at(b->d);
    for (int i = 0; i < PLS_SUPER; i++) {
        int high = b->hmask[i % 32] >> (i / 32) & 1;
        out->q[i] = (int8_t)(two_bits(b->qs, i) - (high != 0 ? 0 : 4));
    }
    for (int g = 0; g < 16; g++) {
        out->scale[g] = d * (float)(pls_q3_k_scale(b->scales, g) - 32);
        out->min[g] = 0;
    }
}

/* Scales of Q4_K and Q5_K: eight groups of 32, so each stands for two groups of 16 here. */
static void scales_k(const uint8_t *d, const uint8_t *dmin, const uint8_t *scales, struct pls_unpacked *out)
{
    for (int g = 0; g < 8; g++) {
        uint8_t scale = 0;
        uint8_t min = 0;
        pls_scale_min(scales, g, &scale, &min);
        out->scale[2 * g] = out->scale[2 * g + 1] = pls_half_at(d) * (float)scale;
        out->min[2 * g] = out->min[2 * g + 1] = pls_half_at(dmin) * (float)min;
    }
}

/* Four bits of element i: runs of 64, low nibbles first. */
static int four_bits(const uint8_t *qs, int i)
{
    return qs[32 * (i / 64) + i % 32] >> (4 * (i / 32 % 2)) & 15;
}

void pls_unpack_q4_k(const void *block, struct pls_unpacked *out)
{
    const struct pls_q4_k *b = block;
    for (int i = 0; i < PLS_SUPER; i++) {
        out->q[i] = (int8_t)four_bits(b->qs, i);
    }
    scales_k(b->d, b->dmin, b->scales, out);
}

void pls_unpack_q5_k(const void *block, struct pls_unpacked *out)
{
    const struct pls_q5_k *b = block;
    for (int i = 0; i < PLS_SUPER; i++) {
        int high = b->qh[i % 32] >> (i / 32) & 1;
        out->q[i] = (int8_t)(four_bits(b->qs, i) | high << 4);
    }
    scales_k(b->d, b->dmin, b->scales, out);
}

void pls_unpack_q6_k(const void *block, struct pls_unpacked *out)
{
    const struct pls_q6_k *b = block;
    float d = pls_half_at(b->d);
    for (int i = 0; i < PLS_SUPER; i++) {
        int half = i / 128;
        int within = i % 128;
        int low = b->ql[64 * half + within % 64] >> (4 * (within / 64)) & 15;
        int high = two_bits(b->qh, i);
        out->q[i] = (int8_t)((low | high << 4) - 32);
    }
    for (int g = 0; g < 16; g++) {
        out->scale[g] = d * (float)b->scales[g];
        out->min[g] = 0;
    }
}

void pls_unpack_iq4_xs(const void *block, struct pls_unpacked *out)
{
    const struct pls_iq4_xs *b = block;
    float d = pls_half_at(b->d);
    for (int g = 0; g < 8; g++) {
        int low = b->scales_l[g / 2] >> (4 * (g % 2)) & 15;
        int high = pls_load_u16(b->scales_h) >> (2 * g) & 3;
        out->scale[2 * g] = out->scale[2 * g + 1] = d * (float)((low | high << 4) - 32);
        out->min[2 * g] = out->min[2 * g + 1] = 0;
        for (int i = 0; i < 16; i++) {
            out->q[32 * g + i] = pls_curve_iq4[b->qs[16 * g + i] & 15];
            out->q[32 * g + i + 16] = pls_curve_iq4[b->qs[16 * g + i] >> 4];
        }
    }
}

/* A byte holds five base-3 digits as ceil(digits / 243 * 256): multiplying by 3 pushes one digit out at the
 * top. */
static int8_t ternary(uint8_t byte, int digit)
{
    static const uint8_t power[5] = { 1, 3, 9, 27, 81 };
    uint8_t rest = (uint8_t)(byte * power[digit]);
    return (int8_t)((rest * 3 >> 8) - 1);
}

void pls_unpack_tq1_0(const void *block, struct pls_unpacked *out)
{
    const struct pls_tq1_0 *b = block;
    int8_t *q = out->q;
    for (int digit = 0; digit < 5; digit++) {
        for (int i = 0; i < 32; i++) {
            q[32 * digit + i] = ternary(b->qs[i], digit);
        }
        for (int i = 0; i < 16; i++) {
            q[160 + 16 * digit + i] = ternary(b->qs[32 + i], digit);
        }
    }
    for (int i = 0; i < 16; i++) {
        q[240 + i] = ternary(b->qh[i % 4], i / 4);
    }
    for (int g = 0; g < 16; g++) {
        out->scale[g] = pls_half_at(b->d);
        out->min[g] = 0;
    }
}

void pls_unpack_tq2_0(const void *block, struct pls_unpacked *out)
{
    const struct pls_tq2_0 *b = block;
    for (int i = 0; i < PLS_SUPER; i++) {
        out->q[i] = (int8_t)(two_bits(b->qs, i) - 1);
    }
    for (int g = 0; g < 16; g++) {
        out->scale[g] = pls_half_at(b->d);
        out->min[g] = 0;
    }
}
