/* Writes a measured split into the plan: shares, traffic, verdict, what to know about it. */
#include "place.h"

#include <string.h>

#include "plimsoll/text.h"

/* ---- traffic: what decode touches per token ---- */

/* `used` of `of` experts are read; dense groups pass 1 of 1. */
static void traffic_add(struct pls_traffic *t, const struct pls_weight_group *g, uint32_t used, uint32_t of)
{
    for (uint32_t type = 0; type < PLS_TYPE_COUNT; type++) {
        if (g->by_type[type] != 0) {
            uint64_t bytes = of <= 1 ? g->by_type[type] : pls_mul(g->by_type[type] / of, used);
            t->weights_by_type[type] = pls_add(t->weights_by_type[type], bytes);
            t->expert_share_bytes = pls_add(t->expert_share_bytes, of <= 1 ? 0 : bytes);
        }
    }
    t->active_params = pls_add(t->active_params, of <= 1 ? g->params : pls_mul(g->params / of, used));
}

static struct pls_share *share_at(struct pls_plan *plan, uint8_t at)
{
    return &plan->shares[at];
}

static void layer_traffic(const struct pls_place_scene *s, const struct pls_setting *setting,
                          const struct pls_split *split, uint32_t i, struct pls_plan *plan)
{
    const struct pls_card *card = &s->layout->model->card;
    const struct pls_layer_weights *w = &s->layout->layers[i];
    const struct pls_cache_layer *cache = &s->layout->cache.layers[i];
    struct pls_share *here = share_at(plan, split->at[i]);
    struct pls_share *experts = i < split->cpu_moe_layers ? &plan->shares[0] : here;
    struct pls_traffic *kv = s->ask->no_kv_offload ? &plan->shares[0].traffic : &here->traffic;
    here->n_layers++;
    here->traffic.n_layers++;
    traffic_add(&here->traffic, &w->dense, 1, 1);
    if (w->experts.params != 0) {
        here->traffic.n_layers_moe++;
        traffic_add(&experts->traffic, &w->experts, card->n_expert_used, card->n_expert);
    }
    if (cache->conv_state != 0 || cache->ssm_state != 0) {
        here->traffic.n_layers_linear++;
        uint64_t elements = pls_add(cache->conv_state, cache->ssm_state);
        kv->kv_fixed = pls_add(kv->kv_fixed, pls_mul(elements, sizeof(float)));
    }
    if (cache->k_width == 0) {
        return;
    }
    uint64_t cell = pls_size_kv_cell_bytes(cache, setting);
    if (cache->compress_ratio != 0) {
        uint64_t entry = pls_type_row_bytes(setting->type_k, cache->compressed_width);
        kv->kv_per_token = pls_add(kv->kv_per_token, entry / cache->compress_ratio);
    }
    struct pls_layer l = pls_card_layer(card, i);
    /* Latent attention scores every head against the whole latent row. */
    uint64_t width = (uint64_t)l.n_head * (l.v_cache_width == 0 ? l.k_cache_width : l.head_dim_k);
    if (cache->is_sliding) {
        kv->kv_sliding_per_token = pls_add(kv->kv_sliding_per_token, cell);
        kv->window_tokens = card->sliding_window;
        kv->attention_width_sliding = pls_add(kv->attention_width_sliding, width);
        return;
    }
    kv->kv_per_token = pls_add(kv->kv_per_token, cell);
    kv->attention_width = pls_add(kv->attention_width, width);
}

static void fill_traffic(const struct pls_place_scene *s, const struct pls_setting *setting,
                         const struct pls_split *split, const struct pls_place_bytes *b,
                         struct pls_plan *plan)
{
    const struct pls_layout *l = s->layout;
    for (uint32_t i = 0; i < l->model->card.n_layers; i++) { /* MTP blocks do not run */
        layer_traffic(s, setting, split, i, plan);
    }
    struct pls_traffic *last = &share_at(plan, split->at[split->n_blocks])->traffic;
    struct pls_traffic before = *last;
    traffic_add(last, &l->output, 1, 1);
    traffic_add(last, &l->tied, 1, 1);
    last->output_params = pls_sub(last->active_params, before.active_params);
    for (uint32_t type = 0; type < PLS_TYPE_COUNT; type++) {
        last->output_by_type[type] = pls_sub(last->weights_by_type[type], before.weights_by_type[type]);
    }
    /* All operations of the graph run where most layers are; a split graph's share on the host is not told
     * apart. */
    struct pls_share *most = &plan->shares[0];
    for (uint32_t d = 0; d < s->n_devices; d++) {
        most = plan->shares[1 + d].n_layers > most->n_layers ? &plan->shares[1 + d] : most;
    }
    most->traffic.n_ops = b->compute.n_nodes;
    plan->shares[0].traffic.repacked = b->repacked_bytes != 0;
}

