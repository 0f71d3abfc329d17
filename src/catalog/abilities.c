/* The capability fit over the catalog being built: rows in, rows out. The arithmetic is core/ability.c. */
#include "plimsoll/ability.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/db.h"

#define FIT_ROOM ((size_t)64 << 20)

struct gathered {
    struct pls_ability_data data;
    struct pls_ability_item *items;
    struct pls_ability_model *models;
    struct pls_ability_score *scores;
    uint32_t *tasks; /* per model */
};

static uint32_t count(struct pls_catalog *catalog, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    uint32_t n = 0;
    if (pls_db_prepare(catalog, sql, &stmt, NULL) == PLS_OK && sqlite3_step(stmt) == SQLITE_ROW) {
        n = (uint32_t)sqlite3_column_int64(stmt, 0);
    }
    sqlite3_finalize(stmt);
    return n;
}

/* Runs a query and hands each row with its number to take. */
static enum pls_code each_row(struct pls_catalog *catalog, const char *sql,
                              enum pls_code (*take)(sqlite3_stmt *, uint32_t, void *), void *context,
                              struct pls_err *err)
{
    sqlite3_stmt *stmt = NULL;
    enum pls_code code = pls_db_prepare(catalog, sql, &stmt, err);
    int rc = code == PLS_OK ? sqlite3_step(stmt) : SQLITE_DONE;
    for (uint32_t i = 0; code == PLS_OK && rc == SQLITE_ROW; i++) {
        code = take(stmt, i, context);
        if (code != PLS_OK) {
            pls_fail(err, code, "%s: not a use case", (const char *)sqlite3_column_text(stmt, 0));
        } else {
            rc = sqlite3_step(stmt);
        }
    }
    if (code == PLS_OK && rc != SQLITE_DONE) {
        code = pls_db_fail(catalog, catalog->path, err);
    }
    sqlite3_finalize(stmt);
    return code;
}

static enum pls_code take_item(sqlite3_stmt *stmt, uint32_t i, void *context)
{
    struct gathered *g = context;
    const char *task = (const char *)sqlite3_column_text(stmt, 1);
    g->items[i].is_elo = strcmp((const char *)sqlite3_column_text(stmt, 2), "elo") == 0;
    g->items[i].chance = sqlite3_column_double(stmt, 3);
    g->items[i].group = (uint32_t)sqlite3_column_int64(stmt, 4);
    return pls_task_by_name(task, &g->items[i].task) ? PLS_OK : PLS_FORMAT;
}

static enum pls_code take_model(sqlite3_stmt *stmt, uint32_t i, void *context)
{
    struct gathered *g = context;
    g->tasks[i] = (uint32_t)sqlite3_column_int64(stmt, 4);
    g->models[i] = pls_ability_model_of(sqlite3_column_double(stmt, 1), sqlite3_column_double(stmt, 2),
                                        (uint32_t)sqlite3_column_int64(stmt, 3), g->tasks[i]);
    g->models[i].family = (uint32_t)sqlite3_column_int64(stmt, 5);
    g->models[i].twin = (uint32_t)sqlite3_column_int64(stmt, 6);
    g->models[i].org = (uint32_t)sqlite3_column_int64(stmt, 7);
    return PLS_OK;
}

static enum pls_code take_score(sqlite3_stmt *stmt, uint32_t i, void *context)
{
    struct gathered *g = context;
    g->scores[i] = (struct pls_ability_score){ .model = (uint32_t)sqlite3_column_int64(stmt, 0),
                                               .item = (uint32_t)sqlite3_column_int64(stmt, 1),
                                               .score = sqlite3_column_double(stmt, 2),
                                               .doubt = sqlite3_column_double(stmt, 3) };
    return PLS_OK;
}

/* Numbers for names: rows are ordered by id or name, and all queries count the same way. */
static const char numbers_sql[] =
    "CREATE TEMP TABLE numbered (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE);"
    "INSERT INTO numbered SELECT row_number() OVER (ORDER BY id) - 1, id FROM main.models";
#define ITEM_NUMBERS "(SELECT name, row_number() OVER (ORDER BY name) - 1 AS n, doubt FROM main.scales)"

static const char items_sql[] =
    "SELECT name, task, kind, chance, dense_rank() OVER (ORDER BY harness) - 1 FROM main.scales"
    " ORDER BY name";
