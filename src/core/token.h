/* core/token.h - names as lists of whole tokens: "Apple M4 Max (40-core GPU)" -> apple m4 max 40 core gpu.
 *
 * Tokens are runs of letters and digits in lower case; marks such as (R) and (TM) vanish, a '+' glued to a
 * word is dropped
 * ("MAX+" is max). Comparing tokens instead of bytes is what keeps an A1000 from being an A100.
 */
#ifndef CORE_TOKEN_H
#define CORE_TOKEN_H

#include "plimsoll/base.h"

enum { PLS_TOKENS_MAX = 24, PLS_TOKEN_LEN = 24 };

struct pls_tokens {
    uint32_t n;
    char word[PLS_TOKENS_MAX][PLS_TOKEN_LEN];
};

/* Tokens of text[0..len); what exceeds the arrays is cut. */
struct pls_tokens pls_tokens_of(const char *text, size_t len);

/* Index in haystack where needle stands as a contiguous run, or -1. is_prefix: needle's last token may be the
 * beginning of a longer one made of digits ("82" in "8259"), for processor series. */
int pls_tokens_find(const struct pls_tokens *haystack, const struct pls_tokens *needle, bool is_prefix);

bool pls_tokens_has(const struct pls_tokens *list, const char *word);

#endif
