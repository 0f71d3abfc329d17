/* compare [MODEL...] --on A --on B...: plans of the models on each machine, or the best of `fit` on each. */
#include <stdio.h>

#include "cli/command.h"
#include "cli/fit.h"

enum { MACHINES_MAX = 16, MODELS_MAX = 16 };

struct comparison {
    struct pls_fit_ask ask;
    struct pls_machine *machines;
    struct pls_compared items[MACHINES_MAX];
    uint32_t n;
    bool any; /* some model fits on some machine, and is fast enough */
};

/* One --on is compared with this machine. */
static enum pls_code read_machines(struct pls_session *s, struct comparison *c, struct pls_err *err)
{
    enum pls_code code = PLS_OK;
    uint32_t n_on = 0;
    for (uint32_t i = 0; i < s->args->n_given; i++) {
        n_on += s->args->given[i].id == PLS_OPT_ON;
    }
    c->machines = PLS_TAKE(&s->arena, struct pls_machine, MACHINES_MAX);
    if (n_on == 0 || n_on > MACHINES_MAX - 1) {
        return pls_fail(err, PLS_USAGE, "compare: needs --on for 1 to %d machines (one: against this machine)", MACHINES_MAX - 1);
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
            code = pls_plan_make(&targets[i].model, &ask, &s->machine, &s->rates, &s->scratch, &plans[i], err);
        }
        if (code == PLS_OK) {
            pls_quality_by_policy(&targets[i].model.card, &c->ask.policy, &plans[i]);
            bool is_fast = pls_fast_enough(s->args, &targets[i].model.card, &plans[i]);
            c->any = c->any || (is_fast && plans[i].fit == PLS_FIT_YES);
        }
        entries[i] = (struct pls_entry){ .model = &targets[i].model, .plan = &plans[i],
                                         .path = targets[i].has_path ? targets[i].path : NULL };
    }
    item->entries = entries;
    item->n_entries = n;
    return code;
}

static enum pls_code ask_machine(struct pls_session *s, struct comparison *c, struct pls_compared *item,
                                 struct pls_err *err)
{
    struct pls_fit_result found;
    pls_session_use(s, item->machine);
    if (s->args->n_operands > 0) {
        return plan_models(s, c, item, err);
    }
    enum pls_code code = pls_fit_run(s, NULL, &c->ask, &found, err);
    item->entries = found.entries;
    item->n_entries = found.n_entries;
    c->any = c->any || found.n_entries > 0;
    return code;
}

enum pls_code pls_cmd_compare(struct pls_session *s, struct pls_err *err)
{
    struct comparison *c = PLS_TAKE(&s->arena, struct comparison, 1);
    if (s->args->n_operands > MODELS_MAX) {
        return pls_fail(err, PLS_USAGE, "compare: at most %d models", MODELS_MAX);
    }
    enum pls_code code = c != NULL ? read_machines(s, c, err) : pls_fail(err, PLS_NOMEM, "compare: out of memory");
    code = code == PLS_OK ? pls_fit_ask_read(s, &c->ask, err) : code;
    if (code != PLS_OK) {
        return code;
    }
    c->ask.top = 1;
    if (c->n == 1) {
        code = pls_session_machine_here(s, err);
        if (code == PLS_OK) {
            pls_session_rates(s, true);
        }
        c->machines[1] = c->machines[0];
        c->machines[0] = s->machine;
        c->n = 2;
    }
    for (uint32_t i = 0; i < c->n && code == PLS_OK; i++) {
        c->items[i].machine = &c->machines[i];
        code = ask_machine(s, c, &c->items[i], err);
    }
    code = code == PLS_OK ? pls_render_compare(stdout, s->output, c->items, c->n, &s->screen, err) : code;
    return code == PLS_OK && !c->any ? PLS_NO : code;
}
