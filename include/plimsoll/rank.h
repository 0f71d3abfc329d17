/* plimsoll/rank.h - of all that fits, what to run: policy, picks, order.
 *
 * A score is quality, less what the other wishes cost:
 *
 *     score = (base - evidence_penalty * its standard error)
 *           * (retention - evidence_penalty * (upper loss - loss))
 *           * (1 - weight_speed * wait),  wait = (floor / pace)^speed_power
 *           * (1 - weight_context * (1 - log(context / least) / log(wish / least)))
 *           * (1 - weight_margin * (1 - min(1, free share / margin_share)))
 *
 * where pace is that of an answer, its prompt read; beyond a wait of 2 what is left of the third factor falls
 * as the wait grows. So a weight is the share of quality that somebody would
 * give up: all of it at the floor, and of weight_speed less the faster it gets, until a wider quantization is
 * the better use of memory. A product, not a sum: no speed makes up for a model that knows nothing. What lies
 * under a floor (speed, context, bits per weight) stands behind everything that does not, whatever its score.
 * Where no speed is known, that of an ordinary machine is taken instead.
 *
 * Policy is one visible struct; --explain prints every field, options and the file policy.json under
 * $XDG_CONFIG_HOME/plimsoll change it. Reasons are codes; only render/ owns words. The order is total and
 * deterministic.
 */
#ifndef PLIMSOLL_RANK_H
#define PLIMSOLL_RANK_H

#include "plimsoll/plan.h"

struct pls_policy {
    enum pls_task task;
    double min_decode_tps;      /* usable floor of speed; 0 none */
    /* for embedding and rerank, which only read, in its place; 0: decode counts */
    double min_prefill_tps;
    double speed_power;         /* how the cost of waiting falls with speed; 1: as the time does */
    /* of an exchange, whose pace is answer / (prompt / prefill + answer / decode) */
    double prompt_tokens, answer_tokens;
    double unknown_gbs, unknown_gflops;  /* bandwidth and arithmetic by which unknown speeds are judged */
    uint64_t min_context_tokens;
    uint64_t wish_context_tokens; /* more adds nothing */
    double margin_share;        /* of each pool that should stay free */
    double weight_speed, weight_context, weight_margin; /* 0..1 */
    double evidence_penalty;    /* standard errors taken off a score */
    double no_evidence_penalty; /* the same for models without any score of their own or their kin */
    double min_quality;         /* --min-quality; 0 none */
    double quant_floor_bpw;     /* --quant-floor; negative: by size and task */
};
struct pls_policy pls_policy_default(enum pls_task task);

/* The fields of a policy that a user may change, for its file, --explain and the man page. */
struct pls_policy_field {
    const char *name;
    size_t offset;
    bool is_tokens;     /* uint64_t, else double */
    double least, most; /* both allowed */
    const char *note;
};
const struct pls_policy_field *pls_policy_fields(uint32_t *n);
double pls_policy_get(const struct pls_policy *policy, const struct pls_policy_field *field);
void pls_policy_set(struct pls_policy *policy, const struct pls_policy_field *field, double value);

/* Whether a card is made for a task, by its task bits: special-purpose models (embedders, rerankers, OCR,
 * code alone) stay out of what they are not for, and only what takes images sees. by_name: somebody asked for
 * it, so that what writes code may chat. A card that states no task may do whatever generates text. */
bool pls_rank_is_for_task(const struct pls_card *card, enum pls_task task, bool by_name);

/* Codes a reader can look up: why a configuration stands where it stands. Bits of pls_pick.reasons. */
enum pls_reason {
    PLS_REASON_BEST_QUALITY = 1u << 0,
    PLS_REASON_FASTEST = 1u << 1,
    PLS_REASON_LONGEST_CONTEXT = 1u << 2,
    PLS_REASON_ROOMY = 1u << 3,       /* leaves the share wished for, and 1 GiB or half of the budget */
    PLS_REASON_TIGHT = 1u << 4,       /* leaves a fifth of that share, or less than 256 MiB */
    PLS_REASON_BELOW_QUANT_FLOOR = 1u << 5,
    PLS_REASON_BELOW_SPEED_FLOOR = 1u << 6,
    PLS_REASON_SHORT_CONTEXT = 1u << 7,
    PLS_REASON_NO_EVIDENCE = 1u << 8,
    PLS_REASON_PARTIAL_OFFLOAD = 1u << 9,
    PLS_REASON_NATIVE_QUANT = 1u << 10,
    PLS_REASON_QUANTIZED_KV = 1u << 11,
    PLS_REASON_LOW_BITS = 1u << 12,   /* under 4 bits per weight, because nothing wider fits as well */
    PLS_REASON_SPEED_UNKNOWN = 1u << 13, /* judged by the policy's unknown_gbs */
};
const char *pls_reason_name(enum pls_reason bit); /* "best-quality", ... */

/* A configuration in the running: small enough to keep thousands. */
struct pls_pick {
    uint32_t model;      /* the caller's index of the card */
    struct pls_quant quant;
    enum pls_type type_k, type_v;
    uint64_t context_tokens;
    double quality, decode_tps, prefill_tps;
    double speed_tps;    /* the one of them that the task waits for */
    uint64_t total_bytes;
    int64_t margin_bytes;
    double score;
    uint32_t reasons;
    bool is_pareto;      /* no other configuration is better in quality, speed and context at once */
};

/* Least bits per weight of the whole file worth offering for this card and task; below it a configuration is
 * flagged and falls behind everything above its own floor. */
double pls_rank_quant_floor(const struct pls_card *card, enum pls_task task);

/* Two cards of one shape: tunings, repackagings and successors of the same base. Bytes and speed are the
 * same, so only quality decides between them, and a list shows one row for all. An architecture's name does
 * not matter: a model that learned to see keeps its base's shape. */
bool pls_rank_same_base(const struct pls_card *a, const struct pls_card *b);

/* Score of one plan, 0..100, and the factors it is the product of. */
struct pls_merit {
    double quality;                /* 0..100, less the doubt in it */
    /* what the task waits for: decode, or prefill where it only reads; where that is unknown
     * (PLS_REASON_SPEED_UNKNOWN), what it is judged by */
    double speed_tps;
    double speed, context, margin; /* factors 0..1 */
    double score;
    uint32_t reasons;
};
struct pls_merit pls_rank_merit(const struct pls_policy *policy, const struct pls_plan *plan);
/* 0 is offered first; each higher number only where nothing has a lower one. From the floors among the
 * reasons. */
uint32_t pls_rank_tier(uint32_t reasons);
/* A score that knows floors: any of a lower tier is above all of a higher one. Scores above floors are as
 * they are. */
#define PLS_TIER_COST 1000.0
double pls_rank_key(double score, uint32_t reasons);
/* a is at least as good in quality, speed and context, and better in one of them. */
bool pls_rank_beats(const struct pls_pick *a, const struct pls_pick *b);
/* Best first: tier, score, then quality, speed, fewer bytes, model index, more context. No two picks of a run
 * are equal. */
bool pls_rank_before(const struct pls_pick *a, const struct pls_pick *b);
/* Sorts best first and marks the efficient set. In place, n log n. */
void pls_rank_order(struct pls_pick *picks, uint32_t n);

#endif
