/* The catalog: building, reading, names, the user's own database, and everything that can be wrong with a
 * file. */
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "catalog_fixture.h"
#include "unit.h"

static bool append(const struct pls_card *card, void *context)
{
    struct pls_text *list = context;
    pls_text_add(list, "%s ", card->id);
    return true;
}

static const char *listed(struct pls_catalog *catalog, const char *words)
{
    static char room[1024];
    struct pls_text list = PLS_TEXT(room);
    ck_assert_msg(pls_catalog_each(catalog, words, append, &list, &err) == PLS_OK, "%s", err.text);
    return room;
}

static const char *resolved(struct pls_catalog *catalog, const char *name)
{
    static struct pls_card card;
    enum pls_code code = pls_catalog_resolve(catalog, name, &card, &err);
    ck_assert(code == PLS_OK || code == PLS_USAGE);
    return code == PLS_OK ? card.id : err.text;
}

static void write_file(const char *path, const char *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
    fclose(file);
}

START_TEST(cards_come_back_as_they_went_in)
{
    set_up();
    struct pls_catalog *catalog = open_both();
    static const char json[] =
        "{\"id\": \"all\", \"arch\": \"llama\", \"name\": \"All\", \"shape\": {\"n_layers\": 4, "
        "\"vocab_size\": 1000,"
        " \"hidden_size\": 64, \"n_heads\": [4, 4, 2, 4], \"n_kv_heads\": [2, 2, 1, 2], \"head_dim\": 16,"
        " \"intermediate_size\": [128, 64, 64, 0], \"layer_kinds\": \"SSSF\", \"sliding_window\": 512,"
        " \"max_context\": 4096, \"tie_embeddings\": true, \"mtp_layers\": 1}, \"params_total\": 5000000000}";
    struct pls_card before;
    struct pls_card after;
    ck_assert_msg(pls_card_parse(json, strlen(json), &before, &err) == PLS_OK, "%s", err.text);
    ck_assert_msg(pls_catalog_insert(catalog, &before, json, &err) == PLS_OK, "%s", err.text);
    ck_assert_int_eq(pls_catalog_card(catalog, "all", &after, &err), PLS_OK);
    ck_assert_int_eq(after.source, PLS_SOURCE_CATALOG);
    after.source = before.source;
    ck_assert_mem_eq(&before, &after, sizeof(before)); /* both were zeroed first, padding included */
    char text[1024];
    ck_assert_int_eq(pls_catalog_json(catalog, "all", text, sizeof(text), &err), PLS_OK);
    ck_assert_str_eq(text, json);
    ck_assert_int_eq(pls_catalog_json(catalog, "all", text, 20, &err), PLS_LIMIT);
    ck_assert_int_eq(pls_catalog_json(catalog, "none", text, sizeof(text), &err), PLS_USAGE);
    pls_catalog_close(catalog);
}
END_TEST

static const char *published(struct pls_catalog *catalog, const char *quant)
{
    static char room[160];
    struct pls_quant q;
    struct pls_published p;
    ck_assert(pls_quant_parse(quant, &q));
    bool is_known = pls_catalog_published(catalog, "files", &q, &p);
    ck_assert(is_known == (p.repo[0] != '\0'));
    (void)snprintf(room, sizeof(room), "%s:%s %s", p.repo, p.tag, p.is_seen ? "seen" : "unseen");
    return room;
}

/* The habit of an owner stands where the card says nothing; the first repository that holds the quantization is taken, a seen one
 * before the others; the tag is spelled as the files are. */
