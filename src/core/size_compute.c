/* Compute buffers: replayed where the architecture's node list is known, by the closed form elsewhere. */
#include "plimsoll/compute.h"

#include "core/graph.h"

enum { F32_BYTES = 4 };

struct pls_compute_ask pls_compute_ask_one(const struct pls_card *card, const struct pls_setting *setting,
                                           enum pls_backend backend, uint32_t gpu_layers)
{
    struct pls_compute_ask ask = { .card = card, .setting = setting };
    if (backend == PLS_BACKEND_NONE || backend == PLS_BACKEND_CPU) {
        return ask;
    }
    ask.n_devices = 1;
    ask.device[0] = backend;
    uint32_t all = card->n_layers + card->n_mtp_layers + 1;
    for (uint32_t i = all - (uint32_t)pls_min(gpu_layers, all); i < all; i++) {
        ask.layer_at[i] = 1;
    }
    return ask;
}

/* Operations that do something: what is neither a leaf nor a mere look at another node. */
static uint32_t count_operations(const struct pls_graph *g)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < g->n_order; i++) {
        uint8_t op = g->node[g->order[i]].op;
        n += op > PLS_OP_TRANSPOSE;
    }
    return n;
}

bool pls_compute_is_split(const struct pls_compute_ask *ask)
{
    uint32_t n = ask->card->n_layers + ask->card->n_mtp_layers, on_host = 0;
    for (uint32_t i = 0; i <= n; i++) {
        on_host += ask->layer_at[i] == 0;
    }
    return ask->n_devices != 0 && on_host != 0;
}

static uint64_t total(const struct pls_compute_ask *ask, const struct pls_compute *out)
{
    uint64_t sum = out->host_bytes;
    for (uint32_t d = 0; d < ask->n_devices; d++) {
        sum = pls_add(sum, out->device_bytes[d]);
    }
    return sum;
}

/* Of 4518 measured buffers (2918 settings, 40 models, layers on one side or on both) every one was equal to
 * the byte. What is left is what a card cannot say (optional scales, fused tensors) and, with layers on both
 * sides, the types of weights that are copied. No measurement of several devices was at hand. */
static uint64_t replay_uncertainty(const struct pls_compute_ask *ask, const struct pls_compute *out)
{
    uint64_t sum = total(ask, out);
    if (ask->n_devices > 1) {
        return sum / 16;
    }
    return pls_compute_is_split(ask) ? sum / (ask->weights != NULL ? 64 : 4) : sum / 256;
}

/* The closed form against the same 2918 settings, |error| / estimate: median 1% (processor and CUDA) to 8%
 * (Metal), p95 13 to 29%, p99 30 to 33% with layers on one side; with layers on both sides median 30%, p95
 * 90%. */
static uint64_t form_uncertainty(const struct pls_compute_ask *ask, const struct pls_compute *out)
{
    uint64_t sum = total(ask, out);
    return pls_compute_is_split(ask) ? sum : sum / 3;
}

/* The engine builds one token per slot first and looks where attention would run. */
static bool keeps_flash_attention(const struct pls_compute_ask *ask, struct pls_arena *scratch)
{
    if (!ask->setting->flash_attention || !ask->flash_auto || !pls_compute_is_split(ask)) {
        return ask->setting->flash_attention;
    }
    struct pls_graph g;
    size_t mark = scratch->used;
    uint64_t n = ask->setting->n_seq;
    bool stays = !pls_graph_init(&g, ask, scratch) || !pls_graph_build(&g, n, n)
                 || pls_graph_attention_stays(&g, scratch);
    pls_arena_reset(scratch, mark);
    return stays;
}

static bool replay(const struct pls_compute_ask *ask, struct pls_arena *scratch, struct pls_compute *out)
{
    struct pls_graph g;
    struct pls_graph_sizes split;
    if (pls_traits_of(ask->card->arch) == NULL || !pls_graph_init(&g, ask, scratch)
        || !pls_graph_build(&g, pls_compute_tokens(ask->setting), pls_compute_outputs(ask->setting))) {
        return false;
    }
    uint32_t operations = count_operations(&g);
    if (!pls_graph_measure(&g, scratch, &split)) {
        return false;
    }
    for (uint32_t d = 0; d < ask->n_devices; d++) {
        out->device_bytes[d] = split.bytes[d];
    }
    out->host_bytes = split.bytes[ask->n_devices];
    out->uncertainty_bytes = replay_uncertainty(ask, out);
    out->n_nodes = operations;
    out->n_splits = split.n_splits;
    out->origin = PLS_ORIGIN_TABLE;
    return true;
}

void pls_compute_buffers(const struct pls_compute_ask *ask, struct pls_arena *scratch,
                         struct pls_compute *out)
{
    size_t mark = scratch->used;
    *out = (struct pls_compute){ .origin = PLS_ORIGIN_UNKNOWN,
                                 .flash_attention = ask->setting->flash_attention };
    struct pls_setting settled = *ask->setting;
    struct pls_compute_ask own = *ask;
    own.setting = &settled;
    settled.flash_attention = out->flash_attention = keeps_flash_attention(ask, scratch);
    if (!replay(&own, scratch, out)) {
        pls_compute_estimate(&own, out);
    }
    pls_arena_reset(scratch, mark);
}

void pls_compute_estimate(const struct pls_compute_ask *ask, struct pls_compute *out)
{
    *out = (struct pls_compute){ .flash_attention = ask->setting->flash_attention };
    pls_compute_closed_form(ask, out);
    out->uncertainty_bytes = form_uncertainty(ask, out);
}

uint64_t pls_compute_output_bytes(const struct pls_card *card, const struct pls_setting *setting)
{
    return pls_mul(pls_mul(F32_BYTES, card->n_vocab), pls_max(1, setting->n_seq));
}
