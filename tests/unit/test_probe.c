/* Recorded machines (tests/machines, named by shape): one recording, many questions. Run from the repository
 * root. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plimsoll/probe.h"
#include "plimsoll/text.h"
#include "unit.h"

static void probe_into(const char *name, struct pls_machine *m)
{
    char room[128];
    struct pls_text path = PLS_TEXT(room);
    struct pls_root *root = NULL;
    struct pls_err err = { PLS_OK, "" };
    pls_text_add(&path, "tests/machines/%s", name);
    ck_assert_int_eq(pls_root_open(room, &root, &err), PLS_OK);
    ck_assert_msg(pls_probe(root, m, &err) == PLS_OK, "%s: %s", name, err.text);
    pls_root_close(root);
}

static const struct pls_note *find_note(const struct pls_machine *m, const char *code)
{
    for (uint32_t i = 0; i < m->n_notes; i++) {
        if (strcmp(m->notes[i].code, code) == 0) {
            return &m->notes[i];
        }
    }
    return NULL;
}

static const struct pls_limit *find_limit(const struct pls_pool *pool, const char *code)
{
    for (uint32_t i = 0; i < pool->n_limits; i++) {
        if (strcmp(pool->limits[i].code, code) == 0) {
            return &pool->limits[i];
        }
    }
    return NULL;
}

START_TEST(plain_server)
{
    struct pls_machine m;
    probe_into("plain-8c16t-64g", &m);
    ck_assert_str_eq(m.os, "linux");
    ck_assert_str_eq(m.os_version, "6.1.0-40-amd64");
    ck_assert_str_eq(m.arch, "x86_64");
    ck_assert_str_eq(m.cpu.name, "AMD Ryzen 7 7700 8-Core Processor");
    ck_assert_uint_eq(m.cpu.cores, 8);
    ck_assert_uint_eq(m.cpu.threads, 16);
    ck_assert_uint_eq(m.cpu.n_tiers, 0);
    ck_assert_uint_eq(m.cpu.n_packages, 1);
    ck_assert_uint_eq(m.cpu.n_numa, 1);
    ck_assert_uint_eq(m.cpu.l1d_bytes, 32 * PLS_KIB);
    ck_assert_uint_eq(m.cpu.l2_bytes, PLS_MIB);
    ck_assert_uint_eq(m.cpu.l3_bytes, 32 * PLS_MIB);
    ck_assert(m.cpu.quota_cpus <= 0);
    ck_assert_uint_eq(m.cpu.isa, PLS_ISA_AVX | PLS_ISA_AVX2 | PLS_ISA_FMA | PLS_ISA_F16C | PLS_ISA_AVX512
                                     | PLS_ISA_AVX512_VNNI | PLS_ISA_AVX512_BF16 | PLS_ISA_AVX512_VBMI);
    ck_assert_uint_eq(m.n_pools, 1);
    ck_assert_uint_eq(m.pools[0].capacity_bytes, 65535040 * PLS_KIB);
    ck_assert_uint_eq(m.pools[0].free_bytes, 63000000 * PLS_KIB);
    ck_assert_uint_eq(m.pools[0].n_limits, 0);
    ck_assert_int_eq(m.pools[0].within, -1);
    ck_assert_int_eq(m.pools[0].origin, PLS_ORIGIN_UNKNOWN);
    ck_assert_uint_eq(m.swap_bytes, 8388604 * PLS_KIB);
    ck_assert(!m.is_container && !m.is_vm && !m.is_wsl && !m.has_desktop);
    ck_assert_uint_eq(m.n_notes, 0);
}
END_TEST

/* worker 16 GiB < pool "max" < llm.service max 12 GiB, high 10 GiB < system.slice "max": 10 GiB is in force.
 * Used under it: 7 GiB current less 4 GiB inactive_file = 3 GiB, so 7 GiB are free. */
