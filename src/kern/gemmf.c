#include "gemmf.h"

#include <string.h>

#define WORD sizeof(uint32_t)

/* The prepared columns, then the sums of one panel of rows with all of them. */
size_t pls_gemmf_scratch(size_t n, size_t n_cols)
{
    size_t words = (size_t)pls_pad(n, PLS_GEMMF_STEP) + PLS_GEMMF_ROWS_MAX;
    size_t at_once = n_cols < PLS_GEMMF_BLOCK ? n_cols : PLS_GEMMF_BLOCK;
    return (size_t)pls_pad(at_once, PLS_GEMMF_COLS_MAX) * words * WORD;
}

static size_t padded_words(const struct pls_gemmf_form *form, size_t n)
{
    return (size_t)pls_pad((n + form->per_word - 1) / form->per_word, PLS_GEMMF_STEP);
}

/* Some rows or columns of a matrix, of which those before `end` are there; and a stretch of their elements.
 */
struct stretch {
    const uint8_t *base;
    size_t stride, first, end, count;
    size_t from, n;
};

static void widen(const struct pls_gemmf_form *form, const struct stretch *s, uint8_t *to, size_t to_stride)
{
    size_t bytes = padded_words(form, s->n) * WORD;
    for (size_t i = 0; i < s->count; i++, to += to_stride) {
        size_t used = 0;
        if (s->first + i < s->end) {
            form->widen(s->base + (s->first + i) * s->stride + s->from * form->size, to, s->n);
            used = (s->n + form->per_word - 1) / form->per_word * WORD;
        }
        if (used < bytes) {
            memset(to + used, 0, bytes - used);
        }
    }
}

static void prepare_columns(const struct pls_gemm_job *job, const struct pls_gemmf_form *form, uint8_t *to)
{
    _Alignas(64) uint8_t part[PLS_GEMMF_COLS_MAX * PLS_GEMMF_PART * WORD];
    size_t at_once = PLS_GEMMF_PART * form->per_word;
    struct stretch s = {
        .base = job->acts, .stride = job->act_stride, .end = job->n_cols, .count = form->cols
    };
    for (; s.first < job->n_cols; s.first += form->cols) {
        for (s.from = 0; s.from < job->n; s.from += at_once) {
            s.n = job->n - s.from < at_once ? job->n - s.from : at_once;
            size_t words = padded_words(form, s.n);
            if (words * WORD == s.n * form->size
                && s.first + s.count <= s.end) { /* words already, and all of them there */
                form->interleave(s.base + s.first * s.stride + s.from * form->size, s.stride, words, to);
            } else {
                widen(form, &s, part, PLS_GEMMF_PART * WORD);
                form->interleave(part, PLS_GEMMF_PART * WORD, words, to);
            }
            to += words * form->cols * WORD;
        }
    }
}

static void put_sums(const struct pls_gemm_job *job, const struct pls_gemmf_form *form, const float *sums,
                     size_t row)
{
    size_t n_rows = job->n_rows - row < form->rows ? job->n_rows - row : form->rows;
    for (size_t c = 0; c < job->n_cols; c++) {
        const float *tile = sums + c / form->cols * form->rows * form->cols;
        float *out = job->out + c * job->out_stride + row;
        for (size_t r = 0; r < n_rows; r++) {
            out[r] = tile[r * form->cols + c % form->cols];
        }
    }
}

/* One panel of rows with all columns, which lie at `cols` with the room for their sums behind them. */
static void run_panel(const struct pls_gemm_job *job, const struct pls_gemmf_form *form, const uint8_t *cols,
                      size_t row)
{
    _Alignas(64) uint8_t rows[PLS_GEMMF_ROWS_MAX * PLS_GEMMF_CHUNK * WORD];
    size_t n_groups = (job->n_cols + form->cols - 1) / form->cols;
    size_t group_bytes = padded_words(form, job->n) * form->cols * WORD;
    size_t tile_floats = (size_t)form->rows * form->cols;
    size_t at_once = PLS_GEMMF_CHUNK * form->per_word;
    float *sums = (float *)(void *)((uint8_t *)job->scratch + n_groups * group_bytes);
    struct stretch s = { .base = job->weights,
                         .stride = job->weight_stride,
                         .first = row,
                         .end = job->n_rows,
                         .count = form->rows };
    memset(sums, 0, n_groups * tile_floats * sizeof(float));
    for (; s.from < job->n; s.from += at_once, cols += PLS_GEMMF_CHUNK * form->cols * WORD) {
        s.n = job->n - s.from < at_once ? job->n - s.from : at_once;
        widen(form, &s, rows, PLS_GEMMF_CHUNK * WORD);
        struct pls_gemmf_tile t = { .rows = rows, .n = padded_words(form, s.n) };
        for (size_t g = 0; g < n_groups; g++) {
            t.cols = cols + g * group_bytes;
            t.sums = sums + g * tile_floats;
            form->tile(&t);
        }
    }
    put_sums(job, form, sums, row);
}

static void run_block(const struct pls_gemm_job *job, const struct pls_gemmf_form *form)
{
    prepare_columns(job, form, job->scratch);
    for (size_t row = 0; row < job->n_rows; row += form->rows) {
        run_panel(job, form, job->scratch, row);
    }
}

void pls_gemmf_run(const struct pls_gemm_job *job, const struct pls_gemmf_form *form)
{
    struct pls_gemm_job block = *job;
    for (size_t col = 0; col < job->n_cols; col += PLS_GEMMF_BLOCK) {
        block.acts = (const uint8_t *)job->acts + col * job->act_stride;
        block.n_cols = job->n_cols - col < PLS_GEMMF_BLOCK ? job->n_cols - col : PLS_GEMMF_BLOCK;
        block.out = job->out + col * job->out_stride;
        run_block(&block, form);
    }
}
