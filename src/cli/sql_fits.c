/* What fits() was asked for: machine, lists, cards. The rows themselves are made in fit_rows.c. A join asks
 * once per row of its other side, so machines are read once and cursors are kept for the next call. */
#include "cli/sql_fits.h"

#include <stdlib.h>
#include <string.h>

#include "cli/fit_rows.h"

enum { MACHINES_KEPT = 8, WHAT_CAP = 1024 };

struct known {
    char what[WHAT_CAP]; /* empty: the machine of the session */
    struct pls_machine machine;
    struct pls_rates rates;
};

struct cursor {
    struct cursor *next; /* of those kept */
    struct pls_sql_fits *fits;
    struct pls_fit_rows rows;
};

struct pls_sql_fits {
    struct pls_session
        session; /* a connection of its own: the one that runs the statement can do nothing else meanwhile */
    const struct pls_session *outer;
    bool has_session;
    struct known *machines[MACHINES_KEPT];
    uint32_t n_machines;
    struct cursor *kept;
};

/* ---- machine ---- */

static enum pls_code begin_session(struct pls_sql_fits *fits, struct pls_err *err)
{
    struct pls_session *s = &fits->session;
    if (fits->has_session) {
        return PLS_OK;
    }
    fits->has_session = true;
    enum pls_code code = pls_session_begin(s, fits->outer->args, fits->outer->program, err);
    /* What there is to say of the user's database was said when the first connection opened. */
    return code == PLS_OK ? pls_session_open(s, err) : code;
}

static enum pls_code read_machine(struct pls_session *s, const char *what, struct known *out,
                                  struct pls_err *err)
{
    enum pls_code code = PLS_OK;
    if (what[0] != '\0') {
        code = pls_session_machine_on(s, what, &out->machine, err);
        out->rates = pls_rates_stated(&out->machine);
        return code;
    }
    code = pls_session_machine(s, err);
    if (code == PLS_OK) {
        pls_session_rates(s, true); /* as `fit` does, or its order would be another */
    }
    out->machine = s->machine;
    out->rates = s->rates;
    return code;
}

static enum pls_code find_machine(struct pls_sql_fits *fits, const char *what, const struct known **out,
                                  struct pls_err *err)
{
    what = what == NULL ? "" : what;
    for (uint32_t i = 0; i < fits->n_machines; i++) {
        if (pls_text_equal(fits->machines[i]->what, what)) {
            *out = fits->machines[i];
            return PLS_OK;
        }
    }
    struct known *known = calloc(1, sizeof(*known));
    if (known == NULL) {
        return pls_fail(err, PLS_NOMEM, "out of memory");
    }
    enum pls_code code =
        PLS_COPY(known->what, what) ? PLS_OK : pls_fail(err, PLS_USAGE, "the machine's name is too long");
    code = code == PLS_OK ? read_machine(&fits->session, what, known, err) : code;
    if (code != PLS_OK) {
        free(known);
        return code;
    }
    if (fits->n_machines == MACHINES_KEPT) {
        free(fits->machines[--fits->n_machines]);
    }
    fits->machines[fits->n_machines++] = known;
    *out = known;
    return PLS_OK;
}

/* ---- arguments ---- */

/* The next word of a list; false at its end. */
static bool next_word(const char **at, const char *separators, char *out, size_t cap)
{
    *at += strspn(*at, separators);
    size_t len = strcspn(*at, separators);
    struct pls_text t = { .data = out, .len = 0, .cap = cap, .truncated = false };
    out[0] = '\0';
    pls_text_put(&t, *at, len);
    *at += len;
    return len > 0;
}

static enum pls_code read_contexts(const char *list, struct pls_fit_wanted *w, struct pls_err *err)
{
    char word[64];
    while (list != NULL && next_word(&list, " ,", word, sizeof(word))) {
        uint64_t tokens = 0;
        if (!pls_parse_tokens(word, &tokens) || tokens == 0) {
            return pls_fail(err, PLS_USAGE, "'%s' is not a context length", word);
        }
        if (w->n_contexts == PLS_COUNT_OF(w->contexts)) {
            return pls_fail(err, PLS_USAGE, "more than %zu contexts", PLS_COUNT_OF(w->contexts));
        }
        w->contexts[w->n_contexts++] = tokens;
    }
    return PLS_OK;
}

