/* The prior of the capability fit, kept in the shipped catalog: what cards are rated by that came later, the
 * user's own. */
#include "plimsoll/ability.h"

#include <math.h>
#include <string.h>

#include "catalog/db.h"

/* Beyond this it is the mathematics library that speaks. */
static double rounded(double value)
{
    return round(value * 1e5) / 1e5;
}

static const char *const features[PLS_ABILITY_FEATURES] = { "one",  "size",      "knee",
                                                            "date", "reasoning", "growth" };

/* One row: kind, name, value. */
static enum pls_code put(sqlite3_stmt *stmt, const char *kind, const char *name, double value)
{
    sqlite3_bind_text(stmt, 1, kind, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 2, name, -1, SQLITE_STATIC);
    sqlite3_bind_double(stmt, 3, rounded(value));
    int rc = sqlite3_step(stmt);
    sqlite3_reset(stmt);
    return rc == SQLITE_DONE ? PLS_OK : PLS_DB;
}

static enum pls_code put_all(sqlite3_stmt *stmt, const struct pls_ability_prior *p)
{
    enum pls_code code = put(stmt, "variance", "model", p->model_var);
    code = code == PLS_OK ? put(stmt, "variance", "family", p->family_var) : code;
    code = code == PLS_OK ? put(stmt, "variance", "org", p->org_var) : code;
    for (int i = 0; i < PLS_ABILITY_FEATURES && code == PLS_OK; i++) {
        code = put(stmt, "coefficient", features[i], p->coefficient[i]);
        code = code == PLS_OK ? put(stmt, "center", features[i], p->center[i]) : code;
    }
    for (int t = 0; t < PLS_TASK_COUNT && code == PLS_OK; t++) {
        const char *name = pls_task_name((enum pls_task)t);
        code = put(stmt, "intercept", name, p->task[t].intercept);
        code = code == PLS_OK ? put(stmt, "slope", name, p->task[t].slope) : code;
        code = code == PLS_OK ? put(stmt, "task variance", name, p->task[t].var) : code;
        code = code == PLS_OK ? put(stmt, "task reasoning", name, p->task[t].reasons) : code;
    }
    return code;
}

/* Families and publishers are numbered in the order of their names. */
static enum pls_code put_effects(struct pls_catalog *catalog, sqlite3_stmt *to, const char *kind,
                                 const double *effects, struct pls_err *err)
{
    sqlite3_stmt *stmt = NULL;
    char sql[80];
    struct pls_text t = PLS_TEXT(sql);
    pls_text_add(&t, "SELECT DISTINCT %s FROM main.models ORDER BY %s", kind, kind);
    enum pls_code code = pls_db_prepare(catalog, sql, &stmt, err);
    for (uint32_t i = 0; code == PLS_OK && sqlite3_step(stmt) == SQLITE_ROW; i++) {
        if (isfinite(effects[i])) {
            code = put(to, kind, (const char *)sqlite3_column_text(stmt, 0), effects[i]);
        }
    }
    sqlite3_finalize(stmt);
    return code;
}

enum pls_code pls_db_prior_write(struct pls_catalog *catalog, const struct pls_ability_prior *prior,
                                 struct pls_err *err)
{
    sqlite3_stmt *stmt = NULL;
    enum pls_code code = pls_db_prepare(
        catalog, "INSERT INTO main.priors (kind, name, value) VALUES (?1, ?2, ?3)", &stmt, err);
    if (code != PLS_OK) {
        return code;
    }
    code = put_all(stmt, prior);
    code = code == PLS_OK ? put_effects(catalog, stmt, "family", prior->families, err) : code;
    code = code == PLS_OK ? put_effects(catalog, stmt, "org", prior->orgs, err) : code;
    code = code == PLS_OK ? PLS_OK : pls_db_fail(catalog, catalog->path, err);
    sqlite3_finalize(stmt);
    return code;
}

/* False when there is none: a catalog built without scales. */
static bool get(sqlite3_stmt *stmt, const char *kind, const char *name, double *out)
{
    sqlite3_bind_text(stmt, 1, kind, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 2, name, -1, SQLITE_STATIC);
    bool is_there = sqlite3_step(stmt) == SQLITE_ROW;
    *out = is_there ? sqlite3_column_double(stmt, 0) : (double)NAN;
    sqlite3_reset(stmt);
    return is_there;
}

static bool get_all(sqlite3_stmt *stmt, struct pls_ability_prior *p)
{
    bool is_whole = get(stmt, "variance", "model", &p->model_var)
                    && get(stmt, "variance", "family", &p->family_var)
                    && get(stmt, "variance", "org", &p->org_var);
    for (int i = 0; i < PLS_ABILITY_FEATURES && is_whole; i++) {
        is_whole = get(stmt, "coefficient", features[i], &p->coefficient[i])
                   && get(stmt, "center", features[i], &p->center[i]);
    }
    for (int t = 0; t < PLS_TASK_COUNT && is_whole; t++) {
        const char *name = pls_task_name((enum pls_task)t);
        is_whole = get(stmt, "intercept", name, &p->task[t].intercept)
                   && get(stmt, "slope", name, &p->task[t].slope)
                   && get(stmt, "task variance", name, &p->task[t].var)
                   && get(stmt, "task reasoning", name, &p->task[t].reasons);
    }
    return is_whole;
}

void pls_db_guess_abilities(struct pls_catalog *catalog, struct pls_card *card)
{
    sqlite3_stmt *stmt = NULL;
    struct pls_ability_prior prior = { .families = NULL };
    double family = (double)NAN, org = (double)NAN;
    uint32_t usual = card->is_encoder ? 1U << PLS_TASK_EMBEDDING : 1U << PLS_TASK_CHAT;
    uint32_t tasks = card->tasks != 0 ? card->tasks : usual;
    struct pls_ability_model m =
        pls_ability_model_of((double)card->params_total, (double)card->params_active, card->release, tasks);
    if (isnan(m.log2_size)
        || pls_db_prepare(catalog, "SELECT value FROM main.priors WHERE kind = ?1 AND name = ?2", &stmt, NULL)
               != PLS_OK) {
        return;
    }
    get(stmt, "family", card->family, &family);
    get(stmt, "org", card->org, &org);
    if (get_all(stmt, &prior)) {
        for (int t = 0; t < PLS_TASK_COUNT; t++) {
            if (pls_ability_is_rated(tasks, (enum pls_task)t)) {
                card->ability[t] = pls_ability_guess(&prior, &m, family, org, (enum pls_task)t);
            }
        }
    }
    sqlite3_finalize(stmt);
}