static const char models_sql[] =
    "SELECT id, params_total, params_active, release, task_bits, dense_rank() OVER (ORDER BY family) - 1,"
    " dense_rank() OVER (ORDER BY family, arch, n_layers, hidden_size, params_total) - 1,"
    " (SELECT count(DISTINCT org) FROM main.models WHERE org < (SELECT org FROM main.models WHERE family = "
    "m.family"
    " GROUP BY org ORDER BY count(*) DESC, org LIMIT 1))" /* the publisher of most of its family */
    " FROM main.models m ORDER BY id";
/* What a publisher says of itself, on its card, in its report or passed on from there, counts two thirds;
 * what is second-hand or unsure less still. */
static const char scores_sql[] =
    "SELECT m.n, i.n, b.score, i.doubt * CASE b.confidence WHEN 'high' THEN 1 WHEN 'medium' THEN 1.25 ELSE 2 "
    "END"
    " * CASE WHEN b.note LIKE 'self-reported%' OR b.source LIKE '%publisher%' OR b.source LIKE '%model card%'"
    " OR b.source LIKE 'official%' OR b.source LIKE 'https://huggingface.co/%' OR b.source LIKE "
    "'https://arxiv.org/%'"
    " THEN 1.5 ELSE 1 END"
    " FROM main.benchmarks b JOIN numbered m ON m.id = b.model JOIN " ITEM_NUMBERS
    " i ON i.name = b.name ORDER BY m.n, i.n";

static enum pls_code gather(struct pls_catalog *catalog, struct gathered *g, struct pls_arena *arena,
                            struct pls_err *err)
{
    uint32_t n_items = count(catalog, "SELECT count(*) FROM main.scales");
    uint32_t n_models = count(catalog, "SELECT count(*) FROM main.models");
    uint32_t n_scores =
        count(catalog, "SELECT count(*) FROM main.benchmarks WHERE name IN (SELECT name FROM main.scales)");
    g->items = PLS_TAKE(arena, struct pls_ability_item, n_items);
    g->models = PLS_TAKE(arena, struct pls_ability_model, n_models);
    g->scores = PLS_TAKE(arena, struct pls_ability_score, n_scores);
    g->tasks = PLS_TAKE(arena, uint32_t, n_models);
    if (g->items == NULL || g->models == NULL || g->scores == NULL || g->tasks == NULL) {
        return pls_fail(err, PLS_NOMEM, "the capability fit needs more memory");
    }
    enum pls_code code = each_row(catalog, items_sql, take_item, g, err);
    code = code == PLS_OK ? each_row(catalog, models_sql, take_model, g, err) : code;
    code = code == PLS_OK ? each_row(catalog, scores_sql, take_score, g, err) : code;
    g->data = (struct pls_ability_data){ .items = g->items,
                                         .n_items = n_items,
                                         .models = g->models,
                                         .n_models = n_models,
                                         .scores = g->scores,
                                         .n_scores = n_scores };
    g->data.n_groups = count(catalog, "SELECT count(DISTINCT harness) FROM main.scales");
    g->data.n_orgs = count(catalog, "SELECT count(DISTINCT org) FROM main.models");
    g->data.n_families = count(catalog, "SELECT count(DISTINCT family) FROM main.models");
    return code;
}

static uint32_t item_number(struct pls_catalog *catalog, const char *name)
{
    sqlite3_stmt *stmt = NULL;
    uint32_t n = UINT32_MAX;
    if (pls_db_prepare(catalog, "SELECT n FROM " ITEM_NUMBERS " WHERE name = ?1", &stmt, NULL) == PLS_OK) {
        sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
        n = sqlite3_step(stmt) == SQLITE_ROW ? (uint32_t)sqlite3_column_int64(stmt, 0) : n;
    }
    sqlite3_finalize(stmt);
    return n;
}

/* What the tasks are shown on: the reference, and what embedders and rerankers have of their own. */
static void set_references(struct pls_catalog *catalog, const char *reference, struct pls_ability_data *data)
{
    static const struct {
        enum pls_task task;
        const char *reference;
    } own[] = { { PLS_TASK_EMBEDDING, "mteb_eng_v2" }, { PLS_TASK_RERANK, "rerank_mteb_r" } };
    data->reference = item_number(catalog, reference);
    for (size_t i = 0; i < PLS_COUNT_OF(own); i++) {
        uint32_t item = item_number(catalog, own[i].reference);
        data->own_reference[own[i].task] = item < data->n_items ? item + 1 : 0;
    }
}

