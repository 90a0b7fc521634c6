// SPDX-License-Identifier: Apache-2.0
/* Which names a checkpoint's file uses for its tensors, and the way from diffusers' names to them.
 * Shared by the files of this folder. */
#ifndef LK_CATALOG_NAMES_H
#define LK_CATALOG_NAMES_H

#include "base/arena.h"
#include "catalog/checkpoint.h"

#define LK__NAME_MAX 256

/* How one part's tensors are called in a file. */
struct lk__naming {
    enum lk_part part;
    const char *probe;  /* a tensor that is there only when the file is of this naming */
    const char *prefix; /* what the file puts before every name */
    const char *strip;  /* what the file leaves out at the front of diffusers' names */
    int ldm; /* names between are CompVis' (LDM) or, of text, OpenCLIP's; else diffusers' */
};

/* Where one part's tensors are. */
struct lk__part {
    const lk_tensor_file *file;
    const struct lk__naming *naming; /* NULL: the part is not there */
    const char *path;                /* for messages */
    struct lk_tensor *cuts;          /* cut out of fused tensors: their names are diffusers' */
    size_t n_cuts;
};

/* The naming that the file has for the part; NULL when the part is not in it. */
const struct lk__naming *lk__naming_of(const lk_tensor_file *file, enum lk_part part);

/* The same of a ControlNet, which is alone in its file. */
const struct lk__naming *lk__naming_of_control(const lk_tensor_file *file);

/* OpenCLIP keeps q, k and v of a layer in one tensor: fills part->cuts, in the arena, with each of
 * them. Does nothing for other namings. */
int lk__cut_fused(struct lk__part *part, lk_arena *arena, struct lk_error *err);

/* Looks the tensor up by its diffusers name. config: levels and resnets of the part, as far as they
 * are known (LDM numbers its blocks through all levels). NULL when absent. */
const struct lk_tensor *lk__find(const struct lk__part *part,
                                 const struct lk_checkpoint_config *config,
                                 const char *diffusers_name);

/* The name that LDM files have for a tensor, without their prefix; the same name for one that they
 * call as diffusers does. config: as above. */
void lk__ldm_name(enum lk_part part,
                  const struct lk_checkpoint_config *config,
                  const char *diffusers_name,
                  char out[LK__NAME_MAX]);

/* What the file seems to be when it is no checkpoint that is supported, as "a FLUX checkpoint";
 * NULL when nothing known. */
const char *lk__recognise(const lk_tensor_file *file);

#endif
