/* Any bytes as config.json and as a card, and the tensor list of whatever comes out. */
#include <stdlib.h>

#include "plimsoll/gguf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { ROOM = 64 << 20 };
    static unsigned char *room;
    struct pls_card card;
    struct pls_quant quant;
    struct pls_tensors list;
    struct pls_err err;
    room = room != NULL ? room : malloc(ROOM);
    struct pls_arena arena = pls_arena_over(room, ROOM);
    if (pls_config_parse((const char *)data, size, &card, &quant, &err) == PLS_OK) {
        (void)pls_arch_tensors(&card, &arena, &list, &err);
    }
    if (pls_card_parse((const char *)data, size, &card, &err) == PLS_OK) {
        pls_arena_reset(&arena, 0);
        (void)pls_arch_tensors(&card, &arena, &list, &err);
    }
    return 0;
}
