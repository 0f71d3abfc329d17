/* Instruction sets of an x86 processor: what CPUID offers and the operating system enabled (XCR0). A feature
 * without its registers saved on a context switch faults, so both count. Bits: Intel SDM volume 2, CPUID;
 * volume 1, chapter 13. */
#include "plimsoll/machine.h"
#include "probe/values.h"

#if defined(__x86_64__)

#include <cpuid.h>

struct leaf {
    unsigned a, b, c, d;
};

static struct leaf cpuid(unsigned leaf, unsigned sub)
{
    struct leaf l = {0, 0, 0, 0};
    if (__get_cpuid_count(leaf, sub, &l.a, &l.b, &l.c, &l.d) == 0) {
        l = (struct leaf){0, 0, 0, 0};
    }
    return l;
}

/* XGETBV by opcode bytes would need -mxsave otherwise. */
static uint64_t enabled_state(void)
{
    uint32_t low = 0;
    uint32_t high = 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static uint32_t when(bool has, enum pls_isa bit)
{
    return has ? (uint32_t)bit : 0;
}

static bool bit(unsigned reg, unsigned n)
{
    return (reg >> n & 1) != 0;
}

uint32_t pls_isa_x86(void)
{
    struct leaf l1 = cpuid(1, 0);
    struct leaf l7 = cpuid(7, 0);
    struct leaf l71 = cpuid(7, 1);
    uint64_t state = bit(l1.c, 27) ? enabled_state() : 0; /* OSXSAVE */
    bool ymm = (state & 0x6) == 0x6;
    bool zmm = (state & 0xE6) == 0xE6;
    bool tiles = (state & 0x60000) == 0x60000;
    bool avx512 = zmm && bit(l7.b, 16) && bit(l7.b, 30) && bit(l7.b, 17) && bit(l7.b, 31) && bit(l7.b, 28);
    return when(ymm && bit(l1.c, 28), PLS_ISA_AVX) | when(ymm && bit(l7.b, 5), PLS_ISA_AVX2) |
           when(ymm && bit(l1.c, 12), PLS_ISA_FMA) | when(ymm && bit(l1.c, 29), PLS_ISA_F16C) |
           when(avx512, PLS_ISA_AVX512) | when(avx512 && bit(l7.c, 11), PLS_ISA_AVX512_VNNI) |
           when(avx512 && bit(l71.a, 5), PLS_ISA_AVX512_BF16) | when(ymm && bit(l71.a, 4), PLS_ISA_AVX_VNNI) |
           when(avx512 && bit(l7.c, 1), PLS_ISA_AVX512_VBMI) |
           when(tiles && bit(l7.d, 24) && bit(l7.d, 25), PLS_ISA_AMX_INT8);
}

#else

uint32_t pls_isa_x86(void)
{
    return 0;
}

#endif
