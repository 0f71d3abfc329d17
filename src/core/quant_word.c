/* Reading and writing a quant as one word. */
#include <string.h>

#include "plimsoll/quant.h"
#include "plimsoll/text.h"

/* Words of the other formats. Group sizes left out are the tools' defaults: mlx-lm 64 (mixed recipes 64,
 * MXFP4 32), AutoGPTQ and AutoAWQ 128, DeepSeek's block FP8 128 x 128. */
static const struct {
    const char *word;
    struct pls_quant quant;
} words[] = {
#define OTHER(fmt, type, b, high, g)                                                                         \
    {                                                                                                        \
        .format = PLS_FORMAT_##fmt, .ftype = PLS_FTYPE_NONE, .stored = PLS_TYPE_##type, .bits = b,           \
        .bits_high = high, .group = g                                                                        \
    }
    { "mlx-mixed_2_6", OTHER(MLX, NONE, 2, 6, 64) },
    { "mlx-mixed_3_4", OTHER(MLX, NONE, 3, 4, 64) },
    { "mlx-mixed_3_6", OTHER(MLX, NONE, 3, 6, 64) },
    { "mlx-mixed_4_6", OTHER(MLX, NONE, 4, 6, 64) },
    { "mlx-mxfp4", OTHER(MLX, MXFP4, 4, 0, 32) },
    { "mlx-mxfp4-q4", OTHER(MLX, MXFP4, 4, 4, 32) }, /* experts as released, all else affine */
    { "mlx-mxfp4-q8", OTHER(MLX, MXFP4, 4, 8, 32) },
    { "mlx-nvfp4", OTHER(MLX, NVFP4, 4, 0, 16) },
    { "mlx-mxfp8", OTHER(MLX, I8, 8, 0, 32) },
    { "mlx-bf16", OTHER(MLX, BF16, 0, 0, 0) },
    { "mlx-fp16", OTHER(MLX, F16, 0, 0, 0) },
    { "fp8", OTHER(FP8, I8, 8, 0, 0) },
    { "fp8-block", OTHER(FP8, I8, 8, 0, 128) },
    { "bnb-nf4", OTHER(BNB, NONE, 4, 0, 64) },
    { "bnb-4bit", OTHER(BNB, NONE, 4, 0, 64) },
    { "bnb-int8", OTHER(BNB, I8, 8, 0, 0) },
    { "bnb-8bit", OTHER(BNB, I8, 8, 0, 0) },
    { "safetensors-f32", OTHER(SAFETENSORS, F32, 0, 0, 0) },
    { "safetensors-f16", OTHER(SAFETENSORS, F16, 0, 0, 0) },
    { "safetensors-bf16", OTHER(SAFETENSORS, BF16, 0, 0, 0) },
    { "safetensors-mxfp4", OTHER(SAFETENSORS, MXFP4, 4, 0, 32) },
    { "safetensors", OTHER(SAFETENSORS, NONE, 0, 0, 0) },
    { "as-stored", OTHER(GGUF, NONE, 0, 0, 0) },
#undef OTHER
};

/* Reads a decimal of at most four digits; NULL when there is none. */
static const char *small_number(const char *s, uint16_t *out)
{
    uint16_t value = 0;
    size_t digits = 0;
    while (s[digits] >= '0' && s[digits] <= '9' && digits < 4) {
        value = (uint16_t)(value * 10 + (s[digits] - '0'));
        digits++;
    }
    *out = value;
    return digits > 0 ? s + digits : NULL;
}

