/* gguf/gguf_card.h - the meaning of a GGUF header: a completed card. */
#ifndef GGUF_GGUF_CARD_H
#define GGUF_GGUF_CARD_H

#include "gguf/header.h"

/* PLS_FORMAT with a sentence about the key that is wrong (no path: the caller puts it before). */
enum pls_code gguf_card_from_header(const struct gguf_header *h, struct pls_card *card, struct pls_err *err);

#endif
