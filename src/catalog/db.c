/* Opening, attaching, creating. The shipped file is opened immutable: no lock, no journal, any number of
 * readers. The user's is a WAL database, so that readers never wait for a writer; it appears by rename,
 * complete or not at all. */
#include "catalog/db.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Is the shipped file sound? Asked only when something is damaged already. */
static bool is_shipped_sound(sqlite3 *db)
{
    sqlite3_stmt *stmt = NULL;
    bool is_sound = sqlite3_prepare_v2(db, "PRAGMA main.quick_check(1)", -1, &stmt, NULL) == SQLITE_OK
                    && sqlite3_step(stmt) == SQLITE_ROW
                    && strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") == 0;
    sqlite3_finalize(stmt);
    return is_sound;
}

const char *pls_db_remedy(bool is_user)
{
    return is_user ? "move it away, and a new one is made" : "install plimsoll again";
}

/* A statement over both databases fails without saying in which; a virtual table whose pages are gone fails
 * as if the statement were wrong. */
static enum pls_code fail_damaged(const struct pls_catalog *catalog, struct pls_err *err)
{
    char why[160];
    PLS_COPY(why, sqlite3_errmsg(catalog->db));
    bool is_user = catalog->user != PLS_DB_USER_NONE && is_shipped_sound(catalog->db);
    return pls_fail(err, PLS_DB, "%s: damaged (%s); %s", is_user ? catalog->user_path : catalog->path, why,
                    pls_db_remedy(is_user));
}

static bool is_damage(sqlite3 *db)
{
    int rc = sqlite3_errcode(db);
    const char *why = sqlite3_errmsg(db);
    return rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB
           || (rc == SQLITE_ERROR && strstr(why, "vtable constructor failed") != NULL);
}

enum pls_code pls_db_fail(const struct pls_catalog *catalog, const char *what, struct pls_err *err)
{
    if (is_damage(catalog->db)) {
        return fail_damaged(catalog, err);
    }
    int rc = sqlite3_errcode(catalog->db);
    enum pls_code code = rc == SQLITE_NOMEM                        ? PLS_NOMEM
                         : rc == SQLITE_FULL || rc == SQLITE_IOERR ? PLS_IO
                                                                   : PLS_DB;
    return pls_fail(err, code, "%s: %s", what, sqlite3_errmsg(catalog->db));
}

void pls_db_warn(struct pls_catalog *catalog, const char *fmt, ...)
{
    if (!catalog->has_warning) {
        va_list args;
        va_start(args, fmt);
        vsnprintf(catalog->warning, sizeof(catalog->warning), fmt, args);
        va_end(args);
        catalog->has_warning = true;
    }
}

const char *pls_catalog_warning(const struct pls_catalog *catalog)
{
    return catalog->has_warning ? catalog->warning : NULL;
}

const char *pls_db_home(const struct pls_catalog *catalog)
{
    return catalog->is_build ? "main" : "user";
}

enum pls_code pls_db_prepare(struct pls_catalog *catalog, const char *sql, sqlite3_stmt **out,
                             struct pls_err *err)
{
    *out = NULL;
    if (sqlite3_prepare_v2(catalog->db, sql, -1, out, NULL) != SQLITE_OK) {
        return pls_db_fail(catalog, catalog->path, err);
    }
    return PLS_OK;
}

void pls_db_sql(struct pls_text *out, const char *schema, const char *pattern)
{
    for (const char *s = pattern; *s != '\0'; s++) {
        if (*s == '@') {
            pls_text_put(out, schema, strlen(schema));
        } else {
            pls_text_put(out, s, 1);
        }
    }
}

enum pls_code pls_db_prepare_in(struct pls_catalog *catalog, const char *schema, const char *pattern,
                                sqlite3_stmt **out, struct pls_err *err)
{
    char room[8192];
    struct pls_text sql = PLS_TEXT(room);
    pls_db_sql(&sql, schema, pattern);
    *out = NULL;
    if (sql.truncated) {
        return pls_fail(err, PLS_LIMIT, "a statement is longer than its buffer");
    }
    return pls_db_prepare(catalog, room, out, err);
}

