/* The library of a driver from before R510: only what is required. */
#define FAKE_OLD
#include "fake_nvml.c"
