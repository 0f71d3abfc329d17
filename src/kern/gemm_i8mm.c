/* Tiles of 8 rows by 4 columns (see gemm.h) with SMMLA: eight elements of two rows meet eight of two columns,
 * and the four sums come out as row 0 with both columns, row 1 with both. The panel holds eight elements of
 * every row side by side. */
#include "gemm_arm.h"
#include "kern_impl.h"

#define ROWS 8u
#define COLS 4u
#define PAIRS (ROWS / 2)

/* Two rows' numbers as the four sums want them. */
INLINE float32x4_t by_row(const float *p)
{
    float32x2_t x = vld1_f32(p);
    return vcombine_f32(vdup_lane_f32(x, 0), vdup_lane_f32(x, 1));
}

INLINE float32x4_t by_column(float first, float second)
{
    const float both[4] = { first, second, first, second };
    return vld1q_f32(both);
}

/* Eight elements of all rows and columns. */
INLINE void step(const struct pls_gemm_tile *t, const int8_t *q, size_t at, int32x4_t sum[2][PAIRS])
{
    UNROLL(2)
    for (size_t c = 0; c < 2; c++) {
        int8x16_t a = vcombine_s8(vld1_s8(t->a[2 * c] + at), vld1_s8(t->a[2 * c + 1] + at));
        UNROLL(4)
        for (size_t p = 0; p < PAIRS; p++) {
            sum[c][p] = vmmlaq_s32(sum[c][p], vld1q_s8(q + 16 * p), a);
        }
    }
}

INLINE void tile(const struct pls_gemm_tile *t, size_t group)
{
    float32x4_t acc[2][PAIRS];
    UNROLL(8)
    for (size_t i = 0; i < 2 * PAIRS; i++) {
        acc[i / PAIRS][i % PAIRS] = vdupq_n_f32(0);
    }
    const int8_t *q = (const int8_t *)t->q;
    for (size_t g = 0; g < t->n_groups; g++) {
        size_t at = g * group;
        int32x4_t sum[2][PAIRS];
        UNROLL(8)
        for (size_t i = 0; i < 2 * PAIRS; i++) {
            sum[i / PAIRS][i % PAIRS] = vdupq_n_s32(0);
        }
        for (size_t k = 0; k < group; k += 8, q += 8 * ROWS) {
            step(t, q, at + k, sum);
        }
        UNROLL(2)
        for (size_t c = 0; c < 2; c++) {
            float32x4_t d = by_column(t->d[2 * c][at / 32], t->d[2 * c + 1][at / 32]);
            float32x4_t dsum = by_column(t->dsum[2 * c][g], t->dsum[2 * c + 1][g]);
            UNROLL(4)
            for (size_t p = 0; p < PAIRS; p++) {
                float32x4_t scale = vmulq_f32(by_row(t->scale + g * ROWS + 2 * p), d);
                acc[c][p] = vfmaq_f32(acc[c][p], scale, vcvtq_f32_s32(sum[c][p]));
                acc[c][p] = vfmsq_f32(acc[c][p], by_row(t->min + g * ROWS + 2 * p), dsum);
            }
        }
    }
    UNROLL(4)
    for (size_t c = 0; c < COLS; c++) {
        UNROLL(8)
        for (size_t r = 0; r < ROWS; r++) {
            float four[4];
            vst1q_f32(four, acc[c / 2][r / 2]);
            t->out[c * ROWS + r] = four[2 * (r % 2) + c % 2];
        }
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
    for (size_t k = 0; k < n; k += 8) {
        for (size_t r = 0; r < ROWS; r++) {
            memcpy(out + (k * ROWS) + 8 * r, rows + r * PLS_GEMM_CHUNK + k, 8);
        }
    }
}

ALL_GEMM(i8mm)
