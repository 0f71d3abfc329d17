/* The vocabulary of graphs: leafs, operations, views, and the order they are listed in. */
#include "core/graph.h"

#include <string.h>

enum { MOST_NODES_PER_LAYER = 200, NODES_PER_EXPERT = 3, NODES_OUTSIDE = 256 };

/* Whether some weight of a layer or of the output lies on the host although there are devices. */
static bool reads_host_weights(const struct pls_compute_ask *ask)
{
    for (uint32_t i = 0; ask->n_devices != 0 && ask->weights != NULL && i < ask->weights->n; i++) {
        bool on_host = ask->where == NULL || ask->where[i] < PLS_WHERE_DEVICE;
        if (on_host && !pls_tensor_is_input_table(&ask->weights->items[i])) {
            return true;
        }
    }
    return false;
}

bool pls_graph_init(struct pls_graph *g, const struct pls_compute_ask *ask, struct pls_arena *arena)
{
    const struct pls_card *card = ask->card;
    size_t per_layer = MOST_NODES_PER_LAYER + NODES_PER_EXPERT * (size_t)card->n_expert_used;
    size_t cap = NODES_OUTSIDE + per_layer * card->n_layers;
    *g =
        (struct pls_graph){ .ask = ask, .card = card, .setting = ask->setting, .cap = (uint32_t)cap, .n = 1 };
    g->layer = -1;
    g->weights_matter = reads_host_weights(ask);
    /* for the largest graph; make() clears what it hands out */
    g->node = pls_arena_room(arena, cap, sizeof(struct pls_node));
    g->order = pls_arena_room(arena, cap, sizeof(uint32_t)); /* what is filled is counted */
    g->leaf = pls_arena_room(arena, cap, sizeof(uint32_t));
    g->seen = PLS_TAKE(arena, bool, cap);
    g->leaf_of = PLS_TAKE(arena, uint32_t, ask->weights != NULL ? ask->weights->n + 1 : 1);
    if (g->node != NULL) {
        g->node[0] = (struct pls_node){ 0 }; /* "none" */
    }
    return g->node != NULL && g->order != NULL && g->leaf != NULL && g->seen != NULL && g->leaf_of != NULL;
}

/* Where a layer's tensor is named: past "blk.N.". */
static uint32_t bare_name(const struct pls_tensor *t)
{
    uint32_t at = 0;
    for (int dots = 0; t->layer >= 0 && dots < 2 && t->name[at] != '\0'; at++) {
        dots += t->name[at] == '.';
    }
    return at;
}

void pls_graph_enter(struct pls_graph *g, int32_t layer)
{
    const struct pls_tensors *list = g->ask->weights;
    uint32_t i = layer > g->layer ? g->end_weight : 0; /* layers are mostly entered in order */
    g->layer = layer;
    g->first_weight = g->end_weight = 0;
    if (list == NULL) {
        return;
    }
    while (i < list->n && list->items[i].layer < layer) {
        i++;
    }
    g->first_weight = i;
    while (i < list->n && list->items[i].layer == layer) {
        i++;
    }
    g->end_weight = i;
    g->bare_name = i > g->first_weight ? bare_name(&list->items[i - 1]) : 0;
}

static uint64_t product(const struct pls_shape *s)
{
    return pls_mul(pls_mul(s->ne[0], s->ne[1]), pls_mul(s->ne[2], s->ne[3]));
}

static uint64_t bytes_of(enum pls_type type, const struct pls_shape *s)
{
    const struct pls_type_info *info = pls_type_info(type);
    uint64_t rows = pls_mul(s->ne[1], pls_mul(s->ne[2], s->ne[3]));
    return info->block <= 1 ? pls_mul(product(s), info->bytes)
                            : pls_mul(pls_type_row_bytes(type, s->ne[0]), rows);
}

static uint32_t make(struct pls_graph *g, enum pls_op op, enum pls_type type, struct pls_shape shape)
{
    if (g->n >= g->cap) {
        g->full = true;
        return 0;
    }
    struct pls_node *n = &g->node[g->n];
    *n = (struct pls_node){ 0 };
    memcpy(n->ne, shape.ne, sizeof(n->ne));
    n->op = (uint8_t)op;
    n->type = (uint8_t)type;
    n->bytes = bytes_of(type, &shape);
    n->layer = (int16_t)g->layer;
    return g->n++;
}

uint32_t pls_g_input(struct pls_graph *g, enum pls_type type, struct pls_shape shape)
{
    uint32_t id = make(g, PLS_OP_LEAF, type, shape);
    g->node[id].flags |= PLS_NODE_INPUT;
    return id;
}

static uint32_t find_weight(const struct pls_graph *g, const char *name)
{
    const struct pls_tensors *list = g->ask->weights;
    if (list == NULL) {
        return UINT32_MAX;
    }
    for (uint32_t i = 0; i < list->n && list->items[i].layer < 0; i++) {
        if (strcmp(list->items[i].name, name) == 0) {
            return i;
        }
    }
    for (uint32_t i = g->first_weight; i < g->end_weight; i++) {
        if (strcmp(list->items[i].name + g->bare_name, name) == 0) {
            return i;
        }
    }
    return UINT32_MAX;
}

