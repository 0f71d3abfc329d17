/* A card under /sys/class/drm, read once and handed to its vendor's prober. */
#ifndef PROBE_DRM_H
#define PROBE_DRM_H

#include "probe/parts.h"

struct pls_drm {
    struct pls_root *root;
    const struct pls_values *values; /* what ioctls told: "drm.<card>.*" */
    struct pls_topology *topo;
    struct pls_machine *machine;
    char card[16];    /* "card0" */
    char driver[16];  /* "amdgpu", "i915", "xe" */
    char address[16]; /* "0000:03:00.0" */
    uint32_t vendor, device, revision;
    bool has_screen; /* a connector says "connected" */
    uint64_t link_generation, link_width;
};

/* One number of /sys/class/drm/<card>/device/<file>. */
bool pls_drm_u64(const struct pls_drm *d, const char *file, uint64_t *out);
bool pls_drm_line(const struct pls_drm *d, const char *file, char *out, size_t cap);
/* One ioctl value of the card: name is "vram_bytes", "bus_bits", ... */
bool pls_drm_value(const struct pls_drm *d, const char *name, uint64_t *out);
/* Fills what every vendor's GPU has in common and claims the PCI device; NULL when the machine is full. */
struct pls_gpu *pls_drm_gpu(const struct pls_drm *d, const char *vendor, enum pls_pool_kind kind);

void pls_amd_gpu(const struct pls_drm *d);
void pls_intel_gpu(const struct pls_drm *d);

#endif
