/* Capacity is not what a model may fill. This file is the policy between the two; the numbers stand in
 * pls_budget_policy_default() and nowhere else.
 *
 *     room   = capacity - headroom of the system        (with from_free: free - a small margin)
 *     room   = min(room, every limit)                   (with from_free, less what its group uses already)
 *     budget = room - reserve                           (the reserve is for services that share the RAM)
 *
 * Physical limits (huge pages, forbidden NUMA nodes) come off the capacity before the headroom.
 *
 * A pool inside RAM never has a larger budget than RAM itself; that both together may hold no more than RAM
 * is for placement to keep, through `within`.
 *
 * Where the headrooms come from: a Debian 12 server idles at 0.3 to 0.6 GiB and one with a GNOME session and
 * a browser at 3 to 4 GiB; macOS keeps a bit over 3 GiB wired and compressed after login on machines of 16
 * GiB; kernel tables (page structs, 1.6 %) and page cache that pays for itself grow with memory, hence
 * shares; above the caps nobody has shown a need. They are assumptions, so --reserve and --free exist. The
 * margin of a GPU covers display-less driver allocations that NVML counts as reserved; the desktop's share a
 * compositor and a browser at 4K (0.5 to 1 GiB). The context of the engine itself is not here: it belongs to
 * the footprint.
 */
#include "plimsoll/machine.h"

#include "plimsoll/text.h"

struct pls_budget_policy pls_budget_policy_default(void)
{
    return (struct pls_budget_policy){
        .os =
            {
                [PLS_HOST_SERVER] = {768 * PLS_MIB, 0.04, 8 * PLS_GIB},
                [PLS_HOST_DESKTOP] = {2 * PLS_GIB, 0.08, 8 * PLS_GIB},
                [PLS_HOST_MACOS] = {3 * PLS_GIB, 0.10, 16 * PLS_GIB},
                [PLS_HOST_WINDOWS] = {4 * PLS_GIB, 0.10, 16 * PLS_GIB},
            },
        .free_margin_bytes = 256 * PLS_MIB,
        .gpu_margin_bytes = 256 * PLS_MIB,
        .gpu_desktop_bytes = 768 * PLS_MIB,
    };
}

enum pls_host pls_machine_host(const struct pls_machine *m)
{
    if (pls_text_equal(m->os, "macos")) {
        return PLS_HOST_MACOS;
    }
    if (pls_text_equal(m->os, "windows")) {
        return PLS_HOST_WINDOWS;
    }
    return m->has_desktop && !m->is_wsl ? PLS_HOST_DESKTOP : PLS_HOST_SERVER;
}

/* On very small machines the floor would leave nothing: the system gets half at most. */
static uint64_t os_headroom(const struct pls_headroom *h, uint64_t capacity_bytes)
{
    uint64_t share = (uint64_t)((double)capacity_bytes * h->share);
    return pls_min(pls_min(pls_max(h->min_bytes, share), h->max_bytes), capacity_bytes / 2);
}

static uint64_t headroom(const struct pls_machine *m, const struct pls_pool *pool,
                         const struct pls_budget_policy *policy)
{
    const struct pls_headroom *os = &policy->os[pls_machine_host(m)];
    bool from_free = policy->from_free && pool->free_bytes > 0;
    switch (pool->kind) {
    case PLS_POOL_RAM:
        return from_free ? policy->free_margin_bytes : os_headroom(os, pool->capacity_bytes);
    case PLS_POOL_VRAM: {
        bool display = !from_free && pool->gpu >= 0 && m->gpus[pool->gpu].has_display;
        return policy->gpu_margin_bytes + (display ? policy->gpu_desktop_bytes : 0);
    }
    case PLS_POOL_UNIFIED:
    case PLS_POOL_SHARED:
        return 0; /* taken from RAM, once */
    }
    return 0;
}

/* The codes of notes written here, so that applying again replaces them. */
static bool is_ours(const struct pls_machine *m, const char *code)
{
    if (pls_text_equal(code, "in-use") || pls_text_equal(code, "free-unknown")) {
        return true;
    }
    for (uint32_t p = 0; p < m->n_pools; p++) {
        for (uint32_t i = 0; i < m->pools[p].n_limits; i++) {
            if (pls_text_equal(code, m->pools[p].limits[i].code)) {
                return true;
            }
        }
    }
    return false;
}

