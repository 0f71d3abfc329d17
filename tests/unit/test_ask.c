/* Settling a question: padding, slots, batches, outputs, refusals, and the defaults of each runtime. */
#include "model.h"
#include "plimsoll/ask.h"
#include "unit.h"

static struct pls_card card;
static struct pls_err err;

static struct pls_setting settle(const struct pls_ask *ask, enum pls_backend backend)
{
    struct pls_setting s;
    ck_assert_msg(pls_ask_resolve(ask, &card, backend, &s, &err) == PLS_OK, "%s", err.text);
    return s;
}

static enum pls_code refusal(const struct pls_ask *ask)
{
    struct pls_setting s;
    return pls_ask_resolve(ask, &card, PLS_BACKEND_CPU, &s, &err);
}

/* 10000 pads to 10240; a third is 3413, which pads to 3584; three of these are 10752. */
START_TEST(slots_divide_a_padded_context)
{
    model_card("llama-3.1-8b", &card);
    struct pls_ask ask = pls_ask_default(PLS_RUNTIME_LLAMA_CLI);
    ask.context_tokens = 10000;
    ck_assert_uint_eq(settle(&ask, PLS_BACKEND_CPU).n_ctx, 10240);
    ask.parallel = 3;
    struct pls_setting s = settle(&ask, PLS_BACKEND_CPU);
    ck_assert_uint_eq(s.n_ctx_seq, 3584);
    ck_assert_uint_eq(s.n_ctx, 10752);
    ck_assert_uint_eq(s.n_streams, 3);
    ask.kv_unified = PLS_ON;
    s = settle(&ask, PLS_BACKEND_CPU);
    ck_assert_uint_eq(s.n_ctx, 10240);
    ck_assert_uint_eq(s.n_streams, 1);
}
END_TEST

/* llama-server: 4 slots sharing one cache unless their number is given; logits for one row per slot. */
START_TEST(the_server_unifies_only_its_own_slots)
{
    model_card("llama-3.1-8b", &card);
    struct pls_ask ask = pls_ask_default(PLS_RUNTIME_LLAMA_SERVER);
    struct pls_setting s = settle(&ask, PLS_BACKEND_CPU);
    ck_assert_uint_eq(s.n_ctx, 131072);
    ck_assert_uint_eq(s.n_seq, 4);
    ck_assert(s.kv_unified);
    ck_assert_uint_eq(s.n_outputs, 4);
    ask.parallel = 4;
    s = settle(&ask, PLS_BACKEND_CPU);
    ck_assert(!s.kv_unified);
    ck_assert_uint_eq(s.n_ctx_seq, 32768);
    ask.runtime = PLS_RUNTIME_LLAMA_CLI;
    ck_assert_uint_eq(settle(&ask, PLS_BACKEND_CPU).n_outputs, 512);
}
END_TEST

START_TEST(a_batch_never_exceeds_the_context)
{
    model_card("llama-3.1-8b", &card);
    struct pls_ask ask = pls_ask_default(PLS_RUNTIME_LLAMA_CLI);
    ask.context_tokens = 300;
    struct pls_setting s = settle(&ask, PLS_BACKEND_CPU);
    ck_assert_uint_eq(s.n_batch, 300);
    ck_assert_uint_eq(s.n_ubatch, 300);
    ck_assert_uint_eq(s.n_ctx, 512);
    ask.context_tokens = 8192;
    ask.ubatch_tokens = 4096;
    ck_assert_uint_eq(settle(&ask, PLS_BACKEND_CPU).n_ubatch, 2048);
}
END_TEST

START_TEST(ollama_looks_at_vram)
{
    model_card("llama-3.1-8b", &card);
    ck_assert_uint_eq(pls_ask_default_context(PLS_RUNTIME_OLLAMA, &card, 8 * PLS_GIB), 4096);
    ck_assert_uint_eq(pls_ask_default_context(PLS_RUNTIME_OLLAMA, &card, 24 * PLS_GIB), 32768);
    ck_assert_uint_eq(pls_ask_default_context(PLS_RUNTIME_OLLAMA, &card, 80 * PLS_GIB),
                      131072); /* what it was trained on */
    struct pls_ask ask = pls_ask_default(PLS_RUNTIME_OLLAMA);
    ask.context_tokens = 4096;
    ask.parallel = 2; /* a context is that of one request */
    struct pls_setting s = settle(&ask, PLS_BACKEND_CPU);
    ck_assert_uint_eq(s.n_ctx, 8192);
    ck_assert_uint_eq(s.n_ctx_seq, 4096);
}
END_TEST

