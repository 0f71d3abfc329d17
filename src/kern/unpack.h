/* kern/unpack.h - one form for every quantized block: small integers with a float scale and min per 16 of
 * them.
 *
 * Element i of a block is scale[i / 16] * q[i] - min[i / 16], exactly as the engine computes it. The scalar
 * kernels are this form plus a loop; the matrix-matrix kernels unpack rows into it once and use them for
 * every column.
 */
#ifndef PLIMSOLL_KERN_UNPACK_H
#define PLIMSOLL_KERN_UNPACK_H

#include "plimsoll/quant.h"

#define PLS_UNPACK_MAX   256
#define PLS_UNPACK_GROUP 16

struct pls_unpacked {
    _Alignas(64) int8_t q[PLS_UNPACK_MAX];
    float scale[PLS_UNPACK_MAX / PLS_UNPACK_GROUP];
    float min[PLS_UNPACK_MAX / PLS_UNPACK_GROUP];
};

/* Unpacks one block. */
typedef void pls_unpack_fn(const void *block, struct pls_unpacked *out);

pls_unpack_fn pls_unpack_q4_0, pls_unpack_q4_1, pls_unpack_q5_0, pls_unpack_q5_1, pls_unpack_q8_0,
    pls_unpack_mxfp4, pls_unpack_nvfp4, pls_unpack_iq4_nl;
pls_unpack_fn pls_unpack_q2_k, pls_unpack_q3_k, pls_unpack_q4_k, pls_unpack_q5_k, pls_unpack_q6_k,
    pls_unpack_iq4_xs, pls_unpack_tq1_0, pls_unpack_tq2_0;
pls_unpack_fn pls_unpack_iq1_s, pls_unpack_iq1_m, pls_unpack_iq2_xxs, pls_unpack_iq2_xs, pls_unpack_iq2_s,
    pls_unpack_iq3_xxs, pls_unpack_iq3_s;

/* What the kernels need to know of a type. */
struct pls_shape {
    enum pls_type type;
    enum pls_type act;     /* type of its activations */
    uint16_t block, bytes; /* elements and bytes of a block */
    pls_unpack_fn *unpack; /* NULL for F32, F16, BF16 */
};
const struct pls_shape *pls_shape(enum pls_type type); /* NULL when there are no kernels */

#endif
