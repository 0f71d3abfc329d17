#include "gemm.h"

#include "blocks.h"
#include "gemmf.h"
#include "kern_impl.h"
#include "unpack.h"

/* The prepared columns, one after another in scratch; per column n bytes, then n / 32, n / 16 and n / 16
 * words. */
struct columns {
    unsigned char *base;
    size_t stride, n;
};

static size_t column_bytes(size_t n)
{
    return (size_t)pls_pad(n + 4 * (n / 32) + 8 * (n / 16), 64);
}

static size_t panel_bytes(size_t n)
{
    return PLS_GEMM_ROWS_MAX * (n + 8 * (n / 16)); /* quants, scales and mins */
}

size_t pls_kern_gemm_scratch(size_t n, size_t n_cols)
{
    size_t padded = (size_t)pls_pad(n, 256);
    size_t integers = panel_bytes(padded) + n_cols * column_bytes(padded);
    return (size_t)pls_max(integers, pls_gemmf_scratch(n, n_cols));
}

static int8_t *column_q(const struct columns *cols, size_t c)
{
    return (int8_t *)(cols->base + c * cols->stride);
}

static float *column_d(const struct columns *cols, size_t c)
{
    return (float *)(void *)(column_q(cols, c) + cols->n);
}

static int32_t *column_corr(const struct columns *cols, size_t c)
{
    return (int32_t *)(void *)(column_d(cols, c) + cols->n / 32);
}

static float *column_dsum(const struct columns *cols, size_t c)
{
    return (float *)(void *)(column_corr(cols, c) + cols->n / 16);
}

/* Quants and scale of 32 elements of an activation row. */
static float act_block(enum pls_type act, const unsigned char *row, size_t block, const int8_t **q)
{
    if (act == PLS_TYPE_Q8_K) {
        const struct pls_q8_k *a = (const void *)row;
        *q = a[block / 8].qs + 32 * (block % 8);
        return pls_float_at(a[block / 8].d);
    }
    if (act == PLS_TYPE_Q8_1) {
        const struct pls_q8_1 *a = (const void *)row;
        *q = a[block].qs;
        return pls_half_at(a[block].d);
    }
    const struct pls_q8_0 *a = (const void *)row;
    *q = a[block].qs;
    return pls_half_at(a[block].d);
}

static void prepare_column(const struct pls_gemm_job *job, const struct pls_gemm_form *form,
                           struct columns *cols, size_t c)
{
    enum pls_type act = pls_kern_act(form->type);
    const unsigned char *row = (const unsigned char *)job->acts + c * job->act_stride;
    size_t per_block = 32 / form->group;
    float *d = column_d(cols, c);
    int32_t *corr = column_corr(cols, c);
    float *dsum = column_dsum(cols, c);
    for (size_t b = 0; b < job->n / 32; b++) {
        const int8_t *q = NULL;
        d[b] = act_block(act, row, b, &q);
        memcpy(column_q(cols, c) + 32 * b, q, 32);
    }
    form->sums(column_q(cols, c), job->n, corr);
    for (size_t g = 0; g < job->n / form->group; g++) {
        int32_t sum = per_block == 2 ? corr[g] : corr[2 * g] + corr[2 * g + 1];
        corr[g] = -form->bias * sum;
        /* Q8_1 brings the product along, rounded to a half. */
        dsum[g] = act == PLS_TYPE_Q8_1 ? pls_half_at(((const struct pls_q8_1 *)(const void *)row)[g].s)
                                       : d[g / per_block] * (float)sum;
    }
}

struct panel {
    uint8_t *q;
    float *scale, *min;
};

/* One stretch of at most 256 elements of all rows of a panel. Rows that are not there are zero. */
static void fill_stretch(const struct pls_gemm_job *job, const struct pls_gemm_form *form, struct panel *p,
                         const size_t at[3])
{
    _Alignas(64) uint8_t q[PLS_GEMM_ROWS_MAX * PLS_GEMM_CHUNK];
    const struct pls_shape *shape = pls_shape(form->type);
    size_t row = at[0];
    size_t from = at[1];
    size_t n = at[2];
    size_t per_block = shape->block / form->group;
    for (size_t r = 0; r < form->rows; r++) {
        if (row + r >= job->n_rows) {
            memset(q + r * PLS_GEMM_CHUNK, 0, PLS_GEMM_CHUNK);
            continue;
        }
        const uint8_t *w = (const uint8_t *)job->weights + (row + r) * job->weight_stride;
        for (size_t b = 0; b < n / shape->block; b++) {
            float scale[16];
            float min[16];
            size_t block = from / shape->block + b;
            form->unpack(w + block * shape->bytes, q + r * PLS_GEMM_CHUNK + b * shape->block, scale, min);
            for (size_t g = 0; g < per_block; g++) {
                p->scale[(block * per_block + g) * form->rows + r] = scale[g];
                p->min[(block * per_block + g) * form->rows + r] = form->has_min ? min[g] : 0;
            }
        }
    }
    form->panel(q, n, p->q + from * form->rows);
}

