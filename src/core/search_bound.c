/* What a model in a quant could score at best: a bound that costs a microsecond, so that `fit` places only
 * what can still reach the rows shown.
 *
 * Everything is taken in the configuration's favour. Bytes from below: what a recipe gives the layers at
 * least, without tables that are looked up. Bits from above, for quality: what recipes give the larger
 * tensors, embedding and output in 8 bits, wider types where rows do not divide into blocks. The fastest
 * pools are filled first, the cache costs nothing, the whole budget stays free. tests/ranking.t compares the
 * rows found with those of a search that places everything. */
#include "core/search.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

/* Bits per weight of the tensors of a layer, at least and at most: a recipe gives some of them more than its
 * main type. Around the files of the catalog's models. */
struct bits {
    double least, most;
};

static struct bits layer_bits(enum pls_ftype ftype, double base)
{
    static const struct {
        enum pls_ftype ftype;
        struct bits bits;
    } recipes[] = {
        { PLS_FTYPE_Q5_K_M, { 5.5, 6.0 } },  { PLS_FTYPE_Q4_K_M, { 4.65, 5.3 } },
        { PLS_FTYPE_IQ4_XS, { 4.25, 4.9 } }, { PLS_FTYPE_Q3_K_M, { 3.7, 4.4 } },
        { PLS_FTYPE_IQ3_M, { 3.4, 4.0 } },   { PLS_FTYPE_IQ3_XXS, { 3.0, 3.6 } },
        { PLS_FTYPE_Q2_K, { 2.75, 3.5 } },   { PLS_FTYPE_IQ2_M, { 2.5, 3.2 } },
        { PLS_FTYPE_IQ2_XXS, { 2.0, 2.8 } },
    };
    for (size_t i = 0; i < PLS_COUNT_OF(recipes); i++) {
        if (recipes[i].ftype == ftype) {
            return recipes[i].bits;
        }
    }
    return (struct bits){ base, base * 1.03 };
}

/* Rows that a type's blocks do not divide get a wider type in its place. */
enum rows { ROWS_DIVIDE, ROWS_DIVIDE_BY_32, ROWS_ODD };

static enum rows rows_of(const struct pls_card *card)
{
    uint32_t odd = card->n_embd | card->n_ff | card->n_ff_exp | card->n_ff_shexp | card->ssm_inner
                   | card->moe_latent | card->n_embd_per_layer | card->head_dim_v * card->n_head;
    for (uint32_t i = 0; i < card->n_layers; i++) {
        odd |= card->ff[i] | card->head[i] * card->head_dim_v;
    }
    return odd % 32 != 0 ? ROWS_ODD : odd % 256 != 0 ? ROWS_DIVIDE_BY_32 : ROWS_DIVIDE;
}

/* Most bits per weight of a layer's tensors. */
static double most_bits(const struct pls_card *card, const struct pls_quant *q, double base)
{
    if (q->format != PLS_FORMAT_GGUF) {
        return fmax(base * 1.1, 6); /* routers, gates and convolutions stay in 16 bits */
    }
    double most = layer_bits(q->ftype, base).most;
    switch (rows_of(card)) {
    case ROWS_ODD:
        return fmax(most, 16);
    case ROWS_DIVIDE_BY_32: /* Q2_K and below become Q4_0 or IQ4_NL, Q6_K Q8_0 */
        return fmax(most * 1.35, 5.5);
    case ROWS_DIVIDE:
        break;
    }
    return most;
}

/* Of other packagings than GGUF those of the catalog's ladders; 0: not known beforehand. */
static double base_bits(const struct pls_quant *q)
{
    if (q->format == PLS_FORMAT_MLX) {
        bool is_affine = q->bits > 0 && q->bits_high == 0 && q->group > 0;
        return is_affine ? q->bits + 32.0 / q->group : 0; /* a scale and an offset in 16 bits */
    }
    if (q->format != PLS_FORMAT_GGUF) {
        bool is_grouped = q->format == PLS_FORMAT_AWQ || q->format == PLS_FORMAT_GPTQ;
        return is_grouped ? q->bits : q->format == PLS_FORMAT_FP8 ? 8 : 0;
    }
    enum pls_type type = pls_ftype_base(q->ftype);
    const struct pls_type_info *info = type != PLS_TYPE_NONE ? pls_type_info(type) : NULL;
    return info != NULL && info->name != NULL ? 8.0 * info->bytes / info->block : 0;
}

