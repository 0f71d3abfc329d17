/* The parts blocks are made of. Sources: see arch.h. */
/* clang-format off: the tables are easier to check with a tensor or an architecture per line. */
#include "arch.h"

#define END { NULL, { W_END }, 0 }

/* ---- of the whole model ---- */

const struct pls_arch_tensor pls_part_embed[] = {
    { "token_embd.weight", { W_E, W_V }, 0 },
    END,
};
const struct pls_arch_tensor pls_part_output[] = {
    { "output.weight", { W_E, W_V }, F_UNTIED },
    { "output.bias", { W_V }, F_HEAD_BIAS },
    END,
};
const struct pls_arch_tensor pls_part_output_norm[] = {
    { "output_norm.weight", { W_E }, 0 },
    { "output_norm.bias", { W_E }, F_NORM_BIAS },
    END,
};
const struct pls_arch_tensor pls_part_lfm2_norm[] = {
    { "token_embd_norm.weight", { W_E }, 0 }, /* its final norm, under the name of another */
    END,
};
const struct pls_arch_tensor pls_part_rope[] = {
    { "rope_freqs.weight", { W_ROPE }, F_ROPE_FREQS },
    END,
};
const struct pls_arch_tensor pls_part_long_rope[] = {
    { "rope_factors_long.weight", { W_ROPE }, F_LONG_ROPE },
    { "rope_factors_short.weight", { W_ROPE }, F_LONG_ROPE },
    END,
};
const struct pls_arch_tensor pls_part_per_layer_global[] = {
    { "per_layer_token_embd.weight", { W_PLL, W_VPL }, F_PER_LAYER },
    { "per_layer_model_proj.weight", { W_E, W_PLL }, F_PER_LAYER },
    { "per_layer_proj_norm.weight", { W_PL }, F_PER_LAYER },
    END,
};
const struct pls_arch_tensor pls_part_altup_global[] = {
    { "altup_proj.weight", { W_E, W_E, W_ALT1 }, 0 },
    { "altup_unembd_proj.weight", { W_E, W_E, W_ALT1 }, 0 },
    END,
};
const struct pls_arch_tensor pls_part_encoder_global[] = {
    { "token_embd_norm.weight", { W_E }, 0 },
    { "token_embd_norm.bias", { W_E }, F_NORM_BIAS },
    { "position_embd.weight", { W_E, W_POS }, F_POSITIONS },
    { "token_types.weight", { W_E, W_TYPES }, F_TYPES },
    END,
};
const struct pls_arch_tensor pls_part_classifier[] = {
    { "cls.weight", { W_E, W_E }, F_LABELS },
    { "cls.bias", { W_E }, F_LABELS },
    { "cls.output.weight", { W_E, W_LABELS }, F_LABELS },
    { "cls.output.bias", { W_LABELS }, F_LABELS },
    END,
};

const struct pls_arch_tensor pls_part_modern_classifier[] = {
    { "cls.weight", { W_E, W_E }, F_LABELS },
    { "cls.norm.weight", { W_E }, F_LABELS },
    { "cls.output.weight", { W_E, W_LABELS }, F_LABELS },
    { "cls.output.bias", { W_LABELS }, F_LABELS },
    END,
};

/* ---- norms ---- */

const struct pls_arch_tensor pls_part_attn_norm[] = {
    { "attn_norm.weight", { W_E }, 0 },
    { "attn_norm.bias", { W_E }, F_NORM_BIAS },
    END,
};
const struct pls_arch_tensor pls_part_attn_norm_2[] = {
    { "attn_norm_2.weight", { W_E }, F_TWO_NORMS },
    { "attn_norm_2.bias", { W_E }, F_TWO_NORMS | F_NORM_BIAS },
    END,
};
const struct pls_arch_tensor pls_part_ffn_norm[] = {
    { "ffn_norm.weight", { W_E }, 0 },
    { "ffn_norm.bias", { W_E }, F_NORM_BIAS },
    END,
};
const struct pls_arch_tensor pls_part_falcon_h1_norm[] = {
    { "ffn_norm", { W_E }, 0 }, /* written without ".weight" */
    END,
};
const struct pls_arch_tensor pls_part_post_attention_norm[] = {
    { "post_attention_norm.weight", { W_E }, 0 },
    END,
};
const struct pls_arch_tensor pls_part_post_ffw_norm[] = {
    { "post_ffw_norm.weight", { W_E }, 0 },
    END,
};

