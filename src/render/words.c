#include "render/words.h"

#include <math.h>

void pls_words_rate(struct pls_text *out, double tps)
{
    if (!(tps > 0)) {
        pls_text_add(out, "?");
    } else {
        pls_text_add(out, "%.*f", tps < 0.95 ? 2 : tps < 9.95 ? 1 : 0, tps);
    }
}

void pls_words_seconds(struct pls_text *out, double s)
{
    if (!(s > 0)) {
        pls_text_add(out, "?");
    } else if (s >= 120) {
        pls_text_add(out, "%.0f min", s / 60);
    } else if (s < 0.095) {
        pls_text_add(out, "%.0f ms", fmax(1, s * 1000));
    } else {
        pls_text_add(out, "%.*f s", s < 9.95 ? 1 : 0, s);
    }
}

void pls_words_tokens(struct pls_text *out, uint64_t tokens)
{
    if (tokens >= 1024) {
        pls_text_add(out, "%lluk", (unsigned long long)(tokens / 1024));
    } else {
        pls_text_add(out, "%llu", (unsigned long long)tokens);
    }
}

const char *pls_words_origin(enum pls_origin origin)
{
    static const char *const words[] = { "of unknown origin", "assumed", "from the hardware table",
                                         "measured here" };
    return (size_t)origin < PLS_COUNT_OF(words) ? words[origin] : words[0];
}

void pls_words_params(struct pls_text *out, uint64_t params)
{
    double billions = (double)params / 1e9;
    if (params == 0) {
        pls_text_add(out, "?");
    } else if (billions < 0.9995) {
        pls_text_add(out, "%.0f M", (double)params / 1e6);
    } else {
        pls_text_add(out, "%.*f B", billions < 9.995 ? 2 : billions < 99.95 ? 1 : 0, billions);
    }
}

void pls_words_margin(struct pls_text *out, int64_t bytes)
{
    if (bytes < 0) {
        pls_text_add(out, "-");
    }
    pls_words_gap(out, bytes);
}

/* The least integer has no positive counterpart: a saturated plan misses by that much. */
void pls_words_gap(struct pls_text *out, int64_t bytes)
{
    pls_text_bytes(out, bytes < 0 ? (uint64_t)0 - (uint64_t)bytes : (uint64_t)bytes);
}

struct reason_words {
    enum pls_reason bit;
    const char *words;
};

static const struct reason_words reason_table[] = {
    { PLS_REASON_BEST_QUALITY, "best quality" },
    { PLS_REASON_FASTEST, "fastest" },
    { PLS_REASON_LONGEST_CONTEXT, "longest context" },
    { PLS_REASON_BELOW_SPEED_FLOOR, "slow" },
    { PLS_REASON_SPEED_UNKNOWN, "speed unknown" },
    { PLS_REASON_SHORT_CONTEXT, "short context" },
    { PLS_REASON_BELOW_QUANT_FLOOR, "heavily quantized" },
    { PLS_REASON_LOW_BITS, "under 4 bits" },
    { PLS_REASON_TIGHT, "tight" },
    { PLS_REASON_NO_EVIDENCE, "no evidence" },
    { PLS_REASON_PARTIAL_OFFLOAD, "partly in RAM" },
    { PLS_REASON_NATIVE_QUANT, "as released" },
    { PLS_REASON_QUANTIZED_KV, "quantized cache" },
    { PLS_REASON_ROOMY, "roomy" },
};

void pls_words_reasons(struct pls_text *out, uint32_t reasons)
{
    size_t start = out->len;
    for (size_t i = 0; i < PLS_COUNT_OF(reason_table); i++) {
        if ((reasons & reason_table[i].bit) != 0) {
            pls_text_add(out, "%s%s", out->len > start ? ", " : "", reason_table[i].words);
        }
    }
}

static double speed_of(const struct pls_entry *entry)
{
    bool is_unknown = entry->pick != NULL && (entry->pick->reasons & PLS_REASON_SPEED_UNKNOWN) != 0;
    return is_unknown ? 0 : entry->pick != NULL ? entry->pick->speed_tps : entry->plan->speed.decode_tps;
}

/* Others may fit and be slower than the floor, or as slow and worse: they are left out, not too large. */
static void only_one(struct pls_text *out, const struct pls_report *report, double floor)
{
    const struct pls_entry *first = &report->entries[0];
    bool is_slow = (first->pick->reasons & PLS_REASON_BELOW_SPEED_FLOOR) != 0;
    if (report->n_models <= 1 + first->n_also) {
        pls_text_add(out, "it is the only one that matches");
        return;
    }
    uint32_t others = report->n_models - 1 - first->n_also;
    pls_text_add(out, "%u other%s that match%s %s too large or ", others, others > 1 ? "s" : "",
                 others > 1 ? "" : "es", others > 1 ? "are" : "is");
    if (is_slow || !(floor > 0)) {
        pls_text_add(out, "worse");
    } else {
        pls_text_add(out, "under a floor (of speed: %g tok/s; --min-speed asks for less)", floor);
    }
}

/* What the first row has over the best of the others, one claim per respect; each is true of the rows shown.
 */