START_TEST(the_repository_that_holds_a_quantization_is_found)
{
    set_up();
    struct pls_catalog *catalog = open_both();
    static const char json[] =
        "{\"id\": \"files\", \"arch\": \"llama\", " SHAPE ", \"params_total\": 20000000000, \"variants\": {\"gguf\": ["
        "{\"repo\": \"unsloth/Far-GGUF\", \"unverified\": true}, {\"repo\": \"Qwen/Files-GGUF\"},"
        " {\"repo\": \"ggml-org/Files-GGUF\", \"quants\": [\"mxfp4\", \"FP16\"], \"source\": \"a listing\"},"
        " {\"repo\": \"mradermacher/Files-GGUF\"}]}}";
    struct pls_card card;
    ck_assert_msg(pls_card_parse(json, strlen(json), &card, &err) == PLS_OK, "%s", err.text);
    ck_assert_msg(pls_catalog_insert(catalog, &card, json, &err) == PLS_OK, "%s", err.text);
    ck_assert_str_eq(published(catalog, "Q4_K_M"), "Qwen/Files-GGUF:Q4_K_M seen");
    ck_assert_str_eq(published(catalog, "IQ4_XS"), "mradermacher/Files-GGUF:IQ4_XS seen");
    ck_assert_str_eq(published(catalog, "MXFP4_MOE"), "ggml-org/Files-GGUF:mxfp4 seen");
    ck_assert_str_eq(published(catalog, "BF16"), "ggml-org/Files-GGUF:FP16 seen"); /* mradermacher has F16 of small models */
    ck_assert_str_eq(published(catalog, "IQ2_M"), "unsloth/Far-GGUF:IQ2_M unseen");
    ck_assert_str_eq(published(catalog, "TQ1_0"), ": unseen");
    pls_catalog_close(catalog);
}
END_TEST

static const char *packed(struct pls_catalog *catalog, const char *quant)
{
    static char room[160];
    struct pls_quant q;
    ck_assert(pls_quant_parse(quant, &q));
    return pls_catalog_variant(catalog, "packed", &q, room, sizeof(room)) ? room : "";
}

static bool repo_is(struct pls_catalog *catalog, const char *repo, const char *quant)
{
    struct pls_quant q = { .format = PLS_FORMAT_COUNT };
    char name[32] = "";
    if (pls_catalog_repo_quant(catalog, "packed", repo, &q)) {
        pls_quant_name(&q, name, sizeof(name));
    }
    return strcmp(name, quant) == 0 && (quant[0] != '\0' || q.format == PLS_FORMAT_COUNT);
}

static bool holds(const struct pls_card *card, const char *quant)
{
    struct pls_quant q;
    ck_assert(pls_quant_parse(quant, &q));
    return (card->held & pls_held_bit(&q)) != 0;
}

/* The key says the packing, "quants" what is unusual of it; what nobody has seen counts for nothing. */
START_TEST(packed_repositories_are_found_and_counted)
{
    set_up();
    struct pls_catalog *catalog = open_both();
    static const char json[] =
        "{\"id\": \"packed\", \"arch\": \"llama\", " SHAPE ", \"hf_repo\": \"maker/Packed\", \"variants\": {"
        "\"gguf\": [{\"repo\": \"a/Packed-GGUF\", \"quants\": [\"FP16\", \"Q6_K\"]}, {\"repo\": \"b/Packed-GGUF\"},"
        " {\"repo\": \"c/Packed-GGUF\", \"quants\": [\"Q8_0\"], \"unverified\": true}],"
        "\"awq\": [{\"repo\": \"a/Packed-four\", \"quants\": [\"awq-4bit-g32\"]}, {\"repo\": \"b/Packed-four\"}],"
        "\"gptq\": [{\"repo\": \"a/Packed-GPTQ\", \"unverified\": true}],"
        "\"fp8\": [{\"repo\": \"maker/Packed\"}, {\"repo\": \"a/Packed-FP8\"}]}}";
    struct pls_card card;
    ck_assert_msg(pls_card_parse(json, strlen(json), &card, &err) == PLS_OK, "%s", err.text);
    ck_assert_msg(pls_catalog_insert(catalog, &card, json, &err) == PLS_OK, "%s", err.text);
    ck_assert_str_eq(packed(catalog, "awq"), "b/Packed-four");
    ck_assert_str_eq(packed(catalog, "awq-4bit-g32"), "a/Packed-four");
    ck_assert_str_eq(packed(catalog, "awq-4bit-g64"), "");
    ck_assert_str_eq(packed(catalog, "gptq"), "");
    ck_assert_str_eq(packed(catalog, "fp8"), "maker/Packed");
    ck_assert_str_eq(packed(catalog, "fp8-block"), "maker/Packed");
    ck_assert(repo_is(catalog, "a/Packed-four", "awq-4bit-g32") && repo_is(catalog, "A/packed-FP8", "fp8"));
    ck_assert(repo_is(catalog, "a/Packed-GPTQ", "") && repo_is(catalog, "a/Packed-GGUF", ""));
    ck_assert_int_eq(pls_catalog_resolve(catalog, "packed", &card, &err), PLS_OK);
    ck_assert(holds(&card, "F16") && holds(&card, "BF16") && holds(&card, "Q6_K") && !holds(&card, "Q8_0"));
    ck_assert(holds(&card, "awq") && holds(&card, "awq-4bit-g32") && !holds(&card, "awq-4bit-g64"));
    ck_assert(holds(&card, "fp8-block") && !holds(&card, "gptq") && !holds(&card, "safetensors-bf16"));
    ck_assert((card.held & PLS_HELD_RELEASE_FP8) != 0);
    pls_catalog_close(catalog);
}
END_TEST

