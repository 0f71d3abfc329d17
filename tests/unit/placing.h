/* Places one model at a time: what tests of placement and of plans share. */
#ifndef PLACING_H
#define PLACING_H

#include "model.h"
#include "plimsoll/place.h"

static unsigned char storage[160u << 20];
static struct pls_arena arena;
static struct pls_model model;
static struct pls_plan plan;
static struct pls_err err;

static inline void take(const char *id)
{
    arena = pls_arena_over(storage, sizeof storage);
    model_make(id, &arena, &model);
}

static inline struct pls_ask asking(const char *quant, uint64_t context)
{
    struct pls_ask ask = pls_ask_default(PLS_RUNTIME_LLAMA_SERVER);
    ck_assert(pls_quant_parse(quant, &ask.quant));
    ask.context_tokens = context;
    ask.parallel = 1;
    return ask;
}

static inline void place(const struct pls_ask *ask, const struct pls_machine *machine)
{
    size_t mark = arena.used;
    enum pls_code code = pls_place(&model, ask, machine, &arena, &plan, &err);
    ck_assert_msg(code == PLS_OK, "%s: %s", model.card.name, err.text);
    ck_assert_uint_eq(arena.used, mark);
}

static inline bool has_note(const char *code)
{
    for (uint32_t i = 0; i < plan.n_notes; i++) {
        if (strcmp(plan.notes[i].code, code) == 0) {
            return true;
        }
    }
    return false;
}

#endif
