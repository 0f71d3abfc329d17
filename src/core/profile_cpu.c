/* Numbering: Intel's product brief "About Intel processor numbers", AMD's "Processor model numbers" (desktop
 * and, since 2023, mobile), and the names of server series. Core counts are those of the makers' product
 * pages. */
#include "core/profile_cpu.h"

#include <string.h>

#include "plimsoll/text.h"

/* "13900k" -> 13900, 5, "k"; "5800x3d" -> 5800, 4, "x3d". */
struct model {
    uint32_t number, digits;
    const char *suffix;
};

static bool model_at(const struct pls_tokens *t, uint32_t i, struct model *out)
{
    *out = (struct model){ .suffix = "" };
    if (i >= t->n) {
        return false;
    }
    const char *word = t->word[i];
    while (word[out->digits] >= '0' && word[out->digits] <= '9' && out->digits < 6) {
        out->number = out->number * 10 + (uint32_t)(word[out->digits++] - '0');
    }
    out->suffix = word + out->digits;
    return out->digits >= 3 && strlen(out->suffix) <= 3;
}

static int word_at(const struct pls_tokens *t, const char *word)
{
    for (uint32_t i = 0; i < t->n; i++) {
        if (strcmp(t->word[i], word) == 0) {
            return (int)i;
        }
    }
    return -1;
}

struct cores {
    uint32_t number;
    uint8_t fast, slow;
};

static void count_cores(const struct cores *table, size_t n, uint32_t number, struct pls_cpu_model *out)
{
    for (size_t i = 0; i < n; i++) {
        if (table[i].number == number) {
            out->fast = table[i].fast;
            out->slow = table[i].slow;
        }
    }
}

static bool is_one_of(char c, const char *letters)
{
    return c != '\0' && strchr(letters, c) != NULL;
}

/* Core iN-Gnnnn: G is the generation, two digits since the tenth; laptops of the tenth to fourteenth have one
 * digit less behind it. */
static uint32_t core_generation(const struct model *m)
{
    bool is_short = m->digits == 4 && m->number < 2000;
    return m->digits == 5 ? m->number / 1000 : is_short ? m->number / 100 : m->number / 1000;
}

static const char *core_platform(const struct model *m)
{
    static const char *const before[] = {
        [6] = "ddr4-2133-2ch", [7] = "ddr4-2400-2ch",  [8] = "ddr4-2666-2ch",
        [9] = "ddr4-2666-2ch", [10] = "ddr4-2666-2ch", [11] = "ddr4-3200-2ch"
    };
    uint32_t g = core_generation(m);
    bool is_laptop = (m->digits == 4 && m->number < 2000) || is_one_of(m->suffix[0], "uphgym");
    if (m->suffix[0] == 'x' && m->number >= 7800) {
        return "core-x-x299";
    }
    if (strcmp(m->suffix, "hx") == 0) {
        return g >= 12 ? "ddr5-4800-2ch" : "ddr4-3200-2ch";
    }
    if (g == 8 && is_laptop) {
        return "ddr4-2400-2ch";
    }
    if (g >= 12 && g <= 14) {
        return is_laptop ? "ddr4-3200-2ch" : "core-12-14gen-ddr5";
    }
    return g < PLS_COUNT_OF(before) ? before[g] : NULL;
}

