/* Attention: projections, cache, scores. The order in which things are made and listed is the engine's. */
#include "core/graph.h"
#include "core/graph_traits.h"

static uint32_t permute_heads(struct pls_graph *g, uint32_t x)
{
    const uint64_t *ne = g->node[x].ne;
    return pls_g_view(g, PLS_OP_PERMUTE, pls_shape(ne[0], ne[2], ne[1], ne[3]), x);
}

static uint64_t elements(const struct pls_graph *g, uint32_t id)
{
    const uint64_t *ne = g->node[id].ne;
    return ne[0] * ne[1] * ne[2] * ne[3];
}

/* Quantized caches are rotated by a Hadamard matrix: reshape, multiply, reshape. Fused Q, K and V are strided
 * views and are made contiguous first. */
static uint32_t rotate(struct pls_graph *g, uint32_t x, uint32_t rot)
{
    if (rot == 0 || x == 0) {
        return x;
    }
    const uint64_t *ne = g->node[x].ne;
    struct pls_shape was = pls_shape(ne[0], ne[1], ne[2], ne[3]);
    uint64_t n = pls_g_ne(g, rot, 0);
    struct pls_shape rows = pls_shape(n, elements(g, x) / n, 1, 1);
    bool strided = g->node[x].op == PLS_OP_VIEW;
    uint32_t flat = strided ? pls_g_op(g, PLS_OP_CONT, rows, x, 0) : pls_g_reshape(g, x, rows);
    return pls_g_reshape(g, pls_g_op(g, PLS_OP_MUL_MAT, rows, rot, flat), was);
}

static uint32_t merge_streams(struct pls_graph *g, uint32_t cache, uint64_t width, uint64_t cells)
{
    uint64_t streams = g->setting->n_streams;
    return streams > 1 ? pls_g_reshape(g, cache, pls_shape(width, cells * streams, 1, 1)) : cache;
}

static void store_k(struct pls_graph *g, const struct pls_attention *a, uint32_t k, uint32_t cache)
{
    const struct pls_kv_inputs *in = &g->kv[a->is_sliding];
    uint32_t flat = pls_g_view(g, PLS_OP_VIEW, pls_shape(a->k_width, g->n_tokens, 1, 1), k);
    pls_g_expand(g, pls_g_set_rows(g, merge_streams(g, cache, a->k_width, in->cells), flat, in->k_idx));
}

/* Without flash attention V is stored transposed (unless "auto" gave it up late), an element per row, and as
 * wide as the widest layer's. */
static void store_v(struct pls_graph *g, const struct pls_attention *a, uint32_t v, uint32_t cache)
{
    const struct pls_kv_inputs *in = &g->kv[a->is_sliding];
    uint64_t width = (uint64_t)a->head_v * a->n_head_kv, n = g->n_tokens;
    if (!pls_g_v_transposed(g)) {
        uint32_t flat = pls_g_view(g, PLS_OP_VIEW, pls_shape(width, n, 1, 1), v);
        g->node[flat].bytes = g->node[v].bytes; /* V of a fused projection is strided, and so is this */
        pls_g_expand(g, pls_g_set_rows(g, merge_streams(g, cache, a->v_width, in->cells), flat, in->v_idx));
        return;
    }
    bool strided = g->node[v].op == PLS_OP_VIEW;
    struct pls_shape rows = pls_shape(width, n, 1, 1);
    uint32_t flat = strided ? pls_g_op(g, PLS_OP_CONT, rows, v, 0) : pls_g_reshape(g, v, rows);
    uint64_t stored = pls_g_ne(g, cache, 0);
    if (width < stored) {
        flat = pls_g_op(g, PLS_OP_PAD, pls_shape(stored, n, 1, 1), flat, 0);
    }
    uint32_t by_element = pls_g_reshape(g, cache, pls_shape(1, elements(g, cache), 1, 1));
    flat = pls_g_reshape(g, flat, pls_shape(1, stored * n, 1, 1));
    pls_g_expand(g, pls_g_set_rows(g, by_element, flat, in->v_idx));
}

struct heads {
    uint32_t q, k, v; /* permuted: [dim, tokens or cells, heads, streams] */
    uint64_t n_head, streams, per_stream;
};

static uint32_t unfold_latent(struct pls_graph *g, const struct pls_attention *a, uint32_t x)
{
    return a->v_b == NULL ? x : pls_g_mul_mat(g, a->v_b, a->v_b_dim, x);
}

