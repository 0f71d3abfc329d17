/* render/grid.h - rows and columns to a terminal table, Markdown or CSV.
 *
 * A grid is one const table of columns over an array of rows: header, machine name, width policy, alignment
 * and a function that writes a cell. Terminal and Markdown cells are for people ("4.58 GiB"), CSV cells are
 * raw ("4920000000") so that nothing needs parsing twice; both come from the same column.
 */
#ifndef RENDER_GRID_H
#define RENDER_GRID_H

#include <stdio.h>

#include "plimsoll/text.h"

enum pls_column_flag {
    PLS_COLUMN_RIGHT = 1u << 0, /* numbers */
    PLS_COLUMN_TRUNC = 1u << 1, /* may be cut when the terminal is narrow */
    PLS_COLUMN_RAW = 1u << 2,   /* in CSV only */
    PLS_COLUMN_HUMAN = 1u << 3, /* not in CSV */
    PLS_COLUMN_WIDE = 1u << 4,  /* left out of a terminal narrower than PLS_GRID_WIDE */
};
enum { PLS_GRID_WIDE = 96 };

/* Cells are escaped before libsmartcols sees them: it is to leave the backslashes of that alone. */
#define PLS_GRID_SAFE "\\"

struct pls_column {
    const char *header; /* terminal and Markdown */
    const char *name;   /* CSV */
    double width;       /* least share of the line (0..1) or least columns (>= 1); 0: as needed */
    unsigned flags;
    void (*cell)(const void *row, bool raw, struct pls_text *out);
};

struct pls_grid {
    const struct pls_column *columns;
    size_t n_columns;
    const void *rows; /* an array */
    size_t row_size;
    size_t n_rows;
};

/* Appends to `to` (a memory stream). width 0: unlimited. */
enum pls_code pls_grid_table(const struct pls_grid *grid, uint32_t width, FILE *to, struct pls_err *err);
void pls_grid_markdown(const struct pls_grid *grid, FILE *to);
void pls_grid_csv(const struct pls_grid *grid, FILE *to);

#endif
