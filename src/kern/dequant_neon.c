/* Rows to floats. Multiply and subtract as in the scalar kernels: the results are equal bit for bit. */
#include "kern_impl.h"
#include "neon.h"
#include "unpack.h"

/* Sixteen quants of one group. */
INLINE void floats16(const int8_t *q, float scale, float min, float *out)
{
    int8x16_t x = vld1q_s8(q);
    int16x8_t half[2] = { vmovl_s8(vget_low_s8(x)), vmovl_s8(vget_high_s8(x)) };
    float32x4_t m = vdupq_n_f32(min);
    for (int i = 0; i < 2; i++) {
        float32x4_t low = vcvtq_f32_s32(vmovl_s16(vget_low_s16(half[i])));
        float32x4_t high = vcvtq_f32_s32(vmovl_s16(vget_high_s16(half[i])));
        vst1q_f32(out + 8 * i, vsubq_f32(vmulq_n_f32(low, scale), m));
        vst1q_f32(out + 8 * i + 4, vsubq_f32(vmulq_n_f32(high, scale), m));
    }
}

INLINE void dequant(enum pls_type type, const void *row, float *out, size_t n)
{
    const struct pls_shape *shape = pls_shape(type);
    const uint8_t *w = row;
    struct pls_unpacked u;
    for (size_t b = 0; b < n / shape->block; b++, w += shape->bytes) {
        shape->unpack(w, &u);
        for (size_t g = 0; g < shape->block / 16u; g++, out += 16) {
            floats16(u.q + 16 * g, u.scale[g], u.min[g], out);
        }
    }
}

#define DEQUANT(lower, upper)                                                                                \
    void pls_dequant_##lower##_neon(const void *row, float *out, size_t n)                                   \
    {                                                                                                        \
        dequant(PLS_TYPE_##upper, row, out, n);                                                              \
    }
DEQUANT(q4_0, Q4_0)
DEQUANT(q8_0, Q8_0)
DEQUANT(iq4_nl, IQ4_NL)
DEQUANT(mxfp4, MXFP4)
DEQUANT(q2_k, Q2_K)
DEQUANT(q3_k, Q3_K)
DEQUANT(q4_k, Q4_K)
DEQUANT(q5_k, Q5_K)
DEQUANT(q6_k, Q6_K)
DEQUANT(iq4_xs, IQ4_XS)

void pls_dequant_f16_neon(const void *row, float *out, size_t n)
{
    const uint8_t *w = row;
    size_t whole = n / 4 * 4;
    for (size_t i = 0; i < whole; i += 4) {
        vst1q_f32(out + i, vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(w + 2 * i))));
    }
    pls_dequant_f16_scalar(w + 2 * whole, out + whole, n - whole);
}
