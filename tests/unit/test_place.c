/* Placement: recorded loads, pencil splits, and what must hold for any model on any machine. */
#include "placing.h"
#include "unit.h"

/* ---- recorded ---- */

static struct pls_machine device_machine(const char *device)
{
    struct pls_machine m = machine_make(4096 * PLS_GIB);
    if (strcmp(device, "cuda") == 0) {
        machine_gpu(&m, PLS_BACKEND_CUDA, PLS_POOL_VRAM, 4096 * PLS_GIB);
    } else if (strcmp(device, "metal") == 0) {
        machine_gpu(&m, PLS_BACKEND_METAL, PLS_POOL_UNIFIED, 4096 * PLS_GIB);
    }
    return m;
}

START_TEST(every_recorded_load_is_met)
{
    char line[256], id[64], device[16], last[64] = "";
    unsigned rows = 0;
    FILE *f = fopen("tests/fixtures/resident.tsv", "r");
    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof line, f) != NULL) {
        int layers, repack;
        unsigned long long host, repacked, on_device;
        if (line[0] == '#') {
            continue;
        }
        ck_assert_int_eq(sscanf(line, "%63s %15s %d %d %llu %llu %llu", id, device, &layers, &repack, &host,
                                &repacked, &on_device),
                         7);
        if (strcmp(id, last) != 0) {
            take(id);
            memcpy(last, id, sizeof last);
        }
        struct pls_ask ask = asking("Q4_K_M", 4096);
        ask.gpu_layers = layers < 0 ? PLS_GPU_LAYERS_ALL : layers;
        ask.no_repack = repack == 0;
        ask.no_mmap = true;
        struct pls_machine m = device_machine(device);
        place(&ask, &m);
        ck_assert_msg(plan.shares[0].bytes.weights == host, "%s: host %llu", line,
                      (unsigned long long)plan.shares[0].bytes.weights);
        ck_assert_msg(plan.n_shares == 1 || plan.shares[1].bytes.weights == on_device, "%s: device %llu",
                      line, (unsigned long long)plan.shares[1].bytes.weights);
        ck_assert_uint_eq(plan.bytes.mapped, 0);
        ask.no_mmap = false; /* what is repacked is not the mapped file */
        place(&ask, &m);
        ck_assert_msg(plan.shares[0].bytes.weights - plan.shares[0].bytes.mapped == repacked,
                      "%s: private %llu", line,
                      (unsigned long long)(plan.shares[0].bytes.weights - plan.shares[0].bytes.mapped));
        rows++;
    }
    fclose(f);
    ck_assert_uint_eq(rows, 320);
}
END_TEST

/* ---- pencil ---- */

/* Two GPUs, shares 3 : 1, 32 layers and the output: 33 places. The first device takes places below 0.75 * 33
 * = 24.75, so layers 0..24; the second 25..31 and the output. */
START_TEST(a_tensor_split_divides_the_layers)
{
    take("llama-3.1-8b");
    struct pls_machine m = machine_make(64 * PLS_GIB);
    machine_gpu(&m, PLS_BACKEND_CUDA, PLS_POOL_VRAM, 24 * PLS_GIB);
    machine_gpu(&m, PLS_BACKEND_CUDA, PLS_POOL_VRAM, 24 * PLS_GIB);
    struct pls_ask ask = asking("Q4_K_M", 8192);
    ask.gpu_layers = PLS_GPU_LAYERS_ALL;
    ask.tensor_split[0] = 3;
    ask.tensor_split[1] = 1;
    place(&ask, &m);
    ck_assert_uint_eq(plan.n_shares, 3);
    ck_assert_uint_eq(plan.shares[1].n_layers, 25);
    ck_assert_uint_eq(plan.shares[2].n_layers, 7);
    ck_assert_uint_eq(plan.shares[1].bytes.kv, 25 * PLS_GIB / 32);
    ck_assert_int_eq(plan.gpu_layers, 33);
}
END_TEST

/* By size when no ratios are given: 24 and 8 GiB are 3 : 1 as well. */
START_TEST(without_ratios_memory_decides)
{
    take("llama-3.1-8b");
    struct pls_machine m = machine_make(64 * PLS_GIB);
    machine_gpu(&m, PLS_BACKEND_CUDA, PLS_POOL_VRAM, 24 * PLS_GIB);
    machine_gpu(&m, PLS_BACKEND_CUDA, PLS_POOL_VRAM, 8 * PLS_GIB);
    struct pls_ask ask = asking("Q4_K_M", 8192);
    place(&ask, &m);
    ck_assert_uint_eq(plan.shares[1].n_layers, 25);
    ck_assert_int_eq(plan.fit, PLS_FIT_YES);
}
END_TEST