START_TEST(same_input_same_bytes)
{
    set_up();
    char other[160];
    snprintf(other, sizeof(other), "%s/other.db", folder);
    build(other);
    size_t n = 0;
    size_t m = 0;
    char *a = slurp(shipped, &n);
    char *b = slurp(other, &m);
    ck_assert_uint_eq(n, m);
    ck_assert_mem_eq(a, b, n);
    free(a);
    free(b);
}
END_TEST

START_TEST(words_choose_cards)
{
    set_up();
    struct pls_catalog *catalog = open_both();
    ck_assert_str_eq(listed(catalog, "qwen coder 30b"), "qwen3-coder-30b-a3b-instruct ");
    ck_assert_str_eq(listed(catalog, "QWEN3 4B"), "qwen3-4b qwen3-4b-instruct-2507 ");
    ck_assert_str_eq(listed(catalog, "llama3.1"), "llama-3.1-8b-instruct ");
    ck_assert_str_eq(listed(catalog, "llama 3.1"), "llama-3.1-8b-instruct ");
    ck_assert_str_eq(listed(catalog, "qwen 3"), listed(catalog, "qwen3"));
    ck_assert_str_eq(listed(catalog, "llama 3 8b"), "llama-3.1-8b-instruct ");
    ck_assert_str_eq(listed(catalog, "qwen 3 4b"), "qwen3-4b qwen3-4b-instruct-2507 ");
    ck_assert_str_eq(listed(catalog, "llama 8b"), "llama-3.1-8b-instruct ");
    ck_assert_str_eq(listed(catalog, "coding"), "qwen3-coder-30b-a3b-instruct ");
    ck_assert_str_eq(listed(catalog, "zebra"), "");
    ck_assert_str_eq(listed(catalog, "\"' OR * NEAR("), ""); /* no syntax of the index is reachable */
    ck_assert_str_eq(listed(catalog, "  "), listed(catalog, NULL));
    struct pls_card card;
    static const char json[] = "{\"id\": \"distill-llama-8b\", \"arch\": \"llama\", " SHAPE ", \"params_total\": 8000000000}";
    ck_assert_msg(pls_card_parse(json, strlen(json), &card, &err) == PLS_OK, "%s", err.text);
    ck_assert_msg(pls_catalog_insert(catalog, &card, json, &err) == PLS_OK, "%s", err.text);
    ck_assert_str_eq(listed(catalog, "llama 8"), "distill-llama-8b llama-3.1-8b-instruct "); /* a size is no version */
    ck_assert_str_eq(listed(catalog, "llama 8b"), listed(catalog, "llama 8"));
    ck_assert_str_eq(listed(catalog, "llama 3"), "llama-3.1-8b-instruct ");
    ck_assert_str_eq(listed(catalog, "qwen coder 3"), "qwen3-coder-30b-a3b-instruct ");
    ck_assert_int_eq(pls_catalog_card(catalog, "qwen3-4b", &card, &err), PLS_OK);
    ck_assert_int_eq(card.evidence, PLS_EVIDENCE_DIRECT);
    ck_assert_uint_eq(card.ability[PLS_TASK_CHAT].n_sources, 7);
    pls_catalog_close(catalog);
}
END_TEST

