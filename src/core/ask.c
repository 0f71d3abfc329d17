/* Settles a question: runtime defaults, context padding, slots, cache types, flash attention.
 *
 * Rules of llama.cpp as of 2026-08-22 (llama-context.cpp, llama-kv-cache*.cpp);
 * held by tests/unit/test_ask.c, with the padded contexts of its 960 recorded CPU runs in test_size_kv.c. */
#include "plimsoll/ask.h"

#include <string.h>

#include "plimsoll/compute.h"
#include "plimsoll/publisher.h"
#include "plimsoll/text.h"

#define LLAMA_MAX_SEQ 256 /* llama.cpp's own limit on sequences */
#define LLAMA_MAX_CONTEXT INT32_MAX
#define MAX_CONTEXT ((uint64_t)1 << 40) /* where the engine has no limit: sums stay far from 64 bits */
#define CONTEXT_STEP  256 /* the engine pads contexts to this */
#define VLLM_BLOCK    16  /* tokens in a page of its cache, vllm/config/cache.py DEFAULT_BLOCK_SIZE */

static const struct pls_runtime_profile profiles[PLS_RUNTIME_COUNT] = {
    /* llama.cpp common/arg.cpp and tools/server, 2026-08-22: -c 0 (training context), -np auto = 4 with a
     * unified cache, -b 2048, -ub 512, logits for n_parallel rows, --cache-ram 8192 MiB. */
    [PLS_RUNTIME_LLAMA_SERVER] = { .name = "llama-server",
                                   .engine = PLS_ENGINE_LLAMA_CPP,
                                   .slots = 4,
                                   .unify = PLS_UNIFY_BY_DEFAULT,
                                   .batch_tokens = 2048,
                                   .ubatch_tokens = 512,
                                   .outputs_per_slot = true,
                                   .prompt_cache_bytes = 8192 * PLS_MIB,
                                   .context_origin = PLS_ORIGIN_TABLE,
                                   .slots_origin = PLS_ORIGIN_TABLE,
                                   .batch_origin = PLS_ORIGIN_TABLE,
                                   .outputs_origin = PLS_ORIGIN_TABLE },
    /* The same tree: one sequence, logits for a whole batch. */
    [PLS_RUNTIME_LLAMA_CLI] = { .name = "llama-cli",
                                .engine = PLS_ENGINE_LLAMA_CPP,
                                .slots = 1,
                                .unify = PLS_UNIFY_NEVER,
                                .batch_tokens = 2048,
                                .ubatch_tokens = 512,
                                .context_origin = PLS_ORIGIN_TABLE,
                                .slots_origin = PLS_ORIGIN_TABLE,
                                .batch_origin = PLS_ORIGIN_TABLE,
                                .outputs_origin = PLS_ORIGIN_TABLE },
    /* ollama docs/context-length.mdx: 4k below 24 GiB of VRAM, 32k below 48 GiB, 256k from there on;
     * envconfig/config.go: OLLAMA_NUM_PARALLEL 1; api num_batch 512. num_ctx is that of one request. Logits
     * for the batch: libllama's default, assumed to be left alone. */
    [PLS_RUNTIME_OLLAMA] = { .name = "ollama",
                             .engine = PLS_ENGINE_LLAMA_CPP,
                             .context_tokens = 4096,
                             .context_per_slot = true,
                             .slots = 1,
                             .unify = PLS_UNIFY_NEVER,
                             .batch_tokens = 512,
                             .ubatch_tokens = 512,
                             .context_origin = PLS_ORIGIN_TABLE,
                             .slots_origin = PLS_ORIGIN_TABLE,
                             .batch_origin = PLS_ORIGIN_TABLE,
                             .whole_layers = true,
                             .outputs_origin = PLS_ORIGIN_ASSUMED },
    /* lmstudio-bug-tracker #2024 (0.4.16, mid 2026): max concurrent predictions 4; zed #33938:
     * loaded_context_length 4096. Closed source: unified cache, batch 512 and outputs are assumed. */
    [PLS_RUNTIME_LMSTUDIO] = { .name = "lmstudio",
                               .engine = PLS_ENGINE_LLAMA_CPP,
                               .context_tokens = 4096,
                               .slots = 4,
                               .unify = PLS_UNIFY_ALWAYS,
                               .batch_tokens = 512,
                               .ubatch_tokens = 512,
                               .context_origin = PLS_ORIGIN_TABLE,
                               .slots_origin = PLS_ORIGIN_TABLE,
                               .batch_origin = PLS_ORIGIN_ASSUMED,
                               .whole_layers = true,
                               .outputs_origin = PLS_ORIGIN_ASSUMED },
    /* janhq/jan extensions/llamacpp-extension/settings.json: batch 2048, ubatch 512; it starts llama-server.
     * The context of a new model (8192) and one slot are assumed. */
    [PLS_RUNTIME_JAN] = { .name = "jan",
                          .engine = PLS_ENGINE_LLAMA_CPP,
                          .context_tokens = 8192,
                          .slots = 1,
                          .unify = PLS_UNIFY_NEVER,
                          .batch_tokens = 2048,
                          .ubatch_tokens = 512,
                          .outputs_per_slot = true,
                          .prompt_cache_bytes = 8192 * PLS_MIB,
                          .context_origin = PLS_ORIGIN_ASSUMED,
                          .slots_origin = PLS_ORIGIN_ASSUMED,
                          .batch_origin = PLS_ORIGIN_TABLE,
                          .outputs_origin = PLS_ORIGIN_TABLE },
    /* mlx-lm: the cache grows with the conversation up to the training context, prefill in steps of 2048
     * tokens, one logits row. One sequence is assumed: the server batches what arrives and reserves nothing.
     */
    [PLS_RUNTIME_MLX] = { .name = "mlx",
                          .engine = PLS_ENGINE_MLX,
                          .context_per_slot = true,
                          .slots = 1,
                          .unify = PLS_UNIFY_NEVER,
                          .batch_tokens = 2048,
                          .ubatch_tokens = 2048,
                          .outputs_per_slot = true,
                          .context_origin = PLS_ORIGIN_TABLE,
                          .slots_origin = PLS_ORIGIN_ASSUMED,
                          .batch_origin = PLS_ORIGIN_TABLE,
                          .outputs_origin = PLS_ORIGIN_TABLE },
    /* vllm/config/cache.py (stable docs, 2026): gpu_memory_utilization 0.92, pages of 16 tokens;
     * max_model_len is the training context. It must hold one request of that length; chunked prefill of 2048
     * tokens is assumed. */
    [PLS_RUNTIME_VLLM] = { .name = "vllm",
                           .engine = PLS_ENGINE_VLLM,
                           .context_per_slot = true,
                           .slots = 1,
                           .unify = PLS_UNIFY_NEVER,
                           .batch_tokens = 2048,
                           .ubatch_tokens = 2048,
                           .outputs_per_slot = true,
                           .memory_share_pct = 92,
                           .context_origin = PLS_ORIGIN_TABLE,
                           .slots_origin = PLS_ORIGIN_ASSUMED,
                           .batch_origin = PLS_ORIGIN_ASSUMED,
                           .outputs_origin = PLS_ORIGIN_ASSUMED },
};

