/* NVIDIA GPUs from the values NVML gave (nvml.c, or a recording). Pure. */
#include <string.h>

#include "probe/parts.h"

enum { MAX_DEVICES = 16, MAX_SLICES = 8 };

double pls_pcie_gbs(uint64_t generation, uint64_t lanes)
{
    /* One direction, line code taken off, 1e9 bytes per second and lane. */
    static const double lane_gbs[] = { 0, 0.25, 0.5, 0.985, 1.969, 3.938, 7.563 };
    return generation < PLS_COUNT_OF(lane_gbs) ? lane_gbs[generation] * (double)lanes : 0;
}

/* GPUs without memory of their own. NVML either refuses the memory query there or, on N1X, tells a small
 * number. */
static bool is_integrated(struct pls_root *root, const struct pls_values *v, uint32_t n)
{
    static const char *const ids[] = { "10de:2e12", "10de:2b00" }; /* GB10, Thor */
    static const char *const words[] = { "GB10", "Orin", "Xavier", "Thor", "N1X", "(nvgpu)" };
    const char *id = pls_values_get_n(v, "nvml.#.pci_id", n);
    const char *name = pls_values_get_n(v, "nvml.#.name", n);
    for (size_t i = 0; id != NULL && i < PLS_COUNT_OF(ids); i++) {
        if (pls_text_equal(id, ids[i])) {
            return true;
        }
    }
    const char *error = pls_values_get_n(v, "nvml.#.memory_error", n);
    for (size_t i = 0; name != NULL && i < PLS_COUNT_OF(words); i++) {
        if (pls_scan_word(name, words[i])) {
            return true;
        }
    }
    uint64_t addressing = 0;
    bool shared = pls_values_get_n_u64(v, "nvml.#.addressing", n, &addressing) && addressing == 2;
    return error != NULL && pls_text_equal(error, "not-supported")
           && (shared || pls_root_exists(root, "/etc/nv_tegra_release"));
}

static uint32_t cores_per_multiprocessor(uint64_t capability)
{
    return capability == 60 || (capability >= 70 && capability <= 80) ? 64 : 128;
}

/* NVML states the memory clock so that the data rate is twice it, for every generation: HBM, GDDR5 to GDDR7.
 */
static void read_bandwidth(const struct pls_values *v, uint32_t n, double share, struct pls_pool *pool)
{
    uint64_t bits = 0;
    uint64_t mhz = 0;
    if (pls_values_get_n_u64(v, "nvml.#.bus_bits", n, &bits)
        && pls_values_get_n_u64(v, "nvml.#.memory_clock", n, &mhz) && bits > 0 && mhz > 0) {
        pool->bandwidth_gbs = share * (double)mhz * 2 * (double)bits / 8 / 1000;
        pool->origin = PLS_ORIGIN_TABLE;
    }
}

static void describe(const struct pls_values *v, uint32_t n, struct pls_gpu *gpu)
{
    static const char vendor[] = "nvidia";
    const char *driver = pls_values_get(v, "nvml.driver");
    const char *id = pls_values_get_n(v, "nvml.#.pci_id", n);
    const char *address = pls_values_get_n(v, "nvml.#.pci_address", n);
    uint64_t generation = 0;
    uint64_t lanes = 0;
    uint64_t capability = 0;
    PLS_COPY(gpu->vendor, vendor);
    PLS_COPY(gpu->driver, driver == NULL ? "" : driver);
    PLS_COPY(gpu->pci_id, id == NULL ? "" : id);
    PLS_COPY(gpu->pci_address, address == NULL ? "" : address);
    gpu->backend = PLS_BACKEND_CUDA;
    if (pls_values_get_n_u64(v, "nvml.#.capability", n, &capability)) {
        gpu->compute_capability = (uint32_t)capability;
    }
    if (pls_values_get_n_u64(v, "nvml.#.link_generation", n, &generation)
        && pls_values_get_n_u64(v, "nvml.#.link_width", n, &lanes)) {
        gpu->link_gbs = pls_pcie_gbs(generation, lanes);
    }
}

static void add_unified(const struct pls_values *v, uint32_t n, struct pls_machine *m)
{
    const char *name = pls_values_get_n(v, "nvml.#.name", n);
    struct pls_gpu *gpu = pls_machine_gpu(m, "nvidia", PLS_POOL_UNIFIED);
    if (gpu == NULL) {
        return;
    }
    describe(v, n, gpu);
    PLS_COPY(gpu->name, name == NULL ? "NVIDIA GPU" : name);
    gpu->link_gbs = 0;
    struct pls_pool *pool = &m->pools[gpu->pool];
    pool->capacity_bytes = m->pools[0].capacity_bytes;
    pool->free_bytes = m->pools[0].free_bytes;
    pls_machine_note(m, "unified-memory",
                     "%s: the GPU shares the system's memory, so NVML has no size of its own for it; "
                     "MemTotal is used",
                     gpu->id);
}

