/* Which type the quantizer gives each tensor of a file: the recipes behind Q4_K_M and its like.
 *
 * Rules of llama.cpp's quantizer as of 2026-08-22, with the older one for fused QKV (plimsoll(7), QUANTIZER);
 * held by the fixture rows of tests/unit/test_arch.c. Tables hold what depends on the file type alone,
 * functions what depends on a tensor's place. A table entry of 0 (F32) means "no rule: the base
 * type". */
#include <string.h>

#include "plimsoll/tensor.h"
#include "plimsoll/text.h"

struct mix {
    enum pls_ftype ftype;
    enum pls_type base;
    uint32_t n;                             /* blocks of the file, MTP blocks included */
    uint32_t n_vlike;                       /* tensors of the V kind in the whole file */
    uint32_t i_vlike, i_down, i_gate, i_up; /* how many have come so far */
    uint32_t gqa; /* query heads per KV head of layer 0; 0 when it has no KV heads */
    uint32_t n_expert;
    bool tied, is_70b, is_falcon, is_bailing3, imatrix, legacy_qkv;
};

static bool is_one_of(enum pls_ftype ftype, const enum pls_ftype *set, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (set[i] == ftype) {
            return true;
        }
    }
    return false;
}
#define IS(ftype, ...)                                                                                       \
    is_one_of((ftype), (const enum pls_ftype[]){ __VA_ARGS__ },                                              \
              sizeof((const enum pls_ftype[]){ __VA_ARGS__ }) / sizeof(enum pls_ftype))

static bool is_low(enum pls_ftype f)
{
    return IS(f, PLS_FTYPE_IQ1_S, PLS_FTYPE_IQ1_M, PLS_FTYPE_IQ2_XXS, PLS_FTYPE_IQ2_XS, PLS_FTYPE_IQ2_S,
              PLS_FTYPE_IQ2_M);
}

/* The first and last eighth of the blocks and every third between get more bits. */
static bool more_bits(uint32_t i, uint32_t n)
{
    return i < n / 8 || i >= 7 * n / 8 || (i - n / 8) % 3 == 2;
}

static bool is_quantizable(const struct pls_tensor *t)
{
    bool matrix = t->dims[1] > 1 || t->dims[2] > 1 || t->dims[3] > 1;
    return matrix && (t->traits & PLS_TENSOR_KEPT) == 0;
}

static bool is_vlike(const struct pls_tensor *t)
{
    return t->category == PLS_CAT_V || t->category == PLS_CAT_QKV || t->category == PLS_CAT_KV_B;
}

/* Whose types follow the rules of V. Until 2026-03-10 (llama.cpp pull request 19770) tensors that hold V with
 * others were counted with it but typed apart. */
static bool follows_v(const struct mix *m, const struct pls_tensor *t)
{
    return m->legacy_qkv ? t->category == PLS_CAT_V : is_vlike(t);
}

static enum pls_type or_base(const struct mix *m, unsigned type)
{
    return type != 0 ? (enum pls_type)type : m->base;
}

static enum pls_type output_type(const struct mix *m, const struct pls_tensor *t)
{
    bool divides = t->dims[0] % pls_type_info(m->base)->block == 0;
    if (m->ftype == PLS_FTYPE_MXFP4_MOE || m->is_falcon || !divides || m->base == PLS_TYPE_Q8_0) {
        return PLS_TYPE_Q8_0;
    }
    return is_low(m->ftype) || m->ftype == PLS_FTYPE_IQ3_XXS ? PLS_TYPE_Q5_K : PLS_TYPE_Q6_K;
}

static enum pls_type mxfp4_type(const struct mix *m, const struct pls_tensor *t)
{
    bool ffn = t->category == PLS_CAT_GATE || t->category == PLS_CAT_UP || t->category == PLS_CAT_DOWN;
    bool experts = t->dims[2] > 1 && (ffn || !m->is_bailing3);
    return experts ? PLS_TYPE_MXFP4 : PLS_TYPE_Q8_0;
}

