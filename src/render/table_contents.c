/* What a file holds. */
#include <inttypes.h>

#include "render/document.h"
#include "render/page.h"
#include "render/words.h"

enum { LINE_CAP = 1024 };

struct type_row {
    enum pls_type type;
    uint32_t tensors;
    uint64_t bytes;
};

static void cell_type(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_add(out, "%s", pls_type_info(((const struct type_row *)row)->type)->name);
}

static void cell_tensors(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_add(out, "%u", ((const struct type_row *)row)->tensors);
}

static void cell_bytes(const void *row, bool raw, struct pls_text *out)
{
    if (raw) {
        pls_text_add(out, "%" PRIu64, ((const struct type_row *)row)->bytes);
    } else {
        pls_text_bytes(out, ((const struct type_row *)row)->bytes);
    }
}

static const struct pls_column columns[] = {
    { "TYPE", "type", 0, 0, cell_type },
    { "TENSORS", "tensors", 0, PLS_COLUMN_RIGHT, cell_tensors },
    { "BYTES", "bytes", 0, PLS_COLUMN_RIGHT, cell_bytes },
};

static size_t type_rows(const struct pls_contents *c, struct type_row rows[PLS_TYPE_COUNT])
{
    size_t n = 0;
    for (int i = 0; i < PLS_TYPE_COUNT; i++) {
        if (c->types_tensors[i] != 0 && pls_type_info((enum pls_type)i)->name != NULL) {
            rows[n++] = (struct type_row){ (enum pls_type)i, c->types_tensors[i], c->types_bytes[i] };
        }
    }
    return n;
}

static void add_shape(struct pls_json *j, cJSON *to, const struct pls_card *c)
{
    cJSON *o = pls_json_object(j, to, "model");
    pls_json_text(j, o, "name", c->name);
    pls_json_text(j, o, "arch", c->arch);
    pls_json_known(j, o, "layers", c->n_layers);
    pls_json_known(j, o, "embedding", c->n_embd);
    pls_json_known(j, o, "heads", c->n_head);
    pls_json_known(j, o, "kv_heads", c->n_head_kv);
    pls_json_known(j, o, "head_dim", c->head_dim);
    pls_json_known(j, o, "vocabulary", c->n_vocab);
    pls_json_known(j, o, "experts", c->n_expert);
    pls_json_known(j, o, "experts_used", c->n_expert_used);
    pls_json_known(j, o, "context_max_tokens", c->context_max_tokens);
    pls_json_known(j, o, "sliding_window", c->sliding_window);
}

static void add_contents(struct pls_json *j, cJSON *o, const struct pls_contents *c)
{
    struct type_row rows[PLS_TYPE_COUNT];
    size_t n = type_rows(c, rows);
    pls_json_text(j, o, "path", c->path);
    pls_json_text(j, o, "kind", c->kind);
    pls_json_text(j, o, "quant", c->quant);
    pls_json_flag(j, o, "quant_guessed", c->is_quant_guessed);
    pls_json_flag(j, o, "adapter", c->is_adapter);
    pls_json_flag(j, o, "projector", c->is_projector);
    pls_json_known(j, o, "gguf_version", c->gguf_version);
    pls_json_u64(j, o, "tensors", c->n_tensors);
    pls_json_u64(j, o, "keys", c->n_keys);
    pls_json_known(j, o, "splits", c->n_splits);
    pls_json_known(j, o, "file_bytes", c->file_bytes);
    pls_json_known(j, o, "header_bytes", c->header_bytes);
    pls_json_u64(j, o, "tensor_bytes", c->tensor_bytes);
    pls_json_known(j, o, "params", c->params);
    pls_json_text(j, o, "tokenizer", c->tokenizer);
    add_shape(j, o, &c->model->card);
    cJSON *types = pls_json_object(j, o, "tensor_types");
    for (size_t i = 0; i < n; i++) {
        cJSON *t = pls_json_object(j, types, pls_type_info(rows[i].type)->name);
        pls_json_u64(j, t, "tensors", rows[i].tensors);
        pls_json_u64(j, t, "bytes", rows[i].bytes);
    }
}

