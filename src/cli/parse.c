/* argv to struct pls_args. Both --name=value and --name value are taken; short names may have several
 * letters, as the engine's do (-ngl, -ctk), so letters are never bundled; a value may be glued to one (-n1,
 * -c8k, -ngl99). "--" ends the options. */
#include "cli/options.h"

#include <string.h>

struct parser {
    int argc;
    char *const *argv;
    int at;
    struct pls_args *out;
    struct pls_err *err;
};

static bool is_choice(const char *choices, const char *value)
{
    size_t len = strlen(value);
    for (const char *at = choices; at != NULL;) {
        const char *bar = strchr(at, '|');
        size_t n = bar != NULL ? (size_t)(bar - at) : strlen(at);
        if (n == len && memcmp(at, value, n) == 0) {
            return true;
        }
        at = bar != NULL ? bar + 1 : NULL;
    }
    return false;
}

static bool is_in(enum pls_opt id, const enum pls_opt *ids, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (ids[i] == id) {
            return true;
        }
    }
    return false;
}

/* Options of which 0 means nothing: no engine serves 0 slots, no machine has 0 bytes of RAM. */
static bool is_too_little(enum pls_opt id, const char *value)
{
    static const enum pls_opt ids[] = { PLS_OPT_PARALLEL, PLS_OPT_BATCH, PLS_OPT_RAM, PLS_OPT_BANDWIDTH,
                                        PLS_OPT_PROMPT };
    uint64_t n = 1;
    double x = 1;
    bool is_number = pls_parse_bytes(value, &n) || pls_parse_tokens(value, &n) || pls_parse_double(value, &x);
    return is_number && is_in(id, ids, PLS_COUNT_OF(ids)) && (n == 0 || !(x > 0));
}

/* The most that can be meant: 8192 processors are Linux's own limit, the largest machines have some 50 TiB of
 * RAM and a GPU less than one, engines count tokens in 31 bits, and the scale of quality ends at 100. */
static const struct {
    enum pls_opt id;
    uint64_t most;
} bounds[] = {
    { PLS_OPT_DEPTH, INT32_MAX },
    { PLS_OPT_PROMPT, INT32_MAX },
    { PLS_OPT_THREADS, 8192 },
    { PLS_OPT_PARALLEL, 65536 },
    { PLS_OPT_RAM, PLS_GIB * 1024 * 1024 },
    { PLS_OPT_RESERVE, PLS_GIB * 1024 * 1024 },
    { PLS_OPT_VRAM, PLS_GIB * 1024 * 64 },
    { PLS_OPT_BANDWIDTH, 1000000 },
    { PLS_OPT_MIN_QUALITY, 100 },
};

static enum pls_code bound_check(enum pls_opt id, const char *value, struct pls_err *err)
{
    const struct pls_option *o = pls_option_info(id);
    uint64_t n = 0;
    double x = 0;
    bool is_number = o->kind == PLS_KIND_BYTES  ? pls_parse_bytes(value, &n)
                     : o->kind == PLS_KIND_NUMBER ? pls_parse_double(value, &x)
                                                  : pls_parse_tokens(value, &n);
    for (size_t i = 0; i < PLS_COUNT_OF(bounds) && is_number; i++) {
        if (bounds[i].id != id || (n <= bounds[i].most && x <= (double)bounds[i].most)) {
            continue;
        }
        char room[32];
        struct pls_text most = PLS_TEXT(room);
        if (o->kind == PLS_KIND_BYTES) {
            pls_text_bytes(&most, bounds[i].most);
        } else {
            pls_text_add(&most, "%llu", (unsigned long long)bounds[i].most);
        }
        return pls_fail(err, PLS_USAGE, "--%s: '%s' is more than can be meant (at most %s)", o->name,
                        value, room);
    }
    return PLS_OK;
}

/* "-1" is the engine's word for "as you see fit" where it takes a number. */
static bool is_auto(enum pls_opt id, const char *value)
{
    static const enum pls_opt ids[] = { PLS_OPT_PARALLEL, PLS_OPT_THREADS };
    return pls_text_equal(value, "-1") && is_in(id, ids, PLS_COUNT_OF(ids));
}

