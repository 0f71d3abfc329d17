/* What a quantization and a cache type cost in quality.
 *
 * Model, fitted to 3,035 published measurements of 122 models (KL divergence, perplexity and benchmark scores
 * of GGUF, EXL, GPTQ, AWQ and MLX files, 2023 to 2026):
 *
 *     D = 0.050 * (8 / N)^0.52 * (4 / b)^5 * F      divergence at short context, nats per token
 *     M = 0.050 * (8 / N)^0.75 * (4 / b)^5 * F      loss of the above-chance MMLU score, as -ln(1 - loss)
 *     retention = exp(-tau * M)
 *
 * b: bits per weight of the whole file, N: billions of parameters (for a mixture of experts the geometric
 * mean of all and active), F: family of the quantization, tau: how much more a task class loses than MMLU.
 * Inside one model the order is reliable; between families the size is good to a factor of 2 (log-sd 0.73),
 * which is the range that is printed. */
#include <math.h>
#include <string.h>

#include "plimsoll/publisher.h"
#include "plimsoll/rank.h"

/* Loss of a task class relative to MMLU's (chance-corrected): HellaSwag and IFEval 0.7, code by KLD 1.8,
 * MMLU-Pro to MATH-500 about 2.5 for reasoning. Vision and tools have no measurements of their own: as chat,
 * and as code. */
static double task_tau(enum pls_task task)
{
    static const double tau[PLS_TASK_COUNT] = {
        [PLS_TASK_CHAT] = 0.7,   [PLS_TASK_CODE] = 1.8,       [PLS_TASK_REASONING] = 2.5,
        [PLS_TASK_VISION] = 0.7, [PLS_TASK_EMBEDDING] = 1.0,  [PLS_TASK_TOOLS] = 1.8,
        [PLS_TASK_RERANK] = 1.0, [PLS_TASK_MODERATION] = 1.0,
    };
    return task < PLS_TASK_COUNT ? tau[task] : 1.0;
}

enum style { STYLE_PLAIN, STYLE_I, STYLE_K, STYLE_FLAT };

static enum style style_of(enum pls_ftype ftype)
{
    const char *name = pls_ftype_name(ftype);
    if (name == NULL || ftype == PLS_FTYPE_F32 || ftype == PLS_FTYPE_F16 || ftype == PLS_FTYPE_BF16) {
        return STYLE_PLAIN;
    }
    if (name[0] == 'I' || name[0] == 'T') {
        return STYLE_I;
    }
    return strstr(name, "_K") != NULL ? STYLE_K : STYLE_FLAT;
}

/* From what its owner is known to do; an unknown owner is not given credit. */
bool pls_quality_repo_imatrix(const char *repo)
{
    const struct pls_publisher *publisher = pls_publisher_of(repo);
    return publisher != NULL && publisher->imatrix;
}

/* F for GGUF recipes, by style, imatrix and bits per weight b. */
static double gguf_factor(const struct pls_quant *q, bool imatrix, double b)
{
    /* [imatrix][b < 3.6, <= 4.4, above] */
    static const double k[2][3] = { { 3.0, 1.8, 1.3 }, { 1.35, 1.1, 1.0 } };
    size_t band = b < 3.6 ? 0 : b <= 4.4 ? 1 : 2;
    double i = b < 3.6 ? 1.0 : 0.9;
    if (q->from_name) {
        return 1.2; /* hand-made mixtures at their own, larger size */
    }
    switch (style_of(q->ftype)) {
    case STYLE_I:
        return imatrix ? i
                       : 2.0 * i; /* static I-quants: no row of their own; as static K against imatrix K */
    case STYLE_K:
        return q->ftype == PLS_FTYPE_Q3_K_S && imatrix ? 1.6 : k[imatrix ? 1 : 0][band];
    case STYLE_FLAT:
        return q->ftype == PLS_FTYPE_Q4_1   ? 1.1
               : q->ftype == PLS_FTYPE_Q8_0 ? 1.0
               : q->ftype == PLS_FTYPE_Q4_0 ? 1.4
                                            : 1.2;
    case STYLE_PLAIN:
        break;
    }
    return 1.0;
}

/* F of the other packagings at the bits per weight of their files. */
static double format_factor(const struct pls_card *card, const struct pls_quant *q, double b)
{
    switch (q->format) {
    case PLS_FORMAT_GGUF:
        return gguf_factor(q, q->imatrix || pls_quality_repo_imatrix(card->gguf_repo), b);
    case PLS_FORMAT_MLX:
        return 2.0; /* affine, 4 bit: KLD .0625 against .028 of Q4_K_M */
    case PLS_FORMAT_GPTQ:
    case PLS_FORMAT_AWQ:
        return 1.4;
    case PLS_FORMAT_BNB:
        return q->bits == 4 ? 1.9 : 1.0;
    case PLS_FORMAT_FP8:
    case PLS_FORMAT_SAFETENSORS:
    case PLS_FORMAT_COUNT:
        break;
    }
    return 1.0;
}

