// SPDX-License-Identifier: Apache-2.0
/* Affine maps between a picture and a face crop.
 *
 * Pixel centres lie at integer coordinates (OpenCV's and insightface's convention): (0,0) is the
 * centre of the first pixel. */
#ifndef LK_DATA_AFFINE_H
#define LK_DATA_AFFINE_H

#include <stddef.h>

#include "base/error.h"
#include "data/mask.h"
#include "data/picture.h"

/* x' = m[0]·x + m[1]·y + m[2];  y' = m[3]·x + m[4]·y + m[5] */
struct lk_affine {
    double m[6];
};

/* Least-squares similarity (rotation, uniform scale, shift; no reflection) that takes from[i] to
 * to[i]: Umeyama 1991, as skimage's SimilarityTransform and insightface use it. LK_E_INPUT when the
 * points coincide or are not finite. */
int lk_affine_similarity(const float (*from)[2],
                         const float (*to)[2],
                         size_t n,
                         struct lk_affine *out,
                         struct lk_error *err);
int lk_affine_invert(const struct lk_affine *a, struct lk_affine *out, struct lk_error *err);
void lk_affine_apply(const struct lk_affine *a, const float in[2], float out[2]);
double lk_affine_scale(const struct lk_affine *a); /* sqrt(|det|) */

/* Crop: out(x') = in(A⁻¹ x'), where `to_crop` = A takes picture to crop coordinates. Bilinear; when
 * the crop is smaller than what it shows, the bilinear samples are averaged over each crop pixel's
 * footprint, so that nothing aliases. Outside the picture: 0. in: f32 or u8, out: f32 of the same
 * channels, width × height. */
int lk_affine_crop(const struct lk_picture *in,
                   const struct lk_affine *to_crop,
                   int width,
                   int height,
                   struct lk_picture **out,
                   struct lk_error *err);

/* The same map with plain bilinear sampling and border 0, as cv2.warpAffine does it up to its
 * fixed-point rounding: for parity with engines that use it. */
int lk_affine_crop_bilinear(const struct lk_picture *in,
                            const struct lk_affine *to_crop,
                            int width,
                            int height,
                            struct lk_picture **out,
                            struct lk_error *err);

/* Paste-back: canvas(x) = (1−w)·canvas(x) + w·crop(A x), w = mask(A x), both bilinear, averaged
 * over the footprint as above where the crop is larger than the place it goes to. canvas: f32,
 * changed in place, only where w > 0; all other pixels keep their bits. crop: f32 of the canvas's
 * channels. mask: of the crop's size. */
int lk_affine_paste(struct lk_picture *canvas,
                    const struct lk_picture *crop,
                    const struct lk_mask *mask,
                    const struct lk_affine *to_crop,
                    struct lk_error *err);

/* canvas(x) += w·change(A x), in the same way. Of a crop that resampling has blurred nothing but
 * what was done to it comes back, so that the canvas is not blurred by what was not done: for crops
 * at least as fine as the canvas. */
int lk_affine_add(struct lk_picture *canvas,
                  const struct lk_picture *change,
                  const struct lk_mask *mask,
                  const struct lk_affine *to_crop,
                  struct lk_error *err);

#endif
