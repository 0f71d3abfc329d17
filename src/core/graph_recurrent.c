/* State layers: Mamba-2, gated delta nets, Kimi delta attention, short convolutions.
 *
 * Every state layer clears, fetches and stores rows of its recurrent cache; those operations are listed as
 * soon as they are made, so they come before whatever they are combined with. */
#include "core/graph.h"
#include "core/graph_traits.h"

/* One slot per sequence. */
static uint32_t state_cache(struct pls_graph *g, uint64_t width)
{
    return pls_g_cache(g, PLS_TYPE_F32, pls_shape(width, g->n_seqs, 1, 1));
}

static uint32_t open_states(struct pls_graph *g, uint32_t cache)
{
    uint64_t width = pls_g_ne(g, cache, 0);
    uint32_t states = pls_g_reshape(g, cache, pls_shape(width, g->n_seqs, 1, 1));
    uint32_t first = pls_g_view(g, PLS_OP_VIEW, pls_shape(width, 1, 1, 1), states);
    pls_g_expand(g, pls_g_view(g, PLS_OP_SCALE, pls_shape(width, 1, 1, 1), first)); /* cleared in place */
    return states;
}

/* Rows of sequences that take no part in the batch move along; a full batch has none, but the copy is listed.
 */
static void close_states(struct pls_graph *g, uint32_t cache, uint32_t states)
{
    struct pls_shape none = pls_shape(pls_g_ne(g, cache, 0), 0, 1, 1);
    uint32_t extra = pls_g_op(g, PLS_OP_GET_ROWS, none, states, g->s_copy_extra);
    pls_g_expand(g, pls_g_cpy(g, extra, pls_g_view(g, PLS_OP_VIEW, none, cache)));
}

static uint32_t fetch_states(struct pls_graph *g, uint32_t cache)
{
    struct pls_shape rows = pls_shape(pls_g_ne(g, cache, 0), g->n_seqs, 1, 1);
    uint32_t states = open_states(g, cache);
    uint32_t out = pls_g_op(g, PLS_OP_GET_ROWS, rows, states, g->s_copy_main);
    pls_g_expand(g, out);
    close_states(g, cache, states);
    return out;
}

/* Copies `part`, a row per sequence, into the cache. */
static void store_states(struct pls_graph *g, uint32_t part, uint32_t cache)
{
    struct pls_shape row = pls_shape(pls_g_ne(g, cache, 0), g->n_seqs, 1, 1);
    pls_g_expand(g, pls_g_cpy(g, part, pls_g_view(g, PLS_OP_VIEW, row, cache)));
}

static uint32_t by_sequence(struct pls_graph *g, uint32_t x)
{
    return pls_g_reshape(g, x, pls_shape(pls_g_ne(g, x, 0), g->n_seq_tokens, g->n_seqs, 1));
}

/* The last taps of the previous batch in front of this one's: [taps - 1 + tokens, channels, sequences]. */
static uint32_t with_history(struct pls_graph *g, uint32_t history, uint32_t x)
{
    uint64_t channels = pls_g_ne(g, x, 0);
    uint32_t turned = pls_g_view(g, PLS_OP_TRANSPOSE, pls_shape(g->n_seq_tokens, channels, g->n_seqs, 1), x);
    struct pls_shape shape = pls_shape(pls_g_ne(g, history, 0) + g->n_seq_tokens, channels, g->n_seqs, 1);
    return pls_g_op(g, PLS_OP_CONCAT, shape, history, turned);
}

/* What the next batch needs as history. */
static uint32_t last_taps(struct pls_graph *g, uint32_t x, uint64_t taps)
{
    struct pls_shape shape = pls_shape(taps, pls_g_ne(g, x, 1), g->n_seqs, 1);
    return pls_g_part(g, shape, x, taps, pls_g_ne(g, x, 0));
}

static uint32_t ssm_conv(struct pls_graph *g, uint32_t x, uint32_t weight)
{
    return pls_g_op(g, PLS_OP_SSM_CONV, pls_shape(pls_g_ne(g, x, 1), g->n_seq_tokens, g->n_seqs, 1), x,
                    weight);
}

static uint32_t flatten(struct pls_graph *g, uint32_t x)
{
    return pls_g_reshape(g, x, pls_shape(pls_g_ne(g, x, 0), g->n_tokens, 1, 1));
}

/* --- Mamba-2 --- */

struct mamba {
    uint64_t inner, state, heads, groups, head, channels;
    uint32_t z, dt; /* views of the input projection */
    uint32_t x, b, c;
};

