// SPDX-License-Identifier: Apache-2.0
/* An installed program has PREFIX/bin/likeness and PREFIX/share/likeness/…; a build tree has
 * build/likeness, build/deps/ and starter/pack/. Both are found from where the program itself lies,
 * so a tree can be moved. */
#include "catalog/places.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/size.h"

enum { MAX_FOLDERS = 64 };

/* The starter pack, from the folder of the program. */
static const char *const PACKS[] = {"../starter/pack", "../share/likeness/starter"};
static const char *const MERGES[] = {
    "deps/clip/bpe_simple_vocab_16e6.txt.gz",
    "../build/deps/clip/bpe_simple_vocab_16e6.txt.gz",
    "../share/likeness/clip/bpe_simple_vocab_16e6.txt.gz",
};
static const char *const RULES[] = {
    "../src/stages/judge/policy.rules",
    "../share/likeness/policy.rules",
};

/* "." where /proc is not there. */
static void program_folder(char out[PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", out, PATH_MAX - 1);
    out[length > 0 ? length : 0] = 0;
    char *slash = strrchr(out, '/');
    if (slash)
        *slash = 0;
    else
        memcpy(out, ".", sizeof ".");
}

/* Appends a printf'd folder; -1 when memory or the list is out. */
static LK_PRINTF(3, 4) int add(char **folders, size_t *n, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int length = *n < MAX_FOLDERS ? vasprintf(&folders[*n], format, list) : -1;
    va_end(list);
    if (length < 0) {
        folders[*n] = NULL;
        return -1;
    }
    ++*n;
    return 0;
}

/* malloc'd; NULL when memory is out, or the environment names no place. */
static char *own_models(void)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    char *folder = NULL;
    int n = -1;
    if (data && *data)
        n = asprintf(&folder, "%s/likeness/models", data);
    else if (home && *home)
        n = asprintf(&folder, "%s/.local/share/likeness/models", home);
    return n < 0 ? NULL : folder;
}

static int add_all(char **folders)
{
    size_t n = 0;
    const char *own = getenv("LIKENESS_MODELS");
    while (own && *own) {
        size_t length = strcspn(own, ":");
        if (length > 0 && add(folders, &n, "%.*s", (int)length, own))
            return -1;
        own += length + (own[length] == ':');
    }
    char *models = own_models();
    const int full = models && add(folders, &n, "%s", models);
    free(models);
    if (full)
        return -1;
    char program[PATH_MAX];
    program_folder(program);
    for (size_t i = 0; i < LK_ARRAY_LENGTH(PACKS); i++)
        if (add(folders, &n, "%s/%s", program, PACKS[i]))
            return -1;
    return 0;
}

int lk_places_models(char ***out, struct lk_error *err)
{
    char **folders = calloc(MAX_FOLDERS + 1, sizeof *folders);
    if (!folders || add_all(folders)) {
        lk_places_free(folders);
        return lk_fail(
            err, LK_E_FAILED,
            "the list of model folders does not fit: LIKENESS_MODELS may name at most %d",
            MAX_FOLDERS - 3);
    }
    *out = folders;
    return 0;
}

void lk_places_free(char **folders)
{
    for (size_t i = 0; folders && folders[i]; i++)
        free(folders[i]);
    free(folders);
}

/* What the environment names, else the first of the places that is there; malloc'd, NULL when there
 * is none. */
static char *find_beside(const char *variable, const char *const *places, size_t n)
{
    const char *own = getenv(variable);
    char program[PATH_MAX];
    program_folder(program);
    char *path = own && *own ? strdup(own) : NULL;
    for (size_t i = 0; !path && i < n; i++) {
        if (asprintf(&path, "%s/%s", program, places[i]) < 0)
            path = NULL;
        if (path && access(path, F_OK)) {
            free(path);
            path = NULL;
        }
    }
    return path;
}

int lk_places_merges(char **out, struct lk_error *err)
{
    char *path = find_beside("LIKENESS_MERGES", MERGES, LK_ARRAY_LENGTH(MERGES));
    if (!path)
        return lk_fail(
            err, LK_E_MISSING,
            "CLIP's merges (bpe_simple_vocab_16e6.txt.gz) are not beside the program: run "
            "tools/setup, or name the file in LIKENESS_MERGES");
    *out = path;
    return 0;
}

int lk_places_rules(char **out, struct lk_error *err)
{
    char *path = find_beside("LIKENESS_RULES", RULES, LK_ARRAY_LENGTH(RULES));
    if (!path)
        return lk_fail(err, LK_E_MISSING,
                       "the policy's rules (policy.rules) are not beside the program: get them "
                       "from the sources, or name the file in LIKENESS_RULES");
    *out = path;
    return 0;
}

/* malloc'd; NULL when memory is out, or the environment names no place. */
static char *state_folder(void)
{
    const char *own = getenv("LIKENESS_STATE"), *state = getenv("XDG_STATE_HOME"),
               *home = getenv("HOME");
    char *folder = NULL;
    int n = -1;
    if (own && *own)
        n = asprintf(&folder, "%s", own);
    else if (state && *state)
        n = asprintf(&folder, "%s/likeness", state);
    else if (home && *home)
        n = asprintf(&folder, "%s/.local/state/likeness", home);
    return n < 0 ? NULL : folder;
}

int lk_places_make_above(char *path, struct lk_error *err)
{
    char *slash = strrchr(path, '/');
    lk_folder_make_above(path);
    if (!slash || slash == path)
        return 0;
    *slash = 0;
    const int why = access(path, W_OK) ? errno : 0;
    *slash = '/';
    return why ? lk_fail(err, LK_E_FAILED, "'%s' cannot be made: %s", path, strerror(why)) : 0;
}

int lk_places_own_model(const char *file, char **out, struct lk_error *err)
{
    char *folder = own_models(), *path = NULL;
    int rc = folder ? 0
                    : lk_fail(err, LK_E_MISSING,
                              "there is no folder for '%s': set HOME or XDG_DATA_HOME", file);
    if (!rc && asprintf(&path, "%s/%s", folder, file) < 0)
        rc = lk_fail_memory(err, "a path", strlen(file));
    free(folder);
    if (!rc)
        *out = path;
    return rc;
}

static int make_state_folder(const char *folder, struct lk_error *err)
{
    const int why = lk_folder_make(folder);
    return why ? lk_fail(err, LK_E_FAILED,
                         "folder '%s' cannot be made: %s: name another in LIKENESS_STATE", folder,
                         strerror(why))
               : 0;
}

int lk_places_state(const char *name, bool make, char **out, struct lk_error *err)
{
    char *folder = state_folder(), *path = NULL;
    if (!folder)
        return lk_fail(err, LK_E_MISSING,
                       "there is no folder for '%s': HOME is not set: name one in LIKENESS_STATE",
                       name);
    int rc = make ? make_state_folder(folder, err) : 0;
    if (!rc && asprintf(&path, "%s/%s", folder, name) < 0)
        rc = lk_fail_memory(err, "a path", strlen(name));
    free(folder);
    if (!rc)
        *out = path;
    return rc;
}

int lk_places_cache(char **out, struct lk_error *err)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    const bool own = cache && *cache;
    if (!own && !(home && *home))
        return lk_fail(err, LK_E_MISSING,
                       "there is no folder for packed weights: HOME is not set: name one by "
                       "--pack-cache");
    if (asprintf(out, "%s%s/likeness", own ? cache : home, own ? "" : "/.cache") >= 0)
        return 0;
    *out = NULL;
    return lk_fail_memory(err, "a path", 0);
}
