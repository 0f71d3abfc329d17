/* Gemma 3n and Gemma 4: per-layer input embeddings, shared caches, alternative residual streams. */
#include "core/graph.h"
#include "core/graph_traits.h"

/* Gemma 3n: the first blocks keep only the largest feed-forward activations. */
enum { SPARSE_LAYERS = 10, DEFAULT_STREAMS = 4, DEFAULT_LAUREL = 64 };

static uint32_t rms(struct pls_graph *g, uint32_t x)
{
    return pls_g_same(g, PLS_OP_RMS_NORM, x, 0);
}

/* --- per-layer inputs, common to both --- */

/* Rows of the per-layer table, looked up with token ids of their own: [width, layers, tokens]. */
static uint32_t look_up_per_layer(struct pls_graph *g)
{
    uint64_t width = g->card->n_embd_per_layer, layers = g->card->n_layers, n = g->n_tokens;
    uint32_t ids = pls_g_input(g, PLS_TYPE_I32, pls_shape(n, 1, 1, 1));
    uint32_t table = pls_g_weight(g, "per_layer_token_embd.weight");
    uint32_t x = pls_g_op(g, PLS_OP_GET_ROWS, pls_shape(width * layers, n, 1, 1), table, ids);
    x = pls_g_reshape(g, x, pls_shape(width, layers, n, 1));
    x = pls_g_same(g, PLS_OP_SCALE, x, 0);
    pls_g_expand(g, x);
    return x;
}

/* Adds a projection of the embedding and turns the result to [width, tokens, layers]. */
static uint32_t project_per_layer(struct pls_graph *g, uint32_t embedded, uint32_t looked_up)
{
    uint64_t width = g->card->n_embd_per_layer, layers = g->card->n_layers, n = g->n_tokens;
    uint32_t p = pls_g_mul_mat(g, "per_layer_model_proj.weight", width * layers, embedded);
    p = pls_g_same(g, PLS_OP_SCALE, p, 0);
    p = pls_g_reshape(g, p, pls_shape(width, layers, n, 1));
    p = pls_g_rms_norm(g, "per_layer_proj_norm.weight", p);
    p = pls_g_same(g, PLS_OP_SCALE, pls_g_same(g, PLS_OP_ADD, p, looked_up), 0);
    p = pls_g_view(g, PLS_OP_PERMUTE, pls_shape(width, n, layers, 1), p);
    return pls_g_same(g, PLS_OP_CONT, p, 0);
}

static uint32_t slice(struct pls_graph *g, uint32_t x)
{
    return pls_g_view(g, PLS_OP_VIEW, pls_shape(pls_g_ne(g, x, 0), pls_g_ne(g, x, 1), 1, 1), x);
}

/* --- attention, common to both: normed Q, K and V; late layers read an earlier layer's cache --- */

static uint32_t head_chain(struct pls_graph *g, uint32_t x, struct pls_shape shape, const char *norm)
{
    return pls_g_rms_norm(g, norm, pls_g_reshape(g, x, shape));
}

/* Gemma 4's sliding layers do not use the frequency factors. */
static uint32_t rope(struct pls_graph *g, const struct pls_layer *l, uint32_t x)
{
    return l->is_sliding ? pls_g_same(g, PLS_OP_ROPE, x, g->pos) : pls_g_rope(g, x);
}

static bool has_own_v(const struct pls_graph *g, const struct pls_layer *l)
{
    return !(g->card->k_eq_v && !l->is_sliding);
}

static uint32_t attend(struct pls_graph *g, const struct pls_layer *l, uint32_t cur)
{
    uint64_t n = g->n_tokens, d = l->head_dim_k;
    struct pls_shape heads = pls_shape(d, l->n_head, n, 1), heads_kv = pls_shape(d, l->n_head_kv, n, 1);
    uint32_t q = pls_g_mul_mat(g, "attn_q.weight", d * l->n_head, cur);
    struct pls_qkv qkv = { .q = rope(g, l, head_chain(g, q, heads, "attn_q_norm.weight")) };
    if (l->k_cache_width != 0) {
        uint32_t k = pls_g_mul_mat(g, "attn_k.weight", d * l->n_head_kv, cur);
        uint32_t v = has_own_v(g, l) ? pls_g_mul_mat(g, "attn_v.weight", d * l->n_head_kv, cur) : k;
        qkv.k = rope(g, l, head_chain(g, k, heads_kv, "attn_k_norm.weight"));
        qkv.v = rms(g, pls_g_reshape(g, v, heads_kv));
    }
    struct pls_attention a = pls_g_plain_attention(l, qkv);
    return pls_g_mul_mat(g, "attn_output.weight", g->card->n_embd, pls_g_attention(g, &a));
}

