// SPDX-License-Identifier: Apache-2.0
/* RTMPose (Jiang et al. 2023, arXiv 2303.07399) and DWPose, which is of its form, as mmdeploy
 * exports them and rtmlib runs them: top down, one person in the middle of the input.
 *
 * In: [1,3,h,w] RGB, (v − mean)/deviation of v 0…255; the person's box × 1¼, in the input's aspect.
 *
 * Out: simcc_x [1,K,2w] and simcc_y [1,K,2h]: of point k along each axis how much it is there, at
 * half pixels; the largest counts, and the lesser of both is the score. K is 17 (COCO), or 133
 * (COCO-WholeBody: the same, 6 of the feet, 68 of the face, 42 of hands).
 *
 * OpenPose's neck, which COCO has not, is the middle of the shoulders. */
#include "stages/diffuse/control/pose_network.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "data/affine.h"
#include "runtime/contract.h"

enum { COCO = 17, WHOLE_BODY = 133, FACE_FIRST = 23, FACE_POINTS = 68, MOST = 1024 };

#define PADDING 1.25
#define SCORE 0.3f /* from which a point is seen */

struct lk_pose_network {
    lk_session *session;
    char *path;
    struct lk_contract contract;
    const char *input, *outputs[2]; /* simcc_x, simcc_y */
    int width, height;
};

static int read_ports(lk_pose_network *p, struct lk_error *err)
{
    const struct lk_port *in, *out;
    const size_t inputs = lk_session_inputs(p->session, &in);
    const size_t outputs = lk_session_outputs(p->session, &out);
    const struct lk_port *x = lk_port_named(out, outputs, "simcc_x");
    const struct lk_port *y = lk_port_named(out, outputs, "simcc_y");
    if (inputs != 1 || !x || !y || !lk_port_fits(in, 4, (const int64_t[]){1, 3, -1, -1}) ||
        !lk_port_fits(x, 3, (const int64_t[]){1, -1, -1}) ||
        !lk_port_fits(y, 3, (const int64_t[]){1, -1, -1}) || in->shape[2] < 1 ||
        in->shape[2] > MOST || in->shape[3] < 1 || in->shape[3] > MOST)
        return lk_contract_fail(&p->contract, p->session, err);
    p->input = in->name;
    p->outputs[0] = x->name;
    p->outputs[1] = y->name;
    p->height = (int)in->shape[2];
    p->width = (int)in->shape[3];
    return 0;
}

int lk_pose_network_open(lk_runtime *runtime,
                         const char *family,
                         const char *path,
                         const char *device,
                         lk_pose_network **out,
                         struct lk_error *err)
{
    if (strcmp(family, "rtmpose") != 0)
        return lk_fail(err, LK_E_INPUT, "pose family '%s' is not known: the family is rtmpose",
                       family);
    lk_pose_network *p = calloc(1, sizeof *p);
    if (!p || !(p->path = strdup(path))) {
        free(p);
        return lk_fail_memory(err, "a pose network", sizeof *p);
    }
    p->contract = (struct lk_contract){
        .path = p->path,
        .role = "pose",
        .family = "rtmpose",
        .expects = "one input [1,3,h,w] of a fixed size, outputs simcc_x [1,K,2w] and simcc_y "
                   "[1,K,2h], K 17 or 133"};
    int rc = lk_session_open(runtime, path, device, &p->session, err);
    rc = rc ? rc : read_ports(p, err);
    if (rc)
        lk_pose_network_free(p);
    else
        *out = p;
    return rc;
}

void lk_pose_network_free(lk_pose_network *p)
{
    if (!p)
        return;
    lk_session_release(p->session);
    free(p->path);
    free(p);
}

/* The whole picture with its padding in the network's aspect: pixels of the picture for one of the
 * network's. */
static double scale_of(const lk_pose_network *p, const struct lk_picture *picture)
{
    return fmax(PADDING * picture->width / p->width, PADDING * picture->height / p->height);
}

