/* Tensor lists, caches and mixtures of real models against what the engine itself does.
 *
 * tests/fixtures/models.tsv holds 71 models of 38 architectures: hyperparameters, then what llama.cpp (build
 * of 2026-08-22) makes of them. `list`: tensors, elements, bytes as converted to BF16, and a 64-bit FNV-1a
 * over "name dims type" of the sorted list. `cache`: sums over layers of the cells' K and V widths (full,
 * sliding) and of the recurrent state. `mix`: tensor bytes of a file the quantizer would write, or that it
 * refuses, and whether it asks for an importance matrix. `types`: tensors and bytes per type.
 */
#include "cardline.h"

#include "unit.h"

enum { ARENA_BYTES = 16 << 20 };
static unsigned char storage[ARENA_BYTES];

struct state {
    struct pls_card card;
    char name[64];
    struct pls_arena arena;
    struct pls_tensors list;
};

static uint64_t fnv(uint64_t hash, const char *text)
{
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static uint64_t hash_list(const struct pls_tensors *list)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (uint32_t i = 0; i < list->n; i++) {
        const struct pls_tensor *t = &list->items[i];
        char line[160];
        int at = snprintf(line, sizeof line, "%s ", t->name);
        for (int d = 0; d < t->n_dims; d++) {
            at += snprintf(line + at, sizeof line - (size_t)at, d > 0 ? "x%llu" : "%llu",
                           (unsigned long long)t->dims[d]);
        }
        snprintf(line + at, sizeof line - (size_t)at, " %s\n", pls_type_info((enum pls_type)t->type)->name);
        hash = fnv(hash, line);
    }
    return hash;
}

static uint64_t bytes_of(const struct pls_tensors *list)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < list->n; i++) {
        sum = pls_add(sum, pls_tensor_bytes(&list->items[i]));
    }
    return sum;
}

/* Fresh converter types; returns the quantizer's answer. */
static enum pls_code mix(struct state *s, char *word, struct pls_quant *quant)
{
    struct pls_err err = { PLS_OK, "" };
    char *plus = strchr(word, '+');
    if (plus != NULL) {
        *plus = '\0';
    }
    ck_assert_msg(pls_quant_parse(word, quant), "%s", word);
    quant->imatrix = plus != NULL;
    s->arena = pls_arena_over(storage, sizeof storage);
    ck_assert_msg(pls_arch_tensors(&s->card, &s->arena, &s->list, &err) == PLS_OK, "%s: %s", s->name,
                  err.text);
    return pls_mix_assign(&s->card, quant, &s->list, &err);
}

static void check_list(struct state *s, char **f)
{
    struct pls_err err = { PLS_OK, "" };
    uint64_t elements = 0;
    s->arena = pls_arena_over(storage, sizeof storage);
    ck_assert_msg(pls_arch_tensors(&s->card, &s->arena, &s->list, &err) == PLS_OK, "%s: %s", s->name,
                  err.text);
    for (uint32_t i = 0; i < s->list.n; i++) {
        elements += pls_tensor_elements(&s->list.items[i]);
    }
    ck_assert_msg(s->list.n == strtoul(f[1], NULL, 10), "%s: %u tensors, not %s", s->name, s->list.n, f[1]);
    ck_assert_msg(elements == strtoull(f[2], NULL, 10), "%s: %llu elements, not %s", s->name,
                  (unsigned long long)elements, f[2]);
    ck_assert_msg(bytes_of(&s->list) == strtoull(f[3], NULL, 10), "%s: bytes", s->name);
    ck_assert_msg(hash_list(&s->list) == strtoull(f[4], NULL, 16), "%s: a name, shape or type differs",
                  s->name);
}

static void check_cache(struct state *s, char **f)
{
    uint64_t sums[6] = { 0 };
    for (uint32_t i = 0; i < s->card.n_layers + s->card.n_mtp_layers; i++) {
        struct pls_layer l = pls_card_layer(&s->card, i);
        sums[l.is_sliding ? 2 : 0] += l.k_cache_width;
        sums[l.is_sliding ? 3 : 1] += l.v_cache_width;
        sums[4] += l.conv_state;
        sums[5] += l.ssm_state;
    }
    for (int i = 0; i < 6; i++) {
        ck_assert_msg(sums[i] == strtoull(f[1 + i], NULL, 10), "%s: cache sum %d is %llu, not %s", s->name, i,
                      (unsigned long long)sums[i], f[1 + i]);
    }
}

static void check_mix(struct state *s, char **f, size_t n)
{
    char word[40];
    struct pls_quant quant;
    PLS_COPY(word, f[1]);
    enum pls_code code = mix(s, word, &quant);
    bool refused = strcmp(f[2], "refused") == 0;
    ck_assert_msg(code == (refused ? PLS_REFUSED : PLS_OK), "%s %s: outcome %d", s->name, f[1], (int)code);
    if (refused) {
        return;
    }
    ck_assert_msg(bytes_of(&s->list) == strtoull(f[2], NULL, 10), "%s %s: %llu bytes, not %s", s->name, f[1],
                  (unsigned long long)bytes_of(&s->list), f[2]);
    /* Rows with a matrix given record that none is missing. */
    bool needs = pls_mix_needs_imatrix(&quant, &s->list) && !quant.imatrix;
    ck_assert_msg(needs == (n > 3), "%s %s: imatrix %d", s->name, f[1], needs);
}

