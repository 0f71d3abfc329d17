/* What one layer is: its kind, widths, and what it keeps between tokens.
 *
 * Cache and state rules are llama.cpp's of 2026-08-22, held over whole models by tests/unit/test_arch.c.
 */
#include "card_traits.h"

#include <string.h>

#include "plimsoll/text.h"

/* MLA weights, but the cache holds every head in full. */
static const char *const full_cache_mla_archs[] = { "minicpm3", "plm" };

/* Keep no cache for MTP blocks outside an MTP context; the others keep one for every block of the file. */
static const char *const idle_mtp_archs[] = { "qwen3next",      "qwen35",    "qwen35moe", "bailingmoe3",
                                              "nemotron_h_moe", "step35",    "hy_v3",     "glm-dsa",
                                              "mimo2",          "deepseek32" };

bool pls_card_is_arch(const struct pls_card *card, const char *arch)
{
    return pls_text_equal(card->arch, arch);
}

bool pls_card_is_any(const struct pls_card *card, const char *const *archs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (pls_card_is_arch(card, archs[i])) {
            return true;
        }
    }
    return false;
}

uint32_t pls_card_traits_of(const struct pls_card *card)
{
    bool split = card->kind[strcspn(card->kind, "DE")] != '\0';
    bool latent = card->kv_lora_rank > 0 && !card->legacy_mla && !PLS_CARD_IS_ANY(card, full_cache_mla_archs);
    return (split ? PLS_CARD_SPLIT_BLOCKS : 0u) | (latent ? PLS_CARD_KEEPS_LATENT : 0u)
           | (pls_card_is_arch(card, "gemma4") ? PLS_CARD_DENSE_BESIDE_MOE : 0u)
           | (PLS_CARD_IS_ANY(card, idle_mtp_archs) ? PLS_CARD_IDLE_MTP : 0u);
}

/* Every n-th layer behind the dense lead has experts; which of the n is the phase. */
static bool layer_is_moe(const struct pls_card *card, uint32_t layer)
{
    uint32_t step = card->moe_layer_step > 1 ? card->moe_layer_step : 1;
    uint32_t phase = card->moe_layer_phase > 0 ? card->moe_layer_phase - 1 : step - 1;
    if (card->n_expert == 0 || layer < card->n_dense_lead) {
        return false;
    }
    if (pls_card_has(card, PLS_CARD_SPLIT_BLOCKS) && layer < card->n_layers) {
        return card->kind[layer] == PLS_LAYER_MOE;
    }
    if (layer >= card->n_layers) {
        return card->n_ff_mtp == 0;
    }
    return layer % step == phase;
}

static void set_state(const struct pls_card *card, struct pls_layer *l)
{
    if (l->kind == PLS_LAYER_FULL || l->kind == PLS_LAYER_SWA) {
        return;
    }
    uint64_t taps = card->ssm_conv > 0 ? card->ssm_conv - 1 : 0;
    if (l->kind == PLS_LAYER_KDA) {
        uint64_t width = (uint64_t)card->kda_head_dim * card->kda_heads;
        l->conv_state = 3 * taps * width;
        l->ssm_state = pls_mul(card->kda_head_dim, width);
    } else if (l->kind == PLS_LAYER_CONV) {
        l->conv_state = taps * card->n_embd;
    } else if (l->kind == PLS_LAYER_MAMBA1) {
        l->conv_state = taps * card->ssm_inner;
        l->ssm_state = (uint64_t)card->ssm_state * card->ssm_inner;
    } else if (l->kind == PLS_LAYER_GDN || l->kind == PLS_LAYER_MAMBA2 || l->kind == PLS_LAYER_PARALLEL) {
        l->conv_state = taps * (card->ssm_inner + 2 * (uint64_t)card->ssm_groups * card->ssm_state);
        l->ssm_state = (uint64_t)card->ssm_state * card->ssm_inner;
    }
}

/* DeepSeek V4: a window of latents, compressed entries (every fourth token with an indexer key beside), and
 * in F32 the rows a compressor has yet to merge, with a score each. Sizes: llama_kv_cache_dsv4 of 2026-08-22.
 */
static void set_dsv4(const struct pls_card *card, uint32_t layer, struct pls_layer *l)
{
    uint64_t ratio = card->compress[layer];
    l->is_sliding = true;
    l->k_cache_width = l->head_dim_k;
    l->compress_ratio = card->compress[layer];
    if (ratio == 0) {
        return;
    }
    bool indexed = ratio == 4;
    l->compressed_width = l->head_dim_k + (indexed ? card->index_head_dim : 0);
    l->conv_state = indexed ? 2 * ratio * 2 * l->compressed_width : ratio * l->head_dim_k;
    l->ssm_state = l->conv_state;
}

static void set_cache(const struct pls_card *card, uint32_t layer, struct pls_layer *l)
{
    bool shared = layer + card->n_kv_shared_layers >= card->n_layers;
    bool idle = l->is_mtp ? pls_card_has(card, PLS_CARD_IDLE_MTP) : shared;
    if (!l->has_attention || card->is_encoder || idle) {
        return;
    }
    if (l->kind == PLS_LAYER_DSV4) {
        set_dsv4(card, layer, l);
        return;
    }
    if (pls_card_has(card, PLS_CARD_KEEPS_LATENT)) {
        l->k_cache_width = card->kv_lora_rank + card->qk_rope_dim;
    } else {
        uint32_t heads = card->kv_lora_rank > 0 ? l->n_head : l->n_head_kv;
        l->k_cache_width = heads * l->head_dim_k;
        l->v_cache_width = heads * l->head_dim_v;
    }
    if (card->indexer[layer] > 0) {
        l->index_cache_width = card->index_head_dim;
    }
}

struct pls_layer pls_card_layer(const struct pls_card *card, uint32_t layer)
{
    struct pls_layer l;
    memset(&l, 0, sizeof(l)); /* padding too, so that layers can be compared as bytes */
    l.kind = (enum pls_layer_kind)card->kind[layer];
    bool swa = l.kind == PLS_LAYER_SWA;
    l.is_mtp = layer >= card->n_layers;
    l.is_moe = layer_is_moe(card, layer);
    l.has_attention =
        l.kind == PLS_LAYER_FULL || swa || l.kind == PLS_LAYER_PARALLEL || l.kind == PLS_LAYER_DSV4;
    l.is_sliding = swa;
    l.n_head = card->head[layer];
    l.n_head_kv = card->head_kv[layer];
    l.head_dim_k = swa && card->head_dim_swa > 0 ? card->head_dim_swa : card->head_dim;
    l.head_dim_v = card->head_dim_v;
    if (swa && (card->head_dim_v_swa > 0 || card->head_dim_swa > 0)) {
        l.head_dim_v = card->head_dim_v_swa > 0 ? card->head_dim_v_swa : card->head_dim_swa;
    }
    if (card->kv_lora_rank > 0) {
        l.head_dim_k = card->qk_nope_dim + card->qk_rope_dim;
    }
    bool alone = l.is_moe && !pls_card_has(card, PLS_CARD_DENSE_BESIDE_MOE);
    l.n_ff = alone ? 0 : card->ff[layer];
    set_state(card, &l);
    set_cache(card, layer, &l);
    return l;
}
