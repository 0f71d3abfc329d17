#include "probe/parts.h"

/* hwloc and cpufreq make a kind of every maximum frequency, so "favoured" cores of one design would count as
 * tiers. Tiers differ in design (core type), in scheduler capacity, or by more than a fifth in frequency (Zen
 * 5 at 5.1 GHz against Zen 5c at 3.3). */
static bool same_tier(const struct pls_core_kind *a, const struct pls_core_kind *b)
{
    if (a->design != 0 && b->design != 0 && a->design != b->design) {
        return false;
    }
    if (a->capacity > 0 && b->capacity > 0) {
        return 10 * pls_min(a->capacity, b->capacity) > 9 * pls_max(a->capacity, b->capacity);
    }
    return 5 * pls_min(a->max_khz, b->max_khz) >= 4 * pls_max(a->max_khz, b->max_khz);
}

static bool is_faster(const struct pls_core_kind *a, const struct pls_core_kind *b)
{
    if (a->design != b->design) {
        return a->design > b->design;
    }
    return a->capacity != b->capacity ? a->capacity > b->capacity : a->max_khz > b->max_khz;
}

void pls_tiers_make(struct pls_core_kind *kinds, uint32_t n, struct pls_topology *out)
{
    for (uint32_t i = 1; i < n; i++) {
        for (uint32_t j = i; j > 0 && is_faster(&kinds[j], &kinds[j - 1]); j--) {
            struct pls_core_kind swapped = kinds[j];
            kinds[j] = kinds[j - 1];
            kinds[j - 1] = swapped;
        }
    }
    out->n_tiers = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (out->n_tiers > 0 && same_tier(&kinds[i - 1], &kinds[i])) {
            out->tiers[out->n_tiers - 1].cores += kinds[i].cores;
        } else if (out->n_tiers < PLS_MAX_TIERS) {
            out->tiers[out->n_tiers++] = (struct pls_tier){ .cores = kinds[i].cores };
        }
    }
    /* Vendors disagree on words for three tiers; these say the order. */
    static const char *const two[] = { "Performance", "Efficiency" };
    static const char *const more[] = { "Performance", "Efficiency", "Low power", "Lowest power" };
    for (uint32_t i = 0; i < out->n_tiers; i++) {
        PLS_COPY(out->tiers[i].name, out->n_tiers == 2 ? two[i] : more[i]);
    }
    out->n_tiers = out->n_tiers > 1 ? out->n_tiers : 0;
}

void pls_tiers_count(struct pls_core_kind kinds[PLS_MAX_KINDS], uint32_t *n, const struct pls_core_kind *core)
{
    for (uint32_t i = 0; i < *n; i++) {
        if (kinds[i].design == core->design && kinds[i].capacity == core->capacity
            && kinds[i].max_khz == core->max_khz) {
            kinds[i].cores += core->cores;
            return;
        }
    }
    if (*n < PLS_MAX_KINDS) {
        kinds[(*n)++] = *core;
    }
}
