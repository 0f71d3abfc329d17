/* Multi-head latent attention with the absorbed projections: one cache row of kv_lora + rope per token, V is
 * its front. */
#include "core/graph.h"
#include "core/graph_traits.h"

static uint32_t queries(struct pls_graph *g, uint64_t width, uint32_t cur)
{
    uint64_t rank = g->card->q_lora_rank;
    if (rank == 0) {
        return pls_g_mul_mat(g, "attn_q.weight", width, cur);
    }
    uint32_t low = pls_g_rms_norm(g, "attn_q_a_norm.weight", pls_g_mul_mat(g, "attn_q_a.weight", rank, cur));
    return pls_g_mul_mat(g, "attn_q_b.weight", width, low);
}

static uint32_t maybe_rope(struct pls_graph *g, uint32_t x)
{
    return pls_has(g, PLS_T_NO_ROPE) ? x : pls_g_rope(g, x);
}

/* q_nope is multiplied into the latent space, the rotated part is appended: [rank + rope, heads, tokens]. */
static uint32_t absorb(struct pls_graph *g, uint64_t heads, uint32_t q)
{
    const struct pls_card *c = g->card;
    uint64_t n = g->n_tokens, nope = c->qk_nope_dim, rope = c->qk_rope_dim, rank = c->kv_lora_rank;
    if (!pls_has(g, PLS_T_NO_ROPE)) {
        q = pls_g_reshape(g, q, pls_shape(nope + rope, heads, n, 1));
    }
    uint32_t low = pls_g_part(g, pls_shape(nope, heads, n, 1), q, nope, nope + rope);
    uint32_t high = maybe_rope(g, pls_g_part(g, pls_shape(rope, heads, n, 1), q, rope, nope + rope));
    low = pls_g_view(g, PLS_OP_PERMUTE, pls_shape(nope, n, heads, 1), low);
    low = pls_g_mul_mat(g, "attn_k_b.weight", rank, low);
    low = pls_g_view(g, PLS_OP_PERMUTE, pls_shape(rank, heads, n, 1), low);
    return pls_g_op(g, PLS_OP_CONCAT, pls_shape(rank + rope, heads, n, 1), low, high);
}

uint32_t pls_g_mla_layer(struct pls_graph *g, const struct pls_layer *l, uint32_t cur)
{
    const struct pls_card *c = g->card;
    uint64_t n = g->n_tokens, nope = c->qk_nope_dim, rope = c->qk_rope_dim, rank = c->kv_lora_rank;
    uint32_t q = queries(g, (nope + rope) * l->n_head, cur);
    uint32_t both = pls_g_mul_mat(g, "attn_kv_a_mqa.weight", rank + rope, cur);
    uint32_t latent = pls_g_part(g, pls_shape(rank, n, 1, 1), both, rank, rank + rope);
    uint32_t k_rope = maybe_rope(g, pls_g_part(g, pls_shape(rope, 1, n, 1), both, rope, rank + rope));
    latent = pls_g_rms_norm(g, "attn_kv_a_norm.weight", latent);
    q = absorb(g, l->n_head, q);
    latent = pls_g_reshape(g, latent, pls_shape(rank, 1, n, 1));
    uint32_t k = pls_g_op(g, PLS_OP_CONCAT, pls_shape(rank + rope, 1, n, 1), latent, k_rope);
    uint32_t head_v = c->head_dim_v != 0 ? c->head_dim_v : l->head_dim_v;
    struct pls_attention a = { .qkv = { q, k, latent },
                               .k_width = c->kv_lora_rank + c->qk_rope_dim,
                               .head_v = c->kv_lora_rank,
                               .n_head_kv = 1,
                               .v_b = "attn_v_b.weight",
                               .v_b_dim = head_v };
    return pls_g_mul_mat(g, "attn_output.weight", c->n_embd, pls_g_attention(g, &a));
}
