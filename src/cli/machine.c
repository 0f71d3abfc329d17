/* Which machine a question is about. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/session.h"
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
static void add_vram(struct pls_machine *m, bool has_bandwidth)
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
        PLS_COPY(m->gpus[0].vendor, "nvidia");
        pls_machine_note(m, "assumed-gpu", "the GPU of --vram is assumed to run CUDA%s",
                         has_bandwidth ? "; its arithmetic is not known"
                                       : "; its bandwidth is unknown unless --bandwidth says it");
    }
}

static void resize(struct pls_pool *pool, uint64_t bytes)
{
    pool->capacity_bytes = bytes;
    pool->free_bytes = 0;
    pool->n_limits = 0;
}

/* --bandwidth: of the fastest pool and of those that are as fast, so that all of several equal GPUs have it.
 * RAM only where there is no GPU, or where it is the memory that the GPU shares. */
static void set_bandwidth(struct pls_machine *m, double gbs)
{
    uint32_t first = m->n_pools > 1 ? 1 : 0;
    double most = 0;
    for (uint32_t i = first; i < m->n_pools; i++) {
        most = m->pools[i].bandwidth_gbs > most ? m->pools[i].bandwidth_gbs : most;
    }
    for (uint32_t i = first; i < m->n_pools; i++) {
        if (m->pools[i].bandwidth_gbs >= most) { /* none is known: all */
            struct pls_pool *same = m->pools[i].within == 0 ? &m->pools[0] : &m->pools[i];
            m->pools[i].bandwidth_gbs = same->bandwidth_gbs = gbs;
            m->pools[i].origin = same->origin = PLS_ORIGIN_ASSUMED;
        }
    }
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
        add_vram(m, gbs > 0);
    }
    if (ram != 0) {
        resize(&m->pools[0], ram);
    }
    for (uint32_t i = 1; vram != 0 && i < m->n_pools; i++) {
        resize(&m->pools[i], vram);
    }
    if (gbs > 0) {
        set_bandwidth(m, gbs);
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
