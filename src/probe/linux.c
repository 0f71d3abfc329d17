#include "probe/parts.h"

/* "Cpus_allowed_list: 0-3" of /proc/self/status: affinity and cpuset together. Empty when unreadable. */
static void read_allowed(struct pls_root *root, char *cpus, char *mems, size_t cap)
{
    char status[8192];
    cpus[0] = mems[0] = '\0';
    if (pls_root_read(root, "/proc/self/status", status, sizeof(status), NULL, NULL) == PLS_OK) {
        pls_scan_field(status, "Cpus_allowed_list", cpus, cap);
        pls_scan_field(status, "Mems_allowed_list", mems, cap);
    }
}

enum pls_code pls_linux_probe(struct pls_root *root, const struct pls_values *values, struct pls_machine *m,
                              struct pls_err *err)
{
    char cpus[512];
    char mems[512];
    struct pls_topology topo;
    read_allowed(root, cpus, mems, sizeof(cpus));
    pls_topology_hwloc(root, cpus, mems, &topo);
    if (!topo.known) {
        pls_linux_topology(root, cpus, &topo);
    }
    pls_linux_cpu(root, &topo, m);
    pls_linux_host(root, m);
    enum pls_code code = pls_linux_memory(root, &topo, m, err);
    if (code != PLS_OK) {
        return code;
    }
    pls_linux_cgroup(root, m);
    pls_linux_gpus(root, values, &topo, m);
    return PLS_OK;
}
