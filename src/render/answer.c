#include "render/answer.h"

#include <inttypes.h>
#include <stdlib.h>

#include "render/document.h"
#include "render/words.h"

enum { LINE_CAP = 4096 };

static const struct pls_plan *plan_of(const void *row)
{
    return ((const struct pls_row *)row)->entry->plan;
}

static void cell_rank(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_add(out, "%u", ((const struct pls_row *)row)->rank);
}

static void cell_id(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_escape(out, ((const struct pls_row *)row)->entry->model->card.id);
}

static void cell_model(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_escape(out, pls_words_model(&((const struct pls_row *)row)->entry->model->card));
}

static void cell_quant(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_escape(out, plan_of(row)->quant);
}

static void cell_total(const void *row, bool raw, struct pls_text *out)
{
    if (raw) {
        pls_text_add(out, "%" PRIu64, plan_of(row)->bytes.total);
    } else {
        pls_text_bytes(out, plan_of(row)->bytes.total);
    }
}

static void cell_file(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_add(out, "%" PRIu64, plan_of(row)->file_bytes);
}

static void cell_context(const void *row, bool raw, struct pls_text *out)
{
    if (raw) {
        pls_text_add(out, "%" PRIu64, plan_of(row)->setting.n_ctx);
    } else {
        pls_text_tokens(out, plan_of(row)->setting.n_ctx);
    }
}

static void rate(bool raw, double value, struct pls_text *out)
{
    if (!raw) {
        pls_words_rate(out, value);
    } else if (value > 0) {
        pls_text_add(out, "%.6g", value);
    }
}

/* What is waited for: a model that embeds or reranks only reads. */
static void cell_decode(const void *row, bool raw, struct pls_text *out)
{
    const struct pls_pick *pick = ((const struct pls_row *)row)->entry->pick;
    bool is_unknown = pick != NULL && (pick->reasons & PLS_REASON_SPEED_UNKNOWN) != 0;
    rate(raw, is_unknown ? 0 : pick != NULL && !raw ? pick->speed_tps : plan_of(row)->speed.decode_tps, out);
}

static void cell_prefill(const void *row, bool raw, struct pls_text *out)
{
    rate(raw, plan_of(row)->speed.prefill_tps, out);
}

static void cell_ttft(const void *row, bool raw, struct pls_text *out)
{
    if (raw) {
        rate(raw, plan_of(row)->speed.ttft_s, out);
    } else {
        pls_words_seconds(out, plan_of(row)->speed.ttft_s);
    }
}

static void cell_quality(const void *row, bool raw, struct pls_text *out)
{
    double q = plan_of(row)->quality.score;
    if (raw) {
        rate(raw, q, out);
    } else if (q > 0) {
        pls_text_add(out, "%.0f", q);
    } else {
        pls_text_add(out, "?");
    }
}

static void cell_margin(const void *row, bool raw, struct pls_text *out)
{
    if (raw) {
        pls_text_add(out, "%" PRId64, plan_of(row)->margin_bytes);
    } else {
        pls_words_margin(out, plan_of(row)->margin_bytes);
    }
}

static void cell_fits(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_add(out, "%s", plan_of(row)->fit == PLS_FIT_YES ? "yes" : "no");
}

static void cell_score(const void *row, bool raw, struct pls_text *out)
{
    const struct pls_pick *pick = ((const struct pls_row *)row)->entry->pick;
    if (pick != NULL) {
        pls_text_add(out, raw ? "%.6g" : "%.0f", pick->score);
    }
}

/* The models that share the row: two by name, the rest by number. */
static void add_siblings(const struct pls_entry *entry, struct pls_text *out)
{
    for (uint32_t i = 0; i < entry->n_also && i < 2; i++) {
        const struct pls_sibling *s = &entry->also[i];
        pls_text_add(out, "%s", i > 0 ? ", " : out->len > 0 ? "; also " : "also ");
        pls_text_escape(out, s->name[0] != '\0' ? s->name : s->id);
    }
    if (entry->n_also > 2) {
        pls_text_add(out, " and %u more", entry->n_also - 2);
    }
}

static void cell_also(const void *row, bool raw, struct pls_text *out)
{
    const struct pls_entry *entry = ((const struct pls_row *)row)->entry;
    (void)raw;
    for (uint32_t i = 0; i < entry->n_also; i++) {
        pls_text_add(out, "%s", i > 0 ? " " : "");
        pls_text_escape(out, entry->also[i].id);
    }
}

