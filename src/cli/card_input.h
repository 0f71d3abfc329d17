/* cli/card_input.h - the cards that an operand of `catalog add` and `catalog check` names: a card file, a
 * model file or folder whose shape becomes a card, or - for a card file on standard input.
 */
#ifndef CLI_CARD_INPUT_H
#define CLI_CARD_INPUT_H

#include "cli/session.h"

/* Visits every card with its JSON text, once all that the operand names was found sound. Failures name the
 * operand. */
enum pls_code pls_card_input(struct pls_session *s, const char *operand, pls_card_text_visit *visit,
                             void *context, struct pls_err *err);

/* Is the operand an input rather than a word to search for? */
bool pls_card_input_is(const char *operand);

#endif