/* The kernels take no F32 cache: it is cast first, all of it. */
static uint32_t cast_f32(struct pls_graph *g, uint32_t x)
{
    if (g->node[x].type != PLS_TYPE_F32) {
        return x;
    }
    x = pls_g_same(g, PLS_OP_CAST, x, 0);
    pls_g_type(g, x, PLS_TYPE_F16);
    return x;
}

static uint32_t flash(struct pls_graph *g, const struct pls_attention *a, const struct heads *h)
{
    struct pls_shape shape = pls_shape(a->head_v, h->n_head, h->per_stream, h->streams);
    uint32_t k = cast_f32(g, h->k), v = cast_f32(g, h->v);
    uint32_t o = pls_g_op3(g, PLS_OP_FLASH_ATTN, shape, (const uint32_t[3]){ h->q, k, v });
    g->node[o].src[3] = g->kv[a->is_sliding].mask;
    g->node[o].src[4] = a->sinks;
    if (a->v_b != NULL) {
        o = permute_heads(g, o);
        o = permute_heads(g, unfold_latent(g, a, o));
        o = pls_g_same(g, PLS_OP_CONT, o, 0);
    }
    return pls_g_reshape(g, o, pls_shape(pls_g_ne(g, o, 0) * h->n_head, g->n_tokens, 1, 1));
}

static uint32_t soft_cap(struct pls_graph *g, uint32_t x)
{
    x = pls_g_same(g, PLS_OP_SCALE, x, 0);
    x = pls_g_same(g, PLS_OP_UNARY, x, 0);
    return pls_g_same(g, PLS_OP_SCALE, x, 0);
}

static uint32_t scores(struct pls_graph *g, const struct pls_attention *a, const struct heads *h)
{
    const struct pls_kv_inputs *in = &g->kv[a->is_sliding];
    struct pls_shape shape = pls_shape(in->cells, h->per_stream, h->n_head, h->streams);
    uint32_t kq = pls_g_op(g, PLS_OP_MUL_MAT, shape, h->k, h->q);
    if (pls_has(g, PLS_T_ATTN_CAP)) {
        kq = soft_cap(g, kq);
    }
    kq = pls_g_op3(g, PLS_OP_SOFT_MAX, shape, (const uint32_t[3]){ kq, in->mask, a->sinks });
    uint32_t v = h->v;
    if (a->v_b != NULL || !pls_g_v_transposed(g)
        || pls_has(g, PLS_T_ENCODER)) { /* rows of V lie the wrong way round */
        v = pls_g_view(g, PLS_OP_TRANSPOSE, pls_shape(in->cells, a->head_v, a->n_head_kv, h->streams), v);
        v = pls_g_same(g, PLS_OP_CONT, v, 0);
    }
    uint32_t o =
        pls_g_op(g, PLS_OP_MUL_MAT, pls_shape(a->head_v, h->per_stream, h->n_head, h->streams), v, kq);
    o = permute_heads(g, unfold_latent(g, a, o));
    return pls_g_op(g, PLS_OP_CONT, pls_shape(pls_g_ne(g, o, 0) * h->n_head, g->n_tokens, 1, 1), o, 0);
}

static uint32_t k_cache(struct pls_graph *g, const struct pls_attention *a)
{
    struct pls_shape shape = pls_shape(a->k_width, g->kv[a->is_sliding].cells, g->setting->n_streams, 1);
    return pls_g_cache(g, g->setting->type_k, shape);
}

static uint32_t v_cache(struct pls_graph *g, const struct pls_attention *a)
{
    struct pls_shape shape = pls_shape(a->v_width, g->kv[a->is_sliding].cells, g->setting->n_streams, 1);
    return pls_g_cache(g, g->setting->type_v, shape);
}

/* Views of the cache as the kernels want it. A latent cache has no V: it is the front of each K row. */
static void look_at_cache(struct pls_graph *g, const struct pls_attention *a, const uint32_t cache[2],
                          struct heads *h)
{
    uint64_t cells = g->kv[a->is_sliding].cells;
    uint64_t head_k = a->k_width / a->n_head_kv;
    uint32_t k = pls_g_view(g, PLS_OP_VIEW, pls_shape(head_k, a->n_head_kv, cells, h->streams), cache[0]);
    uint32_t v;
    if (cache[1] == 0) {
        v = pls_g_part(g, pls_shape(a->head_v, a->n_head_kv, cells, h->streams), k, a->head_v, a->k_width);
    } else if (!pls_g_v_transposed(g)) {
        v = pls_g_view(g, PLS_OP_VIEW, pls_shape(a->head_v, a->n_head_kv, cells, h->streams), cache[1]);
    } else {
        v = pls_g_view(g, PLS_OP_VIEW, pls_shape(cells, a->n_head_kv, a->head_v, h->streams), cache[1]);
    }
    h->k = permute_heads(g, k);
    h->v = permute_heads(g, v);
}

