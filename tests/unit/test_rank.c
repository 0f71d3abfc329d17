/* Quality and ranking: what the evidence says about quantization comes out, and the order is total. */
#include <math.h>
#include <string.h>

#include "plimsoll/rank.h"
#include "plimsoll/speed.h"
#include "plimsoll/text.h"
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

static struct pls_pick picked(const struct pls_policy *policy, const struct pls_plan *plan)
{
    struct pls_merit m = pls_rank_merit(policy, plan);
    return (struct pls_pick){ .quality = plan->quality.score, .decode_tps = plan->speed.decode_tps, .speed_tps = m.speed_tps,
                              .context_tokens = plan->setting.n_ctx_seq, .score = m.score, .reasons = m.reasons };
}

START_TEST(two_bits_of_an_8b_are_not_recommended)
{
    struct pls_card eight, four;
    struct pls_plan low = made(&eight, 8, PLS_FTYPE_Q2_K, 3.16, 40);
    struct pls_plan good = made(&four, 4, PLS_FTYPE_Q4_K_M, 4.9, 20);
    struct pls_policy policy = pls_policy_default(PLS_TASK_CHAT);
    pls_quality_predict(&eight, PLS_TASK_CHAT, &low);
    pls_quality_predict(&four, PLS_TASK_CHAT, &good);
    low.speed.decode_tps = good.speed.decode_tps = 40;
    struct pls_pick of_low = picked(&policy, &low);
    struct pls_pick of_good = picked(&policy, &good);
    ck_assert(of_low.score > of_good.score); /* twice the base: the score alone would be for it */
    ck_assert((of_low.reasons & PLS_REASON_BELOW_QUANT_FLOOR) != 0); /* 3.16 is under the 3.4 of 8B */
    ck_assert((of_low.reasons & PLS_REASON_LOW_BITS) != 0);
    ck_assert((of_good.reasons & (PLS_REASON_BELOW_QUANT_FLOOR | PLS_REASON_LOW_BITS)) == 0);
    ck_assert(pls_rank_before(&of_good, &of_low) && !pls_rank_before(&of_low, &of_good));
    policy.quant_floor_bpw = 3; /* somebody who wants it may have it */
    of_low = picked(&policy, &low);
    ck_assert(pls_rank_before(&of_low, &of_good));
}
END_TEST

/* By hand: base 41, standard error 3, no loss at 16 bits: quality 41 - 3 = 38. 20 tok/s and 512 tokens read at
 * 170: an answer of 340 takes 512 / 170 + 340 / 20 = 20.01 s, a pace of 16.99, against a floor of 8: speed
 * 1 - 0.2 * (8 / 16.99)^1.5 = 0.9354. 8k of context between 4k and 16k is half the way on a logarithmic scale: 1 - 0.1 * 0.5 = 0.95.
 * 2% of the budget free, 5% wished: margin 1 - 0.03 * (1 - 0.4) = 0.982. 38 * 0.9354 * 0.95 * 0.982 = 33.160. */
START_TEST(a_score_is_quality_less_what_the_wishes_cost)
{
    struct pls_card card;
    struct pls_plan p = made(&card, 70, PLS_FTYPE_F16, 16, 41);
    struct pls_policy policy = pls_policy_default(PLS_TASK_CHAT);
    pls_quality_predict(&card, PLS_TASK_CHAT, &p);
    p.speed.decode_tps = 20;
    p.speed.prefill_tps = 170;
    p.n_shares = 1;
    p.shares[0] = (struct pls_share){ .budget_bytes = 1000, .margin_bytes = 20, .bytes = { .total = 980 } };
    p.margin_bytes = 20;
    struct pls_merit m = pls_rank_merit(&policy, &p);
    ck_assert_msg(fabs(m.quality - 38) < 0.01, "%g", m.quality);
    ck_assert_msg(fabs(m.speed - 0.9354) < 1e-4, "%g", m.speed);
    ck_assert(fabs(m.context - 0.95) < 1e-9);
    ck_assert(fabs(m.margin - 0.982) < 1e-9);
    ck_assert_msg(fabs(m.score - 33.160) < 0.01, "%g", m.score);
    ck_assert_uint_eq(pls_rank_tier(m.reasons), 0);
    p.speed.prefill_tps = 0; /* not known: 1 - 0.2 * (8 / 32)^1.5 = 0.975 */
    p.speed.decode_tps = 32;
    ck_assert(fabs(pls_rank_merit(&policy, &p).speed - 0.975) < 1e-9);
    p.speed.decode_tps = 7.9;
    ck_assert_uint_eq(pls_rank_tier(pls_rank_merit(&policy, &p).reasons), 2);
    p.setting.n_ctx_seq = 2048;
    ck_assert_uint_eq(pls_rank_tier(pls_rank_merit(&policy, &p).reasons), 3);
}
END_TEST

