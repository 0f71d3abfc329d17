/* Where things lie: the program, its catalog, the user's folders. realpath() needs the X/Open names. */
#define _XOPEN_SOURCE 700
#include "cli/session.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef PATH_MAX
#define PATH_MAX 4096
#endif

static bool is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* A name without a slash was found along PATH by the shell; so is it here. */
static bool along_path(const char *program, char *out)
{
    const char *at = getenv("PATH");
    while (at != NULL && *at != '\0') {
        size_t len = strcspn(at, ":");
        char room[PATH_MAX];
        struct pls_text t = PLS_TEXT(room);
        pls_text_put(&t, len > 0 ? at : ".", len > 0 ? len : 1);
        pls_text_add(&t, "/%s", program);
        if (!t.truncated && is_file(room) && realpath(room, out) != NULL) {
            return true;
        }
        at += len + (at[len] == ':' ? 1 : 0);
    }
    return false;
}

/* The real file of the running program, links resolved: /proc where there is one, else argv[0]. */
static bool program_path(const char *program, char *out)
{
    if (realpath("/proc/self/exe", out) != NULL || realpath("/proc/curproc/file", out) != NULL) {
        return true;
    }
    return strchr(program, '/') != NULL ? realpath(program, out) != NULL : along_path(program, out);
}

static void join(char *out, const char *dir, const char *name)
{
    struct pls_text t = { .data = out, .len = 0, .cap = PLS_PATH_CAP, .truncated = false };
    out[0] = '\0';
    pls_text_add(&t, "%s/%s", dir, name);
    if (t.truncated) {
        out[0] = '\0';
    }
}

/* Beside the program (a build folder), in ../share/plimsoll (an installation that was moved), where it was
 * built for. */
static void find_catalog(const char *program, char *out)
{
    char exe[PATH_MAX];
    const char *given = getenv("PLIMSOLL_CATALOG");
    if (given != NULL && given[0] != '\0') {
        pls_copy(out, PLS_PATH_CAP, given);
        return;
    }
    if (program_path(program, exe)) {
        static const char *const beside[] = { "catalog.db", "../share/plimsoll/catalog.db" };
        *strrchr(exe, '/') = '\0';
        for (size_t i = 0; i < PLS_COUNT_OF(beside); i++) {
            join(out, exe, beside[i]);
            if (is_file(out)) {
                return;
            }
        }
    }
    join(out, PLS_PKGDATADIR, "catalog.db");
}

/* Where HOME says "/nonexistent", as it does for services, there is none and none is made. */
static bool is_folder(const char *path)
{
    struct stat st;
    return path != NULL && path[0] == '/' && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A folder of the XDG base directory specification: the variable when it is absolute, else below HOME. */
static void find_home(const char *variable, const char *below_home, const char *name, char *out)
{
    const char *base = getenv(variable);
    char room[PLS_PATH_CAP];
    struct pls_text t = PLS_TEXT(room);
    if (base != NULL && base[0] == '/') {
        pls_text_add(&t, "%s/plimsoll", base);
    } else {
        const char *home = getenv("HOME");
        if (!is_folder(home)) {
            return;
        }
        pls_text_add(&t, "%s/%s/plimsoll", home, below_home);
    }
    if (!t.truncated) {
        join(out, room, name);
    }
}

void pls_paths_find(const char *program, struct pls_paths *out)
{
    memset(out, 0, sizeof(*out));
    find_catalog(program, out->catalog);
    find_home("XDG_DATA_HOME", ".local/share", "user.db", out->user);
    find_home("XDG_CONFIG_HOME", ".config", "policy.json", out->policy);
}
