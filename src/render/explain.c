/* Where each number of a plan comes from: formula, inputs, origin. Figures are raw bytes, so that they can be
 * redone with a pencil. */
#include <inttypes.h>

#include "render/answer.h"

static void line(struct pls_page *page, const char *what, uint64_t value, const char *how)
{
    fprintf(page->to, "  %-14s %15" PRIu64 "  %s\n", what, value, how);
}

static void explain_types(struct pls_page *page, const struct pls_plan *p)
{
    for (int i = 0; i < PLS_TYPE_COUNT; i++) {
        const struct pls_type_info *info = pls_type_info((enum pls_type)i);
        if (p->types[i].tensors != 0 && info->name != NULL) {
            fprintf(page->to, "  %-14s %15" PRIu64 "  %u tensors, %u bytes for %u elements\n", info->name,
                    p->types[i].bytes, p->types[i].tensors, info->bytes, info->block);
        }
    }
}

static void explain_bytes(struct pls_page *page, const struct pls_plan *p)
{
    fprintf(page->to, "\nBytes (total = weights + kv + state + compute + output + projector + overhead)\n");
    explain_types(page, p);
    line(page, "tensor data", p->tensor_data_bytes, "sum of the types above: what the quantizer writes");
    line(page, "file", p->file_bytes, "tensor data + header + padding");
    line(page, "weights", p->bytes.weights,
         "resident: without blocks that are not loaded, with copies that are made");
    line(page, "kv", p->bytes.kv, "sum over layers: cells x (K width x K type + V width x V type)");
    line(page, "state", p->bytes.state, "sum over recurrent layers: slots x 4 x (conv + ssm elements)");
    line(page, "compute", p->bytes.compute,
         p->compute_origin == PLS_ORIGIN_TABLE ? "replay of the engine's allocator over its node list"
                                               : "closed form: largest live tensors of one ubatch");
    line(page, "output", p->bytes.output, "logits: 4 x vocabulary x output rows");
    line(page, "projector", p->bytes.projector, "vision or audio tower, when asked for");
    line(page, "overhead", p->bytes.overhead, "driver context and runtime");
    line(page, "total", p->bytes.total, "");
    line(page, "uncertainty", p->uncertainty_bytes, "the true total is this close in 99 of 100 cases");
}

static void explain_rate(struct pls_page *page, const char *what, double tps, double low, double high)
{
    int digits = tps < 10 ? 2 : tps < 1000 ? 1 : 0;
    if (tps > 0) {
        fprintf(page->to, "  %-14s %9.*f tok/s  80%% of measurements lie between %.*f and %.*f\n", what,
                digits, tps, digits, low, digits, high);
    } else {
        fprintf(page->to, "  %-14s %9s tok/s  not known\n", what, "?");
    }
}

static void explain_speed(struct pls_page *page, const struct pls_report *r, const struct pls_entry *entry)
{
    const struct pls_plan *p = entry->plan;
    fprintf(page->to, "\nSpeed (tokens per second = tokens / sum of the terms below)\n");
    explain_rate(page, "decode", p->speed.decode_tps, p->speed.decode_low_tps, p->speed.decode_high_tps);
    explain_rate(page, "prefill", p->speed.prefill_tps, p->speed.prefill_low_tps, p->speed.prefill_high_tps);
    pls_explain_speed(page, r, entry, false);
    pls_explain_speed(page, r, entry, true);
}

static void explain_learnt(struct pls_page *page, const struct pls_report *r)
{
    if (r->rates != NULL && r->rates->calibration.n_runs > 0) {
        fprintf(page->to, "\nCalibration (time of a type / factor; prompts apart)\n");
        pls_page_learnt(page, &r->rates->calibration);
    }
}

static void explain_quality(struct pls_page *page, const struct pls_quality *q)
{
    fprintf(page->to, "\nQuality (score = base x retention)\n");
    fprintf(page->to, "  %-14s %15.4g  standard error %.3g, evidence %s\n", "base", q->base, q->base_se,
            pls_evidence_name(q->evidence));
    fprintf(page->to, "  %-14s %15.4g  loss between %.3g and %.3g\n", "retention", q->retention, q->loss_low,
            q->loss_high);
}

static void explain_score(struct pls_page *page, const struct pls_report *r, const struct pls_entry *entry)
{
    struct pls_merit m = pls_rank_merit(r->policy, entry->plan);
    fprintf(page->to, "  %-32.32s %7.2f = %6.2f x %.3f x %.3f x %.3f\n", entry->model->card.id, m.score,
            m.quality, m.speed, m.context, m.margin);
}

static void explain_policy(struct pls_page *page, const struct pls_report *r)
{
    uint32_t n = 0;
    const struct pls_policy_field *fields = pls_policy_fields(&n);
    fprintf(page->to, "\nRanking (score = quality less doubt x speed x context x margin; under a floor: "
                      "behind all above it)\n");
    fprintf(
        page->to,
        "  speed   = 1 - weight_speed x wait up to a wait of 2, then (1 - 2 x weight_speed) x 2 / wait\n");
    fprintf(page->to, "  wait    = (floor / pace)^speed_power\n");
    fprintf(page->to, "  pace    = answer / (prompt / prefill + answer / decode), of reading its rate\n");
    fprintf(page->to, "  context = 1 - weight_context x (1 - log(context / least) / log(wish / least))\n");
    fprintf(page->to, "  margin  = 1 - weight_margin x (1 - min(1, free share / margin_share))\n");
    for (uint32_t i = 0; i < n; i++) {
        fprintf(page->to, "  %-20s %9.4g  %s\n", fields[i].name, pls_policy_get(r->policy, &fields[i]),
                fields[i].note);
    }
    for (uint32_t i = 0; i < r->n_entries && i < 5 && r->entries[i].pick != NULL; i++) {
        explain_score(page, r, &r->entries[i]);
    }
}

void pls_answer_explain(struct pls_page *page, const struct pls_report *report, const struct pls_entry *entry)
{
    explain_bytes(page, entry->plan);
    explain_speed(page, report, entry);
    explain_learnt(page, report);
    explain_quality(page, &entry->plan->quality);
    if (report->policy != NULL) {
        explain_policy(page, report);
    }
}
