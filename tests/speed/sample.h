/* Published speeds as questions to the model: each row resolved to hardware profile, card, quant and plan, exactly as the
 * program would plan it with all layers on the GPU (or none, for processors). */
#ifndef SPEED_SAMPLE_H
#define SPEED_SAMPLE_H

#include "plimsoll/arena.h"
#include "plimsoll/catalog.h"
#include "plimsoll/speed.h"
#include "rows.h"

struct sample {
    struct speed_row row;
    bool is_prefill;
    uint32_t file;           /* which table it stands in */
    bool is_clean;           /* a measurement of one device: llama-bench, or MLX on its own runtime */
    bool is_fit;             /* and not a disturbed one */
    double observed_tps;
    double predicted_tps, low_tps, high_tps; /* by the program as it stands */
    double naive_tps;        /* 0.55 * bandwidth / bytes of the file (active share) */
    double file_bytes;
    uint32_t device;         /* same number for the same hw_id and backend */
    struct pls_gpu gpu;
    struct pls_gpu_load load; /* of the first GPU; pointers are set by sample_load() */
    struct pls_traffic traffic;
};
/* The load with its pointers into the sample, wherever it lies. */
struct pls_gpu_load sample_load(const struct sample *s);

struct samples {
    struct sample *items;
    uint32_t n, cap;
    uint32_t n_devices;
    uint32_t no_hardware, no_model, no_quant, no_plan; /* rows skipped, by reason */
};
/* Reads all rows. False with a line on stderr when a file or the catalog cannot be read. */
bool samples_read(const char *const *csv, uint32_t n_csv, const char *catalog, struct samples *out);
void samples_free(struct samples *s);

#endif
