/* Tokens per second of a plan: the times of its shares add up, because layers run one after the other wherever they
 * lie. Intervals widen with the weakest part, weighted by its time. */
#include <math.h>

#include "plimsoll/speed.h"

uint64_t pls_traffic_cache_bytes(const struct pls_traffic *t, uint64_t depth_tokens)
{
    uint64_t sliding = pls_mul(t->kv_sliding_per_token, pls_min(depth_tokens, t->window_tokens));
    return pls_add(t->kv_fixed, pls_add(sliding, pls_mul(t->kv_per_token, depth_tokens)));
}

struct sum {
    double seconds;
    double log_spread; /* sum of seconds * log(spread) */
    double longest;
    enum pls_bound bound;
    enum pls_origin origin;
};

static void add(struct sum *sum, struct pls_gpu_time t, enum pls_origin origin)
{
    sum->seconds += t.seconds;
    sum->log_spread += t.seconds * log(t.spread);
    sum->origin = origin < sum->origin ? origin : sum->origin;
    if (t.seconds > sum->longest) {
        sum->longest = t.seconds;
        sum->bound = t.bound;
    }
}

static bool has_work(const struct pls_share *s)
{
    return s->traffic.n_layers > 0 || s->traffic.active_params > 0;
}

static void add_share(const struct pls_machine *m, const struct pls_rates *rates, const struct pls_plan *plan,
                      const struct pls_share *s, struct sum sums[2])
{
    const struct pls_pool *pool = &m->pools[s->pool];
    uint64_t prompt = plan->ask.prompt_tokens > 0 ? plan->ask.prompt_tokens : 512;
    if (pool->gpu < 0) {
        struct pls_cpu_load load = { .machine = m, .rates = rates, .traffic = &s->traffic,
                                     .depth_tokens = plan->ask.depth_tokens, .prompt_tokens = prompt,
                                     .ubatch_tokens = plan->setting.n_ubatch, .n_threads = plan->ask.n_threads };
        enum pls_origin origin[2] = { PLS_ORIGIN_UNKNOWN, PLS_ORIGIN_UNKNOWN };
        struct pls_gpu_time decode = pls_cpu_decode(&load, &origin[0]);
        struct pls_gpu_time prefill = pls_cpu_prefill(&load, &origin[1]);
        add(&sums[0], decode, origin[0]);
        add(&sums[1], prefill, origin[1]);
        return;
    }
    const struct pls_gpu *gpu = &m->gpus[pool->gpu];
    struct pls_gpu_constants constants = pls_gpu_constants();
    bool is_mlx = plan->ask.runtime == PLS_RUNTIME_MLX;
    struct pls_gpu_load load = { .gpu = gpu, .bandwidth_gbs = pool->bandwidth_gbs, .traffic = &s->traffic,
                                 .depth_tokens = plan->ask.depth_tokens, .prompt_tokens = prompt,
                                 .ubatch_tokens = plan->setting.n_ubatch, .resident_bytes = s->bytes.weights,
                                 .flash_attention = plan->setting.flash_attention };
    load.backend = is_mlx ? PLS_BACKEND_MLX : plan->ask.backend != PLS_BACKEND_NONE ? plan->ask.backend : gpu->backend;
    add(&sums[0], pls_gpu_decode(&constants, &load), PLS_ORIGIN_TABLE);
    add(&sums[1], pls_gpu_prefill(&constants, &load), PLS_ORIGIN_TABLE);
}

void pls_speed_predict(const struct pls_card *card, const struct pls_machine *machine, const struct pls_rates *rates,
                       struct pls_plan *plan)
{
    (void)card;
    struct pls_speed *out = &plan->speed;
    struct sum sums[2] = { { .origin = PLS_ORIGIN_MEASURED }, { .origin = PLS_ORIGIN_MEASURED } };
    *out = (struct pls_speed){ .at_context_tokens = plan->ask.depth_tokens };
    for (uint32_t i = 0; i < plan->n_shares; i++) {
        if (has_work(&plan->shares[i])) {
            add_share(machine, rates, plan, &plan->shares[i], sums);
        }
    }
    double prompt = (double)(plan->ask.prompt_tokens > 0 ? plan->ask.prompt_tokens : 512);
    if (isfinite(sums[0].seconds) && sums[0].seconds > 0) {
        double spread = exp(sums[0].log_spread / sums[0].seconds);
        out->decode_tps = 1 / sums[0].seconds;
        out->decode_low_tps = out->decode_tps / spread;
        out->decode_high_tps = out->decode_tps * spread;
        out->bound = sums[0].bound;
        out->origin = sums[0].origin;
    }
    if (isfinite(sums[1].seconds) && sums[1].seconds > 0) {
        double spread = exp(sums[1].log_spread / sums[1].seconds);
        out->prefill_tps = prompt / sums[1].seconds;
        out->prefill_low_tps = out->prefill_tps / spread;
        out->prefill_high_tps = out->prefill_tps * spread;
        out->ttft_s = sums[1].seconds;
    }
}

const char *pls_bound_name(enum pls_bound bound)
{
    static const char *const names[] = { "memory", "compute", "overhead", "link" };
    return (size_t)bound < PLS_COUNT_OF(names) ? names[bound] : names[0];
}
