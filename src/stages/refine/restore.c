// SPDX-License-Identifier: Apache-2.0
/* Every restorer takes the face as FFHQ is aligned (GPEN's of 256 px as inswapper's crops are), RGB
 * −1…1, and answers the same [FaceFusion face_enhancer.py]. They differ in their sides, and in that
 * CodeFormer asks for a weight, one number beside the picture.
 *
 * The face is not upscaled before: restorers are trained on interpolated ones. */
#include "stages/refine/restore.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "runtime/contract.h"
#include "stages/refine/crop.h"

enum { FFHQ_FROM = 512, MIN_SIDE = 128, MAX_SIDE = 2048 };

struct family {
    const char *name;
    const char *expects; /* the contract, for error sentences */
    int side;            /* where the file leaves it free */
    bool weighted;       /* asks for a weight */
};

#define PICTURE "one input [1,3,S,S] and an output [1,3,S,S], S 128 to 2048"

static const struct family families[] = {
    {"gfpgan", PICTURE, 512, false},
    {"codeformer", "inputs [1,3,S,S] and one number, the weight, and an output [1,3,S,S]", 512,
     true},
    {"restoreformer", PICTURE, 512, false},
    {"gpen", PICTURE, 512, false},
};

static const struct lk__range in = {{0.5f, 0.5f, 0.5f}, {2, 2, 2}}; /* (v − ½)·2 */
static const struct lk__range answered = {{0.5f, 0.5f, 0.5f}, {0.5f, 0.5f, 0.5f}};

struct lk_restorer {
    const struct family *family;
    lk_session *session;
    char *path;
    struct lk_contract contract;
    const struct lk_port *weight; /* NULL: it asks for none */
    const char *input, *output;
    int side;
    enum lk_align align;
};

void lk_restore_options_init(struct lk_restore_options *options)
{
    *options = (struct lk_restore_options){.strength = 0.8f, .weight = 0.5f};
}

static const struct family *family_named(const char *name)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(families); i++)
        if (!name || !strcmp(families[i].name, name))
            return &families[i];
    return NULL;
}

static int unknown_family(const char *name, struct lk_error *err)
{
    char names[120] = "";
    for (size_t i = 0, at = 0; i < LK_ARRAY_LENGTH(families) && at < sizeof names; i++)
        at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", i ? ", " : "",
                               families[i].name);
    return lk_fail(err, LK_E_INPUT, "restorer family '%s' is not known: the families are %s", name,
                   names);
}

/* A scalar, or an array of one number. */
static bool is_number(const struct lk_port *port)
{
    bool one = port->dtype == LK_F32 || port->dtype == LK_F64;
    for (int i = 0; i < port->rank; i++)
        one &= port->shape[i] == 1 || port->shape[i] < 0;
    return one && port->rank <= 2;
}

/* Exports of CodeFormer answer its codes too: the picture is the first that looks like one. */
static const char *find_output(const lk_session *session, int64_t side)
{
    const struct lk_port *out;
    size_t n = lk_session_outputs(session, &out);
    for (size_t i = 0; i < n; i++)
        if (lk_port_fits(&out[i], 4, (const int64_t[]){1, 3, side, side}))
            return out[i].name;
    return NULL;
}

static int find_ports(lk_restorer *restorer, struct lk_error *err)
{
    const struct family *family = restorer->family;
    const struct lk_port *ports;
    const size_t n = lk_session_inputs(restorer->session, &ports);
    if (n != (family->weighted ? 2 : 1))
        return lk_contract_fail(&restorer->contract, restorer->session, err);
    const struct lk_port *picture = n == 2 && is_number(&ports[0]) ? &ports[1] : &ports[0];
    if (n == 2)
        restorer->weight = picture == ports ? &ports[1] : &ports[0];
    int64_t side = picture->rank == 4 && picture->shape[2] > 0 ? picture->shape[2] : family->side;
    restorer->input = picture->name;
    restorer->output = find_output(restorer->session, side);
    restorer->side = (int)side;
    restorer->align = side < FFHQ_FROM ? LK_ALIGN_ARCFACE_128 : LK_ALIGN_FFHQ_512;
    if (side < MIN_SIDE || side > MAX_SIDE || !restorer->output ||
        !lk_port_fits(picture, 4, (const int64_t[]){1, 3, side, side}) ||
        (restorer->weight && !is_number(restorer->weight)))
        return lk_contract_fail(&restorer->contract, restorer->session, err);
    return 0;
}

