/* Reads the card lines of tests/fixtures/models.tsv: tab-separated key=value with the keys of card files; a value with
 * commas is a list per layer. */
#ifndef CARDLINE_H
#define CARDLINE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plimsoll/tensor.h"
#include "plimsoll/text.h"

static inline void cardline_list(struct pls_card *card, const char *key, char *value)
{
    uint32_t i = 0;
    for (char *one = strtok(value, ","); one != NULL && i < PLS_MAX_LAYERS; one = strtok(NULL, ","), i++) {
        unsigned long v = strtoul(one, NULL, 10);
        if (strcmp(key, "n_heads") == 0) {
            card->head[i] = (uint16_t)v;
        } else if (strcmp(key, "n_kv_heads") == 0) {
            card->head_kv[i] = (uint16_t)v;
        } else if (strcmp(key, "intermediate_size") == 0) {
            card->ff[i] = (uint32_t)v;
        } else if (strcmp(key, "compress_ratios") == 0) {
            card->compress[i] = (uint8_t)v;
        } else if (strcmp(key, "indexer_layers") == 0) {
            card->indexer[v % PLS_MAX_LAYERS] = 1;
        } else {
            ck_abort_msg("no list key %s", key);
        }
    }
}

static inline void cardline_set(struct pls_card *card, const char *key, char *value)
{
    if (strcmp(key, "arch") == 0) {
        PLS_COPY(card->arch, value);
        return;
    }
    if (strcmp(key, "layer_kinds") == 0) {
        PLS_COPY(card->kind, value);
        return;
    }
    if (strchr(value, ',') != NULL) {
        cardline_list(card, key, value);
        return;
    }
#define PLS_CARD_U64(field, name, note) if (strcmp(key, name) == 0) { card->field = strtoull(value, NULL, 10); return; }
#define PLS_CARD_U32(field, name, note) \
    if (strcmp(key, name) == 0) { card->field = (uint32_t)strtoul(value, NULL, 10); return; }
#define PLS_CARD_FLAG(field, name, note) if (strcmp(key, name) == 0) { card->field = value[0] == '1'; return; }
#include "plimsoll/card_fields.def"
    ck_abort_msg("no card key %s", key);
}

/* "card\tNAME\tkey=value...": the line is cut up; the card is completed. Returns the name. */
static inline const char *cardline_read(char *line, struct pls_card *card)
{
    struct pls_err err = { PLS_OK, "" };
    char *fields[128];
    size_t n = 0;
    for (char *at = line; at != NULL && n < PLS_COUNT_OF(fields); n++) {
        fields[n] = at;
        at = strchr(at, '\t');
        if (at != NULL) {
            *at++ = '\0';
        }
    }
    memset(card, 0, sizeof *card);
    for (size_t i = 2; i < n; i++) {
        char *equals = strchr(fields[i], '=');
        ck_assert_ptr_nonnull(equals);
        *equals = '\0';
        cardline_set(card, fields[i], equals + 1);
    }
    ck_assert_msg(pls_card_complete(card, &err) == PLS_OK, "%s: %s", fields[1], err.text);
    return fields[1];
}

#endif
