/* Mixtures of experts: routing, the experts used, the shared ones beside them. */
#include "core/graph.h"
#include "core/graph_traits.h"

enum pls_gating {
    GATING_SOFTMAX = 1,
    GATING_SIGMOID = 2,
    GATING_SOFTMAX_WEIGHT = 3,
    GATING_SQRT_SOFTPLUS = 4
};

struct route {
    uint64_t experts, used, tokens;
    enum pls_gating gating;
    uint32_t logits, probs; /* [experts, tokens] */
    uint32_t chosen;        /* [used, tokens] */
    uint32_t weights;       /* [1, used, tokens] */
};

static uint32_t argsort(struct pls_graph *g, uint32_t x)
{
    uint32_t id = pls_g_same(g, PLS_OP_ARGSORT, x, 0);
    pls_g_type(g, id, PLS_TYPE_I32);
    return id;
}

static uint32_t top(struct pls_graph *g, uint32_t x, uint64_t n)
{
    const uint64_t *ne = g->node[x].ne;
    struct pls_shape shape = pls_shape(n, ne[1], ne[2], ne[3]);
    return pls_g_part(g, shape, argsort(g, x), n, ne[0]);
}

/* Only the best groups of experts take part: the others' scores are filled with minus infinity. */
static uint32_t keep_best_groups(struct pls_graph *g, const struct route *r, uint32_t scores)
{
    uint64_t groups = g->card->n_expert_group, kept = g->card->n_expert_group_used,
             each = r->experts / groups;
    uint32_t grouped = pls_g_reshape(g, scores, pls_shape(each, groups, r->tokens, 1));
    uint32_t best = top(g, grouped, 2);
    uint32_t rows = pls_g_reshape(g, grouped, pls_shape(1, each, groups, r->tokens));
    uint32_t sum = pls_g_op(g, PLS_OP_GET_ROWS, pls_shape(1, 2, groups, r->tokens), rows, best);
    sum = pls_g_reshape(g, sum, pls_shape(2, groups, r->tokens, 1));
    sum = pls_g_op(g, PLS_OP_SUM_ROWS, pls_shape(1, groups, r->tokens, 1), sum, 0);
    sum = pls_g_reshape(g, sum, pls_shape(groups, r->tokens, 1, 1));
    uint32_t which = top(g, sum, kept);
    uint32_t keep = pls_g_op(g, PLS_OP_GET_ROWS, pls_shape(each, kept, r->tokens, 1), grouped, which);
    uint32_t none = pls_g_same(g, PLS_OP_FILL, grouped, 0);
    return pls_g_reshape(g, pls_g_set_rows(g, none, keep, which), pls_shape(r->experts, r->tokens, 1, 1));
}

static enum pls_gating gating_of(const struct pls_graph *g)
{
    if (pls_has(g, PLS_T_EXPERT_BIAS)) {
        return GATING_SOFTMAX_WEIGHT;
    }
    if (g->card->expert_gating != 0) {
        return (enum pls_gating)g->card->expert_gating;
    }
    return g->traits->gating != 0 ? (enum pls_gating)g->traits->gating : GATING_SOFTMAX;
}

static void choose(struct pls_graph *g, struct route *r)
{
    uint32_t x = r->logits;
    r->probs = x;
    if (r->gating == GATING_SOFTMAX) {
        r->probs = pls_g_same(g, PLS_OP_SOFT_MAX, x, 0);
    } else if (r->gating == GATING_SIGMOID) {
        r->probs = pls_g_same(g, PLS_OP_UNARY, x, 0);
    } else if (r->gating == GATING_SQRT_SOFTPLUS) {
        r->probs = pls_g_same(g, PLS_OP_SQRT, pls_g_same(g, PLS_OP_UNARY, x, 0), 0);
    }
    uint32_t scores = r->probs;
    if (g->card->has_expert_bias) { /* for the choice only: the weights stay unbiased */
        scores = pls_g_add_bias(g, "exp_probs_b.bias", scores);
    }
    if (pls_has(g, PLS_T_WEIGHTS_BEFORE)) {
        scores = r->logits;
    }
    if (g->card->n_expert_group > 1) {
        scores = keep_best_groups(g, r, scores);
    }
    r->chosen = top(g, scores, r->used);
}

static bool normalises(const struct pls_graph *g)
{
    return !pls_has(g, PLS_T_WEIGHTS_RAW) && (pls_has(g, PLS_T_WEIGHTS_NORMED) || g->card->experts_normed);
}

