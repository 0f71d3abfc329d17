/* A stand-in for NVIDIA's management library. What machine it plays is chosen by FAKE_NVML in the
 * environment; the program under test loads it like the real one and knows nothing of it. Numbers are those
 * real cards report. FAKE_OLD leaves out every symbol that old drivers lack; FAKE_BROKEN leaves out a
 * required one. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

struct card {
    const char *name;
    uint64_t mib, free_mib;
    unsigned bits, mhz, cores, vendor_device, generation, lanes;
    int major, minor;
};
static const struct card rtx4090 = {
    "NVIDIA GeForce RTX 4090", 24564, 23000, 384, 10501, 16384, 0x268410de, 4, 16, 8, 9
};
static const struct card a100 = {
    "NVIDIA A100-SXM4-40GB", 40960, 40000, 5120, 1215, 6912, 0x20b010de, 4, 16, 8, 0
};
static const struct card h200 = { "NVIDIA H200", 143771, 143000, 6144, 3201, 16896, 0x233510de, 5, 16, 9, 0 };
static const struct card gb10 = { "NVIDIA GB10", 0, 0, 0, 0, 6144, 0x2e1210de, 0, 0, 12, 1 };

static const char *play(void)
{
    const char *name = getenv("FAKE_NVML");
    return name == NULL ? "none" : name;
}

static int playing(const char *what)
{
    return strcmp(play(), what) == 0;
}

static unsigned count(void)
{
    return playing("one") || playing("gb10") || playing("mig") || playing("mute") ? 1
           : playing("two") || playing("lost") || playing("late-lost")            ? 2
           : playing("eight")                                                     ? 8
                                                                                  : 0;
}

static const struct card *card_of(uintptr_t device)
{
    (void)device;
    return playing("eight") ? &h200 : playing("gb10") ? &gb10 : playing("mig") ? &a100 : &rtx4090;
}

EXPORT int nvmlInit_v2(void);
EXPORT int nvmlShutdown(void);
EXPORT int nvmlDeviceGetCount_v2(unsigned *);
EXPORT int nvmlDeviceGetHandleByIndex_v2(unsigned, uintptr_t *);
EXPORT int nvmlDeviceGetName(uintptr_t, char *, unsigned);
EXPORT int nvmlDeviceGetMemoryInfo(uintptr_t, uint64_t[3]);

int nvmlInit_v2(void)
{
    return playing("nodriver") ? 9 : playing("mismatch") ? 18 : playing("error") ? 999 : 0;
}

int nvmlShutdown(void)
{
    return 0;
}

#ifndef FAKE_BROKEN
int nvmlDeviceGetCount_v2(unsigned *out)
{
    *out = count();
    return 0;
}
#endif

/* A handle is index + 1; slices of device d have handles 100 * d + slice + 1. */
int nvmlDeviceGetHandleByIndex_v2(unsigned index, uintptr_t *out)
{
    if (playing("lost") && index == 0) {
        return 15;
    }
    *out = index + 1;
    return index < count() ? 0 : 2;
}

int nvmlDeviceGetName(uintptr_t device, char *name, unsigned len)
{
    if (playing("late-lost") && device == 1) {
        return 15;
    }
    snprintf(name, len, "%s%s", card_of(device)->name, device >= 100 ? " MIG 3g.20gb" : "");
    return 0;
}

int nvmlDeviceGetMemoryInfo(uintptr_t device, uint64_t out[3])
{
    if (playing("gb10")) {
        return 3;
    }
    if (playing("mute")) {
        return 4; /* no permission */
    }
    uint64_t total = (device >= 100 ? 19968 : card_of(device)->mib) << 20;
    uint64_t free_bytes = (device >= 100 ? 19900 : card_of(device)->free_mib) << 20;
    out[0] = total;
    out[1] = free_bytes;
    out[2] = total - free_bytes;
    return 0;
}

