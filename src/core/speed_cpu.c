/* The processor's part: bytes of each tensor type at the rate its kernel was measured at, or bandwidth alone. */
#include <math.h>

#include "plimsoll/speed.h"

/* Share of the bandwidth decoding reaches when the kernels are unknown. Published rows of desktop and server processors
 * lie between 0.3 and 0.85 (Raspberry Pi 5 0.60, M2 Max cores 0.28): one number cannot be better than a factor of 1.8. */
static const double UNKNOWN_SHARE = 0.60;
static const double UNKNOWN_SPREAD = 1.8;

static double rate_gbs(const struct pls_cpu_load *load, enum pls_type type, bool *is_measured)
{
    const struct pls_type_rate *r = &load->rates->type[type];
    double measured = load->traffic->repacked && r->stream_repacked_gbs > 0 ? r->stream_repacked_gbs : r->stream_gbs;
    if (measured > 0) {
        return measured;
    }
    *is_measured = false;
    double gbs = load->rates->ram_gbs > 0 ? load->rates->ram_gbs : load->machine->pools[0].bandwidth_gbs;
    return gbs * UNKNOWN_SHARE;
}

struct pls_gpu_time pls_cpu_decode(const struct pls_cpu_load *load, enum pls_origin *origin)
{
    const struct pls_traffic *t = load->traffic;
    bool is_measured = true;
    double seconds = 0;
    for (size_t i = 0; i < PLS_TYPE_COUNT; i++) {
        if (t->weights_by_type[i] > 0) {
            seconds += (double)t->weights_by_type[i] / (rate_gbs(load, (enum pls_type)i, &is_measured) * 1e9);
        }
    }
    double cache = (double)pls_traffic_cache_bytes(t, load->depth_tokens);
    bool of_cache = true;
    double cache_gbs = load->rates->attention_gbs > 0 ? load->rates->attention_gbs : rate_gbs(load, PLS_TYPE_F16, &of_cache);
    seconds += cache / (cache_gbs * 1e9) + t->n_ops * load->rates->barrier_ns * 1e-9;
    *origin = is_measured ? PLS_ORIGIN_MEASURED : PLS_ORIGIN_ASSUMED;
    return (struct pls_gpu_time){ .seconds = isfinite(seconds) && seconds > 0 ? seconds : (double)NAN,
                                  .spread = is_measured ? 1.3 : UNKNOWN_SPREAD,
                                  .bound = PLS_BOUND_MEMORY };
}

struct pls_gpu_time pls_cpu_prefill(const struct pls_cpu_load *load, enum pls_origin *origin)
{
    const struct pls_traffic *t = load->traffic;
    double seconds = 0;
    double bytes = 0;
    for (size_t i = 0; i < PLS_TYPE_COUNT; i++) {
        bytes += (double)t->weights_by_type[i];
    }
    for (size_t i = 0; i < PLS_TYPE_COUNT; i++) {
        double share = bytes > 0 ? (double)t->weights_by_type[i] / bytes : 0;
        if (share > 0) {
            seconds += 2 * (double)t->active_params * (double)load->prompt_tokens * share / (load->rates->type[i].gemm_gflops * 1e9);
        }
    }
    *origin = PLS_ORIGIN_MEASURED;
    return (struct pls_gpu_time){ .seconds = isfinite(seconds) && seconds > 0 ? seconds : (double)NAN,
                                  .spread = 1.5,
                                  .bound = PLS_BOUND_COMPUTE };
}
