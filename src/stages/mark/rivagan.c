// SPDX-License-Identifier: Apache-2.0
/* Contract (imwatermark/rivaGan.py of invisible-watermark, MIT): frame [1,3,1,H,W] BGR −1…1 and
 * data [1,32] of zeros and ones → the marked frame. */
#include "stages/mark/rivagan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "runtime/contract.h"

enum { BITS = 32 };

struct lk_rivagan {
    lk_session *session;
    char *path;
    struct lk_contract contract;
};

static const char *const in_names[] = {"frame", "data"}, *const out_names[] = {"output"};

static int check_ports(const lk_rivagan *rivagan, struct lk_error *err)
{
    static const int64_t frame[] = {1, 3, 1, -1, -1}, data[] = {1, BITS};
    const struct lk_port *in, *out;
    size_t n_in = lk_session_inputs(rivagan->session, &in),
           n_out = lk_session_outputs(rivagan->session, &out);
    const struct lk_port *of_frame = lk_port_named(in, n_in, in_names[0]),
                         *of_data = lk_port_named(in, n_in, in_names[1]),
                         *of_output = lk_port_named(out, n_out, out_names[0]);
    if (!of_frame || !of_data || !of_output || !lk_port_fits(of_frame, 5, frame) ||
        !lk_port_fits(of_data, 2, data) || !lk_port_fits(of_output, 5, frame))
        return lk_contract_fail(&rivagan->contract, rivagan->session, err);
    return 0;
}

int lk_rivagan_open(lk_runtime *runtime,
                    const char *path,
                    const char *device,
                    lk_rivagan **out,
                    struct lk_error *err)
{
    lk_rivagan *rivagan = calloc(1, sizeof *rivagan);
    if (!rivagan || !(rivagan->path = strdup(path))) {
        free(rivagan);
        return lk_fail_memory(err, "a watermark's network", sizeof *rivagan);
    }
    rivagan->contract = (struct lk_contract){
        .path = rivagan->path,
        .role = "watermark",
        .family = "rivagan",
        .expects = "inputs frame [1,3,1,H,W] and data [1,32], output [1,3,1,H,W]"};
    int rc = lk_session_open(runtime, path, device, &rivagan->session, err);
    rc = rc ? rc : check_ports(rivagan, err);
    if (rc)
        lk_rivagan_free(rivagan);
    else
        *out = rivagan;
    return rc;
}

void lk_rivagan_free(lk_rivagan *rivagan)
{
    if (!rivagan)
        return;
    lk_session_release(rivagan->session);
    free(rivagan->path);
    free(rivagan);
}

/* planes [3, n] BGR −1…1 of a float picture, or back into it. */
static void to_planes(const struct lk_picture *picture, float *planes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < 3; c++)
            planes[(2 - c) * n + i] = 2 * picture->f32[i * (size_t)picture->channels + c] - 1;
}

static void from_planes(const float *planes, size_t n, struct lk_picture *picture)
{
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < 3; c++)
            picture->f32[i * (size_t)picture->channels + c] =
                (fminf(fmaxf(planes[(2 - c) * n + i], -1), 1) + 1) / 2;
}

static int run(const lk_rivagan *rivagan,
               uint32_t bits,
               float *planes,
               const struct lk_watch *watch,
               struct lk_picture *picture,
               struct lk_error *err)
{
    float data[BITS];
    for (int i = 0; i < BITS; i++)
        data[i] = (float)(bits >> (BITS - 1 - i) & 1);
    const struct lk_array inputs[] = {
        {LK_F32, 5, {1, 3, 1, picture->height, picture->width}, planes},
        {LK_F32, 2, {1, BITS}, data},
    };
    struct lk_array output = {0};
    size_t n = (size_t)picture->width * (size_t)picture->height;
    int rc = lk_session_run(rivagan->session, LK_ARRAY_LENGTH(in_names), in_names, inputs, 1,
                            out_names, &output, watch, err);
    if (!rc && (output.dtype != LK_F32 || lk_array_count(&output) != 3 * n))
        rc = lk_contract_fail(&rivagan->contract, rivagan->session, err);
    rc = rc ? rc : lk_contract_finite(&rivagan->contract, &output, err);
    if (!rc)
        from_planes(output.data, n, picture);
    lk_arrays_free(&output, 1);
    return rc;
}

int lk_rivagan_embed(const lk_rivagan *rivagan,
                     const struct lk_picture *in,
                     uint32_t bits,
                     const struct lk_watch *watch,
                     struct lk_picture **out,
                     struct lk_error *err)
{
    struct lk_picture *picture = NULL;
    size_t n = (size_t)in->width * (size_t)in->height;
    float *planes = malloc(3 * n * sizeof *planes);
    if (!planes)
        return lk_fail_memory(err, "a watermark", 3 * n * sizeof *planes);
    int rc = lk_picture_convert(in, LK_PIXEL_F32, &picture, err);
    if (!rc) {
        to_planes(picture, planes, n);
        rc = run(rivagan, bits, planes, watch, picture, err);
    }
    rc = rc ? rc : lk_picture_convert(picture, in->type, out, err);
    lk_picture_free(picture);
    free(planes);
    return rc;
}
