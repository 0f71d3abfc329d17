/* Quality and ranking: what the evidence says about quantization comes out, and the order is total. */
#include <math.h>
#include <string.h>

#include "plimsoll/rank.h"
#include "unit.h"

/* A dense model of `billions` at `bpw` bits per weight with base score `base`. */
static struct pls_plan made(struct pls_card *card, double billions, enum pls_ftype ftype, double bpw, double base)
{
    struct pls_plan p = { .fit = PLS_FIT_YES };
    *card = (struct pls_card){ .params_total = (uint64_t)(billions * 1e9), .native = PLS_TYPE_BF16 };
    for (int t = 0; t < PLS_TASK_COUNT; t++) {
        card->ability[t] = (struct pls_ability){ .score = (float)base, .se = 3, .n_sources = 3, .evidence = PLS_EVIDENCE_DIRECT };
    }
    p.ask.quant = (struct pls_quant){ .format = PLS_FORMAT_GGUF, .ftype = ftype, .imatrix = true };
    p.setting = (struct pls_setting){ .n_ctx = 8192, .n_ctx_seq = 8192, .type_k = PLS_TYPE_F16, .type_v = PLS_TYPE_F16 };
    p.tensor_data_bytes = (uint64_t)(billions * 1e9 * bpw / 8);
    return p;
}

static double loss_of(double billions, enum pls_ftype ftype, double bpw, enum pls_task task)
{
    struct pls_card card;
    struct pls_plan p = made(&card, billions, ftype, bpw, 50);
    pls_quality_predict(&card, task, &p);
    return 1 - p.quality.retention;
}

START_TEST(four_bits_cost_what_was_measured)
{
    /* M = 0.050 * (8/8)^0.75 * (4/4.89)^5 * 1.0 = 0.0183; general class (tau 1) loses 1.8% at 8B ... */
    double at_8b = loss_of(8, PLS_FTYPE_Q4_K_M, 4.89, PLS_TASK_EMBEDDING);
    ck_assert_msg(at_8b > 0.0178 && at_8b < 0.0186, "%g", at_8b);
    /* ... and at 1.5B (8/1.5)^0.75 = 3.509 times as much: 6.2% */
    double at_1_5b = loss_of(1.5, PLS_FTYPE_Q4_K_M, 4.89, PLS_TASK_EMBEDDING);
    ck_assert_msg(at_1_5b > 0.060 && at_1_5b < 0.064, "%g", at_1_5b);
    ck_assert(loss_of(8, PLS_FTYPE_Q8_0, 8.5, PLS_TASK_CHAT) < 0.002);
    ck_assert(loss_of(8, PLS_FTYPE_Q2_K, 3.16, PLS_TASK_EMBEDDING) > 0.15);
    ck_assert(loss_of(70, PLS_FTYPE_IQ2_XXS, 2.38, PLS_TASK_CHAT) < loss_of(8, PLS_FTYPE_IQ2_XXS, 2.38, PLS_TASK_CHAT));
    ck_assert(loss_of(8, PLS_FTYPE_Q4_K_M, 4.89, PLS_TASK_REASONING) > loss_of(8, PLS_FTYPE_Q4_K_M, 4.89, PLS_TASK_CHAT));
}
END_TEST

START_TEST(a_four_bit_70b_beats_a_sixteen_bit_8b)
{
    struct pls_card big, small;
    struct pls_plan of_big = made(&big, 70, PLS_FTYPE_Q4_K_M, 4.8, 50);
    struct pls_plan of_small = made(&small, 8, PLS_FTYPE_F16, 16, 35);
    pls_quality_predict(&big, PLS_TASK_CHAT, &of_big);
    pls_quality_predict(&small, PLS_TASK_CHAT, &of_small);
    ck_assert(of_big.quality.score > of_small.quality.score);
    ck_assert(of_small.quality.retention > 0.9999);
}
END_TEST

START_TEST(two_bits_of_an_8b_are_not_recommended)
{
    struct pls_card eight, four;
    struct pls_plan low = made(&eight, 8, PLS_FTYPE_Q2_K, 3.16, 40);
    struct pls_plan good = made(&four, 4, PLS_FTYPE_Q4_K_M, 4.9, 36);
    struct pls_policy policy = pls_policy_default(PLS_TASK_CHAT);
    uint32_t reasons = 0;
    pls_quality_predict(&eight, PLS_TASK_CHAT, &low);
    pls_quality_predict(&four, PLS_TASK_CHAT, &good);
    low.speed.decode_tps = good.speed.decode_tps = 40;
    double of_low = pls_rank_score(&policy, &low, &reasons);
    ck_assert((reasons & PLS_REASON_BELOW_QUANT_FLOOR) != 0); /* 3.16 is under the 3.4 of 8B */
    ck_assert(pls_rank_score(&policy, &good, &reasons) > of_low);
    ck_assert((reasons & PLS_REASON_BELOW_QUANT_FLOOR) == 0);
}
END_TEST

