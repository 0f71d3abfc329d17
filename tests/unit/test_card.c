/* What a card says of each layer: patterns, widths, caches and states, by pencil. */
#include <check.h>
#include <string.h>

#include "plimsoll/card.h"
#include "plimsoll/text.h"
#include "unit.h"

static struct pls_card card_of(const char *arch, uint32_t layers)
{
    struct pls_card card = { .n_layers = layers,
                             .n_embd = 2048,
                             .n_vocab = 1000,
                             .n_head = 16,
                             .n_head_kv = 4,
                             .n_ff = 4096,
                             .head_dim = 128 };
    PLS_COPY(card.arch, arch);
    return card;
}

static void complete(struct pls_card *card)
{
    struct pls_err err = { PLS_OK, "" };
    ck_assert_msg(pls_card_complete(card, &err) == PLS_OK, "%s: %s", card->arch, err.text);
}

START_TEST(patterns_follow_the_architecture)
{
    static const struct {
        const char *arch;
        uint32_t layers, window, period;
        const char *kinds;
    } want[] = {
        { "gemma2", 4, 0, 0, "SFSF" },        { "gpt-oss", 4, 128, 0, "SFSF" },
        { "gemma3", 8, 1024, 0, "SSSSSFSS" }, { "gemma3n", 6, 512, 0, "SSSSFS" },
        { "cohere2", 5, 4096, 0, "SSSFS" },   { "llama4", 5, 0, 0, "SSSFS" },
        { "laguna", 5, 512, 0, "FSSSF" },     { "modern-bert", 4, 128, 0, "FSSF" },
        { "olmo2", 4, 0, 0, "FFFF" },         { "olmo2", 4, 4096, 0, "SSSF" },
        { "exaone4", 4, 4096, 0, "FFFF" },    { "phi3", 3, 2048, 0, "FFF" },
        { "gemma3", 4, 1024, 2, "SFSF" },     { "gemma3", 3, 1024, 1, "FFF" },
        { "falcon-h1", 2, 0, 0, "PP" },       { "qwen35", 5, 0, 0, "GGGFG" },
    };
    for (size_t i = 0; i < PLS_COUNT_OF(want); i++) {
        struct pls_card card = card_of(want[i].arch, want[i].layers);
        card.sliding_window = want[i].window;
        card.swa_period = want[i].period;
        card.ssm_conv = 4;
        card.ssm_state = 128;
        card.ssm_inner = 4096;
        card.ssm_heads = 32;
        card.ssm_groups = 1;
        complete(&card);
        ck_assert_msg(strcmp(card.kind, want[i].kinds) == 0, "%s: %s, not %s", want[i].arch, card.kind,
                      want[i].kinds);
    }
}
END_TEST

/* A head count of zero says there is no attention; what there is instead, the architecture knows. */
START_TEST(kinds_follow_from_missing_kv_heads)
{
    struct pls_card card = card_of("nemotron_h", 3);
    card.ssm_conv = 4;
    card.ssm_state = 128;
    card.ssm_inner = 4096;
    card.ssm_heads = 64;
    card.ssm_groups = 8;
    card.head_kv[2] = 4;
    card.ff[1] = 4096;
    complete(&card);
    ck_assert_str_eq(card.kind, "MDF");
    ck_assert_uint_eq(pls_card_layer(&card, 0).n_ff, 0);
    ck_assert_uint_eq(pls_card_layer(&card, 0).k_cache_width, 0);
    ck_assert_uint_eq(pls_card_layer(&card, 2).k_cache_width, 4 * 128);
    /* (4 - 1) * (4096 + 2 * 8 * 128) = 18,432 and 128 * 4096 = 524,288 */
    ck_assert_uint_eq(pls_card_layer(&card, 0).conv_state, 18432);
    ck_assert_uint_eq(pls_card_layer(&card, 0).ssm_state, 524288);
}
END_TEST

/* Qwen3.5 9B: 3 * (4096 + 2 * 16 * 128) = 24,576 and 128 * 4096 = 524,288 floats in each of 24 layers:
 * 52,690,944 bytes. */
START_TEST(gated_delta_state_of_a_published_model)
{
    struct pls_card card = card_of("qwen35", 32);
    uint64_t floats = 0;
    card.ssm_conv = 4;
    card.ssm_state = 128;
    card.ssm_heads = 32;
    card.ssm_groups = 16;
    complete(&card);
    for (uint32_t i = 0; i < 32; i++) {
        struct pls_layer l = pls_card_layer(&card, i);
        floats += l.conv_state + l.ssm_state;
    }
    ck_assert_uint_eq(floats * 4, 52690944);
}
END_TEST

