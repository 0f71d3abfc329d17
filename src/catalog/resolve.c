/* From a name as people write it to one card, or to a sentence that helps. */
#include <stdlib.h>
#include <string.h>

#include "catalog/db.h"

#define MAX_CANDIDATES 6

/* The models a key leads to, best rank only. */
struct candidates {
    char id[MAX_CANDIDATES][80];
    uint32_t n; /* may exceed MAX_CANDIDATES: there are more */
    int rank;
};

static void candidates_add(struct candidates *c, const char *id, int rank)
{
    if (c->n == 0 || rank < c->rank) {
        c->n = 0;
        c->rank = rank;
    } else if (rank > c->rank) {
        return;
    }
    for (uint32_t i = 0; i < c->n && i < MAX_CANDIDATES; i++) {
        if (strcmp(c->id[i], id) == 0) {
            return;
        }
    }
    if (c->n < MAX_CANDIDATES) {
        PLS_COPY(c->id[c->n], id);
    }
    c->n++;
}

static enum pls_code look_up(struct pls_catalog *catalog, const char *pattern, const char *key,
                             struct candidates *out, struct pls_err *err)
{
    for (int user = catalog->user != PLS_DB_USER_NONE; user >= 0; user--) {
        sqlite3_stmt *stmt = NULL;
        enum pls_code code = pls_db_prepare_in(catalog, user == 1 ? "user" : "main", pattern, &stmt, err);
        if (code != PLS_OK) {
            return code;
        }
        sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
        int rc = sqlite3_step(stmt);
        for (; rc == SQLITE_ROW; rc = sqlite3_step(stmt)) {
            candidates_add(out, (const char *)sqlite3_column_text(stmt, 0), sqlite3_column_int(stmt, 1));
        }
        code = rc == SQLITE_DONE || user == 1 ? PLS_OK : pls_db_fail(catalog, catalog->path, err);
        sqlite3_finalize(stmt);
        if (code != PLS_OK) {
            return code;
        }
    }
    return PLS_OK;
}

static enum pls_code by_key(struct pls_catalog *catalog, const char *name, struct candidates *out,
                            struct pls_err *err)
{
    char key[PLS_DB_KEY_MAX];
    pls_db_key(key, sizeof(key), name);
    out->n = 0;
    return look_up(catalog, "SELECT model, rank FROM @.aliases WHERE key = ?1 ORDER BY rank, model", key, out,
                   err);
}

/* "Q4_K_M", "iq3_xxs", "f16", "4bit", "mxfp4", "8bit": how a repository or a tag says its quantization. */
static bool is_quant_word(const char *word)
{
    size_t n = strspn(word, "iquIQU");
    bool is_q = n > 0 && n < 4 && word[n] >= '0' && word[n] <= '9';
    size_t digits = strspn(word, "0123456789");
    bool is_bits = digits > 0 && digits < 3 && pls_text_equal_nocase(word + digits, "bit");
    static const char *const others[] = { "f16", "bf16", "fp16", "f32",  "fp8",  "mxfp4", "mxfp8", "nvfp4",
                                          "fp4", "awq",  "gptq", "int4", "int8", "dwq",   "bnb",   "ud" };
    char low[12]; /* beginnings, or words of at most five letters */
    PLS_COPY(low, word);
    pls_text_lower(low);
    bool is_group =
        pls_text_starts(low, "gs") && low[2] != '\0' && low[2 + strspn(low + 2, "0123456789")] == '\0';
    is_q = is_q || is_group || pls_text_starts(low, "mixed_") || pls_text_starts(low, "quantized");
    for (size_t i = 0; i < PLS_COUNT_OF(others); i++) {
        is_q = is_q || pls_text_equal_nocase(word, others[i]);
    }
    return is_q || is_bits;
}

/* Takes one thing off a name that says nothing about which model it is; false when there is nothing left to
 * take. */
static bool simplify(char *name)
{
    static const char *const tails[] = { "-gguf", ".gguf", "-mlx", ":latest", "_gguf", "-lm", "-unsloth" };
    char *slash = strrchr(name, '/');
    if (slash != NULL) {
        memmove(name, slash + 1, strlen(slash + 1) + 1);
        return true;
    }
    size_t len = strlen(name);
    for (size_t i = 0; i < PLS_COUNT_OF(tails); i++) {
        size_t n = strlen(tails[i]);
        if (len > n && pls_text_equal_nocase(name + len - n, tails[i])) {
            name[len - n] = '\0';
            return true;
        }
    }
    for (char *s = name + 1; len > 1 && *s != '\0'; s++) {
        if (strchr("-.:_@", *s) != NULL && is_quant_word(s + 1)) {
            *s = '\0';
            return true;
        }
    }
    /* "unsloth_", "Meta-": a maker's name in front */
    static const char *const heads[] = { "meta-",      "google_",    "google-", "qwen_",
                                         "mistralai_", "microsoft_", "nvidia_", "ibm-" };
    for (size_t i = 0; i < PLS_COUNT_OF(heads); i++) {
        size_t n = strlen(heads[i]);
        char head[16];
        PLS_COPY(head, name);
        head[n < sizeof(head) ? n : sizeof(head) - 1] = '\0';
        if (len > n && pls_text_equal_nocase(head, heads[i])) {
            memmove(name, name + n, len - n + 1);
            return true;
        }
    }
    return pls_db_stem(name, false); /* a date is kept: another date is another model */
}

