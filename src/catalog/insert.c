/* Writing cards. SQLite itself takes benchmarks, variants and aliases out of the card's JSON, so that the row
 * and the text kept beside it cannot disagree. */
#include <string.h>

#include "catalog/db.h"
#include "plimsoll/publisher.h"

static enum pls_code insert_model(struct pls_catalog *catalog, const struct pls_card *card,
                                  struct pls_err *err)
{
    char room[8192];
    struct pls_text sql = PLS_TEXT(room);
    sqlite3_stmt *stmt = NULL;
    pls_text_add(&sql, "INSERT INTO @.models (%s) VALUES (?", pls_db_columns());
    for (uint32_t i = 1; i < pls_db_column_count(); i++) {
        pls_text_put(&sql, ", ?", 3);
    }
    pls_text_put(&sql, ")", 1);
    enum pls_code code = pls_db_prepare_in(catalog, pls_db_home(catalog), room, &stmt, err);
    if (code != PLS_OK) {
        return code;
    }
    pls_db_card_bind(stmt, card);
    int rc = sqlite3_step(stmt);
    sqlite3_finalize(stmt);
    if (rc == SQLITE_CONSTRAINT) {
        return pls_fail(err, PLS_USAGE, "%s: is in the catalog already; remove it first", card->id);
    }
    return rc == SQLITE_DONE ? PLS_OK : pls_db_fail(catalog, card->id, err);
}

/* Runs a statement of the parameters id (?1) and json (?2). */
static enum pls_code run(struct pls_catalog *catalog, const char *pattern, const char *id, const char *json,
                         struct pls_err *err)
{
    sqlite3_stmt *stmt = NULL;
    enum pls_code code = pls_db_prepare_in(catalog, pls_db_home(catalog), pattern, &stmt, err);
    if (code != PLS_OK) {
        return code;
    }
    sqlite3_bind_text(stmt, 1, id, -1, SQLITE_STATIC);
    if (sqlite3_bind_parameter_count(stmt) > 1) {
        sqlite3_bind_text(stmt, 2, json, -1, SQLITE_STATIC);
    }
    return pls_db_finish(catalog, stmt, err);
}

static const char *const from_json[] = {
    "INSERT INTO @.cards (model, json) VALUES (?1, ?2)",
    "INSERT INTO @.benchmarks (model, name, score, date, source, confidence, note)"
    " SELECT ?1, key, value ->> '$.score', value ->> '$.date', value ->> '$.source', value ->> "
    "'$.confidence',"
    " value ->> '$.note' FROM json_each(?2, '$.benchmarks')",
    "INSERT INTO @.variants (model, format, name, verified, quants, position)"
    " SELECT ?1, f.key, coalesce(v.value ->> '$.repo', v.value ->> '$.tag'), NOT coalesce(v.value ->> "
    "'$.unverified', 0),"
    " v.value -> '$.quants', v.key FROM json_each(?2, '$.variants') f, json_each(f.value) v",
    "INSERT INTO @.abilities (model, task, score, se, n_sources, evidence)"
    " SELECT ?1, key, value ->> '$.score', value ->> '$.se', value ->> '$.n_sources', value ->> '$.evidence'"
    " FROM json_each(?2, '$.abilities')",
    "UPDATE @.models SET (checkpoint_params, checkpoint_kind, checkpoint_tolerance, checkpoint_source, "
    "vision_params,"
    " audio_params, mtp_params) = (SELECT j ->> '$.params', j ->> '$.kind', j ->> '$.tolerance', j ->> "
    "'$.source',"
    " j ->> '$.vision_params', j ->> '$.audio_params', j ->> '$.mtp_params' FROM (SELECT ?2 -> "
    "'$.checkpoint' AS j))"
    " WHERE id = ?1",
};

/* What repositories of GGUF files usually hold, where the card does not say. */
static enum pls_code add_habits(struct pls_catalog *catalog, const char *id, struct pls_err *err)
{
    size_t n = 0;
    const struct pls_publisher *all = pls_publishers(&n);
    enum pls_code code = PLS_OK;
    for (size_t i = 0; i < n && code == PLS_OK; i++) {
        sqlite3_stmt *stmt = NULL;
        code = pls_db_prepare_in(catalog, pls_db_home(catalog),
                                 "UPDATE @.variants SET quants ="
                                 " nullif('[\"' || replace(?2, ' ', '\",\"') || '\"]', '[\"\"]')"
                                 " WHERE model = ?1 AND format = 'gguf' AND quants IS NULL"
                                 " AND instr(name, ?3 || '/') = 1 AND instr(name, ?4) > 0"
                                 " AND (?5 = 0 OR EXISTS (SELECT 1 FROM @.models WHERE id = ?1"
                                 " AND params_total <= ?5 * 1000000000))",
                                 &stmt, err);
        if (code == PLS_OK) {
            sqlite3_bind_text(stmt, 1, id, -1, SQLITE_STATIC);
            sqlite3_bind_text(stmt, 2, all[i].quants, -1, SQLITE_STATIC);
            sqlite3_bind_text(stmt, 3, all[i].owner, -1, SQLITE_STATIC);
            sqlite3_bind_text(stmt, 4, all[i].part, -1, SQLITE_STATIC);
            sqlite3_bind_int(stmt, 5, (int)all[i].billions);
            code = pls_db_finish(catalog, stmt, err);
        }
    }
    return code;
}

