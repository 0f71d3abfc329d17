/* Which device runs which node, and what must be copied between them.
 *
 * Follows ggml's scheduler (2026-08-22): operations on weights run where the weights are, except that large
 * batches pull host weights to the first device that wants them; the rest joins its neighbours, devices
 * before the host; a new piece starts wherever the device changes, or a further host weight is pulled in.
 * What a piece reads from elsewhere gets a copy at its start, which lives until its last use. */
#include "core/graph.h"

#include <string.h>

enum { PIPELINE_COPIES = 4, EARLY = 1024, OFFLOAD_BATCH = 32, SPLIT_INPUTS = 30, NOWHERE = 255 };

struct scheduler {
    struct pls_graph *g;
    uint8_t host;   /* number of the host among the devices: the last */
    uint8_t *at;    /* per node; NOWHERE until decided */
    uint32_t *copy; /* [device * cap + node]: the copy there; 0 none */
    uint32_t *run;  /* everything in allocation order: copies, dependencies, operations */
    uint32_t n_run, cap_run;
    uint32_t *inputs; /* of the piece being made, in order */
    uint32_t n_inputs;
    uint32_t start; /* its first operation, as an index into order */
    uint8_t device; /* where it runs */
    uint32_t n_splits;
    uint32_t copies; /* of every input when batches run through several devices as a pipeline; else 1 */
    uint32_t *early; /* those copies: of the batch's inputs, then of the pieces' inputs from EARLY on */
    uint32_t n_early[2];
};

static bool is_look(const struct pls_node *n)
{
    return n->op >= PLS_OP_VIEW && n->op <= PLS_OP_TRANSPOSE;
}

static bool is_outside(const struct pls_node *n)
{
    return (n->flags & (PLS_NODE_WEIGHT | PLS_NODE_CACHE)) != 0;
}

static uint8_t home_of(const struct scheduler *s, const struct pls_node *leaf)
{
    return leaf->where >= PLS_WHERE_DEVICE ? (uint8_t)(leaf->where - PLS_WHERE_DEVICE) : s->host;
}

/* Tokens an operation works on, as the devices count them to decide whether pulling its weight pays. */
static uint64_t batch_of(const struct pls_node *n)
{
    switch (n->op) {
    case PLS_OP_GET_ROWS:
        return 0;
    case PLS_OP_MUL_MAT:
        return n->ne[1];
    case PLS_OP_MUL_MAT_ID:
        return n->ne[2];
    default:
        return n->ne[1] * n->ne[2] * n->ne[3];
    }
}

static bool wants(enum pls_backend backend, const struct pls_node *n)
{
    if (backend == PLS_BACKEND_METAL && n->op != PLS_OP_MUL_MAT && n->op != PLS_OP_MUL_MAT_ID) {
        return false;
    }
    return batch_of(n) >= OFFLOAD_BATCH;
}

static uint8_t place_by_weight(const struct scheduler *s, const struct pls_node *n,
                               const struct pls_node *weight)
{
    uint8_t home = home_of(s, weight);
    if (home != s->host || weight->where != PLS_WHERE_HOST) {
        return home;
    }
    for (uint8_t d = 0; d < s->host; d++) {
        if (wants(s->g->ask->device[d], n)) {
            return d;
        }
    }
    return home;
}

static uint8_t place_of(const struct scheduler *s, const struct pls_node *n)
{
    if (is_outside(n)) {
        return home_of(s, n);
    }
    if (n->view != 0 && is_outside(&s->g->node[n->view])) {
        return home_of(s, &s->g->node[n->view]);
    }
    if (n->flags & PLS_NODE_INPUT) {
        return s->host;
    }
    if (n->op == PLS_OP_ROPE || n->op == PLS_OP_FLASH_ATTN) {
        return NOWHERE;
    }
    for (int i = 0; i < PLS_NODE_SRCS && n->src[i] != 0; i++) {
        const struct pls_node *src = &s->g->node[n->src[i]];
        if (src->flags & PLS_NODE_WEIGHT) {
            return place_by_weight(s, n, src);
        }
    }
    return NOWHERE;
}

/* The engine pins norms to their layer's device when everything is offloaded, and for small batches. */
static bool pins_norms(const struct pls_graph *g)
{
    uint32_t n = g->card->n_layers + g->card->n_mtp_layers;
    for (uint32_t i = 0; i <= n; i++) {
        if (g->ask->layer_at[i] == 0) {
            return g->n_tokens < OFFLOAD_BATCH;
        }
    }
    return true;
}

static void place_by_sources(struct scheduler *s)
{
    const struct pls_graph *g = s->g;
    bool pin = pins_norms(g);
    memset(s->at, NOWHERE, g->cap);
    for (uint32_t i = 0; i < g->n_leaf; i++) {
        s->at[g->leaf[i]] = place_of(s, &g->node[g->leaf[i]]);
    }
    for (uint32_t i = 0; i < g->n_order; i++) {
        const struct pls_node *n = &g->node[g->order[i]];
        uint8_t at = place_of(s, n);
        if (pin && n->layer >= 0 && (n->flags & PLS_NODE_NORM)) {
            at = g->ask->layer_at[n->layer] == 0 ? s->host : (uint8_t)(g->ask->layer_at[n->layer] - 1);
        }
        s->at[g->order[i]] = at;
    }
}

