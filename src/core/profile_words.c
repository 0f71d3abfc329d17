/* A machine in words: "m3 max 36gb", "3x 3090 + 128gb ram", "epyc genoa 12ch 384gb", "raspberry pi 5 8gb".
 *
 * Parts are joined by a comma, "and", "with" or a '+' that stands alone or before a size. A part is a
 * count, a size and words; the words must all be whole tokens of one profile, the profile with the fewest
 * tokens left over wins ("rtx 4090" is not the laptop one), and a size picks among equals (M3 Max 36 GB is
 * the 300 GB/s bin). Nothing is guessed between machines that differ: the candidates are listed. */
#include <math.h>
#include <string.h>

#include "core/profile_part.h"
#include "plimsoll/profile.h"
#include "plimsoll/text.h"

/* Tokens of a name left over when the query's are taken away. */
static uint32_t left_over(const struct pls_tokens *name, const struct pls_tokens *query)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < name->n; i++) {
        n += !pls_tokens_has(query, name->word[i]) && !pls_part_is_filler(name->word[i]);
    }
    return n;
}

static void mark_found(const struct pls_tokens *name, const struct pls_tokens *query,
                       bool found[PLS_TOKENS_MAX])
{
    for (uint32_t q = 0; q < query->n; q++) {
        found[q] = found[q] || pls_tokens_has(name, query->word[q]);
    }
}

struct fit {
    uint32_t found; /* query tokens that the profile has */
    uint32_t extra; /* tokens left over in its closest name */
};

static struct fit fit_of(const struct pls_profile *p, const struct pls_tokens *query)
{
    const char *const texts[] = { p->id, p->name, p->aliases, p->patterns };
    bool found[PLS_TOKENS_MAX] = { false };
    struct fit out = { .extra = UINT32_MAX };
    for (size_t i = 0; i < PLS_COUNT_OF(texts); i++) {
        for (const char *at = texts[i]; *at != '\0';) {
            size_t len = strcspn(at, "|");
            size_t bare = strcspn(at, "|("); /* what a name says in brackets describes, it does not name */
            struct pls_tokens name = pls_tokens_of(at, bare);
            uint32_t extra = left_over(&name, query);
            if (bare < len) {
                name = pls_tokens_of(at, len);
            }
            mark_found(&name, query, found);
            out.extra = extra < out.extra ? extra : out.extra;
            at += len + (at[len] == '|');
        }
    }
    for (uint32_t q = 0; q < query->n; q++) {
        out.found += found[q];
    }
    return out;
}

