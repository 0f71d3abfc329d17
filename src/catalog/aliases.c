/* What a name is reduced to before it is compared. Keys hold lower-case letters and digits only:
 * "Llama-3.1-8B", "llama3.1:8b" and "LLAMA 3.1 8B" are the same key. */
#include <string.h>

#include "catalog/db.h"

static char plain(char c)
{
    return c >= 'A' && c <= 'Z'                               ? (char)(c - 'A' + 'a')
           : (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c
                                                              : '\0';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

void pls_db_key(char *out, size_t cap, const char *name)
{
    size_t n = 0;
    for (; *name != '\0' && n + 1 < cap; name++) {
        /* Bytes above ASCII stay: letters of other scripts tell names apart too. */
        char c = (unsigned char)*name >= 0x80 ? *name : plain(*name);
        if (c != '\0') {
            out[n++] = c;
        }
    }
    out[n] = '\0';
}

/* "2501", "0414", "20250414": the dates that publishers append. */
static bool is_date(const char *part)
{
    size_t n = strspn(part, "0123456789");
    return part[n] == '\0' && (n == 4 || n == 6 || n == 8);
}

/* Words that say how a model was tuned or packed, not which it is. */
static bool is_tuning(const char *part)
{
    static const char *const words[] = { "instruct", "it",   "chat", "pt",   "hf",
                                         "latest",   "gguf", "mlx",  "base", "qat" };
    for (size_t i = 0; i < PLS_COUNT_OF(words); i++) {
        if (pls_text_equal_nocase(part, words[i])) {
            return true;
        }
    }
    return false;
}

static char *last_separator(char *name)
{
    char *cut = NULL;
    for (char *s = name; *s != '\0'; s++) {
        cut = strchr("-_ :", *s) != NULL ? s : cut;
    }
    return cut == name ? NULL : cut;
}

bool pls_db_stem(char *name, bool dates)
{
    char *cut = last_separator(name);
    if (cut == NULL || !(is_tuning(cut + 1) || (dates && is_date(cut + 1)))) {
        return false;
    }
    bool is_year = strlen(cut + 1) == 4 && cut[1] == '2' && cut[2] == '0';
    *cut = '\0';
    cut = last_separator(name);
    if (is_year && cut != NULL && strspn(cut + 1, "0123456789") == 2 && cut[3] == '\0') {
        *cut = '\0'; /* "-12-2024": the month goes with its year */
    }
    return true;
}

bool pls_db_undressed(char *out, size_t cap, const char *name)
{
    struct pls_text kept = { .data = out, .cap = cap };
    bool dropped = false;
    out[0] = '\0';
    while (*name != '\0') {
        char part[PLS_DB_KEY_MAX];
        size_t len = strcspn(name + 1, "-_ :") + 1; /* with the separator in front */
        PLS_COPY(part, name);
        part[len < sizeof(part) ? len : sizeof(part) - 1] = '\0';
        bool drops = kept.len > 0 && is_tuning(part + 1);
        dropped = dropped || drops;
        if (!drops) {
            pls_text_put(&kept, name, len);
        }
        name += len;
    }
    return dropped;
}

/* One word of a text as a key: what stands between blanks and separators. The dot of "3.1" is no separator.
 */
static const char *next_word(const char *text, char *out, size_t cap)
{
    static const char separators[] = " \t\r\n-_/:,;()[]'\"+";
    text += strspn(text, separators);
    size_t len = strcspn(text, separators);
    char word[PLS_DB_KEY_MAX];
    size_t n = len < sizeof(word) - 1 ? len : sizeof(word) - 1;
    memcpy(word, text, n);
    word[n] = '\0';
    pls_db_key(out, cap, word);
    return len == 0 ? NULL : text + len;
}

/* The digits of "3", "v3" and "3.1" (whose dot the key has not); NULL of any other word. Digits with letters
 * behind them are a size ("70b"), more than three a date. */
static const char *version_of(const char *word)
{
    const char *digits = word + (word[0] == 'v' ? 1 : 0);
    size_t n = strspn(digits, "0123456789");
    return n > 0 && n < 4 && digits[n] == '\0' ? digits : NULL;
}

/* Is a number that was typed a version? One digit may be, and what a dot parts is; "70" is a size, or stands
 * in the index as a word of its own. `end` is behind it in the text. */
static bool is_version_typed(const char *number, const char *end)
{
    size_t n = strspn(number, "0123456789");
    bool is_number = n > 0 && number[n] == '\0';
    return is_number && (n == 1 || memchr(end - n, '.', n) != NULL);
}

void pls_db_words(struct pls_text *out, const char *text)
{
    char word[PLS_DB_KEY_MAX];
    char before[PLS_DB_KEY_MAX] = "";
    for (const char *at = next_word(text, word, sizeof(word)); at != NULL;
         at = next_word(at, word, sizeof(word))) {
        pls_text_add(out, "%s ", word);
        size_t letters = strcspn(word, "0123456789");
        if (letters > 0 && word[letters] != '\0') { /* "qwen25" is also "qwen" and "25" */
            pls_text_add(out, "%.*s %s ", (int)letters, word, word + letters);
        }
        size_t n = strlen(before);
        const char *version = version_of(word);
        if (n > 0 && version != NULL && !is_digit(before[n - 1])) {
            pls_text_add(out, "%s%s ", before, version);
        }
        memcpy(before, word, sizeof(before));
    }
}

static void want_start(struct pls_text *out, const char *word, const char *and_then)
{
    if (word[0] != '\0') {
        pls_text_add(out, "%s\"%s%s\"*", out->len > 0 ? " " : "", word, and_then);
    }
}

void pls_db_match(struct pls_text *out, const char *words)
{
    char word[PLS_DB_KEY_MAX];
    for (const char *at = next_word(words, word, sizeof(word)); at != NULL;
         at = next_word(at, word, sizeof(word))) {
        want_start(out, word, "");
    }
}

bool pls_db_match_versions(struct pls_text *out, const char *words)
{
    char word[PLS_DB_KEY_MAX];
    char before[PLS_DB_KEY_MAX] = ""; /* not wanted yet: a number may follow */
    bool joined = false;
    for (const char *at = next_word(words, word, sizeof(word)); at != NULL;
         at = next_word(at, word, sizeof(word))) {
        size_t n = strlen(before);
        bool is_version = n > 0 && !is_digit(before[n - 1]) && is_version_typed(word, at);
        want_start(out, before, is_version ? word : "");
        joined = joined || is_version;
        memcpy(before, is_version ? "" : word, is_version ? 1 : sizeof(before));
    }
    want_start(out, before, "");
    return joined;
}
