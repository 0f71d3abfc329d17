/* The parts of the probe and what they hand each other. Internal to src/probe.
 *
 * Nothing here asks whether the machine is live or recorded: files come through the root, and what no file
 * can tell (library calls, sysctl, CPUID) comes as named values (values.h), which a recording keeps in
 * /values.txt.
 */
#ifndef PROBE_PARTS_H
#define PROBE_PARTS_H

#include "plimsoll/probe.h"
#include "plimsoll/text.h"
#include "probe/values.h"

enum { PLS_MAX_PCI = 32 };

/* A display controller or accelerator on the PCI bus. */
struct pls_pci {
    char address[16]; /* "0000:01:00.0" */
    uint32_t vendor, device, revision;
    double link_gbs; /* of the slot, both ends considered; 0 unknown */
    char name[80];   /* from pci.ids; empty unknown */
    bool claimed;    /* a GPU prober has reported it */
};

/* Processors and memory nodes, from hwloc or from sysfs. What is 0 is unknown. */
struct pls_topology {
    bool known;
    uint32_t cores, threads; /* that the process may use */
    uint32_t n_packages, n_numa;
    uint64_t l1d_bytes, l2_bytes, l3_bytes;
    char cpu_name[80];
    char product[80]; /* DMI product name */
    char arch[16];
    char os[32];
    uint32_t n_tiers;
    struct pls_tier tiers[PLS_MAX_TIERS];
    uint64_t ram_bytes;         /* sum over memory nodes that are not a GPU's */
    uint64_t ram_allowed_bytes; /* of which the process may use (cpuset.mems) */
    uint64_t gpu_node_bytes;    /* nodes that are GPU memory (coherent POWER9, Grace) */
    double bandwidth_gbs;       /* ACPI HMAT: sum over the RAM nodes of the best local initiator */
    uint32_t n_pci;
    struct pls_pci pci[PLS_MAX_PCI];
};

/* topology.c: the only file that knows hwloc. Reads /hwloc.xml of the root when there is one (a recording),
 * the running system when the root is live, and gives known = false otherwise. allowed_*: lists such as
 * "0-3,8" that bound what the process may use; "" for all. */
void pls_topology_hwloc(struct pls_root *root, const char *allowed_cpus, const char *allowed_mems,
                        struct pls_topology *out);
/* From the XML text alone; len without the NUL that must follow. gpus of the XML go to machine. */
enum pls_code pls_topology_xml(const char *xml, size_t len, struct pls_topology *out,
                               struct pls_machine *machine, struct pls_err *err);

/* The topology as scrubbed XML, line by line. False when there is none. */
typedef void pls_line_sink(const char *line, void *context);
bool pls_topology_export(struct pls_root *root, pls_line_sink *sink, void *context);

/* tiers.c: cores of one kind, before kinds become tiers. design ranks core types (Intel: 3 P, 2 E, 1
 * low-power E; 0 unknown); capacity is the scheduler's (0..1024). */
enum { PLS_MAX_KINDS = 16 };
struct pls_core_kind {
    uint32_t design;
    uint64_t capacity, max_khz;
    uint32_t cores;
};
/* Adds core->cores to the kind it belongs to. */
void pls_tiers_count(struct pls_core_kind kinds[PLS_MAX_KINDS], uint32_t *n,
                     const struct pls_core_kind *core);
/* Sorts kinds from fast to slow, merges what is one tier and names tiers; none when cores are all alike. */
void pls_tiers_make(struct pls_core_kind *kinds, uint32_t n, struct pls_topology *out);

/* linux_cpu.c: the same from /sys/devices/system and /proc/cpuinfo, for recordings without XML and where
 * hwloc fails. */
void pls_linux_topology(struct pls_root *root, const char *allowed_cpus, struct pls_topology *out);
/* Name, instruction sets and architecture from /proc/cpuinfo and friends. */
void pls_linux_cpu(struct pls_root *root, const struct pls_topology *topo, struct pls_machine *m);

/* probe.c: counts, caches and tiers of topo as the machine's CPU. */
void pls_machine_cpu(struct pls_machine *m, const struct pls_topology *topo);

