/* Commands against the plans they run: every runtime, backend and number of GPUs, with every option that
 * changes what is planned. */
#include "placing.h"
#include "plimsoll/render.h"
#include "unit.h"

static char line[4096];

/* A thing that was asked for, and the word that llama.cpp has for it. */
struct option {
    const char *word; /* NULL: nothing beside what every command says */
    void (*set)(struct pls_ask *ask);
};

static void set_nothing(struct pls_ask *ask) { (void)ask; }
static void set_threads(struct pls_ask *ask) { ask->n_threads = 6; }
static void set_slots(struct pls_ask *ask) { ask->parallel = 3; }
static void set_batch(struct pls_ask *ask) { ask->batch_tokens = 1024; }
static void set_ubatch(struct pls_ask *ask) { ask->ubatch_tokens = 256; }
static void set_flash_off(struct pls_ask *ask) { ask->flash_attention = PLS_OFF; }
static void set_cache(struct pls_ask *ask) { ask->type_k = ask->type_v = PLS_TYPE_Q8_0; }
static void set_no_mmap(struct pls_ask *ask) { ask->no_mmap = true; }
static void set_no_repack(struct pls_ask *ask) { ask->no_repack = true; }
static void set_swa_full(struct pls_ask *ask) { ask->swa_full = true; }
static void set_no_kv_offload(struct pls_ask *ask) { ask->no_kv_offload = true; }
static void set_split(struct pls_ask *ask) { ask->tensor_split[0] = 1, ask->tensor_split[1] = 3; }
static void set_layers(struct pls_ask *ask) { ask->gpu_layers = 7; }
static void set_unified(struct pls_ask *ask)
{
    ask->kv_unified = PLS_ON;
    ask->parallel = 2;
}

static const struct option options[] = {
    { NULL, set_nothing },
    { " -t 6", set_threads },
    { " -np 3", set_slots },
    { " -b 1024", set_batch },
    { " -ub 256", set_ubatch },
    { " -fa off", set_flash_off },
    { " -ctk q8_0 -ctv q8_0", set_cache },
    { " --no-mmap", set_no_mmap },
    { " --no-repack", set_no_repack },
    { " --swa-full", set_swa_full },
    { " --no-kv-offload", set_no_kv_offload },
    { " -ts 1,3", set_split },
    { NULL, set_layers }, /* -ngl is held against the shares */
    { " --kv-unified", set_unified },
};

static bool says(const char *word)
{
    size_t len = strlen(word);
    for (const char *at = strstr(line, word); at != NULL; at = strstr(at + 1, word)) {
        if (at[len] == ' ' || at[len] == '\0' || at[len] == '\\') {
            return true;
        }
    }
    return false;
}

static bool says_number(const char *option, long long n)
{
    char room[64];
    struct pls_text t = PLS_TEXT(room);
    pls_text_add(&t, " %s %lld", option, n);
    return says(room);
}

/* The command of the plan at hand; the card is one that is published as owner/name. */
static void write_line(const char *runtime)
{
    struct pls_entry e = { .model = &model, .plan = &plan };
    struct pls_text t = PLS_TEXT(line);
    pls_command_line(&e, runtime, &t);
}

static struct pls_machine machine_of(uint32_t gpus)
{
    struct pls_machine m = machine_make(64 * PLS_GIB);
    for (uint32_t i = 0; i < gpus; i++) {
        machine_gpu(&m, PLS_BACKEND_CUDA, PLS_POOL_VRAM, 24 * PLS_GIB);
    }
    return m;
}

static void take_published(const char *id)
{
    take(id);
    PLS_COPY(model.card.gguf_repo, "owner/name-GGUF");
    PLS_COPY(model.card.hf_repo, "owner/name");
    model.card.modalities = PLS_MODALITY_TEXT;
}

static void check_llama(const struct pls_ask *ask, uint32_t gpus, const char *word)
{
    bool is_server = ask->runtime == PLS_RUNTIME_LLAMA_SERVER;
    bool has_share = plan.n_shares > 1;
    ck_assert_msg(
        pls_text_starts(line, is_server ? "llama-server -hf owner/name-GGUF:Q4_K_M " : "llama-cli -hf "),
        "%s", line);
    ck_assert_msg(says_number("-c", (long long)plan.setting.n_ctx), "%s", line);
    ck_assert_msg(says_number("-np", plan.setting.n_seq) == (is_server || plan.setting.n_seq > 1), "%s",
                  line);
    /* no share on a GPU, and GPUs there: they have to be left alone, or they hold what nobody counted */
    ck_assert_msg(says(" --device none") == (!has_share && gpus > 0), "%u GPUs: %s", gpus, line);
    bool is_told = has_share || (gpus == 0 && ask->gpu_layers >= 0);
    ck_assert_msg(says_number("-ngl", plan.gpu_layers) == is_told, "%u GPUs: %s", gpus, line);
    ck_assert_msg(word == NULL || says(word), "%s is not in: %s", word, line);
    for (size_t i = 0; i < PLS_COUNT_OF(options); i++) { /* and nothing that was not asked for */
        const char *other = options[i].word;
        bool is_default =
            other == NULL || word != NULL || (plan.setting.kv_unified && strcmp(other, " --kv-unified") == 0);
        ck_assert_msg(is_default || !says(other), "%s is in: %s", other, line);
    }
}

