/* compare [MODEL...] --on A --on B...: plans of the models on each machine, or the best of `fit` on each. */
#include <stdio.h>

#include "cli/command.h"
#include "cli/fit.h"
#include "plimsoll/place.h"

enum { MACHINES_MAX = 16, MODELS_MAX = 16 };

struct comparison {
    struct pls_search_ask ask;
    struct pls_machine *machines;
    struct pls_compared items[MACHINES_MAX];
    uint32_t n;
    bool any;      /* some model fits on some machine, and is fast enough */
    bool has_here; /* the first is this machine, of which rates were measured */
    struct pls_rates here;
    struct pls_err cannot[MACHINES_MAX];
};

static enum pls_code read_machines(struct pls_session *s, struct comparison *c, struct pls_err *err)
{
    enum pls_code code = PLS_OK;
    uint32_t n_on = 0;
    for (uint32_t i = 0; i < s->args->n_given; i++) {
        n_on += s->args->given[i].id == PLS_OPT_ON;
    }
    c->machines = PLS_TAKE(&s->arena, struct pls_machine, MACHINES_MAX);
    if (n_on == 0 || n_on > MACHINES_MAX - 1) {
        return pls_fail(err, PLS_USAGE,
                        "compare: needs --on for 1 to %d machines (one: against this machine)",
                        MACHINES_MAX - 1);
    }
    if (c->machines == NULL) {
        return pls_fail(err, PLS_NOMEM, "compare: out of memory");
    }
    for (uint32_t i = 0; i < s->args->n_given && code == PLS_OK; i++) {
        if (s->args->given[i].id == PLS_OPT_ON) {
            code = pls_session_machine_on(s, s->args->given[i].value, &c->machines[c->n++], err);
        }
    }
    return code;
}

static enum pls_code plan_models(struct pls_session *s, struct comparison *c, struct pls_compared *item,
                                 struct pls_err *err)
{
    uint32_t n = s->args->n_operands;
    struct pls_entry *entries = PLS_TAKE(&s->arena, struct pls_entry, n);
    struct pls_target *targets = PLS_TAKE(&s->arena, struct pls_target, n);
    struct pls_plan *plans = PLS_TAKE(&s->arena, struct pls_plan, n);
    enum pls_code code = PLS_OK;
    if (entries == NULL || targets == NULL || plans == NULL) {
        return pls_fail(err, PLS_NOMEM, "compare: out of memory");
    }
    for (uint32_t i = 0; i < n && code == PLS_OK; i++) {
        struct pls_ask ask = c->ask.ask;
        code = pls_target_find(s, s->args->operands[i], &ask, &targets[i], err);
        code = code == PLS_OK ? pls_ask_for_quant(s->args, &targets[i].quant, &ask, err) : code;
        if (code == PLS_OK) {
            code =
                pls_plan_make(&targets[i].model, &ask, &s->machine, &s->rates, &s->scratch, &plans[i], err);
        }
        if (code == PLS_OK) {
            pls_quality_by_policy(&targets[i].model.card, &c->ask.policy, &plans[i]);
            bool is_fast = pls_fast_enough(s->args, &targets[i].model.card, &plans[i]);
            c->any = c->any || (is_fast && plans[i].fit == PLS_FIT_YES);
        }
        entries[i] = (struct pls_entry){ .model = &targets[i].model,
                                         .plan = &plans[i],
                                         .path = targets[i].has_path ? targets[i].path : NULL };
    }
    item->entries = entries;
    item->n_entries = n;
    return code;
}

/* A search does not ask for the largest context of what it finds, and keeps no tensors. */
static enum pls_code find_context(struct pls_session *s, struct pls_entry *entry, struct pls_err *err)
{
    struct pls_model *model = PLS_TAKE(&s->arena, struct pls_model, 1);
    struct pls_plan *plan = PLS_TAKE(&s->arena, struct pls_plan, 1);
    struct pls_layout layout;
    if (model == NULL || plan == NULL) {
        return pls_fail(err, PLS_NOMEM, "compare: out of memory");
    }
    *model = *entry->model;
    *plan = *entry->plan;
    size_t mark = s->scratch.used;
    enum pls_code code = pls_arch_tensors(&model->card, &s->scratch, &model->tensors, err);
    code = code == PLS_OK
               ? pls_layout_make(model, &plan->ask.quant, &s->machine, &s->scratch, &layout, err)
               : code;
    if (code == PLS_OK) {
        plan->context_fit_tokens = pls_place_context_fit(&layout, plan, &s->machine, &s->scratch);
        entry->plan = plan;
    }
    pls_arena_reset(&s->scratch, mark);
    return code;
}

