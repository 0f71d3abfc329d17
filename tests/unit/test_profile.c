/* Hardware profiles: the shipped table is sound, devices find their row, words find their machine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plimsoll/profile.h"
#include "plimsoll/render.h"
#include "plimsoll/text.h"
#include "unit.h"

static struct pls_profile *rows;
static uint32_t n_rows;

/* data/hardware.tsv, once. Tests run from the top of the source tree. */
static struct pls_profiles table(void)
{
    char line[4096];
    FILE *f = rows == NULL ? fopen("data/hardware.tsv", "r") : NULL;
    if (rows == NULL) {
        ck_assert_ptr_nonnull(f);
        rows = calloc(PLS_MAX_PROFILES, sizeof(*rows));
    }
    while (f != NULL && fgets(line, sizeof(line), f) != NULL && n_rows < PLS_MAX_PROFILES) {
        line[strcspn(line, "\n")] = '\0';
        uint32_t column = 0;
        bool is_header = strncmp(line, "id\t", 3) == 0;
        for (char *at = line; at != NULL; column++) {
            char *tab = strchr(at, '\t');
            if (tab != NULL) {
                *tab = '\0';
            }
            if (is_header) {
                ck_assert_str_eq(at, pls_profile_column(column));
            } else {
                ck_assert_msg(pls_profile_set(&rows[n_rows], column, at), "%s: %s is \"%s\"", rows[n_rows].id,
                              pls_profile_column(column), at);
            }
            at = tab == NULL ? NULL : tab + 1;
        }
        ck_assert_ptr_null(pls_profile_column(column));
        n_rows += !is_header;
    }
    if (f != NULL) {
        fclose(f);
    }
    return (struct pls_profiles){ rows, n_rows };
}

START_TEST(the_table_is_sound)
{
    struct pls_profiles t = table();
    ck_assert_uint_ge(t.n, 400);
    for (uint32_t i = 0; i < t.n; i++) {
        const struct pls_profile *p = &t.items[i];
        double rate = 0;
        const char *dash = strrchr(p->memory_type, '-');
        ck_assert_msg(p->bandwidth_gbs > 0 && p->n_memory > 0 && p->source[0] != '\0', "%s", p->id);
        for (uint32_t j = 0; j < i; j++) {
            ck_assert_str_ne(p->id, t.items[j].id);
        }
        /* bus width x pin rate / 8000 = GB/s, within the rounding of marketing */
        if (dash != NULL && pls_parse_double(dash + 1, &rate) && p->bus_bits > 0) {
            double gbs = p->bus_bits * rate / 8000;
            ck_assert_msg(gbs > 0.965 * p->bandwidth_gbs && gbs < 1.035 * p->bandwidth_gbs, "%s: %g against %g", p->id, gbs,
                          p->bandwidth_gbs);
        }
    }
}
END_TEST

struct device_case {
    const char *name;
    uint32_t vendor, device;
    int32_t revision;
    double memory;
    uint32_t cores;
    const char *id; /* NULL: no row */
};

