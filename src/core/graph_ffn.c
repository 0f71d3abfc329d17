/* Dense feed-forward blocks; the shared experts of a mixture are one of them. */
#include "core/graph.h"
#include "core/graph_traits.h"

struct matrices {
    const char *gate, *up, *down;
    const char *gate_bias, *up_bias, *down_bias; /* NULL: none */
};

static const struct matrices DENSE = { "ffn_gate.weight", "ffn_up.weight", "ffn_down.weight",
                                       "ffn_gate.bias",   "ffn_up.bias",   "ffn_down.bias" };
static const struct matrices SHARED = {
    "ffn_gate_shexp.weight", "ffn_up_shexp.weight", "ffn_down_shexp.weight", NULL, NULL, NULL
};

static uint32_t biased(struct pls_graph *g, const char *bias, uint32_t x)
{
    return g->card->mlp_bias && bias != NULL ? pls_g_add_bias(g, bias, x) : x;
}

static uint32_t activate_alone(struct pls_graph *g, uint32_t x)
{
    x = pls_g_same(g, PLS_OP_UNARY, x, 0);
    return pls_has(g, PLS_T_RELU_SQUARED) ? pls_g_same(g, PLS_OP_SQR, x, 0) : x;
}

static uint32_t narrow(struct pls_graph *g, const struct matrices *m, uint64_t width, uint32_t cur)
{
    uint32_t up = biased(g, m->up_bias, pls_g_mul_mat(g, m->up, width, cur));
    bool gated = !g->card->mlp_ungated && !pls_has(g, PLS_T_RELU_SQUARED);
    if (!gated) {
        return activate_alone(g, up);
    }
    uint32_t gate = biased(g, m->gate_bias, pls_g_mul_mat(g, m->gate, width, cur));
    return pls_g_same(g, PLS_OP_GLU, gate, up);
}

static uint32_t dense(struct pls_graph *g, const struct matrices *m, uint64_t width, uint32_t cur)
{
    uint32_t mid;
    if (m == &DENSE && pls_has(g, PLS_T_FUSED_UP)) {
        uint32_t both = pls_g_mul_mat(g, m->up, 2 * width, cur);
        mid = pls_g_op(g, PLS_OP_GLU, pls_shape(width, pls_g_ne(g, cur, 1), 1, 1), both, 0);
    } else {
        mid = narrow(g, m, width, cur);
    }
    if (m == &DENSE && pls_has(g, PLS_T_SUB_NORMS)) {
        mid = pls_g_norm(g, "ffn_sub_norm.weight", mid);
    }
    uint32_t y = pls_g_mul_mat(g, m->down, g->card->n_embd, mid);
    bool has_bias = m->down_bias != NULL && (g->card->mlp_bias || g->card->down_bias);
    return has_bias ? pls_g_add_bias(g, m->down_bias, y) : y;
}

uint32_t pls_g_ffn(struct pls_graph *g, const struct pls_layer *l, uint32_t cur)
{
    return dense(g, &DENSE, l->n_ff, cur);
}

uint32_t pls_g_shared_ffn(struct pls_graph *g, uint64_t width, uint32_t cur)
{
    return dense(g, &SHARED, width, cur);
}
