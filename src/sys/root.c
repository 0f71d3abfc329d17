/* A directory as the root of a machine's file system.
 *
 * Every path is resolved here, component by component, because a recorded tree holds the links of the machine
 * it came from: an absolute link means "from the root of that machine", and ".." above the root stays at the
 * root, exactly as chroot would have it. The kernel never gets to follow a link itself. The tree is expected
 * to hold still meanwhile; this keeps a recording from reaching outside, not a racing attacker with write
 * access to it.
 */
#include "plimsoll/sys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plimsoll/text.h"

enum {
    MAX_PATH = 2048,    /* sysfs paths of deep PCI trees reach about 300 */
    MAX_LINKS = 40,     /* what Linux allows */
    MAX_ENTRIES = 65536 /* of one directory */
};

struct pls_root {
    int fd;
    bool live;
    pls_root_witness *witness; /* NULL: nobody watches */
    void *witness_context;
    char path[MAX_PATH];
};

/* done: resolved so far, relative to the root, no links in it ("" is the root). rest: still to walk. */
struct walk {
    char done[MAX_PATH];
    char rest[MAX_PATH];
    unsigned links;
};

enum pls_code pls_root_open(const char *dir, struct pls_root **out, struct pls_err *err)
{
    const char *path = dir == NULL ? "/" : dir;
    struct pls_root *root = calloc(1, sizeof(*root));
    *out = NULL;
    if (root == NULL) {
        return pls_fail(err, PLS_NOMEM, "%s: out of memory", path);
    }
    root->live = dir == NULL;
    if (!PLS_COPY(root->path, path)) {
        free(root);
        return pls_fail(err, PLS_LIMIT, "%.64s...: path longer than %d bytes", path, MAX_PATH - 1);
    }
    root->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root->fd < 0) {
        int why = errno;
        free(root);
        return pls_fail(err, PLS_IO, "%s: %s", path, strerror(why));
    }
    *out = root;
    return PLS_OK;
}

void pls_root_close(struct pls_root *root)
{
    if (root != NULL) {
        close(root->fd);
        free(root);
    }
}

bool pls_root_is_live(const struct pls_root *root)
{
    return root->live;
}

const char *pls_root_path(const struct pls_root *root)
{
    return root->path;
}

void pls_root_watch(struct pls_root *root, pls_root_witness *witness, void *context)
{
    root->witness = witness;
    root->witness_context = context;
}

static void tell(const struct pls_root *root, const char *path, const char *data, size_t len)
{
    if (root->witness != NULL) {
        root->witness(path, data, len, root->witness_context);
    }
}

static bool append_component(char *path, const char *name, size_t name_len)
{
    size_t len = strlen(path);
    size_t slash = len > 0 ? 1 : 0;
    if (len + slash + name_len >= MAX_PATH) {
        return false;
    }
    if (slash == 1) {
        path[len] = '/';
    }
    memcpy(path + len + slash, name, name_len);
    path[len + slash + name_len] = '\0';
    return true;
}

static void drop_component(char *path)
{
    char *slash = strrchr(path, '/');
    *(slash == NULL ? path : slash) = '\0';
}

/* Replaces the link just reached (the last component of done) by its target in front of rest. */
static bool follow(struct walk *w, const char *target)
{
    char joined[MAX_PATH];
    struct pls_text t = PLS_TEXT(joined);
    pls_text_add(&t, "%s/%s", target, w->rest);
    if (t.truncated || ++w->links > MAX_LINKS) {
        return false;
    }
    if (target[0] == '/') {
        w->done[0] = '\0';
    } else {
        drop_component(w->done);
    }
    return PLS_COPY(w->rest, joined);
}

/* Takes the first component off rest and puts it on done. False when a bound is exceeded. */
static bool step(int fd, struct walk *w, bool follow_last)
{
    const char *name = w->rest + strspn(w->rest, "/");
    size_t len = strcspn(name, "/");
    const char *next = name + len + strspn(name + len, "/");
    bool dot = len == 1 && name[0] == '.';
    bool dotdot = len == 2 && name[0] == '.' && name[1] == '.';
    bool ok = true;
    if (dotdot) {
        drop_component(w->done);
    } else if (len > 0 && !dot) {
        ok = append_component(w->done, name, len);
    }
    bool last = *next == '\0';
    memmove(w->rest, next, strlen(next) + 1);
    if (!ok || len == 0 || dot || dotdot || (last && !follow_last)) {
        return ok;
    }
    char target[MAX_PATH];
    ssize_t n = readlinkat(fd, w->done, target, sizeof(target) - 1);
    if (n < 0) {
        return true; /* not a link, or not there: opening it will say */
    }
    target[n] = '\0';
    return follow(w, target);
}

/* Writes the link-free path relative to the root ("." for the root itself). */
static bool resolve(const struct pls_root *root, const char *path, bool follow_last, char out[MAX_PATH])
{
    struct walk w = { .links = 0 };
    if (!PLS_COPY(w.rest, path)) {
        return false;
    }
    while (w.rest[0] != '\0') {
        if (!step(root->fd, &w, follow_last)) {
            return false;
        }
    }
    return pls_copy(out, MAX_PATH, w.done[0] == '\0' ? "." : w.done);
}