START_TEST(devices_find_their_row)
{
    /* Strings as devices report them; the last five are traps of substring matching. */
    static const struct device_case cases[] = {
        { "NVIDIA GeForce RTX 4070 Laptop GPU", 0, 0, -1, 8, 0, "rtx-4070-laptop" },
        { "NVIDIA GeForce RTX 3060 Ti", 0x10de, 0x2489, -1, 8, 0, "rtx-3060-ti" },
        { "NVIDIA H100 80GB HBM3", 0, 0, -1, 0, 0, "h100-sxm" },
        { "NVIDIA GeForce RTX 3080", 0, 0, -1, 12, 0, "rtx-3080-12gb" },
        { "NVIDIA GeForce RTX 2080 Ti", 0, 0, -1, 21.6, 0, "rtx-2080-ti-22gb" },
        { "Apple M3 Max", 0, 0, -1, 36, 0, "apple-m3-max-30c" },
        { "Apple M3 Max", 0, 0, -1, 128, 0, "apple-m3-max-40c" },
        { "Apple M1", 0, 0, -1, 16, 8, "apple-m1-8c" },
        { "AMD Ryzen 7 6800U with Radeon Graphics", 0, 0, -1, 0, 0, "ryzen-680m-lpddr5" },
        { "", 0x8086, 0xe20b, -1, 0, 0, "arc-b580" },
        { "", 0x1002, 0x7550, 0xc3, 0, 0, "rx-9070" },
        { "AMD EPYC 9654 96-Core Processor", 0, 0, -1, 0, 0, "epyc-genoa" },
        { "Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz", 0, 0, -1, 0, 0, "xeon-scalable-2" },
        { "Raspberry Pi 5 Model B Rev 1.0", 0, 0, -1, 0, 0, "raspberry-pi-5" },
        { "NVIDIA RTX A1000", 0, 0, -1, 0, 0, "rtx-a1000" },
        { "NVIDIA L40S", 0, 0, -1, 0, 0, "l40s" },
        { "NVIDIA L4", 0, 0, -1, 0, 0, "l4" },
        { "AMD Ryzen 9 7950X3D 16-Core Processor", 0, 0, -1, 0, 0, "ryzen-7000-am5" },
        { "AMD Ryzen 7 5800X3D", 0, 0, -1, 0, 0, "ryzen-am4-ddr4" },
        { "AMD Ryzen 9 5900XT", 0, 0, -1, 0, 0, "ryzen-am4-ddr4" },
        { "Intel(R) Xeon(R) CPU E5-2640 v4 @ 2.40GHz", 0, 0, -1, 0, 0, "xeon-e5-v4" },
        { "AMD RYZEN AI MAX+ PRO 395 w/ Radeon 8060S", 0, 0, -1, 0, 0, "ryzen-ai-max-plus-395" },
        { "AMD Ryzen 7 PRO 7840U w/ Radeon 780M Graphics", 0, 0, -1, 16, 0, "ryzen-780m-lpddr5x" },
        { "Intel(R) Core(TM) Ultra 5 125H", 0, 0, -1, 0, 0, "meteor-lake-arc-ddr5" },
        { "Intel(R) Core(TM) Ultra 7 155U", 0, 0, -1, 0, 0, "ddr5-5600-2ch" },
        { "Intel(R) Core(TM) Ultra 7 265KF", 0, 0, -1, 0, 0, "core-ultra-200s" },
        { "Intel(R) Core(TM) i5-13600KF", 0, 0, -1, 0, 0, "core-12-14gen-ddr5" },
        { "Intel(R) Core(TM) i7-6700 CPU @ 3.40GHz", 0, 0, -1, 0, 0, "ddr4-2133-2ch" },
        { "Intel(R) Core(TM) i7-4770 CPU @ 3.40GHz", 0, 0, -1, 0, 0, NULL }, /* DDR3: no row */
        { "AMD EPYC 7R13 48-Core Processor", 0, 0, -1, 0, 0, "epyc-milan" },
        { "AMD EPYC 9R14 96-Core Processor", 0, 0, -1, 0, 0, "epyc-genoa" },
        { "Raspberry Pi 500 Rev 1.0", 0, 0, -1, 0, 0, "raspberry-pi-5" },
        { "Raspberry Pi Compute Module 5 Rev 1.0", 0, 0, -1, 0, 0, "raspberry-pi-5" },
        { "Tesla M40", 0, 0, -1, 0, 0, NULL },
        { "Totally New GPU 9000", 0, 0, -1, 0, 0, NULL },
    };
    for (size_t i = 0; i < PLS_COUNT_OF(cases); i++) {
        const struct device_case *c = &cases[i];
        struct pls_device d = { c->name, c->vendor, c->device, c->revision, c->memory, c->cores };
        struct pls_match m = pls_profile_match(table(), &d);
        if (c->id == NULL) {
            ck_assert_uint_eq(m.n, 0);
            continue;
        }
        ck_assert_msg(m.n >= 1 && strcmp(m.items[0]->id, c->id) == 0, "%s: %s", c->name, m.n > 0 ? m.items[0]->id : "no row");
    }
}
END_TEST

struct words_case {
    const char *words;
    double ram_gib;
    uint32_t gpus;
    const char *profile; /* of the first device */
    double gbs;          /* of the first device's pool */
};

