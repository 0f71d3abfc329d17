/* plimsoll/profile.h - hardware profiles: what a named device has, whether or not it is present.
 *
 * One profile is one row of data/hardware.tsv: a graphics card, a unified-memory chip, a system on chip or a
 * processor platform. Two questions are answered: which row is this device (from what it reports about
 * itself), and what machine do these words mean ("2x rtx 4090 + 128gb ram"). Names are compared in whole
 * tokens, longest first; a substring never matches ("A1000" is not an A100, "6800U" no RX 6800).
 */
#ifndef PLIMSOLL_PROFILE_H
#define PLIMSOLL_PROFILE_H

#include "plimsoll/machine.h"

enum { PLS_PROFILE_MEMORY_OPTIONS = 12, PLS_MAX_PROFILES = 1024, PLS_MATCHES_MAX = 24 };

enum pls_profile_kind {
    PLS_PROFILE_DISCRETE = 0, /* memory of its own */
    PLS_PROFILE_UNIFIED,      /* one memory for processor and GPU, with a working-set limit (Apple) */
    PLS_PROFILE_SOC,          /* a GPU that shares system RAM */
    PLS_PROFILE_CPU,          /* processor and DIMMs */
};

struct pls_profile {
    char id[48];
    char vendor[12];
    /* architecture as speed constants tell it apart: "ada", "rdna3", "m4"; empty unknown */
    char generation[12];
    char name[80];
    char aliases[96];    /* further words people use, separated by '|' */
    char patterns[224];  /* names devices report, separated by '|' */
    char pci_ids[160];   /* "vendor:device[:revision]", separated by ';' */
    char memory_type[24];
    char gpu_share[48];  /* share of RAM the GPU may take: "36:0.78;96:0.81", "linux-gtt:0.5", "1.0" */
    char source[280];
    char confidence[8];  /* of memory size and bandwidth: high, medium, low */
    enum pls_profile_kind kind;
    enum pls_backend backend;
    uint32_t n_memory;
    double memory_gib[PLS_PROFILE_MEMORY_OPTIONS]; /* factory sizes, as marketed, of one device */
    /* what the device of the first size reports, ECC and firmware taken off; 0 not observed */
    uint32_t usable_mib;
    uint32_t devices;    /* GPUs on one card, each with memory of its own (K80: 2); 0 is one */
    double bandwidth_gbs, fp16_tflops, fp32_tflops;
    uint32_t bus_bits, gpu_cores, cpu_cores_fast, cpu_cores_slow, year;
    double link_gbs; /* PCIe generation and lanes as bytes per second, one way; 0 on-die or unknown */
};

/* The columns of data/hardware.tsv, in order; NULL behind the last. */
const char *pls_profile_column(uint32_t index);
/* Sets one column from its text. False when the text is not what the column holds. */
bool pls_profile_set(struct pls_profile *profile, uint32_t column, const char *text);
/* The row's own text of a column, for databases and export. */
void pls_profile_get(const struct pls_profile *profile, uint32_t column, char *out, size_t cap);

/* Memory that a device of a factory size has for use: observed where that is known, else the size itself. */
uint64_t pls_profile_bytes(const struct pls_profile *profile, double gib);

struct pls_profiles {
    const struct pls_profile *items;
    uint32_t n;
};

/* What a device says of itself; empty or 0 where unknown. */
struct pls_device {
    const char *name;
    uint32_t pci_vendor, pci_device;
    int32_t pci_revision; /* -1 unknown */
    double memory_gib;    /* as measured: below the marketed size */
    uint32_t gpu_cores;
};

struct pls_match {
    uint32_t n; /* 0: unknown device; more than 1: cannot be told apart by what was given */
    const struct pls_profile *items[PLS_MATCHES_MAX];
    char why[160]; /* which facts decided */
};
/* PCI id and revision, then longest whole-token name, then nearest memory size, then core count. */
struct pls_match pls_profile_match(struct pls_profiles profiles, const struct pls_device *device);

/* A machine from words. ram_bytes: RAM as an option says it, which picks where the words leave a choice; 0
 * none. PLS_USAGE: the sentence lists the candidates (ambiguous) or the nearest names (unknown). Budgets are
 * not applied. */
enum pls_code pls_profile_words(struct pls_profiles profiles, const char *words, uint64_t ram_bytes,
                                struct pls_machine *out, struct pls_err *err);

/* Adds `count` devices (not cards) of a profile to a machine: pools, GPUs, limits, bandwidth. memory_gib 0:
 * the smallest factory size. The machine's RAM pool must exist for discrete cards. */
void pls_profile_add(const struct pls_profile *profile, uint32_t count, double memory_gib,
                     struct pls_machine *machine);

/* Fills what a live probe could not find (bandwidth, FLOPS, cores) for each GPU and the processor from
 * matching rows. */
void pls_profile_complete(struct pls_profiles profiles, struct pls_machine *machine);

#endif
