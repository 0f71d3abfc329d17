/* plimsoll/plan.h - the answer for one configuration: bytes by class and pool, speed, quality, verdict.
 *
 * Quant, context, cache types, placement, bytes, speed and verdict belong to one tuple; this struct is that
 * tuple and `plan --json` prints it field by field. Everything is a plain value. Byte counts saturate: a
 * saturated plan never fits.
 *
 * Policy: what a configuration is sure to hold when its context is full counts against the budgets. What it
 * may grow into does not: a server's prompt cache (llama-server: up to 8 GiB of RAM, a bound that is never
 * reserved and shrinks under --cache-ram) is reported by the note "prompt-cache" when less than that is left
 * over. Mapped weights count in full, although the system could drop their pages: a model that needs that is
 * not fitting but streaming.
 */
#ifndef PLIMSOLL_PLAN_H
#define PLIMSOLL_PLAN_H

#include "plimsoll/ask.h"
#include "plimsoll/rates.h"
#include "plimsoll/tensor.h"

/* Bytes by class. total = weights + kv + state + compute + output + projector + overhead. */
struct pls_bytes {
    uint64_t weights; /* resident weights */
    uint64_t mapped;  /* the part of weights that is the mapped file: clean, shared, reclaimable */
    uint64_t kv;
    uint64_t state;     /* recurrent state */
    uint64_t compute;   /* compute buffers */
    uint64_t output;    /* logits buffer on the host */
    uint64_t projector; /* vision or audio tower */
    uint64_t overhead;  /* driver context, runtime process; vLLM: the share of the GPU it takes on top */
    uint64_t total;
};
void pls_bytes_sum(struct pls_bytes *b); /* sets total */
void pls_bytes_add(struct pls_bytes *to, const struct pls_bytes *from);

/* What decode reads from a pool for one token, so that speed never walks tensors again. */
struct pls_traffic {
    uint64_t weights_by_type[PLS_TYPE_COUNT]; /* bytes read per token: active experts only, output matrix
                                                 included */
    uint64_t expert_share_bytes;              /* the part of the sum that belongs to routed experts */
    uint64_t kv_per_token;                    /* cache bytes read per cached token, full-attention layers */
    uint64_t kv_sliding_per_token; /* the same of sliding layers, as long as the window is not full */
    uint64_t window_tokens;        /* the window: no token beyond it is read */
    uint64_t kv_fixed;             /* recurrent state, whatever the depth */
    uint64_t active_params; /* multiply-adds per token */
    /* the part of them that is the output matrix: prompts need it for their last token alone */
    uint64_t output_params;
    uint64_t output_by_type[PLS_TYPE_COUNT]; /* and its part of weights_by_type */
    uint32_t n_layers;      /* layers run here */
    uint32_t n_layers_moe, n_layers_linear; /* of which with experts; with recurrent or linear attention */
    uint32_t n_ops;           /* graph operations per token, for synchronisation cost; 0 unknown */
    uint64_t attention_width; /* sum over full layers here of n_head * head_dim: attention arithmetic */
    uint64_t attention_width_sliding; /* the same over sliding layers */
    bool repacked;            /* weights here run through interleaved kernels */
};
/* Cache and state bytes read to decode one token with `depth_tokens` cached. Saturates. */
uint64_t pls_traffic_cache_bytes(const struct pls_traffic *t, uint64_t depth_tokens);

struct pls_share {
    int32_t pool; /* index into the machine's pools */
    uint32_t n_layers;
    struct pls_bytes bytes;
    uint64_t budget_bytes;
    int64_t margin_bytes; /* budget - total; negative: does not fit */
    struct pls_traffic traffic;
};

enum pls_fit {
    PLS_FIT_NO = 0,
    PLS_FIT_YES,
    PLS_FIT_STREAMS, /* larger than memory: could only run from disk through the mapping; never counted as
                        fitting */
};

enum pls_bound { PLS_BOUND_MEMORY = 0, PLS_BOUND_COMPUTE, PLS_BOUND_OVERHEAD, PLS_BOUND_LINK };
const char *pls_bound_name(enum pls_bound bound);

/* Rates in tokens per second with an 80% interval; 0 is unknown. */
struct pls_speed {
    double decode_tps, decode_low_tps, decode_high_tps;
    double prefill_tps, prefill_low_tps, prefill_high_tps;
    double ttft_s;              /* prompt_tokens / prefill */
    uint64_t at_context_tokens; /* depth decode was asked at */
    enum pls_bound bound;
    enum pls_origin origin; /* the weakest that took part */
};

/* On the capability scale; retention is the share of it this quant and cache keep. */
struct pls_quality {
    double score; /* base * retention */
    double base;    /* capability for the task; of a model without scores its prior less the policy's doubt */
    double base_se;
    double retention;           /* 0..1 */
    double loss_low, loss_high; /* range of 1 - retention */
    enum pls_evidence evidence;
};

enum { PLS_PLAN_MAX_NOTES = 16 };

