/* kern/gemm_arm.h - blocks to signed bytes for the ARM matrix-matrix kernels, through the scalar unpacking:
 * rows are unpacked once, whatever the number of columns. */
#ifndef PLIMSOLL_KERN_GEMM_ARM_H
#define PLIMSOLL_KERN_GEMM_ARM_H

#include "gemm.h"
#include "neon.h"
#include "unpack.h"

struct arm_form {
    pls_unpack_fn *unpack;
    size_t block, group;
};

INLINE void signed_bytes(const struct arm_form f, const void *block, uint8_t *q, float *scale, float *min)
{
    struct pls_unpacked u;
    f.unpack(block, &u);
    memcpy(q, u.q, f.block);
    for (size_t g = 0; g < f.block / f.group; g++) {
        scale[g] = u.scale[g * f.group / PLS_UNPACK_GROUP];
        min[g] = u.min[g * f.group / PLS_UNPACK_GROUP];
    }
}

#define BYTES(lower, block_, group)                                                                          \
    static void bytes_##lower(const void *block, uint8_t *q, float *scale, float *min)                       \
    {                                                                                                        \
        signed_bytes((struct arm_form){ pls_unpack_##lower, block_, group }, block, q, scale, min);          \
    }
BYTES(q4_0, 32, 32)
BYTES(q4_1, 32, 32)
BYTES(q5_0, 32, 32)
BYTES(q5_1, 32, 32)
BYTES(q8_0, 32, 32)
BYTES(iq4_nl, 32, 32)
BYTES(mxfp4, 32, 32)
BYTES(q2_k, 256, 16)
BYTES(q3_k, 256, 16)
BYTES(q4_k, 256, 32)
BYTES(q5_k, 256, 32)
BYTES(q6_k, 256, 16)
BYTES(iq4_xs, 256, 32)

static void sums(const int8_t *q, size_t n, int32_t *out)
{
    for (size_t i = 0; i < n; i += 16) {
        out[i / 16] = vaddlvq_s8(vld1q_s8(q + i));
    }
}

#define GEMM(lower, upper, group, has_min, isa)                                                              \
    void pls_gemm_##lower##_##isa(const struct pls_gemm_job *job)                                            \
    {                                                                                                        \
        static const struct pls_gemm_form form = {                                                           \
            PLS_TYPE_##upper, group, 0, has_min, ROWS, COLS, bytes_##lower, panel, sums,                     \
            group == 32 ? tile_32 : tile_16                                                                  \
        };                                                                                                   \
        pls_gemm_run(job, &form);                                                                            \
    }
#define ALL_GEMM(isa)                                                                                        \
    GEMM(q4_0, Q4_0, 32, false, isa)                                                                         \
    GEMM(q4_1, Q4_1, 32, true, isa)                                                                          \
    GEMM(q5_0, Q5_0, 32, false, isa)                                                                         \
    GEMM(q5_1, Q5_1, 32, true, isa)                                                                          \
    GEMM(q8_0, Q8_0, 32, false, isa)                                                                         \
    GEMM(iq4_nl, IQ4_NL, 32, false, isa)                                                                     \
    GEMM(mxfp4, MXFP4, 32, false, isa)                                                                       \
    GEMM(q2_k, Q2_K, 16, true, isa)                                                                          \
    GEMM(q3_k, Q3_K, 16, false, isa)                                                                         \
    GEMM(q4_k, Q4_K, 32, true, isa)                                                                          \
    GEMM(q5_k, Q5_K, 32, true, isa)                                                                          \
    GEMM(q6_k, Q6_K, 16, false, isa)                                                                         \
    GEMM(iq4_xs, IQ4_XS, 32, false, isa)

#endif
