/* Reading cards: the user's own and the shipped ones as one list in id order, the user's in place of a
 * shipped one of the same id. */
#include <string.h>

#include "catalog/db.h"
#include "plimsoll/publisher.h"

static const char *schema_name(bool is_user)
{
    return is_user ? "user" : "main";
}

void pls_db_abilities(struct pls_catalog *catalog, bool is_user, struct pls_card *card)
{
    sqlite3_stmt **kept = &catalog->ability[is_user];
    if (*kept == NULL
        && pls_db_prepare_in(catalog, schema_name(is_user),
                             "SELECT task, score, se, n_sources, evidence FROM @.abilities WHERE model = ?1",
                             kept, NULL)
               != PLS_OK) {
        return;
    }
    bool has_any = false;
    sqlite3_bind_text(*kept, 1, card->id, -1, SQLITE_STATIC);
    while (sqlite3_step(*kept) == SQLITE_ROW) {
        has_any = true;
        const char *word = (const char *)sqlite3_column_text(*kept, 0);
        const char *grade = (const char *)sqlite3_column_text(*kept, 4);
        enum pls_task task = PLS_TASK_CHAT;
        if (word == NULL || !pls_task_by_name(word, &task)) {
            continue;
        }
        struct pls_ability *ability = &card->ability[task];
        ability->score = (float)sqlite3_column_double(*kept, 1);
        ability->se = (float)sqlite3_column_double(*kept, 2);
        ability->n_sources = (uint16_t)sqlite3_column_int(*kept, 3);
        for (unsigned e = PLS_EVIDENCE_NONE; grade != NULL && e <= PLS_EVIDENCE_DIRECT; e++) {
            ability->evidence =
                strcmp(grade, pls_evidence_name((enum pls_evidence)e)) == 0 ? (uint8_t)e : ability->evidence;
        }
    }
    sqlite3_reset(*kept);
    if (is_user && !has_any) {
        pls_db_guess_abilities(catalog, card);
    }
    card->evidence = (enum pls_evidence)card->ability[PLS_TASK_CHAT].evidence;
}

/* One database's cards, a row ahead. */
struct source {
    sqlite3_stmt *stmt;
    bool is_user, has_row;
};

static const char *source_id(const struct source *s)
{
    return (const char *)sqlite3_column_text(s->stmt, 0);
}

/* Damage in the user's database is said once and ends its part; in the shipped one it is an error. */
static enum pls_code advance(struct pls_catalog *catalog, struct source *s, struct pls_err *err)
{
    int rc = s->stmt == NULL ? SQLITE_DONE : sqlite3_step(s->stmt);
    s->has_row = rc == SQLITE_ROW && source_id(s) != NULL;
    if (rc == SQLITE_ROW || rc == SQLITE_DONE) {
        return PLS_OK;
    }
    if (s->is_user) {
        struct pls_err why = { 0 };
        pls_db_fail(catalog, catalog->user_path, &why);
        pls_db_warn(catalog, "%s; going on without it", why.text);
        return PLS_OK;
    }
    return pls_db_fail(catalog, catalog->path, err);
}

enum pls_code pls_db_card_of(struct pls_catalog *catalog, bool is_user, sqlite3_stmt *stmt,
                             struct pls_card *card, struct pls_err *err)
{
    const char *id = (const char *)sqlite3_column_text(stmt, 0);
    if (!pls_db_card_read(stmt, card)) {
        if (is_user) {
            pls_db_warn(catalog, "%s: the card %s is damaged; it is left out (catalog remove takes it away)",
                        catalog->user_path, id);
            return PLS_NO;
        }
        return pls_fail(err, PLS_DB, "%s: the card %s is damaged; %s", catalog->path, id,
                        pls_db_remedy(false));
    }
    pls_db_abilities(catalog, is_user, card);
    return PLS_OK;
}

static enum pls_code read_current(struct pls_catalog *catalog, struct source *s, struct pls_card *card,
                                  struct pls_err *err)
{
    return pls_db_card_of(catalog, s->is_user, s->stmt, card, err);
}

/* A user's card that is damaged does not hide the shipped one of the same id, which comes next then. */
static enum pls_code go_past(struct pls_catalog *catalog, struct source s[2], int order, bool is_damaged,
                             struct pls_err *err)
{
    enum pls_code code = advance(catalog, &s[order < 0 ? 0 : 1], err);
    return code == PLS_OK && order == 0 && !is_damaged ? advance(catalog, &s[0], err) : code;
}

