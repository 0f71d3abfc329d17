/* Speed: every term by pencil, what must hold for any device, and the constants' own sanity. */
#include <math.h>

#include "model.h"
#include "plimsoll/speed.h"
#include "unit.h"

/* Round numbers: bus 100 GB/s, 1 TFLOPS, 10 layers of 100 us. */
static const struct pls_gpu_constants round_constants = {
    .backends = { { .backend = PLS_BACKEND_CUDA, .vendor = "nvidia", .layer_us = 100, .moe = 1, .linear = 0.5, .cache_share = 0.5,
                    .no_flash = 0.5, .attention_ops = 1, .old_launch = 2, .old_launch_before = 20250101, .exposed = 0.5,
                    .decode_spread = 1.2, .decode_rows = 9, .moe_prefill = 16, .cache_prefill = 0.01, .attention_prefill = 2,
                    .no_flash_prefill = 3, .layer_prefill_us = 1000, .linear_prefill = 1,
                    .prefill_spread = 1.5, .prefill_rows = 9 } },
    .generations = { { PLS_BACKEND_CUDA, "ada", 0.5, 1, 1, 0, 0.5, 4, 20250101, 9 },
                     { PLS_BACKEND_CUDA, "slow", 0.5, 3, 1, 0, 0.5, 1, 0, 9 },
                     { PLS_BACKEND_CUDA, "keen", 0.5, 1, 0.5, 0, 0.5, 1, 0, 9 },
                     { PLS_BACKEND_CUDA, "", 0.5, 1, 1, 0, 0.5, 1, 0, 0 } },
    .ops = { { PLS_BACKEND_NONE, "nvidia", { 10, 10, 10, 10, 10, 10, 10, 10 } } },
    .matrix = { { PLS_BACKEND_CUDA, "nvidia", { 2, 3, 1, 1, 1, 1, 1, 1 } } },
};
static struct pls_gpu gpu;
static struct pls_traffic traffic;
static struct pls_gpu_load load;

static void reset(void)
{
    memset(&gpu, 0, sizeof gpu);
    memset(&traffic, 0, sizeof traffic);
    PLS_COPY(gpu.vendor, "nvidia");
    PLS_COPY(gpu.generation, "ada");
    gpu.fp32_tflops = 1;
    gpu.fp16_tflops = 4;
    traffic.n_layers = 10;
    traffic.active_params = 1000000000;
    traffic.weights_by_type[PLS_TYPE_F16] = 2000000000;
    load = (struct pls_gpu_load){ .gpu = &gpu, .backend = PLS_BACKEND_CUDA, .bandwidth_gbs = 100, .traffic = &traffic,
                                  .prompt_tokens = 512, .ubatch_tokens = 512, .experts_per_used = 1, .flash_attention = true };
}

static double decode_s(void)
{
    return pls_gpu_decode(&round_constants, &load).seconds;
}

static double prefill_s(void)
{
    return pls_gpu_prefill(&round_constants, &load).seconds;
}

START_TEST(decode_adds_launches_bus_and_arithmetic)
{
    reset();
    /* 10 x 100 us = 1 ms; 2 GB / (0.5 x 100 GB/s) = 40 ms; 1e9 weights x 10 slots / 1e12 = 10 ms, of which half hides */
    ck_assert_double_eq_tol(decode_s(), 0.046, 1e-12);
    /* half of the layers with experts: launches x 1.5 */
    traffic.n_layers_moe = 5;
    ck_assert_double_eq_tol(decode_s(), 0.0465, 1e-12);
    /* and all of them recurrent: x (1 + 0.5 + 0.5) */
    traffic.n_layers_linear = 10;
    ck_assert_double_eq_tol(decode_s(), 0.047, 1e-12);
    /* with an engine of 2024 they took twice as long */
    load.engine_as_of = 20240701;
    ck_assert_double_eq_tol(decode_s(), 0.049, 1e-12);
    load.engine_as_of = 0;
    /* a generation whose launches take three times as long */
    PLS_COPY(gpu.generation, "slow");
    ck_assert_double_eq_tol(decode_s(), 0.051, 1e-12);
    /* eight times the bus: 5 ms hide behind 10 ms of unpacking, half of them */
    load.bandwidth_gbs = 800;
    ck_assert_double_eq_tol(decode_s(), 0.006 + 0.0125, 1e-12);
    /* one that unpacks twice as fast: 5 ms behind 5 ms, and launches of 1 ms x 2 */
    PLS_COPY(gpu.generation, "keen");
    ck_assert_double_eq_tol(decode_s(), 0.002 + 0.0075, 1e-12);
}
END_TEST

