/* plimsoll/gguf.h - bounded readers of model files: headers only, never the weights.
 *
 * Everything read is hostile until checked: counts, lengths and offsets are bounded by constants below and by
 * the size of the file, arithmetic saturates, and a failure is one sentence naming file and place. Text is
 * kept as bytes and escaped when printed. The arena holds tensor lists; nothing points into the mapping after
 * return.
 */
#ifndef PLIMSOLL_GGUF_H
#define PLIMSOLL_GGUF_H

#include "plimsoll/machine.h"
#include "plimsoll/tensor.h"

#define PLS_GGUF_MAX_TENSORS PLS_MAX_TENSORS
#define PLS_GGUF_MAX_KEYS 65536
#define PLS_GGUF_MAX_STRING ((uint64_t)1 << 20)  /* longest key or value string */
#define PLS_GGUF_MAX_ARRAY ((uint64_t)1 << 28)   /* most elements of one array */
#define PLS_GGUF_MAX_SPLITS 1024
#define PLS_JSON_MAX_BYTES ((uint64_t)64 << 20)

/* What a path holds, found by looking inside (magic, names in a folder), never by suffix alone. */
enum pls_file_kind {
    PLS_FILE_NONE = 0, /* no such path */
    PLS_FILE_GGUF,
    PLS_FILE_SAFETENSORS,
    PLS_FILE_MODEL_DIR,  /* folder with config.json and/or *.safetensors, plain or quantized */
    PLS_FILE_MLX_DIR,    /* the same with an MLX "quantization" entry */
    PLS_FILE_CONFIG,     /* a Hugging Face config.json */
    PLS_FILE_CARD,       /* a card file of ours */
    PLS_FILE_UNKNOWN,
};
enum pls_file_kind pls_file_kind(const char *path);

/* A count of what was seen, for `inspect`. */
struct pls_inspection {
    enum pls_file_kind kind;
    uint32_t gguf_version;
    uint32_t n_tensors, n_keys, n_splits;
    uint64_t file_bytes, header_bytes, tensor_bytes;
    uint64_t params;           /* elements of all tensors */
    enum pls_ftype ftype;      /* as the file states */
    bool is_ftype_guessed;
    bool is_adapter;           /* a LoRA adapter */
    bool is_projector;         /* an mmproj file */
    uint64_t types_bytes[PLS_TYPE_COUNT];
    uint32_t types_tensors[PLS_TYPE_COUNT];
    char general_name[128];
    char tokenizer[32];
};

/* Reads whatever lies at path into a model: card completed, tensors in the arena with their stored types.
 * `seen` may be NULL. PLS_IO, PLS_FORMAT, PLS_LIMIT, PLS_UNSUPPORTED (config.json of an unknown
 * architecture). A GGUF of an unknown architecture is PLS_OK: its tensors are the truth, its cache rule is
 * stated as assumed by the caller. */
enum pls_code pls_file_read(const char *path, struct pls_arena *arena, struct pls_model *out,
                            struct pls_inspection *seen, struct pls_err *err);

/* Card from JSON text: a card object or a card file with one card in it, or a Hugging Face config.json. The
 * result is completed. PLS_FORMAT names card, key and reason: "qwen3-8b: n_layers: not a whole number". */
enum pls_code pls_card_parse(const char *json, size_t len, struct pls_card *out, struct pls_err *err);
/* The inverse: a completed card as the text of one card object, which pls_card_parse reads back as the same
 * card. For cards that came from elsewhere (`catalog add MODEL.gguf`). Shape and identity only: evidence
 * stays with its own text. PLS_LIMIT when cap is too small; 64 KiB is enough. */
enum pls_code pls_card_format(const struct pls_card *card, char *out, size_t cap, struct pls_err *err);

/* Every card of a card file (plimsoll-card(5)) in file order, completed; json is the card's own text in
 * compact form with the family filled in. Nothing is visited unless the whole file is sound. Stops early when
 * visit returns false. */
typedef bool pls_card_text_visit(const struct pls_card *card, const char *json, void *context);
enum pls_code pls_cards_parse(const char *json, size_t len, pls_card_text_visit *visit, void *context,
                              struct pls_err *err);
enum pls_code pls_config_parse(const char *json, size_t len, struct pls_card *out, struct pls_quant *quant,
                               struct pls_err *err);

/* A file name that follows the GGUF naming convention: "Qwen2.5-VL-7B-Instruct-Q4_K_M.gguf",
 * "…-00001-of-00003.gguf", "UD-Q4_K_XL". */
struct pls_file_name {
    char base[128];   /* "Qwen2.5-VL-7B-Instruct" */
    char size[16];    /* "7B", "30B-A3B"; empty unknown */
    char quant[32];   /* "Q4_K_M", "UD-Q4_K_XL"; empty unknown */
    struct pls_quant parsed;
    bool has_quant;
    uint32_t split_no, split_count;
};
bool pls_file_name_parse(const char *name, struct pls_file_name *out);

/* ---- results of llama-bench ---- */

/* One test: a prompt (n_prompt > 0) or a generation (n_gen > 0), never both. */
struct pls_measured_run {
    char model[1024];          /* the file as it was given to the engine */
    enum pls_backend backend;  /* CPU when no layer was on a GPU */
    uint64_t n_prompt, n_gen, n_depth, n_batch, n_ubatch;
    uint32_t n_threads;
    int32_t gpu_layers;        /* negative: the engine's choice */
    int32_t flash_attention;   /* 1 on, 0 off, negative: auto */
    enum pls_type type_k, type_v;
    double tps;                /* median of the samples; the mean where they are not listed */
};
enum { PLS_BENCH_RUNS_MAX = 4096 };
/* Reads llama-bench's JSON (an array), JSON lines or CSV into runs[cap]; *n gets their number, tests that mix
 * prompt and generation are passed over. PLS_FORMAT names the test or line that is wrong, PLS_LIMIT when
 * there are more than cap. */
enum pls_code pls_bench_report(const char *text, size_t len, struct pls_measured_run *runs, uint32_t cap,
                               uint32_t *n, struct pls_err *err);

#endif
