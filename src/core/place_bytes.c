/* One split, measured: bytes by class on the host and on every device.
 *
 * Only sums over layers; the tensors themselves are not looked at, except to tell the replay of compute
 * buffers which host matrices a large batch copies to a device. */
#include "place.h"

#include <stddef.h>
#include <string.h>

/* llama.cpp: the first device whose running share exceeds the layer's place among the offloaded ones. */
static uint8_t device_of(const struct pls_place_scene *s, uint32_t offset, uint32_t count)
{
    float place = (float)offset / (float)count;
    for (uint32_t d = 0; d < s->n_devices; d++) {
        if (s->devices[d].share > place) {
            return (uint8_t)(1 + d);
        }
    }
    return (uint8_t)s->n_devices;
}

void pls_split_make(const struct pls_place_scene *scene, uint32_t gpu_layers, uint32_t cpu_moe_layers,
                    struct pls_split *out)
{
    const struct pls_card *card = &scene->layout->model->card;
    memset(out, 0, sizeof(*out));
    out->n_blocks = card->n_layers + card->n_mtp_layers;
    if (out->n_blocks > PLS_MAX_LAYERS) {
        out->n_blocks = PLS_MAX_LAYERS;
    }
    uint32_t all = out->n_blocks + 1;
    out->gpu_layers = scene->n_devices == 0 ? 0 : gpu_layers < all ? gpu_layers : all;
    out->cpu_moe_layers = out->gpu_layers == 0 ? 0 : cpu_moe_layers;
    uint32_t next = 1; /* the place whose beginning is not known yet */
    for (uint32_t i = all - out->gpu_layers; i < all; i++) {
        out->at[i] = device_of(scene, i - (all - out->gpu_layers), out->gpu_layers);
        while (next <= out->at[i]) {
            out->begin[next++] = i;
        }
    }
    while (next <= scene->n_devices + 1) {
        out->begin[next++] = all;
    }
}

/* Layers of a place, without the output layer. */
static struct pls_run layers_at(const struct pls_place_scene *s, const struct pls_split *split, uint32_t at)
{
    uint32_t n = s->sums->n_layers;
    return (struct pls_run){ (uint32_t)pls_min(split->begin[at], n),
                             (uint32_t)pls_min(split->begin[at + 1], n) };
}

/* Their experts: the first layers' stay on the host. */
static struct pls_run experts_at(const struct pls_place_scene *s, const struct pls_split *split, uint32_t at)
{
    struct pls_run run = layers_at(s, split, at);
    uint32_t kept = (uint32_t)pls_min(split->cpu_moe_layers, s->sums->n_layers);
    if (at == PLS_ON_HOST) {
        run.to = (uint32_t)pls_max(run.to, kept);
    } else {
        run.from = (uint32_t)pls_max(run.from, kept);
    }
    return run;
}

/* ---- weights ---- */

struct host_weights {
    uint64_t bytes, repacked;
};

/* Whether what could be repacked is: with pinned host memory in front of it, never. Mapping takes the pinned
 * buffer away again, but not in favour of repacking. */
static bool host_repacks(const struct pls_place_scene *s)
{
    return !s->pinned_host && !s->ask->no_repack;
}

static void host_add(const struct pls_place_scene *s, struct host_weights *h,
                     const struct pls_weight_group *g)
{
    h->bytes = pls_add(h->bytes, g->host_bytes);
    h->repacked = pls_add(h->repacked, host_repacks(s) ? g->repack_bytes : 0);
}

static void group_put(const struct pls_place_scene *s, struct pls_place_bytes *b, struct host_weights *h,
                      const struct pls_weight_group *g, uint8_t at)
{
    if (at == PLS_ON_HOST) {
        host_add(s, h, g);
        return;
    }
    struct pls_bytes *d = &b->device[at - 1];
    d->weights = pls_add(d->weights, g->device_bytes[pls_rule_class(s->devices[at - 1].rule)]);
}

/* The table as output matrix: shared with the table on the host when both come to lie in the same kind of
 * buffer. */
static void put_tied(const struct pls_place_scene *s, struct pls_place_bytes *b, struct host_weights *h,
                     uint8_t at)
{
    const struct pls_layout *l = s->layout;
    if (s->engine != PLS_ENGINE_LLAMA_CPP) {
        return; /* one array serves both */
    }
    bool repacked = host_repacks(s) && l->tied.repack_bytes != 0;
    bool twice = repacked || (l->output_before_input && !s->mapped);
    if (at != PLS_ON_HOST || twice) {
        group_put(s, b, h, &l->tied, at);
    }
}