START_TEST(llama_cpp_is_told_what_was_planned)
{
    static const enum pls_runtime runtimes[] = { PLS_RUNTIME_LLAMA_SERVER, PLS_RUNTIME_LLAMA_CLI };
    static const enum pls_backend backends[] = { PLS_BACKEND_NONE, PLS_BACKEND_CPU };
    take_published("llama-3.2-1b");
    for (size_t k = 0; k < PLS_COUNT_OF(runtimes) * PLS_COUNT_OF(backends) * 3 * PLS_COUNT_OF(options); k++) {
        const struct option *option = &options[k / 12];
        uint32_t gpus = (uint32_t)(k % 3);
        struct pls_machine m = machine_of(gpus);
        struct pls_ask ask = asking("Q4_K_M", 4096);
        ask.runtime = runtimes[k / 3 % 2];
        ask.parallel = 0;
        ask.backend = backends[k / 6 % 2];
        option->set(&ask);
        place(&ask, &m);
        write_line("llama.cpp");
        check_llama(&ask, gpus, option->word);
    }
}
END_TEST

/* A GPU too small for its own driver is left alone too. */
START_TEST(a_gpu_that_holds_nothing_is_left_alone)
{
    take_published("llama-3.1-8b");
    struct pls_machine m = machine_make(64 * PLS_GIB);
    machine_gpu(&m, PLS_BACKEND_CUDA, PLS_POOL_VRAM, 300 * PLS_MIB);
    struct pls_ask ask = asking("Q4_K_M", 4096);
    place(&ask, &m);
    ck_assert_uint_eq(plan.n_shares, 1);
    write_line("llama.cpp");
    ck_assert_msg(says(" --device none"), "%s", line);
    ask.gpu_layers = 0; /* but one that nothing was to be put on holds driver and buffers, counted */
    place(&ask, &m);
    write_line("llama.cpp");
    ck_assert_msg(plan.n_shares == 2 && says(" -ngl 0") && !says(" --device none"), "%s", line);
}
END_TEST

/* From a repository with a projector the engine would fetch that as well. */
START_TEST(a_projector_that_was_not_counted_stays_away)
{
    take_published("llama-3.2-1b");
    struct pls_machine m = machine_of(0);
    struct pls_ask ask = asking("Q4_K_M", 4096);
    model.card.modalities = PLS_MODALITY_TEXT | PLS_MODALITY_IMAGE;
    place(&ask, &m);
    write_line("llama.cpp");
    ck_assert_msg(says(" --no-mmproj"), "%s", line);
    ask.use_projector = true;
    place(&ask, &m);
    write_line("llama.cpp");
    ck_assert_msg(!says(" --no-mmproj"), "%s", line);
}
END_TEST

START_TEST(other_programs_on_the_engine_are_told_it_too)
{
    take_published("llama-3.2-1b");
    for (uint32_t k = 0; k < 6; k++) {
        bool is_cpu = k / 3 == 1;
        struct pls_machine m = machine_of(k % 3);
        struct pls_ask ask = pls_ask_default(PLS_RUNTIME_OLLAMA);
        bool leaves = is_cpu && k % 3 > 0;
        bool uses = !is_cpu && k % 3 > 0;
        ck_assert(pls_quant_parse("Q4_K_M", &ask.quant));
        ask.backend = is_cpu ? PLS_BACKEND_CPU : PLS_BACKEND_NONE;
        place(&ask, &m);
        write_line("ollama");
        ck_assert_msg(says("PARAMETER num_gpu 0") == leaves, "%s", line);
        ask.runtime = PLS_RUNTIME_LMSTUDIO;
        place(&ask, &m);
        write_line("lmstudio");
        ck_assert_msg(says_number("--context-length", (long long)plan.setting.n_ctx), "%s", line);
        ck_assert_msg(says(" --gpu off") == leaves && says(" --gpu max") == uses, "%s", line);
        ask.runtime = PLS_RUNTIME_JAN;
        place(&ask, &m);
        write_line("jan");
        ck_assert_msg(says_number("--ctx-size", (long long)plan.setting.n_ctx), "%s", line);
        ck_assert_msg(says_number("--n-gpu-layers", leaves ? 0 : plan.gpu_layers) == (leaves || uses), "%s",
                      line);
        ck_assert_msg(pls_text_starts(line, "LLAMA_ARG_DEVICE=none ") == leaves, "%s", line);
    }
}
END_TEST

