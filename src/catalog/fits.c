/* fits(...): a table-valued function whose rows come from the caller. Visible columns are a configuration and
 * its numbers; hidden ones are the arguments, in the order of a call. */
#include <stdlib.h>
#include <string.h>

#include "catalog/fits.h"
#include "plimsoll/text.h"

enum column {
    COLUMN_MODEL = 0,
    COLUMN_QUANT,
    COLUMN_CONTEXT_TOKENS,
    COLUMN_KV_TYPE,
    COLUMN_DECODE_TPS,
    COLUMN_PREFILL_TPS,
    COLUMN_TOTAL_BYTES,
    COLUMN_MARGIN_BYTES,
    COLUMN_FITS,
    COLUMN_QUALITY,
    COLUMN_SCORE,
    COLUMN_ARGUMENTS, /* the first hidden one */
};
enum argument {
    ARG_MACHINE = 0,
    ARG_TASK,
    ARG_CONTEXT,
    ARG_KV,
    ARG_QUANTS,
    ARG_WORDS,
    ARG_RUNTIME,
    ARG_COUNT
};

static const char declaration[] =
    "CREATE TABLE fits (model TEXT, quant TEXT, context_tokens INTEGER, kv_type TEXT, decode_tps REAL,"
    " prefill_tps REAL, total_bytes INTEGER, margin_bytes INTEGER, fits INTEGER, quality REAL,"
    " score REAL, machine TEXT HIDDEN, task TEXT HIDDEN, context TEXT HIDDEN, kv TEXT HIDDEN,"
    " quants TEXT HIDDEN, words TEXT HIDDEN, runtime TEXT HIDDEN)";

struct fits_table {
    sqlite3_vtab base; /* must be first */
    const struct pls_fits_source *source;
};

struct fits_cursor {
    sqlite3_vtab_cursor base; /* must be first */
    void *rows;               /* NULL: none open */
    struct pls_fits_row row;
    bool has_row;
    int64_t number;
    /* Copies, because a cursor outlives its parameters; the last one is that of "WHERE model = ". */
    char *argument[ARG_COUNT + 1];
};

static int fits_connect(/* as SQLite calls it */ sqlite3 *db, void *source, int argc, const char *const *argv,
                        sqlite3_vtab **out, char **why)
{
    (void)argc;
    (void)argv;
    (void)why;
    int rc = sqlite3_declare_vtab(db, declaration);
    struct fits_table *table = rc == SQLITE_OK ? sqlite3_malloc(sizeof(*table)) : NULL;
    if (table == NULL) {
        return rc == SQLITE_OK ? SQLITE_NOMEM : rc;
    }
    memset(table, 0, sizeof(*table));
    table->source = source;
    *out = &table->base;
    return SQLITE_OK;
}

static int fits_disconnect(sqlite3_vtab *table)
{
    sqlite3_free(table);
    return SQLITE_OK;
}

/* An equality on the column of this bit: taken as the next argument of fits_filter. SQLITE_CONSTRAINT: an
 * argument that another table of a join has yet to supply. */
static int claim(sqlite3_index_info *info, int bit, int *position)
{
    int column = bit == ARG_COUNT ? COLUMN_MODEL : COLUMN_ARGUMENTS + bit;
    for (int i = 0; i < info->nConstraint; i++) {
        bool is_this =
            info->aConstraint[i].iColumn == column && info->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_EQ;
        bool is_hint = bit == ARG_COUNT; /* a model named beforehand spares rows, but any order is right */
        if (!is_this || (is_hint && !info->aConstraint[i].usable)) {
            continue;
        }
        if (!info->aConstraint[i].usable) {
            return SQLITE_CONSTRAINT;
        }
        info->aConstraintUsage[i].argvIndex = ++*position;
        info->aConstraintUsage[i].omit = !is_hint;
        info->idxNum |= 1 << bit;
        return SQLITE_OK;
    }
    return SQLITE_OK;
}

/* Arguments are equalities on hidden columns; the bits of idxNum tell fits_filter which came, in the order of
 * the bits. */
static int fits_best_index(sqlite3_vtab *table, sqlite3_index_info *info)
{
    (void)table;
    int position = 0;
    info->idxNum = 0;
    for (int bit = 0; bit <= ARG_COUNT; bit++) {
        int rc = claim(info, bit, &position);
        if (rc != SQLITE_OK) {
            return rc;
        }
    }
    bool is_one_model = info->idxNum >> ARG_COUNT & 1;
    info->estimatedCost = is_one_model ? 1e3 : 1e6;
    info->estimatedRows = is_one_model ? 25 : 10000;
    return SQLITE_OK;
}

static int fits_open(sqlite3_vtab *table, sqlite3_vtab_cursor **out)
{
    (void)table;
    struct fits_cursor *cursor = sqlite3_malloc(sizeof(*cursor));
    if (cursor == NULL) {
        return SQLITE_NOMEM;
    }
    memset(cursor, 0, sizeof(*cursor));
    *out = &cursor->base;
    return SQLITE_OK;
}

static const struct pls_fits_source *source_of(const struct fits_cursor *cursor)
{
    const struct fits_table *table = (const struct fits_table *)(const void *)cursor->base.pVtab;
    return table->source;
}

static void forget(struct fits_cursor *cursor)
{
    if (cursor->rows != NULL) {
        source_of(cursor)->close(cursor->rows);
        cursor->rows = NULL;
    }
    for (size_t i = 0; i < PLS_COUNT_OF(cursor->argument); i++) {
        sqlite3_free(cursor->argument[i]);
        cursor->argument[i] = NULL;
    }
    cursor->has_row = false;
    cursor->number = 0;
}

