/* The rows that will be shown, planned in full: sizes were rough where nothing hung on them. It is the
 * dearest part of an answer, and no row's plan knows of another's, so threads share them. */
#include <string.h>

#include "cli/fit_finish.h"
#include "plimsoll/sys.h"

enum { ALIGNMENTS = 3 * 16, ROWS_IN_ARENA = 4 << 20 };

struct finish {
    struct pls_session *s;
    const struct pls_search *f;
    struct pls_fit_row *rows;
    struct pls_arena scratch[PLS_SYS_WORKERS]; /* per thread; the first is the session's */
    uint32_t n_workers;
};

/* The largest context that would fit is the dearest number of a plan and stands in documents alone. */
static enum pls_code plan_row(const struct pls_session *s, struct pls_fit_row *row, const struct pls_ask *ask,
                              struct pls_arena *scratch)
{
    const struct pls_model *model = row->model;
    struct pls_layout layout;
    if (s->output == PLS_OUT_JSON || s->output == PLS_OUT_JSONL) {
        return pls_plan_make(model, ask, &s->machine, &s->rates, scratch, row->plan, &row->err);
    }
    enum pls_code code = pls_layout_make(model, &ask->quant, &s->machine, scratch, &layout, &row->err);
    code = code == PLS_OK ? pls_place_layout(&layout, ask, &s->machine, scratch, row->plan, &row->err) : code;
    if (code == PLS_OK) {
        pls_speed_predict(&model->card, &s->machine, &s->rates, row->plan);
    }
    return code;
}

static void refresh(struct pls_pick *pick, const struct pls_policy *policy, const struct pls_plan *plan)
{
    struct pls_merit m = pls_rank_merit(policy, plan);
    pick->quality = plan->quality.score;
    pick->decode_tps = plan->speed.decode_tps;
    pick->prefill_tps = plan->speed.prefill_tps;
    pick->speed_tps = m.speed_tps;
    pick->total_bytes = plan->bytes.total;
    pick->margin_bytes = plan->margin_bytes;
    pick->score = m.score;
    pick->reasons = m.reasons;
}

static void finish_row(uint32_t item, uint32_t worker, void *context)
{
    struct finish *job = context;
    const struct pls_search *f = job->f;
    struct pls_fit_row *row = &job->rows[item];
    struct pls_arena *scratch = &job->scratch[worker];
    struct pls_ask ask = f->ask.ask;
    ask.quant = row->pick->quant;
    ask.context_tokens = row->pick->context_tokens;
    ask.type_k = row->pick->type_k;
    ask.type_v = row->pick->type_v;
    pls_search_settle(&f->ask, &row->model->card, &ask);
    size_t mark = scratch->used;
    enum pls_code code = pls_arch_tensors(&row->model->card, scratch, &row->model->tensors, &row->err);
    code = code == PLS_OK ? plan_row(job->s, row, &ask, scratch) : code;
    row->code = code;
    if (code == PLS_OK) {
        pls_quality_by_policy(&row->model->card, &f->ask.policy, row->plan);
        refresh(row->pick, &f->ask.policy, row->plan);
    }
    pls_arena_reset(scratch, mark);
    row->model->tensors = (struct pls_tensors){ NULL, 0 };
}

/* In memory that outlives the search. */
static bool take_rows(struct finish *job, const uint32_t *chosen, uint32_t n)
{
    const struct pls_search *f = job->f;
    size_t each =
        sizeof(struct pls_model) + sizeof(struct pls_plan) + sizeof(struct pls_pick) + ALIGNMENTS;
    size_t bytes = (size_t)pls_mul(each, n);
    struct pls_arena *arena = &job->s->arena;
    if (bytes > ROWS_IN_ARENA) { /* asked once, by whoever wants all rows there are */
        arena = &job->s->rows;
        pls_sys_pages_free(arena->base, arena->cap);
        *arena = pls_arena_over(pls_sys_pages(bytes, true), bytes);
    }
    for (uint32_t i = 0; i < n; i++) {
        struct pls_fit_row *row = &job->rows[i];
        row->model = PLS_TAKE(arena, struct pls_model, 1);
        row->plan = PLS_TAKE(arena, struct pls_plan, 1);
        row->pick = PLS_TAKE(arena, struct pls_pick, 1);
        if (row->model == NULL || row->plan == NULL || row->pick == NULL) {
            return false;
        }
        *row->pick = f->picks[chosen[i]];
        row->model->card = f->cards[row->pick->model];
        row->model->stored.ftype = PLS_FTYPE_NONE;
    }
    return true;
}

static void hire(struct finish *job, uint32_t n)
{
    uint32_t cpus[PLS_SYS_WORKERS];
    uint32_t most = pls_sys_cpus(cpus, PLS_SYS_WORKERS);
    const struct pls_session *s = job->s;
    if (s->is_live && pls_cpu_is_rationed(&s->machine.cpu)) {
        most = (uint32_t)pls_min(most, pls_cpu_threads(&s->machine.cpu));
    }
    job->scratch[0] = s->scratch;
    for (job->n_workers = 1; job->n_workers < most && job->n_workers < n; job->n_workers++) {
        job->scratch[job->n_workers] = pls_session_room();
        if (job->scratch[job->n_workers].base == NULL) {
            return;
        }
    }
}

enum pls_code pls_fit_finish(struct pls_session *s, const struct pls_search *f, const uint32_t *chosen,
                             uint32_t n, struct pls_fit_row *rows, struct pls_err *err)
{
    struct finish job = { .s = s, .f = f, .rows = rows };
    if (!take_rows(&job, chosen, n)) {
        return pls_fail(err, PLS_NOMEM, "fit: out of memory for this many rows (--top shows fewer)");
    }
    hire(&job, n);
    pls_sys_deal(n, job.n_workers, finish_row, &job);
    for (uint32_t i = 1; i < job.n_workers; i++) {
        pls_sys_pages_free(job.scratch[i].base, job.scratch[i].cap);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (rows[i].code != PLS_OK) {
            const char *why =
                rows[i].err.text[0] != '\0' ? rows[i].err.text : "no plan, for no reason that was said";
            return pls_fail(err, rows[i].code, "%s: %s", rows[i].model->card.id, why);
        }
    }
    return PLS_OK;
}
