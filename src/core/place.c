/* Chooses the split: what was asked when it was asked, otherwise the most speed the budgets carry.
 *
 * The order is that of the engine's own fit (llama.cpp of 2026-08-22, common/fit.cpp): everything on the
 * devices with the whole context; then less context, if none was given, down to 4096 tokens per slot; then,
 * for mixtures of experts, routed experts in RAM for as many layers as needed; then whole layers in RAM.
 * Differences: budgets take the place of free memory less 1 GiB; experts leave layer by layer in the order of
 * --n-cpu-moe, so that the answer is one plain command line; a matrix is never torn out of its layer. */
#include "place.h"

#include <string.h>

#include "plimsoll/text.h"

#define FIT_CONTEXT_MIN 4096 /* --fit-ctx */
#define FIT_MARGIN_BYTES                                                                                     \
    (1024 * PLS_MIB) /* --fit-target, free on each device; the budget may keep some of it already */

struct attempt {
    struct pls_setting setting;
    struct pls_split split;
    struct pls_place_bytes bytes;
};

struct candidate {
    uint64_t context;
    uint32_t gpu_layers, cpu_moe;
};

/* How far the closed form was off for one split: nearly the same at another context. */
struct anchor {
    bool is_set;
    uint32_t gpu_layers, cpu_moe;
    int64_t host, device[PLS_MAX_GPUS];
};

struct search {
    struct pls_place_scene *scene;
    bool may_balance;   /* layers may be counted out over the devices */
    bool exact;         /* replay compute buffers for every try */
    bool quick;         /* and not even for the answer, unless it is too close to call */
    struct pls_ask ask; /* with the context being tried */
    struct pls_err *err;
    enum pls_code code; /* of the last resolve */
    bool is_resolved;   /* and what it was: the same for every split of one context */
    enum pls_backend backend;
    struct pls_setting resolved;
    struct attempt *at; /* the last try */
    struct anchor anchor;
    uint32_t guess_moe, guess_layers; /* taken off the devices by an answer before; 0 none */
};

static uint32_t all_layers(const struct pls_place_scene *s)
{
    return s->layout->model->card.n_layers + s->layout->model->card.n_mtp_layers + 1;
}

/* Some of the weights stay in RAM beside a device. */
static bool is_split(const struct pls_place_scene *s, uint32_t gpu_layers, uint32_t cpu_moe)
{
    return s->n_devices != 0 && (gpu_layers < all_layers(s) || cpu_moe != 0);
}

/* Measures one candidate as it is. False when the engine refuses it. */
static bool measure_once(struct search *q, struct candidate c, bool quick)
{
    const struct pls_place_scene *s = q->scene;
    enum pls_backend backend = pls_place_cache_backend(s, c.gpu_layers);
    if (!q->is_resolved || q->ask.context_tokens != c.context || q->backend != backend) {
        q->ask.context_tokens = c.context;
        q->backend = backend;
        q->code = pls_ask_resolve(&q->ask, &s->layout->model->card, backend, &q->resolved, q->err);
        q->is_resolved = q->code == PLS_OK;
    }
    if (q->code != PLS_OK) {
        return false;
    }
    q->at->setting = q->resolved;
    pls_split_make(s, c.gpu_layers, c.cpu_moe, &q->at->split);
    pls_place_measure(s, &q->at->setting, &q->at->split, quick, &q->at->bytes);
    return true;
}

static int64_t least_margin(const struct search *q, const struct anchor *off, bool devices_only)
{
    int64_t least = INT64_MAX;
    int64_t off_shared = off == NULL ? 0 : off->host;
    for (uint32_t d = 0; d < q->scene->n_devices; d++) {
        int64_t margin = pls_place_device_margin(q->scene, &q->at->bytes, d);
        int64_t off_here = off == NULL ? 0 : off->device[d];
        bool within = q->scene->machine->pools[q->scene->devices[d].pool].within == 0;
        off_shared += within && off != NULL ? off->device[d] : 0;
        off_here += (int64_t)q->scene->devices[d].reserve_bytes;
        margin = margin == INT64_MIN ? margin : margin - off_here;
        least = margin < least ? margin : least;
    }
    int64_t host = pls_place_host_margin(q->scene, &q->at->bytes);
    host = host == INT64_MIN ? host : host - off_shared;
    return devices_only || host > least ? least : host;
}

