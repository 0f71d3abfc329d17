/* Rates of the kernels themselves, type by type: streaming and cache-resident, with one, half and all threads. */
#include "bench_impl.h"

#include "plimsoll/sys.h"
#include "unpack.h"

#include <stdlib.h>
#include <string.h>

#define ROW_ELEMENTS  2048u               /* the width of a small model; a multiple of every block */
#define HEAD_ELEMENTS 128u                /* a row of the attention cache */
#define CACHED_BYTES  ((size_t)256 << 10) /* per thread: in the second-level cache of anything current */
#define CACHED_TIMES  8u
#define WINDOW_MIN    ((size_t)512 << 10)
#define WINDOW_MAX    ((size_t)64 << 20)
/* A streaming pass: long against a barrier, short against the few milliseconds a scheduler takes a processor away for, so
 * that on a busy machine most passes are undisturbed and the median is one of them. */
#define PASS_NS       3e5
#define CHUNK_ROWS    64u                 /* the engine hands out 64 rows at a time when there is one column */
#define GEMM_ROWS     64u
#define GEMM_COLS     128u

struct type_work {
    struct pls_bench *b;
    const struct pls_kern *kern; /* DOT or GEMV */
    size_t n;                    /* elements of a row */
    size_t row_bytes;
    size_t offset, rows;         /* streaming window */
    const unsigned char *act;
    _Alignas(64) atomic_size_t next;
    _Alignas(64) atomic_uint sink;
};

/* One chunk of rows; the result is kept so that no compiler can drop the work. */
static float multiply(const struct type_work *work, const unsigned char *w, size_t rows)
{
    float out[CHUNK_ROWS] = { 0 };
    if (work->kern->op == PLS_KERN_GEMV) {
        work->kern->fn.gemv(w, work->act, out, rows, work->n);
    } else {
        for (size_t r = 0; r < rows; r++) {
            out[r] = work->kern->fn.dot(w + r * work->row_bytes, work->act, work->n);
        }
    }
    return out[0] + out[rows - 1];
}

static void swallow(struct type_work *work, float sum)
{
    atomic_fetch_add_explicit(&work->sink, sum > 0, memory_order_relaxed);
}

static void stream_reset(void *context)
{
    struct type_work *work = context;
    work->offset = pls_bench_window(work->b, work->rows * work->row_bytes);
    atomic_store(&work->next, 0);
}

static void stream_pass(const struct pls_member *self, void *context)
{
    (void)self;
    struct type_work *work = context;
    const unsigned char *w = work->b->buffer + work->offset;
    float sum = 0;
    for (;;) {
        size_t row = atomic_fetch_add(&work->next, CHUNK_ROWS);
        if (row >= work->rows) {
            break;
        }
        sum += multiply(work, w + row * work->row_bytes, CHUNK_ROWS);
    }
    swallow(work, sum);
}

/* Every member has a piece of the buffer of its own. */
static void cached_pass(const struct pls_member *self, void *context)
{
    struct type_work *work = context;
    size_t room = work->b->buffer_bytes / self->n;
    size_t rows = (room < CACHED_BYTES ? room : CACHED_BYTES) / work->row_bytes / CHUNK_ROWS * CHUNK_ROWS;
    rows = rows == 0 ? CHUNK_ROWS : rows;
    const unsigned char *w = work->b->buffer + self->index * (room / 64 * 64);
    float sum = 0;
    for (unsigned i = 0; i < CACHED_TIMES; i++) {
        for (size_t row = 0; row < rows; row += CHUNK_ROWS) {
            sum += multiply(work, w + row * work->row_bytes, CHUNK_ROWS);
        }
    }
    if (self->index == 0) {
        work->rows = rows;
    }
    swallow(work, sum);
}

static struct pls_sampled sample(struct type_work *work, pls_team_job *job, uint32_t n_threads, uint64_t budget_ns)
{
    struct pls_sample_ask ask = {
        .team = work->b->team,
        .n_threads = n_threads,
        .work = job,
        .reset = job == stream_pass ? stream_reset : NULL,
        .context = work,
        .budget_ns = budget_ns,
        .n_min = 3,
    };
    return pls_sample(&ask);
}

struct measured {
    double gbs;
    double spread;
};

static struct measured measure_cached(struct type_work *work, uint32_t n_threads, uint64_t budget_ns)
{
    struct pls_sampled got = sample(work, cached_pass, n_threads, budget_ns);
    double bytes = (double)(work->rows * work->row_bytes) * CACHED_TIMES * n_threads;
    return (struct measured){ got.median_ns > 0 ? bytes / got.median_ns : 0, got.spread };
}

/* The window is what takes PASS_NS at the cached rate or at the memory's, whichever is lower, so that slow types do not eat
 * the budget of the rest. */
