/* NVIDIA's management library, opened at run time: what it says becomes named values ("nvml.0.name").
 *
 * Six symbols are required and exist in every driver since 2012; the rest came later (memory bus width with
 * R510, memory info v2 with R515, addressing mode with R580) and is asked for when present. Nothing is
 * interpreted here: nvidia.c does that, from these values or from those of a recording. Types and codes
 * follow NVML's public ABI, declared here with fixed widths so that building needs no CUDA header.
 * docs.nvidia.com/deploy/nvml-api.
 */
#include <string.h>

#include "plimsoll/text.h"
#include "probe/values.h"

enum {
    NVML_SUCCESS = 0,
    NVML_NOT_SUPPORTED = 3,
    NVML_DRIVER_NOT_LOADED = 9,
    NVML_GPU_IS_LOST = 15,
    NVML_VERSION_MISMATCH = 18,
    NVML_CLOCK_MEM = 2,
    MAX_DEVICES = 16,
    MAX_SLICES = 8, /* per GPU */
};

typedef void *device; /* NVML's opaque handle: a pointer that is never looked through */

struct memory_v1 {
    uint64_t total, free, used; /* used counts what the driver reserves */
};
struct memory_v2 {
    uint32_t version;
    uint64_t total, reserved, free, used;
};
struct pci_info {
    char legacy[16];
    uint32_t domain, bus, device, device_id, subsystem_id; /* device_id: device << 16 | vendor */
    char bus_id[32];
};
struct attributes {
    uint32_t multiprocessors, copy, decode, encode, jpeg, ofa, gpu_slices, compute_slices;
    uint64_t memory_mib;
};
struct addressing {
    uint32_t version, mode; /* 0 none, 1 HMM, 2 ATS (CPU and GPU share page tables) */
};

struct api {
    /* required */
    int (*init)(void);
    int (*shutdown)(void);
    int (*count)(unsigned *);
    int (*handle)(unsigned, device *);
    int (*name)(device, char *, unsigned);
    int (*memory)(device, struct memory_v1 *);
    /* optional */
    int (*memory_v2)(device, struct memory_v2 *);
    int (*driver)(char *, unsigned);
    int (*pci)(device, struct pci_info *);
    int (*bus_width)(device, unsigned *);
    int (*max_clock)(device, int, unsigned *);
    int (*cores)(device, unsigned *);
    int (*capability)(device, int *, int *);
    int (*link_generation)(device, unsigned *);
    int (*link_width)(device, unsigned *);
    int (*display)(device, unsigned *);
    int (*addressing)(device, struct addressing *);
    int (*mig_mode)(device, unsigned *, unsigned *);
    int (*mig_handle)(device, unsigned, device *);
    int (*attributes)(device, struct attributes *);
};

/* An object pointer from dlsym becomes a function pointer: POSIX allows it, ISO C does not: it is copied. */
static bool load(struct pls_dl *dl, const char *symbol, void *function)
{
    void *address = pls_dl_symbol(dl, symbol);
    memcpy(function, &address, sizeof(address));
    return address != NULL;
}

static bool load_api(struct pls_dl *dl, struct api *api)
{
    *api = (struct api){ 0 };
    load(dl, "nvmlDeviceGetMemoryInfo_v2", &api->memory_v2);
    load(dl, "nvmlSystemGetDriverVersion", &api->driver);
    load(dl, "nvmlDeviceGetPciInfo_v3", &api->pci);
    load(dl, "nvmlDeviceGetMemoryBusWidth", &api->bus_width);
    load(dl, "nvmlDeviceGetMaxClockInfo", &api->max_clock);
    load(dl, "nvmlDeviceGetNumGpuCores", &api->cores);
    load(dl, "nvmlDeviceGetCudaComputeCapability", &api->capability);
    load(dl, "nvmlDeviceGetMaxPcieLinkGeneration", &api->link_generation);
    load(dl, "nvmlDeviceGetMaxPcieLinkWidth", &api->link_width);
    load(dl, "nvmlDeviceGetDisplayActive", &api->display);
    load(dl, "nvmlDeviceGetAddressingMode", &api->addressing);
    load(dl, "nvmlDeviceGetMigMode", &api->mig_mode);
    load(dl, "nvmlDeviceGetMigDeviceHandleByIndex", &api->mig_handle);
    load(dl, "nvmlDeviceGetAttributes_v2", &api->attributes);
    return load(dl, "nvmlInit_v2", &api->init) && load(dl, "nvmlShutdown", &api->shutdown)
           && load(dl, "nvmlDeviceGetCount_v2", &api->count)
           && load(dl, "nvmlDeviceGetHandleByIndex_v2", &api->handle)
           && load(dl, "nvmlDeviceGetName", &api->name) && load(dl, "nvmlDeviceGetMemoryInfo", &api->memory);
}

