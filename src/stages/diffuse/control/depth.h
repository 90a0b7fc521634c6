// SPDX-License-Identifier: Apache-2.0
/* How far away things are, as a network sees it: white is near. What depth ControlNets follow. */
#ifndef LK_STAGES_DIFFUSE_CONTROL_DEPTH_H
#define LK_STAGES_DIFFUSE_CONTROL_DEPTH_H

#include "base/error.h"
#include "base/watch.h"
#include "data/picture.h"
#include "runtime/session.h"

typedef struct lk_depth lk_depth;

/* family: a row of the table in depth.c. The runtime must outlive it. LK_E_INPUT when the file is
 * another kind of network, or the family is not known. */
int lk_depth_open(lk_runtime *runtime,
                  const char *family,
                  const char *path,
                  const char *device,
                  lk_depth **out,
                  struct lk_error *err);
void lk_depth_free(lk_depth *depth); /* NULL is fine */

/* picture: u8 or f32, any size. *out: u8 RGB grey, width × height, stretched from 0 (farthest) to
 * 255. */
int lk_depth_see(const lk_depth *depth,
                 const struct lk_picture *picture,
                 int width,
                 int height,
                 const struct lk_watch *watch,
                 struct lk_picture **out,
                 struct lk_error *err);

#endif
