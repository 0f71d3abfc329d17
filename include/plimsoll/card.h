/* plimsoll/card.h - what is known of one model: its shape, its identity, its evidence.
 *
 * A card is a plain value: no pointers, copied with `=`. It comes from the catalog, a GGUF header, a
 * config.json or a card file, and everything the core computes starts from it. Counts that do not apply are
 * 0; facts that are not known are 0 as well and are listed in `unknown_fields` when the difference matters.
 * Layers are numbered from 0; MTP (next-token prediction) blocks follow the trunk and are counted apart.
 *
 * Scalar hyperparameters are declared once, in card_fields.def: the struct, the card file reader, the
 * catalog's columns and its export follow from that list.
 */
#ifndef PLIMSOLL_CARD_H
#define PLIMSOLL_CARD_H

#include "plimsoll/quant.h"

#define PLS_MAX_LAYERS 256

/* Kinds of layer, one letter each in card files. */
enum pls_layer_kind {
    PLS_LAYER_FULL = 'F',     /* full attention */
    PLS_LAYER_SWA = 'S',      /* sliding-window (or chunked) attention */
    PLS_LAYER_GDN = 'G',      /* gated delta net */
    PLS_LAYER_KDA = 'K',      /* Kimi delta attention */
    PLS_LAYER_LINEAR = 'L',   /* lightning / linear attention */
    PLS_LAYER_MAMBA2 = 'M',
    PLS_LAYER_MAMBA1 = 'm',
    PLS_LAYER_CONV = 'C',     /* short convolution (LFM2) */
    PLS_LAYER_PARALLEL = 'P', /* attention and Mamba-2 side by side (Falcon-H1) */
    PLS_LAYER_FFN = 'D',      /* feed-forward block alone */
    PLS_LAYER_MOE = 'E',      /* mixture-of-experts block alone */
    PLS_LAYER_NONE = 'N',     /* no attention */
    PLS_LAYER_DSV4 = 'V',     /* DeepSeek V4 compressed attention */
};

enum pls_qk_norm { PLS_QK_NORM_NONE = 0, PLS_QK_NORM_HEAD, PLS_QK_NORM_FULL };
/* "none", "per_head", "full" */
const char *pls_qk_norm_name(enum pls_qk_norm norm);
bool pls_qk_norm_by_name(const char *name, enum pls_qk_norm *out);

/* A gate on the attention output: one value per head or per element. */
enum pls_attn_gate { PLS_ATTN_GATE_NONE = 0, PLS_ATTN_GATE_HEAD, PLS_ATTN_GATE_ELEMENT };
/* "none", "per_head", "per_element" */
const char *pls_attn_gate_name(enum pls_attn_gate gate);
bool pls_attn_gate_by_name(const char *name, enum pls_attn_gate *out);

/* Bits of pls_card.tasks and .modalities. */
enum pls_task {
    PLS_TASK_CHAT = 0,
    PLS_TASK_CODE,
    PLS_TASK_REASONING,
    PLS_TASK_VISION,
    PLS_TASK_EMBEDDING,
    PLS_TASK_TOOLS,
    PLS_TASK_RERANK,
    PLS_TASK_MODERATION, /* classifies by a policy; ranked for nothing else */
    PLS_TASK_COUNT,
};
const char *pls_task_name(enum pls_task task); /* "chat", "code", ... */
bool pls_task_by_name(const char *name, enum pls_task *out);

enum pls_modality {
    PLS_MODALITY_TEXT = 1,
    PLS_MODALITY_IMAGE = 2,
    PLS_MODALITY_AUDIO = 4,
    PLS_MODALITY_VIDEO = 8
};

enum pls_source {
    PLS_SOURCE_CATALOG = 0,
    PLS_SOURCE_GGUF,
    PLS_SOURCE_CONFIG,
    PLS_SOURCE_NAME, /* only a file name was given */
    PLS_SOURCE_CARD,
};
const char *pls_source_name(enum pls_source source);

enum pls_evidence { PLS_EVIDENCE_NONE = 0, PLS_EVIDENCE_FAMILY, PLS_EVIDENCE_VARIANT, PLS_EVIDENCE_DIRECT };
const char *pls_evidence_name(enum pls_evidence evidence);

/* Capability on one scale (0..100), fitted at data-build time; se is its standard error, n the number of
 * sources. */
struct pls_ability {
    float score;
    float se;
    uint16_t n_sources;
    uint8_t evidence; /* enum pls_evidence */
};