enum pls_code pls_db_exec(struct pls_catalog *catalog, const char *sql, struct pls_err *err)
{
    if (sqlite3_exec(catalog->db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        return pls_db_fail(catalog, catalog->is_build ? catalog->path : catalog->user_path, err);
    }
    return PLS_OK;
}

enum pls_code pls_db_finish(struct pls_catalog *catalog, sqlite3_stmt *stmt, struct pls_err *err)
{
    int rc = sqlite3_step(stmt);
    enum pls_code code = PLS_OK;
    if (rc != SQLITE_DONE && rc != SQLITE_ROW) {
        code = pls_db_fail(catalog, catalog->is_build ? catalog->path : catalog->user_path, err);
    }
    sqlite3_finalize(stmt);
    return code;
}

static bool is_nested(const struct pls_catalog *catalog)
{
    return catalog->is_build || catalog->is_batch;
}

enum pls_code pls_db_begin(struct pls_catalog *catalog, struct pls_err *err)
{
    if (catalog->is_batch && !catalog->is_batch_open) {
        enum pls_code code = pls_db_exec(catalog, "BEGIN IMMEDIATE", err);
        if (code != PLS_OK) {
            return code;
        }
        catalog->is_batch_open = true;
    }
    return pls_db_exec(catalog, is_nested(catalog) ? "SAVEPOINT one" : "BEGIN IMMEDIATE", err);
}

enum pls_code pls_db_end(struct pls_catalog *catalog, enum pls_code code, struct pls_err *err)
{
    if (code == PLS_OK) {
        code = pls_db_exec(catalog, is_nested(catalog) ? "RELEASE one" : "COMMIT", err);
    }
    if (code != PLS_OK) {
        sqlite3_exec(catalog->db, is_nested(catalog) ? "ROLLBACK TO one; RELEASE one" : "ROLLBACK", NULL,
                     NULL, NULL);
    }
    return code;
}

void pls_catalog_begin(struct pls_catalog *catalog)
{
    catalog->is_batch = true;
}

enum pls_code pls_catalog_end(struct pls_catalog *catalog, enum pls_code code, struct pls_err *err)
{
    bool is_open = catalog->is_batch_open;
    catalog->is_batch = false;
    catalog->is_batch_open = false;
    return is_open ? pls_db_end(catalog, code, err) : code;
}

enum pls_code pls_catalog_own(const struct pls_catalog *catalog, struct pls_err *err)
{
    return catalog->is_lost ? pls_fail(err, catalog->lost_code, "%s", catalog->lost) : PLS_OK;
}

/* "file:PATH?query" with what URIs give a meaning escaped. */
static bool file_uri(struct pls_text *out, const char *path, const char *query)
{
    pls_text_add(out, "file:");
    for (const unsigned char *s = (const unsigned char *)path; *s != '\0'; s++) {
        if (*s == '%' || *s == '?' || *s == '#' || *s < 0x21 || *s > 0x7E) {
            pls_text_add(out, "%%%02X", *s);
        } else {
            pls_text_put(out, (const char *)s, 1);
        }
    }
    pls_text_add(out, "?%s", query);
    return !out->truncated;
}

static int first_int(sqlite3 *db, const char *sql, int64_t *out)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(stmt);
    }
    *out = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_finalize(stmt);
    return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_ERROR : rc;
}

/* Is the database called `schema` one of ours, of this version, and readable? */
static enum pls_code check_identity(sqlite3 *db, const char *schema, const char *path, struct pls_err *err)
{
    char room[96];
    int64_t value[2] = { 0, 0 };
    static const char *const pragma[] = { "application_id", "user_version" };
    for (size_t i = 0; i < PLS_COUNT_OF(pragma); i++) {
        struct pls_text sql = PLS_TEXT(room);
        pls_text_add(&sql, "PRAGMA %s.%s", schema, pragma[i]);
        int rc = first_int(db, room, &value[i]);
        if (rc == SQLITE_NOTADB || rc == SQLITE_CORRUPT) {
            return pls_fail(err, PLS_DB, "%s: damaged, or not a catalog; %s", path,
                            pls_db_remedy(strcmp(schema, "user") == 0));
        }
        if (rc != SQLITE_OK) {
            return pls_fail(err, PLS_DB, "%s: cannot be read: %s", path, sqlite3_errmsg(db));
        }
    }
    if (value[0] != PLS_DB_APPLICATION) {
        return pls_fail(err, PLS_DB, "%s: not a plimsoll catalog; %s", path,
                        pls_db_remedy(strcmp(schema, "user") == 0));
    }
    if (value[1] != PLS_DB_VERSION) {
        return pls_fail(err, value[1] < PLS_DB_VERSION ? PLS_UNSUPPORTED : PLS_DB,
                        "%s: has schema version %lld, this program reads %d", path, (long long)value[1],
                        PLS_DB_VERSION);
    }
    return PLS_OK;
}

