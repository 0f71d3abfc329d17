/* A card from a GGUF header. Numbers come from the keys; what a key cannot say (tying, biases, fused tensors,
 * which layer is of which kind) is read off the tensor list, never inferred: vendors' files differ from their
 * own configs. */
#include "gguf/gguf_card.h"

#include <stdlib.h>
#include <string.h>

#include "plimsoll/text.h"

/* Key of the architecture's own name space: "llama.block_count". */
static const struct gguf_key *arch_key(const struct gguf_header *h, const char *arch, const char *name)
{
    char full[128];
    struct pls_text t = PLS_TEXT(full);
    pls_text_add(&t, "%s.%s", arch, name);
    return gguf_find(h, full);
}

/* Scalar keys with a field of their own. Arrays in their place are read per layer elsewhere. */
static const struct {
    const char *key;
    size_t offset;
} numbers[] = {
#define NUMBER(key, field) { key, offsetof(struct pls_card, field) }
    NUMBER("context_length", context_max_tokens),
    NUMBER("embedding_length", n_embd),
    NUMBER("nextn_predict_layers", n_mtp_layers),
    NUMBER("attention.key_length", head_dim),
    NUMBER("attention.value_length", head_dim_v),
    NUMBER("attention.key_length_swa", head_dim_swa),
    NUMBER("attention.value_length_swa", head_dim_v_swa),
    NUMBER("attention.sliding_window", sliding_window),
    NUMBER("attention.shared_kv_layers", n_kv_shared_layers),
    NUMBER("attention.q_lora_rank", q_lora_rank),
    NUMBER("attention.kv_lora_rank", kv_lora_rank),
    NUMBER("attention.indexer.head_count", index_n_head),
    NUMBER("attention.indexer.key_length", index_head_dim),
    NUMBER("attention.indexer.top_k", index_topk),
    NUMBER("rope.dimension_count", n_rot),
    NUMBER("expert_count", n_expert),
    NUMBER("expert_used_count", n_expert_used),
    NUMBER("expert_shared_count", n_expert_shared),
    NUMBER("expert_feed_forward_length", n_ff_exp),
    NUMBER("expert_shared_feed_forward_length", n_ff_shexp),
    NUMBER("leading_dense_block_count", n_dense_lead),
    NUMBER("interleave_moe_layer_step", moe_layer_step),
    NUMBER("moe_latent_size", moe_latent),
    NUMBER("expert_group_count", n_expert_group),
    NUMBER("expert_group_used_count", n_expert_group_used),
    NUMBER("expert_gating_func", expert_gating),
    NUMBER("ssm.conv_kernel", ssm_conv),
    NUMBER("shortconv.l_cache", ssm_conv),
    NUMBER("ssm.state_size", ssm_state),
    NUMBER("ssm.inner_size", ssm_inner),
    NUMBER("ssm.time_step_rank", ssm_heads),
    NUMBER("ssm.group_count", ssm_groups),
    NUMBER("kda.head_dim", kda_head_dim),
    NUMBER("full_attention_interval", full_attention_interval),
    NUMBER("embedding_length_per_layer_input", n_embd_per_layer),
    NUMBER("n_deepstack_layers", n_deepstack),
    NUMBER("altup.num_inputs", n_altup),
#undef NUMBER
};

static enum pls_code take_u32(const struct gguf_header *h, const char *arch, const char *name, uint32_t *out,
                              struct pls_err *err)
{
    const struct gguf_key *key = arch_key(h, arch, name);
    if (key == NULL || key->is_array) {
        return PLS_OK;
    }
    uint64_t value = 0;
    if (!gguf_number(key, 0, &value) || value > UINT32_MAX) {
        return pls_fail(err, PLS_FORMAT, "key %s.%s is not a count below 2^32", arch, name);
    }
    *out = (uint32_t)value;
    return PLS_OK;
}

