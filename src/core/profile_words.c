/* A machine in words: "m3 max 36gb", "3x 3090 + 128gb ram", "epyc genoa 12ch 384gb", "raspberry pi 5 8gb".
 *
 * Parts are joined by a comma, "and", "with" or a '+'. A part is a count, sizes and words. Words that are a
 * profile's own name mean that profile; else they must all be whole tokens of one, and the profile with the
 * fewest tokens left over wins ("rtx 4090" is not the laptop one). A size picks among equals (M3 Max 36 GB is
 * the 300 GB/s bin), wherever it stands. Processors are known by their model numbers besides. Nothing is
 * guessed between machines that differ in speed: the candidates are listed. */
#include <math.h>
#include <string.h>

#include "core/profile_cpu.h"
#include "core/profile_find.h"
#include "core/profile_near.h"
#include "plimsoll/profile.h"
#include "plimsoll/text.h"

enum { MAX_PARTS = 8 };

struct request {
    struct pls_profiles profiles;
    const char *words; /* as typed, for sentences */
    uint32_t n;
    struct pls_part parts[MAX_PARTS];
    const struct pls_profile *named[MAX_PARTS]; /* the part is this row's name; NULL: words to be looked up */
    double ram_gib;                             /* of the machine; 0: not said */
    double hint_gib; /* --ram: picks between sizes, and is no size that must be sold */
    uint32_t cores;
    bool says_box, says_laptop;
};

static void list_sizes(struct pls_text *t, const struct pls_profile *p)
{
    for (uint32_t i = 0; i < p->n_memory; i++) {
        pls_text_add(t, "%s%g", i == 0 ? "" : i + 1 == p->n_memory ? " or " : ", ", p->memory_gib[i]);
    }
}

static enum pls_code unknown(const struct request *r, const struct pls_part *part, struct pls_err *err)
{
    char room[320];
    struct pls_text t = PLS_TEXT(room);
    const struct pls_profile *near[PLS_NEAR_MAX];
    uint32_t n = pls_profiles_near(r->profiles, &part->words, near);
    for (uint32_t i = 0; i < n; i++) {
        pls_text_add(&t, "%s%s", i > 0 ? ", " : "", near[i]->id);
    }
    return pls_fail(err, PLS_USAGE, "%.100s: no such hardware in the table%s%s", r->words,
                    n > 0 ? "; nearest: " : "", n > 0 ? room
                          : ": name its chip and memory (i7-1260p 16gb, rtx 4060 laptop + 32gb ram), or say "
                            "16gb laptop; `plimsoll hardware` lists what is known");
}

static enum pls_code ambiguous(const struct pls_candidates *c, const char *words, struct pls_err *err)
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

static enum pls_code wrong_size(const struct request *r, const struct pls_profile *p, bool is_open,
                                struct pls_err *err)
{
    char room[128];
    struct pls_text t = PLS_TEXT(room);
    list_sizes(&t, p);
    return pls_fail(err, PLS_USAGE, "%.100s: %s comes with %s GB%s", r->words, p->name, room,
                    is_open ? ": say which" : "");
}

static bool is_smaller(const struct pls_profile *a, const struct pls_profile *b)
{
    return a->memory_gib[0] < b->memory_gib[0]
           || (a->memory_gib[0] <= b->memory_gib[0] && a->gpu_cores < b->gpu_cores);
}

/* Candidates of one speed: the one with least memory, then with fewest cores, and said so. */
static bool pick_smallest(const struct pls_candidates *c, const struct pls_part *part, struct pls_machine *m,
                          const struct pls_profile **out)
{
    bool differs = false;
    *out = c->items[0];
    for (uint32_t i = 1; i < c->n; i++) {
        if (fabs(c->items[i]->bandwidth_gbs - (*out)->bandwidth_gbs) > 1e-9) {
            return false;
        }
        differs = differs || fabs(c->items[i]->memory_gib[0] - c->items[0]->memory_gib[0]) > 1e-9;
        *out = is_smaller(c->items[i], *out) ? c->items[i] : *out;
    }
    if (c->n > 1 && differs && part->gib <= 0) {
        pls_machine_note(m, "smallest-memory",
                         "sold with more memory too; %s of %g GB was taken: a size says which", (*out)->id,
                         (*out)->memory_gib[0]);
    } else if (c->n > 1) {
        pls_machine_note(m, "smallest-bin", "sold with several core counts; the smallest, %s, was taken",
                         (*out)->id);
    }
    return true;
}

