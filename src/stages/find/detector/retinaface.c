// SPDX-License-Identifier: Apache-2.0
/* RetinaFace (Deng et al. 2019, "RetinaFace: Single-stage Dense Face Localisation in the Wild") as
 * Pytorch_Retinaface exports it. insightface's exports of RetinaFace are of the family scrfd.
 *
 * Three outputs with a row per prior box: offsets [1,n,4], probabilities of background and face
 * [1,n,2], points [1,n,10]. Priors lie in the middle of each cell of strides 8, 16, 32, two squares
 * of side m at each; with centre c and variances 0.1 and 0.2
 *
 *     centre = c + 0.1·m·d[0…1]     size = m·exp(0.2·d[2…3])     point = c + 0.1·m·p */
#include <math.h>

#include "stages/find/detector/families.h"

enum { STRIDES = 3, SQUARES = 2 };

static const struct {
    int stride;
    float side[SQUARES]; /* px of the canvas */
} levels[STRIDES] = {{8, {16, 32}}, {16, {64, 128}}, {32, {256, 512}}};

static const float place_variance = 0.1f, size_variance = 0.2f;

/* The output whose rows have so many numbers; NULL: none. */
static const struct lk_array *output_of(const struct lk__answer *answer, int64_t width)
{
    for (size_t i = 0; i < answer->count; i++) {
        if (answer->outputs[i].rank == 3 && answer->outputs[i].shape[2] == width)
            return &answer->outputs[i];
    }
    return NULL;
}

static bool fits(const lk_session *session)
{
    const struct lk_port *out;
    bool has[11] = {false};
    if (!lk__detector_ports(session, 3, &out))
        return false;
    for (int i = 0; i < 3; i++) {
        int64_t width = out[i].rank == 3 ? out[i].shape[2] : 0;
        if (width > 0 && width <= 10)
            has[width] = true;
    }
    return has[4] && has[2] && has[10];
}

static size_t rows_of(const struct lk__letterbox *box)
{
    size_t rows = 0;
    for (int s = 0; s < STRIDES; s++)
        rows += SQUARES * lk__cells(box->canvas_width, levels[s].stride) *
                lk__cells(box->canvas_height, levels[s].stride);
    return rows;
}

static int add_prior(const struct lk__answer *answer,
                     const float centre[2],
                     float side,
                     float score,
                     const float d[4],
                     const float p[10],
                     struct lk__candidates *out,
                     struct lk_error *err)
{
    float box[4], points[5][2];
    for (int k = 0; k < 2; k++) {
        float middle = centre[k] + place_variance * side * d[k];
        float half = side * expf(size_variance * d[2 + k]) / 2;
        box[k] = middle - half;
        box[2 + k] = middle + half;
        for (int i = 0; i < 5; i++)
            points[i][k] = centre[k] + place_variance * side * p[2 * i + k];
    }
    return lk__answer_add(answer, score, box, (const float(*)[2])points, out, err);
}

static int decode(const struct lk__answer *answer,
                  float threshold,
                  struct lk__candidates *out,
                  struct lk_error *err)
{
    const struct lk_array *offsets = output_of(answer, 4), *scores = output_of(answer, 2),
                          *points = output_of(answer, 10);
    const size_t rows = rows_of(answer->box);
    if (!offsets || !scores || !points || lk_array_count(offsets) != rows * 4 ||
        lk_array_count(scores) != rows * 2 || lk_array_count(points) != rows * 10)
        return lk__answer_fail(answer, err);
    const float *d = offsets->data, *score = scores->data, *p = points->data;
    size_t row = 0;
    int code = 0;
    for (int s = 0; s < STRIDES; s++) {
        const int stride = levels[s].stride;
        const size_t columns = lk__cells(answer->box->canvas_width, stride);
        const size_t n = SQUARES * columns * lk__cells(answer->box->canvas_height, stride);
        for (size_t i = 0; i < n && !code; i++, row++) {
            const size_t cell = i / SQUARES;
            const float centre[2] = {((float)(cell % columns) + 0.5f) * (float)stride,
                                     ((float)(cell / columns) + 0.5f) * (float)stride};
            if (score[row * 2 + 1] >= threshold)
                code = add_prior(answer, centre, levels[s].side[i % SQUARES], score[row * 2 + 1],
                                 d + row * 4, p + row * 10, out, err);
        }
    }
    return code;
}

const struct lk__detector_family lk__detector_retinaface = {
    .name = "retinaface",
    .expects = "one input [1,3,H,W] and 3 outputs: boxes [1,n,4], scores [1,n,2], points [1,n,10]",
    .pixels = {.bgr = true, .mean = {104, 117, 123}, .factor = 1},
    .counts_rows = true,
    .sure = 0.99f,
    .fits = fits,
    .decode = decode,
};
