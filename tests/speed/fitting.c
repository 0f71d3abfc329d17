#include "fitting.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A device with n rows counts n^(1 - CROWD) times: the next device is another one, however often this one was measured. */
static const double CROWD = 0.75;
static const double SOFT = 0.03;
static const double SHRINKAGE = 0.05;
static const double LARGEST_SHARE = 0.98;

const struct pls_gpu_constants *fit_priors(void)
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
        .matrix = {
#define PLS_GPU_MATRIX(b, v, ...) { PLS_BACKEND_##b, v, { __VA_ARGS__ } },
#include "tests/speed/prior.def"
        },
    };
    return &constants;
}

static bool is_line(const struct pls_gpu_backend *line, const struct sample *s)
{
    return line->backend == s->load.backend && strcmp(line->vendor, s->gpu.vendor) == 0;
}

static double predict(const struct fit *f, const struct sample *s)
{
    struct pls_gpu_load load = sample_load(s);
    struct pls_share_time t = f->is_prefill ? pls_gpu_prefill(&f->now, &load) : pls_gpu_decode(&f->now, &load);
    return (f->is_prefill ? (double)load.prompt_tokens : 1) / t.seconds;
}

/* ---- what is fitted ---- */

static struct fit_param *param(struct fit *f, double width)
{
    struct fit_param *p = &f->params[f->n_params++];
    *p = (struct fit_param){ .width = width, .step = 0.3 };
    return p;
}

static void one(struct fit *f, double *to, double width)
{
    if (*to > 0 && f->n_params < FIT_PARAMS) {
        struct fit_param *p = param(f, width);
        p->to[p->n_to++] = to;
    }
}

static void list_backend(struct fit *f, struct pls_gpu_backend *b)
{
    if (f->is_prefill) {
        one(f, &b->moe_prefill, 1);
        one(f, &b->cache_prefill, 1);
        one(f, &b->attention_prefill, 1);
        one(f, &b->no_flash_prefill, 0.7);
        one(f, &b->layer_prefill_us, 1);
        one(f, &b->linear_prefill, 1);
    } else {
        one(f, &b->layer_us, 1);
        one(f, &b->moe, 1);
        one(f, &b->linear, 1);
        one(f, &b->cache_share, 0.7);
        one(f, &b->no_flash, 0.7);
        one(f, &b->attention_ops, 1);
        one(f, &b->exposed, 1);
        if (b->old_launch_before > 0) {
            one(f, &b->old_launch, 0.5);
        }
    }
}

static bool has_rows(const struct fit *f, const struct pls_gpu_generation *g)
{
    for (uint32_t i = 0; i < f->n; i++) {
        if (strcmp(f->all->items[f->rows[i]].gpu.generation, g->generation) == 0) {
            return true;
        }
    }
    return false;
}

/* Generations of one backend share a factor on their matrix rate, beside their own. */
static void list_generations(struct fit *f)
{
    struct fit_param *shared = f->is_prefill ? param(f, 1) : NULL;
    struct fit_param *unpack = f->is_prefill ? NULL : param(f, 0.3);
    for (uint32_t i = 0; i < PLS_COUNT_OF(f->now.generations) && f->now.generations[i].generation != NULL; i++) {
        struct pls_gpu_generation *g = &f->now.generations[i];
        if (g->backend != f->line->backend) {
            continue;
        }
        if (shared != NULL) {
            shared->to[shared->n_to++] = &g->matrix_share;
        }
        if (unpack != NULL && g->unpack < 1) {
            unpack->to[unpack->n_to++] = &g->unpack; /* one kind of ALU: one factor */
        }
        if (has_rows(f, g)) {
            one(f, f->is_prefill ? &g->matrix_share : &g->bus_share, f->is_prefill ? 0.3 : 0.1);
            one(f, f->is_prefill ? &g->old_prefill : &g->launch, f->is_prefill ? 0.5 : 0.3);
        }
    }
}

