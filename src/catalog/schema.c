/* data/schema.sql, compiled in: the build turns it into one string per line. The columns of card_fields.def
 * take the place of the line "--@card_fields", so that a hyperparameter is declared once. */
#include <string.h>

#include "catalog/db.h"

static const char *const schema_lines[] = {
#include "schema_sql.h"
};

static const char *const field_columns[] = {
#define PLS_CARD_U64(field, key, note)  "  " key " INTEGER,\n",
#define PLS_CARD_U32(field, key, note)  "  " key " INTEGER,\n",
#define PLS_CARD_F32(field, key, note)  "  " key " REAL,\n",
#define PLS_CARD_FLAG(field, key, note) "  " key " INTEGER NOT NULL,\n",
#include "plimsoll/card_fields.def"
};

enum pls_code pls_db_create_tables(sqlite3 *db, struct pls_err *err)
{
    char room[24 * 1024];
    struct pls_text sql = PLS_TEXT(room);
    for (size_t i = 0; i < PLS_COUNT_OF(schema_lines); i++) {
        if (strcmp(schema_lines[i], "--@card_fields\n") != 0) {
            pls_text_put(&sql, schema_lines[i], strlen(schema_lines[i]));
            continue;
        }
        for (size_t k = 0; k < PLS_COUNT_OF(field_columns); k++) {
            pls_text_put(&sql, field_columns[k], strlen(field_columns[k]));
        }
    }
    pls_text_add(&sql, "PRAGMA application_id = %d; PRAGMA user_version = %d;", PLS_DB_APPLICATION,
                 PLS_DB_VERSION);
    if (sql.truncated) {
        return pls_fail(err, PLS_LIMIT, "the catalog's schema is longer than its buffer");
    }
    if (sqlite3_exec(db, room, NULL, NULL, NULL) != SQLITE_OK) {
        return pls_fail(err, PLS_DB, "the tables cannot be created: %s", sqlite3_errmsg(db));
    }
    return PLS_OK;
}
