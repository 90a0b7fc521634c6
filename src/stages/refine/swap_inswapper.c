// SPDX-License-Identifier: Apache-2.0
/* inswapper (insightface's inswapper_128): `target` [1,3,S,S] RGB 0…1 and `source` [1,512] → the
 * swapped crop [1,3,S,S] RGB 0…1.
 *
 * The network does not take an ArcFace embedding e as it is but through a matrix that the file
 * carries along, emap [512,512], an initializer that no node uses:
 *
 *     source = n(n(e) · emap),  n(v) = v / ‖v‖          [insightface inswapper.py]
 *
 * insightface takes the last initializer of the file; tools that rewrite ONNX files reorder them,
 * so it is found by its name `buff2fs`, and failing that by its shape. */
#include <math.h>

#include "stages/refine/swap_family.h"

enum { SIZE = 512, MAX_SIDE = 1024 };

static const int64_t picture_shape[] = {1, 3, -1, -1}, source_shape[] = {1, SIZE};

/* Inputs by their names, or by their shapes when an export has renamed them. */
static bool find_inputs(const lk_session *session,
                        const struct lk_port **target,
                        const struct lk_port **source)
{
    const struct lk_port *in;
    if (lk_session_inputs(session, &in) != 2)
        return false;
    *target = lk_port_named(in, 2, "target");
    *source = lk_port_named(in, 2, "source");
    if (!*target || !*source) {
        *target = in[0].rank == 4 ? &in[0] : &in[1];
        *source = in[0].rank == 4 ? &in[1] : &in[0];
    }
    return lk_port_fits(*target, 4, picture_shape) && lk_port_fits(*source, 2, source_shape);
}

static int open_ports(const struct lk_contract *contract,
                      const lk_session *session,
                      struct lk__swap_ports *ports,
                      struct lk_error *err)
{
    const struct lk_port *target, *source, *out;
    const int64_t emap[] = {SIZE, SIZE};
    if (!find_inputs(session, &target, &source) || lk_session_outputs(session, &out) != 1 ||
        !lk_port_fits(&out[0], 4, picture_shape))
        return lk_contract_fail(contract, session, err);
    int64_t side = target->shape[2] > 0 ? target->shape[2] : 128;
    if (side > MAX_SIDE || !lk_port_fits(target, 4, (const int64_t[]){1, 3, side, side}) ||
        !lk_port_fits(&out[0], 4, (const int64_t[]){1, 3, side, side}))
        return lk_contract_fail(contract, session, err);
    ports->target = target->name;
    ports->source = source->name;
    ports->output = out[0].name;
    ports->side = (int)side;
    ports->source_size = ports->embedding = SIZE;
    if (lk_onnx_initializer(contract->path, "buff2fs", 2, emap, &ports->map, NULL) == 0)
        return 0;
    int code = lk_onnx_initializer(contract->path, NULL, 2, emap, &ports->map, err);
    return code ? lk_fail_context(err, code, "the emap of swapper '%s'", contract->path) : 0;
}

static bool normalise(float *v)
{
    double square = 0;
    for (int i = 0; i < SIZE; i++)
        square += (double)v[i] * v[i];
    if (!(square > 1e-24) || !isfinite(square))
        return false;
    const double length = sqrt(square);
    for (int i = 0; i < SIZE; i++)
        v[i] = (float)(v[i] / length);
    return true;
}

static int make_source(const struct lk_contract *contract,
                       const struct lk__swap_ports *ports,
                       const struct lk_embedding *embedding,
                       float *source,
                       struct lk_error *err)
{
    double sum[SIZE] = {0}, square = 0;
    for (int i = 0; i < SIZE; i++)
        square += (double)embedding->value[i] * embedding->value[i];
    const double length = sqrt(square);
    for (int i = 0; i < SIZE; i++) { /* e · emap, row by row */
        const double e = embedding->value[i] / length;
        for (int k = 0; k < SIZE; k++)
            sum[k] += e * ports->map[i * SIZE + k];
    }
    for (int k = 0; k < SIZE; k++)
        source[k] = (float)sum[k];
    if (!normalise(source))
        return lk_fail(err, LK_E_INPUT,
                       "the identity or the emap of swapper '%s' is zero or NaN: make the identity "
                       "again, or get the file again",
                       contract->path);
    return 0;
}

const struct lk__swap_family lk__swap_inswapper = {
    .name = "inswapper",
    .expects = "inputs target [1,3,S,S] and source [1,512], one output [1,3,S,S], and an "
               "initializer buff2fs [512,512]",
    .align = LK_ALIGN_ARCFACE_128,
    .mean = 0,
    .factor = 1,
    .out_mean = 0,
    .out_factor = 1,
    .open = open_ports,
    .source = make_source,
};