/* Shared out by memory, a third GPU of 4 GiB gets 6 of 81 places, one of them the output of 0.9 GB: with its
 * driver and buffers that is too much for it, while the two of 24 GiB have room. */
START_TEST(layers_are_counted_out_when_a_share_overflows)
{
    take("llama-3.1-70b");
    struct pls_machine m = machine_make(64 * PLS_GIB);
    machine_gpu(&m, PLS_BACKEND_CUDA, PLS_POOL_VRAM, 24 * PLS_GIB);
    machine_gpu(&m, PLS_BACKEND_CUDA, PLS_POOL_VRAM, 24 * PLS_GIB);
    machine_gpu(&m, PLS_BACKEND_CUDA, PLS_POOL_VRAM, 4 * PLS_GIB);
    struct pls_ask ask = asking("Q4_K_M", 8192);
    ask.gpu_layers = PLS_GPU_LAYERS_ALL;
    place(&ask, &m);
    ck_assert_int_eq(plan.fit, PLS_FIT_NO);
    ck_assert_int_lt(plan.shares[3].margin_bytes, 0);
    ask.gpu_layers = PLS_GPU_LAYERS_AUTO;
    place(&ask, &m);
    ck_assert_int_eq(plan.fit, PLS_FIT_YES);
    ck_assert_int_eq(plan.gpu_layers, 81);
    struct pls_ask again = plan.ask; /* what was counted out is what the ratios say */
    struct pls_bytes last = plan.shares[3].bytes;
    place(&again, &m);
    ck_assert_mem_eq(&plan.shares[3].bytes, &last, sizeof last);
}
END_TEST

START_TEST(a_gpu_too_small_for_its_driver_is_left_alone)
{
    take("llama-3.2-1b");
    struct pls_machine m = machine_make(16 * PLS_GIB);
    machine_gpu(&m, PLS_BACKEND_CUDA, PLS_POOL_VRAM, PLS_GIB / 4);
    struct pls_ask ask = asking("Q4_K_M", 4096);
    place(&ask, &m);
    ck_assert_int_eq(plan.fit, PLS_FIT_YES);
    ck_assert_uint_eq(plan.n_shares, 1);
}
END_TEST

/* Llama-3.1-70B at Q4_K_M is 42.5 GB: 24 GiB of VRAM with 64 GiB of RAM carry a part of its 81 layers. */
START_TEST(layers_spill_when_the_gpu_is_full)
{
    take("llama-3.1-70b");
    struct pls_machine m = machine_make(64 * PLS_GIB);
    machine_gpu(&m, PLS_BACKEND_CUDA, PLS_POOL_VRAM, 24 * PLS_GIB);
    struct pls_ask ask = asking("Q4_K_M", 8192);
    place(&ask, &m);
    ck_assert_int_eq(plan.fit, PLS_FIT_YES);
    ck_assert_int_gt(plan.gpu_layers, 20);
    ck_assert_int_lt(plan.gpu_layers, 60);
    ck_assert(has_note("partial-offload"));
    int32_t chosen = plan.gpu_layers;
    ck_assert_int_ge(plan.shares[1].margin_bytes, (int64_t)PLS_GIB); /* what the engine's fit leaves free */
    ask.gpu_layers = chosen + 1;                                     /* one more would not leave it */
    place(&ask, &m);
    ck_assert_int_lt(plan.shares[1].margin_bytes, (int64_t)PLS_GIB);
    ask.gpu_layers = chosen + 4;
    place(&ask, &m);
    ck_assert_int_eq(plan.fit, PLS_FIT_NO);
    ck_assert_int_lt(plan.shares[1].margin_bytes, 0);
    ck_assert_str_ne(plan.first_misfit, "");
}
END_TEST

START_TEST(experts_leave_before_layers)
{
    take("qwen3-30b-a3b");
    struct pls_machine m = machine_make(64 * PLS_GIB);
    machine_gpu(&m, PLS_BACKEND_CUDA, PLS_POOL_VRAM, 8 * PLS_GIB);
    struct pls_ask ask = asking("Q4_K_M", 8192);
    place(&ask, &m);
    ck_assert_int_eq(plan.fit, PLS_FIT_YES);
    ck_assert_int_eq(plan.gpu_layers, 49);
    ck_assert_int_gt(plan.cpu_moe_layers, 0);
    ck_assert_int_lt(plan.cpu_moe_layers, 48);
    uint64_t of_experts = plan.shares[0].traffic.expert_share_bytes;
    ck_assert_uint_gt(of_experts, 0);
    ask.cpu_moe_layers = plan.cpu_moe_layers - 1;
    ask.gpu_layers = PLS_GPU_LAYERS_ALL;
    place(&ask, &m);
    ck_assert_int_lt(plan.shares[1].margin_bytes, (int64_t)PLS_GIB);
}
END_TEST

