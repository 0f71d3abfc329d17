/* RAM of a Linux machine: /proc/meminfo, held against hwloc's memory nodes.
 *
 * MemTotal is believed: the kernel keeps it current when memory is added or given back at run time
 * (virtio-mem, ballooning, hot plug), while the size of a node may still be what firmware declared at boot.
 * Two cases go the other way: nodes that are a GPU's memory are part of MemTotal but not RAM, and cpuset.mems
 * may forbid nodes.
 */
#include <string.h>

#include "probe/parts.h"

static void note_difference(struct pls_machine *m, const struct pls_topology *topo, uint64_t total_bytes)
{
    char a[32];
    char b[32];
    struct pls_text total = PLS_TEXT(a);
    struct pls_text nodes = PLS_TEXT(b);
    pls_text_bytes(&total, total_bytes);
    pls_text_bytes(&nodes, topo->ram_bytes);
    if (topo->ram_bytes < total_bytes - total_bytes / 50) {
        pls_machine_note(
            m, "numa-under-reports",
            "memory nodes add up to %s but the kernel manages %s (MemTotal): MemTotal is believed, nodes "
            "miss memory that was added after boot",
            b, a);
    } else if (topo->ram_bytes > total_bytes + total_bytes / 50) {
        pls_machine_note(
            m, "numa-over-reports",
            "memory nodes add up to %s but the kernel manages %s (MemTotal): MemTotal is believed, the rest "
            "was taken out or hidden by a container",
            b, a);
    }
}

/* Reserved huge pages are lost to ordinary allocations whether or not anybody uses them. */
static void physical_limit(struct pls_pool *ram, const char *code, uint64_t bytes, const char *path)
{
    struct pls_limit *limit = pls_pool_limit(ram, code, bytes, path);
    if (limit != NULL) {
        limit->is_physical = true;
    }
}

static void read_huge_pages(const char *meminfo, struct pls_pool *ram)
{
    uint64_t size = 0;
    uint64_t bytes = 0;
    char field[24];
    uint64_t count = 0;
    if (pls_scan_kib(meminfo, "Hugetlb", &bytes) && bytes > 0) {
        physical_limit(ram, "hugepages", pls_sub(ram->capacity_bytes, bytes), "/proc/meminfo Hugetlb");
    } else if (pls_scan_kib(meminfo, "Hugepagesize", &size)
               && pls_scan_field(meminfo, "HugePages_Total", field, sizeof(field))
               && pls_parse_u64(field, &count) && count > 0) {
        physical_limit(ram, "hugepages", pls_sub(ram->capacity_bytes, pls_mul(count, size)),
                       "/proc/meminfo HugePages_Total");
    }
}

/* "Max address space  8589934592  unlimited  bytes": the soft limit counts. */
static void read_rlimit(const char *limits, const char *key, const char *code, struct pls_pool *ram)
{
    char field[96];
    uint64_t bytes = 0;
    if (!pls_scan_field(limits, key, field, sizeof(field))) {
        return;
    }
    field[strcspn(field, " \t")] = '\0';
    if (pls_parse_u64(field, &bytes)) {
        pls_pool_limit(ram, code, bytes, "/proc/self/limits");
    }
}

static void read_limits(struct pls_root *root, const char *meminfo, const struct pls_topology *topo,
                        struct pls_pool *ram)
{
    char limits[4096];
    read_huge_pages(meminfo, ram);
    if (topo->ram_allowed_bytes < topo->ram_bytes) {
        /* In proportion: nodes may add up to less than MemTotal. */
        double share = (double)topo->ram_allowed_bytes / (double)topo->ram_bytes;
        physical_limit(ram, "cpuset-mems", (uint64_t)((double)ram->capacity_bytes * share),
                       "/proc/self/status Mems_allowed");
    }
    if (pls_root_read(root, "/proc/self/limits", limits, sizeof(limits), NULL, NULL) == PLS_OK) {
        read_rlimit(limits, "Max address space", "rlimit-as", ram);
        read_rlimit(limits, "Max data size", "rlimit-data", ram);
    }
}

/* What firmware states: HMAT for whole machines, else the modules. A measurement replaces either. */
static void read_bandwidth(struct pls_root *root, const struct pls_topology *topo, struct pls_pool *ram)
{
    uint32_t channels = 0;
    ram->bandwidth_gbs = topo->bandwidth_gbs > 0 ? topo->bandwidth_gbs : pls_linux_dimm_gbs(root, &channels);
    ram->origin = ram->bandwidth_gbs > 0 ? PLS_ORIGIN_TABLE : PLS_ORIGIN_UNKNOWN;
}

enum pls_code pls_linux_memory(struct pls_root *root, const struct pls_topology *topo, struct pls_machine *m,
                               struct pls_err *err)
{
    char meminfo[8192];
    uint64_t total = 0;
    uint64_t available = 0;
    pls_root_read(root, "/proc/meminfo", meminfo, sizeof(meminfo), NULL, err);
    struct pls_pool *ram = pls_machine_pool(m, "ram", PLS_POOL_RAM);
    if (!pls_scan_kib(meminfo, "MemTotal", &total) || total == 0) {
        if (topo->ram_bytes == 0) {
            return pls_fail(err, PLS_IO, "%s: no MemTotal in /proc/meminfo and no memory nodes",
                            pls_root_path(root));
        }
        ram->capacity_bytes = topo->ram_bytes;
        pls_machine_note(m, "no-meminfo", "/proc/meminfo says no MemTotal: the sum of memory nodes is used");
        return PLS_OK;
    }
    ram->capacity_bytes = pls_sub(total, topo->gpu_node_bytes);
    if (topo->ram_bytes > 0) {
        note_difference(m, topo, ram->capacity_bytes);
    }
    if (pls_scan_kib(meminfo, "MemAvailable", &available)) {
        ram->free_bytes = pls_min(available, ram->capacity_bytes);
    }
    pls_scan_kib(meminfo, "SwapTotal", &m->swap_bytes);
    pls_scan_kib(meminfo, "SwapFree", &m->swap_free_bytes);
    read_limits(root, meminfo, topo, ram);
    read_bandwidth(root, topo, ram);
    return PLS_OK;
}
