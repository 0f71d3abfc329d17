/* The GGUF reader: a sound file is understood, and no lie in a header is believed. */
#include <unistd.h>

#include "gguf_maker.h"
#include "plimsoll/gguf.h"
#include "unit.h"

static char path[64] = "";
static unsigned char *storage;
enum { STORAGE = 32 << 20 };

static struct pls_arena fresh(void)
{
    if (storage == NULL) {
        storage = malloc(STORAGE);
        ck_assert_ptr_nonnull(storage);
        snprintf(path, sizeof(path), "/tmp/plimsoll-test-gguf-%ld.gguf", (long)getpid());
    }
    return pls_arena_over(storage, STORAGE);
}

static enum pls_code read_made(const struct maker *m, uint64_t cut, struct pls_model *model, struct pls_inspection *seen,
                               struct pls_err *err)
{
    struct pls_arena arena = fresh();
    maker_write(m, path, cut);
    enum pls_code code = pls_file_read(path, &arena, model, seen, err);
    unlink(path);
    return code;
}

START_TEST(a_sound_file_is_understood)
{
    static struct maker m;
    struct pls_model model;
    struct pls_inspection seen;
    struct pls_err err = { .text = "" };
    maker_llama(&m);
    ck_assert_msg(read_made(&m, 0, &model, &seen, &err) == PLS_OK, "%s", err.text);
    ck_assert_str_eq(model.card.arch, "llama");
    ck_assert_uint_eq(model.card.n_layers, 1);
    ck_assert_uint_eq(model.card.n_vocab, 100);
    ck_assert_uint_eq(model.card.n_head_kv, 4); /* absent: as many as query heads */
    ck_assert(model.card.tied);
    ck_assert_uint_eq(model.tensors.n, 11);
    ck_assert_int_eq(model.stored.ftype, PLS_FTYPE_F16);
    /* 64*100 + 4*64*64 + 3*64*128 halves and 3*64 floats: (6400 + 16384 + 24576) * 2 + 768 */
    ck_assert_uint_eq(seen.tensor_bytes, 95488);
    ck_assert_uint_eq(seen.params, 6400 + 16384 + 24576 + 192);
    ck_assert_uint_eq(seen.file_bytes, seen.header_bytes + m.data);
}
END_TEST

START_TEST(a_file_cut_anywhere_is_refused)
{
    static struct maker m;
    struct pls_model model;
    maker_llama(&m);
    uint64_t whole = (m.n + 31) / 32 * 32 + m.data;
    for (uint64_t keep = 0; keep < whole; keep += keep < m.n ? 7 : 4001) {
        struct pls_err err = { .text = "" };
        if (keep == 0) {
            continue; /* an empty file: its own test below */
        }
        enum pls_code code = read_made(&m, whole - keep, &model, NULL, &err);
        ck_assert_msg(code != PLS_OK, "accepted after %llu bytes", (unsigned long long)keep);
        ck_assert_int_ne(err.text[0], '\0');
    }
}
END_TEST

static void refused(const struct maker *m, const char *word)
{
    struct pls_model model;
    struct pls_err err = { .text = "" };
    enum pls_code code = read_made(m, 0, &model, NULL, &err);
    ck_assert_msg(code != PLS_OK, "accepted: %s", word);
    ck_assert_msg(strstr(err.text, word) != NULL, "\"%s\" says nothing of \"%s\"", err.text, word);
    ck_assert_ptr_null(strchr(err.text, '\n'));
}

START_TEST(lies_in_counts_are_not_believed)
{
    static struct maker m;
    maker_start(&m, 3, (uint64_t)1 << 60, 0);
    refused(&m, "tensors");
    maker_start(&m, 3, 0, (uint64_t)1 << 60);
    refused(&m, "keys");
    maker_start(&m, 1, 0, 0);
    refused(&m, "version 1");
    maker_start(&m, 0x03000000, 0, 0);
    refused(&m, "big-endian");
    maker_start(&m, 3, 0, 1);
    maker_put(&m, UINT64_MAX, 8); /* length of the first key */
    maker_put(&m, 0, 8);
    refused(&m, "string");
    maker_start(&m, 3, 0, 1);
    maker_text(&m, "a");
    maker_put(&m, 9, 4); /* an array */
    maker_put(&m, 10, 4); /* of u64 */
    maker_put(&m, (uint64_t)1 << 61, 8);
    refused(&m, "array");
    maker_start(&m, 3, 0, 1);
    maker_text(&m, "a");
    maker_put(&m, 77, 4);
    refused(&m, "value type 77");
}
END_TEST

