/* plimsoll/place.h - which bytes of a model go to which pool of memory.
 *
 * A layout is everything about (model, quant) that no context, slot count or split changes: bytes per layer
 * and kind, cache widths, types. It is made once and then asked many times: pls_place_layout() never walks
 * tensors to size weights or caches. pls_place() in plan.h makes a layout and asks it once.
 *
 * Not here: what a byte costs in time (speed), what a configuration is worth (rank), words (render).
 * Rules of residence and order: plimsoll(7), RESIDENT WEIGHTS; plimsoll(7), PLACEMENT.
 */
#ifndef PLIMSOLL_PLACE_H
#define PLIMSOLL_PLACE_H

#include "plimsoll/plan.h"
#include "plimsoll/size.h"

/* The buffer rules that exist (pls_buffer_rule), as indices of sums kept side by side. */
enum { PLS_RULE_CLASSES = 3 };
uint32_t pls_rule_class(struct pls_buffer_rule rule);
struct pls_buffer_rule pls_rule_of_class(uint32_t rule_class);

/* Tensors that always stay together. Sums are of padded allocations; by_type and params are of bare tensors.
 */
struct pls_weight_group {
    uint64_t device_bytes[PLS_RULE_CLASSES]; /* in a device buffer, by rule class */
    uint64_t host_bytes;                     /* in host buffers, repacked or not */
    uint64_t repack_bytes; /* the part of host_bytes that this processor's kernels want repacked */
    uint64_t by_type[PLS_TYPE_COUNT];
    uint64_t params;
    uint64_t largest_bytes;       /* of one tensor, bare */
    uint64_t largest_plain_bytes; /* of one that the processor's kernels take as it is */
};

struct pls_layer_weights {
    struct pls_weight_group dense, experts; /* experts: the routed ones, which may stay in RAM on their own */
};

/* Where the engine puts a tensor, before any device is chosen. */
enum pls_weight_role {
    PLS_ROLE_INPUT = 0, /* looked up by row: host */
    PLS_ROLE_OUTPUT,    /* with the output layer */
    PLS_ROLE_LAYER,     /* with its layer */
    PLS_ROLE_EXPERT,    /* with its layer unless experts stay in RAM */
    PLS_ROLE_PER_SIDE,  /* once on every device that has layers, and on the host when it has some */
    PLS_ROLE_SKIPPED,   /* in the file, not loaded: MTP blocks */
};

/* Compute buffers replayed for one model. With no matrix beside the devices they do not depend on the quant,
 * so that the layouts of all quants of a model may share them; answers are the same with and without. NULL:
 * no room. */
struct pls_replays;
struct pls_replays *pls_replays_new(struct pls_arena *arena);

struct pls_layout {
    const struct pls_model *model; /* borrowed */
    struct pls_replays *replays;   /* borrowed; NULL, as pls_layout_make() leaves it: nothing is shared */
    struct pls_quant quant;
    struct pls_cache_shape cache;
    struct pls_weight_group input, output, per_side;
    struct pls_weight_group tied; /* the embedding in its role as output matrix; empty when it has its own */
    struct pls_layer_weights *layers; /* cache.n_layers of them, in the arena */
    struct pls_tensors tensors; /* typed, in the arena; other packagings than GGUF: the nearest in bits */
    uint64_t *bytes;          /* of each tensor */
    uint64_t *params;         /* values in each tensor */
    uint8_t *role;            /* of each tensor: enum pls_weight_role */
    uint8_t *repacks;         /* of each tensor: 1 when this processor's kernels want it repacked */
    int16_t *layer;           /* of each tensor: the layer it moves with; -1 none */
    uint64_t embed_bytes;     /* of the token table, bare; 0: none */
    uint64_t host_only_bytes; /* largest tensor that stays on the host and is not looked up by row */
    bool output_before_input; /* gemma3n, gemma4: the tied table is held twice on the host unless mapped */
    uint64_t tensor_data_bytes, file_bytes, header_bytes;
    bool header_estimated;
    struct {
        uint32_t tensors;
        uint64_t bytes;
    } types[PLS_TYPE_COUNT]; /* GGUF only: other packagings have no such types */
};

/* Types every tensor of model as quant says and sums them up for this processor. The arena must outlive the
 * layout. PLS_REFUSED as pls_mix_assign(); PLS_NOMEM when the arena is too small. */
enum pls_code pls_layout_make(const struct pls_model *model, const struct pls_quant *quant,
                              const struct pls_machine *machine, struct pls_arena *arena,
                              struct pls_layout *out, struct pls_err *err);

/* Whether the processor's kernels want a matrix of this type with ne1 rows interleaved (llama.cpp of
 * 2026-08-22: ggml-cpu/repack.cpp). Same size, but private memory instead of the mapped file. */
bool pls_cpu_repacks(const struct pls_machine *machine, enum pls_type type, uint64_t ne1);

/* The tensor type that values of so many bits come closest to: packagings other than GGUF are timed as
 * that. */
enum pls_type pls_type_of_bits(double bits_per_value);

/* As pls_place(), on a layout that exists already. */
enum pls_code pls_place_layout(const struct pls_layout *layout, const struct pls_ask *ask,
                               const struct pls_machine *machine, struct pls_arena *scratch,
                               struct pls_plan *out, struct pls_err *err);

/* Largest context up to the training context that fits with the layers where `plan` has them, by bisection
 * over multiples of 256 per slot; 0 when not even the least does. */
uint64_t pls_place_context_fit(const struct pls_layout *layout, const struct pls_plan *plan,
                               const struct pls_machine *machine, struct pls_arena *scratch);

/* What would make a plan fit, as notes, cheapest in quality first: codes "wired-limit", "slots", "context",
 * "kv-type", "quant". Each was tried: a note is only written when the change is enough. Uses
 * plan->context_fit_tokens. */
void pls_place_advise(const struct pls_layout *layout, const struct pls_machine *machine,
                      struct pls_arena *scratch, struct pls_plan *plan);

#endif