static void put_layers(const struct pls_place_scene *s, const struct pls_split *split,
                       struct pls_place_bytes *b, struct host_weights *h)
{
    struct pls_run dense = layers_at(s, split, PLS_ON_HOST), experts = experts_at(s, split, PLS_ON_HOST);
    h->bytes = pls_add(h->bytes, pls_run_host(s->sums, dense, experts));
    h->repacked = pls_add(h->repacked, host_repacks(s) ? pls_run_repack(s->sums, dense, experts) : 0);
    for (uint32_t d = 0; d < s->n_devices; d++) {
        uint32_t class = pls_rule_class(s->devices[d].rule);
        uint64_t bytes =
            pls_run_device(s->sums, class, layers_at(s, split, d + 1), experts_at(s, split, d + 1));
        b->device[d].weights = pls_add(b->device[d].weights, bytes);
    }
}

static void put_weights(const struct pls_place_scene *s, const struct pls_split *split,
                        struct pls_place_bytes *b)
{
    const struct pls_layout *l = s->layout;
    struct host_weights h = { 0, 0 };
    /* llama.cpp looks rows up on the host; MLX and vLLM keep the table with the first layer. */
    group_put(s, b, &h, &l->input, s->engine == PLS_ENGINE_LLAMA_CPP ? PLS_ON_HOST : split->at[0]);
    put_layers(s, split, b, &h);
    group_put(s, b, &h, &l->output, split->at[split->n_blocks]);
    put_tied(s, b, &h, split->at[split->n_blocks]);
    for (uint8_t at = 0; at <= s->n_devices; at++) {
        struct pls_run layers = layers_at(s, split, at);
        if (layers.from < layers.to) {
            group_put(s, b, &h, &l->per_side, at);
        }
    }
    b->repacked_bytes = h.repacked;
    b->host.weights = h.bytes;
    b->host.mapped = s->mapped ? pls_sub(h.bytes, h.repacked) : 0;
    for (uint32_t d = 0; d < s->n_devices; d++) {
        bool metal = s->devices[d].backend == PLS_BACKEND_METAL;
        b->device[d].mapped = s->mapped && metal ? b->device[d].weights : 0;
    }
}

/* ---- cache and state ---- */

static void put_cache(const struct pls_place_scene *s, const struct pls_setting *setting,
                      const struct pls_split *split, struct pls_place_bytes *b)
{
    uint32_t class = pls_rule_class(pls_buffer_rule(PLS_BACKEND_CPU));
    pls_layer_sums_set(s, setting);
    struct pls_run all = { 0, s->sums->n_layers };
    struct pls_run here = s->ask->no_kv_offload ? all : layers_at(s, split, PLS_ON_HOST);
    struct pls_cache_bytes bytes = pls_run_cache(s->sums, class, here);
    b->host.kv = bytes.kv;
    b->host.state = bytes.state;
    for (uint32_t d = 0; d < s->n_devices && !s->ask->no_kv_offload; d++) {
        class = pls_rule_class(s->devices[d].rule);
        bytes = pls_run_cache(s->sums, class, layers_at(s, split, d + 1));
        b->device[d].kv = bytes.kv;
        b->device[d].state = bytes.state;
    }
}

/* ---- compute buffers ---- */

static uint8_t where_of(const struct pls_place_scene *s, const struct pls_split *split, uint32_t tensor)
{
    const struct pls_layout *l = s->layout;
    int16_t layer = l->layer[tensor];
    uint8_t at = PLS_ON_HOST;
    switch ((enum pls_weight_role)l->role[tensor]) {
    case PLS_ROLE_INPUT:
    case PLS_ROLE_SKIPPED:
        return PLS_WHERE_HOST;
    case PLS_ROLE_OUTPUT:
    case PLS_ROLE_PER_SIDE:
        at = split->at[split->n_blocks];
        break;
    case PLS_ROLE_EXPERT:
        at = (uint32_t)layer < split->cpu_moe_layers ? PLS_ON_HOST : split->at[layer];
        break;
    case PLS_ROLE_LAYER:
        at = split->at[layer];
        break;
    }
    if (at != PLS_ON_HOST) {
        return (uint8_t)(PLS_WHERE_DEVICE + at - 1);
    }
    return host_repacks(s) && l->repacks[tensor] != 0 ? PLS_WHERE_REPACKED : PLS_WHERE_HOST;
}