/* Without a cache the batch's own K and V are attended to, as one stream. */
static uint32_t attend_to_batch(struct pls_graph *g, const struct pls_attention *a)
{
    const struct pls_qkv *x = &a->qkv;
    pls_g_expand(g, x->q);
    pls_g_expand(g, x->k);
    pls_g_expand(g, x->v);
    struct heads h = { .n_head = pls_g_ne(g, x->q, 1), .streams = 1, .per_stream = g->n_tokens };
    struct pls_shape shape = pls_shape(pls_g_ne(g, x->q, 0), h.n_head, h.per_stream, 1);
    h.q = permute_heads(g, pls_g_view(g, PLS_OP_VIEW, shape, x->q));
    h.k = permute_heads(g, x->k);
    h.v = permute_heads(g, x->v);
    uint32_t o = g->setting->flash_attention ? flash(g, a, &h) : scores(g, a, &h);
    pls_g_expand(g, o);
    return o;
}

uint32_t pls_g_attention(struct pls_graph *g, const struct pls_attention *a)
{
    if (pls_has(g, PLS_T_ENCODER)) {
        return attend_to_batch(g, a);
    }
    const struct pls_kv_inputs *in = &g->kv[a->is_sliding];
    bool latent = a->v_b != NULL;
    bool two_kinds = g->kv[1].mask != 0;
    uint32_t q = rotate(g, a->qkv.q, latent ? 0 : in->k_rot);
    uint32_t k = rotate(g, a->qkv.k, latent ? 0 : in->k_rot);
    uint32_t v = rotate(g, a->qkv.v, latent ? 0 : in->v_rot);
    pls_g_expand(g, q);
    pls_g_expand(g, two_kinds ? k : v);
    pls_g_expand(g, two_kinds ? v : k);
    uint32_t cache[2] = { k_cache(g, a), latent ? 0 : v_cache(g, a) };
    if (k != 0) {
        store_k(g, a, k, cache[0]);
    }
    if (v != 0 && !latent) {
        store_v(g, a, v, cache[1]);
    }
    struct heads h = { .n_head = pls_g_ne(g, q, 1), .streams = g->setting->n_streams };
    h.per_stream = g->n_tokens / h.streams;
    uint32_t view =
        pls_g_view(g, PLS_OP_VIEW, pls_shape(pls_g_ne(g, q, 0), h.n_head, h.per_stream, h.streams), q);
    h.q = permute_heads(g, view);
    look_at_cache(g, a, cache, &h);
    uint32_t o = g->setting->flash_attention ? flash(g, a, &h) : scores(g, a, &h);
    pls_g_expand(g, o);
    return rotate(g, o, latent ? 0 : in->v_rot);
}

uint32_t pls_g_rope(struct pls_graph *g, uint32_t x)
{
    uint32_t y = pls_g_same(g, PLS_OP_ROPE, x, g->pos);
    g->node[y].src[2] = pls_g_rope_factors(g);
    return y;
}

static bool rotates(const struct pls_graph *g, const struct pls_layer *l)
{
    switch ((enum pls_rope_rule)g->traits->rope) {
    case PLS_ROPE_SLIDING:
        return l->is_sliding;
    case PLS_ROPE_SLIDING_OR_PLAIN:
        return l->is_sliding || g->kv[1].mask == 0;
    case PLS_ROPE_SKIP_FOURTH:
        return (g->layer + 1) % 4 != 0;
    case PLS_ROPE_ALL:
        break;
    }
    return !pls_has(g, PLS_T_NO_ROPE);
}

static enum pls_qk_norm qk_norm_of(const struct pls_graph *g)
{
    return g->traits->qk_norm != PLS_QK_NORM_NONE ? (enum pls_qk_norm)g->traits->qk_norm
                                                  : (enum pls_qk_norm)g->card->qk_norm;
}

struct chain {
    const char *weight, *bias, *norm; /* norm NULL: never */
    uint64_t heads;
    bool rope;
};

