/* Which quants of a model are looked at: what people publish for the engine that would load them, widest
 * first. */
#include "core/search.h"

#include "plimsoll/publisher.h"
#include "plimsoll/text.h"

enum { FOUR_GGUF = 4, FOUR_MLX = 3, FIRST_FOUR_VLLM = 2, FOUR_VLLM = 4 };

static const enum pls_ftype gguf[PLS_SEARCH_RUNGS] = {
    PLS_FTYPE_BF16,   PLS_FTYPE_Q8_0,    PLS_FTYPE_Q6_K,  PLS_FTYPE_Q5_K_M,  [FOUR_GGUF] = PLS_FTYPE_Q4_K_M,
    PLS_FTYPE_IQ4_XS, PLS_FTYPE_Q3_K_M,  PLS_FTYPE_IQ3_M, PLS_FTYPE_IQ3_XXS, PLS_FTYPE_Q2_K,
    PLS_FTYPE_IQ2_M,  PLS_FTYPE_IQ2_XXS,
};
/* mlx-community has 4 and 8 bits of nearly everything, 6 and 5 of most, 3 of large models. */
static const char *const mlx[] = { "mlx-8bit", "mlx-6bit", "mlx-5bit", [FOUR_MLX] = "mlx-4bit", "mlx-3bit" };
/* What makers publish of many models beside the original, and how others pack four bits. */
static const char *const vllm[] = {
    "safetensors-bf16", "fp8", [FIRST_FOUR_VLLM] = "awq-4bit", "gptq-4bit", [FOUR_VLLM] = "awq-4bit-g32",
};

uint32_t pls_search_four_bits(enum pls_format format)
{
    return format == PLS_FORMAT_GGUF ? FOUR_GGUF : format == PLS_FORMAT_MLX ? FOUR_MLX : FOUR_VLLM;
}

/* Of the packings of four bits a model has one: the first that a repository of it holds. Where none is known,
 * AWQ as its tool makes it. */
static bool is_its_four(const struct pls_card *card, const struct pls_quant *quant, bool must_run)
{
    struct pls_quant four = { .format = PLS_FORMAT_COUNT };
    for (size_t i = FIRST_FOUR_VLLM; i < PLS_COUNT_OF(vllm); i++) {
        pls_quant_parse(vllm[i], &four);
        if ((card->held & pls_held_bit(&four)) != 0) {
            return pls_held_bit(&four) == pls_held_bit(quant);
        }
    }
    pls_quant_parse(vllm[FIRST_FOUR_VLLM], &four);
    return !must_run && pls_held_bit(&four) == pls_held_bit(quant);
}

/* Whether a packaging for vLLM or MLX is there. MLX models can be made; the release can be served, unless it
 * is an FP8 checkpoint and 16 bits are meant. */
static bool is_packaged(const struct pls_card *card, const struct pls_quant *quant, bool must_run)
{
    switch (quant->format) {
    case PLS_FORMAT_AWQ:
    case PLS_FORMAT_GPTQ:
        return is_its_four(card, quant, must_run);
    case PLS_FORMAT_FP8:
        return !must_run || (card->held & pls_held_bit(quant)) != 0;
    case PLS_FORMAT_SAFETENSORS:
        return !must_run || (card->held & PLS_HELD_RELEASE_FP8) == 0;
    case PLS_FORMAT_GGUF:
    case PLS_FORMAT_MLX:
    case PLS_FORMAT_BNB:
    case PLS_FORMAT_COUNT:
        break;
    }
    return true;
}

static uint64_t ladder_bits(void)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < PLS_SEARCH_RUNGS; i++) {
        struct pls_quant q = { .format = PLS_FORMAT_GGUF, .ftype = gguf[i] };
        bits |= pls_held_bit(&q);
    }
    return bits;
}

/* Embedders and rerankers are published in few quantizations, often in one, and are small enough for the
 * widest: what nobody published of them is no answer while something else is there. */
bool pls_search_is_published(const struct pls_search_ask *ask, const struct pls_card *card,
                             const struct pls_quant *quant)
{
    static const bool needs[PLS_FTYPE_COUNT] = {
        [PLS_FTYPE_IQ3_M] = true,
        [PLS_FTYPE_IQ3_XXS] = true,
        [PLS_FTYPE_IQ2_M] = true,
        [PLS_FTYPE_IQ2_XXS] = true,
    };
    bool is_held = (card->held & pls_held_bit(quant)) != 0;
    if (quant->format != PLS_FORMAT_GGUF && !ask->has_quant) {
        return is_packaged(card, quant, ask->must_run);
    }
    if (ask->has_quant || quant->imatrix || quant->ftype >= PLS_FTYPE_COUNT) {
        return true;
    }
    if (pls_card_only_reads(card) && (card->held & ladder_bits()) != 0) {
        return is_held;
    }
    bool may_be_held = is_held || (card->held & PLS_HELD_GGUF) == 0;
    return !needs[quant->ftype] || (may_be_held && pls_quality_repo_imatrix(card->gguf_repo));
}

static uint32_t named(const char *const *words, uint32_t n, struct pls_quant *out)
{
    for (uint32_t i = 0; i < n; i++) {
        pls_quant_parse(words[i], &out[i]);
    }
    return n;
}

uint32_t pls_search_rungs(const struct pls_search_ask *ask, const struct pls_card *card, bool imatrix,
                          struct pls_quant out[PLS_SEARCH_RUNGS])
{
    struct pls_quant own = pls_ask_default_quant(card, ask->ask.runtime);
    out[0] = ask->has_quant ? ask->quant : own;
    if (ask->has_quant || card->native == PLS_TYPE_MXFP4) {
        return 1;
    }
    if (own.format == PLS_FORMAT_MLX) {
        return named(mlx, PLS_COUNT_OF(mlx), out);
    }
    if (own.format != PLS_FORMAT_GGUF) {
        return named(vllm, PLS_COUNT_OF(vllm), out);
    }
    for (size_t i = 0; i < PLS_SEARCH_RUNGS; i++) {
        out[i] = own;
        out[i].ftype = gguf[i];
        out[i].imatrix = imatrix;
    }
    return PLS_SEARCH_RUNGS;
}
