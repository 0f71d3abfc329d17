/* Tokens per second of a plan: the times of its shares add up, because layers run one after the other
 * wherever they lie. Intervals widen with the weakest part, weighted by its time. */
#include <math.h>

#include "plimsoll/speed.h"

/* Handing a token's activations to the next device: the copy is small, waiting for the queue is not. Assumed;
 * published runs over two to eight GPUs do not contradict it. */
static const double HOP_S = 30e-6;
/* Share of the link that weights reach when a large batch borrows them from RAM: the mapped file is not
 * pinned, so the driver copies it once more. Assumed. */
static const double LINK_SHARE = 0.6;
static const double LINK_SPREAD = 1.8;
/* Batches from here on send the products of layers in RAM to the GPU (llama.cpp 2026-08-22). */
static const uint32_t OFFLOAD_BATCH = 32;
/* Of the time that a perfect pipeline over several GPUs would save on a prompt: the median of 84 published
 * runs of two to sixteen micro-batches over two to eight NVIDIA GPUs, each against one micro-batch on the
 * same GPUs. It does not depend on either number. */
static const double PIPELINE_GAIN = 0.75;
static const uint64_t PROMPT_DEFAULT = 512;

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

static void add(struct sum *sum, struct pls_share_time t, enum pls_origin origin)
{
    sum->seconds += t.seconds;
    sum->log_spread += t.seconds * log(t.spread);
    sum->origin = origin < sum->origin ? origin : sum->origin;
    if (t.seconds > sum->longest) {
        sum->longest = t.seconds;
        sum->bound = t.bound;
    }
}

struct prediction {
    const struct pls_card *card;
    const struct pls_machine *machine;
    const struct pls_rates *rates;
    const struct pls_plan *plan;
    uint64_t prompt_tokens;
    struct sum decode, prefill;
    double slowest_s;       /* prefill of the slowest GPU: the pace of a pipeline */
    uint32_t n_gpus;        /* that have work */
    bool is_pipelined;
    bool skips_prefill;     /* decode alone is asked for */
};

static bool has_work(const struct pls_share *s)
{
    return s->traffic.n_layers > 0 || s->traffic.active_params > 0;
}

static enum pls_backend backend_of(const struct pls_plan *plan, const struct pls_gpu *gpu)
{
    return plan->ask.runtime == PLS_RUNTIME_MLX         ? PLS_BACKEND_MLX
           : plan->ask.backend != PLS_BACKEND_NONE ? plan->ask.backend
                                                   : gpu->backend;
}

/* What runs on this machine taught, when they used this backend. */
static const struct pls_calibration *learnt_for(const struct prediction *p, enum pls_backend backend)
{
    const struct pls_calibration *c = &p->rates->calibration;
    return c->n_runs > 0 && c->backend == backend ? c : NULL;
}

double pls_learnt_spread(const struct pls_calibration *learnt, double spread)
{
    return learnt != NULL && learnt->residual > 0 ? fmax(1.1, fmin(spread, 1 + 1.3 * learnt->residual))
                                                  : spread;
}

static double experts_per_used(const struct pls_card *card)
{
    return card->n_expert_used > 0 ? (double)card->n_expert / card->n_expert_used : 1;
}

static struct pls_gpu_load gpu_load(const struct prediction *p, const struct pls_share *s, int32_t pool)
{
    const struct pls_plan *plan = p->plan;
    const struct pls_gpu *gpu = &p->machine->gpus[p->machine->pools[pool].gpu];
    return (struct pls_gpu_load){
        .gpu = gpu,
        .backend = backend_of(plan, gpu),
        .bandwidth_gbs = p->machine->pools[pool].bandwidth_gbs,
        .traffic = &s->traffic,
        .depth_tokens = plan->ask.depth_tokens,
        .prompt_tokens = p->prompt_tokens,
        .ubatch_tokens = plan->setting.n_ubatch,
        .experts_per_used = experts_per_used(p->card),
        .resident_bytes = s->bytes.weights,
        .flash_attention = plan->setting.flash_attention,
        .engine_as_of = plan->ask.engine_as_of,
        .learnt = learnt_for(p, backend_of(plan, gpu)),
    };
}

static void add_gpu_share(struct prediction *p, const struct pls_share *s)
{
    struct pls_gpu_load load = gpu_load(p, s, s->pool);
    add(&p->decode, pls_gpu_decode(pls_gpu_constants(), &load), PLS_ORIGIN_TABLE);
    if (p->skips_prefill) {
        return;
    }
    struct pls_share_time prefill = pls_gpu_prefill(pls_gpu_constants(), &load);
    add(&p->prefill, prefill, PLS_ORIGIN_TABLE);
    p->slowest_s = fmax(p->slowest_s, prefill.seconds);
    p->n_gpus++;
    p->is_pipelined = load.backend == PLS_BACKEND_CUDA || load.backend == PLS_BACKEND_ROCM;
}

/* Weights that a batch touches: every expert finds a token. */
static double batch_bytes(const struct pls_card *card, const struct pls_traffic *t)
{
    double bytes = 0;
    for (size_t i = 0; i < PLS_TYPE_COUNT; i++) {
        bytes += (double)t->weights_by_type[i];
    }
    double experts = (double)t->expert_share_bytes;
    return bytes - experts + experts * experts_per_used(card);
}