static void drop_our_notes(struct pls_machine *m)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < m->n_notes; i++) {
        if (!is_ours(m, m->notes[i].code)) {
            m->notes[kept++] = m->notes[i];
        }
    }
    m->n_notes = kept;
}

static void note_limit(struct pls_machine *m, const struct pls_pool *pool, const struct pls_limit *limit,
                       uint64_t cap)
{
    char bytes[32];
    char capacity[32];
    struct pls_text b = PLS_TEXT(bytes);
    struct pls_text c = PLS_TEXT(capacity);
    pls_text_bytes(&b, cap);
    pls_text_bytes(&c, pool->capacity_bytes);
    pls_machine_note(m, limit->code, "%s is capped at %s of %s by %s", pool->id, bytes, capacity,
                     limit->path);
}

static void note_in_use(struct pls_machine *m, const struct pls_pool *pool)
{
    char budget[32];
    char left[32];
    struct pls_text b = PLS_TEXT(budget);
    struct pls_text f = PLS_TEXT(left);
    pls_text_bytes(&b, pool->budget_bytes);
    pls_text_bytes(&f, pool->free_bytes);
    pls_machine_note(
        m, "in-use",
        "%s: only %s of the budget of %s is free now, other programs hold the rest; --free counts on "
        "nothing being given back",
        pool->id, left, budget);
}

/* What there is to share out, before anybody's headroom. */
static uint64_t base_bytes(const struct pls_pool *pool, bool from_free)
{
    uint64_t base = from_free ? pool->free_bytes : pool->capacity_bytes;
    for (uint32_t i = 0; i < pool->n_limits; i++) {
        base = pool->limits[i].is_physical ? pls_min(base, pool->limits[i].bytes) : base;
    }
    return base;
}

/* The least of the limits below room: its cap, and which it is. A physical one is named when nothing else
 * bites. */
static const struct pls_limit *tightest(const struct pls_pool *pool, bool from_free, uint64_t *room)
{
    const struct pls_limit *biting = NULL;
    for (uint32_t i = 0; i < pool->n_limits; i++) {
        const struct pls_limit *limit = &pool->limits[i];
        uint64_t cap = from_free ? pls_sub(limit->bytes, limit->used_bytes) : limit->bytes;
        bool notable = limit->bytes < pool->capacity_bytes - pool->capacity_bytes / 20;
        if (limit->is_physical ? biting == NULL && notable : cap < *room) {
            biting = limit;
            *room = pls_min(*room, cap);
        }
    }
    return biting;
}

static void apply(struct pls_machine *m, struct pls_pool *pool, const struct pls_budget_policy *policy)
{
    bool from_free = policy->from_free && pool->free_bytes > 0;
    uint64_t reserve = pool->kind == PLS_POOL_RAM ? policy->reserve_bytes : 0;
    uint64_t head = headroom(m, pool, policy);
    uint64_t room = pls_sub(base_bytes(pool, from_free), head);
    const struct pls_limit *biting = tightest(pool, from_free, &room);
    pool->reserved_bytes = pls_min(pls_add(head, reserve), pool->capacity_bytes);
    pool->budget_bytes = pls_sub(room, reserve);
    if (pool->within >= 0 && (uint32_t)pool->within < m->n_pools) {
        pool->budget_bytes = pls_min(pool->budget_bytes, m->pools[pool->within].budget_bytes);
    }
    if (biting != NULL) {
        note_limit(m, pool, biting, biting->is_physical ? biting->bytes : room);
    }
    if (policy->from_free && !from_free) {
        pls_machine_note(m, "free-unknown",
                         "%s: what is free could not be read; the budget starts from the whole of it",
                         pool->id);
    } else if (!from_free && pool->within < 0 && pool->free_bytes > 0
               && pool->free_bytes < pool->budget_bytes - pool->budget_bytes / 10) {
        note_in_use(m, pool);
    }
}

void pls_budget_apply(struct pls_machine *m, const struct pls_budget_policy *policy)
{
    drop_our_notes(m);
    for (uint32_t p = 0; p < m->n_pools; p++) {
        apply(m, &m->pools[p], policy);
    }
}
