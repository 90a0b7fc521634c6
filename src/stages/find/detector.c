// SPDX-License-Identifier: Apache-2.0
#include "stages/find/detector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "stages/find/internal.h"

/* Another family is one file and one row. */
static const struct lk__detector_family *const families[] = {
    &lk__detector_scrfd,
};

/* Longest side of the picture in each pass, px: far faces, then faces that fill the picture. */
static const int passes[] = {640, 128};

/* Boxes that overlap by more are one face [insightface, FaceFusion]. */
static const float overlap_limit = 0.4f;

enum { MAX_OUTPUTS = 16, MAX_CANVAS = 4096 };

struct lk_detector {
    const struct lk__detector_family *family;
    lk_session *session;
    char *path;
    struct lk_contract contract;
    const char *input;
    int width, height; /* of a fixed canvas; 0: as large as the pass */
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

static int read_ports(lk_detector *detector, struct lk_error *err)
{
    const struct lk_port *in, *out;
    if (!detector->family->fits(detector->session))
        return lk_contract_fail(&detector->contract, detector->session, err);
    lk_session_inputs(detector->session, &in);
    detector->input = in[0].name;
    int64_t height = in[0].shape[2], width = in[0].shape[3];
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
    int code = lk_session_open(runtime, path, device, &detector->session, err);
    if (!code)
        code = read_ports(detector, err);
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

/* One look at the picture, `side` px large. picture: u8. */
static int look(const lk_detector *detector,
                const struct lk_picture *picture,
                int side,
                float threshold,
                const struct lk_watch *watch,
                struct lk__candidates *found,
                struct lk_error *err)
{
    struct lk__letterbox box = lk__letterbox_fit(picture->width, picture->height, side,
                                                 detector->width ? detector->width : side,
                                                 detector->height ? detector->height : side);
    size_t bytes = (size_t)box.canvas_width * (size_t)box.canvas_height * 3 * sizeof(float);
    float *canvas = malloc(bytes);
    if (!canvas)
        return lk_fail_memory(err, "the canvas of a detector", bytes);
    struct lk_array input = {.dtype = LK_F32,
                             .rank = 4,
                             .shape = {1, 3, box.canvas_height, box.canvas_width},
                             .data = canvas};
    struct lk_array outputs[MAX_OUTPUTS] = {{0}};
    int code = lk__letterbox_fill(&box, picture, detector->family->mean, detector->family->factor,
                                  canvas, err);
    if (!code)
        code = lk_session_run(detector->session, 1, &detector->input, &input,
                              detector->output_count, detector->outputs, outputs, watch, err);
    if (!code)
        code = detector->family->decode(&detector->contract, outputs, detector->output_count, &box,
                                        threshold, found, err);
    lk_arrays_free(outputs, detector->output_count);
    free(canvas);
    return code;
}

static int from_left(const void *a, const void *b)
{
    const struct lk_face *x = a, *y = b;
    float left = x->box[0] + x->box[2], right = y->box[0] + y->box[2];
    if (left != right)
        return left < right ? -1 : 1;
    return (x->box[1] > y->box[1]) - (x->box[1] < y->box[1]);
}

static int make_faces(const struct lk__candidates *found,
                      struct lk_face **out,
                      struct lk_error *err)
{
    struct lk_face *faces = calloc(found->count, sizeof *faces);
    if (!faces)
        return lk_fail_memory(err, "faces", found->count * sizeof *faces);
    for (size_t i = 0; i < found->count; i++) {
        const struct lk__candidate *from = &found->item[i];
        faces[i].score = from->score;
        memcpy(faces[i].box, from->box, sizeof from->box);
        memcpy(faces[i].points, from->points, sizeof from->points);
        lk__face_pose(&faces[i]);
    }
    qsort(faces, found->count, sizeof *faces, from_left);
    for (size_t i = 0; i < found->count; i++)
        faces[i].index = (int)i;
    *out = faces;
    return 0;
}

int lk_find_faces(const lk_detector *detector,
                  const struct lk_picture *picture,
                  float threshold,
                  const struct lk_watch *watch,
                  struct lk_face **faces,
                  size_t *count,
                  struct lk_error *err)
{
    struct lk_picture *bytes = NULL;
    struct lk__candidates found = {0};
    struct lk_face *made = NULL;
    int code = 0;
    if (!(threshold >= 0 && threshold <= 1))
        return lk_fail(err, LK_E_INPUT, "face score %g is not between 0 and 1", (double)threshold);
    if (picture->type != LK_PIXEL_U8)
        code = lk_picture_convert(picture, LK_PIXEL_U8, &bytes, err);
    const int steps = (int)LK_ARRAY_LENGTH(passes);
    for (int i = 0; i < steps && !code; i++) {
        code = look(detector, bytes ? bytes : picture, passes[i], threshold, watch, &found, err);
        if (!code)
            code = lk_watch_step(watch, "find", i + 1, steps, err);
    }
    if (!code && found.count) {
        lk__candidates_suppress(&found, overlap_limit);
        code = make_faces(&found, &made, err);
    }
    if (!code) {
        *faces = made;
        *count = found.count;
    }
    free(found.item);
    lk_picture_free(bytes);
    return code;
}