#ifndef FAKE_OLD
struct memory_v2 {
    unsigned version;
    unsigned long long total, reserved, free, used;
};
EXPORT int nvmlDeviceGetMemoryInfo_v2(uintptr_t, struct memory_v2 *);
EXPORT int nvmlDeviceGetMemoryBusWidth(uintptr_t, unsigned *);
EXPORT int nvmlDeviceGetNumGpuCores(uintptr_t, unsigned *);
EXPORT int nvmlDeviceGetDisplayActive(uintptr_t, unsigned *);
EXPORT int nvmlDeviceGetMigMode(uintptr_t, unsigned *, unsigned *);
EXPORT int nvmlDeviceGetMigDeviceHandleByIndex(uintptr_t, unsigned, uintptr_t *);
EXPORT int nvmlDeviceGetAttributes_v2(uintptr_t, void *);
EXPORT int nvmlDeviceGetMaxClockInfo(uintptr_t, int, unsigned *);
EXPORT int nvmlDeviceGetPciInfo_v3(uintptr_t, void *);
EXPORT int nvmlDeviceGetCudaComputeCapability(uintptr_t, int *, int *);
EXPORT int nvmlDeviceGetMaxPcieLinkGeneration(uintptr_t, unsigned *);
EXPORT int nvmlDeviceGetMaxPcieLinkWidth(uintptr_t, unsigned *);
EXPORT int nvmlSystemGetDriverVersion(char *, unsigned);

int nvmlDeviceGetMemoryInfo_v2(uintptr_t device, struct memory_v2 *out)
{
    uint64_t v1[3];
    int code = device >= 100 ? 3 : nvmlDeviceGetMemoryInfo(device, v1);
    if (code != 0 || out->version != (sizeof(*out) | 2u << 24)) {
        return code != 0 ? code : 25; /* argument version mismatch */
    }
    out->total = v1[0];
    out->reserved = 400ull << 20;
    out->free = v1[1];
    out->used = v1[0] - v1[1] - out->reserved;
    return 0;
}

int nvmlDeviceGetMemoryBusWidth(uintptr_t device, unsigned *out)
{
    *out = card_of(device)->bits;
    return *out > 0 ? 0 : 3;
}

int nvmlDeviceGetNumGpuCores(uintptr_t device, unsigned *out)
{
    *out = card_of(device)->cores;
    return 0;
}

int nvmlDeviceGetDisplayActive(uintptr_t device, unsigned *out)
{
    *out = device == 1;
    return 0;
}

int nvmlDeviceGetMigMode(uintptr_t device, unsigned *current, unsigned *pending)
{
    (void)device;
    *current = *pending = playing("mig");
    return playing("mig") || playing("eight") ? 0 : 3;
}

/* Slice 1 does not exist: places may be empty. */
int nvmlDeviceGetMigDeviceHandleByIndex(uintptr_t device, unsigned index, uintptr_t *out)
{
    *out = 100 * device + index + 1;
    return index == 0 || index == 2 ? 0 : 6;
}

int nvmlDeviceGetAttributes_v2(uintptr_t device, void *out)
{
    unsigned words[10] = { 42, 3, 2, 0, 0, 0, 3, 3, 19968, 0 };
    memcpy(out, words, sizeof(words));
    return device >= 100 ? 0 : 3;
}

int nvmlDeviceGetMaxClockInfo(uintptr_t device, int type, unsigned *out)
{
    *out = card_of(device)->mhz;
    return type == 2 && *out > 0 ? 0 : 3;
}

int nvmlDeviceGetPciInfo_v3(uintptr_t device, void *out)
{
    struct {
        char legacy[16];
        unsigned domain, bus, device, device_id, subsystem_id;
        char bus_id[32];
    } pci = { "", playing("gb10") ? 15 : 0, (unsigned)device, 0, card_of(device)->vendor_device, 0, "" };
    memcpy(out, &pci, sizeof(pci));
    return 0;
}

int nvmlDeviceGetCudaComputeCapability(uintptr_t device, int *major, int *minor)
{
    *major = card_of(device)->major;
    *minor = card_of(device)->minor;
    return 0;
}

int nvmlDeviceGetMaxPcieLinkGeneration(uintptr_t device, unsigned *out)
{
    *out = card_of(device)->generation;
    return *out > 0 ? 0 : 3;
}

int nvmlDeviceGetMaxPcieLinkWidth(uintptr_t device, unsigned *out)
{
    *out = card_of(device)->lanes;
    return *out > 0 ? 0 : 3;
}

int nvmlSystemGetDriverVersion(char *out, unsigned len)
{
    snprintf(out, len, "580.95.05");
    return 0;
}
#endif