static struct measured measure_stream(struct type_work *work, uint32_t n_threads, uint64_t budget_ns, double cached_gbs)
{
    size_t limit = work->b->buffer_bytes < WINDOW_MAX ? work->b->buffer_bytes : WINDOW_MAX;
    double ram_gbs = work->b->out->ram_gbs;
    double wish = (ram_gbs > 0 && ram_gbs < cached_gbs ? ram_gbs : cached_gbs) * PASS_NS;
    size_t window = wish > (double)limit ? limit : (size_t)wish;
    window = window < WINDOW_MIN && WINDOW_MIN < limit ? WINDOW_MIN : window;
    size_t chunk = work->row_bytes * CHUNK_ROWS;
    work->rows = (window < chunk ? chunk : window) / chunk * CHUNK_ROWS;
    struct pls_sampled got = sample(work, stream_pass, n_threads, budget_ns);
    double bytes = (double)(work->rows * work->row_bytes);
    return (struct measured){ got.median_ns > 0 ? bytes / got.median_ns : 0, got.spread };
}

static void widen(struct pls_type_rate *rate, struct measured m)
{
    rate->spread = m.spread > rate->spread ? m.spread : rate->spread;
}

/* Step i of the thread counts: the last is all of them, the first one, the middle half. */
static void measure_steps(struct type_work *work, struct pls_type_rate *rate, uint32_t *n_left)
{
    struct pls_bench *b = work->b;
    for (uint32_t i = 0; i < b->n_steps; i++) {
        struct measured cached = measure_cached(work, b->steps[i], pls_bench_slice(b, (*n_left)--) / 2);
        struct measured stream = measure_stream(work, b->steps[i], pls_bench_slice(b, (*n_left)--), cached.gbs);
        bool all = i + 1 == b->n_steps;
        if (i == 0) {
            rate->cached_one_gbs = cached.gbs;
            rate->stream_one_gbs = stream.gbs;
        }
        if (i == 0 || !all) {
            rate->cached_half_gbs = cached.gbs;
            rate->stream_half_gbs = stream.gbs;
        }
        if (all && work->kern->op == PLS_KERN_GEMV) {
            rate->cached_repacked_gbs = cached.gbs;
            rate->stream_repacked_gbs = stream.gbs;
        } else if (all) {
            rate->cached_gbs = cached.gbs;
            rate->stream_gbs = stream.gbs;
        }
        widen(rate, stream);
    }
}

/* The plain kernel of a type that also has an interleaved one: all threads only. */
static void measure_plain(struct type_work *work, struct pls_type_rate *rate, uint32_t *n_left)
{
    struct pls_bench *b = work->b;
    struct measured cached = measure_cached(work, b->n_threads, pls_bench_slice(b, (*n_left)--) / 2);
    struct measured stream = measure_stream(work, b->n_threads, pls_bench_slice(b, (*n_left)--), cached.gbs);
    rate->cached_gbs = cached.gbs;
    rate->stream_gbs = stream.gbs;
    widen(rate, stream);
}

struct gemm_work {
    struct pls_bench *b;
    const struct pls_kern *kern;
    size_t row_bytes, act_bytes;
    unsigned char *acts;    /* shared */
    unsigned char *scratch; /* one stretch per thread */
    size_t scratch_bytes;
    float *out;             /* one matrix per thread */
};

static void gemm_pass(const struct pls_member *self, void *context)
{
    struct gemm_work *work = context;
    size_t room = work->b->buffer_bytes / self->n / 64 * 64;
    struct pls_gemm_job job = {
        .weights = work->b->buffer + self->index * room,
        .weight_stride = work->row_bytes,
        .n_rows = GEMM_ROWS,
        .acts = work->acts,
        .act_stride = work->act_bytes,
        .n_cols = GEMM_COLS,
        .n = ROW_ELEMENTS,
        .out = work->out + (size_t)self->index * GEMM_ROWS * GEMM_COLS,
        .out_stride = GEMM_ROWS,
        .scratch = work->scratch + self->index * work->scratch_bytes,
    };
    work->kern->fn.gemm(&job);
}

/* A type without a matrix-matrix kernel, here as in the engine: one dot product for every row and column. */
static double dots_gflops(enum pls_type type, double cached_gbs)
{
    const struct pls_shape *shape = pls_shape(type);
    return 2 * cached_gbs * shape->block / shape->bytes;
}