/* The same; when several devices overflow as the engine would share out the layers, they are counted out. */
static bool measure(struct search *q, struct candidate c, bool quick)
{
    uint16_t counts[PLS_MAX_GPUS];
    if (q->may_balance) {
        pls_place_share_by_memory(q->scene);
    }
    if (!measure_once(q, c, quick)) {
        return false;
    }
    const struct attempt *a = q->at;
    if (q->may_balance && a->split.gpu_layers != 0 && least_margin(q, NULL, true) < 0
        && pls_place_balance(q->scene, &a->setting, &a->split, &a->bytes, counts)) {
        pls_place_share_by_counts(q->scene, counts);
        return measure_once(q, c, quick);
    }
    return true;
}

/* What the engine's fit leaves free on each device, beyond what the budget does already. */
static void set_reserves(struct pls_place_scene *s)
{
    for (uint32_t d = 0; d < s->n_devices && s->engine == PLS_ENGINE_LLAMA_CPP; d++) {
        const struct pls_pool *pool = &s->machine->pools[s->devices[d].pool];
        uint64_t kept = pls_sub(pool->capacity_bytes, pool->budget_bytes);
        s->devices[d].reserve_bytes = pls_sub(FIT_MARGIN_BYTES, kept);
    }
}

/* Measures by replay and remembers how far the closed form is from it. */
static bool drop_anchor(struct search *q, struct candidate c)
{
    struct anchor *a = &q->anchor;
    if (!measure(q, c, true)) {
        return false;
    }
    *a = (struct anchor){ true, c.gpu_layers, c.cpu_moe, -(int64_t)q->at->bytes.compute.host_bytes, { 0 } };
    for (uint32_t d = 0; d < q->scene->n_devices; d++) {
        a->device[d] = -(int64_t)q->at->bytes.compute.device_bytes[d];
    }
    if (!measure(q, c, false)) {
        return false;
    }
    a->host += (int64_t)q->at->bytes.compute.host_bytes;
    for (uint32_t d = 0; d < q->scene->n_devices; d++) {
        a->device[d] += (int64_t)q->at->bytes.compute.device_bytes[d];
    }
    return true;
}

/* Too large for the devices even if compute buffers took nothing; together, where layers can be counted out
 * over them. */
static bool is_hopeless(struct search *q, struct candidate c)
{
    const int64_t most = INT64_MAX / (2 * PLS_MAX_GPUS); /* so that a sum over all devices stays one */
    int64_t sum = 0, least = 0;
    if (!measure(q, c, true)) {
        return true;
    }
    for (uint32_t d = 0; d < q->scene->n_devices; d++) {
        int64_t margin = pls_place_device_margin(q->scene, &q->at->bytes, d);
        if (margin < -most) {
            return true;
        }
        margin = margin < most ? margin : most;
        margin += (int64_t)q->at->bytes.device[d].compute - (int64_t)q->scene->devices[d].reserve_bytes;
        sum += margin;
        least = margin < least ? margin : least;
    }
    return q->may_balance ? sum < 0 : least < 0;
}

/* Replays only when the closed form is too close to call, and then once per split: the answer that is taken
 * in the end is replayed on its own. */
