/* The hardware table, one profile, and the answer of `hardware match`. */
#include <inttypes.h>

#include "render/document.h"
#include "render/page.h"
#include "render/words.h"

enum { LINE_CAP = 512 };

/* Rows are pointers into the table. */
static const struct pls_profile *profile_of(const void *row)
{
    return *(const struct pls_profile *const *)row;
}

static const char *kind_name(enum pls_profile_kind kind)
{
    static const char *const names[] = { "card", "unified", "soc", "cpu" };
    return (size_t)kind < PLS_COUNT_OF(names) ? names[kind] : "unknown";
}

static void cell_id(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_escape(out, profile_of(row)->id);
}

static void cell_name(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_escape(out, profile_of(row)->name);
}

static void cell_kind(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_add(out, "%s", kind_name(profile_of(row)->kind));
}

static void cell_memory(const void *row, bool raw, struct pls_text *out)
{
    const struct pls_profile *p = profile_of(row);
    for (uint32_t i = 0; i < p->n_memory; i++) {
        pls_text_add(out, "%s%g", i == 0 ? "" : raw ? " " : ", ", p->memory_gib[i]);
    }
    pls_text_add(out, "%s", p->n_memory > 0 && !raw ? " GiB" : "");
}

static void number(double value, const char *unit, bool raw, struct pls_text *out)
{
    if (value > 0) {
        pls_text_add(out, "%.4g%s", value, raw ? "" : unit);
    } else {
        pls_text_add(out, raw ? "" : "?");
    }
}

static void cell_bandwidth(const void *row, bool raw, struct pls_text *out)
{
    number(profile_of(row)->bandwidth_gbs, " GB/s", raw, out);
}

static void cell_fp16(const void *row, bool raw, struct pls_text *out)
{
    number(profile_of(row)->fp16_tflops, " TFLOPS", raw, out);
}

static void cell_backend(const void *row, bool raw, struct pls_text *out)
{
    const char *name =
        profile_of(row)->backend != PLS_BACKEND_NONE ? pls_backend_name(profile_of(row)->backend) : NULL;
    (void)raw;
    pls_text_add(out, "%s", name != NULL ? name : "");
}

static void cell_year(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    if (profile_of(row)->year != 0) {
        pls_text_add(out, "%u", profile_of(row)->year);
    }
}

static const struct pls_column columns[] = {
    { "ID", "id", 0, 0, cell_id },
    { "NAME", "name", 16, PLS_COLUMN_TRUNC, cell_name },
    { "KIND", "kind", 0, 0, cell_kind },
    { "MEMORY", "memory_gib", 0, PLS_COLUMN_RIGHT, cell_memory },
    { "BANDWIDTH", "bandwidth_gbs", 0, PLS_COLUMN_RIGHT, cell_bandwidth },
    { "FP16", "fp16_tflops", 0, PLS_COLUMN_RIGHT | PLS_COLUMN_WIDE, cell_fp16 },
    { "BACKEND", "backend", 0, 0, cell_backend },
    { "YEAR", "year", 0, PLS_COLUMN_WIDE, cell_year },
};

static void add_profile(struct pls_json *j, cJSON *o, const struct pls_profile *p)
{
    pls_json_text(j, o, "id", p->id);
    pls_json_text(j, o, "name", p->name);
    pls_json_text(j, o, "vendor", p->vendor);
    pls_json_text(j, o, "generation", p->generation);
    pls_json_text(j, o, "kind", kind_name(p->kind));
    cJSON *memory = pls_json_array(j, o, "memory_bytes");
    for (uint32_t i = 0; i < p->n_memory; i++) {
        pls_json_u64(j, memory, NULL, (uint64_t)(p->memory_gib[i] * (double)PLS_GIB));
    }
    pls_json_known(j, o, "usable_bytes", p->usable_mib * PLS_MIB);
    pls_json_u64(j, o, "devices", p->devices > 1 ? p->devices : 1);
    pls_json_text(j, o, "memory_type", p->memory_type);
    pls_json_rate(j, o, "bandwidth_gbs", p->bandwidth_gbs);
    pls_json_rate(j, o, "fp16_tflops", p->fp16_tflops);
    pls_json_rate(j, o, "fp32_tflops", p->fp32_tflops);
    pls_json_known(j, o, "gpu_cores", p->gpu_cores);
    pls_json_rate(j, o, "link_gbs", p->link_gbs);
    pls_json_text(j, o, "backend", p->backend != PLS_BACKEND_NONE ? pls_backend_name(p->backend) : NULL);
    pls_json_known(j, o, "year", p->year);
    pls_json_text(j, o, "confidence", p->confidence);
    pls_json_text(j, o, "source", p->source);
}