/* By hand: of a prior of 40 with a standard error of 12, 40 - 2 * 12 = 16 are sure, and nothing is taken off again. */
START_TEST(a_guess_is_shown_for_what_is_sure_of_it)
{
    struct pls_card card;
    struct pls_plan p = made(&card, 8, PLS_FTYPE_F16, 16, 40);
    struct pls_policy policy = pls_policy_default(PLS_TASK_CHAT);
    card.ability[PLS_TASK_CHAT].se = 12;
    card.ability[PLS_TASK_CHAT].evidence = PLS_EVIDENCE_NONE;
    pls_quality_predict(&card, PLS_TASK_CHAT, &p);
    ck_assert_msg(fabs(p.quality.base - 16) < 1e-6, "%g", p.quality.base);
    ck_assert(fabs(pls_rank_merit(&policy, &p).quality - p.quality.score) < 0.05);
    policy.no_evidence_penalty = 1;
    pls_quality_by_policy(&card, &policy, &p);
    ck_assert(fabs(p.quality.base - 28) < 1e-6);
    card.ability[PLS_TASK_CHAT].se = 30;
    pls_quality_predict(&card, PLS_TASK_CHAT, &p);
    ck_assert(p.quality.base >= 0 && p.quality.base < 1e-9);
}
END_TEST

/* What a step from Q8_0 to Q4_K_M costs is a share of what is left, however little that is. */
START_TEST(a_step_costs_the_same_however_well_a_model_is_known)
{
    struct pls_policy policy = pls_policy_default(PLS_TASK_CHAT);
    double share[2];
    for (size_t i = 0; i < 2; i++) {
        struct pls_card card;
        struct pls_plan wide = made(&card, 2, PLS_FTYPE_Q8_0, 8.5, 40);
        struct pls_plan narrow = made(&card, 2, PLS_FTYPE_Q4_K_M, 4.9, 40);
        card.ability[PLS_TASK_CHAT].se = i == 0 ? 1 : 25;
        pls_quality_predict(&card, PLS_TASK_CHAT, &wide);
        pls_quality_predict(&card, PLS_TASK_CHAT, &narrow);
        share[i] = pls_rank_merit(&policy, &narrow).quality / pls_rank_merit(&policy, &wide).quality;
    }
    ck_assert(share[0] < 0.97 && share[0] > 0.8);
    ck_assert(fabs(share[0] - share[1]) < 1e-9);
}
END_TEST

/* By hand: 30 GB/s over 0.9375 GB per token are 32 tok/s, four times the floor: 1 - 0.2 / 8 = 0.975. Over 5 GB they are 6, under
 * the floor. Reading, 250 GFLOPS over twice 0.25e9 parameters are 500 tok/s, five times the floor of 100. */
START_TEST(an_unknown_speed_is_judged_by_the_bytes_of_a_token)
{
    struct pls_card card;
    struct pls_plan p = made(&card, 27, PLS_FTYPE_F16, 16, 41);
    struct pls_policy policy = pls_policy_default(PLS_TASK_CHAT);
    pls_quality_predict(&card, PLS_TASK_CHAT, &p);
    p.n_shares = 1;
    p.shares[0].traffic.weights_by_type[PLS_TYPE_F16] = 937500000;
    struct pls_merit m = pls_rank_merit(&policy, &p);
    ck_assert_msg(fabs(m.speed - 0.975) < 1e-9, "%g", m.speed);
    ck_assert(fabs(m.speed_tps - 32) < 1e-9 && (m.reasons & PLS_REASON_SPEED_UNKNOWN) != 0 && pls_rank_tier(m.reasons) == 0);
    p.shares[0].traffic.weights_by_type[PLS_TYPE_F16] = 5000000000;
    m = pls_rank_merit(&policy, &p);
    ck_assert((m.reasons & PLS_REASON_BELOW_SPEED_FLOOR) != 0 && pls_rank_tier(m.reasons) == 2);
    struct pls_policy of_reading = pls_policy_default(PLS_TASK_EMBEDDING);
    p.shares[0].traffic.active_params = 250000000;
    ck_assert(fabs(pls_rank_merit(&of_reading, &p).speed_tps - 500) < 1e-9);
    policy.min_decode_tps = 0; /* nobody waits */
    ck_assert(pls_rank_merit(&policy, &p).reasons == 0 || pls_rank_tier(pls_rank_merit(&policy, &p).reasons) == 0);
}
END_TEST

