/* speed-fit CSV [CATALOG]: fits the constants of data/speed_gpu.def to published speeds and prints the file's new lines.
 *
 * Every line (a backend on one vendor's devices) is fitted by itself, decode and prefill apart: coordinate descent over the
 * logarithms of the constants on sum w * (sqrt(e^2 + c^2) - c) + shrinkage * ((log x - log prior) / width)^2, where e is the log of
 * predicted over observed and w one over the root of the device's number of rows: a device measured a hundred times counts ten
 * times as much as one measured once, and a wild row counts no more than its size. Spreads come from fits that left the device out,
 * or the model, whichever was further off.
 * No randomness: equal input gives equal lines. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"

enum { PARAMS = 80, FOLDS = 8, ALONE = 25 };
static const double SOFT = 0.03;
static const double SHRINKAGE = 0.05;
static const double LARGEST_SHARE = 0.98;

struct param {
    double *to[64]; /* what it multiplies */
    uint32_t n_to;
    double width;   /* of the prior, in log units */
    double x;       /* log of the factor on the prior */
    double step;
};

/* One backend line under fit. */
struct job {
    const struct samples *all;
    bool is_prefill;
    const struct pls_gpu_backend *line;
    uint32_t *rows; /* indices into all->items */
    uint32_t n;
    double *weight; /* 0: left out */
    uint32_t *fold, n_folds;
    double *error; /* log predicted / observed, held out */
    const struct pls_gpu_constants *prior;
    struct pls_gpu_constants now;
    struct param params[PARAMS];
    uint32_t n_params;
};

static struct pls_gpu_constants priors(void)
{
    static const struct pls_gpu_constants constants = {
        .backends = {
#define PLS_GPU_BACKEND(b, ...) { PLS_BACKEND_##b, __VA_ARGS__ },
#include "tests/speed/prior.def"
        },
        .generations = {
#define PLS_GPU_GENERATION(b, ...) { PLS_BACKEND_##b, __VA_ARGS__ },
#include "tests/speed/prior.def"
        },
        .ops = {
#define PLS_GPU_OPS(b, v, ...) { PLS_BACKEND_##b, v, { __VA_ARGS__ } },
#include "tests/speed/prior.def"
        },
    };
    return constants;
}

static bool is_line(const struct pls_gpu_backend *line, const struct sample *s)
{
    return line->backend == s->load.backend && strcmp(line->vendor, s->gpu.vendor) == 0;
}

static double predict(const struct job *j, const struct sample *s)
{
    struct pls_gpu_load load = sample_load(s);
    struct pls_gpu_time t = j->is_prefill ? pls_gpu_prefill(&j->now, &load) : pls_gpu_decode(&j->now, &load);
    return (j->is_prefill ? (double)load.prompt_tokens : 1) / t.seconds;
}

/* ---- what is fitted ---- */

static struct param *param(struct job *j, double width)
{
    struct param *p = &j->params[j->n_params++];
    *p = (struct param){ .width = width, .step = 0.3 };
    return p;
}

static void one(struct job *j, double *to, double width)
{
    if (*to > 0 && j->n_params < PARAMS) {
        struct param *p = param(j, width);
        p->to[p->n_to++] = to;
    }
}

static void list_backend(struct job *j, struct pls_gpu_backend *b)
{
    if (j->is_prefill) {
        one(j, &b->moe_prefill, 1);
        one(j, &b->f16_prefill, 0.5);
        one(j, &b->bf16_prefill, 0.5);
        one(j, &b->attention_prefill, 1);
        one(j, &b->layer_prefill_us, 1);
        one(j, &b->linear_prefill, 1);
        one(j, &b->old_prefill, 1);
    } else {
        one(j, &b->layer_us, 1);
        one(j, &b->moe, 1);
        one(j, &b->linear, 1);
        one(j, &b->cache_share, 0.7);
        one(j, &b->no_flash, 0.7);
        one(j, &b->attention_ops, 1);
    }
}

static bool has_rows(const struct job *j, const struct pls_gpu_generation *g)
{
    for (uint32_t i = 0; i < j->n; i++) {
        if (strcmp(j->all->items[j->rows[i]].gpu.generation, g->generation) == 0) {
            return true;
        }
    }
    return false;
}

