/* Which rows words mean: all words must be whole tokens of one row, the row with the fewest tokens left over
 * wins. */
#include "core/profile_find.h"

#include <math.h>
#include <string.h>

#include "core/profile_near.h"
#include "plimsoll/text.h"

/* Tokens of a name left over when the query's are taken away. */
static uint32_t left_over(const struct pls_tokens *name, const struct pls_tokens *query)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < name->n; i++) {
        const char *word = name->word[i];
        n += !pls_tokens_has(query, word) && !pls_part_is_filler(word) && !pls_part_is_size(word);
    }
    return n;
}

/* "sxm" without its generation: a model has one only. */
static bool is_some_sxm(const struct pls_tokens *name, const char *word)
{
    bool found = false;
    for (uint32_t i = 0; i < name->n && strcmp(word, "sxm") == 0; i++) {
        found = found || pls_text_starts(name->word[i], "sxm");
    }
    return found;
}

static void mark_found(const struct pls_tokens *name, const struct pls_tokens *query,
                       bool found[PLS_TOKENS_MAX])
{
    for (uint32_t q = 0; q < query->n; q++) {
        found[q] = found[q] || pls_tokens_has(name, query->word[q]) || is_some_sxm(name, query->word[q]);
    }
}

/* A name of a list that bars separate, read as tokens. What it says in brackets describes, it does not
 * name. */
struct name {
    struct pls_tokens bare, whole;
};

static const char *next_name(const char *at, struct name *out)
{
    size_t len = strcspn(at, "|");
    size_t bare = strcspn(at, "|(");
    out->bare = pls_tokens_of(at, bare);
    out->whole = bare < len ? pls_tokens_of(at, len) : out->bare;
    return at + len + (at[len] == '|');
}

/* Whether every token of the query is one of some name of the profile. */
static bool has_all(const struct pls_profile *p, const struct pls_tokens *query)
{
    const char *const texts[] = { p->id, p->name, p->aliases, p->patterns };
    bool found[PLS_TOKENS_MAX] = { false };
    uint32_t n = 0;
    struct name name;
    for (size_t i = 0; i < PLS_COUNT_OF(texts); i++) {
        for (const char *at = texts[i]; *at != '\0';) {
            at = next_name(at, &name);
            mark_found(&name.whole, query, found);
        }
    }
    for (uint32_t q = 0; q < query->n; q++) {
        n += found[q];
    }
    return n == query->n;
}

/* Tokens left over in its closest name. */
static uint32_t least_left_over(const struct pls_profile *p, const struct pls_tokens *query)
{
    const char *const texts[] = { p->id, p->name, p->aliases, p->patterns };
    uint32_t least = UINT32_MAX;
    struct name name;
    for (size_t i = 0; i < PLS_COUNT_OF(texts); i++) {
        for (const char *at = texts[i]; *at != '\0';) {
            at = next_name(at, &name);
            uint32_t extra = left_over(&name.bare, query);
            least = extra < least ? extra : least;
        }
    }
    return least;
}

/* Of a device, or of all on the card: a K80 is sold as one of 24 GB. */
bool pls_profile_has_size(const struct pls_profile *p, double gib)
{
    for (uint32_t i = 0; i < p->n_memory; i++) {
        double of_card = p->memory_gib[i] * pls_profile_devices(p);
        if (fabs(p->memory_gib[i] - gib) < 0.02 * gib || fabs(of_card - gib) < 0.02 * gib) {
            return true;
        }
    }
    return false;
}

/* The words are the row's own id, fillers aside: nothing is ambiguous then. */
static bool is_id(const struct pls_profile *p, const struct pls_tokens *query)
{
    struct pls_tokens id = pls_tokens_of(p->id, strlen(p->id));
    uint32_t q = 0;
    for (uint32_t i = 0; i < id.n; i++) {
        if (pls_part_is_filler(id.word[i])) {
            continue;
        }
        if (q >= query->n || strcmp(id.word[i], query->word[q]) != 0) {
            return false;
        }
        q++;
    }
    return q == query->n;
}

static bool is_laptop(const struct pls_profile *p)
{
    return pls_text_ends(p->id, "-laptop") || pls_text_ends(p->id, "-mobile");
}