START_TEST(decode_reads_and_scores_the_cache)
{
    reset();
    double empty = decode_s();
    traffic.kv_per_token = 1000000;
    traffic.attention_width = 5000;
    load.depth_tokens = 1000;
    /* 1 GB / (0.5 x 100 GB/s) = 20 ms; 4 x 1000 x 5000 / 1e12 = 20 us */
    ck_assert_double_eq_tol(decode_s() - empty, 0.02002, 1e-12);
    /* without flash attention the cache costs 1 / 0.5 as much */
    load.flash_attention = false;
    ck_assert_double_eq_tol(decode_s() - empty, 0.04002, 1e-12);
}
END_TEST

START_TEST(sliding_layers_read_no_further_than_their_window)
{
    struct pls_traffic t = { .kv_per_token = 10, .kv_sliding_per_token = 100, .window_tokens = 1024, .kv_fixed = 7 };
    ck_assert_uint_eq(pls_traffic_cache_bytes(&t, 0), 7);
    ck_assert_uint_eq(pls_traffic_cache_bytes(&t, 1000), 7 + 10 * 1000 + 100 * 1000);
    ck_assert_uint_eq(pls_traffic_cache_bytes(&t, 5000), 7 + 10 * 5000 + 100 * 1024);
    t.kv_per_token = UINT64_MAX;
    ck_assert_uint_eq(pls_traffic_cache_bytes(&t, 5000), PLS_SATURATED);
}
END_TEST

START_TEST(prefill_multiplies_reads_and_scores)
{
    reset();
    traffic.weights_by_type[PLS_TYPE_F16] = 0;
    traffic.weights_by_type[PLS_TYPE_Q8_0] = 1062500000; /* 1e9 weights of 34 bytes per 32 */
    load.resident_bytes = 1000000000;
    /* rate 0.5 x 4e12; 2e9 x 512 / 2e12 = 0.512; one micro-batch: 1 GB / 80 GB/s = 12.5 ms, 10 x 1 ms */
    ck_assert_double_eq_tol(prefill_s(), 0.512 + 0.0125 + 0.010, 1e-9);
    /* two micro-batches of 256 read everything twice */
    load.ubatch_tokens = 256;
    ck_assert_double_eq_tol(prefill_s(), 0.512 + 0.045, 1e-9);
    /* scores: 2 x 512 x 4 x 256 x 10000 / 2e12 = 5.24288 ms */
    traffic.attention_width = 10000;
    ck_assert_double_eq_tol(prefill_s(), 0.512 + 0.045 + 0.00524288, 1e-9);
    /* without flash attention three times that */
    load.flash_attention = false;
    ck_assert_double_eq_tol(prefill_s(), 0.512 + 0.045 + 3 * 0.00524288, 1e-9);
    load.flash_attention = true;
    /* every hundredth token reads the 256 in the cache on average: 0.01 x 512 x 256 kB / 100 GB/s */
    traffic.kv_per_token = 1000;
    ck_assert_double_eq_tol(prefill_s(), 0.512 + 0.045 + 0.00524288 + 0.0000131072, 1e-9);
    traffic.kv_per_token = 0;
    /* an engine of 2024 took four times as long over the products */
    load.engine_as_of = 20240701;
    ck_assert_double_eq_tol(prefill_s(), 2.048 + 0.045 + 0.00524288, 1e-9);
}
END_TEST

