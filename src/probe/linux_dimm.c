/* Memory bandwidth from SMBIOS: type 17 entries under /sys/firmware/dmi/entries, which only root may read.
 *
 *     bandwidth = sum over populated channels of data width (bits) x configured speed (MT/s) / 8000
 *
 * SMBIOS has no channel field: the channel is read out of the device locator ("Controller0-ChannelA", "P0
 * CHANNEL A", "DIMM_A1"); two modules on one channel add capacity, not bandwidth. Where no locator names a
 * channel, nothing is said: the benchmark measures. Offsets: DMTF DSP0134, structure type 17.
 */
#include <string.h>

#include "probe/parts.h"

enum { MAX_CHANNELS = 64, MAX_ENTRY = 512 };

struct channels {
    struct pls_root *root;
    uint32_t n;
    char name[MAX_CHANNELS][64];
    double gbs;
    bool unnamed; /* a module whose locator names no channel */
};

static unsigned u16_at(const unsigned char *entry, size_t len, size_t offset)
{
    return offset + 1 < len ? (unsigned)(entry[offset] | entry[offset + 1] << 8) : 0;
}

static uint64_t u32_at(const unsigned char *entry, size_t len, size_t offset)
{
    return (uint64_t)u16_at(entry, len, offset) | (uint64_t)u16_at(entry, len, offset + 2) << 16;
}

/* String number n (from 1) of the strings behind the formatted area; "" when there is none. */
static const char *string_at(const unsigned char *entry, size_t len, unsigned n)
{
    size_t at = entry[1];
    for (unsigned i = 1; at < len && entry[at] != '\0'; i++) {
        if (i == n) {
            return (const char *)entry + at;
        }
        at += strlen((const char *)entry + at) + 1;
    }
    return "";
}

/* Cuts a locator down to its channel: what stands after the mark, a letter or (with digits) a number. */
static bool cut_after(char *text, const char *mark, bool digits)
{
    char *at = strstr(text, mark);
    if (at == NULL) {
        return false;
    }
    at += strlen(mark);
    at += strspn(at, " _-");
    size_t len = *at >= 'a' && *at <= 'z' ? 1 : digits ? strspn(at, "0123456789") : 0;
    at[len] = '\0';
    return len > 0;
}

/* The channel's name, prefix of socket or controller included: "controller0-channela", "p0 channel a",
 * "cpu1_dimm_a". */
static bool channel_of(const char *device, const char *bank, char *out, size_t cap)
{
    const struct {
        const char *text, *mark;
        bool digits;
    } tries[] = { { device, "channel", true }, { bank, "channel", true }, { device, "dimm", false } };
    for (size_t i = 0; i < PLS_COUNT_OF(tries); i++) {
        pls_copy(out, cap, tries[i].text);
        pls_text_lower(out);
        if (cut_after(out, tries[i].mark, tries[i].digits)) {
            return true;
        }
    }
    return false;
}

/* Configured speed, or 0 when nobody knows. */
static uint64_t speed_mts(const unsigned char *entry, size_t len)
{
    unsigned configured = u16_at(entry, len, 0x20);
    uint64_t mts = configured == 0xFFFF ? u32_at(entry, len, 0x58) : configured;
    if (mts == 0) {
        unsigned rated = u16_at(entry, len, 0x15);
        mts = rated == 0xFFFF ? u32_at(entry, len, 0x54) : rated;
    }
    return mts;
}

static void take_module(struct channels *c, const unsigned char *entry, size_t len)
{
    unsigned width_bits = u16_at(entry, len, 0x0A);
    uint64_t mts = speed_mts(entry, len);
    char channel[64];
    if (u16_at(entry, len, 0x0C) == 0 || width_bits == 0xFFFF || width_bits == 0 || mts == 0) {
        return; /* an empty slot, or a module that says nothing */
    }
    if (!channel_of(string_at(entry, len, entry[0x10]), string_at(entry, len, entry[0x11]), channel,
                    sizeof(channel))) {
        c->unnamed = true;
        return;
    }
    for (uint32_t i = 0; i < c->n; i++) {
        if (strcmp(c->name[i], channel) == 0) {
            return;
        }
    }
    if (c->n < MAX_CHANNELS) {
        PLS_COPY(c->name[c->n], channel);
        c->n++;
        c->gbs += (double)width_bits * (double)mts / 8000;
    }
}

static bool visit_entry(const char *name, void *context)
{
    struct channels *c = context;
    char room[96];
    char entry[MAX_ENTRY];
    size_t len = 0;
    struct pls_text path = PLS_TEXT(room);
    pls_text_add(&path, "/sys/firmware/dmi/entries/%s/raw", name);
    if (pls_text_starts(name, "17-")
        && pls_root_read(c->root, room, entry, sizeof(entry), &len, NULL) == PLS_OK && len >= 0x1B
        && (unsigned char)entry[1] <= len) {
        take_module(c, (const unsigned char *)entry, len);
    }
    return true;
}

double pls_linux_dimm_gbs(struct pls_root *root, uint32_t *n_channels)
{
    struct channels c = { .root = root };
    *n_channels = 0;
    pls_root_list(root, "/sys/firmware/dmi/entries", visit_entry, &c, NULL);
    if (c.unnamed) {
        return 0;
    }
    *n_channels = c.n;
    return c.gbs;
}
