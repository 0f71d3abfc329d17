/* A FreeBSD machine from named values (sysctl), with hwloc's topology where there is one. Pure but for that
 * argument. */
#include <string.h>

#include "probe/parts.h"

static uint64_t number(const struct pls_values *v, const char *name)
{
    uint64_t value = 0;
    pls_values_get_u64(v, name, &value);
    return value;
}

static const char *text(const struct pls_values *v, const char *name)
{
    const char *found = pls_values_get(v, name);
    return found == NULL ? "" : found;
}

/* ZFS keeps its cache in wired memory but gives it back under pressure, down to its minimum. */
static uint64_t free_bytes(const struct pls_values *v)
{
    uint64_t pages = number(v, "vm.stats.vm.v_free_count") + number(v, "vm.stats.vm.v_inactive_count")
                     + number(v, "vm.stats.vm.v_laundry_count");
    uint64_t arc =
        pls_sub(number(v, "kstat.zfs.misc.arcstats.size"), number(v, "kstat.zfs.misc.arcstats.c_min"));
    return pls_add(pls_mul(pages, number(v, "hw.pagesize")), arc);
}

static void read_cpu(const struct pls_values *v, const struct pls_topology *topo, struct pls_machine *m)
{
    const char *arch = text(v, "hw.machine_arch");
    PLS_COPY(m->cpu.name, text(v, "hw.model"));
    PLS_COPY(m->arch, pls_text_equal(arch, "amd64")     ? "x86_64"
                      : pls_text_equal(arch, "aarch64") ? "arm64"
                                                        : arch);
    if (topo->known) {
        pls_machine_cpu(m, topo);
        return;
    }
    m->cpu.threads = (uint32_t)number(v, "hw.ncpu");
    m->cpu.cores = (uint32_t)number(v, "kern.smp.cores");
    m->cpu.cores = m->cpu.cores > 0 ? m->cpu.cores : m->cpu.threads;
    m->cpu.n_numa = (uint32_t)pls_max(1, number(v, "vm.ndomains"));
}

enum pls_code pls_freebsd_machine(struct pls_root *root, const struct pls_values *v,
                                  struct pls_topology *topo, struct pls_machine *m, struct pls_err *err)
{
    uint64_t physical = number(v, "hw.physmem");
    const char *guest = text(v, "kern.vm_guest");
    if (physical == 0) {
        return pls_fail(err, PLS_IO, "sysctl hw.physmem: no answer");
    }
    PLS_COPY(m->os, "freebsd");
    PLS_COPY(m->os_version, text(v, "kern.osrelease"));
    read_cpu(v, topo, m);
    m->is_container = number(v, "security.jail.jailed") != 0;
    m->is_vm = guest[0] != '\0' && !pls_text_equal(guest, "none");
    m->has_desktop = pls_root_exists(root, "/tmp/.X11-unix/X0");
    if (m->is_container) {
        pls_machine_note(m, "container", "inside a jail: limits that rctl sets cannot be read from here");
    }
    struct pls_pool *ram = pls_machine_pool(m, "ram", PLS_POOL_RAM);
    ram->capacity_bytes = physical;
    ram->free_bytes = pls_min(free_bytes(v), physical);
    m->swap_bytes = number(v, "vm.swap_total");
    pls_linux_gpus(root, v, topo, m);
    return PLS_OK;
}