bool pls_g_has_weight(const struct pls_graph *g, const char *name)
{
    return find_weight(g, name) != UINT32_MAX;
}

uint64_t pls_g_weight_rows(const struct pls_graph *g, const char *name)
{
    uint32_t i = find_weight(g, name);
    return i == UINT32_MAX ? 0 : g->ask->weights->items[i].dims[1];
}

static uint8_t follow_layer(const struct pls_graph *g, const char *name)
{
    uint32_t output = g->card->n_layers + g->card->n_mtp_layers;
    if (g->layer < 0
        && (strcmp(name, "token_embd.weight") == 0 || strcmp(name, "per_layer_token_embd.weight") == 0)) {
        return PLS_WHERE_HOST;
    }
    uint8_t at = g->ask->layer_at[g->layer >= 0 ? (uint32_t)g->layer : output];
    return at == 0 ? PLS_WHERE_HOST : (uint8_t)(PLS_WHERE_DEVICE + at - 1);
}

static uint32_t make_weight(struct pls_graph *g, const char *name, const struct pls_tensor *t)
{
    uint32_t id = make(g, PLS_OP_LEAF, PLS_TYPE_F32, pls_shape(1, 1, 1, 1));
    struct pls_node *n = &g->node[id];
    n->flags |= PLS_NODE_WEIGHT;
    n->where = follow_layer(g, name);
    if (t != NULL) {
        memcpy(n->ne, t->dims, sizeof(n->ne));
        n->type = t->type;
        n->bytes = pls_tensor_bytes(t);
    }
    return id;
}

uint32_t pls_g_weight(struct pls_graph *g, const char *name)
{
    uint32_t i = g->weights_matter ? find_weight(g, name) : UINT32_MAX;
    if (i != UINT32_MAX) {
        if (g->leaf_of[i] == 0) {
            g->leaf_of[i] = make_weight(g, name, &g->ask->weights->items[i]);
            if (g->ask->where != NULL) {
                g->node[g->leaf_of[i]].where = g->ask->where[i];
            }
        }
        return g->leaf_of[i];
    }
    if (g->weights_matter && g->layer < 0 && strcmp(name, "output.weight") == 0) {
        i = find_weight(g, "token_embd.weight"); /* tied: a copy of the embedding is the output matrix */
    }
    return make_weight(g, name, i == UINT32_MAX ? NULL : &g->ask->weights->items[i]);
}

/* Rotation factors: the engine loads one copy for all layers of a device. */
uint32_t pls_g_rope_factors(struct pls_graph *g)
{
    if (!g->card->has_rope_freqs && !g->card->has_long_rope) {
        return 0;
    }
    uint32_t at = g->layer < 0 ? 0 : g->ask->layer_at[g->layer];
    if (g->rope_factors[at] == 0) {
        const char *name = g->card->has_rope_freqs ? "rope_freqs.weight" : "rope_factors_long.weight";
        uint32_t i = find_weight(g, name);
        uint32_t id = make_weight(g, name, i == UINT32_MAX ? NULL : &g->ask->weights->items[i]);
        g->node[id].where = at == 0 ? PLS_WHERE_HOST : (uint8_t)(PLS_WHERE_DEVICE + at - 1);
        g->rope_factors[at] = id;
    }
    return g->rope_factors[at];
}

uint32_t pls_g_cache(struct pls_graph *g, enum pls_type type, struct pls_shape shape)
{
    uint32_t id = make(g, PLS_OP_LEAF, type, shape);
    uint8_t at = g->ask->kv_on_host || g->layer < 0 ? 0 : g->ask->layer_at[g->layer];
    g->node[id].flags |= PLS_NODE_CACHE;
    g->node[id].where = at == 0 ? PLS_WHERE_HOST : (uint8_t)(PLS_WHERE_DEVICE + at - 1);
    return id;
}

uint32_t pls_g_op3(struct pls_graph *g, enum pls_op op, struct pls_shape shape, const uint32_t src[3])
{
    uint32_t id = make(g, op, PLS_TYPE_F32, shape);
    uint32_t k = 0;
    for (int i = 0; i < 3; i++) {
        if (src[i] != 0) {
            g->node[id].src[k++] = src[i];
        }
    }
    return id;
}

uint32_t pls_g_op(struct pls_graph *g, enum pls_op op, struct pls_shape shape, uint32_t a, uint32_t b)
{
    return pls_g_op3(g, op, shape, (const uint32_t[3]){ a, b, 0 });
}

static struct pls_shape shape_of(const struct pls_graph *g, uint32_t id)
{
    const uint64_t *ne = g->node[id].ne;
    return pls_shape(ne[0], ne[1], ne[2], ne[3]);
}

uint32_t pls_g_same(struct pls_graph *g, enum pls_op op, uint32_t a, uint32_t b)
{
    uint32_t id = pls_g_op(g, op, shape_of(g, a), a, b);
    pls_g_type(g, id, (enum pls_type)g->node[a].type);
    return id;
}

