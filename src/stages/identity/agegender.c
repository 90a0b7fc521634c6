// SPDX-License-Identifier: Apache-2.0
#include "stages/identity/agegender.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/align.h"
#include "runtime/contract.h"

enum { SIDE = 96 };
#define BOX_SCALE 1.5f

struct lk_agegender {
    lk_session *session;
    char *path;
    struct lk_contract contract;
    const char *input, *output;
};

static int read_ports(lk_agegender *a, struct lk_error *err)
{
    const struct lk_port *in, *out;
    if (lk_session_inputs(a->session, &in) != 1 || lk_session_outputs(a->session, &out) != 1 ||
        !lk_port_fits(in, 4, (const int64_t[]){1, 3, SIDE, SIDE}) ||
        !lk_port_fits(out, 2, (const int64_t[]){1, 3}))
        return lk_contract_fail(&a->contract, a->session, err);
    a->input = in->name;
    a->output = out->name;
    return 0;
}

int lk_agegender_open(lk_runtime *runtime,
                      const char *family,
                      const char *path,
                      const char *device,
                      lk_agegender **out,
                      struct lk_error *err)
{
    if (strcmp(family, "genderage") != 0)
        return lk_fail(err, LK_E_INPUT, "agegender family '%s' is not known: it is genderage",
                       family);
    lk_agegender *a = calloc(1, sizeof *a);
    if (!a || !(a->path = strdup(path))) {
        free(a);
        return lk_fail_memory(err, "an age network", sizeof *a);
    }
    a->contract = (struct lk_contract){.path = a->path,
                                       .role = "agegender",
                                       .family = "genderage",
                                       .expects = "one input [1,3,96,96] and one output [1,3]"};
    int rc = lk_session_open(runtime, path, device, &a->session, err);
    rc = rc ? rc : read_ports(a, err);
    if (rc)
        lk_agegender_free(a);
    else
        *out = a;
    return rc;
}

void lk_agegender_free(lk_agegender *a)
{
    if (!a)
        return;
    lk_session_release(a->session);
    free(a->path);
    free(a);
}

/* tensor [3,96,96] ← crop, 0…255 rounded as insightface's bytes are. */
static int run(const lk_agegender *a,
               const struct lk_picture *crop,
               const struct lk_watch *watch,
               struct lk_array *output,
               struct lk_error *err)
{
    const size_t plane = (size_t)SIDE * SIDE, channels = (size_t)crop->channels;
    float *tensor = malloc(3 * plane * sizeof *tensor);
    if (!tensor)
        return lk_fail_memory(err, "the crop of a face", 3 * plane * sizeof *tensor);
    for (size_t i = 0; i < plane; i++) {
        for (size_t c = 0; c < 3; c++)
            tensor[c * plane + i] = rintf(fminf(fmaxf(crop->f32[i * channels + c], 0), 1) * 255);
    }
    struct lk_array input = {
        .dtype = LK_F32, .rank = 4, .shape = {1, 3, SIDE, SIDE}, .data = tensor};
    int rc = lk_session_run(a->session, 1, &a->input, &input, 1, &a->output, output, watch, err);
    free(tensor);
    if (!rc && (output->dtype != LK_F32 || lk_array_count(output) != 3))
        rc = lk_contract_fail(&a->contract, a->session, err);
    return rc ? rc : lk_contract_finite(&a->contract, output, err);
}

int lk_face_age(const lk_agegender *a,
                const struct lk_picture *picture,
                const struct lk_face *face,
                const struct lk_watch *watch,
                float *years,
                bool *male,
                struct lk_error *err)
{
    struct lk_affine to_crop;
    struct lk_picture *crop = NULL;
    struct lk_array output = {0};
    int rc = lk_face_square(face, BOX_SCALE, SIDE, &to_crop, err);
    /* plain bilinear, as cv2.warpAffine in insightface */
    rc = rc ? rc : lk_affine_crop_bilinear(picture, &to_crop, SIDE, SIDE, &crop, err);
    rc = rc ? rc : run(a, crop, watch, &output, err);
    if (!rc) {
        const float *value = output.data;
        *years = fminf(fmaxf(value[2] * 100, 1), 100);
        if (male)
            *male = value[1] > value[0];
    }
    lk_arrays_free(&output, 1);
    lk_picture_free(crop);
    return rc;
}
