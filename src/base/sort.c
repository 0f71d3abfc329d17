/* Heap sort. */
#include "plimsoll/sort.h"

#include <string.h>

enum { CHUNK = 64 };

static void swap(unsigned char *a, unsigned char *b, size_t size)
{
    unsigned char t[CHUNK];
    for (size_t at = 0; at < size; at += CHUNK) {
        size_t n = size - at < CHUNK ? size - at : CHUNK;
        memcpy(t, a + at, n);
        memcpy(a + at, b + at, n);
        memcpy(b + at, t, n);
    }
}

struct heap {
    unsigned char *items;
    size_t n, size;
    pls_before_fn *before;
};

static unsigned char *item(const struct heap *h, size_t i)
{
    return h->items + i * h->size;
}

/* The last in order stands at the root. */
static void sift(const struct heap *h, size_t root)
{
    for (size_t child = 2 * root + 1; child < h->n; child = 2 * root + 1) {
        if (child + 1 < h->n && h->before(item(h, child), item(h, child + 1))) {
            child++;
        }
        if (!h->before(item(h, root), item(h, child))) {
            return;
        }
        swap(item(h, root), item(h, child), h->size);
        root = child;
    }
}

void pls_sort(void *items, size_t n, size_t size, pls_before_fn *before)
{
    struct heap h = { items, n, size, before };
    for (size_t i = n / 2; i > 0; i--) {
        sift(&h, i - 1);
    }
    while (h.n > 1) {
        h.n--;
        swap(item(&h, 0), item(&h, h.n), size);
        sift(&h, 0);
    }
}
