/* plimsoll/render.h - results to text: tables, JSON, Markdown, CSV, shell. Owns every word the program says.
 *
 * Renderers write to a FILE handed in by cli/ and return PLS_IO when the disk is full. Nothing partial: a document is
 * built whole, then written once. Text from files is escaped.
 */
#ifndef PLIMSOLL_RENDER_H
#define PLIMSOLL_RENDER_H

#include <stdio.h>

#include "plimsoll/rank.h"
#include "plimsoll/text.h"

enum pls_output { PLS_OUT_TABLE = 0, PLS_OUT_JSON, PLS_OUT_JSONL, PLS_OUT_CSV, PLS_OUT_MARKDOWN, PLS_OUT_ENV };
bool pls_output_by_name(const char *name, enum pls_output *out);

/* One plan with what it was made from; arrays of these are what fit and plan print. */
struct pls_entry {
    const struct pls_model *model;
    const struct pls_plan *plan;
    const struct pls_pick *pick;  /* NULL for `plan` */
    const char *path;             /* the file behind it, or NULL */
};

struct pls_report {
    const struct pls_machine *machine;
    const struct pls_rates *rates;
    const struct pls_policy *policy;
    const struct pls_entry *entries;
    uint32_t n_entries;
    bool explain;
    uint32_t width; /* columns of the terminal; 0 unlimited */
    bool color;
};

enum pls_code pls_render_plan(FILE *to, enum pls_output output, const struct pls_report *report, struct pls_err *err);
enum pls_code pls_render_fit(FILE *to, enum pls_output output, const struct pls_report *report, struct pls_err *err);
enum pls_code pls_render_machine(FILE *to, enum pls_output output, const struct pls_machine *machine, bool explain,
                                 struct pls_err *err);

/* Reads a machine record (plimsoll.probe/1). Absent fields are unknown; PLS_FORMAT names the field that is wrong. */
enum pls_code pls_record_parse(const char *json, size_t len, struct pls_machine *out, struct pls_err *err);

/* The command that runs a plan with a runtime ("llama.cpp", "ollama", "mlx", "vllm"); empty when it cannot be said. */
void pls_command_line(const struct pls_entry *entry, const char *runtime, struct pls_text *out);

#endif
