/* How people write machines. Counts, sizes and joints are taken off; what is left are words for the table. */
#include "core/profile_part.h"

#include <string.h>

#include "plimsoll/text.h"

bool pls_part_is_filler(const char *word)
{
    static const char *const fillers[] = { "nvidia", "geforce", "amd",        "radeon",    "intel",
                                           "apple",  "gpu",     "graphics",   "card",      "the",
                                           "a",      "an",      "my",         "of",        "w",
                                           "r",      "tm",      "core",       "processor", "cpu",
                                           "chip",   "edition", "generation", "gen",       "desktop" };
    for (size_t i = 0; i < PLS_COUNT_OF(fillers); i++) {
        if (strcmp(fillers[i], word) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "64gb", "64g", "0.5tb" -> GiB; binary, as memory is sold. */
static bool size_of(const char *word, double *gib)
{
    uint64_t bytes = 0;
    size_t n = strlen(word);
    bool has_unit = n > 1 && !is_digit(word[n - 1]) && is_digit(word[0]);
    if (!has_unit || !pls_parse_bytes(word, &bytes) || bytes < PLS_GIB / 4) {
        return false;
    }
    *gib = (double)bytes / (double)PLS_GIB;
    return true;
}

/* "2x", "x2", "dual" */
static bool count_of(const char *word, uint32_t *count)
{
    char copy[16];
    uint64_t value = 0;
    PLS_COPY(copy, word);
    size_t n = strlen(copy);
    if (strcmp(copy, "dual") == 0 || strcmp(copy, "quad") == 0) {
        *count = copy[0] == 'd' ? 2 : 4;
        return true;
    }
    if (n < 2 || n > 4 || (copy[0] != 'x' && copy[n - 1] != 'x')) {
        return false;
    }
    const char *digits = copy[0] == 'x' ? copy + 1 : copy;
    copy[n - 1] = copy[n - 1] == 'x' ? '\0' : copy[n - 1];
    if (!pls_parse_u64(digits, &value) || value == 0) {
        return false;
    }
    *count = (uint32_t)value;
    return true;
}

/* "4x3090", "8xh100", "2x16gb": the count, and the rest of the word; the word itself when there is none. */
static char *cut_count(char *word, uint32_t *count)
{
    size_t digits = strspn(word, "0123456789");
    char copy[4];
    if (digits == 0 || digits > 2 || word[digits] != 'x' || strlen(word + digits) < 4) {
        return word;
    }
    PLS_COPY(copy, word);
    copy[digits + 1] = '\0';
    return count_of(copy, count) ? word + digits + 1 : word;
}

/* Length of a word without the tails that makers write apart: "4070tisuper" is "4070 ti super". */
static size_t without_tail(const char *word, size_t len)
{
    static const char *const tails[] = { "xtx", "xt", "ti", "super", "max", "pro", "ultra" };
    for (size_t i = 0; i < PLS_COUNT_OF(tails); i++) {
        size_t n = strlen(tails[i]);
        if (len > n + 1 && strncmp(word + len - n, tails[i], n) == 0) {
            return len - n;
        }
    }
    return len;
}

/* "rtx4090", "rx7900xtx", "m4max" as makers write them: with blanks. Tails count behind a number alone. */
static void loosen(const char *word, struct pls_text *out)
{
    static const char *const heads[] = { "rtx", "gtx", "rx" };
    size_t head = 0;
    size_t cuts[3];
    size_t n_cuts = 0;
    size_t at = strlen(word);
    for (size_t i = 0; i < PLS_COUNT_OF(heads) && head == 0; i++) {
        size_t n = strlen(heads[i]);
        head = pls_text_starts(word, heads[i]) && is_digit(word[n]) ? n : 0;
    }
    while (n_cuts < PLS_COUNT_OF(cuts) && without_tail(word, at) < at) {
        at = without_tail(word, at);
        cuts[n_cuts++] = at;
    }
    bool is_behind_number = at > 0 && is_digit(word[at - 1]);
    pls_text_put(out, word, head);
    pls_text_add(out, " ");
    for (at = head; is_behind_number && n_cuts > 0; at = cuts[n_cuts]) {
        n_cuts--;
        pls_text_put(out, word + at, cuts[n_cuts] - at);
        pls_text_add(out, " ");
    }
    pls_text_add(out, "%s", word + at);
}

static void add_words(struct pls_tokens *to, const char *word)
{
    char text[200];
    struct pls_text loose = PLS_TEXT(text);
    loosen(word, &loose);
    struct pls_tokens more = pls_tokens_of(text, loose.len);
    for (uint32_t i = 0; i < more.n && to->n < PLS_TOKENS_MAX; i++) {
        PLS_COPY(to->word[to->n], more.word[i]);
        to->n++;
    }
}

/* "3090x2": the same behind. */
static void cut_count_behind(char *word, uint32_t *count)
{
    char *x = strrchr(word, 'x');
    bool is_count = x != NULL && x > word && is_digit(x[-1]) && is_digit(x[1]) && strlen(x) <= 3;
    if (is_count && strspn(x + 1, "0123456789") == strlen(x + 1) && count_of(x, count)) {
        *x = '\0';
    }
}

/* How many tokens from i on name the box around the chip: "macbook pro", "mac studio". */
static uint32_t box_length(const struct pls_tokens *t, uint32_t i)
{
    static const char *const boxes[] = { "pro", "air", "studio", "mini", "neo" };
    const char *word = t->word[i];
    bool is_box = strcmp(word, "air") == 0 || strcmp(word, "mini") == 0 || strcmp(word, "studio") == 0;
    for (uint32_t k = 0; k < t->n && is_box; k++) { /* "m4 mini" */
        const char *chip = t->word[k];
        if (chip[0] == 'm' && is_digit(chip[1]) && chip[2] == '\0') {
            return 1;
        }
    }
    if (strcmp(word, "macbook") != 0 && strcmp(word, "mac") != 0 && strcmp(word, "imac") != 0) {
        return 0;
    }
    for (size_t b = 0; i + 1 < t->n && b < PLS_COUNT_OF(boxes); b++) {
        if (strcmp(t->word[i + 1], boxes[b]) == 0) {
            return 2;
        }
    }
    return 1;
}

/* "16gb laptop": a machine of which nothing but the memory is said. */
static bool names_nothing(const struct pls_tokens *t)
{
    static const char *const words[] = { "laptop", "notebook",    "pc",    "computer", "machine", "box",
                                         "server", "workstation", "tower", "vm",       "vps",     "gaming",
                                         "office", "old",         "new",   "mini" };
    for (uint32_t i = 0; i < t->n; i++) {
        bool is_known = false;
        for (size_t k = 0; k < PLS_COUNT_OF(words) && !is_known; k++) {
            is_known = strcmp(t->word[i], words[k]) == 0;
        }
        if (!is_known) {
            return false;
        }
    }
    return true;
}

/* The box says nothing that the chip does not, and fillers say nothing at all. True when there was a box. */
static bool drop_boxes(struct pls_tokens *t)
{
    uint32_t kept = 0;
    bool has_box = false;
    for (uint32_t i = 0; i < t->n; i++) {
        uint32_t box = box_length(t, i);
        if (box > 0) {
            has_box = true;
            i += box - 1;
        } else if (!pls_part_is_filler(t->word[i])) {
            memmove(t->word[kept++], t->word[i], PLS_TOKEN_LEN);
        }
    }
    t->n = kept;
    return has_box;
}

/* What a word says that stands behind the word `last`: a unit of a number, a factor, or itself. */
static void take_word(struct pls_part *out, char *word, const char *last)
{
    bool is_unit = strcmp(word, "gb") == 0 || strcmp(word, "gib") == 0 || strcmp(word, "tb") == 0;
    bool is_channel = pls_text_starts(word, "channel");
    double number = 0;
    bool is_behind_number = pls_parse_double(last, &number) && out->words.n > 0;
    word = cut_count(word, &out->count);
    cut_count_behind(word, &out->count);
    if (is_unit && is_behind_number) {
        out->gib = number * (word[0] == 't' ? 1024 : 1);
        out->words.n--; /* the number was no name after all */
    } else if (strcmp(word, "x") == 0 && is_behind_number && number >= 1 && number < 100) {
        out->count = (uint32_t)number; /* "2 x 4090" */
        out->words.n--;
    } else if (is_channel && (strcmp(last, "dual") == 0 || strcmp(last, "quad") == 0)) {
        out->count = 1; /* of the memory, not two machines */
        add_words(&out->words, last);
        add_words(&out->words, "channel");
    } else if (strcmp(word, "ram") == 0 || strcmp(word, "memory") == 0) {
        out->says_ram = true;
    } else if (strcmp(word, "vram") != 0 && !size_of(word, &out->gib) && !count_of(word, &out->count)) {
        add_words(&out->words, word);
    }
}

struct pls_part pls_part_parse(const char *text, size_t len)
{
    char copy[200];
    struct pls_part out = { .count = 1 };
    char *rest = NULL;
    char last[32] = "";
    len = len < sizeof(copy) ? len : sizeof(copy) - 1;
    memcpy(copy, text, len);
    copy[len] = '\0';
    pls_text_lower(copy);
    for (char *word = strtok_r(copy, " \t", &rest); word != NULL; word = strtok_r(NULL, " \t", &rest)) {
        char whole[32];
        PLS_COPY(whole, word);
        take_word(&out, word, last);
        PLS_COPY(last, whole);
    }
    out.says_box = drop_boxes(&out.words);
    if (names_nothing(&out.words)) {
        out.words.n = 0;
    }
    return out;
}

/* Length of the part at text; *skip gets the length of the joint behind it. */
size_t pls_part_length(const char *text, size_t *skip)
{
    static const char *const joints[] = { " and ", " with ", " plus ", "," };
    for (size_t i = 0; text[i] != '\0'; i++) {
        for (size_t j = 0; j < PLS_COUNT_OF(joints); j++) {
            if (pls_text_starts(text + i, joints[j])) {
                *skip = strlen(joints[j]);
                return i;
            }
        }
        double gib = 0;
        char next[16];
        PLS_COPY(next, text[i] == '+' ? text + i + 1 : "");
        next[strcspn(next, " ")] = '\0';
        if (text[i] == '+' && ((i > 0 && text[i - 1] == ' ') || size_of(next, &gib))) {
            *skip = 1;
            return i;
        }
    }
    *skip = 0;
    return strlen(text);
}
