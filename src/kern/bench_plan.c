/* What a benchmark measures, and what becomes of it: the list of items, the memory they work in, the sums. */
#include "bench_impl.h"

#include "unpack.h"

#include <stdlib.h>
#include <string.h>

static void add(struct pls_bench *b, struct pls_bench_item item)
{
    if (b->n_items < PLS_BENCH_ITEMS_MAX) {
        b->items[b->n_items++] = item;
    }
}

/* Streaming matters most, and what it is sized by comes first. */
static void add_pair(struct pls_bench *b, enum pls_type type, const struct pls_kern *kern, uint32_t n_threads)
{
    size_t n = PLS_BENCH_ROW;
    add(b, (struct pls_bench_item){ PLS_BENCH_CACHED, type, kern, n, n_threads, .weight = 0.5 });
    add(b, (struct pls_bench_item){ PLS_BENCH_STREAM, type, kern, n, n_threads, .weight = 1 });
}

/* With a kernel that engines interleave for, the plain one runs on all threads alone. */
static void add_type(struct pls_bench *b, enum pls_type type)
{
    const struct pls_kern *kern = pls_kern_find(type, PLS_KERN_DOT, b->isa);
    const struct pls_kern *gemv = pls_kern_find(type, PLS_KERN_GEMV, b->isa);
    const struct pls_kern *gemm = pls_kern_find(type, PLS_KERN_GEMM, b->isa);
    if (kern == NULL) {
        return;
    }
    if (pls_kern_repacks(type, b->isa) && gemv != NULL) {
        add_pair(b, type, kern, b->n_threads);
        kern = gemv;
    }
    for (uint32_t i = 0; i < b->n_steps; i++) {
        add_pair(b, type, kern, b->steps[i]);
    }
    if (gemm != NULL && gemm->isa != 0) { /* the scalar one predicts nothing */
        add(b,
            (struct pls_bench_item){ PLS_BENCH_GEMM, type, gemm, PLS_BENCH_ROW, b->n_threads, .weight = 1 });
    }
}

/* Reading a cache of halves as attention does: short rows, one product each. The second half of the work,
 * adding up rows of V, loads, converts and multiplies as much, so one rate stands for both. */
static void add_attention(struct pls_bench *b)
{
    const struct pls_kern *kern = pls_kern_find(PLS_TYPE_F16, PLS_KERN_DOT, b->isa);
    size_t n = PLS_BENCH_HEAD;
    add(b, (struct pls_bench_item){ PLS_BENCH_CACHED, PLS_TYPE_F16, kern, n, b->n_threads, .weight = 0.5 });
    add(b, (struct pls_bench_item){ PLS_BENCH_STREAM, PLS_TYPE_F16, kern, n, b->n_threads, .weight = 1 });
}

static void list(struct pls_bench *b, uint64_t types)
{
    for (uint32_t i = 0; i < b->n_steps; i++) { /* all threads, the figure everybody asks for, longest */
        double weight = i + 1 == b->n_steps ? 6 : 3;
        add(b,
            (struct pls_bench_item){ PLS_BENCH_READ, PLS_TYPE_I8, NULL, 0, b->steps[i], .weight = weight });
    }
    if (b->ask->bandwidth_only) {
        return;
    }
    add(b, (struct pls_bench_item){ PLS_BENCH_BARRIER, PLS_TYPE_NONE, NULL, 0, b->n_threads, .weight = 1 });
    add_attention(b);
    for (int t = 0; t < PLS_TYPE_COUNT; t++) {
        if ((types >> t & 1) != 0) {
            add_type(b, (enum pls_type)t);
        }
    }
}

/* Moderate activations, the same on every run. */
static void make_act(enum pls_type act, unsigned char *out)
{
    float x[PLS_BENCH_ROW];
    uint32_t state = 12345;
    for (size_t i = 0; i < PLS_BENCH_ROW; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (float)(state >> 8) / 8388608.0f - 1;
    }
    pls_kern_quantize(act, x, out, PLS_BENCH_ROW);
}

