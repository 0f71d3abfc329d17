/* plimsoll/rank.h - of all that fits, what to run: policy, picks, order.
 *
 * Policy is one visible struct; --explain prints every weight and an option or $XDG_CONFIG_HOME/plimsoll/policy.json
 * changes it. Reasons are codes; only render/ owns words. The order is total and deterministic.
 */
#ifndef PLIMSOLL_RANK_H
#define PLIMSOLL_RANK_H

#include "plimsoll/plan.h"

struct pls_policy {
    enum pls_task task;
    double min_decode_tps;      /* usable floor; below it a configuration is offered only when nothing else fits */
    double good_decode_tps;     /* more than this adds nothing */
    uint64_t min_context_tokens;
    uint64_t wish_context_tokens;
    double margin_share;        /* of a pool that should stay free */
    double weight_quality, weight_speed, weight_context, weight_margin;
    double evidence_penalty;    /* standard errors taken off a score */
    double min_quality;         /* --min-quality; 0 none */
    double quant_floor_bpw;     /* --quant-floor; 0: by size: plimsoll(7), Floors */
};
struct pls_policy pls_policy_default(enum pls_task task);

/* Codes a reader can look up: why a configuration stands where it stands. Bits of pls_pick.reasons. */
enum pls_reason {
    PLS_REASON_BEST_QUALITY = 1u << 0,
    PLS_REASON_FASTEST = 1u << 1,
    PLS_REASON_LONGEST_CONTEXT = 1u << 2,
    PLS_REASON_ROOMY = 1u << 3,       /* leaves a comfortable margin */
    PLS_REASON_TIGHT = 1u << 4,
    PLS_REASON_BELOW_QUANT_FLOOR = 1u << 5,
    PLS_REASON_BELOW_SPEED_FLOOR = 1u << 6,
    PLS_REASON_SHORT_CONTEXT = 1u << 7,
    PLS_REASON_NO_EVIDENCE = 1u << 8,
    PLS_REASON_PARTIAL_OFFLOAD = 1u << 9,
    PLS_REASON_NATIVE_QUANT = 1u << 10,
    PLS_REASON_QUANTIZED_KV = 1u << 11,
};
const char *pls_reason_name(enum pls_reason bit); /* "best-quality", ... */

/* A configuration in the running: small enough to keep thousands. */
struct pls_pick {
    uint32_t model;      /* the caller's index of the card */
    struct pls_quant quant;
    enum pls_type type_k, type_v;
    uint64_t context_tokens;
    double quality, decode_tps, prefill_tps;
    uint64_t total_bytes;
    int64_t margin_bytes;
    double score;
    uint32_t reasons;
    bool is_pareto;      /* no other configuration is better in quality, speed and context at once */
};

/* Least bits per weight of the whole file worth offering for this card and task; below it a configuration is flagged and
 * falls behind everything above its own floor. */
double pls_rank_quant_floor(const struct pls_card *card, enum pls_task task);

/* Two cards of one shape: tunings, repackagings and successors of the same base. Bytes and speed are the same, so only quality
 * decides between them, and a list shows one row for all. */
bool pls_rank_same_base(const struct pls_card *a, const struct pls_card *b);

/* Score of one plan under a policy, 0..100, and its reasons. */
double pls_rank_score(const struct pls_policy *policy, const struct pls_plan *plan, uint32_t *reasons);
/* Sorts best first (score, then quality, speed, fewer bytes, model index) and marks the efficient set. */
void pls_rank_order(struct pls_pick *picks, uint32_t n);

#endif
