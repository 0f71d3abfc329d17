/* Parameters that the tensor lists of cards add up to, against those published. */
#include <inttypes.h>

#include "render/document.h"
#include "render/page.h"

static const struct pls_check_row *row_of(const void *row)
{
    return row;
}

static void cell_id(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_escape(out, row_of(row)->id);
}

static void cell_status(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_add(out, "%s", row_of(row)->status);
}

static void cell_listed(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_add(out, "%" PRIu64, row_of(row)->listed);
}

static void cell_published(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    if (row_of(row)->published != 0) {
        pls_text_add(out, "%" PRIu64, row_of(row)->published);
    }
}

static void cell_error(const void *row, bool raw, struct pls_text *out)
{
    if (row_of(row)->published != 0) {
        pls_text_add(out, raw ? "%.6g" : "%+.4f%%",
                     raw ? row_of(row)->relative_error : 100 * row_of(row)->relative_error);
    }
}

static void cell_tolerance(const void *row, bool raw, struct pls_text *out)
{
    if (row_of(row)->published != 0) {
        pls_text_add(out, raw ? "%.6g" : "%.4g%%",
                     raw ? row_of(row)->tolerance : 100 * row_of(row)->tolerance);
    }
}

static const struct pls_column columns[] = {
    { "ID", "id", 0, 0, cell_id },
    { "STATUS", "status", 0, 0, cell_status },
    { "LISTED", "listed", 0, PLS_COLUMN_RIGHT, cell_listed },
    { "PUBLISHED", "published", 0, PLS_COLUMN_RIGHT, cell_published },
    { "ERROR", "relative_error", 0, PLS_COLUMN_RIGHT, cell_error },
    { "ALLOWED", "tolerance", 0, PLS_COLUMN_RIGHT, cell_tolerance },
};

static enum pls_code json_checks(FILE *to, bool lines, const struct pls_check_row *rows, uint32_t n,
                                 struct pls_err *err)
{
    struct pls_json j = pls_json_begin("plimsoll.check/1");
    cJSON *array = pls_json_array(&j, j.root, "cards");
    enum pls_code code = PLS_OK;
    for (uint32_t i = 0; i < n && code == PLS_OK; i++) {
        cJSON *o = pls_json_object(&j, array, NULL);
        pls_json_text(&j, o, "id", rows[i].id);
        pls_json_text(&j, o, "status", rows[i].status);
        pls_json_u64(&j, o, "listed", rows[i].listed);
        pls_json_known(&j, o, "published", rows[i].published);
        pls_json_number(&j, o, "relative_error", rows[i].relative_error);
        pls_json_number(&j, o, "tolerance", rows[i].tolerance);
        code = lines ? pls_json_line(&j, o, to, err) : PLS_OK;
    }
    code = code == PLS_OK && !lines ? pls_json_write(&j, to, err) : code;
    pls_json_end(&j);
    return code;
}

enum pls_code pls_render_checks(FILE *to, enum pls_output output, const struct pls_check_row *rows,
                                uint32_t n, const struct pls_screen *screen, struct pls_err *err)
{
    struct pls_grid grid = { columns, PLS_COUNT_OF(columns), rows, sizeof(*rows), n };
    struct pls_page page;
    if (output == PLS_OUT_JSON || output == PLS_OUT_JSONL) {
        return json_checks(to, output == PLS_OUT_JSONL, rows, n, err);
    }
    enum pls_code code = pls_page_begin(&page, screen->color, err);
    if (code != PLS_OK) {
        return code;
    }
    if (n == 0 && output == PLS_OUT_TABLE) {
        pls_page_field(&page, "Nothing", "matches");
    } else {
        code = pls_page_grid(&page, &grid, output, screen->width, err);
    }
    return pls_page_end(&page, code, to, err);
}
