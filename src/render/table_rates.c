/* What was measured, and the kernels it can be measured with. */
#include <inttypes.h>

#include "render/document.h"
#include "render/page.h"
#include "render/words.h"

enum { LINE_CAP = 512 };

struct rate_row {
    enum pls_type type;
    const struct pls_type_rate *rate;
};

static const struct pls_type_rate *rate_of(const void *row)
{
    return ((const struct rate_row *)row)->rate;
}

static void cell_type(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_add(out, "%s", pls_type_info(((const struct rate_row *)row)->type)->name);
}

static void gbs(double value, bool raw, struct pls_text *out)
{
    if (value > 0) {
        pls_text_add(out, raw ? "%.6g" : "%.1f", value);
    } else {
        pls_text_add(out, raw ? "" : "-");
    }
}

static void cell_stream(const void *row, bool raw, struct pls_text *out)
{
    gbs(rate_of(row)->stream_gbs, raw, out);
}

static void cell_repacked(const void *row, bool raw, struct pls_text *out)
{
    gbs(rate_of(row)->stream_repacked_gbs, raw, out);
}

static void cell_cached(const void *row, bool raw, struct pls_text *out)
{
    gbs(rate_of(row)->cached_gbs, raw, out);
}

static void cell_gemm(const void *row, bool raw, struct pls_text *out)
{
    gbs(rate_of(row)->gemm_gflops, raw, out);
}

static void cell_spread(const void *row, bool raw, struct pls_text *out)
{
    pls_text_add(out, raw ? "%.6g" : "%.0f%%", raw ? rate_of(row)->spread : 100 * rate_of(row)->spread);
}

static const struct pls_column rate_columns[] = {
    { "TYPE", "type", 0, 0, cell_type },
    { "STREAM GB/S", "stream_gbs", 0, PLS_COLUMN_RIGHT, cell_stream },
    { "REPACKED GB/S", "stream_repacked_gbs", 0, PLS_COLUMN_RIGHT, cell_repacked },
    { "CACHED GB/S", "cached_gbs", 0, PLS_COLUMN_RIGHT, cell_cached },
    { "MATRIX GFLOPS", "gemm_gflops", 0, PLS_COLUMN_RIGHT, cell_gemm },
    { "SPREAD", "spread", 0, PLS_COLUMN_RIGHT, cell_spread },
};

static enum pls_code json_rates(FILE *to, bool lines, const struct pls_machine *m, const struct pls_rates *r,
                                struct pls_err *err)
{
    struct pls_json j = pls_json_begin("plimsoll.bench/1");
    pls_json_text(&j, j.root, "cpu", m->cpu.name);
    pls_json_known(&j, j.root, "threads", r->n_threads);
    pls_json_known(&j, j.root, "measured_at", r->measured_at);
    cJSON *ram = pls_json_object(&j, j.root, "ram");
    pls_json_rate(&j, ram, "read_gbs", r->ram_gbs);
    pls_json_number(&j, ram, "spread", r->ram_spread);
    pls_json_text(&j, ram, "origin", pls_origin_name(r->ram_origin));
    cJSON *steps = pls_json_array(&j, ram, "by_threads");
    for (uint32_t i = 0; i < r->n_ram_steps; i++) {
        cJSON *o = pls_json_object(&j, steps, NULL);
        pls_json_u64(&j, o, "threads", r->ram_steps[i].n_threads);
        pls_json_rate(&j, o, "read_gbs", r->ram_steps[i].read_gbs);
        pls_json_number(&j, o, "spread", r->ram_steps[i].spread);
    }
    pls_json_rate(&j, j.root, "barrier_ns", r->barrier_ns);
    pls_json_rate(&j, j.root, "attention_gbs", r->attention_gbs);
    cJSON *types = pls_json_object(&j, j.root, "types");
    for (int i = 0; i < PLS_TYPE_COUNT; i++) {
        const struct pls_type_rate *t = &r->type[i];
        if (t->stream_gbs > 0 || t->gemm_gflops > 0) {
            cJSON *o = pls_json_object(&j, types, pls_type_info((enum pls_type)i)->name);
            pls_json_rate(&j, o, "stream_gbs", t->stream_gbs);
            pls_json_rate(&j, o, "stream_repacked_gbs", t->stream_repacked_gbs);
            pls_json_rate(&j, o, "cached_gbs", t->cached_gbs);
            pls_json_rate(&j, o, "gemm_gflops", t->gemm_gflops);
            pls_json_number(&j, o, "spread", t->spread);
        }
    }
    enum pls_code code = lines ? pls_json_line(&j, j.root, to, err) : pls_json_write(&j, to, err);
    pls_json_end(&j);
    return code;
}

static void header(struct pls_page *page, const struct pls_machine *m, const struct pls_rates *r)
{
    char room[LINE_CAP];
    struct pls_text t = PLS_TEXT(room);
    pls_page_field(page, "CPU", "%s", m->cpu.name[0] != '\0' ? m->cpu.name : "unknown");
    for (uint32_t i = 0; i < r->n_ram_steps; i++) {
        pls_text_add(&t, "%s%.1f GB/s with %u thread%s", i > 0 ? ", " : "", r->ram_steps[i].read_gbs,
                     r->ram_steps[i].n_threads, r->ram_steps[i].n_threads == 1 ? "" : "s");
    }
    pls_page_field(page, "Memory", "reads %.1f GB/s (%s, spread %.0f%%)", r->ram_gbs,
                   pls_origin_name(r->ram_origin), 100 * r->ram_spread);
    if (t.len > 0) {
        pls_page_field(page, "", "%s", room);
    }
    if (r->barrier_ns > 0) {
        pls_page_field(page, "Barrier", "%.0f ns for %u threads", r->barrier_ns, r->n_threads);
    }
}

