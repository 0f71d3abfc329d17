/* Places the results of a scheduled graph in one buffer per device, as ggml's graph allocator does
 * (2026-08-22): inputs first, then operation by operation; a result may take over the place of a source that
 * nobody else needs. */
#include "core/graph.h"
#include "core/replay.h"

#include <string.h>

struct placed {
    uint64_t offset, bytes;
    uint32_t users, views;
    uint8_t buffer;
    bool own; /* holds a place in a compute buffer now */
};

struct buffers {
    const struct pls_graph *g;
    struct placed *placed;
    struct pls_replay replay[PLS_MAX_GPUS + 1];
    uint8_t host;
};

static bool may_take_over(const struct pls_node *n)
{
    return n->op >= PLS_OP_ADD && n->op <= PLS_OP_SOFT_MAX;
}

static bool same_layout(const struct pls_node *a, const struct pls_node *b)
{
    return a->type == b->type && memcmp(a->ne, b->ne, sizeof(a->ne)) == 0;
}

static uint64_t place_bytes(const struct buffers *b, uint32_t id, uint8_t buffer)
{
    return pls_node_alloc_bytes(b->g, id, buffer == b->host ? PLS_BACKEND_CPU : b->g->ask->device[buffer]);
}

/* The place of the first source that nobody else needs any more; what is larger than needed is given back. */
static bool take_over(struct buffers *b, uint32_t id)
{
    const struct pls_node *n = &b->g->node[id];
    struct placed *me = &b->placed[id];
    for (int i = 0; i < PLS_NODE_SRCS && n->src[i] != 0; i++) {
        struct placed *from = &b->placed[n->src[i]];
        const struct pls_node *src = &b->g->node[n->src[i]];
        if (!from->own || (src->flags & PLS_NODE_OUTPUT) || from->users != 1 || from->views != 0
            || !same_layout(n, src)) {
            continue;
        }
        struct pls_replay *r = &b->replay[from->buffer];
        uint64_t had = pls_pad(from->bytes, r->align),
                 need = pls_pad(place_bytes(b, id, from->buffer), r->align);
        me->buffer = from->buffer;
        me->offset = from->offset;
        me->bytes = need;
        from->own = false;
        if (had > need) {
            pls_replay_give(r, from->offset + need, had - need);
        }
        return true;
    }
    return false;
}

static void place(struct buffers *b, uint32_t id, uint8_t buffer)
{
    const struct pls_node *n = &b->g->node[id];
    struct placed *me = &b->placed[id];
    if (me->own || n->view != 0 || (n->flags & (PLS_NODE_WEIGHT | PLS_NODE_CACHE)) != 0) {
        return;
    }
    me->own = true;
    if (may_take_over(n) && take_over(b, id)) {
        return;
    }
    me->buffer = buffer;
    me->bytes = place_bytes(b, id, buffer);
    me->offset = pls_replay_take(&b->replay[buffer], me->bytes);
}

static void release(struct buffers *b, uint32_t id)
{
    struct placed *p = &b->placed[id];
    if (!p->own || p->users != 0 || p->views != 0 || (b->g->node[id].flags & PLS_NODE_OUTPUT)) {
        return;
    }
    pls_replay_give(&b->replay[p->buffer], p->offset, p->bytes);
    p->own = false;
}

static void count_users(struct buffers *b, const struct pls_schedule *s)
{
    for (uint32_t i = 0; i < s->n_run; i++) {
        const struct pls_node *n = &b->g->node[s->run[i]];
        if (n->view != 0 && !(n->flags & PLS_NODE_DEPENDS)) {
            b->placed[n->view].views++;
        }
        for (int j = 0; j < PLS_NODE_SRCS && n->src[j] != 0; j++) {
            b->placed[n->src[j]].users++;
        }
    }
}

static void run_node(struct buffers *b, uint32_t id, uint8_t buffer)
{
    const struct pls_node *n = &b->g->node[id];
    place(b, id, buffer);
    for (int j = 0; j < PLS_NODE_SRCS && n->src[j] != 0; j++) {
        struct placed *src = &b->placed[n->src[j]];
        src->users--;
        if (src->users != 0 || src->views != 0) {
            continue;
        }
        uint32_t root = b->g->node[n->src[j]].view;
        if (root != 0) {
            b->placed[root].views--;
            release(b, root);
        } else {
            release(b, n->src[j]);
        }
    }
}

static uint64_t align_of(enum pls_backend backend)
{
    return backend == PLS_BACKEND_CUDA || backend == PLS_BACKEND_ROCM ? 128 : 32;
}

bool pls_graph_measure(struct pls_graph *g, struct pls_arena *arena, struct pls_graph_sizes *out)
{
    struct pls_schedule s;
    if (!pls_graph_schedule(g, arena, &s)) {
        return false;
    }
    /* large; only the devices there are get filled */
    struct buffers *b = pls_arena_room(arena, 1, sizeof(*b));
    struct placed *placed = PLS_TAKE(arena, struct placed, g->n);
    if (b == NULL || placed == NULL) {
        return false;
    }
    b->g = g;
    b->placed = placed;
    b->host = s.host;
    for (uint32_t d = 0; d <= s.host; d++) {
        pls_replay_init(&b->replay[d], d == s.host ? 32 : align_of(g->ask->device[d]));
    }
    for (uint32_t i = 0; i < s.n_early; i++) {
        place(b, s.early[i], s.at[s.early[i]]);
    }
    for (uint32_t i = 0; i < g->n_leaf; i++) {
        place(b, g->leaf[i], s.host);
    }
    count_users(b, &s);
    for (uint32_t i = 0; i < s.n_run; i++) {
        run_node(b, s.run[i], s.host == 0 ? 0 : s.at[s.run[i]]);
    }
    for (uint32_t d = 0; d <= s.host; d++) {
        out->bytes[d] = b->replay[d].peak_bytes;
    }
    out->n_splits = s.n_splits;
    return true;
}