static void core_cores(const struct model *m, struct pls_cpu_model *out)
{
    static const struct cores table[] = {
        { 6400, 4, 0 },  { 6500, 4, 0 },   { 6600, 4, 0 },   { 6700, 4, 0 },  { 7100, 2, 0 },
        { 7400, 4, 0 },  { 7500, 4, 0 },   { 7600, 4, 0 },   { 7700, 4, 0 },  { 8100, 4, 0 },
        { 8400, 6, 0 },  { 8500, 6, 0 },   { 8600, 6, 0 },   { 8700, 6, 0 },  { 9100, 4, 0 },
        { 9400, 6, 0 },  { 9600, 6, 0 },   { 9700, 8, 0 },   { 9900, 8, 0 },  { 10100, 4, 0 },
        { 10400, 6, 0 }, { 10500, 6, 0 },  { 10600, 6, 0 },  { 10700, 8, 0 }, { 10900, 10, 0 },
        { 11400, 6, 0 }, { 11500, 6, 0 },  { 11600, 6, 0 },  { 11700, 8, 0 }, { 11900, 8, 0 },
        { 12100, 4, 0 }, { 12400, 6, 0 },  { 12500, 6, 0 },  { 12600, 6, 0 }, { 12700, 8, 4 },
        { 12900, 8, 8 }, { 13100, 4, 0 },  { 13400, 6, 4 },  { 13500, 6, 8 }, { 13600, 6, 8 },
        { 13700, 8, 8 }, { 13900, 8, 16 }, { 14100, 4, 0 },  { 14400, 6, 4 }, { 14500, 6, 8 },
        { 14600, 6, 8 }, { 14700, 8, 12 }, { 14900, 8, 16 }, { 1235, 2, 8 },  { 1240, 4, 8 },
        { 1255, 2, 8 },  { 1260, 4, 8 },   { 1335, 2, 8 },   { 1340, 4, 8 },  { 1355, 2, 8 },
        { 1360, 4, 8 },  { 1370, 6, 8 },   { 1135, 4, 0 },   { 1165, 4, 0 },  { 1185, 4, 0 },
    };
    count_cores(table, PLS_COUNT_OF(table), m->number, out);
    if (m->number == 12600 && m->suffix[0] == 'k') {
        out->slow = 4;
    }
    if (is_one_of(m->suffix[0], "x")) {
        out->fast = out->slow = 0; /* Core X has numbers of its own */
    }
}

static const char *ultra_platform(const struct model *m)
{
    char s = m->suffix[0];
    switch (m->number / 100) {
    case 1:
        return s == 'h' ? "meteor-lake-arc-ddr5" : "ddr5-5600-2ch";
    case 2:
        return s == 'v' ? m->number < 240 ? "lunar-lake-arc-130v" : "lunar-lake-arc-140v"
               : strcmp(m->suffix, "hx") == 0 ? "ddr5-6400-2ch"
               : s == 'h'                     ? "arrow-lake-h-arc-140t-ddr5"
               : s == 'u'                     ? "ddr5-5600-2ch"
                                              : "core-ultra-200s";
    case 3:
        return s == 'h' ? "panther-lake-4xe-ddr5" : NULL;
    default:
        return NULL;
    }
}

static bool intel_core(const struct pls_tokens *t, struct pls_cpu_model *out)
{
    static const char *const lines[] = { "i3", "i5", "i7", "i9" };
    struct model m;
    int ultra = word_at(t, "ultra");
    for (uint32_t i = (uint32_t)(ultra + 1); ultra >= 0 && i < t->n; i++) {
        if (model_at(t, i, &m) && m.digits == 3) {
            out->platform = ultra_platform(&m);
            return true;
        }
    }
    for (size_t l = 0; l < PLS_COUNT_OF(lines); l++) {
        int at = word_at(t, lines[l]);
        if (at >= 0 && model_at(t, (uint32_t)at + 1, &m) && m.digits >= 4) {
            out->platform = core_platform(&m);
            core_cores(&m, out);
            return true;
        }
    }
    for (uint32_t i = 0; i < t->n; i++) { /* "13900k" */
        if (model_at(t, i, &m) && m.digits == 5 && m.suffix[0] == 'k') {
            out->platform = core_platform(&m);
            core_cores(&m, out);
            return true;
        }
    }
    return false;
}

/* Laptops: since 2023 the third digit tells the design (2 Mendocino, 3 Zen 3 and 3+, 4 Zen 4), before that
 * the first. */
static const char *ryzen_laptop(const struct model *m, uint32_t tier)
{
    uint32_t design = m->number / 10 % 10;
    uint32_t last = m->number % 10;
    bool is_u = m->suffix[0] == 'u';
    bool is_high = tier >= 7;
    const char *phoenix = !is_high ? "ddr5-5600-2ch" : is_u ? "ryzen-780m-lpddr5x" : "ryzen-780m-ddr5";
    const char *rembrandt = !is_high ? "ddr5-4800-2ch" : is_u ? "ryzen-680m-lpddr5" : "ryzen-680m-ddr5";
    const char *cezanne = is_high ? "ryzen-vega8-ddr4" : "ddr4-3200-2ch";
    switch (m->number / 1000) {
    case 2:
    case 3:
        return "ddr4-2400-2ch";
    case 4:
        return "ddr4-3200-2ch";
    case 5:
        return cezanne;
    case 6:
        return rembrandt;
    case 7:
        return design == 2   ? "ddr5-4800-1ch"
               : design == 3 ? last == 5 ? rembrandt : cezanne
               : last == 5   ? "ddr5-5200-2ch"
                             : phoenix;
    case 8:
        return phoenix;
    case 9:
        return "ddr5-5600-2ch";
    default:
        return NULL;
    }
}

