/* Where a model lies in another packaging. */
#include "catalog/db.h"

/* Two spellings of one quantization: a group that is not named is the usual one of its format. */
static bool is_same(const struct pls_quant *a, const struct pls_quant *b)
{
    return a->format == b->format && a->bits == b->bits && a->bits_high == b->bits_high
           && a->group == b->group && a->stored == b->stored;
}

bool pls_catalog_variant(struct pls_catalog *catalog, const char *id, const struct pls_quant *quant,
                         char *out, size_t cap)
{
    bool is_found = false;
    for (int user = catalog->user != PLS_DB_USER_NONE; user >= 0 && !is_found; user--) {
        sqlite3_stmt *stmt = NULL;
        if (pls_db_prepare_in(
                catalog, user == 1 ? "user" : "main",
                "SELECT name FROM @.variants WHERE model = ?1 AND format NOT IN ('gguf', 'ollama')"
                " AND verified <> 0 ORDER BY name NOT LIKE 'mlx-community/%', format, position",
                &stmt, NULL)
            == PLS_OK) {
            sqlite3_bind_text(stmt, 1, id, -1, SQLITE_STATIC);
        }
        while (stmt != NULL && !is_found && sqlite3_step(stmt) == SQLITE_ROW) {
            const char *name = (const char *)sqlite3_column_text(stmt, 0);
            struct pls_quant_said said;
            is_found = pls_quant_in_name(name, &said) && said.is_known && is_same(&said.quant, quant)
                       && pls_copy(out, cap, name);
        }
        sqlite3_finalize(stmt);
    }
    return is_found;
}