static uint32_t room_of(int64_t margin_mib, uint64_t budget_mib)
{
    struct pls_policy policy = pls_policy_default(PLS_TASK_CHAT);
    struct pls_plan p = { .fit = PLS_FIT_YES, .n_shares = 1, .margin_bytes = margin_mib * 1048576 };
    p.shares[0].budget_bytes = budget_mib * 1048576;
    p.shares[0].margin_bytes = p.margin_bytes;
    p.shares[0].bytes.total = 1;
    return pls_rank_merit(&policy, &p).reasons & (PLS_REASON_ROOMY | PLS_REASON_TIGHT);
}

START_TEST(roomy_is_a_share_and_bytes)
{
    ck_assert_uint_eq(room_of(2048, 16384), PLS_REASON_ROOMY);  /* an eighth, 2 GiB */
    ck_assert_uint_eq(room_of(512, 65536), PLS_REASON_TIGHT);   /* half a GiB, but less than 1% */
    ck_assert_uint_eq(room_of(2048, 65536), 0);                 /* 2 GiB, but 3% of them */
    ck_assert_uint_eq(room_of(109, 1800), PLS_REASON_TIGHT);    /* 6%, but 109 MiB */
    ck_assert_uint_eq(room_of(512, 5120), 0);                   /* a tenth, half a GiB */
    ck_assert_uint_eq(room_of(600, 1000), PLS_REASON_ROOMY);    /* most of a small memory */
}
END_TEST

/* A 27B in 4, 5 and 8 bits, at the speeds that memory of one bandwidth gives it: four bits where it is barely fast enough,
 * wider ones the more speed there is to spare. Q4_K_M keeps 1 - 0.7 * 0.0076 of chat, Q8_0 all but a tenth of that. */
START_TEST(speed_to_spare_goes_into_bits)
{
    static const struct {
        enum pls_ftype ftype;
        double bpw;
    } rungs[] = { { PLS_FTYPE_Q4_K_M, 4.85 }, { PLS_FTYPE_Q5_K_M, 5.7 }, { PLS_FTYPE_Q8_0, 8.5 } };
    static const double bandwidth_gbs[] = { 180, 600, 6000 };
    struct pls_policy policy = pls_policy_default(PLS_TASK_CHAT);
    for (size_t b = 0; b < PLS_COUNT_OF(bandwidth_gbs); b++) {
        double score[3];
        size_t best = 0;
        for (size_t i = 0; i < PLS_COUNT_OF(rungs); i++) {
            struct pls_card card;
            struct pls_plan p = made(&card, 27, rungs[i].ftype, rungs[i].bpw, 70);
            pls_quality_predict(&card, PLS_TASK_CHAT, &p);
            p.speed.decode_tps = bandwidth_gbs[b] / (27 * rungs[i].bpw / 8);
            p.n_shares = 1;
            p.shares[0] = (struct pls_share){ .budget_bytes = 1000, .margin_bytes = 500, .bytes = { .total = 500 } };
            p.margin_bytes = 500;
            struct pls_merit m = pls_rank_merit(&policy, &p);
            score[i] = pls_rank_key(m.score, m.reasons);
            best = score[i] > score[best] ? i : best;
        }
        ck_assert_msg(best == b, "%g GB/s: %zu (%g %g %g)", bandwidth_gbs[b], best, score[0], score[1], score[2]);
    }
}
END_TEST