static const char *ryzen_desktop(const struct model *m)
{
    static const char *const platforms[] = {
        [1] = "ddr4-2666-2ch",  [2] = "ddr4-2933-2ch",  [3] = "ryzen-am4-ddr4", [4] = "ryzen-am4-ddr4",
        [5] = "ryzen-am4-ddr4", [7] = "ryzen-7000-am5", [8] = "ryzen-7000-am5", [9] = "ryzen-9000-am5",
    };
    uint32_t g = m->number / 1000;
    if (g == 3 && m->suffix[0] == 'g') {
        return platforms[2];
    }
    return g < PLS_COUNT_OF(platforms) ? platforms[g] : NULL;
}

static uint32_t ryzen_cores(const struct model *m, uint32_t tier, bool is_laptop)
{
    uint32_t g = m->number / 1000;
    bool is_early_apu = g <= 3 && (is_laptop || m->suffix[0] == 'g');
    if (tier == 9 && (!is_laptop || m->number % 100 == 45 || g == 9)) {
        return m->number % 1000 >= (is_laptop ? 945 : 950) ? 16 : 12;
    }
    return tier == 3 || is_early_apu || (g == 1 && m->number % 1000 < 600) ? 4 : tier == 5 ? 6 : 8;
}

static bool ryzen(const struct pls_tokens *t, struct pls_cpu_model *out)
{
    struct model m;
    /* cppcheck-suppress variableScope ; a word hands it to those behind it */
    uint32_t tier = 0;
    int at = word_at(t, "ryzen");
    if (word_at(t, "threadripper") >= 0 || word_at(t, "ai") >= 0) {
        return false;
    }
    for (uint32_t i = 0; i < t->n; i++) {
        const char *word = t->word[i];
        tier = word[1] == '\0' && is_one_of(word[0], "3579") ? (uint32_t)(word[0] - '0') : tier;
        bool is_number = model_at(t, i, &m) && m.digits == 4;
        if (!is_number || (at < 0 && strcmp(m.suffix, "x3d") != 0)) {
            continue;
        }
        bool is_laptop = is_one_of(m.suffix[0], "uhc") || strcmp(m.suffix, "hs") == 0;
        uint32_t second = m.number / 100 % 10; /* the digit behind the generation tells the tier as well */
        tier = tier > 0 ? tier : second >= 9 ? 9 : second >= 7 ? 7 : second >= 4 ? 5 : 3;
        out->platform = is_laptop ? ryzen_laptop(&m, tier) : ryzen_desktop(&m);
        out->fast = ryzen_cores(&m, tier, is_laptop);
        return true;
    }
    return false;
}

static bool threadripper(const struct pls_tokens *t, struct pls_cpu_model *out)
{
    static const struct cores table[] = {
        { 3945, 12, 0 }, { 3955, 16, 0 }, { 3960, 24, 0 }, { 3970, 32, 0 }, { 3975, 32, 0 }, { 3990, 64, 0 },
        { 3995, 64, 0 }, { 5945, 12, 0 }, { 5955, 16, 0 }, { 5965, 24, 0 }, { 5975, 32, 0 }, { 5995, 64, 0 },
        { 7945, 12, 0 }, { 7955, 16, 0 }, { 7960, 24, 0 }, { 7965, 24, 0 }, { 7970, 32, 0 }, { 7975, 32, 0 },
        { 7980, 64, 0 }, { 7985, 64, 0 }, { 7995, 96, 0 }, { 9945, 12, 0 }, { 9955, 16, 0 }, { 9960, 24, 0 },
        { 9965, 24, 0 }, { 9970, 32, 0 }, { 9975, 32, 0 }, { 9980, 64, 0 }, { 9985, 64, 0 }, { 9995, 96, 0 },
    };
    struct model m;
    int at = word_at(t, "threadripper");
    for (uint32_t i = (uint32_t)(at + 1); at >= 0 && i < t->n; i++) {
        if (!model_at(t, i, &m) || m.digits != 4) {
            continue;
        }
        bool is_pro = strcmp(m.suffix, "wx") == 0 && m.number >= 3900 && m.number / 1000 != 2;
        uint32_t g = m.number / 1000;
        out->platform = g == 3   ? is_pro ? "threadripper-pro-3000-5000" : "threadripper-3000"
                        : g == 5 ? "threadripper-pro-3000-5000"
                        : g == 7 ? is_pro ? "threadripper-pro-7000" : "threadripper-7000"
                        : g == 9 ? is_pro ? "threadripper-pro-9000" : "threadripper-9000"
                                 : NULL;
        count_cores(table, PLS_COUNT_OF(table), m.number, out);
        return true;
    }
    return false;
}

