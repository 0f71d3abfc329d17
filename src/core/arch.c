/* From a card to its tensor list: what the width codes and facts of arch.h mean in each layer. */
#include "arch.h"
#include "card_traits.h"

#include <string.h>

#include "plimsoll/text.h"

enum { MAX_TEMPLATES = 128 };

struct scope {
    uint64_t width[W_COUNT];
    uint64_t facts;
};

/* Facts and widths the whole model shares. */
static uint64_t model_facts(const struct pls_card *c)
{
    const struct {
        bool holds;
        uint64_t fact;
    } facts[] = {
        { !c->tied, F_UNTIED },
        { c->head_bias, F_HEAD_BIAS },
        { c->norm_bias, F_NORM_BIAS },
        { c->n_norms >= 2, F_TWO_NORMS },
        { c->qkv_bias, F_QKV_BIAS },
        { c->o_bias, F_O_BIAS },
        { c->qk_norm == PLS_QK_NORM_HEAD, F_NORM_HEAD },
        { c->qk_norm == PLS_QK_NORM_FULL, F_NORM_FULL },
        { c->attn_gate == PLS_ATTN_GATE_HEAD, F_GATE_HEAD },
        { c->attn_gate == PLS_ATTN_GATE_ELEMENT, F_GATE_ELEMENT },
        { c->has_attn_sinks, F_SINKS },
        { c->q_lora_rank > 0, F_QLORA },
        { c->q_lora_rank == 0, F_QPLAIN },
        { !c->legacy_mla, F_SPLIT_KV },
        { c->legacy_mla, F_JOINT_KV },
        { !c->mlp_ungated, F_GATED },
        { c->mlp_bias, F_MLP_BIAS },
        { c->down_bias && !c->mlp_bias, F_DOWN_BIAS },
        { !c->moe_ungated, F_X_GATED },
        { !c->fused_gate_up, F_X_APART },
        { c->fused_gate_up, F_X_FUSED },
        { c->has_expert_bias, F_PROBS },
        { c->n_ff_shexp > 0, F_SHARED },
        { c->moe_latent > 0, F_LATENT },
        { c->has_ssm_norm, F_SSM_NORM },
        { c->mtp_has_embed, F_MTP_EMBED },
        { c->has_rope_freqs, F_ROPE_FREQS },
        { c->has_long_rope, F_LONG_ROPE },
        { c->n_embd_per_layer > 0, F_PER_LAYER },
        { c->n_positions > 0, F_POSITIONS },
        { c->n_token_types > 0, F_TYPES },
        { c->n_labels > 0, F_LABELS },
    };
    uint64_t all = 0;
    for (size_t i = 0; i < PLS_COUNT_OF(facts); i++) {
        all |= facts[i].holds ? facts[i].fact : 0;
    }
    return all;
}

static uint64_t layer_facts(const struct pls_card *c, const struct pls_layer *l, uint32_t layer)
{
    bool mla = c->kv_lora_rank > 0;
    const struct {
        bool holds;
        uint64_t fact;
    } facts[] = {
        { l->has_attention && !mla, F_ATT },
        { l->has_attention && mla, F_MLA },
        { !(c->k_eq_v && !l->is_sliding), F_V },
        { l->is_sliding, F_SLIDING },
        { !l->is_moe || l->n_ff > 0, F_DENSE },
        { l->is_moe, F_MOE },
        { l->kind == PLS_LAYER_GDN, F_GDN },
        { l->kind == PLS_LAYER_KDA, F_KDA },
        { l->kind == PLS_LAYER_MAMBA2 || l->kind == PLS_LAYER_PARALLEL, F_MAMBA2 },
        { l->kind == PLS_LAYER_MAMBA1, F_MAMBA1 },
        { l->kind == PLS_LAYER_CONV, F_CONV },
        { l->is_mtp, F_MTP },
        { !l->is_mtp, F_TRUNK },
        { layer > 0, F_NOT_FIRST },
        { c->indexer[layer] > 0, F_INDEXER },
        { l->kind == PLS_LAYER_NONE && l->n_head > 0, F_HEADS },
        { l->n_head > 0, F_SOME_ATT },
        { l->is_moe || l->n_ff > 0, F_SOME_FF },
        { c->compress[layer] > 0, F_RATIO },
        { c->compress[layer] == 4, F_RATIO_4 },
        { layer < c->n_hash_layers, F_HASHED },
        { layer >= c->n_hash_layers, F_ROUTED },
    };
    uint64_t all = 0;
    for (size_t i = 0; i < PLS_COUNT_OF(facts); i++) {
        all |= facts[i].holds ? facts[i].fact : 0;
    }
    /* A block that holds one thing only has no feed-forward part beside it. */
    if (pls_card_has(c, PLS_CARD_SPLIT_BLOCKS) && !l->is_mtp && l->kind != PLS_LAYER_FFN) {
        all &= ~F_DENSE;
    }
    return all;
}

