#include <inttypes.h>

#include "render/answer.h"
#include "render/document.h"
#include "render/words.h"

enum { LINE_CAP = 1024 };

/* A line of the placement table: a pool's share, or the sum. */
struct share_row {
    const struct pls_machine *machine;
    const struct pls_share *share;
};

static const struct pls_share *share_of(const void *row)
{
    return ((const struct share_row *)row)->share;
}

/* "gpu0 in ram": its bytes count against RAM as well. */
static void cell_pool(const void *row, bool raw, struct pls_text *out)
{
    const struct pls_machine *m = ((const struct share_row *)row)->machine;
    const struct pls_pool *pool = &m->pools[share_of(row)->pool];
    pls_text_escape(out, pool->id);
    if (pool->within >= 0 && !raw) {
        pls_text_add(out, " in ");
        pls_text_escape(out, m->pools[pool->within].id);
    }
}

static void cell_layers(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_add(out, "%u", share_of(row)->n_layers);
}

static void bytes(struct pls_text *out, uint64_t n)
{
    if (n == 0) {
        pls_text_add(out, "-");
    } else {
        pls_text_bytes(out, n);
    }
}

#define BYTES_CELL(field)                                                                                    \
    static void cell_##field(const void *row, bool raw, struct pls_text *out)                                \
    {                                                                                                        \
        (void)raw;                                                                                           \
        bytes(out, share_of(row)->bytes.field);                                                              \
    }
BYTES_CELL(weights)
BYTES_CELL(kv)
BYTES_CELL(state)
BYTES_CELL(compute)
BYTES_CELL(total)
#undef BYTES_CELL

static void cell_other(const void *row, bool raw, struct pls_text *out)
{
    const struct pls_bytes *b = &share_of(row)->bytes;
    (void)raw;
    bytes(out, pls_add(b->output, pls_add(b->projector, b->overhead)));
}

static void cell_budget(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_bytes(out, share_of(row)->budget_bytes);
}

static void cell_spare(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_words_margin(out, share_of(row)->margin_bytes);
}

static const struct pls_column columns[] = {
    { "POOL", "pool", 0, 0, cell_pool },
    { "LAYERS", "layers", 0, PLS_COLUMN_RIGHT, cell_layers },
    { "WEIGHTS", "weights", 0, PLS_COLUMN_RIGHT, cell_weights },
    { "KV CACHE", "kv", 0, PLS_COLUMN_RIGHT, cell_kv },
    { "STATE", "state", 0, PLS_COLUMN_RIGHT, cell_state },
    { "COMPUTE", "compute", 0, PLS_COLUMN_RIGHT, cell_compute },
    { "OTHER", "other", 0, PLS_COLUMN_RIGHT, cell_other },
    { "TOTAL", "total", 0, PLS_COLUMN_RIGHT, cell_total },
    { "BUDGET", "budget_bytes", 0, PLS_COLUMN_RIGHT, cell_budget },
    { "SPARE", "margin_bytes", 0, PLS_COLUMN_RIGHT, cell_spare },
};

static void title(struct pls_page *page, const struct pls_entry *e)
{
    const struct pls_card *c = &e->model->card;
    char params[64];
    char safe[LINE_CAP];
    struct pls_text t = PLS_TEXT(params);
    struct pls_text s = PLS_TEXT(safe);
    pls_words_params(&t, pls_document_params(e->model));
    pls_text_escape(&s, pls_words_model(c));
    pls_text_add(&s, " ");
    pls_text_escape(&s, e->plan->quant);
    pls_page_tone(page, PLS_TONE_BOLD);
    pls_page_field(page, "Model", "%s", safe);
    pls_page_tone(page, PLS_TONE_PLAIN);
    if (c->params_active != 0 && c->params_active < c->params_total) {
        pls_text_add(&t, " parameters, ");
        pls_words_params(&t, c->params_active);
        pls_text_add(&t, " active");
    } else {
        pls_text_add(&t, " parameters");
    }
    pls_page_field(page, "", "%s, %s, %s", c->arch, params,
                   c->source == PLS_SOURCE_GGUF ? "read from the file" : pls_source_name(c->source));
}

