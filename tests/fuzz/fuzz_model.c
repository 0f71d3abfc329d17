/* Any numbers as a card of any architecture under any question: bytes become hyperparameters, so that arithmetic and the
 * replayed graphs meet widths, counts and contexts no model has. */
#include <stdlib.h>
#include <string.h>

#include "core/arch.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Values are taken off the input until it is empty, then zeros. */
struct source {
    const uint8_t *data;
    size_t size;
};

static uint32_t take(struct source *s, unsigned bytes)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < bytes; i++) {
        value = value << 8 | (s->size > 0 ? *s->data : 0);
        s->data += s->size > 0;
        s->size -= s->size > 0;
    }
    return value;
}

/* Mostly what a model may have: small, a power of two, a multiple of 64; sometimes anything. */
static uint32_t number(struct source *s)
{
    uint32_t how = take(s, 1);
    switch (how & 7) {
    case 0:
        return take(s, 4);
    case 1:
    case 2:
        return 1u << (how >> 3);
    case 3:
    case 4:
        return 64 * take(s, 1);
    case 5:
        return take(s, 2);
    default:
        return how >> 3;
    }
}

/* Each field twice out of three times left as it was: a card of nothing but noise is refused at once. */
static void disturb(struct source *s, struct pls_card *card)
{
#define PLS_CARD_U64(field, key, note) card->field = take(s, 1) % 3 == 0 ? number(s) : card->field;
#define PLS_CARD_U32(field, key, note) card->field = take(s, 1) % 3 == 0 ? number(s) : card->field;
#define PLS_CARD_FLAG(field, key, note) card->field = take(s, 1) % 3 == 0 ? !card->field : card->field;
#include "plimsoll/card_fields.def"
    static const char kinds[] = "FSGKLMmCPDENV";
    if (take(s, 1) % 4 == 0) {
        for (uint32_t i = 0; i < card->n_layers && i < PLS_MAX_LAYERS; i++) {
            card->kind[i] = kinds[take(s, 1) % (sizeof(kinds) - 1)];
        }
    }
}

static bool make_card(struct source *s, struct pls_card *card)
{
    static const char *const archs[] = {
        "llama",     "qwen3",      "qwen3moe",   "deepseek2",  "gemma3",        "gemma3n",  "gemma4",   "gpt-oss",
        "qwen35",    "qwen35moe",  "qwen3next",  "nemotron_h", "granitehybrid", "falcon-h1", "kimi-linear", "lfm2",
        "mamba2",    "bert",       "llama4",     "jamba",      "minimax-m2",    "glm4moe",  "phi3",     "exaone4",
        "deepseek4", "minimax-m3", "t5encoder",  "mamba",      "plamo2",        "step35",   "hunyuan-moe", "cohere2",
    };
    *card = (struct pls_card){ .n_layers = 4, .n_embd = 256, .n_head = 4, .n_head_kv = 2, .head_dim = 64, .n_ff = 512,
                               .n_vocab = 1000, .context_max_tokens = 8192, .sliding_window = 512, .n_expert = 8,
                               .n_expert_used = 2, .n_ff_exp = 128, .ssm_conv = 4, .ssm_state = 64, .ssm_inner = 512,
                               .ssm_heads = 8, .ssm_groups = 2, .kda_head_dim = 64, .native = PLS_TYPE_BF16 };
    const char *arch = archs[take(s, 1) % PLS_COUNT_OF(archs)];
    PLS_COPY(card->id, "any");
    PLS_COPY(card->arch, arch);
    disturb(s, card);
    return pls_card_complete(card, NULL) == PLS_OK;
}

static struct pls_ask make_ask(struct source *s)
{
    static const enum pls_type caches[] = { PLS_TYPE_F16, PLS_TYPE_Q8_0, PLS_TYPE_Q4_0, PLS_TYPE_F32, PLS_TYPE_BF16 };
    struct pls_ask ask = pls_ask_default((enum pls_runtime)(take(s, 1) % PLS_RUNTIME_COUNT));
    uint32_t format = take(s, 1);
    ask.quant = (struct pls_quant){ .format = format % 3 != 0 ? PLS_FORMAT_GGUF : (enum pls_format)(format % PLS_FORMAT_COUNT),
                                    .ftype = (enum pls_ftype)(take(s, 1) % PLS_FTYPE_COUNT),
                                    .stored = PLS_TYPE_BF16,
                                    .bits = (uint8_t)take(s, 1),
                                    .group = (uint16_t)number(s) };
    ask.context_tokens = take(s, 1) % 4 == 0 ? PLS_CONTEXT_MAX : number(s);
    ask.parallel = take(s, 1) % 2 == 0 ? 0 : number(s);
    ask.batch_tokens = take(s, 1) % 2 == 0 ? 0 : number(s);
    ask.ubatch_tokens = take(s, 1) % 2 == 0 ? 0 : number(s);
    ask.type_k = caches[take(s, 1) % PLS_COUNT_OF(caches)];
    ask.type_v = caches[take(s, 1) % PLS_COUNT_OF(caches)];
    ask.flash_attention = (enum pls_tri)(take(s, 1) % 3);
    ask.kv_unified = (enum pls_tri)(take(s, 1) % 3);
    ask.gpu_layers = take(s, 1) % 2 == 0 ? PLS_GPU_LAYERS_AUTO : (int32_t)take(s, 1);
    ask.swa_full = take(s, 1) % 4 == 0;
    ask.no_mmap = take(s, 1) % 4 == 0;
    ask.depth_tokens = number(s);
    ask.prompt_tokens = number(s);
    return ask;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned char *room;
    static struct pls_model model;
    static struct pls_plan plan;
    struct source s = { data, size };
    struct pls_err err = { .text = "" };
    struct pls_machine machine = fuzz_machine();
    room = room != NULL ? room : malloc(FUZZ_ROOM);
    struct pls_arena arena = pls_arena_over(room, FUZZ_ROOM);
    model = (struct pls_model){ .stored = { .ftype = PLS_FTYPE_NONE } };
    if (!make_card(&s, &model.card)) {
        return 0;
    }
    enum pls_code code = pls_arch_tensors(&model.card, &arena, &model.tensors, &err);
    fuzz_sentence(code, &err);
    if (code != PLS_OK) {
        return 0;
    }
    struct pls_ask ask = make_ask(&s);
    struct pls_rates rates = { .ram_gbs = 50, .ram_origin = PLS_ORIGIN_MEASURED };
    machine.pools[0].bandwidth_gbs = 50;
    machine.pools[1].bandwidth_gbs = 500;
    code = pls_plan_make(&model, &ask, &machine, &rates, &arena, &plan, &err);
    fuzz_sentence(code, &err);
    if (code == PLS_OK) {
        fuzz_plan(&plan);
        pls_quality_predict(&model.card, PLS_TASK_CHAT, &plan);
    }
    return 0;
}
