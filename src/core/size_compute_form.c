/* Compute buffers: the closed form for architectures whose node list is not known.
 *
 * Two phases bound a graph: the widest layer while the masks are alive, and the logits at the end. Per token
 * and in F32, a layer holds the residual stream, the normed copy, and the widest of its own intermediates.
 * Fitted nowhere: the terms are tensors that exist at the same time. Its error is what pls_compute_buffers()
 * adds as uncertainty. */
#include "core/graph.h"

#include <string.h>

enum { F32_BYTES = 4, F16_BYTES = 2 };

enum { METAL_GROUPS = 32 }; /* work groups whose partial results are kept, and queries of one */

struct masks {
    uint64_t bytes; /* of every mask kind present */
    bool has_swa;
};

/* Sizes of one batch, in bytes. */
struct form {
    uint64_t masks, indices;
    uint64_t stream; /* the residual stream */
    uint64_t layer;  /* the widest layer, masks included */
    uint64_t logits;
};

/* Layers of the trunk that differ, and how many there are of each: a model has one to four kinds. */
struct pls_layer_kinds {
    uint32_t n;
    uint32_t count[PLS_MAX_LAYERS];
    struct pls_layer layer[PLS_MAX_LAYERS];
};

static const struct pls_layer_kinds *find_kinds(const struct pls_card *card, struct pls_layer_kinds *out)
{
    out->n = 0;
    for (uint32_t i = 0; i < card->n_layers; i++) {
        struct pls_layer l = pls_card_layer(card, i);
        uint32_t k = 0;
        /* unlike padding costs time alone; NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) */
        while (k < out->n && memcmp(&out->layer[k], &l, sizeof(l)) != 0) {
            k++;
        }
        if (k == out->n) {
            out->layer[out->n] = l;
            out->count[out->n++] = 0;
        }
        out->count[k]++;
    }
    return out;
}

const struct pls_layer_kinds *pls_layer_kinds_new(const struct pls_card *card, struct pls_arena *arena)
{
    struct pls_layer_kinds *kinds = pls_arena_room(arena, 1, sizeof(*kinds));
    return kinds != NULL ? find_kinds(card, kinds) : NULL;
}

static bool attends(const struct pls_layer *l)
{
    return l->has_attention;
}

static uint64_t cells_of(const struct pls_layer *l, const struct pls_setting *s)
{
    return l->is_sliding && s->n_cells_swa != 0 ? s->n_cells_swa : s->n_ctx_seq;
}

static struct masks mask_sizes(const struct pls_layer_kinds *kinds, const struct pls_setting *s)
{
    struct masks m = { 0 };
    bool full = false;
    for (uint32_t i = 0; i < kinds->n; i++) {
        const struct pls_layer *l = &kinds->layer[i];
        if (attends(l)) {
            m.has_swa |= l->is_sliding && s->n_cells_swa != 0;
            full |= !l->is_sliding;
        }
    }
    uint64_t cells = (full ? s->n_ctx_seq : 0) + (m.has_swa ? s->n_cells_swa : 0);
    m.bytes = pls_mul(pls_mul(s->flash_attention ? F16_BYTES : F32_BYTES, pls_compute_tokens(s)), cells);
    return m;
}

/* Floats per token that attention keeps beside the residual stream and its normed copy. */
static uint64_t attention_floats(const struct pls_card *card, const struct pls_layer *l,
                                 const struct pls_setting *s)
{
    uint64_t heads = l->n_head;
    if (card->kv_lora_rank != 0 && !card->legacy_mla) {
        uint64_t r = card->kv_lora_rank, rope = card->qk_rope_dim, nope = card->qk_nope_dim;
        uint64_t absorbed = card->n_embd + heads * (2 * r + rope + (nope + rope) + rope);
        return s->flash_attention ? absorbed : pls_max(absorbed, 2 * heads * r + heads * s->n_ctx_seq);
    }
    uint64_t q = heads * l->head_dim_v;
    if (!s->flash_attention) {
        return pls_add(2 * q, pls_mul(heads, cells_of(l, s)));
    }
    return 3 * q + (uint64_t)l->n_head_kv * l->head_dim_k;
}

