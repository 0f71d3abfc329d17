/* Encoders of the BERT family: norms after each part, no cache, no logits. */
#include "core/graph.h"
#include "core/graph_traits.h"

static uint32_t layer_norm(struct pls_graph *g, const char *weight, uint32_t x)
{
    uint32_t y = pls_g_same(g, PLS_OP_NORM, x, 0);
    pls_g_mark(g, y, PLS_NODE_NORM);
    return pls_g_add_bias(g, weight, pls_g_same(g, PLS_OP_MUL, y, pls_g_weight(g, weight)));
}

/* Token, type and position embeddings, normed. All tokens are of the first type. */
static uint32_t embed(struct pls_graph *g)
{
    uint64_t width = g->card->n_embd;
    uint32_t x = pls_g_embed(g);
    pls_g_make_inputs(g);
    if (g->card->n_token_types != 0) {
        uint32_t first =
            pls_g_view(g, PLS_OP_VIEW, pls_shape(width, 1, 1, 1), pls_g_weight(g, "token_types.weight"));
        x = pls_g_same(g, PLS_OP_ADD, x, first);
    }
    if (g->card->n_positions != 0) {
        uint32_t table = pls_g_weight(g, "position_embd.weight");
        uint32_t rows = pls_g_op(g, PLS_OP_GET_ROWS, pls_shape(width, g->n_tokens, 1, 1), table, g->pos);
        x = pls_g_same(g, PLS_OP_ADD, rows, x);
    }
    return layer_norm(g, "token_embd_norm.weight", x);
}

static uint32_t encoder_block(struct pls_graph *g, uint32_t x)
{
    struct pls_layer l = pls_card_layer(g->card, (uint32_t)g->layer);
    uint32_t cur = pls_g_attention_layer(g, &l, x);
    if ((uint32_t)g->layer + 1 == g->card->n_layers) {
        cur = pls_g_out_rows(g, cur);
        x = pls_g_out_rows(g, x);
    }
    cur = layer_norm(g, "attn_output_norm.weight", pls_g_same(g, PLS_OP_ADD, cur, x));
    uint32_t y = l.is_moe ? pls_g_moe(g, cur, 0) : pls_g_ffn(g, &l, cur);
    return layer_norm(g, "layer_output_norm.weight", pls_g_same(g, PLS_OP_ADD, y, cur));
}

void pls_graph_build_bert(struct pls_graph *g)
{
    uint32_t x = embed(g);
    for (uint32_t i = 0; i < g->card->n_layers && !g->full; i++) {
        pls_graph_enter(g, (int32_t)i);
        x = encoder_block(g, x);
    }
    pls_g_mark(g, x, PLS_NODE_OUTPUT);
    pls_g_expand(g, x);
}
