/* Makes the layout of a model in one packaging: which tensors there are, how many bytes each has, how large
 * the file is.
 *
 * GGUF: the quantizer's types, or those of the file. Other packagings: each tool's own rules over the same
 * list, or the headers of the folder when it is the one that was read. */
#include "place.h"

#include <string.h>

#include "plimsoll/text.h"

#define FILE_ALIGNMENT 32 /* general.alignment's default */

/* Tokenizers take 23 bytes a token (pieces with scores) to 65 (long merges) in published files, and dominate
 * headers; the middle is taken and the note says so. Keys beside them stay under 64 KiB. */
#define TOKENIZER_BYTES_PER_TOKEN 44
#define OTHER_KEYS_BYTES          8192
#define ENTRY_BYTES               100 /* of a safetensors header, per tensor */

/* ---- sizes of tensors ---- */

enum pls_type pls_type_of_bits(double bpw)
{
    static const struct {
        double least_bpw;
        enum pls_type type;
    } steps[] = { { 24.0, PLS_TYPE_F32 }, { 12.0, PLS_TYPE_F16 }, { 7.0, PLS_TYPE_Q8_0 },
                  { 5.8, PLS_TYPE_Q6_K }, { 4.9, PLS_TYPE_Q5_0 }, { 3.6, PLS_TYPE_Q4_0 },
                  { 2.8, PLS_TYPE_Q3_K } };
    for (size_t i = 0; i < PLS_COUNT_OF(steps); i++) {
        if (bpw >= steps[i].least_bpw) {
            return steps[i].type;
        }
    }
    return PLS_TYPE_Q2_K;
}

static enum pls_type nearest_type(uint64_t bytes, uint64_t params)
{
    return pls_type_of_bits(params == 0 ? 16.0 : (double)bytes * 8 / (double)params);
}

static bool is_integer(enum pls_type type)
{
    return type == PLS_TYPE_I8 || type == PLS_TYPE_I16 || type == PLS_TYPE_I32 || type == PLS_TYPE_I64;
}

/* A folder's own tensors: integers are packed codes, with scales and zero points of their own beside them. */
static void size_stored(struct pls_layout *l)
{
    for (uint32_t i = 0; i < l->tensors.n; i++) {
        struct pls_tensor *t = &l->tensors.items[i];
        l->bytes[i] = pls_tensor_bytes(t);
        l->params[i] = pls_tensor_elements(t);
        if (t->type < PLS_TYPE_COUNT && is_integer((enum pls_type)t->type) && l->quant.bits != 0) {
            l->params[i] = pls_mul(l->bytes[i], 8) / l->quant.bits;
            t->type = (uint8_t)nearest_type(l->bytes[i], l->params[i]);
        }
    }
}

static void size_packaged(struct pls_layout *l)
{
    for (uint32_t i = 0; i < l->tensors.n; i++) {
        struct pls_tensor *t = &l->tensors.items[i];
        l->bytes[i] = pls_format_tensor_bytes(&l->model->card, &l->quant, t);
        l->params[i] = pls_tensor_elements(t);
        t->type = (uint8_t)nearest_type(l->bytes[i], l->params[i]);
    }
}

static void size_typed(struct pls_layout *l)
{
    for (uint32_t i = 0; i < l->tensors.n; i++) {
        l->bytes[i] = pls_tensor_bytes(&l->tensors.items[i]);
        l->params[i] = pls_tensor_elements(&l->tensors.items[i]);
    }
}

static bool is_folder(const struct pls_model *m)
{
    return m->stored.format != PLS_FORMAT_GGUF && m->file_bytes != 0;
}

/* ---- the file ---- */

/* Bytes of one entry of a GGUF tensor table: name, dimensions, type, offset. */
static uint64_t table_entry_bytes(const struct pls_tensor *t)
{
    return 8 + strlen(t->name) + 4 + 8 * (uint64_t)t->n_dims + 4 + 8;
}

static void count_types(struct pls_layout *l)
{
    for (uint32_t i = 0; i < l->tensors.n; i++) {
        uint8_t type = l->tensors.items[i].type;
        l->tensor_data_bytes = pls_add(l->tensor_data_bytes, l->bytes[i]);
        if (type < PLS_TYPE_COUNT && l->quant.format == PLS_FORMAT_GGUF) {
            l->types[type].tensors++;
            l->types[type].bytes = pls_add(l->types[type].bytes, l->bytes[i]);
        }
    }
}

static uint64_t gguf_bytes(struct pls_layout *l)
{
    uint64_t padded = 0;
    uint64_t table = 0;
    for (uint32_t i = 0; i < l->tensors.n; i++) {
        padded = pls_add(padded, pls_pad(l->bytes[i], FILE_ALIGNMENT));
        table = pls_add(table, table_entry_bytes(&l->tensors.items[i]));
    }
    l->header_bytes = is_folder(l->model) ? 0 : l->model->header_bytes;
    l->header_estimated = l->header_bytes == 0;
    if (l->header_estimated) {
        uint64_t tokenizer = pls_mul(TOKENIZER_BYTES_PER_TOKEN, l->model->card.n_vocab);
        l->header_bytes = pls_add(table + OTHER_KEYS_BYTES, tokenizer);
    }
    return pls_add(pls_pad(l->header_bytes, FILE_ALIGNMENT), padded);
}

