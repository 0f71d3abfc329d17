/* Names of GPUs whose driver tells none: libdrm's amdgpu.ids (by device and revision), then pci.ids (by
 * device). */
#include <string.h>

#include "probe/parts.h"

enum { MAX_IDS = 4 << 20 };

/* "744C,\tC8,\tAMD Radeon RX 7900 XTX" */
static bool by_amdgpu_ids(struct pls_root *root, struct pls_gpu *gpu)
{
    char *text = pls_scan_file(root, "/usr/share/libdrm/amdgpu.ids", MAX_IDS);
    const char *at = text == NULL ? "" : text;
    char line[160];
    char want[24];
    struct pls_text t = PLS_TEXT(want);
    bool found = false;
    pls_text_add(&t, "%.4s,\t%02x,\t", gpu->pci_id + 5, (unsigned)gpu->revision);
    while (!found && pls_scan_next(&at, line, sizeof(line))) {
        char head[24];
        pls_copy(head, t.len + 1, line);
        found = pls_text_equal_nocase(head, want);
        if (found) {
            PLS_COPY(gpu->name, line + t.len);
        }
    }
    pls_scan_file_free(text);
    return found;
}

/* Vendor lines begin with the id, device lines below them with a tab; '#' begins a comment. */
static bool scan_pci_ids(const char *text, struct pls_gpu *gpu)
{
    char line[160];
    bool in_vendor = false;
    while (pls_scan_next(&text, line, sizeof(line))) {
        if (line[0] == '\0' || line[0] == '#') {
            continue;
        }
        if (line[0] != '\t') {
            in_vendor = strncmp(line, gpu->pci_id, 4) == 0;
        } else if (in_vendor && strlen(line) > 7 && strncmp(line + 1, gpu->pci_id + 5, 4) == 0) {
            PLS_COPY(gpu->name, line + 7);
            return true;
        }
    }
    return false;
}

void pls_gpu_name_by_ids(struct pls_root *root, struct pls_gpu *gpu)
{
    static const char *const files[] = { "/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids" };
    if (gpu->name[0] != '\0' || strlen(gpu->pci_id) != 9) {
        return;
    }
    bool found = pls_text_equal(gpu->vendor, "amd") && by_amdgpu_ids(root, gpu);
    for (size_t i = 0; !found && i < PLS_COUNT_OF(files); i++) {
        char *text = pls_scan_file(root, files[i], MAX_IDS);
        found = text != NULL && scan_pci_ids(text, gpu);
        pls_scan_file_free(text);
    }
}
