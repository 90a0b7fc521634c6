// SPDX-License-Identifier: Apache-2.0
/* As FaceFusion's face_masker.py does it:
 *
 *     network's picture   the crop, bilinear, at the network's side
 *     mask                1 where the greatest of the 19 classes is one of those asked for
 * (bisenet), or the answer itself (xseg), bilinear at the crop's size softened            Gaussian
 * of σ 5; what is below ½ then is 0, the rest stretched to 0…1   */
#include "stages/fit/segment.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "base/size.h"
#include "base/wide.h"
#include "runtime/contract.h"

enum { CLASSES = 19, MAX_SIDE = 1024 };

static const float softness = 5; /* σ, px of the crop */

struct family {
    const char *name, *role;
    const char *expects; /* the contract, for error sentences */
    int side;            /* where the file leaves it free */
    int classes;         /* 1: the answer is the mask */
    bool pixels_last;    /* [1,H,W,C] instead of [1,C,H,W] */
    bool blue_first;
    float mean[3], factor[3]; /* (v − mean)·factor of v 0…1, R, G, B */
};

static const struct family families[] = {
    {.name = "bisenet",
     .role = "parser",
     .expects = "one input [1,3,S,S] and an output [1,19,S,S]",
     .side = 512,
     .classes = CLASSES,
     .mean = {0.485f, 0.456f, 0.406f},
     .factor = {1 / 0.229f, 1 / 0.224f, 1 / 0.225f}},
    {.name = "xseg",
     .role = "occluder",
     .expects = "one input [1,S,S,3] and an output [1,S,S,1]",
     .side = 256,
     .classes = 1,
     .pixels_last = true,
     .blue_first = true,
     .factor = {1, 1, 1}},
};

/* Classes of CelebAMask-HQ, by FaceFusion's names. */
static const struct {
    const char *name;
    int number;
} regions[] = {
    {"skin", 1},    {"left-eyebrow", 2}, {"right-eyebrow", 3}, {"left-eye", 4},   {"right-eye", 5},
    {"glasses", 6}, {"nose", 10},        {"mouth", 11},        {"upper-lip", 12}, {"lower-lip", 13},
};

struct lk_segmenter {
    const struct family *family;
    lk_session *session;
    char *path;
    struct lk_contract contract;
    const char *input, *output;
    int side;
};

/* ---- opening ---- */

static bool port_is(const struct family *family,
                    const struct lk_port *port,
                    int channels,
                    int64_t side)
{
    return family->pixels_last ? lk_port_fits(port, 4, (const int64_t[]){1, side, side, channels})
                               : lk_port_fits(port, 4, (const int64_t[]){1, channels, side, side});
}

/* BiSeNet's exports answer its auxiliary heads too: the first is the one. */
static int find_ports(lk_segmenter *segmenter, struct lk_error *err)
{
    const struct family *family = segmenter->family;
    const struct lk_port *in, *out;
    const size_t n_in = lk_session_inputs(segmenter->session, &in);
    const size_t n_out = lk_session_outputs(segmenter->session, &out);
    if (n_in != 1 || !n_out || in->rank != 4)
        return lk_contract_fail(&segmenter->contract, segmenter->session, err);
    const int64_t given = in->shape[family->pixels_last ? 1 : 2];
    const int64_t side = given > 0 ? given : family->side;
    if (side > MAX_SIDE || !port_is(family, in, 3, side) ||
        !port_is(family, out, family->classes, side))
        return lk_contract_fail(&segmenter->contract, segmenter->session, err);
    segmenter->input = in->name;
    segmenter->output = out->name;
    segmenter->side = (int)side;
    return 0;
}

static const struct family *family_named(const char *name)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(families); i++)
        if (!name || !strcmp(families[i].name, name))
            return &families[i];
    return NULL;
}

int lk_segmenter_open(lk_runtime *runtime,
                      const char *family,
                      const char *path,
                      const char *device,
                      lk_segmenter **out,
                      struct lk_error *err)
{
    const struct family *row = family_named(family);
    if (!row)
        return lk_fail(err, LK_E_INPUT,
                       "family '%s' is not known: a parser is bisenet, an occluder xseg", family);
    lk_segmenter *segmenter = calloc(1, sizeof *segmenter);
    if (!segmenter || !(segmenter->path = strdup(path))) {
        free(segmenter);
        return lk_fail_memory(err, "a parser", sizeof *segmenter);
    }
    segmenter->family = row;
    segmenter->contract = (struct lk_contract){
        .path = segmenter->path, .role = row->role, .family = row->name, .expects = row->expects};
    int code = lk_session_open(runtime, path, device, &segmenter->session, err);
    if (!code)
        code = find_ports(segmenter, err);
    if (code) {
        lk_segmenter_free(segmenter);
        return code;
    }
    *out = segmenter;
    return 0;
}

