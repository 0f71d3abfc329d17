/* Asking the catalog: search with filters, the check of cards, and SQL that can only read. */
#include <dirent.h>

#include "catalog_fixture.h"
#include "unit.h"

static bool append(const struct pls_card *card, void *context)
{
    struct pls_text *list = context;
    pls_text_add(list, "%s ", card->id);
    return true;
}

static const char *found(struct pls_catalog *catalog, const struct pls_catalog_query *query)
{
    static char room[1024];
    struct pls_text list = PLS_TEXT(room);
    ck_assert_msg(pls_catalog_search(catalog, query, append, &list, &err) == PLS_OK, "%s", err.text);
    return room;
}

START_TEST(search_filters)
{
    set_up();
    struct pls_catalog *catalog = open_both();
    struct pls_catalog_query q = { .license = "Apache 2.0" };
    ck_assert_str_eq(found(catalog, &q), "qwen3-4b mistral-small-24b-instruct-2501 "); /* newest first */
    q.max_params = 8000000000;
    ck_assert_str_eq(found(catalog, &q), "qwen3-4b ");
    q = (struct pls_catalog_query){ .tasks = 1U << PLS_TASK_CHAT | 1U << PLS_TASK_TOOLS };
    ck_assert_str_eq(found(catalog, &q), "llama-3.1-8b-instruct ");
    q = (struct pls_catalog_query){ .since = 202412, .words = "small" };
    ck_assert_str_eq(found(catalog, &q), "mistral-small-24b-instruct-2501 ");
    q.until = 202501;
    ck_assert_str_eq(found(catalog, &q), "mistral-small-24b-instruct-2501 ");
    q.until = 202412;
    ck_assert_str_eq(found(catalog, &q), "");
    /* what is not known does not pass: the coder has neither a size nor a date */
    q = (struct pls_catalog_query){ .words = "coder", .max_params = UINT64_MAX };
    ck_assert_str_eq(found(catalog, &q), "");
    q = (struct pls_catalog_query){ .words = "coder" };
    ck_assert_str_eq(found(catalog, &q), "qwen3-coder-30b-a3b-instruct ");
    pls_catalog_close(catalog);
}
END_TEST

START_TEST(own_cards_are_found_first)
{
    set_up();
    struct pls_catalog *catalog = open_both();
    static const char json[] =
        "{\"id\": \"qwen3-4b\", \"arch\": \"llama\", \"name\": \"Qwen3 of mine\", " SHAPE "}";
    struct pls_card card;
    ck_assert_int_eq(pls_card_parse(json, strlen(json), &card, &err), PLS_OK);
    ck_assert_int_eq(pls_catalog_insert(catalog, &card, json, &err), PLS_OK);
    struct pls_catalog_query q = { .words = "qwen3" };
    ck_assert_str_eq(found(catalog, &q), "qwen3-4b qwen3-4b-instruct-2507 qwen3-coder-30b-a3b-instruct ");
    pls_catalog_close(catalog);
}
END_TEST

struct tally {
    int n[4];
    char bad[512];
};

static bool tally_add(const struct pls_check *check, void *context)
{
    struct tally *tally = context;
    tally->n[check->status]++;
    /* without a tensor list: engines of their own, or a tensor list that was never published */
    static const char *const unlisted[] = { "glm-5.3-flash", "llama-3.2-11b-vision-instruct",
                                            "qwen3.8-flash-next" };
    bool is_expected = check->status != PLS_CHECK_NO_LIST;
    for (size_t i = 0; i < PLS_COUNT_OF(unlisted); i++) {
        is_expected = is_expected || strcmp(check->card->id, unlisted[i]) == 0;
    }
    ck_assert_msg(is_expected, "%s: %s has no tensor list", check->card->id, check->card->arch);
    if (check->status == PLS_CHECK_MISMATCH) {
        snprintf(tally->bad, sizeof(tally->bad), "%s: list %llu + %llu apart, published %llu",
                 check->card->id, (unsigned long long)check->listed, (unsigned long long)check->apart,
                 (unsigned long long)check->published);
    }
    return true;
}

