/* A whole batch: inputs, blocks, logits. What differs between architectures are flags of their row. */
#include "core/graph.h"
#include "core/graph_traits.h"

uint32_t pls_g_norm(struct pls_graph *g, const char *weight, uint32_t x)
{
    uint32_t y = pls_g_same(g, pls_has(g, PLS_T_LAYER_NORM) ? PLS_OP_NORM : PLS_OP_RMS_NORM, x, 0);
    pls_g_mark(g, y, PLS_NODE_NORM);
    y = pls_g_same(g, PLS_OP_MUL, y, pls_g_weight(g, weight));
    return g->card->norm_bias ? pls_g_add_bias(g, weight, y) : y;
}

/* --- inputs --- */

/* Layers that take image features of their own. A card that does not say has Qwen3-VL's three; a file says.
 */
static uint64_t deepstack_layers(const struct pls_graph *g)
{
    if (!pls_has(g, PLS_T_DEEPSTACK)) {
        return 0;
    }
    bool silent = g->card->n_deepstack == 0 && g->card->source != PLS_SOURCE_GGUF;
    return silent ? 3 : g->card->n_deepstack;
}

uint32_t pls_g_embed(struct pls_graph *g)
{
    uint64_t width = g->card->n_embd, stacked = width * (1 + deepstack_layers(g));
    struct pls_shape plain = pls_shape(width, g->n_tokens, 1, 1),
                     wide = pls_shape(stacked, g->n_tokens, 1, 1);
    g->tokens = pls_g_input(g, PLS_TYPE_I32, pls_shape(g->n_tokens, 1, 1, 1));
    uint32_t x = pls_g_op(g, PLS_OP_GET_ROWS, plain, pls_g_weight(g, "token_embd.weight"), g->tokens);
    if (stacked != width) {
        x = pls_g_op(g, PLS_OP_PAD, wide, x, 0);
    }
    pls_g_expand(g, x);
    /* embeddings given instead of tokens: reserved, never read */
    pls_g_expand(g, pls_g_input(g, PLS_TYPE_F32, wide));
    if (stacked != width) {
        g->embedded = x;
        x = pls_g_part(g, plain, x, width, stacked);
    }
    return pls_has(g, PLS_T_SCALE_EMBED) ? pls_g_same(g, PLS_OP_SCALE, x, 0) : x;
}

/* The largest power of two times 64 that divides all K heads; V always takes 64. */
static uint32_t rotation(struct pls_graph *g, enum pls_type type, uint64_t head, bool largest)
{
    if (!pls_type_is_quantized(type) || head == 0 || head % 64 != 0) {
        return 0;
    }
    uint64_t n = 64;
    while (largest && head % (2 * n) == 0) {
        n *= 2;
    }
    return pls_g_input(g, PLS_TYPE_F32, pls_shape(n, n, 1, 1));
}

/* Widths of the layers that share one cache; 0 where they differ. */
struct cache_heads {
    bool any;
    uint64_t k, v;
};

static struct cache_heads heads_of(const struct pls_graph *g, bool sliding)
{
    struct cache_heads h = { 0 };
    for (uint32_t i = 0; i < g->card->n_layers; i++) {
        struct pls_layer l = pls_card_layer(g->card, i);
        if (!l.has_attention || l.is_sliding != sliding) {
            continue;
        }
        h.k = h.any && h.k != l.head_dim_k ? 0 : l.head_dim_k;
        h.v = h.any && h.v != l.head_dim_v ? 0 : l.head_dim_v;
        h.any = true;
    }
    return h;
}

static uint64_t widest_v(const struct pls_graph *g)
{
    uint64_t widest = 0;
    for (uint32_t i = 0; i < g->card->n_layers; i++) {
        struct pls_layer l = pls_card_layer(g->card, i);
        widest = pls_max(widest, l.v_cache_width);
    }
    return widest;
}

