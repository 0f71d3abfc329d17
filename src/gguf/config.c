/* A card from a Hugging Face config.json. The file describes the checkpoint, not the GGUF made from it, so
 * what the converter decides (tied output, fused tensors) is taken as the converter does by default; a GGUF
 * header says more. Key names and their meaning: the configuration classes of the transformers library, 4.5x
 * to 5. */
#include <cjson/cJSON.h>
#include <string.h>

#include "gguf/json.h"
#include "gguf/readers.h"
#include "plimsoll/text.h"

/* model_type -> architecture of the engine, with what the type alone implies. */
struct family {
    const char *model_type;
    const char *arch;
    bool qkv_bias;          /* always, whatever attention_bias says */
    enum pls_qk_norm qk_norm;
    bool has_expert_bias;   /* a selection bias beside the router */
    bool has_sinks;
    bool is_ungated;        /* two feed-forward matrices */
    bool is_tied;           /* when the file does not say */
    bool has_norm_bias;
};

static const struct family families[] = {
    { .model_type = "llama", .arch = "llama" },
    { .model_type = "mistral", .arch = "llama" },
    { .model_type = "ministral3", .arch = "mistral3" },
    { .model_type = "mistral3", .arch = "mistral3" },
    { .model_type = "mixtral", .arch = "llama" },
    { .model_type = "qwen2", .arch = "qwen2", .qkv_bias = true },
    { .model_type = "qwen2_vl", .arch = "qwen2vl", .qkv_bias = true },
    { .model_type = "qwen2_vl_text", .arch = "qwen2vl", .qkv_bias = true },
    { .model_type = "qwen2_5_vl", .arch = "qwen2vl", .qkv_bias = true },
    { .model_type = "qwen2_5_vl_text", .arch = "qwen2vl", .qkv_bias = true },
    { .model_type = "qwen2_moe", .arch = "qwen2moe", .qkv_bias = true },
    { .model_type = "qwen3", .arch = "qwen3", .qk_norm = PLS_QK_NORM_HEAD },
    { .model_type = "qwen3_moe", .arch = "qwen3moe", .qk_norm = PLS_QK_NORM_HEAD },
    { .model_type = "qwen3_vl", .arch = "qwen3vl", .qk_norm = PLS_QK_NORM_HEAD },
    { .model_type = "qwen3_vl_text", .arch = "qwen3vl", .qk_norm = PLS_QK_NORM_HEAD },
    { .model_type = "qwen3_vl_moe", .arch = "qwen3vlmoe", .qk_norm = PLS_QK_NORM_HEAD },
    { .model_type = "qwen3_vl_moe_text", .arch = "qwen3vlmoe", .qk_norm = PLS_QK_NORM_HEAD },
    { .model_type = "qwen3_next", .arch = "qwen3next", .qk_norm = PLS_QK_NORM_HEAD },
    { .model_type = "qwen3_5", .arch = "qwen35", .qk_norm = PLS_QK_NORM_HEAD },
    { .model_type = "qwen3_5_text", .arch = "qwen35", .qk_norm = PLS_QK_NORM_HEAD },
    { .model_type = "qwen3_5_moe", .arch = "qwen35moe", .qk_norm = PLS_QK_NORM_HEAD },
    { .model_type = "qwen3_5_moe_text", .arch = "qwen35moe", .qk_norm = PLS_QK_NORM_HEAD },
    { .model_type = "gemma", .arch = "gemma", .is_tied = true },
    { .model_type = "gemma2", .arch = "gemma2", .is_tied = true },
    { .model_type = "gemma3", .arch = "gemma3", .qk_norm = PLS_QK_NORM_HEAD, .is_tied = true },
    { .model_type = "gemma3_text", .arch = "gemma3", .qk_norm = PLS_QK_NORM_HEAD, .is_tied = true },
    { .model_type = "gemma3n", .arch = "gemma3n", .qk_norm = PLS_QK_NORM_HEAD, .is_tied = true },
    { .model_type = "gemma3n_text", .arch = "gemma3n", .qk_norm = PLS_QK_NORM_HEAD, .is_tied = true },
    { .model_type = "gemma4", .arch = "gemma4", .qk_norm = PLS_QK_NORM_HEAD, .is_tied = true },
    { .model_type = "gemma4_text", .arch = "gemma4", .qk_norm = PLS_QK_NORM_HEAD, .is_tied = true },
    { .model_type = "phi3", .arch = "phi3" },
    { .model_type = "phimoe", .arch = "phimoe", .qkv_bias = true, .has_norm_bias = true },
    { .model_type = "phi", .arch = "phi2", .qkv_bias = true, .is_ungated = true, .has_norm_bias = true },
    { .model_type = "deepseek", .arch = "deepseek" },
    { .model_type = "deepseek_v2", .arch = "deepseek2" },
    { .model_type = "deepseek_v3", .arch = "deepseek2", .has_expert_bias = true },
    { .model_type = "kimi_k2", .arch = "deepseek2", .has_expert_bias = true },
    { .model_type = "glm4", .arch = "glm4" },
    { .model_type = "glm4_moe", .arch = "glm4moe", .qkv_bias = true, .has_expert_bias = true },
    { .model_type = "glm4_moe_lite", .arch = "deepseek2", .has_expert_bias = true },
    { .model_type = "gpt_oss", .arch = "gpt-oss", .qkv_bias = true, .has_sinks = true },
    { .model_type = "llama4", .arch = "llama4" },
    { .model_type = "llama4_text", .arch = "llama4" },
    { .model_type = "granite", .arch = "granite", .is_tied = true },
    { .model_type = "granitemoe", .arch = "granitemoe", .is_tied = true },
    { .model_type = "granitemoehybrid", .arch = "granitehybrid", .is_tied = true },
    { .model_type = "cohere", .arch = "command-r", .is_tied = true },
    { .model_type = "cohere2", .arch = "cohere2", .is_tied = true },
    { .model_type = "olmo2", .arch = "olmo2", .qk_norm = PLS_QK_NORM_FULL },
    { .model_type = "olmo3", .arch = "olmo2", .qk_norm = PLS_QK_NORM_FULL },
    { .model_type = "olmoe", .arch = "olmoe", .qk_norm = PLS_QK_NORM_FULL },
    { .model_type = "smollm3", .arch = "smollm3", .is_tied = true },
    { .model_type = "lfm2", .arch = "lfm2", .qk_norm = PLS_QK_NORM_HEAD, .is_tied = true },
    { .model_type = "lfm2_moe",
      .arch = "lfm2moe",
      .qk_norm = PLS_QK_NORM_HEAD,
      .has_expert_bias = true,
      .is_tied = true },
    { .model_type = "nemotron_h", .arch = "nemotron_h", .is_ungated = true },
    { .model_type = "falcon_h1", .arch = "falcon-h1" },
    { .model_type = "minimax_m2",
      .arch = "minimax-m2",
      .qk_norm = PLS_QK_NORM_FULL,
      .has_expert_bias = true },
    { .model_type = "kimi_linear", .arch = "kimi-linear", .has_expert_bias = true },
    { .model_type = "ernie4_5", .arch = "ernie4_5", .is_tied = true },
    { .model_type = "ernie4_5_moe", .arch = "ernie4_5-moe", .has_expert_bias = true, .is_tied = true },
    { .model_type = "hunyuan_v1_dense",
      .arch = "hunyuan-dense",
      .qk_norm = PLS_QK_NORM_HEAD,
      .is_tied = true },
    { .model_type = "hunyuan_v1_moe", .arch = "hunyuan-moe", .qk_norm = PLS_QK_NORM_HEAD, .is_tied = true },
    { .model_type = "seed_oss", .arch = "seed_oss", .qkv_bias = true },
    { .model_type = "exaone", .arch = "exaone" },
    { .model_type = "exaone4", .arch = "exaone4", .qk_norm = PLS_QK_NORM_HEAD },
    { .model_type = "starcoder2",
      .arch = "starcoder2",
      .qkv_bias = true,
      .is_ungated = true,
      .has_norm_bias = true },
    { .model_type = "stablelm", .arch = "stablelm", .has_norm_bias = true },
    { .model_type = "internlm2", .arch = "internlm2" },
    { .model_type = "minicpm", .arch = "minicpm", .is_tied = true },
    { .model_type = "falcon", .arch = "falcon", .is_ungated = true, .has_norm_bias = true, .is_tied = true },
    { .model_type = "baichuan", .arch = "baichuan" },
    { .model_type = "arcee", .arch = "arcee", .is_ungated = true },
    { .model_type = "dots1", .arch = "dots1", .qk_norm = PLS_QK_NORM_HEAD, .has_expert_bias = true },
    { .model_type = "bert", .arch = "bert", .qkv_bias = true, .is_ungated = true, .has_norm_bias = true },
    { .model_type = "xlm-roberta",
      .arch = "bert",
      .qkv_bias = true,
      .is_ungated = true,
      .has_norm_bias = true },
};