static bool has_size(const struct pls_profile *p, double gib)
{
    for (uint32_t i = 0; i < p->n_memory; i++) {
        if (fabs(p->memory_gib[i] - gib) < 0.02 * gib) {
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

enum { MAX_CANDIDATES = 64 };

struct candidates {
    uint32_t n;
    uint32_t extra; /* of all of them */
    const struct pls_profile *items[MAX_CANDIDATES];
};

/* Profiles that have all the words (and the size, when wanted), with the fewest tokens left over. */
static struct candidates find(struct pls_profiles profiles, const struct pls_part *part, bool with_size)
{
    struct candidates out = { .extra = UINT32_MAX };
    for (uint32_t i = 0; i < profiles.n; i++) {
        const struct pls_profile *p = &profiles.items[i];
        struct fit fit = fit_of(p, &part->words);
        bool is_sized = !with_size || p->kind == PLS_PROFILE_CPU || has_size(p, part->gib);
        if (is_id(p, &part->words) && is_sized) {
            return (struct candidates){ .n = 1, .items = { p } };
        }
        if (fit.found < part->words.n || !is_sized || fit.extra > out.extra) {
            continue;
        }
        out.n = fit.extra < out.extra ? 0 : out.n;
        out.extra = fit.extra;
        if (out.n < MAX_CANDIDATES) {
            out.items[out.n++] = p;
        }
    }
    return out;
}

static void squeeze(const struct pls_tokens *t, struct pls_text *out)
{
    for (uint32_t i = 0; i < t->n; i++) {
        pls_text_add(out, "%s", pls_part_is_filler(t->word[i]) ? "" : t->word[i]);
    }
}

/* Is a name of the profile, its blanks left out, exactly the word? */
static bool is_called(const struct pls_profile *p, const char *word)
{
    const char *const texts[] = { p->id, p->name, p->aliases, p->patterns };
    for (size_t i = 0; i < PLS_COUNT_OF(texts); i++) {
        for (const char *at = texts[i]; *at != '\0';) {
            char room[PLS_TOKENS_MAX * PLS_TOKEN_LEN];
            struct pls_text joined = PLS_TEXT(room);
            size_t len = strcspn(at, "|");
            struct pls_tokens name = pls_tokens_of(at, strcspn(at, "|("));
            squeeze(&name, &joined);
            if (strcmp(room, word) == 0) {
                return true;
            }
            at += len + (at[len] == '|');
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

static struct candidates called(struct pls_profiles profiles, const char *word, double gib)
{
    struct candidates out = { .n = 0 };
    for (uint32_t i = 0; i < profiles.n && out.n < MAX_CANDIDATES; i++) {
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
static struct candidates find_otherwise(struct pls_profiles profiles, struct pls_part *part)
{
    char room[PLS_TOKENS_MAX * PLS_TOKEN_LEN];
    struct pls_text joined = PLS_TEXT(room);
    struct pls_part shorter = *part;
    uint64_t number = 0;
    squeeze(&part->words, &joined);
    if (part->gib <= 0 && part->words.n > 1 && pls_parse_u64(part->words.word[part->words.n - 1], &number)) {
        shorter.words.n--;
        shorter.gib = (double)number;
        struct candidates c = find(profiles, &shorter, true);
        if (c.n > 0 && is_sold_with(c.items[0], shorter.gib)) {
            *part = shorter;
            return c;
        }
    }
    struct candidates c = called(profiles, room, part->gib);
    if (c.n == 0 && part->gib <= 0 && cut_size(room, &shorter.gib)) {
        c = called(profiles, room, shorter.gib);
        part->gib = c.n > 0 ? shorter.gib : part->gib;
    }
    return c;
}

static void list_sizes(struct pls_text *t, const struct pls_profile *p)
{
    for (uint32_t i = 0; i < p->n_memory; i++) {
        pls_text_add(t, "%s%g", i == 0 ? "" : i + 1 == p->n_memory ? " or " : ", ", p->memory_gib[i]);
    }
}

static enum pls_code unknown(struct pls_profiles profiles, const struct pls_part *part, const char *words,
                             struct pls_err *err)
{
    char room[320];
    struct pls_text t = PLS_TEXT(room);
    uint32_t named = 0;
    for (uint32_t want = part->words.n; want > 0 && named == 0; want--) {
        for (uint32_t i = 0; i < profiles.n && named < 5; i++) {
            if (fit_of(&profiles.items[i], &part->words).found == want) {
                pls_text_add(&t, "%s%s", named++ > 0 ? ", " : "", profiles.items[i].id);
            }
        }
    }
    return pls_fail(err, PLS_USAGE, "%.100s: no such hardware in the table%s%s", words,
                    named > 0 ? "; nearest: " : "", named > 0 ? room : " (`plimsoll hardware` lists it)");
}

static enum pls_code ambiguous(const struct candidates *c, const char *words, struct pls_err *err)
{
    char room[400];
    struct pls_text t = PLS_TEXT(room);
    for (uint32_t i = 0; i < c->n && i < 6; i++) {
        pls_text_add(&t, "%s%s (", i > 0 ? ", " : "", c->items[i]->id);
        list_sizes(&t, c->items[i]);
        pls_text_add(&t, " GB, %g GB/s)", c->items[i]->bandwidth_gbs);
    }
    return pls_fail(err, PLS_USAGE, "%.100s: could be %s%s", words, room, c->n > 6 ? " and more" : "");
}

/* Candidates that differ in cores alone: the smallest bin, said so. */
static bool pick_smallest(const struct candidates *c, struct pls_machine *m, const struct pls_profile **out)
{
    *out = c->items[0];
    for (uint32_t i = 1; i < c->n; i++) {
        if (fabs(c->items[i]->bandwidth_gbs - (*out)->bandwidth_gbs) > 1e-9) {
            return false;
        }
        *out = c->items[i]->gpu_cores < (*out)->gpu_cores ? c->items[i] : *out;
    }
    if (c->n > 1) {
        pls_machine_note(m, "smallest-bin", "sold with several core counts; the smallest, %s, was taken",
                         (*out)->id);
    }
    return true;
}

/* "rtx 4090 64gb ram" is a card in a machine of 64 GB; "m4 max 64gb ram" is the chip's own memory. */
static void settle_ram(struct pls_profiles profiles, struct pls_part *part, struct pls_machine *m)
{
    if (!part->says_ram || !(part->gib > 0)) {
        return;
    }
    struct candidates c = find(profiles, part, false);
    if (c.n > 0 && c.items[0]->kind == PLS_PROFILE_DISCRETE) {
        m->pools[0].capacity_bytes = (uint64_t)(part->gib * (double)PLS_GIB);
        part->gib = 0;
    }
}

static enum pls_code add_part(struct pls_profiles profiles, struct pls_part *part, const char *words,
                              struct pls_machine *m, struct pls_err *err)
{
    settle_ram(profiles, part, m);
    struct candidates c = find(profiles, part, part->gib > 0);
    if (c.n == 0 && part->gib > 0) {
        c = find(profiles, part, false);
        if (c.n > 0 && c.items[0]->kind != PLS_PROFILE_SOC) {
            char room[128];
            struct pls_text t = PLS_TEXT(room);
            list_sizes(&t, c.items[0]);
            return pls_fail(err, PLS_USAGE, "%.100s: %s comes with %s GB", words, c.items[0]->name, room);
        }
    }
    c = c.n == 0 ? find_otherwise(profiles, part) : c;
    if (c.n == 0) {
        return unknown(profiles, part, words, err);
    }
    const struct pls_profile *p = NULL;
    if (!pick_smallest(&c, m, &p)) {
        return ambiguous(&c, words, err);
    }
    bool needs_size = p->kind != PLS_PROFILE_DISCRETE && part->gib <= 0 && p->n_memory > 1
                      && m->pools[0].capacity_bytes == 0;
    if (needs_size) {
        char room[128];
        struct pls_text t = PLS_TEXT(room);
        list_sizes(&t, p);
        return pls_fail(err, PLS_USAGE, "%.100s: %s comes with %s GB: say which", words, p->name, room);
    }
    if (part->count > PLS_MAX_GPUS - m->n_gpus) {
        return pls_fail(err, PLS_USAGE, "%.100s: more than %d devices", words, PLS_MAX_GPUS);
    }
    pls_profile_add(p, part->count, part->gib, m);
    if (m->profile[0] == '\0') {
        PLS_COPY(m->profile, p->id);
    }
    return PLS_OK;
}

static void assume_host(struct pls_machine *m)
{
    struct pls_pool *ram = &m->pools[0];
    if (ram->capacity_bytes == 0) {
        ram->capacity_bytes = 32 * PLS_GIB;
        pls_machine_note(m, "ram-assumed",
                         "32 GiB of RAM beside the GPU are assumed; say more with \"+ 64gb ram\" or --ram");
    }
    if (ram->bandwidth_gbs <= 0) {
        ram->bandwidth_gbs = 51.2; /* two channels of DDR4-3200: the commonest desktop of the last years */
        ram->origin = PLS_ORIGIN_ASSUMED;
    }
    if (m->cpu.isa == 0 && m->arch[0] == '\0') {
        m->cpu.isa = PLS_ISA_AVX | PLS_ISA_AVX2 | PLS_ISA_FMA | PLS_ISA_F16C;
    }
}

/* A pebibyte: what is beyond is a slip of the finger, and soon more bytes than 64 bits count. */
static const double MOST_GIB = 1 << 20;

enum pls_code pls_profile_words(struct pls_profiles profiles, const char *words, struct pls_machine *out,
                                struct pls_err *err)
{
    enum { MAX_PARTS = 8 };
    struct pls_part parts[MAX_PARTS];
    uint32_t n = 0;
    double ram_gib = 0;
    bool says_box = false;
    *out = (struct pls_machine){ .n_pools = 1 };
    out->pools[0] = (struct pls_pool){ .kind = PLS_POOL_RAM, .gpu = -1, .within = -1 };
    PLS_COPY(out->pools[0].id, "ram");
    PLS_COPY(out->name, words);
    size_t skip = 0;
    for (const char *at = words; *at != '\0' && n < MAX_PARTS;) {
        size_t len = pls_part_length(at, &skip);
        parts[n] = pls_part_parse(at, len);
        if (!(parts[n].gib * parts[n].count <= MOST_GIB)) {
            return pls_fail(err, PLS_USAGE, "%.100s: no machine has that much memory", words);
        }
        /* "2x 16gb": modules */
        ram_gib = parts[n].words.n == 0 && parts[n].gib > 0 ? parts[n].gib * parts[n].count : ram_gib;
        says_box = says_box || parts[n].says_box;
        n += parts[n].words.n > 0;
        at += len + skip;
    }
    out->pools[0].capacity_bytes = (uint64_t)(ram_gib * (double)PLS_GIB);
    if (n == 0 && says_box) {
        return pls_fail(err, PLS_USAGE, "%.100s: sold with several chips: say which, such as \"m4 max\"",
                        words);
    }
    if (n == 0 && ram_gib <= 0) {
        return pls_fail(err, PLS_USAGE,
                        "%.100s: names no hardware (say memory and chip: 16gb laptop, rtx 4060 + 32gb ram)",
                        words);
    }
    for (uint32_t i = 0; i < n; i++) {
        enum pls_code code = add_part(profiles, &parts[i], words, out, err);
        if (code != PLS_OK) {
            return code;
        }
    }
    assume_host(out);
    return PLS_OK;
}
