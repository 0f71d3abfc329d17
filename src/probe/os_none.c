/* A system this program has no file for: nothing is known beyond what files and vendor libraries tell. */
#include "probe/values.h"

void pls_os_values(struct pls_values *out)
{
    pls_nvml_values(out);
}