static void size_file(struct pls_layout *l, bool as_stored)
{
    count_types(l);
    if (l->quant.format == PLS_FORMAT_GGUF) {
        l->file_bytes = gguf_bytes(l);
    } else {
        l->file_bytes = pls_add(l->tensor_data_bytes, pls_mul(ENTRY_BYTES, l->tensors.n));
    }
    if (as_stored && l->model->file_bytes != 0) {
        l->file_bytes = l->model->file_bytes;
        l->header_estimated = false;
    }
}

/* ---- the layout ---- */

/* The packaging asked for is the one that was read. */
static bool is_stored(const struct pls_model *m, const struct pls_quant *q)
{
    if (q->format == PLS_FORMAT_GGUF) {
        return q->ftype == PLS_FTYPE_NONE;
    }
    return is_folder(m) && q->format == m->stored.format && q->bits == m->stored.bits
           && q->group == m->stored.group && q->stored == m->stored.stored;
}

bool pls_layout_is_assumed_packing(const struct pls_layout *l)
{
    bool is_packed = l->quant.format == PLS_FORMAT_AWQ || l->quant.format == PLS_FORMAT_GPTQ;
    return is_packed && !is_stored(l->model, &l->quant);
}

/* The list to size: the model's own, or, when a folder was read and another packaging is asked for, the
 * architecture's. */
static enum pls_code take_tensors(struct pls_layout *l, bool as_stored, struct pls_arena *arena,
                                  struct pls_err *err)
{
    const struct pls_tensors *from = &l->model->tensors;
    if (is_folder(l->model) && !as_stored) {
        return pls_arch_tensors(&l->model->card, arena, &l->tensors, err);
    }
    l->tensors.items = pls_arena_room(arena, (size_t)from->n + 1, sizeof(struct pls_tensor));
    if (l->tensors.items == NULL) {
        return PLS_NOMEM;
    }
    if (from->n != 0) {
        memcpy(l->tensors.items, from->items, from->n * sizeof(from->items[0]));
    }
    l->tensors.n = from->n;
    return PLS_OK;
}

static enum pls_code take_arrays(struct pls_layout *l, struct pls_arena *arena)
{
    size_t n = (size_t)l->tensors.n + 1;
    l->layers = PLS_TAKE(arena, struct pls_layer_weights, l->cache.n_layers + 1);
    l->bytes = pls_arena_room(arena, n, sizeof(*l->bytes)); /* these are written for every tensor */
    l->params = pls_arena_room(arena, n, sizeof(*l->params));
    l->role = pls_arena_room(arena, n, sizeof(*l->role));
    l->repacks = pls_arena_room(arena, n, sizeof(*l->repacks));
    l->layer = pls_arena_room(arena, n, sizeof(*l->layer));
    bool all = l->layers != NULL && l->bytes != NULL && l->params != NULL && l->role != NULL
               && l->repacks != NULL && l->layer != NULL;
    return all ? PLS_OK : PLS_NOMEM;
}

static enum pls_code size_tensors(struct pls_layout *l, bool as_stored, struct pls_err *err)
{
    const struct pls_card *card = &l->model->card;
    struct pls_format_size total;
    if (l->quant.format == PLS_FORMAT_GGUF) {
        enum pls_code code = pls_mix_assign(card, &l->quant, &l->tensors, err);
        size_typed(l);
        return code;
    }
    if (as_stored) {
        size_stored(l);
        return PLS_OK;
    }
    enum pls_code code = pls_format_bytes(card, &l->quant, &l->tensors, &total, err);
    size_packaged(l);
    return code;
}

enum pls_code pls_layout_make(const struct pls_model *model, const struct pls_quant *quant,
                              const struct pls_machine *machine, struct pls_arena *arena,
                              struct pls_layout *out, struct pls_err *err)
{
    memset(out, 0, sizeof(*out));
    out->model = model;
    out->quant = *quant;
    pls_cache_shape_of(&model->card, &out->cache);
    bool as_stored = is_stored(model, quant);
    enum pls_code code = take_tensors(out, as_stored, arena, err);
    code = code == PLS_OK ? take_arrays(out, arena) : code;
    if (code == PLS_NOMEM) {
        return pls_fail(err, code, "%s: its tensors need more working memory than was set aside",
                        model->card.name);
    }
    if (code == PLS_OK && out->tensors.n == 0) {
        return pls_fail(err, PLS_FORMAT, "%s: holds no tensors, so nothing can be said of its size",
                        model->card.name);
    }
    code = code == PLS_OK ? size_tensors(out, as_stored, err) : code;
    if (code == PLS_OK) {
        size_file(out, as_stored);
        pls_weights_sum(out, machine);
    }
    return code;
}
