/* The scene of a placement: which devices the engine would use, what they cost before any byte of the model.
 *
 * Devices as llama.cpp picks them (2026-08-22): those of one backend; discrete GPUs when there are any,
 * otherwise the integrated one. Layers are shared out by free memory unless ratios were given. */
#include "place.h"

#include <string.h>

#include "plimsoll/text.h"

/* What a driver takes for one process on one GPU before the first buffer. Published figures for CUDA run from
 * 150 to 680 MB and rise with the generation (more kernels to load); within that range the steps are assumed.
 * Metal's working set counts buffers only. For ROCm, Vulkan and SYCL no figure was found: assumed. */
static uint64_t driver_context_bytes(const struct pls_gpu *gpu, enum pls_backend backend)
{
    switch (backend) {
    case PLS_BACKEND_CUDA:
        if (gpu->compute_capability == 0) {
            return 450 * PLS_MIB;
        }
        return gpu->compute_capability < 70   ? 160 * PLS_MIB
               : gpu->compute_capability < 80 ? 256 * PLS_MIB
               : gpu->compute_capability < 90 ? 400 * PLS_MIB
                                              : 550 * PLS_MIB;
    case PLS_BACKEND_ROCM:
        return 350 * PLS_MIB;
    case PLS_BACKEND_SYCL:
        return 256 * PLS_MIB;
    case PLS_BACKEND_VULKAN:
        return 128 * PLS_MIB;
    case PLS_BACKEND_NONE:
    case PLS_BACKEND_CPU:
    case PLS_BACKEND_METAL:
    case PLS_BACKEND_MLX:
    case PLS_BACKEND_COUNT:
        break;
    }
    return 0;
}

/* The runtime itself on the host: program, libraries, tokenizer tables. Assumed; vLLM and MLX carry Python.
 */
static uint64_t process_bytes(enum pls_engine engine)
{
    return engine == PLS_ENGINE_VLLM ? 4 * PLS_GIB : engine == PLS_ENGINE_MLX ? 512 * PLS_MIB : 128 * PLS_MIB;
}

static bool is_discrete(const struct pls_machine *m, const struct pls_gpu *gpu)
{
    return gpu->pool >= 0 && (uint32_t)gpu->pool < m->n_pools && m->pools[gpu->pool].kind == PLS_POOL_VRAM;
}

/* The backend to use: the asked one, or that of the first discrete GPU, or of the first GPU. */
static enum pls_backend choose_backend(const struct pls_ask *ask, const struct pls_machine *m)
{
    if (ask->backend != PLS_BACKEND_NONE) {
        return ask->backend;
    }
    if (pls_ask_engine(ask) == PLS_ENGINE_MLX) {
        return PLS_BACKEND_MLX;
    }
    enum pls_backend first = PLS_BACKEND_CPU;
    for (uint32_t i = 0; i < m->n_gpus; i++) {
        const struct pls_gpu *gpu = &m->gpus[i];
        if (gpu->pool < 0 || gpu->backend == PLS_BACKEND_NONE || gpu->backend == PLS_BACKEND_CPU) {
            continue;
        }
        if (is_discrete(m, gpu)) {
            return gpu->backend;
        }
        first = first == PLS_BACKEND_CPU ? gpu->backend : first;
    }
    return first;
}

/* A GPU can be driven by its own backend, by its vendor's, and through Vulkan by any vendor's driver but
 * Apple's; MLX is Metal. */
static bool can_drive(const struct pls_gpu *gpu, enum pls_backend backend)
{
    if (gpu->backend == backend) {
        return true;
    }
    bool apple = gpu->backend == PLS_BACKEND_METAL;
    return (backend == PLS_BACKEND_VULKAN && !apple) || (backend == PLS_BACKEND_MLX && apple)
        || (backend == PLS_BACKEND_ROCM && pls_text_equal(gpu->vendor, "amd"))
        || (backend == PLS_BACKEND_SYCL && pls_text_equal(gpu->vendor, "intel"))
        || (backend == PLS_BACKEND_CUDA && pls_text_equal(gpu->vendor, "nvidia"));
}

