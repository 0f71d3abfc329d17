/* calibrate FILE...: takes measured results of llama-bench into the predictions for this machine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "plimsoll/calibrate.h"

enum { REPORT_MAX = 16 << 20 };

struct calibrating {
    struct pls_session *s;
    struct pls_measured_run *runs;
    struct pls_engine_sample *samples;
    struct pls_calibrated *rows;
    uint32_t n_runs, n;
    uint32_t n_unknown; /* runs whose model is not known here */
    struct pls_target target;
    char loaded[PLS_PATH_CAP]; /* the model in target */
    bool is_loaded;
    struct pls_plan plan;
};

/* A file that lies here, else what its name says. */
static bool find_model(struct calibrating *c, const struct pls_measured_run *run)
{
    struct pls_ask ask = pls_ask_default(PLS_RUNTIME_LLAMA_CLI);
    const char *slash = strrchr(run->model, '/');
    if (strcmp(c->loaded, run->model) == 0) {
        return c->is_loaded;
    }
    PLS_COPY(c->loaded, run->model);
    c->is_loaded = pls_target_find(c->s, run->model, &ask, &c->target, NULL) == PLS_OK
        || (slash != NULL && pls_target_find(c->s, slash + 1, &ask, &c->target, NULL) == PLS_OK);
    return c->is_loaded;
}

static struct pls_ask ask_of(const struct pls_measured_run *run, const struct pls_quant *quant)
{
    struct pls_ask ask = pls_ask_default(PLS_RUNTIME_LLAMA_CLI);
    bool on_cpu = run->backend == PLS_BACKEND_CPU;
    ask.quant = *quant;
    ask.context_tokens = pls_max(run->n_prompt + run->n_gen + run->n_depth, 256);
    ask.parallel = 1;
    ask.batch_tokens = (uint32_t)run->n_batch;
    ask.ubatch_tokens = (uint32_t)run->n_ubatch;
    ask.type_k = run->type_k;
    ask.type_v = run->type_v;
    ask.flash_attention = run->flash_attention < 0 ? PLS_AUTO : run->flash_attention > 0 ? PLS_ON : PLS_OFF;
    ask.gpu_layers = on_cpu ? 0 : run->gpu_layers < 0 ? PLS_GPU_LAYERS_ALL : run->gpu_layers;
    ask.backend = run->backend;
    ask.n_threads = run->n_threads;
    ask.prompt_tokens = run->n_prompt;
    ask.depth_tokens = run->n_depth + (run->n_prompt > 0 ? 0 : run->n_gen / 2);
    return ask;
}

static enum pls_code add_run(struct calibrating *c, const struct pls_measured_run *run, struct pls_err *err)
{
    struct pls_session *s = c->s;
    if (!find_model(c, run)) {
        c->n_unknown++;
        return PLS_OK;
    }
    struct pls_ask ask = ask_of(run, &c->target.quant);
    size_t mark = s->scratch.used;
    enum pls_code code = pls_place(&c->target.model, &ask, &s->machine, &s->scratch, &c->plan, err);
    pls_arena_reset(&s->scratch, mark);
    if (code != PLS_OK) {
        return code;
    }
    bool is_prefill = run->n_prompt > 0;
    struct pls_engine_sample *sample = &c->samples[c->n];
    *sample = (struct pls_engine_sample){ .is_prefill = is_prefill, .observed_s = (is_prefill ? (double)run->n_prompt : 1) / run->tps };
    sample->parts = pls_speed_parts(&c->target.model.card, &s->machine, &s->rates, &c->plan, is_prefill);
    const char *slash = strrchr(run->model, '/');
    c->rows[c->n] = (struct pls_calibrated){ .is_prefill = is_prefill, .tokens = is_prefill ? run->n_prompt : run->n_gen,
                                             .depth_tokens = run->n_depth, .n_threads = run->n_threads,
                                             .measured_tps = run->tps };
    pls_copy(c->rows[c->n].model, sizeof(c->rows[c->n].model), slash != NULL ? slash + 1 : run->model);
    c->n++;
    return PLS_OK;
}

