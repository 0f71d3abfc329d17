/* Tab-separated tables of data/ into the catalog being built. */
#include <string.h>

#include "catalog/db.h"

#define MAX_COLUMNS 64

struct line {
    const char *cell[MAX_COLUMNS];
    int len[MAX_COLUMNS];
    int n;
};

/* Splits text[0..len) at tabs; a carriage return before the end is dropped. */
static bool split(const char *text, size_t len, struct line *out)
{
    len -= len > 0 && text[len - 1] == '\r';
    out->n = 0;
    const char *end = text + len;
    for (const char *at = text;; at++) {
        const char *tab = memchr(at, '\t', (size_t)(end - at));
        const char *stop = tab == NULL ? end : tab;
        if (out->n == MAX_COLUMNS) {
            return false;
        }
        out->cell[out->n] = at;
        out->len[out->n++] = (int)(stop - at);
        if (tab == NULL) {
            return true;
        }
        at = tab;
    }
}

/* Column names become part of a statement: letters, digits and '_' only. */
static bool is_plain_name(const char *text, int len)
{
    for (int i = 0; i < len; i++) {
        bool is_plain =
            (text[i] >= 'a' && text[i] <= 'z') || (text[i] >= '0' && text[i] <= '9') || text[i] == '_';
        if (!is_plain) {
            return false;
        }
    }
    return len > 0;
}

static enum pls_code prepare_insert(struct pls_catalog *catalog, const char *table, const struct line *head,
                                    sqlite3_stmt **out, struct pls_err *err)
{
    char room[4096];
    struct pls_text sql = PLS_TEXT(room);
    pls_text_add(&sql, "INSERT INTO main.%s (", table);
    for (int i = 0; i < head->n; i++) {
        if (!is_plain_name(head->cell[i], head->len[i])) {
            return pls_fail(err, PLS_FORMAT, "line 1: column %d has no name", i + 1);
        }
        pls_text_add(&sql, "%s%.*s", i == 0 ? "" : ", ", head->len[i], head->cell[i]);
    }
    pls_text_add(&sql, ") VALUES (?");
    for (int i = 1; i < head->n; i++) {
        pls_text_add(&sql, ", ?");
    }
    pls_text_add(&sql, ")");
    if (pls_db_prepare(catalog, room, out, err) != PLS_OK) {
        return pls_fail(err, PLS_FORMAT, "line 1: %s", sqlite3_errmsg(catalog->db));
    }
    return PLS_OK;
}

static enum pls_code insert_line(struct pls_catalog *catalog, sqlite3_stmt *stmt, const struct line *row,
                                 int n_columns, uint32_t number, struct pls_err *err)
{
    if (row->n != n_columns) {
        return pls_fail(err, PLS_FORMAT, "line %u: %d cells where the first line has %d", number, row->n,
                        n_columns);
    }
    for (int i = 0; i < row->n; i++) {
        if (row->len[i] == 0) {
            sqlite3_bind_null(stmt, i + 1);
        } else {
            sqlite3_bind_text(stmt, i + 1, row->cell[i], row->len[i], SQLITE_STATIC);
        }
    }
    int rc = sqlite3_step(stmt);
    sqlite3_reset(stmt);
    return rc == SQLITE_DONE ? PLS_OK
                             : pls_fail(err, PLS_FORMAT, "line %u: %s", number, sqlite3_errmsg(catalog->db));
}

enum pls_code pls_catalog_import(struct pls_catalog *catalog, const char *table, const char *tsv, size_t len,
                                 struct pls_err *err)
{
    struct line line = { .n = 0 };
    sqlite3_stmt *stmt = NULL;
    enum pls_code code = PLS_OK;
    int n_columns = 0;
    uint32_t number = 0;
    const char *end = tsv + len;
    while (code == PLS_OK && tsv < end) {
        const char *stop = memchr(tsv, '\n', (size_t)(end - tsv));
        stop = stop == NULL ? end : stop;
        number++;
        bool is_note = stop == tsv || *tsv == '#';
        if (!is_note && !split(tsv, (size_t)(stop - tsv), &line)) {
            code = pls_fail(err, PLS_LIMIT, "line %u: more than %d cells", number, MAX_COLUMNS);
        } else if (!is_note && stmt == NULL) {
            n_columns = line.n;
            code = prepare_insert(catalog, table, &line, &stmt, err);
        } else if (!is_note) {
            code = insert_line(catalog, stmt, &line, n_columns, number, err);
        }
        tsv = stop + 1;
    }
    sqlite3_finalize(stmt);
    return code;
}
