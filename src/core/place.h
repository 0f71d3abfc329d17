/* What the parts of placement share: a situation that does not change while splits are tried, a split, its
 * bytes. */
#ifndef PLIMSOLL_CORE_PLACE_H
#define PLIMSOLL_CORE_PLACE_H

#include "plimsoll/compute.h"
#include "plimsoll/place.h"

#define PLS_ON_HOST 0u /* in pls_split.at[]; device n is 1 + n */

struct pls_place_device {
    uint32_t gpu; /* index into the machine's GPUs */
    int32_t pool;
    enum pls_backend backend;
    struct pls_buffer_rule rule;
    uint64_t overhead_bytes; /* driver context and the like */
    uint64_t reserve_bytes;  /* left free when placement is ours to choose; no part of a verdict */
    float share;             /* running sum of the split ratios, up to 1 */
};

/* Replays that were made already, for the few questions that come back. */
enum { PLS_MEMOS = 8 };
struct pls_compute_memo {
    bool is_set, flash_attention;
    uint64_t n_ctx;
    uint32_t n_devices, gpu_layers, cpu_moe_layers;
    uint16_t counts[PLS_MAX_GPUS];
    struct pls_compute compute;
};

/* What asks the replay without looking at weights was answered before: NULL when it was not. Both do nothing
 * without replays. */
const struct pls_compute *pls_replays_find(const struct pls_replays *replays,
                                           const struct pls_compute_ask *ask);
void pls_replays_keep(struct pls_replays *replays, const struct pls_compute_ask *ask,
                      const struct pls_compute *answer);

/* What the first i layers take, at [i], for every i; saturating. */
struct pls_group_sums {
    uint64_t host[PLS_MAX_LAYERS + 1], repack[PLS_MAX_LAYERS + 1];
    uint64_t device[PLS_RULE_CLASSES][PLS_MAX_LAYERS + 1];
};
struct pls_layer_sums {
    uint32_t n_layers;
    struct pls_group_sums dense, experts;
    /* Cache and state, with the setting that they were summed for; of the rule classes that the scene
     * uses. */
    bool has_setting;
    struct pls_setting setting;
    uint64_t kv[PLS_RULE_CLASSES][PLS_MAX_LAYERS + 1], state[PLS_RULE_CLASSES][PLS_MAX_LAYERS + 1];
};
/* NULL: no room. */
struct pls_layer_sums *pls_layer_sums_new(const struct pls_layout *layout, struct pls_arena *arena);

/* Layers from `from` to before `to`. */
struct pls_run {
    uint32_t from, to;
};
/* Bytes of such runs, which may differ for experts: in host buffers, the part of it that is repacked, in
 * buffers of a device of that rule class, and what is kept between tokens. */
uint64_t pls_run_host(const struct pls_layer_sums *sums, struct pls_run dense, struct pls_run experts);
uint64_t pls_run_repack(const struct pls_layer_sums *sums, struct pls_run dense, struct pls_run experts);
uint64_t pls_run_device(const struct pls_layer_sums *sums, uint32_t rule_class, struct pls_run dense,
                        struct pls_run experts);
struct pls_cache_bytes pls_run_cache(const struct pls_layer_sums *sums, uint32_t rule_class,
                                     struct pls_run layers);

/* Question, model and machine, with everything looked up once. */
struct pls_place_scene {
    const struct pls_layout *layout;
    const struct pls_ask *ask;
    const struct pls_machine *machine;
    struct pls_arena *scratch;
    struct pls_compute_memo *memos; /* PLS_MEMOS of them, oldest overwritten first; NULL: none */
    struct pls_layer_sums *sums;
    const struct pls_layer_kinds *kinds; /* NULL: found when needed */
    enum pls_engine engine;
    uint32_t n_devices;
    struct pls_place_device devices[PLS_MAX_GPUS];
    bool pinned_host; /* host weights of a partly offloaded model lie in the driver's host memory: never
                         repacked */
    bool mapped;      /* weights that need no change are the mapped file */
    uint64_t projector_bytes;
    uint64_t host_overhead_bytes;
    uint16_t counts[PLS_MAX_GPUS]; /* layers per device, when they had to be counted out; else 0 */
};