/* Undecided operations take the device of the decided one before (or after) them. */
static void spread(struct scheduler *s, bool down, bool host_too)
{
    const struct pls_graph *g = s->g;
    uint8_t current = NOWHERE;
    for (uint32_t k = 0; k < g->n_order; k++) {
        uint32_t id = g->order[down ? k : g->n_order - 1 - k];
        if (is_look(&g->node[id])) {
            continue;
        }
        if (s->at[id] != NOWHERE) {
            current = s->at[id] == s->host && !host_too ? NOWHERE : s->at[id];
        } else {
            s->at[id] = current;
        }
    }
}

static void place_rest(struct scheduler *s)
{
    const struct pls_graph *g = s->g;
    for (uint32_t i = 0; i < g->n_order; i++) {
        uint32_t id = g->order[i];
        const struct pls_node *n = &g->node[id];
        if (n->view != 0 && s->at[id] == NOWHERE) {
            s->at[id] = s->at[n->view];
        }
        for (int j = 0; j < PLS_NODE_SRCS && n->src[j] != 0; j++) {
            uint32_t src = n->src[j];
            if (s->at[src] == NOWHERE) {
                s->at[src] = g->node[src].view != 0 ? s->at[g->node[src].view] : s->at[id];
            }
        }
        if (s->at[id] == NOWHERE) {
            s->at[id] = 0;
        }
    }
}

static bool needs_copy(const struct scheduler *s, uint32_t src)
{
    return s->at[src] != s->device;
}

static uint32_t *copy_slot(const struct scheduler *s, uint32_t src)
{
    return &s->copy[(size_t)s->device * s->g->cap + src];
}

static bool starts_split(const struct scheduler *s, const struct pls_node *n, uint8_t at)
{
    if (at != s->device) {
        return true;
    }
    for (int j = 0; s->n_inputs > 0 && j < PLS_NODE_SRCS && n->src[j] != 0; j++) {
        uint32_t src = n->src[j];
        if (!needs_copy(s, src)) {
            continue;
        }
        if ((s->g->node[src].flags & PLS_NODE_WEIGHT)
            || (s->n_inputs >= SPLIT_INPUTS && *copy_slot(s, src) == 0)) {
            return true;
        }
    }
    return false;
}

static uint32_t add_node(struct scheduler *s, const struct pls_node *like)
{
    struct pls_graph *g = s->g;
    if (g->n >= g->cap) {
        g->full = true;
        return 0;
    }
    struct pls_node *n = &g->node[g->n];
    *n = *like;
    memset(n->src, 0, sizeof(n->src));
    n->op = PLS_OP_LEAF;
    n->flags = 0;
    n->view = 0;
    return g->n++;
}

static void push(struct scheduler *s, uint32_t id)
{
    if (s->n_run < s->cap_run) {
        s->run[s->n_run++] = id;
    } else {
        s->g->full = true;
    }
}

/* Copies first, each kept honest by a dependency on its original; then the operations. */
static void close_split(struct scheduler *s, uint32_t end)
{
    struct pls_graph *g = s->g;
    for (uint32_t i = 0; i < s->n_inputs; i++) {
        uint32_t from = s->inputs[i];
        uint32_t keep = add_node(s, &g->node[from]);
        g->node[keep].src[0] = from;
        g->node[keep].view = g->node[from].view != 0 ? g->node[from].view : from;
        g->node[keep].flags = PLS_NODE_DEPENDS;
        s->at[keep] = s->at[from];
        push(s, keep);
        push(s, *copy_slot(s, from));
    }
    for (uint32_t i = s->start; i < end; i++) {
        push(s, g->order[i]);
    }
    s->n_inputs = 0;
    s->start = end;
    s->n_splits++;
}

/* In a pipeline nothing that enters a piece is ever given back: the next batch is being copied in meanwhile.
 */
static void keep_early(struct scheduler *s, uint32_t id, uint32_t list)
{
    s->g->node[id].flags = PLS_NODE_INPUT | PLS_NODE_OUTPUT;
    if (s->n_early[list] < EARLY) {
        s->early[list * EARLY + s->n_early[list]++] = id;
    } else {
        s->g->full = true;
    }
}

static void multiply(struct scheduler *s, uint32_t id, uint8_t at, uint32_t list)
{
    for (uint32_t c = list == 0 ? 1 : 0; c < s->copies && s->copies > 1; c++) {
        uint32_t other = c == 0 ? id : add_node(s, &s->g->node[id]);
        s->at[other] = at;
        keep_early(s, other, list);
    }
}