const struct pls_runtime_profile *pls_runtime_profile(enum pls_runtime runtime)
{
    return &profiles[(unsigned)runtime < PLS_RUNTIME_COUNT ? runtime : PLS_RUNTIME_LLAMA_SERVER];
}

const char *pls_runtime_name(enum pls_runtime runtime)
{
    return pls_runtime_profile(runtime)->name;
}

bool pls_runtime_by_name(const char *name, enum pls_runtime *out)
{
    if (pls_text_equal_nocase(name, "llama.cpp")) {
        *out = PLS_RUNTIME_LLAMA_SERVER;
        return true;
    }
    for (int i = 0; i < PLS_RUNTIME_COUNT; i++) {
        if (pls_text_equal_nocase(name, profiles[i].name)) {
            *out = (enum pls_runtime)i;
            return true;
        }
    }
    return false;
}

struct pls_ask pls_ask_default(enum pls_runtime runtime)
{
    struct pls_ask ask;
    memset(&ask, 0, sizeof(ask));
    ask.quant.ftype = PLS_FTYPE_NONE;
    ask.quant.stored = PLS_TYPE_NONE;
    if (pls_runtime_profile(runtime)->engine == PLS_ENGINE_MLX) {
        pls_quant_parse("mlx-4bit", &ask.quant);
    } else if (pls_runtime_profile(runtime)->engine == PLS_ENGINE_VLLM) {
        pls_quant_parse("safetensors-bf16", &ask.quant);
    }
    ask.runtime = runtime;
    ask.type_k = PLS_TYPE_F16;
    ask.type_v = PLS_TYPE_F16;
    ask.gpu_layers = PLS_GPU_LAYERS_AUTO;
    ask.cpu_moe_layers = -1;
    return ask;
}