static enum pls_type embed_type(const struct mix *m)
{
    static const uint8_t by_ftype[PLS_FTYPE_COUNT] = {
        [PLS_FTYPE_IQ2_XXS] = PLS_TYPE_Q2_K,  [PLS_FTYPE_IQ2_XS] = PLS_TYPE_Q2_K,
        [PLS_FTYPE_IQ1_S] = PLS_TYPE_Q2_K,    [PLS_FTYPE_IQ1_M] = PLS_TYPE_Q2_K,
        [PLS_FTYPE_IQ2_S] = PLS_TYPE_IQ3_S,   [PLS_FTYPE_IQ2_M] = PLS_TYPE_IQ3_S,
        [PLS_FTYPE_IQ3_XXS] = PLS_TYPE_IQ3_S, [PLS_FTYPE_TQ1_0] = PLS_TYPE_Q4_K,
        [PLS_FTYPE_TQ2_0] = PLS_TYPE_Q4_K,    [PLS_FTYPE_Q2_0] = PLS_TYPE_Q4_K
    };
    return or_base(m, by_ftype[m->ftype]);
}

/* Below three bits everything has its own rule, and the down projections count plainly even with experts. */
static enum pls_type low_type(struct mix *m, const struct pls_tensor *t)
{
    bool wide = m->ftype == PLS_FTYPE_IQ2_S || m->ftype == PLS_FTYPE_IQ2_M;
    enum pls_type high = wide ? PLS_TYPE_IQ3_S : PLS_TYPE_Q2_K;
    if (follows_v(m, t)) {
        m->i_vlike++;
        return m->gqa >= 4 || m->n_expert >= 4 ? PLS_TYPE_Q4_K : high;
    }
    if (t->category == PLS_CAT_K && m->n_expert == 8) {
        return PLS_TYPE_Q4_K;
    }
    if (t->category == PLS_CAT_DOWN) {
        return m->i_down++ < m->n / 8 ? high : m->base;
    }
    if (t->category == PLS_CAT_ATTN_OUT) {
        if (m->n_expert == 8) {
            return PLS_TYPE_Q5_K;
        }
        return wide                                             ? PLS_TYPE_IQ3_S
               : IS(m->ftype, PLS_FTYPE_IQ1_S, PLS_FTYPE_IQ1_M) ? PLS_TYPE_IQ2_XXS
                                                                : m->base;
    }
    return m->base;
}

static enum pls_type vlike_by_place(const struct mix *m)
{
    static const struct {
        uint8_t grouped; /* four or more query heads per KV head */
        uint8_t other;
    } by_ftype[PLS_FTYPE_COUNT] = {
        [PLS_FTYPE_Q2_K] = { PLS_TYPE_Q4_K, PLS_TYPE_Q3_K },
        [PLS_FTYPE_Q2_K_S] = { PLS_TYPE_Q4_K, 0 },
        [PLS_FTYPE_IQ3_XXS] = { PLS_TYPE_Q4_K, PLS_TYPE_IQ3_S },
        [PLS_FTYPE_IQ3_XS] = { PLS_TYPE_Q4_K, 0 },
        [PLS_FTYPE_IQ3_S] = { PLS_TYPE_Q4_K, 0 },
        [PLS_FTYPE_IQ3_M] = { PLS_TYPE_Q4_K, PLS_TYPE_Q4_K },
        [PLS_FTYPE_Q3_K_L] = { PLS_TYPE_Q5_K, PLS_TYPE_Q5_K },
        [PLS_FTYPE_IQ4_NL] = { PLS_TYPE_Q5_K, 0 },
        [PLS_FTYPE_IQ4_XS] = { PLS_TYPE_Q5_K, 0 },
    };
    bool more = more_bits(m->i_vlike, m->n_vlike);
    if (m->ftype == PLS_FTYPE_IQ3_XXS && m->imatrix && m->gqa < 4) {
        return PLS_TYPE_IQ3_XXS;
    }
    if (m->ftype == PLS_FTYPE_Q3_K_M) {
        return m->i_vlike < 2 ? PLS_TYPE_Q5_K : PLS_TYPE_Q4_K;
    }
    if (IS(m->ftype, PLS_FTYPE_Q4_K_M, PLS_FTYPE_Q5_K_M) && more) {
        return PLS_TYPE_Q6_K;
    }
    if (m->ftype == PLS_FTYPE_Q4_K_S && m->i_vlike < 4) {
        return PLS_TYPE_Q5_K;
    }
    return or_base(m, m->gqa >= 4 ? by_ftype[m->ftype].grouped : by_ftype[m->ftype].other);
}

