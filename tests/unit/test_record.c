/* A recording answers like the machine it was made of, and does not say whose it was. */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plimsoll/probe.h"
#include "plimsoll/text.h"
#include "tree.h"
#include "unit.h"

static char scratch[] = "/tmp/plimsoll-record-XXXXXX";

static void record(const char *from, const char *to, struct pls_machine *m)
{
    struct pls_root *root = NULL;
    struct pls_err err = { PLS_OK, "" };
    ck_assert_int_eq(pls_root_open(from, &root, &err), PLS_OK);
    ck_assert_msg(pls_probe_record(root, to, m, &err) == PLS_OK, "%s: %s", from == NULL ? "/" : from,
                  err.text);
    pls_root_close(root);
}

static void probe_at(const char *dir, struct pls_machine *m)
{
    struct pls_root *root = NULL;
    struct pls_err err = { PLS_OK, "" };
    ck_assert_int_eq(pls_root_open(dir, &root, &err), PLS_OK);
    ck_assert_msg(pls_probe(root, m, &err) == PLS_OK, "%s: %s", dir, err.text);
    pls_root_close(root);
}

/* Paths name renamed groups. */
static void forget_what_may_differ(struct pls_machine *m)
{
    for (uint32_t p = 0; p < m->n_pools; p++) {
        for (uint32_t i = 0; i < m->pools[p].n_limits; i++) {
            memset(m->pools[p].limits[i].path, 0, sizeof(m->pools[p].limits[i].path));
        }
    }
}

START_TEST(every_recording_can_be_recorded_again)
{
    DIR *machines = opendir("tests/machines");
    const struct dirent *entry;
    unsigned n = 0;
    ck_assert_ptr_nonnull(machines);
    ck_assert_ptr_nonnull(mkdtemp(scratch));
    while ((entry = readdir(machines)) != NULL) {
        char from[512];
        char to[512];
        struct pls_text f = PLS_TEXT(from);
        struct pls_text t = PLS_TEXT(to);
        static struct pls_machine first;
        static struct pls_machine again;
        if (entry->d_name[0] == '.' || pls_text_starts(entry->d_name, "xml-")) {
            continue;
        }
        pls_text_add(&f, "tests/machines/%s", entry->d_name);
        pls_text_add(&t, "%s/%s", scratch, entry->d_name);
        record(from, to, &first);
        probe_at(to, &again);
        forget_what_may_differ(&first);
        forget_what_may_differ(&again);
        ck_assert_str_eq(first.cpu.name, again.cpu.name);
        ck_assert_msg(memcmp(&first.cpu, &again.cpu, sizeof(first.cpu)) == 0, "%s: processors differ", from);
        ck_assert_msg(memcmp(first.pools, again.pools, sizeof(first.pools)) == 0, "%s: pools differ", from);
        ck_assert_msg(memcmp(first.gpus, again.gpus, sizeof(first.gpus)) == 0, "%s: GPUs differ", from);
        ck_assert_msg(first.is_container == again.is_container && first.is_vm == again.is_vm
                          && first.is_wsl == again.is_wsl && first.has_desktop == again.has_desktop,
                      "%s: hosts differ", from);
        n++;
    }
    closedir(machines);
    ck_assert_uint_ge(n, 20);
    tree_remove(scratch);
}
END_TEST

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    ck_assert_msg(f != NULL, "%s", path);
    fputs(text, f);
    fclose(f);
}

