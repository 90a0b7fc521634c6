// SPDX-License-Identifier: Apache-2.0
/* People as OpenPose draws them, which is what pose ControlNets were trained on: a skeleton of
 * coloured limbs, and white dots in the face. */
#ifndef LK_STAGES_DIFFUSE_CONTROL_POSE_H
#define LK_STAGES_DIFFUSE_CONTROL_POSE_H

#include "base/error.h"
#include "data/face.h"
#include "data/picture.h"

/* OpenPose's order: nose, neck, right shoulder, elbow, wrist, left ones, right hip, knee, ankle,
 * left ones, right eye, left eye, right ear, left ear; right is the person's. */
#define LK_POSE_BODY 18
/* 68 landmarks (iBUG), then the right and the left pupil. */
#define LK_POSE_FACE 70

/* One person, in pixels of a picture; NaN where a point is not seen. */
struct lk_pose {
    float body[LK_POSE_BODY][2], face[LK_POSE_FACE][2];
};

void lk_pose_init(struct lk_pose *pose); /* nothing is seen */

/* A head: nose and eyes of the skeleton, and the pupils; of the face's other points the 68 where a
 * landmarker of iBUG's mark-up saw them, else tip of the nose and corners of the mouth. */
void lk_pose_of_face(const struct lk_face *face, struct lk_pose *out);

/* *out: u8 RGB on black, width × height, of poses [n] seen in a picture of seen_width × seen_height
 * pixels. Limbs are ellipses 8 pixels thick of 3/5 the brightness, joints discs of radius 4, points
 * of the face of radius 3, whatever the size: as controlnet_aux draws them. */
int lk_pose_draw(const struct lk_pose *poses,
                 size_t n,
                 int seen_width,
                 int seen_height,
                 int width,
                 int height,
                 struct lk_picture **out,
                 struct lk_error *err);

#endif
