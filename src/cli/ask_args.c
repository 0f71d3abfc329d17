/* Options to a struct pls_ask. Names and meanings are the engine's own, so that a command line carries
 * over. */
#include "cli/session.h"
#include "plimsoll/speed.h"

#include <stdlib.h>
#include <string.h>

static enum pls_code type_option(const char *name, size_t len, const char *option, enum pls_type *out,
                                 struct pls_err *err)
{
    char room[24];
    struct pls_text t = PLS_TEXT(room);
    pls_text_put(&t, name, len);
    enum pls_type type = pls_type_by_name(room);
    if (type == PLS_TYPE_NONE) {
        return pls_fail(err, PLS_USAGE,
                        "%s: '%s' is not a cache type (f16, bf16, f32, q8_0, q5_1, q5_0, q4_1, q4_0, iq4_nl)",
                        option, room);
    }
    *out = type;
    return PLS_OK;
}

static enum pls_code cache_types(const struct pls_args *args, struct pls_ask *ask, struct pls_err *err)
{
    const char *both = pls_args_text(args, PLS_OPT_KV_TYPE);
    const char *k = pls_args_text(args, PLS_OPT_TYPE_K);
    const char *v = pls_args_text(args, PLS_OPT_TYPE_V);
    enum pls_code code = PLS_OK;
    if (both != NULL) {
        size_t len = strcspn(both, ",");
        const char *second = both[len] == ',' ? both + len + 1 : both;
        code = type_option(both, len, "--kv-type", &ask->type_k, err);
        code =
            code == PLS_OK ? type_option(second, strcspn(second, ","), "--kv-type", &ask->type_v, err) : code;
    }
    if (code == PLS_OK && k != NULL) {
        code = type_option(k, strlen(k), "--cache-type-k", &ask->type_k, err);
    }
    if (code == PLS_OK && v != NULL) {
        code = type_option(v, strlen(v), "--cache-type-v", &ask->type_v, err);
    }
    return code;
}

static enum pls_code context(const struct pls_args *args, struct pls_ask *ask, struct pls_err *err)
{
    const char *text = pls_args_text(args, PLS_OPT_CONTEXT);
    if (text == NULL) {
        return PLS_OK;
    }
    if (pls_text_equal(text, "max")) {
        ask->context_tokens = PLS_CONTEXT_MAX;
        return PLS_OK;
    }
    if (!pls_parse_tokens(text, &ask->context_tokens) || ask->context_tokens > (uint64_t)1 << 40) {
        return pls_fail(err, PLS_USAGE, "--context: '%s' is not a number of tokens (4096, 32k, max)", text);
    }
    return PLS_OK;
}

static enum pls_code gpu_layers(const struct pls_args *args, struct pls_ask *ask, struct pls_err *err)
{
    const char *text = pls_args_text(args, PLS_OPT_GPU_LAYERS);
    uint64_t n = 0;
    if (text == NULL) {
        return PLS_OK;
    }
    if (pls_text_equal(text, "all") || pls_text_equal(text, "-2")) {
        ask->gpu_layers = PLS_GPU_LAYERS_ALL;
    } else if (pls_text_equal(text, "auto") || pls_text_equal(text, "-1")) {
        ask->gpu_layers = PLS_GPU_LAYERS_AUTO;
    } else if (pls_parse_u64(text, &n) && n <= INT32_MAX) {
        ask->gpu_layers = (int32_t)n;
    } else {
        return pls_fail(err, PLS_USAGE, "--gpu-layers: '%s' is not a number, all or auto", text);
    }
    return PLS_OK;
}

static enum pls_code tensor_split(const struct pls_args *args, struct pls_ask *ask, struct pls_err *err)
{
    const char *at = pls_args_text(args, PLS_OPT_TENSOR_SPLIT);
    uint32_t n = 0;
    while (at != NULL && *at != '\0') {
        char room[24];
        struct pls_text t = PLS_TEXT(room);
        size_t len = strcspn(at, ",/");
        double share = 0;
        pls_text_put(&t, at, len);
        if (n == PLS_MAX_GPUS || !pls_parse_double(room, &share) || share < 0) {
            return pls_fail(err, PLS_USAGE, "--tensor-split: '%s' is not a list of at most %d shares",
                            pls_args_text(args, PLS_OPT_TENSOR_SPLIT), PLS_MAX_GPUS);
        }
        ask->tensor_split[n++] = (float)share;
        at += len + (at[len] != '\0' ? 1 : 0);
    }
    return PLS_OK;
}

