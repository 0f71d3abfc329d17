/* One statement of a user, held to reading. Three fences: the authorizer allows what is listed and nothing
 * else, the statement must be one that SQLite itself calls read-only, and the connection is in defensive mode
 * with small limits. A clock ends what would run for ever. */
#include <string.h>

#include "catalog/db.h"
#include "catalog/fits.h"
#include "plimsoll/sys.h"

#define MAX_VALUE_BYTES (16 << 20) /* of one text or blob: randomblob() and printf() can ask for gigabytes */
#define MAX_HEAP_BYTES (256 << 20) /* of SQLite in all while a statement runs: sorting stays in memory */
#define OPS_PER_LOOK 20000         /* about a millisecond */

struct guard {
    const char *refused; /* what was not allowed; NULL: nothing so far */
    uint64_t end_ns;     /* 0: no limit */
    bool is_late;
};

static bool is_listed(const char *word, const char *const *list)
{
    for (; word != NULL && *list != NULL; list++) {
        if (pls_text_equal_nocase(word, *list)) {
            return true;
        }
    }
    return false;
}

/* Pragmas that only tell; data_version is asked by the full-text index itself. */
static bool is_telling_pragma(const char *name, const char *value)
{
    static const char *const alone[] = {
        "user_version",  "application_id",  "data_version", "table_list", "database_list",
        "function_list", "compile_options", "page_size",    "encoding",   NULL
    };
    static const char *const of_table[] = { "table_info",       "table_xinfo", "index_list", "index_info",
                                            "foreign_key_list", "table_list",  NULL };
    return value == NULL ? is_listed(name, alone) : is_listed(name, of_table);
}

static int authorize(/* as SQLite calls it */ void *context, int action, const char *one, const char *two,
                     const char *schema, const char *trigger)
{
    static const char *const functions[] = { "load_extension", "fts3_tokenizer", "fts5", "readfile",
                                             "writefile",      "edit",           "eval", NULL };
    struct guard *guard = context;
    (void)schema;
    (void)trigger;
    const char *refused = NULL;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
        break;
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
        /* What a virtual table declares of itself passes here as well. A real statement of the kind is
         * stopped by what it asks next, by the defensive mode and by sqlite3_stmt_readonly(). */
        refused = one != NULL && strcmp(one, "sqlite_master") == 0 ? NULL : "a statement that writes";
        break;
    case SQLITE_FUNCTION:
        refused = is_listed(two, functions) ? "a function that loads or writes" : NULL;
        break;
    case SQLITE_PRAGMA:
        refused = is_telling_pragma(one, two) ? NULL : "PRAGMA";
        break;
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
        refused = "ATTACH";
        break;
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
        refused = "a transaction";
        break;
    default:
        refused = "a statement that writes";
    }
    guard->refused = guard->refused != NULL ? guard->refused : refused;
    return refused == NULL ? SQLITE_OK : SQLITE_DENY;
}

static int look_at_clock(void *context)
{
    struct guard *guard = context;
    guard->is_late = guard->end_ns > 0 && pls_clock_ns() > guard->end_ns;
    return guard->is_late;
}

/* With a user database every table is the shipped one and the user's together. */
static enum pls_code create_views(struct pls_catalog *catalog, struct pls_err *err)
{
    static const struct {
        const char *table;
        const char *key;
    } shared[] = { { "models", "id" },        { "cards", "model" },     { "variants", "model" },
                   { "benchmarks", "model" }, { "abilities", "model" }, { "aliases", "model" } };
    if (catalog->user == PLS_DB_USER_NONE) {
        return PLS_OK;
    }
    enum pls_code code =
        pls_db_exec(catalog, "CREATE TEMP VIEW IF NOT EXISTS results AS SELECT * FROM user.results", err);
    for (size_t i = 0; code == PLS_OK && i < PLS_COUNT_OF(shared); i++) {
        char room[320];
        struct pls_text sql = PLS_TEXT(room);
        const char *table = shared[i].table;
        pls_text_add(&sql,
                     "CREATE TEMP VIEW IF NOT EXISTS %s AS SELECT * FROM user.%s UNION ALL SELECT * FROM "
                     "main.%s WHERE %s"
                     " NOT IN (SELECT id FROM user.models)",
                     table, table, table, shared[i].key);
        code = pls_db_exec(catalog, room, err);
    }
    return code;
}

/* Nothing but blanks, semicolons and comments may follow the statement. */
static bool is_blank(const char *rest)
{
    for (;;) {
        rest += strspn(rest, " \t\r\n\f;");
        if (strncmp(rest, "--", 2) == 0) {
            rest += strcspn(rest, "\n");
        } else if (strncmp(rest, "/*", 2) == 0) {
            const char *end = strstr(rest + 2, "*/");
            rest = end == NULL ? "" : end + 2;
        } else {
            return *rest == '\0';
        }
    }
}

