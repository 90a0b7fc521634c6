// SPDX-License-Identifier: Apache-2.0
/* Measures a refined face and judges it by a table of bounds: each row names a measure, a bound,
 * the side on which it fails, and the sentence that says so. The first row that fails gives the
 * reason; rows are in the order in which a person would object. */
#include "stages/judge/verify.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>

#include "base/size.h"
#include "data/affine.h"
#include "stages/judge/measure.h"

void lk_verify_options_init(struct lk_verify_options *options)
{
    *options = (struct lk_verify_options){
        .cosine_min = 0.4f,
        .pose_max = 12,
        .feature_max = 0.12f,
        .asymmetry_max = 0.1f,
        .age_max = 20,
        .seam_max = 3.0f / 255,
        .sharpness_min = 0.2f,
        .texture_min = 0.4f,
        .light_max = 0.3f,
    };
}

struct bound {
    size_t measure, limit; /* offsets of a float in lk_verdict and lk_verify_options */
    bool least;            /* fails below the limit, otherwise above */
    const char *reason;    /* measure, limit */
};

#define MEASURE(name) offsetof(struct lk_verdict, name)
#define LIMIT(name) offsetof(struct lk_verify_options, name)

static const struct bound bounds[] = {
    {MEASURE(cosine_after), LIMIT(cosine_min), true,
     "the face is not that person's: cosine %.2f to the identity, at least %.2f asked for"},
    {MEASURE(pose_shift), LIMIT(pose_max), false,
     "the head has turned: by %.1f degrees, at most %.1f allowed"},
    {MEASURE(feature_shift), LIMIT(feature_max), false,
     "features are bent: moved by %.2f of the eyes' distance, at most %.2f allowed"},
    {MEASURE(asymmetry), LIMIT(asymmetry_max), false,
     "the face has become lopsided: by %.2f of the eyes' distance, at most %.2f allowed"},
    {MEASURE(age_gap), LIMIT(age_max), false,
     "the age is wrong: %.0f years off, at most %.0f allowed"},
    {MEASURE(seam), LIMIT(seam_max), false,
     "a seam shows: a step of %.4f along the mask's edge, at most %.4f allowed"},
    {MEASURE(sharpness), LIMIT(sharpness_min), true,
     "the face is blurred: %.2f of the detail there was, at least %.2f asked for"},
    {MEASURE(texture), LIMIT(texture_min), true,
     "the skin looks like plastic: %.2f of the texture there was, at least %.2f asked for"},
    {MEASURE(light_shift), LIMIT(light_max), false,
     "the light does not fit: %.2f stops off, at most %.2f allowed"},
};

static float float_at(const void *base, size_t offset)
{
    return *(const float *)((const char *)base + offset);
}

static void judge(const struct lk_verify_options *options, bool face_lost, struct lk_verdict *v)
{
    v->passed = !face_lost;
    if (face_lost) {
        v->excess = 10;
        snprintf(v->reason, sizeof v->reason, "no face is found any more where one was refined");
        return;
    }
    for (size_t i = 0; i < LK_ARRAY_LENGTH(bounds); i++) {
        float value = float_at(v, bounds[i].measure);
        float limit = float_at(options, bounds[i].limit);
        if (!(bounds[i].least ? value < limit : value > limit))
            continue;
        if (v->passed)
            snprintf(v->reason, sizeof v->reason, bounds[i].reason, (double)value, (double)limit);
        v->passed = false;
        v->excess += fabsf(value - limit) / fmaxf(fabsf(limit), 1e-3f);
    }
}

/* r = Rz(roll)·Ry(yaw)·Rx(pitch), degrees. */
static void rotation_of(const struct lk_face *face, double r[3][3])
{
    const double unit = 3.14159265358979323846 / 180;
    double cy = cos(face->yaw * unit), sy = sin(face->yaw * unit);
    double cp = cos(face->pitch * unit), sp = sin(face->pitch * unit);
    double cr = cos(face->roll * unit), sr = sin(face->roll * unit);
    const double m[3][3] = {
        {cr * cy, cr * sy * sp - sr * cp, cr * sy * cp + sr * sp},
        {sr * cy, sr * sy * sp + cr * cp, sr * sy * cp - cr * sp},
        {-sy, cy * sp, cy * cp},
    };
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++)
            r[i][j] = m[i][j];
    }
}

