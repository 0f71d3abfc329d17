/* Which machine a question is about, and how fast its memory is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/session.h"
#include "plimsoll/bench.h"
#include "plimsoll/probe.h"

enum { RECORD_MAX = 4 << 20 };

/* Budgets that a record states stand, unless an option asks for others. */
struct stated {
    bool any;
    uint64_t budget[PLS_MAX_POOLS];
    uint64_t reserved[PLS_MAX_POOLS];
};

static enum pls_code read_record(const char *path, struct pls_machine *out, struct pls_err *err)
{
    char *text = NULL;
    size_t len = 0;
    struct pls_err why = { 0 };
    enum pls_code code = pls_slurp(path, RECORD_MAX, &text, &len, err);
    if (code != PLS_OK) {
        return code;
    }
    const char *at = text + strspn(text, " \t\r\n");
    if (*at == '<') {
        code = pls_probe_xml(path, out, err);
    } else if (*at == '\0') {
        code = pls_fail(err, PLS_FORMAT, "%s: empty, expected a machine record", path);
    } else {
        code = pls_record_parse(text, len, out, &why);
        if (code != PLS_OK) {
            pls_fail(err, code, "%s: %s", path, why.text);
        }
    }
    free(text);
    return code;
}

enum pls_code pls_session_profiles(struct pls_session *s, struct pls_profiles *out, struct pls_err *err)
{
    if (s->profiles.items == NULL) {
        struct pls_profile *items = pls_arena_room(&s->arena, PLS_MAX_PROFILES, sizeof(*items));
        enum pls_code code = pls_session_catalog(s, err);
        if (code == PLS_OK && items == NULL) {
            code = pls_fail(err, PLS_NOMEM, "no memory for the hardware profiles");
        }
        code = code == PLS_OK ? pls_catalog_profiles(s->catalog, items, PLS_MAX_PROFILES, &s->profiles.n, err)
                              : code;
        if (code != PLS_OK) {
            return code;
        }
        s->profiles.items = items;
    }
    *out = s->profiles;
    return PLS_OK;
}

/* A file when there is one (a record, an hwloc export), else words. */
static enum pls_code read_on(struct pls_session *s, const char *what, struct pls_machine *out,
                             struct pls_err *err)
{
    struct pls_profiles profiles;
    struct pls_err why = { 0 };
    if (access(what, F_OK) == 0) {
        return read_record(what, out, err);
    }
    bool is_path = what[0] == '/' || pls_text_starts(what, "./") || pls_text_starts(what, "../");
    if (is_path || pls_text_ends(what, ".json") || pls_text_ends(what, ".xml")) {
        return pls_fail(err, PLS_IO, "--on: %s: no such file", what);
    }
    uint64_t ram = pls_args_u64(s->args, PLS_OPT_RAM, 0);
    enum pls_code code = pls_session_profiles(s, &profiles, err);
    code = code == PLS_OK ? pls_profile_words(profiles, what, ram, out, &why) : code;
    return code == PLS_USAGE ? pls_fail(err, code, "--on: %s", why.text) : code;
}

/* What a probe could not find out (bandwidth, arithmetic rate, generation) from the row of the same
 * device. */
static void complete(struct pls_session *s, struct pls_machine *m)
{
    struct pls_profiles profiles;
    bool lacks = !(m->pools[0].bandwidth_gbs > 0);
    for (uint32_t i = 0; i < m->n_gpus; i++) {
        lacks = lacks || !(m->gpus[i].fp32_tflops > 0) || m->gpus[i].generation[0] == '\0';
    }
    if (lacks && pls_session_profiles(s, &profiles, NULL) == PLS_OK) {
        pls_profile_complete(profiles, m);
    }
}

static enum pls_code probe(struct pls_session *s, struct pls_err *err)
{
    struct pls_root *root = NULL;
    enum pls_code code = pls_root_open(pls_args_text(s->args, PLS_OPT_SYSROOT), &root, err);
    if (code != PLS_OK) {
        return code;
    }
    s->is_live = pls_root_is_live(root);
    code = pls_probe(root, &s->machine, err);
    pls_root_close(root);
    return code;
}

/* --vram where no GPU has memory yet: the one that was found, else a card of which nothing but the memory
 * is known. */
static void add_vram(struct pls_machine *m)
{
    if (m->n_gpus == 0) {
        struct pls_gpu *gpu = pls_machine_gpu(m, "", PLS_POOL_VRAM);
        PLS_COPY(gpu->name, "GPU as asked for");
    } else {
        struct pls_pool *pool = pls_machine_pool(m, m->gpus[0].id, PLS_POOL_VRAM);
        pool->gpu = 0;
        m->gpus[0].pool = (int32_t)m->n_pools - 1;
    }
    if (m->gpus[0].backend == PLS_BACKEND_NONE) {
        m->gpus[0].backend = PLS_BACKEND_CUDA;
        pls_machine_note(
            m, "assumed-gpu",
            "the GPU of --vram is assumed to run CUDA; its bandwidth is unknown unless --bandwidth says it");
    }
}