static bool holds(struct search *q, struct candidate c, bool devices_only)
{
    if (q->exact) {
        return !is_hopeless(q, c) && measure(q, c, false) && least_margin(q, NULL, devices_only) >= 0;
    }
    if (!measure(q, c, true)) {
        return false;
    }
    if (q->at->bytes.compute.origin == PLS_ORIGIN_TABLE) { /* replayed before */
        return least_margin(q, NULL, devices_only) >= 0;
    }
    if (q->anchor.is_set && q->anchor.gpu_layers == c.gpu_layers && q->anchor.cpu_moe == c.cpu_moe) {
        return least_margin(q, &q->anchor, devices_only) >= 0;
    }
    int64_t margin = least_margin(q, NULL, devices_only);
    int64_t doubt = (int64_t)pls_min(q->at->bytes.compute.uncertainty_bytes, INT64_MAX / 2);
    if (q->quick && is_split(q->scene, c.gpu_layers, c.cpu_moe)) {
        doubt = 0; /* one layer more or less: a search over configurations does not hang on it */
    }
    if (margin >= doubt || margin < -doubt) {
        return margin >= 0;
    }
    return drop_anchor(q, c) && least_margin(q, NULL, devices_only) >= 0;
}

static bool fits(struct search *q, struct candidate c)
{
    return holds(q, c, false);
}

static bool devices_fit(struct search *q, struct candidate c)
{
    return holds(q, c, true);
}

/* Largest multiple of step in [low, high] that fits with c's layers, low being thought to. */
static uint64_t bisect_context(struct search *q, struct candidate c, uint64_t low, uint64_t high,
                               uint64_t step)
{
    uint64_t a = low / step;
    uint64_t b = high / step + 1;
    while (b - a > 1) {
        uint64_t mid = a + (b - a) / 2;
        c.context = mid * step;
        if (fits(q, c)) {
            a = mid;
        } else {
            b = mid;
        }
    }
    return pls_max(a * step, low);
}

static bool really_fits(struct search *q, struct candidate c)
{
    return measure(q, c, false) && least_margin(q, NULL, false) >= 0;
}

/* The same with the answer and its neighbour replayed; 0 when not even low fits. Buffers are nearly, not
 * quite monotone in context: what is returned fits, and a step more does not. */
static uint64_t largest_context(struct search *q, struct candidate c, uint64_t low, uint64_t high,
                                uint64_t step)
{
    bool exact = q->exact;
    uint64_t best = bisect_context(q, c, low, high, step);
    struct candidate more = c;
    c.context = best;
    more.context = best + step;
    if (!really_fits(q, c) || (more.context <= high && really_fits(q, more))) {
        q->exact = true;
        best = bisect_context(q, c, low, high, step);
        c.context = best;
        best = really_fits(q, c) ? best : 0;
    }
    q->exact = exact;
    return best;
}

/* ---- less on the devices ---- */

/* Layers, or their experts alone, that are taken off the devices: the fewest that help. */
struct removal {
    struct candidate from;
    bool experts;
    uint32_t limit; /* one more than may be tried */
    uint32_t start; /* tried first */
    uint32_t step;  /* away from start, doubling, until the answer is passed; 0: halves from there on */
};

/* None does not help; limit when no number below it does. */
static uint32_t fewest(struct search *q, const struct removal *r)
{
    uint32_t no = 0, yes = r->limit, at = r->start, step = r->step;
    while (yes - no > 1) {
        struct candidate c = r->from;
        c.cpu_moe = r->experts ? at : c.cpu_moe;
        c.gpu_layers -= r->experts ? 0 : at;
        bool fit = devices_fit(q, c);
        yes = fit ? at : yes;
        no = fit ? no : at;
        int64_t next = (int64_t)at + (fit ? -(int64_t)step : (int64_t)step);
        step = next > no && next < yes ? 2 * step : 0;
        at = step != 0 ? (uint32_t)next : no + (yes - no) / 2;
    }
    return yes;
}

/* The fewest layers whose experts must stay in RAM; n_layers + 1 when not even all of them help. */
static uint32_t fewest_cpu_moe(struct search *q, uint64_t context)
{
    uint32_t n = q->scene->layout->model->card.n_layers;
    bool guessed = q->guess_moe > 0 && q->guess_moe <= n;
    struct candidate whole = { context, all_layers(q->scene), 0 };
    struct removal r = { whole, true, n + 1, guessed ? q->guess_moe : n, guessed };
    return q->guess_moe = fewest(q, &r);
}

