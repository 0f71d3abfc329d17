/* AMD GPUs from amdgpu's sysfs files, KFD's topology where the compute driver is loaded, and the DRM ioctl's
 * values.
 *
 * A discrete GPU has VRAM of its own. An APU has a carve-out that firmware takes from RAM (VRAM as well, and
 * no longer in MemTotal) and may map part of RAM (GTT, half of RAM by default). The larger of the two is what
 * a model gets: engines use one heap or the other, and which one differs between ROCm and Vulkan.
 */
#include <string.h>

#include "probe/drm.h"

/* What KFD's node of this card says; 0 unknown. */
struct kfd {
    uint64_t simds, gfx; /* gfx: 110501 for gfx11.5.1 */
    uint64_t bus_bits, memory_mhz;
};

struct kfd_search {
    const struct pls_drm *card;
    uint64_t location; /* bus << 8 | device << 3 | function */
    uint64_t domain;
    struct kfd found;
};

static uint64_t field_u64(const char *text, const char *key)
{
    char field[32];
    uint64_t value = 0;
    if (pls_scan_field(text, key, field, sizeof(field))) {
        pls_parse_u64(field, &value);
    }
    return value;
}

static bool visit_kfd_node(const char *name, void *context)
{
    struct kfd_search *s = context;
    char room[128];
    char text[4096];
    struct pls_text path = PLS_TEXT(room);
    pls_text_add(&path, "/sys/class/kfd/kfd/topology/nodes/%s/properties", name);
    if (pls_root_read(s->card->root, room, text, sizeof(text), NULL, NULL) != PLS_OK
        || field_u64(text, "simd_count") == 0 || field_u64(text, "location_id") != s->location
        || field_u64(text, "domain") != s->domain) {
        return true;
    }
    s->found.simds = field_u64(text, "simd_count");
    s->found.gfx = field_u64(text, "gfx_target_version");
    path = PLS_TEXT(room);
    pls_text_add(&path, "/sys/class/kfd/kfd/topology/nodes/%s/mem_banks/0/properties", name);
    if (pls_root_read(s->card->root, room, text, sizeof(text), NULL, NULL) == PLS_OK) {
        s->found.bus_bits = field_u64(text, "width");
        s->found.memory_mhz = field_u64(text, "mem_clk_max");
    }
    return false;
}

static uint64_t hex(const char *text, size_t len)
{
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        value = value * 16 + (uint64_t)(c >= 'a' ? c - 'a' + 10 : c >= 'A' ? c - 'A' + 10 : c - '0');
    }
    return value;
}

static struct kfd read_kfd(const struct pls_drm *d)
{
    struct kfd_search s = { .card = d };
    if (strlen(d->address) == 12) { /* dddd:bb:dd.f */
        s.domain = hex(d->address, 4);
        s.location = hex(d->address + 5, 2) << 8 | hex(d->address + 8, 2) << 3 | hex(d->address + 11, 1);
        pls_root_list(d->root, "/sys/class/kfd/kfd/topology/nodes", visit_kfd_node, &s, NULL);
    }
    uint64_t value = 0;
    if (s.found.bus_bits == 0 && pls_drm_value(d, "bus_bits", &value)) {
        s.found.bus_bits = value;
    }
    if (s.found.memory_mhz == 0 && pls_drm_value(d, "memory_khz", &value)) {
        s.found.memory_mhz = value / 1000;
    }
    return s.found;
}

static bool is_apu(const struct pls_drm *d, const struct kfd *kfd)
{
    static const uint64_t gfx[] = { 90002,  90009,  90012,  100103, 100303, 100305, 100306,
                                    100307, 110003, 110500, 110501, 110502, 110503 };
    static const uint32_t ids[] = { 0x15dd, 0x15d8, 0x1636, 0x1638, 0x164c, 0x164d, 0x164e,
                                    0x1681, 0x1506, 0x163f, 0x1435, 0x13c0, 0x13fe, 0x15bf,
                                    0x15c8, 0x1900, 0x1901, 0x150e, 0x1586, 0x1114, 0x15e7 };
    uint64_t flag = 0;
    if (pls_drm_value(d, "is_apu", &flag)) {
        return flag != 0;
    }
    for (size_t i = 0; i < PLS_COUNT_OF(gfx); i++) {
        if (kfd->gfx == gfx[i]) {
            return true;
        }
    }
    for (size_t i = 0; i < PLS_COUNT_OF(ids); i++) {
        if (d->device == ids[i]) {
            return true;
        }
    }
    return false;
}

/* Transfers per memory clock: HBM2 2, HBM3 of gfx942 4, GDDR6 16, GDDR5 and (LP)DDR5 4, LPDDR5X of Strix Halo
 * 8, whose driver states a quarter rate (1000 MHz for 8000 MT/s). */
static unsigned transfers_per_clock(uint64_t gfx, bool apu)
{
    if (apu) {
        return gfx == 110501 ? 8 : 4;
    }
    if (gfx >= 90400) {
        return gfx >= 100100 ? 16 : 4;
    }
    return gfx >= 90000 ? 2 : 4;
}

/* The same by the driver's memory type, where KFD is not there to say which design it is (amdgpu_drm.h). */
static unsigned transfers_by_type(const struct pls_drm *d)
{
    static const unsigned char transfers[] = { 0, 2, 2, 2, 2, 4, 2, 2, 2, 16, 4, 2, 4, 4 };
    uint64_t type = 0;
    if (!pls_drm_value(d, "memory_type", &type) || type >= PLS_COUNT_OF(transfers)) {
        return 0;
    }
    return d->device == 0x1586 ? 8 : transfers[type];
}

