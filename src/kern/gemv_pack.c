/* Interleaving of rows for matrix-vector kernels: same bytes, other order, so that one vector register holds
 * the same four elements of 4, 8 or 16 rows and every lane sums a row of its own. For each block:
 *
 *   Q4_0, IQ4_NL   d of all rows; then four times (bytes 4c..4c+3 of every row)
 *   Q8_0           d of all rows; then eight times the same
 *   MXFP4          e of all rows; then four times the same
 *   Q4_K           d, dmin of all rows; twelve times (scale byte j of every row); then 32 times the same
 *   Q2_K           d, dmin; sixteen times (scale byte j of every row); then 16 times the same
 */
#include "blocks.h"
#include "gemv_pack.h"

/* Appends `size` bytes from offset `at` of the block of every row. */
static uint8_t *gather(const struct pls_pack *p, size_t at, size_t size, uint8_t *out)
{
    for (size_t r = 0; r < p->lanes; r++) {
        memcpy(out, p->rows + r * p->stride + at, size);
        out += size;
    }
    return out;
}

static uint8_t *gather_quants(const struct pls_pack *p, size_t at, size_t size, uint8_t *out)
{
    for (size_t c = 0; c < size; c += 4) {
        out = gather(p, at + c, 4, out);
    }
    return out;
}

static uint8_t *gather_bytes(const struct pls_pack *p, size_t at, size_t size, uint8_t *out)
{
    for (size_t j = 0; j < size; j++) {
        out = gather(p, at + j, 1, out);
    }
    return out;
}

void pls_pack_simple(struct pls_pack p, void *packed, size_t scale_bytes, size_t quant_bytes)
{
    uint8_t *out = packed;
    size_t bytes = scale_bytes + quant_bytes;
    for (size_t b = 0; b < p.n_blocks; b++) {
        out = gather(&p, b * bytes, scale_bytes, out);
        out = gather_quants(&p, b * bytes + scale_bytes, quant_bytes, out);
    }
}

void pls_pack_q4_k(struct pls_pack p, void *packed)
{
    uint8_t *out = packed;
    for (size_t b = 0; b < p.n_blocks; b++) {
        size_t at = b * sizeof(struct pls_q4_k);
        out = gather(&p, at, 2, out);
        out = gather(&p, at + 2, 2, out);
        out = gather_bytes(&p, at + 4, 12, out);
        out = gather_quants(&p, at + 16, 128, out);
    }
}

void pls_pack_q2_k(struct pls_pack p, void *packed)
{
    uint8_t *out = packed;
    for (size_t b = 0; b < p.n_blocks; b++) {
        size_t at = b * sizeof(struct pls_q2_k);
        out = gather(&p, at + 80, 2, out);
        out = gather(&p, at + 82, 2, out);
        out = gather_bytes(&p, at, 16, out);
        out = gather_quants(&p, at + 16, 64, out);
    }
}

#define PACK_SIMPLE(lower, lanes_, block, scale_bytes, quant_bytes)                                          \
    void pls_pack_##lower##_x##lanes_(const void *rows, size_t stride, void *packed, size_t n)               \
    {                                                                                                        \
        struct pls_pack p = { rows, stride, lanes_, n / (block) };                                           \
        pls_pack_simple(p, packed, scale_bytes, quant_bytes);                                                \
    }
#define PACK_SUPER(lower, lanes_)                                                                            \
    void pls_pack_##lower##_x##lanes_(const void *rows, size_t stride, void *packed, size_t n)               \
    {                                                                                                        \
        struct pls_pack p = { rows, stride, lanes_, n / PLS_SUPER };                                         \
        pls_pack_##lower(p, packed);                                                                         \
    }
PACK_SIMPLE(q4_0, 4, 32, 2, 16)
PACK_SIMPLE(q4_0, 8, 32, 2, 16)
PACK_SIMPLE(q4_0, 16, 32, 2, 16)
PACK_SIMPLE(q8_0, 4, 32, 2, 32)
PACK_SIMPLE(mxfp4, 4, 32, 1, 16)
PACK_SIMPLE(mxfp4, 8, 32, 1, 16)
PACK_SIMPLE(mxfp4, 16, 32, 1, 16)
PACK_SUPER(q4_k, 4)
PACK_SUPER(q4_k, 8)
PACK_SUPER(q4_k, 16)
PACK_SUPER(q2_k, 16)

void pls_gemv_acts(const void *act, size_t n, int offset, struct pls_gemv_acts *out)
{
    const struct pls_q8_0 *a = act;
    for (size_t b = 0; b < n; b++) {
        int sum = 0;
        for (int i = 0; i < 32; i++) {
            sum += a[b].qs[i];
        }
        out->d[b] = pls_half_at(a[b].d);
        out->sum[b] = sum * offset;
    }
}
