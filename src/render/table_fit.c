#include "render/answer.h"
#include "render/document.h"
#include "render/words.h"

enum { LINE_CAP = 1024 };

static void header(struct pls_page *page, const struct pls_report *r)
{
    char context[64];
    struct pls_text t = PLS_TEXT(context);
    pls_answer_machine(page, r->machine);
    pls_text_tokens(&t, r->policy->min_context_tokens);
    bool reads = r->policy->min_prefill_tps > 0;
    pls_page_field(page, "Asked", "%s, at least %s tokens of context, usable from %g tok/s%s",
                   pls_task_name(r->policy->task), context,
                   reads ? r->policy->min_prefill_tps : r->policy->min_decode_tps,
                   reads ? " of reading" : "");
    fputc('\n', page->to);
}

static void footer(struct pls_page *page, const struct pls_report *r)
{
    char room[LINE_CAP];
    struct pls_text t = PLS_TEXT(room);
    const struct pls_entry *first = &r->entries[0];
    pls_words_first(&t, r);
    fputc('\n', page->to);
    pls_page_field(page, "First", "%s: %s", pls_words_model(&first->model->card), room);
    pls_answer_commands(page, first, true);
    pls_page_field(page, "More", "plimsoll plan %s:%s%s", first->model->card.id, first->plan->quant,
                   r->screen.explain ? "" : " (--explain shows where every number comes from)");
}

static void no_match(struct pls_page *page, const struct pls_report *r)
{
    char room[LINE_CAP];
    struct pls_text t = PLS_TEXT(room);
    for (int task = 0; task < PLS_TASK_COUNT; task++) {
        if ((r->other_tasks & 1u << task) != 0) {
            pls_text_add(&t, "%s%s", t.len > 0 ? ", " : ", but for ", pls_task_name((enum pls_task)task));
        }
    }
    pls_page_field(page, "Nothing", "that matches is made for %s%s (--task says what for)",
                   pls_task_name(r->policy->task), room);
}

static enum pls_code table(struct pls_page *page, const struct pls_report *r, struct pls_err *err)
{
    header(page, r);
    if (r->n_entries == 0) {
        pls_page_tone(page, PLS_TONE_BAD);
        if (r->n_models == 0) {
            no_match(page, r);
        } else {
            pls_page_field(page, "Nothing", "of %u models fits this budget and these wishes", r->n_models);
        }
        pls_page_tone(page, PLS_TONE_PLAIN);
        return PLS_OK;
    }
    enum pls_code code = pls_answer_rows(page, PLS_OUT_TABLE, r, err);
    if (code != PLS_OK) {
        return code;
    }
    footer(page, r);
    if (r->screen.explain) {
        pls_answer_explain(page, r, &r->entries[0]);
    }
    return PLS_OK;
}

enum pls_code pls_render_fit(FILE *to, enum pls_output output, const struct pls_report *report,
                             struct pls_err *err)
{
    if (output == PLS_OUT_JSON || output == PLS_OUT_JSONL) {
        return pls_json_fit(to, output == PLS_OUT_JSONL, report, err);
    }
    struct pls_page page;
    enum pls_code code = pls_page_begin(&page, report->screen.color && output == PLS_OUT_TABLE, err);
    if (code != PLS_OK) {
        return code;
    }
    if (output == PLS_OUT_TABLE) {
        code = table(&page, report, err);
    } else if (output == PLS_OUT_ENV) {
        pls_answer_env(&page, report, report->n_entries > 0, report->n_entries > 0);
    } else {
        code = pls_answer_rows(&page, output, report, err);
    }
    return pls_page_end(&page, code, to, err);
}