START_TEST(cgroup2_limit_two_levels_up)
{
    struct pls_machine m;
    probe_into("cgroup2-nested-4c-32g", &m);
    const struct pls_limit *limit = find_limit(&m.pools[0], "cgroup-v2");
    ck_assert_ptr_nonnull(limit);
    ck_assert_uint_eq(limit->bytes, 10 * PLS_GIB);
    ck_assert_uint_eq(limit->used_bytes, 3 * PLS_GIB);
    ck_assert_str_eq(limit->path, "/sys/fs/cgroup/system.slice/llm.service/memory.high");
    ck_assert_uint_eq(m.pools[0].n_limits, 1);
    ck_assert_uint_eq(m.pools[0].capacity_bytes, 32768000 * PLS_KIB);
    ck_assert_uint_eq(m.pools[0].free_bytes, 7 * PLS_GIB);
    ck_assert_double_eq_tol(m.cpu.quota_cpus, 2.5, 1e-9);
    ck_assert_uint_eq(m.cpu.threads, 4);
    ck_assert_ptr_nonnull(find_note(&m, "cpu-quota"));
    struct pls_budget_policy p = pls_budget_policy_default();
    pls_budget_apply(&m, &p);
    ck_assert_uint_eq(m.pools[0].budget_bytes, 10 * PLS_GIB);
    p.from_free = true;
    pls_budget_apply(&m, &p);
    ck_assert_uint_eq(m.pools[0].budget_bytes, 7 * PLS_GIB - 256 * PLS_MIB);
}
END_TEST

START_TEST(cgroup1_limit_on_the_parent)
{
    struct pls_machine m;
    probe_into("cgroup1-limit-8g", &m);
    const struct pls_limit *limit = find_limit(&m.pools[0], "cgroup-v1");
    ck_assert_ptr_nonnull(limit);
    ck_assert_uint_eq(limit->bytes, 8 * PLS_GIB);
    ck_assert_uint_eq(limit->used_bytes,
                      PLS_GIB); /* 3 GiB less 2 GiB total_inactive_file, not the 0 of inactive_file */
    ck_assert_str_eq(limit->path, "/sys/fs/cgroup/memory/slurm/job_77/memory.limit_in_bytes");
    ck_assert_uint_eq(m.pools[0].n_limits, 1); /* 2^63 - 4096 is no limit */
    ck_assert_double_eq_tol(m.cpu.quota_cpus, 4, 1e-9);
    ck_assert(m.is_vm && !m.is_container);
    ck_assert_uint_eq(m.cpu.isa, PLS_ISA_AVX | PLS_ISA_AVX2 | PLS_ISA_FMA | PLS_ISA_F16C);
}
END_TEST

START_TEST(container_with_a_namespace)
{
    struct pls_machine m;
    probe_into("container-cgroupns-4g", &m);
    const struct pls_limit *limit = find_limit(&m.pools[0], "cgroup-v2");
    ck_assert(m.is_container);
    ck_assert_ptr_nonnull(limit);
    ck_assert_uint_eq(limit->bytes, 4 * PLS_GIB);
    ck_assert_str_eq(limit->path, "/sys/fs/cgroup/memory.max");
    ck_assert_uint_eq(limit->used_bytes, PLS_GIB - 256 * PLS_MIB);
    ck_assert_double_eq_tol(m.cpu.quota_cpus, 0.5, 1e-9);
    ck_assert_uint_eq(m.cpu.threads, 4); /* Cpus_allowed_list 0-3 of 16, siblings 8-11 not among them */
    ck_assert_uint_eq(m.cpu.cores, 4);
    ck_assert_ptr_nonnull(find_note(&m, "container"));
}
END_TEST

START_TEST(container_that_sees_only_its_own_group)
{
    struct pls_machine m;
    probe_into("container-v1-bind-2g", &m);
    const struct pls_limit *limit = find_limit(&m.pools[0], "cgroup-v1");
    ck_assert(m.is_container);
    ck_assert_ptr_nonnull(limit);
    ck_assert_uint_eq(limit->bytes, 2 * PLS_GIB);
    ck_assert_uint_eq(limit->used_bytes, 500 * PLS_MIB);
    ck_assert_str_eq(limit->path, "/sys/fs/cgroup/memory/memory.limit_in_bytes");
    ck_assert_uint_eq(m.cpu.threads, 2);
}
END_TEST

