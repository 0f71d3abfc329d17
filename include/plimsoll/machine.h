/* plimsoll/machine.h - a machine as the rest of the program sees it: pools of memory, processors, limits.
 *
 * It is what `probe --json` prints and `--on FILE` reads; a hardware profile and a recorded machine become
 * the same struct. Fields that could not be found are 0 or empty with origin UNKNOWN. A pool `within` another
 * draws on it: bytes placed in the GPU pool of a unified machine also count against RAM.
 */
#ifndef PLIMSOLL_MACHINE_H
#define PLIMSOLL_MACHINE_H

#include "plimsoll/base.h"

#define PLS_MAX_GPUS 16
#define PLS_MAX_POOLS (PLS_MAX_GPUS + 4)
#define PLS_MAX_TIERS 4
#define PLS_MAX_LIMITS 8
#define PLS_MAX_NOTES 24

enum pls_backend {
    PLS_BACKEND_NONE = 0,
    PLS_BACKEND_CPU,
    PLS_BACKEND_CUDA,
    PLS_BACKEND_ROCM,
    PLS_BACKEND_VULKAN,
    PLS_BACKEND_METAL,
    PLS_BACKEND_SYCL,
    PLS_BACKEND_MLX,
    PLS_BACKEND_COUNT,
};
const char *pls_backend_name(enum pls_backend backend); /* "cpu", "cuda", ... ; NULL for NONE */
bool pls_backend_by_name(const char *name, enum pls_backend *out);

/* Instruction sets that kernels and the engine's repacking depend on. */
enum pls_isa {
    PLS_ISA_AVX = 1u << 0,
    PLS_ISA_AVX2 = 1u << 1,
    PLS_ISA_FMA = 1u << 2,
    PLS_ISA_F16C = 1u << 3,
    PLS_ISA_AVX512 = 1u << 4, /* F, BW, DQ, VL and CD together */
    PLS_ISA_AVX512_VNNI = 1u << 5,
    PLS_ISA_AVX512_BF16 = 1u << 6,
    PLS_ISA_AVX_VNNI = 1u << 7,
    PLS_ISA_AVX512_VBMI = 1u << 8,
    PLS_ISA_AMX_INT8 = 1u << 9,
    PLS_ISA_NEON = 1u << 16,
    PLS_ISA_DOTPROD = 1u << 17,
    PLS_ISA_I8MM = 1u << 18,
    PLS_ISA_SVE = 1u << 19,
    PLS_ISA_FP16 = 1u << 20,
    PLS_ISA_BF16 = 1u << 21,
};
const char *pls_isa_name(enum pls_isa bit);                /* "avx512_vnni"; NULL for no single bit */
enum pls_isa pls_isa_by_name(const char *name);            /* 0 when unknown */

struct pls_tier {
    char name[24]; /* "Performance", "Efficiency"; empty when all cores are alike */
    uint32_t cores;
};

struct pls_cpu {
    char name[80];
    uint32_t cores;   /* physical cores the process may use */
    uint32_t threads; /* hardware threads the process may use (cpuset, affinity) */
    /* CPU time allowed by a cgroup in cores; 0 unlimited (less than one core is possible: 0.5) */
    double quota_cpus;
    uint32_t n_tiers;
    struct pls_tier tiers[PLS_MAX_TIERS];
    uint32_t isa;     /* enum pls_isa bits; 0 unknown */
    uint64_t l1d_bytes, l2_bytes, l3_bytes; /* per core, per core or cluster, whole package */
    uint32_t n_packages, n_numa;
};

struct pls_gpu {
    char id[12];      /* "gpu0" */
    char name[80];
    char vendor[16];  /* "nvidia", "amd", "intel", "apple" */
    char pci_id[16];  /* "10de:2684"; empty unknown */
    char pci_address[16];
    char profile[64]; /* id in the hardware table; empty when unmatched */
    char driver[32];
    enum pls_backend backend;
    int32_t pool;     /* index into pls_machine.pools; -1 none */
    uint32_t revision; /* PCI revision: separates boards of one AMD device id; 0 unknown */
    bool has_display; /* a screen hangs on it and a desktop runs: part of its memory is not ours */
    uint32_t cores;   /* Apple GPU cores, SM, CU, Xe cores; 0 unknown */
    double fp16_tflops, fp32_tflops; /* dense; 0 unknown */
    double link_gbs;  /* host to device; 0 unknown or on-die */
    char generation[12]; /* "ada", "rdna3", "m4": which speed constants hold; empty unknown */
    uint32_t compute_capability; /* NVIDIA: major * 10 + minor; 0 unknown */
};

/* A cap on a pool that somebody set. Codes: "cgroup-v1", "cgroup-v2", "cpuset-mems", "hugepages",
 * "rlimit-as", "rlimit-data" on RAM; "working-set", "wired-limit", "gtt" on a GPU's pool. */
struct pls_limit {
    char code[24];
    uint64_t bytes;
    /* already taken under this limit, reclaimable pages left out; 0 unknown or nothing */
    uint64_t used_bytes;
    /* the memory beyond is not there at all (huge pages, forbidden nodes): the system's headroom comes out of
     * what is left; else the cap is on us and the headroom lies outside it */
    bool is_physical;
    char path[128];      /* where it was read: a file, a sysctl, a library call */
};

/* RAM; a GPU's own memory (a firmware carve-out counts as such: it is not in RAM any more); a GPU that
 * addresses all of RAM (Apple, GB10, Jetson); a GPU that may map part of RAM through its driver (GTT of an
 * APU, Intel graphics). */
enum pls_pool_kind { PLS_POOL_RAM = 0, PLS_POOL_VRAM, PLS_POOL_UNIFIED, PLS_POOL_SHARED };
const char *pls_pool_kind_name(enum pls_pool_kind kind); /* "ram", "vram", "unified", "shared" */

