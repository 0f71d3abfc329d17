#define NAME(x) x##_neon
#include "dotiq_neon_body.h"
