/* What a reader should know about a placement: which numbers are assumed, and what may grow. Codes are
 * stable. */
#include "place.h"

#include "plimsoll/text.h"

static void note_overheads(const struct pls_place_scene *s, const struct pls_place_bytes *b,
                           struct pls_plan *plan)
{
    char room[2][32];
    struct pls_text process = PLS_TEXT(room[0]);
    struct pls_text other = PLS_TEXT(room[1]);
    const struct pls_runtime_profile *profile = pls_runtime_profile(s->ask->runtime);
    pls_text_bytes(&process, s->host_overhead_bytes);
    if (s->n_devices != 0 && profile->memory_share_pct != 0) {
        pls_text_bytes(&other, b->spare[0]);
        pls_plan_note(plan, "overhead",
                      "overhead: %s for the runtime process (assumed); %s takes %u%% of each GPU at its "
                      "start, of which %s are "
                      "left for more cache",
                      process.data, profile->name, profile->memory_share_pct, other.data);
    } else if (s->n_devices != 0 && b->device[0].overhead != 0) {
        pls_text_bytes(&other, b->device[0].overhead);
        pls_plan_note(
            plan, "overhead",
            "overhead: %s for the runtime process (assumed), %s for the driver on each GPU (assumed)",
            process.data, other.data);
    } else {
        pls_plan_note(plan, "overhead", "overhead: %s for the runtime process (assumed)", process.data);
    }
    int64_t left = plan->shares[0].margin_bytes;
    if (profile->prompt_cache_bytes != 0 && left >= 0 && (uint64_t)left < profile->prompt_cache_bytes) {
        other = PLS_TEXT(room[1]);
        pls_text_bytes(&other, profile->prompt_cache_bytes);
        pls_plan_note(plan, "prompt-cache",
                      "the server may grow by up to %s of RAM to keep finished prompts, more than is "
                      "left here; --cache-ram %llu bounds it",
                      other.data, (unsigned long long)((uint64_t)left / PLS_MIB));
    }
}

/* Bits a cache spends on a value. */
static double cache_bits(enum pls_type type)
{
    const struct pls_type_info *info = pls_type_info(type);
    return 8.0 * info->bytes / info->block;
}

/* Errors of K go through the softmax and weigh about nine times those of V: the bits belong to K. The engine
 * quantizes V only with flash attention. */
static void note_cache(struct pls_plan *plan)
{
    enum pls_type k = plan->setting.type_k;
    enum pls_type v = plan->setting.type_v;
    bool may_swap = plan->ask.flash_attention != PLS_OFF || !pls_type_is_quantized(k);
    if (may_swap && cache_bits(k) < cache_bits(v)) {
        pls_plan_note(plan, "kv-order",
                      "errors of K weigh about nine times those of V: K %s with V %s loses less",
                      pls_type_info(v)->name, pls_type_info(k)->name);
    }
}

static void note_model(const struct pls_place_scene *s, struct pls_plan *plan)
{
    const struct pls_layout *l = s->layout;
    if (l->header_estimated && l->file_bytes != 0 && l->quant.format == PLS_FORMAT_GGUF) {
        char room[32];
        struct pls_text t = PLS_TEXT(room);
        pls_text_bytes(&t, l->header_bytes);
        pls_plan_note(plan, "header-estimate",
                      "file size holds an estimated header of %s, nearly all tokenizer", room);
    }
    if (pls_layout_is_assumed_packing(l)) {
        pls_plan_note(
            plan, "packing",
            "tools differ in what they leave in 16 bits: checkpoints of this packing were seen up to a "
            "fifth larger than counted here (a folder that is there is read as it is)");
    }
    if (s->ask->use_projector && s->projector_bytes == 0) {
        pls_plan_note(plan, "projector-unknown",
                      "no size is known for a projector of this model: none is counted");
    }
    uint64_t trained = l->model->card.context_max_tokens;
    if (trained != 0 && plan->setting.n_ctx_seq > pls_pad(trained, 256)) {
        pls_plan_note(plan, "context-beyond-training",
                      "%llu tokens per slot are more than the %llu it was trained on",
                      (unsigned long long)plan->setting.n_ctx_seq, (unsigned long long)trained);
    }
    if (!plan->setting.flash_attention && s->ask->flash_attention == PLS_AUTO) {
        pls_plan_note(plan, "no-flash-attention",
                      "no fused attention for this model, cache type and split: scores of a "
                      "whole batch are held in memory");
    }
}

/* Defaults of a runtime that could not be sourced, as far as they were used. */
static void note_runtime(const struct pls_place_scene *s, struct pls_plan *plan)
{
    const struct pls_runtime_profile *p = pls_runtime_profile(s->ask->runtime);
    char room[160];
    struct pls_text t = PLS_TEXT(room);
    if (s->ask->context_tokens == PLS_CONTEXT_DEFAULT && p->context_origin == PLS_ORIGIN_ASSUMED) {
        pls_text_add(&t, "a context of %llu tokens", (unsigned long long)plan->setting.n_ctx);
    }
    if (s->ask->parallel == 0 && p->slots_origin == PLS_ORIGIN_ASSUMED) {
        pls_text_add(&t, "%s%u slot%s", t.len != 0 ? ", " : "", plan->setting.n_seq,
                     plan->setting.n_seq == 1 ? "" : "s");
    }
    if (s->ask->ubatch_tokens == 0 && p->batch_origin == PLS_ORIGIN_ASSUMED) {
        pls_text_add(&t, "%sa micro-batch of %u", t.len != 0 ? ", " : "", plan->setting.n_ubatch);
    }
    if (p->outputs_origin == PLS_ORIGIN_ASSUMED) {
        pls_text_add(&t, "%slogits for %u row%s", t.len != 0 ? ", " : "", plan->setting.n_outputs,
                     plan->setting.n_outputs == 1 ? "" : "s");
    }
    if (t.len != 0) {
        pls_plan_note(plan, "assumed-defaults", "assumed of %s: %s", p->name, room);
    }
}

void pls_place_note(const struct pls_place_scene *scene, const struct pls_place_bytes *bytes,
                    struct pls_plan *plan)
{
    const struct pls_card *card = &scene->layout->model->card;
    if (!pls_arch_known(card->arch)) {
        pls_plan_note(plan, "unknown-architecture",
                      "architecture '%s' is not known: weights are those of the file, the cache rule "
                      "and the buffers are assumed",
                      card->arch);
    }
    note_overheads(scene, bytes, plan);
    note_runtime(scene, plan);
    note_cache(plan);
    note_model(scene, plan);
}
