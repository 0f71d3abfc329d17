/* Parameters counted over generated tensor lists against the published totals.
 *
 * tests/fixtures/params.tsv: 406 open-weights models; a card line, then `params`, the published total, the part of it
 * that is the text trunk (towers, MTP blocks and poolers subtracted), and the relative tolerance that the kind of total
 * allows (1e-4 for exact totals of a checkpoint, 3e-2 for rounded ones), or `unsupported` where the engine itself has no
 * such architecture. MTP blocks and RoPE tables are not part of published counts.
 */
#include "cardline.h"

#include <math.h>

#include "unit.h"

static unsigned char storage[32 << 20];

static double trunk_elements(const struct pls_card *card, const struct pls_tensors *list)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < list->n; i++) {
        sum += list->items[i].layer < (int)card->n_layers ? pls_tensor_elements(&list->items[i]) : 0;
    }
    return (double)sum;
}

/* Returns 1 when the list was checked, 0 when the architecture is one without a row. */
static uint32_t check_params(const struct pls_card *card, const char *name, char *line)
{
    struct pls_arena arena = pls_arena_over(storage, sizeof storage);
    struct pls_tensors list;
    struct pls_err err = { PLS_OK, "" };
    char *rest = NULL;
    double total = (double)strtoull(line, &rest, 10);
    double trunk = (double)strtoull(rest, &rest, 10);
    enum pls_code code = pls_arch_tensors(card, &arena, &list, &err);
    if (strstr(rest, "unsupported") != NULL) {
        ck_assert_int_eq(code, PLS_UNSUPPORTED);
        return 0;
    }
    ck_assert_msg(code == PLS_OK, "%s: %s", name, err.text);
    double off = (trunk_elements(card, &list) - trunk) / total;
    ck_assert_msg(fabs(off) <= strtod(rest, NULL), "%s: off by %.3e of the published total", name, off);
    return 1;
}

START_TEST(lists_sum_to_the_published_parameters)
{
    static struct pls_card card;
    static char line[16384];
    char name[96] = "";
    uint32_t models = 0, checked = 0;
    FILE *file = fopen("tests/fixtures/params.tsv", "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (pls_text_starts(line, "card\t")) {
            PLS_COPY(name, cardline_read(line, &card));
            models++;
        } else {
            ck_assert(pls_text_starts(line, "params\t"));
            checked += check_params(&card, name, line + 7);
        }
    }
    fclose(file);
    ck_assert_uint_eq(models, 406);
    ck_assert_uint_eq(checked, 403);
}
END_TEST

UNIT_MAIN("params", lists_sum_to_the_published_parameters)
