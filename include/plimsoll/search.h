/* plimsoll/search.h - of many models, which configurations are worth running: quants, contexts and cache
 * types of each, placed on one machine.
 *
 * Placement alone decides what fits; speed and quality are added to what does. Configurations are placed in
 * order of what they could score at best, until none that is left can reach the rows wanted: the result is
 * that of placing all. Sizes are rough where nothing hangs on them (pls_ask.roughly), so rows to be shown are
 * planned again by the caller. Nothing is guessed: a model whose tensors cannot be listed, or that the engine
 * refuses, is left out.
 *
 * Models of one shape are placed once; models of one base (pls_rank_same_base) share a row, the best of them.
 * What misses a floor (speed, context, bits per weight) is only chosen when nothing else is left, and says so
 * in its reasons. Under 4 bits a model is looked at only where 4 bits do not fit whole.
 *
 * Not here: where cards come from (catalog), and what rows say (render). The caller brings all memory: fill
 * the first part of struct pls_search, then pls_search_begin(), pls_search_place(),
 * pls_search_choose(). */
#ifndef PLIMSOLL_SEARCH_H
#define PLIMSOLL_SEARCH_H

#include "plimsoll/place.h"
#include "plimsoll/rank.h"

struct pls_search_ask {
    struct pls_ask ask;       /* context DEFAULT: up to the policy's wish, less where that does not fit */
    struct pls_policy policy;
    struct pls_quant quant;   /* when has_quant */
    bool has_quant;
    bool has_kv;              /* the cache types of ask are meant; else narrower ones are tried as well */
    /* the policy's floor of speed: slower ones are left out instead of put behind */
    bool speed_is_hard;
    /* an encoder takes a text in one micro-batch, which is made as wide as the context */
    bool whole_input;
    /* a command is wanted: of packagings whose repositories the catalog does not know, none */
    bool must_run;
    bool each;                /* the efficient set of every model instead of one row for all of its shape */
    uint32_t top;             /* rows wanted; 0 all */
};

/* ---- the parts of the question that others ask as well ---- */

/* The quants worth trying of a model: the one asked for, the one it was released in when that is small
 * already, else the ladder of its engine's format, widest first. Their number. */
enum { PLS_SEARCH_RUNGS = 12 };
uint32_t pls_search_rungs(const struct pls_search_ask *ask, const struct pls_card *card, bool imatrix,
                          struct pls_quant out[PLS_SEARCH_RUNGS]);
/* Which rung of them has four bits: where people start. */
uint32_t pls_search_four_bits(enum pls_format format);
/* What is asked of one card, whose quant, context and cache types stand in ask already. */
void pls_search_settle(const struct pls_search_ask *wish, const struct pls_card *card, struct pls_ask *ask);
/* Whether a rung is there for a model: of embedders and rerankers what repositories hold that were seen, if
 * they hold any; of vLLM's packings of 4 bits the one that they hold; I-quants under 4 bits are made with an
 * importance matrix, so only of repositories that are known to use one; whatever was asked for. */
bool pls_search_is_published(const struct pls_search_ask *ask, const struct pls_card *card,
                             const struct pls_quant *quant);

/* ---- the search ---- */

#define PLS_SEARCH_NONE UINT32_MAX

/* What a configuration could be at best; infinite when it has to be tried, minus infinite when it cannot
 * fit. */
struct pls_search_bound {
    double key;            /* pls_rank_key() */
    double quality, speed_tps; /* as in a pick: without the doubt that is in the score */
};

/* A shape in one quant: placed once for all cards that have the shape. */
struct pls_search_candidate {
    struct pls_search_bound bound;
    uint32_t shape; /* the first card of it */
    uint32_t rung;  /* in the ladder; PLS_SEARCH_RUNGS: the one quant there is */
    struct pls_quant quant;
};

struct pls_search_list;

/* Cards are indexed as given. */
struct pls_search {
    /* Given, and left alone while the search lasts. */
    struct pls_search_ask ask;
    const struct pls_machine *machine;
    const struct pls_rates *rates;
    const struct pls_card *cards; /* completed; those that the task lets through */
    uint32_t n_cards;
    const char *named;            /* id of the one model that was named and stands for its base; NULL: none */
    struct pls_arena *scratch;    /* 64 MiB of address space are enough; given back at the end */
    /* A longer array with what was in the old one (NULL at first), which is given up; NULL: no memory, and
     * the search goes on with the picks it has. The last one is the caller's to free. */
    struct pls_pick *(*grow)(struct pls_pick *picks, uint32_t n);

    /* Found. */
    struct pls_pick *picks;
    uint32_t n_picks, cap_picks;
    uint32_t n_configs;      /* considered: placed, or ruled out by what they could be at best */
    uint32_t n_unpublished;  /* left out because a command is wanted: packings of no known repository */
    uint32_t n_placed;       /* that had an answer, whether or not they fit */
    struct pls_err refusal;  /* why the first that had none was refused */
    bool out_of_memory;

    /* Per card; a shape is known by its first card, a group (cards of one base) by a number below
     * n_groups. */
    uint32_t *shape, *next_of_shape, *group;
    uint32_t n_groups;
    bool *is_second; /* another of its group stands for it; with every configuration wanted, none */

    /* The state of the search. */
    struct pls_search_candidate *candidates;
    uint32_t n_candidates;
    uint32_t *placed;      /* per shape: bits of the rungs placed */
    bool *is_comfortable;  /* per shape: 4 bits or more fit whole, with the context wished for */
    bool *seen;            /* per group, for pls_search_choose() */
    double *best;          /* per group: the best key placed so far */
    double *leaders;       /* the best keys of the `top` leading groups, in descending order */
    uint32_t best_tier;
    double least;          /* the key that a configuration needs to matter to the rows wanted */
    double last_key, last_score; /* the best that the last placement gave */
    struct pls_plan *plan;
    struct pls_model *model;
    struct pls_search_list *lists; /* per shape; in the scratch arena behind list_mark */
    size_t list_mark;
};

/* Bytes of the arena that pls_search_begin() wants for so many cards and rows. */
size_t pls_search_bytes(uint32_t n_cards, uint32_t top);

/* Takes its memory from room, which must outlive the search, and tells shapes and bases apart: the card that
 * was named stands for its group, else those whose scores are their own stand before those that borrow their
 * family's, and these before guesses. PLS_NOMEM: room is too small. */
enum pls_code pls_search_begin(struct pls_search *f, struct pls_arena *room, struct pls_err *err);

/* Places all that can matter: fills picks. */
void pls_search_place(struct pls_search *f);

/* Indices of picks in the order of rows, in an order that nobody can point a finger at: a pick that is beaten
 * in quality, speed and context stands behind what beats it. Places what is missing for that; picks are
 * sorted by it. chosen has room for n_groups, or with `each` for n_picks. Returns their number; scratch is as
 * it was before pls_search_place(). */
uint32_t pls_search_choose(struct pls_search *f, uint32_t *chosen);

#endif
