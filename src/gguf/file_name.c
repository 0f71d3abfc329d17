/* File names that follow the GGUF naming convention: BaseName-SizeLabel-FineTune-Version-Encoding-Shard.gguf.
 * Real names bend it (dots for dashes, "UD-" recipes, "i1-" for imatrix uploads), so the encoding is looked
 * for from the right, word by word, and what stands left of it is the model's name. Source: ggml's naming
 * convention. */
#include <string.h>

#include "plimsoll/gguf.h"
#include "plimsoll/text.h"

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static bool all_digits(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
    }
    return len > 0;
}

/* Cuts "-00001-of-00003" off the end. */
static void cut_shard(char *name, struct pls_file_name *out)
{
    size_t len = strlen(name);
    if (len < 15 || name[len - 15] != '-' || !all_digits(name + len - 14, 5) || !all_digits(name + len - 5, 5)
        || strncmp(name + len - 9, "-of-", 4) != 0) {
        return;
    }
    for (size_t i = 0; i < 5; i++) {
        out->split_no = out->split_no * 10 + (uint32_t)(name[len - 14 + i] - '0');
        out->split_count = out->split_count * 10 + (uint32_t)(name[len - 5 + i] - '0');
    }
    name[len - 15] = '\0';
}

/* "7B", "0.5b", "30B-A3B", "8x7B", "135M", "E4B": a size label. */
static bool is_size_word(const char *word)
{
    size_t i = word[0] == 'A' || word[0] == 'a' || word[0] == 'E' || word[0] == 'e' ? 1 : 0;
    bool digits = false;
    for (; (word[i] >= '0' && word[i] <= '9') || word[i] == '.'
           || (digits && (word[i] == 'x' || word[i] == 'X'));
         i++) {
        digits = true;
    }
    return digits && word[i] != '\0' && strchr("BbMmTt", word[i]) != NULL && word[i + 1] == '\0';
}

/* Size label of a name, words joined by '-': "30B-A3B". */
static void find_size(const char *name, char *out, size_t cap)
{
    char copy[160];
    struct pls_text size = { .data = out, .len = 0, .cap = cap };
    char *rest = NULL;
    out[0] = '\0';
    PLS_COPY(copy, name);
    for (char *word = strtok_r(copy, "-_ ", &rest); word != NULL; word = strtok_r(NULL, "-_ ", &rest)) {
        if (is_size_word(word)) {
            pls_text_add(&size, "%s%s", size.len > 0 ? "-" : "", word);
        } else if (size.len > 0) {
            break;
        }
    }
}

/* Moves the encoding at the end of name into out; true when there is one. */
static bool cut_quant(char *name, struct pls_file_name *out)
{
    for (char *at = name + strlen(name); at > name; at--) {
        if (at[-1] != '-' && at[-1] != '.') {
            continue;
        }
        struct pls_quant quant;
        if (!pls_quant_parse(at, &quant)) {
            continue;
        }
        /* "UD-" and "i1-" belong to the encoding. */
        char *start = at;
        if (start - name > 3 && (strncmp(start - 3, "UD-", 3) == 0 || strncmp(start - 3, "i1-", 3) == 0)) {
            start -= 3;
        }
        PLS_COPY(out->quant, start);
        out->parsed = quant;
        out->parsed.imatrix = out->parsed.imatrix || pls_text_starts(start, "i1-");
        out->parsed.from_name = out->parsed.from_name || pls_text_starts(start, "UD-");
        start[-1] = '\0';
        return true;
    }
    return false;
}

bool pls_file_name_parse(const char *name, struct pls_file_name *out)
{
    char copy[192];
    *out = (struct pls_file_name){ 0 };
    bool is_whole = PLS_COPY(copy, base_name(name));
    size_t len = strlen(copy);
    bool has_suffix = len > 5 && pls_text_equal_nocase(copy + len - 5, ".gguf");
    if (!is_whole || !has_suffix) {
        return false;
    }
    copy[len - 5] = '\0';
    cut_shard(copy, out);
    out->has_quant = cut_quant(copy, out);
    find_size(copy, out->size, sizeof(out->size));
    return PLS_COPY(out->base, copy) && out->base[0] != '\0';
}