/* Absent options leave what the runtime does by itself. */
static void numbers_and_flags(const struct pls_args *args, struct pls_ask *ask)
{
    ask->parallel = (uint32_t)pls_args_u64(args, PLS_OPT_PARALLEL, ask->parallel);
    ask->batch_tokens = (uint32_t)pls_args_u64(args, PLS_OPT_BATCH, ask->batch_tokens);
    ask->ubatch_tokens = (uint32_t)pls_args_u64(args, PLS_OPT_UBATCH, ask->ubatch_tokens);
    /* the engine: as large as the batch */
    if (pls_args_has(args, PLS_OPT_UBATCH) && ask->ubatch_tokens == 0) {
        uint32_t usual = pls_runtime_profile(ask->runtime)->batch_tokens;
        ask->ubatch_tokens = ask->batch_tokens != 0 ? ask->batch_tokens : usual;
    }
    ask->n_threads = (uint32_t)pls_args_u64(args, PLS_OPT_THREADS, ask->n_threads);
    ask->engine_as_of = (uint32_t)pls_args_u64(args, PLS_OPT_ENGINE_AS_OF, ask->engine_as_of);
    ask->depth_tokens = pls_args_u64(args, PLS_OPT_DEPTH, ask->depth_tokens);
    ask->prompt_tokens = pls_args_u64(args, PLS_OPT_PROMPT, ask->prompt_tokens);
    if (pls_args_has(args, PLS_OPT_CPU_MOE)) {
        ask->cpu_moe_layers = (int32_t)pls_args_u64(args, PLS_OPT_CPU_MOE, 0);
    }
    if (pls_args_has(args, PLS_OPT_KV_UNIFIED)) {
        ask->kv_unified = PLS_ON;
    }
    ask->swa_full |= pls_args_has(args, PLS_OPT_SWA_FULL);
    ask->no_repack |= pls_args_has(args, PLS_OPT_NO_REPACK);
    ask->no_mmap |= pls_args_has(args, PLS_OPT_NO_MMAP);
    ask->no_kv_offload |= pls_args_has(args, PLS_OPT_NO_KV_OFFLOAD);
    enum pls_task task = PLS_TASK_CHAT;
    bool sees = pls_task_from_args(args, &task, NULL) == PLS_OK && task == PLS_TASK_VISION;
    ask->use_projector |= sees || pls_args_has(args, PLS_OPT_PROJECTOR);
}

static enum pls_code engine_date(const struct pls_args *args, struct pls_err *err)
{
    uint64_t d = pls_args_u64(args, PLS_OPT_ENGINE_AS_OF, PLS_ENGINE_TODAY);
    bool is_date = d / 10000 >= 2023 && d / 10000 < 2100 && d / 100 % 100 >= 1 && d / 100 % 100 <= 12
                   && d % 100 >= 1 && d % 100 <= 31;
    return is_date ? PLS_OK
                   : pls_fail(err, PLS_USAGE, "--engine-as-of: '%s' is not a date since 2023 like %u",
                              pls_args_text(args, PLS_OPT_ENGINE_AS_OF), PLS_ENGINE_TODAY);
}

static enum pls_code ask_for(enum pls_runtime runtime, const struct pls_args *args, struct pls_ask *out,
                             struct pls_err *err)
{
    const char *flash = pls_args_text(args, PLS_OPT_FLASH);
    const char *backend = pls_args_text(args, PLS_OPT_BACKEND);
    *out = pls_ask_default(runtime);
    if (backend != NULL && !pls_backend_by_name(backend, &out->backend)) {
        return pls_fail(err, PLS_USAGE, "--backend: '%s' is not known", backend);
    }
    if (flash != NULL) {
        out->flash_attention = pls_text_equal(flash, "on")    ? PLS_ON
                               : pls_text_equal(flash, "off") ? PLS_OFF
                                                              : PLS_AUTO;
    }
    numbers_and_flags(args, out);
    enum pls_code code = engine_date(args, err);
    code = code == PLS_OK ? context(args, out, err) : code;
    code = code == PLS_OK ? cache_types(args, out, err) : code;
    code = code == PLS_OK ? gpu_layers(args, out, err) : code;
    return code == PLS_OK ? tensor_split(args, out, err) : code;
}

/* MLX is an engine of its own, not a way of llama.cpp to drive a GPU. */
static bool means_mlx(const struct pls_args *args)
{
    const char *backend = pls_args_text(args, PLS_OPT_BACKEND);
    return backend != NULL && pls_text_equal_nocase(backend, pls_backend_name(PLS_BACKEND_MLX));
}

/* A command of an engine that shares nothing with llama.cpp, or of a program whose defaults its own options
 * cannot undo, is only asked for by somebody who means that one. */
static const char *runtime_meant(const struct pls_args *args)
{
    if (means_mlx(args) && !pls_args_has(args, PLS_OPT_RUNTIME)) {
        return "mlx";
    }
    const char *name = pls_args_text(args, PLS_OPT_RUNTIME);
    const char *emit = pls_args_text(args, PLS_OPT_EMIT);
    bool is_apart = emit != NULL && !pls_text_equal(emit, "llama.cpp") && !pls_text_equal(emit, "ollama");
    return name == NULL && is_apart ? emit : name;
}

