#include "render/page.h"

#include <stdarg.h>
#include <stdlib.h>

#include "render/json.h"

enum { LINE_CAP = 8192 };

enum pls_code pls_page_begin(struct pls_page *page, bool color, struct pls_err *err)
{
    page->text = NULL;
    page->len = 0;
    page->color = color;
    page->to = open_memstream(&page->text, &page->len);
    return page->to != NULL ? PLS_OK : pls_fail(err, PLS_NOMEM, "output: out of memory");
}

enum pls_code pls_page_end(struct pls_page *page, enum pls_code code, FILE *out, struct pls_err *err)
{
    bool ok = !ferror(page->to);
    ok = fclose(page->to) == 0 && ok;
    if (code == PLS_OK) {
        code = ok ? pls_render_write(out, page->text, page->len, err)
                  : pls_fail(err, PLS_NOMEM, "output: out of memory");
    }
    free(page->text);
    return code;
}

void pls_page_tone(struct pls_page *page, enum pls_tone tone)
{
    static const char *const codes[] = { "\033[0m", "\033[1m", "\033[1;32m", "\033[1;31m", "\033[2m" };
    if (page->color) {
        fputs(codes[tone], page->to);
    }
}

void pls_page_field(struct pls_page *page, const char *label, const char *fmt, ...)
{
    char plain[LINE_CAP];
    char safe[LINE_CAP];
    struct pls_text t = PLS_TEXT(safe);
    va_list args;
    va_start(args, fmt);
    vsnprintf(plain, sizeof(plain), fmt, args);
    va_end(args);
    pls_text_escape(&t, plain);
    fprintf(page->to, "%-10s %s\n", label, safe);
}

enum pls_code pls_page_grid(struct pls_page *page, const struct pls_grid *grid, enum pls_output output,
                            uint32_t width, struct pls_err *err)
{
    if (output == PLS_OUT_MARKDOWN) {
        pls_grid_markdown(grid, page->to);
        return PLS_OK;
    }
    if (output == PLS_OUT_CSV) {
        pls_grid_csv(grid, page->to);
        return PLS_OK;
    }
    return pls_grid_table(grid, width, page->to, err);
}

void pls_page_env(struct pls_page *page, const char *key, const char *fmt, ...)
{
    char plain[LINE_CAP];
    char word[LINE_CAP];
    struct pls_text t = PLS_TEXT(word);
    va_list args;
    va_start(args, fmt);
    vsnprintf(plain, sizeof(plain), fmt, args);
    va_end(args);
    pls_text_shell(&t, plain);
    fprintf(page->to, "%s=%s\n", key, word);
}
