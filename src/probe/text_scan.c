#include <stdlib.h>
#include <string.h>

#include "probe/parts.h"

bool pls_scan_next(const char **text, char *line, size_t cap)
{
    if (**text == '\0') {
        return false;
    }
    size_t len = strcspn(*text, "\n");
    size_t keep = len < cap ? len : cap - 1;
    memcpy(line, *text, keep);
    line[keep] = '\0';
    *text += len + ((*text)[len] == '\n' ? 1 : 0);
    return true;
}

/* Blanks off both ends; the rest of the room is cleared, so that structs filled here compare equal
 * bytewise. */
static void trim(char *text, size_t cap)
{
    size_t lead = strspn(text, " \t");
    memmove(text, text + lead, strlen(text + lead) + 1);
    size_t len = strlen(text);
    while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL) {
        len--;
    }
    memset(text + len, 0, cap - len);
}

bool pls_scan_field(const char *text, const char *key, char *out, size_t cap)
{
    size_t key_len = strlen(key);
    for (const char *at = text; at != NULL && *at != '\0';
         at = strchr(at, '\n'), at = at == NULL ? NULL : at + 1) {
        if (strncmp(at, key, key_len) != 0) {
            continue;
        }
        const char *rest = at + key_len + strspn(at + key_len, " \t");
        if (rest == at + key_len && *rest != ':' && *rest != '=') {
            continue; /* a longer key: "MemFree" in "MemFreeable: 1" */
        }
        rest += *rest == ':' || *rest == '=' ? 1 : 0;
        pls_scan_next(&rest, out, cap);
        trim(out, cap);
        return true;
    }
    return false;
}

bool pls_scan_kib(const char *text, const char *key, uint64_t *out_bytes)
{
    char field[48];
    uint64_t kib = 0;
    if (!pls_scan_field(text, key, field, sizeof(field))) {
        return false;
    }
    field[strspn(field, "0123456789")] = '\0';
    if (!pls_parse_u64(field, &kib)) {
        return false;
    }
    *out_bytes = pls_mul(kib, PLS_KIB);
    return true;
}

bool pls_scan_word(const char *text, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word)) {
        bool begins = at == text || strchr(" \t\n:", at[-1]) != NULL;
        if (begins && (at[len] == '\0' || strchr(" \t\n", at[len]) != NULL)) {
            return true;
        }
    }
    return false;
}

char *pls_scan_file(struct pls_root *root, const char *path, size_t cap)
{
    char *text = malloc(cap);
    enum pls_code code = text == NULL ? PLS_NOMEM : pls_root_read(root, path, text, cap, NULL, NULL);
    if (code != PLS_OK && code != PLS_LIMIT) {
        free(text);
        return NULL;
    }
    return text;
}

void pls_scan_file_free(char *text)
{
    free(text);
}

bool pls_scan_line(struct pls_root *root, const char *path, char *out, size_t cap)
{
    enum pls_code code = pls_root_read(root, path, out, cap, NULL, NULL);
    if (code != PLS_OK && code != PLS_LIMIT) {
        return false;
    }
    out[strcspn(out, "\n")] = '\0';
    trim(out, cap);
    return out[0] != '\0';
}

/* Digits at *at, moved past them. False when there are none. */
static bool scan_number(const char **at, uint64_t *out)
{
    char digits[24];
    size_t len = strspn(*at, "0123456789");
    if (len == 0 || len >= sizeof(digits)) {
        return false;
    }
    memcpy(digits, *at, len);
    digits[len] = '\0';
    *at += len;
    return pls_parse_u64(digits, out);
}

bool pls_scan_list_has(const char *list, uint32_t n)
{
    const char *at = list;
    if (*at == '\0') {
        return true;
    }
    for (;;) {
        uint64_t first = 0;
        if (!scan_number(&at, &first)) {
            return false;
        }
        uint64_t last = first;
        if (*at == '-') {
            at++;
            if (!scan_number(&at, &last)) {
                return false;
            }
        }
        if (n >= first && n <= last) {
            return true;
        }
        if (*at != ',') {
            return false;
        }
        at++;
    }
}
