/* GPUs of a Linux machine: each vendor's prober in turn, then whatever PCI device nobody could explain. */
#include <string.h>

#include "probe/parts.h"

struct pls_pci *pls_pci_claim(struct pls_topology *topo, const char *address)
{
    for (uint32_t i = 0; i < topo->n_pci; i++) {
        if (pls_text_equal_nocase(topo->pci[i].address, address)) {
            topo->pci[i].claimed = true;
            return &topo->pci[i];
        }
    }
    return NULL;
}

static const char *vendor_name(uint32_t vendor)
{
    /* Others are display adapters of servers and virtual machines: nothing to compute on. */
    return vendor == 0x10de ? "nvidia" : vendor == 0x1002 ? "amd" : vendor == 0x8086 ? "intel" : NULL;
}

/* A GPU without a driver that tells its memory: listed, so that the hardware table can be asked by PCI id. */
static void add_unexplained(const struct pls_pci *pci, const char *vendor, struct pls_machine *m)
{
    struct pls_gpu *gpu = pls_machine_gpu(m, vendor, PLS_POOL_VRAM);
    if (gpu == NULL) {
        return;
    }
    struct pls_text t = PLS_TEXT(gpu->pci_id);
    pls_text_add(&t, "%04x:%04x", (unsigned)pci->vendor, (unsigned)pci->device);
    PLS_COPY(gpu->pci_address, pci->address);
    PLS_COPY(gpu->name, pci->name);
    gpu->revision = pci->revision;
    gpu->link_gbs = pci->link_gbs;
    const char *why = pci->vendor == 0x10de ? "libnvidia-ml.so.1 of NVIDIA's driver is not there to ask"
                                            : "no driver that tells it is loaded";
    pls_machine_note(m, "gpu-memory-unknown", "%s (%s at %s): its memory is unknown, %s", gpu->id,
                     gpu->pci_id, gpu->pci_address, why);
}

void pls_linux_gpus(struct pls_root *root, const struct pls_values *values, struct pls_topology *topo,
                    struct pls_machine *m)
{
    pls_nvidia_gpus(root, values, topo, m);
    pls_drm_gpus(root, values, topo, m);
    for (uint32_t i = 0; i < topo->n_pci; i++) {
        const char *vendor = vendor_name(topo->pci[i].vendor);
        if (!topo->pci[i].claimed && vendor != NULL) {
            add_unexplained(&topo->pci[i], vendor, m);
        }
    }
}
