/* How people write machines. Counts, sizes and joints are taken off; what is left are words for the table. */
#include "core/profile_part.h"

#include <string.h>

#include "plimsoll/text.h"

bool pls_part_is_filler(const char *word)
{
    static const char *const fillers[] = { "nvidia",    "geforce",  "amd",  "radeon",  "intel",      "apple",
                                           "gpu",       "graphics", "card", "the",     "a",          "an",
                                           "my",        "of",       "w",    "r",       "tm",         "core",
                                           "processor", "cpu",      "chip", "edition", "generation", "gen",
                                           "desktop",   "cores",    "with", "mit",     "asus",       "inch" };
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

/* "64gb", "0.5tb" -> GiB; binary, as memory is sold. A bare letter is a unit only where the number is a size
 * of memory: "64g" and "1t" are, "8700g" and "780m" are names. */
static bool size_of(const char *word, double *gib)
{
    static const double MOST_BARE = 2048;
    uint64_t bytes = 0;
    size_t n = strlen(word);
    size_t digits = strspn(word, "0123456789.");
    bool is_bare = n == digits + 1;
    if (digits == 0 || digits == n || (is_bare && word[digits] != 'g' && word[digits] != 't')) {
        return false;
    }
    if (!pls_parse_bytes(word, &bytes) || bytes < PLS_GIB / 4) {
        return false;
    }
    double value = (double)bytes / (double)PLS_GIB;
    bool is_name = is_bare && (word[digits] == 'g' ? value > MOST_BARE : value > 16 * 1024);
    *gib = is_name ? *gib : value;
    return !is_name;
}

bool pls_part_is_size(const char *word)
{
    double gib = 0;
    return size_of(word, &gib);
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
    /* cppcheck-suppress uninitvar ; filled up to n_cuts */
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

/* "macbook pro 16 m1 max": the screen, when a chip follows. */
static uint32_t has_inches(const struct pls_tokens *t, uint32_t i)
{
    static const char *const sizes[] = { "13", "14", "15", "16", "24", "27" };
    for (size_t k = 0; i + 1 < t->n && k < PLS_COUNT_OF(sizes); k++) {
        if (strcmp(t->word[i], sizes[k]) == 0) {
            return 1;
        }
    }
    return 0;
}

/* How many tokens from i on name the box around the chip: "macbook pro", "mac studio". */
static uint32_t box_length(const struct pls_tokens *t, uint32_t i)
{
    static const char *const boxes[] = { "pro", "air", "studio", "mini" };
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
            return 2 + has_inches(t, i + 2);
        }
    }
    return 1 + has_inches(t, i + 1);
}

