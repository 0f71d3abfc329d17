/* plimsoll/quant.h - tensor types, file types, and what a quantization is called.
 *
 * A tensor type (Q4_K) is how one tensor is stored; a file type (Q4_K_M) is the recipe that gives every
 * tensor of a GGUF file its type; a quant is what a user asks for and may also be an MLX, GPTQ, AWQ,
 * bitsandbytes, FP8 or plain safetensors form. Block sizes and ids are those of ggml 0.21 (2026-08-22):
 * plimsoll(7), TENSOR TYPES.
 */
#ifndef PLIMSOLL_QUANT_H
#define PLIMSOLL_QUANT_H

#include "plimsoll/base.h"

/* Values are ggml's type ids: they are what a GGUF header carries. Retired ids have no name here. */
enum pls_type {
    PLS_TYPE_F32 = 0,
    PLS_TYPE_F16 = 1,
    PLS_TYPE_Q4_0 = 2,
    PLS_TYPE_Q4_1 = 3,
    PLS_TYPE_Q5_0 = 6,
    PLS_TYPE_Q5_1 = 7,
    PLS_TYPE_Q8_0 = 8,
    PLS_TYPE_Q8_1 = 9, /* activations only */
    PLS_TYPE_Q2_K = 10,
    PLS_TYPE_Q3_K = 11,
    PLS_TYPE_Q4_K = 12,
    PLS_TYPE_Q5_K = 13,
    PLS_TYPE_Q6_K = 14,
    PLS_TYPE_Q8_K = 15, /* activations only */
    PLS_TYPE_IQ2_XXS = 16,
    PLS_TYPE_IQ2_XS = 17,
    PLS_TYPE_IQ3_XXS = 18,
    PLS_TYPE_IQ1_S = 19,
    PLS_TYPE_IQ4_NL = 20,
    PLS_TYPE_IQ3_S = 21,
    PLS_TYPE_IQ2_S = 22,
    PLS_TYPE_IQ4_XS = 23,
    PLS_TYPE_I8 = 24,
    PLS_TYPE_I16 = 25,
    PLS_TYPE_I32 = 26,
    PLS_TYPE_I64 = 27,
    PLS_TYPE_F64 = 28,
    PLS_TYPE_IQ1_M = 29,
    PLS_TYPE_BF16 = 30,
    PLS_TYPE_TQ1_0 = 34,
    PLS_TYPE_TQ2_0 = 35,
    PLS_TYPE_MXFP4 = 39,
    PLS_TYPE_NVFP4 = 40,
    PLS_TYPE_Q1_0 = 41,
    PLS_TYPE_Q2_0 = 42,
    PLS_TYPE_COUNT = 43,
    PLS_TYPE_NONE = 255, /* not assigned, or newer than this program */
};

struct pls_type_info {
    const char *name; /* the engine's spelling: "q4_K", "f16", "iq3_xxs"; NULL for retired ids */
    uint16_t block;   /* elements per block */
    uint16_t bytes;   /* bytes per block */
};
/* Never NULL; name is NULL for an id without a meaning. */
const struct pls_type_info *pls_type_info(enum pls_type type);
/* By engine name, any case ("q4_K", "Q4_K", "F16"); PLS_TYPE_NONE when there is none. */
enum pls_type pls_type_by_name(const char *name);
/* Bytes of `elements` contiguous values; elements must be a multiple of the block or the result is
 * PLS_SATURATED. */
uint64_t pls_type_row_bytes(enum pls_type type, uint64_t elements);
bool pls_type_is_quantized(enum pls_type type);

