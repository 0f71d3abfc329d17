#include <stdio.h>

#include "cli/command.h"
#include "plimsoll/probe.h"

/* The recording is of the machine this runs on (or of another recording), never of one that only words
 * describe. */
static enum pls_code record(const struct pls_args *args, const char *dir, struct pls_err *err)
{
    struct pls_machine seen;
    struct pls_root *root = NULL;
    if (pls_args_has(args, PLS_OPT_ON)) {
        return pls_fail(err, PLS_USAGE, "--record: cannot record a machine that --on describes");
    }
    enum pls_code code = pls_root_open(pls_args_text(args, PLS_OPT_SYSROOT), &root, err);
    if (code == PLS_OK) {
        code = pls_probe_record(root, dir, &seen, err);
        pls_root_close(root);
    }
    return code;
}

enum pls_code pls_cmd_probe(struct pls_session *s, struct pls_err *err)
{
    if (s->args->n_operands > 0) {
        return pls_fail(err, PLS_USAGE, "%s: probe takes no argument (--on reads a record)",
                        s->args->operands[0]);
    }
    const char *dir = pls_args_text(s->args, PLS_OPT_RECORD);
    enum pls_code code = dir == NULL ? PLS_OK : record(s->args, dir, err);
    code = code == PLS_OK ? pls_session_machine(s, err) : code;
    if (code != PLS_OK) {
        return code;
    }
    pls_session_rates(s, false);
    return pls_render_machine(stdout, s->output, &s->machine, &s->screen, err);
}
