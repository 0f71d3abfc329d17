#include "plimsoll/machine.h"

#include <stdarg.h>
#include <string.h>

#include "plimsoll/text.h"

static const char *const backend_names[PLS_BACKEND_COUNT] = {
    [PLS_BACKEND_CPU] = "cpu",       [PLS_BACKEND_CUDA] = "cuda",   [PLS_BACKEND_ROCM] = "rocm",
    [PLS_BACKEND_VULKAN] = "vulkan", [PLS_BACKEND_METAL] = "metal", [PLS_BACKEND_SYCL] = "sycl",
    [PLS_BACKEND_MLX] = "mlx",
};

/* Names follow /proc/cpuinfo where it has one. */
static const struct {
    enum pls_isa bit;
    const char *name;
} isa_names[] = {
    { PLS_ISA_AVX, "avx" },
    { PLS_ISA_AVX2, "avx2" },
    { PLS_ISA_FMA, "fma" },
    { PLS_ISA_F16C, "f16c" },
    { PLS_ISA_AVX512, "avx512" },
    { PLS_ISA_AVX512_VNNI, "avx512_vnni" },
    { PLS_ISA_AVX512_BF16, "avx512_bf16" },
    { PLS_ISA_AVX_VNNI, "avx_vnni" },
    { PLS_ISA_AVX512_VBMI, "avx512_vbmi" },
    { PLS_ISA_AMX_INT8, "amx_int8" },
    { PLS_ISA_NEON, "neon" },
    { PLS_ISA_DOTPROD, "dotprod" },
    { PLS_ISA_I8MM, "i8mm" },
    { PLS_ISA_SVE, "sve" },
    { PLS_ISA_FP16, "fp16" },
    { PLS_ISA_BF16, "bf16" },
};

const char *pls_backend_name(enum pls_backend backend)
{
    return (size_t)backend < PLS_COUNT_OF(backend_names) ? backend_names[backend] : NULL;
}

bool pls_backend_by_name(const char *name, enum pls_backend *out)
{
    for (size_t i = PLS_BACKEND_CPU; i < PLS_COUNT_OF(backend_names); i++) {
        if (pls_text_equal_nocase(name, backend_names[i])) {
            *out = (enum pls_backend)i;
            return true;
        }
    }
    return false;
}

const char *pls_isa_name(enum pls_isa bit)
{
    for (size_t i = 0; i < PLS_COUNT_OF(isa_names); i++) {
        if (isa_names[i].bit == bit) {
            return isa_names[i].name;
        }
    }
    return NULL;
}

enum pls_isa pls_isa_by_name(const char *name)
{
    for (size_t i = 0; i < PLS_COUNT_OF(isa_names); i++) {
        if (pls_text_equal_nocase(name, isa_names[i].name)) {
            return isa_names[i].bit;
        }
    }
    return (enum pls_isa)0;
}

const char *pls_pool_kind_name(enum pls_pool_kind kind)
{
    static const char *const names[] = { "ram", "vram", "unified", "shared" };
    return (size_t)kind < PLS_COUNT_OF(names) ? names[kind] : NULL;
}

void pls_machine_note(struct pls_machine *m, const char *code, const char *fmt, ...)
{
    if (m->n_notes >= PLS_MAX_NOTES) {
        return;
    }
    struct pls_note *note = &m->notes[m->n_notes++];
    PLS_COPY(note->code, code);
    struct pls_text t = PLS_TEXT(note->text);
    va_list args;
    va_start(args, fmt);
    pls_text_vadd(&t, fmt, args);
    va_end(args);
}

struct pls_limit *pls_pool_limit(struct pls_pool *pool, const char *code, uint64_t bytes, const char *path)
{
    if (pool->n_limits >= PLS_MAX_LIMITS) {
        return NULL;
    }
    struct pls_limit *limit = &pool->limits[pool->n_limits++];
    *limit = (struct pls_limit){ .bytes = bytes };
    PLS_COPY(limit->code, code);
    PLS_COPY(limit->path, path);
    return limit;
}

struct pls_pool *pls_machine_pool(struct pls_machine *m, const char *id, enum pls_pool_kind kind)
{
    if (m->n_pools >= PLS_MAX_POOLS) {
        return NULL;
    }
    struct pls_pool *pool = &m->pools[m->n_pools++];
    *pool = (struct pls_pool){ .kind = kind, .gpu = -1, .within = -1 };
    PLS_COPY(pool->id, id);
    return pool;
}

struct pls_gpu *pls_machine_gpu(struct pls_machine *m, const char *vendor, enum pls_pool_kind kind)
{
    char id[12];
    struct pls_text t = PLS_TEXT(id);
    pls_text_add(&t, "gpu%u", (unsigned)m->n_gpus);
    struct pls_pool *pool = m->n_gpus < PLS_MAX_GPUS ? pls_machine_pool(m, id, kind) : NULL;
    if (pool == NULL) {
        return NULL;
    }
    pool->gpu = (int32_t)m->n_gpus;
    pool->within = kind == PLS_POOL_UNIFIED || kind == PLS_POOL_SHARED ? 0 : -1;
    struct pls_gpu *gpu = &m->gpus[m->n_gpus++];
    *gpu = (struct pls_gpu){ .pool = (int32_t)m->n_pools - 1 };
    PLS_COPY(gpu->id, id);
    PLS_COPY(gpu->vendor, vendor);
    return gpu;
}

bool pls_gpu_is_slice(const struct pls_gpu *gpu)
{
    return strstr(gpu->name, " MIG ") != NULL;
}

/* Enough is left for the system: an eighth of RAM, at least 4 GiB. Told only where it would help. */
void pls_machine_advise_gtt(struct pls_machine *m, const char *gpu, uint64_t gtt_bytes)
{
    uint64_t ram = m->pools[0].capacity_bytes;
    uint64_t ceiling_gib = pls_sub(ram, pls_max(4 * PLS_GIB, ram / 8)) / PLS_GIB;
    if (ceiling_gib * PLS_GIB <= gtt_bytes + gtt_bytes / 10) {
        return;
    }
    unsigned long long pages = (unsigned long long)ceiling_gib * 262144;
    pls_machine_note(
        m, "raise-gtt",
        "%s may map up to %llu GiB of RAM: boot with ttm.pages_limit=%llu ttm.page_pool_size=%llu "
        "(amdgpu.gttsize is deprecated)",
        gpu, (unsigned long long)ceiling_gib, pages, pages);
}

bool pls_cpu_is_rationed(const struct pls_cpu *cpu)
{
    return cpu->quota_cpus > 0 && (cpu->threads == 0 || cpu->quota_cpus < cpu->threads);
}

uint32_t pls_cpu_threads(const struct pls_cpu *cpu)
{
    return !pls_cpu_is_rationed(cpu) ? cpu->threads : cpu->quota_cpus < 1 ? 1 : (uint32_t)cpu->quota_cpus;
}
