/* Hardware profiles out of the catalog. The columns are those of the profile itself, so that table and struct
 * agree. */
#include <string.h>

#include "catalog/db.h"

static enum pls_code read_profile(sqlite3_stmt *stmt, uint32_t n_columns, struct pls_profile *out,
                                  const char *path, struct pls_err *err)
{
    memset(out, 0, sizeof(*out));
    for (uint32_t i = 0; i < n_columns; i++) {
        const char *text = (const char *)sqlite3_column_text(stmt, (int)i);
        if (!pls_profile_set(out, i, text == NULL ? "" : text)) {
            const char *id = (const char *)sqlite3_column_text(stmt, 0);
            return pls_fail(err, PLS_DB, "%s: hardware %s: %s cannot be '%s'", path,
                            id == NULL ? "without an id" : id, pls_profile_column(i),
                            text == NULL ? "" : text);
        }
    }
    return PLS_OK;
}

enum pls_code pls_catalog_profiles(struct pls_catalog *catalog, struct pls_profile *items, uint32_t cap,
                                   uint32_t *n, struct pls_err *err)
{
    char room[2048];
    struct pls_text sql = PLS_TEXT(room);
    uint32_t n_columns = 0;
    pls_text_add(&sql, "SELECT ");
    for (; pls_profile_column(n_columns) != NULL; n_columns++) {
        pls_text_add(&sql, "%s%s", n_columns == 0 ? "" : ", ", pls_profile_column(n_columns));
    }
    pls_text_add(&sql, " FROM main.hardware ORDER BY rowid");
    sqlite3_stmt *stmt = NULL;
    enum pls_code code = pls_db_prepare(catalog, room, &stmt, err);
    *n = 0;
    int rc = code == PLS_OK ? sqlite3_step(stmt) : SQLITE_DONE;
    for (; code == PLS_OK && rc == SQLITE_ROW; rc = sqlite3_step(stmt)) {
        if (*n == cap) {
            code = pls_fail(err, PLS_LIMIT, "%s: more than %u hardware profiles", catalog->path, cap);
            break;
        }
        code = read_profile(stmt, n_columns, &items[*n], catalog->path, err);
        *n += code == PLS_OK;
    }
    if (code == PLS_OK && rc != SQLITE_DONE) {
        code = pls_db_fail(catalog, catalog->path, err);
    }
    sqlite3_finalize(stmt);
    return code;
}