static uint32_t mamba_conv(struct pls_graph *g, uint32_t taps, uint32_t xbc, uint32_t cache)
{
    uint32_t x = with_history(g, taps, xbc);
    store_states(g, last_taps(g, x, g->card->ssm_conv - 1), cache);
    x = ssm_conv(g, x, pls_g_weight(g, "ssm_conv1d.weight"));
    return pls_g_same(g, PLS_OP_UNARY, pls_g_add_bias(g, "ssm_conv1d.bias", x), 0);
}

/* The scan reads the states where they lie and returns outputs and new states in one row. */
static uint32_t mamba_scan(struct pls_graph *g, const struct mamba *m)
{
    uint64_t width = m->state * m->inner;
    uint32_t cache = state_cache(g, width);
    uint32_t dt = pls_g_same(g, PLS_OP_CONT, m->dt, 0);
    dt = pls_g_add_bias(g, "ssm_dt.bias", dt);
    uint32_t states = open_states(g, cache);
    uint32_t shaped = pls_g_reshape(g, states, pls_shape(m->state, m->head, m->heads, g->n_seqs));
    uint64_t length = m->inner * g->n_tokens + width * g->n_seqs;
    uint32_t y = pls_g_op(g, PLS_OP_SSM_SCAN, pls_shape(length, 1, 1, 1), shaped, m->x);
    uint32_t *src = g->node[y].src;
    src[2] = dt;
    src[3] = pls_g_weight(g, "ssm_a");
    src[4] = m->b;
    src[5] = m->c;
    src[6] = g->s_copy_main;
    pls_g_expand(g, y);
    close_states(g, cache, states);
    store_states(g, pls_g_view(g, PLS_OP_VIEW, pls_shape(width, g->n_seqs, 1, 1), y), cache);
    return y;
}

uint32_t pls_g_mamba2_layer(struct pls_graph *g, uint32_t cur)
{
    const struct pls_card *c = g->card;
    struct mamba m = {
        .inner = c->ssm_inner, .state = c->ssm_state, .heads = c->ssm_heads, .groups = c->ssm_groups
    };
    m.head = m.heads == 0 ? 0 : m.inner / m.heads;
    m.channels = m.inner + 2 * m.groups * m.state;
    uint64_t t = g->n_seq_tokens, s = g->n_seqs, taps = c->ssm_conv - 1;
    uint32_t cache = state_cache(g, taps * m.channels);
    uint32_t history = pls_g_reshape(g, fetch_states(g, cache), pls_shape(taps, m.channels, s, 1));
    uint32_t in = pls_g_mul_mat(g, "ssm_in.weight", m.inner + m.channels + m.heads, by_sequence(g, cur));
    uint64_t row = pls_g_ne(g, in, 0);
    m.z = pls_g_part(g, pls_shape(m.head, m.heads, t, s), in, m.inner, row);
    uint32_t xbc = pls_g_part(g, pls_shape(m.channels, t, s, 1), in, m.channels, row);
    m.dt = pls_g_part(g, pls_shape(m.heads, t, s, 1), in, m.heads, row);
    xbc = mamba_conv(g, history, xbc, cache);
    m.x = pls_g_part(g, pls_shape(m.head, m.heads, t, s), xbc, m.inner, m.channels);
    m.b = pls_g_part(g, pls_shape(m.state, m.groups, t, s), xbc, m.state * m.groups, m.channels);
    m.c = pls_g_part(g, pls_shape(m.state, m.groups, t, s), xbc, m.state * m.groups, m.channels);
    uint32_t y = pls_g_view(g, PLS_OP_VIEW, pls_shape(m.head, m.heads, t, s), mamba_scan(g, &m));
    y = pls_g_same(g, PLS_OP_ADD, y, pls_g_same(g, PLS_OP_MUL, m.x, pls_g_weight(g, "ssm_d")));
    uint32_t z = pls_g_same(g, PLS_OP_CONT, m.z, 0);
    y = pls_g_same(g, PLS_OP_GLU, z, y);
    if (c->has_ssm_norm || pls_has(g, PLS_T_SSM_NORM)) {
        y = pls_g_reshape(g, y, pls_shape(m.inner / m.groups, m.groups, t, s));
        y = pls_g_rms_norm(g, "ssm_norm.weight", y);
    }
    y = pls_g_reshape(g, y, pls_shape(m.inner, t, s, 1));
    return flatten(g, pls_g_mul_mat(g, "ssm_out.weight", c->n_embd, y));
}

