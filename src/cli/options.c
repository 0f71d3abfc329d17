#include "cli/options.h"

#include <string.h>

/* Commands that ask a question about models on a machine. */
#define ASKS (PLS_CMD_BIT_FIT | PLS_CMD_BIT_PLAN | PLS_CMD_BIT_NEED | PLS_CMD_BIT_COMPARE)
/* need asks of every machine there is */
#define PLACES                                                                                               \
    (PLS_CMD_BIT_FIT | PLS_CMD_BIT_PLAN | PLS_CMD_BIT_COMPARE | PLS_CMD_BIT_PROBE | PLS_CMD_BIT_SQL)
#define EVERY ((1u << PLS_CMD_COUNT) - 1)

static const struct pls_option options[] = {
#define PLS_OPTION(id, name, letters, kind, argument, group, commands, help)                                 \
    [PLS_OPT_##id] = { name, letters, PLS_KIND_##kind, argument, PLS_GROUP_##group, commands, help },
#include "cli/options.def"
#undef PLS_OPTION
};

static const struct pls_command_info commands[] = {
#define PLS_COMMAND(id, name, function, operands, summary) [PLS_CMD_##id] = { name, operands, summary },
#include "cli/commands.def"
#undef PLS_COMMAND
};

/* Long names of the engine for what has a shorter one here, so that its command line carries over. */
static const struct {
    const char *name;
    enum pls_opt id;
} engine_names[] = {
    { "ctx-size", PLS_OPT_CONTEXT },
    { "batch-size", PLS_OPT_BATCH },
    { "ubatch-size", PLS_OPT_UBATCH },
    { "n-gpu-layers", PLS_OPT_GPU_LAYERS },
};

const struct pls_option *pls_option_info(enum pls_opt id)
{
    return &options[id];
}

const struct pls_command_info *pls_command_info(enum pls_cmd id)
{
    return &commands[id];
}

static bool is_word(const char *word, const char *name, size_t len)
{
    return strlen(word) == len && len > 0 && memcmp(word, name, len) == 0;
}

enum pls_opt pls_option_by_name(const char *name, size_t len, bool is_short)
{
    for (size_t i = 0; i < PLS_OPT_COUNT; i++) {
        if (is_word(is_short ? options[i].letters : options[i].name, name, len)) {
            return (enum pls_opt)i;
        }
    }
    for (size_t i = 0; i < PLS_COUNT_OF(engine_names) && !is_short; i++) {
        if (is_word(engine_names[i].name, name, len)) {
            return engine_names[i].id;
        }
    }
    return PLS_OPT_COUNT;
}

enum pls_cmd pls_command_by_name(const char *name)
{
    for (size_t i = 0; i < PLS_CMD_COUNT; i++) {
        if (pls_text_equal(commands[i].name, name)) {
            return (enum pls_cmd)i;
        }
    }
    return PLS_CMD_COUNT;
}

bool pls_args_has(const struct pls_args *args, enum pls_opt id)
{
    for (uint32_t i = 0; i < args->n_given; i++) {
        if (args->given[i].id == id) {
            return true;
        }
    }
    return false;
}

const char *pls_args_text(const struct pls_args *args, enum pls_opt id)
{
    for (uint32_t i = args->n_given; i > 0; i--) {
        if (args->given[i - 1].id == id) {
            return args->given[i - 1].value;
        }
    }
    return NULL;
}

uint64_t pls_args_u64(const struct pls_args *args, enum pls_opt id, uint64_t otherwise)
{
    const char *text = pls_args_text(args, id);
    uint64_t value = otherwise;
    if (text == NULL) {
        return otherwise;
    }
    bool ok = options[id].kind == PLS_KIND_BYTES ? pls_parse_bytes(text, &value)
        : options[id].kind == PLS_KIND_TOKENS    ? pls_parse_tokens(text, &value)
                                                 : pls_parse_u64(text, &value);
    return ok ? value : otherwise;
}

double pls_args_number(const struct pls_args *args, enum pls_opt id, double otherwise)
{
    const char *text = pls_args_text(args, id);
    double value = otherwise;
    return text != NULL && pls_parse_double(text, &value) ? value : otherwise;
}