enum pls_engine pls_ask_engine(const struct pls_ask *ask)
{
    if (ask->runtime == PLS_RUNTIME_LMSTUDIO && ask->quant.format == PLS_FORMAT_MLX) {
        return PLS_ENGINE_MLX;
    }
    return pls_runtime_profile(ask->runtime)->engine;
}

uint64_t pls_ask_default_context(enum pls_runtime runtime, const struct pls_card *card, uint64_t vram_bytes)
{
    const struct pls_runtime_profile *p = pls_runtime_profile(runtime);
    uint64_t context = p->context_tokens;
    if (runtime == PLS_RUNTIME_OLLAMA) {
        context = vram_bytes < 24 * PLS_GIB ? 4096 : vram_bytes < 48 * PLS_GIB ? 32768 : 262144;
    }
    if (context == 0) {
        return card->context_max_tokens;
    }
    return card->context_max_tokens == 0 ? context : pls_min(context, card->context_max_tokens);
}

static bool type_in_set(enum pls_type type, const uint8_t *set, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (set[i] == (uint8_t)type) {
            return true;
        }
    }
    return false;
}

/* ---- refusals ---- */

/* mlx-lm loads MLX and plain checkpoints; vLLM everything but MLX, GGUF by way of an experiment. */
static enum pls_code refuse_format(const struct pls_ask *ask, enum pls_engine engine, struct pls_err *err)
{
    enum pls_format format = ask->quant.format;
    bool loads = engine == PLS_ENGINE_MLX    ? format == PLS_FORMAT_MLX || format == PLS_FORMAT_SAFETENSORS
                 : engine == PLS_ENGINE_VLLM ? format != PLS_FORMAT_MLX
                                             : format == PLS_FORMAT_GGUF;
    if (loads) {
        return PLS_OK;
    }
    return pls_fail(err, PLS_REFUSED,
                    "%s does not load %s models (-q names another quant, --runtime another engine)",
                    pls_runtime_name(ask->runtime), pls_format_name(format));
}

static enum pls_code refuse_type(enum pls_engine engine, enum pls_type type, struct pls_err *err)
{
    static const uint8_t llama[] = { PLS_TYPE_F32,    PLS_TYPE_F16,  PLS_TYPE_BF16,
                                     PLS_TYPE_Q8_0,   PLS_TYPE_Q4_0, PLS_TYPE_Q4_1,
                                     PLS_TYPE_IQ4_NL, PLS_TYPE_Q5_0, PLS_TYPE_Q5_1 };
    static const uint8_t mlx[] = { PLS_TYPE_F16, PLS_TYPE_BF16, PLS_TYPE_Q8_0, PLS_TYPE_Q4_0 };
    static const uint8_t vllm[] = { PLS_TYPE_F16, PLS_TYPE_BF16, PLS_TYPE_Q8_0 };
    bool known = engine == PLS_ENGINE_MLX    ? type_in_set(type, mlx, PLS_COUNT_OF(mlx))
                 : engine == PLS_ENGINE_VLLM ? type_in_set(type, vllm, PLS_COUNT_OF(vllm))
                                             : type_in_set(type, llama, PLS_COUNT_OF(llama));
    if (known) {
        return PLS_OK;
    }
    const char *name = type < PLS_TYPE_COUNT ? pls_type_info(type)->name : NULL;
    return pls_fail(err, PLS_REFUSED, "the engine has no cache of type %s", name == NULL ? "unknown" : name);
}