START_TEST(hybrid_processor_by_xml)
{
    struct pls_machine m;
    probe_into("hybrid-6p8e-32g", &m);
    ck_assert_uint_eq(m.cpu.cores, 14);
    ck_assert_uint_eq(m.cpu.threads, 20);
    ck_assert_uint_eq(m.cpu.n_tiers, 2); /* 4.6 and 4.7 GHz P cores are one tier */
    ck_assert_str_eq(m.cpu.tiers[0].name, "Performance");
    ck_assert_uint_eq(m.cpu.tiers[0].cores, 6);
    ck_assert_str_eq(m.cpu.tiers[1].name, "Efficiency");
    ck_assert_uint_eq(m.cpu.tiers[1].cores, 8);
    ck_assert_uint_eq(m.cpu.l1d_bytes, 48 * PLS_KIB);
    ck_assert_uint_eq(m.cpu.l3_bytes, 24 * PLS_MIB);
    ck_assert(m.cpu.isa & PLS_ISA_AVX_VNNI);
    ck_assert(m.has_desktop);
    ck_assert_uint_eq(m.n_gpus, 0); /* integrated graphics without a driver */
    ck_assert_ptr_null(find_note(&m, "numa-under-reports"));
}
END_TEST

START_TEST(hybrid_processor_by_sysfs)
{
    struct pls_machine m;
    probe_into("hybrid-sysfs-1p4e-8g", &m);
    ck_assert_uint_eq(m.cpu.cores, 5);
    ck_assert_uint_eq(m.cpu.n_tiers, 2); /* 3.0 and 2.8 GHz are near, but the designs differ */
    ck_assert_uint_eq(m.cpu.tiers[0].cores, 1);
    ck_assert_uint_eq(m.cpu.tiers[1].cores, 4);
    ck_assert_uint_eq(m.cpu.isa, 0); /* no AVX at all */
}
END_TEST

START_TEST(numa_with_huge_pages)
{
    struct pls_machine m;
    probe_into("numa-2s16c-128g", &m);
    ck_assert_uint_eq(m.cpu.n_packages, 2);
    ck_assert_uint_eq(m.cpu.n_numa, 2);
    ck_assert_uint_eq(m.cpu.cores, 16);
    ck_assert_uint_eq(m.cpu.threads, 32);
    uint64_t total = 67404795904 + 67603312640;
    ck_assert_uint_eq(m.pools[0].capacity_bytes, total);
    const struct pls_limit *limit = find_limit(&m.pools[0], "hugepages");
    ck_assert_ptr_nonnull(limit);
    ck_assert_uint_eq(limit->bytes, total - 4 * PLS_GIB); /* 2048 pages of 2 MiB */
    ck_assert(limit->is_physical);
    ck_assert_ptr_null(find_limit(&m.pools[0], "cpuset-mems"));
}
END_TEST

START_TEST(numa_confined_to_one_node)
{
    struct pls_machine m;
    probe_into("numa-cpuset-1node", &m);
    const struct pls_limit *limit = find_limit(&m.pools[0], "cpuset-mems");
    ck_assert_ptr_nonnull(limit);
    ck_assert_uint_eq(limit->bytes, 67404795904);
    ck_assert(limit->is_physical);
    ck_assert_uint_eq(m.cpu.threads, 16);
    ck_assert_uint_eq(m.cpu.cores, 8);
    ck_assert_ptr_null(find_note(&m, "numa-under-reports"));
}
END_TEST

START_TEST(memory_added_after_boot)
{
    struct pls_machine m;
    probe_into("vm-hotplug-2c-24g", &m);
    ck_assert_uint_eq(m.pools[0].capacity_bytes, 24684096 * PLS_KIB); /* not the 5 GiB of the node */
    const struct pls_note *note = find_note(&m, "numa-under-reports");
    ck_assert_ptr_nonnull(note);
    ck_assert_ptr_nonnull(strstr(note->text, "5.00 GiB"));
    ck_assert_ptr_nonnull(strstr(note->text, "MemTotal is believed"));
    ck_assert(m.is_vm);
    ck_assert(m.cpu.isa & PLS_ISA_AMX_INT8);
    const struct pls_limit *limit = find_limit(&m.pools[0], "rlimit-as");
    ck_assert_ptr_nonnull(limit);
    ck_assert_uint_eq(limit->bytes, 16 * PLS_GIB);
}
END_TEST

START_TEST(windows_subsystem)
{
    struct pls_machine m;
    probe_into("wsl2-16g", &m);
    ck_assert(m.is_wsl && m.is_vm);
    ck_assert_ptr_nonnull(find_note(&m, "wsl"));
    ck_assert_str_eq(m.os, "linux");
    ck_assert_str_eq(m.os_version, "5.15.167.4-microsoft-standard-WSL2");
}
END_TEST

