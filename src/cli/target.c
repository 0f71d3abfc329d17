/* What a MODEL word means. The order is that of the documentation: a path that exists, a name of the catalog,
 * a file name by the GGUF convention. */
#include "cli/session.h"

#include <math.h>
#include <string.h>

#include "plimsoll/place.h"

/* The rule for fused QKV tensors changed with llama.cpp's pull request 19770; files from before follow the
 * older one. */
static const uint32_t fused_qkv_rule_since = 20260310;

static enum pls_code parse_quant(const char *word, struct pls_quant *out, struct pls_err *err)
{
    if (!pls_quant_parse(word, out)) {
        return pls_fail(err, PLS_USAGE,
                        "%s: not a quantization (Q4_K_M, Q8_0, IQ4_XS, mlx-4bit-g64, bf16, ...)", word);
    }
    return PLS_OK;
}

/* What the options add to a quant however it was found, and what they make of one that no GGUF file has. */
static void settle_quant(const struct pls_session *s, const struct pls_ask *ask, struct pls_target *out)
{
    struct pls_quant *quant = &out->quant;
    enum pls_source source = out->model.card.source;
    if (source != PLS_SOURCE_GGUF && source != PLS_SOURCE_NAME && out->repo[0] == '\0') {
        pls_ask_mean_quant(ask->runtime, quant);
    }
    quant->imatrix |= pls_args_has(s->args, PLS_OPT_IMATRIX);
    quant->legacy_qkv |= ask->engine_as_of != 0 && ask->engine_as_of < fused_qkv_rule_since;
}

/* A config.json does not say how many parameters it makes, and the packed tensors of a quantized folder do
 * not either: the architecture's own list does. What a quantization costs depends on it. */
void pls_target_count_params(struct pls_session *s, struct pls_card *card)
{
    struct pls_tensors list = { NULL, 0 };
    size_t mark = s->scratch.used;
    if (card->params_total == 0 && pls_arch_tensors(card, &s->scratch, &list, NULL) == PLS_OK) {
        card->params_total = pls_tensors_elements(&list);
    }
    pls_arena_reset(&s->scratch, mark);
}

static enum pls_code from_path(struct pls_session *s, const char *path, struct pls_target *out,
                               struct pls_err *err)
{
    out->has_path = PLS_COPY(out->path, path);
    if (!out->has_path) {
        return pls_fail(err, PLS_LIMIT, "%.60s...: path longer than %d bytes", path, PLS_PATH_CAP - 1);
    }
    struct pls_inspection seen;
    struct pls_model *model = &out->model;
    enum pls_code code = pls_file_read(path, &s->arena, model, &seen, err);
    out->quant = model->stored;
    if (code == PLS_OK && (seen.is_adapter || seen.is_projector)) {
        return pls_fail(err, PLS_USAGE, "%s: %s, not a model", path,
                        seen.is_adapter ? "an adapter" : "a projector");
    }
    /* A card or config.json has no tensors of its own, nor has a folder before the weights are fetched. */
    bool is_listed = model->tensors.n > 0 || seen.kind == PLS_FILE_GGUF || seen.kind == PLS_FILE_SAFETENSORS;
    code =
        code != PLS_OK || is_listed ? code : pls_arch_tensors(&model->card, &s->arena, &model->tensors, err);
    if (code == PLS_OK) {
        pls_target_count_params(s, &model->card);
    }
    return code;
}

static enum pls_code from_card(struct pls_session *s, const char *name, struct pls_target *out,
                               struct pls_err *err)
{
    enum pls_code code = pls_session_catalog(s, err);
    code = code == PLS_OK ? pls_catalog_resolve(s->catalog, name, &out->model.card, err) : code;
    return code == PLS_OK ? pls_arch_tensors(&out->model.card, &s->arena, &out->model.tensors, err) : code;
}

const struct pls_published *pls_target_published(struct pls_session *s, const struct pls_card *card,
                                                 const struct pls_plan *plan)
{
    bool is_gguf = plan->ask.quant.format == PLS_FORMAT_GGUF;
    bool is_known = card->source == PLS_SOURCE_CATALOG && s->catalog != NULL && is_gguf;
    struct pls_published *out = is_known ? PLS_TAKE(&s->arena, struct pls_published, 1) : NULL;
    if (out != NULL) {
        pls_catalog_published(s->catalog, card->id, &plan->ask.quant, out);
    }
    return out;
}

