// SPDX-License-Identifier: Apache-2.0
/* A vector: the identity's embedding, mixed with the face's own where less than all of the identity
 * is asked for, through the converter where there is one, then as the family wants it. Or the
 * identity's face in pixels.
 *
 * A converter takes what the embedder answered before it was normalised. A cast keeps unit vectors;
 * their length is then taken to be that of most faces. */
#include "stages/refine/swap_source.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Lengths of w600k_r50's answers to clear frontal faces lie around it. */
static const float usual_norm = 22;

int lk__converter_open(lk_runtime *runtime,
                       const char *path,
                       const char *device,
                       struct lk__converter *out,
                       struct lk_error *err)
{
    const struct lk_port *in, *answers;
    const int64_t vector[] = {1, LK__SWAP_VECTOR};
    if (!(out->path = strdup(path)))
        return lk_fail_memory(err, "a converter", strlen(path));
    out->contract = (struct lk_contract){.path = out->path,
                                         .role = "converter",
                                         .family = "crossface",
                                         .expects = "one input [1,512] and one output [1,512]"};
    int code = lk_session_open(runtime, path, device, &out->session, err);
    if (code)
        return code;
    if (lk_session_inputs(out->session, &in) != 1 ||
        lk_session_outputs(out->session, &answers) != 1 || !lk_port_fits(in, 2, vector) ||
        !lk_port_fits(answers, 2, vector))
        return lk_contract_fail(&out->contract, out->session, err);
    out->input = in->name;
    out->output = answers->name;
    return 0;
}

void lk__converter_close(struct lk__converter *converter)
{
    lk_session_release(converter->session);
    free(converter->path);
}

static int convert(const struct lk__converter *converter,
                   float *vector,
                   const struct lk_watch *watch,
                   struct lk_error *err)
{
    const struct lk_array input = {
        .dtype = LK_F32, .rank = 2, .shape = {1, LK__SWAP_VECTOR}, .data = vector};
    struct lk_array answer = {0};
    int code = lk_session_run(converter->session, 1, &converter->input, &input, 1,
                              &converter->output, &answer, watch, err);
    if (!code && (answer.dtype != LK_F32 || lk_array_count(&answer) != LK__SWAP_VECTOR))
        code = lk_contract_fail(&converter->contract, converter->session, err);
    if (!code)
        code = lk_contract_finite(&converter->contract, &answer, err);
    if (!code)
        memcpy(vector, answer.data, LK__SWAP_VECTOR * sizeof *vector);
    lk_arrays_free(&answer, 1);
    return code;
}

/* own may be of another embedder, or none: then nothing is mixed in. */
static void mix(const struct lk_embedding *identity,
                const struct lk_embedding *own,
                float strength,
                float *vector)
{
    const bool mixes = fabsf(strength - 1) > 1e-6f && !isnan(lk_embedding_cosine(identity, own));
    for (int i = 0; i < LK__SWAP_VECTOR; i++)
        vector[i] = mixes ? strength * identity->value[i] + (1 - strength) * own->value[i]
                          : identity->value[i];
}

static int make_vector(const struct lk__swap_family *family,
                       const struct lk_contract *contract,
                       const struct lk__swap_ports *ports,
                       const struct lk__converter *converter,
                       const struct lk_identity *identity,
                       const struct lk_embedding *own,
                       float strength,
                       const struct lk_watch *watch,
                       float *vector,
                       struct lk_error *err)
{
    const float norm = identity->embedding.norm > 0 ? identity->embedding.norm : usual_norm;
    int code = 0;
    mix(&identity->embedding, own, strength, vector);
    if (converter->session) {
        code = lk__swap_unit_source(contract, ports, vector, err);
        for (int i = 0; i < LK__SWAP_VECTOR; i++)
            vector[i] *= norm;
        code = code ? code : convert(converter, vector, watch, err);
    }
    return code || !family->source ? code : family->source(contract, ports, vector, err);
}

/* planes [3,side,side] of the identity's face. */
static int make_pixels(const struct lk__swap_family *family,
                       const struct lk_contract *contract,
                       const struct lk_identity *identity,
                       float *planes,
                       struct lk_error *err)
{
    static const struct lk__range plain = {{0, 0, 0}, {1, 1, 1}};
    struct lk_affine to_crop;
    struct lk_picture *crop = NULL;
    if (!identity->photo)
        return lk_fail(err, LK_E_INPUT,
                       "swapper '%s' looks at a photo, and of '%s' only numbers are known: add a "
                       "photo, or take a swapper of family inswapper or hyperswap",
                       contract->path, identity->name);
    int code =
        lk_align_face(identity->points, family->source_align, family->source_side, &to_crop, err);
    if (!code)
        code = lk_affine_crop_bilinear(identity->photo, &to_crop, family->source_side,
                                       family->source_side, &crop, err);
    if (!code)
        lk__planes_of_crop(crop, (struct lk__comb){.k = 1}, family->source_side, &plain, planes);
    lk_picture_free(crop);
    return code;
}

int lk__swap_source(const struct lk__swap_family *family,
                    const struct lk_contract *contract,
                    const struct lk__swap_ports *ports,
                    const struct lk__converter *converter,
                    const struct lk_identity *identity,
                    const struct lk_embedding *own,
                    float strength,
                    const struct lk_watch *watch,
                    struct lk_array *out,
                    struct lk_error *err)
{
    const int side = ports->source_side;
    const size_t count = side ? (size_t)3 * (size_t)side * (size_t)side : LK__SWAP_VECTOR;
    float *data = malloc(count * sizeof *data);
    if (!data)
        return lk_fail_memory(err, "the source of a swap", count * sizeof *data);
    int code = side ? make_pixels(family, contract, identity, data, err)
                    : make_vector(family, contract, ports, converter, identity, own, strength,
                                  watch, data, err);
    if (code) {
        free(data);
        return code;
    }
    *out = side ? (struct lk_array){.dtype = LK_F32, .rank = 4, .shape = {1, 3, side, side}}
                : (struct lk_array){.dtype = LK_F32, .rank = 2, .shape = {1, LK__SWAP_VECTOR}};
    out->data = data;
    return 0;
}
