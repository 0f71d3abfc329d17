#include "plimsoll/probe.h"

#include <stdlib.h>

#include "probe/parts.h"

uint32_t pls_probe_isa(void)
{
    return pls_sys_isa();
}

/* What no file can tell: from the running system, or from what a recording kept of it. */
static void gather_values(struct pls_root *root, struct pls_values *values)
{
    if (pls_root_is_live(root)) {
        pls_os_values(values);
        return;
    }
    char *text = pls_scan_file(root, "/values.txt", 256 << 10);
    if (text != NULL) {
        pls_values_parse(values, text);
    }
    pls_scan_file_free(text);
}

/* A system without Linux's /proc says which it is by kern.ostype. */
static enum pls_code probe_system(struct pls_root *root, const struct pls_values *values,
                                  struct pls_machine *out, struct pls_err *err)
{
    const char *system = pls_values_get(values, "kern.ostype");
    if (system != NULL && pls_text_equal(system, "Darwin")) {
        return pls_macos_machine(values, out, err);
    }
    if (system != NULL && pls_text_equal(system, "FreeBSD")) {
        struct pls_topology topo;
        pls_topology_hwloc(root, "", "", &topo);
        return pls_freebsd_machine(root, values, &topo, out, err);
    }
    if (pls_root_exists(root, "/proc/meminfo")) {
        return pls_linux_probe(root, values, out, err);
    }
    return pls_fail(err, PLS_UNSUPPORTED, "%s: neither /proc/meminfo nor a system this program knows",
                    pls_root_path(root));
}

enum pls_code pls_probe_values(struct pls_root *root, struct pls_values *values, struct pls_machine *out,
                               struct pls_err *err)
{
    *out = (struct pls_machine){ .n_pools = 0 };
    gather_values(root, values);
    enum pls_code code = probe_system(root, values, out, err);
    if (code != PLS_OK) {
        return code;
    }
    if (pls_root_is_live(root)) {
        out->cpu.isa = pls_probe_isa();
    }
    if (pls_gpu_memory_missing(out)) {
        if (pls_root_is_live(root)) {
            pls_opencl_values(values);
        }
        pls_gpu_fill_opencl(values, out);
    }
    return PLS_OK;
}

enum pls_code pls_probe(struct pls_root *root, struct pls_machine *out, struct pls_err *err)
{
    struct pls_values *values = calloc(1, sizeof(*values));
    if (values == NULL) {
        return pls_fail(err, PLS_NOMEM, "probe: out of memory");
    }
    enum pls_code code = pls_probe_values(root, values, out, err);
    free(values);
    return code;
}

void pls_machine_cpu(struct pls_machine *m, const struct pls_topology *topo)
{
    struct pls_cpu *cpu = &m->cpu;
    if (cpu->name[0] == '\0') {
        PLS_COPY(cpu->name, topo->cpu_name);
    }
    cpu->cores = topo->cores;
    cpu->threads = topo->threads;
    cpu->n_packages = topo->n_packages;
    cpu->n_numa = topo->n_numa;
    cpu->l1d_bytes = topo->l1d_bytes;
    cpu->l2_bytes = topo->l2_bytes;
    cpu->l3_bytes = topo->l3_bytes;
    cpu->n_tiers = topo->n_tiers;
    for (uint32_t i = 0; i < topo->n_tiers; i++) {
        cpu->tiers[i] = topo->tiers[i];
    }
}

/* The topology of an XML export as a machine: RAM is the sum of its memory nodes. */
static enum pls_code machine_of_xml(const char *xml, size_t len, struct pls_machine *out, struct pls_err *err)
{
    struct pls_topology topo;
    struct pls_pool *ram = pls_machine_pool(out, "ram", PLS_POOL_RAM);
    enum pls_code code = pls_topology_xml(xml, len, &topo, out, err);
    if (code != PLS_OK) {
        return code;
    }
    bool darwin = pls_text_equal(topo.os, "Darwin");
    PLS_COPY(out->os, darwin ? "macos" : topo.os);
    pls_text_lower(out->os);
    PLS_COPY(out->arch, pls_text_equal(topo.arch, "aarch64") ? "arm64" : topo.arch);
    PLS_COPY(out->name, topo.product);
    pls_machine_cpu(out, &topo);
    /* hwloc before 2.13 cut the memory size of Apple machines to 32 bits. */
    if (topo.ram_bytes == 0 || (darwin && topo.ram_bytes < 4 * PLS_GIB)) {
        return pls_fail(err, PLS_FORMAT, "the XML does not say how much memory the machine has%s",
                        darwin ? " (hwloc before 2.13 cuts it to 32 bits on macOS)" : "");
    }
    ram->capacity_bytes = topo.ram_bytes;
    ram->bandwidth_gbs = topo.bandwidth_gbs;
    ram->origin = topo.bandwidth_gbs > 0 ? PLS_ORIGIN_TABLE : PLS_ORIGIN_UNKNOWN;
    return PLS_OK;
}

enum pls_code pls_probe_xml(const char *path, struct pls_machine *out, struct pls_err *err)
{
    struct pls_map map;
    *out = (struct pls_machine){ .n_pools = 0 };
    enum pls_code code = pls_map_open(path, &map, err);
    if (code != PLS_OK) {
        return code;
    }
    char *xml = map.size < (64u << 20) ? malloc((size_t)map.size + 1) : NULL;
    if (xml == NULL) {
        pls_map_close(&map);
        return pls_fail(err, PLS_LIMIT, "%s: too large for an hwloc export", path);
    }
    struct pls_text t = { xml, 0, (size_t)map.size + 1, false };
    pls_text_put(&t, map.data == NULL ? "" : (const char *)map.data, (size_t)map.size);
    pls_map_close(&map);
    struct pls_err why = { PLS_OK, "" };
    code = machine_of_xml(xml, t.len, out, &why);
    free(xml);
    return code == PLS_OK ? PLS_OK : pls_fail(err, code, "%s: %s", path, why.text);
}