/* 70B models share one V among eight heads, so a step more costs little; of eight experts V is nearly free.
 */
static enum pls_type vlike_type(struct mix *m)
{
    enum pls_type type = vlike_by_place(m);
    if (m->is_70b && (type == PLS_TYPE_Q3_K || type == PLS_TYPE_Q4_K)) {
        type = PLS_TYPE_Q5_K;
    }
    m->i_vlike++;
    return m->n_expert == 8 ? PLS_TYPE_Q8_0 : type;
}

static enum pls_type legacy_qkv_type(const struct mix *m)
{
    static const uint8_t by_ftype[PLS_FTYPE_COUNT] = { [PLS_FTYPE_Q3_K_M] = PLS_TYPE_Q4_K,
                                                       [PLS_FTYPE_Q3_K_L] = PLS_TYPE_Q4_K,
                                                       [PLS_FTYPE_IQ3_M] = PLS_TYPE_Q4_K,
                                                       [PLS_FTYPE_Q4_K_M] = PLS_TYPE_Q5_K,
                                                       [PLS_FTYPE_Q5_K_M] = PLS_TYPE_Q6_K };
    return or_base(m, by_ftype[m->ftype]);
}

static enum pls_type qk_type(const struct mix *m, const struct pls_tensor *t)
{
    static const uint8_t by_ftype[PLS_FTYPE_COUNT] = {
        [PLS_FTYPE_IQ3_XS] = PLS_TYPE_IQ3_XXS, [PLS_FTYPE_IQ3_XXS] = PLS_TYPE_IQ2_S
    };
    bool of_eight = t->category == PLS_CAT_K && m->n_expert == 8;
    return of_eight ? PLS_TYPE_Q8_0 : or_base(m, by_ftype[m->ftype]);
}

/* A block's number when experts make several tensors per block possible, else how many have come. */
static uint32_t place_of(const struct mix *m, const struct pls_tensor *t, uint32_t counter)
{
    return m->n_expert > 1 && t->layer >= 0 ? (uint32_t)t->layer : counter;
}

static enum pls_type falcon_down_type(const struct mix *m, uint32_t i)
{
    bool more = more_bits(i, m->n);
    if (m->ftype == PLS_FTYPE_Q3_K_M) {
        return i < m->n / 16 ? PLS_TYPE_Q5_K : more ? PLS_TYPE_Q4_K : PLS_TYPE_Q3_K;
    }
    if (m->ftype == PLS_FTYPE_Q4_K_M) {
        return i < m->n / 16 ? PLS_TYPE_Q6_K : more ? PLS_TYPE_Q5_K : PLS_TYPE_Q4_K;
    }
    return m->ftype == PLS_FTYPE_Q3_K_L ? PLS_TYPE_Q4_K : m->base;
}

