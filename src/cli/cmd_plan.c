/* plan MODEL...: every model under the same options, and all of them resident together: each is placed
 * into what the ones before it have left. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "plimsoll/speed.h"

enum { MODELS_MAX = 16 };

/* What is asked of every model, and the machine with what is left of it. */
struct question {
    struct pls_ask ask;
    enum pls_task task;
    struct pls_machine whole, left;
    bool is_slow; /* one of them is slower than --min-speed */
};

/* One of a family accepts about this share of what its smaller sibling drafts; published values lie
 * between 0.5 and 0.9. */
static const double ASSUMED_ACCEPTANCE = 0.7;

/* What embeds or ranks takes a text in one micro-batch: the server refuses longer ones (llama.cpp of
 * 2026-08-22, server_slot::can_split). */
static void note_input(const struct pls_card *card, struct pls_plan *plan)
{
    bool is_whole = card->is_encoder || (card->tasks & 1u << PLS_TASK_RERANK) != 0;
    if (is_whole && plan->setting.engine == PLS_ENGINE_LLAMA_CPP
        && plan->setting.n_ubatch < plan->setting.n_ctx_seq) {
        pls_plan_note(plan, "input-limit",
                      "texts of more than %llu tokens are refused (-b and -ub up to %llu take longer ones)",
                      (unsigned long long)plan->setting.n_ubatch,
                      (unsigned long long)plan->setting.n_ctx_seq);
    }
}

static enum pls_code make_one(struct pls_session *s, const char *word, struct question *q,
                              struct pls_target *target, struct pls_plan *plan, struct pls_err *err)
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
        pls_note_depth(plan);
        note_input(&target->model.card, plan);
        q->is_slow = !pls_fast_enough(s->args, &target->model.card, plan) || q->is_slow;
    }
    return code;
}

static bool keeps_state(const struct pls_card *card)
{
    return strspn(card->kind, "FSN") < card->n_layers;
}

/* Tokens to draft at a time; 0: not known. */
static uint32_t note_gain(const struct pls_target *draft, const struct pls_card *card,
                          const struct pls_plan *small, struct pls_plan *plan)
{
    struct pls_draft_gain g = pls_draft_gain(card, plan, small, ASSUMED_ACCEPTANCE);
    const char *state = keeps_state(card) ? "; needs an engine that can take recurrent state back" : "";
    if (!(g.gain > 0)) {
        pls_plan_note(plan, "draft", "%s drafts; what it gains is not known without speeds",
                      draft->model.card.id);
    } else if (g.gain < 1.05) {
        pls_plan_note(
            plan, "draft",
            "%s does not pay: %.2f times the speed if %.0f%% of drafted tokens are accepted (assumed)",
            draft->model.card.id, g.gain, 100 * g.acceptance);
    } else {
        pls_plan_note(
            plan, "draft",
            "%s: %.1f times the speed, %.3g tok/s, drafting %u at a time if %.0f%% are accepted (assumed)%s",
            draft->model.card.id, g.gain, g.gain * plan->speed.decode_tps, g.n_drafted, 100 * g.acceptance,
            state);
    }
    return g.gain > 0 ? g.n_drafted : 0;
}

/* The engine gives a draft the context of its target, and an F16 cache. */
static struct pls_ask ask_of_draft(const struct pls_ask *ask, const struct pls_plan *target)
{
    struct pls_ask own = pls_ask_default(ask->runtime);
    struct pls_ask out = *ask;
    out.context_tokens = pls_runtime_profile(ask->runtime)->context_per_slot ? target->setting.n_ctx_seq
                                                                             : target->setting.n_ctx;
    out.type_k = own.type_k;
    out.type_v = own.type_v;
    out.gpu_layers = own.gpu_layers;
    out.cpu_moe_layers = own.cpu_moe_layers;
    return out;
}

/* Finds the draft and places it into what is left. */
static enum pls_code make_draft(struct pls_session *s, const struct question *q, struct pls_target *targets,
                                struct pls_plan *plans, struct pls_err *err)
{
    struct question *own = PLS_TAKE(&s->arena, struct question, 1);
    const char *word = pls_args_text(s->args, PLS_OPT_DRAFT);
    const struct pls_card *card = &targets[0].model.card;
    struct pls_card found;
    char name[112];
    struct pls_text t = PLS_TEXT(name);
    enum pls_code code = PLS_OK;
    if (own == NULL) {
        return pls_fail(err, PLS_NOMEM, "plan: out of memory");
    }
    *own = *q;
    own->ask = ask_of_draft(&q->ask, &plans[0]);
    if (pls_text_equal(word, "auto")) {
        code = pls_draft_find(s, card, &own->ask, &own->left, &found, err);
        pls_text_add(&t, "%s:Q8_0", found.id);
        word = name;
    }
    code = code == PLS_OK ? make_one(s, word, own, &targets[1], &plans[1], err) : code;
    if (code == PLS_OK && targets[1].model.card.n_vocab != card->n_vocab) {
        code = pls_fail(err, PLS_REFUSED, "%s: a draft model needs the vocabulary of %s",
                        targets[1].model.card.id, card->id);
    }
    return code;
}

/* A context that is ours to choose takes all the memory there is: the draft is placed first, and the
 * target gives way. */
static enum pls_code make_room(struct pls_session *s, struct question *q, struct pls_target *targets,
                               struct pls_plan *plans, struct pls_err *err)
{
    bool is_open = q->ask.context_tokens == PLS_CONTEXT_DEFAULT || q->ask.context_tokens == PLS_CONTEXT_MAX;
    if (!is_open) {
        return PLS_OK;
    }
    q->left = q->whole;
    enum pls_code code = make_draft(s, q, targets, plans, err);
    if (code == PLS_OK) {
        pls_plan_claim(&q->left, &plans[1]);
        code = make_one(s, s->args->operands[0], q, &targets[0], &plans[0], err);
    }
    q->left = q->whole;
    pls_plan_claim(&q->left, &plans[0]);
    return code;
}

