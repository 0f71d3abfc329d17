/* The columns of data/hardware.tsv and the struct they fill. Numbers are read strictly; an empty field is
 * unknown. */
#include "plimsoll/profile.h"

#include <string.h>

#include "plimsoll/text.h"

enum field_kind {
    FIELD_TEXT,
    FIELD_U32,
    FIELD_DOUBLE,
    FIELD_FIRST,
    FIELD_KIND,
    FIELD_BACKEND,
    FIELD_MEMORY,
    FIELD_LINK
};

static const struct column {
    const char *name;
    enum field_kind kind;
    size_t offset, size;
} columns[] = {
#define COLUMN(name, kind, field)                                                                            \
    {                                                                                                        \
        name, kind, offsetof(struct pls_profile, field), sizeof(((struct pls_profile *)0)->field)            \
    }
    COLUMN("id", FIELD_TEXT, id),
    COLUMN("vendor", FIELD_TEXT, vendor),
    COLUMN("generation", FIELD_TEXT, generation),
    COLUMN("name", FIELD_TEXT, name),
    COLUMN("kind", FIELD_KIND, kind),
    COLUMN("aliases", FIELD_TEXT, aliases),
    COLUMN("patterns", FIELD_TEXT, patterns),
    COLUMN("pci_ids", FIELD_TEXT, pci_ids),
    COLUMN("memory_gib", FIELD_MEMORY, memory_gib),
    COLUMN("usable_mib", FIELD_U32, usable_mib),
    COLUMN("devices", FIELD_U32, devices),
    COLUMN("memory_type", FIELD_TEXT, memory_type),
    COLUMN("bus_bits", FIELD_U32, bus_bits),
    COLUMN("bandwidth_gbs", FIELD_DOUBLE, bandwidth_gbs),
    COLUMN("fp16_tflops", FIELD_DOUBLE, fp16_tflops),
    COLUMN("fp32_tflops", FIELD_DOUBLE, fp32_tflops),
    COLUMN("gpu_cores", FIELD_U32, gpu_cores),
    COLUMN("cpu_cores_fast", FIELD_FIRST, cpu_cores_fast),
    COLUMN("cpu_cores_slow", FIELD_FIRST, cpu_cores_slow),
    COLUMN("link", FIELD_LINK, link_gbs),
    COLUMN("year", FIELD_U32, year),
    COLUMN("gpu_share", FIELD_TEXT, gpu_share),
    COLUMN("backend", FIELD_BACKEND, backend),
    COLUMN("confidence", FIELD_TEXT, confidence),
    COLUMN("source", FIELD_TEXT, source),
#undef COLUMN
};

static const char *const kind_names[] = { "discrete", "unified", "soc", "cpu-platform" };

const char *pls_profile_column(uint32_t index)
{
    return index < PLS_COUNT_OF(columns) ? columns[index].name : NULL;
}

static bool set_kind(const char *text, enum pls_profile_kind *out)
{
    for (size_t i = 0; i < PLS_COUNT_OF(kind_names); i++) {
        if (strcmp(kind_names[i], text) == 0) {
            *out = (enum pls_profile_kind)i;
            return true;
        }
    }
    return false;
}

/* "8;16;24" */
static bool set_memory(const char *text, struct pls_profile *p)
{
    char copy[64];
    char *rest = NULL;
    bool is_whole = PLS_COPY(copy, text);
    p->n_memory = 0;
    for (char *word = strtok_r(copy, ";", &rest); word != NULL; word = strtok_r(NULL, ";", &rest)) {
        if (p->n_memory == PLS_PROFILE_MEMORY_OPTIONS || !pls_parse_double(word, &p->memory_gib[p->n_memory])
            || p->memory_gib[p->n_memory] <= 0) {
            return false;
        }
        p->n_memory++;
    }
    return is_whole;
}

/* "4x16": generation and lanes. One way, after encoding: 0.985 GB/s per lane at generation 3, doubling with
 * each; generations 1 and 2 carry 0.25 and 0.5. A fused link ("C2C") or none has no such number. Source:
 * PCI-SIG line rates. */
