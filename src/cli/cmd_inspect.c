#include <stdio.h>

#include "cli/command.h"

enum { FILES_MAX = 64 };

static const char *kind_name(enum pls_file_kind kind)
{
    switch (kind) {
    case PLS_FILE_GGUF:
        return "gguf";
    case PLS_FILE_SAFETENSORS:
    case PLS_FILE_MODEL_DIR:
        return "safetensors";
    case PLS_FILE_MLX_DIR:
        return "mlx";
    case PLS_FILE_CONFIG:
        return "config";
    case PLS_FILE_CARD:
        return "card";
    case PLS_FILE_NONE:
    case PLS_FILE_UNKNOWN:
        break;
    }
    return "unknown";
}

static void fill(struct pls_contents *out, const char *path, const struct pls_model *model,
                 const struct pls_inspection *seen)
{
    *out = (struct pls_contents){
        .path = path,
        .kind = kind_name(seen->kind),
        .model = model,
        .is_quant_guessed = seen->is_ftype_guessed,
        .is_adapter = seen->is_adapter,
        .is_projector = seen->is_projector,
        .gguf_version = seen->gguf_version,
        .n_tensors = seen->n_tensors,
        .n_keys = seen->n_keys,
        .n_splits = seen->n_splits,
        .file_bytes = seen->file_bytes,
        .header_bytes = seen->header_bytes,
        .tensor_bytes = seen->tensor_bytes,
        .params = seen->params,
        .tokenizer = seen->tokenizer,
    };
    for (int i = 0; i < PLS_TYPE_COUNT; i++) {
        out->types_bytes[i] = seen->types_bytes[i];
        out->types_tensors[i] = seen->types_tensors[i];
    }
    const char *ftype = seen->ftype != PLS_FTYPE_NONE ? pls_ftype_name(seen->ftype) : NULL;
    if (ftype != NULL && seen->kind == PLS_FILE_GGUF) {
        PLS_COPY(out->quant, ftype);
    } else if (seen->kind != PLS_FILE_GGUF && seen->kind != PLS_FILE_CARD) {
        pls_quant_name(&model->stored, out->quant, sizeof(out->quant));
    }
}

enum pls_code pls_cmd_inspect(struct pls_session *s, struct pls_err *err)
{
    uint32_t n = s->args->n_operands;
    if (n == 0 || n > FILES_MAX) {
        return pls_fail(err, PLS_USAGE, "inspect: needs 1 to %d files or folders", FILES_MAX);
    }
    struct pls_contents *items = PLS_TAKE(&s->arena, struct pls_contents, n);
    struct pls_inspection *seen = PLS_TAKE(&s->arena, struct pls_inspection, n);
    struct pls_model *models = PLS_TAKE(&s->arena, struct pls_model, n);
    if (items == NULL || seen == NULL || models == NULL) {
        return pls_fail(err, PLS_NOMEM, "inspect: out of memory");
    }
    for (uint32_t i = 0; i < n; i++) {
        const char *path = s->args->operands[i];
        enum pls_code code = pls_file_read(path, &s->arena, &models[i], &seen[i], err);
        if (code != PLS_OK) {
            return code;
        }
        fill(&items[i], path, &models[i], &seen[i]);
        /* the shape tells what the tensors would be */
        if (seen[i].n_tensors == 0 && seen[i].kind != PLS_FILE_GGUF) {
            pls_target_count_params(s, &models[i].card);
            items[i].params = models[i].card.params_total;
        }
    }
    return pls_render_contents(stdout, s->output, items, n, &s->screen, err);
}
