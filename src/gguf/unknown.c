/* Why a path is not a model. People hand over what lies next to one: an empty download, the page of an
 * error, a pointer of Git LFS, the folder of many files. Each has a sentence of its own, which says what
 * to name instead. */
#include <string.h>
#include <sys/stat.h>

#include "gguf/json.h"
#include "gguf/readers.h"
#include "plimsoll/sys.h"
#include "plimsoll/text.h"

struct folder {
    uint32_t n_gguf;
    char first[256];
    bool has_pytorch;
};

/* Parts of a split model but the first are not named on their own. */
static bool is_later_part(const char *name)
{
    struct pls_file_name parts;
    return pls_file_name_parse(name, &parts) && parts.split_no > 1;
}

static bool visit_name(const char *name, void *context)
{
    struct folder *f = context;
    f->has_pytorch = f->has_pytorch || pls_text_ends(name, ".bin") || pls_text_ends(name, ".pth");
    if (pls_text_ends(name, ".gguf") && !is_later_part(name)) {
        if (f->n_gguf == 0) {
            PLS_COPY(f->first, name);
        }
        f->n_gguf++;
    }
    return true;
}

static enum pls_code unknown_folder(const char *path, struct pls_err *err)
{
    struct pls_root *root = NULL;
    struct folder f = { .n_gguf = 0 };
    enum pls_code code = pls_root_open(path, &root, err);
    if (code != PLS_OK) {
        return code;
    }
    code = pls_root_list(root, "/", visit_name, &f, err);
    pls_root_close(root);
    if (code != PLS_OK) {
        return code;
    }
    if (f.n_gguf > 0) {
        return pls_fail(err, PLS_FORMAT, "%s: a folder with %u GGUF model%s: name the file, such as %s", path,
                        f.n_gguf, f.n_gguf == 1 ? "" : "s", f.first);
    }
    return pls_fail(err, PLS_FORMAT, "%s: a folder without config.json, safetensors or GGUF files%s", path,
                    f.has_pytorch ? " (PyTorch files have to be converted first)" : "");
}

/* The digest of the layer of an Ollama manifest that is the model, or NULL. */
static const char *ollama_model(const cJSON *root)
{
    const cJSON *layer = NULL;
    cJSON_ArrayForEach(layer, cJSON_GetObjectItemCaseSensitive(root, "layers"))
    {
        const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(layer, "mediaType"));
        if (type != NULL && strcmp(type, "application/vnd.ollama.image.model") == 0) {
            return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(layer, "digest"));
        }
    }
    return NULL;
}

static enum pls_code unknown_json(const char *path, const cJSON *root, struct pls_err *err)
{
    const char *schema = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "schema"));
    const char *digest = ollama_model(root);
    if (digest != NULL && pls_text_starts(digest, "sha256:")) { /* blobs are files of that name with a dash */
        return pls_fail(err, PLS_FORMAT, "%s: an Ollama manifest; its model is the file blobs/sha256-%.64s",
                        path, digest + 7);
    }
    if (cJSON_GetObjectItemCaseSensitive(root, "weight_map") != NULL) {
        return pls_fail(err, PLS_FORMAT, "%s: the index of a checkpoint: name its folder", path);
    }
    if (schema != NULL && pls_text_starts(schema, "plimsoll.")) {
        return pls_fail(err, PLS_FORMAT,
                        "%s: a document of plimsoll, but no card (--on reads machine records)", path);
    }
    return pls_fail(err, PLS_FORMAT, "%s: JSON, but neither the config.json of a model nor a card", path);
}

static enum pls_code unknown_file(const char *path, const struct pls_map *map, struct pls_err *err)
{
    static const struct {
        const char *begin, *what;
    } known[] = {
        { "version https://git-lfs", "a pointer of Git LFS, not the file itself (git lfs pull fetches it)" },
        { "<!", "a web page, not a model: the download went wrong" },
        { "<html", "a web page, not a model: the download went wrong" },
        { "PK\003\004", "a PyTorch or zip archive: models in it have to be converted first" },
        { "lmgg", "a GGML file of the time before GGUF: it has to be made anew" },
        { "tjgg", "a GGML file of the time before GGUF: it has to be made anew" },
    };
    if (map->size == 0) {
        return pls_fail(err, PLS_FORMAT, "%s: empty", path);
    }
    for (size_t i = 0; i < PLS_COUNT_OF(known); i++) {
        size_t n = strlen(known[i].begin);
        if (map->size >= n && memcmp(map->data, known[i].begin, n) == 0) {
            return pls_fail(err, PLS_FORMAT, "%s: %s", path, known[i].what);
        }
    }
    cJSON *root =
        map->size <= PLS_JSON_MAX_BYTES ? json_parse((const char *)map->data, (size_t)map->size) : NULL;
    enum pls_code code = cJSON_IsObject(root)
        ? unknown_json(path, root, err)
        : pls_fail(err, PLS_FORMAT, "%s: not a GGUF or safetensors file, config.json or card", path);
    cJSON_Delete(root);
    return code;
}

enum pls_code readers_unknown(const char *path, struct pls_err *err)
{
    struct stat st;
    struct pls_map map = { 0 };
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        return unknown_folder(path, err);
    }
    enum pls_code code = pls_map_open(path, &map, err);
    if (code != PLS_OK) {
        return code; /* a file that cannot be read is not of an unknown kind */
    }
    code = unknown_file(path, &map, err);
    pls_map_close(&map);
    return code;
}
