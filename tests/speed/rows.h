/* Published speeds: one measurement per row of a CSV whose first line names the columns. */
#ifndef SPEED_ROWS_H
#define SPEED_ROWS_H

#include <stdio.h>

#include "plimsoll/base.h"

struct speed_row {
    char hw_id[64], backend[16], runtime[48], version[48], model_id[96], quant[32], quality[16];
    uint32_t n_gpu;
    uint64_t model_bytes, n_prompt, n_gen, n_depth, batch;
    int32_t flash;   /* -1 not said */
    uint32_t threads;
    double pp_tps, tg_tps; /* one of them is 0 */
};

struct speed_table {
    int32_t column[32]; /* by enum of rows.c: where each column stands; -1 absent */
};

/* False when a needed column is missing. */
bool speed_table_open(FILE *in, struct speed_table *out);
/* False at the end. Rows without a speed are skipped. */
bool speed_table_next(FILE *in, const struct speed_table *table, struct speed_row *out);

#endif