static bool is_in(const char *word, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(word, list[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* "16gb laptop", "core i5 16gb": a machine of which nothing but the memory is said; a line of processors is
 * sold for fifteen years. */
static bool names_nothing(const struct pls_tokens *t)
{
    static const char *const words[] = { "laptop", "server", "workstation", "mini", "ryzen",
                                         "xeon",   "i3",     "i5",          "i7",   "i9" };
    for (uint32_t i = 0; i < t->n; i++) {
        bool is_tier = i > 0 && strcmp(t->word[i - 1], "ryzen") == 0 && t->word[i][1] == '\0';
        if (!is_tier && !is_in(t->word[i], words, PLS_COUNT_OF(words))) {
            return false;
        }
    }
    return true;
}

/* Said of any machine. */
static bool is_idle(const char *word)
{
    static const char *const words[] = { "notebook", "pc",  "computer", "machine", "box", "tower",
                                         "vm",       "vps", "gaming",   "office",  "old", "new" };
    return is_in(word, words, PLS_COUNT_OF(words));
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
        } else if (!pls_part_is_filler(t->word[i]) && !is_idle(t->word[i])) {
            memmove(t->word[kept++], t->word[i], PLS_TOKEN_LEN);
        }
    }
    t->n = kept;
    return has_box;
}

/* What has been read of a part so far. */
struct reading {
    struct pls_part *out;
    char last[32];     /* the word before */
    bool awaits_count; /* "3090 x" */
};

static void take_size(struct pls_part *out, double gib)
{
    if (out->gib > 0) {
        out->ram_gib = gib;
    } else {
        out->gib = gib;
    }
}

/* "gb" behind a number, "x" before or behind one, "16" behind an "x". */
static bool take_number(struct reading *r, const char *word)
{
    static const char *const units[] = { "gb", "gib", "tb", "gig", "gigs" };
    struct pls_part *out = r->out;
    double number = 0;
    uint64_t count = 0;
    bool is_behind_number = pls_parse_double(r->last, &number) && out->words.n > 0;
    if (is_in(word, units, PLS_COUNT_OF(units)) && is_behind_number) {
        take_size(out, number * (word[0] == 't' ? 1024 : 1));
        out->words.n--; /* the number was no name after all */
    } else if (strcmp(word, "x") == 0 && is_behind_number && number >= 1 && number < 100) {
        out->count = (uint32_t)number; /* "2 x 4090" */
        out->words.n--;
    } else if (strcmp(word, "x") == 0 && out->words.n > 0) {
        r->awaits_count = true; /* "3090 x 4" */
    } else if (r->awaits_count && pls_parse_u64(word, &count) && count > 0 && count < 100) {
        out->count = (uint32_t)count;
        r->awaits_count = false;
    } else {
        return false;
    }
    return true;
}

static bool take_memory(struct reading *r, const char *word)
{
    static const char *const names[] = { "ram", "memory", "dram", "arbeitsspeicher", "speicher" };
    struct pls_part *out = r->out;
    double gib = 0;
    if (is_in(word, names, PLS_COUNT_OF(names))) {
        out->says_ram = true;
    } else if (strcmp(word, "unified") == 0) {
        out->says_box = true; /* of a chip that must be named */
    } else if (size_of(word, &gib)) {
        take_size(out, gib);
    } else {
        return strcmp(word, "vram") == 0;
    }
    return true;
}

/* What a word says that stands behind another: a unit of a number, a factor, or itself. */
static void take_word(struct reading *r, char *word)
{
    struct pls_part *out = r->out;
    bool is_channel = pls_text_starts(word, "channel");
    bool is_laptop =
        strcmp(word, "laptop") == 0 || strcmp(word, "mobile") == 0 || strcmp(word, "notebook") == 0;
    word = cut_count(word, &out->count);
    cut_count_behind(word, &out->count);
    out->says_laptop = out->says_laptop || is_laptop;
    if (take_number(r, word) || take_memory(r, word)) {
        return;
    }
    if (is_channel && (strcmp(r->last, "dual") == 0 || strcmp(r->last, "quad") == 0)) {
        out->count = 1; /* of the memory, not two machines */
        add_words(&out->words, r->last);
        add_words(&out->words, "channel");
    } else if (!count_of(word, &out->count)) {
        add_words(&out->words, is_laptop ? "laptop" : word);
    }
}

static bool is_memory_type(const char *word)
{
    return pls_text_starts(word, "ddr") || pls_text_starts(word, "lpddr");
}

/* Words that are no device's: "64gb ddr5" is memory, "16 cores" a processor of which no more is known. */
static void drop_plain(struct pls_part *out, bool says_cores)
{
    uint64_t cores = 0;
    if (out->words.n == 1 && out->gib > 0 && is_memory_type(out->words.word[0])) {
        out->says_ram = true;
        out->words.n = 0;
    } else if (out->words.n == 1 && says_cores && pls_parse_u64(out->words.word[0], &cores) && cores < 1024) {
        out->cores = (uint32_t)cores;
        out->words.n = 0;
    } else if (names_nothing(&out->words)) {
        out->words.n = 0;
    }
}

struct pls_part pls_part_parse(const char *text, size_t len)
{
    char copy[200];
    struct pls_part out = { .count = 1 };
    struct reading r = { .out = &out };
    char *rest = NULL;
    len = len < sizeof(copy) ? len : sizeof(copy) - 1;
    memcpy(copy, text, len);
    copy[len] = '\0';
    pls_text_lower(copy);
    bool says_cores = strstr(copy, "core") != NULL;
    for (char *word = strtok_r(copy, " \t", &rest); word != NULL; word = strtok_r(NULL, " \t", &rest)) {
        char whole[32];
        PLS_COPY(whole, word);
        take_word(&r, word);
        PLS_COPY(r.last, whole);
    }
    bool has_box = drop_boxes(&out.words);
    out.says_box = out.says_box || has_box;
    drop_plain(&out, says_cores);
    return out;
}

void pls_part_normal(const char *text, char *out, size_t cap)
{
    static const char *const same[][2] = { { " w/ ", " with " }, { " mit ", " with " }, { " und ", " and " },
                                           { "\xc3\x97", "x" },  { "*", "x" },          { "\t", " " } };
    char lower[400];
    struct pls_text t = { .data = out, .len = 0, .cap = cap };
    PLS_COPY(lower, text);
    pls_text_lower(lower);
    out[0] = '\0';
    for (const char *at = lower; *at != '\0';) {
        size_t i = 0;
        while (i < PLS_COUNT_OF(same) && !pls_text_starts(at, same[i][0])) {
            i++;
        }
        if (i < PLS_COUNT_OF(same)) {
            pls_text_add(&t, "%s", same[i][1]);
            at += strlen(same[i][0]);
        } else {
            pls_text_put(&t, at++, 1);
        }
    }
}

/* "ryzen ai max+ 395" and "max+ pro 395" hold a '+' of their own. */
static bool is_of_name(const char *text, size_t plus)
{
    const char *behind = text + plus + 1 + strspn(text + plus + 1, " ");
    bool is_number = strspn(behind, "0123456789") == 3 && (behind[3] == ' ' || behind[3] == '\0');
    return plus >= 3 && strncmp(text + plus - 3, "max", 3) == 0
           && (is_number || pls_text_starts(behind, "pro "));
}

/* "i7 12700k rtx 3060": a card behind a processor is a part of its own. */
static bool is_card_behind(const char *text, size_t at)
{
    static const char *const heads[] = { " rtx", " gtx", " rx ", " geforce", " nvidia", " tesla", " arc " };
    static const char *const processors[] = {
        "ryzen", "i3", "i5", "i7", "i9", "xeon", "epyc", "threadripper"
    };
    bool is_head = false;
    for (size_t i = 0; i < PLS_COUNT_OF(heads); i++) {
        is_head = is_head || pls_text_starts(text + at, heads[i]);
    }
    for (size_t i = 0; is_head && i < PLS_COUNT_OF(processors); i++) {
        const char *found = strstr(text, processors[i]);
        if (found != NULL && found < text + at) {
            return true;
        }
    }
    return false;
}

size_t pls_part_length(const char *text, size_t *skip)
{
    static const char *const joints[] = { " and ", " with ", " plus ", "," };
    int depth = 0;
    for (size_t i = 0; text[i] != '\0'; i++) {
        depth += text[i] == '(' ? 1 : text[i] == ')' && depth > 0 ? -1 : 0;
        for (size_t j = 0; j < PLS_COUNT_OF(joints) && depth == 0; j++) {
            if (pls_text_starts(text + i, joints[j])) {
                *skip = strlen(joints[j]);
                return i;
            }
        }
        bool is_plus = text[i] == '+' && !is_of_name(text, i);
        if (depth == 0 && (is_plus || is_card_behind(text, i))) {
            *skip = 1;
            return i;
        }
    }
    *skip = 0;
    return strlen(text);
}
