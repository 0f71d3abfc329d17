/* The terms of a speed, each with the numbers that made it, so that the sum can be redone with a pencil. */
#include <inttypes.h>
#include <math.h>

#include "plimsoll/speed.h"
#include "plimsoll/text.h"
#include "render/answer.h"

/* Seconds so far, and where lines go. */
struct tally {
    FILE *to;
    const struct pls_speed_question *q;
    const struct pls_share *share;
    double seconds;
};

static void term(struct tally *t, const char *pool, const char *what, double seconds, const char *how)
{
    if (seconds != 0) {
        fprintf(t->to, "  %-6s %-12s %12.5g ms  %s\n", pool, what, 1e3 * seconds, how);
        t->seconds += seconds;
    }
}

static const struct pls_pool *pool_of(const struct tally *t)
{
    return &t->q->machine->pools[t->share->pool];
}

static double bytes_of(const struct tally *t, size_t type)
{
    return (double)t->share->traffic.weights_by_type[type];
}

static void gpu_type(struct tally *t, const struct pls_gpu_terms *g, size_t type)
{
    char how[240];
    struct pls_text text = PLS_TEXT(how);
    double bus = g->bus_s[type];
    double work = g->work_s[type];
    double rate = g->rate / 1e12;
    if (t->q->is_prefill) {
        pls_text_add(&text, "products of %.4g GB of weights at %.4g TFLOPS, x %.4g", bytes_of(t, type) / 1e9,
                     rate, g->per_type[type]);
        term(t, pool_of(t)->id, pls_type_info((enum pls_type)type)->name,
             pls_gpu_type_s(g, (enum pls_type)type, true), how);
        return;
    }
    pls_text_add(&text, "%.0f bytes / (%.3g x %.4g GB/s) = %.5g ms reading, ", bytes_of(t, type),
                 g->generation->bus_share, pool_of(t)->bandwidth_gbs, 1e3 * bus);
    if (rate > 0) {
        pls_text_add(&text, "%.3g slots a weight at %.4g TFLOPS = %.5g ms; ", g->per_type[type], rate,
                     1e3 * work);
    } else {
        pls_text_add(&text, "unpacking taken for %.3g of it (arithmetic unknown) = %.5g ms; ", work / bus,
                     1e3 * work);
    }
    pls_text_add(&text, "longer + %.3g x shorter", g->backend->exposed);
    term(t, pool_of(t)->id, pls_type_info((enum pls_type)type)->name,
         pls_gpu_type_s(g, (enum pls_type)type, false), how);
}

static void launches(struct tally *t, const struct pls_gpu_terms *g)
{
    char how[240];
    bool is_prefill = t->q->is_prefill;
    const struct pls_gpu_backend *b = g->backend;
    const struct pls_traffic *traffic = &t->share->traffic;
    struct pls_text text = PLS_TEXT(how);
    pls_text_add(&text, "%u layers x %.4g us x %.3g x (1", traffic->n_layers,
                 is_prefill ? b->layer_prefill_us : b->layer_us, g->launch);
    if (!is_prefill && traffic->n_layers_moe > 0) {
        pls_text_add(&text, " + %.3g x %u/%u", b->moe, traffic->n_layers_moe, traffic->n_layers);
    }
    if (traffic->n_layers_linear > 0) {
        pls_text_add(&text, " + %.3g x %u/%u", is_prefill ? b->linear_prefill : b->linear,
                     traffic->n_layers_linear, traffic->n_layers);
    }
    pls_text_add(&text, ")%s", is_prefill ? ", each micro-batch" : "");
    term(t, pool_of(t)->id, "launches", g->fixed_s, how);
}

/* The cache; in prefill the weights that every micro-batch reads. And scores. */
static void gpu_rest(struct tally *t, const struct pls_gpu_terms *g)
{
    char how[240];
    bool is_prefill = t->q->is_prefill;
    struct pls_text cache = PLS_TEXT(how);
    if (is_prefill) {
        pls_text_add(&cache, "all weights / (%.3g x %.4g GB/s), each micro-batch", g->cache_share,
                     pool_of(t)->bandwidth_gbs);
    } else {
        pls_text_add(&cache, "%" PRIu64 " bytes / (%.3g x %.4g GB/s)",
                     pls_traffic_cache_bytes(&t->share->traffic, t->q->plan->ask.depth_tokens),
                     g->cache_share, pool_of(t)->bandwidth_gbs);
    }
    term(t, pool_of(t)->id, is_prefill ? "passes" : "cache", g->cache_s, how);
    struct pls_text scores = PLS_TEXT(how);
    pls_text_add(&scores, "attention operations x %.3g at %.4g TFLOPS", g->scores_factor, g->rate / 1e12);
    term(t, pool_of(t)->id, "scores", g->scores_s, how);
    if (is_prefill) {
        struct pls_text reread = PLS_TEXT(how);
        pls_text_add(&reread, "the cache at %.4g GB/s, %.3g times a token", pool_of(t)->bandwidth_gbs,
                     g->backend->cache_prefill);
        term(t, pool_of(t)->id, "cache", g->reread_s, how);
    }
}

