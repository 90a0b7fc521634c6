// SPDX-License-Identifier: Apache-2.0
/* `likeness models add FILE`: a model of the user's own gets a name.
 *
 * What it is, the first that says so: its sha256, when it is a well-known file; --family; its file
 * name, when it is one of a well-known model and the file's shape agrees; its shape alone, when
 * that fits one family only. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/error.h"
#include "base/file.h"
#include "catalog/places.h"
#include "catalog/pull.h"
#include "models.h"
#include "pipeline/recognise.h"

struct candidates {
    struct lk_likely item[LK_LIKELY_MAX];
    size_t n;
};

/* ---- what it is ---- */

/* "restorer:gfpgan, restorer:gpen" */
static void list(const struct candidates *c, char *out, size_t size)
{
    *out = 0;
    for (size_t i = 0, at = 0; i < c->n && at < size; i++)
        at += (size_t)snprintf(out + at, size - at, "%s%s:%s", i ? ", " : "",
                               lk_role_name(c->item[i].role), c->item[i].family);
}

/* FAMILY or ROLE:FAMILY */
static bool is_meant(const struct lk_likely *likely, const char *words)
{
    const char *colon = strchr(words, ':'), *role = lk_role_name(likely->role);
    const size_t n = colon ? (size_t)(colon - words) : 0;
    return !strcmp(colon ? colon + 1 : words, likely->family) &&
           (!colon || (strlen(role) == n && !strncmp(role, words, n)));
}

/* The one that --family means. Of a file that nothing is known of, ROLE:FAMILY is believed. */
static int take_named(struct candidates *c,
                      const char *words,
                      const char *path,
                      struct lk_error *err)
{
    char all[240];
    for (size_t i = 0; i < c->n; i++) {
        if (is_meant(&c->item[i], words)) {
            c->item[0] = c->item[i];
            c->n = 1;
            return 0;
        }
    }
    list(c, all, sizeof all);
    const char *colon = strchr(words, ':');
    for (enum lk_role role = 0; !c->n && colon && role < LK_ROLE_COUNT; role++) {
        struct lk_likely likely = {.role = role};
        snprintf(likely.family, sizeof likely.family, "%s", colon + 1);
        if (is_meant(&likely, words)) {
            c->item[c->n++] = likely;
            return 0;
        }
    }
    return lk_fail(err, LK_E_INPUT, "--family: '%s' is not %s: it looks like %s", path, words,
                   *all ? all : "nothing that is known, so that ROLE:FAMILY is needed");
}

/* Leaves one candidate. */
static int choose(struct candidates *c, const char *words, const char *path, struct lk_error *err)
{
    const struct lk_model_entry *named = lk_model_known(lk_file_name(path), NULL);
    char all[240];
    if (words)
        return take_named(c, words, path, err);
    for (size_t i = 0; named && i < c->n; i++) {
        if (c->item[i].role == named->role && !strcmp(c->item[i].family, named->family)) {
            c->item[0] = c->item[i];
            c->n = 1;
        }
    }
    list(c, all, sizeof all);
    if (c->n > 1)
        return lk_fail(err, LK_E_INPUT, "'%s' may be any of %s: say which with --family", path,
                       all);
    return c->n ? 0
                : lk_fail(err, LK_E_INPUT,
                          "'%s' has inputs and outputs of no family that is known: say what it is "
                          "with --family ROLE:FAMILY",
                          path);
}

/* Fills entry with what it is; its texts lie in c, sha256 and the catalogue. */
static int describe(const struct cli *cli,
                    const char *path,
                    const struct lk_sha256 *sha256,
                    struct candidates *c,
                    struct lk_model_entry *entry,
                    struct lk_error *err)
{
    const struct lk_model_entry *known = lk_model_known(NULL, sha256->hex);
    if (known) {
        *entry = *known;
    } else {
        int rc = lk_recognise(path, c->item, &c->n, err);
        rc = rc ? rc : choose(c, cli->with.models.family, path, err);
        if (rc)
            return rc;
        *entry = (struct lk_model_entry){.role = c->item[0].role, .family = c->item[0].family};
    }
    entry->sha256 = sha256->hex;
    return 0;
}

