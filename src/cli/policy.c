/* The policy of a session: defaults, and what the user's policy file changes. Options come on top, where they
 * are read. */
#include <stdlib.h>
#include <sys/stat.h>

#include "cli/fit.h"

enum { POLICY_BYTES_MOST = 1 << 16 };

enum pls_code pls_fit_policy(const struct pls_session *s, enum pls_task task, struct pls_policy *out,
                             struct pls_err *err)
{
    struct stat st;
    char *json = NULL;
    size_t len = 0;
    *out = pls_policy_default(task);
    if (s->paths.policy[0] == '\0' || stat(s->paths.policy, &st) != 0) {
        return PLS_OK;
    }
    enum pls_code code = pls_slurp(s->paths.policy, POLICY_BYTES_MOST, &json, &len, err);
    code = code == PLS_OK ? pls_policy_parse(json, len, out, err) : code;
    if (code == PLS_FORMAT) {
        struct pls_err why = err != NULL ? *err : (struct pls_err){ 0 };
        code = pls_fail(err, PLS_USAGE, "%s: %s", s->paths.policy, why.text);
    }
    free(json);
    return code;
}
