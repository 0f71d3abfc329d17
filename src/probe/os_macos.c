/* macOS: sysctl by name, Mach's memory counters, the I/O registry and Metal. It only fetches; macos_values.c
 * interprets.
 *
 * Frameworks are opened at run time and Objective-C is spoken through its C runtime, so that no Objective-C
 * is compiled and nothing links against a framework: a Mac without Metal (a server, a VM) simply answers
 * less. Written against Apple's documentation; see README for what has run on real hardware.
 */
#undef _POSIX_C_SOURCE /* sysctl and Mach hide under strict POSIX */
#define _DARWIN_C_SOURCE

#include <mach/mach.h>
#include <string.h>
#include <sys/sysctl.h>
#include <sys/types.h>

#include "plimsoll/base.h"
#include "probe/values.h"

static void add_text(struct pls_values *out, const char *name)
{
    char text[PLS_VALUE_TEXT] = "";
    size_t size = sizeof(text) - 1;
    if (sysctlbyname(name, text, &size, NULL, 0) == 0) {
        pls_values_set(out, name, text);
    }
}

/* Integers come in four or eight bytes, and only the kernel knows which. */
static void add_number(struct pls_values *out, const char *name)
{
    union {
        uint32_t narrow;
        uint64_t wide;
    } value = { .wide = 0 };
    size_t size = sizeof(value);
    if (sysctlbyname(name, &value, &size, NULL, 0) == 0) {
        pls_values_set_u64(out, name, size == sizeof(value.narrow) ? value.narrow : value.wide);
    }
}

static void add_sysctls(struct pls_values *out)
{
    static const char *const texts[] = {
        "kern.ostype",        "kern.osproductversion",    "hw.machine",
        "hw.model",           "machdep.cpu.brand_string", "hw.perflevel0.name",
        "hw.perflevel1.name", "hw.perflevel2.name",
    };
    static const char *const numbers[] = {
        "hw.memsize",
        "hw.pagesize",
        "hw.physicalcpu",
        "hw.logicalcpu",
        "hw.packages",
        "hw.nperflevels",
        "hw.perflevel0.physicalcpu",
        "hw.perflevel1.physicalcpu",
        "hw.perflevel2.physicalcpu",
        "hw.perflevel0.l1dcachesize",
        "hw.perflevel0.l2cachesize",
        "hw.l1dcachesize",
        "hw.l2cachesize",
        "hw.l3cachesize",
        "hw.optional.neon",
        "hw.optional.arm.FEAT_FP16",
        "hw.optional.arm.FEAT_DotProd",
        "hw.optional.arm.FEAT_I8MM",
        "hw.optional.arm.FEAT_BF16",
        "hw.optional.avx1_0",
        "hw.optional.avx2_0",
        "hw.optional.fma",
        "hw.optional.f16c",
        "iogpu.wired_limit_mb",
        "debug.iogpu.wired_limit",
        "sysctl.proc_translated",
        "kern.hv_vmm_present",
    };
    for (size_t i = 0; i < PLS_COUNT_OF(texts); i++) {
        add_text(out, texts[i]);
    }
    for (size_t i = 0; i < PLS_COUNT_OF(numbers); i++) {
        add_number(out, numbers[i]);
    }
    struct xsw_usage swap;
    size_t size = sizeof(swap);
    if (sysctlbyname("vm.swapusage", &swap, &size, NULL, 0) == 0) {
        pls_values_set_u64(out, "vm.swap_total", swap.xsu_total);
        pls_values_set_u64(out, "vm.swap_free", swap.xsu_avail);
    }
}

/* free_count contains the speculative pages already. */
static void add_memory(struct pls_values *out)
{
    vm_statistics64_data_t vm;
    mach_msg_type_number_t count = HOST_VM_INFO64_COUNT;
    mach_port_t host = mach_host_self();
    /* cppcheck-suppress uninitvar ; written by the call */
    if (host_statistics64(host, HOST_VM_INFO64, (host_info64_t)&vm, &count) == KERN_SUCCESS) {
        pls_values_set_u64(out, "vm.free_count", vm.free_count);
        pls_values_set_u64(out, "vm.inactive_count", vm.inactive_count);
        pls_values_set_u64(out, "vm.purgeable_count", vm.purgeable_count);
    }
    mach_port_deallocate(mach_task_self(), host);
}

/* A function of an opened framework. ISO C has no cast from object to function pointer, hence the copy. */
static bool load(struct pls_dl *dl, const char *symbol, void *function)
{
    void *address = dl == NULL ? NULL : pls_dl_symbol(dl, symbol);
    memcpy(function, &address, sizeof(address));
    return address != NULL;
}