START_TEST(context_gives_way_before_layers)
{
    take("llama-3.1-8b");
    struct pls_machine m = machine_make(64 * PLS_GIB);
    machine_gpu(&m, PLS_BACKEND_CUDA, PLS_POOL_VRAM, 8 * PLS_GIB);
    struct pls_ask ask = asking("Q4_K_M", PLS_CONTEXT_DEFAULT);
    place(&ask, &m);
    ck_assert_int_eq(plan.fit, PLS_FIT_YES);
    ck_assert_int_eq(plan.gpu_layers, 33);
    ck_assert_uint_ge(plan.setting.n_ctx, 4096);
    ck_assert_uint_lt(plan.setting.n_ctx, 131072);
    ck_assert(has_note("context-reduced"));
    uint64_t chosen = plan.setting.n_ctx;
    ask.context_tokens = chosen + 256;
    ask.gpu_layers = PLS_GPU_LAYERS_ALL;
    place(&ask, &m);
    ck_assert_int_lt(plan.shares[1].margin_bytes, (int64_t)PLS_GIB);
}
END_TEST

/* 24 GiB of unified memory, 16 of which the GPU may wire: what it holds counts against both. */
START_TEST(unified_memory_is_counted_once_in_bytes_and_twice_in_budgets)
{
    take("qwen3-14b");
    struct pls_machine m = machine_make(12 * PLS_GIB);
    machine_gpu(&m, PLS_BACKEND_METAL, PLS_POOL_UNIFIED, 16 * PLS_GIB);
    struct pls_ask ask = asking("Q4_K_M", 4096);
    ask.gpu_layers = PLS_GPU_LAYERS_ALL;
    place(&ask, &m);
    ck_assert_uint_eq(plan.bytes.total, plan.shares[0].bytes.total + plan.shares[1].bytes.total);
    ck_assert_int_eq(plan.shares[0].margin_bytes, (int64_t)(12 * PLS_GIB) - (int64_t)plan.bytes.total);
    ck_assert_uint_eq(plan.shares[1].bytes.mapped, plan.shares[1].bytes.weights);
}
END_TEST

/* A 70B at 4 bits on 24 GiB of RAM: no, and only with plain kernels could it run from disk. */
START_TEST(larger_than_memory_is_a_state_of_its_own)
{
    take("llama-3.1-70b");
    struct pls_machine m = machine_make(24 * PLS_GIB);
    struct pls_ask ask = asking("Q4_K_M", 8192);
    place(&ask, &m);
    ck_assert_int_eq(plan.fit, PLS_FIT_STREAMS);
    ck_assert(has_note("streams"));
    ck_assert_int_lt(plan.margin_bytes, 0);
    ask.no_mmap = true;
    place(&ask, &m);
    ck_assert_int_eq(plan.fit, PLS_FIT_NO);
    ck_assert_ptr_eq(strstr(plan.first_misfit, "layer"), plan.first_misfit);
}
END_TEST

/* LFM2-1.2B keeps attention in layers 2, 5, 8, 10, 12, 14. With 8 of 17 on the device, host layer 8 attends
 * and device layer 9 holds a state: recorded without fused attention. With 7, layer 9 is the host's last:
 * fused. */
START_TEST(attention_at_the_seam_loses_its_fusion)
{
    take("lfm2-1.2b");
    struct pls_machine m = device_machine("cuda");
    struct pls_ask ask = asking("Q4_K_M", 8192);
    ask.gpu_layers = 8;
    place(&ask, &m);
    ck_assert(!plan.setting.flash_attention);
    ask.gpu_layers = 7;
    place(&ask, &m);
    ck_assert(plan.setting.flash_attention);
    ask.gpu_layers = 8;
    ask.flash_attention = PLS_ON;
    place(&ask, &m);
    ck_assert(plan.setting.flash_attention);
}
END_TEST

/* ---- what must hold ---- */