/* Does `spelled` begin with the key and then end a word? "gemma-3-4b-it" does with "gemma3", "gemma-3n" does
 * not. */
static bool begins_with_words(const char *spelled, const char *key)
{
    for (; *key != '\0' && *spelled != '\0'; spelled++) {
        char one[2] = { *spelled, '\0' };
        char plain[2];
        pls_db_key(plain, sizeof(plain), one);
        if (plain[0] != '\0' && plain[0] != *key++) {
            return false;
        }
    }
    char next[2] = { *spelled, '\0' };
    char plain[2];
    pls_db_key(plain, sizeof(plain), next);
    return *key == '\0' && plain[0] == '\0';
}

/* Ids and names that begin with the words of a name. */
static enum pls_code by_beginning(struct pls_catalog *catalog, const char *name, struct candidates *out,
                                  struct pls_err *err)
{
    char key[PLS_DB_KEY_MAX];
    enum pls_code code = PLS_OK;
    pls_db_key(key, sizeof(key), name);
    out->n = 0;
    for (int user = catalog->user != PLS_DB_USER_NONE; key[0] != '\0' && code == PLS_OK && user >= 0;
         user--) {
        sqlite3_stmt *stmt = NULL;
        code = pls_db_prepare_in(
            catalog, user == 1 ? "user" : "main",
            "SELECT model, spelled FROM @.aliases WHERE key > ?1 AND key < ?1 || '\x7f' AND rank IN (0, 1)"
            " AND instr(spelled, '/') = 0 ORDER BY length(model), model",
            &stmt, err);
        if (code == PLS_OK) {
            sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
        }
        while (code == PLS_OK && sqlite3_step(stmt) == SQLITE_ROW) {
            if (begins_with_words((const char *)sqlite3_column_text(stmt, 1), key)) {
                candidates_add(out, (const char *)sqlite3_column_text(stmt, 0), 0);
            }
        }
        sqlite3_finalize(stmt);
    }
    return code;
}

/* The ids nearest to a name: those that begin with it, else those with the fewest changes of letters. */
static enum pls_code nearest(struct pls_catalog *catalog, const char *name, struct candidates *out,
                             struct pls_err *err)
{
    char key[PLS_DB_KEY_MAX];
    pls_db_key(key, sizeof(key), name);
    out->n = 0;
    enum pls_code code = PLS_OK;
    if (key[0] != '\0') {
        code = look_up(
            catalog,
            "SELECT model, min(rank) FROM @.aliases WHERE rank IN (0, 1) AND substr(key, 1, length(?1)) = ?1"
            " GROUP BY model ORDER BY 2, length(model), model",
            key, out, err);
    }
    if (code != PLS_OK || out->n > 0) {
        return code;
    }
    uint32_t most = (uint32_t)strlen(key) / 3 + 1; /* further off it is another name */
    for (int user = catalog->user != PLS_DB_USER_NONE; user >= 0; user--) {
        sqlite3_stmt *stmt = NULL;
        code = pls_db_prepare_in(catalog, user == 1 ? "user" : "main",
                                 "SELECT model, key FROM @.aliases WHERE rank IN (0, 4) ORDER BY model",
                                 &stmt, err);
        while (code == PLS_OK && sqlite3_step(stmt) == SQLITE_ROW) {
            uint32_t distance = pls_text_distance(key, (const char *)sqlite3_column_text(stmt, 1));
            if (distance <= most) {
                candidates_add(out, (const char *)sqlite3_column_text(stmt, 0), (int)distance);
            }
        }
        sqlite3_finalize(stmt);
    }
    return code;
}

static void list_candidates(struct pls_text *out, const struct candidates *c)
{
    for (uint32_t i = 0; i < c->n && i < MAX_CANDIDATES; i++) {
        pls_text_add(out, "%s%s", i == 0 ? "" : ", ", c->id[i]);
    }
    if (c->n > MAX_CANDIDATES) {
        pls_text_add(out, " and %u more", c->n - MAX_CANDIDATES);
    }
}

enum pls_code pls_catalog_resolve(struct pls_catalog *catalog, const char *name, struct pls_card *out,
                                  struct pls_err *err)
{
    char simple[PLS_DB_KEY_MAX];
    char shown[256];
    char list[400];
    struct pls_text safe = PLS_TEXT(shown);
    struct pls_text ids = PLS_TEXT(list);
    struct candidates found = { .n = 0 };
    pls_text_escape(&safe, name);
    if (!PLS_COPY(simple, name)) {
        return pls_fail(err, PLS_USAGE, "no model is called '%s'", shown);
    }
    enum pls_code code = by_key(catalog, simple, &found, err);
    while (code == PLS_OK && found.n == 0 && simplify(simple)) {
        code = by_key(catalog, simple, &found, err);
    }
    code = code == PLS_OK && found.n == 0 ? by_beginning(catalog, name, &found, err) : code;
    if (code != PLS_OK) {
        return code;
    }
    if (found.n == 1) {
        return pls_catalog_card(catalog, found.id[0], out, err);
    }
    if (found.n > 1) {
        list_candidates(&ids, &found);
        return pls_fail(err, PLS_USAGE, "'%s' may be %s", shown, list);
    }
    code = nearest(catalog, name, &found, err);
    list_candidates(&ids, &found);
    if (code != PLS_OK) {
        return code;
    }
    return pls_fail(err, PLS_USAGE, "no model is called '%s'%s%s", shown,
                    found.n > 0 ? "; the nearest: " : "", list);
}
