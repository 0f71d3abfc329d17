/* Bytes of a model in packagings other than GGUF.
 *
 * Each tool decides by module: which linear layers it packs, and what it leaves alone. Sources, read in 2026:
 *
 *   MLX     mlx-lm utils.quantize_model, convert.mixed_quant_predicate_builder, the models' quant_predicate
 *   GPTQ    AutoGPTQ/GPTQModel QuantLinear: qweight, qzeros, scales, g_idx
 *   AWQ     AutoAWQ WQLinear_GEMM: qweight, qzeros, scales
 *   bnb     bitsandbytes Params4bit (NF4, double quantization) and Int8Params
 *   FP8     DeepSeek-V3 checkpoints (weight_scale_inv per 128 x 128), compressed-tensors (one per tensor)
 *   MXFP4   gpt-oss checkpoints (blocks and scales of the experts)
 *
 * Held by tests/unit/test_formats.c.
 */
#include <string.h>

#include "plimsoll/tensor.h"
#include "plimsoll/text.h"

/* What a tensor is to a tool that goes by modules. */
enum role {
    ROLE_KEPT,  /* norms, biases, convolutions, state parameters */
    ROLE_TABLE, /* an embedding */
    ROLE_HEAD,  /* the output matrix */
    ROLE_ROUTER,
    ROLE_LINEAR, /* stacked experts included */
    ROLE_ABSENT, /* exists in GGUF files only */
};

/* One linear layer, `count` times. */
struct linear {
    uint64_t in, out, count;
};

static struct linear linear_of(const struct pls_tensor *t)
{
    return (struct linear){ t->dims[0], t->dims[1], pls_mul(t->dims[2], t->dims[3]) };
}