/* What a large batch would copy from the host to a device, at most at a time. */
static uint64_t copied_bytes(const struct pls_place_scene *s, const struct pls_split *split)
{
    const struct pls_layout *l = s->layout;
    bool plain_only = host_repacks(s);
#define LARGEST(group) (plain_only ? (group).largest_plain_bytes : (group).largest_bytes)
    uint64_t largest = l->host_only_bytes;
    for (uint32_t i = 0; i < l->cache.n_layers; i++) {
        if (split->at[i] == PLS_ON_HOST) {
            largest = pls_max(largest, LARGEST(l->layers[i].dense));
        }
        if (split->at[i] == PLS_ON_HOST || i < split->cpu_moe_layers) {
            largest = pls_max(largest, LARGEST(l->layers[i].experts));
        }
    }
    if (split->at[split->n_blocks] == PLS_ON_HOST) {
        largest = pls_max(largest, pls_max(LARGEST(l->output), LARGEST(l->per_side)));
        largest = pls_max(largest, l->model->card.tied ? l->embed_bytes : 0);
    }
#undef LARGEST
    return largest;
}

/* No matrix lies beside the devices (or there are none): the replay does not look at any weight then, nor at
 * its type. */
static bool ignores_weights(const struct pls_place_scene *s, const struct pls_split *split)
{
    bool whole =
        split->gpu_layers > split->n_blocks && split->cpu_moe_layers == 0 && s->layout->host_only_bytes == 0;
    return s->n_devices == 0 || whole;
}

static void replay(const struct pls_place_scene *s, const struct pls_split *split,
                   struct pls_compute_ask *ask, struct pls_compute *out)
{
    size_t mark = s->scratch->used;
    struct pls_replays *shared = ignores_weights(s, split) ? s->layout->replays : NULL;
    const struct pls_compute *known = pls_replays_find(shared, ask);
    if (known != NULL) {
        *out = *known;
        return;
    }
    uint8_t *where = pls_arena_room(s->scratch, s->layout->tensors.n + 1, sizeof(*where));
    if (where != NULL) {
        for (uint32_t i = 0; i < s->layout->tensors.n; i++) {
            where[i] = where_of(s, split, i);
        }
        ask->weights = &s->layout->tensors;
        ask->where = where;
    }
    pls_compute_buffers(ask, s->scratch, out);
    pls_replays_keep(shared, ask, out);
    pls_arena_reset(s->scratch, mark);
}

static void ask_compute(const struct pls_place_scene *s, const struct pls_setting *setting,
                        const struct pls_split *split, bool quick, struct pls_compute *out)
{
    struct pls_compute_ask ask;
    memset(&ask, 0, sizeof(ask));
    ask.card = &s->layout->model->card;
    ask.kinds = s->kinds;
    ask.setting = setting;
    ask.n_devices = s->n_devices;
    for (uint32_t d = 0; d < s->n_devices; d++) {
        ask.device[d] = s->devices[d].backend;
    }
    memcpy(ask.layer_at, split->at, sizeof(ask.layer_at));
    ask.kv_on_host = s->ask->no_kv_offload;
    /* a quantized V cache turns "auto" into "on" for good */
    ask.flash_auto = s->ask->flash_attention == PLS_AUTO && !pls_type_is_quantized(setting->type_v);
    if (quick) {
        ask.copied_bytes = copied_bytes(s, split);
        pls_compute_estimate(&ask, out);
    } else {
        replay(s, split, &ask, out);
    }
}

/* The question as far as it changes within one scene. */
static struct pls_compute_memo memo_key(const struct pls_place_scene *s, const struct pls_setting *setting,
                                        const struct pls_split *split)
{
    struct pls_compute_memo key;
    memset(&key, 0, sizeof(key));
    key.is_set = true;
    key.flash_attention = setting->flash_attention;
    key.n_ctx = setting->n_ctx;
    key.n_devices = s->n_devices;
    key.gpu_layers = split->gpu_layers;
    key.cpu_moe_layers = split->cpu_moe_layers;
    memcpy(key.counts, s->counts, sizeof(key.counts));
    return key;
}

static const struct pls_compute *recall(const struct pls_place_scene *s, const struct pls_compute_memo *key)
{
    for (uint32_t i = 0; i < PLS_MEMOS && s->memos != NULL; i++) {
        if (memcmp(&s->memos[i], key, offsetof(struct pls_compute_memo, compute)) == 0) {
            return &s->memos[i].compute;
        }
    }
    return NULL;
}

