/* The GPU model of speed.h. Its parts are physical so that they carry over to devices nobody has measured;
 * what they leave out (kernel quality per generation, clocks under load) is in the spread. */
#include <math.h>
#include <string.h>

#include "plimsoll/speed.h"

/* Of the bandwidth, when a micro-batch reads all weights: large reads without dependent work run near the
 * bus. */
static const double PREFILL_BUS_SHARE = 0.8;
/* A generation or backend that nobody has measured borrows its neighbour's constants: half as much doubt
 * again, as a power of the spread. */
static const double UNSEEN = 1.5;
/* Where the arithmetic rate is unknown: what it adds to the bus on the median device. */
static const double UNKNOWN_ARITHMETIC = 0.3;

const struct pls_gpu_constants *pls_gpu_constants(void)
{
    static const struct pls_gpu_constants constants = {
        .backends = {
#define PLS_GPU_BACKEND(b, ...) { PLS_BACKEND_##b, __VA_ARGS__ },
#include "data/speed_gpu.def"
        },
        .generations = {
#define PLS_GPU_GENERATION(b, ...) { PLS_BACKEND_##b, __VA_ARGS__ },
#include "data/speed_gpu.def"
        },
        .ops = {
#define PLS_GPU_OPS(b, v, ...) { PLS_BACKEND_##b, v, { __VA_ARGS__ } },
#include "data/speed_gpu.def"
        },
        .matrix = {
#define PLS_GPU_MATRIX(b, v, ...) { PLS_BACKEND_##b, v, { __VA_ARGS__ } },
#include "data/speed_gpu.def"
        },
    };
    return &constants;
}

enum pls_ops_class pls_ops_class(enum pls_type type)
{
    const char *name = pls_type_info(type)->name;
    if (name == NULL || type == PLS_TYPE_F32 || type == PLS_TYPE_F16 || type == PLS_TYPE_F64) {
        return PLS_OPS_F16;
    }
    if (type == PLS_TYPE_BF16) {
        return PLS_OPS_BF16;
    }
    if (type == PLS_TYPE_Q8_0 || type == PLS_TYPE_I8) {
        return PLS_OPS_Q8;
    }
    if (type == PLS_TYPE_MXFP4 || type == PLS_TYPE_NVFP4) {
        return PLS_OPS_MXFP4;
    }
    if (type == PLS_TYPE_Q4_K || type == PLS_TYPE_Q5_K || type == PLS_TYPE_Q6_K) {
        return PLS_OPS_K;
    }
    if (type == PLS_TYPE_Q2_K || type == PLS_TYPE_Q3_K || type == PLS_TYPE_IQ4_NL
        || type == PLS_TYPE_IQ4_XS) {
        return PLS_OPS_LOW;
    }
    return name[0] == 'i' || name[0] == 't' ? PLS_OPS_IQ : PLS_OPS_Q4_0;
}

/* Tables end where no line was written. */
static bool matches(const char *name, const char *wanted)
{
    return name[0] == '\0' || strcmp(name, wanted) == 0;
}

static const struct pls_gpu_backend *backend_of(const struct pls_gpu_constants *c,
                                                const struct pls_gpu_load *load)
{
    for (uint32_t i = 0; i < PLS_COUNT_OF(c->backends) && c->backends[i].vendor != NULL; i++) {
        if (c->backends[i].backend == load->backend && matches(c->backends[i].vendor, load->gpu->vendor)) {
            return &c->backends[i];
        }
    }
    return NULL;
}

static const struct pls_gpu_generation *generation_of(const struct pls_gpu_constants *c,
                                                      const struct pls_gpu_load *load)
{
    for (uint32_t i = 0; i < PLS_COUNT_OF(c->generations) && c->generations[i].generation != NULL; i++) {
        if (c->generations[i].backend == load->backend
            && matches(c->generations[i].generation, load->gpu->generation)) {
            return &c->generations[i];
        }
    }
    return NULL;
}

static const double *ops_of(const struct pls_gpu_ops *ops, size_t n, const struct pls_gpu_load *load)
{
    for (size_t i = 0; i < n && ops[i].vendor != NULL; i++) {
        bool is_backend = ops[i].backend == PLS_BACKEND_NONE || ops[i].backend == load->backend;
        if (is_backend && matches(ops[i].vendor, load->gpu->vendor)) {
            return ops[i].ops;
        }
    }
    return NULL;
}