/* Generations of one backend share a factor on their matrix rate, beside their own. */
static void list_generations(struct job *j)
{
    struct param *shared = j->is_prefill ? param(j, 1) : NULL;
    for (uint32_t i = 0; i < PLS_COUNT_OF(j->now.generations) && j->now.generations[i].generation != NULL; i++) {
        struct pls_gpu_generation *g = &j->now.generations[i];
        if (g->backend != j->line->backend) {
            continue;
        }
        if (shared != NULL) {
            shared->to[shared->n_to++] = &g->matrix_share;
        }
        if (has_rows(j, g)) {
            one(j, j->is_prefill ? &g->matrix_share : &g->bus_share, j->is_prefill ? 0.3 : 0.1);
        }
    }
}

static void list_params(struct job *j)
{
    j->n_params = 0;
    for (uint32_t i = 0; i < PLS_COUNT_OF(j->now.backends) && j->now.backends[i].vendor != NULL; i++) {
        if (j->now.backends[i].backend == j->line->backend && strcmp(j->now.backends[i].vendor, j->line->vendor) == 0) {
            list_backend(j, &j->now.backends[i]);
        }
    }
    list_generations(j);
    for (uint32_t i = 0; i < PLS_COUNT_OF(j->now.ops) && j->now.ops[i].vendor != NULL && !j->is_prefill; i++) {
        struct pls_gpu_ops *o = &j->now.ops[i];
        bool is_mine = (o->backend == j->line->backend || o->backend == PLS_BACKEND_NONE) && strcmp(o->vendor, j->line->vendor) == 0;
        for (uint32_t k = 0; k < PLS_OPS_COUNT && is_mine; k++) {
            one(j, &o->ops[k], 0.7);
        }
        if (is_mine) {
            break;
        }
    }
}

/* ---- descent ---- */

static void apply(struct job *j)
{
    j->now = *j->prior;
    for (uint32_t i = 0; i < j->n_params; i++) {
        for (uint32_t k = 0; k < j->params[i].n_to; k++) {
            *j->params[i].to[k] *= exp(j->params[i].x);
        }
    }
    for (uint32_t i = 0; i < PLS_COUNT_OF(j->now.generations); i++) {
        j->now.generations[i].bus_share = fmin(j->now.generations[i].bus_share, LARGEST_SHARE);
    }
}

static double loss(struct job *j)
{
    double sum = 0;
    apply(j);
    for (uint32_t i = 0; i < j->n; i++) {
        const struct sample *s = &j->all->items[j->rows[i]];
        double e = j->weight[i] > 0 ? log(predict(j, s) / s->observed_tps) : 0;
        sum += j->weight[i] * (sqrt(e * e + SOFT * SOFT) - SOFT);
    }
    for (uint32_t i = 0; i < j->n_params; i++) {
        double z = j->params[i].x / j->params[i].width;
        sum += SHRINKAGE * z * z;
    }
    return sum;
}

static double try_step(struct job *j, struct param *p, double best)
{
    for (int sign = 1; sign >= -1; sign -= 2) {
        p->x += sign * p->step;
        double l = loss(j);
        if (l < best - 1e-9) {
            p->step *= 1.5;
            return l;
        }
        p->x -= sign * p->step;
    }
    p->step *= 0.5;
    return best;
}

static void descend(struct job *j, uint32_t rounds)
{
    double best = loss(j);
    for (uint32_t r = 0; r < rounds; r++) {
        double start = best;
        for (uint32_t i = 0; i < j->n_params; i++) {
            best = try_step(j, &j->params[i], best);
        }
        if (r > 8 && start - best < 1e-5 * best) {
            break;
        }
    }
    apply(j);
}

static void start_over(struct job *j)
{
    for (uint32_t i = 0; i < j->n_params; i++) {
        j->params[i].x = 0;
        j->params[i].step = 0.3;
    }
}

/* ---- rows, folds, spreads ---- */

static uint32_t rows_of(const struct job *j, uint32_t device)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < j->n; i++) {
        n += j->all->items[j->rows[i]].device == device;
    }
    return n;
}

static void weigh(struct job *j, uint32_t left_out)
{
    for (uint32_t i = 0; i < j->n; i++) {
        j->weight[i] = j->fold[i] == left_out ? 0 : 1 / sqrt((double)rows_of(j, j->all->items[j->rows[i]].device));
    }
}

/* Devices, or models, with many rows are left out one by one, the others in turns. */
static bool is_same(const struct sample *a, const struct sample *b, bool by_model)
{
    return by_model ? strcmp(a->row.model_id, b->row.model_id) == 0 : a->device == b->device;
}

