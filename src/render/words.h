/* render/words.h - codes and numbers to words. */
#ifndef RENDER_WORDS_H
#define RENDER_WORDS_H

#include "plimsoll/render.h"

/* "8.2", "31", "1240": as many digits as an estimate deserves; "?" when unknown. */
void pls_words_rate(struct pls_text *out, double tps);
/* "32k", "39k" (rounded down), "512" */
void pls_words_tokens(struct pls_text *out, uint64_t tokens);
/* "measured here", "from the hardware table", "assumed" */
const char *pls_words_origin(enum pls_origin origin);
void pls_words_seconds(struct pls_text *out, double s); /* "0.4 s", "12 s", "3 min" */
void pls_words_params(struct pls_text *out, uint64_t params); /* "8.03 B" */
/* "-1.2 GiB", "15.9 GiB" */
void pls_words_margin(struct pls_text *out, int64_t bytes);
void pls_words_gap(struct pls_text *out, int64_t bytes); /* the same without its sign */

/* Short words for the WHY column, and a sentence for the first row. */
void pls_words_reasons(struct pls_text *out, uint32_t reasons);
void pls_words_first(struct pls_text *out, const struct pls_report *report);

/* "AMD EPYC 7763, 2 cores, 24.0 GiB RAM at 12 GB/s (measured)" and the GPUs. */
void pls_words_machine(struct pls_text *out, const struct pls_machine *machine);
/* "21.6 GiB of RAM, 22.9 GiB of gpu0" */
void pls_words_budget(struct pls_text *out, const struct pls_machine *machine);

/* Display name of a card: name, else id, else arch. */
const char *pls_words_model(const struct pls_card *card);

#endif
