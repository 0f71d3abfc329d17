/* The processor's part: bytes of each tensor type at the rate its kernel was measured at and the engine makes
 * of it; without measurements typical rates of a core and the memory's bandwidth. The formulas stand in
 * speed.h. */
#include <math.h>

#include "plimsoll/speed.h"
#include "plimsoll/text.h"

enum class {
    CLASS_AMX = 0,
    CLASS_ZEN512,
    CLASS_VNNI,
    CLASS_ZEN256,
    CLASS_AVX2,
    CLASS_DOTPROD,
    CLASS_ANY,
    CLASS_COUNT
};

struct engine {
    uint32_t isa;
    const char *maker; /* how the names of its processors begin; empty: any */
    double op_ns, op_token_ns, attention_share, attention_prefill, moe_prefill, decode_spread, prefill_spread;
    uint32_t rows;
};
struct factor {
    enum class class;
    enum pls_type type; /* NONE: any other */
    double decode, prefill;
};
struct core_rate {
    enum pls_type type;
    double cached_gbs, gemm_gflops;
};

static const struct engine engines[CLASS_COUNT] = {
#define PLS_CPU_ENGINE(c, ...) [CLASS_##c] = { __VA_ARGS__ },
#include "data/speed_cpu.def"
};
static const struct factor factors[] = {
#define PLS_CPU_FACTOR(c, type, ...) { CLASS_##c, PLS_TYPE_##type, __VA_ARGS__ },
#include "data/speed_cpu.def"
};
static const struct core_rate core_rates[] = {
#define PLS_CPU_CORE(type, ...) { PLS_TYPE_##type, __VA_ARGS__ },
#include "data/speed_cpu.def"
};

/* Share of the table's bandwidth that all cores together read: published rows of desktop and server
 * processors with few channels lie between 0.55 and 0.85. Cores whose buses are wider than they can drain are
 * bounded by what a core computes. Small cores of the time before dot products reach half (Raspberry Pi 4:
 * 0.31 in every quantization), and compute a quarter. */
static const double UNKNOWN_SHARE = 0.65;
/* What one core has under way at a time: reads reach 704 of the 1638 GB/s of a Xeon Max with 56 cores
 * (McCalpin, Bandwidth Limits in the Intel Xeon Max, 2023). No memory of modules gives a core that much;
 * stacks and Apple's buses do. */
static const double CORE_READ_GBS = 12.6;
static const double OLD_SHARE = 0.33;
static const double OLD_CORE = 0.25;
/* Short rows of halves from the cache of one core of about 3 GHz. */
static const double CORE_ATTENTION_GBS = 7.5;
static const double UNKNOWN_SPREAD = 1.8;
static const double UNKNOWN_PREFILL_SPREAD = 3;
/* Of a core's matrix rate, in a whole engine on all cores. */
static const double UNKNOWN_PREFILL = 0.5;

/* The class by what the kernels were measured with, else by what the machine has: an engine built for it uses
 * all of that. */
static enum class class_of(const struct pls_cpu_load *load)
{
    uint32_t isa = load->machine->cpu.isa != 0 ? load->machine->cpu.isa : load->rates->isa;
    for (int c = 0; c < CLASS_COUNT; c++) {
        bool is_made = pls_text_starts(load->machine->cpu.name, engines[c].maker);
        if (is_made && (isa & engines[c].isa) == engines[c].isa) {
            return (enum class)c;
        }
    }
    return CLASS_ANY;
}

static const struct factor *find_factor(enum class class, enum pls_type type)
{
    for (size_t i = 0; i < PLS_COUNT_OF(factors); i++) {
        if (factors[i].class == class && factors[i].type == type) {
            return &factors[i];
        }
    }
    return NULL;
}

/* Types that AMX tiles do not know run through the class below, and those not measured on AMD's cores as on
 * Intel's. */
static enum class class_below(enum class class) {
    return class == CLASS_AMX || class == CLASS_ZEN512 ? CLASS_VNNI
           : class == CLASS_ZEN256                     ? CLASS_AVX2
                                                       : class;
}

static const struct factor *factor_of(enum class class, enum pls_type type)
{
    const struct factor *exact = find_factor(class, type);
    if (exact == NULL && class_below(class) != class) {
        return factor_of(class_below(class), type);
    }
    const struct factor *any = exact != NULL ? exact : find_factor(class, PLS_TYPE_NONE);
    return any != NULL ? any : &factors[0];
}

