// SPDX-License-Identifier: Apache-2.0
#include "stages/find/detector.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "stages/find/detector/families.h"

/* Another family is one file and one row. */
static const struct lk__detector_family *const families[] = {
    &lk__detector_scrfd,    &lk__detector_retinaface, &lk__detector_yunet,
    &lk__detector_yoloface, &lk__detector_ultraface,
};

enum { MAX_OUTPUTS = 16, MAX_CANVAS = 4096 };

struct lk_detector {
    const struct lk__detector_family *family;
    lk_session *session;
    char *path;
    struct lk_contract contract;
    const char *input;
    int width, height; /* of the file's canvas; 0: as large as the look */
    bool shaped;       /* a canvas may have the picture's shape */
    const char *outputs[MAX_OUTPUTS];
    size_t output_count;
};

static const struct lk__detector_family *family_named(const char *name)
{
    if (!name)
        return families[0];
    for (size_t i = 0; i < LK_ARRAY_LENGTH(families); i++) {
        if (strcmp(families[i]->name, name) == 0)
            return families[i];
    }
    return NULL;
}

static int unknown_family(const char *name, struct lk_error *err)
{
    char known[128] = "";
    for (size_t i = 0, at = 0; i < LK_ARRAY_LENGTH(families) && at < sizeof known; i++)
        at += (size_t)snprintf(
            known + at, sizeof known - at, "%s%s", i ? ", " : "",
            families[i]->name); // NOLINT(clang-analyzer-core.NullDereference): rows are addresses
    return lk_fail(err, LK_E_INPUT, "detector family '%s' is not known: the families are %s", name,
                   known);
}

/* The family asked for when the file keeps its contract, else the one whose contract it keeps. */
static const struct lk__detector_family *family_of(const lk_session *session,
                                                   const struct lk__detector_family *asked)
{
    if (asked->fits(session))
        return asked;
    for (size_t i = 0; i < LK_ARRAY_LENGTH(families); i++) {
        if (families[i]->fits(session))
            return families[i];
    }
    return NULL;
}

/* sides: of the file's canvas where the session has none; else NULL */
static int read_ports(lk_detector *detector, const int64_t *sides, struct lk_error *err)
{
    const struct lk_port *in, *out;
    const struct lk__detector_family *found = family_of(detector->session, detector->family);
    if (!found)
        return lk_contract_fail(&detector->contract, detector->session, err);
    detector->family = found;
    detector->contract.family = found->name;
    detector->contract.expects = found->expects;
    lk_session_inputs(detector->session, &in);
    detector->input = in[0].name;
    const int64_t height = sides ? sides[0] : in[0].shape[2],
                  width = sides ? sides[1] : in[0].shape[3];
    if (height == 0 || width == 0 || height > MAX_CANVAS || width > MAX_CANVAS)
        return lk_contract_fail(&detector->contract, detector->session, err);
    detector->height = height > 0 ? (int)height : 0;
    detector->width = width > 0 ? (int)width : 0;
    detector->output_count = lk_session_outputs(detector->session, &out);
    if (detector->output_count > MAX_OUTPUTS)
        return lk_contract_fail(&detector->contract, detector->session, err);
    for (size_t i = 0; i < detector->output_count; i++)
        detector->outputs[i] = out[i].name;
    return 0;
}

const char *lk_detector_family(const lk_detector *detector)
{
    return detector->family->name;
}

bool lk_detector_has_points(const lk_detector *detector)
{
    return !detector->family->boxes_only;
}

size_t lk_detector_runs(const lk_detector *detector)
{
    return lk_session_runs(detector->session);
}

float lk__detector_sure(const lk_detector *detector)
{
    return detector->family->sure;
}

/* ---- what families share ---- */

/* Where points lie in the box of a face seen from the front, as fractions of it. */
static const float usual_points[5][2] = {
    {0.31f, 0.40f}, {0.69f, 0.40f}, {0.5f, 0.60f}, {0.35f, 0.78f}, {0.65f, 0.78f}};

bool lk__detector_ports(const lk_session *session, size_t outputs, const struct lk_port **out)
{
    const struct lk_port *in;
    return lk_session_inputs(session, &in) == 1 &&
           lk_port_fits(&in[0], 4, (const int64_t[]){1, 3, -1, -1}) &&
           lk_session_outputs(session, out) == outputs;
}

size_t lk__cells(int side, int stride)
{
    return (size_t)((side + stride - 1) / stride);
}

int lk__answer_fail(const struct lk__answer *answer, struct lk_error *err)
{
    const struct lk_contract *contract = answer->contract;
    return lk_fail(err, LK_E_INPUT,
                   "'%s' is no %s of family %s: its outputs for a canvas of %d×%d are not "
                   "those of %s",
                   contract->path, contract->role, contract->family, answer->box->canvas_width,
                   answer->box->canvas_height, contract->expects);
}

