/* The root: what leads out of a directory stays inside it. */
#define _GNU_SOURCE /* pthread_getattr_np */
#include <pthread.h>
#include <stdatomic.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "plimsoll/sys.h"
#include "plimsoll/text.h"
#include "tree.h"
#include "unit.h"

static char *make_tree(char *dir)
{
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chdir(dir), 0);
    ck_assert_int_eq(mkdir("in", 0755), 0);
    ck_assert_int_eq(mkdir("in/etc", 0755), 0);
    ck_assert_int_eq(mkdir("in/sys", 0755), 0);
    FILE *f = fopen("secret", "w");
    fputs("outside\n", f);
    fclose(f);
    f = fopen("in/etc/number", "w");
    fputs("  4096 kB\n", f);
    fclose(f);
    f = fopen("in/etc/secret", "w");
    fputs("inside\n", f);
    fclose(f);
    return dir;
}

static struct pls_root *open_tree(char *dir)
{
    char room[64];
    struct pls_text path = PLS_TEXT(room);
    struct pls_root *root = NULL;
    pls_text_add(&path, "%s/in", make_tree(dir));
    ck_assert_int_eq(pls_root_open(room, &root, NULL), PLS_OK);
    ck_assert(!pls_root_is_live(root));
    return root;
}

static void read_is(struct pls_root *root, const char *path, const char *want)
{
    char text[64];
    enum pls_code code = pls_root_read(root, path, text, sizeof(text), NULL, NULL);
    ck_assert_msg((code == PLS_OK) == (want != NULL), "%s: code %d", path, (int)code);
    ck_assert_str_eq(text, want == NULL ? "" : want);
}

START_TEST(dotdot_stops_at_the_root)
{
    char dir[] = "/tmp/plimsoll-XXXXXX";
    struct pls_root *root = open_tree(dir);
    read_is(root, "/../secret", NULL);
    read_is(root, "/../../../../etc/secret", "inside\n");
    read_is(root, "/etc/../../etc/./secret", "inside\n");
    read_is(root, "etc//secret", "inside\n");
    pls_root_close(root);
    tree_remove(dir);
}
END_TEST

START_TEST(links_stay_inside)
{
    char dir[] = "/tmp/plimsoll-XXXXXX";
    struct pls_root *root = open_tree(dir);
    ck_assert_int_eq(symlink("../secret", "in/up"), 0);
    ck_assert_int_eq(symlink("../../../../../../etc/passwd", "in/sys/far"), 0);
    ck_assert_int_eq(symlink("/etc/secret", "in/absolute"), 0);
    ck_assert_int_eq(symlink("/", "in/sys/top"), 0);
    ck_assert_int_eq(symlink("loop", "in/loop"), 0);
    ck_assert_int_eq(symlink("/etc", "in/sys/dir"), 0);
    read_is(root, "/up", NULL);                /* "/secret" of the machine, which it lacks */
    read_is(root, "/sys/far", NULL);           /* "/etc/passwd" of the machine */
    read_is(root, "/absolute", "inside\n");    /* absolute means: from the root of the machine */
    read_is(root, "/sys/top/../secret", NULL); /* ".." after a link counts from where it leads */
    read_is(root, "/sys/dir/../etc/secret", "inside\n");
    read_is(root, "/sys/dir/secret", "inside\n");
    read_is(root, "/loop", NULL);
    ck_assert(!pls_root_exists(root, "/up"));
    ck_assert(pls_root_exists(root, "/sys/dir/number"));
    char target[32];
    ck_assert(pls_root_link(root, "/absolute", target, sizeof(target)));
    ck_assert_str_eq(target, "/etc/secret");
    ck_assert(!pls_root_link(root, "/etc", target, sizeof(target)));
    pls_root_close(root);
    tree_remove(dir);
}
END_TEST

START_TEST(reads_are_bounded)
{
    char dir[] = "/tmp/plimsoll-XXXXXX";
    struct pls_root *root = open_tree(dir);
    char text[4];
    size_t len = 0;
    ck_assert_int_eq(pls_root_read(root, "/etc/secret", text, sizeof(text), &len, NULL), PLS_LIMIT);
    ck_assert_str_eq(text, "ins");
    ck_assert_uint_eq(len, 3);
    char exact[8]; /* "inside\n" and the NUL */
    ck_assert_int_eq(pls_root_read(root, "/etc/secret", exact, sizeof(exact), NULL, NULL), PLS_OK);
    struct pls_err err;
    ck_assert_int_eq(pls_root_read(root, "/etc", text, sizeof(text), NULL, &err), PLS_IO);
    ck_assert_str_eq(err.text, "/etc: not a regular file");
    ck_assert_int_eq(mkfifo("in/fifo", 0600), 0);
    ck_assert_int_eq(pls_root_read(root, "/fifo", text, sizeof(text), NULL, NULL), PLS_IO);
    pls_root_close(root);
    tree_remove(dir);
}
END_TEST

START_TEST(numbers_are_whole_or_absent)
{
    char dir[] = "/tmp/plimsoll-XXXXXX";
    struct pls_root *root = open_tree(dir);
    uint64_t n = 7;
    ck_assert(pls_root_read_u64(root, "/etc/number", &n));
    ck_assert_uint_eq(n, 4096);
    ck_assert(!pls_root_read_u64(root, "/etc/secret", &n));
    ck_assert(!pls_root_read_u64(root, "/etc/none", &n));
    ck_assert_uint_eq(n, 4096);
    pls_root_close(root);
    tree_remove(dir);
}
END_TEST

