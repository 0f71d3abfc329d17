/* Plans: other engines than llama.cpp, what would help, what is assumed, several models together. */
#include "placing.h"
#include "unit.h"

/* MLX holds everything on the GPU once, tables included, at what the packaging takes. */
START_TEST(mlx_holds_the_folder_on_the_gpu)
{
    struct pls_format_size size;
    take("llama-3.2-3b"); /* tied */
    struct pls_machine m = machine_make(32 * PLS_GIB);
    PLS_COPY(m.os, "macos");
    machine_gpu(&m, PLS_BACKEND_METAL, PLS_POOL_UNIFIED, 24 * PLS_GIB);
    struct pls_ask ask = pls_ask_default(PLS_RUNTIME_MLX);
    ask.context_tokens = 8192;
    ck_assert_int_eq(pls_format_bytes(&model.card, &ask.quant, &model.tensors, &size, &err), PLS_OK);
    place(&ask, &m);
    ck_assert_uint_eq(plan.shares[0].bytes.weights, 0);
    ck_assert_uint_eq(plan.shares[1].bytes.weights, size.bytes);
    ck_assert_uint_eq(plan.tensor_data_bytes, size.bytes);
    ck_assert_uint_eq(plan.shares[1].bytes.kv, 28ull * 2 * 1024 * 2 * 8192);
    ck_assert_uint_eq(plan.shares[0].bytes.kv, 0);
    ck_assert_uint_ge(plan.uncertainty_bytes, plan.bytes.compute); /* MLX's buffers are not replayed */
}
END_TEST

/* Packed checkpoints differ by who packed them; GGUF files of one recipe do not. */
START_TEST(a_packing_by_rule_says_so)
{
    take("llama-3.1-8b");
    struct pls_machine m = machine_make(64 * PLS_GIB);
    machine_gpu(&m, PLS_BACKEND_CUDA, PLS_POOL_VRAM, 25 * PLS_GIB);
    struct pls_ask ask = pls_ask_default(PLS_RUNTIME_VLLM);
    ask.context_tokens = 8192;
    ck_assert(pls_quant_parse("awq-4bit", &ask.quant));
    place(&ask, &m);
    ck_assert(has_note("packing"));
    ck_assert_uint_ge(plan.uncertainty_bytes, plan.bytes.weights / 5);
    ask = asking("Q4_K_M", 8192);
    place(&ask, &m);
    ck_assert(!has_note("packing"));
}
END_TEST

/* vLLM takes 92 % of the card whatever the model needs, and refuses what needs more. */
START_TEST(vllm_takes_its_share)
{
    take("llama-3.1-8b");
    struct pls_machine m = machine_make(64 * PLS_GIB);
    machine_gpu(&m, PLS_BACKEND_CUDA, PLS_POOL_VRAM, 25 * PLS_GIB);
    struct pls_ask ask = pls_ask_default(PLS_RUNTIME_VLLM);
    ask.context_tokens = 16384;
    place(&ask, &m);
    ck_assert_int_eq(plan.fit, PLS_FIT_YES);
    ck_assert_uint_eq(plan.shares[1].bytes.total, 25 * PLS_GIB / 100 * 92);
    ask.context_tokens = 131072; /* 16 GiB of cache beside 15 GiB of weights */
    place(&ask, &m);
    ck_assert_int_eq(plan.fit, PLS_FIT_NO);
}
END_TEST

/* A folder that was read is sized from its own headers; another packaging of the same model from the
 * architecture. */
START_TEST(a_folder_is_taken_as_it_is_stored)
{
    take("llama-3.2-1b");
    uint32_t listed = model.tensors.n;
    static struct pls_tensor folder[3];
    folder[0] = (struct pls_tensor){
        .name = "token_embd.weight", .dims = { 1000, 1, 1, 1 }, .n_dims = 1, .type = PLS_TYPE_I32, .layer = -1
    };
    folder[1] = (struct pls_tensor){
        .name = "token_embd.scales", .dims = { 250, 1, 1, 1 }, .n_dims = 1, .type = PLS_TYPE_F16, .layer = -1
    };
    folder[2] = (struct pls_tensor){ .name = "blk.3.self_attn.q_proj.weight",
                                     .dims = { 4000, 1, 1, 1 },
                                     .n_dims = 1,
                                     .type = PLS_TYPE_I32,
                                     .layer = 3 };
    model.tensors = (struct pls_tensors){ folder, 3 };
    pls_tensors_sort(&model.tensors);
    model.file_bytes = 21000;
    ck_assert(pls_quant_parse("mlx-4bit", &model.stored));
    struct pls_machine m = machine_make(32 * PLS_GIB);
    machine_gpu(&m, PLS_BACKEND_METAL, PLS_POOL_UNIFIED, 24 * PLS_GIB);
    struct pls_ask ask = pls_ask_default(PLS_RUNTIME_MLX);
    ask.quant = model.stored;
    ask.context_tokens = 4096;
    place(&ask, &m);
    ck_assert_uint_eq(plan.shares[1].bytes.weights, 4 * 1000 + 2 * 250 + 4 * 4000);
    ck_assert_uint_eq(plan.file_bytes, 21000);
    ask = asking("Q4_K_M", 4096);
    place(&ask, &m);
    ck_assert_uint_eq(plan.tensor_data_bytes, 799862912); /* as the quantizer writes it */
    ck_assert_uint_gt(listed, 3);
}
END_TEST