static bool set_link(const char *text, double *out)
{
    static const double lane_gbs[] = { 0, 0.25, 0.5, 0.985, 1.969, 3.938, 7.563 };
    uint64_t lanes = 0;
    *out = 0;
    if (text[0] < '1' || text[0] > '6' || text[1] != 'x') {
        return text[0] == '\0' || strcmp(text, "C2C") == 0;
    }
    if (!pls_parse_u64(text + 2, &lanes)) {
        return false;
    }
    /* A processor platform lists all its lanes; one device has at most 16. */
    *out = lane_gbs[text[0] - '0'] * (double)pls_min(lanes, 16);
    return true;
}

/* The first of "6/8": the smaller bin, so that nothing is promised. */
static bool set_first(const char *text, uint32_t *out)
{
    char copy[16];
    uint64_t value = 0;
    PLS_COPY(copy, text);
    copy[strcspn(copy, "/")] = '\0';
    if (copy[0] != '\0' && (!pls_parse_u64(copy, &value) || value > UINT32_MAX)) {
        return false;
    }
    *out = (uint32_t)value;
    return true;
}

/* The observed total stands for the first size. */
uint64_t pls_profile_bytes(const struct pls_profile *p, double gib)
{
    bool is_first = p->n_memory > 0 && p->memory_gib[0] - gib < 0.5 && gib - p->memory_gib[0] < 0.5;
    return p->usable_mib > 0 && is_first ? p->usable_mib * PLS_MIB : (uint64_t)(gib * (double)PLS_GIB);
}

bool pls_profile_set(struct pls_profile *profile, uint32_t column, const char *text)
{
    uint64_t whole = 0;
    double real = 0;
    if (column >= PLS_COUNT_OF(columns)) {
        return false;
    }
    const struct column *c = &columns[column];
    void *field = (char *)profile + c->offset;
    switch (c->kind) {
    case FIELD_TEXT:
        return pls_copy(field, c->size, text);
    case FIELD_U32:
        if (text[0] != '\0' && (!pls_parse_u64(text, &whole) || whole > UINT32_MAX)) {
            return false;
        }
        *(uint32_t *)field = (uint32_t)whole;
        return true;
    case FIELD_DOUBLE:
        if (text[0] != '\0' && !pls_parse_double(text, &real)) {
            return false;
        }
        *(double *)field = real;
        return true;
    case FIELD_FIRST:
        return set_first(text, field);
    case FIELD_KIND:
        return set_kind(text, field);
    case FIELD_BACKEND:
        return pls_backend_by_name(text, field);
    case FIELD_MEMORY:
        return set_memory(text, profile);
    case FIELD_LINK:
        return set_link(text, field);
    }
    return false;
}

void pls_profile_get(const struct pls_profile *profile, uint32_t column, char *out, size_t cap)
{
    struct pls_text t = { .data = out, .len = 0, .cap = cap };
    out[0] = '\0';
    if (column >= PLS_COUNT_OF(columns)) {
        return;
    }
    const struct column *c = &columns[column];
    const void *field = (const char *)profile + c->offset;
    switch (c->kind) {
    case FIELD_TEXT:
        pls_text_add(&t, "%s", (const char *)field);
        break;
    case FIELD_U32:
    case FIELD_FIRST:
        pls_text_add(&t, "%u", *(const uint32_t *)field);
        break;
    case FIELD_DOUBLE:
    case FIELD_LINK:
        pls_text_add(&t, "%g", *(const double *)field);
        break;
    case FIELD_KIND:
        pls_text_add(&t, "%s", kind_names[*(const enum pls_profile_kind *)field]);
        break;
    case FIELD_BACKEND:
        pls_text_add(&t, "%s", pls_backend_name(*(const enum pls_backend *)field));
        break;
    case FIELD_MEMORY:
        for (uint32_t i = 0; i < profile->n_memory; i++) {
            pls_text_add(&t, "%s%g", i > 0 ? ";" : "", profile->memory_gib[i]);
        }
        break;
    }
}