/* IOKit and CoreFoundation types, all pointers or 32-bit ports in their ABI. */
struct registry {
    void *(*matching)(const char *name);
    uint32_t (*service)(uint32_t port, void *matching); /* consumes matching */
    void *(*property)(uint32_t entry, void *key, void *allocator, uint32_t options);
    int (*release_object)(uint32_t object);
    void *(*string)(void *allocator, const char *text, uint32_t encoding);
    unsigned char (*number)(void *number, long type, void *out);
    unsigned long (*type_of)(void *object);
    unsigned long (*number_type)(void);
    void (*release)(void *object);
};

static bool load_registry(struct pls_dl *io, struct pls_dl *cf, struct registry *r)
{
    return load(io, "IOServiceMatching", &r->matching) && load(io, "IOServiceGetMatchingService", &r->service)
           && load(io, "IORegistryEntryCreateCFProperty", &r->property)
           && load(io, "IOObjectRelease", &r->release_object)
           && load(cf, "CFStringCreateWithCString", &r->string) && load(cf, "CFNumberGetValue", &r->number)
           && load(cf, "CFGetTypeID", &r->type_of) && load(cf, "CFNumberGetTypeID", &r->number_type)
           && load(cf, "CFRelease", &r->release);
}

static void read_gpu_cores(const struct registry *r, struct pls_values *out)
{
    enum { CF_UTF8 = 0x08000100, CF_SINT64 = 4 };
    uint32_t gpu = r->service(0, r->matching("AGXAccelerator"));
    void *key = r->string(NULL, "gpu-core-count", CF_UTF8);
    void *value = gpu != 0 && key != NULL ? r->property(gpu, key, NULL, 0) : NULL;
    int64_t cores = 0;
    if (value != NULL && r->type_of(value) == r->number_type() && r->number(value, CF_SINT64, &cores) != 0
        && cores > 0) {
        pls_values_set_u64(out, "gpu.cores", (uint64_t)cores);
    }
    if (value != NULL) {
        r->release(value);
    }
    if (key != NULL) {
        r->release(key);
    }
    if (gpu != 0) {
        r->release_object(gpu);
    }
}

static void add_gpu_cores(struct pls_values *out)
{
    struct pls_dl *io = pls_dl_open("/System/Library/Frameworks/IOKit.framework/IOKit");
    struct pls_dl *cf = pls_dl_open("/System/Library/Frameworks/CoreFoundation.framework/CoreFoundation");
    struct registry r;
    if (load_registry(io, cf, &r)) {
        read_gpu_cores(&r, out);
    }
    pls_dl_close(io);
    pls_dl_close(cf);
}

/* The Objective-C runtime from C: a message is a call of objc_msgSend through a pointer of the method's own
 * type. */
struct objc {
    void *(*selector)(const char *name);
    void *(*pool_push)(void);
    void (*pool_pop)(void *pool);
    void *(*send)(void);           /* never called as such */
    void *(*default_device)(void); /* Metal's; retained */
};

static uint64_t send_u64(const struct objc *o, void *object, const char *method)
{
    uint64_t (*call)(void *, void *);
    memcpy(&call, &o->send, sizeof(call));
    return call(object, o->selector(method));
}

static void *send_pointer(const struct objc *o, void *object, const char *method)
{
    void *(*call)(void *, void *);
    memcpy(&call, &o->send, sizeof(call));
    return call(object, o->selector(method));
}

static void read_metal(const struct objc *o, struct pls_values *out)
{
    void *pool = o->pool_push();
    void *device = o->default_device();
    if (device != NULL) {
        void *name = send_pointer(o, device, "name");
        const char *text = name == NULL ? NULL : send_pointer(o, name, "UTF8String");
        pls_values_set(out, "metal.name", text == NULL ? "" : text);
        pls_values_set_u64(out, "metal.working_set", send_u64(o, device, "recommendedMaxWorkingSetSize"));
        pls_values_set_u64(out, "metal.max_buffer", send_u64(o, device, "maxBufferLength"));
        send_pointer(o, device, "release");
    }
    o->pool_pop(pool);
}

static void add_metal(struct pls_values *out)
{
    struct pls_dl *runtime = pls_dl_open("/usr/lib/libobjc.A.dylib");
    struct pls_dl *metal = pls_dl_open("/System/Library/Frameworks/Metal.framework/Metal");
    struct objc o;
    if (load(runtime, "sel_registerName", &o.selector)
        && load(runtime, "objc_autoreleasePoolPush", &o.pool_push)
        && load(runtime, "objc_autoreleasePoolPop", &o.pool_pop) && load(runtime, "objc_msgSend", &o.send)
        && load(metal, "MTLCreateSystemDefaultDevice", &o.default_device)) {
        read_metal(&o, out);
    }
    /* Metal starts threads of its own: it stays loaded. */
}

void pls_os_values(struct pls_values *out)
{
    add_sysctls(out);
    add_memory(out);
    add_gpu_cores(out);
    add_metal(out);
}
