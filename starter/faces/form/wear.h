// SPDX-License-Identifier: Apache-2.0
/* What those who build clothes, hats and hands share with each other and with those who paint them:
 * the trunk as a surface round the neck's axis, and the parts (tags) of what is worn.
 */
#ifndef STARTER_FACES_FORM_WEAR_H
#define STARTER_FACES_FORM_WEAR_H

#include "form.h"

/* Tags of MAT_CLOTH, MAT_COLLAR, MAT_SLEEVE, MAT_BUTTON, MAT_HAT and MAT_HAT_BAND. */
enum {
    PART_BODY,
    PART_SLEEVE,
    PART_RIB,    /* cuffs and crew necks */
    PART_COLLAR, /* plain, of the garment's colour */
    PART_LAPEL,
    PART_INNER, /* the shirt under a jacket */
    PART_TIE,
    PART_CORD,
    PART_BUTTON,
    PART_TROUSERS,
    PART_SHOE,
    PART_CAP,
    PART_VISOR,
    PART_KNIT,
    PART_CUFF,
    PART_POMPOM,
    PART_STRAW,
    PART_BAND,
    PART_SCARF,
    PART_COUNT
};

/* Tags of MAT_FRAME and MAT_METAL are the seed's choice of colour; prop_paint knows them. */
enum { FRAME_KINDS = 3, METAL_KINDS = 2 };

enum { WEAR_COLS = 65 }; /* round the trunk; the last repeats the first */

#define HEART v3(0, -2.60f, -0.30f) /* where the rays that find the upper trunk start */

/* An adult's average height y on this trunk: children are shorter, men's shoulders higher. */
float trunk_y(const struct body *b, float y);
/* Directions round the neck and round the head: 0 front, positive to the picture's right, ±pi the
 * back. Columns crowd in front. */
float wear_angle(int column);
/* A height or width that is so much in front, at the sides and behind, smooth between. */
float wear_around(float angle, float front, float side, float back);
/* Bare skin from neck to hips: trunk without arms, joined to the neck. */
float trunk_skin(const struct body *b, struct vec3 p);
/* `lift` off the trunk in direction `angle`, so low that the neck is `gap` away. Necklines are
 * curves of gaps, so that they fit whatever neck they go round. */
struct vec3 trunk_round(const struct body *b, float angle, float gap, float lift);
/* On the neck itself at height y, `gap` off it. */
struct vec3 neck_round(const struct body *b, float angle, float y, float gap);
/* Straight behind (x, y) on the trunk's front, `lift` off the skin. */
struct vec3 trunk_front(const struct body *b, float x, float y, float lift);

/* How far sleeves reach: 1 the elbow, 2 the wrist; how wide they stand off. */
void garment_sleeve(const struct body *b, float *reach, float *loose);
/* The garment's shell, its collar and all that is sewn on. */
void garment_build(struct model *m, const struct body *b);

/* A whole arm, sleeve and skin, on side s (-1, 1). */
void arm_build(
    struct model *m, const struct body *b, float s, struct vec3 elbow, struct vec3 wrist);
/* Side on which shot->front raises a hand, -1 or 1; 0: none. */
float hand_side(const struct body *b);

#endif
