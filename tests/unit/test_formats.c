/* Packagings other than GGUF, by pencil: one block of a small model, every byte of which can be counted. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "plimsoll/tensor.h"
#include "plimsoll/text.h"
#include "unit.h"

static unsigned char storage[8 << 20];

/* Llama with one block: width 512, 4 heads of 128, 2 KV heads, feed-forward 1024, vocabulary 1000, own head.
 * Embedding and head 512,000 each; Q and O 262,144 each; K and V 131,072 each; gate, up, down 524,288 each;
 * norms 3 * 512 = 1,536. Linear layers of the block together 2,359,296. */
static void small(struct pls_card *card, struct pls_tensors *list)
{
    struct pls_arena arena = pls_arena_over(storage, sizeof storage);
    *card = (struct pls_card){ .n_layers = 1,
                               .n_embd = 512,
                               .n_vocab = 1000,
                               .n_head = 4,
                               .n_head_kv = 2,
                               .n_ff = 1024,
                               .has_rope_freqs = true,
                               .native = PLS_TYPE_BF16 };
    PLS_COPY(card->arch, "llama");
    ck_assert_int_eq(pls_card_complete(card, NULL), PLS_OK);
    ck_assert_int_eq(pls_arch_tensors(card, &arena, list, NULL), PLS_OK);
}

static struct pls_format_size size_as(const char *word)
{
    struct pls_card card;
    struct pls_tensors list;
    struct pls_quant quant;
    struct pls_format_size size;
    struct pls_err err = { PLS_OK, "" };
    small(&card, &list);
    ck_assert_msg(pls_quant_parse(word, &quant), "%s", word);
    ck_assert_msg(pls_format_bytes(&card, &quant, &list, &size, &err) == PLS_OK, "%s: %s", word, err.text);
    return size;
}

START_TEST(plain_is_two_bytes_each_and_no_rope_table)
{
    ck_assert_uint_eq(size_as("safetensors-bf16").bytes, 2 * (1024000 + 2359296 + 1536));
    ck_assert_uint_eq(size_as("safetensors-f32").bytes, 4 * (1024000 + 2359296 + 1536));
    ck_assert_uint_eq(size_as("safetensors").bytes, 2 * (1024000 + 2359296 + 1536)); /* as released */
}
END_TEST

/* 4 bits and, per 64 values, two 16-bit numbers: 4.5 bits. Embedding and head too: 3,383,296 * 4.5 / 8 =
 * 1,903,104. */
START_TEST(mlx_affine)
{
    struct pls_format_size s = size_as("mlx-4bit");
    ck_assert_uint_eq(s.quantized_bytes, 1903104);
    ck_assert_uint_eq(s.kept_bytes, 2 * 1536);
    ck_assert_uint_eq(s.n_quantized, 9);
    /* 8 bits in groups of 32: 9 bits. */
    ck_assert_uint_eq(size_as("mlx-8bit-g32").quantized_bytes, 3383296ULL * 9 / 8);
    /* Microscaled: 4 bits and 8 per 32 values: 4.25 bits. */
    ck_assert_uint_eq(size_as("mlx-mxfp4").quantized_bytes, 3383296ULL * 17 / 32);
}
END_TEST

/* One block: 0 < 1 / 8 is false, 0 >= 7 / 8 = 0 is true, so the block counts as an edge: V, down and the head
 * get 6.5 bits (131,072 + 524,288 + 512,000 = 1,167,360), the other 2,215,936 get 3.5. */
START_TEST(mlx_mixed_recipe)
{
    ck_assert_uint_eq(size_as("mlx-mixed_3_6").quantized_bytes, 1167360ULL * 13 / 16 + 2215936ULL * 7 / 16);
}
END_TEST

/* Codes 2,359,296 / 2 = 1,179,648. Groups of 128: inputs of 512 make 4, of 1024 make 8. Outputs times groups:
 * (512 + 256 + 256 + 512) * 4 + (1024 + 1024) * 4 + 512 * 8 = 18,432; each has half a byte of zero point and
 * two of scale: 46,080. GPTQ's order: 4 * (4 * 512 + 2 * 512 + 1024) = 16,384. Embedding, head and norms
 * stay: 2 * 1,025,536. */
