/* Runs a fuzz target over files, without a fuzzer: fuzz_TARGET FILE... Says which file it is at, for when it does not come
 * back from one. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char *argv[])
{
    enum { MOST = 1 << 20 };
    unsigned char *room = malloc(MOST);
    for (int i = 1; i < argc; i++) {
        FILE *f = fopen(argv[i], "rb");
        if (room == NULL || f == NULL) {
            fprintf(stderr, "%s: cannot be read\n", argv[i]);
            abort();
        }
        size_t n = fread(room, 1, MOST, f);
        fclose(f);
        printf("# %s\n", argv[i]);
        fflush(stdout);
        (void)LLVMFuzzerTestOneInput(room, n);
    }
    free(room);
    return 0;
}