static void list_params(struct fit *f)
{
    f->n_params = 0;
    for (uint32_t i = 0; i < PLS_COUNT_OF(f->now.backends) && f->now.backends[i].vendor != NULL; i++) {
        if (f->now.backends[i].backend == f->line->backend && strcmp(f->now.backends[i].vendor, f->line->vendor) == 0) {
            list_backend(f, &f->now.backends[i]);
        }
    }
    list_generations(f);
    struct pls_gpu_ops *table = f->is_prefill ? f->now.matrix : f->now.ops;
    for (uint32_t i = 0; i < PLS_COUNT_OF(f->now.ops) && table[i].vendor != NULL; i++) {
        struct pls_gpu_ops *o = &table[i];
        bool is_mine = (o->backend == f->line->backend || o->backend == PLS_BACKEND_NONE) && strcmp(o->vendor, f->line->vendor) == 0;
        for (uint32_t k = 0; k < PLS_OPS_COUNT && is_mine; k++) {
            one(f, &o->ops[k], f->is_prefill ? 0.3 : 0.7);
        }
        if (is_mine) {
            break;
        }
    }
}

/* ---- descent ---- */

static void apply(struct fit *f)
{
    f->now = *f->prior;
    for (uint32_t i = 0; i < f->n_params; i++) {
        for (uint32_t k = 0; k < f->params[i].n_to; k++) {
            *f->params[i].to[k] *= exp(f->params[i].x);
        }
    }
    for (uint32_t i = 0; i < PLS_COUNT_OF(f->now.generations); i++) {
        f->now.generations[i].bus_share = fmin(f->now.generations[i].bus_share, LARGEST_SHARE);
    }
    for (uint32_t i = 0; i < PLS_COUNT_OF(f->now.backends); i++) {
        f->now.backends[i].exposed = fmin(f->now.backends[i].exposed, 1);
    }
}

static double loss(struct fit *f)
{
    double sum = 0;
    apply(f);
    for (uint32_t i = 0; i < f->n; i++) {
        const struct sample *s = &f->all->items[f->rows[i]];
        double e = f->weight[i] > 0 ? log(predict(f, s) / s->observed_tps) : 0;
        sum += f->weight[i] * (sqrt(e * e + SOFT * SOFT) - SOFT);
    }
    for (uint32_t i = 0; i < f->n_params; i++) {
        double z = f->params[i].x / f->params[i].width;
        sum += SHRINKAGE * z * z;
    }
    return sum;
}

static double try_step(struct fit *f, struct fit_param *p, double best)
{
    for (int sign = 1; sign >= -1; sign -= 2) {
        p->x += sign * p->step;
        double l = loss(f);
        if (l < best - 1e-9) {
            p->step *= 1.5;
            return l;
        }
        p->x -= sign * p->step;
    }
    p->step *= 0.5;
    return best;
}

static void descend(struct fit *f, uint32_t rounds)
{
    double best = loss(f);
    for (uint32_t r = 0; r < rounds; r++) {
        double start = best;
        for (uint32_t i = 0; i < f->n_params; i++) {
            best = try_step(f, &f->params[i], best);
        }
        if (r > 8 && start - best < 1e-5 * best) {
            break;
        }
    }
    apply(f);
}

/* ---- rows ---- */

static uint32_t rows_of(const struct fit *f, uint32_t device)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < f->n; i++) {
        n += f->all->items[f->rows[i]].device == device;
    }
    return n;
}

static bool is_same(const struct sample *a, const struct sample *b, bool by_model)
{
    return by_model ? strcmp(a->row.model_id, b->row.model_id) == 0 : a->device == b->device;
}

/* left_out: a row whose device (or model) does not count; NULL none. */
static void weigh(struct fit *f, const struct sample *left_out, bool by_model)
{
    for (uint32_t i = 0; i < f->n; i++) {
        const struct sample *s = &f->all->items[f->rows[i]];
        bool is_out = left_out != NULL && is_same(left_out, s, by_model);
        f->weight[i] = is_out ? 0 : pow((double)rows_of(f, s->device), -CROWD);
    }
}

static void start_over(struct fit *f)
{
    for (uint32_t i = 0; i < f->n_params; i++) {
        f->params[i].x = 0;
        f->params[i].step = 0.3;
    }
}

/* A page read where seconds were expected: predicted and measured differ by more than any device does. */
static bool is_sane(const struct sample *s)
{
    return s->predicted_tps > 0 && fabs(log(s->predicted_tps / s->observed_tps)) < 2.5;
}