/* Every card of data/ is read, and where its architecture has a tensor list, the list has the published
 * number of parameters. */
START_TEST(shipped_cards_reach_their_published_totals)
{
    set_up();
    struct pls_catalog *catalog = NULL;
    DIR *dir = opendir("data/cards");
    ck_assert_ptr_nonnull(dir);
    ck_assert_int_eq(pls_catalog_create(shipped, &catalog, &err), PLS_OK);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        char path[300];
        size_t len = 0;
        if (!pls_text_ends(entry->d_name, ".json")) {
            continue;
        }
        snprintf(path, sizeof(path), "data/cards/%s", entry->d_name);
        char *text = slurp(path, &len);
        enum pls_code code = pls_cards_parse(text, len, insert, catalog, &err);
        ck_assert_msg(code == PLS_OK, "%s: %s", path, err.text);
        free(text);
    }
    closedir(dir);
    size_t cap = (size_t)64 << 20;
    void *storage = malloc(cap);
    struct pls_arena room = pls_arena_over(storage, cap);
    struct tally tally = { .bad = "" };
    ck_assert_int_eq(pls_catalog_check(catalog, NULL, &room, tally_add, &tally, &err), PLS_OK);
    ck_assert_msg(tally.n[PLS_CHECK_MISMATCH] == 0, "%d mismatches, the last: %s",
                  tally.n[PLS_CHECK_MISMATCH], tally.bad);
    ck_assert_int_eq(tally.n[PLS_CHECK_NO_REFERENCE], 0);
    ck_assert_int_ge(tally.n[PLS_CHECK_OK], 400);
    free(storage);
    pls_catalog_close(catalog);
}
END_TEST

START_TEST(check_finds_a_wrong_shape)
{
    set_up();
    struct pls_catalog *catalog = open_both();
    /* By hand, llama with 4 layers, E 64, F 128, 4 heads of 16, 2 KV heads, V 1000, untied:
     * layer 64 + 64*64 + 2*64*32 + 64*64 + 64 + 3*64*128 = 36,992; 4 layers 147,968; 2 tables 128,000; norm
     * 64: 276,032. */
    static const char *const json[] = {
        "{\"id\": \"right\", \"arch\": \"llama\", \"params_total\": 276032, \"checkpoint\": {\"params\": "
        "276032, \"tolerance\": 0.0001,"
        " \"kind\": \"exact\"}, " SHAPE "}",
        "{\"id\": \"wrong\", \"arch\": \"llama\", \"checkpoint\": {\"params\": 276132, \"tolerance\": "
        "0.0001, \"kind\": \"exact\"}, " SHAPE "}",
        "{\"id\": \"towered\", \"arch\": \"llama\", \"checkpoint\": {\"params\": 276132, \"tolerance\": "
        "0.0001, \"kind\": \"exact\","
        " \"vision_params\": 100}, " SHAPE "}",
    };
    for (size_t i = 0; i < PLS_COUNT_OF(json); i++) {
        struct pls_card card;
        ck_assert_msg(pls_card_parse(json[i], strlen(json[i]), &card, &err) == PLS_OK, "%s", err.text);
        ck_assert_int_eq(pls_catalog_insert(catalog, &card, json[i], &err), PLS_OK);
    }
    size_t cap = (size_t)1 << 20;
    void *storage = malloc(cap);
    struct pls_arena room = pls_arena_over(storage, cap);
    struct tally tally = { .bad = "" };
    ck_assert_int_eq(pls_catalog_check(catalog, "right", &room, tally_add, &tally, &err), PLS_OK);
    ck_assert_int_eq(pls_catalog_check(catalog, "towered", &room, tally_add, &tally, &err), PLS_OK);
    ck_assert_int_eq(tally.n[PLS_CHECK_OK], 2);
    ck_assert_int_eq(pls_catalog_check(catalog, "wrong", &room, tally_add, &tally, &err), PLS_OK);
    ck_assert_int_eq(tally.n[PLS_CHECK_MISMATCH], 1);
    ck_assert_str_eq(tally.bad, "wrong: list 276032 + 0 apart, published 276132");
    ck_assert_int_eq(pls_catalog_check(catalog, "mistral", &room, tally_add, &tally, &err), PLS_OK);
    ck_assert_int_eq(tally.n[PLS_CHECK_NO_REFERENCE], 1);
    free(storage);
    pls_catalog_close(catalog);
}
END_TEST

