/* A stand-in for the OpenCL loader: one platform without GPUs, one with an Intel card. */
#include <stdint.h>
#include <string.h>

int32_t clGetPlatformIDs(uint32_t cap, void **out, uint32_t *n);
int32_t clGetDeviceIDs(void *platform, uint64_t kind, uint32_t cap, void **out, uint32_t *n);
int32_t clGetDeviceInfo(void *device, uint32_t what, size_t cap, void *out, size_t *size);

static int platforms[2];
static int card;

int32_t clGetPlatformIDs(uint32_t cap, void **out, uint32_t *n)
{
    for (uint32_t i = 0; i < cap && i < 2; i++) {
        out[i] = &platforms[i];
    }
    *n = 2;
    return 0;
}

int32_t clGetDeviceIDs(void *platform, uint64_t kind, uint32_t cap, void **out, uint32_t *n)
{
    if (platform != &platforms[1] || kind != 4 || cap == 0) {
        return -1; /* device not found */
    }
    out[0] = &card;
    *n = 1;
    return 0;
}

int32_t clGetDeviceInfo(void *device, uint32_t what, size_t cap, void *out, size_t *size)
{
    const uint64_t bytes = 6363619328;
    const uint32_t vendor = 0x8086;
    const char name[] = "Intel(R) Arc(TM) A380 Graphics";
    const void *from = what == 0x101F   ? (const void *)&bytes
                       : what == 0x1001 ? (const void *)&vendor
                                        : (const void *)name;
    size_t n = what == 0x101F   ? sizeof(bytes)
               : what == 0x1001 ? sizeof(vendor)
               : what == 0x102B ? sizeof(name)
                                : 0;
    (void)size;
    if (device != &card || n == 0 || n > cap) {
        return -30; /* invalid value */
    }
    memcpy(out, from, n);
    return 0;
}
