#include "cli/options.h"

#include <string.h>

static const char *const group_titles[] = {
    [PLS_GROUP_MACHINE] = "Which machine, and how much of it",
    [PLS_GROUP_CONFIG] = "Which configuration (names are the engine's own)",
    [PLS_GROUP_CHOICE] = "What counts",
    [PLS_GROUP_DEVICE] = "Which device",
    [PLS_GROUP_CARDS] = "Which cards",
    [PLS_GROUP_OUTPUT] = "How to answer",
};

/* "  -c, --context N|max" padded, then the help; the list of choices goes behind the help instead. */
static void option_line(struct pls_text *out, const struct pls_option *o)
{
    char left[96];
    struct pls_text t = PLS_TEXT(left);
    if (o->letters[0] != '\0') {
        pls_text_add(&t, "-%s, ", o->letters);
    }
    pls_text_add(&t, "--%s", o->name);
    bool long_choice = o->kind == PLS_KIND_CHOICE && strlen(o->argument) > 12;
    if (o->kind != PLS_KIND_FLAG) {
        pls_text_add(&t, " %s", long_choice ? "NAME" : o->argument);
    }
    pls_text_add(out, "  %-31s %s", left, o->help);
    if (long_choice) {
        pls_text_add(out, "\n  %-31s %s", "", o->argument);
    }
    pls_text_add(out, "\n");
}

static void option_groups(struct pls_text *out, uint32_t commands)
{
    for (size_t g = 0; g < PLS_COUNT_OF(group_titles); g++) {
        bool titled = false;
        for (int i = 0; i < PLS_OPT_COUNT; i++) {
            const struct pls_option *o = pls_option_info((enum pls_opt)i);
            if ((size_t)o->group != g || (o->commands & commands) == 0) {
                continue;
            }
            if (!titled) {
                pls_text_add(out, "\n%s:\n", group_titles[g]);
                titled = true;
            }
            option_line(out, o);
        }
    }
}

void pls_help(struct pls_text *out, enum pls_cmd command)
{
    if (command != PLS_CMD_COUNT) {
        const struct pls_command_info *c = pls_command_info(command);
        pls_text_add(out, "Usage: plimsoll %s%s%s [OPTION...]\n\n%c%s.\n", c->name,
                     c->operands[0] != '\0' ? " " : "", c->operands, c->summary[0] - 'a' + 'A',
                     c->summary + 1);
        option_groups(out, 1u << command);
        return;
    }
    pls_text_add(out, "Usage: plimsoll [COMMAND] [ARGUMENT...] [OPTION...]\n\n"
                      "Which open-weights language models this machine can safely carry, and how fast.\n"
                      "Without a command: fit. Nothing ever uses the network.\n\nCommands:\n");
    for (int i = 0; i < PLS_CMD_COUNT; i++) {
        const struct pls_command_info *c = pls_command_info((enum pls_cmd)i);
        char left[64];
        struct pls_text t = PLS_TEXT(left);
        pls_text_add(&t, "%s %s", c->name, c->operands);
        pls_text_add(out, "  %-38s %s\n", left, c->summary);
    }
    option_groups(out, UINT32_MAX);
    pls_text_add(out, "\nExit status: 0 yes, 1 no, 2 usage or refused by the engine, 3 could not find out.\n"
                      "More: plimsoll COMMAND --help, man plimsoll\n");
}

void pls_help_list(struct pls_text *out)
{
    for (int i = 0; i < PLS_CMD_COUNT; i++) {
        const struct pls_command_info *c = pls_command_info((enum pls_cmd)i);
        pls_text_add(out, "command\t%s\t%s\n", c->name, c->operands);
    }
    for (int i = 0; i < PLS_OPT_COUNT; i++) {
        const struct pls_option *o = pls_option_info((enum pls_opt)i);
        if (o->group == PLS_GROUP_HIDDEN) {
            continue;
        }
        pls_text_add(out, "option\t--%s\t%s%s\t%s\t%s\t", o->name, o->letters[0] != '\0' ? "-" : "",
                     o->letters,
                     o->kind == PLS_KIND_FLAG     ? "flag"
                     : o->kind == PLS_KIND_CHOICE ? "choice"
                                                  : "value",
                     o->argument);
        for (int c = 0; c < PLS_CMD_COUNT; c++) {
            if ((o->commands & 1u << c) != 0) {
                pls_text_add(out, "%s ", pls_command_info((enum pls_cmd)c)->name);
            }
        }
        pls_text_add(out, "\n");
    }
}
