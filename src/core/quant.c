/* Tensor types, file types and the words people use for them. Sizes and numbers are those of ggml 0.21
 * (2026-08-22). */
#include "plimsoll/quant.h"

#include <string.h>

#include "plimsoll/text.h"

static const struct pls_type_info types[PLS_TYPE_COUNT] = {
    [PLS_TYPE_F32] = { "f32", 1, 4 },
    [PLS_TYPE_F16] = { "f16", 1, 2 },
    [PLS_TYPE_Q4_0] = { "q4_0", 32, 18 },
    [PLS_TYPE_Q4_1] = { "q4_1", 32, 20 },
    [PLS_TYPE_Q5_0] = { "q5_0", 32, 22 },
    [PLS_TYPE_Q5_1] = { "q5_1", 32, 24 },
    [PLS_TYPE_Q8_0] = { "q8_0", 32, 34 },
    [PLS_TYPE_Q8_1] = { "q8_1", 32, 36 },
    [PLS_TYPE_Q2_K] = { "q2_K", 256, 84 },
    [PLS_TYPE_Q3_K] = { "q3_K", 256, 110 },
    [PLS_TYPE_Q4_K] = { "q4_K", 256, 144 },
    [PLS_TYPE_Q5_K] = { "q5_K", 256, 176 },
    [PLS_TYPE_Q6_K] = { "q6_K", 256, 210 },
    [PLS_TYPE_Q8_K] = { "q8_K", 256, 292 },
    [PLS_TYPE_IQ2_XXS] = { "iq2_xxs", 256, 66 },
    [PLS_TYPE_IQ2_XS] = { "iq2_xs", 256, 74 },
    [PLS_TYPE_IQ3_XXS] = { "iq3_xxs", 256, 98 },
    [PLS_TYPE_IQ1_S] = { "iq1_s", 256, 50 },
    [PLS_TYPE_IQ4_NL] = { "iq4_nl", 32, 18 },
    [PLS_TYPE_IQ3_S] = { "iq3_s", 256, 110 },
    [PLS_TYPE_IQ2_S] = { "iq2_s", 256, 82 },
    [PLS_TYPE_IQ4_XS] = { "iq4_xs", 256, 136 },
    [PLS_TYPE_I8] = { "i8", 1, 1 },
    [PLS_TYPE_I16] = { "i16", 1, 2 },
    [PLS_TYPE_I32] = { "i32", 1, 4 },
    [PLS_TYPE_I64] = { "i64", 1, 8 },
    [PLS_TYPE_F64] = { "f64", 1, 8 },
    [PLS_TYPE_IQ1_M] = { "iq1_m", 256, 56 },
    [PLS_TYPE_BF16] = { "bf16", 1, 2 },
    [PLS_TYPE_TQ1_0] = { "tq1_0", 256, 54 },
    [PLS_TYPE_TQ2_0] = { "tq2_0", 256, 66 },
    [PLS_TYPE_MXFP4] = { "mxfp4", 32, 17 },
    [PLS_TYPE_NVFP4] = { "nvfp4", 64, 36 },
    [PLS_TYPE_Q1_0] = { "q1_0", 128, 18 },
    [PLS_TYPE_Q2_0] = { "q2_0", 64, 18 },
};
static const struct pls_type_info no_type = { NULL, 1, 0 };

const struct pls_type_info *pls_type_info(enum pls_type type)
{
    bool known = (unsigned)type < PLS_TYPE_COUNT && types[type].name != NULL;
    return known ? &types[type] : &no_type;
}

enum pls_type pls_type_by_name(const char *name)
{
    for (unsigned i = 0; i < PLS_TYPE_COUNT; i++) {
        if (types[i].name != NULL && pls_text_equal_nocase(types[i].name, name)) {
            return (enum pls_type)i;
        }
    }
    return PLS_TYPE_NONE;
}

uint64_t pls_type_row_bytes(enum pls_type type, uint64_t elements)
{
    const struct pls_type_info *info = pls_type_info(type);
    if (info->name == NULL || elements % info->block != 0) {
        return PLS_SATURATED;
    }
    return pls_mul(elements / info->block, info->bytes);
}

bool pls_type_is_quantized(enum pls_type type)
{
    return pls_type_info(type)->block > 1;
}