START_TEST(lies_in_tensors_are_not_believed)
{
    static struct maker m;
    maker_start(&m, 3, 1, 0);
    maker_tensor(&m, "x", (uint64_t)1 << 62, (uint64_t)1 << 62, 1, 0);
    refused(&m, "impossible shape");
    maker_start(&m, 3, 1, 0);
    maker_tensor(&m, "x", 100, 4, 12, 0); /* q4_K rows are multiples of 256 */
    refused(&m, "impossible shape");
    maker_start(&m, 3, 1, 0);
    maker_text(&m, "x");
    maker_put(&m, 9, 4); /* dimensions */
    maker_put(&m, 0, 8);
    maker_put(&m, 0, 8);
    maker_put(&m, 0, 8);
    refused(&m, "dimensions");
    maker_start(&m, 3, 1, 0);
    maker_tensor(&m, "a-name-that-is-longer-than-the-63-bytes-that-the-format-allows-for-it", 32, 0, 0, 128);
    refused(&m, "name");
}
END_TEST

START_TEST(absurd_hyperparameters_are_refused)
{
    static struct maker m;
    maker_start(&m, 3, 0, 2);
    maker_string(&m, "general.architecture", "llama");
    maker_u32(&m, "llama.block_count", 4000000000U);
    refused(&m, "block_count");
    maker_start(&m, 3, 0, 0);
    refused(&m, "general.architecture");
}
END_TEST

START_TEST(empty_and_missing_files_say_so)
{
    struct pls_arena arena = fresh();
    struct pls_model model;
    struct pls_err err = { .text = "" };
    FILE *f = fopen(path, "wb");
    fclose(f);
    ck_assert_int_eq(pls_file_read(path, &arena, &model, NULL, &err), PLS_FORMAT);
    unlink(path);
    ck_assert_int_eq(pls_file_read("/nonexistent/model.gguf", &arena, &model, NULL, &err), PLS_IO);
}
END_TEST

/* A folder with a model in two parts: one tensor each, and what part 2 says of itself. */
struct two_parts {
    char folder[64], first[96], second[96];
};

static void write_parts(struct two_parts *p, uint32_t second_no, uint32_t second_count, uint64_t cut)
{
    static struct maker m;
    maker_start(&m, 3, 1, 7);
    maker_string(&m, "general.architecture", "llama");
    maker_u32(&m, "llama.block_count", 1);
    maker_u32(&m, "llama.embedding_length", 64);
    maker_u32(&m, "llama.feed_forward_length", 128);
    maker_u32(&m, "llama.attention.head_count", 4);
    maker_u32(&m, "split.no", 0);
    maker_u32(&m, "split.count", 2);
    maker_tensor(&m, "token_embd.weight", 64, 100, 1, 64 * 100 * 2);
    maker_write(&m, p->first, 0);
    maker_start(&m, 3, 1, 2);
    maker_u32(&m, "split.no", second_no);
    maker_u32(&m, "split.count", second_count);
    maker_tensor(&m, "output_norm.weight", 64, 0, 0, 64 * 4);
    maker_write(&m, p->second, cut);
}

