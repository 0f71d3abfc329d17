/* sql "SELECT ...": read-only, over the tables of the catalog and over fits(...), which asks what `fit` asks. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/fit.h"

static const uint64_t LIMIT_NS = 20000000000; /* a statement may take 20 seconds */
static const uint32_t ROWS_MAX = 1000000;

/* ---- fits() ----------------------------------------------------------------------------------------------------- */

/* A connection of its own: the one that runs the statement can do nothing else meanwhile. */
struct fits {
    struct pls_session session;
    struct pls_fit_result found;
    uint32_t next;
    char quant[32];
    char kv[32];
};

static enum pls_code fits_ask(struct fits *f, const struct pls_fits_query *q, struct pls_fit_ask *ask, struct pls_err *err)
{
    enum pls_runtime runtime = PLS_RUNTIME_LLAMA_SERVER;
    enum pls_task task = PLS_TASK_CHAT;
    struct pls_machine *machine = PLS_TAKE(&f->session.arena, struct pls_machine, 1);
    if (machine == NULL) {
        return pls_fail(err, PLS_NOMEM, "fits: out of memory");
    }
    if (q->runtime != NULL && !pls_runtime_by_name(q->runtime, &runtime)) {
        return pls_fail(err, PLS_USAGE, "fits: '%s' is not a runtime", q->runtime);
    }
    if (q->task != NULL && !pls_task_by_name(q->task, &task)) {
        return pls_fail(err, PLS_USAGE, "fits: '%s' is not a task", q->task);
    }
    *ask = (struct pls_fit_ask){ .ask = pls_ask_default(runtime), .policy = pls_policy_default(task), .picks_only = true };
    if (q->context_tokens != 0) {
        ask->ask.context_tokens = q->context_tokens;
        ask->policy.wish_context_tokens = q->context_tokens;
        ask->policy.min_context_tokens = pls_min(ask->policy.min_context_tokens, q->context_tokens);
    }
    if (q->kv != NULL) {
        ask->ask.type_k = pls_type_by_name(q->kv);
        ask->ask.type_v = ask->ask.type_k;
    }
    if (ask->ask.type_k == PLS_TYPE_NONE) {
        return pls_fail(err, PLS_USAGE, "fits: '%s' is not a cache type", q->kv);
    }
    ask->has_quant = q->quant != NULL;
    if (q->quant != NULL && !pls_quant_parse(q->quant, &ask->quant)) {
        return pls_fail(err, PLS_USAGE, "fits: '%s' is not a quantization", q->quant);
    }
    if (q->machine == NULL) {
        enum pls_code code = pls_session_machine_here(&f->session, err);
        if (code == PLS_OK) {
            pls_session_rates(&f->session, true);
        }
        return code;
    }
    enum pls_code code = pls_session_machine_on(&f->session, q->machine, machine, err);
    if (code == PLS_OK) {
        pls_session_use(&f->session, machine);
    }
    return code;
}

static void fits_close(void *cursor)
{
    struct fits *f = cursor;
    free(f->found.picks);
    free(f->found.cards);
    pls_session_end(&f->session);
    free(f);
}

static enum pls_code fits_open(void *context, const struct pls_fits_query *query, void **cursor, struct pls_err *err)
{
    const struct pls_session *s = context;
    struct fits *f = calloc(1, sizeof(*f));
    struct pls_fit_ask ask;
    if (f == NULL) {
        return pls_fail(err, PLS_NOMEM, "fits: out of memory");
    }
    enum pls_code code = pls_session_begin(&f->session, s->args, s->program, err);
    code = code == PLS_OK ? fits_ask(f, query, &ask, err) : code;
    code = code == PLS_OK ? pls_fit_run(&f->session, query->words, &ask, &f->found, err) : code;
    if (code != PLS_OK) {
        fits_close(f);
        return code;
    }
    *cursor = f;
    return PLS_OK;
}

static bool fits_next(void *cursor, struct pls_fits_row *row)
{
    struct fits *f = cursor;
    if (f->next >= f->found.n_picks) {
        return false;
    }
    const struct pls_pick *p = &f->found.picks[f->next++];
    pls_quant_name(&p->quant, f->quant, sizeof(f->quant));
    struct pls_text kv = PLS_TEXT(f->kv);
    pls_text_add(&kv, p->type_k == p->type_v ? "%s" : "%s,%s", pls_type_info(p->type_k)->name, pls_type_info(p->type_v)->name);
    *row = (struct pls_fits_row){
        .model = f->found.cards[p->model].id,
        .quant = f->quant,
        .kv_type = f->kv,
        .context_tokens = p->context_tokens,
        .total_bytes = p->total_bytes,
        .margin_bytes = p->margin_bytes,
        .decode_tps = p->decode_tps,
        .prefill_tps = p->prefill_tps,
        .quality = p->quality,
        .score = p->score,
        .fits = true,
    };
    return true;
}

