/* Sign patterns of the codebook types: seven stored bits, and an eighth that makes the number of minuses
 * even, as eight bytes of 1 or -1. */
#include "codebook.h"

#define BYTE(s, i)   ((uint64_t)(((s) >> (i) & 1) != 0 ? 0xff : 0x01) << (8 * (i)))
#define PARITY(s)    (((s) ^ (s) >> 1 ^ (s) >> 2 ^ (s) >> 3 ^ (s) >> 4 ^ (s) >> 5 ^ (s) >> 6) & 1)
#define ALL(s)                                                                                               \
    (BYTE(s, 0) | BYTE(s, 1) | BYTE(s, 2) | BYTE(s, 3) | BYTE(s, 4) | BYTE(s, 5) | BYTE(s, 6) | BYTE(s, 7))
#define ONE(s)       ALL((s) | PARITY(s) << 7)
#define FOUR(s)      ONE(s), ONE((s) + 1), ONE((s) + 2), ONE((s) + 3)
#define SIXTEEN(s)   FOUR(s), FOUR((s) + 4), FOUR((s) + 8), FOUR((s) + 12)

const uint64_t pls_signs[128] = {
    SIXTEEN(0), SIXTEEN(16), SIXTEEN(32), SIXTEEN(48), SIXTEEN(64), SIXTEEN(80), SIXTEEN(96), SIXTEEN(112),
};