static double weight_bytes(const struct pls_traffic *t)
{
    double bytes = 0;
    for (size_t i = 0; i < PLS_TYPE_COUNT; i++) {
        bytes += (double)t->weights_by_type[i];
    }
    return bytes;
}

/* Seconds of reading and unpacking the weights of each type. MLX's own formats are not tensor types: every
 * weight costs alike. */
static void weights_s(const double *ops, const struct pls_gpu_load *load, double bytes_per_s,
                      struct pls_gpu_terms *out)
{
    const struct pls_traffic *t = load->traffic;
    double fp32 = load->gpu->fp32_tflops * 1e12;
    double all = weight_bytes(t);
    for (size_t i = 0; i < PLS_TYPE_COUNT; i++) {
        double bytes = (double)t->weights_by_type[i];
        const struct pls_type_info *info = pls_type_info((enum pls_type)i);
        if (!(bytes > 0) || info->name == NULL) {
            continue;
        }
        bool is_mlx = load->backend == PLS_BACKEND_MLX;
        double weights = is_mlx ? (double)t->active_params * bytes / all : bytes / info->bytes * info->block;
        out->per_type[i] =
            out->generation->unpack * ops[is_mlx ? PLS_OPS_F16 : pls_ops_class((enum pls_type)i)];
        out->bus_s[i] = bytes / bytes_per_s;
        out->work_s[i] = fp32 > 0 ? out->per_type[i] * weights / fp32 : out->bus_s[i] * UNKNOWN_ARITHMETIC;
    }
}

static double share(uint32_t part, uint32_t whole)
{
    return whole > 0 ? (double)part / whole : 0;
}

static enum pls_bound largest(double bus, double arithmetic, double fixed)
{
    return fixed >= bus && fixed >= arithmetic ? PLS_BOUND_OVERHEAD
        : arithmetic > bus                     ? PLS_BOUND_COMPUTE
                                               : PLS_BOUND_MEMORY;
}

static struct pls_share_time unknown_time(void)
{
    return (struct pls_share_time){ .seconds = (double)NAN, .spread = 3 };
}

static bool is_older(const struct pls_gpu_load *load, uint32_t date)
{
    return load->engine_as_of != 0 && load->engine_as_of < date;
}

/* Kernel launches and barriers of a token. */
static double launches_s(const struct pls_gpu_load *load, const struct pls_gpu_terms *terms)
{
    const struct pls_traffic *t = load->traffic;
    const struct pls_gpu_backend *b = terms->backend;
    return t->n_layers * b->layer_us * terms->launch * 1e-6
           * (1 + b->moe * share(t->n_layers_moe, t->n_layers)
              + b->linear * share(t->n_layers_linear, t->n_layers));
}

/* Sums of n_head * head width * tokens scored: what attention multiplies, twice for K and twice for V. */
static double attention_flops(const struct pls_traffic *t, double depth)
{
    double seen = fmin(depth, (double)t->window_tokens);
    return 4 * (depth * (double)t->attention_width + seen * (double)t->attention_width_sliding);
}

static bool decode_terms(const struct pls_gpu_constants *c, const struct pls_gpu_load *load,
                         struct pls_gpu_terms *out)
{
    const struct pls_gpu_backend *b = out->backend;
    const struct pls_gpu_generation *g = out->generation;
    const double *ops = ops_of(c->ops, PLS_COUNT_OF(c->ops), load);
    const struct pls_traffic *t = load->traffic;
    if (b == NULL || g == NULL || ops == NULL || !(load->bandwidth_gbs > 0)) {
        return false;
    }
    double bandwidth = load->bandwidth_gbs * 1e9;
    out->rate = load->gpu->fp32_tflops * 1e12;
    weights_s(ops, load, g->bus_share * bandwidth, out);
    double cache = (double)pls_traffic_cache_bytes(t, load->depth_tokens);
    out->cache_share = b->cache_share * (load->flash_attention ? 1 : b->no_flash);
    out->cache_s = cache / (out->cache_share * bandwidth);
    out->scores_factor = b->attention_ops;
    double scores = out->scores_factor * attention_flops(t, (double)load->depth_tokens);
    out->scores_s = out->rate > 0 ? scores / out->rate : 0;
    out->launch = g->launch * (is_older(load, b->old_launch_before) ? b->old_launch : 1);
    out->fixed_s = launches_s(load, out);
    return true;
}

