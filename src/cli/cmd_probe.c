#include <stdio.h>

#include "cli/command.h"

enum pls_code pls_cmd_probe(struct pls_session *s, struct pls_err *err)
{
    if (s->args->n_operands > 0) {
        return pls_fail(err, PLS_USAGE, "%s: probe takes no argument (--on reads a record)", s->args->operands[0]);
    }
    enum pls_code code = pls_session_machine(s, err);
    if (code != PLS_OK) {
        return code;
    }
    pls_session_rates(s);
    return pls_render_machine(stdout, s->output, &s->machine, &s->screen, err);
}
