#include "core/profile_near.h"

#include <string.h>

#include "core/profile_part.h"
#include "plimsoll/text.h"

void pls_name_squeeze(const struct pls_tokens *name, struct pls_text *out)
{
    for (uint32_t i = 0; i < name->n; i++) {
        pls_text_add(out, "%s", pls_part_is_filler(name->word[i]) ? "" : name->word[i]);
    }
}

const char *pls_name_next(const char *at, struct pls_text *squeezed)
{
    size_t len = strcspn(at, "|");
    struct pls_tokens name = pls_tokens_of(at, strcspn(at, "|(")); /* what stands in brackets is no name */
    pls_name_squeeze(&name, squeezed);
    return at + len + (at[len] == '|');
}

static uint32_t row_distance(const struct pls_profile *p, const char *word, uint32_t most)
{
    const char *const texts[] = { p->id, p->name, p->aliases };
    uint32_t best = most;
    for (size_t i = 0; i < PLS_COUNT_OF(texts); i++) {
        for (const char *at = texts[i]; *at != '\0';) {
            char room[PLS_TOKENS_MAX * PLS_TOKEN_LEN];
            struct pls_text name = PLS_TEXT(room);
            at = pls_name_next(at, &name);
            best = (uint32_t)pls_min(best, pls_text_distance(word, room));
        }
    }
    return best;
}

uint32_t pls_profiles_near(struct pls_profiles profiles, const struct pls_tokens *words,
                           const struct pls_profile *out[PLS_NEAR_MAX])
{
    char room[PLS_TOKENS_MAX * PLS_TOKEN_LEN];
    struct pls_text word = PLS_TEXT(room);
    uint32_t n = 0;
    pls_name_squeeze(words, &word);
    uint32_t best = (uint32_t)word.len / 2;
    for (uint32_t i = 0; i < profiles.n; i++) {
        uint32_t d = row_distance(&profiles.items[i], room, best + 1);
        if (d > best) {
            continue;
        }
        n = d < best ? 0 : n;
        best = d;
        if (n < PLS_NEAR_MAX) {
            out[n++] = &profiles.items[i];
        }
    }
    return n;
}
