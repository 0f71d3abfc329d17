/* plimsoll/render.h - results to text: tables, JSON, Markdown, CSV, shell. Owns every word the program says.
 *
 * Renderers write to a FILE handed in by cli/ and return PLS_IO when the disk is full. Nothing partial: a
 * document is built whole, then written once. Text from files is escaped.
 */
#ifndef PLIMSOLL_RENDER_H
#define PLIMSOLL_RENDER_H

#include <stdio.h>

#include "plimsoll/calibrate.h"
#include "plimsoll/profile.h"
#include "plimsoll/publisher.h"
#include "plimsoll/rank.h"
#include "plimsoll/rates.h"
#include "plimsoll/text.h"

enum pls_output {
    PLS_OUT_TABLE = 0,
    PLS_OUT_JSON,
    PLS_OUT_JSONL,
    PLS_OUT_CSV,
    PLS_OUT_MARKDOWN,
    PLS_OUT_ENV
};
bool pls_output_by_name(const char *name, enum pls_output *out);

/* Another model of the same base: same bytes, same speed. */
struct pls_sibling {
    char id[80], name[96];
    double ability; /* in the task asked for */
};

/* One plan with what it was made from; arrays of these are what fit and plan print. */
struct pls_entry {
    const struct pls_model *model;
    const struct pls_plan *plan;
    const struct pls_pick *pick;  /* NULL for `plan` */
    const char *path;             /* the file behind it, or NULL */
    const char *repo;             /* one that was named, or is known, and holds this quantization; or NULL */
    /* where the catalog knows the GGUF file to be; NULL: nobody looked */
    const struct pls_published *published;
    const struct pls_entry *draft; /* plan: the model that drafts for it in the same server; NULL: none */
    uint32_t n_drafted;           /* tokens at a time; 0: the engine's default */
    bool is_draft;                /* plan: it is that model, and has no command of its own */
    /* plan: how many servers beside it come before; its port is that much higher */
    uint32_t server;
    /* fit: models that share the row, best first; not all of them have the same context */
    const struct pls_sibling *also;
    uint32_t n_also;
};

/* How wide and how colourful. */
struct pls_screen {
    uint32_t width; /* columns of the terminal; 0 unlimited */
    bool color;
    bool explain;   /* formula, inputs and origin below the answer */
};

struct pls_report {
    const struct pls_machine *machine;
    const struct pls_rates *rates;
    const struct pls_policy *policy;
    const struct pls_entry *entries; /* fit: best first */
    uint32_t n_entries;
    uint32_t n_considered;           /* fit: configurations looked at */
    uint32_t n_models;               /* fit: models looked at */
    /* fit: bits of pls_task that the models left out for theirs are made for */
    uint32_t other_tasks;
    uint32_t top;                    /* fit: rows asked for; 0 all */
    struct pls_together together;    /* plan */
    struct pls_screen screen;
};

enum pls_code pls_render_plan(FILE *to, enum pls_output output, const struct pls_report *report,
                              struct pls_err *err);
enum pls_code pls_render_fit(FILE *to, enum pls_output output, const struct pls_report *report,
                             struct pls_err *err);
enum pls_code pls_render_machine(FILE *to, enum pls_output output, const struct pls_machine *machine,
                                 const struct pls_screen *screen, struct pls_err *err);

/* Reads a machine record (plimsoll.probe/1). Absent fields are unknown; PLS_FORMAT names the field that is
 * wrong. */
enum pls_code pls_record_parse(const char *json, size_t len, struct pls_machine *out, struct pls_err *err);

/* Reads a ranking policy (plimsoll(1), FILES) over what *out holds, for out->task; json is NUL-terminated at
 * len. PLS_FORMAT names the field that is unknown or wrong, and *out is as it was. */
enum pls_code pls_policy_parse(const char *json, size_t len, struct pls_policy *out, struct pls_err *err);

/* Prints those commands alone, a line each; PLS_REFUSED, and nothing printed, when one of them cannot be
 * said. */
enum pls_code pls_render_commands(FILE *to, const struct pls_entry *entries, uint32_t n, const char *runtime,
                                  struct pls_err *err);
enum pls_code pls_render_command(FILE *to, const struct pls_entry *entry, const char *runtime,
                                 struct pls_err *err);

/* The command that runs a plan with a runtime ("llama.cpp", "ollama", "lmstudio", "jan", "mlx", "vllm");
 * empty when it cannot be said. */
void pls_command_line(const struct pls_entry *entry, const char *runtime, struct pls_text *out);
/* Why it cannot be said; empty when nothing is lacking. */
void pls_command_lacks(const struct pls_entry *entry, const char *runtime, struct pls_text *out);

/* What has to be done before the command of a runtime can run: a file that is neither here nor in a
 * repository known of. Empty when nothing. */
void pls_command_wants(const struct pls_entry *entry, const char *runtime, struct pls_text *out);