static enum pls_code merge(struct pls_catalog *catalog, struct source s[2], pls_card_visit *visit,
                           void *context, struct pls_err *err)
{
    enum pls_code code = advance(catalog, &s[0], err);
    code = code == PLS_OK ? advance(catalog, &s[1], err) : code;
    while (code == PLS_OK && (s[0].has_row || s[1].has_row)) {
        int order = !s[0].has_row ? 1 : !s[1].has_row ? -1 : strcmp(source_id(&s[0]), source_id(&s[1]));
        struct source *next = order < 0 ? &s[0] : &s[1];
        struct pls_card card;
        code = read_current(catalog, next, &card, err);
        if (code == PLS_OK && !visit(&card, context)) {
            return PLS_OK;
        }
        bool is_damaged = code == PLS_NO;
        code = code == PLS_OK || is_damaged ? go_past(catalog, s, order, is_damaged, err) : code;
    }
    return code;
}

static enum pls_code select_cards(struct pls_catalog *catalog, bool is_user, const char *match,
                                  sqlite3_stmt **out, struct pls_err *err)
{
    char room[8192];
    struct pls_text sql = PLS_TEXT(room);
    bool is_search = match[0] != '\0';
    pls_text_add(&sql, "SELECT %s FROM @.models%s ORDER BY id", pls_db_columns(),
                 is_search ? " WHERE rowid IN (SELECT rowid FROM @.search WHERE search MATCH ?1)" : "");
    enum pls_code code = pls_db_prepare_in(catalog, schema_name(is_user), room, out, err);
    if (code == PLS_OK && is_search) {
        sqlite3_bind_text(*out, 1, match, -1, SQLITE_STATIC);
    }
    return code;
}

enum pls_code pls_catalog_each(struct pls_catalog *catalog, const char *words, pls_card_visit *visit,
                               void *context, struct pls_err *err)
{
    char room[1024];
    struct pls_text match = PLS_TEXT(room);
    struct source s[2] = { { .is_user = false }, { .is_user = true } };
    enum pls_code code = pls_db_match_best(catalog, words == NULL ? "" : words, &match, err);
    if (code != PLS_OK) {
        return code;
    }
    code = select_cards(catalog, false, room, &s[0].stmt, err);
    if (code == PLS_OK && catalog->user != PLS_DB_USER_NONE
        && select_cards(catalog, true, room, &s[1].stmt, NULL) != PLS_OK) {
        pls_db_warn(catalog, "%s: %s; going on without it", catalog->user_path, sqlite3_errmsg(catalog->db));
    }
    code = code == PLS_OK ? merge(catalog, s, visit, context, err) : code;
    sqlite3_finalize(s[0].stmt);
    sqlite3_finalize(s[1].stmt);
    return code;
}

const char *pls_db_schema_of(struct pls_catalog *catalog, const char *id)
{
    sqlite3_stmt *stmt = NULL;
    bool is_own = false;
    if (catalog->user != PLS_DB_USER_NONE
        && pls_db_prepare_in(catalog, "user", "SELECT 1 FROM @.models WHERE id = ?1", &stmt, NULL)
               == PLS_OK) {
        sqlite3_bind_text(stmt, 1, id, -1, SQLITE_STATIC);
        is_own = sqlite3_step(stmt) == SQLITE_ROW;
    }
    sqlite3_finalize(stmt);
    return is_own ? "user" : "main";
}

bool pls_catalog_inferred(struct pls_catalog *catalog, const char *id, struct pls_text *keys,
                          double *tolerance)
{
    static const char sql[] =
        "SELECT group_concat(k.value, ', '), m.checkpoint_tolerance"
        " FROM @.models m JOIN @.cards c ON c.model = m.id, json_each(c.json, '$.unverified') k"
        " WHERE m.id = ?1 AND (k.value LIKE 'linear%' OR k.value LIKE 'arch%' OR k.value IN ('n_layers',"
        " 'hidden_size', 'intermediate_size', 'moe_intermediate_size', 'shared_expert_intermediate_size',"
        " 'n_heads', 'n_kv_heads', 'head_dim', 'vocab_size', 'layer_kinds', 'sliding_window', 'n_experts',"
        " 'tie_embeddings'))";
    sqlite3_stmt *stmt = NULL;
    bool found = false;
    if (pls_db_prepare_in(catalog, pls_db_schema_of(catalog, id), sql, &stmt, NULL) == PLS_OK) {
        sqlite3_bind_text(stmt, 1, id, -1, SQLITE_STATIC);
        found = sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_type(stmt, 0) != SQLITE_NULL;
    }
    if (found) {
        pls_text_add(keys, "%s", (const char *)sqlite3_column_text(stmt, 0));
        *tolerance = sqlite3_column_double(stmt, 1);
    }
    sqlite3_finalize(stmt);
    return found;
}

