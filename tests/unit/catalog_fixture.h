/* A small catalog in a folder of its own, for the tests of catalog/. */
#ifndef CATALOG_FIXTURE_H
#define CATALOG_FIXTURE_H

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plimsoll/catalog.h"
#include "plimsoll/gguf.h"
#include "plimsoll/text.h"

static char folder[64];
static char shipped[128];
static char user[160];
static struct pls_err err;

#define SHAPE                                                                                                \
    "\"shape\": {\"n_layers\": 4, \"vocab_size\": 1000, \"hidden_size\": 64, \"intermediate_size\": 128, "   \
    "\"n_heads\": 4,"                                                                                        \
    " \"n_kv_heads\": 2, \"max_context\": 4096}"

static inline bool insert(const struct pls_card *card, const char *json, void *context)
{
    ck_assert_int_eq(pls_catalog_insert(context, card, json, &err), PLS_OK);
    return true;
}

static const char cards[] =
    "{\"schema\": \"plimsoll.cards/1\", \"family\": \"llama\", \"cards\": ["
    "{\"id\": \"llama-3.1-8b-instruct\", \"name\": \"Llama 3.1 8B Instruct\", \"arch\": \"llama\", "
    "\"license\": \"llama3.1\","
    " \"hf_repo\": \"meta-llama/Llama-3.1-8B-Instruct\", \"use_cases\": [\"chat\", \"tools\"], "
    "\"release_date\": \"2024-07\","
    " \"params_total\": 8030261248,"
    " \"variants\": {\"gguf\": [{\"repo\": \"bartowski/Meta-Llama-3.1-8B-Instruct-GGUF\"}], \"ollama\": "
    "[{\"tag\": \"llama3.1:8b\"}]},"
    " \"benchmarks\": {\"mmlu\": {\"score\": 68.5, \"source\": \"a paper\", \"date\": \"2024-07\"}}, " SHAPE
    "},"
    "{\"id\": \"mistral-small-24b-instruct-2501\", \"name\": \"Mistral Small 24B\", \"arch\": \"llama\", "
    "\"license\": \"apache-2.0\","
    " \"use_cases\": [\"chat\"], \"release_date\": \"2025-01\", \"params_total\": 23572403200, " SHAPE "},"
    "{\"id\": \"qwen3-4b\", \"name\": \"Qwen3 4B\", \"arch\": \"llama\", \"use_cases\": [\"chat\", "
    "\"reasoning\"], \"license\": \"apache-2.0\","
    " \"aliases\": [\"thinker\"], \"params_total\": 4022468096, \"release_date\": \"2025-04\", "
    "\"checkpoint\": {\"params\": 4022468096,"
    " \"kind\": \"exact\", \"tolerance\": 0.0001, \"source\": \"a listing\"}, " SHAPE "},"
    "{\"id\": \"qwen3-4b-instruct-2507\", \"name\": \"Qwen3 4B Instruct 2507\", \"arch\": \"llama\", "
    "\"use_cases\": [\"chat\"], " SHAPE "},"
    "{\"id\": \"qwen3-coder-30b-a3b-instruct\", \"name\": \"Qwen3 Coder 30B-A3B\", \"arch\": \"llama\", "
    "\"use_cases\": [\"code\"], " SHAPE "},"
    "{\"id\": \"twin-1b-chat\", \"arch\": \"llama\", " SHAPE
    "}, {\"id\": \"twin-1b-it\", \"arch\": \"llama\", " SHAPE "}"
    "]}";

static inline void build(const char *path)
{
    struct pls_catalog *catalog = NULL;
    ck_assert_int_eq(pls_catalog_create(path, &catalog, &err), PLS_OK);
    ck_assert_int_eq(pls_cards_parse(cards, strlen(cards), insert, catalog, &err), PLS_OK);
    static const char tsv[] =
        "# a note\nmodel\ttask\tscore\tse\tn_sources\tevidence\nqwen3-4b\tchat\t41.5\t2\t7\tdirect\n";
    ck_assert_int_eq(pls_catalog_import(catalog, "abilities", tsv, strlen(tsv), &err), PLS_OK);
    ck_assert_int_eq(pls_catalog_finish(catalog, &err), PLS_OK);
    pls_catalog_close(catalog);
}

static inline void remove_tree(const char *path)
{
    DIR *dir = opendir(path);
    for (struct dirent *entry = dir == NULL ? NULL : readdir(dir); entry != NULL; entry = readdir(dir)) {
        char room[512];
        struct pls_text below = PLS_TEXT(room);
        pls_text_add(&below, "%s/%s", path, entry->d_name);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && unlink(room) != 0) {
            remove_tree(room);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    rmdir(path);
}

static inline void tear_down(void)
{
    remove_tree(folder);
}

/* Each test runs in a process of its own, so that the folder goes when the process does. */
static inline void set_up(void)
{
    atexit(tear_down);
    snprintf(folder, sizeof(folder), "/tmp/plimsoll-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(shipped, sizeof(shipped), "%s/a b%%20?#catalog.db",
             folder); /* a path that a URI would misread */
    snprintf(user, sizeof(user), "%s/home/.local/share/plimsoll/user.db", folder);
    build(shipped);
}

static inline struct pls_catalog *open_both(void)
{
    struct pls_catalog *catalog = NULL;
    ck_assert_msg(pls_catalog_open(shipped, user, &catalog, &err) == PLS_OK, "%s", err.text);
    return catalog;
}

static inline char *slurp(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    char *bytes = malloc(1 << 20);
    *len = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    return bytes;
}

static inline void add(struct pls_catalog *catalog, const char *id, enum pls_code expected)
{
    char json[512];
    struct pls_card card;
    snprintf(json, sizeof(json),
             "{\"id\": \"%s\", \"arch\": \"llama\", \"name\": \"Mine\", \"family\": \"own\", " SHAPE "}", id);
    ck_assert_int_eq(pls_card_parse(json, strlen(json), &card, &err), PLS_OK);
    enum pls_code code = pls_catalog_insert(catalog, &card, json, &err);
    ck_assert_msg(code == expected, "%s", err.text);
}

#endif
