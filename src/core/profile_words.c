/* A machine in words: "m3 max 36gb", "3x 3090 + 128gb ram", "epyc genoa 12ch 384gb", "raspberry pi 5 8gb".
 *
 * Parts are joined by a comma, "and", "with" or a '+' that stands alone or before a size. A part is a count, a size and words; the
 * words must all be whole tokens of one profile, the profile with the fewest tokens left over wins ("rtx 4090" is not the laptop
 * one), and a size picks among equals (M3 Max 36 GB is the 300 GB/s bin). Nothing is guessed between machines that differ:
 * the candidates are listed. */
#include <math.h>
#include <string.h>

#include "core/token.h"
#include "plimsoll/profile.h"
#include "plimsoll/text.h"

struct part {
    uint32_t count;
    double gib;   /* 0: not said */
    bool says_ram; /* "ram" was said */
    bool says_box; /* "mac studio" was said */
    struct pls_tokens words;
};

static bool is_filler(const char *word)
{
    static const char *const fillers[] = { "nvidia", "geforce", "amd", "radeon", "intel", "apple", "gpu", "graphics", "card", "the",
                                           "a", "an", "my", "of", "w", "r", "tm", "core", "processor", "cpu", "chip", "edition",
                                           "generation", "gen", "desktop" };
    for (size_t i = 0; i < PLS_COUNT_OF(fillers); i++) {
        if (strcmp(fillers[i], word) == 0) {
            return true;
        }
    }
    return false;
}

/* "64gb", "64g", "0.5tb" -> GiB; binary, as memory is sold. */
static bool size_of(const char *word, double *gib)
{
    uint64_t bytes = 0;
    size_t n = strlen(word);
    bool has_unit = n > 1 && (word[n - 1] < '0' || word[n - 1] > '9') && word[0] >= '0' && word[0] <= '9';
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

/* "rtx4090", "rx7900xtx", "m4max" as makers write them: with blanks. */
static void loosen(const char *word, struct pls_text *out)
{
    static const char *const heads[] = { "rtx", "gtx", "rx" };
    static const char *const tails[] = { "xtx", "xt", "ti", "super", "max", "pro", "ultra" };
    size_t head = 0;
    size_t len = strlen(word);
    size_t tail = len;
    for (size_t i = 0; i < PLS_COUNT_OF(heads) && head == 0; i++) {
        size_t n = strlen(heads[i]);
        head = pls_text_starts(word, heads[i]) && strspn(word + n, "0123456789") > 0 ? n : 0;
    }
    for (size_t i = 0; i < PLS_COUNT_OF(tails) && tail == len; i++) {
        size_t n = strlen(tails[i]);
        bool is_tail = len > n + 1 && pls_text_ends(word, tails[i]) && strchr("0123456789", word[len - n - 1]) != NULL;
        tail = is_tail ? len - n : len;
    }
    pls_text_put(out, word, head);
    pls_text_add(out, " ");
    pls_text_put(out, word + head, tail - head);
    pls_text_add(out, " %s", word + tail);
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

/* How many tokens from i on name the box around the chip: "macbook pro", "mac studio". */
static uint32_t box_length(const struct pls_tokens *t, uint32_t i)
{
    static const char *const boxes[] = { "pro", "air", "studio", "mini", "neo" };
    const char *word = t->word[i];
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
        } else if (!is_filler(t->word[i])) {
            memmove(t->word[kept++], t->word[i], PLS_TOKEN_LEN);
        }
    }
    t->n = kept;
    return has_box;
}

static struct part parse_part(const char *text, size_t len)
{
    char copy[200];
    struct part out = { .count = 1 };
    char *rest = NULL;
    char last[32] = "";
    len = len < sizeof(copy) ? len : sizeof(copy) - 1;
    memcpy(copy, text, len);
    copy[len] = '\0';
    pls_text_lower(copy);
    for (char *word = strtok_r(copy, " \t", &rest); word != NULL; word = strtok_r(NULL, " \t", &rest)) {
        bool is_unit = strcmp(word, "gb") == 0 || strcmp(word, "gib") == 0 || strcmp(word, "tb") == 0;
        double number = 0;
        word = cut_count(word, &out.count);
        if (is_unit && pls_parse_double(last, &number) && out.words.n > 0) {
            out.gib = number * (word[0] == 't' ? 1024 : 1);
            out.words.n--; /* the number was no name after all */
        } else if (strcmp(word, "ram") == 0 || strcmp(word, "memory") == 0) {
            out.says_ram = true;
        } else if (strcmp(word, "vram") != 0 && !size_of(word, &out.gib) && !count_of(word, &out.count)) {
            add_words(&out.words, word);
        }
        PLS_COPY(last, word);
    }
    out.says_box = drop_boxes(&out.words);
    return out;
}

/* Length of the part at text; *skip gets the length of the joint behind it. */
static size_t part_length(const char *text, size_t *skip)
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

