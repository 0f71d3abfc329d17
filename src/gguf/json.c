#include "gguf/json.h"

#include <string.h>

#include "gguf/readers.h"

cJSON *json_parse(const char *text, size_t len)
{
    const char *end = NULL;
    cJSON *root = text == NULL ? NULL : cJSON_ParseWithLengthOpts(text, len, &end, 0);
    for (; root != NULL && end < text + len; end++) {
        if (*end != '\0' && strchr(" \t\r\n", *end) == NULL) {
            cJSON_Delete(root);
            return NULL;
        }
    }
    return root;
}

bool json_count(const cJSON *item, uint64_t most, uint64_t *out)
{
    double value = cJSON_IsNumber(item) ? item->valuedouble : -1;
    /* Exact in a double up to 2^53, which is more than any count here. */
    if (!(value >= 0 && value <= 9007199254740992.0) || (double)(uint64_t)value != value
        || (uint64_t)value > most) {
        return false;
    }
    *out = (uint64_t)value;
    return true;
}

bool json_flag(const cJSON *object, const char *key, bool otherwise)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsBool(item) ? cJSON_IsTrue(item) != 0 : otherwise;
}

static uint64_t count_or(const cJSON *object, const char *key, uint64_t otherwise)
{
    uint64_t value = otherwise;
    json_count(cJSON_GetObjectItemCaseSensitive(object, key), 4096, &value);
    return value;
}

static void quant_by_method(const cJSON *config, const char *method, struct pls_quant *out)
{
    out->bits = (uint8_t)count_or(config, "bits", 4);
    const cJSON *group = cJSON_GetObjectItemCaseSensitive(config, "group_size");
    out->group = (uint16_t)count_or(config, "group_size", cJSON_IsNumber(group) ? 0 : 128);
    if (strcmp(method, "gptq") == 0) {
        out->format = PLS_FORMAT_GPTQ;
    } else if (strcmp(method, "awq") == 0) {
        out->format = PLS_FORMAT_AWQ;
    } else if (strcmp(method, "fp8") == 0) {
        out->format = PLS_FORMAT_FP8;
        out->bits = 8;
        out->group = cJSON_GetObjectItemCaseSensitive(config, "weight_block_size") != NULL ? 128 : 0;
    } else if (strcmp(method, "bitsandbytes") == 0) {
        out->format = PLS_FORMAT_BNB;
        out->bits = json_flag(config, "load_in_8bit", false) ? 8 : 4;
        out->group = out->bits == 4 ? 64 : 0;
    } else if (strcmp(method, "mxfp4") == 0) {
        out->format = PLS_FORMAT_SAFETENSORS;
        out->stored = PLS_TYPE_MXFP4;
    } else {
        out->from_name = true; /* a method whose bytes are not known: only the tensors themselves can tell */
    }
}

void config_quant(const cJSON *root, enum pls_type stored, struct pls_quant *out)
{
    *out = (struct pls_quant){ .format = PLS_FORMAT_SAFETENSORS, .ftype = PLS_FTYPE_NONE, .stored = stored };
    const cJSON *mlx = cJSON_GetObjectItemCaseSensitive(root, "quantization");
    const cJSON *other = cJSON_GetObjectItemCaseSensitive(root, "quantization_config");
    const cJSON *method = cJSON_GetObjectItemCaseSensitive(other, "quant_method");
    if (cJSON_IsObject(mlx)) {
        out->format = PLS_FORMAT_MLX;
        out->bits = (uint8_t)count_or(mlx, "bits", 4);
        out->group = (uint16_t)count_or(mlx, "group_size", 64);
    } else if (cJSON_IsString(method)) {
        quant_by_method(other, method->valuestring, out);
    }
}

enum pls_file_kind readers_json_kind(const char *json, size_t len)
{
    cJSON *root = json_parse(json, len);
    enum pls_file_kind kind = PLS_FILE_UNKNOWN;
    const cJSON *schema = cJSON_GetObjectItemCaseSensitive(root, "schema");
    /* a card, a config, and last what may be a card; NOLINTNEXTLINE(bugprone-branch-clone) */
    if (cJSON_IsString(schema) && strncmp(schema->valuestring, "plimsoll.card", 13) == 0) {
        kind = PLS_FILE_CARD;
    } else if (cJSON_IsString(cJSON_GetObjectItemCaseSensitive(root, "model_type"))
               || cJSON_GetObjectItemCaseSensitive(root, "architectures") != NULL) {
        kind = PLS_FILE_CONFIG;
    } else if (cJSON_IsString(cJSON_GetObjectItemCaseSensitive(root, "id"))
               && (cJSON_GetObjectItemCaseSensitive(root, "n_layers") != NULL
                   || cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(root, "shape")))) {
        kind = PLS_FILE_CARD; /* one bare card object, as catalog show prints it */
    }
    cJSON_Delete(root);
    return kind;
}
