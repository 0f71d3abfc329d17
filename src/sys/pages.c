/* Anonymous memory in whole pages. Large ones are asked for only when the caller wants them: engines do not
 * ask, and over 4 KiB pages the page walker takes its share of what the memory could give. */
#define _GNU_SOURCE  /* MAP_ANONYMOUS, MADV_HUGEPAGE */
#define _DARWIN_C_SOURCE

#include "plimsoll/sys.h"

#include <sys/mman.h>
#include <unistd.h>

#if defined(MADV_HUGEPAGE)
enum { LARGE_PAGE = 2 << 20 }; /* of x86-64, and of aarch64 with base pages of 4 KiB */

/* Large pages lie at multiples of their size: what comes back from the system seldom begins at one. */
static void *aligned(size_t bytes)
{
    unsigned char *p =
        mmap(NULL, bytes + LARGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        return NULL;
    }
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t before = (LARGE_PAGE - (uintptr_t)p % LARGE_PAGE) % LARGE_PAGE;
    size_t used = before + (bytes + page - 1) / page * page;
    if (before > 0) {
        (void)munmap(p, before);
    }
    if (used < bytes + LARGE_PAGE) {
        (void)munmap(p + used, bytes + LARGE_PAGE - used);
    }
    (void)madvise(p + before, bytes, MADV_HUGEPAGE); /* a refusal costs speed, not correctness */
    return p + before;
}
#endif

void *pls_sys_pages(size_t bytes, bool large)
{
#if defined(MADV_HUGEPAGE)
    if (large && bytes >= LARGE_PAGE && bytes <= SIZE_MAX / 2) {
        return aligned(bytes);
    }
#else
    (void)large;
#endif
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
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
