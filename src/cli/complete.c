/* What a shell may put at the end of a command line: plimsoll __complete WORD... CURRENT prints one
 * candidate a line, a tab and what it is; ":files" alone asks the shell for names of files. Nothing is
 * measured, probed or written, and what fails is silent: a completion that complains is worse than none. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"

struct completion {
    struct pls_session *s; /* for the catalog, opened when its names are wanted */
    const char *begin;     /* what the current word begins with: "--quant=Q4" keeps "--quant=" before it */
    const char *current;   /* what is being completed */
};

static bool starts_nocase(const char *text, const char *prefix)
{
    char head[128];
    PLS_COPY(head, text);
    if (strlen(prefix) < sizeof(head)) {
        head[strlen(prefix)] = '\0';
    }
    return pls_text_equal_nocase(head, prefix);
}

static void offer(const struct completion *c, const char *word, const char *what)
{
    char room[512];
    struct pls_text t = PLS_TEXT(room);
    if (starts_nocase(word, c->current)) {
        pls_text_escape(&t, c->begin);
        pls_text_escape(&t, word);
        pls_text_add(&t, "\t");
        pls_text_escape(&t, what);
        puts(room);
    }
}

/* "a|b|c" */
static void offer_choices(const struct completion *c, const char *choices)
{
    while (*choices != '\0') {
        char word[64];
        struct pls_text t = PLS_TEXT(word);
        size_t len = strcspn(choices, "|");
        pls_text_put(&t, choices, len);
        offer(c, word, "");
        choices += len + (choices[len] == '|');
    }
}

static void offer_files(void)
{
    puts(":files");
}

/* As it is: one of another version is left to a command that may write. */
static bool has_catalog(struct completion *c)
{
    struct pls_session *s = c->s;
    const char *user = s->paths.user[0] != '\0' ? s->paths.user : NULL;
    return s->catalog != NULL || pls_catalog_open(s->paths.catalog, user, &s->catalog, NULL) == PLS_OK;
}

static bool offer_id(const char *id, const char *name, void *context)
{
    offer(context, id, name);
    return true;
}

static void offer_models(struct completion *c, bool own)
{
    if (has_catalog(c)) {
        pls_catalog_ids(c->s->catalog, own, offer_id, c, NULL);
    }
}

static void offer_quants(const struct completion *c)
{
    static const char *const others[] = { "mlx-3bit-g64", "mlx-4bit-g64", "mlx-6bit-g64",    "mlx-8bit-g64",
                                          "mlx-mxfp4",    "mlx-bf16",     "gptq-4bit",       "awq-4bit",
                                          "fp8",          "bnb-nf4",      "safetensors-bf16" };
    for (int i = 0; i < PLS_FTYPE_COUNT; i++) {
        const char *name = pls_ftype_name((enum pls_ftype)i);
        if (name != NULL) {
            offer(c, name, "");
        }
    }
    for (size_t i = 0; i < PLS_COUNT_OF(others); i++) {
        offer(c, others[i], "");
    }
}

/* "qwen3-8b:Q4" is a model and its quantization. */
static void offer_targets(struct completion *c)
{
    char name[256];
    struct completion behind = *c;
    const char *colon = strrchr(c->current, ':');
    if (colon == NULL) {
        offer_models(c, false);
        return;
    }
    struct pls_text t = PLS_TEXT(name);
    pls_text_add(&t, "%s%.*s", c->begin, (int)(colon + 1 - c->current), c->current);
    behind.begin = name;
    behind.current = colon + 1;
    offer_quants(&behind);
}

static void offer_hardware(struct completion *c)
{
    struct pls_profiles profiles;
    if (!has_catalog(c) || pls_session_profiles(c->s, &profiles, NULL) != PLS_OK) {
        return;
    }
    for (uint32_t i = 0; i < profiles.n; i++) {
        offer(c, profiles.items[i].id, profiles.items[i].name);
    }
}

static void offer_option_value(struct completion *c, enum pls_opt id)
{
    static const char kv_types[] = "f16|bf16|f32|q8_0|q5_1|q5_0|q4_1|q4_0|iq4_nl";
    const struct pls_option *o = pls_option_info(id);
    if (o->kind == PLS_KIND_CHOICE) {
        offer_choices(c, o->argument);
    } else if (id == PLS_OPT_QUANT) {
        offer_quants(c);
    } else if (id == PLS_OPT_KV_TYPE || id == PLS_OPT_TYPE_K || id == PLS_OPT_TYPE_V) {
        offer_choices(c, kv_types);
    } else if (id == PLS_OPT_CONTEXT) {
        offer_choices(c, "4k|8k|16k|32k|64k|128k|max");
    } else if (id == PLS_OPT_GPU_LAYERS) {
        offer_choices(c, "all|auto");
    } else if (id == PLS_OPT_DRAFT) {
        offer_choices(c, "auto");
        offer_models(c, false);
    } else if (id == PLS_OPT_ON) {
        offer_hardware(c);
        offer_files();
    } else if (id == PLS_OPT_SYSROOT || id == PLS_OPT_RECORD) {
        offer_files();
    }
}

