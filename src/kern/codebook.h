/* kern/codebook.h - the value tables behind the codebook types (ggml 0.21, ggml-common.h of llama.cpp
 * 2026-08-22).
 *
 * Grids hold 8 (IQ1, IQ2) or 4 (IQ3) quants per entry, first quant in the lowest byte.
 */
#ifndef PLIMSOLL_KERN_CODEBOOK_H
#define PLIMSOLL_KERN_CODEBOOK_H

#include <stdint.h>

extern const int8_t pls_curve_iq4[16];      /* IQ4_NL, IQ4_XS */
extern const int8_t pls_curve_fp4[16];      /* MXFP4, NVFP4: twice the E2M1 values */
/* eight times the ternary value: -8, 0, 8; the shift of +-1/8 becomes +-1 */
extern const uint64_t pls_grid_iq1[2048];
extern const uint64_t pls_grid_iq2_xxs[256];
extern const uint64_t pls_grid_iq2_xs[512];
extern const uint64_t pls_grid_iq2_s[1024];
extern const uint32_t pls_grid_iq3_xxs[256];
extern const uint32_t pls_grid_iq3_s[512];
/* bytes of 1 or -1; an eighth sign makes the number of minuses even */
extern const uint64_t pls_signs[128];

#endif
