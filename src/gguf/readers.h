/* gguf/readers.h - the readers behind pls_file_read(): JSON documents, safetensors files and folders. */
#ifndef GGUF_READERS_H
#define GGUF_READERS_H

#include "plimsoll/gguf.h"

/* CONFIG, CARD or UNKNOWN, from the keys of the outermost object. */
enum pls_file_kind readers_json_kind(const char *json, size_t len);
/* MODEL_DIR, MLX_DIR or UNKNOWN. */
enum pls_file_kind readers_dir_kind(const char *path);

/* A safetensors file, or a folder of them with its config.json and index. Stored types go into the tensor
 * list under their own (Hugging Face) names; quantized integer tensors count as I32, I8 and so on. */
enum pls_code readers_safetensors(const char *path, struct pls_arena *arena, struct pls_model *out,
                                  struct pls_inspection *seen, struct pls_err *err);

/* The sentence for a path that is no model: what it is instead, as far as that can be seen. Never PLS_OK. */
enum pls_code readers_unknown(const char *path, struct pls_err *err);

#endif
