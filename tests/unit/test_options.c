/* The command line: what is taken, what is refused, what is suggested. */
#include <string.h>

#include "cli/options.h"
#include "unit.h"

static struct pls_args args;
static struct pls_err err;

static enum pls_code parse(const char *const *words)
{
    char *argv[64];
    int argc = 0;
    static char room[64][64];
    for (; words[argc] != NULL; argc++) {
        PLS_COPY(room[argc], words[argc]);
        argv[argc] = room[argc];
    }
    return pls_args_parse(argc, argv, &args, &err);
}
#define PARSE(...) parse((const char *const[]){ "plimsoll", __VA_ARGS__, NULL })

START_TEST(both_spellings_of_an_argument_are_one)
{
    ck_assert_int_eq(PARSE("plan", "m", "--context=32k", "-np", "4"), PLS_OK);
    ck_assert_int_eq(args.command, PLS_CMD_PLAN);
    ck_assert_str_eq(pls_args_text(&args, PLS_OPT_CONTEXT), "32k");
    ck_assert_uint_eq(pls_args_u64(&args, PLS_OPT_PARALLEL, 0), 4);
    ck_assert_int_eq(PARSE("plan", "--context", "32k", "m", "-np=4"), PLS_OK);
    ck_assert_str_eq(pls_args_text(&args, PLS_OPT_CONTEXT), "32k");
    ck_assert_uint_eq(args.n_operands, 1);
    ck_assert_str_eq(args.operands[0], "m");
}
END_TEST

START_TEST(no_command_means_fit)
{
    ck_assert_int_eq(PARSE("--json"), PLS_OK);
    ck_assert_int_eq(args.command, PLS_CMD_FIT);
    ck_assert(!args.has_command);
    ck_assert(pls_args_has(&args, PLS_OPT_JSON));
}
END_TEST

START_TEST(letters_of_the_engine_are_words)
{
    ck_assert_int_eq(PARSE("plan", "m", "-ngl", "-1", "-ctk", "q8_0", "-ctv", "q8_0", "-fa", "on", "-ub", "256"), PLS_OK);
    ck_assert_str_eq(pls_args_text(&args, PLS_OPT_GPU_LAYERS), "-1");
    ck_assert_str_eq(pls_args_text(&args, PLS_OPT_TYPE_K), "q8_0");
    ck_assert_uint_eq(pls_args_u64(&args, PLS_OPT_UBATCH, 0), 256);
    ck_assert_int_eq(PARSE("plan", "-nglx", "1"), PLS_USAGE); /* never bundled, never cut */
}
END_TEST

/* The longest name first: -np, -ngl and -ub are options of their own. */
START_TEST(a_value_may_be_glued_to_letters)
{
    ck_assert_int_eq(PARSE("fit", "-n1", "-c8k", "-np4", "-ngl99", "-ub512", "-b1024", "-qQ4_K_M", "-t8"),
                     PLS_OK);
    ck_assert_uint_eq(pls_args_u64(&args, PLS_OPT_TOP, 0), 1);
    ck_assert_str_eq(pls_args_text(&args, PLS_OPT_CONTEXT), "8k");
    ck_assert_uint_eq(pls_args_u64(&args, PLS_OPT_PARALLEL, 0), 4);
    ck_assert_str_eq(pls_args_text(&args, PLS_OPT_GPU_LAYERS), "99");
    ck_assert_uint_eq(pls_args_u64(&args, PLS_OPT_UBATCH, 0), 512);
    ck_assert_uint_eq(pls_args_u64(&args, PLS_OPT_BATCH, 0), 1024);
    ck_assert_str_eq(pls_args_text(&args, PLS_OPT_QUANT), "Q4_K_M");
    ck_assert_uint_eq(pls_args_u64(&args, PLS_OPT_THREADS, 0), 8);
    ck_assert_int_eq(PARSE("fit", "-cmax"), PLS_OK);
    ck_assert_str_eq(pls_args_text(&args, PLS_OPT_CONTEXT), "max");
    static const char *const slips[] = { "-context", "-quant", "-nx", "-nq1", "-h1", "-ngl", "-tx", "-z1" };
    for (size_t i = 0; i < PLS_COUNT_OF(slips); i++) {
        ck_assert_msg(PARSE("fit", slips[i]) == PLS_USAGE, "%s", slips[i]);
    }
}
END_TEST

START_TEST(what_no_machine_can_mean_is_refused)
{
    static const char *const wrong[][2] = { { "-d", "18446744073709551615" },
                                            { "-p", "18446744073709551615" },
                                            { "-d", "2147483648" },
                                            { "-t", "100000" },
                                            { "-np", "65537" },
                                            { "--vram", "100000T" },
                                            { "--ram", "1025T" },
                                            { "--bandwidth", "1e7" } };
    static const char *const right[][2] = { { "-d", "2147483647" }, { "-p", "1m" },
                                            { "-t", "8192" },       { "-np", "65536" },
                                            { "--vram", "64T" },    { "--ram", "1024T" },
                                            { "-t", "-1" },         { "--bandwidth", "8000" } };
    for (size_t i = 0; i < PLS_COUNT_OF(wrong); i++) {
        ck_assert_msg(PARSE("fit", wrong[i][0], wrong[i][1]) == PLS_USAGE, "%s %s", wrong[i][0], wrong[i][1]);
        ck_assert_msg(PARSE("fit", right[i][0], right[i][1]) == PLS_OK, "%s %s", right[i][0], right[i][1]);
    }
}
END_TEST

