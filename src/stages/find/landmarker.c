// SPDX-License-Identifier: Apache-2.0
#include "stages/find/landmarker.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "stages/find/internal.h"
#include "stages/find/landmarker/families.h"

/* Another family is one row. */
static const struct lk__landmarker_family *const families[] = {
    &lk__landmarker_2dfan4, &lk__landmarker_openseeface, &lk__landmarker_pfld,
    &lk__landmarker_pfld98, &lk__landmarker_2d106det,    &lk__landmarker_liveportrait,
    &lk__landmarker_mesh,   &lk__landmarker_mesh478,
};

enum { MAX_OUTPUTS = 8 };

/* How far the five points may move from where the detector saw them, in the box's shorter sides. */
static const float most_moved = 0.25f;

struct lk_landmarker {
    const struct lk__landmarker_family *family;
    lk_session *session;
    char *path;
    struct lk_contract contract;
    bool channels_last;
    const char *input, *outputs[MAX_OUTPUTS];
    size_t output_count;
};

static const struct lk__landmarker_family *family_named(const char *name)
{
    if (!name)
        return families[0];
    for (size_t i = 0; i < LK_ARRAY_LENGTH(families); i++) {
        if (!strcmp(families[i]->name, name))
            return families[i];
    }
    return NULL;
}

static int unknown_family(const char *name, struct lk_error *err)
{
    char known[160] = "";
    for (size_t i = 0, at = 0; i < LK_ARRAY_LENGTH(families) && at < sizeof known; i++)
        at += (size_t)snprintf(
            known + at, sizeof known - at, "%s%s", i ? ", " : "",
            families[i]->name); // NOLINT(clang-analyzer-core.NullDereference): rows are addresses
    return lk_fail(err, LK_E_INPUT, "landmarker family '%s' is not known: the families are %s",
                   name, known);
}

static const struct lk__landmarker_family *family_of(const lk_session *session,
                                                     const struct lk__landmarker_family *asked)
{
    if (asked->fits(asked, session))
        return asked;
    for (size_t i = 0; i < LK_ARRAY_LENGTH(families); i++) {
        if (families[i]->fits(families[i], session))
            return families[i];
    }
    return NULL;
}

static int read_ports(lk_landmarker *l, struct lk_error *err)
{
    const struct lk_port *in, *out;
    const struct lk__landmarker_family *found = family_of(l->session, l->family);
    l->output_count = lk_session_outputs(l->session, &out);
    if (!found || l->output_count > MAX_OUTPUTS)
        return lk_contract_fail(&l->contract, l->session, err);
    l->family = found;
    l->contract.family = found->name;
    l->contract.expects = found->expects;
    lk_session_inputs(l->session, &in);
    l->input = in->name;
    l->channels_last = !lk_port_fits(in, 4, (const int64_t[]){1, 3, found->side, found->side});
    for (size_t i = 0; i < l->output_count; i++)
        l->outputs[i] = out[i].name;
    return 0;
}

int lk_landmarker_open(lk_runtime *runtime,
                       const char *family,
                       const char *path,
                       const char *device,
                       lk_landmarker **out,
                       struct lk_error *err)
{
    const struct lk__landmarker_family *row = family_named(family);
    if (!row)
        return unknown_family(family, err);
    lk_landmarker *l = calloc(1, sizeof *l);
    if (!l || !(l->path = strdup(path))) {
        free(l);
        return lk_fail_memory(err, "a landmarker", sizeof *l);
    }
    l->family = row;
    l->contract = (struct lk_contract){
        .path = l->path, .role = "landmarker", .family = row->name, .expects = row->expects};
    int code = lk_session_open(runtime, path, device, &l->session, err);
    code = code ? code : read_ports(l, err);
    if (code)
        lk_landmarker_free(l);
    else
        *out = l;
    return code;
}

void lk_landmarker_free(lk_landmarker *l)
{
    if (!l)
        return;
    lk_session_release(l->session);
    free(l->path);
    free(l);
}

