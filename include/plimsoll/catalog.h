/* plimsoll/catalog.h - the model cards, hardware profiles and measured results in SQLite.
 *
 * Two databases: the shipped catalog, built from data/ at build time and opened read-only, and the user's own
 * beside it (WAL, attached when present). A missing or damaged user database is said once
 * (pls_catalog_warning) and the shipped one goes on alone; a missing shipped catalog is PLS_DB. Nothing above
 * this header knows SQL or sqlite3.
 */
#ifndef PLIMSOLL_CATALOG_H
#define PLIMSOLL_CATALOG_H

#include "plimsoll/arena.h"
#include "plimsoll/card.h"
#include "plimsoll/profile.h"
#include "plimsoll/publisher.h"
#include "plimsoll/rates.h"
#include "plimsoll/text.h"

struct pls_catalog; /* one connection; use from one thread */

/* user_path may be NULL. On success *out must be closed. */
enum pls_code pls_catalog_open(const char *shipped_path, const char *user_path, struct pls_catalog **out,
                               struct pls_err *err);
void pls_catalog_close(struct pls_catalog *catalog);
const char *pls_catalog_warning(const struct pls_catalog *catalog); /* NULL or one sentence */

/* Visits cards in id order; stops early when visit returns false. where: words that must all match id, name,
 * family, org or use case (NULL or empty: all). */
typedef bool pls_card_visit(const struct pls_card *card, void *context);
enum pls_code pls_catalog_each(struct pls_catalog *catalog, const char *words, pls_card_visit *visit,
                               void *context, struct pls_err *err);

/* What to search for; a zeroed query matches everything. A filter leaves out what is not known to meet it: a
 * card without a date does not pass `since`. */
struct pls_catalog_query {
    const char *words;               /* all of them, each as the beginning of a word; NULL or empty: any */
    const char *license; /* "apache-2.0", or how it begins ("apache"): case and punctuation do not matter;
                            NULL: any */
    uint64_t min_params, max_params; /* text parameters; 0: no bound */
    uint32_t tasks;                  /* bits of enum pls_task, all of them wanted */
    uint32_t modalities;             /* bits of enum pls_modality, all of them wanted */
    uint32_t since, until;           /* release, yyyymm, both included; 0: no bound */
};
/* Visits what matches: the user's own cards first, then by how well the words match, then newest first. */
enum pls_code pls_catalog_search(struct pls_catalog *catalog, const struct pls_catalog_query *query,
                                 pls_card_visit *visit, void *context, struct pls_err *err);

/* For a search that found nothing: the first of its words that begins no word of the shipped cards, as it was
 * typed, and the word nearest to it. False when there is no such word, or nothing near. */
struct pls_misspelt {
    char typed[64], nearest[64];
};
bool pls_catalog_misspelt(struct pls_catalog *catalog, const char *words, struct pls_misspelt *out);

/* Resolves a name: id, id without its suffix, display name, Hugging Face repo, GGUF repo, Ollama tag, alias;
 * case and punctuation do not matter. PLS_USAGE when unknown (the sentence offers the nearest) or ambiguous
 * (it lists them). */
enum pls_code pls_catalog_resolve(struct pls_catalog *catalog, const char *name, struct pls_card *out,
                                  struct pls_err *err);

/* The card with exactly this id; PLS_USAGE when there is none. */
enum pls_code pls_catalog_card(struct pls_catalog *catalog, const char *id, struct pls_card *out,
                               struct pls_err *err);

/* `catalog check`: the parameters of the tensor list that the card's architecture generates, against the
 * total published with the checkpoint. */
enum pls_check_status {
    PLS_CHECK_OK = 0,
    PLS_CHECK_MISMATCH,
    PLS_CHECK_NO_REFERENCE, /* the card names no total */
    PLS_CHECK_NO_LIST,      /* the architecture has no tensor list */
};
struct pls_check {
    const struct pls_card *card;
    enum pls_check_status status;
    char kind[16];       /* "exact", "nominal", ...: data/README */
    double tolerance;    /* relative, of the kind */
    uint64_t listed;     /* elements of the trunk's tensors */
    uint64_t listed_mtp; /* of MTP blocks, when the list has them */
    uint64_t apart; /* towers, pooling and MTP blocks that the checkpoint counts and the list leaves out */
    uint64_t published;    /* the checkpoint's total */
    double relative_error; /* (listed + listed_mtp + apart) / published - 1 */
};
/* room needs pls_arch_tensors()' worst case, 16 MiB. words as in pls_catalog_each. */
typedef bool pls_check_visit(const struct pls_check *check, void *context);
enum pls_code pls_catalog_check(struct pls_catalog *catalog, const char *words, struct pls_arena *room,
                                pls_check_visit *visit, void *context, struct pls_err *err);

