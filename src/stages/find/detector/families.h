// SPDX-License-Identifier: Apache-2.0
/* What the detector families share: one file each, one row in detector.c.
 *
 * A family knows how its networks want the canvas and how their answers become faces. Which looks
 * are taken at a picture is find.c's business. */
#ifndef LK_STAGES_FIND_DETECTOR_FAMILIES_H
#define LK_STAGES_FIND_DETECTOR_FAMILIES_H

#include "runtime/contract.h"
#include "stages/find/internal.h"

/* What a network answered to one canvas: count arrays, all f32 and finite, in the session's order.
 */
struct lk__answer {
    const struct lk_contract *contract;
    const struct lk_port *ports;
    const struct lk_array *outputs;
    size_t count;
    const struct lk__letterbox *box; /* [boxes] that lay in the canvas */
    size_t boxes;
};

struct lk__detector_family {
    const char *name;
    const char *expects; /* the contract, for error sentences */
    struct lk__pixels pixels;
    bool boxes_only;  /* it answers no points */
    bool counts_rows; /* decode fails where the rows are not those of the canvas */
    float sure;       /* the score that upright faces reach, and others seldom */
    /* Does the session keep the contract? Reports nothing itself. Families tell their networks
     * apart: at most one of them says yes. */
    bool (*fits)(const lk_session *session);
    /* Adds the faces with score ≥ threshold, in pixels of what lay in the canvas. */
    int (*decode)(const struct lk__answer *answer,
                  float threshold,
                  struct lk__candidates *out,
                  struct lk_error *err);
};

extern const struct lk__detector_family lk__detector_scrfd;
extern const struct lk__detector_family lk__detector_retinaface;
extern const struct lk__detector_family lk__detector_yunet;
extern const struct lk__detector_family lk__detector_yoloface;
extern const struct lk__detector_family lk__detector_ultraface;

/* Whether the only input is a picture [1,3,H,W] and there are so many outputs. */
bool lk__detector_ports(const lk_session *session, size_t outputs, const struct lk_port **out);

/* Cells of a canvas's side at a stride: convolutions round up. */
size_t lk__cells(int side, int stride);

/* The sentence for outputs whose shapes do not belong to the canvas: LK_E_INPUT. */
int lk__answer_fail(const struct lk__answer *answer, struct lk_error *err);

/* Adds a face given in canvas pixels to what lay in the canvas where the face is; an empty box is
 * no face. points NULL: none. */
int lk__answer_add(const struct lk__answer *answer,
                   float score,
                   const float box[4],
                   const float (*points)[2],
                   struct lk__candidates *out,
                   struct lk_error *err);

#endif
