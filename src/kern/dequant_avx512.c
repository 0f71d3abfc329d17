/* Rows to floats. Multiply and subtract as in the scalar kernels: the results are equal bit for bit. */
#include "kern_impl.h"
#include "unpack_x86.h"
#include "x86_512.h"

typedef void bytes_fn(const void *block, uint8_t *q, float *scale, float *min);

struct form {
    size_t block, bytes; /* elements and bytes of a block */
    size_t group;
    int bias;
    int has_min;
    bytes_fn *unpack;
};

INLINE void floats(const uint8_t *q, __m512i bias, __m512 scale, __m512 min, float *out)
{
    __m512i x = _mm512_sub_epi32(_mm512_cvtepu8_epi32(load16(q)), bias);
    _mm512_storeu_ps(out, _mm512_sub_ps(_mm512_mul_ps(scale, _mm512_cvtepi32_ps(x)), min));
}

INLINE void dequant(const void *row, float *out, size_t n, const struct form f)
{
    const uint8_t *w = row;
    const __m512i bias = _mm512_set1_epi32(f.bias);
    for (size_t b = 0; b < n / f.block; b++, w += f.bytes) {
        uint8_t q[PLS_SUPER];
        float scale[16];
        float min[16] = { 0 };
        f.unpack(w, q, scale, min);
        for (size_t i = 0; i < f.block; i += 16, out += 16) {
            __m512 m = f.has_min ? _mm512_set1_ps(min[i / f.group]) : _mm512_setzero_ps();
            floats(q + i, bias, _mm512_set1_ps(scale[i / f.group]), m, out);
        }
    }
}

INLINE void raised_q8_0(const void *block, uint8_t *q, float *scale, float *min)
{
    (void)min;
    bytes_q8_0(block, q, scale, 128);
}

INLINE void raised_iq4_nl(const void *block, uint8_t *q, float *scale, float *min)
{
    (void)min;
    bytes_iq4_nl(block, q, scale, 128);
}

INLINE void raised_iq4_xs(const void *block, uint8_t *q, float *scale, float *min)
{
    (void)min;
    bytes_iq4_xs(block, q, scale, 128);
}

#define DEQUANT(lower, block, struct_, group, bias, has_min, unpack)                                         \
    void pls_dequant_##lower##_avx512(const void *row, float *out, size_t n)                                 \
    {                                                                                                        \
        dequant(row, out, n, (struct form){ block, sizeof(struct struct_), group, bias, has_min, unpack });  \
    }
DEQUANT(q4_0, 32, pls_q4_0, 32, 8, 0, bytes_q4_0)
DEQUANT(q8_0, 32, pls_q8_0, 32, 128, 0, raised_q8_0)
DEQUANT(iq4_nl, 32, pls_q4_0, 32, 128, 0, raised_iq4_nl)
DEQUANT(mxfp4, 32, pls_mxfp4, 32, 12, 0, bytes_mxfp4)
DEQUANT(q2_k, 256, pls_q2_k, 16, 0, 1, bytes_q2_k)
DEQUANT(q3_k, 256, pls_q3_k, 16, 4, 0, bytes_q3_k)
DEQUANT(q4_k, 256, pls_q4_k, 32, 0, 1, bytes_q4_k)
DEQUANT(q5_k, 256, pls_q5_k, 32, 0, 1, bytes_q5_k)
DEQUANT(q6_k, 256, pls_q6_k, 16, 32, 0, bytes_q6_k)
DEQUANT(iq4_xs, 256, pls_iq4_xs, 32, 128, 0, raised_iq4_xs)

/* Halves convert sixteen at a time; what is left over goes to the scalar kernel. */
void pls_dequant_f16_avx512(const void *row, float *out, size_t n)
{
    const uint8_t *w = row;
    size_t whole = n / 16 * 16;
    for (size_t i = 0; i < whole; i += 16) {
        _mm512_storeu_ps(out + i, _mm512_cvtph_ps(load32(w + 2 * i)));
    }
    pls_dequant_f16_scalar(w + 2 * whole, out + whole, n - whole);
}

void pls_dequant_bf16_avx512(const void *row, float *out, size_t n)
{
    const uint8_t *w = row;
    size_t whole = n / 16 * 16;
    for (size_t i = 0; i < whole; i += 16) {
        __m512i bits = _mm512_slli_epi32(_mm512_cvtepu16_epi32(load32(w + 2 * i)), 16);
        _mm512_storeu_ps(out + i, _mm512_castsi512_ps(bits));
    }
    pls_dequant_bf16_scalar(w + 2 * whole, out + whole, n - whole);
}
