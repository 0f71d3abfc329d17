/* One row per architecture. What a row does not say follows from the card (arch.c). */
#include "arch.h"

#include "plimsoll/text.h"

#define P(name) pls_part_##name
#define TABLES P(embed), P(output_norm), P(output)
#define NORMS P(attn_norm), P(ffn_norm)
#define SANDWICH P(attn_norm), P(post_attention_norm), P(ffn_norm), P(post_ffw_norm)
#define EXPERTS P(moe), P(shared)
/* Before and after: the usual block, whose feed-forward part is dense or experts as the layer says. */
#define LLAMA NORMS, P(att), P(ffn), P(moe)

static const struct pls_arch_row rows[] = {
    /* ---- Llama and its kin ---- */
    { "llama", { TABLES, P(rope) }, { LLAMA }, 0, 0, 0 },
    { "mistral3", { TABLES, P(rope) }, { LLAMA }, 0, 0, 0 },
    { "smollm3", { TABLES }, { LLAMA }, 0, 0, 0 },
    { "granite", { TABLES }, { LLAMA, P(shared) }, 0, 0, 0 },
    { "granitemoe", { TABLES }, { LLAMA, P(shared) }, 0, 0, 0 },
    { "llama4", { TABLES, P(rope) }, { LLAMA, P(shared) }, 0, F_NORM_HEAD | F_NORM_FULL, 0 },
    { "ernie4_5", { TABLES }, { LLAMA }, 0, 0, 0 },
    { "ernie4_5-moe", { TABLES }, { LLAMA, P(shared) }, F_PROBS, 0, 0 },
    { "seed_oss", { TABLES }, { P(attn_norm), P(post_attention_norm), P(att), P(ffn) }, F_QKV_BIAS, 0, 0 },
    { "hunyuan-dense", { TABLES }, { LLAMA }, F_NORM_HEAD, 0, 0 },
    { "hunyuan-moe", { TABLES }, { LLAMA, P(shared) }, F_NORM_HEAD, 0, 0 },
    { "minimax-m2", { TABLES }, { LLAMA }, F_NORM_FULL | F_PROBS, F_NORM_HEAD, 0 },

    /* ---- Qwen ---- */
    { "qwen2", { TABLES }, { LLAMA, P(nextn) }, F_QKV_BIAS, 0, 0 },
    { "qwen2moe", { TABLES }, { LLAMA, P(shared), P(shared_gate) }, F_QKV_BIAS, 0, 0 },
    { "qwen3", { TABLES }, { LLAMA }, F_NORM_HEAD, 0, 0 },
    { "qwen3moe", { TABLES }, { LLAMA }, F_NORM_HEAD, 0, 0 },
    { "qwen3next", { TABLES },
      { P(attn_norm), P(post_attention_norm), P(att_double_q), P(gdn), P(gdn_ba), P(ffn), P(moe), P(shared),
        P(shared_gate), P(nextn) },
      F_NORM_HEAD, 0, 0 },
    { "qwen35", { TABLES },
      { P(attn_norm), P(post_attention_norm), P(att_double_q), P(gdn), P(gdn_alpha_beta), P(ffn), P(nextn) },
      F_NORM_HEAD, 0, 0 },
    { "qwen35moe", { TABLES },
      { P(attn_norm), P(post_attention_norm), P(att_double_q), P(gdn), P(gdn_alpha_beta), P(ffn), P(moe), P(shared),
        P(shared_gate), P(nextn) },
      F_NORM_HEAD, 0, 0 },

    /* ---- Gemma ---- */
    { "gemma2", { TABLES }, { SANDWICH, P(att), P(ffn) }, 0, F_UNTIED, 0 },
    { "gemma3", { TABLES }, { SANDWICH, P(att), P(ffn) }, F_NORM_HEAD, F_UNTIED, 0 },
    { "gemma3n", { TABLES, P(altup_global), P(per_layer_global) },
      { SANDWICH, P(att), P(ffn), P(per_layer), P(altup) }, F_NORM_HEAD, F_UNTIED, 0 },
    { "gemma4", { TABLES, P(rope), P(per_layer_global) },
      { SANDWICH, P(att), P(ffn), P(gemma4), P(per_layer) }, F_NORM_HEAD | F_ROPE_FREQS, F_UNTIED, 0 },

    /* ---- Phi, GLM ---- */
    { "phi3", { TABLES, P(long_rope) }, { NORMS, P(att_fused), P(ffn_fused) }, 0, F_QKV_BIAS | F_O_BIAS, 0 },
    { "glm4", { TABLES }, { SANDWICH, P(att), P(ffn_fused), P(nextn) }, 0, 0, 0 },
    { "glm4moe", { TABLES }, { P(attn_norm), P(post_attention_norm), P(att), P(ffn), EXPERTS, P(nextn) },
      F_QKV_BIAS | F_PROBS, 0, R_KEEPS_MTP },

    /* ---- latent attention ---- */
    { "deepseek2", { TABLES }, { NORMS, P(mla), P(ffn), EXPERTS, P(nextn) }, 0, 0, 0 },
    { "kimi-linear", { TABLES }, { NORMS, P(mla), P(kda), P(ffn), EXPERTS }, F_PROBS, 0, 0 },

    /* ---- others with experts ---- */
    { "gpt-oss", { TABLES },
      { P(attn_norm), P(post_attention_norm), P(att), P(sinks), P(moe), P(expert_bias) },
      F_QKV_BIAS | F_O_BIAS | F_SINKS, 0, 0 },

    /* ---- hybrids ---- */
    { "granitehybrid", { TABLES }, { LLAMA, P(mamba2), P(shared) }, F_SSM_NORM, 0, 0 },
    { "nemotron_h", { TABLES }, { P(attn_norm), P(att), P(mamba2), P(ffn) }, F_SSM_NORM, F_GATED, 0 },
    { "nemotron_h_moe", { TABLES }, { P(attn_norm), P(att), P(mamba2), P(ffn), EXPERTS, P(latent) },
      F_SSM_NORM | F_PROBS, F_GATED | F_X_GATED, 0 },
    { "falcon-h1", { TABLES }, { P(attn_norm), P(falcon_h1_norm), P(att), P(mamba2), P(ffn) }, 0, 0, 0 },
    { "lfm2", { P(embed), P(lfm2_norm), P(output) }, { NORMS, P(att), P(conv), P(ffn) }, F_NORM_HEAD, 0, 0 },
    { "lfm2moe", { P(embed), P(lfm2_norm), P(output) }, { NORMS, P(att), P(conv), P(ffn), P(moe) },
      F_NORM_HEAD | F_PROBS, 0, 0 },

    /* ---- norms elsewhere, blocks in parallel ---- */
    { "command-r", { TABLES }, { P(attn_norm), P(att), P(norm_2d), P(ffn) }, 0, F_UNTIED | F_NORM_HEAD, 0 },
    { "cohere2", { TABLES }, { P(attn_norm), P(att), P(ffn) }, 0, F_UNTIED, 0 },
    { "olmo2", { TABLES }, { P(att), P(post_attention_norm), P(ffn), P(post_ffw_norm) }, F_NORM_FULL, F_NORM_HEAD, 0 },
    { "exaone4", { TABLES, P(rope) }, { P(att), P(post_attention_norm), P(ffn), P(post_ffw_norm) }, F_NORM_HEAD, 0, 0 },
};

const struct pls_arch_row *pls_arch_row(const char *arch)
{
    for (size_t i = 0; i < PLS_COUNT_OF(rows); i++) {
        if (pls_text_equal(rows[i].arch, arch)) {
            return &rows[i];
        }
    }
    return NULL;
}