/* --- Gemma 4 --- */

/* The dense part doubles as shared expert; router and experts read norms of their own of the same input. */
static uint32_t mixture(struct pls_graph *g, const struct pls_layer *l, uint32_t x)
{
    uint32_t mlp = pls_g_ffn(g, l, pls_g_rms_norm(g, "ffn_norm.weight", x));
    mlp = pls_g_rms_norm(g, "post_ffw_norm_1.weight", mlp);
    uint32_t in = pls_g_rms_norm(g, "pre_ffw_norm_2.weight", x);
    uint32_t router = pls_g_same(g, PLS_OP_SCALE, rms(g, x), 0);
    router = pls_g_same(g, PLS_OP_MUL, router, pls_g_weight(g, "ffn_gate_inp.scale"));
    uint32_t logits = pls_g_mul_mat(g, "ffn_gate_inp.weight", g->card->n_expert, router);
    uint32_t moe = pls_g_rms_norm(g, "post_ffw_norm_2.weight", pls_g_moe(g, in, logits));
    return pls_g_same(g, PLS_OP_ADD, mlp, moe);
}

static uint32_t add_per_layer_input(struct pls_graph *g, uint32_t x, uint32_t per_layer)
{
    uint32_t y = pls_g_mul_mat(g, "inp_gate.weight", g->card->n_embd_per_layer, x);
    y = pls_g_same(g, PLS_OP_UNARY, y, 0);
    y = pls_g_same(g, PLS_OP_MUL, y, slice(g, per_layer));
    y = pls_g_rms_norm(g, "post_norm.weight", pls_g_mul_mat(g, "proj.weight", g->card->n_embd, y));
    return pls_g_same(g, PLS_OP_ADD, x, y);
}

static uint32_t gemma4_block(struct pls_graph *g, uint32_t x, uint32_t per_layer)
{
    struct pls_layer l = pls_card_layer(g->card, (uint32_t)g->layer);
    uint32_t cur = attend(g, &l, pls_g_rms_norm(g, "attn_norm.weight", x));
    cur = pls_g_rms_norm(g, "post_attention_norm.weight", cur);
    uint32_t mid = pls_g_same(g, PLS_OP_ADD, cur, x);
    cur = l.is_moe ? mixture(g, &l, mid) : pls_g_ffn(g, &l, pls_g_rms_norm(g, "ffn_norm.weight", mid));
    cur = pls_g_rms_norm(g, "post_ffw_norm.weight", cur);
    cur = pls_g_same(g, PLS_OP_ADD, cur, mid);
    if (per_layer != 0) {
        cur = add_per_layer_input(g, cur, per_layer);
    }
    return pls_g_same(g, PLS_OP_MUL, cur, pls_g_weight(g, "layer_output_scale.weight"));
}

void pls_graph_build_gemma4(struct pls_graph *g)
{
    uint32_t x = pls_g_same(g, PLS_OP_SCALE, pls_g_embed(g), 0);
    pls_g_make_inputs(g);
    uint32_t per_layer = 0;
    if (g->card->n_embd_per_layer != 0) {
        per_layer = project_per_layer(g, x, look_up_per_layer(g));
    }
    for (uint32_t i = 0; i < g->card->n_layers && !g->full; i++) {
        pls_graph_enter(g, (int32_t)i);
        x = gemma4_block(g, x, per_layer);
    }
    pls_g_tail(g, x);
}

/* --- Gemma 3n: several residual streams, of which one is worked on --- */

static uint64_t streams_of(const struct pls_graph *g)
{
    return g->card->n_altup != 0 ? g->card->n_altup : DEFAULT_STREAMS;
}

static uint32_t magnitude(struct pls_graph *g, uint32_t x)
{
    const uint64_t *ne = g->node[x].ne;
    struct pls_shape rows = pls_shape(1, ne[1], ne[2], ne[3]);
    x = pls_g_op(g, PLS_OP_SUM_ROWS, rows, pls_g_same(g, PLS_OP_SQR, x, 0), 0);
    return pls_g_same(g, PLS_OP_SQRT, x, 0);
}

