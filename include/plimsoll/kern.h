/* plimsoll/kern.h - the kernels engines spend their time in, written anew so that a machine can be measured
 * with them.
 *
 * For each tensor type: dequantize a row to float; the fused dot product of a weight row with a quantized
 * activation row; for types that engines interleave ("repack") for batch-1 work, a matrix-vector product over
 * interleaved rows; and an integer matrix-matrix product for prefill. Block layouts are facts of the format
 * (ggml 0.21, 2026-08-22) and are described in src/kern/blocks.h.
 *
 * There is one const table. A row names type, operation, the instruction sets it needs and the function; rows
 * of one type and operation stand best first, and a scalar row, which needs nothing, ends each group that has
 * one. The same table is dispatched (pls_kern_find), tested against its scalar rows, benchmarked and listed
 * (`bench --list`).
 *
 * Kernels are total on well-formed sizes: n is a multiple of the type's block. Pointers need no alignment.
 * Sums may differ between rows by rounding: the order of float additions is theirs.
 */
#ifndef PLIMSOLL_KERN_H
#define PLIMSOLL_KERN_H

#include "plimsoll/machine.h"
#include "plimsoll/quant.h"

enum pls_kern_op {
    PLS_KERN_READ = 0, /* reads memory and nothing else; type I8 */
    PLS_KERN_DEQUANT,  /* row -> float */
    PLS_KERN_DOT,      /* row . activations */
    PLS_KERN_GEMV,     /* interleaved rows . activations */
    PLS_KERN_GEMM,     /* rows . columns of activations */
    PLS_KERN_OP_COUNT,
};
const char *pls_kern_op_name(enum pls_kern_op op); /* "read", "dequant", "dot", "gemv", "gemm" */

/* Any value that depends on every byte read. bytes is a multiple of 4096. */
typedef uint64_t pls_read_fn(const void *data, size_t bytes);
typedef void pls_dequant_fn(const void *row, float *out, size_t n);
typedef float pls_dot_fn(const void *row, const void *act, size_t n);
/* Interleaves `lanes` rows of n elements, `stride` bytes apart, into lanes * row bytes at `packed`. */
typedef void pls_pack_fn(const void *rows, size_t stride, void *packed, size_t n);
/* out[0..n_rows-1]; packed holds n_rows / lanes groups; n_rows is a multiple of the row's lanes. */
typedef void pls_gemv_fn(const void *packed, const void *act, float *out, size_t n_rows, size_t n);

/* out[c * out_stride + r] = weights row r . activation column c. */
struct pls_gemm_job {
    const void *weights; /* n_rows rows, weight_stride bytes apart, in the type's own layout */
    size_t weight_stride;
    size_t n_rows;       /* any; multiples of 16 are fast */
    const void *acts;    /* n_cols activation rows of type pls_kern_act(), act_stride bytes apart */
    size_t act_stride;
    size_t n_cols;       /* any; multiples of 8 are fast */
    size_t n;            /* elements of a row */
    float *out;
    size_t out_stride;   /* in floats */
    void *scratch;       /* pls_kern_gemm_scratch(n, n_cols) bytes, 64-byte aligned, one per thread */
};
typedef void pls_gemm_fn(const struct pls_gemm_job *job);

struct pls_kern {
    enum pls_type type;
    enum pls_kern_op op;
    uint32_t isa;       /* enum pls_isa bits it needs; 0: scalar */
    uint32_t lanes;     /* GEMV: rows interleaved; else 0 */
    const char *name;   /* "avx2", "avx512vnni", "scalar" */
    union {
        pls_read_fn *read;
        pls_dequant_fn *dequant;
        pls_dot_fn *dot;
        pls_gemv_fn *gemv;
        pls_gemm_fn *gemm;
    } fn;
    pls_pack_fn *pack;  /* GEMV only */
};

/* The table of this build. */
const struct pls_kern *pls_kern_table(size_t *n);
/* The best row whose needs are all in `isa`; NULL when there is none. */
const struct pls_kern *pls_kern_find(enum pls_type type, enum pls_kern_op op, uint32_t isa);

/* Instruction sets of this processor that kernels may use (pls_sys_isa). */
uint32_t pls_kern_isa(void);

/* Type the activations of a weight type are held in: F32, F16, BF16, Q8_0, Q8_1 or Q8_K. NONE: no kernels. */
enum pls_type pls_kern_act(enum pls_type type);
/* Converts n floats to an activation row; round to nearest, halves to even for halves, away from zero for
 * integers, as the engine does. */
void pls_kern_quantize(enum pls_type act, const float *x, void *out, size_t n);
size_t pls_kern_act_bytes(enum pls_type act, size_t n); /* of a row of n activations */
size_t pls_kern_gemm_scratch(size_t n, size_t n_cols); /* bytes */

/* Whether the engine interleaves matrices of this type on a processor with these instruction sets (its
 * default build for it, AMX aside): rates of such a type are those of its GEMV row. */
bool pls_kern_repacks(enum pls_type type, uint32_t isa);

#endif