/* EPYC 7xx3, 9xx4, and clouds' own 7R13, 9V74: the first digit is the series, the fourth the generation. */
static bool epyc(const struct pls_tokens *t, struct pls_cpu_model *out)
{
    static const struct {
        char series, generation;
        const char *platform;
    } platforms[] = {
        { '7', '1', "epyc-naples" },    { '7', '2', "epyc-rome" },       { '7', '3', "epyc-milan" },
        { '9', '4', "epyc-genoa" },     { '9', '5', "epyc-turin-6000" }, { '8', '4', "epyc-siena" },
        { '4', '4', "epyc-4004-4005" }, { '4', '5', "epyc-4004-4005" },
    };
    static const struct cores table[] = {
        { 7302, 16, 0 },  { 7313, 16, 0 }, { 7402, 24, 0 }, { 7443, 24, 0 },  { 7502, 32, 0 },
        { 7513, 32, 0 },  { 7532, 32, 0 }, { 7543, 32, 0 }, { 7551, 32, 0 },  { 7601, 32, 0 },
        { 7702, 64, 0 },  { 7713, 64, 0 }, { 7742, 64, 0 }, { 7763, 64, 0 },  { 9124, 16, 0 },
        { 9254, 24, 0 },  { 9334, 32, 0 }, { 9354, 32, 0 }, { 9374, 32, 0 },  { 9454, 48, 0 },
        { 9554, 64, 0 },  { 9654, 96, 0 }, { 9684, 96, 0 }, { 9754, 128, 0 }, { 9175, 16, 0 },
        { 9355, 32, 0 },  { 9555, 64, 0 }, { 9575, 64, 0 }, { 9655, 96, 0 },  { 9755, 128, 0 },
        { 9965, 192, 0 },
    };
    int at = word_at(t, "epyc");
    for (uint32_t i = (uint32_t)(at + 1); at >= 0 && i < t->n; i++) {
        const char *word = t->word[i];
        struct model m;
        for (size_t k = 0; strlen(word) >= 4 && k < PLS_COUNT_OF(platforms); k++) {
            if (word[0] == platforms[k].series && word[3] == platforms[k].generation) {
                out->platform = platforms[k].platform;
                out->is_single = is_one_of(word[4], "p") || word[0] == '8' || word[0] == '4';
                model_at(t, i, &m);
                count_cores(table, PLS_COUNT_OF(table), m.number, out);
                return true;
            }
        }
    }
    return false;
}

static const char *xeon_platform(const struct pls_tokens *t, const struct model *m)
{
    static const char *const scalable[] = {
        NULL, "xeon-scalable-1", "xeon-scalable-2", "xeon-scalable-3", "xeon-scalable-4", "xeon-scalable-5"
    };
    static const struct {
        uint32_t series;
        const char *platform;
    } workstation[] = { { 21, "core-x-x299" },     { 22, "core-x-x299" },     { 24, "xeon-w-2400" },
                        { 25, "xeon-w-2400" },     { 31, "xeon-scalable-1" }, { 32, "xeon-scalable-2" },
                        { 33, "xeon-scalable-3" }, { 34, "xeon-w-3400" },     { 35, "xeon-w-3400" } };
    bool is_named = word_at(t, "platinum") >= 0 || word_at(t, "gold") >= 0 || word_at(t, "silver") >= 0
                    || word_at(t, "bronze") >= 0;
    uint32_t series = m->number / 100;
    if (series >= 65 && m->suffix[0] == 'p' && !is_named) {
        return series >= 69 ? "xeon6-6900p" : "xeon6-6700p";
    }
    if (series >= 67 && m->suffix[0] == 'e' && !is_named) {
        return "xeon6-6700e";
    }
    for (size_t i = 0; i < PLS_COUNT_OF(workstation) && !is_named; i++) {
        if (workstation[i].series == series) {
            return workstation[i].platform;
        }
    }
    bool is_scalable = is_named || series >= 41;
    return is_scalable && series % 10 < PLS_COUNT_OF(scalable) ? scalable[series % 10] : NULL;
}

