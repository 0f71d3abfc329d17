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
#include "place.h"

#include <string.h>

#include "plimsoll/text.h"

static const struct pls_buffer_rule class_rules[PLS_RULE_CLASSES] = { { 32, 0 }, { 128, 512 }, { 128, 0 } };

uint32_t pls_rule_class(struct pls_buffer_rule rule)
{
    return rule.alignment == 32 ? 0 : rule.row_elements != 0 ? 1 : 2;
}

struct pls_buffer_rule pls_rule_of_class(uint32_t rule_class)
{
    return class_rules[rule_class];
}

/* Types that are interleaved, by the multiple that their rows must come in. */
struct repacking {
    uint8_t rows[PLS_TYPE_COUNT]; /* 0: never */
};

static const struct repacking repacks_on_arm = {
    .rows = { [PLS_TYPE_Q4_0] = 4, [PLS_TYPE_Q8_0] = 4, [PLS_TYPE_IQ4_NL] = 4, [PLS_TYPE_MXFP4] = 4,
              [PLS_TYPE_Q4_K] = 8, [PLS_TYPE_Q5_K] = 8, [PLS_TYPE_Q6_K] = 8 },
};
static const struct repacking repacks_on_avx2 = {
    .rows = { [PLS_TYPE_Q4_0] = 8, [PLS_TYPE_Q4_K] = 8, [PLS_TYPE_IQ4_NL] = 8, [PLS_TYPE_MXFP4] = 8 },
};
static const struct repacking repacks_on_avx512 = {
    .rows = { [PLS_TYPE_Q4_0] = 8, [PLS_TYPE_Q4_K] = 8, [PLS_TYPE_IQ4_NL] = 8, [PLS_TYPE_MXFP4] = 8,
              [PLS_TYPE_Q2_K] = 8 },
};
static const struct repacking never_repacks;

static const struct repacking *repacking_of(const struct pls_machine *machine)
{
    uint32_t isa = machine->cpu.isa;
    bool x86 = pls_text_equal(machine->arch, "x86_64") || pls_text_equal(machine->arch, "amd64");
    bool arm = pls_text_equal(machine->arch, "arm64") || pls_text_equal(machine->arch, "aarch64");
    if (isa == 0) { /* features unknown: what every processor of the last ten years has */
        return arm ? &repacks_on_arm : x86 ? &repacks_on_avx2 : &never_repacks;
    }
    if ((isa & PLS_ISA_AVX2) != 0) {
        return (isa & PLS_ISA_AVX512) != 0 ? &repacks_on_avx512 : &repacks_on_avx2;
    }
    return (isa & PLS_ISA_DOTPROD) != 0 ? &repacks_on_arm : &never_repacks;
}

static bool wants_repack(const struct repacking *r, enum pls_type type, uint64_t ne1)
{
    uint8_t rows = (unsigned)type < PLS_TYPE_COUNT ? r->rows[type] : 0;
    return rows != 0 && ne1 % rows == 0;
}

bool pls_cpu_repacks(const struct pls_machine *machine, enum pls_type type, uint64_t ne1)
{
    return wants_repack(repacking_of(machine), type, ne1);
}

/* ---- roles ---- */

