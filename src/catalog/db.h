/* catalog/db.h - the connection behind struct pls_catalog, and what its files share. Nothing outside catalog/
 * sees SQL.
 *
 * One SQLite connection: the shipped catalog is its main database, the user's own is attached as "user".
 * While a catalog is being built, main is the new file and there is no user database.
 */
#ifndef CATALOG_DB_H
#define CATALOG_DB_H

#include <sqlite3.h>

#include "plimsoll/catalog.h"
#include "plimsoll/text.h"

#define PLS_DB_VERSION     1
#define PLS_DB_APPLICATION 0x504C534D /* "PLSM" */
#define PLS_DB_BUSY_MS     10000
#define PLS_DB_PATH_MAX    4096

enum pls_db_user {
    PLS_DB_USER_NONE = 0, /* no file, or one that cannot be used */
    PLS_DB_USER_READ,     /* attached, but the folder allows no writing */
    PLS_DB_USER_WRITE,
};

struct pls_catalog {
    sqlite3 *db;
    bool is_build;
    bool is_swept;                /* leftovers of dead writers were looked for */
    bool is_lost;                 /* the user database is there but unusable: do not overwrite it */
    enum pls_code lost_code;
    char lost[480];               /* why */
    bool is_batch, is_batch_open; /* changes are collected; the first one has come */
    enum pls_db_user user;
    char path[PLS_DB_PATH_MAX];
    char user_path[PLS_DB_PATH_MAX]; /* empty: none wanted */
    bool has_warning;
    char warning[512];
    sqlite3_stmt *ability[2]; /* main, user: kept from card to card */
};

/* "main" or "user": where new rows go. */
const char *pls_db_home(const struct pls_catalog *catalog);

/* The connection's last error as PLS_DB (PLS_NOMEM, PLS_IO where that is what it was). what: the file or the
 * deed; damage names the file that is damaged, whatever `what` says, and the remedy. */
enum pls_code pls_db_fail(const struct pls_catalog *catalog, const char *what, struct pls_err *err);
const char *pls_db_remedy(bool is_user);
enum pls_code pls_db_prepare(struct pls_catalog *catalog, const char *sql, sqlite3_stmt **out,
                             struct pls_err *err);
enum pls_code pls_db_exec(struct pls_catalog *catalog, const char *sql, struct pls_err *err);
/* Steps a statement that returns no rows, finalizes it. */
enum pls_code pls_db_finish(struct pls_catalog *catalog, sqlite3_stmt *stmt, struct pls_err *err);
/* The first sentence stays: one warning is enough. */
void pls_db_warn(struct pls_catalog *catalog, const char *fmt, ...) PLS_PRINTF(2, 3);

/* Replaces each '@' of a statement by the schema's name: "SELECT id FROM @.models". */
void pls_db_sql(struct pls_text *out, const char *schema, const char *pattern);
enum pls_code pls_db_prepare_in(struct pls_catalog *catalog, const char *schema, const char *pattern,
                                sqlite3_stmt **out, struct pls_err *err);

/* Creates every table of schema.sql in an empty database. */
enum pls_code pls_db_create_tables(sqlite3 *db, struct pls_err *err);
bool pls_db_is_blank(const char *path); /* a regular file without a byte */
/* Attaches the user's database when there is one; sets catalog->user, or the warning. */
void pls_db_attach_user(struct pls_catalog *catalog);
/* Makes sure that there is a writable user database; creates it and its folder when missing. PLS_IO when it
 * cannot. */
enum pls_code pls_db_user_ensure(struct pls_catalog *catalog, struct pls_err *err);

/* A transaction that nests in a build and in a batch. */
enum pls_code pls_db_begin(struct pls_catalog *catalog, struct pls_err *err);
enum pls_code pls_db_end(struct pls_catalog *catalog, enum pls_code code, struct pls_err *err);

/* Rows of models and structs. */
const char *pls_db_columns(void); /* column list of models, as read and bound below */
uint32_t pls_db_column_count(void);
/* Columns from 0; false: the row is not a valid card. */
bool pls_db_card_read(sqlite3_stmt *stmt, struct pls_card *out);
/* The same with its abilities. A damaged card is an error in the shipped catalog; in the user's a warning,
 * and PLS_NO. */
enum pls_code pls_db_card_of(struct pls_catalog *catalog, bool is_user, sqlite3_stmt *stmt,
                             struct pls_card *card, struct pls_err *err);
void pls_db_card_bind(sqlite3_stmt *stmt, const struct pls_card *card); /* parameters from 1 */
/* Those that stand in the database; of a user's card without any, what the shipped catalog's prior makes of
 * it. */
void pls_db_abilities(struct pls_catalog *catalog, bool is_user, struct pls_card *card);

/* Where a card stands, "user" or "main": what a card of the user's own does not say, the shipped one of its
 * name does not say for it. */
const char *pls_db_schema_of(struct pls_catalog *catalog, const char *id);

/* Sets models.held of a card whose variants have been written. */
enum pls_code pls_db_add_held(struct pls_catalog *catalog, const struct pls_card *card, struct pls_err *err);

/* What the capability fit is made of, from the arena; tasks: per model, bits of enum pls_task. Models are
 * numbered in temp.numbered (n, id), which is the caller's to drop, items and families in the order of their
 * names. */
struct pls_ability_data;
struct pls_arena;
enum pls_code pls_db_ability_data(struct pls_catalog *catalog, const char *reference, struct pls_arena *arena,
                                  struct pls_ability_data *out, uint32_t **tasks, struct pls_err *err);
/* The prior of the capability fit, into the catalog being built; and a card rated by it (by nothing, when its
 * size is not known or the catalog has no prior). */
struct pls_ability_prior;
enum pls_code pls_db_prior_write(struct pls_catalog *catalog, const struct pls_ability_prior *prior,
                                 struct pls_err *err);
void pls_db_guess_abilities(struct pls_catalog *catalog, struct pls_card *card);

/* Names. A key is what is left of a name in lower case without punctuation. */
#define PLS_DB_KEY_MAX 160
void pls_db_key(char *out, size_t cap, const char *name);
/* Drops the last part of a name when it says only how the model was tuned ("-instruct", "-it") or, with
 * `dates`, when ("-2501", "-12-2024"). False when nothing was dropped. */
bool pls_db_stem(char *name, bool dates);
/* The name without its tuning words wherever they stand: "qwen3-4b-instruct-2507" is "qwen3-4b-2507". False
 * when it has none. */
bool pls_db_undressed(char *out, size_t cap, const char *name);
/* Words for the full-text index: each word as a key, joined and parted where letters meet a number, so that
 * "llama 3.1", "llama-3.1" and "llama3.1" find one another. */
void pls_db_words(struct pls_text *out, const char *text);
/* An FTS5 expression that wants every word of `words` as the start of an indexed one; empty when there are
 * none. */
void pls_db_match(struct pls_text *out, const char *words);
/* The same with bare numbers taken for versions of the word before them: "llama 4" wants "llama4". False:
 * there are none. */
bool pls_db_match_versions(struct pls_text *out, const char *words);
/* The expression to search with: that of versions when it finds a model, else that of the words as they are.
 * PLS_USAGE: they do not fit. */
enum pls_code pls_db_match_best(struct pls_catalog *catalog, const char *words, struct pls_text *out,
                                struct pls_err *err);

#endif