static bool join(const char *name, void *context)
{
    pls_text_add(context, "%s ", name);
    return strcmp(name, "card10") != 0;
}

START_TEST(lists_are_in_device_order)
{
    char dir[] = "/tmp/plimsoll-XXXXXX";
    struct pls_root *root = open_tree(dir);
    char room[64];
    struct pls_text t = PLS_TEXT(room);
    static const char *const names[] = { "in/sys/card10", "in/sys/card2", "in/sys/card1", "in/sys/card2-DP-1",
                                         "in/sys/z" };
    for (size_t i = 0; i < PLS_COUNT_OF(names); i++) {
        ck_assert_int_eq(mkdir(names[i], 0755), 0);
    }
    ck_assert_int_eq(pls_root_list(root, "/sys", join, &t, NULL), PLS_OK);
    ck_assert_str_eq(room, "card1 card2 card2-DP-1 card10 "); /* stopped there */
    ck_assert_int_eq(pls_root_list(root, "/none", join, &t, NULL), PLS_IO);
    pls_root_close(root);
    tree_remove(dir);
}
END_TEST

START_TEST(maps_files_only)
{
    char dir[] = "/tmp/plimsoll-XXXXXX";
    pls_root_close(open_tree(dir));
    struct pls_map map;
    ck_assert_int_eq(pls_map_open("secret", &map, NULL), PLS_OK);
    ck_assert_uint_eq(map.size, 8);
    ck_assert_int_eq(memcmp(map.data, "outside\n", 8), 0);
    pls_map_close(&map);
    ck_assert_ptr_null(map.data);
    fclose(fopen("empty", "w"));
    ck_assert_int_eq(pls_map_open("empty", &map, NULL), PLS_OK);
    ck_assert_ptr_null(map.data);
    pls_map_close(&map);
    ck_assert_int_eq(pls_map_open("in", &map, NULL), PLS_IO);
    ck_assert_int_eq(pls_map_open("none", &map, NULL), PLS_IO);
    tree_remove(dir);
}
END_TEST

START_TEST(libraries_may_be_absent)
{
    ck_assert_ptr_null(pls_dl_open("libplimsoll-no-such-thing.so.1"));
    struct pls_dl *self = pls_dl_open("libc.so.6");
    if (self != NULL) {
        ck_assert_ptr_nonnull(pls_dl_symbol(self, "malloc"));
        ck_assert_ptr_null(pls_dl_symbol(self, "no_such_function_anywhere"));
    }
    pls_dl_close(self);
}
END_TEST

struct tally {
    atomic_uint times[100];
    atomic_uint strangers; /* workers that were not hired */
    uint32_t n_workers;
};

static void count_item(uint32_t item, uint32_t worker, void *context)
{
    struct tally *tally = context;
    atomic_fetch_add(&tally->times[item], 1);
    atomic_fetch_add(&tally->strangers, worker >= tally->n_workers ? 1 : 0);
}

START_TEST(every_item_is_dealt_once)
{
    static const uint32_t workers[] = { 0, 1, 2, PLS_SYS_WORKERS, 1000 };
    for (size_t i = 0; i < PLS_COUNT_OF(workers); i++) {
        struct tally tally = { .n_workers = workers[i] < 1 ? 1 : workers[i] };
        pls_sys_deal(PLS_COUNT_OF(tally.times), workers[i], count_item, &tally);
        for (size_t k = 0; k < PLS_COUNT_OF(tally.times); k++) {
            ck_assert_uint_eq(tally.times[k], 1);
        }
        ck_assert_uint_eq(tally.strangers, 0);
    }
    pls_sys_deal(0, 2, count_item, NULL);
}
END_TEST

/* The least stack that a worker may have: musl's own choice is 128 KiB, and what a worker gets by default
 * elsewhere says nothing of it. */
static void measure_stack(uint32_t item, uint32_t worker, void *context)
{
    size_t *least = context;
    (void)item;
#ifdef __GLIBC__
    pthread_attr_t attributes;
    size_t size = 0;
    ck_assert_int_eq(pthread_getattr_np(pthread_self(), &attributes), 0);
    ck_assert_int_eq(pthread_attr_getstacksize(&attributes, &size), 0);
    pthread_attr_destroy(&attributes);
    least[worker] = size;
#else
    volatile char room[PLS_SYS_STACK / 4 * 3];
    room[0] = 1;
    room[sizeof(room) - 1] = room[0];
    least[worker] = sizeof(room);
#endif
    nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL); /* so that every worker has its turn */
}

START_TEST(workers_have_the_stack_they_are_promised)
{
    size_t least[4] = { 0 };
    pls_sys_deal(40, 4, measure_stack, least);
    for (size_t i = 1; i < PLS_COUNT_OF(least); i++) {
        ck_assert_uint_ge(least[i], PLS_SYS_STACK / 4 * 3);
        ck_assert_uint_le(least[i], 2 * PLS_SYS_STACK); /* asked for, not the system's habit */
    }
}
END_TEST

UNIT_MAIN("sys", dotdot_stops_at_the_root, links_stay_inside, reads_are_bounded, numbers_are_whole_or_absent,
          lists_are_in_device_order, maps_files_only, libraries_may_be_absent, every_item_is_dealt_once,
          workers_have_the_stack_they_are_promised)
