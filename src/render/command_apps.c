/* Commands of the programs that bring llama.cpp along: Ollama, LM Studio, Jan. Each has fewer options than
 * the engine; what a plan needs and they cannot be told is said instead of a command. */
#include "render/commands.h"

#include <inttypes.h>
#include <string.h>

static bool is_cache_plain(const struct pls_plan *p)
{
    return p->setting.type_k == PLS_TYPE_F16 && p->setting.type_v == PLS_TYPE_F16;
}

static uint32_t all_layers(const struct pls_card *card)
{
    return card->n_layers + card->n_mtp_layers + 1; /* the output counts as one */
}

/* ---- Ollama ---- */

/* A tag of the library names its default quantization only. */
static const char *ollama_tag(const struct pls_entry *e)
{
    enum pls_ftype ftype = e->plan->ask.quant.ftype;
    bool is_default = ftype == PLS_FTYPE_Q4_K_M || ftype == PLS_FTYPE_MXFP4_MOE;
    return is_default && e->model->card.ollama_tag[0] != '\0' ? e->model->card.ollama_tag : NULL;
}

/* It has no endpoint that ranks (its issue 3368, open in 2026). */
void pls_ollama_lacks(const struct pls_entry *e, struct pls_text *out)
{
    const struct pls_plan *p = e->plan;
    if (p->ask.quant.format != PLS_FORMAT_GGUF) {
        pls_text_add(out, "ollama loads GGUF files alone");
    } else if (pls_command_ranks(e)) {
        pls_text_add(out, "ollama has no endpoint that ranks");
    } else if (p->setting.type_k != p->setting.type_v) {
        pls_text_add(out, "ollama has one cache type for K and V");
    } else if (p->cpu_moe_layers > 0) {
        pls_text_add(out, "ollama cannot be told to keep experts in RAM");
    } else if (pls_command_gguf_path(e) == NULL && pls_command_gguf_repo(e) == NULL
               && ollama_tag(e) == NULL) {
        pls_text_add(out, "neither a repository nor a tag of it in this quantization is known");
    }
}

static void parameter(struct pls_text *out, const char *name, int64_t value)
{
    pls_text_add(out, "PARAMETER %s %" PRId64 "\\n", name, value);
}

/* Options of a request (ollama, api/types.go) may all stand in a Modelfile. Without num_gpu it shares out the
 * layers by itself, as plans do. */
static void ollama_parameters(const struct pls_plan *p, struct pls_text *out)
{
    if (p->leaves_gpus) {
        parameter(out, "num_gpu", 0);
    } else if (p->ask.gpu_layers != PLS_GPU_LAYERS_AUTO) {
        parameter(out, "num_gpu", p->gpu_layers);
    }
    if (p->ask.batch_tokens != 0) {
        parameter(out, "num_batch", p->ask.batch_tokens);
    }
    if (p->ask.n_threads != 0) {
        parameter(out, "num_thread", p->ask.n_threads);
    }
    if (p->ask.no_mmap) {
        pls_text_add(out, "PARAMETER use_mmap false\\n");
    }
}

/* A file, or a repository with its quant, becomes a model of the library with the context baked in. */
void pls_ollama_write(const struct pls_entry *e, struct pls_text *out)
{
    char repo[PLS_COMMAND_NAME_CAP];
    char own[24] = "plimsoll";
    struct pls_text name = PLS_TEXT(repo);
    const char *source = pls_command_gguf_path(e);
    if (source == NULL && pls_command_gguf_repo(e) != NULL) {
        pls_text_add(&name, "hf.co/%s:%s", pls_command_gguf_repo(e), pls_command_gguf_tag(e));
        source = repo;
    } else if (source == NULL) {
        source = ollama_tag(e);
    }
    pls_text_add(out, "printf 'FROM %%s\\nPARAMETER num_ctx %%s\\n");
    ollama_parameters(e->plan, out);
    pls_text_add(out, "' ");
    pls_command_path(out, source);
    if (e->server > 0) {
        struct pls_text t = PLS_TEXT(own);
        pls_text_add(&t, "plimsoll-%u", e->server + 1);
    }
    pls_text_add(out, " %" PRIu64 " | ollama create %s -f /dev/stdin", e->plan->setting.n_ctx_seq, own);
    if (!pls_card_only_reads(&e->model->card)) { /* what only reads has nothing to say at a prompt */
        pls_text_add(out, " && ollama run %s", own);
    }
}

