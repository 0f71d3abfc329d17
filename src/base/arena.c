#include "plimsoll/arena.h"

#include <stdalign.h>
#include <string.h>

struct pls_arena pls_arena_over(void *storage, size_t cap)
{
    return (struct pls_arena){ .base = storage, .used = 0, .cap = storage == NULL ? 0 : cap };
}

void *pls_arena_room(struct pls_arena *arena, size_t count, size_t size)
{
    size_t align = alignof(max_align_t);
    uintptr_t here = (uintptr_t)arena->base + arena->used;
    size_t skip = (align - here % align) % align;
    if (size != 0 && count > (SIZE_MAX - skip) / size) {
        return NULL;
    }
    size_t need = skip + count * size;
    if (arena->base == NULL || need > arena->cap - arena->used) {
        return NULL;
    }
    unsigned char *at = arena->base + arena->used + skip;
    arena->used += need;
    return at;
}

void *pls_arena_take(struct pls_arena *arena, size_t count, size_t size)
{
    void *at = pls_arena_room(arena, count, size);
    return at == NULL ? NULL : memset(at, 0, count * size);
}

void pls_arena_reset(struct pls_arena *arena, size_t mark)
{
    if (mark <= arena->used) {
        arena->used = mark;
    }
}