void lk_segmenter_free(lk_segmenter *segmenter)
{
    if (!segmenter)
        return;
    lk_session_release(segmenter->session);
    free(segmenter->path);
    free(segmenter);
}

static int unknown_region(const char *names, const char *label, struct lk_error *err)
{
    char known[200] = "";
    for (size_t i = 0, at = 0; i < LK_ARRAY_LENGTH(regions) && at < sizeof known; i++)
        at +=
            (size_t)snprintf(known + at, sizeof known - at, "%s%s", i ? ", " : "", regions[i].name);
    return lk_fail(err, LK_E_INPUT, "%s: '%s' is not 'all', nor a list of %s", label, names, known);
}

int lk_regions_read(const char *names, const char *label, unsigned *out, struct lk_error *err)
{
    unsigned set = 0;
    for (const char *at = names; *at || at == names;) {
        const size_t length = strcspn(at, ",");
        unsigned found = length == 3 && !strncmp(at, "all", 3) ? LK_REGIONS_ALL : 0;
        for (size_t i = 0; i < LK_ARRAY_LENGTH(regions); i++)
            if (strlen(regions[i].name) == length && !strncmp(regions[i].name, at, length))
                found = 1u << regions[i].number;
        if (!found)
            return unknown_region(names, label, err);
        set |= found;
        at += length + (at[length] == ',');
    }
    *out = set;
    return 0;
}

/* The classes of a set: what is no part of a face is never asked for. */
static unsigned classes_of(unsigned set)
{
    unsigned classes = 0;
    for (size_t i = 0; i < LK_ARRAY_LENGTH(regions); i++)
        classes |= 1u << regions[i].number;
    return classes & set;
}

/* ---- looking ---- */

/* The places in a line of from_size that pixel `to` of one of to_size lies between, and the second
 * one's weight: pixel centres at halves, ends repeated [cv2.resize, bilinear]. */
struct between {
    size_t a, b;
    float weight;
};

static struct between find_between(int to, int from_size, int to_size)
{
    const double at = (to + 0.5) * from_size / to_size - 0.5;
    const double low = fmin(fmax(floor(at), 0), from_size - 1);
    const double high = fmin(fmax(floor(at) + 1, 0), from_size - 1);
    return (struct between){(size_t)low, (size_t)high, (float)(at - floor(at))};
}

/* Of `stride` interleaved channels one: from [h,w,stride] at (x, y). */
static float mixed(
    const float *from, size_t width, size_t stride, struct between x, struct between y)
{
    const float *top = from + y.a * width * stride, *low = from + y.b * width * stride;
    const float t = top[x.a * stride] * (1 - x.weight) + top[x.b * stride] * x.weight;
    const float l = low[x.a * stride] * (1 - x.weight) + low[x.b * stride] * x.weight;
    return t * (1 - y.weight) + l * y.weight;
}

/* A row of the network's picture, one channel: (v − mean)·factor, of every `stride`-th number. */
static void fill_row(const float *from,
                     size_t width,
                     const struct between *across,
                     struct between down,
                     int side,
                     float mean,
                     float factor,
                     size_t stride,
                     float *to)
{
    for (int x = 0; x < side; x++)
        to[(size_t)x * stride] = (mixed(from, width, 3, across[x], down) - mean) * factor;
}

enum { ROWS = 64 }; /* of a task */

struct filling {
    const lk_segmenter *segmenter;
    const struct lk_picture *crop;
    float *tensor;
    struct between across[MAX_SIDE];
};

static void fill_rows(void *what, size_t i)
{
    const struct filling *f = what;
    const struct family *family = f->segmenter->family;
    const int side = f->segmenter->side, first = (int)i * ROWS;
    const size_t plane = (size_t)side * (size_t)side;
    for (int y = first; y < side && y < first + ROWS; y++) {
        const struct between down = find_between(y, f->crop->height, side);
        const size_t row = (size_t)y * (size_t)side;
        for (size_t c = 0; c < 3; c++) {
            const size_t channel = family->blue_first ? 2 - c : c;
            float *to =
                f->tensor + (family->pixels_last ? 3 * row + channel : channel * plane + row);
            fill_row(f->crop->f32 + c, (size_t)f->crop->width, f->across, down, side,
                     family->mean[c], family->factor[c], family->pixels_last ? 3 : 1, to);
        }
    }
}

static void fill_tensor(const lk_segmenter *segmenter, const struct lk_picture *crop, float *tensor)
{
    const int side = segmenter->side;
    struct filling filling = {.segmenter = segmenter, .crop = crop, .tensor = tensor};
    for (int x = 0; x < side; x++)
        filling.across[x] = find_between(x, crop->width, side);
    lk_spread((size_t)(side + ROWS - 1) / ROWS, fill_rows, &filling);
}

enum { AT_ONCE = 1024 };