/* The columns of a card follow card_fields.def. A user's database of other columns must not be half
 * understood. */
static enum pls_code check_shape(struct pls_catalog *catalog, struct pls_err *err)
{
    int64_t is_same = 0;
    int rc = first_int(catalog->db,
                       "SELECT coalesce((SELECT sql FROM main.sqlite_schema WHERE name = 'models')"
                       " = (SELECT sql FROM user.sqlite_schema WHERE name = 'models'), 0)",
                       &is_same);
    if (rc != SQLITE_OK) {
        return pls_fail(err, PLS_DB, "%s: cannot be read: %s; %s", catalog->user_path,
                        sqlite3_errmsg(catalog->db), pls_db_remedy(true));
    }
    return is_same != 0
               ? PLS_OK
               : pls_fail(err, PLS_UNSUPPORTED, "%s: its cards have other fields than those of this version",
                          catalog->user_path);
}

static enum pls_code attach(struct pls_catalog *catalog, const char *query, struct pls_err *err)
{
    char room[PLS_DB_PATH_MAX * 3 + 64];
    struct pls_text uri = PLS_TEXT(room);
    sqlite3_stmt *stmt = NULL;
    if (!file_uri(&uri, catalog->user_path, query)) {
        return pls_fail(err, PLS_LIMIT, "%s: the path is too long", catalog->user_path);
    }
    enum pls_code code = pls_db_prepare(catalog, "ATTACH ? AS user", &stmt, err);
    if (code != PLS_OK) {
        return code;
    }
    sqlite3_bind_text(stmt, 1, room, -1, SQLITE_STATIC);
    code = pls_db_finish(catalog, stmt, NULL);
    if (code != PLS_OK && is_damage(catalog->db)) {
        return pls_fail(err, PLS_DB, "%s: damaged, or not a catalog; %s", catalog->user_path,
                        pls_db_remedy(true));
    }
    if (code != PLS_OK) {
        return pls_fail(err, PLS_DB, "%s: cannot be opened: %s", catalog->user_path,
                        sqlite3_errmsg(catalog->db));
    }
    code = check_identity(catalog->db, "user", catalog->user_path, err);
    code = code == PLS_OK ? check_shape(catalog, err) : code;
    if (code != PLS_OK) {
        sqlite3_exec(catalog->db, "DETACH user", NULL, NULL, NULL);
    }
    return code;
}

/* An empty file (a mount point of a container, what a full disk left) is as good as none. */
bool pls_db_is_blank(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0;
}

/* A user database that is absent is normal. One that cannot be written is read without locks; one that cannot
 * be read is said once. */
void pls_db_attach_user(struct pls_catalog *catalog)
{
    struct pls_err why = { 0 };
    if (catalog->user_path[0] == '\0' || access(catalog->user_path, F_OK) != 0
        || pls_db_is_blank(catalog->user_path)) {
        return;
    }
    if (access(catalog->user_path, W_OK) == 0 && attach(catalog, "mode=rw", &why) == PLS_OK) {
        catalog->user = PLS_DB_USER_WRITE;
    } else if (attach(catalog, "mode=ro&immutable=1", &why) == PLS_OK) {
        catalog->user = PLS_DB_USER_READ;
    } else {
        catalog->is_lost = true;
        catalog->lost_code = why.code == PLS_UNSUPPORTED ? PLS_UNSUPPORTED : PLS_DB;
        PLS_COPY(catalog->lost, why.text);
        pls_db_warn(catalog, "%s; going on without it", why.text);
    }
}

