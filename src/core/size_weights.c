/* From tensors to resident weight bytes: who belongs to which layer, what each buffer rule makes of it.
 *
 * Rules of llama.cpp of 2026-08-22 (llama-model.cpp, llama-arch.cpp, ggml-cpu/repack.cpp), equal to the byte
 * in 320 recorded loads of 40 models on a processor and two emulated devices, whole, halved and not offloaded
 * at all (tests/unit/test_place.c):
 *  - tables looked up by row are input tensors: host, whatever is offloaded;
 *  - a tied output is a second tensor, shared only when it lands in the same buffer as the table;
 *  - rotary factors are loaded once per device that has layers;
 *  - gemma4's per-layer projection goes with layer 0, LFM2's embedding norm is its output norm;
 *  - MTP blocks are not loaded, but count as layers when they are offloaded. */
#include "plimsoll/place.h"

#include <string.h>

#include "plimsoll/text.h"

#define FILE_ALIGNMENT 32 /* general.alignment's default */

/* Tokenizers take 23 bytes a token (pieces with scores) to 65 (long merges) in published files, and dominate
 * headers; the middle is taken and the note says so. Keys beside them stay under 64 KiB. */
#define TOKENIZER_BYTES_PER_TOKEN 44
#define OTHER_KEYS_BYTES          8192

static const struct pls_buffer_rule class_rules[PLS_RULE_CLASSES] = { { 32, 0 }, { 128, 512 }, { 128, 0 } };

uint32_t pls_rule_class(struct pls_buffer_rule rule)
{
    return rule.alignment == 32 ? 0 : rule.row_elements != 0 ? 1 : 2;
}

static bool repacks_on_arm(enum pls_type type, uint64_t ne1)
{
    switch ((int)type) {
    case PLS_TYPE_Q4_0:
    case PLS_TYPE_Q8_0:
    case PLS_TYPE_IQ4_NL:
    case PLS_TYPE_MXFP4:
        return ne1 % 4 == 0;
    case PLS_TYPE_Q4_K:
    case PLS_TYPE_Q5_K:
    case PLS_TYPE_Q6_K:
        return ne1 % 8 == 0;
    default:
        return false;
    }
}

static bool repacks_on_x86(enum pls_type type, uint64_t ne1, bool avx512)
{
    switch ((int)type) {
    case PLS_TYPE_Q4_0:
    case PLS_TYPE_Q4_K:
    case PLS_TYPE_IQ4_NL:
    case PLS_TYPE_MXFP4:
        return ne1 % 8 == 0;
    case PLS_TYPE_Q2_K:
        return avx512 && ne1 % 8 == 0;
    default:
        return false;
    }
}

bool pls_cpu_repacks(const struct pls_machine *machine, enum pls_type type, uint64_t ne1)
{
    uint32_t isa = machine->cpu.isa;
    bool x86 = pls_text_equal(machine->arch, "x86_64") || pls_text_equal(machine->arch, "amd64");
    bool arm = pls_text_equal(machine->arch, "arm64") || pls_text_equal(machine->arch, "aarch64");
    if (isa == 0) { /* features unknown: what every processor of the last ten years has */
        return arm ? repacks_on_arm(type, ne1) : x86 && repacks_on_x86(type, ne1, false);
    }
    if ((isa & PLS_ISA_AVX2) != 0) {
        return repacks_on_x86(type, ne1, (isa & PLS_ISA_AVX512) != 0);
    }
    return (isa & PLS_ISA_DOTPROD) != 0 && repacks_on_arm(type, ne1);
}

/* ---- roles
 * ---------------------------------------------------------------------------------------------------- */

