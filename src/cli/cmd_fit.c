/* fit [WORD...]: of all models, what to run here. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/fit.h"

enum { TOP_DEFAULT = 15, TOP_MOST = 4096 };

static void add_options(const struct pls_session *s, const struct pls_ask *ask, struct pls_policy *p)
{
    double *floor = p->min_prefill_tps > 0 ? &p->min_prefill_tps
                                           : &p->min_decode_tps; /* of reading, for what only reads */
    *floor = pls_args_number(s->args, PLS_OPT_MIN_SPEED, *floor);
    p->min_quality = pls_args_number(s->args, PLS_OPT_MIN_QUALITY, p->min_quality);
    p->quant_floor_bpw = pls_args_number(s->args, PLS_OPT_QUANT_FLOOR, p->quant_floor_bpw);
    if (ask->context_tokens != PLS_CONTEXT_DEFAULT && ask->context_tokens != PLS_CONTEXT_MAX) {
        /* slots that are given share what was asked for */
        bool is_shared = ask->parallel > 1 && !pls_runtime_profile(ask->runtime)->context_per_slot;
        p->wish_context_tokens = pls_max(1, ask->context_tokens / (is_shared ? ask->parallel : 1));
        p->min_context_tokens = p->wish_context_tokens;
    }
}

enum pls_code pls_fit_ask_read(struct pls_session *s, struct pls_search_ask *out, struct pls_err *err)
{
    const char *quant = pls_args_text(s->args, PLS_OPT_QUANT);
    enum pls_task task = PLS_TASK_CHAT;
    enum pls_code code = pls_ask_from_args(s->args, &out->ask, err);
    code = code == PLS_OK ? pls_task_from_args(s->args, &task, err) : code;
    code = code == PLS_OK ? pls_fit_policy(s, task, &out->policy, err) : code;
    if (code != PLS_OK) {
        return code;
    }
    add_options(s, &out->ask, &out->policy);
    out->each = pls_args_has(s->args, PLS_OPT_EACH);
    out->has_kv = pls_args_has(s->args, PLS_OPT_KV_TYPE) || pls_args_has(s->args, PLS_OPT_TYPE_K)
                  || pls_args_has(s->args, PLS_OPT_TYPE_V);
    out->whole_input =
        !pls_args_has(s->args, PLS_OPT_UBATCH) && pls_ask_engine(&out->ask) == PLS_ENGINE_LLAMA_CPP;
    out->must_run = pls_args_has(s->args, PLS_OPT_EMIT);
    out->speed_is_hard = pls_args_has(s->args, PLS_OPT_MIN_SPEED);
    out->top = (uint32_t)pls_min(pls_args_u64(s->args, PLS_OPT_TOP, TOP_DEFAULT), TOP_MOST);
    out->has_quant = quant != NULL;
    if (quant != NULL && !pls_quant_parse(quant, &out->quant)) {
        return pls_fail(err, PLS_USAGE,
                        "--quant: '%s' is not a quantization (Q4_K_M, Q8_0, IQ4_XS, mlx-4bit-g64, bf16, ...)",
                        quant);
    }
    if (quant != NULL) {
        pls_ask_mean_quant(out->ask.runtime, &out->quant);
    }
    out->quant.imatrix |= pls_args_has(s->args, PLS_OPT_IMATRIX);
    return quant != NULL ? pls_ask_for_quant(s->args, &out->quant, &out->ask, err) : PLS_OK;
}

/* The best row whose command runs as it is printed: scripts run it unseen. The best of all when there is
 * none. */
static uint32_t best_to_run(const struct pls_fit_result *found, const char *runtime)
{
    for (uint32_t i = 0; i < found->n_entries; i++) {
        char line_room[4096];
        char wants_room[512];
        struct pls_text line = PLS_TEXT(line_room);
        struct pls_text wants = PLS_TEXT(wants_room);
        pls_command_line(&found->entries[i], runtime, &line);
        pls_command_wants(&found->entries[i], runtime, &wants);
        if (line.len > 0 && wants.len == 0) {
            return i;
        }
    }
    return 0;
}

static enum pls_code print_command(const struct pls_fit_result *found, const char *runtime,
                                   struct pls_err *err)
{
    if (found->n_entries == 0) {
        pls_warn("nothing fits");
        return PLS_NO;
    }
    uint32_t pick = best_to_run(found, runtime);
    if (found->n_unpublished > 0) {
        pls_warn("FP8, AWQ and GPTQ checkpoints of which no repository is known are left out (fit --runtime "
                 "vllm ranks them)");
    }
    const struct pls_entry *first = &found->entries[0];
    enum pls_code code = pls_render_command(stdout, &found->entries[pick], runtime, err);
    if (code == PLS_OK && pick > 0) {
        char room[512];
        struct pls_text t = PLS_TEXT(room);
        pls_text_add(&t, "%s %s ranks higher, but %s has no command for it that runs as it is",
                     first->model->card.name, first->plan->quant, runtime);
        pls_warn(room);
    } else if (code == PLS_OK) {
        pls_warn_of_wants(first, runtime);
    }
    return code;
}

