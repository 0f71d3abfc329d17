/* render/page.h - a text document built whole in memory, then written once. */
#ifndef RENDER_PAGE_H
#define RENDER_PAGE_H

#include <stdio.h>

#include "plimsoll/rates.h"
#include "plimsoll/render.h"
#include "render/grid.h"

struct pls_page {
    FILE *to;
    char *text;
    size_t len;
    bool color;
};
/* The page must stay where it is: its stream writes to its fields. */
enum pls_code pls_page_begin(struct pls_page *page, bool color, struct pls_err *err);
/* Writes the page when `code` is PLS_OK, frees it in any case, and returns the outcome. Only after a
 * successful begin. */
enum pls_code pls_page_end(struct pls_page *page, enum pls_code code, FILE *out, struct pls_err *err);

enum pls_tone { PLS_TONE_PLAIN = 0, PLS_TONE_BOLD, PLS_TONE_GOOD, PLS_TONE_BAD, PLS_TONE_DIM };
void pls_page_tone(struct pls_page *page, enum pls_tone tone);

/* "Label     text", the text escaped. */
void pls_page_field(struct pls_page *page, const char *label, const char *fmt, ...) PLS_PRINTF(3, 4);
/* A heading, a rule-less grid, an empty line: the shape of every answer. */
enum pls_code pls_page_grid(struct pls_page *page, const struct pls_grid *grid, enum pls_output output,
                            uint32_t width, struct pls_err *err);

/* KEY=value lines for `eval` in a shell. */
void pls_page_env(struct pls_page *page, const char *key, const char *fmt, ...) PLS_PRINTF(3, 4);

/* What calibration taught, as fields. */
void pls_page_learnt(struct pls_page *page, const struct pls_calibration *learnt);

#endif