static void gpu_share(struct tally *t, const struct pls_gpu_terms *g)
{
    for (size_t i = 0; i < PLS_TYPE_COUNT; i++) {
        if (g->work_s[i] > 0) {
            gpu_type(t, g, i);
        }
    }
    launches(t, g);
    gpu_rest(t, g);
    fprintf(t->to, "  %-6s constants of %s on %s fitted to %u measurements, of %s to %u; bandwidth: %s\n", "",
            pls_backend_name(g->backend->backend),
            g->backend->vendor[0] != '\0' ? g->backend->vendor : "others",
            t->q->is_prefill ? g->backend->prefill_rows : g->backend->decode_rows,
            g->generation->generation[0] != '\0' ? g->generation->generation : "unnamed generations",
            g->generation->rows, pls_origin_name(pool_of(t)->origin));
}

static void cpu_share(struct tally *t)
{
    bool is_measured = true;
    char how[120];
    struct pls_speed_parts parts = pls_speed_share_parts(t->q, t->share, &is_measured);
    for (size_t i = 0; i < PLS_TYPE_COUNT; i++) {
        struct pls_text text = PLS_TEXT(how);
        pls_text_add(&text, "%.0f bytes%s at %.4g GB/s, %s", bytes_of(t, i),
                     t->q->is_prefill ? " for the whole prompt" : "", bytes_of(t, i) / parts.by_type[i] / 1e9,
                     is_measured ? "of measured kernels" : "assumed of cores and bandwidth");
        term(t, pool_of(t)->id, pls_type_info((enum pls_type)i)->name, parts.by_type[i], how);
    }
    term(t, pool_of(t)->id, "other", parts.other,
         t->q->is_prefill ? "attention, passes over the weights, operations"
                          : "the cache, operations and their barriers");
}

static void hops(struct tally *t)
{
    char how[80];
    struct pls_text text = PLS_TEXT(how);
    pls_text_add(&text, "from device to device, %.3g us each (assumed)", 1e6 * pls_speed_hop_s());
    term(t, "", "hops", t->q->is_prefill ? 0 : pls_speed_hops_s(t->q->plan), how);
}

static void total(struct tally *t, double tps, double tokens)
{
    double seconds = tokens / tps;
    double rest = seconds - t->seconds;
    bool is_learnt = t->q->rates != NULL && t->q->rates->calibration.n_runs > 0;
    if (fabs(rest) > 2e-4 * seconds) {
        term(t, "", is_learnt ? "calibration" : "rest", rest,
             is_learnt ? "what runs on this machine taught"
                       : "weights borrowed over the link, GPUs that work at once");
    }
    fprintf(t->to, "  %-6s %-12s %12.5g ms  %.0f / %.5g s = %.5g tok/s\n", "", "sum", 1e3 * seconds, tokens,
            seconds, tps);
}

void pls_explain_speed(struct pls_page *page, const struct pls_report *report, const struct pls_entry *entry,
                       bool is_prefill)
{
    static const struct pls_rates none;
    const struct pls_plan *p = entry->plan;
    double tps = is_prefill ? p->speed.prefill_tps : p->speed.decode_tps;
    struct pls_speed_question q = { .card = &entry->model->card,
                                    .machine = report->machine,
                                    .plan = p,
                                    .is_prefill = is_prefill,
                                    .rates = report->rates != NULL ? report->rates : &none };
    struct tally t = { .to = page->to, .q = &q };
    if (!(tps > 0)) {
        return;
    }
    fprintf(page->to,
            is_prefill ? "\nPrompt (terms of %" PRIu64 " tokens)\n"
                       : "\nDecode (terms of one token at depth %" PRIu64 ")\n",
            is_prefill ? pls_speed_prompt_tokens(p) : p->speed.at_context_tokens);
    for (uint32_t i = 0; i < p->n_shares; i++) {
        struct pls_gpu_terms terms;
        t.share = &p->shares[i];
        if (pls_speed_terms(&q, t.share, &terms)) {
            gpu_share(&t, &terms);
        } else if (report->machine->pools[t.share->pool].gpu < 0 && !pls_speed_is_borrowed(&q, t.share)) {
            cpu_share(&t);
        }
    }
    hops(&t);
    total(&t, tps, is_prefill ? (double)pls_speed_prompt_tokens(p) : 1);
}