static void make_cache_inputs(struct pls_graph *g, bool sliding)
{
    const struct pls_setting *s = g->setting;
    struct pls_kv_inputs *in = &g->kv[sliding];
    struct cache_heads h = heads_of(g, sliding);
    if (!h.any) {
        return;
    }
    uint64_t n = g->n_tokens;
    if (pls_has(g, PLS_T_ENCODER)) {
        in->cells = n;
        enum pls_type type = s->flash_attention ? PLS_TYPE_F16 : PLS_TYPE_F32;
        in->mask = pls_g_input(g, type, pls_shape(n, n, 1, 1));
        return;
    }
    in->cells = sliding ? s->n_cells_swa : s->n_ctx_seq;
    in->k_idx = pls_g_input(g, PLS_TYPE_I64, pls_shape(n, 1, 1, 1));
    in->v_idx = pls_g_input(g, PLS_TYPE_I64, pls_shape(pls_g_v_transposed(g) ? n * widest_v(g) : n, 1, 1, 1));
    struct pls_shape mask = pls_shape(in->cells, n / s->n_streams, 1, s->n_streams);
    in->mask = pls_g_input(g, s->flash_attention ? PLS_TYPE_F16 : PLS_TYPE_F32, mask);
    in->k_rot = rotation(g, s->type_k, h.k, true);
    in->v_rot = rotation(g, s->type_v, h.v, false);
}

static void make_state_inputs(struct pls_graph *g)
{
    g->s_copy = pls_g_input(g, PLS_TYPE_I32, pls_shape(g->n_seqs, 1, 1, 1));
    g->s_copy_main = pls_g_view(g, PLS_OP_VIEW, pls_shape(g->n_seqs, 1, 1, 1), g->s_copy);
    g->s_copy_extra = pls_g_view(g, PLS_OP_VIEW, pls_shape(0, 1, 1, 1), g->s_copy);
}

void pls_g_make_inputs(struct pls_graph *g)
{
    uint64_t n = g->n_tokens;
    g->pos = pls_g_input(g, PLS_TYPE_I32, pls_shape(pls_has(g, PLS_T_MROPE) ? 4 * n : n, 1, 1, 1));
    g->attn_scale = pls_g_input(g, PLS_TYPE_F32, pls_shape(1, 1, n, 1));
    make_cache_inputs(g, false);
    make_cache_inputs(g, true);
    make_state_inputs(g);
    g->out_ids = pls_g_input(g, PLS_TYPE_I32, pls_shape(g->n_outs, 1, 1, 1));
}

uint32_t pls_g_out_rows(struct pls_graph *g, uint32_t x)
{
    return pls_g_op(g, PLS_OP_GET_ROWS, pls_shape(pls_g_ne(g, x, 0), g->n_outs, 1, 1), x, g->out_ids);
}

/* --- one block --- */

static uint32_t attend(struct pls_graph *g, const struct pls_layer *l, uint32_t cur)
{
    if (g->card->kv_lora_rank != 0 && !g->card->legacy_mla) {
        return pls_g_mla_layer(g, l, cur);
    }
    return pls_has(g, PLS_T_GATED_Q) ? pls_g_gated_attention_layer(g, l, cur)
                                     : pls_g_attention_layer(g, l, cur);
}

static uint32_t feed_forward(struct pls_graph *g, const struct pls_layer *l, uint32_t cur)
{
    return l->is_moe ? pls_g_moe_with_shared(g, cur) : pls_g_ffn(g, l, cur);
}

/* Falcon-H1: attention and Mamba-2 side by side, each from a norm of its own. */
static uint32_t attend_beside_mamba(struct pls_graph *g, const struct pls_layer *l, uint32_t x, uint32_t cur)
{
    uint32_t attention = attend(g, l, cur);
    uint32_t mamba = pls_g_mamba2_layer(g, pls_g_norm(g, "attn_norm.weight", x));
    return pls_g_same(g, PLS_OP_ADD, attention, mamba);
}

static uint32_t mix(struct pls_graph *g, const struct pls_layer *l, uint32_t x, uint32_t cur)
{
    switch (l->kind) {
    case PLS_LAYER_GDN:
        return pls_g_gdn_layer(g, cur);
    case PLS_LAYER_KDA:
        return pls_g_kda_layer(g, cur);
    case PLS_LAYER_MAMBA2:
        return pls_g_mamba2_layer(g, cur);
    case PLS_LAYER_CONV:
        return pls_g_conv_layer(g, cur);
    case PLS_LAYER_PARALLEL:
        return attend_beside_mamba(g, l, x, cur);
    case PLS_LAYER_FFN:
    case PLS_LAYER_MOE:
        return feed_forward(g, l, cur);
    case PLS_LAYER_FULL:
    case PLS_LAYER_SWA:
        return attend(g, l, cur);
    case PLS_LAYER_LINEAR:
    case PLS_LAYER_MAMBA1:
    case PLS_LAYER_NONE:
    case PLS_LAYER_DSV4:
        break;
    }
    g->full = true; /* no list for this kind */
    return 0;
}

