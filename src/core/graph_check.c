/* Whether a graph can be built at all: what the builders divide by is there, and every layer is of a kind
 * they know. */
#include "core/graph.h"
#include "core/graph_traits.h"

/* A completed card may still lack what a graph divides by. */
static bool heads_are_sound(const struct pls_card *c, const struct pls_layer *l)
{
    bool attends = l->kind == PLS_LAYER_FULL || l->kind == PLS_LAYER_SWA || l->kind == PLS_LAYER_PARALLEL;
    bool latent = c->kv_lora_rank != 0 && !c->legacy_mla;
    if (!attends || !l->has_attention) {
        return !attends;
    }
    if (l->n_head == 0 || l->head_dim_k == 0 || l->head_dim_v == 0) {
        return false;
    }
    return latent ? c->qk_nope_dim != 0 && c->qk_rope_dim != 0
                  : l->n_head_kv != 0 && l->n_head % l->n_head_kv == 0;
}

static bool experts_are_sound(const struct pls_card *c)
{
    uint32_t groups = c->n_expert_group;
    bool grouped = groups > 1;
    return c->n_expert_used != 0 && c->n_expert_used <= c->n_expert
           && (!grouped || (c->n_expert % groups == 0 && c->n_expert_group_used <= groups));
}

static bool is_sound(const struct pls_card *c, const struct pls_layer *l)
{
    if (!heads_are_sound(c, l) || (l->is_moe && !experts_are_sound(c))) {
        return false;
    }
    switch (l->kind) {
    case PLS_LAYER_GDN:
        return c->ssm_conv > 1 && c->ssm_groups != 0 && c->ssm_heads % c->ssm_groups == 0
               && c->ssm_state != 0;
    case PLS_LAYER_KDA:
        return c->ssm_conv > 1 && c->kda_head_dim != 0;
    case PLS_LAYER_MAMBA2:
    case PLS_LAYER_PARALLEL:
        return c->ssm_conv > 1 && c->ssm_groups != 0 && c->ssm_heads != 0 && c->ssm_inner != 0;
    case PLS_LAYER_CONV:
        return c->ssm_conv > 1;
    case PLS_LAYER_FULL:
    case PLS_LAYER_SWA:
    case PLS_LAYER_FFN:
    case PLS_LAYER_MOE:
    case PLS_LAYER_NONE:
        return true;
    case PLS_LAYER_LINEAR:
    case PLS_LAYER_MAMBA1:
    case PLS_LAYER_DSV4:
        break;
    }
    return false; /* no list for this kind */
}

/* Builders of their own, and parallel blocks, know attention layers only. */
bool pls_graph_is_buildable(const struct pls_graph *g)
{
    const struct pls_card *card = g->card;
    bool own = g->traits->build != NULL;
    bool attention_only = own || pls_has(g, PLS_T_PARALLEL);
    for (uint32_t i = 0; i < card->n_layers; i++) {
        struct pls_layer l = pls_card_layer(card, i);
        bool attends = l.kind == PLS_LAYER_FULL || l.kind == PLS_LAYER_SWA;
        if (!is_sound(card, &l) || (attention_only && !attends)) {
            return false;
        }
    }
    return !(own && card->kv_lora_rank != 0);
}
