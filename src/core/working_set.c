/* What macOS lets a GPU use of a machine's memory when nobody changed the setting: Metal's
 * recommendedMaxWorkingSetSize.
 *
 * Two rules have been observed; which release brought the second is not established (the first was seen up
 * to 15.6, the second on 26). First: two thirds up to 36 GiB, three quarters above. Second: the table below.
 * Both are rounded up to a page of 16 KiB, which reproduces the observed values to the byte (8 GiB
 * 5726633984, 24 GiB 19069665280, 48 GiB 40200896512, 64 GiB 55662788608, 128 GiB 115448725504; 192 GiB is
 * inferred). A size between two rows takes the smaller row's share. tests/unit/test_budget.c holds them.
 */
#include "plimsoll/machine.h"

static uint64_t share_of(uint64_t ram_bytes, uint64_t numerator, uint64_t denominator)
{
    /* Divided first, so that no machine overflows; what that drops is put back by the remainder's own share.
     */
    uint64_t whole = ram_bytes / denominator * numerator;
    uint64_t rest = (ram_bytes % denominator * numerator + denominator - 1) / denominator;
    return pls_min(pls_pad(pls_add(whole, rest), 16384), ram_bytes);
}

static uint64_t first_rule(uint64_t ram_bytes)
{
    return ram_bytes <= 36 * PLS_GIB ? share_of(ram_bytes, 2, 3) : share_of(ram_bytes, 3, 4);
}

static uint64_t second_rule(uint64_t ram_bytes)
{
    static const struct {
        uint64_t from_gib, per_10000;
    } rows[] = { { 512, 0 /* all but 48 GiB */ },
                 { 256, 8125 },
                 { 128, 8400 },
                 { 64, 8100 },
                 { 32, 7800 },
                 { 16, 7400 } };
    for (size_t i = 0; i < PLS_COUNT_OF(rows); i++) {
        if (ram_bytes >= rows[i].from_gib * PLS_GIB) {
            return rows[i].from_gib == 512 ? ram_bytes - 48 * PLS_GIB
                                           : share_of(ram_bytes, rows[i].per_10000, 10000);
        }
    }
    return share_of(ram_bytes, 2, 3);
}

void pls_apple_working_set(uint64_t ram_bytes, uint64_t *low_bytes, uint64_t *high_bytes)
{
    uint64_t first = first_rule(ram_bytes);
    uint64_t second = second_rule(ram_bytes);
    *low_bytes = pls_min(first, second);
    *high_bytes = pls_max(first, second);
}

uint64_t pls_apple_wired_ceiling(uint64_t ram_bytes)
{
    uint64_t kept = ram_bytes <= 64 * PLS_GIB ? 8 * PLS_GIB : ram_bytes / 10;
    return pls_sub(ram_bytes, kept) / PLS_MIB * PLS_MIB;
}