START_TEST(experts_multiply_thin_slices)
{
    reset();
    traffic.weights_by_type[PLS_TYPE_F16] = 0;
    traffic.weights_by_type[PLS_TYPE_Q8_0] = 1062500000;
    traffic.expert_share_bytes = 531250000;
    traffic.n_layers_moe = 10;
    load.experts_per_used = 16;
    /* 512 tokens over 16 experts per used one: 32 each; half of the products takes 1 + 16 / 32 as long: 512 ms x 1.25 */
    ck_assert_double_eq_tol(prefill_s(), 0.64 + 0.010, 1e-9);
    /* an engine of 2024 took four times as long over the other half, experts went through other kernels: 256 ms x (4 + 1.5) */
    load.engine_as_of = 20240701;
    ck_assert_double_eq_tol(prefill_s(), 1.408 + 0.010, 1e-9);
}
END_TEST

START_TEST(prompts_need_the_output_matrix_once)
{
    reset();
    traffic.weights_by_type[PLS_TYPE_F16] = 0;
    traffic.weights_by_type[PLS_TYPE_Q8_0] = 1062500000;
    traffic.output_params = 500000000;
    traffic.output_by_type[PLS_TYPE_Q8_0] = 531250000;
    /* 2 x (0.5e9 x 512 + 0.5e9) / 2e12 = 256.5 ms; 10 ms for the layers */
    ck_assert_double_eq_tol(prefill_s(), 0.2665, 1e-9);
}
END_TEST

START_TEST(types_run_through_their_own_matrix_kernels)
{
    reset();
    double f16 = prefill_s();
    traffic.weights_by_type[PLS_TYPE_F16] = 0;
    traffic.weights_by_type[PLS_TYPE_BF16] = 2000000000;
    double bf16 = prefill_s();
    /* 512 ms x 2 and x 3, 10 ms for the layers */
    ck_assert_double_eq_tol(f16, 1.034, 1e-9);
    ck_assert_double_eq_tol(bf16, 1.546, 1e-9);
}
END_TEST

START_TEST(unknown_bandwidth_is_unknown_speed)
{
    reset();
    load.bandwidth_gbs = 0;
    ck_assert(isnan(decode_s()));
    ck_assert(isnan(prefill_s()));
    reset();
    PLS_COPY(gpu.vendor, "nobody");
    ck_assert(isnan(decode_s()));
}
END_TEST

START_TEST(a_device_nobody_measured_has_a_wider_interval)
{
    reset();
    ck_assert_double_eq_tol(pls_gpu_decode(&round_constants, &load).spread, 1.2, 1e-9);
    PLS_COPY(gpu.generation, "future");
    ck_assert_double_gt(pls_gpu_decode(&round_constants, &load).spread, 1.2);
    ck_assert_double_gt(pls_gpu_prefill(&round_constants, &load).spread, 1.5);
}
END_TEST

/* ---- the fitted constants ---- */

static const struct {
    enum pls_backend backend;
    const char *vendor, *generation;
} kinds[] = {
    { PLS_BACKEND_CUDA, "nvidia", "pascal" },  { PLS_BACKEND_CUDA, "nvidia", "ampere" }, { PLS_BACKEND_CUDA, "nvidia", "hopper" },
    { PLS_BACKEND_CUDA, "nvidia", "new" },     { PLS_BACKEND_METAL, "apple", "m1" },     { PLS_BACKEND_METAL, "apple", "m5" },
    { PLS_BACKEND_MLX, "apple", "m3" },        { PLS_BACKEND_ROCM, "amd", "rdna3.5" },   { PLS_BACKEND_ROCM, "amd", "cdna3" },
    { PLS_BACKEND_VULKAN, "amd", "rdna4" },    { PLS_BACKEND_VULKAN, "nvidia", "ada" },  { PLS_BACKEND_VULKAN, "intel", "xe2" },
    { PLS_BACKEND_VULKAN, "qualcomm", "any" }, { PLS_BACKEND_SYCL, "intel", "xe2" },
};

static double fitted_decode_s(void)
{
    return pls_gpu_decode(pls_gpu_constants(), &load).seconds;
}