static void put_compute(const struct pls_place_scene *s, const struct pls_setting *setting,
                        const struct pls_split *split, bool quick, struct pls_place_bytes *b)
{
    struct pls_compute_memo key = memo_key(s, setting, split);
    const struct pls_compute *known = recall(s, &key);
    if (known != NULL) {
        b->compute = *known;
    } else {
        ask_compute(s, setting, split, quick, &b->compute);
    }
    if (known == NULL && !quick && s->memos != NULL) {
        memmove(&s->memos[1], &s->memos[0], sizeof(s->memos[0]) * (PLS_MEMOS - 1));
        key.compute = b->compute;
        s->memos[0] = key;
    }
    b->host.compute = b->compute.host_bytes;
    for (uint32_t d = 0; d < s->n_devices; d++) {
        b->device[d].compute = b->compute.device_bytes[d];
    }
}

/* ---- all of it ---- */

/* What vLLM takes of a GPU at start, and all it may use; 0 for runtimes that take what they need. */
static uint64_t device_share(const struct pls_place_scene *s, uint32_t d)
{
    uint32_t pct = pls_runtime_profile(s->ask->runtime)->memory_share_pct;
    return s->machine->pools[s->devices[d].pool].capacity_bytes / 100 * pct;
}

/* What the model leaves of that share is filled with cache pages. */
static void take_share(const struct pls_place_scene *s, struct pls_place_bytes *b)
{
    for (uint32_t d = 0; d < s->n_devices; d++) {
        uint64_t rest = pls_sub(device_share(s, d), b->device[d].total);
        b->device[d].overhead = pls_add(b->device[d].overhead, rest);
        b->spare[d] = rest;
    }
}

void pls_place_measure(const struct pls_place_scene *scene, const struct pls_setting *setting,
                       const struct pls_split *split, bool quick, struct pls_place_bytes *out)
{
    memset(out, 0, sizeof(*out));
    put_weights(scene, split, out);
    put_cache(scene, setting, split, out);
    put_compute(scene, setting, split, quick, out);
    out->host.output = pls_compute_output_bytes(&scene->layout->model->card, setting);
    out->host.overhead = scene->host_overhead_bytes;
    if (scene->n_devices != 0) {
        out->device[0].projector = scene->projector_bytes;
    } else {
        out->host.projector = scene->projector_bytes;
    }
    pls_bytes_sum(&out->host);
    for (uint32_t d = 0; d < scene->n_devices; d++) {
        out->device[d].overhead = scene->devices[d].overhead_bytes;
        pls_bytes_sum(&out->device[d]);
    }
    take_share(scene, out);
    for (uint32_t d = 0; d < scene->n_devices; d++) {
        pls_bytes_sum(&out->device[d]);
    }
}

static int64_t margin(uint64_t budget, uint64_t used)
{
    if (used == PLS_SATURATED || used > INT64_MAX) {
        return INT64_MIN;
    }
    return (int64_t)pls_min(budget, INT64_MAX) - (int64_t)used;
}

/* A runtime that fills its share leaves nothing of the budget, but room for more cache in the share. */
int64_t pls_place_device_margin(const struct pls_place_scene *scene, const struct pls_place_bytes *b,
                                uint32_t device)
{
    uint64_t budget = scene->machine->pools[scene->devices[device].pool].budget_bytes;
    uint64_t share = device_share(scene, device);
    uint64_t total = b->device[device].total;
    return share != 0 && share <= budget ? margin(share, pls_sub(total, b->spare[device]))
                                         : margin(budget, total);
}

int64_t pls_place_host_margin(const struct pls_place_scene *scene, const struct pls_place_bytes *b)
{
    uint64_t used = b->host.total;
    for (uint32_t d = 0; d < scene->n_devices; d++) {
        if (scene->machine->pools[scene->devices[d].pool].within == 0) {
            used = pls_add(used, b->device[d].total);
        }
    }
    return margin(scene->machine->pools[0].budget_bytes, used);
}

bool pls_place_devices_fit(const struct pls_place_scene *scene, const struct pls_place_bytes *b)
{
    for (uint32_t d = 0; d < scene->n_devices; d++) {
        if (pls_place_device_margin(scene, b, d) < 0) {
            return false;
        }
    }
    return true;
}

bool pls_place_fits(const struct pls_place_scene *scene, const struct pls_place_bytes *b)
{
    return pls_place_devices_fit(scene, b) && pls_place_host_margin(scene, b) >= 0;
}
