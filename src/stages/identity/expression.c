// SPDX-License-Identifier: Apache-2.0
#include "stages/identity/expression.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "data/align.h"
#include "runtime/contract.h"

enum { SIDE = 64, MOST = 8 };

/* To the network goes scale·v + shift of a grey level v, 0…255. */
struct family {
    const char *name, *expects;
    float scale, shift;
    bool logits; /* the softmax is ours to do */
    int count;
    const char *names[MOST];
};

static const struct family families[] = {
    {"ferplus",
     "one input [1,1,64,64] and one output [1,8]",
     1,
     0,
     true,
     8,
     {"neutral", "happy", "surprised", "sad", "angry", "disgusted", "afraid", "contemptuous"}},
    {"mini-xception",
     "one input [1,1,64,64] and one output [1,7]",
     1 / 127.5f,
     -1,
     false,
     7,
     {"angry", "disgusted", "afraid", "happy", "sad", "surprised", "neutral"}},
};

struct lk_expression {
    lk_session *session;
    char *path;
    const struct family *family;
    struct lk_contract contract;
    const char *input, *output;
};

static const struct family *family_named(const char *name)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(families); i++) {
        if (!strcmp(families[i].name, name))
            return &families[i];
    }
    return NULL;
}

static int read_ports(lk_expression *e, struct lk_error *err)
{
    const struct lk_port *in, *out;
    const bool is_single = lk_session_inputs(e->session, &in) == 1 &&
                           lk_session_outputs(e->session, &out) == 1 &&
                           lk_port_fits(in, 4, (const int64_t[]){1, 1, SIDE, SIDE});
    for (size_t i = 0; is_single && i < LK_ARRAY_LENGTH(families); i++) {
        if (!lk_port_fits(out, 2, (const int64_t[]){1, families[i].count}))
            continue;
        e->family = &families[i];
        e->input = in->name;
        e->output = out->name;
        return 0;
    }
    return lk_contract_fail(&e->contract, e->session, err);
}

int lk_expression_open(lk_runtime *runtime,
                       const char *family,
                       const char *path,
                       const char *device,
                       lk_expression **out,
                       struct lk_error *err)
{
    const struct family *named = family_named(family);
    if (!named)
        return lk_fail(err, LK_E_INPUT,
                       "expression family '%s' is not known: it is ferplus or mini-xception",
                       family);
    lk_expression *e = calloc(1, sizeof *e);
    if (!e || !(e->path = strdup(path))) {
        free(e);
        return lk_fail_memory(err, "an expression network", sizeof *e);
    }
    e->contract = (struct lk_contract){
        .path = e->path, .role = "expression", .family = named->name, .expects = named->expects};
    int rc = lk_session_open(runtime, path, device, &e->session, err);
    rc = rc ? rc : read_ports(e, err);
    if (rc)
        lk_expression_free(e);
    else
        *out = e;
    return rc;
}

void lk_expression_free(lk_expression *e)
{
    if (!e)
        return;
    lk_session_release(e->session);
    free(e->path);
    free(e);
}

/* A byte as OpenCV's picture has it. */
static float level(float value)
{
    return rintf(fminf(fmaxf(value, 0), 1) * 255);
}

/* tensor [1,1,64,64] ← crop, in BT.601's grey. */
static int run(const lk_expression *e,
               const struct lk_picture *crop,
               const struct lk_watch *watch,
               struct lk_array *output,
               struct lk_error *err)
{
    const size_t channels = (size_t)crop->channels;
    float tensor[SIDE * SIDE];
    for (size_t i = 0; i < SIDE * SIDE; i++) {
        const float *rgb = crop->f32 + i * channels;
        const float grey =
            rintf(0.299f * level(rgb[0]) + 0.587f * level(rgb[1]) + 0.114f * level(rgb[2]));
        tensor[i] = e->family->scale * grey + e->family->shift;
    }
    struct lk_array input = {
        .dtype = LK_F32, .rank = 4, .shape = {1, 1, SIDE, SIDE}, .data = tensor};
    int rc = lk_session_run(e->session, 1, &e->input, &input, 1, &e->output, output, watch, err);
    if (!rc && (output->dtype != LK_F32 || lk_array_count(output) != (size_t)e->family->count))
        rc = lk_contract_fail(&e->contract, e->session, err);
    return rc ? rc : lk_contract_finite(&e->contract, output, err);
}

int lk_face_expression(const lk_expression *e,
                       const struct lk_picture *picture,
                       const struct lk_face *face,
                       const struct lk_watch *watch,
                       const char **name,
                       float *score,
                       struct lk_error *err)
{
    struct lk_affine to_crop;
    struct lk_picture *crop = NULL;
    struct lk_array output = {0};
    int rc = lk_face_square(face, 1, SIDE, &to_crop, err);
    rc = rc ? rc : lk_affine_crop(picture, &to_crop, SIDE, SIDE, &crop, err);
    rc = rc ? rc : run(e, crop, watch, &output, err);
    if (!rc) {
        const float *value = output.data;
        int best = 0;
        float sum = 0;
        for (int i = 1; i < e->family->count; i++)
            best = value[i] > value[best] ? i : best;
        for (int i = 0; i < e->family->count; i++)
            sum += expf(value[i] - value[best]);
        *name = e->family->names[best];
        *score = e->family->logits ? 1 / sum : value[best];
    }
    lk_arrays_free(&output, 1);
    lk_picture_free(crop);
    return rc;
}