static void behaves(size_t kind)
{
    reset();
    load.backend = kinds[kind].backend;
    PLS_COPY(gpu.vendor, kinds[kind].vendor);
    PLS_COPY(gpu.generation, kinds[kind].generation);
    gpu.fp32_tflops = 20;
    gpu.fp16_tflops = 40;
    traffic.kv_per_token = 131072;
    traffic.attention_width = 40960;
    double before = fitted_decode_s();
    ck_assert(isfinite(before) && before > 0);
    for (uint64_t depth = 512; depth <= 131072; depth *= 2) { /* more depth is never faster */
        load.depth_tokens = depth;
        double now = fitted_decode_s();
        ck_assert_double_ge(now, before);
        before = now;
    }
    load.depth_tokens = 0;
    for (double gbs = 120; gbs < 4000; gbs *= 2) { /* a faster bus is never slower */
        load.bandwidth_gbs = gbs / 1.5;
        double slow = fitted_decode_s();
        double slow_prompt = pls_gpu_prefill(pls_gpu_constants(), &load).seconds;
        load.bandwidth_gbs = gbs;
        ck_assert_double_lt(fitted_decode_s(), slow);
        ck_assert_double_le(pls_gpu_prefill(pls_gpu_constants(), &load).seconds, slow_prompt);
    }
    struct pls_share_time t = pls_gpu_decode(pls_gpu_constants(), &load);
    ck_assert(t.spread > 1 && t.spread < 6);
}

START_TEST(every_backend_behaves)
{
    for (size_t i = 0; i < PLS_COUNT_OF(kinds); i++) {
        behaves(i);
    }
}
END_TEST

START_TEST(where_the_bus_decides_a_wider_quant_is_not_faster)
{
    static const struct {
        enum pls_type type;
        double bytes_per_weight;
    } narrow_to_wide[] = { { PLS_TYPE_Q4_0, 18.0 / 32 }, { PLS_TYPE_Q8_0, 34.0 / 32 }, { PLS_TYPE_F16, 2 } };
    reset();
    gpu.fp32_tflops = 1000; /* arithmetic for nothing */
    double before = 0;
    for (size_t i = 0; i < PLS_COUNT_OF(narrow_to_wide); i++) {
        memset(traffic.weights_by_type, 0, sizeof traffic.weights_by_type);
        traffic.weights_by_type[narrow_to_wide[i].type] = (uint64_t)(1e9 * narrow_to_wide[i].bytes_per_weight);
        double now = fitted_decode_s();
        ck_assert_double_gt(now, before);
        before = now;
    }
}
END_TEST

/* ---- the processor ---- */

static struct pls_machine machine;
static struct pls_rates rates;

static struct pls_cpu_load cpu_load(void)
{
    machine = machine_make(64 * PLS_GIB);
    machine.cpu.isa = 0; /* no class: factors of 1 */
    machine.cpu.cores = 8;
    machine.pools[0].bandwidth_gbs = 50;
    memset(&rates, 0, sizeof rates);
    reset();
    memset(traffic.weights_by_type, 0, sizeof traffic.weights_by_type);
    traffic.weights_by_type[PLS_TYPE_Q8_0] = 1000000000;
    return (struct pls_cpu_load){ .machine = &machine, .rates = &rates, .traffic = &traffic, .prompt_tokens = 128,
                                  .ubatch_tokens = 512, .experts_per_used = 1 };
}

START_TEST(measured_kernels_decide_where_there_are_any)
{
    struct pls_cpu_load cpu = cpu_load();
    enum pls_origin origin = PLS_ORIGIN_UNKNOWN;
    rates.n_threads = 8;
    rates.type[PLS_TYPE_Q8_0] = (struct pls_type_rate){ .stream_gbs = 20, .cached_gbs = 80 };
    /* 1 GB at 20 GB/s, with an engine as fast as we are */
    ck_assert_double_eq_tol(pls_cpu_decode(&cpu, &origin).seconds, 0.05, 1e-9);
    ck_assert_int_eq(origin, PLS_ORIGIN_MEASURED);
    double sure = pls_cpu_decode(&cpu, &origin).spread;
    rates.type[PLS_TYPE_Q8_0].spread = 0.4;
    /* ln of the interval: the engine's beside 0.95 x 0.4 */
    ck_assert_double_eq_tol(pow(log(pls_cpu_decode(&cpu, &origin).spread), 2), pow(log(sure), 2) + 0.38 * 0.38, 1e-9);
    rates.type[PLS_TYPE_Q8_0].spread = 0;
    double alone = pls_cpu_decode(&cpu, &origin).seconds;
    traffic.n_ops = 1000;
    rates.barrier_ns = 1000; /* 1000 operations wait at least 1 us each */
    ck_assert_double_ge(pls_cpu_decode(&cpu, &origin).seconds - alone, 0.001);
    /* one thread of eight */
    rates.type[PLS_TYPE_Q8_0].stream_one_gbs = 5;
    rates.type[PLS_TYPE_Q8_0].cached_one_gbs = 10;
    cpu.n_threads = 1;
    traffic.n_ops = 0;
    ck_assert_double_eq_tol(pls_cpu_decode(&cpu, &origin).seconds, 0.2, 1e-9);
}
END_TEST

