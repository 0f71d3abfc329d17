/* What `calibrate` learnt: run by run before and after, and the factors. */
#include <math.h>

#include "render/document.h"
#include "render/page.h"

static const struct pls_calibrated *run_of(const void *row)
{
    return row;
}

static void cell_model(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_escape(out, run_of(row)->model);
}

static void cell_test(const void *row, bool raw, struct pls_text *out)
{
    const struct pls_calibrated *c = run_of(row);
    (void)raw;
    pls_text_add(out, "%s%llu", c->is_prefill ? "pp" : "tg", (unsigned long long)c->tokens);
    if (c->depth_tokens > 0) {
        pls_text_add(out, " @ d%llu", (unsigned long long)c->depth_tokens);
    }
}

static void cell_measured(const void *row, bool raw, struct pls_text *out)
{
    pls_text_add(out, raw ? "%.6g" : "%.4g", run_of(row)->measured_tps);
}

static void rate_or_dash(double tps, bool raw, struct pls_text *out)
{
    if (isfinite(tps)) {
        pls_text_add(out, raw ? "%.6g" : "%.4g", tps);
    } else {
        pls_text_add(out, raw ? "" : "-");
    }
}

static void cell_before(const void *row, bool raw, struct pls_text *out)
{
    rate_or_dash(run_of(row)->before_tps, raw, out);
}

static void cell_after(const void *row, bool raw, struct pls_text *out)
{
    rate_or_dash(run_of(row)->after_tps, raw, out);
}

static void cell_odd(const void *row, bool raw, struct pls_text *out)
{
    const char *name = pls_odd_name(run_of(row)->odd);
    (void)raw;
    pls_text_add(out, "%s", name != NULL ? name : "");
}

static const struct pls_column columns[] = {
    { "MODEL", "model", 0, 0, cell_model },
    { "TEST", "test", 0, 0, cell_test },
    { "MEASURED TOK/S", "measured_tps", 0, PLS_COLUMN_RIGHT, cell_measured },
    { "BEFORE", "before_tps", 0, PLS_COLUMN_RIGHT, cell_before },
    { "AFTER", "after_tps", 0, PLS_COLUMN_RIGHT, cell_after },
    { "SET ASIDE", "set_aside", 0, 0, cell_odd },
};

static enum pls_code json(FILE *to, bool lines, const struct pls_calibrations *c, struct pls_err *err)
{
    struct pls_json j = pls_json_begin("plimsoll.calibrate/1");
    const struct pls_calibration *l = c->learnt;
    pls_json_text(&j, j.root, "backend", pls_backend_name(l->backend));
    pls_json_u64(&j, j.root, "runs", l->n_runs);
    pls_json_u64(&j, j.root, "unknown_models", c->n_unknown);
    pls_json_u64(&j, j.root, "set_aside", c->n_odd);
    pls_json_number(&j, j.root, "residual", l->residual);
    pls_json_number(&j, j.root, "fixed_ns_per_layer", l->fixed_ns_per_layer);
    cJSON *types = pls_json_object(&j, j.root, "types");
    for (int i = 0; i < PLS_TYPE_COUNT; i++) {
        if (l->type_factor[i] > 0 || l->prefill_factor[i] > 0) {
            cJSON *o = pls_json_object(&j, types, pls_type_info((enum pls_type)i)->name);
            pls_json_rate(&j, o, "decode", l->type_factor[i]);
            pls_json_rate(&j, o, "prefill", l->prefill_factor[i]);
        }
    }
    cJSON *array = pls_json_array(&j, j.root, "tests");
    for (uint32_t i = 0; i < c->n_rows; i++) {
        const struct pls_calibrated *r = &c->rows[i];
        cJSON *o = pls_json_object(&j, array, NULL);
        pls_json_text(&j, o, "model", r->model);
        pls_json_u64(&j, o, "prompt_tokens", r->is_prefill ? r->tokens : 0);
        pls_json_u64(&j, o, "generated_tokens", r->is_prefill ? 0 : r->tokens);
        pls_json_u64(&j, o, "depth_tokens", r->depth_tokens);
        pls_json_known(&j, o, "threads", r->n_threads);
        pls_json_number(&j, o, "measured_tps", r->measured_tps);
        pls_json_rate(&j, o, "before_tps", isfinite(r->before_tps) ? r->before_tps : 0);
        pls_json_rate(&j, o, "after_tps", isfinite(r->after_tps) ? r->after_tps : 0);
        pls_json_text(&j, o, "set_aside", pls_odd_name(r->odd));
    }
    enum pls_code code = lines ? pls_json_line(&j, j.root, to, err) : pls_json_write(&j, to, err);
    pls_json_end(&j);
    return code;
}

void pls_page_learnt(struct pls_page *page, const struct pls_calibration *l)
{
    char room[1024];
    struct pls_text t = PLS_TEXT(room);
    pls_page_field(page, "Learnt", "from %u runs with %s; four fifths within %.0f%% afterwards", l->n_runs,
                   pls_backend_name(l->backend), 100 * l->residual);
    for (int i = 0; i < PLS_TYPE_COUNT; i++) {
        if (l->type_factor[i] > 0 || l->prefill_factor[i] > 0) {
            pls_text_add(&t, "%s%s", t.len > 0 ? ", " : "", pls_type_info((enum pls_type)i)->name);
            if (l->type_factor[i] > 0) {
                pls_text_add(&t, " x%.2f", l->type_factor[i]);
            }
            if (l->prefill_factor[i] > 0) {
                pls_text_add(&t, " (prompt x%.2f)", l->prefill_factor[i]);
            }
        }
    }
    if (l->fixed_ns_per_layer > 0) {
        pls_text_add(&t, ", %+.1f us per layer", l->fixed_ns_per_layer / 1000);
    }
    pls_page_field(page, "Rates", "%s", room);
}

enum pls_code pls_render_calibration(FILE *to, enum pls_output output, const struct pls_calibrations *c,
                                     const struct pls_screen *screen, struct pls_err *err)
{
    struct pls_grid grid = { columns, PLS_COUNT_OF(columns), c->rows, sizeof(c->rows[0]), c->n_rows };
    struct pls_page page;
    if (output == PLS_OUT_JSON || output == PLS_OUT_JSONL) {
        return json(to, output == PLS_OUT_JSONL, c, err);
    }
    enum pls_code code = pls_page_begin(&page, screen->color, err);
    if (code != PLS_OK) {
        return code;
    }
    if (output == PLS_OUT_TABLE) {
        pls_page_learnt(&page, c->learnt);
        if (c->n_unknown > 0) {
            pls_page_field(&page, "Left out", "%u runs of models that are not known here", c->n_unknown);
        }
        if (c->n_odd > 0) {
            pls_page_field(&page, "Set aside",
                           "%u runs that something disturbed (slow) or that the kernels measured here"
                           " make implausible",
                           c->n_odd);
        }
        fputc('\n', page.to);
    }
    if (output == PLS_OUT_ENV) {
        pls_page_env(&page, "PLIMSOLL_CALIBRATION_RUNS", "%u", c->learnt->n_runs);
    } else {
        code = pls_page_grid(&page, &grid, output, screen->width, err);
    }
    return pls_page_end(&page, code, to, err);
}