START_TEST(words_find_their_machine)
{
    static const struct words_case cases[] = {
        { "m4 max 64gb", 64, 1, "apple-m4-max-40c", 546 },
        { "m3 max 36gb", 36, 1, "apple-m3-max-30c", 300 },
        { "MacBook Pro M4 Pro 48 GB", 48, 1, "apple-m4-pro-16c", 273 },
        { "2x rtx 4090", 32, 2, "rtx-4090", 1008 },
        { "3x 3090 + 128gb ram", 128, 3, "rtx-3090", 936 },
        { "rtx 4090 64gb ram", 64, 1, "rtx-4090", 1008 },
        { "rtx 3080 12gb", 32, 1, "rtx-3080-12gb", 912 },
        { "ryzen ai max 395 128gb", 128, 1, "ryzen-ai-max-plus-395", 256 },
        { "strix halo 128gb", 128, 1, "ryzen-ai-max-plus-395", 256 },
        { "dgx spark", 122566 / 1024.0, 1, "gb10", 273 }, /* as its system sees it */
        { "epyc genoa 12ch 384gb", 384, 0, "epyc-genoa", 460.8 },
        { "raspberry pi 5 8gb", 8, 0, "raspberry-pi-5", 17.1 },
        { "rtx 4070 laptop", 32, 1, "rtx-4070-laptop", 256 },
        { "4x3090", 32, 4, "rtx-3090", 936 },
        { "2xRTX4090 + 2x32gb", 64, 2, "rtx-4090", 1008 },
        { "rx7900xtx", 32, 1, "rx-7900-xtx", 960 },
        { "rtx3060ti", 32, 1, "rtx-3060-ti", 448 },
        { "m4max 64gb", 64, 1, "apple-m4-max-40c", 546 },
        { "mac studio m3 ultra 512gb", 512, 1, "apple-m3-ultra-80c", 819 },
        /* as people type: joined, counted behind, without units */
        { "rtx4070tisuper", 32, 1, "rtx-4070-ti-super", 672 },
        { "4070TiSuper", 32, 1, "rtx-4070-ti-super", 672 },
        { "rtxa1000", 32, 1, "rtx-a1000", 192 },
        { "3090x2", 32, 2, "rtx-3090", 936 },
        { "3090 x2 + 64gb", 64, 2, "rtx-3090", 936 },
        { "2 x 4090", 32, 2, "rtx-4090", 1008 },
        { "dual 3090", 32, 2, "rtx-3090", 936 },
        { "m4max64", 64, 1, "apple-m4-max-40c", 546 },
        { "m4 max 64", 64, 1, "apple-m4-max-40c", 546 },
        { "m4 mini 16gb", 16, 1, "apple-m4-8c", 120 },
        { "dgxspark", 122566 / 1024.0, 1, "gb10", 273 },
        { "strixhalo 128", 128, 1, "ryzen-ai-max-plus-395", 256 },
        { "pi 5 8gb", 8, 0, "raspberry-pi-5", 17.1 },
        { "8 GB laptop", 8, 0, "", 51.2 }, /* nothing but its memory is known; the speed is assumed */
        { "old office pc 16gb", 16, 0, "", 51.2 },
        { "laptop with rtx 4060 laptop + 32gb ram", 32, 1, "rtx-4060-laptop", 256 },
    };
    for (size_t i = 0; i < PLS_COUNT_OF(cases); i++) {
        const struct words_case *c = &cases[i];
        struct pls_machine m;
        struct pls_err err = { .text = "" };
        ck_assert_msg(pls_profile_words(table(), c->words, 0, &m, &err) == PLS_OK, "%s", err.text);
        const struct pls_pool *pool = &m.pools[m.n_gpus > 0 ? 1 : 0];
        ck_assert_msg(m.pools[0].capacity_bytes == (uint64_t)(c->ram_gib * (double)PLS_GIB), "%s: RAM", c->words);
        ck_assert_msg(m.n_gpus == c->gpus, "%s: %u GPUs", c->words, m.n_gpus);
        ck_assert_msg(strcmp(m.profile, c->profile) == 0, "%s: %s", c->words, m.profile);
        ck_assert_msg(pool->bandwidth_gbs > 0.99 * c->gbs && pool->bandwidth_gbs < 1.01 * c->gbs, "%s: %g", c->words,
                      pool->bandwidth_gbs);
    }
}
END_TEST

