// SPDX-License-Identifier: Apache-2.0
#include "stages/identity/embedder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/size.h"
#include "data/align.h"
#include "runtime/contract.h"

/* x = (v − mean)·factor of v 0…255, [1,3,112,112]. */
struct family {
    const char *name;
    int size; /* of the embedding */
    bool bgr; /* blue first; else red first */
    float mean, factor;
    enum lk_align align;
    float same_person;
    const char *input; /* what exports call the input, where that tells the family; or NULL */
    const char *expects;
};

/* Another family is one row. */
static const struct family families[] = {
    /* insightface w600k_r50 and its kin; the starter's */
    {"arcface", 512, false, 127.5f, 1 / 127.5f, LK_ALIGN_ARCFACE_112_V2, 0.4f, NULL,
     "one input [1,3,112,112] and an output [1,512]"},
    /* Wang et al. 2018: insightface's glint360k_cosface; the threshold of ArcFace is taken over */
    {"cosface", 512, false, 127.5f, 1 / 127.5f, LK_ALIGN_ARCFACE_112_V2, 0.4f, NULL,
     "one input [1,3,112,112] and an output [1,512]"},
    /* Kim, Jain, Liu 2022: exports answer the vector, and some its length beside it; likewise */
    {"adaface", 512, true, 127.5f, 1 / 127.5f, LK_ALIGN_ARCFACE_112_V2, 0.4f, NULL,
     "one input [1,3,112,112] and an output [1,512]"},
    /* one person scores ≥ 0.47, two ≤ 0.35 on the photos tried: the middle */
    {"mobilefacenet", 128, false, 127.5f, 1 / 128.0f, LK_ALIGN_ARCFACE_112_V2, 0.41f, NULL,
     "one input [1,3,112,112] and an output [1,128]"},
    /* Zhong et al. 2021, as OpenCV's FaceRecognizerSF runs it; its threshold */
    {"sface", 128, false, 0, 1, LK_ALIGN_ARCFACE_112_V2, 0.363f, "data",
     "one input [1,3,112,112] and an output [1,128]"},
};

enum { SIDE = 112, BATCH = 16 };

struct lk_embedder {
    const struct family *family;
    lk_session *session;
    char *path;
    struct lk_contract contract;
    const char *input, *output;
    bool batches; /* takes several faces at once */
    struct lk_sha256 sha256;
};

static int unknown_family(const char *name, struct lk_error *err)
{
    char known[128] = "";
    for (size_t i = 0, at = 0; i < LK_ARRAY_LENGTH(families) && at < sizeof known; i++)
        at += (size_t)snprintf(known + at, sizeof known - at, "%s%s", i ? ", " : "",
                               families[i].name);
    return lk_fail(err, LK_E_INPUT, "embedder family '%s' is not known: the families are %s", name,
                   known);
}

/* The output with the vector; NULL when the file does not keep the family's contract. */
static const struct lk_port *vector_of(const struct family *family, const lk_session *session)
{
    const struct lk_port *in, *out;
    if (lk_session_inputs(session, &in) != 1 ||
        !lk_port_fits(&in[0], 4, (const int64_t[]){1, 3, SIDE, SIDE}))
        return NULL;
    size_t n = lk_session_outputs(session, &out);
    for (size_t i = 0; i < n && n <= 2; i++) {
        if (lk_port_fits(&out[i], 2, (const int64_t[]){1, family->size}))
            return &out[i];
    }
    return NULL;
}

/* One whose input's name the file has, else the first of those that have no such name. */
static const struct family *family_that_fits(const lk_session *session)
{
    const struct family *found = NULL;
    const struct lk_port *in;
    for (size_t i = 0; i < LK_ARRAY_LENGTH(families); i++) {
        const struct family *family = &families[i];
        if (!vector_of(family, session))
            continue;
        lk_session_inputs(session, &in);
        if (family->input && !strcmp(family->input, in->name))
            return family;
        if (!found && !family->input)
            found = family;
    }
    return found;
}

/* The family of that name when the file keeps its contract, else the one that it looks like. Those
 * with vectors of one size are alike but for their pixels: only the name tells AdaFace. */
