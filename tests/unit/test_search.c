/* The search over models and configurations: bounds are bounds, what is found is what trying everything finds,
 * and the rules about four bits, bases and memory hold. */
#include <math.h>
#include <stdlib.h>

#include "core/search.h"
#include "placing.h"
#include "plimsoll/sort.h"
#include "plimsoll/speed.h"
#include "unit.h"

enum { CARDS_MOST = 8, ROOM = 1 << 22 };

static struct pls_card cards[CARDS_MOST];
static struct pls_machine machine;
static struct pls_rates rates;
static unsigned char room_store[ROOM];

static void add_card(struct pls_search *f, const char *id, double ability)
{
    struct pls_card *card = &cards[f->n_cards++];
    take(id);
    *card = model.card;
    PLS_COPY(card->id, id);
    PLS_COPY(card->gguf_repo, "bartowski/any-GGUF");
    card->params_total = pls_tensors_elements(&model.tensors);
    for (int t = 0; t < PLS_TASK_COUNT; t++) {
        card->ability[t] = (struct pls_ability){
            .score = (float)ability, .se = 3, .n_sources = 5, .evidence = PLS_EVIDENCE_DIRECT
        };
    }
}

static struct pls_pick *more_picks(struct pls_pick *picks, uint32_t n)
{
    return realloc(picks, n * sizeof(*picks));
}

static struct pls_pick *no_picks(struct pls_pick *picks, uint32_t n)
{
    (void)picks;
    (void)n;
    return NULL;
}

/* A card of 24 GiB beside 64 GiB of RAM. */
static void make_machine(void)
{
    machine = machine_make(64 * PLS_GIB);
    machine.pools[0].bandwidth_gbs = 60;
    machine.cpu.cores = 8;
    machine_gpu(&machine, PLS_BACKEND_CUDA, PLS_POOL_VRAM, 24 * PLS_GIB);
    machine.pools[1].bandwidth_gbs = 1008;
    struct pls_gpu *gpu = &machine.gpus[0];
    PLS_COPY(gpu->vendor, "nvidia");
    PLS_COPY(gpu->generation, "ada");
    gpu->fp32_tflops = 82.6;
    gpu->fp16_tflops = 165;
    gpu->link_gbs = 31.5;
    rates = (struct pls_rates){ .ram_gbs = 60, .ram_origin = PLS_ORIGIN_TABLE };
}

static struct pls_search searching(uint32_t top)
{
    make_machine();
    arena = pls_arena_over(storage, sizeof storage);
    return (struct pls_search){ .ask = { .ask = pls_ask_default(PLS_RUNTIME_LLAMA_SERVER),
                                         .policy = pls_policy_default(PLS_TASK_CHAT),
                                         .whole_input = true,
                                         .top = top },
                                .machine = &machine,
                                .rates = &rates,
                                .cards = cards,
                                .scratch = &arena,
                                .grow = more_picks };
}

static void forget_picks(struct pls_search *f)
{
    free(f->picks);
    f->picks = NULL;
    f->n_picks = f->cap_picks = 0;
}

static uint32_t run_search(struct pls_search *f, uint32_t *chosen)
{
    struct pls_arena room = pls_arena_over(room_store, sizeof room_store);
    arena = pls_arena_over(storage, sizeof storage);
    ck_assert_int_eq(pls_search_begin(f, &room, &err), PLS_OK);
    ck_assert_uint_le(room.used, pls_search_bytes(f->n_cards, f->ask.top));
    pls_search_place(f);
    uint32_t n = pls_search_choose(f, chosen);
    ck_assert_uint_eq(arena.used, 0);
    return n;
}

/* The key of one configuration, placed on its own; minus infinite when it does not fit. */
static double key_of(const struct pls_search *f, const struct pls_card *card, const struct pls_quant *quant,
                     uint64_t context, enum pls_type cache)
{
    size_t mark = arena.used;
    struct pls_ask ask = f->ask.ask;
    ask.quant = *quant;
    ask.context_tokens = context;
    ask.type_k = ask.type_v = cache;
    double key = -HUGE_VAL;
    memset(&model, 0, sizeof model);
    model.card = *card;
    model.stored.ftype = PLS_FTYPE_NONE;
    ck_assert_int_eq(pls_arch_tensors(card, &arena, &model.tensors, &err), PLS_OK);
    if (pls_place(&model, &ask, &machine, &arena, &plan, &err) == PLS_OK && plan.fit == PLS_FIT_YES) {
        pls_speed_predict(card, &machine, &rates, &plan);
        pls_quality_by_policy(card, &f->ask.policy, &plan);
        struct pls_merit m = pls_rank_merit(&f->ask.policy, &plan);
        key = pls_rank_key(m.score, m.reasons);
    }
    pls_arena_reset(&arena, mark);
    return key;
}