/* The most layers the devices carry with experts of cpu_moe layers in RAM. */
static uint32_t most_gpu_layers(struct search *q, uint64_t context, uint32_t cpu_moe)
{
    uint32_t all = all_layers(q->scene);
    bool guessed = q->guess_layers > 0 && q->guess_layers < all;
    struct candidate whole = { context, all, cpu_moe };
    struct removal r = { whole, false, all, guessed ? q->guess_layers : all / 2, guessed };
    return all - (q->guess_layers = fewest(q, &r));
}

static bool has_experts(const struct pls_layout *l)
{
    for (uint32_t i = 0; i < l->cache.n_layers; i++) {
        if (l->layers[i].experts.params != 0) {
            return true;
        }
    }
    return false;
}

static void spill(struct search *q, struct candidate *c)
{
    uint32_t n = q->scene->layout->model->card.n_layers;
    bool moe = has_experts(q->scene->layout);
    if (moe) {
        c->cpu_moe = fewest_cpu_moe(q, c->context);
        if (c->cpu_moe <= n) {
            c->gpu_layers = all_layers(q->scene);
            return;
        }
    }
    c->gpu_layers = most_gpu_layers(q, c->context, moe ? n : 0);
    c->cpu_moe = moe && c->gpu_layers != 0 ? n : 0;
}

/* ---- the choice ---- */

struct range {
    uint64_t low, high; /* contexts to choose from; equal when one was given */
    uint64_t step;
};

static uint64_t total_vram(const struct pls_place_scene *s)
{
    uint64_t sum = 0;
    for (uint32_t d = 0; d < s->n_devices; d++) {
        sum = pls_add(sum, s->machine->pools[s->devices[d].pool].capacity_bytes);
    }
    return sum;
}

static enum pls_code context_range(const struct pls_place_scene *s, struct range *r, struct pls_err *err)
{
    const struct pls_ask *ask = s->ask;
    const struct pls_card *card = &s->layout->model->card;
    const struct pls_runtime_profile *p = pls_runtime_profile(ask->runtime);
    bool by_default = ask->context_tokens == PLS_CONTEXT_DEFAULT;
    bool flexible = ask->context_tokens == PLS_CONTEXT_MAX
                    || (by_default && p->context_tokens == 0 && s->engine != PLS_ENGINE_VLLM);
    r->high = by_default ? pls_ask_default_context(ask->runtime, card, total_vram(s))
              : ask->context_tokens == PLS_CONTEXT_MAX ? card->context_max_tokens
                                                       : ask->context_tokens;
    if (r->high == 0) {
        return pls_fail(err, PLS_USAGE, "%s: the training context is not known: give a context",
                        card->name[0] != '\0' ? card->name : "model");
    }
    struct pls_ask one = *ask;
    struct pls_setting setting;
    one.context_tokens = r->high;
    enum pls_code code = pls_ask_resolve(&one, card, pls_place_cache_backend(s, 1), &setting, err);
    if (code != PLS_OK) {
        return code;
    }
    uint64_t slots = p->context_per_slot ? 1 : setting.n_streams;
    r->step = 256 * slots;
    r->low = flexible ? pls_min(r->high, FIT_CONTEXT_MIN * slots) : r->high;
    return PLS_OK;
}

/* What was asked, with everything that was left open at its most. */
static struct candidate wish(const struct pls_place_scene *s, const struct range *r)
{
    const struct pls_ask *ask = s->ask;
    uint32_t n = s->layout->model->card.n_layers;
    uint32_t all = s->n_devices == 0 ? 0 : all_layers(s);
    uint32_t moe = ask->cpu_moe_layers < 0 ? 0 : (uint32_t)ask->cpu_moe_layers;
    struct candidate c = { r->high, all, moe < n ? moe : n };
    if (ask->gpu_layers >= 0 && (uint32_t)ask->gpu_layers < all) {
        c.gpu_layers = (uint32_t)ask->gpu_layers;
    }
    return c;
}

