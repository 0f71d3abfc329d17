/* What to change so that it fits, cheapest in quality first.
 *
 * The order of levers: what costs no quality at all (the wired limit, fewer slots, less context), then 8-bit
 * cache, then weights down to 4 bits, then K 8-bit with V 4-bit, then smaller weights (measured divergences:
 * an 8-bit cache costs 0.002 nats per token, Q5 to Q4 0.01, a 4-bit cache 0.02 and more). Gemma 4 loses a
 * third of its answers with a quantized cache, so it is not offered one. Every change is tried before it is
 * written down. */
#include "place.h"

#include <string.h>

#include "plimsoll/text.h"

#define CONTEXT_WORTH_HAVING 2048 /* tokens per slot; less is no advice */

/* Quants to try, best first, with what no model's file goes below in bits per weight, so that most need no
 * trial. */
struct lever {
    enum pls_ftype ftype;
    double least_bpw;
};

struct advice {
    const struct pls_layout *layout;
    const struct pls_machine *machine;
    struct pls_arena *scratch;
    struct pls_plan *plan;
    struct pls_plan *trial; /* scratch for what is tried */
};

static bool helps_on(const struct advice *a, const struct pls_machine *machine,
                     const struct pls_layout *layout, const struct pls_ask *ask)
{
    struct pls_err err;
    return pls_place_layout(layout, ask, machine, a->scratch, a->trial, &err) == PLS_OK
           && a->trial->fit == PLS_FIT_YES;
}

static bool helps(const struct advice *a, const struct pls_layout *layout, const struct pls_ask *ask)
{
    return helps_on(a, a->machine, layout, ask);
}

/* What the pool may hold by its limits, whoever holds it. */
static uint64_t limit_of(const struct pls_pool *pool)
{
    uint64_t least = pool->capacity_bytes;
    for (uint32_t i = 0; i < pool->n_limits; i++) {
        least = pls_min(least, pool->limits[i].bytes);
    }
    return least;
}

/* The limit that would let the pool take `more` bytes: half a GiB above it if the system can spare that, and
 * no higher than what is safe to recommend. 0: there is none. */
static uint64_t raised_limit(const struct pls_machine *m, const struct pls_pool *pool, uint64_t more)
{
    uint64_t ceiling = pls_apple_wired_ceiling(m->pools[0].capacity_bytes);
    uint64_t least = pls_pad(pls_add(limit_of(pool), more), PLS_MIB);
    return least > ceiling ? 0 : pls_min(pls_add(least, PLS_GIB / 2), ceiling);
}

static void advise_wired_limit(const struct advice *a)
{
    const struct pls_plan *p = a->plan;
    if (p->n_shares < 2 || p->shares[1].margin_bytes >= 0 || p->shares[0].margin_bytes < 0) {
        return;
    }
    const struct pls_pool *pool = &a->machine->pools[p->shares[1].pool];
    if (pool->kind != PLS_POOL_UNIFIED || !pls_text_equal(a->machine->os, "macos")) {
        return;
    }
    uint64_t limit = raised_limit(a->machine, pool, 0 - (uint64_t)p->shares[1].margin_bytes);
    struct pls_machine *raised = limit > 0 ? PLS_TAKE(a->scratch, struct pls_machine, 1) : NULL;
    if (raised == NULL) {
        return;
    }
    *raised = *a->machine;
    struct pls_pool *freed = &raised->pools[p->shares[1].pool];
    freed->budget_bytes = pls_min(pls_add(pool->budget_bytes, pls_sub(limit, limit_of(pool))),
                                  raised->pools[0].budget_bytes);
    if (helps_on(a, raised, a->layout, &p->ask)) {
        pls_plan_note(a->plan, "wired-limit",
                      "sudo sysctl iogpu.wired_limit_mb=%llu would let the GPU hold it (until reboot)",
                      (unsigned long long)(limit / PLS_MIB));
    }
}

static void advise_slots(const struct advice *a)
{
    struct pls_ask ask = a->plan->ask;
    if (a->plan->setting.n_seq <= 1) {
        return;
    }
    uint64_t per_slot = a->plan->setting.n_ctx / a->plan->setting.n_seq;
    ask.parallel = 1;
    if (a->plan->setting.n_streams > 1 && !pls_runtime_profile(ask.runtime)->context_per_slot) {
        ask.context_tokens = per_slot; /* as much as one slot had */
    }
    if (helps(a, a->layout, &ask)) {
        pls_plan_note(a->plan, "slots", "one slot instead of %u would fit", a->plan->setting.n_seq);
    }
}

/* In the words of the question: of each slot where -c is that of one. */
static void advise_context(const struct advice *a)
{
    uint64_t c = a->plan->context_fit_tokens;
    uint32_t n = a->plan->setting.n_streams;
    bool is_each = n > 1 && pls_runtime_profile(a->plan->ask.runtime)->context_per_slot;
    if (c >= CONTEXT_WORTH_HAVING * (uint64_t)n && c < a->plan->setting.n_ctx) {
        pls_plan_note(a->plan, "context", "a context of %llu tokens%s would fit",
                      (unsigned long long)(is_each ? c / n : c), is_each ? " per slot" : "");
    }
}