enum pls_code pls_ask_from_args(const struct pls_args *args, struct pls_ask *out, struct pls_err *err)
{
    const char *name = runtime_meant(args);
    enum pls_runtime runtime = PLS_RUNTIME_LLAMA_SERVER;
    if (name != NULL && !pls_runtime_by_name(name, &runtime)) {
        return pls_fail(err, PLS_USAGE, "--runtime: '%s' is not known", name);
    }
    if (means_mlx(args) && runtime != PLS_RUNTIME_MLX) {
        return pls_fail(err, PLS_REFUSED,
                        "--backend mlx: %s drives a Mac by metal; --runtime mlx is the other engine", name);
    }
    return ask_for(runtime, args, out, err);
}

static bool loads(enum pls_runtime runtime, enum pls_format format)
{
    enum pls_engine engine = pls_runtime_profile(runtime)->engine;
    switch (format) {
    case PLS_FORMAT_GGUF:
        return engine == PLS_ENGINE_LLAMA_CPP;
    case PLS_FORMAT_MLX:
        return engine == PLS_ENGINE_MLX || runtime == PLS_RUNTIME_LMSTUDIO;
    case PLS_FORMAT_SAFETENSORS:
        return engine != PLS_ENGINE_LLAMA_CPP;
    case PLS_FORMAT_GPTQ:
    case PLS_FORMAT_AWQ:
    case PLS_FORMAT_FP8:
    case PLS_FORMAT_BNB:
    case PLS_FORMAT_COUNT:
        break;
    }
    return engine == PLS_ENGINE_VLLM;
}

enum pls_code pls_ask_for_quant(const struct pls_args *args, const struct pls_quant *quant,
                                struct pls_ask *ask, struct pls_err *err)
{
    static const enum pls_runtime only[PLS_FORMAT_COUNT] = {
        [PLS_FORMAT_GGUF] = PLS_RUNTIME_LLAMA_SERVER, [PLS_FORMAT_SAFETENSORS] = PLS_RUNTIME_LLAMA_SERVER,
        [PLS_FORMAT_MLX] = PLS_RUNTIME_MLX,           [PLS_FORMAT_GPTQ] = PLS_RUNTIME_VLLM,
        [PLS_FORMAT_AWQ] = PLS_RUNTIME_VLLM,          [PLS_FORMAT_FP8] = PLS_RUNTIME_VLLM,
        [PLS_FORMAT_BNB] = PLS_RUNTIME_VLLM,
    };
    enum pls_code code = PLS_OK;
    bool is_open = !pls_args_has(args, PLS_OPT_RUNTIME) && !means_mlx(args);
    if (is_open && only[quant->format] != ask->runtime && !loads(ask->runtime, quant->format)) {
        /* a static table; NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage) */
        code = ask_for(only[quant->format], args, ask, err);
    }
    ask->quant = *quant;
    return code;
}

enum pls_code pls_task_from_args(const struct pls_args *args, enum pls_task *out, struct pls_err *err)
{
    const char *name = pls_args_text(args, PLS_OPT_TASK);
    *out = PLS_TASK_CHAT;
    if (name != NULL && !pls_task_by_name(name, out)) {
        return pls_fail(err, PLS_USAGE, "--task: '%s' is not known", name);
    }
    return PLS_OK;
}

void pls_note_depth(struct pls_plan *plan)
{
    uint64_t most = plan->setting.n_ctx_seq;
    bool is_depth = plan->ask.depth_tokens > most;
    if (is_depth || plan->ask.prompt_tokens > most) {
        pls_plan_note(plan, "depth", "the speed of %s of %llu tokens, more than the context of %llu holds",
                      is_depth ? "a depth" : "a prompt",
                      (unsigned long long)(is_depth ? plan->ask.depth_tokens : plan->ask.prompt_tokens),
                      (unsigned long long)most);
    }
}

bool pls_fast_enough(const struct pls_args *args, const struct pls_card *card, struct pls_plan *plan)
{
    double floor = pls_args_number(args, PLS_OPT_MIN_SPEED, 0);
    double tps = pls_speed_that_counts(card, plan);
    if (plan->fit != PLS_FIT_YES || !(floor > 0) || tps >= floor) {
        return true;
    }
    if (tps > 0) {
        pls_plan_note(plan, "too-slow", "%.3g tok/s are predicted, --min-speed asks for %.3g", tps, floor);
    } else {
        pls_plan_note(plan, "too-slow", "whether it reaches the %.3g tok/s of --min-speed is not known",
                      floor);
    }
    return false;
}