/* Keys that may be a number or one per layer; fills values[0..n). Layers past a short array keep 0. */
static enum pls_code take_layers(const struct gguf_header *h, const struct pls_card *card, const char *name,
                                 uint32_t values[PLS_MAX_LAYERS], struct pls_err *err)
{
    const struct gguf_key *key = arch_key(h, card->arch, name);
    uint32_t n = card->n_layers + card->n_mtp_layers;
    for (uint32_t i = 0; key != NULL && i < n; i++) {
        uint64_t value = 0;
        if (key->is_array && i >= key->count) {
            break;
        }
        if (!gguf_number(key, key->is_array ? i : 0, &value) || value > UINT32_MAX) {
            return pls_fail(err, PLS_FORMAT, "key %s.%s is not a count below 2^32", card->arch, name);
        }
        values[i] = (uint32_t)value;
    }
    return PLS_OK;
}

static uint32_t largest(const uint32_t *values, uint32_t n)
{
    uint32_t best = 0;
    for (uint32_t i = 0; i < n; i++) {
        best = values[i] > best ? values[i] : best;
    }
    return best;
}

static enum pls_code take_heads(const struct gguf_header *h, struct pls_card *card, struct pls_err *err)
{
    uint32_t head[PLS_MAX_LAYERS] = { 0 };
    uint32_t kv[PLS_MAX_LAYERS] = { 0 };
    uint32_t ff[PLS_MAX_LAYERS] = { 0 };
    enum pls_code code = take_layers(h, card, "attention.head_count", head, err);
    if (code == PLS_OK && arch_key(h, card->arch, "attention.head_count_kv") != NULL) {
        code = take_layers(h, card, "attention.head_count_kv", kv, err);
    } else {
        memcpy(kv, head, sizeof(kv)); /* the engine's default: as many as query heads */
    }
    code = code == PLS_OK ? take_layers(h, card, "feed_forward_length", ff, err) : code;
    uint32_t n = card->n_layers + card->n_mtp_layers;
    for (uint32_t i = 0; code == PLS_OK && i < n; i++) {
        if (head[i] > UINT16_MAX || kv[i] > UINT16_MAX) {
            return pls_fail(err, PLS_FORMAT, "layer %u claims %u heads", i,
                            head[i] > kv[i] ? head[i] : kv[i]);
        }
        card->head[i] = (uint16_t)head[i];
        card->head_kv[i] = (uint16_t)kv[i];
        card->ff[i] = ff[i];
    }
    card->n_head = largest(head, n);
    card->n_head_kv = largest(kv, n);
    card->n_ff = largest(ff, n);
    return code;
}

/* MLA files state the compressed widths as key_length and the real ones as *_mla; older files have no *_mla
 * keys. */
static enum pls_code take_mla(const struct gguf_header *h, struct pls_card *card, struct pls_err *err)
{
    if (card->kv_lora_rank == 0) {
        return PLS_OK;
    }
    uint32_t key_mla = 0;
    uint32_t value_mla = 0;
    enum pls_code code = take_u32(h, card->arch, "attention.key_length_mla", &key_mla, err);
    code = code == PLS_OK ? take_u32(h, card->arch, "attention.value_length_mla", &value_mla, err) : code;
    if (code != PLS_OK) {
        return code;
    }
    card->qk_rope_dim = card->n_rot;
    card->legacy_mla = key_mla == 0;
    uint32_t width = card->legacy_mla ? card->head_dim : key_mla;
    if (width < card->qk_rope_dim) {
        return pls_fail(err, PLS_FORMAT, "key %s.attention.key_length_mla is below the rotated width",
                        card->arch);
    }
    card->qk_nope_dim = width - card->qk_rope_dim;
    card->head_dim = width;
    card->head_dim_v = card->legacy_mla ? card->head_dim_v : value_mla;
    return PLS_OK;
}

struct layer_seen {
    bool q, qkv, k, v, ssm, gdn, kda, conv, experts, ffn;
};