static void take_inputs(struct scheduler *s, struct pls_node *n)
{
    for (int j = 0; j < PLS_NODE_SRCS && n->src[j] != 0; j++) {
        uint32_t src = n->src[j];
        uint8_t flags = s->g->node[src].flags;
        if (s->copies > 1 && (flags & PLS_NODE_INPUT) && !(flags & PLS_NODE_OUTPUT)) {
            s->g->node[src].flags |= PLS_NODE_OUTPUT;
            multiply(s, src, s->host, 0);
        }
        if (!needs_copy(s, src)) {
            continue;
        }
        uint32_t *slot = copy_slot(s, src);
        if (*slot == 0) {
            *slot = add_node(s, &s->g->node[src]);
            s->at[*slot] = s->device;
            s->inputs[s->n_inputs++] = src;
            multiply(s, *slot, s->device, 1);
        }
        n->src[j] = *slot;
    }
}

static void split(struct scheduler *s)
{
    struct pls_graph *g = s->g;
    s->device = NOWHERE;
    for (uint32_t i = 0; i < g->n_order && !g->full; i++) {
        struct pls_node *n = &g->node[g->order[i]];
        if (is_look(n)) {
            continue;
        }
        uint8_t at = s->at[g->order[i]];
        if (s->device == NOWHERE) {
            s->device = at;
        } else if (starts_split(s, n, at)) {
            close_split(s, i);
            s->device = at;
        }
        take_inputs(s, n);
    }
    close_split(s, g->n_order);
}

/* Several devices that copy and compute at once, every layer and the cache on one of them, no weight left
 * behind. */
static bool is_pipeline(const struct pls_graph *g)
{
    const struct pls_compute_ask *ask = g->ask;
    uint32_t n = g->card->n_layers + g->card->n_mtp_layers;
    bool yes = ask->n_devices > 1 && !ask->kv_on_host && !g->weights_matter;
    for (uint32_t d = 0; d < ask->n_devices; d++) {
        yes = yes && (ask->device[d] == PLS_BACKEND_CUDA || ask->device[d] == PLS_BACKEND_ROCM);
    }
    for (uint32_t i = 0; i <= n; i++) {
        yes = yes && ask->layer_at[i] != 0;
    }
    return yes;
}

static bool schedule(struct scheduler *s, struct pls_arena *arena)
{
    struct pls_graph *g = s->g;
    s->copies = is_pipeline(g) ? PIPELINE_COPIES : 1;
    s->early = PLS_TAKE(arena, uint32_t, s->copies > 1 ? 2 * EARLY : 1);
    s->cap_run = g->cap;
    s->at = PLS_TAKE(arena, uint8_t, g->cap);
    s->run = pls_arena_room(arena, s->cap_run, sizeof(uint32_t));
    s->inputs = PLS_TAKE(arena, uint32_t, SPLIT_INPUTS + PLS_NODE_SRCS + 1);
    s->copy = PLS_TAKE(arena, uint32_t, s->host == 0 ? 1 : (size_t)g->cap * (s->host + 1u));
    if (s->at == NULL || s->run == NULL || s->inputs == NULL || s->copy == NULL || s->early == NULL) {
        return false;
    }
    if (s->host == 0) {
        memcpy(s->run, g->order, g->n_order * sizeof(s->run[0]));
        s->n_run = g->n_order;
        s->n_splits = 1;
        return true;
    }
    place_by_sources(s);
    spread(s, true, false);
    spread(s, false, false);
    spread(s, true, true);
    spread(s, false, true);
    place_rest(s);
    split(s);
    return !g->full;
}

bool pls_graph_attention_stays(struct pls_graph *g, struct pls_arena *arena)
{
    struct scheduler s = { .g = g, .host = (uint8_t)g->ask->n_devices };
    if (s.host == 0 || !schedule(&s, arena)) {
        return true;
    }
    for (uint32_t i = 0; i < g->n_order; i++) {
        const struct pls_node *n = &g->node[g->order[i]];
        if (n->op != PLS_OP_FLASH_ATTN) {
            continue;
        }
        uint8_t home = g->ask->layer_at[n->layer] == 0 ? s.host : (uint8_t)(g->ask->layer_at[n->layer] - 1);
        if (s.at[g->order[i]] != home) {
            return false;
        }
    }
    return true;
}

bool pls_graph_schedule(struct pls_graph *g, struct pls_arena *arena, struct pls_schedule *out)
{
    struct scheduler s = { .g = g, .host = (uint8_t)g->ask->n_devices };
    if (!schedule(&s, arena)) {
        return false;
    }
    /* one list: what the batch brings, then what the pieces take */
    memmove(s.early + s.n_early[0], s.early + (s.copies > 1 ? EARLY : 0), s.n_early[1] * sizeof(s.early[0]));
    *out = (struct pls_schedule){ .early = s.early,
                                  .n_early = s.n_early[0] + s.n_early[1],
                                  .host = s.host,
                                  .at = s.at,
                                  .run = s.run,
                                  .n_run = s.n_run,
                                  .n_splits = s.n_splits };
    return true;
}
