// SPDX-License-Identifier: Apache-2.0
/* UltraFace (Linzaer's Ultra-Light-Fast-Generic-Face-Detector-1MB, RFB-320 and RFB-640): boxes
 * without points, which a landmarker must find.
 *
 * Two outputs with a row per prior, decoded already: probabilities of background and face [1,n,2],
 * corners [1,n,4] as fractions of the canvas. */
#include "stages/find/detector/families.h"

/* The output whose rows have so many numbers; −1: none. */
static int output_of(const struct lk_port *ports, int64_t width)
{
    for (int i = 0; i < 2; i++) {
        if (ports[i].rank == 3 && ports[i].shape[2] == width)
            return i;
    }
    return -1;
}

static bool fits(const lk_session *session)
{
    const struct lk_port *out;
    return lk__detector_ports(session, 2, &out) && output_of(out, 2) >= 0 && output_of(out, 4) >= 0;
}

static int decode(const struct lk__answer *answer,
                  float threshold,
                  struct lk__candidates *out,
                  struct lk_error *err)
{
    const struct lk_array *scores = &answer->outputs[output_of(answer->ports, 2)],
                          *corners = &answer->outputs[output_of(answer->ports, 4)];
    const size_t n = lk_array_count(scores) / 2;
    const float *score = scores->data, *at = corners->data;
    const float width = (float)answer->box->canvas_width,
                height = (float)answer->box->canvas_height;
    int code = lk_array_count(corners) == n * 4 ? 0 : lk__answer_fail(answer, err);
    for (size_t i = 0; i < n && !code; i++, at += 4) {
        const float box[4] = {at[0] * width, at[1] * height, at[2] * width, at[3] * height};
        if (score[i * 2 + 1] >= threshold)
            code = lk__answer_add(answer, score[i * 2 + 1], box, NULL, out, err);
    }
    return code;
}

const struct lk__detector_family lk__detector_ultraface = {
    .name = "ultraface",
    .expects = "one input [1,3,H,W] and 2 outputs: scores [1,n,2], boxes [1,n,4]",
    .pixels = {.mean = {127, 127, 127}, .factor = 1 / 128.0f},
    .boxes_only = true,
    .sure = 0.99f,
    .fits = fits,
    .decode = decode,
};
