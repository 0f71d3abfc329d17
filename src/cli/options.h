/* cli/options.h - the command line as data: commands, options, and the parser over both tables.
 *
 * Commands are declared once in commands.def, options once in options.def. The parser checks names, presence
 * of arguments, and the form of numbers and choices, so the rest of cli/ reads values that are well formed.
 * Values point into argv.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "plimsoll/text.h"

enum pls_cmd {
#define PLS_COMMAND(id, name, function, operands, summary) PLS_CMD_##id,
#include "cli/commands.def"
#undef PLS_COMMAND
    PLS_CMD_COUNT,
};

/* One bit per command: where an option applies. */
enum {
#define PLS_COMMAND(id, name, function, operands, summary) PLS_CMD_BIT_##id = 1u << PLS_CMD_##id,
#include "cli/commands.def"
#undef PLS_COMMAND
};

enum pls_opt {
#define PLS_OPTION(id, name, letters, kind, argument, group, commands, help) PLS_OPT_##id,
#include "cli/options.def"
#undef PLS_OPTION
    PLS_OPT_COUNT,
};

enum pls_opt_kind {
    PLS_KIND_FLAG = 0, /* no argument */
    PLS_KIND_TEXT,     /* anything; whoever uses it checks it */
    PLS_KIND_COUNT,    /* 0 .. 2^31 - 1 */
    PLS_KIND_TOKENS,   /* "4096", "32k" */
    PLS_KIND_BYTES,    /* "16G", "17179869184" */
    PLS_KIND_NUMBER,   /* decimal, not negative */
    PLS_KIND_CHOICE,   /* one of option.argument, separated by | */
};

enum pls_opt_group {
    PLS_GROUP_MACHINE = 0,
    PLS_GROUP_CONFIG,
    PLS_GROUP_CHOICE,
    PLS_GROUP_DEVICE,
    PLS_GROUP_CARDS,
    PLS_GROUP_OUTPUT,
    PLS_GROUP_HIDDEN,
};

struct pls_option {
    const char *name;     /* without dashes */
    const char *letters;  /* short form without its dash, one or more letters; empty: none */
    enum pls_opt_kind kind;
    const char *argument; /* placeholder, or the choices */
    enum pls_opt_group group;
    uint32_t commands;    /* PLS_CMD_BIT_* */
    const char *help;
};
const struct pls_option *pls_option_info(enum pls_opt id);
/* PLS_OPT_COUNT when there is none. `name` has no dashes; len bytes of it count. */
enum pls_opt pls_option_by_name(const char *name, size_t len, bool is_short);

struct pls_command_info {
    const char *name;
    const char *operands;
    const char *summary;
};
const struct pls_command_info *pls_command_info(enum pls_cmd id);
enum pls_cmd pls_command_by_name(const char *name); /* PLS_CMD_COUNT when there is none */

enum { PLS_MAX_GIVEN = 96, PLS_MAX_OPERANDS = 256 };

struct pls_arg {
    enum pls_opt id;
    const char *value; /* NULL for a flag */
};

struct pls_args {
    enum pls_cmd command;
    bool has_command; /* one was named; else it is fit */
    uint32_t n_given;
    struct pls_arg given[PLS_MAX_GIVEN];
    uint32_t n_operands;
    const char *operands[PLS_MAX_OPERANDS];
};

/* PLS_USAGE with one sentence: unknown option or command (nearest name offered), missing or malformed
 * argument, option of another command. */
enum pls_code pls_args_parse(int argc, char *const argv[], struct pls_args *out, struct pls_err *err);

bool pls_args_has(const struct pls_args *args, enum pls_opt id);
/* the last one given; NULL when not given */
const char *pls_args_text(const struct pls_args *args, enum pls_opt id);
/* The number given, or `otherwise`. For COUNT, TOKENS and BYTES; NUMBER has its own. */
uint64_t pls_args_u64(const struct pls_args *args, enum pls_opt id, uint64_t otherwise);
double pls_args_number(const struct pls_args *args, enum pls_opt id, double otherwise);

/* The nearest of `names` to what was typed, or NULL when none is near. */
const char *pls_suggest(const char *typed, const char *const *names, size_t n);

/* Help, generated from the tables. command PLS_CMD_COUNT: the general one. NUL-terminated, never truncated in
 * 32 KiB. */
void pls_help(struct pls_text *out, enum pls_cmd command);
/* "command<TAB>summary" and "option<TAB>..." lines: what completion and the man page are held against. */
void pls_help_list(struct pls_text *out);

#endif