static uint64_t ceil_div(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

static enum role role_of(const struct pls_tensor *t)
{
    static const char *const kept[] = { "_norm", "conv", "position_embd", "token_types", "_tid2eid",
                                        "_ape",  "hc_" };
    if (pls_text_starts(t->name, "rope_")) {
        return ROLE_ABSENT;
    }
    if (t->category == PLS_CAT_EMBED) {
        return ROLE_TABLE;
    }
    if (t->category == PLS_CAT_OUTPUT) {
        return ROLE_HEAD;
    }
    if (t->dims[1] * t->dims[2] <= 1 || t->dims[0] <= 1 || !pls_text_ends(t->name, ".weight")) {
        return ROLE_KEPT;
    }
    for (size_t i = 0; i < PLS_COUNT_OF(kept); i++) {
        if (strstr(t->name, kept[i]) != NULL) {
            return ROLE_KEPT;
        }
    }
    return strstr(t->name, "ffn_gate_inp") != NULL ? ROLE_ROUTER : ROLE_LINEAR;
}

/* Sigmoid routers with a selection bias are bare parameters in the reference code, softmax routers linear
 * layers. */
static bool router_is_linear(const struct pls_card *card)
{
    return !card->has_expert_bias && card->kv_lora_rank == 0;
}

static uint64_t kept_width(const struct pls_card *card)
{
    return card->native == PLS_TYPE_F32 ? 4 : 2;
}

/* ---- MLX ---- */

static bool more_bits(uint64_t i, uint64_t n)
{
    return i < n / 8 || i >= 7 * n / 8 || (i - n / 8) % 3 == 2;
}

/* Mixed recipes look for "v_proj" (which a fused "qkv_proj" also contains), "down_proj" and "lm_head". */
static uint64_t mlx_bits(const struct pls_card *card, const struct pls_quant *q, const struct pls_tensor *t)
{
    bool picked = t->category == PLS_CAT_V || t->category == PLS_CAT_QKV || t->category == PLS_CAT_DOWN;
    if (q->bits_high == 0 || q->stored != PLS_TYPE_NONE) {
        return q->bits;
    }
    bool high = t->category == PLS_CAT_OUTPUT
                || (picked && more_bits(t->layer > 0 ? (uint64_t)t->layer : 0, card->n_layers));
    return high ? q->bits_high : q->bits;
}

/* Affine: codes packed in 32-bit words, a 16-bit scale and a 16-bit bias per group. The microscaled modes
 * have one 8-bit scale per group. Rows that the group does not divide stay; embeddings are quantized like
 * everything else. */
static uint64_t mlx_bytes(const struct pls_card *card, const struct pls_quant *q, const struct pls_tensor *t,
                          enum role role)
{
    struct linear l = linear_of(t);
    uint64_t bits = mlx_bits(card, q, t);
    uint64_t group = q->group;
    uint64_t per_group = q->stored == PLS_TYPE_NONE ? 4 : 1;
    if (role == ROLE_ROUTER && !router_is_linear(card)) {
        return 0;
    }
    /* gpt-oss keeps the MXFP4 of its experts when the rest is quantized (mlx-lm, models/gpt_oss.py). */
    bool beside_experts = q->stored == PLS_TYPE_MXFP4 && q->bits_high != 0 && !pls_tensor_is_expert(t);
    bool by_predicate = role == ROLE_ROUTER && (q->bits_high == 0 || beside_experts);
    if (beside_experts || by_predicate) {
        /* the models' own predicates: routers 8-bit affine in groups of 64 */
        bits = by_predicate ? 8 : q->bits_high;
        group = 64;
        per_group = 4;
    }
    if (role == ROLE_KEPT || bits == 0 || group == 0 || l.in % group != 0) {
        return 0;
    }
    uint64_t row = pls_add(l.in * bits / 8, l.in / group * per_group);
    return pls_mul(pls_mul(row, l.out), l.count);
}

/* ---- GPTQ, AWQ ---- */

/* Codes, zero points as wide as codes and F16 scales per group of inputs; GPTQ adds the group of every input
 * (32 bits). Only linear layers of the blocks; embedding, head and routers stay. */
static uint64_t grouped_bytes(const struct pls_quant *q, const struct pls_tensor *t, enum role role)
{
    struct linear l = linear_of(t);
    uint64_t groups = q->group == 0 ? 1 : ceil_div(l.in, q->group);
    if (role != ROLE_LINEAR || t->layer < 0 || l.in % 32 != 0 || l.out % 32 != 0) {
        return 0;
    }
    uint64_t codes = pls_mul(l.in, l.out) / 8 * q->bits;
    uint64_t zeros = groups * (l.out * q->bits / 8);
    uint64_t scales = groups * l.out * 2;
    uint64_t order = q->format == PLS_FORMAT_GPTQ ? 4 * l.in : 0;
    return pls_mul(pls_add(pls_add(codes, zeros), pls_add(scales, order)), l.count);
}

/* ---- bitsandbytes ---- */

/* NF4: two codes per byte; per 64 values an 8-bit scale, per 256 scales a 32-bit one; two code tables (16 and
 * 256 floats). INT8: a byte per value and a 32-bit scale per output. Every linear layer but the head. */
static uint64_t bnb_bytes(const struct pls_card *card, const struct pls_quant *q, const struct pls_tensor *t,
                          enum role role)
{
    struct linear l = linear_of(t);
    uint64_t n = pls_mul(l.in, l.out);
    bool packed = role == ROLE_LINEAR || (role == ROLE_ROUTER && router_is_linear(card));
    if (!packed) {
        return 0;
    }
    if (q->bits == 8) {
        return pls_mul(pls_add(n, 4 * l.out), l.count);
    }
    uint64_t blocks = ceil_div(n, 64);
    uint64_t tables = 16 + 256;
    return pls_mul(pls_add(ceil_div(n, 2), blocks + 4 * (ceil_div(blocks, 256) + tables)), l.count);
}

/* ---- FP8, MXFP4, plain ---- */

/* A byte per value and a 32-bit scale per tensor, or per square block (edges count as whole blocks). */
static uint64_t fp8_bytes(const struct pls_quant *q, const struct pls_tensor *t, enum role role)
{
    struct linear l = linear_of(t);
    if (role != ROLE_LINEAR || t->layer < 0) {
        return 0;
    }
    uint64_t scales = q->group == 0 ? 1 : ceil_div(l.in, q->group) * ceil_div(l.out, q->group);
    return pls_mul(pls_add(pls_mul(l.in, l.out), 4 * scales), l.count);
}

/* Native MXFP4: experts as blocks of 32 half-byte codes and a byte of scale, all else as released. */
static uint64_t safetensors_bytes(const struct pls_quant *q, const struct pls_tensor *t)
{
    bool packed = q->stored == PLS_TYPE_MXFP4 && pls_tensor_is_expert(t) && t->dims[2] > 1;
    return packed ? pls_mul(pls_type_row_bytes(PLS_TYPE_MXFP4, t->dims[0]), pls_mul(t->dims[1], t->dims[2]))
                  : 0;
}

/* What plain numbers take: the type asked for, or 16 bits beside quantized ones. */
static uint64_t plain_width(const struct pls_card *card, const struct pls_quant *q)
{
    bool asked = q->format == PLS_FORMAT_SAFETENSORS || (q->format == PLS_FORMAT_MLX && q->bits == 0);
    enum pls_type type = q->stored != PLS_TYPE_NONE ? q->stored : card->native;
    bool plain = type == PLS_TYPE_F32 || type == PLS_TYPE_F16 || type == PLS_TYPE_BF16;
    return asked && plain ? pls_type_info(type)->bytes : kept_width(card);
}

/* 0 when the tool leaves the tensor alone. */
static uint64_t packed_bytes(const struct pls_card *card, const struct pls_quant *q,
                             const struct pls_tensor *t, enum role role)
{
    struct pls_quant native = *q;
    switch (q->format) {
    case PLS_FORMAT_MLX:
        return mlx_bytes(card, q, t, role);
    case PLS_FORMAT_GPTQ:
    case PLS_FORMAT_AWQ:
        return grouped_bytes(q, t, role);
    case PLS_FORMAT_BNB:
        return bnb_bytes(card, q, t, role);
    case PLS_FORMAT_FP8:
        return fp8_bytes(q, t, role);
    case PLS_FORMAT_SAFETENSORS:
        native.stored = q->stored != PLS_TYPE_NONE ? q->stored : card->native;
        return safetensors_bytes(&native, t);
    case PLS_FORMAT_GGUF:
    case PLS_FORMAT_COUNT:
        break;
    }
    return 0;
}

uint64_t pls_format_tensor_bytes(const struct pls_card *card, const struct pls_quant *quant,
                                 const struct pls_tensor *tensor)
{
    enum role role = role_of(tensor);
    if (role == ROLE_ABSENT) {
        return 0;
    }
    uint64_t packed = packed_bytes(card, quant, tensor, role);
    return packed > 0 ? packed : pls_mul(pls_tensor_elements(tensor), plain_width(card, quant));
}

static enum pls_code check_format(const struct pls_card *card, const struct pls_quant *q, struct pls_err *err)
{
    if (q->format == PLS_FORMAT_GGUF || q->format >= PLS_FORMAT_COUNT) {
        return pls_fail(err, PLS_USAGE, "%s sizes come from the quantizer's rules",
                        pls_format_name(q->format));
    }
    if (q->format == PLS_FORMAT_AWQ && q->bits != 4) {
        return pls_fail(err, PLS_REFUSED, "AWQ packs 4 bits, not %u", (unsigned)q->bits);
    }
    if (q->format == PLS_FORMAT_SAFETENSORS && q->stored == PLS_TYPE_NONE && card->native == PLS_TYPE_NONE) {
        return pls_fail(err, PLS_UNSUPPORTED, "the type this model was released in is not known");
    }
    return PLS_OK;
}

enum pls_code pls_format_bytes(const struct pls_card *card, const struct pls_quant *quant,
                               const struct pls_tensors *list, struct pls_format_size *out,
                               struct pls_err *err)
{
    enum pls_code code = check_format(card, quant, err);
    *out = (struct pls_format_size){ 0 };
    if (code != PLS_OK) {
        return code;
    }
    for (uint32_t i = 0; i < list->n; i++) {
        const struct pls_tensor *t = &list->items[i];
        enum role role = role_of(t);
        if (role == ROLE_ABSENT) {
            continue;
        }
        uint64_t packed = packed_bytes(card, quant, t, role);
        uint64_t plain = pls_mul(pls_tensor_elements(t), plain_width(card, quant));
        out->elements = pls_add(out->elements, pls_tensor_elements(t));
        out->n_quantized += packed > 0 ? 1 : 0;
        out->quantized_bytes = pls_add(out->quantized_bytes, packed);
        out->kept_bytes = pls_add(out->kept_bytes, packed > 0 ? 0 : plain);
    }
    out->bytes = pls_add(out->quantized_bytes, out->kept_bytes);
    return PLS_OK;
}

static bool is_lora_target(const struct pls_tensor *t, enum pls_lora_target target)
{
    enum pls_tensor_category c = (enum pls_tensor_category)t->category;
    bool qv = c == PLS_CAT_Q || c == PLS_CAT_V || c == PLS_CAT_QKV;
    bool attention = qv || c == PLS_CAT_K || c == PLS_CAT_ATTN_OUT;
    bool linear = role_of(t) == ROLE_LINEAR && t->layer >= 0 && !pls_tensor_is_expert(t);
    return linear && (target == PLS_LORA_LINEAR || (target == PLS_LORA_ATTENTION ? attention : qv));
}

uint64_t pls_lora_bytes(const struct pls_tensors *list, uint32_t rank, enum pls_lora_target target,
                        enum pls_type type)
{
    uint64_t elements = 0;
    for (uint32_t i = 0; i < list->n; i++) {
        const struct pls_tensor *t = &list->items[i];
        if (is_lora_target(t, target)) {
            struct linear l = linear_of(t);
            elements = pls_add(elements, pls_mul(pls_mul(pls_add(l.in, l.out), rank), l.count));
        }
    }
    return pls_type_row_bytes(type, elements);
}

uint64_t pls_projector_bytes(uint64_t params, enum pls_type type)
{
    const struct pls_type_info *info = pls_type_info(type);
    return info->name == NULL ? PLS_SATURATED : pls_type_row_bytes(type, pls_pad(params, info->block));
}
