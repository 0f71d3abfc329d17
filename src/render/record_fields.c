#include "render/record.h"

#include <stddef.h>

#define FIELD(type, member, key, kind)                                                                       \
    {                                                                                                        \
        key, PLS_FIELD_##kind, offsetof(struct type, member), sizeof(((struct type *)0)->member)             \
    }

static const struct pls_field machine_head[] = {
    FIELD(pls_machine, name, "name", TEXT),
    FIELD(pls_machine, profile, "profile", TEXT),
    FIELD(pls_machine, os, "os", TEXT),
    FIELD(pls_machine, arch, "arch", TEXT),
};
static const struct pls_field machine_tail[] = {
    FIELD(pls_machine, os_version, "os_version", TEXT),
    FIELD(pls_machine, is_container, "container", FLAG),
    FIELD(pls_machine, is_vm, "vm", FLAG),
    FIELD(pls_machine, is_wsl, "wsl", FLAG),
    FIELD(pls_machine, has_desktop, "desktop", FLAG),
    FIELD(pls_machine, swap_bytes, "swap_bytes", U64),
    FIELD(pls_machine, swap_free_bytes, "swap_free_bytes", U64),
};
static const struct pls_field cpu_head[] = {
    FIELD(pls_cpu, name, "name", TEXT),
    FIELD(pls_cpu, cores, "cores", U32),
    FIELD(pls_cpu, threads, "threads", U32),
};
static const struct pls_field cpu_tail[] = {
    FIELD(pls_cpu, quota_cpus, "quota_cpus", NUMBER),
    FIELD(pls_cpu, l1d_bytes, "l1d_bytes", U64),
    FIELD(pls_cpu, l2_bytes, "l2_bytes", U64),
    FIELD(pls_cpu, l3_bytes, "l3_bytes", U64),
    FIELD(pls_cpu, n_packages, "packages", U32),
    FIELD(pls_cpu, n_numa, "numa_nodes", U32),
};
static const struct pls_field tier[] = {
    FIELD(pls_tier, name, "name", TEXT),
    FIELD(pls_tier, cores, "cores", U32),
};
static const struct pls_field gpu_head[] = {
    FIELD(pls_gpu, id, "id", TEXT),
    FIELD(pls_gpu, name, "name", TEXT),
    FIELD(pls_gpu, vendor, "vendor", TEXT),
    FIELD(pls_gpu, pci_id, "pci_id", TEXT),
};
static const struct pls_field gpu_tail[] = {
    FIELD(pls_gpu, cores, "cores", U32),
    FIELD(pls_gpu, fp16_tflops, "fp16_tflops", NUMBER),
    FIELD(pls_gpu, fp32_tflops, "fp32_tflops", NUMBER),
    FIELD(pls_gpu, link_gbs, "link_gbs", NUMBER),
    FIELD(pls_gpu, driver, "driver", TEXT),
    FIELD(pls_gpu, profile, "profile", TEXT),
    FIELD(pls_gpu, pci_address, "pci_address", TEXT),
    FIELD(pls_gpu, compute_capability, "compute_capability", U32),
    FIELD(pls_gpu, revision, "pci_revision", U32),
    FIELD(pls_gpu, has_display, "display", FLAG),
};
static const struct pls_field pool[] = {
    FIELD(pls_pool, capacity_bytes, "capacity_bytes", U64),
    FIELD(pls_pool, free_bytes, "free_bytes", U64),
    FIELD(pls_pool, reserved_bytes, "reserved_bytes", COUNT),
    FIELD(pls_pool, budget_bytes, "budget_bytes", COUNT),
    FIELD(pls_pool, bandwidth_gbs, "bandwidth_gbs", NUMBER),
};
static const struct pls_field limit[] = {
    FIELD(pls_limit, code, "code", TEXT),
    FIELD(pls_limit, bytes, "bytes", COUNT),
    FIELD(pls_limit, path, "path", TEXT),
    FIELD(pls_limit, used_bytes, "used_bytes", U64),
    FIELD(pls_limit, is_physical, "physical", FLAG),
};
static const struct pls_field note[] = {
    FIELD(pls_note, code, "code", TEXT),
    FIELD(pls_note, text, "text", TEXT),
};

struct pls_fields pls_record_fields(enum pls_record_part part)
{
    static const struct pls_fields parts[] = {
        [PLS_PART_MACHINE] = { machine_head, PLS_COUNT_OF(machine_head) },
        [PLS_PART_MACHINE_TAIL] = { machine_tail, PLS_COUNT_OF(machine_tail) },
        [PLS_PART_CPU] = { cpu_head, PLS_COUNT_OF(cpu_head) },
        [PLS_PART_CPU_TAIL] = { cpu_tail, PLS_COUNT_OF(cpu_tail) },
        [PLS_PART_TIER] = { tier, PLS_COUNT_OF(tier) },
        [PLS_PART_GPU] = { gpu_head, PLS_COUNT_OF(gpu_head) },
        [PLS_PART_GPU_TAIL] = { gpu_tail, PLS_COUNT_OF(gpu_tail) },
        [PLS_PART_POOL] = { pool, PLS_COUNT_OF(pool) },
        [PLS_PART_LIMIT] = { limit, PLS_COUNT_OF(limit) },
        [PLS_PART_NOTE] = { note, PLS_COUNT_OF(note) },
    };
    return parts[part];
}
