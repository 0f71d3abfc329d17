/* Full-text search with filters. */
#include <string.h>

#include "catalog/db.h"

/* Every filter is a parameter that is off when NULL. */
static const char filters[] =
    " (?2 IS NULL OR substr(replace(replace(replace(lower(m.license), '-', ''), '.', ''), ' ', ''), 1, "
    "length(?2)) = ?2)"
    " AND (?3 IS NULL OR m.params_total >= ?3) AND (?4 IS NULL OR m.params_total <= ?4)"
    " AND (m.task_bits & ?5) = ?5 AND (m.modality_bits & ?6) = ?6"
    " AND (?7 IS NULL OR m.release >= ?7) AND (?8 IS NULL OR m.release <= ?8)";

static void bind_bound(sqlite3_stmt *stmt, int at, uint64_t bound)
{
    if (bound > 0) {
        sqlite3_bind_int64(stmt, at, bound > INT64_MAX ? INT64_MAX : (int64_t)bound);
    }
}

static bool finds(struct pls_catalog *catalog, const char *schema, const char *match)
{
    sqlite3_stmt *stmt = NULL;
    static const char sql[] = "SELECT 1 FROM @.search WHERE search MATCH ?1 LIMIT 1";
    bool found = false;
    if (pls_db_prepare_in(catalog, schema, sql, &stmt, NULL) == PLS_OK) {
        sqlite3_bind_text(stmt, 1, match, -1, SQLITE_STATIC);
        found = sqlite3_step(stmt) == SQLITE_ROW;
    }
    sqlite3_finalize(stmt);
    return found;
}

enum pls_code pls_db_match_best(struct pls_catalog *catalog, const char *words, struct pls_text *out,
                                struct pls_err *err)
{
    struct pls_text start = *out;
    bool has_versions = pls_db_match_versions(out, words);
    bool is_best = has_versions && !out->truncated
                   && (finds(catalog, "main", out->data)
                       || (catalog->user != PLS_DB_USER_NONE && finds(catalog, "user", out->data)));
    if (!is_best) {
        *out = start;
        out->data[out->len] = '\0';
        pls_db_match(out, words);
    }
    return out->truncated ? pls_fail(err, PLS_USAGE, "too many words to search for") : PLS_OK;
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
                 hide_own ? " AND (id NOT IN (SELECT id FROM user.models) OR instr(?9, ',' || id || ',') > 0)"
                          : "",
                 has_words ? "s.rank, " : "");
    return pls_db_prepare_in(catalog, is_user ? "user" : "main", room, out, err);
}

static void bind(sqlite3_stmt *stmt, const struct pls_catalog_query *query, const char *words,
                 const char *license)
{
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
}

struct visitor {
    pls_card_visit *visit;
    void *context;
    bool go_on, is_user;
    /* Ids of the user's cards that cannot be read, between commas: shipped ones of these names come into view
     * again. */
    struct pls_text damaged;
};

static enum pls_code visit_all(struct pls_catalog *catalog, sqlite3_stmt *stmt, struct visitor *v,
                               struct pls_err *err)
{
    int rc = SQLITE_ROW;
    enum pls_code code = PLS_OK;
    while (code == PLS_OK && v->go_on && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct pls_card card;
        code = pls_db_card_of(catalog, v->is_user, stmt, &card, err);
        if (code == PLS_OK) {
            v->go_on = v->visit(&card, v->context);
        } else if (code == PLS_NO) {
            pls_text_add(&v->damaged, "%s,", (const char *)sqlite3_column_text(stmt, 0));
            code = PLS_OK;
        }
    }
    return code != PLS_OK || rc == SQLITE_ROW || rc == SQLITE_DONE ? code
                                                                   : pls_db_fail(catalog, catalog->path, err);
}

enum pls_code pls_catalog_search(struct pls_catalog *catalog, const struct pls_catalog_query *query,
                                 pls_card_visit *visit, void *context, struct pls_err *err)
{
    char words[1024];
    char license[PLS_DB_KEY_MAX] = "";
    struct pls_text match = PLS_TEXT(words);
    char damaged[1024];
    struct visitor v = { .visit = visit, .context = context, .go_on = true, .damaged = PLS_TEXT(damaged) };
    pls_text_add(&v.damaged, ",");
    enum pls_code code = pls_db_match_best(catalog, query->words == NULL ? "" : query->words, &match, err);
    pls_db_key(license, sizeof(license), query->license == NULL ? "" : query->license);
    for (int user = catalog->user != PLS_DB_USER_NONE; code == PLS_OK && v.go_on && user >= 0; user--) {
        sqlite3_stmt *stmt = NULL;
        v.is_user = user == 1;
        code = prepare(catalog, v.is_user, words[0] != '\0', &stmt, err);
        if (code == PLS_OK) {
            bind(stmt, query, words, license);
            sqlite3_bind_text(stmt, 9, damaged, -1, SQLITE_STATIC);
            code = visit_all(catalog, stmt, &v, err);
        }
        sqlite3_finalize(stmt);
    }
    return code;
}

/* Looks through the words of the index; *out stays empty when one begins with the key. */
static bool find_nearest(sqlite3_stmt *stmt, const char *key, char *out, size_t cap)
{
    uint32_t least = (uint32_t)strlen(key) / 3 + 1; /* further off it is another word */
    bool is_found = false;
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        const char *term = (const char *)sqlite3_column_text(stmt, 0);
        if (term == NULL || strlen(term) >= PLS_DB_KEY_MAX) {
            continue;
        }
        if (strncmp(term, key, strlen(key)) == 0) {
            return false;
        }
        uint32_t off = pls_text_distance(key, term);
        if (off < least || (off == least && !is_found)) {
            least = off;
            is_found = pls_copy(out, cap, term);
        }
    }
    return is_found;
}

bool pls_catalog_misspelt(struct pls_catalog *catalog, const char *words, struct pls_misspelt *out)
{
    sqlite3_stmt *stmt = NULL;
    bool is_found = false;
    if (sqlite3_exec(catalog->db,
                     "CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary USING fts5vocab (main, search, row)",
                     NULL, NULL, NULL)
            != SQLITE_OK
        || pls_db_prepare(catalog, "SELECT term FROM temp.vocabulary ORDER BY doc DESC, term", &stmt, NULL)
               != PLS_OK) {
        return false;
    }
    for (const char *at = words + strspn(words, " "); *at != '\0' && !is_found; at += strspn(at, " ")) {
        char key[PLS_DB_KEY_MAX];
        struct pls_text typed = PLS_TEXT(out->typed);
        size_t len = strcspn(at, " ");
        pls_text_put(&typed, at, len);
        pls_db_key(key, sizeof(key), out->typed);
        is_found = !typed.truncated && strlen(key) > 3
                   && find_nearest(stmt, key, out->nearest, sizeof(out->nearest));
        sqlite3_reset(stmt);
        at += len;
    }
    sqlite3_finalize(stmt);
    return is_found;
}