/* Most bytes of tensor data: upper bound of what quality sees. */
static double most_bytes(const struct pls_card *card, const struct pls_quant *q, double base)
{
    double params = (double)card->params_total;
    double tables = (double)card->n_vocab * card->n_embd * (card->tied ? 1 : 2)
                    + (double)card->n_embd_per_layer * card->n_layers * card->n_vocab;
    double positions = (double)(card->n_positions + card->n_token_types) * card->n_embd; /* left in F32 */
    tables = fmin(tables, params);
    bool is_plain = q->format != PLS_FORMAT_GGUF && q->format != PLS_FORMAT_MLX; /* tables stay as they are */
    double of_tables = is_plain ? 16 : fmax(8.5, base);
    double bits = (params - tables) * most_bits(card, q, base) + tables * of_tables + 32 * positions;
    return 1.02 * bits / 8;
}

/* Fewest bytes that have to lie in memory: MTP blocks need not, and counts are rounded. */
static double least_bytes(const struct pls_card *card, const struct pls_quant *q, double base)
{
    return 0.96 * (double)card->params_total * layer_bits(q->ftype, base).least / 8;
}

/* What is read for every token and what only when its expert is called, in parameters. */
struct parts {
    double dense, experts, active_dense, active_experts;
};

/* Parameters that a token needs, at least: where nobody counted them, experts could be all there is. */
static double active_of(const struct pls_card *card)
{
    bool is_known = card->params_active != 0 || card->n_expert == 0;
    double share = is_known ? 1 : (double)card->n_expert_used / card->n_expert;
    return card->params_active != 0 ? (double)card->params_active : share * (double)card->params_total;
}

static struct parts parts_of(const struct pls_card *card)
{
    double total = (double)card->params_total;
    double active = active_of(card);
    struct parts p = { .dense = total, .active_dense = active };
    if (card->n_expert > card->n_expert_used && card->n_expert_used > 0 && active < total) {
        /* total = dense + experts, active = dense + experts * used / all */
        double share = (double)card->n_expert_used / card->n_expert;
        p.experts = fmin((total - active) / (1 - share), total);
        p.dense = total - p.experts;
        p.active_experts = p.experts * share;
        p.active_dense = fmax(active - p.active_experts, 0);
    }
    /* what is looked up by row stays in RAM and costs no time */
    double looked_up = (double)card->n_vocab * card->n_embd * (card->tied ? 0 : 1)
                       + (double)card->n_embd_per_layer * card->n_layers * card->n_vocab;
    p.dense = fmax(p.dense - looked_up, 0);
    return p;
}

static int32_t fastest_unused(const struct pls_machine *m, const bool *used)
{
    int32_t best = -1;
    for (uint32_t i = 0; i < m->n_pools; i++) {
        if (!used[i]
            && (best < 0 || m->pools[i].bandwidth_gbs > m->pools[best].bandwidth_gbs
                || (m->pools[i].kind != PLS_POOL_RAM && m->pools[best].kind == PLS_POOL_RAM))) {
            best = (int32_t)i;
        }
    }
    return best;
}

