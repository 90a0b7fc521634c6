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

/* Below that many px of the canvas detectors begin to miss faces. */
static const float small_face = 24;

/* Faces whose points say that they are rolled by more, degrees, are looked at from there too. */
static const float lying = 45;

enum { MAX_DIVISIONS = 16 };

/* A part of the picture, turned clockwise by `turns` right angles. */
struct view {
    int x, y, width, height, turns;
    bool is_tile; /* what touches a border inside the picture is seen whole by another tile */
};

struct finding {
    const lk_detector *detector;
    const struct lk_picture *picture; /* u8 */
    float threshold, harder;          /* harder: of all looks but the first */
    const struct lk_watch *watch;
    struct lk__candidates found; /* in the picture's pixels; between looks the best first */
    int looks, hints;            /* hints: what a harder look showed, and was not sure enough of */
};

/* What only a harder look shows must look more like a face: half-way to being sure of it. */
static float harder(const lk_detector *detector, float threshold)
{
    return fmaxf(threshold, (threshold + lk__detector_sure(detector)) / 2);
}

/* ---- views ---- */

/* Where pixel (u,v) of a view lies in the picture. */
static void from_view(const struct view *view, const float in[2], float out[2])
{
    const float u = in[0], v = in[1], right = (float)view->width - 1,
                bottom = (float)view->height - 1;
    const float at[4][2] = {{u, v}, {v, bottom - u}, {right - u, bottom - v}, {right - v, u}};
    out[0] = at[view->turns][0] + (float)view->x;
    out[1] = at[view->turns][1] + (float)view->y;
}

static void turn_box(const struct view *view, float box[4])
{
    float a[2], b[2];
    from_view(view, box, a);
    from_view(view, box + 2, b);
    for (int k = 0; k < 2; k++) {
        box[k] = fminf(a[k], b[k]);
        box[2 + k] = fmaxf(a[k], b[k]);
    }
}

/* A copy of the picture turned clockwise. */
static int turn(const struct lk_picture *in,
                int turns,
                struct lk_picture **out,
                struct lk_error *err)
{
    const bool upright = turns % 2 == 0;
    const struct view view = {.width = in->width, .height = in->height, .turns = turns};
    struct lk_picture *made;
    int code = lk_picture_new(upright ? in->width : in->height, upright ? in->height : in->width,
                              in->channels, LK_PIXEL_U8, &made, err);
    if (code)
        return code;
    const size_t channels = (size_t)in->channels;
    uint8_t *to = made->u8;
    for (int v = 0; v < made->height; v++) {
        for (int u = 0; u < made->width; u++, to += channels) {
            float at[2];
            from_view(&view, (const float[]){(float)u, (float)v}, at);
            memcpy(to, in->u8 + ((size_t)at[1] * (size_t)in->width + (size_t)at[0]) * channels,
                   channels);
        }
    }
    *out = made;
    return 0;
}

static int make_view(const struct lk_picture *picture,
                     const struct view *view,
                     struct lk_picture **out,
                     struct lk_error *err)
{
    struct lk_picture *region = NULL;
    int code =
        lk_picture_region(picture, view->x, view->y, view->width, view->height, &region, err);
    if (code || !view->turns) {
        *out = region;
        return code;
    }
    code = turn(region, view->turns, out, err);
    lk_picture_free(region);
    return code;
}

/* Whether a box reaches over the view's border where the picture goes on. */
static bool is_cut(const struct finding *f, const struct view *view, const float box[4])
{
    const int right = view->x + view->width, bottom = view->y + view->height;
    return (view->x > 0 && box[0] <= (float)view->x) || (view->y > 0 && box[1] <= (float)view->y) ||
           (right < f->picture->width && box[2] >= (float)right - 1) ||
           (bottom < f->picture->height && box[3] >= (float)bottom - 1);
}

/* ---- looks ---- */

