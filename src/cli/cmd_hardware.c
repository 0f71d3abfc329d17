/* hardware [WORD...], hardware show ID, hardware match: the table behind --on. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"

static bool contains_nocase(const char *text, const char *word)
{
    char a[512];
    char b[128];
    PLS_COPY(a, text);
    PLS_COPY(b, word);
    pls_text_lower(a);
    pls_text_lower(b);
    return strstr(a, b) != NULL;
}

static bool matches(const struct pls_profile *p, const struct pls_args *args)
{
    for (uint32_t i = 0; i < args->n_operands; i++) {
        const char *word = args->operands[i];
        if (!contains_nocase(p->id, word) && !contains_nocase(p->name, word)
            && !contains_nocase(p->aliases, word) && !contains_nocase(p->vendor, word)
            && !contains_nocase(p->generation, word)) {
            return false;
        }
    }
    return true;
}

static enum pls_code list(struct pls_session *s, struct pls_err *err)
{
    const struct pls_profile **items = PLS_TAKE(&s->arena, const struct pls_profile *, s->profiles.n + 1);
    uint32_t n = 0;
    if (items == NULL) {
        return pls_fail(err, PLS_NOMEM, "hardware: out of memory");
    }
    for (uint32_t i = 0; i < s->profiles.n; i++) {
        if (matches(&s->profiles.items[i], s->args)) {
            items[n++] = &s->profiles.items[i];
        }
    }
    enum pls_code code = pls_render_profiles(stdout, s->output, items, n, &s->screen, err);
    return code == PLS_OK && n == 0 ? PLS_NO : code;
}

static enum pls_code show(struct pls_session *s, const char *id, struct pls_err *err)
{
    for (uint32_t i = 0; i < s->profiles.n; i++) {
        if (pls_text_equal_nocase(s->profiles.items[i].id, id)) {
            return pls_render_profile(stdout, s->output, &s->profiles.items[i], err);
        }
    }
    const char **names = PLS_TAKE(&s->arena, const char *, s->profiles.n + 1);
    for (uint32_t i = 0; names != NULL && i < s->profiles.n; i++) {
        names[i] = s->profiles.items[i].id;
    }
    const char *near = names != NULL ? pls_suggest(id, names, s->profiles.n) : NULL;
    return pls_fail(err, PLS_USAGE, "hardware show: no profile '%s'%s%s%s", id,
                    near != NULL ? " (did you mean " : "", near != NULL ? near : "",
                    near != NULL ? "?)" : "");
}

static bool parse_hex(const char *text, size_t len, uint32_t *out)
{
    uint32_t value = 0;
    if (len > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        text += 2;
        len -= 2;
    }
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        uint32_t digit = c >= '0' && c <= '9' ? (uint32_t)(c - '0')
            : c >= 'a' && c <= 'f'            ? (uint32_t)(c - 'a') + 10
            : c >= 'A' && c <= 'F'            ? (uint32_t)(c - 'A') + 10
                                              : 16;
        if (digit == 16 || value > 0xFFFFFFFU) {
            return false;
        }
        value = value * 16 + digit;
    }
    *out = value;
    return len > 0;
}

/* "12", "12GB", "12227MiB": GiB when no unit is said. */
static enum pls_code read_memory(const char *text, double *gib, struct pls_err *err)
{
    uint64_t bytes = 0;
    if (text == NULL || pls_parse_double(text, gib)) {
        return *gib >= 0 ? PLS_OK : pls_fail(err, PLS_USAGE, "--memory: '%s' is not a size", text);
    }
    if (!pls_parse_bytes(text, &bytes)) {
        return pls_fail(err, PLS_USAGE, "--memory: '%s' is not a size (24, 12GB, 12227MiB)", text);
    }
    *gib = (double)bytes / (double)PLS_GIB;
    return PLS_OK;
}

/* VENDOR:DEVICE or VENDOR:DEVICE:REVISION. */
static enum pls_code read_pci(const char *pci, struct pls_device *device, struct pls_err *err)
{
    size_t colon = strcspn(pci, ":");
    const char *id = pci + colon + (pci[colon] == ':');
    size_t len = strcspn(id, ":");
    uint32_t r = 0;
    bool is_id = parse_hex(pci, colon, &device->pci_vendor) && parse_hex(id, len, &device->pci_device);
    bool has_revision = id[len] == ':';
    if (!is_id || (has_revision && (!parse_hex(id + len + 1, strlen(id + len + 1), &r) || r > 0xFF))) {
        return pls_fail(err, PLS_USAGE, "--pci: '%s' is not VENDOR:DEVICE[:REVISION] in hexadecimal", pci);
    }
    device->pci_revision = has_revision ? (int32_t)r : device->pci_revision;
    return PLS_OK;
}

static enum pls_code match(struct pls_session *s, struct pls_err *err)
{
    const char *pci = pls_args_text(s->args, PLS_OPT_PCI);
    const char *revision = pls_args_text(s->args, PLS_OPT_REVISION);
    const char *name = pls_args_text(s->args, PLS_OPT_NAME);
    uint32_t r = 0;
    struct pls_device device = {
        .name = name != NULL ? name : "",
        .pci_revision = -1,
        .gpu_cores = (uint32_t)pls_args_u64(s->args, PLS_OPT_CORES, 0),
    };
    if (name == NULL && pci == NULL) {
        return pls_fail(err, PLS_USAGE, "hardware match: needs --name or --pci");
    }
    enum pls_code code = pci != NULL ? read_pci(pci, &device, err) : PLS_OK;
    code =
        code == PLS_OK ? read_memory(pls_args_text(s->args, PLS_OPT_MEMORY), &device.memory_gib, err) : code;
    if (code != PLS_OK) {
        return code;
    }
    if (revision != NULL) {
        if (!parse_hex(revision, strlen(revision), &r) || r > 0xFF) {
            return pls_fail(err, PLS_USAGE, "--revision: '%s' is not a hexadecimal byte", revision);
        }
        device.pci_revision = (int32_t)r;
    }
    struct pls_match found = pls_profile_match(s->profiles, &device);
    code = pls_render_match(stdout, s->output, &found, err);
    return code == PLS_OK && found.n == 0 ? PLS_NO : code;
}

enum pls_code pls_cmd_hardware(struct pls_session *s, struct pls_err *err)
{
    const struct pls_args *args = s->args;
    const char *verb = args->n_operands > 0 ? args->operands[0] : "";
    if (pls_text_equal(verb, "show") && args->n_operands != 2) {
        return pls_fail(err, PLS_USAGE, "hardware show: needs one id");
    }
    enum pls_code code = pls_session_profiles(s, &s->profiles, err);
    if (code != PLS_OK) {
        return code;
    }
    if (pls_text_equal(verb, "show")) {
        return show(s, args->operands[1], err);
    }
    return pls_text_equal(verb, "match") && args->n_operands == 1 ? match(s, err) : list(s, err);
}
