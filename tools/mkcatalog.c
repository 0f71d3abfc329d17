/* mkcatalog -o OUT DATA: the shipped catalog, from the card files of DATA/cards and the tables beside them.
 * Same input, same bytes. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plimsoll/catalog.h"
#include "plimsoll/gguf.h"
#include "plimsoll/text.h"

#define MAX_FILES 4096
/* The benchmark whose expected score is the scale: new questions every month, all trades, and room above the
 * best. */
#define REFERENCE "livebench"

struct build {
    struct pls_catalog *catalog;
    uint32_t n_cards, n_profiles;
    bool failed;
    struct pls_err err;
};

static int complain(const char *what, const char *why)
{
    fprintf(stderr, "mkcatalog: %s: %s\n", what, why);
    return 1;
}

/* The whole file, NUL-terminated; NULL when it cannot be read. */
static char *read_file(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    char *text = NULL;
    *len = 0;
    for (size_t cap = 1 << 16, got = 1; got > 0; cap *= 2) {
        char *more = realloc(text, cap + 1);
        if (more == NULL) {
            break;
        }
        text = more;
        got = fread(text + *len, 1, cap - *len, file);
        *len += got;
        text[*len] = '\0';
    }
    bool is_whole = feof(file) && !ferror(file);
    fclose(file);
    if (!is_whole) {
        free(text);
        return NULL;
    }
    return text;
}

static bool add_card(const struct pls_card *card, const char *json, void *context)
{
    struct build *build = context;
    build->failed = pls_catalog_insert(build->catalog, card, json, &build->err) != PLS_OK;
    build->n_cards += !build->failed;
    return !build->failed;
}

static int add_file(struct build *build, const char *path)
{
    size_t len = 0;
    char *text = read_file(path, &len);
    if (text == NULL) {
        return complain(path, strerror(errno));
    }
    enum pls_code code = pls_cards_parse(text, len, add_card, build, &build->err);
    free(text);
    return code != PLS_OK || build->failed ? complain(path, build->err.text) : 0;
}

static int add_table(struct build *build, const char *data, const char *table)
{
    char path[4096];
    struct pls_text name = PLS_TEXT(path);
    size_t len = 0;
    pls_text_add(&name, "%s/%s.tsv", data, table);
    char *text = access(path, F_OK) == 0 ? read_file(path, &len) : NULL;
    if (text == NULL) {
        return access(path, F_OK) == 0 ? complain(path, strerror(errno)) : 0;
    }
    enum pls_code code = pls_catalog_import(build->catalog, table, text, len, &build->err);
    free(text);
    return code != PLS_OK ? complain(path, build->err.text) : 0;
}

/* The hardware table must read back as profiles: better here than when the program runs. */
static int check_profiles(struct build *build)
{
    static struct pls_profile items[PLS_MAX_PROFILES];
    uint32_t n = 0;
    enum pls_code code = pls_catalog_profiles(build->catalog, items, PLS_MAX_PROFILES, &n, &build->err);
    build->n_profiles = n;
    return code == PLS_OK ? 0 : complain("hardware.tsv", build->err.text);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Data without scales have no abilities: cards are ranked by what else is known. */
static int fit_abilities(struct build *build, const char *data)
{
    char path[4096];
    struct pls_text name = PLS_TEXT(path);
    pls_text_add(&name, "%s/scales.tsv", data);
    if (access(path, F_OK) != 0) {
        return 0;
    }
    enum pls_code code = pls_catalog_fit_abilities(build->catalog, REFERENCE, &build->err);
    return code == PLS_OK ? 0 : complain(path, build->err.text);
}

/* Every *.json of the folder, in name order: the order of a directory is chance. */
static int add_cards(struct build *build, const char *folder)
{
    static char *name[MAX_FILES];
    size_t n = 0;
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        return complain(folder, strerror(errno));
    }
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (pls_text_ends(entry->d_name, ".json") && n < MAX_FILES) {
            name[n] = strdup(entry->d_name);
            n += name[n] != NULL;
        }
    }
    closedir(dir);
    qsort(name, n, sizeof(name[0]), by_name);
    int failed = n == MAX_FILES ? complain(folder, "too many files") : 0;
    for (size_t i = 0; i < n; i++) {
        char path[4096];
        struct pls_text whole = PLS_TEXT(path);
        pls_text_add(&whole, "%s/%s", folder, name[i]);
        failed = failed ? failed : add_file(build, path);
        free(name[i]);
    }
    return failed;
}

int main(int argc, char **argv)
{
    if (argc != 4 || strcmp(argv[1], "-o") != 0) {
        fputs("usage: mkcatalog -o OUT DATA\n", stderr);
        return 2;
    }
    char path[4096];
    struct pls_text folder = PLS_TEXT(path);
    struct build build = { .n_cards = 0 };
    pls_text_add(&folder, "%s/cards", argv[3]);
    int failed = pls_catalog_create(argv[2], &build.catalog, &build.err) != PLS_OK;
    if (failed) {
        return complain(argv[2], build.err.text);
    }
    failed = add_cards(&build, path);
    failed = failed ? failed : add_table(&build, argv[3], "hardware");
    failed = failed ? failed : check_profiles(&build);
    failed = failed ? failed : add_table(&build, argv[3], "scales");
    failed = failed ? failed : fit_abilities(&build, argv[3]);
    if (!failed && pls_catalog_finish(build.catalog, &build.err) != PLS_OK) {
        failed = complain(argv[2], build.err.text);
    }
    pls_catalog_close(build.catalog);
    if (failed) {
        unlink(argv[2]);
    } else {
        printf("  %u cards, %u hardware profiles in %s\n", build.n_cards, build.n_profiles, argv[2]);
    }
    return failed;
}
