/* Reading memory without arithmetic worth the name: what a matrix-vector product can never be faster than. */
#include "kern_impl.h"

#include <string.h>

uint64_t pls_read_scalar(const void *data, size_t bytes)
{
    const unsigned char *p = data;
    uint64_t sum[4] = { 0, 0, 0, 0 };
    for (size_t i = 0; i < bytes; i += sizeof sum) {
        uint64_t word[4];
        memcpy(word, p + i, sizeof word);
        sum[0] ^= word[0];
        sum[1] ^= word[1];
        sum[2] ^= word[2];
        sum[3] ^= word[3];
    }
    return sum[0] ^ sum[1] ^ sum[2] ^ sum[3];
}
