/* kern/kern_impl.h - prototypes of every kernel in the table, and nothing else: names are
 * <operation>_<type>_<isa>. */
#ifndef PLIMSOLL_KERN_IMPL_H
#define PLIMSOLL_KERN_IMPL_H

#include "plimsoll/kern.h"

#define KERN_READ(isa, fn, name)                    pls_read_fn fn;
#define KERN_DEQUANT(type, isa, fn, name)           pls_dequant_fn fn;
#define KERN_DOT(type, isa, fn, name)               pls_dot_fn fn;
#define KERN_GEMV(type, isa, fn, name, lanes, pack) pls_gemv_fn fn;
#define KERN_GEMM(type, isa, fn, name)              pls_gemm_fn fn;
#include "kern_table.def"

#endif