static float beyond(float at, int first, int length)
{
    return fmaxf(fmaxf((float)first - at, at - (float)(first + length)), 0);
}

/* Which of the pictures in the canvas is nearest to that place. */
static size_t place_of(const struct lk__answer *answer, float x, float y)
{
    size_t best = 0;
    float nearest = INFINITY;
    for (size_t i = 0; i < answer->boxes; i++) {
        const struct lk__letterbox *b = &answer->box[i];
        const float far = hypotf(beyond(x, b->x, b->width), beyond(y, b->y, b->height));
        best = far < nearest ? i : best;
        nearest = fminf(far, nearest);
    }
    return best;
}

int lk__answer_add(const struct lk__answer *answer,
                   float score,
                   const float box[4],
                   const float (*points)[2],
                   struct lk__candidates *out,
                   struct lk_error *err)
{
    const size_t look = place_of(answer, (box[0] + box[2]) / 2, (box[1] + box[3]) / 2);
    const struct lk__letterbox *in = &answer->box[look];
    const float scale[2] = {in->scale_x, in->scale_y}, at[2] = {(float)in->x, (float)in->y};
    struct lk__candidate face = {.score = fminf(1, score), .look = (int)look};
    bool finite = true;
    if (!(box[2] > box[0] && box[3] > box[1]))
        return 0;
    for (int i = 0; i < 4; i++)
        face.box[i] = (box[i] - at[i % 2]) / scale[i % 2];
    for (int i = 0; i < 5; i++) {
        for (int k = 0; k < 2; k++) {
            float usual = face.box[k] + usual_points[i][k] * (face.box[2 + k] - face.box[k]);
            face.points[i][k] = points ? (points[i][k] - at[k]) / scale[k] : usual;
            finite &=
                isfinite(face.box[k]) && isfinite(face.box[2 + k]) && isfinite(face.points[i][k]);
        }
    }
    if (!finite)
        return lk__answer_fail(answer, err);
    return lk__candidates_add(out, &face, err);
}

/* ---- one look ---- */

int lk__detector_canvas(const lk_detector *detector, int side)
{
    int longer = detector->width > detector->height ? detector->width : detector->height;
    return longer && longer < side ? longer : side;
}

static int check_outputs(const struct lk__answer *answer, struct lk_error *err)
{
    int code = 0;
    for (size_t i = 0; i < answer->count && !code; i++)
        code = answer->outputs[i].dtype == LK_F32
                   ? lk_contract_finite(answer->contract, &answer->outputs[i], err)
                   : lk__answer_fail(answer, err);
    return code;
}

/* One run: n glances that lie in one canvas. */
static int look_once(const lk_detector *detector,
                     const struct lk__glance *glances,
                     const struct lk__letterbox *boxes,
                     size_t n,
                     float threshold,
                     const struct lk_watch *watch,
                     struct lk__candidates *out,
                     struct lk_error *err)
{
    const struct lk__pixels *pixels = &detector->family->pixels;
    const int width = boxes->canvas_width, height = boxes->canvas_height;
    const size_t bytes = (size_t)width * (size_t)height * 3 * sizeof(float);
    float *canvas = malloc(bytes);
    if (!canvas)
        return lk_fail_memory(err, "the canvas of a detector", bytes);
    struct lk_array input = {
        .dtype = LK_F32, .rank = 4, .shape = {1, 3, height, width}, .data = canvas};
    struct lk_array outputs[MAX_OUTPUTS] = {{0}};
    struct lk__answer answer = {.contract = &detector->contract,
                                .outputs = outputs,
                                .count = detector->output_count,
                                .box = boxes,
                                .boxes = n};
    int code = 0;
    lk_session_outputs(detector->session, &answer.ports);
    lk__letterbox_black(boxes, pixels, canvas);
    for (size_t i = 0; i < n && !code; i++)
        code = lk__letterbox_add(&boxes[i], glances[i].picture, pixels, canvas, err);
    if (!code)
        code = lk_session_run(detector->session, 1, &detector->input, &input,
                              detector->output_count, detector->outputs, outputs, watch, err);
    code = code ? code : check_outputs(&answer, err);
    code = code ? code : detector->family->decode(&answer, threshold, out, err);
    lk_arrays_free(outputs, detector->output_count);
    free(canvas);
    return code;
}

/* Beside another, a small picture has another border than it has alone: of the shared photos' faces
 * scores differ by up to 0.017 there, of those of a few pixels by 0.1. */
static const float doubt = 0.02f, most_doubt = 0.1f;

/* Whether a candidate of the second glance could be more than worse than one of the first. */
static bool could_matter(const struct lk__candidates *seen, const struct lk__candidate *second)
{
    for (size_t i = 0; i < seen->count; i++) {
        const struct lk__candidate *first = &seen->item[i];
        if (!first->look && first->score > second->score + doubt &&
            lk__candidates_same(first, second))
            return false;
    }
    return true;
}