/* ---- attention ---- */

#define ATT_REST \
    { "attn_k.weight", { W_E, W_K }, F_ATT }, { "attn_v.weight", { W_E, W_VV }, F_ATT | F_V }, \
    { "attn_output.weight", { W_O, W_E }, F_ATT }, { "attn_q.bias", { W_Q }, F_ATT | F_QKV_BIAS }, \
    { "attn_k.bias", { W_K }, F_ATT | F_QKV_BIAS }, { "attn_v.bias", { W_VV }, F_ATT | F_QKV_BIAS | F_V }, \
    { "attn_output.bias", { W_E }, F_ATT | F_O_BIAS }, \
    { "attn_q_norm.weight", { W_D }, F_ATT | F_NORM_HEAD }, \
    { "attn_k_norm.weight", { W_D }, F_ATT | F_NORM_HEAD }, \
    { "attn_q_norm.weight", { W_Q }, F_ATT | F_NORM_FULL }, \
    { "attn_k_norm.weight", { W_K }, F_ATT | F_NORM_FULL }

const struct pls_arch_tensor pls_part_att[] = {
    { "attn_q.weight", { W_E, W_Q }, F_ATT },
    ATT_REST,
    END,
};
/* Each query head carries a gate as wide as itself in the same matrix. */
const struct pls_arch_tensor pls_part_att_double_q[] = {
    { "attn_q.weight", { W_E, W_2Q }, F_ATT },
    ATT_REST,
    END,
};
const struct pls_arch_tensor pls_part_att_fused[] = {
    { "attn_qkv.weight", { W_E, W_QKV }, F_ATT },
    { "attn_qkv.bias", { W_QKV }, F_ATT | F_QKV_BIAS },
    { "attn_output.weight", { W_O, W_E }, F_ATT },
    { "attn_output.bias", { W_E }, F_ATT | F_O_BIAS },
    { "attn_q_norm.weight", { W_D }, F_ATT | F_NORM_HEAD },
    { "attn_k_norm.weight", { W_D }, F_ATT | F_NORM_HEAD },
    END,
};
/* Command R+: a norm per head, each head with weights of its own. */
const struct pls_arch_tensor pls_part_norm_2d[] = {
    { "attn_q_norm.weight", { W_D, W_H }, F_ATT | F_NORM_FULL },
    { "attn_k_norm.weight", { W_D, W_KH }, F_ATT | F_NORM_FULL },
    END,
};
const struct pls_arch_tensor pls_part_attn_gate[] = {
    { "attn_gate.weight", { W_E, W_H }, F_ATT | F_GATE_HEAD },
    { "attn_gate.weight", { W_E, W_O }, F_ATT | F_GATE_ELEMENT },
    END,
};
const struct pls_arch_tensor pls_part_sinks[] = {
    { "attn_sinks.weight", { W_H }, F_ATT | F_SINKS },
    END,
};
/* Latent attention: query rank RQ, latent R, rotated part s, unrotated part p, value width v. */
const struct pls_arch_tensor pls_part_mla[] = {
    { "attn_q_a.weight", { W_E, W_RQ }, F_MLA | F_QLORA },
    { "attn_q_a_norm.weight", { W_RQ }, F_MLA | F_QLORA },
    { "attn_q_b.weight", { W_RQ, W_HPS }, F_MLA | F_QLORA },
    { "attn_q.weight", { W_E, W_HPS }, F_MLA | F_QPLAIN },
    { "attn_kv_a_mqa.weight", { W_E, W_RS }, F_MLA },
    { "attn_kv_a_norm.weight", { W_R }, F_MLA },
    { "attn_k_b.weight", { W_P, W_R, W_H }, F_MLA | F_SPLIT_KV },
    { "attn_v_b.weight", { W_R, W_MV, W_H }, F_MLA | F_SPLIT_KV },
    { "attn_kv_b.weight", { W_R, W_HPV }, F_MLA | F_JOINT_KV },
    { "attn_output.weight", { W_HMV, W_E }, F_MLA },
    END,
};
/* DeepSeek V3.2's lightning indexer. */
const struct pls_arch_tensor pls_part_indexer[] = {
    { "indexer.k_norm.weight", { W_ID }, F_INDEXER },
    { "indexer.k_norm.bias", { W_ID }, F_INDEXER },
    { "indexer.proj.weight", { W_E, W_IH }, F_INDEXER },
    { "indexer.attn_k.weight", { W_E, W_ID }, F_INDEXER },
    { "indexer.attn_q_b.weight", { W_RQ, W_IHD }, F_INDEXER },
    END,
};

