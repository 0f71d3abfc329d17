/* core/graph.h - the operations of one batch as the engine would list them (private to the core).
 *
 * A graph is built exactly as the engine builds one: operations are made freely, then expanded, which appends
 * what is not yet listed in depth-first order of sources. The order decides the size of the buffers, so
 * builders follow the order in which llama.cpp (2026-08-22) makes and expands. Node 0 means "none". Shapes
 * are ggml's: ne[0] contiguous.
 *
 * Overflow of the node array sets `full`; builders go on harmlessly with node 0 and the caller drops the
 * graph.
 */
#ifndef PLIMSOLL_CORE_GRAPH_H
#define PLIMSOLL_CORE_GRAPH_H

#include "plimsoll/compute.h"

enum pls_op {
    PLS_OP_LEAF = 0,
    /* nothing but another look at a source */
    PLS_OP_VIEW,
    PLS_OP_RESHAPE,
    PLS_OP_PERMUTE,
    PLS_OP_TRANSPOSE,
    /* written where a source already lies */
    PLS_OP_SET_ROWS,
    PLS_OP_CPY,
    PLS_OP_CLAMP,
    /* may take over the place of a source of the same layout */
    PLS_OP_ADD,
    PLS_OP_ADD_ID,
    PLS_OP_SUB,
    PLS_OP_MUL,
    PLS_OP_DIV,
    PLS_OP_SQR,
    PLS_OP_SQRT,
    PLS_OP_SCALE,
    PLS_OP_FILL,
    PLS_OP_UNARY,
    PLS_OP_ROPE,
    PLS_OP_RMS_NORM,
    PLS_OP_SOFT_MAX,
    /* always a place of their own */
    PLS_OP_NORM,
    PLS_OP_L2_NORM,
    PLS_OP_MUL_MAT,
    PLS_OP_MUL_MAT_ID,
    PLS_OP_GET_ROWS,
    PLS_OP_GLU,
    PLS_OP_FLASH_ATTN,
    PLS_OP_CONT,
    PLS_OP_CAST,
    PLS_OP_CONCAT,
    PLS_OP_REPEAT,
    PLS_OP_PAD,
    PLS_OP_ARGSORT,
    PLS_OP_SUM_ROWS,
    PLS_OP_MEAN,
    PLS_OP_SSM_CONV,
    PLS_OP_SSM_SCAN,
    PLS_OP_GATED_DELTA_NET,
    PLS_OP_COUNT,
};

enum pls_node_flag {
    PLS_NODE_INPUT = 1,    /* filled by the engine before each batch */
    PLS_NODE_OUTPUT = 2,   /* read after the batch: never freed, never taken over */
    PLS_NODE_WEIGHT = 4,   /* lies outside the compute buffers */
    PLS_NODE_CACHE = 8,    /* likewise */
    PLS_NODE_NORM = 16,    /* a layer's norm, which the engine may pin to the layer's device */
    PLS_NODE_DEPENDS = 32, /* keeps its source alive up to here; made by the scheduler */
};

enum { PLS_NODE_SRCS = 7 };

struct pls_node {
    uint64_t ne[4];
    uint64_t bytes;              /* of the values; what a device adds is pls_node_alloc_bytes() */
    uint32_t src[PLS_NODE_SRCS]; /* 0: none; filled from the front */
    uint32_t view;               /* the node whose memory this is; 0: its own */
    uint8_t op;                  /* enum pls_op */
    uint8_t type;                /* enum pls_type */
    uint8_t flags;               /* enum pls_node_flag */
    uint8_t where;               /* leafs: enum pls_where */
    int16_t layer;               /* -1 outside of layers */
};

struct pls_shape {
    uint64_t ne[4];
};
static inline struct pls_shape pls_shape(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    return (struct pls_shape){ { a, b, c, d } };
}

struct pls_traits;

/* What one kind of cache brings to the batch. */
struct pls_kv_inputs {
    uint64_t cells;
    uint32_t k_idx, v_idx, mask, k_rot, v_rot;
};

struct pls_graph {
    struct pls_node *node;
    uint32_t n, cap;
    uint32_t *order; /* operations, in the order they run */
    uint32_t n_order;
    uint32_t *leaf; /* leafs, in the order they were met */
    uint32_t n_leaf;
    bool *seen;
    bool full;

    const struct pls_compute_ask *ask;
    const struct pls_card *card;
    const struct pls_setting *setting;
    const struct pls_traits *traits;
    uint64_t n_tokens; /* of the batch, a multiple of the sequences */
    uint64_t n_outs;
    uint64_t n_seqs, n_seq_tokens;
    int32_t layer;                     /* being built; -1 outside */
    uint32_t first_weight, end_weight; /* of this layer in ask->weights */
    uint32_t bare_name;                /* where their names go on behind "blk.N." */
    bool weights_matter;               /* host weights may be copied: their bytes and places are looked up */
    uint32_t *leaf_of;                 /* per item of ask->weights: its leaf; 0 not made */

