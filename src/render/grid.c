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

/* A column that may be left out altogether is the one to cut, where it is shown. */
static bool is_last_resort(const struct pls_column *column)
{
    return (column->flags & PLS_COLUMN_TRUNC) != 0 && (column->flags & PLS_COLUMN_WIDE) != 0;
}

/* Characters that the columns need that nobody may cut, with a little of those that may. */
static uint32_t least_width(const struct pls_grid *g)
{
    enum { LITTLE = 6, GAP = 2 };
    size_t sum = 0;
    for (size_t c = 0; c < g->n_columns; c++) {
        size_t most = strlen(g->columns[c].header);
        if ((g->columns[c].flags & PLS_COLUMN_RAW) != 0) {
            continue;
        }
        for (size_t r = 0; r < g->n_rows && !is_last_resort(&g->columns[c]); r++) {
            char room[CELL_CAP];
            struct pls_text t = PLS_TEXT(room);
            cell_text(g, r, c, false, &t);
            most = t.len > most ? t.len : most;
        }
        sum += GAP + (is_last_resort(&g->columns[c]) && most < LITTLE ? LITTLE : most);
    }
    return sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
}

static bool has_last_resort(const struct pls_grid *g, uint32_t width)
{
    bool has = false;
    for (size_t c = 0; c < g->n_columns; c++) {
        has = has || (is_last_resort(&g->columns[c]) && is_shown(&g->columns[c], width));
    }
    return has;
}

/* The width to lay a table out for: where the columns that come first would be cut, it is a narrow one. */
static uint32_t settled_width(const struct pls_grid *g, uint32_t width)
{
    bool is_short = width != 0 && has_last_resort(g, width) && least_width(g) > width;
    return is_short ? PLS_GRID_WIDE - 1 : width;
}

static int add_columns(struct libscols_table *table, const struct pls_grid *g, uint32_t width)
{
    bool has_resort = has_last_resort(g, width);
    for (size_t c = 0; c < g->n_columns; c++) {
        const struct pls_column *column = &g->columns[c];
        bool may_cut = (column->flags & PLS_COLUMN_TRUNC) != 0 && (!has_resort || is_last_resort(column));
        int flags = (column->flags & PLS_COLUMN_RIGHT ? SCOLS_FL_RIGHT : 0) | (may_cut ? SCOLS_FL_TRUNC : 0);
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
    width = settled_width(g, width);
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
