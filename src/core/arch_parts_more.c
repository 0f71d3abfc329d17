/* Parts that one architecture or a few have. Sources: see arch.h. */
/* clang-format off: the tables are easier to check with a tensor or an architecture per line. */
#include "arch.h"

#define END { NULL, { W_END }, 0 }

/* ---- norms behind instead of before ---- */

const struct pls_arch_tensor pls_part_attn_output_norm[] = {
    { "attn_output_norm.weight", { W_E }, 0 },
    { "attn_output_norm.bias", { W_E }, F_NORM_BIAS },
    END,
};
const struct pls_arch_tensor pls_part_layer_output_norm[] = {
    { "layer_output_norm.weight", { W_E }, 0 },
    { "layer_output_norm.bias", { W_E }, F_NORM_BIAS },
    END,
};
const struct pls_arch_tensor pls_part_mtp_output_norm[] = {
    { "layer_output_norm.weight", { W_E }, F_MTP },
    END,
};
const struct pls_arch_tensor pls_part_mtp_post_norm[] = {
    { "post_attention_norm.weight", { W_E }, F_MTP },
    END,
};

/* ModernBERT's first layer takes the embedding's norm for its own. */
const struct pls_arch_tensor pls_part_modern_bert_norm[] = {
    { "attn_norm.weight", { W_E }, F_NOT_FIRST },
    END,
};

/* DeciLM: blocks may lack attention, a feed-forward part or both; some keep only the output projection. */
const struct pls_arch_tensor pls_part_deci[] = {
    { "attn_norm.weight", { W_E }, F_SOME_ATT },
    { "attn_output.weight", { W_E, W_E }, F_HEADS },
    { "ffn_norm.weight", { W_E }, F_SOME_FF },
    END,
};
const struct pls_arch_tensor pls_part_bitnet[] = {
    { "attn_sub_norm.weight", { W_E }, 0 },
    { "ffn_sub_norm.weight", { W_F }, 0 },
    END,
};
/* The selection bias under its name without ".bias" (Hunyuan V3). */
const struct pls_arch_tensor pls_part_exp_probs[] = {
    { "exp_probs_b", { W_X }, F_MOE },
    END,
};
const struct pls_arch_tensor pls_part_sliding_sinks[] = {
    { "attn_sinks.weight", { W_H }, F_ATT | F_SLIDING },
    END,
};
/* MiniMax M3's block-sparse attention: an indexer in the layers behind the dense lead. */
const struct pls_arch_tensor pls_part_msa[] = {
    { "indexer.q_proj.weight", { W_E, W_IHD }, F_INDEXER },
    { "indexer.k_proj.weight", { W_E, W_ID }, F_INDEXER },
    { "indexer.q_norm.weight", { W_ID }, F_INDEXER },
    { "indexer.k_norm.weight", { W_ID }, F_INDEXER },
    END,
};

/* ---- Kimi K3 ---- */

