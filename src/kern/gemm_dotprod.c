/* Tiles of 8 rows by 4 columns (see gemm.h): four elements of four rows meet four activations of a column. */
#include "gemm_arm.h"
#include "kern_impl.h"

#define ROWS 8u
#define COLS 4u

INLINE void tile(const struct pls_gemm_tile *t, size_t group)
{
    float32x4_t acc[COLS][2];
    UNROLL(4)
    for (size_t c = 0; c < COLS; c++) {
        acc[c][0] = acc[c][1] = vdupq_n_f32(0);
    }
    const int8_t *q = (const int8_t *)t->q;
    for (size_t g = 0; g < t->n_groups; g++) {
        size_t at = g * group;
        int32x4_t sum[COLS][2];
        UNROLL(4)
        for (size_t c = 0; c < COLS; c++) {
            sum[c][0] = sum[c][1] = vdupq_n_s32(0);
        }
        for (size_t k = 0; k < group; k += 4, q += 4 * ROWS) {
            int8x16_t w0 = vld1q_s8(q);
            int8x16_t w1 = vld1q_s8(q + 16);
            UNROLL(4)
            for (size_t c = 0; c < COLS; c++) {
                int8x16_t a = vreinterpretq_s8_u32(vdupq_n_u32(pls_load_u32(t->a[c] + at + k)));
                sum[c][0] = vdotq_s32(sum[c][0], w0, a);
                sum[c][1] = vdotq_s32(sum[c][1], w1, a);
            }
        }
        float32x4_t scale[2] = { vld1q_f32(t->scale + g * ROWS), vld1q_f32(t->scale + g * ROWS + 4) };
        float32x4_t min[2] = { vld1q_f32(t->min + g * ROWS), vld1q_f32(t->min + g * ROWS + 4) };
        UNROLL(4)
        for (size_t c = 0; c < COLS; c++) {
            UNROLL(2)
            for (size_t h = 0; h < 2; h++) {
                float32x4_t d = vmulq_n_f32(scale[h], t->d[c][at / 32]);
                acc[c][h] = vfmaq_f32(acc[c][h], d, vcvtq_f32_s32(sum[c][h]));
                acc[c][h] = vfmsq_n_f32(acc[c][h], min[h], t->dsum[c][g]);
            }
        }
    }
    UNROLL(4)
    for (size_t c = 0; c < COLS; c++) {
        vst1q_f32(t->out + c * ROWS, acc[c][0]);
        vst1q_f32(t->out + c * ROWS + 4, acc[c][1]);
    }
}

static void tile_32(const struct pls_gemm_tile *t)
{
    tile(t, 32);
}

static void tile_16(const struct pls_gemm_tile *t)
{
    tile(t, 16);
}

static void panel(const uint8_t *rows, size_t n, uint8_t *out)
{
    for (size_t k = 0; k < n; k += 4) {
        for (size_t r = 0; r < ROWS; r++) {
            memcpy(out + (k * ROWS) + 4 * r, rows + r * PLS_GEMM_CHUNK + k, 4);
        }
    }
}

ALL_GEMM(dotprod)