/* One name a card answers to; the better rank stays when two reduce to the same key. */
static enum pls_code add_alias(struct pls_catalog *catalog, const char *id, const char *spelled, int rank,
                               struct pls_err *err)
{
    char key[PLS_DB_KEY_MAX];
    sqlite3_stmt *stmt = NULL;
    pls_db_key(key, sizeof(key), spelled);
    if (key[0] == '\0') {
        return PLS_OK;
    }
    enum pls_code code =
        pls_db_prepare_in(catalog, pls_db_home(catalog),
                          "INSERT INTO @.aliases (key, model, rank, spelled) VALUES (?1, ?2, ?3, ?4)"
                          " ON CONFLICT DO UPDATE SET rank = excluded.rank, spelled = excluded.spelled"
                          " WHERE excluded.rank < rank",
                          &stmt, err);
    if (code != PLS_OK) {
        return code;
    }
    sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 2, id, -1, SQLITE_STATIC);
    sqlite3_bind_int(stmt, 3, rank);
    sqlite3_bind_text(stmt, 4, spelled, -1, SQLITE_STATIC);
    return pls_db_finish(catalog, stmt, err);
}

/* A name, and the same without what only says how it was tuned, until nothing of the kind is left. */
static enum pls_code add_stems(struct pls_catalog *catalog, const char *id, const char *name, int rank,
                               struct pls_err *err)
{
    char stem[PLS_DB_KEY_MAX];
    enum pls_code code = PLS_OK;
    if (pls_db_undressed(stem, sizeof(stem), name)) {
        code = add_alias(catalog, id, stem, rank, err);
    }
    PLS_COPY(stem, name);
    while (code == PLS_OK && pls_db_stem(stem, true)) {
        code = add_alias(catalog, id, stem, rank, err);
    }
    return code;
}

/* A repository under its whole name and under its last part. */
static enum pls_code add_repo(struct pls_catalog *catalog, const char *id, const char *repo, int rank,
                              struct pls_err *err)
{
    const char *last = strrchr(repo, '/');
    enum pls_code code = add_alias(catalog, id, repo, rank, err);
    if (code == PLS_OK && last != NULL) {
        code = add_alias(catalog, id, last + 1, rank + 1, err);
        code = code == PLS_OK ? add_stems(catalog, id, last + 1, 4, err) : code;
    }
    return code;
}

/* The names that stand in the card's JSON: variants and aliases. */
static enum pls_code add_listed(struct pls_catalog *catalog, const struct pls_card *card, const char *json,
                                struct pls_err *err)
{
    sqlite3_stmt *stmt = NULL;
    enum pls_code code =
        pls_db_prepare(catalog,
                       "SELECT value, 1 FROM json_each(?1, '$.aliases') UNION ALL SELECT coalesce("
                       "v.value ->> '$.repo', v.value ->> '$.tag'), 2 FROM json_each(?1, '$.variants') f,"
                       " json_each(f.value) v",
                       &stmt, err);
    if (code != PLS_OK) {
        return code;
    }
    sqlite3_bind_text(stmt, 1, json, -1, SQLITE_STATIC);
    while (code == PLS_OK && sqlite3_step(stmt) == SQLITE_ROW) {
        code = add_repo(catalog, card->id, (const char *)sqlite3_column_text(stmt, 0),
                        sqlite3_column_int(stmt, 1), err);
    }
    sqlite3_finalize(stmt);
    return code;
}

static enum pls_code add_aliases(struct pls_catalog *catalog, const struct pls_card *card, const char *json,
                                 struct pls_err *err)
{
    enum pls_code code = add_alias(catalog, card->id, card->id, 0, err);
    code = code == PLS_OK ? add_alias(catalog, card->id, card->name, 1, err) : code;
    code = code == PLS_OK ? add_repo(catalog, card->id, card->hf_repo, 1, err) : code;
    code = code == PLS_OK ? add_listed(catalog, card, json, err) : code;
    code = code == PLS_OK ? add_stems(catalog, card->id, card->id, 4, err) : code;
    return code == PLS_OK ? add_stems(catalog, card->id, card->name, 4, err) : code;
}

