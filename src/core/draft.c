/* What a draft model is expected to gain: the arithmetic of Leviathan, Kalman and Matias 2023 ("Fast
 * Inference from Transformers via Speculative Decoding"), with this program's own times in it.
 *
 *     tokens per round  E = (1 - a^(n+1)) / (1 - a)
 *     time per round    T = n * draft + verify(n + 1)
 *
 * where a is the share of drafted tokens that are accepted and n tokens are drafted per round. Checking n + 1
 * tokens at once reads dense weights once and experts as often as different ones are called: of a share u
 * used per token, 1 - (1 - u)^(n+1). Each token more also costs its arithmetic, as in a prompt. */
#include <math.h>

#include "plimsoll/speed.h"

/* llama-server's --draft-max of old; beyond it nothing is gained below an acceptance of 0.9 */
enum { DRAFT_MOST = 16 };

static double expert_share(const struct pls_plan *plan)
{
    double all = 0, experts = 0;
    for (uint32_t i = 0; i < plan->n_shares; i++) {
        const struct pls_traffic *t = &plan->shares[i].traffic;
        for (size_t k = 0; k < PLS_TYPE_COUNT; k++) {
            all += (double)t->weights_by_type[k];
        }
        experts += (double)t->expert_share_bytes;
    }
    return all > 0 ? fmin(experts / all, 1) : 0;
}

static double verify_seconds(const struct pls_card *card, const struct pls_plan *plan, uint32_t n)
{
    double one = 1 / plan->speed.decode_tps;
    double more = plan->speed.prefill_tps > 0 ? n / plan->speed.prefill_tps : 0;
    double used = card->n_expert > 0 ? (double)card->n_expert_used / card->n_expert : 1;
    double times = used > 0 && used < 1 ? (1 - pow(1 - used, n + 1)) / used : 1;
    double experts = expert_share(plan);
    return one * (1 - experts + experts * times) + more;
}

struct pls_draft_gain pls_draft_gain(const struct pls_card *card, const struct pls_plan *target,
                                     const struct pls_plan *draft, double acceptance)
{
    struct pls_draft_gain best = { .acceptance = acceptance };
    if (!(target->speed.decode_tps > 0) || !(draft->speed.decode_tps > 0)
        || !(acceptance >= 0 && acceptance < 1)) {
        return best;
    }
    for (uint32_t n = 1; n <= DRAFT_MOST; n++) {
        double tokens = (1 - pow(acceptance, n + 1)) / (1 - acceptance);
        double seconds = n / draft->speed.decode_tps + verify_seconds(card, target, n);
        double gain = tokens / seconds / target->speed.decode_tps;
        if (gain > best.gain) {
            best.gain = gain;
            best.n_drafted = n;
        }
    }
    return best;
}
