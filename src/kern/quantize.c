/* Activations as engines hand them to the kernels. Rounding is the engine's (its reference quantizers): Q8_0
 * and Q8_1 away from zero at ties, Q8_K to even. */
#include "blocks.h"
#include "plimsoll/kern.h"

#include <assert.h>
#include <math.h>

/* binary32 to binary16, to nearest even; too large becomes infinity. */
static uint16_t half_of(float f)
{
    uint32_t bits = pls_bits_of_float(f);
    uint32_t sign = bits >> 16 & 0x8000;
    uint32_t magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) {
        return (uint16_t)(sign | 0x7e00); /* NaN */
    }
    if (magnitude >= 0x47800000) {
        return (uint16_t)(sign | 0x7c00); /* 65536 and above */
    }
    if (magnitude < 0x38800000) {
        /* Below the least normal half: the addition shifts the mantissa into place and rounds it. */
        float shifted = pls_float_of_bits(magnitude) + 0.5f;
        return (uint16_t)(sign | (pls_bits_of_float(shifted) - 0x3f000000));
    }
    uint32_t odd = magnitude >> 13 & 1;
    return (uint16_t)(sign | (magnitude - 0x38000000 + 0xfff + odd) >> 13);
}

static uint16_t bfloat_of(float f)
{
    uint32_t bits = pls_bits_of_float(f);
    if ((bits & 0x7fffffff) > 0x7f800000) {
        return (uint16_t)(bits >> 16 | 64); /* NaN stays one */
    }
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static void store_u16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v & 255);
    p[1] = (uint8_t)(v >> 8);
}

static float largest(const float *x, size_t n, float *signed_value)
{
    float top = 0;
    *signed_value = 0;
    for (size_t i = 0; i < n; i++) {
        float magnitude = fabsf(x[i]);
        if (magnitude > top) {
            top = magnitude;
            *signed_value = x[i];
        }
    }
    return top;
}

/* 32 floats to bytes with one scale; returns the scale and the sum of the bytes. */
static float bytes_of_32(const float *x, int8_t *qs, int *sum)
{
    float ignored = 0;
    float d = largest(x, 32, &ignored) / 127;
    float inverse = d > 0 ? 1 / d : 0;
    *sum = 0;
    for (int i = 0; i < 32; i++) {
        qs[i] = (int8_t)roundf(x[i] * inverse);
        *sum += qs[i];
    }
    return d;
}

static void quantize_q8_0(const float *x, struct pls_q8_0 *out)
{
    int sum = 0;
    store_u16(out->d, half_of(bytes_of_32(x, out->qs, &sum)));
}

static void quantize_q8_1(const float *x, struct pls_q8_1 *out)
{
    int sum = 0;
    float d = bytes_of_32(x, out->qs, &sum);
    store_u16(out->d, half_of(d));
    store_u16(out->s, half_of((float)sum * d));
}

/* The value of largest magnitude becomes -127, whatever its sign: the scale may be negative. */
static void quantize_q8_k(const float *x, struct pls_q8_k *out)
{
    float extreme = 0;
    memset(out, 0, sizeof *out);
    if (!(largest(x, PLS_SUPER, &extreme) > 0)) {
        return;
    }
    float inverse = -127.0f / extreme;
    float d = 1 / inverse;
    memcpy(out->d, &d, sizeof d);
    for (int g = 0; g < 16; g++) {
        int sum = 0;
        for (int i = 16 * g; i < 16 * g + 16; i++) {
            int v = (int)nearbyintf(inverse * x[i]);
            out->qs[i] = (int8_t)(v > 127 ? 127 : v);
            sum += out->qs[i];
        }
        store_u16(out->bsums + 2 * g, (uint16_t)sum);
    }
}

static void quantize_plain(enum pls_type act, const float *x, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        store_u16(out + 2 * i, act == PLS_TYPE_F16 ? half_of(x[i]) : bfloat_of(x[i]));
    }
}

void pls_kern_quantize(enum pls_type act, const float *x, void *out, size_t n)
{
    if (act == PLS_TYPE_F32) {
        memcpy(out, x, n * sizeof *x);
    } else if (act == PLS_TYPE_F16 || act == PLS_TYPE_BF16) {
        quantize_plain(act, x, out, n);
    } else if (act == PLS_TYPE_Q8_0) {
        for (size_t i = 0; i < n / 32; i++) {
            quantize_q8_0(x + 32 * i, (struct pls_q8_0 *)out + i);
        }
    } else if (act == PLS_TYPE_Q8_1) {
        for (size_t i = 0; i < n / 32; i++) {
            quantize_q8_1(x + 32 * i, (struct pls_q8_1 *)out + i);
        }
    } else {
        assert(act == PLS_TYPE_Q8_K);
        for (size_t i = 0; i < n / PLS_SUPER; i++) {
            quantize_q8_k(x + PLS_SUPER * i, (struct pls_q8_k *)out + i);
        }
    }
}

size_t pls_kern_act_bytes(enum pls_type act, size_t n)
{
    if (act == PLS_TYPE_F32) {
        return 4 * n;
    }
    if (act == PLS_TYPE_F16 || act == PLS_TYPE_BF16) {
        return 2 * n;
    }
    if (act == PLS_TYPE_Q8_0) {
        return n / 32 * sizeof(struct pls_q8_0);
    }
    if (act == PLS_TYPE_Q8_1) {
        return n / 32 * sizeof(struct pls_q8_1);
    }
    assert(act == PLS_TYPE_Q8_K);
    return n / PLS_SUPER * sizeof(struct pls_q8_k);
}
