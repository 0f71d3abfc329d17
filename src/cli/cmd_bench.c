/* bench: measures this machine and keeps the result for later predictions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "plimsoll/bench.h"
#include "plimsoll/kern.h"

/* A mask of 0 means every instruction set; this bit is none of them. */
static const uint32_t SCALAR_ONLY = 1u << 31;

static enum pls_code isa_mask(const char *names, uint32_t *out, struct pls_err *err)
{
    *out = 0;
    while (*names != '\0') {
        char room[32];
        struct pls_text t = PLS_TEXT(room);
        size_t len = strcspn(names, ",");
        pls_text_put(&t, names, len);
        uint32_t bit = (uint32_t)pls_isa_by_name(room);
        if (bit == 0 && !pls_text_equal(room, "scalar")) {
            return pls_fail(err, PLS_USAGE,
                            "--isa: '%s' is not an instruction set (scalar, avx2, fma, f16c, avx512, ...)",
                            room);
        }
        *out |= bit != 0 ? bit : SCALAR_ONLY;
        names += len + (names[len] != '\0' ? 1 : 0);
    }
    return PLS_OK;
}

static enum pls_code list_kernels(struct pls_session *s, uint32_t mask, struct pls_err *err)
{
    size_t n = 0;
    const struct pls_kern *table = pls_kern_table(&n);
    struct pls_kernel_row *rows = PLS_TAKE(&s->arena, struct pls_kernel_row, n);
    uint32_t isa = pls_kern_isa() & (mask != 0 ? mask : UINT32_MAX);
    if (rows == NULL) {
        return pls_fail(err, PLS_NOMEM, "bench: out of memory");
    }
    for (size_t i = 0; i < n; i++) {
        const struct pls_kern *k = &table[i];
        rows[i] = (struct pls_kernel_row){
            k->type, pls_kern_op_name(k->op), k->name,
            k->isa,  (k->isa & ~isa) == 0,    pls_kern_find(k->type, k->op, isa) == k
        };
    }
    return pls_render_kernels(stdout, s->output, rows, (uint32_t)n, &s->screen, err);
}

enum pls_code pls_cmd_bench(struct pls_session *s, struct pls_err *err)
{
    bool full = pls_args_has(s->args, PLS_OPT_FULL);
    const char *isa = pls_args_text(s->args, PLS_OPT_ISA);
    struct pls_bench_ask ask = {
        .n_threads = (uint32_t)pls_args_u64(s->args, PLS_OPT_THREADS, 0),
        .budget_s = full ? PLS_BENCH_FULL_S : 0,
        .types = full ? UINT64_MAX : 0,
    };
    if (s->args->n_operands > 0) {
        return pls_fail(err, PLS_USAGE, "%s: bench takes no argument", s->args->operands[0]);
    }
    enum pls_code code = isa != NULL ? isa_mask(isa, &ask.isa_mask, err) : PLS_OK;
    if (code != PLS_OK) {
        return code;
    }
    if (pls_args_has(s->args, PLS_OPT_LIST)) {
        return list_kernels(s, ask.isa_mask, err);
    }
    bool is_usual = isa == NULL && ask.n_threads == 0;
    code = pls_session_machine(s, err);
    code = code == PLS_OK ? pls_session_bench_ask(s, &ask, err) : code;
    if (code != PLS_OK) {
        return code;
    }
    ask.progress = isatty(STDERR_FILENO) ? pls_session_bar : NULL;
    code = pls_bench_run(&ask, &s->rates, err);
    if (code != PLS_OK) {
        return code;
    }
    s->rates.n_tries = 1;
    if (is_usual) {
        pls_session_keep_rates(s);
    }
    return pls_render_rates(stdout, s->output, &s->machine, &s->rates, &s->screen, err);
}
