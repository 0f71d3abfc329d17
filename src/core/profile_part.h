/* core/profile_part.h - the parts of a machine in words: "2x rtx 3090 + 128gb ram" is two of them.
 *
 * A part is a count, a size and words. This file knows how people write ("4x3090", "3090 x2", "rtx4090",
 * "m4max", "16gb laptop", "dual channel"), and nothing of what hardware there is.
 */
#ifndef CORE_PROFILE_PART_H
#define CORE_PROFILE_PART_H

#include "core/token.h"

struct pls_part {
    uint32_t count;
    double gib;    /* 0: not said */
    bool says_ram; /* "ram" was said */
    bool says_box; /* "mac studio" was said */
    struct pls_tokens words;
};

/* Length of the part at text; *skip gets the length of the joint behind it: a comma, "and", "with",
 * "plus", or a '+' that stands alone or before a size. */
size_t pls_part_length(const char *text, size_t *skip);
struct pls_part pls_part_parse(const char *text, size_t len);

/* A maker's name, "graphics", "the": says nothing about which device it is. */
bool pls_part_is_filler(const char *word);

#endif
