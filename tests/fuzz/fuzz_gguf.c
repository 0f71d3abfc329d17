/* Any bytes as a GGUF header, and on to the card. */
#include <stdlib.h>

#include "gguf/gguf_card.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { ROOM = 16 << 20 };
    static unsigned char *room;
    struct gguf_header header;
    struct pls_card card;
    struct pls_err err;
    room = room != NULL ? room : malloc(ROOM);
    struct pls_arena arena = pls_arena_over(room, ROOM);
    if (gguf_header_parse("fuzz", data, size, &arena, &header, &err) == PLS_OK
        && gguf_card_from_header(&header, &card, &err) == PLS_OK) {
        struct pls_tensors list = { .items = header.tensors, .n = header.n_tensors };
        pls_tensors_sort(&list);
        for (uint32_t i = 0; i < card.n_layers + card.n_mtp_layers; i++) {
            (void)pls_card_layer(&card, i);
        }
    }
    return 0;
}