/* What a program has no option for is no command, and the reason is said. */
START_TEST(what_cannot_be_told_is_no_command)
{
    static const struct {
        const char *runtime;
        void (*set)(struct pls_ask *ask);
        const char *reason;
    } cases[] = {
        { "lmstudio", set_cache, "type of the cache" },
        { "lmstudio", set_threads, "threads" },
        { "lmstudio", set_batch, "batches" },
        { "mlx", set_nothing, "gguf" },
        { "vllm", set_nothing, "gguf" },
    };
    take_published("llama-3.2-1b");
    struct pls_machine m = machine_of(1);
    for (size_t i = 0; i < PLS_COUNT_OF(cases); i++) {
        struct pls_ask ask = asking("Q4_K_M", 4096);
        char why[256];
        struct pls_text t = PLS_TEXT(why);
        cases[i].set(&ask);
        place(&ask, &m);
        struct pls_entry e = { .model = &model, .plan = &plan };
        write_line(cases[i].runtime);
        pls_command_lacks(&e, cases[i].runtime, &t);
        ck_assert_str_eq(line, "");
        ck_assert_msg(strstr(why, cases[i].reason) != NULL, "%s: %s", cases[i].runtime, why);
    }
}
END_TEST

/* Nor is there one for a task that the program does not do: it would start, and answer nothing that was
 * meant. */
START_TEST(what_a_program_does_not_do_is_no_command)
{
    static const struct {
        enum pls_runtime runtime;
        const char *name, *quant;
        uint32_t tasks;
        bool sees;
        const char *reason; /* NULL: it does it */
    } cases[] = {
        { PLS_RUNTIME_OLLAMA, "ollama", "Q8_0", 1u << PLS_TASK_RERANK, false, "no endpoint that ranks" },
        { PLS_RUNTIME_OLLAMA, "ollama", "Q8_0", 1u << PLS_TASK_EMBEDDING, false, NULL },
        { PLS_RUNTIME_LMSTUDIO, "lmstudio", "Q8_0", 1u << PLS_TASK_RERANK, false, "no endpoint that ranks" },
        { PLS_RUNTIME_LMSTUDIO, "lmstudio", "Q8_0", 1u << PLS_TASK_EMBEDDING, false, NULL },
        { PLS_RUNTIME_JAN, "jan", "Q8_0", 1u << PLS_TASK_RERANK, false, "cannot be told to rank" },
        { PLS_RUNTIME_JAN, "jan", "Q8_0", 1u << PLS_TASK_EMBEDDING, false, NULL },
        { PLS_RUNTIME_JAN, "jan", "Q8_0", 0, true, "projector" },
        { PLS_RUNTIME_MLX, "mlx", "mlx-8bit", 1u << PLS_TASK_RERANK, false, "neither embeds nor ranks" },
        { PLS_RUNTIME_MLX, "mlx", "mlx-8bit", 1u << PLS_TASK_EMBEDDING, false, "neither embeds nor ranks" },
        { PLS_RUNTIME_MLX, "mlx", "mlx-8bit", 0, true, "no images" },
        { PLS_RUNTIME_VLLM, "vllm", "safetensors-bf16", 1u << PLS_TASK_RERANK, false, "--hf-overrides" },
        { PLS_RUNTIME_VLLM, "vllm", "safetensors-bf16", 1u << PLS_TASK_EMBEDDING, false, NULL },
        { PLS_RUNTIME_VLLM, "vllm", "safetensors-bf16", 0, true, NULL },
        { PLS_RUNTIME_LLAMA_SERVER, "llama.cpp", "Q8_0", 1u << PLS_TASK_RERANK, false, NULL },
    };
    take_published("qwen3-0.6b");
    for (size_t i = 0; i < PLS_COUNT_OF(cases); i++) {
        bool is_mlx = cases[i].runtime == PLS_RUNTIME_MLX;
        struct pls_machine m = machine_make(64 * PLS_GIB);
        struct pls_ask ask = pls_ask_default(cases[i].runtime);
        char why[256];
        struct pls_text t = PLS_TEXT(why);
        machine_gpu(&m, is_mlx ? PLS_BACKEND_METAL : PLS_BACKEND_CUDA,
                    is_mlx ? PLS_POOL_UNIFIED : PLS_POOL_VRAM, 24 * PLS_GIB);
        ck_assert(pls_quant_parse(cases[i].quant, &ask.quant));
        ask.context_tokens = 4096;
        ask.use_projector = cases[i].sees;
        model.card.tasks = cases[i].tasks;
        place(&ask, &m);
        struct pls_entry e = { .model = &model, .plan = &plan };
        write_line(cases[i].name);
        pls_command_lacks(&e, cases[i].name, &t);
        ck_assert_msg((line[0] == '\0') == (cases[i].reason != NULL), "%zu: %s", i, line);
        ck_assert_msg(cases[i].reason == NULL || strstr(why, cases[i].reason) != NULL, "%zu: %s", i, why);
    }
}
END_TEST

