/* Rows of a query whose columns are known only when it has run. */
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "render/document.h"
#include "render/page.h"

enum { CELL_CAP = 4096 };

static const char *cell(const struct pls_cells *c, uint32_t row, uint32_t column)
{
    return c->cells[(size_t)row * c->n_columns + column];
}

static enum pls_code put_table(const struct pls_cells *c, uint32_t width, FILE *to, struct pls_err *err)
{
    char *text = NULL;
    struct libscols_table *table = scols_new_table();
    bool ok = table != NULL;
    for (uint32_t i = 0; ok && i < c->n_columns; i++) {
        int flags = c->n_rows > 0 && c->numbers[i] ? SCOLS_FL_RIGHT : SCOLS_FL_TRUNC;
        ok = scols_table_new_column(table, c->names[i], 0, flags) != NULL;
    }
    for (uint32_t r = 0; ok && r < c->n_rows; r++) {
        struct libscols_line *line = scols_table_new_line(table, NULL);
        for (uint32_t i = 0; line != NULL && i < c->n_columns; i++) {
            char room[CELL_CAP];
            struct pls_text t = PLS_TEXT(room);
            pls_text_escape(&t, cell(c, r, i) != NULL ? cell(c, r, i) : "");
            ok = ok && scols_line_set_data(line, i, room) == 0;
        }
        ok = ok && line != NULL;
    }
    if (ok && c->n_rows > 0) {
        scols_table_set_termforce(table, width != 0 ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
        if (width != 0) {
            scols_table_set_termwidth(table, width);
        }
        scols_table_set_column_separator(table, "  ");
        ok = scols_print_table_to_string(table, &text) == 0;
    }
    if (ok && text != NULL) {
        fputs(text, to);
    }
    free(text);
    scols_unref_table(table);
    return ok ? PLS_OK : pls_fail(err, PLS_NOMEM, "output: out of memory");
}

static void put_markdown(const struct pls_cells *c, FILE *to)
{
    for (uint32_t i = 0; i < c->n_columns; i++) {
        fprintf(to, "%s %s ", i == 0 ? "|" : "|", c->names[i]);
    }
    fputs("|\n", to);
    for (uint32_t i = 0; i < c->n_columns; i++) {
        fputs(c->n_rows > 0 && c->numbers[i] ? "|---:" : "|---", to);
    }
    fputs("|\n", to);
    for (uint32_t r = 0; r < c->n_rows; r++) {
        for (uint32_t i = 0; i < c->n_columns; i++) {
            char room[CELL_CAP];
            struct pls_text t = PLS_TEXT(room);
            pls_text_escape(&t, cell(c, r, i) != NULL ? cell(c, r, i) : "");
            fputs("| ", to);
            for (const char *s = room; *s != '\0'; s++) {
                fprintf(to, "%s%c", *s == '|' || *s == '\\' ? "\\" : "", *s);
            }
            fputc(' ', to);
        }
        fputs("|\n", to);
    }
}

static void put_csv_word(const char *text, FILE *to)
{
    if (text[strcspn(text, ",\"\r\n")] == '\0') {
        fputs(text, to);
        return;
    }
    fputc('"', to);
    for (; *text != '\0'; text++) {
        fprintf(to, "%s%c", *text == '"' ? "\"" : "", *text);
    }
    fputc('"', to);
}

static void put_csv(const struct pls_cells *c, FILE *to)
{
    for (uint32_t r = 0; r <= c->n_rows; r++) {
        for (uint32_t i = 0; i < c->n_columns; i++) {
            const char *text = r == 0 ? c->names[i] : cell(c, r - 1, i);
            fputs(i > 0 ? "," : "", to);
            put_csv_word(text != NULL ? text : "", to);
        }
        fputc('\n', to);
    }
}

/* {"columns":[...],"rows":[[...]]}: names of a query need not be unique, so rows are lists. */
static enum pls_code json_cells(FILE *to, bool lines, const struct pls_cells *c, struct pls_err *err)
{
    struct pls_json j = pls_json_begin("plimsoll.sql/1");
    cJSON *names = pls_json_array(&j, j.root, "columns");
    for (uint32_t i = 0; i < c->n_columns; i++) {
        pls_json_text(&j, names, NULL, c->names[i]);
    }
    cJSON *rows = pls_json_array(&j, j.root, "rows");
    enum pls_code code = PLS_OK;
    for (uint32_t r = 0; r < c->n_rows && code == PLS_OK; r++) {
        cJSON *row = pls_json_array(&j, rows, NULL);
        for (uint32_t i = 0; i < c->n_columns; i++) {
            const char *text = cell(c, r, i);
            if (text != NULL && c->numbers[(size_t)r * c->n_columns + i]) {
                pls_json_raw_number(&j, row, text);
            } else {
                pls_json_text(&j, row, NULL, text);
            }
        }
        code = lines ? pls_json_line(&j, row, to, err) : PLS_OK;
    }
    code = code == PLS_OK && !lines ? pls_json_write(&j, to, err) : code;
    pls_json_end(&j);
    return code;
}

enum pls_code pls_render_cells(FILE *to, enum pls_output output, const struct pls_cells *cells,
                               const struct pls_screen *screen, struct pls_err *err)
{
    struct pls_page page;
    if (output == PLS_OUT_JSON || output == PLS_OUT_JSONL) {
        return json_cells(to, output == PLS_OUT_JSONL, cells, err);
    }
    enum pls_code code = pls_page_begin(&page, screen->color, err);
    if (code != PLS_OK) {
        return code;
    }
    if (output == PLS_OUT_CSV) {
        put_csv(cells, page.to);
    } else if (output == PLS_OUT_MARKDOWN) {
        put_markdown(cells, page.to);
    } else {
        code = put_table(cells, screen->width, page.to, err);
    }
    return pls_page_end(&page, code, to, err);
}
