/* sysctl(3) */
#ifndef STUB_SYSCTL_H
#define STUB_SYSCTL_H
#include <sys/types.h>
struct xsw_usage {
    u_int64_t xsu_total, xsu_avail, xsu_used;
    u_int32_t xsu_pagesize;
    _Bool xsu_encrypted;
};
int sysctlbyname(const char *name, void *old, size_t *old_size, void *new_value, size_t new_size);
#endif