static const struct core_rate *core_rate_of(enum pls_type type)
{
    for (size_t i = 0; i < PLS_COUNT_OF(core_rates); i++) {
        if (core_rates[i].type == type) {
            return &core_rates[i];
        }
    }
    return &core_rates[0];
}

/* ---- threads ---- */

/* Rates were measured with one, half and all threads; between these they are taken to grow evenly. */
static double with_threads(double one, double half, double all, uint32_t n_all, uint32_t n)
{
    if (n == 0 || n >= n_all || !(one > 0)) {
        return all;
    }
    uint32_t n_half = n_all / 2 > 1 ? n_all / 2 : 1;
    half = half > 0 && n_half > 1 ? half : one;
    if (n <= n_half) {
        return n_half > 1 ? one + (half - one) * (n - 1) / (n_half - 1) : one;
    }
    return half + (all - half) * (n - n_half) / (n_all - n_half);
}

/* AMX tiles multiply plain matrices; stacks of experts stay with the kernels of the class below. */
static double routed_share(const struct pls_traffic *t)
{
    double bytes = 0;
    for (size_t i = 0; i < PLS_TYPE_COUNT; i++) {
        bytes += (double)t->weights_by_type[i];
    }
    return bytes > 0 ? (double)t->expert_share_bytes / bytes : 0;
}

/* Mean over the classes that take part, of what a factor makes of time. */
static double blended(const struct pls_cpu_load *load, double mine, double of_experts)
{
    double routed = class_of(load) == CLASS_AMX ? routed_share(load->traffic) : 0;
    return (1 - routed) * mine + routed * of_experts;
}

/* The measured type whose rate on a typical core is nearest: what stands in for a type that was not
 * measured. */
static enum pls_type stand_in(const struct pls_rates *rates, enum pls_type type)
{
    enum pls_type best = PLS_TYPE_NONE;
    double least = (double)INFINITY;
    for (size_t i = 0; i < PLS_COUNT_OF(core_rates); i++) {
        double off = fabs(log(core_rates[i].cached_gbs / core_rate_of(type)->cached_gbs));
        if (rates->type[core_rates[i].type].stream_gbs > 0 && off < least) {
            least = off;
            best = core_rates[i].type;
        }
    }
    return best;
}

/* Streaming rate of our kernel, as the engine would run the type, with the load's threads and with one; 0
 * unknown. */
struct pace {
    double all_gbs, one_gbs;
};

static struct pace pace_of(const struct pls_cpu_load *load, enum pls_type type)
{
    const struct pls_type_rate *r = &load->rates->type[type];
    bool interleaved = load->traffic->repacked && r->stream_repacked_gbs > 0;
    double all = interleaved ? r->stream_repacked_gbs : r->stream_gbs;
    all = with_threads(r->stream_one_gbs, r->stream_half_gbs, all, load->rates->n_threads, load->n_threads);
    return (struct pace){ all, r->stream_one_gbs };
}

static struct pace measured_pace(const struct pls_cpu_load *load, enum pls_type type, bool *is_guessed)
{
    struct pace pace = pace_of(load, type);
    enum pls_type other = pace.all_gbs > 0 ? type : stand_in(load->rates, type);
    *is_guessed = other != type;
    if (other != type && other != PLS_TYPE_NONE) {
        pace = pace_of(load, other);
        double slower = fmin(core_rate_of(type)->cached_gbs / core_rate_of(other)->cached_gbs, 1);
        pace.all_gbs *= slower;
        pace.one_gbs *= slower;
    }
    return pace;
}

/* Cores at work: as many as threads were asked for, else all; of processor time that a control group grants
 * never more, and not less than one, which held_back() sees to. */
static double threads(const struct pls_cpu_load *load)
{
    uint32_t cores = load->machine->cpu.cores > 0 ? load->machine->cpu.cores : load->rates->n_threads;
    double n = load->n_threads > 0 ? load->n_threads : cores;
    double quota = load->machine->cpu.quota_cpus;
    return quota > 0 && !(n > 0 && n < quota) ? fmax(quota, 1) : n;
}

