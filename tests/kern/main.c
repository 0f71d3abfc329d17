/* The kernel cases without a test library: one TAP line for each row of the table that this processor can run. */
#include "cases.h"

int main(void)
{
    size_t n = 0;
    const struct pls_kern *table = pls_kern_table(&n);
    uint32_t isa = pls_kern_isa();
    int failed = 0;
    int number = 0;
    printf("1..%zu\n", n);
    for (size_t i = 0; i < n; i++) {
        const struct pls_kern *k = &table[i];
        if ((k->isa & ~isa) != 0) {
            printf("ok %d - %s of type %d, %s # SKIP not this processor\n", ++number, pls_kern_op_name(k->op), (int)k->type,
                   k->name);
            continue;
        }
        int bad = run_cases(k);
        failed += bad != 0;
        printf("%s %d - %s of type %d, %s\n", bad == 0 ? "ok" : "not ok", ++number, pls_kern_op_name(k->op), (int)k->type,
               k->name);
    }
    return failed == 0 ? 0 : 1;
}
