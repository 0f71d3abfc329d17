/* Every card of data/cards: its tensor list adds up to the published parameters, and every packaging can be
 * sized.
 *
 * A card's "checkpoint" states how exact its published total is; RoPE tables and MTP blocks are not part of
 * it, poolers of encoders are, though GGUF files leave them out. Cards of architectures without a tensor list
 * must be those named below and no others.
 */
#include <check.h>
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plimsoll/gguf.h"
#include "plimsoll/text.h"
#include "unit.h"

enum { FILE_MAX_BYTES = 4 << 20 };
static unsigned char storage[48 << 20];
static char text[FILE_MAX_BYTES];

struct count {
    uint32_t cards, listed, unlisted;
};

/* The engine has none of these; their cards serve the runtimes that do. */
static bool is_known_gap(const char *arch)
{
    return strcmp(arch, "mllama") == 0 || strcmp(arch, "glm5-next") == 0 || strcmp(arch, "qwen4exp") == 0;
}

static bool list_of(const struct pls_card *card, struct pls_tensors *list, struct count *count)
{
    struct pls_arena arena = pls_arena_over(storage, sizeof storage);
    struct pls_err err = { PLS_OK, "" };
    enum pls_code code = pls_arch_tensors(card, &arena, list, &err);
    count->cards++;
    if (code == PLS_UNSUPPORTED && is_known_gap(card->arch)) {
        count->unlisted++;
        return false;
    }
    ck_assert_msg(code == PLS_OK, "%s: %s", card->id, err.text);
    count->listed++;
    return true;
}

static bool check_sum(const struct pls_card *card, const char *json, void *context)
{
    struct pls_tensors list;
    double sum = card->pooler_params;
    if (!list_of(card, &list, context)) {
        return true;
    }
    for (uint32_t i = 0; i < list.n; i++) {
        sum += list.items[i].layer < (int)card->n_layers ? (double)pls_tensor_elements(&list.items[i]) : 0;
    }
    const char *stated = strstr(json, "\"tolerance\":");
    double tolerance = stated != NULL ? strtod(stated + strlen("\"tolerance\":"), NULL) : 0;
    double off = (sum - (double)card->params_total) / (double)card->params_total;
    ck_assert_msg(fabs(off) <= tolerance, "%s: off by %.2e, allowed %.2e", card->id, off, tolerance);
    return true;
}

/* Bytes of the list at a quant; 0 when the quantizer refuses. */
static uint64_t bytes_at(const struct pls_card *card, const struct pls_tensors *list,
                         const struct pls_quant *quant)
{
    struct pls_err err = { PLS_OK, "" };
    struct pls_format_size size;
    if (quant->format != PLS_FORMAT_GGUF) {
        ck_assert_msg(pls_format_bytes(card, quant, list, &size, &err) == PLS_OK, "%s: %s", card->id,
                      err.text);
        ck_assert_uint_ne(size.bytes, PLS_SATURATED);
        return size.bytes;
    }
    struct pls_tensors copy = *list;
    uint64_t sum = 0;
    enum pls_code code = pls_mix_assign(card, quant, &copy, &err);
    if (code == PLS_REFUSED) {
        return 0;
    }
    ck_assert_msg(code == PLS_OK, "%s: %s", card->id, err.text);
    for (uint32_t i = 0; i < copy.n; i++) {
        sum = pls_add(sum, pls_tensor_bytes(&copy.items[i]));
    }
    ck_assert_uint_ne(sum, PLS_SATURATED);
    return sum;
}

/* From narrow to wide within each packaging; GGUF first, because it leaves its types in the list. */
static bool check_ladders(const struct pls_card *card, const char *json, void *context)
{
    static const char *const words[] = {
        "Q2_K",
        "Q4_K_M",
        "Q6_K",
        "Q8_0",
        "BF16",
        "mlx-3bit",
        "mlx-4bit",
        "mlx-8bit",
        "mlx-bf16",
        "gptq-4bit",
        "gptq-8bit",
        "awq-4bit",
        "bnb-nf4",
        "bnb-int8",
        "fp8",
        "fp8-block",
        "safetensors-bf16",
        "safetensors-f32",
    };
    struct pls_tensors list;
    enum pls_format before_format = PLS_FORMAT_COUNT;
    uint64_t before = 0;
    (void)json;
    if (!list_of(card, &list, context)) {
        return true;
    }
    for (size_t i = 0; i < PLS_COUNT_OF(words); i++) {
        struct pls_quant quant;
        ck_assert(pls_quant_parse(words[i], &quant));
        uint64_t bytes = bytes_at(card, &list, &quant);
        ck_assert_msg(bytes > 0, "%s: %s refused", card->id, words[i]);
        ck_assert_msg(quant.format != before_format || bytes >= before, "%s: %s is smaller than %s", card->id,
                      words[i], words[i > 0 ? i - 1 : 0]);
        before_format = quant.format;
        before = bytes;
    }
    return true;
}

static void each_card(pls_card_text_visit *visit, struct count *count)
{
    glob_t found;
    ck_assert_int_eq(glob("data/cards/*.json", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct pls_err err = { PLS_OK, "" };
        FILE *file = fopen(found.gl_pathv[i], "r");
        ck_assert_ptr_nonnull(file);
        size_t len = fread(text, 1, sizeof text, file);
        fclose(file);
        ck_assert_uint_lt(len, sizeof text);
        ck_assert_msg(pls_cards_parse(text, len, visit, count, &err) == PLS_OK, "%s: %s", found.gl_pathv[i],
                      err.text);
    }
    globfree(&found);
}

START_TEST(lists_add_up_to_published_parameters)
{
    struct count count = { 0, 0, 0 };
    each_card(check_sum, &count);
    printf("# %u of %u cards have a tensor list, and all add up\n", count.listed, count.cards);
    ck_assert_uint_ge(count.listed, 400);
    ck_assert_uint_le(count.unlisted, 3);
}
END_TEST

START_TEST(every_packaging_can_be_sized)
{
    struct count count = { 0, 0, 0 };
    each_card(check_ladders, &count);
    ck_assert_uint_ge(count.listed, 400);
}
END_TEST

UNIT_MAIN("params", lists_add_up_to_published_parameters, every_packaging_can_be_sized)
