/* The command that runs a plan. Every value that differs from the runtime's own default is written out, so
 * that the command reproduces the configuration whose bytes were counted; what comes from files is quoted
 * for the shell. */
#include "render/commands.h"

#include <inttypes.h>
#include <string.h>

#include "render/document.h"

void pls_command_number(struct pls_text *out, const char *option, int64_t value)
{
    pls_text_add(out, " %s %" PRId64, option, value);
}

/* "Qwen2.5-7B-Instruct-Q4_K_M.gguf": what the file is called by the GGUF naming convention. */
void pls_command_gguf_name(const struct pls_entry *e, struct pls_text *out)
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

/* With -ngl 0 alone the engine still opens the GPUs, holds buffers there and multiplies large batches on
 * them; a plan that leaves them alone counts nothing of that. */
static void llama_placement(const struct pls_plan *p, struct pls_text *out)
{
    if (p->leaves_gpus) {
        pls_text_add(out, " --device none");
    } else if (has_gpu_pool(p) || p->ask.gpu_layers >= 0) {
        pls_command_number(out, "-ngl", p->gpu_layers);
    }
    if (p->cpu_moe_layers > 0) {
        pls_command_number(out, "--n-cpu-moe", p->cpu_moe_layers);
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
const char *pls_command_gguf_path(const struct pls_entry *e)
{
    const struct pls_quant *q = &e->plan->ask.quant;
    bool is_same = q->ftype == PLS_FTYPE_NONE || (q->ftype == e->model->stored.ftype && !q->from_name);
    return e->path != NULL && e->model->card.source == PLS_SOURCE_GGUF && is_same ? e->path : NULL;
}

/* The folder that was read, of which a server takes the name; a config.json alone is nothing to serve. */
const char *pls_command_folder(const struct pls_entry *e)
{
    return e->path != NULL && e->model->card.source == PLS_SOURCE_CONFIG && !pls_text_ends(e->path, ".json")
               ? e->path
               : NULL;
}

void pls_command_path(struct pls_text *out, const char *path)
{
    char room[4096 + 8];
    struct pls_text t = PLS_TEXT(room);
    pls_text_add(&t, "%s%s", path[0] == '-' ? "./" : "", path);
    pls_text_shell(out, room);
}

static bool is_gguf(const struct pls_entry *e)
{
    return e->plan->ask.quant.format == PLS_FORMAT_GGUF
           && (pls_command_gguf_path(e) != NULL || has_name(&e->model->card));
}

/* The repository of GGUF files: the one that was named, else the one that the catalog knows to hold this
 * quantization, else, where nobody looked, the first the card knows. */
static const char *gguf_repo(const struct pls_entry *e)
{
    const char *known = e->model->card.gguf_repo;
    if (e->repo != NULL && e->plan->ask.quant.format == PLS_FORMAT_GGUF) {
        return e->repo;
    }
    if (e->published != NULL) {
        return e->published->is_seen ? e->published->repo : NULL;
    }
    return known[0] != '\0' ? known : NULL;
}

const char *pls_command_gguf_repo(const struct pls_entry *e)
{
    return gguf_repo(e);
}

/* As the engine looks for it: the first file whose name holds it before a dot or a dash, in any case
 * (llama.cpp, common/download.cpp). */
const char *pls_command_gguf_tag(const struct pls_entry *e)
{
    bool is_spelled = e->repo == NULL && e->published != NULL && e->published->is_seen;
    bool is_mxfp4 = e->plan->ask.quant.ftype == PLS_FTYPE_MXFP4_MOE && !e->plan->ask.quant.from_name;
    return is_spelled ? e->published->tag : is_mxfp4 ? "MXFP4" : e->plan->quant;
}

/* Where the engine takes the model from: the file that was read, a repository that it can fetch from, else
 * a file of the name it would have. */
static void llama_source(const struct pls_entry *e, const char *file_option, const char *repo_option,
                         struct pls_text *out)
{
    const char *path = pls_command_gguf_path(e);
    const char *repo = gguf_repo(e);
    bool is_repo = path == NULL && repo != NULL;
    char room[PLS_COMMAND_NAME_CAP];
    struct pls_text name = PLS_TEXT(room);
    if (is_repo) {
        pls_text_add(&name, "%s:%s", repo, pls_command_gguf_tag(e));
    } else if (path == NULL) {
        pls_command_gguf_name(e, &name);
    }
    pls_text_add(out, " %s ", is_repo ? repo_option : file_option);
    pls_command_path(out, path != NULL ? path : room);
}

void pls_command_port(const struct pls_entry *e, uint32_t usual, struct pls_text *out)
{
    if (e->server > 0) {
        pls_command_number(out, "--port", usual + e->server);
    }
}

bool pls_command_ranks(const struct pls_entry *e)
{
    const struct pls_card *card = &e->model->card;
    return pls_card_only_reads(card) && (card->tasks & 1u << PLS_TASK_RERANK) != 0;
}

/* A server answers requests for embeddings or scores only when told so. */
static void llama_task(const struct pls_entry *e, struct pls_text *out)
{
    if (pls_card_only_reads(&e->model->card)) {
        pls_text_add(out, pls_command_ranks(e) ? " --reranking" : " --embeddings");
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
        pls_command_number(out, "--spec-draft-n-max", e->n_drafted);
    }
    if (e->draft->plan->leaves_gpus) {
        pls_text_add(out, " -devd none");
    } else if (has_gpu_pool(e->draft->plan)) {
        pls_command_number(out, "-ngld", e->draft->plan->gpu_layers);
    }
}

/* Sizes of batches that were asked for, or that another program on the same engine has. */
static void llama_batches(const struct pls_ask *ask, const struct pls_runtime_profile *own,
                          struct pls_text *out)
{
    const struct pls_runtime_profile *meant = pls_runtime_profile(ask->runtime);
    uint32_t batch = ask->batch_tokens != 0 ? ask->batch_tokens : meant->batch_tokens;
    uint32_t ubatch = ask->ubatch_tokens != 0 ? ask->ubatch_tokens : meant->ubatch_tokens;
    if (ask->batch_tokens != 0 || batch != own->batch_tokens) {
        pls_command_number(out, "-b", batch);
    }
    if (ask->ubatch_tokens != 0 || ubatch != own->ubatch_tokens) {
        pls_command_number(out, "-ub", ubatch);
    }
    if (ask->n_threads != 0) {
        pls_command_number(out, "-t", ask->n_threads);
    }
}

/* From a repository the engine fetches the projector too, unless told that it is not wanted. */
static void llama_projector(const struct pls_entry *e, struct pls_text *out)
{
    bool is_fetched = pls_command_gguf_path(e) == NULL && gguf_repo(e) != NULL;
    bool has_more = (e->model->card.modalities & ~(uint32_t)PLS_MODALITY_TEXT) != 0;
    if (is_fetched && has_more && !e->plan->ask.use_projector) {
        pls_text_add(out, " --no-mmproj");
    }
}

static void llama_lacks(const struct pls_entry *e, struct pls_text *out)
{
    if (e->plan->ask.quant.format != PLS_FORMAT_GGUF) {
        pls_text_add(out, "llama.cpp loads GGUF files alone");
    } else if (!is_gguf(e)) {
        pls_text_add(out, "nothing names its file");
    }
}

static void llama_write(const struct pls_entry *e, struct pls_text *out)
{
    const struct pls_plan *p = e->plan;
    bool is_server = p->ask.runtime != PLS_RUNTIME_LLAMA_CLI;
    enum pls_runtime own = is_server ? PLS_RUNTIME_LLAMA_SERVER : PLS_RUNTIME_LLAMA_CLI;
    pls_text_add(out, "%s", is_server ? "llama-server" : "llama-cli");
    llama_source(e, "-m", "-hf", out);
    llama_projector(e, out);
    pls_command_number(out, "-c", (int64_t)p->setting.n_ctx);
    /* The server's own default number of slots is not that of the other profiles: it is always said. */
    if (is_server || p->setting.n_seq > 1) {
        pls_command_number(out, "-np", p->setting.n_seq);
    }
    llama_batches(&p->ask, pls_runtime_profile(own), out);
    llama_cache(p, out);
    llama_placement(p, out);
    llama_draft(e, out);
    if (is_server) {
        llama_task(e, out);
        pls_command_port(e, 8080, out);
    }
}

static void llama_wants(const struct pls_entry *entry, struct pls_text *out)
{
    const struct pls_card *c = &entry->model->card;
    if (!is_gguf(entry) || pls_command_gguf_path(entry) != NULL || gguf_repo(entry) != NULL) {
        return;
    }
    char room[PLS_COMMAND_NAME_CAP];
    struct pls_text name = PLS_TEXT(room);
    pls_command_gguf_name(entry, &name);
    pls_text_escape(out, room);
    if (entry->path != NULL && c->source == PLS_SOURCE_GGUF) {
        pls_text_add(out, " has to be made first, with llama-quantize");
        return;
    }
    pls_text_add(out, " has to be found or made first (convert_hf_to_gguf.py, llama-quantize): ");
    bool may = entry->published != NULL && entry->published->repo[0] != '\0';
    if (may) {
        pls_text_escape(out, entry->published->repo);
    }
    pls_text_add(out, "%s", may ? " may hold it, unverified"
                            : c->gguf_repo[0] != '\0' ? "no GGUF repository is known to hold it"
                                                      : "no GGUF repository is known");
}

struct writer {
    const char *runtime;
    void (*lacks)(const struct pls_entry *e, struct pls_text *out);
    void (*write)(const struct pls_entry *e, struct pls_text *out);
    void (*wants)(const struct pls_entry *e, struct pls_text *out); /* NULL: never anything */
};

static const struct writer writers[] = {
    { "llama.cpp", llama_lacks, llama_write, llama_wants },
    { "ollama", pls_ollama_lacks, pls_ollama_write, pls_ollama_wants },
    { "lmstudio", pls_lmstudio_lacks, pls_lmstudio_write, NULL },
    { "jan", pls_jan_lacks, pls_jan_write, pls_jan_wants },
    { "mlx", pls_mlx_lacks, pls_mlx_write, NULL },
    { "vllm", pls_vllm_lacks, pls_vllm_write, NULL },
};

static const struct writer *writer_of(const char *runtime)
{
    for (size_t i = 0; i < PLS_COUNT_OF(writers); i++) {
        if (pls_text_equal(writers[i].runtime, runtime)) {
            return &writers[i];
        }
    }
    return NULL;
}

/* llama-server and Ollama allocate alike when told the same; the others have defaults of their own, and a
 * plan for one of them is run by it alone. */
const char *const *pls_command_runtimes(const struct pls_entry *entry)
{
    static const char *const of_engine[] = { "llama.cpp", "ollama", NULL };
    static const char *const own[PLS_RUNTIME_COUNT][2] = {
        [PLS_RUNTIME_OLLAMA] = { "ollama" }, [PLS_RUNTIME_LMSTUDIO] = { "lmstudio" },
        [PLS_RUNTIME_JAN] = { "jan" },       [PLS_RUNTIME_MLX] = { "mlx" },
        [PLS_RUNTIME_VLLM] = { "vllm" },
    };
    enum pls_runtime runtime = entry->plan->ask.runtime;
    return (size_t)runtime < PLS_COUNT_OF(own) && own[runtime][0] != NULL ? own[runtime] : of_engine;
}

void pls_command_lacks(const struct pls_entry *entry, const char *runtime, struct pls_text *out)
{
    const struct writer *w = writer_of(runtime);
    if (entry->is_draft) {
        pls_text_add(out, "it runs in the command of the model it drafts for");
    } else if (w == NULL) {
        pls_text_add(out, "no such runtime");
    } else if (entry->draft != NULL && w->write != llama_write) {
        pls_text_add(out, "%s takes no draft model", runtime);
    } else {
        w->lacks(entry, out);
    }
}

void pls_command_line(const struct pls_entry *entry, const char *runtime, struct pls_text *out)
{
    const struct writer *w = writer_of(runtime);
    char room[PLS_COMMAND_NAME_CAP];
    struct pls_text lacking = PLS_TEXT(room);
    size_t start = out->len;
    pls_command_lacks(entry, runtime, &lacking);
    if (w == NULL || lacking.len > 0) {
        return;
    }
    w->write(entry, out);
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

void pls_command_wants(const struct pls_entry *entry, const char *runtime, struct pls_text *out)
{
    const struct writer *w = writer_of(runtime);
    char room[PLS_COMMAND_NAME_CAP];
    struct pls_text lacking = PLS_TEXT(room);
    pls_command_lacks(entry, runtime, &lacking);
    if (w != NULL && w->wants != NULL && lacking.len == 0) {
        w->wants(entry, out);
    }
}