/* ---- state layers ---- */

/* Gated delta net: S head width, groups = key heads, NH = value heads, I = S * NH,
 * CONV = S * (2 groups + NH). */
const struct pls_arch_tensor pls_part_gdn[] = {
    { "attn_qkv.weight", { W_E, W_CONV }, F_GDN }, { "attn_gate.weight", { W_E, W_I }, F_GDN },
    { "ssm_conv1d.weight", { W_C, W_CONV }, F_GDN }, { "ssm_dt.bias", { W_NH }, F_GDN },
    { "ssm_a", { W_NH }, F_GDN },                    { "ssm_norm.weight", { W_S }, F_GDN },
    { "ssm_out.weight", { W_I, W_E }, F_GDN },       END,
};
const struct pls_arch_tensor pls_part_gdn_ba[] = {
    { "ssm_ba.weight", { W_E, W_2NH }, F_GDN },
    END,
};
const struct pls_arch_tensor pls_part_gdn_alpha_beta[] = {
    { "ssm_alpha.weight", { W_E, W_NH }, F_GDN },
    { "ssm_beta.weight", { W_E, W_NH }, F_GDN },
    END,
};
const struct pls_arch_tensor pls_part_mamba2[] = {
    { "ssm_in.weight", { W_E, W_IN }, F_MAMBA2 },
    { "ssm_conv1d.weight", { W_C, W_CONV }, F_MAMBA2 },
    { "ssm_conv1d.bias", { W_CONV }, F_MAMBA2 },
    { "ssm_dt.bias", { W_NH }, F_MAMBA2 },
    { "ssm_a", { W_1, W_NH }, F_MAMBA2 },
    { "ssm_d", { W_1, W_NH }, F_MAMBA2 },
    { "ssm_norm.weight", { W_IG, W_G }, F_MAMBA2 | F_SSM_NORM },
    { "ssm_out.weight", { W_I, W_E }, F_MAMBA2 },
    END,
};
/* Mamba 1, with the norms Jamba puts on dt, B and C. */
const struct pls_arch_tensor pls_part_mamba1[] = {
    { "ssm_in.weight", { W_E, W_2I }, F_MAMBA1 },      { "ssm_conv1d.weight", { W_C, W_I }, F_MAMBA1 },
    { "ssm_conv1d.bias", { W_I }, F_MAMBA1 },          { "ssm_x.weight", { W_I, W_DT2S }, F_MAMBA1 },
    { "ssm_dt.weight", { W_DT, W_I }, F_MAMBA1 },      { "ssm_dt.bias", { W_I }, F_MAMBA1 },
    { "ssm_a", { W_S, W_I }, F_MAMBA1 },               { "ssm_d", { W_I }, F_MAMBA1 },
    { "ssm_out.weight", { W_I, W_E }, F_MAMBA1 },
    { "ssm_dt_norm.weight", { W_DT }, F_MAMBA1 | F_SSM_NORM },
    { "ssm_b_norm.weight", { W_S }, F_MAMBA1 | F_SSM_NORM },
    { "ssm_c_norm.weight", { W_S }, F_MAMBA1 | F_SSM_NORM },
    END,
};
const struct pls_arch_tensor pls_part_kda[] = {
    { "ssm_conv1d_q.weight", { W_C, W_1, W_KW, W_1 }, F_KDA },
    { "ssm_conv1d_k.weight", { W_C, W_1, W_KW, W_1 }, F_KDA },
    { "ssm_conv1d_v.weight", { W_C, W_1, W_KW, W_1 }, F_KDA },
    { "attn_q.weight", { W_E, W_KW }, F_KDA },
    { "attn_k.weight", { W_E, W_KW }, F_KDA },
    { "attn_v.weight", { W_E, W_KW }, F_KDA },
    { "ssm_f_a.weight", { W_E, W_KA }, F_KDA },
    { "ssm_f_b.weight", { W_KA, W_KW }, F_KDA },
    { "ssm_g_a.weight", { W_E, W_KA }, F_KDA },
    { "ssm_g_b.weight", { W_KA, W_KW }, F_KDA },
    { "ssm_beta.weight", { W_E, W_KHEADS }, F_KDA },
    { "ssm_a", { W_1, W_KHEADS, W_1, W_1 }, F_KDA },
    { "ssm_dt.bias", { W_KW }, F_KDA },
    { "ssm_norm.weight", { W_KA }, F_KDA },
    { "attn_output.weight", { W_KW, W_E }, F_KDA },
    END,
};
const struct pls_arch_tensor pls_part_conv[] = {
    { "shortconv.conv.weight", { W_C, W_E }, F_CONV },
    { "shortconv.in_proj.weight", { W_E, W_3E }, F_CONV },
    { "shortconv.out_proj.weight", { W_E, W_E }, F_CONV },
    END,
};