START_TEST(floors_fall_with_size_and_rise_with_the_task)
{
    struct pls_card card = { .params_total = 8000000000ULL };
    double at_8b = pls_rank_quant_floor(&card, PLS_TASK_CHAT);
    ck_assert(fabs(at_8b - 3.4) < 1e-9);
    ck_assert(fabs(pls_rank_quant_floor(&card, PLS_TASK_CODE) - 4.1) < 1e-9);
    double last = 99;
    for (uint64_t b = 1; b < 1000; b *= 2) {
        card.params_total = b * 1000000000ULL;
        double now = pls_rank_quant_floor(&card, PLS_TASK_CHAT);
        ck_assert(now <= last && now >= 2.0 - 1e-9 && now <= 4.8 + 1e-9);
        last = now;
    }
}
END_TEST

START_TEST(a_quantized_cache_costs_and_k_costs_more_than_v)
{
    struct pls_card card;
    double kept[4];
    enum pls_type pairs[4][2] = { { PLS_TYPE_F16, PLS_TYPE_F16 },
                                  { PLS_TYPE_Q8_0, PLS_TYPE_Q8_0 },
                                  { PLS_TYPE_Q8_0, PLS_TYPE_Q4_0 },
                                  { PLS_TYPE_Q4_0, PLS_TYPE_Q4_0 } };
    for (int i = 0; i < 4; i++) {
        struct pls_plan p = made(&card, 8, PLS_FTYPE_Q6_K, 6.56, 50);
        p.setting.type_k = pairs[i][0];
        p.setting.type_v = pairs[i][1];
        pls_quality_predict(&card, PLS_TASK_CHAT, &p);
        kept[i] = p.quality.retention;
    }
    ck_assert(kept[0] > kept[1] && kept[1] > kept[2] && kept[2] > kept[3]);
    ck_assert(kept[2] - kept[3] > kept[1] - kept[2]);
}
END_TEST

START_TEST(order_is_total_and_the_efficient_set_is_right)
{
    struct pls_pick picks[64];
    for (uint32_t i = 0; i < 64; i++) {
        picks[i] = (struct pls_pick){ .model = i % 13, .quality = (i * 37) % 50, .decode_tps = (i * 53) % 40 + 1,
                                      .context_tokens = 4096u << (i % 3), .total_bytes = i, .score = (i * 29) % 17 };
    }
    pls_rank_order(picks, 64);
    for (uint32_t i = 1; i < 64; i++) {
        ck_assert(picks[i - 1].score >= picks[i].score);
    }
    for (uint32_t i = 0; i < 64; i++) {
        bool is_beaten = false;
        for (uint32_t j = 0; j < 64; j++) {
            bool no_worse = picks[j].quality >= picks[i].quality && picks[j].decode_tps >= picks[i].decode_tps
                && picks[j].context_tokens >= picks[i].context_tokens;
            bool better = picks[j].quality > picks[i].quality || picks[j].decode_tps > picks[i].decode_tps
                || picks[j].context_tokens > picks[i].context_tokens;
            is_beaten = is_beaten || (no_worse && better);
        }
        ck_assert_int_eq(picks[i].is_pareto, !is_beaten);
    }
}
END_TEST

START_TEST(successors_of_one_shape_share_a_row)
{
    struct pls_card a = { .arch = "qwen35", .n_layers = 64, .n_embd = 5120, .n_vocab = 248320, .params_total = 26895998464ULL };
    struct pls_card b = a;
    ck_assert(pls_rank_same_base(&a, &b));
    b.n_layers = 48;
    ck_assert(!pls_rank_same_base(&a, &b));
}
END_TEST

UNIT_MAIN("rank", four_bits_cost_what_was_measured, a_four_bit_70b_beats_a_sixteen_bit_8b,
          two_bits_of_an_8b_are_not_recommended, floors_fall_with_size_and_rise_with_the_task,
          a_quantized_cache_costs_and_k_costs_more_than_v, order_is_total_and_the_efficient_set_is_right,
          successors_of_one_shape_share_a_row)