static bool take_acts(struct pls_bench *b, enum pls_type act)
{
    size_t bytes = pls_kern_act_bytes(act, PLS_BENCH_ROW);
    if (b->acts[act] != NULL) {
        return true;
    }
    b->acts[act] = aligned_alloc(64, (size_t)pls_pad(bytes * PLS_BENCH_GEMM_COLS, 64));
    if (b->acts[act] == NULL) {
        return false;
    }
    make_act(act, b->acts[act]);
    for (size_t c = 1; c < PLS_BENCH_GEMM_COLS; c++) {
        memcpy(b->acts[act] + c * bytes, b->acts[act], bytes);
    }
    return true;
}

static bool take_memory(struct pls_bench *b)
{
    b->passes = calloc(b->n_items * PLS_BENCH_PASSES_MAX, sizeof b->passes[0]);
    bool ok = b->passes != NULL;
    bool has_gemm = false;
    for (size_t i = 0; ok && i < b->n_items; i++) {
        struct pls_bench_item *item = &b->items[i];
        ok = item->kern == NULL || take_acts(b, pls_kern_act(item->type));
        item->passes.cap = PLS_BENCH_PASSES_MAX;
        item->passes.values = b->passes + i * PLS_BENCH_PASSES_MAX;
        has_gemm = has_gemm || item->kind == PLS_BENCH_GEMM;
    }
    if (!ok || !has_gemm) {
        return ok;
    }
    b->scratch_bytes = (size_t)pls_pad(pls_kern_gemm_scratch(PLS_BENCH_ROW, PLS_BENCH_GEMM_COLS), 64);
    b->scratch = aligned_alloc(64, b->scratch_bytes * b->n_threads);
    b->out_matrix = calloc((size_t)b->n_threads * PLS_BENCH_GEMM_ROWS * PLS_BENCH_GEMM_COLS, sizeof(float));
    return b->scratch != NULL && b->out_matrix != NULL;
}

enum pls_code pls_bench_plan(struct pls_bench *b, uint64_t types, struct pls_err *err)
{
    b->items = calloc(PLS_BENCH_ITEMS_MAX, sizeof b->items[0]);
    if (b->items != NULL) {
        list(b, types);
    }
    if (b->items == NULL || !take_memory(b)) {
        return pls_fail(err, PLS_NOMEM, "benchmark: no memory for what it measures");
    }
    return PLS_OK;
}

void pls_bench_plan_free(struct pls_bench *b)
{
    for (size_t i = 0; i < PLS_TYPE_COUNT; i++) {
        free(b->acts[i]);
    }
    free(b->scratch);
    free(b->out_matrix);
    free(b->passes);
    free(b->items);
}

static void put_read(struct pls_rates *out, const struct pls_bench_item *item, struct pls_sampled got)
{
    out->ram_steps[out->n_ram_steps++] = (struct pls_ram_step){ item->n_threads, got.median, got.spread };
    out->ram_gbs = got.median; /* the last stands */
    out->ram_spread = got.spread;
    out->ram_origin = got.spread > PLS_BENCH_SPREAD_MAX ? PLS_ORIGIN_ASSUMED : PLS_ORIGIN_MEASURED;
}

