// SPDX-License-Identifier: Apache-2.0
/* SCRFD with key points (Guo et al. 2021, "Sample and Computation Redistribution for Efficient Face
 * Detection"), as insightface exports it; its RetinaFace exports answer alike.
 *
 * Nine outputs, three per stride s of 8, 16, 32: scores [n,1] (already through the sigmoid), boxes
 * [n,4], points [n,10], n = 2·(H/s)·(W/s), with or without a leading 1. Row r belongs to anchor r%2
 * at the cell (col,row) of r/2, whose centre is (col·s, row·s); boxes are distances left, top,
 * right, bottom and points offsets from there, both in units of s. Exports differ in the outputs'
 * order and names, so outputs are told apart by their shapes. */
#include <inttypes.h>
#include <math.h>

#include "base/size.h"
#include "stages/find/internal.h"

enum { ANCHORS = 2, STRIDES = 3, KINDS = 3 };

static const int strides[STRIDES] = {8, 16, 32};
/* Numbers per row of each kind of output: score, box, points. */
static const int64_t widths[KINDS] = {1, 4, 10};
enum { SCORE, BOX, POINTS };

/* Which kind the last dimension tells; −1: none. */
static int kind_of(const int64_t *shape, int rank)
{
    for (int k = 0; k < KINDS && rank >= 2; k++) {
        if (shape[rank - 1] == widths[k])
            return k;
    }
    return -1;
}

static bool fits(const lk_session *session)
{
    const struct lk_port *in, *out;
    size_t found[KINDS + 1] = {0}; /* the last: free dimension, seen at the first run */
    if (lk_session_inputs(session, &in) != 1 ||
        !lk_port_fits(&in[0], 4, (const int64_t[]){1, 3, -1, -1}))
        return false;
    if (lk_session_outputs(session, &out) != (size_t)STRIDES * KINDS)
        return false;
    for (int i = 0; i < STRIDES * KINDS; i++) {
        int kind = kind_of(out[i].shape, out[i].rank);
        bool unknown = kind < 0 && out[i].rank >= 2 && out[i].shape[out[i].rank - 1] < 0;
        if (kind < 0 && !unknown)
            return false;
        found[unknown ? KINDS : kind]++;
    }
    return found[SCORE] <= STRIDES && found[BOX] <= STRIDES && found[POINTS] <= STRIDES;
}

/* Cells of a canvas's side at a stride: convolutions round up. */
static size_t cells(int side, int stride)
{
    return (size_t)((side + stride - 1) / stride);
}

/* Sorts the outputs into [stride][kind]; false when one is missing. */
static bool sort_outputs(const struct lk_array *outputs,
                         size_t count,
                         const struct lk__letterbox *box,
                         const float *sorted[STRIDES][KINDS])
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        int kind = kind_of(outputs[i].shape, outputs[i].rank);
        if (kind < 0 || outputs[i].dtype != LK_F32)
            continue;
        size_t rows = lk_array_count(&outputs[i]) / (size_t)widths[kind];
        for (int s = 0; s < STRIDES; s++) {
            size_t want = ANCHORS * cells(box->canvas_width, strides[s]) *
                          cells(box->canvas_height, strides[s]);
            if (rows == want && !sorted[s][kind]) {
                sorted[s][kind] = outputs[i].data;
                found++;
                break;
            }
        }
    }
    return found == STRIDES * KINDS;
}

/* Row `row` of a stride in picture pixels. */
static struct lk__candidate candidate_of(const float *const kinds[KINDS],
                                         size_t row,
                                         int stride,
                                         const struct lk__letterbox *box)
{
    size_t cell = row / ANCHORS, columns = cells(box->canvas_width, stride);
    float x = (float)(cell % columns), y = (float)(cell / columns);
    const float *d = kinds[BOX] + row * 4, *p = kinds[POINTS] + row * 10;
    const float by_x = (float)stride / box->scale_x, by_y = (float)stride / box->scale_y;
    struct lk__candidate out = {
        .score = fminf(1, kinds[SCORE][row]),
        .box = {(x - d[0]) * by_x, (y - d[1]) * by_y, (x + d[2]) * by_x, (y + d[3]) * by_y}};
    for (int i = 0; i < 5; i++) {
        out.points[i][0] = (x + p[2 * i]) * by_x;
        out.points[i][1] = (y + p[2 * i + 1]) * by_y;
    }
    return out;
}

static int decode(const struct lk_contract *contract,
                  const struct lk_array *outputs,
                  size_t count,
                  const struct lk__letterbox *box,
                  float threshold,
                  struct lk__candidates *out,
                  struct lk_error *err)
{
    const float *sorted[STRIDES][KINDS] = {{NULL}};
    if (!sort_outputs(outputs, count, box, sorted))
        return lk_fail(err, LK_E_INPUT,
                       "'%s' is no %s of family %s: its outputs for a canvas of %d×%d are not "
                       "those of %s",
                       contract->path, contract->role, contract->family, box->canvas_width,
                       box->canvas_height, contract->expects);
    for (size_t i = 0; i < count; i++) {
        int code = lk_contract_finite(contract, &outputs[i], err);
        if (code)
            return code;
    }
    for (int s = 0; s < STRIDES; s++) {
        size_t rows =
            ANCHORS * cells(box->canvas_width, strides[s]) * cells(box->canvas_height, strides[s]);
        for (size_t row = 0; row < rows; row++) {
            if (sorted[s][SCORE][row] < threshold)
                continue;
            struct lk__candidate face = candidate_of(sorted[s], row, strides[s], box);
            if (face.box[2] <= face.box[0] || face.box[3] <= face.box[1])
                continue;
            int code = lk__candidates_add(out, &face, err);
            if (code)
                return code;
        }
    }
    return 0;
}

const struct lk__detector_family lk__detector_scrfd = {
    .name = "scrfd",
    .expects = "one input [1,3,H,W] and 9 outputs: scores [n,1], boxes [n,4], points [n,10] for "
               "strides 8, 16, 32",
    .mean = 127.5f,
    .factor = 1 / 128.0f,
    .fits = fits,
    .decode = decode,
};
