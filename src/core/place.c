/* Chooses the split: what was asked when it was asked, otherwise the most speed the budgets carry.
 *
 * The order is that of the engine's own fit (llama.cpp of 2026-08-22, common/fit.cpp): everything on the devices with
 * the whole context; then less context, if none was given, down to 4096 tokens per slot; then, for mixtures of experts,
 * routed experts in RAM for as many layers as needed; then whole layers in RAM. Differences: budgets take the place of free
 * memory less 1 GiB; experts leave layer by layer in the order of --n-cpu-moe, so that the answer is one plain command
 * line; a matrix is never torn out of its layer. */
#include "place.h"

#include <string.h>

#include "plimsoll/text.h"

#define FIT_CONTEXT_MIN 4096 /* --fit-ctx */

struct attempt {
    struct pls_setting setting;
    struct pls_split split;
    struct pls_place_bytes bytes;
};

struct search {
    const struct pls_place_scene *scene;
    struct pls_ask ask;        /* with the context being tried */
    struct pls_err *err;
    enum pls_code code;        /* of the last resolve */
    struct attempt *at;        /* the last try */
};

static uint32_t all_layers(const struct pls_place_scene *s)
{
    return s->layout->model->card.n_layers + s->layout->model->card.n_mtp_layers + 1;
}

/* Measures one candidate. False when the engine refuses it. */
static bool measure(struct search *q, uint64_t context, uint32_t gpu_layers, uint32_t cpu_moe)
{
    const struct pls_place_scene *s = q->scene;
    q->ask.context_tokens = context;
    q->code = pls_ask_resolve(&q->ask, &s->layout->model->card, pls_place_cache_backend(s, gpu_layers),
                              &q->at->setting, q->err);
    if (q->code != PLS_OK) {
        return false;
    }
    pls_split_make(s, gpu_layers, cpu_moe, &q->at->split);
    pls_place_measure(s, &q->at->setting, &q->at->split, &q->at->bytes);
    return true;
}

static bool fits(struct search *q, uint64_t context, uint32_t gpu_layers, uint32_t cpu_moe)
{
    return measure(q, context, gpu_layers, cpu_moe) && pls_place_fits(q->scene, &q->at->bytes);
}

static bool devices_fit(struct search *q, uint64_t context, uint32_t gpu_layers, uint32_t cpu_moe)
{
    return measure(q, context, gpu_layers, cpu_moe) && pls_place_devices_fit(q->scene, &q->at->bytes);
}

/* Largest multiple of step in [low, high] that fits, low being known to; buffers are nearly monotone in context, so the
 * last step is checked again. */
static uint64_t largest_context(struct search *q, uint64_t low, uint64_t high, uint64_t step, const uint32_t layers[2])
{
    uint64_t a = low / step;
    uint64_t b = high / step + 1;
    while (b - a > 1) {
        uint64_t mid = a + (b - a) / 2;
        if (fits(q, mid * step, layers[0], layers[1])) {
            a = mid;
        } else {
            b = mid;
        }
    }
    return pls_max(a * step, low);
}

/* ---- less on the devices ---------------------------------------------------------------------------------------- */

/* The fewest layers whose experts must stay in RAM; n_layers + 1 when not even all of them help. */
static uint32_t fewest_cpu_moe(struct search *q, uint64_t context)
{
    uint32_t n = q->scene->layout->model->card.n_layers;
    uint32_t all = all_layers(q->scene);
    if (!devices_fit(q, context, all, n)) {
        return n + 1;
    }
    uint32_t no = 0; /* known not to fit */
    uint32_t yes = n;
    while (yes - no > 1) {
        uint32_t mid = no + (yes - no) / 2;
        if (devices_fit(q, context, all, mid)) {
            yes = mid;
        } else {
            no = mid;
        }
    }
    return yes;
}

