/* Several machines side by side, and the hardware that a model needs. */
#include <inttypes.h>
#include <stdlib.h>

#include "plimsoll/speed.h"
#include "render/answer.h"
#include "render/document.h"
#include "render/record.h"
#include "render/words.h"

/* A plan on a machine; `first` is the same question on the first machine. No entry: the engine does not run
 * there. */
struct compare_row {
    const struct pls_machine *machine;
    const struct pls_entry *entry;
    const struct pls_entry *first;
};

static const struct compare_row *row_of(const void *row)
{
    return row;
}

/* NULL where the engine does not run; whoever asks says nothing then. */
static const struct pls_plan *plan_of(const void *row)
{
    return row_of(row)->entry != NULL ? row_of(row)->entry->plan : NULL;
}

static double speed_of(const struct pls_entry *entry)
{
    return pls_speed_that_counts(&entry->model->card, entry->plan);
}

static void cell_name(const struct pls_machine *m, struct pls_text *out)
{
    if (m->name[0] != '\0') {
        pls_text_escape(out, m->name);
    } else {
        pls_text_add(out, "this machine");
    }
}

static void cell_machine(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    cell_name(row_of(row)->machine, out);
}

static void cell_model(const void *row, bool raw, struct pls_text *out)
{
    if (plan_of(row) != NULL) {
        const struct pls_card *c = &row_of(row)->entry->model->card;
        pls_text_escape(out, raw ? c->id : pls_words_model(c));
    }
}

static void cell_quant(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_escape(out, plan_of(row) != NULL ? plan_of(row)->quant : "");
}

static void cell_fits(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    const struct pls_plan *p = plan_of(row);
    pls_text_add(out, "%s", p == NULL ? "cannot run" : p->fit == PLS_FIT_YES ? "yes" : "no");
}

static void cell_total(const void *row, bool raw, struct pls_text *out)
{
    if (plan_of(row) == NULL) {
        return;
    }
    if (raw) {
        pls_text_add(out, "%" PRIu64, plan_of(row)->bytes.total);
    } else {
        pls_text_bytes(out, plan_of(row)->bytes.total);
    }
}

static void cell_margin(const void *row, bool raw, struct pls_text *out)
{
    if (plan_of(row) == NULL) {
        return;
    }
    if (raw) {
        pls_text_add(out, "%" PRId64, plan_of(row)->margin_bytes);
    } else {
        pls_words_margin(out, plan_of(row)->margin_bytes);
    }
}

static void cell_context(const void *row, bool raw, struct pls_text *out)
{
    uint64_t n = plan_of(row) != NULL ? plan_of(row)->context_fit_tokens : 0;
    if (plan_of(row) == NULL) {
        return;
    }
    if (raw) {
        pls_text_add(out, "%" PRIu64, n);
    } else if (n == 0) {
        pls_text_add(out, "none");
    } else {
        pls_words_tokens(out, n);
    }
}

static void tokens(uint64_t n, bool raw, struct pls_text *out)
{
    if (raw) {
        pls_text_add(out, "%" PRIu64, n);
    } else {
        pls_text_tokens(out, n);
    }
}

static void cell_asked_context(const void *row, bool raw, struct pls_text *out)
{
    if (plan_of(row) != NULL) {
        tokens(plan_of(row)->setting.n_ctx, raw, out);
    }
}

static void cell_decode(const void *row, bool raw, struct pls_text *out)
{
    /* raw is "decode_tps", of every model */
    double tps = plan_of(row) != NULL ? plan_of(row)->speed.decode_tps : 0;
    if (plan_of(row) == NULL) {
        return;
    }
    if (plan_of(row)->fit != PLS_FIT_YES) {
        pls_text_add(out, "%s", raw ? "" : "-");
    } else if (!raw) {
        pls_words_rate(out, speed_of(row_of(row)->entry));
    } else if (tps > 0) {
        pls_text_add(out, "%.6g", tps);
    }
}

