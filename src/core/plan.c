/* Composes a plan from its parts, and several plans into one verdict. */
#include "plimsoll/plan.h"

#include <stdarg.h>
#include <string.h>

#include "plimsoll/place.h"
#include "plimsoll/text.h"

void pls_bytes_sum(struct pls_bytes *b)
{
    uint64_t total = pls_add(pls_add(b->weights, b->kv), pls_add(b->state, b->compute));
    b->total = pls_add(total, pls_add(pls_add(b->output, b->projector), b->overhead));
}

void pls_bytes_add(struct pls_bytes *to, const struct pls_bytes *from)
{
    to->weights = pls_add(to->weights, from->weights);
    to->mapped = pls_add(to->mapped, from->mapped);
    to->kv = pls_add(to->kv, from->kv);
    to->state = pls_add(to->state, from->state);
    to->compute = pls_add(to->compute, from->compute);
    to->output = pls_add(to->output, from->output);
    to->projector = pls_add(to->projector, from->projector);
    to->overhead = pls_add(to->overhead, from->overhead);
    pls_bytes_sum(to);
}

void pls_plan_note(struct pls_plan *p, const char *code, const char *fmt, ...)
{
    if (p->n_notes >= PLS_PLAN_MAX_NOTES) {
        return;
    }
    struct pls_note *note = &p->notes[p->n_notes++];
    va_list args;
    PLS_COPY(note->code, code);
    va_start(args, fmt);
    struct pls_text text = PLS_TEXT(note->text);
    pls_text_vadd(&text, fmt, args);
    va_end(args);
}

/* Layers in RAM on a processor whose time is rationed: an engine that is not told starts a thread per core.
 */
static void note_quota(struct pls_plan *p, const struct pls_machine *machine)
{
    const struct pls_cpu *cpu = &machine->cpu;
    uint32_t n = pls_cpu_threads(cpu);
    bool has_work = p->n_shares > 0 && p->shares[0].traffic.n_layers > 0;
    if (has_work && pls_cpu_is_rationed(cpu) && (p->ask.n_threads == 0 || p->ask.n_threads > n)) {
        pls_plan_note(p, "cpu-quota",
                      "a control group allows %.1f CPUs' worth of time: reckoned with %u thread%s (-t %u)",
                      cpu->quota_cpus, n, n == 1 ? "" : "s", n);
    }
}

enum pls_code pls_plan_make(const struct pls_model *model, const struct pls_ask *ask,
                            const struct pls_machine *machine, const struct pls_rates *rates,
                            struct pls_arena *scratch, struct pls_plan *out, struct pls_err *err)
{
    size_t mark = scratch->used;
    struct pls_layout layout;
    enum pls_code code = pls_layout_make(model, &ask->quant, machine, scratch, &layout, err);
    if (code == PLS_OK) {
        layout.replays = pls_replays_new(scratch); /* the largest context asks some of it again */
        code = pls_place_layout(&layout, ask, machine, scratch, out, err);
    }
    if (code == PLS_OK) {
        out->context_fit_tokens = pls_place_context_fit(&layout, out, machine, scratch);
        if (out->fit == PLS_FIT_YES) { /* what fits is a witness, however near the edge */
            out->context_fit_tokens = pls_max(out->context_fit_tokens, out->setting.n_ctx);
        }
        pls_speed_predict(&model->card, machine, rates, out);
        pls_quality_predict(&model->card, PLS_TASK_CHAT, out);
        note_quota(out, machine);
        if (out->fit != PLS_FIT_YES) {
            pls_place_advise(&layout, machine, scratch, out);
        }
    }
    pls_arena_reset(scratch, mark);
    return code;
}

/* ---- several together ---- */

/* The pool and those it lies within, as machine pools index one another; a record that goes in circles ends.
 */
static int32_t outer_pool(const struct pls_machine *machine, int32_t pool, uint32_t *steps)
{
    (*steps)++;
    return *steps < machine->n_pools ? machine->pools[pool].within : -1;
}

static bool is_pool(const struct pls_machine *machine, int32_t pool)
{
    return pool >= 0 && (uint32_t)pool < machine->n_pools;
}

void pls_plan_claim(struct pls_machine *machine, const struct pls_plan *plan)
{
    for (uint32_t i = 0; i < plan->n_shares; i++) {
        uint64_t bytes = plan->shares[i].bytes.total;
        uint32_t steps = 0;
        for (int32_t p = plan->shares[i].pool; is_pool(machine, p); p = outer_pool(machine, p, &steps)) {
            machine->pools[p].budget_bytes = pls_sub(machine->pools[p].budget_bytes, bytes);
            machine->pools[p].free_bytes = pls_sub(machine->pools[p].free_bytes, bytes);
        }
    }
}

static void add_used(const struct pls_plan *plan, const struct pls_machine *machine, uint64_t used[])
{
    for (uint32_t i = 0; i < plan->n_shares; i++) {
        uint32_t steps = 0;
        for (int32_t p = plan->shares[i].pool; is_pool(machine, p); p = outer_pool(machine, p, &steps)) {
            used[p] = pls_add(used[p], plan->shares[i].bytes.total);
        }
    }
}

void pls_plan_together(const struct pls_plan plans[], uint32_t n, const struct pls_machine *machine,
                       struct pls_together *out)
{
    uint64_t used[PLS_MAX_POOLS] = { 0 };
    memset(out, 0, sizeof(*out));
    for (uint32_t k = 0; k < n; k++) {
        out->total_bytes = pls_add(out->total_bytes, plans[k].bytes.total);
        add_used(&plans[k], machine, used);
    }
    out->fits = true;
    out->margin_bytes = INT64_MAX;
    for (uint32_t i = 0; i < machine->n_pools; i++) {
        if (used[i] == 0) {
            continue;
        }
        bool huge = used[i] > INT64_MAX;
        int64_t margin =
            huge ? INT64_MIN : (int64_t)pls_min(machine->pools[i].budget_bytes, INT64_MAX) - (int64_t)used[i];
        out->fits = out->fits && margin >= 0;
        if (margin < out->margin_bytes) {
            out->margin_bytes = margin;
            out->tightest_pool = (int32_t)i;
        }
    }
}
