/* Matrix-vector products over four interleaved rows (layout: gemv_pack.c): one instruction multiplies four
 * elements of four rows by four activations picked from a register. */
#include "gemv_pack.h"
#include "kern_impl.h"
#include "neon.h"

#define LANES 4u

typedef float32x4_t scale_fn(const uint8_t *scales);
/* 16 bytes (four of each row) to the quants of their low and of their high nibbles. */
typedef struct q32 quants_fn(const uint8_t *bytes);

INLINE int32x4_t four_steps(int32x4_t sum, const int8x16_t w[4], int8x16_t a)
{
    sum = vdotq_laneq_s32(sum, w[0], a, 0);
    sum = vdotq_laneq_s32(sum, w[1], a, 1);
    sum = vdotq_laneq_s32(sum, w[2], a, 2);
    return vdotq_laneq_s32(sum, w[3], a, 3);
}

struct form {
    size_t scale_bytes; /* of one row's block */
    quants_fn *quants;
    scale_fn *scale;
};

INLINE void gemv_nibbles(const void *packed, const struct pls_q8_0 *act, struct pls_gemv_out out,
                         const struct form f)
{
    size_t scale_bytes = f.scale_bytes;
    const uint8_t *w = packed;
    size_t bytes = LANES * (scale_bytes + 16);
    for (size_t r = 0; r < out.n_rows; r += LANES) {
        float32x4_t acc = vdupq_n_f32(0);
        for (size_t b = 0; b < out.n / 32; b++, w += bytes) {
            int8x16_t low[4];
            int8x16_t high[4];
            UNROLL(4)
            for (size_t c = 0; c < 4; c++) {
                struct q32 q = f.quants(w + LANES * scale_bytes + 16 * c);
                low[c] = q.low;
                high[c] = q.high;
            }
            int32x4_t sum = four_steps(vdupq_n_s32(0), low, vld1q_s8(act[b].qs));
            sum = four_steps(sum, high, vld1q_s8(act[b].qs + 16));
            float32x4_t d = vmulq_n_f32(f.scale(w), pls_half_at(act[b].d));
            acc = vfmaq_f32(acc, d, vcvtq_f32_s32(sum));
        }
        vst1q_f32(out.out + r, acc);
    }
}

INLINE float32x4_t half_scale(const uint8_t *scales)
{
    return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(scales)));
}

INLINE float32x4_t e8m0_scale(const uint8_t *s)
{
    const float d[4] = { pls_e8m0_half(s[0]), pls_e8m0_half(s[1]), pls_e8m0_half(s[2]), pls_e8m0_half(s[3]) };
    return vld1q_f32(d);
}

INLINE struct q32 q4_0_quants(const uint8_t *bytes)
{
    return less(nibbles(bytes), 8);
}

INLINE struct q32 iq4_nl_quants(const uint8_t *bytes)
{
    return through(pls_curve_iq4, nibbles(bytes));
}

INLINE struct q32 mxfp4_quants(const uint8_t *bytes)
{
    return through(pls_curve_fp4, nibbles(bytes));
}

void pls_gemv_q4_0_dotprod(const void *packed, const void *act, float *out, size_t n_rows, size_t n)
{
    gemv_nibbles(packed, act, (struct pls_gemv_out){ out, n_rows, n },
                 (struct form){ 2, q4_0_quants, half_scale });
}

void pls_gemv_iq4_nl_dotprod(const void *packed, const void *act, float *out, size_t n_rows, size_t n)
{
    gemv_nibbles(packed, act, (struct pls_gemv_out){ out, n_rows, n },
                 (struct form){ 2, iq4_nl_quants, half_scale });
}

void pls_gemv_mxfp4_dotprod(const void *packed, const void *act, float *out, size_t n_rows, size_t n)
{
    gemv_nibbles(packed, act, (struct pls_gemv_out){ out, n_rows, n },
                 (struct form){ 1, mxfp4_quants, e8m0_scale });
}

