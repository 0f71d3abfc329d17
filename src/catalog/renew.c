/* A user's database of another version: its cards are kept as they were written, so a new database of this
 * version's fields can be made of them. It takes the old one's place by rename, whole or not at all. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalog/db.h"

enum { WAIT_MS = 20 };

struct renewal {
    sqlite3 *old;
    struct pls_catalog *fresh;
    pls_card_parser *parse;
    const char *path;
};

static enum pls_code fail_old(const struct renewal *r, struct pls_err *err)
{
    return pls_fail(err, PLS_DB, "%s: %s", r->path, sqlite3_errmsg(r->old));
}

static enum pls_code copy_cards(const struct renewal *r, struct pls_err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(r->old, "SELECT json FROM cards ORDER BY model", -1, &stmt, NULL);
    enum pls_code code = rc == SQLITE_OK ? PLS_OK : fail_old(r, err);
    pls_catalog_begin(r->fresh);
    while (code == PLS_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct pls_card card;
        struct pls_err why = { 0 };
        const char *json = (const char *)sqlite3_column_text(stmt, 0);
        code = r->parse(json, json == NULL ? 0 : strlen(json), &card, &why);
        code = code == PLS_OK ? pls_catalog_insert(r->fresh, &card, json, &why) : code;
        if (code != PLS_OK) {
            pls_fail(err, code, "%s: %s", r->path, why.text);
        }
    }
    if (code == PLS_OK && rc != SQLITE_DONE) {
        code = fail_old(r, err);
    }
    sqlite3_finalize(stmt);
    return pls_catalog_end(r->fresh, code, err);
}

/* What was measured goes along when its table is the same; else it is measured again. */
static enum pls_code copy_results(const struct renewal *r, struct pls_err *err)
{
    sqlite3_stmt *from = NULL;
    sqlite3_stmt *to = NULL;
    char room[512];
    struct pls_text sql = PLS_TEXT(room);
    enum pls_code code = pls_db_user_ensure(r->fresh, err);
    if (code != PLS_OK || sqlite3_prepare_v2(r->old, "SELECT * FROM results", -1, &from, NULL) != SQLITE_OK) {
        return code;
    }
    int n = sqlite3_column_count(from);
    pls_text_add(&sql, "INSERT INTO user.results VALUES (?");
    for (int i = 1; i < n; i++) {
        pls_text_add(&sql, ", ?");
    }
    pls_text_add(&sql, ")");
    /* Another number of columns does not compile. */
    if (!sql.truncated && sqlite3_prepare_v2(r->fresh->db, room, -1, &to, NULL) == SQLITE_OK) {
        while (sqlite3_step(from) == SQLITE_ROW) {
            for (int i = 0; i < n; i++) {
                sqlite3_bind_value(to, i + 1, sqlite3_column_value(from, i));
            }
            sqlite3_step(to);
            sqlite3_reset(to);
        }
    }
    sqlite3_finalize(from);
    sqlite3_finalize(to);
    return PLS_OK;
}

static enum pls_code make_fresh(struct renewal *r, const char *shipped, const char *temporary,
                                struct pls_err *err)
{
    unlink(temporary);
    enum pls_code code = pls_catalog_open(shipped, temporary, &r->fresh, err);
    if (code != PLS_OK) {
        return code;
    }
    code = copy_cards(r, err);
    code = code == PLS_OK ? copy_results(r, err) : code;
    pls_catalog_close(r->fresh); /* the last connection: what the journal holds is in the file now */
    if (code == PLS_OK && rename(temporary, r->path) != 0) {
        code = pls_fail(err, PLS_IO, "%s: %s", r->path, strerror(errno));
    }
    return code;
}

/* No journal beside the old one may outlive it, or it would be taken for that of the new one: the old one
 * leaves WAL, which it can while nobody else looks at it. With the lock held one program renews; others wait
 * and find another file in its place. */
static bool take(sqlite3 *old)
{
    int rc = SQLITE_BUSY;
    for (int waited = 0; rc == SQLITE_BUSY && waited < PLS_DB_BUSY_MS; waited += WAIT_MS) {
        if (waited > 0) {
            sqlite3_sleep(WAIT_MS);
        }
        rc = sqlite3_exec(old, "PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE", NULL, NULL, NULL);
    }
    return rc == SQLITE_OK;
}

enum pls_code pls_catalog_renew(const char *shipped, const char *user, pls_card_parser *parse,
                                struct pls_err *err)
{
    struct renewal r = { .parse = parse, .path = user };
    char temporary[PLS_DB_PATH_MAX + 16];
    struct pls_text name = PLS_TEXT(temporary);
    struct stat before;
    struct stat after;
    pls_text_add(&name, "%s.renewed", user);
    if (stat(user, &before) != 0) {
        return pls_fail(err, PLS_IO, "%s: %s", user, strerror(errno));
    }
    bool is_locked = sqlite3_open_v2(user, &r.old, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK && take(r.old);
    enum pls_code code = is_locked ? PLS_OK : fail_old(&r, err);
    bool is_same = stat(user, &after) == 0 && before.st_ino == after.st_ino && before.st_dev == after.st_dev;
    if (code == PLS_OK && is_same) {
        code = make_fresh(&r, shipped, temporary, err);
        unlink(temporary);
    }
    sqlite3_close(r.old);
    return code;
}