static uint32_t project(struct pls_graph *g, const struct chain *c, uint64_t dim, uint32_t cur)
{
    enum pls_qk_norm kind = c->norm == NULL ? PLS_QK_NORM_NONE : qk_norm_of(g);
    uint32_t x = pls_g_mul_mat(g, c->weight, dim * c->heads, cur);
    if (g->card->qkv_bias) {
        x = pls_g_add_bias(g, c->bias, x);
    }
    if (kind == PLS_QK_NORM_FULL) {
        x = pls_g_rms_norm(g, c->norm, x);
    }
    x = pls_g_reshape(g, x, pls_shape(dim, c->heads, g->n_tokens, 1));
    if (kind == PLS_QK_NORM_HEAD && !pls_has(g, PLS_T_QK_NORM_LATE)) {
        x = pls_g_norm(g, c->norm, x);
    }
    if (c->rope) {
        x = pls_g_rope(g, x);
    }
    if (kind == PLS_QK_NORM_HEAD && pls_has(g, PLS_T_QK_NORM_LATE)) {
        x = pls_g_rms_norm(g, c->norm, x);
    }
    return x;
}

/* Llama 4: rotated layers are normed without a weight, the others scaled by a per-token input. */
static uint32_t llama4_finish(struct pls_graph *g, uint32_t x, bool rope, bool is_q)
{
    if (rope) { /* Maverick, known by its 128 experts, leaves the norm out */
        return g->card->n_expert == 128 ? x : pls_g_same(g, PLS_OP_RMS_NORM, x, 0);
    }
    return is_q ? pls_g_same(g, PLS_OP_MUL, x, g->attn_scale) : x;
}

static struct pls_qkv separate_qkv(struct pls_graph *g, const struct pls_layer *l, uint32_t cur)
{
    bool rope = rotates(g, l);
    const struct chain q = { "attn_q.weight", "attn_q.bias", "attn_q_norm.weight", l->n_head, rope };
    const struct chain k = { "attn_k.weight", "attn_k.bias", "attn_k_norm.weight", l->n_head_kv, rope };
    const struct chain v = { "attn_v.weight", "attn_v.bias", NULL, l->n_head_kv, false };
    struct pls_qkv r = { .q = project(g, &q, l->head_dim_k, cur) };
    r.k = project(g, &k, l->head_dim_k, cur);
    r.v = project(g, &v, l->head_dim_v, cur);
    if (pls_has(g, PLS_T_ATTN_SCALE_INPUT)) {
        r.q = llama4_finish(g, r.q, rope, true);
        r.k = llama4_finish(g, r.k, rope, false);
    }
    return r;
}

static struct pls_qkv fused_qkv(struct pls_graph *g, const struct pls_layer *l, uint32_t cur)
{
    uint64_t k_width = (uint64_t)l->n_head_kv * l->head_dim_k,
             v_width = (uint64_t)l->n_head_kv * l->head_dim_v;
    uint64_t out = (uint64_t)l->n_head * l->head_dim_k + k_width + v_width;
    uint32_t w = pls_g_mul_mat(g, "attn_qkv.weight", out, cur);
    if (g->card->qkv_bias) {
        w = pls_g_add_bias(g, "attn_qkv.bias", w);
    }
    struct pls_qkv r;
    uint64_t n = g->n_tokens;
    r.q = pls_g_part(g, pls_shape(l->head_dim_k, l->n_head, n, 1), w, out - k_width - v_width, out);
    r.k = pls_g_part(g, pls_shape(l->head_dim_k, l->n_head_kv, n, 1), w, k_width, out);
    r.v = pls_g_part(g, pls_shape(l->head_dim_v, l->n_head_kv, n, 1), w, v_width, out);
    if (qk_norm_of(g) == PLS_QK_NORM_HEAD && !pls_has(g, PLS_T_QK_NORM_LATE)) {
        r.q = pls_g_norm(g, "attn_q_norm.weight", r.q);
        r.k = pls_g_norm(g, "attn_k_norm.weight", r.k);
    }
    if (rotates(g, l)) {
        r.q = pls_g_rope(g, r.q);
        r.k = pls_g_rope(g, r.k);
    }
    return r;
}

/* A file's header says it by the tensor, not by a key. */
static enum pls_attn_gate gate_of(const struct pls_graph *g, uint64_t heads)
{
    if (!pls_g_has_weight(g, "attn_gate.weight")) {
        return (enum pls_attn_gate)g->card->attn_gate;
    }
    return pls_g_weight_rows(g, "attn_gate.weight") == heads ? PLS_ATTN_GATE_HEAD : PLS_ATTN_GATE_ELEMENT;
}

