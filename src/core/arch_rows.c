/* One row per architecture. What a row does not say follows from the card (arch.c). */
/* clang-format off: the tables are easier to check with a tensor or an architecture per line. */
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

    { "minimax-m3", { TABLES }, { LLAMA, P(shared), P(msa) }, F_NORM_HEAD | F_PROBS, 0, 0 },
    { "llama-embed", { TABLES, P(rope) }, { LLAMA }, 0, 0, 0 },
    { "internlm2", { TABLES }, { LLAMA }, 0, 0, 0 },
    { "baichuan", { TABLES }, { LLAMA }, 0, 0, 0 },
    { "dream", { TABLES }, { LLAMA }, F_QKV_BIAS, 0, 0 },
    { "llada", { TABLES }, { LLAMA }, 0, 0, 0 },
    { "xverse", { TABLES }, { LLAMA }, 0, 0, 0 },
    { "orion", { TABLES }, { LLAMA }, F_NORM_BIAS, 0, 0 },
    { "minicpm", { TABLES, P(rope), P(long_rope) }, { LLAMA, P(shared) }, 0, 0, 0 },
    { "exaone", { TABLES, P(rope) }, { LLAMA }, 0, 0, 0 },
    { "arcee", { TABLES, P(rope) }, { LLAMA }, 0, F_GATED, 0 },
    { "apertus", { TABLES, P(rope) }, { LLAMA }, F_NORM_HEAD, F_GATED, 0 },
    { "deci", { TABLES, P(rope) }, { P(deci), P(att), P(ffn) }, 0, 0, 0 },
    { "bitnet", { TABLES }, { LLAMA, P(bitnet) }, 0, F_UNTIED, 0 },
    { "stablelm", { TABLES }, { NORMS, P(att), P(norm_2d), P(ffn) }, F_NORM_BIAS, F_NORM_HEAD, 0 },
    { "nemotron", { TABLES }, { LLAMA }, F_NORM_BIAS, F_GATED, 0 },
    { "starcoder2", { TABLES }, { LLAMA }, F_NORM_BIAS | F_QKV_BIAS | F_O_BIAS | F_MLP_BIAS, F_GATED, 0 },
    { "falcon", { TABLES }, { P(attn_norm), P(attn_norm_2), P(att_fused), P(ffn) }, F_NORM_BIAS, F_GATED, 0 },
    /* norms without weights; the final one has some in later files */
    { "olmo", { TABLES }, { P(att), P(ffn) }, 0, 0, 0 },

    /* ---- experts on the Llama plan ---- */
    { "deepseek", { TABLES }, { LLAMA, P(shared) }, 0, 0, 0 },
    { "olmoe", { TABLES }, { LLAMA }, F_NORM_FULL, F_NORM_HEAD, 0 },
    { "phimoe", { TABLES, P(long_rope) }, { LLAMA },
      F_NORM_BIAS | F_QKV_BIAS | F_O_BIAS | F_HEAD_BIAS | F_LONG_ROPE, 0, 0 },
    { "mellum", { TABLES }, { LLAMA }, F_NORM_HEAD, 0, 0 },
    { "llada-moe", { TABLES }, { LLAMA }, F_NORM_HEAD, 0, 0 },
    { "rnd1", { TABLES }, { LLAMA }, F_NORM_HEAD, 0, 0 },
    { "smallthinker", { TABLES }, { LLAMA }, 0, 0, 0 },
    { "dots1", { TABLES }, { LLAMA, P(shared) }, F_NORM_HEAD | F_PROBS, 0, 0 },
    { "bailingmoe", { TABLES }, { LLAMA, P(shared) }, 0, 0, 0 },
    { "bailingmoe2", { TABLES }, { NORMS, P(att_fused), P(ffn), EXPERTS, P(nextn), P(mtp_output_norm) },
      F_NORM_HEAD | F_PROBS, 0, R_KEEPS_MTP },
    { "exaone-moe", { TABLES, P(rope) }, { LLAMA, P(shared), P(nextn) }, F_NORM_HEAD | F_PROBS, 0, 0 },
    { "hy_v3", { TABLES }, { LLAMA, P(shared), P(exp_probs), P(nextn) }, F_NORM_HEAD, F_PROBS, 0 },
    { "laguna", { TABLES }, { LLAMA, P(shared), P(attn_gate) }, F_NORM_HEAD | F_PROBS, 0, 0 },
    { "step35", { TABLES, P(rope) }, { LLAMA, P(shared), P(attn_gate), P(nextn) },
      F_NORM_HEAD | F_PROBS | F_GATE_HEAD, F_GATE_ELEMENT, 0 },
    { "mimo2", { TABLES }, { LLAMA, P(sliding_sinks), P(nextn), P(mtp_output_norm) }, F_PROBS, F_SINKS, 0 },
    { "afmoe", { TABLES }, { SANDWICH, P(att), P(attn_gate), P(ffn), EXPERTS },
      F_NORM_HEAD | F_PROBS | F_GATE_ELEMENT, F_GATE_HEAD, 0 },
    { "muse-glimmer", { TABLES }, { SANDWICH, P(att), P(attn_gate), P(ffn) },
      F_NORM_HEAD | F_GATE_ELEMENT, F_GATE_HEAD, 0 },

    /* ---- Qwen ---- */
    { "qwen2", { TABLES }, { LLAMA, P(nextn) }, F_QKV_BIAS, 0, 0 },
    { "qwen2moe", { TABLES }, { LLAMA, P(shared), P(shared_gate) }, F_QKV_BIAS, 0, 0 },
    { "qwen3", { TABLES }, { LLAMA }, F_NORM_HEAD, 0, 0 },
    { "qwen3moe", { TABLES }, { LLAMA }, F_NORM_HEAD, 0, 0 },
    { "qwen2vl", { TABLES }, { LLAMA }, F_QKV_BIAS, 0, 0 },
    { "qwen3vl", { TABLES }, { LLAMA }, F_NORM_HEAD, 0, 0 },
    { "qwen3vlmoe", { TABLES }, { LLAMA }, F_NORM_HEAD, 0, 0 },
    { "qwen3next", { TABLES },
      { P(attn_norm), P(post_attention_norm), P(att_double_q), P(gdn), P(gdn_ba), P(ffn), P(moe), P(shared),
        P(shared_gate), P(nextn) },
      F_NORM_HEAD, 0, 0 },
    { "qwen35", { TABLES },
      { P(attn_norm), P(post_attention_norm), P(att_double_q), P(gdn), P(gdn_alpha_beta), P(ffn), P(nextn) },
      F_NORM_HEAD, 0, 0 },
    { "qwen35moe", { TABLES },
      { P(attn_norm), P(post_attention_norm), P(att_double_q), P(gdn), P(gdn_alpha_beta), P(ffn), P(moe),
        P(shared), P(shared_gate), P(nextn) },
      F_NORM_HEAD, 0, 0 },

    /* ---- Gemma ---- */
    { "gemma", { TABLES }, { NORMS, P(att), P(ffn) }, 0, F_UNTIED, 0 },
    { "gemma-embedding", { TABLES }, { SANDWICH, P(att), P(ffn) }, F_NORM_HEAD, F_UNTIED, 0 },
    { "gemma2", { TABLES }, { SANDWICH, P(att), P(ffn) }, 0, F_UNTIED, 0 },
    { "gemma3", { TABLES }, { SANDWICH, P(att), P(ffn) }, F_NORM_HEAD, F_UNTIED, 0 },
    { "gemma3n", { TABLES, P(altup_global), P(per_layer_global) },
      { SANDWICH, P(att), P(ffn), P(per_layer), P(altup) }, F_NORM_HEAD, F_UNTIED, 0 },
    { "gemma4", { TABLES, P(rope), P(per_layer_global) },
      { SANDWICH, P(att), P(ffn), P(gemma4), P(per_layer) }, F_NORM_HEAD | F_ROPE_FREQS, F_UNTIED, 0 },

    /* ---- Phi, GLM ---- */
    { "phi3", { TABLES, P(long_rope) }, { NORMS, P(att_fused), P(ffn_fused) }, 0, F_QKV_BIAS | F_O_BIAS, 0 },
    { "phi2", { TABLES }, { P(attn_norm), P(att), P(ffn) },
      F_NORM_BIAS | F_QKV_BIAS | F_O_BIAS | F_MLP_BIAS | F_HEAD_BIAS, F_GATED, 0 },
    { "chatglm", { TABLES }, { NORMS, P(att_fused), P(ffn_fused) }, 0, 0, 0 },
    { "glm4", { TABLES }, { SANDWICH, P(att), P(ffn_fused), P(nextn) }, 0, 0, 0 },
    { "glm4moe", { TABLES }, { P(attn_norm), P(post_attention_norm), P(att), P(ffn), EXPERTS, P(nextn) },
      F_QKV_BIAS | F_PROBS, 0, R_KEEPS_MTP },

    /* ---- latent attention ---- */
    { "deepseek2", { TABLES }, { NORMS, P(mla), P(ffn), EXPERTS, P(nextn) }, 0, 0, 0 },
    { "mistral4", { TABLES }, { NORMS, P(mla), P(ffn), EXPERTS }, F_X_FUSED, F_X_APART, 0 },
    { "minicpm3", { TABLES, P(long_rope) }, { NORMS, P(mla), P(ffn) }, F_JOINT_KV, F_SPLIT_KV, 0 },
    { "deepseek32", { TABLES }, { NORMS, P(mla), P(indexer), P(ffn), EXPERTS, P(nextn) }, F_PROBS, 0, 0 },
    { "glm-dsa", { TABLES }, { NORMS, P(mla), P(indexer), P(ffn), EXPERTS, P(nextn) }, F_PROBS, 0, 0 },
    { "deepseek4", { TABLES, P(dsv4_global) }, { NORMS, P(dsv4), P(moe), P(shared) },
      0, F_PROBS | F_ATT | F_MLA, 0 },
    { "kimi-k3", { TABLES, P(res_score_global) },
      { NORMS, P(res_score), P(mla), P(mla_gate), P(kda_k3), P(ffn), EXPERTS, P(routed_latent) },
      F_PROBS, 0, 0 },
    { "kimi-linear", { TABLES }, { NORMS, P(mla), P(kda), P(ffn), EXPERTS }, F_PROBS, 0, 0 },

    /* ---- others with experts ---- */
    { "gpt-oss", { TABLES },
      { P(attn_norm), P(post_attention_norm), P(att), P(sinks), P(moe), P(expert_bias) },
      F_QKV_BIAS | F_O_BIAS | F_SINKS, 0, 0 },

    /* ---- hybrids and state-space models ---- */
    { "mamba", { TABLES }, { P(attn_norm), P(mamba1) }, 0, F_SSM_NORM, 0 },
    { "mamba2", { TABLES }, { P(attn_norm), P(mamba2) }, F_SSM_NORM, 0, 0 },
    { "granitehybrid", { TABLES }, { LLAMA, P(mamba2), P(shared) }, F_SSM_NORM, 0, 0 },
    { "nemotron_h", { TABLES }, { P(attn_norm), P(att), P(mamba2), P(ffn) }, F_SSM_NORM, F_GATED, 0 },
    { "nemotron_h_moe", { TABLES },
      { P(attn_norm), P(mtp_post_norm), P(att), P(mamba2), P(ffn), EXPERTS, P(latent), P(nextn) },
      F_SSM_NORM | F_PROBS, F_GATED | F_X_GATED, 0 },
    { "jamba", { TABLES }, { LLAMA, P(mamba1) }, F_SSM_NORM, 0, 0 },
    { "falcon-h1", { TABLES }, { P(attn_norm), P(falcon_h1_norm), P(att), P(mamba2), P(ffn) }, 0, 0, 0 },
    { "lfm2", { P(embed), P(lfm2_norm), P(output) }, { NORMS, P(att), P(conv), P(ffn) }, F_NORM_HEAD, 0, 0 },
    { "lfm2moe", { P(embed), P(lfm2_norm), P(output) }, { NORMS, P(att), P(conv), P(ffn), P(moe) },
      F_NORM_HEAD | F_PROBS, 0, 0 },

    /* ---- encoders ---- */
    { "bert", { P(embed), P(encoder_global), P(classifier) },
      { P(att), P(attn_output_norm), P(ffn), P(layer_output_norm) },
      F_NORM_BIAS | F_QKV_BIAS | F_O_BIAS | F_MLP_BIAS, F_GATED, 0 },
    { "nomic-bert", { P(embed), P(encoder_global) },
      { P(att_fused), P(attn_output_norm), P(ffn), P(layer_output_norm) },
      F_NORM_BIAS, F_POSITIONS, 0 },
    { "nomic-bert-moe", { P(embed), P(encoder_global) },
      { P(att_fused), P(attn_output_norm), P(ffn), P(moe), P(layer_output_norm) },
      F_NORM_BIAS | F_QKV_BIAS | F_O_BIAS | F_MLP_BIAS, F_GATED | F_X_GATED | F_POSITIONS, 0 },
    { "jina-bert-v2", { P(embed), P(encoder_global) },
      { P(att), P(attn_output_norm), P(ffn), P(layer_output_norm) },
      F_NORM_BIAS | F_QKV_BIAS | F_O_BIAS | F_DOWN_BIAS, F_POSITIONS | F_MLP_BIAS, 0 },
    { "modern-bert", { P(embed), P(output_norm), P(encoder_global), P(modern_classifier) },
      { P(modern_bert_norm), P(att_fused), P(ffn_norm), P(ffn_fused) }, 0,
      F_NORM_BIAS | F_POSITIONS | F_TYPES | F_QKV_BIAS | F_O_BIAS, 0 },

    /* ---- norms elsewhere, blocks in parallel ---- */
    { "command-r", { TABLES }, { P(attn_norm), P(att), P(norm_2d), P(ffn) }, 0, F_UNTIED | F_NORM_HEAD, 0 },
    { "cohere2", { TABLES }, { P(attn_norm), P(att), P(ffn) }, 0, F_UNTIED, 0 },
    { "olmo2", { TABLES }, { P(att), P(post_attention_norm), P(ffn), P(post_ffw_norm) },
      F_NORM_FULL, F_NORM_HEAD, 0 },
    { "exaone4", { TABLES, P(rope) }, { P(att), P(post_attention_norm), P(ffn), P(post_ffw_norm) },
      F_NORM_HEAD, 0, 0 },
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
