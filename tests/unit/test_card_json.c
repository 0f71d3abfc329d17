/* Card files: what is read, and how a mistake is named. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plimsoll/gguf.h"
#include "unit.h"

#define SHAPE                                                                                                \
    "\"n_layers\": 4, \"vocab_size\": 1000, \"hidden_size\": 64, \"intermediate_size\": 128, \"n_heads\": "  \
    "4, \"n_kv_heads\": 2,"                                                                                  \
    " \"max_context\": 4096"
#define CARD(more, shape)                                                                                    \
    "{\"id\": \"tiny-1b-instruct\", \"arch\": \"llama\"" more ", \"shape\": {" SHAPE shape "}}"

static struct pls_card card;
static struct pls_err err;

static enum pls_code parse(const char *json)
{
    memset(&card, 0xAA, sizeof(card));
    err.text[0] = '\0';
    return pls_card_parse(json, strlen(json), &card, &err);
}

/* The text must be refused with exactly this sentence. */
static void refuse(const char *json, const char *sentence)
{
    ck_assert_int_eq(parse(json), PLS_FORMAT);
    ck_assert_str_eq(err.text, sentence);
}

START_TEST(reads_what_a_card_says)
{
    ck_assert_int_eq(
        parse(CARD(
            ", \"name\": \"Tiny 1B\", \"family\": \"tiny\", \"org\": \"Org\", \"license\": \"mit\","
            " \"hf_repo\": \"org/Tiny-1B\", \"release_date\": \"2025-04\", \"params_total\": 30532122624,"
            " \"modalities\": [\"text\", \"image\"], \"use_cases\": [\"chat\", \"vision\"],"
            " \"native_weights\": \"bf16\", \"mmproj_params\": null",
            ", \"tie_embeddings\": true, \"qk_norm\": \"per_head\"")),
        PLS_OK);
    ck_assert_str_eq(card.id, "tiny-1b-instruct");
    ck_assert_str_eq(card.name, "Tiny 1B");
    ck_assert_str_eq(card.family, "tiny");
    ck_assert_uint_eq(card.release, 202504);
    ck_assert_uint_eq(card.params_total, 30532122624ULL); /* does not fit 32 bits */
    ck_assert_uint_eq(card.modalities, PLS_MODALITY_TEXT | PLS_MODALITY_IMAGE);
    ck_assert_uint_eq(card.tasks, 1U << PLS_TASK_CHAT | 1U << PLS_TASK_VISION);
    ck_assert_uint_eq(card.n_layers, 4);
    ck_assert_uint_eq(card.head_dim, 16); /* completed: 64 / 4 */
    ck_assert_uint_eq(card.qk_norm, PLS_QK_NORM_HEAD);
    ck_assert(card.tied);
    ck_assert(!card.qkv_bias);
    ck_assert_uint_eq(card.mmproj_params, 0);
    ck_assert_int_eq(card.native, PLS_TYPE_BF16);
    ck_assert_int_eq(card.source, PLS_SOURCE_CARD);
}
END_TEST

START_TEST(flat_cards_are_cards_too)
{
    ck_assert_int_eq(parse("{\"id\": \"t\", \"arch\": \"llama\", " SHAPE "}"), PLS_OK);
    ck_assert_uint_eq(card.n_head_kv, 2);
}
END_TEST

START_TEST(lists_have_an_entry_per_layer)
{
    ck_assert_int_eq(parse(CARD("", ", \"layer_kinds\": \"SSSF\", \"sliding_window\": 512")), PLS_OK);
    ck_assert_str_eq(card.kind, "SSSF");
    ck_assert_int_eq(
        parse("{\"id\": \"t\", \"arch\": \"llama\", \"shape\": {\"intermediate_size\": [128, 256, 64, 128],"
              " \"n_kv_heads\": [2, 2, 1, 2], \"n_layers\": 4, \"vocab_size\": 1000, \"hidden_size\": 64,"
              " \"n_heads\": 4, \"max_context\": 4096}}"),
        PLS_OK);
    ck_assert_uint_eq(card.n_ff, 256); /* the scalar is the widest */
    ck_assert_uint_eq(card.ff[2], 64);
    ck_assert_uint_eq(card.head_kv[2], 1);
    refuse(CARD("", ", \"layer_kinds\": \"SSS\""),
           "tiny-1b-instruct: layer_kinds: needs one letter per layer");
    refuse(CARD("", ", \"layer_kinds\": \"SSSX\""),
           "tiny-1b-instruct: layer_kinds: not a word of the letters FSGKLMmCPDENV");
    refuse("{\"id\": \"t\", \"arch\": \"llama\", \"n_layers\": 4, \"n_heads\": [4, 4, 4]}",
           "t: n_heads: needs one entry per layer");
    refuse("{\"id\": \"t\", \"arch\": \"llama\", \"n_layers\": 4, \"n_heads\": [4, 4, 4, 65536]}",
           "t: n_heads: an entry is not a whole number");
    refuse("{\"id\": \"t\", \"arch\": \"llama\", \"n_layers\": 4, \"vocab_size\": [1, 2, 3, 4]}",
           "t: vocab_size: a list is not allowed here");
}
END_TEST