static void weigh(struct pls_graph *g, struct route *r)
{
    struct pls_shape flat = pls_shape(r->used, r->tokens, 1, 1), tall = pls_shape(1, r->used, r->tokens, 1);
    uint32_t rows = pls_g_reshape(g, r->probs, pls_shape(1, r->experts, r->tokens, 1));
    uint32_t w = pls_g_op(g, PLS_OP_GET_ROWS, tall, rows, r->chosen);
    if (r->gating == GATING_SOFTMAX_WEIGHT) {
        w = pls_g_same(g, PLS_OP_SOFT_MAX, pls_g_reshape(g, w, flat), 0);
        w = pls_g_reshape(g, w, tall);
    }
    if (normalises(g)) {
        w = pls_g_reshape(g, w, flat);
        uint32_t sum = pls_g_op(g, PLS_OP_SUM_ROWS, pls_shape(1, r->tokens, 1, 1), w, 0);
        sum = pls_g_view(g, PLS_OP_CLAMP, pls_shape(1, r->tokens, 1, 1), sum);
        w = pls_g_reshape(g, pls_g_same(g, PLS_OP_DIV, w, sum), tall);
    }
    if (g->card->experts_scaled) {
        w = pls_g_same(g, PLS_OP_SCALE, w, 0);
    }
    r->weights = w;
    pls_g_expand(g, w);
}

/* --- experts --- */

struct expert_matrix {
    const char *weight, *bias;
};
static const struct expert_matrix GATE = { "ffn_gate_exps.weight", "ffn_gate_exps.bias" };
static const struct expert_matrix UP = { "ffn_up_exps.weight", "ffn_up_exps.bias" };
static const struct expert_matrix GATE_UP = { "ffn_gate_up_exps.weight", "ffn_gate_up_exps.bias" };
static const struct expert_matrix DOWN = { "ffn_down_exps.weight", "ffn_down_exps.bias" };

static uint32_t through(struct pls_graph *g, const struct route *r, const struct expert_matrix *m,
                        uint64_t out, uint32_t x)
{
    struct pls_shape shape = pls_shape(out, r->used, r->tokens, 1);
    uint32_t w = pls_g_weight(g, m->weight);
    if (g->ask->weights == NULL) {
        g->node[w].bytes = pls_mul(pls_mul(pls_g_ne(g, x, 0), out), r->experts) / 16 * 9; /* 4.5 bits each */
    }
    uint32_t y = pls_g_op3(g, PLS_OP_MUL_MAT_ID, shape, (const uint32_t[3]){ w, x, r->chosen });
    if (!pls_has(g, PLS_T_EXPERT_BIAS)) {
        return y;
    }
    return pls_g_op3(g, PLS_OP_ADD_ID, shape, (const uint32_t[3]){ y, pls_g_weight(g, m->bias), r->chosen });
}

static uint32_t activate(struct pls_graph *g, const struct route *r, uint64_t width, uint32_t x)
{
    struct pls_shape shape = pls_shape(width, r->used, r->tokens, 1);
    if (g->card->moe_ungated || pls_has(g, PLS_T_RELU_SQUARED)) {
        uint32_t y = pls_g_same(g, PLS_OP_UNARY, through(g, r, &UP, width, x), 0);
        return pls_has(g, PLS_T_RELU_SQUARED) ? pls_g_same(g, PLS_OP_SQR, y, 0) : y;
    }
    if (g->card->fused_gate_up) {
        uint32_t both = through(g, r, &GATE_UP, 2 * width, x);
        uint32_t gate = pls_g_part(g, shape, both, width, 2 * width);
        return pls_g_op(g, PLS_OP_GLU, shape, gate, pls_g_part(g, shape, both, width, 2 * width));
    }
    uint32_t gate = through(g, r, &GATE, width, x);
    return pls_g_op(g, PLS_OP_GLU, shape, gate, through(g, r, &UP, width, x));
}

/* A factor per expert, looked up for each token's choice. */
static uint32_t scale_experts(struct pls_graph *g, const struct route *r, uint32_t x)
{
    uint32_t scale = pls_g_weight(g, "ffn_down_exps.scale");
    scale = pls_g_reshape(g, scale, pls_shape(1, r->experts, 1, 1));
    scale = pls_g_op(g, PLS_OP_REPEAT, pls_shape(1, r->experts, r->tokens, 1), scale, 0);
    scale = pls_g_op(g, PLS_OP_GET_ROWS, pls_shape(1, r->used, r->tokens, 1), scale, r->chosen);
    return pls_g_same(g, PLS_OP_MUL, x, scale);
}