/* Metal manages what MLX allocates. */
static enum pls_backend buffer_backend(enum pls_backend backend)
{
    return backend == PLS_BACKEND_MLX ? PLS_BACKEND_METAL : backend;
}

/* CUDA shows a process one MIG slice, whatever else there is: the largest one, and none beside whole GPUs.
 * Shares that are given choose for themselves. */
static bool is_out_of_reach(const struct pls_place_scene *s, const struct pls_gpu *gpu)
{
    const struct pls_machine *m = s->machine;
    double given = 0;
    for (uint32_t i = 0; i < PLS_MAX_GPUS; i++) {
        given += (double)s->ask->tensor_split[i];
    }
    if (given > 0 || !pls_gpu_is_slice(gpu)) {
        return false;
    }
    for (uint32_t i = 0; i < m->n_gpus; i++) {
        const struct pls_gpu *other = &m->gpus[i];
        if (other == gpu || other->backend != gpu->backend || other->pool < 0) {
            continue;
        }
        uint64_t mine = m->pools[gpu->pool].budget_bytes;
        uint64_t its = m->pools[other->pool].budget_bytes;
        if (!pls_gpu_is_slice(other) || its > mine || (its == mine && other < gpu)) {
            return true;
        }
    }
    return false;
}

static void add_devices(struct pls_place_scene *s, enum pls_backend backend, bool discrete)
{
    const struct pls_machine *m = s->machine;
    for (uint32_t i = 0; i < m->n_gpus && s->n_devices < PLS_MAX_GPUS; i++) {
        const struct pls_gpu *gpu = &m->gpus[i];
        if (gpu->pool < 0 || (uint32_t)gpu->pool >= m->n_pools || !can_drive(gpu, backend)
            || is_discrete(m, gpu) != discrete || is_out_of_reach(s, gpu)) {
            continue;
        }
        struct pls_place_device *d = &s->devices[s->n_devices++];
        d->gpu = i;
        d->pool = gpu->pool;
        d->backend = buffer_backend(backend);
        d->rule = pls_buffer_rule(d->backend);
        d->overhead_bytes = driver_context_bytes(gpu, backend);
        if (!discrete) {
            return; /* the engine takes one integrated GPU */
        }
    }
}

/* Running sums of the ratios, as the engine compares them: in single precision. */
void pls_place_share_by_memory(struct pls_place_scene *s)
{
    double ratios[PLS_MAX_GPUS] = { 0 };
    double sum = 0;
    memset(s->counts, 0, sizeof(s->counts));
    for (uint32_t i = 0; i < s->n_devices; i++) {
        sum += (double)s->ask->tensor_split[i];
    }
    bool given = sum > 0;
    for (uint32_t i = 0; i < s->n_devices; i++) {
        const struct pls_pool *pool = &s->machine->pools[s->devices[i].pool];
        ratios[i] = given ? (double)s->ask->tensor_split[i] : (double)pool->budget_bytes;
    }
    float total = 0;
    for (uint32_t i = 0; i < s->n_devices; i++) {
        total += (float)ratios[i];
        s->devices[i].share = total;
    }
    for (uint32_t i = 0; i < s->n_devices; i++) {
        s->devices[i].share = total > 0 ? s->devices[i].share / total : (float)(i + 1) / (float)s->n_devices;
    }
}

static bool maps_weights(const struct pls_place_scene *s)
{
    if (s->ask->no_mmap || s->layout->quant.format != PLS_FORMAT_GGUF) {
        return false;
    }
    /* Integrated GPUs other than Apple's switch mapping off. */
    for (uint32_t i = 0; i < s->n_devices; i++) {
        bool discrete = is_discrete(s->machine, &s->machine->gpus[s->devices[i].gpu]);
        if (!discrete && s->devices[i].backend != PLS_BACKEND_METAL) {
            return false;
        }
    }
    return true;
}