static void model_widths(const struct pls_card *c, uint64_t *w)
{
    uint64_t rotated = c->n_rot > 0 ? c->n_rot : c->head_dim;
    w[W_1] = 1;
    w[W_3] = 3;
    w[W_E] = c->n_embd;
    w[W_2E] = 2 * w[W_E];
    w[W_3E] = 3 * w[W_E];
    w[W_4E] = 4 * w[W_E];
    w[W_V] = c->n_vocab;
    w[W_ROPE] = rotated / 2;
    w[W_FX] = c->n_ff_exp;
    w[W_2FX] = 2 * w[W_FX];
    w[W_FS] = c->n_ff_shexp;
    w[W_X] = c->n_expert;
    w[W_LATENT] = c->moe_latent;
    w[W_EX] = c->moe_latent > 0 ? c->moe_latent : c->n_embd;
    w[W_RQ] = c->q_lora_rank;
    w[W_R] = c->kv_lora_rank;
    w[W_RS] = (uint64_t)c->kv_lora_rank + c->qk_rope_dim;
    w[W_P] = c->qk_nope_dim;
    w[W_MV] = c->head_dim_v;
    w[W_PL] = c->n_embd_per_layer;
    w[W_PLL] = (uint64_t)c->n_embd_per_layer * c->n_layers;
    w[W_VPL] = c->n_vocab_per_layer > 0 ? c->n_vocab_per_layer : c->n_vocab;
    w[W_ALT] = c->n_altup;
    w[W_ALT2] = (uint64_t)c->n_altup * c->n_altup;
    w[W_ALT1] = pls_sub(c->n_altup, 1);
    w[W_LAUREL] = c->n_laurel;
    w[W_IH] = c->index_n_head;
    w[W_ID] = c->index_head_dim;
    w[W_IHD] = (uint64_t)c->index_n_head * c->index_head_dim;
    w[W_POS] = c->n_positions;
    w[W_TYPES] = c->n_token_types;
    w[W_LABELS] = c->n_labels;
    w[W_HC] = c->hc_mult;
    w[W_HCE] = w[W_HC] * w[W_E];
    w[W_HCMIX] = (2 + w[W_HC]) * w[W_HC];
    w[W_OG] = c->o_groups;
    w[W_OR] = c->o_lora_rank;
    w[W_OGR] = w[W_OG] * w[W_OR];
    w[W_2ID] = 2 * w[W_ID];
    w[W_XUSED] = c->n_expert_used;
}

static void state_widths(const struct pls_card *c, uint64_t *w)
{
    w[W_C] = c->ssm_conv;
    w[W_S] = c->ssm_state;
    w[W_I] = c->ssm_inner;
    w[W_2I] = 2 * w[W_I];
    w[W_NH] = c->ssm_heads;
    w[W_2NH] = 2 * w[W_NH];
    w[W_G] = c->ssm_groups;
    w[W_IG] = c->ssm_groups > 0 ? c->ssm_inner / c->ssm_groups : 0;
    w[W_CONV] = w[W_I] + 2 * w[W_G] * w[W_S];
    w[W_IN] = w[W_I] + w[W_CONV] + w[W_NH];
    w[W_DT] = c->ssm_dt_rank;
    w[W_DT2S] = w[W_DT] + 2 * w[W_S];
    w[W_KA] = c->kda_head_dim;
    w[W_KHEADS] = c->kda_heads;
    w[W_KW] = w[W_KA] * w[W_KHEADS];
}

