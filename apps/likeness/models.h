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

int models_show(struct cli *cli, const struct lk_model_entry *entry, struct lk_error *err);

#endif
