/* Where a model lies in another packaging, and what all its repositories hold. */
#include <string.h>

#include "catalog/db.h"

/* Two spellings of one quantization: a group that is not named is the usual one of its format. How many
 * values of FP8 share a scale changes a thousandth of the bytes, and the same engines load them all. */
static bool is_same(const struct pls_quant *a, const struct pls_quant *b)
{
    bool is_group = a->group == b->group || a->format == PLS_FORMAT_FP8;
    return a->format == b->format && a->bits == b->bits && a->bits_high == b->bits_high && is_group
           && a->stored == b->stored;
}

/* What one row of variants holds: of AWQ, GPTQ and FP8 the word of its quants, or else what the format
 * usually is; of the others what the name says. */
static bool read_quant(const char *format, const char *name, const char *word, struct pls_quant *out)
{
    enum pls_format known = PLS_FORMAT_GGUF;
    struct pls_quant_said said;
    bool is_packed = pls_format_by_name(format, &known)
                     && (known == PLS_FORMAT_AWQ || known == PLS_FORMAT_GPTQ || known == PLS_FORMAT_FP8);
    if (is_packed) {
        return pls_quant_parse(word != NULL ? word : format, out) && out->format == known;
    }
    if (!pls_quant_in_name(name, &said) || !said.is_known) {
        return false;
    }
    *out = said.quant;
    return true;
}

/* The repositories of a card that were seen: format, name and quants of each. NULL: they cannot be read. */
static sqlite3_stmt *seen_variants(struct pls_catalog *catalog, const char *id)
{
    sqlite3_stmt *stmt = NULL;
    if (pls_db_prepare_in(
            catalog, pls_db_schema_of(catalog, id),
            "SELECT v.format, v.name, q.value FROM @.variants v LEFT JOIN json_each(v.quants) q"
            " WHERE v.model = ?1 AND v.format NOT IN ('gguf', 'ollama') AND v.verified <> 0"
            " ORDER BY v.name NOT LIKE 'mlx-community/%', v.format, v.position, q.key",
            &stmt, NULL)
        == PLS_OK) {
        sqlite3_bind_text(stmt, 1, id, -1, SQLITE_STATIC);
    }
    return stmt;
}

/* The next of them whose quantization is known; its name is valid until then. NULL: there is no other. */
static const char *next_seen(sqlite3_stmt *stmt, struct pls_quant *held)
{
    while (stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(stmt, 1);
        if (read_quant((const char *)sqlite3_column_text(stmt, 0), name,
                       (const char *)sqlite3_column_text(stmt, 2), held)) {
            return name;
        }
    }
    return NULL;
}

bool pls_catalog_variant(struct pls_catalog *catalog, const char *id, const struct pls_quant *quant,
                         char *out, size_t cap)
{
    sqlite3_stmt *stmt = seen_variants(catalog, id);
    struct pls_quant held;
    bool is_found = false;
    for (const char *name = NULL; !is_found && (name = next_seen(stmt, &held)) != NULL;) {
        is_found = is_same(&held, quant) && pls_copy(out, cap, name);
    }
    sqlite3_finalize(stmt);
    return is_found;
}

bool pls_catalog_repo_quant(struct pls_catalog *catalog, const char *id, const char *repo,
                            struct pls_quant *out)
{
    sqlite3_stmt *stmt = seen_variants(catalog, id);
    struct pls_quant held;
    bool is_found = false;
    for (const char *name = NULL; !is_found && (name = next_seen(stmt, &held)) != NULL;) {
        is_found = pls_text_equal_nocase(name, repo);
    }
    *out = is_found ? held : *out;
    sqlite3_finalize(stmt);
    return is_found;
}

/* One row's share of pls_card.held. */
static uint64_t held_by(const struct pls_card *card, const char *format, const char *name, const char *word)
{
    struct pls_quant quant;
    if (strcmp(format, "gguf") == 0) {
        return word != NULL && pls_quant_parse(word, &quant) && quant.format == PLS_FORMAT_GGUF
                   ? pls_held_bit(&quant)
                   : 0;
    }
    uint64_t bit = read_quant(format, name, word, &quant) ? pls_held_bit(&quant) : 0;
    bool is_release = bit != 0 && quant.format == PLS_FORMAT_FP8 && strcmp(name, card->hf_repo) == 0;
    return bit | (is_release ? PLS_HELD_RELEASE_FP8 : 0);
}

enum pls_code pls_db_add_held(struct pls_catalog *catalog, const struct pls_card *card, struct pls_err *err)
{
    uint64_t held = 0;
    sqlite3_stmt *stmt = NULL;
    enum pls_code code = pls_db_prepare_in(
        catalog, pls_db_home(catalog),
        "SELECT v.format, v.name, q.value FROM @.variants v LEFT JOIN json_each(v.quants) q"
        " WHERE v.model = ?1 AND v.verified <> 0 AND v.format <> 'ollama'",
        &stmt, err);
    if (code != PLS_OK) {
        return code;
    }
    sqlite3_bind_text(stmt, 1, card->id, -1, SQLITE_STATIC);
    int rc = SQLITE_ROW;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        held |= held_by(card, (const char *)sqlite3_column_text(stmt, 0),
                        (const char *)sqlite3_column_text(stmt, 1),
                        (const char *)sqlite3_column_text(stmt, 2));
    }
    code = rc == SQLITE_DONE
               ? PLS_OK
               : pls_db_fail(catalog, catalog->is_build ? catalog->path : catalog->user_path, err);
    sqlite3_finalize(stmt);
    if (code != PLS_OK) {
        return code;
    }
    code = pls_db_prepare_in(catalog, pls_db_home(catalog), "UPDATE @.models SET held = ?2 WHERE id = ?1",
                             &stmt, err);
    if (code == PLS_OK) {
        sqlite3_bind_text(stmt, 1, card->id, -1, SQLITE_STATIC);
        sqlite3_bind_int64(stmt, 2, (int64_t)held);
        code = pls_db_finish(catalog, stmt, err);
    }
    return code;
}