static void offer_options(const struct completion *c, enum pls_cmd command)
{
    for (int i = 0; i < PLS_OPT_COUNT; i++) {
        const struct pls_option *o = pls_option_info((enum pls_opt)i);
        char word[64];
        struct pls_text t = PLS_TEXT(word);
        if ((o->commands & 1u << command) == 0 || o->group == PLS_GROUP_HIDDEN) {
            continue;
        }
        pls_text_add(&t, "--%s", o->name);
        offer(c, word, o->help);
        if (o->letters[0] != '\0') {
            t = PLS_TEXT(word);
            pls_text_add(&t, "-%s", o->letters);
            offer(c, word, o->help);
        }
    }
}

static void offer_commands(const struct completion *c)
{
    for (int i = 0; i < PLS_CMD_COUNT; i++) {
        offer(c, pls_command_info((enum pls_cmd)i)->name, pls_command_info((enum pls_cmd)i)->summary);
    }
    offer(c, "help", "what a command does, and its options");
}

static void offer_cards(struct completion *c, const char *verb)
{
    if (verb == NULL) {
        offer_choices(c, pls_command_info(PLS_CMD_CATALOG)->operands);
    } else if (pls_text_equal(verb, "remove")) {
        offer_models(c, true);
    } else if (!pls_text_equal(verb, "add")) {
        offer_models(c, false);
    }
    if (verb != NULL && (pls_text_equal(verb, "add") || pls_text_equal(verb, "check"))) {
        offer_files();
    }
}

static void offer_operands(struct completion *c, enum pls_cmd command, const char *first)
{
    switch (command) {
    case PLS_CMD_PLAN:
        offer_targets(c);
        offer_files();
        break;
    case PLS_CMD_NEED:
    case PLS_CMD_COMPARE:
    case PLS_CMD_FIT:
        offer_targets(c);
        break;
    case PLS_CMD_INSPECT:
    case PLS_CMD_CALIBRATE:
        offer_files();
        break;
    case PLS_CMD_HARDWARE:
        if (first == NULL) {
            offer_choices(c, "show|match");
        }
        if (first == NULL || !pls_text_equal(first, "match")) {
            offer_hardware(c);
        }
        break;
    case PLS_CMD_CATALOG:
        offer_cards(c, first);
        break;
    case PLS_CMD_PROBE:
    case PLS_CMD_BENCH:
    case PLS_CMD_SQL:
    case PLS_CMD_COUNT:
        break;
    }
}

/* What stands before the word that is completed. */
struct line {
    enum pls_cmd command; /* PLS_CMD_COUNT: none yet */
    bool is_help;
    const char *first;    /* operand behind the command */
    enum pls_opt waiting; /* for its argument; PLS_OPT_COUNT: none */
};

static void read_word(struct line *line, const char *word)
{
    bool is_option = word[0] == '-' && word[1] != '\0';
    if (line->waiting != PLS_OPT_COUNT) {
        line->waiting = PLS_OPT_COUNT;
    } else if (is_option && strchr(word, '=') == NULL) {
        const char *name = word + (word[1] == '-' ? 2 : 1);
        enum pls_opt id = pls_option_by_name(name, strlen(name), word[1] != '-');
        line->waiting =
            id != PLS_OPT_COUNT && pls_option_info(id)->kind != PLS_KIND_FLAG ? id : PLS_OPT_COUNT;
    } else if (!is_option && line->command == PLS_CMD_COUNT && !line->is_help
               && pls_text_equal(word, "help")) {
        line->is_help = true;
    } else if (!is_option && line->command == PLS_CMD_COUNT) {
        line->command = pls_command_by_name(word);
    } else if (!is_option && line->first == NULL) {
        line->first = word;
    }
}

/* "--quant=Q4": the option, and what is behind the sign in c. */
static enum pls_opt split_option(struct completion *c, char *begin, size_t cap)
{
    const char *sign = strchr(c->current, '=');
    if (c->current[0] != '-' || sign == NULL) {
        return PLS_OPT_COUNT;
    }
    bool is_short = c->current[1] != '-';
    const char *name = c->current + (is_short ? 1 : 2);
    enum pls_opt id = pls_option_by_name(name, (size_t)(sign - name), is_short);
    if (id != PLS_OPT_COUNT) { /* what stands behind an unknown option is no model */
        struct pls_text t = { .data = begin, .len = 0, .cap = cap };
        pls_text_put(&t, c->current, (size_t)(sign + 1 - c->current));
        c->begin = begin;
        c->current = sign + 1;
    }
    return id;
}

void pls_complete(struct pls_session *s, int n, char *const words[])
{
    char begin[128] = "";
    struct completion c = { .s = s, .begin = "", .current = n > 0 ? words[n - 1] : "" };
    struct line line = { .command = PLS_CMD_COUNT, .waiting = PLS_OPT_COUNT };
    for (int i = 0; i + 1 < n; i++) {
        read_word(&line, words[i]);
    }
    enum pls_cmd command = line.command != PLS_CMD_COUNT ? line.command : PLS_CMD_FIT;
    enum pls_opt with_value =
        line.waiting == PLS_OPT_COUNT ? split_option(&c, begin, sizeof(begin)) : line.waiting;
    if (with_value != PLS_OPT_COUNT) {
        offer_option_value(&c, with_value);
    } else if (c.current[0] == '-') {
        offer_options(&c, command);
    } else if (line.command == PLS_CMD_COUNT) {
        offer_commands(&c);
    } else if (!line.is_help) {
        offer_operands(&c, command, line.first);
    }
}