static void cell_why(const void *row, bool raw, struct pls_text *out)
{
    const struct pls_pick *pick = ((const struct pls_row *)row)->entry->pick;
    size_t start = out->len;
    if (pick == NULL) {
        pls_text_add(out, "%s", plan_of(row)->fit == PLS_FIT_YES ? "" : "does not fit");
        return;
    }
    if (!raw) {
        pls_words_reasons(out, pick->reasons);
        add_siblings(((const struct pls_row *)row)->entry, out);
        return;
    }
    for (uint32_t bit = 0; bit < 32; bit++) {
        if ((pick->reasons & 1u << bit) != 0) {
            pls_text_add(out, "%s%s", out->len > start ? " " : "",
                         pls_reason_name((enum pls_reason)(1u << bit)));
        }
    }
}

static const struct pls_column columns[] = {
    { "#", "rank", 0, PLS_COLUMN_RIGHT, cell_rank },
    { "MODEL", "name", 24, PLS_COLUMN_TRUNC, cell_model },
    { "ID", "model", 0, PLS_COLUMN_RAW, cell_id },
    { "QUANT", "quant", 0, 0, cell_quant },
    { "MEMORY", "total_bytes", 0, PLS_COLUMN_RIGHT, cell_total },
    { "FILE", "file_bytes", 0, PLS_COLUMN_RAW, cell_file },
    { "SPARE", "margin_bytes", 0, PLS_COLUMN_RIGHT | PLS_COLUMN_WIDE, cell_margin },
    { "FITS", "fits", 0, PLS_COLUMN_RAW, cell_fits },
    { "CONTEXT", "context_tokens", 0, PLS_COLUMN_RIGHT, cell_context },
    { "TOK/S", "decode_tps", 0, PLS_COLUMN_RIGHT, cell_decode },
    { "PREFILL", "prefill_tps", 0, PLS_COLUMN_RAW, cell_prefill },
    { "1ST TOKEN", "ttft_s", 0, PLS_COLUMN_RIGHT | PLS_COLUMN_WIDE, cell_ttft },
    { "QUALITY", "quality", 0, PLS_COLUMN_RIGHT, cell_quality },
    { "SCORE", "score", 0, PLS_COLUMN_RAW, cell_score },
    { "ALSO", "also", 0, PLS_COLUMN_RAW, cell_also },
    { "WHY", "reasons", 4, PLS_COLUMN_TRUNC | PLS_COLUMN_WIDE, cell_why },
};

enum pls_code pls_answer_rows(struct pls_page *page, enum pls_output output, const struct pls_report *report,
                              struct pls_err *err)
{
    struct pls_row *rows = calloc(report->n_entries > 0 ? report->n_entries : 1, sizeof(*rows));
    if (rows == NULL) {
        return pls_fail(err, PLS_NOMEM, "output: out of memory");
    }
    for (uint32_t i = 0; i < report->n_entries; i++) {
        rows[i] = (struct pls_row){ &report->entries[i], i + 1 };
    }
    struct pls_grid grid = { columns, PLS_COUNT_OF(columns), rows, sizeof(*rows), report->n_entries };
    enum pls_code code = pls_page_grid(page, &grid, output, report->screen.width, err);
    free(rows);
    return code;
}

void pls_answer_env_budgets(struct pls_page *page, const struct pls_machine *machine)
{
    uint64_t capacity = 0;
    uint64_t budget = 0;
    bool is_shared = false;
    for (uint32_t i = 1; i < machine->n_pools; i++) {
        capacity = pls_add(capacity, machine->pools[i].capacity_bytes);
        budget = pls_add(budget, machine->pools[i].budget_bytes);
        is_shared = is_shared || machine->pools[i].within >= 0;
    }
    pls_page_env(page, "PLIMSOLL_RAM_BYTES", "%" PRIu64, machine->pools[0].capacity_bytes);
    pls_page_env(page, "PLIMSOLL_RAM_BUDGET_BYTES", "%" PRIu64, machine->pools[0].budget_bytes);
    pls_page_env(page, "PLIMSOLL_GPUS", "%u", machine->n_gpus);
    pls_page_env(page, "PLIMSOLL_VRAM_BYTES", "%" PRIu64, capacity);
    pls_page_env(page, "PLIMSOLL_VRAM_BUDGET_BYTES", "%" PRIu64, budget);
    pls_page_env(page, "PLIMSOLL_VRAM_IS_RAM", "%d", is_shared ? 1 : 0);
}

/* What a plan holds in RAM, or in the memory of all GPUs. */
static uint64_t held(const struct pls_plan *p, bool by_gpus)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < p->n_shares; i++) {
        sum = (p->shares[i].pool > 0) == by_gpus ? pls_add(sum, p->shares[i].bytes.total) : sum;
    }
    return sum;
}

static void cell_parallel(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_add(out, "%" PRIu32, plan_of(row)->setting.n_seq);
}

static void cell_ram_used(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_add(out, "%" PRIu64, held(plan_of(row), false));
}

static void cell_vram_used(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_add(out, "%" PRIu64, held(plan_of(row), true));
}

static void cell_gpu_layers(const void *row, bool raw, struct pls_text *out)
{
    (void)raw;
    pls_text_add(out, "%d", (int)plan_of(row)->gpu_layers);
}

