/* Instruction sets of the running processor. A bit is set only when both the processor has the instructions
 * and the operating system saves their registers: CPUID alone says yes to AVX-512 under kernels and
 * hypervisors that would fault on it, so XCR0 is asked as well (Intel SDM volume 1, 13.3). */
#include "plimsoll/machine.h"
#include "plimsoll/sys.h"

#if defined(__x86_64__) || defined(__i386__)

#include <cpuid.h>

#define XCR0_AVX    0x6u     /* SSE and AVX state */
#define XCR0_AVX512 0xe6u    /* and opmask, upper halves, upper registers */
#define XCR0_AMX    0x60000u /* tile configuration and data */

struct leaf {
    uint32_t eax, ebx, ecx, edx;
};

static struct leaf cpuid(uint32_t leaf, uint32_t sub)
{
    struct leaf r = { 0, 0, 0, 0 };
    if (__get_cpuid_count(leaf, sub, &r.eax, &r.ebx, &r.ecx, &r.edx) == 0) {
        return (struct leaf){ 0, 0, 0, 0 };
    }
    return r;
}

static uint32_t xcr0(void)
{
    uint32_t low = 0;
    uint32_t high = 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static bool bit(uint32_t word, unsigned n)
{
    return (word >> n & 1u) != 0;
}

static uint32_t avx_bits(struct leaf one, struct leaf seven, struct leaf seven_one)
{
    uint32_t isa = PLS_ISA_AVX;
    isa |= bit(one.ecx, 12) ? PLS_ISA_FMA : 0;
    isa |= bit(one.ecx, 29) ? PLS_ISA_F16C : 0;
    isa |= bit(seven.ebx, 5) && bit(seven.ebx, 8) ? PLS_ISA_AVX2 : 0; /* with BMI2, which its kernels use */
    isa |= bit(seven_one.eax, 4) ? PLS_ISA_AVX_VNNI : 0;
    return isa;
}

static uint32_t avx512_bits(struct leaf seven, struct leaf seven_one)
{
    bool all = bit(seven.ebx, 16) && bit(seven.ebx, 17) && bit(seven.ebx, 28) && bit(seven.ebx, 30) &&
               bit(seven.ebx, 31);
    if (!all) {
        return 0;
    }
    uint32_t isa = PLS_ISA_AVX512;
    isa |= bit(seven.ecx, 1) ? PLS_ISA_AVX512_VBMI : 0;
    isa |= bit(seven.ecx, 11) ? PLS_ISA_AVX512_VNNI : 0;
    isa |= bit(seven_one.eax, 5) ? PLS_ISA_AVX512_BF16 : 0;
    return isa;
}

uint32_t pls_sys_isa(void)
{
    struct leaf one = cpuid(1, 0);
    if (!bit(one.ecx, 27) || !bit(one.ecx, 28)) {
        return 0; /* no XGETBV or no AVX: the kernels of this program start at AVX2 */
    }
    struct leaf seven = cpuid(7, 0);
    struct leaf seven_one = seven.eax >= 1 ? cpuid(7, 1) : (struct leaf){ 0, 0, 0, 0 };
    uint32_t saved = xcr0();
    uint32_t isa = 0;
    if ((saved & XCR0_AVX) == XCR0_AVX) {
        isa |= avx_bits(one, seven, seven_one);
    }
    if ((saved & XCR0_AVX512) == XCR0_AVX512) {
        isa |= avx512_bits(seven, seven_one);
    }
    if ((saved & XCR0_AMX) == XCR0_AMX && bit(seven.edx, 24) && bit(seven.edx, 25)) {
        isa |= PLS_ISA_AMX_INT8;
    }
    return isa;
}

#elif defined(__aarch64__) && defined(__linux__)

#include <sys/auxv.h>

/* Bits of the kernel's arm64 ELF hardware capabilities (Documentation/arch/arm64/elf_hwcaps.rst). */
uint32_t pls_sys_isa(void)
{
    unsigned long one = getauxval(AT_HWCAP);
    unsigned long two = getauxval(AT_HWCAP2);
    uint32_t isa = 0;
    isa |= (one >> 1 & 1) != 0 ? PLS_ISA_NEON : 0;
    isa |= (one >> 10 & 1) != 0 ? PLS_ISA_FP16 : 0;
    isa |= (one >> 20 & 1) != 0 ? PLS_ISA_DOTPROD : 0;
    isa |= (one >> 22 & 1) != 0 ? PLS_ISA_SVE : 0;
    isa |= (two >> 13 & 1) != 0 ? PLS_ISA_I8MM : 0;
    isa |= (two >> 14 & 1) != 0 ? PLS_ISA_BF16 : 0;
    return isa;
}

#elif defined(__aarch64__) && defined(__APPLE__)

#include <sys/sysctl.h>

static bool feature(const char *name)
{
    int value = 0;
    size_t size = sizeof value;
    return sysctlbyname(name, &value, &size, NULL, 0) == 0 && value != 0;
}

uint32_t pls_sys_isa(void)
{
    uint32_t isa = PLS_ISA_NEON | PLS_ISA_FP16;
    isa |= feature("hw.optional.arm.FEAT_DotProd") ? PLS_ISA_DOTPROD : 0;
    isa |= feature("hw.optional.arm.FEAT_I8MM") ? PLS_ISA_I8MM : 0;
    isa |= feature("hw.optional.arm.FEAT_BF16") ? PLS_ISA_BF16 : 0;
    return isa;
}

#elif defined(__aarch64__)

uint32_t pls_sys_isa(void)
{
    return PLS_ISA_NEON; /* in the base architecture */
}

#else

uint32_t pls_sys_isa(void)
{
    return 0;
}

#endif