/* SQL: rows as "a|b" lines. */
static char output[4096];
static struct pls_text out;

static bool on_head(const char *const *names, int n, void *context)
{
    (void)context;
    for (int i = 0; i < n; i++) {
        pls_text_add(&out, "%s%s", i == 0 ? "" : "|", names[i]);
    }
    pls_text_add(&out, "\n");
    return true;
}

static bool on_row(const struct pls_value *values, int n, void *context)
{
    (void)context;
    for (int i = 0; i < n; i++) {
        const struct pls_value *v = &values[i];
        pls_text_add(&out, "%s", i == 0 ? "" : "|");
        if (v->kind == PLS_VALUE_INTEGER) {
            pls_text_add(&out, "%lld", (long long)v->integer);
        } else if (v->kind == PLS_VALUE_REAL) {
            pls_text_add(&out, "%g", v->real);
        } else if (v->kind == PLS_VALUE_TEXT) {
            pls_text_add(&out, "%s", v->text);
        }
    }
    pls_text_add(&out, "\n");
    return true;
}

struct fake_rows {
    int at, end;
    char model[32];
};

static int opened;
static int closed;

/* Rows 1..3, or those of the one model asked for; the machine's name scales the speed. */
static enum pls_code fake_open(void *context, const struct pls_fits_query *query, void **cursor,
                               struct pls_err *why)
{
    (void)context;
    if (query->machine != NULL && strcmp(query->machine, "abacus") == 0) {
        return pls_fail(why, PLS_USAGE, "no machine is called abacus");
    }
    struct fake_rows *rows = calloc(1, sizeof(*rows));
    rows->end = query->context != NULL && strcmp(query->context, "8k") == 0 ? 1 : 3;
    if (query->model != NULL) {
        snprintf(rows->model, sizeof(rows->model), "%s", query->model);
    }
    opened++;
    *cursor = rows;
    return PLS_OK;
}

static bool fake_next(void *cursor, struct pls_fits_row *row)
{
    static const char *const models[] = { "", "qwen3-4b", "twin-1b-it", "llama-3.1-8b-instruct" };
    struct fake_rows *rows = cursor;
    do {
        rows->at++;
    } while (rows->at <= rows->end && rows->model[0] != '\0' && strcmp(models[rows->at], rows->model) != 0);
    if (rows->at > rows->end) {
        return false;
    }
    *row = (struct pls_fits_row){ .model = models[rows->at],
                                  .quant = "Q4_K_M",
                                  .kv_type = "f16",
                                  .context_tokens = 4096,
                                  .total_bytes = 1000,
                                  .margin_bytes = -5,
                                  .decode_tps = 10.0 * rows->at,
                                  .fits = rows->at != 3 };
    return true;
}

static void fake_close(void *cursor)
{
    closed++;
    free(cursor);
}

static const struct pls_fits_source fake = { .open = fake_open, .next = fake_next, .close = fake_close };

static enum pls_code query(struct pls_catalog *catalog, const char *text)
{
    out = PLS_TEXT(output);
    err.text[0] = '\0';
    const struct pls_sql sql = {
        .text = text, .limit_ns = 2000000000, .fits = &fake, .head = on_head, .row = on_row
    };
    return pls_catalog_sql(catalog, &sql, &err);
}

static void answers(struct pls_catalog *catalog, const char *text, const char *expected)
{
    ck_assert_msg(query(catalog, text) == PLS_OK, "%s: %s", text, err.text);
    ck_assert_str_eq(output, expected);
}