START_TEST(every_part_of_a_split_model_is_looked_at)
{
    struct two_parts p;
    struct pls_model model;
    struct pls_inspection seen;
    struct pls_err err = { .text = "" };
    fresh();
    snprintf(p.folder, sizeof(p.folder), "/tmp/plimsoll-split-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(p.folder));
    snprintf(p.first, sizeof(p.first), "%s/m-00001-of-00002.gguf", p.folder);
    snprintf(p.second, sizeof(p.second), "%s/m-00002-of-00002.gguf", p.folder);
    static const struct {
        uint32_t no, count;
        uint64_t cut;
        const char *says; /* NULL: sound */
    } cases[] = {
        { 1, 2, 0, NULL },
        { 1, 2, 1, "truncated" },      /* the last byte of part 2 is missing */
        { 0, 2, 0, "part 2 of 2" },    /* part 1 again, under another name */
        { 1, 3, 0, "part 2 of 2" },    /* of another split */
    };
    for (size_t i = 0; i < PLS_COUNT_OF(cases); i++) {
        struct pls_arena arena = fresh();
        write_parts(&p, cases[i].no, cases[i].count, cases[i].cut);
        enum pls_code code = pls_file_read(p.first, &arena, &model, &seen, &err);
        ck_assert_int_eq(code, cases[i].says == NULL ? PLS_OK : PLS_FORMAT);
        if (cases[i].says != NULL) {
            ck_assert_msg(strstr(err.text, cases[i].says) != NULL, "%s", err.text);
        } else {
            ck_assert_uint_eq(model.tensors.n, 2);
            ck_assert_uint_eq(seen.tensor_bytes, 64 * 100 * 2 + 64 * 4);
        }
    }
    unlink(p.first);
    unlink(p.second);
    rmdir(p.folder);
}
END_TEST

START_TEST(names_tell_model_size_and_quant)
{
    struct pls_file_name n;
    ck_assert(pls_file_name_parse("/models/Qwen2.5-VL-7B-Instruct-Q4_K_M.gguf", &n));
    ck_assert_str_eq(n.base, "Qwen2.5-VL-7B-Instruct");
    ck_assert_str_eq(n.size, "7B");
    ck_assert_str_eq(n.quant, "Q4_K_M");
    ck_assert_int_eq(n.parsed.ftype, PLS_FTYPE_Q4_K_M);
    ck_assert(pls_file_name_parse("Qwen3-30B-A3B-UD-Q4_K_XL-00001-of-00003.gguf", &n));
    ck_assert_str_eq(n.base, "Qwen3-30B-A3B");
    ck_assert_str_eq(n.size, "30B-A3B");
    ck_assert_str_eq(n.quant, "UD-Q4_K_XL");
    ck_assert(n.parsed.from_name);
    ck_assert_uint_eq(n.split_count, 3);
    ck_assert(pls_file_name_parse("mixtral-8x7b-instruct-v0.1.Q5_0.gguf", &n));
    ck_assert_str_eq(n.base, "mixtral-8x7b-instruct-v0.1");
    ck_assert_int_eq(n.parsed.ftype, PLS_FTYPE_Q5_0);
    ck_assert(pls_file_name_parse("gemma-3-27b-it-f16.gguf", &n));
    ck_assert_int_eq(n.parsed.ftype, PLS_FTYPE_F16);
    ck_assert(!pls_file_name_parse("notes.txt", &n));
    ck_assert(pls_file_name_parse("phi-4.gguf", &n));
    ck_assert(!n.has_quant);
}
END_TEST

START_TEST(configs_become_cards)
{
    static const char json[] = "{\"model_type\":\"qwen3\",\"hidden_size\":4096,\"num_hidden_layers\":36,"
                               "\"num_attention_heads\":32,\"num_key_value_heads\":8,\"head_dim\":128,"
                               "\"intermediate_size\":12288,\"vocab_size\":151936,\"max_position_embeddings\":40960,"
                               "\"tie_word_embeddings\":false,\"torch_dtype\":\"bfloat16\"}";
    struct pls_card card;
    struct pls_quant quant;
    struct pls_err err = { .text = "" };
    ck_assert_msg(pls_config_parse(json, sizeof(json) - 1, &card, &quant, &err) == PLS_OK, "%s", err.text);
    ck_assert_str_eq(card.arch, "qwen3");
    ck_assert_uint_eq(card.n_layers, 36);
    ck_assert_uint_eq(card.qk_norm, PLS_QK_NORM_HEAD);
    ck_assert_int_eq(card.native, PLS_TYPE_BF16);
    static const char *const bad[][2] = {
        { "{\"model_type\":\"llama\",\"num_hidden_layers\":-3}", "num_hidden_layers" },
        { "{\"model_type\":\"llama\",\"hidden_size\":1e99}", "hidden_size" },
        { "{\"model_type\":\"nosuch\"}", "nosuch" },
        { "[1,2]", "object" },
        { "{\"model_type\":", "object" },
        { "{}", "model_type" },
    };
    for (size_t i = 0; i < PLS_COUNT_OF(bad); i++) {
        ck_assert_int_ne(pls_config_parse(bad[i][0], strlen(bad[i][0]), &card, &quant, &err), PLS_OK);
        ck_assert_msg(strstr(err.text, bad[i][1]) != NULL, "%s", err.text);
    }
}
END_TEST

UNIT_MAIN("gguf", a_sound_file_is_understood, a_file_cut_anywhere_is_refused, lies_in_counts_are_not_believed,
          lies_in_tensors_are_not_believed, absurd_hyperparameters_are_refused, empty_and_missing_files_say_so,
          every_part_of_a_split_model_is_looked_at, names_tell_model_size_and_quant, configs_become_cards)
