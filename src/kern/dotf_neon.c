/* Dot products of F32, F16 and BF16 rows. */
#include "kern_impl.h"
#include "neon.h"

INLINE float32x4_t f32_at(const uint8_t *p)
{
    return vreinterpretq_f32_u8(vld1q_u8(p));
}

INLINE float32x4_t f16_at(const uint8_t *p)
{
    return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(p)));
}

INLINE float32x4_t bf16_at(const uint8_t *p)
{
    return vreinterpretq_f32_u32(vshll_n_u16(vreinterpret_u16_u8(vld1_u8(p)), 16));
}

typedef float32x4_t load_fn(const uint8_t *p);

INLINE float dot_floats(const void *row, const void *act, size_t n, size_t size, load_fn *at)
{
    const uint8_t *w = row;
    const uint8_t *a = act;
    size_t step = 4 * size;
    float32x4_t acc[4] = { vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0) };
    for (size_t i = 0; i + 16 <= n; i += 16, w += 4 * step, a += 4 * step) {
        UNROLL(4)
        for (size_t j = 0; j < 4; j++) {
            acc[j] = vfmaq_f32(acc[j], at(w + j * step), at(a + j * step));
        }
    }
    return vaddvq_f32(vaddq_f32(vaddq_f32(acc[0], acc[1]), vaddq_f32(acc[2], acc[3])));
}

struct kind {
    size_t size; /* bytes of an element */
    load_fn *at;
    pls_dot_fn *tail;
};

/* Lengths that are no multiple of 16 end in the scalar kernel. */
INLINE float with_tail(const void *row, const void *act, size_t n, struct kind k)
{
    size_t whole = n / 16 * 16;
    float sum = dot_floats(row, act, whole, k.size, k.at);
    if (whole == n) {
        return sum;
    }
    return sum
           + k.tail((const uint8_t *)row + whole * k.size, (const uint8_t *)act + whole * k.size, n - whole);
}

float pls_dot_f32_neon(const void *row, const void *act, size_t n)
{
    return with_tail(row, act, n, (struct kind){ 4, f32_at, pls_dot_f32_scalar });
}

float pls_dot_f16_neon(const void *row, const void *act, size_t n)
{
    return with_tail(row, act, n, (struct kind){ 2, f16_at, pls_dot_f16_scalar });
}

float pls_dot_bf16_neon(const void *row, const void *act, size_t n)
{
    return with_tail(row, act, n, (struct kind){ 2, bf16_at, pls_dot_bf16_scalar });
}