START_TEST(the_last_one_given_counts_and_bytes_are_binary)
{
    ck_assert_int_eq(PARSE("fit", "--ram", "16G", "--ram", "32GB"), PLS_OK);
    ck_assert_uint_eq(pls_args_u64(&args, PLS_OPT_RAM, 0), 32 * PLS_GIB);
    ck_assert_uint_eq(pls_args_u64(&args, PLS_OPT_VRAM, 7), 7);
}
END_TEST

START_TEST(two_dashes_end_the_options)
{
    ck_assert_int_eq(PARSE("inspect", "--", "--json"), PLS_OK);
    ck_assert_uint_eq(args.n_operands, 1);
    ck_assert_str_eq(args.operands[0], "--json");
}
END_TEST

START_TEST(what_is_wrong_is_said_with_the_nearest_name)
{
    ck_assert_int_eq(PARSE("fit", "--contxt", "4k"), PLS_USAGE);
    ck_assert_ptr_nonnull(strstr(err.text, "--context?"));
    ck_assert_int_eq(PARSE("porbe"), PLS_USAGE);
    ck_assert_ptr_nonnull(strstr(err.text, "probe?"));
    ck_assert_int_eq(PARSE("qwertyuiop"), PLS_USAGE);
    ck_assert_ptr_null(strstr(err.text, "did you mean"));
}
END_TEST

START_TEST(malformed_values_are_refused)
{
    ck_assert_int_eq(PARSE("fit", "--context"), PLS_USAGE);
    ck_assert_int_eq(PARSE("fit", "--ram", "lots"), PLS_USAGE);
    ck_assert_int_eq(PARSE("fit", "-np", "-3"), PLS_USAGE);
    ck_assert_int_eq(PARSE("fit", "-fa", "maybe"), PLS_USAGE);
    ck_assert_int_eq(PARSE("fit", "--json=yes"), PLS_USAGE);
    ck_assert_int_eq(PARSE("fit", "--min-speed", "-1"), PLS_USAGE);
    ck_assert_int_eq(PARSE("fit", "--on", ""), PLS_USAGE);
}
END_TEST

START_TEST(options_belong_to_commands)
{
    ck_assert_int_eq(PARSE("probe", "-c", "4k"), PLS_USAGE);
    ck_assert_ptr_nonnull(strstr(err.text, "not an option of probe"));
    ck_assert_int_eq(PARSE("--list", "bench"), PLS_OK); /* the option may stand first */
}
END_TEST

START_TEST(too_many_options_are_refused_not_dropped)
{
    char *argv[PLS_MAX_GIVEN + 4];
    static char json[] = "--json";
    static char name[] = "plimsoll";
    argv[0] = name;
    for (int i = 1; i <= PLS_MAX_GIVEN + 1; i++) {
        argv[i] = json;
    }
    ck_assert_int_eq(pls_args_parse(PLS_MAX_GIVEN + 1, argv, &args, &err), PLS_OK);
    ck_assert_int_eq(pls_args_parse(PLS_MAX_GIVEN + 2, argv, &args, &err), PLS_USAGE);
}
END_TEST

START_TEST(the_table_names_everything_once)
{
    for (int i = 0; i < PLS_OPT_COUNT; i++) {
        const struct pls_option *o = pls_option_info((enum pls_opt)i);
        ck_assert_int_eq(pls_option_by_name(o->name, strlen(o->name), false), i);
        if (o->letters[0] != '\0') {
            ck_assert_int_eq(pls_option_by_name(o->letters, strlen(o->letters), true), i);
        }
        ck_assert(o->commands != 0);
        ck_assert((o->kind == PLS_KIND_FLAG) == (o->argument[0] == '\0'));
        ck_assert(o->help[strlen(o->help) - 1] != '.');
    }
}
END_TEST

START_TEST(help_is_never_cut)
{
    static char room[32768];
    for (int c = 0; c <= PLS_CMD_COUNT; c++) {
        struct pls_text t = PLS_TEXT(room);
        pls_help(&t, (enum pls_cmd)c);
        ck_assert(!t.truncated);
        ck_assert_ptr_nonnull(strstr(room, "Usage: plimsoll"));
    }
}
END_TEST

UNIT_MAIN("options", both_spellings_of_an_argument_are_one, no_command_means_fit, letters_of_the_engine_are_words,
          a_value_may_be_glued_to_letters, what_no_machine_can_mean_is_refused,
          the_last_one_given_counts_and_bytes_are_binary, two_dashes_end_the_options,
          what_is_wrong_is_said_with_the_nearest_name, malformed_values_are_refused, options_belong_to_commands,
          too_many_options_are_refused_not_dropped, the_table_names_everything_once, help_is_never_cut)
