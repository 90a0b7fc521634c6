// SPDX-License-Identifier: Apache-2.0
/* OpenSeeFace's landmark networks (lm_model0 … 4).
 *
 * 224², RGB with ImageNet's normalisation; the box and a tenth of its width more on either side, an
 * eighth of its height above and below, stretched to the square. One output [1,198,28,28]: for each
 * of 66 points a heat map, then maps of what to add to x, then to y, coded as sigmoid(16·d):
 *
 *     y = 223·(row ÷ 27 + d_x)     x = 223·(column ÷ 27 + d_y)     at the heat map's peak
 *
 * (OpenSeeFace's first offset belongs to the rows.) The score is the mean of the peaks. */
#include <math.h>

#include "stages/find/landmarker/families.h"

enum { SIDE = 224, POINTS = 66, MAP = 28 };

/* As iBUG's 68, but for the mouth: its corners stand behind the outer lips. */
static const struct lk__five five_of_66 = {{{6, {36, 37, 38, 39, 40, 41}},
                                            {6, {42, 43, 44, 45, 46, 47}},
                                            {1, {30}},
                                            {1, {58}},
                                            {1, {62}}}};

static void place(const struct lk__landmarker_family *family,
                  const float box[4],
                  struct lk_affine *to_crop)
{
    double width = box[2] - box[0], height = box[3] - box[1];
    double kx = family->side / (1.2 * width), ky = family->side / (1.25 * height);
    double left = box[0] - 0.1 * width, top = box[1] - 0.125 * height;
    *to_crop = lk__place_at(kx, (0.5 - left) * kx - 0.5, ky, (0.5 - top) * ky - 0.5);
}

static bool fits(const struct lk__landmarker_family *family, const lk_session *session)
{
    const struct lk_port *out;
    return lk__landmarker_input(family, session) && lk_session_outputs(session, &out) == 1 &&
           lk_port_fits(out, 4, (const int64_t[]){1, (int64_t)3 * POINTS, MAP, MAP});
}

static size_t peak(const float *map)
{
    size_t best = 0;
    for (size_t i = 1; i < (size_t)MAP * MAP; i++) {
        if (map[i] > map[best])
            best = i;
    }
    return best;
}

static float offset(float coded)
{
    double p = fmin(fmax((double)coded, 1e-7), 0.9999999);
    return (float)(log(p / (1 - p)) / 16);
}

static bool decode(const struct lk__landmarker_family *family,
                   const struct lk__reply *reply,
                   float (*points)[2],
                   float *score)
{
    const size_t map = (size_t)MAP * MAP;
    const float *data = reply->outputs[0].data, last = (float)family->side - 1;
    float sum = 0;
    if (lk_array_count(&reply->outputs[0]) != 3 * POINTS * map)
        return false;
    for (size_t i = 0; i < POINTS; i++) {
        size_t at = peak(data + i * map);
        float row = (float)(at / MAP) / (MAP - 1), column = (float)(at % MAP) / (MAP - 1);
        points[i][0] = last * (column + offset(data[(2 * POINTS + i) * map + at]));
        points[i][1] = last * (row + offset(data[(POINTS + i) * map + at]));
        sum += data[i * map + at];
    }
    *score = fminf(fmaxf(sum / POINTS, 0), 1);
    return true;
}

const struct lk__landmarker_family lk__landmarker_openseeface = {
    .name = "openseeface",
    .expects = "one input [1,3,224,224] and one output [1,198,28,28]",
    .side = SIDE,
    .points = POINTS,
    .mean = {0.485f * 255, 0.456f * 255, 0.406f * 255},
    .factor = {1 / (0.229f * 255), 1 / (0.224f * 255), 1 / (0.225f * 255)},
    .five = &five_of_66,
    .place = place,
    .fits = fits,
    .decode = decode,
};