START_TEST(engines_refuse_each_others_packagings)
{
    take("llama-3.1-8b");
    struct pls_machine m = machine_make(64 * PLS_GIB);
    struct pls_ask ask = asking("mlx-4bit", 4096);
    ck_assert_int_eq(pls_place(&model, &ask, &m, &arena, &plan, &err), PLS_REFUSED);
    machine_gpu(&m, PLS_BACKEND_METAL, PLS_POOL_UNIFIED, 24 * PLS_GIB);
    ask = asking("Q4_K_M", 4096);
    ask.runtime = PLS_RUNTIME_MLX;
    ck_assert_int_eq(pls_place(&model, &ask, &m, &arena, &plan, &err), PLS_REFUSED);
    ask = asking("mlx-4bit", 4096);
    ask.runtime = PLS_RUNTIME_LMSTUDIO; /* which has both engines */
    place(&ask, &m);
    ck_assert_int_eq(plan.setting.engine, PLS_ENGINE_MLX);
}
END_TEST

/* Advice is tried before it is given. */
START_TEST(advice_is_what_would_fit)
{
    take("qwen3-8b");
    struct pls_machine m = machine_make(8 * PLS_GIB);
    struct pls_ask ask = asking("Q8_0", 8192);
    struct pls_layout layout;
    ck_assert_int_eq(pls_layout_make(&model, &ask.quant, &m, &arena, &layout, &err), PLS_OK);
    ck_assert_int_eq(pls_place_layout(&layout, &ask, &m, &arena, &plan, &err), PLS_OK);
    ck_assert_int_ne(plan.fit, PLS_FIT_YES);
    pls_place_advise(&layout, &m, &arena, &plan);
    ck_assert(has_note("quant"));
    ck_assert(!has_note("slots"));
    ck_assert(!has_note("wired-limit"));
    char advised[16] = "";
    for (uint32_t i = 0; i < plan.n_notes; i++) {
        if (strcmp(plan.notes[i].code, "quant") == 0) {
            ck_assert_int_eq(sscanf(plan.notes[i].text, "%15s", advised), 1);
        }
    }
    struct pls_ask smaller = asking(advised, 8192);
    place(&smaller, &m);
    ck_assert_int_eq(plan.fit, PLS_FIT_YES);
}
END_TEST

/* A Mac of `ram` bytes whose GPU may wire `limit`, as its budget of RAM is. */
static struct pls_machine mac(uint64_t ram, uint64_t budget, uint64_t limit)
{
    struct pls_machine m = machine_make(ram);
    PLS_COPY(m.os, "macos");
    m.pools[0].budget_bytes = budget;
    machine_gpu(&m, PLS_BACKEND_METAL, PLS_POOL_UNIFIED, ram);
    m.pools[1].budget_bytes = limit;
    pls_pool_limit(&m.pools[1], "working-set", limit, "test");
    return m;
}

/* The limit advised in MiB, 0 when none is. */
static unsigned long wired_limit(const char *quant, struct pls_machine *m)
{
    struct pls_ask ask = asking(quant, 8192);
    struct pls_layout layout;
    unsigned long mib = 0;
    ask.gpu_layers = PLS_GPU_LAYERS_ALL;
    ck_assert_int_eq(pls_layout_make(&model, &ask.quant, m, &arena, &layout, &err), PLS_OK);
    ck_assert_int_eq(pls_place_layout(&layout, &ask, m, &arena, &plan, &err), PLS_OK);
    ck_assert_int_ne(plan.fit, PLS_FIT_YES);
    pls_place_advise(&layout, m, &arena, &plan);
    for (uint32_t i = 0; i < plan.n_notes; i++) {
        if (strcmp(plan.notes[i].code, "wired-limit") == 0) {
            ck_assert_int_eq(sscanf(plan.notes[i].text, "sudo sysctl iogpu.wired_limit_mb=%lu", &mib), 1);
        }
    }
    return mib;
}

/* The model fits RAM but not the limit: with the limit that is advised it fits. */
START_TEST(the_wired_limit_is_named)
{
    take("qwen3-14b");
    struct pls_machine m = mac(24 * PLS_GIB, 21 * PLS_GIB, 8 * PLS_GIB);
    unsigned long mib = wired_limit("Q4_K_M", &m);
    ck_assert_uint_ne(mib, 0);
    m = mac(24 * PLS_GIB, 21 * PLS_GIB, mib * PLS_MIB);
    struct pls_ask ask = asking("Q4_K_M", 8192);
    ask.gpu_layers = PLS_GPU_LAYERS_ALL;
    place(&ask, &m);
    ck_assert_int_eq(plan.fit, PLS_FIT_YES);
}
END_TEST

