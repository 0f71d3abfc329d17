/* A Mac from named values: sysctl, host_statistics64, the I/O registry and Metal, all fetched by os_macos.c
 * or recorded in /values.txt. Pure, so that every chip can be tested anywhere.
 *
 * Core tiers are not "P and E": M5 Pro and Max have Super and Performance cores, M6 three tiers. Level 0 is
 * the fastest, whatever it is called. The legacy cache keys show the slowest tier's and are not used on Apple
 * silicon.
 */
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

static void read_tiers(const struct pls_values *v, struct pls_cpu *cpu)
{
    uint64_t levels = pls_min(number(v, "hw.nperflevels"), PLS_MAX_TIERS);
    for (uint32_t i = 0; levels > 1 && i < levels; i++) {
        uint64_t cores = 0;
        const char *name = pls_values_get_n(v, "hw.perflevel#.name", i);
        if (pls_values_get_n_u64(v, "hw.perflevel#.physicalcpu", i, &cores) && cores > 0) {
            struct pls_tier *tier = &cpu->tiers[cpu->n_tiers++];
            tier->cores = (uint32_t)cores;
            PLS_COPY(tier->name, name == NULL ? "" : name);
        }
    }
}

static void read_cpu(const struct pls_values *v, struct pls_machine *m)
{
    static const struct {
        const char *name;
        enum pls_isa isa;
    } features[] = {
        { "hw.optional.neon", PLS_ISA_NEON },
        { "hw.optional.arm.FEAT_FP16", PLS_ISA_FP16 },
        { "hw.optional.arm.FEAT_DotProd", PLS_ISA_DOTPROD },
        { "hw.optional.arm.FEAT_I8MM", PLS_ISA_I8MM },
        { "hw.optional.arm.FEAT_BF16", PLS_ISA_BF16 },
        { "hw.optional.avx1_0", PLS_ISA_AVX },
        { "hw.optional.avx2_0", PLS_ISA_AVX2 },
        { "hw.optional.fma", PLS_ISA_FMA },
        { "hw.optional.f16c", PLS_ISA_F16C },
    };
    struct pls_cpu *cpu = &m->cpu;
    PLS_COPY(cpu->name, text(v, "machdep.cpu.brand_string"));
    cpu->cores = (uint32_t)number(v, "hw.physicalcpu");
    cpu->threads = (uint32_t)number(v, "hw.logicalcpu");
    cpu->n_packages = (uint32_t)pls_max(1, number(v, "hw.packages"));
    cpu->n_numa = 1;
    bool levels = number(v, "hw.nperflevels") > 0;
    cpu->l1d_bytes = number(v, levels ? "hw.perflevel0.l1dcachesize" : "hw.l1dcachesize");
    cpu->l2_bytes = number(v, levels ? "hw.perflevel0.l2cachesize" : "hw.l2cachesize");
    cpu->l3_bytes = number(v, "hw.l3cachesize");
    for (size_t i = 0; i < PLS_COUNT_OF(features); i++) {
        cpu->isa |= number(v, features[i].name) > 0 ? (uint32_t)features[i].isa : 0;
    }
    read_tiers(v, cpu);
}

/* Free, inactive, speculative and purgeable pages: what the system gives back on demand. */
static void read_ram(const struct pls_values *v, struct pls_machine *m)
{
    struct pls_pool *ram = pls_machine_pool(m, "ram", PLS_POOL_RAM);
    uint64_t pages =
        number(v, "vm.free_count") + number(v, "vm.inactive_count") + number(v, "vm.purgeable_count");
    ram->capacity_bytes = number(v, "hw.memsize");
    ram->free_bytes = pls_min(pls_mul(pages, number(v, "hw.pagesize")), ram->capacity_bytes);
    m->swap_bytes = number(v, "vm.swap_total");
    m->swap_free_bytes = number(v, "vm.swap_free");
}

static void note_range(struct pls_machine *m, uint64_t low, uint64_t high)
{
    char a[32];
    char b[32];
    struct pls_text l = PLS_TEXT(a);
    struct pls_text h = PLS_TEXT(b);
    pls_text_bytes(&l, low);
    pls_text_bytes(&h, high);
    pls_machine_note(m, "working-set-assumed",
                     "Metal's working-set limit could not be read: older macOS grants %s here, newer "
                     "%s; the smaller is used",
                     a, b);
}