static void cell_gain(const void *row, bool raw, struct pls_text *out)
{
    const struct pls_plan *p = plan_of(row);
    const struct pls_plan *f = p != NULL ? row_of(row)->first->plan : NULL;
    if (p == NULL) {
        return;
    }
    double tps = speed_of(row_of(row)->entry);
    double first_tps = speed_of(row_of(row)->first);
    if (p->fit == PLS_FIT_YES && f->fit == PLS_FIT_YES && tps > 0 && first_tps > 0) {
        pls_text_add(out, raw ? "%.4g" : "x%.2g", tps / first_tps);
    } else if (p->fit == PLS_FIT_YES && f->fit != PLS_FIT_YES) {
        pls_text_add(out, "%s", raw ? "" : "now fits");
    }
}

static const struct pls_column compare_columns[] = {
    { "MACHINE", "machine", 20, PLS_COLUMN_TRUNC, cell_machine },
    { "MODEL", "model", 12, PLS_COLUMN_TRUNC, cell_model },
    { "QUANT", "quant", 0, 0, cell_quant },
    { "FITS", "fits", 0, 0, cell_fits },
    { "MEMORY", "total_bytes", 0, PLS_COLUMN_RIGHT, cell_total },
    { "SPARE", "margin_bytes", 0, PLS_COLUMN_RIGHT, cell_margin },
    { "CONTEXT", "context_tokens", 0, PLS_COLUMN_RIGHT | PLS_COLUMN_WIDE, cell_asked_context },
    { "MOST CONTEXT", "context_fit_tokens", 0, PLS_COLUMN_RIGHT | PLS_COLUMN_WIDE, cell_context },
    { "TOK/S", "decode_tps", 0, PLS_COLUMN_RIGHT, cell_decode },
    { "GAIN", "gain", 0, PLS_COLUMN_RIGHT, cell_gain },
};

static enum pls_code json_compare(FILE *to, bool lines, const struct pls_compared *items, uint32_t n,
                                  struct pls_err *err)
{
    struct pls_json j = pls_json_begin("plimsoll.compare/1");
    cJSON *machines = pls_json_array(&j, j.root, "machines");
    enum pls_code code = PLS_OK;
    for (uint32_t i = 0; i < n && code == PLS_OK; i++) {
        cJSON *o = pls_json_object(&j, machines, NULL);
        pls_document_machine(&j, o, items[i].machine);
        cJSON *plans = pls_json_array(&j, o, "plans");
        if (items[i].cannot != NULL) {
            pls_json_text(&j, o, "cannot_run", items[i].cannot);
        }
        for (uint32_t k = 0; k < items[i].n_entries; k++) {
            struct pls_entry plain = items[i].entries[k];
            plain.pick = NULL;
            pls_document_entry(&j, pls_json_object(&j, plans, NULL), &plain, items[i].machine, 0);
        }
        code = lines ? pls_json_line(&j, o, to, err) : PLS_OK;
    }
    code = code == PLS_OK && !lines ? pls_json_write(&j, to, err) : code;
    pls_json_end(&j);
    return code;
}

static uint32_t fill_rows(const struct pls_compared *items, uint32_t n, struct compare_row *rows)
{
    uint32_t at = 0;
    uint32_t most = 0;
    for (uint32_t i = 0; i < n; i++) {
        most = items[i].n_entries > most ? items[i].n_entries : most;
    }
    for (uint32_t k = 0; k < most; k++) {
        for (uint32_t i = 0; i < n; i++) {
            if (k < items[i].n_entries) {
                const struct pls_entry *first =
                    k < items[0].n_entries ? &items[0].entries[k] : &items[i].entries[k];
                rows[at++] = (struct compare_row){ items[i].machine, &items[i].entries[k], first };
            }
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        if (items[i].cannot != NULL) {
            rows[at++] = (struct compare_row){ .machine = items[i].machine };
        }
    }
    return at;
}

static void say_why(struct pls_page *page, const struct pls_compared *items, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        char room[160];
        struct pls_text name = PLS_TEXT(room);
        bool says_name = items[i].cannot != NULL && pls_text_starts(items[i].cannot, items[i].machine->name);
        cell_name(items[i].machine, &name);
        if (items[i].cannot != NULL) {
            pls_page_field(page, "Cannot", "%s%s%s", says_name ? "" : room, says_name ? "" : ": ",
                           items[i].cannot);
        }
    }
}

