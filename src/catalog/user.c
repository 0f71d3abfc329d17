/* The user's own database comes into being on the first write. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "catalog/db.h"

/* What a writer leaves behind that dies between making a database and putting it in its place is this old at
 * least before it is taken away: a process of another container may look dead from here. */
enum { LEFTOVER_S = 600 };

/* Folders of one's own, closed to others, as the XDG base directories want them. */
static enum pls_code make_folders(const char *path, struct pls_err *err)
{
    char folder[PLS_DB_PATH_MAX];
    PLS_COPY(folder, path);
    for (char *at = strchr(folder + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
        *at = '\0';
        if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
            return pls_fail(err, PLS_IO, "%s: %s", folder, strerror(errno));
        }
        *at = '/';
    }
    return PLS_OK;
}

/* The process of "user.db.new123-wal" when `name` is such a leftover of `base`; 0 when not. */
static long writer_of(const char *name, const char *base)
{
    size_t len = strlen(base);
    if (strncmp(name, base, len) != 0 || strncmp(name + len, ".new", 4) != 0) {
        return 0;
    }
    char *end = NULL;
    long pid = strtol(name + len + 4, &end, 10);
    bool is_ours =
        *end == '\0' || strcmp(end, "-journal") == 0 || strcmp(end, "-wal") == 0 || strcmp(end, "-shm") == 0;
    return is_ours && pid > 0 ? pid : 0;
}

/* Half-made databases of writers that died. */
static void sweep(const char *path)
{
    char folder[PLS_DB_PATH_MAX];
    PLS_COPY(folder, path);
    char *slash = strrchr(folder, '/');
    if (slash == NULL) {
        return;
    }
    *slash = '\0';
    DIR *dir = opendir(folder[0] != '\0' ? folder : "/");
    for (struct dirent *e = dir != NULL ? readdir(dir) : NULL; e != NULL; e = readdir(dir)) {
        long pid = writer_of(e->d_name, slash + 1);
        struct stat st;
        if (pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH
            && fstatat(dirfd(dir), e->d_name, &st, 0) == 0 && time(NULL) - st.st_mtime > LEFTOVER_S) {
            unlinkat(dirfd(dir), e->d_name, 0);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

/* A database of ours in `path`, new or an empty file, already in WAL mode. */
static enum pls_code create_in(const char *path, struct pls_err *err)
{
    sqlite3 *db = NULL;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK) {
        enum pls_code code = pls_fail(err, PLS_IO, "%s: %s", path, sqlite3_errmsg(db));
        sqlite3_close(db);
        return code;
    }
    struct pls_err why = { 0 };
    sqlite3_busy_timeout(db, PLS_DB_BUSY_MS);
    bool is_open = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK;
    if (!is_open) {
        pls_fail(&why, PLS_IO, "%s", sqlite3_errmsg(db));
    }
    /* of two programs that found one empty file, the second finds it made */
    bool is_made =
        is_open
        && sqlite3_table_column_metadata(db, NULL, "models", NULL, NULL, NULL, NULL, NULL, NULL) == SQLITE_OK;
    bool is_done = is_made || (is_open && pls_db_create_tables(db, &why) == PLS_OK);
    if (is_done && sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
        is_done = false;
        pls_fail(&why, PLS_IO, "%s", sqlite3_errmsg(db));
    }
    enum pls_code code = is_done ? PLS_OK : pls_fail(err, PLS_IO, "%s: %s", path, why.text);
    int rc = code == PLS_OK ? sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) : SQLITE_OK;
    if (rc != SQLITE_OK && rc != SQLITE_BUSY) { /* busy: the other of the two sets it */
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
    if (code != PLS_OK || pls_db_is_blank(path)) { /* where a file is mounted no other can take its place */
        return code == PLS_OK ? create_in(path, err) : code;
    }
    struct pls_text name = PLS_TEXT(temporary);
    pls_text_add(&name, "%s.new%ld", path, (long)getpid());
    unlink(temporary);
    code = create_in(temporary, err);
    if (code == PLS_OK && link(temporary, path) != 0 && errno != EEXIST && rename(temporary, path) != 0) {
        code = pls_fail(err, PLS_IO, "%s: %s", path, strerror(errno));
    }
    unlink(temporary);
    return code;
}

enum pls_code pls_db_user_ensure(struct pls_catalog *catalog, struct pls_err *err)
{
    if (!catalog->is_swept) {
        catalog->is_swept = true;
        sweep(catalog->user_path);
    }
    if (catalog->user == PLS_DB_USER_WRITE) {
        return PLS_OK;
    }
    if (catalog->user_path[0] == '\0') {
        return pls_fail(err, PLS_IO,
                        "no folder for data: neither XDG_DATA_HOME nor HOME is the absolute path of one");
    }
    if (catalog->is_lost) {
        return pls_fail(err, PLS_IO, "%s: unusable, so nothing is written to it (%s)", catalog->user_path,
                        pls_db_remedy(true));
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
