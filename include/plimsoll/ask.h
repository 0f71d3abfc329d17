/* plimsoll/ask.h - one question about one configuration: quant, context, cache types, slots, runtime, placement wishes.
 *
 * Defaults are those of the runtime (MEMORY section 8); pls_ask_default() sets them, pls_ask_resolve() replaces every
 * "as the runtime does" by a number once card and devices are known. Token counts are tokens, not bytes.
 */
#ifndef PLIMSOLL_ASK_H
#define PLIMSOLL_ASK_H

#include "plimsoll/card.h"
#include "plimsoll/machine.h"

enum pls_runtime {
    PLS_RUNTIME_LLAMA_SERVER = 0,
    PLS_RUNTIME_LLAMA_CLI,
    PLS_RUNTIME_OLLAMA,
    PLS_RUNTIME_LMSTUDIO,
    PLS_RUNTIME_JAN,
    PLS_RUNTIME_MLX,
    PLS_RUNTIME_VLLM,
    PLS_RUNTIME_COUNT,
};
const char *pls_runtime_name(enum pls_runtime runtime);
bool pls_runtime_by_name(const char *name, enum pls_runtime *out); /* "llama.cpp" means llama-server */

enum pls_tri { PLS_AUTO = 0, PLS_ON, PLS_OFF };

#define PLS_CONTEXT_DEFAULT 0           /* what the runtime would use */
#define PLS_CONTEXT_MAX UINT64_MAX      /* the largest that fits, up to the training context */
#define PLS_GPU_LAYERS_AUTO (-1)        /* as many as the budgets carry */
#define PLS_GPU_LAYERS_ALL (-2)

struct pls_ask {
    struct pls_quant quant;
    enum pls_runtime runtime;
    uint64_t context_tokens;     /* as asked, or PLS_CONTEXT_DEFAULT, PLS_CONTEXT_MAX */
    uint32_t parallel;           /* slots or sequences; 0: the runtime's default */
    uint32_t batch_tokens;       /* 0: default */
    uint32_t ubatch_tokens;      /* 0: default */
    enum pls_type type_k, type_v;
    enum pls_tri flash_attention;
    enum pls_tri kv_unified;
    bool swa_full;
    bool no_repack;
    bool no_mmap;
    bool no_kv_offload;
    int32_t gpu_layers;          /* 0.., PLS_GPU_LAYERS_AUTO, PLS_GPU_LAYERS_ALL; an explicit count is obeyed */
    int32_t cpu_moe_layers;      /* first n layers keep their experts in RAM; -1: decide */
    float tensor_split[PLS_MAX_GPUS]; /* shares; all 0: by free memory */
    enum pls_backend backend;    /* PLS_BACKEND_NONE: the device's best */
    uint32_t engine_as_of;       /* yyyymmdd; 0: today's rules */
    uint64_t depth_tokens;       /* tokens already in the cache when decode speed is asked */
    uint64_t prompt_tokens;      /* prompt length for prefill speed and TTFT; 0: 512 */
    bool use_projector;          /* count the mmproj file */
    uint32_t n_threads;          /* 0: all cores the process may use */
};

struct pls_ask pls_ask_default(enum pls_runtime runtime);

/* The same with every default settled: what MEMORY 5.1 calls n_ctx, n_ctx_seq, streams, ub, outputs. */
struct pls_setting {
    uint64_t n_ctx;          /* padded; what the engine reports */
    uint64_t n_ctx_seq;      /* cells per stream of full-attention layers */
    uint64_t n_cells_swa;    /* cells per stream of sliding layers; 0 when the model has none */
    uint32_t n_seq;          /* slots */
    uint32_t n_streams;      /* 1 when unified */
    uint32_t n_batch, n_ubatch;
    uint32_t n_outputs;      /* rows of logits reserved */
    bool kv_unified;
    bool flash_attention;    /* after "auto" was decided for this device and card */
    enum pls_type type_k, type_v;
};
/* PLS_REFUSED with the engine's reason when it would refuse (MEMORY 5.2): quantized V without flash attention, MLA with
 * type_k != type_v, a head width no block divides. `backend` is that of the device holding the cache. */
enum pls_code pls_ask_resolve(const struct pls_ask *ask, const struct pls_card *card, enum pls_backend backend,
                              struct pls_setting *out, struct pls_err *err);

#endif
