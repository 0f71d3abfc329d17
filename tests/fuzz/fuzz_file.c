/* Any bytes as a file of unknown kind: GGUF, safetensors, config.json or card, read from a file without a name and carried
 * on to a tensor list and a placement on a small machine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "plimsoll/gguf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads what lies in `path`, and asks whether it fits. */
static void ask(const char *path, struct pls_arena *arena)
{
    static struct pls_model model;
    static struct pls_inspection seen;
    static struct pls_plan plan;
    struct pls_err err = { .text = "" };
    struct pls_machine machine = fuzz_machine();
    enum pls_code code = pls_file_read(path, arena, &model, &seen, &err);
    fuzz_sentence(code, &err);
    if (code != PLS_OK || seen.is_adapter || seen.is_projector) {
        return;
    }
    if (model.tensors.n == 0 && pls_arch_tensors(&model.card, arena, &model.tensors, &err) != PLS_OK) {
        return;
    }
    struct pls_ask ask = pls_ask_default(PLS_RUNTIME_LLAMA_SERVER);
    ask.quant = model.stored;
    ask.context_tokens = 4096;
    if (pls_plan_make(&model, &ask, &machine, &(struct pls_rates){ 0 }, arena, &plan, &err) == PLS_OK) {
        fuzz_plan(&plan);
    }
}

/* The file every input is put into. */
static int scratch_file(void)
{
    char name[] = "/tmp/plimsoll-fuzz-XXXXXX";
    int fd = mkstemp(name);
    if (fd < 0 || unlink(name) != 0) {
        abort();
    }
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned char *room;
    static int fd = -1;
    char path[64];
    fd = fd >= 0 ? fd : scratch_file();
    room = room != NULL ? room : malloc(FUZZ_ROOM);
    if (room == NULL || ftruncate(fd, (off_t)size) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size) {
        abort();
    }
    snprintf(path, sizeof(path), "/dev/fd/%d", fd);
    struct pls_arena arena = pls_arena_over(room, FUZZ_ROOM);
    ask(path, &arena);
    return 0;
}
