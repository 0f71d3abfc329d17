/* Words that name a machine where none was expected. */
#include "cli/session.h"

static bool name_machine(struct pls_session *s, const char *words)
{
    struct pls_profiles profiles;
    struct pls_machine *machine = PLS_TAKE(&s->arena, struct pls_machine, 1);
    struct pls_err why;
    return machine != NULL && (s->catalog != NULL || pls_session_open(s, &why) == PLS_OK)
           && pls_session_profiles(s, &profiles, &why) == PLS_OK
           && pls_profile_words(profiles, words, 0, machine, &why) == PLS_OK;
}

enum pls_code pls_fail_as_machine(struct pls_session *s, const char *words, struct pls_err *err)
{
    return name_machine(s, words)
               ? pls_fail(err, PLS_USAGE, "%s: names a machine (did you mean --on \"%s\"?)", words, words)
               : PLS_USAGE;
}
