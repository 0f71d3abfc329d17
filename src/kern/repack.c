#include "plimsoll/kern.h"

/* ggml_repack_get_optimal_repack_type() of llama.cpp (2026-08-22): AVX2 interleaves Q4_0, Q4_K, IQ4_NL and
 * MXFP4, AVX-512 Q2_K as well; ARM with dotprod or i8mm all of Q4_0, Q8_0, IQ4_NL, MXFP4, Q4_K, Q5_K and
 * Q6_K. */
bool pls_kern_repacks(enum pls_type type, uint32_t isa)
{
    static const struct {
        enum pls_type type;
        uint32_t any; /* one of these suffices */
    } rules[] = {
        { PLS_TYPE_Q4_0, PLS_ISA_AVX2 | PLS_ISA_DOTPROD | PLS_ISA_I8MM },
        { PLS_TYPE_Q4_K, PLS_ISA_AVX2 | PLS_ISA_DOTPROD | PLS_ISA_I8MM },
        { PLS_TYPE_IQ4_NL, PLS_ISA_AVX2 | PLS_ISA_DOTPROD },
        { PLS_TYPE_MXFP4, PLS_ISA_AVX2 | PLS_ISA_DOTPROD },
        { PLS_TYPE_Q2_K, PLS_ISA_AVX512 },
        { PLS_TYPE_Q8_0, PLS_ISA_DOTPROD | PLS_ISA_I8MM },
        { PLS_TYPE_Q5_K, PLS_ISA_DOTPROD | PLS_ISA_I8MM },
        { PLS_TYPE_Q6_K, PLS_ISA_DOTPROD | PLS_ISA_I8MM },
    };
    for (size_t i = 0; i < PLS_COUNT_OF(rules); i++) {
        if (rules[i].type == type) {
            return (rules[i].any & isa) != 0;
        }
    }
    return false;
}