/* Layers are shared out whole, so GPUs stand in a row; an 8-bit cache is fp8 there, for K and V alike. */
START_TEST(vllm_is_told_of_gpus_and_cache)
{
    take_published("llama-3.1-8b");
    for (uint32_t gpus = 1; gpus <= 2; gpus++) {
        struct pls_machine m = machine_of(gpus);
        struct pls_ask ask = pls_ask_default(PLS_RUNTIME_VLLM);
        ask.context_tokens = 8192;
        place(&ask, &m);
        write_line("vllm");
        ck_assert_msg(says_number("--pipeline-parallel-size", gpus) == (gpus > 1), "%s", line);
        ck_assert_msg(!says(" --kv-cache-dtype fp8"), "%s", line);
        set_cache(&ask);
        ask.batch_tokens = 4096;
        place(&ask, &m);
        write_line("vllm");
        ck_assert_msg(says(" --kv-cache-dtype fp8") && says(" --max-num-batched-tokens 4096"), "%s", line);
        ask.type_v = PLS_TYPE_F16;
        ck_assert_int_eq(pls_place(&model, &ask, &m, &arena, &plan, &err), PLS_REFUSED);
    }
    struct pls_machine m = machine_of(1);
    struct pls_ask ask = pls_ask_default(PLS_RUNTIME_VLLM);
    ck_assert(pls_quant_parse("awq-4bit", &ask.quant));
    ask.context_tokens = 8192;
    place(&ask, &m);
    write_line("vllm");
    ck_assert_str_eq(line, ""); /* owner/name holds the released weights */
    struct pls_entry e = { .model = &model, .plan = &plan, .repo = "owner/name-AWQ" };
    struct pls_text t = PLS_TEXT(line);
    pls_command_line(&e, "vllm", &t);
    ck_assert_str_eq(line, "vllm serve owner/name-AWQ --max-model-len 8192"); /* batching is its own */
    set_slots(&ask);
    place(&ask, &m);
    t = PLS_TEXT(line);
    pls_command_line(&e, "vllm", &t);
    ck_assert_msg(says_number("--max-num-seqs", 3), "%s", line);
}
END_TEST

/* Made once, into a folder that says of what; not made where it is known to lie. */
START_TEST(an_mlx_model_is_made_once)
{
    take_published("llama-3.2-3b");
    struct pls_machine m = machine_make(32 * PLS_GIB);
    PLS_COPY(m.os, "macos");
    machine_gpu(&m, PLS_BACKEND_METAL, PLS_POOL_UNIFIED, 24 * PLS_GIB);
    struct pls_ask ask = pls_ask_default(PLS_RUNTIME_MLX);
    ask.context_tokens = 8192;
    place(&ask, &m);
    write_line("mlx");
    ck_assert_str_eq(line, "test -d name-mlx-4bit-g64 || mlx_lm.convert --hf-path owner/name -q --q-bits 4"
                           " --q-group-size 64 --mlx-path name-mlx-4bit-g64"
                           " && mlx_lm.server --model name-mlx-4bit-g64");
    struct pls_entry e = { .model = &model, .plan = &plan, .repo = "mlx-community/name-4bit" };
    struct pls_text t = PLS_TEXT(line);
    pls_command_line(&e, "mlx", &t);
    ck_assert_str_eq(line, "mlx_lm.server --model mlx-community/name-4bit");
}
END_TEST

UNIT_MAIN("commands", llama_cpp_is_told_what_was_planned, a_gpu_that_holds_nothing_is_left_alone,
          a_projector_that_was_not_counted_stays_away, other_programs_on_the_engine_are_told_it_too,
          what_cannot_be_told_is_no_command, what_a_program_does_not_do_is_no_command,
          vllm_is_told_of_gpus_and_cache, an_mlx_model_is_made_once)
