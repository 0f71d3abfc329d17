/* Completing a card: per-layer arrays, attention patterns and bounds, once, so that nothing below asks again.
 *
 * Patterns and defaults are those llama.cpp gives an architecture when the file does not say (2026-08-22, its
 * per-architecture load_arch_hparams).
 */
#include "plimsoll/card.h"

#include <string.h>

#include "arch.h"
#include "card_traits.h"
#include "plimsoll/text.h"

/* Most of anything a card counts: far beyond every real model, small enough that products of three stay in 64
 * bits or saturate visibly. */
#define MAX_COUNT  ((uint32_t)1 << 27)
#define MAX_WIDTH  ((uint32_t)1 << 22)
#define MAX_HEAD   ((uint32_t)1 << 16) /* times 65,535 heads still fits 32 bits */
#define MAX_SHARED 512
#define MAX_MTP    16

/* How the layers of an architecture differ when a card does not list them. */
struct pattern {
    const char *arch;
    uint8_t period;  /* one full layer in that many, the others sliding */
    bool full_first; /* the full layer leads its period instead of ending it */
    uint32_t window; /* sliding window when none is given; 0: without a window every layer is full */
    char stateful;   /* kind of the layers without KV heads; 0 none */
};

static const struct pattern patterns[] = {
    { "gemma2", 2, false, 4096, 0 },
    { "gemma3", 6, false, 0, 0 },
    { "gemma3n", 5, false, 0, 0 },
    { "gemma-embedding", 6, false, 0, 0 },
    { "gpt-oss", 2, false, 0, 0 },
    { "cohere2", 4, false, 0, 0 },
    { "cohere2moe", 4, true, 0, 0 },
    { "llama4", 4, false, 8192, 0 },
    { "exaone4", 4, false, 0, 0 },
    { "exaone-moe", 4, false, 128, 0 },
    { "olmo2", 4, false, 0, 0 },
    { "afmoe", 4, false, 0, 0 },
    { "laguna", 4, true, 0, 0 },
    { "mellum", 4, false, 0, 0 },
    { "modern-bert", 3, true, 0, 0 },
    { "smallthinker", 4, true, 0, 0 },
    { "muse-glimmer", 4, false, 0, 0 },
    { "lfm2", 0, false, 0, PLS_LAYER_CONV },
    { "lfm2moe", 0, false, 0, PLS_LAYER_CONV },
    { "granitehybrid", 0, false, 0, PLS_LAYER_MAMBA2 },
    { "nemotron_h", 0, false, 0, PLS_LAYER_MAMBA2 },
    { "nemotron_h_moe", 0, false, 0, PLS_LAYER_MAMBA2 },
    { "kimi-linear", 0, false, 0, PLS_LAYER_KDA },
    { "jamba", 0, false, 0, PLS_LAYER_MAMBA1 },
    { "mamba", 0, false, 0, PLS_LAYER_MAMBA1 },
    { "mamba2", 0, false, 0, PLS_LAYER_MAMBA2 },
};

static const struct pattern *pattern_of(const char *arch)
{
    static const struct pattern plain = { "", 0, false, 0, 0 };
    for (size_t i = 0; i < PLS_COUNT_OF(patterns); i++) {
        if (pls_text_equal(patterns[i].arch, arch)) {
            return &patterns[i];
        }
    }
    return &plain;
}

/* Gated delta nets: every n-th layer is full attention. */
static const char *const gdn_archs[] = { "qwen3next", "qwen35", "qwen35moe" };
/* Blocks hold one thing only: attention, a state layer or a feed-forward part. */
static const char *const split_archs[] = { "nemotron_h", "nemotron_h_moe" };
/* Never keep a cache (llama.cpp creates no memory for them). */
static const char *const cacheless_archs[] = {
    "bert",        "jina-bert-v2",    "jina-bert-v3", "nomic-bert", "nomic-bert-moe", "neo-bert",  "eurobert",
    "modern-bert", "gemma-embedding", "t5encoder",    "dream",      "llada",          "llada-moe", "rnd1"
};

