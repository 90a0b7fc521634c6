// SPDX-License-Identifier: Apache-2.0
/* Which looks are taken at a picture.
 *
 *     1. the whole picture in 640 px and in 128 px, as insightface's SCRFD.autodetect: a detector
 *        whose largest anchors are 512 px does not know faces that fill its canvas
 *     2. turned by right angles: when nobody was found for sure, and for faces that seem to lie
 *     3. in overlapping tiles, each enlarged to the canvas: when the smallest face found is so
 *        small on the canvas that others may have been too small; tiles are halved until they
 *        show nobody new
 *
 * A face that was there before is looked for where it was (lk_find_again).
 *
 * A look's faces come back into the picture's pixels, and one suppression picks the best of what
 * all looks saw. */
#include "stages/find/find.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "stages/find/internal.h"

/* Longest side of the whole picture in its two looks, px. */
static const int far_side = 640, near_side = 128;
/* Of the look at the place of one face, which is half as large in it. */
static const int again_side = 320;

/* Below that many px of the canvas detectors begin to miss faces. */
static const float small_face = 24;

/* Faces whose points say that they are rolled by more, degrees, are looked at from there too. */
static const float lying = 45;

/* What is looked at around a face, in its longer sides. */
static const float surroundings = 2;

enum { MAX_DIVISIONS = 16 };

/* What only a harder look shows must look more like a face: half-way to being sure of it. */
static float harder(const lk_detector *detector, float threshold)
{
    return fmaxf(threshold, (threshold + lk__detector_sure(detector)) / 2);
}

static int look_whole(struct lk__finding *f, int turns, struct lk_error *err)
{
    const struct lk__view view = {
        .width = f->picture->width, .height = f->picture->height, .turns = turns};
    int code = lk__look(f, &view, (const int[]){far_side, near_side}, 2, err);
    if (!code)
        lk__candidates_suppress(&f->found);
    return code;
}

/* Whether somebody was found whom turning the picture would not show better. */
static bool is_sure(const struct lk__finding *f)
{
    return f->found.count && f->found.item[0].score >= lk__detector_sure(f->detector);
}

/* How many right angles the picture must be turned for a face with that roll to stand upright. */
static int turns_of(float roll)
{
    return fabsf(roll) <= lying ? 0 : (4 - (int)lrintf(roll / 90)) % 4;
}

static float roll_of(const struct lk__candidate *candidate)
{
    struct lk_face face = {.index = 0};
    memcpy(face.points, candidate->points, sizeof face.points);
    lk__face_pose(&face);
    return face.roll;
}

static int look_turned(struct lk__finding *f, bool everywhere, struct lk_error *err)
{
    bool wanted[4] = {false, everywhere, everywhere, everywhere};
    int code = 0;
    for (size_t i = 0; i < f->found.count && !everywhere; i++)
        wanted[turns_of(roll_of(&f->found.item[i]))] = true;
    for (int turns = 1; turns < 4 && !code; turns++) {
        if (wanted[turns])
            code = look_whole(f, turns, err);
    }
    return code;
}

/* Tiles along a side: n of them, `tile` px long, a quarter of which at least they share. */
static int tiles_along(int side, int tile)
{
    return side <= tile ? 1 : 1 + (int)ceil((side - tile) / (0.75 * tile));
}

static int look_at_tiles(struct lk__finding *f, int tile, struct lk_error *err)
{
    const int w = f->picture->width, h = f->picture->height;
    const int columns = tiles_along(w, tile), rows = tiles_along(h, tile);
    int code = 0;
    for (int i = 0; i < columns * rows && !code; i++) {
        struct lk__view view = {
            .width = w < tile ? w : tile, .height = h < tile ? h : tile, .is_tile = true};
        view.x = columns > 1 ? (w - view.width) * (i % columns) / (columns - 1) : 0;
        view.y = rows > 1 ? (h - view.height) * (i / columns) / (rows - 1) : 0;
        code = lk__look(f, &view, &far_side, 1, err);
    }
    if (!code)
        lk__candidates_suppress(&f->found);
    return code;
}

/* The smaller side of the smallest face, picture pixels; INFINITY when there is none. */
static float smallest(const struct lk__finding *f)
{
    float least = INFINITY;
    for (size_t i = 0; i < f->found.count; i++) {
        const float *box = f->found.item[i].box;
        least = fminf(least, fminf(box[2] - box[0], box[3] - box[1]));
    }
    return least;
}

/* Halves the tiles as long as `all` or what was seen wants it. A picture pixel is never enlarged
 * more than twice. */