enum pls_code pls_db_ability_data(struct pls_catalog *catalog, const char *reference, struct pls_arena *arena,
                                  struct pls_ability_data *out, uint32_t **tasks, struct pls_err *err)
{
    struct gathered g = { .items = NULL };
    enum pls_code code = pls_db_exec(catalog, numbers_sql, err);
    code = code == PLS_OK ? gather(catalog, &g, arena, err) : code;
    *out = g.data;
    *tasks = g.tasks;
    if (code == PLS_OK) {
        set_references(catalog, reference, out);
    }
    return code;
}

static double hundredths(float value)
{
    return round((double)value * 100) / 100; /* beyond that it is the mathematics library that speaks */
}

static enum pls_code write_abilities(struct pls_catalog *catalog, const uint32_t *tasks, uint32_t n_models,
                                     const struct pls_ability *fitted, struct pls_err *err)
{
    sqlite3_stmt *stmt = NULL;
    enum pls_code code =
        pls_db_prepare(catalog,
                       "INSERT OR IGNORE INTO main.abilities (model, task, score, se, n_sources, evidence)"
                       " SELECT id, ?2, ?3, ?4, ?5, ?6 FROM numbered WHERE n = ?1",
                       &stmt, err);
    for (uint32_t i = 0; code == PLS_OK && i < n_models * PLS_TASK_COUNT; i++) {
        enum pls_task task = (enum pls_task)(i % PLS_TASK_COUNT);
        if (!pls_ability_is_rated(tasks[i / PLS_TASK_COUNT], task)) {
            continue;
        }
        sqlite3_bind_int64(stmt, 1, i / PLS_TASK_COUNT);
        sqlite3_bind_text(stmt, 2, pls_task_name(task), -1, SQLITE_STATIC);
        sqlite3_bind_double(stmt, 3, hundredths(fitted[i].score));
        sqlite3_bind_double(stmt, 4, hundredths(fitted[i].se));
        sqlite3_bind_int(stmt, 5, fitted[i].n_sources);
        sqlite3_bind_text(stmt, 6, pls_evidence_name((enum pls_evidence)fitted[i].evidence), -1,
                          SQLITE_STATIC);
        if (sqlite3_step(stmt) != SQLITE_DONE) {
            code = pls_db_fail(catalog, catalog->path, err);
        }
        sqlite3_reset(stmt);
    }
    sqlite3_finalize(stmt);
    return code;
}

enum pls_code pls_catalog_fit_abilities(struct pls_catalog *catalog, const char *reference,
                                        struct pls_err *err)
{
    struct pls_ability_data data = { .items = NULL };
    uint32_t *tasks = NULL;
    void *room = malloc(FIT_ROOM);
    if (room == NULL) {
        return pls_fail(err, PLS_NOMEM, "out of memory");
    }
    struct pls_arena arena = pls_arena_over(room, FIT_ROOM);
    enum pls_code code = pls_db_ability_data(catalog, reference, &arena, &data, &tasks, err);
    struct pls_ability *fitted = PLS_TAKE(&arena, struct pls_ability, (size_t)data.n_models * PLS_TASK_COUNT);
    if (code == PLS_OK && fitted == NULL) {
        code = pls_fail(err, PLS_NOMEM, "the capability fit needs more memory");
    }
    struct pls_ability_prior prior = { .families = PLS_TAKE(&arena, double, data.n_families),
                                       .orgs = PLS_TAKE(&arena, double, data.n_orgs) };
    code = code == PLS_OK ? pls_ability_fit(&data, &arena, fitted, &prior, err) : code;
    code = code == PLS_OK ? write_abilities(catalog, tasks, data.n_models, fitted, err) : code;
    code = code == PLS_OK ? pls_db_prior_write(catalog, &prior, err) : code;
    sqlite3_exec(catalog->db, "DROP TABLE IF EXISTS temp.numbered", NULL, NULL, NULL);
    free(room);
    return code;
}