struct pls_plan {
    /* what was asked, settled */
    struct pls_ask ask;
    struct pls_setting setting;
    char quant[32];         /* slug, or the file's own name for it */
    int32_t gpu_layers;     /* layers on GPUs, output layer counted as the engine does */
    int32_t cpu_moe_layers; /* layers whose experts stay in RAM */
    bool leaves_gpus; /* the machine has GPUs and nothing of the engine is on them, not even its driver */

    /* bytes */
    uint64_t tensor_data_bytes; /* of the file, no header, no padding */
    uint64_t file_bytes;        /* the whole file; header estimated when there is none */
    struct pls_bytes bytes;     /* over all pools */
    struct {
        uint32_t tensors;
        uint64_t bytes;
    } types[PLS_TYPE_COUNT];        /* all 0 for packagings other than GGUF */
    uint64_t uncertainty_bytes;     /* the true total lies within this much of bytes.total, 99% of the time */
    enum pls_origin compute_origin; /* MEASURED never; TABLE: replayed node list; ASSUMED: closed form */

    /* where */
    uint32_t n_shares;
    struct pls_share shares[PLS_MAX_POOLS]; /* [0] is RAM, then one per GPU used, if only by its driver */
    enum pls_fit fit;
    int64_t margin_bytes;        /* least margin over the pools */
    uint64_t context_fit_tokens; /* largest context that fits this configuration; 0: not even the least */
    char first_misfit[96];       /* "layer 31", "output", "kv"; empty when it fits */

    struct pls_speed speed;
    struct pls_quality quality;
    double bits_per_weight; /* of the whole file; 0 unknown */
    double quant_floor_bpw; /* least worth offering for this size and task */

    uint32_t n_notes;
    struct pls_note notes[PLS_PLAN_MAX_NOTES];
};
void pls_plan_note(struct pls_plan *p, const char *code, const char *fmt, ...) PLS_PRINTF(3, 4);

/* The whole question at once: types, cache, buffers, placement, speed and quality of `model` under `ask` on
 * `machine` (budgets applied). scratch is used and given back. A configuration that does not fit is PLS_OK
 * with fit NO. PLS_REFUSED: the engine or the quantizer would refuse, the sentence says why. */
enum pls_code pls_plan_make(const struct pls_model *model, const struct pls_ask *ask,
                            const struct pls_machine *machine, const struct pls_rates *rates,
                            struct pls_arena *scratch, struct pls_plan *out, struct pls_err *err);

/* Several plans resident at once. */
struct pls_together {
    bool fits;
    uint64_t total_bytes;
    int64_t margin_bytes;  /* least over the pools that hold something */
    int32_t tightest_pool; /* which one that is */
};
/* Sums n plans of one machine pool by pool; a pool within another counts against both. */
void pls_plan_together(const struct pls_plan plans[], uint32_t n, const struct pls_machine *machine,
                       struct pls_together *out);
/* Takes what the plan holds out of the machine's budgets, so that the next model is placed into what is left.
 */
void pls_plan_claim(struct pls_machine *machine, const struct pls_plan *plan);

/* Bytes only: everything of pls_plan_make() but speed, quality, context_fit_tokens and advice. Asking many
 * contexts or splits of one model and quant is cheaper with a layout (place.h). */
enum pls_code pls_place(const struct pls_model *model, const struct pls_ask *ask,
                        const struct pls_machine *machine, struct pls_arena *scratch, struct pls_plan *out,
                        struct pls_err *err);

/* Whether the machine has what the ask wants to run on (backend, engine), which no model changes: PLS_USAGE
 * or PLS_REFUSED with the reason when it has not. */
enum pls_code pls_place_check(const struct pls_ask *ask, const struct pls_machine *machine,
                              struct pls_err *err);

/* Fills speed from out->shares[].traffic (plimsoll(7), SPEED); never fails: what is unknown stays 0. */
void pls_speed_predict(const struct pls_card *card, const struct pls_machine *machine,
                       const struct pls_rates *rates, struct pls_plan *plan);
/* The same for decode alone, at half the cost: the numbers of a prompt stay 0. */
void pls_speed_predict_decode(const struct pls_card *card, const struct pls_machine *machine,
                              const struct pls_rates *rates, struct pls_plan *plan);

/* Billions of parameters that count for how well a model bears quantization: all of a dense one, the
 * geometric mean of all and active for a mixture of experts. 0 when unknown. */
double pls_quality_size(const struct pls_card *card);

/* Whether GGUF files of a Hugging Face repository ("owner/name") were made with an importance matrix; false
 * when it is not known to. */
bool pls_quality_repo_imatrix(const char *repo);
/* Whether a quantized K cache costs a model what it costs most, which is little. Not so Gemma 4: a KL
 * divergence of .11 to .38 at q8_0. */
bool pls_quality_bears_quantized_k(const struct pls_card *card);

/* Fills quality, bits_per_weight and quant_floor_bpw from card, effective bits per weight, cache types and
 * context (plimsoll(7), QUANTIZATION LOSS). */
void pls_quality_predict(const struct pls_card *card, enum pls_task task, struct pls_plan *plan);
/* The same under a policy (rank.h), which says how far a guess is trusted; else it is the default one of the
 * task. */
struct pls_policy;
void pls_quality_by_policy(const struct pls_card *card, const struct pls_policy *policy,
                           struct pls_plan *plan);

#endif
