/* Measuring the kernels themselves, one turn at a time: streaming, cache-resident, matrix products, and the
 * barrier. */
#include "bench_impl.h"

#include "unpack.h"

#include <math.h>

#define CACHED_BYTES ((size_t)256 << 10) /* per thread: in the second-level cache of anything current */
#define CACHED_MAX   64.0                /* times in one pass */
#define WINDOW_MIN   ((size_t)512 << 10)
#define WINDOW_MAX   ((size_t)64 << 20)
/* A pass: long against a barrier, short against the few milliseconds a scheduler takes a processor away for,
 * so that on a busy machine most passes are undisturbed and the median is one of them. */
#define PASS_NS    3e5
#define CHUNK_ROWS 64u /* the engine hands out 64 rows at a time when there is one column */
#define BARRIERS   50u /* in one pass */

struct type_work {
    struct pls_bench *b;
    const struct pls_kern *kern; /* DOT or GEMV */
    size_t n;                    /* elements of a row */
    size_t row_bytes;
    size_t offset, rows; /* streaming window, or rows of each member */
    unsigned times;      /* that a member goes through its rows */
    const unsigned char *act;
    _Alignas(64) atomic_size_t next;
    _Alignas(64) atomic_uint sink;
};

static void work_init(struct type_work *work, struct pls_bench *b, const struct pls_bench_item *item)
{
    const struct pls_shape *shape = pls_shape(item->type);
    work->b = b;
    work->kern = item->kern;
    work->n = item->n;
    work->row_bytes = item->n / shape->block * shape->bytes;
    work->act = b->acts[shape->act];
    atomic_init(&work->next, 0);
    atomic_init(&work->sink, 0);
}

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
    const unsigned char *w = work->b->buffer + self->index * (work->b->buffer_bytes / self->n / 64 * 64);
    float sum = 0;
    for (unsigned i = 0; i < work->times; i++) {
        for (size_t row = 0; row < work->rows; row += CHUNK_ROWS) {
            sum += multiply(work, w + row * work->row_bytes, CHUNK_ROWS);
        }
    }
    swallow(work, sum);
}

/* Rate of the latest turn; 0 before the first. */
static double latest(const struct pls_bench_item *item)
{
    return item->n_turns > 0 ? item->turn[item->n_turns - 1] : 0;
}

/* As many times through the rows as take PASS_NS; how many that is, the first turn finds out by going through
 * them once. */
static double cached(struct pls_bench *b, const struct pls_bench_item *item, struct pls_sample_ask ask,
                     double *median_ns)
{
    struct type_work work;
    work_init(&work, b, item);
    size_t room = b->buffer_bytes / item->n_threads;
    size_t rows = (room < CACHED_BYTES ? room : CACHED_BYTES) / work.row_bytes / CHUNK_ROWS * CHUNK_ROWS;
    work.rows = rows == 0 ? CHUNK_ROWS : rows;
    work.times = 1;
    ask.work = cached_pass;
    ask.context = &work;
    double bytes = (double)(work.rows * work.row_bytes) * item->n_threads;
    double rate = latest(item);
    if (rate <= 0) {
        struct pls_sample_ask once = ask;
        once.budget_ns = 0;
        once.n_min = 2;
        once.series = NULL;
        rate = bytes / fmax(pls_sample(&once).median, 1);
    }
    work.times = (unsigned)fmin(fmax(rate * PASS_NS / bytes, 1), CACHED_MAX);
    *median_ns = pls_sample(&ask).median;
    return bytes * work.times;
}

/* The window is what takes PASS_NS at the cached rate or at the memory's, whichever is lower. */
static double stream(struct pls_bench *b, const struct pls_bench_item *item, struct pls_sample_ask ask,
                     double *median_ns)
{
    struct type_work work;
    work_init(&work, b, item);
    size_t limit = b->buffer_bytes < WINDOW_MAX ? b->buffer_bytes : WINDOW_MAX;
    double cached_gbs = latest(item - 1);
    double ram_gbs = latest(&b->items[b->n_steps - 1]);
    double wish = (ram_gbs > 0 && ram_gbs < cached_gbs ? ram_gbs : cached_gbs) * PASS_NS;
    size_t window = wish > (double)limit ? limit : (size_t)wish;
    window = window < WINDOW_MIN && WINDOW_MIN < limit ? WINDOW_MIN : window;
    size_t chunk = work.row_bytes * CHUNK_ROWS;
    work.rows = (window < chunk ? chunk : window) / chunk * CHUNK_ROWS;
    ask.work = stream_pass;
    ask.reset = stream_reset;
    ask.context = &work;
    *median_ns = pls_sample(&ask).median;
    return (double)(work.rows * work.row_bytes);
}

