/* Words, grids and commands: what a person or a script gets to read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plimsoll/render.h"
#include "render/grid.h"
#include "render/json.h"
#include "render/words.h"
#include "unit.h"

struct row {
    const char *name;
    uint64_t bytes;
};

static void cell_name(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_escape(out, ((const struct row *)row)->name);
}

static void cell_bytes(const void *row, bool raw, struct pls_text *out)
{
    uint64_t n = ((const struct row *)row)->bytes;
    if (raw) {
        pls_text_add(out, "%llu", (unsigned long long)n);
    } else {
        pls_text_bytes(out, n);
    }
}

static const struct pls_column columns[] = {
    { "NAME", "name", 0, 0, cell_name },
    { "SIZE", "bytes", 0, PLS_COLUMN_RIGHT, cell_bytes },
    { "RAW", "again", 0, PLS_COLUMN_RAW, cell_bytes },
};
static const struct row rows[] = { { "plain", 1024 }, { "a|b,\"c\"", 3221225472 }, { "esc\x1b[31m", 0 } };
static const struct pls_grid grid = { columns, 3, rows, sizeof(rows[0]), 3 };

static char *text;
static size_t len;
static struct pls_err err;

static FILE *open_text(void)
{
    free(text);
    text = NULL;
    return open_memstream(&text, &len);
}

START_TEST(one_table_of_columns_gives_every_form)
{
    FILE *to = open_text();
    pls_grid_csv(&grid, to);
    fclose(to);
    ck_assert_str_eq(text, "name,bytes,again\nplain,1024,1024\n\"a|b,\"\"c\"\"\",3221225472,3221225472\nesc\\x1b[31m,0,0\n");
    to = open_text();
    pls_grid_markdown(&grid, to);
    fclose(to);
    ck_assert_str_eq(text, "| NAME | SIZE |\n|---|---:|\n| plain | 1.0 KiB |\n| a\\|b,\"c\" | 3.00 GiB |\n| esc\\\\x1b[31m | 0 B |\n");
    to = open_text();
    ck_assert_int_eq(pls_grid_table(&grid, 0, to, &err), PLS_OK);
    fclose(to);
    ck_assert_ptr_nonnull(strstr(text, "NAME"));
    ck_assert_ptr_null(strstr(text, "RAW"));
    ck_assert_ptr_null(strchr(text, '\x1b'));
    ck_assert_ptr_null(strstr(text, " \n"));
    ck_assert_ptr_nonnull(strstr(text, "esc\\x1b[31m")); /* once: libsmartcols leaves our escapes alone */
}
END_TEST

/* What may be left out gives way first; where that is not enough it is left out. */
START_TEST(the_name_is_not_cut_for_the_reason)
{
    static const struct pls_column two[] = {
        { "NAME", "name", 24, PLS_COLUMN_TRUNC, cell_name },
        { "WHY", "why", 4, PLS_COLUMN_TRUNC | PLS_COLUMN_WIDE, cell_name },
    };
    static const struct row long_rows[] = {
        { "a name of seventy characters, which nobody wants to have cut in a list", 0 }
    };
    const struct pls_grid g = { two, 2, long_rows, sizeof(long_rows[0]), 1 };
    for (uint32_t width = PLS_GRID_WIDE; width < 160; width += 7) {
        FILE *to = open_text();
        ck_assert_int_eq(pls_grid_table(&g, width, to, &err), PLS_OK);
        fclose(to);
        ck_assert_ptr_nonnull(strstr(text, long_rows[0].name));
        ck_assert_ptr_nonnull(strstr(text, "WHY"));
    }
}
END_TEST

START_TEST(json_keeps_integers_whole)
{
    FILE *to = open_text();
    struct pls_json j = pls_json_begin("plimsoll.test/1");
    pls_json_u64(&j, j.root, "most", UINT64_MAX);
    pls_json_i64(&j, j.root, "least", INT64_MIN);
    pls_json_rate(&j, j.root, "unknown", 0);
    pls_json_number(&j, j.root, "nan", 0.0 / 0.0);
    pls_json_number(&j, j.root, "third", 1.0 / 3);
    pls_json_text(&j, j.root, "text", "a\"b\n\xff");
    ck_assert_int_eq(pls_json_line(&j, j.root, to, &err), PLS_OK);
    pls_json_end(&j);
    fclose(to);
    ck_assert_str_eq(text,
                     "{\"schema\":\"plimsoll.test/1\",\"version\":\"" PLS_VERSION "\",\"most\":18446744073709551615,"
                     "\"least\":-9223372036854775808,\"unknown\":null,\"nan\":null,\"third\":0.333333,"
                     "\"text\":\"a\\\"b\\\\x0a\\\\xff\"}\n");
}
END_TEST

