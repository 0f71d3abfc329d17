#include "cli/options.h"

#include <string.h>

const char *pls_suggest(const char *typed, const char *const *names, size_t n)
{
    const char *best = NULL;
    uint32_t best_distance = PLS_TEXT_DISTANCE_MAX;
    size_t len = strlen(typed);
    for (size_t i = 0; i < n; i++) {
        uint32_t d = pls_text_distance(typed, names[i]);
        if (d < best_distance) {
            best_distance = d;
            best = names[i];
        }
    }
    /* One slip in a short word, a third of a long one. */
    uint32_t allowed = len < 4 ? 1 : (uint32_t)(len / 3) + 1;
    return best_distance <= allowed && best_distance < len ? best : NULL;
}
