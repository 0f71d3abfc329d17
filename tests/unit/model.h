/* Finds a card of tests/fixtures/models.tsv and makes machines and models for tests of sizing and placement.
 */
#ifndef MODEL_H
#define MODEL_H

#include "cardline.h"
#include "plimsoll/machine.h"
#include "plimsoll/tensor.h"

static inline void model_card(const char *id, struct pls_card *out)
{
    static char line[65536];
    FILE *f = fopen("tests/fixtures/models.tsv", "r");
    size_t len = strlen(id);
    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof line, f) != NULL) {
        if (strncmp(line, "card\t", 5) == 0 && strncmp(line + 5, id, len) == 0 && line[5 + len] == '\t') {
            line[strcspn(line, "\n")] = '\0';
            cardline_read(line, out);
            PLS_COPY(out->name, id);
            fclose(f);
            return;
        }
    }
    ck_abort_msg("no card %s", id);
}

static inline void model_make(const char *id, struct pls_arena *arena, struct pls_model *out)
{
    struct pls_err err = { PLS_OK, "" };
    memset(out, 0, sizeof *out);
    model_card(id, &out->card);
    out->stored.ftype = PLS_FTYPE_NONE;
    ck_assert_msg(pls_arch_tensors(&out->card, arena, &out->tensors, &err) == PLS_OK, "%s: %s", id, err.text);
}

/* x86 with AVX2 and ram_bytes of budget; GPUs are added after. */
static inline struct pls_machine machine_make(uint64_t ram_bytes)
{
    struct pls_machine m;
    memset(&m, 0, sizeof m);
    PLS_COPY(m.name, "test");
    PLS_COPY(m.os, "linux");
    PLS_COPY(m.arch, "x86_64");
    m.cpu.isa = PLS_ISA_AVX | PLS_ISA_AVX2 | PLS_ISA_FMA | PLS_ISA_F16C;
    m.n_pools = 1;
    PLS_COPY(m.pools[0].id, "ram");
    m.pools[0].gpu = -1;
    m.pools[0].within = -1;
    m.pools[0].capacity_bytes = ram_bytes;
    m.pools[0].budget_bytes = ram_bytes;
    return m;
}

static inline void machine_gpu(struct pls_machine *m, enum pls_backend backend, enum pls_pool_kind kind,
                               uint64_t bytes)
{
    struct pls_pool *p = &m->pools[m->n_pools];
    struct pls_gpu *g = &m->gpus[m->n_gpus];
    p->id[0] = 'g';
    p->id[1] = (char)('0' + m->n_gpus);
    p->kind = kind;
    p->gpu = (int32_t)m->n_gpus;
    p->within = kind == PLS_POOL_VRAM ? -1 : 0;
    p->capacity_bytes = bytes;
    p->budget_bytes = bytes;
    g->backend = backend;
    g->pool = (int32_t)m->n_pools;
    m->n_pools++;
    m->n_gpus++;
}

#endif
