#include "gemv_pack.h"
#include "kern_impl.h"

#include "plimsoll/sys.h"

static const struct pls_kern table[] = {
#define KERN_READ(needs, function, text)                                                                     \
    { .type = PLS_TYPE_I8, .op = PLS_KERN_READ, .isa = (needs), .name = text, .fn.read = function },
#define KERN_DEQUANT(of, needs, function, text)                                                              \
    { .type = of, .op = PLS_KERN_DEQUANT, .isa = (needs), .name = text, .fn.dequant = function },
#define KERN_DOT(of, needs, function, text)                                                                  \
    { .type = of, .op = PLS_KERN_DOT, .isa = (needs), .name = text, .fn.dot = function },
#define KERN_GEMV(of, needs, function, text, rows, packer)                                                   \
    { .type = of, .op = PLS_KERN_GEMV, .isa = (needs), .lanes = rows, .name = text, .pack = packer,          \
      .fn.gemv = function },
#define KERN_GEMM(of, needs, function, text)                                                                 \
    { .type = of, .op = PLS_KERN_GEMM, .isa = (needs), .name = text, .fn.gemm = function },
#include "kern_table.def"
};

const char *pls_kern_op_name(enum pls_kern_op op)
{
    static const char *const names[] = { "read", "dequant", "dot", "gemv", "gemm" };
    return (size_t)op < PLS_COUNT_OF(names) ? names[op] : NULL;
}

const struct pls_kern *pls_kern_table(size_t *n)
{
    *n = PLS_COUNT_OF(table);
    return table;
}

const struct pls_kern *pls_kern_find(enum pls_type type, enum pls_kern_op op, uint32_t isa)
{
    for (size_t i = 0; i < PLS_COUNT_OF(table); i++) {
        const struct pls_kern *k = &table[i];
        if (k->type == type && k->op == op && (k->isa & ~isa) == 0) {
            return k;
        }
    }
    return NULL;
}

uint32_t pls_kern_isa(void)
{
    return pls_sys_isa();
}
