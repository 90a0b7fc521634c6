// SPDX-License-Identifier: Apache-2.0
/* From picture to crop to swapped crop.
 *
 * The crop is the alignment's similarity, `boost` times the network's side. When it would enlarge
 * the face (scale > 1), the part of the picture that it shows is first upscaled by super-resolution
 * and the crop is taken from there: the network then sees detail where interpolation has none.
 * Pixel boost (FaceFusion): the crop's pixels (k·i + a, k·j + b) of each a, b form a small picture
 * of the network's side; the k² small pictures are swapped one by one and put back in place. */
#include "stages/refine/swap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "stages/refine/swap_family.h"

/* Another family is one file and one row. */
static const struct lk__swap_family *const families[] = {
    &lk__swap_inswapper,
};

enum { MAX_BOOST = 8, MAX_OWN_BOOST = 4, MAX_SOURCE = 1024 };

/* A face must be this much smaller than the crop before super-resolution is worth its time. */
static const double upscale_from = 1.05;
/* How much pasting may enlarge a crop before it takes more pixels. */
static const double most_enlarged = 1.5;
/* Picture pixels around the crop that are upscaled with it, so that its rim is sampled inside. */
static const int margin = 4;

struct lk_swapper {
    const struct lk__swap_family *family;
    lk_session *session;
    char *path;
    struct lk_contract contract;
    struct lk__swap_ports ports;
};

void lk_swap_options_init(struct lk_swap_options *options)
{
    *options = (struct lk_swap_options){.boost = 0};
}

void lk_swapped_free(struct lk_swapped *swapped)
{
    lk_picture_free(swapped->before);
    lk_picture_free(swapped->crop);
    swapped->before = swapped->crop = NULL;
}

static const struct lk__swap_family *family_named(const char *name)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(families); i++) {
        if (!name || strcmp(families[i]->name, name) == 0)
            return families[i];
    }
    return NULL;
}

int lk_swapper_open(lk_runtime *runtime,
                    const char *family,
                    const char *path,
                    const char *device,
                    lk_swapper **out,
                    struct lk_error *err)
{
    const struct lk__swap_family *row = family_named(family);
    if (!row)
        return lk_fail(
            err, LK_E_INPUT, "swapper family '%s' is not known: the family is %s", family,
            families[0]->name); // NOLINT(clang-analyzer-core.NullDereference): rows are addresses
    lk_swapper *swapper = calloc(1, sizeof *swapper);
    if (!swapper || !(swapper->path = strdup(path))) {
        free(swapper);
        return lk_fail_memory(err, "a swapper", sizeof *swapper);
    }
    swapper->family = row;
    swapper->contract = (struct lk_contract){
        .path = swapper->path, .role = "swapper", .family = row->name, .expects = row->expects};
    int code = lk_session_open(runtime, path, device, &swapper->session, err);
    if (!code)
        code = row->open(&swapper->contract, swapper->session, &swapper->ports, err);
    if (!code && swapper->ports.source_size > MAX_SOURCE)
        code = lk_contract_fail(&swapper->contract, swapper->session, err);
    if (code) {
        lk_swapper_free(swapper);
        return code;
    }
    *out = swapper;
    return 0;
}

void lk_swapper_free(lk_swapper *swapper)
{
    if (!swapper)
        return;
    lk_session_release(swapper->session);
    free(swapper->ports.map);
    free(swapper->path);
    free(swapper);
}

int lk_swapper_side(const lk_swapper *swapper)
{
    return swapper->ports.side;
}

/* The picture's rectangle under the crop, with the margin; false when none of it is inside. */
struct rectangle {
    int left, top, width, height;
};