/* probe.c: pls_probe() that also hands out what calls told. */
enum pls_code pls_probe_values(struct pls_root *root, struct pls_values *values, struct pls_machine *out,
                               struct pls_err *err);

/* linux.c: all of a Linux machine. */
enum pls_code pls_linux_probe(struct pls_root *root, const struct pls_values *values, struct pls_machine *m,
                              struct pls_err *err);
/* linux_memory.c: pools[0], swap, huge pages, resource limits. PLS_IO when the size of RAM is not to be had.
 */
enum pls_code pls_linux_memory(struct pls_root *root, const struct pls_topology *topo, struct pls_machine *m,
                               struct pls_err *err);
/* linux_dimm.c: bandwidth of the memory modules by SMBIOS, 1e9 bytes per second; 0 when it cannot be told
 * (needs root). */
double pls_linux_dimm_gbs(struct pls_root *root, uint32_t *n_channels);
/* linux_cgroup.c: memory limits and CPU quota of the own control group and all its ancestors, v1 and v2. */
void pls_linux_cgroup(struct pls_root *root, struct pls_machine *m);
/* linux_host.c: version, container, VM, WSL, desktop. */
void pls_linux_host(struct pls_root *root, struct pls_machine *m);

/* macos_values.c, freebsd_values.c: machines without /proc, from named values. PLS_IO when the size of RAM is
 * not there. */
enum pls_code pls_macos_machine(const struct pls_values *v, struct pls_machine *m, struct pls_err *err);
enum pls_code pls_freebsd_machine(struct pls_root *root, const struct pls_values *v,
                                  struct pls_topology *topo, struct pls_machine *m, struct pls_err *err);

/* gpu.c: fills the memory of GPUs that have none from "opencl.*" values, by vendor and order. True when one
 * is missing. */
bool pls_gpu_memory_missing(const struct pls_machine *m);
void pls_gpu_fill_opencl(const struct pls_values *v, struct pls_machine *m);
/* gpu.c: all GPUs of a Linux machine; pools[0] must be there. */
void pls_linux_gpus(struct pls_root *root, const struct pls_values *values, struct pls_topology *topo,
                    struct pls_machine *m);
/* Marks the PCI device at an address as explained; NULL when the bus has no such display device. */
struct pls_pci *pls_pci_claim(struct pls_topology *topo, const char *address);
/* gpu_names.c: a name for a GPU that has none, from the lists of PCI ids a system carries. */
void pls_gpu_name_by_ids(struct pls_root *root, struct pls_gpu *gpu);
/* nvidia.c, drm.c (amd.c, intel.c) */
void pls_nvidia_gpus(struct pls_root *root, const struct pls_values *v, struct pls_topology *topo,
                     struct pls_machine *m);
void pls_drm_gpus(struct pls_root *root, const struct pls_values *values, struct pls_topology *topo,
                  struct pls_machine *m);
/* One direction of a PCIe link, 1e9 bytes per second; 0 for a generation this program does not know. */
double pls_pcie_gbs(uint64_t generation, uint64_t lanes);

/* text_scan.c: line-oriented files. */
/* Copies the rest of the first line that begins with key (after optional blanks and one ':' or '='), trimmed.
 */
bool pls_scan_field(const char *text, const char *key, char *out, size_t cap);
/* "MemTotal:  123 kB" -> bytes. */
bool pls_scan_kib(const char *text, const char *key, uint64_t *out_bytes);
/* True when word stands in text between blanks. */
bool pls_scan_word(const char *text, const char *word);
/* The whole of a file (its first cap - 1 bytes), to be given back with pls_scan_file_free; NULL when
 * unreadable. */
char *pls_scan_file(struct pls_root *root, const char *path, size_t cap);
void pls_scan_file_free(char *text);
/* Reads a one-line file, trimmed. */
bool pls_scan_line(struct pls_root *root, const char *path, char *out, size_t cap);
/* Next line of *text into line, without the newline; false at the end. */
bool pls_scan_next(const char **text, char *line, size_t cap);
/* Members of a list such as "0-3,8"; true when n is one. An empty list holds everything. */
bool pls_scan_list_has(const char *list, uint32_t n);

#endif