/* --- delta nets: GDN and KDA share the recurrence --- */

struct delta {
    uint64_t head, n_k, n_v; /* head width, key heads, value heads */
    uint32_t q, k, v, gate, beta;
};

/* Output [head, heads, tokens, sequences]; the new state follows it in the same buffer and is stored. */
static uint32_t delta_rule(struct pls_graph *g, const struct delta *d, uint32_t states, uint32_t cache)
{
    uint64_t t = g->n_seq_tokens, s = g->n_seqs;
    struct pls_shape square = pls_shape(d->head, d->head, d->n_v, s);
    uint32_t state = pls_g_reshape(g, states, square);
    uint32_t out =
        pls_g_op3(g, PLS_OP_GATED_DELTA_NET, pls_shape(d->head * d->n_v, t * s + d->head * s, 1, 1),
                  (const uint32_t[3]){ d->q, d->k, d->v });
    uint32_t *src = g->node[out].src;
    src[3] = d->gate;
    src[4] = d->beta;
    src[5] = state;
    store_states(g, pls_g_view(g, PLS_OP_VIEW, square, out), cache);
    return pls_g_view(g, PLS_OP_VIEW, pls_shape(d->head, d->n_v, t, s), out);
}

/* Q or K repeated so that each value head has its own. */
static uint32_t repeat_heads(struct pls_graph *g, const struct delta *d, uint32_t x)
{
    uint64_t n = g->n_tokens, times = d->n_v / d->n_k;
    x = pls_g_reshape(g, x, pls_shape(d->head, 1, d->n_k, n));
    x = pls_g_op(g, PLS_OP_REPEAT, pls_shape(d->head, times, d->n_k, n), x, 0);
    return pls_g_reshape(g, x, pls_shape(d->head, d->n_v, g->n_seq_tokens, g->n_seqs));
}

/* Decay from alpha: softplus(alpha + dt) * a. */
static uint32_t decay(struct pls_graph *g, uint32_t alpha)
{
    uint32_t x = pls_g_same(g, PLS_OP_UNARY, pls_g_add_bias(g, "ssm_dt.bias", alpha), 0);
    return pls_g_same(g, PLS_OP_MUL, x, pls_g_weight(g, "ssm_a"));
}

static void gates_from_one(struct pls_graph *g, struct delta *d, uint32_t cur)
{
    uint64_t each = d->n_v / d->n_k, t = g->n_seq_tokens, s = g->n_seqs;
    uint32_t both = pls_g_mul_mat(g, "ssm_ba.weight", 2 * d->n_v, cur);
    both = pls_g_reshape(g, both, pls_shape(2 * each, d->n_k, t, s));
    uint32_t beta = pls_g_part(g, pls_shape(each, d->n_k, t, s), both, each, 2 * each);
    uint32_t alpha = pls_g_part(g, pls_shape(each, d->n_k, t, s), both, each, 2 * each);
    beta = pls_g_same(g, PLS_OP_UNARY, pls_g_same(g, PLS_OP_CONT, beta, 0), 0);
    alpha = pls_g_op(g, PLS_OP_CONT, pls_shape(d->n_v, t, s, 1), alpha, 0);
    d->gate = pls_g_reshape(g, decay(g, alpha), pls_shape(1, d->n_v, t, s));
    d->beta = pls_g_reshape(g, beta, pls_shape(1, d->n_v, t, s));
}

static void gates_from_two(struct pls_graph *g, struct delta *d, uint32_t cur)
{
    uint64_t t = g->n_seq_tokens, s = g->n_seqs;
    uint32_t beta = pls_g_mul_mat(g, "ssm_beta.weight", d->n_v, cur);
    d->beta = pls_g_same(g, PLS_OP_UNARY, pls_g_reshape(g, beta, pls_shape(1, d->n_v, t, s)), 0);
    uint32_t alpha = pls_g_mul_mat(g, "ssm_alpha.weight", d->n_v, cur);
    alpha = decay(g, pls_g_reshape(g, alpha, pls_shape(d->n_v, t, s, 1)));
    d->gate = pls_g_reshape(g, alpha, pls_shape(1, d->n_v, t, s));
}