/* What --min-speed holds against it; NULL when nothing. */
static const struct pls_note *slowness(const struct pls_plan *p)
{
    for (uint32_t i = 0; i < p->n_notes; i++) {
        if (pls_text_equal(p->notes[i].code, "too-slow")) {
            return &p->notes[i];
        }
    }
    return NULL;
}

static void verdict(struct pls_page *page, const struct pls_plan *p)
{
    char spare[64];
    struct pls_text t = PLS_TEXT(spare);
    const struct pls_note *slow = slowness(p);
    pls_words_gap(&t, p->margin_bytes);
    if (p->fit == PLS_FIT_YES) {
        pls_page_tone(page, slow == NULL ? PLS_TONE_GOOD : PLS_TONE_BAD);
        pls_page_field(page, "Verdict", "fits, with %s to spare%s%s", spare,
                       slow == NULL ? "" : ", but too slow: ", slow == NULL ? "" : slow->text);
    } else {
        pls_page_tone(page, PLS_TONE_BAD);
        pls_page_field(page, "Verdict", "does not fit: %s too much%s%s%s", spare,
                       p->first_misfit[0] != '\0' ? ", first without room: " : "", p->first_misfit,
                       p->fit == PLS_FIT_STREAMS ? " (could only run from disk)" : "");
    }
    pls_page_tone(page, PLS_TONE_PLAIN);
}

static void details(struct pls_page *page, const struct pls_plan *p)
{
    char a[128];
    char b[128];
    char each[64];
    struct pls_text t = PLS_TEXT(a);
    struct pls_text u = PLS_TEXT(b);
    struct pls_text slots = PLS_TEXT(each);
    pls_text_tokens(&t, p->setting.n_ctx);
    pls_text_add(&slots, "s");
    if (p->setting.n_ctx_seq != p->setting.n_ctx) { /* divided among them */
        pls_text_add(&slots, " of ");
        pls_text_tokens(&slots, p->setting.n_ctx_seq);
    }
    if (p->context_fit_tokens > 0) {
        pls_words_tokens(&u, p->context_fit_tokens);
    } else {
        pls_text_add(&u, "none");
    }
    pls_page_field(page, "Context", "%s tokens, %u slot%s; largest that fits: %s", a, p->setting.n_seq,
                   p->setting.n_seq == 1 ? "" : each, b);
    pls_page_field(page, "Cache", "K %s, V %s, flash attention %s", pls_type_info(p->setting.type_k)->name,
                   pls_type_info(p->setting.type_v)->name, p->setting.flash_attention ? "on" : "off");
    t = PLS_TEXT(a);
    u = PLS_TEXT(b);
    pls_text_bytes(&t, p->file_bytes);
    pls_text_bytes(&u, p->uncertainty_bytes);
    pls_page_field(page, "File", "%s on disk; total memory is good to %s", a, b);
}

/* A model that never decodes is as fast as it reads. */
static void reading(struct pls_page *page, const struct pls_speed *s)
{
    char room[LINE_CAP];
    struct pls_text t = PLS_TEXT(room);
    pls_words_rate(&t, s->prefill_tps);
    pls_text_add(&t, " tok/s of reading (");
    pls_words_rate(&t, s->prefill_low_tps);
    pls_text_add(&t, " to ");
    pls_words_rate(&t, s->prefill_high_tps);
    pls_text_add(&t, "), the answer after ");
    pls_words_seconds(&t, s->ttft_s);
    pls_page_field(page, "Speed", "%s; rates %s", room, pls_words_origin(s->origin));
}

