#include "kern_impl.h"

#include <arm_neon.h>

uint64_t pls_read_neon(const void *data, size_t bytes)
{
    const uint8_t *p = data;
    uint8x16_t a = vdupq_n_u8(0);
    uint8x16_t b = a;
    uint8x16_t c = a;
    uint8x16_t d = a;
    for (size_t i = 0; i < bytes; i += 64) {
        a = veorq_u8(a, vld1q_u8(p + i));
        b = veorq_u8(b, vld1q_u8(p + i + 16));
        c = veorq_u8(c, vld1q_u8(p + i + 32));
        d = veorq_u8(d, vld1q_u8(p + i + 48));
    }
    uint64x2_t x = vreinterpretq_u64_u8(veorq_u8(veorq_u8(a, b), veorq_u8(c, d)));
    return vgetq_lane_u64(x, 0) ^ vgetq_lane_u64(x, 1);
}
