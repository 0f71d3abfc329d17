/* catalog/fits.h - registers the table-valued function fits() on a connection; source must outlive it. SQLite
 * result code. */
#ifndef CATALOG_FITS_H
#define CATALOG_FITS_H

#include <sqlite3.h>

#include "plimsoll/catalog.h"

int pls_db_fits_register(sqlite3 *db, const struct pls_fits_source *source);

#endif