struct pls_card {
    char id[80];       /* slug, unique in the catalog */
    char name[96];
    char family[40];
    char org[48];
    char arch[32];     /* general.architecture as llama.cpp spells it */
    char license[40];
    char hf_repo[112];
    char ollama_tag[64];  /* as published; one that was never seen published is left out */
    char gguf_repo[112];  /* first known repository of GGUF files; empty: none known */
    uint64_t held;        /* what seen repositories hold: pls_held_bit(); 0 nothing known */
    uint32_t release;  /* yyyymm; 0 unknown */
    uint32_t tasks;      /* bit (1 << enum pls_task) */
    uint32_t modalities; /* enum pls_modality bits */

#define PLS_CARD_U64(field, key, note) uint64_t field;
#define PLS_CARD_U32(field, key, note) uint32_t field;
#define PLS_CARD_F32(field, key, note) float field;
#define PLS_CARD_FLAG(field, key, note) bool field;
#include "plimsoll/card_fields.def"

    /* Per layer, trunk and MTP blocks together. A reader fills what its source lists per layer and leaves the
     * rest 0; pls_card_complete() does the remainder, after which all are valid for every layer. kind[0] ==
     * 0: the kinds follow from the architecture (see pls_card_complete). An array that is 0 throughout was
     * not given; one with any value is taken as it is, zeros included (head_kv[N] == 0: layer N has no
     * attention). */
    char kind[PLS_MAX_LAYERS + 1];
    uint16_t head[PLS_MAX_LAYERS];
    uint16_t head_kv[PLS_MAX_LAYERS];
    uint32_t ff[PLS_MAX_LAYERS];
    uint8_t compress[PLS_MAX_LAYERS];  /* DeepSeek V4: tokens per compressed entry; 0 none */
    uint8_t indexer[PLS_MAX_LAYERS];   /* 1: has a sparse-attention indexer of its own */
    /* what follows from architecture and kinds, for the core alone; set by pls_card_complete() */
    uint32_t traits;

    struct pls_ability ability[PLS_TASK_COUNT]; /* per task class; [PLS_TASK_CHAT] is the general one */
    enum pls_evidence evidence;
    enum pls_source source;
    /* type the checkpoint was released in: BF16, F16, F32, MXFP4...; PLS_TYPE_NONE unknown */
    enum pls_type native;
};

/* Fills what follows from the rest (per-layer arrays, head_dim, SWA pattern of the architecture) and checks
 * every bound, once, at the edge: after success the core may use the card without further tests. On failure
 * (PLS_FORMAT) the sentence names the field. MTP blocks that GGUF files do not carry (mtp_in_file) are
 * dropped: n_mtp_layers is 0 then. */
enum pls_code pls_card_complete(struct pls_card *card, struct pls_err *err);

/* Whether it embeds or ranks and does nothing else, by its use cases; without any, whether it is an encoder.
 * Such a model never decodes: its speed is that of reading. */
bool pls_card_only_reads(const struct pls_card *card);

/* What one layer is, with all widths resolved. Widths in elements. */
struct pls_layer {
    enum pls_layer_kind kind;
    bool is_mtp;        /* a next-token prediction block: in the file, not loaded by default */
    bool is_moe;        /* its feed-forward part is a mixture of experts */
    bool has_attention; /* has Q/K/V/O of its own */
    bool is_sliding;    /* its cache is bounded by the window */
    uint32_t n_head, n_head_kv;
    uint32_t head_dim_k, head_dim_v;
    uint32_t n_ff;          /* dense feed-forward width; 0 none */
    uint32_t k_cache_width; /* elements per cell written to the K cache; 0: keeps no cache */
    uint32_t v_cache_width; /* 0 for MLA, whose V is a view of K */
    uint64_t conv_state;    /* F32 elements of recurrent state per sequence, convolution part */
    uint64_t ssm_state;     /* and the matrix part */
    uint32_t index_cache_width; /* elements per cell of a sparse indexer's own key cache; 0 none */
    /* DeepSeek V4 keeps, beside its window, one entry per compress_ratio tokens of the context (rounded up,
     * then to a multiple of 256; per sequence even when the cache is unified), compressed_width elements of
     * the K type each. */
    uint32_t compress_ratio;
    uint32_t compressed_width;
};
/* layer < n_layers + n_mtp_layers of a completed card. */
struct pls_layer pls_card_layer(const struct pls_card *card, uint32_t layer);

#endif