START_TEST(wrong_types_are_named)
{
    refuse("{\"id\": \"t\", \"arch\": \"llama\", \"n_layers\": \"4\"}", "t: n_layers: not a number");
    refuse("{\"id\": \"t\", \"arch\": \"llama\", \"n_layers\": -4}",
           "t: n_layers: not a whole number in range");
    refuse("{\"id\": \"t\", \"arch\": \"llama\", \"n_layers\": 1.5}",
           "t: n_layers: not a whole number in range");
    refuse("{\"id\": \"t\", \"arch\": \"llama\", \"n_layers\": 1e300}",
           "t: n_layers: not a whole number in range");
    refuse("{\"id\": \"t\", \"arch\": \"llama\", \"n_layers\": 4294967296}",
           "t: n_layers: not a whole number in range");
    refuse("{\"id\": \"t\", \"arch\": \"llama\", \"n_layers\": null}", "t: n_layers: missing or 0");
    refuse("{\"id\": \"t\", \"n_layers\": 4}", "t: arch: missing");
    refuse("{\"id\": \"t\", \"arch\": 7}", "t: arch: not a text");
    refuse("{\"id\": \"Big Name\", \"arch\": \"llama\"}",
           "card: id: not made of lower-case letters, digits, '.', '-' and '_'");
    refuse(CARD("", ", \"tie_embeddings\": 1"), "tiny-1b-instruct: tie_embeddings: not true or false");
    refuse(CARD("", ", \"qk_norm\": \"some\""), "tiny-1b-instruct: qk_norm: not one of none, per_head, full");
    refuse(CARD(", \"release_date\": \"April\"", ""),
           "tiny-1b-instruct: release_date: not a date like 2025-04");
    refuse(CARD(", \"release_date\": \"2025-13\"", ""),
           "tiny-1b-instruct: release_date: not a date like 2025-04");
    refuse(CARD(", \"use_cases\": [\"juggling\"]", ""),
           "tiny-1b-instruct: use_cases: holds a word that means nothing here");
}
END_TEST

START_TEST(a_misspelt_key_is_an_error)
{
    refuse(CARD("", ", \"n_layer\": 4"), "tiny-1b-instruct: n_layer: no such key in shape");
    refuse(CARD(", \"licence\": \"mit\"", ""), "tiny-1b-instruct: licence: no such key");
}
END_TEST

START_TEST(evidence_has_sources)
{
    refuse(CARD(", \"benchmarks\": {\"mmlu\": {\"score\": 50}}", ""),
           "tiny-1b-instruct: mmlu: needs a score, a source and a date");
    refuse(CARD(", \"checkpoint\": {\"params\": -1, \"tolerance\": 0.1}", ""),
           "tiny-1b-instruct: params: not a whole number");
    ck_assert_int_eq(parse(CARD(", \"variants\": {\"gguf\": [{\"repo\": \"a/b-GGUF\", \"unverified\": true}, "
                                "{\"repo\": \"c/d-GGUF\"}],"
                                " \"ollama\": [{\"tag\": \"tiny:1b\", \"unverified\": true}]}",
                                "")),
                     PLS_OK);
    ck_assert_str_eq(card.gguf_repo, "c/d-GGUF"); /* the first that was seen */
    ck_assert_str_eq(card.ollama_tag, "");        /* never seen: no command will name it */
}
END_TEST

/* The lists are known, and so is what may stand in them: what is wrong there would come to light in a
 * database or in a command. */
