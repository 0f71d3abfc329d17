/* The benchmark's arithmetic and its behaviour in tight places; never a timing. */
#include <math.h>
#include <string.h>
#include <sys/resource.h>

#include "kern/sample.h"
#include "kern/team.h"
#include "plimsoll/bench.h"
#include "plimsoll/kern.h"
#include "plimsoll/sys.h"
#include "unit.h"

START_TEST(summary_is_median_and_relative_interquartile_range)
{
    /* Sorted 1 2 3 4 10: median 3, quartiles 2 and 4, so (4 - 2) / 3. */
    double odd[] = { 10, 1, 3, 2, 4 };
    struct pls_sampled s = pls_sample_summary(odd, 5);
    ck_assert_double_eq(s.median, 3);
    ck_assert_double_eq_tol(s.spread, 2.0 / 3.0, 1e-12);
    /* Sorted 1 2 3 4: median 2.5; quartiles at 0.75 and 2.25: 1.75 and 3.25; 1.5 / 2.5. */
    double even[] = { 4, 3, 2, 1 };
    s = pls_sample_summary(even, 4);
    ck_assert_double_eq(s.median, 2.5);
    ck_assert_double_eq_tol(s.spread, 0.6, 1e-12);
    double one[] = { 7 };
    s = pls_sample_summary(one, 1);
    ck_assert_double_eq(s.median, 7);
    ck_assert_double_eq(s.spread, 0);
}
END_TEST

struct tally {
    atomic_uint runs;
    atomic_uint resets;
    unsigned order_broken;
};

static void tally_work(const struct pls_member *self, void *context)
{
    struct tally *t = context;
    (void)self;
    atomic_fetch_add(&t->runs, 1);
}

static void tally_reset(void *context)
{
    struct tally *t = context;
    unsigned resets = atomic_fetch_add(&t->resets, 1);
    /* Every member of every earlier pass is through before the next pass is prepared. */
    t->order_broken += atomic_load(&t->runs) != resets * 3;
}

START_TEST(sampling_keeps_its_minimum_and_its_maximum)
{
    uint32_t cpus[PLS_TEAM_MAX];
    uint32_t n_cpus = pls_sys_cpus(cpus, PLS_TEAM_MAX);
    struct pls_team *team = NULL;
    ck_assert_int_eq(pls_team_open(3, cpus, n_cpus, &team, NULL), PLS_OK);
    ck_assert_uint_eq(pls_team_size(team), 3);
    struct tally t = { 0 };
    struct pls_sample_ask ask = { .team = team, .n_threads = 3, .work = tally_work, .reset = tally_reset,
                                  .context = &t, .budget_ns = 0, .n_min = 5 };
    struct pls_sampled got = pls_sample(&ask);
    ck_assert_uint_eq(got.n, 5);
    ck_assert_uint_eq(t.runs, 15); /* the budget was spent at once, so the first pass counts */
    ck_assert_uint_eq(t.order_broken, 0);
    ask.budget_ns = 600000000000; /* never reached: the most samples end it, however busy the machine */
    got = pls_sample(&ask);
    ck_assert_uint_eq(got.n, PLS_SAMPLES_MAX);
    pls_team_close(team);
}
END_TEST

START_TEST(processors_are_counted_and_bound)
{
    uint32_t ids[4] = { 99, 99, 99, 99 };
    ck_assert_uint_eq(pls_sys_cpus(ids, 1), 1);
    ck_assert_uint_eq(ids[1], 99);
    ck_assert(!pls_sys_pin(123456));
}
END_TEST

START_TEST(bandwidth_alone_fills_bandwidth_alone)
{
    struct pls_rates rates;
    memset(&rates, 0, sizeof rates);
    rates.type[PLS_TYPE_Q8_0].stream_gbs = 12.5;
    struct pls_bench_ask ask = { .budget_s = 0.05, .memory_bytes = (uint64_t)4 << 20, .bandwidth_only = true };
    ck_assert_int_eq(pls_bench_run(&ask, &rates, NULL), PLS_OK);
    ck_assert(isfinite(rates.ram_gbs) && rates.ram_gbs > 0);
    ck_assert_uint_ge(rates.n_ram_steps, 1);
    ck_assert_uint_eq(rates.ram_steps[rates.n_ram_steps - 1].n_threads, rates.n_threads);
    ck_assert_double_eq(rates.ram_gbs, rates.ram_steps[rates.n_ram_steps - 1].read_gbs);
    bool wide = rates.ram_spread > PLS_BENCH_SPREAD_MAX;
    ck_assert_int_eq(rates.ram_origin, wide ? PLS_ORIGIN_ASSUMED : PLS_ORIGIN_MEASURED);
    ck_assert_uint_gt(rates.measured_at, 0);
    ck_assert_double_eq(rates.type[PLS_TYPE_Q8_0].stream_gbs, 12.5);
    ck_assert_double_eq(rates.type[PLS_TYPE_F16].stream_gbs, 0);
}
END_TEST