/* By hand: one core of eight has 12.6 GB/s under way, eight of them the 0.65 of 50 that all together read; a stack of
 * 1638 GB/s gives eight cores 100.8. Computing, a core's 29 GB/s of Q8_0, comes on top. */
START_TEST(a_core_reads_only_what_it_has_under_way)
{
    struct pls_cpu_load cpu = cpu_load();
    enum pls_origin origin = PLS_ORIGIN_UNKNOWN;
    ck_assert_double_eq_tol(pls_cpu_decode(&cpu, &origin).seconds, 1 / 32.5 + 1 / 232.0, 1e-9);
    ck_assert_int_eq(origin, PLS_ORIGIN_ASSUMED);
    machine.pools[0].bandwidth_gbs = 1638;
    ck_assert_double_eq_tol(pls_cpu_decode(&cpu, &origin).seconds, 1 / 100.8 + 1 / 232.0, 1e-9);
    cpu.n_threads = 1;
    ck_assert_double_eq_tol(pls_cpu_decode(&cpu, &origin).seconds, 1 / 12.6 + 1 / 29.0, 1e-9);
}
END_TEST

/* The engine's kernels are another factor of ours on AMD's cores; by how the name begins. */
START_TEST(makers_have_figures_of_their_own)
{
    struct pls_cpu_load cpu = cpu_load();
    enum pls_origin origin = PLS_ORIGIN_UNKNOWN;
    rates.n_threads = 8;
    rates.type[PLS_TYPE_Q8_0] = (struct pls_type_rate){ .stream_gbs = 20, .stream_one_gbs = 2.5 };
    machine.cpu.isa = PLS_ISA_AVX2 | PLS_ISA_AVX512_VNNI;
    PLS_COPY(machine.cpu.name, "AMD EPYC 9575F 64-Core Processor");
    double amd = pls_cpu_decode(&cpu, &origin).seconds;
    PLS_COPY(machine.cpu.name, "Intel(R) Xeon(R) Platinum 8481C");
    double intel = pls_cpu_decode(&cpu, &origin).seconds;
    ck_assert_double_eq_tol(amd / intel, 0.63 / 0.86, 1e-6); /* data/speed_cpu.def, Q8_0 of VNNI and ZEN512 */
}
END_TEST

/* A quota is processor time: what is measured with as many threads as it feeds stands; below one CPU a lone
 * thread is stopped too; without measurements cores beyond it do no work. */
START_TEST(a_quota_is_not_outrun)
{
    struct pls_cpu_load cpu = cpu_load();
    enum pls_origin origin = PLS_ORIGIN_UNKNOWN;
    machine.cpu.threads = 8;
    ck_assert_uint_eq(pls_cpu_threads(&machine.cpu), 8);
    double eight = pls_cpu_decode(&cpu, &origin).seconds;
    cpu.n_threads = 2;
    double two = pls_cpu_decode(&cpu, &origin).seconds;
    cpu.n_threads = 0;
    machine.cpu.quota_cpus = 2;
    ck_assert_double_gt(two, eight);
    ck_assert_double_eq_tol(pls_cpu_decode(&cpu, &origin).seconds, two, 1e-12);
    machine.cpu.quota_cpus = 1.5;
    ck_assert_uint_eq(pls_cpu_threads(&machine.cpu), 1);
    ck_assert_double_gt(pls_cpu_decode(&cpu, &origin).seconds, two);
    rates.n_threads = 1;
    rates.type[PLS_TYPE_Q8_0] =
        (struct pls_type_rate){ .stream_gbs = 20, .cached_gbs = 80, .stream_one_gbs = 20 };
    ck_assert_double_eq_tol(pls_cpu_decode(&cpu, &origin).seconds, 0.05, 1e-9); /* 1 GB at 20 GB/s */
    cpu.n_threads = 64;
    ck_assert_double_eq_tol(pls_cpu_decode(&cpu, &origin).seconds, 0.05,
                            1e-9); /* more threads than measured are no faster */
    machine.cpu.quota_cpus = 0.5;
    ck_assert_uint_eq(pls_cpu_threads(&machine.cpu), 1);
    ck_assert_double_eq_tol(pls_cpu_decode(&cpu, &origin).seconds, 0.1, 1e-9); /* half of the time */
    machine.cpu.quota_cpus = 16;
    ck_assert(!pls_cpu_is_rationed(&machine.cpu));
}
END_TEST