/* An importance matrix lets the quantizer give some tensors other types: the file that is fetched may be of
 * another size than the recipe says without one. */
void pls_target_note_imatrix(struct pls_session *s, const struct pls_target *target,
                             const struct pls_published *where, struct pls_plan *plan)
{
    const char *repo = target->repo[0] != '\0'           ? target->repo
                       : where != NULL && where->is_seen ? where->repo
                                                         : "";
    struct pls_quant with = plan->ask.quant;
    struct pls_layout layout;
    size_t mark = s->scratch.used;
    if (with.format != PLS_FORMAT_GGUF || with.imatrix || target->has_path
        || !pls_quality_repo_imatrix(repo)) {
        return;
    }
    with.imatrix = true;
    if (pls_layout_make(&target->model, &with, &s->machine, &s->scratch, &layout, NULL) == PLS_OK
        && layout.tensor_data_bytes != plan->tensor_data_bytes) {
        pls_plan_note(plan, "imatrix",
                      "%s quantizes with an importance matrix: %.1f MiB %s than counted here (--imatrix)",
                      repo,
                      fabs((double)layout.tensor_data_bytes - (double)plan->tensor_data_bytes) / PLS_MIB,
                      layout.tensor_data_bytes < plan->tensor_data_bytes ? "less" : "more");
    }
    pls_arena_reset(&s->scratch, mark);
}

/* "qwen3-8b:Q8_0". A word behind the last colon that is no quant belongs to the name ("llama3.1:8b"). */
static bool split_quant(const char *word, char *name, size_t cap, struct pls_quant *quant)
{
    const char *colon = strrchr(word, ':');
    if (colon == NULL || colon == word || !pls_quant_parse(colon + 1, quant)) {
        return false;
    }
    struct pls_text t = { .data = name, .len = 0, .cap = cap, .truncated = false };
    pls_text_put(&t, word, (size_t)(colon - word));
    return !t.truncated;
}

/* "owner/name" as it was typed, when weights of that quantization lie there. */
static void keep_repo(struct pls_target *out, const char *name)
{
    const char *slash = strchr(name, '/');
    bool is_repo = slash != NULL && slash != name && slash[1] != '\0' && strpbrk(slash + 1, "/:") == NULL;
    if (is_repo && !PLS_COPY(out->repo, name)) {
        out->repo[0] = '\0';
    }
}

static bool ends_gguf(const char *name)
{
    size_t len = strlen(name);
    return len > 4 && pls_text_equal_nocase(name + len - 4, "gguf");
}

bool pls_target_repo_quant(const struct pls_session *s, const struct pls_card *card, const char *word,
                           struct pls_quant *out)
{
    return card->source == PLS_SOURCE_CATALOG && strchr(word, '/') != NULL
           && !pls_text_equal_nocase(word, card->hf_repo)
           && pls_catalog_repo_quant(s->catalog, card->id, word, out);
}

/* A quant inside the name ("mlx-community/Qwen3-8B-4bit", "qwen3:8b-q8_0") is what was asked for, unless the
 * checkpoint itself is called so. What the card says of a repository goes before that: the groups of 32 in
 * "cyankiwi/gemma-4-31B-it-AWQ-4bit" do not stand in its name. */
static enum pls_code quant_of_name(const struct pls_session *s, const char *word, bool *has_quant,
                                   struct pls_target *out, struct pls_err *err)
{
    struct pls_quant_said said;
    char repo[sizeof(out->model.card.hf_repo)];
    PLS_COPY(repo, out->model.card.hf_repo);
    pls_text_lower(repo);
    if (pls_args_has(s->args, PLS_OPT_QUANT)) {
        return PLS_OK;
    }
    if (pls_target_repo_quant(s, &out->model.card, word, &out->quant)) {
        *has_quant = true;
        keep_repo(out, word);
        return PLS_OK;
    }
    if (!pls_quant_in_name(word, &said) || pls_text_ends(repo, said.text)) {
        return PLS_OK;
    }
    *has_quant = true;
    out->quant = said.quant;
    if (said.quant.format != PLS_FORMAT_GGUF) {
        keep_repo(out, word);
    }
    return said.is_known ? PLS_OK : parse_quant(said.text, &out->quant, err);
}

