/* core/search.h - what the files of the search share (private to core/search_*.c). */
#ifndef PLIMSOLL_CORE_SEARCH_H
#define PLIMSOLL_CORE_SEARCH_H

#include "plimsoll/search.h"

struct pls_search_list {
    bool is_asked, is_listed;
    struct pls_tensors tensors;
};

/* plan is scratch. */
struct pls_search_bound pls_search_bound(const struct pls_search *f, const struct pls_card *card,
                                         const struct pls_quant *quant, struct pls_plan *plan);

/* What is left of a group, so that its best is known whatever it is. */
void pls_search_place_group(struct pls_search *f, uint32_t group);
/* What could beat the pick: as the best of its group, or as the one reason to call the pick beaten. */
void pls_search_place_better(struct pls_search *f, const struct pls_pick *pick);

#endif
