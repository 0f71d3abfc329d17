/* The user's own database comes into being on the first write. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalog/db.h"

static enum pls_code make_folders(const char *path, struct pls_err *err)
{
    char folder[PLS_DB_PATH_MAX];
    PLS_COPY(folder, path);
    for (char *at = strchr(folder + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
        *at = '\0';
        if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
            return pls_fail(err, PLS_IO, "%s: %s", folder, strerror(errno));
        }
        *at = '/';
    }
    return PLS_OK;
}

/* An empty database of ours in `path`, already in WAL mode. */
static enum pls_code create_empty(const char *path, struct pls_err *err)
{
    sqlite3 *db = NULL;
    unlink(path);
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK) {
        enum pls_code code = pls_fail(err, PLS_IO, "%s: %s", path, sqlite3_errmsg(db));
        sqlite3_close(db);
        return code;
    }
    struct pls_err why = { 0 };
    enum pls_code code = pls_db_create_tables(db, &why);
    code = code == PLS_OK ? PLS_OK : pls_fail(err, PLS_IO, "%s: %s", path, why.text);
    if (code == PLS_OK && sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) != SQLITE_OK) {
        code = pls_fail(err, PLS_IO, "%s: %s", path, sqlite3_errmsg(db));
    }
    sqlite3_close(db);
    return code;
}

/* Under a name of its own first, then linked into place: of two programs that start at once, one wins and
 * both go on with a whole database. */
static enum pls_code create_user(const char *path, struct pls_err *err)
{
    char temporary[PLS_DB_PATH_MAX + 32];
    enum pls_code code = make_folders(path, err);
    if (code != PLS_OK) {
        return code;
    }
    struct pls_text name = PLS_TEXT(temporary);
    pls_text_add(&name, "%s.new%ld", path, (long)getpid());
    code = create_empty(temporary, err);
    if (code == PLS_OK && link(temporary, path) != 0 && errno != EEXIST && rename(temporary, path) != 0) {
        code = pls_fail(err, PLS_IO, "%s: %s", path, strerror(errno));
    }
    unlink(temporary);
    return code;
}

enum pls_code pls_db_user_ensure(struct pls_catalog *catalog, struct pls_err *err)
{
    if (catalog->user == PLS_DB_USER_WRITE) {
        return PLS_OK;
    }
    if (catalog->user_path[0] == '\0') {
        return pls_fail(err, PLS_IO, "no folder for data: neither XDG_DATA_HOME nor HOME is an absolute path");
    }
    if (catalog->is_lost) {
        return pls_fail(err, PLS_IO, "%s: unusable, so nothing is written to it", catalog->user_path);
    }
    if (catalog->user == PLS_DB_USER_READ) {
        return pls_fail(err, PLS_IO, "%s: not writable", catalog->user_path);
    }
    enum pls_code code = create_user(catalog->user_path, err);
    if (code == PLS_OK) {
        pls_db_attach_user(catalog);
        if (catalog->user != PLS_DB_USER_WRITE) {
            code = pls_fail(err, PLS_IO, "%s: created, but cannot be opened", catalog->user_path);
        }
    }
    return code;
}