const char *lk_landmarker_family(const lk_landmarker *l)
{
    return l->family->name;
}

/* ---- what families share ---- */

bool lk__landmarker_input(const struct lk__landmarker_family *family, const lk_session *session)
{
    const struct lk_port *in;
    return lk_session_inputs(session, &in) == 1 &&
           (lk_port_fits(in, 4, (const int64_t[]){1, 3, family->side, family->side}) ||
            lk_port_fits(in, 4, (const int64_t[]){1, family->side, family->side, 3}));
}

struct lk_affine lk__place_at(double sx, double tx, double sy, double ty)
{
    return (struct lk_affine){{sx, 0, tx, 0, sy, ty}};
}

void lk__place_square(const struct lk__landmarker_family *family,
                      const float box[4],
                      struct lk_affine *to_crop)
{
    double longer = fmax(box[2] - box[0], box[3] - box[1]);
    double size = (double)family->edge * longer, k = family->side / size;
    double x = ((double)box[0] + box[2]) / 2;
    double y = ((double)box[1] + box[3]) / 2 - (double)family->up * size;
    *to_crop = lk__place_at(k, family->side / 2.0 - k * x, k, family->side / 2.0 - k * y);
}

/* ---- the crop ---- */

/* Networks know faces that stand: one that lies or stands on its head is cut out turned, by the
 * nearest right angle. */
static int place(const struct lk__landmarker_family *family,
                 const struct lk_face *face,
                 struct lk_affine *to_crop,
                 struct lk_error *err)
{
    static const double cosine[4] = {1, 0, -1, 0}, sine[4] = {0, 1, 0, -1};
    const float *b = face->box;
    const int turns = (4 + (int)lrintf(face->roll / 90) % 4) % 4;
    const double c = cosine[turns], s = sine[turns];
    const float x = (b[0] + b[2]) / 2, y = (b[1] + b[3]) / 2;
    float half_w = (b[2] - b[0]) / 2, half_h = (b[3] - b[1]) / 2;
    if (!(half_w > 0 && half_h > 0) || !isfinite(half_w + half_h + x + y))
        return lk_fail(err, LK_E_INPUT, "a face's box is empty: it cannot be cut out");
    if (turns % 2) {
        const float swap = half_w;
        half_w = half_h, half_h = swap;
    }
    struct lk_affine upright;
    family->place(family, (const float[]){x - half_w, y - half_h, x + half_w, y + half_h},
                  &upright);
    /* upright ∘ (turned back around the box's middle) */
    const double tx = x - c * x - s * y, ty = y + s * x - c * y;
    const double *m = upright.m;
    *to_crop = (struct lk_affine){
        {m[0] * c, m[0] * s, m[0] * tx + m[2], -m[4] * s, m[4] * c, m[4] * ty + m[5]}};
    return 0;
}

static void fill(const lk_landmarker *l, const struct lk_picture *crop, float *tensor)
{
    const struct lk__landmarker_family *family = l->family;
    const size_t plane = (size_t)family->side * (size_t)family->side,
                 channels = (size_t)crop->channels;
    for (size_t i = 0; i < plane; i++) {
        for (size_t c = 0; c < 3; c++) {
            float v = rintf(fminf(fmaxf(crop->f32[i * channels + c], 0), 1) * 255);
            tensor[l->channels_last ? i * 3 + c : c * plane + i] =
                (v - family->mean[c]) * family->factor[c];
        }
    }
}

int lk__landmarker_tensor(const lk_landmarker *l,
                          const struct lk_picture *picture,
                          const struct lk_face *face,
                          float **out,
                          struct lk_affine *to_crop,
                          struct lk_error *err)
{
    const int side = l->family->side;
    const size_t bytes = (size_t)3 * (size_t)side * (size_t)side * sizeof(float);
    struct lk_picture *crop = NULL;
    int code = place(l->family, face, to_crop, err);
    code = code ? code : lk_affine_crop_bilinear(picture, to_crop, side, side, &crop, err);
    if (code)
        return code;
    float *tensor = malloc(bytes);
    if (tensor)
        fill(l, crop, tensor);
    else
        code = lk_fail_memory(err, "the crop of a face", bytes);
    lk_picture_free(crop);
    *out = tensor;
    return code;
}