/* One view per expert used, then a chain of additions. */
static uint32_t sum_up(struct pls_graph *g, const struct route *r, uint32_t experts)
{
    struct pls_shape shape = pls_shape(pls_g_ne(g, experts, 0), r->tokens, 1, 1);
    uint32_t first = g->n;
    for (uint64_t i = 0; i < r->used; i++) {
        pls_g_expand(g, pls_g_part(g, shape, experts, shape.ne[0], shape.ne[0] * r->used));
    }
    if (g->full) {
        return 0;
    }
    uint32_t sum = first;
    for (uint32_t i = 1; i < r->used; i++) {
        sum = pls_g_op(g, PLS_OP_ADD, shape, sum, first + i);
        pls_g_expand(g, sum);
    }
    return r->used == 1 ? pls_g_op(g, PLS_OP_CONT, shape, sum, 0) : sum;
}

uint32_t pls_g_moe(struct pls_graph *g, uint32_t cur, uint32_t logits)
{
    const struct pls_card *c = g->card;
    uint64_t width = c->n_ff_exp != 0 ? c->n_ff_exp : c->n_ff;
    struct route r = { .experts = c->n_expert,
                       .used = c->n_expert_used,
                       .tokens = pls_g_ne(g, cur, 1),
                       .gating = gating_of(g),
                       .logits = logits };
    if (logits == 0) {
        r.logits = pls_g_mul_mat(g, "ffn_gate_inp.weight", c->n_expert, cur);
    }
    if (pls_has(g, PLS_T_EXPERT_BIAS)) {
        r.logits = pls_g_add_bias(g, "ffn_gate_inp.bias", r.logits);
    }
    choose(g, &r);
    weigh(g, &r);
    uint64_t in = pls_g_ne(g, cur, 0);
    uint32_t x = pls_g_reshape(g, cur, pls_shape(in, 1, r.tokens, 1));
    bool before = pls_has(g, PLS_T_WEIGHTS_BEFORE);
    if (before) {
        x = pls_g_op(g, PLS_OP_REPEAT, pls_shape(in, r.used, r.tokens, 1), x, 0);
        x = pls_g_same(g, PLS_OP_MUL, x, r.weights);
    }
    uint32_t y = through(g, &r, &DOWN, in, activate(g, &r, width, x));
    if (pls_has(g, PLS_T_DOWN_SCALE)) {
        y = scale_experts(g, &r, y);
    }
    if (!before) {
        y = pls_g_same(g, PLS_OP_MUL, y, r.weights);
    }
    pls_g_expand(g, y);
    return sum_up(g, &r, y);
}

static uint64_t shared_width(const struct pls_graph *g)
{
    const struct pls_card *c = g->card;
    return c->n_ff_shexp != 0 ? c->n_ff_shexp : (uint64_t)c->n_ff_exp * c->n_expert_shared;
}

static uint32_t shared_gate(struct pls_graph *g, uint32_t cur)
{
    uint32_t gate = pls_g_mul_mat(g, "ffn_gate_inp_shexp.weight", 1, cur);
    uint32_t on = pls_g_same(g, PLS_OP_UNARY, gate, 0);
    return pls_has(g, PLS_T_SHARED_GATE_SILU) ? pls_g_same(g, PLS_OP_DIV, on, gate) : on;
}

/* Routed sum first, then the shared experts. Nemotron 3 Super routes on the full width but works in a
 * narrower one. */
uint32_t pls_g_moe_with_shared(struct pls_graph *g, uint32_t cur)
{
    const struct pls_card *c = g->card;
    uint32_t in = cur, logits = 0;
    if (c->moe_latent != 0) {
        in = pls_g_mul_mat(g, "ffn_latent_down.weight", c->moe_latent, cur);
        logits = pls_g_mul_mat(g, "ffn_gate_inp.weight", c->n_expert, cur);
    }
    uint32_t y = pls_g_moe(g, in, logits);
    if (c->moe_latent != 0) {
        y = pls_g_mul_mat(g, "ffn_latent_up.weight", c->n_embd, y);
    }
    if (shared_width(g) == 0) {
        return y;
    }
    uint32_t shared = pls_g_shared_ffn(g, shared_width(g), cur);
    if (pls_has(g, PLS_T_SHARED_GATE) || pls_has(g, PLS_T_SHARED_GATE_SILU)) {
        shared = pls_g_same(g, PLS_OP_MUL, shared, shared_gate(g, cur));
    }
    return pls_g_same(g, PLS_OP_ADD, y, shared);
}
