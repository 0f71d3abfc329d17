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
static uint64_t padded(const struct pls_layout *l, uint32_t rule, const struct pls_tensor *t, uint64_t bytes)
{
    bool gguf = l->quant.format == PLS_FORMAT_GGUF;
    return gguf ? pls_buffer_bytes(class_rules[rule], (enum pls_type)t->type, t->dims[0], bytes) : bytes;
}

static void group_add(const struct pls_layout *l, struct pls_weight_group *g, uint32_t i, bool repacks)
{
    const struct pls_tensor *t = &l->tensors.items[i];
    uint64_t bytes = l->bytes[i];
    if (t->type
        >= PLS_TYPE_COUNT) { /* newer than this program: its size cannot be known, so nothing may fit */
        g->host_bytes = PLS_SATURATED;
        memset(g->device_bytes, 0xff, sizeof(g->device_bytes));
        return;
    }
    for (uint32_t c = 0; c < PLS_RULE_CLASSES; c++) {
        g->device_bytes[c] = pls_add(g->device_bytes[c], padded(l, c, t, bytes));
    }
    uint64_t host = padded(l, 0, t, bytes);
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

void pls_weights_sum(struct pls_layout *l, const struct pls_machine *machine)
{
    const struct pls_card *card = &l->model->card;
    uint32_t embed = l->tensors.n;
    bool has_output = false;
    bool gguf = l->quant.format == PLS_FORMAT_GGUF;
    for (uint32_t i = 0; i < l->tensors.n; i++) {
        const struct pls_tensor *t = &l->tensors.items[i];
        l->role[i] = (uint8_t)role_of(card, t, &l->layer[i]);
        l->repacks[i] = gguf && l->role[i] != PLS_ROLE_INPUT && is_repackable_shape(t)
                                && pls_cpu_repacks(machine, (enum pls_type)t->type, t->dims[1])
                            ? 1
                            : 0;
        struct pls_weight_group *group = group_of(l, i);
        if (group != NULL) {
            group_add(l, group, i, l->repacks[i] != 0);
        }
        has_output |= pls_text_starts(t->name, "output.");
        embed = pls_text_equal(t->name, "token_embd.weight") ? i : embed;
    }
    if (embed < l->tensors.n && !has_output && !card->is_encoder) {
        const struct pls_tensor *t = &l->tensors.items[embed];
        group_add(l, &l->tied, embed, gguf && pls_cpu_repacks(machine, (enum pls_type)t->type, t->dims[1]));
    }
    l->output_before_input = pls_text_equal(card->arch, "gemma3n") || pls_text_equal(card->arch, "gemma4");
}