static bool may_narrow_cache(const struct advice *a)
{
    const struct pls_ask *ask = &a->plan->ask;
    return !pls_type_is_quantized(ask->type_k) && !pls_type_is_quantized(ask->type_v)
           && pls_quality_bears_quantized_k(&a->layout->model->card);
}

/* V in 4 bits is offered only after weights in 4 bits. */
static bool advise_cache(const struct advice *a, enum pls_type k, enum pls_type v)
{
    struct pls_ask ask = a->plan->ask;
    if (!may_narrow_cache(a)) {
        return false;
    }
    ask.type_k = k;
    ask.type_v = v;
    ask.flash_attention = PLS_AUTO;
    if (!helps(a, a->layout, &ask)) {
        return false;
    }
    pls_plan_note(a->plan, "kv-type", "a cache of type %s for K and %s for V would fit",
                  pls_type_info(k)->name, pls_type_info(v)->name);
    return true;
}

static uint64_t all_budgets(const struct pls_machine *m)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < m->n_pools; i++) {
        sum = pls_add(sum, m->pools[i].within < 0 ? m->pools[i].budget_bytes : 0);
    }
    return sum;
}

static bool is_hopeless(const struct advice *a, const struct lever *lever)
{
    uint64_t params = 0;
    for (uint32_t i = 0; i < a->layout->tensors.n; i++) {
        if (a->layout->role[i] != PLS_ROLE_SKIPPED) {
            params = pls_add(params, a->layout->params[i]);
        }
    }
    return (double)params * lever->least_bpw / 8 > (double)all_budgets(a->machine);
}

/* The first quant of the list, best first, that is smaller and fits; with `cache` in 8 bits as well when
 * asked. */
static bool advise_quant(const struct advice *a, const struct lever *list, size_t n, bool quantize_cache)
{
    for (size_t i = 0; i < n; i++) {
        if (is_hopeless(a, &list[i])) {
            continue;
        }
        size_t mark = a->scratch->used;
        struct pls_layout smaller;
        struct pls_ask ask = a->plan->ask;
        ask.quant = (struct pls_quant){
            .format = PLS_FORMAT_GGUF, .ftype = list[i].ftype, .stored = PLS_TYPE_NONE, .imatrix = true
        };
        if (quantize_cache) {
            ask.type_k = PLS_TYPE_Q8_0;
            ask.type_v = PLS_TYPE_Q8_0;
        }
        bool found =
            pls_layout_make(a->layout->model, &ask.quant, a->machine, a->scratch, &smaller, NULL) == PLS_OK
            && smaller.tensor_data_bytes < a->layout->tensor_data_bytes && helps(a, &smaller, &ask);
        pls_arena_reset(a->scratch, mark);
        if (found) {
            pls_plan_note(a->plan, "quant", "%s%s would fit", pls_ftype_name(list[i].ftype),
                          quantize_cache ? " with a q8_0 cache" : "");
            return true;
        }
    }
    return false;
}

static void advise_size(const struct advice *a)
{
    static const struct lever good[] = {
        { PLS_FTYPE_Q8_0, 8.4 }, { PLS_FTYPE_Q6_K, 6.5 }, { PLS_FTYPE_Q5_K_M, 5.4 }, { PLS_FTYPE_Q4_K_M, 4.5 }
    };
    static const struct lever small[] = { { PLS_FTYPE_IQ4_XS, 4.2 },
                                          { PLS_FTYPE_Q3_K_M, 3.4 },
                                          { PLS_FTYPE_IQ3_XXS, 3.0 },
                                          { PLS_FTYPE_IQ2_M, 2.5 } };
    bool plain = may_narrow_cache(a);
    bool gguf = a->layout->quant.format == PLS_FORMAT_GGUF;
    bool cache = advise_cache(a, PLS_TYPE_Q8_0, PLS_TYPE_Q8_0);
    if (gguf && advise_quant(a, good, PLS_COUNT_OF(good), false)) {
        return;
    }
    if (!cache) {
        advise_cache(a, PLS_TYPE_Q8_0, PLS_TYPE_Q4_0);
    }
    if (gguf && !advise_quant(a, small, PLS_COUNT_OF(small), false) && plain) {
        advise_quant(a, small, PLS_COUNT_OF(small), true);
    }
}

void pls_place_advise(const struct pls_layout *layout, const struct pls_machine *machine,
                      struct pls_arena *scratch, struct pls_plan *plan)
{
    size_t mark = scratch->used;
    struct advice a = { layout, machine, scratch, plan, PLS_TAKE(scratch, struct pls_plan, 1) };
    if (a.trial != NULL) {
        advise_wired_limit(&a);
        advise_slots(&a);
        advise_context(&a);
        advise_size(&a);
    }
    pls_arena_reset(scratch, mark);
}
