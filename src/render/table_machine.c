#include <inttypes.h>

#include "render/answer.h"
#include "render/document.h"
#include "render/words.h"

enum { LINE_CAP = 1024 };

static const struct pls_pool *pool_of(const void *row)
{
    return row;
}

static void cell_id(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_escape(out, pool_of(row)->id);
}

static void cell_kind(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_add(out, "%s", pls_pool_kind_name(pool_of(row)->kind));
}

static void bytes(uint64_t n, bool is_known, bool raw, struct pls_text *out)
{
    if (!is_known) {
        pls_text_add(out, raw ? "" : "?");
    } else if (raw) {
        pls_text_add(out, "%" PRIu64, n);
    } else {
        pls_text_bytes(out, n);
    }
}

static void cell_capacity(const void *row, bool raw, struct pls_text *out)
{
    bytes(pool_of(row)->capacity_bytes, pool_of(row)->capacity_bytes > 0, raw, out);
}

static void cell_free(const void *row, bool raw, struct pls_text *out)
{
    bytes(pool_of(row)->free_bytes, pool_of(row)->free_bytes > 0, raw, out);
}

static void cell_reserved(const void *row, bool raw, struct pls_text *out)
{
    bytes(pool_of(row)->reserved_bytes, true, raw, out);
}

static void cell_budget(const void *row, bool raw, struct pls_text *out)
{
    bytes(pool_of(row)->budget_bytes, true, raw, out);
}

static void cell_bandwidth(const void *row, bool raw, struct pls_text *out)
{
    double gbs = pool_of(row)->bandwidth_gbs;
    if (!(gbs > 0)) {
        pls_text_add(out, raw ? "" : "?");
    } else if (raw) {
        pls_text_add(out, "%.6g", gbs);
    } else {
        pls_text_add(out, "%.*f GB/s", gbs < 9.95 ? 1 : 0, gbs);
    }
}

static void cell_origin(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_add(out, "%s", pls_origin_name(pool_of(row)->origin));
}

static const struct pls_column columns[] = {
    { "POOL", "pool", 0, 0, cell_id },
    { "KIND", "kind", 0, 0, cell_kind },
    { "CAPACITY", "capacity_bytes", 0, PLS_COLUMN_RIGHT, cell_capacity },
    { "FREE NOW", "free_bytes", 0, PLS_COLUMN_RIGHT, cell_free },
    { "KEPT FREE", "reserved_bytes", 0, PLS_COLUMN_RIGHT, cell_reserved },
    { "BUDGET", "budget_bytes", 0, PLS_COLUMN_RIGHT, cell_budget },
    { "READS AT", "bandwidth_gbs", 0, PLS_COLUMN_RIGHT, cell_bandwidth },
    { "ORIGIN", "origin", 0, 0, cell_origin },
};

static void system_line(struct pls_page *page, const struct pls_machine *m)
{
    pls_page_field(page, "System", "%s%s%s %s%s%s%s%s", m->os[0] != '\0' ? m->os : "unknown",
                   m->os_version[0] != '\0' ? " " : "", m->os_version, m->arch,
                   m->is_container ? ", in a container" : "", m->is_vm ? ", in a virtual machine" : "",
                   m->is_wsl ? ", WSL" : "", m->has_desktop ? ", desktop" : "");
}

static void cpu_lines(struct pls_page *page, const struct pls_cpu *c)
{
    char room[LINE_CAP];
    struct pls_text t = PLS_TEXT(room);
    pls_text_add(&t, "%s", c->name[0] != '\0' ? c->name : "unknown");
    if (c->cores > 0) {
        pls_text_add(&t, ", %u core%s, %u thread%s", c->cores, c->cores == 1 ? "" : "s", c->threads,
                     c->threads == 1 ? "" : "s");
    }
    for (uint32_t i = 0; i < c->n_tiers && c->n_tiers > 1; i++) {
        pls_text_add(&t, "%s%u %s", i == 0 ? " (" : ", ", c->tiers[i].cores, c->tiers[i].name);
    }
    pls_text_add(&t, "%s", c->n_tiers > 1 ? ")" : "");
    if (c->quota_cpus > 0) {
        pls_text_add(&t, ", limited to %.3g of them", c->quota_cpus);
    }
    pls_page_field(page, "CPU", "%s", room);
    t = PLS_TEXT(room);
    for (uint32_t bit = 0; bit < 32; bit++) {
        const char *name = (c->isa & 1u << bit) != 0 ? pls_isa_name((enum pls_isa)(1u << bit)) : NULL;
        if (name != NULL) {
            pls_text_add(&t, "%s%s", t.len > 0 ? " " : "", name);
        }
    }
    if (t.len > 0) {
        pls_page_field(page, "", "%s", room);
    }
}

