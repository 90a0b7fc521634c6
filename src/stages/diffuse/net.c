// SPDX-License-Identifier: Apache-2.0
/* Every weight is asked for with the shape that the topology gives it, so that a checkpoint whose
 * tensors do not fit is refused here, by name, and not in the middle of a run. */
#include "stages/diffuse/net.h"

#include <stdarg.h>
#include <stdio.h>

void lk__name(char out[LK__NAME_SIZE], const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(out, LK__NAME_SIZE, format, list);
    va_end(list);
}

static lk_value weight(
    const struct lk__net *net, const char *name, const char *tail, int rank, const int64_t *shape)
{
    char full[LK__NAME_SIZE];
    lk__name(full, "%s.%s", name, tail);
    lk_graph_at(net->graph, "%s", full);
    return lk_graph_weight(net->graph, lk_checkpoint_tensor(net->checkpoint, net->part, full), rank,
                           shape);
}

static lk_value vector(const struct lk__net *net, const char *name, const char *tail, int size)
{
    return weight(net, name, tail, 1, (const int64_t[]){size});
}

lk_value lk__net_conv_padded(const struct lk__net *net,
                             lk_value x,
                             const char *name,
                             int in,
                             int out,
                             int kernel,
                             int stride,
                             const int pad[4])
{
    lk_value w = weight(net, name, "weight", 4, (const int64_t[]){out, in, kernel, kernel});
    lk_value b = vector(net, name, "bias", out);
    lk_graph_at(net->graph, "%s", name);
    return lk_graph_conv(net->graph, x, w, b, kernel, stride, pad);
}

lk_value lk__net_conv(const struct lk__net *net,
                      lk_value x,
                      const char *name,
                      int in,
                      int out,
                      int kernel,
                      int stride)
{
    const int pad = kernel / 2;
    return lk__net_conv_padded(net, x, name, in, out, kernel, stride,
                               (const int[]){pad, pad, pad, pad});
}

lk_value lk__net_linear(
    const struct lk__net *net, lk_value x, const char *name, int in, int out, int without_bias)
{
    lk_value w = weight(net, name, "weight", 2, (const int64_t[]){out, in});
    lk_value b = without_bias ? LK_NO_VALUE : vector(net, name, "bias", out);
    lk_graph_at(net->graph, "%s", name);
    return lk_graph_linear(net->graph, x, w, b);
}

lk_value lk__net_group_norm(
    const struct lk__net *net, lk_value x, const char *name, int channels, float epsilon)
{
    lk_value gamma = vector(net, name, "weight", channels);
    lk_value beta = vector(net, name, "bias", channels);
    lk_graph_at(net->graph, "%s", name);
    return lk_graph_group_norm(net->graph, x, gamma, beta, net->groups, epsilon);
}

lk_value lk__net_layer_norm(const struct lk__net *net, lk_value x, const char *name, int channels)
{
    lk_value gamma = vector(net, name, "weight", channels);
    lk_value beta = vector(net, name, "bias", channels);
    lk_graph_at(net->graph, "%s", name);
    return lk_graph_layer_norm(net->graph, x, gamma, beta, 1e-5f);
}

/* conv(silu(norm(x))) */
static lk_value norm_conv(
    const struct lk__net *net, lk_value x, const char *block, const char *which, int in, int out)
{
    char name[LK__NAME_SIZE];
    lk__name(name, "%s.norm%s", block, which);
    x = lk__net_group_norm(net, x, name, in, net->epsilon);
    x = lk_graph_activation(net->graph, x, LK_SILU);
    lk__name(name, "%s.conv%s", block, which);
    return lk__net_conv(net, x, name, in, out, 3, 1);
}

lk_value lk__net_resnet(const struct lk__net *net,
                        lk_value x,
                        lk_value time,
                        const char *name,
                        int in,
                        int out,
                        int time_width)
{
    char part[LK__NAME_SIZE];
    lk_value h = norm_conv(net, x, name, "1", in, out);
    if (time != LK_NO_VALUE) {
        lk__name(part, "%s.time_emb_proj", name);
        lk_value shift = lk__net_linear(net, time, part, time_width, out, 0);
        h = lk_graph_add(net->graph, h, lk_graph_as_pixels(net->graph, shift));
    }
    h = norm_conv(net, h, name, "2", out, out);
    if (in != out) {
        lk__name(part, "%s.conv_shortcut", name);
        x = lk__net_conv(net, x, part, in, out, 1, 1);
    }
    lk_graph_at(net->graph, "%s", name);
    return lk_graph_add(net->graph, x, h);
}