static enum pls_code json_profiles(FILE *to, bool lines, const struct pls_profile *const *items, uint32_t n,
                                   struct pls_err *err)
{
    struct pls_json j = pls_json_begin("plimsoll.hardware/1");
    cJSON *array = pls_json_array(&j, j.root, "profiles");
    enum pls_code code = PLS_OK;
    for (uint32_t i = 0; i < n && code == PLS_OK; i++) {
        cJSON *o = pls_json_object(&j, array, NULL);
        add_profile(&j, o, items[i]);
        code = lines ? pls_json_line(&j, o, to, err) : PLS_OK;
    }
    code = code == PLS_OK && !lines ? pls_json_write(&j, to, err) : code;
    pls_json_end(&j);
    return code;
}

enum pls_code pls_render_profiles(FILE *to, enum pls_output output, const struct pls_profile *const *items,
                                  uint32_t n, const struct pls_screen *screen, struct pls_err *err)
{
    struct pls_grid grid = { columns, PLS_COUNT_OF(columns), items, sizeof(struct pls_profile *), n };
    struct pls_page page;
    if (output == PLS_OUT_JSON || output == PLS_OUT_JSONL) {
        return json_profiles(to, output == PLS_OUT_JSONL, items, n, err);
    }
    enum pls_code code = pls_page_begin(&page, screen->color, err);
    if (code != PLS_OK) {
        return code;
    }
    if (n == 0 && output == PLS_OUT_TABLE) {
        pls_page_field(&page, "Nothing", "matches");
    } else {
        code = pls_page_grid(&page, &grid, output, screen->width, err);
    }
    return pls_page_end(&page, code, to, err);
}

enum pls_code pls_render_profile(FILE *to, enum pls_output output, const struct pls_profile *p,
                                 struct pls_err *err)
{
    struct pls_page page;
    char room[LINE_CAP];
    struct pls_text t = PLS_TEXT(room);
    if (output != PLS_OUT_TABLE) {
        struct pls_screen plain = { .width = 0 };
        return pls_render_profiles(to, output, &p, 1, &plain, err);
    }
    enum pls_code code = pls_page_begin(&page, false, err);
    if (code != PLS_OK) {
        return code;
    }
    cell_memory(&p, false, &t);
    pls_page_field(&page, "Device", "%s (%s)", p->name, p->id);
    pls_page_field(&page, "Kind", "%s%s%s", kind_name(p->kind), p->backend != PLS_BACKEND_NONE ? ", " : "",
                   p->backend != PLS_BACKEND_NONE ? pls_backend_name(p->backend) : "");
    pls_page_field(&page, "Memory", "%s %s at %.4g GB/s", room, p->memory_type, p->bandwidth_gbs);
    if (p->fp16_tflops > 0 || p->fp32_tflops > 0) {
        pls_page_field(&page, "Compute", "%.4g TFLOPS in FP16, %.4g in FP32", p->fp16_tflops, p->fp32_tflops);
    }
    if (p->usable_mib > 0) {
        pls_page_field(&page, "", "of which %u MiB are reported by the device", p->usable_mib);
    }
    if (p->devices > 1) {
        pls_page_field(&page, "Devices", "%u on one card, each as above", p->devices);
    }
    if (p->gpu_share[0] != '\0') {
        pls_page_field(&page, "GPU share", "%s", p->gpu_share);
    }
    pls_page_field(&page, "Reports", "%s", p->patterns[0] != '\0' ? p->patterns : "unknown");
    pls_page_field(&page, "Source", "%s (%s confidence)", p->source, p->confidence);
    return pls_page_end(&page, PLS_OK, to, err);
}

enum pls_code pls_render_match(FILE *to, enum pls_output output, const struct pls_match *match,
                               struct pls_err *err)
{
    if (output != PLS_OUT_JSON && output != PLS_OUT_JSONL) {
        struct pls_page page;
        enum pls_code code = pls_page_begin(&page, false, err);
        for (uint32_t i = 0; i < match->n && code == PLS_OK; i++) {
            fprintf(page.to, "%s\n", match->items[i]->id);
        }
        if (code == PLS_OK && match->n == 0) {
            pls_page_field(&page, "Nothing", "matches");
        }
        return code == PLS_OK ? pls_page_end(&page, code, to, err) : code;
    }
    struct pls_json j = pls_json_begin("plimsoll.match/1");
    cJSON *ids = pls_json_array(&j, j.root, "ids");
    for (uint32_t i = 0; i < match->n; i++) {
        pls_json_text(&j, ids, NULL, match->items[i]->id);
    }
    pls_json_text(&j, j.root, "why", match->why);
    enum pls_code code =
        output == PLS_OUT_JSONL ? pls_json_line(&j, j.root, to, err) : pls_json_write(&j, to, err);
    pls_json_end(&j);
    return code;
}