static bool rectangle_of(const struct lk_affine *from_crop,
                         int side,
                         const struct lk_picture *picture,
                         struct rectangle *out)
{
    float low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
    for (int i = 0; i < 4; i++) {
        const float corner[2] = {i & 1 ? (float)side : -1, i & 2 ? (float)side : -1};
        float at[2];
        lk_affine_apply(from_crop, corner, at);
        for (int k = 0; k < 2; k++) {
            low[k] = fminf(low[k], at[k]);
            high[k] = fmaxf(high[k], at[k]);
        }
    }
    const float size[2] = {(float)picture->width, (float)picture->height};
    int from[2], to[2];
    for (int k = 0; k < 2; k++) {
        from[k] = (int)fminf(fmaxf(floorf(low[k]) - (float)margin, 0), size[k]);
        to[k] = (int)fminf(fmaxf(ceilf(high[k]) + 1 + (float)margin, 0), size[k]);
        if (from[k] >= to[k])
            return false;
    }
    *out = (struct rectangle){from[0], from[1], to[0] - from[0], to[1] - from[1]};
    return true;
}

/* picture: f32 or u8 → its rectangle as f32 RGB. */
static int cut_out(const struct lk_picture *picture,
                   const struct rectangle *r,
                   struct lk_picture **out,
                   struct lk_error *err)
{
    const size_t channels = (size_t)picture->channels;
    int code = lk_picture_new(r->width, r->height, 3, LK_PIXEL_F32, out, err);
    for (int y = 0; y < r->height && !code; y++) {
        size_t from = ((size_t)(r->top + y) * (size_t)picture->width + (size_t)r->left) * channels;
        float *to = (*out)->f32 + (size_t)y * (size_t)r->width * 3;
        for (int x = 0; x < r->width; x++, from += channels, to += 3) {
            for (size_t c = 0; c < 3; c++)
                to[c] = picture->type == LK_PIXEL_F32 ? picture->f32[from + c]
                                                      : (float)picture->u8[from + c] / 255;
        }
    }
    return code;
}

/* The crop out of the upscaled surroundings. Pixel centres are whole numbers, so that picture x
 * lies at (x − left + ½)·n − ½ in what is upscaled n times. */
static int crop_upscaled(const struct lk_picture *picture,
                         const struct lk_affine *to_crop,
                         const struct rectangle *r,
                         int side,
                         const lk_upscaler *upscaler,
                         const struct lk_watch *watch,
                         struct lk_picture **out,
                         struct lk_error *err)
{
    struct lk_picture *part = NULL, *large = NULL;
    const double n = lk_upscaler_factor(upscaler);
    const double shift[2] = {r->left - 0.5 + 0.5 / n, r->top - 0.5 + 0.5 / n};
    struct lk_affine from_large = *to_crop; /* to_crop after x = X / n + shift */
    for (int k = 0; k < 2; k++) {
        double *m = from_large.m + 3 * k;
        m[2] += m[0] * shift[0] + m[1] * shift[1];
        m[0] /= n;
        m[1] /= n;
    }
    int code = cut_out(picture, r, &part, err);
    if (!code)
        code = lk_upscale(upscaler, part, NULL, watch, &large, err);
    if (!code)
        code = lk_affine_crop(large, &from_large, side, side, out, err);
    lk_picture_free(part);
    lk_picture_free(large);
    return code;
}

/* The boost that is asked for, or the one that the face's size asks for. */
static int boost_for(const lk_swapper *swapper,
                     const struct lk_face *face,
                     const struct lk_swap_options *options,
                     int *boost,
                     struct lk_error *err)
{
    struct lk_affine to_crop;
    *boost = options->boost;
    if (*boost)
        return 0;
    int code = lk_align_face((const float(*)[2])face->points, swapper->family->align,
                             swapper->ports.side, &to_crop, err);
    if (!code) {
        double wanted = ceil(1 / (lk_affine_scale(&to_crop) * most_enlarged));
        *boost = (int)fmin(fmax(wanted, 1), MAX_OWN_BOOST);
    }
    return code;
}

