/* cli/sql_fits.h - the rows behind fits(machine, task, context, kv, quants, words, runtime) of `sql`.
 *
 * One row per model, quant, context and cache type asked for, whether it fits or not, worked out by the
 * functions that `fit` uses and only when SQLite asks for it: a query that stops early pays for what it saw.
 * Lists are separated by blanks or commas (cache types by blanks, because "K,V" is one). Left out, an
 * argument is what `fit` would take: this machine (or that of --on), chat, the context wished for or the
 * least of use where that does not fit, f16, the ladder of quants, all models. A model has no row for a
 * context beyond the one it was trained for, nor for what the engine refuses.
 */
#ifndef CLI_SQL_FITS_H
#define CLI_SQL_FITS_H

#include "cli/session.h"

struct pls_sql_fits;

/* Lends *source to pls_catalog_sql(); machines and connections are opened when first asked for. PLS_NOMEM. */
enum pls_code pls_sql_fits_begin(const struct pls_session *s, struct pls_sql_fits **out,
                                 struct pls_fits_source *source, struct pls_err *err);
/* After the statement has ended. NULL is fine. */
void pls_sql_fits_end(struct pls_sql_fits *fits);

#endif
