#define NAME(x) x##_neon
#include "dotk_neon_body.h"
