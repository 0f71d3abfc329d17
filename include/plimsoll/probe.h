/* plimsoll/probe.h - what this machine (or a recorded one) is: memory, limits, processors, GPUs.
 *
 * One probe fills a struct pls_machine without budgets (pls_budget_apply does those) and without bandwidth (the benchmark
 * or the hardware table does that). It knows nothing of models. Finding less than everything is normal: what could not be
 * read stays unknown and, when it matters, a note says why.
 */
#ifndef PLIMSOLL_PROBE_H
#define PLIMSOLL_PROBE_H

#include "plimsoll/machine.h"
#include "plimsoll/sys.h"

/* PLS_IO only when not even the size of RAM could be found. */
enum pls_code pls_probe(struct pls_root *root, struct pls_machine *out, struct pls_err *err);

/* CPU topology from an hwloc XML export (`--on file.xml`). */
enum pls_code pls_probe_xml(const char *path, struct pls_machine *out, struct pls_err *err);

/* Instruction sets of the running processor, operating-system support included (CPUID and XCR0, or HWCAP). */
uint32_t pls_probe_isa(void);

#endif
