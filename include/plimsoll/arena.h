/* plimsoll/arena.h - one block of memory, handed out front to back, given back at once.
 *
 * The core never allocates: whoever calls it brings an arena. An arena that runs dry returns NULL and stays
 * usable; callers turn that into PLS_NOMEM or a saturated result. Not thread-safe: one arena per thread.
 */
#ifndef PLIMSOLL_ARENA_H
#define PLIMSOLL_ARENA_H

#include "plimsoll/base.h"

struct pls_arena {
    unsigned char *base; /* owned by whoever made it */
    size_t used;
    size_t cap;
};

/* Wraps caller-owned storage. */
struct pls_arena pls_arena_over(void *storage, size_t cap);

/* Zeroed memory for count items of size bytes, aligned for any type; NULL when it does not fit. */
void *pls_arena_take(struct pls_arena *arena, size_t count, size_t size);

/* The same without zeroing, for arrays that are larger than what is used of them and written before they are
 * read. */
void *pls_arena_room(struct pls_arena *arena, size_t count, size_t size);

/* Everything taken after `mark` (an earlier value of arena->used) is given back. */
void pls_arena_reset(struct pls_arena *arena, size_t mark);

#define PLS_TAKE(arena, type, count) ((type *)pls_arena_take((arena), (count), sizeof(type)))

#endif