START_TEST(words_that_leave_a_choice_are_asked_back)
{
    static const char *const cases[][2] = {
        { "m3 max", "apple-m3-max-30c" },   /* 300 or 400 GB/s */
        { "m4 max 50gb", "48, 64 or 128" }, /* never sold */
        { "rtx 9999", "nearest" },
        { "flux capacitor", "no such hardware" },
        { "+", "no hardware" },
        { "mac studio 512gb", "say which" }, /* of 400 or of 819 GB/s */
        { "laptop", "say memory and chip" },
        { "a100 80", "a100-sxm4-80gb" },      /* PCIe or SXM */
        { "macbook pro m3 36gb", "apple-m3-max-30c" },
        { "ddr5 dual channel 64gb", "ddr5-5600-2ch" }, /* two channels, not two machines */
        { "m4max65", "no such hardware" },    /* a size that is not sold is no size */
        { "rtx40900", "no such hardware" },   /* nor is the beginning of a number a name */
        { "a10080", "no such hardware" },
        { "9999999999999999 tb ram", "that much memory" }, /* more bytes than 64 bits count */
        { "rtx 4090 + 9999999999 tb ram", "that much memory" },
    };
    for (size_t i = 0; i < PLS_COUNT_OF(cases); i++) {
        struct pls_machine m;
        struct pls_err err = { .text = "" };
        ck_assert_int_eq(pls_profile_words(table(), cases[i][0], 0, &m, &err), PLS_USAGE);
        ck_assert_msg(strstr(err.text, cases[i][1]) != NULL, "%s", err.text);
    }
}
END_TEST

START_TEST(every_profile_becomes_a_machine)
{
    struct pls_profiles t = table();
    for (uint32_t i = 0; i < t.n; i++) {
        struct pls_machine m = { 0 };
        char words[96];
        struct pls_text w = PLS_TEXT(words);
        struct pls_err err = { .text = "" };
        pls_text_add(&w, "%s %ggb", t.items[i].id, t.items[i].memory_gib[t.items[i].n_memory - 1]);
        ck_assert_msg(pls_profile_words(t, words, 0, &m, &err) == PLS_OK, "%s", err.text);
        ck_assert_uint_gt(m.pools[0].capacity_bytes, 0);
        for (uint32_t p = 1; p < m.n_pools; p++) {
            ck_assert_msg(m.pools[p].capacity_bytes > 0 && m.pools[p].bandwidth_gbs > 0, "%s", t.items[i].id);
        }
    }
}
END_TEST

static void words_case(char *line)
{
    char *cell[7] = { 0 };
    char *rest = NULL;
    uint32_t n = 0;
    struct pls_machine m;
    struct pls_err err = { .text = "" };
    char notes[160];
    struct pls_text t = PLS_TEXT(notes);
    for (char *at = strtok_r(line, "\t\n", &rest); at != NULL && n < 7; at = strtok_r(NULL, "\t\n", &rest)) {
        cell[n++] = at;
    }
    enum pls_code code = pls_profile_words(table(), cell[0], 0, &m, &err);
    if (cell[1][0] == '!') {
        ck_assert_msg(code == PLS_USAGE && strstr(err.text, cell[1] + 2) != NULL, "%s: %s, not %s", cell[0],
                      code == PLS_OK ? m.profile : err.text, cell[1] + 2);
        return;
    }
    ck_assert_msg(code == PLS_OK, "%s", err.text);
    ck_assert_uint_eq(n, 7);
    const struct pls_pool *pool = &m.pools[m.n_gpus > 0 ? 1 : 0];
    ck_assert_msg(strcmp(m.profile, cell[1][0] == '-' ? "" : cell[1]) == 0, "%s: %s", cell[0], m.profile);
    double gib = (double)m.pools[0].capacity_bytes / (double)PLS_GIB;
    ck_assert_msg(gib > strtod(cell[2], NULL) - 0.06 && gib < strtod(cell[2], NULL) + 0.06, "%s: %g", cell[0], gib);
    ck_assert_msg(m.n_gpus == strtoul(cell[3], NULL, 10), "%s: %u GPUs", cell[0], m.n_gpus);
    ck_assert_msg(pool->bandwidth_gbs > 0.999 * strtod(cell[4], NULL)
                      && pool->bandwidth_gbs < 1.001 * strtod(cell[4], NULL),
                  "%s: %g GB/s", cell[0], pool->bandwidth_gbs);
    ck_assert_msg(m.cpu.cores == strtoul(cell[5], NULL, 10), "%s: %u cores", cell[0], m.cpu.cores);
    for (uint32_t i = 0; i < m.n_notes; i++) {
        bool is_budget = strcmp(m.notes[i].code, "working-set") == 0;
        pls_text_add(&t, "%s%s", t.len > 0 && !is_budget ? "," : "", is_budget ? "" : m.notes[i].code);
    }
    ck_assert_msg(strcmp(notes, cell[6][0] == '-' ? "" : cell[6]) == 0, "%s: notes %s", cell[0], notes);
}