static enum pls_code form_check(const struct pls_option *o, const char *value, struct pls_err *err)
{
    uint64_t n = 0;
    double x = 0;
    switch (o->kind) {
    case PLS_KIND_FLAG:
    case PLS_KIND_TEXT:
        return value[0] != '\0' ? PLS_OK : pls_fail(err, PLS_USAGE, "--%s: empty argument", o->name);
    case PLS_KIND_COUNT:
        return pls_parse_u64(value, &n) && n <= INT32_MAX
            ? PLS_OK
            : pls_fail(err, PLS_USAGE, "--%s: '%s' is not a whole number", o->name, value);
    case PLS_KIND_TOKENS:
        return pls_parse_tokens(value, &n)
            ? PLS_OK
            : pls_fail(err, PLS_USAGE, "--%s: '%s' is not a number of tokens (4096, 32k)", o->name, value);
    case PLS_KIND_BYTES:
        return pls_parse_bytes(value, &n)
            ? PLS_OK
            : pls_fail(err, PLS_USAGE, "--%s: '%s' is not a size (16G, 512M, 17179869184)", o->name, value);
    case PLS_KIND_NUMBER:
        return pls_parse_double(value, &x) && x >= 0
            ? PLS_OK
            : pls_fail(err, PLS_USAGE, "--%s: '%s' is not a number", o->name, value);
    case PLS_KIND_CHOICE:
        return is_choice(o->argument, value)
            ? PLS_OK
            : pls_fail(err, PLS_USAGE, "--%s: '%s' is not one of %s", o->name, value, o->argument);
    }
    return PLS_OK;
}

static enum pls_code value_check(enum pls_opt id, const char *value, struct pls_err *err)
{
    const struct pls_option *o = pls_option_info(id);
    if (is_auto(id, value)) {
        return PLS_OK;
    }
    enum pls_code code = form_check(o, value, err);
    if (code == PLS_OK && is_too_little(id, value)) {
        return pls_fail(err, PLS_USAGE, "--%s: must be more than 0", o->name);
    }
    return code == PLS_OK ? bound_check(id, value, err) : code;
}

static enum pls_code unknown_option(const char *typed, struct pls_err *err)
{
    const char *names[PLS_OPT_COUNT];
    size_t n = 0;
    for (int i = 0; i < PLS_OPT_COUNT; i++) {
        const struct pls_option *o = pls_option_info((enum pls_opt)i);
        if (o->group != PLS_GROUP_HIDDEN) {
            names[n++] = o->name;
        }
    }
    const char *word = typed + strspn(typed, "-");
    char name[64];
    PLS_COPY(name, word);
    name[strcspn(name, "=")] = '\0';
    const char *near = pls_suggest(name, names, n);
    if (near != NULL) {
        return pls_fail(err, PLS_USAGE, "%s: unknown option (did you mean --%s?)", typed, near);
    }
    return pls_fail(err, PLS_USAGE, "%s: unknown option (see plimsoll --help)", typed);
}

static enum pls_code give(struct parser *p, enum pls_opt id, const char *value)
{
    if (p->out->n_given == PLS_MAX_GIVEN) {
        return pls_fail(p->err, PLS_USAGE, "--%s: too many options", pls_option_info(id)->name);
    }
    p->out->given[p->out->n_given++] = (struct pls_arg){ id, value };
    return PLS_OK;
}

/* Words that stand for an option, as other programs have them: "help plan" is "plan --help". */
static const struct {
    const char *word;
    enum pls_opt option;
} spoken[] = { { "help", PLS_OPT_HELP }, { "version", PLS_OPT_VERSION } };

static enum pls_code unknown_command(const char *word, struct pls_err *err)
{
    const char *names[PLS_CMD_COUNT + PLS_COUNT_OF(spoken)];
    size_t n = 0;
    for (int i = 0; i < PLS_CMD_COUNT; i++) {
        names[n++] = pls_command_info((enum pls_cmd)i)->name;
    }
    for (size_t i = 0; i < PLS_COUNT_OF(spoken); i++) {
        names[n++] = spoken[i].word;
    }
    const char *near = pls_suggest(word, names, n);
    if (near != NULL) {
        return pls_fail(err, PLS_USAGE, "%s: unknown command (did you mean %s?)", word, near);
    }
    return pls_fail(err, PLS_USAGE,
                    "%s: unknown command (fit WORD... searches, plan MODEL plans one; see plimsoll --help)",
                    word);
}

static enum pls_code take_command(struct parser *p, const char *word)
{
    struct pls_args *out = p->out;
    for (size_t i = 0; i < PLS_COUNT_OF(spoken); i++) {
        if (pls_text_equal(spoken[i].word, word) && !pls_args_has(out, spoken[i].option)) {
            return give(p, spoken[i].option, NULL);
        }
    }
    enum pls_cmd command = pls_command_by_name(word);
    if (command == PLS_CMD_COUNT) {
        return unknown_command(word, p->err);
    }
    out->command = command;
    out->has_command = true;
    return PLS_OK;
}

static enum pls_code take_operand(struct parser *p, const char *word)
{
    struct pls_args *out = p->out;
    if (!out->has_command) {
        return take_command(p, word);
    }
    if (out->n_operands == PLS_MAX_OPERANDS) {
        return pls_fail(p->err, PLS_USAGE, "%s: too many arguments", word);
    }
    out->operands[out->n_operands++] = word;
    return PLS_OK;
}

