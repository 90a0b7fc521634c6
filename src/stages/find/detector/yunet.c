// SPDX-License-Identifier: Apache-2.0
/* YuNet (Wu, Peng, Yu 2023, "YuNet: A Tiny Millisecond-level Face Detector"), as
 * libfacedetection.train exports it and OpenCV's FaceDetectorYN runs it.
 *
 * Twelve outputs, for each stride s of 8, 16, 32: cls_s and obj_s [1,n,1], bbox_s [1,n,4], kps_s
 * [1,n,10], n = (H/s)·(W/s), one anchor per cell (col,row):
 *
 *     score = √(cls·obj)     centre = (col,row)·s + d[0…1]·s     size = exp(d[2…3])·s
 *     point = (col,row)·s + p·s
 *
 * cls and obj have one shape: outputs are told apart by their names. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "stages/find/detector/families.h"

enum { STRIDES = 3, KINDS = 4 };

static const int strides[STRIDES] = {8, 16, 32};
static const char *const kinds[KINDS] = {"cls", "obj", "bbox", "kps"};
static const int64_t widths[KINDS] = {1, 1, 4, 10};
enum { CLS, OBJ, BOX, POINTS };

/* The place of an output among the session's; −1: it is not there. */
static int place_of(const struct lk_port *ports, size_t count, int kind, int stride)
{
    char name[16];
    snprintf(name, sizeof name, "%s_%d", kinds[kind], stride);
    for (size_t i = 0; i < count; i++) {
        if (!strcmp(ports[i].name, name))
            return (int)i;
    }
    return -1;
}

static bool fits(const lk_session *session)
{
    const struct lk_port *out;
    if (!lk__detector_ports(session, (size_t)STRIDES * KINDS, &out))
        return false;
    for (int s = 0; s < STRIDES; s++) {
        for (int k = 0; k < KINDS; k++) {
            int at = place_of(out, (size_t)STRIDES * KINDS, k, strides[s]);
            if (at < 0 || !lk_port_fits(&out[at], 3, (const int64_t[]){1, -1, widths[k]}))
                return false;
        }
    }
    return true;
}

static float clamp(float x)
{
    return fminf(fmaxf(x, 0), 1);
}

static int add_cell(const struct lk__answer *answer,
                    float score,
                    const float cell[2],
                    int stride,
                    const float d[4],
                    const float p[10],
                    struct lk__candidates *out,
                    struct lk_error *err)
{
    const float s = (float)stride;
    float box[4], points[5][2];
    for (int k = 0; k < 2; k++) {
        float middle = (cell[k] + d[k]) * s, half = expf(d[2 + k]) * s / 2;
        box[k] = middle - half;
        box[2 + k] = middle + half;
        for (int i = 0; i < 5; i++)
            points[i][k] = (cell[k] + p[2 * i + k]) * s;
    }
    return lk__answer_add(answer, score, box, (const float(*)[2])points, out, err);
}

static int decode_stride(const struct lk__answer *answer,
                         int stride,
                         float threshold,
                         struct lk__candidates *out,
                         struct lk_error *err)
{
    const size_t columns = lk__cells(answer->box->canvas_width, stride);
    const size_t rows = columns * lk__cells(answer->box->canvas_height, stride);
    const float *data[KINDS];
    int code = 0;
    for (int k = 0; k < KINDS; k++) {
        const struct lk_array *output =
            &answer->outputs[place_of(answer->ports, answer->count, k, stride)];
        if (lk_array_count(output) != rows * (size_t)widths[k])
            return lk__answer_fail(answer, err);
        data[k] = output->data;
    }
    for (size_t row = 0; row < rows && !code; row++) {
        const float cell[2] = {(float)(row % columns), (float)(row / columns)};
        float score = sqrtf(clamp(data[CLS][row]) * clamp(data[OBJ][row]));
        if (score >= threshold)
            code = add_cell(answer, score, cell, stride, data[BOX] + row * 4,
                            data[POINTS] + row * 10, out, err);
    }
    return code;
}

static int decode(const struct lk__answer *answer,
                  float threshold,
                  struct lk__candidates *out,
                  struct lk_error *err)
{
    int code = 0;
    for (int s = 0; s < STRIDES && !code; s++)
        code = decode_stride(answer, strides[s], threshold, out, err);
    return code;
}

const struct lk__detector_family lk__detector_yunet = {
    .name = "yunet",
    .expects = "one input [1,3,H,W] and 12 outputs: cls, obj [1,n,1], bbox [1,n,4], kps [1,n,10] "
               "for strides 8, 16, 32",
    .pixels = {.bgr = true, .factor = 1},
    .counts_rows = true,
    .sure = 0.91f,
    .fits = fits,
    .decode = decode,
};
