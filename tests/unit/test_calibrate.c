/* Reading llama-bench's reports, and what measured runs teach. */
#include <math.h>
#include <string.h>

#include "plimsoll/calibrate.h"
#include "plimsoll/gguf.h"
#include "unit.h"

static struct pls_measured_run runs[8];
static struct pls_err err;

static enum pls_code report(const char *text, uint32_t *n)
{
    memset(runs, 0, sizeof runs);
    return pls_bench_report(text, strlen(text), runs, PLS_COUNT_OF(runs), n, &err);
}

#define HEAD "{\"model_filename\": \"m/a-Q4_0.gguf\", \"backends\": \"CPU\", \"n_threads\": 2, \"n_gpu_layers\": -1, "

START_TEST(json_lines_are_read)
{
    uint32_t n = 0;
    const char *text = HEAD "\"n_prompt\": 128, \"n_gen\": 0, \"avg_ts\": 5.0, \"samples_ts\": [ 90, 10, 100 ]}\n\n" HEAD
                            "\"n_prompt\": 0, \"n_gen\": 32, \"n_depth\": 512, \"avg_ts\": 7.5, \"type_k\": \"q8_0\", \"flash_attn\": true}\n" HEAD
                            "\"n_prompt\": 64, \"n_gen\": 16, \"avg_ts\": 3}\n";
    ck_assert_int_eq(report(text, &n), PLS_OK);
    ck_assert_uint_eq(n, 2); /* the mixed test is passed over */
    ck_assert_double_eq_tol(runs[0].tps, 90, 1e-9); /* the median, which one slow sample does not move */
    ck_assert_uint_eq(runs[0].n_prompt, 128);
    ck_assert_int_eq(runs[0].backend, PLS_BACKEND_CPU);
    ck_assert_int_eq(runs[0].flash_attention, -1);
    ck_assert_double_eq_tol(runs[1].tps, 7.5, 1e-9);
    ck_assert_uint_eq(runs[1].n_depth, 512);
    ck_assert_int_eq(runs[1].type_k, PLS_TYPE_Q8_0);
    ck_assert_int_eq(runs[1].flash_attention, 1);
}
END_TEST

START_TEST(arrays_and_csv_say_the_same)
{
    uint32_t n = 0;
    ck_assert_int_eq(report("[ " HEAD "\"n_prompt\": 0, \"n_gen\": 32, \"avg_ts\": 7.5} ]", &n), PLS_OK);
    ck_assert_uint_eq(n, 1);
    struct pls_measured_run from_json = runs[0];
    ck_assert_int_eq(report("backends,model_filename,n_threads,n_gpu_layers,n_prompt,n_gen,avg_ts\r\n"
                            "\"CPU\",\"m/a-Q4_0.gguf\",\"2\",\"-1\",\"0\",\"32\",\"7.5\"\r\n", &n), PLS_OK);
    ck_assert_uint_eq(n, 1);
    ck_assert_str_eq(runs[0].model, from_json.model);
    ck_assert_uint_eq(runs[0].n_gen, from_json.n_gen);
    ck_assert_uint_eq(runs[0].n_threads, from_json.n_threads);
    ck_assert_double_eq_tol(runs[0].tps, from_json.tps, 1e-12);
    ck_assert_int_eq(report("model_filename,backends,n_gen,n_gpu_layers,avg_ts\n\"a, \"\"b\"\".gguf\",\"Metal,BLAS\",8,99,2\n", &n), PLS_OK);
    ck_assert_str_eq(runs[0].model, "a, \"b\".gguf");
    ck_assert_int_eq(runs[0].backend, PLS_BACKEND_METAL);
    ck_assert_int_eq(runs[0].gpu_layers, 99);
}
END_TEST

START_TEST(what_is_wrong_is_named)
{
    static const char *const bad[] = {
        "", "[", "{]", "hello\nworld\n", "{\"n_gen\": 4, \"avg_ts\": 1}",
        HEAD "\"n_gen\": 4}", HEAD "\"n_gen\": 4, \"avg_ts\": -1}", HEAD "\"n_gen\": 1.5, \"avg_ts\": 1}",
        HEAD "\"n_gen\": -4, \"avg_ts\": 1}", HEAD "\"n_gen\": 1e30, \"avg_ts\": 1}", "[1, 2]",
        HEAD "\"n_gen\": 4, \"avg_ts\": 1}\n{broken\n",
    };
    for (size_t i = 0; i < PLS_COUNT_OF(bad); i++) {
        uint32_t n = 7;
        err.text[0] = '\0';
        ck_assert_msg(report(bad[i], &n) == PLS_FORMAT, "%s", bad[i]);
        ck_assert_uint_eq(n, 0);
        ck_assert_str_ne(err.text, "");
    }
    char many[4096] = "";
    for (size_t i = 0; i < 9; i++) {
        strcat(many, HEAD "\"n_gen\": 4, \"avg_ts\": 1}\n");
    }
    uint32_t n = 0;
    ck_assert_int_eq(report(many, &n), PLS_LIMIT);
}
END_TEST

/* A machine whose engine runs q4_0 at half and q6_K at twice the predicted rate and loses 50 us per layer: ten models of different
 * mixtures. */