static const struct {
    const char *name;
    enum pls_type base;
} ftypes[PLS_FTYPE_COUNT] = {
    [PLS_FTYPE_F32] = { "F32", PLS_TYPE_F32 },
    [PLS_FTYPE_F16] = { "F16", PLS_TYPE_F16 },
    [PLS_FTYPE_Q4_0] = { "Q4_0", PLS_TYPE_Q4_0 },
    [PLS_FTYPE_Q4_1] = { "Q4_1", PLS_TYPE_Q4_1 },
    [PLS_FTYPE_Q8_0] = { "Q8_0", PLS_TYPE_Q8_0 },
    [PLS_FTYPE_Q5_0] = { "Q5_0", PLS_TYPE_Q5_0 },
    [PLS_FTYPE_Q5_1] = { "Q5_1", PLS_TYPE_Q5_1 },
    [PLS_FTYPE_Q2_K] = { "Q2_K", PLS_TYPE_Q2_K },
    [PLS_FTYPE_Q3_K_S] = { "Q3_K_S", PLS_TYPE_Q3_K },
    [PLS_FTYPE_Q3_K_M] = { "Q3_K_M", PLS_TYPE_Q3_K },
    [PLS_FTYPE_Q3_K_L] = { "Q3_K_L", PLS_TYPE_Q3_K },
    [PLS_FTYPE_Q4_K_S] = { "Q4_K_S", PLS_TYPE_Q4_K },
    [PLS_FTYPE_Q4_K_M] = { "Q4_K_M", PLS_TYPE_Q4_K },
    [PLS_FTYPE_Q5_K_S] = { "Q5_K_S", PLS_TYPE_Q5_K },
    [PLS_FTYPE_Q5_K_M] = { "Q5_K_M", PLS_TYPE_Q5_K },
    [PLS_FTYPE_Q6_K] = { "Q6_K", PLS_TYPE_Q6_K },
    [PLS_FTYPE_IQ2_XXS] = { "IQ2_XXS", PLS_TYPE_IQ2_XXS },
    [PLS_FTYPE_IQ2_XS] = { "IQ2_XS", PLS_TYPE_IQ2_XS },
    [PLS_FTYPE_Q2_K_S] = { "Q2_K_S", PLS_TYPE_Q2_K },
    [PLS_FTYPE_IQ3_XS] = { "IQ3_XS", PLS_TYPE_IQ3_S },
    [PLS_FTYPE_IQ3_XXS] = { "IQ3_XXS", PLS_TYPE_IQ3_XXS },
    [PLS_FTYPE_IQ1_S] = { "IQ1_S", PLS_TYPE_IQ1_S },
    [PLS_FTYPE_IQ4_NL] = { "IQ4_NL", PLS_TYPE_IQ4_NL },
    [PLS_FTYPE_IQ3_S] = { "IQ3_S", PLS_TYPE_IQ3_S },
    [PLS_FTYPE_IQ3_M] = { "IQ3_M", PLS_TYPE_IQ3_S },
    [PLS_FTYPE_IQ2_S] = { "IQ2_S", PLS_TYPE_IQ2_XS },
    [PLS_FTYPE_IQ2_M] = { "IQ2_M", PLS_TYPE_IQ2_S },
    [PLS_FTYPE_IQ4_XS] = { "IQ4_XS", PLS_TYPE_IQ4_XS },
    [PLS_FTYPE_IQ1_M] = { "IQ1_M", PLS_TYPE_IQ1_M },
    [PLS_FTYPE_BF16] = { "BF16", PLS_TYPE_BF16 },
    [PLS_FTYPE_TQ1_0] = { "TQ1_0", PLS_TYPE_TQ1_0 },
    [PLS_FTYPE_TQ2_0] = { "TQ2_0", PLS_TYPE_TQ2_0 },
    [PLS_FTYPE_MXFP4_MOE] = { "MXFP4_MOE", PLS_TYPE_MXFP4 },
    [PLS_FTYPE_NVFP4] = { "NVFP4", PLS_TYPE_NVFP4 },
    [PLS_FTYPE_Q1_0] = { "Q1_0", PLS_TYPE_Q1_0 },
    [PLS_FTYPE_Q2_0] = { "Q2_0", PLS_TYPE_Q2_0 },
};

const char *pls_ftype_name(enum pls_ftype ftype)
{
    return (unsigned)ftype < PLS_FTYPE_COUNT ? ftypes[ftype].name : NULL;
}

enum pls_ftype pls_ftype_by_name(const char *name)
{
    /* The first three are the quantizer's own aliases, MXFP4 is how uploads are named, FP16 and FP32 how
     * people type. */
    static const struct {
        const char *name;
        enum pls_ftype ftype;
    } aliases[] = {
        { "Q3_K", PLS_FTYPE_Q3_K_M },     { "Q4_K", PLS_FTYPE_Q4_K_M }, { "Q5_K", PLS_FTYPE_Q5_K_M },
        { "MXFP4", PLS_FTYPE_MXFP4_MOE }, { "FP16", PLS_FTYPE_F16 },    { "FP32", PLS_FTYPE_F32 },
    };
    for (unsigned i = 0; i < PLS_FTYPE_COUNT; i++) {
        if (ftypes[i].name != NULL && pls_text_equal_nocase(ftypes[i].name, name)) {
            return (enum pls_ftype)i;
        }
    }
    for (size_t i = 0; i < PLS_COUNT_OF(aliases); i++) {
        if (pls_text_equal_nocase(aliases[i].name, name)) {
            return aliases[i].ftype;
        }
    }
    return PLS_FTYPE_NONE;
}

enum pls_type pls_ftype_base(enum pls_ftype ftype)
{
    return pls_ftype_name(ftype) != NULL ? ftypes[ftype].base : PLS_TYPE_NONE;
}

static const char *const formats[PLS_FORMAT_COUNT] = { [PLS_FORMAT_GGUF] = "gguf",
                                                       [PLS_FORMAT_MLX] = "mlx",
                                                       [PLS_FORMAT_GPTQ] = "gptq",
                                                       [PLS_FORMAT_AWQ] = "awq",
                                                       [PLS_FORMAT_FP8] = "fp8",
                                                       [PLS_FORMAT_BNB] = "bnb",
                                                       [PLS_FORMAT_SAFETENSORS] = "safetensors" };

const char *pls_format_name(enum pls_format format)
{
    return (unsigned)format < PLS_FORMAT_COUNT ? formats[format] : "unknown";
}

bool pls_format_by_name(const char *name, enum pls_format *out)
{
    for (unsigned i = 0; i < PLS_FORMAT_COUNT; i++) {
        if (pls_text_equal_nocase(formats[i], name)) {
            *out = (enum pls_format)i;
            return true;
        }
    }
    return false;
}