/* Names of one hyperparameter over the libraries' history; the first that is there counts. */
static const struct {
    size_t offset;
    const char *keys[4];
} counts[] = {
#define COUNT(field, ...) { offsetof(struct pls_card, field), { __VA_ARGS__ } }
    COUNT(n_embd, "hidden_size", "n_embd", "d_model"),
    COUNT(n_layers, "num_hidden_layers", "n_layer", "n_layers", "num_layers"),
    COUNT(n_head, "num_attention_heads", "n_head", "n_heads"),
    COUNT(n_head_kv, "num_key_value_heads", "num_kv_heads", "n_head_kv", "multi_query_group_num"),
    COUNT(head_dim, "head_dim", "kv_channels"),
    COUNT(n_ff, "intermediate_size", "ffn_hidden_size", "n_inner", "intermediate_size_mlp"),
    COUNT(n_vocab, "vocab_size", "padded_vocab_size"),
    COUNT(context_max_tokens, "max_position_embeddings", "n_positions", "seq_length", "model_max_length"),
    COUNT(sliding_window, "sliding_window", "attention_chunk_size"),
    COUNT(n_expert, "num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts"),
    COUNT(n_expert_used, "num_experts_per_tok", "num_experts_per_token", "moe_topk", "moe_k"),
    COUNT(n_expert_shared, "n_shared_experts", "num_shared_experts", "moe_num_shared_experts",
          "num_shared_expert"),
    COUNT(n_ff_exp, "moe_intermediate_size", "expert_ffn_hidden_size"),
    COUNT(n_ff_shexp, "shared_expert_intermediate_size", "shared_intermediate_size",
          "moe_shared_expert_intermediate_size"),
    COUNT(n_dense_lead, "first_k_dense_replace", "num_dense_layers", "moe_layer_start_index"),
    COUNT(moe_layer_step, "interleave_moe_layer_step", "moe_layer_freq", "decoder_sparse_step"),
    COUNT(n_expert_group, "n_group"),
    COUNT(n_expert_group_used, "topk_group"),
    COUNT(q_lora_rank, "q_lora_rank"),
    COUNT(kv_lora_rank, "kv_lora_rank"),
    COUNT(qk_nope_dim, "qk_nope_head_dim"),
    COUNT(qk_rope_dim, "qk_rope_head_dim"),
    COUNT(head_dim_v, "v_head_dim"),
    COUNT(index_n_head, "index_n_heads"),
    COUNT(index_head_dim, "index_head_dim"),
    COUNT(index_topk, "index_topk"),
    COUNT(ssm_conv, "linear_conv_kernel_dim", "mamba_d_conv", "conv_kernel", "conv_L_cache"),
    COUNT(ssm_state, "linear_key_head_dim", "mamba_d_state", "ssm_state_size"),
    COUNT(ssm_groups, "linear_num_key_heads", "mamba_n_groups", "n_groups"),
    COUNT(ssm_heads, "linear_num_value_heads", "mamba_n_heads", "mamba_num_heads"),
    COUNT(ssm_inner, "mamba_d_ssm"),
    COUNT(full_attention_interval, "full_attention_interval"),
    COUNT(n_embd_per_layer, "hidden_size_per_layer_input"),
    COUNT(n_vocab_per_layer, "vocab_size_per_layer_input"),
    COUNT(n_kv_shared_layers, "num_kv_shared_layers"),
    COUNT(n_altup, "altup_num_inputs"),
    COUNT(n_laurel, "laurel_rank"),
    COUNT(n_mtp_layers, "num_nextn_predict_layers", "mtp_num_hidden_layers"),
    COUNT(n_token_types, "type_vocab_size"),
#undef COUNT
};

