#define NAME(x) x##_dotprod
#include "dot32_neon_body.h"