static void layer_widths(const struct pls_card *c, const struct pls_layer *l, uint32_t layer, uint64_t *w)
{
    uint64_t p = c->qk_nope_dim, s = c->qk_rope_dim, v = c->head_dim_v;
    w[W_H] = l->n_head;
    w[W_KH] = l->n_head_kv;
    w[W_D] = l->head_dim_k;
    w[W_DV] = l->head_dim_v;
    w[W_Q] = w[W_H] * w[W_D];
    w[W_2Q] = 2 * w[W_Q];
    w[W_K] = w[W_KH] * w[W_D];
    w[W_VV] = w[W_KH] * w[W_DV];
    w[W_O] = w[W_H] * w[W_DV];
    w[W_QKV] = w[W_Q] + w[W_K] + w[W_VV];
    w[W_F] = l->n_ff;
    w[W_2F] = 2 * w[W_F];
    w[W_HPS] = w[W_H] * (p + s);
    w[W_HMV] = w[W_H] * v;
    w[W_HPV] = w[W_H] * (p + v);
    w[W_RATIO] = c->compress[layer];
    w[W_CD] = (c->compress[layer] == 4 ? 2 : 1) * w[W_D];
    w[W_OGIN] = w[W_OG] > 0 ? w[W_Q] / w[W_OG] : 0;
}

/* What the converter leaves in F32; everything else is BF16 until quantized. */
static enum pls_type source_type(const struct pls_tensor *t)
{
    static const char *const exact[] = { "ffn_gate_inp.weight",       "ffn_gate_inp_shexp.weight",
                                         "ssm_conv1d.weight",         "ssm_conv1d_q.weight",
                                         "ssm_conv1d_k.weight",       "ssm_conv1d_v.weight",
                                         "shortconv.conv.weight",     "altup_correct_coef.weight",
                                         "altup_predict_coef.weight", "indexer.proj.weight",
                                         "position_embd.weight",      "token_types.weight",
                                         "hc_attn_fn.weight",         "hc_ffn_fn.weight",
                                         "output_hc_fn.weight",       "compressor_ape.weight" };
    if (pls_text_ends(t->name, "ffn_gate_tid2eid.weight")) {
        return PLS_TYPE_I32;
    }
    if (t->n_dims <= 1 || !pls_text_ends(t->name, ".weight") || pls_text_ends(t->name, "_norm.weight")) {
        return PLS_TYPE_F32;
    }
    for (size_t i = 0; i < PLS_COUNT_OF(exact); i++) {
        if (pls_text_ends(t->name, exact[i])) {
            return PLS_TYPE_F32;
        }
    }
    return PLS_TYPE_BF16;
}

/* "blk.N." and the template's name; NUL-terminated because names are short and the tensor is zeroed. */
static void set_name(struct pls_tensor *t, const char *name, int layer)
{
    size_t at = 0;
    if (layer >= 0) {
        char digits[8];
        size_t n = 0;
        memcpy(t->name, "blk.", 4);
        at = 4;
        do {
            digits[n++] = (char)('0' + layer % 10);
            layer /= 10;
        } while (layer > 0);
        while (n > 0) {
            t->name[at++] = digits[--n];
        }
        t->name[at++] = '.';
    }
    pls_copy(t->name + at, sizeof t->name - at, name);
}

/* A tensor of some layer, with everything but its dimensions and the layer's number: names are read once per
 * card. */
struct template {
    const struct pls_arch_tensor *from;
    struct pls_tensor like;
};

static void set_template(struct template *t, const struct pls_arch_tensor *from, bool in_block)
{
    memset(t, 0, sizeof *t);
    t->from = from;
    set_name(&t->like, from->name, in_block ? 0 : -1);
    for (uint8_t i = 0; i < 4; i++) {
        t->like.n_dims = from->width[i] != W_END ? (uint8_t)(i + 1) : t->like.n_dims;
        t->like.dims[i] = 1;
    }
    t->like.type = (uint8_t)source_type(&t->like);
    pls_tensor_read_name(&t->like);
}

