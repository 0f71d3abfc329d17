/* Compute buffers: the allocator by hand, a small graph by hand, and every measured buffer to the byte. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cardline.h"
#include "core/graph.h"
#include "core/replay.h"
#include "plimsoll/compute.h"
#include "unit.h"

static unsigned char scratch_store[PLS_COMPUTE_SCRATCH_BYTES];
static unsigned char tensor_store[32 << 20];

/* Alignment 32. Four places of 100 take 128 each: A 0, B 128, C 256, D 384, so the peak is 512. B and C are given
 * back: one hole of 256 at 128. 200 takes 224 of it, leaving 32 at 352; 32 fits there exactly and closes it. A second
 * 32 has only the open end: 512, peak 544. */
START_TEST(the_allocator_takes_the_smallest_hole)
{
    struct pls_replay r;
    pls_replay_init(&r, 32);
    for (uint64_t i = 0; i < 4; i++) {
        ck_assert_uint_eq(pls_replay_take(&r, 100), 128 * i);
    }
    pls_replay_give(&r, 128, 100);
    pls_replay_give(&r, 256, 100);
    ck_assert_uint_eq(r.n, 2);
    ck_assert_uint_eq(pls_replay_take(&r, 200), 128);
    ck_assert_uint_eq(pls_replay_take(&r, 32), 352);
    ck_assert_uint_eq(r.peak_bytes, 512);
    ck_assert_uint_eq(pls_replay_take(&r, 32), 512);
    ck_assert_uint_eq(r.peak_bytes, 544);
}
END_TEST

/* Of two holes of one size the later is taken; the open end is never taken while a hole fits, however wasteful. */
START_TEST(ties_go_to_the_later_hole)
{
    struct pls_replay r;
    pls_replay_init(&r, 32);
    for (int i = 0; i < 5; i++) {
        pls_replay_take(&r, 64); /* 0, 64, 128, 192, 256 */
    }
    pls_replay_give(&r, 64, 64);
    pls_replay_give(&r, 192, 64);
    ck_assert_uint_eq(pls_replay_take(&r, 64), 192);
    ck_assert_uint_eq(pls_replay_take(&r, 1), 64);
    ck_assert_uint_eq(pls_replay_take(&r, 33), 320);
}
END_TEST

static void small_card(struct pls_card *card, struct pls_setting *s)
{
    char line[] = "card\tsmall\tarch=llama\tn_layers=1\thidden_size=64\tvocab_size=256\tmax_context=256\tn_heads=2"
                  "\tn_kv_heads=1\thead_dim=32\tintermediate_size=96";
    cardline_read(line, card);
    *s = (struct pls_setting){ .n_ctx = 256, .n_ctx_seq = 256, .n_seq = 1, .n_streams = 1, .n_batch = 32,
                               .n_ubatch = 32, .n_outputs = 1, .flash_attention = true, .type_k = PLS_TYPE_F16,
                               .type_v = PLS_TYPE_F16 };
}

/* One block, 32 tokens, one row of logits, width 64: activations of 8192 bytes, K and V of 4096. Inputs come first, in
 * the order they are met: tokens 128, embeddings given instead of tokens 8192 (reserved, never read), positions 128, K
 * index 256, V index 256, mask 256 * 32 * 2 = 16384, output rows 4 -> 32; together 25376. Then
 *   embedding x   at 25376, its norm n at 33568 (multiplied by the weight in place), q at 41760,
 *   rotated q'    at 49952, for a view stands between it and q; ends at 58144; q is given back
 *   v             at 41760 and k at 45856, which fill the hole of q; n is given back
 *   rotated k'    at 33568, in the hole of n; then k', k and v are stored in the cache and given back
 *   attention     at 33568, in the hole of n, q and k; q' is given back, and the output projection fits before it
 * and from here on there is one row only. The highest end was that of q': 58144. */
START_TEST(one_block_by_hand)
{
    struct pls_card card;
    struct pls_setting s;
    struct pls_compute out;
    small_card(&card, &s);
    struct pls_arena scratch = pls_arena_over(scratch_store, sizeof scratch_store);
    struct pls_compute_ask ask = pls_compute_ask_one(&card, &s, PLS_BACKEND_CPU, 0);
    pls_compute_buffers(&ask, &scratch, &out);
    ck_assert_int_eq(out.origin, PLS_ORIGIN_TABLE);
    ck_assert_uint_eq(out.host_bytes, 58144);
    ck_assert_uint_eq(out.n_splits, 1);
    ck_assert_uint_eq(scratch.used, 0);
}
END_TEST

