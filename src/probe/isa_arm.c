/* Instruction sets of a 64-bit arm processor from the kernel's words about it (Linux: asm/hwcap.h). */
#include "plimsoll/machine.h"
#include "probe/values.h"

#if defined(__aarch64__)

uint32_t pls_isa_arm(unsigned long hwcap, unsigned long hwcap2)
{
    static const struct {
        unsigned word, bit;
        enum pls_isa isa;
    } table[] = {
        {0, 1, PLS_ISA_NEON}, {0, 10, PLS_ISA_FP16}, {0, 20, PLS_ISA_DOTPROD},
        {0, 22, PLS_ISA_SVE}, {1, 13, PLS_ISA_I8MM}, {1, 14, PLS_ISA_BF16},
    };
    uint32_t isa = 0;
    for (unsigned i = 0; i < PLS_COUNT_OF(table); i++) {
        unsigned long word = table[i].word == 0 ? hwcap : hwcap2;
        isa |= (word >> table[i].bit & 1) != 0 ? (uint32_t)table[i].isa : 0;
    }
    return isa;
}

#else

uint32_t pls_isa_arm(unsigned long hwcap, unsigned long hwcap2)
{
    (void)hwcap;
    (void)hwcap2;
    return 0;
}

#endif