/* Which size belongs to the card and which to the machine around it. */
static void settle_ram(struct request *r, struct pls_part *part)
{
    struct pls_part plain = *part;
    struct pls_candidates c = pls_profiles_find(r->profiles, &plain, false);
    bool is_card = c.n > 0 && c.items[0]->kind == PLS_PROFILE_DISCRETE;
    if (!is_card || part->gib <= 0) {
        return;
    }
    bool is_first_sold = pls_profile_has_size(c.items[0], part->gib);
    bool is_second_sold = part->ram_gib > 0 && pls_profile_has_size(c.items[0], part->ram_gib);
    if (part->ram_gib > 0) {
        r->ram_gib = is_second_sold && !is_first_sold ? part->gib : part->ram_gib;
        part->gib = is_second_sold && !is_first_sold ? part->ram_gib : part->gib;
    } else if (part->says_ram) {
        r->ram_gib = part->gib;
        part->gib = 0;
    }
}

/* A part without a size of its own has the machine's, when its kind brings the machine. */
static void share_size(const struct request *r, struct pls_part *part)
{
    struct pls_part plain = *part;
    struct pls_part sized = *part;
    if (part->gib > 0 || (r->ram_gib <= 0 && r->hint_gib <= 0)) {
        return;
    }
    struct pls_candidates c = pls_profiles_find(r->profiles, &plain, false);
    if (c.n > 0 && c.items[0]->kind == PLS_PROFILE_DISCRETE) {
        return;
    }
    if (r->ram_gib > 0) {
        part->gib = r->ram_gib;
        return;
    }
    sized.gib = r->hint_gib;
    if (pls_profiles_find(r->profiles, &sized, true).n > 0) {
        part->gib = r->hint_gib;
    }
}

static const struct pls_profile *row(struct pls_profiles profiles, const char *id)
{
    for (uint32_t i = 0; i < profiles.n; i++) {
        if (strcmp(profiles.items[i].id, id) == 0) {
            /* cppcheck-suppress returnDanglingLifetime ; the list is a copy, its items are not */
            return &profiles.items[i];
        }
    }
    return NULL;
}

/* The row has the model's number as one: "5600" in "DDR5-5600" is none. */
static bool lists_model(const struct pls_profile *p, const struct pls_tokens *words)
{
    struct pls_tokens id = pls_tokens_of(p->id, strlen(p->id));
    for (uint32_t i = 0; i < words->n; i++) {
        bool is_number = strspn(words->word[i], "0123456789") >= 3;
        bool is_listed = pls_tokens_has(&id, words->word[i]);
        for (const char *at = p->patterns; is_number && !is_listed && *at != '\0';) {
            size_t len = strcspn(at, "|");
            struct pls_tokens pattern = pls_tokens_of(at, len);
            is_listed = pls_tokens_has(&pattern, words->word[i]);
            at += len + (at[len] == '|');
        }
        if (is_number && !is_listed) {
            return false;
        }
    }
    return true;
}

/* Rows that a part means: its name, its words, or a processor's model number. n 0: *code has failed or is
 * PLS_OK. */
static struct pls_candidates candidates(struct request *r, uint32_t i, struct pls_err *err,
                                        enum pls_code *code)
{
    struct pls_part *part = &r->parts[i];
    struct pls_candidates c = { .n = r->named[i] != NULL, .items = { r->named[i] } };
    *code = PLS_OK;
    if (c.n > 0) {
        return c;
    }
    c = pls_profiles_find(r->profiles, part, true);
    if (c.n == 0 && part->gib > 0) {
        c = pls_profiles_find(r->profiles, part, false);
        if (c.n > 0 && c.items[0]->kind != PLS_PROFILE_SOC) {
            *code = c.n == 1 ? wrong_size(r, c.items[0], false, err) : ambiguous(&c, r->words, err);
            return c;
        }
    }
    if (pls_cpu_names_all(&part->words) && (c.n == 0 || !lists_model(c.items[0], &part->words))) {
        struct pls_cpu_model model = pls_cpu_model_of(&part->words);
        const struct pls_profile *p = model.platform != NULL ? row(r->profiles, model.platform) : NULL;
        c = p != NULL ? (struct pls_candidates){ .n = 1, .items = { p } } : c;
    }
    return c;
}

/* "ryzen 7 7840u with radeon 780m" is one chip said twice; two boxes are no machine that an engine could use
 * as one. */