/* The card with exactly this id: the user's, else the shipped one. */
enum pls_code pls_catalog_card(struct pls_catalog *catalog, const char *id, struct pls_card *out,
                               struct pls_err *err)
{
    char room[8192];
    struct pls_text sql = PLS_TEXT(room);
    pls_text_add(&sql, "SELECT %s FROM @.models WHERE id = ?1", pls_db_columns());
    bool is_damaged = false;
    for (int user = catalog->user != PLS_DB_USER_NONE; user >= 0; user--) {
        struct source s = { .is_user = user == 1 };
        enum pls_code code = pls_db_prepare_in(catalog, schema_name(s.is_user), room, &s.stmt, err);
        if (code == PLS_OK) {
            sqlite3_bind_text(s.stmt, 1, id, -1, SQLITE_STATIC);
            code = advance(catalog, &s, err);
        }
        bool is_found = code == PLS_OK && s.has_row;
        code = is_found ? read_current(catalog, &s, out, err) : code;
        sqlite3_finalize(s.stmt);
        if ((is_found && code != PLS_NO) || (code != PLS_OK && user == 0)) {
            return code;
        }
        is_damaged = is_damaged || code == PLS_NO;
    }
    if (is_damaged) {
        catalog->has_warning = false; /* the error says it */
        return pls_fail(err, PLS_DB, "%s: the card %s is damaged (catalog remove takes it away)",
                        catalog->user_path, id);
    }
    return pls_fail(err, PLS_USAGE, "no card has the id %s", id);
}

enum pls_code pls_catalog_json(struct pls_catalog *catalog, const char *id, char *out, size_t cap,
                               struct pls_err *err)
{
    for (int user = catalog->user != PLS_DB_USER_NONE; user >= 0; user--) {
        sqlite3_stmt *stmt = NULL;
        enum pls_code code = pls_db_prepare_in(catalog, schema_name(user == 1),
                                               "SELECT json FROM @.cards WHERE model = ?1", &stmt, err);
        if (code != PLS_OK) {
            return code;
        }
        sqlite3_bind_text(stmt, 1, id, -1, SQLITE_STATIC);
        bool is_found = sqlite3_step(stmt) == SQLITE_ROW;
        bool fits = is_found && pls_copy(out, cap, (const char *)sqlite3_column_text(stmt, 0));
        sqlite3_finalize(stmt);
        if (is_found) {
            return fits ? PLS_OK : pls_fail(err, PLS_LIMIT, "%s: the card does not fit %zu bytes", id, cap);
        }
    }
    return pls_fail(err, PLS_USAGE, "no card has the id %s", id);
}

enum pls_code pls_catalog_export(struct pls_catalog *catalog, bool all, pls_json_visit *visit, void *context,
                                 struct pls_err *err)
{
    bool has_user = catalog->user != PLS_DB_USER_NONE;
    const char *own = "SELECT model, json FROM user.cards ORDER BY model";
    const char *shipped = "SELECT model, json FROM main.cards ORDER BY model";
    const char *both = "SELECT model, json FROM user.cards UNION ALL SELECT model, json FROM main.cards"
                       " WHERE model NOT IN (SELECT model FROM user.cards) ORDER BY model";
    sqlite3_stmt *stmt = NULL;
    if (!all && !has_user) {
        return PLS_OK;
    }
    enum pls_code code = pls_db_prepare(catalog, !all ? own : has_user ? both : shipped, &stmt, err);
    int rc = code == PLS_OK ? SQLITE_ROW : SQLITE_DONE;
    while (rc == SQLITE_ROW && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (!visit((const char *)sqlite3_column_text(stmt, 0), (const char *)sqlite3_column_text(stmt, 1),
                   context)) {
            rc = SQLITE_DONE;
        }
    }
    if (rc != SQLITE_DONE) {
        code = pls_db_fail(catalog, catalog->path, err);
    }
    sqlite3_finalize(stmt);
    return code;
}

