// SPDX-License-Identifier: Apache-2.0
#include "data/align.h"

#include <math.h>

/* Fractions of the crop's side. Source: insightface `face_align.py` (arcface: arcface_dst / 112,
 * and (arcface_dst + 8) / 128), FaceFusion `face_helper.py` (all five). */
static const float templates[LK_ALIGN_COUNT][5][2] = {
    [LK_ALIGN_ARCFACE_112_V1] = {{0.35473214f, 0.45658929f},
                                 {0.64526786f, 0.45658929f},
                                 {0.5f, 0.61154464f},
                                 {0.37913393f, 0.776875f},
                                 {0.62086607f, 0.776875f}},
    [LK_ALIGN_ARCFACE_112_V2] = {{0.34191607f, 0.46157411f},
                                 {0.65653393f, 0.45983393f},
                                 {0.500225f, 0.64050536f},
                                 {0.37097589f, 0.82469196f},
                                 {0.63151696f, 0.82325089f}},
    [LK_ALIGN_ARCFACE_128] = {{0.36167656f, 0.40387734f},
                              {0.63696719f, 0.40235469f},
                              {0.50019687f, 0.56044219f},
                              {0.38710391f, 0.72160547f},
                              {0.61507734f, 0.72034453f}},
    [LK_ALIGN_FFHQ_512] = {{0.37691676f, 0.46864664f},
                           {0.62285697f, 0.46912813f},
                           {0.50123859f, 0.61331904f},
                           {0.39308822f, 0.725411f},
                           {0.61150205f, 0.72490465f}},
    [LK_ALIGN_MTCNN_512] = {{0.36562865f, 0.46733799f},
                            {0.63305391f, 0.46585885f},
                            {0.50019127f, 0.61942959f},
                            {0.39032951f, 0.77598822f},
                            {0.61178945f, 0.77476328f}},
};

void lk_align_points(enum lk_align align, int size, float (*points)[2])
{
    for (int i = 0; i < 5; i++) {
        points[i][0] = templates[align][i][0] * (float)size;
        points[i][1] = templates[align][i][1] * (float)size;
    }
}

int lk_align_face(const float (*points)[2],
                  enum lk_align align,
                  int size,
                  struct lk_affine *to_crop,
                  struct lk_error *err)
{
    float to[5][2];
    if ((unsigned)align >= LK_ALIGN_COUNT || size < 1)
        return lk_fail(err, LK_E_INPUT, "alignment %d at %d px does not exist", (int)align, size);
    lk_align_points(align, size, to);
    return lk_affine_similarity(points, (const float(*)[2])to, 5, to_crop, err);
}

int lk_face_square(const struct lk_face *face,
                   float scale,
                   int size,
                   struct lk_affine *to_crop,
                   struct lk_error *err)
{
    const float *box = face->box;
    double width = box[2] - box[0], height = box[3] - box[1];
    double longer = width > height ? width : height;
    if (!(longer > 0) || !isfinite(longer) || !isfinite(box[0]) || !isfinite(box[1]))
        return lk_fail(err, LK_E_INPUT, "a face's box is empty: it cannot be cut out");
    double k = size / (scale * longer), middle = (size - 1) / 2.0;
    *to_crop = (struct lk_affine){{k, 0, middle - k * ((double)box[0] + box[2]) / 2, 0, k,
                                   middle - k * ((double)box[1] + box[3]) / 2}};
    return 0;
}