int lk_restorer_open(lk_runtime *runtime,
                     const char *family,
                     const char *path,
                     const char *device,
                     lk_restorer **out,
                     struct lk_error *err)
{
    const struct family *row = family_named(family);
    if (!row)
        return unknown_family(family, err);
    lk_restorer *restorer = calloc(1, sizeof *restorer);
    if (!restorer || !(restorer->path = strdup(path))) {
        free(restorer);
        return lk_fail_memory(err, "a restorer", sizeof *restorer);
    }
    restorer->family = row;
    restorer->contract = (struct lk_contract){
        .path = restorer->path, .role = "restorer", .family = row->name, .expects = row->expects};
    int code = lk_session_open(runtime, path, device, &restorer->session, err);
    if (!code)
        code = find_ports(restorer, err);
    if (code) {
        lk_restorer_free(restorer);
        return code;
    }
    *out = restorer;
    return 0;
}

void lk_restorer_free(lk_restorer *restorer)
{
    if (!restorer)
        return;
    lk_session_release(restorer->session);
    free(restorer->path);
    free(restorer);
}

int lk_restorer_side(const lk_restorer *restorer)
{
    return restorer->side;
}

/* tensor [3,side,side]; answer->data is the caller's to free. */
static int run(const lk_restorer *restorer,
               float *tensor,
               float weight,
               const struct lk_watch *watch,
               struct lk_array *answer,
               struct lk_error *err)
{
    const int64_t side = restorer->side;
    double weight64 = weight;
    const char *names[2] = {restorer->input};
    struct lk_array inputs[2] = {
        {.dtype = LK_F32, .rank = 4, .shape = {1, 3, side, side}, .data = tensor}};
    if (restorer->weight) {
        const bool doubles = restorer->weight->dtype == LK_F64;
        names[1] = restorer->weight->name;
        inputs[1] = (struct lk_array){.dtype = restorer->weight->dtype,
                                      .rank = restorer->weight->rank,
                                      .shape = {1, 1},
                                      .data = doubles ? (void *)&weight64 : (void *)&weight};
    }
    int code = lk_session_run(restorer->session, restorer->weight ? 2 : 1, names, inputs, 1,
                              &restorer->output, answer, watch, err);
    if (!code && (answer->dtype != LK_F32 || answer->rank != 4 ||
                  lk_array_count(answer) != (size_t)3 * (size_t)side * (size_t)side))
        code = lk_contract_fail(&restorer->contract, restorer->session, err);
    return code ? code : lk_contract_finite(&restorer->contract, answer, err);
}

/* crop += (1 − strength)·(before − crop). */
static void keep_some(const struct lk_picture *before, float strength, struct lk_picture *crop)
{
    const size_t n = (size_t)crop->width * (size_t)crop->height * 3;
    for (size_t i = 0; i < n; i++)
        crop->f32[i] += (1 - strength) * (before->f32[i] - crop->f32[i]);
}

/* Fills made->crop from made->before. */
static int restore_crop(const lk_restorer *restorer,
                        const struct lk_restore_options *options,
                        const struct lk_watch *watch,
                        struct lk_refined *made,
                        struct lk_error *err)
{
    static const struct lk__comb all = {.k = 1};
    const int side = restorer->side;
    const size_t bytes = (size_t)3 * (size_t)side * (size_t)side * sizeof(float);
    struct lk_array answer = {0};
    int code = lk_picture_new(side, side, 3, LK_PIXEL_F32, &made->crop, err);
    if (code)
        return code;
    float *tensor = malloc(bytes);
    if (!tensor)
        return lk_fail_memory(err, "the crop of a face", bytes);
    lk__planes_of_crop(made->before, all, side, &in, tensor);
    code = run(restorer, tensor, options->weight, watch, &answer, err);
    if (!code) {
        lk__crop_of_planes(answer.data, all, side, &answered, made->crop);
        keep_some(made->before, options->strength, made->crop);
        made->runs = 1;
        code = lk_watch_step(watch, "restore", 1, 1, err);
    }
    lk_arrays_free(&answer, 1);
    free(tensor);
    return code;
}

int lk_restore_face(const lk_restorer *restorer,
                    const struct lk_picture *picture,
                    const struct lk_face *face,
                    const struct lk_restore_options *options,
                    const struct lk_watch *watch,
                    struct lk_refined *out,
                    struct lk_error *err)
{
    struct lk_restore_options defaults;
    struct lk_refined made = {0};
    lk_restore_options_init(&defaults);
    options = options ? options : &defaults;
    int code =
        lk__crop_face(picture, face, restorer->align, restorer->side, NULL, watch, &made, err);
    if (!code)
        code = restore_crop(restorer, options, watch, &made, err);
    if (code) {
        lk_refined_free(&made);
        return code;
    }
    *out = made;
    return 0;
}
