/* KV cache and recurrent state, layer by layer.
 *
 * llama.cpp (2026-08-22): per layer K = row(type_k, width) * cells * streams, V likewise, each an allocation
 * of its own; with flash attention off V is stored transposed and every layer's row is as wide as the widest;
 * state is F32, one r and one s per recurrent layer and slot. Exact in 2,918 recorded runs
 * (tests/unit/test_size_kv.c). mlx-lm: the same products; quantized caches hold groups of 64 with an F16
 * scale and bias, which is 8.5 and 4.5 bits per value, as Q8_0 and Q4_0 happen to have; sliding layers
 * rotate. State in F32: assumed. vLLM: pages of 16 tokens; fp8 takes one byte per value. Sliding layers: its
 * hybrid allocator frees pages that left the window, but with several cache groups it gives each the largest
 * page size; the window's pages are counted. */
#include "plimsoll/size.h"

#include <string.h>

struct pls_buffer_rule pls_buffer_rule(enum pls_backend backend)
{
    switch (backend) {
    case PLS_BACKEND_CUDA:
    case PLS_BACKEND_ROCM:
    case PLS_BACKEND_SYCL:
        return (struct pls_buffer_rule){ 128, 512 };
    case PLS_BACKEND_VULKAN:
        return (struct pls_buffer_rule){ 128, 0 };
    case PLS_BACKEND_NONE:
    case PLS_BACKEND_CPU:
    case PLS_BACKEND_METAL:
    case PLS_BACKEND_MLX:
    case PLS_BACKEND_COUNT:
        break;
    }
    return (struct pls_buffer_rule){ 32, 0 };
}

uint64_t pls_buffer_bytes(struct pls_buffer_rule rule, enum pls_type type, uint64_t ne0, uint64_t bytes)
{
    if (rule.row_elements != 0 && pls_type_is_quantized(type) && ne0 % rule.row_elements != 0) {
        bytes = pls_add(bytes, pls_type_row_bytes(type, rule.row_elements - ne0 % rule.row_elements));
    }
    return pls_pad(bytes, rule.alignment);
}

void pls_cache_shape_of(const struct pls_card *card, struct pls_cache_shape *out)
{
    memset(out, 0, sizeof(*out));
    out->n_layers = (uint32_t)pls_min((uint64_t)card->n_layers + card->n_mtp_layers, PLS_MAX_LAYERS);
    for (uint32_t i = 0; i < out->n_layers; i++) {
        struct pls_layer l = pls_card_layer(card, i);
        out->layers[i] = (struct pls_cache_layer){ .k_width = l.k_cache_width,
                                                   .v_width = l.v_cache_width,
                                                   .index_width = l.index_cache_width,
                                                   .compress_ratio = l.compress_ratio,
                                                   .compressed_width = l.compressed_width,
                                                   .is_sliding = l.is_sliding,
                                                   .conv_state = l.conv_state,
                                                   .ssm_state = l.ssm_state };
        if (l.k_cache_width != 0 && l.v_cache_width > out->widest_v) {
            out->widest_v = l.v_cache_width;
        }
    }
}

/* Bytes of `width` cached values. vLLM's quantized cache is fp8, which has no ggml type. */
static uint64_t cell_row_bytes(const struct pls_setting *s, enum pls_type type, uint64_t width)
{
    if (s->engine == PLS_ENGINE_VLLM && pls_type_is_quantized(type)) {
        return width;
    }
    return pls_type_row_bytes(type, width);
}

uint64_t pls_size_kv_cells(const struct pls_cache_layer *layer, const struct pls_setting *setting)
{
    if (layer->k_width == 0) {
        return 0;
    }
    return layer->is_sliding ? setting->n_cells_swa : setting->n_ctx_seq;
}

uint64_t pls_size_kv_cell_bytes(const struct pls_cache_layer *layer, const struct pls_setting *setting)
{
    uint64_t k = layer->k_width == 0 ? 0 : cell_row_bytes(setting, setting->type_k, layer->k_width);
    uint64_t v = layer->v_width == 0 ? 0 : cell_row_bytes(setting, setting->type_v, layer->v_width);
    uint64_t index =
        layer->index_width == 0 ? 0 : cell_row_bytes(setting, setting->type_k, layer->index_width);
    return pls_add(pls_add(k, v), index);
}

/* One of K and V: `cells` rows of `width`, in a buffer of its own rule. */
static uint64_t half_bytes(const struct pls_setting *s, enum pls_type type, uint64_t width, uint64_t cells,
                           struct pls_buffer_rule rule)
{
    if (width == 0 || cells == 0) {
        return 0;
    }
    return pls_buffer_bytes(rule, type, width, pls_mul(cells, cell_row_bytes(s, type, width)));
}

static uint64_t state_bytes(uint64_t elements, uint32_t n_seq, struct pls_buffer_rule rule)
{
    return pls_pad(pls_mul(pls_mul(elements, sizeof(float)), n_seq), rule.alignment);
}

/* Entries of a compressed cache: one per ratio tokens, in steps of 256, for every slot even when they share
 * cells. */
static uint64_t compressed_bytes(const struct pls_cache_layer *l, const struct pls_setting *s,
                                 struct pls_buffer_rule rule)
{
    if (l->compress_ratio == 0) {
        return 0;
    }
    uint64_t entries =
        pls_pad(s->n_ctx_seq / l->compress_ratio + (s->n_ctx_seq % l->compress_ratio != 0), 256);
    return half_bytes(s, s->type_k, l->compressed_width, pls_mul(entries, s->n_seq), rule);
}

struct pls_cache_bytes pls_size_kv_layer(const struct pls_cache_shape *shape, uint32_t layer,
                                         const struct pls_setting *setting, struct pls_buffer_rule rule)
{
    const struct pls_cache_layer *l = &shape->layers[layer];
    struct pls_cache_bytes out = { 0, 0 };
    uint64_t cells = pls_mul(pls_size_kv_cells(l, setting), setting->n_streams);
    uint64_t v_width = l->v_width != 0 && setting->v_transposed ? shape->widest_v : l->v_width;
    out.kv = pls_add(half_bytes(setting, setting->type_k, l->k_width, cells, rule),
                     half_bytes(setting, setting->type_v, v_width, cells, rule));
    out.kv = pls_add(out.kv, half_bytes(setting, setting->type_k, l->index_width, cells, rule));
    out.kv = pls_add(out.kv, compressed_bytes(l, setting, rule));
    out.state = pls_add(state_bytes(l->conv_state, setting->n_seq, rule),
                        state_bytes(l->ssm_state, setting->n_seq, rule));
    return out;
}

struct pls_cache_bytes pls_size_kv_total(const struct pls_cache_shape *shape,
                                         const struct pls_setting *setting, struct pls_buffer_rule rule)
{
    struct pls_cache_bytes sum = { 0, 0 };
    for (uint32_t i = 0; i < shape->n_layers; i++) {
        struct pls_cache_bytes one = pls_size_kv_layer(shape, i, setting, rule);
        sum.kv = pls_add(sum.kv, one.kv);
        sum.state = pls_add(sum.state, one.state);
    }
    return sum;
}