/* However soon the time is over: the bandwidth that everybody is told has a spread. */
START_TEST(memory_has_turns_enough_for_a_spread)
{
    struct pls_rates rates;
    memset(&rates, 0, sizeof rates);
    struct pls_bench_ask ask = { .budget_s = 1e-6,
                                 .memory_bytes = (uint64_t)4 << 20,
                                 .types = (uint64_t)1 << PLS_TYPE_Q8_0 };
    ck_assert_int_eq(pls_bench_run(&ask, &rates, NULL), PLS_OK);
    for (uint32_t i = 0; i < rates.n_ram_steps; i++) {
        ck_assert_double_ne(rates.ram_steps[i].spread, 1); /* what fewer than three turns are given */
    }
    ck_assert_double_eq(rates.type[PLS_TYPE_Q8_0].spread, 1);
}
END_TEST

START_TEST(doubt_is_of_the_memory_or_of_the_types)
{
    struct pls_rates rates;
    memset(&rates, 0, sizeof rates);
    rates.ram_spread = 0.1;
    ck_assert_double_eq(pls_bench_doubt(&rates), 0.1);
    rates.type[PLS_TYPE_Q8_0] = (struct pls_type_rate){ .stream_gbs = 10, .spread = 0.6 };
    rates.type[PLS_TYPE_Q4_K] = (struct pls_type_rate){ .stream_gbs = 10, .spread = 0.2 };
    rates.type[PLS_TYPE_Q6_K] = (struct pls_type_rate){ .spread = 9 }; /* not measured */
    ck_assert_double_eq_tol(pls_bench_doubt(&rates), 0.4, 1e-12);
}
END_TEST

START_TEST(one_thread_scalar_and_least_memory_work)
{
    struct pls_rates rates;
    memset(&rates, 0, sizeof rates);
    uint32_t cpu = 0;
    ck_assert_uint_eq(pls_sys_cpus(&cpu, 1), 1);
    struct pls_bench_ask ask = { .n_threads = 1, .cpus = &cpu, .n_cpus = 1, .isa_mask = PLS_ISA_SVE,
                                 .budget_s = 0.02, .memory_bytes = 1, .bandwidth_only = true };
    ck_assert_int_eq(pls_bench_run(&ask, &rates, NULL), PLS_OK);
    ck_assert_uint_eq(rates.n_threads, 1);
    ck_assert_uint_eq(rates.n_ram_steps, 1);
    ck_assert_double_gt(rates.ram_gbs, 0);
}
END_TEST

static bool positive(double x)
{
    return isfinite(x) && x > 0;
}

/* What a run fills: every rate of the types asked for, none of the others, the interleaved ones where the engine has
 * them. Rates are positive numbers, whatever they are. */