/* With less than one CPU's time even a lone thread is stopped for part of every period. The passes of a
 * benchmark are so short that most of them never see it. */
static void held_back(const struct pls_cpu_load *load, struct pls_speed_parts *parts)
{
    double quota = load->machine->cpu.quota_cpus;
    double slower = quota > 0 && quota < 1 ? 1 / quota : 1;
    for (size_t i = 0; i < PLS_TYPE_COUNT; i++) {
        parts->by_type[i] *= slower;
    }
    parts->other *= slower;
}

/* ---- decode ---- */

static double bandwidth_gbs(const struct pls_cpu_load *load)
{
    return load->rates->ram_gbs > 0 ? load->rates->ram_gbs : load->machine->pools[0].bandwidth_gbs;
}

/* Threads alone and the bus they share, as one rate: near the smaller of the two, and a little below where
 * they meet. */
static double slowness(double threads_gbs, double bus_gbs)
{
    return pow(pow(threads_gbs, -4) + pow(bus_gbs, -4), 0.25);
}

/* What the memory gives however many threads ask, told by how far plain reading (F32) fell behind its
 * threads; infinite where it kept up. */
static double bus_gbs(const struct pls_cpu_load *load, uint32_t n_threads)
{
    struct pace read = pace_of(load, PLS_TYPE_F32);
    double alone = n_threads * read.one_gbs;
    return read.all_gbs > 0 && read.all_gbs < alone ? pow(pow(read.all_gbs, -4) - pow(alone, -4), -0.25)
                                                    : (double)INFINITY;
}

/* An engine whose thread is slower than ours by some factor is slower by all of it while the bus has room,
 * and by nothing once the bus is what both wait for. */
static double engine_seconds_per_gb(const struct pls_cpu_load *load, struct pace ours, double factor)
{
    uint32_t all = load->rates->n_threads;
    uint32_t n = load->n_threads > 0 && load->n_threads < all ? load->n_threads : all;
    double alone = fmax(n * ours.one_gbs, ours.all_gbs);
    double bus = bus_gbs(load, n);
    return slowness(factor * alone, bus) / slowness(alone, bus) / ours.all_gbs;
}

/* Seconds per 1e9 bytes of a type; NAN when nothing is known of the memory. */
static double seconds_per_gb(const struct pls_cpu_load *load, enum pls_type type, bool *is_measured)
{
    bool is_guessed = false;
    struct pace ours = measured_pace(load, type, &is_guessed);
    if (ours.all_gbs > 0) {
        double mine = engine_seconds_per_gb(load, ours, factor_of(class_of(load), type)->decode);
        double of_experts = engine_seconds_per_gb(load, ours, factor_of(CLASS_VNNI, type)->decode);
        *is_measured = !is_guessed;
        return blended(load, mine, of_experts);
    }
    *is_measured = false;
    double gbs = bandwidth_gbs(load);
    double n = threads(load);
    if (!(gbs > 0)) {
        return (double)NAN;
    }
    /* Measured memory is what can be read; the table's is what the modules could deliver. */
    bool is_old = class_of(load) == CLASS_ANY && load->machine->cpu.isa != 0;
    double share = load->rates->ram_origin == PLS_ORIGIN_MEASURED ? 1 : is_old ? OLD_SHARE : UNKNOWN_SHARE;
    double reach = n > 0 ? fmin(share * gbs, n * CORE_READ_GBS) : share * gbs;
    double compute = n > 0 ? 1 / (n * core_rate_of(type)->cached_gbs * (is_old ? OLD_CORE : 1)) : 0;
    return 1 / reach + compute;
}

static double operations_s(const struct pls_cpu_load *load)
{
    return load->traffic->n_ops * (load->rates->barrier_ns + engines[class_of(load)].op_ns) * 1e-9;
}

/* Every head multiplies the rows it looks at, heads that share them too, so that work and not the bytes of
 * the cache counts; two rows of halves, K and V, per token and head. */
