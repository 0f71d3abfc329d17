/* speed-cpu [-t N] [-d DEPTH] [-i ISA-BITS] FILE.gguf...: measures this machine's rates, then predicts each file on the processor with them.
 *
 * Prints "rate" lines (type, streaming and cached GB/s as the engine would run it, matrix GFLOP/s), "machine" lines, and for every
 * file a "model" line and a "weights" line per type: all that a comparison with an engine run made in the same minute needs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plimsoll/bench.h"
#include "plimsoll/gguf.h"
#include "plimsoll/kern.h"
#include "plimsoll/plan.h"
#include "plimsoll/probe.h"
#include "plimsoll/sys.h"

enum { ROOM = 192 << 20 };

static void print_rates(const struct pls_rates *r)
{
    printf("machine\tram\t%g\t%g\tbarrier\t%g\tattention\t%g\tisa\t%x\n", r->ram_gbs, r->ram_spread, r->barrier_ns, r->attention_gbs, r->isa);
    for (uint32_t t = 0; t < PLS_TYPE_COUNT; t++) {
        const struct pls_type_rate *k = &r->type[t];
        if (k->stream_gbs > 0) {
            printf("rate\t%s\t%g\t%g\t%g\t%g\t%g\t%g\n", pls_type_info((enum pls_type)t)->name, k->stream_gbs, k->cached_gbs,
                   k->stream_repacked_gbs, k->cached_repacked_gbs, k->gemm_gflops, k->spread);
        }
    }
}

static bool predict(const char *path, const struct pls_machine *machine, const struct pls_rates *rates, const struct pls_ask *wish,
                    struct pls_arena *arena)
{
    static struct pls_model model;
    static struct pls_plan plan;
    struct pls_err err = { 0 };
    struct pls_ask ask = *wish;
    arena->used = 0;
    memset(&model, 0, sizeof(model));
    bool ok = pls_file_read(path, arena, &model, NULL, &err) == PLS_OK;
    ask.quant = model.stored;
    ok = ok && pls_place(&model, &ask, machine, arena, &plan, &err) == PLS_OK;
    if (!ok) {
        fprintf(stderr, "%s\n", err.text);
        return false;
    }
    pls_speed_predict(&model.card, machine, rates, &plan);
    const struct pls_traffic *t = &plan.shares[0].traffic;
    const char *slash = strrchr(path, '/');
    printf("model\t%s\t%g\t%g\t%g\t%g\t%g\t%g\tops\t%u\tlayers\t%u\tactive\t%llu\tkv\t%llu\twidth\t%llu\tmoe\t%u\texperts\t%llu\n",
           slash == NULL ? path : slash + 1, plan.speed.decode_tps, plan.speed.decode_low_tps, plan.speed.decode_high_tps,
           plan.speed.prefill_tps, plan.speed.prefill_low_tps, plan.speed.prefill_high_tps, t->n_ops, t->n_layers,
           (unsigned long long)t->active_params, (unsigned long long)t->kv_per_token, (unsigned long long)t->attention_width,
           t->n_layers_moe, (unsigned long long)t->expert_share_bytes);
    for (uint32_t i = 0; i < PLS_TYPE_COUNT; i++) {
        if (t->weights_by_type[i] > 0) {
            printf("weights\t%s\t%llu\t%llu\n", pls_type_info((enum pls_type)i)->name, (unsigned long long)t->weights_by_type[i],
                   (unsigned long long)t->output_by_type[i]);
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    static struct pls_machine machine;
    static struct pls_rates rates;
    struct pls_err err = { 0 };
    struct pls_root *root = NULL;
    struct pls_ask ask = pls_ask_default(PLS_RUNTIME_LLAMA_CLI);
    struct pls_bench_ask bench = { .budget_s = 2.5 };
    int first = 1;
    for (; first + 1 < argc && argv[first][0] == '-'; first += 2) {
        uint64_t value = strtoull(argv[first + 1], NULL, 0);
        bench.n_threads = argv[first][1] == 't' ? (uint32_t)value : bench.n_threads;
        ask.depth_tokens = argv[first][1] == 'd' ? value : ask.depth_tokens;
        bench.isa_mask = argv[first][1] == 'i' ? (uint32_t)value : bench.isa_mask;
    }
    ask.context_tokens = pls_max(1024, ask.depth_tokens + 256);
    ask.gpu_layers = 0;
    ask.prompt_tokens = 128;
    ask.n_threads = bench.n_threads;
    void *room = malloc(ROOM);
    bool ok = room != NULL && pls_root_open(NULL, &root, &err) == PLS_OK && pls_probe(root, &machine, &err) == PLS_OK;
    struct pls_budget_policy policy = pls_budget_policy_default();
    if (ok) {
        machine.cpu.isa &= bench.isa_mask != 0 ? bench.isa_mask : UINT32_MAX;
        pls_budget_apply(&machine, &policy);
        ok = pls_bench_run(&bench, &rates, &err) == PLS_OK;
    }
    if (!ok) {
        fprintf(stderr, "speed-cpu: %s\n", err.text);
        return 3;
    }
    print_rates(&rates);
    struct pls_arena arena = pls_arena_over(room, ROOM);
    for (int i = first; i < argc; i++) {
        ok = predict(argv[i], &machine, &rates, &ask, &arena) && ok;
    }
    pls_root_close(root);
    free(room);
    return ok ? 0 : 3;
}