static int look_closer(struct lk__finding *f, bool all, struct lk_error *err)
{
    const int longer =
        f->picture->width > f->picture->height ? f->picture->width : f->picture->height;
    const float canvas = (float)lk__detector_canvas(f->detector, far_side);
    float seen = (float)longer; /* px of the picture that one canvas showed */
    int code = 0;
    for (int n = 2; n <= MAX_DIVISIONS && !code; n *= 2) {
        const size_t before = f->found.count;
        const float tile = ceilf((float)longer * 1.25f / (float)n);
        const bool wanted =
            all || (!before && (n == 2 || f->hints)) || smallest(f) * canvas / seen < small_face;
        if (!wanted || tile < canvas / 2)
            break;
        f->hints = 0;
        code = look_at_tiles(f, (int)tile, err);
        if (f->found.count == before && !f->hints && !all)
            break;
        seen = tile;
    }
    return code;
}

static int look_at_all(struct lk__finding *f, enum lk_find_effort effort, struct lk_error *err)
{
    const bool all = effort == LK_FIND_THOROUGH;
    int code = look_whole(f, 0, err);
    if (effort == LK_FIND_QUICK)
        return code;
    code = code ? code : look_turned(f, all || !is_sure(f), err);
    return code ? code : look_closer(f, all, err);
}

/* ---- faces ---- */

static int from_left(const void *a, const void *b)
{
    const struct lk_face *x = a, *y = b;
    float left = x->box[0] + x->box[2], right = y->box[0] + y->box[2];
    if (left != right)
        return left < right ? -1 : 1;
    return (x->box[1] > y->box[1]) - (x->box[1] < y->box[1]);
}

static struct lk_face face_of(const struct lk__candidate *found)
{
    struct lk_face face = {.score = found->score};
    memcpy(face.box, found->box, sizeof face.box);
    memcpy(face.points, found->points, sizeof face.points);
    lk__face_pose(&face);
    return face;
}

static int make_faces(const struct lk__candidates *found,
                      struct lk_face **out,
                      struct lk_error *err)
{
    struct lk_face *faces = calloc(found->count, sizeof *faces);
    if (!faces)
        return lk_fail_memory(err, "faces", found->count * sizeof *faces);
    for (size_t i = 0; i < found->count; i++)
        faces[i] = face_of(&found->item[i]);
    qsort(faces, found->count, sizeof *faces, from_left);
    for (size_t i = 0; i < found->count; i++)
        faces[i].index = (int)i;
    *out = faces;
    return 0;
}

void lk_find_options_init(struct lk_find_options *options)
{
    *options =
        (struct lk_find_options){.threshold = 0.5f, .effort = LK_FIND_AUTO, .landmark_score = 0.5f};
}

static int check(const lk_detector *detector,
                 const struct lk_find_options *options,
                 struct lk_error *err)
{
    if (!(options->threshold >= 0 && options->threshold <= 1))
        return lk_fail(err, LK_E_INPUT, "face score %g is not between 0 and 1",
                       (double)options->threshold);
    if (!lk_detector_has_points(detector) && !options->boxes_only && !options->landmarker)
        return lk_fail(err, LK_E_INPUT,
                       "the detector of family %s answers boxes without points: name a landmarker "
                       "that finds them",
                       lk_detector_family(detector));
    return 0;
}

/* *bytes: what the caller frees; *out: the picture in 8 bits. */
static int read_bytes(const struct lk_picture *picture,
                      struct lk_picture **bytes,
                      const struct lk_picture **out,
                      struct lk_error *err)
{
    int code =
        picture->type == LK_PIXEL_U8 ? 0 : lk_picture_convert(picture, LK_PIXEL_U8, bytes, err);
    *out = *bytes ? *bytes : picture;
    return code;
}

static int refine_points(const lk_detector *detector,
                         const struct lk_picture *picture,
                         const struct lk_find_options *options,
                         struct lk_face *face,
                         const struct lk_watch *watch,
                         struct lk_error *err)
{
    const float score = lk_detector_has_points(detector) ? options->landmark_score : 0;
    return options->landmarker
               ? lk_landmark_face(options->landmarker, picture, score, face, watch, err)
               : 0;
}

