/* plimsoll/ask.h - one question about one configuration: quant, context, cache types, slots, runtime,
 * placement wishes.
 *
 * Defaults are those of the runtime; pls_ask_default() sets them, pls_ask_resolve() replaces every
 * "as the runtime does" by a number once card and devices are known. Token counts are tokens, not bytes.
 * What each runtime does: plimsoll(7), RUNTIMES.
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

/* Whose allocation rules a runtime follows. */
enum pls_engine { PLS_ENGINE_LLAMA_CPP = 0, PLS_ENGINE_MLX, PLS_ENGINE_VLLM };

enum pls_unify {
    PLS_UNIFY_NEVER = 0,  /* every slot has cells of its own */
    PLS_UNIFY_BY_DEFAULT, /* slots share cells unless their number was given */
    PLS_UNIFY_ALWAYS,
};

/* What a runtime does when it is told nothing. Sources stand beside the rows in core/ask.c; a default that
 * could not be sourced has origin ASSUMED. */
struct pls_runtime_profile {
    const char *name;
    enum pls_engine engine;
    uint32_t context_tokens; /* 0: the training context */
    bool context_per_slot;   /* the context asked for is that of one slot, not of all together */
    uint32_t slots;
    enum pls_unify unify;
    uint32_t batch_tokens, ubatch_tokens;
    bool outputs_per_slot;       /* logits reserved for one row per slot; otherwise for a whole batch */
    uint64_t prompt_cache_bytes; /* host memory it may grow into to keep finished prompts; 0 none */
    /* of each GPU, taken at start whatever the model needs (vLLM); 0: what is needed */
    uint32_t memory_share_pct;
    bool whole_layers; /* cannot be told to keep experts in RAM: what does not fit moves layer by layer */
    enum pls_origin context_origin, slots_origin, batch_origin, outputs_origin;
};
/* Never NULL for a runtime below PLS_RUNTIME_COUNT. */
const struct pls_runtime_profile *pls_runtime_profile(enum pls_runtime runtime);

/* llama.cpp as it was on this day (yyyymmdd) is what the core's rules are those of. */
#define PLS_ENGINE_TODAY 20260822u

enum pls_tri { PLS_AUTO = 0, PLS_ON, PLS_OFF };

#define PLS_CONTEXT_DEFAULT 0          /* what the runtime would use */
#define PLS_CONTEXT_MAX     UINT64_MAX /* the largest that fits, up to the training context */
#define PLS_GPU_LAYERS_AUTO (-1)       /* as many as the budgets carry */
#define PLS_GPU_LAYERS_ALL  (-2)

struct pls_ask {
    struct pls_quant quant;
    enum pls_runtime runtime;
    uint64_t context_tokens; /* as asked, or PLS_CONTEXT_DEFAULT, PLS_CONTEXT_MAX */
    uint32_t parallel;       /* slots or sequences; 0: the runtime's default */
    uint32_t batch_tokens;   /* 0: default */
    uint32_t ubatch_tokens;  /* 0: default */
    enum pls_type type_k, type_v;
    enum pls_tri flash_attention;
    enum pls_tri kv_unified;
    bool swa_full;
    bool no_repack;
    bool no_mmap;
    bool no_kv_offload;
    int32_t gpu_layers;     /* 0.., PLS_GPU_LAYERS_AUTO, PLS_GPU_LAYERS_ALL; an explicit count is obeyed */
    int32_t cpu_moe_layers; /* first n layers keep their experts in RAM; -1: decide */
    float tensor_split[PLS_MAX_GPUS]; /* shares; all 0: by free memory */
    enum pls_backend backend;         /* PLS_BACKEND_NONE: the device's best */
    uint32_t engine_as_of;            /* yyyymmdd; 0: today's rules */
    uint64_t depth_tokens;            /* tokens already in the cache when decode speed is asked */
    uint64_t prompt_tokens;           /* prompt length for prefill speed and TTFT; 0: 512 */
    bool use_projector;               /* count the mmproj file */
    uint32_t n_threads;               /* 0: all cores the process may use */
    /* compute buffers by the closed form wherever the verdict does not hang on them: for searches over
     * thousands of configurations */
    bool roughly;
};

/* The quant is "as stored" for llama.cpp's kin, the usual packaging for MLX (4 bits) and vLLM (BF16). */
struct pls_ask pls_ask_default(enum pls_runtime runtime);

/* The engine that answers: the runtime's own, but LM Studio hands MLX models to MLX. */
enum pls_engine pls_ask_engine(const struct pls_ask *ask);

/* The context a runtime picks on its own for this card with `vram_bytes` of GPU memory in all (Ollama looks
 * at it); 0 when the training context is wanted and unknown. */
uint64_t pls_ask_default_context(enum pls_runtime runtime, const struct pls_card *card, uint64_t vram_bytes);

/* The same with every default settled: what the engine calls n_ctx, n_ctx_seq, streams, ub, outputs. */
struct pls_setting {
    enum pls_engine engine;
    uint64_t n_ctx;       /* padded; what the engine reports */
    uint64_t n_ctx_seq;   /* cells per stream of full-attention layers */
    uint64_t n_cells_swa; /* cells per stream of sliding layers; 0 when the model has none */
    uint32_t n_seq;       /* slots, at least 1; llama.cpp: at most 256 */
    uint32_t n_streams;   /* 1 when unified */
    uint32_t n_batch, n_ubatch;
    uint32_t n_outputs; /* rows of logits reserved */
    bool kv_unified;
    bool flash_attention; /* after "auto" was decided for this device and card */
    bool v_transposed;    /* V is stored transposed: flash attention was off from the start, not by "auto" */
    enum pls_type type_k, type_v;
};
/* PLS_REFUSED with the engine's reason when it would refuse: quantized V without flash attention, MLA with
 * different types for K and V, a head width no block divides, a type no cache can have, more slots than the
 * engine knows. PLS_USAGE when the context is left to a training context that the card does not know.
 * `backend` is that of the device holding the cache. PLS_CONTEXT_MAX resolves to the training context. */
enum pls_code pls_ask_resolve(const struct pls_ask *ask, const struct pls_card *card,
                              enum pls_backend backend, struct pls_setting *out, struct pls_err *err);

/* The quant for a card when none is asked for: what it was released in when that is already small, else the
 * usual one of the engine's format. */
struct pls_quant pls_ask_default_quant(const struct pls_card *card, enum pls_runtime runtime);
/* What a word of people's means where no file is named: "bf16" and "f16" are GGUF files, but of vLLM, which
 * serves what was released, that. */
void pls_ask_mean_quant(enum pls_runtime runtime, struct pls_quant *quant);

#endif