START_TEST(better_in_any_wish_is_never_worse_in_score)
{
    struct pls_policy policy = pls_policy_default(PLS_TASK_CODE);
    uint32_t seed = 7;
    for (int i = 0; i < 2000; i++) {
        struct pls_plan a = { .fit = PLS_FIT_YES, .n_shares = 1, .margin_bytes = 1 };
        struct pls_plan b;
        double draw[4];
        for (int k = 0; k < 4; k++) {
            seed = seed * 1664525u + 1013904223u;
            draw[k] = (seed >> 8) / 16777216.0;
        }
        a.quality = (struct pls_quality){ .score = 100 * draw[0], .base = 100 * draw[0], .base_se = 2, .retention = 1 };
        a.speed.decode_tps = 100 * draw[1];
        a.setting.n_ctx_seq = (uint64_t)(65536 * draw[2]);
        a.shares[0] = (struct pls_share){ .budget_bytes = 1000, .margin_bytes = (int64_t)(100 * draw[3]), .bytes = { .total = 1 } };
        b = a;
        b.quality.score += i % 2;
        b.quality.base += i % 2;
        b.speed.decode_tps += i % 3;
        b.setting.n_ctx_seq += 1000 * (uint64_t)(i % 5);
        b.shares[0].margin_bytes += i % 7;
        struct pls_merit of_a = pls_rank_merit(&policy, &a);
        struct pls_merit of_b = pls_rank_merit(&policy, &b);
        ck_assert(of_b.score >= of_a.score && pls_rank_tier(of_b.reasons) <= pls_rank_tier(of_a.reasons));
        ck_assert(of_b.score >= 0 && of_b.score <= 101);
    }
}
END_TEST

START_TEST(every_field_of_a_policy_can_be_read_and_set)
{
    uint32_t n = 0;
    const struct pls_policy_field *fields = pls_policy_fields(&n);
    struct pls_policy policy = pls_policy_default(PLS_TASK_CHAT);
    for (uint32_t i = 0; i < n; i++) {
        double value = fields[i].is_tokens ? 4096 + i : 0.25;
        pls_policy_set(&policy, &fields[i], value);
        ck_assert(fabs(pls_policy_get(&policy, &fields[i]) - value) < 1e-12);
    }
    ck_assert_uint_eq(policy.min_context_tokens, 4098);
    ck_assert(fabs(policy.weight_speed - 0.25) < 1e-12 && fabs(policy.quant_floor_bpw - 0.25) < 1e-12);
}
END_TEST

START_TEST(special_models_stay_out_of_other_tasks)
{
    struct pls_card ocr = { .tasks = 1u << PLS_TASK_VISION, .modalities = PLS_MODALITY_TEXT | PLS_MODALITY_IMAGE };
    struct pls_card embedder = { .tasks = 1u << PLS_TASK_EMBEDDING, .modalities = PLS_MODALITY_TEXT };
    struct pls_card coder = { .tasks = 1u << PLS_TASK_CODE, .modalities = PLS_MODALITY_TEXT };
    struct pls_card general = { .tasks = 1u << PLS_TASK_CHAT, .modalities = PLS_MODALITY_TEXT };
    struct pls_card unknown = { .modalities = PLS_MODALITY_TEXT };
    ck_assert(!pls_rank_is_for_task(&ocr, PLS_TASK_CHAT, false) && pls_rank_is_for_task(&ocr, PLS_TASK_VISION, false));
    ck_assert(!pls_rank_is_for_task(&embedder, PLS_TASK_CHAT, false) && !pls_rank_is_for_task(&general, PLS_TASK_EMBEDDING, false));
    ck_assert(!pls_rank_is_for_task(&coder, PLS_TASK_CHAT, false) && pls_rank_is_for_task(&coder, PLS_TASK_CHAT, true));
    ck_assert(pls_rank_is_for_task(&coder, PLS_TASK_CODE, false) && !pls_rank_is_for_task(&coder, PLS_TASK_VISION, true));
    ck_assert(pls_rank_is_for_task(&general, PLS_TASK_CODE, false) && !pls_rank_is_for_task(&general, PLS_TASK_VISION, false));
    ck_assert(pls_rank_is_for_task(&unknown, PLS_TASK_CHAT, false) && !pls_rank_is_for_task(&unknown, PLS_TASK_RERANK, false));
}
END_TEST

