/* plimsoll/publisher.h - who publishes GGUF files, and what their repositories usually hold.
 *
 * Habits, counted over published file lists (data/publishers.def); what one repository holds may differ, and
 * its card says so then. Nothing here looks at a repository.
 */
#ifndef PLIMSOLL_PUBLISHER_H
#define PLIMSOLL_PUBLISHER_H

#include "plimsoll/quant.h"

struct pls_publisher {
    const char *owner;  /* the part of "owner/name" before the slash */
    const char *part;   /* stands in the name; "" any name */
    uint32_t billions;  /* only models of up to so many parameters, in 1e9; 0 any */
    bool imatrix;       /* the files are made with an importance matrix */
    /* what at least three quarters of the repositories hold, a space between; "" not known */
    const char *quants;
};

/* The first row of the owner and name of a Hugging Face repository ("owner/name"), whatever the size of the
 * model; or NULL. */
const struct pls_publisher *pls_publisher_of(const char *repo);

/* All rows; n gets their number. */
const struct pls_publisher *pls_publishers(size_t *n);

/* Whether a word of a list of quantizations ("Q4_K_M", "mxfp4", "FP16") means this one, whatever its
 * spelling. */
bool pls_publisher_means(const char *word, const struct pls_quant *quant);

/* What the repositories of a card hold that were seen, as bits, so that a search over all cards asks no
 * database. Each recipe of a GGUF file has a bit, the two types of 16 bits one together; of the other
 * packagings AWQ and GPTQ in 4 bits and groups of 128 or 32 have one, and FP8 in blocks of any size. 0: this
 * quantization has no bit. */
uint64_t pls_held_bit(const struct pls_quant *quant);
#define PLS_HELD_GGUF        ((1ULL << PLS_FTYPE_COUNT) - 1)
#define PLS_HELD_RELEASE_FP8 (1ULL << 63) /* what the maker released is an FP8 checkpoint itself */

/* Where one quantization of a model is to be had. */
struct pls_published {
    char repo[112]; /* empty: no repository is known that could hold it */
    char tag[24];   /* the quantization as the names of its files spell it: an engine looks for that */
    bool is_seen;   /* the repository was seen, and holds it or usually would; else it may hold it */
};

#endif
