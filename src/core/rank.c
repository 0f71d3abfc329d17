/* The order of configurations. A score is quality times a factor for each other wish; what lies under a floor
 * is kept but stands behind everything that does not. All weights are fields of the policy. */
#include "plimsoll/rank.h"

#include <math.h>
#include <string.h>

#include "plimsoll/sort.h"

const char *pls_reason_name(enum pls_reason bit)
{
    static const struct {
        enum pls_reason bit;
        const char *name;
    } names[] = {
        { PLS_REASON_BEST_QUALITY, "best-quality" },
        { PLS_REASON_FASTEST, "fastest" },
        { PLS_REASON_LONGEST_CONTEXT, "longest-context" },
        { PLS_REASON_ROOMY, "roomy" },
        { PLS_REASON_TIGHT, "tight" },
        { PLS_REASON_BELOW_QUANT_FLOOR, "below-quant-floor" },
        { PLS_REASON_BELOW_SPEED_FLOOR, "below-speed-floor" },
        { PLS_REASON_SHORT_CONTEXT, "short-context" },
        { PLS_REASON_NO_EVIDENCE, "no-evidence" },
        { PLS_REASON_PARTIAL_OFFLOAD, "partial-offload" },
        { PLS_REASON_NATIVE_QUANT, "native-quant" },
        { PLS_REASON_QUANTIZED_KV, "quantized-kv" },
        { PLS_REASON_LOW_BITS, "low-bits" },
        { PLS_REASON_SPEED_UNKNOWN, "speed-unknown" },
    };
    for (size_t i = 0; i < PLS_COUNT_OF(names); i++) {
        if (names[i].bit == bit) {
            return names[i].name;
        }
    }
    return NULL;
}

/* Least bits per weight worth offering, by effective size in billions: where the measured loss stays under
 * about 15% of the above-chance score. Small models that reason or write code need 0.7 more. */
double pls_rank_quant_floor(const struct pls_card *card, enum pls_task task)
{
    static const struct {
        double size, bpw;
    } floors[] = { { 2, 4.8 }, { 4, 4.2 }, { 8, 3.4 }, { 14, 3.2 }, { 32, 3.0 }, { 70, 2.5 }, { 150, 2.0 } };
    double size = pls_quality_size(card);
    double bpw = floors[0].bpw;
    for (size_t i = 1; i < PLS_COUNT_OF(floors) && size > floors[i - 1].size; i++) {
        double share = log(size / floors[i - 1].size) / log(floors[i].size / floors[i - 1].size);
        bpw = floors[i - 1].bpw + fmin(share, 1) * (floors[i].bpw - floors[i - 1].bpw);
    }
    bool is_sharp = task == PLS_TASK_CODE || task == PLS_TASK_REASONING || task == PLS_TASK_TOOLS;
    return bpw + (is_sharp && size <= 9 ? 0.7 : 0);
}

bool pls_rank_same_base(const struct pls_card *a, const struct pls_card *b)
{
    double ratio = b->params_total > 0 ? (double)a->params_total / (double)b->params_total : 0;
    return a->n_layers == b->n_layers && a->n_embd == b->n_embd && a->n_vocab == b->n_vocab
           && a->n_head == b->n_head && a->n_ff == b->n_ff && a->n_expert == b->n_expert
           && a->n_expert_used == b->n_expert_used && a->n_ff_exp == b->n_ff_exp && ratio > 0.995
           && ratio < 1.005;
}

/* What is left of quality after waiting. The wait is 1 at the floor; a token less to wait for is worth less
 * the fewer there are: with a power above 1 the cost falls faster than the time. What answers at the floor,
 * but takes long to read the question, is slower still. Beyond a wait of 2 what is left falls as the wait
 * grows, so that of what is too slow anyway the least slow comes first. */