double pls_quality_size(const struct pls_card *card)
{
    double total = (double)card->params_total / 1e9;
    double active = (double)card->params_active / 1e9;
    return card->n_expert > 0 && active > 0 ? sqrt(total * active) : total;
}

/* Clamped to the range that was measured. */
static double effective_size(const struct pls_card *card)
{
    double n = pls_quality_size(card);
    return n < 0.5 ? 0.5 : n > 70 ? 70 : n;
}

/* D of a cache type pair at 8k tokens. K needs at least the precision of V: K errors weigh about nine times
 * as much. */
static double cache_divergence(enum pls_type k, enum pls_type v)
{
    double k_bits = 8.0 * pls_type_info(k)->bytes / pls_type_info(k)->block;
    double v_bits = 8.0 * pls_type_info(v)->bytes / pls_type_info(v)->block;
    double of_k = k_bits >= 16 ? 0 : k_bits >= 8 ? 0.0013 : k_bits >= 5 ? 0.006 : 0.018;
    double of_v = v_bits >= 16 ? 0 : v_bits >= 8 ? 0.0007 : v_bits >= 5 ? 0.0012 : 0.0025;
    return of_k + of_v;
}

bool pls_quality_bears_quantized_k(const struct pls_card *card)
{
    return strcmp(card->arch, "gemma4") != 0;
}

/* What Gemma 4 loses more than others by a quantized cache: KLD .108 and .377 at q8_0, measured on the 31B
 * and 26B-A4B. */
static const double DELICATE = 50;

static double cache_loss(const struct pls_card *card, const struct pls_plan *plan)
{
    double d = cache_divergence(plan->setting.type_k, plan->setting.type_v);
    double context = (double)plan->setting.n_ctx_seq;
    d *= context > 8192 ? sqrt(context / 8192) : 1;
    d *= pls_quality_bears_quantized_k(card) ? 1 : DELICATE;
    return d * pow(8 / fmin(effective_size(card), 40), 0.75 - 0.52);
}

static bool is_native(const struct pls_card *card, const struct pls_quant *q)
{
    return card->native == PLS_TYPE_MXFP4
           && (q->ftype == PLS_FTYPE_MXFP4_MOE || q->stored == PLS_TYPE_MXFP4
               || style_of(q->ftype) == STYLE_PLAIN);
}

/* A model that nobody has scored counts for what its size, date and family make sure of: shown as it is, a
 * guess would stand beside measurements as if it were one. */
static double base_of(const struct pls_ability *ability, const struct pls_policy *policy)
{
    double doubt =
        ability->evidence == PLS_EVIDENCE_NONE ? policy->no_evidence_penalty * (double)ability->se : 0;
    return fmax((double)ability->score - doubt, 0);
}

void pls_quality_by_policy(const struct pls_card *card, const struct pls_policy *policy,
                           struct pls_plan *plan)
{
    enum pls_task task = policy->task;
    struct pls_quality *out = &plan->quality;
    const struct pls_ability *ability = &card->ability[task < PLS_TASK_COUNT ? task : PLS_TASK_CHAT];
    double loss = 0;
    plan->bits_per_weight =
        card->params_total > 0 ? 8.0 * (double)plan->tensor_data_bytes / (double)card->params_total : 0;
    plan->quant_floor_bpw = is_native(card, &plan->ask.quant) ? 0 : pls_rank_quant_floor(card, task);
    if (card->params_total > 0 && !is_native(card, &plan->ask.quant)) {
        double b = plan->bits_per_weight;
        double ratio = 4 / fmax(b, 0.5);
        loss = 0.050 * pow(8 / effective_size(card), 0.75) * ratio * ratio * ratio * ratio * ratio
               * format_factor(card, &plan->ask.quant, b);
    }
    loss += cache_loss(card, plan);
    double tau = task_tau(task);
    out->base = base_of(ability, policy);
    out->base_se = (double)ability->se;
    out->evidence = (enum pls_evidence)ability->evidence;
    out->retention = exp(-tau * loss);
    out->loss_low = 1 - exp(-tau * loss / 2);
    out->loss_high = 1 - exp(-tau * loss * 2);
    out->score = out->base * out->retention;
}

void pls_quality_predict(const struct pls_card *card, enum pls_task task, struct pls_plan *plan)
{
    struct pls_policy policy = pls_policy_default(task);
    pls_quality_by_policy(card, &policy, plan);
}