static uint32_t make(struct pls_engine_sample *samples)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < 10; i++) {
        double q4 = 0.002 * (1 + i);
        double q6 = 0.001 * (10 - i);
        struct pls_engine_sample *s = &samples[n++];
        *s = (struct pls_engine_sample){ .parts = { .other = 0.0005, .n_layers = 10 + 3 * (i % 4) } };
        s->parts.by_type[PLS_TYPE_Q4_0] = q4;
        s->parts.by_type[PLS_TYPE_Q6_K] = q6;
        s->observed_s = 2 * q4 + q6 / 2 + 0.0005 + 50e-6 * s->parts.n_layers;
    }
    return n;
}

START_TEST(factors_are_found)
{
    struct pls_engine_sample samples[10];
    struct pls_calibration learnt = { .n_runs = 0 };
    uint32_t n = make(samples);
    ck_assert(pls_calibrate(samples, n, &learnt));
    ck_assert_double_eq_tol(learnt.type_factor[PLS_TYPE_Q4_0], 0.5, 0.05);
    ck_assert_double_gt(learnt.type_factor[PLS_TYPE_Q6_K], 1.3);
    ck_assert_double_gt(learnt.fixed_ns_per_layer, 10000);
    ck_assert_double_lt(learnt.residual, 0.1); /* 0.15 * sqrt(2 factors / 10 runs) and next to nothing */
    ck_assert_uint_eq(learnt.n_runs, 10);
    ck_assert_double_eq(learnt.type_factor[PLS_TYPE_F16], 0); /* not seen: nothing learnt */
    for (uint32_t i = 0; i < n; i++) {
        ck_assert_double_eq_tol(pls_calibrated_s(&learnt, &samples[i]) / samples[i].observed_s, 1, 0.1);
    }
}
END_TEST

START_TEST(a_disturbed_run_changes_little)
{
    struct pls_engine_sample samples[10];
    struct pls_calibration clean = { .n_runs = 0 };
    struct pls_calibration disturbed = { .n_runs = 0 };
    uint32_t n = make(samples);
    ck_assert(pls_calibrate(samples, n, &clean));
    samples[4].observed_s *= 10;
    ck_assert(pls_calibrate(samples, n, &disturbed));
    ck_assert_double_eq_tol(disturbed.type_factor[PLS_TYPE_Q4_0] / clean.type_factor[PLS_TYPE_Q4_0], 1, 0.15);
}
END_TEST

START_TEST(prompts_are_learnt_apart)
{
    struct pls_engine_sample s = { .is_prefill = true, .observed_s = 2, .parts = { .other = 0, .n_layers = 8 } };
    struct pls_calibration learnt = { .n_runs = 0 };
    s.parts.by_type[PLS_TYPE_Q8_0] = 1;
    ck_assert(pls_calibrate(&s, 1, &learnt));
    ck_assert_double_lt(learnt.prefill_factor[PLS_TYPE_Q8_0], 0.6);
    ck_assert_double_eq(learnt.type_factor[PLS_TYPE_Q8_0], 0);
    ck_assert_double_eq(learnt.fixed_ns_per_layer, 0);
}
END_TEST

START_TEST(what_cannot_be_predicted_teaches_nothing)
{
    struct pls_engine_sample s = { .observed_s = 2, .parts = { .other = (double)NAN } };
    struct pls_calibration learnt = { .n_runs = 3 };
    ck_assert(!pls_calibrate(&s, 1, &learnt));
    ck_assert(!pls_calibrate(&s, 0, &learnt));
    ck_assert_uint_eq(learnt.n_runs, 3);
}
END_TEST

/* Runs of one question: 1.0, 1.1 and 1.2 s are repetitions, 1.7 s is more than half as long again as the
 * middle one (1.1 s). */
START_TEST(disturbed_and_impossible_runs_are_set_aside)
{
    static const double observed[] = { 1.0, 1.1, 1.7, 1.2, 0.2, 5.0 };
    struct pls_engine_sample samples[9];
    enum pls_odd odd[9];
    memset(samples, 0, sizeof samples);
    for (size_t i = 0; i < 6; i++) {
        samples[i] = (struct pls_engine_sample){ .observed_s = observed[i],
                                                 .spread = 1.3,
                                                 .parts = { .n_layers = 4 } };
        samples[i].parts.by_type[PLS_TYPE_Q4_0] =
            1; /* a second is predicted, at most 2 * 1.3^3 = 4.4 times off */
    }
    samples[6] = samples[5];
    samples[6].spread = 0; /* of what no interval is known nothing is implausible */
    samples[6].parts.n_layers = 5;
    samples[7] = samples[0]; /* two of one question: the faster counts */
    samples[7].is_prefill = true;
    samples[8] = samples[7];
    samples[8].observed_s = 1.6;
    pls_calibrate_grade(samples, 9, odd);
    static const enum pls_odd want[] = { PLS_ODD_NO, PLS_ODD_NO,          PLS_ODD_SLOW,
                                         PLS_ODD_NO, PLS_ODD_IMPLAUSIBLE, PLS_ODD_IMPLAUSIBLE,
                                         PLS_ODD_NO, PLS_ODD_NO,          PLS_ODD_SLOW };
    for (size_t i = 0; i < 9; i++) {
        ck_assert_msg(odd[i] == want[i], "run %zu: %d", i, (int)odd[i]);
    }
}
END_TEST

UNIT_MAIN("calibrate", json_lines_are_read, arrays_and_csv_say_the_same, what_is_wrong_is_named,
          factors_are_found, a_disturbed_run_changes_little, prompts_are_learnt_apart,
          what_cannot_be_predicted_teaches_nothing, disturbed_and_impossible_runs_are_set_aside)
