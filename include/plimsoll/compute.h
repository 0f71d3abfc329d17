/* plimsoll/compute.h - the compute buffers the engine reserves when a context is created.
 *
 * Activations, masks, copied inputs and copied weights live in one buffer per device and one on the host,
 * sized once for the largest batch. The engine lists the operations of that batch in order, gives each to a
 * device, and lets a small best-fit allocator place their results; nothing in it depends on data. So the size
 * can be computed: the node list is built from the card (one row of traits per architecture), handed out to
 * devices by the scheduler's rules and replayed. Architectures without a row get a closed form and its error
 * as uncertainty. Rules and errors are those of llama.cpp of 2026-08-22; older and newer engines differ by
 * some percent.
 *
 * Not in these bytes: weights, cache, state, the output buffer (pls_compute_output_bytes), the driver's own
 * memory. Errors of replay and closed form: plimsoll(7), COMPUTE BUFFERS.
 */
#ifndef PLIMSOLL_COMPUTE_H
#define PLIMSOLL_COMPUTE_H

#include "plimsoll/arena.h"
#include "plimsoll/ask.h"
#include "plimsoll/tensor.h"

/* Scratch that is enough for every card: 256 layers with 16 experts used. */
#define PLS_COMPUTE_SCRATCH_BYTES (48 * PLS_MIB)

/* Where one tensor of the list lies. Device n is PLS_WHERE_DEVICE + n. */
enum pls_where {
    PLS_WHERE_HOST = 0, /* plain: mapped file or pinned memory; large batches copy it to a device */
    PLS_WHERE_REPACKED, /* host, interleaved for the processor's kernels: never copied */
    PLS_WHERE_DEVICE,
};

/* What must be known. Plain values and borrowed pointers; nothing is kept. */
struct pls_compute_ask {
    const struct pls_card *card;       /* completed */
    const struct pls_setting *setting; /* resolved for the device below */
    uint32_t n_devices;                /* 0: processor only */
    enum pls_backend device[PLS_MAX_GPUS];
    /* Whose layer it is, and with it cache and state: 0 the host, 1 + n device n. [n_layers + n_mtp_layers]
     * is the output layer. Input tables are always on the host. */
    uint8_t layer_at[PLS_MAX_LAYERS + 1];
    bool flash_auto; /* flash attention was left to the engine, which turns it off when a layer's attention
                      * would run on another device than the layer: known only here, once layers are placed */
    bool kv_on_host; /* cache and state stay on the host although layers are on a device */
    /* Where each weight lies: two arrays side by side, items[i] at where[i] (enum pls_where). Needed when
     * weights of a layer do not follow layer_at (experts kept in RAM), and for the bytes and repacking of
     * host weights that a large batch copies to a device. NULL: weights follow their layer, host weights are
     * plain, and their bytes are assumed (4.5 bits each) with a wide uncertainty. */
    const struct pls_tensors *weights;
    const uint8_t *where;
    /* For the closed form without a list: the largest weight on the host that a large batch would copy to a
     * device. */
    uint64_t copied_bytes;
    const struct pls_layer_kinds *kinds; /* of the card, for the closed form; NULL: found when needed */
};

/* The ask for one device: the last gpu_layers of layers and output are on it, as the engine's -ngl counts
 * them (n_layers + n_mtp_layers + 1 or more: all). PLS_BACKEND_CPU: no device. */
struct pls_compute_ask pls_compute_ask_one(const struct pls_card *card, const struct pls_setting *setting,
                                           enum pls_backend backend, uint32_t gpu_layers);

struct pls_compute {
    uint64_t device_bytes[PLS_MAX_GPUS];
    uint64_t host_bytes;
    uint64_t uncertainty_bytes; /* over all of them: the true sum is within this much in 99 of 100 cases */
    bool flash_attention;       /* as the engine settles it; differs from the setting only with flash_auto */
    uint32_t n_nodes;           /* operations of one batch that are not mere views; 0: not known */
    uint32_t n_splits;          /* pieces the graph falls into when it changes device; 0: not known */
    enum pls_origin origin;     /* TABLE: replayed; ASSUMED: closed form */
};

/* scratch is used and given back; when it is too small the closed form answers. Never fails. */
void pls_compute_buffers(const struct pls_compute_ask *ask, struct pls_arena *scratch,
                         struct pls_compute *out);

/* The layers of a card's trunk that differ, which the closed form goes by: for those who ask of one card many
 * times. NULL: no room. */
const struct pls_layer_kinds *pls_layer_kinds_new(const struct pls_card *card, struct pls_arena *arena);

/* The closed form alone: a hundred times sooner, within uncertainty_bytes. */
void pls_compute_estimate(const struct pls_compute_ask *ask, struct pls_compute *out);

/* The logits buffer on the host: 4 bytes per vocabulary entry and output row; at least one row per slot.
 * Source: measured, llama.cpp 2026-08-22; it is not in the engine's own memory breakdown. */
uint64_t pls_compute_output_bytes(const struct pls_card *card, const struct pls_setting *setting);

/* Whether flash attention "auto" stays on: the backend has a kernel for every attention layer of the card
 * with these cache types. When false the scores of a whole batch stand in the compute buffer. */
bool pls_flash_attention_supported(enum pls_backend backend, const struct pls_card *card,
                                   enum pls_type type_k, enum pls_type type_v);

#endif