/* Every layer's cache must be made of whole blocks: heads when attention is fused, rows in any case. */
static enum pls_code refuse_widths(const struct pls_card *card, const struct pls_setting *s,
                                   struct pls_err *err)
{
    uint32_t block_k = pls_type_info(s->type_k)->block;
    uint32_t block_v = pls_type_info(s->type_v)->block;
    for (uint32_t i = 0; i < card->n_layers; i++) {
        struct pls_layer l = pls_card_layer(card, i);
        if (l.k_cache_width == 0) {
            continue;
        }
        bool latent = l.v_cache_width == 0;
        if (latent && s->type_k != s->type_v) {
            return pls_fail(err, PLS_REFUSED,
                            "the engine keeps K and V of this model in one cache: types %s and %s "
                            "cannot differ",
                            pls_type_info(s->type_k)->name, pls_type_info(s->type_v)->name);
        }
        uint32_t k = latent || !s->flash_attention ? l.k_cache_width : l.head_dim_k;
        uint32_t v = latent ? block_v : !s->flash_attention ? l.v_cache_width : l.head_dim_v;
        if (k % block_k != 0 || v % block_v != 0) {
            bool is_k = k % block_k != 0;
            return pls_fail(
                err, PLS_REFUSED, "cache type %s needs widths in multiples of %u, layer %u has %u",
                pls_type_info(is_k ? s->type_k : s->type_v)->name, is_k ? block_k : block_v, i, is_k ? k : v);
        }
    }
    return PLS_OK;
}

/* mlx-lm 0.31: RotatingKVCache.to_quantized raises, and latent attention indexes the packed cache as if it
 * were plain. */
static enum pls_code refuse_mlx(const struct pls_card *card, const struct pls_setting *s, struct pls_err *err)
{
    if (!pls_type_is_quantized(s->type_k) && !pls_type_is_quantized(s->type_v)) {
        return PLS_OK;
    }
    if (s->type_k != s->type_v) {
        return pls_fail(err, PLS_REFUSED, "mlx-lm quantizes K and V alike: give one cache type");
    }
    for (uint32_t i = 0; i < card->n_layers; i++) {
        struct pls_layer l = pls_card_layer(card, i);
        if (l.k_cache_width != 0 && (l.is_sliding || l.v_cache_width == 0)) {
            return pls_fail(err, PLS_REFUSED, "mlx-lm cannot quantize the %s cache of this model",
                            l.is_sliding ? "rotating" : "latent");
        }
    }
    return PLS_OK;
}

/* ---- the settled numbers ---- */

static bool has_sliding_cache(const struct pls_card *card)
{
    for (uint32_t i = 0; i < card->n_layers; i++) {
        struct pls_layer l = pls_card_layer(card, i);
        if (l.is_sliding && l.k_cache_width != 0) {
            return true;
        }
    }
    return false;
}

static void settle_batches(const struct pls_ask *ask, const struct pls_card *card, uint64_t context,
                           struct pls_setting *s)
{
    const struct pls_runtime_profile *p = pls_runtime_profile(ask->runtime);
    uint64_t batch = ask->batch_tokens != 0 ? ask->batch_tokens : p->batch_tokens;
    uint64_t ubatch = ask->ubatch_tokens != 0 ? ask->ubatch_tokens : p->ubatch_tokens;
    s->n_batch = (uint32_t)pls_min(context, batch);
    s->n_ubatch = (uint32_t)pls_min(s->n_batch, ubatch);
    if (card->is_encoder && p->outputs_per_slot) {
        s->n_batch =
            s->n_ubatch; /* the server embeds in one go: a prompt longer than the micro-batch is refused */
    }
    bool per_slot = p->outputs_per_slot && !card->is_encoder;
    s->n_outputs = (uint32_t)pls_min(s->n_ubatch, per_slot ? s->n_seq : s->n_batch);
}