static void speed(struct pls_page *page, const struct pls_speed *s, const struct pls_card *card)
{
    char room[LINE_CAP];
    struct pls_text t = PLS_TEXT(room);
    if (s->prefill_tps > 0 && pls_card_only_reads(card)) {
        reading(page, s);
        return;
    }
    if (!(s->decode_tps > 0)) {
        pls_page_field(page, "Speed",
                       "unknown: no bandwidth is known for this machine (--bandwidth gives one)");
        return;
    }
    pls_words_rate(&t, s->decode_tps);
    pls_text_add(&t, " tok/s (");
    pls_words_rate(&t, s->decode_low_tps);
    pls_text_add(&t, " to ");
    pls_words_rate(&t, s->decode_high_tps);
    pls_text_add(&t, "), bound by %s", pls_bound_name(s->bound));
    if (s->prefill_tps > 0) {
        pls_text_add(&t, "; prompt ");
        pls_words_rate(&t, s->prefill_tps);
        pls_text_add(&t, " tok/s, first token after ");
        pls_words_seconds(&t, s->ttft_s);
    }
    pls_text_add(&t, "; rates %s", pls_words_origin(s->origin));
    pls_page_field(page, "Speed", "%s", room);
}

static void quality(struct pls_page *page, const struct pls_quality *q)
{
    if (q->score > 0) {
        pls_page_field(page, "Quality", "%.0f of 100; this quantization keeps %.1f%% (evidence: %s)",
                       q->score, 100 * q->retention, pls_evidence_name(q->evidence));
    } else if (q->retention > 0) {
        pls_page_field(page, "Quality", "no score known; this quantization keeps about %.1f%% of it",
                       100 * q->retention);
    }
}

static enum pls_code placement(struct pls_page *page, const struct pls_report *r, const struct pls_plan *p,
                               struct pls_err *err)
{
    struct share_row rows[PLS_MAX_POOLS];
    for (uint32_t i = 0; i < p->n_shares; i++) {
        rows[i] = (struct share_row){ r->machine, &p->shares[i] };
    }
    struct pls_grid grid = { columns, PLS_COUNT_OF(columns), rows, sizeof(rows[0]), p->n_shares };
    fputc('\n', page->to);
    enum pls_code code = pls_page_grid(page, &grid, PLS_OUT_TABLE, r->screen.width, err);
    fputc('\n', page->to);
    return code;
}

/* Notes that say what to change so that it fits; they stand right behind the verdict's numbers. */
static bool is_advice(const struct pls_note *note)
{
    static const char *const codes[] = { "wired-limit", "slots", "context", "kv-type", "quant" };
    for (size_t i = 0; i < PLS_COUNT_OF(codes); i++) {
        if (pls_text_equal(note->code, codes[i])) {
            return true;
        }
    }
    return false;
}

static void notes(struct pls_page *page, const struct pls_plan *p, bool advice)
{
    for (uint32_t i = 0; i < p->n_notes; i++) {
        bool is_said = &p->notes[i] == slowness(p); /* by the verdict */
        if (!is_said && (p->fit != PLS_FIT_YES && is_advice(&p->notes[i])) == advice) {
            pls_page_field(page, advice ? "Instead" : "Note", "%s", p->notes[i].text);
        }
    }
}

/* Advice of the machine that helps a plan with layers or experts in RAM beside a GPU that may map more of
 * it. */
static void advice_of_machine(struct pls_page *page, const struct pls_machine *m, const struct pls_plan *p)
{
    bool is_in_ram = p->cpu_moe_layers > 0;
    for (uint32_t i = 0; i < p->n_shares; i++) {
        bool is_ram = m->pools[p->shares[i].pool].kind == PLS_POOL_RAM;
        is_in_ram = is_in_ram || (is_ram && p->shares[i].n_layers > 0);
    }
    for (uint32_t i = 0; i < m->n_notes && (is_in_ram || p->fit != PLS_FIT_YES); i++) {
        if (pls_text_equal(m->notes[i].code, "raise-gtt")) {
            pls_page_field(page, "Instead", "%s", m->notes[i].text);
        }
    }
}