static void split_mixed(struct pls_graph *g, struct delta *d, uint32_t mixed)
{
    uint64_t t = g->n_seq_tokens, s = g->n_seqs;
    uint64_t key = d->head * d->n_k, value = d->head * d->n_v;
    d->q = pls_g_part(g, pls_shape(d->head, d->n_k, t, s), mixed, key, 2 * key + value);
    d->k = pls_g_part(g, pls_shape(d->head, d->n_k, t, s), mixed, key, 2 * key + value);
    d->v = pls_g_part(g, pls_shape(d->head, d->n_v, t, s), mixed, value, 2 * key + value);
    d->q = pls_g_same(g, PLS_OP_L2_NORM, d->q, 0);
    d->k = pls_g_same(g, PLS_OP_L2_NORM, d->k, 0);
    if (pls_has(g, PLS_T_REPEAT_QK) && d->n_k != d->n_v) {
        d->q = repeat_heads(g, d, d->q);
        d->k = repeat_heads(g, d, d->k);
    }
}

uint32_t pls_g_gdn_layer(struct pls_graph *g, uint32_t cur)
{
    const struct pls_card *c = g->card;
    struct delta d = { .head = c->ssm_state, .n_k = c->ssm_groups, .n_v = c->ssm_heads };
    uint64_t t = g->n_seq_tokens, s = g->n_seqs, taps = c->ssm_conv - 1;
    uint64_t inner = d.head * d.n_v, channels = inner + 2 * d.n_k * d.head;
    pls_g_expand(g, cur);
    uint32_t mixed = by_sequence(g, pls_g_mul_mat(g, "attn_qkv.weight", channels, cur));
    uint32_t z = pls_g_mul_mat(g, "attn_gate.weight", inner, cur);
    if (pls_has(g, PLS_T_BETA_ALPHA)) {
        gates_from_one(g, &d, cur);
    } else {
        gates_from_two(g, &d, cur);
    }
    uint32_t conv_cache = state_cache(g, taps * channels), cache = state_cache(g, d.head * inner);
    uint32_t history = pls_g_reshape(g, fetch_states(g, conv_cache), pls_shape(taps, channels, s, 1));
    uint32_t x = with_history(g, history, mixed);
    store_states(g, last_taps(g, x, taps), conv_cache);
    uint32_t states = fetch_states(g, cache);
    x = pls_g_same(g, PLS_OP_UNARY, ssm_conv(g, x, pls_g_weight(g, "ssm_conv1d.weight")), 0);
    split_mixed(g, &d, x);
    uint32_t out = delta_rule(g, &d, states, cache);
    out = pls_g_rms_norm(g, "ssm_norm.weight", out);
    z = pls_g_same(g, PLS_OP_UNARY, pls_g_reshape(g, z, pls_shape(d.head, d.n_v, t, s)), 0);
    out = pls_g_reshape(g, pls_g_same(g, PLS_OP_MUL, out, z), pls_shape(inner, t, s, 1));
    return flatten(g, pls_g_mul_mat(g, "ssm_out.weight", c->n_embd, out));
}

struct kda_part {
    const char *matrix, *conv;
};

/* One of Q, K, V: projection, history, convolution. The three share one row of the cache. */
static uint32_t kda_project(struct pls_graph *g, const struct kda_part *part, const uint32_t cache[2],
                            uint32_t cur)
{
    uint64_t head = g->card->kda_head_dim, taps = g->card->ssm_conv - 1;
    uint64_t inner = pls_g_ne(g, cache[0], 0) / (3 * taps), t = g->n_seq_tokens, s = g->n_seqs;
    struct pls_shape window = pls_shape(taps, inner, s, 1);
    uint32_t history = pls_g_part(g, window, cache[1], taps * inner, 3 * taps * inner);
    uint32_t x = with_history(g, history, by_sequence(g, pls_g_mul_mat(g, part->matrix, inner, cur)));
    uint32_t into = pls_g_part(g, window, cache[0], taps * inner, 3 * taps * inner);
    pls_g_expand(g, pls_g_cpy(g, last_taps(g, x, taps), into));
    uint32_t kernel = pls_g_reshape(g, pls_g_weight(g, part->conv), pls_shape(taps + 1, inner, 1, 1));
    x = flatten(g, ssm_conv(g, x, kernel));
    return pls_g_reshape(g, pls_g_same(g, PLS_OP_UNARY, x, 0), pls_shape(head, inner / head, t, s));
}