static void settle_cells(const struct pls_ask *ask, const struct pls_card *card, uint64_t context,
                         struct pls_setting *s)
{
    uint64_t step = s->engine == PLS_ENGINE_VLLM ? VLLM_BLOCK : CONTEXT_STEP;
    uint64_t all = pls_pad(context, step);
    s->n_ctx_seq = s->kv_unified ? all : pls_pad(all / s->n_seq, step);
    s->n_ctx = s->kv_unified ? all : s->n_ctx_seq * s->n_seq;
    s->n_streams = s->kv_unified ? 1 : s->n_seq;
    s->n_cells_swa = 0;
    if (!has_sliding_cache(card)) {
        return;
    }
    uint64_t window = (uint64_t)card->sliding_window * (s->kv_unified ? s->n_seq : 1) + s->n_ubatch;
    s->n_cells_swa = ask->swa_full ? s->n_ctx_seq : pls_pad(pls_min(s->n_ctx_seq, window), step);
}

static enum pls_code settle_attention(const struct pls_ask *ask, const struct pls_card *card,
                                      enum pls_backend backend, struct pls_setting *s, struct pls_err *err)
{
    bool quantized_v = pls_type_is_quantized(s->type_v);
    if (ask->flash_attention == PLS_OFF && quantized_v && s->engine == PLS_ENGINE_LLAMA_CPP) {
        return pls_fail(err, PLS_REFUSED, "quantized V cache requires flash attention to be enabled");
    }
    s->v_transposed = s->engine == PLS_ENGINE_LLAMA_CPP && ask->flash_attention == PLS_OFF;
    s->flash_attention =
        ask->flash_attention == PLS_ON
        || (ask->flash_attention == PLS_AUTO
            && (quantized_v || pls_flash_attention_supported(backend, card, s->type_k, s->type_v)));
    if (s->engine == PLS_ENGINE_VLLM) { /* --kv-cache-dtype is one type; F16 and BF16 are both "auto" */
        s->flash_attention = true;
        return quantized_v == pls_type_is_quantized(s->type_k)
                   ? PLS_OK
                   : pls_fail(err, PLS_REFUSED, "vllm has one cache type for K and V: give one");
    }
    return s->engine == PLS_ENGINE_MLX ? refuse_mlx(card, s, err) : refuse_widths(card, s, err);
}

static enum pls_code settle_context(const struct pls_ask *ask, const struct pls_card *card, uint32_t n_seq,
                                    uint64_t *context, struct pls_err *err)
{
    const struct pls_runtime_profile *p = pls_runtime_profile(ask->runtime);
    uint64_t c = ask->context_tokens;
    if (c == PLS_CONTEXT_MAX) {
        c = card->context_max_tokens;
    } else if (c == PLS_CONTEXT_DEFAULT) {
        c = pls_ask_default_context(ask->runtime, card, 0);
    }
    if (c == 0) {
        return pls_fail(err, PLS_USAGE, "%s: the training context is not known: give a context",
                        card->name[0] != '\0' ? card->name : "model");
    }
    if (p->context_per_slot) {
        c = pls_mul(c, n_seq);
    }
    if (c > LLAMA_MAX_CONTEXT && pls_ask_engine(ask) == PLS_ENGINE_LLAMA_CPP) {
        return pls_fail(err, PLS_REFUSED, "llama.cpp counts context in 31 bits, too few for what is asked");
    }
    if (c > MAX_CONTEXT) {
        return pls_fail(err, PLS_REFUSED, "a context of that many tokens is beyond any machine");
    }
    *context = c;
    return PLS_OK;
}

