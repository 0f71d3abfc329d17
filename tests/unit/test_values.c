/* Machines known by named values: Macs of every generation and FreeBSD, interpreted away from home. */
#include <check.h>
#include <string.h>

#include "probe/parts.h"
#include "unit.h"

static void probe_into(const char *name, struct pls_machine *m)
{
    char room[128];
    struct pls_text path = PLS_TEXT(room);
    struct pls_root *root = NULL;
    struct pls_err err = { PLS_OK, "" };
    struct pls_budget_policy p = pls_budget_policy_default();
    pls_text_add(&path, "tests/machines/%s", name);
    ck_assert_int_eq(pls_root_open(room, &root, &err), PLS_OK);
    ck_assert_msg(pls_probe(root, m, &err) == PLS_OK, "%s: %s", name, err.text);
    pls_root_close(root);
    pls_budget_apply(m, &p);
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

START_TEST(values_keep_names_and_text)
{
    static struct pls_values v;
    uint64_t n = 0;
    v.n = 0;
    pls_values_parse(&v,
                     "# comment\na.b: 12\r\nc = x y\nempty:\nnothing\n: 3\nhw.perflevel2.name: Efficiency\n");
    ck_assert_uint_eq(v.n, 4);
    ck_assert(pls_values_get_u64(&v, "a.b", &n));
    ck_assert_uint_eq(n, 12);
    ck_assert_str_eq(pls_values_get(&v, "c"), "x y");
    ck_assert_str_eq(pls_values_get(&v, "empty"), "");
    ck_assert(!pls_values_get_u64(&v, "c", &n));
    ck_assert_ptr_null(pls_values_get(&v, "nothing"));
    ck_assert_str_eq(pls_values_get_n(&v, "hw.perflevel#.name", 2), "Efficiency");
    for (unsigned i = 0; i < 2 * PLS_MAX_VALUES; i++) {
        pls_values_set_n_u64(&v, "x.#", i, i);
    }
    ck_assert_uint_eq(v.n, PLS_MAX_VALUES);
    char text[PLS_VALUE_TEXT + 8];
    memset(text, '1', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    v.n = 0;
    pls_values_set(&v, "cut short would lie", text);
    ck_assert_uint_eq(v.n, 0);
}
END_TEST

START_TEST(m1)
{
    struct pls_machine m;
    probe_into("apple-m1-16g", &m);
    ck_assert_str_eq(m.os, "macos");
    ck_assert_str_eq(m.os_version, "15.6");
    ck_assert_str_eq(m.arch, "arm64");
    ck_assert_str_eq(m.cpu.name, "Apple M1");
    ck_assert_uint_eq(m.cpu.cores, 8);
    ck_assert_uint_eq(m.cpu.n_tiers, 2);
    ck_assert_str_eq(m.cpu.tiers[0].name, "Performance");
    ck_assert_uint_eq(m.cpu.l2_bytes, 12 * PLS_MIB); /* the fast tier's, not the legacy key's 4 MiB */
    ck_assert_uint_eq(m.cpu.isa, PLS_ISA_NEON | PLS_ISA_FP16 | PLS_ISA_DOTPROD);
    ck_assert_uint_eq(m.n_gpus, 1);
    ck_assert_uint_eq(m.gpus[0].cores, 8);
    ck_assert_int_eq(m.gpus[0].backend, PLS_BACKEND_METAL);
    ck_assert_int_eq(m.pools[1].kind, PLS_POOL_UNIFIED);
    ck_assert_int_eq(m.pools[1].within, 0);
    ck_assert_uint_eq(m.pools[1].capacity_bytes, 16 * PLS_GIB);
    ck_assert_uint_eq(m.pools[1].budget_bytes, 11453251584);
    ck_assert_uint_eq(m.pools[0].free_bytes, 301000 * (uint64_t)16384);
    ck_assert_ptr_null(
        find_note(&m, "raise-wired-limit")); /* 8 GiB for the system leave less than Metal grants */
}
END_TEST

START_TEST(m4_pro_and_m5_max)
{
    struct pls_machine m;
    probe_into("apple-m4-pro-24g", &m);
    ck_assert_uint_eq(m.cpu.tiers[0].cores, 8);
    ck_assert_uint_eq(m.cpu.tiers[1].cores, 4);
    ck_assert_uint_eq(m.pools[1].budget_bytes, 19069665280);
    ck_assert(m.cpu.isa & PLS_ISA_I8MM);
    probe_into("apple-m5-max-128g", &m);
    ck_assert_str_eq(m.name, "Mac17,6");
    ck_assert_str_eq(m.cpu.tiers[0].name, "Super");
    ck_assert_uint_eq(m.cpu.tiers[0].cores, 6);
    ck_assert_str_eq(m.cpu.tiers[1].name, "Performance");
    ck_assert_uint_eq(m.cpu.tiers[1].cores, 12);
    ck_assert_str_eq(m.pools[1].limits[0].code, "working-set");
    ck_assert_uint_eq(m.pools[1].budget_bytes, 115448725504);
    /* a tenth of 128 GiB stays: 115.2 GiB = 117964 MiB, 7.7 GiB more than Metal's default */
    const struct pls_note *note = find_note(&m, "raise-wired-limit");
    ck_assert_ptr_nonnull(note);
    ck_assert_ptr_nonnull(strstr(note->text, "sudo sysctl iogpu.wired_limit_mb=117964"));
    probe_into("apple-m3-max-128g", &m);
    ck_assert_uint_eq(m.pools[1].budget_bytes, 115448725504);
    ck_assert_uint_eq(m.gpus[0].cores, 40);
}
END_TEST

START_TEST(m6_has_three_tiers_and_no_answer_from_metal)
{
    struct pls_machine m;
    probe_into("apple-m6-16g-no-metal", &m);
    ck_assert_uint_eq(m.cpu.n_tiers, 3);
    ck_assert_str_eq(m.cpu.tiers[2].name, "Efficiency");
    ck_assert_uint_eq(m.cpu.tiers[2].cores, 6);
    /* 2/3 of 16 GiB rounded up to 16 KiB: 11453251584; newer macOS would grant 0.74 */
    ck_assert_uint_eq(m.pools[1].budget_bytes, 11453251584);
    const struct pls_note *note = find_note(&m, "working-set-assumed");
    ck_assert_ptr_nonnull(note);
    ck_assert_ptr_nonnull(strstr(note->text, "10.7 GiB"));
    ck_assert_ptr_nonnull(strstr(note->text, "11.8 GiB"));
}
END_TEST

START_TEST(wired_limits_are_followed_and_clamped)
{
    struct pls_machine m;
    probe_into("apple-m1-max-64g-wired", &m);
    ck_assert_str_eq(m.pools[1].limits[0].code, "wired-limit");
    ck_assert_uint_eq(m.pools[1].budget_bytes, 26000 * PLS_MIB);
    ck_assert_ptr_nonnull(
        strstr(find_note(&m, "raise-wired-limit")->text, "wired_limit_mb=57344")); /* 56 GiB */
    probe_into("apple-m1-max-64g-overwired", &m); /* 80000 MiB of a 64 GiB machine */
    ck_assert_uint_eq(m.pools[1].limits[0].bytes, 64 * PLS_GIB);
    ck_assert_uint_le(m.pools[1].budget_bytes, m.pools[0].budget_bytes);
    ck_assert_ptr_nonnull(find_note(&m, "wired-limit-unsafe"));
}
END_TEST

START_TEST(macs_that_are_not_what_they_seem)
{
    struct pls_machine m;
    probe_into("apple-m1-virtual-7g", &m);
    ck_assert(m.is_vm);
    ck_assert_uint_eq(m.cpu.n_tiers, 0);
    ck_assert_ptr_nonnull(find_note(&m, "vm"));
    probe_into("rosetta-m4-pro-24g", &m);
    ck_assert_str_eq(m.arch, "arm64");
    ck_assert_ptr_nonnull(find_note(&m, "rosetta"));
    ck_assert_uint_eq(m.n_gpus, 1);
    probe_into("intel-mac-32g", &m);
    ck_assert_str_eq(m.arch, "x86_64");
    ck_assert_uint_eq(m.cpu.isa, PLS_ISA_AVX | PLS_ISA_AVX2 | PLS_ISA_FMA | PLS_ISA_F16C);
    ck_assert_int_eq(m.pools[1].kind, PLS_POOL_VRAM);
    ck_assert_int_eq(m.pools[1].within, -1);
    ck_assert_uint_eq(m.pools[1].capacity_bytes, 4278190080);
}
END_TEST

/* Every observed value of the default working set lies at one end of the range, to the byte. */
START_TEST(working_set_rules_reproduce_what_was_seen)
{
    static const struct {
        uint64_t gib, seen;
    } rows[] = {
        { 8, 5726633984 },     { 24, 19069665280 },   { 48, 40200896512 },
        { 64, 55662788608 },   { 128, 115448725504 }, { 256, 223338299392 },
        { 512, 498216206336 }, { 64, 48 * PLS_GIB },  { 192, 144 * PLS_GIB },
    };
    for (size_t i = 0; i < PLS_COUNT_OF(rows); i++) {
        uint64_t low = 0;
        uint64_t high = 0;
        pls_apple_working_set(rows[i].gib * PLS_GIB, &low, &high);
        ck_assert_uint_le(low, high);
        ck_assert_uint_lt(high, rows[i].gib * PLS_GIB);
        ck_assert_msg(low == rows[i].seen || high == rows[i].seen, "%d GiB: %llu..%llu", (int)rows[i].gib,
                      (unsigned long long)low, (unsigned long long)high);
    }
    uint64_t before = 0;
    for (uint64_t gib = 1; gib <= 1024; gib++) {
        uint64_t low = 0;
        uint64_t high = 0;
        pls_apple_working_set(gib * PLS_GIB, &low, &high);
        ck_assert_uint_ge(low, before); /* more memory never grants less */
        before = low;
    }
}
END_TEST

START_TEST(freebsd_with_zfs)
{
    struct pls_machine m;
    probe_into("freebsd-14-zfs-64g", &m);
    ck_assert_str_eq(m.os, "freebsd");
    ck_assert_str_eq(m.arch, "x86_64");
    ck_assert_uint_eq(m.cpu.cores, 8);
    ck_assert_uint_eq(m.cpu.threads, 16);
    ck_assert_uint_eq(m.pools[0].capacity_bytes, 68000000000);
    /* (1000000 + 2000000 + 10000) pages of 4096 and an ARC of 30e9 that shrinks to 2e9 */
    ck_assert_uint_eq(m.pools[0].free_bytes, 3010000 * (uint64_t)4096 + 28000000000);
    ck_assert(m.is_container && !m.is_vm);
}
END_TEST

START_TEST(values_without_memory_are_refused)
{
    static struct pls_values v;
    struct pls_machine m = { .n_pools = 0 };
    struct pls_err err;
    v.n = 0;
    pls_values_parse(&v, "kern.ostype: Darwin\n");
    ck_assert_int_eq(pls_macos_machine(&v, &m, &err), PLS_IO);
    ck_assert_str_eq(err.text, "sysctl hw.memsize: no answer");
}
END_TEST

UNIT_MAIN("values", values_keep_names_and_text, m1, m4_pro_and_m5_max,
          m6_has_three_tiers_and_no_answer_from_metal, wired_limits_are_followed_and_clamped,
          macs_that_are_not_what_they_seem, working_set_rules_reproduce_what_was_seen, freebsd_with_zfs,
          values_without_memory_are_refused)