/* All hardware profiles in the table's order into items[cap] (PLS_MAX_PROFILES is enough); *n gets their
 * number. */
enum pls_code pls_catalog_profiles(struct pls_catalog *catalog, struct pls_profile *items, uint32_t cap,
                                   uint32_t *n, struct pls_err *err);

/* Under what a machine's rates are kept: they belong to a processor, the threads and the processor time it is
 * granted, its instruction sets and this program's kernels. */
enum { PLS_RATES_KEY = 256 };
void pls_catalog_rates_key(const struct pls_machine *machine, char *out, size_t cap);
/* Rates measured on this machine earlier; PLS_NO when there are none for this key. */
enum pls_code pls_catalog_rates_load(struct pls_catalog *catalog, const char *machine_key,
                                     struct pls_rates *out, struct pls_err *err);
/* Whether rates can be kept, found out by making the user's database ready for it: PLS_IO or PLS_DB with the
 * reason. */
enum pls_code pls_catalog_rates_ready(struct pls_catalog *catalog, struct pls_err *err);
enum pls_code pls_catalog_rates_save(struct pls_catalog *catalog, const char *machine_key,
                                     const struct pls_rates *rates, struct pls_err *err);

/* Building. A created catalog takes cards and tables until pls_catalog_finish(), which makes the file final:
 * equal input gives equal bytes. Close it afterwards; without finish the file is not a catalog. An existing
 * file is replaced. */
enum pls_code pls_catalog_create(const char *path, struct pls_catalog **out, struct pls_err *err);
/* Rows of a tab-separated text whose first line names columns of `table` ("hardware", "scales", "abilities");
 * an empty cell is unknown. Lines that start with '#' are notes. PLS_FORMAT names the line. */
enum pls_code pls_catalog_import(struct pls_catalog *catalog, const char *table, const char *tsv, size_t len,
                                 struct pls_err *err);
/* Fits every card's abilities over the benchmarks and scales imported so far (plimsoll/ability.h);
 * `reference` names the benchmark that the scale shows. PLS_FORMAT when a scale is wrong. */
enum pls_code pls_catalog_fit_abilities(struct pls_catalog *catalog, const char *reference,
                                        struct pls_err *err);
enum pls_code pls_catalog_finish(struct pls_catalog *catalog, struct pls_err *err);

/* The user's own database: PLS_OK when it is there or may come into being, PLS_UNSUPPORTED when it is of
 * another version and pls_catalog_renew() may help, PLS_DB when it cannot be used; with the reason. What only
 * reads goes on without it; what writes to it or copies it should stop. */
enum pls_code pls_catalog_own(const struct pls_catalog *catalog, struct pls_err *err);

/* Makes the user's database anew, with this version's fields, of the cards as they were written and the
 * results; for use before opening. The old one stays when that fails. parse is pls_card_parse(): reading
 * cards is not known here. */
typedef enum pls_code pls_card_parser(const char *json, size_t len, struct pls_card *out,
                                      struct pls_err *err);
enum pls_code pls_catalog_renew(const char *shipped_path, const char *user_path, pls_card_parser *parse,
                                struct pls_err *err);

/* Several changes to the user's own cards as one: end() makes all since begin() final when code is PLS_OK,
 * else none, and returns code or why it could not. Nothing is created before the first change. */
void pls_catalog_begin(struct pls_catalog *catalog);
enum pls_code pls_catalog_end(struct pls_catalog *catalog, enum pls_code code, struct pls_err *err);

/* Into the catalog being built, else into the user's own, which comes into being with its folder on the first
 * write (PLS_IO when it cannot). json is the card's own text (pls_cards_parse), kept for `catalog show`;
 * benchmarks, variants and aliases are taken from it. PLS_USAGE when the id is there already. */
enum pls_code pls_catalog_insert(struct pls_catalog *catalog, const struct pls_card *card, const char *json,
                                 struct pls_err *err);
/* PLS_USAGE when it is not one of the user's own. */
enum pls_code pls_catalog_remove(struct pls_catalog *catalog, const char *id, struct pls_err *err);
/* The card's own JSON text into out (NUL-terminated); PLS_LIMIT when it does not fit. */
enum pls_code pls_catalog_json(struct pls_catalog *catalog, const char *id, char *out, size_t cap,
                               struct pls_err *err);
