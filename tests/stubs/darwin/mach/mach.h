/* host_statistics64, mach_host_self: Mach interfaces as the kernel documents them. */
#ifndef STUB_MACH_H
#define STUB_MACH_H
#include <stdint.h>
typedef int kern_return_t;
typedef unsigned int mach_port_t, natural_t, mach_msg_type_number_t;
typedef int integer_t, host_flavor_t;
typedef integer_t *host_info64_t;
typedef struct vm_statistics64 {
    natural_t free_count, active_count, inactive_count, wire_count;
    uint64_t zero_fill_count, reactivations, pageins, pageouts, faults, cow_faults, lookups, hits, purges;
    natural_t purgeable_count, speculative_count;
    uint64_t decompressions, compressions, swapins, swapouts;
    natural_t compressor_page_count, throttled_count, external_page_count, internal_page_count;
    uint64_t total_uncompressed_pages_in_compressor;
} vm_statistics64_data_t;
#define KERN_SUCCESS         0
#define HOST_VM_INFO64       4
#define HOST_VM_INFO64_COUNT ((mach_msg_type_number_t)(sizeof(vm_statistics64_data_t) / sizeof(integer_t)))
mach_port_t mach_host_self(void);
extern mach_port_t mach_task_self_;
#define mach_task_self() mach_task_self_
kern_return_t mach_port_deallocate(mach_port_t task, mach_port_t name);
kern_return_t host_statistics64(mach_port_t host, host_flavor_t flavor, host_info64_t out, mach_msg_type_number_t *count);
#endif
