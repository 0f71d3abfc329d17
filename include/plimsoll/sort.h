/* plimsoll/sort.h - sorting in place without memory of its own, which qsort() does not promise. */
#ifndef PLIMSOLL_SORT_H
#define PLIMSOLL_SORT_H

#include "plimsoll/base.h"

/* Whether a comes before b: a strict order. Equal items come out in no particular order, so it should be
 * total. */
typedef bool pls_before_fn(const void *a, const void *b);

/* n items of size bytes each; n log n comparisons whatever the input. */
void pls_sort(void *items, size_t n, size_t size, pls_before_fn *before);

#endif