/* The angle of the one rotation that takes head a to head b. */
static float pose_shift(const struct lk_face *a, const struct lk_face *b)
{
    double p[3][3], q[3][3], trace = 0;
    rotation_of(a, p);
    rotation_of(b, q);
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++)
            trace += p[i][j] * q[i][j];
    }
    return (float)(acos(fmin(fmax((trace - 1) / 2, -1), 1)) * 180 / 3.14159265358979323846);
}

/* Root mean square of what the best similarity from one face's points to the other's leaves, in
 * distances of the eyes before. */
static float feature_shift(const struct lk_face *a, const struct lk_face *b)
{
    struct lk_affine map;
    double sum = 0;
    float eyes = hypotf(a->points[1][0] - a->points[0][0], a->points[1][1] - a->points[0][1]);
    if (!(eyes > 0) || lk_affine_similarity(b->points, a->points, 5, &map, NULL))
        return NAN;
    for (int i = 0; i < 5; i++) {
        float moved[2];
        lk_affine_apply(&map, b->points[i], moved);
        float dx = moved[0] - a->points[i][0], dy = moved[1] - a->points[i][1];
        sum += (double)(dx * dx + dy * dy);
    }
    return (float)sqrt(sum / 5) / eyes;
}

/* Of the five points from their mirror image, in distances of the eyes. */
static float asymmetry_of(const struct lk_face *face)
{
    static const int other[5] = {1, 0, 2, 4, 3};
    struct lk_face mirrored = *face;
    for (int i = 0; i < 5; i++) {
        mirrored.points[i][0] = -face->points[other[i]][0];
        mirrored.points[i][1] = face->points[other[i]][1];
    }
    return feature_shift(face, &mirrored);
}

static float age_gap(const struct lk_verify_input *in)
{
    return in->years > 0 && in->years_wanted > 0 ? fabsf(in->years - in->years_wanted) : NAN;
}

static int check_sizes(const struct lk_verify_input *in, struct lk_error *err)
{
    const struct lk_picture *a = in->before, *b = in->after;
    if (a->type != LK_PIXEL_F32 || b->type != LK_PIXEL_F32 || a->channels != 3 || b->channels != 3)
        return lk_fail(err, LK_E_INPUT, "verify: both crops must be float RGB");
    if (a->width != b->width || a->height != b->height || a->width != in->mask->width ||
        a->height != in->mask->height)
        return lk_fail(err, LK_E_INPUT,
                       "verify: crops of %dx%d and %dx%d and a mask of %dx%d: they must be equal",
                       a->width, a->height, b->width, b->height, in->mask->width, in->mask->height);
    return 0;
}

static float cosine_to(const struct lk_face *face, const struct lk_embedding *identity)
{
    return face && identity ? lk_embedding_cosine(&face->embedding, identity) : NAN;
}

int lk_verify_face(const struct lk_verify_input *input,
                   const struct lk_verify_options *options,
                   struct lk_verdict *out,
                   struct lk_error *err)
{
    bool pixels = input->before && input->after && input->mask;
    bool faces = input->face_before && input->face_after;
    int code = pixels ? check_sizes(input, err) : 0;
    if (code)
        return code;
    const struct lk_picture *before = input->before, *after = input->after;
    struct lk_verdict v = {
        .cosine_before = cosine_to(input->face_before, input->identity),
        .cosine_after = cosine_to(input->face_after, input->identity),
        .pose_shift = faces ? pose_shift(input->face_before, input->face_after) : NAN,
        .feature_shift = faces ? feature_shift(input->face_before, input->face_after) : NAN,
        .asymmetry =
            faces ? fmaxf(asymmetry_of(input->face_after) - asymmetry_of(input->face_before), 0)
                  : NAN,
        .age_gap = age_gap(input),
        .seam = pixels ? lk__measure_seam(before, after, input->mask) : NAN,
        .sharpness = pixels ? lk__measure_sharpness(before, after, input->mask) : NAN,
        .texture = pixels ? lk__measure_texture(before, after, input->mask) : NAN,
        .light_shift = pixels ? lk__measure_light(before, after, input->mask) : NAN,
    };
    judge(options, input->face_lost, &v);
    *out = v;
    return 0;
}

int lk_look_at_face(const struct lk_picture *crop,
                    const struct lk_mask *mask,
                    const struct lk_face *face,
                    struct lk_look *out,
                    struct lk_error *err)
{
    const struct lk_verify_input input = {.before = crop, .after = crop, .mask = mask};
    int code = check_sizes(&input, err);
    if (code)
        return code;
    *out = (struct lk_look){
        .asymmetry = asymmetry_of(face),
        .sharpness = lk__measure_detail(crop, mask),
        .texture = lk__measure_skin(crop, mask),
    };
    return 0;
}
