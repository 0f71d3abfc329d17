/* Measured rates and learnt corrections, one number per row, so that they can be looked at with SQL. */
#include <stddef.h>
#include <string.h>

#include "catalog/db.h"

struct metric {
    const char *kind;
    const char *name;
    size_t offset; /* of a double in struct pls_rates; for per-type ones, of the first type's */
    size_t stride; /* 0: one number for the machine */
};

#define RATE(field)                                                                                          \
    {                                                                                                        \
        "bench", #field, offsetof(struct pls_rates, field), 0                                                \
    }
#define TYPE_RATE(field)                                                                                     \
    {                                                                                                        \
        "bench", #field, offsetof(struct pls_rates, type) + offsetof(struct pls_type_rate, field),           \
            sizeof(struct pls_type_rate)                                                                     \
    }
#define LEARNT(field)                                                                                        \
    {                                                                                                        \
        "calibration", #field, offsetof(struct pls_rates, calibration.field), 0                              \
    }
#define TYPE_LEARNT(field)                                                                                   \
    {                                                                                                        \
        "calibration", #field, offsetof(struct pls_rates, calibration.field), sizeof(double)                 \
    }

static const struct metric metrics[] = {
    RATE(ram_gbs),
    RATE(ram_spread),
    RATE(barrier_ns),
    RATE(attention_gbs),
    TYPE_RATE(stream_gbs),
    TYPE_RATE(cached_gbs),
    TYPE_RATE(stream_repacked_gbs),
    TYPE_RATE(cached_repacked_gbs),
    TYPE_RATE(stream_one_gbs),
    TYPE_RATE(stream_half_gbs),
    TYPE_RATE(cached_one_gbs),
    TYPE_RATE(cached_half_gbs),
    TYPE_RATE(gemm_gflops),
    TYPE_RATE(spread),
    LEARNT(fixed_ns_per_layer),
    LEARNT(residual),
    TYPE_LEARNT(type_factor),
    TYPE_LEARNT(prefill_factor),
};

/* What is not a double in the struct; stored as one all the same. */
static const char *const counts[] = { "n_threads", "isa",    "measured_at", "ram_origin",
                                      "n_tries",   "n_runs", "backend" };

static double count_get(const struct pls_rates *rates, size_t which)
{
    const double value[] = { rates->n_threads,
                             rates->isa,
                             (double)rates->measured_at,
                             (double)rates->ram_origin,
                             rates->n_tries,
                             rates->calibration.n_runs,
                             (double)rates->calibration.backend };
    return value[which];
}

static void count_set(struct pls_rates *rates, const char *name, double value)
{
    if (!(value >= 0 && value < 9e15)) {
        return;
    }
    uint64_t whole = (uint64_t)value;
    if (strcmp(name, "n_threads") == 0) {
        rates->n_threads = (uint32_t)whole;
    } else if (strcmp(name, "isa") == 0) {
        rates->isa = (uint32_t)whole;
    } else if (strcmp(name, "measured_at") == 0) {
        rates->measured_at = whole;
    } else if (strcmp(name, "ram_origin") == 0 && whole <= PLS_ORIGIN_MEASURED) {
        rates->ram_origin = (enum pls_origin)whole;
    } else if (strcmp(name, "n_tries") == 0) {
        rates->n_tries = (uint32_t)whole;
    } else if (strcmp(name, "n_runs") == 0) {
        rates->calibration.n_runs = (uint32_t)whole;
    } else if (strcmp(name, "backend") == 0 && whole < PLS_BACKEND_COUNT) {
        rates->calibration.backend = (enum pls_backend)whole;
    }
}

static void metric_set(struct pls_rates *rates, const char *name, const char *type_name, double value)
{
    enum pls_type type = type_name[0] == '\0' ? PLS_TYPE_F32 : pls_type_by_name(type_name);
    for (size_t i = 0; i < PLS_COUNT_OF(metrics); i++) {
        bool per_type = metrics[i].stride > 0;
        if (strcmp(metrics[i].name, name) == 0 && per_type == (type_name[0] != '\0')
            && type < PLS_TYPE_COUNT) {
            memcpy((char *)rates + metrics[i].offset + metrics[i].stride * (size_t)type, &value,
                   sizeof(value));
            return;
        }
    }
    count_set(rates, name, value);
}

void pls_catalog_rates_key(const struct pls_machine *m, char *out, size_t cap)
{
    struct pls_text t = { .data = out, .len = 0, .cap = cap, .truncated = false };
    out[0] = '\0';
    pls_text_add(&t, "%s/%s/%uc%ut", m->arch, m->cpu.name, m->cpu.cores, m->cpu.threads);
    if (pls_cpu_is_rationed(&m->cpu)) {
        pls_text_add(&t, "%.2fq", m->cpu.quota_cpus);
    }
    pls_text_add(&t, "/%08x/%s", m->cpu.isa, PLS_VERSION);
}

