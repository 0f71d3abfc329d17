/* plan MODEL...: every model under the same options, and all of them resident together. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"

enum { MODELS_MAX = 16 };

/* Budgets are shared; bytes in a pool that draws on another count there as well. */
static struct pls_together add_up(const struct pls_machine *m, const struct pls_entry *entries, uint32_t n)
{
    struct pls_together t = { .fits = true, .total_bytes = 0, .margin_bytes = INT64_MAX };
    uint64_t used[PLS_MAX_POOLS] = { 0 };
    for (uint32_t i = 0; i < n; i++) {
        const struct pls_plan *p = entries[i].plan;
        t.total_bytes = pls_add(t.total_bytes, p->bytes.total);
        t.fits = t.fits && p->fit == PLS_FIT_YES;
        for (uint32_t k = 0; k < p->n_shares; k++) {
            const struct pls_share *s = &p->shares[k];
            int32_t within = m->pools[s->pool].within;
            used[s->pool] = pls_add(used[s->pool], s->bytes.total);
            if (within >= 0) {
                used[within] = pls_add(used[within], s->bytes.total);
            }
        }
    }
    for (uint32_t i = 0; i < m->n_pools; i++) {
        uint64_t budget = m->pools[i].budget_bytes;
        int64_t margin = used[i] > budget ? -(int64_t)pls_min(used[i] - budget, INT64_MAX)
                                          : (int64_t)pls_min(budget - used[i], INT64_MAX);
        if (used[i] > 0 && margin < t.margin_bytes) {
            t.margin_bytes = margin;
        }
    }
    t.fits = t.fits && t.margin_bytes >= 0;
    return t;
}

static enum pls_code make_one(struct pls_session *s, const char *word, const struct pls_ask *wish,
                              struct pls_target *target, struct pls_plan *plan, struct pls_err *err)
{
    struct pls_ask ask = *wish;
    const char *task_name = pls_args_text(s->args, PLS_OPT_TASK);
    enum pls_task task = PLS_TASK_CHAT;
    if (task_name != NULL && !pls_task_by_name(task_name, &task)) {
        return pls_fail(err, PLS_USAGE, "--task: '%s' is not known", task_name);
    }
    enum pls_code code = pls_target_find(s, word, wish, target, err);
    if (code != PLS_OK) {
        return code;
    }
    ask.quant = target->quant;
    code = pls_plan_make(&target->model, &ask, &s->machine, &s->rates, &s->scratch, plan, err);
    if (code == PLS_OK) {
        pls_quality_predict(&target->model.card, task, plan);
    }
    return code;
}

static enum pls_code answer(struct pls_session *s, const struct pls_entry *entries, uint32_t n, struct pls_err *err)
{
    struct pls_report report = {
        .machine = &s->machine,
        .rates = &s->rates,
        .entries = entries,
        .n_entries = n,
        .together = add_up(&s->machine, entries, n),
        .screen = s->screen,
    };
    const char *emit = pls_args_text(s->args, PLS_OPT_EMIT);
    enum pls_code code = emit != NULL ? pls_render_command(stdout, &entries[0], emit, err)
                                      : pls_render_plan(stdout, s->output, &report, err);
    return code == PLS_OK && !report.together.fits ? PLS_NO : code;
}

enum pls_code pls_cmd_plan(struct pls_session *s, struct pls_err *err)
{
    uint32_t n = s->args->n_operands;
    struct pls_ask wish;
    if (n == 0 || n > MODELS_MAX) {
        return pls_fail(err, PLS_USAGE, "plan: needs 1 to %d models (plimsoll catalog list shows names)", MODELS_MAX);
    }
    enum pls_code code = pls_ask_from_args(s->args, &wish, err);
    code = code == PLS_OK ? pls_session_machine(s, err) : code;
    if (code != PLS_OK) {
        return code;
    }
    pls_session_rates(s);
    struct pls_entry entries[MODELS_MAX] = { { 0 } };
    struct pls_target *targets = PLS_TAKE(&s->arena, struct pls_target, n);
    struct pls_plan *plans = PLS_TAKE(&s->arena, struct pls_plan, n);
    if (targets == NULL || plans == NULL) {
        return pls_fail(err, PLS_NOMEM, "plan: out of memory");
    }
    for (uint32_t i = 0; i < n && code == PLS_OK; i++) {
        code = make_one(s, s->args->operands[i], &wish, &targets[i], &plans[i], err);
        entries[i].model = &targets[i].model;
        entries[i].plan = &plans[i];
        entries[i].path = targets[i].has_path ? targets[i].path : NULL;
    }
    return code == PLS_OK ? answer(s, entries, n, err) : code;
}
