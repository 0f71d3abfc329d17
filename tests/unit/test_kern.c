/* Kernels: scalar ones against vectors of the engine's own making, vector ones against scalar, the table's promises. */
#include "../kern/cases.h"

#include "plimsoll/sys.h"
#include "unit.h"

#define FIXTURE "tests/fixtures/blocks.txt"

static enum pls_type type_named(const char *name)
{
    static const struct {
        const char *name;
        enum pls_type type;
    } names[] = {
        { "f16", PLS_TYPE_F16 }, { "bf16", PLS_TYPE_BF16 }, { "q4_0", PLS_TYPE_Q4_0 }, { "q4_1", PLS_TYPE_Q4_1 },
        { "q5_0", PLS_TYPE_Q5_0 }, { "q5_1", PLS_TYPE_Q5_1 }, { "q8_0", PLS_TYPE_Q8_0 }, { "q8_1", PLS_TYPE_Q8_1 },
        { "q8_K", PLS_TYPE_Q8_K }, { "q2_K", PLS_TYPE_Q2_K }, { "q3_K", PLS_TYPE_Q3_K }, { "q4_K", PLS_TYPE_Q4_K },
        { "q5_K", PLS_TYPE_Q5_K }, { "q6_K", PLS_TYPE_Q6_K }, { "iq4_nl", PLS_TYPE_IQ4_NL },
        { "iq4_xs", PLS_TYPE_IQ4_XS }, { "mxfp4", PLS_TYPE_MXFP4 }, { "nvfp4", PLS_TYPE_NVFP4 },
        { "iq1_s", PLS_TYPE_IQ1_S }, { "iq1_m", PLS_TYPE_IQ1_M }, { "iq2_xxs", PLS_TYPE_IQ2_XXS },
        { "iq2_xs", PLS_TYPE_IQ2_XS }, { "iq2_s", PLS_TYPE_IQ2_S }, { "iq3_xxs", PLS_TYPE_IQ3_XXS },
        { "iq3_s", PLS_TYPE_IQ3_S }, { "tq1_0", PLS_TYPE_TQ1_0 }, { "tq2_0", PLS_TYPE_TQ2_0 },
    };
    for (size_t i = 0; i < PLS_COUNT_OF(names); i++) {
        if (strcmp(names[i].name, name) == 0) {
            return names[i].type;
        }
    }
    return PLS_TYPE_NONE;
}

static size_t from_hex(const char *hex, uint8_t *out, size_t cap)
{
    size_t n = 0;
    unsigned byte = 0;
    while (n < cap && sscanf(hex + 2 * n, "%2x", &byte) == 1) {
        out[n++] = (uint8_t)byte;
    }
    return n;
}

static size_t floats_from_hex(const char *hex, float *out, size_t cap)
{
    size_t n = 0;
    char word[9] = "";
    while (n < cap && strlen(hex) >= 8 * n + 8) {
        memcpy(word, hex + 8 * n, 8);
        out[n++] = pls_float_of_bits((uint32_t)strtoul(word, NULL, 16));
    }
    return n;
}

struct fixture {
    float input[256];
    uint8_t first[2048]; /* the last "weights ... quantized" blocks */
    unsigned weights, acts, dots;
};

static void check_weights(struct fixture *f, enum pls_type type, char *const field[])
{
    uint8_t blocks[2048];
    float want[256];
    float got[256];
    size_t n = from_hex(field[3], blocks, sizeof blocks);
    ck_assert_uint_eq(n, row_bytes(type, 256));
    ck_assert_uint_eq(floats_from_hex(field[4], want, 256), 256);
    pls_kern_find(type, PLS_KERN_DEQUANT, 0)->fn.dequant(blocks, got, 256);
    for (int i = 0; i < 256; i++) {
        ck_assert_msg(got[i] == want[i], "%s %s: element %d is %.9g, the engine says %.9g", field[1], field[2], i,
                      (double)got[i], (double)want[i]);
    }
    if (strcmp(field[2], "quantized") == 0) {
        memcpy(f->first, blocks, n);
    }
    f->weights++;
}