static void fold(struct job *j, bool by_model)
{
    uint32_t turn = 0;
    uint32_t alone = FOLDS;
    for (uint32_t i = 0; i < j->n; i++) {
        j->fold[i] = UINT32_MAX - 1;
    }
    for (uint32_t i = 0; i < j->n; i++) {
        const struct sample *s = &j->all->items[j->rows[i]];
        uint32_t n = 0;
        if (j->fold[i] != UINT32_MAX - 1) {
            continue;
        }
        for (uint32_t k = i; k < j->n; k++) {
            n += is_same(s, &j->all->items[j->rows[k]], by_model);
        }
        uint32_t mine = n >= ALONE ? alone++ : turn++ % FOLDS;
        for (uint32_t k = i; k < j->n; k++) {
            j->fold[k] = is_same(s, &j->all->items[j->rows[k]], by_model) ? mine : j->fold[k];
        }
    }
    j->n_folds = alone;
}

static void hold_out(struct job *j)
{
    for (uint32_t f = 0; f < j->n_folds; f++) {
        bool any = false;
        for (uint32_t i = 0; i < j->n; i++) {
            any = any || j->fold[i] == f;
        }
        if (!any) {
            continue;
        }
        weigh(j, f);
        start_over(j);
        descend(j, 12);
        for (uint32_t i = 0; i < j->n; i++) {
            const struct sample *s = &j->all->items[j->rows[i]];
            j->error[i] = j->fold[i] == f ? log(predict(j, s) / s->observed_tps) : j->error[i];
        }
    }
}

struct weighted {
    double value, weight;
};

static int by_value(const void *a, const void *b)
{
    const struct weighted *x = a;
    const struct weighted *y = b;
    return x->value < y->value ? -1 : x->value > y->value;
}

/* Quantile of |error| in which every device counts by the root of its rows. */
static double held_out_quantile(struct job *j, double q)
{
    struct weighted *list = calloc(j->n + 1, sizeof(*list));
    double total = 0;
    double result = (double)NAN;
    if (list == NULL) {
        return result;
    }
    weigh(j, UINT32_MAX);
    for (uint32_t i = 0; i < j->n; i++) {
        list[i] = (struct weighted){ fabs(j->error[i]), j->weight[i] };
        total += j->weight[i];
    }
    qsort(list, j->n, sizeof(*list), by_value);
    double sum = 0;
    for (uint32_t i = 0; i < j->n && !(sum >= q * total); i++) {
        sum += list[i].weight;
        result = list[i].value;
    }
    free(list);
    return result;
}

static uint32_t devices_of(const struct job *j)
{
    uint32_t n = 0;
    for (uint32_t d = 0; d < j->all->n_devices; d++) {
        n += rows_of(j, d) > 0;
    }
    return n;
}

/* A page read where seconds were expected: predicted and measured differ by more than any device does. */
static bool is_sane(const struct sample *s)
{
    return s->predicted_tps > 0 && fabs(log(s->predicted_tps / s->observed_tps)) < 2.5;
}

static bool gather(struct job *j)
{
    j->rows = calloc(j->all->n + 1, sizeof(*j->rows));
    j->weight = calloc(j->all->n + 1, sizeof(*j->weight));
    j->fold = calloc(j->all->n + 1, sizeof(*j->fold));
    j->error = calloc(j->all->n + 1, sizeof(*j->error));
    if (j->rows == NULL || j->weight == NULL || j->fold == NULL || j->error == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < j->all->n; i++) {
        const struct sample *s = &j->all->items[i];
        if (s->is_fit && s->is_prefill == j->is_prefill && is_line(j->line, s) && is_sane(s)) {
            j->rows[j->n++] = i;
        }
    }
    return true;
}

/* Copies what one job fitted into the result. */
static void merge(struct job *j, struct pls_gpu_constants *out)
{
    const unsigned char *from = (const unsigned char *)&j->now;
    for (uint32_t i = 0; i < j->n_params; i++) {
        for (uint32_t k = 0; k < j->params[i].n_to; k++) {
            size_t at = (size_t)((const unsigned char *)j->params[i].to[k] - from);
            memcpy((unsigned char *)out + at, j->params[i].to[k], sizeof(double));
        }
    }
}