static int fits_close(sqlite3_vtab_cursor *base)
{
    struct fits_cursor *cursor = (struct fits_cursor *)(void *)base;
    forget(cursor);
    sqlite3_free(cursor);
    return SQLITE_OK;
}

static int fits_next(sqlite3_vtab_cursor *base)
{
    struct fits_cursor *cursor = (struct fits_cursor *)(void *)base;
    cursor->has_row = cursor->rows != NULL && source_of(cursor)->next(cursor->rows, &cursor->row);
    cursor->number++;
    return SQLITE_OK;
}

static int fits_filter(sqlite3_vtab_cursor *base, int bits, const char *name, int argc, sqlite3_value **argv)
{
    (void)name;
    struct fits_cursor *cursor = (struct fits_cursor *)(void *)base;
    struct pls_fits_query query = { .machine = NULL };
    const char **const place[ARG_COUNT + 1] = {
        [ARG_MACHINE] = &query.machine, [ARG_TASK] = &query.task,     [ARG_CONTEXT] = &query.context,
        [ARG_KV] = &query.kv,           [ARG_QUANTS] = &query.quants, [ARG_WORDS] = &query.words,
        [ARG_RUNTIME] = &query.runtime, [ARG_COUNT] = &query.model,
    };
    forget(cursor);
    int at = 0;
    for (int bit = 0; bit <= ARG_COUNT; bit++) {
        if (!(bits >> bit & 1) || at >= argc) {
            continue;
        }
        sqlite3_value *value = argv[at++];
        const char *text = (const char *)sqlite3_value_text(value);
        cursor->argument[bit] = text == NULL ? NULL : sqlite3_mprintf("%s", text);
        *place[bit] = cursor->argument[bit];
    }
    struct pls_err err = { 0 };
    const struct pls_fits_source *source = source_of(cursor);
    if (source->open(source->context, &query, &cursor->rows, &err) != PLS_OK) {
        cursor->rows = NULL;
        base->pVtab->zErrMsg = sqlite3_mprintf("fits: %s", err.text);
        return SQLITE_ERROR;
    }
    return fits_next(base);
}

static int fits_eof(sqlite3_vtab_cursor *base)
{
    const struct fits_cursor *cursor = (const struct fits_cursor *)(const void *)base;
    return !cursor->has_row;
}

static void result_text(sqlite3_context *out, const char *text)
{
    if (text != NULL) {
        sqlite3_result_text(out, text, -1, SQLITE_TRANSIENT);
    }
}

/* 0 is unknown, and unknown is NULL. */
static void result_rate(sqlite3_context *out, double value)
{
    if (value > 0) {
        sqlite3_result_double(out, value);
    }
}

static int fits_column(sqlite3_vtab_cursor *base, sqlite3_context *out, int column)
{
    const struct fits_cursor *cursor = (const struct fits_cursor *)(const void *)base;
    const struct pls_fits_row *row = &cursor->row;
    switch (column) {
    case COLUMN_MODEL:
        result_text(out, row->model);
        break;
    case COLUMN_QUANT:
        result_text(out, row->quant);
        break;
    case COLUMN_CONTEXT_TOKENS:
        sqlite3_result_int64(out, (int64_t)row->context_tokens);
        break;
    case COLUMN_KV_TYPE:
        result_text(out, row->kv_type);
        break;
    case COLUMN_DECODE_TPS:
        result_rate(out, row->decode_tps);
        break;
    case COLUMN_PREFILL_TPS:
        result_rate(out, row->prefill_tps);
        break;
    case COLUMN_TOTAL_BYTES:
        sqlite3_result_int64(out, (int64_t)row->total_bytes);
        break;
    case COLUMN_MARGIN_BYTES:
        sqlite3_result_int64(out, row->margin_bytes);
        break;
    case COLUMN_FITS:
        sqlite3_result_int(out, row->fits);
        break;
    case COLUMN_QUALITY:
        result_rate(out, row->quality);
        break;
    case COLUMN_SCORE:
        if (row->fits) {
            sqlite3_result_double(out, row->score); /* what is under a floor scores below 0 */
        }
        break;
    default:
        if (column - COLUMN_ARGUMENTS < ARG_COUNT) {
            result_text(out, cursor->argument[column - COLUMN_ARGUMENTS]);
        }
    }
    return SQLITE_OK;
}

static int fits_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
    *out = ((const struct fits_cursor *)(const void *)base)->number;
    return SQLITE_OK;
}

int pls_db_fits_register(sqlite3 *db, const struct pls_fits_source *source)
{
    static const sqlite3_module module = {
        .xConnect = fits_connect, /* no xCreate: eponymous, it cannot be made a table of */
        .xBestIndex = fits_best_index,
        .xDisconnect = fits_disconnect,
        .xOpen = fits_open,
        .xClose = fits_close,
        .xFilter = fits_filter,
        .xNext = fits_next,
        .xEof = fits_eof,
        .xColumn = fits_column,
        .xRowid = fits_rowid,
    };
    /* SQLite hands the pointer back as void *; nothing writes through it. */
    union {
        /* cppcheck-suppress unusedStructMember ; read as the other */
        const struct pls_fits_source *in;
        void *out;
    } pointer = { .in = source };
    return sqlite3_create_module(db, "fits", &module, pointer.out);
}
