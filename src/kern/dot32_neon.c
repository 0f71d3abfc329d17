#define NAME(x) x##_neon
#include "dot32_neon_body.h"
