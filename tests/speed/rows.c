#include "rows.h"

#include <stdlib.h>
#include <string.h>

#include "plimsoll/text.h"

enum { LINE = 4096, FIELDS = 64 };
enum column {
    HW_ID, N_GPU, BACKEND, RUNTIME, VERSION, MODEL_ID, QUANT, MODEL_BYTES, N_PROMPT, N_GEN, N_DEPTH, BATCH, FA, THREADS,
    PP_TPS, TG_TPS, QUALITY, COLUMNS
};
static const char *const names[COLUMNS] = {
    "hw_id", "n_gpu", "backend", "runtime", "runtime_version_or_date", "model_id", "quant", "model_bytes", "n_prompt", "n_gen",
    "n_depth", "batch", "fa", "threads", "pp_tps", "tg_tps", "quality",
};

/* Cuts a line into fields in place; quotes may hold commas, a doubled quote is one. */
static uint32_t cut(char *line, char *fields[FIELDS])
{
    uint32_t n = 0;
    char *at = line;
    bool more = true;
    while (more && n < FIELDS) {
        bool quoted = false;
        char *to = at;
        char *from = at;
        fields[n++] = at;
        for (; *from != '\0' && *from != '\n' && *from != '\r' && (quoted || *from != ','); from++) {
            if (*from != '"') {
                *to++ = *from;
            } else if (quoted && from[1] == '"') {
                *to++ = *from++;
            } else {
                quoted = !quoted;
            }
        }
        more = *from == ',';
        at = from + 1;
        *to = '\0';
    }
    return n;
}

bool speed_table_open(FILE *in, struct speed_table *out)
{
    char line[LINE];
    char *fields[FIELDS];
    if (fgets(line, sizeof(line), in) == NULL) {
        return false;
    }
    uint32_t n = cut(line, fields);
    for (uint32_t c = 0; c < COLUMNS; c++) {
        out->column[c] = -1;
        for (uint32_t i = 0; i < n; i++) {
            out->column[c] = strcmp(fields[i], names[c]) == 0 ? (int32_t)i : out->column[c];
        }
    }
    return out->column[HW_ID] >= 0 && out->column[MODEL_ID] >= 0 && out->column[QUANT] >= 0 && out->column[TG_TPS] >= 0;
}

static void read_row(char *const text[COLUMNS], struct speed_row *r)
{
    memset(r, 0, sizeof(*r));
    PLS_COPY(r->hw_id, text[HW_ID]);
    PLS_COPY(r->backend, text[BACKEND]);
    PLS_COPY(r->runtime, text[RUNTIME]);
    PLS_COPY(r->version, text[VERSION]);
    PLS_COPY(r->model_id, text[MODEL_ID]);
    PLS_COPY(r->quant, text[QUANT]);
    PLS_COPY(r->quality, text[QUALITY]);
    r->n_gpu = (uint32_t)strtoul(text[N_GPU], NULL, 10);
    r->n_gpu = r->n_gpu == 0 ? 1 : r->n_gpu;
    r->model_bytes = strtoull(text[MODEL_BYTES], NULL, 10);
    r->n_prompt = strtoull(text[N_PROMPT], NULL, 10);
    r->n_gen = strtoull(text[N_GEN], NULL, 10);
    r->n_depth = strtoull(text[N_DEPTH], NULL, 10);
    r->batch = strtoull(text[BATCH], NULL, 10);
    r->flash = text[FA][0] == '\0' ? -1 : text[FA][0] == '1';
    r->threads = (uint32_t)strtoul(text[THREADS], NULL, 10);
    r->pp_tps = strtod(text[PP_TPS], NULL);
    r->tg_tps = strtod(text[TG_TPS], NULL);
}

bool speed_table_next(FILE *in, const struct speed_table *table, struct speed_row *out)
{
    static char nothing[1] = "";
    char line[LINE];
    char *fields[FIELDS];
    char *text[COLUMNS];
    while (fgets(line, sizeof(line), in) != NULL) {
        uint32_t n = cut(line, fields);
        for (uint32_t c = 0; c < COLUMNS; c++) {
            bool is_there = table->column[c] >= 0 && (uint32_t)table->column[c] < n;
            text[c] = is_there ? fields[table->column[c]] : nothing;
        }
        read_row(text, out);
        if (out->pp_tps > 0 || out->tg_tps > 0) {
            return true;
        }
    }
    return false;
}