START_TEST(variants_are_lists_of_what_can_be_named)
{
    static const struct {
        const char *variants;
        const char *why; /* NULL: nothing is wrong */
    } tries[] = {
        { "[1]", "variants: not an object" },
        { "{\"awq\": \"a/b\"}", "awq: not a list" },
        { "{\"awq\": true}", "awq: not a list" },
        { "{\"fp8\": {\"repo\": \"a/b\"}}", "fp8: not a list" },
        { "{\"exl2\": []}", "exl2: no such key in variants" },
        { "{\"gptq\": [{\"tag\": \"a/b\"}]}", "gptq: an entry has no repo or tag" },
        { "{\"mlx\": [\"a/b\"]}", "mlx: an entry has no repo or tag" },
        { "{\"gguf\": [{\"repo\": \"a/\\u001bb\"}]}", "gguf: a name holds characters that cannot be shown" },
        { "{\"fp8\": [{\"repo\": \"a/\\u202eb\"}]}", "fp8: a name holds characters that cannot be shown" },
        { "{\"awq\": [{\"repo\": \"a/b\", \"quants\": \"awq\"}]}", "awq: quants: not a list of its quantizations" },
        { "{\"awq\": [{\"repo\": \"a/b\", \"quants\": [4]}]}", "awq: quants: not a list of its quantizations" },
        { "{\"awq\": [{\"repo\": \"a/b\", \"quants\": [\"gptq\"]}]}", "awq: quants: not a list of its quantizations" },
        { "{\"gguf\": [{\"repo\": \"a/b\", \"quants\": [\"Q9\"]}]}", "gguf: quants: not a list of its quantizations" },
        { "{\"gguf\": [{\"repo\": \"a/b\", \"quants\": [\"FP16\", \"UD-Q4_K_XL\"]}], \"awq\": [],"
          " \"mlx\": [{\"repo\": \"a/b\", \"quants\": [\"mlx-4bit\"]}], \"ollama\": [{\"tag\": \"b:1b\"}],"
          " \"fp8\": [{\"repo\": \"a/\\\\u0000\", \"quants\": [\"fp8-block\"]}]}", NULL },
    };
    char json[2048];
    char why[128];
    for (size_t i = 0; i < PLS_COUNT_OF(tries); i++) {
        (void)snprintf(json, sizeof(json), CARD(", \"variants\": %s", ""), tries[i].variants);
        (void)snprintf(why, sizeof(why), "tiny-1b-instruct: %s", tries[i].why != NULL ? tries[i].why : "");
        if (tries[i].why != NULL) {
            refuse(json, why);
        } else {
            ck_assert_msg(parse(json) == PLS_OK, "%s", err.text);
        }
    }
    (void)snprintf(json, sizeof(json), CARD(", \"variants\": {\"awq\": [{\"repo\": \"a/%0120d\"}]}", ""), 7);
    refuse(json, "tiny-1b-instruct: awq: a name is too long");
    refuse(CARD(", \"variants\": {\"awq\": [{\"repo\": \"a/b\\u0000c\"}]}", ""), "holds a NUL character");
}
END_TEST

START_TEST(text_that_is_no_card)
{
    ck_assert_int_eq(parse(""), PLS_FORMAT);
    ck_assert_int_eq(parse("[1, 2]"), PLS_FORMAT);
    ck_assert_int_eq(parse("{\"id\": \"t\"} trailing"), PLS_FORMAT);
    ck_assert_int_eq(parse("{\"id\": \"t\""), PLS_FORMAT);
    refuse("{}", "holds neither \"cards\" nor a card with an \"id\"");
    refuse("{\"schema\": \"plimsoll.cards/1\", \"cards\": 3}", "cards: not a list");
    ck_assert_int_eq(parse("{\"schema\": \"plimsoll.cards/9\", \"cards\": []}"), PLS_UNSUPPORTED);
    refuse("{\"schema\": \"plimsoll.cards/1\", \"cards\": [{\"id\": \"a\"}, {\"id\": \"b\"}]}",
           "holds 2 cards where one is wanted");
    ck_assert_int_eq(pls_card_parse(NULL, 0, &card, &err), PLS_FORMAT);
}
END_TEST

START_TEST(layers_are_bounded)
{
    char json[256];
    snprintf(json, sizeof(json),
             "{\"id\": \"t\", \"arch\": \"llama\", \"n_layers\": %d, \"vocab_size\": 10, \"hidden_size\": 64,"
             " \"n_heads\": 4, \"n_kv_heads\": 4, \"intermediate_size\": 64}",
             PLS_MAX_LAYERS + 1);
    ck_assert_int_ne(parse(json), PLS_OK);
    ck_assert_ptr_nonnull(strstr(err.text, "t: "));
}
END_TEST