START_TEST(names_resolve)
{
    set_up();
    struct pls_catalog *catalog = open_both();
    static const char *const llama[] = { "llama-3.1-8b-instruct",
                                         "llama-3.1-8b",
                                         "Llama 3.1 8B",
                                         "LLAMA3.1-8B-INSTRUCT",
                                         "meta-llama/Llama-3.1-8B-Instruct",
                                         "bartowski/Meta-Llama-3.1-8B-Instruct-GGUF",
                                         "llama3.1:8b",
                                         "someone/Meta-Llama-3.1-8B-Instruct-Q4_K_M-GGUF",
                                         "llama3.1:8b-instruct-q4_K_M",
                                         "Llama-3.1-8B-Instruct-4bit" };
    for (size_t i = 0; i < PLS_COUNT_OF(llama); i++) {
        ck_assert_str_eq(resolved(catalog, llama[i]), "llama-3.1-8b-instruct");
    }
    ck_assert_str_eq(resolved(catalog, "mistral-small-24b"), "mistral-small-24b-instruct-2501");
    ck_assert_str_eq(resolved(catalog, "Mistral-Small-24B-Instruct"), "mistral-small-24b-instruct-2501");
    ck_assert_str_eq(resolved(catalog, "qwen3-4b"),
                     "qwen3-4b"); /* the id itself, although another card's stem is the same */
    ck_assert_str_eq(resolved(catalog, "thinker"), "qwen3-4b");
    ck_assert_str_eq(resolved(catalog, "twin-1b"), "'twin-1b' may be twin-1b-chat, twin-1b-it");
    ck_assert_str_eq(resolved(catalog, "qwen4-3b"),
                     "no model is called 'qwen4-3b'; the nearest: qwen3-4b, qwen3-4b-instruct-2507");
    ck_assert_str_eq(resolved(catalog, "mistral"),
                     "mistral-small-24b-instruct-2501"); /* the only one that begins so */
    ck_assert_str_eq(resolved(catalog, "qwen3-coder"), "qwen3-coder-30b-a3b-instruct");
    ck_assert_str_eq(resolved(catalog, "twin"), "'twin' may be twin-1b-it, twin-1b-chat");
    ck_assert_str_eq(resolved(catalog, "twi"),
                     "no model is called 'twi'; the nearest: twin-1b-it, twin-1b-chat");
    ck_assert_str_eq(resolved(catalog, "qwen3-4b-2507"),
                     "qwen3-4b-instruct-2507"); /* a date is never dropped from a question */
    ck_assert_str_eq(resolved(catalog, "qwen3-4b-2601"),
                     "no model is called 'qwen3-4b-2601'; the nearest: qwen3-4b-instruct-2507");
    ck_assert_str_eq(resolved(catalog, "org/qwen3-4b-qat-q4_0-gguf"), "qwen3-4b");
    ck_assert_str_eq(resolved(catalog, "zzzzzzzzzzzzzzzz"), "no model is called 'zzzzzzzzzzzzzzzz'");
    ck_assert_str_eq(resolved(catalog, "\x1b[31m"), "no model is called '\\x1b[31m'");
    ck_assert_str_eq(resolved(catalog, ""), "no model is called ''");
    char lengthy[400];
    memset(lengthy, 'a', sizeof(lengthy) - 1);
    lengthy[sizeof(lengthy) - 1] = '\0';
    ck_assert_ptr_nonnull(strstr(resolved(catalog, lengthy), "no model is called"));
    pls_catalog_close(catalog);
}
END_TEST

