/* gguf/json.h - reading JSON of unknown origin with cJSON: bounded, typed, nothing assumed. */
#ifndef GGUF_JSON_H
#define GGUF_JSON_H

#include <cjson/cJSON.h>

#include "plimsoll/quant.h"

/* NULL when it is not JSON, nests too deeply (cJSON's limit) or has something behind it. Free with
 * cJSON_Delete. */
cJSON *json_parse(const char *text, size_t len);

/* A whole number from 0 to most. */
bool json_count(const cJSON *item, uint64_t most, uint64_t *out);

/* object[key] when it is a boolean, else otherwise. */
bool json_flag(const cJSON *object, const char *key, bool otherwise);

/* The quantization a config.json declares ("quantization" of MLX, "quantization_config" of the others);
 * stored: the type of what is left unquantized. */
void config_quant(const cJSON *root, enum pls_type stored, struct pls_quant *out);

#endif