static enum pls_code take_counts(const cJSON *config, struct pls_card *card, struct pls_err *err)
{
    for (size_t i = 0; i < PLS_COUNT_OF(counts); i++) {
        for (size_t k = 0; k < PLS_COUNT_OF(counts[i].keys) && counts[i].keys[k] != NULL; k++) {
            const cJSON *item = cJSON_GetObjectItemCaseSensitive(config, counts[i].keys[k]);
            if (item == NULL || cJSON_IsNull(item) || cJSON_IsArray(item)) {
                continue;
            }
            uint64_t value = 0;
            if (!json_count(item, UINT32_MAX, &value)) {
                return pls_fail(err, PLS_FORMAT, "%s is not a count", counts[i].keys[k]);
            }
            *(uint32_t *)(void *)((char *)card + counts[i].offset) = (uint32_t)value;
            break;
        }
    }
    return PLS_OK;
}

/* layer_types and its relatives -> one letter per layer. */
static enum pls_code take_kinds(const cJSON *config, struct pls_card *card, struct pls_err *err)
{
    static const struct {
        const char *word;
        char kind;
    } words[] = {
        { "full_attention", PLS_LAYER_FULL },     { "attention", PLS_LAYER_FULL },
        { "sliding_attention", PLS_LAYER_SWA },   { "chunked_attention", PLS_LAYER_SWA },
        { "linear_attention", PLS_LAYER_GDN },    { "conv", PLS_LAYER_CONV },
        { "mamba", PLS_LAYER_MAMBA2 },
    };
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(config, "layer_types");
    const cJSON *pattern = cJSON_GetObjectItemCaseSensitive(config, "hybrid_override_pattern");
    uint32_t n = 0;
    if (cJSON_IsString(pattern)) { /* Nemotron-H: M mamba, * attention, - MLP, E experts */
        for (const char *c = pattern->valuestring; *c != '\0' && n < PLS_MAX_LAYERS; c++, n++) {
            card->kind[n] = *c == '*' ? PLS_LAYER_FULL : *c == '-' ? PLS_LAYER_FFN : *c;
        }
        card->n_layers = n;
        return PLS_OK;
    }
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, list)
    {
        for (size_t w = 0; cJSON_IsString(item) && w < PLS_COUNT_OF(words) && n < PLS_MAX_LAYERS; w++) {
            card->kind[n] = strcmp(item->valuestring, words[w].word) == 0 ? words[w].kind : card->kind[n];
        }
        if (n >= PLS_MAX_LAYERS || card->kind[n] == 0) {
            return pls_fail(err, PLS_UNSUPPORTED,
                            "layer_types has a kind of layer this program does not know");
        }
        n++;
    }
    if (n != 0 && n < card->n_layers) {
        return pls_fail(err, PLS_FORMAT, "layer_types names %u layers of %u", n, card->n_layers);
    }
    return PLS_OK;
}