/* As people write, and what became of it: tests/fixtures/words.tsv. */
START_TEST(words_of_people_are_understood)
{
    char line[512];
    uint32_t n = 0;
    FILE *f = fopen("tests/fixtures/words.tsv", "r");
    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof(line), f) != NULL) {
        if (line[0] != '#') {
            words_case(line);
            n++;
        }
    }
    fclose(f);
    ck_assert_uint_ge(n, 80);
}
END_TEST

START_TEST(every_name_of_the_table_is_its_row)
{
    struct pls_profiles t = table();
    for (uint32_t i = 0; i < t.n; i++) {
        const struct pls_profile *p = &t.items[i];
        for (uint32_t k = 0; k <= p->n_memory; k++) {
            struct pls_machine m;
            struct pls_err err = { .text = "" };
            char words[160];
            struct pls_text w = PLS_TEXT(words);
            pls_text_add(&w, "%s", p->name);
            if (k < p->n_memory) {
                pls_text_add(&w, " %ggb", p->memory_gib[k]);
            }
            enum pls_code code = pls_profile_words(t, words, 0, &m, &err);
            bool asks_size = k == p->n_memory && code == PLS_USAGE && strstr(err.text, "say which") != NULL;
            ck_assert_msg(asks_size || (code == PLS_OK && strcmp(m.profile, p->id) == 0), "%s: %s", words,
                          code == PLS_OK ? m.profile : err.text);
        }
    }
}
END_TEST

static bool has_note(const struct pls_machine *m, const char *code)
{
    for (uint32_t i = 0; i < m->n_notes; i++) {
        if (strcmp(m->notes[i].code, code) == 0) {
            return true;
        }
    }
    return false;
}

START_TEST(a_probe_is_completed_without_promises)
{
    /* The processor tells which of the chips with that PCI id it is, and RAM is what the GPU reads. */
    struct pls_machine m = { .n_pools = 1, .pools = { { .id = "ram", .gpu = -1, .within = -1 } } };
    m.pools[0].capacity_bytes = 126 * PLS_GIB;
    PLS_COPY(m.cpu.name, "AMD RYZEN AI MAX+ 395 w/ Radeon 8060S");
    struct pls_gpu *gpu = pls_machine_gpu(&m, "amd", PLS_POOL_SHARED);
    PLS_COPY(gpu->pci_id, "1002:1586");
    gpu->revision = 0xc1;
    m.pools[1].capacity_bytes = 126 * PLS_GIB;
    struct pls_machine other = m;
    pls_profile_complete(table(), &m);
    ck_assert_str_eq(m.gpus[0].profile, "ryzen-ai-max-plus-395");
    ck_assert(!has_note(&m, "ambiguous-profile"));
    ck_assert(m.pools[0].bandwidth_gbs > 255 && m.pools[0].bandwidth_gbs < 257);
    PLS_COPY(other.cpu.name, "AMD Eng Sample");
    pls_profile_complete(table(), &other);
    ck_assert(has_note(&other, "ambiguous-profile"));
    /* Of memory soldered or in sockets, the slower. */
    struct pls_machine cpu = { .n_pools = 1, .pools = { { .id = "ram", .gpu = -1, .within = -1 } } };
    cpu.pools[0].capacity_bytes = 32 * PLS_GIB;
    PLS_COPY(cpu.cpu.name, "Intel(R) Core(TM) Ultra 7 155H");
    pls_profile_complete(table(), &cpu);
    ck_assert(cpu.pools[0].bandwidth_gbs < 90 && has_note(&cpu, "ambiguous-profile"));
}
END_TEST