static enum pls_code read_reports(struct calibrating *c, struct pls_err *err)
{
    enum pls_code code = PLS_OK;
    for (uint32_t i = 0; i < c->s->args->n_operands && code == PLS_OK; i++) {
        char *text = NULL;
        size_t len = 0;
        uint32_t n = 0;
        struct pls_err why = { 0 };
        const char *path = c->s->args->operands[i];
        code = pls_slurp(path, REPORT_MAX, &text, &len, err);
        if (code != PLS_OK) {
            break;
        }
        code = pls_bench_report(text, len, c->runs + c->n_runs, PLS_BENCH_RUNS_MAX - c->n_runs, &n, &why);
        code = code == PLS_OK ? code : pls_fail(err, code, "%s: %s", path, why.text);
        c->n_runs += n;
        free(text);
    }
    return code;
}

/* Corrections hold for one backend: that of the first run. What was learnt of another is dropped. */
static enum pls_code fold(struct calibrating *c, struct pls_err *err)
{
    struct pls_calibration *learnt = &c->s->rates.calibration;
    enum pls_backend backend = c->runs[0].backend;
    enum pls_code code = PLS_OK;
    if (learnt->backend != backend) {
        *learnt = (struct pls_calibration){ .backend = backend };
    }
    for (uint32_t i = 0; i < c->n_runs && code == PLS_OK; i++) {
        if (c->runs[i].backend != backend) {
            return pls_fail(err, PLS_USAGE, "calibrate: runs with %s and with %s: calibrate for one backend at a time",
                            pls_backend_name(backend), pls_backend_name(c->runs[i].backend));
        }
        code = add_run(c, &c->runs[i], err);
    }
    struct pls_calibration before = *learnt;
    if (code == PLS_OK && !pls_calibrate(c->samples, c->n, learnt)) {
        code = pls_fail(err, PLS_FORMAT,
                        "calibrate: none of %u runs is of a model known here (a file at its path, or a name of the catalog)", c->n_runs);
    }
    for (uint32_t i = 0; i < c->n && code == PLS_OK; i++) {
        double tokens = c->samples[i].is_prefill ? (double)c->rows[i].tokens : 1;
        c->rows[i].before_tps = tokens / pls_calibrated_s(&before, &c->samples[i]);
        c->rows[i].after_tps = tokens / pls_calibrated_s(learnt, &c->samples[i]);
    }
    return code;
}

static enum pls_code run(struct calibrating *c, struct pls_err *err)
{
    enum pls_code code = read_reports(c, err);
    if (code == PLS_OK && c->n_runs == 0) {
        return pls_fail(err, PLS_FORMAT, "calibrate: no test of a prompt or of generation in the files");
    }
    code = code == PLS_OK ? pls_session_machine_here(c->s, err) : code;
    if (code != PLS_OK) {
        return code;
    }
    pls_session_rates(c->s, true);
    code = fold(c, err);
    if (code != PLS_OK) {
        return code;
    }
    pls_session_keep_rates(c->s);
    struct pls_calibrations result = { c->rows, c->n, c->n_unknown, &c->s->rates.calibration };
    return pls_render_calibration(stdout, c->s->output, &result, &c->s->screen, err);
}

enum pls_code pls_cmd_calibrate(struct pls_session *s, struct pls_err *err)
{
    if (s->args->n_operands == 0) {
        return pls_fail(err, PLS_USAGE, "calibrate: needs a file that llama-bench wrote (-o json, jsonl or csv)");
    }
    struct calibrating *c = calloc(1, sizeof(*c));
    struct pls_measured_run *runs = calloc(PLS_BENCH_RUNS_MAX, sizeof(*runs));
    struct pls_engine_sample *samples = calloc(PLS_BENCH_RUNS_MAX, sizeof(*samples));
    struct pls_calibrated *rows = calloc(PLS_BENCH_RUNS_MAX, sizeof(*rows));
    enum pls_code code = PLS_OK;
    if (c == NULL || runs == NULL || samples == NULL || rows == NULL) {
        code = pls_fail(err, PLS_NOMEM, "calibrate: out of memory");
    } else {
        c->s = s;
        c->runs = runs;
        c->samples = samples;
        c->rows = rows;
        code = run(c, err);
    }
    free(rows);
    free(samples);
    free(runs);
    free(c);
    return code;
}
