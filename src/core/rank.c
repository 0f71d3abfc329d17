/* The order of configurations. A score is a weighted mean of four shares between 0 and 1; what lies under a floor is kept
 * but pushed below everything that does not. All weights are fields of the policy. */
#include "plimsoll/rank.h"

#include <math.h>
#include <string.h>

struct pls_policy pls_policy_default(enum pls_task task)
{
    /* People read chat at 5 to 10 words per second, so 8 tokens per second is the least that does not tire; reasoning and
     * code write thousands of tokens before the answer. Judgement, not measurement: every field is an option. */
    struct pls_policy p = {
        .task = task,
        .min_decode_tps = 8,
        .good_decode_tps = 40,
        .min_context_tokens = 4096,
        .wish_context_tokens = 16384,
        .margin_share = 0.05,
        .weight_quality = 0.70,
        .weight_speed = 0.16,
        .weight_context = 0.09,
        .weight_margin = 0.05,
        .evidence_penalty = 0.5,
    };
    if (task == PLS_TASK_CODE || task == PLS_TASK_REASONING || task == PLS_TASK_TOOLS) {
        p.min_decode_tps = 12;
        p.good_decode_tps = 60;
        p.wish_context_tokens = 32768;
    } else if (task == PLS_TASK_EMBEDDING || task == PLS_TASK_RERANK) {
        p.min_decode_tps = 0;
        p.min_context_tokens = 512;
        p.wish_context_tokens = 2048;
    }
    return p;
}

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
    };
    for (size_t i = 0; i < PLS_COUNT_OF(names); i++) {
        if (names[i].bit == bit) {
            return names[i].name;
        }
    }
    return NULL;
}

/* Least bits per weight worth offering, by effective size in billions: where the measured loss stays under about 15% of the
 * above-chance score. Small models that reason or write code need 0.7 more. */
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
    return strcmp(a->arch, b->arch) == 0 && a->n_layers == b->n_layers && a->n_embd == b->n_embd && a->n_vocab == b->n_vocab
        && a->n_expert == b->n_expert && ratio > 0.995 && ratio < 1.005;
}

/* 0 at or below floor, 1 at or above good, straight on a logarithmic scale between: twice as fast is one step. */
static double log_share(double value, double floor, double good)
{
    if (good <= floor || floor <= 0) {
        return value >= good ? 1 : 0;
    }
    double share = log(fmax(value, floor) / floor) / log(good / floor);
    return fmin(share, 1);
}

double pls_rank_score(const struct pls_policy *policy, const struct pls_plan *plan, uint32_t *reasons)
{
    double quality = plan->quality.score - policy->evidence_penalty * plan->quality.base_se;
    double speed = policy->min_decode_tps > 0
        ? log_share(plan->speed.decode_tps, policy->min_decode_tps, policy->good_decode_tps)
        : 1;
    double context = log_share((double)plan->setting.n_ctx_seq, (double)policy->min_context_tokens,
                               (double)policy->wish_context_tokens);
    double budget = 0;
    for (uint32_t i = 0; i < plan->n_shares; i++) {
        budget += (double)plan->shares[i].budget_bytes;
    }
    double margin = budget > 0 ? (double)plan->margin_bytes / (policy->margin_share * budget) : 0;
    double score = policy->weight_quality * fmax(quality, 0) + 100 * policy->weight_speed * speed
        + 100 * policy->weight_context * context + 100 * policy->weight_margin * fmin(fmax(margin, 0), 1);
    uint32_t why = 0;
    why |= margin >= 1 ? PLS_REASON_ROOMY : 0;
    why |= margin < 0.2 ? PLS_REASON_TIGHT : 0;
    why |= plan->quality.evidence == PLS_EVIDENCE_NONE ? PLS_REASON_NO_EVIDENCE : 0;
    why |= pls_type_is_quantized(plan->setting.type_k) || pls_type_is_quantized(plan->setting.type_v)
        ? PLS_REASON_QUANTIZED_KV
        : 0;
    if (plan->bits_per_weight > 0 && plan->bits_per_weight < plan->quant_floor_bpw) {
        why |= PLS_REASON_BELOW_QUANT_FLOOR;
        score -= 20;
    }
    if (plan->setting.n_ctx_seq < policy->min_context_tokens) {
        why |= PLS_REASON_SHORT_CONTEXT;
        score -= 50;
    }
    if (policy->min_decode_tps > 0 && plan->speed.decode_tps < policy->min_decode_tps) {
        why |= PLS_REASON_BELOW_SPEED_FLOOR;
        score -= 50;
    }
    if (reasons != NULL) {
        *reasons = why;
    }
    return score;
}

/* Total order: no two picks of one run are equal, because model, quant and context together are unique. */
static bool comes_before(const struct pls_pick *a, const struct pls_pick *b)
{
    if (a->score < b->score || a->score > b->score) {
        return a->score > b->score;
    }
    if (a->quality < b->quality || a->quality > b->quality) {
        return a->quality > b->quality;
    }
    if (a->total_bytes != b->total_bytes) {
        return a->total_bytes < b->total_bytes;
    }
    return a->model != b->model ? a->model < b->model : a->context_tokens > b->context_tokens;
}

static bool dominates(const struct pls_pick *a, const struct pls_pick *b)
{
    bool no_worse = a->quality >= b->quality && a->decode_tps >= b->decode_tps && a->context_tokens >= b->context_tokens;
    return no_worse
        && (a->quality > b->quality || a->decode_tps > b->decode_tps || a->context_tokens > b->context_tokens);
}

static void sift(struct pls_pick *picks, uint32_t root, uint32_t n)
{
    for (uint32_t child = 2 * root + 1; child < n; child = 2 * root + 1) {
        if (child + 1 < n && comes_before(&picks[child], &picks[child + 1])) {
            child++;
        }
        if (!comes_before(&picks[root], &picks[child])) {
            return;
        }
        struct pls_pick t = picks[root];
        picks[root] = picks[child];
        picks[child] = t;
        root = child;
    }
}

void pls_rank_order(struct pls_pick *picks, uint32_t n)
{
    for (uint32_t i = n / 2; i > 0; i--) { /* heap sort: in place, no allocation, n log n whatever the input */
        sift(picks, i - 1, n);
    }
    for (uint32_t end = n; end > 1; end--) {
        struct pls_pick t = picks[0];
        picks[0] = picks[end - 1];
        picks[end - 1] = t;
        sift(picks, 0, end - 1);
    }
    for (uint32_t i = 0; i < n; i++) {
        picks[i].is_pareto = true;
        for (uint32_t j = 0; j < n && picks[i].is_pareto; j++) {
            picks[i].is_pareto = !dominates(&picks[j], &picks[i]);
        }
    }
}