/* Floats per token of the recurrent part of a layer. */
static uint64_t recurrent_floats(const struct pls_card *card, const struct pls_layer *l)
{
    uint64_t state = card->ssm_state, inner = card->ssm_inner;
    switch (l->kind) {
    case PLS_LAYER_GDN:
    case PLS_LAYER_LINEAR:
        return 2 * state * (2 * (uint64_t)card->ssm_groups + card->ssm_heads) + 2 * state * card->ssm_heads;
    case PLS_LAYER_KDA:
        return 8 * (uint64_t)card->kda_head_dim * l->n_head;
    case PLS_LAYER_MAMBA2:
    case PLS_LAYER_MAMBA1:
    case PLS_LAYER_PARALLEL:
        return inner + 3 * (inner + 2 * state * card->ssm_groups) + card->ssm_heads;
    case PLS_LAYER_CONV:
        return 5 * (uint64_t)card->n_embd;
    case PLS_LAYER_FULL:
    case PLS_LAYER_SWA:
    case PLS_LAYER_FFN:
    case PLS_LAYER_MOE:
    case PLS_LAYER_NONE:
    case PLS_LAYER_DSV4:
        break;
    }
    return 0;
}

/* Floats per token of the feed-forward part, the attention output it stands beside included. */
static uint64_t feed_forward_floats(const struct pls_card *card, const struct pls_layer *l)
{
    uint64_t q = attends(l) ? (uint64_t)l->n_head * l->head_dim_v : 0;
    if (!l->is_moe) {
        return q + 3 * (uint64_t)l->n_ff;
    }
    uint64_t mid = (uint64_t)card->n_expert_used * card->n_ff_exp;
    uint64_t down = (uint64_t)card->n_expert_used * card->n_embd;
    return q + 3 * mid + (down > 2 * mid ? down : 0);
}

static uint64_t layer_floats(const struct pls_card *card, const struct pls_layer_kinds *kinds,
                             const struct pls_setting *s)
{
    uint64_t widest = 0;
    for (uint32_t i = 0; i < kinds->n; i++) {
        const struct pls_layer *l = &kinds->layer[i];
        uint64_t own = feed_forward_floats(card, l);
        own = pls_max(own, recurrent_floats(card, l));
        if (attends(l)) {
            own = pls_max(own, attention_floats(card, l, s));
        }
        widest = pls_max(widest, own);
    }
    uint64_t streams = 2 + card->n_altup;
    return pls_add(widest, streams * card->n_embd + (uint64_t)card->n_embd_per_layer * card->n_layers);
}

/* What the attention kernels of a device want beside their result. Metal: F16 copies of a layer's K and V,
 * and partial results of its work groups. CUDA: the copies, when the cache is of another type. */
static uint64_t kernel_bytes(const struct pls_compute_ask *ask, const struct pls_layer_kinds *kinds,
                             enum pls_backend backend)
{
    const struct pls_setting *s = ask->setting;
    bool metal = backend == PLS_BACKEND_METAL;
    bool f16 = s->type_k == PLS_TYPE_F16 && s->type_v == PLS_TYPE_F16;
    if (!s->flash_attention || (!metal && (f16 || backend != PLS_BACKEND_CUDA))) {
        return 0;
    }
    uint64_t most = 0;
    for (uint32_t i = 0; i < kinds->n; i++) {
        const struct pls_layer *l = &kinds->layer[i];
        if (!attends(l)) {
            continue;
        }
        uint64_t width = (uint64_t)l->k_cache_width + l->v_cache_width;
        uint64_t bytes = pls_mul(F16_BYTES * width, pls_mul(cells_of(l, s), s->n_streams));
        uint64_t head = l->v_cache_width != 0 ? l->head_dim_v : ask->card->kv_lora_rank;
        uint64_t group = (uint64_t)F32_BYTES * METAL_GROUPS * METAL_GROUPS;
        uint64_t groups = pls_mul(group, (uint64_t)l->n_head * (head + 2));
        most = pls_max(most, metal ? pls_add(bytes, groups) : bytes);
    }
    return most;
}