enum pls_code pls_catalog_ids(struct pls_catalog *catalog, bool own, pls_id_visit *visit, void *context,
                              struct pls_err *err)
{
    const char *user = "SELECT id, name FROM user.models ORDER BY id";
    const char *shipped = "SELECT id, name FROM main.models ORDER BY id";
    const char *both = "SELECT id, name FROM user.models UNION SELECT id, name FROM main.models"
                       " WHERE id NOT IN (SELECT id FROM user.models) ORDER BY id";
    bool has_user = catalog->user != PLS_DB_USER_NONE;
    sqlite3_stmt *stmt = NULL;
    if (own && !has_user) {
        return PLS_OK;
    }
    enum pls_code code = pls_db_prepare(catalog, own ? user : has_user ? both : shipped, &stmt, err);
    if (code != PLS_OK) {
        return code;
    }
    int rc = sqlite3_step(stmt);
    for (; rc == SQLITE_ROW; rc = sqlite3_step(stmt)) {
        const char *id = (const char *)sqlite3_column_text(stmt, 0);
        const char *name = (const char *)sqlite3_column_text(stmt, 1);
        if (id != NULL && !visit(id, name != NULL ? name : "", context)) {
            break;
        }
    }
    code = rc == SQLITE_DONE || rc == SQLITE_ROW ? PLS_OK : pls_db_fail(catalog, catalog->path, err);
    sqlite3_finalize(stmt);
    return code;
}

enum { UNKNOWN_CONTENT = 1, UNSEEN, SEEN_SIBLING, SEEN };

/* How well one row serves: a repository that was seen and holds the quantization, or the other type of 16
 * bits, which has the same bytes; one that was not seen but should hold it; one of which nobody knows what it
 * holds. 0: it does not hold it. */
static int judge(const struct pls_quant *quant, const char *held, bool is_seen)
{
    struct pls_quant sibling = *quant;
    bool is_wide = quant->ftype == PLS_FTYPE_BF16 || quant->ftype == PLS_FTYPE_F16;
    sibling.ftype = quant->ftype == PLS_FTYPE_BF16 ? PLS_FTYPE_F16 : PLS_FTYPE_BF16;
    if (held == NULL) {
        return UNKNOWN_CONTENT;
    }
    if (pls_publisher_means(held, quant)) {
        return is_seen ? SEEN : UNSEEN;
    }
    return is_wide && is_seen && pls_publisher_means(held, &sibling) ? SEEN_SIBLING : 0;
}

/* The best of one database. */
static int look_for(struct pls_catalog *catalog, bool is_user, const char *id, const struct pls_quant *quant,
                    struct pls_published *out)
{
    int best = 0;
    sqlite3_stmt *stmt = NULL;
    static const char sql[] =
        "SELECT v.name, v.verified, q.value FROM @.variants v LEFT JOIN json_each(v.quants) q"
        " WHERE v.model = ?1 AND v.format = 'gguf'"
        " ORDER BY v.verified DESC, v.position";
    if (pls_db_prepare_in(catalog, schema_name(is_user), sql, &stmt, NULL) != PLS_OK) {
        return 0;
    }
    sqlite3_bind_text(stmt, 1, id, -1, SQLITE_STATIC);
    while (best < SEEN && sqlite3_step(stmt) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(stmt, 0);
        const char *held = (const char *)sqlite3_column_text(stmt, 2);
        int rank = name != NULL ? judge(quant, held, sqlite3_column_int(stmt, 1) != 0) : 0;
        if (rank > best && PLS_COPY(out->repo, name) && PLS_COPY(out->tag, held != NULL ? held : "")) {
            best = rank;
        }
    }
    sqlite3_finalize(stmt);
    return best;
}

bool pls_catalog_published(struct pls_catalog *catalog, const char *id, const struct pls_quant *quant,
                           struct pls_published *out)
{
    int best = 0;
    memset(out, 0, sizeof(*out));
    for (int user = catalog->user != PLS_DB_USER_NONE; user >= 0 && best == 0; user--) {
        best = look_for(catalog, user == 1, id, quant, out);
    }
    out->is_seen = best >= SEEN_SIBLING;
    return best > 0;
}
