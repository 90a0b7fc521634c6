// SPDX-License-Identifier: Apache-2.0
#include "stages/judge/classifier.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "data/align.h"
#include "runtime/contract.h"

/* x = (v − mean)·factor of v 0…255, [1,3,side,side] or [1,side,side,3]. Another network is one row.
 */
struct family {
    const char *role, *name;
    int side, resize; /* the picture is brought to resize², of which the middle side² is seen */
    bool channels_last, bgr;
    float mean[3], factor; /* in the network's order of channels */
    int outputs;           /* 1: a probability; 2: of which the second is the bad one */
    bool logits;           /* softmax is still to be taken */
    bool inverted;         /* the number says how good it is */
    const char *expects;
};

static const struct family families[] = {
    /* the starter's: chance that the face was put in */
    {.role = "forensics",
     .name = "probability",
     .side = 256,
     .resize = 256,
     .factor = 1 / 255.f,
     .outputs = 1,
     .expects = "one input [1,3,256,256] and one output [1,1]"},
    /* Afchar et al. 2018, Meso4 and MesoInception-4: chance that the face is real */
    {.role = "forensics",
     .name = "mesonet",
     .side = 256,
     .resize = 256,
     .factor = 1 / 255.f,
     .outputs = 1,
     .inverted = true,
     .expects = "one input [1,3,256,256] and one output [1,1]"},
    /* Rössler et al. 2019, FaceForensics++'s XceptionNet: logits of real and fake */
    {.role = "forensics",
     .name = "xception",
     .side = 299,
     .resize = 299,
     .mean = {127.5f, 127.5f, 127.5f},
     .factor = 1 / 127.5f,
     .outputs = 2,
     .logits = true,
     .expects = "one input [1,3,299,299] and one output [1,2]"},
    /* Falconsai/nsfw_image_detection and other ViTs of that form: logits of normal and nsfw */
    {.role = "nsfw",
     .name = "vit-nsfw",
     .side = 224,
     .resize = 224,
     .mean = {127.5f, 127.5f, 127.5f},
     .factor = 1 / 127.5f,
     .outputs = 2,
     .logits = true,
     .expects = "one input [1,3,224,224] and one output [1,2]"},
    /* Yahoo's open_nsfw: probabilities of safe and not */
    {.role = "nsfw",
     .name = "open-nsfw",
     .side = 224,
     .resize = 256,
     .channels_last = true,
     .bgr = true,
     .mean = {104, 117, 123},
     .factor = 1,
     .outputs = 2,
     .expects = "one input [1,224,224,3] and one output [1,2]"},
};

#define CROP_SCALE 1.3f /* what the starter's and the published forensic networks see of a face */

struct lk_classifier {
    const struct family *family;
    lk_session *session;
    char *path;
    struct lk_contract contract;
    const char *input, *output;
};

static const struct family *family_named(const char *role, const char *name)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(families); i++) {
        if (!strcmp(families[i].role, role) && !strcmp(families[i].name, name))
            return &families[i];
    }
    return NULL;
}

static int unknown_family(const char *role, const char *name, struct lk_error *err)
{
    char known[128] = "";
    for (size_t i = 0, at = 0; i < LK_ARRAY_LENGTH(families) && at < sizeof known; i++) {
        if (!strcmp(families[i].role, role))
            at += (size_t)snprintf(known + at, sizeof known - at, "%s%s", at ? ", " : "",
                                   families[i].name);
    }
    return lk_fail(err, LK_E_INPUT, "%s family '%s' is not known: the families are %s", role, name,
                   known);
}

static int read_ports(lk_classifier *c, struct lk_error *err)
{
    const struct family *f = c->family;
    const struct lk_port *in, *out;
    size_t inputs = lk_session_inputs(c->session, &in),
           outputs = lk_session_outputs(c->session, &out);
    const int64_t first[] = {1, 3, f->side, f->side}, last[] = {1, f->side, f->side, 3};
    if (inputs != 1 || outputs != 1 || !lk_port_fits(in, 4, f->channels_last ? last : first) ||
        !lk_port_fits(out, 2, (const int64_t[]){1, f->outputs}))
        return lk_contract_fail(&c->contract, c->session, err);
    c->input = in->name;
    c->output = out->name;
    return 0;
}

int lk_classifier_open(lk_runtime *runtime,
                       const char *role,
                       const char *family,
                       const char *path,
                       const char *device,
                       lk_classifier **out,
                       struct lk_error *err)
{
    const struct family *row = family_named(role, family);
    if (!row)
        return unknown_family(role, family, err);
    lk_classifier *c = calloc(1, sizeof *c);
    if (!c || !(c->path = strdup(path))) {
        free(c);
        return lk_fail_memory(err, role, sizeof *c);
    }
    c->family = row;
    c->contract = (struct lk_contract){
        .path = c->path, .role = row->role, .family = row->name, .expects = row->expects};
    int rc = lk_session_open(runtime, path, device, &c->session, err);
    rc = rc ? rc : read_ports(c, err);
    if (rc)
        lk_classifier_free(c);
    else
        *out = c;
    return rc;
}

