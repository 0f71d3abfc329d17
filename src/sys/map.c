/* A mapped file may shrink under the reader (SIGBUS); that race is accepted, as for every program that maps
 * models. */
#include "plimsoll/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum pls_code pls_map_open(const char *path, struct pls_map *out, struct pls_err *err)
{
    *out = (struct pls_map){ NULL, 0 };
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    struct stat st;
    if (fd < 0) {
        return pls_fail(err, PLS_IO, "%s: %s", path, strerror(errno));
    }
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return pls_fail(err, PLS_IO, "%s: not a regular file", path);
    }
    uint64_t size = (uint64_t)st.st_size;
    if (size > SIZE_MAX) {
        close(fd);
        return pls_fail(err, PLS_LIMIT, "%s: larger than the address space", path);
    }
    void *data = size == 0 ? NULL : mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
    int why = errno;
    close(fd);
    if (data == MAP_FAILED) {
        return pls_fail(err, PLS_IO, "%s: %s", path, strerror(why));
    }
    *out = (struct pls_map){ data, size };
    return PLS_OK;
}

void pls_map_close(struct pls_map *map)
{
    if (map->data != NULL) {
        /* munmap takes a plain pointer although it writes nothing. */
        union {
            /* cppcheck-suppress unusedStructMember ; read as the other */
            const void *in;
            void *out;
        } address = { .in = map->data };
        munmap(address.out, (size_t)map->size);
    }
    *map = (struct pls_map){ NULL, 0 };
}
