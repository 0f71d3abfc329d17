/* The GPU model of speed.h. Its parts are physical so that they carry over to devices nobody has measured; what they
 * leave out (kernel quality per generation, clocks under load) is in the spread. */
#include <math.h>
#include <string.h>

#include "plimsoll/speed.h"

/* Weights stream at this share of the bus on every device measured (0.85 to 0.93 on Apple chips, where the three quants of one
 * model lie on a straight line); it trades off against ops, so it is held. */
static const double BUS_SHARE = 0.93;
static const double PREFILL_BUS_SHARE = 0.8;
static const double PREFILL_LAYER_S = 0.24e-3;
static const double ATTENTION_COST = 5.7;
/* Without flash attention scores go through memory: the cache costs about twice. */
static const double NO_FLASH = 0.6;

static const char *const ops_vendors[] = { "nvidia", "apple", "amd", "intel", "mlx" };

struct pls_gpu_constants pls_gpu_constants(void)
{
    static const struct pls_gpu_class classes[] = {
#define PLS_GPU_CLASS(b, ...) { PLS_BACKEND_##b, __VA_ARGS__ },
#include "data/speed_gpu.def"
    };
    struct pls_gpu_constants c = {
        .n_classes = PLS_COUNT_OF(classes),
        .ops = {
#define PLS_GPU_OPS(vendor, ...) { __VA_ARGS__ },
#include "data/speed_gpu.def"
        },
    };
    _Static_assert(sizeof(classes) <= sizeof(c.classes), "more classes than room");
    memcpy(c.classes, classes, sizeof(classes));
    return c;
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
    if (type == PLS_TYPE_Q2_K || type == PLS_TYPE_Q3_K || type == PLS_TYPE_IQ4_NL || type == PLS_TYPE_IQ4_XS) {
        return PLS_OPS_LOW;
    }
    return name[0] == 'i' || name[0] == 't' ? PLS_OPS_IQ : PLS_OPS_Q4_0;
}

static const struct pls_gpu_class *class_of(const struct pls_gpu_constants *c, const struct pls_gpu_load *load)
{
    for (uint32_t i = 0; i < c->n_classes; i++) {
        const struct pls_gpu_class *k = &c->classes[i];
        bool is_vendor = k->vendor[0] == '\0' || strcmp(k->vendor, load->gpu->vendor) == 0;
        bool is_generation = k->generation[0] == '\0' || strcmp(k->generation, load->gpu->generation) == 0;
        if (k->backend == load->backend && is_vendor && is_generation) {
            return k;
        }
    }
    return NULL;
}

static const double *ops_of(const struct pls_gpu_constants *c, const struct pls_gpu_load *load)
{
    const char *vendor = load->backend == PLS_BACKEND_MLX ? "mlx" : load->gpu->vendor;
    for (size_t i = 0; i < PLS_COUNT_OF(ops_vendors); i++) {
        if (strcmp(ops_vendors[i], vendor) == 0) {
            return c->ops[i];
        }
    }
    return c->ops[0];
}

static double weight_bytes(const struct pls_traffic *t)
{
    double bytes = 0;
    for (size_t i = 0; i < PLS_TYPE_COUNT; i++) {
        bytes += (double)t->weights_by_type[i];
    }
    return bytes;
}

/* Operation slots for all weights a token touches. */
static double unpack_ops(const double *ops, const struct pls_traffic *t)
{
    double sum = 0;
    for (size_t i = 0; i < PLS_TYPE_COUNT; i++) {
        const struct pls_type_info *info = pls_type_info((enum pls_type)i);
        if (info->name != NULL && t->weights_by_type[i] > 0) {
            double weights = (double)t->weights_by_type[i] / info->bytes * info->block;
            sum += ops[pls_ops_class((enum pls_type)i)] * weights;
        }
    }
    return sum;
}

static double share(uint32_t part, uint32_t whole)
{
    return whole > 0 ? (double)part / whole : 0;
}

static enum pls_bound largest(double bus, double arithmetic, double fixed)
{
    return fixed >= bus && fixed >= arithmetic ? PLS_BOUND_OVERHEAD
        : arithmetic > bus                   ? PLS_BOUND_COMPUTE
                                             : PLS_BOUND_MEMORY;
}

struct pls_gpu_time pls_gpu_decode(const struct pls_gpu_constants *c, const struct pls_gpu_load *load)
{
    const struct pls_gpu_class *k = class_of(c, load);
    const struct pls_traffic *t = load->traffic;
    if (k == NULL || load->bandwidth_gbs <= 0) {
        return (struct pls_gpu_time){ .seconds = (double)NAN, .spread = 3 };
    }
    double bandwidth = load->bandwidth_gbs * 1e9;
    double fixed = t->n_layers * k->layer_us * 1e-6
        * (1 + k->moe * share(t->n_layers_moe, t->n_layers) + k->linear * share(t->n_layers_linear, t->n_layers));
    double bus = weight_bytes(t) / (BUS_SHARE * bandwidth);
    double fp32 = load->gpu->fp32_tflops * 1e12;
    double arithmetic = fp32 > 0 ? unpack_ops(ops_of(c, load), t) / fp32 : bus * 0.3;
    double cache = (double)pls_traffic_cache_bytes(t, load->depth_tokens);
    double attention = cache / (k->cache_share * (load->flash_attention ? 1 : NO_FLASH) * bandwidth);
    return (struct pls_gpu_time){
        .seconds = fixed + bus + arithmetic + attention,
        .spread = fp32 > 0 ? k->decode_spread : k->decode_spread * 1.25,
        .bound = largest(bus + attention, arithmetic, fixed),
        .rows = k->decode_rows,
    };
}

struct pls_gpu_time pls_gpu_prefill(const struct pls_gpu_constants *c, const struct pls_gpu_load *load)
{
    const struct pls_gpu_class *k = class_of(c, load);
    const struct pls_traffic *t = load->traffic;
    double peak = k == NULL ? 0 : k->peak_of_fp32 > 0 ? k->peak_of_fp32 * load->gpu->fp32_tflops : load->gpu->fp16_tflops;
    if (peak <= 0 || load->bandwidth_gbs <= 0 || load->prompt_tokens == 0) {
        return (struct pls_gpu_time){ .seconds = (double)NAN, .spread = 3 };
    }
    double rate = k->matrix_share * peak * 1e12;
    double n = (double)load->prompt_tokens;
    double ub = (double)pls_max(load->ubatch_tokens, 1);
    double wide = (double)(t->weights_by_type[PLS_TYPE_BF16] + t->weights_by_type[PLS_TYPE_F16]) / fmax(weight_bytes(t), 1);
    double slow = strcmp(load->gpu->vendor, "amd") == 0 && t->weights_by_type[PLS_TYPE_BF16] > 0 ? 1 + 0.5 * wide : 1;
    double matrix = 2 * (double)t->active_params * n / rate * (1 + k->moe_prefill * share(t->n_layers_moe, t->n_layers)) * slow;
    double batches = ceil(n / ub);
    double passes = batches
        * ((double)load->resident_bytes / (PREFILL_BUS_SHARE * load->bandwidth_gbs * 1e9) + t->n_layers * PREFILL_LAYER_S);
    double attention = ATTENTION_COST * 4 * n * ((double)load->depth_tokens + n / 2) * (double)t->attention_width / rate;
    return (struct pls_gpu_time){
        .seconds = matrix + passes + attention,
        .spread = k->prefill_spread,
        .bound = matrix + attention > passes ? PLS_BOUND_COMPUTE : PLS_BOUND_MEMORY,
        .rows = k->prefill_rows,
    };
}