/* Which layer is where. Blocks: trunk, MTP, then the output layer. */
struct pls_split {
    uint8_t at[PLS_MAX_LAYERS + 1];
    /* the same as runs: blocks from begin[n] to before begin[n + 1] are at n */
    uint32_t begin[PLS_MAX_GPUS + 2];
    uint32_t n_blocks;       /* without the output layer */
    uint32_t gpu_layers;     /* as the engine counts: output layer included */
    uint32_t cpu_moe_layers; /* the first n layers keep their experts in RAM */
};

struct pls_place_bytes {
    struct pls_bytes host;
    struct pls_bytes device[PLS_MAX_GPUS];
    /* of device.overhead: taken by a runtime that fills its share, free for more cache */
    uint64_t spare[PLS_MAX_GPUS];
    struct pls_compute compute;
    uint64_t repacked_bytes; /* of host.weights */
};

/* Cache and state of the scene's sums are those of this setting from here on. */
void pls_layer_sums_set(const struct pls_place_scene *scene, const struct pls_setting *setting);

/* AWQ and GPTQ by the rule of the tools, not by the headers of a folder. */
bool pls_layout_is_assumed_packing(const struct pls_layout *l);

/* Gives every typed tensor of the layout its role and sums bytes by layer and group. */
void pls_weights_sum(struct pls_layout *l, const struct pls_machine *machine);

/* Picks devices and fixed costs. PLS_USAGE when the asked backend is not on the machine. */
enum pls_code pls_place_scene_make(const struct pls_layout *layout, const struct pls_ask *ask,
                                   const struct pls_machine *machine, struct pls_arena *scratch,
                                   struct pls_place_scene *out, struct pls_err *err);
/* The backend that holds the cache when gpu_layers are offloaded. */
enum pls_backend pls_place_cache_backend(const struct pls_place_scene *scene, uint32_t gpu_layers);

/* The engine's layer split: the last gpu_layers of blocks + output, by the devices' shares. */
void pls_split_make(const struct pls_place_scene *scene, uint32_t gpu_layers, uint32_t cpu_moe_layers,
                    struct pls_split *out);

/* With `quick`, compute buffers come from the closed form: within bytes.compute.uncertainty_bytes of the
 * replay in 99 of 100 cases, and a hundred times sooner. */
void pls_place_measure(const struct pls_place_scene *scene, const struct pls_setting *setting,
                       const struct pls_split *split, bool quick, struct pls_place_bytes *out);

/* Budget less what is held, for a device's pool and for RAM; pools that lie within RAM draw on both. */
int64_t pls_place_device_margin(const struct pls_place_scene *scene, const struct pls_place_bytes *b,
                                uint32_t device);
int64_t pls_place_host_margin(const struct pls_place_scene *scene, const struct pls_place_bytes *b);
bool pls_place_devices_fit(const struct pls_place_scene *scene, const struct pls_place_bytes *b);
bool pls_place_fits(const struct pls_place_scene *scene, const struct pls_place_bytes *b);

/* Layers per device so that every device fits, given how much `split` measured; false when there is no such
 * count. */
bool pls_place_balance(const struct pls_place_scene *scene, const struct pls_setting *setting,
                       const struct pls_split *split, const struct pls_place_bytes *bytes, uint16_t counts[]);
/* Ratios that make the engine share out exactly these numbers of layers. */
void pls_place_share_by_counts(struct pls_place_scene *scene, const uint16_t counts[]);
/* The ratios asked for, or those of the devices' memory. */
void pls_place_share_by_memory(struct pls_place_scene *scene);

/* Notes on what is assumed and what may grow. */
void pls_place_note(const struct pls_place_scene *scene, const struct pls_place_bytes *bytes,
                    struct pls_plan *plan);

/* Everything of the plan that follows from a split: shares, totals, traffic, verdict. */
void pls_place_fill(const struct pls_place_scene *scene, const struct pls_setting *setting,
                    const struct pls_split *split, const struct pls_place_bytes *bytes,
                    struct pls_plan *plan);

#endif