enum pls_code pls_render_compare(FILE *to, enum pls_output output, const struct pls_compared *items,
                                 uint32_t n, const struct pls_screen *screen, struct pls_err *err)
{
    struct pls_page page;
    size_t total = 1;
    if (output == PLS_OUT_JSON || output == PLS_OUT_JSONL) {
        return json_compare(to, output == PLS_OUT_JSONL, items, n, err);
    }
    for (uint32_t i = 0; i < n; i++) {
        total += items[i].n_entries + 1;
    }
    struct compare_row *rows = calloc(total, sizeof(*rows));
    if (rows == NULL) {
        return pls_fail(err, PLS_NOMEM, "output: out of memory");
    }
    enum pls_code code = pls_page_begin(&page, screen->color, err);
    if (code != PLS_OK) {
        free(rows);
        return code;
    }
    uint32_t n_rows = fill_rows(items, n, rows);
    struct pls_grid grid = { compare_columns, PLS_COUNT_OF(compare_columns), rows, sizeof(*rows), n_rows };
    if (n_rows == 0 && output == PLS_OUT_TABLE) {
        pls_page_field(&page, "Nothing", "fits any of these machines");
    } else {
        code = pls_page_grid(&page, &grid, output, screen->width, err);
    }
    if (output == PLS_OUT_TABLE) {
        say_why(&page, items, n);
    }
    free(rows);
    return pls_page_end(&page, code, to, err);
}

/* ---- need ---- */

static const struct pls_needed *needed_of(const void *row)
{
    return row;
}

static void need_id(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_escape(out, needed_of(row)->profile->id);
}

static void need_name(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_escape(out, needed_of(row)->profile->name);
}

static void need_devices(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_add(out, "%u", needed_of(row)->devices);
}

static void need_memory(const void *row, bool raw, struct pls_text *out)
{
    if (raw) {
        pls_text_add(out, "%" PRIu64, needed_of(row)->memory_bytes);
    } else {
        pls_text_bytes(out, needed_of(row)->memory_bytes);
    }
}

static void need_bytes(bool raw, uint64_t n, struct pls_text *out)
{
    if (raw) {
        pls_text_add(out, "%" PRIu64, n);
    } else if (n == 0) {
        pls_text_add(out, "-");
    } else {
        pls_text_bytes(out, n);
    }
}

/* What the plan holds in RAM beside the device. Where both are one, and on a board without a GPU, all is
 * on the device. */
static uint64_t on_host(const struct pls_needed *n)
{
    const struct pls_plan *p = n->entry.plan;
    bool is_apart = n->machine->n_pools > 1 && n->machine->pools[1].within < 0;
    return is_apart && p->n_shares > 0 && p->shares[0].pool == 0 ? p->shares[0].bytes.total : 0;
}

static void need_total(const void *row, bool raw, struct pls_text *out)
{
    need_bytes(raw, needed_of(row)->entry.plan->bytes.total, out);
}

static void need_device(const void *row, bool raw, struct pls_text *out)
{
    const struct pls_needed *n = needed_of(row);
    need_bytes(raw, n->entry.plan->bytes.total - on_host(n), out);
}

static void need_host(const void *row, bool raw, struct pls_text *out)
{
    need_bytes(raw, on_host(needed_of(row)), out);
}

static void need_margin(const void *row, bool raw, struct pls_text *out)
{
    int64_t n = needed_of(row)->entry.plan->margin_bytes;
    if (raw) {
        pls_text_add(out, "%" PRId64, n);
    } else {
        pls_words_margin(out, n);
    }
}