static void read_bandwidth(const struct pls_drm *d, const struct kfd *kfd, bool apu, struct pls_pool *pool)
{
    unsigned per_clock = kfd->gfx > 0 ? transfers_per_clock(kfd->gfx, apu) : transfers_by_type(d);
    if (per_clock > 0 && kfd->bus_bits > 0 && kfd->memory_mhz > 0) {
        double transfers = (double)kfd->memory_mhz * per_clock; /* per microsecond and pin */
        pool->bandwidth_gbs = transfers * (double)kfd->bus_bits / 8 / 1000;
        pool->origin = PLS_ORIGIN_TABLE;
    }
}

/* The kernel's own cap on GTT, in pages of 4 KiB; the DKMS driver brings a ttm of its own. */
static void read_ttm(const struct pls_drm *d, struct pls_pool *pool)
{
    static const char *const files[] = { "/sys/module/ttm/parameters/pages_limit",
                                         "/sys/module/amdttm/parameters/pages_limit" };
    uint64_t pages = 0;
    for (size_t i = 0; i < PLS_COUNT_OF(files); i++) {
        if (pls_root_read_u64(d->root, files[i], &pages) && pages > 0) {
            pls_pool_limit(pool, "ttm", pls_mul(pages, 4096), files[i]);
        }
    }
}

/* The lower of the driver's limit and the kernel's: to raise the other helps nobody. */
static uint64_t least_limit(const struct pls_pool *pool)
{
    uint64_t least = PLS_SATURATED;
    for (uint32_t i = 0; i < pool->n_limits; i++) {
        least = pls_min(least, pool->limits[i].bytes);
    }
    return least;
}

static struct pls_gpu *add_apu(const struct pls_drm *d, uint64_t vram_bytes, uint64_t gtt_bytes)
{
    char carved[32];
    struct pls_text t = PLS_TEXT(carved);
    pls_text_bytes(&t, vram_bytes);
    if (vram_bytes > gtt_bytes) {
        struct pls_gpu *gpu = pls_drm_gpu(d, "amd", PLS_POOL_VRAM);
        if (gpu != NULL) {
            d->machine->pools[gpu->pool].capacity_bytes = vram_bytes;
            gpu->link_gbs = 0;
            pls_machine_note(d->machine, "carve-out",
                             "%s: firmware sets %s aside for the GPU; that part is not in RAM", gpu->id,
                             carved);
        }
        return gpu;
    }
    struct pls_gpu *gpu = pls_drm_gpu(d, "amd", PLS_POOL_SHARED);
    if (gpu != NULL) {
        struct pls_pool *pool = &d->machine->pools[gpu->pool];
        char path[128];
        struct pls_text where = PLS_TEXT(path);
        pls_text_add(&where, "/sys/class/drm/%s/device/mem_info_gtt_total", d->card);
        pls_pool_limit(pool, "gtt", gtt_bytes, path);
        read_ttm(d, pool);
        pls_machine_advise_gtt(d->machine, gpu->id, least_limit(pool));
    }
    return gpu;
}

static struct pls_gpu *add_discrete(const struct pls_drm *d, uint64_t vram_bytes)
{
    uint64_t used = 0;
    uint64_t visible = 0;
    struct pls_gpu *gpu = pls_drm_gpu(d, "amd", PLS_POOL_VRAM);
    if (gpu == NULL) {
        return NULL;
    }
    struct pls_pool *pool = &d->machine->pools[gpu->pool];
    pool->capacity_bytes = vram_bytes;
    if (vram_bytes == 0) {
        pls_machine_note(d->machine, "gpu-memory-unknown", "%s (%s): amdgpu does not tell its memory",
                         gpu->id, gpu->pci_id);
    }
    if (pls_drm_u64(d, "mem_info_vram_used", &used)) {
        pool->free_bytes = pls_sub(vram_bytes, used);
    }
    if (pls_drm_u64(d, "mem_info_vis_vram_total", &visible) && visible < vram_bytes / 2) {
        pls_machine_note(d->machine, "no-rebar",
                         "%s: the processor sees only part of its memory (resizable BAR is off); "
                         "loading models takes longer",
                         gpu->id);
    }
    return gpu;
}

/* An MI300A is one package with HBM that processors and GPU share: RAM is the GPU's memory. */
static const uint32_t mi300a = 0x74a0;

void pls_amd_gpu(const struct pls_drm *d)
{
    uint64_t vram = 0;
    uint64_t gtt = 0;
    struct kfd kfd = read_kfd(d);
    bool apu = is_apu(d, &kfd);
    pls_drm_u64(d, "mem_info_vram_total", &vram);
    pls_drm_u64(d, "mem_info_gtt_total", &gtt);
    struct pls_gpu *gpu = d->device == mi300a ? pls_drm_gpu(d, "amd", PLS_POOL_UNIFIED)
                          : apu               ? add_apu(d, vram, gtt)
                                              : add_discrete(d, vram);
    if (gpu == NULL) {
        return;
    }
    read_bandwidth(d, &kfd, apu, &d->machine->pools[gpu->pool]);
    gpu->backend = kfd.gfx > 0 && !apu ? PLS_BACKEND_ROCM : PLS_BACKEND_VULKAN;
    /* KFD counts SIMDs: four to a compute unit up to GCN and CDNA, two from RDNA on. */
    uint64_t units = kfd.simds / (kfd.gfx >= 100100 ? 2 : 4);
    pls_drm_value(d, "compute_units", &units);
    gpu->cores = (uint32_t)units;
    if (gpu->name[0] == '\0') {
        PLS_COPY(gpu->name, apu ? "AMD Radeon Graphics" : "AMD Radeon");
    }
}
