/* speed-fit CSV... CATALOG: fits the constants of data/speed_gpu.def to published speeds and prints the file's new lines (how:
 * fitting.h). Spreads come from fits that left the device out, or the model, whichever was further off. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "fitting.h"

static const double LARGEST_SHARE = 0.98;
enum { FEW = 6 };

static void run(const struct samples *all, struct pls_gpu_backend *line, bool is_prefill, struct pls_gpu_constants *out)
{
    static struct fit fit;
    uint32_t *rows = is_prefill ? &line->prefill_rows : &line->decode_rows;
    double *held = is_prefill ? &line->prefill_spread : &line->decode_spread;
    *rows = 0;
    if (!fit_open(&fit, all, line, is_prefill)) {
        fit_close(&fit);
        return;
    }
    fit_hold_out(&fit, false);
    fit_hold_out(&fit, true);
    uint32_t devices = fit_devices(&fit);
    double spread = exp(fmax(fit_quantile(&fit, false, 0.8), fit_quantile(&fit, true, 0.8)));
    fprintf(stderr, "%s %s %s: %u rows, %u devices; median of devices left out %.1f%%, of models %.1f%%; spread %.2f\n",
            pls_backend_name(line->backend), line->vendor, is_prefill ? "prefill" : "decode", fit.n, devices,
            100 * fit_quantile(&fit, false, 0.5), 100 * fit_quantile(&fit, true, 0.5), spread);
    /* A handful of devices says little about the next one. */
    *held = devices < FEW ? fmax(spread, *held) : spread;
    *rows = fit.n;
    fit_all(&fit);
    fit_merge(&fit, out);
    fit_close(&fit);
}

static void count(const struct samples *all, struct pls_gpu_constants *c)
{
    for (uint32_t i = 0; i < PLS_COUNT_OF(c->generations) && c->generations[i].generation != NULL; i++) {
        struct pls_gpu_generation *g = &c->generations[i];
        g->rows = 0;
        for (uint32_t k = 0; k < all->n; k++) {
            const struct sample *s = &all->items[k];
            g->rows += s->is_fit && s->load.backend == g->backend && strcmp(s->gpu.generation, g->generation) == 0;
        }
    }
}

/* ---- the new lines ---- */

static void upper(enum pls_backend backend, char out[16])
{
    const char *name = backend == PLS_BACKEND_NONE ? "none" : pls_backend_name(backend);
    size_t i = 0;
    for (; name[i] != '\0' && i < 15; i++) {
        out[i] = (char)(name[i] >= 'a' && name[i] <= 'z' ? name[i] - 'a' + 'A' : name[i]);
    }
    out[i] = '\0';
}

static void print_by_type(const char *what, const struct pls_gpu_ops *table, size_t n)
{
    char name[16];
    printf("\n");
    for (size_t i = 0; i < n && table[i].vendor != NULL; i++) {
        upper(table[i].backend, name);
        printf("%s(%s, \"%s\"", what, name, table[i].vendor);
        for (uint32_t k = 0; k < PLS_OPS_COUNT; k++) {
            printf(", %.3g", table[i].ops[k]);
        }
        printf(")\n");
    }
}

static void print(const struct pls_gpu_constants *c)
{
    char name[16];
    for (uint32_t i = 0; i < PLS_COUNT_OF(c->backends) && c->backends[i].vendor != NULL; i++) {
        const struct pls_gpu_backend *b = &c->backends[i];
        upper(b->backend, name);
        printf("PLS_GPU_BACKEND(%s, \"%s\", %.3g, %.3g, %.3g, %.3g, %.3g, %.3g, %.3g, %u, %.3g, %.3g, %u, %.3g, %.3g, %.3g, %.3g, %.3g, %.3g, %.3g, %u)\n", name, b->vendor, b->layer_us, b->moe, b->linear, b->cache_share, b->no_flash, b->attention_ops, b->old_launch, b->old_launch_before, fmin(b->exposed, 1),
               b->decode_spread, b->decode_rows, b->moe_prefill, b->cache_prefill, b->attention_prefill, b->no_flash_prefill,
               b->layer_prefill_us, b->linear_prefill, b->prefill_spread, b->prefill_rows);
    }
    printf("\n");
    for (uint32_t i = 0; i < PLS_COUNT_OF(c->generations) && c->generations[i].generation != NULL; i++) {
        const struct pls_gpu_generation *g = &c->generations[i];
        upper(g->backend, name);
        printf("PLS_GPU_GENERATION(%s, \"%s\", %.3g, %.3g, %.3g, %.3g, %.3g, %.3g, %u, %u)\n", name, g->generation, fmin(g->bus_share, LARGEST_SHARE),
               g->launch, g->unpack, g->peak_of_fp32, g->matrix_share, g->old_prefill, g->old_before, g->rows);
    }
    print_by_type("PLS_GPU_OPS", c->ops, PLS_COUNT_OF(c->ops));
    print_by_type("PLS_GPU_MATRIX", c->matrix, PLS_COUNT_OF(c->matrix));
}

int main(int argc, char **argv)
{
    static struct pls_gpu_constants fitted;
    struct samples all;
    if (argc < 3) {
        fprintf(stderr, "usage: speed-fit CSV... CATALOG\n");
        return 2;
    }
    if (!samples_read((const char *const *)argv + 1, (uint32_t)argc - 2, argv[argc - 1], &all)) {
        return 3;
    }
    fitted = *fit_priors();
    for (uint32_t i = 0; i < PLS_COUNT_OF(fitted.backends) && fitted.backends[i].vendor != NULL; i++) {
        run(&all, &fitted.backends[i], false, &fitted);
        run(&all, &fitted.backends[i], true, &fitted);
    }
    count(&all, &fitted);
    print(&fitted);
    samples_free(&all);
    return 0;
}