/* O_NONBLOCK: a recording may hold a FIFO, and opening one must not hang. */
static int open_beneath(const struct pls_root *root, const char *path, int flags)
{
    char plain[MAX_PATH];
    if (!resolve(root, path, true, plain)) {
        errno = ELOOP;
        return -1;
    }
    return openat(root->fd, plain, flags | O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

/* Reads until cap bytes or the end; sysfs may return less than asked. Returns -1 on error. */
static ssize_t read_up_to(int fd, char *out, size_t cap)
{
    size_t got = 0;
    while (got < cap) {
        ssize_t n = read(fd, out + got, cap - got);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -1;
        }
        if (n == 0) {
            break;
        }
        got += (size_t)n;
    }
    return (ssize_t)got;
}

enum pls_code pls_root_read(struct pls_root *root, const char *path, char *out, size_t cap, size_t *len,
                            struct pls_err *err)
{
    out[0] = '\0';
    int fd = open_beneath(root, path, 0);
    struct stat st;
    if (fd < 0) {
        return pls_fail(err, PLS_IO, "%s: %s", path, strerror(errno));
    }
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return pls_fail(err, PLS_IO, "%s: not a regular file", path);
    }
    ssize_t n = read_up_to(fd, out, cap - 1);
    int why = errno;
    char more = 0;
    bool longer = n >= 0 && (size_t)n == cap - 1 && read(fd, &more, 1) == 1;
    close(fd);
    out[n < 0 ? 0 : n] = '\0';
    if (len != NULL) {
        *len = n < 0 ? 0 : (size_t)n;
    }
    if (n < 0) {
        return pls_fail(err, PLS_IO, "%s: %s", path, strerror(why));
    }
    tell(root, path, out, (size_t)n);
    return longer ? pls_fail(err, PLS_LIMIT, "%s: longer than %zu bytes", path, cap - 1) : PLS_OK;
}

bool pls_root_read_u64(struct pls_root *root, const char *path, uint64_t *out)
{
    char text[64];
    if (pls_root_read(root, path, text, sizeof(text), NULL, NULL) != PLS_OK) {
        return false;
    }
    char *from = text + strspn(text, " \t\n");
    from[strspn(from, "0123456789")] = '\0';
    return pls_parse_u64(from, out);
}

bool pls_root_exists(struct pls_root *root, const char *path)
{
    char plain[MAX_PATH];
    struct stat st;
    bool exists = resolve(root, path, true, plain) && fstatat(root->fd, plain, &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (exists) {
        tell(root, path, NULL, 0);
    }
    return exists;
}

bool pls_root_link(struct pls_root *root, const char *path, char *out, size_t cap)
{
    char plain[MAX_PATH];
    out[0] = '\0';
    if (!resolve(root, path, false, plain)) {
        return false;
    }
    ssize_t n = readlinkat(root->fd, plain, out, cap - 1);
    out[n < 0 ? 0 : n] = '\0';
    return n >= 0 && (size_t)n < cap - 1;
}

/* "card2" before "card10": runs of digits compare as numbers, so that devices keep their order. */
static int compare_names(const void *a, const void *b)
{
    const char *x = *(char *const *)a;
    const char *y = *(char *const *)b;
    while (*x != '\0' && *y != '\0') {
        size_t nx = strspn(x, "0123456789");
        size_t ny = strspn(y, "0123456789");
        if (nx > 0 && ny > 0) {
            int order = nx != ny ? (nx < ny ? -1 : 1) : strncmp(x, y, nx);
            if (order != 0) {
                return order;
            }
            x += nx;
            y += ny;
        } else if (*x != *y) {
            break;
        } else {
            x++;
            y++;
        }
    }
    return (unsigned char)*x < (unsigned char)*y ? -1 : *x != *y;
}

struct names {
    char **name;
    size_t n, cap;
};

static bool add_name(struct names *all, const char *name)
{
    if (all->n == all->cap) {
        size_t cap = all->cap == 0 ? 64 : all->cap * 2;
        char **grown = realloc(all->name, cap * sizeof(*grown));
        if (grown == NULL) {
            return false;
        }
        all->name = grown;
        all->cap = cap;
    }
    size_t size = strlen(name) + 1;
    char *copy = malloc(size);
    if (copy == NULL) {
        return false;
    }
    memcpy(copy, name, size);
    all->name[all->n++] = copy;
    return true;
}

static bool gather_names(DIR *dir, struct names *all)
{
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        if (all->n >= MAX_ENTRIES || !add_name(all, entry->d_name)) {
            return false;
        }
    }
    return true;
}

enum pls_code pls_root_list(struct pls_root *root, const char *dir, pls_dir_visit *visit, void *context,
                            struct pls_err *err)
{
    int fd = open_beneath(root, dir, O_DIRECTORY);
    DIR *handle = fd < 0 ? NULL : fdopendir(fd);
    if (handle == NULL) {
        int why = errno;
        if (fd >= 0) {
            close(fd);
        }
        return pls_fail(err, PLS_IO, "%s: %s", dir, strerror(why));
    }
    struct names all = { NULL, 0, 0 };
    bool whole = gather_names(handle, &all);
    closedir(handle);
    if (whole && all.n > 0) {
        qsort(all.name, all.n, sizeof(*all.name), compare_names);
    }
    bool go_on = whole;
    for (size_t i = 0; i < all.n; i++) {
        go_on = go_on && visit(all.name[i], context);
        free(all.name[i]);
    }
    free(all.name);
    return whole ? PLS_OK : pls_fail(err, PLS_LIMIT, "%s: too many entries", dir);
}