static enum pls_weight_role role_of(const struct pls_card *card, const struct pls_tensor *t, int16_t *layer)
{
    *layer = t->layer;
    if (t->layer >= 0) {
        if ((uint32_t)t->layer >= card->n_layers) {
            return PLS_ROLE_SKIPPED;
        }
        return pls_tensor_is_expert(t) ? PLS_ROLE_EXPERT : PLS_ROLE_LAYER;
    }
    if (pls_tensor_is_input_table(t) || pls_text_starts(t->name, "token_embd.")) {
        return PLS_ROLE_INPUT; /* with scales and biases of its own in folders */
    }
    if (pls_text_starts(t->name, "v.")) {
        return PLS_ROLE_SKIPPED; /* a folder's vision tower: counted as projector */
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

/* Only llama.cpp's buffers are known to the byte; elsewhere a tensor takes its own size. */
static uint64_t padded(const struct pls_layout *l, uint32_t class, const struct pls_tensor *t, uint64_t bytes)
{
    struct pls_buffer_rule rule = class_rules[class];
    if (l->quant.format != PLS_FORMAT_GGUF) {
        return bytes;
    }
    bool has_whole_rows = rule.row_elements == 0 || t->dims[0] % rule.row_elements == 0;
    return has_whole_rows ? pls_pad(bytes, rule.alignment)
                          : pls_buffer_bytes(rule, (enum pls_type)t->type, t->dims[0], bytes);
}

/* In the type that arithmetic takes it for. */
static uint64_t bare_bytes(const struct pls_layout *l, uint32_t i)
{
    return l->quant.format == PLS_FORMAT_GGUF ? l->bytes[i] : pls_tensor_bytes(&l->tensors.items[i]);
}

static void group_add(const struct pls_layout *l, struct pls_weight_group *g, uint32_t i, bool repacks)
{
    const struct pls_tensor *t = &l->tensors.items[i];
    uint64_t bytes = l->bytes[i];
    uint64_t bare = bare_bytes(l, i);
    g->largest_bytes = pls_max(g->largest_bytes, bare);
    g->largest_plain_bytes = pls_max(g->largest_plain_bytes, repacks ? 0 : bare);
    if (t->type
        >= PLS_TYPE_COUNT) { /* newer than this program: its size cannot be known, so nothing may fit */
        g->host_bytes = PLS_SATURATED;
        memset(g->device_bytes, 0xff, sizeof(g->device_bytes));
        return;
    }
    uint64_t host = padded(l, 0, t, bytes);
    g->device_bytes[0] = pls_add(g->device_bytes[0], host);
    for (uint32_t c = 1; c < PLS_RULE_CLASSES; c++) {
        g->device_bytes[c] = pls_add(g->device_bytes[c], padded(l, c, t, bytes));
    }
    g->host_bytes = pls_add(g->host_bytes, host);
    g->repack_bytes = pls_add(g->repack_bytes, repacks ? host : 0);
    g->by_type[t->type] = pls_add(g->by_type[t->type], bytes);
    g->params = pls_add(g->params, l->params[i]);
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

/* ---- sums ---- */

/* Gives tensor i its role and adds it to its group. */
static void add_tensor(struct pls_layout *l, const struct repacking *r, uint32_t i)
{
    const struct pls_tensor *t = &l->tensors.items[i];
    enum pls_weight_role role = role_of(&l->model->card, t, &l->layer[i]);
    l->role[i] = (uint8_t)role;
    l->repacks[i] = role != PLS_ROLE_INPUT && is_repackable_shape(t)
                    && wants_repack(r, (enum pls_type)t->type, t->dims[1]);
    struct pls_weight_group *group = group_of(l, i);
    if (group != NULL) {
        group_add(l, group, i, l->repacks[i] != 0);
    }
    bool looked_up = role == PLS_ROLE_INPUT && pls_tensor_is_input_table(t);
    if (role == PLS_ROLE_SKIPPED || (role == PLS_ROLE_INPUT && !looked_up)) {
        l->host_only_bytes = pls_max(l->host_only_bytes, bare_bytes(l, i));
    }
}

void pls_weights_sum(struct pls_layout *l, const struct pls_machine *machine)
{
    const struct pls_card *card = &l->model->card;
    bool gguf = l->quant.format == PLS_FORMAT_GGUF;
    const struct repacking *repacking = gguf ? repacking_of(machine) : &never_repacks;
    uint32_t embed = l->tensors.n;
    bool has_output = false;
    for (uint32_t i = 0; i < l->tensors.n; i++) {
        const struct pls_tensor *t = &l->tensors.items[i];
        add_tensor(l, repacking, i);
        if (t->layer < 0) {
            has_output |= pls_text_starts(t->name, "output.");
            embed = pls_text_equal(t->name, "token_embd.weight") ? i : embed;
        }
    }
    if (embed < l->tensors.n) {
        l->embed_bytes = bare_bytes(l, embed);
    }
    if (embed < l->tensors.n && !has_output && !card->is_encoder) {
        const struct pls_tensor *t = &l->tensors.items[embed];
        group_add(l, &l->tied, embed, wants_repack(repacking, (enum pls_type)t->type, t->dims[1]));
    }
    l->output_before_input = pls_text_equal(card->arch, "gemma3n") || pls_text_equal(card->arch, "gemma4");
}
