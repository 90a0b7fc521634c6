// SPDX-License-Identifier: Apache-2.0
/* What the files of `likeness models` share. */
#ifndef LIKENESS_MODELS_H
#define LIKENESS_MODELS_H

#include "catalog/catalog.h"
#include "catalog/checkpoint.h"
#include "cli.h"
#include "runtime/graph.h"

/* The networks of a checkpoint, each of one part. */
extern const struct network {
    const char *name;
    enum lk_part part;
    int (*graph)(const lk_checkpoint *checkpoint, lk_graph **out, struct lk_error *err);
} networks[];
extern const size_t network_count;

/* What a model is licensed for, in words. */
const char *models_licence(const struct lk_model_entry *entry);

int models_pull(struct cli *cli, lk_catalog *catalog, struct lk_error *err);
int models_add(struct cli *cli, lk_catalog *catalog, struct lk_error *err);
int models_verify(struct cli *cli, lk_catalog *catalog, struct lk_error *err);
int models_show(struct cli *cli, const struct lk_model_entry *entry, struct lk_error *err);

#endif