/* Slots, flash attention and the type of the cache are the server's, not the model's (ollama, docs/faq). */
void pls_ollama_wants(const struct pls_entry *e, struct pls_text *out)
{
    const struct pls_plan *p = e->plan;
    enum pls_tri flash = is_cache_plain(p) ? p->ask.flash_attention : PLS_ON;
    char room[PLS_COMMAND_NAME_CAP];
    struct pls_text t = PLS_TEXT(room);
    if (flash != PLS_AUTO) {
        pls_text_add(&t, " OLLAMA_FLASH_ATTENTION=%d", flash == PLS_ON ? 1 : 0);
    }
    if (!is_cache_plain(p)) {
        pls_text_add(&t, " OLLAMA_KV_CACHE_TYPE=%s", pls_type_info(p->setting.type_k)->name);
    }
    if (p->setting.n_streams > 1) {
        pls_text_add(&t, " OLLAMA_NUM_PARALLEL=%u", p->setting.n_streams);
    }
    if (t.len > 0) {
        pls_text_add(out, "ollama serve has to run with%s", room);
    }
}

/* ---- LM Studio ---- */

/* The repository that `lms get` fetches from. */
static const char *lmstudio_repo(const struct pls_entry *e)
{
    return e->plan->ask.quant.format == PLS_FORMAT_GGUF ? pls_command_gguf_repo(e) : e->repo;
}

/* `lms load` of 2026-08 sets context, slots and the share of layers on GPUs. */
void pls_lmstudio_lacks(const struct pls_entry *e, struct pls_text *out)
{
    const struct pls_plan *p = e->plan;
    bool is_file = pls_command_gguf_path(e) != NULL;
    if (p->ask.quant.format != PLS_FORMAT_GGUF && p->ask.quant.format != PLS_FORMAT_MLX) {
        pls_text_add(out, "LM Studio loads GGUF and MLX models alone");
    } else if (pls_command_ranks(e)) {
        pls_text_add(out, "LM Studio has no endpoint that ranks");
    } else if (!is_cache_plain(p)) {
        pls_text_add(out, "lms load has no option for the type of the cache: it is set in the app");
    } else if (p->cpu_moe_layers > 0 || p->ask.batch_tokens != 0 || p->ask.ubatch_tokens != 0
               || p->ask.n_threads != 0) {
        pls_text_add(out, "lms load has no option for %s: it is set in the app",
                     p->cpu_moe_layers > 0   ? "experts in RAM"
                     : p->ask.n_threads != 0 ? "threads"
                                             : "batches");
    } else if (!is_file && lmstudio_repo(e) == NULL) {
        pls_text_add(out, "no repository of it in this quantization is known for lms get");
    }
}

/* What LM Studio calls a model: its repository or file in lower case, without what names a format. */
static void lmstudio_key(const char *source, struct pls_text *out)
{
    static const char *const ends[] = {
        ".gguf", "-gguf", "-4bit", "-5bit", "-6bit", "-8bit", "-bf16", "-mlx"
    };
    char room[PLS_COMMAND_NAME_CAP];
    const char *slash = strrchr(source, '/');
    PLS_COPY(room, slash != NULL ? slash + 1 : source);
    pls_text_lower(room);
    for (size_t i = 0; i < PLS_COUNT_OF(ends); i++) {
        if (pls_text_ends(room, ends[i])) {
            room[strlen(room) - strlen(ends[i])] = '\0';
        }
    }
    pls_command_path(out, room);
}

static void lmstudio_gpu(const struct pls_entry *e, struct pls_text *out)
{
    const struct pls_plan *p = e->plan;
    uint32_t all = all_layers(&e->model->card);
    if (p->leaves_gpus || (p->n_shares > 1 && p->gpu_layers <= 0)) {
        pls_text_add(out, " --gpu off");
    } else if (p->n_shares > 1 && (uint32_t)p->gpu_layers >= all) {
        pls_text_add(out, " --gpu max");
    } else if (p->n_shares > 1) {
        pls_text_add(out, " --gpu %.3f", (double)p->gpu_layers / all);
    }
}

void pls_lmstudio_write(const struct pls_entry *e, struct pls_text *out)
{
    const struct pls_plan *p = e->plan;
    const char *path = pls_command_gguf_path(e);
    const char *repo = lmstudio_repo(e);
    char room[PLS_COMMAND_NAME_CAP + 32];
    struct pls_text t = PLS_TEXT(room);
    if (path != NULL) {
        pls_text_add(out, "lms import --yes --symbolic-link ");
        pls_command_path(out, path);
    } else {
        bool is_gguf = p->ask.quant.format == PLS_FORMAT_GGUF;
        pls_text_add(&t, "https://huggingface.co/%s%s%s", repo, is_gguf ? "@" : "",
                     is_gguf ? pls_command_gguf_tag(e) : "");
        pls_text_add(out, "lms get --yes ");
        pls_text_shell(out, room);
    }
    pls_text_add(out, " && lms load ");
    lmstudio_key(path != NULL ? path : repo, out);
    pls_command_number(out, "--context-length", (int64_t)p->setting.n_ctx);
    pls_command_number(out, "--parallel", p->setting.n_seq);
    lmstudio_gpu(e, out);
}