START_TEST(sql_reads)
{
    set_up();
    struct pls_catalog *catalog = open_both();
    answers(catalog, "SELECT id, params_total, license FROM models WHERE id LIKE 'q%4b' -- note",
            "id|params_total|license\nqwen3-4b|4022468096|apache-2.0\n");
    answers(catalog, "SELECT name, score FROM benchmarks;", "name|score\nmmlu|68.5\n");
    answers(catalog, "SELECT id FROM models WHERE 0", "id\n");
    answers(catalog,
            "SELECT m.id FROM search s JOIN models m ON m.rowid = s.rowid WHERE s.search MATCH 'coder'",
            "id\nqwen3-coder-30b-a3b-instruct\n");
    answers(catalog, "SELECT count(*) FROM pragma_table_info('benchmarks')", "count(*)\n7\n");
    pls_catalog_close(catalog);
}
END_TEST

START_TEST(sql_sees_own_cards_in_place)
{
    set_up();
    struct pls_catalog *catalog = open_both();
    static const char json[] = "{\"id\": \"qwen3-4b\", \"arch\": \"llama\", \"name\": \"Mine\", " SHAPE "}";
    struct pls_card card;
    ck_assert_int_eq(pls_card_parse(json, strlen(json), &card, &err), PLS_OK);
    ck_assert_int_eq(pls_catalog_insert(catalog, &card, json, &err), PLS_OK);
    answers(catalog, "SELECT name FROM models WHERE id = 'qwen3-4b'", "name\nMine\n");
    answers(catalog, "SELECT count(*) FROM models", "count(*)\n7\n");
    pls_catalog_close(catalog);
}
END_TEST

START_TEST(sql_cannot_write)
{
    set_up();
    struct pls_catalog *catalog = open_both();
    add(catalog, "mine-1b", PLS_OK);
    static const char *const refused[] = {
        "INSERT INTO models (id) VALUES ('x')",
        "DELETE FROM user.models",
        "UPDATE user.cards SET json = ''",
        "DROP TABLE user.cards",
        "CREATE TABLE t (a)",
        "CREATE TEMP TABLE t (a)",
        "CREATE VIRTUAL TABLE t USING fts5 (a)",
        "CREATE TEMP VIEW v AS SELECT 1",
        "ATTACH '/tmp/plimsoll-never.db' AS x",
        "DETACH user",
        "PRAGMA user_version = 7",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA journal_mode",
        "PRAGMA writable_schema = ON",
        "PRAGMA query_only = OFF",
        "PRAGMA temp_store_directory = '/tmp'",
        "SELECT load_extension('x')",
        "UPDATE sqlite_master SET sql = ''",
        "UPDATE user.sqlite_master SET sql = ''",
        "INSERT INTO sqlite_master VALUES ('table', 'x', 'x', 0, 'CREATE TABLE x (a)')",
        "BEGIN",
        "COMMIT",
        "SAVEPOINT a",
        "VACUUM",
        "VACUUM INTO '/tmp/plimsoll-never.db'",
        "ANALYZE",
        "REINDEX",
        "INSERT INTO user.search (search) VALUES ('optimize')",
        "WITH x AS (SELECT 1) DELETE FROM user.models",
    };
    for (size_t i = 0; i < PLS_COUNT_OF(refused); i++) {
        enum pls_code code = query(catalog, refused[i]);
        /* VACUUM and DETACH end as an error of usage in some versions, load_extension does not exist in
         * others */
        ck_assert_msg(code == PLS_REFUSED || code == PLS_USAGE, "%s: %d %s", refused[i], code, err.text);
        ck_assert_str_eq(output, "");
    }
    ck_assert_int_eq(query(catalog, refused[0]), PLS_REFUSED);
    ck_assert_int_eq(query(catalog, refused[8]), PLS_REFUSED);
    ck_assert_int_ne(access("/tmp/plimsoll-never.db", F_OK), 0);
    answers(catalog, "SELECT count(*) FROM user.models", "count(*)\n1\n");
    pls_catalog_close(catalog);
}
END_TEST