static bool xeon_e5(const struct pls_tokens *t, const struct model *m, struct pls_cpu_model *out)
{
    static const struct cores v3[] = { { 2620, 6, 0 }, { 2650, 10, 0 }, { 2680, 12, 0 }, { 2690, 12, 0 } };
    static const struct cores v4[] = { { 2620, 8, 0 },  { 2640, 10, 0 }, { 2650, 12, 0 },
                                       { 2680, 14, 0 }, { 2690, 14, 0 }, { 2699, 22, 0 } };
    bool is_v4 = word_at(t, "v4") >= 0;
    out->platform = is_v4 ? "xeon-e5-v4" : word_at(t, "v3") >= 0 ? "xeon-e5-v3" : NULL;
    out->is_single = m->number < 2000; /* E5-1600 */
    if (is_v4) {
        count_cores(v4, PLS_COUNT_OF(v4), m->number, out);
    } else {
        count_cores(v3, PLS_COUNT_OF(v3), m->number, out);
    }
    return true;
}

static bool xeon(const struct pls_tokens *t, struct pls_cpu_model *out)
{
    static const struct cores table[] = {
        { 6148, 20, 0 }, { 8168, 24, 0 }, { 8180, 28, 0 }, { 6248, 20, 0 }, { 8259, 24, 0 }, { 8280, 28, 0 },
        { 6330, 28, 0 }, { 6338, 32, 0 }, { 8358, 32, 0 }, { 8380, 40, 0 }, { 6430, 32, 0 }, { 8460, 40, 0 },
        { 8468, 48, 0 }, { 8480, 56, 0 }, { 6530, 32, 0 }, { 8558, 48, 0 }, { 8592, 64, 0 }, { 2295, 18, 0 },
        { 2495, 24, 0 }, { 3475, 36, 0 }, { 3495, 56, 0 }, { 3595, 60, 0 },
    };
    struct model m;
    bool is_e5 = word_at(t, "e5") >= 0;
    for (uint32_t i = 0; i < t->n; i++) {
        if (!model_at(t, i, &m) || m.digits != 4) {
            continue;
        }
        bool is_xeon = word_at(t, "xeon") >= 0 || word_at(t, "platinum") >= 0 || word_at(t, "gold") >= 0;
        if (is_e5) {
            return xeon_e5(t, &m, out);
        }
        if (is_xeon && word_at(t, "max") >= 0) {
            out->platform = "xeon-max-hbm";
            return true;
        }
        if (is_xeon) {
            out->platform = xeon_platform(t, &m);
            count_cores(table, PLS_COUNT_OF(table), m.number, out);
            return true;
        }
    }
    return false;
}

struct pls_cpu_model pls_cpu_model_of(const struct pls_tokens *words)
{
    struct pls_cpu_model out = { 0 };
    if (threadripper(words, &out) || epyc(words, &out) || xeon(words, &out) || ryzen(words, &out)
        || intel_core(words, &out)) {
        return out;
    }
    return (struct pls_cpu_model){ 0 };
}

bool pls_cpu_names_all(const struct pls_tokens *words)
{
    static const char *const said[] = { "ultra", "i3",       "i5",           "i7",     "i9",     "ryzen",
                                        "pro",   "epyc",     "xeon",         "gold",   "w3",     "w5",
                                        "w7",    "w9",       "platinum",     "silver", "bronze", "e5",
                                        "max",   "scalable", "threadripper", "v3",     "v4",     "laptop" };
    uint32_t numbers = 0;
    for (uint32_t i = 0; i < words->n; i++) {
        const char *word = words->word[i];
        bool is_known = strspn(word, "0123456789") == 1 && word[1] == '\0';
        for (size_t k = 0; k < PLS_COUNT_OF(said) && !is_known; k++) {
            is_known = strcmp(word, said[k]) == 0;
        }
        numbers += !is_known;
    }
    return numbers <= 1;
}

bool pls_cpu_has_two_sockets(const char *platform)
{
    static const char *const families[] = { "epyc-naples", "epyc-rome",     "epyc-milan", "epyc-genoa",
                                            "epyc-turin",  "xeon-scalable", "xeon-e5",    "xeon-max",
                                            "xeon6",       "ampere-altra" };
    for (size_t i = 0; i < PLS_COUNT_OF(families); i++) {
        if (pls_text_starts(platform, families[i])) {
            return true;
        }
    }
    return false;
}
