/* core/profile_cpu.h - processors by their model numbers: "i9-13900K" is a 13th generation desktop.
 *
 * The hardware table has rows of platforms (socket, channels, memory); makers number their processors so that
 * the platform follows from the number. What cannot be told from it (a laptop's memory may be soldered LPDDR5
 * or a module of DDR4) takes the slowest that was sold.
 */
#ifndef CORE_PROFILE_CPU_H
#define CORE_PROFILE_CPU_H

#include "core/token.h"

struct pls_cpu_model {
    const char
        *platform; /* id in the hardware table; NULL: no model number, or one of a platform that has no row */
    uint32_t fast, slow; /* cores; 0 not known of this model */
    bool is_single;      /* made for one socket, whatever the platform has */
};
struct pls_cpu_model pls_cpu_model_of(const struct pls_tokens *words);

/* The words name a processor and nothing besides: all but one, the number, belong to its kind of name. */
bool pls_cpu_names_all(const struct pls_tokens *words);

/* Boards of this platform come with two sockets. */
bool pls_cpu_has_two_sockets(const char *platform);

#endif