static double share_of(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

/* The pools in order of speed, each filled to its budget, what every token needs before experts. */
static uint32_t fill_pools(const struct pls_machine *m, struct pls_plan *p, double bytes,
                           const struct pls_card *card)
{
    struct parts parts = parts_of(card);
    double of_param = bytes / (double)card->params_total;
    double dense = parts.dense * of_param, experts = parts.experts * of_param;
    bool used[PLS_MAX_POOLS] = { false };
    double taken[PLS_MAX_POOLS] = { 0 }; /* by pools within */
    uint32_t n = 0;
    for (uint32_t round = 0; round < m->n_pools && dense + experts > 0; round++) {
        int32_t best = fastest_unused(m, used);
        int32_t outer = m->pools[best].within;
        double room = (double)m->pools[best].budget_bytes - taken[best];
        room = outer >= 0 ? fmin(room, (double)m->pools[outer].budget_bytes - taken[outer]) : room;
        room = fmax(room, 0);
        double here = fmin(dense, room);
        double there = fmin(experts, room - here);
        if (outer >= 0) {
            taken[outer] += here + there;
        }
        double active = parts.active_dense * share_of(here, parts.dense * of_param)
                        + parts.active_experts * share_of(there, parts.experts * of_param);
        struct pls_share *s = &p->shares[n++];
        memset(s, 0, sizeof(*s));
        used[best] = true;
        dense -= here;
        experts -= there;
        s->pool = best;
        s->n_layers = (uint32_t)((here + there) / bytes * card->n_layers);
        s->traffic.active_params = (uint64_t)active;
        s->traffic.n_layers = s->n_layers;
        s->traffic.repacked = true;
        s->budget_bytes = m->pools[best].budget_bytes;
    }
    return dense + experts > 0.5 ? 0 : n;
}

/* Bytes read per token at least, in the recipe's main type. */
static void read_bytes(const struct pls_card *card, const struct pls_quant *q, double base,
                       struct pls_plan *p)
{
    double active = active_of(card);
    double table = (double)card->n_vocab * card->n_embd * (card->tied ? 0 : 1);
    double bytes = fmax(active - table, 0.5 * active) * layer_bits(q->ftype, base).least / 8 * 0.97;
    double whole = (double)card->params_total;
    enum pls_type type = q->format == PLS_FORMAT_GGUF ? pls_ftype_base(q->ftype) : pls_type_of_bits(base);
    for (uint32_t i = 0; i < p->n_shares; i++) {
        double share = (double)p->shares[i].traffic.active_params / active;
        p->shares[i].traffic.weights_by_type[type] = (uint64_t)(whole > 0 ? share * bytes : 0);
    }
}

/* All but the arrays that are counted: they are most of a plan, and this runs for every configuration there
 * is. */
static void clear(struct pls_plan *p)
{
    size_t after = offsetof(struct pls_plan, fit);
    memset(p, 0, offsetof(struct pls_plan, shares));
    memset((char *)p + after, 0, offsetof(struct pls_plan, notes) - after);
}

static const struct pls_search_bound anything = { HUGE_VAL, HUGE_VAL, HUGE_VAL };
static const struct pls_search_bound nothing = { -HUGE_VAL, -HUGE_VAL, -HUGE_VAL };

struct pls_search_bound pls_search_bound(const struct pls_search *f, const struct pls_card *card,
                                   const struct pls_quant *quant, struct pls_plan *plan)
{
    const struct pls_search_ask *ask = &f->ask;
    const struct pls_machine *m = f->machine;
    const struct pls_policy *policy = &ask->policy;
    double base = base_bits(quant);
    if (base <= 0 || card->params_total == 0) {
        return anything; /* nothing is known beforehand: it has to be placed */
    }
    clear(plan);
    plan->ask = ask->ask;
    plan->ask.quant = *quant;
    plan->n_shares = fill_pools(m, plan, least_bytes(card, quant, base), card);
    if (plan->n_shares == 0) {
        return nothing; /* larger than all memory */
    }
    read_bytes(card, quant, base, plan);
    plan->tensor_data_bytes = (uint64_t)most_bytes(card, quant, base);
    plan->setting.type_k = ask->ask.type_k;
    plan->setting.type_v = ask->ask.type_v;
    plan->margin_bytes = 1;
    plan->fit = PLS_FIT_YES;
    pls_quality_by_policy(card, policy, plan); /* before a context is set: a short cache loses least */
    uint64_t most = card->context_max_tokens != 0 ? card->context_max_tokens : UINT64_MAX;
    plan->setting.n_ctx_seq = pls_min(policy->wish_context_tokens, most);
    pls_speed_predict_decode(card, m, f->rates, plan);
    plan->speed.decode_tps *=
        rows_of(card) == ROWS_DIVIDE ? 1.05 : 1.2; /* types of other blocks unpack at other rates */
    plan->speed.prefill_tps = HUGE_VAL;            /* few models only read: all are placed */
    struct pls_merit merit = pls_rank_merit(policy, plan);
    return (struct pls_search_bound){ pls_rank_key(merit.score, merit.reasons), plan->quality.score,
                                   merit.speed_tps };
}