static enum pls_type down_by_place(const struct mix *m, uint32_t i)
{
    /* What the first eighth of the blocks gets where only that matters. */
    static const uint8_t early_type[PLS_FTYPE_COUNT] = { [PLS_FTYPE_Q2_K_S] = PLS_TYPE_Q4_K,
                                                         [PLS_FTYPE_Q4_K_S] = PLS_TYPE_Q5_K,
                                                         [PLS_FTYPE_IQ3_M] = PLS_TYPE_Q4_K };
    static const uint8_t early_plain[PLS_FTYPE_COUNT] = { [PLS_FTYPE_IQ3_XXS] = PLS_TYPE_Q4_K,
                                                          [PLS_FTYPE_IQ4_NL] = PLS_TYPE_Q5_K,
                                                          [PLS_FTYPE_IQ4_XS] = PLS_TYPE_Q5_K };
    static const uint8_t early_imatrix[PLS_FTYPE_COUNT] = {
        [PLS_FTYPE_Q4_0] = PLS_TYPE_Q4_1, [PLS_FTYPE_Q5_0] = PLS_TYPE_Q5_1
    };
    bool early = i < m->n / 8;
    bool more = more_bits(i, m->n);
    if (m->ftype == PLS_FTYPE_Q2_K) {
        return PLS_TYPE_Q3_K;
    }
    if (m->ftype == PLS_FTYPE_Q3_K_M) {
        return i < m->n / 16 ? PLS_TYPE_Q5_K : PLS_TYPE_Q4_K;
    }
    if (m->ftype == PLS_FTYPE_Q3_K_L) {
        return PLS_TYPE_Q5_K;
    }
    if (IS(m->ftype, PLS_FTYPE_Q4_K_M, PLS_FTYPE_Q5_K_M)) {
        return more ? PLS_TYPE_Q6_K : m->base;
    }
    if (m->ftype == PLS_FTYPE_IQ3_M && m->n_expert == 8 && more) {
        return PLS_TYPE_Q4_K;
    }
    if (m->ftype == PLS_FTYPE_IQ3_XXS && !m->imatrix && !early) {
        return PLS_TYPE_Q3_K;
    }
    if (!early) {
        return m->base;
    }
    uint8_t by_matrix = m->imatrix ? early_imatrix[m->ftype] : early_plain[m->ftype];
    return or_base(m, early_type[m->ftype] != 0 ? early_type[m->ftype] : by_matrix);
}

static enum pls_type down_type(struct mix *m, const struct pls_tensor *t)
{
    uint32_t i = place_of(m, t, m->i_down);
    bool falcon =
        m->is_falcon && IS(m->ftype, PLS_FTYPE_Q3_K_M, PLS_FTYPE_Q3_K_L, PLS_FTYPE_Q4_K_M, PLS_FTYPE_Q4_K_S);
    m->i_down++;
    return falcon ? falcon_down_type(m, i) : down_by_place(m, i);
}

static enum pls_type attn_out_type(const struct mix *m)
{
    static const uint8_t by_ftype[PLS_FTYPE_COUNT] = { [PLS_FTYPE_Q2_K] = PLS_TYPE_Q3_K,
                                                       [PLS_FTYPE_IQ3_XXS] = PLS_TYPE_IQ3_S,
                                                       [PLS_FTYPE_Q3_K_M] = PLS_TYPE_Q4_K,
                                                       [PLS_FTYPE_Q3_K_L] = PLS_TYPE_Q5_K,
                                                       [PLS_FTYPE_IQ3_M] = PLS_TYPE_Q4_K };
    if (m->is_falcon) {
        return m->ftype == PLS_FTYPE_Q3_K_L ? PLS_TYPE_Q4_K : m->base;
    }
    if (m->n_expert == 8) {
        bool lifted = IS(m->ftype, PLS_FTYPE_Q2_K, PLS_FTYPE_IQ3_XS, PLS_FTYPE_IQ3_XXS, PLS_FTYPE_Q3_K_S,
                         PLS_FTYPE_Q3_K_M, PLS_FTYPE_IQ4_NL, PLS_FTYPE_Q4_K_S, PLS_FTYPE_Q4_K_M,
                         PLS_FTYPE_IQ3_S, PLS_FTYPE_IQ3_M, PLS_FTYPE_IQ4_XS);
        return lifted ? PLS_TYPE_Q5_K : m->base;
    }
    return or_base(m, by_ftype[m->ftype]);
}

static enum pls_type gate_up_type(struct mix *m, const struct pls_tensor *t)
{
    uint32_t *counter = t->category == PLS_CAT_GATE ? &m->i_gate : &m->i_up;
    uint32_t i = place_of(m, t, *counter);
    bool middle = i >= m->n / 8 && i < 7 * m->n / 8;
    (*counter)++;
    return m->ftype == PLS_FTYPE_IQ3_XS && middle ? PLS_TYPE_IQ3_XXS : m->base;
}

