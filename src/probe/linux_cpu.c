/* Processors of a Linux machine from /sys/devices/system and /proc/cpuinfo.
 *
 * Topology here serves recordings without hwloc.xml and systems where hwloc fails; the processor's name and
 * instruction sets always come from here (the kernel leaves out of `flags` what it did not enable, so XCR0 is
 * accounted for).
 */
#include <stdlib.h>
#include <string.h>

#include "probe/parts.h"

enum { MAX_CPUS = 4096, MAX_CPUINFO = 64 << 10 };

struct sys_cpus {
    struct pls_root *root;
    const char *allowed;
    struct pls_topology *out;
    struct pls_core_kind kinds[PLS_MAX_KINDS];
    uint32_t n_kinds;
    uint64_t packages; /* bit per package id below 64 */
    char online[512], performance[512], efficiency[512],
        low_power[512]; /* lists of CPUs; empty when there is no such file */
};

static void cpu_path(struct pls_text *t, uint32_t cpu, const char *file)
{
    pls_text_add(t, "/sys/devices/system/cpu/cpu%u/%s", (unsigned)cpu, file);
}

static bool cpu_u64(struct sys_cpus *s, uint32_t cpu, const char *file, uint64_t *out)
{
    char room[128];
    struct pls_text path = PLS_TEXT(room);
    cpu_path(&path, cpu, file);
    return pls_root_read_u64(s->root, room, out);
}

static bool is_usable(const struct sys_cpus *s, uint32_t cpu)
{
    return pls_scan_list_has(s->online, cpu) && pls_scan_list_has(s->allowed, cpu);
}

/* True for the lowest usable thread of each core. */
static bool leads_core(struct sys_cpus *s, uint32_t cpu)
{
    char room[128];
    char list[256];
    struct pls_text path = PLS_TEXT(room);
    cpu_path(&path, cpu, "topology/thread_siblings_list");
    if (!pls_scan_line(s->root, room, list, sizeof(list))) {
        return true;
    }
    for (uint32_t other = 0; other < cpu; other++) {
        if (pls_scan_list_has(list, other) && is_usable(s, other)) {
            return false;
        }
    }
    return true;
}

static void read_caches(struct sys_cpus *s, uint32_t cpu)
{
    for (unsigned i = 0; i < 5; i++) {
        char room[128];
        char type[32];
        char size[32];
        uint64_t level = 0;
        uint64_t bytes = 0;
        struct pls_text path = PLS_TEXT(room);
        cpu_path(&path, cpu, "cache/index");
        pls_text_add(&path, "%u/", i);
        size_t base = path.len;
        pls_text_add(&path, "level");
        bool known = pls_root_read_u64(s->root, room, &level);
        path.len = base;
        pls_text_add(&path, "type");
        known = known && pls_scan_line(s->root, room, type, sizeof(type));
        path.len = base;
        pls_text_add(&path, "size");
        known = known && pls_scan_line(s->root, room, size, sizeof(size)) && pls_parse_bytes(size, &bytes);
        if (!known || strcmp(type, "Instruction") == 0) {
            continue;
        }
        uint64_t *into = level == 1   ? &s->out->l1d_bytes
                         : level == 2 ? &s->out->l2_bytes
                         : level == 3 ? &s->out->l3_bytes
                                      : NULL;
        if (into != NULL) {
            *into = pls_max(*into, bytes);
        }
    }
}

static void read_core(struct sys_cpus *s, uint32_t cpu)
{
    struct pls_core_kind core = { .cores = 1 };
    uint64_t package = 0;
    s->out->cores++;
    cpu_u64(s, cpu, "cpu_capacity", &core.capacity);
    cpu_u64(s, cpu, "cpufreq/cpuinfo_max_freq", &core.max_khz);
    if (s->performance[0] != '\0') {
        bool low = s->low_power[0] != '\0' && pls_scan_list_has(s->low_power, cpu);
        core.design = pls_scan_list_has(s->performance, cpu) ? 3 : low ? 1 : 2;
    }
    pls_tiers_count(s->kinds, &s->n_kinds, &core);
    cpu_u64(s, cpu, "topology/physical_package_id", &package);
    s->packages |= (uint64_t)1 << (package < 63 ? package : 63);
    read_caches(s, cpu);
}

static bool visit_cpu(const char *name, void *context)
{
    struct sys_cpus *s = context;
    uint64_t cpu = 0;
    if (!pls_text_starts(name, "cpu") || !pls_parse_u64(name + 3, &cpu) || cpu >= MAX_CPUS) {
        return true;
    }
    if (is_usable(s, (uint32_t)cpu)) {
        s->out->threads++;
        if (leads_core(s, (uint32_t)cpu)) {
            read_core(s, (uint32_t)cpu);
        }
    }
    return true;
}

