/* plimsoll/text.h - bounded text: a buffer with a known end, safe copies, escaping, number words.
 *
 * A struct pls_text wraps storage the caller owns (usually an array on the stack). Appending past the end
 * keeps what fits, stays NUL-terminated and sets `truncated`; nothing is ever allocated. It is not a string
 * class: no growth, no reference counting.
 *
 *     char room[256];
 *     struct pls_text t = PLS_TEXT(room);
 *     pls_text_add(&t, "%s at %u tokens", name, tokens);
 */
#ifndef PLIMSOLL_TEXT_H
#define PLIMSOLL_TEXT_H

#include <stdarg.h>

#include "plimsoll/base.h"

struct pls_text {
    char *data;     /* always NUL-terminated once initialised */
    size_t len;     /* bytes used, without the NUL */
    size_t cap;     /* bytes of storage, with the NUL */
    bool truncated; /* something did not fit */
};

/* Wraps an array (not a pointer). */
#define PLS_TEXT(array) ((struct pls_text){ (array), ((array)[0] = '\0', 0), sizeof(array), false })

void pls_text_add(struct pls_text *t, const char *fmt, ...) PLS_PRINTF(2, 3);
void pls_text_vadd(struct pls_text *t, const char *fmt, va_list args) PLS_PRINTF(2, 0);
void pls_text_put(struct pls_text *t, const char *bytes, size_t len);

/* Copies src into dst[cap], cutting at a UTF-8 boundary when it is too long. Returns false when cut. */
bool pls_copy(char *dst, size_t cap, const char *src);
#define PLS_COPY(array, src) pls_copy((array), sizeof(array), (src))

/* Appends text of unknown origin for a terminal: control characters, DEL, C1, bidirectional overrides and
 * invalid UTF-8 become \xNN. */
void pls_text_escape(struct pls_text *t, const char *untrusted);

/* Appends one POSIX shell word: bare when harmless, otherwise in single quotes. */
void pls_text_shell(struct pls_text *t, const char *word);

/* ASCII-only helpers; the locale never matters. */
bool pls_text_equal(const char *a, const char *b);      /* exact */
bool pls_text_equal_nocase(const char *a, const char *b);
bool pls_text_starts(const char *text, const char *prefix);
bool pls_text_ends(const char *text, const char *suffix);
void pls_text_lower(char *text);

/* Changes of letters between two words of at most PLS_TEXT_DISTANCE_MAX bytes; two neighbours swapped ("fti")
 * are one change. Longer words: as far apart as that. */
enum { PLS_TEXT_DISTANCE_MAX = 160 };
uint32_t pls_text_distance(const char *a, const char *b);

/* Numbers from text; the whole of it must be consumed. False leaves *out alone.
 * bytes: "17179869184", "16G"/"16GiB"/"16gb" (binary, as memory is sold), "512M", "1.5T".
 * tokens: "4096", "32k" (x1024), "1m" (x1048576), "128K". */
bool pls_parse_u64(const char *text, uint64_t *out);
bool pls_parse_double(const char *text, double *out);
bool pls_parse_bytes(const char *text, uint64_t *out);
bool pls_parse_tokens(const char *text, uint64_t *out);

/* Human-readable, for render and error sentences: "15.9 GiB", "850 MiB"; "32k", "131072" only when not
 * round. */
void pls_text_bytes(struct pls_text *t, uint64_t bytes);
void pls_text_tokens(struct pls_text *t, uint64_t tokens);

#endif
