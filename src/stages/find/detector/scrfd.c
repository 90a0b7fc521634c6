// SPDX-License-Identifier: Apache-2.0
/* SCRFD with key points (Guo et al. 2021, "Sample and Computation Redistribution for Efficient Face
 * Detection"), as insightface exports it; its RetinaFace exports answer alike.
 *
 * Nine outputs, three per stride s of 8, 16, 32: scores [n,1] (already through the sigmoid), boxes
 * [n,4], points [n,10], n = 2·(H/s)·(W/s), with or without a leading 1. Row r belongs to anchor r%2
 * at the cell (col,row) of r/2, whose centre is (col·s, row·s); boxes are distances left, top,
 * right, bottom and points offsets from there, both in units of s. Exports differ in the outputs'
 * order and names, so outputs are told apart by their shapes. */
#include <math.h>

#include "stages/find/detector/families.h"

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
    const struct lk_port *out;
    size_t found[KINDS + 1] = {0}; /* the last: free dimension, seen at the first run */
    if (!lk__detector_ports(session, (size_t)STRIDES * KINDS, &out))
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

static size_t rows_of(const struct lk__letterbox *box, int stride)
{
    return ANCHORS * lk__cells(box->canvas_width, stride) * lk__cells(box->canvas_height, stride);
}

/* Sorts the outputs into [stride][kind]; false when one is missing. */
static bool sort_outputs(const struct lk__answer *answer, const float *sorted[STRIDES][KINDS])
{
    size_t found = 0;
    for (size_t i = 0; i < answer->count; i++) {
        const struct lk_array *output = &answer->outputs[i];
        int kind = kind_of(output->shape, output->rank);
        if (kind < 0)
            continue;
        size_t rows = lk_array_count(output) / (size_t)widths[kind];
        for (int s = 0; s < STRIDES; s++) {
            if (rows == rows_of(answer->box, strides[s]) && !sorted[s][kind]) {
                sorted[s][kind] = output->data;
                found++;
                break;
            }
        }
    }
    return found == STRIDES * KINDS;
}

/* Row `row` of a stride. */
static int add_row(const struct lk__answer *answer,
                   const float *const kinds[KINDS],
                   size_t row,
                   int stride,
                   struct lk__candidates *out,
                   struct lk_error *err)
{
    size_t cell = row / ANCHORS, columns = lk__cells(answer->box->canvas_width, stride);
    float x = (float)(cell % columns), y = (float)(cell / columns), s = (float)stride;
    const float *d = kinds[BOX] + row * 4, *p = kinds[POINTS] + row * 10;
    // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): see decode
    const float box[4] = {(x - d[0]) * s, (y - d[1]) * s, (x + d[2]) * s, (y + d[3]) * s};
    float points[5][2];
    for (int i = 0; i < 5; i++) {
        points[i][0] = (x + p[2 * i]) * s;
        points[i][1] = (y + p[2 * i + 1]) * s;
    }
    return lk__answer_add(answer, kinds[SCORE][row], box, (const float(*)[2])points, out, err);
}

static int decode(const struct lk__answer *answer,
                  float threshold,
                  struct lk__candidates *out,
                  struct lk_error *err)
{
    const float *sorted[STRIDES][KINDS] = {{NULL}};
    int code = sort_outputs(answer, sorted) ? 0 : lk__answer_fail(answer, err);
    for (int s = 0; s < STRIDES && !code; s++) {
        size_t rows = rows_of(answer->box, strides[s]);
        for (size_t row = 0; row < rows && !code; row++) {
            // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): sort_outputs has found all
            if (sorted[s][SCORE][row] >= threshold)
                code = add_row(answer, sorted[s], row, strides[s], out, err);
        }
    }
    return code;
}

const struct lk__detector_family lk__detector_scrfd = {
    .name = "scrfd",
    .expects = "one input [1,3,H,W] and 9 outputs: scores [n,1], boxes [n,4], points [n,10] for "
               "strides 8, 16, 32",
    .pixels = {.mean = {127.5f, 127.5f, 127.5f}, .factor = 1 / 128.0f},
    .counts_rows = true,
    .sure = 0.72f,
    .fits = fits,
    .decode = decode,
};