/* ---- where it goes ---- */

/* Whether both are one file. */
static bool is_same(const char *a, const char *b)
{
    struct stat of_a, of_b;
    return !stat(a, &of_a) && !stat(b, &of_b) && of_a.st_dev == of_b.st_dev &&
           of_a.st_ino == of_b.st_ino;
}

/* Puts it into the model folder. how: "linked", "copied" or "there". */
static int place(
    const struct cli *cli, const char *path, char *to, const char **how, struct lk_error *err)
{
    struct lk_watch watch;
    struct stat st;
    int rc = lk_places_make_above(to, err);
    *how = "there";
    if (rc || is_same(path, to))
        return rc;
    if (!lstat(to, &st))
        return lk_fail(err, LK_E_INPUT, "'%s' is there already: remove or rename it first", to);
    *how = cli->with.models.copy ? "copied" : "linked";
    if (!cli->with.models.copy)
        return symlink(path, to)
                   ? lk_fail(err, LK_E_FAILED, "'%s' cannot be made: %s", to, strerror(errno))
                   : 0;
    cli_watch_init(&watch, cli);
    rc = lk_model_copy(path, to, &watch, err);
    cli_watch_done(cli);
    return rc;
}

static void say(const struct cli *cli,
                const struct lk_model_entry *entry,
                const char *place,
                const char *how)
{
    if (cli->with.output.json) {
        json_t *line = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s?}", "name", entry->name, "role",
                                 lk_role_name(entry->role), "family", entry->family, "path", place,
                                 "how", how, "sha256", entry->sha256, "licence", entry->licence);
        json_dumpf(line, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(line);
        return;
    }
    if (!cli->with.output.quiet)
        printf("%-22s %s of family %s, %s: %s\n  sha256   %s\n  licence  %s%s\n", entry->name,
               lk_role_name(entry->role), entry->family, how, place, entry->sha256,
               models_licence(entry),
               lk_model_is_non_commercial(entry) ? ": NOT for commercial use" : "");
}

/* The name of a file without its ending; a folder's may have dots. */
static void stem_of(const char *path, const char *file, char out[NAME_MAX + 1])
{
    struct stat st;
    const bool is_folder = !stat(path, &st) && S_ISDIR(st.st_mode);
    const char *dot = is_folder ? NULL : strrchr(file, '.');
    snprintf(out, NAME_MAX + 1, "%.*s", (int)(dot ? (size_t)(dot - file) : strlen(file)), file);
}

/* what: its role, family and sha256; path is absolute. */
static int add(struct cli *cli,
               const char *path,
               const struct lk_model_entry *what,
               struct lk_error *err)
{
    struct lk_model_entry entry = *what;
    const char *file = lk_file_name(path), *how = NULL;
    char stem[NAME_MAX + 1], *there = NULL;
    int rc = lk_places_own_model(file, &there, err);
    if (rc)
        return rc;
    stem_of(path, file, stem);
    entry.file = file;
    entry.name = cli->with.models.name ? cli->with.models.name : entry.name ? entry.name : stem;
    rc = place(cli, path, there, &how, err);
    if (!rc) {
        char *slash = strrchr(there, '/');
        *slash = 0;
        rc = lk_pack_add(there, &entry, err);
        *slash = '/';
        if (rc && strcmp(how, "there"))
            unlink(there);
    }
    if (!rc)
        say(cli, &entry, there, how);
    free(there);
    return rc;
}

int models_add(struct cli *cli, lk_catalog *catalog, struct lk_error *err)
{
    struct lk_model_entry entry = {.name = cli->words[1], .path = realpath(cli->words[1], NULL)};
    struct lk_sha256 sha256;
    struct candidates candidates = {.n = 0};
    (void)catalog;
    char *path = (char *)entry.path;
    if (!path)
        return lk_fail(err, LK_E_MISSING, "'%s' cannot be read: %s", cli->words[1],
                       strerror(errno));
    int rc = lk_model_sha256(&entry, &sha256, err);
    rc = rc ? rc : describe(cli, path, &sha256, &candidates, &entry, err);
    rc = rc ? rc : add(cli, path, &entry, err);
    free(path);
    return rc;
}