START_TEST(types_asked_for_are_measured)
{
    struct pls_rates rates;
    memset(&rates, 0, sizeof rates);
    rates.type[PLS_TYPE_Q6_K].stream_gbs = 1.5;
    struct pls_bench_ask ask = { .budget_s = 0.3, .memory_bytes = (uint64_t)8 << 20,
                                 .types = (uint64_t)1 << PLS_TYPE_Q4_K | (uint64_t)1 << PLS_TYPE_IQ2_XS };
    ck_assert_int_eq(pls_bench_run(&ask, &rates, NULL), PLS_OK);
    const struct pls_type_rate *q4 = &rates.type[PLS_TYPE_Q4_K];
    ck_assert(positive(q4->stream_gbs) && positive(q4->cached_gbs));
    ck_assert(positive(q4->stream_one_gbs) && positive(q4->cached_one_gbs));
    ck_assert(positive(q4->stream_half_gbs) && positive(q4->cached_half_gbs));
    bool repacked = pls_kern_repacks(PLS_TYPE_Q4_K, rates.isa) &&
                    pls_kern_find(PLS_TYPE_Q4_K, PLS_KERN_GEMV, rates.isa) != NULL;
    ck_assert_int_eq(positive(q4->stream_repacked_gbs), repacked);
    ck_assert_int_eq(positive(q4->cached_repacked_gbs), repacked);
    const struct pls_kern *gemm = pls_kern_find(PLS_TYPE_Q4_K, PLS_KERN_GEMM, rates.isa);
    ck_assert_int_eq(positive(q4->gemm_gflops), gemm != NULL && gemm->isa != 0);
    ck_assert(positive(rates.type[PLS_TYPE_IQ2_XS].stream_gbs));
    /* 256 elements in 74 bytes, two operations each: the rule for types without a matrix-matrix kernel. */
    bool vectors = pls_kern_find(PLS_TYPE_IQ2_XS, PLS_KERN_DOT, rates.isa)->isa != 0;
    double dots = vectors ? 2 * rates.type[PLS_TYPE_IQ2_XS].cached_gbs * 256 / 74 : 0;
    ck_assert_double_eq_tol(rates.type[PLS_TYPE_IQ2_XS].gemm_gflops, dots, 1e-9 * dots);
    ck_assert_double_eq(rates.type[PLS_TYPE_IQ2_XS].stream_repacked_gbs, 0);
    ck_assert_double_eq(rates.type[PLS_TYPE_Q6_K].stream_gbs, 1.5);
    ck_assert_double_eq(rates.type[PLS_TYPE_F16].stream_gbs, 0);
    ck_assert(positive(rates.barrier_ns) && positive(rates.attention_gbs));
}
END_TEST

START_TEST(scalar_alone_is_measured_without_repacking)
{
    struct pls_rates rates;
    memset(&rates, 0, sizeof rates);
    struct pls_bench_ask ask = { .budget_s = 0.1, .memory_bytes = (uint64_t)2 << 20, .isa_mask = PLS_ISA_SVE,
                                 .types = (uint64_t)1 << PLS_TYPE_Q4_0 };
    ck_assert_int_eq(pls_bench_run(&ask, &rates, NULL), PLS_OK);
    ck_assert_uint_eq(rates.isa & (PLS_ISA_AVX2 | PLS_ISA_NEON), 0);
    ck_assert(positive(rates.type[PLS_TYPE_Q4_0].stream_gbs));
    ck_assert_double_eq(rates.type[PLS_TYPE_Q4_0].stream_repacked_gbs, 0);
    ck_assert_double_eq(rates.type[PLS_TYPE_Q4_0].gemm_gflops, 0);
}
END_TEST

/* Rows of the table in the engine's sources: which types it interleaves where. */
START_TEST(repacking_follows_the_engine)
{
    ck_assert(pls_kern_repacks(PLS_TYPE_Q4_K, PLS_ISA_AVX2));
    ck_assert(!pls_kern_repacks(PLS_TYPE_Q8_0, PLS_ISA_AVX2));
    ck_assert(!pls_kern_repacks(PLS_TYPE_Q2_K, PLS_ISA_AVX2));
    ck_assert(pls_kern_repacks(PLS_TYPE_Q2_K, PLS_ISA_AVX2 | PLS_ISA_AVX512));
    ck_assert(pls_kern_repacks(PLS_TYPE_Q6_K, PLS_ISA_DOTPROD));
    ck_assert(!pls_kern_repacks(PLS_TYPE_IQ4_NL, PLS_ISA_I8MM));
    ck_assert(!pls_kern_repacks(PLS_TYPE_Q4_0, PLS_ISA_NEON));
    ck_assert(!pls_kern_repacks(PLS_TYPE_F16, UINT32_MAX));
}
END_TEST