START_TEST(a_known_repository_tells_of_its_importance_matrix)
{
    ck_assert(pls_quality_repo_imatrix("bartowski/Qwen_Qwen3-8B-GGUF"));
    ck_assert(pls_quality_repo_imatrix("mradermacher/Foo-8B-i1-GGUF"));
    ck_assert(!pls_quality_repo_imatrix("mradermacher/Foo-8B-GGUF"));
    ck_assert(!pls_quality_repo_imatrix("ggml-org/gpt-oss-20b-GGUF") && !pls_quality_repo_imatrix(""));
    /* Q3_K_M of an 8B at 4 bits: F 1.1 with a matrix, 1.8 without: M = 0.050 * F; tau 0.7: 3.8% and 6.1% lost */
    struct pls_card card;
    struct pls_plan p = made(&card, 8, PLS_FTYPE_Q3_K_M, 4.0, 50);
    p.ask.quant.imatrix = false;
    pls_quality_predict(&card, PLS_TASK_CHAT, &p);
    ck_assert(fabs(1 - p.quality.retention - (1 - exp(-0.7 * 0.050 * 1.8))) < 1e-6);
    PLS_COPY(card.gguf_repo, "unsloth/Foo-GGUF");
    pls_quality_predict(&card, PLS_TASK_CHAT, &p);
    ck_assert(fabs(1 - p.quality.retention - (1 - exp(-0.7 * 0.050 * 1.1))) < 1e-6);
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
        picks[i] = (struct pls_pick){ .model = i % 13, .quality = (i * 37) % 50, .speed_tps = (i * 53) % 40 + 1,
                                      .context_tokens = 4096u << (i % 3), .total_bytes = i, .score = (i * 29) % 17 };
    }
    pls_rank_order(picks, 64);
    for (uint32_t i = 1; i < 64; i++) {
        ck_assert(picks[i - 1].score >= picks[i].score);
    }
    for (uint32_t i = 0; i < 64; i++) {
        bool is_beaten = false;
        for (uint32_t j = 0; j < 64; j++) {
            bool no_worse = picks[j].quality >= picks[i].quality && picks[j].speed_tps >= picks[i].speed_tps
                && picks[j].context_tokens >= picks[i].context_tokens;
            bool better = picks[j].quality > picks[i].quality || picks[j].speed_tps > picks[i].speed_tps
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
    PLS_COPY(b.arch, "qwen35vl"); /* learned to see: still the same base */
    ck_assert(pls_rank_same_base(&a, &b));
    b.n_layers = 48;
    ck_assert(!pls_rank_same_base(&a, &b));
}
END_TEST

/* Half of what is drafted is accepted, target 10 tok/s, draft 100 tok/s, checking as slow as one token.
 * 1 drafted: 1.5 tokens in 0.01 + 0.1 s: 13.6 tok/s; 2: 1.75 in 0.12 s: 14.58; 3: 1.875 in 0.13 s: 14.42. */
START_TEST(a_draft_gains_what_the_arithmetic_says)
{
    struct pls_card card = { .params_total = 1000 };
    struct pls_plan target = { .speed = { .decode_tps = 10 } };
    struct pls_plan draft = { .speed = { .decode_tps = 100 } };
    struct pls_draft_gain g = pls_draft_gain(&card, &target, &draft, 0.5);
    ck_assert_uint_eq(g.n_drafted, 2);
    ck_assert(fabs(g.gain - 1.75 / 0.12 / 10) < 1e-9);
    /* all weights are experts, 1 of 8 used: checking 2 tokens reads 1 - (7/8)^2 = 15/64, that is 1.875 times as much:
     * 1.5 tokens in 0.01 + 0.1875 s are 7.6 tok/s, and more drafted is worse still */
    card.n_expert = 8;
    card.n_expert_used = 1;
    target.n_shares = 1;
    target.shares[0].traffic.weights_by_type[PLS_TYPE_Q8_0] = 100;
    target.shares[0].traffic.expert_share_bytes = 100;
    g = pls_draft_gain(&card, &target, &draft, 0.5);
    ck_assert_uint_eq(g.n_drafted, 1);
    ck_assert(fabs(g.gain - 1.5 / 0.1975 / 10) < 1e-9);
    draft.speed.decode_tps = 0;
    ck_assert(!(pls_draft_gain(&card, &target, &draft, 0.5).gain > 0));
}
END_TEST

UNIT_MAIN("rank", a_draft_gains_what_the_arithmetic_says, four_bits_cost_what_was_measured, a_four_bit_70b_beats_a_sixteen_bit_8b,
          two_bits_of_an_8b_are_not_recommended, a_score_is_quality_less_what_the_wishes_cost, a_guess_is_shown_for_what_is_sure_of_it,
          a_step_costs_the_same_however_well_a_model_is_known,
          speed_to_spare_goes_into_bits, an_unknown_speed_is_judged_by_the_bytes_of_a_token, roomy_is_a_share_and_bytes,
          better_in_any_wish_is_never_worse_in_score, every_field_of_a_policy_can_be_read_and_set,
          special_models_stay_out_of_other_tasks, a_known_repository_tells_of_its_importance_matrix, floors_fall_with_size_and_rise_with_the_task,
          a_quantized_cache_costs_and_k_costs_more_than_v, order_is_total_and_the_efficient_set_is_right,
          successors_of_one_shape_share_a_row)