/* The first rule that applies; later rules do not see the tensor, nor do their counters. */
static enum pls_type choose(struct mix *m, const struct pls_tensor *t)
{
    enum pls_tensor_category c = (enum pls_tensor_category)t->category;
    if (c == PLS_CAT_OUTPUT || (c == PLS_CAT_EMBED && m->tied)) {
        return output_type(m, t);
    }
    if (m->ftype == PLS_FTYPE_MXFP4_MOE) {
        return mxfp4_type(m, t);
    }
    if (c == PLS_CAT_EMBED) {
        return embed_type(m);
    }
    if (is_low(m->ftype)) {
        return low_type(m, t);
    }
    if (c == PLS_CAT_QKV && m->legacy_qkv) {
        return legacy_qkv_type(m);
    }
    if (follows_v(m, t)) {
        return vlike_type(m);
    }
    if (c == PLS_CAT_K || c == PLS_CAT_Q) {
        return qk_type(m, t);
    }
    if (c == PLS_CAT_DOWN) {
        return down_type(m, t);
    }
    if (c == PLS_CAT_ATTN_OUT) {
        return attn_out_type(m);
    }
    return c == PLS_CAT_GATE || c == PLS_CAT_UP ? gate_up_type(m, t) : m->base;
}

/* A row that the type's block does not divide gets a 32-wide type of about the same width, or F16. NONE:
 * refused. */
static enum pls_type fall_back(enum pls_type type, uint64_t row)
{
    static const uint8_t to[PLS_TYPE_COUNT] = {
        [PLS_TYPE_IQ1_S] = PLS_TYPE_IQ4_NL,   [PLS_TYPE_IQ1_M] = PLS_TYPE_IQ4_NL,
        [PLS_TYPE_IQ2_XXS] = PLS_TYPE_IQ4_NL, [PLS_TYPE_IQ2_XS] = PLS_TYPE_IQ4_NL,
        [PLS_TYPE_IQ2_S] = PLS_TYPE_IQ4_NL,   [PLS_TYPE_IQ3_XXS] = PLS_TYPE_IQ4_NL,
        [PLS_TYPE_IQ3_S] = PLS_TYPE_IQ4_NL,   [PLS_TYPE_IQ4_XS] = PLS_TYPE_IQ4_NL,
        [PLS_TYPE_Q2_K] = PLS_TYPE_Q4_0,      [PLS_TYPE_Q3_K] = PLS_TYPE_Q4_0,
        [PLS_TYPE_TQ1_0] = PLS_TYPE_Q4_0,     [PLS_TYPE_TQ2_0] = PLS_TYPE_Q4_0,
        [PLS_TYPE_Q2_0] = PLS_TYPE_Q4_0,      [PLS_TYPE_Q4_K] = PLS_TYPE_Q5_0,
        [PLS_TYPE_Q5_K] = PLS_TYPE_Q5_1,      [PLS_TYPE_Q6_K] = PLS_TYPE_Q8_0
    };
    if (row % pls_type_info(type)->block == 0) {
        return type;
    }
    if (to[type] == 0) {
        return PLS_TYPE_NONE;
    }
    enum pls_type next = (enum pls_type)to[type];
    return row % pls_type_info(next)->block == 0 ? next : PLS_TYPE_F16;
}

/* Models the engine labels 70B, by architecture and depth. */
static bool is_70b(const struct pls_card *card)
{
    if (pls_text_equal(card->arch, "llama")) {
        return card->n_layers == 80 && card->n_head != card->n_head_kv && card->n_expert != 8;
    }
    bool by_80 = pls_text_equal(card->arch, "qwen2") || pls_text_equal(card->arch, "deci")
                 || pls_text_equal(card->arch, "olmo");
    return (by_80 && card->n_layers == 80) || (pls_text_equal(card->arch, "jais2") && card->n_layers == 68);
}

