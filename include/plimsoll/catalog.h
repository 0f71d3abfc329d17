/* plimsoll/catalog.h - the model cards, hardware profiles and measured results in SQLite.
 *
 * Two databases: the shipped catalog, built from data/ at build time and opened read-only, and the user's own beside it
 * (WAL, attached when present). A missing or damaged user database is said once (pls_catalog_warning) and the shipped
 * one goes on alone; a missing shipped catalog is PLS_DB. Nothing above this header knows SQL or sqlite3.
 */
#ifndef PLIMSOLL_CATALOG_H
#define PLIMSOLL_CATALOG_H

#include "plimsoll/card.h"
#include "plimsoll/rates.h"

struct pls_catalog; /* one connection; use from one thread */

/* user_path may be NULL. On success *out must be closed. */
enum pls_code pls_catalog_open(const char *shipped_path, const char *user_path, struct pls_catalog **out,
                               struct pls_err *err);
void pls_catalog_close(struct pls_catalog *catalog);
const char *pls_catalog_warning(const struct pls_catalog *catalog); /* NULL or one sentence */

/* Visits cards in id order; stops early when visit returns false. where: words that must all match id, name, family,
 * org or use case (NULL or empty: all). */
typedef bool pls_card_visit(const struct pls_card *card, void *context);
enum pls_code pls_catalog_each(struct pls_catalog *catalog, const char *words, pls_card_visit *visit, void *context,
                               struct pls_err *err);

/* Resolves a name: id, id without its suffix, display name, Hugging Face repo, GGUF repo, Ollama tag, alias; case and
 * punctuation do not matter. PLS_USAGE when unknown (the sentence offers the nearest) or ambiguous (it lists them). */
enum pls_code pls_catalog_resolve(struct pls_catalog *catalog, const char *name, struct pls_card *out,
                                  struct pls_err *err);

/* The card with exactly this id; PLS_USAGE when there is none. */
enum pls_code pls_catalog_card(struct pls_catalog *catalog, const char *id, struct pls_card *out, struct pls_err *err);

/* Rates measured on this machine earlier; PLS_NO when there are none for this key. */
enum pls_code pls_catalog_rates_load(struct pls_catalog *catalog, const char *machine_key, struct pls_rates *out,
                                     struct pls_err *err);
enum pls_code pls_catalog_rates_save(struct pls_catalog *catalog, const char *machine_key, const struct pls_rates *rates,
                                     struct pls_err *err);

/* Building. A created catalog takes cards and tables until pls_catalog_finish(), which makes the file final: equal input
 * gives equal bytes. Close it afterwards; without finish the file is not a catalog. An existing file is replaced. */
enum pls_code pls_catalog_create(const char *path, struct pls_catalog **out, struct pls_err *err);
/* Rows of a tab-separated text whose first line names columns of `table` ("hardware", "abilities"); an empty cell is unknown.
 * Lines that start with '#' are notes. PLS_FORMAT names the line. */
enum pls_code pls_catalog_import(struct pls_catalog *catalog, const char *table, const char *tsv, size_t len,
                                 struct pls_err *err);
enum pls_code pls_catalog_finish(struct pls_catalog *catalog, struct pls_err *err);

/* Into the catalog being built, else into the user's own, which comes into being with its folder on the first write (PLS_IO when
 * it cannot). json is the card's own text (pls_cards_parse), kept for `catalog show`; benchmarks, variants and aliases are
 * taken from it. PLS_USAGE when the id is there already. */
enum pls_code pls_catalog_insert(struct pls_catalog *catalog, const struct pls_card *card, const char *json,
                                 struct pls_err *err);
/* PLS_USAGE when it is not one of the user's own. */
enum pls_code pls_catalog_remove(struct pls_catalog *catalog, const char *id, struct pls_err *err);
/* The card's own JSON text into out (NUL-terminated); PLS_LIMIT when it does not fit. */
enum pls_code pls_catalog_json(struct pls_catalog *catalog, const char *id, char *out, size_t cap, struct pls_err *err);
/* The texts of the user's own cards, or of all, in id order. Stops early when visit returns false. */
typedef bool pls_json_visit(const char *id, const char *json, void *context);
enum pls_code pls_catalog_export(struct pls_catalog *catalog, bool all, pls_json_visit *visit, void *context,
                                 struct pls_err *err);

#endif