    uint32_t embedded; /* embedding with room for image features behind it; 0: has none */
    uint32_t tokens, pos, out_ids, attn_scale, s_copy, s_copy_main, s_copy_extra;
    struct pls_kv_inputs kv[2];              /* full, sliding */
    uint32_t rope_factors[PLS_MAX_GPUS + 1]; /* of the host, of each device; 0: not met yet */
};

/* Room for a graph of n_layers layers; false when the arena is too small. */
bool pls_graph_init(struct pls_graph *g, const struct pls_compute_ask *ask, struct pls_arena *arena);

/* Sets g->layer and finds its weights; -1 for what belongs to no layer. */
void pls_graph_enter(struct pls_graph *g, int32_t layer);

/* --- making nodes; each returns the node's number --- */
uint32_t pls_g_input(struct pls_graph *g, enum pls_type type, struct pls_shape shape);
/* "attn_q.weight" of the layer being built, or a global one outside of layers. */
uint32_t pls_g_weight(struct pls_graph *g, const char *name);
uint64_t pls_g_weight_rows(const struct pls_graph *g, const char *name); /* 0: not known */
bool pls_g_has_weight(const struct pls_graph *g, const char *name); /* false when the list is not known */
uint32_t pls_g_rope_factors(struct pls_graph *g);                   /* 0: the model has none */
uint32_t pls_g_cache(struct pls_graph *g, enum pls_type type, struct pls_shape shape);
uint32_t pls_g_op(struct pls_graph *g, enum pls_op op, struct pls_shape shape, uint32_t a, uint32_t b);
uint32_t pls_g_op3(struct pls_graph *g, enum pls_op op, struct pls_shape shape, const uint32_t src[3]);
uint32_t pls_g_same(struct pls_graph *g, enum pls_op op, uint32_t a, uint32_t b); /* shaped as a */
uint32_t pls_g_view(struct pls_graph *g, enum pls_op op, struct pls_shape shape, uint32_t of);
/* A strided view: contiguous blocks of `block` elements, `stride` elements apart. What it spans is what a
 * copy of it to another device takes. */
uint32_t pls_g_part(struct pls_graph *g, struct pls_shape shape, uint32_t of, uint64_t block,
                    uint64_t stride);
uint32_t pls_g_reshape(struct pls_graph *g, uint32_t of, struct pls_shape shape);
/* weight [x.ne0, out] times x */
uint32_t pls_g_mul_mat(struct pls_graph *g, const char *weight, uint64_t out, uint32_t x);
/* norm of the architecture's kind, times its weight */
uint32_t pls_g_norm(struct pls_graph *g, const char *weight, uint32_t x);
uint32_t pls_g_rms_norm(struct pls_graph *g, const char *weight, uint32_t x);
uint32_t pls_g_add_bias(struct pls_graph *g, const char *weight, uint32_t x);
uint32_t pls_g_set_rows(struct pls_graph *g, uint32_t into, uint32_t rows, uint32_t index);
uint32_t pls_g_cpy(struct pls_graph *g, uint32_t from, uint32_t into);
void pls_g_mark(struct pls_graph *g, uint32_t id, enum pls_node_flag flag);
void pls_g_type(struct pls_graph *g, uint32_t id, enum pls_type type);

/* Appends node and everything under it that is not yet in the order. */
void pls_g_expand(struct pls_graph *g, uint32_t id);

/* Whether V lies transposed in the cache: decided when the cache is made, before "auto" can turn flash
 * attention off. */
static inline bool pls_g_v_transposed(const struct pls_graph *g)
{
    return !g->setting->flash_attention && !g->ask->flash_auto;
}
static inline const struct pls_node *pls_g_node(const struct pls_graph *g, uint32_t id)
{
    return &g->node[id];
}
static inline uint64_t pls_g_ne(const struct pls_graph *g, uint32_t id, int dim)
{
    return g->node[id].ne[dim];
}

/* Bytes a node takes in a compute buffer of this backend, scratch of its kernel included. */
uint64_t pls_node_alloc_bytes(const struct pls_graph *g, uint32_t id, enum pls_backend backend);

