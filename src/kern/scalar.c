/* The scalar row of every type: unpack a block, then multiply and add. What the vector kernels are tested
 * against. */
#include "blocks.h"
#include "kern_impl.h"
#include "unpack.h"

static int dot_16(const int8_t *a, const int8_t *b)
{
    int sum = 0;
    for (int i = 0; i < PLS_UNPACK_GROUP; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

static int sum_16(const int8_t *a)
{
    int sum = 0;
    for (int i = 0; i < PLS_UNPACK_GROUP; i++) {
        sum += a[i];
    }
    return sum;
}

/* One block against as many activation blocks as it spans. */
static float dot_q8_0(const struct pls_unpacked *w, const struct pls_q8_0 *act, size_t block)
{
    float total = 0;
    for (size_t g = 0; g < block / PLS_UNPACK_GROUP; g++) {
        const struct pls_q8_0 *a = act + g / 2;
        int sum = dot_16(w->q + PLS_UNPACK_GROUP * g, a->qs + PLS_UNPACK_GROUP * (g % 2));
        total += pls_half_at(a->d) * w->scale[g] * (float)sum;
    }
    return total;
}

/* The block's min meets the sum that the activations bring along. */
static float dot_q8_1(const struct pls_unpacked *w, const struct pls_q8_1 *a)
{
    int sum = dot_16(w->q, a->qs) + dot_16(w->q + 16, a->qs + 16);
    return w->scale[0] * pls_half_at(a->d) * (float)sum - w->min[0] * pls_half_at(a->s);
}

static float dot_q8_k(const struct pls_unpacked *w, const struct pls_q8_k *a)
{
    float total = 0;
    for (int g = 0; g < 16; g++) {
        const int8_t *q = a->qs + PLS_UNPACK_GROUP * g;
        int sum = dot_16(w->q + PLS_UNPACK_GROUP * g, q);
        total += w->scale[g] * (float)sum - w->min[g] * (float)sum_16(q);
    }
    return total * pls_float_at(a->d);
}

static float dot_unpacked(enum pls_type type, const void *row, const void *act, size_t n)
{
    const struct pls_shape *shape = pls_shape(type);
    const uint8_t *w = row;
    float total = 0;
    struct pls_unpacked u;
    for (size_t i = 0; i < n / shape->block; i++) {
        shape->unpack(w + i * shape->bytes, &u);
        if (shape->act == PLS_TYPE_Q8_K) {
            total += dot_q8_k(&u, (const struct pls_q8_k *)act + i);
        } else if (shape->act == PLS_TYPE_Q8_1) {
            total += dot_q8_1(&u, (const struct pls_q8_1 *)act + i);
        } else {
            total += dot_q8_0(&u, (const struct pls_q8_0 *)act + i * (shape->block / 32u), shape->block);
        }
    }
    return total;
}

static void dequant_unpacked(enum pls_type type, const void *row, float *out, size_t n)
{
    const struct pls_shape *shape = pls_shape(type);
    const uint8_t *w = row;
    struct pls_unpacked u;
    for (size_t i = 0; i < n / shape->block; i++, out += shape->block) {
        shape->unpack(w + i * shape->bytes, &u);
        for (size_t j = 0; j < shape->block; j++) {
            size_t g = j / PLS_UNPACK_GROUP;
            out[j] = u.scale[g] * (float)u.q[j] - u.min[g];
        }
    }
}

#define SCALAR(lower, upper)                                                                                 \
    float pls_dot_##lower##_scalar(const void *row, const void *act, size_t n)                               \
    {                                                                                                        \
        return dot_unpacked(PLS_TYPE_##upper, row, act, n);                                                  \
    }                                                                                                        \
    void pls_dequant_##lower##_scalar(const void *row, float *out, size_t n)                                 \
    {                                                                                                        \
        dequant_unpacked(PLS_TYPE_##upper, row, out, n);                                                     \
    }
SCALAR(q4_0, Q4_0)
SCALAR(q4_1, Q4_1)
SCALAR(q5_0, Q5_0)
SCALAR(q5_1, Q5_1)
SCALAR(q8_0, Q8_0)
SCALAR(iq4_nl, IQ4_NL)
SCALAR(mxfp4, MXFP4)
SCALAR(nvfp4, NVFP4)
SCALAR(q2_k, Q2_K)
SCALAR(q3_k, Q3_K)
SCALAR(q4_k, Q4_K)
SCALAR(q5_k, Q5_K)
SCALAR(q6_k, Q6_K)
SCALAR(iq4_xs, IQ4_XS)
SCALAR(tq1_0, TQ1_0)
SCALAR(tq2_0, TQ2_0)
SCALAR(iq1_s, IQ1_S)
SCALAR(iq1_m, IQ1_M)
SCALAR(iq2_xxs, IQ2_XXS)
SCALAR(iq2_xs, IQ2_XS)
SCALAR(iq2_s, IQ2_S)
SCALAR(iq3_xxs, IQ3_XXS)
SCALAR(iq3_s, IQ3_S)

static float bfloat_at(const uint8_t *p)
{
    return pls_float_of_bits((uint32_t)pls_load_u16(p) << 16);
}

float pls_dot_f32_scalar(const void *row, const void *act, size_t n)
{
    const uint8_t *w = row;
    const uint8_t *a = act;
    double total = 0;
    for (size_t i = 0; i < n; i++) {
        total += (double)pls_float_at(w + 4 * i) * (double)pls_float_at(a + 4 * i);
    }
    return (float)total;
}

float pls_dot_f16_scalar(const void *row, const void *act, size_t n)
{
    const uint8_t *w = row;
    const uint8_t *a = act;
    double total = 0;
    for (size_t i = 0; i < n; i++) {
        total += (double)(pls_half_at(w + 2 * i) * pls_half_at(a + 2 * i));
    }
    return (float)total;
}

float pls_dot_bf16_scalar(const void *row, const void *act, size_t n)
{
    const uint8_t *w = row;
    const uint8_t *a = act;
    double total = 0;
    for (size_t i = 0; i < n; i++) {
        total += (double)(bfloat_at(w + 2 * i) * bfloat_at(a + 2 * i));
    }
    return (float)total;
}

void pls_dequant_f32_scalar(const void *row, float *out, size_t n)
{
    memcpy(out, row, n * sizeof *out);
}

void pls_dequant_f16_scalar(const void *row, float *out, size_t n)
{
    const uint8_t *w = row;
    for (size_t i = 0; i < n; i++) {
        out[i] = pls_half_at(w + 2 * i);
    }
}

void pls_dequant_bf16_scalar(const void *row, float *out, size_t n)
{
    const uint8_t *w = row;
    for (size_t i = 0; i < n; i++) {
        out[i] = bfloat_at(w + 2 * i);
    }
}
