/* core/profile_part.h - the parts of a machine in words: "2x rtx 3090 + 128gb ram" is two of them.
 *
 * A part is a count, sizes and words. This file knows how people write ("4x3090", "3090 x2", "rtx4090",
 * "m4max", "16gb laptop", "dual channel"), and nothing of what hardware there is.
 */
#ifndef CORE_PROFILE_PART_H
#define CORE_PROFILE_PART_H

#include "core/token.h"

struct pls_part {
    uint32_t count;
    double gib;       /* the first size; 0: not said */
    double ram_gib;   /* another: "rtx 4070 12gb 32gb ddr5" */
    uint32_t cores;   /* "16 cores", and nothing besides; 0: not said */
    bool says_ram;    /* "ram" was said */
    bool says_box;    /* "mac studio" was said */
    bool says_laptop; /* "laptop", "mobile" */
    struct pls_tokens words;
};

/* Lower case, with the same words for the same things: "3090 * 2" is "3090 x 2", "mit" is "with". */
void pls_part_normal(const char *text, char *out, size_t cap);

/* Length of the part at normal text; *skip gets the length of the joint behind it: a comma, "and", "with",
 * "plus", a
 * '+' that is no part of a name ("max+ 395"), or nothing where a graphics card follows a processor. */
size_t pls_part_length(const char *text, size_t *skip);
struct pls_part pls_part_parse(const char *text, size_t len);

/* A maker's name, "graphics", "the": says nothing about which device it is. */
bool pls_part_is_filler(const char *word);
/* "12gb": a size, in a name. */
bool pls_part_is_size(const char *word);

#endif