static void check_acts(struct fixture *f, enum pls_type type, const char *hex)
{
    uint8_t want[2048];
    uint8_t got[2048];
    size_t n = from_hex(hex, want, sizeof want);
    ck_assert_uint_eq(n, pls_kern_act_bytes(type, 256));
    pls_kern_quantize(type, f->input, got, 256);
    for (size_t i = 0; i < n; i++) {
        ck_assert_msg(got[i] == want[i], "activation type %d: byte %zu is %d, not %d", (int)type, i, got[i], want[i]);
    }
    f->acts++;
}

static void check_engine_dot(struct fixture *f, enum pls_type type, const char *hex)
{
    uint8_t act[2048];
    float want = 0;
    ck_assert_uint_eq(floats_from_hex(hex, &want, 1), 1);
    pls_kern_quantize(pls_kern_act(type), f->input, act, 256);
    float got = pls_kern_find(type, PLS_KERN_DOT, 0)->fn.dot(f->first, act, 256);
    ck_assert_msg(fabs((double)(got - want)) <= 2 * tolerance(type, f->first, act, 256), "type %d: %.9g, the engine says %.9g",
                  (int)type, (double)got, (double)want);
    f->dots++;
}

START_TEST(scalar_kernels_agree_with_the_engine_bit_for_bit)
{
    static char line[65536];
    struct fixture f = { .weights = 0 };
    FILE *in = fopen(FIXTURE, "r");
    ck_assert_ptr_nonnull(in);
    while (fgets(line, sizeof line, in) != NULL) {
        char *field[5] = { NULL };
        size_t n = 0;
        for (char *at = strtok(line, " \n"); at != NULL && n < 5; at = strtok(NULL, " \n")) {
            field[n++] = at;
        }
        if (n == 0 || field[0][0] == '#') {
            continue;
        }
        if (strcmp(field[0], "input") == 0) {
            ck_assert_uint_eq(floats_from_hex(field[1], f.input, 256), 256);
            continue;
        }
        enum pls_type type = type_named(field[1]);
        ck_assert_int_ne(type, PLS_TYPE_NONE);
        if (strcmp(field[0], "weights") == 0) {
            check_weights(&f, type, field);
        } else if (strcmp(field[0], "acts") == 0) {
            check_acts(&f, type, field[2]);
        } else {
            check_engine_dot(&f, type, field[2]);
        }
    }
    fclose(in);
    ck_assert_uint_eq(f.weights, 50); /* 25 types, quantized and random */
    ck_assert_uint_eq(f.acts, 5);
    ck_assert_uint_eq(f.dots, 25);
}
END_TEST

START_TEST(every_kernel_agrees_with_scalar)
{
    size_t n = 0;
    const struct pls_kern *table = pls_kern_table(&n);
    uint32_t isa = pls_kern_isa();
    int bad = 0;
    for (size_t i = 0; i < n; i++) {
        if ((table[i].isa & ~isa) == 0) {
            bad += run_cases(&table[i]);
        }
    }
    ck_assert_int_eq(bad, 0);
}
END_TEST

/* A pencil case. Q4_0, d = 0.5, bytes 0x9a: low nibble 10 -> 2, high 9 -> 1, so elements are 1.0 (first 16) and 0.5.
 * Activations all 1.0: d = 1/127 in half, bytes 127. Dot = (16 * 1.0 + 16 * 0.5) * 127 * half(1/127). */
START_TEST(q4_0_by_hand)
{
    uint8_t block[18] = { 0x00, 0x38 }; /* half 0.5 */
    memset(block + 2, 0x9a, 16);
    float x[32];
    for (int i = 0; i < 32; i++) {
        x[i] = 1;
    }
    uint8_t act[34];
    pls_kern_quantize(PLS_TYPE_Q8_0, x, act, 32);
    ck_assert_int_eq(act[2], 127);
    double want = 24 * 127 * (double)pls_half_at(act);
    double got = (double)pls_kern_find(PLS_TYPE_Q4_0, PLS_KERN_DOT, 0)->fn.dot(block, act, 32);
    ck_assert_double_eq_tol(got, want, 1e-5);
    ck_assert_double_eq_tol(want, 24, 0.02); /* a half has eleven bits */
}
END_TEST