/* ---- the points ---- */

static int check(const lk_landmarker *l, const struct lk_array *outputs, struct lk_error *err)
{
    int code = 0;
    for (size_t i = 0; i < l->output_count && !code; i++)
        code = outputs[i].dtype == LK_F32 ? lk_contract_finite(&l->contract, &outputs[i], err)
                                          : lk_contract_fail(&l->contract, l->session, err);
    return code;
}

/* points in crop pixels → face->landmarks in the picture's. */
static int run(const lk_landmarker *l,
               float *tensor,
               const struct lk_watch *watch,
               struct lk_landmarks *out,
               struct lk_error *err)
{
    const int64_t side = l->family->side;
    struct lk_array input = {
        .dtype = LK_F32,
        .rank = 4,
        .shape = {1, l->channels_last ? side : 3, side, l->channels_last ? 3 : side},
        .data = tensor};
    struct lk_array outputs[MAX_OUTPUTS] = {{0}};
    const struct lk__reply reply = {&l->contract, outputs, l->output_count};
    int code = lk_session_run(l->session, 1, &l->input, &input, l->output_count, l->outputs,
                              outputs, watch, err);
    code = code ? code : check(l, outputs, err);
    if (!code && !l->family->decode(l->family, &reply, out->point, &out->score))
        code = lk_contract_fail(&l->contract, l->session, err);
    out->count = l->family->points;
    lk_arrays_free(outputs, l->output_count);
    return code;
}

/* The five points that the mark-up has. */
static void five_of(const struct lk__five *five, const struct lk_face *face, float (*points)[2])
{
    memcpy(points, face->points, sizeof face->points);
    for (int i = 0; i < 5; i++) {
        const int count = five->point[i].count;
        float sum[2] = {0, 0};
        for (int j = 0; j < count; j++) {
            for (int k = 0; k < 2; k++)
                sum[k] += face->landmarks.point[five->point[i].of[j]][k];
        }
        for (int k = 0; k < 2 && count; k++)
            points[i][k] = sum[k] / (float)count;
    }
}

static bool agrees(const struct lk_face *face, const float (*points)[2])
{
    const float *b = face->box;
    const float most = most_moved * fminf(b[2] - b[0], b[3] - b[1]);
    for (int i = 0; i < 5; i++) {
        if (!(hypotf(points[i][0] - face->points[i][0], points[i][1] - face->points[i][1]) <= most))
            return false;
    }
    return true;
}

int lk_landmark_face(const lk_landmarker *l,
                     const struct lk_picture *picture,
                     float least,
                     struct lk_face *face,
                     const struct lk_watch *watch,
                     struct lk_error *err)
{
    struct lk_affine to_crop, back;
    struct lk_landmarks made = {.count = 0};
    float *tensor = NULL, points[5][2];
    int code = lk__landmarker_tensor(l, picture, face, &tensor, &to_crop, err);
    code = code ? code : lk_affine_invert(&to_crop, &back, err);
    code = code ? code : run(l, tensor, watch, &made, err);
    free(tensor);
    if (code)
        return code;
    for (int i = 0; i < made.count; i++)
        lk_affine_apply(&back, (const float[]){made.point[i][0], made.point[i][1]}, made.point[i]);
    face->landmarks = made;
    five_of(l->family->five, face, points);
    if (least <= 0 || (made.score >= least && agrees(face, (const float(*)[2])points))) {
        memcpy(face->points, points, sizeof points);
        lk__face_pose_in_relief(face);
    }
    return 0;
}