/* ---- bounds ---- */

struct bound {
    const char *key;
    uint32_t value;
    uint32_t least;
    uint32_t most;
};

static enum pls_code check_bounds(const struct bound *bounds, size_t n, struct pls_err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (bounds[i].value < bounds[i].least || bounds[i].value > bounds[i].most) {
            return pls_fail(err, PLS_FORMAT, "%s is %lu, which is not between %lu and %lu", bounds[i].key,
                            (unsigned long)bounds[i].value, (unsigned long)bounds[i].least,
                            (unsigned long)bounds[i].most);
        }
    }
    return PLS_OK;
}

static enum pls_code check_scalars(const struct pls_card *card, struct pls_err *err)
{
    const struct bound all[] = {
#define PLS_CARD_U32(field, key, note) { key, card->field, 0, MAX_COUNT },
#include "plimsoll/card_fields.def"
    };
    const struct bound needed[] = {
        { "n_layers", card->n_layers, 1, PLS_MAX_LAYERS },
        { "mtp_layers", card->n_mtp_layers, 0, MAX_MTP },
        { "n_layers with mtp_layers", card->n_layers + card->n_mtp_layers, 1, PLS_MAX_LAYERS },
        { "hidden_size", card->n_embd, 1, MAX_WIDTH },
        { "vocab_size", card->n_vocab, 1, MAX_COUNT },
        { "n_heads", card->n_head, 0, UINT16_MAX },
        { "n_kv_heads", card->n_head_kv, 0, UINT16_MAX },
        { "n_heads_swa", card->n_head_swa, 0, UINT16_MAX },
        { "n_kv_heads_swa", card->n_head_kv_swa, 0, UINT16_MAX },
        { "mtp_n_heads", card->n_head_mtp, 0, UINT16_MAX },
        { "head_dim", card->head_dim, 0, MAX_HEAD },
        { "v_head_dim", card->head_dim_v, 0, MAX_HEAD },
        { "head_dim_swa", card->head_dim_swa, 0, MAX_HEAD },
        { "v_head_dim_swa", card->head_dim_v_swa, 0, MAX_HEAD },
        { "qk_nope_head_dim", card->qk_nope_dim, 0, MAX_HEAD / 2 },
        { "qk_rope_head_dim", card->qk_rope_dim, 0, MAX_HEAD / 2 },
        { "index_head_dim", card->index_head_dim, 0, MAX_HEAD },
        { "kda_head_dim", card->kda_head_dim, 0, MAX_HEAD },
        { "intermediate_size", card->n_ff, 0, MAX_WIDTH },
        { "moe_intermediate_size", card->n_ff_exp, 0, MAX_WIDTH },
        { "n_experts", card->n_expert, 0, UINT16_MAX },
        { "n_experts_used", card->n_expert_used, 0, card->n_expert },
        { "n_shared_experts", card->n_expert_shared, 0, MAX_SHARED },
        { "ssm_conv_kernel", card->ssm_conv, 0, MAX_HEAD },
        { "ssm_state_size", card->ssm_state, 0, MAX_HEAD },
        { "ssm_n_heads", card->ssm_heads, 0, UINT16_MAX },
        { "ssm_n_groups", card->ssm_groups, 0, UINT16_MAX },
        { "kda_n_heads", card->kda_heads, 0, UINT16_MAX },
        { "ssm_inner", card->ssm_inner, 0, MAX_WIDTH },
        { "qk_norm", card->qk_norm, 0, PLS_QK_NORM_FULL },
        { "attn_output_gate", card->attn_gate, 0, PLS_ATTN_GATE_ELEMENT },
    };
    enum pls_code code = check_bounds(all, PLS_COUNT_OF(all), err);
    return code != PLS_OK ? code : check_bounds(needed, PLS_COUNT_OF(needed), err);
}

