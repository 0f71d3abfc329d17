/* The quantization that a name carries besides the model's: repositories and tags end in it by habit, not by
 * a standard. */
#include <string.h>

#include "plimsoll/quant.h"
#include "plimsoll/text.h"

/* '_' is one only before a packing: it stands inside "Q4_K_M". */
static const char separators[] = "-.:@";
static const char separators_too[] = "-.:@_";

static size_t count_digits(const char *text)
{
    return strspn(text, "0123456789");
}

/* "q4_k_m", "iq3_xxs", "4bit", "awq": does a word speak of a quantization at all, be it one that exists or
 * not? */
static bool is_quant_like(const char *word, size_t len)
{
    static const char *const others[] = { "f16", "bf16", "fp16", "f32", "fp8", "mxfp4", "mxfp8", "nvfp4",
                                          "fp4", "awq",  "gptq", "bnb", "ud",  "int4",  "int8",  "w4a16" };
    const char *q = word + (word[0] == 'i' || word[0] == 't' ? 1 : 0); /* IQ and TQ types */
    size_t digits = count_digits(word);
    bool is_like = (q[0] == 'q' && count_digits(q + 1) > 0)
        || (digits > 0 && digits < 3 && len == digits + 3 && pls_text_starts(word + digits, "bit"))
        || pls_text_starts(word, "mixed_") || pls_text_starts(word, "quantized");
    for (size_t i = 0; i < PLS_COUNT_OF(others) && !is_like; i++) {
        is_like = len == strlen(others[i]) && strncmp(word, others[i], len) == 0;
    }
    return is_like;
}

/* "_awq", "_gptq-int4": some set the packing off by what else stands inside a word. */
static bool is_packing(const char *word)
{
    static const char *const packings[] = { "awq", "gptq", "fp8" };
    size_t len = strcspn(word, separators_too);
    for (size_t i = 0; i < PLS_COUNT_OF(packings); i++) {
        if (len == strlen(packings[i]) && strncmp(word, packings[i], len) == 0) {
            return true;
        }
    }
    return false;
}

/* The first word behind the model that speaks of a quantization; its separator is in front. NULL: none. */
static const char *find_quant(const char *name)
{
    const char *word = name + strcspn(name, separators_too); /* what a name begins with is a model */
    for (; *word != '\0'; word += 1 + strcspn(word + 1, separators_too)) {
        bool is_found =
            *word == '_' ? is_packing(word + 1) : is_quant_like(word + 1, strcspn(word + 1, separators));
        if (is_found) {
            return word;
        }
    }
    return NULL;
}

static bool cut_end(char *text, const char *end)
{
    size_t len = strlen(text);
    size_t n = strlen(end);
    if (len <= n || strcmp(text + len - n, end) != 0) {
        return false;
    }
    text[len - n] = '\0';
    return true;
}

/* "awq", "gptq-int4", "gptq-8bit": four bits unless said, as the tools have it. */
static bool parse_packed(const char *text, struct pls_quant *out)
{
    static const char *const words[][2] = { { "awq", "awq-4bit" },       { "awq-int4", "awq-4bit" },
                                            { "gptq", "gptq-4bit" },     { "gptq-int4", "gptq-4bit" },
                                            { "gptq-int8", "gptq-8bit" },
                                            { "fp8-dynamic", "fp8" },
                                            { "fp8-static", "fp8" },
                                            { "quantized.w4a16", "gptq-4bit" },
                                            { "w4a16", "gptq-4bit" } };
    for (size_t i = 0; i < PLS_COUNT_OF(words); i++) {
        if (pls_text_equal(text, words[i][0])) {
            return pls_quant_parse(words[i][1], out);
        }
    }
    return pls_quant_parse(text, out);
}

/* Names of MLX checkpoints leave out what the folder says: "4bit", "bf16". */
static bool parse_mlx(const char *text, struct pls_quant *out)
{
    char room[64];
    struct pls_text word = PLS_TEXT(room);
    pls_text_add(&word, "mlx-%s", text);
    cut_end(room, "-dwq"); /* distilled, and stored no other way */
    char *group = strstr(room, "bit-gs");
    if (group != NULL) { /* "8bit-gs32" */
        memmove(group + 5, group + 6, strlen(group + 6) + 1);
    }
    return pls_quant_parse(room, out);
}

bool pls_quant_in_name(const char *name, struct pls_quant_said *out)
{
    static const char *const ends[] = { "-gguf", ".gguf", "-mlx", ":latest" };
    char low[256];
    *out = (struct pls_quant_said){ .is_known = false };
    if (!pls_copy(low, sizeof(low), name)) {
        return false;
    }
    pls_text_lower(low);
    bool is_mlx = strstr(low, "mlx") != NULL;
    for (size_t i = 0; i < PLS_COUNT_OF(ends); i++) {
        cut_end(low, ends[i]);
    }
    const char *slash = strrchr(low, '/');
    const char *word = find_quant(slash == NULL ? low : slash + 1);
    if (word == NULL || !PLS_COPY(out->text, word + 1)) {
        return false;
    }
    out->is_known = is_mlx ? parse_mlx(out->text, &out->quant) : parse_packed(out->text, &out->quant);
    return true;
}