static enum pls_code from_name(struct pls_session *s, const char *word, bool *has_quant,
                               struct pls_target *out, struct pls_err *err)
{
    struct pls_file_name parts;
    char name[256];
    *has_quant = split_quant(word, name, sizeof(name), &out->quant);
    if (ends_gguf(*has_quant ? name : word)) {
        keep_repo(out, *has_quant ? name : word);
    }
    struct pls_quant other;
    char rest[256];
    if (*has_quant && split_quant(name, rest, sizeof(rest), &other)) {
        return pls_fail(err, PLS_USAGE, "%s: two quantizations of one model", word);
    }
    if (*has_quant) {
        return from_card(s, name, out, err);
    }
    /* Only a name that carries a quant or the suffix is a file's: the catalog forgives what stands behind a
     * name, and the quant in it would be lost. */
    bool is_file = pls_file_name_parse(word, &parts) && parts.base[0] != '\0'
                   && (parts.has_quant || pls_text_ends(word, ".gguf"));
    enum pls_code code = from_card(s, is_file ? parts.base : word, out, err);
    if (code != PLS_OK || !is_file) {
        return code == PLS_OK ? quant_of_name(s, word, has_quant, out, err) : code;
    }
    *has_quant = parts.has_quant;
    out->quant = parts.parsed;
    out->model.card.source = PLS_SOURCE_NAME;
    return PLS_OK;
}

/* "https://huggingface.co/owner/name/resolve/main/file.gguf?download=true" as what it names: the file, or
 * "owner/name". Pages of Ollama's library have the tag last. The repository is kept beside a file. */
static void read_url(const char *url, char *word, size_t cap, struct pls_target *out)
{
    const char *host = strstr(url, "://") + 3;
    const char *path = host + strcspn(host, "/");
    path += strspn(path, "/");
    struct pls_text t = { .data = word, .len = 0, .cap = cap };
    word[0] = '\0';
    const char *owner_end = path + strcspn(path, "/");
    size_t len = (size_t)(owner_end - path);
    len += *owner_end == '/' ? 1 + strcspn(owner_end + 1, "/?#") : 0;
    pls_text_put(&t, path, strcspn(path, "?#") < len ? strcspn(path, "?#") : len);
    size_t whole = strcspn(path, "?#");
    if (whole > 5 && strncmp(path + whole - 5, ".gguf", 5) == 0) {
        keep_repo(out, word);
        while (whole > 0 && path[whole - 1] != '/') {
            whole--;
        }
        word[0] = '\0';
        t = (struct pls_text){ .data = word, .len = 0, .cap = cap };
        pls_text_put(&t, path + whole, strcspn(path, "?#") - whole);
    }
}

enum pls_code pls_target_find(struct pls_session *s, const char *word, const struct pls_ask *ask,
                              struct pls_target *out, struct pls_err *err)
{
    const char *asked = pls_args_text(s->args, PLS_OPT_QUANT);
    bool has_quant = true;
    enum pls_code code = PLS_OK;
    char named[256];
    memset(out, 0, sizeof(*out));
    if (pls_text_starts(word, "https://") || pls_text_starts(word, "http://")) {
        read_url(word, named, sizeof(named), out);
        word = named;
    }
    if (pls_file_kind(word) != PLS_FILE_NONE) {
        code = from_path(s, word, out, err);
        has_quant = out->model.card.source != PLS_SOURCE_CONFIG && out->model.card.source != PLS_SOURCE_CARD;
    } else if (strchr(word, '/') != NULL && pls_text_ends(word, ".gguf")) {
        code = pls_fail(err, PLS_IO, "%s: no such file", word);
    } else {
        code = from_name(s, word, &has_quant, out, err);
    }
    if (code != PLS_OK) {
        return code;
    }
    if (asked != NULL) {
        code = parse_quant(asked, &out->quant, err);
    } else if (!has_quant) {
        out->quant = pls_ask_default_quant(&out->model.card, ask->runtime);
    }
    settle_quant(s, ask, out);
    if (ends_gguf(out->repo) != (out->quant.format == PLS_FORMAT_GGUF)) {
        out->repo[0] = '\0'; /* -q asks for what is not there */
    }
    if (code == PLS_OK && out->repo[0] == '\0' && out->model.card.source == PLS_SOURCE_CATALOG) {
        char repo[sizeof(out->repo)];
        if (pls_catalog_variant(s->catalog, out->model.card.id, &out->quant, repo, sizeof(repo))) {
            PLS_COPY(out->repo, repo);
        } /* else it may be the beginning of a name that does not fit */
    }
    return code;
}