/* 12.1 GiB are wanted of the GPU: with 8 GiB kept for the system a Mac of 20.5 GiB can spare 12.5, one of 20
 * GiB only 12, which would not do. */
START_TEST(a_wired_limit_stays_below_what_is_safe)
{
    take("qwen3-14b");
    struct pls_machine m = mac(41 * PLS_GIB / 2, 18 * PLS_GIB, 8 * PLS_GIB);
    ck_assert_uint_eq(wired_limit("Q6_K", &m), 12800);
    m = mac(20 * PLS_GIB, 18 * PLS_GIB, 8 * PLS_GIB);
    ck_assert_uint_eq(wired_limit("Q6_K", &m), 0);
    m = mac(24 * PLS_GIB, 25 * PLS_GIB / 2, 8 * PLS_GIB); /* beside its tables in RAM there is no room */
    ck_assert_uint_eq(wired_limit("Q6_K", &m), 0);
}
END_TEST

/* The bits of a cache belong to K; where only K may be quantized there is nothing to swap. */
START_TEST(a_k_cache_coarser_than_v_is_told)
{
    take("llama-3.2-1b");
    struct pls_machine m = machine_make(8 * PLS_GIB);
    struct pls_ask ask = asking("Q4_K_M", 4096);
    ask.type_k = PLS_TYPE_Q4_0;
    place(&ask, &m);
    ck_assert(has_note("kv-order"));
    ask.flash_attention = PLS_OFF;
    place(&ask, &m);
    ck_assert(!has_note("kv-order"));
    ask = asking("Q4_K_M", 4096);
    ask.type_v = PLS_TYPE_Q4_0;
    place(&ask, &m);
    ck_assert(!has_note("kv-order"));
    ask.type_k = PLS_TYPE_Q4_0;
    place(&ask, &m);
    ck_assert(!has_note("kv-order"));
}
END_TEST

START_TEST(plans_together_share_the_budget)
{
    static struct pls_plan plans[2];
    struct pls_together both;
    struct pls_machine m = machine_make(12 * PLS_GIB);
    take("qwen3-8b");
    struct pls_ask ask = asking("Q4_K_M", 4096);
    place(&ask, &m);
    ck_assert_int_eq(plan.fit, PLS_FIT_YES);
    plans[0] = plan;
    plans[1] = plan;
    pls_plan_together(plans, 1, &m, &both);
    ck_assert(both.fits);
    ck_assert_int_eq(both.margin_bytes, plan.margin_bytes);
    pls_plan_together(plans, 2, &m, &both);
    ck_assert_uint_eq(both.total_bytes, 2 * plan.bytes.total);
    ck_assert_int_eq(both.margin_bytes, plan.margin_bytes - (int64_t)plan.bytes.total);
    ck_assert_int_eq(both.fits, both.margin_bytes >= 0);
    pls_plan_claim(&m, &plan);
    ck_assert_uint_eq(m.pools[0].budget_bytes, 12 * PLS_GIB - plan.bytes.total);
}
END_TEST

/* What was not recorded says so: the header, the runtime's defaults, an architecture known only by its file.
 */
START_TEST(assumptions_are_written_down)
{
    take("llama-3.2-1b");
    struct pls_machine m = machine_make(8 * PLS_GIB);
    struct pls_ask ask = asking("Q4_K_M", 4096);
    place(&ask, &m);
    ck_assert(has_note("header-estimate") && has_note("overhead") && !has_note("assumed-defaults"));
    ck_assert(has_note("prompt-cache")); /* 8 GiB it may grow into are not left */
    uint64_t known = plan.uncertainty_bytes;
    ask.runtime = PLS_RUNTIME_JAN;
    ask.parallel = 0;
    place(&ask, &m);
    ck_assert(has_note("assumed-defaults"));
    ask = asking("Q4_K_M", 4096);
    ask.quant.ftype = PLS_FTYPE_NONE;
    PLS_COPY(model.card.arch, "nobody-knows");
    place(&ask, &m);
    ck_assert(has_note("unknown-architecture"));
    ck_assert_uint_ge(plan.uncertainty_bytes, known + plan.bytes.kv);
}
END_TEST

UNIT_MAIN("plan", a_packing_by_rule_says_so, mlx_holds_the_folder_on_the_gpu, vllm_takes_its_share, a_folder_is_taken_as_it_is_stored,
          engines_refuse_each_others_packagings, advice_is_what_would_fit, the_wired_limit_is_named,
          a_wired_limit_stays_below_what_is_safe, a_k_cache_coarser_than_v_is_told,
          plans_together_share_the_budget, assumptions_are_written_down)