/* The number of slots, where the engine serves that many. */
static enum pls_code settle_slots(const struct pls_ask *ask, struct pls_setting *s, struct pls_err *err)
{
    const struct pls_runtime_profile *p = pls_runtime_profile(ask->runtime);
    s->n_seq = ask->parallel != 0 ? ask->parallel : p->slots;
    if (s->n_seq > LLAMA_MAX_SEQ && s->engine == PLS_ENGINE_LLAMA_CPP) {
        return pls_fail(err, PLS_REFUSED, "llama.cpp serves at most %d slots, not %u", LLAMA_MAX_SEQ,
                        s->n_seq);
    }
    bool by_default =
        p->unify == PLS_UNIFY_ALWAYS || (p->unify == PLS_UNIFY_BY_DEFAULT && ask->parallel == 0);
    s->kv_unified = ask->kv_unified == PLS_ON || (ask->kv_unified == PLS_AUTO && by_default);
    return PLS_OK;
}

enum pls_code pls_ask_resolve(const struct pls_ask *ask, const struct pls_card *card,
                              enum pls_backend backend, struct pls_setting *out, struct pls_err *err)
{
    struct pls_setting s;
    memset(&s, 0, sizeof(s));
    s.engine = pls_ask_engine(ask);
    s.type_k = ask->type_k;
    s.type_v = ask->type_v;
    uint64_t context = 0;
    enum pls_code code = settle_slots(ask, &s, err);
    if (code == PLS_OK) {
        code = settle_context(ask, card, s.n_seq, &context, err);
    }
    if (code == PLS_OK) {
        code = refuse_format(ask, s.engine, err);
    }
    if (code == PLS_OK) {
        code = refuse_type(s.engine, s.type_k, err);
    }
    if (code == PLS_OK) {
        code = refuse_type(s.engine, s.type_v, err);
    }
    if (code == PLS_OK) {
        settle_batches(ask, card, context, &s);
        settle_cells(ask, card, context, &s);
        code = settle_attention(ask, card, backend, &s, err);
    }
    if (code == PLS_OK) {
        *out = s;
    }
    return code;
}

struct pls_quant pls_ask_default_quant(const struct pls_card *card, enum pls_runtime runtime)
{
    struct pls_quant q = { .format = PLS_FORMAT_GGUF, .ftype = PLS_FTYPE_Q4_K_M, .stored = PLS_TYPE_NONE };
    enum pls_engine engine = pls_runtime_profile(runtime)->engine;
    if (engine == PLS_ENGINE_MLX) {
        pls_quant_parse(card->native == PLS_TYPE_MXFP4 ? "mlx-mxfp4" : "mlx-4bit-g64", &q);
    } else if (engine == PLS_ENGINE_VLLM) {
        pls_quant_parse((card->held & PLS_HELD_RELEASE_FP8) != 0 ? "fp8"
                        : card->native == PLS_TYPE_MXFP4         ? "safetensors-mxfp4"
                        : card->native == PLS_TYPE_NONE          ? "safetensors" /* refused: not known */
                                                                 : "safetensors-bf16",
                        &q);
    } else if (card->native == PLS_TYPE_MXFP4) {
        q.ftype = PLS_FTYPE_MXFP4_MOE;
    }
    return q;
}

void pls_ask_mean_quant(enum pls_runtime runtime, struct pls_quant *quant)
{
    static const char *const released[PLS_FTYPE_COUNT] = {
        [PLS_FTYPE_F32] = "safetensors-f32",
        [PLS_FTYPE_F16] = "safetensors-f16",
        [PLS_FTYPE_BF16] = "safetensors-bf16",
    };
    bool is_recipe = quant->format == PLS_FORMAT_GGUF && quant->ftype < PLS_FTYPE_COUNT && !quant->from_name;
    if (pls_runtime_profile(runtime)->engine == PLS_ENGINE_VLLM && is_recipe
        && released[quant->ftype] != NULL) {
        pls_quant_parse(released[quant->ftype], quant);
    }
}
