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
    uint32_t n_odd;     /* runs set aside */
    enum pls_odd *odd;
    size_t mark; /* of the session's arena: the model in target lies above */
    struct pls_target target;
    char loaded[PLS_PATH_CAP]; /* the model in target */
    bool is_loaded;
    struct pls_plan plan;
};

/* A file that lies here, else what its name says. Of one model at a time: files may be of hundreds. Not being
 * known is no failure, not being able to look is. */
static enum pls_code find_model(struct calibrating *c, const struct pls_measured_run *run,
                                struct pls_err *err)
{
    struct pls_ask ask = pls_ask_default(PLS_RUNTIME_LLAMA_CLI);
    const char *slash = strrchr(run->model, '/');
    if (strcmp(c->loaded, run->model) == 0) {
        return c->is_loaded ? PLS_OK : PLS_NO;
    }
    PLS_COPY(c->loaded, run->model);
    pls_arena_reset(&c->s->arena, c->mark);
    enum pls_code code = pls_target_find(c->s, run->model, &ask, &c->target, err);
    if (code != PLS_OK && code != PLS_NOMEM && slash != NULL) {
        code = pls_target_find(c->s, slash + 1, &ask, &c->target, err);
    }
    c->is_loaded = code == PLS_OK;
    return code == PLS_OK || code == PLS_NOMEM || code == PLS_DB ? code : PLS_NO;
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

/* Interval factor of the prediction from kernels and tables alone. */
static double spread_of(struct calibrating *c, bool is_prefill)
{
    struct pls_rates unlearnt = c->s->rates;
    unlearnt.calibration = (struct pls_calibration){ .n_runs = 0 };
    pls_speed_predict(&c->target.model.card, &c->s->machine, &unlearnt, &c->plan);
    const struct pls_speed *s = &c->plan.speed;
    double low = is_prefill ? s->prefill_low_tps : s->decode_low_tps;
    return low > 0 ? (is_prefill ? s->prefill_tps : s->decode_tps) / low : 0;
}

static enum pls_code add_run(struct calibrating *c, const struct pls_measured_run *run, struct pls_err *err)
{
    struct pls_session *s = c->s;
    enum pls_code code = find_model(c, run, err);
    if (code != PLS_OK) {
        c->n_unknown += code == PLS_NO;
        return code == PLS_NO ? PLS_OK : code;
    }
    struct pls_ask ask = ask_of(run, &c->target.quant);
    size_t mark = s->scratch.used;
    code = pls_place(&c->target.model, &ask, &s->machine, &s->scratch, &c->plan, err);
    pls_arena_reset(&s->scratch, mark);
    if (code != PLS_OK) {
        return code;
    }
    bool is_prefill = run->n_prompt > 0;
    struct pls_engine_sample *sample = &c->samples[c->n];
    *sample = (struct pls_engine_sample){ .is_prefill = is_prefill,
                                          .observed_s = (is_prefill ? (double)run->n_prompt : 1) / run->tps };
    sample->parts = pls_speed_parts(&c->target.model.card, &s->machine, &s->rates, &c->plan, is_prefill);
    sample->spread = spread_of(c, is_prefill);
    const char *slash = strrchr(run->model, '/');
    c->rows[c->n] = (struct pls_calibrated){ .is_prefill = is_prefill,
                                             .tokens = is_prefill ? run->n_prompt : run->n_gen,
                                             .depth_tokens = run->n_depth,
                                             .n_threads = run->n_threads,
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

/* What is odd is left out of what is learnt, not of what is shown. */
static enum pls_code learn(struct calibrating *c, struct pls_calibration *learnt, struct pls_err *err)
{
    struct pls_engine_sample *believed = calloc((size_t)c->n + 1, sizeof(*believed));
    uint32_t n = 0;
    if (believed == NULL) {
        return pls_fail(err, PLS_NOMEM, "calibrate: out of memory");
    }
    pls_calibrate_grade(c->samples, c->n, c->odd);
    for (uint32_t i = 0; i < c->n; i++) {
        c->rows[i].odd = c->odd[i];
        c->n_odd += c->odd[i] != PLS_ODD_NO;
        if (c->odd[i] == PLS_ODD_NO) {
            believed[n++] = c->samples[i];
        }
    }
    bool is_learnt = pls_calibrate(believed, n, learnt);
    free(believed);
    if (is_learnt) {
        return PLS_OK;
    }
    return c->n_odd > 0 ? pls_fail(
               err, PLS_FORMAT,
               "calibrate: all %u runs are slower or faster than the kernels measured here make plausible;"
               " is this the machine, and is the name the model's?",
               c->n_odd)
                        : pls_fail(err, PLS_FORMAT,
                                   "calibrate: none of %u runs is of a model known here (a file at its path, "
                                   "or a name of the"
                                   " catalog)",
                                   c->n_runs);
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
    c->mark = c->s->arena.used;
    for (uint32_t i = 0; i < c->n_runs && code == PLS_OK; i++) {
        if (c->runs[i].backend != backend) {
            return pls_fail(err, PLS_USAGE,
                            "calibrate: runs with %s and with %s: calibrate for one backend at a time",
                            pls_backend_name(backend), pls_backend_name(c->runs[i].backend));
        }
        code = add_run(c, &c->runs[i], err);
    }
    struct pls_calibration before = *learnt;
    code = code == PLS_OK ? learn(c, learnt, err) : code;
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
    struct pls_calibrations result = { c->rows, c->n, c->n_unknown, c->n_odd, &c->s->rates.calibration };
    return pls_render_calibration(stdout, c->s->output, &result, &c->s->screen, err);
}

enum pls_code pls_cmd_calibrate(struct pls_session *s, struct pls_err *err)
{
    if (s->args->n_operands == 0) {
        return pls_fail(err, PLS_USAGE,
                        "calibrate: needs a file that llama-bench wrote (-o json, jsonl or csv)");
    }
    struct calibrating *c = calloc(1, sizeof(*c));
    struct pls_measured_run *runs = calloc(PLS_BENCH_RUNS_MAX, sizeof(*runs));
    struct pls_engine_sample *samples = calloc(PLS_BENCH_RUNS_MAX, sizeof(*samples));
    struct pls_calibrated *rows = calloc(PLS_BENCH_RUNS_MAX, sizeof(*rows));
    enum pls_odd *odd = calloc(PLS_BENCH_RUNS_MAX, sizeof(*odd));
    enum pls_code code = PLS_OK;
    if (c == NULL || runs == NULL || samples == NULL || rows == NULL || odd == NULL) {
        code = pls_fail(err, PLS_NOMEM, "calibrate: out of memory");
    } else {
        c->s = s;
        c->runs = runs;
        c->samples = samples;
        c->rows = rows;
        c->odd = odd;
        code = run(c, err);
    }
    free(odd);
    free(rows);
    free(samples);
    free(runs);
    free(c);
    return code;
}