/* What the kinds of layer present cannot do without. */
static enum pls_code check_kinds(const struct pls_card *card, struct pls_err *err)
{
    static const char known[] = "FSGKLMmCPDENV";
    const struct {
        const char *kinds;
        const char *key;
        uint32_t value;
    } needs[] = {
        { "SV", "sliding_window", card->sliding_window }, { "GMmP", "ssm_state_size", card->ssm_state },
        { "GMmPKC", "ssm_conv_kernel", card->ssm_conv },  { "MmP", "ssm_inner", card->ssm_inner },
        { "GMP", "ssm_n_heads", card->ssm_heads },        { "GMP", "ssm_n_groups", card->ssm_groups },
        { "K", "kda_head_dim", card->kda_head_dim },      { "E", "n_experts", card->n_expert }
    };
    uint32_t n = card->n_layers + card->n_mtp_layers;
    for (uint32_t i = 0; i < n; i++) {
        if (card->kind[i] == '\0' || strchr(known, card->kind[i]) == NULL) {
            return pls_fail(err, PLS_FORMAT, "layer_kinds: layer %lu has no known kind", (unsigned long)i);
        }
    }
    for (size_t i = 0; i < PLS_COUNT_OF(needs); i++) {
        if (needs[i].value == 0 && card->kind[strcspn(card->kind, needs[i].kinds)] != '\0') {
            return pls_fail(err, PLS_FORMAT, "%s is not given, but the model has layers that need it",
                            needs[i].key);
        }
    }
    for (uint32_t i = 0; i < card->n_layers; i++) {
        if (card->ff[i] > MAX_WIDTH) {
            return pls_fail(err, PLS_FORMAT, "intermediate_size of layer %lu is %lu", (unsigned long)i,
                            (unsigned long)card->ff[i]);
        }
    }
    if (card->head_dim > MAX_HEAD) {
        return pls_fail(err, PLS_FORMAT, "hidden_size by n_heads leaves a head of %lu",
                        (unsigned long)card->head_dim);
    }
    if (card->kv_lora_rank > 0 && (card->qk_nope_dim == 0 || card->head_dim_v == 0)) {
        return pls_fail(err, PLS_FORMAT, "kv_lora_rank without qk_nope_head_dim and v_head_dim");
    }
    return PLS_OK;
}

/* ---- kinds ---- */

static bool has_any_head_kv(const struct pls_card *card)
{
    for (uint32_t i = 0; i < card->n_layers; i++) {
        if (card->head_kv[i] > 0) {
            return true;
        }
    }
    return false;
}

/* Sliding or full by the architecture's period. EXAONE 4 windows its 64-block model only; LFM2 all or
 * nothing. */
static char attention_kind(const struct pls_card *card, const struct pattern *p, uint32_t layer)
{
    uint32_t period = card->swa_period > 0 ? card->swa_period : p->period;
    if (card->sliding_window == 0 || (pls_card_is_arch(card, "exaone4") && card->n_layers != 64)) {
        return PLS_LAYER_FULL;
    }
    if (p->stateful == PLS_LAYER_CONV) {
        return PLS_LAYER_SWA;
    }
    if (period == 0) {
        return PLS_LAYER_FULL;
    }
    bool full = p->full_first ? layer % period == 0 : layer % period == period - 1;
    return full ? PLS_LAYER_FULL : PLS_LAYER_SWA;
}

