/* The order of a benchmark run: team, buffer, large pages, then the rest in turns until the budget is
 * spent. */
#include "bench_impl.h"

#include "plimsoll/sys.h"

#include <string.h>

#define BUFFER_DEFAULT ((uint64_t)512 << 20)
#define BUFFER_QUICK   ((uint64_t)256 << 20) /* bandwidth_only: filling it takes most of the time */
#define BUFFER_LEAST   ((uint64_t)1 << 20)
#define FILL_CHUNK     ((size_t)1 << 20)
/* A turn of one item: two dozen passes, against a tenth of a millisecond to wake the threads. */
#define TURN_NS 8000000u

struct fill_work {
    struct pls_bench *b;
    atomic_size_t next;
};

static uint64_t xorshift(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Every byte is x01xxxxx: whatever block format looks at the buffer finds scales that are finite normal
 * numbers of moderate size, in halves (0.008 to 1.9), bfloat16 and floats as in 8-bit exponents, so no kernel
 * meets subnormals or infinities, whose cost would not be the kernel's; quants and codebook indices still
 * vary in six bits of eight. */
static void fill_chunk(unsigned char *at, size_t bytes, uint64_t seed)
{
    uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
    for (size_t i = 0; i + 8 <= bytes; i += 8) {
        uint64_t word = (xorshift(&state) & 0xbfbfbfbfbfbfbfbfu) | 0x2020202020202020u;
        memcpy(at + i, &word, 8);
    }
}

static void fill_pass(const struct pls_member *self, void *context)
{
    (void)self;
    struct fill_work *work = context;
    size_t total = work->b->buffer_bytes;
    for (;;) {
        size_t at = atomic_fetch_add(&work->next, FILL_CHUNK);
        if (at >= total) {
            return;
        }
        fill_chunk(work->b->buffer + at, total - at < FILL_CHUNK ? total - at : FILL_CHUNK,
                   at / FILL_CHUNK + 1);
    }
}

void pls_bench_fill(struct pls_bench *b)
{
    struct fill_work work = { .b = b };
    atomic_init(&work.next, 0);
    pls_team_run(b->team, b->n_threads, fill_pass, &work);
}

size_t pls_bench_window(struct pls_bench *b, size_t bytes)
{
    if (b->cursor + bytes > b->buffer_bytes) {
        b->cursor = 0;
    }
    size_t at = b->cursor;
    b->cursor += bytes;
    return at;
}

/* Time left of the budget. */
static uint64_t left_ns(const struct pls_bench *b)
{
    return pls_sub(b->budget_ns, pls_clock_ns() - b->began_ns);
}

/* False when the caller wants to stop. */
static bool progress(const struct pls_bench *b, const char *what)
{
    if (b->ask->progress == NULL) {
        return true;
    }
    double share = 1 - (double)left_ns(b) / (double)b->budget_ns;
    return b->ask->progress(share, what, b->ask->context);
}

static void plan_steps(struct pls_bench *b)
{
    const uint32_t wanted[PLS_BENCH_STEPS] = { 1, b->n_threads / 2, b->n_threads };
    for (size_t i = 0; i < PLS_BENCH_STEPS; i++) {
        if (wanted[i] > 0 && (b->n_steps == 0 || wanted[i] > b->steps[b->n_steps - 1])) {
            b->steps[b->n_steps++] = wanted[i];
        }
    }
}

/* Halves the wish until the system grants it. */
static enum pls_code take_buffer(struct pls_bench *b, struct pls_err *err)
{
    uint64_t ram = pls_sys_ram_bytes();
    uint64_t cap = b->ask->memory_bytes > 0 ? b->ask->memory_bytes : ram > 0 ? ram / 8 : BUFFER_DEFAULT;
    uint64_t wish = b->ask->bandwidth_only ? BUFFER_QUICK : BUFFER_DEFAULT;
    uint64_t want = pls_max(BUFFER_LEAST, pls_min(cap, wish)) / BUFFER_LEAST * BUFFER_LEAST;
    for (; want >= BUFFER_LEAST; want = want / 2 / BUFFER_LEAST * BUFFER_LEAST) {
        b->buffer = pls_sys_pages((size_t)want, false);
        if (b->buffer != NULL) {
            b->buffer_bytes = (size_t)want;
            return PLS_OK;
        }
    }
    return pls_fail(err, PLS_NOMEM, "benchmark: not even 1 MiB of memory to measure with");
}

static enum pls_code bench_open(struct pls_bench *b, struct pls_err *err)
{
    const struct pls_bench_ask *ask = b->ask;
    static const double quick = PLS_BENCH_QUICK_S;
    double budget = ask->budget_s > 0 ? ask->budget_s : ask->bandwidth_only ? PLS_BENCH_BANDWIDTH_S : quick;
    uint32_t own[PLS_TEAM_MAX];
    uint32_t n_own = ask->n_cpus > 0 ? 0 : pls_sys_cpus(own, PLS_TEAM_MAX);
    const uint32_t *cpus = ask->n_cpus > 0 ? ask->cpus : own;
    uint32_t n_cpus = ask->n_cpus > 0 ? ask->n_cpus : n_own;
    b->budget_ns = (uint64_t)(budget * 1e9);
    b->began_ns = pls_clock_ns();
    b->isa = pls_kern_isa() & (ask->isa_mask != 0 ? ask->isa_mask : UINT32_MAX);
    enum pls_code code =
        pls_team_open(ask->n_threads > 0 ? ask->n_threads : n_cpus, cpus, n_cpus, &b->team, err);
    if (code != PLS_OK) {
        return code;
    }
    b->n_threads = pls_team_size(b->team);
    plan_steps(b);
    return take_buffer(b, err);
}

/* What most files hold: the rest only when asked for. */
static const enum pls_type main_types[] = {
    PLS_TYPE_F16,    PLS_TYPE_Q8_0,  PLS_TYPE_Q4_K, PLS_TYPE_Q6_K, PLS_TYPE_Q5_K,
    PLS_TYPE_Q4_0,   PLS_TYPE_Q3_K,  PLS_TYPE_Q2_K, PLS_TYPE_BF16, PLS_TYPE_IQ4_XS,
    PLS_TYPE_IQ4_NL, PLS_TYPE_MXFP4, PLS_TYPE_Q5_0, PLS_TYPE_F32,
};

static uint64_t types_wanted(const struct pls_bench_ask *ask)
{
    uint64_t types = 0;
    for (size_t i = 0; i < PLS_COUNT_OF(main_types); i++) {
        types |= (uint64_t)1 << main_types[i];
    }
    return ask->types != 0 ? ask->types : types;
}

static const char *name_of(const struct pls_bench_item *item)
{
    const char *type = item->type < PLS_TYPE_COUNT ? pls_type_info(item->type)->name : "threads";
    return item->kind == PLS_BENCH_READ ? "memory" : type;
}

static double weight_from(const struct pls_bench *b, size_t first)
{
    double sum = 0;
    for (size_t i = first; i < b->n_items; i++) {
        sum += b->items[i].weight;
    }
    return sum;
}

static uint32_t turns_due(const struct pls_bench_item *item)
{
    return item->kind == PLS_BENCH_READ ? PLS_BENCH_TURNS_LEAST : 1;
}

/* Goes through the list once, for share_ns. Every item has its first turn, whatever the budget says, and the
 * memory, which comes first and is stated to everybody, as many as it takes to tell a spread: they cost
 * milliseconds. */
static enum pls_code go_through(struct pls_bench *b, uint64_t share_ns, struct pls_err *err)
{
    uint64_t ends_ns = pls_clock_ns() + share_ns;
    for (size_t i = 0; i < b->n_items; i++) {
        struct pls_bench_item *item = &b->items[i];
        if (item->n_turns >= turns_due(item) && left_ns(b) == 0) {
            return PLS_OK;
        }
        bool is_new = i == 0 || strcmp(name_of(item), name_of(item - 1)) != 0;
        if (is_new && !progress(b, name_of(item))) {
            return pls_fail(err, PLS_NO, "benchmark: stopped");
        }
        double left = (double)pls_sub(ends_ns, pls_clock_ns());
        pls_bench_turn(b, item, (uint64_t)(left * item->weight / weight_from(b, i)));
    }
    return PLS_OK;
}

static enum pls_code take_turns(struct pls_bench *b, struct pls_err *err)
{
    uint64_t wish = left_ns(b) / (b->n_items * TURN_NS);
    /* Where filling the buffer took most of the budget, shorter turns rather than fewer. */
    uint64_t n_turns = pls_max(PLS_BENCH_TURNS_LEAST, pls_min(wish, PLS_BENCH_TURNS_MAX));
    enum pls_code code = PLS_OK;
    for (size_t i = 0; i < b->n_items; i++) {
        b->items[i].passes.n_once = (uint32_t)(PLS_BENCH_PASSES_MAX / n_turns);
    }
    for (uint64_t left = n_turns; left > 0 && code == PLS_OK; left--) {
        code = go_through(b, left_ns(b) / left, err);
    }
    return code;
}

/* The same read over large pages, in a buffer of its own; engines map files in small ones, so nothing else
 * uses it. */
static void measure_large_pages(struct pls_bench *b)
{
    unsigned char *small = b->buffer;
    b->buffer = pls_sys_pages(b->buffer_bytes, true);
    b->out->ram_large_gbs = 0;
    if (b->buffer != NULL) {
        pls_bench_fill(b);
        struct pls_sample_ask ask = {
            .team = b->team, .n_threads = b->n_threads, .budget_ns = left_ns(b) / 40, .n_min = 3
        };
        double median_ns = 0;
        double bytes = pls_bench_read(b, ask, &median_ns);
        b->out->ram_large_gbs = median_ns > 0 ? bytes / median_ns : 0;
        pls_sys_pages_free(b->buffer, b->buffer_bytes);
    }
    b->buffer = small;
}

static enum pls_code bench_measure(struct pls_bench *b, struct pls_err *err)
{
    b->out->n_threads = b->n_threads;
    b->out->isa = b->isa;
    if (!progress(b, "memory")) {
        return pls_fail(err, PLS_NO, "benchmark: stopped");
    }
    pls_bench_fill(b);
    if (!b->ask->bandwidth_only) {
        measure_large_pages(b);
    }
    enum pls_code code = take_turns(b, err);
    pls_bench_conclude(b);
    b->out->measured_at = pls_clock_wall_s();
    return code;
}

enum pls_code pls_bench_run(const struct pls_bench_ask *ask, struct pls_rates *out, struct pls_err *err)
{
    struct pls_bench b = { .ask = ask, .out = out };
    enum pls_code code = bench_open(&b, err);
    if (code == PLS_OK) {
        code = pls_bench_plan(&b, types_wanted(ask), err);
    }
    if (code == PLS_OK) {
        code = bench_measure(&b, err);
    }
    pls_bench_plan_free(&b);
    pls_sys_pages_free(b.buffer, b.buffer_bytes);
    pls_team_close(b.team);
    return code;
}
