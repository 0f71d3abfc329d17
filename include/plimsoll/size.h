/* plimsoll/size.h - bytes of the parts that do not depend on where they are put: buffers, KV cache, recurrent
 * state.
 *
 * Everything here is arithmetic on a settled question (struct pls_setting) and on shapes taken once from the
 * card. A cache is sized layer by layer, so that placement can hand layers to devices and add up; nothing is
 * approximated for llama.cpp (its cache and state allocations are reproduced to the byte,
 * tests/unit/test_size_kv.c), while MLX and vLLM follow their documented allocation steps. Results saturate.
 * The formulas for a reader: plimsoll(7), KV CACHE and what follows it.
 */
#ifndef PLIMSOLL_SIZE_H
#define PLIMSOLL_SIZE_H

#include "plimsoll/ask.h"

/* How a backend lays tensors into a buffer: every allocation starts at a multiple of `alignment`; a quantized
 * tensor whose rows are not a multiple of `row_elements` gets the bytes of the missing elements added once
 * (ggml-cuda pads so that its kernels may read past the last row). row_elements 0: no such padding. CPU and
 * Metal 32, CUDA and ROCm 128 with rows of 512 (ggml of 2026-08-22); SYCL as CUDA, Vulkan 128: assumed. */
struct pls_buffer_rule {
    uint32_t alignment;
    uint32_t row_elements;
};
struct pls_buffer_rule pls_buffer_rule(enum pls_backend backend);

/* What a tensor of `bytes` bytes with first dimension ne0 takes in such a buffer. */
uint64_t pls_buffer_bytes(struct pls_buffer_rule rule, enum pls_type type, uint64_t ne0, uint64_t bytes);

/* What a layer keeps between tokens. Widths in elements per cell, states in F32 elements per sequence. */
struct pls_cache_layer {
    uint32_t k_width, v_width; /* 0: none; V is 0 beside K when it is a view of K (latent attention) */
    uint32_t index_width;      /* of a sparse indexer's own keys; sized like K, which is assumed */
    uint32_t compress_ratio;   /* DeepSeek V4: tokens per compressed entry kept beside the window; 0 none */
    uint32_t compressed_width; /* elements of the K type per entry */
    bool is_sliding;
    uint64_t conv_state, ssm_state;
};

/* Trunk and MTP blocks. Whether an idle MTP block still gets a cache differs by architecture and stands in
 * the card. */
struct pls_cache_shape {
    uint32_t n_layers;
    uint32_t widest_v; /* of all layers that keep a cache: the row of every layer's transposed V */
    struct pls_cache_layer layers[PLS_MAX_LAYERS];
};
void pls_cache_shape_of(const struct pls_card *card, struct pls_cache_shape *out);

struct pls_cache_bytes {
    uint64_t kv;
    uint64_t state;
};
/* One layer of the shape, on a device with that buffer rule, all slots together. */
struct pls_cache_bytes pls_size_kv_layer(const struct pls_cache_shape *shape, uint32_t layer,
                                         const struct pls_setting *setting, struct pls_buffer_rule rule);
/* The sum over all layers. */
struct pls_cache_bytes pls_size_kv_total(const struct pls_cache_shape *shape,
                                         const struct pls_setting *setting, struct pls_buffer_rule rule);
/* Cache bytes that attention reads per cell of a layer: K and V rows, without padding. */
uint64_t pls_size_kv_cell_bytes(const struct pls_cache_layer *layer, const struct pls_setting *setting);
/* Cells one sequence can fill in that layer. */
uint64_t pls_size_kv_cells(const struct pls_cache_layer *layer, const struct pls_setting *setting);

#endif
