#include <inttypes.h>
#include <string.h>

#include "render/document.h"
#include "render/page.h"
#include "render/words.h"

static const struct pls_card *card_of(const void *row)
{
    return row;
}

static void cell_id(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_escape(out, card_of(row)->id);
}

static void cell_name(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_escape(out, card_of(row)->name);
}

static void cell_params(const void *row, bool raw, struct pls_text *out)
{
    if (raw) {
        pls_text_add(out, "%" PRIu64, card_of(row)->params_total);
    } else {
        pls_words_params(out, card_of(row)->params_total);
    }
}

static void cell_active(const void *row, bool raw, struct pls_text *out)
{
    const struct pls_card *c = card_of(row);
    uint64_t active = c->params_active != 0 ? c->params_active : c->params_total;
    if (raw) {
        pls_text_add(out, "%" PRIu64, active);
    } else if (active == c->params_total) {
        pls_text_add(out, "all");
    } else {
        pls_words_params(out, active);
    }
}

static void cell_context(const void *row, bool raw, struct pls_text *out)
{
    uint32_t n = card_of(row)->context_max_tokens;
    if (raw && n != 0) {
        pls_text_add(out, "%u", n);
    } else if (n != 0) {
        pls_text_tokens(out, n);
    }
}

static void cell_release(const void *row, bool raw, struct pls_text *out)
{
    uint32_t r = card_of(row)->release;
    (void)raw;
    if (r != 0) {
        pls_text_add(out, "%04u-%02u", r / 100, r % 100);
    }
}

static void cell_license(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_escape(out, card_of(row)->license);
}

static void cell_tasks(const void *row, bool raw, struct pls_text *out)
{
    size_t start = out->len;
    (void)raw;
    for (int t = 0; t < PLS_TASK_COUNT; t++) {
        if ((card_of(row)->tasks & 1u << t) != 0) {
            pls_text_add(out, "%s%s", out->len > start ? " " : "", pls_task_name((enum pls_task)t));
        }
    }
}

static void cell_arch(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_escape(out, card_of(row)->arch);
}

static const struct pls_column columns[] = {
    { "ID", "id", 0, 0, cell_id },
    { "NAME", "name", 0, PLS_COLUMN_RAW, cell_name },
    { "PARAMETERS", "params", 0, PLS_COLUMN_RIGHT, cell_params },
    { "ACTIVE", "params_active", 0, PLS_COLUMN_RIGHT, cell_active },
    { "CONTEXT", "context_max_tokens", 0, PLS_COLUMN_RIGHT, cell_context },
    { "RELEASED", "released", 0, 0, cell_release },
    { "ARCHITECTURE", "arch", 0, 0, cell_arch },
    { "LICENSE", "license", 0, 0, cell_license },
    { "FOR", "tasks", 8, PLS_COLUMN_TRUNC, cell_tasks },
};

static void add_card(struct pls_json *j, cJSON *o, const struct pls_card *c)
{
    char released[16] = "";
    struct pls_text t = PLS_TEXT(released);
    cell_release(c, true, &t);
    pls_json_text(j, o, "id", c->id);
    pls_json_text(j, o, "name", c->name);
    pls_json_text(j, o, "family", c->family);
    pls_json_text(j, o, "org", c->org);
    pls_json_text(j, o, "arch", c->arch);
    pls_json_known(j, o, "params", c->params_total);
    pls_json_known(j, o, "params_active",
                   c->params_active != 0 ? c->params_active
                   : c->n_expert == 0    ? c->params_total
                                         : 0);
    pls_json_known(j, o, "context_max_tokens", c->context_max_tokens);
    pls_json_text(j, o, "released", released);
    pls_json_text(j, o, "license", c->license);
    pls_json_text(j, o, "hf_repo", c->hf_repo);
    pls_json_text(j, o, "ollama_tag", c->ollama_tag);
    cJSON *tasks = pls_json_array(j, o, "tasks");
    for (int k = 0; k < PLS_TASK_COUNT; k++) {
        if ((c->tasks & 1u << k) != 0) {
            pls_json_text(j, tasks, NULL, pls_task_name((enum pls_task)k));
        }
    }
}

static enum pls_code json_cards(FILE *to, bool lines, const struct pls_card *cards, uint32_t n,
                                struct pls_err *err)
{
    struct pls_json j = pls_json_begin("plimsoll.catalog/1");
    cJSON *array = pls_json_array(&j, j.root, "cards");
    enum pls_code code = PLS_OK;
    for (uint32_t i = 0; i < n && code == PLS_OK; i++) {
        cJSON *o = pls_json_object(&j, array, NULL);
        add_card(&j, o, &cards[i]);
        code = lines ? pls_json_line(&j, o, to, err) : PLS_OK;
    }
    code = code == PLS_OK && !lines ? pls_json_write(&j, to, err) : code;
    pls_json_end(&j);
    return code;
}

enum pls_code pls_render_cards(FILE *to, enum pls_output output, const struct pls_card *cards, uint32_t n,
                               const struct pls_screen *screen, struct pls_err *err)
{
    struct pls_grid grid = { columns, PLS_COUNT_OF(columns), cards, sizeof(*cards), n };
    struct pls_page page;
    if (output == PLS_OUT_JSON || output == PLS_OUT_JSONL) {
        return json_cards(to, output == PLS_OUT_JSONL, cards, n, err);
    }
    enum pls_code code = pls_page_begin(&page, screen->color, err);
    if (code != PLS_OK) {
        return code;
    }
    if (n == 0 && output == PLS_OUT_TABLE) {
        pls_page_field(&page, "Nothing", "matches");
    } else {
        code = pls_page_grid(&page, &grid, output, screen->width, err);
    }
    return pls_page_end(&page, code, to, err);
}