static enum pls_code json_contents(FILE *to, bool lines, const struct pls_contents *items, uint32_t n,
                                   struct pls_err *err)
{
    struct pls_json j = pls_json_begin("plimsoll.inspect/1");
    cJSON *array = pls_json_array(&j, j.root, "files");
    enum pls_code code = PLS_OK;
    for (uint32_t i = 0; i < n && code == PLS_OK; i++) {
        cJSON *o = pls_json_object(&j, array, NULL);
        add_contents(&j, o, &items[i]);
        code = lines ? pls_json_line(&j, o, to, err) : PLS_OK;
    }
    code = code == PLS_OK && !lines ? pls_json_write(&j, to, err) : code;
    pls_json_end(&j);
    return code;
}

static void fields(struct pls_page *page, const struct pls_contents *c)
{
    const struct pls_card *card = &c->model->card;
    char a[LINE_CAP];
    struct pls_text t = PLS_TEXT(a);
    pls_page_field(page, "File", "%s", c->path);
    pls_text_add(&t, "%s", c->kind);
    if (c->gguf_version != 0) {
        pls_text_add(&t, " version %u, %u keys", c->gguf_version, c->n_keys);
    }
    if (c->n_splits > 1) {
        pls_text_add(&t, ", %u parts", c->n_splits);
    }
    pls_text_add(&t, "%s%s", c->is_adapter ? ", an adapter" : "", c->is_projector ? ", a projector" : "");
    pls_page_field(page, "Kind", "%s", a);
    pls_page_field(page, "Model", "%s, architecture %s", card->name[0] != '\0' ? card->name : "unnamed",
                   card->arch[0] != '\0' ? card->arch : "unknown");
    t = PLS_TEXT(a);
    pls_words_params(&t, c->params);
    if (c->n_tensors > 0) {
        pls_page_field(page, "Size", "%s parameters in %u tensors", a, c->n_tensors);
    } else {
        pls_page_field(page, "Size", "%s parameters by its shape; no tensors here", a);
    }
    if (c->quant[0] != '\0') {
        pls_page_field(page, "Quant", "%s%s", c->quant,
                       c->is_quant_guessed ? " (guessed from the tensors)" : "");
    }
    if (c->file_bytes != 0) {
        t = PLS_TEXT(a);
        pls_text_bytes(&t, c->file_bytes);
        pls_text_add(&t, ", of which ");
        pls_text_bytes(&t, c->tensor_bytes);
        pls_text_add(&t, " tensor data");
        pls_page_field(page, "Bytes", "%s", a);
    }
    if (card->n_layers != 0) {
        pls_page_field(page, "Shape", "%u layers of width %u, %u heads, %u key/value heads, vocabulary %u",
                       card->n_layers, card->n_embd, card->n_head, card->n_head_kv, card->n_vocab);
        t = PLS_TEXT(a);
        pls_text_tokens(&t, card->context_max_tokens);
        pls_page_field(page, "Context", "%s tokens at most",
                       card->context_max_tokens != 0 ? a : "an unknown number of");
    }
}

enum pls_code pls_render_contents(FILE *to, enum pls_output output, const struct pls_contents *items,
                                  uint32_t n, const struct pls_screen *screen, struct pls_err *err)
{
    struct pls_page page;
    if (output == PLS_OUT_JSON || output == PLS_OUT_JSONL) {
        return json_contents(to, output == PLS_OUT_JSONL, items, n, err);
    }
    enum pls_code code = pls_page_begin(&page, screen->color, err);
    if (code != PLS_OK) {
        return code;
    }
    for (uint32_t i = 0; i < n && code == PLS_OK; i++) {
        struct type_row rows[PLS_TYPE_COUNT];
        struct pls_grid grid = { columns, PLS_COUNT_OF(columns), rows, sizeof(rows[0]),
                                 type_rows(&items[i], rows) };
        if (output == PLS_OUT_TABLE) {
            fputs(i > 0 ? "\n" : "", page.to);
            fields(&page, &items[i]);
            fputc('\n', page.to);
        }
        if (output == PLS_OUT_ENV) {
            pls_page_env(&page, "PLIMSOLL_ARCH", "%s", items[i].model->card.arch);
            pls_page_env(&page, "PLIMSOLL_QUANT", "%s", items[i].quant);
            pls_page_env(&page, "PLIMSOLL_TENSOR_BYTES", "%" PRIu64, items[i].tensor_bytes);
        } else {
            code = pls_page_grid(&page, &grid, output, screen->width, err);
        }
    }
    return pls_page_end(&page, code, to, err);
}