static const char *reason(int code)
{
    switch (code) {
    case NVML_NOT_SUPPORTED:
        return "not-supported";
    case NVML_DRIVER_NOT_LOADED:
        return "driver-not-loaded";
    case NVML_GPU_IS_LOST:
        return "lost";
    case NVML_VERSION_MISMATCH:
        return "version-mismatch"; /* of library and kernel module: reboot after an update */
    default:
        return "error";
    }
}

static void read_memory(const struct api *api, device gpu, uint32_t n, struct pls_values *out)
{
    struct memory_v2 v2 = { .version = (uint32_t)sizeof(v2) | 2u << 24 };
    struct memory_v1 v1 = { 0, 0, 0 };
    if (api->memory_v2 != NULL && api->memory_v2(gpu, &v2) == NVML_SUCCESS) {
        pls_values_set_n_u64(out, "nvml.#.memory_total", n, v2.total);
        pls_values_set_n_u64(out, "nvml.#.memory_free", n, v2.free);
        pls_values_set_n_u64(out, "nvml.#.memory_reserved", n, v2.reserved);
        return;
    }
    int code = api->memory(gpu, &v1);
    if (code == NVML_SUCCESS) {
        pls_values_set_n_u64(out, "nvml.#.memory_total", n, v1.total);
        pls_values_set_n_u64(out, "nvml.#.memory_free", n, v1.free);
    } else {
        pls_values_set_n(out, "nvml.#.memory_error", n, reason(code));
    }
}

static void read_u32(int (*ask)(device, unsigned *), device gpu, const char *pattern, uint32_t n,
                     struct pls_values *out)
{
    unsigned value = 0;
    if (ask != NULL && ask(gpu, &value) == NVML_SUCCESS) {
        pls_values_set_n_u64(out, pattern, n, value);
    }
}

static void read_pci(const struct api *api, device gpu, uint32_t n, struct pls_values *out)
{
    struct pci_info pci = { .domain = 0 };
    char room[24];
    struct pls_text t = PLS_TEXT(room);
    if (api->pci == NULL || api->pci(gpu, &pci) != NVML_SUCCESS) {
        return;
    }
    pls_text_add(&t, "%04x:%02x:%02x.0", pci.domain, pci.bus, pci.device);
    pls_values_set_n(out, "nvml.#.pci_address", n, room);
    t = PLS_TEXT(room);
    pls_text_add(&t, "%04x:%04x", pci.device_id & 0xFFFF, pci.device_id >> 16);
    pls_values_set_n(out, "nvml.#.pci_id", n, room);
}

/* Slices of GPU n have numbers of their own after all whole GPUs: slice s is value group n * 8 + s. */
static void read_slices(const struct api *api, device gpu, uint32_t n, struct pls_values *out)
{
    unsigned enabled = 0;
    unsigned pending = 0;
    if (api->mig_mode == NULL || api->mig_handle == NULL
        || api->mig_mode(gpu, &enabled, &pending) != NVML_SUCCESS || enabled == 0) {
        return;
    }
    uint32_t found = 0;
    for (unsigned i = 0; i < MAX_SLICES; i++) {
        device slice = NULL;
        struct memory_v1 memory = { 0, 0, 0 };
        struct attributes a = { .multiprocessors = 0 };
        char name[PLS_VALUE_TEXT] = "";
        if (api->mig_handle(gpu, i, &slice) != NVML_SUCCESS || api->memory(slice, &memory) != NVML_SUCCESS) {
            continue;
        }
        uint32_t group = n * MAX_SLICES + found++;
        if (api->name(slice, name, sizeof(name)) == NVML_SUCCESS) {
            pls_values_set_n(out, "nvml.slice.#.name", group, name);
        }
        pls_values_set_n_u64(out, "nvml.slice.#.memory_total", group, memory.total);
        pls_values_set_n_u64(out, "nvml.slice.#.memory_free", group, memory.free);
        if (api->attributes != NULL && api->attributes(slice, &a) == NVML_SUCCESS) {
            pls_values_set_n_u64(out, "nvml.slice.#.multiprocessors", group, a.multiprocessors);
            pls_values_set_n_u64(out, "nvml.slice.#.gpu_slices", group, a.gpu_slices);
        }
    }
    pls_values_set_n_u64(out, "nvml.#.slices", n, found);
}