struct pls_pool {
    char id[12];            /* "ram", "gpu0" */
    enum pls_pool_kind kind;
    int32_t gpu;            /* index into gpus; -1 for RAM */
    int32_t within;         /* index of the pool this one draws on; -1 none */
    uint64_t capacity_bytes; /* what is fitted */
    uint64_t free_bytes;     /* what is free now, page cache counted as free; 0 unknown */
    uint64_t reserved_bytes; /* headroom of the system, desktop share, --reserve: budget policy */
    uint64_t budget_bytes;   /* what may be filled: capacity or free, less reserved, capped by limits */
    double bandwidth_gbs;    /* read, 1e9 bytes per second; 0 unknown */
    enum pls_origin origin;  /* of the bandwidth */
    uint32_t n_limits;
    struct pls_limit limits[PLS_MAX_LIMITS];
};

/* Something a reader should know: codes are stable, words belong to whoever found it out. */
struct pls_note {
    char code[32]; /* "numa-under-reports", "wired-limit" */
    char text[240];
};

struct pls_machine {
    char name[96];
    char profile[64]; /* id in the hardware table, when the machine is one */
    char os[16];      /* "linux", "macos", "freebsd", "windows"; empty unknown */
    char arch[16];    /* "x86_64", "arm64" */
    char os_version[64];
    bool is_container, is_vm, is_wsl, has_desktop;
    /* never part of a budget: a model read through swap is not "carried" */
    uint64_t swap_bytes, swap_free_bytes;
    struct pls_cpu cpu;
    uint32_t n_gpus;
    struct pls_gpu gpus[PLS_MAX_GPUS];
    uint32_t n_pools; /* pools[0] is RAM */
    struct pls_pool pools[PLS_MAX_POOLS];
    uint32_t n_notes;
    struct pls_note notes[PLS_MAX_NOTES];
};

/* Appends, silently dropping what exceeds the array; the returned pointer is then NULL. Text may come from
 * files: it is escaped where it is printed. */
void pls_machine_note(struct pls_machine *m, const char *code, const char *fmt, ...) PLS_PRINTF(3, 4);
struct pls_limit *pls_pool_limit(struct pls_pool *pool, const char *code, uint64_t bytes, const char *path);
/* A pool with neither GPU nor parent. RAM must be added first. */
struct pls_pool *pls_machine_pool(struct pls_machine *m, const char *id, enum pls_pool_kind kind);
/* A GPU named gpuN with a pool of the same name; UNIFIED and SHARED pools draw on RAM. */
struct pls_gpu *pls_machine_gpu(struct pls_machine *m, const char *vendor, enum pls_pool_kind kind);

/* A MIG slice, by its name: NVML calls them "NVIDIA A100-SXM4-40GB MIG 3g.20gb". */
bool pls_gpu_is_slice(const struct pls_gpu *gpu);

/* Working set that macOS grants a GPU by default, as a range: the rules of older and newer releases differ,
 * and only the machine itself can tell. Bytes; low is the one to count on. */
void pls_apple_working_set(uint64_t ram_bytes, uint64_t *low_bytes, uint64_t *high_bytes);
/* Largest iogpu.wired_limit_mb worth recommending, in bytes (whole MiB): 8 GiB stay with the system up to 64
 * GiB, a tenth above. Machines have panicked with more. */
uint64_t pls_apple_wired_ceiling(uint64_t ram_bytes);

/* Notes how far the GTT of an AMD APU can be raised and by which words on the kernel's command line
 * ("raise-gtt"), unless that is hardly more than the gtt_bytes it has. */
void pls_machine_advise_gtt(struct pls_machine *m, const char *gpu, uint64_t gtt_bytes);

/* Whether a control group grants less processor time than there are threads. */
bool pls_cpu_is_rationed(const struct pls_cpu *cpu);
/* Threads that can run at once all the time; 0 unknown. The quota is rounded down: one thread more would be
 * stopped for part of every period, and all others wait for it at the end of each operation. Never less than
 * one, which a quota below one CPU stops too. */
uint32_t pls_cpu_threads(const struct pls_cpu *cpu);

/* Memory a system keeps for itself: share of the capacity, but at least min_bytes and at most max_bytes. */
struct pls_headroom {
    uint64_t min_bytes;
    double share;
    uint64_t max_bytes;
};

/* What runs beside the model: decides the headroom. WSL and containers count as servers: their host's system
 * lives outside the memory they see. */
enum pls_host { PLS_HOST_SERVER = 0, PLS_HOST_DESKTOP, PLS_HOST_MACOS, PLS_HOST_WINDOWS, PLS_HOST_COUNT };
enum pls_host pls_machine_host(const struct pls_machine *m);

/* How much of a machine may be filled. Every field is an option or has a default that core/budget.c explains;
 * plimsoll(7), BUDGETS has them in one table. */
struct pls_budget_policy {
    uint64_t reserve_bytes;     /* --reserve: for other services, on RAM */
    bool from_free;             /* --free: start from what is free now instead of what is fitted */
    struct pls_headroom os[PLS_HOST_COUNT];
    uint64_t free_margin_bytes; /* kept of what is free, with from_free */
    uint64_t gpu_margin_bytes;  /* kept on each GPU with memory of its own: driver */
    uint64_t gpu_desktop_bytes; /* kept besides on a GPU that drives a desktop */
};
struct pls_budget_policy pls_budget_policy_default(void);
/* Sets reserved_bytes and budget_bytes of every pool and adds a note for each limit that bites (its code is
 * the note's) and for memory that others hold ("in-use"). Applying again replaces the former result. */
void pls_budget_apply(struct pls_machine *m, const struct pls_budget_policy *policy);

#endif
