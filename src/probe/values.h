/* Named values: facts that come from calls instead of files (sysctl, NVML, Metal), as text, so that an
 * interpreter can be pure and tested anywhere, and a recording can keep them in /values.txt, one "name:
 * value" a line. */
#ifndef PROBE_VALUES_H
#define PROBE_VALUES_H

#include "plimsoll/sys.h"

enum { PLS_MAX_VALUES = 640, PLS_VALUE_NAME = 56, PLS_VALUE_TEXT = 104 };

struct pls_fact {
    char name[PLS_VALUE_NAME];
    char text[PLS_VALUE_TEXT];
};

struct pls_values {
    uint32_t n;
    struct pls_fact value[PLS_MAX_VALUES];
};

/* Adds; what exceeds a bound is dropped, never cut: a name or number cut short would be another one. */
void pls_values_set(struct pls_values *v, const char *name, const char *text);
void pls_values_set_u64(struct pls_values *v, const char *name, uint64_t number);
/* NULL when there is none. */
const char *pls_values_get(const struct pls_values *v, const char *name);
bool pls_values_get_u64(const struct pls_values *v, const char *name, uint64_t *out);
/* Value of name with N in place of the first '#': ("hw.perflevel#.name", 1). */
const char *pls_values_get_n(const struct pls_values *v, const char *pattern, uint32_t n);
bool pls_values_get_n_u64(const struct pls_values *v, const char *pattern, uint32_t n, uint64_t *out);
void pls_values_set_n(struct pls_values *v, const char *pattern, uint32_t n, const char *text);
void pls_values_set_n_u64(struct pls_values *v, const char *pattern, uint32_t n, uint64_t number);
/* From text: lines "name: value" or "name = value"; '#' begins a comment line. */
void pls_values_parse(struct pls_values *v, const char *text);

/* What the running system says through calls; each adds what it finds. Called for a live root only. */
void pls_os_values(struct pls_values *out);     /* os_<system>.c */
void pls_nvml_values(struct pls_values *out);   /* nvml.c: "nvml.*" */
void pls_opencl_values(struct pls_values *out); /* opencl.c: "opencl.*"; slow, for what nothing else told */
/* From a library already open, whatever its name. */
void pls_nvml_read(struct pls_dl *dl, struct pls_values *out);
void pls_opencl_read(struct pls_dl *dl, struct pls_values *out);

#endif
