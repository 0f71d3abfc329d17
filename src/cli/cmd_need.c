/* need MODEL: every profile of the hardware table is tried, alone and, where cards can be added up, in
 * numbers. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "plimsoll/speed.h"

enum { TOP_DEFAULT = 15 };

/* A card needs a host; how much RAM that has is not part of the question, so it is plenty and of unknown
 * speed. */
static const double HOST_RAM_GIB = 256;

struct hunt {
    struct pls_session *s;
    struct pls_target target;
    struct pls_ask ask;
    enum pls_task task;
    double min_tps;
    struct pls_plan *plan;
    struct pls_machine machine;
    struct pls_needed *found;
    uint32_t n_found;
};

static void build(struct pls_machine *m, const struct pls_profile *p, uint32_t devices, double gib)
{
    memset(m, 0, sizeof(*m));
    /* every other kind brings its own RAM, which must not be taken for granted */
    if (p->kind == PLS_PROFILE_DISCRETE) {
        m->n_pools = 1;
        PLS_COPY(m->pools[0].id, "ram");
        m->pools[0].gpu = -1;
        m->pools[0].within = -1;
        m->pools[0].capacity_bytes = (uint64_t)(HOST_RAM_GIB * (double)PLS_GIB);
    }
    struct pls_text name = PLS_TEXT(m->name);
    pls_text_add(&name, "%ux %s", devices, p->id);
    PLS_COPY(m->profile, p->id);
    pls_profile_add(p, devices * (p->devices > 1 ? p->devices : 1), gib, m);
    struct pls_budget_policy policy = pls_budget_policy_default();
    pls_budget_apply(m, &policy);
}

/* True when the model fits there and is fast enough. A card has to carry all layers itself. */
static bool carries(struct hunt *h, const struct pls_profile *p, uint32_t devices, double gib)
{
    struct pls_ask ask = h->ask;
    build(&h->machine, p, devices, gib);
    if (h->machine.n_gpus > 0 && ask.gpu_layers == PLS_GPU_LAYERS_AUTO) {
        ask.gpu_layers = PLS_GPU_LAYERS_ALL;
    }
    struct pls_rates rates = { .ram_gbs = h->machine.pools[0].bandwidth_gbs,
                               .ram_origin = h->machine.pools[0].origin };
    if (pls_place(&h->target.model, &ask, &h->machine, &h->s->scratch, h->plan, NULL) != PLS_OK
        || h->plan->fit != PLS_FIT_YES) {
        return false;
    }
    pls_speed_predict(&h->target.model.card, &h->machine, &rates, h->plan);
    return pls_speed_that_counts(&h->target.model.card, h->plan) >= h->min_tps;
}

static enum pls_code keep(struct hunt *h, const struct pls_profile *p, uint32_t devices, double gib)
{
    struct pls_machine *machine = PLS_TAKE(&h->s->arena, struct pls_machine, 1);
    struct pls_plan *plan = PLS_TAKE(&h->s->arena, struct pls_plan, 1);
    if (machine == NULL || plan == NULL) {
        return PLS_NOMEM;
    }
    *machine = h->machine;
    *plan = *h->plan;
    pls_quality_predict(&h->target.model.card, h->task, plan);
    h->found[h->n_found++] = (struct pls_needed){
        .profile = p,
        .devices = devices,
        .memory_bytes = (uint64_t)(gib * (double)PLS_GIB) * (p->devices > 1 ? p->devices : 1),
        .machine = machine,
        .entry = { .model = &h->target.model,
                   .plan = plan,
                   .path = h->target.has_path ? h->target.path : NULL },
    };
    return PLS_OK;
}

