/* kern/gemm.h - integer matrix-matrix products: one driver, per instruction set a way to lay out rows and a
 * tile.
 *
 * Rows of weights are unpacked once, whatever the number of columns: to bytes (quant plus the form's bias, so
 * that they are unsigned where the instruction wants that) with a float scale, and where the type has one a
 * min, per group of 16 or
 * 32. A panel holds `rows` of them, four elements of every row side by side. Columns are prepared once as
 * well: their bytes contiguous, scales as floats, and per group what the bias adds (corr = -bias * sum) and
 * what a min meets (d * sum).
 *
 *   out[r][c] = sum over groups g of  scale[g][r] * d[c] * (corr[c][g] + sum of w * a)  -  min[g][r] *
 * dsum[c][g]
 */
#ifndef PLIMSOLL_KERN_GEMM_H
#define PLIMSOLL_KERN_GEMM_H

#include "plimsoll/kern.h"

#define PLS_GEMM_CHUNK    256 /* elements unpacked at a time */
#define PLS_GEMM_ROWS_MAX 16
#define PLS_GEMM_COLS_MAX 8

struct pls_gemm_tile {
    const uint8_t *q;   /* [n / 4][rows][4] */
    const float *scale; /* [n / group][rows] */
    const float *min;   /* the same; unused when the form has none */
    size_t n_groups;
    const int8_t *a[PLS_GEMM_COLS_MAX];
    const float *d[PLS_GEMM_COLS_MAX];
    const int32_t *corr[PLS_GEMM_COLS_MAX];
    const float *dsum[PLS_GEMM_COLS_MAX];
    float *out;         /* [cols][rows] */
};
typedef void pls_tile_fn(const struct pls_gemm_tile *t);
/* Sums of 16 of n elements each; n is a multiple of 32. */
typedef void pls_sums_fn(const int8_t *q, size_t n, int32_t *sums);
/* One block to bytes, and one scale and min per group. */
typedef void pls_unpack_bytes_fn(const void *block, uint8_t *q, float *scale, float *min);
/* [rows][PLS_GEMM_CHUNK] bytes, of which the first n of each row count, to [n / 4][rows][4]. */
typedef void pls_panel_fn(const uint8_t *rows, size_t n, uint8_t *out);

struct pls_gemm_form {
    enum pls_type type;
    uint32_t group; /* 16 or 32 */
    int bias;
    bool has_min;
    uint32_t rows, cols; /* of a tile */
    pls_unpack_bytes_fn *unpack;
    pls_panel_fn *panel;
    pls_sums_fn *sums;
    pls_tile_fn *tile;
};

void pls_gemm_run(const struct pls_gemm_job *job, const struct pls_gemm_form *form);

#endif
