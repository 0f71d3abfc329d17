#include "render/grid.h"

#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>

enum { CELL_CAP = 4096 };

static void cell_text(const struct pls_grid *g, size_t row, size_t column, bool raw, struct pls_text *out)
{
    const unsigned char *at = (const unsigned char *)g->rows + row * g->row_size;
    g->columns[column].cell(at, raw, out);
}

static bool is_shown(const struct pls_column *column, uint32_t width)
{
    bool is_narrow = width != 0 && width < PLS_GRID_WIDE;
    return (column->flags & PLS_COLUMN_RAW) == 0 && !(is_narrow && (column->flags & PLS_COLUMN_WIDE) != 0);
}

static int add_columns(struct libscols_table *table, const struct pls_grid *g, uint32_t width)
{
    for (size_t c = 0; c < g->n_columns; c++) {
        const struct pls_column *column = &g->columns[c];
        int flags = (column->flags & PLS_COLUMN_RIGHT ? SCOLS_FL_RIGHT : 0)
            | (column->flags & PLS_COLUMN_TRUNC ? SCOLS_FL_TRUNC : 0);
        if (!is_shown(column, width)) {
            continue;
        }
        struct libscols_column *made =
            scols_table_new_column(table, column->header, column->width, flags);
        if (made == NULL || scols_column_set_safechars(made, PLS_GRID_SAFE) != 0) {
            return -1;
        }
    }
    return 0;
}

static int add_rows(struct libscols_table *table, const struct pls_grid *g, uint32_t width)
{
    for (size_t r = 0; r < g->n_rows; r++) {
        struct libscols_line *line = scols_table_new_line(table, NULL);
        size_t at = 0;
        for (size_t c = 0; line != NULL && c < g->n_columns; c++) {
            char room[CELL_CAP];
            struct pls_text t = PLS_TEXT(room);
            if (!is_shown(&g->columns[c], width)) {
                continue;
            }
            cell_text(g, r, c, false, &t);
            if (scols_line_set_data(line, at++, room) != 0) {
                return -1;
            }
        }
        if (line == NULL) {
            return -1;
        }
    }
    return 0;
}

/* libsmartcols pads the last column; nobody wants the blanks. */
static void put_trimmed(const char *text, FILE *to)
{
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        size_t keep = len;
        while (keep > 0 && text[keep - 1] == ' ') {
            keep--;
        }
        fwrite(text, 1, keep, to);
        fputc('\n', to);
        text += len + (text[len] == '\n' ? 1 : 0);
    }
}

enum pls_code pls_grid_table(const struct pls_grid *g, uint32_t width, FILE *to, struct pls_err *err)
{
    enum pls_code code = PLS_OK;
    char *text = NULL;
    struct libscols_table *table = scols_new_table();
    if (table == NULL || add_columns(table, g, width) != 0 || add_rows(table, g, width) != 0) {
        code = pls_fail(err, PLS_NOMEM, "output: out of memory");
        goto out;
    }
    scols_table_set_termforce(table, width != 0 ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
    if (width != 0) {
        scols_table_set_termwidth(table, width);
    }
    scols_table_set_column_separator(table, "  ");
    if (g->n_rows > 0 && scols_print_table_to_string(table, &text) != 0) {
        code = pls_fail(err, PLS_NOMEM, "output: table could not be laid out");
        goto out;
    }
    if (text != NULL) {
        put_trimmed(text, to);
    }
out:
    free(text);
    scols_unref_table(table);
    return code;
}

static void put_markdown(const char *text, FILE *to)
{
    fputc(' ', to);
    for (; *text != '\0'; text++) {
        if (*text == '|' || *text == '\\') {
            fputc('\\', to);
        }
        fputc(*text, to);
    }
    fputs(" |", to);
}

void pls_grid_markdown(const struct pls_grid *g, FILE *to)
{
    fputc('|', to);
    for (size_t c = 0; c < g->n_columns; c++) {
        if ((g->columns[c].flags & PLS_COLUMN_RAW) == 0) {
            put_markdown(g->columns[c].header, to);
        }
    }
    fputs("\n|", to);
    for (size_t c = 0; c < g->n_columns; c++) {
        if ((g->columns[c].flags & PLS_COLUMN_RAW) == 0) {
            fputs(g->columns[c].flags & PLS_COLUMN_RIGHT ? "---:|" : "---|", to);
        }
    }
    fputc('\n', to);
    for (size_t r = 0; r < g->n_rows; r++) {
        fputc('|', to);
        for (size_t c = 0; c < g->n_columns; c++) {
            char room[CELL_CAP];
            struct pls_text t = PLS_TEXT(room);
            if ((g->columns[c].flags & PLS_COLUMN_RAW) == 0) {
                cell_text(g, r, c, false, &t);
                put_markdown(room, to);
            }
        }
        fputc('\n', to);
    }
}

/* RFC 4180: quotes where a comma, a quote or a line break needs them. */
static void put_csv(const char *text, FILE *to)
{
    if (text[strcspn(text, ",\"\r\n")] == '\0') {
        fputs(text, to);
        return;
    }
    fputc('"', to);
    for (; *text != '\0'; text++) {
        if (*text == '"') {
            fputc('"', to);
        }
        fputc(*text, to);
    }
    fputc('"', to);
}

void pls_grid_csv(const struct pls_grid *g, FILE *to)
{
    for (size_t r = 0; r <= g->n_rows; r++) {
        bool first = true;
        for (size_t c = 0; c < g->n_columns; c++) {
            char room[CELL_CAP];
            struct pls_text t = PLS_TEXT(room);
            if ((g->columns[c].flags & PLS_COLUMN_HUMAN) != 0) {
                continue;
            }
            if (r == 0) {
                pls_text_add(&t, "%s", g->columns[c].name);
            } else {
                cell_text(g, r - 1, c, true, &t);
            }
            if (!first) {
                fputc(',', to);
            }
            first = false;
            put_csv(room, to);
        }
        fputc('\n', to);
    }
}