static enum pls_weight_role role_of(const struct pls_card *card, const struct pls_tensor *t, int16_t *layer)
{
    *layer = t->layer;
    if (t->layer >= 0) {
        if ((uint32_t)t->layer >= card->n_layers) {
            return PLS_ROLE_SKIPPED;
        }
        return pls_tensor_is_expert(t) ? PLS_ROLE_EXPERT : PLS_ROLE_LAYER;
    }
    if (pls_tensor_is_input_table(t)) {
        return PLS_ROLE_INPUT;
    }
    if (pls_text_starts(t->name, "token_embd_norm.")) {
        return pls_text_starts(card->arch, "lfm2") ? PLS_ROLE_OUTPUT : PLS_ROLE_INPUT;
    }
    if (pls_text_starts(t->name, "rope_f")) { /* rope_freqs, rope_factors_long, rope_factors_short */
        return PLS_ROLE_PER_SIDE;
    }
    if (pls_text_starts(t->name, "per_layer_") && pls_text_equal(card->arch, "gemma4")) {
        *layer = 0;
        return PLS_ROLE_LAYER;
    }
    return PLS_ROLE_OUTPUT;
}

/* Matrices the repacked kernels know: plain ones, and the experts' stacks. */
static bool is_repackable_shape(const struct pls_tensor *t)
{
    uint32_t n = t->n_dims;
    while (n > 1 && t->dims[n - 1] == 1) {
        n--;
    }
    return n == 2 || (n == 3 && pls_tensor_is_expert(t));
}

static void group_add(struct pls_weight_group *g, const struct pls_tensor *t, uint64_t bytes, bool repacks)
{
    enum pls_type type = (enum pls_type)t->type;
    if (type >= PLS_TYPE_COUNT) { /* newer than this program: its size cannot be known, so nothing may fit */
        g->host_bytes = PLS_SATURATED;
        memset(g->device_bytes, 0xff, sizeof(g->device_bytes));
        return;
    }
    for (uint32_t c = 0; c < PLS_RULE_CLASSES; c++) {
        g->device_bytes[c] =
            pls_add(g->device_bytes[c], pls_buffer_bytes(class_rules[c], type, t->dims[0], bytes));
    }
    uint64_t host = pls_buffer_bytes(class_rules[0], type, t->dims[0], bytes);
    g->host_bytes = pls_add(g->host_bytes, host);
    if (repacks) {
        g->repack_bytes = pls_add(g->repack_bytes, host);
    }
    g->by_type[type] = pls_add(g->by_type[type], bytes);
    g->params = pls_add(g->params, pls_tensor_elements(t));
}

static struct pls_weight_group *group_of(struct pls_layout *l, uint32_t i)
{
    switch ((enum pls_weight_role)l->role[i]) {
    case PLS_ROLE_INPUT:
        return &l->input;
    case PLS_ROLE_OUTPUT:
        return &l->output;
    case PLS_ROLE_LAYER:
        return &l->layers[l->layer[i]].dense;
    case PLS_ROLE_EXPERT:
        return &l->layers[l->layer[i]].experts;
    case PLS_ROLE_PER_SIDE:
        return &l->per_side;
    case PLS_ROLE_SKIPPED:
        break;
    }
    return NULL;
}

/* ---- the file
 * ------------------------------------------------------------------------------------------------- */

/* Bytes of one entry of the tensor table: name, dimensions, type, offset. */
static uint64_t table_entry_bytes(const struct pls_tensor *t)
{
    return 8 + strlen(t->name) + 4 + 8 * (uint64_t)t->n_dims + 4 + 8;
}

static void file_sizes(struct pls_layout *l, uint64_t padded_bytes, uint64_t table_bytes)
{
    const struct pls_model *m = l->model;
    l->header_estimated = m->header_bytes == 0;
    l->header_bytes = m->header_bytes;
    if (l->header_estimated) {
        l->header_bytes =
            pls_add(table_bytes + OTHER_KEYS_BYTES, pls_mul(TOKENIZER_BYTES_PER_TOKEN, m->card.n_vocab));
    }
    bool as_stored =
        l->quant.format == PLS_FORMAT_GGUF && l->quant.ftype == PLS_FTYPE_NONE && m->file_bytes != 0;
    l->file_bytes =
        as_stored ? m->file_bytes : pls_add(pls_pad(l->header_bytes, FILE_ALIGNMENT), padded_bytes);
}