static double after_waiting(double pace, double floor, const struct pls_policy *policy)
{
    const double knee = 2;
    double at_knee = fmax(1 - policy->weight_speed * knee, 0);
    if (floor <= 0) {
        return 1;
    }
    double wait = pace > 0 ? pow(floor / pace, policy->speed_power) : HUGE_VAL;
    return wait <= knee ? fmax(1 - policy->weight_speed * wait, 0) : at_knee * knee / wait;
}

/* What a machine of unknown rates would do with the bytes of one token, or reading with its arithmetic; 0:
 * those are not known either. */
static double guessed_tps(const struct pls_policy *policy, const struct pls_plan *plan, bool reads)
{
    double bytes = 0, params = 0;
    for (uint32_t i = 0; i < plan->n_shares; i++) {
        const struct pls_traffic *t = &plan->shares[i].traffic;
        params += (double)t->active_params;
        for (size_t k = 0; k < PLS_TYPE_COUNT; k++) {
            bytes += (double)t->weights_by_type[k];
        }
    }
    if (reads) {
        return params > 0 ? policy->unknown_gflops * 1e9 / (2 * params) : 0;
    }
    return bytes > 0 ? policy->unknown_gbs * 1e9 / bytes : 0;
}

/* Tokens of an answer per second from the question on: a prompt that takes long to read is waiting too, when
 * that is known. */
static double pace_of(const struct pls_policy *policy, double decode_tps, double prefill_tps)
{
    double reading = prefill_tps > 0 ? policy->prompt_tokens / prefill_tps : 0;
    return decode_tps > 0 ? policy->answer_tokens / (reading + policy->answer_tokens / decode_tps) : 0;
}

/* 1 at or below the least, 0 at or above the wish, straight on a logarithmic scale between. */
static double context_lack(double context, double least, double wish)
{
    if (wish <= least) {
        return context >= wish ? 0 : 1;
    }
    double share = log(fmax(context, least) / least) / log(wish / least);
    return 1 - fmin(share, 1);
}

/* The least share of a budget that stays free, over the pools that hold something. */
static double free_share(const struct pls_plan *plan)
{
    double least = 1;
    for (uint32_t i = 0; i < plan->n_shares; i++) {
        const struct pls_share *s = &plan->shares[i];
        if (s->budget_bytes > 0 && s->bytes.total > 0) {
            least = fmin(least, (double)s->margin_bytes / (double)s->budget_bytes);
        }
    }
    return plan->margin_bytes > 0 ? fmax(least, 0) : 0;
}

/* What of the capability can be counted on: less its doubt. A guess has that taken off already (quality.c).
 */
static double assured_base(const struct pls_policy *policy, const struct pls_quality *q)
{
    double penalty = q->evidence == PLS_EVIDENCE_NONE ? 0 : policy->evidence_penalty;
    return fmax(q->base - penalty * q->base_se, 0);
}

/* The same of what a quantization keeps, whose loss differs by a factor of two between models. It multiplies:
 * what a step between two quants of one model costs does not depend on how well that model is known. */
static double assured_retention(const struct pls_policy *policy, const struct pls_quality *q)
{
    double doubt = fmax(q->loss_high - (1 - q->retention), 0);
    return fmax(q->retention - policy->evidence_penalty * doubt, 0);
}

/* A share of a large memory is room; of a small one it may be less than the next browser tab takes. */
enum { ROOMY_BYTES = 1 << 30, TIGHT_BYTES = 256 << 20 };

static uint32_t room_reasons(const struct pls_plan *plan, double share, double room)
{
    bool is_most = share >= 0.5;
    bool is_roomy = room >= 1 && (plan->margin_bytes >= ROOMY_BYTES || is_most);
    bool is_tight = room < 0.2 || (plan->margin_bytes < TIGHT_BYTES && !is_most);
    return (is_roomy ? PLS_REASON_ROOMY : 0u) | (is_tight ? PLS_REASON_TIGHT : 0u);
}

