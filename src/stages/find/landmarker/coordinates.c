// SPDX-License-Identifier: Apache-2.0
/* Landmarkers that answer coordinates.
 *
 *     pfld         Guo et al. 2019, "PFLD: A Practical Facial Landmark Detector": 112², RGB ÷ 255,
 *                  68 points of iBUG or 98 of WFLW as fractions of the crop
 *     2d106det     insightface: 192², RGB 0…255, 106 points −1…1
 *     liveportrait its landmark.onnx: 224², RGB ÷ 255, three outputs, 203 points in the last
 *     mesh         MediaPipe's face mesh: 192² with 468 points, 256² with 478, RGB ÷ 255, three
 *                  numbers a point in crop pixels, and a logit that there is a face */
#include <math.h>

#include "stages/find/landmarker/families.h"

/* Elements of a port, a free batch taken as one; 0 when another dimension is free. */
static int64_t elements_of(const struct lk_port *port)
{
    int64_t n = 1;
    for (int i = 0; i < port->rank; i++) {
        if (port->shape[i] < 0 && i > 0)
            return 0;
        n *= port->shape[i] < 0 ? 1 : port->shape[i];
    }
    return port->rank ? n : 0;
}

static bool fits(const struct lk__landmarker_family *family, const lk_session *session)
{
    const struct lk_port *out;
    size_t n = lk_session_outputs(session, &out);
    if (!lk__landmarker_input(family, session))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (elements_of(&out[i]) == (int64_t)family->points * family->numbers)
            return true;
    }
    return false;
}

/* The output of so many numbers; NULL: none. */
static const float *output_of(const struct lk__reply *reply, size_t n)
{
    for (size_t i = 0; i < reply->count; i++) {
        if (lk_array_count(&reply->outputs[i]) == n)
            return reply->outputs[i].data;
    }
    return NULL;
}

static bool decode(const struct lk__landmarker_family *family,
                   const struct lk__reply *reply,
                   float (*points)[2],
                   float *score)
{
    const size_t n = (size_t)family->points, numbers = (size_t)family->numbers;
    const float *at = output_of(reply, n * numbers);
    const float *logit = numbers == 3 ? output_of(reply, 1) : NULL;
    if (!at)
        return false;
    for (size_t i = 0; i < n; i++) {
        points[i][0] = (at[i * numbers] + family->shift) * family->scale;
        points[i][1] = (at[i * numbers + 1] + family->shift) * family->scale;
    }
    *score = logit ? 1 / (1 + expf(-*logit)) : 1;
    return true;
}

/* PFLD's users cut 1.2 × the box's shorter side, and resize that cut. */
static void place_shorter(const struct lk__landmarker_family *family,
                          const float box[4],
                          struct lk_affine *to_crop)
{
    double width = box[2] - box[0], height = box[3] - box[1];
    double size = (double)family->edge * fmin(width, height), k = family->side / size;
    double left = ((double)box[0] + box[2] - size) / 2, top = ((double)box[1] + box[3] - size) / 2;
    *to_crop = lk__place_at(k, (0.5 - left) * k - 0.5, k, (0.5 - top) * k - 0.5);
}

static const struct lk__five five_of_98 = {{{1, {96}}, {1, {97}}, {1, {54}}, {1, {76}}, {1, {82}}}};
static const struct lk__five five_of_106 = {
    {{1, {38}}, {1, {88}}, {1, {86}}, {1, {52}}, {1, {61}}}};
/* Which of the 203 is the nose's tip is not published. */
static const struct lk__five five_of_203 = {
    {{1, {197}}, {1, {198}}, {0, {0}}, {1, {48}}, {1, {66}}}};
static const struct lk__five five_of_468 = {
    {{2, {33, 133}}, {2, {362, 263}}, {1, {1}}, {1, {61}}, {1, {291}}}};
static const struct lk__five five_of_478 = {
    {{1, {468}}, {1, {473}}, {1, {1}}, {1, {61}}, {1, {291}}}};

const struct lk__landmarker_family lk__landmarker_pfld = {
    .name = "pfld",
    .expects = "one input [1,3,112,112] and an output [1,136] or [1,196]",
    .side = 112,
    .points = 68,
    .factor = {1 / 255.0f, 1 / 255.0f, 1 / 255.0f},
    .five = &lk__five_of_68,
    .place = place_shorter,
    .edge = 1.2f,
    .fits = fits,
    .decode = decode,
    .numbers = 2,
    .scale = 112,
};

const struct lk__landmarker_family lk__landmarker_pfld98 = {
    .name = "pfld98",
    .expects = "one input [1,3,112,112] and an output [1,196]",
    .side = 112,
    .points = 98,
    .factor = {1 / 255.0f, 1 / 255.0f, 1 / 255.0f},
    .five = &five_of_98,
    .place = place_shorter,
    .edge = 1.2f,
    .fits = fits,
    .decode = decode,
    .numbers = 2,
    .scale = 112,
};

const struct lk__landmarker_family lk__landmarker_2d106det = {
    .name = "2d106det",
    .expects = "one input [1,3,192,192] and one output [1,212]",
    .side = 192,
    .points = 106,
    .factor = {1, 1, 1},
    .five = &five_of_106,
    .place = lk__place_square,
    .edge = 1.5f,
    .fits = fits,
    .decode = decode,
    .numbers = 2,
    .shift = 1,
    .scale = 96,
};

const struct lk__landmarker_family lk__landmarker_liveportrait = {
    .name = "liveportrait",
    .expects = "one input [1,3,224,224] and an output [1,406]",
    .side = 224,
    .points = 203,
    .factor = {1 / 255.0f, 1 / 255.0f, 1 / 255.0f},
    .five = &five_of_203,
    .place = lk__place_square,
    .edge = 1.5f,
    .up = 0.1f,
    .fits = fits,
    .decode = decode,
    .numbers = 2,
    .scale = 224,
};

const struct lk__landmarker_family lk__landmarker_mesh = {
    .name = "mesh",
    .expects = "one input of 192² or 256² pixels and an output of 468 or 478 × 3 numbers",
    .side = 192,
    .points = 468,
    .factor = {1 / 255.0f, 1 / 255.0f, 1 / 255.0f},
    .five = &five_of_468,
    .place = lk__place_square,
    .edge = 1.5f,
    .fits = fits,
    .decode = decode,
    .numbers = 3,
    .scale = 1,
};

const struct lk__landmarker_family lk__landmarker_mesh478 = {
    .name = "mesh478",
    .expects = "one input of 256² pixels and an output of 478 × 3 numbers",
    .side = 256,
    .points = 478,
    .factor = {1 / 255.0f, 1 / 255.0f, 1 / 255.0f},
    .five = &five_of_478,
    .place = lk__place_square,
    .edge = 1.5f,
    .fits = fits,
    .decode = decode,
    .numbers = 3,
    .scale = 1,
};