/* The largest weight that a large batch would copy from the host to a device. */
static uint64_t copied_weight_bytes(const struct pls_compute_ask *ask)
{
    uint64_t largest = ask->weights == NULL ? ask->copied_bytes : 0;
    bool tied = ask->card->tied && ask->layer_at[ask->card->n_layers + ask->card->n_mtp_layers] == 0;
    for (uint32_t i = 0; ask->weights != NULL && i < ask->weights->n; i++) {
        const struct pls_tensor *t = &ask->weights->items[i];
        bool plain = ask->where != NULL && ask->where[i] == PLS_WHERE_HOST;
        bool as_output = tied && strcmp(t->name, "token_embd.weight") == 0;
        if (plain && (as_output || !pls_tensor_is_input_table(t))) {
            largest = pls_max(largest, pls_tensor_bytes(t));
        }
    }
    return largest;
}

/* Layers on both sides: each may hold a whole layer, and host weights pass through the device. */
static void form_devices(const struct pls_compute_ask *ask, const struct pls_layer_kinds *kinds,
                         const struct form *f, struct pls_compute *out)
{
    bool split = pls_compute_is_split(ask);
    uint64_t passing = split ? copied_weight_bytes(ask) : 0;
    for (uint32_t d = 0; d < ask->n_devices; d++) {
        uint64_t layer = pls_add(f->layer, kernel_bytes(ask, kinds, ask->device[d]));
        out->device_bytes[d] = pls_add(pls_add(pls_max(layer, f->logits), passing), f->indices);
    }
    uint64_t inputs = pls_add(f->masks, pls_add(pls_mul(2, f->stream), f->indices));
    out->host_bytes = split ? pls_add(f->layer, pls_add(f->stream, f->indices)) : inputs;
}

/* Operations per token, for what starting each of them costs. Means of the replayed graphs of 387 cards, by
 * layer: 21 with attention, 36 with recurrent state, 20 more with experts; single architectures lie within a
 * half of that. */
static uint32_t likely_nodes(const struct pls_layer_kinds *kinds)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < kinds->n; i++) {
        uint32_t one = kinds->layer[i].ssm_state != 0 ? 36 : 21;
        n += kinds->count[i] * (one + (kinds->layer[i].is_moe ? 20 : 0));
    }
    return n;
}

void pls_compute_closed_form(const struct pls_compute_ask *ask, struct pls_compute *out)
{
    const struct pls_card *card = ask->card;
    const struct pls_setting *s = ask->setting;
    uint64_t ub = pls_compute_tokens(s);
    struct pls_layer_kinds own;
    const struct pls_layer_kinds *kinds = ask->kinds != NULL ? ask->kinds : find_kinds(card, &own);
    struct masks m = mask_sizes(kinds, s);
    uint64_t vocab = card->is_encoder ? 0 : card->n_vocab;
    struct form f = { .masks = m.bytes, .indices = (m.has_swa ? 36 : 20) * ub };
    f.stream = pls_mul(F32_BYTES * ub, card->n_embd);
    f.layer = pls_add(m.bytes, pls_mul(F32_BYTES * ub, layer_floats(card, kinds, s)));
    f.logits = pls_mul(F32_BYTES * pls_compute_outputs(s), vocab + card->n_embd);
    if (ask->n_devices != 0) {
        form_devices(ask, kinds, &f, out);
    } else {
        out->host_bytes = pls_add(pls_max(f.layer, pls_add(m.bytes, f.logits)), pls_add(f.stream, f.indices));
    }
    out->n_nodes = likely_nodes(kinds);
    out->origin = PLS_ORIGIN_ASSUMED;
}
