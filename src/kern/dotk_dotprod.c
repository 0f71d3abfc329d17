#define NAME(x) x##_dotprod
#include "dotk_neon_body.h"
