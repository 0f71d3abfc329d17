/* Holding cards against what was published: the tensor list is generated from the card, its elements are
 * counted, and the sum must be the checkpoint's total within the tolerance of that total's kind. */
#include <math.h>

#include "catalog/db.h"
#include "plimsoll/tensor.h"

struct checking {
    struct pls_arena *room;
    sqlite3_stmt *reference[2]; /* user, main */
    pls_check_visit *visit;
    void *context;
};

static const char reference_sql[] =
    "SELECT checkpoint_params, checkpoint_kind, checkpoint_tolerance, coalesce(vision_params, 0)"
    " + coalesce(audio_params, 0), coalesce(mtp_params, 0) FROM @.models WHERE id = ?1";

static void count_list(const struct pls_card *card, const struct pls_tensors *list, struct pls_check *out)
{
    for (uint32_t i = 0; i < list->n; i++) {
        bool is_mtp = list->items[i].layer >= 0 && (uint32_t)list->items[i].layer >= card->n_layers;
        uint64_t *sum = is_mtp ? &out->listed_mtp : &out->listed;
        *sum = pls_add(*sum, pls_tensor_elements(&list->items[i]));
    }
}

/* Two tests: all together against the published total, and the trunk alone against params_total, which is
 * exact by itself. */
static enum pls_check_status judge(const struct pls_card *card, struct pls_check *c)
{
    double published = (double)c->published;
    double total = (double)pls_add(pls_add(c->listed, c->listed_mtp), c->apart);
    double text = (double)card->params_total;
    c->relative_error = total / published - 1;
    bool is_total = fabs(total - published) <= c->tolerance * published;
    bool is_text = text <= 0 || fabs((double)c->listed + (double)card->pooler_params - text) <= 1e-4 * text;
    return is_total && is_text ? PLS_CHECK_OK : PLS_CHECK_MISMATCH;
}

static void read_reference(const struct checking *run, const struct pls_card *card, struct pls_check *c)
{
    for (size_t i = 0; i < PLS_COUNT_OF(run->reference); i++) {
        sqlite3_stmt *stmt = run->reference[i];
        if (stmt == NULL) {
            continue;
        }
        sqlite3_bind_text(stmt, 1, card->id, -1, SQLITE_STATIC);
        bool is_found = sqlite3_step(stmt) == SQLITE_ROW;
        if (is_found) {
            const char *kind = (const char *)sqlite3_column_text(stmt, 1);
            c->published = (uint64_t)sqlite3_column_int64(stmt, 0);
            PLS_COPY(c->kind, kind == NULL ? "" : kind);
            c->tolerance = sqlite3_column_double(stmt, 2);
            c->apart = (uint64_t)sqlite3_column_int64(stmt, 3) + card->pooler_params;
            c->apart += c->listed_mtp > 0 ? 0 : (uint64_t)sqlite3_column_int64(stmt, 4);
        }
        sqlite3_reset(stmt);
        if (is_found) {
            return;
        }
    }
}

static bool check_card(const struct pls_card *card, void *context)
{
    struct checking *run = context;
    struct pls_check c = { .card = card };
    struct pls_tensors list = { .n = 0 };
    size_t mark = run->room->used;
    bool is_listed = pls_arch_tensors(card, run->room, &list, NULL) == PLS_OK;
    if (is_listed) {
        count_list(card, &list, &c);
    }
    pls_arena_reset(run->room, mark);
    read_reference(run, card, &c);
    c.status = !is_listed ? PLS_CHECK_NO_LIST : c.published == 0 ? PLS_CHECK_NO_REFERENCE : judge(card, &c);
    return run->visit(&c, run->context);
}

enum pls_code pls_catalog_check(struct pls_catalog *catalog, const char *words, struct pls_arena *room,
                                pls_check_visit *visit, void *context, struct pls_err *err)
{
    struct checking run = { .room = room, .visit = visit, .context = context };
    enum pls_code code = pls_db_prepare_in(catalog, "main", reference_sql, &run.reference[1], err);
    if (code == PLS_OK && catalog->user != PLS_DB_USER_NONE) {
        code = pls_db_prepare_in(catalog, "user", reference_sql, &run.reference[0], err);
    }
    code = code == PLS_OK ? pls_catalog_each(catalog, words, check_card, &run, err) : code;
    sqlite3_finalize(run.reference[0]);
    sqlite3_finalize(run.reference[1]);
    return code;
}