static double best_key_of(const struct pls_search *f, const struct pls_card *card, const struct pls_quant *quant)
{
    static const enum pls_type caches[] = { PLS_TYPE_F16, PLS_TYPE_Q8_0, PLS_TYPE_Q4_0 };
    double best = -HUGE_VAL;
    for (uint64_t c = f->ask.policy.wish_context_tokens; c >= f->ask.policy.min_context_tokens; c /= 2) {
        for (size_t k = 0; k < PLS_COUNT_OF(caches); k++) {
            best = fmax(best, key_of(f, card, quant, c, caches[k]));
        }
    }
    return best;
}

static void add_some(struct pls_search *f)
{
    add_card(f, "llama-3.2-1b", 20);
    add_card(f, "llama-3.1-8b", 40);
    add_card(f, "gemma-3-4b", 50);
    add_card(f, "qwen3-30b-a3b", 55);
    add_card(f, "lfm2-1.2b", 15);
}

START_TEST(no_configuration_is_better_than_its_bound)
{
    struct pls_search f = searching(0);
    add_some(&f);
    static struct pls_plan scratch;
    uint32_t n = 0;
    for (uint32_t i = 0; i < f.n_cards; i++) {
        struct pls_quant rungs[PLS_SEARCH_RUNGS];
        uint32_t n_rungs = pls_search_rungs(&f.ask, &cards[i], true, rungs);
        for (uint32_t r = 0; r < n_rungs; r++) {
            double bound = pls_search_bound(&f, &cards[i], &rungs[r], &scratch).key;
            double best = best_key_of(&f, &cards[i], &rungs[r]);
            ck_assert_msg(best <= bound, "%s, rung %u: %g above %g", cards[i].id, r, best, bound);
            n += best > -HUGE_VAL;
        }
    }
    ck_assert_uint_gt(n, 40); /* most fit, so that something was compared */
}
END_TEST

START_TEST(what_is_found_is_the_best_there_is)
{
    struct pls_search f = searching(2);
    uint32_t chosen[CARDS_MOST + 1];
    add_some(&f);
    ck_assert_uint_eq(run_search(&f, chosen), 2);
    for (uint32_t k = 0; k < 2; k++) {
        const struct pls_pick *pick = &f.picks[chosen[k]];
        const struct pls_card *card = &cards[pick->model];
        double best = -HUGE_VAL;
        struct pls_quant rungs[PLS_SEARCH_RUNGS];
        uint32_t n_rungs = pls_search_rungs(&f.ask, card, false, rungs);
        for (uint32_t r = 0; r < n_rungs; r++) {
            bool is_there = pls_search_is_published(&f.ask, card, &rungs[r]);
            best = is_there ? fmax(best, best_key_of(&f, card, &rungs[r])) : best;
        }
        double found = pls_rank_key(pick->score, pick->reasons);
        ck_assert_msg(fabs(found - best) < 0.02 * fabs(best), "%s: %g, not %g", card->id, found, best);
    }
    /* and the search did not try everything for it */
    ck_assert_uint_lt(f.n_placed, f.n_configs);
    free(f.picks);
}
END_TEST

static double least_bits(const struct pls_search *f)
{
    double least = 16;
    for (uint32_t i = 0; i < f->n_picks; i++) {
        const struct pls_type_info *info = pls_type_info(pls_ftype_base(f->picks[i].quant.ftype));
        least = fmin(least, 8.0 * info->bytes / info->block);
    }
    return least;
}

START_TEST(narrow_rungs_are_for_what_four_bits_do_not_fit)
{
    struct pls_search f = searching(0);
    uint32_t chosen[CARDS_MOST + 1];
    add_card(&f, "llama-3.1-8b", 40);
    ck_assert_uint_eq(run_search(&f, chosen), 1);
    ck_assert_double_ge(least_bits(&f), 4);
    free(f.picks);
    f = searching(0);
    add_card(&f, "llama-3.1-70b", 60);
    ck_assert_uint_eq(run_search(&f, chosen), 1);
    ck_assert_double_lt(least_bits(&f), 4);
    free(f.picks);
}
END_TEST

START_TEST(one_stands_for_its_base)
{
    struct pls_search f = searching(0);
    uint32_t chosen[CARDS_MOST + 1];
    add_card(&f, "llama-3.1-8b", 40);
    add_card(&f, "llama-3.1-8b", 45);
    PLS_COPY(cards[1].id, "a-tuning");
    cards[1].ability[PLS_TASK_CHAT].evidence = PLS_EVIDENCE_FAMILY; /* its score is borrowed */
    ck_assert_uint_eq(run_search(&f, chosen), 1);
    ck_assert_uint_eq(f.picks[chosen[0]].model, 0);
    ck_assert(f.is_second[1] && !f.is_second[0]);
    ck_assert_uint_eq(f.shape[1], 0);
    forget_picks(&f);
    f.named = "a-tuning";
    ck_assert_uint_eq(run_search(&f, chosen), 1);
    ck_assert_uint_eq(f.picks[chosen[0]].model, 1);
    free(f.picks);
}
END_TEST

