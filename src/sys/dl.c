#include "plimsoll/sys.h"

#include <dlfcn.h>
#include <stdlib.h>

struct pls_dl {
    void *handle;
};

struct pls_dl *pls_dl_open(const char *name)
{
    /* RTLD_LAZY: vendor libraries carry references that only some driver versions satisfy. */
    void *handle = dlopen(name, RTLD_LAZY | RTLD_LOCAL);
    if (handle == NULL) {
        return NULL;
    }
    struct pls_dl *dl = malloc(sizeof(*dl));
    if (dl == NULL) {
        dlclose(handle);
        return NULL;
    }
    dl->handle = handle;
    return dl;
}

void *pls_dl_symbol(struct pls_dl *dl, const char *symbol)
{
    return dlsym(dl->handle, symbol);
}

void pls_dl_close(struct pls_dl *dl)
{
    if (dl != NULL) {
        dlclose(dl->handle);
        free(dl);
    }
}
