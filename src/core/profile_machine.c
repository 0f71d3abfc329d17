/* Machines put together from profiles. */
#include <stdlib.h>
#include <string.h>

#include "plimsoll/profile.h"
#include "plimsoll/text.h"

/* Share of RAM the GPU may take: "36:0.78;96:0.81" by size (nearest), "linux-gtt:0.5", "1.0"; 0 when not
 * said. */
static double gpu_share(const struct pls_profile *p, double ram_gib)
{
    double share = 0;
    double nearest = -1;
    char copy[sizeof(p->gpu_share)];
    char *rest = NULL;
    PLS_COPY(copy, p->gpu_share);
    for (char *word = strtok_r(copy, ";", &rest); word != NULL; word = strtok_r(NULL, ";", &rest)) {
        char *colon = strchr(word, ':');
        double size = 0;
        double value = 0;
        if (!pls_parse_double(colon == NULL ? word : colon + 1, &value)) {
            continue;
        }
        if (colon != NULL) {
            *colon = '\0';
        }
        bool has_size = colon != NULL && pls_parse_double(word, &size);
        double distance = has_size ? (size > ram_gib ? size - ram_gib : ram_gib - size) : 0;
        if (nearest < 0 || distance < nearest) {
            nearest = distance;
            share = value;
        }
    }
    return share;
}

static struct pls_gpu *add_gpu(const struct pls_profile *p, struct pls_machine *m)
{
    struct pls_gpu *gpu = &m->gpus[m->n_gpus];
    *gpu = (struct pls_gpu){ .backend = p->backend,
                             .pool = (int32_t)m->n_pools,
                             .cores = p->gpu_cores,
                             .fp16_tflops = p->fp16_tflops,
                             .fp32_tflops = p->fp32_tflops,
                             .link_gbs = p->link_gbs };
    struct pls_text id = PLS_TEXT(gpu->id);
    pls_text_add(&id, "gpu%u", m->n_gpus);
    PLS_COPY(gpu->name, p->name);
    PLS_COPY(gpu->vendor, p->vendor);
    PLS_COPY(gpu->profile, p->id);
    PLS_COPY(gpu->generation, p->generation);
    m->n_gpus++;
    return gpu;
}

static void add_pool(const struct pls_profile *p, const struct pls_gpu *gpu, uint64_t bytes,
                     struct pls_machine *m)
{
    struct pls_pool *pool = &m->pools[m->n_pools++];
    *pool = (struct pls_pool){ .gpu = (int32_t)m->n_gpus - 1,
                               .within = -1,
                               .capacity_bytes = bytes,
                               .bandwidth_gbs = p->bandwidth_gbs,
                               .origin = PLS_ORIGIN_TABLE };
    PLS_COPY(pool->id, gpu->id);
    if (p->kind == PLS_PROFILE_DISCRETE) {
        pool->kind = PLS_POOL_VRAM;
        return;
    }
    double ram_gib = (double)bytes / (double)PLS_GIB;
    double share = gpu_share(p, ram_gib);
    pool->kind = p->kind == PLS_PROFILE_UNIFIED ? PLS_POOL_UNIFIED : PLS_POOL_SHARED;
    pool->within = 0;
    if (share > 0 && share < 1) {
        uint64_t limit = (uint64_t)((double)bytes * share);
        bool is_apple = strcmp(p->vendor, "apple") == 0;
        char where[sizeof(pool->limits[0].path)];
        struct pls_text t = PLS_TEXT(where);
        /* Two regimes are known: macOS up to 15 gave 2/3 of up to 36 GB and 3/4 above; current ones more. */
        double old_gib = ram_gib * (ram_gib <= 36 ? 2.0 / 3 : 0.75);
        bool is_range = is_apple && old_gib < 0.99 * (double)limit / (double)PLS_GIB;
        pls_text_add(&t, "hardware table");
        if (is_range) {
            pls_text_add(&t, "; %.1f GiB up to macOS 15", old_gib);
        }
        pls_pool_limit(pool, is_apple ? "working-set" : "gtt", limit, where);
        if (strcmp(p->vendor, "amd") == 0) {
            pls_machine_advise_gtt(m, gpu->id, limit);
        }
    }
}

static void set_ram(const struct pls_profile *p, uint64_t bytes, struct pls_machine *m)
{
    struct pls_pool *ram = &m->pools[0];
    if (m->n_pools == 0) {
        m->n_pools = 1;
        *ram = (struct pls_pool){ .kind = PLS_POOL_RAM, .gpu = -1, .within = -1 };
        PLS_COPY(ram->id, "ram");
    }
    ram->capacity_bytes = ram->capacity_bytes > 0 ? ram->capacity_bytes : bytes;
    ram->bandwidth_gbs = p->bandwidth_gbs;
    ram->origin = PLS_ORIGIN_TABLE;
}