static void check_sums(void)
{
    struct pls_bytes sum;
    memset(&sum, 0, sizeof sum);
    for (uint32_t i = 0; i < plan.n_shares; i++) {
        pls_bytes_add(&sum, &plan.shares[i].bytes);
    }
    ck_assert_mem_eq(&sum, &plan.bytes, sizeof sum);
    ck_assert_uint_eq(sum.total, sum.weights + sum.kv + sum.state + sum.compute + sum.output + sum.projector
                                     + sum.overhead);
    uint64_t of_types = 0;
    for (int t = 0; t < PLS_TYPE_COUNT; t++) {
        of_types += plan.types[t].bytes;
    }
    ck_assert_uint_eq(of_types, plan.tensor_data_bytes);
}

START_TEST(sums_agree_on_any_split)
{
    static const char *const ids[] = { "gemma-4-e4b", "qwen3-30b-a3b", "granite-4.0-h-tiny",
                                       "deepseek-v2-lite" };
    for (size_t i = 0; i < PLS_COUNT_OF(ids); i++) {
        take(ids[i]);
        struct pls_machine m = machine_make(64 * PLS_GIB);
        machine_gpu(&m, PLS_BACKEND_CUDA, PLS_POOL_VRAM, 12 * PLS_GIB);
        machine_gpu(&m, PLS_BACKEND_CUDA, PLS_POOL_VRAM, 6 * PLS_GIB);
        struct pls_ask ask = asking("Q4_K_M", 8192);
        uint64_t on_host = UINT64_MAX;
        for (ask.gpu_layers = 0; ask.gpu_layers < 50; ask.gpu_layers += 7) {
            place(&ask, &m);
            check_sums();
            ck_assert_uint_le(plan.shares[0].bytes.weights,
                              on_host); /* more layers offloaded, less on the host */
            on_host = plan.shares[0].bytes.weights;
        }
    }
}
END_TEST

START_TEST(a_wider_quant_is_never_smaller)
{
    static const char *const quants[] = { "IQ2_XXS", "Q2_K", "Q3_K_M", "Q4_K_M", "Q5_K_M",
                                          "Q6_K",    "Q8_0", "BF16",   "F32" };
    take("llama-3.2-3b");
    struct pls_machine m = machine_make(64 * PLS_GIB);
    uint64_t before = 0;
    for (size_t i = 0; i < PLS_COUNT_OF(quants); i++) {
        struct pls_ask ask = asking(quants[i], 4096);
        ask.quant.imatrix = true;
        place(&ask, &m);
        ck_assert_uint_gt(plan.bytes.weights, before);
        ck_assert_uint_gt(plan.file_bytes, plan.tensor_data_bytes);
        before = plan.bytes.weights;
    }
}
END_TEST

START_TEST(saturated_never_fits)
{
    take("llama-3.2-1b");
    struct pls_machine m = machine_make(UINT64_MAX);
    model.tensors.items[5].dims[1] = UINT64_MAX / 2;
    struct pls_ask ask = asking("Q4_K_M", 4096);
    place(&ask, &m);
    ck_assert_uint_eq(plan.bytes.total, PLS_SATURATED);
    ck_assert_int_eq(plan.fit, PLS_FIT_NO);
}
END_TEST

START_TEST(the_largest_context_fits_and_the_next_does_not)
{
    take("qwen3-8b");
    struct pls_machine m = machine_make(8 * PLS_GIB);
    struct pls_ask ask = asking("Q4_K_M", 4096);
    struct pls_layout layout;
    ck_assert_int_eq(pls_layout_make(&model, &ask.quant, &m, &arena, &layout, &err), PLS_OK);
    ck_assert_int_eq(pls_place_layout(&layout, &ask, &m, &arena, &plan, &err), PLS_OK);
    uint64_t best = pls_place_context_fit(&layout, &plan, &m, &arena);
    ck_assert_uint_gt(best, 4096);
    ck_assert_uint_lt(best, 40960);
    ck_assert_uint_eq(best % 256, 0);
    ask.context_tokens = best;
    place(&ask, &m);
    ck_assert_int_eq(plan.fit, PLS_FIT_YES);
    ask.context_tokens = best + 256;
    place(&ask, &m);
    ck_assert_int_ne(plan.fit, PLS_FIT_YES);
}
END_TEST

START_TEST(a_layout_answers_as_a_fresh_one_does)
{
    take("gemma-3-27b");
    struct pls_machine m = machine_make(64 * PLS_GIB);
    machine_gpu(&m, PLS_BACKEND_CUDA, PLS_POOL_VRAM, 16 * PLS_GIB);
    struct pls_ask ask = asking("Q4_K_M", 4096);
    struct pls_layout layout;
    static struct pls_plan again;
    ck_assert_int_eq(pls_layout_make(&model, &ask.quant, &m, &arena, &layout, &err), PLS_OK);
    for (ask.context_tokens = 4096; ask.context_tokens <= 32768; ask.context_tokens *= 2) {
        ck_assert_int_eq(pls_place_layout(&layout, &ask, &m, &arena, &again, &err), PLS_OK);
        place(&ask, &m);
        ck_assert_mem_eq(&again.bytes, &plan.bytes, sizeof plan.bytes);
        ck_assert_int_eq(again.gpu_layers, plan.gpu_layers);
    }
}
END_TEST

