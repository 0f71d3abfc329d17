/* KV cache and recurrent state: pencil numbers, recorded allocations, and what must hold for any model. */
#include "model.h"
#include "plimsoll/size.h"
#include "unit.h"

static struct pls_card card;
static struct pls_cache_shape shape;

static struct pls_setting settle(struct pls_ask ask)
{
    struct pls_setting s;
    struct pls_err err = { PLS_OK, "" };
    ck_assert_msg(pls_ask_resolve(&ask, &card, PLS_BACKEND_CPU, &s, &err) == PLS_OK, "%s", err.text);
    return s;
}

static void take(const char *id)
{
    model_card(id, &card);
    pls_cache_shape_of(&card, &shape);
}

/* Llama-3.1-8B: 32 layers, 8 KV heads of 128 = 1024 values for K and as many for V. F16 at 8192 cells:
 * 32 * 2 * 1024 * 2 bytes * 8192 = 1 GiB. Q8_0 stores 32 values in 34 bytes: 2^30 * 34 / 64 = 570425344. */
START_TEST(a_plain_cache_is_a_product)
{
    take("llama-3.1-8b");
    struct pls_ask ask = pls_ask_default(PLS_RUNTIME_LLAMA_CLI);
    ask.context_tokens = 8192;
    struct pls_setting s = settle(ask);
    struct pls_buffer_rule cpu = pls_buffer_rule(PLS_BACKEND_CPU);
    ck_assert_uint_eq(pls_size_kv_total(&shape, &s, cpu).kv, PLS_GIB);
    ask.type_k = PLS_TYPE_Q8_0;
    ask.type_v = PLS_TYPE_Q8_0;
    s = settle(ask);
    ck_assert_uint_eq(pls_size_kv_total(&shape, &s, cpu).kv, 570425344);
}
END_TEST

/* Gemma-3-4B: 34 layers, every sixth is full: 5 full, 29 sliding. Window 1024 + a batch of 512 = 1536 cells.
 * 4 KV heads of 256 = 1024 values: 4096 bytes per cell. (5 * 32768 + 29 * 1536) * 4096 = 853540864. */
START_TEST(sliding_layers_keep_window_and_batch)
{
    take("gemma-3-4b");
    struct pls_ask ask = pls_ask_default(PLS_RUNTIME_LLAMA_CLI);
    ask.context_tokens = 32768;
    struct pls_setting s = settle(ask);
    ck_assert_uint_eq(s.n_cells_swa, 1536);
    ck_assert_uint_eq(pls_size_kv_total(&shape, &s, pls_buffer_rule(PLS_BACKEND_CPU)).kv, 853540864);
}
END_TEST

/* Qwen3.5-9B: 24 of 32 layers hold a state of 3*8192 + 524288 floats: 4 * 548864 * 24 = 52690944 bytes a
 * slot. */
START_TEST(state_is_per_slot)
{
    take("qwen3.5-9b");
    struct pls_ask ask = pls_ask_default(PLS_RUNTIME_LLAMA_CLI);
    ask.context_tokens = 8192;
    for (uint32_t slots = 1; slots <= 4; slots++) {
        ask.parallel = slots;
        struct pls_setting s = settle(ask);
        ck_assert_uint_eq(pls_size_kv_total(&shape, &s, pls_buffer_rule(PLS_BACKEND_CPU)).state,
                          slots * 52690944);
    }
}
END_TEST

/* A width of 192 is not a multiple of CUDA's 512: 320 more Q8_0 values, 340 bytes, then padded to 128. */
START_TEST(cuda_pads_the_last_quantized_row)
{
    struct pls_buffer_rule cuda = pls_buffer_rule(PLS_BACKEND_CUDA);
    ck_assert_uint_eq(pls_buffer_bytes(cuda, PLS_TYPE_Q8_0, 192, 204 * 10), 2432); /* 2040 + 340 = 2380 */
    ck_assert_uint_eq(pls_buffer_bytes(cuda, PLS_TYPE_F16, 192, 384 * 10), 3840);
    ck_assert_uint_eq(pls_buffer_bytes(pls_buffer_rule(PLS_BACKEND_CPU), PLS_TYPE_Q8_0, 192, 2040), 2048);
}
END_TEST

