/* Rows of a query whose columns are known only when it has run. */
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "render/document.h"
#include "render/grid.h"
#include "render/page.h"

static const char *cell(const struct pls_cells *c, uint32_t row, uint32_t column)
{
    return c->cells[(size_t)row * c->n_columns + column];
}

/* A cell or a name is as long as the query made it: escaped into memory of its own, the caller's to free.
 * NULL is empty. */
static char *safe(const char *text)
{
    size_t len = text != NULL ? strlen(text) : 0;
    char *room = malloc(4 * len + 1);
    struct pls_text t = { .data = room, .len = 0, .cap = 4 * len + 1, .truncated = false };
    if (room != NULL) {
        room[0] = '\0';
        pls_text_escape(&t, text != NULL ? text : "");
    }
    return room;
}

static enum pls_code put_table(const struct pls_cells *c, uint32_t width, FILE *to, struct pls_err *err)
{
    char *text = NULL;
    struct libscols_table *table = scols_new_table();
    bool ok = table != NULL;
    for (uint32_t i = 0; ok && i < c->n_columns; i++) {
        int flags = c->n_rows > 0 && c->numbers[i] ? SCOLS_FL_RIGHT : SCOLS_FL_TRUNC;
        char *name = safe(c->names[i]);
        struct libscols_column *column = name != NULL ? scols_table_new_column(table, name, 0, flags) : NULL;
        ok = column != NULL && scols_column_set_safechars(column, PLS_GRID_SAFE) == 0;
        free(name);
    }
    for (uint32_t r = 0; ok && r < c->n_rows; r++) {
        struct libscols_line *line = scols_table_new_line(table, NULL);
        for (uint32_t i = 0; line != NULL && i < c->n_columns; i++) {
            char *whole = safe(cell(c, r, i));
            ok = ok && whole != NULL && scols_line_set_data(line, i, whole) == 0;
            free(whole);
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
        fprintf(to, "%s\n", text);
    }
    free(text);
    scols_unref_table(table);
    return ok ? PLS_OK : pls_fail(err, PLS_NOMEM, "output: out of memory");
}

static bool put_escaped(const char *text, const char *before, char with, FILE *to)
{
    char *whole = safe(text);
    for (const char *s = whole; s != NULL && *s != '\0'; s++) {
        if (strchr(before, *s) != NULL) {
            fputc(with, to);
        }
        fputc(*s, to);
    }
    free(whole);
    return whole != NULL;
}

static bool put_markdown(const struct pls_cells *c, FILE *to)
{
    bool ok = true;
    for (uint32_t r = 0; r <= c->n_rows; r++) {
        for (uint32_t i = 0; i < c->n_columns; i++) {
            fputs("| ", to);
            ok = put_escaped(r == 0 ? c->names[i] : cell(c, r - 1, i), "|\\", '\\', to) && ok;
            fputc(' ', to);
        }
        fputs("|\n", to);
        for (uint32_t i = 0; r == 0 && i < c->n_columns; i++) {
            fputs(c->n_rows > 0 && c->numbers[i] ? "|---:" : "|---", to);
        }
        fputs(r == 0 ? "|\n" : "", to);
    }
    return ok;
}

static bool put_csv(const struct pls_cells *c, FILE *to)
{
    bool ok = true;
    for (uint32_t r = 0; r <= c->n_rows; r++) {
        for (uint32_t i = 0; i < c->n_columns; i++) {
            const char *text = r == 0 ? c->names[i] : cell(c, r - 1, i);
            const char *quote = text != NULL && strpbrk(text, ",\"") != NULL ? "\"" : "";
            fprintf(to, "%s%s", i > 0 ? "," : "", quote);
            ok = put_escaped(text, "\"", '"', to) && ok;
            fputs(quote, to);
        }
        fputc('\n', to);
    }
    return ok;
}

static void put_json_string(struct pls_json *j, cJSON *in, const char *text)
{
    char *whole = safe(text);
    j->failed = j->failed || whole == NULL || !cJSON_AddItemToArray(in, cJSON_CreateString(whole));
    free(whole);
}

/* {"columns":[...],"rows":[[...]]}: names of a query need not be unique, so rows are lists. */
static enum pls_code json_cells(FILE *to, bool lines, const struct pls_cells *c, struct pls_err *err)
{
    struct pls_json j = pls_json_begin("plimsoll.sql/1");
    cJSON *names = pls_json_array(&j, j.root, "columns");
    for (uint32_t i = 0; i < c->n_columns; i++) {
        put_json_string(&j, names, c->names[i]);
    }
    cJSON *rows = pls_json_array(&j, j.root, "rows");
    enum pls_code code = PLS_OK;
    for (uint32_t r = 0; r < c->n_rows && code == PLS_OK; r++) {
        cJSON *row = pls_json_array(&j, rows, NULL);
        for (uint32_t i = 0; i < c->n_columns; i++) {
            const char *text = cell(c, r, i);
            if (text == NULL) {
                pls_json_null(&j, row, NULL);
            } else if (c->numbers[(size_t)r * c->n_columns + i]) {
                pls_json_raw_number(&j, row, text);
            } else {
                put_json_string(&j, row, text);
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
    bool ok = true;
    if (output == PLS_OUT_CSV) {
        ok = put_csv(cells, page.to);
    } else if (output == PLS_OUT_MARKDOWN) {
        ok = put_markdown(cells, page.to);
    } else {
        code = put_table(cells, screen->width, page.to, err);
    }
    code = ok ? code : pls_fail(err, PLS_NOMEM, "output: out of memory");
    return pls_page_end(&page, code, to, err);
}
