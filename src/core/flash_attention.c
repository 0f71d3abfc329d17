/* Which devices have a flash attention kernel for which head widths and cache types.
 *
 * "auto" asks the device for every attention layer and turns the whole model's flash attention off when one
 * has no kernel. Source: llama.cpp of 2026-08-22, the supports-op functions of each backend. Vulkan and SYCL
 * also depend on driver features that cannot be known here; what is listed is what a current driver offers.
 */
#include "plimsoll/compute.h"

#define TYPE_BIT(type) (UINT64_C(1) << (type))

static const uint64_t PLAIN_TYPES = TYPE_BIT(PLS_TYPE_F32) | TYPE_BIT(PLS_TYPE_F16) | TYPE_BIT(PLS_TYPE_BF16);
static const uint64_t LEGACY_TYPES = TYPE_BIT(PLS_TYPE_Q4_0) | TYPE_BIT(PLS_TYPE_Q4_1)
                                     | TYPE_BIT(PLS_TYPE_Q5_0) | TYPE_BIT(PLS_TYPE_Q5_1)
                                     | TYPE_BIT(PLS_TYPE_Q8_0);

/* A pair of K and V head widths with a kernel; the query heads per K head must be a multiple of gqa. */
struct head_shape {
    uint16_t k, v;
    uint8_t gqa;
};

static const struct head_shape CUDA_SHAPES[] = {
    { 40, 40, 1 },   { 64, 64, 1 },   { 72, 72, 1 },   { 80, 80, 1 },    { 96, 96, 1 },   { 112, 112, 1 },
    { 128, 128, 1 }, { 256, 256, 1 }, { 192, 128, 8 }, { 320, 256, 32 }, { 512, 512, 2 }, { 576, 512, 2 },
};

/* Metal looks at the K width alone. */
static const uint16_t METAL_WIDTHS[] = { 32, 40, 48, 64, 72, 80, 96, 112, 128, 192, 256, 320, 512, 576 };

static bool cuda_has(uint32_t k, uint32_t v, uint32_t gqa)
{
    for (size_t i = 0; i < PLS_COUNT_OF(CUDA_SHAPES); i++) {
        const struct head_shape *s = &CUDA_SHAPES[i];
        if (s->k == k && s->v == v) {
            /* the width of 512 and 576 wants at least two query heads per K head, no particular multiple */
            return s->gqa == 2 ? gqa >= 2 : gqa % s->gqa == 0;
        }
    }
    return false;
}

static bool metal_has(uint32_t k)
{
    for (size_t i = 0; i < PLS_COUNT_OF(METAL_WIDTHS); i++) {
        if (METAL_WIDTHS[i] == k) {
            return true;
        }
    }
    return false;
}

static bool shape_supported(enum pls_backend backend, uint32_t k, uint32_t v, uint32_t gqa)
{
    switch (backend) {
    case PLS_BACKEND_CUDA:
    case PLS_BACKEND_ROCM:
        return cuda_has(k, v, gqa);
    case PLS_BACKEND_METAL:
        return metal_has(k);
    case PLS_BACKEND_VULKAN:
    case PLS_BACKEND_SYCL:
        return k % 8 == 0 && v % 8 == 0;
    case PLS_BACKEND_NONE:
    case PLS_BACKEND_CPU:
    case PLS_BACKEND_MLX:
    case PLS_BACKEND_COUNT:
        break;
    }
    return true;
}

static bool types_supported(enum pls_backend backend, enum pls_type k, enum pls_type v)
{
    if (backend == PLS_BACKEND_CPU || backend == PLS_BACKEND_NONE || backend == PLS_BACKEND_MLX) {
        return true;
    }
    uint64_t types = PLAIN_TYPES | LEGACY_TYPES;
    if (backend == PLS_BACKEND_CUDA || backend == PLS_BACKEND_ROCM) {
        /* the rest needs a build with all quantized kernels */
        types = PLAIN_TYPES | TYPE_BIT(PLS_TYPE_Q4_0) | TYPE_BIT(PLS_TYPE_Q8_0);
    } else if (backend == PLS_BACKEND_VULKAN) {
        types |= TYPE_BIT(PLS_TYPE_IQ4_NL);
    }
    return k == v && (unsigned)k < PLS_TYPE_COUNT && (types & TYPE_BIT(k)) != 0;
}

bool pls_flash_attention_supported(enum pls_backend backend, const struct pls_card *card,
                                   enum pls_type type_k, enum pls_type type_v)
{
    if (!types_supported(backend, type_k, type_v)) {
        return false;
    }
    bool latent = card->kv_lora_rank != 0 && !card->legacy_mla;
    for (uint32_t i = 0; i < card->n_layers; i++) {
        struct pls_layer l = pls_card_layer(card, i);
        if (!l.has_attention) {
            continue;
        }
        uint32_t k = latent ? card->kv_lora_rank + card->qk_rope_dim : l.head_dim_k;
        uint32_t v = latent ? card->kv_lora_rank : l.head_dim_v;
        uint32_t heads_kv = latent || l.n_head_kv == 0 ? 1 : l.n_head_kv;
        if (!shape_supported(backend, k, v, l.n_head / heads_kv)) {
            return false;
        }
    }
    return true;
}
