/* Memory limits and CPU quota of the process's own control group and of every ancestor that can be seen.
 *
 * /proc/self/cgroup says where the process is, /proc/self/mountinfo where each hierarchy is mounted and which
 * of its directories stands at the mount point. In a container these meet in three ways: with a cgroup
 * namespace the path is "/" and the mount is the group itself; without one, the mount may show only the group
 * (its root field is a prefix of the path, which is cut off) or the whole tree. A limit above a namespace's
 * root cannot be seen from inside.
 *
 * The limit in force is the least over the group and its ancestors. What a group uses already is
 * memory.current less inactive_file: pages the kernel drops at once, such as those of a mapped model. A limit
 * of more than a quarter of the address space means none (v1 writes 2^63 less a page).
 */
#include <string.h>

#include "probe/parts.h"

enum { MAX_CGROUP_PATH = 1024, MAX_MOUNTINFO = 1 << 20 };

/* Where one hierarchy lives: mount point, and the own group's directory below it ("" is the mount point
 * itself). */
struct hierarchy {
    char mount[MAX_CGROUP_PATH];
    char own[MAX_CGROUP_PATH];
    bool v2;
};

struct memory_names {
    const char *code, *limit, *soft, *usage, *reclaimable;
};
static const struct memory_names names_v2 = { "cgroup-v2", "memory.max", "memory.high", "memory.current",
                                              "inactive_file" };
static const struct memory_names names_v1 = { "cgroup-v1", "memory.limit_in_bytes", NULL,
                                              "memory.usage_in_bytes", "total_inactive_file" };

/* Field n (from 0) of a line of blank-separated fields. */
static bool field_of(const char *line, unsigned n, char *out, size_t cap)
{
    const char *at = line;
    for (unsigned i = 0; i < n; i++) {
        at += strcspn(at, " ");
        at += strspn(at, " ");
    }
    size_t len = strcspn(at, " \n");
    if (len == 0 || len >= cap) {
        return false;
    }
    memcpy(out, at, len);
    out[len] = '\0';
    return true;
}

/* True when the comma-separated list holds the word. */
static bool list_holds(const char *list, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = list; at != NULL; at = strchr(at, ','), at = at == NULL ? NULL : at + 1) {
        if (strncmp(at, word, len) == 0 && (at[len] == ',' || at[len] == '\0')) {
            return true;
        }
    }
    return false;
}

/* Own path in the hierarchy of a v1 controller, or in v2 when controller is NULL, from /proc/self/cgroup
 * ("4:memory:/a/b", "0::/a/b"). */
static bool own_path(const char *text, const char *controller, char *out, size_t cap)
{
    char line[MAX_CGROUP_PATH + 128];
    while (pls_scan_next(&text, line, sizeof(line))) {
        char *list = strchr(line, ':');
        char *path = list == NULL ? NULL : strchr(list + 1, ':');
        if (path == NULL) {
            continue;
        }
        *path++ = '\0';
        bool match = controller == NULL ? list[1] == '\0' : list_holds(list + 1, controller);
        if (match) {
            return pls_copy(out, cap, path);
        }
    }
    return false;
}

/* Mount point and the directory of the hierarchy that stands there. */
static bool find_mount(const char *mountinfo, const char *controller, char *mount, char *top)
{
    char line[2048];
    while (pls_scan_next(&mountinfo, line, sizeof(line))) {
        const char *after = strstr(line, " - ");
        char type[32];
        char super[512];
        if (after == NULL || !field_of(after + 3, 0, type, sizeof(type))
            || !field_of(after + 3, 2, super, sizeof(super))) {
            continue;
        }
        bool match = controller == NULL ? strcmp(type, "cgroup2") == 0
                                        : strcmp(type, "cgroup") == 0 && list_holds(super, controller);
        if (match && field_of(line, 3, top, MAX_CGROUP_PATH) && field_of(line, 4, mount, MAX_CGROUP_PATH)) {
            return true;
        }
    }
    return false;
}

static bool locate(const char *cgroup, const char *mountinfo, const char *controller, struct hierarchy *out)
{
    char top[MAX_CGROUP_PATH];
    char path[MAX_CGROUP_PATH];
    out->v2 = controller == NULL;
    if (!own_path(cgroup, controller, path, sizeof(path))
        || !find_mount(mountinfo, controller, out->mount, top)) {
        return false;
    }
    size_t cut = strcmp(top, "/") == 0 ? 0 : strlen(top);
    bool below = strncmp(path, top, cut) == 0 && (path[cut] == '/' || path[cut] == '\0');
    bool outside = strncmp(path, "/..", 3) == 0; /* a namespace entered from elsewhere */
    PLS_COPY(out->own, below && !outside ? path + cut : "");
    if (strcmp(out->own, "/") == 0) {
        out->own[0] = '\0';
    }
    return true;
}

/* A path in the own group or an ancestor: own is cut as the walk goes up. */
static void group_file(struct pls_text *t, const struct hierarchy *h, const char *own, const char *file)
{
    pls_text_add(t, "%s%s/%s", h->mount, own, file);
}

static bool group_u64(struct pls_root *root, const struct hierarchy *h, const char *own, const char *file,
                      uint64_t *out)
{
    char room[2 * MAX_CGROUP_PATH + 64];
    struct pls_text path = PLS_TEXT(room);
    group_file(&path, h, own, file);
    return pls_root_read_u64(root, room, out);
}