START_TEST(gptq_and_awq)
{
    struct pls_format_size gptq = size_as("gptq-4bit-g128");
    struct pls_format_size awq = size_as("awq-4bit");
    ck_assert_uint_eq(gptq.quantized_bytes, 1179648 + 46080 + 16384);
    ck_assert_uint_eq(gptq.kept_bytes, 2 * 1025536);
    ck_assert_uint_eq(gptq.n_quantized, 7);
    ck_assert_uint_eq(awq.quantized_bytes, 1179648 + 46080);
    /* One group per column: outputs 512 + 256 + 256 + 512 + 1024 + 1024 + 512 = 4,096, 2.5 bytes each. */
    ck_assert_uint_eq(size_as("gptq-4bit-gcol").quantized_bytes, 1179648 + 10240 + 16384);
}
END_TEST

/* NF4: codes 1,179,648; 2,359,296 / 64 = 36,864 scales of a byte; per 256 of them a float: 144 floats = 576
 * bytes; seven times 272 floats of tables = 7,616. INT8: a byte each and 4,096 floats. */
START_TEST(bitsandbytes)
{
    ck_assert_uint_eq(size_as("bnb-nf4").quantized_bytes, 1179648 + 36864 + 576 + 7616);
    ck_assert_uint_eq(size_as("bnb-int8").quantized_bytes, 2359296 + 4 * 4096);
    ck_assert_uint_eq(size_as("bnb-nf4").kept_bytes, 2 * 1025536);
}
END_TEST

/* Blocks of 128 x 128: 2,359,296 / 16,384 = 144 scales; per tensor: 7. */
START_TEST(fp8)
{
    ck_assert_uint_eq(size_as("fp8-block").quantized_bytes, 2359296 + 4 * 144);
    ck_assert_uint_eq(size_as("fp8").quantized_bytes, 2359296 + 4 * 7);
}
END_TEST

/* gpt-oss-20b: its checkpoint is 13,761,264,768 bytes by its own index. Experts 24 blocks x 32 x 3 matrices
 * of 2880 x 2880 at 4.25 bits; all else in BF16. */
START_TEST(native_mxfp4_is_the_published_checkpoint)
{
    struct pls_arena arena = pls_arena_over(storage, sizeof storage);
    struct pls_card card = { .n_layers = 24,
                             .n_embd = 2880,
                             .n_vocab = 201088,
                             .n_head = 64,
                             .n_head_kv = 8,
                             .head_dim = 64,
                             .n_expert = 32,
                             .n_expert_used = 4,
                             .n_ff_exp = 2880,
                             .sliding_window = 128,
                             .native = PLS_TYPE_MXFP4 };
    struct pls_tensors list;
    struct pls_quant quant;
    struct pls_format_size size;
    PLS_COPY(card.arch, "gpt-oss");
    ck_assert_int_eq(pls_card_complete(&card, NULL), PLS_OK);
    ck_assert_int_eq(pls_arch_tensors(&card, &arena, &list, NULL), PLS_OK);
    ck_assert(pls_quant_parse("safetensors", &quant));
    ck_assert_int_eq(pls_format_bytes(&card, &quant, &list, &size, NULL), PLS_OK);
    ck_assert_uint_eq(size.quantized_bytes, (uint64_t)24 * 32 * 3 * 2880 * 2880 * 17 / 32);
    ck_assert_uint_eq(size.bytes, 13761264768);
    /* As MLX has it, "MXFP4-Q8": all other matrices at 8.5 bits, embedding, head and routers too.
     * 2 x 201,088 x 2880 + 24 x (2 x 2880 x 4096 + 2 x 2880 x 512 + 2880 x 32) = 1,797,488,640. */
    ck_assert(pls_quant_parse("mlx-mxfp4-q8", &quant));
    ck_assert_int_eq(pls_format_bytes(&card, &quant, &list, &size, NULL), PLS_OK);
    ck_assert_uint_eq(size.quantized_bytes, (uint64_t)24 * 32 * 3 * 2880 * 2880 * 17 / 32 + (uint64_t)1797488640 * 17 / 16);
    /* "MXFP4-Q4": the same at 4.5 bits, but routers: 24 x 2880 x 32 = 2,211,840 of them. */
    ck_assert(pls_quant_parse("mlx-mxfp4-q4", &quant));
    ck_assert_int_eq(pls_format_bytes(&card, &quant, &list, &size, NULL), PLS_OK);
    ck_assert_uint_eq(size.quantized_bytes, (uint64_t)24 * 32 * 3 * 2880 * 2880 * 17 / 32
                                                + (uint64_t)(1797488640 - 2211840) * 9 / 16 + (uint64_t)2211840 * 17 / 16);
}
END_TEST

