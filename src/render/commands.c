/* The command that runs a plan. Every value that differs from the runtime's own default is written out, so
 * that the command reproduces the configuration whose bytes were counted; what comes from files is quoted
 * for the shell. */
#include "render/document.h"

#include <inttypes.h>
#include <string.h>

const char *const pls_command_runtimes[] = { "llama.cpp", "ollama", "mlx", "vllm", NULL };

enum { NAME_CAP = 192 };

static void number(struct pls_text *out, const char *option, int64_t value)
{
    pls_text_add(out, " %s %" PRId64, option, value);
}

/* "Qwen2.5-7B-Instruct-Q4_K_M.gguf": what the file is called by the GGUF naming convention. */
static void gguf_name(const struct pls_entry *e, struct pls_text *out)
{
    const struct pls_card *c = &e->model->card;
    const char *slash = strrchr(c->hf_repo, '/');
    const char *base = slash != NULL ? slash + 1 : c->name[0] != '\0' ? c->name : c->id;
    for (const char *s = base; *s != '\0'; s++) {
        pls_text_put(out, *s == ' ' ? "-" : s, 1);
    }
    pls_text_add(out, "-%s.gguf", e->plan->quant);
}

static bool has_name(const struct pls_card *c)
{
    return c->hf_repo[0] != '\0' || c->name[0] != '\0' || c->id[0] != '\0';
}

static bool has_gpu_pool(const struct pls_plan *p)
{
    for (uint32_t i = 0; i < p->n_shares; i++) {
        if (p->shares[i].pool > 0) {
            return true;
        }
    }
    return p->gpu_layers > 0;
}

static void llama_cache(const struct pls_plan *p, struct pls_text *out)
{
    struct pls_ask own = pls_ask_default(p->ask.runtime);
    if (p->setting.type_k != own.type_k) {
        pls_text_add(out, " -ctk %s", pls_type_info(p->setting.type_k)->name);
    }
    if (p->setting.type_v != own.type_v) {
        pls_text_add(out, " -ctv %s", pls_type_info(p->setting.type_v)->name);
    }
    if (p->ask.flash_attention != PLS_AUTO) {
        pls_text_add(out, " -fa %s", p->ask.flash_attention == PLS_ON ? "on" : "off");
    }
    /* a number of slots that is given divides the cache */
    if (p->setting.kv_unified && p->setting.n_seq > 1) {
        pls_text_add(out, " --kv-unified");
    }
    if (p->ask.swa_full) {
        pls_text_add(out, " --swa-full");
    }
    if (p->ask.no_kv_offload) {
        pls_text_add(out, " --no-kv-offload");
    }
}

static void llama_placement(const struct pls_plan *p, struct pls_text *out)
{
    if (has_gpu_pool(p) || p->ask.gpu_layers >= 0) {
        number(out, "-ngl", p->gpu_layers);
    }
    if (p->cpu_moe_layers > 0) {
        number(out, "--n-cpu-moe", p->cpu_moe_layers);
    }
    uint32_t n = PLS_MAX_GPUS;
    while (n > 0 && !(p->ask.tensor_split[n - 1] > 0)) {
        n--;
    }
    for (uint32_t i = 0; i < n; i++) {
        pls_text_add(out, "%s%g", i == 0 ? " -ts " : ",", (double)p->ask.tensor_split[i]);
    }
    if (p->ask.no_repack) {
        pls_text_add(out, " --no-repack");
    }
    if (p->ask.no_mmap) {
        pls_text_add(out, " --no-mmap");
    }
}

/* The GGUF file that was read, when it is what the plan is of: not a config.json, nor a file of another
 * quantization. */
static const char *gguf_path(const struct pls_entry *e)
{
    const struct pls_quant *q = &e->plan->ask.quant;
    bool is_same = q->ftype == PLS_FTYPE_NONE || (q->ftype == e->model->stored.ftype && !q->from_name);
    return e->path != NULL && e->model->card.source == PLS_SOURCE_GGUF && is_same ? e->path : NULL;
}

/* The folder that was read, of which a server takes the name; a config.json alone is nothing to serve. */
static const char *folder_path(const struct pls_entry *e)
{
    return e->path != NULL && e->model->card.source == PLS_SOURCE_CONFIG && !pls_text_ends(e->path, ".json")
               ? e->path
               : NULL;
}

