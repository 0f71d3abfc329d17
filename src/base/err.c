#include "plimsoll/base.h"

#include <stdarg.h>
#include <stdio.h>

enum pls_code pls_fail(struct pls_err *err, enum pls_code code, const char *fmt, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, fmt);
        vsnprintf(err->text, sizeof(err->text), fmt, args);
        va_end(args);
        err->code = code;
    }
    return code;
}

const char *pls_origin_name(enum pls_origin origin)
{
    static const char *const names[] = { "unknown", "assumed", "table", "measured" };
    return (size_t)origin < PLS_COUNT_OF(names) ? names[origin] : names[0];
}