/* The draft model becomes the second of the plans; what it gains is a note on the first. */
static enum pls_code add_draft(struct pls_session *s, struct question *q, struct pls_target *targets,
                               struct pls_plan *plans, struct pls_entry *entries, struct pls_err *err)
{
    enum pls_code code = make_room(s, q, targets, plans, err);
    code = code == PLS_OK ? make_draft(s, q, targets, plans, err) : code;
    if (code == PLS_NO) {
        pls_plan_note(
            &plans[0], "draft",
            "no model of the catalog drafts for it: same vocabulary and kin, an eighth of its active "
            "parameters or less, and room beside it");
        return PLS_OK;
    }
    if (code == PLS_OK) {
        entries[0].n_drafted = note_gain(&targets[1], &targets[0].model.card, &plans[1], &plans[0]);
        entries[0].draft = &entries[1];
        entries[1].is_draft = true;
    }
    return code;
}

/* The command is what was asked for, so it is printed; that it would run out of memory is nothing it says. */
static void warn_of_misfit(const struct pls_entry *e)
{
    const struct pls_card *card = &e->model->card;
    int64_t margin = e->plan->margin_bytes;
    char room[256];
    struct pls_text t = PLS_TEXT(room);
    if (e->plan->fit == PLS_FIT_YES) {
        return;
    }
    pls_text_add(&t, "%s %s does not fit: ", card->name[0] != '\0' ? card->name : card->id, e->plan->quant);
    pls_text_bytes(&t, margin < 0 ? 0 - (uint64_t)margin : (uint64_t)margin);
    pls_text_add(&t, " too much; the command is printed all the same");
    pls_warn(room);
}

static enum pls_code answer(struct pls_session *s, const struct pls_entry *entries, uint32_t n,
                            struct pls_err *err)
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
    for (uint32_t i = 0; emit != NULL && code == PLS_OK && i < n; i++) {
        warn_of_misfit(&entries[i]);
        pls_warn_of_wants(&entries[i], emit);
    }
    return code == PLS_OK && !report.together.fits ? PLS_NO : code;
}

static enum pls_code read_question(struct pls_session *s, struct question *q, struct pls_err *err)
{
    enum pls_code code = pls_task_from_args(s->args, &q->task, err);
    code = code == PLS_OK ? pls_ask_from_args(s->args, &q->ask, err) : code;
    code = code == PLS_OK ? pls_session_machine(s, err) : code;
    if (code == PLS_OK) {
        pls_session_rates(s, true);
        q->whole = q->left = s->machine;
    }
    return code;
}

/* The catalog has some models of which nobody has published the shape. */
static void note_inferred(struct pls_session *s, const struct pls_card *card, struct pls_plan *plan)
{
    char room[256];
    struct pls_text keys = PLS_TEXT(room);
    double tolerance = 0;
    if (card->source != PLS_SOURCE_CATALOG || s->catalog == NULL
        || !pls_catalog_inferred(s->catalog, card->id, &keys, &tolerance)) {
        return;
    }
    char within[64];
    struct pls_text t = PLS_TEXT(within);
    if (tolerance > 0) {
        pls_text_add(&t, "; parameters agree to %g%%", 100 * tolerance);
    }
    pls_plan_note(plan, "inferred", "the shape of this model was inferred, not read (%s)%s", room, within);
}

enum pls_code pls_cmd_plan(struct pls_session *s, struct pls_err *err)
{
    uint32_t n = s->args->n_operands;
    struct pls_entry entries[MODELS_MAX + 1] = { { 0 } };
    struct question *q = PLS_TAKE(&s->arena, struct question, 1);
    struct pls_target *targets = PLS_TAKE(&s->arena, struct pls_target, n + 1);
    struct pls_plan *plans = PLS_TAKE(&s->arena, struct pls_plan, n + 1);
    if (n == 0 || n > MODELS_MAX) {
        return pls_fail(err, PLS_USAGE, "plan: needs 1 to %d models (plimsoll catalog list shows names)",
                        MODELS_MAX);
    }
    if (n > 1 && pls_args_has(s->args, PLS_OPT_DRAFT)) {
        return pls_fail(err, PLS_USAGE, "plan: --draft is for one model");
    }
    if (q == NULL || targets == NULL || plans == NULL) {
        return pls_fail(err, PLS_NOMEM, "plan: out of memory");
    }
    enum pls_code code = read_question(s, q, err);
    for (uint32_t i = 0; i < n && code == PLS_OK; i++) {
        code = make_one(s, s->args->operands[i], q, &targets[i], &plans[i], err);
    }
    if (code == PLS_OK && pls_args_has(s->args, PLS_OPT_DRAFT)) {
        code = add_draft(s, q, targets, plans, entries, err);
        n += entries[1].is_draft;
    }
    for (uint32_t i = 0; i < n && code == PLS_OK; i++) {
        entries[i].model = &targets[i].model;
        entries[i].plan = &plans[i];
        entries[i].path = targets[i].has_path ? targets[i].path : NULL;
        entries[i].repo = targets[i].repo[0] != '\0' ? targets[i].repo : NULL;
        entries[i].published = pls_target_published(s, &targets[i].model.card, &plans[i]);
        pls_target_note_imatrix(s, &targets[i], entries[i].published, &plans[i]);
        note_inferred(s, &targets[i].model.card, &plans[i]);
        entries[i].server = i;
    }
    code = code == PLS_OK ? answer(s, entries, n, err) : code;
    return code == PLS_OK && q->is_slow ? PLS_NO : code;
}
