#define NAME(x) x##_dotprod
#include "dotiq_neon_body.h"
