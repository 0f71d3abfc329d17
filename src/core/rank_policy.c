/* What a policy holds by default, and which of its fields a user may change. Judgement where it is judgement,
 * evidence where there is some: the comments say which. */
#include <stddef.h>
#include <string.h>

#include "plimsoll/rank.h"

struct pls_policy pls_policy_default(enum pls_task task)
{
    /* Adults read 238 words of prose per minute (Brysbaert 2019, 190 studies), about 5.3 tokens per second:
     * half as much again keeps text ahead of the reader when a prediction is somewhat off. Code, tool calls
     * and thinking are not read along with; an answer of 1,500 tokens in two and a half minutes asks for 10.
     * At the floor speed costs a fifth of the quality, at four times its speed a fortieth: about what a step
     * between two wide quantizations costs. Judgement: all weights, the wishes, the margin. */
    struct pls_policy p = {
        .task = task,
        .min_decode_tps = 8,
        .speed_power = 1.5,
        .prompt_tokens = 512,
        .answer_tokens = 340,   /* ShareGPT's mean is 338 (Kwon 2023) */
        .unknown_gbs = 30,      /* four fifths of two channels of DDR4-2400 */
        .unknown_gflops = 250,  /* four cores with AVX2 at 3 GHz: two thirds of 384 */
        .min_context_tokens = 4096,
        .wish_context_tokens = 16384,
        .margin_share = 0.05,
        .weight_speed = 0.20,
        .weight_context = 0.10,
        .weight_margin = 0.03,
        .evidence_penalty = 1,
        .no_evidence_penalty = 2, /* nothing is known of such a model but its size, date and family */
        .quant_floor_bpw = -1,
    };
    if (task == PLS_TASK_CODE || task == PLS_TASK_REASONING || task == PLS_TASK_TOOLS) {
        p.min_decode_tps = 10;
        p.prompt_tokens = 4096; /* a file or two */
        p.answer_tokens = 1500;
        p.wish_context_tokens = 32768;
    } else if (task == PLS_TASK_EMBEDDING || task == PLS_TASK_RERANK) {
        p.min_decode_tps = 0;
        p.min_prefill_tps = 100; /* a passage of 500 tokens in 5 seconds */
        p.min_context_tokens = 512;
        p.wish_context_tokens = 2048;
        p.margin_share = 0.5; /* it runs beside what asks it */
    }
    return p;
}

const struct pls_policy_field *pls_policy_fields(uint32_t *n)
{
#define NUMBER(field, least, most, note) \
    { #field, offsetof(struct pls_policy, field), false, least, most, note }
#define TOKENS(field, note) { #field, offsetof(struct pls_policy, field), true, 1, 1e9, note }
    static const struct pls_policy_field fields[] = {
        NUMBER(min_decode_tps, 0, 1e6, "floor of decode speed in tokens per second; 0 none"),
        NUMBER(min_prefill_tps, 0, 1e9, "floor of prefill speed, for tasks that only read; 0: decode counts"),
        TOKENS(min_context_tokens, "least context of use"),
        TOKENS(wish_context_tokens, "context beyond which more adds nothing"),
        NUMBER(speed_power, 0.1, 10, "how the cost of waiting falls with speed; 1: as the time does"),
        NUMBER(prompt_tokens, 0, 1e9, "new tokens of a question, that are read before its answer"),
        NUMBER(answer_tokens, 1, 1e9, "tokens of its answer"),
        NUMBER(unknown_gbs, 0, 1e6, "bandwidth by which an unknown speed is judged, in 1e9 bytes per second"),
        NUMBER(unknown_gflops, 0, 1e9,
               "arithmetic by which an unknown speed of reading is judged, in 1e9 per second"),
        NUMBER(margin_share, 0, 1, "share of a pool that should stay free"),
        NUMBER(weight_speed, 0, 1, "share of quality that the floor's speed costs"),
        NUMBER(weight_context, 0, 1, "share of quality that the least context costs"),
        NUMBER(weight_margin, 0, 1, "share of quality that a full memory costs"),
        NUMBER(evidence_penalty, 0, 10, "standard errors taken off quality"),
        NUMBER(no_evidence_penalty, 0, 10, "the same where a model has no scores at all"),
        NUMBER(min_quality, 0, 100, "least quality offered"),
        NUMBER(quant_floor_bpw, -1, 64, "least bits per weight; -1: by size and task"),
    };
#undef NUMBER
#undef TOKENS
    *n = (uint32_t)PLS_COUNT_OF(fields);
    return fields;
}

double pls_policy_get(const struct pls_policy *policy, const struct pls_policy_field *field)
{
    const char *at = (const char *)policy + field->offset;
    uint64_t tokens = 0;
    double number = 0;
    if (field->is_tokens) {
        memcpy(&tokens, at, sizeof(tokens));
        return (double)tokens;
    }
    memcpy(&number, at, sizeof(number));
    return number;
}

void pls_policy_set(struct pls_policy *policy, const struct pls_policy_field *field, double value)
{
    char *at = (char *)policy + field->offset;
    uint64_t tokens = (uint64_t)value;
    if (field->is_tokens) {
        memcpy(at, &tokens, sizeof(tokens));
    } else {
        memcpy(at, &value, sizeof(value));
    }
}

bool pls_rank_is_for_task(const struct pls_card *card, enum pls_task task, bool by_name)
{
    const uint32_t general = 1u << PLS_TASK_CHAT | 1u << PLS_TASK_REASONING | 1u << PLS_TASK_TOOLS;
    const uint32_t code = 1u << PLS_TASK_CODE;
    /* how well says the ability */
    bool any = task == PLS_TASK_CHAT || task == PLS_TASK_CODE || task == PLS_TASK_REASONING;
    uint32_t wanted = !any ? 1u << task : task == PLS_TASK_CODE || by_name ? general | code : general;
    bool only_reads = task == PLS_TASK_EMBEDDING || task == PLS_TASK_RERANK;
    if (task == PLS_TASK_VISION && (card->modalities & PLS_MODALITY_IMAGE) == 0) {
        return false;
    }
    if (card->tasks == 0) {
        return card->is_encoder == only_reads;
    }
    return (card->tasks & wanted) != 0;
}
