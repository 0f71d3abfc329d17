#include "probe/drm.h"

#include <stdlib.h>
#include <string.h>

static void device_path(const struct pls_drm *d, const char *file, struct pls_text *t)
{
    pls_text_add(t, "/sys/class/drm/%s/device/%s", d->card, file);
}

bool pls_drm_u64(const struct pls_drm *d, const char *file, uint64_t *out)
{
    char room[160];
    struct pls_text path = PLS_TEXT(room);
    device_path(d, file, &path);
    return pls_root_read_u64(d->root, room, out);
}

bool pls_drm_line(const struct pls_drm *d, const char *file, char *out, size_t cap)
{
    char room[160];
    struct pls_text path = PLS_TEXT(room);
    device_path(d, file, &path);
    return pls_scan_line(d->root, room, out, cap);
}

bool pls_drm_value(const struct pls_drm *d, const char *name, uint64_t *out)
{
    char room[PLS_VALUE_NAME];
    struct pls_text t = PLS_TEXT(room);
    pls_text_add(&t, "drm.%s.%s", d->card, name);
    return pls_values_get_u64(d->values, room, out);
}

struct pls_gpu *pls_drm_gpu(const struct pls_drm *d, const char *vendor, enum pls_pool_kind kind)
{
    struct pls_gpu *gpu = pls_machine_gpu(d->machine, vendor, kind);
    struct pls_pci *pci = pls_pci_claim(d->topo, d->address);
    if (gpu == NULL) {
        return NULL;
    }
    struct pls_text t = PLS_TEXT(gpu->pci_id);
    pls_text_add(&t, "%04x:%04x", (unsigned)d->vendor, (unsigned)d->device);
    PLS_COPY(gpu->pci_address, d->address);
    PLS_COPY(gpu->driver, d->driver);
    gpu->revision = d->revision;
    gpu->has_display = d->has_screen && d->machine->has_desktop;
    if (!pls_drm_line(d, "product_name", gpu->name, sizeof(gpu->name)) && pci != NULL) {
        PLS_COPY(gpu->name, pci->name);
    }
    pls_gpu_name_by_ids(d->root, gpu);
    gpu->link_gbs = kind == PLS_POOL_VRAM ? pls_pcie_gbs(d->link_generation, d->link_width) : 0;
    if (kind != PLS_POOL_VRAM) {
        struct pls_pool *pool = &d->machine->pools[gpu->pool];
        pool->capacity_bytes = d->machine->pools[0].capacity_bytes;
        pool->free_bytes = d->machine->pools[0].free_bytes;
    }
    return gpu;
}

/* "16.0 GT/s PCIe" -> 4. */
static uint64_t generation_of(const char *speed)
{
    static const char *const speeds[] = { "2.5", "5.0", "8.0", "16.0", "32.0", "64.0" };
    for (size_t i = 0; i < PLS_COUNT_OF(speeds); i++) {
        if (pls_text_starts(speed, speeds[i])) {
            return i + 1;
        }
    }
    return 0;
}

struct connectors {
    const struct pls_drm *card;
    bool connected;
};

static bool visit_connector(const char *name, void *context)
{
    struct connectors *c = context;
    size_t len = strlen(c->card->card);
    char room[96];
    char status[32];
    struct pls_text path = PLS_TEXT(room);
    pls_text_add(&path, "/sys/class/drm/%s/status", name);
    if (strncmp(name, c->card->card, len) == 0 && name[len] == '-'
        && pls_scan_line(c->card->root, room, status, sizeof(status))) {
        c->connected = c->connected || pls_text_equal(status, "connected");
    }
    return true;
}

/* uevent of the device holds driver, ids and address; false for what is not a PCI GPU with a driver. */
static bool identify(struct pls_drm *d)
{
    char room[96];
    char uevent[1024];
    char field[32];
    struct pls_text path = PLS_TEXT(room);
    device_path(d, "uevent", &path);
    if (pls_root_read(d->root, room, uevent, sizeof(uevent), NULL, NULL) != PLS_OK
        || !pls_scan_field(uevent, "DRIVER", d->driver, sizeof(d->driver))
        || !pls_scan_field(uevent, "PCI_SLOT_NAME", d->address, sizeof(d->address))
        || !pls_scan_field(uevent, "PCI_ID", field, sizeof(field))) {
        return false;
    }
    char *device = NULL;
    d->vendor = (uint32_t)strtoul(field, &device, 16);
    d->device = *device == ':' ? (uint32_t)strtoul(device + 1, NULL, 16) : 0;
    if (pls_drm_line(d, "revision", field, sizeof(field))) {
        d->revision = (uint32_t)strtoul(field, NULL, 16);
    }
    /* The link trains down when idle, so what both ends could do counts. */
    if (pls_drm_line(d, "max_link_speed", field, sizeof(field))
        || pls_drm_line(d, "current_link_speed", field, sizeof(field))) {
        d->link_generation = generation_of(field);
    }
    if (!pls_drm_u64(d, "max_link_width", &d->link_width)) {
        pls_drm_u64(d, "current_link_width", &d->link_width);
    }
    return true;
}

static bool visit_card(const char *name, void *context)
{
    struct pls_drm *d = context;
    uint64_t number = 0;
    if (!pls_text_starts(name, "card") || !pls_parse_u64(name + 4, &number)) {
        return true;
    }
    struct pls_drm card = { .root = d->root, .values = d->values, .topo = d->topo, .machine = d->machine };
    PLS_COPY(card.card, name);
    if (!identify(&card)) {
        return true;
    }
    struct connectors c = { &card, false };
    pls_root_list(d->root, "/sys/class/drm", visit_connector, &c, NULL);
    card.has_screen = c.connected;
    if (pls_text_equal(card.driver, "amdgpu")) {
        pls_amd_gpu(&card);
    } else if (pls_text_equal(card.driver, "i915") || pls_text_equal(card.driver, "xe")) {
        pls_intel_gpu(&card);
    }
    return true;
}

void pls_drm_gpus(struct pls_root *root, const struct pls_values *values, struct pls_topology *topo,
                  struct pls_machine *m)
{
    struct pls_drm d = { .root = root, .values = values, .topo = topo, .machine = m };
    pls_root_list(root, "/sys/class/drm", visit_card, &d, NULL);
}