static void need_context(const void *row, bool raw, struct pls_text *out)
{
    tokens(needed_of(row)->entry.plan->setting.n_ctx, raw, out);
}

static void need_decode(const void *row, bool raw, struct pls_text *out)
{
    double tps = needed_of(row)->entry.plan->speed.decode_tps;
    if (!raw) {
        pls_words_rate(out, speed_of(&needed_of(row)->entry));
    } else if (tps > 0) {
        pls_text_add(out, "%.6g", tps);
    }
}

static const struct pls_column need_columns[] = {
    { "DEVICES", "devices", 0, PLS_COLUMN_RIGHT, need_devices },
    { "HARDWARE", "id", 0, 0, need_id },
    { "NAME", "name", 16, PLS_COLUMN_TRUNC | PLS_COLUMN_WIDE, need_name },
    { "MEMORY", "memory_bytes", 0, PLS_COLUMN_RIGHT, need_memory },
    { "TOTAL", "total_bytes", 0, PLS_COLUMN_RAW, need_total },
    { "DEVICE", "device_bytes", 0, PLS_COLUMN_RIGHT, need_device },
    { "HOST", "host_bytes", 0, PLS_COLUMN_RIGHT, need_host },
    { "SPARE", "margin_bytes", 0, PLS_COLUMN_RIGHT, need_margin },
    { "CONTEXT", "context_tokens", 0, PLS_COLUMN_RIGHT, need_context },
    { "TOK/S", "decode_tps", 0, PLS_COLUMN_RIGHT, need_decode },
};

static enum pls_code json_need(FILE *to, bool lines, const struct pls_needed *items, uint32_t n,
                               struct pls_err *err)
{
    struct pls_json j = pls_json_begin("plimsoll.need/1");
    cJSON *hardware = pls_json_array(&j, j.root, "hardware");
    enum pls_code code = PLS_OK;
    for (uint32_t i = 0; i < n && code == PLS_OK; i++) {
        cJSON *o = pls_json_object(&j, hardware, NULL);
        pls_json_text(&j, o, "id", items[i].profile->id);
        pls_json_text(&j, o, "name", items[i].profile->name);
        pls_json_u64(&j, o, "devices", items[i].devices);
        pls_json_u64(&j, o, "memory_bytes", items[i].memory_bytes);
        cJSON *plan = pls_json_object(&j, o, "plan");
        pls_document_entry(&j, plan, &items[i].entry, items[i].machine, 0);
        code = lines ? pls_json_line(&j, o, to, err) : PLS_OK;
    }
    code = code == PLS_OK && !lines ? pls_json_write(&j, to, err) : code;
    pls_json_end(&j);
    return code;
}

enum pls_code pls_render_need(FILE *to, enum pls_output output, const struct pls_needed *items, uint32_t n,
                              const struct pls_screen *screen, struct pls_err *err)
{
    struct pls_grid grid = { need_columns, PLS_COUNT_OF(need_columns), items, sizeof(*items), n };
    struct pls_page page;
    if (output == PLS_OUT_JSON || output == PLS_OUT_JSONL) {
        return json_need(to, output == PLS_OUT_JSONL, items, n, err);
    }
    enum pls_code code = pls_page_begin(&page, screen->color, err);
    if (code != PLS_OK) {
        return code;
    }
    if (n == 0 && output == PLS_OUT_TABLE) {
        pls_page_field(&page, "Nothing", "in the hardware table carries it");
    } else {
        if (output == PLS_OUT_TABLE) {
            const struct pls_entry *e = &items[0].entry;
            pls_page_field(&page, "Model", "%s %s, all layers on the device",
                           pls_words_model(&e->model->card), e->plan->quant);
            pls_page_field(&page, "", "DEVICE is taken of its memory, HOST of RAM");
            fputc('\n', page.to);
        }
        code = pls_page_grid(&page, &grid, output, screen->width, err);
    }
    return pls_page_end(&page, code, to, err);
}
