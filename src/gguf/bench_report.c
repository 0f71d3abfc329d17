/* What llama-bench prints with -o json, jsonl or csv. All three name the same fields; a record is looked at
 * through one function that finds a field's text. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gguf/json.h"
#include "plimsoll/gguf.h"
#include "plimsoll/text.h"

enum { FIELDS = 96, SAMPLES = 256, WORD = 64 };

/* A JSON object, or a line of CSV beside its header. */
struct record {
    const cJSON *object;
    char **names;
    char **values;
    uint32_t n;
    uint32_t number; /* from 1, for messages */
};

struct reading {
    struct pls_measured_run *runs;
    uint32_t cap, n;
    struct pls_err *err;
};

static const char *text_of(const struct record *r, const char *key)
{
    if (r->object != NULL) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(r->object, key);
        return cJSON_IsString(item) ? item->valuestring : NULL;
    }
    for (uint32_t i = 0; i < r->n; i++) {
        if (strcmp(r->names[i], key) == 0) {
            return r->values[i];
        }
    }
    return NULL;
}

static double number_of(const struct record *r, const char *key, double otherwise)
{
    const cJSON *item = r->object != NULL ? cJSON_GetObjectItemCaseSensitive(r->object, key) : NULL;
    double value = otherwise;
    if (cJSON_IsNumber(item)) {
        /* NULL is no number; NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
        return item->valuedouble;
    }
    if (cJSON_IsBool(item)) {
        return cJSON_IsTrue(item) ? 1 : 0;
    }
    const char *text = text_of(r, key);
    return text != NULL && pls_parse_double(text, &value) ? value : otherwise;
}

static bool count_of(const struct record *r, const char *key, double most, double otherwise, double *out)
{
    *out = number_of(r, key, otherwise);
    return *out >= 0 && *out <= most && !(floor(*out) < *out);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double rate_of(const struct record *r)
{
    double samples[SAMPLES];
    size_t n = 0;
    const cJSON *list = r->object != NULL ? cJSON_GetObjectItemCaseSensitive(r->object, "samples_ts") : NULL;
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, list)
    {
        if (cJSON_IsNumber(item) && item->valuedouble > 0 && n < SAMPLES) {
            samples[n++] = item->valuedouble;
        }
    }
    if (n == 0) {
        return number_of(r, "avg_ts", 0);
    }
    qsort(samples, n, sizeof(samples[0]), by_value);
    return n % 2 == 1 ? samples[n / 2] : (samples[n / 2 - 1] + samples[n / 2]) / 2;
}

/* "CUDA", "Metal,BLAS", "CPU": the first that names a GPU. */
static enum pls_backend backend_of(const char *list)
{
    enum pls_backend found = PLS_BACKEND_CPU;
    while (list != NULL && *list != '\0') {
        char word[WORD];
        struct pls_text t = PLS_TEXT(word);
        size_t len = strcspn(list, ",");
        enum pls_backend one = PLS_BACKEND_NONE;
        for (size_t i = 0; i < len; i++) {
            char c = list[i] >= 'A' && list[i] <= 'Z' ? (char)(list[i] - 'A' + 'a') : list[i];
            pls_text_put(&t, &c, 1);
        }
        const char *name = strcmp(word, "hip") == 0 ? "rocm" : strcmp(word, "mtl") == 0 ? "metal" : word;
        if (found == PLS_BACKEND_CPU && pls_backend_by_name(name, &one)) {
            found = one;
        }
        list += len + (list[len] == ',' ? 1 : 0);
    }
    return found;
}

static bool read_counts(const struct record *r, struct pls_measured_run *run)
{
    static const double tokens = 16777216;
    double v[6];
    if (!count_of(r, "n_prompt", tokens, 0, &v[0]) || !count_of(r, "n_gen", tokens, 0, &v[1])
        || !count_of(r, "n_depth", tokens, 0, &v[2]) || !count_of(r, "n_batch", tokens, 0, &v[3])
        || !count_of(r, "n_ubatch", tokens, 0, &v[4]) || !count_of(r, "n_threads", 4096, 0, &v[5])) {
        return false;
    }
    run->n_prompt = (uint64_t)v[0];
    run->n_gen = (uint64_t)v[1];
    run->n_depth = (uint64_t)v[2];
    run->n_batch = (uint64_t)v[3];
    run->n_ubatch = (uint64_t)v[4];
    run->n_threads = (uint32_t)v[5];
    return true;
}

static enum pls_type cache_type(const struct record *r, const char *key)
{
    const char *name = text_of(r, key);
    enum pls_type type = name != NULL ? pls_type_by_name(name) : PLS_TYPE_F16;
    return type == PLS_TYPE_NONE ? PLS_TYPE_F16 : type;
}

static enum pls_code take(struct reading *reading, const struct record *r)
{
    struct pls_measured_run run = { .tps = rate_of(r) };
    const char *model = text_of(r, "model_filename");
    if (model == NULL || model[0] == '\0' || !PLS_COPY(run.model, model)) {
        return pls_fail(reading->err, PLS_FORMAT, "test %u: no model_filename", r->number);
    }
    if (!read_counts(r, &run)) {
        return pls_fail(reading->err, PLS_FORMAT, "test %u: a count is not a whole number in range",
                        r->number);
    }
    if (!(run.tps > 0) || run.tps > 1e9) {
        return pls_fail(reading->err, PLS_FORMAT, "test %u: no rate (samples_ts or avg_ts)", r->number);
    }
    if ((run.n_prompt == 0) == (run.n_gen == 0)) {
        return PLS_OK;
    }
    double layers = number_of(r, "n_gpu_layers", -1);
    double flash = number_of(r, "flash_attn", -1);
    run.gpu_layers = layers >= 0 && layers < 100000 ? (int32_t)layers : -1;
    run.flash_attention = flash > 0 ? 1 : flash < 0 ? -1 : 0;
    run.type_k = cache_type(r, "type_k");
    run.type_v = cache_type(r, "type_v");
    run.backend = run.gpu_layers == 0 ? PLS_BACKEND_CPU : backend_of(text_of(r, "backends"));
    if (reading->n == reading->cap) {
        return pls_fail(reading->err, PLS_LIMIT, "more than %u tests", reading->cap);
    }
    reading->runs[reading->n++] = run;
    return PLS_OK;
}

static enum pls_code read_array(struct reading *reading, const char *text, size_t len)
{
    cJSON *root = json_parse(text, len);
    enum pls_code code = cJSON_IsArray(root) ? PLS_OK : pls_fail(reading->err, PLS_FORMAT, "not JSON");
    const cJSON *item = NULL;
    uint32_t number = 0;
    cJSON_ArrayForEach(item, root)
    {
        number++;
        struct record r = { .object = item, .number = number };
        code = code == PLS_OK ? take(reading, &r) : code;
    }
    cJSON_Delete(root);
    return code;
}

static enum pls_code read_lines(struct reading *reading, const char *text, size_t len)
{
    enum pls_code code = PLS_OK;
    uint32_t number = 0;
    for (size_t at = 0; at < len && code == PLS_OK;) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t line = end == NULL ? len - at : (size_t)(end - (text + at));
        number++;
        if (strspn(text + at, " \t\r") < line) {
            cJSON *object = json_parse(text + at, line);
            struct record r = { .object = object, .number = number };
            code = cJSON_IsObject(object)
                       ? take(reading, &r)
                       : pls_fail(reading->err, PLS_FORMAT, "line %u: not a JSON object", number);
            cJSON_Delete(object);
        }
        at += line + 1;
    }
    return code;
}

/* Cuts a line of CSV in place. */
static uint32_t cut(char *line, char *fields[FIELDS])
{
    uint32_t n = 0;
    bool more = true;
    while (more && n < FIELDS) {
        bool quoted = false;
        char *to = line;
        char *from = line;
        fields[n++] = line;
        for (; *from != '\0' && (quoted || *from != ','); from++) {
            if (*from != '"') {
                *to++ = *from;
            } else if (quoted && from[1] == '"') {
                *to++ = *from++;
            } else {
                quoted = !quoted;
            }
        }
        more = *from == ',';
        line = from + 1;
        *to = '\0';
    }
    return n;
}

static enum pls_code read_csv(struct reading *reading, const char *text, size_t len)
{
    char *names[FIELDS];
    char *values[FIELDS];
    char *rest = NULL;
    char *copy = malloc(len + 1);
    if (copy == NULL) {
        return pls_fail(reading->err, PLS_NOMEM, "out of memory");
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    char *line = strtok_r(copy, "\r\n", &rest);
    uint32_t n_names = line == NULL ? 0 : cut(line, names);
    struct record r = { .names = names, .values = values };
    enum pls_code code = PLS_OK;
    bool known = false;
    for (uint32_t i = 0; i < n_names; i++) {
        known = known || strcmp(names[i], "model_filename") == 0;
    }
    if (!known) {
        code = pls_fail(reading->err, PLS_FORMAT, "neither JSON nor CSV of llama-bench (no model_filename)");
    }
    while (code == PLS_OK && (line = strtok_r(NULL, "\r\n", &rest)) != NULL) {
        uint32_t n = cut(line, values);
        r.n = n < n_names ? n : n_names;
        r.number++;
        code = take(reading, &r);
    }
    free(copy);
    return code;
}

enum pls_code pls_bench_report(const char *text, size_t len, struct pls_measured_run *runs, uint32_t cap,
                               uint32_t *n, struct pls_err *err)
{
    struct reading reading = { runs, cap, 0, err };
    size_t at = 0;
    while (at < len && strchr(" \t\r\n", text[at]) != NULL && text[at] != '\0') {
        at++;
    }
    char first = at < len ? text[at] : '\0';
    enum pls_code code = first == '[' ? read_array(&reading, text + at, len - at)
        : first == '{'                ? read_lines(&reading, text + at, len - at)
                                      : read_csv(&reading, text + at, len - at);
    *n = code == PLS_OK ? reading.n : 0;
    return code;
}
