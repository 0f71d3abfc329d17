/* Linux tells almost everything through files; these are the calls that remain: NVML, and the DRM drivers'
 * queries for what sysfs leaves out (memory of Intel's discrete cards under mainline i915 and xe, bus width
 * of AMD's).
 *
 * Structures follow the kernel's user interface (include/uapi/drm) and are declared here because its headers
 * are not part of every C library's package. All queries are open to whoever may open the render node. A
 * sleeping GPU is left asleep.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "plimsoll/text.h"
#include "probe/parts.h"

enum { DEVICE_MEMORY = 1, MAX_ANSWER = 16 << 10 };

/* i915 */
struct i915_item {
    uint64_t query;
    int32_t length;
    uint32_t flags;
    uint64_t data;
};
struct i915_query {
    uint32_t n_items, flags;
    uint64_t items;
};
struct i915_region {
    uint16_t kind, instance;
    uint32_t reserved;
    uint64_t size, free;
    uint64_t more[8];
};
struct i915_regions {
    uint32_t n, reserved[3];
    struct i915_region region[];
};
/* xe */
struct xe_query {
    uint64_t extensions;
    uint32_t query, size;
    uint64_t data, reserved[2];
};
struct xe_region {
    uint16_t kind, instance;
    uint32_t page;
    uint64_t size, used, visible, visible_used, reserved[6];
};
struct xe_regions {
    uint32_t n, pad;
    struct xe_region region[];
};
/* amdgpu */
struct amdgpu_info {
    uint64_t answer;
    uint32_t answer_size, query;
    uint32_t arguments[4];
};
struct amdgpu_device {
    uint32_t ids[8];
    uint64_t max_engine_khz, max_memory_khz;
    uint32_t compute_units, ao_mask, bitmap[16], rb_mask, n_rb, n_contexts, pcie_generation;
    uint64_t flags; /* bit 0: fused with the processor (APU) */
    uint64_t address[2];
    uint32_t alignment, fragment, gart_page, ce_ram, memory_type, bus_bits;
};
_Static_assert(sizeof(struct i915_region) == 88 && sizeof(struct xe_region) == 88, "kernel interface");
_Static_assert(offsetof(struct amdgpu_device, flags) == 136, "kernel interface");
_Static_assert(offsetof(struct amdgpu_device, bus_bits) == 180, "kernel interface");

#define I915_QUERY  _IOWR('d', 0x40 + 0x39, struct i915_query)
#define XE_QUERY    _IOWR('d', 0x40 + 0x00, struct xe_query)
#define AMDGPU_INFO _IOW('d', 0x40 + 0x05, struct amdgpu_info)
enum { I915_MEMORY_REGIONS = 4, XE_MEMORY_REGIONS = 1, AMDGPU_DEVICE = 0x16 };

struct card {
    struct pls_root *root;
    struct pls_values *out;
    char name[16]; /* "card0" */
    int fd;        /* of its render node */
};

static void add_value(const struct card *c, const char *what, uint64_t value)
{
    char room[PLS_VALUE_NAME];
    struct pls_text t = PLS_TEXT(room);
    pls_text_add(&t, "drm.%s.%s", c->name, what);
    pls_values_set_u64(c->out, room, value);
}

static void ask_i915(const struct card *c, void *room)
{
    struct i915_item item = { .query = I915_MEMORY_REGIONS,
                              .length = MAX_ANSWER,
                              .data = (uint64_t)(uintptr_t)room };
    struct i915_query query = { .n_items = 1, .items = (uint64_t)(uintptr_t)&item };
    const struct i915_regions *answer = room;
    uint64_t bytes = 0;
    if (ioctl(c->fd, I915_QUERY, &query) != 0 || item.length < (int32_t)sizeof(*answer)) {
        return;
    }
    size_t fits = ((size_t)item.length - sizeof(*answer)) / sizeof(answer->region[0]);
    for (uint32_t i = 0; i < answer->n && i < fits; i++) {
        bytes += answer->region[i].kind == DEVICE_MEMORY ? answer->region[i].size : 0;
    }
    if (bytes > 0) {
        add_value(c, "vram_bytes", bytes);
    }
}