static double attention_decode_s(const struct pls_cpu_load *load)
{
    const struct pls_traffic *t = load->traffic;
    double depth = (double)load->depth_tokens;
    double rows = depth * (double)t->attention_width
                  + fmin(depth, (double)t->window_tokens) * (double)t->attention_width_sliding;
    double bytes = 4 * rows + (double)t->kv_fixed;
    double cores = threads(load) > 0 ? threads(load) * CORE_ATTENTION_GBS : bandwidth_gbs(load);
    double gbs = load->rates->attention_gbs > 0 ? load->rates->attention_gbs : cores;
    return bytes > 0 ? bytes * 1e-9 / (gbs * engines[class_of(load)].attention_share) : 0;
}

/* A few tensors of a type that was not measured leave the whole a measurement. */
static const double GUESSED_SHARE = 0.1;

static struct pls_speed_parts decode_parts(const struct pls_cpu_load *load, bool *is_measured)
{
    const struct pls_traffic *t = load->traffic;
    struct pls_speed_parts parts = { .n_layers = t->n_layers };
    double guessed = 0, whole = 0;
    for (size_t i = 0; i < PLS_TYPE_COUNT; i++) {
        if (t->weights_by_type[i] > 0) {
            bool is_known = true;
            parts.by_type[i] =
                (double)t->weights_by_type[i] * 1e-9 * seconds_per_gb(load, (enum pls_type)i, &is_known);
            whole += parts.by_type[i];
            guessed += is_known ? 0 : parts.by_type[i];
        }
    }
    *is_measured = guessed <= GUESSED_SHARE * whole;
    parts.other = attention_decode_s(load);
    parts.other += operations_s(load);
    held_back(load, &parts);
    return parts;
}

static struct pls_share_time time_of(const struct pls_cpu_load *load, const struct pls_engine_sample *sample,
                                   double spread)
{
    double seconds = pls_calibrated_s(load->learnt, sample);
    bool is_fixed = sample->parts.other > seconds / 2;
    return (struct pls_share_time){
        .seconds = isfinite(seconds) && seconds > 0 ? seconds : (double)NAN,
        .spread = pls_learnt_spread(load->learnt, spread),
        .bound = is_fixed ? PLS_BOUND_OVERHEAD : sample->is_prefill ? PLS_BOUND_COMPUTE : PLS_BOUND_MEMORY,
        .rows = engines[class_of(load)].rows,
    };
}

/* The engine's residual beside the spread of our own measurements: half of these lie within a quartile range,
 * four fifths within 0.95 of it to either side. */
static double widened(const struct pls_cpu_load *load, const struct pls_speed_parts *parts, double spread)
{
    double whole = 0, ours = 0;
    for (size_t i = 0; i < PLS_TYPE_COUNT; i++) {
        whole += parts->by_type[i];
        ours += parts->by_type[i] * load->rates->type[i].spread;
    }
    double own = whole > 0 ? 0.95 * ours / whole : 0;
    return exp(sqrt(log(spread) * log(spread) + own * own));
}

struct pls_share_time pls_cpu_decode(const struct pls_cpu_load *load, enum pls_origin *origin)
{
    bool is_measured = true;
    struct pls_engine_sample sample = { .parts = decode_parts(load, &is_measured) };
    *origin = is_measured ? PLS_ORIGIN_MEASURED : PLS_ORIGIN_ASSUMED;
    double spread = is_measured ? engines[class_of(load)].decode_spread : UNKNOWN_SPREAD;
    return time_of(load, &sample, widened(load, &sample.parts, spread));
}

/* ---- prefill ---- */

/* Products grow with the threads. */
static double thread_share(const struct pls_cpu_load *load)
{
    bool fewer = load->n_threads > 0 && load->rates->n_threads > 0;
    return fewer ? fmin((double)load->n_threads / load->rates->n_threads, 1) : 1;
}

/* Arithmetic rate of a type's matrix products, in 1e9 per second: our kernel's where one was measured, else a
 * typical core's. */
static double matrix_gflops(const struct pls_cpu_load *load, enum pls_type type, bool *is_measured)
{
    const struct pls_rates *r = load->rates;
    double slower =
        blended(load, 1 / factor_of(class_of(load), type)->prefill, 1 / factor_of(CLASS_VNNI, type)->prefill);
    if (r->type[type].gemm_gflops > 0) {
        return r->type[type].gemm_gflops * thread_share(load) / slower;
    }
    bool is_old = class_of(load) == CLASS_ANY && load->machine->cpu.isa != 0;
    double typical = (is_old ? OLD_CORE : 1) * threads(load) * core_rate_of(type)->gemm_gflops;
    *is_measured = false;
    enum pls_type other = stand_in(r, type);
    if (other != PLS_TYPE_NONE && r->type[other].gemm_gflops > 0) {
        double share = core_rate_of(type)->gemm_gflops / core_rate_of(other)->gemm_gflops;
        return r->type[other].gemm_gflops * share * thread_share(load) / slower;
    }
    return r->n_threads > 0 ? typical / slower : UNKNOWN_PREFILL * typical;
}