static struct pls_catalog *catalog_new(const char *path, const char *user_path, struct pls_err *err)
{
    struct pls_catalog *catalog = calloc(1, sizeof(*catalog));
    if (catalog == NULL) {
        pls_fail(err, PLS_NOMEM, "out of memory");
        return NULL;
    }
    bool whole =
        PLS_COPY(catalog->path, path) && PLS_COPY(catalog->user_path, user_path == NULL ? "" : user_path);
    if (!whole) {
        pls_fail(err, PLS_LIMIT, "the path of a catalog is too long");
        free(catalog);
        return NULL;
    }
    return catalog;
}

static void settle(sqlite3 *db)
{
    sqlite3_busy_timeout(db, PLS_DB_BUSY_MS);
    sqlite3_extended_result_codes(db, 0);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
}

enum pls_code pls_catalog_open(const char *shipped_path, const char *user_path, struct pls_catalog **out,
                               struct pls_err *err)
{
    char room[PLS_DB_PATH_MAX * 3 + 64];
    struct pls_text uri = PLS_TEXT(room);
    *out = NULL;
    struct pls_catalog *catalog = catalog_new(shipped_path, user_path, err);
    if (catalog == NULL) {
        return PLS_NOMEM;
    }
    enum pls_code code = PLS_OK;
    /* Read-write as a connection, so that the user's file may be; the shipped one is held to reading by its
     * own URI. Without mutexes: a catalog belongs to one thread. */
    if (!file_uri(&uri, shipped_path, "mode=ro&immutable=1") || access(shipped_path, R_OK) != 0
        || sqlite3_open_v2(room, &catalog->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX,
                           NULL)
               != SQLITE_OK) {
        code = pls_fail(err, PLS_DB, "%s: no catalog there, or it cannot be read", shipped_path);
    }
    if (code == PLS_OK) {
        settle(catalog->db);
        code = check_identity(catalog->db, "main", shipped_path, err);
    }
    if (code != PLS_OK) {
        pls_catalog_close(catalog);
        return code;
    }
    pls_db_attach_user(catalog);
    *out = catalog;
    return PLS_OK;
}

void pls_catalog_close(struct pls_catalog *catalog)
{
    if (catalog == NULL) {
        return;
    }
    sqlite3_finalize(catalog->ability[0]);
    sqlite3_finalize(catalog->ability[1]);
    sqlite3_close(catalog->db);
    free(catalog);
}

enum pls_code pls_catalog_create(const char *path, struct pls_catalog **out, struct pls_err *err)
{
    *out = NULL;
    struct pls_catalog *catalog = catalog_new(path, NULL, err);
    if (catalog == NULL) {
        return PLS_NOMEM;
    }
    catalog->is_build = true;
    enum pls_code code = PLS_OK;
    if (unlink(path) != 0 && errno != ENOENT) {
        code = pls_fail(err, PLS_IO, "%s: %s", path, strerror(errno));
    } else if (sqlite3_open_v2(path, &catalog->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL)
               != SQLITE_OK) {
        code = pls_fail(err, PLS_IO, "%s: cannot be created", path);
    }
    if (code == PLS_OK) {
        settle(catalog->db);
        /* Pages of 16 KiB: a search reads most of them, and a third as many reads. A build that fails is
         * thrown away: no journal, no waiting for the disk. */
        code = pls_db_exec(catalog,
                           "PRAGMA page_size = 16384; PRAGMA encoding = 'UTF-8'; PRAGMA journal_mode = OFF;"
                           "PRAGMA synchronous = OFF; BEGIN",
                           err);
        code = code == PLS_OK ? pls_db_create_tables(catalog->db, err) : code;
    }
    if (code != PLS_OK) {
        pls_catalog_close(catalog);
        return code;
    }
    *out = catalog;
    return PLS_OK;
}

enum pls_code pls_catalog_finish(struct pls_catalog *catalog, struct pls_err *err)
{
    /* VACUUM writes every page anew, so that equal input gives equal bytes whatever the order of the work
     * was. */
    return pls_db_exec(catalog, "INSERT INTO search (search) VALUES ('optimize'); COMMIT; ANALYZE; VACUUM",
                       err);
}