enum pls_code pls_catalog_rates_load(struct pls_catalog *catalog, const char *machine_key,
                                     struct pls_rates *out, struct pls_err *err)
{
    memset(out, 0, sizeof(*out));
    if (catalog->user == PLS_DB_USER_NONE) {
        return PLS_NO;
    }
    sqlite3_stmt *stmt = NULL;
    enum pls_code code = pls_db_prepare(
        catalog, "SELECT metric, type, value FROM user.results WHERE machine = ?1", &stmt, err);
    if (code != PLS_OK) {
        return code;
    }
    sqlite3_bind_text(stmt, 1, machine_key, -1, SQLITE_STATIC);
    uint32_t n = 0;
    int rc = sqlite3_step(stmt);
    for (; rc == SQLITE_ROW; rc = sqlite3_step(stmt)) {
        metric_set(out, (const char *)sqlite3_column_text(stmt, 0),
                   (const char *)sqlite3_column_text(stmt, 1), sqlite3_column_double(stmt, 2));
        n++;
    }
    code = rc != SQLITE_DONE ? pls_db_fail(catalog, catalog->user_path, err) : n > 0 ? PLS_OK : PLS_NO;
    sqlite3_finalize(stmt);
    return code;
}

static enum pls_code put(struct pls_catalog *catalog, sqlite3_stmt *stmt, const struct metric *m,
                         const char *type, double value)
{
    if (!(value > 0)) { /* 0 is unknown, and no rate is negative or NaN */
        return PLS_OK;
    }
    sqlite3_bind_text(stmt, 2, m->kind, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 3, m->name, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 4, type, -1, SQLITE_STATIC);
    sqlite3_bind_double(stmt, 5, value);
    int rc = sqlite3_step(stmt);
    sqlite3_reset(stmt);
    return rc == SQLITE_DONE ? PLS_OK : pls_db_fail(catalog, catalog->user_path, NULL);
}

static enum pls_code put_all(struct pls_catalog *catalog, sqlite3_stmt *stmt, const struct pls_rates *rates)
{
    enum pls_code code = PLS_OK;
    for (size_t i = 0; code == PLS_OK && i < PLS_COUNT_OF(metrics); i++) {
        const struct metric *m = &metrics[i];
        for (size_t type = 0; code == PLS_OK && type < (m->stride > 0 ? (size_t)PLS_TYPE_COUNT : 1); type++) {
            const char *name = m->stride > 0 ? pls_type_info((enum pls_type)type)->name : "";
            double value = 0;
            memcpy(&value, (const char *)rates + m->offset + m->stride * type, sizeof(value));
            code = name == NULL ? PLS_OK : put(catalog, stmt, m, name, value);
        }
    }
    for (size_t i = 0; code == PLS_OK && i < PLS_COUNT_OF(counts); i++) {
        bool learnt = strcmp(counts[i], "n_runs") == 0 || strcmp(counts[i], "backend") == 0;
        const struct metric m = { learnt ? "calibration" : "bench", counts[i], 0, 0 };
        code = put(catalog, stmt, &m, "", count_get(rates, i));
    }
    return code;
}

enum pls_code pls_catalog_rates_ready(struct pls_catalog *catalog, struct pls_err *err)
{
    enum pls_code code = pls_db_user_ensure(catalog, err);
    /* a folder may be closed where its file is open */
    code = code == PLS_OK ? pls_db_begin(catalog, err) : code;
    if (code == PLS_OK) {
        pls_db_end(catalog, PLS_NO, NULL); /* takes it back */
    }
    return code;
}

enum pls_code pls_catalog_rates_save(struct pls_catalog *catalog, const char *machine_key,
                                     const struct pls_rates *rates, struct pls_err *err)
{
    sqlite3_stmt *stmt = NULL;
    enum pls_code code = pls_db_user_ensure(catalog, err);
    code = code == PLS_OK ? pls_db_begin(catalog, err) : code;
    if (code != PLS_OK) {
        return code;
    }
    code = pls_db_prepare(catalog, "DELETE FROM user.results WHERE machine = ?1", &stmt, err);
    if (code == PLS_OK) {
        sqlite3_bind_text(stmt, 1, machine_key, -1, SQLITE_STATIC);
        code = pls_db_finish(catalog, stmt, err);
    }
    code = code == PLS_OK ? pls_db_prepare(catalog,
                                           "INSERT INTO user.results (machine, kind, metric, type, value)"
                                           " VALUES (?1, ?2, ?3, ?4, ?5)",
                                           &stmt, err)
                          : code;
    if (code == PLS_OK) {
        sqlite3_bind_text(stmt, 1, machine_key, -1, SQLITE_STATIC);
        code = put_all(catalog, stmt, rates);
        if (code != PLS_OK) {
            pls_db_fail(catalog, catalog->user_path, err);
        }
        sqlite3_finalize(stmt);
    }
    return pls_db_end(catalog, code, err);
}