START_TEST(own_cards_live_apart)
{
    set_up();
    struct pls_catalog *catalog = open_both();
    size_t n = 0;
    size_t m = 0;
    char *before = slurp(shipped, &n);
    ck_assert_int_ne(access(user, F_OK), 0); /* nothing is created by reading */
    add(catalog, "mine-1b", PLS_OK);
    add(catalog, "mine-1b", PLS_USAGE);
    ck_assert_str_eq(err.text, "mine-1b: is in the catalog already; remove it first");
    add(catalog, "qwen3-4b", PLS_OK); /* takes the place of the shipped one */
    ck_assert_str_eq(listed(catalog, "own"), "mine-1b qwen3-4b ");
    ck_assert_ptr_nonnull(strstr(listed(catalog, NULL),
                                 "llama-3.1-8b-instruct mine-1b mistral-small-24b-instruct-2501 qwen3-4b "
                                 "qwen3-4b-instruct-2507 "));
    struct pls_card card;
    ck_assert_int_eq(pls_catalog_resolve(catalog, "Qwen3 4B", &card, &err), PLS_OK);
    ck_assert_str_eq(card.name, "Mine");
    ck_assert_int_eq(pls_catalog_remove(catalog, "qwen3-4b", &err), PLS_OK);
    ck_assert_int_eq(pls_catalog_remove(catalog, "qwen3-4b", &err), PLS_USAGE); /* the shipped one stays */
    ck_assert_int_eq(pls_catalog_card(catalog, "qwen3-4b", &card, &err), PLS_OK);
    ck_assert_str_eq(card.name, "Qwen3 4B");
    ck_assert_int_eq(pls_catalog_remove(catalog, "none", &err), PLS_USAGE);
    pls_catalog_close(catalog);
    catalog = open_both();
    ck_assert_str_eq(listed(catalog, "own"), "mine-1b ");
    pls_catalog_close(catalog);
    char *after = slurp(shipped, &m);
    ck_assert_uint_eq(n, m);
    ck_assert_mem_eq(before, after, n);
    free(before);
    free(after);
}
END_TEST

START_TEST(rates_are_kept_per_machine)
{
    set_up();
    struct pls_catalog *catalog = open_both();
    struct pls_rates rates;
    ck_assert_int_eq(pls_catalog_rates_load(catalog, "here", &rates, &err), PLS_NO);
    memset(&rates, 0, sizeof(rates));
    rates.ram_gbs = 20.25;
    rates.ram_origin = PLS_ORIGIN_MEASURED;
    rates.n_threads = 2;
    rates.isa = PLS_ISA_AVX2 | PLS_ISA_I8MM;
    rates.measured_at = 1763660000;
    rates.n_tries = 2;
    rates.type[PLS_TYPE_Q4_K].stream_gbs = 18.5;
    rates.type[PLS_TYPE_Q8_0].gemm_gflops = 100.125;
    rates.calibration.type_factor[PLS_TYPE_Q4_K] = 0.93;
    rates.calibration.n_runs = 3;
    ck_assert_msg(pls_catalog_rates_save(catalog, "here", &rates, &err) == PLS_OK, "%s", err.text);
    pls_catalog_close(catalog);
    catalog = open_both();
    struct pls_rates back;
    ck_assert_int_eq(pls_catalog_rates_load(catalog, "elsewhere", &back, &err), PLS_NO);
    ck_assert_int_eq(pls_catalog_rates_load(catalog, "here", &back, &err), PLS_OK);
    ck_assert_mem_eq(&rates, &back, sizeof(rates));
    /* a second save replaces the first: what is no longer known is gone */
    rates.type[PLS_TYPE_Q8_0].gemm_gflops = 0;
    ck_assert_int_eq(pls_catalog_rates_save(catalog, "here", &rates, &err), PLS_OK);
    ck_assert_int_eq(pls_catalog_rates_load(catalog, "here", &back, &err), PLS_OK);
    ck_assert_mem_eq(&rates, &back, sizeof(rates));
    pls_catalog_close(catalog);
}
END_TEST

/* Rates of a container that may use all processors are no use to one that may not. */
START_TEST(rates_belong_to_processor_time)
{
    struct pls_machine m = { .arch = "x86_64", .cpu = { .name = "A CPU", .cores = 32, .threads = 64 } };
    char free_key[PLS_RATES_KEY], loose_key[PLS_RATES_KEY], tight_key[PLS_RATES_KEY];
    pls_catalog_rates_key(&m, free_key, sizeof(free_key));
    m.cpu.quota_cpus = 64; /* allows what there is */
    pls_catalog_rates_key(&m, loose_key, sizeof(loose_key));
    m.cpu.quota_cpus = 1.5;
    pls_catalog_rates_key(&m, tight_key, sizeof(tight_key));
    ck_assert_str_eq(free_key, loose_key);
    ck_assert_str_ne(free_key, tight_key);
}
END_TEST

