#include "core/token.h"

#include <string.h>

static char token_char(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return (char)(c - 'A' + 'a');
    }
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ? c : '\0';
}

/* "(R)" and "(TM)" are no words. */
static size_t mark_length(const char *text, size_t len)
{
    static const char *const marks[] = { "(R)", "(TM)", "(r)", "(tm)", "(C)" };
    if (text[0] != '(') {
        return 0;
    }
    for (size_t i = 0; i < PLS_COUNT_OF(marks); i++) {
        size_t n = strlen(marks[i]);
        if (len >= n && memcmp(text, marks[i], n) == 0) {
            return n;
        }
    }
    return 0;
}

struct pls_tokens pls_tokens_of(const char *text, size_t len)
{
    struct pls_tokens out = { 0 };
    size_t fill = 0;
    for (size_t i = 0; i < len && out.n < PLS_TOKENS_MAX; i++) {
        size_t mark = mark_length(text + i, len - i);
        char c = mark > 0 ? '\0' : token_char(text[i]);
        if (c == '\0') {
            out.n += fill > 0;
            fill = 0;
            i += mark > 0 ? mark - 1 : 0;
        } else if (fill + 1 < PLS_TOKEN_LEN) {
            out.word[out.n][fill++] = c;
        }
    }
    out.n += fill > 0 && out.n < PLS_TOKENS_MAX;
    return out;
}

static bool starts_digits(const char *word, const char *prefix)
{
    size_t n = strlen(prefix);
    return n > 0 && prefix[n - 1] >= '0' && prefix[n - 1] <= '9' && strncmp(word, prefix, n) == 0
           && word[n] >= '0' && word[n] <= '9';
}

int pls_tokens_find(const struct pls_tokens *haystack, const struct pls_tokens *needle, bool is_prefix)
{
    for (uint32_t at = 0; needle->n > 0 && at + needle->n <= haystack->n; at++) {
        uint32_t same = 0;
        while (same < needle->n && strcmp(haystack->word[at + same], needle->word[same]) == 0) {
            same++;
        }
        bool is_last = is_prefix && same + 1 == needle->n
                       && starts_digits(haystack->word[at + same], needle->word[same]);
        if (same == needle->n || is_last) {
            return (int)at;
        }
    }
    return -1;
}

bool pls_tokens_has(const struct pls_tokens *list, const char *word)
{
    for (uint32_t i = 0; i < list->n; i++) {
        if (strcmp(list->word[i], word) == 0) {
            return true;
        }
    }
    return false;
}