/* *tensor: malloc'd [3,h,w] */
static int make_tensor(const lk_pose_network *p,
                       const struct lk_picture *picture,
                       float **tensor,
                       struct lk_error *err)
{
    static const float mean[] = {123.675f, 116.28f, 103.53f},
                       deviation[] = {58.395f, 57.12f, 57.375f};
    const double s = 1 / scale_of(p, picture);
    const struct lk_affine to_input = {{s, 0, p->width / 2.0 - s * picture->width / 2.0, 0, s,
                                        p->height / 2.0 - s * picture->height / 2.0}};
    const size_t pixels = (size_t)p->width * (size_t)p->height;
    struct lk_picture *bytes = NULL, *seen = NULL;
    float *out = malloc(3 * pixels * sizeof *out);
    int rc = out ? lk_picture_convert(picture, LK_PIXEL_U8, &bytes, err)
                 : lk_fail_memory(err, "a pose network", 3 * pixels * sizeof *out);
    rc = rc ? rc : lk_affine_crop_bilinear(bytes, &to_input, p->width, p->height, &seen, err);
    for (size_t k = 0; !rc && k < pixels; k++)
        for (size_t c = 0; c < 3; c++)
            out[c * pixels + k] =
                (rintf(seen->f32[k * (size_t)seen->channels + c] * 255) - mean[c]) / deviation[c];
    lk_picture_free(bytes);
    lk_picture_free(seen);
    if (rc)
        free(out);
    else
        *tensor = out;
    return rc;
}

static int largest(const float *values, int n)
{
    int best = 0;
    for (int i = 1; i < n; i++)
        best = values[i] > values[best] ? i : best;
    return best;
}

/* NaN where it is not sure. */
static void read_point(const lk_pose_network *p,
                       const struct lk_array seen[2],
                       const struct lk_picture *picture,
                       int k,
                       float out[2])
{
    const int sides[] = {p->width, p->height}, whole[] = {picture->width, picture->height};
    const double scale = scale_of(p, picture);
    float score = INFINITY;
    for (int axis = 0; axis < 2; axis++) {
        const float *values = (const float *)seen[axis].data + (size_t)k * 2 * (size_t)sides[axis];
        const int at = largest(values, 2 * sides[axis]);
        score = fminf(score, values[at]);
        out[axis] = (float)((at / 2.0 - sides[axis] / 2.0) * scale + whole[axis] / 2.0);
    }
    if (!(score > SCORE))
        out[0] = out[1] = NAN;
}

static void read_pose(const lk_pose_network *p,
                      const struct lk_array seen[2],
                      const struct lk_picture *picture,
                      struct lk_pose *out)
{
    /* OpenPose's of COCO's points; −1: the neck */
    static const int order[LK_POSE_BODY] = {0,  -1, 6,  8,  10, 5, 7, 9, 12,
                                            14, 16, 11, 13, 15, 2, 1, 4, 3};
    lk_pose_init(out);
    for (int i = 0; i < LK_POSE_BODY; i++)
        if (order[i] >= 0)
            read_point(p, seen, picture, order[i], out->body[i]);
    for (int axis = 0; axis < 2; axis++)
        out->body[1][axis] = (out->body[2][axis] + out->body[5][axis]) / 2;
    for (int i = 0; seen[0].shape[1] == WHOLE_BODY && i < FACE_POINTS; i++)
        read_point(p, seen, picture, FACE_FIRST + i, out->face[i]);
}

static bool fits(const struct lk_array *a, int side)
{
    return a->dtype == LK_F32 && a->rank == 3 && a->shape[0] == 1 &&
           (a->shape[1] == COCO || a->shape[1] == WHOLE_BODY) && a->shape[2] == 2 * side;
}

int lk_pose_network_see(const lk_pose_network *p,
                        const struct lk_picture *picture,
                        const struct lk_watch *watch,
                        struct lk_pose *out,
                        struct lk_error *err)
{
    float *tensor = NULL;
    int rc = make_tensor(p, picture, &tensor, err);
    if (rc)
        return rc;
    const struct lk_array in = {LK_F32, 4, {1, 3, p->height, p->width}, tensor};
    struct lk_array seen[2] = {{0}};
    rc = lk_session_run(p->session, 1, &p->input, &in, 2, p->outputs, seen, watch, err);
    free(tensor);
    if (rc)
        return rc;
    if (!fits(&seen[0], p->width) || !fits(&seen[1], p->height) ||
        seen[0].shape[1] != seen[1].shape[1])
        rc = lk_contract_fail(&p->contract, p->session, err);
    for (int axis = 0; axis < 2 && !rc; axis++)
        rc = lk_contract_finite(&p->contract, &seen[axis], err);
    if (!rc)
        read_pose(p, seen, picture, out);
    lk_arrays_free(seen, 2);
    return rc;
}
