// SPDX-License-Identifier: Apache-2.0
/* What the landmarker families share: one row each in landmarker.c. */
#ifndef LK_STAGES_FIND_LANDMARKER_FAMILIES_H
#define LK_STAGES_FIND_LANDMARKER_FAMILIES_H

#include "data/affine.h"
#include "runtime/contract.h"
#include "stages/find/landmarker.h"

/* Which points of a mark-up are the five: each is the mean of `count` of them. count 0: it is not
 * among them, and the detector's stays. */
struct lk__five {
    struct {
        int count, of[6];
    } point[5];
};

/* What a network answered to one crop: arrays in the session's order, all f32 and finite. */
struct lk__reply {
    const struct lk_contract *contract;
    const struct lk_array *outputs;
    size_t count;
};

struct lk__landmarker_family {
    const char *name;
    const char *expects; /* the contract, for error sentences */
    int side;            /* of the crop [1,3,S,S] or [1,S,S,3], RGB, px */
    int points;
    float mean[3], factor[3]; /* (v − mean)·factor, v = 0…255 */
    const struct lk__five *five;
    /* The crop of an upright face's box; a square of edge × its longer or shorter side, whose
     * middle lies `up` of that above the box's. */
    void (*place)(const struct lk__landmarker_family *family,
                  const float box[4],
                  struct lk_affine *to_crop);
    float edge, up;
    bool (*fits)(const struct lk__landmarker_family *family, const lk_session *session);
    /* points [family->points] in crop pixels, score 0…1. false: the arrays are of other shapes. */
    bool (*decode)(const struct lk__landmarker_family *family,
                   const struct lk__reply *reply,
                   float (*points)[2],
                   float *score);
    /* Of families that answer coordinates: so many numbers a point, x and y first; in the crop it
     * lies at (v + shift)·scale. */
    int numbers;
    float shift, scale;
};

extern const struct lk__landmarker_family lk__landmarker_2dfan4, lk__landmarker_openseeface;
extern const struct lk__landmarker_family lk__landmarker_pfld, lk__landmarker_pfld98,
    lk__landmarker_2d106det, lk__landmarker_liveportrait, lk__landmarker_mesh,
    lk__landmarker_mesh478;

/* The 68 points of iBUG. */
extern const struct lk__five lk__five_of_68;

/* The crop that is a square of edge × the box's longer side. */
void lk__place_square(const struct lk__landmarker_family *family,
                      const float box[4],
                      struct lk_affine *to_crop);
/* Scales and shifts alone: picture x is crop sx·x + tx. */
struct lk_affine lk__place_at(double sx, double tx, double sy, double ty);

/* Whether the only input is a crop of the family's side; channels may come first or last. */
bool lk__landmarker_input(const struct lk__landmarker_family *family, const lk_session *session);

/* The face as the network sees it: tensor malloc'd f32, rounded to 8 bits before (v − mean)·factor,
 * as crops of the references are. picture: u8 or f32. */
int lk__landmarker_tensor(const lk_landmarker *landmarker,
                          const struct lk_picture *picture,
                          const struct lk_face *face,
                          float **tensor,
                          struct lk_affine *to_crop,
                          struct lk_error *err);

#endif
