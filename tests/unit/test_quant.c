/* Types, file types and the words for them. */
#include <check.h>
#include <string.h>

#include "plimsoll/tensor.h"
#include "plimsoll/text.h"
#include "unit.h"

START_TEST(a_row_is_blocks_of_bytes)
{
    /* 4096 / 256 = 16 blocks of 144 bytes; 2880 does not divide by 256 but by 32: 90 blocks of 17. */
    ck_assert_uint_eq(pls_type_row_bytes(PLS_TYPE_Q4_K, 4096), 2304);
    ck_assert_uint_eq(pls_type_row_bytes(PLS_TYPE_Q4_K, 2880), PLS_SATURATED);
    ck_assert_uint_eq(pls_type_row_bytes(PLS_TYPE_MXFP4, 2880), 1530);
    ck_assert_uint_eq(pls_type_row_bytes((enum pls_type)4, 32), PLS_SATURATED); /* retired */
    ck_assert_uint_eq(pls_type_row_bytes(PLS_TYPE_NONE, 32), PLS_SATURATED);
    ck_assert_uint_eq(pls_type_row_bytes(PLS_TYPE_F32, UINT64_MAX / 2), PLS_SATURATED);
}
END_TEST

START_TEST(every_type_is_found_by_its_name)
{
    for (int i = 0; i < PLS_TYPE_COUNT; i++) {
        const char *name = pls_type_info((enum pls_type)i)->name;
        ck_assert(name == NULL || pls_type_by_name(name) == (enum pls_type)i);
    }
    ck_assert_int_eq(pls_type_by_name("Q4_k"), PLS_TYPE_Q4_K);
    ck_assert_int_eq(pls_type_by_name("q4"), PLS_TYPE_NONE);
    ck_assert(!pls_type_is_quantized(PLS_TYPE_BF16));
    ck_assert(pls_type_is_quantized(PLS_TYPE_Q8_0));
}
END_TEST

START_TEST(every_ftype_is_read_back)
{
    for (int i = 0; i < PLS_FTYPE_COUNT; i++) {
        const char *name = pls_ftype_name((enum pls_ftype)i);
        ck_assert(name == NULL || pls_ftype_by_name(name) == (enum pls_ftype)i);
    }
    ck_assert_int_eq(pls_ftype_by_name("q4_k"), PLS_FTYPE_Q4_K_M);
    ck_assert_int_eq(pls_ftype_by_name("mxfp4"), PLS_FTYPE_MXFP4_MOE);
    ck_assert_int_eq(pls_ftype_base(PLS_FTYPE_IQ2_S), PLS_TYPE_IQ2_XS); /* not what the name says */
    ck_assert_ptr_null(pls_ftype_name((enum pls_ftype)33));
    ck_assert_int_eq(pls_ftype_base(PLS_FTYPE_NONE), PLS_TYPE_NONE);
}
END_TEST

START_TEST(slugs_are_read_back)
{
    static const char *const slugs[] = {
        "Q4_K_M",
        "BF16",
        "IQ2_XXS",
        "MXFP4_MOE",
        "UD-Q4_K_M",
        "mlx-4bit-g64",
        "mlx-8bit-g32",
        "mlx-mixed_3_6",
        "mlx-mxfp4",
        "gptq-4bit-g128",
        "gptq-3bit-gcol",
        "awq-4bit-g128",
        "fp8",
        "fp8-block",
        "bnb-nf4",
        "bnb-int8",
        "safetensors-bf16",
        "safetensors-mxfp4",
        "as-stored",
    };
    for (size_t i = 0; i < PLS_COUNT_OF(slugs); i++) {
        struct pls_quant quant;
        char back[32];
        ck_assert_msg(pls_quant_parse(slugs[i], &quant), "%s", slugs[i]);
        pls_quant_name(&quant, back, sizeof back);
        ck_assert_str_eq(back, slugs[i]);
    }
}
END_TEST

START_TEST(usual_group_sizes_are_filled_in)
{
    struct pls_quant quant;
    ck_assert(pls_quant_parse("MLX-4bit", &quant));
    ck_assert_uint_eq(quant.group, 64);
    ck_assert(pls_quant_parse("awq-4bit", &quant));
    ck_assert_uint_eq(quant.group, 128);
    ck_assert_int_eq(quant.format, PLS_FORMAT_AWQ);
    ck_assert(pls_quant_parse("awq", &quant));
    ck_assert(quant.format == PLS_FORMAT_AWQ && quant.bits == 4 && quant.group == 128);
}
END_TEST

