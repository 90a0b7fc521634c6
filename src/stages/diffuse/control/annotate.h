// SPDX-License-Identifier: Apache-2.0
/* What a ControlNet sees of a picture, as far as no network is needed to make it; depth.h and
 * pose_network.h have those that need one. */
#ifndef LK_STAGES_DIFFUSE_ANNOTATE_H
#define LK_STAGES_DIFFUSE_ANNOTATE_H

#include "base/error.h"
#include "data/picture.h"

/* As an option's choices; the last three before none are pictures of what networks saw. */
#define LK_ANNOTATORS "canny|scribble|tile|face|pose|depth|none"

/* canny: edges, white on black (OpenCV's Canny with thresholds 100 and 200). scribble: dark lines,
 * white on black (the WebUI's scribble_xdog). tile, none: the picture itself; none says that it is
 * an annotation already. The picture is resized to width × height first. *out: RGB. LK_E_INPUT for
 * a type that is none of these. */
int lk_annotate(const char *type,
                const struct lk_picture *picture,
                int width,
                int height,
                struct lk_picture **out,
                struct lk_error *err);

/* Canny's edges of an u8 picture: *out u8 RGB, 0 or 255. Thresholds of |dx| + |dy| of Sobel's 3×3.
 */
int lk__canny(const struct lk_picture *picture,
              int low,
              int high,
              struct lk_picture **out,
              struct lk_error *err);

#endif
