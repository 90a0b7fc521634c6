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
#include <string.h>

#include "stages/refine/swap_family.h"

enum { SIZE = LK__SWAP_VECTOR };

static int open_map(const struct lk_contract *contract,
                    struct lk__swap_ports *ports,
                    struct lk_error *err)
{
    const int64_t emap[] = {SIZE, SIZE};
    if (lk_onnx_initializer(contract->path, "buff2fs", 2, emap, &ports->map, NULL) == 0)
        return 0;
    int code = lk_onnx_initializer(contract->path, NULL, 2, emap, &ports->map, err);
    return code ? lk_fail_context(err, code, "the emap of swapper '%s'", contract->path) : 0;
}

static int make_source(const struct lk_contract *contract,
                       const struct lk__swap_ports *ports,
                       float *vector,
                       struct lk_error *err)
{
    double sum[SIZE] = {0};
    float mapped[SIZE];
    if (lk__swap_normalise(vector) > 0) {
        for (int i = 0; i < SIZE; i++) /* e · emap, row by row */
            for (int k = 0; k < SIZE; k++)
                sum[k] += (double)vector[i] * ports->map[i * SIZE + k];
    }
    for (int k = 0; k < SIZE; k++)
        mapped[k] = (float)sum[k];
    if (!(lk__swap_normalise(mapped) > 0))
        return lk_fail(err, LK_E_INPUT,
                       "the identity or the emap of swapper '%s' is zero or NaN: make the identity "
                       "again, or get the file again",
                       contract->path);
    memcpy(vector, mapped, sizeof mapped);
    return 0;
}

const struct lk__swap_family lk__swap_inswapper = {
    .name = "inswapper",
    .expects = "inputs target [1,3,S,S] and source [1,512], one output [1,3,S,S], and an "
               "initializer buff2fs [512,512]",
    .align = LK_ALIGN_ARCFACE_128,
    .in = {{0, 0, 0}, {1, 1, 1}},
    .out = {{0, 0, 0}, {1, 1, 1}},
    .side = 128,
    .open = open_map,
    .source = make_source,
};