/* Halves: 1/3 rounds to 0x3555; 65520 is a tie to infinity; 2^-25 a tie to zero, just above it the least subnormal. */
START_TEST(halves_round_to_nearest_even)
{
    const struct {
        float in;
        unsigned want;
    } cases[] = { { 1.0f / 3, 0x3555 }, { 65519.9f, 0x7bff }, { 65520, 0x7c00 }, { 1e30f, 0x7c00 }, { 0, 0 },
                  { -0.0f, 0x8000 }, { 2.98023224e-8f, 0 }, { 2.98023259e-8f, 1 }, { 6.103515625e-5f, 0x0400 },
                  { 6.0976e-5f, 0x03ff }, { 2049, 0x6800 }, { 2051, 0x6802 }, { -INFINITY, 0xfc00 } };
    for (size_t i = 0; i < PLS_COUNT_OF(cases); i++) {
        uint8_t out[2];
        pls_kern_quantize(PLS_TYPE_F16, &cases[i].in, out, 1);
        ck_assert_uint_eq(pls_load_u16(out), cases[i].want);
    }
    for (unsigned h = 0; h < 65536; h++) {
        float f = pls_half((uint16_t)h);
        uint8_t out[2];
        pls_kern_quantize(PLS_TYPE_F16, &f, out, 1);
        ck_assert(isnan(f) || pls_load_u16(out) == h);
    }
}
END_TEST

/* For every subset of the instruction sets there is a kernel for each type that has one at all, it needs no more than the
 * subset, and a larger set never finds a row further down. */
START_TEST(dispatch_obeys_every_subset)
{
    static const uint32_t bits[] = { PLS_ISA_AVX2, PLS_ISA_FMA, PLS_ISA_F16C, PLS_ISA_AVX512, PLS_ISA_AVX512_VNNI,
                                     PLS_ISA_NEON, PLS_ISA_DOTPROD, PLS_ISA_I8MM, PLS_ISA_FP16 };
    for (uint32_t subset = 0; subset < 1u << PLS_COUNT_OF(bits); subset++) {
        uint32_t isa = 0;
        for (size_t i = 0; i < PLS_COUNT_OF(bits); i++) {
            isa |= (subset >> i & 1) != 0 ? bits[i] : 0;
        }
        for (int type = 0; type < PLS_TYPE_COUNT; type++) {
            for (int op = 0; op < PLS_KERN_OP_COUNT; op++) {
                const struct pls_kern *found = pls_kern_find((enum pls_type)type, (enum pls_kern_op)op, isa);
                const struct pls_kern *all = pls_kern_find((enum pls_type)type, (enum pls_kern_op)op, UINT32_MAX);
                ck_assert(found == NULL || (found->isa & ~isa) == 0);
                ck_assert(found == NULL || all <= found);
                bool scalar = op == PLS_KERN_DEQUANT || op == PLS_KERN_DOT;
                ck_assert(!scalar || (found != NULL) == (pls_shape((enum pls_type)type) != NULL));
            }
        }
    }
}
END_TEST

START_TEST(table_rows_are_complete_and_scalar_ends_each_group)
{
    size_t n = 0;
    const struct pls_kern *table = pls_kern_table(&n);
    for (size_t i = 0; i < n; i++) {
        ck_assert_ptr_nonnull(table[i].name);
        ck_assert(table[i].fn.dot != NULL);
        ck_assert_int_eq(table[i].isa == 0, strcmp(table[i].name, "scalar") == 0);
        ck_assert_int_eq(table[i].op == PLS_KERN_GEMV, table[i].pack != NULL && table[i].lanes > 0);
        for (size_t j = i + 1; j < n; j++) {
            bool same = table[j].type == table[i].type && table[j].op == table[i].op;
            ck_assert(!same || (table[i].isa & ~table[j].isa) != 0); /* a later row could be found */
        }
    }
}
END_TEST

START_TEST(thirteen_and_thirteen_types)
{
    unsigned n = 0;
    for (int type = 0; type < PLS_TYPE_COUNT; type++) {
        n += pls_shape((enum pls_type)type) != NULL;
    }
    ck_assert_uint_eq(n, 26); /* seventeen plain ones and nine with codebooks or ternary digits */
    ck_assert_int_eq(pls_kern_act(PLS_TYPE_Q1_0), PLS_TYPE_NONE);
}
END_TEST

UNIT_MAIN("kern", scalar_kernels_agree_with_the_engine_bit_for_bit, every_kernel_agrees_with_scalar, q4_0_by_hand,
          halves_round_to_nearest_even, dispatch_obeys_every_subset, table_rows_are_complete_and_scalar_ends_each_group,
          thirteen_and_thirteen_types)