/* The first of the engine's reductions that fits, or the last of them. Sets *fitting to what was found out.
 */
static struct candidate reduce(struct search *q, const struct range *r, bool *fitting)
{
    const struct pls_ask *ask = q->scene->ask;
    struct candidate c = wish(q->scene, r);
    *fitting = fits(q, c);
    if (*fitting || q->code != PLS_OK) {
        return c;
    }
    c.context = r->low;
    *fitting = r->low < r->high && fits(q, c);
    if (*fitting) {
        uint64_t best = largest_context(q, c, r->low, r->high, r->step);
        c.context = best != 0 ? best : r->low;
        return c;
    }
    bool may_spill = q->scene->engine == PLS_ENGINE_LLAMA_CPP && ask->gpu_layers == PLS_GPU_LAYERS_AUTO;
    if (q->scene->n_devices == 0 || !may_spill) {
        return c;
    }
    if (ask->cpu_moe_layers < 0 && !pls_runtime_profile(ask->runtime)->whole_layers) {
        spill(q, &c);
    } else if (!devices_fit(q, c)) {
        c.gpu_layers = most_gpu_layers(q, c.context, c.cpu_moe);
    }
    if (c.gpu_layers == 0 && !devices_fit(q, c)) {
        q->scene->n_devices = 0; /* not even the driver and its buffers: leave the GPU alone */
        q->scene->pinned_host = false;
    }
    *fitting = fits(q, c);
    return c;
}

/* Leaves the chosen candidate measured in q->at. The closed form may have been wrong about the one that was
 * chosen: then everything is asked again with replays. */
static bool choose(struct search *q, const struct range *r)
{
    bool fitting = false;
    struct candidate c = reduce(q, r, &fitting);
    if (q->code != PLS_OK || !measure(q, c, q->quick)) {
        return false;
    }
    bool holds_here = least_margin(q, NULL, false) >= 0;
    bool is_enough = q->quick && is_split(q->scene, c.gpu_layers, c.cpu_moe);
    if (fitting == holds_here || q->exact || is_enough) {
        return true;
    }
    q->quick = false;
    q->exact = true;
    return choose(q, r);
}

static void plan_start(const struct pls_layout *layout, const struct pls_ask *ask, struct pls_plan *out)
{
    memset(out, 0, sizeof(*out));
    out->ask = *ask;
    out->ask.quant = layout->quant;
    bool as_stored = layout->quant.format == PLS_FORMAT_GGUF && layout->quant.ftype == PLS_FTYPE_NONE;
    pls_quant_name(as_stored ? &layout->model->stored : &layout->quant, out->quant, sizeof(out->quant));
}

static void note_choice(const struct pls_ask *ask, const struct range *r, const struct attempt *a,
                        const struct pls_place_scene *s, struct pls_plan *plan)
{
    if (r->low < r->high && plan->setting.n_ctx < r->high) {
        pls_plan_note(plan, "context-reduced", "context lowered from %llu to %llu tokens so that it fits",
                      (unsigned long long)r->high, (unsigned long long)plan->setting.n_ctx);
    }
    if (s->n_devices == 0 || ask->gpu_layers >= 0 || ask->gpu_layers == PLS_GPU_LAYERS_ALL) {
        return;
    }
    if (a->split.cpu_moe_layers != 0) {
        pls_plan_note(plan, "experts-in-ram", "experts of %u of %u layers stay in RAM",
                      a->split.cpu_moe_layers, s->layout->model->card.n_layers);
    }
    if (a->split.gpu_layers < all_layers(s)) {
        pls_plan_note(plan, "partial-offload", "%u of %u layers go to the GPU, the rest stays in RAM",
                      a->split.gpu_layers, all_layers(s));
    }
}

static bool split_given(const struct pls_ask *ask)
{
    for (uint32_t i = 0; i < PLS_MAX_GPUS; i++) {
        if (ask->tensor_split[i] > 0) {
            return true;
        }
    }
    return false;
}