START_TEST(sql_says_what_is_wrong)
{
    set_up();
    struct pls_catalog *catalog = open_both();
    static const char *const wrong[] = {
        "SELEC 1",       "SELECT nothing FROM models",      "", " ; ", "SELECT 1; SELECT 2",
        "SELECT * FROM", "SELECT abs(-9223372036854775808)"
    };
    for (size_t i = 0; i < PLS_COUNT_OF(wrong); i++) {
        ck_assert_int_eq(query(catalog, wrong[i]), PLS_USAGE);
        ck_assert_str_eq(output, "");
        ck_assert_ptr_eq(strstr(err.text, "sql: "), err.text);
    }
    ck_assert_int_eq(query(catalog, "SELECT length(zeroblob(1000000000))"),
                     PLS_USAGE); /* too big, not a gigabyte */
    pls_catalog_close(catalog);
}
END_TEST

START_TEST(sql_ends_in_time)
{
    set_up();
    struct pls_catalog *catalog = open_both();
    out = PLS_TEXT(output);
    const struct pls_sql sql = {
        .text = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
        .limit_ns = 20000000,
        .head = on_head,
        .row = on_row
    };
    ck_assert_int_eq(pls_catalog_sql(catalog, &sql, &err), PLS_LIMIT);
    ck_assert_str_eq(output, "");
    pls_catalog_close(catalog);
}
END_TEST

START_TEST(fits_is_a_table)
{
    set_up();
    struct pls_catalog *catalog = open_both();
    answers(catalog,
            "SELECT model, quant, decode_tps, fits, margin_bytes, prefill_tps FROM fits('m4', 'code') WHERE "
            "decode_tps > 15 ORDER BY decode_tps DESC",
            "model|quant|decode_tps|fits|margin_bytes|prefill_tps\nllama-3.1-8b-instruct|Q4_K_M|30|0|-5|"
            "\ntwin-1b-it|Q4_K_M|20|1|-5|\n");
    answers(catalog, "SELECT count(*) FROM fits", "count(*)\n3\n");
    answers(catalog, "SELECT count(*) FROM fits WHERE context = '8k'", "count(*)\n1\n");
    answers(catalog,
            "SELECT m.license, f.model FROM models m JOIN fits f ON f.model = m.id WHERE m.license IS NOT "
            "NULL ORDER BY 2",
            "license|model\nllama3.1|llama-3.1-8b-instruct\napache-2.0|qwen3-4b\n");
    answers(catalog,
            "SELECT machine, task, context, model FROM fits('m4', 'chat', 4096) WHERE model = 'twin-1b-it'",
            "machine|task|context|model\nm4|chat|4096|twin-1b-it\n");
    ck_assert_int_eq(query(catalog, "SELECT * FROM fits('abacus')"), PLS_USAGE);
    ck_assert_str_eq(err.text, "sql: fits: no machine is called abacus");
    ck_assert_int_eq(query(catalog, "CREATE VIRTUAL TABLE mine USING fits"), PLS_REFUSED);
    ck_assert_int_eq(opened, closed);
    ck_assert_int_gt(opened, 0);
    const struct pls_sql without = { .text = "SELECT * FROM fits", .head = on_head, .row = on_row };
    pls_catalog_close(catalog);
    catalog = open_both();
    ck_assert_int_eq(pls_catalog_sql(catalog, &without, &err), PLS_USAGE);
    pls_catalog_close(catalog);
}
END_TEST

UNIT_MAIN("catalog_query", search_filters, own_cards_are_found_first,
          shipped_cards_reach_their_published_totals, check_finds_a_wrong_shape, sql_reads,
          sql_sees_own_cards_in_place, sql_cannot_write, sql_says_what_is_wrong, sql_ends_in_time,
          fits_is_a_table)
