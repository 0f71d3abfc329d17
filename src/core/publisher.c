/* The habits of publishers: data/publishers.def as a table. Owners are few: a look goes through all of
 * them. */
#include "plimsoll/publisher.h"

#include <assert.h>
#include <string.h>

#include "plimsoll/text.h"

static const struct pls_publisher publishers[] = {
#define PLS_PUBLISHER(owner, part, billions, imatrix, quants) { owner, part, billions, imatrix, quants },
#include "data/publishers.def"
};

const struct pls_publisher *pls_publisher_of(const char *repo)
{
    for (size_t i = 0; i < PLS_COUNT_OF(publishers); i++) {
        const struct pls_publisher *p = &publishers[i];
        size_t n = strlen(p->owner);
        if (strncmp(repo, p->owner, n) == 0 && repo[n] == '/' && strstr(repo + n, p->part) != NULL) {
            return p;
        }
    }
    return NULL;
}

const struct pls_publisher *pls_publishers(size_t *n)
{
    *n = PLS_COUNT_OF(publishers);
    return publishers;
}

bool pls_publisher_means(const char *word, const struct pls_quant *quant)
{
    struct pls_quant other;
    char name[64];
    pls_quant_name(quant, name, sizeof(name));
    if (pls_text_equal_nocase(word, name)) {
        return true;
    }
    return !quant->from_name && pls_quant_parse(word, &other) && !other.from_name
           && other.format == quant->format && other.ftype != PLS_FTYPE_NONE && other.ftype == quant->ftype;
}

/* The last bit is PLS_HELD_RELEASE_FP8. */
static_assert(PLS_FTYPE_COUNT + 2 * PLS_FORMAT_COUNT <= 63, "pls_card.held has no room for another ftype");

uint64_t pls_held_bit(const struct pls_quant *quant)
{
    bool is_grouped = quant->bits == 4 && (quant->group == 128 || quant->group == 32);
    uint32_t at = PLS_FTYPE_COUNT + 2 * (uint32_t)quant->format + (quant->group == 32);
    switch (quant->format) {
    case PLS_FORMAT_GGUF:
        if (quant->from_name || quant->ftype >= PLS_FTYPE_COUNT) {
            return 0;
        }
        return 1ULL << (quant->ftype == PLS_FTYPE_F16 ? PLS_FTYPE_BF16 : quant->ftype);
    case PLS_FORMAT_AWQ:
    case PLS_FORMAT_GPTQ:
        return is_grouped ? 1ULL << at : 0;
    case PLS_FORMAT_FP8:
        return 1ULL << (PLS_FTYPE_COUNT + 2 * PLS_FORMAT_FP8);
    case PLS_FORMAT_MLX:
    case PLS_FORMAT_BNB:
    case PLS_FORMAT_SAFETENSORS:
    case PLS_FORMAT_COUNT:
        break;
    }
    return 0;
}
