/* Reading a policy file: {"weight_speed": 0.3, "code": {"wish_context_tokens": 65536}}. A field at the top is
 * meant for every task, one under a task's name for that task alone, wherever in the file it stands. */
#include <math.h>
#include <string.h>

#include "plimsoll/render.h"
#include "render/json.h"

static const struct pls_policy_field *field_named(const char *name)
{
    uint32_t n = 0;
    const struct pls_policy_field *fields = pls_policy_fields(&n);
    for (uint32_t i = 0; i < n; i++) {
        if (strcmp(fields[i].name, name) == 0) {
            return &fields[i];
        }
    }
    return NULL;
}

/* under: "code." or empty, for the sentence. */
static enum pls_code read_field(const cJSON *item, const char *under, struct pls_policy *out,
                                struct pls_err *err)
{
    const struct pls_policy_field *field = field_named(item->string);
    double value = item->valuedouble;
    if (field == NULL) {
        return pls_fail(err, PLS_FORMAT, "'%s%.60s' is not a field of a policy", under, item->string);
    }
    if (!cJSON_IsNumber(item) || !isfinite(value) || value < field->least || value > field->most
        || (field->is_tokens && value != floor(value))) {
        return pls_fail(err, PLS_FORMAT, "%s%s: expected a %s from %g to %g", under, field->name,
                        field->is_tokens ? "whole number" : "number", field->least, field->most);
    }
    pls_policy_set(out, field, value);
    return PLS_OK;
}

static enum pls_code read_task(const cJSON *object, enum pls_task task, struct pls_policy *out,
                               struct pls_err *err)
{
    struct pls_policy other = *out; /* what is said of other tasks is checked, and goes nowhere */
    struct pls_policy *to = task == out->task ? out : &other;
    char under[24];
    struct pls_text t = PLS_TEXT(under);
    enum pls_code code = PLS_OK;
    const cJSON *item = NULL;
    pls_text_add(&t, "%s.", pls_task_name(task));
    cJSON_ArrayForEach(item, object)
    {
        code = code == PLS_OK ? read_field(item, under, to, err) : code;
    }
    return code;
}

static enum pls_code read_root(const cJSON *root, struct pls_policy *out, struct pls_err *err)
{
    enum pls_code code = PLS_OK;
    const cJSON *item = NULL;
    enum pls_task task = PLS_TASK_CHAT;
    cJSON_ArrayForEach(item, root)
    {
        bool is_task = cJSON_IsObject(item) && pls_task_by_name(item->string, &task);
        code = code == PLS_OK && !is_task ? read_field(item, "", out, err) : code;
    }
    cJSON_ArrayForEach(item, root)
    {
        bool is_task = cJSON_IsObject(item) && pls_task_by_name(item->string, &task);
        code = code == PLS_OK && is_task ? read_task(item, task, out, err) : code;
    }
    return code;
}

enum pls_code pls_policy_parse(const char *json, size_t len, struct pls_policy *out, struct pls_err *err)
{
    const char *end = NULL;
    cJSON *root =
        memchr(json, '\0', len) == NULL ? cJSON_ParseWithLengthOpts(json, len + 1, &end, true) : NULL;
    enum pls_code code = PLS_OK;
    struct pls_policy read = *out;
    if (!cJSON_IsObject(root)) {
        code = pls_fail(err, PLS_FORMAT, "not a JSON object");
    } else {
        code = read_root(root, &read, err);
    }
    if (code == PLS_OK && read.wish_context_tokens < read.min_context_tokens) {
        code = pls_fail(err, PLS_FORMAT, "wish_context_tokens is less than min_context_tokens");
    }
    if (code == PLS_OK) {
        *out = read;
    }
    cJSON_Delete(root);
    return code;
}
