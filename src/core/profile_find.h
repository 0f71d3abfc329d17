/* core/profile_find.h - rows of the hardware table that words mean. */
#ifndef CORE_PROFILE_FIND_H
#define CORE_PROFILE_FIND_H

#include "core/profile_part.h"
#include "plimsoll/profile.h"

enum { PLS_CANDIDATES_MAX = 64 };

struct pls_candidates {
    uint32_t n;
    uint32_t extra; /* tokens that the words leave over, of all of them */
    const struct pls_profile *items[PLS_CANDIDATES_MAX];
};

/* Rows that the words of a part mean; sized: and its size, when it has one. The part becomes what was
 * understood: "a100 80" has a size then, "4060m" is a laptop's. */
struct pls_candidates pls_profiles_find(struct pls_profiles profiles, struct pls_part *part, bool sized);

/* The row whose name the (normal) text begins with, the longest; *len its length. NULL: none. */
const struct pls_profile *pls_profiles_named(struct pls_profiles profiles, const char *text, size_t *len);

/* Sold with that much, on a device or on the card; processors take any. */
bool pls_profile_has_size(const struct pls_profile *p, double gib);

static inline uint32_t pls_profile_devices(const struct pls_profile *p)
{
    return p->devices > 1 ? p->devices : 1;
}

#endif