static struct pls_card mla(const char *arch)
{
    struct pls_card card = card_of(arch, 4);
    card.kv_lora_rank = 512;
    card.qk_nope_dim = 128;
    card.qk_rope_dim = 64;
    card.head_dim_v = 128;
    return card;
}

START_TEST(latent_attention_caches_the_latent)
{
    struct pls_card card = mla("deepseek2");
    complete(&card);
    ck_assert_uint_eq(pls_card_layer(&card, 0).k_cache_width, 576);
    ck_assert_uint_eq(pls_card_layer(&card, 0).v_cache_width, 0);
    ck_assert_uint_eq(card.head_kv[0], 1);
    /* Before the split: 16 heads of 192 and of 128. MiniCPM3 still does. */
    card = mla("deepseek2");
    card.legacy_mla = true;
    complete(&card);
    ck_assert_uint_eq(pls_card_layer(&card, 0).k_cache_width, 16 * 192);
    ck_assert_uint_eq(pls_card_layer(&card, 0).v_cache_width, 16 * 128);
    card = mla("minicpm3");
    complete(&card);
    ck_assert_uint_eq(pls_card_layer(&card, 0).k_cache_width, 16 * 192);
}
END_TEST

START_TEST(indexers_cache_keys_of_their_own)
{
    struct pls_card card = mla("deepseek32");
    card.index_n_head = 64;
    card.index_head_dim = 128;
    complete(&card);
    ck_assert_uint_eq(pls_card_layer(&card, 3).index_cache_width, 128);
    card = mla("glm-dsa");
    card.index_n_head = 64;
    card.index_head_dim = 128;
    card.indexer[1] = 1;
    complete(&card);
    ck_assert_uint_eq(pls_card_layer(&card, 0).index_cache_width, 0);
    ck_assert_uint_eq(pls_card_layer(&card, 1).index_cache_width, 128);
    card = card_of("minimax-m3", 4);
    card.index_n_head = 4;
    card.index_head_dim = 128;
    card.n_dense_lead = 3;
    complete(&card);
    ck_assert_uint_eq(pls_card_layer(&card, 2).index_cache_width, 0);
    ck_assert_uint_eq(pls_card_layer(&card, 3).index_cache_width, 128);
}
END_TEST

/* Ratio 4: 512 + 128 per entry, and two windows of four rows twice as wide, once for values and once for
 * scores: 8 * 2 * 640 = 10,240 each. Ratio 128: 512 per entry, 128 * 512 = 65,536 each. */
START_TEST(deepseek_v4_keeps_a_window_and_compressed_entries)
{
    struct pls_card card = card_of("deepseek4", 3);
    PLS_COPY(card.kind, "VVV");
    card.head_dim = 512;
    card.n_head_kv = 1;
    card.sliding_window = 128;
    card.index_head_dim = 128;
    card.compress[1] = 4;
    card.compress[2] = 128;
    complete(&card);
    struct pls_layer plain = pls_card_layer(&card, 0);
    struct pls_layer four = pls_card_layer(&card, 1);
    struct pls_layer many = pls_card_layer(&card, 2);
    ck_assert(plain.is_sliding && plain.k_cache_width == 512 && plain.v_cache_width == 0
              && plain.compress_ratio == 0);
    ck_assert(four.compress_ratio == 4 && four.compressed_width == 640);
    ck_assert(four.conv_state == 10240 && four.ssm_state == 10240);
    ck_assert(many.compressed_width == 512 && many.conv_state == 65536);
}
END_TEST

/* Gemma 4: sliding layers with heads of their own, the last two layers without a cache, twice as wide inside.
 */
START_TEST(gemma4_differs_by_kind_of_layer)
{
    struct pls_card card = card_of("gemma4", 6);
    PLS_COPY(card.kind, "SSSFSF");
    card.sliding_window = 512;
    card.head_dim = 512;
    card.head_dim_swa = 256;
    card.n_head_kv = 2;
    card.n_head_kv_swa = 8;
    card.n_kv_shared_layers = 2;
    card.double_wide_mlp = true;
    complete(&card);
    ck_assert_uint_eq(pls_card_layer(&card, 0).k_cache_width, 8 * 256);
    ck_assert_uint_eq(pls_card_layer(&card, 3).v_cache_width, 2 * 512);
    ck_assert_uint_eq(pls_card_layer(&card, 4).k_cache_width, 0);
    ck_assert(pls_card_layer(&card, 5).has_attention);
    ck_assert_uint_eq(pls_card_layer(&card, 3).n_ff, 4096);
    ck_assert_uint_eq(pls_card_layer(&card, 4).n_ff, 8192);
}
END_TEST

