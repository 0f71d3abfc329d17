/* Several GPUs: when layers shared out by memory overflow one device, count them out so that each carries
 * what it can.
 *
 * The engine's own fit does the same by trial; here the cost of a layer on each device is known. Devices are
 * filled in order to an equal fraction of what their fixed costs leave, first the fraction that is needed,
 * then more. */
#include "place.h"

#include <string.h>

/* One block on a device; the scene's sums are of the setting in question. */
static uint64_t block_bytes(const struct pls_place_scene *s, const struct pls_split *split, uint32_t i,
                            uint32_t class)
{
    const struct pls_layout *l = s->layout;
    if (i == split->n_blocks) {
        return pls_add(l->output.device_bytes[class], l->tied.device_bytes[class]);
    }
    struct pls_run one = { i, i + 1 }, none = { i, i };
    uint64_t bytes = pls_run_device(s->sums, class, one, i < split->cpu_moe_layers ? none : one);
    if (!s->ask->no_kv_offload) {
        struct pls_cache_bytes cache = pls_run_cache(s->sums, class, one);
        bytes = pls_add(bytes, pls_add(cache.kv, cache.state));
    }
    return bytes;
}

/* What a device has left for layers: compute buffers, driver and projector are taken as measured. */
static uint64_t room_of(const struct pls_place_scene *s, const struct pls_place_bytes *b, uint32_t d)
{
    const struct pls_bytes *bytes = &b->device[d];
    uint64_t fixed = pls_add(bytes->compute, pls_add(bytes->overhead, bytes->projector));
    fixed = pls_add(fixed, s->devices[d].reserve_bytes);
    return pls_sub(s->machine->pools[s->devices[d].pool].budget_bytes, fixed);
}

struct loading {
    const struct pls_place_scene *scene;
    const struct pls_split *split;
    uint64_t room[PLS_MAX_GPUS];
};

/* Counts the offloaded blocks into devices filled up to `fraction` of their room; false when some are left
 * over. */
static bool count_out(const struct loading *load, double fraction, uint16_t counts[])
{
    const struct pls_place_scene *s = load->scene;
    const struct pls_split *split = load->split;
    uint32_t d = 0;
    uint64_t used = 0;
    memset(counts, 0, sizeof(counts[0]) * PLS_MAX_GPUS);
    for (uint32_t i = split->n_blocks + 1 - split->gpu_layers; i <= split->n_blocks; i++) {
        uint64_t one = block_bytes(s, split, i, pls_rule_class(s->devices[d].rule));
        while ((double)pls_add(used, one) > (double)load->room[d] * fraction) {
            if (++d == s->n_devices) {
                return false;
            }
            used = 0;
            one = block_bytes(s, split, i, pls_rule_class(s->devices[d].rule));
        }
        used = pls_add(used, one);
        counts[d]++;
    }
    return true;
}

bool pls_place_balance(const struct pls_place_scene *scene, const struct pls_setting *setting,
                       const struct pls_split *split, const struct pls_place_bytes *bytes, uint16_t counts[])
{
    struct loading load = { scene, split, { 0 } };
    pls_layer_sums_set(scene, setting);
    double have = 0;
    double need = 0;
    for (uint32_t d = 0; d < scene->n_devices; d++) {
        load.room[d] = room_of(scene, bytes, d);
        have += (double)load.room[d];
        const struct pls_bytes *on = &bytes->device[d];
        need += (double)pls_add(on->weights, pls_add(on->kv, on->state));
    }
    if (have <= 0 || need > have) {
        return false;
    }
    /* how many steps does not matter; NOLINTNEXTLINE(clang-analyzer-security.FloatLoopCounter) */
    for (double fraction = need / have; fraction < 1.0; fraction += 0.02) {
        if (count_out(&load, fraction, counts)) {
            return true;
        }
    }
    return count_out(&load, 1.0, counts);
}

void pls_place_share_by_counts(struct pls_place_scene *scene, const uint16_t counts[])
{
    uint32_t sum = 0;
    float running = 0;
    for (uint32_t d = 0; d < scene->n_devices; d++) {
        sum += counts[d];
    }
    for (uint32_t d = 0; d < scene->n_devices; d++) {
        running += (float)counts[d];
        scene->devices[d].share = sum != 0 ? running / (float)sum : 1;
        scene->counts[d] = counts[d];
    }
}
