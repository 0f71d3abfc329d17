/* The allocator of compute buffers. See replay.h; tests/unit/test_compute.c works an example by hand. */
#include "core/replay.h"

#include <string.h>

void pls_replay_init(struct pls_replay *r, uint64_t align)
{
    r->align = align;
    r->peak_bytes = 0;
    r->n = 1;
    r->block[0] = (struct pls_block){ 0, UINT64_MAX / 2 };
}

static void remove_block(struct pls_replay *r, uint32_t i)
{
    memmove(&r->block[i], &r->block[i + 1], (r->n - i - 1) * sizeof(r->block[0]));
    r->n--;
}

uint64_t pls_replay_take(struct pls_replay *r, uint64_t bytes)
{
    bytes = pls_pad(bytes, r->align);
    uint32_t best = r->n - 1;
    uint64_t best_size = UINT64_MAX;
    for (uint32_t i = 0; i + 1 < r->n; i++) {
        uint64_t size = r->block[i].size;
        if (size >= bytes && size <= best_size) {
            best = i;
            best_size = size;
        }
    }
    struct pls_block *b = &r->block[best];
    uint64_t offset = b->offset;
    if (bytes > b->size) {
        r->peak_bytes = PLS_SATURATED; /* more than any address space: stays so */
        return offset;
    }
    b->offset += bytes;
    b->size -= bytes;
    if (b->size == 0) {
        remove_block(r, best);
    }
    r->peak_bytes = pls_max(r->peak_bytes, offset + bytes);
    return offset;
}

/* Appends what was freed to the block before it, then that to the one after. */
static bool merge(struct pls_replay *r, uint32_t i, uint64_t offset, uint64_t bytes)
{
    struct pls_block *b = &r->block[i];
    if (b->offset + b->size == offset) {
        b->size += bytes;
        if (i + 1 < r->n && b->offset + b->size == b[1].offset) {
            b->size += b[1].size;
            remove_block(r, i + 1);
        }
        return true;
    }
    if (offset + bytes == b->offset) {
        b->offset = offset;
        b->size += bytes;
        if (i > 0 && b[-1].offset + b[-1].size == b->offset) {
            b[-1].size += b->size;
            remove_block(r, i);
        }
        return true;
    }
    return false;
}

void pls_replay_give(struct pls_replay *r, uint64_t offset, uint64_t bytes)
{
    bytes = pls_pad(bytes, r->align);
    for (uint32_t i = 0; i < r->n; i++) {
        if (merge(r, i, offset, bytes)) {
            return;
        }
    }
    if (r->n == PLS_REPLAY_BLOCKS) {
        return; /* the engine would abort here; losing the block only makes the answer larger */
    }
    uint32_t at = 0;
    while (at < r->n && r->block[at].offset < offset) {
        at++;
    }
    memmove(&r->block[at + 1], &r->block[at], (r->n - at) * sizeof(r->block[0]));
    r->block[at] = (struct pls_block){ offset, bytes };
    r->n++;
}