static struct mix mix_of(const struct pls_card *card, const struct pls_quant *quant,
                         const struct pls_tensors *list)
{
    struct mix m = { .ftype = quant->ftype,
                     .base = pls_ftype_base(quant->ftype),
                     .n_expert = card->n_expert,
                     .imatrix = quant->imatrix,
                     .legacy_qkv = quant->legacy_qkv,
                     .tied = true };
    m.gqa = card->head_kv[0] > 0 ? (uint32_t)card->head[0] / card->head_kv[0] : 0;
    m.is_70b = is_70b(card);
    m.is_falcon = pls_text_equal(card->arch, "falcon");
    m.is_bailing3 = pls_text_equal(card->arch, "bailingmoe3");
    for (uint32_t i = 0; i < list->n; i++) {
        const struct pls_tensor *t = &list->items[i];
        m.n_vlike += is_vlike(t) ? 1 : 0;
        m.tied = m.tied && t->category != PLS_CAT_OUTPUT;
        if (t->layer >= 0 && (uint32_t)t->layer + 1 > m.n) {
            m.n = (uint32_t)t->layer + 1;
        }
    }
    return m;
}

static enum pls_code check_quant(const struct pls_quant *quant, struct pls_err *err)
{
    const char *name = pls_ftype_name(quant->ftype);
    if (quant->format != PLS_FORMAT_GGUF) {
        return pls_fail(err, PLS_USAGE, "%s is not a GGUF quantization", pls_format_name(quant->format));
    }
    if (quant->from_name) {
        return pls_fail(
            err, PLS_UNSUPPORTED,
            "a hand-made mixture around %s (UD-, _XL, _L) cannot be predicted from its name: give the file",
            name != NULL ? name : "?");
    }
    if (name == NULL || quant->ftype == PLS_FTYPE_NVFP4) {
        return pls_fail(err, PLS_REFUSED, "the quantizer does not offer %s",
                        name != NULL ? name : "this file type");
    }
    return PLS_OK;
}

enum pls_code pls_mix_assign(const struct pls_card *card, const struct pls_quant *quant,
                             struct pls_tensors *list, struct pls_err *err)
{
    if (quant->format == PLS_FORMAT_GGUF && quant->ftype == PLS_FTYPE_NONE && !quant->from_name) {
        return PLS_OK;
    }
    enum pls_code code = check_quant(quant, err);
    if (code != PLS_OK) {
        return code;
    }
    struct mix m = mix_of(card, quant, list);
    for (uint32_t i = 0; i < list->n; i++) {
        struct pls_tensor *t = &list->items[i];
        if (!is_quantizable(t)) {
            continue;
        }
        enum pls_type wanted = pls_type_is_quantized(m.base) ? choose(&m, t) : m.base;
        enum pls_type type = fall_back(wanted, t->dims[0]);
        if (type == PLS_TYPE_NONE) {
            return pls_fail(err, PLS_REFUSED, "%s: a row of %llu in %s does not divide into blocks of %s",
                            pls_ftype_name(m.ftype), (unsigned long long)t->dims[0], t->name,
                            pls_type_info(wanted)->name);
        }
        t->type = (uint8_t)type;
    }
    return PLS_OK;
}

bool pls_mix_needs_imatrix(const struct pls_quant *quant, const struct pls_tensors *list)
{
    static const bool starved[PLS_TYPE_COUNT] = {
        [PLS_TYPE_IQ3_XXS] = true, [PLS_TYPE_IQ2_XXS] = true, [PLS_TYPE_IQ2_XS] = true,
        [PLS_TYPE_IQ2_S] = true,   [PLS_TYPE_IQ1_M] = true,   [PLS_TYPE_IQ1_S] = true
    };
    for (uint32_t i = 0; i < list->n; i++) {
        const struct pls_tensor *t = &list->items[i];
        bool table = t->category == PLS_CAT_OUTPUT || t->category == PLS_CAT_EMBED;
        bool needs = t->type < PLS_TYPE_COUNT
                     && (starved[t->type] || (t->type == PLS_TYPE_Q2_K && quant->ftype == PLS_FTYPE_Q2_K_S));
        if (!table && needs) {
            return true;
        }
    }
    return false;
}