static void take_traits(const cJSON *config, const struct family *family, struct pls_card *card)
{
    card->tied = json_flag(config, "tie_word_embeddings", family->is_tied);
    bool bias = json_flag(config, "attention_bias", false);
    card->qkv_bias = family->qkv_bias || bias;
    card->o_bias = family->has_sinks || (bias && strcmp(family->arch, "llama") == 0);
    card->mlp_bias = json_flag(config, "mlp_bias", json_flag(config, "use_bias", false));
    card->mlp_ungated = family->is_ungated;
    card->norm_bias = family->has_norm_bias;
    card->qk_norm = (uint32_t)(json_flag(config, "use_qk_norm", false) && family->qk_norm == PLS_QK_NORM_NONE
                                   ? PLS_QK_NORM_HEAD
                                   : family->qk_norm);
    card->has_expert_bias = family->has_expert_bias;
    card->has_attn_sinks = family->has_sinks;
    card->experts_normed = json_flag(config, "norm_topk_prob", false);
    const cJSON *rope = cJSON_GetObjectItemCaseSensitive(config, "rope_scaling");
    rope = rope != NULL && !cJSON_IsNull(rope) ? rope
                                               : cJSON_GetObjectItemCaseSensitive(config, "rope_parameters");
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(rope, "rope_type");
    type = type != NULL ? type : cJSON_GetObjectItemCaseSensitive(rope, "type");
    card->has_rope_freqs = cJSON_IsString(type) && strcmp(type->valuestring, "llama3") == 0;
    card->has_long_rope =
        cJSON_IsString(type)
        && (strcmp(type->valuestring, "longrope") == 0 || strcmp(type->valuestring, "su") == 0);
}