START_TEST(a_full_disk_is_told)
{
    FILE *full = fopen("/dev/full", "w");
    if (full == NULL) {
        return; /* no such device on this system */
    }
    ck_assert_int_eq(pls_render_write(full, "x", 1, &err), PLS_IO);
    fclose(full);
}
END_TEST

START_TEST(numbers_read_as_people_say_them)
{
    char room[256];
    struct pls_text t = PLS_TEXT(room);
    pls_words_rate(&t, 0);
    pls_text_add(&t, "|");
    pls_words_rate(&t, 8.24);
    pls_text_add(&t, "|");
    pls_words_rate(&t, 131.4);
    pls_text_add(&t, "|");
    pls_words_params(&t, 8030261248);
    pls_text_add(&t, "|");
    pls_words_params(&t, 494032768);
    pls_text_add(&t, "|");
    pls_words_margin(&t, -(int64_t)PLS_GIB);
    pls_text_add(&t, "|");
    pls_words_margin(&t, INT64_MIN);
    pls_text_add(&t, "|");
    pls_words_seconds(&t, 300);
    ck_assert_str_eq(room, "?|8.2|131|8.03 B|494 M|-1.00 GiB|-8192 PiB|5 min");
}
END_TEST

/* A plan as small as a command line needs it. */
static struct pls_model model;
static struct pls_plan plan;

static struct pls_entry entry_of(const char *path)
{
    memset(&model, 0, sizeof(model));
    memset(&plan, 0, sizeof(plan));
    PLS_COPY(model.card.id, "qwen3-8b");
    PLS_COPY(model.card.name, "Qwen3 8B");
    PLS_COPY(model.card.hf_repo, "Qwen/Qwen3-8B");
    PLS_COPY(model.card.ollama_tag, "qwen3:8b");
    plan.ask = pls_ask_default(PLS_RUNTIME_LLAMA_SERVER);
    plan.ask.quant = (struct pls_quant){ .format = PLS_FORMAT_GGUF, .ftype = PLS_FTYPE_Q4_K_M };
    PLS_COPY(plan.quant, "Q4_K_M");
    plan.setting.n_ctx = 8192;
    plan.setting.n_ctx_seq = 8192;
    plan.setting.n_seq = 1;
    plan.setting.type_k = PLS_TYPE_Q8_0;
    plan.setting.type_v = PLS_TYPE_F16;
    plan.n_shares = 1;
    model.stored = plan.ask.quant;
    model.card.source = path != NULL ? PLS_SOURCE_GGUF : PLS_SOURCE_CATALOG;
    return (struct pls_entry){ .model = &model, .plan = &plan, .path = path };
}

START_TEST(paths_are_quoted_for_the_shell)
{
    char room[1024];
    struct pls_text t = PLS_TEXT(room);
    struct pls_entry e = entry_of("my model's $HOME.gguf");
    pls_command_line(&e, "llama.cpp", &t);
    ck_assert_str_eq(room, "llama-server -m 'my model'\\''s $HOME.gguf' -c 8192 -np 1 -ctk q8_0");
}
END_TEST

START_TEST(only_the_file_that_was_planned_is_named)
{
    char room[1024];
    struct pls_text t = PLS_TEXT(room);
    struct pls_entry e = entry_of("-there.gguf");
    pls_command_line(&e, "llama.cpp", &t);
    ck_assert_str_eq(room, "llama-server -m ./-there.gguf -c 8192 -np 1 -ctk q8_0");
    plan.ask.quant.ftype = PLS_FTYPE_Q6_K; /* not what the file holds */
    PLS_COPY(plan.quant, "Q6_K");
    t.len = 0;
    pls_command_line(&e, "llama.cpp", &t);
    ck_assert_str_eq(room, "llama-server -m Qwen3-8B-Q6_K.gguf -c 8192 -np 1 -ctk q8_0");
    e = entry_of("a\x1b[31m\n.gguf"); /* nothing a terminal should see */
    t.len = 0;
    pls_command_line(&e, "llama.cpp", &t);
    ck_assert_str_eq(room, "");
}
END_TEST

