/* plimsoll/sys.h - the operating system behind four small objects: root, mapping, library, clock.
 *
 * Every file the probe reads goes through a root (openat on a directory), so that --sysroot DIR replays a
 * recorded machine; no code asks whether it is a replay. Paths given to a root are absolute in the machine's
 * own view.
 */
#ifndef PLIMSOLL_SYS_H
#define PLIMSOLL_SYS_H

#include "plimsoll/base.h"

/* A directory handle. Links and ".." in a path never lead outside it: an absolute link starts again at the
 * root, as on the machine that was recorded. A path is at most 2047 bytes and 40 links. */
struct pls_root;
enum pls_code pls_root_open(const char *dir, struct pls_root **out, struct pls_err *err); /* NULL: "/" */
void pls_root_close(struct pls_root *root);                 /* NULL is fine */
/* opened on NULL: for what no file can tell (CPUID, dlopen) */
bool pls_root_is_live(const struct pls_root *root);
const char *pls_root_path(const struct pls_root *root);     /* as given; "/" when live: for error sentences */
/* Reads at most cap - 1 bytes and NUL-terminates. *len (may be NULL) gets the length. PLS_IO when unreadable
 * or not a regular file (out is then empty), PLS_LIMIT when it was longer (out then holds the beginning). */
enum pls_code pls_root_read(struct pls_root *root, const char *path, char *out, size_t cap, size_t *len,
                            struct pls_err *err);
/* The decimal number a file begins with. False, *out untouched: unreadable, no number ("max", "-1") or above
 * 64 bits. */
bool pls_root_read_u64(struct pls_root *root, const char *path, uint64_t *out);
bool pls_root_exists(struct pls_root *root, const char *path);
/* Target of a symbolic link, as stored. False when it is no link or does not fit. */
bool pls_root_link(struct pls_root *root, const char *path, char *out, size_t cap);
/* Calls visit for each entry in name order, numbers within names by value ("card2" before "card10"; "." and
 * ".." left out); stops when it returns false. */
typedef bool pls_dir_visit(const char *name, void *context);
enum pls_code pls_root_list(struct pls_root *root, const char *dir, pls_dir_visit *visit, void *context,
                            struct pls_err *err);

/* Tells what is found from now on: each file read (data, len) and each path that exists (data NULL). How a
 * machine is recorded: by letting the probe run and keeping what it saw. NULL ends it. */
typedef void pls_root_witness(const char *path, const char *data, size_t len, void *context);
void pls_root_watch(struct pls_root *root, pls_root_witness *witness, void *context);

/* A read-only file mapping. data is NULL for an empty file. */
struct pls_map {
    const unsigned char *data;
    uint64_t size;
};
enum pls_code pls_map_open(const char *path, struct pls_map *out, struct pls_err *err);
void pls_map_close(struct pls_map *map);

/* Vendor libraries at run time. name is a soname; NULL result when it is not installed. */
struct pls_dl;
struct pls_dl *pls_dl_open(const char *name);
void *pls_dl_symbol(struct pls_dl *dl, const char *symbol);
void pls_dl_close(struct pls_dl *dl);

uint64_t pls_clock_ns(void);        /* monotonic */
uint64_t pls_clock_wall_s(void);    /* seconds since 1970 */

/* The running processor and its memory, for kernels and their benchmark. */
uint32_t pls_sys_isa(void);         /* enum pls_isa bits that processor and operating system both support */
/* processors this process may use (cpuset, affinity); 1..cap */
uint32_t pls_sys_cpus(uint32_t *ids, uint32_t cap);
bool pls_sys_pin(uint32_t id);      /* binds the calling thread; false where the system cannot */
/* zeroed, page aligned; large pages asked for or left to the system's habit; NULL when there is no memory */
void *pls_sys_pages(size_t bytes, bool large);
void pls_sys_pages_free(void *pages, size_t bytes);
/* Runs job(item, worker, context) once for every item below n, on the calling thread (worker 0) and up to
 * n_workers - 1 more, PLS_SYS_WORKERS in all, each with PLS_SYS_STACK bytes of stack; returns when all are
 * done. Items come in no order to speak of. A thread that can't be had is done without. */
enum { PLS_SYS_WORKERS = 8, PLS_SYS_STACK = 1 << 20 };
typedef void pls_sys_job(uint32_t item, uint32_t worker, void *context);
void pls_sys_deal(uint32_t n, uint32_t n_workers, pls_sys_job *job, void *context);
/* physical memory as sysconf counts it; 0 unknown. Limits are the probe's business */
uint64_t pls_sys_ram_bytes(void);

#endif
