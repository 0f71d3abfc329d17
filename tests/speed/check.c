/* speed-check CSV... CATALOG: how far the program's predictions are from published speeds, and how far those for devices and models
 * are that the fit has not seen. Rows are those of the first table; the others only take part in the fits.
 *
 * Per backend: median and p90 over rows of |predicted / observed - 1|, median over devices of each device's median and its
 * p90, bias, and the share of rows inside the stated interval; beside it bandwidth / size x 0.55. --rows prints every row,
 * --no-device and --no-model every row as a fit without its device, or model, predicts it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plimsoll/text.h"
#include "fitting.h"

struct errors {
    double *value;
    uint32_t n;
};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double quantile(struct errors *e, double q)
{
    if (e->n == 0) {
        return (double)NAN;
    }
    qsort(e->value, e->n, sizeof(e->value[0]), by_value);
    double at = q * (double)(e->n - 1);
    uint32_t low = (uint32_t)at;
    uint32_t high = low + 1 < e->n ? low + 1 : low;
    return e->value[low] + (at - (double)low) * (e->value[high] - e->value[low]);
}

typedef bool wanted(const struct sample *s, const char *word);

static bool is_backend(const struct sample *s, const char *word)
{
    bool is_here = word[0] == '*' ? strcmp(s->row.backend, "cpu") != 0 && strcmp(s->row.backend, "mlx") != 0
                                  : strcmp(s->row.backend, word) == 0;
    return is_here && s->row.n_gpu == 1;
}

static bool is_undisturbed(const struct sample *s, const char *word)
{
    return s->is_fit && is_backend(s, word);
}

static bool is_several(const struct sample *s, const char *word)
{
    return strcmp(s->row.backend, word) == 0 && s->row.n_gpu > 1;
}

static bool is_slice(const struct sample *s, const char *word)
{
    if (!s->is_clean || strcmp(s->row.backend, "mlx") == 0) {
        return false;
    }
    bool is_moe = s->traffic.n_layers_moe > 0;
    double bytes = 0;
    for (uint32_t i = 0; i < PLS_TYPE_COUNT; i++) {
        bytes += (double)s->traffic.weights_by_type[i];
    }
    return strcmp(word, "moe") == 0         ? is_moe
           : strcmp(word, "deep") == 0      ? s->row.n_depth >= 8192
           : strcmp(word, "hybrid") == 0    ? s->traffic.n_layers_linear > 0
           : strcmp(word, "sliding") == 0   ? s->traffic.window_tokens > 0
           : strcmp(word, "small") == 0     ? !is_moe && bytes < 1.5e9
                                            : !is_moe && bytes >= 1.5e9 && s->row.n_depth == 0;
}

static bool is_maker(const struct sample *s, const char *word)
{
    return s->is_clean && strcmp(s->row.backend, "mlx") != 0 && strcmp(s->gpu.generation, word) == 0;
}

struct report {
    const struct samples *all;
    bool is_prefill, clean_only;
    double *room[3];
};

static void line(struct report *r, const char *label, wanted *want, const char *word)
{
    struct errors row = { r->room[0], 0 };
    struct errors naive = { r->room[1], 0 };
    struct errors device = { r->room[2], 0 };
    uint32_t inside = 0;
    double bias = 0;
    for (uint32_t d = 0; d < r->all->n_devices; d++) {
        uint32_t first = row.n;
        for (uint32_t i = 0; i < r->all->n; i++) {
            const struct sample *s = &r->all->items[i];
            bool quality = !r->clean_only || strcmp(s->row.quality, "llama-bench") == 0 || s->is_clean;
            if (s->file != 0 || s->device != d || s->is_prefill != r->is_prefill || !quality || !want(s, word) || !(s->predicted_tps > 0)) {
                continue;
            }
            row.value[row.n++] = fabs(s->predicted_tps / s->observed_tps - 1);
            naive.value[naive.n++] = fabs(s->naive_tps / s->observed_tps - 1);
            inside += s->low_tps <= s->observed_tps && s->observed_tps <= s->high_tps;
            bias += log(s->predicted_tps / s->observed_tps);
        }
        struct errors mine = { row.value + first, row.n - first };
        if (mine.n > 0) {
            device.value[device.n++] = quantile(&mine, 0.5);
        }
    }
    if (row.n == 0) {
        return;
    }
    uint32_t n = row.n;
    printf("%-20s %5u %4u  %6.1f %6.1f  %6.1f %6.1f  %+6.1f  %5.0f", label, n, device.n, 100 * quantile(&row, 0.5),
           100 * quantile(&row, 0.9), 100 * quantile(&device, 0.5), 100 * quantile(&device, 0.9), 100 * (exp(bias / n) - 1),
           100.0 * inside / n);
    if (!r->is_prefill) {
        printf("   %6.1f %6.1f", 100 * quantile(&naive, 0.5), 100 * quantile(&naive, 0.9));
    }
    printf("\n");
}

static void part(struct report *r, const char *title)
{
    static const char *const backends[] = { "cuda", "metal", "rocm", "vulkan", "sycl", "mlx", "cpu" };
    static const char *const slices[] = { "dense", "small", "moe", "hybrid", "sliding", "deep" };
    static const char *const makers[] = {
        "pascal", "volta", "turing", "ampere", "ampere-dc", "ada", "hopper", "blackwell", "orin", "m1", "m2", "m3", "m4", "m5",
        "rdna1", "rdna2", "rdna3", "rdna3.5", "rdna4", "cdna1", "cdna2", "cdna3", "xe-hpg", "xe2", "xe-lpg", "gcn",
    };
    printf("%s\n%-20s  rows  dev  row med    p90  dev med    p90    bias  in 80%%%s\n", title, "",
           r->is_prefill ? "" : "   naive med  p90");
    line(r, "all llama.cpp GPUs", is_backend, "*");
    line(r, "all undisturbed", is_undisturbed, "*");
    for (size_t i = 0; i < PLS_COUNT_OF(backends); i++) {
        line(r, backends[i], is_backend, backends[i]);
    }
    line(r, "vulkan undisturbed", is_undisturbed, "vulkan");
    for (size_t i = 0; i < PLS_COUNT_OF(backends); i++) {
        char label[32];
        struct pls_text t = PLS_TEXT(label);
        pls_text_add(&t, "%s, several", backends[i]);
        line(r, label, is_several, backends[i]);
    }
    for (size_t i = 0; i < PLS_COUNT_OF(slices); i++) {
        line(r, slices[i], is_slice, slices[i]);
    }
    for (size_t i = 0; i < PLS_COUNT_OF(makers); i++) {
        line(r, makers[i], is_maker, makers[i]);
    }
    printf("\n");
}

static void rows(const struct samples *all)
{
    printf("hw\tbackend\tgeneration\tn_gpu\tmodel\tquant\tquality\tversion\tprompt\tgen\tdepth\tflash\tobserved\tpredicted\tlow\thigh\t"
           "fit\tbandwidth\tfp32\tfp16\tactive\tlayers\tmoe\tlinear\tkv\tkv_sliding\twindow\tkv_fixed\twidth\twidth_sliding\tresident\t"
           "experts\tvendor\tubatch\tops\tfile\trun_fa");
    for (uint32_t k = 0; k < PLS_TYPE_COUNT; k++) {
        printf("\tw%u", k);
    }
    printf("\n");
    for (uint32_t i = 0; i < all->n; i++) {
        const struct sample *s = &all->items[i];
        const struct pls_traffic *t = &s->traffic;
        printf("%s\t%s\t%s\t%u\t%s\t%s\t%s\t%s\t%llu\t%llu\t%llu\t%d\t%g\t%g\t%g\t%g\t%d\t%g\t%g\t%g\t%llu\t%u\t%u\t%u\t%llu\t%llu\t%llu\t%llu\t"
               "%llu\t%llu\t%llu\t%llu\t%s\t%llu\t%u\t%g\t%d",
               s->row.hw_id, s->row.backend, s->gpu.generation, s->row.n_gpu, s->row.model_id, s->row.quant, s->row.quality,
               s->row.version, (unsigned long long)s->row.n_prompt, (unsigned long long)s->row.n_gen,
               (unsigned long long)s->row.n_depth, s->load.flash_attention, s->observed_tps, s->predicted_tps, s->low_tps, s->high_tps,
               s->is_fit, s->load.bandwidth_gbs, s->gpu.fp32_tflops, s->gpu.fp16_tflops, (unsigned long long)t->active_params,
               t->n_layers, t->n_layers_moe, t->n_layers_linear, (unsigned long long)t->kv_per_token,
               (unsigned long long)t->kv_sliding_per_token, (unsigned long long)t->window_tokens,
               (unsigned long long)t->kv_fixed, (unsigned long long)t->attention_width,
               (unsigned long long)t->attention_width_sliding, (unsigned long long)s->load.resident_bytes,
               (unsigned long long)t->expert_share_bytes, s->gpu.vendor, (unsigned long long)s->load.ubatch_tokens, t->n_ops,
               s->file_bytes, s->row.flash);
        for (uint32_t k = 0; k < PLS_TYPE_COUNT; k++) {
            printf("\t%llu", (unsigned long long)t->weights_by_type[k]);
        }
        printf("\n");
    }
}

static void left_out(struct report *r, struct samples *work, const struct samples *all, bool by_model)
{
    memcpy(work->items, all->items, all->n * sizeof(*all->items));
    r->all = work;
    if (!fit_leave_out(work, by_model)) {
        return;
    }
    r->is_prefill = false;
    part(r, by_model ? "decode, each model predicted by a fit without it" : "decode, each device predicted by a fit without it");
    r->is_prefill = true;
    part(r, by_model ? "prefill, each model predicted by a fit without it" : "prefill, each device predicted by a fit without it");
}

static void tables(struct report *r, const struct samples *all, struct samples *work)
{
    printf("%u rows; left out: %u of hardware without a profile, %u of models without a card, %u of other packagings, %u not "
           "planned\n\n", all->n, all->no_hardware, all->no_model, all->no_quant, all->no_plan);
    part(r, "decode, llama-bench and mlx rows");
    r->is_prefill = true;
    part(r, "prefill, llama-bench and mlx rows");
    r->clean_only = false;
    r->is_prefill = false;
    part(r, "decode, every row");
    r->clean_only = true;
    left_out(r, work, all, false);
    left_out(r, work, all, true);
}

int main(int argc, char **argv)
{
    int first = argc > 1 && strncmp(argv[1], "--", 2) == 0 ? 2 : 1;
    struct samples all, work;
    if (argc - first < 2) {
        fprintf(stderr, "usage: speed-check [--rows|--no-device|--no-model] CSV... CATALOG\n");
        return 2;
    }
    if (!samples_read((const char *const *)argv + first, (uint32_t)(argc - first) - 1, argv[argc - 1], &all)) {
        return 3;
    }
    struct report r = { .all = &all, .clean_only = true };
    work = all;
    work.items = calloc(all.n + 1, sizeof(*work.items));
    bool ok = all.n > 0 && work.items != NULL;
    for (size_t i = 0; i < PLS_COUNT_OF(r.room); i++) {
        r.room[i] = calloc(all.n + 1, sizeof(double));
        ok = ok && r.room[i] != NULL;
    }
    if (ok && first == 2 && strcmp(argv[1], "--rows") != 0) {
        ok = fit_leave_out(&all, strcmp(argv[1], "--no-model") == 0);
    }
    if (ok && first == 2) {
        rows(&all);
    } else if (ok) {
        tables(&r, &all, &work);
    }
    for (size_t i = 0; i < PLS_COUNT_OF(r.room); i++) {
        free(r.room[i]);
    }
    free(work.items);
    samples_free(&all);
    return ok ? 0 : 3;
}
