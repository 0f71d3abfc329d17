/* FreeBSD: sysctl by name. Written against the manual pages; see README for what has run on real hardware. */
#undef _POSIX_C_SOURCE /* sysctl is an extension of the BSDs and hides under strict POSIX */

#include <sys/sysctl.h>
#include <sys/types.h>

#include "plimsoll/base.h"
#include "probe/values.h"

static void add_text(struct pls_values *out, const char *name)
{
    char text[PLS_VALUE_TEXT] = "";
    size_t size = sizeof(text) - 1;
    if (sysctlbyname(name, text, &size, NULL, 0) == 0) {
        pls_values_set(out, name, text);
    }
}

/* Integers come in four or eight bytes, and only the kernel knows which. */
static void add_number(struct pls_values *out, const char *name)
{
    union {
        uint32_t narrow;
        uint64_t wide;
    } value = { .wide = 0 };
    size_t size = sizeof(value);
    if (sysctlbyname(name, &value, &size, NULL, 0) == 0) {
        pls_values_set_u64(out, name, size == sizeof(value.narrow) ? value.narrow : value.wide);
    }
}

void pls_os_values(struct pls_values *out)
{
    static const char *const texts[] = { "kern.ostype", "kern.osrelease", "kern.vm_guest", "hw.model",
                                         "hw.machine_arch" };
    static const char *const numbers[] = {
        "hw.physmem",
        "hw.pagesize",
        "hw.ncpu",
        "kern.smp.cores",
        "vm.ndomains",
        "vm.swap_total",
        "security.jail.jailed",
        "vm.stats.vm.v_free_count",
        "vm.stats.vm.v_inactive_count",
        "vm.stats.vm.v_laundry_count",
        "kstat.zfs.misc.arcstats.size",
        "kstat.zfs.misc.arcstats.c_min",
    };
    for (size_t i = 0; i < PLS_COUNT_OF(texts); i++) {
        add_text(out, texts[i]);
    }
    for (size_t i = 0; i < PLS_COUNT_OF(numbers); i++) {
        add_number(out, numbers[i]);
    }
    pls_nvml_values(out);
}
