/* Full-text search with filters. */
#include "catalog/db.h"

/* Every filter is a parameter that is off when NULL. */
static const char filters[] =
    " (?2 IS NULL OR replace(replace(replace(lower(m.license), '-', ''), '.', ''), ' ', '') = ?2)"
    " AND (?3 IS NULL OR m.params_total >= ?3) AND (?4 IS NULL OR m.params_total <= ?4)"
    " AND (m.task_bits & ?5) = ?5 AND (m.modality_bits & ?6) = ?6"
    " AND (?7 IS NULL OR m.release >= ?7) AND (?8 IS NULL OR m.release <= ?8)";

static void bind_bound(sqlite3_stmt *stmt, int at, uint64_t bound)
{
    if (bound > 0) {
        sqlite3_bind_int64(stmt, at, bound > INT64_MAX ? INT64_MAX : (int64_t)bound);
    }
}

static enum pls_code prepare(struct pls_catalog *catalog, bool is_user, bool has_words, sqlite3_stmt **out,
                             struct pls_err *err)
{
    char room[8192];
    struct pls_text sql = PLS_TEXT(room);
    bool hide_own = !is_user && catalog->user != PLS_DB_USER_NONE;
    pls_text_add(&sql, "SELECT %s FROM @.models m%s WHERE%s%s ORDER BY %srelease IS NULL, release DESC, id",
                 pls_db_columns(),
                 has_words ? " JOIN @.search s ON s.rowid = m.rowid AND s.search MATCH ?1" : "", filters,
                 hide_own ? " AND id NOT IN (SELECT id FROM user.models)" : "", has_words ? "s.rank, " : "");
    return pls_db_prepare_in(catalog, is_user ? "user" : "main", room, out, err);
}

enum pls_code pls_catalog_search(struct pls_catalog *catalog, const struct pls_catalog_query *query,
                                 pls_card_visit *visit, void *context, struct pls_err *err)
{
    char words[1024];
    char license[PLS_DB_KEY_MAX] = "";
    struct pls_text match = PLS_TEXT(words);
    pls_db_match(&match, query->words == NULL ? "" : query->words);
    if (match.truncated) {
        return pls_fail(err, PLS_USAGE, "too many words to search for");
    }
    pls_db_key(license, sizeof(license), query->license == NULL ? "" : query->license);
    bool go_on = true;
    for (int user = catalog->user != PLS_DB_USER_NONE; go_on && user >= 0; user--) {
        sqlite3_stmt *stmt = NULL;
        enum pls_code code = prepare(catalog, user == 1, words[0] != '\0', &stmt, err);
        if (code != PLS_OK) {
            return code;
        }
        if (words[0] != '\0') {
            sqlite3_bind_text(stmt, 1, words, -1, SQLITE_STATIC);
        }
        if (license[0] != '\0') {
            sqlite3_bind_text(stmt, 2, license, -1, SQLITE_STATIC);
        }
        bind_bound(stmt, 3, query->min_params);
        bind_bound(stmt, 4, query->max_params);
        sqlite3_bind_int64(stmt, 5, query->tasks);
        sqlite3_bind_int64(stmt, 6, query->modalities);
        bind_bound(stmt, 7, query->since);
        bind_bound(stmt, 8, query->until);
        int rc = SQLITE_ROW;
        while (go_on && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
            struct pls_card card;
            if (pls_db_card_read(stmt, &card)) {
                pls_db_abilities(catalog, user == 1, &card);
                go_on = visit(&card, context);
            }
        }
        code = rc == SQLITE_ROW || rc == SQLITE_DONE ? PLS_OK : pls_db_fail(catalog, catalog->path, err);
        sqlite3_finalize(stmt);
        if (code != PLS_OK) {
            return code;
        }
    }
    return PLS_OK;
}
