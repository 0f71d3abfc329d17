#include "probe/values.h"

#include <string.h>

#include "plimsoll/text.h"

void pls_values_set(struct pls_values *v, const char *name, const char *text)
{
    if (v->n < PLS_MAX_VALUES && strlen(name) < PLS_VALUE_NAME && strlen(text) < PLS_VALUE_TEXT) {
        PLS_COPY(v->value[v->n].name, name);
        PLS_COPY(v->value[v->n].text, text);
        v->n++;
    }
}

void pls_values_set_u64(struct pls_values *v, const char *name, uint64_t number)
{
    char room[24];
    struct pls_text t = PLS_TEXT(room);
    pls_text_add(&t, "%llu", (unsigned long long)number);
    pls_values_set(v, name, room);
}

const char *pls_values_get(const struct pls_values *v, const char *name)
{
    for (uint32_t i = 0; i < v->n; i++) {
        if (pls_text_equal(v->value[i].name, name)) {
            return v->value[i].text;
        }
    }
    return NULL;
}

bool pls_values_get_u64(const struct pls_values *v, const char *name, uint64_t *out)
{
    const char *text = pls_values_get(v, name);
    return text != NULL && pls_parse_u64(text, out);
}

static bool numbered(char out[PLS_VALUE_NAME], const char *pattern, uint32_t n)
{
    const char *mark = strchr(pattern, '#');
    struct pls_text t = { out, 0, PLS_VALUE_NAME, false };
    pls_text_add(&t, "%.*s%u%s", (int)(mark - pattern), pattern, (unsigned)n, mark + 1);
    return !t.truncated;
}

const char *pls_values_get_n(const struct pls_values *v, const char *pattern, uint32_t n)
{
    char name[PLS_VALUE_NAME];
    return numbered(name, pattern, n) ? pls_values_get(v, name) : NULL;
}

bool pls_values_get_n_u64(const struct pls_values *v, const char *pattern, uint32_t n, uint64_t *out)
{
    const char *text = pls_values_get_n(v, pattern, n);
    return text != NULL && pls_parse_u64(text, out);
}

void pls_values_set_n(struct pls_values *v, const char *pattern, uint32_t n, const char *text)
{
    char name[PLS_VALUE_NAME];
    if (numbered(name, pattern, n)) {
        pls_values_set(v, name, text);
    }
}

void pls_values_set_n_u64(struct pls_values *v, const char *pattern, uint32_t n, uint64_t number)
{
    char name[PLS_VALUE_NAME];
    if (numbered(name, pattern, n)) {
        pls_values_set_u64(v, name, number);
    }
}

static void parse_line(struct pls_values *v, const char *line, size_t len)
{
    char name[PLS_VALUE_NAME];
    char text[PLS_VALUE_TEXT];
    size_t cut = 0;
    while (cut < len && line[cut] != ':' && line[cut] != '=') {
        cut++;
    }
    size_t name_len = cut;
    while (name_len > 0 && line[name_len - 1] == ' ') {
        name_len--;
    }
    size_t from = cut + 1;
    while (from < len && line[from] == ' ') {
        from++;
    }
    if (line[0] == '#' || cut == len || name_len == 0 || name_len >= sizeof(name)
        || len - from >= sizeof(text)) {
        return;
    }
    memcpy(name, line, name_len);
    name[name_len] = '\0';
    memcpy(text, line + from, len - from);
    text[len - from] = '\0';
    pls_values_set(v, name, text);
}

void pls_values_parse(struct pls_values *v, const char *text)
{
    while (*text != '\0') {
        size_t len = strcspn(text, "\r\n");
        if (len > 0) {
            parse_line(v, text, len);
        }
        text += len;
        text += strspn(text, "\r\n");
    }
}
