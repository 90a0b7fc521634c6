// SPDX-License-Identifier: Apache-2.0
/* What stands behind people, and pictures without people: functions of a place in the picture, its
 * seed and nothing else.
 */
#ifndef STARTER_FACES_SCENE_H
#define STARTER_FACES_SCENE_H

#include "faces.h"

/* Linear light (0..1.1) behind the people of a shot, at (u, v) of the picture, 0..1 from the top
 * left. pixel: size of a pixel in u, for soft edges. */
struct vec3 backdrop_colour(const struct shot *shot, float u, float v, float pixel);
/* Linear light (0..1.1) of a scene (SCENE_*) without people. */
struct vec3 scene_colour(int scene, uint64_t seed, float u, float v, float pixel);
/* What the seed decides that a caption can say, such as the colour of the cat ("orange") or of the
 * roofs; NULL where a scene has no such choice. */
const char *scene_detail(int scene, uint64_t seed);

#endif