/* Usage of one group that cannot be reclaimed at once. */
static uint64_t group_used(struct pls_root *root, const struct hierarchy *h, const char *own,
                           const struct memory_names *names)
{
    char room[2 * MAX_CGROUP_PATH + 64];
    char stat[8192];
    char field[32];
    uint64_t used = 0;
    uint64_t reclaimable = 0;
    struct pls_text path = PLS_TEXT(room);
    group_file(&path, h, own, "memory.stat");
    pls_root_read(root, room, stat, sizeof(stat), NULL, NULL);
    if (pls_scan_field(stat, names->reclaimable, field, sizeof(field))) {
        pls_parse_u64(field, &reclaimable);
    }
    return group_u64(root, h, own, names->usage, &used) ? pls_sub(used, reclaimable) : 0;
}

/* A walk from the own group to the mount point, and the least found on the way. */
struct climb {
    struct pls_root *root;
    const struct hierarchy *h;
    const struct memory_names *names;
    char own[MAX_CGROUP_PATH]; /* the group being read; cut as the walk goes up */
    uint64_t bytes, used_bytes, free_bytes;
    char path[2 * MAX_CGROUP_PATH + 64];
};

static void take_limit(struct climb *c, const char *file)
{
    uint64_t bytes = 0;
    if (file == NULL || !group_u64(c->root, c->h, c->own, file, &bytes) || bytes > (uint64_t)1 << 62) {
        return;
    }
    uint64_t used = group_used(c->root, c->h, c->own, c->names);
    /* Free is bounded by every group on the way, the limit in force is the least: two separate minima. */
    c->free_bytes = pls_min(c->free_bytes, pls_sub(bytes, used));
    if (bytes < c->bytes) {
        c->bytes = bytes;
        c->used_bytes = used;
        struct pls_text t = PLS_TEXT(c->path);
        group_file(&t, c->h, c->own, file);
    }
}

/* Cuts the last component; false when the mount point has been done. */
static bool go_up(char *own)
{
    char *slash = strrchr(own, '/');
    if (slash == NULL) {
        return false;
    }
    *slash = '\0';
    return true;
}

static void read_memory(struct pls_root *root, const struct hierarchy *h, struct pls_pool *ram)
{
    struct climb c = { .root = root, .h = h, .bytes = UINT64_MAX, .free_bytes = UINT64_MAX };
    c.names = h->v2 ? &names_v2 : &names_v1;
    PLS_COPY(c.own, h->own);
    do {
        take_limit(&c, c.names->limit);
        take_limit(&c, c.names->soft);
    } while (go_up(c.own));
    if (c.bytes < ram->capacity_bytes) {
        struct pls_limit *limit = pls_pool_limit(ram, c.names->code, c.bytes, c.path);
        if (limit != NULL) {
            limit->used_bytes = c.used_bytes;
        }
    }
    if (ram->free_bytes > 0 && c.free_bytes < ram->free_bytes) {
        ram->free_bytes = pls_max(1, c.free_bytes); /* 0 would mean unknown */
    }
}

/* v2: "max 100000" or "200000 100000" in cpu.max; v1: cpu.cfs_quota_us (-1: none) and cpu.cfs_period_us. */
static double group_quota(struct pls_root *root, const struct hierarchy *h, const char *own)
{
    char room[2 * MAX_CGROUP_PATH + 64];
    uint64_t quota = 0;
    uint64_t period = 0;
    struct pls_text path = PLS_TEXT(room);
    group_file(&path, h, own, "cpu.max");
    if (h->v2) {
        char text[64];
        char first[32];
        char second[32];
        bool read = pls_scan_line(root, room, text, sizeof(text)) && field_of(text, 0, first, sizeof(first))
                    && field_of(text, 1, second, sizeof(second)) && pls_parse_u64(first, &quota)
                    && pls_parse_u64(second, &period);
        return read && period > 0 ? (double)quota / (double)period : 0;
    }
    bool read = group_u64(root, h, own, "cpu.cfs_quota_us", &quota)
                && group_u64(root, h, own, "cpu.cfs_period_us", &period);
    return read && period > 0 ? (double)quota / (double)period : 0;
}

static void read_quota(struct pls_root *root, const struct hierarchy *h, struct pls_cpu *cpu)
{
    char own[MAX_CGROUP_PATH];
    PLS_COPY(own, h->own);
    do {
        double quota = group_quota(root, h, own);
        if (quota > 0 && (cpu->quota_cpus <= 0 || quota < cpu->quota_cpus)) {
            cpu->quota_cpus = quota;
        }
    } while (go_up(own));
}

void pls_linux_cgroup(struct pls_root *root, struct pls_machine *m)
{
    char cgroup[8192];
    char *mountinfo = pls_scan_file(root, "/proc/self/mountinfo", MAX_MOUNTINFO);
    pls_root_read(root, "/proc/self/cgroup", cgroup, sizeof(cgroup), NULL, NULL);
    struct hierarchy h;
    if (mountinfo != NULL) {
        /* A machine may run both: then the memory controller is in one of them, and asking both is harmless.
         */
        if (locate(cgroup, mountinfo, NULL, &h)) {
            read_memory(root, &h, &m->pools[0]);
            read_quota(root, &h, &m->cpu);
        }
        if (locate(cgroup, mountinfo, "memory", &h)) {
            read_memory(root, &h, &m->pools[0]);
        }
        if (locate(cgroup, mountinfo, "cpu", &h)) {
            read_quota(root, &h, &m->cpu);
        }
    }
    pls_scan_file_free(mountinfo);
    if (pls_cpu_is_rationed(&m->cpu)) {
        uint32_t n = pls_cpu_threads(&m->cpu);
        pls_machine_note(
            m, "cpu-quota",
            "a control group allows %.1f CPUs' worth of time on %u threads: speeds are those of %u thread%s,"
            " give the engine -t %u (more would stop one another)",
            m->cpu.quota_cpus, (unsigned)m->cpu.threads, (unsigned)n, n == 1 ? "" : "s", (unsigned)n);
    }
}