static bool is_power_of_two(unsigned n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

/* "4bit", "4bit-g64", "4bit-gcol" behind "mlx-", "gptq-" or "awq-". */
static bool parse_bits(const char *s, enum pls_format format, struct pls_quant *out)
{
    uint16_t bits = 0;
    uint16_t group = format == PLS_FORMAT_MLX ? 64 : 128;
    s = small_number(s, &bits);
    if (s == NULL || bits < 2 || bits > 8 || bits == 7 || !pls_text_starts(s, "bit")) {
        return false;
    }
    s += 3;
    if (format != PLS_FORMAT_MLX && pls_text_equal(s, "-gcol")) {
        group = 0;
        s += 5;
    } else if (pls_text_starts(s, "-g")) {
        s = small_number(s + 2, &group);
        if (s == NULL || group < 16 || group > 4096 || !is_power_of_two(group)) {
            return false;
        }
    }
    if (*s != '\0') {
        return false;
    }
    *out = (struct pls_quant){ .format = format,
                               .ftype = PLS_FTYPE_NONE,
                               .stored = PLS_TYPE_NONE,
                               .bits = (uint8_t)bits,
                               .group = group };
    return true;
}

/* Hand-made mixtures: "UD-Q4_K_XL", "Q4_K_XL", "Q6_K_L", "Q3_K_XL". The recipe they start from is kept for
 * display and for comparing, but sizes cannot be predicted from the name. Q3_K_L is a recipe of the quantizer
 * itself. */
static bool parse_handmade(const char *word, struct pls_quant *out)
{
    char base[32];
    bool dynamic = pls_text_starts(word, "ud-");
    if (!pls_copy(base, sizeof base, dynamic ? word + 3 : word)) {
        return false;
    }
    bool sized = false;
    if (pls_ftype_by_name(base) == PLS_FTYPE_NONE
        && (pls_text_ends(base, "_xl") || pls_text_ends(base, "_l"))) {
        *strrchr(base, '_') = '\0';
        sized = true;
    }
    enum pls_ftype ftype = pls_ftype_by_name(base);
    if (ftype == PLS_FTYPE_NONE || !(dynamic || sized)) {
        return false;
    }
    *out = (struct pls_quant){
        .format = PLS_FORMAT_GGUF, .ftype = ftype, .stored = PLS_TYPE_NONE, .from_name = true
    };
    return true;
}

bool pls_quant_parse(const char *word, struct pls_quant *out)
{
    static const enum pls_format grouped[] = { PLS_FORMAT_MLX, PLS_FORMAT_GPTQ, PLS_FORMAT_AWQ };
    char low[32];
    if (!pls_copy(low, sizeof low, word)) {
        return false;
    }
    pls_text_lower(low);
    enum pls_ftype ftype = pls_ftype_by_name(low);
    if (ftype != PLS_FTYPE_NONE) {
        *out = (struct pls_quant){ .format = PLS_FORMAT_GGUF, .ftype = ftype, .stored = PLS_TYPE_NONE };
        return true;
    }
    for (size_t i = 0; i < PLS_COUNT_OF(words); i++) {
        if (pls_text_equal(words[i].word, low)) {
            *out = words[i].quant;
            return true;
        }
    }
    for (size_t i = 0; i < PLS_COUNT_OF(grouped); i++) {
        const char *name = pls_format_name(grouped[i]);
        if (pls_text_equal(low, name)) {
            return parse_bits("4bit", grouped[i], out); /* what nearly all of them are */
        }
        if (pls_text_starts(low, name) && low[strlen(name)] == '-') {
            return parse_bits(low + strlen(name) + 1, grouped[i], out);
        }
    }
    return parse_handmade(low, out);
}

static bool same_words(const struct pls_quant *a, const struct pls_quant *b)
{
    return a->format == b->format && a->ftype == b->ftype && a->stored == b->stored && a->bits == b->bits
           && a->bits_high == b->bits_high && a->group == b->group;
}

void pls_quant_name(const struct pls_quant *q, char *out, size_t cap)
{
    const char *ftype = q->format == PLS_FORMAT_GGUF ? pls_ftype_name(q->ftype) : NULL;
    struct pls_text t = { out, 0, cap, false };
    out[0] = '\0';
    if (ftype != NULL) {
        pls_text_add(&t, "%s%s", q->from_name ? "UD-" : "", ftype);
        return;
    }
    for (size_t i = 0; i < PLS_COUNT_OF(words); i++) {
        if (same_words(q, &words[i].quant)) {
            pls_text_add(&t, "%s", words[i].word);
            return;
        }
    }
    pls_text_add(&t, "%s", pls_format_name(q->format));
    if (q->bits > 0) {
        pls_text_add(&t, "-%ubit", (unsigned)q->bits);
    }
    if (q->group > 0) {
        pls_text_add(&t, "-g%u", (unsigned)q->group);
    } else if (q->bits > 0) {
        pls_text_add(&t, "-gcol");
    }
}