static bool visit_node(const char *name, void *context)
{
    struct sys_cpus *s = context;
    uint64_t node = 0;
    if (!pls_text_starts(name, "node") || !pls_parse_u64(name + 4, &node)) {
        return true;
    }
    char room[96];
    char text[4096];
    char key[32];
    uint64_t bytes = 0;
    struct pls_text path = PLS_TEXT(room);
    struct pls_text k = PLS_TEXT(key);
    pls_text_add(&path, "/sys/devices/system/node/%s/meminfo", name);
    pls_text_add(&k, "Node %u MemTotal", (unsigned)node);
    pls_root_read(s->root, room, text, sizeof(text), NULL, NULL);
    if (pls_scan_kib(text, key, &bytes) && bytes > 0) {
        s->out->n_numa++;
        s->out->ram_bytes += bytes;
    }
    return true;
}

static bool visit_pci(const char *name, void *context)
{
    struct sys_cpus *s = context;
    static const char *const files[] = { "class", "vendor", "device", "revision" };
    uint32_t value[4] = { 0 };
    for (size_t i = 0; i < PLS_COUNT_OF(files); i++) {
        char room[128];
        char text[32];
        struct pls_text path = PLS_TEXT(room);
        pls_text_add(&path, "/sys/bus/pci/devices/%s/%s", name, files[i]);
        if (pls_scan_line(s->root, room, text, sizeof(text))) {
            value[i] = (uint32_t)strtoul(text, NULL, 16);
        }
    }
    unsigned class_id = value[0] >> 16;
    if ((class_id != 0x03 && class_id != 0x12) || s->out->n_pci >= PLS_MAX_PCI) {
        return true;
    }
    struct pls_pci *pci = &s->out->pci[s->out->n_pci++];
    *pci = (struct pls_pci){ .vendor = value[1], .device = value[2], .revision = value[3] };
    PLS_COPY(pci->address, name);
    return true;
}

static uint32_t count_bits(uint64_t bits)
{
    uint32_t n = 0;
    for (; bits != 0; bits &= bits - 1) {
        n++;
    }
    return n;
}

/* Counts what /proc/cpuinfo lists; for containers that hide sysfs. */
static void count_cpuinfo(struct pls_root *root, struct pls_topology *out)
{
    char *text = pls_scan_file(root, "/proc/cpuinfo", MAX_CPUINFO);
    for (const char *at = text; at != NULL && *at != '\0';
         at = strchr(at, '\n'), at = at == NULL ? NULL : at + 1) {
        out->threads += pls_text_starts(at, "processor\t") ? 1 : 0;
    }
    char field[16];
    uint64_t cores = 0;
    bool known = text != NULL && pls_scan_field(text, "cpu cores", field, sizeof(field))
                 && pls_parse_u64(field, &cores);
    out->cores = known && cores <= out->threads ? (uint32_t)cores : out->threads;
    pls_scan_file_free(text);
}

void pls_linux_topology(struct pls_root *root, const char *allowed_cpus, struct pls_topology *out)
{
    struct sys_cpus s = { .root = root, .allowed = allowed_cpus, .out = out };
    *out = (struct pls_topology){ .known = false };
    pls_scan_line(root, "/sys/devices/system/cpu/online", s.online, sizeof(s.online));
    pls_scan_line(root, "/sys/devices/cpu_core/cpus", s.performance, sizeof(s.performance));
    pls_scan_line(root, "/sys/devices/cpu_atom/cpus", s.efficiency, sizeof(s.efficiency));
    pls_scan_line(root, "/sys/devices/cpu_lowpower/cpus", s.low_power, sizeof(s.low_power));
    pls_root_list(root, "/sys/devices/system/cpu", visit_cpu, &s, NULL);
    pls_root_list(root, "/sys/devices/system/node", visit_node, &s, NULL);
    pls_root_list(root, "/sys/bus/pci/devices", visit_pci, &s, NULL);
    if (out->threads == 0) {
        count_cpuinfo(root, out);
    }
    pls_tiers_make(s.kinds, s.n_kinds, out);
    out->ram_allowed_bytes = out->ram_bytes;
    out->n_packages = out->threads > 0 ? (uint32_t)pls_max(1, count_bits(s.packages)) : 0;
    pls_scan_line(root, "/sys/class/dmi/id/product_name", out->product, sizeof(out->product));
    out->known = out->threads > 0;
}