static void make_dirs(const char *path)
{
    char room[256];
    PLS_COPY(room, path);
    for (char *at = strchr(room + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
        *at = '\0';
        mkdir(room, 0755);
        *at = '/';
    }
    mkdir(room, 0755);
}

/* Greps a tree through grep(1)'s simplest form: reads every file. True when the word stands in one. */
static bool tree_holds(const char *dir, const char *word)
{
    DIR *handle = opendir(dir);
    const struct dirent *entry;
    bool found = false;
    while (handle != NULL && (entry = readdir(handle)) != NULL) {
        char path[1024];
        struct pls_text t = PLS_TEXT(path);
        static char text[1 << 20];
        pls_text_add(&t, "%s/%s", dir, entry->d_name);
        if (entry->d_name[0] == '.' && (entry->d_name[1] == '\0' || entry->d_name[1] == '.')) {
            continue;
        }
        found = found || strstr(entry->d_name, word) != NULL || tree_holds(path, word);
        FILE *f = fopen(path, "r");
        size_t len = f == NULL ? 0 : fread(text, 1, sizeof(text) - 1, f);
        text[len] = '\0';
        for (size_t i = 0; i < len; i++) { /* SMBIOS entries hold zeros */
            text[i] = text[i] == '\0' ? ' ' : text[i];
        }
        found = found || strstr(text, word) != NULL;
        if (f != NULL) {
            fclose(f);
        }
    }
    if (handle != NULL) {
        closedir(handle);
    }
    return found;
}

START_TEST(a_recording_keeps_names_to_itself)
{
    char dir[] = "/tmp/plimsoll-secret-XXXXXX";
    struct pls_machine m;
    struct pls_machine again;
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chdir(dir), 0);
    make_dirs("in/proc/self");
    make_dirs("in/sys/fs/cgroup/user.slice/user-4711.slice/hush-project.service");
    write_file("in/proc/meminfo", "MemTotal: 16000000 kB\nMemAvailable: 15000000 kB\n");
    write_file("in/proc/cpuinfo",
               "processor\t: 0\nmodel name\t: A CPU\nflags\t\t: avx\nSerial\t\t: SECRETSERIAL\n");
    write_file("in/proc/self/cgroup", "0::/user.slice/user-4711.slice/hush-project.service\n");
    write_file("in/proc/self/mountinfo",
               "28 1 259:2 / / rw - ext4 /dev/mapper/secretdisk rw\n29 28 0:40 / /home/secretuser rw - nfs "
               "secrethost:/x rw\n30 28 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    write_file("in/proc/self/status",
               "Name:\tplimsoll\nUid:\t4711\nCpus_allowed_list:\t0\nMems_allowed_list:\t0\n");
    write_file("in/sys/fs/cgroup/user.slice/user-4711.slice/hush-project.service/memory.max", "1073741824\n");
    record("in", "out", &m);
    ck_assert_uint_eq(m.pools[0].n_limits, 1);
    probe_at("out", &again);
    ck_assert_uint_eq(again.pools[0].n_limits, 1);
    ck_assert_uint_eq(again.pools[0].limits[0].bytes, PLS_GIB);
    ck_assert_str_eq(again.pools[0].limits[0].path, "/sys/fs/cgroup/user.slice/g1/g2/memory.max");
    ck_assert_str_eq(again.cpu.name, "A CPU");
    static const char *const secrets[] = { "SECRETSERIAL", "4711", "hush", "secret" };
    for (size_t i = 0; i < PLS_COUNT_OF(secrets); i++) {
        ck_assert_msg(!tree_holds("out", secrets[i]), "%s is in the recording", secrets[i]);
    }
    ck_assert(tree_holds("out", "A CPU"));
    struct pls_root *root = NULL;
    struct pls_err err;
    ck_assert_int_eq(pls_root_open("in", &root, NULL), PLS_OK);
    ck_assert_int_eq(pls_probe_record(root, "out", &m, &err), PLS_IO); /* never over another one */
    ck_assert_ptr_nonnull(strstr(err.text, "not empty"));
    ck_assert_int_eq(pls_probe_record(root, "/proc/none", &m, &err), PLS_IO);
    pls_root_close(root);
    tree_remove(dir);
}
END_TEST

START_TEST(modules_keep_their_speed_and_lose_their_numbers)
{
    char dir[] = "/tmp/plimsoll-dimm-XXXXXX";
    /* 16 GiB, 64 bits, DDR4 at 3200 of 3200 MT/s */
    unsigned char entry[0x28 + 64] = { 17, 0x28, 0, 0, [0x08] = 72, [0x0A] = 64, [0x0D] = 0x40, [0x12] = 26,
                                       [0x15] = 0x80, [0x16] = 0x0C, [0x20] = 0x80, [0x21] = 0x0C };
    static const char strings[] = "Makers hush\0DIMM_A1\0secretserial\0BANK 0\0";
    struct pls_machine m;
    struct pls_machine again;
    entry[0x10] = 2;
    entry[0x11] = 4;
    entry[0x17] = 1;
    entry[0x18] = 3;
    memcpy(entry + 0x28, strings, sizeof(strings));
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chdir(dir), 0);
    make_dirs("in/proc/self");
    make_dirs("in/sys/firmware/dmi/entries/17-0");
    write_file("in/proc/meminfo", "MemTotal: 16000000 kB\nMemAvailable: 15000000 kB\n");
    FILE *f = fopen("in/sys/firmware/dmi/entries/17-0/raw", "wb");
    ck_assert_ptr_nonnull(f);
    fwrite(entry, 1, 0x28 + sizeof(strings), f);
    fclose(f);
    record("in", "out", &m);
    probe_at("out", &again);
    ck_assert_double_eq_tol(m.pools[0].bandwidth_gbs, 25.6, 1e-9); /* 64 bits x 3200 MT/s / 8000 */
    ck_assert_double_eq_tol(again.pools[0].bandwidth_gbs, 25.6, 1e-9);
    ck_assert(!tree_holds("out", "secretserial") && !tree_holds("out", "hush"));
    tree_remove(dir);
}
END_TEST

START_TEST(this_machine_can_be_recorded)
{
    char dir[] = "/tmp/plimsoll-live-XXXXXX";
    char host[256] = "";
    struct pls_machine live;
    struct pls_machine replayed;
    ck_assert_ptr_nonnull(mkdtemp(dir));
    record(NULL, dir, &live);
    probe_at(dir, &replayed);
    ck_assert_uint_eq(live.pools[0].capacity_bytes, replayed.pools[0].capacity_bytes);
    ck_assert_uint_eq(live.cpu.threads, replayed.cpu.threads);
    ck_assert_uint_eq(live.cpu.cores, replayed.cpu.cores);
    ck_assert_uint_eq(live.n_gpus, replayed.n_gpus);
    gethostname(host, sizeof(host) - 1);
    if (strlen(host) > 5) { /* a short name may be a word of a processor's */
        ck_assert_msg(!tree_holds(dir, host), "%s is in the recording", host);
    }
    tree_remove(dir);
}
END_TEST

UNIT_MAIN("record", every_recording_can_be_recorded_again, a_recording_keeps_names_to_itself, modules_keep_their_speed_and_lose_their_numbers,
          this_machine_can_be_recorded)