START_TEST(small_arm_board)
{
    struct pls_machine m;
    probe_into("raspberry-pi-5-8g", &m);
    ck_assert_str_eq(m.arch, "arm64");
    ck_assert_str_eq(m.cpu.name, "Raspberry Pi 5 Model B Rev 1.0");
    ck_assert_uint_eq(m.cpu.isa, PLS_ISA_NEON | PLS_ISA_DOTPROD | PLS_ISA_FP16);
    ck_assert_uint_eq(m.cpu.cores, 4);
    ck_assert_uint_eq(m.cpu.l2_bytes, 512 * PLS_KIB);
}
END_TEST

START_TEST(an_empty_root_is_one_clear_line)
{
    char dir[] = "/tmp/plimsoll-XXXXXX";
    struct pls_root *root = NULL;
    struct pls_machine m;
    struct pls_err err;
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(pls_root_open(dir, &root, NULL), PLS_OK);
    ck_assert_int_ne(pls_probe(root, &m, &err), PLS_OK);
    ck_assert_ptr_nonnull(strstr(err.text, "/proc/meminfo"));
    pls_root_close(root);
    ck_assert_int_eq(rmdir(dir), 0);
    ck_assert_int_eq(pls_root_open("/no/such/dir", &root, &err), PLS_IO);
    ck_assert_str_eq(err.text, "/no/such/dir: No such file or directory");
}
END_TEST

START_TEST(xml_of_another_machine)
{
    struct pls_machine m;
    struct pls_err err;
    ck_assert_int_eq(pls_probe_xml("tests/machines/numa-2s16c-128g/hwloc.xml", &m, &err), PLS_OK);
    ck_assert_uint_eq(m.pools[0].capacity_bytes, 67404795904 + 67603312640);
    ck_assert_str_eq(m.cpu.name, "Intel(R) Xeon(R) Silver 4110 CPU @ 2.10GHz");
    ck_assert_uint_eq(m.cpu.cores, 16);
    ck_assert_str_eq(m.os, "linux");
    ck_assert_int_eq(pls_probe_xml("tests/unit/test_probe.c", &m, &err), PLS_FORMAT);
    ck_assert_int_eq(pls_probe_xml("/dev/null", &m, &err), PLS_IO);
    ck_assert_int_eq(pls_probe_xml("/no/such.xml", &m, &err), PLS_IO);
}
END_TEST

/* The machine the tests run on, whatever it is. */
START_TEST(live_machine_is_consistent)
{
    struct pls_root *root = NULL;
    struct pls_machine m;
    uint64_t kib = 0;
    char text[4096];
    ck_assert_int_eq(pls_root_open(NULL, &root, NULL), PLS_OK);
    ck_assert(pls_root_is_live(root));
    ck_assert_int_eq(pls_probe(root, &m, NULL), PLS_OK);
    pls_root_read(root, "/proc/meminfo", text, sizeof(text), NULL, NULL);
    const char *line = strstr(text, "MemTotal:");
    if (line != NULL) {
        kib = strtoull(line + 9, NULL, 10);
        ck_assert_uint_ge(m.pools[0].capacity_bytes * 100, kib * PLS_KIB * 99);
        ck_assert_uint_le(m.pools[0].capacity_bytes * 100, kib * PLS_KIB * 101);
    }
    ck_assert_uint_ge(m.cpu.threads, 1);
    ck_assert_uint_ge(m.cpu.threads, m.cpu.cores);
    ck_assert_str_ne(m.cpu.name, "");
    ck_assert_uint_le(m.pools[0].free_bytes, m.pools[0].capacity_bytes);
    pls_root_close(root);
}
END_TEST

UNIT_MAIN("probe", plain_server, cgroup2_limit_two_levels_up, cgroup1_limit_on_the_parent,
          container_with_a_namespace, container_that_sees_only_its_own_group, hybrid_processor_by_xml,
          hybrid_processor_by_sysfs, numa_with_huge_pages, numa_confined_to_one_node, memory_added_after_boot,
          windows_subsystem, small_arm_board, an_empty_root_is_one_clear_line, xml_of_another_machine,
          live_machine_is_consistent)
