/* What a tensor's name says about it: category, layer, role. */
#include "plimsoll/tensor.h"

#include <string.h>

#include "plimsoll/text.h"

uint64_t pls_tensor_elements(const struct pls_tensor *t)
{
    return pls_mul(pls_mul(t->dims[0], t->dims[1]), pls_mul(t->dims[2], t->dims[3]));
}

uint64_t pls_tensor_bytes(const struct pls_tensor *t)
{
    uint64_t row = pls_type_row_bytes((enum pls_type)t->type, t->dims[0]);
    return pls_mul(pls_mul(row, t->dims[1]), pls_mul(t->dims[2], t->dims[3]));
}

/* The first part that occurs decides, so attn_qkv must come before attn_k and attn_v. */
enum pls_tensor_category pls_tensor_categorize(const char *name)
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

bool pls_tensor_is_expert(const struct pls_tensor *t)
{
    return strstr(t->name, "_exps.") != NULL;
}

bool pls_tensor_is_input_table(const struct pls_tensor *t)
{
    static const char *const tables[] = { "token_embd.weight", "per_layer_token_embd.weight",
                                          "position_embd.weight", "token_types.weight" };
    for (size_t i = 0; i < PLS_COUNT_OF(tables); i++) {
        if (pls_text_equal(t->name, tables[i])) {
            return true;
        }
    }
    return false;
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
        t->category = (uint8_t)pls_tensor_categorize(t->name);
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
