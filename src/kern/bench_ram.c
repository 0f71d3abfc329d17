/* Streaming read bandwidth: the plainest loop over memory. */
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

/* Eight chunks per thread and pass: few enough to stream, enough to even out a disturbed core. A pass takes
 * well under a millisecond, for the reason given in bench_types.c. */
static void ram_plan(struct ram_work *work, uint32_t n_threads)
{
    size_t window = (size_t)n_threads << 20;
    window = window < WINDOW_MIN ? WINDOW_MIN : window;
    window = window > work->b->buffer_bytes ? work->b->buffer_bytes : window;
    size_t chunk = window / ((size_t)n_threads * 8) / CHUNK_ALIGN * CHUNK_ALIGN;
    work->window = window;
    work->chunk = chunk < CHUNK_ALIGN ? CHUNK_ALIGN : chunk;
}

double pls_bench_read(struct pls_bench *b, struct pls_sample_ask ask, double *median_ns)
{
    struct ram_work work = { .b = b, .read = pls_kern_find(PLS_TYPE_I8, PLS_KERN_READ, b->isa)->fn.read };
    atomic_init(&work.next, 0);
    atomic_init(&work.sink, 0);
    ram_plan(&work, ask.n_threads);
    ask.work = ram_pass;
    ask.reset = ram_reset;
    ask.context = &work;
    *median_ns = pls_sample(&ask).median;
    return (double)work.window;
}
