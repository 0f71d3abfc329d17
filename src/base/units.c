/* Numbers as people type them. Memory is binary whatever the suffix says, because that is how it is sold:
 * a "24GB" card has 24 GiB. Everything is parsed by hand: strtod would follow the locale. */
#include "plimsoll/text.h"

bool pls_parse_u64(const char *text, uint64_t *out)
{
    uint64_t value = 0;
    if (*text == '\0') {
        return false;
    }
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9') {
            return false;
        }
        uint64_t digit = (uint64_t)(*text - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

/* Digits with at most one point; returns where they stop, or NULL when there is no digit. */
static const char *decimal(const char *text, double *out)
{
    double value = 0;
    double scale = 1;
    bool any = false;
    bool fraction = false;
    for (; (*text >= '0' && *text <= '9') || (*text == '.' && !fraction); text++) {
        if (*text == '.') {
            fraction = true;
            continue;
        }
        any = true;
        value = value * 10 + (*text - '0');
        scale *= fraction ? 10 : 1;
    }
    *out = value / scale;
    return any ? text : NULL;
}

bool pls_parse_double(const char *text, double *out)
{
    bool negative = *text == '-';
    double value = 0;
    const char *end = decimal(negative ? text + 1 : text, &value);
    if (end == NULL || *end != '\0') {
        return false;
    }
    *out = negative ? -value : value;
    return true;
}

static bool parse_scaled(const char *text, const char *suffixes, const char *const tails[], uint64_t *out)
{
    if (pls_parse_u64(text, out)) {
        return true;
    }
    double value = 0;
    const char *at = decimal(text, &value);
    if (at == NULL) {
        return false;
    }
    while (*at == ' ') {
        at++;
    }
    char c = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
    double scale = 1;
    for (const char *s = suffixes; *s != '\0'; s++) {
        scale *= 1024;
        if (*s != c) {
            continue;
        }
        for (size_t i = 0; tails[i] != NULL; i++) {
            if (pls_text_equal_nocase(at + 1, tails[i]) && value * scale < 18e18) {
                *out = (uint64_t)(value * scale);
                return true;
            }
        }
        return false;
    }
    return false;
}

bool pls_parse_bytes(const char *text, uint64_t *out)
{
    static const char *const tails[] = { "", "b", "ib", NULL };
    return parse_scaled(text, "kmgtp", tails, out);
}

bool pls_parse_tokens(const char *text, uint64_t *out)
{
    static const char *const tails[] = { "", NULL };
    return parse_scaled(text, "km", tails, out);
}