static void measure_gemm(struct type_work *of, enum pls_type type, struct pls_type_rate *rate, uint64_t budget_ns)
{
    struct pls_bench *b = of->b;
    struct gemm_work work = { .b = b, .kern = pls_kern_find(type, PLS_KERN_GEMM, b->isa) };
    if (of->kern->isa == 0) {
        return; /* no engine runs scalar loops over a prompt: they would predict nothing */
    }
    if (work.kern == NULL || work.kern->isa == 0) {
        rate->gemm_gflops = dots_gflops(type, rate->cached_gbs);
        return;
    }
    work.row_bytes = of->row_bytes;
    work.act_bytes = pls_kern_act_bytes(pls_kern_act(type), ROW_ELEMENTS);
    work.scratch_bytes = (size_t)pls_pad(pls_kern_gemm_scratch(ROW_ELEMENTS, GEMM_COLS), 64);
    work.acts = aligned_alloc(64, work.act_bytes * GEMM_COLS);
    work.scratch = aligned_alloc(64, work.scratch_bytes * b->n_threads);
    work.out = calloc((size_t)b->n_threads * GEMM_ROWS * GEMM_COLS, sizeof(float));
    if (work.acts != NULL && work.scratch != NULL && work.out != NULL) {
        for (size_t c = 0; c < GEMM_COLS; c++) {
            memcpy(work.acts + c * work.act_bytes, of->act, work.act_bytes);
        }
        struct pls_sample_ask ask = { .team = b->team, .n_threads = b->n_threads, .work = gemm_pass,
                                      .context = &work, .budget_ns = budget_ns, .n_min = 3 };
        double flops = 2.0 * GEMM_ROWS * GEMM_COLS * ROW_ELEMENTS * b->n_threads;
        struct pls_sampled got = pls_sample(&ask);
        rate->gemm_gflops = got.median_ns > 0 ? flops / got.median_ns : 0;
    }
    free(work.acts);
    free(work.scratch);
    free(work.out);
}

/* Moderate activations, the same on every run. */
static void make_act(enum pls_type act, unsigned char *out)
{
    float x[ROW_ELEMENTS];
    uint32_t state = 12345;
    for (size_t i = 0; i < ROW_ELEMENTS; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (float)(state >> 8) / 8388608.0f - 1;
    }
    pls_kern_quantize(act, x, out, ROW_ELEMENTS);
}

static void work_init(struct type_work *work, struct pls_bench *b, enum pls_type type, size_t n)
{
    const struct pls_shape *shape = pls_shape(type);
    work->b = b;
    work->n = n;
    work->row_bytes = n / shape->block * shape->bytes;
    atomic_init(&work->next, 0);
    atomic_init(&work->sink, 0);
}

uint32_t pls_bench_type_steps(const struct pls_bench *b, enum pls_type type)
{
    bool repacked = pls_kern_repacks(type, b->isa) && pls_kern_find(type, PLS_KERN_GEMV, b->isa) != NULL;
    return 2 * b->n_steps + 1 + (repacked ? 2 : 0);
}

void pls_bench_type(struct pls_bench *b, enum pls_type type, uint32_t *n_left)
{
    _Alignas(64) unsigned char act[ROW_ELEMENTS * 4];
    struct pls_type_rate *rate = &b->out->type[type];
    struct type_work work = { .act = act };
    const struct pls_kern *dot = pls_kern_find(type, PLS_KERN_DOT, b->isa);
    const struct pls_kern *gemv = pls_kern_find(type, PLS_KERN_GEMV, b->isa);
    memset(rate, 0, sizeof *rate);
    make_act(pls_kern_act(type), act);
    work_init(&work, b, type, ROW_ELEMENTS);
    work.kern = dot;
    if (pls_kern_repacks(type, b->isa) && gemv != NULL) {
        measure_plain(&work, rate, n_left);
        work.kern = gemv;
    }
    measure_steps(&work, rate, n_left);
    measure_gemm(&work, type, rate, pls_bench_slice(b, (*n_left)--));
}

/* Reading a cache of halves as attention does: short rows, one product each. The second half of the work, adding up rows of
 * V, loads, converts and multiplies as much, so one rate stands for both. */
void pls_bench_attention(struct pls_bench *b, uint64_t budget_ns)
{
    _Alignas(64) unsigned char act[ROW_ELEMENTS * 4];
    struct type_work work = { .act = act, .kern = pls_kern_find(PLS_TYPE_F16, PLS_KERN_DOT, b->isa) };
    make_act(PLS_TYPE_F16, act);
    work_init(&work, b, PLS_TYPE_F16, HEAD_ELEMENTS);
    struct measured cached = measure_cached(&work, b->n_threads, budget_ns / 4);
    b->out->attention_gbs = measure_stream(&work, b->n_threads, budget_ns, cached.gbs).gbs;
}

#define BARRIERS 200u

static void barrier_pass(const struct pls_member *self, void *context)
{
    (void)context;
    for (unsigned i = 0; i < BARRIERS; i++) {
        pls_team_barrier(self);
    }
}

void pls_bench_barrier(struct pls_bench *b, uint64_t budget_ns)
{
    struct pls_sample_ask ask = { .team = b->team, .n_threads = b->n_threads, .work = barrier_pass,
                                  .budget_ns = budget_ns, .n_min = 5 };
    b->out->barrier_ns = pls_sample(&ask).median_ns / BARRIERS;
}