static bool is_said_already(const struct request *r, uint32_t i, const struct pls_candidates *c,
                            const struct pls_machine *m)
{
    for (uint32_t k = 0; k < c->n; k++) {
        bool is_same = strcmp(c->items[k]->id, m->profile) == 0;
        if (is_same && i > 0
            /* cppcheck-suppress arrayIndexOutOfBoundsCond ; i is below n_parts */
            && memcmp(&r->parts[i].words, &r->parts[0].words, sizeof(struct pls_tokens)) != 0) {
            return true;
        }
    }
    return false;
}

static enum pls_code several(const struct request *r, struct pls_err *err)
{
    return pls_fail(err, PLS_USAGE,
                    "%.100s: several boxes are no one machine with all their memory; ask about one",
                    r->words);
}

/* Two sockets: twice the cores and channels, as far as threads and pages are spread over both. */
static enum pls_code add_socket(const struct request *r, const struct pls_profile *p, uint32_t i,
                                struct pls_machine *m, struct pls_err *err)
{
    struct pls_cpu_model model = pls_cpu_model_of(&r->parts[i].words);
    if (r->parts[i].count > 2 || model.is_single || !pls_cpu_has_two_sockets(p->id)) {
        return pls_fail(err, PLS_USAGE, "%.100s: no board takes %u of %s", r->words, r->parts[i].count,
                        p->name);
    }
    struct pls_cpu *cpu = &m->cpu;
    m->pools[0].bandwidth_gbs *= 2;
    cpu->cores *= 2;
    cpu->threads *= 2;
    cpu->n_packages = 2;
    cpu->n_numa = 2;
    for (uint32_t k = 0; k < cpu->n_tiers; k++) {
        cpu->tiers[k].cores *= 2;
    }
    pls_machine_note(m, "two-sockets",
                     "two sockets: the bandwidth of both holds only with memory spread over both (numactl "
                     "--interleave=all, or --numa distribute)");
    return PLS_OK;
}

/* A platform lists its largest processor; the model number, or the user, knows better. */
static void count_cores(const struct request *r, const struct pls_part *part, const struct pls_profile *p,
                        struct pls_machine *m)
{
    struct pls_tokens words = part->words;
    struct pls_cpu *cpu = &m->cpu;
    if (words.n < PLS_TOKENS_MAX && pls_text_starts(p->id, "ryzen-")) {
        PLS_COPY(words.word[words.n], "ryzen"); /* "5600g" */
        words.n++;
    }
    struct pls_cpu_model model = pls_cpu_model_of(&words);
    if (r->cores > 0 || model.fast > 0) {
        cpu->cores = cpu->threads = r->cores > 0 ? r->cores : model.fast + model.slow;
        cpu->n_tiers = r->cores == 0 && model.slow > 0 ? 2 : 0;
        cpu->tiers[0] = (struct pls_tier){ .name = "fast", .cores = cpu->n_tiers > 0 ? model.fast : 0 };
        cpu->tiers[1] = (struct pls_tier){ .name = "slow", .cores = cpu->n_tiers > 0 ? model.slow : 0 };
        for (uint32_t i = cpu->n_tiers; i < 2; i++) {
            cpu->tiers[i] = (struct pls_tier){ .cores = 0 };
        }
    } else if (p->kind == PLS_PROFILE_CPU && cpu->cores > 0) {
        pls_machine_note(m, "most-cores",
                         "%s has up to %u cores, which prompts are predicted with; \"8 cores\" says how many",
                         p->name, cpu->cores);
    }
}

static enum pls_code add_row(struct request *r, uint32_t i, const struct pls_profile *p,
                             struct pls_machine *m, struct pls_err *err)
{
    struct pls_part *part = &r->parts[i];
    bool is_box = p->kind == PLS_PROFILE_UNIFIED || p->kind == PLS_PROFILE_SOC;
    bool is_alone = r->n == 1 || p->kind != PLS_PROFILE_CPU;
    uint32_t devices = part->count * pls_profile_devices(p);
    double gib = part->gib;
    if (is_box && part->count > 1) {
        return several(r, err);
    }
    if (devices > PLS_MAX_GPUS - m->n_gpus && p->kind == PLS_PROFILE_DISCRETE) {
        return pls_fail(err, PLS_USAGE, "%.100s: more than %d devices", r->words, PLS_MAX_GPUS);
    }
    if (p->kind != PLS_PROFILE_DISCRETE && gib <= 0) {
        gib = r->ram_gib > 0 ? r->ram_gib : r->hint_gib;
    }
    if (p->kind != PLS_PROFILE_DISCRETE && gib <= 0 && p->n_memory > 1) {
        if (is_alone) {
            return wrong_size(r, p, true, err);
        }
        gib = 32;
        pls_machine_note(m, "ram-assumed",
                         "32 GiB of RAM are assumed; say more with \"+ 64gb ram\" or --ram");
    }
    if (p->kind == PLS_PROFILE_DISCRETE && gib > 0 && pls_profile_devices(p) > 1
        && gib > 1.5 * p->memory_gib[0]) {
        gib /= pls_profile_devices(p); /* said of the card */
    }
    pls_profile_add(p, devices, gib, m);
    if (m->profile[0] == '\0') {
        PLS_COPY(m->profile, p->id);
    }
    if (p->kind != PLS_PROFILE_DISCRETE) {
        count_cores(r, part, p, m);
    }
    return p->kind == PLS_PROFILE_CPU && part->count > 1 ? add_socket(r, p, i, m, err) : PLS_OK;
}