/* Processor side of a chip or platform. */
static void set_cpu(const struct pls_profile *p, struct pls_machine *m)
{
    struct pls_cpu *cpu = &m->cpu;
    PLS_COPY(cpu->name, p->name);
    cpu->cores = p->cpu_cores_fast + p->cpu_cores_slow;
    cpu->threads = cpu->cores;
    if (p->cpu_cores_fast > 0 && p->cpu_cores_slow > 0) {
        cpu->n_tiers = 2;
        PLS_COPY(cpu->tiers[0].name, "fast");
        PLS_COPY(cpu->tiers[1].name, "slow");
        cpu->tiers[0].cores = p->cpu_cores_fast;
        cpu->tiers[1].cores = p->cpu_cores_slow;
    }
    if (strcmp(p->vendor, "apple") == 0) {
        /* M1 has no i8mm; every later one does. */
        cpu->isa = PLS_ISA_NEON | PLS_ISA_DOTPROD | PLS_ISA_FP16
                   | (pls_text_starts(p->id, "apple-m1") ? 0 : PLS_ISA_I8MM);
        PLS_COPY(m->os, "macos");
        PLS_COPY(m->arch, "arm64");
    } else if (strcmp(p->vendor, "intel") == 0 || strcmp(p->vendor, "amd") == 0) {
        PLS_COPY(m->arch, "x86_64");
        cpu->isa = PLS_ISA_AVX | PLS_ISA_AVX2 | PLS_ISA_FMA | PLS_ISA_F16C;
    } else if (strcmp(p->vendor, "generic") != 0) {
        /* Cores with dot products reached boards and servers about 2020; the Raspberry Pi 4's have none. */
        PLS_COPY(m->arch, "arm64");
        cpu->isa = PLS_ISA_NEON | (p->year >= 2020 ? PLS_ISA_DOTPROD : 0);
    }
}

void pls_profile_add(const struct pls_profile *profile, uint32_t count, double memory_gib,
                     struct pls_machine *machine)
{
    double gib = memory_gib > 0 ? memory_gib : profile->n_memory > 0 ? profile->memory_gib[0] : 0;
    uint64_t bytes = pls_profile_bytes(profile, gib);
    if (profile->kind != PLS_PROFILE_DISCRETE) {
        set_ram(profile, bytes, machine);
        set_cpu(profile, machine);
        bytes = machine->pools[0].capacity_bytes;
    }
    bool has_gpu = profile->kind != PLS_PROFILE_CPU && profile->backend != PLS_BACKEND_CPU;
    for (uint32_t i = 0; has_gpu && i < count && machine->n_gpus < PLS_MAX_GPUS; i++) {
        struct pls_gpu *gpu = add_gpu(profile, machine);
        add_pool(profile, gpu, bytes, machine);
    }
}

static const struct pls_profile *by_id(struct pls_profiles profiles, const char *id)
{
    for (uint32_t i = 0; i < profiles.n && id[0] != '\0'; i++) {
        if (strcmp(profiles.items[i].id, id) == 0) {
            /* cppcheck-suppress returnDanglingLifetime ; the list is a copy, its items are not */
            return &profiles.items[i];
        }
    }
    return NULL;
}

static struct pls_device device_of(const struct pls_machine *m, const struct pls_gpu *gpu)
{
    struct pls_device device = { .name = gpu->name, .pci_revision = -1, .gpu_cores = gpu->cores };
    char *end = NULL;
    unsigned long vendor = strtoul(gpu->pci_id, &end, 16);
    if (vendor != 0 && *end == ':') {
        device.pci_vendor = (uint32_t)vendor;
        device.pci_device = (uint32_t)strtoul(end + 1, &end, 16);
        device.pci_revision = gpu->revision > 0 ? (int32_t)gpu->revision : -1;
    }
    device.memory_gib = gpu->pool >= 0 ? (double)m->pools[gpu->pool].capacity_bytes / (double)PLS_GIB : 0;
    return device;
}

/* Rows that cannot be told apart: the slowest, so that nothing is promised. */
static const struct pls_profile *slowest(const struct pls_match *match)
{
    const struct pls_profile *p = match->items[0];
    for (uint32_t i = 1; i < match->n; i++) {
        p = match->items[i]->bandwidth_gbs < p->bandwidth_gbs ? match->items[i] : p;
    }
    return p;
}

/* One PCI id for several chips of which the processor's name says which (Strix Halo: 395, 392 and 388). */
static void tell_by_cpu(struct pls_profiles profiles, const struct pls_machine *m, struct pls_match *match)
{
    struct pls_device cpu = { .name = m->cpu.name, .pci_revision = -1 };
    struct pls_match by_name = match->n > 1 ? pls_profile_match(profiles, &cpu) : (struct pls_match){ 0 };
    struct pls_match both = { 0 };
    for (uint32_t i = 0; i < match->n; i++) {
        for (uint32_t k = 0; k < by_name.n; k++) {
            if (match->items[i] == by_name.items[k]) {
                both.items[both.n++] = match->items[i];
            }
        }
    }
    if (both.n > 0) {
        *match = both;
    }
}

