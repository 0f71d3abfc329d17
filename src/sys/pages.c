/* Anonymous memory in whole pages. Large ones are asked for only when the caller wants them: engines do not
 * ask, and over 4 KiB pages the page walker takes its share of what the memory could give. */
#define _GNU_SOURCE  /* MAP_ANONYMOUS, MADV_HUGEPAGE */
#define _DARWIN_C_SOURCE

#include "plimsoll/sys.h"

#include <sys/mman.h>
#include <unistd.h>

void *pls_sys_pages(size_t bytes, bool large)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        return NULL;
    }
#if defined(MADV_HUGEPAGE)
    if (large) {
        (void)madvise(p, bytes, MADV_HUGEPAGE); /* a refusal costs speed, not correctness */
    }
#else
    (void)large;
#endif
    return p;
}

void pls_sys_pages_free(void *pages, size_t bytes)
{
    if (pages != NULL) {
        (void)munmap(pages, bytes);
    }
}

uint64_t pls_sys_ram_bytes(void)
{
    long pages = sysconf(_SC_PHYS_PAGES);
    long size = sysconf(_SC_PAGESIZE);
    return pages < 1 || size < 1 ? 0 : pls_mul((uint64_t)pages, (uint64_t)size);
}