/* Boards whose makers never sold them. */
static bool is_mod(const struct pls_profile *p)
{
    return strstr(p->name, "aftermarket") != NULL;
}

static void drop(struct pls_candidates *c, bool is_such(const struct pls_profile *p))
{
    struct pls_candidates kept = { .extra = c->extra };
    for (uint32_t i = 0; i < c->n; i++) {
        if (!is_such(c->items[i])) {
            kept.items[kept.n++] = c->items[i];
        }
    }
    *c = kept.n > 0 ? kept : *c;
}

/* Profiles that have all the words (and the size, when wanted), with the fewest tokens left over. */
static struct pls_candidates find(struct pls_profiles profiles, const struct pls_part *part, bool with_size)
{
    struct pls_candidates out = { .extra = UINT32_MAX };
    for (uint32_t i = 0; i < profiles.n; i++) {
        const struct pls_profile *p = &profiles.items[i];
        bool is_sized = !with_size || p->kind == PLS_PROFILE_CPU || pls_profile_has_size(p, part->gib);
        if (!is_sized || !has_all(p, &part->words)) {
            continue;
        }
        if (is_id(p, &part->words)) {
            return (struct pls_candidates){ .n = 1, .items = { p } };
        }
        uint32_t extra = least_left_over(p, &part->words);
        if (extra > out.extra) {
            continue;
        }
        out.n = extra < out.extra ? 0 : out.n;
        out.extra = extra;
        if (out.n < PLS_CANDIDATES_MAX) {
            out.items[out.n++] = p;
        }
    }
    if (!pls_tokens_has(&part->words, "laptop")) {
        drop(&out, is_laptop); /* a name that both share means the desktop */
    }
    if (!with_size) {
        drop(&out, is_mod);
    }
    return out;
}