/* A path as a word of its own, which no program takes for an option. */
static void put_path(struct pls_text *out, const char *path)
{
    char room[4096 + 8];
    struct pls_text t = PLS_TEXT(room);
    pls_text_add(&t, "%s%s", path[0] == '-' ? "./" : "", path);
    pls_text_shell(out, room);
}

static bool is_gguf(const struct pls_entry *e)
{
    return e->plan->ask.quant.format == PLS_FORMAT_GGUF
           && (gguf_path(e) != NULL || has_name(&e->model->card));
}

/* The repository of GGUF files: the one that was named, else the one the card knows. */
static const char *gguf_repo(const struct pls_entry *e)
{
    const char *known = e->model->card.gguf_repo;
    if (e->repo != NULL && e->plan->ask.quant.format == PLS_FORMAT_GGUF) {
        return e->repo;
    }
    return known[0] != '\0' ? known : NULL;
}

/* Where the engine takes the model from: the file that was read, a repository that it can fetch from, else
 * a file of the name it would have. */
static void llama_source(const struct pls_entry *e, const char *file_option, const char *repo_option,
                         struct pls_text *out)
{
    const char *path = gguf_path(e);
    const char *repo = gguf_repo(e);
    bool is_repo = path == NULL && repo != NULL;
    char room[NAME_CAP];
    struct pls_text name = PLS_TEXT(room);
    if (is_repo) {
        pls_text_add(&name, "%s:%s", repo, e->plan->quant);
    } else if (path == NULL) {
        gguf_name(e, &name);
    }
    pls_text_add(out, " %s ", is_repo ? repo_option : file_option);
    put_path(out, path != NULL ? path : room);
}

/* Servers that run side by side need ports of their own; the first keeps the usual one. */
static void port(const struct pls_entry *e, uint32_t usual, struct pls_text *out)
{
    if (e->server > 0) {
        number(out, "--port", usual + e->server);
    }
}

static bool only_reads(const struct pls_card *card)
{
    const uint32_t reading = 1u << PLS_TASK_EMBEDDING | 1u << PLS_TASK_RERANK;
    return card->tasks != 0 ? (card->tasks & ~reading) == 0 : card->is_encoder;
}

/* A server answers requests for embeddings or scores only when told so. */
static void llama_task(const struct pls_card *card, struct pls_text *out)
{
    if (only_reads(card)) {
        pls_text_add(out, (card->tasks & 1u << PLS_TASK_RERANK) != 0 ? " --reranking" : " --embeddings");
    }
}

/* The server of 2026-08-22 loads a draft model without using it unless the type is named; its cache is F16
 * whatever that of the large one. */
static void llama_draft(const struct pls_entry *e, struct pls_text *out)
{
    if (e->draft == NULL || !is_gguf(e->draft)) {
        return;
    }
    llama_source(e->draft, "-md", "-hfd", out);
    pls_text_add(out, " --spec-type draft-simple");
    if (e->n_drafted > 0) {
        number(out, "--spec-draft-n-max", e->n_drafted);
    }
    if (has_gpu_pool(e->draft->plan)) {
        number(out, "-ngld", e->draft->plan->gpu_layers);
    }
}

static void llama_command(const struct pls_entry *e, struct pls_text *out)
{
    const struct pls_plan *p = e->plan;
    struct pls_ask own = pls_ask_default(p->ask.runtime);
    bool is_server = p->ask.runtime != PLS_RUNTIME_LLAMA_CLI;
    if (!is_gguf(e)) {
        return;
    }
    pls_text_add(out, "%s", is_server ? "llama-server" : "llama-cli");
    llama_source(e, "-m", "-hf", out);
    number(out, "-c", (int64_t)p->setting.n_ctx);
    /* The server's own default number of slots is not that of the other profiles: it is always said. */
    if (is_server) {
        number(out, "-np", p->setting.n_seq);
    }
    if (p->ask.batch_tokens != own.batch_tokens) {
        number(out, "-b", p->ask.batch_tokens);
    }
    if (p->ask.ubatch_tokens != own.ubatch_tokens) {
        number(out, "-ub", p->ask.ubatch_tokens);
    }
    llama_cache(p, out);
    llama_placement(p, out);
    llama_draft(e, out);
    if (is_server) {
        llama_task(&e->model->card, out);
        port(e, 8080, out);
    }
}

