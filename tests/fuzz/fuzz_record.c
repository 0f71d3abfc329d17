/* Any bytes as a machine record: budgets, a placement on it, and the record printed and read again. */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"
#include "plimsoll/render.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void small_card(struct pls_card *card)
{
    *card = (struct pls_card){ .n_layers = 8, .n_embd = 1024, .n_head = 16, .n_head_kv = 4, .head_dim = 64, .n_ff = 4096,
                               .n_vocab = 32000, .context_max_tokens = 8192, .native = PLS_TYPE_BF16 };
    PLS_COPY(card->id, "small");
    PLS_COPY(card->arch, "llama");
    if (pls_card_complete(card, NULL) != PLS_OK) {
        abort();
    }
}

static void place(const struct pls_machine *machine, struct pls_arena *arena)
{
    static struct pls_model model;
    static struct pls_plan plan;
    model = (struct pls_model){ .stored = { .ftype = PLS_FTYPE_NONE } };
    small_card(&model.card);
    if (pls_arch_tensors(&model.card, arena, &model.tensors, NULL) != PLS_OK) {
        abort();
    }
    struct pls_ask ask = pls_ask_default(PLS_RUNTIME_LLAMA_SERVER);
    struct pls_rates rates = { .ram_gbs = machine->pools[0].bandwidth_gbs, .ram_origin = machine->pools[0].origin };
    ask.quant = (struct pls_quant){ .format = PLS_FORMAT_GGUF, .ftype = PLS_FTYPE_Q4_K_M, .stored = PLS_TYPE_NONE };
    if (pls_plan_make(&model, &ask, machine, &rates, arena, &plan, NULL) == PLS_OK) {
        fuzz_plan(&plan);
    }
}

/* What was read can be printed and is then read as the same number of things. */
static void print_and_read(const struct pls_machine *machine)
{
    static struct pls_machine again;
    struct pls_err err = { .text = "" };
    struct pls_screen screen = { .width = 80 };
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    if (to == NULL || pls_render_machine(to, PLS_OUT_JSON, machine, &screen, &err) != PLS_OK || fclose(to) != 0
        || pls_record_parse(text, len, &again, &err) != PLS_OK || again.n_pools != machine->n_pools
        || again.n_gpus != machine->n_gpus) {
        fprintf(stderr, "%s\n%.*s", err.text, (int)len, text != NULL ? text : "");
        abort();
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned char *room;
    static struct pls_machine machine;
    struct pls_err err = { .text = "" };
    struct pls_budget_policy policy = pls_budget_policy_default();
    room = room != NULL ? room : malloc(FUZZ_ROOM);
    struct pls_arena arena = pls_arena_over(room, FUZZ_ROOM);
    enum pls_code code = pls_record_parse((const char *)data, size, &machine, &err);
    fuzz_sentence(code, &err);
    if (code == PLS_OK) {
        pls_budget_apply(&machine, &policy);
        place(&machine, &arena);
        print_and_read(&machine);
    }
    return 0;
}
