// SPDX-License-Identifier: Apache-2.0
/* What the tests of the fit and judge stages look at: a drawn face with everything known about it.
 */
#ifndef TESTS_STAGES_TEST_FIT_SCENE_H
#define TESTS_STAGES_TEST_FIT_SCENE_H

#include "data/mask.h"
#include "data/picture.h"

/* f32 RGB n×n: skin with pores, brows, eyes, mouth, dark hair around, in the place of the
 * arcface_128 template. person shifts features and skin's texture, not its colour. */
struct lk_picture *scene_face(int n, int person);
void scene_points(int n, float points[5][2]);

struct lk_picture *scene_copy(const struct lk_picture *picture);
/* Multiplies linear light by gain(u, v, channel), u and v −1…1. */
void scene_relight(struct lk_picture *picture, double (*gain)(double u, double v, int c));
struct lk_mask *scene_mask(int width, int height, float value);
/* value where (x − cx)² + (y − cy)² <= r², 0 elsewhere. */
struct lk_mask *scene_disc(int n, float cx, float cy, float r);
/* The greatest |a − b|. */
double scene_difference(const struct lk_picture *a, const struct lk_picture *b);

#endif