/* "-m FILE", "-hf OWNER/NAME:QUANT": the engine's way to name a model, which is a word of its own here. */
static bool names_model(const struct parser *p, const char *name, size_t len)
{
    static const char *const names[] = { "m", "model", "hf", "hfr", "hf-repo" };
    const uint32_t takes = PLS_CMD_BIT_PLAN | PLS_CMD_BIT_NEED | PLS_CMD_BIT_COMPARE;
    bool is_one = false;
    for (size_t i = 0; i < PLS_COUNT_OF(names) && !is_one; i++) {
        is_one = strlen(names[i]) == len && memcmp(names[i], name, len) == 0;
    }
    return is_one && p->out->has_command && (takes & 1u << p->out->command) != 0;
}

/* What stands behind the sign, or the next word; NULL when there is none. */
static const char *argument(struct parser *p, const char *name, size_t len)
{
    if (name[len] == '=') {
        return name + len + 1;
    }
    return p->at < p->argc ? p->argv[p->at++] : NULL;
}

/* "-n1", "-c8k", "-ngl99": the longest short name that the word begins with, and the rest as its value. Names
 * of several letters take only what begins with a digit, for "-nglx" is a slip; so is a long name behind one
 * dash. */
static enum pls_opt glued(const char *name, size_t *len)
{
    enum pls_opt best = PLS_OPT_COUNT;
    *len = 0;
    if (pls_option_by_name(name, strcspn(name, "="), false) != PLS_OPT_COUNT) {
        return best;
    }
    for (size_t n = 1; name[n - 1] != '\0' && name[n] != '\0'; n++) {
        enum pls_opt id = pls_option_by_name(name, n, true);
        if (id != PLS_OPT_COUNT) {
            best = id;
            *len = n;
        }
    }
    bool is_value = best != PLS_OPT_COUNT && pls_option_info(best)->kind != PLS_KIND_FLAG
        && (*len == 1 || (name[*len] >= '0' && name[*len] <= '9'));
    return is_value ? best : PLS_OPT_COUNT;
}

static enum pls_code take_glued(struct parser *p, const char *word)
{
    struct pls_err why;
    size_t len = 0;
    enum pls_opt id = word[1] != '-' ? glued(word + 1, &len) : PLS_OPT_COUNT;
    if (id == PLS_OPT_COUNT || form_check(pls_option_info(id), word + 1 + len, &why) != PLS_OK) {
        return unknown_option(word, p->err);
    }
    enum pls_code code = give(p, id, word + 1 + len);
    return code == PLS_OK ? value_check(id, word + 1 + len, p->err) : code;
}

static enum pls_code take_option(struct parser *p, const char *word)
{
    bool is_short = word[1] != '-';
    const char *name = word + (is_short ? 1 : 2);
    size_t len = strcspn(name, "=");
    enum pls_opt id = pls_option_by_name(name, len, is_short);
    const char *value = NULL;
    if (id == PLS_OPT_COUNT && names_model(p, name, len)) {
        value = argument(p, name, len);
        return value != NULL ? take_operand(p, value)
                             : pls_fail(p->err, PLS_USAGE, "%s: needs an argument (a model)", word);
    }
    if (id == PLS_OPT_COUNT) {
        return take_glued(p, word);
    }
    const struct pls_option *o = pls_option_info(id);
    if (o->kind == PLS_KIND_FLAG && name[len] == '=') {
        return pls_fail(p->err, PLS_USAGE, "--%s: takes no argument", o->name);
    }
    if (o->kind != PLS_KIND_FLAG) {
        value = argument(p, name, len);
        if (value == NULL) {
            return pls_fail(p->err, PLS_USAGE, "--%s: needs an argument (%s)", o->name, o->argument);
        }
    }
    enum pls_code code = give(p, id, value);
    return code == PLS_OK && value != NULL ? value_check(id, value, p->err) : code;
}

/* Which options a command takes is known only once the command is: options may stand before it. */
static enum pls_code options_apply(const struct pls_args *args, struct pls_err *err)
{
    for (uint32_t i = 0; i < args->n_given; i++) {
        const struct pls_option *o = pls_option_info(args->given[i].id);
        if ((o->commands & 1u << args->command) == 0) {
            return pls_fail(err, PLS_USAGE, "--%s: not an option of %s (see plimsoll %s --help)", o->name,
                            pls_command_info(args->command)->name, pls_command_info(args->command)->name);
        }
    }
    return PLS_OK;
}

enum pls_code pls_args_parse(int argc, char *const argv[], struct pls_args *out, struct pls_err *err)
{
    struct parser p = { argc, argv, 1, out, err };
    bool options_end = false;
    memset(out, 0, sizeof(*out));
    out->command = PLS_CMD_FIT;
    while (p.at < argc) {
        const char *word = argv[p.at++];
        enum pls_code code = PLS_OK;
        if (!options_end && pls_text_equal(word, "--")) {
            options_end = true;
        } else if (!options_end && word[0] == '-' && word[1] != '\0') {
            code = take_option(&p, word);
        } else {
            code = take_operand(&p, word);
        }
        if (code != PLS_OK) {
            return code;
        }
    }
    return options_apply(out, err);
}
