/* sql "SELECT ...": read-only, over the tables of the catalog and over fits(...), which asks what `fit` asks.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/sql_fits.h"

/* A statement that needs more has run away. Cells count with what it takes to keep and print them. */
static const uint64_t LIMIT_NS = 30000000000;
enum { CELLS_MAX_BYTES = 64 << 20, CELL_COST = 48 };

/* Rows are kept until the statement has ended, so that a late failure leaves nothing on standard output. */
struct rows {
    char *names[PLS_SQL_MAX_COLUMNS];
    uint32_t n_columns, n_rows;
    char **cells;
    bool *numbers;
    size_t n_cells, cap, bytes;
    bool is_exact; /* numbers for programs, not for reading */
    bool is_full, out_of_memory;
};

/* Text may hold NUL bytes, which end a C string: they are spelled out here, other control characters when
 * printed. */
static char *copy_text(const char *text, size_t len)
{
    size_t nuls = 0;
    for (size_t i = 0; i < len; i++) {
        nuls += text[i] == '\0';
    }
    char *copy = malloc(len + 3 * nuls + 1);
    char *to = copy;
    for (size_t i = 0; copy != NULL && i < len; i++) {
        if (text[i] == '\0') {
            memcpy(to, "\\x00", 4);
            to += 4;
        } else {
            *to++ = text[i];
        }
    }
    if (copy != NULL) {
        *to = '\0';
    }
    return copy;
}

/* As SQL writes it: x'00ff'. */
static char *copy_blob(const char *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    char *copy = malloc(2 * len + 4);
    char *to = copy;
    if (copy == NULL) {
        return NULL;
    }
    *to++ = 'x';
    *to++ = '\'';
    for (size_t i = 0; i < len; i++) {
        *to++ = digits[(unsigned char)bytes[i] >> 4];
        *to++ = digits[(unsigned char)bytes[i] & 15];
    }
    memcpy(to, "'", 2);
    return copy;
}

/* NULL for NULL, and when out of memory. */
static char *copy_value(const struct pls_value *v, bool is_exact)
{
    char room[40];
    struct pls_text t = PLS_TEXT(room);
    switch (v->kind) {
    case PLS_VALUE_NULL:
        return NULL;
    case PLS_VALUE_INTEGER:
        pls_text_add(&t, "%" PRId64, v->integer);
        break;
    case PLS_VALUE_REAL:
        pls_text_add(&t, "%.*g", is_exact ? 15 : 6, v->real); /* 15: what every decimal number survives */
        break;
    case PLS_VALUE_TEXT:
        return copy_text(v->text, v->len);
    case PLS_VALUE_BLOB:
        return copy_blob(v->text, v->len);
    }
    return strdup(room);
}

static bool take_head(const char *const *names, int n, void *context)
{
    struct rows *r = context;
    for (int i = 0; i < n; i++) { /* never more than PLS_SQL_MAX_COLUMNS */
        r->names[i] = strdup(names[i]);
        r->n_columns++;
        r->out_of_memory = r->out_of_memory || r->names[i] == NULL;
    }
    return !r->out_of_memory;
}

static bool grow(struct rows *r)
{
    size_t cap = r->cap > 0 ? 2 * r->cap : 4096;
    char **cells = realloc(r->cells, cap * sizeof(*cells));
    if (cells == NULL) {
        return false;
    }
    r->cells = cells;
    bool *numbers = realloc(r->numbers, cap * sizeof(*numbers));
    if (numbers == NULL) {
        return false;
    }
    r->numbers = numbers;
    r->cap = cap;
    return true;
}

static void take_cell(struct rows *r, const struct pls_value *v)
{
    bool is_number = v->kind == PLS_VALUE_INTEGER || (v->kind == PLS_VALUE_REAL && isfinite(v->real));
    bool is_null = v->kind == PLS_VALUE_NULL || (v->kind == PLS_VALUE_REAL && !is_number);
    r->bytes += CELL_COST + v->len * (v->kind == PLS_VALUE_BLOB ? 2 : 1);
    r->is_full = r->bytes > CELLS_MAX_BYTES;
    if (r->is_full) {
        return;
    }
    char *text = is_null ? NULL : copy_value(v, r->is_exact);
    r->out_of_memory = text == NULL && !is_null;
    r->numbers[r->n_cells] = is_number;
    r->cells[r->n_cells++] = text;
}

static bool take_row(const struct pls_value *values, int n, void *context)
{
    struct rows *r = context;
    for (int i = 0; i < n && !r->is_full && !r->out_of_memory; i++) {
        r->out_of_memory = r->n_cells == r->cap && !grow(r);
        if (!r->out_of_memory) {
            take_cell(r, &values[i]);
        }
    }
    r->n_rows += !r->is_full && !r->out_of_memory;
    return !r->is_full && !r->out_of_memory;
}

static void drop(struct rows *r)
{
    for (uint32_t i = 0; i < r->n_columns; i++) {
        free(r->names[i]);
    }
    for (size_t i = 0; i < r->n_cells; i++) {
        free(r->cells[i]);
    }
    free(r->cells);
    free(r->numbers);
}

/* A statement without bounds is refused like one that writes: the fault is in the question. */
static enum pls_code settle(const struct rows *rows, enum pls_code code, struct pls_err *err)
{
    if (code == PLS_OK && rows->out_of_memory) {
        return pls_fail(err, PLS_NOMEM, "sql: out of memory");
    }
    if (code == PLS_OK && rows->is_full) {
        return pls_fail(err, PLS_REFUSED,
                        "sql: the answer is larger than %d MiB; LIMIT or WHERE make it smaller",
                        CELLS_MAX_BYTES >> 20);
    }
    return code == PLS_LIMIT ? PLS_REFUSED : code;
}

static enum pls_code run(struct pls_session *s, struct rows *rows, struct pls_err *err)
{
    struct pls_sql_fits *fits = NULL;
    struct pls_fits_source source;
    enum pls_code code = pls_session_catalog(s, err);
    code = code == PLS_OK ? pls_sql_fits_begin(s, &fits, &source, err) : code;
    if (code != PLS_OK) {
        return code;
    }
    const struct pls_sql sql = {
        .text = s->args->operands[0],
        .limit_ns = LIMIT_NS,
        .fits = &source,
        .head = take_head,
        .row = take_row,
        .context = rows,
    };
    code = settle(rows, pls_catalog_sql(s->catalog, &sql, err), err);
    pls_sql_fits_end(fits);
    return code;
}

enum pls_code pls_cmd_sql(struct pls_session *s, struct pls_err *err)
{
    struct rows rows = { .is_exact = s->output != PLS_OUT_TABLE && s->output != PLS_OUT_MARKDOWN };
    if (s->args->n_operands != 1) {
        return pls_fail(err, PLS_USAGE, "sql: needs one statement, quoted for the shell");
    }
    enum pls_code code = run(s, &rows, err);
    if (code == PLS_OK) {
        const struct pls_cells cells = { (const char *const *)rows.names, (const char *const *)rows.cells,
                                         rows.numbers, rows.n_columns, rows.n_rows };
        code = pls_render_cells(stdout, s->output, &cells, &s->screen, err);
    }
    code = code == PLS_OK && rows.n_rows == 0 ? PLS_NO : code;
    drop(&rows);
    return code;
}