/* Of n pixels, whose scores are a plane apart from class to class: 1 in place of the first class's
 * where the greatest is one of `classes`, else 0. Class after class, as they lie. */
LK_WIDE static void choose_classes(float *scores, size_t plane, size_t n, unsigned classes)
{
    float greatest[AT_ONCE], chosen[AT_ONCE];
    for (size_t k = 0; k < CLASSES; k++) {
        const float *at = scores + k * plane, is_one = (float)(classes >> k & 1);
        for (size_t i = 0; i < n; i++) {
            const bool greater = !k || at[i] > greatest[i];
            greatest[i] = greater ? at[i] : greatest[i];
            chosen[i] = greater ? is_one : chosen[i];
        }
    }
    memcpy(scores, chosen, n * sizeof *scores);
}

struct choosing {
    float *answer;
    size_t plane;
    unsigned classes;
};

/* A row of blocks. */
static void choose_part(void *what, size_t i)
{
    const struct choosing *c = what;
    const size_t end = (i + 1) * ROWS * AT_ONCE;
    for (size_t first = i * ROWS * AT_ONCE; first < end && first < c->plane; first += AT_ONCE)
        choose_classes(c->answer + first, c->plane,
                       c->plane - first < AT_ONCE ? c->plane - first : AT_ONCE, c->classes);
}

/* answer: the network's, [classes,side,side]; its first plane becomes the mask. */
static void make_plane(const lk_segmenter *segmenter, unsigned classes, float *answer)
{
    const size_t plane = (size_t)segmenter->side * (size_t)segmenter->side;
    if (segmenter->family->classes == 1) {
        for (size_t i = 0; i < plane; i++)
            answer[i] = fminf(fmaxf(answer[i], 0), 1);
        return;
    }
    struct choosing choosing = {answer, plane, classes};
    lk_spread((plane + ROWS * AT_ONCE - 1) / (ROWS * AT_ONCE), choose_part, &choosing);
}

static int make_mask(const lk_segmenter *segmenter,
                     const struct lk_picture *crop,
                     const float *plane,
                     struct lk_mask **out,
                     struct lk_error *err)
{
    struct lk_mask *mask = NULL;
    const int side = segmenter->side;
    const size_t bytes = (size_t)crop->width * sizeof(struct between);
    struct between *across = malloc(bytes);
    int code = across ? lk_mask_new(crop->width, crop->height, &mask, err)
                      : lk_fail_memory(err, "the mask of a face", bytes);
    if (code) {
        free(across);
        return code;
    }
    for (int x = 0; x < mask->width; x++)
        across[x] = find_between(x, side, mask->width);
    for (int y = 0; y < mask->height; y++) {
        const struct between down = find_between(y, side, mask->height);
        for (int x = 0; x < mask->width; x++)
            mask->value[(size_t)y * (size_t)mask->width + (size_t)x] =
                mixed(plane, (size_t)side, 1, across[x], down);
    }
    free(across);
    code = lk_mask_blur(mask, softness, err);
    for (size_t i = 0; i < (size_t)mask->width * (size_t)mask->height; i++) {
        const float v = mask->value[i] > 0.5f ? mask->value[i] : 0.5f;
        mask->value[i] = 2 * ((v < 1 ? v : 1) - 0.5f);
    }
    if (code)
        lk_mask_free(mask);
    else
        *out = mask;
    return code;
}

int lk_segment_face(const lk_segmenter *segmenter,
                    const struct lk_picture *crop,
                    unsigned set,
                    const struct lk_watch *watch,
                    struct lk_mask **out,
                    struct lk_error *err)
{
    const struct family *family = segmenter->family;
    const int64_t side = segmenter->side;
    const size_t pixels = (size_t)side * (size_t)side, bytes = 3 * pixels * sizeof(float);
    struct lk_array answer = {0}, input = {.dtype = LK_F32, .rank = 4, .shape = {1, 3, side, side}};
    if (family->pixels_last) {
        input.shape[1] = side;
        input.shape[3] = 3;
    }
    if (!(input.data = malloc(bytes)))
        return lk_fail_memory(err, "the crop of a face", bytes);
    fill_tensor(segmenter, crop, input.data);
    int code = lk_session_run(segmenter->session, 1, &segmenter->input, &input, 1,
                              &segmenter->output, &answer, watch, err);
    if (!code &&
        (answer.dtype != LK_F32 || lk_array_count(&answer) != (size_t)family->classes * pixels))
        code = lk_contract_fail(&segmenter->contract, segmenter->session, err);
    if (!code)
        code = lk_contract_finite(&segmenter->contract, &answer, err);
    if (!code) {
        make_plane(segmenter, classes_of(set), answer.data);
        code = make_mask(segmenter, crop, answer.data, out, err);
    }
    lk_arrays_free(&answer, 1);
    free(input.data);
    return code;
}
