/* Streaming read bandwidth: the plainest loop over memory, by thread count. */
#include "bench_impl.h"

#define CHUNK_ALIGN ((size_t)64 << 10)
#define WINDOW_MIN  ((size_t)8 << 20)

struct ram_work {
    struct pls_bench *b;
    pls_read_fn *read;
    size_t window, chunk, offset;
    _Alignas(64) atomic_size_t next; /* first byte of the window nobody has taken */
    _Alignas(64) atomic_uint_fast64_t sink;
};

static void ram_reset(void *context)
{
    struct ram_work *work = context;
    work->offset = pls_bench_window(work->b, work->window);
    atomic_store(&work->next, 0);
}

static void ram_pass(const struct pls_member *self, void *context)
{
    (void)self;
    struct ram_work *work = context;
    uint64_t sum = 0;
    for (;;) {
        size_t at = atomic_fetch_add(&work->next, work->chunk);
        if (at >= work->window) {
            break;
        }
        size_t left = work->window - at;
        sum ^= work->read(work->b->buffer + work->offset + at, left < work->chunk ? left : work->chunk);
    }
    atomic_fetch_xor(&work->sink, sum);
}

/* Eight chunks per thread and pass: few enough to stream, enough to even out a disturbed core. A pass takes well under a
 * millisecond, for the reason given in bench_types.c. */
static void ram_plan(struct ram_work *work, uint32_t n_threads)
{
    size_t window = (size_t)n_threads << 20;
    window = window < WINDOW_MIN ? WINDOW_MIN : window;
    window = window > work->b->buffer_bytes ? work->b->buffer_bytes : window;
    size_t chunk = window / ((size_t)n_threads * 8) / CHUNK_ALIGN * CHUNK_ALIGN;
    work->window = window;
    work->chunk = chunk < CHUNK_ALIGN ? CHUNK_ALIGN : chunk;
}

struct pls_ram_step pls_bench_ram_step(struct pls_bench *b, uint32_t n_threads, uint64_t budget_ns)
{
    struct ram_work work = { .b = b, .read = pls_kern_find(PLS_TYPE_I8, PLS_KERN_READ, b->isa)->fn.read };
    atomic_init(&work.next, 0);
    atomic_init(&work.sink, 0);
    ram_plan(&work, n_threads);
    struct pls_sample_ask ask = {
        .team = b->team,
        .n_threads = n_threads,
        .work = ram_pass,
        .reset = ram_reset,
        .context = &work,
        .budget_ns = budget_ns,
        .n_min = 3,
    };
    struct pls_sampled got = pls_sample(&ask);
    return (struct pls_ram_step){
        .n_threads = n_threads,
        .read_gbs = got.median_ns > 0 ? (double)work.window / got.median_ns : 0,
        .spread = got.spread,
    };
}

void pls_bench_ram(struct pls_bench *b, uint64_t budget_ns)
{
    struct pls_rates *out = b->out;
    uint32_t shares = b->n_steps + 1; /* the last step, all threads, counts twice */
    out->n_ram_steps = 0;
    for (uint32_t i = 0; i < b->n_steps; i++) {
        uint64_t share = budget_ns / shares * (i + 1 == b->n_steps ? 2 : 1);
        out->ram_steps[out->n_ram_steps++] = pls_bench_ram_step(b, b->steps[i], share);
    }
    const struct pls_ram_step *all = &out->ram_steps[out->n_ram_steps - 1];
    out->ram_gbs = all->read_gbs;
    out->ram_spread = all->spread;
    out->ram_origin = all->spread > PLS_BENCH_SPREAD_MAX ? PLS_ORIGIN_ASSUMED : PLS_ORIGIN_MEASURED;
}