/* Traffic of a mixture: all dense tensors, 8 of 128 experts. Qwen3-30B-A3B: 3.35 billion parameters a token
 * less the input table (151936 * 2048 = 0.31 billion). */
START_TEST(traffic_counts_active_experts)
{
    take("qwen3-30b-a3b");
    struct pls_machine m = machine_make(64 * PLS_GIB);
    struct pls_ask ask = asking("Q4_K_M", 4096);
    place(&ask, &m);
    const struct pls_traffic *t = &plan.shares[0].traffic;
    ck_assert_uint_gt(t->active_params, 3000000000);
    ck_assert_uint_lt(t->active_params, 3100000000);
    ck_assert_uint_eq(t->n_layers, 48);
    ck_assert_uint_eq(t->n_layers_moe, 48);
    ck_assert_uint_eq(t->kv_per_token, 48 * 2 * 512 * 2);
    ck_assert(t->repacked);
}
END_TEST

/* Whole on one side, buffers are replayed once for all quants; split, weights matter and nothing may be shared. */
START_TEST(shared_replays_change_nothing)
{
    static const char *const quants[] = { "Q8_0", "Q4_K_M", "Q2_K" };
    static const uint64_t contexts[] = { 8192, 32768 };
    static struct pls_plan alone;
    take("qwen3-30b-a3b");
    struct pls_replays *replays = pls_replays_new(&arena);
    struct pls_machine machines[] = { machine_make(64 * PLS_GIB), machine_make(64 * PLS_GIB), machine_make(64 * PLS_GIB) };
    machine_gpu(&machines[1], PLS_BACKEND_CUDA, PLS_POOL_VRAM, 48 * PLS_GIB);
    machine_gpu(&machines[2], PLS_BACKEND_CUDA, PLS_POOL_VRAM, 12 * PLS_GIB);
    ck_assert_ptr_nonnull(replays);
    for (size_t i = 0; i < PLS_COUNT_OF(machines) * PLS_COUNT_OF(quants) * PLS_COUNT_OF(contexts); i++) {
        const struct pls_machine *m = &machines[i % PLS_COUNT_OF(machines)];
        struct pls_ask ask = asking(quants[i / 3 % PLS_COUNT_OF(quants)], contexts[i / 9]);
        struct pls_layout layout;
        size_t mark = arena.used;
        ck_assert_int_eq(pls_layout_make(&model, &ask.quant, m, &arena, &layout, &err), PLS_OK);
        ck_assert_int_eq(pls_place_layout(&layout, &ask, m, &arena, &alone, &err), PLS_OK);
        layout.replays = replays;
        ck_assert_int_eq(pls_place_layout(&layout, &ask, m, &arena, &plan, &err), PLS_OK);
        ck_assert_mem_eq(&plan, &alone, sizeof plan);
        pls_arena_reset(&arena, mark);
    }
}
END_TEST

START_TEST(a_missing_backend_is_said_so)
{
    take("llama-3.2-1b");
    struct pls_machine m = machine_make(8 * PLS_GIB);
    struct pls_ask ask = asking("Q4_K_M", 4096);
    ask.backend = PLS_BACKEND_CUDA;
    ck_assert_int_eq(pls_place(&model, &ask, &m, &arena, &plan, &err), PLS_REFUSED);
}
END_TEST

UNIT_MAIN("place", every_recorded_load_is_met, a_tensor_split_divides_the_layers,
          without_ratios_memory_decides, layers_are_counted_out_when_a_share_overflows,
          a_gpu_too_small_for_its_driver_is_left_alone, layers_spill_when_the_gpu_is_full,
          experts_leave_before_layers, context_gives_way_before_layers,
          unified_memory_is_counted_once_in_bytes_and_twice_in_budgets,
          larger_than_memory_is_a_state_of_its_own, attention_at_the_seam_loses_its_fusion,
          sums_agree_on_any_split, a_wider_quant_is_never_smaller, saturated_never_fits,
          the_largest_context_fits_and_the_next_does_not, a_layout_answers_as_a_fresh_one_does,
          traffic_counts_active_experts, shared_replays_change_nothing, a_missing_backend_is_said_so)
