// SPDX-License-Identifier: Apache-2.0
/* `likeness models pull NAME…`: models from their owners, a mirror or a folder.
 * `likeness models verify [NAME…]`: what is installed against what the catalogue says of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>

#include "base/error.h"
#include "catalog/pull.h"
#include "models.h"

const char *models_licence(const struct lk_model_entry *entry)
{
    return entry->licence ? entry->licence : "not known: ask its owner";
}

static void print_json(json_t *line)
{
    json_dumpf(line, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(line);
}

/* ---- pull ---- */

static void say_pulled(const struct cli *cli,
                       const struct lk_model_entry *entry,
                       const struct lk_pulled *pulled)
{
    const char *sha256 = pulled->sha256.hex;
    if (cli->with.output.json) {
        print_json(json_pack("{s:s,s:s,s:s,s:b,s:b,s:s?,s:b}", "name", entry->name, "path",
                             pulled->path, "sha256", sha256, "verified", entry->sha256 != NULL,
                             "was_there", pulled->was_there, "licence", entry->licence,
                             "commercial_use", !lk_model_is_non_commercial(entry)));
        return;
    }
    if (cli->with.output.quiet)
        return;
    printf("%-22s %s%s\n", entry->name, pulled->was_there ? "is there already: " : "",
           pulled->path);
    if (entry->sha256)
        printf("  sha256   %s, as it should be\n", sha256);
    else
        printf("  sha256   %s, for which nothing vouches: compare it with what its owner says\n",
               sha256);
    printf("  licence  %s%s\n", models_licence(entry),
           lk_model_is_non_commercial(entry) ? ": NOT for commercial use" : "");
    fflush(stdout);
}

int models_pull(struct cli *cli, lk_catalog *catalog, struct lk_error *err)
{
    const struct lk_models_words *words = &cli->with.models;
    const struct lk_pull_options options = {.from = words->from ? words->from
                                                                : cli->with.settings.mirror,
                                            .unverified = words->unverified};
    struct lk_watch watch;
    cli_watch_init(&watch, cli);
    int rc = 0;
    for (int i = 1; i < cli->n_words && !rc; i++) {
        const struct lk_model_entry *entry;
        struct lk_pulled pulled = {0};
        rc = lk_catalog_named(catalog, cli->words[i], &entry, err);
        rc = rc ? rc : lk_model_pull(entry, &options, &watch, &pulled, err);
        cli_watch_done(cli);
        if (!rc)
            say_pulled(cli, entry, &pulled);
        free(pulled.path);
    }
    return rc;
}

/* ---- verify ---- */

static void say_verified(const struct cli *cli,
                         const struct lk_model_entry *entry,
                         const struct lk_sha256 *sha256,
                         const struct lk_error *why)
{
    const char *state = why ? "wrong" : entry->sha256 ? "right" : "unknown";
    if (cli->with.output.json)
        print_json(json_pack("{s:s,s:s,s:s,s:s?,s:s?}", "name", entry->name, "path", entry->path,
                             "state", state, "sha256", why ? NULL : sha256->hex, "error",
                             why ? why->message : NULL));
    else if (why)
        printf("%-8s %-22s %s\n", state, entry->name, why->message);
    else if (entry->sha256)
        printf("%-8s %-22s %s\n", state, entry->name, entry->path);
    else
        printf("%-8s %-22s %s: nothing vouches for sha256 %s\n", state, entry->name, entry->path,
               sha256->hex);
    fflush(stdout);
}

/* wrong: counts those that are. */
static int verify_entry(struct cli *cli,
                        const struct lk_model_entry *entry,
                        int *wrong,
                        struct lk_error *err)
{
    struct lk_sha256 sha256;
    struct lk_error why;
    const int rc = lk_model_verify(entry, &sha256, &why);
    if (rc && rc != LK_E_INPUT)
        return lk_fail(err, rc, "%s", why.message);
    *wrong += rc != 0;
    say_verified(cli, entry, &sha256, rc ? &why : NULL);
    return 0;
}

/* All that are installed, or all of the name, which may stand for several: "starter". */
static int verify_named(
    struct cli *cli, const lk_catalog *catalog, const char *name, int *wrong, struct lk_error *err)
{
    const struct lk_model_entry *named = NULL;
    int rc = name ? lk_catalog_named(catalog, name, &named, err) : 0;
    for (size_t i = 0; i < lk_catalog_count(catalog) && !rc; i++) {
        const struct lk_model_entry *entry = lk_catalog_at(catalog, i);
        if (named ? !strcasecmp(entry->name, named->name) : entry->path != NULL)
            rc = verify_entry(cli, entry, wrong, err);
    }
    return rc;
}

int models_verify(struct cli *cli, lk_catalog *catalog, struct lk_error *err)
{
    int wrong = 0;
    int rc = cli->n_words == 1 ? verify_named(cli, catalog, NULL, &wrong, err) : 0;
    for (int i = 1; i < cli->n_words && !rc; i++)
        rc = verify_named(cli, catalog, cli->words[i], &wrong, err);
    return rc || !wrong
               ? rc
               : lk_fail(err, LK_E_FAILED, "%d %s: pull %s again, or ask where %s from", wrong,
                         wrong == 1 ? "model is not what the catalogue says"
                                    : "models are not what the catalogue says",
                         wrong == 1 ? "it" : "them", wrong == 1 ? "it comes" : "they come");
}