/* What people say for a task, beside its own name. */
static const char *task_words(enum pls_task task)
{
    static const char *const words[PLS_TASK_COUNT] = {
        [PLS_TASK_CHAT] = "assistant general",
        [PLS_TASK_CODE] = "coding coder programming",
        [PLS_TASK_REASONING] = "thinking math",
        [PLS_TASK_VISION] = "multimodal vl ocr",
        [PLS_TASK_EMBEDDING] = "embeddings embedder retrieval",
        [PLS_TASK_TOOLS] = "agent agentic function",
        [PLS_TASK_RERANK] = "reranker reranking",
        [PLS_TASK_MODERATION] = "safety guard classifier",
    };
    return words[task];
}

static enum pls_code add_search(struct pls_catalog *catalog, const struct pls_card *card, struct pls_err *err)
{
    char room[4096];
    struct pls_text words = PLS_TEXT(room);
    sqlite3_stmt *stmt = NULL;
    /* not the architecture: half of all models are of Llama's, and nobody who types "llama" means them */
    const char *const texts[] = { card->id,      card->name,    card->family,   card->org,
                                  card->license, card->hf_repo, card->gguf_repo };
    for (size_t i = 0; i < PLS_COUNT_OF(texts); i++) {
        pls_db_words(&words, texts[i]);
    }
    for (unsigned i = 0; i < PLS_TASK_COUNT; i++) {
        if (card->tasks >> i & 1U) {
            pls_text_add(&words, "%s %s ", pls_task_name((enum pls_task)i), task_words((enum pls_task)i));
        }
    }
    static const char *const modality[] = { "", "image images", "audio speech", "video" };
    for (unsigned i = 0; i < PLS_COUNT_OF(modality); i++) {
        pls_text_add(&words, "%s ", card->modalities >> i & 1U ? modality[i] : "");
    }
    enum pls_code code = pls_db_prepare_in(
        catalog, pls_db_home(catalog),
        "INSERT INTO @.search (rowid, words) SELECT rowid, ?2 FROM @.models WHERE id = ?1", &stmt, err);
    if (code != PLS_OK) {
        return code;
    }
    sqlite3_bind_text(stmt, 1, card->id, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 2, room, -1, SQLITE_STATIC);
    return pls_db_finish(catalog, stmt, err);
}

enum pls_code pls_catalog_insert(struct pls_catalog *catalog, const struct pls_card *card, const char *json,
                                 struct pls_err *err)
{
    enum pls_code code = catalog->is_build ? PLS_OK : pls_db_user_ensure(catalog, err);
    code = code == PLS_OK ? pls_db_begin(catalog, err) : code;
    if (code != PLS_OK) {
        return code;
    }
    code = insert_model(catalog, card, err);
    for (size_t i = 0; code == PLS_OK && i < PLS_COUNT_OF(from_json); i++) {
        code = run(catalog, from_json[i], card->id, json, err);
    }
    code = code == PLS_OK ? add_habits(catalog, card->id, err) : code;
    code = code == PLS_OK ? pls_db_add_held(catalog, card, err) : code;
    code = code == PLS_OK ? add_aliases(catalog, card, json, err) : code;
    code = code == PLS_OK ? add_search(catalog, card, err) : code;
    return pls_db_end(catalog, code, err);
}

static bool exists(struct pls_catalog *catalog, const char *schema, const char *id)
{
    sqlite3_stmt *stmt = NULL;
    bool found = false;
    if (pls_db_prepare_in(catalog, schema, "SELECT 1 FROM @.models WHERE id = ?1", &stmt, NULL) == PLS_OK) {
        sqlite3_bind_text(stmt, 1, id, -1, SQLITE_STATIC);
        found = sqlite3_step(stmt) == SQLITE_ROW;
    }
    sqlite3_finalize(stmt);
    return found;
}

enum pls_code pls_catalog_remove(struct pls_catalog *catalog, const char *id, struct pls_err *err)
{
    bool is_own = catalog->user != PLS_DB_USER_NONE && exists(catalog, "user", id);
    if (!is_own) {
        return pls_fail(err, PLS_USAGE, "%s: %s", id,
                        exists(catalog, "main", id)
                            ? "comes with the program; only your own cards can be removed"
                            : "no card of yours has this id");
    }
    enum pls_code code = pls_db_user_ensure(catalog, err);
    code = code == PLS_OK ? pls_db_begin(catalog, err) : code;
    if (code != PLS_OK) {
        return code;
    }
    code = run(catalog, "DELETE FROM @.search WHERE rowid = (SELECT rowid FROM @.models WHERE id = ?1)", id,
               NULL, err);
    code = code == PLS_OK ? run(catalog, "DELETE FROM @.models WHERE id = ?1", id, NULL, err) : code;
    return pls_db_end(catalog, code, err);
}