bool fit_open(struct fit *f, const struct samples *all, const struct pls_gpu_backend *line, bool is_prefill)
{
    memset(f, 0, sizeof(*f));
    f->all = all;
    f->is_prefill = is_prefill;
    f->line = line;
    f->prior = fit_priors();
    f->now = *f->prior;
    f->rows = calloc(all->n + 1, sizeof(*f->rows));
    f->weight = calloc(all->n + 1, sizeof(*f->weight));
    f->error[0] = calloc(all->n + 1, sizeof(*f->error[0]));
    f->error[1] = calloc(all->n + 1, sizeof(*f->error[1]));
    if (f->rows == NULL || f->weight == NULL || f->error[0] == NULL || f->error[1] == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < all->n; i++) {
        const struct sample *s = &all->items[i];
        if (s->is_fit && s->is_prefill == is_prefill && is_line(line, s) && is_sane(s)) {
            f->rows[f->n++] = i;
        }
    }
    list_params(f);
    return f->n > 0;
}

void fit_close(struct fit *f)
{
    free(f->rows);
    free(f->weight);
    free(f->error[0]);
    free(f->error[1]);
    f->rows = NULL;
    f->weight = f->error[0] = f->error[1] = NULL;
}

void fit_all(struct fit *f)
{
    weigh(f, NULL, false);
    start_over(f);
    descend(f, 40);
}

void fit_hold_out(struct fit *f, bool by_model)
{
    for (uint32_t i = 0; i < f->n; i++) {
        const struct sample *s = &f->all->items[f->rows[i]];
        bool is_first = true;
        for (uint32_t k = 0; k < i; k++) {
            is_first = is_first && !is_same(s, &f->all->items[f->rows[k]], by_model);
        }
        if (!is_first) {
            continue;
        }
        weigh(f, s, by_model);
        start_over(f);
        descend(f, 12);
        for (uint32_t k = i; k < f->n; k++) {
            const struct sample *other = &f->all->items[f->rows[k]];
            double *error = &f->error[by_model][k];
            *error = is_same(s, other, by_model) ? log(predict(f, other) / other->observed_tps) : *error;
        }
    }
}

uint32_t fit_devices(const struct fit *f)
{
    uint32_t n = 0;
    for (uint32_t d = 0; d < f->all->n_devices; d++) {
        n += rows_of(f, d) > 0;
    }
    return n;
}

void fit_merge(const struct fit *f, struct pls_gpu_constants *out)
{
    const unsigned char *from = (const unsigned char *)&f->now;
    for (uint32_t i = 0; i < f->n_params; i++) {
        for (uint32_t k = 0; k < f->params[i].n_to; k++) {
            size_t at = (size_t)((const unsigned char *)f->params[i].to[k] - from);
            memcpy((unsigned char *)out + at, f->params[i].to[k], sizeof(double));
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

double fit_quantile(const struct fit *f, bool by_model, double q)
{
    struct weighted *list = calloc(f->n + 1, sizeof(*list));
    double devices = fit_devices(f);
    double result = (double)NAN;
    if (list == NULL) {
        return result;
    }
    for (uint32_t i = 0; i < f->n; i++) {
        double mine = rows_of(f, f->all->items[f->rows[i]].device);
        list[i] = (struct weighted){ fabs(f->error[by_model][i]), 0.5 / f->n + 0.5 / (mine * devices) };
    }
    qsort(list, f->n, sizeof(*list), by_value);
    double sum = 0;
    for (uint32_t i = 0; i < f->n && !(sum >= q); i++) {
        sum += list[i].weight;
        result = list[i].value;
    }
    free(list);
    return result;
}

/* ---- as the program would state it ---- */

static void restate(const struct fit *f, bool by_model, struct samples *all)
{
    for (uint32_t i = 0; i < f->n; i++) {
        struct sample *s = &all->items[f->rows[i]];
        double spread = sqrt(s->high_tps / s->low_tps);
        s->predicted_tps = s->observed_tps * exp(f->error[by_model][i]);
        s->low_tps = s->predicted_tps / spread;
        s->high_tps = s->predicted_tps * spread;
    }
}

bool fit_leave_out(struct samples *all, bool by_model)
{
    static struct fit fit;
    const struct pls_gpu_constants *c = fit_priors();
    bool ok = true;
    for (uint32_t i = 0; i < PLS_COUNT_OF(c->backends) && c->backends[i].vendor != NULL; i++) {
        for (int is_prefill = 0; is_prefill < 2; is_prefill++) {
            if (fit_open(&fit, all, &c->backends[i], is_prefill)) {
                fit_hold_out(&fit, by_model);
                restate(&fit, by_model, all);
            }
            ok = ok && fit.error[1] != NULL;
            fit_close(&fit);
        }
    }
    return ok;
}