static void gpu_lines(struct pls_page *page, const struct pls_machine *m)
{
    for (uint32_t i = 0; i < m->n_gpus; i++) {
        const struct pls_gpu *g = &m->gpus[i];
        const char *backend = g->backend != PLS_BACKEND_NONE ? pls_backend_name(g->backend) : NULL;
        pls_page_field(page, i == 0 ? "GPU" : "", "%s: %s%s%s%s%s", g->id,
                       g->name[0] != '\0' ? g->name : "unknown", g->pci_id[0] != '\0' ? ", PCI " : "",
                       g->pci_id, backend != NULL ? ", " : "", backend != NULL ? backend : "");
    }
    if (m->n_gpus == 0) {
        pls_page_field(page, "GPU", "none found");
    }
}

static void notes(struct pls_page *page, const struct pls_machine *m)
{
    for (uint32_t i = 0; i < m->n_pools; i++) {
        for (uint32_t k = 0; k < m->pools[i].n_limits; k++) {
            const struct pls_limit *l = &m->pools[i].limits[k];
            char size[64];
            struct pls_text t = PLS_TEXT(size);
            pls_text_bytes(&t, l->bytes);
            pls_page_field(page, "Limit", "%s of %s by %s%s%s", m->pools[i].id, size, l->code,
                           l->path[0] != '\0' ? ", " : "", l->path);
        }
    }
    for (uint32_t i = 0; i < m->n_notes; i++) {
        pls_page_field(page, "Note", "%s", m->notes[i].text);
    }
}

static enum pls_code table(struct pls_page *page, const struct pls_machine *m,
                           const struct pls_screen *screen, struct pls_err *err)
{
    struct pls_grid grid = { columns, PLS_COUNT_OF(columns), m->pools, sizeof(m->pools[0]), m->n_pools };
    if (m->name[0] != '\0') {
        pls_page_field(page, "Machine", "%s", m->name);
    }
    system_line(page, m);
    cpu_lines(page, &m->cpu);
    gpu_lines(page, m);
    fputc('\n', page->to);
    enum pls_code code = pls_page_grid(page, &grid, PLS_OUT_TABLE, screen->width, err);
    fputc('\n', page->to);
    notes(page, m);
    return code;
}

static void env(struct pls_page *page, const struct pls_machine *m)
{
    pls_page_env(page, "PLIMSOLL_OS", "%s", m->os);
    pls_page_env(page, "PLIMSOLL_ARCH", "%s", m->arch);
    pls_page_env(page, "PLIMSOLL_THREADS", "%u", m->cpu.threads);
    pls_answer_env_budgets(page, m);
}

enum pls_code pls_render_machine(FILE *to, enum pls_output output, const struct pls_machine *machine,
                                 const struct pls_screen *screen, struct pls_err *err)
{
    if (output == PLS_OUT_JSON || output == PLS_OUT_JSONL) {
        return pls_json_machine(to, output == PLS_OUT_JSONL, machine, err);
    }
    struct pls_page page;
    enum pls_code code = pls_page_begin(&page, screen->color && output == PLS_OUT_TABLE, err);
    if (code != PLS_OK) {
        return code;
    }
    if (output == PLS_OUT_TABLE) {
        code = table(&page, machine, screen, err);
    } else if (output == PLS_OUT_ENV) {
        env(&page, machine);
    } else {
        struct pls_grid grid = { columns, PLS_COUNT_OF(columns), machine->pools, sizeof(machine->pools[0]),
                                 machine->n_pools };
        code = pls_page_grid(&page, &grid, output, 0, err);
    }
    return pls_page_end(&page, code, to, err);
}