/* ---- Jan ---- */

/* jan serve starts llama-server for chat or for embeddings, with no projector (its docs, 2026). */
void pls_jan_lacks(const struct pls_entry *e, struct pls_text *out)
{
    const struct pls_card *c = &e->model->card;
    if (e->plan->ask.quant.format != PLS_FORMAT_GGUF) {
        pls_text_add(out, "jan serve takes a GGUF file");
    } else if (pls_command_ranks(e)) {
        pls_text_add(out, "jan serve cannot be told to rank");
    } else if (e->plan->ask.use_projector) {
        pls_text_add(out, "jan serve cannot be told of a projector for images");
    } else if (c->hf_repo[0] == '\0' && c->name[0] == '\0' && c->id[0] == '\0') {
        pls_text_add(out, "nothing names its file");
    }
}

static void variable(struct pls_text *out, const char *name, const char *value)
{
    pls_text_add(out, "LLAMA_ARG_%s=%s ", name, value);
}

static void variable_number(struct pls_text *out, const char *name, uint64_t value)
{
    pls_text_add(out, "LLAMA_ARG_%s=%" PRIu64 " ", name, value);
}

/* What jan serve has no option for it hands on to llama-server from the environment (its docs, 2026). */
static void jan_variables(const struct pls_plan *p, struct pls_text *out)
{
    if (p->leaves_gpus) {
        variable(out, "DEVICE", "none");
    }
    variable_number(out, "N_PARALLEL", p->setting.n_seq);
    if (p->ask.batch_tokens != 0) {
        variable_number(out, "BATCH", p->ask.batch_tokens);
    }
    if (p->ask.ubatch_tokens != 0) {
        variable_number(out, "UBATCH", p->ask.ubatch_tokens);
    }
    if (p->ask.flash_attention != PLS_AUTO) {
        variable(out, "FLASH_ATTN", p->ask.flash_attention == PLS_ON ? "on" : "off");
    }
    if (!is_cache_plain(p)) {
        variable(out, "CACHE_TYPE_K", pls_type_info(p->setting.type_k)->name);
        variable(out, "CACHE_TYPE_V", pls_type_info(p->setting.type_v)->name);
    }
    if (p->cpu_moe_layers > 0) {
        variable_number(out, "N_CPU_MOE", (uint64_t)p->cpu_moe_layers);
    }
}

/* It picks the quantization of a repository itself, so a file is named. */
void pls_jan_write(const struct pls_entry *e, struct pls_text *out)
{
    const struct pls_plan *p = e->plan;
    const char *path = pls_command_gguf_path(e);
    char room[PLS_COMMAND_NAME_CAP];
    struct pls_text name = PLS_TEXT(room);
    pls_command_gguf_name(e, &name);
    jan_variables(p, out);
    pls_text_add(out, "jan serve --model-path ");
    pls_command_path(out, path != NULL ? path : room);
    pls_command_number(out, "--ctx-size", (int64_t)p->setting.n_ctx);
    if (p->leaves_gpus || p->n_shares > 1) {
        pls_command_number(out, "--n-gpu-layers", p->leaves_gpus ? 0 : p->gpu_layers);
    }
    if (p->ask.n_threads != 0) {
        pls_command_number(out, "--threads", p->ask.n_threads);
    }
    if (pls_card_only_reads(&e->model->card)) {
        pls_text_add(out, " --embedding");
    }
    pls_command_port(e, 6767, out);
}

void pls_jan_wants(const struct pls_entry *e, struct pls_text *out)
{
    const char *repo = pls_command_gguf_repo(e);
    char room[PLS_COMMAND_NAME_CAP];
    struct pls_text name = PLS_TEXT(room);
    if (pls_command_gguf_path(e) != NULL) {
        return;
    }
    pls_command_gguf_name(e, &name);
    pls_text_escape(out, room);
    if (repo != NULL) {
        pls_text_add(out, " has to be fetched first, from ");
        pls_text_escape(out, repo);
    } else {
        pls_text_add(out, " has to be found or made first: no GGUF repository is known");
    }
}