static uint64_t projector_bytes(const struct pls_layout *layout, const struct pls_ask *ask)
{
    if (!ask->use_projector) {
        return 0;
    }
    uint64_t known = layout->model->projector_bytes;
    return known != 0 ? known : pls_mul(2, layout->model->card.mmproj_params); /* published as F16 */
}

/* vLLM has kernels for CUDA, ROCm, Intel's oneAPI and processors (docs.vllm.ai, installation, 2026). */
static enum pls_code refuse_vllm(enum pls_backend backend, struct pls_err *err)
{
    if (backend != PLS_BACKEND_METAL && backend != PLS_BACKEND_MLX && backend != PLS_BACKEND_VULKAN) {
        return PLS_OK;
    }
    return pls_fail(
        err, PLS_REFUSED,
        "vllm does not drive GPUs through %s (--runtime names another engine, --backend cpu leaves the "
        "GPU alone)",
        pls_backend_name(backend));
}

/* The devices that take part; engine, ask and machine are set. */
static enum pls_code find_devices(struct pls_place_scene *s, struct pls_err *err)
{
    const struct pls_machine *m = s->machine;
    enum pls_backend backend = choose_backend(s->ask, m);
    s->engine = pls_ask_engine(s->ask);
    if (s->engine == PLS_ENGINE_VLLM && refuse_vllm(backend, err) != PLS_OK) {
        return PLS_REFUSED;
    }
    if (backend == PLS_BACKEND_CPU) {
        return PLS_OK;
    }
    add_devices(s, backend, true);
    if (s->n_devices == 0) {
        add_devices(s, backend, false);
    }
    return s->n_devices > 0
               ? PLS_OK
               : pls_fail(err, PLS_REFUSED, "%s: no GPU that %s can drive",
                          m->name[0] != '\0' ? m->name : "this machine", pls_backend_name(backend));
}

enum pls_code pls_place_check(const struct pls_ask *ask, const struct pls_machine *machine,
                              struct pls_err *err)
{
    struct pls_place_scene scene;
    memset(&scene, 0, sizeof(scene));
    scene.ask = ask;
    scene.machine = machine;
    return find_devices(&scene, err);
}

enum pls_code pls_place_scene_make(const struct pls_layout *layout, const struct pls_ask *ask,
                                   const struct pls_machine *machine, struct pls_arena *scratch,
                                   struct pls_place_scene *out, struct pls_err *err)
{
    memset(out, 0, sizeof(*out));
    out->layout = layout;
    out->ask = ask;
    out->machine = machine;
    out->scratch = scratch;
    enum pls_code code = find_devices(out, err);
    if (code != PLS_OK) {
        return code;
    }
    pls_place_share_by_memory(out);
    out->mapped = maps_weights(out);
    bool metal = out->n_devices != 0 && out->devices[0].backend == PLS_BACKEND_METAL;
    out->pinned_host = out->n_devices != 0 && !metal;
    out->projector_bytes = projector_bytes(layout, ask);
    out->memos = PLS_TAKE(scratch, struct pls_compute_memo, PLS_MEMOS);
    out->kinds = pls_layer_kinds_new(&layout->model->card, scratch);
    out->host_overhead_bytes = process_bytes(out->engine);
    out->sums = pls_layer_sums_new(layout, scratch);
    return out->sums != NULL ? PLS_OK : pls_fail(err, PLS_NOMEM, "no working memory left to place the model");
}

enum pls_backend pls_place_cache_backend(const struct pls_place_scene *scene, uint32_t gpu_layers)
{
    bool on_device = scene->n_devices != 0 && gpu_layers != 0;
    return on_device ? scene->devices[0].backend : PLS_BACKEND_CPU;
}