/* A file, or a repository with its quant, becomes a model of the library with the context baked in; a tag
 * of the library names its default quant only. */
static void ollama_command(const struct pls_entry *e, struct pls_text *out)
{
    const struct pls_plan *p = e->plan;
    const struct pls_card *c = &e->model->card;
    char repo[NAME_CAP];
    struct pls_text name = PLS_TEXT(repo);
    const char *source = gguf_path(e);
    /* it has one type for both */
    if (p->ask.quant.format != PLS_FORMAT_GGUF || p->setting.type_k != p->setting.type_v) {
        return;
    }
    if (source == NULL && gguf_repo(e) != NULL) {
        pls_text_add(&name, "hf.co/%s:%s", gguf_repo(e), p->quant);
        source = repo;
    } else if (source == NULL) {
        bool is_default = p->ask.quant.ftype == PLS_FTYPE_Q4_K_M || p->ask.quant.ftype == PLS_FTYPE_MXFP4_MOE;
        if (c->ollama_tag[0] == '\0' || !is_default) {
            return;
        }
        source = c->ollama_tag;
    }
    pls_text_add(out, "printf 'FROM %%s\\nPARAMETER num_ctx %%s\\n' ");
    put_path(out, source);
    char own[24] = "plimsoll";
    if (e->server > 0) {
        struct pls_text t = PLS_TEXT(own);
        pls_text_add(&t, "plimsoll-%u", e->server + 1);
    }
    pls_text_add(out, " %" PRIu64 " | ollama create %s -f /dev/stdin", p->setting.n_ctx_seq, own);
    if (!only_reads(c)) { /* a model that only reads has nothing to say at a prompt */
        pls_text_add(out, " && ollama run %s", own);
    }
}

/* Options of mlx_lm.convert (mlx-lm of 2026) that make a quantization: affine, a mixed recipe, a float of
 * few bits, or none. */
static void mlx_recipe(const struct pls_quant *q, struct pls_text *out)
{
    char slug[32]; /* "mlx-mixed_3_6", "mlx-mxfp4" */
    pls_quant_name(q, slug, sizeof(slug));
    if (q->bits == 0) {
        pls_text_add(out, " --dtype %s", q->stored == PLS_TYPE_F16 ? "float16" : "bfloat16");
    } else if (q->bits_high != 0 && q->stored != PLS_TYPE_NONE) { /* what is released in MXFP4 stays */
        pls_text_add(out, " -q --q-bits %u --q-group-size 64", q->bits_high);
    } else if (q->bits_high != 0) {
        pls_text_add(out, " -q --quant-predicate %s", slug + strlen("mlx-"));
    } else if (q->stored != PLS_TYPE_NONE) {
        pls_text_add(out, " -q --q-mode %s", slug + strlen("mlx-"));
    } else {
        pls_text_add(out, " -q --q-bits %u --q-group-size %u", q->bits, q->group != 0 ? q->group : 64U);
    }
}

static void mlx_command(const struct pls_entry *e, struct pls_text *out)
{
    const struct pls_plan *p = e->plan;
    const struct pls_card *c = &e->model->card;
    const char *path = folder_path(e);
    bool is_named = e->repo != NULL && p->ask.quant.format == PLS_FORMAT_MLX; /* and needs no making */
    const char *source = path != NULL ? path : is_named ? e->repo : c->hf_repo;
    bool usable = p->ask.quant.format == PLS_FORMAT_MLX
        || (p->ask.quant.format == PLS_FORMAT_SAFETENSORS && p->ask.runtime == PLS_RUNTIME_MLX);
    if (!usable || source[0] == '\0') {
        return;
    }
    const struct pls_quant *q = &p->ask.quant;
    const struct pls_quant *stored = &e->model->stored;
    bool is_same = stored->format == q->format && stored->bits == q->bits && stored->group == q->group;
    bool is_made = is_named || (path != NULL && is_same);
    if (!is_made && q->format == PLS_FORMAT_MLX) {
        pls_text_add(out, "mlx_lm.convert --hf-path ");
        put_path(out, source);
        mlx_recipe(&p->ask.quant, out);
        if (e->server > 0) { /* a folder of its own */
            pls_text_add(out, " --mlx-path mlx_model-%u && mlx_lm.server --model mlx_model-%u", e->server + 1,
                         e->server + 1);
        } else {
            pls_text_add(out, " && mlx_lm.server --model mlx_model");
        }
    } else {
        pls_text_add(out, "mlx_lm.server --model ");
        put_path(out, source);
    }
    port(e, 8080, out);
}

