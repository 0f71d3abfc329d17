/* One card in full. What has a field in struct pls_card is shown from there, the rest from the card's own
 * text. */
#include <string.h>

#include "render/document.h"
#include "render/page.h"
#include "render/words.h"

enum { LINE_CAP = 1024 };

static void shape(struct pls_page *page, const struct pls_card *c)
{
    char kinds[PLS_MAX_LAYERS + 1];
    PLS_COPY(kinds, c->kind);
    pls_page_field(page, "Layers", "%u of width %u, vocabulary %u", c->n_layers, c->n_embd, c->n_vocab);
    pls_page_field(page, "Heads", "%u query, %u key/value, of width %u%s", c->n_head, c->n_head_kv,
                   c->head_dim, c->kv_lora_rank != 0 ? ", latent cache" : "");
    if (c->n_expert != 0) {
        pls_page_field(page, "Experts", "%u, of which %u per token, %u shared", c->n_expert, c->n_expert_used,
                       c->n_expert_shared);
    }
    if (c->sliding_window != 0) {
        pls_page_field(page, "Window", "%u tokens in sliding layers", c->sliding_window);
    }
    if (strspn(kinds, "F") != strlen(kinds)) {
        pls_page_field(page, "Kinds", "%s", kinds);
    }
}

static void abilities(struct pls_page *page, const struct pls_card *c)
{
    const char *label = "Ability";
    for (int t = 0; t < PLS_TASK_COUNT; t++) {
        const struct pls_ability *a = &c->ability[t];
        if (a->score > 0) {
            pls_page_field(page, label, "%s %.0f of 100 (+- %.0f, %s, %u sources)",
                           pls_task_name((enum pls_task)t), (double)a->score, (double)a->se,
                           pls_evidence_name((enum pls_evidence)a->evidence), a->n_sources);
            label = "";
        }
    }
}

/* "owner/name", one a line; what nobody has seen is named so. */
static void variants(struct pls_page *page, const cJSON *root, const char *format, const char *label)
{
    const cJSON *all = cJSON_GetObjectItemCaseSensitive(root, "variants");
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(all, format))
    {
        const cJSON *repo = cJSON_GetObjectItemCaseSensitive(item, "repo");
        bool is_unseen = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(item, "unverified"));
        if (cJSON_IsString(repo)) {
            pls_page_field(page, label, "%s%s", repo->valuestring, is_unseen ? " (unverified)" : "");
            /* cppcheck-suppress uselessAssignmentPtrArg ; the first line alone has the label */
            label = "";
        }
    }
}

static void benchmarks(struct pls_page *page, const cJSON *root)
{
    const char *label = "Benchmarks";
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(root, "benchmarks"))
    {
        const cJSON *score = cJSON_GetObjectItemCaseSensitive(item, "score");
        const char *date = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "date"));
        const char *trust = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "confidence"));
        if (cJSON_IsNumber(score)) {
            pls_page_field(page, label, "%s %.6g (%s%s%s)", item->string, score->valuedouble,
                           date != NULL ? date : "no date", trust != NULL ? ", confidence " : "",
                           trust != NULL ? trust : "");
            label = "";
        }
    }
}

/* Facts that were inferred, not read. */
static void unverified(struct pls_page *page, const cJSON *root)
{
    char room[LINE_CAP];
    struct pls_text t = PLS_TEXT(room);
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(root, "unverified"))
    {
        if (cJSON_IsString(item)) {
            pls_text_add(&t, "%s%s", t.len > 0 ? ", " : "", item->valuestring);
        }
    }
    if (t.len > 0) {
        pls_page_field(page, "Unverified", "%s", room);
    }
}

static void identity(struct pls_page *page, const struct pls_card *c)
{
    char room[LINE_CAP];
    struct pls_text t = PLS_TEXT(room);
    pls_words_params(&t, c->params_total);
    pls_text_add(&t, " parameters");
    if (c->params_active != 0 && c->params_active != c->params_total) {
        pls_text_add(&t, ", ");
        pls_words_params(&t, c->params_active);
        pls_text_add(&t, " active");
    }
    pls_page_field(page, "Model", "%s (%s)", pls_words_model(c), c->id);
    pls_page_field(page, "By", "%s, %s family, %s", c->org, c->family,
                   c->license[0] != '\0' ? c->license : "license unknown");
    if (c->release != 0) {
        pls_page_field(page, "Released", "%04u-%02u", c->release / 100, c->release % 100);
    } else {
        pls_page_field(page, "Released", "unknown");
    }
    pls_page_field(page, "Size", "%s", room);
    pls_page_field(page, "Context", "%u tokens", c->context_max_tokens);
    pls_page_field(page, "Arch", "%s", c->arch);
}

static void tasks(struct pls_page *page, const struct pls_card *c)
{
    char room[LINE_CAP];
    struct pls_text t = PLS_TEXT(room);
    for (int i = 0; i < PLS_TASK_COUNT; i++) {
        if ((c->tasks & 1u << i) != 0) {
            pls_text_add(&t, "%s%s", t.len > 0 ? " " : "", pls_task_name((enum pls_task)i));
        }
    }
    pls_page_field(page, "For", "%s", room);
}

static void sources(struct pls_page *page, const struct pls_card *c, const cJSON *root)
{
    if (c->hf_repo[0] != '\0') {
        pls_page_field(page, "Weights", "https://huggingface.co/%s", c->hf_repo);
    }
    variants(page, root, "gguf", "GGUF");
    variants(page, root, "mlx", "MLX");
    variants(page, root, "awq", "AWQ");
    variants(page, root, "gptq", "GPTQ");
    variants(page, root, "fp8", "FP8");
    if (c->ollama_tag[0] != '\0') {
        pls_page_field(page, "Ollama", "%s", c->ollama_tag);
    }
}

enum pls_code pls_render_card(FILE *to, enum pls_output output, const struct pls_card *c, const char *json,
                              struct pls_err *err)
{
    struct pls_page page;
    if (output == PLS_OUT_JSON || output == PLS_OUT_JSONL) {
        return pls_render_write(to, json, strlen(json), err);
    }
    enum pls_code code = pls_page_begin(&page, false, err);
    if (code != PLS_OK) {
        return code;
    }
    cJSON *root = cJSON_Parse(json);
    identity(&page, c);
    shape(&page, c);
    tasks(&page, c);
    abilities(&page, c);
    benchmarks(&page, root);
    sources(&page, c, root);
    unverified(&page, root);
    cJSON_Delete(root);
    return pls_page_end(&page, PLS_OK, to, err);
}
