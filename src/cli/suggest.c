#include "cli/options.h"

#include <string.h>

enum { WORD_MAX = 48 };

static uint32_t least(uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t m = a < b ? a : b;
    return m < c ? m : c;
}

/* Changes of letters between two words of at most WORD_MAX bytes; two neighbours swapped ("fti") are one change. */
static uint32_t distance(const char *a, const char *b)
{
    uint32_t row[WORD_MAX + 1][WORD_MAX + 1];
    size_t n = strlen(a);
    size_t m = strlen(b);
    if (n > WORD_MAX || m > WORD_MAX) {
        return WORD_MAX;
    }
    for (size_t j = 0; j <= m; j++) {
        row[0][j] = (uint32_t)j;
    }
    for (size_t i = 1; i <= n; i++) {
        row[i][0] = (uint32_t)i;
        for (size_t j = 1; j <= m; j++) {
            uint32_t change = row[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            row[i][j] = least(row[i - 1][j] + 1, row[i][j - 1] + 1, change);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[i][j] = least(row[i][j], row[i - 2][j - 2] + 1, WORD_MAX);
            }
        }
    }
    return row[n][m];
}

const char *pls_suggest(const char *typed, const char *const *names, size_t n)
{
    const char *best = NULL;
    uint32_t best_distance = WORD_MAX;
    size_t len = strlen(typed);
    for (size_t i = 0; i < n; i++) {
        uint32_t d = distance(typed, names[i]);
        if (d < best_distance) {
            best_distance = d;
            best = names[i];
        }
    }
    /* One slip in a short word, a third of a long one. */
    uint32_t allowed = len < 4 ? 1 : (uint32_t)(len / 3) + 1;
    return best_distance <= allowed && best_distance < len ? best : NULL;
}
