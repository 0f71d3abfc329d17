/* Which processors this process may use, and binding a thread to one of them. Only Linux can bind; elsewhere
 * threads run where the system puts them and the processors are merely counted. */
#define _GNU_SOURCE /* sched_getaffinity and the CPU_* macros */

#include "plimsoll/sys.h"

#include <unistd.h>

#if defined(__linux__)

#include <sched.h>

/* A mask larger than cpu_set_t (1024) makes the call fail; the loop below doubles it up to 16384
 * processors. */
static uint32_t mask_list(uint32_t *ids, uint32_t cap, int n_possible)
{
    cpu_set_t *set = CPU_ALLOC((size_t)n_possible);
    size_t size = CPU_ALLOC_SIZE((size_t)n_possible);
    if (set == NULL) {
        return 0;
    }
    uint32_t n = 0;
    if (sched_getaffinity(0, size, set) == 0) {
        for (int i = 0; i < n_possible && n < cap; i++) {
            if (CPU_ISSET_S((size_t)i, size, set)) {
                ids[n++] = (uint32_t)i;
            }
        }
    }
    CPU_FREE(set);
    return n;
}

uint32_t pls_sys_cpus(uint32_t *ids, uint32_t cap)
{
    for (int possible = 1024; possible <= 16384; possible *= 4) {
        uint32_t n = mask_list(ids, cap, possible);
        if (n > 0) {
            return n;
        }
    }
    ids[0] = 0;
    return 1;
}

bool pls_sys_pin(uint32_t id)
{
    cpu_set_t *set = CPU_ALLOC((size_t)id + 1);
    size_t size = CPU_ALLOC_SIZE((size_t)id + 1);
    if (set == NULL) {
        return false;
    }
    CPU_ZERO_S(size, set);
    CPU_SET_S((size_t)id, size, set);
    bool done = sched_setaffinity(0, size, set) == 0;
    CPU_FREE(set);
    return done;
}

#else

uint32_t pls_sys_cpus(uint32_t *ids, uint32_t cap)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t n = online < 1 ? 1 : (uint32_t)online;
    n = n > cap ? cap : n;
    for (uint32_t i = 0; i < n; i++) {
        ids[i] = i;
    }
    return n;
}

bool pls_sys_pin(uint32_t id)
{
    (void)id;
    return false;
}

#endif
