/* render/answer.h - the pieces of a plan or a ranking that several forms share. */
#ifndef RENDER_ANSWER_H
#define RENDER_ANSWER_H

#include "render/page.h"

/* One configuration as a row: fit's table, and the CSV and Markdown of plan as well. */
struct pls_row {
    const struct pls_entry *entry;
    uint32_t rank;
};

enum pls_code pls_answer_rows(struct pls_page *page, enum pls_output output, const struct pls_report *report,
                              struct pls_err *err);
/* Shell variables: those of the first of n entries have plain names, "_2" and so on stands behind those of
 * the others. */
void pls_answer_env(struct pls_page *page, const struct pls_report *report, uint32_t n, bool fits);

/* What RAM and the memory of all GPUs together hold and may hold; 0 without GPUs. */
void pls_answer_env_budgets(struct pls_page *page, const struct pls_machine *machine);

/* "Machine" and "Budget" lines. */
void pls_answer_machine(struct pls_page *page, const struct pls_machine *machine);
/* "Run", one line per runtime that can run it; `only_first`: the first of them. */
void pls_answer_commands(struct pls_page *page, const struct pls_entry *entry, bool only_first);
/* Formula, inputs and origin of each number of a plan. */
void pls_explain_speed(struct pls_page *page, const struct pls_report *report, const struct pls_entry *entry,
                       bool is_prefill);
void pls_answer_explain(struct pls_page *page, const struct pls_report *report,
                        const struct pls_entry *entry);

#endif