/* ---- rows ------------------------------------------------------------------------------------------------------- */

/* Rows are kept until the statement has ended, so that a late failure leaves nothing on standard output. */
struct rows {
    char *names[PLS_SQL_MAX_COLUMNS];
    uint32_t n_columns, n_rows;
    char **cells;
    bool *numbers;
    size_t n_cells, cap;
    bool failed;
};

static char *copy_value(const struct pls_value *v)
{
    char room[40];
    struct pls_text t = PLS_TEXT(room);
    switch (v->kind) {
    case PLS_VALUE_NULL:
        return NULL;
    case PLS_VALUE_INTEGER:
        pls_text_add(&t, "%" PRId64, v->integer);
        break;
    case PLS_VALUE_REAL:
        if (!isfinite(v->real)) {
            return NULL;
        }
        pls_text_add(&t, "%.6g", v->real);
        break;
    case PLS_VALUE_TEXT:
        return strdup(v->text);
    case PLS_VALUE_BLOB:
        pls_text_add(&t, "(%zu bytes)", v->len);
        break;
    }
    return strdup(room);
}

static bool take_head(const char *const *names, int n, void *context)
{
    struct rows *r = context;
    for (int i = 0; i < n && i < PLS_SQL_MAX_COLUMNS; i++) {
        r->names[i] = strdup(names[i]);
        r->failed = r->failed || r->names[i] == NULL;
    }
    r->n_columns = (uint32_t)(n < PLS_SQL_MAX_COLUMNS ? n : PLS_SQL_MAX_COLUMNS);
    return !r->failed;
}

static bool grow(struct rows *r)
{
    size_t cap = r->cap > 0 ? 2 * r->cap : 4096;
    char **cells = realloc(r->cells, cap * sizeof(*cells));
    r->cells = cells != NULL ? cells : r->cells;
    bool *numbers = cells != NULL ? realloc(r->numbers, cap * sizeof(*numbers)) : NULL;
    r->numbers = numbers != NULL ? numbers : r->numbers;
    r->cap = numbers != NULL ? cap : r->cap;
    return numbers != NULL;
}

static bool take_row(const struct pls_value *values, int n, void *context)
{
    struct rows *r = context;
    r->failed = r->failed || r->n_rows == ROWS_MAX;
    for (int i = 0; i < n && !r->failed; i++) {
        if (r->n_cells == r->cap && !grow(r)) {
            r->failed = true;
            break;
        }
        char *text = copy_value(&values[i]);
        r->failed = text == NULL && (values[i].kind == PLS_VALUE_INTEGER || values[i].kind == PLS_VALUE_TEXT);
        r->numbers[r->n_cells] = values[i].kind == PLS_VALUE_INTEGER || values[i].kind == PLS_VALUE_REAL;
        r->cells[r->n_cells++] = text;
    }
    r->n_rows += !r->failed;
    return !r->failed;
}

static void drop(struct rows *r)
{
    for (uint32_t i = 0; i < r->n_columns; i++) {
        free(r->names[i]);
    }
    for (size_t i = 0; i < r->n_cells; i++) {
        free(r->cells[i]);
    }
    free(r->cells);
    free(r->numbers);
}

enum pls_code pls_cmd_sql(struct pls_session *s, struct pls_err *err)
{
    struct rows rows = { .n_columns = 0 };
    const struct pls_fits_source source = { s, fits_open, fits_next, fits_close };
    if (s->args->n_operands != 1) {
        return pls_fail(err, PLS_USAGE, "sql: needs one statement, quoted for the shell");
    }
    const struct pls_sql sql = {
        .text = s->args->operands[0],
        .limit_ns = LIMIT_NS,
        .fits = &source,
        .head = take_head,
        .row = take_row,
        .context = &rows,
    };
    enum pls_code code = pls_session_catalog(s, err);
    code = code == PLS_OK ? pls_catalog_sql(s->catalog, &sql, err) : code;
    if (code == PLS_OK && rows.failed) {
        code = pls_fail(err, PLS_LIMIT, "sql: more rows than fit in memory");
    }
    if (code == PLS_OK) {
        struct pls_cells cells = { (const char *const *)rows.names, (const char *const *)rows.cells, rows.numbers,
                                   rows.n_columns, rows.n_rows };
        code = pls_render_cells(stdout, s->output, &cells, &s->screen, err);
    }
    drop(&rows);
    return code;
}