static void vllm_command(const struct pls_entry *e, struct pls_text *out)
{
    const struct pls_plan *p = e->plan;
    const char *path = folder_path(e);
    const char *repo = e->repo != NULL ? e->repo : e->model->card.hf_repo;
    const char *source = path != NULL ? path : repo;
    bool usable = p->ask.quant.format == PLS_FORMAT_SAFETENSORS || p->ask.quant.format == PLS_FORMAT_GPTQ
        || p->ask.quant.format == PLS_FORMAT_AWQ || p->ask.quant.format == PLS_FORMAT_FP8
        || p->ask.quant.format == PLS_FORMAT_BNB;
    /* The card's repository holds the released weights; a quantized copy of them has to be named, or be a
     * folder. */
    bool is_known = path != NULL || e->repo != NULL || p->ask.quant.format == PLS_FORMAT_SAFETENSORS;
    if (!usable || source[0] == '\0' || !is_known) {
        return;
    }
    pls_text_add(out, "vllm serve ");
    put_path(out, source);
    number(out, "--max-model-len", (int64_t)p->setting.n_ctx_seq);
    number(out, "--max-num-seqs", p->setting.n_seq);
    port(e, 8000, out);
}

void pls_command_line(const struct pls_entry *entry, const char *runtime, struct pls_text *out)
{
    static const struct {
        const char *name;
        void (*write)(const struct pls_entry *entry, struct pls_text *out);
    } writers[] = {
        { "llama.cpp", llama_command },
        { "ollama", ollama_command },
        { "mlx", mlx_command },
        { "vllm", vllm_command },
    };
    size_t start = out->len;
    for (size_t i = 0; i < PLS_COUNT_OF(writers) && !entry->is_draft; i++) {
        bool can_draft = writers[i].write == llama_command;
        if (pls_text_equal(writers[i].name, runtime) && (entry->draft == NULL || can_draft)) {
            writers[i].write(entry, out);
        }
    }
    /* Quotes do not keep control characters from a terminal, and half a command is worse than none. */
    bool is_printable = true;
    for (size_t i = start; i < out->len; i++) {
        is_printable = is_printable && (unsigned char)out->data[i] >= 0x20 && out->data[i] != 0x7F;
    }
    if (!is_printable || out->truncated) {
        out->len = start;
        out->data[start] = '\0';
    }
}

/* The type of the cache is the server's, not the model's (ollama, docs/faq). */
static void ollama_wants(const struct pls_entry *e, struct pls_text *out)
{
    char room[NAME_CAP * 2];
    struct pls_text command = PLS_TEXT(room);
    enum pls_type type = e->plan->setting.type_k;
    ollama_command(e, &command);
    if (command.len > 0 && type != PLS_TYPE_F16) {
        pls_text_add(out, "ollama serve has to run with OLLAMA_FLASH_ATTENTION=1 OLLAMA_KV_CACHE_TYPE=%s",
                     pls_type_info(type)->name);
    }
}

void pls_command_wants(const struct pls_entry *entry, const char *runtime, struct pls_text *out)
{
    const struct pls_card *c = &entry->model->card;
    if (pls_text_equal(runtime, "ollama")) {
        ollama_wants(entry, out);
        return;
    }
    if (!pls_text_equal(runtime, "llama.cpp") || !is_gguf(entry) || gguf_path(entry) != NULL
        || gguf_repo(entry) != NULL) {
        return;
    }
    char room[NAME_CAP];
    struct pls_text name = PLS_TEXT(room);
    gguf_name(entry, &name);
    pls_text_escape(out, room);
    if (entry->path != NULL && c->source == PLS_SOURCE_GGUF) {
        pls_text_add(out, " has to be made first, with llama-quantize");
    } else {
        pls_text_add(out, " has to be found or made first (convert_hf_to_gguf.py, llama-quantize): ");
        if (entry->unseen_repo != NULL) {
            pls_text_escape(out, entry->unseen_repo);
        }
        pls_text_add(out, "%s",
                     entry->unseen_repo != NULL ? " may hold it, unverified" : "no GGUF repository is known");
    }
}
