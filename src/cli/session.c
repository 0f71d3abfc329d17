#include "cli/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plimsoll/sys.h"

/* Address space, not memory: pages that nobody writes to cost nothing. Large ones, because touching a page
 * for the first time costs as much as some thousand instructions. */
enum { MODELS_BYTES = 96 << 20, SCRATCH_BYTES = 96 << 20 };

void pls_warn(const char *text)
{
    char room[1024];
    struct pls_text t = PLS_TEXT(room);
    pls_text_escape(&t, text);
    fprintf(stderr, "plimsoll: %s\n", room);
}

void pls_warn_of_wants(const struct pls_entry *entry, const char *runtime)
{
    char room[512];
    struct pls_text t = PLS_TEXT(room);
    pls_command_wants(entry, runtime, &t);
    if (t.len > 0) {
        pls_warn(room);
    }
}

static uint32_t terminal_width(void)
{
    struct winsize size;
    uint64_t columns = 0;
    const char *text = getenv("COLUMNS");
    if (text != NULL && pls_parse_u64(text, &columns) && columns >= 20 && columns < 10000) {
        return (uint32_t)columns;
    }
    if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
        return size.ws_col;
    }
    return 0;
}

static bool wants_color(void)
{
    const char *no = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && (no == NULL || no[0] == '\0') && term != NULL
           && !pls_text_equal(term, "dumb");
}

/* What can be said in shell variables; a table handed to eval would be worse than none. */
enum {
    ONE_ANSWER =
        PLS_CMD_BIT_FIT | PLS_CMD_BIT_PLAN | PLS_CMD_BIT_PROBE | PLS_CMD_BIT_INSPECT | PLS_CMD_BIT_BENCH,
};

enum pls_code pls_session_begin(struct pls_session *s, const struct pls_args *args, const char *program,
                                struct pls_err *err)
{
    memset(s, 0, sizeof(*s));
    s->args = args;
    s->program = program;
    pls_paths_find(program, &s->paths);
    const char *format = pls_args_text(args, PLS_OPT_FORMAT);
    if (format != NULL && !pls_output_by_name(format, &s->output)) {
        return pls_fail(err, PLS_USAGE, "--format: '%s' is not known", format);
    }
    if (pls_args_has(args, PLS_OPT_JSON)) {
        s->output = PLS_OUT_JSON;
    }
    if (s->output != PLS_OUT_TABLE && pls_args_has(args, PLS_OPT_EMIT)) {
        return pls_fail(err, PLS_USAGE,
                        "--emit: prints a command, in no other form (--json has it under \"commands\")");
    }
    if (s->output == PLS_OUT_ENV && (ONE_ANSWER & 1u << args->command) == 0) {
        return pls_fail(err, PLS_USAGE, "--format: %s answers in rows, env is for one answer",
                        pls_command_info(args->command)->name);
    }
    s->screen.width = terminal_width();
    s->screen.color = wants_color();
    s->screen.explain = pls_args_has(args, PLS_OPT_EXPLAIN);
    s->arena = pls_arena_over(pls_sys_pages(MODELS_BYTES, true), MODELS_BYTES);
    s->scratch = pls_session_room();
    if (s->arena.base == NULL || s->scratch.base == NULL) {
        return pls_fail(err, PLS_NOMEM, "memory: not enough to start");
    }
    return PLS_OK;
}

void pls_session_end(struct pls_session *s)
{
    if (s->catalog != NULL) {
        const char *found = pls_catalog_warning(s->catalog); /* while reading */
        if (found != NULL && !s->is_own_said) {
            pls_warn(found);
        }
        pls_catalog_close(s->catalog);
    }
    pls_sys_pages_free(s->arena.base, s->arena.cap);
    pls_sys_pages_free(s->scratch.base, s->scratch.cap);
    pls_sys_pages_free(s->rows.base, s->rows.cap);
}

struct pls_arena pls_session_room(void)
{
    return pls_arena_over(pls_sys_pages(SCRATCH_BYTES, true), SCRATCH_BYTES);
}

enum pls_code pls_session_open(struct pls_session *s, struct pls_err *err)
{
    const char *user = s->paths.user[0] != '\0' ? s->paths.user : NULL;
    enum pls_code code = pls_catalog_open(s->paths.catalog, user, &s->catalog, err);
    if (code == PLS_OK && pls_catalog_own(s->catalog, NULL) == PLS_UNSUPPORTED) {
        pls_catalog_close(s->catalog);
        s->catalog = NULL;
        /* failed: opening says what is the matter */
        pls_catalog_renew(s->paths.catalog, user, pls_card_parse, NULL);
        code = pls_catalog_open(s->paths.catalog, user, &s->catalog, err);
    }
    s->is_own_said = code == PLS_OK && pls_catalog_warning(s->catalog) != NULL;
    return code;
}

enum pls_code pls_session_catalog(struct pls_session *s, struct pls_err *err)
{
    if (s->catalog != NULL) {
        return PLS_OK;
    }
    enum pls_code code = pls_session_open(s, err);
    if (code == PLS_OK && pls_catalog_warning(s->catalog) != NULL) {
        pls_warn(pls_catalog_warning(s->catalog));
    }
    return code;
}

enum pls_code pls_slurp(const char *path, uint64_t most, char **out, size_t *len, struct pls_err *err)
{
    enum pls_code code = PLS_OK;
    struct stat st;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* opening a FIFO must not wait for a writer */
    FILE *f = fd < 0 ? NULL : fdopen(fd, "rb");
    *out = NULL;
    if (f == NULL || fstat(fd, &st) != 0) {
        code = pls_fail(err, PLS_IO, "%s: %s", path, strerror(errno));
        if (f == NULL && fd >= 0) {
            close(fd);
        }
        goto out;
    }
    if (!S_ISREG(st.st_mode)) {
        code = pls_fail(err, PLS_IO, "%s: not a regular file", path);
        goto out;
    }
    if ((uint64_t)st.st_size > most) {
        code = pls_fail(err, PLS_LIMIT, "%s: larger than %llu bytes", path, (unsigned long long)most);
        goto out;
    }
    *out = malloc((size_t)st.st_size + 1);
    if (*out == NULL) {
        code = pls_fail(err, PLS_NOMEM, "%s: out of memory", path);
        goto out;
    }
    *len = fread(*out, 1, (size_t)st.st_size, f);
    (*out)[*len] = '\0';
    if (ferror(f)) {
        code = pls_fail(err, PLS_IO, "%s: %s", path, strerror(errno));
        free(*out);
        *out = NULL;
    }
out:
    if (f != NULL) {
        fclose(f);
    }
    return code;
}
