/* Linux tells almost everything through files; these are the calls that remain. */
#include <sys/auxv.h>

#include "probe/values.h"

void pls_os_values(struct pls_values *out)
{
    pls_nvml_values(out);
}

uint32_t pls_os_isa(void)
{
    return pls_isa_arm(getauxval(AT_HWCAP), getauxval(AT_HWCAP2));
}