START_TEST(mtp_blocks_count_only_where_the_file_has_them)
{
    struct pls_card card = card_of("glm4moe", 4);
    card.n_mtp_layers = 1;
    complete(&card); /* its converters always write them, and the engine gives them a cache */
    ck_assert_uint_eq(card.n_mtp_layers, 1);
    ck_assert(pls_card_layer(&card, 4).is_mtp);
    ck_assert_uint_eq(pls_card_layer(&card, 4).k_cache_width, 4 * 128);
    card = card_of("qwen3moe", 4);
    card.n_mtp_layers = 1;
    complete(&card);
    ck_assert_uint_eq(card.n_mtp_layers, 0);
    card = mla("deepseek32");
    card.n_mtp_layers = 1;
    card.mtp_in_file = true;
    complete(&card); /* in the file, but cached in an MTP context only */
    ck_assert_uint_eq(pls_card_layer(&card, 4).k_cache_width, 0);
}
END_TEST

START_TEST(experts_sit_where_lead_step_and_phase_say)
{
    struct pls_card card = card_of("llama4", 6);
    card.n_expert = 16;
    card.n_expert_used = 1;
    card.n_ff_exp = 512;
    card.moe_layer_step = 2;
    card.n_dense_lead = 2;
    complete(&card);
    static const bool want[] = { false, false, false, true, false, true };
    for (uint32_t i = 0; i < 6; i++) {
        ck_assert_msg(pls_card_layer(&card, i).is_moe == want[i], "layer %u", i);
        ck_assert_uint_eq(pls_card_layer(&card, i).n_ff, want[i] ? 0 : 4096);
    }
    ck_assert_uint_eq(card.n_ff_shexp, 512); /* one shared expert, which its files do not count */
}
END_TEST

START_TEST(encoders_keep_nothing)
{
    struct pls_card card = card_of("bert", 2);
    complete(&card);
    ck_assert(card.is_encoder);
    ck_assert_uint_eq(pls_card_layer(&card, 0).k_cache_width, 0);
}
END_TEST

/* The widest heads that pass: 65,535 of 65,536 is 4,294,901,760, just inside 32 bits; one wider is refused.
 */
START_TEST(widths_cannot_wrap)
{
    struct pls_card card = card_of("llama", 1);
    struct pls_err err;
    card.n_head = 65535;
    card.n_head_kv = 65535;
    card.head_dim = 65536;
    complete(&card);
    ck_assert_uint_eq(pls_card_layer(&card, 0).k_cache_width, 4294901760);
    card = card_of("llama", 1);
    card.head_dim = 65537;
    ck_assert_int_eq(pls_card_complete(&card, &err), PLS_FORMAT);
    card = card_of("llama", 1);
    card.head_dim = 0;
    card.n_embd = 1 << 20;
    card.n_head = 1;
    ck_assert_int_eq(pls_card_complete(&card, &err), PLS_FORMAT);
    card = card_of("llama", 1);
    card.ff[0] = UINT32_MAX;
    ck_assert_int_eq(pls_card_complete(&card, &err), PLS_FORMAT);
    card = card_of("llama", 1);
    card.n_layers = UINT32_MAX;
    card.n_mtp_layers = 2;
    card.mtp_in_file = true;
    ck_assert_int_eq(pls_card_complete(&card, &err), PLS_FORMAT);
}
END_TEST

START_TEST(words_are_read_back)
{
    for (int i = 0; i < PLS_TASK_COUNT; i++) {
        enum pls_task task = PLS_TASK_CHAT;
        ck_assert(pls_task_by_name(pls_task_name((enum pls_task)i), &task));
        ck_assert_int_eq((int)task, i);
    }
    enum pls_qk_norm norm = PLS_QK_NORM_NONE;
    enum pls_attn_gate gate = PLS_ATTN_GATE_NONE;
    ck_assert(pls_qk_norm_by_name("per_head", &norm) && norm == PLS_QK_NORM_HEAD);
    ck_assert(pls_attn_gate_by_name("per_element", &gate) && gate == PLS_ATTN_GATE_ELEMENT);
    ck_assert(!pls_qk_norm_by_name("some", &norm));
}
END_TEST

UNIT_MAIN("card", patterns_follow_the_architecture, kinds_follow_from_missing_kv_heads,
          gated_delta_state_of_a_published_model, latent_attention_caches_the_latent,
          indexers_cache_keys_of_their_own, deepseek_v4_keeps_a_window_and_compressed_entries,
          gemma4_differs_by_kind_of_layer, mtp_blocks_count_only_where_the_file_has_them,
          experts_sit_where_lead_step_and_phase_say, encoders_keep_nothing, widths_cannot_wrap,
          words_are_read_back)