struct gemm_work {
    struct pls_bench *b;
    const struct pls_bench_item *item;
};

static void gemm_pass(const struct pls_member *self, void *context)
{
    const struct gemm_work *work = context;
    const struct pls_bench *b = work->b;
    const struct pls_shape *shape = pls_shape(work->item->type);
    struct pls_gemm_job job = {
        .weights = b->buffer + self->index * (b->buffer_bytes / self->n / 64 * 64),
        .weight_stride = PLS_BENCH_ROW / shape->block * shape->bytes,
        .n_rows = PLS_BENCH_GEMM_ROWS,
        .acts = b->acts[shape->act],
        .act_stride = pls_kern_act_bytes(shape->act, PLS_BENCH_ROW),
        .n_cols = PLS_BENCH_GEMM_COLS,
        .n = PLS_BENCH_ROW,
        .out = b->out_matrix + (size_t)self->index * PLS_BENCH_GEMM_ROWS * PLS_BENCH_GEMM_COLS,
        .out_stride = PLS_BENCH_GEMM_ROWS,
        .scratch = b->scratch + self->index * b->scratch_bytes,
    };
    work->item->kern->fn.gemm(&job);
}

static double gemm(struct pls_bench *b, const struct pls_bench_item *item, struct pls_sample_ask ask,
                   double *median_ns)
{
    struct gemm_work work = { b, item };
    ask.work = gemm_pass;
    ask.context = &work;
    *median_ns = pls_sample(&ask).median;
    return 2.0 * PLS_BENCH_GEMM_ROWS * PLS_BENCH_GEMM_COLS * PLS_BENCH_ROW * item->n_threads;
}

static void barrier_pass(const struct pls_member *self, void *context)
{
    (void)context;
    for (unsigned i = 0; i < BARRIERS; i++) {
        pls_team_barrier(self);
    }
}

/* Fifty, so that reading the clock does not show; not more, because on a machine where the threads have to
 * wait for their processors each may take milliseconds. */
static double barrier(struct pls_sample_ask ask, double *median_ns)
{
    ask.work = barrier_pass;
    ask.n_min = 1;
    *median_ns = pls_sample(&ask).median;
    return BARRIERS;
}

/* Work of a pass. */
static double measure(struct pls_bench *b, const struct pls_bench_item *item, struct pls_sample_ask ask,
                      double *median_ns)
{
    switch (item->kind) {
    case PLS_BENCH_READ:
        return pls_bench_read(b, ask, median_ns);
    case PLS_BENCH_CACHED:
        return cached(b, item, ask, median_ns);
    case PLS_BENCH_STREAM:
        return stream(b, item, ask, median_ns);
    case PLS_BENCH_GEMM:
        return gemm(b, item, ask, median_ns);
    case PLS_BENCH_BARRIER:
        break;
    }
    return barrier(ask, median_ns);
}

/* Work per time; of barriers, time per barrier. */
static double rate_of(const struct pls_bench_item *item, double work, double ns)
{
    bool inverse = item->kind == PLS_BENCH_BARRIER;
    return inverse ? ns / work : ns > 0 ? work / ns : 0;
}

/* Beyond the budget one pass must do. */
void pls_bench_turn(struct pls_bench *b, struct pls_bench_item *item, uint64_t budget_ns)
{
    uint32_t first = item->passes.n;
    double median_ns = 0;
    struct pls_sample_ask ask = { .team = b->team,
                                  .n_threads = item->n_threads,
                                  .budget_ns = budget_ns,
                                  .n_min = budget_ns > 0 ? 3 : 1,
                                  .series = &item->passes };
    double work = measure(b, item, ask, &median_ns);
    item->turn[item->n_turns++] = rate_of(item, work, median_ns);
    for (uint32_t i = first; i < item->passes.n; i++) {
        item->passes.values[i] = rate_of(item, work, item->passes.values[i]);
    }
}
