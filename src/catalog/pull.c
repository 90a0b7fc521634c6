// SPDX-License-Identifier: Apache-2.0
#include "catalog/pull.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/file.h"
#include "catalog/entries.h"
#include "catalog/fetch/download.h"
#include "catalog/places.h"

int lk_model_verify(const struct lk_model_entry *entry,
                    struct lk_sha256 *sha256,
                    struct lk_error *err)
{
    uint64_t bytes;
    int code = lk_model_size(entry, &bytes, err);
    code = code ? code : lk_model_sha256(entry, sha256, err);
    if (code || !entry->sha256 || lk__known_as(entry, NULL, sha256->hex))
        return code;
    if (entry->bytes && bytes != entry->bytes)
        return lk_fail(err, LK_E_INPUT,
                       "'%s' is not what the catalogue calls '%s': it has %" PRIu64
                       " bytes, not %" PRIu64,
                       entry->path, entry->name, bytes, entry->bytes);
    return lk_fail(err, LK_E_INPUT,
                   "'%s' is not what the catalogue calls '%s': its sha256 is %s, not %s",
                   entry->path, entry->name, sha256->hex, entry->sha256);
}

/* ---- where it comes from ---- */

static bool begins(const char *text, const char *with)
{
    return !strncasecmp(text, with, strlen(with));
}

/* The file in a folder, by its whole name or by the last part of it. */
static int fetch_of_folder(lk__download *download,
                           const char *folder,
                           const char *file,
                           struct lk_error *err)
{
    char *whole = NULL, *last = NULL;
    int code = asprintf(&whole, "%s/%s", folder, file) < 0 ||
                       asprintf(&last, "%s/%s", folder, lk_file_name(file)) < 0
                   ? lk_fail_memory(err, "a path", strlen(file))
                   : 0;
    if (!code)
        code = lk__fetch_file(download, access(last, F_OK) ? whole : last, err);
    free(whole);
    free(last);
    return code;
}

static int fetch(const struct lk_model_entry *entry,
                 const char *from,
                 lk__download *download,
                 struct lk_error *err)
{
    if (!from)
        return lk__fetch_url(download, entry->url, NULL, false, err);
    if (begins(from, "file://"))
        from += strlen("file://");
    return strstr(from, "://")
               ? lk__fetch_url(download, from, entry->file, begins(from, "http://"), err)
               : fetch_of_folder(download, from, entry->file, err);
}

/* What must be known before anything is asked for. */
static int check_known(const struct lk_model_entry *entry,
                       const struct lk_pull_options *options,
                       struct lk_error *err)
{
    if (options->from && !*options->from)
        return lk_fail(err, LK_E_INPUT, "--from: '' is neither a mirror nor a folder");
    if (!options->from && !entry->url)
        return lk_fail(
            err, LK_E_MISSING,
            "no address of '%s' is known%s%s: get %s by hand, or give a mirror or folder "
            "with --from",
            entry->name, entry->source ? ", only where it is published: " : "",
            entry->source ? entry->source : "", entry->file);
    if (!entry->sha256 && !options->unverified)
        return lk_fail(err, LK_E_INPUT,
                       "nothing vouches for '%s': its sha256 is not known; --unverified takes what "
                       "comes and prints what it has",
                       entry->name);
    return 0;
}

/* ---- where it goes ---- */

static int place_of(const struct lk_model_entry *entry, char **out, struct lk_error *err)
{
    int code = 0;
    if (!entry->folder)
        code = lk_places_own_model(entry->file, out, err);
    else if (asprintf(out, "%s/%s", entry->folder, entry->file) < 0)
        code = lk_fail_memory(err, "a path", strlen(entry->file));
    return code;
}

/* What is there is right, or may be replaced: it lies where the model goes, out->path. */
static int look(const struct lk_model_entry *entry, struct lk_pulled *out, struct lk_error *err)
{
    const int code = lk_model_verify(entry, &out->sha256, err);
    if (code == LK_E_INPUT && !strcmp(entry->path, out->path))
        return 0;
    if (code)
        return code == LK_E_INPUT ? lk_fail_context(err, code, "remove it first") : code;
    free(out->path);
    out->path = strdup(entry->path);
    out->was_there = true;
    return out->path ? 0 : lk_fail_memory(err, "a path", strlen(entry->path));
}

static int bring(const struct lk_model_entry *entry,
                 const struct lk_pull_options *options,
                 const struct lk_watch *watch,
                 struct lk_pulled *out,
                 struct lk_error *err)
{
    const struct lk__wanted wanted = {
        .to = out->path, .bytes = entry->bytes, .sha256 = entry->sha256, .watch = watch};
    lk__download *download;
    int code = check_known(entry, options, err);
    code = code ? code : lk_places_make_above(out->path, err);
    code = code ? code : lk__download_open(&wanted, &download, err);
    if (code)
        return code;
    if (!lk__download_is_whole(download))
        code = fetch(entry, options->from, download, err);
    code = code ? code : lk__download_finish(download, &out->sha256, err);
    lk__download_close(download);
    return code;
}

int lk_model_pull(const struct lk_model_entry *entry,
                  const struct lk_pull_options *options,
                  const struct lk_watch *watch,
                  struct lk_pulled *out,
                  struct lk_error *err)
{
    struct lk_pulled pulled = {0};
    int code = place_of(entry, &pulled.path, err);
    if (!code && entry->path)
        code = look(entry, &pulled, err);
    if (!code && !pulled.was_there)
        code = bring(entry, options, watch, &pulled, err);
    if (code)
        free(pulled.path);
    else
        *out = pulled;
    return code;
}

int lk_model_copy(const char *from,
                  const char *to,
                  const struct lk_watch *watch,
                  struct lk_error *err)
{
    const struct lk__wanted wanted = {.to = to, .watch = watch};
    lk__download *download;
    struct lk_sha256 sha256;
    int code = lk__download_open(&wanted, &download, err);
    if (code)
        return code;
    code = lk__fetch_file(download, from, err);
    code = code ? code : lk__download_finish(download, &sha256, err);
    lk__download_close(download);
    return code;
}