static void add_whole(const struct pls_values *v, uint32_t n, struct pls_machine *m)
{
    const char *name = pls_values_get_n(v, "nvml.#.name", n);
    uint64_t cores = 0;
    uint64_t display = 0;
    struct pls_gpu *gpu = pls_machine_gpu(m, "nvidia", PLS_POOL_VRAM);
    if (gpu == NULL) {
        return;
    }
    describe(v, n, gpu);
    PLS_COPY(gpu->name, name == NULL ? "NVIDIA GPU" : name);
    if (pls_values_get_n_u64(v, "nvml.#.cores", n, &cores) && gpu->compute_capability > 0) {
        gpu->cores = (uint32_t)cores / cores_per_multiprocessor(gpu->compute_capability);
    }
    gpu->has_display =
        m->has_desktop && pls_values_get_n_u64(v, "nvml.#.display", n, &display) && display != 0;
    struct pls_pool *pool = &m->pools[gpu->pool];
    read_bandwidth(v, n, 1, pool);
    if (!pls_values_get_n_u64(v, "nvml.#.memory_total", n, &pool->capacity_bytes)) {
        const char *why = pls_values_get_n(v, "nvml.#.memory_error", n);
        pls_machine_note(m, "gpu-memory-unknown", "%s (%s): NVML does not tell its memory (%s)", gpu->id,
                         gpu->name, why == NULL ? "no answer" : why);
        return;
    }
    pls_values_get_n_u64(v, "nvml.#.memory_free", n, &pool->free_bytes);
    uint64_t reserved = 0;
    if (pls_values_get_n_u64(v, "nvml.#.memory_reserved", n, &reserved) && reserved < pool->capacity_bytes) {
        struct pls_limit *limit = pls_pool_limit(pool, "driver-reserved", pool->capacity_bytes - reserved,
                                                 "nvmlDeviceGetMemoryInfo_v2 reserved");
        limit->is_physical = true;
    }
}

/* A GPU cut into slices runs work on the slices only: each is a device of its own, with its part of the
 * bandwidth. */
static void add_slices(const struct pls_values *v, uint32_t n, uint64_t slices, struct pls_machine *m)
{
    uint64_t whole = 0;
    pls_values_get_n_u64(v, "nvml.#.memory_total", n, &whole);
    for (uint32_t s = 0; s < slices && s < MAX_SLICES; s++) {
        uint32_t group = n * MAX_SLICES + s;
        const char *name = pls_values_get_n(v, "nvml.slice.#.name", group);
        uint64_t multiprocessors = 0;
        struct pls_gpu *gpu = pls_machine_gpu(m, "nvidia", PLS_POOL_VRAM);
        if (gpu == NULL) {
            return;
        }
        describe(v, n, gpu);
        PLS_COPY(gpu->name, name == NULL ? "NVIDIA MIG slice" : name); /* pls_gpu_is_slice() knows it by */
        pls_values_get_n_u64(v, "nvml.slice.#.multiprocessors", group, &multiprocessors);
        gpu->cores = (uint32_t)multiprocessors;
        struct pls_pool *pool = &m->pools[gpu->pool];
        pls_values_get_n_u64(v, "nvml.slice.#.memory_total", group, &pool->capacity_bytes);
        pls_values_get_n_u64(v, "nvml.slice.#.memory_free", group, &pool->free_bytes);
        if (whole > 0) {
            read_bandwidth(v, n, (double)pool->capacity_bytes / (double)whole, pool);
        }
    }
    pls_machine_note(m, "mig",
                     "GPU %u is cut into %u MIG slices, of which a process computes on one: the largest is "
                     "planned with, unless --tensor-split gives shares",
                     (unsigned)n, (unsigned)slices);
}

static void add_device(struct pls_root *root, const struct pls_values *v, uint32_t n, struct pls_machine *m)
{
    uint64_t slices = 0;
    const char *error = pls_values_get_n(v, "nvml.#.error", n);
    if (error != NULL) {
        bool lost = pls_text_equal(error, "lost");
        pls_machine_note(m, lost ? "gpu-lost" : "gpu-error",
                         lost ? "NVIDIA GPU %u has fallen off the bus; a reboot may bring it back"
                              : "NVIDIA GPU %u does not answer; it is left out",
                         (unsigned)n);
    } else if (is_integrated(root, v, n)) {
        add_unified(v, n, m);
    } else if (pls_values_get_n_u64(v, "nvml.#.slices", n, &slices)) {
        add_slices(v, n, slices, m);
    } else {
        add_whole(v, n, m);
    }
}

static void note_failure(const char *error, struct pls_machine *m)
{
    static const struct {
        const char *error, *text;
    } texts[] = {
        { "driver-not-loaded", "NVIDIA's library is installed but its kernel driver is not loaded" },
        { "version-mismatch",
          "NVIDIA's library and kernel driver are of different versions; a reboot after the update helps" },
        { "incomplete", "libnvidia-ml.so.1 lacks functions every driver since 2012 has; it is not used" },
    };
    const char *text = "NVIDIA's library reports an error; its GPUs are left out";
    for (size_t i = 0; i < PLS_COUNT_OF(texts); i++) {
        text = pls_text_equal(error, texts[i].error) ? texts[i].text : text;
    }
    pls_machine_note(m, "nvml-error", "%s", text);
}

void pls_nvidia_gpus(struct pls_root *root, const struct pls_values *v, struct pls_topology *topo,
                     struct pls_machine *m)
{
    const char *error = pls_values_get(v, "nvml.error");
    uint64_t count = 0;
    if (error != NULL) {
        note_failure(error, m);
    }
    pls_values_get_u64(v, "nvml.count", &count);
    for (uint32_t n = 0; n < count && n < MAX_DEVICES; n++) {
        const char *address = pls_values_get_n(v, "nvml.#.pci_address", n);
        add_device(root, v, n, m);
        pls_pci_claim(topo, address == NULL ? "" : address);
    }
}