/* Both glances in one run: adds what the first shows. *again: the second is to be taken alone. */
static int look_together(const lk_detector *detector,
                         const struct lk__glance *glances,
                         const struct lk__letterbox *boxes,
                         float threshold,
                         const struct lk_watch *watch,
                         struct lk__candidates *out,
                         bool *again,
                         struct lk_error *err)
{
    struct lk__candidates seen = {0};
    int code =
        look_once(detector, glances, boxes, 2, fmaxf(threshold - most_doubt, 0), watch, &seen, err);
    *again = false;
    for (size_t i = 0; i < seen.count && !code; i++) {
        const struct lk__candidate *face = &seen.item[i];
        if (face->look)
            *again |= could_matter(&seen, face);
        else if (face->score >= threshold)
            code = lk__candidates_add(out, face, err);
    }
    free(seen.item);
    return code;
}

int lk__detector_look(const lk_detector *detector,
                      const struct lk__glance *glances,
                      size_t n,
                      float threshold,
                      const struct lk_watch *watch,
                      struct lk__candidates *out,
                      struct lk_error *err)
{
    struct lk__letterbox boxes[LK__GLANCES];
    for (size_t i = 0; i < n; i++) {
        boxes[i] =
            lk__letterbox_fit(glances[i].picture->width, glances[i].picture->height,
                              glances[i].side, detector->width ? detector->width : glances[i].side,
                              detector->height ? detector->height : glances[i].side);
        if (detector->shaped)
            lk__letterbox_trim(&boxes[i]);
    }
    struct lk__letterbox moved = boxes[n - 1];
    bool again = true;
    size_t done = 0;
    int code = 0;
    if (n == 2 && !detector->shaped && detector->width && detector->height &&
        lk__letterbox_beside(boxes, &moved)) {
        code = look_together(detector, glances, (struct lk__letterbox[]){boxes[0], moved},
                             threshold, watch, out, &again, err);
        done = 1;
    }
    for (size_t i = done; i < n && again && !code; i++) {
        const size_t before = out->count;
        code = look_once(detector, &glances[i], &boxes[i], 1, threshold, watch, out, err);
        for (size_t k = before; k < out->count; k++)
            out->item[k].look = (int)i;
    }
    return code;
}

/* ---- opening ---- */

/* A canvas that is no square, of whole cells; and a score that none reaches. */
static const struct lk__letterbox trial = {.canvas_width = 96, .canvas_height = 64};
static const float unreachable = 2;

/* Opens the file for canvases of any shape. false, and nothing is open, where the network does not
 * stand them: of such a canvas it answers nothing, or rows that are not those of its cells. */
static bool open_shaped(lk_detector *detector, lk_runtime *runtime, const char *device)
{
    int64_t sides[2];
    struct lk__candidates none = {0};
    const struct lk__detector_family *asked = detector->family;
    const bool fixed =
        !lk_session_open_any_size(runtime, detector->path, device, sides, &detector->session, NULL);
    detector->shaped =
        (fixed || !lk_session_open(runtime, detector->path, device, &detector->session, NULL)) &&
        !read_ports(detector, fixed ? sides : NULL, NULL) && detector->family->counts_rows &&
        !look_once(detector, NULL, &trial, 0, unreachable, NULL, &none, NULL);
    free(none.item);
    if (detector->shaped)
        return true;
    lk_session_release(detector->session);
    detector->session = NULL;
    detector->family = asked;
    return false;
}

static int open_as_it_is(lk_detector *detector,
                         lk_runtime *runtime,
                         const char *device,
                         struct lk_error *err)
{
    const int code = lk_session_open(runtime, detector->path, device, &detector->session, err);
    return code ? code : read_ports(detector, NULL, err);
}

int lk_detector_open(lk_runtime *runtime,
                     const char *family,
                     const char *path,
                     const char *device,
                     lk_detector **out,
                     struct lk_error *err)
{
    const struct lk__detector_family *row = family_named(family);
    if (!row)
        return unknown_family(family, err);
    lk_detector *detector = calloc(1, sizeof *detector);
    char *copy = strdup(path);
    if (!detector || !copy) {
        free(detector);
        free(copy);
        return lk_fail_memory(err, "a detector", sizeof *detector);
    }
    detector->family = row;
    detector->path = copy;
    detector->contract = (struct lk_contract){
        .path = copy, .role = "detector", .family = row->name, .expects = row->expects};
    int code = lk_runtime_on_cpu(runtime, device) && open_shaped(detector, runtime, device)
                   ? 0
                   : open_as_it_is(detector, runtime, device, err);
    if (code) {
        lk_detector_free(detector);
        return code;
    }
    *out = detector;
    return 0;
}

void lk_detector_free(lk_detector *detector)
{
    if (!detector)
        return;
    lk_session_release(detector->session);
    free(detector->path);
    free(detector);
}