static char kind_of(const struct pls_card *card, const struct pattern *p, uint32_t layer, bool kv_listed)
{
    if (layer >= card->n_layers) {
        return PLS_LAYER_FULL;
    }
    if (pls_card_is_arch(card, "falcon-h1")) {
        return PLS_LAYER_PARALLEL;
    }
    if (PLS_CARD_IS_ANY(card, gdn_archs)) {
        uint32_t interval = card->full_attention_interval > 0 ? card->full_attention_interval : 4;
        return (layer + 1) % interval == 0 ? PLS_LAYER_FULL : PLS_LAYER_GDN;
    }
    if (card->n_head == 0 && p->stateful != 0) {
        return p->stateful;
    }
    if (kv_listed && card->head_kv[layer] == 0) {
        if (PLS_CARD_IS_ANY(card, split_archs) && card->ff[layer] > 0) {
            return card->n_expert > 0 ? PLS_LAYER_MOE : PLS_LAYER_FFN;
        }
        return p->stateful != 0 ? p->stateful : PLS_LAYER_NONE;
    }
    return attention_kind(card, p, layer);
}

static enum pls_code fill_kinds(struct pls_card *card, struct pls_err *err)
{
    const struct pattern *p = pattern_of(card->arch);
    bool kv_listed = has_any_head_kv(card);
    uint32_t n = card->n_layers + card->n_mtp_layers;
    uint32_t from = (uint32_t)strlen(card->kind); /* kinds may be given for the trunk or for all */
    if (from != 0 && (from < card->n_layers || from > n)) {
        return pls_fail(err, PLS_FORMAT, "layer_kinds has %lu letters for %lu layers", (unsigned long)from,
                        (unsigned long)card->n_layers);
    }
    if (card->sliding_window == 0) {
        card->sliding_window = p->window;
    }
    for (uint32_t i = from; i < n; i++) {
        card->kind[i] = kind_of(card, p, i, kv_listed);
    }
    card->kind[n] = '\0';
    return PLS_OK;
}

/* ---- widths per layer ---- */

static uint32_t head_kv_of(const struct pls_card *card, uint32_t layer)
{
    char kind = card->kind[layer];
    if (kind != '\0' && strchr("MmCDENKL", kind) != NULL) {
        return 0;
    }
    if (pls_card_has(card, PLS_CARD_KEEPS_LATENT)) {
        return 1; /* the latent is stored as one head that all queries share */
    }
    return kind == PLS_LAYER_SWA && card->n_head_kv_swa > 0 ? card->n_head_kv_swa : card->n_head_kv;
}

static uint32_t head_of(const struct pls_card *card, uint32_t layer)
{
    if (layer >= card->n_layers && card->n_head_mtp > 0) {
        return card->n_head_mtp;
    }
    return card->kind[layer] == PLS_LAYER_SWA && card->n_head_swa > 0 ? card->n_head_swa : card->n_head;
}

static uint32_t ff_of(const struct pls_card *card, uint32_t layer)
{
    if (layer >= card->n_layers && card->n_ff_mtp > 0) {
        return card->n_ff_mtp;
    }
    if (pls_card_has(card, PLS_CARD_SPLIT_BLOCKS) && card->kind[layer] != PLS_LAYER_FFN) {
        return 0;
    }
    bool wide = card->double_wide_mlp && layer + card->n_kv_shared_layers >= card->n_layers;
    return wide ? 2 * card->n_ff : card->n_ff;
}

/* A source that lists a width per layer may leave the scalar out; the largest stands for it. */
static void scalars_from_lists(struct pls_card *card)
{
    uint32_t n = card->n_layers < PLS_MAX_LAYERS ? card->n_layers : PLS_MAX_LAYERS;
    uint32_t head = 0, head_kv = 0, ff = 0;
    for (uint32_t i = 0; i < n; i++) {
        head = card->head[i] > head ? card->head[i] : head;
        head_kv = card->head_kv[i] > head_kv ? card->head_kv[i] : head_kv;
        ff = card->ff[i] > ff ? card->ff[i] : ff;
    }
    card->n_head = card->n_head > 0 ? card->n_head : head;
    card->n_head_kv = card->n_head_kv > 0 ? card->n_head_kv : head_kv > 0 ? head_kv : card->n_head;
    card->n_ff = card->n_ff > 0 ? card->n_ff : ff;
}

