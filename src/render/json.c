#include "render/json.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { TEXT_CAP = 16384 }; /* longest text value in a document: a command line or a card's name, escaped */

static cJSON *attach(struct pls_json *j, cJSON *in, const char *key, cJSON *item)
{
    bool ok = item != NULL && in != NULL;
    if (ok) {
        ok = key != NULL ? cJSON_AddItemToObject(in, key, item) : cJSON_AddItemToArray(in, item);
    }
    if (!ok) {
        cJSON_Delete(item);
        j->failed = true;
        return NULL;
    }
    return item;
}

struct pls_json pls_json_begin(const char *schema)
{
    struct pls_json j = { .root = cJSON_CreateObject(), .failed = false };
    pls_json_text(&j, j.root, "schema", schema);
    pls_json_text(&j, j.root, "version", PLS_VERSION);
    return j;
}

cJSON *pls_json_object(struct pls_json *j, cJSON *in, const char *key)
{
    return attach(j, in, key, cJSON_CreateObject());
}

cJSON *pls_json_array(struct pls_json *j, cJSON *in, const char *key)
{
    return attach(j, in, key, cJSON_CreateArray());
}

static void raw(struct pls_json *j, cJSON *in, const char *key, const char *text)
{
    attach(j, in, key, cJSON_CreateRaw(text));
}

void pls_json_u64(struct pls_json *j, cJSON *in, const char *key, uint64_t value)
{
    char room[24];
    struct pls_text t = PLS_TEXT(room);
    pls_text_add(&t, "%" PRIu64, value);
    raw(j, in, key, room);
}

void pls_json_i64(struct pls_json *j, cJSON *in, const char *key, int64_t value)
{
    char room[24];
    struct pls_text t = PLS_TEXT(room);
    pls_text_add(&t, "%" PRId64, value);
    raw(j, in, key, room);
}

void pls_json_null(struct pls_json *j, cJSON *in, const char *key)
{
    attach(j, in, key, cJSON_CreateNull());
}

void pls_json_known(struct pls_json *j, cJSON *in, const char *key, uint64_t value)
{
    if (value == 0) {
        pls_json_null(j, in, key);
    } else {
        pls_json_u64(j, in, key, value);
    }
}

/* Six significant digits: more than any estimate holds, and the same text on every system. */
void pls_json_number(struct pls_json *j, cJSON *in, const char *key, double value)
{
    char room[40];
    struct pls_text t = PLS_TEXT(room);
    if (!isfinite(value)) {
        pls_json_null(j, in, key);
        return;
    }
    pls_text_add(&t, "%.6g", value);
    raw(j, in, key, room);
}

void pls_json_rate(struct pls_json *j, cJSON *in, const char *key, double value)
{
    if (value > 0) {
        pls_json_number(j, in, key, value);
    } else {
        pls_json_null(j, in, key);
    }
}

void pls_json_text(struct pls_json *j, cJSON *in, const char *key, const char *value)
{
    char room[TEXT_CAP];
    struct pls_text t = PLS_TEXT(room);
    if (value == NULL || value[0] == '\0') {
        pls_json_null(j, in, key);
        return;
    }
    pls_text_escape(&t, value);
    attach(j, in, key, cJSON_CreateString(room));
}

void pls_json_raw_number(struct pls_json *j, cJSON *in, const char *text)
{
    raw(j, in, NULL, text);
}

void pls_json_flag(struct pls_json *j, cJSON *in, const char *key, bool value)
{
    attach(j, in, key, cJSON_CreateBool(value));
}

enum pls_code pls_render_write(FILE *to, const char *text, size_t len, struct pls_err *err)
{
    errno = 0;
    if (fwrite(text, 1, len, to) != len || fflush(to) != 0) {
        return pls_fail(err, PLS_IO, "output: %s", errno != 0 ? strerror(errno) : "could not be written");
    }
    return PLS_OK;
}

static enum pls_code write_text(struct pls_json *j, char *text, FILE *to, struct pls_err *err)
{
    if (j->failed || text == NULL) {
        cJSON_free(text);
        return pls_fail(err, PLS_NOMEM, "output: out of memory");
    }
    /* The closing NUL makes room for the newline, so that the document still is one write. */
    size_t len = strlen(text);
    text[len] = '\n';
    enum pls_code code = pls_render_write(to, text, len + 1, err);
    cJSON_free(text);
    return code;
}

enum pls_code pls_json_write(struct pls_json *j, FILE *to, struct pls_err *err)
{
    return write_text(j, cJSON_Print(j->root), to, err);
}

enum pls_code pls_json_line(struct pls_json *j, const cJSON *item, FILE *to, struct pls_err *err)
{
    return write_text(j, cJSON_PrintUnformatted(item), to, err);
}

void pls_json_end(struct pls_json *j)
{
    cJSON_Delete(j->root);
    j->root = NULL;
}
