/* What the fuzz targets share: a machine to place things on, and what must hold of every answer. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdlib.h>
#include <string.h>

#include "plimsoll/plan.h"
#include "plimsoll/text.h"

enum { FUZZ_ROOM = 96 << 20 };

/* 16 GiB of RAM and a card of 8 GiB, budgets applied. */
static inline struct pls_machine fuzz_machine(void)
{
    struct pls_machine m = { .os = "linux", .cpu = { .cores = 4, .threads = 8 } };
    struct pls_budget_policy policy = pls_budget_policy_default();
    struct pls_pool *ram = pls_machine_pool(&m, "ram", PLS_POOL_RAM);
    ram->capacity_bytes = 16 * PLS_GIB;
    struct pls_gpu *gpu = pls_machine_gpu(&m, "nvidia", PLS_POOL_VRAM);
    gpu->backend = PLS_BACKEND_CUDA;
    m.pools[1].capacity_bytes = 8 * PLS_GIB;
    pls_budget_apply(&m, &policy);
    return m;
}

/* A failure has one sentence of one line. */
static inline void fuzz_sentence(enum pls_code code, const struct pls_err *err)
{
    if (code != PLS_OK && (err->text[0] == '\0' || memchr(err->text, '\0', sizeof(err->text)) == NULL)) {
        abort();
    }
}

/* A rate is unknown (0) or a number, in the middle of its interval. */
static inline void fuzz_rate(double low, double middle, double high)
{
    if (!(middle >= 0 && middle < 1e300) || (middle > 0 && !(low > 0 && low <= middle && middle <= high))) {
        abort();
    }
}

/* What fits is within the budget of every pool, and the classes add up to the total. */
static inline void fuzz_plan(const struct pls_plan *p)
{
    struct pls_bytes sum = p->bytes;
    const struct pls_speed *v = &p->speed;
    fuzz_rate(v->decode_low_tps, v->decode_tps, v->decode_high_tps);
    fuzz_rate(v->prefill_low_tps, v->prefill_tps, v->prefill_high_tps);
    pls_bytes_sum(&sum);
    if (sum.total != p->bytes.total) {
        abort();
    }
    for (uint32_t i = 0; i < p->n_shares; i++) {
        const struct pls_share *s = &p->shares[i];
        if (p->fit == PLS_FIT_YES && (s->bytes.total > s->budget_bytes || s->bytes.total == PLS_SATURATED)) {
            abort();
        }
    }
}

#endif