/* GGUF file types. Values are general.file_type numbers. */
enum pls_ftype {
    PLS_FTYPE_F32 = 0,
    PLS_FTYPE_F16 = 1,
    PLS_FTYPE_Q4_0 = 2,
    PLS_FTYPE_Q4_1 = 3,
    PLS_FTYPE_Q8_0 = 7,
    PLS_FTYPE_Q5_0 = 8,
    PLS_FTYPE_Q5_1 = 9,
    PLS_FTYPE_Q2_K = 10,
    PLS_FTYPE_Q3_K_S = 11,
    PLS_FTYPE_Q3_K_M = 12,
    PLS_FTYPE_Q3_K_L = 13,
    PLS_FTYPE_Q4_K_S = 14,
    PLS_FTYPE_Q4_K_M = 15,
    PLS_FTYPE_Q5_K_S = 16,
    PLS_FTYPE_Q5_K_M = 17,
    PLS_FTYPE_Q6_K = 18,
    PLS_FTYPE_IQ2_XXS = 19,
    PLS_FTYPE_IQ2_XS = 20,
    PLS_FTYPE_Q2_K_S = 21,
    PLS_FTYPE_IQ3_XS = 22,
    PLS_FTYPE_IQ3_XXS = 23,
    PLS_FTYPE_IQ1_S = 24,
    PLS_FTYPE_IQ4_NL = 25,
    PLS_FTYPE_IQ3_S = 26,
    PLS_FTYPE_IQ3_M = 27,
    PLS_FTYPE_IQ2_S = 28,
    PLS_FTYPE_IQ2_M = 29,
    PLS_FTYPE_IQ4_XS = 30,
    PLS_FTYPE_IQ1_M = 31,
    PLS_FTYPE_BF16 = 32,
    PLS_FTYPE_TQ1_0 = 36,
    PLS_FTYPE_TQ2_0 = 37,
    PLS_FTYPE_MXFP4_MOE = 38,
    PLS_FTYPE_NVFP4 = 39,
    PLS_FTYPE_Q1_0 = 40,
    PLS_FTYPE_Q2_0 = 41,
    PLS_FTYPE_COUNT = 42,
    PLS_FTYPE_NONE = 255, /* as stored in the file, or not a GGUF quant */
};
const char *pls_ftype_name(enum pls_ftype ftype);          /* "Q4_K_M"; NULL for retired numbers */
/* any case, with the command-line aliases Q4_K = Q4_K_M */
enum pls_ftype pls_ftype_by_name(const char *name);
enum pls_type pls_ftype_base(enum pls_ftype ftype);        /* the type most tensors get */

/* How weights are packaged. */
enum pls_format {
    PLS_FORMAT_GGUF = 0,
    PLS_FORMAT_MLX,
    PLS_FORMAT_GPTQ,
    PLS_FORMAT_AWQ,
    PLS_FORMAT_FP8,
    PLS_FORMAT_BNB,
    PLS_FORMAT_SAFETENSORS,
    PLS_FORMAT_COUNT,
};
const char *pls_format_name(enum pls_format format);
bool pls_format_by_name(const char *name, enum pls_format *out);

/* What a user asks for: one of these per configuration. */
struct pls_quant {
    enum pls_format format;
    /* GGUF: the recipe; PLS_FTYPE_NONE: the types stored in the file are taken as they are */
    enum pls_ftype ftype;
    /* safetensors: F32, F16, BF16, or MXFP4 (native checkpoints); MLX: MXFP4, or NONE (affine) */
    enum pls_type stored;
    uint8_t bits;           /* MLX, GPTQ, AWQ, bnb: 2..8; else 0 */
    uint8_t bits_high;      /* MLX mixed recipes: width of the tensors kept finer; 0: uniform */
    /* elements sharing a scale; GPTQ and AWQ 0: a whole column; FP8 0: a whole tensor */
    uint16_t group;
    bool imatrix;           /* an importance matrix was used */
    bool legacy_qkv;        /* the quantizer before 2026-03-10: fused QKV has its own rule */
    bool from_name;         /* known by name only ("UD-Q4_K_XL"): the mixture cannot be predicted */
};
/* Reads a quant as people write it: "Q4_K_M", "bf16" (GGUF), "UD-Q4_K_XL" (from_name), "mlx-4bit",
 * "mlx-4bit-g32", "mlx-mixed_3_6", "mlx-mxfp4", "gptq-4bit-g128", "awq-4bit", "awq", "fp8", "fp8-block",
 * "bnb-nf4", "bnb-int8", "safetensors-bf16", "safetensors-mxfp4"; case does not matter. Missing group sizes
 * become the format's usual one, a missing width 4 bits. False when the word means nothing; *out is then
 * untouched. */
bool pls_quant_parse(const char *word, struct pls_quant *out);

/* What a model's name says about its quantization. */
struct pls_quant_said {
    char text[48];          /* the words, lower case: "q8_0", "4bit", "gptq-int4" */
    bool is_known;          /* else the words speak of a quantization that is none, and quant is empty */
    struct pls_quant quant;
};
/* Looks for a quantization behind the model in a repository, tag or name: "mlx-community/Qwen3-8B-4bit" (MLX,
 * 4 bits), "qwen3:8b-q8_0", "Qwen/Qwen3-8B-AWQ", "qwen3-8b:Q9_X" (not known). False when the name says
 * nothing of the kind. A checkpoint's own name may end in such a word too ("Nemotron-3-Nano-4B-BF16"): the
 * caller knows. */
bool pls_quant_in_name(const char *name, struct pls_quant_said *out);

/* Writes the slug that pls_quant_parse reads back (imatrix and legacy_qkv are not part of it); cap 32 is
 * enough. A GGUF quant with no ftype is "as-stored". */
void pls_quant_name(const struct pls_quant *q, char *out, size_t cap);

#endif
