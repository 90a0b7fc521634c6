// SPDX-License-Identifier: Apache-2.0
/* What a checkpoint's tensors and JSON say about its networks. Shared by the files of this folder.
 */
#ifndef LK_CATALOG_TOPOLOGY_H
#define LK_CATALOG_TOPOLOGY_H

#include <jansson.h>

#include "catalog/names.h"

/* Reads the family and levels, widths, resnets, attention, context … of the parts [LK_PART_COUNT]
 * from their tensors; sets the family's values where tensors cannot tell. A part without naming is
 * not there. */
int lk__topology_read(const struct lk__part *parts,
                      struct lk_checkpoint_config *config,
                      struct lk_error *err);

/* The same of a ControlNet, whose part counts as a UNet's. */
int lk__topology_read_control(const struct lk__part *part,
                              struct lk_checkpoint_config *config,
                              struct lk_error *err);

/* Heads and groups must divide the widths; called when all that speaks of them was read. */
int lk__topology_check(const struct lk__part *parts,
                       const struct lk_checkpoint_config *config,
                       struct lk_error *err);
int lk__topology_check_unet(const struct lk__part *part,
                            const struct lk_unet_config *unet,
                            struct lk_error *err);

/* Loads a JSON object of at most 1 MiB. LK_E_MISSING without sentence when there is no such file.
 */
int lk__json_load(const char *path, json_t **out, struct lk_error *err);

/* Overrides what a part's config.json (or its member of a sidecar) sets. Everything in it is
 * hostile; settings that likeness would ignore to the picture's harm are refused. */
int lk__config_apply(const json_t *object,
                     enum lk_part part,
                     const char *path,
                     struct lk_checkpoint_config *config,
                     struct lk_error *err);

/* The same for scheduler_config.json (or the sidecar's "scheduler"): prediction, spacing, zero
 * terminal SNR; another noise schedule than Stable Diffusion's is refused. */
int lk__scheduler_apply(const json_t *object,
                        const char *path,
                        struct lk_checkpoint_config *config,
                        struct lk_error *err);

#endif