static enum pls_code block(struct pls_page *page, const struct pls_report *r, const struct pls_entry *e,
                           struct pls_err *err)
{
    title(page, e);
    verdict(page, e->plan);
    enum pls_code code = placement(page, r, e->plan, err);
    if (code != PLS_OK) {
        return code;
    }
    notes(page, e->plan, true);
    advice_of_machine(page, r->machine, e->plan);
    details(page, e->plan);
    quality(page, &e->plan->quality);
    if (e->plan->fit == PLS_FIT_YES) {
        speed(page, &e->plan->speed, &e->model->card);
        pls_answer_commands(page, e, false);
    }
    notes(page, e->plan, false);
    if (r->screen.explain) {
        pls_answer_explain(page, r, e);
    }
    return PLS_OK;
}

static enum pls_code table(struct pls_page *page, const struct pls_report *r, struct pls_err *err)
{
    enum pls_code code = PLS_OK;
    pls_answer_machine(page, r->machine);
    for (uint32_t i = 0; i < r->n_entries && code == PLS_OK; i++) {
        fputc('\n', page->to);
        code = block(page, r, &r->entries[i], err);
    }
    if (code == PLS_OK && r->n_entries > 1) {
        char total[64];
        char spare[64];
        struct pls_text t = PLS_TEXT(total);
        struct pls_text u = PLS_TEXT(spare);
        pls_text_bytes(&t, r->together.total_bytes);
        pls_words_gap(&u, r->together.margin_bytes);
        fputc('\n', page->to);
        pls_page_tone(page, r->together.fits ? PLS_TONE_GOOD : PLS_TONE_BAD);
        pls_page_field(page, "Together", "%s in all, %s %s %s", total,
                       r->together.fits ? "fits side by side with" : "does not fit side by side:", spare,
                       r->together.margin_bytes < 0 ? "too much" : "to spare");
        pls_page_tone(page, PLS_TONE_PLAIN);
    }
    return code;
}

enum pls_code pls_render_plan(FILE *to, enum pls_output output, const struct pls_report *report,
                              struct pls_err *err)
{
    if (output == PLS_OUT_JSON || output == PLS_OUT_JSONL) {
        return pls_json_plan(to, output == PLS_OUT_JSONL, report, err);
    }
    struct pls_page page;
    enum pls_code code = pls_page_begin(&page, report->screen.color && output == PLS_OUT_TABLE, err);
    if (code != PLS_OK) {
        return code;
    }
    if (output == PLS_OUT_TABLE) {
        code = table(&page, report, err);
    } else if (output == PLS_OUT_ENV) {
        pls_answer_env(&page, report, report->n_entries, report->together.fits);
    } else {
        code = pls_answer_rows(&page, output, report, err);
    }
    return pls_page_end(&page, code, to, err);
}

static enum pls_code no_command(const struct pls_entry *entry, const char *runtime, struct pls_err *err)
{
    char why[LINE_CAP];
    struct pls_text t = PLS_TEXT(why);
    pls_command_lacks(entry, runtime, &t);
    return pls_fail(
        err, PLS_REFUSED,
        "--emit: no command for %s with %s %s: %s (-q names another quant, --runtime another engine)",
        runtime, pls_words_model(&entry->model->card), entry->plan->quant,
        t.len > 0 ? why : "its name cannot be printed");
}

enum pls_code pls_render_commands(FILE *to, const struct pls_entry *entries, uint32_t n, const char *runtime,
                                  struct pls_err *err)
{
    struct pls_page page;
    enum pls_code code = pls_page_begin(&page, false, err);
    if (code != PLS_OK) {
        return code;
    }
    for (uint32_t i = 0; i < n && code == PLS_OK; i++) {
        char room[LINE_CAP * 4];
        struct pls_text t = PLS_TEXT(room);
        if (entries[i].is_draft) {
            continue;
        }
        pls_command_line(&entries[i], runtime, &t);
        fprintf(page.to, "%s\n", room);
        if (t.len == 0) {
            code = no_command(&entries[i], runtime, err);
        }
    }
    return pls_page_end(&page, code, to, err);
}

enum pls_code pls_render_command(FILE *to, const struct pls_entry *entry, const char *runtime,
                                 struct pls_err *err)
{
    return pls_render_commands(to, entry, 1, runtime, err);
}