START_TEST(what_a_tool_cannot_do_is_refused)
{
    struct pls_card card;
    struct pls_tensors list;
    struct pls_quant quant;
    struct pls_format_size size;
    struct pls_err err;
    small(&card, &list);
    ck_assert(pls_quant_parse("awq-3bit", &quant));
    ck_assert_int_eq(pls_format_bytes(&card, &quant, &list, &size, &err), PLS_REFUSED);
    ck_assert(pls_quant_parse("Q4_K_M", &quant));
    ck_assert_int_eq(pls_format_bytes(&card, &quant, &list, &size, &err), PLS_USAGE);
    ck_assert(pls_quant_parse("safetensors", &quant));
    card.native = PLS_TYPE_NONE;
    ck_assert_int_eq(pls_format_bytes(&card, &quant, &list, &size, &err), PLS_UNSUPPORTED);
}
END_TEST

/* Rank 16 on Q (512 to 512) and V (512 to 256): 16 * (1,024 + 768) = 28,672 values of two bytes. All linear
 * layers: Q 1,024, K 768, V 768, O 1,024, gate, up and down 1,536 each: 8,192 * 16 * 2. */
START_TEST(lora_adapters)
{
    struct pls_card card;
    struct pls_tensors list;
    small(&card, &list);
    ck_assert_uint_eq(pls_lora_bytes(&list, 16, PLS_LORA_QV, PLS_TYPE_F16), 2 * 28672);
    ck_assert_uint_eq(pls_lora_bytes(&list, 16, PLS_LORA_LINEAR, PLS_TYPE_F16), 2 * 16 * 8192);
    ck_assert_uint_eq(pls_lora_bytes(&list, 0, PLS_LORA_LINEAR, PLS_TYPE_F16), 0);
}
END_TEST

START_TEST(projectors)
{
    ck_assert_uint_eq(pls_projector_bytes(668684288, PLS_TYPE_F16), 1337368576);
    ck_assert_uint_eq(pls_projector_bytes(33, PLS_TYPE_Q8_0), 68);
    ck_assert_uint_eq(pls_projector_bytes(33, PLS_TYPE_NONE), PLS_SATURATED);
}
END_TEST

/* Per-tensor sizes add up to the whole, whatever the format. */
START_TEST(parts_sum_to_the_whole)
{
    static const char *const words[] = {
        "mlx-4bit", "mlx-mixed_4_6", "mlx-mxfp4", "mlx-bf16",  "gptq-4bit",   "awq-4bit",
        "bnb-nf4",  "bnb-int8",      "fp8",       "fp8-block", "safetensors",
    };
    for (size_t i = 0; i < PLS_COUNT_OF(words); i++) {
        struct pls_card card;
        struct pls_tensors list;
        struct pls_quant quant;
        uint64_t sum = 0;
        small(&card, &list);
        ck_assert(pls_quant_parse(words[i], &quant));
        for (uint32_t k = 0; k < list.n; k++) {
            sum += pls_format_tensor_bytes(&card, &quant, &list.items[k]);
        }
        ck_assert_uint_eq(sum, size_as(words[i]).bytes);
    }
}
END_TEST

UNIT_MAIN("formats", plain_is_two_bytes_each_and_no_rope_table, mlx_affine, mlx_mixed_recipe, gptq_and_awq,
          bitsandbytes, fp8, native_mxfp4_is_the_published_checkpoint, what_a_tool_cannot_do_is_refused,
          lora_adapters, projectors, parts_sum_to_the_whole)