/* Tokens of a name left over when the query's are taken away. */
static uint32_t left_over(const struct pls_tokens *name, const struct pls_tokens *query)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < name->n; i++) {
        n += !pls_tokens_has(query, name->word[i]) && !is_filler(name->word[i]);
    }
    return n;
}

static void mark_found(const struct pls_tokens *name, const struct pls_tokens *query, bool found[PLS_TOKENS_MAX])
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
            struct pls_tokens all = pls_tokens_of(at, len);
            struct pls_tokens name = pls_tokens_of(at, bare);
            uint32_t extra = left_over(&name, query);
            mark_found(&all, query, found);
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
        if (is_filler(id.word[i])) {
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
static struct candidates find(struct pls_profiles profiles, const struct part *part, bool with_size)
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

static void list_sizes(struct pls_text *t, const struct pls_profile *p)
{
    for (uint32_t i = 0; i < p->n_memory; i++) {
        pls_text_add(t, "%s%g", i == 0 ? "" : i + 1 == p->n_memory ? " or " : ", ", p->memory_gib[i]);
    }
}

static enum pls_code unknown(struct pls_profiles profiles, const struct part *part, const char *words, struct pls_err *err)
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
    return pls_fail(err, PLS_USAGE, "%.100s: no such hardware in the table%s%s", words, named > 0 ? "; nearest: " : "",
                    named > 0 ? room : " (`plimsoll hardware` lists it)");
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
        pls_machine_note(m, "smallest-bin", "sold with several core counts; the smallest, %s, was taken", (*out)->id);
    }
    return true;
}

/* "rtx 4090 64gb ram" is a card in a machine of 64 GB; "m4 max 64gb ram" is the chip's own memory. */
static void settle_ram(struct pls_profiles profiles, struct part *part, struct pls_machine *m)
{
    struct candidates c = find(profiles, part, false);
    if (part->says_ram && part->gib > 0 && c.n > 0 && c.items[0]->kind == PLS_PROFILE_DISCRETE) {
        m->pools[0].capacity_bytes = (uint64_t)(part->gib * (double)PLS_GIB);
        part->gib = 0;
    }
}

static enum pls_code add_part(struct pls_profiles profiles, struct part *part, const char *words, struct pls_machine *m,
                              struct pls_err *err)
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
    if (c.n == 0) {
        return unknown(profiles, part, words, err);
    }
    const struct pls_profile *p = NULL;
    if (!pick_smallest(&c, m, &p)) {
        return ambiguous(&c, words, err);
    }
    bool needs_size = p->kind != PLS_PROFILE_DISCRETE && part->gib <= 0 && p->n_memory > 1 && m->pools[0].capacity_bytes == 0;
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
        pls_machine_note(m, "ram-assumed", "32 GiB of RAM beside the GPU are assumed; say more with \"+ 64gb ram\" or --ram");
    }
    if (ram->bandwidth_gbs <= 0) {
        ram->bandwidth_gbs = 51.2; /* two channels of DDR4-3200: the commonest desktop of the last years */
        ram->origin = PLS_ORIGIN_ASSUMED;
    }
    if (m->cpu.isa == 0 && m->arch[0] == '\0') {
        m->cpu.isa = PLS_ISA_AVX | PLS_ISA_AVX2 | PLS_ISA_FMA | PLS_ISA_F16C;
    }
}

enum pls_code pls_profile_words(struct pls_profiles profiles, const char *words, struct pls_machine *out, struct pls_err *err)
{
    enum { MAX_PARTS = 8 };
    struct part parts[MAX_PARTS];
    uint32_t n = 0;
    double ram_gib = 0;
    bool says_box = false;
    *out = (struct pls_machine){ .n_pools = 1 };
    out->pools[0] = (struct pls_pool){ .kind = PLS_POOL_RAM, .gpu = -1, .within = -1 };
    PLS_COPY(out->pools[0].id, "ram");
    PLS_COPY(out->name, words);
    size_t skip = 0;
    for (const char *at = words; *at != '\0' && n < MAX_PARTS;) {
        size_t len = part_length(at, &skip);
        parts[n] = parse_part(at, len);
        ram_gib = parts[n].words.n == 0 && parts[n].gib > 0 ? parts[n].gib * parts[n].count : ram_gib; /* "2x 16gb": modules */
        says_box = says_box || parts[n].says_box;
        n += parts[n].words.n > 0;
        at += len + skip;
    }
    out->pools[0].capacity_bytes = (uint64_t)(ram_gib * (double)PLS_GIB);
    if (n == 0 && says_box) {
        return pls_fail(err, PLS_USAGE, "%.100s: sold with several chips: say which, such as \"m4 max\"", words);
    }
    if (n == 0 && ram_gib <= 0) {
        return pls_fail(err, PLS_USAGE, "%.100s: names no hardware", words);
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