/* The texts of the user's own cards, or of all, in id order. Stops early when visit returns false. */
typedef bool pls_json_visit(const char *id, const char *json, void *context);
enum pls_code pls_catalog_export(struct pls_catalog *catalog, bool all, pls_json_visit *visit, void *context,
                                 struct pls_err *err);

/* Where to get a quantization of a catalog's model as a GGUF file: the first repository of its card that was
 * seen and holds it, or the other type of 16 bits in place of BF16 and F16; else one that may (is_seen is
 * false then). False when the card names none that could. */
bool pls_catalog_published(struct pls_catalog *catalog, const char *id, const struct pls_quant *quant,
                           struct pls_published *out);

/* Which hyperparameters of a card that sizes follow from were inferred, not read, between commas; and how far
 * its parameter total may be off, as a share, 0 not known. False: none, or not a card of the catalog. */
bool pls_catalog_inferred(struct pls_catalog *catalog, const char *id, struct pls_text *keys,
                          double *tolerance);

/* A repository, seen to exist, of this very quantization in another packaging than GGUF (MLX, AWQ, FP8, ...):
 * by what its name says, mlx-community's first. False when the card names none. */
bool pls_catalog_variant(struct pls_catalog *catalog, const char *id, const struct pls_quant *quant,
                         char *out, size_t cap);

/* The other way: what such a repository of the card holds, the first of its quants; case does not matter.
 * *out is untouched when the card names no such repository, or none that was seen. */
bool pls_catalog_repo_quant(struct pls_catalog *catalog, const char *id, const char *repo,
                            struct pls_quant *out);

/* Ids and names of all cards, or of the user's own alone, in id order: what a shell completes. Stops early
 * when visit returns false. */
typedef bool pls_id_visit(const char *id, const char *name, void *context);
enum pls_code pls_catalog_ids(struct pls_catalog *catalog, bool own, pls_id_visit *visit, void *context,
                              struct pls_err *err);

/* `plimsoll sql`: one SELECT over the catalog, in which nothing can write, attach, load code or run forever.
 */
enum pls_value_kind { PLS_VALUE_NULL = 0, PLS_VALUE_INTEGER, PLS_VALUE_REAL, PLS_VALUE_TEXT, PLS_VALUE_BLOB };
struct pls_value {
    enum pls_value_kind kind;
    int64_t integer;
    double real;
    const char *text; /* TEXT: NUL-terminated, may hold anything: escape it when printing; BLOB: bytes. Valid
                         during the call */
    size_t len;
};

/* Rows for the table-valued function fits(machine, task, context, kv, quant, words, runtime): supplied by the
 * caller, because the catalog knows nothing of sizing. All arguments may be left out (NULL). */
struct pls_fits_query {
    const char *machine, *task, *context, *kv, *quants, *words, *runtime; /* as given: lists are for open */
    const char *model; /* "WHERE model = ...": only rows of this id matter; NULL: all */
};
struct pls_fits_row {
    const char *model, *quant, *kv_type; /* valid until the next call */
    uint64_t context_tokens, total_bytes;
    int64_t margin_bytes;
    double decode_tps, prefill_tps, quality; /* 0: unknown, shown as NULL */
    double score;                            /* only of what fits */
    bool fits;
};
struct pls_fits_source {
    void *context;
    /* *cursor goes to next and close. On failure the sentence becomes the statement's error. */
    enum pls_code (*open)(void *context, const struct pls_fits_query *query, void **cursor,
                          struct pls_err *err);
    bool (*next)(void *cursor, struct pls_fits_row *row); /* false: no more */
    void (*close)(void *cursor);
};

struct pls_sql {
    const char *text;
    uint64_t limit_ns;                                            /* 0: no limit */
    const struct pls_fits_source *fits;                           /* NULL: fits() does not exist */
    bool (*head)(const char *const *names, int n, void *context); /* once, also when no row follows */
    bool (*row)(const struct pls_value *values, int n, void *context);
    void *context;
};
#define PLS_SQL_MAX_COLUMNS 256
/* PLS_USAGE for a statement that is wrong, PLS_REFUSED for one that is not allowed, PLS_LIMIT when the time
 * is over or it wants more memory than a statement may have. A visitor that returns false ends it early. The
 * catalog is good for nothing but more SQL and closing afterwards. */
enum pls_code pls_catalog_sql(struct pls_catalog *catalog, const struct pls_sql *sql, struct pls_err *err);

#endif