/* What a model file or folder holds, for `inspect`. */
struct pls_contents {
    const char *path;
    const char *kind;            /* "gguf", "safetensors", "mlx", "config", "card" */
    const struct pls_model *model;
    char quant[32];              /* as the file states or as its tensors show; empty unknown */
    bool is_quant_guessed, is_adapter, is_projector;
    uint32_t gguf_version;       /* 0: not a GGUF */
    uint32_t n_tensors, n_keys, n_splits;
    uint64_t file_bytes, header_bytes, tensor_bytes;
    uint64_t params;
    uint64_t types_bytes[PLS_TYPE_COUNT];
    uint32_t types_tensors[PLS_TYPE_COUNT];
    const char *tokenizer;
};
enum pls_code pls_render_contents(FILE *to, enum pls_output output, const struct pls_contents *items,
                                  uint32_t n, const struct pls_screen *screen, struct pls_err *err);

/* Cards as a list, and one card in full (json: the card's own text). */
enum pls_code pls_render_cards(FILE *to, enum pls_output output, const struct pls_card *cards, uint32_t n,
                               const struct pls_screen *screen, struct pls_err *err);
enum pls_code pls_render_card(FILE *to, enum pls_output output, const struct pls_card *card, const char *json,
                              struct pls_err *err);

/* One line of `catalog check`: parameters listed against parameters published. */
struct pls_check_row {
    char id[80];
    const char *status; /* "ok", "mismatch", "no reference", "no tensor list" */
    uint64_t listed, published;
    double relative_error, tolerance;
};
enum pls_code pls_render_checks(FILE *to, enum pls_output output, const struct pls_check_row *rows,
                                uint32_t n, const struct pls_screen *screen, struct pls_err *err);

/* Rows of a query: names[n_columns], cells[n_rows * n_columns] as text, NULL for NULL. numbers[i]: cell i is
 * a number. */
struct pls_cells {
    const char *const *names;
    const char *const *cells;
    const bool *numbers;
    uint32_t n_columns, n_rows;
};
enum pls_code pls_render_cells(FILE *to, enum pls_output output, const struct pls_cells *cells,
                               const struct pls_screen *screen, struct pls_err *err);

/* What `bench` measured. */
enum pls_code pls_render_rates(FILE *to, enum pls_output output, const struct pls_machine *machine,
                               const struct pls_rates *rates, const struct pls_screen *screen,
                               struct pls_err *err);

/* What `calibrate` took in: one row per run, and what was learnt from all. */
struct pls_calibrated {
    char model[160];
    bool is_prefill;
    uint64_t tokens, depth_tokens;
    uint32_t n_threads;
    double measured_tps, before_tps, after_tps; /* predictions without and with it */
    enum pls_odd odd;                           /* set aside, and why */
};
struct pls_calibrations {
    const struct pls_calibrated *rows;
    uint32_t n_rows;
    uint32_t n_unknown; /* runs left out: models not known here */
    uint32_t n_odd;     /* rows set aside */
    const struct pls_calibration *learnt;
};
enum pls_code pls_render_calibration(FILE *to, enum pls_output output,
                                     const struct pls_calibrations *calibrations,
                                     const struct pls_screen *screen, struct pls_err *err);

/* A row of the kernel table, for `bench --list`. */
struct pls_kernel_row {
    enum pls_type type;
    const char *op;      /* "dot", "gemm", ... */
    const char *name;    /* "avx2", "scalar" */
    uint32_t isa;        /* enum pls_isa bits it needs */
    bool is_usable;      /* this processor has them */
    bool is_chosen;      /* and it is the one that runs */
};
enum pls_code pls_render_kernels(FILE *to, enum pls_output output, const struct pls_kernel_row *rows,
                                 uint32_t n, const struct pls_screen *screen, struct pls_err *err);

/* One machine of a comparison and its answers, in the same order on every machine. */
struct pls_compared {
    const struct pls_machine *machine;
    const struct pls_entry *entries;
    uint32_t n_entries;
    const char *cannot; /* why the engine does not run there; NULL: it does */
};
enum pls_code pls_render_compare(FILE *to, enum pls_output output, const struct pls_compared *items,
                                 uint32_t n, const struct pls_screen *screen, struct pls_err *err);

/* Hardware that carries a model, smallest first. */
struct pls_needed {
    const struct pls_profile *profile;
    uint32_t devices;
    uint64_t memory_bytes; /* of one card or machine, as sold */
    const struct pls_machine *machine;
    struct pls_entry entry;
};
enum pls_code pls_render_need(FILE *to, enum pls_output output, const struct pls_needed *items, uint32_t n,
                              const struct pls_screen *screen, struct pls_err *err);

/* Hardware profiles as a list, one in full, and what a device was found to be. */
enum pls_code pls_render_profiles(FILE *to, enum pls_output output, const struct pls_profile *const *items,
                                  uint32_t n, const struct pls_screen *screen, struct pls_err *err);
enum pls_code pls_render_profile(FILE *to, enum pls_output output, const struct pls_profile *profile,
                                 struct pls_err *err);
enum pls_code pls_render_match(FILE *to, enum pls_output output, const struct pls_match *match,
                               struct pls_err *err);

#endif