static void resize(struct pls_pool *pool, uint64_t bytes)
{
    pool->capacity_bytes = bytes;
    pool->free_bytes = 0;
    pool->n_limits = 0;
}

static bool override(const struct pls_args *args, struct pls_machine *m)
{
    uint64_t ram = pls_args_u64(args, PLS_OPT_RAM, 0);
    uint64_t vram = pls_args_u64(args, PLS_OPT_VRAM, 0);
    double gbs = pls_args_number(args, PLS_OPT_BANDWIDTH, 0);
    if (pls_args_has(args, PLS_OPT_VRAM) && vram == 0) {
        m->n_gpus = 0;
        m->n_pools = 1;
    } else if (vram != 0 && m->n_pools == 1) {
        add_vram(m);
    }
    if (ram != 0) {
        resize(&m->pools[0], ram);
    }
    for (uint32_t i = 1; vram != 0 && i < m->n_pools; i++) {
        resize(&m->pools[i], vram);
    }
    if (gbs > 0) {
        struct pls_pool *fastest = &m->pools[m->n_pools > 1 ? 1 : 0];
        fastest->bandwidth_gbs = gbs;
        fastest->origin = PLS_ORIGIN_ASSUMED;
    }
    return ram != 0 || vram != 0;
}

static void apply_budget(const struct pls_args *args, struct pls_machine *m, bool resized)
{
    struct pls_budget_policy policy = pls_budget_policy_default();
    struct stated stated = { .any = false };
    policy.reserve_bytes = pls_args_u64(args, PLS_OPT_RESERVE, policy.reserve_bytes);
    policy.from_free |= pls_args_has(args, PLS_OPT_FREE);
    bool asked = resized || pls_args_has(args, PLS_OPT_RESERVE) || pls_args_has(args, PLS_OPT_FREE);
    for (uint32_t i = 0; i < m->n_pools; i++) {
        stated.any |= m->pools[i].budget_bytes != 0 || m->pools[i].reserved_bytes != 0;
        stated.budget[i] = m->pools[i].budget_bytes;
        stated.reserved[i] = m->pools[i].reserved_bytes;
    }
    pls_budget_apply(m, &policy);
    for (uint32_t i = 0; i < m->n_pools && stated.any && !asked; i++) {
        struct pls_pool *pool = &m->pools[i];
        /* a budget of 0 beside a reserve is a full machine */
        if (stated.budget[i] != 0 || stated.reserved[i] != 0) {
            pool->budget_bytes = stated.budget[i];
            pool->reserved_bytes = stated.reserved[i];
        } else if (pool->within == 0) {
            pool->budget_bytes = pls_min(pool->budget_bytes, m->pools[0].budget_bytes);
        }
    }
}

static void settle(struct pls_session *s, struct pls_machine *m)
{
    complete(s, m);
    bool resized = override(s->args, m);
    apply_budget(s->args, m, resized);
}

enum pls_code pls_session_machine_on(struct pls_session *s, const char *what, struct pls_machine *out,
                                     struct pls_err *err)
{
    enum pls_code code = read_on(s, what, out, err);
    if (code == PLS_OK) {
        settle(s, out);
    }
    return code;
}

enum pls_code pls_session_machine_here(struct pls_session *s, struct pls_err *err)
{
    enum pls_code code = probe(s, err);
    s->has_machine = code == PLS_OK;
    if (code == PLS_OK) {
        settle(s, &s->machine);
    }
    return code;
}

enum pls_code pls_session_machine(struct pls_session *s, struct pls_err *err)
{
    const char *on = pls_args_text(s->args, PLS_OPT_ON);
    if (s->has_machine) {
        return PLS_OK;
    }
    if (on == NULL) {
        return pls_session_machine_here(s, err);
    }
    enum pls_code code = pls_session_machine_on(s, on, &s->machine, err);
    s->has_machine = code == PLS_OK;
    return code;
}

/* Rates belong to a processor, its threads, its instruction sets and this program's kernels. */
static void machine_key(const struct pls_machine *m, char *out, size_t cap)
{
    struct pls_text t = { .data = out, .len = 0, .cap = cap, .truncated = false };
    out[0] = '\0';
    pls_text_add(&t, "%s/%s/%uc%ut/%08x/%s", m->arch, m->cpu.name, m->cpu.cores, m->cpu.threads, m->cpu.isa,
                 PLS_VERSION);
}

