/* BF16 tiles of 8 rows by 32 columns (see gemmf.h): words are pairs, which one instruction multiplies and
 * adds (subnormals count as zero). */
#include "gemmf.h"
#include "kern_impl.h"
#include "unpack_x86.h"
#include "x86_512.h"

#define ROWS 8u
#define COLS 32u
#define LANES 16u
#define VEC __m512
#define LOAD _mm512_loadu_ps
#define STORE _mm512_storeu_ps

INLINE void step(const uint8_t *row, const uint8_t *col, __m512 acc[ROWS][2])
{
    __m512bh low = (__m512bh)load64(col);
    __m512bh high = (__m512bh)load64(col + 64);
    UNROLL(8)
    for (size_t r = 0; r < ROWS; r++) {
        __m512bh w = (__m512bh)_mm512_set1_epi32((int)pls_load_u32(row + r * PLS_GEMMF_CHUNK * 4));
        acc[r][0] = _mm512_dpbf16_ps(acc[r][0], w, low);
        acc[r][1] = _mm512_dpbf16_ps(acc[r][1], w, high);
    }
}

#include "gemmf_x86.h"

static void widen_pairs(const uint8_t *from, uint8_t *to, size_t n)
{
    memcpy(to, from, 2 * n);
    memset(to + 2 * n, 0, 2 * (n % 2));
}

void pls_gemm_bf16_avx512bf16(const struct pls_gemm_job *job)
{
    pls_gemmf_run(job, &(const struct pls_gemmf_form){ 2, 2, ROWS, COLS, widen_pairs, interleave, tile });
}