START_TEST(what_the_engine_refuses)
{
    model_card("llama-3.1-8b", &card);
    struct pls_ask ask = pls_ask_default(PLS_RUNTIME_LLAMA_CLI);
    ask.type_v = PLS_TYPE_Q8_0;
    ask.flash_attention = PLS_OFF;
    ck_assert_int_eq(refusal(&ask), PLS_REFUSED);
    ck_assert_ptr_nonnull(strstr(err.text, "flash attention"));
    ask.flash_attention = PLS_AUTO; /* which then is on */
    ck_assert_int_eq(refusal(&ask), PLS_OK);
    ask.type_k = PLS_TYPE_Q4_K;
    ck_assert_int_eq(refusal(&ask), PLS_REFUSED);
    ask.type_k = PLS_TYPE_F16;
    ask.parallel = 257;
    ck_assert_int_eq(refusal(&ask), PLS_REFUSED);
    model_card("deepseek-v2-lite", &card);
    ask = pls_ask_default(PLS_RUNTIME_LLAMA_CLI);
    ask.type_k = PLS_TYPE_Q8_0; /* V is a view of K there */
    ck_assert_int_eq(refusal(&ask), PLS_REFUSED);
    ask.type_v = PLS_TYPE_Q8_0;
    ck_assert_int_eq(refusal(&ask), PLS_OK);
}
END_TEST

START_TEST(mlx_cannot_quantize_a_rotating_cache)
{
    struct pls_ask ask = pls_ask_default(PLS_RUNTIME_MLX);
    ask.type_k = PLS_TYPE_Q8_0;
    ask.type_v = PLS_TYPE_Q8_0;
    model_card("llama-3.1-8b", &card);
    ck_assert_int_eq(refusal(&ask), PLS_OK);
    model_card("gemma-3-4b", &card);
    ck_assert_int_eq(refusal(&ask), PLS_REFUSED);
}
END_TEST

/* 256 sequences and 31 bits of context are limits of llama.cpp alone. */
START_TEST(limits_are_those_of_the_engine)
{
    static const enum pls_runtime others[] = { PLS_RUNTIME_VLLM, PLS_RUNTIME_MLX };
    model_card("llama-3.1-8b", &card);
    struct pls_ask ask = pls_ask_default(PLS_RUNTIME_LLAMA_SERVER);
    ask.context_tokens = 1 << 20;
    ask.parallel = 257;
    ck_assert_int_eq(refusal(&ask), PLS_REFUSED);
    ask.parallel = 256;
    ck_assert_int_eq(refusal(&ask), PLS_OK);
    ask.context_tokens = (uint64_t)1 << 31;
    ck_assert_int_eq(refusal(&ask), PLS_REFUSED);
    for (size_t i = 0; i < PLS_COUNT_OF(others); i++) {
        ask = pls_ask_default(others[i]);
        ask.context_tokens = 131072; /* of one sequence */
        ask.parallel = 32768;        /* 2^32 tokens in all */
        struct pls_setting s = settle(&ask, PLS_BACKEND_CPU);
        ck_assert_uint_eq(s.n_seq, 32768);
        ck_assert_uint_eq(s.n_ctx, (uint64_t)1 << 32);
        ask.context_tokens = (uint64_t)1 << 40;
        ck_assert_int_eq(refusal(&ask), PLS_REFUSED);
    }
}
END_TEST

START_TEST(an_unknown_training_context_is_not_guessed)
{
    model_card("llama-3.1-8b", &card);
    card.context_max_tokens = 0;
    struct pls_ask ask = pls_ask_default(PLS_RUNTIME_LLAMA_CLI);
    ck_assert_int_eq(refusal(&ask), PLS_USAGE);
    ask.context_tokens = 4096;
    ck_assert_int_eq(refusal(&ask), PLS_OK);
}
END_TEST

/* Mixed cache types have no CUDA kernel in a plain build: attention is not fused, unless V forces it. */
START_TEST(auto_attention_asks_the_device)
{
    model_card("llama-3.1-8b", &card);
    struct pls_ask ask = pls_ask_default(PLS_RUNTIME_LLAMA_CLI);
    ask.type_k = PLS_TYPE_Q8_0;
    ck_assert(settle(&ask, PLS_BACKEND_CPU).flash_attention);
    ck_assert(!settle(&ask, PLS_BACKEND_CUDA).flash_attention);
    ask.type_v = PLS_TYPE_Q8_0;
    ck_assert(settle(&ask, PLS_BACKEND_CUDA).flash_attention);
}
END_TEST

START_TEST(names_read_back)
{
    for (int i = 0; i < PLS_RUNTIME_COUNT; i++) {
        enum pls_runtime back = PLS_RUNTIME_COUNT;
        ck_assert(pls_runtime_by_name(pls_runtime_name((enum pls_runtime)i), &back));
        ck_assert_int_eq(back, i);
    }
    enum pls_runtime back = PLS_RUNTIME_COUNT;
    ck_assert(pls_runtime_by_name("llama.cpp", &back));
    ck_assert_int_eq(back, PLS_RUNTIME_LLAMA_SERVER);
    ck_assert(!pls_runtime_by_name("llamafile", &back));
}
END_TEST

UNIT_MAIN("ask", slots_divide_a_padded_context, the_server_unifies_only_its_own_slots,
          a_batch_never_exceeds_the_context, ollama_looks_at_vram, what_the_engine_refuses,
          mlx_cannot_quantize_a_rotating_cache, limits_are_those_of_the_engine,
          an_unknown_training_context_is_not_guessed,
          auto_attention_asks_the_device, names_read_back)
