/* Where each number of a plan comes from: formula, inputs, origin. Figures are raw bytes, so that they can be redone
 * with a pencil. */
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
            fprintf(page->to, "  %-14s %15" PRIu64 "  %u tensors, %u bytes for %u elements\n", info->name, p->types[i].bytes,
                    p->types[i].tensors, info->bytes, info->block);
        }
    }
}

static void explain_bytes(struct pls_page *page, const struct pls_plan *p)
{
    fprintf(page->to, "\nBytes (total = weights + kv + state + compute + output + projector + overhead)\n");
    explain_types(page, p);
    line(page, "tensor data", p->tensor_data_bytes, "sum of the types above: what the quantizer writes");
    line(page, "file", p->file_bytes, "tensor data + header + padding");
    line(page, "weights", p->bytes.weights, "resident: without blocks that are not loaded, with copies that are made");
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
        fprintf(page->to, "  %-14s %9.*f tok/s  80%% of measurements lie between %.*f and %.*f\n", what, digits, tps, digits, low,
                digits, high);
    } else {
        fprintf(page->to, "  %-14s %9s tok/s  not known\n", what, "?");
    }
}

static void explain_speed(struct pls_page *page, const struct pls_report *r, const struct pls_plan *p)
{
    fprintf(page->to, "\nSpeed (decode time = sum over pools of bytes read per token / rate + fixed cost)\n");
    for (uint32_t i = 0; i < p->n_shares; i++) {
        const struct pls_share *s = &p->shares[i];
        const struct pls_pool *pool = &r->machine->pools[s->pool];
        uint64_t weights = 0;
        for (int k = 0; k < PLS_TYPE_COUNT; k++) {
            weights = pls_add(weights, s->traffic.weights_by_type[k]);
        }
        uint64_t cache = pls_traffic_cache_bytes(&s->traffic, p->speed.at_context_tokens);
        fprintf(page->to, "  %-14s %15" PRIu64 "  weights read per token\n", pool->id, weights);
        fprintf(page->to, "  %-14s %15" PRIu64 "  cache and state read per token at depth %" PRIu64 "\n", "", cache,
                p->speed.at_context_tokens);
        fprintf(page->to, "  %-14s %11.4g GB/s  %s\n", "", pool->bandwidth_gbs, pls_origin_name(pool->origin));
    }
    explain_rate(page, "decode", p->speed.decode_tps, p->speed.decode_low_tps, p->speed.decode_high_tps);
    explain_rate(page, "prefill", p->speed.prefill_tps, p->speed.prefill_low_tps, p->speed.prefill_high_tps);
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
    fprintf(page->to, "  %-14s %15.4g  loss between %.3g and %.3g\n", "retention", q->retention, q->loss_low, q->loss_high);
}

static void explain_policy(struct pls_page *page, const struct pls_policy *w)
{
    fprintf(page->to, "\nRanking (score = sum of weight x share; below a floor: after everything above it)\n");
    fprintf(page->to, "  %-14s %15.3g  of quality less %.3g standard errors\n", "quality", w->weight_quality, w->evidence_penalty);
    fprintf(page->to, "  %-14s %15.3g  of speed between %.3g and %.3g tok/s\n", "speed", w->weight_speed, w->min_decode_tps,
            w->good_decode_tps);
    fprintf(page->to, "  %-14s %15.3g  of context between %" PRIu64 " and %" PRIu64 " tokens\n", "context", w->weight_context,
            w->min_context_tokens, w->wish_context_tokens);
    fprintf(page->to, "  %-14s %15.3g  of memory left free, up to %.3g of the budget\n", "margin", w->weight_margin,
            w->margin_share);
}

void pls_answer_explain(struct pls_page *page, const struct pls_report *report, const struct pls_entry *entry)
{
    explain_bytes(page, entry->plan);
    explain_speed(page, report, entry->plan);
    explain_learnt(page, report);
    explain_quality(page, &entry->plan->quality);
    if (report->policy != NULL) {
        explain_policy(page, report->policy);
    }
}