/* Words of `flags` (x86) or `Features` (arm) for each instruction set; all must be there. */
static uint32_t isa_of_flags(const char *flags)
{
    static const struct {
        enum pls_isa isa;
        const char *words[5];
    } table[] = {
        { PLS_ISA_AVX, { "avx" } },
        { PLS_ISA_AVX2, { "avx2" } },
        { PLS_ISA_FMA, { "fma" } },
        { PLS_ISA_F16C, { "f16c" } },
        { PLS_ISA_AVX512, { "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd" } },
        { PLS_ISA_AVX512_VNNI, { "avx512_vnni" } },
        { PLS_ISA_AVX512_BF16, { "avx512_bf16" } },
        { PLS_ISA_AVX_VNNI, { "avx_vnni" } },
        { PLS_ISA_AVX512_VBMI, { "avx512vbmi" } },
        { PLS_ISA_AMX_INT8, { "amx_tile", "amx_int8" } },
        { PLS_ISA_NEON, { "asimd" } },
        { PLS_ISA_DOTPROD, { "asimddp" } },
        { PLS_ISA_I8MM, { "i8mm" } },
        { PLS_ISA_SVE, { "sve" } },
        { PLS_ISA_FP16, { "asimdhp" } },
        { PLS_ISA_BF16, { "bf16" } },
    };
    uint32_t isa = 0;
    for (size_t i = 0; i < PLS_COUNT_OF(table); i++) {
        bool all = true;
        for (size_t w = 0; w < PLS_COUNT_OF(table[i].words) && table[i].words[w] != NULL; w++) {
            all = all && pls_scan_word(flags, table[i].words[w]);
        }
        isa |= all ? (uint32_t)table[i].isa : 0;
    }
    return isa;
}

static const char *arm_core(const char *implementer, const char *part)
{
    static const struct {
        const char *implementer, *part, *name;
    } cores[] = {
        { "0x41", "0xd08", "Cortex-A72" },   { "0x41", "0xd0b", "Cortex-A76" },
        { "0x41", "0xd0c", "Neoverse-N1" },  { "0x41", "0xd40", "Neoverse-V1" },
        { "0x41", "0xd49", "Neoverse-N2" },  { "0x41", "0xd4f", "Neoverse-V2" },
        { "0x41", "0xd42", "Cortex-A78AE" }, { "0x41", "0xd85", "Cortex-X925" },
        { "0x41", "0xd87", "Cortex-A725" },  { "0x41", "0xd05", "Cortex-A55" },
        { "0x41", "0xd41", "Cortex-A78" },   { "0xc0", "0xac3", "AmpereOne" },
        { "0x51", "0x001", "Oryon" },
    };
    for (size_t i = 0; i < PLS_COUNT_OF(cores); i++) {
        if (strcmp(implementer, cores[i].implementer) == 0 && strcmp(part, cores[i].part) == 0) {
            return cores[i].name;
        }
    }
    return NULL;
}

/* arm has no model name in cpuinfo: the device tree names the board ("Raspberry Pi 5 Model B Rev 1.0");
 * servers without one get the core designs, each once. */
static void name_arm(struct pls_root *root, const char *cpuinfo, struct pls_cpu *cpu)
{
    if (pls_scan_line(root, "/proc/device-tree/model", cpu->name, sizeof(cpu->name))) {
        return;
    }
    struct pls_text name = PLS_TEXT(cpu->name);
    char implementer[16] = "";
    char part[16] = "";
    for (const char *at = cpuinfo; at != NULL; at = strstr(at, "CPU implementer")) {
        bool read = pls_scan_field(at, "CPU implementer", implementer, sizeof(implementer))
                    && pls_scan_field(at, "CPU part", part, sizeof(part));
        const char *core = read ? arm_core(implementer, part) : NULL;
        if (core != NULL && strstr(cpu->name, core) == NULL) {
            pls_text_add(&name, "%s%s", name.len > 0 ? " + " : "", core);
        }
        at++;
    }
}

void pls_linux_cpu(struct pls_root *root, const struct pls_topology *topo, struct pls_machine *m)
{
    char *text = pls_scan_file(root, "/proc/cpuinfo", MAX_CPUINFO);
    char *flags = malloc(4096);
    if (text != NULL && flags != NULL) {
        bool x86 = pls_scan_field(text, "flags", flags, 4096);
        bool arm = !x86 && pls_scan_field(text, "Features", flags, 4096);
        m->cpu.isa = x86 || arm ? isa_of_flags(flags) : 0;
        if (!pls_scan_line(root, "/proc/sys/kernel/arch", m->arch, sizeof(m->arch))) {
            PLS_COPY(m->arch, x86 ? "x86_64" : arm ? "arm64" : topo->arch);
        }
        m->is_vm = x86 && pls_scan_word(flags, "hypervisor");
        if (!pls_scan_field(text, "model name", m->cpu.name, sizeof(m->cpu.name))) {
            name_arm(root, text, &m->cpu);
        }
    }
    pls_scan_file_free(text);
    free(flags);
    if (pls_text_equal(m->arch, "aarch64")) {
        PLS_COPY(m->arch, "arm64");
    }
    pls_machine_cpu(m, topo);
}
