#include "sample.h"

#include <stdlib.h>
#include <string.h>

#include "plimsoll/text.h"

enum { ROOM = 192 << 20 };
static const double DISTURBED = 1.5;

struct reader {
    struct pls_catalog *catalog;
    struct pls_arena arena;
    struct pls_profile profiles[PLS_MAX_PROFILES];
    uint32_t n_profiles;
    struct pls_model model;
    char model_id[96]; /* of the model in memory */
    bool has_model;
    size_t model_mark; /* arena use behind the model */
    struct pls_plan plan;
    struct pls_machine machine;
};

struct pls_gpu_load sample_load(const struct sample *s)
{
    struct pls_gpu_load load = s->load;
    load.gpu = &s->gpu;
    load.traffic = &s->traffic;
    return load;
}

static const struct pls_profile *profile_of(const struct reader *r, const char *id)
{
    for (uint32_t i = 0; i < r->n_profiles; i++) {
        if (strcmp(r->profiles[i].id, id) == 0) {
            return &r->profiles[i];
        }
    }
    return NULL;
}

static bool find_model(struct reader *r, const char *id)
{
    if (strcmp(id, r->model_id) == 0) {
        return r->has_model;
    }
    PLS_COPY(r->model_id, id);
    r->arena.used = 0;
    memset(&r->model, 0, sizeof(r->model));
    r->has_model = pls_catalog_resolve(r->catalog, id, &r->model.card, NULL) == PLS_OK
        && pls_arch_tensors(&r->model.card, &r->arena, &r->model.tensors, NULL) == PLS_OK;
    r->model_mark = r->arena.used;
    return r->has_model;
}

/* Mixtures known by name only stand for the recipe they started from: "UD-Q4_K_XL" for Q4_K_M. */
static bool parse_quant(const char *word, struct pls_quant *out, bool *is_mixture)
{
    char base[32];
    *is_mixture = false;
    bool parsed = pls_quant_parse(word, out);
    if (parsed && !out->from_name) {
        return true;
    }
    *is_mixture = true;
    PLS_COPY(base, pls_text_starts(word, "UD-") ? word + 3 : word);
    char *tail = strstr(base, "_XL");
    if (tail != NULL) {
        PLS_COPY(base, pls_text_starts(base, "Q8") ? "Q8_0" : pls_text_starts(base, "Q6") ? "Q6_K"
                       : pls_text_starts(base, "Q5") ? "Q5_K_M" : pls_text_starts(base, "Q4") ? "Q4_K_M"
                       : pls_text_starts(base, "Q3") ? "Q3_K_M" : "Q2_K");
    }
    return pls_quant_parse(base, out) && !out->from_name;
}

/* llama.cpp numbers its builds; days of some releases are enough to date the rest. Other versions start with the date, or say
 * nothing: 0, today. */
static uint32_t date_of(const char *version)
{
    static const struct {
        unsigned long build;
        uint32_t date;
    } known[] = {
        { 10000, 20260720 }, { 9000, 20260430 }, { 8000, 20260211 }, { 7500, 20251221 }, { 7000, 20251109 }, { 6500, 20250917 },
        { 6000, 20250726 }, { 5500, 20250527 }, { 5000, 20250401 }, { 4400, 20241231 }, { 4000, 20241030 }, { 3500, 20240801 },
        { 3000, 20240526 }, { 2500, 20240323 }, { 2000, 20240128 }, { 1500, 20231108 }, { 0, 20230601 },
    };
    if (version[0] == 'b' && version[1] >= '0' && version[1] <= '9') {
        unsigned long build = strtoul(version + 1, NULL, 10);
        for (size_t i = 0; i < PLS_COUNT_OF(known); i++) {
            if (build >= known[i].build) {
                return known[i].date;
            }
        }
    }
    if (pls_text_starts(version, "8e672ef")) { /* the commit that runs of discussion 4167 agreed on */
        return 20231120;
    }
    char *end = NULL;
    unsigned long year = strtoul(version, &end, 10);
    unsigned long month = *end == '-' ? strtoul(end + 1, &end, 10) : 0;
    return year >= 2023 && year < 2100 && month >= 1 && month <= 12 ? (uint32_t)(year * 10000 + month * 100 + 15) : 0;
}

static struct pls_ask ask_of(const struct sample *s, const struct pls_quant *quant, enum pls_backend backend)
{
    const struct speed_row *row = &s->row;
    struct pls_ask ask = pls_ask_default(backend == PLS_BACKEND_MLX ? PLS_RUNTIME_MLX : PLS_RUNTIME_LLAMA_CLI);
    ask.quant = *quant;
    ask.context_tokens = pls_max(row->n_prompt + row->n_gen + row->n_depth, 512);
    ask.parallel = 1;
    ask.flash_attention = row->flash < 0 ? PLS_AUTO : row->flash == 1 ? PLS_ON : PLS_OFF;
    /* tables of Vulkan and SYCL runs name the logical batch of 2048 while their micro-batch was 512 */
    bool is_ubatch = row->batch > 0 && (row->batch < 512 || backend == PLS_BACKEND_ROCM || backend == PLS_BACKEND_CUDA);
    ask.ubatch_tokens = is_ubatch ? (uint32_t)row->batch : 0;
    ask.backend = backend;
    ask.gpu_layers = backend == PLS_BACKEND_CPU ? 0 : PLS_GPU_LAYERS_ALL;
    ask.depth_tokens = row->n_depth + (s->is_prefill ? 0 : row->n_gen / 2);
    ask.prompt_tokens = row->n_prompt > 0 ? row->n_prompt : 512;
    ask.n_threads = row->threads;
    ask.engine_as_of = date_of(row->version);
    return ask;
}