static enum pls_code read_caches(const char *list, struct pls_fit_wanted *w, struct pls_err *err)
{
    char word[64];
    while (list != NULL && next_word(&list, " ", word, sizeof(word))) {
        char *comma = strchr(word, ',');
        if (comma != NULL) {
            *comma = '\0';
        }
        enum pls_type k = pls_type_by_name(word);
        enum pls_type v = pls_type_by_name(comma != NULL ? comma + 1 : word);
        if (k == PLS_TYPE_NONE || v == PLS_TYPE_NONE) {
            return pls_fail(err, PLS_USAGE, "'%s' is not a cache type",
                            k == PLS_TYPE_NONE ? word : comma + 1);
        }
        if (w->n_caches == PLS_COUNT_OF(w->caches)) {
            return pls_fail(err, PLS_USAGE, "more than %zu cache types", PLS_COUNT_OF(w->caches));
        }
        w->caches[w->n_caches].k = k;
        w->caches[w->n_caches++].v = v;
    }
    return PLS_OK;
}

static enum pls_code read_quants(const char *list, struct pls_fit_wanted *w, struct pls_err *err)
{
    char word[64];
    while (list != NULL && next_word(&list, " ,", word, sizeof(word))) {
        if (w->n_quants == PLS_COUNT_OF(w->quants)) {
            return pls_fail(err, PLS_USAGE, "more than %zu quantizations", PLS_COUNT_OF(w->quants));
        }
        if (!pls_quant_parse(word, &w->quants[w->n_quants++])) {
            return pls_fail(err, PLS_USAGE, "'%s' is not a quantization", word);
        }
    }
    return PLS_OK;
}

/* As the options of `fit` of the same names. */
static enum pls_code read_ask(const struct pls_session *s, const struct pls_fits_query *q,
                              struct pls_fit_wanted *w, struct pls_err *err)
{
    enum pls_runtime runtime = PLS_RUNTIME_LLAMA_SERVER;
    enum pls_task task = PLS_TASK_CHAT;
    if (q->runtime != NULL && !pls_runtime_by_name(q->runtime, &runtime)) {
        return pls_fail(err, PLS_USAGE, "'%s' is not a runtime", q->runtime);
    }
    if (q->task != NULL && !pls_task_by_name(q->task, &task)) {
        return pls_fail(err, PLS_USAGE, "'%s' is not a task", q->task);
    }
    *w = (struct pls_fit_wanted){ .ask.ask = pls_ask_default(runtime) };
    w->ask.whole_input = pls_ask_engine(&w->ask.ask) == PLS_ENGINE_LLAMA_CPP;
    enum pls_code code = pls_fit_policy(s, task, &w->ask.policy, err);
    code = code == PLS_OK ? read_contexts(q->context, w, err) : code;
    code = code == PLS_OK ? read_caches(q->kv, w, err) : code;
    code = code == PLS_OK ? read_quants(q->quants, w, err) : code;
    struct pls_policy *policy = &w->ask.policy;
    for (uint32_t i = 0; i < w->n_contexts; i++) { /* the longest is the wish, the shortest is no shame */
        policy->wish_context_tokens =
            i == 0 ? w->contexts[i] : pls_max(policy->wish_context_tokens, w->contexts[i]);
        policy->min_context_tokens = pls_min(policy->min_context_tokens, w->contexts[i]);
    }
    return code;
}

/* ---- cards ---- */

static bool keep_card(const struct pls_card *card, void *context)
{
    struct pls_fit_rows *rows = context;
    if (!pls_rank_is_for_task(card, rows->wanted.ask.policy.task, true)) {
        return true;
    }
    if (rows->n_cards == rows->cap_cards) {
        uint32_t cap = rows->cap_cards > 0 ? 2 * rows->cap_cards : 64;
        struct pls_card *more = realloc(rows->cards, cap * sizeof(*more));
        if (more == NULL) {
            rows->is_short = true;
            return false;
        }
        rows->cards = more;
        rows->cap_cards = cap;
    }
    rows->cards[rows->n_cards++] = *card;
    return true;
}