static void check_types(struct state *s, char **f, size_t n)
{
    char word[40];
    struct pls_quant quant;
    uint64_t bytes[PLS_TYPE_COUNT] = { 0 };
    uint32_t count[PLS_TYPE_COUNT] = { 0 };
    PLS_COPY(word, f[1]);
    ck_assert_int_eq(mix(s, word, &quant), PLS_OK);
    for (uint32_t i = 0; i < s->list.n; i++) {
        bytes[s->list.items[i].type] += pls_tensor_bytes(&s->list.items[i]);
        count[s->list.items[i].type]++;
    }
    for (size_t i = 2; i < n; i++) {
        char *colon = strchr(f[i], ':');
        *colon++ = '\0';
        enum pls_type type = pls_type_by_name(f[i]);
        ck_assert_int_ne(type, PLS_TYPE_NONE);
        char *rest = NULL;
        unsigned long tensors = strtoul(colon, &rest, 10);
        ck_assert_msg(count[type] == tensors && bytes[type] == strtoull(rest + 1, NULL, 10),
                      "%s %s: %s has %u tensors, %llu bytes, not %s", s->name, f[1], f[i], count[type],
                      (unsigned long long)bytes[type], colon);
        count[type] = 0;
    }
    for (int i = 0; i < PLS_TYPE_COUNT; i++) {
        ck_assert_msg(count[i] == 0, "%s %s: unexpected %s", s->name, f[1],
                      pls_type_info((enum pls_type)i)->name);
    }
}

static size_t cut(char *line, char **f, size_t cap)
{
    size_t n = 0;
    for (char *one = strtok(line, "\t"); one != NULL && n < cap; one = strtok(NULL, "\t")) {
        f[n++] = one;
    }
    return n;
}

START_TEST(lists_caches_and_mixtures_are_the_engines)
{
    static struct state s;
    static char line[16384];
    char *f[32];
    uint32_t models = 0, mixes = 0;
    FILE *file = fopen("tests/fixtures/models.tsv", "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (pls_text_starts(line, "card\t")) {
            PLS_COPY(s.name, cardline_read(line, &s.card));
            models++;
            continue;
        }
        size_t n = cut(line, f, PLS_COUNT_OF(f));
        if (strcmp(f[0], "list") == 0 && n == 5) {
            check_list(&s, f);
        } else if (strcmp(f[0], "cache") == 0 && n == 7) {
            check_cache(&s, f);
        } else if (strcmp(f[0], "mix") == 0 && n >= 3) {
            check_mix(&s, f, n);
            mixes++;
        } else if (strcmp(f[0], "types") == 0 && n > 2) {
            check_types(&s, f, n);
        } else {
            ck_abort_msg("a line of the fixture says %s", f[0]);
        }
    }
    fclose(file);
    ck_assert_uint_eq(models, 71);
    ck_assert_uint_eq(mixes, 1600);
}
END_TEST

static struct pls_card tiny(void)
{
    struct pls_card card = {
        .n_layers = 2, .n_embd = 512, .n_vocab = 1000, .n_head = 8, .n_head_kv = 2, .n_ff = 1024
    };
    PLS_COPY(card.arch, "llama");
    return card;
}

/* 512 x 1000 twice (embedding, output) + 512; per block 2 norms of 512, Q and O 512 x 512, K and V 512 x 128,
 * three feed-forward matrices 512 x 1024: 1,024,000 + 512 + 2 * (1,024 + 524,288 + 131,072 + 1,572,864) =
 * 5,483,008. */
START_TEST(a_small_llama_by_pencil)
{
    struct pls_card card = tiny();
    struct pls_arena arena = pls_arena_over(storage, sizeof storage);
    struct pls_tensors list;
    uint64_t elements = 0;
    ck_assert_int_eq(pls_card_complete(&card, NULL), PLS_OK);
    ck_assert_int_eq(pls_arch_tensors(&card, &arena, &list, NULL), PLS_OK);
    for (uint32_t i = 0; i < list.n; i++) {
        elements += pls_tensor_elements(&list.items[i]);
    }
    ck_assert_uint_eq(list.n, 3 + 2 * 9);
    ck_assert_uint_eq(elements, 5483008);
    ck_assert_str_eq(list.items[0].name, "output.weight");
    ck_assert_str_eq(list.items[3].name, "blk.0.attn_k.weight");
    ck_assert_uint_eq(list.items[3].dims[1], 128);
}
END_TEST