/* Of the first runtime that can run it. */
static void cell_command(const void *row, bool raw, struct pls_text *out)
{
    size_t start = out->len;
    (void)raw;
    const struct pls_entry *entry = ((const struct pls_row *)row)->entry;
    for (const char *const *r = pls_command_runtimes(entry); *r != NULL && out->len == start; r++) {
        pls_command_line(entry, *r, out);
    }
}

static const struct {
    const char *key;
    void (*cell)(const void *row, bool raw, struct pls_text *out);
} env_fields[] = {
    { "MODEL", cell_id },
    { "QUANT", cell_quant },
    { "CONTEXT_TOKENS", cell_context },
    { "PARALLEL", cell_parallel },
    { "TOTAL_BYTES", cell_total },
    { "RAM_USED_BYTES", cell_ram_used },
    { "VRAM_USED_BYTES", cell_vram_used },
    { "FILE_BYTES", cell_file },
    { "MARGIN_BYTES", cell_margin },
    { "GPU_LAYERS", cell_gpu_layers },
    { "DECODE_TPS", cell_decode },
    { "COMMAND", cell_command },
};

/* Every variable is set, if to nothing: what an earlier answer left behind is no answer to this question. */
static void env_entry(struct pls_page *page, const struct pls_entry *entry, uint32_t no)
{
    const struct pls_row row = { entry, no };
    for (size_t i = 0; i < PLS_COUNT_OF(env_fields); i++) {
        char key[48];
        char value[LINE_CAP];
        struct pls_text k = PLS_TEXT(key);
        struct pls_text v = PLS_TEXT(value);
        pls_text_add(&k, "PLIMSOLL_%s", env_fields[i].key);
        if (no > 1) {
            pls_text_add(&k, "_%u", no);
        }
        if (entry != NULL) {
            env_fields[i].cell(&row, true, &v);
        }
        pls_page_env(page, key, "%s", value);
    }
}

void pls_answer_env(struct pls_page *page, const struct pls_report *report, uint32_t n, bool fits)
{
    pls_page_env(page, "PLIMSOLL_FITS", "%d", fits ? 1 : 0);
    pls_answer_env_budgets(page, report->machine);
    env_entry(page, n > 0 ? &report->entries[0] : NULL, 1);
    for (uint32_t i = 1; i < n; i++) {
        env_entry(page, &report->entries[i], i + 1);
    }
}

/* Of what is known of the machine, what the numbers below rest on. */
static bool is_choice(const char *code)
{
    static const char *const codes[] = {
        "mig",         "smallest-bin",      "smallest-memory",     "most-cores",
        "two-sockets", "assumed-bandwidth", "working-set-assumed", "ambiguous-profile",
        "ram-assumed", "assumed-gpu"
    };
    for (size_t i = 0; i < PLS_COUNT_OF(codes); i++) {
        if (pls_text_equal(code, codes[i])) {
            return true;
        }
    }
    return false;
}

void pls_answer_machine(struct pls_page *page, const struct pls_machine *machine)
{
    char room[LINE_CAP];
    struct pls_text t = PLS_TEXT(room);
    pls_words_machine(&t, machine);
    pls_page_field(page, "Machine", "%s", room);
    t = PLS_TEXT(room);
    pls_words_budget(&t, machine);
    pls_page_field(page, "Budget", "%s", room);
    for (uint32_t i = 0; i < machine->n_notes; i++) {
        if (is_choice(machine->notes[i].code)) {
            pls_page_field(page, "", "%s", machine->notes[i].text);
        }
    }
}

/* The first runtime is the one that was asked for. */
static void no_command(struct pls_page *page, const struct pls_entry *entry)
{
    char room[LINE_CAP];
    struct pls_text t = PLS_TEXT(room);
    if (!entry->is_draft) {
        pls_command_lacks(entry, pls_command_runtimes(entry)[0], &t);
        pls_page_field(page, "Run", "no command%s%s", t.len > 0 ? ": " : "", room);
    }
}

void pls_answer_commands(struct pls_page *page, const struct pls_entry *entry, bool only_first)
{
    bool is_first = true;
    for (const char *const *r = pls_command_runtimes(entry); *r != NULL && (is_first || !only_first); r++) {
        char room[LINE_CAP];
        struct pls_text t = PLS_TEXT(room);
        pls_command_line(entry, *r, &t);
        if (t.len == 0 || t.truncated) {
            continue;
        }
        pls_page_field(page, is_first ? "Run" : "or", "%s", room);
        is_first = false;
        t = PLS_TEXT(room);
        pls_command_wants(entry, *r, &t);
        if (t.len > 0) {
            pls_page_field(page, "", "%s", room);
        }
    }
    if (is_first) {
        no_command(page, entry);
    }
}