static enum pls_code add_part(struct request *r, uint32_t i, const struct pls_profile **host,
                              struct pls_machine *m, struct pls_err *err)
{
    struct pls_part *part = &r->parts[i];
    enum pls_code code = PLS_OK;
    share_size(r, part);
    struct pls_candidates c = candidates(r, i, err, &code);
    if (code != PLS_OK || c.n == 0) {
        return code != PLS_OK ? code : unknown(r, part, err);
    }
    bool is_host = c.items[0]->kind != PLS_PROFILE_DISCRETE;
    if (is_host && *host != NULL && part->count == 1 && is_said_already(r, i, &c, m)) {
        return PLS_OK;
    }
    if (is_host && *host != NULL
        && ((*host)->kind != PLS_PROFILE_CPU || c.items[0]->kind != PLS_PROFILE_SOC)) {
        return several(r, err);
    }
    const struct pls_profile *p = NULL;
    if (!pick_smallest(&c, part, m, &p)) {
        return ambiguous(&c, r->words, err);
    }
    *host = is_host ? p : *host;
    return add_row(r, i, p, m, err);
}

static void assume_host(const struct request *r, struct pls_machine *m)
{
    struct pls_pool *ram = &m->pools[0];
    m->has_desktop = m->has_desktop || r->says_laptop; /* somebody sits before it, with a browser open */
    double gib = r->ram_gib > 0 ? r->ram_gib : r->hint_gib;
    if (ram->capacity_bytes == 0 && gib > 0) {
        ram->capacity_bytes = (uint64_t)(gib * (double)PLS_GIB);
    }
    if (ram->capacity_bytes == 0) {
        ram->capacity_bytes = 32 * PLS_GIB;
        pls_machine_note(m, "ram-assumed",
                         "32 GiB of RAM beside the GPU are assumed; say more with \"+ 64gb ram\" or --ram");
    }
    if (ram->bandwidth_gbs <= 0) {
        ram->bandwidth_gbs = 51.2; /* two channels of DDR4-3200: the commonest desktop of the last years */
        ram->origin = PLS_ORIGIN_ASSUMED;
    }
    if (m->cpu.cores == 0 && r->cores > 0) {
        m->cpu.cores = m->cpu.threads = r->cores;
    }
    if (m->cpu.isa == 0 && m->arch[0] == '\0') {
        m->cpu.isa = PLS_ISA_AVX | PLS_ISA_AVX2 | PLS_ISA_FMA | PLS_ISA_F16C;
    }
}

/* A row's own name, which may hold commas and blanks, before anything is taken apart: "2x GeForce RTX 3060
 * 12GB". */
static bool take_named(struct request *r, const char *text, size_t *len, size_t *skip)
{
    char room[200];
    struct pls_text rest = PLS_TEXT(room);
    size_t blanks = strspn(text, " ");
    size_t digits = strspn(text + blanks, "0123456789");
    size_t head = blanks + (digits > 0 && text[blanks + digits] == 'x' ? digits + 1 : 0);
    size_t name = 0;
    head += strspn(text + head, " ");
    const struct pls_profile *p = pls_profiles_named(r->profiles, text + head, &name);
    if (p == NULL) {
        return false;
    }
    size_t tail = pls_part_length(text + head + name, skip);
    pls_text_put(&rest, text, head);
    pls_text_put(&rest, text + head + name, tail);
    struct pls_part part = pls_part_parse(room, rest.len);
    bool is_sold = part.gib <= 0 || p->kind == PLS_PROFILE_CPU || pls_profile_has_size(p, part.gib);
    if (part.words.n > 0 || !is_sold) {
        return false;
    }
    *len = head + name + tail;
    part.words = pls_tokens_of(p->id, strlen(p->id));
    r->named[r->n] = p;
    r->parts[r->n] = part;
    return true;
}

