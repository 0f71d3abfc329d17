/* Which row a device is, from what it reports. Each fact narrows the set of candidates; a fact that would
 * empty it is ignored, because devices under-report memory and hide revisions. Traps this order avoids: one
 * PCI id for several boards (AMD revisions), one name for several chips (RTX 3080 10 and 12 GB), names inside
 * names (A100 in A1000). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/profile_cpu.h"
#include "core/token.h"
#include "plimsoll/profile.h"
#include "plimsoll/text.h"

struct field {
    uint32_t n;
    uint16_t row[PLS_MAX_PROFILES];
};

/* How well "vendor:device[:revision]" fits: 0 not, 1 the revision is open, 2 it agrees. */
static int pci_fit(const char *pci_ids, const struct pls_device *d)
{
    int best = 0;
    for (const char *at = pci_ids; at != NULL && *at != '\0';
         at = strchr(at, ';'), at = at == NULL ? NULL : at + 1) {
        char *end = NULL;
        unsigned long vendor = strtoul(at, &end, 16);
        unsigned long device = *end == ':' ? strtoul(end + 1, &end, 16) : 0;
        if (vendor != d->pci_vendor || device != d->pci_device) {
            continue;
        }
        long revision = *end == ':' ? strtol(end + 1, NULL, 16) : -1;
        int fit = revision < 0 || d->pci_revision < 0 ? 1 : revision == d->pci_revision ? 2 : 0;
        best = fit > best ? fit : best;
    }
    return best;
}

static bool by_pci(struct pls_profiles profiles, const struct pls_device *d, struct field *out)
{
    int best = 1;
    if (d->pci_vendor == 0) {
        return false;
    }
    for (uint32_t i = 0; i < profiles.n; i++) {
        int fit = pci_fit(profiles.items[i].pci_ids, d);
        if (fit < best) {
            continue;
        }
        out->n = fit > best ? 0 : out->n;
        best = fit;
        out->row[out->n++] = (uint16_t)i;
    }
    return out->n > 0;
}

/* Length, in tokens and then letters, of the longest pattern of a row that stands in the name. */
static uint32_t name_fit(const struct pls_profile *p, const struct pls_tokens *name)
{
    uint32_t best = 0;
    for (const char *at = p->patterns; *at != '\0';) {
        size_t len = strcspn(at, "|");
        struct pls_tokens pattern = pls_tokens_of(at, len);
        if (pls_tokens_find(name, &pattern, p->kind == PLS_PROFILE_CPU) >= 0) {
            uint32_t fit = pattern.n * 1000 + (uint32_t)len;
            best = fit > best ? fit : best;
        }
        at += len + (at[len] == '|');
    }
    return best;
}

static bool by_name(struct pls_profiles profiles, const char *text, struct field *field)
{
    struct pls_tokens name = pls_tokens_of(text, strlen(text));
    struct field kept = { 0 };
    uint32_t best = 1;
    for (uint32_t i = 0; i < field->n; i++) {
        uint32_t fit = name_fit(&profiles.items[field->row[i]], &name);
        /* Patterns of one token count differ in vendor prefixes only: letters do not decide between rows. */
        if (fit / 1000 < best / 1000 || fit == 0) {
            continue;
        }
        kept.n = fit / 1000 > best / 1000 ? 0 : kept.n;
        best = fit;
        kept.row[kept.n++] = field->row[i];
    }
    if (kept.n == 0) {
        return false;
    }
    *field = kept;
    return true;
}

static double memory_distance(const struct pls_profile *p, double gib)
{
    double best = HUGE_VAL;
    for (uint32_t i = 0; i < p->n_memory; i++) {
        best = fmin(best, fabs(p->memory_gib[i] - gib) / p->memory_gib[i]);
    }
    return best;
}

static bool by_memory(struct pls_profiles profiles, double gib, struct field *field)
{
    struct field kept = { 0 };
    double best = HUGE_VAL;
    for (uint32_t i = 0; i < field->n; i++) {
        best = fmin(best, memory_distance(&profiles.items[field->row[i]], gib));
    }
    for (uint32_t i = 0; i < field->n; i++) {
        if (memory_distance(&profiles.items[field->row[i]], gib) <= best + 1e-9) {
            kept.row[kept.n++] = field->row[i];
        }
    }
    bool has_narrowed = kept.n > 0 && kept.n < field->n;
    *field = kept.n > 0 ? kept : *field;
    return has_narrowed;
}

static bool by_cores(struct pls_profiles profiles, uint32_t cores, struct field *field)
{
    struct field kept = { 0 };
    for (uint32_t i = 0; i < field->n; i++) {
        if (profiles.items[field->row[i]].gpu_cores == cores) {
            kept.row[kept.n++] = field->row[i];
        }
    }
    bool has_narrowed = kept.n > 0 && kept.n < field->n;
    *field = kept.n > 0 ? kept : *field;
    return has_narrowed;
}

/* A processor whose number no row lists: the platform that such numbers belong to. */
static struct pls_match by_model(struct pls_profiles profiles, const char *name)
{
    struct pls_match out = { 0 };
    struct pls_tokens words = pls_tokens_of(name, strlen(name));
    struct pls_cpu_model model = pls_cpu_model_of(&words);
    for (uint32_t i = 0; i < profiles.n && model.platform != NULL && out.n == 0; i++) {
        if (strcmp(profiles.items[i].id, model.platform) == 0) {
            out.items[out.n++] = &profiles.items[i];
            PLS_COPY(out.why, "processor model number");
        }
    }
    return out;
}

struct pls_match pls_profile_match(struct pls_profiles profiles, const struct pls_device *device)
{
    struct pls_match out = { 0 };
    struct pls_text why = PLS_TEXT(out.why);
    struct field field = { 0 };
    bool has_name = device->name != NULL && device->name[0] != '\0';
    profiles.n = profiles.n > PLS_MAX_PROFILES ? PLS_MAX_PROFILES : profiles.n;
    bool has_pci = by_pci(profiles, device, &field);
    if (!has_pci) {
        for (uint32_t i = 0; i < profiles.n; i++) {
            field.row[field.n++] = (uint16_t)i;
        }
    }
    bool is_named = has_name && by_name(profiles, device->name, &field);
    if (!has_pci && !is_named) {
        return has_name ? by_model(profiles, device->name) : out;
    }
    pls_text_add(&why, "%s%s%s", has_pci ? "PCI id" : "", has_pci && is_named ? ", " : "",
                 is_named ? "name" : "");
    if (device->memory_gib > 0 && by_memory(profiles, device->memory_gib, &field)) {
        pls_text_add(&why, ", memory size");
    }
    if (device->gpu_cores > 0 && by_cores(profiles, device->gpu_cores, &field)) {
        pls_text_add(&why, ", core count");
    }
    for (uint32_t i = 0; i < field.n && out.n < PLS_COUNT_OF(out.items); i++) {
        out.items[out.n++] = &profiles.items[field.row[i]];
    }
    return out;
}