/* A gate on the output, from the layer's normed input: one value per head or per element. */
static uint32_t gate_output(struct pls_graph *g, const struct pls_layer *l, uint32_t cur, uint32_t o)
{
    uint64_t n = g->n_tokens, heads = l->n_head, width = (uint64_t)l->head_dim_v * heads;
    bool per_head = gate_of(g, heads) == PLS_ATTN_GATE_HEAD;
    uint32_t gate = pls_g_mul_mat(g, "attn_gate.weight", per_head ? heads : width, cur);
    gate = pls_g_same(g, PLS_OP_UNARY, gate, 0);
    if (!per_head) {
        return pls_g_same(g, PLS_OP_MUL, o, gate);
    }
    o = pls_g_reshape(g, o, pls_shape(l->head_dim_v, heads, n, 1));
    o = pls_g_same(g, PLS_OP_MUL, o, pls_g_reshape(g, gate, pls_shape(1, heads, n, 1)));
    return pls_g_reshape(g, o, pls_shape(width, n, 1, 1));
}

static uint32_t project_out(struct pls_graph *g, uint32_t o)
{
    uint32_t y = pls_g_mul_mat(g, "attn_output.weight", g->card->n_embd, o);
    return g->card->o_bias ? pls_g_add_bias(g, "attn_output.bias", y) : y;
}

struct pls_attention pls_g_plain_attention(const struct pls_layer *l, struct pls_qkv qkv)
{
    return (struct pls_attention){ .qkv = qkv,
                                   .k_width = l->head_dim_k * l->n_head_kv,
                                   .v_width = l->head_dim_v * l->n_head_kv,
                                   .head_v = l->head_dim_v,
                                   .n_head_kv = l->n_head_kv,
                                   .is_sliding = l->is_sliding };
}

uint32_t pls_g_attention_layer(struct pls_graph *g, const struct pls_layer *l, uint32_t cur)
{
    bool fused = pls_has(g, PLS_T_FUSED_QKV) || pls_g_has_weight(g, "attn_qkv.weight");
    struct pls_qkv qkv = fused ? fused_qkv(g, l, cur) : separate_qkv(g, l, cur);
    if (pls_has(g, PLS_T_SCALE_Q)) {
        qkv.q = pls_g_same(g, PLS_OP_SCALE, qkv.q, 0);
    }
    struct pls_attention a = pls_g_plain_attention(l, qkv);
    a.sinks = g->card->has_attn_sinks ? pls_g_weight(g, "attn_sinks.weight") : 0;
    uint32_t o = pls_g_attention(g, &a);
    if (gate_of(g, l->n_head) != PLS_ATTN_GATE_NONE) {
        o = gate_output(g, l, cur, o);
    }
    if (pls_has(g, PLS_T_SUB_NORMS)) {
        o = pls_g_norm(g, "attn_sub_norm.weight", o);
    }
    return project_out(g, o);
}

/* Qwen3-Next and Qwen3.5: Q comes with a gate for the attention output, interleaved head by head. */
uint32_t pls_g_gated_attention_layer(struct pls_graph *g, const struct pls_layer *l, uint32_t cur)
{
    uint64_t d = l->head_dim_k, heads = l->n_head;
    struct pls_shape head = pls_shape(d, heads, g->n_tokens, 1),
                     flat = pls_shape(d * heads, g->n_tokens, 1, 1);
    uint32_t full = pls_g_mul_mat(g, "attn_q.weight", 2 * d * heads, cur);
    uint32_t q = pls_g_part(g, head, full, d, 2 * d);
    uint32_t gate = pls_g_op(g, PLS_OP_CONT, flat, pls_g_part(g, head, full, d, 2 * d), 0);
    q = pls_g_rope(g, pls_g_rms_norm(g, "attn_q_norm.weight", q));
    const struct chain k = { "attn_k.weight", "attn_k.bias", "attn_k_norm.weight", l->n_head_kv, true };
    const struct chain v = { "attn_v.weight", "attn_v.bias", NULL, l->n_head_kv, false };
    struct pls_qkv qkv = { .q = q, .k = project(g, &k, d, cur), .v = project(g, &v, l->head_dim_v, cur) };
    struct pls_attention a = pls_g_plain_attention(l, qkv);
    uint32_t o = pls_g_attention(g, &a);
    o = pls_g_same(g, PLS_OP_MUL, o, pls_g_same(g, PLS_OP_UNARY, gate, 0));
    return project_out(g, o);
}