static void kda_gates(struct pls_graph *g, struct delta *d, uint32_t cur)
{
    uint64_t inner = d->head * d->n_v, t = g->n_seq_tokens, s = g->n_seqs;
    uint32_t gate = pls_g_mul_mat(g, "ssm_f_a.weight", d->head, cur);
    gate = pls_g_add_bias(g, "ssm_dt.bias", pls_g_mul_mat(g, "ssm_f_b.weight", inner, gate));
    gate = pls_g_reshape(g, pls_g_same(g, PLS_OP_UNARY, gate, 0), pls_shape(d->head, d->n_v, g->n_tokens, 1));
    uint32_t a = pls_g_reshape(g, pls_g_weight(g, "ssm_a"), pls_shape(1, d->n_v, 1, 1));
    gate = pls_g_same(g, PLS_OP_MUL, gate, a);
    d->gate = pls_g_reshape(g, gate, pls_shape(d->head, d->n_v, t, s));
    uint32_t beta = pls_g_mul_mat(g, "ssm_beta.weight", d->n_v, cur);
    d->beta = pls_g_same(g, PLS_OP_UNARY, pls_g_reshape(g, beta, pls_shape(1, d->n_v, t, s)), 0);
}

uint32_t pls_g_kda_layer(struct pls_graph *g, uint32_t cur)
{
    static const struct kda_part Q = { "attn_q.weight", "ssm_conv1d_q.weight" };
    static const struct kda_part K = { "attn_k.weight", "ssm_conv1d_k.weight" };
    static const struct kda_part V = { "attn_v.weight", "ssm_conv1d_v.weight" };
    const struct pls_card *c = g->card;
    uint32_t heads = c->kda_heads != 0 ? c->kda_heads : c->n_head;
    struct delta d = { .head = c->kda_head_dim, .n_k = heads, .n_v = heads };
    uint64_t inner = d.head * heads, n = g->n_tokens;
    pls_g_expand(g, cur);
    uint32_t conv[2] = { state_cache(g, 3 * inner * (c->ssm_conv - 1)), 0 };
    conv[1] = fetch_states(g, conv[0]);
    d.q = kda_project(g, &Q, conv, cur);
    d.k = kda_project(g, &K, conv, cur);
    d.v = kda_project(g, &V, conv, cur);
    kda_gates(g, &d, cur);
    uint32_t cache = state_cache(g, d.head * inner);
    uint32_t states = fetch_states(g, cache);
    d.q = pls_g_same(g, PLS_OP_L2_NORM, d.q, 0);
    d.k = pls_g_same(g, PLS_OP_L2_NORM, d.k, 0);
    uint32_t out = delta_rule(g, &d, states, cache);
    out = pls_g_reshape(g, pls_g_same(g, PLS_OP_CONT, out, 0), pls_shape(d.head, heads, n, 1));
    out = pls_g_rms_norm(g, "ssm_norm.weight", out);
    uint32_t gate = pls_g_mul_mat(g, "ssm_g_a.weight", d.head, flatten(g, by_sequence(g, cur)));
    gate = pls_g_reshape(g, pls_g_mul_mat(g, "ssm_g_b.weight", inner, gate), pls_shape(d.head, heads, n, 1));
    out = pls_g_same(g, PLS_OP_MUL, out, pls_g_same(g, PLS_OP_UNARY, gate, 0));
    out = pls_g_op(g, PLS_OP_CONT, pls_shape(inner, n, 1, 1), out, 0);
    return pls_g_mul_mat(g, "attn_output.weight", c->n_embd, out);
}

/* --- LFM2's short convolution --- */

uint32_t pls_g_conv_layer(struct pls_graph *g, uint32_t cur)
{
    uint64_t width = g->card->n_embd, t = g->n_seq_tokens, s = g->n_seqs;
    uint64_t taps = g->card->ssm_conv - 1;
    struct pls_shape third = pls_shape(width, t, s, 1);
    uint32_t in = pls_g_mul_mat(g, "shortconv.in_proj.weight", 3 * width, by_sequence(g, cur));
    uint32_t b = pls_g_part(g, third, in, width, 3 * width);
    uint32_t c = pls_g_part(g, third, in, width, 3 * width);
    uint32_t x = pls_g_part(g, third, in, width, 3 * width);
    uint32_t bx = pls_g_same(g, PLS_OP_MUL, b, x);
    uint32_t cache = state_cache(g, taps * width);
    uint32_t history = pls_g_reshape(g, fetch_states(g, cache), pls_shape(taps, width, s, 1));
    bx = with_history(g, history, bx);
    store_states(g, last_taps(g, bx, taps), cache);
    uint32_t y = pls_g_same(g, PLS_OP_MUL, c, ssm_conv(g, bx, pls_g_weight(g, "shortconv.conv.weight")));
    return flatten(g, pls_g_mul_mat(g, "shortconv.out_proj.weight", width, y));
}
