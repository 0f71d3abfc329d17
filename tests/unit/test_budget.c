/* Budgets by pencil: capacity, headroom, limits, reserve, what is free. */
#include <check.h>
#include <string.h>

#include "plimsoll/machine.h"
#include "unit.h"

static struct pls_machine server(uint64_t capacity_gib, uint64_t free_gib)
{
    struct pls_machine m = { .os = "linux" };
    struct pls_pool *ram = pls_machine_pool(&m, "ram", PLS_POOL_RAM);
    ram->capacity_bytes = capacity_gib * PLS_GIB;
    ram->free_bytes = free_gib * PLS_GIB;
    return m;
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

START_TEST(headroom_follows_size_and_system)
{
    struct pls_budget_policy p = pls_budget_policy_default();
    /* 4 % of 100 GiB is 4 GiB; of 8 GiB it is 0.32, so the floor of 0.75; of 512 GiB 20.5, so the cap of 8;
     * of 1 GiB half. */
    static const struct {
        uint64_t capacity, headroom;
    } rows[] = {
        { 100 * PLS_GIB, 4 * PLS_GIB },
        { 8 * PLS_GIB, 768 * PLS_MIB },
        { 512 * PLS_GIB, 8 * PLS_GIB },
        { PLS_GIB, 512 * PLS_MIB },
    };
    for (size_t i = 0; i < PLS_COUNT_OF(rows); i++) {
        struct pls_machine m = server(0, 0);
        m.pools[0].capacity_bytes = rows[i].capacity;
        pls_budget_apply(&m, &p);
        ck_assert_uint_eq(m.pools[0].reserved_bytes, rows[i].headroom);
        ck_assert_uint_eq(m.pools[0].budget_bytes, rows[i].capacity - rows[i].headroom);
    }
    struct pls_machine m = server(64, 0);
    m.has_desktop = true; /* 8 % of 64 = 5.12 GiB */
    pls_budget_apply(&m, &p);
    ck_assert_uint_eq(m.pools[0].reserved_bytes / PLS_MIB, 5242);
    m.is_wsl = true; /* the desktop is Windows', outside: 4 % = 2.56 GiB */
    pls_budget_apply(&m, &p);
    ck_assert_uint_eq(m.pools[0].reserved_bytes / PLS_MIB, 2621);
}
END_TEST

START_TEST(limits_cap_and_are_named)
{
    struct pls_machine m = server(100, 90);
    struct pls_budget_policy p = pls_budget_policy_default();
    struct pls_limit *limit =
        pls_pool_limit(&m.pools[0], "cgroup-v2", 10 * PLS_GIB, "/sys/fs/cgroup/a/memory.max");
    limit->used_bytes = 3 * PLS_GIB;
    p.reserve_bytes = 2 * PLS_GIB;
    pls_budget_apply(&m, &p);
    ck_assert_uint_eq(m.pools[0].budget_bytes, 8 * PLS_GIB); /* 10 - 2: the headroom lies outside the group */
    const struct pls_note *note = find_note(&m, "cgroup-v2");
    ck_assert_ptr_nonnull(note);
    ck_assert_str_eq(note->text, "ram is capped at 10.0 GiB of 100 GiB by /sys/fs/cgroup/a/memory.max");
    p.from_free = true;
    pls_budget_apply(&m, &p);
    ck_assert_uint_eq(m.pools[0].budget_bytes, 5 * PLS_GIB); /* 10 - 3 used - 2 */
    limit->bytes = 500 * PLS_GIB;
    p.from_free = false;
    pls_budget_apply(&m, &p);
    ck_assert_uint_eq(m.pools[0].budget_bytes, 94 * PLS_GIB); /* 100 - 4 - 2 */
    ck_assert_ptr_null(find_note(&m, "cgroup-v2"));
}
END_TEST

START_TEST(physical_limits_come_before_the_headroom)
{
    struct pls_machine m = server(100, 0);
    struct pls_budget_policy p = pls_budget_policy_default();
    pls_pool_limit(&m.pools[0], "hugepages", 60 * PLS_GIB, "/proc/meminfo HugePages_Total")->is_physical =
        true;
    pls_budget_apply(&m, &p);
    ck_assert_uint_eq(m.pools[0].budget_bytes, 56 * PLS_GIB); /* 60 - 4 */
    ck_assert_ptr_nonnull(find_note(&m, "hugepages"));
    pls_pool_limit(&m.pools[0], "rlimit-as", 20 * PLS_GIB, "/proc/self/limits");
    pls_budget_apply(&m, &p);
    ck_assert_uint_eq(m.pools[0].budget_bytes, 20 * PLS_GIB);
    ck_assert_ptr_nonnull(find_note(&m, "rlimit-as"));
}
END_TEST

START_TEST(applying_twice_changes_nothing)
{
    struct pls_machine m = server(100, 10);
    struct pls_budget_policy p = pls_budget_policy_default();
    pls_machine_note(&m, "vm", "kept");
    pls_pool_limit(&m.pools[0], "rlimit-as", 20 * PLS_GIB, "/proc/self/limits");
    pls_budget_apply(&m, &p);
    ck_assert_uint_eq(m.n_notes, 3); /* vm, rlimit-as, in-use */
    struct pls_machine once = m;
    pls_budget_apply(&m, &p);
    ck_assert_int_eq(memcmp(&once, &m, sizeof(m)), 0);
}
END_TEST

START_TEST(free_counts_when_asked)
{
    struct pls_machine m = server(64, 20);
    struct pls_budget_policy p = pls_budget_policy_default();
    pls_budget_apply(&m, &p);
    ck_assert_ptr_nonnull(find_note(&m, "in-use"));
    p.from_free = true;
    pls_budget_apply(&m, &p);
    ck_assert_uint_eq(m.pools[0].budget_bytes, 20 * PLS_GIB - 256 * PLS_MIB);
    ck_assert_ptr_null(find_note(&m, "in-use"));
    m.pools[0].free_bytes = 0;
    pls_budget_apply(&m, &p);
    ck_assert_ptr_nonnull(find_note(&m, "free-unknown"));
    p.reserve_bytes = 500 * PLS_GIB;
    pls_budget_apply(&m, &p);
    ck_assert_uint_eq(m.pools[0].budget_bytes, 0);
}
END_TEST

START_TEST(gpus_keep_a_margin_and_the_desktop_its_share)
{
    struct pls_machine m = server(64, 0);
    struct pls_budget_policy p = pls_budget_policy_default();
    struct pls_gpu *gpu = pls_machine_gpu(&m, "nvidia", PLS_POOL_VRAM);
    m.pools[1].capacity_bytes = 24 * PLS_GIB;
    pls_budget_apply(&m, &p);
    ck_assert_uint_eq(m.pools[1].budget_bytes, 24 * PLS_GIB - 256 * PLS_MIB);
    gpu->has_display = true;
    pls_budget_apply(&m, &p);
    ck_assert_uint_eq(m.pools[1].budget_bytes, 23 * PLS_GIB);
    m.pools[1].free_bytes = 20 * PLS_GIB;
    p.from_free = true;
    pls_budget_apply(&m, &p);
    ck_assert_uint_eq(m.pools[1].budget_bytes, 20 * PLS_GIB - 256 * PLS_MIB);
    ck_assert_str_eq(gpu->id, "gpu0");
    ck_assert_int_eq(m.pools[1].within, -1);
}
END_TEST

START_TEST(a_unified_pool_never_exceeds_ram)
{
    struct pls_machine m = server(64, 0);
    struct pls_budget_policy p = pls_budget_policy_default();
    memcpy(m.os, "macos", 6);
    pls_machine_gpu(&m, "apple", PLS_POOL_UNIFIED);
    m.pools[1].capacity_bytes = 64 * PLS_GIB;
    ck_assert_int_eq(m.pools[1].within, 0);
    pls_budget_apply(&m, &p);
    ck_assert_uint_eq(m.pools[0].budget_bytes / PLS_MIB, 58982); /* 64 - 6.4 GiB */
    ck_assert_uint_eq(m.pools[1].budget_bytes, m.pools[0].budget_bytes);
    pls_pool_limit(&m.pools[1], "working-set", 48 * PLS_GIB, "Metal");
    pls_budget_apply(&m, &p);
    ck_assert_uint_eq(m.pools[1].budget_bytes, 48 * PLS_GIB);
}
END_TEST

START_TEST(tables_name_both_ways)
{
    for (int b = PLS_BACKEND_CPU; b < PLS_BACKEND_COUNT; b++) {
        enum pls_backend back = PLS_BACKEND_NONE;
        ck_assert(pls_backend_by_name(pls_backend_name((enum pls_backend)b), &back));
        ck_assert_int_eq(back, b);
    }
    uint32_t named = 0;
    for (uint32_t i = 0; i < 32; i++) {
        const char *name = pls_isa_name((enum pls_isa)((uint32_t)1 << i));
        if (name != NULL) {
            named++;
            ck_assert_uint_eq(pls_isa_by_name(name), (uint32_t)1 << i);
        }
    }
    ck_assert_uint_eq(named, 16);
    ck_assert_uint_eq(pls_isa_by_name("mmx"), 0);
    ck_assert_ptr_null(pls_backend_name(PLS_BACKEND_NONE));
}
END_TEST

START_TEST(arrays_drop_what_exceeds_them)
{
    struct pls_machine m = server(1, 0);
    for (unsigned i = 0; i < 40; i++) {
        pls_machine_note(&m, "x", "%u", i);
        pls_pool_limit(&m.pools[0], "x", i, "x");
        pls_machine_gpu(&m, "x", PLS_POOL_VRAM);
    }
    ck_assert_uint_eq(m.n_notes, PLS_MAX_NOTES);
    ck_assert_uint_eq(m.pools[0].n_limits, PLS_MAX_LIMITS);
    ck_assert_uint_eq(m.n_gpus, PLS_MAX_GPUS);
    ck_assert_uint_eq(m.n_pools, PLS_MAX_GPUS + 1);
}
END_TEST

UNIT_MAIN("budget", headroom_follows_size_and_system, limits_cap_and_are_named,
          physical_limits_come_before_the_headroom, applying_twice_changes_nothing, free_counts_when_asked,
          gpus_keep_a_margin_and_the_desktop_its_share, a_unified_pool_never_exceeds_ram,
          tables_name_both_ways, arrays_drop_what_exceeds_them)
