// SPDX-License-Identifier: Apache-2.0
/* From picture to crop to swapped crop.
 *
 * Pixel boost (FaceFusion): the crop is `boost` times the network's side; its pixels (k·i + a,
 * k·j + b) of each a, b form a small picture of the network's side; the k² small pictures are
 * swapped one by one and put back in place. */
#include "stages/refine/swap.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "stages/refine/swap_source.h"

/* Another family is one descriptor and one row. */
static const struct lk__swap_family *const families[] = {
    &lk__swap_inswapper, &lk__swap_hyperswap, &lk__swap_simswap, &lk__swap_simswap_512,
    &lk__swap_ghost,     &lk__swap_hififace,  &lk__swap_uniface, &lk__swap_blendswap,
};

enum { MAX_BOOST = 8, MAX_OWN_BOOST = 4, MAX_PASSES = 8 };

/* How much pasting may enlarge a crop before it takes more pixels. */
static const double most_enlarged = 1.5;

struct lk_swapper {
    const struct lk__swap_family *family;
    lk_session *session;
    char *path;
    struct lk_contract contract;
    struct lk__swap_ports ports;
    struct lk__converter converter;
};

void lk_swap_options_init(struct lk_swap_options *options)
{
    *options = (struct lk_swap_options){.boost = 0, .strength = 1, .passes = 1};
}

static const struct lk__swap_family *family_named(const char *name)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(families); i++) {
        if (!name || strcmp(families[i]->name, name) == 0)
            return families[i];
    }
    return NULL;
}

static int unknown_family(const char *name, struct lk_error *err)
{
    char names[200] = "";
    for (size_t i = 0, at = 0; i < LK_ARRAY_LENGTH(families) && at < sizeof names; i++)
        at += (size_t)snprintf(
            names + at, sizeof names - at, "%s%s", i ? ", " : "",
            families[i]->name); // NOLINT(clang-analyzer-core.NullDereference): rows are addresses
    return lk_fail(err, LK_E_INPUT, "swapper family '%s' is not known: the families are %s", name,
                   names);
}

const char *lk_swapper_converter(const char *family)
{
    const struct lk__swap_family *row = family_named(family);
    return row ? row->converter : NULL;
}

bool lk_swapper_wants_photo(const lk_swapper *swapper)
{
    return swapper->ports.source_side > 0;
}

static int open_networks(lk_runtime *runtime,
                         const char *converter,
                         const char *device,
                         lk_swapper *swapper,
                         struct lk_error *err)
{
    const struct lk__swap_family *family = swapper->family;
    int code = lk_session_open(runtime, swapper->path, device, &swapper->session, err);
    if (!code)
        code =
            lk__swap_find_ports(family, &swapper->contract, swapper->session, &swapper->ports, err);
    if (!code && family->open)
        code = family->open(&swapper->contract, &swapper->ports, err);
    if (code || !family->converter)
        return code;
    if (!converter)
        return lk_fail(err, LK_E_MISSING,
                       "swapper family '%s' needs an embedding converter: give %s.onnx",
                       family->name, family->converter);
    return lk__converter_open(runtime, converter, device, &swapper->converter, err);
}

int lk_swapper_open(lk_runtime *runtime,
                    const char *family,
                    const char *path,
                    const char *converter,
                    const char *device,
                    lk_swapper **out,
                    struct lk_error *err)
{
    const struct lk__swap_family *row = family_named(family);
    if (!row)
        return unknown_family(family, err);
    lk_swapper *swapper = calloc(1, sizeof *swapper);
    if (!swapper || !(swapper->path = strdup(path))) {
        free(swapper);
        return lk_fail_memory(err, "a swapper", sizeof *swapper);
    }
    swapper->family = row;
    swapper->contract = (struct lk_contract){
        .path = swapper->path, .role = "swapper", .family = row->name, .expects = row->expects};
    int code = open_networks(runtime, converter, device, swapper, err);
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
    lk__converter_close(&swapper->converter);
    free(swapper->ports.map);
    free(swapper->path);
    free(swapper);
}

