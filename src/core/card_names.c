/* Words for the enumerations of a card. */
#include "plimsoll/card.h"
#include "plimsoll/text.h"

static int find(const char *const *names, int n, const char *name)
{
    for (int i = 0; i < n; i++) {
        if (pls_text_equal_nocase(names[i], name)) {
            return i;
        }
    }
    return -1;
}

static const char *const tasks[PLS_TASK_COUNT] = {
    [PLS_TASK_CHAT] = "chat",     [PLS_TASK_CODE] = "code",           [PLS_TASK_REASONING] = "reasoning",
    [PLS_TASK_VISION] = "vision", [PLS_TASK_EMBEDDING] = "embedding", [PLS_TASK_TOOLS] = "tools",
    [PLS_TASK_RERANK] = "rerank", [PLS_TASK_MODERATION] = "moderation",
};

const char *pls_task_name(enum pls_task task)
{
    return (unsigned)task < PLS_TASK_COUNT ? tasks[task] : "unknown";
}

bool pls_task_by_name(const char *name, enum pls_task *out)
{
    int at = find(tasks, PLS_TASK_COUNT, name);
    if (at >= 0) {
        *out = (enum pls_task)at;
    }
    return at >= 0;
}

const char *pls_source_name(enum pls_source source)
{
    static const char *const names[] = { [PLS_SOURCE_CATALOG] = "catalog",
                                         [PLS_SOURCE_GGUF] = "gguf",
                                         [PLS_SOURCE_CONFIG] = "config",
                                         [PLS_SOURCE_NAME] = "name",
                                         [PLS_SOURCE_CARD] = "card" };
    return (unsigned)source < PLS_COUNT_OF(names) ? names[source] : "unknown";
}

const char *pls_evidence_name(enum pls_evidence evidence)
{
    static const char *const names[] = { [PLS_EVIDENCE_NONE] = "none",
                                         [PLS_EVIDENCE_FAMILY] = "family",
                                         [PLS_EVIDENCE_VARIANT] = "variant",
                                         [PLS_EVIDENCE_DIRECT] = "direct" };
    return (unsigned)evidence < PLS_COUNT_OF(names) ? names[evidence] : "unknown";
}

static const char *const qk_norms[] = {
    [PLS_QK_NORM_NONE] = "none", [PLS_QK_NORM_HEAD] = "per_head", [PLS_QK_NORM_FULL] = "full"
};

const char *pls_qk_norm_name(enum pls_qk_norm norm)
{
    return (unsigned)norm < PLS_COUNT_OF(qk_norms) ? qk_norms[norm] : "unknown";
}

bool pls_qk_norm_by_name(const char *name, enum pls_qk_norm *out)
{
    int at = find(qk_norms, (int)PLS_COUNT_OF(qk_norms), name);
    if (at >= 0) {
        *out = (enum pls_qk_norm)at;
    }
    return at >= 0;
}

static const char *const gates[] = {
    [PLS_ATTN_GATE_NONE] = "none", [PLS_ATTN_GATE_HEAD] = "per_head", [PLS_ATTN_GATE_ELEMENT] = "per_element"
};

const char *pls_attn_gate_name(enum pls_attn_gate gate)
{
    return (unsigned)gate < PLS_COUNT_OF(gates) ? gates[gate] : "unknown";
}

bool pls_attn_gate_by_name(const char *name, enum pls_attn_gate *out)
{
    int at = find(gates, (int)PLS_COUNT_OF(gates), name);
    if (at >= 0) {
        *out = (enum pls_attn_gate)at;
    }
    return at >= 0;
}
