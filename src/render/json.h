/* render/json.h - building documents with cJSON without losing a bit or a failure.
 *
 * cJSON holds numbers as doubles, so byte counts are added as raw text: what is an integer inside is the same
 * integer in the document. Text is escaped first, so that bytes of unknown origin can't break a terminal or
 * the encoding. An allocation that failed is remembered in the builder and told once, at the end.
 */
#ifndef RENDER_JSON_H
#define RENDER_JSON_H

#include <cJSON.h>
#include <stdio.h>

#include "plimsoll/text.h"

struct pls_json {
    cJSON *root;
    bool failed;
};

struct pls_json pls_json_begin(const char *schema); /* {"schema": ..., "version": ...} */
cJSON *pls_json_object(struct pls_json *j, cJSON *in, const char *key); /* key NULL: `in` is an array */
cJSON *pls_json_array(struct pls_json *j, cJSON *in, const char *key);
void pls_json_u64(struct pls_json *j, cJSON *in, const char *key, uint64_t value);
void pls_json_i64(struct pls_json *j, cJSON *in, const char *key, int64_t value);
void pls_json_known(struct pls_json *j, cJSON *in, const char *key, uint64_t value); /* 0 is unknown: null */
void pls_json_rate(struct pls_json *j, cJSON *in, const char *key, double value);    /* 0 is unknown: null */
void pls_json_number(struct pls_json *j, cJSON *in, const char *key, double value);
/* NULL or empty: null */
void pls_json_text(struct pls_json *j, cJSON *in, const char *key, const char *value);
/* an item of an array, as spelled */
void pls_json_raw_number(struct pls_json *j, cJSON *in, const char *text);
void pls_json_flag(struct pls_json *j, cJSON *in, const char *key, bool value);
void pls_json_null(struct pls_json *j, cJSON *in, const char *key);

/* Writes the root (indented) or one item on one line, and a newline. The builder is done afterwards:
 * pls_json_end. */
enum pls_code pls_json_write(struct pls_json *j, FILE *to, struct pls_err *err);
enum pls_code pls_json_line(struct pls_json *j, const cJSON *item, FILE *to, struct pls_err *err);
void pls_json_end(struct pls_json *j);

/* All of text to a stream at once, flushed; PLS_IO with the reason when it did not get there. */
enum pls_code pls_render_write(FILE *to, const char *text, size_t len, struct pls_err *err);

#endif
