/* A recording of a machine: the probe runs, and every file it read is kept where it lay, what calls told in
 * values.txt, the topology in hwloc.xml. Complete by construction: the replay reads the same paths.
 *
 * What is kept of a file is decided by an allow list of its lines where files mix facts with identities
 * (/proc/cpuinfo has serial numbers on boards, /proc/self/mountinfo the user's disks). Control groups are
 * renamed g1, g2, ... in paths and contents, but for the words that container recognition needs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probe/parts.h"

enum { MAX_NAMES = 48, MAX_PATH = 2048 };

struct recorder {
    int fd;         /* of the directory written to */
    int failed;     /* errno of the first failure; 0 none */
    bool has_names; /* lists of PCI ids were read */
    uint32_t n_names;
    char name[MAX_NAMES][256]; /* control groups to be renamed: name i becomes g<i+1> */
};

/* Kinds of control groups whose names say what, not who. */
static bool is_public_group(const char *name)
{
    /* The second half are words of mount points, which must not be taken for groups. */
    static const char *const words[] = {
        "system.slice",  "user.slice", "init.scope", "docker", "kubepods", "kubepods.slice", "lxc",
        "machine.slice", "podman",     "libpod",     "memory", "cpu",      "cpuacct",        "cpuset",
        "cpu,cpuacct",   "unified",    "systemd",    "sys",    "fs",       "cgroup",         "-"
    };
    for (size_t i = 0; i < PLS_COUNT_OF(words); i++) {
        if (strcmp(name, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void remember_group(struct recorder *r, const char *name, size_t len)
{
    char text[256];
    if (len == 0 || len >= sizeof(text) || r->n_names >= MAX_NAMES) {
        return;
    }
    memcpy(text, name, len);
    text[len] = '\0';
    for (uint32_t i = 0; i < r->n_names; i++) {
        if (strcmp(r->name[i], text) == 0) {
            return;
        }
    }
    if (!is_public_group(text) && strcmp(text, "..") != 0) {
        PLS_COPY(r->name[r->n_names], text);
        r->n_names++;
    }
}

/* Components of the paths in "4:memory:/a/b" lines. */
static void learn_groups(struct recorder *r, const char *text)
{
    char line[2048];
    while (pls_scan_next(&text, line, sizeof(line))) {
        const char *at = strchr(line, '/');
        while (at != NULL && *at != '\0') {
            at += strspn(at, "/");
            size_t len = strcspn(at, "/");
            remember_group(r, at, len);
            at += len;
        }
    }
}

/* Copies text with whole path components renamed. */
static void rename_groups(const struct recorder *r, const char *text, struct pls_text *out)
{
    while (*text != '\0') {
        size_t len = strcspn(text, "/ \n");
        uint32_t i = 0;
        while (i < r->n_names && (strlen(r->name[i]) != len || strncmp(r->name[i], text, len) != 0)) {
            i++;
        }
        if (len > 0 && i < r->n_names) {
            pls_text_add(out, "g%u", (unsigned)i + 1);
        } else {
            pls_text_put(out, text, len);
        }
        text += len;
        if (*text != '\0') {
            pls_text_put(out, text++, 1);
        }
    }
}

static bool keeps_line(const char *line, const char *const *keys)
{
    for (size_t i = 0; keys[i] != NULL; i++) {
        if (pls_text_starts(line, keys[i])) {
            return true;
        }
    }
    return false;
}

/* Only the mounts that are read: control groups, and of the root its type (overlay says container). */
static void keep_mounts(const char *text, struct pls_text *out)
{
    char line[2048];
    while (pls_scan_next(&text, line, sizeof(line))) {
        bool group = strstr(line, " - cgroup ") != NULL || strstr(line, " - cgroup2 ") != NULL;
        if (group) {
            pls_text_add(out, "%s\n", line);
        } else if (strstr(line, " / / ") != NULL) {
            pls_text_add(out, "1 1 0:1 / / rw - %s root rw\n",
                         strstr(line, " overlay ") != NULL ? "overlay" : "ext4");
        }
    }
}

static void keep_lines(const char *text, const char *const *keys, struct pls_text *out)
{
    char line[8192];
    while (pls_scan_next(&text, line, sizeof(line))) {
        if (line[0] == '\0' || keeps_line(line, keys)) {
            pls_text_add(out, "%s\n", line);
        }
    }
}

/* The file as it may be kept; out has room for four times its length. */
static void scrub(const struct recorder *r, const char *path, const char *text, struct pls_text *out)
{
    static const char *const cpu_keys[] = { "processor", "vendor_id",       "model name", "physical id",
                                            "siblings",  "core id",         "cpu cores",  "flags",
                                            "Features",  "CPU implementer", "CPU part",   "Model",
                                            NULL };
    static const char *const status_keys[] = { "Cpus_allowed_list", "Mems_allowed_list", NULL };
    static const char *const event_keys[] = { "DRIVER", "PCI_", NULL };
    if (strcmp(path, "/proc/cpuinfo") == 0) {
        keep_lines(text, cpu_keys, out);
    } else if (strcmp(path, "/proc/self/status") == 0) {
        keep_lines(text, status_keys, out);
    } else if (pls_text_ends(path, "/uevent")) {
        keep_lines(text, event_keys, out);
    } else if (strcmp(path, "/proc/self/mountinfo") == 0) {
        char *mounts = malloc(strlen(text) + 256);
        if (mounts != NULL) {
            struct pls_text m = { mounts, 0, strlen(text) + 256, false };
            mounts[0] = '\0';
            keep_mounts(text, &m);
            rename_groups(r, mounts, out);
        }
        free(mounts);
    } else if (strcmp(path, "/proc/self/cgroup") == 0) {
        rename_groups(r, text, out);
    } else {
        pls_text_put(out, text, strlen(text));
    }
}

/* Makes the directories of a relative path. */
static bool make_parents(int fd, char *path)
{
    for (char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool made = mkdirat(fd, path, 0755) == 0 || errno == EEXIST;
        *slash = '/';
        if (!made) {
            return false;
        }
    }
    return true;
}

static int create(struct recorder *r, const char *path, int flags)
{
    char room[MAX_PATH];
    struct pls_text renamed = PLS_TEXT(room);
    const char *relative = path + strspn(path, "/");
    if (pls_text_starts(path, "/sys/fs/cgroup/")) {
        rename_groups(r, relative, &renamed);
    } else {
        pls_text_put(&renamed, relative, strlen(relative));
    }
    int fd = -1;
    if (!renamed.truncated && strstr(room, "..") == NULL && make_parents(r->fd, room)) {
        fd = openat(r->fd, room, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, 0644);
    }
    return fd;
}

static void write_all(struct recorder *r, int fd, const char *data, size_t len)
{
    while (fd >= 0 && len > 0) {
        ssize_t n = write(fd, data, len);
        if (n <= 0) {
            r->failed = r->failed != 0 ? r->failed : errno;
            return;
        }
        data += n;
        len -= (size_t)n;
    }
}

static void keep_file(struct recorder *r, const char *path, const char *data, size_t len)
{
    size_t cap = 4 * len + 64; /* a name of one letter may become "g48" */
    char *room = malloc(cap);
    int fd = room == NULL ? -1 : create(r, path, O_TRUNC);
    if (fd < 0) {
        r->failed = r->failed != 0 ? r->failed : errno;
        free(room);
        return;
    }
    struct pls_text out = { room, 0, cap, false };
    room[0] = '\0';
    scrub(r, path, data, &out);
    write_all(r, fd, room, out.len);
    close(fd);
    free(room);
}

static bool is_module(const char *path)
{
    return pls_text_starts(path, "/sys/firmware/dmi/entries/17-") && pls_text_ends(path, "/raw");
}

static bool is_id_list(const char *path)
{
    return pls_text_starts(path, "/usr/share/");
}

/* SMBIOS entries hold serial numbers, lists of PCI ids are large, and a machine's own recording files come
 * last. What is needed of the first two is written by keep_module() and write_names(). */
static bool is_left_out(const char *path)
{
    return pls_text_starts(path, "/sys/firmware/dmi/") || pls_text_starts(path, "/usr/share/")
           || pls_text_equal(path, "/values.txt") || pls_text_equal(path, "/hwloc.xml");
}

/* String n of the strings behind the formatted area, appended as a string of its own; its new number, 0 for
 * none. */
static unsigned char keep_string(const char *entry, size_t len, unsigned n, struct pls_text *strings)
{
    size_t at = (unsigned char)entry[1];
    for (unsigned i = 1; i < n && at < len && entry[at] != '\0'; i++) {
        at += strlen(entry + at) + 1;
    }
    if (n == 0 || at >= len || entry[at] == '\0') {
        return 0;
    }
    size_t before = strings->len;
    pls_text_add(strings, "%s\n", entry + at); /* the line end becomes the string's */
    return strings->truncated ? 0 : before == 0 ? 1 : 2;
}

/* A memory module's size, speed, width and place, without its maker, serial number and labels: SMBIOS type
 * 17, offsets as in linux_dimm.c. */
static void keep_module(struct recorder *r, const char *path, const char *data, size_t len)
{
    static const struct {
        size_t from, to;
    } kept[] = { { 0x00, 0x04 }, { 0x08, 0x0F }, { 0x12, 0x17 }, { 0x1B, 0x22 }, { 0x54, 0x5C } };
    char entry[256 + 512] = { 0 };
    char room[256];
    struct pls_text strings = PLS_TEXT(room);
    size_t formatted = len >= 0x1B ? (unsigned char)data[1] : 0;
    if (formatted < 0x1B || formatted > len) {
        return;
    }
    for (size_t i = 0; i < PLS_COUNT_OF(kept); i++) {
        for (size_t at = kept[i].from; at < kept[i].to && at < formatted; at++) {
            entry[at] = data[at];
        }
    }
    entry[0x10] = (char)keep_string(data, len, (unsigned char)data[0x10], &strings);
    entry[0x11] = (char)keep_string(data, len, (unsigned char)data[0x11], &strings);
    for (size_t i = 0; i < strings.len; i++) {
        entry[formatted + i] = room[i];
        if (room[i] == '\n') {
            entry[formatted + i] = '\0';
        }
    }
    int fd = create(r, path, O_TRUNC);
    write_all(r, fd, entry, formatted + strings.len + 1 + (strings.len == 0));
    if (fd >= 0) {
        close(fd);
    }
}

static void witness(const char *path, const char *data, size_t len, void *context)
{
    struct recorder *r = context;
    if (is_module(path) && data != NULL) {
        keep_module(r, path, data, len);
    }
    r->has_names = r->has_names || (is_id_list(path) && data != NULL);
    if (is_left_out(path)) {
        return;
    }
    if (data == NULL) {
        int fd = create(r, path, 0); /* an existing directory or file stays as it is */
        if (fd >= 0) {
            close(fd);
        }
        return;
    }
    if (strcmp(path, "/proc/self/cgroup") == 0) {
        learn_groups(r, data);
    }
    keep_file(r, path, data, len);
}

/* Of the lists of PCI ids, which name every device there is, the lines of these GPUs. */
static void write_names(struct recorder *r, const struct pls_machine *m)
{
    char amd[2048];
    char pci[2048];
    struct pls_text a = PLS_TEXT(amd);
    struct pls_text p = PLS_TEXT(pci);
    for (uint32_t i = 0; i < m->n_gpus && r->has_names; i++) {
        const struct pls_gpu *gpu = &m->gpus[i];
        if (strlen(gpu->pci_id) != 9 || gpu->name[0] == '\0') {
            continue;
        }
        if (pls_text_equal(gpu->vendor, "amd")) {
            pls_text_add(&a, "%.4s,\t%02X,\t%s\n", gpu->pci_id + 5, (unsigned)gpu->revision, gpu->name);
        }
        pls_text_add(&p, "%.4s  %s\n\t%.4s  %s\n", gpu->pci_id, gpu->vendor, gpu->pci_id + 5, gpu->name);
    }
    if (a.len > 0) {
        keep_file(r, "/usr/share/libdrm/amdgpu.ids", amd, a.len);
    }
    if (p.len > 0) {
        keep_file(r, "/usr/share/misc/pci.ids", pci, p.len);
    }
}

struct line_target {
    struct recorder *r;
    int fd;
};

static void write_line(const char *line, void *context)
{
    const struct line_target *target = context;
    write_all(target->r, target->fd, line, strlen(line));
    write_all(target->r, target->fd, "\n", 1);
}

static void write_values(struct recorder *r, const struct pls_values *values)
{
    int fd = values->n == 0 ? -1 : create(r, "/values.txt", O_TRUNC);
    for (uint32_t i = 0; fd >= 0 && i < values->n; i++) {
        char room[PLS_VALUE_NAME + PLS_VALUE_TEXT + 8];
        struct pls_text line = PLS_TEXT(room);
        pls_text_add(&line, "%s: %s\n", values->value[i].name, values->value[i].text);
        write_all(r, fd, room, line.len);
    }
    if (fd >= 0) {
        close(fd);
    }
}

static void write_topology(struct recorder *r, struct pls_root *root)
{
    struct line_target target = { r, create(r, "/hwloc.xml", O_TRUNC) };
    bool any = target.fd >= 0 && pls_topology_export(root, write_line, &target);
    if (target.fd >= 0) {
        close(target.fd);
    }
    if (!any) {
        unlinkat(r->fd, "hwloc.xml", 0);
    }
}

static bool note_entry(const char *name, void *context)
{
    (void)name;
    *(bool *)context = true;
    return false;
}

/* Opens dir, made if need be, for a new recording. */
static enum pls_code open_target(const char *dir, struct recorder *r, struct pls_err *err)
{
    struct pls_root *there = NULL;
    bool used = false;
    if (mkdir(dir, 0755) != 0 && errno != EEXIST) {
        return pls_fail(err, PLS_IO, "%s: %s", dir, strerror(errno));
    }
    enum pls_code code = pls_root_open(dir, &there, err);
    if (code != PLS_OK) {
        return code;
    }
    pls_root_list(there, "/", note_entry, &used, NULL);
    pls_root_close(there);
    if (used) {
        return pls_fail(err, PLS_IO, "%s: not empty; a recording starts in a directory of its own", dir);
    }
    r->fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return r->fd >= 0 ? PLS_OK : pls_fail(err, PLS_IO, "%s: %s", dir, strerror(errno));
}

enum pls_code pls_probe_record(struct pls_root *root, const char *dir, struct pls_machine *out,
                               struct pls_err *err)
{
    struct recorder *r = calloc(1, sizeof(*r));
    struct pls_values *values = calloc(1, sizeof(*values));
    if (r == NULL || values == NULL) {
        free(values);
        free(r);
        return pls_fail(err, PLS_NOMEM, "%s: out of memory", dir);
    }
    enum pls_code code = open_target(dir, r, err);
    if (code == PLS_OK) {
        pls_root_watch(root, witness, r);
        code = pls_probe_values(root, values, out, err);
        pls_root_watch(root, NULL, NULL);
        write_values(r, values);
        write_names(r, out);
        write_topology(r, root);
        if (out->is_container) {
            witness("/run/.containerenv", NULL, 0, r); /* its name was evidence, and is gone */
        }
        if (out->has_desktop && pls_text_equal(out->os, "linux")) {
            witness("/tmp/.X11-unix/X0", NULL, 0, r);
        }
        close(r->fd);
        if (code == PLS_OK && r->failed != 0) {
            code = pls_fail(err, PLS_IO, "%s: %s", dir, strerror(r->failed));
        }
    }
    free(values);
    free(r);
    return code;
}