/* The other streams start as projections of the embedding, brought to its magnitude. */
static uint32_t spread_streams(struct pls_graph *g, uint32_t x)
{
    uint64_t width = g->card->n_embd, n = g->n_tokens, streams = streams_of(g);
    struct pls_shape others = pls_shape(width, n, streams - 1, 1);
    uint32_t target = magnitude(g, x);
    uint32_t added = pls_g_mul_mat(g, "altup_proj.weight", width, pls_g_op(g, PLS_OP_REPEAT, others, x, 0));
    uint32_t now = magnitude(g, added);
    added = pls_g_same(g, PLS_OP_DIV, pls_g_same(g, PLS_OP_MUL, added, target), now);
    return pls_g_op(g, PLS_OP_CONCAT, pls_shape(width, n, streams, 1), x, added);
}

static uint32_t modalities(struct pls_graph *g, uint32_t x)
{
    uint32_t y = pls_g_same(g, PLS_OP_SCALE, pls_g_rms_norm(g, "altup_router_norm.weight", x), 0);
    return pls_g_same(g, PLS_OP_UNARY, pls_g_mul_mat(g, "altup_router.weight", streams_of(g), y), 0);
}

static uint32_t predict(struct pls_graph *g, uint32_t x)
{
    uint64_t width = g->card->n_embd, n = g->n_tokens, streams = streams_of(g);
    uint32_t coefs =
        pls_g_mul_mat(g, "altup_predict_coef.weight", streams * streams, modalities(g, slice(g, x)));
    coefs = pls_g_reshape(g, coefs, pls_shape(streams, streams, n, 1));
    uint32_t turned = pls_g_view(g, PLS_OP_PERMUTE, pls_shape(streams, width, n, 1), x);
    turned = pls_g_same(g, PLS_OP_CONT, turned, 0);
    uint32_t y = pls_g_op(g, PLS_OP_MUL_MAT, pls_shape(width, streams, n, 1), turned, coefs);
    y = pls_g_view(g, PLS_OP_PERMUTE, pls_shape(width, n, streams, 1), y);
    return pls_g_same(g, PLS_OP_ADD, pls_g_same(g, PLS_OP_CONT, y, 0), x);
}

static uint32_t correct(struct pls_graph *g, uint32_t predicted, uint32_t done)
{
    uint64_t width = g->card->n_embd, n = g->n_tokens, streams = streams_of(g);
    uint32_t mods = modalities(g, done);
    uint32_t news = pls_g_same(g, PLS_OP_SUB, done, slice(g, predicted));
    uint32_t coefs = pls_g_mul_mat(g, "altup_correct_coef.weight", streams, mods);
    coefs = pls_g_same(g, PLS_OP_SCALE, coefs, 0);
    coefs = pls_g_view(g, PLS_OP_TRANSPOSE, pls_shape(n, streams, 1, 1), coefs);
    coefs = pls_g_op(g, PLS_OP_CONT, pls_shape(1, n, streams, 1), coefs, 0);
    news = pls_g_op(g, PLS_OP_REPEAT, pls_shape(width, n, streams, 1), news, 0);
    return pls_g_same(g, PLS_OP_ADD, pls_g_same(g, PLS_OP_MUL, news, coefs), predicted);
}

static uint32_t laurel(struct pls_graph *g, uint32_t x)
{
    uint64_t rank = g->card->n_laurel != 0 ? g->card->n_laurel : DEFAULT_LAUREL;
    uint32_t y = pls_g_mul_mat(g, "laurel_l.weight", rank, x);
    y = pls_g_rms_norm(g, "laurel_post_norm.weight", pls_g_mul_mat(g, "laurel_r.weight", g->card->n_embd, y));
    return pls_g_same(g, PLS_OP_ADD, y, x);
}

/* Activations below mean plus some deviations are dropped. */
static uint32_t keep_largest(struct pls_graph *g, uint32_t x)
{
    struct pls_shape rows = pls_shape(1, pls_g_ne(g, x, 1), 1, 1);
    uint32_t mean = pls_g_op(g, PLS_OP_MEAN, rows, x, 0);
    uint32_t d = pls_g_same(g, PLS_OP_SQR, pls_g_same(g, PLS_OP_SUB, x, mean), 0);
    d = pls_g_same(g, PLS_OP_SCALE, pls_g_op(g, PLS_OP_SUM_ROWS, rows, d, 0), 0);
    d = pls_g_same(g, PLS_OP_SCALE, pls_g_same(g, PLS_OP_SQRT, d, 0), 0);
    uint32_t cutoff = pls_g_same(g, PLS_OP_ADD, mean, d);
    return pls_g_same(g, PLS_OP_UNARY, pls_g_same(g, PLS_OP_SUB, x, cutoff), 0);
}