/* The least of a profile that is enough: first its smallest memory, then more of it, then more devices. */
static enum pls_code try_profile(struct hunt *h, const struct pls_profile *p)
{
    static const double dimm_gib[] = { 16, 32, 64, 128, 256, 512, 1024 };
    static const uint32_t counts[] = { 1, 2, 4, 8 };
    bool is_open = p->n_memory == 0; /* a platform that takes what is plugged in */
    uint32_t n_sizes = is_open ? (uint32_t)PLS_COUNT_OF(dimm_gib) : p->n_memory;
    uint32_t n_counts = p->kind == PLS_PROFILE_DISCRETE ? (uint32_t)PLS_COUNT_OF(counts) : 1;
    for (uint32_t c = 0; c < n_counts && counts[c] * p->devices <= PLS_MAX_GPUS; c++) {
        for (uint32_t i = 0; i < n_sizes; i++) {
            double gib = is_open ? dimm_gib[i] : p->memory_gib[i];
            if (carries(h, p, counts[c], gib)) {
                return keep(h, p, counts[c], gib);
            }
        }
    }
    return PLS_OK;
}

static uint64_t memory_of(const struct pls_needed *n)
{
    return pls_mul(n->memory_bytes, n->devices);
}

static int smallest_first(const void *a, const void *b)
{
    const struct pls_needed *x = a;
    const struct pls_needed *y = b;
    if (memory_of(x) != memory_of(y)) {
        return memory_of(x) < memory_of(y) ? -1 : 1;
    }
    if (x->devices != y->devices) {
        return x->devices < y->devices ? -1 : 1;
    }
    double dx = pls_speed_that_counts(&x->entry.model->card, x->entry.plan);
    double dy = pls_speed_that_counts(&y->entry.model->card, y->entry.plan);
    return dx > dy ? -1 : dx < dy ? 1 : strcmp(x->profile->id, y->profile->id);
}

static enum pls_code begin(struct pls_session *s, struct hunt *h, struct pls_err *err)
{
    struct pls_profiles profiles;
    h->s = s;
    h->min_tps = pls_args_number(s->args, PLS_OPT_MIN_SPEED, 0);
    enum pls_code code = pls_ask_from_args(s->args, &h->ask, err);
    code = code == PLS_OK ? pls_task_from_args(s->args, &h->task, err) : code;
    code = code == PLS_OK ? pls_session_profiles(s, &profiles, err) : code;
    code = code == PLS_OK ? pls_target_find(s, s->args->operands[0], &h->ask, &h->target, err) : code;
    code = code == PLS_OK ? pls_ask_for_quant(s->args, &h->target.quant, &h->ask, err) : code;
    if (code != PLS_OK) {
        return code;
    }
    h->plan = PLS_TAKE(&s->arena, struct pls_plan, 1);
    h->found = PLS_TAKE(&s->arena, struct pls_needed, profiles.n + 1);
    return h->plan != NULL && h->found != NULL ? PLS_OK : pls_fail(err, PLS_NOMEM, "need: out of memory");
}

enum pls_code pls_cmd_need(struct pls_session *s, struct pls_err *err)
{
    struct hunt *h = PLS_TAKE(&s->arena, struct hunt, 1);
    if (s->args->n_operands != 1) {
        return pls_fail(err, PLS_USAGE, "need: needs one model");
    }
    enum pls_code code = h != NULL ? begin(s, h, err) : pls_fail(err, PLS_NOMEM, "need: out of memory");
    for (uint32_t i = 0; code == PLS_OK && i < s->profiles.n; i++) {
        if (try_profile(h, &s->profiles.items[i]) != PLS_OK) {
            code = pls_fail(err, PLS_NOMEM, "need: out of memory");
        }
    }
    if (code != PLS_OK) {
        return code;
    }
    qsort(h->found, h->n_found, sizeof(*h->found), smallest_first);
    uint64_t top = pls_args_u64(s->args, PLS_OPT_TOP, TOP_DEFAULT);
    uint32_t n = top > 0 && top < h->n_found ? (uint32_t)top : h->n_found;
    code = pls_render_need(stdout, s->output, h->found, n, &s->screen, err);
    return code == PLS_OK && h->n_found == 0 ? PLS_NO : code;
}
