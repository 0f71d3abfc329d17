/* plimsoll/probe.h - what this machine (or a recorded one) is: memory, limits, processors, GPUs.
 *
 * One probe fills a struct pls_machine without budgets (pls_budget_apply does those) and without bandwidth
 * (the benchmark or the hardware table does that). It knows nothing of models. Finding less than everything
 * is normal: what could not be read stays unknown and, when it matters, a note says why.
 */
#ifndef PLIMSOLL_PROBE_H
#define PLIMSOLL_PROBE_H

#include "plimsoll/machine.h"
#include "plimsoll/sys.h"

/* The machine behind a root. A recorded one is a tree of the files that were read (proc/, sys/, ...), and may
 * hold two more at its top: hwloc.xml (`lstopo --of xml`), the processor topology, without which sysfs is
 * read; and values.txt, "name: value" lines of what calls told (NVML, DRM ioctls, OpenCL; all of macOS and
 * FreeBSD). hwloc's own replay of a file-system tree is not used: it is chosen by an environment variable
 * only. PLS_IO, PLS_UNSUPPORTED only when not even the size of RAM could be found; a GPU that fails is a
 * note. */
enum pls_code pls_probe(struct pls_root *root, struct pls_machine *out, struct pls_err *err);

/* Probes the machine behind root and writes what was seen as a recording into dir, which must not exist yet
 * or be empty: a tree that pls_probe() answers from as it did here. What could tell whose machine it is stays
 * out: serial numbers, host and user names, names of services and containers (control groups become g1, g2,
 * ...). PLS_IO when it cannot be written. */
enum pls_code pls_probe_record(struct pls_root *root, const char *dir, struct pls_machine *out,
                               struct pls_err *err);

/* The machine of an hwloc XML export (`--on file.xml`): processors, the sum of its memory nodes, and the GPUs
 * whose memory the exporting hwloc could tell. PLS_FORMAT for another file or one without memory,
 * PLS_UNSUPPORTED for hwloc 3's format read by hwloc 2. */
enum pls_code pls_probe_xml(const char *path, struct pls_machine *out, struct pls_err *err);

/* Instruction sets of the running processor, operating-system support included (CPUID and XCR0, or HWCAP). */
uint32_t pls_probe_isa(void);

#endif