static uint32_t root_of(const struct pls_graph *g, uint32_t id)
{
    return g->node[id].view != 0 ? g->node[id].view : id;
}

uint32_t pls_g_view(struct pls_graph *g, enum pls_op op, struct pls_shape shape, uint32_t of)
{
    uint32_t id = make(g, op, (enum pls_type)g->node[of].type, shape);
    g->node[id].src[0] = of;
    g->node[id].view = root_of(g, of);
    if (op == PLS_OP_PERMUTE || op == PLS_OP_TRANSPOSE) {
        g->node[id].bytes = g->node[of].bytes; /* spans what its source spans */
    }
    return id;
}

uint32_t pls_g_part(struct pls_graph *g, struct pls_shape shape, uint32_t of, uint64_t block, uint64_t stride)
{
    uint32_t id = pls_g_view(g, PLS_OP_VIEW, shape, of);
    uint64_t blocks = block == 0 ? 0 : product(&shape) / block;
    struct pls_node *n = &g->node[id];
    const struct pls_type_info *info = pls_type_info((enum pls_type)n->type);
    n->bytes = blocks == 0 ? 0 : ((blocks - 1) * stride + block) / info->block * info->bytes;
    return id;
}

uint32_t pls_g_reshape(struct pls_graph *g, uint32_t of, struct pls_shape shape)
{
    return pls_g_view(g, PLS_OP_RESHAPE, shape, of);
}

/* Bytes of a matrix whose type nobody told: the common 4.5 bits. */
static void assume_bytes(struct pls_graph *g, uint32_t weight, uint64_t elements)
{
    if (g->ask->weights == NULL) {
        g->node[weight].bytes = pls_mul(elements, 9) / 16;
    }
}

uint32_t pls_g_mul_mat(struct pls_graph *g, const char *weight, uint64_t out, uint32_t x)
{
    uint32_t w = pls_g_weight(g, weight);
    struct pls_shape shape = shape_of(g, x);
    assume_bytes(g, w, pls_mul(shape.ne[0], out));
    shape.ne[0] = out;
    return pls_g_op(g, PLS_OP_MUL_MAT, shape, w, x);
}

uint32_t pls_g_rms_norm(struct pls_graph *g, const char *weight, uint32_t x)
{
    uint32_t y = pls_g_same(g, PLS_OP_RMS_NORM, x, 0);
    pls_g_mark(g, y, PLS_NODE_NORM);
    return pls_g_same(g, PLS_OP_MUL, y, pls_g_weight(g, weight));
}

/* "x.weight" or "x.bias": the bias is that of x either way. */
uint32_t pls_g_add_bias(struct pls_graph *g, const char *weight, uint32_t x)
{
    char name[64] = "";
    size_t len = strlen(weight), tail = sizeof(".weight") - 1;
    if (len > tail && len < sizeof(name) && strcmp(weight + len - tail, ".weight") == 0) {
        memcpy(name, weight, len - tail);
        memcpy(name + len - tail, ".bias", sizeof(".bias"));
        weight = name;
    }
    return pls_g_same(g, PLS_OP_ADD, x, pls_g_weight(g, weight));
}

uint32_t pls_g_set_rows(struct pls_graph *g, uint32_t into, uint32_t rows, uint32_t index)
{
    uint32_t id = make(g, PLS_OP_SET_ROWS, (enum pls_type)g->node[into].type, shape_of(g, into));
    struct pls_node *n = &g->node[id];
    n->src[0] = rows;
    n->src[1] = index;
    n->src[2] = into;
    n->view = root_of(g, into);
    return id;
}

uint32_t pls_g_cpy(struct pls_graph *g, uint32_t from, uint32_t into)
{
    uint32_t id = make(g, PLS_OP_CPY, (enum pls_type)g->node[into].type, shape_of(g, into));
    struct pls_node *n = &g->node[id];
    n->src[0] = from;
    n->src[1] = into;
    n->view = root_of(g, into);
    return id;
}

void pls_g_mark(struct pls_graph *g, uint32_t id, enum pls_node_flag flag)
{
    g->node[id].flags |= (uint8_t)flag;
}

void pls_g_type(struct pls_graph *g, uint32_t id, enum pls_type type)
{
    struct pls_shape shape = shape_of(g, id);
    g->node[id].type = (uint8_t)type;
    g->node[id].bytes = bytes_of(type, &shape);
}

/* Depth is bounded by the operations since the last expansion: a layer or two. */
void pls_g_expand(struct pls_graph *g, uint32_t id)
{
    if (id == 0 || g->seen[id]) {
        return;
    }
    g->seen[id] = true;
    const struct pls_node *n = &g->node[id];
    for (int i = 0; i < PLS_NODE_SRCS && n->src[i] != 0; i++) {
        pls_g_expand(g, n->src[i]);
    }
    if (n->op == PLS_OP_LEAF) {
        g->leaf[g->n_leaf++] = id;
    } else {
        g->order[g->n_order++] = id;
    }
}