static enum pls_code search(struct pls_session *s, struct comparison *c, struct pls_compared *item,
                            struct pls_err *err)
{
    struct pls_fit_result found = { 0 };
    enum pls_code code = pls_fit_run(s, NULL, &c->ask, &found, err);
    struct pls_entry *entries = PLS_TAKE(&s->arena, struct pls_entry, found.n_entries + 1);
    if (code == PLS_OK && entries == NULL) {
        return pls_fail(err, PLS_NOMEM, "compare: out of memory");
    }
    for (uint32_t i = 0; code == PLS_OK && i < found.n_entries; i++) {
        entries[i] = found.entries[i];
        code = find_context(s, &entries[i], err);
    }
    item->entries = entries;
    item->n_entries = code == PLS_OK ? found.n_entries : 0;
    c->any = c->any || item->n_entries > 0;
    return code;
}

/* A machine without what the engine drives is a row that says so: the others may well have it. */
static enum pls_code ask_machine(struct pls_session *s, struct comparison *c, uint32_t i, struct pls_err *err)
{
    struct pls_compared *item = &c->items[i];
    item->machine = &c->machines[i];
    pls_session_use(s, item->machine);
    if (i == 0 && c->has_here) {
        s->rates = c->here;
    }
    enum pls_code code = s->args->n_operands > 0 ? plan_models(s, c, item, err) : search(s, c, item, err);
    if (code == PLS_REFUSED) {
        c->cannot[i] = *err;
        item->cannot = c->cannot[i].text;
        item->n_entries = 0;
    }
    return code;
}

static enum pls_code ask_machines(struct pls_session *s, struct comparison *c, struct pls_err *err)
{
    uint32_t n_can = 0;
    for (uint32_t i = 0; i < c->n; i++) {
        enum pls_code code = ask_machine(s, c, i, err);
        if (code != PLS_OK && code != PLS_REFUSED) {
            return code;
        }
        n_can += code == PLS_OK;
    }
    if (n_can == 0 && c->n > 0) {
        return pls_fail(err, PLS_REFUSED, "%s", c->cannot[0].text);
    }
    return PLS_OK;
}

/* One --on is compared with this machine, which is measured as for a plan. */
static enum pls_code add_here(struct pls_session *s, struct comparison *c, struct pls_err *err)
{
    enum pls_code code = pls_session_machine_here(s, err);
    if (code == PLS_OK) {
        pls_session_rates(s, true);
        c->has_here = true;
        c->here = s->rates;
    }
    c->machines[1] = c->machines[0];
    c->machines[0] = s->machine;
    c->n = 2;
    return code;
}

enum pls_code pls_cmd_compare(struct pls_session *s, struct pls_err *err)
{
    struct comparison *c = PLS_TAKE(&s->arena, struct comparison, 1);
    if (s->args->n_operands > MODELS_MAX) {
        return pls_fail(err, PLS_USAGE, "compare: at most %d models", MODELS_MAX);
    }
    enum pls_code code =
        c != NULL ? read_machines(s, c, err) : pls_fail(err, PLS_NOMEM, "compare: out of memory");
    code = code == PLS_OK ? pls_fit_ask_read(s, &c->ask, err) : code;
    if (code != PLS_OK) {
        return code;
    }
    c->ask.top = 1;
    code = c->n == 1 ? add_here(s, c, err) : PLS_OK;
    code = code == PLS_OK ? ask_machines(s, c, err) : code;
    code = code == PLS_OK ? pls_render_compare(stdout, s->output, c->items, c->n, &s->screen, err) : code;
    return code == PLS_OK && !c->any ? PLS_NO : code;
}