/* Prompts borrow the weights in RAM: they cross the link once per micro-batch and are multiplied on the GPU.
 * False when no GPU here does that. */
static bool borrowed_prefill(const struct prediction *p, const struct pls_share *s,
                             struct pls_share_time *out)
{
    const struct pls_plan *plan = p->plan;
    if (plan->n_shares < 2 || plan->gpu_layers <= 0
        || pls_min(plan->setting.n_ubatch, p->prompt_tokens) < OFFLOAD_BATCH) {
        return false;
    }
    struct pls_gpu_load load = gpu_load(p, s, plan->shares[1].pool);
    double link = load.gpu->link_gbs * 1e9 * LINK_SHARE;
    if (!(link > 0) || load.backend == PLS_BACKEND_METAL || load.backend == PLS_BACKEND_MLX) {
        return false;
    }
    double batches = ceil((double)p->prompt_tokens / (double)pls_max(plan->setting.n_ubatch, 1));
    load.resident_bytes = 0;
    *out = pls_gpu_prefill(pls_gpu_constants(), &load);
    double copies = batches * batch_bytes(p->card, &s->traffic) / link;
    out->bound = copies > out->seconds ? PLS_BOUND_LINK : out->bound;
    out->seconds += copies;
    out->spread = fmax(out->spread, LINK_SPREAD);
    return true;
}

static struct pls_cpu_load cpu_load(const struct prediction *p, const struct pls_share *s)
{
    return (struct pls_cpu_load){ .machine = p->machine,
                                  .rates = p->rates,
                                  .traffic = &s->traffic,
                                  .depth_tokens = p->plan->ask.depth_tokens,
                                  .prompt_tokens = p->prompt_tokens,
                                  .ubatch_tokens = p->plan->setting.n_ubatch,
                                  .n_threads = p->plan->ask.n_threads,
                                  .experts_per_used = experts_per_used(p->card),
                                  .learnt = learnt_for(p, PLS_BACKEND_CPU) };
}

static void add_cpu_share(struct prediction *p, const struct pls_share *s)
{
    struct pls_cpu_load load = cpu_load(p, s);
    enum pls_origin origin = PLS_ORIGIN_UNKNOWN;
    struct pls_share_time decode = pls_cpu_decode(&load, &origin);
    add(&p->decode, decode, origin);
    if (p->skips_prefill) {
        return;
    }
    struct pls_share_time prefill;
    if (borrowed_prefill(p, s, &prefill)) {
        origin = PLS_ORIGIN_ASSUMED;
    } else {
        prefill = pls_cpu_prefill(&load, &origin);
    }
    add(&p->prefill, prefill, origin);
}

/* Changes of device along the layers. Experts in RAM are a trip there and back for each layer. */
static uint32_t hops(const struct pls_plan *plan)
{
    uint32_t devices = 0;
    for (uint32_t i = 0; i < plan->n_shares; i++) {
        devices += plan->shares[i].traffic.n_layers > 0 ? 1 : 0;
    }
    uint32_t between = devices > 0 ? devices - 1 : 0;
    return between + 2 * (uint32_t)(plan->cpu_moe_layers > 0 ? plan->cpu_moe_layers : 0);
}

/* While one GPU works on a micro-batch the one before it may take the next: then the whole takes (batches -
 * 1) times the slowest stage longer than one micro-batch through all. How much of that comes true is
 * PIPELINE_GAIN. */
static double pipelined(const struct prediction *p)
{
    double batches = ceil((double)p->prompt_tokens / (double)pls_max(p->plan->setting.n_ubatch, 1));
    double ideal = (p->prefill.seconds + (batches - 1) * p->slowest_s) / batches;
    return p->prefill.seconds + PIPELINE_GAIN * (ideal - p->prefill.seconds);
}

static bool host_has_work(const struct pls_plan *plan)
{
    return plan->n_shares > 0 && has_work(&plan->shares[0]);
}

static void fill_decode(const struct prediction *p, struct pls_speed *out)
{
    double seconds = p->decode.seconds + hops(p->plan) * HOP_S;
    if (!isfinite(seconds) || seconds <= 0) {
        return;
    }
    double spread = exp(p->decode.log_spread / p->decode.seconds);
    out->decode_tps = 1 / seconds;
    out->decode_low_tps = out->decode_tps / spread;
    out->decode_high_tps = out->decode_tps * spread;
    out->bound = p->decode.bound;
    out->origin = p->decode.origin;
}

static void fill_prefill(const struct prediction *p, struct pls_speed *out)
{
    double seconds = p->prefill.seconds;
    if (!isfinite(seconds) || seconds <= 0) {
        return;
    }
    double spread = exp(p->prefill.log_spread / seconds);
    if (p->n_gpus > 1 && p->is_pipelined && !host_has_work(p->plan)) {
        seconds = pipelined(p);
    }
    out->prefill_tps = (double)p->prompt_tokens / seconds;
    out->prefill_low_tps = out->prefill_tps / spread;
    out->prefill_high_tps = out->prefill_tps * spread;
    out->ttft_s = seconds;
}

