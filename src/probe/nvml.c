#include "probe/values.h"

void pls_nvml_values(struct pls_values *out)
{
    (void)out;
}
