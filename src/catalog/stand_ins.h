// SPDX-License-Identifier: Apache-2.0
/* Tensors in memory that stand in for a checkpoint's own. Shared by the files of this folder. */
#ifndef LK_CATALOG_STAND_INS_H
#define LK_CATALOG_STAND_INS_H

#include "catalog/checkpoint.h"

typedef struct lk__stand_ins lk__stand_ins;

int lk__stand_ins_new(lk__stand_ins **out, struct lk_error *err);
void lk__stand_ins_free(lk__stand_ins *stand_ins); /* NULL is fine */

/* By diffusers name; NULL: none. */
const struct lk_tensor *lk__stand_ins_find(const lk__stand_ins *stand_ins,
                                           enum lk_part part,
                                           const char *name);
/* *values: the numbers of the one of that name, made of `own` as f32 when there is none yet. */
int lk__stand_ins_take(lk__stand_ins *stand_ins,
                       enum lk_part part,
                       const char *name,
                       const struct lk_tensor *own,
                       float **values,
                       struct lk_error *err);
/* Which parts have any: bits 1 << part. */
unsigned lk__stand_ins_parts(const lk__stand_ins *stand_ins);

/* checkpoint.c: the file's tensor, whatever stands in for it. */
const struct lk_tensor *lk__checkpoint_own(const lk_checkpoint *checkpoint,
                                           enum lk_part part,
                                           const char *diffusers_name);
/* Takes them over, NULL for none; those of before are freed. Returns the parts of before. */
unsigned lk__checkpoint_set_stand_ins(lk_checkpoint *checkpoint, lk__stand_ins *stand_ins);

#endif