/* vLLM holds fp8 in one byte per value and pages of 16; MLX pads to 256. */
START_TEST(other_engines_have_their_own_steps)
{
    take("llama-3.1-8b");
    struct pls_ask ask = pls_ask_default(PLS_RUNTIME_VLLM);
    ask.context_tokens = 1000;
    ask.type_k = PLS_TYPE_Q8_0;
    ask.type_v = PLS_TYPE_Q8_0;
    struct pls_setting s = settle(ask);
    ck_assert_uint_eq(s.n_ctx, 1008); /* 63 pages */
    ck_assert_uint_eq(pls_size_kv_total(&shape, &s, pls_buffer_rule(PLS_BACKEND_CPU)).kv,
                      32ull * 2048 * 1008);
    ask = pls_ask_default(PLS_RUNTIME_MLX);
    ask.context_tokens = 1000;
    ck_assert_uint_eq(settle(ask).n_ctx, 1024);
}
END_TEST

/* Gemma-4-E4B: full layers have 2 KV heads of 512, sliding ones 2 of 256, so off transposes all V to 1024
 * values. When "auto" finds no kernel (CUDA, K in Q8_0 beside V in F16) the cache is made already and keeps
 * its widths. */
START_TEST(auto_that_is_lost_does_not_widen_v)
{
    take("gemma-4-e4b");
    struct pls_ask ask = pls_ask_default(PLS_RUNTIME_LLAMA_CLI);
    struct pls_setting s;
    struct pls_buffer_rule cuda = pls_buffer_rule(PLS_BACKEND_CUDA);
    ask.context_tokens = 8192;
    ask.type_k = PLS_TYPE_Q8_0;
    ck_assert_int_eq(pls_ask_resolve(&ask, &card, PLS_BACKEND_CUDA, &s, NULL), PLS_OK);
    ck_assert(!s.flash_attention);
    uint64_t lost = pls_size_kv_total(&shape, &s, cuda).kv;
    ask.flash_attention = PLS_ON;
    ck_assert_int_eq(pls_ask_resolve(&ask, &card, PLS_BACKEND_CUDA, &s, NULL), PLS_OK);
    ck_assert_uint_eq(pls_size_kv_total(&shape, &s, cuda).kv, lost);
    ask.flash_attention = PLS_OFF;
    ck_assert_int_eq(pls_ask_resolve(&ask, &card, PLS_BACKEND_CUDA, &s, NULL), PLS_OK);
    ck_assert_uint_gt(pls_size_kv_total(&shape, &s, cuda).kv, lost);
}
END_TEST

START_TEST(an_absurd_context_saturates_or_is_refused)
{
    struct pls_setting s;
    take("llama-3.1-8b");
    struct pls_ask ask = pls_ask_default(PLS_RUNTIME_LLAMA_CLI);
    ask.context_tokens = 4096;
    s = settle(ask);
    s.n_ctx_seq = UINT64_MAX / 2;
    ck_assert_uint_eq(pls_size_kv_total(&shape, &s, pls_buffer_rule(PLS_BACKEND_CPU)).kv, PLS_SATURATED);
    struct pls_err err;
    ask.context_tokens = (uint64_t)1 << 40;
    ck_assert_int_eq(pls_ask_resolve(&ask, &card, PLS_BACKEND_CPU, &s, &err), PLS_REFUSED);
}
END_TEST

static enum pls_tri tri(const char *word)
{
    return strcmp(word, "on") == 0 ? PLS_ON : strcmp(word, "off") == 0 ? PLS_OFF : PLS_AUTO;
}

