/* cli/session.h - what a command needs besides its arguments: paths, catalog, machine, rates, scratch memory.
 *
 * The parts are opened when first asked for: `plan FILE --on RECORD` touches neither the databases nor the
 * machine. Environment variables and the terminal are read here and nowhere else.
 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "cli/options.h"
#include "plimsoll/catalog.h"
#include "plimsoll/gguf.h"
#include "plimsoll/machine.h"
#include "plimsoll/render.h"

enum { PLS_PATH_CAP = 1024 };

/* Empty: there is no such place on this system. */
struct pls_paths {
    char catalog[PLS_PATH_CAP]; /* shipped, read-only */
    char user[PLS_PATH_CAP];    /* the user's own database */
    char policy[PLS_PATH_CAP];  /* ranking policy */
};
/* program: argv[0], for systems that cannot say where a program lies. */
void pls_paths_find(const char *program, struct pls_paths *out);

struct pls_session {
    const struct pls_args *args;
    const char *program; /* argv[0] */
    struct pls_paths paths;
    struct pls_catalog *catalog; /* NULL until opened */
    bool is_live;                /* the machine is this one, not a record, a recording or words */
    bool has_machine, has_rates;
    bool is_unkept;              /* that measurements are not kept was said */
    bool is_catalog_said;        /* that the catalog cannot be used */
    bool is_own_said;            /* what there was to say of the user's database when it was opened */
    struct pls_machine machine;
    struct pls_rates rates;
    struct pls_profiles profiles; /* items NULL until read */
    struct pls_arena arena;      /* models live here; scratch beside it */
    struct pls_arena scratch;
    enum pls_output output;
    struct pls_arena rows;  /* fit: what its rows show, when they are many */
    struct pls_screen screen;
};

enum pls_code pls_session_begin(struct pls_session *s, const struct pls_args *args, const char *program,
                                struct pls_err *err);
void pls_session_end(struct pls_session *s);
/* An arena as large as s->scratch, for a thread of its own: pls_sys_pages_free() ends it. No room: base
 * NULL. */
struct pls_arena pls_session_room(void);

enum pls_code pls_session_catalog(struct pls_session *s, struct pls_err *err);
/* The same without a word about the user's database (pls_catalog_own() tells). It must not be open yet. */
enum pls_code pls_session_open(struct pls_session *s, struct pls_err *err);
/* The hardware table; lives in the arena. */
enum pls_code pls_session_profiles(struct pls_session *s, struct pls_profiles *out, struct pls_err *err);
/* The machine in question, budgets applied. */
enum pls_code pls_session_machine(struct pls_session *s, struct pls_err *err);
/* This machine (or the recording of --sysroot) and its rates, whatever --on says. */
enum pls_code pls_session_machine_here(struct pls_session *s, struct pls_err *err);
/* A machine as --on names it: a record, an hwloc XML file, or words for the hardware table. Budgets
 * applied. */
enum pls_code pls_session_machine_on(struct pls_session *s, const char *what, struct pls_machine *out,
                                     struct pls_err *err);
/* For words that mean nothing where they stand: when they name a machine of the hardware table, *err says so
 * and how to ask about it; else *err stays. Returns PLS_USAGE. */
enum pls_code pls_fail_as_machine(struct pls_session *s, const char *words, struct pls_err *err);
/* What a machine's record says of its rates. */
struct pls_rates pls_rates_stated(const struct pls_machine *machine);
/* Answers about another machine from here on; its rates are those of its record. */
void pls_session_use(struct pls_session *s, const struct pls_machine *machine);
/* Rates of the machine: measured earlier, measured now and kept, or what the record says. kernels: those
 * of the tensor types too, which take a few seconds the first time; where nothing can be kept, bandwidth
 * alone, and a line says so. What was disturbed when it was measured is measured again, a few times at most,
 * and the quieter one kept. Never fails: unknown stays. */
