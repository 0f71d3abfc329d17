/* What a device allocates for a node beyond its values: scratch space of its kernels, padding of quantized
 * rows. Source: ggml's CUDA and Metal backends, 2026-08-22. */
#include "core/graph.h"

enum {
    CUDA_ROW_ELEMENTS = 512, /* quantized rows are padded to this */
    CUDA_ALIGN = 128,
    CUDA_VECTOR_TOKENS = 2,   /* up to here the vector kernel reads a quantized cache as it is */
    METAL_VECTOR_TOKENS = 20, /* from here the matrix kernel is used */
    METAL_F16_TOKENS = 32,    /* from here a quantized cache is unpacked first */
    METAL_CELLS = 64,         /* cells and queries of one block of the matrix kernel */
    METAL_QUERIES = 8,
    METAL_VECTOR_CELLS = 32,
    METAL_GROUPS = 32, /* work groups whose partial results are kept */
    F32_BYTES = 4,
    F16_BYTES = 2,
};

struct flash {
    const struct pls_node *q, *k, *v, *mask;
    uint64_t k_row_bytes; /* of one cell, all heads */
    uint64_t v_row_bytes;
    bool v_in_k;
};

static uint64_t elements(const struct pls_node *n)
{
    return pls_mul(pls_mul(n->ne[0], n->ne[1]), pls_mul(n->ne[2], n->ne[3]));
}

static struct flash flash_of(const struct pls_graph *g, const struct pls_node *n)
{
    struct flash f = { .q = &g->node[n->src[0]],
                       .k = &g->node[n->src[1]],
                       .v = &g->node[n->src[2]],
                       .mask = &g->node[n->src[3]] };
    const struct pls_node *k_cache = &g->node[f.k->view != 0 ? f.k->view : n->src[1]];
    const struct pls_node *v_cache = &g->node[f.v->view != 0 ? f.v->view : n->src[2]];
    f.k_row_bytes = pls_type_row_bytes((enum pls_type)k_cache->type, k_cache->ne[0]);
    f.v_row_bytes = pls_type_row_bytes((enum pls_type)v_cache->type, v_cache->ne[0]);
    f.v_in_k = f.k->view != 0 && f.k->view == f.v->view;
    return f;
}

static uint64_t cuda_flash_bytes(const struct pls_graph *g, const struct pls_node *n)
{
    struct flash f = flash_of(g, n);
    uint64_t bytes = n->bytes;
    bool vector = f.q->ne[1] <= CUDA_VECTOR_TOKENS && pls_type_is_quantized((enum pls_type)f.k->type);
    if (f.k->type != PLS_TYPE_F16 && !vector) {
        bytes = pls_add(pls_pad(bytes, CUDA_ALIGN), pls_mul(F16_BYTES, elements(f.k)));
    }
    if (f.v->type != PLS_TYPE_F16 && !vector && !f.v_in_k) {
        bytes = pls_add(pls_pad(bytes, CUDA_ALIGN), pls_mul(F16_BYTES, elements(f.v)));
    }
    return bytes;
}

/* Room for the last, partly filled block of cells. */
static uint64_t metal_flash_tail(const struct flash *f)
{
    uint64_t k_row = f->k_row_bytes, v_row = f->v_row_bytes;
    if (pls_type_is_quantized((enum pls_type)f->k->type) && f->q->ne[1] >= METAL_F16_TOKENS) {
        k_row = F16_BYTES * f->k->ne[0];
        v_row = F16_BYTES * (f->v_in_k ? f->k->ne[0] : f->v->ne[0]);
    }
    uint64_t mask_rows = f->mask->ne[1] * f->mask->ne[2] * f->mask->ne[3];
    return METAL_CELLS
           * (k_row * f->k->ne[2] * f->k->ne[3] + v_row * f->v->ne[2] * f->v->ne[3] + F16_BYTES * mask_rows);
}

static uint64_t up(uint64_t value, uint64_t step)
{
    return (value + step - 1) / step;
}

static uint64_t metal_flash_bytes(const struct pls_graph *g, const struct pls_node *n)
{
    struct flash f = flash_of(g, n);
    uint64_t queries = f.q->ne[1];
    bool vector = queries < METAL_VECTOR_TOKENS && f.q->ne[0] % 32 == 0;
    uint64_t blocks = up(f.mask->ne[0], vector ? METAL_VECTOR_CELLS : METAL_CELLS)
                      * up(queries, vector ? 1 : METAL_QUERIES) * f.mask->ne[2] * f.mask->ne[3];
    uint64_t partial = F32_BYTES * pls_min(queries, METAL_GROUPS) * f.q->ne[2] * f.q->ne[3] * METAL_GROUPS
                       * (f.v->ne[0] + 2);
    uint64_t bytes = n->bytes + metal_flash_tail(&f) + pls_pad(blocks, 32) + partial;
    bytes = pls_add(bytes, pls_pad(pls_mul(F16_BYTES, elements(f.k)), 16));
    return f.v_in_k ? bytes : pls_add(bytes, pls_pad(pls_mul(F16_BYTES, elements(f.v)), 16));
}

static uint64_t metal_bytes(const struct pls_graph *g, const struct pls_node *n)
{
    if (n->op == PLS_OP_FLASH_ATTN) {
        return metal_flash_bytes(g, n);
    }
    if (n->op == PLS_OP_ARGSORT) {
        return 2 * n->bytes;
    }
    if (n->op == PLS_OP_MUL_MAT_ID) {
        return n->bytes + 4 * (uint64_t)g->card->n_expert * (1 + n->ne[2]);
    }
    return n->bytes;
}

static uint64_t cuda_bytes(const struct pls_graph *g, const struct pls_node *n)
{
    uint64_t bytes = n->op == PLS_OP_FLASH_ATTN ? cuda_flash_bytes(g, n) : n->bytes;
    enum pls_type type = (enum pls_type)n->type;
    uint64_t over = n->ne[0] % CUDA_ROW_ELEMENTS;
    if (over != 0 && pls_type_is_quantized(type)) {
        bytes = pls_add(bytes, pls_type_row_bytes(type, CUDA_ROW_ELEMENTS - over));
    }
    return bytes;
}

uint64_t pls_node_alloc_bytes(const struct pls_graph *g, uint32_t id, enum pls_backend backend)
{
    const struct pls_node *n = &g->node[id];
    switch (backend) {
    case PLS_BACKEND_CUDA:
    case PLS_BACKEND_ROCM:
        return cuda_bytes(g, n);
    case PLS_BACKEND_METAL:
        return metal_bytes(g, n);
    case PLS_BACKEND_NONE:
    case PLS_BACKEND_CPU:
    case PLS_BACKEND_VULKAN:
    case PLS_BACKEND_SYCL:
    case PLS_BACKEND_MLX:
    case PLS_BACKEND_COUNT:
        break;
    }
    return n->bytes;
}