static void fill_layers(struct pls_card *card)
{
    uint32_t n = card->n_layers + card->n_mtp_layers;
    bool head_listed = false, kv_listed = has_any_head_kv(card), ff_listed = false, indexer_listed = false;
    bool lead_is_plain = pls_card_is_arch(card, "minimax-m3");
    for (uint32_t i = 0; i < card->n_layers; i++) {
        head_listed = head_listed || card->head[i] > 0;
        ff_listed = ff_listed || card->ff[i] > 0;
        indexer_listed = indexer_listed || card->indexer[i] > 0;
    }
    for (uint32_t i = 0; i < n; i++) {
        bool trunk = i < card->n_layers;
        if (!(head_listed && trunk)) {
            card->head[i] = (uint16_t)head_of(card, i);
        }
        if (!(kv_listed && trunk)) {
            card->head_kv[i] = (uint16_t)head_kv_of(card, i);
        }
        if (!(ff_listed && trunk)) {
            card->ff[i] = ff_of(card, i);
        }
        if (!(indexer_listed && trunk)) {
            bool lead = lead_is_plain && i < card->n_dense_lead;
            card->indexer[i] = card->index_n_head > 0 && !lead;
        }
    }
}

static void fill_scalars(struct pls_card *card)
{
    if (card->head_dim == 0 && card->n_head > 0) {
        card->head_dim = card->n_embd / card->n_head;
    }
    if (card->head_dim_v == 0) {
        card->head_dim_v = card->head_dim;
    }
    if (card->n_expert > 0 && card->n_ff_exp == 0) {
        card->n_ff_exp = card->n_ff;
    }
    if (card->n_expert > 0 && card->n_ff_shexp == 0) {
        bool one = pls_card_is_arch(card, "llama4"); /* its files do not count the shared expert */
        card->n_ff_shexp = card->n_ff_exp * (one ? 1 : card->n_expert_shared);
    }
    if (pls_card_is_arch(card, "nomic-bert-moe") && card->moe_layer_step <= 1) {
        card->moe_layer_step = 2; /* its converter writes every second block with experts */
    }
    if (PLS_CARD_IS_ANY(card, gdn_archs) && card->ssm_inner == 0) {
        card->ssm_inner = card->ssm_state * card->ssm_heads;
    }
    if (card->kda_head_dim > 0 && card->kda_heads == 0) {
        card->kda_heads = card->n_head;
    }
    if (pls_card_is_arch(card, "gemma3n") && card->n_kv_shared_layers == 0 && card->n_layers > 20) {
        card->n_kv_shared_layers =
            card->n_layers - 20; /* the engine keeps the first 20 caches, a fixed number */
    }
    card->is_encoder = card->is_encoder || PLS_CARD_IS_ANY(card, cacheless_archs);
}

enum pls_code pls_card_complete(struct pls_card *card, struct pls_err *err)
{
    const struct pls_arch_row *row = pls_arch_row(card->arch);
    card->kind[PLS_MAX_LAYERS] = '\0';
    card->mtp_in_file = card->mtp_in_file || (row != NULL && (row->flags & R_KEEPS_MTP) != 0);
    if (!card->mtp_in_file) {
        card->n_mtp_layers = 0;
    }
    scalars_from_lists(card);
    enum pls_code code = check_scalars(card, err);
    if (code != PLS_OK) {
        return code;
    }
    code = fill_kinds(card, err);
    if (code != PLS_OK) {
        return code;
    }
    card->traits = pls_card_traits_of(card);
    fill_scalars(card);
    code = check_kinds(card, err);
    if (code == PLS_OK) {
        fill_layers(card);
    }
    return code;
}

bool pls_card_only_reads(const struct pls_card *card)
{
    const uint32_t reading = 1u << PLS_TASK_EMBEDDING | 1u << PLS_TASK_RERANK;
    return card->tasks != 0 ? (card->tasks & ~reading) == 0 : card->is_encoder;
}