START_TEST(models_that_only_read_are_as_fast_as_they_read)
{
    struct pls_plan plan = { .speed = { .decode_tps = 100, .prefill_tps = 9000 } };
    struct pls_card card = { .tasks = 1u << PLS_TASK_EMBEDDING };
    ck_assert_double_eq(pls_speed_that_counts(&card, &plan), 9000);
    card.tasks = 1u << PLS_TASK_RERANK; /* some are no encoders */
    ck_assert_double_eq(pls_speed_that_counts(&card, &plan), 9000);
    card.tasks |= 1u << PLS_TASK_CHAT;
    ck_assert_double_eq(pls_speed_that_counts(&card, &plan), 100);
    card = (struct pls_card){ .is_encoder = true }; /* a file that names no use */
    ck_assert_double_eq(pls_speed_that_counts(&card, &plan), 9000);
}
END_TEST

START_TEST(a_slow_engine_loses_nothing_on_a_full_bus)
{
    struct pls_cpu_load cpu = cpu_load();
    enum pls_origin origin = PLS_ORIGIN_UNKNOWN;
    machine.cpu.isa = PLS_ISA_AVX2;
    rates.n_threads = 8;
    rates.type[PLS_TYPE_Q8_0] = (struct pls_type_rate){ .stream_gbs = 39.9, .stream_one_gbs = 20 };
    double free_bus = pls_cpu_decode(&cpu, &origin).seconds;
    ck_assert_double_gt(free_bus, 1.2 / 39.9);
    /* 8 threads of 20 GB/s read 40: bus = (40^-4 - 160^-4)^(-1/4) = 40.04; a factor f of 160 GB/s is far above it, so that the
     * time grows by ((160 f)^-4 + 40.04^-4)^(1/4) * 40.04: less than 1% for any f above 0.6 */
    rates.type[PLS_TYPE_F32] = (struct pls_type_rate){ .stream_gbs = 40, .stream_one_gbs = 20 };
    ck_assert_double_eq_tol(pls_cpu_decode(&cpu, &origin).seconds, 1 / 39.9, 0.01 / 39.9);
}
END_TEST

START_TEST(the_nearest_measured_type_stands_in)
{
    struct pls_cpu_load cpu = cpu_load();
    enum pls_origin origin = PLS_ORIGIN_UNKNOWN;
    rates.n_threads = 8;
    rates.type[PLS_TYPE_Q4_K] = (struct pls_type_rate){ .stream_gbs = 20, .stream_one_gbs = 5 };
    double seconds = pls_cpu_decode(&cpu, &origin).seconds; /* Q8_0, whose kernel is no slower on any core */
    ck_assert_double_eq_tol(seconds, 0.05, 1e-9);
    ck_assert_int_eq(origin, PLS_ORIGIN_ASSUMED);
}
END_TEST

START_TEST(interleaved_rates_hold_where_the_engine_interleaves)
{
    struct pls_cpu_load cpu = cpu_load();
    enum pls_origin origin = PLS_ORIGIN_UNKNOWN;
    rates.type[PLS_TYPE_Q8_0] = (struct pls_type_rate){ .stream_gbs = 20, .cached_gbs = 80, .stream_repacked_gbs = 40,
                                                        .cached_repacked_gbs = 160 };
    ck_assert_double_eq_tol(pls_cpu_decode(&cpu, &origin).seconds, 0.05, 1e-9);
    traffic.repacked = true;
    ck_assert_double_eq_tol(pls_cpu_decode(&cpu, &origin).seconds, 0.025, 1e-9);
}
END_TEST