static void run_tiles(const struct pls_gemm_job *job, const struct pls_gemm_form *form, struct columns *cols,
                      struct pls_gemm_tile *t, size_t row)
{
    size_t n_rows = job->n_rows - row < form->rows ? job->n_rows - row : form->rows;
    for (size_t c = 0; c < job->n_cols; c += form->cols) {
        for (size_t i = 0; i < form->cols; i++) {
            /* the last tile repeats its last column */
            size_t col = c + i < job->n_cols ? c + i : job->n_cols - 1;
            t->a[i] = column_q(cols, col);
            t->d[i] = column_d(cols, col);
            t->corr[i] = column_corr(cols, col);
            t->dsum[i] = column_dsum(cols, col);
        }
        form->tile(t);
        for (size_t i = 0; i < form->cols && c + i < job->n_cols; i++) {
            memcpy(job->out + (c + i) * job->out_stride + row, t->out + i * form->rows,
                   n_rows * sizeof(float));
        }
    }
}

void pls_gemm_run(const struct pls_gemm_job *job, const struct pls_gemm_form *form)
{
    size_t padded = (size_t)pls_pad(job->n, 256);
    uint8_t *scratch = job->scratch;
    struct panel p = { .q = scratch };
    p.scale = (float *)(void *)(scratch + PLS_GEMM_ROWS_MAX * padded);
    p.min = p.scale + PLS_GEMM_ROWS_MAX * (padded / 16);
    struct columns cols = { scratch + panel_bytes(padded), column_bytes(padded), padded };
    for (size_t c = 0; c < job->n_cols; c++) {
        prepare_column(job, form, &cols, c);
    }
    float out[PLS_GEMM_COLS_MAX * PLS_GEMM_ROWS_MAX];
    struct pls_gemm_tile t = { .q = p.q, .scale = p.scale, .min = p.min, .n_groups = job->n / form->group,
                               .out = out };
    /* A row that is missing in the last panel keeps the scales of an earlier one; its sums go nowhere. */
    memset(p.scale, 0, 2 * PLS_GEMM_ROWS_MAX * (padded / 16) * sizeof(float));
    for (size_t row = 0; row < job->n_rows; row += form->rows) {
        for (size_t from = 0; from < job->n; from += PLS_GEMM_CHUNK) {
            size_t n = job->n - from < PLS_GEMM_CHUNK ? job->n - from : PLS_GEMM_CHUNK;
            fill_stretch(job, form, &p, (const size_t[3]){ row, from, n });
        }
        run_tiles(job, form, &cols, &t, row);
    }
}

/* The scalar row of every type: its dot product, over and over. */
static void gemm_of_dots(const struct pls_gemm_job *job, pls_dot_fn *dot)
{
    for (size_t c = 0; c < job->n_cols; c++) {
        const unsigned char *a = (const unsigned char *)job->acts + c * job->act_stride;
        for (size_t r = 0; r < job->n_rows; r++) {
            const unsigned char *w = (const unsigned char *)job->weights + r * job->weight_stride;
            job->out[c * job->out_stride + r] = dot(w, a, job->n);
        }
    }
}

#define SCALAR(lower)                                                                                        \
    void pls_gemm_##lower##_scalar(const struct pls_gemm_job *job)                                           \
    {                                                                                                        \
        gemm_of_dots(job, pls_dot_##lower##_scalar);                                                         \
    }
SCALAR(f32)
SCALAR(f16)
SCALAR(bf16)
SCALAR(q4_0)
SCALAR(q4_1)
SCALAR(q5_0)
SCALAR(q5_1)
SCALAR(q8_0)
SCALAR(iq4_nl)
SCALAR(mxfp4)
SCALAR(q2_k)
SCALAR(q3_k)
SCALAR(q4_k)
SCALAR(q5_k)
SCALAR(q6_k)
SCALAR(iq4_xs)