static int choose_family(lk_embedder *embedder, const char *name, struct lk_error *err)
{
    const struct family *named = NULL;
    for (size_t i = 0; i < LK_ARRAY_LENGTH(families) && name && !named; i++) {
        if (strcmp(name, families[i].name) == 0)
            named = &families[i];
    }
    if (name && !named)
        return unknown_family(name, err);
    embedder->family =
        named && vector_of(named, embedder->session) ? named : family_that_fits(embedder->session);
    const struct family *asked = named ? named : &families[0];
    embedder->contract.family = embedder->family ? embedder->family->name : asked->name;
    embedder->contract.expects = embedder->family ? embedder->family->expects : asked->expects;
    return embedder->family ? 0 : lk_contract_fail(&embedder->contract, embedder->session, err);
}

int lk_embedder_open(lk_runtime *runtime,
                     const char *family,
                     const char *path,
                     const char *device,
                     lk_embedder **out,
                     struct lk_error *err)
{
    const struct lk_port *port;
    int code;
    lk_embedder *embedder = calloc(1, sizeof *embedder);
    if (!embedder || !(embedder->path = strdup(path))) {
        free(embedder);
        return lk_fail_memory(err, "an embedder", sizeof *embedder);
    }
    embedder->contract = (struct lk_contract){.path = embedder->path, .role = "embedder"};
    if ((code = lk_session_open(runtime, path, device, &embedder->session, err)) ||
        (code = choose_family(embedder, family, err)) ||
        (code = lk_sha256_file(path, &embedder->sha256, err)))
        goto fail;
    lk_session_inputs(embedder->session, &port);
    embedder->input = port[0].name;
    const struct lk_port *vector = vector_of(embedder->family, embedder->session);
    embedder->output = vector->name;
    embedder->batches = port[0].shape[0] < 0 && vector->shape[0] < 0;
    *out = embedder;
    return 0;
fail:
    lk_embedder_free(embedder);
    return code;
}

void lk_embedder_free(lk_embedder *embedder)
{
    if (!embedder)
        return;
    lk_session_release(embedder->session);
    free(embedder->path);
    free(embedder);
}

float lk_embedder_same_person(const lk_embedder *embedder)
{
    return embedder->family->same_person;
}

int lk_embedder_size(const lk_embedder *embedder)
{
    return embedder->family->size;
}

const char *lk_embedder_family(const lk_embedder *embedder)
{
    return embedder->family->name;
}

const char *lk_embedder_sha256(const lk_embedder *embedder)
{
    return embedder->sha256.hex;
}

/* crop: f32 0…1 → tensor [3,112,112] as the family wants it, rounded to 8 bits as the crops of its
 * training and of insightface are. */
static void fill_tensor(const struct family *family, const struct lk_picture *crop, float *tensor)
{
    const size_t plane = (size_t)SIDE * SIDE, channels = (size_t)crop->channels;
    for (size_t i = 0; i < plane; i++) {
        for (size_t c = 0; c < 3; c++) {
            float v = rintf(fminf(fmaxf(crop->f32[i * channels + c], 0), 1) * 255);
            tensor[(family->bgr ? 2 - c : c) * plane + i] = (v - family->mean) * family->factor;
        }
    }
}

/* raw [size] → unit vector; LK_E_INPUT when the network answers with nothing to normalise. */
static int normalise(const lk_embedder *embedder,
                     const float *raw,
                     struct lk_embedding *out,
                     struct lk_error *err)
{
    double square = 0;
    for (int i = 0; i < embedder->family->size; i++)
        square += (double)raw[i] * raw[i];
    if (!(square > 1e-24))
        return lk_fail(
            err, LK_E_INPUT,
            "the embedder '%s' answers with zeros: its weights are damaged, get the file "
            "again",
            embedder->path);
    double length = sqrt(square);
    *out = (struct lk_embedding){.size = embedder->family->size, .norm = (float)length};
    for (int i = 0; i < out->size; i++)
        out->value[i] = (float)(raw[i] / length);
    memcpy(out->embedder, embedder->sha256.hex, sizeof out->embedder);
    return 0;
}