static void ask_xe(const struct card *c, void *room)
{
    struct xe_query query = { .query = XE_MEMORY_REGIONS };
    const struct xe_regions *answer = room;
    uint64_t bytes = 0;
    if (ioctl(c->fd, XE_QUERY, &query) != 0 || query.size < sizeof(*answer) || query.size > MAX_ANSWER) {
        return;
    }
    query.data = (uint64_t)(uintptr_t)room;
    if (ioctl(c->fd, XE_QUERY, &query) != 0) {
        return;
    }
    size_t fits = (query.size - sizeof(*answer)) / sizeof(answer->region[0]);
    for (uint32_t i = 0; i < answer->n && i < fits; i++) {
        bytes += answer->region[i].kind == DEVICE_MEMORY ? answer->region[i].size : 0;
    }
    if (bytes > 0) {
        add_value(c, "vram_bytes", bytes);
    }
}

static void ask_amdgpu(const struct card *c, void *room)
{
    const struct amdgpu_device *answer = room;
    struct amdgpu_info info = { .answer = (uint64_t)(uintptr_t)room,
                                .answer_size = sizeof(*answer),
                                .query = AMDGPU_DEVICE };
    if (ioctl(c->fd, AMDGPU_INFO, &info) == 0) {
        add_value(c, "is_apu", answer->flags & 1);
        add_value(c, "compute_units", answer->compute_units);
        add_value(c, "bus_bits", answer->bus_bits);
        add_value(c, "memory_khz", answer->max_memory_khz);
        add_value(c, "memory_type", answer->memory_type);
    }
}

static bool visit_node(const char *name, void *context)
{
    struct card *c = context;
    char path[64];
    struct pls_text t = PLS_TEXT(path);
    pls_text_add(&t, "/dev/dri/%s", name);
    if (pls_text_starts(name, "renderD") && c->fd < 0) {
        c->fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    return true;
}

static void ask_card(struct card *c, const char *driver)
{
    char path[96];
    struct pls_text t = PLS_TEXT(path);
    pls_text_add(&t, "/sys/class/drm/%s/device/drm", c->name);
    void *room = calloc(1, MAX_ANSWER);
    c->fd = -1;
    pls_root_list(c->root, path, visit_node, c, NULL);
    if (c->fd >= 0 && room != NULL) {
        if (strcmp(driver, "i915") == 0) {
            ask_i915(c, room);
        } else if (strcmp(driver, "xe") == 0) {
            ask_xe(c, room);
        } else if (strcmp(driver, "amdgpu") == 0) {
            ask_amdgpu(c, room);
        }
    }
    free(room);
    if (c->fd >= 0) {
        close(c->fd);
    }
}

static bool visit_card(const char *name, void *context)
{
    struct card *c = context;
    char path[96];
    char uevent[1024];
    char text[32] = "";
    uint64_t number = 0;
    struct pls_text t = PLS_TEXT(path);
    if (!pls_text_starts(name, "card") || !pls_parse_u64(name + 4, &number)) {
        return true;
    }
    PLS_COPY(c->name, name);
    pls_text_add(&t, "/sys/class/drm/%s/device/power/runtime_status", name);
    pls_scan_line(c->root, path, text, sizeof(text));
    if (strcmp(text, "suspended") == 0) {
        return true; /* waking it takes a second and costs a laptop's battery */
    }
    t = PLS_TEXT(path);
    pls_text_add(&t, "/sys/class/drm/%s/device/uevent", name);
    if (pls_root_read(c->root, path, uevent, sizeof(uevent), NULL, NULL) == PLS_OK
        && pls_scan_field(uevent, "DRIVER", text, sizeof(text))) {
        ask_card(c, text);
    }
    return true;
}

void pls_os_values(struct pls_values *out)
{
    struct card c = { .out = out, .fd = -1 };
    pls_nvml_values(out);
    if (pls_root_open(NULL, &c.root, NULL) == PLS_OK) {
        pls_root_list(c.root, "/sys/class/drm", visit_card, &c, NULL);
        pls_root_close(c.root);
    }
}