START_TEST(an_empty_file_is_no_database_yet)
{
    set_up();
    struct pls_catalog *catalog = open_both();
    add(catalog, "mine-0b", PLS_OK); /* makes the folder */
    pls_catalog_close(catalog);
    write_file(user, "", 0);
    catalog = open_both();
    ck_assert_ptr_null(pls_catalog_warning(catalog));
    struct stat before, after;
    ck_assert_int_eq(stat(user, &before), 0);
    add(catalog, "mine-1b", PLS_OK);
    ck_assert_int_eq(stat(user, &after), 0);
    ck_assert_uint_eq(before.st_ino, after.st_ino); /* a file that a container mounts cannot be replaced */
    pls_catalog_close(catalog);
    catalog = open_both();
    ck_assert_ptr_nonnull(strstr(listed(catalog, NULL), "mine-1b"));
    pls_catalog_close(catalog);
}
END_TEST

/* A card of the user's that cannot be read, beside a shipped one of its id. */
static void damage_own(const char *id)
{
    sqlite3 *db = NULL;
    char room[160];
    ck_assert_int_eq(sqlite3_open(user, &db), SQLITE_OK);
    snprintf(room, sizeof(room), "UPDATE models SET layer_kinds = 'ZZ' WHERE id = '%s'", id);
    ck_assert_int_eq(sqlite3_exec(db, room, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

START_TEST(a_damaged_own_card_hides_no_shipped_one)
{
    set_up();
    struct pls_catalog *catalog = open_both();
    add(catalog, "qwen3-4b", PLS_OK);
    add(catalog, "mine-1b", PLS_OK);
    pls_catalog_close(catalog);
    damage_own("qwen3-4b");
    damage_own("mine-1b");
    catalog = open_both();
    struct pls_card card;
    ck_assert_int_eq(pls_catalog_card(catalog, "qwen3-4b", &card, &err), PLS_OK);
    ck_assert_str_eq(card.name, "Qwen3 4B");
    ck_assert_int_eq(pls_catalog_card(catalog, "mine-1b", &card, &err), PLS_DB);
    ck_assert_ptr_nonnull(strstr(err.text, user));
    const char *ids = listed(catalog, NULL);
    ck_assert_ptr_nonnull(strstr(ids, "qwen3-4b "));
    ck_assert_ptr_null(strstr(ids, "mine-1b"));
    char room[2048];
    struct pls_text found = PLS_TEXT(room);
    struct pls_catalog_query all = { .words = NULL };
    ck_assert_int_eq(pls_catalog_search(catalog, &all, append, &found, &err), PLS_OK);
    ck_assert_ptr_nonnull(strstr(room, "qwen3-4b "));
    ck_assert_ptr_nonnull(strstr(pls_catalog_warning(catalog), "is damaged"));
    pls_catalog_close(catalog);
}
END_TEST

START_TEST(bad_files_are_refused)
{
    set_up();
    struct pls_catalog *catalog = NULL;
    char path[160];
    size_t n = 0;
    snprintf(path, sizeof(path), "%s/x.db", folder);
    ck_assert_int_eq(pls_catalog_open(path, NULL, &catalog, &err), PLS_DB); /* missing */
    ck_assert_ptr_null(catalog);
    ck_assert_int_ne(access(path, F_OK), 0);
    write_file(path, "", 0);
    ck_assert_int_eq(pls_catalog_open(path, NULL, &catalog, &err), PLS_DB); /* empty: not one of ours */
    write_file(path,
               "this is no database, but it is long enough to be looked at as "
               "one.....................................",
               100);
    ck_assert_int_eq(pls_catalog_open(path, NULL, &catalog, &err), PLS_DB);
    char *bytes = slurp(shipped, &n);
    bytes[63] = 9; /* user_version, bytes 60..63 of the header */
    write_file(path, bytes, n);
    ck_assert_int_eq(pls_catalog_open(path, NULL, &catalog, &err), PLS_DB);
    ck_assert_ptr_nonnull(strstr(err.text, "schema version 9"));
    bytes[63] = 1;
    memset(bytes + 16384, 0xFF, n - 16384); /* every page after the first */
    write_file(path, bytes, n);
    enum pls_code code = pls_catalog_open(path, NULL, &catalog, &err);
    if (code == PLS_OK) {
        char room[64];
        struct pls_text list = PLS_TEXT(room);
        code = pls_catalog_each(catalog, NULL, append, &list, &err);
    }
    ck_assert_int_eq(code, PLS_DB);
    pls_catalog_close(catalog);
    free(bytes);
}
END_TEST

START_TEST(a_damaged_own_database_is_said_once)
{
    set_up();
    struct pls_catalog *catalog = open_both();
    add(catalog, "mine-1b", PLS_OK);
    pls_catalog_close(catalog);
    write_file(user,
               "garbage that is longer than the sixteen bytes of a header, so that it is looked "
               "at.....................",
               100);
    catalog = open_both();
    ck_assert_ptr_nonnull(pls_catalog_warning(catalog));
    ck_assert_ptr_nonnull(strstr(pls_catalog_warning(catalog), "move it away"));
    ck_assert_ptr_nonnull(strstr(pls_catalog_warning(catalog), "going on without it"));
    ck_assert_ptr_null(strstr(listed(catalog, NULL), "mine-1b"));
    ck_assert_ptr_nonnull(strstr(listed(catalog, NULL), "qwen3-4b"));
    add(catalog, "mine-2b", PLS_IO); /* and nothing is written over it */
    pls_catalog_close(catalog);
    size_t n = 0;
    char *bytes = slurp(user, &n);
    ck_assert_uint_eq(n, 100);
    free(bytes);
}
END_TEST

START_TEST(a_home_that_cannot_be_written)
{
    set_up();
    char file[128];
    struct pls_catalog *catalog = NULL;
    snprintf(file, sizeof(file), "%s/file", folder);
    write_file(file, "x", 1);
    snprintf(user, sizeof(user), "%s/below/user.db",
             file); /* a file where a folder should be: holds for root as well */
    catalog = open_both();
    ck_assert_ptr_null(pls_catalog_warning(catalog));
    ck_assert_ptr_nonnull(strstr(listed(catalog, NULL), "qwen3-4b"));
    add(catalog, "mine-1b", PLS_IO);
    ck_assert_ptr_nonnull(strstr(listed(catalog, NULL), "qwen3-4b"));
    pls_catalog_close(catalog);
}
END_TEST

START_TEST(import_names_the_line)
{
    set_up();
    struct pls_catalog *catalog = NULL;
    char path[160];
    snprintf(path, sizeof(path), "%s/t.db", folder);
    ck_assert_int_eq(pls_catalog_create(path, &catalog, &err), PLS_OK);
    static const char *const text[] = {
        "id\tvendor\tname\tkind\tbandwidth_gbs\nm1\tapple\tM1\tunified\t68.3\nm2\tapple\tM2\n",
        "id\tvendor\tname\tkind\tno_such\n", "id\tvendor\tname\tkind; DROP\n",
        "id\tvendor\tname\tkind\tbandwidth_gbs\nm4\tapple\tM4\tunified\tfast\n"
    };
    static const char *const why[] = { "line 3: 3 cells where the first line has 5",
                                       "line 1: ", "line 1: column 4 has no name", "line 2: " };
    for (size_t i = 0; i < PLS_COUNT_OF(text); i++) {
        ck_assert_int_eq(pls_catalog_import(catalog, "hardware", text[i], strlen(text[i]), &err), PLS_FORMAT);
        ck_assert_msg(strncmp(err.text, why[i], strlen(why[i])) == 0, "%s", err.text);
    }
    pls_catalog_close(catalog);
}
END_TEST

START_TEST(profiles_come_back)
{
    set_up();
    struct pls_catalog *catalog = NULL;
    char path[160];
    snprintf(path, sizeof(path), "%s/t.db", folder);
    ck_assert_int_eq(pls_catalog_create(path, &catalog, &err), PLS_OK);
    static const char tsv[] = "id\tvendor\tname\tkind\tmemory_gib\tbandwidth_gbs\tbackend\tyear\n"
                              "m1\tapple\tApple M1\tunified\t8;16\t200\tmetal\t2020\n";
    ck_assert_msg(pls_catalog_import(catalog, "hardware", tsv, strlen(tsv), &err) == PLS_OK, "%s", err.text);
    static struct pls_profile items[2];
    uint32_t n = 0;
    ck_assert_msg(pls_catalog_profiles(catalog, items, 2, &n, &err) == PLS_OK, "%s", err.text);
    ck_assert_uint_eq(n, 1);
    ck_assert_str_eq(items[0].name, "Apple M1");
    ck_assert_int_eq(items[0].kind, PLS_PROFILE_UNIFIED);
    ck_assert_uint_eq(items[0].n_memory, 2);
    ck_assert(items[0].memory_gib[1] > 15.9 && items[0].memory_gib[1] < 16.1);
    ck_assert(items[0].bandwidth_gbs > 199 && items[0].bandwidth_gbs < 201);
    ck_assert_uint_eq(items[0].year, 2020);
    ck_assert_int_eq(pls_catalog_profiles(catalog, items, 0, &n, &err), PLS_LIMIT);
    pls_catalog_close(catalog);
}
END_TEST

/* 50 readers and 4 writers at once, all starting without a user database: every one of them must succeed. */
START_TEST(readers_never_wait_for_writers)
{
    enum { READERS = 50, WRITERS = 4 };
    set_up();
    for (int i = 0; i < READERS + WRITERS; i++) {
        if (fork() != 0) {
            continue;
        }
        struct pls_catalog *catalog = NULL;
        bool good =
            pls_catalog_open(shipped, user, &catalog, &err) == PLS_OK && pls_catalog_warning(catalog) == NULL;
        char id[32];
        snprintf(id, sizeof(id), "writer-%d", i);
        for (int k = 0; good && k < 10; k++) {
            struct pls_card card;
            good = pls_catalog_resolve(catalog, "qwen3-4b", &card, &err) == PLS_OK;
            if (good && i >= READERS) {
                char json[256];
                snprintf(json, sizeof(json), "{\"id\": \"%s-%d\", \"arch\": \"llama\", " SHAPE "}", id, k);
                good = pls_card_parse(json, strlen(json), &card, &err) == PLS_OK
                       && pls_catalog_insert(catalog, &card, json, &err) == PLS_OK;
            }
        }
        if (!good) {
            fprintf(stderr, "process %d: %s %s\n", i, err.text, catalog ? pls_catalog_warning(catalog) : "");
        }
        pls_catalog_close(catalog);
        _exit(good ? 0 : 1);
    }
    for (int i = 0; i < READERS + WRITERS; i++) {
        int status = 0;
        wait(&status);
        ck_assert_int_eq(status, 0);
    }
    struct pls_catalog *catalog = open_both();
    char room[4096];
    struct pls_text list = PLS_TEXT(room);
    ck_assert_int_eq(pls_catalog_each(catalog, "writer", append, &list, &err), PLS_OK);
    int n = 0;
    for (const char *s = room; *s != '\0'; s++) {
        n += *s == ' ';
    }
    ck_assert_int_eq(n, WRITERS * 10);
    pls_catalog_close(catalog);
}
END_TEST

UNIT_MAIN("catalog", cards_come_back_as_they_went_in, the_repository_that_holds_a_quantization_is_found,
          packed_repositories_are_found_and_counted,
          same_input_same_bytes, words_choose_cards,
          names_resolve, own_cards_live_apart, rates_are_kept_per_machine, bad_files_are_refused,
          rates_belong_to_processor_time, an_empty_file_is_no_database_yet,
          a_damaged_own_card_hides_no_shipped_one, a_damaged_own_database_is_said_once,
          a_home_that_cannot_be_written, import_names_the_line, profiles_come_back,
          readers_never_wait_for_writers)