static bool picks_rows_here(const struct pls_graph *g)
{
    bool last = (uint32_t)g->layer + 1 == g->card->n_layers;
    return last && !pls_has(g, PLS_T_ROWS_AFTER_BLOCKS) && !pls_has(g, PLS_T_ROWS_AFTER_NORM);
}

static uint32_t scaled(struct pls_graph *g, uint32_t x)
{
    bool scales = pls_has(g, PLS_T_SCALE_RESIDUAL) && !g->card->residual_unscaled;
    return scales ? pls_g_same(g, PLS_OP_SCALE, x, 0) : x;
}

static uint32_t add_in_order(struct pls_graph *g, uint64_t residual_first, uint32_t branch, uint32_t residual)
{
    return pls_has(g, residual_first) ? pls_g_same(g, PLS_OP_ADD, residual, branch)
                                      : pls_g_same(g, PLS_OP_ADD, branch, residual);
}

static const char *ffn_norm_name(const struct pls_graph *g)
{
    if (pls_has(g, PLS_T_FFN_NORM_IS_POST)) {
        return "post_attention_norm.weight";
    }
    return pls_has(g, PLS_T_FFN_NORM_BARE) ? "ffn_norm" : "ffn_norm.weight";
}

/* Attention and feed-forward from one norm, both added to the input. */
static uint32_t parallel_block(struct pls_graph *g, const struct pls_layer *l, uint32_t x)
{
    uint32_t normed = pls_g_norm(g, "attn_norm.weight", x);
    uint32_t attention = attend(g, l, normed);
    if (picks_rows_here(g)) {
        attention = pls_g_out_rows(g, attention);
        x = pls_g_out_rows(g, x);
        normed = pls_g_out_rows(g, normed);
    }
    uint32_t y = feed_forward(g, l, normed);
    if (!pls_has(g, PLS_T_SUM_BRANCHES)) {
        return pls_g_same(g, PLS_OP_ADD, pls_g_same(g, PLS_OP_ADD, y, x), attention);
    }
    bool attention_first = pls_has(g, PLS_T_ATTN_BRANCH_FIRST);
    y = pls_g_same(g, PLS_OP_ADD, attention_first ? attention : y, attention_first ? y : attention);
    return pls_g_same(g, PLS_OP_ADD, y, x);
}

static uint32_t single_block(struct pls_graph *g, const struct pls_layer *l, uint32_t x)
{
    uint32_t y = mix(g, l, x, pls_g_norm(g, "attn_norm.weight", x));
    return pls_g_same(g, PLS_OP_ADD, y, x);
}

static uint32_t usual_block(struct pls_graph *g, const struct pls_layer *l, uint32_t x)
{
    bool sandwich = pls_has(g, PLS_T_SANDWICH);
    uint32_t cur = pls_has(g, PLS_T_NO_ATTN_NORM) ? x : pls_g_norm(g, "attn_norm.weight", x);
    cur = mix(g, l, x, cur);
    if (l->kind == PLS_LAYER_PARALLEL) { /* the residual joins before rows are picked */
        x = pls_g_same(g, PLS_OP_ADD, cur, x);
        cur = picks_rows_here(g) ? pls_g_out_rows(g, x) : x;
    } else {
        bool early = pls_has(g, PLS_T_POST_NORM_EARLY);
        cur = sandwich && early ? pls_g_norm(g, "post_attention_norm.weight", cur) : cur;
        if (picks_rows_here(g)) {
            cur = pls_g_out_rows(g, cur);
            x = pls_g_out_rows(g, x);
        }
        cur = sandwich && !early ? pls_g_norm(g, "post_attention_norm.weight", cur) : cur;
        cur = add_in_order(g, PLS_T_RESIDUAL_FIRST_ATTN, scaled(g, cur), x);
    }
    uint32_t residual = cur;
    cur = pls_has(g, PLS_T_NO_FFN_NORM) ? cur : pls_g_norm(g, ffn_norm_name(g), cur);
    cur = feed_forward(g, l, cur);
    cur = sandwich ? pls_g_norm(g, "post_ffw_norm.weight", cur) : cur;
    return add_in_order(g, PLS_T_RESIDUAL_FIRST, scaled(g, cur), residual);
}

