/* core/replay.h - the engine's buffer allocator, replayed (private to the core).
 *
 * One arena of offsets per device: free blocks sorted by offset, the last one open-ended. Best fit among all
 * but the last, the last only when nothing else fits; freeing merges neighbours. The highest end ever used is
 * the size. Source: ggml's graph allocator, 2026-08-22. */
#ifndef PLIMSOLL_CORE_REPLAY_H
#define PLIMSOLL_CORE_REPLAY_H

#include "plimsoll/base.h"

enum { PLS_REPLAY_BLOCKS = 256 };

struct pls_block {
    uint64_t offset, size;
};

struct pls_replay {
    uint64_t align; /* a power of two */
    uint64_t peak_bytes;
    uint32_t n;
    struct pls_block block[PLS_REPLAY_BLOCKS];
};

void pls_replay_init(struct pls_replay *r, uint64_t align);
/* The offset of `bytes`, rounded up to the alignment. */
uint64_t pls_replay_take(struct pls_replay *r, uint64_t bytes);
/* Gives back what take() gave; bytes as then. */
void pls_replay_give(struct pls_replay *r, uint64_t offset, uint64_t bytes);

#endif
