// SPDX-License-Identifier: Apache-2.0
/* `likeness models VERB …`: the verbs, of which list, show and export are here. */
#include "models.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/error.h"
#include "base/size.h"
#include "catalog/catalog.h"
#include "catalog/checkpoint.h"
#include "cli.h"
#include "pipeline/recognise.h"
#include "runtime/session.h"

static void list_entry(const struct lk_model_entry *entry, bool json)
{
    uint64_t bytes = entry->bytes;
    char size[24] = "?";
    if (entry->path)
        lk_model_size(entry, &bytes, NULL);
    if (bytes)
        snprintf(size, sizeof size, "%.1f MB", (double)bytes / 1e6);
    if (!json) {
        printf("%-11s %-22s %-11s %11s  %s\n", lk_role_name(entry->role), entry->name,
               entry->family, size,
               entry->path     ? entry->path
               : entry->source ? entry->source
                               : "not here");
        return;
    }
    json_t *line =
        json_pack("{s:s,s:s,s:s,s:s?,s:s?,s:b,s:I,s:s?,s:s?}", "role", lk_role_name(entry->role),
                  "name", entry->name, "family", entry->family, "path", entry->path, "licence",
                  entry->licence, "commercial_use", !lk_model_is_non_commercial(entry), "bytes",
                  (json_int_t)bytes, "sha256", entry->sha256, "url", entry->url);
    json_dumpf(line, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(line);
}

static int list_models(struct cli *cli, lk_catalog *catalog, struct lk_error *err)
{
    (void)err;
    for (size_t i = 0; i < lk_catalog_count(catalog); i++)
        list_entry(lk_catalog_at(catalog, i), cli->with.output.json);
    return 0;
}

/* The entry of the file at a path that its tensors say to be of another role than a checkpoint; or
 * NULL. A FaceID holds a LoRA, too. */
static const struct lk_model_entry *find_small(lk_catalog *catalog, const char *name)
{
    static const enum lk_role kinds[] = {LK_ROLE_ADAPTER, LK_ROLE_LORA, LK_ROLE_VISION};
    for (size_t i = 0; i < LK_ARRAY_LENGTH(kinds); i++) {
        const struct lk_model_entry *entry = NULL;
        if (!lk_catalog_find(catalog, kinds[i], name, &entry, NULL) &&
            lk_recognise_as(entry->path, kinds[i]))
            return entry;
    }
    return NULL;
}

/* The entry of that name in any role; a path is taken for what its tensors say. */
static int find_entry(lk_catalog *catalog,
                      const char *name,
                      const struct lk_model_entry **out,
                      struct lk_error *err)
{
    for (size_t i = 0; i < lk_catalog_count(catalog); i++) {
        const struct lk_model_entry *entry = lk_catalog_at(catalog, i);
        if (entry->path && entry->role != LK_ROLE_CHECKPOINT && !strcmp(entry->name, name) &&
            strcmp(name, "starter")) {
            *out = entry;
            return 0;
        }
    }
    const struct lk_model_entry *small = find_small(catalog, name);
    if (!small)
        return lk_catalog_find(catalog, LK_ROLE_CHECKPOINT, name, out, err);
    *out = small;
    return 0;
}

static int show_model(struct cli *cli, lk_catalog *catalog, struct lk_error *err)
{
    const struct lk_model_entry *entry;
    int rc = find_entry(catalog, cli->words[1], &entry, err);
    return rc ? rc : models_show(cli, entry, err);
}

static int export_part(struct cli *cli,
                       const struct lk_model_entry *entry,
                       size_t part,
                       struct lk_error *err)
{
    lk_checkpoint *checkpoint;
    lk_graph *graph;
    int rc = lk_checkpoint_open(entry->path, cli->with.request.vae, &checkpoint, err);
    if (rc)
        return rc;
    rc = networks[part].graph(checkpoint, &graph, err);
    if (!rc) {
        rc = lk_graph_export(graph, cli->with.output.path, err);
        lk_graph_free(graph);
    }
    lk_checkpoint_free(checkpoint);
    if (!rc && !cli->with.output.quiet)
        printf("%s and %s.data\n", cli->with.output.path, cli->with.output.path);
    return rc;
}

static int export_model(struct cli *cli, lk_catalog *catalog, struct lk_error *err)
{
    const struct lk_model_entry *entry;
    if (!cli->with.output.path)
        return lk_fail(err, LK_E_INPUT, "where the network goes is not said: give -o FILE.onnx");
    int rc = lk_catalog_find(catalog, LK_ROLE_CHECKPOINT, cli->words[1], &entry, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < network_count; i++) {
        if (!strcmp(networks[i].name, cli->words[2]))
            return export_part(cli, entry, i, err);
    }
    return lk_fail(err, LK_E_INPUT,
                   "'%s' is none of the parts text, text-2, unet, vae-decoder, vae-encoder",
                   cli->words[2]);
}

static const struct {
    const char *name;
    int least, most; /* words, the verb among them */
    int (*run)(struct cli *cli, lk_catalog *catalog, struct lk_error *err);
} verbs[] = {
    {"list", 1, 1, list_models}, {"show", 2, 2, show_model},       {"pull", 2, 66, models_pull},
    {"add", 2, 2, models_add},   {"verify", 1, 66, models_verify}, {"export", 3, 3, export_model},
};

int cmd_models(struct cli *cli, struct lk_error *err)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(verbs); i++) {
        if (strcmp(verbs[i].name, cli->words[0]) || cli->n_words < verbs[i].least ||
            cli->n_words > verbs[i].most)
            continue;
        lk_catalog *catalog;
        int rc = lk_catalog_open(NULL, &catalog, err);
        if (rc)
            return rc;
        rc = verbs[i].run(cli, catalog, err);
        lk_catalog_free(catalog);
        return rc;
    }
    return lk_fail(err, LK_E_INPUT, "usage: likeness models %s", cli->command->words);
}