/* The most layers the devices carry with experts of cpu_moe layers in RAM. */
static uint32_t most_gpu_layers(struct search *q, uint64_t context, uint32_t cpu_moe)
{
    uint32_t yes = 0;
    uint32_t no = all_layers(q->scene);
    while (no - yes > 1) {
        uint32_t mid = yes + (no - yes) / 2;
        if (devices_fit(q, context, mid, cpu_moe)) {
            yes = mid;
        } else {
            no = mid;
        }
    }
    return yes;
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

static void spill(struct search *q, uint64_t context, uint32_t layers[2])
{
    uint32_t n = q->scene->layout->model->card.n_layers;
    bool moe = has_experts(q->scene->layout);
    if (moe) {
        uint32_t cpu_moe = fewest_cpu_moe(q, context);
        if (cpu_moe <= n) {
            layers[0] = all_layers(q->scene);
            layers[1] = cpu_moe;
            return;
        }
    }
    layers[1] = moe ? n : 0;
    layers[0] = most_gpu_layers(q, context, layers[1]);
    layers[1] = layers[0] == 0 ? 0 : layers[1];
}

/* ---- the choice -------------------------------------------------------------------------------------------------- */

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
    bool flexible = ask->context_tokens == PLS_CONTEXT_MAX ||
                    (by_default && p->context_tokens == 0 && p->engine != PLS_ENGINE_VLLM);
    r->high = by_default                               ? pls_ask_default_context(ask->runtime, card, total_vram(s))
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

/* Leaves the chosen candidate measured in q->at. */
static bool choose(struct search *q, const struct range *r)
{
    const struct pls_place_scene *s = q->scene;
    const struct pls_ask *ask = s->ask;
    uint32_t n = s->layout->model->card.n_layers;
    uint32_t all = s->n_devices == 0 ? 0 : all_layers(s);
    uint32_t given_moe = ask->cpu_moe_layers < 0 ? 0 : (uint32_t)ask->cpu_moe_layers;
    uint32_t layers[2] = { all, given_moe < n ? given_moe : n };
    if (ask->gpu_layers >= 0) {
        layers[0] = (uint32_t)ask->gpu_layers < all ? (uint32_t)ask->gpu_layers : all;
    }
    if (fits(q, r->high, layers[0], layers[1])) {
        return true;
    }
    if (q->code != PLS_OK) {
        return false;
    }
    if (r->low < r->high && fits(q, r->low, layers[0], layers[1])) {
        uint64_t context = largest_context(q, r->low, r->high, r->step, layers);
        return measure(q, context, layers[0], layers[1]);
    }
    bool may_spill = s->n_devices != 0 && ask->gpu_layers == PLS_GPU_LAYERS_AUTO && ask->cpu_moe_layers < 0;
    if (may_spill) {
        spill(q, r->low, layers);
    } else if (s->n_devices != 0 && ask->gpu_layers == PLS_GPU_LAYERS_AUTO) {
        layers[0] = devices_fit(q, r->low, all, layers[1]) ? all : most_gpu_layers(q, r->low, layers[1]);
    }
    return measure(q, r->low, layers[0], layers[1]);
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
        pls_plan_note(plan, "experts-in-ram", "experts of %u of %u layers stay in RAM", a->split.cpu_moe_layers,
                      s->layout->model->card.n_layers);
    }
    if (a->split.gpu_layers < all_layers(s)) {
        pls_plan_note(plan, "partial-offload", "%u of %u layers go to the GPU, the rest stays in RAM", a->split.gpu_layers,
                      all_layers(s));
    }
}

enum pls_code pls_place_layout(const struct pls_layout *layout, const struct pls_ask *ask,
                               const struct pls_machine *machine, struct pls_arena *scratch, struct pls_plan *out,
                               struct pls_err *err)
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
        struct search q = { .scene = scene, .ask = *ask, .err = err, .at = at };
        if (choose(&q, &range)) {
            pls_place_fill(scene, &at->setting, &at->split, &at->bytes, out);
            note_choice(ask, &range, at, scene, out);
        }
        code = q.code;
    }
    pls_arena_reset(scratch, mark);
    return code;
}

enum pls_code pls_place(const struct pls_model *model, const struct pls_ask *ask, const struct pls_machine *machine,
                        struct pls_arena *scratch, struct pls_plan *out, struct pls_err *err)
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
    if (scene != NULL && at != NULL &&
        pls_place_scene_make(layout, &plan->ask, machine, scratch, scene, NULL) == PLS_OK) {
        struct search q = { .scene = scene, .ask = plan->ask, .at = at };
        uint32_t layers[2] = { (uint32_t)plan->gpu_layers, (uint32_t)plan->cpu_moe_layers };
        bool per_slot = pls_runtime_profile(plan->ask.runtime)->context_per_slot;
        uint64_t step = 256 * (uint64_t)(per_slot ? 1 : plan->setting.n_streams);
        uint64_t trained = layout->model->card.context_max_tokens;
        uint64_t high = pls_max(step, trained == 0 ? plan->setting.n_ctx : pls_pad(trained, 256) / 256 * step);
        if (fits(&q, high, layers[0], layers[1])) {
            context = high;
        } else if (fits(&q, step, layers[0], layers[1])) {
            context = largest_context(&q, step, high, step, layers);
        }
        if (context != 0 && per_slot) {
            context = pls_mul(context, plan->setting.n_streams);
        }
    }
    pls_arena_reset(scratch, mark);
    return context;
}
