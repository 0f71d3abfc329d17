/* OpenCL, opened at run time: the last source for the memory of a GPU whose own driver did not tell. Starting
 * an OpenCL platform may take a second, so it is asked only when something is missing. Values:
 * "opencl.count", "opencl.0.name", "opencl.0.vendor_id", "opencl.0.memory", "opencl.0.units". Constants:
 * Khronos OpenCL 1.2.
 */
#include <string.h>

#include "plimsoll/text.h"
#include "probe/values.h"

enum {
    CL_GPU = 1 << 2,
    CL_VENDOR_ID = 0x1001,
    CL_COMPUTE_UNITS = 0x1002,
    CL_MEMORY_SIZE = 0x101F,
    CL_NAME = 0x102B,
    MAX_PLATFORMS = 8,
    MAX_DEVICES = 16,
};

struct api {
    int32_t (*platforms)(uint32_t cap, void **out, uint32_t *n);
    int32_t (*devices)(void *platform, uint64_t kind, uint32_t cap, void **out, uint32_t *n);
    int32_t (*info)(void *device, uint32_t what, size_t cap, void *out, size_t *size);
};

static bool load(struct pls_dl *dl, const char *symbol, void *function)
{
    void *address = pls_dl_symbol(dl, symbol);
    memcpy(function, &address, sizeof(address));
    return address != NULL;
}

static void read_device(const struct api *api, void *device, uint32_t n, struct pls_values *out)
{
    char name[PLS_VALUE_TEXT] = "";
    uint32_t vendor = 0;
    uint32_t units = 0;
    uint64_t bytes = 0;
    if (api->info(device, CL_NAME, sizeof(name) - 1, name, NULL) == 0) {
        pls_values_set_n(out, "opencl.#.name", n, name);
    }
    if (api->info(device, CL_VENDOR_ID, sizeof(vendor), &vendor, NULL) == 0) {
        pls_values_set_n_u64(out, "opencl.#.vendor_id", n, vendor);
    }
    if (api->info(device, CL_COMPUTE_UNITS, sizeof(units), &units, NULL) == 0) {
        pls_values_set_n_u64(out, "opencl.#.units", n, units);
    }
    if (api->info(device, CL_MEMORY_SIZE, sizeof(bytes), &bytes, NULL) == 0) {
        pls_values_set_n_u64(out, "opencl.#.memory", n, bytes);
    }
}

void pls_opencl_read(struct pls_dl *dl, struct pls_values *out)
{
    struct api api;
    void *platforms[MAX_PLATFORMS];
    uint32_t n_platforms = 0;
    uint32_t count = 0;
    if (!load(dl, "clGetPlatformIDs", &api.platforms) || !load(dl, "clGetDeviceIDs", &api.devices)
        || !load(dl, "clGetDeviceInfo", &api.info)
        || api.platforms(MAX_PLATFORMS, platforms, &n_platforms) != 0) {
        return;
    }
    for (uint32_t p = 0; p < n_platforms && p < MAX_PLATFORMS; p++) {
        void *devices[MAX_DEVICES];
        uint32_t n = 0;
        if (api.devices(platforms[p], CL_GPU, MAX_DEVICES, devices, &n) != 0) {
            continue;
        }
        for (uint32_t i = 0; i < n && i < MAX_DEVICES && count < MAX_DEVICES; i++) {
            read_device(&api, devices[i], count++, out);
        }
    }
    pls_values_set_u64(out, "opencl.count", count);
}

void pls_opencl_values(struct pls_values *out)
{
    struct pls_dl *dl = pls_dl_open("libOpenCL.so.1");
    if (dl != NULL) {
        pls_opencl_read(dl, out);
        /* Platforms start threads of their own: unloading them has crashed programs. It stays until the
         * process ends. */
    }
}
