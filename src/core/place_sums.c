/* Running sums over layers. A split is a few runs of consecutive layers, and dozens of splits are tried for
 * one configuration: with these a run is one difference instead of a walk. */
#include "place.h"

#include <string.h>

/* All that follow a saturated sum are saturated, too: a run that ends there does not fit, and need not. */
static uint64_t run(const uint64_t *sums, uint32_t from, uint32_t to)
{
    return to <= from ? 0 : sums[to] == PLS_SATURATED ? PLS_SATURATED : sums[to] - sums[from];
}

static bool is_used(const struct pls_place_scene *s, uint32_t class)
{
    bool used = class == pls_rule_class(pls_buffer_rule(PLS_BACKEND_CPU));
    for (uint32_t d = 0; d < s->n_devices; d++) {
        used |= class == pls_rule_class(s->devices[d].rule);
    }
    return used;
}

static void sum_group(const struct pls_weight_group *g, struct pls_group_sums *to, uint32_t i)
{
    to->host[i + 1] = pls_add(to->host[i], g->host_bytes);
    to->repack[i + 1] = pls_add(to->repack[i], g->repack_bytes);
    for (uint32_t c = 0; c < PLS_RULE_CLASSES; c++) {
        to->device[c][i + 1] = pls_add(to->device[c][i], g->device_bytes[c]);
    }
}

static void start(struct pls_group_sums *sums)
{
    sums->host[0] = sums->repack[0] = 0;
    for (uint32_t c = 0; c < PLS_RULE_CLASSES; c++) {
        sums->device[c][0] = 0;
    }
}

struct pls_layer_sums *pls_layer_sums_new(const struct pls_layout *layout, struct pls_arena *arena)
{
    struct pls_layer_sums *sums = pls_arena_room(arena, 1, sizeof(*sums));
    if (sums == NULL) {
        return NULL;
    }
    sums->has_setting = false;
    sums->n_layers = layout->cache.n_layers;
    start(&sums->dense);
    start(&sums->experts);
    for (uint32_t i = 0; i < sums->n_layers; i++) {
        sum_group(&layout->layers[i].dense, &sums->dense, i);
        sum_group(&layout->layers[i].experts, &sums->experts, i);
    }
    return sums;
}

static void sum_cache(const struct pls_cache_shape *shape, const struct pls_setting *setting, uint32_t class,
                      struct pls_layer_sums *to)
{
    const struct pls_buffer_rule rule = pls_rule_of_class(class);
    struct pls_cache_bytes one = { 0, 0 };
    to->kv[class][0] = to->state[class][0] = 0;
    for (uint32_t i = 0; i < shape->n_layers; i++) {
        const struct pls_cache_layer *layer = &shape->layers[i];
        /* unlike padding costs time alone; NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) */
        if (i == 0 || memcmp(layer, layer - 1, sizeof(*layer)) != 0) { /* most are like the one before */
            one = pls_size_kv_layer(shape, i, setting, rule);
        }
        to->kv[class][i + 1] = pls_add(to->kv[class][i], one.kv);
        to->state[class][i + 1] = pls_add(to->state[class][i], one.state);
    }
}

void pls_layer_sums_set(const struct pls_place_scene *scene, const struct pls_setting *setting)
{
    struct pls_layer_sums *sums = scene->sums;
    /* unlike padding costs time alone; NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) */
    if (sums->has_setting && memcmp(&sums->setting, setting, sizeof(*setting)) == 0) {
        return;
    }
    sums->has_setting = true;
    sums->setting = *setting;
    for (uint32_t c = 0; c < PLS_RULE_CLASSES; c++) {
        if (is_used(scene, c)) {
            sum_cache(&scene->layout->cache, setting, c, sums);
        }
    }
}

uint64_t pls_run_host(const struct pls_layer_sums *sums, struct pls_run dense, struct pls_run experts)
{
    return pls_add(run(sums->dense.host, dense.from, dense.to),
                   run(sums->experts.host, experts.from, experts.to));
}

uint64_t pls_run_repack(const struct pls_layer_sums *sums, struct pls_run dense, struct pls_run experts)
{
    return pls_add(run(sums->dense.repack, dense.from, dense.to),
                   run(sums->experts.repack, experts.from, experts.to));
}

uint64_t pls_run_device(const struct pls_layer_sums *sums, uint32_t class, struct pls_run dense,
                        struct pls_run experts)
{
    return pls_add(run(sums->dense.device[class], dense.from, dense.to),
                   run(sums->experts.device[class], experts.from, experts.to));
}

struct pls_cache_bytes pls_run_cache(const struct pls_layer_sums *sums, uint32_t class, struct pls_run layers)
{
    return (struct pls_cache_bytes){ run(sums->kv[class], layers.from, layers.to),
                                     run(sums->state[class], layers.from, layers.to) };
}