START_TEST(hand_made_names_are_marked)
{
    struct pls_quant quant;
    ck_assert(pls_quant_parse("UD-Q4_K_XL", &quant));
    ck_assert(quant.from_name);
    ck_assert_int_eq(quant.ftype, PLS_FTYPE_Q4_K_M);
    ck_assert(pls_quant_parse("Q6_K_L", &quant));
    ck_assert(quant.from_name);
    ck_assert(pls_quant_parse("Q3_K_L", &quant)); /* a recipe of the quantizer's own */
    ck_assert(!quant.from_name);
}
END_TEST

START_TEST(nonsense_is_refused)
{
    static const char *const bad[] = {
        "",
        "Q4_K_X",
        "Q99",
        "mlx-",
        "mlx-9bit",
        "mlx-7bit",
        "mlx-4bit-g",
        "mlx-4bit-g48",
        "gptq-4bit-g128x",
        "awq-",
        "UD-",
        "UD-hello",
        "_XL",
        "_L",
        "safetensors-q4",
        "mlx-4bit-gcol",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    for (size_t i = 0; i < PLS_COUNT_OF(bad); i++) {
        struct pls_quant quant = { .bits = 77 };
        ck_assert_msg(!pls_quant_parse(bad[i], &quant), "%s", bad[i]);
        ck_assert_uint_eq(quant.bits, 77);
    }
}
END_TEST

static struct pls_tensor named(const char *name)
{
    struct pls_tensor t = { .dims = { 1, 1, 1, 1 } };
    PLS_COPY(t.name, name);
    return t;
}

START_TEST(names_say_their_quant)
{
    static const struct {
        const char *name, *want; /* the slug; "?" where the words are none; NULL where nothing is said */
    } names[] = {
        { "qwen3:8b", NULL },
        { "Qwen/Qwen3-8B", NULL },
        { "qwen3:8b-q8_0", "Q8_0" },
        { "mistral:7b-instruct-v0.3-q4_K_M", "Q4_K_M" },
        { "someone/Qwen3-8B-IQ4_XS-GGUF", "IQ4_XS" },
        { "qwen3-8b@q5_k_m", "Q5_K_M" },
        { "mlx-community/Qwen3-8B-4bit", "mlx-4bit-g64" },
        { "mlx-community/Qwen3-8B-4bit-DWQ", "mlx-4bit-g64" },
        { "lmstudio-community/Qwen3-8B-MLX-8bit", "mlx-8bit-g64" },
        { "mlx-community/Qwen3-8B-bf16", "mlx-bf16" },
        { "Qwen3-8B-4bit", "?" }, /* whose four bits? */
        { "Qwen/Qwen3-8B-AWQ", "awq-4bit-g128" },
        { "Qwen/Qwen2.5-7B-Instruct-GPTQ-Int8", "gptq-8bit-g128" },
        { "unsloth/Qwen3-8B-bnb-4bit", "bnb-nf4" },
        { "Qwen/Qwen3-8B-FP8", "fp8" },
        { "RedHatAI/Qwen3-8B-FP8-dynamic", "fp8" },
        { "RedHatAI/phi-4-quantized.w4a16", "gptq-4bit-g128" },
        { "RedHatAI/Muse-Glimmer-30B-W4A16", "gptq-4bit-g128" },
        { "someone/Qwen3-8B_GPTQ-int4", "gptq-4bit-g128" },
        { "someone/Qwen3_8B_AWQ", "awq-4bit-g128" },
        { "someone/Qwen3-8B_awq_clip", "?" },
        { "someone/AWQ_Qwen3_8B", NULL },
        { "nvidia/Nemotron-3-Nano-4B-BF16", "BF16" },
        { "qwen3-8b:Q9_X", "?" },
        { "qwen3-8b:q4", "?" },
        { "mradermacher/Qwen3-8B-i1-GGUF", NULL },
        { "microsoft/bitnet-b1.58-2B-4T", NULL },
        { "Qwen/QwQ-32B", NULL },
        { "q8_0", NULL }, /* no model in front of it */
        { "", NULL },
        { ":", NULL },
    };
    for (size_t i = 0; i < PLS_COUNT_OF(names); i++) {
        struct pls_quant_said said;
        char slug[32] = "";
        bool is_said = pls_quant_in_name(names[i].name, &said);
        ck_assert_msg(is_said == (names[i].want != NULL), "%s", names[i].name);
        if (is_said && said.is_known) {
            pls_quant_name(&said.quant, slug, sizeof(slug));
        }
        ck_assert_msg(!is_said || strcmp(names[i].want, said.is_known ? slug : "?") == 0, "%s: %s", names[i].name, slug);
    }
}
END_TEST

START_TEST(sorting_is_by_block_number_then_name)
{
    struct pls_tensor items[] = {
        named("blk.10.attn_q.weight"), named("token_embd.weight"), named("blk.2.ffn_up.weight"),
        named("blk.2.attn_v.weight"),  named("output.weight"),     named("blk.x.odd"),
    };
    static const char *const want[] = {
        "blk.x.odd",           "output.weight",       "token_embd.weight",
        "blk.2.attn_v.weight", "blk.2.ffn_up.weight", "blk.10.attn_q.weight",
    };
    struct pls_tensors list = { items, PLS_COUNT_OF(items) };
    pls_tensors_sort(&list);
    for (size_t i = 0; i < PLS_COUNT_OF(want); i++) {
        ck_assert_str_eq(list.items[i].name, want[i]);
    }
    ck_assert_int_eq(list.items[5].layer, 10);
    ck_assert_int_eq(list.items[3].category, PLS_CAT_V);
}
END_TEST

START_TEST(names_tell_the_role)
{
    static const struct {
        const char *name;
        enum pls_tensor_category category;
        bool expert, table, kept; /* kept: by the quantizer, whatever its shape */
    } want[] = {
        { "output.weight", PLS_CAT_OUTPUT, false, false, false },
        { "token_embd.weight", PLS_CAT_EMBED, false, true, false },
        { "per_layer_token_embd.weight", PLS_CAT_EMBED, false, true, false },
        { "position_embd.weight", PLS_CAT_OTHER, false, true, true },
        { "blk.0.attn_qkv.weight", PLS_CAT_QKV, false, false, false },
        { "blk.0.attn_kv_b.weight", PLS_CAT_KV_B, false, false, false },
        { "blk.0.attn_k_b.weight", PLS_CAT_OTHER, false, false, false },
        { "blk.0.attn_output.weight", PLS_CAT_ATTN_OUT, false, false, false },
        { "blk.0.ffn_gate_exps.weight", PLS_CAT_GATE, true, false, false },
        { "blk.0.ffn_down_shexp.weight", PLS_CAT_DOWN, false, false, false },
        { "blk.0.ffn_gate_up_exps.weight", PLS_CAT_GATE, true, false, false },
        { "blk.0.ssm_out.weight", PLS_CAT_OTHER, false, false, false },
        { "blk.0.ssm_conv1d.weight", PLS_CAT_OTHER, false, false, true },
        { "blk.0.ffn_gate_inp.weight", PLS_CAT_GATE, false, false, true },
        { "blk.0.attn_q.bias", PLS_CAT_OTHER, false, false, true },
        { "blk.0.attn_q_norm.weight", PLS_CAT_OTHER, false, false, true },
    };
    for (size_t i = 0; i < PLS_COUNT_OF(want); i++) {
        struct pls_tensor t = named(want[i].name);
        pls_tensor_read_name(&t);
        ck_assert_msg(t.category == want[i].category, "%s", t.name);
        ck_assert_msg(pls_tensor_is_expert(&t) == want[i].expert, "%s", t.name);
        ck_assert_msg(pls_tensor_is_input_table(&t) == want[i].table, "%s", t.name);
        ck_assert_msg(((t.traits & PLS_TENSOR_KEPT) != 0) == want[i].kept, "%s", t.name);
    }
}
END_TEST

UNIT_MAIN("quant", a_row_is_blocks_of_bytes, every_type_is_found_by_its_name, every_ftype_is_read_back,
          slugs_are_read_back, usual_group_sizes_are_filled_in, hand_made_names_are_marked,
          nonsense_is_refused, names_say_their_quant, sorting_is_by_block_number_then_name, names_tell_the_role)
