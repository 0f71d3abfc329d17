/* Directories that tests make under /tmp and take away again. */
#ifndef TREE_H
#define TREE_H

#include <dirent.h>
#include <string.h>
#include <unistd.h>

#include "plimsoll/text.h"

/* Removes a tree; links are removed, never followed. */
static inline void tree_remove(const char *dir)
{
    DIR *handle = opendir(dir);
    const struct dirent *entry;
    while (handle != NULL && (entry = readdir(handle)) != NULL) {
        char path[1024];
        struct pls_text t = PLS_TEXT(path);
        pls_text_add(&t, "%s/%s", dir, entry->d_name);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && unlink(path) != 0) {
            tree_remove(path);
        }
    }
    if (handle != NULL) {
        closedir(handle);
    }
    (void)rmdir(dir);
}

#endif