START_TEST(heads_that_share_a_cache_all_read_it)
{
    struct pls_cpu_load cpu = cpu_load();
    enum pls_origin origin = PLS_ORIGIN_UNKNOWN;
    rates.type[PLS_TYPE_Q8_0] = (struct pls_type_rate){ .stream_gbs = 20 };
    rates.attention_gbs = 10;
    double empty = pls_cpu_decode(&cpu, &origin).seconds;
    cpu.depth_tokens = 1000;
    traffic.kv_per_token = 16384;     /* 4 heads of 128 in 8 layers, K and V */
    traffic.attention_width = 32768;  /* 32 heads that look at them */
    traffic.window_tokens = 0;
    double cost = pls_cpu_decode(&cpu, &origin).seconds - empty;
    traffic.kv_per_token = 131072;
    ck_assert_double_eq_tol(pls_cpu_decode(&cpu, &origin).seconds - empty, cost, 1e-9);
    /* 32768 x 4 bytes x 1000 tokens at 10 GB/s are 13.1 ms, and no engine is faster than our rows */
    ck_assert_double_ge(cost, 0.0131);
    ck_assert_double_lt(cost, 0.03);
}
END_TEST

START_TEST(a_table_row_is_an_assumption)
{
    struct pls_cpu_load cpu = cpu_load();
    enum pls_origin origin = PLS_ORIGIN_UNKNOWN;
    struct pls_share_time eight = pls_cpu_decode(&cpu, &origin);
    ck_assert_int_eq(origin, PLS_ORIGIN_ASSUMED);
    ck_assert(eight.seconds > 1.0 / 50 && isfinite(eight.seconds)); /* never above the bus */
    machine.cpu.cores = 1;
    ck_assert_double_gt(pls_cpu_decode(&cpu, &origin).seconds, eight.seconds);
    machine.pools[0].bandwidth_gbs = 0;
    ck_assert(isnan(pls_cpu_decode(&cpu, &origin).seconds));
}
END_TEST

START_TEST(calibration_scales_a_type_and_adds_to_layers)
{
    struct pls_cpu_load cpu = cpu_load();
    enum pls_origin origin = PLS_ORIGIN_UNKNOWN;
    rates.type[PLS_TYPE_Q8_0] = (struct pls_type_rate){ .stream_gbs = 20, .cached_gbs = 80, .gemm_gflops = 100 };
    struct pls_share_time before = pls_cpu_decode(&cpu, &origin);
    double prompt = pls_cpu_prefill(&cpu, &origin).seconds;
    cpu.learnt = &rates.calibration;
    rates.calibration.type_factor[PLS_TYPE_Q8_0] = 2;
    rates.calibration.prefill_factor[PLS_TYPE_Q8_0] = 2;
    rates.calibration.fixed_ns_per_layer = 1e6;
    rates.calibration.n_runs = 5;
    rates.calibration.residual = 0.1;
    /* 50 ms / 2 + 10 layers x 1 ms */
    ck_assert_double_eq_tol(pls_cpu_decode(&cpu, &origin).seconds, 0.035, 1e-9);
    ck_assert_double_lt(pls_cpu_decode(&cpu, &origin).spread, before.spread);
    ck_assert_double_lt(pls_cpu_prefill(&cpu, &origin).seconds, prompt);
}
END_TEST

/* ---- shares together ---- */

static struct pls_plan plan;

