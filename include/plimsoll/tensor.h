/* plimsoll/tensor.h - the tensor list of a model, and the type the quantizer gives each of them.
 *
 * A list is either read from a file's header (the truth) or generated from a card by the architecture's row
 * in core/arch.c. Dimensions are as GGUF stores them: dims[0] is contiguous, a matrix mapping E inputs to F
 * outputs is [E, F]. The recipes in short: plimsoll(7), QUANTIZER; the other packagings:
 * plimsoll(7), OTHER FORMATS.
 */
#ifndef PLIMSOLL_TENSOR_H
#define PLIMSOLL_TENSOR_H

#include "plimsoll/arena.h"
#include "plimsoll/card.h"

#define PLS_MAX_TENSORS 65536

struct pls_tensor {
    char name[64];     /* GGUF's own limit */
    uint64_t dims[4];  /* unused ones are 1 */
    uint8_t n_dims;    /* 1..4 */
    uint8_t type;      /* enum pls_type: as stored, as converted, or as assigned by pls_mix_assign() */
    int16_t layer;     /* N of "blk.N.", -1 for the rest */
    /* enum pls_tensor_category; this and traits are what the name says, read once: pls_tensor_read_name() */
    uint8_t category;
    uint8_t traits;    /* enum pls_tensor_trait bits */
};

/* The quantizer's categories, with the roles that placement needs beside them. */
enum pls_tensor_category {
    PLS_CAT_OTHER = 0,
    PLS_CAT_OUTPUT,
    PLS_CAT_EMBED,
    PLS_CAT_QKV,
    PLS_CAT_KV_B,
    PLS_CAT_V,
    PLS_CAT_K,
    PLS_CAT_Q,
    PLS_CAT_ATTN_OUT,
    PLS_CAT_UP,
    PLS_CAT_GATE,
    PLS_CAT_DOWN,
};

enum pls_tensor_trait {
    PLS_TENSOR_EXPERT = 1,      /* *_exps: routed experts, of which few are used per token */
    PLS_TENSOR_INPUT_TABLE = 2, /* looked up by row, always on the host */
    PLS_TENSOR_KEPT = 4,        /* the quantizer leaves it as the converter wrote it, whatever its shape */
};

struct pls_tensors {
    /* sorted: by layer (-1 first), then by name bytewise, which is the quantizer's order */
    struct pls_tensor *items;
    uint32_t n;
};

uint64_t pls_tensor_elements(const struct pls_tensor *t); /* saturates */
uint64_t pls_tensors_elements(const struct pls_tensors *list); /* of all of them */
/* in its type; PLS_SATURATED when the row does not divide */
uint64_t pls_tensor_bytes(const struct pls_tensor *t);
/* Sets category and traits from the name. */
void pls_tensor_read_name(struct pls_tensor *t);
static inline bool pls_tensor_is_expert(const struct pls_tensor *t)
{
    return (t->traits & PLS_TENSOR_EXPERT) != 0;
}
static inline bool pls_tensor_is_input_table(const struct pls_tensor *t)
{
    return (t->traits & PLS_TENSOR_INPUT_TABLE) != 0;
}
/* Sorts a list whose names and dims are set, and reads the names. */
void pls_tensors_sort(struct pls_tensors *list);

/* A model ready for sizing: card plus tensor list. */
struct pls_model {
    struct pls_card card;
    struct pls_tensors tensors; /* source types: as converted (BF16/F32) or as stored in the file */
    struct pls_quant stored;    /* what the file holds; ftype NONE and from_name false for catalog cards */
    uint64_t file_bytes;        /* 0: no file */
    uint64_t header_bytes;      /* GGUF header of the file; 0: none read, an estimate is used */
    /* of the mmproj file; 0: estimated from mmproj_params at F16 when images are asked for */
    uint64_t projector_bytes;
};

/* True when the architecture has a row: tensors can be listed without a file. */
bool pls_arch_known(const char *arch);

/* Generates the list of a completed card into the arena with converter types.
 * PLS_UNSUPPORTED for an unknown architecture, PLS_NOMEM when the arena is too small. */
enum pls_code pls_arch_tensors(const struct pls_card *card, struct pls_arena *arena, struct pls_tensors *out,
                               struct pls_err *err);

/* Gives every tensor of `list` the type the quantizer would write, in place. With ftype NONE the
 * types stay as stored. PLS_REFUSED when the quantizer refuses (no fallback type divides a row, or the file
 * type is not offered); PLS_UNSUPPORTED for a hand-made mixture known by name only (quant->from_name). */
enum pls_code pls_mix_assign(const struct pls_card *card, const struct pls_quant *quant,
                             struct pls_tensors *list, struct pls_err *err);

/* True when the quantizer would write this assigned list only with an importance matrix. Sizes are the
 * same; it matters to someone who wants to make the file rather than fetch it. */
bool pls_mix_needs_imatrix(const struct pls_quant *quant, const struct pls_tensors *list);

/* ---- packagings other than GGUF ----
 *
 * Sizes follow from the same tensor list: checkpoints hold the same matrices under other names. Not counted:
 * RoPE tables (GGUF only), MTP blocks that the list leaves out, the container's own header (about 100 bytes
 * per tensor), and vision towers, which these formats keep in the same folder (add pls_projector_bytes()). */
struct pls_format_size {
    uint64_t bytes;           /* all tensor data: quantized + kept */
    uint64_t quantized_bytes; /* codes with their scales, zero points and indices */
    /* what the tool leaves in 16 (or 32) bits: norms, biases, often embedding and head */
    uint64_t kept_bytes;
    uint64_t elements;
    uint32_t n_quantized;     /* matrices quantized, stacked experts counted once */
};
/* Of one tensor. PLS_SATURATED when the sum overflows. */
uint64_t pls_format_tensor_bytes(const struct pls_card *card, const struct pls_quant *quant,
                                 const struct pls_tensor *tensor);
/* Of a whole list (any types: only names and shapes count). quant->format must not be GGUF (PLS_USAGE).
 * PLS_REFUSED: the tool has no such form (AWQ at other than 4 bits). PLS_UNSUPPORTED: safetensors of unknown
 * type. */
enum pls_code pls_format_bytes(const struct pls_card *card, const struct pls_quant *quant,
                               const struct pls_tensors *list, struct pls_format_size *out,
                               struct pls_err *err);

/* A LoRA adapter of a rank: two thin matrices beside every matrix it targets. */
enum pls_lora_target { PLS_LORA_QV = 0, PLS_LORA_ATTENTION, PLS_LORA_LINEAR }; /* experts and routers never */
uint64_t pls_lora_bytes(const struct pls_tensors *list, uint32_t rank, enum pls_lora_target target,
                        enum pls_type type);

/* An mmproj file or the tower inside a folder: all parameters in `type` (F16 is how projectors are
 * published). Norms, biases and patch embeddings stay in F32 there, which this leaves out: 0 to 3 percent
 * more in reality. */
uint64_t pls_projector_bytes(uint64_t params, enum pls_type type);

#endif