/* The counts become the plan's own ratios: the command that runs it must repeat them. */
static void keep_counts(const struct pls_place_scene *s, struct pls_plan *plan)
{
    bool counted = false;
    for (uint32_t d = 0; d < s->n_devices; d++) {
        counted |= s->counts[d] != 0;
    }
    for (uint32_t d = 0; d < s->n_devices && counted; d++) {
        plan->ask.tensor_split[d] = s->counts[d];
    }
}

enum pls_code pls_place_layout(const struct pls_layout *layout, const struct pls_ask *ask,
                               const struct pls_machine *machine, struct pls_arena *scratch,
                               struct pls_plan *out, struct pls_err *err)
{
    size_t mark = scratch->used;
    struct pls_place_scene *scene = PLS_TAKE(scratch, struct pls_place_scene, 1);
    struct attempt *at = PLS_TAKE(scratch, struct attempt, 1);
    if (scene == NULL || at == NULL) {
        return pls_fail(err, PLS_NOMEM, "no working memory left to place the model");
    }
    plan_start(layout, ask, out);
    struct range range = { 0 };
    enum pls_code code = pls_place_scene_make(layout, ask, machine, scratch, scene, err);
    if (code == PLS_OK) {
        code = context_range(scene, &range, err);
    }
    if (code == PLS_OK) {
        struct search q = { .scene = scene, .ask = *ask, .err = err, .at = at, .quick = ask->roughly };
        set_reserves(scene);
        q.may_balance = scene->n_devices > 1 && !split_given(ask) && ask->gpu_layers == PLS_GPU_LAYERS_AUTO;
        if (choose(&q, &range)) {
            pls_place_fill(scene, &at->setting, &at->split, &at->bytes, out);
            note_choice(ask, &range, at, scene, out);
            keep_counts(scene, out);
        }
        code = q.code;
    }
    pls_arena_reset(scratch, mark);
    return code;
}

enum pls_code pls_place(const struct pls_model *model, const struct pls_ask *ask,
                        const struct pls_machine *machine, struct pls_arena *scratch, struct pls_plan *out,
                        struct pls_err *err)
{
    size_t mark = scratch->used;
    struct pls_layout layout;
    enum pls_code code = pls_layout_make(model, &ask->quant, machine, scratch, &layout, err);
    if (code == PLS_OK) {
        code = pls_place_layout(&layout, ask, machine, scratch, out, err);
    }
    pls_arena_reset(scratch, mark);
    return code;
}

uint64_t pls_place_context_fit(const struct pls_layout *layout, const struct pls_plan *plan,
                               const struct pls_machine *machine, struct pls_arena *scratch)
{
    size_t mark = scratch->used;
    struct pls_place_scene *scene = PLS_TAKE(scratch, struct pls_place_scene, 1);
    struct attempt *at = PLS_TAKE(scratch, struct attempt, 1);
    uint64_t context = 0;
    if (scene != NULL && at != NULL
        && pls_place_scene_make(layout, &plan->ask, machine, scratch, scene, NULL) == PLS_OK) {
        struct search q = { .scene = scene, .ask = plan->ask, .at = at };
        struct candidate c = { 0, (uint32_t)plan->gpu_layers, (uint32_t)plan->cpu_moe_layers };
        bool per_slot = pls_runtime_profile(plan->ask.runtime)->context_per_slot;
        uint64_t step = 256 * (uint64_t)(per_slot ? 1 : plan->setting.n_streams);
        uint64_t trained = layout->model->card.context_max_tokens;
        uint64_t high =
            pls_max(step, trained == 0 ? plan->setting.n_ctx : pls_pad(trained, 256) / 256 * step);
        struct candidate least = c;
        c.context = high;
        least.context = step;
        if (fits(&q, c) && really_fits(&q, c)) {
            context = high;
        } else if (fits(&q, least)) {
            context = largest_context(&q, c, step, high, step);
        }
        if (context != 0 && per_slot) {
            context = pls_mul(context, plan->setting.n_streams);
        }
    }
    pls_arena_reset(scratch, mark);
    return context;
}