/* Templates of some parts in the order of their names, so that the list is born sorted. */
static uint32_t collect(const struct pls_arch_tensor *const *parts, uint32_t n_parts, bool in_block,
                        struct template *out)
{
    const struct pls_arch_tensor *sorted[MAX_TEMPLATES];
    uint32_t n = 0;
    for (uint32_t p = 0; p < n_parts && parts[p] != NULL; p++) {
        for (const struct pls_arch_tensor *t = parts[p]; t->name != NULL && n < MAX_TEMPLATES; t++) {
            uint32_t at = n++;
            for (; at > 0 && strcmp(sorted[at - 1]->name, t->name) > 0; at--) {
                sorted[at] = sorted[at - 1];
            }
            sorted[at] = t;
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        set_template(&out[i], sorted[i], in_block);
    }
    return n;
}

struct writer {
    const struct pls_card *card;
    const struct pls_arch_row *row;
    struct template *templates; /* MAX_TEMPLATES of them: of the model, then of its blocks */
    struct pls_tensors *out;
    struct pls_err *err;
};

static enum pls_code emit(struct writer *w, const struct template *from, const struct scope *s, int layer)
{
    struct pls_tensor *t = &w->out->items[w->out->n++];
    *t = from->like;
    t->layer = (int16_t)layer;
    if (layer > 0) {
        set_name(t, from->from->name, layer);
    }
    for (uint8_t i = 0; i < t->n_dims; i++) {
        t->dims[i] = from->from->width[i] != W_END ? s->width[from->from->width[i]] : 1;
        if (t->dims[i] == 0) {
            return pls_fail(w->err, PLS_UNSUPPORTED, "%s: the card does not give dimension %d of %s",
                            w->card->arch, i + 1, t->name);
        }
    }
    return PLS_OK;
}

static enum pls_code emit_all(struct writer *w, uint32_t n, const struct scope *s, int layer)
{
    uint64_t facts = (s->facts | w->row->always) & ~w->row->never;
    for (uint32_t i = 0; i < n; i++) {
        if ((w->templates[i].from->facts & ~facts) != 0) {
            continue;
        }
        enum pls_code code = emit(w, &w->templates[i], s, layer);
        if (code != PLS_OK) {
            return code;
        }
    }
    return PLS_OK;
}

bool pls_arch_known(const char *arch)
{
    return pls_arch_row(arch) != NULL;
}

/* Visits every tensor of the model in order. */
static enum pls_code generate(struct writer *w)
{
    struct scope model = { { 0 }, model_facts(w->card) };
    model_widths(w->card, model.width);
    state_widths(w->card, model.width);
    uint32_t n = collect(w->row->global, PLS_COUNT_OF(w->row->global), false, w->templates);
    enum pls_code code = emit_all(w, n, &model, -1);
    n = collect(w->row->block, PLS_COUNT_OF(w->row->block), true, w->templates);
    uint32_t blocks = w->card->n_layers + w->card->n_mtp_layers;
    for (uint32_t i = 0; i < blocks && code == PLS_OK; i++) {
        struct pls_layer layer = pls_card_layer(w->card, i);
        struct scope here = model;
        here.facts |= layer_facts(w->card, &layer, i);
        layer_widths(w->card, &layer, i, here.width);
        code = emit_all(w, n, &here, (int)i);
    }
    return code;
}

/* Most tensors there can be: every template in every block. */
static size_t most_tensors(const struct pls_arch_row *row, uint32_t blocks)
{
    size_t n[2] = { 0, 0 };
    for (size_t p = 0; p < PLS_COUNT_OF(row->global) && row->global[p] != NULL; p++) {
        for (const struct pls_arch_tensor *t = row->global[p]; t->name != NULL; t++) {
            n[0]++;
        }
    }
    for (size_t p = 0; p < PLS_COUNT_OF(row->block) && row->block[p] != NULL; p++) {
        for (const struct pls_arch_tensor *t = row->block[p]; t->name != NULL; t++) {
            n[1]++;
        }
    }
    return n[0] + n[1] * blocks;
}

enum pls_code pls_arch_tensors(const struct pls_card *card, struct pls_arena *arena, struct pls_tensors *out,
                               struct pls_err *err)
{
    size_t mark = arena->used;
    struct writer w = { .card = card, .row = pls_arch_row(card->arch), .out = out, .err = err };
    *out = (struct pls_tensors){ NULL, 0 };
    if (w.row == NULL) {
        return pls_fail(err, PLS_UNSUPPORTED, "%s: no tensor list is known for this architecture",
                        card->arch);
    }
    size_t most = most_tensors(w.row, card->n_layers + card->n_mtp_layers);
    out->items = pls_arena_room(arena, most, sizeof(struct pls_tensor));
    w.templates = pls_arena_room(arena, MAX_TEMPLATES, sizeof(struct template));
    enum pls_code code = PLS_OK;
    if (out->items == NULL || w.templates == NULL) {
        code = pls_fail(err, PLS_NOMEM, "no room for up to %lu tensors", (unsigned long)most);
    }
    code = code == PLS_OK ? generate(&w) : code;
    if (code != PLS_OK) {
        *out = (struct pls_tensors){ NULL, 0 };
        pls_arena_reset(arena, mark);
        return code;
    }
    /* what was not needed is given back */
    pls_arena_reset(arena, (size_t)((unsigned char *)(out->items + out->n) - arena->base));
    return PLS_OK;
}