/* A setting above memory is followed by Metal but not by the machine, hence the clamp. */
static uint64_t limit_working_set(const struct pls_values *v, struct pls_machine *m, struct pls_pool *pool)
{
    uint64_t ram = pool->capacity_bytes;
    uint64_t wired = pls_mul(number(v, "iogpu.wired_limit_mb"), PLS_MIB);
    uint64_t metal = number(v, "metal.working_set");
    wired = wired > 0 ? wired : number(v, "debug.iogpu.wired_limit");
    uint64_t bytes = pls_min(metal > 0 ? metal : wired, ram);
    if (wired > 0) {
        pls_pool_limit(pool, "wired-limit", bytes, "sysctl iogpu.wired_limit_mb");
    } else if (metal > 0) {
        pls_pool_limit(pool, "working-set", bytes, "Metal recommendedMaxWorkingSetSize");
    } else {
        uint64_t high = 0;
        pls_apple_working_set(ram, &bytes, &high);
        pls_pool_limit(pool, "working-set", bytes, "the default of macOS for this size of memory");
        if (high > bytes) {
            note_range(m, bytes, high);
        }
    }
    return bytes;
}

static void advise(struct pls_machine *m, uint64_t ram_bytes, uint64_t limit_bytes)
{
    uint64_t ceiling = pls_apple_wired_ceiling(ram_bytes);
    char room[32];
    struct pls_text t = PLS_TEXT(room);
    if (limit_bytes > pls_sub(ram_bytes, 4 * PLS_GIB) && ram_bytes > 8 * PLS_GIB) {
        pls_text_bytes(&t, ceiling);
        pls_machine_note(m, "wired-limit-unsafe",
                         "the GPU's wired limit leaves the system under 4 GiB, which has ended in "
                         "panics; %s is the safe ceiling: sudo sysctl iogpu.wired_limit_mb=%llu",
                         room, (unsigned long long)(ceiling / PLS_MIB));
    } else if (ceiling >= limit_bytes + PLS_GIB) {
        pls_text_bytes(&t, ceiling);
        pls_machine_note(m, "raise-wired-limit",
                         "the GPU may be given up to %s, until the next restart: sudo sysctl "
                         "iogpu.wired_limit_mb=%llu",
                         room, (unsigned long long)(ceiling / PLS_MIB));
    }
}

/* Intel Macs: integrated graphics or a card with memory of its own, which Metal then counts. */
static void add_intel_mac_gpu(const struct pls_values *v, struct pls_machine *m)
{
    uint64_t bytes = number(v, "metal.working_set");
    struct pls_gpu *gpu = bytes > 0 ? pls_machine_gpu(m, "", PLS_POOL_VRAM) : NULL;
    if (gpu == NULL) {
        return;
    }
    PLS_COPY(gpu->name, text(v, "metal.name"));
    gpu->backend = PLS_BACKEND_METAL;
    gpu->has_display = true;
    m->pools[gpu->pool].capacity_bytes = bytes;
}

static void add_gpu(const struct pls_values *v, struct pls_machine *m)
{
    struct pls_gpu *gpu = pls_machine_gpu(m, "apple", PLS_POOL_UNIFIED);
    struct pls_pool *pool = &m->pools[gpu->pool];
    PLS_COPY(gpu->name, m->cpu.name);
    gpu->backend = PLS_BACKEND_METAL;
    gpu->cores = (uint32_t)number(v, "gpu.cores");
    gpu->has_display = true;
    pool->capacity_bytes = m->pools[0].capacity_bytes;
    pool->free_bytes = m->pools[0].free_bytes;
    uint64_t limit = limit_working_set(v, m, pool);
    advise(m, pool->capacity_bytes, limit);
}

enum pls_code pls_macos_machine(const struct pls_values *v, struct pls_machine *m, struct pls_err *err)
{
    bool translated = number(v, "sysctl.proc_translated") != 0;
    if (number(v, "hw.memsize") == 0) {
        return pls_fail(err, PLS_IO, "sysctl hw.memsize: no answer");
    }
    PLS_COPY(m->os, "macos");
    PLS_COPY(m->os_version, text(v, "kern.osproductversion"));
    PLS_COPY(m->name, text(v, "hw.model"));
    read_cpu(v, m);
    bool silicon = translated || pls_text_starts(text(v, "hw.machine"), "arm64")
                   || pls_text_starts(m->cpu.name, "Apple ");
    PLS_COPY(m->arch, silicon ? "arm64" : "x86_64");
    m->has_desktop = true;
    m->is_vm = strstr(m->cpu.name, "(Virtual)") != NULL || number(v, "kern.hv_vmm_present") != 0;
    if (translated) {
        pls_machine_note(
            m, "rosetta",
            "this program runs translated (Rosetta): build it for arm64 for true CPU measurements");
    }
    if (m->is_vm) {
        pls_machine_note(m, "vm",
                         "inside a virtual machine: its GPU is paravirtual and slower than the chip's");
    }
    read_ram(v, m);
    if (silicon) {
        add_gpu(v, m);
    } else {
        add_intel_mac_gpu(v, m);
    }
    return PLS_OK;
}
