/* kern/gemv_pack.h - putting rows side by side for the matrix-vector kernels. */
#ifndef PLIMSOLL_KERN_GEMV_PACK_H
#define PLIMSOLL_KERN_GEMV_PACK_H

#include "plimsoll/kern.h"

struct pls_pack {
    const uint8_t *rows;
    size_t stride;   /* bytes from row to row */
    size_t lanes;    /* rows side by side */
    size_t n_blocks; /* of each row */
};
void pls_pack_simple(struct pls_pack p, void *packed, size_t scale_bytes, size_t quant_bytes);
void pls_pack_q4_k(struct pls_pack p, void *packed);
void pls_pack_q2_k(struct pls_pack p, void *packed);

pls_pack_fn pls_pack_q4_0_x4, pls_pack_q4_0_x8, pls_pack_q4_0_x16, pls_pack_q8_0_x4, pls_pack_mxfp4_x4,
    pls_pack_mxfp4_x8, pls_pack_mxfp4_x16, pls_pack_q4_k_x4, pls_pack_q4_k_x8, pls_pack_q4_k_x16,
    pls_pack_q2_k_x16;

/* Where a matrix-vector product goes. */
struct pls_gemv_out {
    float *out;
    size_t n_rows, n;
};

/* Activation scales and sums of blocks of 32, worked out once for all rows: a stretch of a row at a time, so
 * that no length needs memory of its own. */
#define PLS_GEMV_BLOCKS 256

struct pls_gemv_acts {
    float d[PLS_GEMV_BLOCKS];
    int32_t sum[PLS_GEMV_BLOCKS];
};
/* Of `n` blocks of Q8_0 at act; sums are times `offset`. */
void pls_gemv_acts(const void *act, size_t n, int offset, struct pls_gemv_acts *out);

#endif