/* ---- what did not fit ---- */

struct filling {
    uint64_t used, budget;
};

static bool overflows(struct filling *f, uint64_t bytes)
{
    f->used = pls_add(f->used, bytes);
    return f->used > f->budget;
}

static uint64_t layer_bytes_at(const struct pls_place_scene *s, const struct pls_split *split, uint32_t i,
                               uint8_t at)
{
    const struct pls_layer_weights *w = &s->layout->layers[i];
    uint32_t rule = at == PLS_ON_HOST ? 0 : pls_rule_class(s->devices[at - 1].rule);
    uint64_t bytes = split->at[i] == at ? w->dense.device_bytes[rule] : 0;
    uint8_t experts_at = i < split->cpu_moe_layers ? PLS_ON_HOST : split->at[i];
    return pls_add(bytes, experts_at == at ? w->experts.device_bytes[rule] : 0);
}

/* Fills the pool of shares[at] in the order a reader would: fixed costs, layers, the rest of the weights,
 * cache, buffers. */
static void name_misfit(const struct pls_place_scene *s, const struct pls_split *split, uint8_t at,
                        struct pls_plan *plan)
{
    const struct pls_bytes *bytes = &plan->shares[at].bytes;
    uint64_t budget = plan->shares[at].budget_bytes;
    struct pls_text out = { plan->first_misfit, 0, sizeof(plan->first_misfit), false };
    struct filling f = { 0, budget };
    uint64_t layers = 0;
    plan->first_misfit[0] = '\0';
    if (overflows(&f, bytes->overhead)) {
        pls_text_add(&out, "overhead");
        return;
    }
    for (uint32_t i = 0; i < s->layout->cache.n_layers; i++) {
        uint64_t one = layer_bytes_at(s, split, i, at);
        layers = pls_add(layers, one);
        if (overflows(&f, one)) {
            pls_text_add(&out, "layer %u", i);
            return;
        }
    }
    struct {
        const char *name;
        uint64_t bytes;
    } rest[] = {
        { at == PLS_ON_HOST ? "input tables and output" : "output", pls_sub(bytes->weights, layers) },
        { "kv", bytes->kv },
        { "state", bytes->state },
        { "compute", bytes->compute },
        { "output rows", bytes->output },
        { "projector", bytes->projector },
    };
    for (size_t i = 0; i < PLS_COUNT_OF(rest); i++) {
        if (overflows(&f, rest[i].bytes)) {
            pls_text_add(&out, "%s", rest[i].name);
            return;
        }
    }
    pls_text_add(&out, "what %s shares with it", s->machine->pools[0].id);
}

/* ---- verdict ---- */

/* With everything that the mapping could serve left on disk, would the rest fit? */
static bool could_stream(const struct pls_place_scene *s, const struct pls_place_bytes *b)
{
    struct pls_place_bytes rest = *b;
    rest.host.total = pls_sub(b->host.total, b->host.weights);
    return s->mapped && b->host.weights != PLS_SATURATED && b->host.weights != 0 && pls_place_fits(s, &rest);
}

static void fill_verdict(const struct pls_place_scene *s, const struct pls_split *split,
                         const struct pls_place_bytes *b, struct pls_plan *plan)
{
    const struct pls_share *worst = NULL;
    plan->margin_bytes = INT64_MAX;
    for (uint32_t i = 0; i < plan->n_shares; i++) {
        if (worst == NULL || plan->shares[i].margin_bytes < plan->margin_bytes) {
            worst = &plan->shares[i];
            plan->margin_bytes = worst->margin_bytes;
        }
    }
    plan->fit = pls_place_fits(s, b) ? PLS_FIT_YES : could_stream(s, b) ? PLS_FIT_STREAMS : PLS_FIT_NO;
    plan->first_misfit[0] = '\0';
    if (plan->fit != PLS_FIT_YES && worst != NULL) {
        name_misfit(s, split, (uint8_t)(worst - plan->shares), plan);
    }
    if (plan->fit == PLS_FIT_STREAMS) {
        pls_plan_note(plan, "streams",
                      "larger than memory: it could only run from disk through the file mapping%s, at the "
                      "speed of the disk",
                      b->repacked_bytes != 0 ? " (with --no-repack)" : "");
    }
}

/* ---- shares ---- */