static int look(struct finding *f, const struct view *view, int side, struct lk_error *err)
{
    const bool whole = view->width == f->picture->width && view->height == f->picture->height &&
                       !view->turns && !view->x && !view->y;
    const size_t before = f->found.count;
    struct lk_picture *made = NULL;
    int code = whole ? 0 : make_view(f->picture, view, &made, err);
    code = code ? code
                : lk__detector_look(f->detector, made ? made : f->picture, side, f->threshold,
                                    f->watch, &f->found, err);
    lk_picture_free(made);
    if (code)
        return code;
    size_t kept = before;
    for (size_t i = before; i < f->found.count; i++) {
        struct lk__candidate face = f->found.item[i];
        face.look = f->looks;
        turn_box(view, face.box);
        for (int k = 0; k < 5; k++)
            from_view(view, (const float[]){face.points[k][0], face.points[k][1]}, face.points[k]);
        if (view->is_tile && is_cut(f, view, face.box))
            continue;
        if (whole || face.score >= f->harder)
            f->found.item[kept++] = face;
        else
            f->hints++;
    }
    f->found.count = kept;
    return lk_watch_step(f->watch, "find", ++f->looks, 0, err);
}

static int look_whole(struct finding *f, int turns, struct lk_error *err)
{
    const struct view view = {
        .width = f->picture->width, .height = f->picture->height, .turns = turns};
    int code = look(f, &view, far_side, err);
    code = code ? code : look(f, &view, near_side, err);
    if (!code)
        lk__candidates_suppress(&f->found);
    return code;
}

/* Whether somebody was found whom turning the picture would not show better. */
static bool is_sure(const struct finding *f)
{
    return f->found.count && f->found.item[0].score >= lk__detector_sure(f->detector);
}

/* How many right angles the picture must be turned for this face to stand upright. */
static int turns_of(const struct lk__candidate *candidate)
{
    struct lk_face face = {.index = 0};
    memcpy(face.points, candidate->points, sizeof face.points);
    lk__face_pose(&face);
    return fabsf(face.roll) <= lying ? 0 : (4 - (int)lrintf(face.roll / 90)) % 4;
}

static int look_turned(struct finding *f, bool everywhere, struct lk_error *err)
{
    bool wanted[4] = {false, everywhere, everywhere, everywhere};
    int code = 0;
    for (size_t i = 0; i < f->found.count && !everywhere; i++)
        wanted[turns_of(&f->found.item[i])] = true;
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

static int look_at_tiles(struct finding *f, int tile, struct lk_error *err)
{
    const int w = f->picture->width, h = f->picture->height;
    const int columns = tiles_along(w, tile), rows = tiles_along(h, tile);
    int code = 0;
    for (int i = 0; i < columns * rows && !code; i++) {
        struct view view = {
            .width = w < tile ? w : tile, .height = h < tile ? h : tile, .is_tile = true};
        view.x = columns > 1 ? (w - view.width) * (i % columns) / (columns - 1) : 0;
        view.y = rows > 1 ? (h - view.height) * (i / columns) / (rows - 1) : 0;
        code = look(f, &view, far_side, err);
    }
    if (!code)
        lk__candidates_suppress(&f->found);
    return code;
}

/* The smaller side of the smallest face, picture pixels; INFINITY when there is none. */
static float smallest(const struct finding *f)
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
static int look_closer(struct finding *f, bool all, struct lk_error *err)
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

static int look_at_all(struct finding *f, enum lk_find_effort effort, struct lk_error *err)
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

void lk_find_options_init(struct lk_find_options *options)
{
    *options =
        (struct lk_find_options){.threshold = 0.5f, .effort = LK_FIND_AUTO, .landmark_score = 0.5f};
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
    struct finding f = {.detector = detector,
                        .threshold = options->threshold,
                        .harder = harder(detector, options->threshold),
                        .watch = watch};
    int code = 0;
    if (!(f.threshold >= 0 && f.threshold <= 1))
        return lk_fail(err, LK_E_INPUT, "face score %g is not between 0 and 1",
                       (double)f.threshold);
    const bool are_guesses = !lk_detector_has_points(detector);
    if (are_guesses && !options->boxes_only && !options->landmarker)
        return lk_fail(err, LK_E_INPUT,
                       "the detector of family %s answers boxes without points: name a landmarker "
                       "that finds them",
                       lk_detector_family(detector));
    if (picture->type != LK_PIXEL_U8)
        code = lk_picture_convert(picture, LK_PIXEL_U8, &bytes, err);
    f.picture = bytes ? bytes : picture;
    code = code ? code : look_at_all(&f, options->effort, err);
    if (!code && f.found.count)
        code = make_faces(&f.found, &made, err);
    for (size_t i = 0; i < f.found.count && !code && options->landmarker; i++)
        code = lk_landmark_face(options->landmarker, picture,
                                are_guesses ? 0 : options->landmark_score, &made[i], watch, err);
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
