#include "blocks.h"
#include "plimsoll/kern.h"
#include "unpack.h"

#define BLOCK(type, act, block, struct_, unpack) \
    { PLS_TYPE_##type, PLS_TYPE_##act, block, sizeof(struct struct_), unpack }

static const struct pls_shape shapes[] = {
    { PLS_TYPE_F32, PLS_TYPE_F32, 1, 4, NULL },
    { PLS_TYPE_F16, PLS_TYPE_F16, 1, 2, NULL },
    { PLS_TYPE_BF16, PLS_TYPE_BF16, 1, 2, NULL },
    BLOCK(Q4_0, Q8_0, 32, pls_q4_0, pls_unpack_q4_0),
    BLOCK(Q4_1, Q8_1, 32, pls_q4_1, pls_unpack_q4_1),
    BLOCK(Q5_0, Q8_0, 32, pls_q5_0, pls_unpack_q5_0),
    BLOCK(Q5_1, Q8_1, 32, pls_q5_1, pls_unpack_q5_1),
    BLOCK(Q8_0, Q8_0, 32, pls_q8_0, pls_unpack_q8_0),
    BLOCK(IQ4_NL, Q8_0, 32, pls_q4_0, pls_unpack_iq4_nl),
    BLOCK(MXFP4, Q8_0, 32, pls_mxfp4, pls_unpack_mxfp4),
    BLOCK(NVFP4, Q8_0, 64, pls_nvfp4, pls_unpack_nvfp4),
    BLOCK(Q2_K, Q8_K, 256, pls_q2_k, pls_unpack_q2_k),
    BLOCK(Q3_K, Q8_K, 256, pls_q3_k, pls_unpack_q3_k),
    BLOCK(Q4_K, Q8_K, 256, pls_q4_k, pls_unpack_q4_k),
    BLOCK(Q5_K, Q8_K, 256, pls_q5_k, pls_unpack_q5_k),
    BLOCK(Q6_K, Q8_K, 256, pls_q6_k, pls_unpack_q6_k),
    BLOCK(IQ4_XS, Q8_K, 256, pls_iq4_xs, pls_unpack_iq4_xs),
    BLOCK(TQ1_0, Q8_K, 256, pls_tq1_0, pls_unpack_tq1_0),
    BLOCK(TQ2_0, Q8_K, 256, pls_tq2_0, pls_unpack_tq2_0),
    BLOCK(IQ1_S, Q8_K, 256, pls_iq1_s, pls_unpack_iq1_s),
    BLOCK(IQ1_M, Q8_K, 256, pls_iq1_m, pls_unpack_iq1_m),
    BLOCK(IQ2_XXS, Q8_K, 256, pls_iq2_xxs, pls_unpack_iq2_xxs),
    BLOCK(IQ2_XS, Q8_K, 256, pls_iq2_xs, pls_unpack_iq2_xs),
    BLOCK(IQ2_S, Q8_K, 256, pls_iq2_s, pls_unpack_iq2_s),
    BLOCK(IQ3_XXS, Q8_K, 256, pls_iq3_xxs, pls_unpack_iq3_xxs),
    BLOCK(IQ3_S, Q8_K, 256, pls_iq3_s, pls_unpack_iq3_s),
};

const struct pls_shape *pls_shape(enum pls_type type)
{
    for (size_t i = 0; i < PLS_COUNT_OF(shapes); i++) {
        if (shapes[i].type == type) {
            return &shapes[i];
        }
    }
    return NULL;
}

enum pls_type pls_kern_act(enum pls_type type)
{
    const struct pls_shape *shape = pls_shape(type);
    return shape == NULL ? PLS_TYPE_NONE : shape->act;
}