static void check_run(const char *line, unsigned *runs)
{
    unsigned long long context, n_ctx, bytes;
    unsigned align, slots, unified, batch, ubatch, whole, n;
    char fa[8], k[16], v[16];
    int got = sscanf(line, "%u %llu %u %u %u %u %7s %15s %15s %u %llu %llu %u", &align, &context, &slots,
                     &unified, &batch, &ubatch, fa, k, v, &whole, &n_ctx, &bytes, &n);
    ck_assert_msg(got == 13, "%s", line);
    struct pls_ask ask = pls_ask_default(PLS_RUNTIME_LLAMA_CLI);
    ask.context_tokens = context;
    ask.parallel = slots;
    ask.kv_unified = unified != 0 ? PLS_ON : PLS_AUTO;
    ask.batch_tokens = batch;
    ask.ubatch_tokens = ubatch;
    ask.flash_attention = tri(fa);
    ask.type_k = pls_type_by_name(k);
    ask.type_v = pls_type_by_name(v);
    ask.swa_full = whole != 0;
    struct pls_setting s = settle(ask);
    enum pls_backend backend = align == 128 ? PLS_BACKEND_CUDA : PLS_BACKEND_CPU;
    struct pls_cache_bytes got_bytes = pls_size_kv_total(&shape, &s, pls_buffer_rule(backend));
    ck_assert_msg(s.n_ctx == n_ctx, "%s %s: n_ctx %llu", card.name, line, (unsigned long long)s.n_ctx);
    ck_assert_msg(got_bytes.kv + got_bytes.state == bytes, "%s %s: %llu", card.name, line,
                  (unsigned long long)(got_bytes.kv + got_bytes.state));
    *runs += n;
}

START_TEST(every_recorded_allocation_is_met)
{
    char line[512];
    unsigned runs = 0;
    FILE *f = fopen("tests/fixtures/kv.tsv", "r");
    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof line, f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "model\t", 6) == 0) {
            take(line + 6);
        } else if (line[0] != '#') {
            check_run(line, &runs);
        }
    }
    fclose(f);
    ck_assert_uint_eq(runs, 2918);
}
END_TEST

START_TEST(more_context_or_slots_never_need_less)
{
    static const char *const ids[] = { "gemma-3-27b", "qwen3.5-35b-a3b", "deepseek-v3.1", "gpt-oss-20b",
                                       "lfm2-1.2b" };
    for (size_t i = 0; i < PLS_COUNT_OF(ids); i++) {
        take(ids[i]);
        struct pls_ask ask = pls_ask_default(PLS_RUNTIME_LLAMA_CLI);
        uint64_t before = 0;
        for (uint64_t context = 200; context <= 40000; context += 997) {
            ask.context_tokens = context;
            struct pls_setting s = settle(ask);
            struct pls_cache_bytes b = pls_size_kv_total(&shape, &s, pls_buffer_rule(PLS_BACKEND_CUDA));
            ck_assert_uint_ge(b.kv + b.state, before);
            before = b.kv + b.state;
        }
        before = 0;
        for (ask.parallel = 1; ask.parallel <= 8; ask.parallel++) {
            struct pls_setting s = settle(ask);
            struct pls_cache_bytes b = pls_size_kv_total(&shape, &s, pls_buffer_rule(PLS_BACKEND_CPU));
            ck_assert_uint_ge(b.state, before);
            before = b.state;
        }
    }
}
END_TEST

START_TEST(the_layers_add_up)
{
    take("gemma-4-31b");
    struct pls_ask ask = pls_ask_default(PLS_RUNTIME_LLAMA_SERVER);
    ask.context_tokens = 65536;
    struct pls_setting s = settle(ask);
    struct pls_buffer_rule rule = pls_buffer_rule(PLS_BACKEND_METAL);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < shape.n_layers; i++) {
        sum += pls_size_kv_layer(&shape, i, &s, rule).kv;
    }
    ck_assert_uint_eq(sum, pls_size_kv_total(&shape, &s, rule).kv);
}
END_TEST

UNIT_MAIN("size_kv", a_plain_cache_is_a_product, sliding_layers_keep_window_and_batch, state_is_per_slot,
          cuda_pads_the_last_quantized_row, other_engines_have_their_own_steps,
          auto_that_is_lost_does_not_widen_v, an_absurd_context_saturates_or_is_refused,
          every_recorded_allocation_is_met, more_context_or_slots_never_need_less, the_layers_add_up)
