// SPDX-License-Identifier: Apache-2.0
/* 2DFAN-4 (Bulat & Tzimiropoulos 2017, "How far are we from solving the 2D & 3D Face Alignment
 * problem?"), as FaceFusion exports it; the starter pack's landmarker is of this contract.
 *
 * 256², RGB ÷ 255, the box's longer side brought to 195 px. Two outputs: 68 points [1,68,3] in
 * 64ths of the crop, and their heat maps [1,68,64,64]; the score is the mean of the maps' peaks ÷
 * 0.9. */
#include <math.h>

#include "stages/find/landmarker/families.h"

enum { SIDE = 256, POINTS = 68, MAP = 64 };

const struct lk__five lk__five_of_68 = {{{6, {36, 37, 38, 39, 40, 41}},
                                         {6, {42, 43, 44, 45, 46, 47}},
                                         {1, {30}},
                                         {1, {48}},
                                         {1, {54}}}};

static void place(const struct lk__landmarker_family *family,
                  const float box[4],
                  struct lk_affine *to_crop)
{
    double longer = fmax(fmax(box[2] - box[0], box[3] - box[1]), 1), k = 195 / longer;
    *to_crop = lk__place_at(k, (family->side - ((double)box[0] + box[2]) * k) / 2, k,
                            (family->side - ((double)box[1] + box[3]) * k) / 2);
}

static bool fits(const struct lk__landmarker_family *family, const lk_session *session)
{
    static const int64_t points[] = {1, POINTS, 3}, maps[] = {1, POINTS, MAP, MAP};
    const struct lk_port *out;
    return lk__landmarker_input(family, session) && lk_session_outputs(session, &out) == 2 &&
           ((lk_port_fits(&out[0], 3, points) && lk_port_fits(&out[1], 4, maps)) ||
            (lk_port_fits(&out[1], 3, points) && lk_port_fits(&out[0], 4, maps)));
}

static float peak(const float *map)
{
    float most = 0;
    for (int i = 0; i < MAP * MAP; i++)
        most = fmaxf(most, map[i]);
    return most;
}

static bool decode(const struct lk__landmarker_family *family,
                   const struct lk__reply *reply,
                   float (*points)[2],
                   float *score)
{
    const bool maps_first = reply->outputs[0].rank == 4;
    const struct lk_array *at = &reply->outputs[maps_first], *maps = &reply->outputs[!maps_first];
    if (lk_array_count(at) != POINTS * 3 || lk_array_count(maps) != (size_t)POINTS * MAP * MAP)
        return false;
    float sum = 0;
    for (int i = 0; i < POINTS; i++) {
        for (int k = 0; k < 2; k++)
            points[i][k] = ((const float *)at->data)[3 * i + k] * (float)(family->side / MAP);
        sum += peak((const float *)maps->data + (size_t)i * MAP * MAP);
    }
    *score = fminf(sum / POINTS / 0.9f, 1);
    return true;
}

const struct lk__landmarker_family lk__landmarker_2dfan4 = {
    .name = "2dfan4",
    .expects = "one input [1,3,256,256] and 2 outputs: points [1,68,3], heat maps [1,68,64,64]",
    .side = SIDE,
    .points = POINTS,
    .factor = {1 / 255.0f, 1 / 255.0f, 1 / 255.0f},
    .five = &lk__five_of_68,
    .place = place,
    .fits = fits,
    .decode = decode,
};