START_TEST(ram_as_an_option_picks_the_size)
{
    struct pls_machine m;
    struct pls_err err = { .text = "" };
    ck_assert_int_eq(pls_profile_words(table(), "m4 max", 64 * PLS_GIB, &m, &err), PLS_OK);
    ck_assert_str_eq(m.profile, "apple-m4-max-40c");
    ck_assert_int_eq(pls_profile_words(table(), "m4 max", 36 * PLS_GIB, &m, &err), PLS_OK);
    ck_assert_str_eq(m.profile, "apple-m4-max-32c");
    ck_assert_int_eq(pls_profile_words(table(), "raspberry pi 5", 8 * PLS_GIB, &m, &err), PLS_OK);
    ck_assert_int_eq(pls_profile_words(table(), "rtx 4090", 64 * PLS_GIB, &m, &err), PLS_OK);
    ck_assert(m.pools[0].capacity_bytes == 64 * PLS_GIB && m.pools[1].capacity_bytes == 24 * PLS_GIB);
}
END_TEST

/* What a speed is predicted from, and nothing that only names things. */
static void same_machine(const struct pls_machine *a, const struct pls_machine *b, const char *what)
{
    ck_assert_msg(memcmp(&a->cpu, &b->cpu, sizeof(a->cpu)) == 0, "%s: processors differ", what);
    ck_assert_msg(memcmp(a->pools, b->pools, sizeof(a->pools)) == 0, "%s: pools differ", what);
    ck_assert_msg(memcmp(a->gpus, b->gpus, sizeof(a->gpus)) == 0, "%s: GPUs differ", what);
    ck_assert_msg(memcmp(a->notes, b->notes, sizeof(a->notes)) == 0, "%s: notes differ", what);
    ck_assert_str_eq(a->profile, b->profile);
    ck_assert_str_eq(a->os, b->os);
    ck_assert_str_eq(a->arch, b->arch);
}

START_TEST(a_record_of_every_profile_is_the_machine_again)
{
    struct pls_profiles t = table();
    const struct pls_screen screen = { 0 };
    for (uint32_t i = 0; i < t.n; i++) {
        static struct pls_machine m;
        static struct pls_machine again;
        struct pls_err err = { .text = "" };
        char *json = NULL;
        size_t len = 0;
        memset(&m, 0, sizeof(m));
        if (t.items[i].kind == PLS_PROFILE_DISCRETE) {
            struct pls_pool *ram = pls_machine_pool(&m, "ram", PLS_POOL_RAM);
            ram->capacity_bytes = 32 * PLS_GIB;
        }
        pls_profile_add(&t.items[i], 1, t.items[i].memory_gib[0], &m);
        FILE *f = open_memstream(&json, &len);
        ck_assert_int_eq(pls_render_machine(f, PLS_OUT_JSON, &m, &screen, &err), PLS_OK);
        fclose(f);
        ck_assert_msg(pls_record_parse(json, len, &again, &err) == PLS_OK, "%s", err.text);
        pls_profile_complete(t, &m);
        pls_profile_complete(t, &again);
        same_machine(&m, &again, t.items[i].id);
        free(json);
    }
}
END_TEST

UNIT_MAIN("profile", the_table_is_sound, devices_find_their_row, words_find_their_machine,
          words_that_leave_a_choice_are_asked_back, every_profile_becomes_a_machine,
          a_record_of_every_profile_is_the_machine_again, words_of_people_are_understood,
          every_name_of_the_table_is_its_row, a_probe_is_completed_without_promises,
          ram_as_an_option_picks_the_size)