START_TEST(scratch_too_small_gives_the_closed_form)
{
    struct pls_card card;
    struct pls_setting s;
    struct pls_compute out;
    small_card(&card, &s);
    struct pls_arena scratch = pls_arena_over(scratch_store, 4096);
    struct pls_compute_ask ask = pls_compute_ask_one(&card, &s, PLS_BACKEND_CUDA, 99);
    pls_compute_buffers(&ask, &scratch, &out);
    ck_assert_int_eq(out.origin, PLS_ORIGIN_ASSUMED);
    ck_assert_uint_gt(out.device_bytes[0], 0);
    ck_assert_uint_gt(out.uncertainty_bytes, 0);
}
END_TEST

START_TEST(devices_without_a_kernel_lose_flash_attention)
{
    struct pls_card card;
    struct pls_setting s;
    small_card(&card, &s); /* head width 32: Metal has it, CUDA starts at 40 */
    ck_assert(pls_flash_attention_supported(PLS_BACKEND_METAL, &card, PLS_TYPE_F16, PLS_TYPE_F16));
    ck_assert(!pls_flash_attention_supported(PLS_BACKEND_CUDA, &card, PLS_TYPE_F16, PLS_TYPE_F16));
    ck_assert(pls_flash_attention_supported(PLS_BACKEND_CPU, &card, PLS_TYPE_Q8_0, PLS_TYPE_F16));
    ck_assert(!pls_flash_attention_supported(PLS_BACKEND_METAL, &card, PLS_TYPE_Q8_0, PLS_TYPE_F16));
}
END_TEST

/* Two CUDA devices with all layers make a pipeline: every input exists four times. The host then holds, besides the
 * embeddings given (8192) and looked up (8192), four each of tokens 128, positions 128, indices 256 + 256, mask 16384 and
 * output rows 32: 16384 + 4 * 17184 = 85120. With one device: 16384 + 17184 = 33568. */
START_TEST(a_pipeline_holds_every_input_four_times)
{
    struct pls_card card;
    struct pls_setting s;
    struct pls_compute out;
    small_card(&card, &s);
    card.n_layers = 2;
    card.kind[1] = card.kind[0];
    card.head[1] = card.head[0];
    card.head_kv[1] = card.head_kv[0];
    card.ff[1] = card.ff[0];
    struct pls_arena scratch = pls_arena_over(scratch_store, sizeof scratch_store);
    struct pls_compute_ask ask = pls_compute_ask_one(&card, &s, PLS_BACKEND_CUDA, 99);
    pls_compute_buffers(&ask, &scratch, &out);
    ck_assert_uint_eq(out.host_bytes, 33568);
    ck_assert_uint_eq(out.n_splits, 2);
    ask.n_devices = 2;
    ask.device[1] = PLS_BACKEND_CUDA;
    ask.layer_at[1] = ask.layer_at[2] = 2;
    uint64_t alone = out.device_bytes[0];
    pls_compute_buffers(&ask, &scratch, &out);
    ck_assert_uint_eq(out.host_bytes, 85120);
    ck_assert_uint_eq(out.n_splits, 3);
    ck_assert_uint_gt(out.device_bytes[0] + out.device_bytes[1], alone);
}
END_TEST

/* --- measured buffers --- */

struct row {
    char device[8], k[8], v[8];
    unsigned context, slots, batch, ubatch, outputs, flash, unified, swa_full;
    int gpu_layers;
    uint64_t device_bytes, host_bytes;
};

struct subject {
    char name[64];
    struct pls_card card;
    struct pls_tensors tensors;
    uint8_t where[4096];
};

static void load_subject(const char *name, struct subject *m)
{
    static char line[16384];
    struct pls_err err = { PLS_OK, "" };
    struct pls_quant quant;
    FILE *f = fopen("tests/fixtures/compute_cards.tsv", "r");
    ck_assert_ptr_nonnull(f);
    PLS_COPY(m->name, name);
    size_t len = strlen(name);
    bool found = false;
    while (!found && fgets(line, sizeof line, f) != NULL) {
        found = strncmp(line, "card\t", 5) == 0 && strncmp(line + 5, name, len) == 0 && line[5 + len] == '\t';
    }
    fclose(f);
    ck_assert_msg(found, "no card %s", name);
    line[strcspn(line, "\n")] = '\0';
    cardline_read(line, &m->card);
    struct pls_arena arena = pls_arena_over(tensor_store, sizeof tensor_store);
    ck_assert_msg(pls_arch_tensors(&m->card, &arena, &m->tensors, &err) == PLS_OK, "%s: %s", name, err.text);
    ck_assert(pls_quant_parse("Q4_K_M", &quant));
    ck_assert_int_eq(pls_mix_assign(&m->card, &quant, &m->tensors, &err), PLS_OK);
    ck_assert_uint_lt(m->tensors.n, sizeof m->where);
}