void lk_classifier_free(lk_classifier *c)
{
    if (!c)
        return;
    lk_session_release(c->session);
    free(c->path);
    free(c);
}

/* seen [resize,resize,channels] f32 0…1 → tensor; rounded to 8 bits, as files are. */
static void fill_tensor(const struct family *f, const struct lk_picture *seen, float *tensor)
{
    const size_t side = (size_t)f->side, edge = (size_t)(f->resize - f->side) / 2;
    const size_t channels = (size_t)seen->channels;
    for (size_t y = 0; y < side; y++) {
        for (size_t x = 0; x < side; x++) {
            const float *from =
                seen->f32 + ((y + edge) * (size_t)seen->width + x + edge) * channels;
            for (size_t c = 0; c < 3; c++) {
                float v = rintf(fminf(fmaxf(from[f->bgr ? 2 - c : c], 0), 1) * 255);
                size_t at = f->channels_last ? (y * side + x) * 3 + c : (c * side + y) * side + x;
                tensor[at] = (v - f->mean[c]) * f->factor;
            }
        }
    }
}

static int read_score(const lk_classifier *c,
                      const struct lk_array *output,
                      float *score,
                      struct lk_error *err)
{
    const struct family *f = c->family;
    const float *value = output->data;
    if (output->dtype != LK_F32 || lk_array_count(output) != (size_t)f->outputs)
        return lk_contract_fail(&c->contract, c->session, err);
    int rc = lk_contract_finite(&c->contract, output, err);
    if (rc)
        return rc;
    float bad = value[f->outputs - 1];
    if (f->logits)
        bad = 1 / (1 + expf(value[0] - value[1]));
    if (!(bad >= -1e-4f && bad <= 1 + 1e-4f))
        return lk_fail(err, LK_E_INPUT,
                       "the %s '%s' answers %g, which is no probability: another family may fit",
                       f->role, c->path, (double)bad);
    bad = fminf(fmaxf(bad, 0), 1);
    *score = f->inverted ? 1 - bad : bad;
    return 0;
}

/* seen: f32 [resize,resize]. */
static int run(const lk_classifier *c,
               const struct lk_picture *seen,
               const struct lk_watch *watch,
               float *score,
               struct lk_error *err)
{
    const struct family *f = c->family;
    size_t bytes = (size_t)3 * (size_t)f->side * (size_t)f->side * sizeof(float);
    struct lk_array output = {0}, input = {.dtype = LK_F32, .rank = 4, .data = malloc(bytes)};
    const int64_t first[] = {1, 3, f->side, f->side}, last[] = {1, f->side, f->side, 3};
    memcpy(input.shape, f->channels_last ? last : first, sizeof first);
    if (!input.data)
        return lk_fail_memory(err, "a picture to judge", bytes);
    fill_tensor(f, seen, input.data);
    int rc = lk_session_run(c->session, 1, &c->input, &input, 1, &c->output, &output, watch, err);
    rc = rc ? rc : read_score(c, &output, score, err);
    lk_arrays_free(&output, 1);
    free(input.data);
    return rc;
}

int lk_classify_picture(const lk_classifier *c,
                        const struct lk_picture *picture,
                        const struct lk_watch *watch,
                        float *score,
                        struct lk_error *err)
{
    struct lk_picture *sized = NULL, *seen = NULL;
    int rc = lk_picture_resize(picture, c->family->resize, c->family->resize, &sized, err);
    rc = rc ? rc : lk_picture_convert(sized, LK_PIXEL_F32, &seen, err);
    rc = rc ? rc : run(c, seen, watch, score, err);
    lk_picture_free(sized);
    lk_picture_free(seen);
    return rc;
}

int lk_classify_face(const lk_classifier *c,
                     const struct lk_picture *picture,
                     const struct lk_face *face,
                     const struct lk_watch *watch,
                     float *score,
                     struct lk_error *err)
{
    int side = c->family->resize;
    struct lk_affine to_crop;
    struct lk_picture *seen = NULL;
    int rc = lk_face_square(face, CROP_SCALE, side, &to_crop, err);
    rc = rc ? rc : lk_affine_crop(picture, &to_crop, side, side, &seen, err);
    rc = rc ? rc : run(c, seen, watch, score, err);
    lk_picture_free(seen);
    return rc;
}
