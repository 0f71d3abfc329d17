/* Tokens per second from bytes read per token and the rate of the pool they are read from. */
#include <math.h>

#include "plimsoll/plan.h"

/* Share of a pool's bandwidth that decoding reaches when nothing of the kernels is known, and its spread: over 1,774 published
 * llama-bench rows a constant 0.55 of bytes over bandwidth has a median error of 27% and a p90 of 82%. */
static const double UNKNOWN_EFFICIENCY = 0.55;
static const double UNKNOWN_LOW = 0.55;
static const double UNKNOWN_HIGH = 1.6;

static double share_seconds(const struct pls_machine *machine, const struct pls_rates *rates, const struct pls_share *s,
                            uint64_t depth)
{
    const struct pls_pool *pool = &machine->pools[s->pool];
    double gbs = pool->kind == PLS_POOL_RAM && rates->ram_gbs > 0 ? rates->ram_gbs : pool->bandwidth_gbs;
    double bytes = (double)s->traffic.kv_fixed + (double)s->traffic.kv_per_token * (double)depth;
    for (size_t i = 0; i < PLS_TYPE_COUNT; i++) {
        bytes += (double)s->traffic.weights_by_type[i];
    }
    if (bytes <= 0) {
        return 0;
    }
    return gbs > 0 ? bytes / (gbs * 1e9 * UNKNOWN_EFFICIENCY) : (double)NAN;
}

void pls_speed_predict(const struct pls_card *card, const struct pls_machine *machine, const struct pls_rates *rates,
                       struct pls_plan *plan)
{
    (void)card;
    struct pls_speed *out = &plan->speed;
    double seconds = 0;
    enum pls_origin origin = PLS_ORIGIN_ASSUMED;
    for (uint32_t i = 0; i < plan->n_shares; i++) {
        seconds += share_seconds(machine, rates, &plan->shares[i], plan->ask.depth_tokens);
    }
    *out = (struct pls_speed){ .at_context_tokens = plan->ask.depth_tokens, .bound = PLS_BOUND_MEMORY };
    if (isnan(seconds) || seconds <= 0) {
        return;
    }
    out->origin = origin;
    out->decode_tps = 1 / seconds;
    out->decode_low_tps = out->decode_tps * UNKNOWN_LOW;
    out->decode_high_tps = out->decode_tps * UNKNOWN_HIGH;
}

const char *pls_bound_name(enum pls_bound bound)
{
    static const char *const names[] = { "memory", "compute", "overhead", "link" };
    return (size_t)bound < PLS_COUNT_OF(names) ? names[bound] : names[0];
}