uint64_t pls_speed_prompt_tokens(const struct pls_plan *plan)
{
    return plan->ask.prompt_tokens > 0 ? plan->ask.prompt_tokens : PROMPT_DEFAULT;
}

static struct prediction prediction(const struct pls_card *card, const struct pls_machine *machine,
                                    const struct pls_rates *rates, const struct pls_plan *plan)
{
    return (struct prediction){
        .card = card,
        .machine = machine,
        .rates = rates,
        .plan = plan,
        .prompt_tokens = pls_speed_prompt_tokens(plan),
        .decode = { .origin = PLS_ORIGIN_MEASURED },
        .prefill = { .origin = PLS_ORIGIN_MEASURED },
    };
}

static struct pls_speed predict(struct prediction *p)
{
    struct pls_speed speed = { .at_context_tokens = p->plan->ask.depth_tokens };
    for (uint32_t i = 0; i < p->plan->n_shares; i++) {
        const struct pls_share *s = &p->plan->shares[i];
        if (has_work(s) && p->machine->pools[s->pool].gpu < 0) {
            add_cpu_share(p, s);
        } else if (has_work(s)) {
            add_gpu_share(p, s);
        }
    }
    fill_decode(p, &speed);
    fill_prefill(p, &speed);
    return speed;
}

void pls_speed_predict(const struct pls_card *card, const struct pls_machine *machine,
                       const struct pls_rates *rates, struct pls_plan *plan)
{
    struct prediction p = prediction(card, machine, rates, plan);
    plan->speed = predict(&p);
}

void pls_speed_predict_decode(const struct pls_card *card, const struct pls_machine *machine,
                              const struct pls_rates *rates, struct pls_plan *plan)
{
    struct prediction p = prediction(card, machine, rates, plan);
    p.skips_prefill = true;
    plan->speed = predict(&p);
}

bool pls_speed_terms(const struct pls_speed_question *q, const struct pls_share *s, struct pls_gpu_terms *out)
{
    if (!has_work(s) || q->machine->pools[s->pool].gpu < 0) {
        return false;
    }
    struct prediction p = prediction(q->card, q->machine, q->rates, q->plan);
    struct pls_gpu_load load = gpu_load(&p, s, s->pool);
    return pls_gpu_terms(pls_gpu_constants(), &load, q->is_prefill, out);
}

struct pls_speed_parts pls_speed_share_parts(const struct pls_speed_question *q, const struct pls_share *s,
                                             bool *is_measured)
{
    struct prediction p = prediction(q->card, q->machine, q->rates, q->plan);
    *is_measured = false;
    if (!has_work(s)) {
        return (struct pls_speed_parts){ 0 };
    }
    if (q->machine->pools[s->pool].gpu >= 0) {
        struct pls_gpu_load gpu = gpu_load(&p, s, s->pool);
        return pls_gpu_parts(pls_gpu_constants(), &gpu, q->is_prefill);
    }
    struct pls_cpu_load cpu = cpu_load(&p, s);
    *is_measured = true;
    return pls_cpu_parts(&cpu, q->is_prefill, is_measured);
}

bool pls_speed_is_borrowed(const struct pls_speed_question *q, const struct pls_share *s)
{
    struct prediction p = prediction(q->card, q->machine, q->rates, q->plan);
    struct pls_share_time t;
    return q->is_prefill && has_work(s) && q->machine->pools[s->pool].gpu < 0 && borrowed_prefill(&p, s, &t);
}

double pls_speed_hops_s(const struct pls_plan *plan)
{
    return hops(plan) * HOP_S;
}

double pls_speed_hop_s(void)
{
    return HOP_S;
}

struct pls_speed_parts pls_speed_parts(const struct pls_card *card, const struct pls_machine *machine,
                                       const struct pls_rates *rates, const struct pls_plan *plan,
                                       bool is_prefill)
{
    struct pls_speed_question q = {
        .card = card, .machine = machine, .rates = rates, .plan = plan, .is_prefill = is_prefill
    };
    struct pls_speed_parts sum = { .other = is_prefill ? 0 : pls_speed_hops_s(plan) };
    for (uint32_t i = 0; i < plan->n_shares; i++) {
        bool is_measured = true;
        struct pls_speed_parts one = pls_speed_share_parts(&q, &plan->shares[i], &is_measured);
        for (size_t k = 0; k < PLS_TYPE_COUNT; k++) {
            sum.by_type[k] += one.by_type[k];
        }
        sum.other += one.other;
        sum.n_layers += one.n_layers;
    }
    return sum;
}

double pls_speed_that_counts(const struct pls_card *card, const struct pls_plan *plan)
{
    return pls_card_only_reads(card) ? plan->speed.prefill_tps : plan->speed.decode_tps;
}

const char *pls_bound_name(enum pls_bound bound)
{
    static const char *const names[] = { "memory", "compute", "overhead", "link" };
    return (size_t)bound < PLS_COUNT_OF(names) ? names[bound] : names[0];
}
