/* The habits of publishers: data/publishers.def as a table. Owners are few: a look goes through all of
 * them. */
#include "plimsoll/publisher.h"

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