/* ---- feed-forward ---- */

const struct pls_arch_tensor pls_part_ffn[] = {
    { "ffn_gate.weight", { W_E, W_F }, F_DENSE | F_GATED },
    { "ffn_up.weight", { W_E, W_F }, F_DENSE },
    { "ffn_down.weight", { W_F, W_E }, F_DENSE },
    { "ffn_gate.bias", { W_F }, F_DENSE | F_GATED | F_MLP_BIAS },
    { "ffn_up.bias", { W_F }, F_DENSE | F_MLP_BIAS },
    { "ffn_down.bias", { W_E }, F_DENSE | F_MLP_BIAS },
    { "ffn_down.bias", { W_E }, F_DENSE | F_DOWN_BIAS },
    END,
};
/* Gate and up in one matrix, called up. */
const struct pls_arch_tensor pls_part_ffn_fused[] = {
    { "ffn_up.weight", { W_E, W_2F }, F_DENSE },
    { "ffn_down.weight", { W_F, W_E }, F_DENSE },
    END,
};
const struct pls_arch_tensor pls_part_moe[] = {
    { "ffn_gate_inp.weight", { W_E, W_X }, F_MOE },
    { "ffn_gate_exps.weight", { W_EX, W_FX, W_X }, F_MOE | F_X_GATED | F_X_APART },
    { "ffn_up_exps.weight", { W_EX, W_FX, W_X }, F_MOE | F_X_APART },
    { "ffn_gate_up_exps.weight", { W_EX, W_2FX, W_X }, F_MOE | F_X_FUSED },
    { "ffn_down_exps.weight", { W_FX, W_EX, W_X }, F_MOE },
    { "exp_probs_b.bias", { W_X }, F_MOE | F_PROBS },
    END,
};
const struct pls_arch_tensor pls_part_shared[] = {
    { "ffn_gate_shexp.weight", { W_E, W_FS }, F_MOE | F_SHARED | F_X_GATED },
    { "ffn_up_shexp.weight", { W_E, W_FS }, F_MOE | F_SHARED },
    { "ffn_down_shexp.weight", { W_FS, W_E }, F_MOE | F_SHARED },
    END,
};
const struct pls_arch_tensor pls_part_shared_gate[] = {
    { "ffn_gate_inp_shexp.weight", { W_E }, F_MOE | F_SHARED },
    END,
};
const struct pls_arch_tensor pls_part_expert_bias[] = {
    { "ffn_gate_inp.bias", { W_X }, F_MOE },
    { "ffn_gate_exps.bias", { W_FX, W_X }, F_MOE },
    { "ffn_up_exps.bias", { W_FX, W_X }, F_MOE },
    { "ffn_down_exps.bias", { W_E, W_X }, F_MOE },
    END,
};
/* Experts that work in a narrower space than the model. */
const struct pls_arch_tensor pls_part_latent[] = {
    { "ffn_latent_down.weight", { W_E, W_LATENT }, F_MOE | F_LATENT },
    { "ffn_latent_up.weight", { W_LATENT, W_E }, F_MOE | F_LATENT },
    END,
};