/* Items of one type come in the order of the thread counts: each count's rate stands until a larger one's. */
static void put_pair(struct pls_bench *b, const struct pls_bench_item *item, double gbs)
{
    struct pls_type_rate *rate = &b->out->type[item->type];
    bool cached = item->kind == PLS_BENCH_CACHED;
    bool interleaved = item->kern->op == PLS_KERN_GEMV;
    bool as_engine = interleaved || pls_kern_find(item->type, PLS_KERN_GEMV, b->isa) == NULL
                     || !pls_kern_repacks(item->type, b->isa);
    bool all = item->n_threads == b->n_threads;
    if (all) {
        double *one = cached ? (interleaved ? &rate->cached_repacked_gbs : &rate->cached_gbs)
                             : (interleaved ? &rate->stream_repacked_gbs : &rate->stream_gbs);
        *one = gbs;
    }
    if (as_engine && item->n_threads == b->steps[0]) {
        *(cached ? &rate->cached_one_gbs : &rate->stream_one_gbs) = gbs;
    }
    if (as_engine && (!all || b->n_steps == 1)) {
        *(cached ? &rate->cached_half_gbs : &rate->stream_half_gbs) = gbs;
    }
}

/* A type without a matrix-matrix kernel, here as in the engine: one dot product for every row and column. */
static void put_dots_gemm(struct pls_bench *b, enum pls_type type)
{
    const struct pls_shape *shape = pls_shape(type);
    const struct pls_kern *dot = pls_kern_find(type, PLS_KERN_DOT, b->isa);
    struct pls_type_rate *rate = &b->out->type[type];
    if (rate->gemm_gflops <= 0 && dot != NULL && dot->isa != 0) {
        rate->gemm_gflops = 2 * rate->cached_gbs * shape->block / shape->bytes;
    }
}

static void put(struct pls_bench *b, struct pls_bench_item *item)
{
    struct pls_type_rate *rate = &b->out->type[item->type < PLS_TYPE_COUNT ? item->type : 0];
    /* One or two turns, all that a busy machine left time for, say nothing of their spread. */
    struct pls_sampled got = { .spread = item->n_turns >= PLS_BENCH_TURNS_LEAST
                                             ? pls_sample_summary(item->turn, item->n_turns).spread
                                             : 1 };
    got.median = pls_sample_summary(item->passes.values, item->passes.n).median;
    bool attention = item->n == PLS_BENCH_HEAD;
    switch (item->kind) {
    case PLS_BENCH_READ:
        put_read(b->out, item, got);
        return;
    case PLS_BENCH_BARRIER:
        b->out->barrier_ns = got.median;
        return;
    case PLS_BENCH_GEMM:
        rate->gemm_gflops = got.median;
        return;
    case PLS_BENCH_STREAM:
        if (attention) {
            b->out->attention_gbs = got.median;
            return;
        }
        rate->spread = got.spread > rate->spread ? got.spread : rate->spread;
        break;
    case PLS_BENCH_CACHED:
        break;
    }
    if (!attention) {
        put_pair(b, item, got.median);
    }
}

static bool is_of_type(const struct pls_bench_item *item)
{
    return item->n_turns > 0 && item->kind != PLS_BENCH_READ && item->kind != PLS_BENCH_BARRIER
           && item->n != PLS_BENCH_HEAD;
}

void pls_bench_conclude(struct pls_bench *b)
{
    b->out->n_ram_steps = 0;
    for (size_t i = 0; i < b->n_items; i++) {
        if (is_of_type(&b->items[i])) {
            memset(&b->out->type[b->items[i].type], 0, sizeof b->out->type[0]);
        }
    }
    for (size_t i = 0; i < b->n_items && b->items[i].n_turns > 0; i++) {
        put(b, &b->items[i]);
    }
    for (size_t i = 0; i < b->n_items; i++) {
        if (is_of_type(&b->items[i])) {
            put_dots_gemm(b, b->items[i].type);
        }
    }
}

double pls_bench_doubt(const struct pls_rates *rates)
{
    double sum = 0;
    uint32_t n = 0;
    for (size_t i = 0; i < PLS_TYPE_COUNT; i++) {
        n += rates->type[i].stream_gbs > 0;
        sum += rates->type[i].stream_gbs > 0 ? rates->type[i].spread : 0;
    }
    double mean = n > 0 ? sum / n : 0;
    return mean > rates->ram_spread ? mean : rates->ram_spread;
}