void pls_session_rates(struct pls_session *s, bool kernels);
/* Fills in what a benchmark of this machine may use: a quarter of the RAM that is free to be filled, and no
 * more threads than a control group lets run at once (unless ask has a number). PLS_NOMEM: there is no room
 * to measure in. */
struct pls_bench_ask;
enum pls_code pls_session_bench_ask(const struct pls_session *s, struct pls_bench_ask *ask,
                                    struct pls_err *err);
/* A bar on stderr for pls_bench_ask.progress. */
bool pls_session_bar(double share, const char *what, void *context);
/* Keeps s->rates for this machine in the user's database; says so once when that cannot be done. */
void pls_session_keep_rates(struct pls_session *s);

/* One line on stderr that does not end the program. */
void pls_warn(const char *text);

/* What the command of --emit needs before it can run; silent when nothing. */
void pls_warn_of_wants(const struct pls_entry *entry, const char *runtime);

/* The whole of a regular file, NUL-terminated, allocated with malloc; PLS_LIMIT above `most` bytes. */
enum pls_code pls_slurp(const char *path, uint64_t most, char **out, size_t *len, struct pls_err *err);

/* The ask that options describe; quant is left to the target. Without --runtime the engine is the one that
 * --emit names, unless that is llama.cpp or Ollama: then it is llama-server. */
enum pls_code pls_ask_from_args(const struct pls_args *args, struct pls_ask *out, struct pls_err *err);

/* Sets the quant. Where no --runtime is given and one engine alone loads the format (MLX, GPTQ, AWQ, ...),
 * ask becomes that engine's. */
enum pls_code pls_ask_for_quant(const struct pls_args *args, const struct pls_quant *quant,
                                struct pls_ask *ask, struct pls_err *err);

/* A note when --depth or --prompt is longer than the context of a slot. */
void pls_note_depth(struct pls_plan *plan);

/* Whether a plan that fits reaches --min-speed; the plan gets a note when it does not, or when nobody
 * knows. Models that only read are held by the speed of reading. */
bool pls_fast_enough(const struct pls_args *args, const struct pls_card *card, struct pls_plan *plan);

/* A model named on the command line. */
struct pls_target {
    struct pls_model model;
    struct pls_quant quant;
    bool has_path;
    char path[PLS_PATH_CAP];
    char repo[128]; /* the repository that was named, or is known, and holds this quantization; or empty */
};
/* A path if it exists, a catalog name with or without :QUANT, a file name by the GGUF convention. */
enum pls_code pls_target_find(struct pls_session *s, const char *word, const struct pls_ask *ask,
                              struct pls_target *out, struct pls_err *err);
/* What the card says that a repository called `word` holds. False, and *out untouched, where it says nothing,
 * and of the maker's own release: that name means the model, in whatever packing. */
bool pls_target_repo_quant(const struct pls_session *s, const struct pls_card *card, const char *word,
                           struct pls_quant *out);

/* Where the catalog knows the GGUF file of a plan to be, in the session's arena; NULL when the card is not of
 * the catalog. */
const struct pls_published *pls_target_published(struct pls_session *s, const struct pls_card *card,
                                                 const struct pls_plan *plan);

/* A note when the repository's file of a plan has another size, being quantized with an importance matrix. */
void pls_target_note_imatrix(struct pls_session *s, const struct pls_target *target,
                             const struct pls_published *where, struct pls_plan *plan);

/* The task that --task names; chat by default. */
enum pls_code pls_task_from_args(const struct pls_args *args, enum pls_task *out, struct pls_err *err);

/* Where a card does not say how many parameters it has: those of its architecture's tensor list. */
void pls_target_count_params(struct pls_session *s, struct pls_card *card);

/* A model to draft for card: the smallest of the catalog with the same vocabulary and kin that fits into
 * what is left of a machine. PLS_NO: there is none. */
enum pls_code pls_draft_find(struct pls_session *s, const struct pls_card *card, const struct pls_ask *ask,
                             const struct pls_machine *left, struct pls_card *out, struct pls_err *err);

#endif