/* Parameters of one type that every token of a prompt multiplies. */
static double params_of(const struct pls_traffic *t, size_t type)
{
    const struct pls_type_info *info = pls_type_info((enum pls_type)type);
    double bytes = (double)pls_sub(t->weights_by_type[type], t->output_by_type[type]);
    return info->name != NULL && info->bytes > 0 ? bytes / info->bytes * info->block : 0;
}

/* Scores and their sums, against our products of halves. */
static double attention_s(const struct pls_cpu_load *load)
{
    const struct pls_traffic *t = load->traffic;
    double n = (double)load->prompt_tokens;
    double depth = (double)load->depth_tokens + n / 2;
    double seen = fmin(depth, (double)t->window_tokens);
    double flops = 4 * n * (depth * (double)t->attention_width + seen * (double)t->attention_width_sliding);
    double measured = load->rates->type[PLS_TYPE_F16].gemm_gflops;
    double typical = UNKNOWN_PREFILL * threads(load) * core_rate_of(PLS_TYPE_F16)->gemm_gflops;
    double gflops = measured > 0 ? measured * thread_share(load) : typical;
    return flops / (gflops * engines[class_of(load)].attention_prefill * 1e9);
}

static struct pls_speed_parts prefill_parts(const struct pls_cpu_load *load, bool *is_measured)
{
    const struct pls_traffic *t = load->traffic;
    const struct engine *e = &engines[class_of(load)];
    double n = (double)load->prompt_tokens;
    double batches = ceil(n / (double)pls_max(load->ubatch_tokens, 1));
    double bytes = 0;
    for (size_t i = 0; i < PLS_TYPE_COUNT; i++) {
        bytes += (double)t->weights_by_type[i];
    }
    double thin =
        load->experts_per_used > 1 ? e->moe_prefill * load->experts_per_used * fmax(batches, 1) / n : 0;
    struct pls_speed_parts parts = { .n_layers = t->n_layers };
    double guessed = 0, whole = 0;
    for (size_t i = 0; i < PLS_TYPE_COUNT; i++) {
        if (params_of(t, i) > 0) {
            bool is_known = true;
            double gflops = matrix_gflops(load, (enum pls_type)i, &is_known);
            parts.by_type[i] = 2e-9 * params_of(t, i) * n / gflops * (1 + routed_share(t) * thin);
            whole += parts.by_type[i];
            guessed += is_known ? 0 : parts.by_type[i];
        }
    }
    *is_measured = guessed <= GUESSED_SHARE * whole;
    double all = bytes + (double)t->expert_share_bytes * (fmax(load->experts_per_used, 1) - 1);
    double reading = batches * all / (bandwidth_gbs(load) * 1e9);
    double fixed = batches * operations_s(load) + n * t->n_ops * e->op_token_ns * 1e-9;
    parts.other = attention_s(load) + reading + fixed;
    held_back(load, &parts);
    return parts;
}

struct pls_share_time pls_cpu_prefill(const struct pls_cpu_load *load, enum pls_origin *origin)
{
    bool is_measured = true;
    struct pls_engine_sample sample = { .is_prefill = true, .parts = prefill_parts(load, &is_measured) };
    *origin = is_measured ? PLS_ORIGIN_MEASURED : PLS_ORIGIN_ASSUMED;
    double spread = is_measured ? engines[class_of(load)].prefill_spread : UNKNOWN_PREFILL_SPREAD;
    return time_of(load, &sample, widened(load, &sample.parts, spread));
}

struct pls_speed_parts pls_cpu_parts(const struct pls_cpu_load *load, bool is_prefill, bool *is_measured)
{
    return is_prefill ? prefill_parts(load, is_measured) : decode_parts(load, is_measured);
}
