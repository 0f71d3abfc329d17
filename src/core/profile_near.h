/* core/profile_near.h - rows whose names are a slip of the finger away from what was typed. */
#ifndef CORE_PROFILE_NEAR_H
#define CORE_PROFILE_NEAR_H

#include "core/token.h"
#include "plimsoll/profile.h"

enum { PLS_NEAR_MAX = 5 };
/* The nearest rows, all at the same distance, at most PLS_NEAR_MAX; none when half of the letters would have
 * to change. */
uint32_t pls_profiles_near(struct pls_profiles profiles, const struct pls_tokens *words,
                           const struct pls_profile *out[PLS_NEAR_MAX]);

/* A name without its blanks and fillers: "GeForce RTX 4090" is "rtx4090". */
struct pls_text;
void pls_name_squeeze(const struct pls_tokens *name, struct pls_text *out);
/* The same of the first of a list of names parted by "|"; returns where the next begins. */
const char *pls_name_next(const char *at, struct pls_text *squeezed);

#endif