static enum pls_code fail(struct pls_catalog *catalog, const struct guard *guard, struct pls_err *err)
{
    if (guard->is_late) {
        return pls_fail(err, PLS_LIMIT, "sql: the time allowed for a statement is over");
    }
    if (guard->refused != NULL) {
        return pls_fail(err, PLS_REFUSED, "sql: only reading is allowed, and this is %s", guard->refused);
    }
    int rc = sqlite3_errcode(catalog->db);
    if (rc == SQLITE_NOMEM) {
        return pls_fail(err, PLS_LIMIT, "sql: a statement may use %d MiB of memory, and this one wants more",
                        MAX_HEAP_BYTES >> 20);
    }
    bool is_damage = rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB || rc == SQLITE_IOERR;
    return pls_fail(err, is_damage ? PLS_DB : PLS_USAGE, "sql: %s", sqlite3_errmsg(catalog->db));
}

static enum pls_code prepare_one(struct pls_catalog *catalog, const char *text, const struct guard *guard,
                                 sqlite3_stmt **out, struct pls_err *err)
{
    const char *rest = "";
    if (sqlite3_prepare_v2(catalog->db, text, -1, out, &rest) != SQLITE_OK) {
        return fail(catalog, guard, err);
    }
    if (*out == NULL) {
        return pls_fail(err, PLS_USAGE, "sql: no statement");
    }
    if (!is_blank(rest)) {
        return pls_fail(err, PLS_USAGE, "sql: one statement at a time");
    }
    if (!sqlite3_stmt_readonly(*out)) {
        return pls_fail(err, PLS_REFUSED, "sql: only reading is allowed");
    }
    return sqlite3_column_count(*out) <= PLS_SQL_MAX_COLUMNS
               ? PLS_OK
               : pls_fail(err, PLS_LIMIT, "sql: too many columns");
}

static void read_value(sqlite3_stmt *stmt, int column, struct pls_value *out)
{
    *out = (struct pls_value){ .kind = PLS_VALUE_NULL };
    switch (sqlite3_column_type(stmt, column)) {
    case SQLITE_INTEGER:
        out->kind = PLS_VALUE_INTEGER;
        out->integer = sqlite3_column_int64(stmt, column);
        break;
    case SQLITE_FLOAT:
        out->kind = PLS_VALUE_REAL;
        out->real = sqlite3_column_double(stmt, column);
        break;
    case SQLITE_TEXT:
        out->kind = PLS_VALUE_TEXT;
        out->text = (const char *)sqlite3_column_text(stmt, column);
        break;
    case SQLITE_BLOB:
        out->kind = PLS_VALUE_BLOB;
        out->text = sqlite3_column_blob(stmt, column);
        break;
    default:
        return;
    }
    if (out->kind >= PLS_VALUE_TEXT) {
        out->len = (size_t)sqlite3_column_bytes(stmt, column);
        out->text = out->text == NULL ? "" : out->text;
    }
}

static enum pls_code step_through(struct pls_catalog *catalog, sqlite3_stmt *stmt, const struct pls_sql *sql,
                                  const struct guard *guard, struct pls_err *err)
{
    const char *names[PLS_SQL_MAX_COLUMNS];
    struct pls_value values[PLS_SQL_MAX_COLUMNS];
    int n = sqlite3_column_count(stmt);
    int rc = sqlite3_step(stmt);
    /* Only a statement that starts well has a head: an error leaves nothing half said. */
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        return fail(catalog, guard, err);
    }
    for (int i = 0; i < n; i++) {
        names[i] = sqlite3_column_name(stmt, i);
    }
    bool go_on = sql->head == NULL || sql->head(names, n, sql->context);
    while (go_on && rc == SQLITE_ROW) {
        for (int i = 0; i < n; i++) {
            read_value(stmt, i, &values[i]);
        }
        go_on = sql->row(values, n, sql->context);
        rc = go_on ? sqlite3_step(stmt) : rc;
    }
    return !go_on || rc == SQLITE_DONE ? PLS_OK : fail(catalog, guard, err);
}

enum pls_code pls_catalog_sql(struct pls_catalog *catalog, const struct pls_sql *sql, struct pls_err *err)
{
    struct guard guard = { .end_ns = sql->limit_ns > 0 ? pls_add(pls_clock_ns(), sql->limit_ns) : 0 };
    sqlite3_stmt *stmt = NULL;
    /* What does not fit in memory must not fill the disk instead. */
    enum pls_code code = pls_db_exec(catalog, "PRAGMA temp_store = MEMORY", err);
    code = code == PLS_OK ? create_views(catalog, err) : code;
    if (code == PLS_OK && sql->fits != NULL && pls_db_fits_register(catalog->db, sql->fits) != SQLITE_OK) {
        code = pls_db_fail(catalog, "fits", err);
    }
    if (code != PLS_OK) {
        return code;
    }
    sqlite3_limit(catalog->db, SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES);
    sqlite3_limit(catalog->db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_set_authorizer(catalog->db, authorize, &guard);
    sqlite3_progress_handler(catalog->db, OPS_PER_LOOK, look_at_clock, &guard);
    sqlite3_int64 heap = sqlite3_hard_heap_limit64(MAX_HEAP_BYTES);
    code = prepare_one(catalog, sql->text, &guard, &stmt, err);
    code = code == PLS_OK ? step_through(catalog, stmt, sql, &guard, err) : code;
    sqlite3_finalize(stmt);
    sqlite3_hard_heap_limit64(heap);
    sqlite3_progress_handler(catalog->db, 0, NULL, NULL);
    sqlite3_set_authorizer(catalog->db, NULL, NULL);
    return code;
}
