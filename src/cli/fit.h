/* cli/fit.h - the search behind `fit`: every model of the catalog, in the quants, contexts and cache types
 * worth having, placed on one machine.
 *
 * Placement alone decides what fits; speed and quality are added to what does, and only the rows that will be
 * shown are planned in full, to the byte. Configurations are placed in order of what they could score at
 * best, until none that is left can reach the rows wanted: the result is that of placing all. Nothing is
 * guessed: a model whose tensors cannot be listed, or that the engine refuses, is left out and counted.
 *
 * Models of one shape share a row, the best of them; the others are named with it. What misses a floor
 * (speed, context, bits per weight) is only offered when nothing else is left, and says so in its reasons.
 * Under 4 bits a model is looked at only where 4 bits do not fit whole.
 */
#ifndef CLI_FIT_H
#define CLI_FIT_H

#include "cli/session.h"

struct pls_fit_ask {
    struct pls_ask ask;       /* context DEFAULT: up to the policy's wish, less where that does not fit */
    struct pls_policy policy;
    struct pls_quant quant;   /* when has_quant */
    bool has_quant;
    bool has_kv;              /* the cache types of ask are meant; else narrower ones are tried as well */
    bool speed_is_hard;       /* --min-speed was given: slower ones are left out instead of put behind */
    /* an encoder takes a text in one micro-batch, which is made as wide as the context */
    bool whole_input;
    /* a command is wanted: of packagings whose repositories the catalog does not know, none */
    bool must_run;
    bool each;                /* the efficient set of every model instead of one row for all of its shape */
    uint32_t top;             /* rows wanted; 0 all */
};

struct pls_fit_result {
    /* best first; models, plans and picks behind them live in the session's arena */
    struct pls_entry *entries;
    uint32_t n_entries;
    uint32_t n_models;         /* that the words and the task let through */
    /* bits of pls_task: what those are made for that the task did not let through */
    uint32_t other_tasks;
    uint32_t n_configs;        /* considered: placed, or ruled out by what they could be at best */
};

/* What the options ask for. The machine is not looked at. */
enum pls_code pls_fit_ask_read(struct pls_session *s, struct pls_fit_ask *out, struct pls_err *err);

/* The policy for a task: defaults, changed by the user's policy file when there is one. PLS_USAGE when that
 * is wrong. */
enum pls_code pls_fit_policy(const struct pls_session *s, enum pls_task task, struct pls_policy *out,
                             struct pls_err *err);

/* words as for pls_catalog_each. */
enum pls_code pls_fit_run(struct pls_session *s, const char *words, const struct pls_fit_ask *ask,
                          struct pls_fit_result *out, struct pls_err *err);

/* The parts of the question that fits() of `sql` shares. The quants worth trying of a model: the one asked
 * for, the one it was released in when that is small already, else the ladder of its engine's format, widest
 * first. Their number. */
enum { PLS_FIT_RUNGS = 12 };
uint32_t pls_fit_rungs(const struct pls_fit_ask *ask, const struct pls_card *card, bool imatrix,
                       struct pls_quant out[PLS_FIT_RUNGS]);
/* Which rung of them has four bits: where people start. */
uint32_t pls_fit_four_bits(enum pls_format format);
/* What is asked of one card, whose quant, context and cache types stand in ask already. */
void pls_fit_settle(const struct pls_fit_ask *wish, const struct pls_card *card, struct pls_ask *ask);
/* Whether a rung is there for a model: I-quants under 4 bits are made with an importance matrix, so only of
 * repositories that are known to use one; whatever was asked for. */
bool pls_fit_is_published(const struct pls_fit_ask *ask, const struct pls_card *card,
                          const struct pls_quant *quant);

#endif