/* Fills out->before, to_crop, upscaled. */
static int make_crop(const lk_swapper *swapper,
                     const struct lk_picture *picture,
                     const struct lk_face *face,
                     int boost,
                     const struct lk_swap_options *options,
                     const struct lk_watch *watch,
                     struct lk_swapped *out,
                     struct lk_error *err)
{
    const int side = swapper->ports.side * boost;
    struct lk_affine from_crop;
    struct rectangle r;
    int code = lk_align_face((const float(*)[2])face->points, swapper->family->align, side,
                             &out->to_crop, err);
    if (!code)
        code = lk_affine_invert(&out->to_crop, &from_crop, err);
    if (code)
        return code;
    if (!rectangle_of(&from_crop, side, picture, &r))
        return lk_fail(err, LK_E_INPUT, "face %d lies outside the picture", face->index);
    out->upscaled = options->upscaler && lk_upscaler_factor(options->upscaler) > 1 &&
                    lk_affine_scale(&out->to_crop) > upscale_from;
    if (out->upscaled)
        return crop_upscaled(picture, &out->to_crop, &r, side, options->upscaler, watch,
                             &out->before, err);
    struct lk_picture *part = NULL; /* RGB, whatever the picture has */
    if ((code = cut_out(picture, &r, &part, err)))
        return code;
    struct lk_affine from_part = out->to_crop;
    for (int k = 0; k < 2; k++) {
        double *m = from_part.m + 3 * k;
        m[2] += m[0] * r.left + m[1] * r.top;
    }
    code = lk_affine_crop(part, &from_part, side, side, &out->before, err);
    lk_picture_free(part);
    return code;
}

/* Pixels (boost·x + a, boost·y + b) of the crop → tensor [3,side,side]. */
static void gather(const lk_swapper *swapper,
                   const struct lk_picture *crop,
                   int boost,
                   int a,
                   int b,
                   float *tensor)
{
    const int side = swapper->ports.side;
    const size_t plane = (size_t)side * (size_t)side;
    for (int y = 0; y < side; y++) {
        for (int x = 0; x < side; x++) {
            size_t from = ((size_t)(boost * y + b) * (size_t)crop->width + (size_t)(boost * x + a));
            for (size_t c = 0; c < 3; c++)
                tensor[c * plane + (size_t)y * (size_t)side + (size_t)x] =
                    (crop->f32[from * 3 + c] - swapper->family->mean) * swapper->family->factor;
        }
    }
}

/* The answer back to those pixels, 0…1. */
static void scatter(const lk_swapper *swapper,
                    const float *answer,
                    int boost,
                    int a,
                    int b,
                    struct lk_picture *crop)
{
    const int side = swapper->ports.side;
    const size_t plane = (size_t)side * (size_t)side;
    for (int y = 0; y < side; y++) {
        for (int x = 0; x < side; x++) {
            size_t to = ((size_t)(boost * y + b) * (size_t)crop->width + (size_t)(boost * x + a));
            for (size_t c = 0; c < 3; c++) {
                float v = answer[c * plane + (size_t)y * (size_t)side + (size_t)x] *
                              swapper->family->out_factor +
                          swapper->family->out_mean;
                crop->f32[to * 3 + c] = fminf(fmaxf(v, 0), 1);
            }
        }
    }
}

/* One run. tensor [3,side,side], source [source_size]; answer->data is the caller's to free. */
static int run(const lk_swapper *swapper,
               float *tensor,
               float *source,
               const struct lk_watch *watch,
               struct lk_array *answer,
               struct lk_error *err)
{
    const struct lk__swap_ports *ports = &swapper->ports;
    const char *const names[] = {ports->target, ports->source};
    const struct lk_array inputs[] = {
        {.dtype = LK_F32, .rank = 4, .shape = {1, 3, ports->side, ports->side}, .data = tensor},
        {.dtype = LK_F32, .rank = 2, .shape = {1, ports->source_size}, .data = source},
    };
    int code =
        lk_session_run(swapper->session, 2, names, inputs, 1, &ports->output, answer, watch, err);
    if (!code && (answer->dtype != LK_F32 || answer->rank != 4 ||
                  lk_array_count(answer) != (size_t)3 * (size_t)ports->side * (size_t)ports->side))
        code = lk_contract_fail(&swapper->contract, swapper->session, err);
    if (!code)
        code = lk_contract_finite(&swapper->contract, answer, err);
    return code;
}