/* A process bound to one processor (cpuset, affinity) measures with one thread on it. */
START_TEST(one_processor_is_enough)
{
    uint32_t cpus[PLS_TEAM_MAX];
    uint32_t n = pls_sys_cpus(cpus, PLS_TEAM_MAX);
    if (!pls_sys_pin(cpus[n - 1])) {
        return; /* this system cannot bind */
    }
    uint32_t left[4];
    ck_assert_uint_eq(pls_sys_cpus(left, 4), 1);
    ck_assert_uint_eq(left[0], cpus[n - 1]);
    struct pls_rates rates;
    memset(&rates, 0, sizeof rates);
    struct pls_bench_ask ask = { .budget_s = 0.1, .memory_bytes = (uint64_t)4 << 20,
                                 .types = (uint64_t)1 << PLS_TYPE_Q8_0 };
    ck_assert_int_eq(pls_bench_run(&ask, &rates, NULL), PLS_OK);
    ck_assert_uint_eq(rates.n_threads, 1);
    const struct pls_type_rate *q8 = &rates.type[PLS_TYPE_Q8_0];
    ck_assert(positive(q8->stream_gbs));
    ck_assert_double_eq(q8->stream_gbs, q8->stream_one_gbs); /* one step: all threads are one */
    ck_assert_double_eq(q8->stream_gbs, q8->stream_half_gbs);
}
END_TEST

/* More threads than processors are slow, not stuck. */
START_TEST(too_many_threads_still_finish)
{
    struct pls_rates rates;
    memset(&rates, 0, sizeof rates);
    struct pls_bench_ask ask = { .n_threads = 9, .budget_s = 0.05, .memory_bytes = (uint64_t)2 << 20,
                                 .bandwidth_only = true };
    ck_assert_int_eq(pls_bench_run(&ask, &rates, NULL), PLS_OK);
    ck_assert_uint_eq(rates.n_threads, 9);
    ck_assert_uint_eq(rates.n_ram_steps, 3); /* 1, 4, 9 */
    ck_assert_uint_eq(rates.ram_steps[1].n_threads, 4);
}
END_TEST

#if !defined(__SANITIZE_ADDRESS__)
/* Address space for less than the buffer asked for: a smaller one is taken. For next to nothing: no memory, said so. */
START_TEST(memory_that_is_refused_is_done_without)
{
    struct pls_rates rates;
    memset(&rates, 0, sizeof rates);
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_AS, &limit), 0);
    limit.rlim_cur = (rlim_t)300 << 20;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    struct pls_bench_ask ask = { .n_threads = 1, .budget_s = 0.05, .memory_bytes = (uint64_t)512 << 20,
                                 .bandwidth_only = true };
    ck_assert_int_eq(pls_bench_run(&ask, &rates, NULL), PLS_OK);
    ck_assert(positive(rates.ram_gbs));
    limit.rlim_cur = (rlim_t)1 << 20;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    struct pls_err err = { 0 };
    ck_assert_int_eq(pls_bench_run(&ask, &rates, &err), PLS_NOMEM);
    ck_assert_ptr_nonnull(strstr(err.text, "benchmark"));
}
END_TEST
#define MEMORY_TEST memory_that_is_refused_is_done_without,
#else
#define MEMORY_TEST
#endif

static bool refuse(double share, const char *what, void *context)
{
    (void)share;
    (void)what;
    ++*(int *)context;
    return false;
}

START_TEST(a_caller_can_stop_it)
{
    struct pls_rates rates;
    memset(&rates, 0, sizeof rates);
    int calls = 0;
    struct pls_err err = { 0 };
    struct pls_bench_ask ask = { .budget_s = 0.05, .memory_bytes = (uint64_t)1 << 20, .progress = refuse,
                                 .context = &calls };
    ck_assert_int_eq(pls_bench_run(&ask, &rates, &err), PLS_NO);
    ck_assert_int_eq(calls, 1);
    ck_assert_double_eq(rates.ram_gbs, 0);
}
END_TEST

UNIT_MAIN("bench", summary_is_median_and_relative_interquartile_range,
          sampling_keeps_its_minimum_and_its_maximum, processors_are_counted_and_bound,
          bandwidth_alone_fills_bandwidth_alone, one_thread_scalar_and_least_memory_work,
          memory_has_turns_enough_for_a_spread, doubt_is_of_the_memory_or_of_the_types,
          types_asked_for_are_measured, one_processor_is_enough, too_many_threads_still_finish,
          MEMORY_TEST scalar_alone_is_measured_without_repacking, repacking_follows_the_engine,
          a_caller_can_stop_it)