static const struct pls_profile *match_gpu(struct pls_profiles profiles, struct pls_machine *m,
                                           const struct pls_gpu *gpu)
{
    struct pls_device device = device_of(m, gpu);
    struct pls_match match = pls_profile_match(profiles, &device);
    tell_by_cpu(profiles, m, &match);
    const struct pls_profile *p = match.n > 0 ? slowest(&match) : NULL;
    if (match.n > 1) {
        pls_machine_note(m, "ambiguous-profile",
                         "%s could be %u rows of the hardware table; the slowest, %s, was taken", gpu->id,
                         match.n, p->id);
    }
    return p;
}

/* A record names the row it was made from; it does not hold all of it. */
static void complete_gpu(struct pls_profiles profiles, struct pls_machine *m, struct pls_gpu *gpu)
{
    struct pls_pool *pool = gpu->pool >= 0 ? &m->pools[gpu->pool] : NULL;
    const struct pls_profile *p = by_id(profiles, gpu->profile);
    p = p != NULL ? p : match_gpu(profiles, m, gpu);
    if (p == NULL) {
        return;
    }
    PLS_COPY(gpu->profile, p->id);
    PLS_COPY(gpu->generation, p->generation);
    gpu->cores = gpu->cores > 0 ? gpu->cores : p->gpu_cores;
    gpu->fp16_tflops = gpu->fp16_tflops > 0 ? gpu->fp16_tflops : p->fp16_tflops;
    gpu->fp32_tflops = gpu->fp32_tflops > 0 ? gpu->fp32_tflops : p->fp32_tflops;
    gpu->link_gbs = gpu->link_gbs > 0 ? gpu->link_gbs : p->link_gbs;
    if (pool != NULL && pool->bandwidth_gbs <= 0) {
        pool->bandwidth_gbs = p->bandwidth_gbs;
        pool->origin = PLS_ORIGIN_TABLE;
    }
}

/* A processor does not say how its sockets are filled: all channels, at the platform's rated speed, is an
 * assumption. */
static void complete_ram(const struct pls_profile *p, struct pls_machine *m)
{
    m->pools[0].bandwidth_gbs = p->bandwidth_gbs;
    m->pools[0].origin = PLS_ORIGIN_TABLE;
    if (p->kind == PLS_PROFILE_CPU && p->bandwidth_gbs > 0) {
        m->pools[0].origin = PLS_ORIGIN_ASSUMED;
        pls_machine_note(
            m, "assumed-bandwidth",
            "RAM at %.4g GB/s: what %s has with every channel filled; plimsoll bench measures it",
            p->bandwidth_gbs, p->name);
    }
}

/* Processor and GPU read the same memory: what one knows of its speed holds for the other. */
static void share_bandwidth(struct pls_machine *m, bool to_gpu)
{
    struct pls_pool *ram = &m->pools[0];
    for (uint32_t i = 1; i < m->n_pools; i++) {
        struct pls_pool *pool = &m->pools[i];
        bool is_part = pool->within == 0 && (pool->kind == PLS_POOL_UNIFIED || pool->kind == PLS_POOL_SHARED);
        struct pls_pool *to = to_gpu ? pool : ram;
        const struct pls_pool *from = to_gpu ? ram : pool;
        if (is_part && to->bandwidth_gbs <= 0 && from->bandwidth_gbs > 0) {
            to->bandwidth_gbs = from->bandwidth_gbs;
            to->origin = from->origin;
        }
    }
}

static void complete_cpu(struct pls_profiles profiles, struct pls_machine *m)
{
    struct pls_device cpu = { .name = m->cpu.name, .pci_revision = -1 };
    cpu.memory_gib = (double)m->pools[0].capacity_bytes / (double)PLS_GIB;
    struct pls_match match = pls_profile_match(profiles, &cpu);
    const struct pls_profile *p = match.n > 0 ? slowest(&match) : NULL;
    if (p != NULL && m->profile[0] == '\0') {
        PLS_COPY(m->profile, p->id);
    }
    if (p == NULL || m->pools[0].bandwidth_gbs > 0) {
        return;
    }
    if (match.n > 1) {
        pls_machine_note(m, "ambiguous-profile",
                         "the processor could be %u rows of the hardware table; the slowest, %s, was taken",
                         match.n, p->id);
    }
    complete_ram(p, m);
}

void pls_profile_complete(struct pls_profiles profiles, struct pls_machine *machine)
{
    if (machine->n_pools > 0) {
        share_bandwidth(machine, true);
    }
    for (uint32_t i = 0; i < machine->n_gpus; i++) {
        complete_gpu(profiles, machine, &machine->gpus[i]);
    }
    if (machine->n_pools > 0) {
        share_bandwidth(machine, false);
        complete_cpu(profiles, machine);
    }
}
