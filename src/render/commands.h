/* render/commands.h - what the writers of commands share: where a model comes from, and words of a shell.
 *
 * A runtime has up to three functions: what keeps it from having a command for a plan (`lacks`), the command
 * (`write`, called only when nothing is lacking), and what has to be done before it runs (`wants`).
 */
#ifndef RENDER_COMMANDS_H
#define RENDER_COMMANDS_H

#include "plimsoll/render.h"

enum { PLS_COMMAND_NAME_CAP = 192 };

/* " --option 5" */
void pls_command_number(struct pls_text *out, const char *option, int64_t value);
/* A path as a word of its own, which no program takes for an option. */
void pls_command_path(struct pls_text *out, const char *path);
/* Servers that run side by side need ports of their own; the first keeps the usual one. */
void pls_command_port(const struct pls_entry *e, uint32_t usual, struct pls_text *out);

/* The GGUF file that was read, when it is what the plan is of; NULL otherwise. */
const char *pls_command_gguf_path(const struct pls_entry *e);
/* What such a file is called by the naming convention. */
void pls_command_gguf_name(const struct pls_entry *e, struct pls_text *out);
/* What its quantization is called among the files of a repository. */
const char *pls_command_gguf_tag(const struct pls_entry *e);
/* The repository of such files; NULL unknown. */
const char *pls_command_gguf_repo(const struct pls_entry *e);
/* Whether what it does is to rank texts, which few programs have an endpoint for. */
bool pls_command_ranks(const struct pls_entry *e);
/* The folder that was read; NULL when none was, or a config.json alone. */
const char *pls_command_folder(const struct pls_entry *e);

void pls_ollama_lacks(const struct pls_entry *e, struct pls_text *out);
void pls_ollama_write(const struct pls_entry *e, struct pls_text *out);
void pls_ollama_wants(const struct pls_entry *e, struct pls_text *out);
void pls_lmstudio_lacks(const struct pls_entry *e, struct pls_text *out);
void pls_lmstudio_write(const struct pls_entry *e, struct pls_text *out);
void pls_jan_lacks(const struct pls_entry *e, struct pls_text *out);
void pls_jan_write(const struct pls_entry *e, struct pls_text *out);
void pls_jan_wants(const struct pls_entry *e, struct pls_text *out);
void pls_mlx_lacks(const struct pls_entry *e, struct pls_text *out);
void pls_mlx_write(const struct pls_entry *e, struct pls_text *out);
void pls_vllm_lacks(const struct pls_entry *e, struct pls_text *out);
void pls_vllm_write(const struct pls_entry *e, struct pls_text *out);

#endif