void pls_words_first(struct pls_text *out, const struct pls_report *report)
{
    const struct pls_plan *first = report->entries[0].plan;
    bool reads = report->policy->min_prefill_tps > 0;
    double floor = reads ? report->policy->min_prefill_tps : report->policy->min_decode_tps;
    double speed = speed_of(&report->entries[0]);
    uint32_t better = 0;
    uint32_t faster = 0;
    uint32_t others = report->n_entries - 1;
    for (uint32_t i = 1; i < report->n_entries; i++) {
        better += report->entries[i].plan->quality.score > first->quality.score;
        faster += speed_of(&report->entries[i]) > speed;
    }
    if (others == 0 && report->top != 1) {
        only_one(out, report, floor);
        return;
    }
    if (others == 0) { /* nothing is known of those that were not asked for */
        pls_text_add(out, "of quality %.0f of 100", first->quality.score);
    } else if (better == 0) {
        pls_text_add(out, "no row below has a higher quality (%.0f of 100)", first->quality.score);
    } else {
        pls_text_add(
            out, "of quality %.0f; the %u row%s of higher quality lose%s more in speed, context or memory",
            first->quality.score, better, better > 1 ? "s" : "", better > 1 ? "" : "s");
    }
    if (speed > 0) {
        pls_text_add(out, ", %s ", reads ? "reading" : "at");
        pls_words_rate(out, speed);
        pls_text_add(out, " tok/s (%s)",
                     faster == 0 && others > 0 ? "none below is faster"
                     : speed >= floor          ? "above the usable floor"
                                               : "below the usable floor");
    }
    pls_text_add(out, ", with ");
    pls_text_tokens(out, first->setting.n_ctx);
    pls_text_add(out, " tokens of context and ");
    pls_words_margin(out, first->margin_bytes);
    pls_text_add(out, " to spare");
}

static void pool_words(struct pls_text *out, const struct pls_machine *m, const struct pls_pool *pool)
{
    if (pool->gpu >= 0) {
        pls_text_add(out, "; %s with ", m->gpus[pool->gpu].name);
    } else {
        pls_text_add(out, ", ");
    }
    if (pool->capacity_bytes > 0) {
        pls_text_bytes(out, pool->capacity_bytes);
    } else {
        pls_text_add(out, "unknown memory");
    }
    pls_text_add(out, "%s",
                 pool->kind == PLS_POOL_RAM ? " RAM"
                 : pool->within >= 0        ? " shared with the CPU"
                                            : "");
    if (pool->bandwidth_gbs > 0) {
        pls_text_add(out, " at %.*f GB/s (%s)", pool->bandwidth_gbs < 9.95 ? 1 : 0, pool->bandwidth_gbs,
                     pls_origin_name(pool->origin));
    }
}

void pls_words_machine(struct pls_text *out, const struct pls_machine *m)
{
    const char *name = m->cpu.name[0] != '\0' ? m->cpu.name : m->name[0] != '\0' ? m->name : "unknown CPU";
    pls_text_add(out, "%s", name);
    if (m->cpu.cores > 0) {
        pls_text_add(out, ", %u core%s", m->cpu.cores, m->cpu.cores > 1 ? "s" : "");
    }
    for (uint32_t i = 0; i < m->n_pools; i++) {
        pool_words(out, m, &m->pools[i]);
    }
}

/* What a limit is called where it is not typed. */
static const char *limit_name(const char *code)
{
    static const char *const names[][2] = {
        { "working-set", "Metal working set" },
        { "wired-limit", "wired limit" },
        { "cgroup-v1", "control group" },
        { "cgroup-v2", "control group" },
        { "cpuset-mems", "memory nodes" },
        { "hugepages", "huge pages set aside" },
        { "rlimit-as", "ulimit -v" },
        { "rlimit-data", "ulimit -d" },
        { "gtt", "GTT" },
        { "ttm", "GTT" },
        { "driver-reserved", "the driver" },
    };
    for (size_t i = 0; i < PLS_COUNT_OF(names); i++) {
        if (pls_text_equal(code, names[i][0])) {
            return names[i][1];
        }
    }
    return code;
}

/* The limit that sets a pool's budget: the policy has left a note of it. */
static const struct pls_limit *biting(const struct pls_machine *m, const struct pls_pool *p)
{
    const struct pls_limit *least = NULL;
    char start[32];
    struct pls_text t = PLS_TEXT(start);
    pls_text_add(&t, "%s is capped", p->id);
    for (uint32_t n = 0; n < m->n_notes; n++) {
        for (uint32_t i = 0; i < p->n_limits; i++) {
            const struct pls_limit *l = &p->limits[i];
            bool is_it =
                pls_text_equal(m->notes[n].code, l->code) && pls_text_starts(m->notes[n].text, start);
            least = is_it && (least == NULL || l->bytes < least->bytes) ? l : least;
        }
    }
    return least;
}

void pls_words_budget(struct pls_text *out, const struct pls_machine *m)
{
    for (uint32_t i = 0; i < m->n_pools; i++) {
        const struct pls_pool *p = &m->pools[i];
        const struct pls_limit *limit = biting(m, p);
        const char *joint = " (";
        pls_text_add(out, "%s", i > 0 ? ", " : "");
        pls_text_bytes(out, p->budget_bytes);
        pls_text_add(out, " of %s", p->kind == PLS_POOL_RAM ? "RAM" : p->id);
        if (p->reserved_bytes > 0) {
            pls_text_add(out, "%s", joint);
            pls_text_bytes(out, p->reserved_bytes);
            pls_text_add(out, " kept free");
            joint = ", ";
        }
        if (limit != NULL) {
            pls_text_add(out, "%s%s%s", joint, limit_name(limit->code), limit->path[0] != '\0' ? ", " : "");
            pls_text_escape(out, limit->path);
            joint = ", ";
        }
        pls_text_add(out, "%s", joint[0] == ',' ? ")" : "");
    }
}

const char *pls_words_model(const struct pls_card *card)
{
    return card->name[0] != '\0' ? card->name : card->id[0] != '\0' ? card->id : card->arch;
}