int lk_find(const lk_detector *detector,
            const struct lk_picture *picture,
            const struct lk_find_options *options,
            const struct lk_watch *watch,
            struct lk_face **faces,
            size_t *count,
            struct lk_error *err)
{
    struct lk_picture *bytes = NULL;
    struct lk_face *made = NULL;
    struct lk__finding f = {.detector = detector,
                            .threshold = options->threshold,
                            .harder = harder(detector, options->threshold),
                            .watch = watch};
    int code = check(detector, options, err);
    code = code ? code : read_bytes(picture, &bytes, &f.picture, err);
    code = code ? code : look_at_all(&f, options->effort, err);
    if (!code && f.found.count)
        code = make_faces(&f.found, &made, err);
    for (size_t i = 0; i < f.found.count && !code; i++)
        code = refine_points(detector, picture, options, &made[i], watch, err);
    if (code) {
        free(made);
    } else {
        *faces = made;
        *count = f.found.count;
    }
    free(f.found.item);
    lk_picture_free(bytes);
    return code;
}

static float longer_side(const float box[4])
{
    return fmaxf(box[2] - box[0], box[3] - box[1]);
}

/* A square around the face, at least half a canvas large: a pixel is never enlarged more than
 * twice. */
static struct lk__view around(const struct lk__finding *f, const struct lk_face *face)
{
    const float *box = face->box, least = (float)lk__detector_canvas(f->detector, again_side) / 2;
    const float side = fmaxf(surroundings * longer_side(box), least);
    const float size[2] = {(float)f->picture->width, (float)f->picture->height};
    int from[2], to[2];
    for (int k = 0; k < 2; k++) {
        const float middle = (box[k] + box[2 + k]) / 2;
        from[k] = (int)fminf(fmaxf(middle - side / 2, 0), size[k]);
        to[k] = (int)fminf(fmaxf(middle + side / 2, 0), size[k]);
    }
    return (struct lk__view){
        from[0], from[1], to[0] - from[0], to[1] - from[1], turns_of(face->roll), true};
}

/* The face whose middle is nearest to the old one's, in its box. */
static const struct lk__candidate *same_place(const struct lk__candidates *found,
                                              const float old[4])
{
    const struct lk__candidate *best = NULL;
    float nearest = INFINITY;
    for (size_t i = 0; i < found->count; i++) {
        const float *box = found->item[i].box;
        const float dx = (box[0] + box[2] - old[0] - old[2]) / 2,
                    dy = (box[1] + box[3] - old[1] - old[3]) / 2;
        const bool inside = fabsf(dx) < (old[2] - old[0]) / 2 && fabsf(dy) < (old[3] - old[1]) / 2;
        if (inside && hypotf(dx, dy) < nearest) {
            nearest = hypotf(dx, dy);
            best = &found->item[i];
        }
    }
    return best;
}

/* What was found where the face was. */
static int pick_again(struct lk__finding *f,
                      const struct lk_face *face,
                      const struct lk_find_options *options,
                      struct lk_face *out,
                      bool *found,
                      struct lk_error *err)
{
    lk__candidates_suppress(&f->found);
    const struct lk__candidate *here = same_place(&f->found, face->box);
    *found = here != NULL;
    if (!here)
        return 0;
    struct lk_face again = face_of(here);
    again.index = face->index;
    const int code = refine_points(f->detector, f->picture, options, &again, f->watch, err);
    if (!code)
        *out = again;
    return code;
}

int lk_find_again(const lk_detector *detector,
                  const struct lk_picture *picture,
                  const struct lk_face *face,
                  const struct lk_find_options *options,
                  const struct lk_watch *watch,
                  struct lk_face *out,
                  bool *found,
                  struct lk_error *err)
{
    struct lk__finding f = {.detector = detector,
                            .picture = picture,
                            .threshold = options->threshold,
                            .harder = options->threshold,
                            .watch = watch};
    const struct lk__view view = around(&f, face);
    const float shown = fmaxf((float)view.width, (float)view.height);
    /* A face that fills the view is too large for the first look, as in look_whole. */
    const size_t looks = 3 * longer_side(face->box) > 2 * shown ? 2 : 1;
    int code = check(detector, options, err);
    if (!code && view.width > 0 && view.height > 0) /* not of a picture of another size */
        code = lk__look(&f, &view, (const int[]){again_side, near_side}, looks, err);
    code = code ? code : pick_again(&f, face, options, out, found, err);
    free(f.found.item);
    return code;
}

int lk_find_faces(const lk_detector *detector,
                  const struct lk_picture *picture,
                  float threshold,
                  const struct lk_watch *watch,
                  struct lk_face **faces,
                  size_t *count,
                  struct lk_error *err)
{
    struct lk_find_options options;
    lk_find_options_init(&options);
    options.threshold = threshold;
    return lk_find(detector, picture, &options, watch, faces, count, err);
}