static void see_tensor(struct layer_seen *seen, const char *part)
{
    static const struct {
        const char *part;
        size_t flag;
    } parts[] = {
#define PART(name, field) { name, offsetof(struct layer_seen, field) }
        PART("attn_q.weight", q),
        PART("attn_q_a.weight", q),
        PART("attn_q_b.weight", q),
        PART("attn_qkv.weight", qkv),
        PART("attn_k.weight", k),
        PART("attn_v.weight", v),
        PART("ssm_in.weight", ssm),
        PART("attn_gate.weight", gdn),
        PART("ssm_conv1d_q.weight", kda),
        PART("shortconv.conv.weight", conv),
        PART("ffn_up_exps.weight", experts),
        PART("ffn_gate_up_exps.weight", experts),
        PART("ffn_down_exps.weight", experts),
        PART("ffn_up.weight", ffn),
        PART("ffn_down.weight", ffn),
#undef PART
    };
    for (size_t i = 0; i < PLS_COUNT_OF(parts); i++) {
        if (strcmp(part, parts[i].part) == 0) {
            *(bool *)((char *)seen + parts[i].flag) = true;
        }
    }
}

static char kind_of(const struct layer_seen *s, bool has_state)
{
    if (s->kda) {
        return PLS_LAYER_KDA;
    }
    if (s->conv) {
        return PLS_LAYER_CONV;
    }
    if (s->ssm) {
        return s->q || s->qkv ? PLS_LAYER_PARALLEL : PLS_LAYER_MAMBA2;
    }
    if (s->gdn && s->qkv && has_state) {
        return PLS_LAYER_GDN;
    }
    if (s->q || s->qkv) {
        return PLS_LAYER_FULL;
    }
    return s->experts ? PLS_LAYER_MOE : s->ffn ? PLS_LAYER_FFN : PLS_LAYER_NONE;
}

/* Explicit sliding pattern of the file: a period or one flag per layer. */
static void take_pattern(const struct gguf_header *h, struct pls_card *card)
{
    const struct gguf_key *key = arch_key(h, card->arch, "attention.sliding_window_pattern");
    uint32_t n = card->n_layers + card->n_mtp_layers;
    uint64_t value = 0;
    if (key == NULL) {
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (card->kind[i] != PLS_LAYER_FULL || !gguf_number(key, key->is_array ? i : 0, &value)) {
            continue;
        }
        bool is_sliding = key->is_array ? value != 0 : value > 1 && i % value < value - 1;
        card->kind[i] = is_sliding ? PLS_LAYER_SWA : PLS_LAYER_FULL;
    }
}

/* "blk.N.rest": N, and the rest; UINT32_MAX when the name is not of that form. */
static uint32_t layer_of(const char *name, const char **rest)
{
    char *end = NULL;
    unsigned long layer = strncmp(name, "blk.", 4) == 0 ? strtoul(name + 4, &end, 10) : 0;
    *rest = end != NULL && *end == '.' && layer < UINT32_MAX ? end + 1 : NULL;
    return *rest != NULL ? (uint32_t)layer : UINT32_MAX;
}

/* The blocks that have tensors are those that are counted; MTP blocks may have been left out. The engine
 * refuses anything else, and sizes would follow the one or the other. Encoder-decoders name their blocks
 * otherwise. */
static enum pls_code check_blocks(const struct gguf_header *h, const struct pls_card *card,
                                  struct pls_err *err)
{
    uint32_t blocks = 0;
    const char *rest = NULL;
    for (uint32_t i = 0; i < h->n_tensors; i++) {
        uint32_t layer = layer_of(h->tensors[i].name, &rest);
        blocks = rest != NULL && layer >= blocks ? layer + 1 : blocks;
    }
    if (blocks != 0 && (blocks < card->n_layers || blocks > card->n_layers + card->n_mtp_layers)) {
        return pls_fail(err, PLS_FORMAT, "%s.block_count is %u, but the tensors are of %u blocks", card->arch,
                        card->n_layers + card->n_mtp_layers, blocks);
    }
    return PLS_OK;
}