double pls_gpu_type_s(const struct pls_gpu_terms *terms, enum pls_type type, bool is_prefill)
{
    double bus = terms->bus_s[type];
    double work = terms->work_s[type];
    return is_prefill ? work : fmax(bus, work) + terms->backend->exposed * fmin(bus, work);
}

static struct pls_speed_parts parts_of(const struct pls_gpu_terms *terms, const struct pls_traffic *t,
                                       bool is_prefill)
{
    struct pls_speed_parts parts = { .other =
                                         terms->cache_s + terms->scores_s + terms->reread_s + terms->fixed_s,
                                     .n_layers = t->n_layers };
    for (size_t i = 0; i < PLS_TYPE_COUNT; i++) {
        if (t->weights_by_type[i] != 0) {
            parts.by_type[i] = pls_gpu_type_s(terms, (enum pls_type)i, is_prefill);
        }
    }
    return parts;
}

struct pls_share_time pls_gpu_decode(const struct pls_gpu_constants *c, const struct pls_gpu_load *load)
{
    struct pls_gpu_terms terms;
    if (!pls_gpu_terms(c, load, false, &terms)) {
        return unknown_time();
    }
    const struct pls_gpu_backend *b = terms.backend;
    const struct pls_gpu_generation *g = terms.generation;
    struct pls_engine_sample sample = { .parts = parts_of(&terms, load->traffic, false) };
    double bus = weight_bytes(load->traffic) / (g->bus_share * load->bandwidth_gbs * 1e9) + terms.cache_s
                 + terms.scores_s;
    double seconds = pls_calibrated_s(load->learnt, &sample);
    bool is_seen = g->rows > 0 && b->decode_rows > 0 && load->gpu->fp32_tflops > 0;
    return (struct pls_share_time){
        .seconds = seconds,
        .spread = pls_learnt_spread(load->learnt, is_seen ? b->decode_spread : pow(b->decode_spread, UNSEEN)),
        .bound = largest(bus, seconds - bus - terms.fixed_s, terms.fixed_s),
        .rows = g->rows,
    };
}

/* How much longer the products of quantized types take: of the layers all tokens pass, with an engine from
 * before the kernels for them; of the experts, to which a micro-batch's tokens are dealt out so that each
 * multiplies few. Slices so thin went through the integer kernels before whole layers did. */
static double slower(const struct pls_gpu_load *load, const struct pls_gpu_terms *terms, bool is_wide)
{
    const struct pls_traffic *t = load->traffic;
    double all = weight_bytes(t);
    double batch = (double)pls_min(load->prompt_tokens, pls_max(load->ubatch_tokens, 1));
    double each = batch / fmax(load->experts_per_used, 1);
    double experts = all > 0 ? (double)t->expert_share_bytes / all : 0;
    double old =
        is_older(load, terms->generation->old_before) && !is_wide ? terms->generation->old_prefill : 1;
    return (1 - experts) * old + experts * (1 + terms->backend->moe_prefill / each);
}

/* Parameters of a type, and those of its part of the output matrix. */
static double params_of(const struct pls_gpu_load *load, size_t type, uint64_t bytes)
{
    const struct pls_traffic *t = load->traffic;
    const struct pls_type_info *info = pls_type_info((enum pls_type)type);
    if (load->backend == PLS_BACKEND_MLX) {
        return (double)t->active_params * (double)bytes / weight_bytes(t);
    }
    return info->name != NULL && info->bytes > 0 ? (double)bytes / info->bytes * info->block : 0;
}

