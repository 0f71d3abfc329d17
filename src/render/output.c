#include "plimsoll/render.h"

bool pls_output_by_name(const char *name, enum pls_output *out)
{
    static const char *const names[] = {
        [PLS_OUT_TABLE] = "table", [PLS_OUT_JSON] = "json",         [PLS_OUT_JSONL] = "jsonl",
        [PLS_OUT_CSV] = "csv",     [PLS_OUT_MARKDOWN] = "markdown", [PLS_OUT_ENV] = "env",
    };
    for (size_t i = 0; i < PLS_COUNT_OF(names); i++) {
        if (pls_text_equal(names[i], name)) {
            *out = (enum pls_output)i;
            return true;
        }
    }
    return false;
}
