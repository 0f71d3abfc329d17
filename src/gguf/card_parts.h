/* gguf/card_parts.h - the two halves of the card reader: hyperparameters (card_json.c) and what surrounds
 * them, identity and evidence (card_identity.c). */
#ifndef GGUF_CARD_PARTS_H
#define GGUF_CARD_PARTS_H

#include <cjson/cJSON.h>

#include "plimsoll/card.h"

struct pls_card_reader {
    struct pls_card *card;
    const cJSON *root;
    const cJSON *shape; /* NULL when the hyperparameters stand beside the identity */
    const char *id;     /* for sentences */
    struct pls_err *err;
};

/* "qwen3-8b: n_layers: not a number", PLS_FORMAT */
enum pls_code pls_card_bad(const struct pls_card_reader *r, const char *key, const char *why);
/* A whole number from 0 to most; *out is untouched otherwise. */
bool pls_card_count(const cJSON *item, uint64_t most, uint64_t *out);
bool pls_card_is_field(const char *key); /* a key of card_fields.def or of a per-layer list */

enum pls_code pls_card_read_identity(struct pls_card_reader *r, const char *family);
enum pls_code pls_card_check_keys(const struct pls_card_reader *r); /* every key means something */
enum pls_code
pls_card_check_evidence(const struct pls_card_reader *r); /* benchmarks, variants, sources: shape only */

#endif