static void read_device(const struct api *api, uint32_t n, struct pls_values *out)
{
    device gpu = NULL;
    char name[PLS_VALUE_TEXT] = "";
    unsigned clock_mhz = 0;
    int major = 0;
    int minor = 0;
    struct addressing mode = { .version = (uint32_t)sizeof(mode) | 1u << 24 };
    int code = api->handle(n, &gpu);
    if (code != NVML_SUCCESS) {
        pls_values_set_n(out, "nvml.#.error", n, reason(code));
        return;
    }
    code = api->name(gpu, name, sizeof(name));
    if (code == NVML_GPU_IS_LOST) {
        pls_values_set_n(out, "nvml.#.error", n, reason(code));
        return;
    }
    pls_values_set_n(out, "nvml.#.name", n, name);
    read_memory(api, gpu, n, out);
    read_pci(api, gpu, n, out);
    read_u32(api->bus_width, gpu, "nvml.#.bus_bits", n, out);
    read_u32(api->cores, gpu, "nvml.#.cores", n, out);
    read_u32(api->link_generation, gpu, "nvml.#.link_generation", n, out);
    read_u32(api->link_width, gpu, "nvml.#.link_width", n, out);
    read_u32(api->display, gpu, "nvml.#.display", n, out);
    if (api->max_clock != NULL && api->max_clock(gpu, NVML_CLOCK_MEM, &clock_mhz) == NVML_SUCCESS) {
        pls_values_set_n_u64(out, "nvml.#.memory_clock", n, clock_mhz);
    }
    if (api->capability != NULL && api->capability(gpu, &major, &minor) == NVML_SUCCESS && major > 0) {
        pls_values_set_n_u64(out, "nvml.#.capability", n, (uint64_t)major * 10 + (uint64_t)minor);
    }
    if (api->addressing != NULL && api->addressing(gpu, &mode) == NVML_SUCCESS) {
        pls_values_set_n_u64(out, "nvml.#.addressing", n, mode.mode);
    }
    read_slices(api, gpu, n, out);
}

void pls_nvml_read(struct pls_dl *dl, struct pls_values *out)
{
    struct api api;
    unsigned count = 0;
    char driver[PLS_VALUE_TEXT] = "";
    if (!load_api(dl, &api)) {
        pls_values_set(out, "nvml.error", "incomplete");
        return;
    }
    int code = api.init();
    if (code != NVML_SUCCESS) {
        pls_values_set(out, "nvml.error", reason(code));
        return;
    }
    if (api.driver != NULL && api.driver(driver, sizeof(driver)) == NVML_SUCCESS) {
        pls_values_set(out, "nvml.driver", driver);
    }
    code = api.count(&count);
    if (code != NVML_SUCCESS) {
        pls_values_set(out, "nvml.error", reason(code));
    } else {
        pls_values_set_u64(out, "nvml.count", count);
    }
    for (uint32_t n = 0; n < count && n < MAX_DEVICES; n++) {
        read_device(&api, n, out);
    }
    api.shutdown();
}

void pls_nvml_values(struct pls_values *out)
{
    /* The second is where WSL keeps it when its directory is not in the loader's list. */
    static const char *const names[] = { "libnvidia-ml.so.1", "/usr/lib/wsl/lib/libnvidia-ml.so.1" };
    struct pls_dl *dl = NULL;
    for (size_t i = 0; i < PLS_COUNT_OF(names) && dl == NULL; i++) {
        dl = pls_dl_open(names[i]);
    }
    if (dl != NULL) {
        pls_nvml_read(dl, out);
        pls_dl_close(dl);
    }
}
