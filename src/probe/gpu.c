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

/* Integrated graphics whose driver is not loaded compute nothing. */
static bool is_idle_integrated(const struct pls_pci *pci)
{
    return pci->vendor == 0x8086 && pls_text_equal(pci->address, "0000:00:02.0");
}

/* A GPU without a driver that tells its memory: listed, so that the hardware table can be asked by PCI id. */
static void add_unexplained(struct pls_root *root, const struct pls_pci *pci, const char *vendor,
                            struct pls_machine *m)
{
    struct pls_gpu *gpu = pls_machine_gpu(m, vendor, PLS_POOL_VRAM);
    if (gpu == NULL) {
        return;
    }
    struct pls_text t = PLS_TEXT(gpu->pci_id);
    pls_text_add(&t, "%04x:%04x", (unsigned)pci->vendor, (unsigned)pci->device);
    PLS_COPY(gpu->pci_address, pci->address);
    PLS_COPY(gpu->name, pci->name);
    pls_gpu_name_by_ids(root, gpu);
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
        if (!topo->pci[i].claimed && vendor != NULL && !is_idle_integrated(&topo->pci[i])) {
            add_unexplained(root, &topo->pci[i], vendor, m);
        }
    }
}

bool pls_gpu_memory_missing(const struct pls_machine *m)
{
    for (uint32_t i = 0; i < m->n_gpus; i++) {
        if (m->pools[m->gpus[i].pool].capacity_bytes == 0) {
            return true;
        }
    }
    return false;
}

static void drop_note(struct pls_machine *m, const char *code, const char *gpu_id)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < m->n_notes; i++) {
        const struct pls_note *note = &m->notes[i];
        if (!pls_text_equal(note->code, code) || !pls_text_starts(note->text, gpu_id)) {
            m->notes[kept++] = *note;
        }
    }
    m->n_notes = kept;
}

/* OpenCL has no PCI address before its extensions: GPUs of one vendor are taken in order, each device once.
 */
void pls_gpu_fill_opencl(const struct pls_values *v, struct pls_machine *m)
{
    uint64_t count = 0;
    uint32_t taken = 0;
    pls_values_get_u64(v, "opencl.count", &count);
    for (uint32_t i = 0; i < m->n_gpus; i++) {
        struct pls_gpu *gpu = &m->gpus[i];
        struct pls_pool *pool = &m->pools[gpu->pool];
        for (uint32_t n = 0; n < count && n < 32 && pool->capacity_bytes == 0; n++) {
            uint64_t vendor = 0;
            const char *of = pls_values_get_n_u64(v, "opencl.#.vendor_id", n, &vendor)
                                 ? vendor_name((uint32_t)vendor)
                                 : NULL;
            if (of == NULL || !pls_text_equal(of, gpu->vendor) || (taken >> n & 1) != 0) {
                continue;
            }
            const char *name = pls_values_get_n(v, "opencl.#.name", n);
            taken |= 1u << n;
            pls_values_get_n_u64(v, "opencl.#.memory", n, &pool->capacity_bytes);
            if (name != NULL && gpu->name[0] == '\0') {
                PLS_COPY(gpu->name, name);
            }
            drop_note(m, "gpu-memory-unknown", gpu->id);
            pls_machine_note(m, "memory-by-opencl", "%s: its memory is what OpenCL reports", gpu->id);
        }
    }
}
