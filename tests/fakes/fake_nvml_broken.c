/* A library that lacks a required symbol. */
#define FAKE_BROKEN
#define FAKE_OLD
#include "fake_nvml.c"
