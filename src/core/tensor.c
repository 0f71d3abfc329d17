/* What a tensor's name says about it: category, layer, role. */
#include "plimsoll/tensor.h"

#include <string.h>

#include "plimsoll/text.h"

uint64_t pls_tensor_elements(const struct pls_tensor *t)
{
    return pls_mul(pls_mul(t->dims[0], t->dims[1]), pls_mul(t->dims[2], t->dims[3]));
}

uint64_t pls_tensors_elements(const struct pls_tensors *list)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < list->n; i++) {
        sum = pls_add(sum, pls_tensor_elements(&list->items[i]));
    }
    return sum;
}

uint64_t pls_tensor_bytes(const struct pls_tensor *t)
{
    uint64_t row = pls_type_row_bytes((enum pls_type)t->type, t->dims[0]);
    return pls_mul(pls_mul(row, t->dims[1]), pls_mul(t->dims[2], t->dims[3]));
}

/* The first part that occurs decides, so attn_qkv must come before attn_k and attn_v. */
static enum pls_tensor_category category_of(const char *name)
{
    static const struct {
        const char *part;
        enum pls_tensor_category category;
    } parts[] = {
        { "attn_qkv.weight", PLS_CAT_QKV }, { "attn_kv_b.weight", PLS_CAT_KV_B },
        { "attn_v.weight", PLS_CAT_V },     { "attn_k.weight", PLS_CAT_K },
        { "attn_q.weight", PLS_CAT_Q },     { "attn_output.weight", PLS_CAT_ATTN_OUT },
        { "ffn_up", PLS_CAT_UP },           { "ffn_gate", PLS_CAT_GATE },
        { "ffn_down", PLS_CAT_DOWN },
    };
    if (pls_text_equal(name, "output.weight")) {
        return PLS_CAT_OUTPUT;
    }
    if (pls_text_equal(name, "token_embd.weight") || pls_text_equal(name, "per_layer_token_embd.weight")) {
        return PLS_CAT_EMBED;
    }
    for (size_t i = 0; i < PLS_COUNT_OF(parts); i++) {
        if (strstr(name, parts[i].part) != NULL) {
            return parts[i].category;
        }
    }
    return PLS_CAT_OTHER;
}

/* Names of matrices that the quantizer leaves as the converter wrote them. */
static bool is_kept(const char *name)
{
    static const char *const parts[] = { "_norm.weight",
                                         "ffn_gate_inp.weight",
                                         "ffn_gate_tid2eid.weight",
                                         "altup",
                                         "laurel",
                                         "per_layer_model_proj",
                                         "ssm_conv1d",
                                         "shortconv.conv.weight",
                                         "indexer.k_proj.weight",
                                         "indexer.q_proj.weight",
                                         "time_mix_first.weight",
                                         "time_mix_w0.weight",
                                         "time_mix_w1.weight",
                                         "time_mix_w2.weight",
                                         "time_mix_v0.weight",
                                         "time_mix_v1.weight",
                                         "time_mix_v2.weight",
                                         "time_mix_a0.weight",
                                         "time_mix_a1.weight",
                                         "time_mix_a2.weight",
                                         "time_mix_g1.weight",
                                         "time_mix_g2.weight",
                                         "time_mix_decay_w1.weight",
                                         "time_mix_decay_w2.weight",
                                         "time_mix_lerp_fused.weight",
                                         "attn_rel_b.weight",
                                         ".position_embd",
                                         "sam.pos_embd",
                                         "sam.neck.",
                                         "sam.net_",
                                         ".rel_pos",
                                         ".patch_embd",
                                         ".patch_merger",
                                         "a.rvq.codebook",
                                         "mm.a.code_embd" };
    for (size_t i = 0; i < PLS_COUNT_OF(parts); i++) {
        if (strstr(name, parts[i]) != NULL) {
            return true;
        }
    }
    return !pls_text_ends(name, "weight") || pls_text_equal(name, "position_embd.weight")
           || pls_text_equal(name, "token_types.weight");
}

static bool is_input_table(const char *name)
{
    static const char *const tables[] = { "token_embd.weight", "per_layer_token_embd.weight",
                                          "position_embd.weight", "token_types.weight" };
    for (size_t i = 0; i < PLS_COUNT_OF(tables); i++) {
        if (pls_text_equal(name, tables[i])) {
            return true;
        }
    }
    return false;
}

void pls_tensor_read_name(struct pls_tensor *t)
{
    unsigned traits = strstr(t->name, "_exps.") != NULL ? PLS_TENSOR_EXPERT : 0;
    traits |= is_input_table(t->name) ? PLS_TENSOR_INPUT_TABLE : 0;
    traits |= is_kept(t->name) ? PLS_TENSOR_KEPT : 0;
    t->traits = (uint8_t)traits;
    t->category = (uint8_t)category_of(t->name);
}

/* N of "blk.N.", -1 for anything else, blocks past the limit of this program included. */
static int16_t layer_of(const char *name)
{
    int layer = 0;
    size_t at = 4;
    if (!pls_text_starts(name, "blk.")) {
        return -1;
    }
    while (name[at] >= '0' && name[at] <= '9' && at < 8) {
        layer = layer * 10 + (name[at] - '0');
        at++;
    }
    return at > 4 && name[at] == '.' ? (int16_t)layer : (int16_t)-1;
}

static bool comes_after(const struct pls_tensor *a, const struct pls_tensor *b)
{
    return a->layer != b->layer ? a->layer > b->layer : strcmp(a->name, b->name) > 0;
}

static void swap(struct pls_tensor *a, struct pls_tensor *b)
{
    struct pls_tensor old = *a;
    *a = *b;
    *b = old;
}

/* Lets items[at] sink to its place in the heap of the first n. */
static void sink(struct pls_tensor *items, uint32_t at, uint32_t n)
{
    for (uint32_t child = 2 * at + 1; child < n; child = 2 * at + 1) {
        if (child + 1 < n && comes_after(&items[child + 1], &items[child])) {
            child++;
        }
        if (!comes_after(&items[child], &items[at])) {
            return;
        }
        swap(&items[at], &items[child]);
        at = child;
    }
}

/* Heap sort: no memory, no recursion, and a hostile order costs no more than any other. Lists that are sorted
 * already (every generated one) cost one pass. */
void pls_tensors_sort(struct pls_tensors *list)
{
    bool sorted = true;
    for (uint32_t i = 0; i < list->n; i++) {
        struct pls_tensor *t = &list->items[i];
        t->layer = layer_of(t->name);
        pls_tensor_read_name(t);
        sorted = sorted && (i == 0 || !comes_after(&list->items[i - 1], t));
    }
    if (sorted) {
        return;
    }
    for (uint32_t i = list->n / 2; i > 0; i--) {
        sink(list->items, i - 1, list->n);
    }
    for (uint32_t left = list->n - 1; left > 0; left--) {
        swap(&list->items[0], &list->items[left]);
        sink(list->items, 0, left);
    }
}