/* --- fragments --- */
struct pls_qkv {
    uint32_t q, k, v; /* [head_dim, heads, tokens]; k and v 0: the layer reads another layer's cache */
};
struct pls_attention {
    struct pls_qkv qkv;
    uint32_t k_width, v_width; /* of a cache row, elements */
    uint32_t head_v, n_head_kv;
    uint32_t sinks;   /* weight; 0 none */
    const char *v_b;  /* MLA: the matrix that unfolds the latent output; NULL otherwise */
    uint32_t v_b_dim; /* its output width per head */
    bool is_sliding;
};
struct pls_attention pls_g_plain_attention(const struct pls_layer *l, struct pls_qkv qkv);
/* Attention over the cache, without the output projection: [head_v * heads, tokens]. */
uint32_t pls_g_attention(struct pls_graph *g, const struct pls_attention *a);
/* One layer's attention of the plain or latent kind, output projection included. */
uint32_t pls_g_attention_layer(struct pls_graph *g, const struct pls_layer *l, uint32_t cur);
uint32_t pls_g_mla_layer(struct pls_graph *g, const struct pls_layer *l, uint32_t cur);
uint32_t pls_g_gated_attention_layer(struct pls_graph *g, const struct pls_layer *l, uint32_t cur);
uint32_t pls_g_rope(struct pls_graph *g, uint32_t x);

uint32_t pls_g_mamba2_layer(struct pls_graph *g, uint32_t cur);
uint32_t pls_g_gdn_layer(struct pls_graph *g, uint32_t cur);
uint32_t pls_g_kda_layer(struct pls_graph *g, uint32_t cur);
uint32_t pls_g_conv_layer(struct pls_graph *g, uint32_t cur);

uint32_t pls_g_ffn(struct pls_graph *g, const struct pls_layer *l, uint32_t cur);
uint32_t pls_g_shared_ffn(struct pls_graph *g, uint64_t width, uint32_t cur);
/* logits 0: the router is applied to cur */
uint32_t pls_g_moe(struct pls_graph *g, uint32_t cur, uint32_t logits);
uint32_t pls_g_moe_with_shared(struct pls_graph *g, uint32_t cur);

/* --- architectures --- */
/* Flags of one architecture's graph; see graph_model.c for the table. */
struct pls_traits {
    const char *arch;
    uint64_t flags;
    uint8_t qk_norm;                    /* enum pls_qk_norm when the card does not say */
    uint8_t rope;                       /* enum pls_rope_rule */
    uint8_t gating;                     /* expert gating when the card does not say */
    void (*build)(struct pls_graph *g); /* NULL: the common one */
};
const struct pls_traits *pls_traits_of(const char *arch); /* NULL: no row */
static inline bool pls_has(const struct pls_graph *g, uint64_t flag)
{
    return (g->traits->flags & flag) != 0;
}

/* False for cards whose numbers do not make a graph; needs g->traits. */
bool pls_graph_is_buildable(const struct pls_graph *g);
/* Builds a whole batch of `tokens` tokens with `outputs` rows of logits; false when it did not fit. */
bool pls_graph_build(struct pls_graph *g, uint64_t tokens, uint64_t outputs);
void pls_graph_build_gemma3n(struct pls_graph *g);
void pls_graph_build_gemma4(struct pls_graph *g);
void pls_graph_build_bert(struct pls_graph *g);

/* Shared by the whole-model builders. */
uint32_t pls_g_embed(struct pls_graph *g);
void pls_g_make_inputs(struct pls_graph *g);
uint32_t pls_g_out_rows(struct pls_graph *g, uint32_t x);
void pls_g_tail(struct pls_graph *g, uint32_t x);

/* Without a graph: sizes from the widest tensors alone; sets bytes and origin. */
void pls_compute_closed_form(const struct pls_compute_ask *ask, struct pls_compute *out);
/* Tokens of the largest batch, and rows of logits it makes. */
static inline uint64_t pls_compute_tokens(const struct pls_setting *s)
{
    return pls_min(s->n_ubatch, s->n_ctx);
}
static inline uint64_t pls_compute_outputs(const struct pls_setting *s)
{
    return pls_min(pls_compute_tokens(s), s->n_outputs);
}
/* Layers on a device and on the host. */
bool pls_compute_is_split(const struct pls_compute_ask *ask);

/* --- from a graph to bytes --- */
struct pls_graph_sizes {
    uint64_t bytes[PLS_MAX_GPUS + 1]; /* per device; the host is last, at [n_devices] */
    uint32_t n_splits;
};
/* What runs where, in the order places are given out: copies to a device, dependencies on originals,
 * operations. */
struct pls_schedule {
    uint8_t host; /* the host's number among the devices: the last */
    uint8_t *at;  /* per node: device; only meaningful with devices */
    uint32_t *run;
    uint32_t n_run, n_splits;
    uint32_t *early; /* placed before everything else and never given back; pipelines only */
    uint32_t n_early;
};
/* False when the arena or the node array is too small. */
bool pls_graph_schedule(struct pls_graph *g, struct pls_arena *arena, struct pls_schedule *out);
/* False when flash attention of some layer runs elsewhere than the layer; for a batch of one token per
 * sequence. */
bool pls_graph_attention_stays(struct pls_graph *g, struct pls_arena *arena);
/* Hands nodes to devices and replays the allocator. False when the arena is too small. */
bool pls_graph_measure(struct pls_graph *g, struct pls_arena *arena, struct pls_graph_sizes *out);

#endif
