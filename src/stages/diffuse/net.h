// SPDX-License-Identifier: Apache-2.0
/* Layers as the UNet and the VAE share them: a graph's operator together with its weights, found in
 * the checkpoint by their diffusers name and checked against the shape that the topology asks for.
 * Errors stick to the graph. */
#ifndef LK_STAGES_DIFFUSE_NET_H
#define LK_STAGES_DIFFUSE_NET_H

#include "catalog/checkpoint.h"
#include "runtime/graph.h"

/* A diffusers name in full; the longest of SD 1.x has 73 bytes, longer ones are cut and not found.
 */
#define LK__NAME_SIZE 160
void lk__name(char out[LK__NAME_SIZE], const char *format, ...) LK_PRINTF(2, 3);

struct lk__net {
    lk_graph *graph;
    const lk_checkpoint *checkpoint;
    enum lk_part part;
    int groups;
    float epsilon; /* of the resnets' group norms */
};

/* x [N,in,H,W] → [N,out,H/stride,W/stride] with NAME.weight [out,in,k,k], NAME.bias [out]; padded
 * by k/2 on every side. */
lk_value lk__net_conv(const struct lk__net *net,
                      lk_value x,
                      const char *name,
                      int in,
                      int out,
                      int kernel,
                      int stride);
/* The same with the padding said: top, left, bottom, right. */
lk_value lk__net_conv_padded(const struct lk__net *net,
                             lk_value x,
                             const char *name,
                             int in,
                             int out,
                             int kernel,
                             int stride,
                             const int pad[4]);
/* x […,in] → […,out]; NAME.weight [out,in], NAME.bias [out] unless without_bias. */
lk_value lk__net_linear(
    const struct lk__net *net, lk_value x, const char *name, int in, int out, int without_bias);
/* NAME.weight, NAME.bias [channels] */
lk_value lk__net_group_norm(
    const struct lk__net *net, lk_value x, const char *name, int channels, float epsilon);
lk_value lk__net_layer_norm(const struct lk__net *net, lk_value x, const char *name, int channels);

/* h = conv2(silu(norm2(conv1(silu(norm1(x))) + time_emb_proj(time)))); → h + shortcut(x)
 * x [N,in,H,W] → [N,out,H,W]; time [N,time_width], already through silu, or LK_NO_VALUE (VAE). The
 * shortcut is conv_shortcut (1×1) where in ≠ out. */
lk_value lk__net_resnet(const struct lk__net *net,
                        lk_value x,
                        lk_value time,
                        const char *name,
                        int in,
                        int out,
                        int time_width);

#endif