static uint32_t floors_missed(const struct pls_policy *policy, const struct pls_plan *plan, double speed,
                              double floor)
{
    double bits = plan->bits_per_weight;
    double least = policy->quant_floor_bpw >= 0 ? policy->quant_floor_bpw : plan->quant_floor_bpw;
    uint32_t why = 0;
    why |= bits > 0 && bits < least ? PLS_REASON_BELOW_QUANT_FLOOR : 0;
    why |= plan->setting.n_ctx_seq < policy->min_context_tokens ? PLS_REASON_SHORT_CONTEXT : 0;
    why |= speed < floor ? PLS_REASON_BELOW_SPEED_FLOOR : 0;
    return why;
}

static bool has_quantized_cache(const struct pls_plan *plan)
{
    return pls_type_is_quantized(plan->setting.type_k) || pls_type_is_quantized(plan->setting.type_v);
}

static bool is_offloaded_in_part(const struct pls_plan *plan)
{
    bool on_gpu = false, in_ram = false;
    for (uint32_t i = 0; i < plan->n_shares; i++) {
        bool works = plan->shares[i].n_layers > 0;
        on_gpu |= i > 0 && works;
        in_ram |= i == 0 && works;
    }
    return on_gpu && (in_ram || plan->cpu_moe_layers > 0);
}

struct pls_merit pls_rank_merit(const struct pls_policy *policy, const struct pls_plan *plan)
{
    const struct pls_quality *q = &plan->quality;
    bool reads = policy->min_prefill_tps > 0;
    double floor = reads ? policy->min_prefill_tps : policy->min_decode_tps;
    struct pls_merit m = { .speed_tps = reads ? plan->speed.prefill_tps : plan->speed.decode_tps };
    double share = free_share(plan);
    double room = policy->margin_share > 0 ? fmin(share / policy->margin_share, 1) : 1;
    double lack = context_lack((double)plan->setting.n_ctx_seq, (double)policy->min_context_tokens,
                               (double)policy->wish_context_tokens);
    bool is_unknown = floor > 0 && !(m.speed_tps > 0);
    double guess = is_unknown ? guessed_tps(policy, plan, reads) : 0;
    double speed = !is_unknown ? m.speed_tps : guess > 0 ? guess : floor;
    double pace = reads ? speed : pace_of(policy, speed, plan->speed.prefill_tps);
    m.quality = assured_base(policy, q) * assured_retention(policy, q);
    m.speed = after_waiting(pace, floor, policy);
    m.context = 1 - policy->weight_context * lack;
    m.margin = 1 - policy->weight_margin * (1 - room);
    m.score = m.quality * m.speed * m.context * m.margin;
    m.reasons = floors_missed(policy, plan, speed, floor) | room_reasons(plan, share, room);
    m.reasons |= is_unknown ? PLS_REASON_SPEED_UNKNOWN : 0;
    m.speed_tps = speed;
    m.reasons |= q->evidence == PLS_EVIDENCE_NONE ? PLS_REASON_NO_EVIDENCE : 0;
    m.reasons |= has_quantized_cache(plan) ? PLS_REASON_QUANTIZED_KV : 0;
    m.reasons |= is_offloaded_in_part(plan) ? PLS_REASON_PARTIAL_OFFLOAD : 0;
    bool is_native = plan->bits_per_weight > 0
                     && !(plan->quant_floor_bpw > 0); /* what a model was released in has no floor */
    m.reasons |= is_native ? PLS_REASON_NATIVE_QUANT : 0;
    m.reasons |=
        plan->bits_per_weight > 0 && plan->bits_per_weight < 4 && !is_native ? PLS_REASON_LOW_BITS : 0;
    return m;
}

/* Too slow is worse than too coarse or too short: it is of no use at all. */
uint32_t pls_rank_tier(uint32_t reasons)
{
    bool slow = (reasons & PLS_REASON_BELOW_SPEED_FLOOR) != 0;
    bool poor = (reasons & (PLS_REASON_BELOW_QUANT_FLOOR | PLS_REASON_SHORT_CONTEXT)) != 0;
    return (slow ? 2u : 0u) + (poor ? 1u : 0u);
}