/* Is a name of the profile, its blanks left out, exactly the word? */
static bool is_called(const struct pls_profile *p, const char *word)
{
    const char *const texts[] = { p->id, p->name, p->aliases, p->patterns };
    for (size_t i = 0; i < PLS_COUNT_OF(texts); i++) {
        for (const char *at = texts[i]; *at != '\0';) {
            char room[PLS_TOKENS_MAX * PLS_TOKEN_LEN];
            struct pls_text name = PLS_TEXT(room);
            at = pls_name_next(at, &name);
            if (strcmp(room, word) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* "m4max64gb": takes the size off the end of a word that is more than a number. */
static bool cut_size(char *word, double *gib)
{
    size_t len = strlen(word);
    len -= pls_text_ends(word, "gb") ? 2 : pls_text_ends(word, "g") ? 1 : 0;
    size_t at = len;
    uint64_t number = 0;
    while (at > 0 && word[at - 1] >= '0' && word[at - 1] <= '9') {
        at--;
    }
    word[len] = '\0';
    if (at == 0 || at == len || len - at > 4 || !pls_parse_u64(word + at, &number) || number == 0) {
        return false;
    }
    word[at] = '\0';
    *gib = (double)number;
    return true;
}

/* A number without its unit is a size only when it is exactly one: of 65 nobody knows what it means. */
static bool is_sold_with(const struct pls_profile *p, double gib)
{
    for (uint32_t i = 0; i < p->n_memory; i++) {
        if (fabs(p->memory_gib[i] - gib) < 1e-9) {
            return true;
        }
    }
    return false;
}

static struct pls_candidates called(struct pls_profiles profiles, const char *word, double gib)
{
    struct pls_candidates out = { .n = 0 };
    for (uint32_t i = 0; i < profiles.n && out.n < PLS_CANDIDATES_MAX; i++) {
        const struct pls_profile *p = &profiles.items[i];
        if (is_called(p, word) && (gib <= 0 || is_sold_with(p, gib))) {
            out.items[out.n++] = p;
        }
    }
    return out;
}

/* What could be meant when the words as they stand are no device: a size without its unit ("a100 80"), or
 * blanks left out ("dgxspark", "m4max64"). Both count only when they yield a known name and a size that it
 * is sold with. */
static struct pls_candidates find_otherwise(struct pls_profiles profiles, struct pls_part *part)
{
    char room[PLS_TOKENS_MAX * PLS_TOKEN_LEN];
    struct pls_text joined = PLS_TEXT(room);
    struct pls_part shorter = *part;
    uint64_t number = 0;
    pls_name_squeeze(&part->words, &joined);
    if (part->gib <= 0 && part->words.n > 1 && pls_parse_u64(part->words.word[part->words.n - 1], &number)) {
        shorter.words.n--;
        shorter.gib = (double)number;
        struct pls_candidates c = find(profiles, &shorter, true);
        if (c.n > 0 && is_sold_with(c.items[0], shorter.gib)) {
            *part = shorter;
            return c;
        }
    }
    struct pls_candidates c = called(profiles, room, part->gib);
    if (c.n == 0 && part->gib <= 0 && cut_size(room, &shorter.gib)) {
        c = called(profiles, room, shorter.gib);
        part->gib = c.n > 0 ? shorter.gib : part->gib;
    }
    return c;
}

/* Other ways to write the same. False: this one does not apply. */
static bool vary(struct pls_part *part, uint32_t way)
{
    struct pls_tokens *t = &part->words;
    bool is_changed = false;
    for (uint32_t i = 0; i < t->n && t->n < PLS_TOKENS_MAX; i++) {
        char *word = t->word[i];
        size_t digits = strspn(word, "0123456789");
        bool is_memory = pls_text_starts(word, "ddr") || pls_text_starts(word, "lpddr");
        if (way == 0 && is_memory && t->n > 1) { /* "rtx 4070 32gb ddr5": of the machine */
            memmove(t->word[i], t->word[i + 1], (t->n - i - 1) * sizeof(t->word[0]));
            t->n--;
            return true;
        }
        if (way == 1 && digits == 4 && strcmp(word + 4, "m") == 0) { /* "4060m" */
            PLS_COPY(t->word[t->n], "laptop");
            t->n++;
            is_changed = true;
        } else if (way == 1 && digits == 4 && strcmp(word + 4, "d") == 0) { /* "4090d" */
            PLS_COPY(t->word[t->n], "d");
            t->n++;
            is_changed = true;
        }
        if (is_changed) {
            word[4] = '\0';
            return true;
        }
    }
    return false;
}

static struct pls_candidates find_on_laptop(struct pls_profiles profiles, struct pls_part *part, bool sized)
{
    struct pls_part laptop = *part;
    struct pls_candidates c = { .n = 0 };
    if (part->says_laptop && !pls_tokens_has(&part->words, "laptop") && part->words.n < PLS_TOKENS_MAX) {
        PLS_COPY(laptop.words.word[laptop.words.n], "laptop");
        laptop.words.n++;
        c = find(profiles, &laptop, sized);
        *part = c.n > 0 ? laptop : *part;
    }
    return c;
}

struct pls_candidates pls_profiles_find(struct pls_profiles profiles, struct pls_part *part, bool sized)
{
    bool is_sized = sized && part->gib > 0;
    struct pls_candidates c = find_on_laptop(profiles, part, is_sized);
    c = c.n == 0 ? find(profiles, part, is_sized) : c;
    for (uint32_t way = 0; way < 2 && c.n == 0; way++) {
        struct pls_part other = *part;
        if (vary(&other, way)) {
            c = find(profiles, &other, is_sized);
            *part = c.n > 0 ? other : *part;
        }
    }
    return c.n == 0 && sized ? find_otherwise(profiles, part) : c;
}

/* The longest name that the text begins with. */
const struct pls_profile *pls_profiles_named(struct pls_profiles profiles, const char *text, size_t *len)
{
    const struct pls_profile *best = NULL;
    *len = 0;
    for (uint32_t i = 0; i < profiles.n; i++) {
        char name[sizeof(profiles.items[i].name)];
        PLS_COPY(name, profiles.items[i].name);
        pls_text_lower(name);
        size_t n = strlen(name);
        bool is_whole = pls_text_starts(text, name) && (text[n] == '\0' || strchr(" ,+", text[n]) != NULL);
        if (is_whole && n > *len) {
            best = &profiles.items[i];
            *len = n;
        }
    }
    return best;
}