int lk_swapper_side(const lk_swapper *swapper)
{
    return swapper->ports.side;
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

/* One run. tensor [3,side,side]; answer->data is the caller's to free. */
static int run(const lk_swapper *swapper,
               float *tensor,
               const struct lk_array *source,
               const struct lk_watch *watch,
               struct lk_array *answer,
               struct lk_error *err)
{
    const struct lk__swap_ports *ports = &swapper->ports;
    const char *const names[] = {ports->target, ports->source};
    const struct lk_array inputs[] = {
        {.dtype = LK_F32, .rank = 4, .shape = {1, 3, ports->side, ports->side}, .data = tensor},
        *source,
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

/* Fills out->crop from out->before, and with further passes from itself. */
static int run_all(const lk_swapper *swapper,
                   const struct lk_array *source,
                   int boost,
                   int passes,
                   const struct lk_watch *watch,
                   struct lk_refined *out,
                   struct lk_error *err)
{
    const struct lk__swap_family *family = swapper->family;
    const int side = swapper->ports.side, parts = boost * boost, steps = passes * parts;
    const size_t bytes = (size_t)3 * (size_t)side * (size_t)side * sizeof(float);
    int code = lk_picture_new(boost * side, boost * side, 3, LK_PIXEL_F32, &out->crop, err);
    if (code)
        return code;
    float *tensor = malloc(bytes);
    if (!tensor)
        return lk_fail_memory(err, "the crop of a face", bytes);
    for (int i = 0; i < steps && !code; i++) {
        const struct lk__comb comb = {boost, i % parts % boost, i % parts / boost};
        struct lk_array answer = {0};
        lk__planes_of_crop(i < parts ? out->before : out->crop, comb, side, &family->in, tensor);
        code = run(swapper, tensor, source, watch, &answer, err);
        if (!code)
            lk__crop_of_planes(answer.data, comb, side, &family->out, out->crop);
        if (!code)
            code = lk_watch_step(watch, "swap", i + 1, steps, err);
        lk_arrays_free(&answer, 1);
    }
    free(tensor);
    out->runs = steps;
    return code;
}

/* A network that sees pixels has no vector to mix: its answer is. */
static void weaken(float strength, struct lk_refined *refined)
{
    const size_t n = (size_t)refined->crop->width * (size_t)refined->crop->height * 3;
    for (size_t i = 0; i < n; i++)
        refined->crop->f32[i] =
            refined->before->f32[i] + strength * (refined->crop->f32[i] - refined->before->f32[i]);
}

static int check_identity(const lk_swapper *swapper,
                          const struct lk_identity *identity,
                          const struct lk_swap_options *options,
                          struct lk_error *err)
{
    const struct lk_embedding *embedding = &identity->embedding;
    if (embedding->size != LK__SWAP_VECTOR)
        return lk_fail(
            err, LK_E_INPUT,
            "identity '%s' has an embedding of %d numbers, swapper '%s' takes %d: make the "
            "identity with the swapper's own embedder",
            identity->name, embedding->size, swapper->path, LK__SWAP_VECTOR);
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
                 struct lk_refined *out,
                 struct lk_error *err)
{
    const struct lk__swap_family *family = swapper->family;
    struct lk_swap_options defaults;
    struct lk_refined made = {0};
    struct lk_array source = {0};
    lk_swap_options_init(&defaults);
    options = options ? options : &defaults;
    int boost;
    if (options->boost < 0 || options->boost > MAX_BOOST)
        return lk_fail(err, LK_E_INPUT, "pixel boost %d is not 1 to %d, nor 0", options->boost,
                       MAX_BOOST);
    if (options->passes < 1 || options->passes > MAX_PASSES)
        return lk_fail(err, LK_E_INPUT, "%d passes of a swap are not 1 to %d", options->passes,
                       MAX_PASSES);
    int code =
        lk_swapper_wants_photo(swapper) ? 0 : check_identity(swapper, identity, options, err);
    if (!code)
        code = lk__swap_source(family, &swapper->contract, &swapper->ports, &swapper->converter,
                               identity, &face->embedding, options->strength, watch, &source, err);
    if (!code)
        code = boost_for(swapper, face, options, &boost, err);
    if (!code)
        code = lk__crop_face(picture, face, family->align, boost * swapper->ports.side,
                             options->upscaler, watch, &made, err);
    if (!code)
        code = run_all(swapper, &source, boost, options->passes, watch, &made, err);
    lk_arrays_free(&source, 1);
    if (code) {
        lk_refined_free(&made);
        return code;
    }
    if (lk_swapper_wants_photo(swapper))
        weaken(fminf(options->strength, 1), &made);
    *out = made;
    return 0;
}