/* Seconds of a prompt's matrix products by type. */
static void products_s(const struct pls_gpu_constants *c, const struct pls_gpu_load *load,
                       struct pls_gpu_terms *out)
{
    const struct pls_traffic *t = load->traffic;
    const double *matrix = ops_of(c->matrix, PLS_COUNT_OF(c->matrix), load);
    double n = (double)load->prompt_tokens;
    for (size_t i = 0; i < PLS_TYPE_COUNT; i++) {
        if (t->weights_by_type[i] == 0) {
            continue;
        }
        enum pls_ops_class class =
            load->backend == PLS_BACKEND_MLX ? PLS_OPS_F16 : pls_ops_class((enum pls_type)i);
        bool is_wide = class == PLS_OPS_F16 || class == PLS_OPS_BF16;
        double output = params_of(load, i, t->output_by_type[i]);
        double products = 2 * ((params_of(load, i, t->weights_by_type[i]) - output) * n + output);
        out->per_type[i] = (matrix != NULL ? matrix[class] : 1) * slower(load, out, is_wide);
        out->work_s[i] = fmax(products, 0) / out->rate * out->per_type[i];
    }
}

static bool prefill_terms(const struct pls_gpu_constants *c, const struct pls_gpu_load *load,
                          struct pls_gpu_terms *out)
{
    const struct pls_gpu_backend *b = out->backend;
    const struct pls_gpu_generation *g = out->generation;
    const struct pls_traffic *t = load->traffic;
    double peak = g == NULL             ? 0
                  : g->peak_of_fp32 > 0 ? g->peak_of_fp32 * load->gpu->fp32_tflops
                                        : load->gpu->fp16_tflops;
    if (b == NULL || g == NULL || !(peak > 0) || !(load->bandwidth_gbs > 0) || load->prompt_tokens == 0) {
        return false;
    }
    double n = (double)load->prompt_tokens;
    double batches = ceil(n / (double)pls_max(load->ubatch_tokens, 1));
    out->rate = g->matrix_share * peak * 1e12;
    products_s(c, load, out);
    out->launch = g->launch;
    out->fixed_s = batches * t->n_layers * b->layer_prefill_us * out->launch * 1e-6
        * (1 + b->linear_prefill * share(t->n_layers_linear, t->n_layers));
    double depth = (double)load->depth_tokens + n / 2;
    double bandwidth = load->bandwidth_gbs * 1e9;
    out->cache_share = PREFILL_BUS_SHARE;
    out->cache_s = batches * (double)load->resident_bytes / (out->cache_share * bandwidth);
    out->scores_factor = b->attention_prefill * (load->flash_attention ? 1 : b->no_flash_prefill);
    out->scores_s = out->scores_factor * n * attention_flops(t, depth) / out->rate;
    out->reread_s = b->cache_prefill * n * (double)pls_traffic_cache_bytes(t, (uint64_t)depth) / bandwidth;
    return true;
}

struct pls_share_time pls_gpu_prefill(const struct pls_gpu_constants *c, const struct pls_gpu_load *load)
{
    struct pls_gpu_terms terms;
    if (!pls_gpu_terms(c, load, true, &terms)) {
        return unknown_time();
    }
    const struct pls_gpu_backend *b = terms.backend;
    const struct pls_gpu_generation *g = terms.generation;
    struct pls_engine_sample sample = { .is_prefill = true, .parts = parts_of(&terms, load->traffic, true) };
    bool is_seen = g->rows > 0 && b->prefill_rows > 0;
    double seconds = pls_calibrated_s(load->learnt, &sample);
    return (struct pls_share_time){
        .seconds = seconds,
        .spread =
            pls_learnt_spread(load->learnt, is_seen ? b->prefill_spread : pow(b->prefill_spread, UNSEEN)),
        .bound = seconds > 2 * sample.parts.other ? PLS_BOUND_COMPUTE : PLS_BOUND_MEMORY,
        .rows = g->rows,
    };
}

bool pls_gpu_terms(const struct pls_gpu_constants *c, const struct pls_gpu_load *load, bool is_prefill,
                   struct pls_gpu_terms *out)
{
    *out = (struct pls_gpu_terms){ .backend = backend_of(c, load), .generation = generation_of(c, load) };
    return is_prefill ? prefill_terms(c, load, out) : decode_terms(c, load, out);
}

struct pls_speed_parts pls_gpu_parts(const struct pls_gpu_constants *c, const struct pls_gpu_load *load,
                                     bool is_prefill)
{
    struct pls_gpu_terms terms;
    if (!pls_gpu_terms(c, load, is_prefill, &terms)) {
        return (struct pls_speed_parts){ .other = (double)NAN };
    }
    return parts_of(&terms, load->traffic, is_prefill);
}
