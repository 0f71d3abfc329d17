/* Commands of the engines that take folders of safetensors: mlx-lm and vLLM. */
#include "render/commands.h"

#include <string.h>


/* ---- MLX ---- */

/* A repository that holds this very quantization and needs no making. */
static const char *mlx_repo(const struct pls_entry *e)
{
    return e->plan->ask.quant.format == PLS_FORMAT_MLX ? e->repo : NULL;
}

static const char *mlx_source(const struct pls_entry *e)
{
    const char *path = pls_command_folder(e);
    return path != NULL ? path : mlx_repo(e) != NULL ? mlx_repo(e) : e->model->card.hf_repo;
}

/* mlx_lm.server completes text and does nothing else (its documentation of 2026). */
void pls_mlx_lacks(const struct pls_entry *e, struct pls_text *out)
{
    const struct pls_plan *p = e->plan;
    bool is_usable = p->ask.quant.format == PLS_FORMAT_MLX
        || (p->ask.quant.format == PLS_FORMAT_SAFETENSORS && p->ask.runtime == PLS_RUNTIME_MLX);
    if (!is_usable) {
        pls_text_add(out, "mlx-lm loads no %s models", pls_format_name(p->ask.quant.format));
    } else if (pls_card_only_reads(&e->model->card)) {
        pls_text_add(out, "mlx_lm.server neither embeds nor ranks");
    } else if (p->ask.use_projector) {
        pls_text_add(out, "mlx_lm.server takes text alone, no images");
    } else if (mlx_source(e)[0] == '\0') {
        pls_text_add(out, "no repository of it is known");
    } else if (pls_type_is_quantized(p->setting.type_k) || pls_type_is_quantized(p->setting.type_v)) {
        pls_text_add(out, "mlx_lm.server has no option for a quantized cache");
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

/* The folder a conversion goes to: named for model and quantization, because the converter refuses one that
 * is there already. */
static void mlx_folder(const struct pls_entry *e, struct pls_text *out)
{
    char source[4096];
    PLS_COPY(source, mlx_source(e));
    for (size_t n = strlen(source); n > 0 && source[n - 1] == '/'; n--) {
        source[n - 1] = '\0';
    }
    const char *slash = strrchr(source, '/');
    pls_text_add(out, "%s-%s", slash != NULL ? slash + 1 : source, e->plan->quant);
}

static void mlx_convert(const struct pls_entry *e, struct pls_text *out)
{
    char room[4096];
    struct pls_text folder = PLS_TEXT(room);
    mlx_folder(e, &folder);
    pls_text_add(out, "test -d ");
    pls_command_path(out, room);
    pls_text_add(out, " || mlx_lm.convert --hf-path ");
    pls_command_path(out, mlx_source(e));
    mlx_recipe(&e->plan->ask.quant, out);
    pls_text_add(out, " --mlx-path ");
    pls_command_path(out, room);
    pls_text_add(out, " && mlx_lm.server --model ");
    pls_command_path(out, room);
}

void pls_mlx_write(const struct pls_entry *e, struct pls_text *out)
{
    const struct pls_quant *q = &e->plan->ask.quant;
    const struct pls_quant *stored = &e->model->stored;
    bool is_same = stored->format == q->format && stored->bits == q->bits && stored->group == q->group;
    const char *path = pls_command_folder(e);
    bool is_made = path != NULL ? is_same : mlx_repo(e) != NULL;
    if (!is_made && q->format == PLS_FORMAT_MLX) {
        mlx_convert(e, out);
    } else {
        pls_text_add(out, "mlx_lm.server --model ");
        pls_command_path(out, mlx_source(e));
    }
    pls_command_port(e, 8080, out);
}

/* ---- vLLM ---- */

static const char *vllm_source(const struct pls_entry *e)
{
    const char *path = pls_command_folder(e);
    return path != NULL ? path : e->repo != NULL ? e->repo : e->model->card.hf_repo;
}

/* A checkpoint of a language model that ranks by its answer is served as one unless overrides make it score
 * (docs.vllm.ai of 2026, supported models). */
static bool wants_overrides(const struct pls_entry *e)
{
    const struct pls_card *card = &e->model->card;
    return pls_command_ranks(e) && !card->is_encoder && pls_text_equal(card->arch, "qwen3");
}

/* The card's repository holds the released weights; a quantized copy of them is known or a folder. */
void pls_vllm_lacks(const struct pls_entry *e, struct pls_text *out)
{
    enum pls_format format = e->plan->ask.quant.format;
    bool is_given = pls_command_folder(e) != NULL || e->repo != NULL;
    bool is_known = is_given || format == PLS_FORMAT_SAFETENSORS;
    if (format == PLS_FORMAT_MLX || format == PLS_FORMAT_GGUF) {
        pls_text_add(out, "no command of vllm for %s models", pls_format_name(format));
    } else if (wants_overrides(e)) {
        pls_text_add(out, "vllm ranks with it only under --hf-overrides, which are not known here");
    } else if (!is_known) {
        pls_text_add(out, "no repository of it as %s is known: plan OWNER/NAME names one", e->plan->quant);
    } else if (vllm_source(e)[0] == '\0') {
        pls_text_add(out, "no repository of it is known");
    } else if (!is_given && (e->model->card.held & PLS_HELD_RELEASE_FP8) != 0) {
        pls_text_add(out, "it was released in FP8 (-q fp8), and no repository of it as %s is known",
                     e->plan->quant);
    }
}

/* Sized as a pipeline, which needs no width that the number of GPUs divides: whole layers here and there. */
static uint32_t stages(const struct pls_plan *p)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->n_shares; i++) {
        n += p->shares[i].pool > 0 && p->shares[i].n_layers > 0;
    }
    return n;
}

void pls_vllm_write(const struct pls_entry *e, struct pls_text *out)
{
    const struct pls_plan *p = e->plan;
    pls_text_add(out, "vllm serve ");
    pls_command_path(out, vllm_source(e));
    pls_command_number(out, "--max-model-len", (int64_t)p->setting.n_ctx_seq);
    if (p->ask.parallel != 0) { /* else its own: one would end the batching it is there for */
        pls_command_number(out, "--max-num-seqs", p->setting.n_seq);
    }
    if (p->ask.batch_tokens != 0) {
        pls_command_number(out, "--max-num-batched-tokens", p->ask.batch_tokens);
    }
    if (stages(p) > 1) {
        pls_command_number(out, "--pipeline-parallel-size", stages(p));
    }
    if (pls_type_is_quantized(p->setting.type_k)) { /* 8 bits: the only ones it has */
        pls_text_add(out, " --kv-cache-dtype fp8");
    }
    pls_command_port(e, 8000, out);
}