void pls_gemv_q8_0_dotprod(const void *packed, const void *act, float *out, size_t n_rows, size_t n)
{
    const uint8_t *w = packed;
    for (size_t r = 0; r < n_rows; r += LANES) {
        const struct pls_q8_0 *a = act;
        float32x4_t acc = vdupq_n_f32(0);
        for (size_t b = 0; b < n / 32; b++, a++, w += LANES * sizeof(struct pls_q8_0)) {
            const int8_t *q = (const int8_t *)w + 2 * LANES;
            int32x4_t sum = vdupq_n_s32(0);
            UNROLL(2)
            for (size_t half = 0; half < 2; half++, q += 64) {
                const int8x16_t x[4] = { vld1q_s8(q), vld1q_s8(q + 16), vld1q_s8(q + 32), vld1q_s8(q + 48) };
                sum = four_steps(sum, x, vld1q_s8(a->qs + 16 * half));
            }
            float32x4_t d = vmulq_n_f32(half_scale(w), pls_half_at(a->d));
            acc = vfmaq_f32(acc, d, vcvtq_f32_s32(sum));
        }
        vst1q_f32(out + r, acc);
    }
}

/* Scale and min number g of four rows: the format's twelve bytes, four of each side by side. */
INLINE void scale_min4(const uint8_t *s, int g, int32x4_t *scale, int32x4_t *min)
{
    int32_t both[2][4];
    for (size_t r = 0; r < 4; r++) {
        uint8_t bytes[12];
        uint8_t one = 0;
        uint8_t other = 0;
        for (size_t j = 0; j < 12; j++) {
            bytes[j] = s[4 * j + r];
        }
        pls_scale_min(bytes, g, &one, &other);
        both[0][r] = one;
        both[1][r] = other;
    }
    *scale = vld1q_s32(both[0]);
    *min = vld1q_s32(both[1]);
}

INLINE float32x4_t q4_k_block(const uint8_t *w, const struct pls_q8_k *a)
{
    int32x4_t sum = vdupq_n_s32(0);
    int32x4_t mins = vdupq_n_s32(0);
    UNROLL(4)
    for (int j = 0; j < 4; j++) {
        int32x4_t part[2] = { vdupq_n_s32(0), vdupq_n_s32(0) };
        UNROLL(2)
        for (int half = 0; half < 2; half++) {
            int8x16_t low[4];
            int8x16_t high[4];
            UNROLL(4)
            for (int c = 0; c < 4; c++) {
                struct q32 q = nibbles(w + 16 * LANES + 128 * j + 64 * half + 16 * c);
                low[c] = q.low;
                high[c] = q.high;
            }
            part[0] = four_steps(part[0], low, vld1q_s8(a->qs + 64 * j + 16 * half));
            part[1] = four_steps(part[1], high, vld1q_s8(a->qs + 64 * j + 32 + 16 * half));
        }
        UNROLL(2)
        for (int i = 0; i < 2; i++) {
            int32x4_t scale;
            int32x4_t min;
            int g = 2 * j + i;
            int32_t s = (int16_t)pls_load_u16(a->bsums + 4 * g) + (int16_t)pls_load_u16(a->bsums + 4 * g + 2);
            scale_min4(w + 4 * LANES, g, &scale, &min);
            sum = vmlaq_s32(sum, part[i], scale);
            mins = vmlaq_n_s32(mins, min, s);
        }
    }
    float32x4_t total = vmulq_f32(half_scale(w), vcvtq_f32_s32(sum));
    total = vfmsq_f32(total, half_scale(w + 2 * LANES), vcvtq_f32_s32(mins));
    return vmulq_n_f32(total, pls_float_at(a->d));
}

void pls_gemv_q4_k_dotprod(const void *packed, const void *act, float *out, size_t n_rows, size_t n)
{
    const uint8_t *w = packed;
    const struct pls_q8_k *a = act;
    for (size_t r = 0; r < n_rows; r += LANES) {
        float32x4_t acc = vdupq_n_f32(0);
        for (size_t b = 0; b < n / PLS_SUPER; b++, w += LANES * sizeof(struct pls_q4_k)) {
            acc = vaddq_f32(acc, q4_k_block(w, a + b));
        }
        vst1q_f32(out + r, acc);
    }
}