/* Models that reason keep 8 bits of their cache, whatever shape they share with models that do not. */
START_TEST(tunings_that_reason_are_shapes_of_their_own)
{
    struct pls_search f = searching(0);
    static uint32_t chosen[1 << 16];
    f.ask.each = true;
    add_card(&f, "llama-3.1-8b", 40);
    add_card(&f, "llama-3.1-8b", 45);
    PLS_COPY(cards[1].id, "thinker");
    cards[1].tasks |= 1u << PLS_TASK_REASONING;
    /* of 128k tokens 4 bits alone fit: 4.6 GiB of weights beside 16, 8.5 or 4.5 GiB of cache */
    f.ask.policy.wish_context_tokens = f.ask.policy.min_context_tokens = 131072;
    machine.pools[1].capacity_bytes = machine.pools[1].budget_bytes = 12 * PLS_GIB;
    run_search(&f, chosen);
    uint32_t n_narrow = 0;
    for (uint32_t i = 0; i < f.n_picks; i++) {
        bool is_narrow = f.picks[i].type_k == PLS_TYPE_Q4_0;
        ck_assert(f.picks[i].model == 0 || !is_narrow);
        n_narrow += is_narrow;
    }
    ck_assert_uint_gt(n_narrow, 0);
    ck_assert_uint_eq(f.shape[1], 1);
    free(f.picks);
}
END_TEST

START_TEST(a_hard_floor_leaves_out_what_is_slower)
{
    struct pls_search f = searching(0);
    uint32_t chosen[CARDS_MOST + 1];
    add_card(&f, "llama-3.1-70b", 60); /* two thirds of it in RAM */
    f.ask.policy.min_decode_tps = 100;
    ck_assert_uint_eq(run_search(&f, chosen), 1); /* behind all others, if there were any */
    ck_assert(f.picks[chosen[0]].reasons & PLS_REASON_BELOW_SPEED_FLOOR);
    forget_picks(&f);
    f.ask.speed_is_hard = true;
    ck_assert_uint_eq(run_search(&f, chosen), 0);
    free(f.picks);
}
END_TEST

START_TEST(memory_that_is_short_is_said)
{
    struct pls_search f = searching(0);
    uint32_t chosen[CARDS_MOST + 1];
    add_card(&f, "llama-3.2-1b", 20);
    for (size_t cap = 0; cap < pls_search_bytes(1, 0); cap += 97) {
        struct pls_arena room = pls_arena_over(room_store, cap);
        struct pls_search copy = f;
        enum pls_code code = pls_search_begin(&copy, &room, &err);
        ck_assert(code == PLS_NOMEM || (code == PLS_OK && room.used <= cap));
    }
    f.grow = no_picks;
    ck_assert_uint_eq(run_search(&f, chosen), 0);
    ck_assert(f.out_of_memory);
    ck_assert_uint_eq(f.n_picks, 0);
}
END_TEST

START_TEST(encoders_take_a_text_whole)
{
    struct pls_search_ask wish = { .whole_input = true };
    struct pls_card card = { .is_encoder = true };
    struct pls_ask ask = { .context_tokens = 8192, .ubatch_tokens = 512, .batch_tokens = 2048 };
    pls_search_settle(&wish, &card, &ask);
    ck_assert_uint_eq(ask.ubatch_tokens, 8192);
    ck_assert_uint_eq(ask.batch_tokens, 8192);
    card.is_encoder = false;
    ask = (struct pls_ask){ .context_tokens = 8192, .ubatch_tokens = 512 };
    pls_search_settle(&wish, &card, &ask);
    ck_assert_uint_eq(ask.ubatch_tokens, 512);
}
END_TEST

/* ---- sorting ---- */

struct item {
    uint32_t key, serial;
    char rest[101]; /* longer than one chunk of the swap, and odd */
};

static bool by_key(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    return x->key != y->key ? x->key < y->key : x->serial < y->serial;
}

START_TEST(items_are_sorted_and_none_is_lost)
{
    static struct item items[300];
    uint32_t random = 1;
    for (uint32_t n = 0; n <= 300; n += n < 10 ? 1 : 29) {
        uint64_t sum = 0;
        for (uint32_t i = 0; i < n; i++) {
            random = random * 1664525 + 1013904223;
            items[i] = (struct item){ .key = random >> 28, .serial = i };
            items[i].rest[100] = (char)i;
            sum += i;
        }
        pls_sort(items, n, sizeof(items[0]), by_key);
        for (uint32_t i = 0; i < n; i++) {
            ck_assert(i == 0 || by_key(&items[i - 1], &items[i]));
            ck_assert_int_eq(items[i].rest[100], (char)items[i].serial);
            sum -= items[i].serial;
        }
        ck_assert_uint_eq(sum, 0);
    }
}
END_TEST

UNIT_MAIN("search", no_configuration_is_better_than_its_bound, what_is_found_is_the_best_there_is,
          narrow_rungs_are_for_what_four_bits_do_not_fit, one_stands_for_its_base,
          tunings_that_reason_are_shapes_of_their_own,
          a_hard_floor_leaves_out_what_is_slower, memory_that_is_short_is_said, encoders_take_a_text_whole,
          items_are_sorted_and_none_is_lost)
