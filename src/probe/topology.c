/* Processors, caches, memory nodes and PCI devices through hwloc: the only file that includes hwloc.h.
 *
 * A recording is replayed from <root>/hwloc.xml (lstopo --of xml) and not through hwloc's own file-system
 * root: that is chosen by an environment variable only, and this program does not change its environment.
 * Without the XML the caller falls back to sysfs.
 *
 * Plugins that would start a GPU runtime (CUDA, OpenCL, ...) are shut out: they take seconds and we have
 * probes of our own; so is its libpciaccess plugin (sysfs serves, and the library leaks). hwloc's memory
 * sizes are only a cross-check: on Linux a node's size is cached at boot in some hypervisors, so memory added
 * later is missing, and on macOS versions before 2.13 report the low 32 bits.
 */
#include <errno.h>
#include <hwloc.h>
#include <stdlib.h>
#include <string.h>

#include "probe/parts.h"

enum { MAX_XML = 8 << 20 };

static hwloc_topology_t open_topology(const char *xml, size_t len)
{
    static const char *const shut_out[] = { "cuda", "nvml", "opencl", "rsmi", "levelzero", "gl", "pci" };
    hwloc_topology_t topo = NULL;
    if (hwloc_topology_init(&topo) != 0) {
        return NULL;
    }
    for (size_t i = 0; i < PLS_COUNT_OF(shut_out); i++) {
        hwloc_topology_set_components(topo, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, shut_out[i]);
    }
    hwloc_topology_set_io_types_filter(topo, HWLOC_TYPE_FILTER_KEEP_IMPORTANT);
    hwloc_topology_set_flags(topo, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
    bool ready = xml == NULL || hwloc_topology_set_xmlbuffer(topo, xml, (int)len + 1) == 0;
    if (!ready || hwloc_topology_load(topo) != 0) {
        hwloc_topology_destroy(topo);
        return NULL;
    }
    return topo;
}

/* PUs the process may use: hwloc's allowed set (cpuset) cut down to the list (affinity). */
static hwloc_bitmap_t usable_cpus(hwloc_topology_t topo, const char *allowed_cpus)
{
    hwloc_bitmap_t usable = hwloc_bitmap_dup(hwloc_topology_get_allowed_cpuset(topo));
    hwloc_bitmap_t listed = hwloc_bitmap_alloc();
    if (allowed_cpus[0] != '\0' && hwloc_bitmap_list_sscanf(listed, allowed_cpus) == 0
        && hwloc_bitmap_intersects(usable, listed)) {
        hwloc_bitmap_and(usable, usable, listed);
    }
    hwloc_bitmap_free(listed);
    return usable;
}

static uint32_t count_cores(hwloc_topology_t topo, hwloc_const_bitmap_t cpus)
{
    int all = hwloc_get_nbobjs_by_type(topo, HWLOC_OBJ_CORE);
    uint32_t n = 0;
    for (int i = 0; i < all; i++) {
        hwloc_obj_t core = hwloc_get_obj_by_type(topo, HWLOC_OBJ_CORE, (unsigned)i);
        n += core != NULL && hwloc_bitmap_intersects(core->cpuset, cpus) ? 1 : 0;
    }
    /* A machine without core objects (some VMs) has cores all the same: one for each thread. */
    return all > 0 ? n : (uint32_t)hwloc_bitmap_weight(cpus);
}

/* Largest cache of a level: on hybrid CPUs that is the fast cores'. */
static uint64_t cache_bytes(hwloc_topology_t topo, hwloc_obj_type_t type)
{
    uint64_t largest = 0;
    for (hwloc_obj_t o = NULL; (o = hwloc_get_next_obj_by_type(topo, type, o)) != NULL;) {
        largest = pls_max(largest, o->attr->cache.size);
    }
    return largest;
}

static void read_kind(hwloc_topology_t topo, unsigned index, hwloc_bitmap_t set, struct pls_core_kind *k)
{
    struct hwloc_info_s *infos = NULL;
    unsigned n = 0;
    int efficiency = 0;
    if (hwloc_cpukinds_get_info(topo, index, set, &efficiency, &n, &infos, 0) != 0) {
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        uint64_t number = 0;
        bool is_number = pls_parse_u64(infos[i].value, &number);
        if (strcmp(infos[i].name, "CoreType") == 0) {
            k->design = strcmp(infos[i].value, "IntelCore") == 0 ? 3 : 2;
        } else if (strcmp(infos[i].name, "LinuxCapacity") == 0 && is_number) {
            k->capacity = number;
        } else if (strcmp(infos[i].name, "FrequencyMaxMHz") == 0 && is_number) {
            k->max_khz = pls_mul(number, 1000);
        }
    }
}

static void read_tiers(hwloc_topology_t topo, hwloc_const_bitmap_t cpus, struct pls_topology *out)
{
    struct pls_core_kind kinds[PLS_MAX_KINDS];
    uint32_t n = 0;
    int all = hwloc_cpukinds_get_nr(topo, 0);
    for (int i = 0; i < all; i++) {
        struct pls_core_kind k = { 0 };
        hwloc_bitmap_t set = hwloc_bitmap_alloc();
        read_kind(topo, (unsigned)i, set, &k);
        hwloc_bitmap_and(set, set, cpus);
        k.cores = hwloc_bitmap_iszero(set) ? 0 : count_cores(topo, set);
        hwloc_bitmap_free(set);
        if (k.cores > 0) {
            pls_tiers_count(kinds, &n, &k);
        }
    }
    pls_tiers_make(kinds, n, out);
}

static double node_bandwidth_gbs(hwloc_topology_t topo, hwloc_obj_t node)
{
    static const hwloc_memattr_id_t ids[] = { HWLOC_MEMATTR_ID_READ_BANDWIDTH, HWLOC_MEMATTR_ID_BANDWIDTH };
    for (size_t i = 0; i < PLS_COUNT_OF(ids); i++) {
        struct hwloc_location best;
        hwloc_uint64_t mib_per_s = 0;
        if (hwloc_memattr_get_best_initiator(topo, ids[i], node, 0, &best, &mib_per_s) == 0
            && mib_per_s > 0) {
            return (double)mib_per_s * (double)PLS_MIB / 1e9;
        }
    }
    return 0;
}

static void read_nodes(hwloc_topology_t topo, const char *allowed_mems, struct pls_topology *out)
{
    hwloc_const_bitmap_t allowed = hwloc_topology_get_allowed_nodeset(topo);
    bool all_rated = true;
    for (hwloc_obj_t o = NULL; (o = hwloc_get_next_obj_by_type(topo, HWLOC_OBJ_NUMANODE, o)) != NULL;) {
        uint64_t bytes = o->attr->numanode.local_memory;
        if (o->subtype != NULL && strcmp(o->subtype, "GPUMemory") == 0) {
            out->gpu_node_bytes += bytes;
            continue;
        }
        bool usable =
            hwloc_bitmap_isset(allowed, o->os_index) && pls_scan_list_has(allowed_mems, o->os_index);
        double gbs = node_bandwidth_gbs(topo, o);
        out->n_numa++;
        out->ram_bytes += bytes;
        out->ram_allowed_bytes += usable ? bytes : 0;
        out->bandwidth_gbs += gbs;
        all_rated = all_rated && gbs > 0;
    }
    out->bandwidth_gbs = all_rated ? out->bandwidth_gbs : 0;
}

static bool is_gpu_class(unsigned class_id)
{
    return class_id >> 8 == 0x03 || class_id >> 8 == 0x12; /* display controller, processing accelerator */
}

static void read_pci(hwloc_topology_t topo, struct pls_topology *out)
{
    for (hwloc_obj_t o = NULL; (o = hwloc_get_next_pcidev(topo, o)) != NULL;) {
        const struct hwloc_pcidev_attr_s *a = &o->attr->pcidev;
        if (!is_gpu_class(a->class_id) || out->n_pci >= PLS_MAX_PCI) {
            continue;
        }
        struct pls_pci *pci = &out->pci[out->n_pci++];
        *pci = (struct pls_pci){ .vendor = a->vendor_id,
                                 .device = a->device_id,
                                 .revision = a->revision,
                                 .link_gbs = (double)a->linkspeed };
        struct pls_text t = PLS_TEXT(pci->address);
        pls_text_add(&t, "%04x:%02x:%02x.%x", (unsigned)a->domain, (unsigned)a->bus, (unsigned)a->dev,
                     (unsigned)a->func);
        const char *name = hwloc_obj_get_info_by_name(o, "PCIDevice");
        PLS_COPY(pci->name, name == NULL ? "" : name);
    }
}

static void copy_info(hwloc_obj_t obj, const char *key, char *out, size_t cap)
{
    const char *value = obj == NULL ? NULL : hwloc_obj_get_info_by_name(obj, key);
    if (value != NULL) {
        pls_copy(out, cap, value);
    }
}

static void read_topology(hwloc_topology_t topo, const char *allowed_cpus, const char *allowed_mems,
                          struct pls_topology *out)
{
    hwloc_bitmap_t cpus = usable_cpus(topo, allowed_cpus);
    hwloc_obj_t root = hwloc_get_root_obj(topo);
    out->known = true;
    out->threads = (uint32_t)hwloc_bitmap_weight(cpus);
    out->cores = count_cores(topo, cpus);
    int packages = hwloc_get_nbobjs_by_type(topo, HWLOC_OBJ_PACKAGE);
    out->n_packages = packages > 0 ? (uint32_t)packages : 1;
    out->l1d_bytes = cache_bytes(topo, HWLOC_OBJ_L1CACHE);
    out->l2_bytes = cache_bytes(topo, HWLOC_OBJ_L2CACHE);
    out->l3_bytes = cache_bytes(topo, HWLOC_OBJ_L3CACHE);
    copy_info(hwloc_get_obj_by_type(topo, HWLOC_OBJ_PACKAGE, 0), "CPUModel", out->cpu_name,
              sizeof(out->cpu_name));
    copy_info(root, "CPUModel", out->cpu_name, sizeof(out->cpu_name));
    copy_info(root, "DMIProductName", out->product, sizeof(out->product));
    copy_info(root, "Architecture", out->arch, sizeof(out->arch));
    copy_info(root, "OSName", out->os, sizeof(out->os));
    read_tiers(topo, cpus, out);
    read_nodes(topo, allowed_mems, out);
    read_pci(topo, out);
    hwloc_bitmap_free(cpus);
}

/* What the plugins of an exporting hwloc say about a GPU's memory, best source first; sizes in KiB (hwloc 2).
 */
static const struct gpu_source {
    const char *key, *vendor; /* vendor NULL: by GPUVendor */
    enum pls_backend backend;
} gpu_sources[] = {
    { "CUDAGlobalMemorySize", "nvidia", PLS_BACKEND_CUDA },
    { "RSMIVRAMSize", "amd", PLS_BACKEND_ROCM },
    { "LevelZeroHBMSize", "intel", PLS_BACKEND_SYCL },
    { "LevelZeroDDRSize", "intel", PLS_BACKEND_SYCL },
    { "LevelZeroMemorySize", "intel", PLS_BACKEND_SYCL },
    { "OpenCLGlobalMemorySize", NULL, PLS_BACKEND_VULKAN },
};

static const char *vendor_word(const char *name)
{
    static const char *const words[][2] = {
        { "NVIDIA", "nvidia" }, { "AMD", "amd" }, { "Advanced Micro", "amd" }, { "Intel", "intel" }
    };
    for (size_t i = 0; name != NULL && i < PLS_COUNT_OF(words); i++) {
        if (strstr(name, words[i][0]) != NULL) {
            return words[i][1];
        }
    }
    return NULL;
}

/* "15728640" (KiB), or with the unit that hwloc 3 appends ("15728640KiB"). */
static uint64_t size_info(hwloc_obj_t o, const char *key)
{
    char digits[24] = "";
    uint64_t kib = 0;
    copy_info(o, key, digits, sizeof(digits));
    digits[strspn(digits, "0123456789")] = '\0';
    return pls_parse_u64(digits, &kib) ? pls_mul(kib, PLS_KIB) : 0;
}

static hwloc_obj_t pci_of(hwloc_obj_t o)
{
    while (o != NULL && o->type != HWLOC_OBJ_PCI_DEVICE) {
        o = o->parent;
    }
    return o;
}

/* One PCI device may be cuda0, nvml0 and opencl0d0 at once: the first source that finds it wins. */
static bool is_known(const struct pls_machine *m, const char *address)
{
    for (uint32_t i = 0; i < m->n_gpus; i++) {
        if (address[0] != '\0' && strcmp(m->gpus[i].pci_address, address) == 0) {
            return true;
        }
    }
    return false;
}

static void add_os_device(hwloc_obj_t o, const struct gpu_source *source, struct pls_machine *m)
{
    uint64_t bytes = size_info(o, source->key);
    hwloc_obj_t pci = pci_of(o);
    const char *vendor =
        source->vendor != NULL ? source->vendor : vendor_word(hwloc_obj_get_info_by_name(o, "GPUVendor"));
    const char *kind = hwloc_obj_get_info_by_name(o, "OpenCLDeviceType");
    char address[16] = "";
    struct pls_text t = PLS_TEXT(address);
    if (pci != NULL) {
        const struct hwloc_pcidev_attr_s *a = &pci->attr->pcidev;
        pls_text_add(&t, "%04x:%02x:%02x.%x", (unsigned)a->domain, (unsigned)a->bus, (unsigned)a->dev,
                     (unsigned)a->func);
    }
    bool is_gpu = kind == NULL || strcmp(kind, "GPU") == 0;
    bool integrated = strcmp(address, "0000:00:02.0") == 0;
    struct pls_gpu *gpu = bytes > 0 && vendor != NULL && is_gpu && !integrated && !is_known(m, address)
                              ? pls_machine_gpu(m, vendor, PLS_POOL_VRAM)
                              : NULL;
    if (gpu == NULL) {
        return;
    }
    copy_info(o, "GPUModel", gpu->name, sizeof(gpu->name));
    PLS_COPY(gpu->pci_address, address);
    gpu->backend = source->backend;
    m->pools[gpu->pool].capacity_bytes = bytes;
    if (pci != NULL) {
        struct pls_text id = PLS_TEXT(gpu->pci_id);
        pls_text_add(&id, "%04x:%04x", (unsigned)pci->attr->pcidev.vendor_id,
                     (unsigned)pci->attr->pcidev.device_id);
        gpu->revision = pci->attr->pcidev.revision;
        gpu->link_gbs = (double)pci->attr->pcidev.linkspeed;
    }
}

static void read_os_devices(hwloc_topology_t topo, struct pls_machine *m)
{
    for (size_t i = 0; i < PLS_COUNT_OF(gpu_sources); i++) {
        for (hwloc_obj_t o = NULL; (o = hwloc_get_next_osdev(topo, o)) != NULL;) {
            add_os_device(o, &gpu_sources[i], m);
        }
    }
}

/* hwloc 2 writes to stderr when handed the format of hwloc 3: looked at first. */
static bool is_later_xml(const char *xml)
{
    const char *at = strstr(xml, "<topology");
    const char *version = at == NULL ? NULL : strstr(at, "version=\"");
    const char *end = at == NULL ? NULL : strchr(at, '>');
    unsigned ours = HWLOC_API_VERSION >> 16;
    return version != NULL && end != NULL && version < end && version[9] >= '0' && version[9] <= '9'
           && (unsigned)(version[9] - '0') > ours;
}

enum pls_code pls_topology_xml(const char *xml, size_t len, struct pls_topology *out,
                               struct pls_machine *machine, struct pls_err *err)
{
    *out = (struct pls_topology){ .known = false };
    if (len > MAX_XML || strstr(xml, "<topology") == NULL) {
        return pls_fail(err, PLS_FORMAT, "not an hwloc XML export");
    }
    if (is_later_xml(xml)) {
        return pls_fail(err, PLS_UNSUPPORTED,
                        "written by a later hwloc; export it with: lstopo --export-xml-flags v2");
    }
    hwloc_topology_t topo = open_topology(xml, len);
    if (topo == NULL) {
        return pls_fail(err, PLS_FORMAT, "hwloc cannot read this XML");
    }
    read_topology(topo, "", "", out);
    read_os_devices(topo, machine);
    hwloc_topology_destroy(topo);
    return PLS_OK;
}

/* The text of /hwloc.xml, to be freed; NULL when there is none. */
static char *read_xml(struct pls_root *root, size_t *len)
{
    char *xml = pls_root_exists(root, "/hwloc.xml") ? malloc(MAX_XML) : NULL;
    if (xml != NULL && pls_root_read(root, "/hwloc.xml", xml, MAX_XML, len, NULL) != PLS_OK) {
        free(xml);
        return NULL;
    }
    return xml;
}

void pls_topology_hwloc(struct pls_root *root, const char *allowed_cpus, const char *allowed_mems,
                        struct pls_topology *out)
{
    *out = (struct pls_topology){ .known = false };
    size_t len = 0;
    char *xml = read_xml(root, &len);
    bool usable = xml != NULL ? !is_later_xml(xml) : pls_root_is_live(root);
    hwloc_topology_t topo = usable ? open_topology(xml, len) : NULL;
    if (topo != NULL) {
        read_topology(topo, allowed_cpus, allowed_mems, out);
        hwloc_topology_destroy(topo);
    }
    free(xml);
}

/* Whether a line of the export may leave the machine: information by an allow list, since exports carry host
 * names, serial numbers and network addresses; structure always. */
static bool may_leave(const char *line)
{
    static const char *const allowed[] = { "CPUModel",         "CPUVendor",      "CPUModelNumber",
                                           "CPUFamilyNumber",  "CPUStepping",    "OSName",
                                           "Architecture",     "DMIProductName", "PCIVendor",
                                           "PCIDevice",        "CoreType",       "FrequencyMaxMHz",
                                           "FrequencyBaseMHz", "LinuxCapacity",  "SoC0ID",
                                           "SoC0Family",       "Backend",        "hwlocVersion" };
    const char *info = strstr(line, "<info name=\"");
    if (info == NULL) {
        return true;
    }
    const char *name = info + strlen("<info name=\"");
    for (size_t i = 0; i < PLS_COUNT_OF(allowed); i++) {
        size_t len = strlen(allowed[i]);
        if (strncmp(name, allowed[i], len) == 0 && name[len] == '"') {
            return true;
        }
    }
    return false;
}

bool pls_topology_export(struct pls_root *root, pls_line_sink *sink, void *context)
{
    size_t len = 0;
    char *xml = read_xml(root, &len);
    hwloc_topology_t topo = xml != NULL || pls_root_is_live(root) ? open_topology(xml, len) : NULL;
    char *text = NULL;
    int size = 0;
    bool exported = topo != NULL && hwloc_topology_export_xmlbuffer(topo, &text, &size, 0) == 0;
    const char *at = exported ? text : "";
    char line[4096];
    while (pls_scan_next(&at, line, sizeof(line))) {
        if (may_leave(line)) {
            sink(line, context);
        }
    }
    if (exported) {
        hwloc_free_xmlbuffer(topo, text);
    }
    if (topo != NULL) {
        hwloc_topology_destroy(topo);
    }
    free(xml);
    return exported;
}