enum pls_code pls_render_rates(FILE *to, enum pls_output output, const struct pls_machine *machine,
                               const struct pls_rates *rates, const struct pls_screen *screen,
                               struct pls_err *err)
{
    struct rate_row rows[PLS_TYPE_COUNT];
    size_t n = 0;
    if (output == PLS_OUT_JSON || output == PLS_OUT_JSONL) {
        return json_rates(to, output == PLS_OUT_JSONL, machine, rates, err);
    }
    for (int i = 0; i < PLS_TYPE_COUNT; i++) {
        if (rates->type[i].stream_gbs > 0 || rates->type[i].gemm_gflops > 0) {
            rows[n++] = (struct rate_row){ (enum pls_type)i, &rates->type[i] };
        }
    }
    struct pls_grid grid = { rate_columns, PLS_COUNT_OF(rate_columns), rows, sizeof(rows[0]), n };
    struct pls_page page;
    enum pls_code code = pls_page_begin(&page, screen->color, err);
    if (code != PLS_OK) {
        return code;
    }
    if (output == PLS_OUT_TABLE) {
        header(&page, machine, rates);
    }
    if (output == PLS_OUT_ENV) {
        pls_page_env(&page, "PLIMSOLL_RAM_GBS", "%.6g", rates->ram_gbs);
        pls_page_env(&page, "PLIMSOLL_THREADS", "%u", rates->n_threads);
    } else if (n > 0 || output != PLS_OUT_TABLE) {
        if (output == PLS_OUT_TABLE) {
            fputc('\n', page.to);
        }
        code = pls_page_grid(&page, &grid, output, screen->width, err);
    }
    return pls_page_end(&page, code, to, err);
}

static const struct pls_kernel_row *kernel_of(const void *row)
{
    return row;
}

static void cell_kernel_type(const void *row, bool raw, struct pls_text *out)
{
    const char *name = pls_type_info(kernel_of(row)->type)->name;
    (void)raw;
    pls_text_add(out, "%s", name != NULL ? name : "-");
}

static void cell_kernel_op(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_add(out, "%s", kernel_of(row)->op);
}

static void cell_kernel_name(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_add(out, "%s", kernel_of(row)->name);
}

static void cell_kernel_isa(const void *row, bool raw, struct pls_text *out)
{
    size_t start = out->len;
    (void)raw;
    for (uint32_t bit = 0; bit < 32; bit++) {
        const char *name =
            (kernel_of(row)->isa & 1u << bit) != 0 ? pls_isa_name((enum pls_isa)(1u << bit)) : NULL;
        if (name != NULL) {
            pls_text_add(out, "%s%s", out->len > start ? " " : "", name);
        }
    }
}

static void cell_kernel_state(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_add(out, "%s",
                 kernel_of(row)->is_chosen   ? "runs"
                 : kernel_of(row)->is_usable ? "usable"
                                             : "not here");
}

static const struct pls_column kernel_columns[] = {
    { "TYPE", "type", 0, 0, cell_kernel_type },
    { "OPERATION", "operation", 0, 0, cell_kernel_op },
    { "KERNEL", "kernel", 0, 0, cell_kernel_name },
    { "STATE", "state", 0, 0, cell_kernel_state },
    { "NEEDS", "needs", 0, 0, cell_kernel_isa },
};

static enum pls_code json_kernels(FILE *to, const struct pls_kernel_row *rows, uint32_t n,
                                  struct pls_err *err)
{
    struct pls_json j = pls_json_begin("plimsoll.kernels/1");
    cJSON *array = pls_json_array(&j, j.root, "kernels");
    for (uint32_t i = 0; i < n; i++) {
        char needs[LINE_CAP];
        struct pls_text t = PLS_TEXT(needs);
        cell_kernel_isa(&rows[i], true, &t);
        cJSON *o = pls_json_object(&j, array, NULL);
        pls_json_text(&j, o, "type", pls_type_info(rows[i].type)->name);
        pls_json_text(&j, o, "operation", rows[i].op);
        pls_json_text(&j, o, "kernel", rows[i].name);
        pls_json_text(&j, o, "needs", needs);
        pls_json_flag(&j, o, "usable", rows[i].is_usable);
        pls_json_flag(&j, o, "chosen", rows[i].is_chosen);
    }
    enum pls_code code = pls_json_write(&j, to, err);
    pls_json_end(&j);
    return code;
}

enum pls_code pls_render_kernels(FILE *to, enum pls_output output, const struct pls_kernel_row *rows,
                                 uint32_t n, const struct pls_screen *screen, struct pls_err *err)
{
    struct pls_grid grid = { kernel_columns, PLS_COUNT_OF(kernel_columns), rows, sizeof(*rows), n };
    struct pls_page page;
    if (output == PLS_OUT_JSON || output == PLS_OUT_JSONL) {
        return json_kernels(to, rows, n, err);
    }
    enum pls_code code = pls_page_begin(&page, screen->color, err);
    if (code != PLS_OK) {
        return code;
    }
    code = pls_page_grid(&page, &grid, output, screen->width, err);
    return pls_page_end(&page, code, to, err);
}