/* Once, and not where opening the user's database has already been complained of. */
static void say_unkept(struct pls_session *s, const char *why, const char *what)
{
    char room[640];
    struct pls_text t = PLS_TEXT(room);
    bool is_said = s->is_unkept || (s->catalog != NULL && pls_catalog_warning(s->catalog) != NULL);
    if (!is_said) {
        pls_text_add(&t, "%s: %s", why, what);
        pls_warn(room);
    }
    s->is_unkept = true;
}

void pls_session_keep_rates(struct pls_session *s)
{
    struct pls_err err = { 0 };
    char key[256];
    machine_key(&s->machine, key, sizeof(key));
    enum pls_code code = pls_session_catalog(s, &err);
    code = code == PLS_OK ? pls_catalog_rates_save(s->catalog, key, &s->rates, &err) : code;
    if (code != PLS_OK) {
        say_unkept(s, err.text, "what was measured is not kept (XDG_DATA_HOME names a folder to keep it in)");
    }
}

bool pls_session_bar(double share, const char *what, void *context)
{
    enum { BAR = 24 };
    int done = (int)(share * BAR);
    (void)context;
    if (share >= 1) {
        fprintf(stderr, "\r\033[K");
    } else {
        fprintf(stderr, "\r[%.*s%*s] %-24.24s", done, "########################", BAR - done, "", what);
    }
    fflush(stderr);
    return true;
}

/* kernels: all the predictor needs, a few seconds with a bar on a terminal; else the memory's bandwidth
 * alone, in half a second. Seconds are spent on what can be kept: where it can't, every run would spend
 * them. */
static void measure(struct pls_session *s, bool kernels)
{
    struct pls_err err = { 0 };
    bool keeps =
        pls_session_catalog(s, &err) == PLS_OK && pls_catalog_rates_ready(s->catalog, &err) == PLS_OK;
    struct pls_bench_ask ask = { .bandwidth_only = !kernels || !keeps,
                                 .memory_bytes = s->machine.pools[0].budget_bytes / 4 };
    ask.progress = !ask.bandwidth_only && isatty(STDERR_FILENO) ? pls_session_bar : NULL;
    if (!keeps) {
        say_unkept(s, err.text, "what is measured can't be kept, so memory bandwidth alone is, at every run"
                                " (XDG_DATA_HOME names a folder to keep it in, --no-bench measures nothing)");
    }
    if (pls_bench_run(&ask, &s->rates, &err) != PLS_OK) {
        pls_warn(err.text);
    } else if (keeps) {
        pls_session_keep_rates(s);
    }
}

static bool has_kernels(const struct pls_rates *rates)
{
    for (size_t i = 0; i < PLS_TYPE_COUNT; i++) {
        if (rates->type[i].stream_gbs > 0) {
            return true;
        }
    }
    return false;
}

static bool load(struct pls_session *s, bool kernels)
{
    struct pls_err err = { 0 };
    char key[256];
    machine_key(&s->machine, key, sizeof(key));
    return pls_session_catalog(s, &err) == PLS_OK
        && pls_catalog_rates_load(s->catalog, key, &s->rates, &err) == PLS_OK && s->rates.ram_gbs > 0
        && (!kernels || has_kernels(&s->rates));
}

void pls_session_rates(struct pls_session *s, bool kernels)
{
    struct pls_pool *ram = &s->machine.pools[0];
    if (s->has_rates) {
        return;
    }
    s->has_rates = true;
    if (s->is_live && !pls_args_has(s->args, PLS_OPT_BANDWIDTH)) {
        if (!load(s, kernels) && !pls_args_has(s->args, PLS_OPT_NO_BENCH)) {
            measure(s, kernels);
        }
        if (s->rates.ram_gbs > 0) {
            ram->bandwidth_gbs = s->rates.ram_gbs;
            ram->origin = s->rates.ram_origin;
            return;
        }
    }
    s->rates.ram_gbs = ram->bandwidth_gbs;
    s->rates.ram_origin = ram->bandwidth_gbs > 0 ? ram->origin : PLS_ORIGIN_UNKNOWN;
}

struct pls_rates pls_rates_stated(const struct pls_machine *machine)
{
    return (struct pls_rates){
        .ram_gbs = machine->pools[0].bandwidth_gbs,
        .ram_origin = machine->pools[0].bandwidth_gbs > 0 ? machine->pools[0].origin : PLS_ORIGIN_UNKNOWN,
    };
}

void pls_session_use(struct pls_session *s, const struct pls_machine *machine)
{
    s->machine = *machine;
    s->has_machine = true;
    s->is_live = false;
    s->rates = pls_rates_stated(machine);
    s->has_rates = true;
}
