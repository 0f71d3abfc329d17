/* What kind of Linux this is: version, container, virtual machine, WSL, desktop. Evidence is files only, so
 * that it replays; each finding that changes how numbers must be read leaves a note. */
#include <string.h>

#include "probe/parts.h"

enum { MAX_MOUNTINFO = 1 << 20 };

/* Files that container engines leave behind, words in the own cgroup path, and mounts that only they make. */
static bool is_container(struct pls_root *root)
{
    static const char *const marks[] = { "/.dockerenv", "/run/.containerenv", "/run/systemd/container",
                                         "/proc/vz" };
    static const char *const words[] = { "/docker", "/kubepods", "/lxc", "libpod", "containerd", "/garden/" };
    static const char *const mounts[] = { "/docker/overlay", "/containers/storage/", "containerd.snapshotter",
                                          "/kubelet/pods/" };
    char cgroup[8192];
    bool found = false;
    for (size_t i = 0; i < PLS_COUNT_OF(marks); i++) {
        found = found || pls_root_exists(root, marks[i]);
    }
    pls_root_read(root, "/proc/self/cgroup", cgroup, sizeof(cgroup), NULL, NULL);
    for (size_t i = 0; i < PLS_COUNT_OF(words); i++) {
        found = found || strstr(cgroup, words[i]) != NULL;
    }
    if (found) {
        return true;
    }
    char *mountinfo = pls_scan_file(root, "/proc/self/mountinfo", MAX_MOUNTINFO);
    const char *first = mountinfo == NULL ? NULL : strstr(mountinfo, " / / ");
    char line[2048] = "";
    if (first != NULL) {
        pls_scan_next(&first, line, sizeof(line));
    }
    for (size_t i = 0; i < PLS_COUNT_OF(mounts); i++) {
        bool kubelet = i == 3 && mountinfo != NULL && strstr(mountinfo, mounts[i]) != NULL
                       && strstr(line, "overlay") != NULL;
        found = found || strstr(line, mounts[i]) != NULL || kubelet;
    }
    pls_scan_file_free(mountinfo);
    return found;
}

/* Beyond the hypervisor bit of CPUID, which linux_cpu.c has seen: DMI names, Xen, the device tree of arm
 * guests. */
static bool is_vm(struct pls_root *root)
{
    static const char *const products[] = { "KVM",
                                            "QEMU",
                                            "VMware",
                                            "VirtualBox",
                                            "Virtual Machine",
                                            "BHYVE",
                                            "Parallels",
                                            "Google Compute Engine",
                                            "Apple Virtualization" };
    char text[128] = "";
    bool found = pls_root_exists(root, "/proc/device-tree/hypervisor/compatible");
    pls_scan_line(root, "/sys/class/dmi/id/product_name", text, sizeof(text));
    for (size_t i = 0; i < PLS_COUNT_OF(products); i++) {
        found = found || strstr(text, products[i]) != NULL;
    }
    pls_scan_line(root, "/sys/class/dmi/id/sys_vendor", text, sizeof(text));
    found = found || strcmp(text, "QEMU") == 0 || strcmp(text, "Xen") == 0;
    return found
           || (pls_scan_line(root, "/sys/hypervisor/type", text, sizeof(text)) && strcmp(text, "xen") == 0);
}

static bool visit_runtime_file(const char *name, void *context)
{
    bool *found = context;
    *found = *found || (pls_text_starts(name, "wayland-") && !pls_text_ends(name, ".lock"));
    return true;
}

struct desktop {
    struct pls_root *root;
    bool found;
};

static bool visit_user(const char *name, void *context)
{
    struct desktop *d = context;
    char room[64];
    struct pls_text path = PLS_TEXT(room);
    pls_text_add(&path, "/run/user/%s", name);
    pls_root_list(d->root, room, visit_runtime_file, &d->found, NULL);
    return !d->found;
}

/* Somebody has a graphical session: an X or Wayland socket. */
static bool has_desktop(struct pls_root *root)
{
    struct desktop d = { root, pls_root_exists(root, "/tmp/.X11-unix/X0")
                                   || pls_root_exists(root, "/tmp/.X11-unix/X1") };
    if (!d.found) {
        pls_root_list(root, "/run/user", visit_user, &d, NULL);
    }
    return d.found;
}

/* What the maker calls the whole machine, unless the maker left the placeholder. */
static void name_machine(struct pls_root *root, struct pls_machine *m)
{
    static const char *const placeholders[] = { "To Be Filled", "System Product Name", "Default string",
                                                "OEM", "None" };
    if (!pls_scan_line(root, "/proc/device-tree/model", m->name, sizeof(m->name))) {
        pls_scan_line(root, "/sys/class/dmi/id/product_name", m->name, sizeof(m->name));
    }
    for (size_t i = 0; i < PLS_COUNT_OF(placeholders); i++) {
        if (strstr(m->name, placeholders[i]) != NULL) {
            m->name[0] = '\0';
        }
    }
}

void pls_linux_host(struct pls_root *root, struct pls_machine *m)
{
    PLS_COPY(m->os, "linux");
    name_machine(root, m);
    pls_scan_line(root, "/proc/sys/kernel/osrelease", m->os_version, sizeof(m->os_version));
    m->is_wsl = strstr(m->os_version, "icrosoft") != NULL;
    m->is_vm = m->is_vm || m->is_wsl || is_vm(root);
    m->is_container = is_container(root);
    m->has_desktop = has_desktop(root);
    if (m->is_wsl) {
        pls_machine_note(
            m, "wsl",
            "inside WSL2: memory is what Windows gives this VM (half by default; .wslconfig memory= "
            "changes it), and over-allocated GPU memory gets slow instead of failing");
    } else if (m->is_container) {
        pls_machine_note(m, "container", "inside a container: a limit set above it cannot be seen from here");
    } else if (m->is_vm) {
        pls_machine_note(m, "vm",
                         "inside a virtual machine: caches and bandwidth are shared with other guests");
    }
}