/* As an x86 processor with AVX2 repacks; with CUDA the host's weights lie in pinned memory and are left alone. */
static bool is_repacked(const struct pls_tensor *t, enum pls_backend backend)
{
    bool interleaved = t->type == PLS_TYPE_Q4_0 || t->type == PLS_TYPE_Q4_K || t->type == PLS_TYPE_IQ4_NL;
    bool matrix = t->n_dims == 2 || (t->n_dims == 3 && pls_tensor_is_expert(t));
    return backend != PLS_BACKEND_CUDA && interleaved && matrix && t->dims[1] % 8 == 0;
}

static void place_weights(struct subject *m, const struct pls_compute_ask *ask)
{
    uint32_t output = m->card.n_layers + m->card.n_mtp_layers;
    for (uint32_t i = 0; i < m->tensors.n; i++) {
        const struct pls_tensor *t = &m->tensors.items[i];
        bool with_first = strncmp(t->name, "per_layer_", 10) == 0;
        uint8_t at = ask->layer_at[t->layer >= 0 ? (uint32_t)t->layer : with_first ? 0 : output];
        if (pls_tensor_is_input_table(t)) {
            m->where[i] = PLS_WHERE_HOST;
        } else if (at != 0) {
            m->where[i] = PLS_WHERE_DEVICE;
        } else {
            m->where[i] = is_repacked(t, ask->device[0]) ? PLS_WHERE_REPACKED : PLS_WHERE_HOST;
        }
    }
}

static struct pls_compute run_row(struct subject *m, const struct row *r)
{
    struct pls_err err = { PLS_OK, "" };
    struct pls_ask ask = pls_ask_default(r->outputs != 0 ? PLS_RUNTIME_LLAMA_SERVER : PLS_RUNTIME_LLAMA_CLI);
    ask.context_tokens = r->context;
    ask.parallel = r->slots;
    ask.batch_tokens = r->batch;
    ask.ubatch_tokens = r->ubatch;
    ask.flash_attention = (enum pls_tri)r->flash;
    ask.type_k = pls_type_by_name(r->k);
    ask.type_v = pls_type_by_name(r->v);
    ask.kv_unified = r->unified ? PLS_ON : PLS_OFF;
    ask.swa_full = r->swa_full != 0;
    enum pls_backend backend = PLS_BACKEND_CPU;
    ck_assert(pls_backend_by_name(r->device, &backend));
    struct pls_setting setting;
    ck_assert_msg(pls_ask_resolve(&ask, &m->card, backend, &setting, &err) == PLS_OK, "%s", err.text);
    uint32_t layers = r->gpu_layers < 0 ? UINT32_MAX : (uint32_t)r->gpu_layers;
    struct pls_compute_ask c = pls_compute_ask_one(&m->card, &setting, backend, layers);
    c.flash_auto = ask.flash_attention == PLS_AUTO && !pls_type_is_quantized(ask.type_v);
    place_weights(m, &c);
    c.weights = &m->tensors;
    c.where = m->where;
    struct pls_compute out;
    struct pls_arena scratch = pls_arena_over(scratch_store, sizeof scratch_store);
    pls_compute_buffers(&c, &scratch, &out);
    return out;
}

static bool read_row(const char *line, struct row *r)
{
    unsigned long long device = 0, host = 0;
    int n = sscanf(line, "%7s %u %u %u %u %u %u %7s %7s %u %u %d %llu %llu", r->device, &r->context, &r->slots,
                   &r->batch, &r->ubatch, &r->outputs, &r->flash, r->k, r->v, &r->unified, &r->swa_full,
                   &r->gpu_layers, &device, &host);
    r->device_bytes = device;
    r->host_bytes = host;
    return n == 14;
}

START_TEST(every_measured_buffer_is_exact)
{
    static struct subject m;
    char line[512];
    int rows = 0, models = 0;
    FILE *f = fopen("tests/fixtures/compute_rows.tsv", "r");
    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof line, f) != NULL) {
        struct row r;
        if (line[0] == '#') {
            continue;
        }
        if (!read_row(line, &r)) {
            line[strcspn(line, "\n")] = '\0';
            load_subject(line, &m);
            models++;
            continue;
        }
        struct pls_compute got = run_row(&m, &r);
        ck_assert_msg(got.device_bytes[0] == r.device_bytes && got.host_bytes == r.host_bytes,
                      "%s: %s: device %llu, host %llu", m.name, line, (unsigned long long)got.device_bytes[0],
                      (unsigned long long)got.host_bytes);
        ck_assert_int_eq(got.origin, PLS_ORIGIN_TABLE);
        rows++;
    }
    fclose(f);
    ck_assert_int_eq(models, 40);
    ck_assert_int_eq(rows, 2878);
}
END_TEST

UNIT_MAIN("compute", the_allocator_takes_the_smallest_hole, ties_go_to_the_later_hole, one_block_by_hand,
          scratch_too_small_gives_the_closed_form, devices_without_a_kernel_lose_flash_attention, a_pipeline_holds_every_input_four_times,
          every_measured_buffer_is_exact)