static void two_gpus(void)
{
    memset(&plan, 0, sizeof plan);
    machine = machine_make(64 * PLS_GIB);
    machine.pools[0].bandwidth_gbs = 50;
    memset(&rates, 0, sizeof rates);
    for (int i = 0; i < 2; i++) {
        machine_gpu(&machine, PLS_BACKEND_CUDA, PLS_POOL_VRAM, 24 * PLS_GIB);
        PLS_COPY(machine.gpus[i].vendor, "nvidia");
        PLS_COPY(machine.gpus[i].generation, "ada");
        machine.gpus[i].fp32_tflops = 80;
        machine.gpus[i].fp16_tflops = 160;
        machine.gpus[i].link_gbs = 32;
        machine.pools[1 + i].bandwidth_gbs = 1000;
    }
    reset();
    plan.n_shares = 3;
    plan.gpu_layers = 21;
    plan.setting.n_ubatch = 512;
    plan.setting.flash_attention = true;
    for (int32_t i = 0; i < 3; i++) {
        plan.shares[i].pool = i;
    }
    plan.shares[1].traffic = traffic;
    plan.shares[2].traffic = traffic;
}

START_TEST(devices_take_turns)
{
    struct pls_card card;
    memset(&card, 0, sizeof card);
    two_gpus();
    pls_speed_predict(&card, &machine, &rates, &plan);
    double both = plan.speed.decode_tps;
    memset(&plan.shares[2].traffic, 0, sizeof plan.shares[2].traffic);
    pls_speed_predict(&card, &machine, &rates, &plan);
    /* half of the layers take half the time, but for handing over */
    ck_assert_double_eq_tol(plan.speed.decode_tps / both, 2, 0.05);
    ck_assert_double_ge(plan.speed.decode_tps / both, 2);
    ck_assert(plan.speed.decode_low_tps < plan.speed.decode_tps && plan.speed.decode_tps < plan.speed.decode_high_tps);
}
END_TEST

START_TEST(layers_in_ram_slow_it_down_and_prompts_borrow_the_gpu)
{
    struct pls_card card;
    memset(&card, 0, sizeof card);
    two_gpus();
    pls_speed_predict(&card, &machine, &rates, &plan);
    struct pls_speed all = plan.speed;
    plan.shares[0].traffic = plan.shares[2].traffic;
    memset(&plan.shares[2].traffic, 0, sizeof plan.shares[2].traffic);
    plan.gpu_layers = 10;
    pls_speed_predict(&card, &machine, &rates, &plan);
    ck_assert_double_lt(plan.speed.decode_tps, all.decode_tps / 3);
    ck_assert_int_eq(plan.speed.origin, PLS_ORIGIN_ASSUMED);
    ck_assert_double_lt(plan.speed.prefill_tps, all.prefill_tps);
    double slow_link = plan.speed.prefill_tps;
    machine.gpus[0].link_gbs = 64;
    pls_speed_predict(&card, &machine, &rates, &plan);
    ck_assert_double_gt(plan.speed.prefill_tps, slow_link);
}
END_TEST

START_TEST(unknown_memory_leaves_the_plan_without_speed)
{
    struct pls_card card;
    memset(&card, 0, sizeof card);
    two_gpus();
    machine.pools[1].bandwidth_gbs = 0;
    pls_speed_predict(&card, &machine, &rates, &plan);
    ck_assert_double_eq(plan.speed.decode_tps, 0);
    ck_assert_double_eq(plan.speed.prefill_tps, 0);
}
END_TEST

UNIT_MAIN("speed", decode_adds_launches_bus_and_arithmetic, decode_reads_and_scores_the_cache,
          sliding_layers_read_no_further_than_their_window, prefill_multiplies_reads_and_scores,
          prompts_need_the_output_matrix_once, experts_multiply_thin_slices,
          types_run_through_their_own_matrix_kernels, unknown_bandwidth_is_unknown_speed,
          a_device_nobody_measured_has_a_wider_interval, every_backend_behaves,
          where_the_bus_decides_a_wider_quant_is_not_faster, measured_kernels_decide_where_there_are_any,
          interleaved_rates_hold_where_the_engine_interleaves, a_slow_engine_loses_nothing_on_a_full_bus,
          a_quota_is_not_outrun, a_core_reads_only_what_it_has_under_way,
          makers_have_figures_of_their_own, models_that_only_read_are_as_fast_as_they_read,
          the_nearest_measured_type_stands_in, heads_that_share_a_cache_all_read_it,
          a_table_row_is_an_assumption, calibration_scales_a_type_and_adds_to_layers, devices_take_turns,
          layers_in_ram_slow_it_down_and_prompts_borrow_the_gpu, unknown_memory_leaves_the_plan_without_speed)