/* shares[0] is RAM, shares[1 + n] device n: a device without a layer keeps its driver context. */
static void fill_shares(const struct pls_place_scene *s, const struct pls_place_bytes *b,
                        struct pls_plan *plan)
{
    plan->n_shares = 1 + s->n_devices;
    memset(plan->shares, 0, sizeof(plan->shares[0]) * plan->n_shares);
    plan->shares[0].pool = 0;
    plan->shares[0].bytes = b->host;
    plan->shares[0].budget_bytes = s->machine->pools[0].budget_bytes;
    plan->shares[0].margin_bytes = pls_place_host_margin(s, b);
    memset(&plan->bytes, 0, sizeof(plan->bytes));
    pls_bytes_add(&plan->bytes, &b->host);
    for (uint32_t d = 0; d < s->n_devices; d++) {
        struct pls_share *share = &plan->shares[1 + d];
        share->pool = s->devices[d].pool;
        share->bytes = b->device[d];
        share->budget_bytes = s->machine->pools[share->pool].budget_bytes;
        share->margin_bytes = pls_place_device_margin(s, b, d);
        pls_bytes_add(&plan->bytes, &b->device[d]);
    }
}

/* The part of the cache that no recorded run covers: keys of sparse indexers; and all of it when the
 * architecture is only known by the tensors of its file. */
static uint64_t assumed_cache_bytes(const struct pls_place_scene *s, const struct pls_setting *setting,
                                    const struct pls_plan *plan)
{
    uint64_t sum = 0;
    if (!pls_arch_known(s->layout->model->card.arch)) {
        return pls_add(plan->bytes.kv, plan->bytes.state);
    }
    for (uint32_t i = 0; i < s->layout->cache.n_layers; i++) {
        const struct pls_cache_layer *l = &s->layout->cache.layers[i];
        if (l->index_width != 0) {
            uint64_t cells = pls_mul(pls_size_kv_cells(l, setting), setting->n_streams);
            sum = pls_add(sum, pls_mul(cells, pls_type_row_bytes(setting->type_k, l->index_width)));
        }
    }
    return sum;
}

/* How far the total may be off: buffers that were not replayed, overheads that may be half as large or half
 * as large again, a cache whose rule is assumed, packings of which a fifth more was seen. Other weights and
 * the caches of known architectures are exact. */
static uint64_t doubt_bytes(const struct pls_place_scene *s, const struct pls_setting *setting,
                            const struct pls_place_bytes *b, const struct pls_plan *plan)
{
    uint64_t doubt = pls_add(b->compute.uncertainty_bytes, plan->bytes.overhead / 2);
    doubt = pls_add(doubt, assumed_cache_bytes(s, setting, plan));
    doubt = pls_add(doubt, pls_layout_is_assumed_packing(s->layout) ? plan->bytes.weights / 5 : 0);
    return setting->engine == PLS_ENGINE_LLAMA_CPP ? doubt : pls_add(doubt, plan->bytes.compute);
}

/* GPUs that an engine would find by itself. */
static bool has_gpus(const struct pls_machine *m)
{
    for (uint32_t i = 0; i < m->n_gpus; i++) {
        enum pls_backend backend = m->gpus[i].backend;
        if (m->gpus[i].pool >= 0 && backend != PLS_BACKEND_NONE && backend != PLS_BACKEND_CPU) {
            return true;
        }
    }
    return false;
}

void pls_place_fill(const struct pls_place_scene *scene, const struct pls_setting *setting,
                    const struct pls_split *split, const struct pls_place_bytes *bytes, struct pls_plan *plan)
{
    const struct pls_layout *l = scene->layout;
    plan->setting = *setting;
    plan->setting.flash_attention = bytes->compute.flash_attention; /* "auto" may have lost it to the split */
    plan->gpu_layers = (int32_t)split->gpu_layers;
    plan->cpu_moe_layers = (int32_t)split->cpu_moe_layers;
    plan->leaves_gpus = scene->n_devices == 0 && has_gpus(scene->machine);
    plan->tensor_data_bytes = l->tensor_data_bytes;
    plan->file_bytes = l->file_bytes;
    for (uint32_t i = 0; i < PLS_TYPE_COUNT; i++) {
        plan->types[i].tensors = l->types[i].tensors;
        plan->types[i].bytes = l->types[i].bytes;
    }
    plan->compute_origin = bytes->compute.origin;
    fill_shares(scene, bytes, plan);
    fill_traffic(scene, setting, split, bytes, plan);
    plan->uncertainty_bytes = doubt_bytes(scene, setting, bytes, plan);
    fill_verdict(scene, split, bytes, plan);
    pls_place_note(scene, bytes, plan);
}