/* DeciLM: layers may lack attention, or both parts. */
static uint32_t block_without_attention(struct pls_graph *g, const struct pls_layer *l, uint32_t x)
{
    if (l->n_ff == 0) {
        return x;
    }
    x = picks_rows_here(g) ? pls_g_out_rows(g, x) : x;
    return pls_g_same(g, PLS_OP_ADD, pls_g_ffn(g, l, pls_g_norm(g, "ffn_norm.weight", x)), x);
}

/* Qwen3-VL: image features stacked behind the embedding join the first layers' outputs. */
static uint32_t add_deepstack(struct pls_graph *g, uint32_t x)
{
    struct pls_shape plain = pls_shape(g->card->n_embd, g->n_tokens, 1, 1);
    uint32_t part = pls_g_part(g, plain, g->embedded, plain.ne[0], pls_g_ne(g, g->embedded, 0));
    return pls_g_same(g, PLS_OP_ADD, x, part);
}

static uint32_t block(struct pls_graph *g, uint32_t x)
{
    struct pls_layer l = pls_card_layer(g->card, (uint32_t)g->layer);
    if (l.kind == PLS_LAYER_NONE && l.n_head == 0) {
        return block_without_attention(g, &l, x);
    }
    if (pls_has(g, PLS_T_SINGLE)) {
        return single_block(g, &l, x);
    }
    x = pls_has(g, PLS_T_PARALLEL) ? parallel_block(g, &l, x) : usual_block(g, &l, x);
    return (uint64_t)g->layer < deepstack_layers(g) ? add_deepstack(g, x) : x;
}

/* --- after the blocks --- */

static uint32_t cap_logits(struct pls_graph *g, uint32_t x)
{
    if (pls_has(g, PLS_T_LOGIT_SCALE)) {
        return pls_g_same(g, PLS_OP_SCALE, x, 0);
    }
    if (!pls_has(g, PLS_T_LOGIT_CAP)) {
        return x;
    }
    x = pls_g_same(g, PLS_OP_UNARY, pls_g_same(g, PLS_OP_SCALE, x, 0), 0);
    return pls_g_same(g, PLS_OP_SCALE, x, 0);
}

void pls_g_tail(struct pls_graph *g, uint32_t x)
{
    pls_graph_enter(g, -1);
    if (pls_has(g, PLS_T_ROWS_AFTER_BLOCKS)) {
        pls_g_mark(g, x, PLS_NODE_OUTPUT);
        x = pls_g_out_rows(g, x);
    }
    x = pls_g_norm(g, pls_has(g, PLS_T_OUTPUT_NORM_LFM2) ? "token_embd_norm.weight" : "output_norm.weight",
                   x);
    pls_g_mark(g, x, PLS_NODE_OUTPUT);
    if (pls_has(g, PLS_T_ROWS_AFTER_NORM)) {
        x = pls_g_out_rows(g, x);
        pls_g_mark(g, x, PLS_NODE_OUTPUT);
    }
    if (pls_has(g, PLS_T_ENCODER)) {
        pls_g_expand(g, x);
        return;
    }
    uint32_t logits = pls_g_mul_mat(g, "output.weight", g->card->n_vocab, x);
    logits = cap_logits(g, g->card->head_bias ? pls_g_add_bias(g, "output.bias", logits) : logits);
    pls_g_mark(g, logits, PLS_NODE_OUTPUT);
    pls_g_expand(g, logits);
}

static void build_common(struct pls_graph *g)
{
    uint32_t x = pls_g_embed(g);
    pls_g_make_inputs(g);
    for (uint32_t i = 0; i < g->card->n_layers && !g->full; i++) {
        pls_graph_enter(g, (int32_t)i);
        x = block(g, x);
    }
    pls_g_tail(g, x);
}

bool pls_graph_build(struct pls_graph *g, uint64_t tokens, uint64_t outputs)
{
    const struct pls_setting *s = g->setting;
    g->traits = pls_traits_of(g->card->arch);
    if (g->traits == NULL || s->n_seq == 0 || s->n_streams == 0 || !pls_graph_is_buildable(g)) {
        return false;
    }
    g->n_outs = outputs;
    g->n_seqs = s->n_seq;
    g->n_seq_tokens = (tokens + g->n_seqs - 1) / g->n_seqs;
    g->n_tokens = g->n_seq_tokens * g->n_seqs;
    pls_graph_enter(g, -1);
    if (g->traits->build != NULL) {
        g->traits->build(g);
    } else {
        build_common(g);
    }
    return !g->full;
}
