/* Intel GPUs from the sysfs files of i915 and xe, and the DRM queries' values. */
#include <stdlib.h>

#include "probe/drm.h"

/* A discrete GPU's memory, 0 when there is none or it is not told: xe lists it per tile, old i915 builds in
 * one file, mainline i915 only by ioctl. */
static uint64_t local_bytes(const struct pls_drm *d)
{
    uint64_t total = 0;
    uint64_t bytes = 0;
    for (unsigned tile = 0; tile < 4; tile++) {
        char file[64];
        struct pls_text t = PLS_TEXT(file);
        pls_text_add(&t, "tile%u/physical_vram_size_bytes", tile);
        char line[32];
        if (pls_drm_u64(d, file, &bytes) && bytes > 0) {
            total += bytes;
        } else if (pls_drm_line(d, file, line, sizeof(line)) && pls_text_starts(line, "0x")) {
            total += strtoull(line, NULL, 16);
        }
    }
    if (total > 0 || pls_drm_value(d, "vram_bytes", &total)) {
        return total;
    }
    char room[96];
    struct pls_text path = PLS_TEXT(room);
    pls_text_add(&path, "/sys/class/drm/%s/lmem_total_bytes", d->card);
    return pls_root_read_u64(d->root, room, &total) ? total : 0;
}

/* Integrated graphics are always this device; a discrete GPU never is. */
static bool is_integrated(const struct pls_drm *d)
{
    return pls_text_equal(d->address, "0000:00:02.0");
}

void pls_intel_gpu(const struct pls_drm *d)
{
    uint64_t bytes = local_bytes(d);
    bool integrated = is_integrated(d) && bytes == 0;
    struct pls_gpu *gpu = pls_drm_gpu(d, "intel", integrated ? PLS_POOL_SHARED : PLS_POOL_VRAM);
    if (gpu == NULL) {
        return;
    }
    struct pls_pool *pool = &d->machine->pools[gpu->pool];
    gpu->backend = integrated ? PLS_BACKEND_VULKAN : PLS_BACKEND_SYCL;
    if (integrated) {
        /* Drivers give a process between half and four fifths of RAM; the least is assumed. */
        pls_pool_limit(pool, "shared", pool->capacity_bytes / 2,
                       "assumed: half of RAM, the least a driver grants");
    } else if (bytes == 0) {
        pls_machine_note(d->machine, "gpu-memory-unknown",
                         "%s (%s): %s does not tell its memory to this user", gpu->id, gpu->pci_id,
                         d->driver);
    } else {
        pool->capacity_bytes = bytes;
    }
    if (gpu->name[0] == '\0') {
        PLS_COPY(gpu->name, integrated ? "Intel Graphics" : "Intel Arc");
    }
}
