#ifndef STUB_TYPES_H
#define STUB_TYPES_H
#include <stddef.h>
#include <stdint.h>
typedef unsigned int u_int32_t;
typedef unsigned long long u_int64_t;
#endif