static uint32_t gemma3n_ffn(struct pls_graph *g, const struct pls_layer *l, uint32_t x)
{
    uint32_t up = pls_g_mul_mat(g, "ffn_up.weight", l->n_ff, x);
    uint32_t gate = pls_g_mul_mat(g, "ffn_gate.weight", l->n_ff, x);
    if (g->layer < SPARSE_LAYERS) {
        gate = keep_largest(g, gate);
    }
    gate = pls_g_same(g, PLS_OP_UNARY, gate, 0);
    return pls_g_mul_mat(g, "ffn_down.weight", g->card->n_embd, pls_g_same(g, PLS_OP_MUL, up, gate));
}

/* The per-layer input is added to every stream but the active one. */
static uint32_t feed_streams(struct pls_graph *g, uint32_t corrected, uint32_t per_layer)
{
    uint64_t width = g->card->n_embd, n = g->n_tokens, streams = streams_of(g);
    uint32_t first =
        pls_g_same(g, PLS_OP_MUL, slice(g, corrected), pls_g_weight(g, "altup_correct_scale.weight"));
    first = pls_g_mul_mat(g, "inp_gate.weight", g->card->n_embd_per_layer, first);
    first = pls_g_same(g, PLS_OP_UNARY, first, 0);
    first = pls_g_same(g, PLS_OP_MUL, first, slice(g, per_layer));
    first = pls_g_rms_norm(g, "post_norm.weight", pls_g_mul_mat(g, "proj.weight", width, first));
    uint32_t active = slice(g, corrected);
    uint32_t rest = pls_g_view(g, PLS_OP_VIEW, pls_shape(width, n, streams - 1, 1), corrected);
    rest = pls_g_same(g, PLS_OP_ADD, rest, first);
    return pls_g_op(g, PLS_OP_CONCAT, pls_shape(width, n, streams, 1), active, rest);
}

static uint32_t gemma3n_block(struct pls_graph *g, uint32_t x, uint32_t per_layer)
{
    struct pls_layer l = pls_card_layer(g->card, (uint32_t)g->layer);
    uint32_t predicted = predict(g, x);
    uint32_t active = slice(g, predicted);
    uint32_t cur = pls_g_rms_norm(g, "attn_norm.weight", active);
    uint32_t side = laurel(g, cur);
    cur = pls_g_rms_norm(g, "post_attention_norm.weight", attend(g, &l, cur));
    cur = pls_g_same(g, PLS_OP_ADD, cur, active);
    uint32_t mid = pls_g_same(g, PLS_OP_SCALE, pls_g_same(g, PLS_OP_ADD, cur, side), 0);
    cur = gemma3n_ffn(g, &l, pls_g_rms_norm(g, "ffn_norm.weight", mid));
    cur = pls_g_same(g, PLS_OP_ADD, pls_g_rms_norm(g, "post_ffw_norm.weight", cur), mid);
    return feed_streams(g, correct(g, predicted, cur), per_layer);
}

static uint32_t merge_streams(struct pls_graph *g, uint32_t x)
{
    uint64_t width = g->card->n_embd, n = g->n_tokens, streams = streams_of(g);
    uint32_t target = magnitude(g, slice(g, x));
    uint32_t others = pls_g_view(g, PLS_OP_VIEW, pls_shape(width, n, streams - 1, 1), x);
    others = pls_g_mul_mat(g, "altup_unembd_proj.weight", width, others);
    uint32_t now = magnitude(g, others);
    others = pls_g_same(g, PLS_OP_DIV, pls_g_same(g, PLS_OP_MUL, others, target), now);
    uint32_t sum = slice(g, x);
    for (uint64_t i = 0; i + 1 < streams; i++) {
        sum = pls_g_same(g, PLS_OP_ADD, sum, slice(g, others));
    }
    return pls_g_same(g, PLS_OP_SCALE, sum, 0);
}

void pls_graph_build_gemma3n(struct pls_graph *g)
{
    uint32_t x = pls_g_same(g, PLS_OP_SCALE, pls_g_embed(g), 0);
    pls_g_make_inputs(g);
    uint32_t per_layer = project_per_layer(g, x, look_up_per_layer(g));
    x = spread_streams(g, x);
    for (uint32_t i = 0; i < g->card->n_layers && !g->full; i++) {
        pls_graph_enter(g, (int32_t)i);
        x = gemma3n_block(g, x, per_layer);
    }
    pls_graph_enter(g, -1);
    x = pls_g_out_rows(g, merge_streams(g, x));
    pls_g_tail(g, x);
}
