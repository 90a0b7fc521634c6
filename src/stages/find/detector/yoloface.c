// SPDX-License-Identifier: Apache-2.0
/* YOLO-face: yolov8-face (derronqi) and yolov5-face (Qi et al. 2021, "YOLO5Face: Why Reinventing a
 * Face Detector"), as they are exported with their decoding inside.
 *
 * One output with a row per anchor, in canvas pixels; which of the two it is the numbers per row
 * tell. Version 8 has them in columns, [1,20,n], some exports in rows:
 *
 *     v8  [1,20,n]  cx, cy, w, h, score, 5 × (x, y, visibility)
 *     v5  [1,n,16]  cx, cy, w, h, objectness, 5 × (x, y), class: score = objectness · class */
#include "stages/find/detector/families.h"

enum { V8 = 20, V5 = 16 };

static bool is_width(int64_t n)
{
    return n == V8 || n == V5;
}

static bool fits(const lk_session *session)
{
    const struct lk_port *out;
    return lk__detector_ports(session, 1, &out) && lk_port_fits(out, 3, (int64_t[]){1, -1, -1}) &&
           is_width(out->shape[1]) != is_width(out->shape[2]);
}

static int decode(const struct lk__answer *answer,
                  float threshold,
                  struct lk__candidates *out,
                  struct lk_error *err)
{
    const struct lk_array *output = answer->outputs;
    if (output->rank != 3 || is_width(output->shape[1]) == is_width(output->shape[2]))
        return lk__answer_fail(answer, err);
    const bool in_rows = is_width(output->shape[2]);
    const size_t n = (size_t)output->shape[in_rows ? 1 : 2];
    const int width = (int)output->shape[in_rows ? 2 : 1];
    const size_t row = in_rows ? (size_t)width : 1, step = in_rows ? 1 : n;
    const size_t per_point = width == V8 ? 3 : 2;
    int code = 0;
    for (size_t i = 0; i < n && !code; i++) {
        const float *at = (const float *)output->data + i * row;
        float score = at[4 * step] * (width == V8 ? 1 : at[15 * step]);
        if (!(score >= threshold))
            continue;
        float half_w = at[2 * step] / 2, half_h = at[3 * step] / 2, points[5][2];
        const float box[4] = {at[0] - half_w, at[step] - half_h, at[0] + half_w, at[step] + half_h};
        for (size_t p = 0; p < 5; p++) {
            points[p][0] = at[(5 + p * per_point) * step];
            points[p][1] = at[(6 + p * per_point) * step];
        }
        code = lk__answer_add(answer, score, box, (const float(*)[2])points, out, err);
    }
    return code;
}

const struct lk__detector_family lk__detector_yoloface = {
    .name = "yoloface",
    .expects = "one input [1,3,H,W] and one output [1,20,n] (v8) or [1,n,16] (v5)",
    .pixels = {.factor = 1 / 255.0f},
    .sure = 0.72f,
    .fits = fits,
    .decode = decode,
};