/* "3090 + 64": a number alone, beside a device, of the size that memory has. */
static bool is_bare_ram(const struct request *r, const struct pls_part *part, double *gib)
{
    uint64_t n = 0;
    bool is_number =
        r->n > 0 && part->words.n == 1 && part->count == 1 && pls_parse_u64(part->words.word[0], &n);
    *gib = (double)n;
    return is_number && n >= 8 && n <= 2048 && n % 8 == 0;
}

/* A pebibyte: what is beyond is a slip of the finger, and soon more bytes than 64 bits count. */
static const double MOST_GIB = 1 << 20;

static enum pls_code read_parts(struct request *r, const char *text, struct pls_err *err)
{
    for (const char *at = text; *at != '\0' && r->n < MAX_PARTS;) {
        size_t skip = 0;
        size_t len = 0;
        struct pls_part *part = &r->parts[r->n];
        double gib = 0;
        bool is_named = take_named(r, at, &len, &skip);
        if (!is_named) {
            len = pls_part_length(at, &skip);
            *part = pls_part_parse(at, len);
            r->named[r->n] = NULL;
        }
        if (!(part->gib * part->count <= MOST_GIB)) {
            return pls_fail(err, PLS_USAGE, "%.100s: no machine has that much memory", r->words);
        }
        bool is_ram = !is_named && is_bare_ram(r, part, &gib);
        if (part->words.n == 0 && part->gib > 0) {
            r->ram_gib = part->gib * part->count; /* "2x 16gb": modules */
        } else if (is_ram) {
            r->ram_gib = gib;
        } else if (is_named && part->ram_gib > 0) {
            r->ram_gib = part->ram_gib;
        }
        r->cores = part->cores > 0 ? part->cores : r->cores;
        r->says_box = r->says_box || part->says_box;
        r->says_laptop = r->says_laptop || part->says_laptop;
        r->n += part->words.n > 0 && !is_ram;
        at += len + skip;
    }
    return PLS_OK;
}

enum pls_code pls_profile_words(struct pls_profiles profiles, const char *words, uint64_t ram_bytes,
                                struct pls_machine *out, struct pls_err *err)
{
    struct request r = { .profiles = profiles, .words = words };
    const struct pls_profile *host = NULL;
    char text[400];
    r.hint_gib = (double)ram_bytes / (double)PLS_GIB;
    *out = (struct pls_machine){ .n_pools = 1 };
    out->pools[0] = (struct pls_pool){ .kind = PLS_POOL_RAM, .gpu = -1, .within = -1 };
    PLS_COPY(out->pools[0].id, "ram");
    PLS_COPY(out->name, words);
    pls_part_normal(words, text, sizeof(text));
    enum pls_code code = read_parts(&r, text, err);
    if (code == PLS_OK && r.n == 0 && r.says_box) {
        return pls_fail(err, PLS_USAGE, "%.100s: sold with several chips: say which, such as \"m4 max\"",
                        words);
    }
    if (code == PLS_OK && r.n == 0 && r.ram_gib <= 0) {
        return pls_fail(err, PLS_USAGE,
                        "%.100s: names no hardware (say memory and chip: 16gb laptop, rtx 4060 + 32gb ram)",
                        words);
    }
    for (uint32_t i = 0; i < r.n && code == PLS_OK; i++) {
        r.parts[i].says_laptop = r.says_laptop;
        if (r.named[i] == NULL) {
            settle_ram(&r, &r.parts[i]);
        }
        bool is_chip_size = r.ram_gib <= 0 && r.parts[i].gib > 0 && r.n > 1;
        struct pls_part plain = r.parts[i];
        struct pls_candidates c =
            is_chip_size ? pls_profiles_find(profiles, &plain, false) : (struct pls_candidates){ .n = 0 };
        r.ram_gib = c.n > 0 && c.items[0]->kind != PLS_PROFILE_DISCRETE ? r.parts[i].gib : r.ram_gib;
    }
    for (uint32_t i = 0; i < r.n && code == PLS_OK; i++) {
        code = add_part(&r, i, &host, out, err);
    }
    if (code == PLS_OK) {
        assume_host(&r, out);
    }
    return code;
}