/* Kinds of layers. Plain attention throughout leaves kind empty, so that the architecture's own sliding
 * pattern holds. */
static void take_kinds(const struct gguf_header *h, struct pls_card *card)
{
    struct layer_seen seen[PLS_MAX_LAYERS] = { { 0 } };
    bool is_plain = arch_key(h, card->arch, "attention.sliding_window_pattern") == NULL;
    uint32_t n = card->n_layers + card->n_mtp_layers;
    for (uint32_t i = 0; i < h->n_tensors; i++) {
        const char *rest = NULL;
        uint32_t layer = layer_of(h->tensors[i].name, &rest);
        if (layer < n) {
            see_tensor(&seen[layer], rest);
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        card->kind[i] = kind_of(&seen[i], card->ssm_state > 0);
        is_plain = is_plain && card->kind[i] == PLS_LAYER_FULL;
        card->k_eq_v = card->k_eq_v || (seen[i].k && !seen[i].v);
    }
    take_pattern(h, card);
    if (is_plain) {
        memset(card->kind, 0, sizeof(card->kind));
    }
}

/* A tensor whose name ends so, in the lowest layer that has one; NULL when there is none. */
static const struct pls_tensor *tensor_like(const struct gguf_header *h, const char *suffix)
{
    for (uint32_t i = 0; i < h->n_tensors; i++) {
        if (pls_text_ends(h->tensors[i].name, suffix)) {
            return &h->tensors[i];
        }
    }
    return NULL;
}

static const struct pls_tensor *tensor_named(const struct gguf_header *h, const char *name)
{
    const struct pls_tensor *t = tensor_like(h, name);
    return t != NULL && strcmp(t->name, name) == 0 ? t : NULL;
}

static void take_traits(const struct gguf_header *h, struct pls_card *card)
{
    card->tied = tensor_named(h, "output.weight") == NULL;
    card->qkv_bias = tensor_like(h, ".attn_q.bias") != NULL || tensor_like(h, ".attn_qkv.bias") != NULL;
    card->o_bias = tensor_like(h, ".attn_output.bias") != NULL;
    card->mlp_bias = tensor_like(h, ".ffn_up.bias") != NULL;
    card->down_bias = !card->mlp_bias && tensor_like(h, ".ffn_down.bias") != NULL;
    card->norm_bias = tensor_like(h, ".attn_norm.bias") != NULL;
    card->head_bias = tensor_named(h, "output.bias") != NULL;
    card->moe_ungated =
        tensor_like(h, ".ffn_up_exps.weight") != NULL && tensor_like(h, ".ffn_gate_exps.weight") == NULL;
    card->mlp_ungated =
        tensor_like(h, ".ffn_up.weight") != NULL && tensor_like(h, ".ffn_gate.weight") == NULL;
    card->has_expert_bias = tensor_like(h, ".exp_probs_b.bias") != NULL;
    card->has_rope_freqs = tensor_like(h, "rope_freqs.weight") != NULL;
    card->has_long_rope = tensor_like(h, "rope_factors_long.weight") != NULL;
    card->fused_gate_up = tensor_like(h, ".ffn_gate_up_exps.weight") != NULL;
    card->has_ssm_norm = tensor_like(h, ".ssm_norm.weight") != NULL;
    card->has_attn_sinks = tensor_like(h, ".attn_sinks.weight") != NULL;
    card->mtp_in_file = card->n_mtp_layers > 0;
    card->mtp_has_embed = tensor_like(h, ".nextn.embed_tokens.weight") != NULL;
    const struct pls_tensor *t = tensor_like(h, ".laurel_l.weight");
    card->n_laurel = t != NULL && t->dims[1] <= UINT32_MAX ? (uint32_t)t->dims[1] : 0;
    t = tensor_like(h, ".attn_q_norm.weight");
    if (t != NULL) {
        card->qk_norm = t->n_dims == 1 && t->dims[0] > card->head_dim ? PLS_QK_NORM_FULL : PLS_QK_NORM_HEAD;
    }
    t = tensor_named(h, "token_types.weight");
    card->n_token_types = t != NULL && t->dims[1] <= UINT32_MAX ? (uint32_t)t->dims[1] : 0;
    t = tensor_named(h, "position_embd.weight");
    card->n_positions = t != NULL && t->dims[1] <= UINT32_MAX ? (uint32_t)t->dims[1] : 0;
}

static enum pls_code take_vocab(const struct gguf_header *h, struct pls_card *card, struct pls_err *err)
{
    const struct pls_tensor *embd = tensor_named(h, "token_embd.weight");
    const struct gguf_key *tokens = gguf_find(h, "tokenizer.ggml.tokens");
    uint64_t n = embd != NULL ? embd->dims[1] : tokens != NULL ? tokens->count : 0;
    if (n > UINT32_MAX) {
        return pls_fail(err, PLS_FORMAT, "a vocabulary of %llu tokens", (unsigned long long)n);
    }
    card->n_vocab = (uint32_t)n;
    return n > 0 ? PLS_OK : take_u32(h, card->arch, "vocab_size", &card->n_vocab, err);
}

static enum pls_code take_numbers(const struct gguf_header *h, struct pls_card *card, struct pls_err *err)
{
    uint32_t blocks = 0;
    enum pls_code code = take_u32(h, card->arch, "block_count", &blocks, err);
    for (size_t i = 0; code == PLS_OK && i < PLS_COUNT_OF(numbers); i++) {
        uint32_t *field = (uint32_t *)(void *)((char *)card + numbers[i].offset);
        code = take_u32(h, card->arch, numbers[i].key, field, err);
    }
    if (code != PLS_OK) {
        return code;
    }
    if (blocks == 0 || blocks > PLS_MAX_LAYERS || card->n_mtp_layers >= blocks) {
        return pls_fail(err, PLS_FORMAT, "%s.block_count is %u (1 to %d are possible)", card->arch, blocks,
                        PLS_MAX_LAYERS);
    }
    card->n_layers = blocks - card->n_mtp_layers;
    return PLS_OK;
}

enum pls_code gguf_card_from_header(const struct gguf_header *h, struct pls_card *card, struct pls_err *err)
{
    *card = (struct pls_card){ .source = PLS_SOURCE_GGUF, .native = PLS_TYPE_NONE };
    if (!gguf_string(gguf_find(h, "general.architecture"), card->arch, sizeof(card->arch))
        || card->arch[0] == '\0') {
        return pls_fail(err, PLS_FORMAT, "no general.architecture in the header");
    }
    gguf_string(gguf_find(h, "general.name"), card->name, sizeof(card->name));
    gguf_string(gguf_find(h, "general.license"), card->license, sizeof(card->license));
    gguf_string(gguf_find(h, "general.organization"), card->org, sizeof(card->org));
    enum pls_code code = take_numbers(h, card, err);
    code = code == PLS_OK ? check_blocks(h, card, err) : code;
    code = code == PLS_OK ? take_heads(h, card, err) : code;
    code = code == PLS_OK ? take_vocab(h, card, err) : code;
    code = code == PLS_OK ? take_mla(h, card, err) : code;
    if (code != PLS_OK) {
        return code;
    }
    double scale = 0;
    uint64_t flag = 0;
    card->experts_scaled =
        gguf_real(arch_key(h, card->arch, "expert_weights_scale"), &scale) && scale != 0 && scale != 1;
    card->experts_normed = gguf_number(arch_key(h, card->arch, "expert_weights_norm"), 0, &flag) && flag != 0;
    card->residual_unscaled =
        strncmp(card->arch, "granite", 7) == 0 && arch_key(h, card->arch, "residual_scale") == NULL;
    take_traits(h, card);
    take_kinds(h, card);
    for (uint32_t i = 0; i < h->n_tensors; i++) {
        card->params_total = pls_add(card->params_total, pls_tensor_elements(&h->tensors[i]));
    }
    return pls_card_complete(card, err);
}