/* The options of the server of 2026-08-22: a draft is loaded, but not used, unless its type is named. */
START_TEST(a_draft_runs_in_the_command_of_its_target)
{
    char room[1024];
    struct pls_text t = PLS_TEXT(room);
    struct pls_entry e = entry_of("big.gguf");
    struct pls_entry draft = entry_of("little one.gguf");
    draft.is_draft = true;
    e.draft = &draft;
    e.n_drafted = 5;
    pls_command_line(&e, "llama.cpp", &t);
    ck_assert_str_eq(room, "llama-server -m big.gguf -c 8192 -np 1 -ctk q8_0 -md 'little one.gguf' --spec-type draft-simple"
                           " --spec-draft-n-max 5");
    t.len = 0;
    room[0] = '\0';
    pls_command_line(&draft, "llama.cpp", &t); /* nothing of its own */
    pls_command_line(&e, "ollama", &t);        /* which takes no draft */
    ck_assert_str_eq(room, "");
}
END_TEST

START_TEST(a_command_that_cannot_be_said_is_empty)
{
    char room[1024];
    struct pls_text t = PLS_TEXT(room);
    struct pls_entry e = entry_of(NULL);
    plan.ask.quant.ftype = PLS_FTYPE_Q6_K; /* the library's tag holds Q4_K_M */
    pls_command_line(&e, "ollama", &t);
    pls_command_line(&e, "vllm", &t);
    pls_command_line(&e, "mlx", &t);
    pls_command_line(&e, "abacus", &t);
    ck_assert_str_eq(room, "");
}
END_TEST

/* Models that share a row come from the user's own cards too. */
START_TEST(names_of_a_shared_row_are_escaped)
{
    static const struct pls_sibling also[] = { { .id = "a\x1b[2J", .name = "A \x1b[2J|" },
                                               { .id = "b\n", .name = "" } };
    static const struct pls_machine machine = { .n_pools = 1 };
    static const struct pls_policy policy = { .task = PLS_TASK_CHAT };
    static const enum pls_output outputs[] = { PLS_OUT_CSV, PLS_OUT_MARKDOWN, PLS_OUT_TABLE };
    struct pls_pick pick = { .score = 1 };
    struct pls_entry e = entry_of(NULL);
    e.pick = &pick;
    e.also = also;
    e.n_also = 2;
    struct pls_report report = { .machine = &machine, .policy = &policy, .entries = &e, .n_entries = 1 };
    for (size_t i = 0; i < PLS_COUNT_OF(outputs); i++) {
        FILE *to = open_text();
        ck_assert_int_eq(pls_render_fit(to, outputs[i], &report, &err), PLS_OK);
        fclose(to);
        ck_assert_ptr_nonnull(strstr(text, "x1b[2J"));
        ck_assert_ptr_null(strchr(text, '\x1b'));
    }
}
END_TEST

START_TEST(models_of_measured_runs_are_escaped)
{
    static const struct pls_calibrated run = { .model = "m\x1b[2J\n.gguf", .tokens = 128, .measured_tps = 1 };
    static const struct pls_calibration learnt = { .n_runs = 1, .backend = PLS_BACKEND_CPU };
    static const struct pls_screen screen = { 0 };
    struct pls_calibrations c = { .rows = &run, .n_rows = 1, .learnt = &learnt };
    FILE *to = open_text();
    ck_assert_int_eq(pls_render_calibration(to, PLS_OUT_CSV, &c, &screen, &err), PLS_OK);
    fclose(to);
    ck_assert_ptr_nonnull(strstr(text, "m\\x1b[2J\\x0a.gguf,"));
}
END_TEST

UNIT_MAIN("render", the_name_is_not_cut_for_the_reason, one_table_of_columns_gives_every_form, json_keeps_integers_whole, a_full_disk_is_told,
          numbers_read_as_people_say_them, paths_are_quoted_for_the_shell,
          only_the_file_that_was_planned_is_named, a_draft_runs_in_the_command_of_its_target,
          a_command_that_cannot_be_said_is_empty, names_of_a_shared_row_are_escaped,
          models_of_measured_runs_are_escaped)