static void make_machine(struct reader *r, const struct pls_profile *p, uint32_t n_gpu)
{
    struct pls_machine *m = &r->machine;
    memset(m, 0, sizeof(*m));
    m->n_pools = 1;
    m->pools[0] = (struct pls_pool){ .id = "ram", .kind = PLS_POOL_RAM, .gpu = -1, .within = -1,
                                     .capacity_bytes = 4096 * PLS_GIB };
    pls_profile_add(p, n_gpu, 4096, m); /* what fits is another question */
    struct pls_budget_policy policy = pls_budget_policy_default();
    pls_budget_apply(m, &policy);
}

/* The file is what was measured: where its mixture cannot be predicted, bytes follow its size. */
static void scale(struct pls_traffic *t, double factor)
{
    for (uint32_t i = 0; i < PLS_TYPE_COUNT; i++) {
        t->weights_by_type[i] = (uint64_t)((double)t->weights_by_type[i] * factor);
    }
    t->expert_share_bytes = (uint64_t)((double)t->expert_share_bytes * factor);
}

static void predict(struct reader *r, struct sample *s)
{
    static const struct pls_rates none;
    struct pls_rates rates = none;
    const struct pls_speed *speed = &r->plan.speed;
    rates.ram_gbs = r->machine.pools[0].bandwidth_gbs;
    rates.ram_origin = PLS_ORIGIN_TABLE;
    pls_speed_predict(&r->model.card, &r->machine, &rates, &r->plan);
    s->predicted_tps = s->is_prefill ? speed->prefill_tps : speed->decode_tps;
    s->low_tps = s->is_prefill ? speed->prefill_low_tps : speed->decode_low_tps;
    s->high_tps = s->is_prefill ? speed->prefill_high_tps : speed->decode_high_tps;
}

static void fill(struct reader *r, bool is_mixture, struct sample *s)
{
    const struct pls_card *card = &r->model.card;
    const struct pls_plan *plan = &r->plan;
    bool on_gpu = plan->n_shares > 1 && plan->gpu_layers > 0;
    double factor = is_mixture && s->row.model_bytes > 0 && plan->tensor_data_bytes > 0
        ? (double)s->row.model_bytes / (double)plan->tensor_data_bytes : 1;
    for (uint32_t i = 0; i < r->plan.n_shares; i++) {
        scale(&r->plan.shares[i].traffic, factor);
    }
    const struct pls_share *share = &plan->shares[on_gpu ? 1 : 0];
    const struct pls_pool *pool = &r->machine.pools[share->pool];
    s->traffic = share->traffic;
    if (on_gpu) {
        s->gpu = r->machine.gpus[pool->gpu];
    }
    s->file_bytes = (double)plan->tensor_data_bytes * factor;
    s->load = (struct pls_gpu_load){
        .backend = plan->ask.backend, .bandwidth_gbs = pool->bandwidth_gbs, .depth_tokens = plan->ask.depth_tokens,
        .prompt_tokens = plan->ask.prompt_tokens, .ubatch_tokens = plan->setting.n_ubatch,
        .experts_per_used = card->n_expert_used > 0 ? (double)card->n_expert / card->n_expert_used : 1,
        .resident_bytes = (uint64_t)((double)share->bytes.weights * factor), .flash_attention = plan->setting.flash_attention,
        .engine_as_of = plan->ask.engine_as_of,
    };
    double active = card->params_active > 0 && card->params_total > 0
        ? (double)card->params_active / (double)card->params_total : 1;
    s->naive_tps = 0.55 * pool->bandwidth_gbs * 1e9 / (s->file_bytes * active);
    predict(r, s);
}

