/* core/card_traits.h - what follows from a card's architecture alone (private to core/card*.c). */
#ifndef PLS_CORE_CARD_TRAITS_H
#define PLS_CORE_CARD_TRAITS_H

#include "plimsoll/card.h"

bool pls_card_is_arch(const struct pls_card *card, const char *arch);
bool pls_card_is_any(const struct pls_card *card, const char *const *archs, size_t n);
#define PLS_CARD_IS_ANY(card, list) pls_card_is_any((card), (list), PLS_COUNT_OF(list))

/* The cache holds MLA's latent instead of heads. */
bool pls_card_keeps_latent(const struct pls_card *card);

#endif
