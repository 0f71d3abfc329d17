/* Codebook types: indices into grids of 4 or 8 magnitudes, signs beside them. */
#include "blocks.h"
#include "codebook.h"
#include "unpack.h"

const int8_t pls_curve_iq4[16] = { -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113 };
const int8_t pls_curve_fp4[16] = { 0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12 };

/* Bit 7 of a sign byte that stores seven: the number of minus signs is even. */
static unsigned even_signs(unsigned seven)
{
    unsigned parity = seven ^ seven >> 4;
    parity ^= parity >> 2;
    parity ^= parity >> 1;
    return (seven & 127) | (parity & 1) << 7;
}

static void eight(uint64_t grid, unsigned signs, int8_t *q)
{
    for (int i = 0; i < 8; i++) {
        int value = (int)(grid >> (8 * i) & 255);
        q[i] = (int8_t)((signs >> i & 1) != 0 ? -value : value);
    }
}

static void set_pair(struct pls_unpacked *out, int group, float first, float second)
{
    out->scale[2 * group] = first;
    out->scale[2 * group + 1] = second;
    out->min[2 * group] = out->min[2 * group + 1] = 0;
}

void pls_unpack_iq2_xxs(const void *block, struct pls_unpacked *out)
{
    const struct pls_iq2_xxs *b = block;
    float d = pls_half_at(b->d);
    for (int g = 0; g < 8; g++) {
        const uint8_t *index = b->qs + 8 * g;
        uint32_t rest = pls_load_u32(index + 4); /* four times seven signs, four bits of scale */
        float scale = d * (0.5f + (float)(rest >> 28)) * 0.25f;
        for (int l = 0; l < 4; l++) {
            eight(pls_grid_iq2_xxs[index[l]], even_signs(rest >> (7 * l) & 127), out->q + 32 * g + 8 * l);
        }
        set_pair(out, g, scale, scale);
    }
}

void pls_unpack_iq2_xs(const void *block, struct pls_unpacked *out)
{
    const struct pls_iq2_xs *b = block;
    float d = pls_half_at(b->d);
    for (int g = 0; g < 8; g++) {
        for (int l = 0; l < 4; l++) {
            unsigned word = pls_load_u16(b->qs + 8 * g + 2 * l); /* nine bits of index, seven signs */
            eight(pls_grid_iq2_xs[word & 511], even_signs(word >> 9), out->q + 32 * g + 8 * l);
        }
        float low = d * (0.5f + (float)(b->scales[g] & 15)) * 0.25f;
        float high = d * (0.5f + (float)(b->scales[g] >> 4)) * 0.25f;
        set_pair(out, g, low, high);
    }
}

void pls_unpack_iq2_s(const void *block, struct pls_unpacked *out)
{
    const struct pls_iq2_s *b = block;
    float d = pls_half_at(b->d);
    for (int g = 0; g < 8; g++) {
        for (int l = 0; l < 4; l++) {
            unsigned index = b->qs[4 * g + l] | (unsigned)(b->qh[g] >> (2 * l) & 3) << 8;
            eight(pls_grid_iq2_s[index], b->signs[4 * g + l], out->q + 32 * g + 8 * l);
        }
        float low = d * (0.5f + (float)(b->scales[g] & 15)) * 0.25f;
        float high = d * (0.5f + (float)(b->scales[g] >> 4)) * 0.25f;
        set_pair(out, g, low, high);
    }
}

static uint64_t two_grids(uint32_t first, uint32_t second)
{
    return first | (uint64_t)second << 32;
}

void pls_unpack_iq3_xxs(const void *block, struct pls_unpacked *out)
{
    const struct pls_iq3_xxs *b = block;
    float d = pls_half_at(b->d);
    for (int g = 0; g < 8; g++) {
        uint32_t rest = pls_load_u32(b->gas + 4 * g);
        float scale = d * (0.5f + (float)(rest >> 28)) * 0.5f;
        for (int l = 0; l < 4; l++) {
            const uint8_t *index = b->qs + 8 * g + 2 * l;
            uint64_t grid = two_grids(pls_grid_iq3_xxs[index[0]], pls_grid_iq3_xxs[index[1]]);
            eight(grid, even_signs(rest >> (7 * l) & 127), out->q + 32 * g + 8 * l);
        }
        set_pair(out, g, scale, scale);
    }
}

void pls_unpack_iq3_s(const void *block, struct pls_unpacked *out)
{
    const struct pls_iq3_s *b = block;
    float d = pls_half_at(b->d);
    for (int g = 0; g < 8; g++) {
        float scale = d * (float)(1 + 2 * (b->scales[g / 2] >> (4 * (g % 2)) & 15));
        for (int l = 0; l < 4; l++) {
            const uint8_t *low = b->qs + 8 * g + 2 * l;
            unsigned high = b->qh[g] >> (2 * l);
            uint64_t grid =
                two_grids(pls_grid_iq3_s[low[0] | (high & 1) << 8], pls_grid_iq3_s[low[1] | (high & 2) << 7]);
            eight(grid, b->signs[4 * g + l], out->q + 32 * g + 8 * l);
        }
        set_pair(out, g, scale, scale);
    }
}

/* Ternary values times eight, shifted up or down by one: the format's shift of 1/8. */
static void eight_shifted(uint64_t grid, bool down, int8_t *q)
{
    for (int i = 0; i < 8; i++) {
        q[i] = (int8_t)((int8_t)(grid >> (8 * i) & 255) + (down ? -1 : 1));
    }
}

void pls_unpack_iq1_s(const void *block, struct pls_unpacked *out)
{
    const struct pls_iq1_s *b = block;
    float d = pls_half_at(b->d);
    for (int g = 0; g < 8; g++) {
        unsigned word = pls_load_u16(b->qh + 2 * g); /* four times three bits of index, scale, shift */
        float scale = d * (float)(2 * (word >> 12 & 7) + 1) * 0.125f;
        for (int l = 0; l < 4; l++) {
            unsigned index = b->qs[4 * g + l] | (word >> (3 * l) & 7) << 8;
            eight_shifted(pls_grid_iq1[index], (word & 0x8000) != 0, out->q + 32 * g + 8 * l);
        }
        set_pair(out, g, scale, scale);
    }
}

/* The block's half is spread over the top nibbles of the four scale words. */
static float iq1_m_scale(const uint8_t *scales)
{
    unsigned h = 0;
    for (int i = 0; i < 4; i++) {
        h |= (unsigned)(scales[2 * i + 1] >> 4) << (4 * i);
    }
    return pls_half((uint16_t)h);
}

void pls_unpack_iq1_m(const void *block, struct pls_unpacked *out)
{
    const struct pls_iq1_m *b = block;
    float d = iq1_m_scale(b->scales);
    for (int g = 0; g < 8; g++) {
        unsigned word = (unsigned)pls_load_u16(b->scales + 2 * (g / 2)) >> (6 * (g % 2));
        float low = d * (float)(2 * (word & 7) + 1) * 0.125f;
        float high = d * (float)(2 * (word >> 3 & 7) + 1) * 0.125f;
        for (int l = 0; l < 4; l++) {
            unsigned nibble = b->qh[2 * g + l / 2] >> (4 * (l % 2)) & 15; /* three bits of index, shift */
            unsigned index = b->qs[4 * g + l] | (nibble & 7) << 8;
            eight_shifted(pls_grid_iq1[index], (nibble & 8) != 0, out->q + 32 * g + 8 * l);
        }
        set_pair(out, g, low, high);
    }
}
