/* Types of 32 or 64 elements per block. */
#include "blocks.h"
#include "codebook.h"
#include "unpack.h"

static void one_scale(struct pls_unpacked *out, float scale, float min)
{
    out->scale[0] = out->scale[1] = scale;
    out->min[0] = out->min[1] = min;
}

/* Nibbles of 16 bytes through a table of 16 values. */
static void nibbles(const uint8_t *qs, const int8_t *curve, int8_t *q)
{
    for (int i = 0; i < 16; i++) {
        q[i] = curve[qs[i] & 15];
        q[i + 16] = curve[qs[i] >> 4];
    }
}

static const int8_t plain[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
static const int8_t centred[16] = { -8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7 };

void pls_unpack_q4_0(const void *block, struct pls_unpacked *out)
{
    const struct pls_q4_0 *b = block;
    nibbles(b->qs, centred, out->q);
    one_scale(out, pls_half_at(b->d), 0);
}

void pls_unpack_q4_1(const void *block, struct pls_unpacked *out)
{
    const struct pls_q4_1 *b = block;
    nibbles(b->qs, plain, out->q);
    one_scale(out, pls_half_at(b->d), -pls_half_at(b->m));
}

static void five_bits(const uint8_t *qs, const uint8_t *qh, int offset, int8_t *q)
{
    uint32_t high = pls_load_u32(qh);
    for (int i = 0; i < 32; i++) {
        int low = i < 16 ? qs[i] & 15 : qs[i - 16] >> 4;
        q[i] = (int8_t)((low | (int)(high >> i & 1) << 4) - offset);
    }
}

void pls_unpack_q5_0(const void *block, struct pls_unpacked *out)
{
    const struct pls_q5_0 *b = block;
    five_bits(b->qs, b->qh, 16, out->q);
    one_scale(out, pls_half_at(b->d), 0);
}

void pls_unpack_q5_1(const void *block, struct pls_unpacked *out)
{
    const struct pls_q5_1 *b = block;
    five_bits(b->qs, b->qh, 0, out->q);
    one_scale(out, pls_half_at(b->d), -pls_half_at(b->m));
}

void pls_unpack_q8_0(const void *block, struct pls_unpacked *out)
{
    const struct pls_q8_0 *b = block;
    memcpy(out->q, b->qs, sizeof b->qs);
    one_scale(out, pls_half_at(b->d), 0);
}

void pls_unpack_iq4_nl(const void *block, struct pls_unpacked *out)
{
    const struct pls_q4_0 *b = block;
    nibbles(b->qs, pls_curve_iq4, out->q);
    one_scale(out, pls_half_at(b->d), 0);
}

void pls_unpack_mxfp4(const void *block, struct pls_unpacked *out)
{
    const struct pls_mxfp4 *b = block;
    nibbles(b->qs, pls_curve_fp4, out->q);
    one_scale(out, pls_e8m0_half(b->e), 0);
}

void pls_unpack_nvfp4(const void *block, struct pls_unpacked *out)
{
    const struct pls_nvfp4 *b = block;
    for (int g = 0; g < 4; g++) {
        for (int i = 0; i < 8; i++) {
            uint8_t byte = b->qs[8 * g + i];
            out->q[16 * g + i] = pls_curve_fp4[byte & 15];
            out->q[16 * g + i + 8] = pls_curve_fp4[byte >> 4];
        }
        out->scale[g] = pls_e4m3_half(b->d[g]);
        out->min[g] = 0;
    }
}
