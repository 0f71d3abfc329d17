/* core/card_traits.h - what follows from a card's architecture alone (private to core/). */
#ifndef PLS_CORE_CARD_TRAITS_H
#define PLS_CORE_CARD_TRAITS_H

#include "plimsoll/card.h"

/* Bits of pls_card.traits: questions that every layer asks, answered once, because layers are looked at a
 * thousand times more often than cards are made. */
enum pls_card_trait {
    PLS_CARD_SPLIT_BLOCKS = 1,   /* some block holds a feed-forward part alone (kinds D and E) */
    PLS_CARD_DENSE_BESIDE_MOE = 2, /* a dense part runs beside the experts */
    PLS_CARD_KEEPS_LATENT = 4,   /* the cache holds MLA's latent instead of heads */
    PLS_CARD_IDLE_MTP = 8,       /* MTP blocks keep no cache outside an MTP context */
};
/* Of a card whose kinds are filled in. */
uint32_t pls_card_traits_of(const struct pls_card *card);

static inline bool pls_card_has(const struct pls_card *card, enum pls_card_trait trait)
{
    return (card->traits & trait) != 0;
}

bool pls_card_is_arch(const struct pls_card *card, const char *arch);
bool pls_card_is_any(const struct pls_card *card, const char *const *archs, size_t n);
#define PLS_CARD_IS_ANY(card, list) pls_card_is_any((card), (list), PLS_COUNT_OF(list))

#endif
