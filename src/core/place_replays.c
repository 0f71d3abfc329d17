/* Replayed compute buffers of one model, kept from one quant to the next. */
#include "place.h"

#include <string.h>

/* as many contexts and cache types as are asked of one model in turn; the oldest goes first */
enum { KEPT = 64 };

struct replayed {
    struct pls_compute_ask ask; /* without its pointers */
    struct pls_setting setting;
    struct pls_compute compute;
};

struct pls_replays {
    uint32_t n, next;
    struct replayed kept[KEPT];
};

struct pls_replays *pls_replays_new(struct pls_arena *arena)
{
    struct pls_replays *replays = pls_arena_room(arena, 1, sizeof(*replays));
    if (replays != NULL) {
        replays->n = replays->next = 0;
    }
    return replays;
}

static bool is_same_setting(const struct pls_setting *a, const struct pls_setting *b)
{
    return a->engine == b->engine && a->n_ctx == b->n_ctx && a->n_ctx_seq == b->n_ctx_seq
           && a->n_cells_swa == b->n_cells_swa && a->n_seq == b->n_seq && a->n_streams == b->n_streams
           && a->n_batch == b->n_batch && a->n_ubatch == b->n_ubatch && a->n_outputs == b->n_outputs
           && a->kv_unified == b->kv_unified && a->flash_attention == b->flash_attention
           && a->v_transposed == b->v_transposed && a->type_k == b->type_k && a->type_v == b->type_v;
}

static bool is_same_place(const struct pls_compute_ask *a, const struct pls_compute_ask *b)
{
    return a->n_devices == b->n_devices && a->flash_auto == b->flash_auto && a->kv_on_host == b->kv_on_host
           && memcmp(a->device, b->device, sizeof(a->device)) == 0
           && memcmp(a->layer_at, b->layer_at, sizeof(a->layer_at)) == 0;
}

const struct pls_compute *pls_replays_find(const struct pls_replays *replays,
                                           const struct pls_compute_ask *ask)
{
    for (uint32_t i = 0; replays != NULL && i < replays->n; i++) {
        const struct replayed *r = &replays->kept[i];
        if (is_same_setting(&r->setting, ask->setting) && is_same_place(&r->ask, ask)) {
            return &r->compute;
        }
    }
    return NULL;
}

void pls_replays_keep(struct pls_replays *replays, const struct pls_compute_ask *ask,
                      const struct pls_compute *answer)
{
    if (replays == NULL) {
        return;
    }
    struct replayed *r = &replays->kept[replays->next];
    r->ask = *ask;
    r->ask.setting = NULL;
    r->ask.weights = NULL;
    r->ask.where = NULL;
    r->ask.kinds = NULL;
    r->setting = *ask->setting;
    r->compute = *answer;
    replays->next = (replays->next + 1) % KEPT;
    replays->n = replays->n < KEPT ? replays->n + 1 : KEPT;
}