/* What a family derives instead of stating. */
static void settle(struct pls_card *card)
{
    if (card->n_expert > 0 && card->n_ff_exp == 0) {
        card->n_ff_exp = card->n_ff; /* Mixtral, gpt-oss: the one width is the expert's */
    }
    if (card->n_expert > 0 && card->n_ff_shexp == 0 && card->n_expert_shared > 0) {
        card->n_ff_shexp = pls_mul(card->n_expert_shared, card->n_ff_exp) > UINT32_MAX
            ? UINT32_MAX
            : card->n_expert_shared * card->n_ff_exp;
    }
    card->n_head_kv = card->n_head_kv == 0 ? card->n_head : card->n_head_kv;
    if (card->ssm_inner == 0 && card->ssm_heads > 0 && card->full_attention_interval > 0) {
        uint64_t inner = pls_mul(card->ssm_heads, card->ssm_state);
        card->ssm_inner = inner > UINT32_MAX ? UINT32_MAX : (uint32_t)inner;
    }
    if (card->sliding_window > 0 && card->kind[0] == 0 && strcmp(card->arch, "llama") == 0) {
        card->sliding_window = 0; /* declared by Mistral configs, not windowed by the engine */
    }
    if (card->kv_lora_rank > 0) {
        card->head_dim = card->qk_nope_dim + card->qk_rope_dim;
        card->n_rot = card->qk_rope_dim;
    }
}

static const struct family *family_of(const char *model_type)
{
    for (size_t i = 0; i < PLS_COUNT_OF(families); i++) {
        if (strcmp(families[i].model_type, model_type) == 0) {
            return &families[i];
        }
    }
    return NULL;
}

static enum pls_type dtype_of(const cJSON *config)
{
    const cJSON *dtype = cJSON_GetObjectItemCaseSensitive(config, "torch_dtype");
    dtype = cJSON_IsString(dtype) ? dtype : cJSON_GetObjectItemCaseSensitive(config, "dtype");
    if (!cJSON_IsString(dtype)) {
        return PLS_TYPE_NONE;
    }
    return strcmp(dtype->valuestring, "bfloat16") == 0  ? PLS_TYPE_BF16
        : strcmp(dtype->valuestring, "float16") == 0 ? PLS_TYPE_F16
        : strcmp(dtype->valuestring, "float32") == 0 ? PLS_TYPE_F32
                                                     : PLS_TYPE_NONE;
}

static enum pls_code parse_model(const cJSON *root, struct pls_card *card, struct pls_quant *quant,
                                 struct pls_err *err)
{
    /* Multimodal configs keep the language model in an object of its own. */
    const cJSON *text = cJSON_GetObjectItemCaseSensitive(root, "text_config");
    const cJSON *config = cJSON_IsObject(text) ? text : root;
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(config, "model_type");
    type = cJSON_IsString(type) ? type : cJSON_GetObjectItemCaseSensitive(root, "model_type");
    if (!cJSON_IsString(type)) {
        return pls_fail(err, PLS_FORMAT, "no model_type");
    }
    const struct family *family = family_of(type->valuestring);
    if (family == NULL) {
        return pls_fail(err, PLS_UNSUPPORTED,
                        "model_type \"%.60s\" is not known; its GGUF file can still be sized",
                        type->valuestring);
    }
    PLS_COPY(card->arch, family->arch);
    enum pls_code code = take_counts(config, card, err);
    code = code == PLS_OK ? take_kinds(config, card, err) : code;
    if (code != PLS_OK) {
        return code;
    }
    take_traits(config, family, card);
    settle(card);
    if (strcmp(card->arch, "nemotron_h") == 0 && card->n_expert > 0) {
        PLS_COPY(card->arch, "nemotron_h_moe");
    }
    card->native = dtype_of(config) != PLS_TYPE_NONE ? dtype_of(config) : dtype_of(root);
    card->modalities = PLS_MODALITY_TEXT
        | (cJSON_GetObjectItemCaseSensitive(root, "vision_config") != NULL ? PLS_MODALITY_IMAGE : 0);
    config_quant(root, card->native, quant);
    return pls_card_complete(card, err);
}

enum pls_code pls_config_parse(const char *json, size_t len, struct pls_card *out, struct pls_quant *quant,
                               struct pls_err *err)
{
    *out = (struct pls_card){ .source = PLS_SOURCE_CONFIG, .native = PLS_TYPE_NONE };
    *quant = (struct pls_quant){ .format = PLS_FORMAT_SAFETENSORS, .ftype = PLS_FTYPE_NONE };
    cJSON *root = json_parse(json, len);
    if (!cJSON_IsObject(root)) {
        cJSON_Delete(root);
        return pls_fail(err, PLS_FORMAT, "not a JSON object");
    }
    enum pls_code code = parse_model(root, out, quant, err);
    cJSON_Delete(root);
    return code;
}