static bool make(struct reader *r, struct samples *all, struct sample *s)
{
    struct pls_quant quant;
    bool is_mixture = false;
    enum pls_backend backend = PLS_BACKEND_NONE;
    const struct pls_profile *p = profile_of(r, s->row.hw_id);
    if (p == NULL || !pls_backend_by_name(s->row.backend, &backend)) {
        all->no_hardware++;
        return false;
    }
    if (!find_model(r, s->row.model_id)) {
        all->no_model++;
        return false;
    }
    if (!parse_quant(s->row.quant, &quant, &is_mixture) || (backend == PLS_BACKEND_MLX) != (quant.format == PLS_FORMAT_MLX)) {
        all->no_quant++;
        return false;
    }
    make_machine(r, p, s->row.n_gpu);
    struct pls_ask ask = ask_of(s, &quant, backend);
    r->arena.used = r->model_mark;
    enum pls_code code = pls_place(&r->model, &ask, &r->machine, &r->arena, &r->plan, NULL);
    if (code != PLS_OK) {
        all->no_plan++;
        return false;
    }
    fill(r, is_mixture, s);
    bool clean = strcmp(s->row.quality, "llama-bench") == 0
        || (backend == PLS_BACKEND_MLX && strcmp(s->row.quality, "unclear") != 0 && strcmp(s->row.runtime, "mlx") == 0);
    s->is_clean = clean && s->row.n_gpu == 1 && backend != PLS_BACKEND_CPU;
    return true;
}

static void number_device(struct samples *all, struct sample *s)
{
    for (uint32_t i = 0; i < all->n; i++) {
        const struct speed_row *other = &all->items[i].row;
        if (strcmp(other->hw_id, s->row.hw_id) == 0 && strcmp(other->backend, s->row.backend) == 0) {
            s->device = all->items[i].device;
            return;
        }
    }
    s->device = all->n_devices++;
}

static bool keep(struct samples *all, const struct sample *s)
{
    if (all->n == all->cap) {
        uint32_t cap = all->cap > 0 ? 2 * all->cap : 1024;
        struct sample *more = realloc(all->items, cap * sizeof(*more));
        if (more == NULL) {
            return false;
        }
        all->items = more;
        all->cap = cap;
    }
    all->items[all->n++] = *s;
    return true;
}

/* Runs of the same question on the same device: what a run reached, the device can do; one that took half as long again was
 * disturbed (another device did the work, a power limit, a driver), and teaches nothing about the device. It is still predicted. */
static bool is_same_question(const struct sample *a, const struct sample *b)
{
    return a->device == b->device && a->is_prefill == b->is_prefill && a->row.n_gpu == b->row.n_gpu
        && strcmp(a->row.model_id, b->row.model_id) == 0 && strcmp(a->row.quant, b->row.quant) == 0
        && a->row.n_prompt == b->row.n_prompt && a->row.n_gen == b->row.n_gen && a->row.n_depth == b->row.n_depth
        && a->row.batch == b->row.batch && a->load.flash_attention == b->load.flash_attention;
}

static void set_slow_apart(struct samples *all)
{
    for (uint32_t i = 0; i < all->n; i++) {
        double best = 0;
        for (uint32_t k = 0; k < all->n; k++) {
            bool is_rival = all->items[k].is_clean && is_same_question(&all->items[i], &all->items[k]);
            best = is_rival && all->items[k].observed_tps > best ? all->items[k].observed_tps : best;
        }
        all->items[i].is_fit = all->items[i].is_clean && all->items[i].observed_tps * DISTURBED > best;
    }
}

static void read_all(struct reader *r, FILE *in, const struct speed_table *table, uint32_t file, struct samples *out)
{
    struct sample s;
    memset(&s, 0, sizeof(s));
    while (speed_table_next(in, table, &s.row)) {
        s.file = file;
        s.is_prefill = s.row.pp_tps > 0;
        s.observed_tps = s.is_prefill ? s.row.pp_tps : s.row.tg_tps;
        if (!make(r, out, &s)) {
            continue;
        }
        number_device(out, &s);
        if (!keep(out, &s)) {
            return;
        }
    }
}

static bool read_file(struct reader *r, const char *csv, uint32_t file, struct samples *out)
{
    struct speed_table table;
    FILE *in = fopen(csv, "r");
    bool ok = in != NULL && speed_table_open(in, &table);
    if (ok) {
        read_all(r, in, &table, file, out);
    } else {
        fprintf(stderr, "%s: cannot be read as a table of speeds\n", csv);
    }
    if (in != NULL) {
        fclose(in);
    }
    return ok;
}

bool samples_read(const char *const *csv, uint32_t n_csv, const char *catalog, struct samples *out)
{
    struct pls_err err = { 0 };
    memset(out, 0, sizeof(*out));
    struct reader *r = calloc(1, sizeof(*r));
    void *room = malloc(ROOM);
    bool ok = r != NULL && room != NULL && pls_catalog_open(catalog, NULL, &r->catalog, &err) == PLS_OK
        && pls_catalog_profiles(r->catalog, r->profiles, PLS_MAX_PROFILES, &r->n_profiles, &err) == PLS_OK;
    if (ok) {
        r->arena = pls_arena_over(room, ROOM);
    } else {
        fprintf(stderr, "%s\n", err.text);
    }
    for (uint32_t i = 0; i < n_csv && ok; i++) {
        ok = read_file(r, csv[i], i, out);
    }
    set_slow_apart(out);
    if (r != NULL && r->catalog != NULL) {
        pls_catalog_close(r->catalog);
    }
    free(room);
    free(r);
    return ok;
}

void samples_free(struct samples *s)
{
    free(s->items);
    memset(s, 0, sizeof(*s));
}
