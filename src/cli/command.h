/* cli/command.h - the commands: one function each, one file per command.
 *
 * A command writes its answer to standard output through render/ and returns PLS_OK for yes, PLS_NO for no
 * (the answer is written in both cases); anything else is a failure with a sentence, and nothing has been
 * written.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "cli/session.h"

#define PLS_COMMAND(id, name, function, operands, summary)                                                   \
    enum pls_code function(struct pls_session *s, struct pls_err *err);
#include "cli/commands.def"
#undef PLS_COMMAND

/* Candidates for the last of the words behind the program's name, on standard output (complete.c). */
void pls_complete(struct pls_session *s, int n, char *const words[]);

/* The verbs of `catalog` that change or verify cards (catalog_edit.c). */
enum pls_code pls_catalog_verb_add(struct pls_session *s, struct pls_err *err);
enum pls_code pls_catalog_verb_remove(struct pls_session *s, struct pls_err *err);
enum pls_code pls_catalog_verb_export(struct pls_session *s, struct pls_err *err);
enum pls_code pls_catalog_verb_check(struct pls_session *s, struct pls_err *err);

#endif
