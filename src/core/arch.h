/* core/arch.h - how an architecture's tensor list is written down (private to core/arch*.c).
 *
 * A row names the parts a block is made of; a part is a list of tensors; a tensor is a name, up to four width
 * codes and the facts that must hold for it to be there. The generator in arch.c works out, per layer, what
 * every code means and which facts hold, and emits the tensors whose facts all hold. Adding an architecture
 * is adding a row to arch_rows.c and, for tensors no part has yet, a part to arch_parts.c.
 *
 * Names and shapes: llama.cpp's load_arch_tensors of each architecture and its converters, 2026-08-22.
 */
#ifndef PLS_CORE_ARCH_H
#define PLS_CORE_ARCH_H

#include "plimsoll/tensor.h"

/* Width codes. H query heads, K KV heads, d head width of this layer; E model width. */
enum pls_width {
    W_END = 0,
    W_1, W_3,
    W_E, W_2E, W_3E, W_4E, W_V,
    W_Q, W_2Q, W_K, W_VV, W_O,        /* H*d, 2*H*d, K*d, K*dv, H*dv */
    W_QKV,                            /* H*d + K*d + K*dv, one matrix for all three */
    W_D, W_DV, W_H, W_KH, W_ROPE,     /* d, dv, H, K, half the rotated width */
    /* dense, expert and shared widths, experts, what experts take in */
    W_F, W_2F, W_FX, W_2FX, W_FS, W_X, W_EX,
    W_LATENT,
    W_RQ, W_R, W_RS, W_HPS, W_P, W_MV, W_HMV, W_HPV, /* MLA: see the part */
    W_C, W_S, W_I, W_2I, W_NH, W_2NH, W_G, W_IG, W_CONV, W_IN, W_DT, W_DT2S, /* state layers */
    W_KA, W_KW, W_KHEADS,             /* KDA: head width, all heads, heads */
    W_PL, W_PLL, W_VPL, W_ALT, W_ALT2, W_ALT1, W_LAUREL, /* gemma3n, gemma4 E */
    W_IH, W_ID, W_IHD,                /* indexer: heads, head width, product */
    W_POS, W_TYPES, W_LABELS,         /* encoders */
    /* DeepSeek V4: see the part */
    W_HC, W_HCE, W_HCMIX, W_OG, W_OGIN, W_OR, W_OGR, W_CD, W_RATIO, W_2ID, W_XUSED,
    W_COUNT,
};

/* Facts. A tensor is there when all of its facts hold in the layer (or, for global tensors, in the card). */
#define FACT(n) (UINT64_C(1) << (n))
#define F_ATT FACT(0)       /* attention that is not MLA */
#define F_MLA FACT(1)
#define F_QLORA FACT(2)     /* MLA with compressed queries */
#define F_QPLAIN FACT(3)    /* MLA without */
#define F_SPLIT_KV FACT(4)  /* MLA with K and V up-projections apart */
#define F_JOINT_KV FACT(5)  /* MLA with them in one tensor */
#define F_QKV_BIAS FACT(6)
#define F_O_BIAS FACT(7)
#define F_NORM_HEAD FACT(8) /* Q and K norms per head */
#define F_NORM_FULL FACT(9) /* over all heads */
#define F_V FACT(10)        /* V has a projection of its own */
#define F_GATE_HEAD FACT(11)
#define F_GATE_ELEMENT FACT(12)
#define F_SINKS FACT(13)
#define F_DENSE FACT(14)
#define F_GATED FACT(15)
#define F_MLP_BIAS FACT(16)
#define F_DOWN_BIAS FACT(17)
#define F_MOE FACT(18)
#define F_X_GATED FACT(19)
#define F_X_APART FACT(20)  /* gate and up are separate tensors */
#define F_X_FUSED FACT(21)
#define F_PROBS FACT(22)    /* exp_probs_b */
#define F_SHARED FACT(23)
#define F_NORM_BIAS FACT(24)
#define F_TWO_NORMS FACT(25)
#define F_GDN FACT(26)
#define F_KDA FACT(27)
#define F_MAMBA2 FACT(28)
#define F_MAMBA1 FACT(29)
#define F_CONV FACT(30)
#define F_SSM_NORM FACT(31)
#define F_MTP FACT(32)
#define F_MTP_EMBED FACT(33)
#define F_NOT_FIRST FACT(34)
#define F_UNTIED FACT(35)
#define F_HEAD_BIAS FACT(36)
#define F_ROPE_FREQS FACT(37)
#define F_LONG_ROPE FACT(38)
#define F_PER_LAYER FACT(39)
#define F_INDEXER FACT(40)
#define F_LATENT FACT(41)
#define F_POSITIONS FACT(42)
#define F_TYPES FACT(43)
#define F_LABELS FACT(44)
#define F_SLIDING FACT(45)
#define F_TRUNK FACT(46)
#define F_HEADS FACT(47)    /* query heads but no KV heads: a linear stand-in for attention */
#define F_SOME_FF FACT(48)  /* a feed-forward part of either kind */
#define F_SOME_ATT FACT(49) /* attention or its stand-in */
#define F_RATIO FACT(50)    /* DeepSeek V4: compressed entries */
#define F_RATIO_4 FACT(51)  /* four tokens to an entry */
#define F_HASHED FACT(52)   /* routed by token id */
#define F_ROUTED FACT(53)   /* routed by scores */

struct pls_arch_tensor {
    const char *name; /* behind "blk.N." for block tensors; NULL ends a part */
    uint8_t width[4];
    uint64_t facts;
};

enum { PLS_ARCH_MAX_PARTS = 14 };
/* Row flags. */
#define R_KEEPS_MTP 1U /* converters always write the MTP blocks */

struct pls_arch_row {
    const char *arch;
    const struct pls_arch_tensor *global[6];                /* ends with NULL */
    const struct pls_arch_tensor *block[PLS_ARCH_MAX_PARTS]; /* ends with NULL */
    uint64_t always; /* facts this architecture always has, whatever the card says */
    uint64_t never;  /* facts it never has */
    unsigned flags;
};

/* NULL when there is no row. */
const struct pls_arch_row *pls_arch_row(const char *arch);

/* The parts, in arch_parts.c. */
#define PARTS(X) \
    X(embed) X(output) X(output_norm) X(rope) X(long_rope) X(per_layer_global) X(altup_global) X(lfm2_norm) \
    X(encoder_global) X(classifier) X(modern_classifier) \
    X(attn_norm) X(ffn_norm) X(attn_norm_2) X(post_attention_norm) X(post_ffw_norm) X(att) X(att_double_q) \
    X(att_fused) X(norm_2d) X(attn_gate) X(sinks) X(mla) X(indexer) X(gdn) X(gdn_ba) X(gdn_alpha_beta) \
    X(mamba2) X(mamba1) X(kda) X(conv) X(ffn) X(ffn_fused) X(moe) X(shared) X(shared_gate) X(expert_bias) \
    X(latent) X(nextn) X(per_layer) X(altup) X(gemma4) X(falcon_h1_norm) \
    X(attn_output_norm) X(layer_output_norm) X(mtp_output_norm) X(mtp_post_norm) X(modern_bert_norm) \
    X(deci) X(bitnet) X(exp_probs) \
    X(msa) X(mla_gate) X(kda_k3) X(routed_latent) X(res_score) X(res_score_global) X(sliding_sinks) \
    X(dsv4) X(dsv4_global)
#define DECLARE_PART(name) extern const struct pls_arch_tensor pls_part_##name[];
PARTS(DECLARE_PART)
#undef DECLARE_PART

#endif
