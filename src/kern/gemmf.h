/* kern/gemmf.h - float matrix-matrix products: one driver, per instruction set a way to lay out columns and a
 * tile.
 *
 * Both sides become 32-bit words: floats, or pairs of bfloat16 where an instruction multiplies and adds such
 * pairs. Columns are prepared once: word k of a whole group of them side by side, so that a vector holds
 * different columns and nothing is summed across it. Rows are widened a panel and a chunk at a time, which
 * stays in the first-level cache while it meets all columns; their words are broadcast. What is missing of
 * rows, columns and last words counts as zero. More columns than BLOCK are taken in turns, so that those
 * prepared stay in the second-level cache.
 */
#ifndef PLIMSOLL_KERN_GEMMF_H
#define PLIMSOLL_KERN_GEMMF_H

#include "plimsoll/kern.h"

#define PLS_GEMMF_CHUNK    256 /* words of rows widened at a time */
#define PLS_GEMMF_PART     64  /* and of columns */
#define PLS_GEMMF_STEP     8   /* words: what is prepared is padded to a multiple */
#define PLS_GEMMF_BLOCK    64  /* columns, a multiple of every form's */
#define PLS_GEMMF_ROWS_MAX 8
#define PLS_GEMMF_COLS_MAX 32

struct pls_gemmf_tile {
    const uint8_t *rows; /* [rows][CHUNK] words */
    const uint8_t *cols; /* [n][cols] words */
    size_t n;            /* words, a multiple of STEP, at most CHUNK */
    float *sums;         /* [rows][cols], added to */
};
typedef void pls_gemmf_tile_fn(const struct pls_gemmf_tile *t);
/* n elements to words, the last of them filled up with zero. */
typedef void pls_widen_fn(const uint8_t *from, uint8_t *to, size_t n);
/* n words (a multiple of STEP) of every column, which lie stride bytes apart, to [n][cols]. */
typedef void pls_interleave_fn(const uint8_t *cols, size_t stride, size_t n, uint8_t *out);

struct pls_gemmf_form {
    size_t size;         /* bytes of an element in the matrices */
    uint32_t per_word;   /* elements in a word */
    uint32_t rows, cols; /* of a tile */
    pls_widen_fn *widen;
    pls_interleave_fn *interleave;
    pls_gemmf_tile_fn *tile;
};

void pls_gemmf_run(const struct pls_gemm_job *job, const struct pls_gemmf_form *form);
size_t pls_gemmf_scratch(size_t n, size_t n_cols); /* bytes, whatever the form */

#endif