static void count_types(struct pls_layout *l)
{
    uint64_t padded = 0;
    uint64_t table = 0;
    for (uint32_t i = 0; i < l->tensors.n; i++) {
        const struct pls_tensor *t = &l->tensors.items[i];
        uint64_t bytes = pls_tensor_bytes(t);
        l->tensor_data_bytes = pls_add(l->tensor_data_bytes, bytes);
        padded = pls_add(padded, pls_pad(bytes, FILE_ALIGNMENT));
        table = pls_add(table, table_entry_bytes(t));
        if (t->type >= PLS_TYPE_COUNT) {
            continue;
        }
        l->types[t->type].tensors++;
        l->types[t->type].bytes = pls_add(l->types[t->type].bytes, bytes);
    }
    file_sizes(l, padded, table);
}

/* ---- the layout
 * ----------------------------------------------------------------------------------------------- */

static void sum_up(struct pls_layout *l, const struct pls_machine *machine)
{
    const struct pls_card *card = &l->model->card;
    const struct pls_tensor *embed = NULL;
    bool has_output = false;
    for (uint32_t i = 0; i < l->tensors.n; i++) {
        const struct pls_tensor *t = &l->tensors.items[i];
        l->role[i] = (uint8_t)role_of(card, t, &l->layer[i]);
        l->repacks[i] = l->role[i] != PLS_ROLE_INPUT && is_repackable_shape(t)
                                && pls_cpu_repacks(machine, (enum pls_type)t->type, t->dims[1])
                            ? 1
                            : 0;
        struct pls_weight_group *group = group_of(l, i);
        if (group != NULL) {
            group_add(group, t, pls_tensor_bytes(t), l->repacks[i] != 0);
        }
        has_output |= pls_text_equal(t->name, "output.weight");
        if (pls_text_equal(t->name, "token_embd.weight")) {
            embed = t;
        }
    }
    if (embed != NULL && !has_output && !card->is_encoder) {
        bool repacks = pls_cpu_repacks(machine, (enum pls_type)embed->type, embed->dims[1]);
        group_add(&l->tied, embed, pls_tensor_bytes(embed), repacks);
    }
    l->output_before_input = pls_text_equal(card->arch, "gemma3n") || pls_text_equal(card->arch, "gemma4");
}

enum pls_code pls_layout_make(const struct pls_model *model, const struct pls_quant *quant,
                              const struct pls_machine *machine, struct pls_arena *arena,
                              struct pls_layout *out, struct pls_err *err)
{
    memset(out, 0, sizeof(*out));
    out->model = model;
    out->quant = *quant;
    pls_cache_shape_of(&model->card, &out->cache);
    uint32_t n = model->tensors.n;
    out->layers = PLS_TAKE(arena, struct pls_layer_weights, out->cache.n_layers + 1);
    out->tensors.items = PLS_TAKE(arena, struct pls_tensor, n + 1);
    out->role = PLS_TAKE(arena, uint8_t, n + 1);
    out->repacks = PLS_TAKE(arena, uint8_t, n + 1);
    out->layer = PLS_TAKE(arena, int16_t, n + 1);
    if (out->layers == NULL || out->tensors.items == NULL || out->role == NULL || out->repacks == NULL
        || out->layer == NULL) {
        return pls_fail(err, PLS_NOMEM, "%s: %u tensors need more working memory than was set aside",
                        model->card.name, n);
    }
    if (n != 0) {
        memcpy(out->tensors.items, model->tensors.items, n * sizeof(out->tensors.items[0]));
    }
    out->tensors.n = n;
    enum pls_code code = pls_mix_assign(&model->card, quant, &out->tensors, err);
    if (code != PLS_OK) {
        return code;
    }
    count_types(out);
    sum_up(out, machine);
    return PLS_OK;
}
