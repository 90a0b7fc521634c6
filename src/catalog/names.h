// SPDX-License-Identifier: Apache-2.0
/* Which names a checkpoint's file uses for its tensors, and the way from diffusers' names to them.
 * Shared by the files of this folder. */
#ifndef LK_CATALOG_NAMES_H
#define LK_CATALOG_NAMES_H

#include "catalog/checkpoint.h"

#define LK__NAME_MAX 256

/* How one part's tensors are called in a file. */
struct lk__naming {
    enum lk_part part;
    const char *probe;  /* a tensor that is there only when the file is of this naming */
    const char *prefix; /* what the file puts before every name */
    const char *strip;  /* what the file leaves out at the front of diffusers' names */
    int ldm;            /* names between are CompVis' (LDM), else diffusers' */
};

/* The naming that the file has for the part; NULL when the part is not in it. */
const struct lk__naming *lk__naming_of(const lk_tensor_file *file, enum lk_part part);

/* Looks the tensor up by its diffusers name. config: levels, layers and attention of the part, as
 * far as they are known (LDM numbers its blocks through all levels). NULL when absent. */
const struct lk_tensor *lk__find(const lk_tensor_file *file,
                                 const struct lk__naming *naming,
                                 const struct lk_checkpoint_config *config,
                                 const char *diffusers_name);

/* The name that LDM files have for a tensor, without their prefix; the same name for one that they
 * call as diffusers does. config: as above. */
void lk__ldm_name(enum lk_part part,
                  const struct lk_checkpoint_config *config,
                  const char *diffusers_name,
                  char out[LK__NAME_MAX]);

/* What the file seems to be when it is no SD 1.x checkpoint, as "an SDXL checkpoint"; NULL when
 * nothing known. */
const char *lk__recognise(const lk_tensor_file *file);

#endif