double pls_rank_key(double score, uint32_t reasons)
{
    return score - PLS_TIER_COST * pls_rank_tier(reasons);
}

bool pls_rank_before(const struct pls_pick *a, const struct pls_pick *b)
{
    uint32_t of_a = pls_rank_tier(a->reasons);
    uint32_t of_b = pls_rank_tier(b->reasons);
    if (of_a != of_b) {
        return of_a < of_b;
    }
    if (a->score < b->score || a->score > b->score) {
        return a->score > b->score;
    }
    if (a->quality < b->quality || a->quality > b->quality) {
        return a->quality > b->quality;
    }
    if (a->speed_tps < b->speed_tps || a->speed_tps > b->speed_tps) {
        return a->speed_tps > b->speed_tps;
    }
    if (a->total_bytes != b->total_bytes) {
        return a->total_bytes < b->total_bytes;
    }
    if (a->model != b->model) {
        return a->model < b->model;
    }
    if (a->context_tokens != b->context_tokens) {
        return a->context_tokens > b->context_tokens;
    }
    return a->quant.ftype != b->quant.ftype ? a->quant.ftype < b->quant.ftype : a->type_k < b->type_k;
}

bool pls_rank_beats(const struct pls_pick *a, const struct pls_pick *b)
{
    bool no_worse =
        a->quality >= b->quality && a->speed_tps >= b->speed_tps && a->context_tokens >= b->context_tokens;
    return no_worse
           && (a->quality > b->quality || a->speed_tps > b->speed_tps
               || a->context_tokens > b->context_tokens);
}

/* Quality first, so that whatever beats a pick stands before it. */
static bool by_respects(const void *one, const void *other)
{
    const struct pls_pick *a = one, *b = other;
    if (a->quality < b->quality || a->quality > b->quality) {
        return a->quality > b->quality;
    }
    if (a->speed_tps < b->speed_tps || a->speed_tps > b->speed_tps) {
        return a->speed_tps > b->speed_tps;
    }
    return a->context_tokens > b->context_tokens;
}

/* In this order only what came before can beat a pick: one with at least its context and speed. The best
 * speed seen is kept per context; there are few, since searches look at powers of two. Contexts beyond the
 * table are compared one by one. */
static void mark_efficient(struct pls_pick *picks, uint32_t n)
{
    struct {
        uint64_t context;
        uint32_t fastest;
    } seen[64];
    uint32_t n_seen = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct pls_pick *p = &picks[i];
        uint32_t at = 0;
        p->is_pareto = true;
        for (uint32_t k = 0; k < n_seen && p->is_pareto; k++) {
            p->is_pareto = !pls_rank_beats(&picks[seen[k].fastest], p);
        }
        for (uint32_t k = 0; n_seen == 64 && k < i && p->is_pareto; k++) {
            p->is_pareto = !pls_rank_beats(&picks[k], p);
        }
        while (at < n_seen && seen[at].context != p->context_tokens) {
            at++;
        }
        /* cppcheck-suppress uninitvar ; filled up to n_seen */
        if (at < 64 && (at == n_seen || p->speed_tps > picks[seen[at].fastest].speed_tps)) {
            seen[at].context = p->context_tokens;
            seen[at].fastest = i;
            n_seen = at == n_seen ? n_seen + 1 : n_seen;
        }
    }
}

static bool by_rank(const void *one, const void *other)
{
    return pls_rank_before(one, other);
}

void pls_rank_order(struct pls_pick *picks, uint32_t n)
{
    pls_sort(picks, n, sizeof(*picks), by_respects);
    mark_efficient(picks, n);
    pls_sort(picks, n, sizeof(*picks), by_rank);
}
