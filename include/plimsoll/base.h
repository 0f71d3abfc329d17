/* plimsoll/base.h - values every layer shares: outcome codes, error text, saturating arithmetic.
 *
 * Two kinds of failure exist. The world failed (a file, a library, a database): the function returns an
 * enum pls_code and fills the caller's struct pls_err with one sentence naming the thing and the reason.
 * The programmer failed: assert(). Nothing here allocates, prints or reads the environment.
 */
#ifndef PLIMSOLL_BASE_H
#define PLIMSOLL_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLS_VERSION "0.1.0"

#define PLS_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Binary units, for the edge only: inside, everything is bytes. */
#define PLS_KIB ((uint64_t)1 << 10)
#define PLS_MIB ((uint64_t)1 << 20)
#define PLS_GIB ((uint64_t)1 << 30)

#if defined(__GNUC__)
#define PLS_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define PLS_PRINTF(fmt, args)
#endif

/* Outcome of anything that can fail because of the world. 0 is success. The command line maps NO to exit
 * status 1, USAGE and REFUSED to 2, the rest to 3. */
enum pls_code {
    PLS_OK = 0,
    PLS_NO,        /* the question was understood and the answer is no */
    PLS_USAGE,     /* the question itself is wrong: unknown option, unknown model, ambiguous name */
    PLS_REFUSED,   /* the engine would refuse this combination */
    PLS_IO,        /* a file or directory could not be read or written */
    PLS_FORMAT,    /* a file was read but is not what it claims to be */
    PLS_LIMIT,     /* a bound of this program was exceeded (sizes are constants beside the reader) */
    PLS_UNSUPPORTED, /* the system or library lacks what is needed */
    PLS_NOMEM,
    PLS_DB,        /* the database is missing, damaged or of another version */
};

/* One sentence, no newline, no trailing full stop: "model.gguf: truncated in the tensor table at byte 1234".
 * Owned by the caller; `text` is always NUL-terminated. Text taken from files is escaped when printed, not
 * here. */
struct pls_err {
    enum pls_code code;
    char text[512];
};

/* Records code and a printf-style sentence and returns code, so that `return pls_fail(err, ...)` reads well.
 * err may be NULL when the caller does not care. */
enum pls_code pls_fail(struct pls_err *err, enum pls_code code, const char *fmt, ...) PLS_PRINTF(3, 4);

/* Where a number came from, weakest first. It travels with every rate and limit and is printed. */
enum pls_origin {
    PLS_ORIGIN_UNKNOWN = 0,
    PLS_ORIGIN_ASSUMED,
    PLS_ORIGIN_TABLE,
    PLS_ORIGIN_MEASURED,
};
const char *pls_origin_name(enum pls_origin origin); /* "unknown", "assumed", "table", "measured" */

/* Saturating arithmetic on byte and token counts: overflow sticks at UINT64_MAX, which fits nowhere. */
#define PLS_SATURATED UINT64_MAX
static inline uint64_t pls_add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? PLS_SATURATED : a + b;
}
static inline uint64_t pls_mul(uint64_t a, uint64_t b)
{
    return a != 0 && b > UINT64_MAX / a ? PLS_SATURATED : a * b;
}
/* a - b, or 0 when b is larger. */
static inline uint64_t pls_sub(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}
/* Rounds value up to a multiple of step (step > 0); saturates. */
static inline uint64_t pls_pad(uint64_t value, uint64_t step)
{
    uint64_t over = value % step;
    return over == 0 ? value : pls_add(value, step - over);
}
static inline uint64_t pls_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}
static inline uint64_t pls_max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

#endif