/* ---- the rest ---- */

const struct pls_arch_tensor pls_part_nextn[] = {
    { "nextn.eh_proj.weight", { W_2E, W_E }, F_MTP },
    { "nextn.enorm.weight", { W_E }, F_MTP },
    { "nextn.hnorm.weight", { W_E }, F_MTP },
    { "nextn.embed_tokens.weight", { W_E, W_V }, F_MTP | F_MTP_EMBED },
    { "nextn.shared_head_head.weight", { W_E, W_V }, F_MTP | F_MTP_EMBED },
    { "nextn.shared_head_norm.weight", { W_E }, F_MTP },
    END,
};
const struct pls_arch_tensor pls_part_per_layer[] = {
    { "inp_gate.weight", { W_E, W_PL }, F_PER_LAYER },
    { "proj.weight", { W_PL, W_E }, F_PER_LAYER },
    { "post_norm.weight", { W_E }, F_PER_LAYER },
    END,
};
const struct pls_arch_tensor pls_part_altup[] = {
    { "altup_correct_coef.weight", { W_ALT, W_ALT }, 0 },   { "altup_correct_scale.weight", { W_E }, 0 },
    { "altup_predict_coef.weight", { W_ALT, W_ALT2 }, 0 },  { "altup_router.weight", { W_E, W_ALT }, 0 },
    { "altup_router_norm.weight", { W_E }, 0 },             { "laurel_l.weight", { W_E, W_LAUREL }, 0 },
    { "laurel_r.weight", { W_LAUREL, W_E }, 0 },            { "laurel_post_norm.weight", { W_E }, 0 },
    END,
};
/* Dense and experts side by side; the experts have scales and norms of their own. */
const struct pls_arch_tensor pls_part_gemma4[] = {
    { "layer_output_scale.weight", { W_1 }, 0 },
    { "ffn_gate_inp.weight", { W_E, W_X }, F_MOE },
    { "ffn_gate_inp.scale", { W_E }, F_MOE },
    { "pre_ffw_norm_2.weight", { W_E }, F_MOE },
    { "post_ffw_norm_1.weight", { W_E }, F_MOE },
    { "post_ffw_norm_2.weight", { W_E }, F_MOE },
    { "ffn_gate_up_exps.weight", { W_E, W_2FX, W_X }, F_MOE },
    { "ffn_down_exps.weight", { W_FX, W_E, W_X }, F_MOE },
    { "ffn_down_exps.scale", { W_X }, F_MOE },
    END,
};
