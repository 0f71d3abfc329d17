#include "plimsoll/text.h"

#include <stdio.h>
#include <string.h>

void pls_text_add(struct pls_text *t, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    pls_text_vadd(t, fmt, args);
    va_end(args);
}

void pls_text_vadd(struct pls_text *t, const char *fmt, va_list args)
{
    size_t room = t->cap - t->len;
    int wrote = vsnprintf(t->data + t->len, room, fmt, args);
    if (wrote < 0) {
        t->data[t->len] = '\0';
        t->truncated = true;
    } else if ((size_t)wrote >= room) {
        t->len = t->cap - 1;
        t->truncated = true;
    } else {
        t->len += (size_t)wrote;
    }
}

void pls_text_put(struct pls_text *t, const char *bytes, size_t len)
{
    size_t room = t->cap - t->len - 1;
    if (len > room) {
        len = room;
        t->truncated = true;
    }
    memcpy(t->data + t->len, bytes, len);
    t->len += len;
    t->data[t->len] = '\0';
}

bool pls_copy(char *dst, size_t cap, const char *src)
{
    size_t len = strlen(src);
    bool whole = len < cap;
    if (!whole) {
        len = cap - 1;
        while (len > 0 && ((unsigned char)src[len] & 0xC0) == 0x80) {
            len--;
        }
    }
    memmove(dst, src, len);
    dst[len] = '\0';
    return whole;
}

/* Length of the UTF-8 sequence at s if it is well formed and shortest, else 0; *point gets the code point. */
static size_t utf8_length(const unsigned char *s, uint32_t *point)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t len = s[0] < 0x80 ? 1 : s[0] >= 0xF0 && s[0] < 0xF8 ? 4 : s[0] >= 0xE0 ? 3 : s[0] >= 0xC2 ? 2 : 0;
    if (s[0] >= 0xF8 || len == 0) {
        return 0;
    }
    static const unsigned char mask[] = { 0, 0x7F, 0x1F, 0x0F, 0x07 };
    uint32_t value = s[0] & mask[len];
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xC0) != 0x80) {
            return 0;
        }
        value = value << 6 | (s[i] & 0x3FU);
    }
    if (value < least[len] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
        return 0;
    }
    *point = value;
    return len;
}

static bool is_printable(uint32_t point)
{
    bool control = point < 0x20 || (point >= 0x7F && point < 0xA0);
    bool invisible = (point >= 0x200B && point <= 0x200F) || (point >= 0x2028 && point <= 0x202E)
        || (point >= 0x2060 && point <= 0x206F) || point == 0xFEFF || (point >= 0xE0000 && point <= 0xE007F);
    return !control && !invisible;
}

void pls_text_escape(struct pls_text *t, const char *untrusted)
{
    const unsigned char *s = (const unsigned char *)untrusted;
    while (*s != '\0') {
        uint32_t point = 0;
        size_t len = utf8_length(s, &point);
        if (len > 0 && is_printable(point)) {
            pls_text_put(t, (const char *)s, len);
            s += len;
            continue;
        }
        for (size_t i = 0; i < (len > 0 ? len : 1); i++) {
            pls_text_add(t, "\\x%02x", *s++);
        }
    }
}

void pls_text_shell(struct pls_text *t, const char *word)
{
    static const char harmless[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:=,+@%-";
    if (word[0] != '\0' && word[strspn(word, harmless)] == '\0') {
        pls_text_put(t, word, strlen(word));
        return;
    }
    pls_text_put(t, "'", 1);
    for (const char *s = word; *s != '\0'; s++) {
        if (*s == '\'') {
            pls_text_put(t, "'\\''", 4);
        } else {
            pls_text_put(t, s, 1);
        }
    }
    pls_text_put(t, "'", 1);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool pls_text_equal(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

bool pls_text_equal_nocase(const char *a, const char *b)
{
    while (*a != '\0' && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return lower(*a) == lower(*b);
}

bool pls_text_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool pls_text_ends(const char *text, const char *suffix)
{
    size_t n = strlen(text);
    size_t m = strlen(suffix);
    return n >= m && strcmp(text + n - m, suffix) == 0;
}

void pls_text_lower(char *text)
{
    for (; *text != '\0'; text++) {
        *text = lower(*text);
    }
}

/* Row i of the table: how far the first i bytes of a are from beginnings of b, by the two rows before. */
static void distance_row(const char *a, const char *b, size_t i, uint16_t *rows[3])
{
    uint16_t *row = rows[i % 3];
    const uint16_t *above = rows[(i + 2) % 3];
    const uint16_t *before = rows[(i + 1) % 3];
    row[0] = (uint16_t)i;
    for (size_t j = 1; b[j - 1] != '\0'; j++) {
        uint64_t change = above[j - 1] + (a[i - 1] != b[j - 1] ? 1U : 0U);
        /* the row above is whole, b being the same; NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage) */
        uint64_t least = pls_min(change, pls_min(above[j], row[j - 1]) + 1);
        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
            least = pls_min(least, before[j - 2] + 1U);
        }
        row[j] = (uint16_t)least;
    }
}

uint32_t pls_text_distance(const char *a, const char *b)
{
    uint16_t room[3][PLS_TEXT_DISTANCE_MAX + 1];
    uint16_t *rows[3] = { room[0], room[1], room[2] };
    size_t n = strlen(a);
    size_t m = strlen(b);
    if (n > PLS_TEXT_DISTANCE_MAX || m > PLS_TEXT_DISTANCE_MAX) {
        return PLS_TEXT_DISTANCE_MAX;
    }
    for (size_t j = 0; j <= m; j++) {
        room[0][j] = (uint16_t)j;
    }
    for (size_t i = 1; i <= n; i++) {
        distance_row(a, b, i, rows);
    }
    /* row n has m + 1; NOLINTNEXTLINE(clang-analyzer-core.uninitialized.UndefReturn) */
    return room[n % 3][m];
}

void pls_text_bytes(struct pls_text *t, uint64_t bytes)
{
    static const char *const unit[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
    if (bytes == PLS_SATURATED) {
        pls_text_add(t, "too large");
        return;
    }
    double value = (double)bytes;
    size_t u = 0;
    while (value >= 1023.95 && u + 1 < PLS_COUNT_OF(unit)) {
        value /= 1024;
        u++;
    }
    int digits = u == 0 || value >= 99.95 ? 0 : u >= 3 && value < 9.995 ? 2 : 1;
    pls_text_add(t, "%.*f %s", digits, value, unit[u]);
}

void pls_text_tokens(struct pls_text *t, uint64_t tokens)
{
    if (tokens >= 1024 && tokens % 1024 == 0) {
        pls_text_add(t, "%lluk", (unsigned long long)(tokens / 1024));
    } else {
        pls_text_add(t, "%llu", (unsigned long long)tokens);
    }
}
