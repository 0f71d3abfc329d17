/* A system this program has no file for: nothing is known beyond what files tell. */
#include "probe/values.h"

void pls_os_values(struct pls_values *out)
{
    (void)out;
}

uint32_t pls_os_isa(void)
{
    return 0;
}