static enum pls_code answer(struct pls_session *s, const struct pls_search_ask *ask,
                            const struct pls_fit_result *found, struct pls_err *err)
{
    struct pls_report report = {
        .machine = &s->machine,
        .rates = &s->rates,
        .policy = &ask->policy,
        .entries = found->entries,
        .n_entries = found->n_entries,
        .n_considered = found->n_configs,
        .n_models = found->n_models,
        .other_tasks = found->other_tasks,
        .top = ask->top,
        .screen = s->screen,
    };
    const char *emit = pls_args_text(s->args, PLS_OPT_EMIT);
    if (emit != NULL) {
        return print_command(found, emit, err);
    }
    enum pls_code code = pls_render_fit(stdout, s->output, &report, err);
    return code == PLS_OK && found->n_entries == 0 ? PLS_NO : code;
}

/* Where the rows lie that are no GGUF files. */
static void find_repos(struct pls_session *s, struct pls_fit_result *found)
{
    for (uint32_t i = 0; i < found->n_entries; i++) {
        const struct pls_entry *e = &found->entries[i];
        char repo[128];
        bool is_known =
            e->plan->ask.quant.format != PLS_FORMAT_GGUF
            && pls_catalog_variant(s->catalog, e->model->card.id, &e->plan->ask.quant, repo, sizeof(repo));
        char *kept = is_known ? PLS_TAKE(&s->arena, char, sizeof(repo)) : NULL;
        if (kept != NULL) {
            pls_copy(kept, sizeof(repo), repo);
            found->entries[i].repo = kept;
        }
    }
}

/* What the card says of a repository of this name. */
static bool quant_of_repo(struct pls_session *s, const char *word, struct pls_quant *out)
{
    struct pls_card card;
    return strchr(word, '/') != NULL && pls_session_catalog(s, NULL) == PLS_OK
           && pls_catalog_resolve(s->catalog, word, &card, NULL) == PLS_OK
           && pls_target_repo_quant(s, &card, word, out);
}

/* A quantization in the name of the one model that is asked about counts as given with -q. */
static enum pls_code quant_of_name(struct pls_session *s, struct pls_search_ask *ask, struct pls_err *err)
{
    struct pls_quant_said said = { .is_known = true };
    if (s->args->n_operands != 1 || ask->has_quant
        || !(quant_of_repo(s, s->args->operands[0], &said.quant)
             || pls_quant_in_name(s->args->operands[0], &said))) {
        return PLS_OK;
    }
    if (!said.is_known) {
        return pls_fail(err, PLS_USAGE,
                        "%s: '%s' is not a quantization (Q4_K_M, Q8_0, IQ4_XS, mlx-4bit-g64, bf16, ...)",
                        s->args->operands[0], said.text);
    }
    ask->quant = said.quant;
    pls_ask_mean_quant(ask->ask.runtime, &ask->quant);
    ask->has_quant = true;
    return pls_ask_for_quant(s->args, &ask->quant, &ask->ask, err);
}

enum pls_code pls_cmd_fit(struct pls_session *s, struct pls_err *err)
{
    struct pls_search_ask ask = { .has_quant = false };
    struct pls_fit_result found;
    char words[512];
    struct pls_text t = PLS_TEXT(words);
    for (uint32_t i = 0; i < s->args->n_operands; i++) {
        pls_text_add(&t, "%s%s", i > 0 ? " " : "", s->args->operands[i]);
    }
    if (t.truncated) {
        return pls_fail(err, PLS_USAGE, "fit: more than %zu bytes of words", sizeof(words) - 1);
    }
    enum pls_code code = pls_fit_ask_read(s, &ask, err);
    code = code == PLS_OK ? quant_of_name(s, &ask, err) : code;
    code = code == PLS_OK ? pls_session_machine(s, err) : code;
    code = code == PLS_OK ? pls_place_check(&ask.ask, &s->machine, err) : code;
    if (code != PLS_OK) {
        return code;
    }
    pls_session_rates(s, true);
    code = pls_fit_run(s, t.len > 0 ? words : NULL, &ask, &found, err);
    if (code == PLS_OK) {
        find_repos(s, &found);
    } else if (code == PLS_USAGE && t.len > 0) {
        code = pls_fail_as_machine(s, words, err);
    }
    return code == PLS_OK ? answer(s, &ask, &found, err) : code;
}
