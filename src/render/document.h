/* render/document.h - the JSON documents piece by piece; json_*.c fill them, field order is the
 * contract's. */
#ifndef RENDER_DOCUMENT_H
#define RENDER_DOCUMENT_H

#include "plimsoll/render.h"
#include "render/json.h"

/* One plan as an object of plans[] or configs[] (which adds rank, score, reasons, pareto). rank 0: no
 * pick. */
void pls_document_entry(struct pls_json *j, cJSON *object, const struct pls_entry *entry,
                        const struct pls_machine *machine, uint32_t rank);

/* Parameters of the text model: as the card says, else counted from the tensors; 0 unknown. */
uint64_t pls_document_params(const struct pls_model *model);

/* "machine": a whole machine record inside another document. */
void pls_document_machine(struct pls_json *j, cJSON *object, const struct pls_machine *machine);

enum pls_code pls_json_plan(FILE *to, bool lines, const struct pls_report *report, struct pls_err *err);
enum pls_code pls_json_fit(FILE *to, bool lines, const struct pls_report *report, struct pls_err *err);
enum pls_code pls_json_machine(FILE *to, bool lines, const struct pls_machine *machine, struct pls_err *err);

/* Runtimes that run this plan as it was sized, the one that was asked for first; NULL-terminated. */
const char *const *pls_command_runtimes(const struct pls_entry *entry);

#endif