const struct pls_arch_tensor pls_part_mla_gate[] = {
    { "attn_gate.weight", { W_E, W_HMV }, F_MLA },
    END,
};
/* As Kimi Linear, with one full matrix for the output gate. */
const struct pls_arch_tensor pls_part_kda_k3[] = {
    { "ssm_conv1d_q.weight", { W_C, W_1, W_KW, W_1 }, F_KDA },
    { "ssm_conv1d_k.weight", { W_C, W_1, W_KW, W_1 }, F_KDA },
    { "ssm_conv1d_v.weight", { W_C, W_1, W_KW, W_1 }, F_KDA },
    { "attn_q.weight", { W_E, W_KW }, F_KDA },
    { "attn_k.weight", { W_E, W_KW }, F_KDA },
    { "attn_v.weight", { W_E, W_KW }, F_KDA },
    { "ssm_f_a.weight", { W_E, W_KA }, F_KDA },
    { "ssm_f_b.weight", { W_KA, W_KW }, F_KDA },
    { "ssm_g.weight", { W_E, W_KW }, F_KDA },
    { "ssm_beta.weight", { W_E, W_KHEADS }, F_KDA },
    { "ssm_a", { W_KHEADS }, F_KDA },
    { "ssm_dt.bias", { W_KW }, F_KDA },
    { "ssm_norm.weight", { W_KA }, F_KDA },
    { "attn_output.weight", { W_KW, W_E }, F_KDA },
    END,
};
const struct pls_arch_tensor pls_part_routed_latent[] = {
    { "ffn_routed_down.weight", { W_E, W_LATENT }, F_MOE | F_LATENT },
    { "ffn_routed_up.weight", { W_LATENT, W_E }, F_MOE | F_LATENT },
    { "ffn_routed_norm.weight", { W_LATENT }, F_MOE | F_LATENT },
    END,
};
const struct pls_arch_tensor pls_part_res_score[] = {
    { "attn_res_score.weight", { W_E }, 0 },
    { "ffn_res_score.weight", { W_E }, 0 },
    END,
};
const struct pls_arch_tensor pls_part_res_score_global[] = {
    { "output_res_score.weight", { W_E }, 0 },
    END,
};

/* ---- DeepSeek V4 ----
 * One latent of a head's width serves as K and V; the output goes through OG groups of rank OR; HC residual
 * streams are mixed by (2 + HC) * HC weights; CD is the width of a compressed entry (twice a head at four
 * tokens per entry). */

const struct pls_arch_tensor pls_part_dsv4_global[] = {
    { "output_hc_fn.weight", { W_HCE, W_HC }, 0 },
    { "output_hc_base.weight", { W_HC }, 0 },
    { "output_hc_scale.weight", { W_1 }, 0 },
    END,
};
const struct pls_arch_tensor pls_part_dsv4[] = {
    { "attn_sinks.weight", { W_H }, 0 },
    { "attn_q_a.weight", { W_E, W_RQ }, 0 },
    { "attn_q_a_norm.weight", { W_RQ }, 0 },
    { "attn_q_b.weight", { W_RQ, W_Q }, 0 },
    { "attn_kv.weight", { W_E, W_D }, 0 },
    { "attn_kv_a_norm.weight", { W_D }, 0 },
    { "attn_output_a.weight", { W_OGIN, W_OR, W_OG }, 0 },
    { "attn_output_b.weight", { W_OGR, W_E }, 0 },
    { "hc_attn_fn.weight", { W_HCE, W_HCMIX }, 0 },
    { "hc_attn_base.weight", { W_HCMIX }, 0 },
    { "hc_attn_scale.weight", { W_3 }, 0 },
    { "hc_ffn_fn.weight", { W_HCE, W_HCMIX }, 0 },
    { "hc_ffn_base.weight", { W_HCMIX }, 0 },
    { "hc_ffn_scale.weight", { W_3 }, 0 },
    { "attn_compressor_kv.weight", { W_E, W_CD }, F_RATIO },
    { "attn_compressor_gate.weight", { W_E, W_CD }, F_RATIO },
    { "attn_compressor_ape.weight", { W_CD, W_RATIO }, F_RATIO },
    { "attn_compressor_norm.weight", { W_D }, F_RATIO },
    { "indexer.proj.weight", { W_E, W_IH }, F_RATIO_4 },
    { "indexer.attn_q_b.weight", { W_RQ, W_IHD }, F_RATIO_4 },
    { "indexer_compressor_kv.weight", { W_E, W_2ID }, F_RATIO_4 },
    { "indexer_compressor_gate.weight", { W_E, W_2ID }, F_RATIO_4 },
    { "indexer_compressor_ape.weight", { W_2ID, W_RATIO }, F_RATIO_4 },
    { "indexer_compressor_norm.weight", { W_ID }, F_RATIO_4 },
    { "ffn_gate_tid2eid.weight", { W_XUSED, W_V }, F_HASHED },
    { "exp_probs_b.bias", { W_X }, F_ROUTED },
    END,
};