START_TEST(unknown_architectures_and_full_arenas_say_so)
{
    struct pls_card card = tiny();
    struct pls_arena arena = pls_arena_over(storage, 1000);
    struct pls_tensors list;
    struct pls_err err;
    ck_assert_int_eq(pls_card_complete(&card, &err), PLS_OK);
    ck_assert_int_eq(pls_arch_tensors(&card, &arena, &list, &err), PLS_NOMEM);
    ck_assert_uint_eq(arena.used, 0);
    PLS_COPY(card.arch, "no-such-arch");
    ck_assert_int_eq(pls_arch_tensors(&card, &arena, &list, &err), PLS_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.text, "no-such-arch"));
}
END_TEST

START_TEST(a_card_out_of_bounds_names_the_field)
{
    struct pls_err err;
    struct pls_card card = tiny();
    card.n_layers = 300;
    ck_assert_int_eq(pls_card_complete(&card, &err), PLS_FORMAT);
    ck_assert_ptr_nonnull(strstr(err.text, "n_layers"));
    card = tiny();
    card.n_ff = UINT32_MAX;
    ck_assert_int_eq(pls_card_complete(&card, &err), PLS_FORMAT);
    ck_assert_ptr_nonnull(strstr(err.text, "intermediate_size"));
    card = tiny();
    PLS_COPY(card.kind, "FX");
    ck_assert_int_eq(pls_card_complete(&card, &err), PLS_FORMAT);
    card = tiny();
    PLS_COPY(card.kind, "FS");
    ck_assert_int_eq(pls_card_complete(&card, &err), PLS_FORMAT);
    ck_assert_ptr_nonnull(strstr(err.text, "sliding_window"));
}
END_TEST

/* A wider recipe of the same family never makes a smaller file. */
START_TEST(wider_is_never_smaller)
{
    static const char *const ladder[] = { "Q2_K",   "Q3_K_S", "Q3_K_M", "Q3_K_L", "Q4_K_M",
                                          "Q5_K_M", "Q6_K",   "Q8_0",   "F16" };
    static struct state s;
    uint64_t before = 0;
    s.card = tiny();
    ck_assert_int_eq(pls_card_complete(&s.card, NULL), PLS_OK);
    for (size_t i = 0; i < PLS_COUNT_OF(ladder); i++) {
        struct pls_quant quant;
        char word[16];
        PLS_COPY(word, ladder[i]);
        ck_assert_int_eq(mix(&s, word, &quant), PLS_OK);
        ck_assert_uint_ge(bytes_of(&s.list), before);
        before = bytes_of(&s.list);
    }
}
END_TEST

/* Old files keep a fused QKV near the base type: 3072 x 9216 at Q4_K_M is Q5_K (176 bytes per 256) in every
 * layer. */
START_TEST(fused_qkv_follows_the_engine_of_its_day)
{
    static struct state s;
    struct pls_quant quant;
    struct pls_err err;
    s.card =
        (struct pls_card){ .n_layers = 32, .n_embd = 3072, .n_vocab = 32064, .n_head = 32, .n_ff = 8192 };
    PLS_COPY(s.card.arch, "phi3");
    ck_assert_int_eq(pls_card_complete(&s.card, &err), PLS_OK);
    ck_assert(pls_quant_parse("q4_k_m", &quant));
    quant.legacy_qkv = true;
    s.arena = pls_arena_over(storage, sizeof storage);
    ck_assert_int_eq(pls_arch_tensors(&s.card, &s.arena, &s.list, &err), PLS_OK);
    ck_assert_int_eq(pls_mix_assign(&s.card, &quant, &s.list, &err), PLS_OK);
    for (uint32_t i = 0; i < s.list.n; i++) {
        const struct pls_tensor *t = &s.list.items[i];
        if (t->category == PLS_CAT_QKV) {
            ck_assert_int_eq(t->type, PLS_TYPE_Q5_K);
            ck_assert_uint_eq(pls_tensor_bytes(t), (uint64_t)3072 / 256 * 176 * 9216);
        }
    }
}
END_TEST

START_TEST(hand_made_and_unoffered_mixtures_are_not_guessed)
{
    static struct state s;
    struct pls_quant quant;
    char dynamic[] = "UD-Q4_K_XL", nvfp4[] = "NVFP4";
    s.card = tiny();
    ck_assert_int_eq(pls_card_complete(&s.card, NULL), PLS_OK);
    ck_assert_int_eq(mix(&s, dynamic, &quant), PLS_UNSUPPORTED);
    ck_assert_int_eq(mix(&s, nvfp4, &quant), PLS_REFUSED);
}
END_TEST

UNIT_MAIN("arch", lists_caches_and_mixtures_are_the_engines, a_small_llama_by_pencil,
          unknown_architectures_and_full_arenas_say_so, a_card_out_of_bounds_names_the_field,
          wider_is_never_smaller, fused_qkv_follows_the_engine_of_its_day,
          hand_made_and_unoffered_mixtures_are_not_guessed)
