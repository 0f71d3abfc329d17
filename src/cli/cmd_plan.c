/* plan MODEL...: every model under the same options, and all of them resident together: each is placed into what the ones
 * before it have left. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"

enum { MODELS_MAX = 16 };

/* What is asked of every model, and the machine with what is left of it. */
struct question {
    struct pls_ask ask;
    enum pls_task task;
    struct pls_machine left;
};

static enum pls_code make_one(struct pls_session *s, const char *word, struct question *q, struct pls_target *target,
                              struct pls_plan *plan, struct pls_err *err)
{
    struct pls_ask ask = q->ask;
    enum pls_code code = pls_target_find(s, word, &ask, target, err);
    code = code == PLS_OK ? pls_ask_for_quant(s->args, &target->quant, &ask, err) : code;
    if (code != PLS_OK) {
        return code;
    }
    code = pls_plan_make(&target->model, &ask, &q->left, &s->rates, &s->scratch, plan, err);
    if (code == PLS_OK) {
        pls_quality_predict(&target->model.card, q->task, plan);
        pls_plan_claim(&q->left, plan);
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
        .screen = s->screen,
    };
    const char *emit = pls_args_text(s->args, PLS_OPT_EMIT);
    pls_plan_together(entries[0].plan, n, &s->machine, &report.together);
    enum pls_code code = emit != NULL ? pls_render_commands(stdout, entries, n, emit, err)
                                      : pls_render_plan(stdout, s->output, &report, err);
    return code == PLS_OK && !report.together.fits ? PLS_NO : code;
}

static enum pls_code read_question(struct pls_session *s, struct question *q, struct pls_err *err)
{
    enum pls_code code = pls_task_from_args(s->args, &q->task, err);
    code = code == PLS_OK ? pls_ask_from_args(s->args, &q->ask, err) : code;
    code = code == PLS_OK ? pls_session_machine(s, err) : code;
    if (code == PLS_OK) {
        pls_session_rates(s, true);
        q->left = s->machine;
    }
    return code;
}

enum pls_code pls_cmd_plan(struct pls_session *s, struct pls_err *err)
{
    uint32_t n = s->args->n_operands;
    struct pls_entry entries[MODELS_MAX] = { { 0 } };
    struct question *q = PLS_TAKE(&s->arena, struct question, 1);
    struct pls_target *targets = PLS_TAKE(&s->arena, struct pls_target, n);
    struct pls_plan *plans = PLS_TAKE(&s->arena, struct pls_plan, n);
    if (n == 0 || n > MODELS_MAX) {
        return pls_fail(err, PLS_USAGE, "plan: needs 1 to %d models (plimsoll catalog list shows names)", MODELS_MAX);
    }
    if (q == NULL || targets == NULL || plans == NULL) {
        return pls_fail(err, PLS_NOMEM, "plan: out of memory");
    }
    enum pls_code code = read_question(s, q, err);
    for (uint32_t i = 0; i < n && code == PLS_OK; i++) {
        code = make_one(s, s->args->operands[i], q, &targets[i], &plans[i], err);
        entries[i] = (struct pls_entry){ .model = &targets[i].model, .plan = &plans[i],
                                         .path = targets[i].has_path ? targets[i].path : NULL };
    }
    return code == PLS_OK ? answer(s, entries, n, err) : code;
}