/* Every shipped card: written and read back, it is the same card. */
static bool round_trip(const struct pls_card *one, const char *json, void *context)
{
    static char text[1 << 16];
    (void)json;
    ck_assert_msg(pls_card_format(one, text, sizeof(text), &err) == PLS_OK, "%s", err.text);
    ck_assert_msg(parse(text) == PLS_OK, "%s", err.text);
    ck_assert_msg(memcmp(&card, one, sizeof(card)) == 0, "%s: %s", one->id, text);
    ++*(int *)context;
    return true;
}

START_TEST(a_written_card_reads_back)
{
    static const char *const files[] = { "llama",     "qwen3.5", "gemma4",    "gemma3n",     "deepseek-v4",
                                         "nemotron",  "laguna",  "granite4",  "step",        "glm5",
                                         "embedding", "mimo",    "falcon-h1", "kimi-linear", "jamba" };
    int n = 0;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        static char text[1 << 18];
        char path[64];
        snprintf(path, sizeof(path), "data/cards/%s.json", files[i]);
        FILE *file = fopen(path, "rb");
        ck_assert_msg(file != NULL, "%s", path);
        size_t len = fread(text, 1, sizeof(text), file);
        fclose(file);
        ck_assert_msg(pls_cards_parse(text, len, round_trip, &n, &err) == PLS_OK, "%s: %s", path, err.text);
    }
    ck_assert_int_gt(n, 60);
}
END_TEST

START_TEST(names_from_anywhere_are_written_safely)
{
    char text[4096];
    ck_assert_int_eq(parse(CARD("", "")), PLS_OK);
    struct pls_card odd = card;
    strcpy(odd.name, "a\"b\\c\n\xff\xc3\xa9");
    ck_assert_int_eq(pls_card_format(&odd, text, sizeof(text), &err), PLS_OK);
    ck_assert_int_eq(parse(text), PLS_OK);
    ck_assert_str_eq(card.name, "a\"b\\c\n?\xc3\xa9");
    ck_assert_int_eq(pls_card_format(&odd, text, 100, &err), PLS_LIMIT);
    ck_assert_int_eq(pls_card_format(&odd, text, 0, &err), PLS_LIMIT);
}
END_TEST

struct seen {
    int n;
    char json[512];
};

static bool count(const struct pls_card *one, const char *json, void *context)
{
    struct seen *seen = context;
    seen->n++;
    ck_assert_str_eq(one->family, "kin");
    snprintf(seen->json, sizeof(seen->json), "%s", json);
    return true;
}

START_TEST(a_file_is_all_or_nothing)
{
    static const char good[] =
        "{\"schema\": \"plimsoll.cards/1\", \"family\": \"kin\", \"cards\": ["
        "{\"id\": \"a\", \"arch\": \"llama\", " SHAPE "}, {\"id\": \"b\", \"arch\": \"llama\", " SHAPE "}]}";
    static const char bad[] =
        "{\"schema\": \"plimsoll.cards/1\", \"family\": \"kin\", \"cards\": ["
        "{\"id\": \"a\", \"arch\": \"llama\", " SHAPE "}, {\"id\": \"b\", \"n_layers\": true}]}";
    struct seen seen = { 0 };
    ck_assert_int_eq(pls_cards_parse(good, strlen(good), count, &seen, &err), PLS_OK);
    ck_assert_int_eq(seen.n, 2);
    /* the card's own text stands alone: it has its family, and reads back as the same card */
    ck_assert_ptr_nonnull(strstr(seen.json, "\"family\":\"kin\""));
    ck_assert_int_eq(parse(seen.json), PLS_OK);
    ck_assert_str_eq(card.id, "b");
    seen.n = 0;
    ck_assert_int_eq(pls_cards_parse(bad, strlen(bad), count, &seen, &err), PLS_FORMAT);
    ck_assert_int_eq(seen.n, 0);
}
END_TEST

UNIT_MAIN("card_json", reads_what_a_card_says, flat_cards_are_cards_too, lists_have_an_entry_per_layer,
          wrong_types_are_named, a_misspelt_key_is_an_error, evidence_has_sources,
          variants_are_lists_of_what_can_be_named, text_that_is_no_card,
          layers_are_bounded, a_written_card_reads_back, names_from_anywhere_are_written_safely,
          a_file_is_all_or_nothing)
