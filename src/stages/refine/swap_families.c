// SPDX-License-Identifier: Apache-2.0
/* The families that differ from each other only in numbers, as FaceFusion's face_swapper.py has
 * them. e is the embedding as the embedder answers, n(v) = v / ‖v‖.
 *
 *     family      alignment        target, answer        source
 *     hyperswap   arcface_128      −1…1, −1…1            n(e)
 *     simswap     arcface_112_v1   ImageNet's, 0…1       n(crossface_simswap(e))
 *     simswap_512 arcface_112_v1   0…1, 0…1              n(crossface_simswap(e))
 *     ghost       arcface_112_v1   −1…1, −1…1            crossface_ghost(e)
 *     hififace    mtcnn_512        −1…1, −1…1            n(crossface_hififace(e))
 *     uniface     ffhq_512         −1…1, −1…1            the source's face, ffhq_512 at 256², 0…1
 *     blendswap   ffhq_512         0…1, 0…1              the source's face, arcface_112_v2 at 112²,
 * 0…1
 *
 * hyperswap answers a mask too, which is not used. */
#include "stages/refine/swap_family.h"

#define VECTOR "inputs target [1,3,S,S] and source [1,512], and an output [1,3,S,S]"
#define PLAIN                                                                                      \
    {                                                                                              \
        {0, 0, 0},                                                                                 \
        {                                                                                          \
            1, 1, 1                                                                                \
        }                                                                                          \
    }
#define SIGNED_IN                                                                                  \
    {                                                                                              \
        {0.5f, 0.5f, 0.5f},                                                                        \
        {                                                                                          \
            2, 2, 2                                                                                \
        }                                                                                          \
    } /* (v − ½)·2 */
#define SIGNED_OUT                                                                                 \
    {                                                                                              \
        {0.5f, 0.5f, 0.5f},                                                                        \
        {                                                                                          \
            0.5f, 0.5f, 0.5f                                                                       \
        }                                                                                          \
    }
#define IMAGENET_IN                                                                                \
    {                                                                                              \
        {0.485f, 0.456f, 0.406f},                                                                  \
        {                                                                                          \
            1 / 0.229f, 1 / 0.224f, 1 / 0.225f                                                     \
        }                                                                                          \
    }

const struct lk__swap_family lk__swap_hyperswap = {
    .name = "hyperswap",
    .expects = VECTOR,
    .align = LK_ALIGN_ARCFACE_128,
    .in = SIGNED_IN,
    .out = SIGNED_OUT,
    .side = 256,
    .source = lk__swap_unit_source,
};

const struct lk__swap_family lk__swap_simswap = {
    .name = "simswap",
    .expects = VECTOR,
    .align = LK_ALIGN_ARCFACE_112_V1,
    .in = IMAGENET_IN,
    .out = PLAIN,
    .side = 256,
    .converter = "crossface-simswap",
    .source = lk__swap_unit_source,
};

const struct lk__swap_family lk__swap_simswap_512 = {
    .name = "simswap_512",
    .expects = VECTOR,
    .align = LK_ALIGN_ARCFACE_112_V1,
    .in = PLAIN,
    .out = PLAIN,
    .side = 512,
    .converter = "crossface-simswap",
    .source = lk__swap_unit_source,
};

const struct lk__swap_family lk__swap_ghost = {
    .name = "ghost",
    .expects = VECTOR,
    .align = LK_ALIGN_ARCFACE_112_V1,
    .in = SIGNED_IN,
    .out = SIGNED_OUT,
    .side = 256,
    .converter = "crossface-ghost",
};

const struct lk__swap_family lk__swap_hififace = {
    .name = "hififace",
    .expects = VECTOR,
    .align = LK_ALIGN_MTCNN_512,
    .in = SIGNED_IN,
    .out = SIGNED_OUT,
    .side = 256,
    .converter = "crossface-hififace",
    .source = lk__swap_unit_source,
};

const struct lk__swap_family lk__swap_uniface = {
    .name = "uniface",
    .expects = "inputs target [1,3,S,S] and source [1,3,256,256], and an output [1,3,S,S]",
    .align = LK_ALIGN_FFHQ_512,
    .in = SIGNED_IN,
    .out = SIGNED_OUT,
    .side = 256,
    .source_align = LK_ALIGN_FFHQ_512,
    .source_side = 256,
};

const struct lk__swap_family lk__swap_blendswap = {
    .name = "blendswap",
    .expects = "inputs target [1,3,S,S] and source [1,3,112,112], and an output [1,3,S,S]",
    .align = LK_ALIGN_FFHQ_512,
    .in = PLAIN,
    .out = PLAIN,
    .side = 256,
    .source_align = LK_ALIGN_ARCFACE_112_V2,
    .source_side = 112,
};