/* Fills out->crop from out->before. */
static int run_all(const lk_swapper *swapper,
                   float *source,
                   int boost,
                   const struct lk_watch *watch,
                   struct lk_swapped *out,
                   struct lk_error *err)
{
    const int side = out->before->width, steps = boost * boost;
    const size_t bytes =
        (size_t)3 * (size_t)swapper->ports.side * (size_t)swapper->ports.side * sizeof(float);
    int code = lk_picture_new(side, side, 3, LK_PIXEL_F32, &out->crop, err);
    if (code)
        return code;
    float *tensor = malloc(bytes);
    if (!tensor)
        return lk_fail_memory(err, "the crop of a face", bytes);
    for (int i = 0; i < steps && !code; i++) {
        struct lk_array answer = {0};
        gather(swapper, out->before, boost, i % boost, i / boost, tensor);
        code = run(swapper, tensor, source, watch, &answer, err);
        if (!code)
            scatter(swapper, answer.data, boost, i % boost, i / boost, out->crop);
        if (!code)
            code = lk_watch_step(watch, "swap", i + 1, steps, err);
        lk_arrays_free(&answer, 1);
    }
    free(tensor);
    out->runs = steps;
    return code;
}

static int check_identity(const lk_swapper *swapper,
                          const struct lk_identity *identity,
                          const struct lk_swap_options *options,
                          struct lk_error *err)
{
    const struct lk_embedding *embedding = &identity->embedding;
    if (embedding->size != swapper->ports.embedding)
        return lk_fail(
            err, LK_E_INPUT,
            "identity '%s' has an embedding of %d numbers, swapper '%s' takes %d: make the "
            "identity with the swapper's own embedder",
            identity->name, embedding->size, swapper->path, swapper->ports.embedding);
    if (options->embedder && strcmp(options->embedder, embedding->embedder) != 0)
        return lk_fail(
            err, LK_E_INPUT,
            "identity '%s' is of embedder %.12s…, swapper '%s' belongs to %.12s…: make the "
            "identity with the swapper's own embedder",
            identity->name, embedding->embedder, swapper->path, options->embedder);
    return 0;
}

int lk_swap_face(const lk_swapper *swapper,
                 const struct lk_picture *picture,
                 const struct lk_face *face,
                 const struct lk_identity *identity,
                 const struct lk_swap_options *options,
                 const struct lk_watch *watch,
                 struct lk_swapped *out,
                 struct lk_error *err)
{
    struct lk_swap_options defaults;
    struct lk_swapped made = {0};
    float source[MAX_SOURCE];
    lk_swap_options_init(&defaults);
    options = options ? options : &defaults;
    int boost;
    if (options->boost < 0 || options->boost > MAX_BOOST)
        return lk_fail(err, LK_E_INPUT, "pixel boost %d is not 1 to %d, nor 0", options->boost,
                       MAX_BOOST);
    int code = check_identity(swapper, identity, options, err);
    if (!code)
        code = swapper->family->source(&swapper->contract, &swapper->ports, &identity->embedding,
                                       source, err);
    if (!code)
        code = boost_for(swapper, face, options, &boost, err);
    if (!code)
        code = make_crop(swapper, picture, face, boost, options, watch, &made, err);
    if (!code)
        code = run_all(swapper, source, boost, watch, &made, err);
    if (code) {
        lk_swapped_free(&made);
        return code;
    }
    *out = made;
    return 0;
}
