/* plimsoll: reads the command line, runs one command, turns its outcome into an exit status. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"

enum { HELP_CAP = 32768 };

typedef enum pls_code command_fn(struct pls_session *s, struct pls_err *err);

static command_fn *const run_command[] = {
#define PLS_COMMAND(id, name, function, operands, summary) [PLS_CMD_##id] = function,
#include "cli/commands.def"
#undef PLS_COMMAND
};

static int exit_status(enum pls_code code)
{
    switch (code) {
    case PLS_OK:
        return 0;
    case PLS_NO:
        return 1;
    case PLS_USAGE:
    case PLS_REFUSED:
        return 2;
    case PLS_IO:
    case PLS_FORMAT:
    case PLS_LIMIT:
    case PLS_UNSUPPORTED:
    case PLS_NOMEM:
    case PLS_DB:
        return 3;
    }
    return 3;
}

static enum pls_code say(const struct pls_args *args, struct pls_err *err)
{
    char room[HELP_CAP];
    struct pls_text t = PLS_TEXT(room);
    if (pls_args_has(args, PLS_OPT_VERSION)) {
        pls_text_add(&t, "plimsoll %s\n", PLS_VERSION);
    } else if (pls_args_has(args, PLS_OPT_LIST_OPTIONS)) {
        pls_help_list(&t);
    } else {
        pls_help(&t, args->has_command ? args->command : PLS_CMD_COUNT);
    }
    return fputs(room, stdout) >= 0 && fflush(stdout) == 0
               ? PLS_OK
               : pls_fail(err, PLS_IO, "output: could not be written");
}

/* For shells: the words behind the name are unfinished, so nothing parses them. */
static enum pls_code complete(int argc, char *const argv[], struct pls_err *err)
{
    static const struct pls_args none = { .command = PLS_CMD_CATALOG };
    struct pls_session session;
    enum pls_code code = pls_session_begin(&session, &none, argv[0], err);
    if (code == PLS_OK) {
        pls_complete(&session, argc - 2, argv + 2);
    }
    pls_session_end(&session);
    return code;
}

/* "plimsoll M4 Max 64 GB": words that are no command may be a machine. */
static enum pls_code unknown_words(int argc, char *const argv[], struct pls_err *err)
{
    static const struct pls_args none = { .command = PLS_CMD_CATALOG };
    struct pls_session session;
    struct pls_err why;
    char room[256];
    struct pls_text words = PLS_TEXT(room);
    for (int i = 1; i < argc && argv[i][0] != '-'; i++) {
        pls_text_add(&words, "%s%s", i > 1 ? " " : "", argv[i]);
    }
    if (words.len == 0 || words.truncated) {
        return PLS_USAGE;
    }
    if (pls_session_begin(&session, &none, argv[0], &why) == PLS_OK) {
        pls_fail_as_machine(&session, room, err);
    }
    pls_session_end(&session);
    return PLS_USAGE;
}

static enum pls_code run(int argc, char *const argv[], struct pls_err *err)
{
    struct pls_args args;
    struct pls_session session;
    if (argc > 1 && pls_text_equal(argv[1], "__complete")) {
        return complete(argc, argv, err);
    }
    enum pls_code code = pls_args_parse(argc, argv, &args, err);
    if (code != PLS_OK) {
        return code == PLS_USAGE && !args.has_command ? unknown_words(argc, argv, err) : code;
    }
    if (pls_args_has(&args, PLS_OPT_HELP) || pls_args_has(&args, PLS_OPT_VERSION)
        || pls_args_has(&args, PLS_OPT_LIST_OPTIONS)) {
        return say(&args, err);
    }
    code = pls_session_begin(&session, &args, argv[0], err);
    if (code == PLS_OK) {
        code = run_command[args.command](&session, err);
        if (code == PLS_DB && session.is_catalog_said) {
            err->text[0] = '\0';
        }
    }
    pls_session_end(&session);
    return code;
}

int main(int argc, char *argv[])
{
    struct pls_err err = { .code = PLS_OK, .text = "" };
    setlocale(LC_CTYPE, ""); /* widths of non-ASCII text in tables; numbers stay in the C locale */
    enum pls_code code = run(argc, argv, &err);
    if (exit_status(code) >= 2 && err.text[0] != '\0') {
        pls_warn(err.text);
    }
    return exit_status(code);
}