struct one {
    struct pls_fit_rows *rows;
    const char *id;
};

static bool keep_if_named(const struct pls_card *card, void *context)
{
    const struct one *one = context;
    return !pls_text_equal(card->id, one->id) || keep_card(card, one->rows);
}

static enum pls_code find_cards(struct pls_catalog *catalog, const struct pls_fits_query *q,
                                struct pls_fit_rows *rows, struct pls_err *err)
{
    enum pls_code code = PLS_OK;
    struct one one = { rows, q->model };
    struct pls_card card;
    if (q->model == NULL) {
        code = pls_catalog_each(catalog, q->words, keep_card, rows, err);
    } else if (q->words != NULL) {
        code = pls_catalog_each(catalog, q->words, keep_if_named, &one, err);
    } else {
        code = pls_catalog_card(catalog, q->model, &card, err);
        if (code == PLS_USAGE) {
            return PLS_OK; /* no such model: no row */
        }
        if (code == PLS_OK) {
            keep_card(&card, rows);
        }
    }
    return code == PLS_OK && rows->is_short ? pls_fail(err, PLS_NOMEM, "out of memory") : code;
}

/* ---- cursors ---- */

static struct cursor *take_cursor(struct pls_sql_fits *fits)
{
    struct cursor *c = fits->kept;
    if (c != NULL) {
        fits->kept = c->next;
        return c;
    }
    c = calloc(1, sizeof(*c));
    if (c != NULL && !pls_fit_rows_init(&c->rows)) {
        free(c);
        return NULL;
    }
    if (c != NULL) {
        c->fits = fits;
    }
    return c;
}

static void fits_close(void *cursor)
{
    struct cursor *c = cursor;
    c->next = c->fits->kept;
    c->fits->kept = c;
}

static enum pls_code fits_open(void *context, const struct pls_fits_query *query, void **cursor,
                               struct pls_err *err)
{
    struct pls_sql_fits *fits = context;
    const struct known *known = NULL;
    struct cursor *c = take_cursor(fits);
    if (c == NULL) {
        return pls_fail(err, PLS_NOMEM, "out of memory");
    }
    pls_fit_rows_reset(&c->rows);
    enum pls_code code = read_ask(fits->outer, query, &c->rows.wanted, err);
    code = code == PLS_OK ? begin_session(fits, err) : code;
    code = code == PLS_OK ? find_machine(fits, query->machine, &known, err) : code;
    code = code == PLS_OK ? find_cards(fits->session.catalog, query, &c->rows, err) : code;
    if (code != PLS_OK) {
        fits_close(c);
        return code;
    }
    pls_fit_rows_use(&c->rows, &known->machine, &known->rates);
    *cursor = c;
    return PLS_OK;
}

static bool fits_next(void *cursor, struct pls_fits_row *row)
{
    struct cursor *c = cursor;
    return pls_fit_rows_next(&c->rows, row);
}

enum pls_code pls_sql_fits_begin(const struct pls_session *s, struct pls_sql_fits **out,
                                 struct pls_fits_source *source, struct pls_err *err)
{
    struct pls_sql_fits *fits = calloc(1, sizeof(*fits));
    *out = fits;
    if (fits == NULL) {
        return pls_fail(err, PLS_NOMEM, "sql: out of memory");
    }
    fits->outer = s;
    *source = (struct pls_fits_source){ fits, fits_open, fits_next, fits_close };
    return PLS_OK;
}

void pls_sql_fits_end(struct pls_sql_fits *fits)
{
    if (fits == NULL) {
        return;
    }
    while (fits->kept != NULL) {
        struct cursor *c = fits->kept;
        fits->kept = c->next;
        pls_fit_rows_free(&c->rows);
        free(c);
    }
    while (fits->n_machines > 0) {
        free(fits->machines[--fits->n_machines]);
    }
    if (fits->has_session) {
        pls_session_end(&fits->session);
    }
    free(fits);
}