/* tensor [n,3,112,112] → the embeddings of n faces. */
static int run(const lk_embedder *embedder,
               float *tensor,
               size_t n,
               const struct lk_watch *watch,
               struct lk_face *faces,
               struct lk_error *err)
{
    const size_t size = (size_t)embedder->family->size;
    struct lk_array input = {
        .dtype = LK_F32, .rank = 4, .shape = {(int64_t)n, 3, SIDE, SIDE}, .data = tensor};
    struct lk_array output = {0};
    int code = lk_session_run(embedder->session, 1, &embedder->input, &input, 1, &embedder->output,
                              &output, watch, err);
    if (!code && (output.dtype != LK_F32 || lk_array_count(&output) != n * size))
        code = lk_contract_fail(&embedder->contract, embedder->session, err);
    if (!code)
        code = lk_contract_finite(&embedder->contract, &output, err);
    for (size_t i = 0; i < n && !code; i++)
        code = normalise(embedder, (const float *)output.data + i * size, &faces[i].embedding, err);
    lk_arrays_free(&output, 1);
    return code;
}

/* Plain bilinear sampling, also where it shrinks: what embedders were trained and their thresholds
 * were measured with. */
static int fill_crop(const lk_embedder *embedder,
                     const struct lk_picture *picture,
                     const struct lk_face *face,
                     float *tensor,
                     struct lk_error *err)
{
    struct lk_affine to_crop;
    struct lk_picture *crop = NULL;
    int code = lk_align_face((const float(*)[2])face->points, embedder->family->align, SIDE,
                             &to_crop, err);
    if (!code)
        code = lk_affine_crop_bilinear(picture, &to_crop, SIDE, SIDE, &crop, err);
    if (!code)
        fill_tensor(embedder->family, crop, tensor);
    lk_picture_free(crop);
    return code;
}

int lk_embed_faces(const lk_embedder *embedder,
                   const struct lk_picture *picture,
                   struct lk_face *faces,
                   size_t n,
                   const struct lk_watch *watch,
                   struct lk_error *err)
{
    const size_t one = (size_t)3 * SIDE * SIDE, most = embedder->batches ? BATCH : 1,
                 room = n < most ? n : most;
    int code = 0;
    if (!n)
        return 0;
    float *tensor = malloc(room * one * sizeof *tensor);
    if (!tensor)
        return lk_fail_memory(err, "the crops of faces", room * one * sizeof *tensor);
    for (size_t at = 0; at < n && !code; at += room) {
        const size_t m = n - at < room ? n - at : room;
        for (size_t i = 0; i < m && !code; i++)
            code = fill_crop(embedder, picture, &faces[at + i], tensor + i * one, err);
        if (!code)
            code = run(embedder, tensor, m, watch, &faces[at], err);
    }
    free(tensor);
    return code;
}

int lk_embed_face(const lk_embedder *embedder,
                  const struct lk_picture *picture,
                  const struct lk_face *face,
                  const struct lk_watch *watch,
                  struct lk_embedding *out,
                  struct lk_error *err)
{
    struct lk_face one = *face;
    int code = lk_embed_faces(embedder, picture, &one, 1, watch, err);
    if (!code)
        *out = one.embedding;
    return code;
}

static float area(const struct lk_face *face)
{
    return (face->box[2] - face->box[0]) * (face->box[3] - face->box[1]);
}

const struct lk_face *lk_identity_face(const struct lk_face *faces, size_t count)
{
    const struct lk_face *chosen = NULL;
    float best = 0;
    for (size_t i = 0; i < count; i++)
        best = fmaxf(best, faces[i].score);
    for (size_t i = 0; i < count; i++) {
        if (faces[i].score >= best / 2 && (!chosen || area(&faces[i]) > area(chosen)))
            chosen = &faces[i];
    }
    return chosen;
}

int lk_identity_no_face(const char *name, struct lk_error *err)
{
    return lk_fail(err, LK_E_INPUT,
                   "no face is found in '%s': give a photo that shows the face larger and from the "
                   "front",
                   name);
}

int lk_identity_of_photo(const lk_embedder *embedder,
                         const char *name,
                         const struct lk_picture *picture,
                         const struct lk_face *faces,
                         size_t count,
                         const struct lk_watch *watch,
                         struct lk_identity *out,
                         struct lk_error *err)
{
    const struct lk_face *chosen = lk_identity_face(faces, count);
    if (!chosen)
        return lk_identity_no_face(name, err);
    struct lk_identity identity = {.photos = 1};
    snprintf(identity.name, sizeof identity.name, "%s", name);
    int code = lk_embed_face(embedder, picture, chosen, watch, &identity.embedding, err);
    if (!code)
        *out = identity;
    return code;
}