static void run(const struct samples *all, const struct pls_gpu_constants *prior, struct pls_gpu_backend *line, bool is_prefill,
                struct pls_gpu_constants *out)
{
    static struct job job;
    job = (struct job){ .all = all, .is_prefill = is_prefill, .line = line, .prior = prior, .now = *prior };
    if (gather(&job) && job.n > 0) {
        list_params(&job);
        double median[2];
        double spread[2];
        for (int by_model = 0; by_model < 2; by_model++) {
            fold(&job, by_model);
            hold_out(&job);
            median[by_model] = held_out_quantile(&job, 0.5);
            spread[by_model] = exp(held_out_quantile(&job, 0.8));
        }
        double held = is_prefill ? line->prefill_spread : line->decode_spread;
        uint32_t devices = devices_of(&job);
        double widest = fmax(spread[0], spread[1]);
        /* A handful of devices says little about the next one; one says nothing, and without it only the prior is left. */
        widest = devices == 1 ? fmax(spread[1], held) : devices < 4 ? fmax(widest, held) : widest;
        weigh(&job, UINT32_MAX);
        start_over(&job);
        descend(&job, 40);
        merge(&job, out);
        *(is_prefill ? &line->prefill_spread : &line->decode_spread) = widest;
        *(is_prefill ? &line->prefill_rows : &line->decode_rows) = job.n;
        fprintf(stderr, "%s %s %s: %u rows, %u devices; held out by device median %.1f%% spread %.2f, by model %.1f%% %.2f\n",
                pls_backend_name(line->backend), line->vendor, is_prefill ? "prefill" : "decode", job.n, devices, 100 * median[0],
                spread[0], 100 * median[1], spread[1]);
    } else {
        *(is_prefill ? &line->prefill_rows : &line->decode_rows) = 0;
    }
    free(job.rows);
    free(job.weight);
    free(job.fold);
    free(job.error);
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

static void print(const struct pls_gpu_constants *c)
{
    char name[16];
    for (uint32_t i = 0; i < PLS_COUNT_OF(c->backends) && c->backends[i].vendor != NULL; i++) {
        const struct pls_gpu_backend *b = &c->backends[i];
        upper(b->backend, name);
        printf("PLS_GPU_BACKEND(%s, \"%s\", %.3g, %.3g, %.3g, %.3g, %.3g, %.3g, %.3g, %u, %.3g, %.3g, %.3g, %.3g, %.3g, %.3g, %.3g, %u, "
               "%.3g, %u)\n", name, b->vendor, b->layer_us, b->moe, b->linear, b->cache_share, b->no_flash, b->attention_ops,
               b->decode_spread, b->decode_rows, b->moe_prefill, b->f16_prefill, b->bf16_prefill, b->attention_prefill,
               b->layer_prefill_us, b->linear_prefill, b->old_prefill, b->old_before, b->prefill_spread, b->prefill_rows);
    }
    printf("\n");
    for (uint32_t i = 0; i < PLS_COUNT_OF(c->generations) && c->generations[i].generation != NULL; i++) {
        const struct pls_gpu_generation *g = &c->generations[i];
        upper(g->backend, name);
        printf("PLS_GPU_GENERATION(%s, \"%s\", %.3g, %.3g, %.3g, %u)\n", name, g->generation, fmin(g->bus_share, LARGEST_SHARE),
               g->peak_of_fp32, g->matrix_share, g->rows);
    }
    printf("\n");
    for (uint32_t i = 0; i < PLS_COUNT_OF(c->ops) && c->ops[i].vendor != NULL; i++) {
        upper(c->ops[i].backend, name);
        printf("PLS_GPU_OPS(%s, \"%s\"", name, c->ops[i].vendor);
        for (uint32_t k = 0; k < PLS_OPS_COUNT; k++) {
            printf(", %.3g", c->ops[i].ops[k]);
        }
        printf(")\n");
    }
}

int main(int argc, char **argv)
{
    static struct pls_gpu_constants prior, fitted;
    struct samples all;
    if (argc < 2) {
        fprintf(stderr, "usage: speed-fit CSV [CATALOG]\n");
        return 2;
    }
    if (!samples_read(argv[1], argc > 2 ? argv[2] : "build/catalog.db", &all)) {
        return 3;
    }
    prior = priors();
    fitted = prior;
    for (uint32_t i = 0; i < PLS_COUNT_OF(fitted.backends) && fitted.backends[i].vendor != NULL; i++) {
        run(&all, &prior, &fitted.backends[i], false, &fitted);
        run(&all, &prior, &fitted.backends[i], true, &fitted);
    }
    count(&all, &fitted);
    print(&fitted);
    samples_free(&all);
    return 0;
}
